//! What somebody can set in their own record at sign-up, besides what the rules of its fields say.

use crate::support::{Club, PASSWORD, settings, told};

/// The outcome of a sign-up with these members.
async fn sign_up(club: &Club, members: &str) -> String {
    let body = format!(r#"{{"email": "ada@example.org", "name": "Ada", "password": "{PASSWORD}"{members}}}"#);
    told(club.sign_up_with(&body).await)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_account_starts_in_the_initial_state() {
    let club = Club::open(settings());
    let refused = "/standing range";
    assert_eq!(sign_up(&club, r#", "standing": "MEMBER""#).await, refused);
    assert_eq!(sign_up(&club, r#", "standing": "GUEST""#).await, "done");
    let body = format!(r#"{{"email": "bob@example.org", "name": "Bob", "password": "{PASSWORD}"}}"#);
    let signed_in = club.sign_up_with(&body).await.expect("sign-up is open");
    assert_eq!(club.account(&signed_in).await["standing"], "GUEST");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_account_can_refer_only_to_what_everybody_may_read() {
    let club = Club::open(settings());
    let (listed, hidden) = (club.house(true).await, club.house(false).await);
    let nowhere = "0190a5d0-0000-7000-8000-000000000001";
    let refused = "/house reference";
    assert_eq!(sign_up(&club, &format!(r#", "house": "{nowhere}""#)).await, refused);
    assert_eq!(sign_up(&club, &format!(r#", "house": "{hidden}""#)).await, refused);
    assert_eq!(sign_up(&club, &format!(r#", "house": "{listed}""#)).await, "done");

    let bob = club.sign_up("bob@example.org").await.expect("sign-up is open");
    let bob = club.account(&bob).await["id"].as_str().expect("an id").to_owned();
    let body = |sponsor: &str| {
        format!(r#"{{"email": "eve@example.org", "name": "Eve", "password": "{PASSWORD}", "sponsor": "{sponsor}"}}"#)
    };
    let refused = "/sponsor reference";
    assert_eq!(told(club.sign_up_with(&body(nowhere)).await), refused);
    assert_eq!(told(club.sign_up_with(&body(&bob)).await), refused, "accounts are not shown to strangers");
}
