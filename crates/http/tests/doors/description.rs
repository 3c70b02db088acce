use std::time::Duration;

use backstay_http::HttpSettings;
use backstay_testkit::{Reply, TestApp};

use crate::{NOTES, id_of, note};

/// A type that has a field of each kind that clients may not write, and some that they may.
const PIECES: &str = r#"
extend schema @app(name: "Pieces")

type User @identity @allow(read: "true") { email: Email! @unique, name: String! }

type Topic @allow(read: "true", create: "true", update: "true") {
  name: String
  pieces: [Piece!] @inverse(field: "topics")
}

type Piece @allow(read: "true", create: "true", update: "true") {
  title: String
  slug: String @immutable
  stamp: String @readonly
  author: User @set(on: CREATE, to: "auth.id")
  editor: User @set(on: WRITE, to: "auth.id")
  changed: DateTime @set(on: UPDATE, to: "now")
  topics: [Topic!]
  parent: Piece
  parts: [Piece!] @inverse(field: "parent")
}
"#;

/// A value of the right type for each field of `Piece` and `Topic`.
const VALUES: &[(&str, &str)] = &[
    ("id", r#""01890a5d-ac96-774b-bcce-b302099a8057""#),
    ("createdAt", r#""2026-01-01T00:00:00Z""#),
    ("updatedAt", r#""2026-01-01T00:00:00Z""#),
    ("version", "7"),
    ("name", r#""x""#),
    ("title", r#""x""#),
    ("slug", r#""x""#),
    ("stamp", r#""y""#),
    ("author", r#""01890a5d-ac96-774b-bcce-b302099a8057""#),
    ("editor", r#""01890a5d-ac96-774b-bcce-b302099a8057""#),
    ("changed", r#""2026-01-01T00:00:00Z""#),
    ("topics", "[]"),
    ("pieces", "[]"),
    ("parent", "null"),
    ("parts", "[]"),
];

/// Whether a write was refused because it named a field that clients may not write.
fn is_read_only(reply: &Reply) -> bool {
    reply.status == 422
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_be_written_is_what_is_described() {
    let app = TestApp::open(PIECES);
    let document = app.call("GET /openapi.json", &[]).await.json();
    for (collection, path) in [("Piece", "/api/pieces"), ("Topic", "/api/topics")] {
        let id = id_of(&app.post(&format!("POST {path}"), &[], "{}").await);
        for (shape, line) in [("Create", format!("POST {path}")), ("Patch", format!("PATCH {path}/{id}"))] {
            let shape = format!("/components/schemas/{collection}.{shape}/properties");
            let described = document.pointer(&shape).and_then(|fields| fields.as_object()).expect("a shape");
            let model = app.services.engine.model();
            for field in &model.collection_named(collection).expect("it is there").fields {
                let value = VALUES.iter().find(|(name, _)| *name == field.name).expect("a value").1;
                let reply = app.post(&line, &[], &format!(r#"{{"{}": {value}}}"#, field.name)).await;
                assert_eq!(described.contains_key(&field.name), !is_read_only(&reply), "{line} {}", field.name);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_limits_that_are_described_are_those_that_are_set() {
    let (request_time, body_time) = (Duration::from_secs(7), Duration::from_secs(3));
    let settings =
        HttpSettings { body_bytes: 2000, request_time, body_time, secure_cookies: true, ..HttpSettings::default() };
    let document = TestApp::with(NOTES, settings).call("GET /openapi.json", &[]).await.json();
    let limits = &document["x-limits"];
    assert_eq!((&limits["bodyBytes"], &limits["requestSeconds"]), (&2000.into(), &7.into()));
    assert_eq!((&limits["bodySeconds"], &limits["credentialBytes"]), (&3.into(), &2000.into()));
    assert_eq!(limits["queryBytes"], 2000);
    assert_eq!(document["components"]["securitySchemes"]["cookie"]["name"], "__Host-backstay");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_description_is_whole() {
    let app = TestApp::open(NOTES);
    let ada = app.account("ada@example.org").await;
    note(&app, &ada, "One").await;
    let document = app.call("GET /openapi.json", &[]).await.json();
    assert_eq!(document["openapi"], "3.1.0");
    let text = document.to_string();
    for reference in text.split("\"$ref\":\"#").skip(1).filter_map(|rest| rest.split('"').next()) {
        assert!(document.pointer(reference).is_some(), "{reference} leads nowhere");
    }
    let mut ids: Vec<&str> =
        text.split("\"operationId\":\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    let all = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), all, "operation ids are distinct");
    let text = text.replace("Backstay-Link", "").replace("Backstay-Commit", "");
    assert!(!text.contains("Backstay"), "Backstay's own collections are left out");
    assert_eq!(document.pointer("/x-limits/pageMax"), Some(&500.into()));
    assert!(document.pointer("/components/schemas/Note.Create/required") == Some(&serde_json::json!(["title"])));
}
