//! What operators do to accounts and to other operators.

use backstay_engine::Input;
use backstay_identity::{AccountRef, AddAccount, NewPassword, Settings, SignUp};

use crate::support::{Club, PASSWORD, by_email, secret, settings, told};

const ENDED: &str = "invalid-token";
const WRONG: &str = "wrong-credentials";
const NO_ACCOUNT: &str = "not-found";
const NO_OPERATOR: &str = "not-found";

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_was_made_as_a_record_gets_a_password() {
    let club = Club::open(settings());
    let client = club.app.client();
    let create = client.create("User", r#"{"email": "bob@example.org", "name": "Bob"}"#).expect("a request");
    client.written(club.editor().caller(), create).await.expect("an editor may");

    let (system, bob) = (club.system(), by_email("bob@example.org"));
    assert!(!club.administration(&system).account(&bob).await.expect("it exists").has_password);
    assert_eq!(told(club.sign_in("bob@example.org", PASSWORD).await), WRONG);
    assert_eq!(told(club.administration(&system).set_account_password(&bob, &secret(PASSWORD)).await), "done");
    assert_eq!(told(club.sign_in("bob@example.org", PASSWORD).await), "done");
    assert!(club.administration(&system).account(&bob).await.expect("it exists").has_password);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_shown_as_it_is() {
    let club = Club::open(settings());
    let token = club.sign_up("ada@example.org").await.expect("sign-up is open").token;
    let id = club.shown(&token).await.expect("the token is good").caller().id.expect("an account");
    club.clock.advance("48h");
    club.sign_in("ada@example.org", PASSWORD).await.expect("the password is right");
    let (system, ada) = (club.system(), by_email("ADA@example.org"));
    club.administration(&system).grant_role(&ada, "WRITER").await.expect("it exists");
    club.administration(&system).set_claim(&ada, "region", "north").await.expect("it exists");

    let shown = club.administration(&system).account(&ada).await.expect("it exists");
    assert_eq!((shown.id, shown.email.as_str()), (id, "ada@example.org"));
    assert_eq!(shown.roles.iter().map(|role| &**role).collect::<Vec<_>>(), ["WRITER"]);
    assert_eq!(shown.claims.get("region").map(String::as_str), Some("north"));
    assert_eq!((shown.disabled, shown.has_password, shown.sessions), (false, true, 2));
    club.clock.advance("696h");
    assert_eq!(club.administration(&club.system()).account(&AccountRef::Id(id)).await.expect("it exists").sessions, 1);
    club.administration(&system).disable_account(&ada).await.expect("it exists");
    let shown = club.administration(&club.system()).account(&ada).await.expect("it exists");
    assert_eq!((shown.disabled, shown.sessions), (true, 0));
    let roles = club.administration(&system).roles(&ada).await.expect("a disabled account has its roles");
    assert_eq!(roles.iter().map(|role| &**role).collect::<Vec<_>>(), ["WRITER"]);
    assert_eq!(told(club.administration(&system).account(&by_email("bob@example.org")).await), NO_ACCOUNT);
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_and_operators_are_not_confused() {
    let club = Club::open(settings());
    let token = club.operator_token().await;
    let root = club.shown(&token).await.expect("the token is good");
    club.sign_up("ada@example.org").await.expect("sign-up is open");
    club.sign_up("root@example.org").await.expect("an account may have the address of an operator");
    let (both, ada) = (by_email("root@example.org"), by_email("ada@example.org"));
    assert_eq!(
        told(club.administration(&root).set_account_password(&both, &secret("another good password")).await),
        "done"
    );
    assert_eq!(told(club.administration(&root).disable_account(&both).await), "done");
    assert_eq!(told(club.shown(&token).await), "done", "the operator is another");
    assert_eq!(told(club.administration(&root).set_operator_password(&ada, &secret(PASSWORD)).await), NO_OPERATOR);
    assert_eq!(told(club.administration(&root).remove_operator(&ada).await), NO_OPERATOR);
    let nobody = "0190a5d0-0000-7000-8000-000000000001".parse().unwrap_or_else(|never| match never {});
    assert_eq!(told(club.administration(&root).disable_account(&nobody).await), "not-found");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_password_ends_the_sessions_of_an_operator() {
    let club = Club::open(settings());
    let token = club.operator_token().await;
    let root = club.shown(&token).await.expect("the token is good");
    let who = by_email("root@example.org");
    let set = async |password: &str| club.administration(&root).set_operator_password(&who, &secret(password)).await;
    assert_eq!(told(set("short").await), "password range");
    assert_eq!(told(set("another good password").await), "done");
    assert_eq!(told(club.shown(&token).await), ENDED);
    let sign_in = async |password: &str| {
        let body = format!(r#"{{"email": "root@example.org", "password": "{password}", "as": "operator"}}"#);
        told(club.sign_in_with(&body).await)
    };
    assert_eq!(sign_in(PASSWORD).await, WRONG);
    assert_eq!(sign_in("another good password").await, "done");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_operator_is_out_at_once_and_the_last_one_stays() {
    let club = Club::open(settings());
    let token = club.operator_token().await;
    let root = club.shown(&token).await.expect("the token is good");
    let who = by_email("root@example.org");
    let last = "already-done";
    assert_eq!(told(club.administration(&root).remove_operator(&who).await), last);
    club.administration(&root).add_operator("two@example.org", &secret(PASSWORD)).await.expect("an operator may");
    assert_eq!(told(club.administration(&root).remove_operator(&who).await), "done");
    assert_eq!(told(club.shown(&token).await), ENDED);
    let body = format!(r#"{{"email": "root@example.org", "password": "{PASSWORD}", "as": "operator"}}"#);
    assert_eq!(told(club.sign_in_with(&body).await), WRONG);
    assert_eq!(told(club.administration(&club.system()).remove_operator(&who).await), NO_OPERATOR);
    assert_eq!(told(club.administration(&club.system()).remove_operator(&by_email("two@example.org")).await), last);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_operators_removed_at_the_same_time_one_stays() {
    let club = std::sync::Arc::new(Club::open(settings()));
    for email in ["one@example.org", "two@example.org"] {
        club.administration(&club.system()).add_operator(email, &secret(PASSWORD)).await.expect("the system may");
    }
    let tasks = ["one@example.org", "two@example.org"].map(|email| {
        let club = std::sync::Arc::clone(&club);
        tokio::spawn(async move { club.administration(&club.system()).remove_operator(&by_email(email)).await.is_ok() })
    });
    let mut removed = 0;
    for task in tasks {
        removed += usize::from(task.await.expect("the task ends"));
    }
    assert_eq!(removed, 1);
    assert!(club.identity.has_operator().await.expect("the store answers"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_adds_accounts_although_sign_up_is_closed() {
    let club = Club::open(Settings { sign_up: SignUp::Closed, password_min: 60, ..settings() });
    let system = club.system();
    let administration = club.administration(&system);
    let add = async |email: &str, input: Input, password: NewPassword| {
        let account =
            AddAccount { email: email.to_owned(), input, roles: vec!["WRITER".to_owned()], password, verified: false };
        administration.add_account(account).await
    };
    let named = || club.named("Ada");

    let added = add("Ada@Example.org", named(), NewPassword::Generated).await.expect("an account");
    assert_eq!(&*added.email, "ada@example.org");
    let password = added.generated.expect("a password");
    assert!(password.expose().len() >= 60, "the settings demand it");
    assert_eq!(told(club.sign_in("ada@example.org", password.expose()).await), "done");
    let shown = administration.account(&AccountRef::Id(added.id)).await.expect("it exists");
    assert_eq!(shown.roles.iter().map(|role| &**role).collect::<Vec<_>>(), ["WRITER"]);

    let short = NewPassword::Given(secret("too short"));
    assert_eq!(told(add("bob@example.org", named(), short).await), "password range");
    assert_eq!(told(add("ada@example.org", named(), NewPassword::Generated).await), "already-done");
    assert_eq!(told(add("bob@example.org", Input::new(), NewPassword::Generated).await), "/name required");
    let mut listed = Vec::new();
    for number in 0..5 {
        add(&format!("p{number}@example.org"), named(), NewPassword::Generated).await.expect("an account");
    }
    let mut after = None;
    loop {
        let page = administration.accounts(after, 4).await.expect("a page");
        listed.extend(page.iter().map(|one| one.email.to_string()));
        after = page.last().map(|last| last.id);
        if page.len() < 4 {
            break;
        }
    }
    let expected = ["ada", "p0", "p1", "p2", "p3", "p4"].map(|name| format!("{name}@example.org"));
    assert_eq!(listed, expected, "none of those that were refused was made");
}
