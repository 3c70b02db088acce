//! What a caller sees of itself.

use backstay_engine::Context;
use backstay_identity::NewKey;
use serde_json::json;

use crate::support::{Club, settings};

async fn me(club: &Club, cx: &Context) -> serde_json::Value {
    club.me(cx).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_sees_itself_and_nothing_of_how_it_is_stored() {
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
    let service = club.shown(&issued.secret).await.expect("the key is good");
    let expected = json!({
        "kind": "SERVICE",
        "id": issued.id.to_string(),
        "name": "importer",
        "roles": ["WRITER"],
        "claims": {"region": "eu"},
        "only": null,
        "expiresAt": "2026-02-01T12:00:00.000000Z",
    });
    assert_eq!(me(&club, &service).await, expected);

    let key = NewKey { name: "for ever".to_owned(), expires_at: None, ..key };
    let issued = club.administration(&system).issue_key(key).await.expect("the system may");
    let service = club.shown(&issued.secret).await.expect("the key is good");
    assert_eq!(me(&club, &service).await["expiresAt"], json!(null));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_sees_its_record_and_its_session() {
    let club = Club::open(settings());
    let operator = club.operator().await;
    let me = me(&club, &operator).await;
    let names = |value: &serde_json::Value| value.as_object().expect("an object").keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&me), ["account", "claims", "expiresAt", "id", "kind", "roles"]);
    assert_eq!(names(&me["account"]), ["createdAt", "email", "id", "updatedAt", "version"]);
    assert_eq!((&me["kind"], &me["id"]), (&json!("OPERATOR"), &me["account"]["id"]));
    assert_eq!(me["expiresAt"], "2026-03-02T12:00:00.000000Z");
}
