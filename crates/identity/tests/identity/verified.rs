//! `auth.verified`: whether the address of an account is known to be its holder's.

use backstay_identity::{AddAccount, NewPassword};

use crate::support::{Club, PASSWORD, by_email, secret, settings, told};

/// What `GET /auth/me` says about the caller.
async fn verified(club: &Club, token: &backstay_base::Secret) -> serde_json::Value {
    let cx = club.shown(token).await.expect("the token is good");
    club.me(&cx).await["verified"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn it_holds_for_the_very_next_request_and_for_one_address() {
    let club = Club::open(settings());
    let token = club.sign_up("ada@example.org").await.expect("sign-up is open").token;
    let (system, ada) = (club.system(), by_email("ada@example.org"));
    assert_eq!(verified(&club, &token).await, false);
    assert_eq!(told(club.administration(&system).verify_account(&ada).await), "done");
    assert_eq!(verified(&club, &token).await, true);
    assert_eq!(told(club.administration(&system).unverify_account(&ada).await), "done");
    assert_eq!(verified(&club, &token).await, false);
    assert_eq!(told(club.administration(&system).verify_account(&ada).await), "done");
    assert_eq!(verified(&club, &token).await, true);

    let change = async |email: &str| {
        let cx = club.shown(&token).await.expect("the token is good");
        let body = format!(r#"{{"email": "{email}", "password": "{PASSWORD}"}}"#);
        club.change_email(&cx, &body).await.expect("the password is right").caller.verified
    };
    assert!(!change("new@example.org").await);
    assert_eq!(verified(&club, &token).await, false);
    let info = club.administration(&system).account(&by_email("new@example.org")).await.expect("an account");
    assert!(!info.verified);
    // It is the address that was verified, and the account has it again.
    assert!(change("ada@example.org").await);
    assert_eq!(verified(&club, &token).await, true);
    let listed = club.administration(&system).accounts(None, 10).await.expect("a list");
    assert_eq!(listed.iter().map(|one| one.verified).collect::<Vec<_>>(), [true]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_can_add_accounts_that_are_verified() {
    let club = Club::open(settings());
    let system = club.system();
    for (email, verified) in [("ada@example.org", true), ("bob@example.org", false)] {
        let password = NewPassword::Given(secret(PASSWORD));
        let account =
            AddAccount { email: email.to_owned(), input: club.named("A"), roles: Vec::new(), password, verified };
        club.administration(&system).add_account(account).await.expect("an account");
        let caller = club.administration(&system).caller_for(&by_email(email)).await.expect("a caller");
        assert_eq!(caller.verified, verified, "{email}");
    }
    assert_eq!(told(club.administration(&system).verify_account(&by_email("eve@example.org")).await), "not-found");
}

/// Operators have no address that an application relies on, and keys none at all.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_else_is_verified() {
    let club = Club::open(settings());
    let operator = club.operator().await;
    assert!(!operator.caller().verified);
    assert_eq!(club.me(&operator).await.get("verified"), None);
}
