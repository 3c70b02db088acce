//! Operators: the first one, their sign-in, and what they see.

use crate::support::{ADDRESS, Club, PASSWORD, address, by_email, secret, settings, told};
use backstay_base::{CallerKind, Error};
use backstay_identity::{AccountRef, FirstOperator, SignedIn};

async fn set_up(club: &Club, token: &str, password: &str) -> Result<SignedIn, Error> {
    let (cx, from) = (club.anonymous(), address(ADDRESS));
    let operator =
        FirstOperator { token: secret(token), email: "Root@example.org".to_owned(), password: secret(password) };
    club.identity.set_up_operator(&cx, from, &operator).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_operator_is_added_with_a_token_once() {
    let club = Club::open(settings());
    assert!(!club.identity.has_operator().await.expect("the store answers"));
    let ended = "invalid-token";
    assert_eq!(told(set_up(&club, "", PASSWORD).await), ended, "there is no token before it was asked for");
    let token = club.administration(&club.system()).setup_token();
    assert_eq!(token, club.administration(&club.system()).setup_token());
    let other = format!("bsu_{}", "A".repeat(43));
    assert_eq!(told(set_up(&club, &other, PASSWORD).await), ended);
    assert_eq!(told(set_up(&club, token.expose(), "short").await), "password range");

    let signed_in = set_up(&club, token.expose(), PASSWORD).await.expect("the token is good");
    assert_eq!(club.account(&signed_in).await["email"], "root@example.org");
    let cx = club.shown(&signed_in.token).await.expect("the operator is signed in");
    assert_eq!(cx.caller().kind, CallerKind::Operator);
    assert!(club.identity.has_operator().await.expect("the store answers"));

    assert_eq!(told(set_up(&club, token.expose(), PASSWORD).await), ended);
    let late = club.administration(&club.system()).setup_token();
    let already = "already-done";
    assert_eq!(told(set_up(&club, late.expose(), PASSWORD).await), already);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_parallel_set_ups_one_succeeds() {
    let club = std::sync::Arc::new(Club::open(settings()));
    let token = club.administration(&club.system()).setup_token();
    let tasks: Vec<_> = (0..8)
        .map(|number| {
            let (club, token) = (std::sync::Arc::clone(&club), token.clone());
            tokio::spawn(async move {
                let (cx, from) = (club.anonymous(), address(ADDRESS));
                let email = format!("root{number}@example.org");
                let operator = FirstOperator { token, email, password: secret(PASSWORD) };
                club.identity.set_up_operator(&cx, from, &operator).await.is_ok()
            })
        })
        .collect();
    let mut made = 0;
    for task in tasks {
        made += usize::from(task.await.expect("the task ends"));
    }
    assert_eq!(made, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn operators_sign_in_as_operators() {
    let club = Club::open(settings());
    let cx = club.operator().await;
    let me = club.me(&cx).await;
    assert_eq!((&me["kind"], &me["account"]["email"]), (&"OPERATOR".into(), &"root@example.org".into()));
    let wrong = "wrong-credentials";
    assert_eq!(told(club.sign_in("root@example.org", PASSWORD).await), wrong);
    let again = club.administration(&cx).add_operator("ROOT@example.org", &secret(PASSWORD)).await;
    assert_eq!(told(again), "already-done");
    let none = club.administration(&cx).add_operator("root", &secret(PASSWORD)).await;
    assert_eq!(told(none), "email type");
    assert_eq!(club.identity.sign_out_everywhere(&cx).await.expect("an operator may"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn roles_are_those_of_the_model() {
    let club = Club::open(settings());
    club.sign_up("ada@example.org").await.expect("sign-up is open");
    let system = club.system();
    let grant = async |who: &str, role: &str| club.administration(&system).grant_role(&by_email(who), role).await;
    let check = async |who: &str, role: &str, expected: &str| assert_eq!(told(grant(who, role).await), expected);
    check("ada@example.org", "EDTIOR", "role unknown, EDITOR?").await;
    check("ada@example.org", "editor", "role unknown, EDITOR?").await;
    check("ada@example.org", "ADMIN", "role unknown").await;
    check("bob@example.org", "EDITOR", "not-found").await;
    check("bob", "EDITOR", "account type").await;
    check("ADA@example.org", "EDITOR", "done").await;
    check("ada@example.org", "EDITOR", "done").await;
    check("ada@example.org", "WRITER", "done").await;
    let roles = async || {
        club.administration(&club.system())
            .caller_for(&by_email("ada@example.org"))
            .await
            .expect("it exists")
            .roles
            .clone()
    };
    assert_eq!(roles().await.iter().map(|role| &**role).collect::<Vec<_>>(), ["EDITOR", "WRITER"]);
    let revoked = club.administration(&system).revoke_role(&by_email("ada@example.org"), "EDITOR").await;
    assert_eq!(told(revoked), "done");
    assert_eq!(roles().await.iter().map(|role| &**role).collect::<Vec<_>>(), ["WRITER"]);
    let unknown = club.administration(&system).revoke_role(&by_email("ada@example.org"), "WRITR").await;
    assert_eq!(told(unknown), "role unknown, WRITER?");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_is_shown_as_it_would_call() {
    let club = Club::open(settings());
    let token = club.sign_up("ada@example.org").await.expect("sign-up is open").token;
    let ada = club.shown(&token).await.expect("the token is good");
    let id = AccountRef::Id(ada.caller().id.expect("an account"));
    let shown = club.administration(&club.system()).caller_for(&id).await.expect("it exists");
    assert_eq!((shown.kind, shown.id, shown.session), (CallerKind::Account, ada.caller().id, None));
    club.administration(&club.system()).disable_account(&id).await.expect("it exists");
    assert_eq!(told(club.administration(&club.system()).caller_for(&id).await), "already-done");
    let nobody = "0190a5d0-0000-7000-8000-000000000001".parse().unwrap_or_else(|never| match never {});
    assert_eq!(told(club.administration(&club.system()).caller_for(&nobody).await), "not-found");
}

#[tokio::test(flavor = "multi_thread")]
async fn backstays_own_records_are_for_operators_and_without_secrets() {
    let club = Club::open(settings());
    let token = club.sign_up("ada@example.org").await.expect("sign-up is open").token;
    let ada = club.shown(&token).await.expect("the token is good");
    let operator = club.operator().await;
    for name in ["BackstayCredential", "BackstaySession"] {
        assert_eq!((club.items(&ada, name).await.len(), club.items(&operator, name).await.len()), (0, 2), "{name}");
    }
    let sessions = club.items(&operator, "BackstaySession").await;
    assert_eq!(sessions[0].get("tokenHash"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_can_begin_without_the_password() {
    let club = Club::open(settings());
    let system = club.system();
    let begin = async |email: &str| club.administration(&system).begin_operator_session(email).await;
    let first = begin("developer@localhost").await.expect("the system may");
    let cx = club.shown(&first.token).await.expect("the operator is signed in");
    assert_eq!(cx.caller().kind, CallerKind::Operator);
    // The second is of the same operator, also by another form of the address.
    let second = begin("Developer@LOCALHOST").await.expect("the system may");
    assert_eq!((second.account, second.token == first.token), (first.account, false));
    assert_eq!(club.administration(&system).operators().await.expect("the system may").len(), 1);
    // Nobody knows a password of it, and other operators keep theirs.
    let sign_in = format!(r#"{{"email": "developer@localhost", "password": "{PASSWORD}", "as": "operator"}}"#);
    assert_eq!(told(club.sign_in_from(&club.anonymous(), ADDRESS, &sign_in).await), "wrong-credentials");
    assert_eq!(told(begin("no address").await), "account type");
}
