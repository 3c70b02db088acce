//! Claims: texts that operators give to accounts and keys, and that rules see as `auth.claims.NAME`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use backstay_identity::NewKey;

use crate::support::{Club, by_email, settings, told};

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_holds_for_the_very_next_request() {
    let club = Club::open(settings());
    let token = club.sign_up("ada@example.org").await.expect("sign-up is open").token;
    let (system, ada) = (club.system(), by_email("ada@example.org"));
    let houses = async || {
        let cx = club.shown(&token).await.expect("the token is good");
        club.items(&cx, "House").await.len()
    };
    club.house(false).await;
    assert_eq!(houses().await, 0);
    assert_eq!(told(club.administration(&system).set_claim(&ada, "steward", "no").await), "done");
    assert_eq!(houses().await, 0);
    assert_eq!(told(club.administration(&system).set_claim(&ada, "steward", "yes").await), "done");
    assert_eq!(houses().await, 1);
    assert_eq!(told(club.administration(&system).remove_claim(&ada, "steward").await), "done");
    assert_eq!(houses().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_and_keys_take_the_same_claims() {
    let club = Club::open(settings());
    club.sign_up("ada@example.org").await.expect("sign-up is open");
    let (system, ada) = (club.system(), by_email("ada@example.org"));
    let mut keys = String::new();
    let mut check = async |name: &str, value: &str, expected: &str| {
        assert_eq!(told(club.administration(&system).set_claim(&ada, name, value).await), expected, "{name}");
        write!(keys, "k").expect("a text grows");
        let claims = BTreeMap::from([(name.to_owned(), value.to_owned())]);
        let key = NewKey { name: keys.clone(), claims, ..NewKey::default() };
        assert_eq!(told(club.administration(&system).issue_key(key).await), expected, "{name}");
    };
    check("region", "north", "done").await;
    check("_region2", "", "done").await;
    check(&"n".repeat(48), &"é".repeat(1000), "done").await;
    for name in ["", "2nd", "home-town", "a.b", "in", "null", "größe", &"n".repeat(49)] {
        check(name, "x", "claim range").await;
    }
    check("region", &"x".repeat(1001), "claim range").await;
    check("region", "a\0b", "claim range").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_number_of_claims_is_limited() {
    let club = Club::open(settings());
    club.sign_up("ada@example.org").await.expect("sign-up is open");
    let (system, ada) = (club.system(), by_email("ada@example.org"));
    let refused = "claim range";
    for number in 0..33 {
        let told = told(club.administration(&system).set_claim(&ada, &format!("c{number}"), "x").await);
        assert_eq!(told, if number < 32 { "done" } else { refused });
    }
    assert_eq!(told(club.administration(&system).set_claim(&ada, "c7", "another").await), "done");
    let claims = (0..33).map(|number| (format!("c{number}"), "x".to_owned())).collect();
    let key = NewKey { name: "k".to_owned(), claims, ..NewKey::default() };
    assert_eq!(told(club.administration(&system).issue_key(key).await), refused);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_that_is_not_set_cannot_be_removed() {
    let club = Club::open(settings());
    club.sign_up("ada@example.org").await.expect("sign-up is open");
    let (system, ada) = (club.system(), by_email("ada@example.org"));
    club.administration(&system).set_claim(&ada, "region", "north").await.expect("the account exists");
    let remove =
        async |who: &str, name: &str| told(club.administration(&system).remove_claim(&by_email(who), name).await);
    assert_eq!(remove("ada@example.org", "regoin").await, "claim unknown, region?");
    assert_eq!(remove("ada@example.org", "floor").await, "claim unknown");
    assert_eq!(remove("bob@example.org", "region").await, "not-found");
    assert_eq!(remove("ada@example.org", "region").await, "done");
}
