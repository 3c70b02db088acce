//! Whatever ends or changes a caller takes effect with the next request.

use std::sync::Arc;

use crate::support::{Club, PASSWORD, by_email, secret, settings, told};
use backstay_base::{Caller, CallerKind, Error, limits};
use backstay_engine::Context;
use backstay_identity::{AccountRef, NewKey, Settings};

const ENDED: &str = "invalid-token";

#[tokio::test(flavor = "multi_thread")]
async fn a_known_caller_is_remembered_until_something_changes() {
    let club = Club::open(settings());
    let ada = club.sign_up("ada@example.org").await.expect("sign-up is open").token;
    let first = club.identity.authenticate(&ada).await.expect("the token is good");
    let second = club.identity.authenticate(&ada).await.expect("the token is good");
    assert!(Arc::ptr_eq(&first, &second));

    club.administration(&club.system())
        .grant_role(&by_email("ada@example.org"), "EDITOR")
        .await
        .expect("the account exists");
    let third = club.identity.authenticate(&ada).await.expect("the token is good");
    assert!(third.has_role("EDITOR"));
    club.administration(&club.system())
        .revoke_role(&by_email("ada@example.org"), "EDITOR")
        .await
        .expect("it has the role");
    let fourth = club.identity.authenticate(&ada).await.expect("the token is good");
    assert!(!fourth.has_role("EDITOR"));
}

/// The records of everybody who has a house are for those of the same house, and those of guests for nobody.
const HOUSES: &str = r#"
extend schema @app(name: "Club")
type User @identity @allow(read: "this.house == auth.account.house", update: "this.id == auth.id") {
  email: Email! @unique
  name: String
  house: String
  bio: Text
}
"#;

#[tokio::test(flavor = "multi_thread")]
async fn what_rules_ask_of_an_account_is_remembered_until_it_changes() {
    let club = Club::of(HOUSES);
    let new = |name: &str| format!(r#"{{"email": "{name}@example.org", "house": "Red", "password": "{PASSWORD}"}}"#);
    let ada = club.sign_up_with(&new("ada")).await.expect("sign-up is open");
    let bob = club.sign_up_with(&new("bob")).await.expect("sign-up is open");
    let seen = async |caller: &Arc<Caller>| {
        let client = club.app.client();
        let list = client.list("User", |words| words.select = Some("house".into())).expect("a list");
        let page = client.page(caller, list).await.expect("a page");
        String::from_utf8(page.body.to_vec()).expect("a text").matches("house").count()
    };
    assert_eq!(seen(&ada.caller).await, 2, "the caller who has just signed up knows its record");
    let first = club.identity.authenticate(&ada.token).await.expect("the token is good");
    let change = async |caller: &Arc<Caller>, body: &str| {
        let client = club.app.client();
        let update = client.update("User", caller.id.expect("an account"), body).expect("a body");
        client.written(caller, update).await.expect("their own record");
    };
    change(&bob.caller, r#"{"name": "Bob"}"#).await;
    let second = club.identity.authenticate(&ada.token).await.expect("the token is good");
    assert!(Arc::ptr_eq(&first, &second), "another account has changed");

    change(&first, r#"{"house": "Blue"}"#).await;
    let third = club.identity.authenticate(&ada.token).await.expect("the token is good");
    assert_eq!((seen(&first).await, seen(&third).await), (1, 1), "ada is in another house for herself and for bob");
    change(&third, r#"{"house": null}"#).await;
    let fourth = club.identity.authenticate(&ada.token).await.expect("the token is good");
    assert_eq!(seen(&fourth).await, 0, "unknown never allows");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_account_is_read_again() {
    let club = Club::of(&HOUSES.replace("auth.account.house", "auth.account.bio"));
    let bio = "x".repeat(limits::REMEMBERED_ACCOUNT_BYTES);
    let new = format!(r#"{{"email": "ada@example.org", "bio": "{bio}", "password": "{PASSWORD}"}}"#);
    let ada = club.sign_up_with(&new).await.expect("sign-up is open").token;
    let first = club.identity.authenticate(&ada).await.expect("the token is good");
    let second = club.identity.authenticate(&ada).await.expect("the token is good");
    assert!(!Arc::ptr_eq(&first, &second));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disabled_account_is_out_and_stays_out() {
    let club = Club::open(settings());
    let ada = club.sign_up("ada@example.org").await.expect("sign-up is open").token;
    assert_eq!(told(club.shown(&ada).await), "done");
    club.administration(&club.system())
        .disable_account(&by_email("ada@example.org"))
        .await
        .expect("the account exists");
    assert_eq!(told(club.shown(&ada).await), ENDED);
    club.administration(&club.system()).enable_account(&by_email("ada@example.org")).await.expect("the account exists");
    assert_eq!(told(club.shown(&ada).await), ENDED, "its sessions are gone");
    assert_eq!(told(club.sign_in("ada@example.org", PASSWORD).await), "done");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_account_is_gone_with_its_sessions() {
    let club = Club::open(settings());
    let ada = club.sign_up("ada@example.org").await.expect("sign-up is open").token;
    let cx = club.shown(&ada).await.expect("the token is good");
    let client = club.app.client();
    let delete = client.delete("User", cx.caller().id.expect("an account"));
    assert_eq!(told(client.written(cx.caller(), delete).await), "done");
    assert_eq!(told(club.shown(&ada).await), ENDED);
    assert_eq!(told(club.sign_in("ada@example.org", PASSWORD).await), "wrong-credentials");
    assert_eq!(told(club.sign_up("ada@example.org").await), "done");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_expires() {
    let club = Club::open(Settings { session_days: 2, ..settings() });
    let ada = club.sign_up("ada@example.org").await.expect("sign-up is open").token;
    club.clock.advance("47h59m59s");
    assert_eq!(told(club.shown(&ada).await), "done");
    club.clock.advance("1s");
    assert_eq!(told(club.shown(&ada).await), ENDED);
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_outlive_a_restart() {
    let club = Club::open(settings());
    let ada = club.sign_up("ada@example.org").await.expect("sign-up is open").token;
    let club = club.restart(settings());
    assert_eq!(told(club.shown(&ada).await), "done");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_an_operator_sets_ends_the_sessions() {
    let club = Club::open(settings());
    let ada = club.sign_up("ada@example.org").await.expect("sign-up is open").token;
    let account = by_email("ada@example.org");
    let set = async |password: &str| {
        club.administration(&club.system()).set_account_password(&account, &secret(password)).await
    };
    assert_eq!(told(set("short").await), "password range");
    assert_eq!(told(set("ada@example.org").await), "password range");
    assert_eq!(told(set("a password from above").await), "done");
    assert_eq!(told(club.shown(&ada).await), ENDED);
    assert_eq!(told(club.sign_in("ada@example.org", "a password from above").await), "done");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_oldest_session_ends_if_there_are_too_many() {
    let club = Club::open(settings());
    let first = club.sign_up("ada@example.org").await.expect("sign-up is open").token;
    let mut second = None;
    for _ in 1..=limits::SESSIONS_PER_ACCOUNT {
        let signed_in = club.sign_in("ada@example.org", PASSWORD).await.expect("the password is right");
        second.get_or_insert(signed_in.token);
    }
    assert_eq!(told(club.shown(&first).await), ENDED);
    assert_eq!(told(club.shown(&second.expect("there are others")).await), "done");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_good_until_it_expires_or_is_revoked() {
    let club = Club::open(settings());
    let system = club.system();
    let key = NewKey {
        name: "importer".to_owned(),
        roles: vec!["WRITER".to_owned()],
        claims: [("region".to_owned(), "eu".to_owned())].into(),
        only: None,
        expires_at: system.now.checked_add(backstay_testkit::duration("24h")),
    };
    let issued = club.administration(&system).issue_key(key.clone()).await.expect("the system may");
    assert!(issued.secret.expose().starts_with("bsk_"));
    let caller = club.identity.authenticate(&issued.secret).await.expect("the key is good");
    assert_eq!((caller.kind, caller.id, caller.session), (CallerKind::Service, Some(issued.id), None));
    assert!(caller.has_role("WRITER"));
    assert_eq!(caller.claims.get("region").map(String::as_str), Some("eu"));
    let cx = Context::new(club.engine(), caller);
    assert_eq!(told(club.identity.sign_out(&cx).await), "forbidden");

    let taken = "already-done";
    assert_eq!(told(club.administration(&system).issue_key(key.clone()).await), taken);
    club.clock.advance("24h");
    assert_eq!(told(club.identity.authenticate(&issued.secret).await), ENDED);
    let expired = "already-done";
    assert_eq!(told(club.administration(&club.system()).caller_for(&AccountRef::Id(issued.id)).await), expired);
    assert_eq!(
        told(club.administration(&club.system()).caller_for(&by_email("importer")).await),
        expired,
        "a key's name names it"
    );
    let past = "expires range";
    assert_eq!(told(club.administration(&club.system()).issue_key(key.clone()).await), past);

    let key = NewKey { expires_at: None, ..key };
    let second = club.administration(&club.system()).issue_key(key.clone()).await.expect("the other has expired");
    assert_eq!(told(club.identity.authenticate(&second.secret).await), "done");
    let named = club.administration(&club.system()).caller_for(&by_email("importer")).await.expect("a key in use");
    assert_eq!(named.id, Some(second.id));
    assert_eq!(told(club.administration(&club.system()).revoke_key(&by_email("importer")).await), "done");
    let unused = "not-found";
    assert_eq!(told(club.administration(&club.system()).caller_for(&by_email("importer")).await), unused);
    assert_eq!(told(club.identity.authenticate(&second.secret).await), ENDED);
    let unknown = "not-found";
    assert_eq!(told(club.administration(&club.system()).revoke_key(&by_email("importer")).await), unknown);
    assert_eq!(told(club.administration(&club.system()).issue_key(key).await), "done");

    let keys = club.administration(&club.system()).keys().await.expect("the system may");
    let states: Vec<_> = keys.iter().map(|key| (key.name.as_str(), key.revoked_at.is_some())).collect();
    assert_eq!(states, [("importer", false), ("importer", true), ("importer", false)]);
    assert_eq!(told(club.administration(&club.system()).caller_for(&AccountRef::Id(keys[2].id)).await), "done");
    let revoked = "already-done";
    assert_eq!(told(club.administration(&club.system()).caller_for(&AccountRef::Id(keys[1].id)).await), revoked);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_that_is_not_a_token_is_refused() -> Result<(), Error> {
    let club = Club::open(settings());
    let unknown = format!("bst_{}", "A".repeat(43));
    let unknown_key = format!("bsk_{}", "A".repeat(43));
    let set_up = club.administration(&club.system()).setup_token();
    for token in ["", "Bearer", "bst_", &unknown, &unknown_key, set_up.expose()] {
        assert_eq!(told(club.identity.authenticate(&secret(token)).await), ENDED, "{token}");
    }
    Ok(())
}
