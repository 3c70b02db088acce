//! Secret links: who they name, until when.

use std::sync::Arc;

use backstay_base::{Caller, CallerKind, Error, Limit, RecordId, Secret, limits};
use backstay_engine::Context;
use backstay_identity::{MadeLink, Settings};

use crate::support::{ADDRESS, Club, address, settings, told};

async fn made(club: &Club, cx: &Context) -> MadeLink {
    club.identity.make_link(cx, address(ADDRESS)).await.expect("the model has links")
}

async fn shown(club: &Club, token: &Secret) -> Result<Option<RecordId>, String> {
    match club.identity.authenticate_link(token).await {
        Ok(caller) => Ok(caller.link),
        Err(error) => Err(error.code().to_owned()),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_shows_a_link_is_anonymous_and_named_by_it() {
    let club = Club::open(settings());
    let link = made(&club, &club.anonymous()).await;
    let first = club.identity.authenticate_link(&link.token).await.expect("the token is good");
    assert_eq!((first.kind, first.id, first.link), (CallerKind::Anonymous, None, Some(link.id)));
    assert_eq!(first.actor(), Some(link.id));
    let second = club.identity.authenticate_link(&link.token).await.expect("the token is good");
    assert!(Arc::ptr_eq(&first, &second), "it is remembered");
    let ada = Caller::account(club.engine().next_id(), ["WRITER"]).with_link(link.id);
    assert_eq!(ada.actor(), ada.id);

    let session = club.sign_up("ada@example.org").await.expect("sign-up is open").token;
    assert_eq!(shown(&club, &session).await, Err("invalid-link".to_owned()), "a session is no link");
    assert_eq!(told(club.identity.authenticate(&link.token).await), "invalid-token", "and a link no session");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_expires_and_is_removed() {
    let club = Club::open(settings());
    let (old, other) = (made(&club, &club.anonymous()).await, made(&club, &club.anonymous()).await);
    club.identity.revoke_link(&club.system(), Some(other.id)).await.expect("it is there");
    assert_eq!(shown(&club, &other.token).await, Err("invalid-link".to_owned()));
    club.clock.advance("719h");
    let young = made(&club, &club.anonymous()).await;
    assert_eq!(shown(&club, &old.token).await, Ok(Some(old.id)));
    assert!(!club.identity.remove_expired_links().await.expect("the store answers"));
    assert_eq!(shown(&club, &old.token).await, Ok(Some(old.id)));

    club.clock.advance("2h");
    assert_eq!(shown(&club, &old.token).await, Err("invalid-link".to_owned()));
    assert_eq!(shown(&club, &young.token).await, Ok(Some(young.id)));
    assert!(!club.identity.remove_expired_links().await.expect("the store answers"));
    let operator = club.operator().await;
    let left = club.items(&operator, "BackstayLink").await;
    let ids: Vec<&str> = left.iter().filter_map(|link| link["id"].as_str()).collect();
    assert_eq!(ids, [young.id.to_string()]);
    assert!(left[0].get("tokenHash").is_none(), "what is stored of the token is shown to nobody");
}

#[tokio::test(flavor = "multi_thread")]
async fn links_that_expire_before_older_ones_are_removed_before_them() {
    let club = Club::open(settings());
    let long = made(&club, &club.anonymous()).await;
    let club = club.restart(Settings { session_days: 1, ..settings() });
    let short = made(&club, &club.anonymous()).await;
    club.clock.advance("25h");
    let young = made(&club, &club.anonymous()).await;
    assert!(!club.identity.remove_expired_links().await.expect("the store answers"));
    let operator = club.operator().await;
    let left = club.items(&operator, "BackstayLink").await;
    let left: Vec<&str> = left.iter().filter_map(|link| link["id"].as_str()).collect();
    assert_eq!(left, [long.id, young.id].map(|id| id.to_string()), "not {}", short.id);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_takes_its_links_along() {
    let club = Club::open(settings());
    let ada = club.sign_up("ada@example.org").await.expect("sign-up is open");
    let cx = Context::new(club.engine(), Arc::clone(&ada.caller));
    let link = made(&club, &cx).await;
    assert_eq!(shown(&club, &link.token).await, Ok(Some(link.id)));
    let client = club.app.client();
    let delete = client.delete("User", ada.caller.id.expect("an account"));
    client.written(&ada.caller, delete).await.expect("their own record");
    assert_eq!(shown(&club, &link.token).await, Err("invalid-link".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_accounts_links_end_with_its_sessions() {
    let club = Club::open(settings());
    let ada = club.sign_up("ada@example.org").await.expect("sign-up is open");
    let cx = Context::new(club.engine(), Arc::clone(&ada.caller));
    let (link, of_guest) = (made(&club, &cx).await, made(&club, &club.anonymous()).await);
    club.identity.sign_out_everywhere(&cx).await.expect("signed in");
    assert_eq!(shown(&club, &link.token).await, Err("invalid-link".to_owned()));
    assert_eq!(shown(&club, &of_guest.token).await, Ok(Some(of_guest.id)));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_revokes_any_link_and_an_account_its_own() {
    let club = Club::open(settings());
    let ada = club.sign_up("ada@example.org").await.expect("sign-up is open");
    let (ada, operator) = (Context::new(club.engine(), ada.caller), club.operator().await);
    let link = made(&club, &club.anonymous()).await;
    assert_eq!(told(club.identity.revoke_link(&ada, Some(link.id)).await), "not-found");
    club.identity.revoke_link(&operator, Some(link.id)).await.expect("an operator");
    assert_eq!(shown(&club, &link.token).await, Err("invalid-link".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_oldest_links_of_an_account_make_room() {
    let club = Club::open(settings());
    let ada = club.sign_up("ada@example.org").await.expect("sign-up is open");
    let cx = Context::new(club.engine(), Arc::clone(&ada.caller));
    let oldest = made(&club, &cx).await;
    let second = made(&club, &cx).await;
    for number in 2..=limits::SECRET_LINKS_PER_ACCOUNT {
        let from = address(if number < 50 { ADDRESS } else { "198.51.100.7" });
        club.identity.make_link(&cx, from).await.expect("it has room");
    }
    assert_eq!(shown(&club, &oldest.token).await, Err("invalid-link".to_owned()));
    assert_eq!(shown(&club, &second.token).await, Ok(Some(second.id)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_makes_a_limited_number_of_links() {
    let club = Club::open(settings());
    let cx = club.anonymous();
    for _ in 0..limits::SECRET_LINKS_PER_ADDRESS {
        made(&club, &cx).await;
    }
    let refused = club.identity.make_link(&cx, address(ADDRESS)).await;
    assert!(matches!(refused, Err(Error::Limit(Limit::Rate { .. }))), "{refused:?}");
    club.identity.make_link(&cx, address("198.51.100.7")).await.expect("another network");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_rules_about_links_there_are_none() {
    let club = Club::without_accounts();
    assert_eq!(told(club.identity.make_link(&club.anonymous(), address(ADDRESS)).await), "forbidden");
}
