//! The life of an account, from sign-up to its last session.

use crate::support::{Club, PASSWORD, by_email, settings, told};
use backstay_base::CallerKind;
use backstay_engine::Context;
use backstay_identity::{Settings, SignUp};

const WRONG: &str = "wrong-credentials";
const ENDED: &str = "invalid-token";

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_made_with_its_first_session() {
    let club = Club::open(settings());
    let body = format!(r#"{{"email": " Ada@Example.ORG ", "name": "Ada", "bio": "b", "password": "{PASSWORD}"}}"#);
    let signed_in = club.sign_up_with(&body).await.expect("sign-up is open");

    let account = club.account(&signed_in).await;
    assert_eq!(account["email"], "ada@example.org");
    assert_eq!(account["bio"], "b");
    assert_eq!(account["rank"], 0);
    assert_eq!(signed_in.expires_at.to_string(), "2026-03-02T12:00:00.000000Z");
    assert!(signed_in.token.expose().starts_with("bst_"));

    let cx = club.shown(&signed_in.token).await.expect("the token is good");
    assert_eq!(cx.caller().kind, CallerKind::Account);
    assert_eq!(cx.caller().id.map(|id| id.to_string()), account["id"].as_str().map(str::to_owned));

    let me = club.me(&cx).await;
    assert_eq!(me["kind"], "ACCOUNT");
    assert_eq!(me["id"], account["id"]);
    assert_eq!(me["account"]["email"], "ada@example.org");
    assert_eq!(me["expiresAt"], "2026-03-02T12:00:00.000000Z");
    assert_eq!(me["roles"], serde_json::json!([]));
    assert_eq!(told(club.identity.me(&club.anonymous()).await), "sign-in-required");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_ends_when_its_owner_says_so() {
    let club = Club::open(settings());
    let first = club.sign_up("ada@example.org").await.expect("sign-up is open").token;
    let second = club.sign_in("ADA@example.org", PASSWORD).await.expect("the password is right").token;
    let third = club.sign_in("ada@example.org", PASSWORD).await.expect("the password is right").token;

    let cx = club.shown(&first).await.expect("the token is good");
    assert_eq!(told(club.identity.sign_out(&cx).await), "done");
    assert_eq!(told(club.shown(&first).await), ENDED);
    assert_eq!(told(club.identity.sign_out(&cx).await), "done");

    let cx = club.shown(&second).await.expect("the other session goes on");
    assert_eq!(club.identity.sign_out_everywhere(&cx).await.expect("an account may"), 2);
    for token in [&second, &third] {
        assert_eq!(told(club.shown(token).await), ENDED);
    }
    assert_eq!(told(club.sign_in("ada@example.org", PASSWORD).await), "done");
    assert_eq!(told(club.identity.sign_out(&club.anonymous()).await), "sign-in-required");
    assert_eq!(told(club.identity.sign_out_everywhere(&club.anonymous()).await), "sign-in-required");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_password_ends_every_other_session() {
    let club = Club::open(settings());
    let first = club.sign_up("ada@example.org").await.expect("sign-up is open").token;
    let second = club.sign_in("ada@example.org", PASSWORD).await.expect("the password is right").token;
    let cx = club.shown(&first).await.expect("the token is good");
    let change = async |cx: &Context, body: &str| club.change_password(cx, body).await;

    let check = async |body: &str, expected: &str| assert_eq!(told(change(&cx, body).await), expected, "{body}");
    check(r#"{"password": "another good one"}"#, "/current required").await;
    check(r#"{"current": "x"}"#, "/password required").await;
    check(r#"{"current": "not this one", "password": "another good one"}"#, WRONG).await;
    check(r#"{"current": "correct horse battery", "password": "short"}"#, "/password range").await;
    check(r#"{"current": "correct horse battery", "password": "correct horse battery"}"#, "/password range").await;
    check(r#"{"current": "correct horse battery", "password": "another good one", "x": 1}"#, "/x unknown").await;
    assert_eq!(told(change(&club.anonymous(), "{}").await), "sign-in-required");
    assert_eq!(told(club.shown(&second).await), "done");

    let body = r#"{"current": "correct horse battery", "password": "another good one"}"#;
    let changed = change(&cx, body).await.expect("the password is right");
    assert_eq!(club.account(&changed).await["email"], "ada@example.org");
    for token in [&first, &second] {
        assert_eq!(told(club.shown(token).await), ENDED);
    }
    assert_eq!(told(club.shown(&changed.token).await), "done");
    assert_eq!(told(club.sign_in("ada@example.org", PASSWORD).await), WRONG);
    assert_eq!(told(club.sign_in("ada@example.org", "another good one").await), "done");
}

#[tokio::test(flavor = "multi_thread")]
async fn sign_up_takes_what_the_account_may_write_and_nothing_else() {
    let club = Club::open(settings());
    let check = async |members: &str, expected: &str| {
        let body = format!(r#"{{"email": "ada@example.org", "name": "Ada", "password": "{PASSWORD}"{members}}}"#);
        assert_eq!(told(club.sign_up_with(&body).await), expected, "{members}");
    };
    check(r#", "rank": 9"#, "/rank forbidden").await;
    check(r#", "badge": "gold""#, "/badge forbidden").await;
    check(r#", "credits": 1000"#, "/credits read-only").await;
    check(r#", "groups": []"#, "/groups read-only").await;
    check(r#", "id": "0190a5d0-0000-7000-8000-000000000001""#, "/id read-only").await;
    check(r#", "nane": "Ada""#, "/nane unknown, name?").await;
    check(r#", "name": "Bob""#, "/name duplicate").await;
    check(r#", "password": "another good one""#, "/password duplicate").await;
    check(r#", "bio": 7"#, "/bio type").await;
    check(r#", "bio": "a writer of programs""#, "done").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_members_of_a_sign_up_are_named() {
    let club = Club::open(settings());
    let check = async |body: &str, expected: &str| assert_eq!(told(club.sign_up_with(body).await), expected, "{body}");
    check(r#"{"name": "Ada", "password": "correct horse battery"}"#, "/email required").await;
    check(r#"{"email": null, "name": "A", "password": "correct horse battery"}"#, "/email required").await;
    check(r#"{"email": "ada@example.org", "name": "Ada"}"#, "/password required").await;
    check(r#"{"email": "ada@example.org", "password": "correct horse battery"}"#, "/name required").await;
    check(r#"{"email": "ada@example.org", "name": "Ada", "password": "short"}"#, "/password range").await;
    check("[]", " type").await;
    check("{", " syntax").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_taken_address_and_another_taken_value_are_refused_alike() {
    let club = Club::open(settings());
    let body = |email: &str, handle: &str| {
        format!(r#"{{"email": "{email}", "handle": "{handle}", "name": "Ada", "password": "{PASSWORD}"}}"#)
    };
    club.sign_up_with(&body("ada@example.org", "ada")).await.expect("sign-up is open");
    let before = club.identity.hashes_computed();
    for (email, handle) in [("ada@example.org", "other"), ("ADA@example.org", "other"), ("bob@example.org", "ada")] {
        let refused = told(club.sign_up_with(&body(email, handle)).await);
        assert_eq!(refused, "forbidden");
    }
    assert_eq!(club.identity.hashes_computed() - before, 3, "the work is done all the same");
    assert_eq!(told(club.sign_up_with(&body("bob@example.org", "bob")).await), "done");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_taken_value_that_everybody_may_read_is_named() {
    let club = Club::of(
        r#"
        extend schema @app(name: "Club")
        type User @identity @allow(read: "true") {
          email: Email! @unique @allow(read: "this.id == auth.id")
          badge: String @unique @allow(read: "this.username == 'ada'")
          username: String! @unique
        }"#,
    );
    let check = async |email: &str, username: &str, badge: &str, expected: &str| {
        let body = format!(
            r#"{{"email": "{email}@example.org", "username": "{username}", "badge": "{badge}", "password": "{PASSWORD}"}}"#
        );
        assert_eq!(told(club.sign_up_with(&body).await), expected, "{email} {username} {badge}");
    };
    check("ada", "ada", "1", "done").await;
    check("bob", "ada", "2", "not-unique").await;
    // What is hidden doesn't show beside it.
    check("ada", "ada", "2", "not-unique").await;
    check("bob", "ada", "1", "not-unique").await;
    check("bob", "bob", "1", "forbidden").await;
    check("ada", "bob", "2", "forbidden").await;
    check("bob", "bob", "2", "done").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_parallel_sign_ups_with_one_address_one_succeeds() {
    let club = std::sync::Arc::new(Club::open(settings()));
    let tasks: Vec<_> = (0..16)
        .map(|_| {
            let club = std::sync::Arc::clone(&club);
            tokio::spawn(async move { told(club.sign_up("ada@example.org").await) })
        })
        .collect();
    let mut answers = Vec::new();
    for task in tasks {
        answers.push(task.await.expect("the task ends"));
    }
    let made = answers.iter().filter(|answer| *answer == "done").count();
    let refused = answers.iter().filter(|answer| *answer == "forbidden").count();
    assert_eq!((made, refused), (1, 15), "{answers:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_sign_in_does_not_reveal_why() {
    let club = Club::open(settings());
    club.sign_up("ada@example.org").await.expect("sign-up is open");
    club.sign_up("off@example.org").await.expect("sign-up is open");
    club.administration(&club.system())
        .disable_account(&by_email("off@example.org"))
        .await
        .expect("the account exists");
    let long = "x".repeat(5000);

    for (email, password) in [
        ("ada@example.org", "not the password"),
        ("nobody@example.org", PASSWORD),
        ("not an address", PASSWORD),
        ("off@example.org", PASSWORD),
        ("ada@example.org", &long),
        ("ada@example.org", ""),
        ("' OR 1=1 --", PASSWORD),
    ] {
        let before = club.identity.hashes_computed();
        assert_eq!(told(club.sign_in(email, password).await), WRONG, "{email}");
        assert_eq!(club.identity.hashes_computed() - before, 1, "{email}: as much work as for any other");
    }
    let as_operator = format!(r#"{{"email": "ada@example.org", "password": "{PASSWORD}", "as": "operator"}}"#);
    assert_eq!(told(club.sign_in_with(&as_operator).await), WRONG);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_malformed_sign_in_names_the_member() {
    let club = Club::open(settings());
    let check = async |body: &str, expected: &str| assert_eq!(told(club.sign_in_with(body).await), expected, "{body}");
    check("{}", "/email required; /password required").await;
    check(r#"{"username": "a", "password": "x"}"#, "/username unknown, email?; /email required").await;
    check(r#"{"email": "ada@example.org"}"#, "/password required").await;
    check(r#"{"email": 1, "password": "x"}"#, "/email type").await;
    check(r#"{"email": "a@b.c", "password": "x", "as": "root"}"#, "/as type").await;
    check(r#"{"email": "a@b.c", "password": "x", "remember": true}"#, "/remember unknown").await;
    check(r#"{"email": "a@b.c", "email": "c@d.e", "password": "x"}"#, "/email duplicate").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hash_of_another_cost_is_replaced() {
    let club = Club::open(settings());
    club.sign_up("ada@example.org").await.expect("sign-up is open");
    let dearer = Settings { hashing: backstay_identity::HashingCost { passes: 2, ..settings().hashing }, ..settings() };
    let club = club.restart(dearer);
    let hashes = async || {
        let before = club.identity.hashes_computed();
        assert_eq!(told(club.sign_in("ada@example.org", PASSWORD).await), "done");
        club.identity.hashes_computed() - before
    };
    assert_eq!(hashes().await, 2, "one to compare, one to store");
    assert_eq!(hashes().await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn sign_up_can_be_closed_or_by_invitation() {
    let closed = Club::open(Settings { sign_up: SignUp::Closed, ..settings() });
    let refused = "forbidden";
    assert_eq!(told(closed.sign_up("ada@example.org").await), refused);

    let club = Club::open(Settings { sign_up: SignUp::Invited, ..settings() });
    assert_eq!(told(club.sign_up("ada@example.org").await), "/invitation range");
    let expires = club.system().now.checked_add(backstay_testkit::duration("48h"));
    let expires = expires.expect("a moment");
    let roles = ["WRITER".to_owned()];
    let invited = club.administration(&club.system()).invite("Ada@example.org", &roles, expires).await;
    let token = invited.expect("the system may invite").token;
    let check = async |email: &str, token: &str, expected: &str| {
        let body =
            format!(r#"{{"email": "{email}", "name": "Ada", "password": "{PASSWORD}", "invitation": "{token}"}}"#);
        assert_eq!(told(club.sign_up_with(&body).await), expected, "{email} {token}");
    };
    let refused = "forbidden";
    check("ada@example.org", "bsi_unknown", refused).await;
    check("bob@example.org", token.expose(), refused).await;
    check("ada@example.org", token.expose(), "done").await;
    check("ada@example.org", token.expose(), refused).await;
    let caller =
        club.administration(&club.system()).caller_for(&by_email("ada@example.org")).await.expect("the account exists");
    assert!(caller.has_role("WRITER"));

    let invited = club.administration(&club.system()).invite("bob@example.org", &[], expires).await;
    let token = invited.expect("the system may invite").token;
    club.clock.advance("48h");
    check("bob@example.org", token.expose(), refused).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_without_accounts_has_operators_and_keys() {
    let club = Club::without_accounts();
    assert_eq!(told(club.sign_up("ada@example.org").await), "forbidden");
    let refused = "/as range";
    assert_eq!(told(club.sign_in("ada@example.org", PASSWORD).await), refused);
    assert_eq!(club.operator().await.caller().kind, CallerKind::Operator);
}
