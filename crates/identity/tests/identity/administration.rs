//! What operators do to accounts and to other operators.

use backstay_base::CallerKind;
use backstay_engine::{Create, WriteOptions};
use backstay_identity::AccountRef;

use crate::support::{Club, PASSWORD, by_email, secret, settings, told};

const ENDED: &str = "the token is unknown, has expired or was revoked; sign in again";
const WRONG: &str = "the e-mail address or the password is wrong";
const NO_ACCOUNT: &str = "there is no account with this e-mail address";
const NO_OPERATOR: &str = "there is no operator with this e-mail address";

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_was_made_as_a_record_gets_a_password() {
    let club = Club::open(settings());
    let collection = club.engine().model().identity.expect("the model has accounts");
    let body = r#"{"email": "bob@example.org", "name": "Bob"}"#.into();
    let create = Create { collection, body, options: WriteOptions::default() };
    club.engine().create(&club.editor(), create).await.expect("an editor may");

    let (system, bob) = (club.system(), by_email("bob@example.org"));
    assert!(!club.identity.account(&system, &bob).await.expect("it exists").has_password);
    assert_eq!(told(club.sign_in("bob@example.org", PASSWORD).await), WRONG);
    assert_eq!(told(club.identity.set_password(&system, &bob, &secret(PASSWORD)).await), "done");
    assert_eq!(told(club.sign_in("bob@example.org", PASSWORD).await), "done");
    assert!(club.identity.account(&system, &bob).await.expect("it exists").has_password);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_shown_as_it_is() {
    let club = Club::open(settings());
    let token = club.sign_up("ada@example.org").await.expect("sign-up is open").token;
    let id = club.shown(&token).await.expect("the token is good").caller.id.expect("an account");
    club.clock.advance("48h");
    club.sign_in("ada@example.org", PASSWORD).await.expect("the password is right");
    let (system, ada) = (club.system(), by_email("ADA@example.org"));
    club.identity.grant_role(&system, &ada, "WRITER").await.expect("it exists");
    club.identity.set_claim(&system, &ada, "region", "north").await.expect("it exists");

    let shown = club.identity.account(&system, &ada).await.expect("it exists");
    assert_eq!((shown.id, shown.email.as_str()), (id, "ada@example.org"));
    assert_eq!(shown.roles.iter().map(|role| &**role).collect::<Vec<_>>(), ["WRITER"]);
    assert_eq!(shown.claims.get("region").map(String::as_str), Some("north"));
    assert_eq!((shown.disabled, shown.has_password, shown.sessions), (false, true, 2));
    club.clock.advance("696h");
    assert_eq!(club.identity.account(&club.system(), &AccountRef::Id(id)).await.expect("it exists").sessions, 1);
    club.identity.disable(&system, &ada).await.expect("it exists");
    let shown = club.identity.account(&club.system(), &ada).await.expect("it exists");
    assert_eq!((shown.disabled, shown.sessions), (true, 0));
    let roles = club.identity.roles(&system, &ada).await.expect("a disabled account has its roles");
    assert_eq!(roles.iter().map(|role| &**role).collect::<Vec<_>>(), ["WRITER"]);
    assert_eq!(told(club.identity.account(&system, &by_email("bob@example.org")).await), NO_ACCOUNT);
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_and_operators_are_not_taken_for_each_other() {
    let club = Club::open(settings());
    let token = club.operator_token().await;
    let root = club.shown(&token).await.expect("the token is good");
    club.sign_up("ada@example.org").await.expect("sign-up is open");
    club.sign_up("root@example.org").await.expect("an account may have the address of an operator");
    let identity = &club.identity;
    let (both, ada) = (by_email("root@example.org"), by_email("ada@example.org"));
    assert_eq!(told(identity.set_password(&root, &both, &secret("another good password")).await), "done");
    assert_eq!(told(identity.disable(&root, &both).await), "done");
    assert_eq!(told(club.shown(&token).await), "done", "the operator is another");
    assert_eq!(told(identity.set_operator_password(&root, &ada, &secret(PASSWORD)).await), NO_OPERATOR);
    assert_eq!(told(identity.remove_operator(&root, &ada).await), NO_OPERATOR);
    let nobody = "0190a5d0-0000-7000-8000-000000000001".parse().unwrap_or_else(|never| match never {});
    assert_eq!(told(identity.disable(&root, &nobody).await), "there is no account with this id");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_gets_a_password_and_starts_anew() {
    let club = Club::open(settings());
    let token = club.operator_token().await;
    let root = club.shown(&token).await.expect("the token is good");
    let who = by_email("root@example.org");
    let set = async |password: &str| club.identity.set_operator_password(&root, &who, &secret(password)).await;
    assert_eq!(told(set("short").await), "password: at least 10 characters");
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
    let last = "this is the last operator; add another first";
    assert_eq!(told(club.identity.remove_operator(&root, &who).await), last);
    club.identity.add_operator(&root, "two@example.org", &secret(PASSWORD)).await.expect("an operator may");
    assert_eq!(told(club.identity.remove_operator(&root, &who).await), "done");
    assert_eq!(told(club.shown(&token).await), ENDED);
    let body = format!(r#"{{"email": "root@example.org", "password": "{PASSWORD}", "as": "operator"}}"#);
    assert_eq!(told(club.sign_in_with(&body).await), WRONG);
    assert_eq!(told(club.identity.remove_operator(&club.system(), &who).await), NO_OPERATOR);
    assert_eq!(told(club.identity.remove_operator(&club.system(), &by_email("two@example.org")).await), last);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_operators_removed_at_the_same_time_one_stays() {
    let club = std::sync::Arc::new(Club::open(settings()));
    for email in ["one@example.org", "two@example.org"] {
        club.identity.add_operator(&club.system(), email, &secret(PASSWORD)).await.expect("the system may");
    }
    let tasks = ["one@example.org", "two@example.org"].map(|email| {
        let club = std::sync::Arc::clone(&club);
        tokio::spawn(async move { club.identity.remove_operator(&club.system(), &by_email(email)).await.is_ok() })
    });
    let mut removed = 0;
    for task in tasks {
        removed += usize::from(task.await.expect("the task ends"));
    }
    assert_eq!(removed, 1);
    assert!(club.identity.has_operator().await.expect("the store answers"));
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_else_may() {
    let club = Club::open(settings());
    let token = club.sign_up("ada@example.org").await.expect("sign-up is open").token;
    let ada = club.shown(&token).await.expect("the token is good");
    assert_eq!(ada.caller.kind, CallerKind::Account);
    let refused = "you may not update who may sign in; operators may";
    let (identity, who) = (&club.identity, by_email("ada@example.org"));
    for cx in [&ada, &club.anonymous()] {
        assert_eq!(told(identity.set_claim(cx, &who, "region", "north").await), refused);
        assert_eq!(told(identity.remove_claim(cx, &who, "region").await), refused);
        assert_eq!(told(identity.account(cx, &who).await), refused);
        assert_eq!(told(identity.roles(cx, &who).await), refused);
        assert_eq!(told(identity.set_operator_password(cx, &who, &secret(PASSWORD)).await), refused);
        assert_eq!(told(identity.remove_operator(cx, &who).await), refused);
    }
}
