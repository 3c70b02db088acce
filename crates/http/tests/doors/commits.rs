//! `Backstay-Commit`: what a write returns, and what becomes of a request that sends it back.

use backstay_testkit::{Reply, TestApp};
use serde_json::json;

use crate::{NOTES, id_of, note};

fn token(reply: &Reply) -> String {
    assert!(reply.status < 300, "{}", reply.text());
    let token = reply.header("backstay-commit");
    assert_eq!(token.len(), 22, "{reply:?}");
    token.to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_write_returns_a_commit_and_nothing_else_does() {
    let app = TestApp::open(NOTES);
    let ada = app.account("ada@example.org").await;
    let id = note(&app, &ada, "One").await;
    let as_ada = [("authorization", ada.as_str())];
    let mut tokens = Vec::new();
    let requests = json!({ "requests": [{ "update": "notes", "id": id, "body": { "rank": 2 } }] }).to_string();
    for (line, body) in [
        ("POST /api/notes".to_owned(), r#"{"title": "Two"}"#),
        (format!("PATCH /api/notes/{id}"), r#"{"rank": 1}"#),
        // It changes nothing.
        (format!("PATCH /api/notes/{id}"), r#"{"rank": 1}"#),
        (format!("PUT /api/notes/{id}"), r#"{"title": "One", "public": true}"#),
        ("PATCH /api/notes?filter=rank==null".to_owned(), r#"{"rank": 7}"#),
        ("PATCH /api/notes?dryRun=true&filter=rank==7".to_owned(), r#"{"rank": 8}"#),
        ("PATCH /api/site".to_owned(), r#"{"motto": "Write"}"#),
        ("POST /transact".to_owned(), &requests),
        ("POST /transact?mode=independent".to_owned(), &requests),
        ("POST /auth/sign-in".to_owned(), r#"{"email": "ada@example.org", "password": "correct horse battery"}"#),
        ("DELETE /api/notes?filter=rank==7".to_owned(), ""),
        (format!("DELETE /api/notes/{id}"), ""),
        ("POST /auth/sign-out".to_owned(), ""),
    ] {
        tokens.push(token(&app.post(&line, &as_ada, body).await));
    }
    let made = tokens.len();
    tokens.sort();
    tokens.dedup();
    assert_eq!(tokens.len(), made, "each is another");

    for line in ["GET /api/notes", "POST /api/notes:query", "GET /auth/me", "GET /openapi.json", "POST /api/notes"] {
        let reply = app.post(line, &[], if line.starts_with("GET") { "" } else { "{}" }).await;
        assert_eq!(reply.header("backstay-commit"), "", "{line} {reply:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_returns_a_commit_too() {
    let app = TestApp::open(NOTES);
    let ada = app.account("ada@example.org").await;
    let headers = [("authorization", ada.as_str()), ("idempotency-key", "one")];
    let first = app.post("POST /api/notes", &headers, r#"{"title": "One"}"#).await;
    let again = app.post("POST /api/notes", &headers, r#"{"title": "One"}"#).await;
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(id_of(&first), id_of(&again));
    for shown in [token(&first), token(&again)] {
        let read = app.call("GET /api/notes", &[("authorization", &ada), ("backstay-commit", &shown)]).await;
        assert_eq!((read.status, read.json()["items"].as_array().map(Vec::len)), (200, Some(1)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_is_sent_back_with_any_request() {
    let [app, other] = [TestApp::open(NOTES), TestApp::open(NOTES)];
    let ada = app.account("ada@example.org").await;
    let made = app.post("POST /api/notes", &[("authorization", &ada)], r#"{"title": "One", "public": true}"#).await;
    let (id, shown) = (id_of(&made), token(&made));
    let elsewhere = other.account("ada@example.org").await;
    let foreign = other.post("POST /api/notes", &[("authorization", &elsewhere)], r#"{"title": "One"}"#).await;
    let check = async |token: &str, statuses: [u16; 3]| {
        let headers = [("authorization", ada.as_str()), ("backstay-commit", token)];
        let read = app.call(&format!("GET /api/notes/{id}"), &headers).await;
        let written = app.post(&format!("PATCH /api/notes/{id}"), &headers, r#"{"rank": 1}"#).await;
        let health = app.call("GET /healthz", &headers).await;
        assert_eq!([read.status, written.status, health.status], statuses, "{token}: {}", read.text());
        read
    };
    check(&shown, [200, 200, 200]).await;
    let mut damaged = shown.clone().into_bytes();
    damaged[3] = if damaged[3] == b'A' { b'B' } else { b'A' };
    let damaged = String::from_utf8(damaged).expect("it is ASCII");
    let (long, short) = (format!("{shown}A"), &shown[1..]);
    for bad in ["", "x", "*", &damaged, &long, short, &format!("\"{shown}\""), foreign.header("backstay-commit")] {
        let refused = check(bad, [400, 400, 200]).await;
        let refused = refused.json();
        assert_eq!(
            (&refused["type"], &refused["errors"][0]["at"]),
            (&json!("/problems/malformed-request"), &json!("backstay-commit")),
            "{bad}: {refused}"
        );
    }
}
