//! Where a page starts, what it tells of those around it, and how records are counted.

use backstay_testkit::{Reply, TestApp};
use serde_json::{Value, json};

use crate::{NOTES, note};

/// An application with the notes `a` to `e` and two papers, and the token of who wrote them.
async fn open() -> (TestApp, String) {
    let app = TestApp::open(NOTES);
    let ada = app.account("ada@example.org").await;
    for title in ["a", "b", "c", "d", "e"] {
        note(&app, &ada, title).await;
    }
    for title in ["ab", "cd"] {
        let body = json!({ "title": title }).to_string();
        assert_eq!(app.post("POST /api/papers", &[("authorization", &ada)], &body).await.status, 201);
    }
    (app, ada)
}

/// The titles on a page.
fn titles(page: &Value) -> String {
    let items = page["items"].as_array().expect("a page");
    items.iter().map(|item| item["title"].as_str().expect("a title")).collect::<Vec<_>>().join(" ")
}

async fn page(app: &TestApp, line: &str) -> Value {
    let reply: Reply = app.call(&format!("GET {line}"), &[]).await;
    assert_eq!(reply.status, 200, "{line}: {}", reply.text());
    reply.json()
}

/// A cursor of a page as a parameter.
fn place(page: &Value, member: &str) -> String {
    page[member].as_str().expect("a cursor").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_lead_to_those_before_them() {
    let (app, _) = open().await;
    for (list, expected) in [("notes?sort=title", ["a b", "c d", "e"]), ("notes?sort=-title", ["e d", "c b", "a"])] {
        let list = format!("/api/{list}&select=title&limit=2");
        let first = page(&app, &list).await;
        assert_eq!((titles(&first).as_str(), first.get("prev")), (expected[0], None), "it can't have a page before");
        let second = page(&app, &format!("{list}&after={}", place(&first, "next"))).await;
        assert_eq!(titles(&second), expected[1]);
        let third = page(&app, &format!("{list}&after={}", place(&second, "next"))).await;
        assert_eq!((titles(&third).as_str(), &third["next"]), (expected[2], &Value::Null));

        let back = page(&app, &format!("{list}&before={}", place(&third, "prev"))).await;
        assert_eq!(titles(&back), expected[1]);
        let again = page(&app, &format!("{list}&after={}", place(&back, "next"))).await;
        assert_eq!(titles(&again), expected[2]);
        let start = page(&app, &format!("{list}&before={}", place(&back, "prev"))).await;
        assert_eq!((titles(&start).as_str(), &start["prev"]), (expected[0], &Value::Null));
        let long = page(&app, &format!("{list}&before={}", place(&third, "prev")).replace("limit=2", "limit=9")).await;
        assert_eq!(titles(&long), format!("{} {}", expected[0], expected[1]));
        let one = page(&app, &format!("{list}&before={}", place(&first, "next"))).await;
        assert_eq!(
            (titles(&one).as_str(), &one["prev"]),
            (&expected[0][..1], &Value::Null),
            "less than a page is left"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn records_are_left_out() {
    let (app, _) = open().await;
    for (query, expected, next, previous) in [
        ("skip=0&limit=2", "a b", true, None),
        ("skip=1&limit=2", "b c", true, Some(true)),
        ("skip=3&limit=2", "d e", false, Some(true)),
        ("skip=4&limit=2", "e", false, Some(true)),
        ("skip=5", "", false, Some(false)),
        ("skip=10000", "", false, Some(false)),
    ] {
        let found = page(&app, &format!("/api/notes?sort=title&{query}")).await;
        assert_eq!((titles(&found).as_str(), found["next"].is_string()), (expected, next), "{query}");
        assert_eq!(found.get("prev").map(Value::is_string), previous, "{query}");
    }
    let body = json!({ "sort": "title", "skip": 3, "select": "title" }).to_string();
    let found = app.post("POST /api/notes:query", &[], &body).await.json();
    assert_eq!(titles(&found), "d e");
    let body = json!({ "requests": [{ "list": "notes", "query": { "sort": "title", "skip": 4 } }] }).to_string();
    let found = app.post("POST /transact", &[], &body).await.json();
    assert_eq!(titles(&found["results"][0]), "e");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_records_of_several_types_have_pages_too() {
    let (app, _) = open().await;
    let list = "/api/titled?sort=title&limit=3&select=title";
    let first = page(&app, list).await;
    assert_eq!(titles(&first), "a ab b");
    let second = page(&app, &format!("{list}&after={}", place(&first, "next"))).await;
    assert_eq!(titles(&second), "c cd d");
    let back = page(&app, &format!("{list}&before={}", place(&second, "prev"))).await;
    assert_eq!((titles(&back), &back["prev"]), (titles(&first), &Value::Null));
    for (skip, expected) in [(1, "ab b c"), (2, "b c cd"), (5, "d e"), (7, "")] {
        assert_eq!(titles(&page(&app, &format!("{list}&skip={skip}")).await), expected, "{skip}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn records_are_counted_as_far_as_is_asked() {
    let (app, _) = open().await;
    for (query, expected) in [
        ("count=true", Some(json!({ "value": 5, "more": false }))),
        ("count=exact", Some(json!({ "value": 5, "more": false }))),
        ("count=exact&skip=2&limit=1", Some(json!({ "value": 5, "more": false }))),
        ("count=exact&filter=title%20%3C%20'c'", Some(json!({ "value": 2, "more": false }))),
        ("count=false", None),
    ] {
        assert_eq!(page(&app, &format!("/api/notes?{query}")).await.get("count"), expected.as_ref(), "{query}");
    }
    for count in [json!(true), json!("exact")] {
        let body = json!({ "count": count }).to_string();
        let found = app.post("POST /api/notes:query", &[], &body).await.json();
        assert_eq!(found["count"], json!({ "value": 5, "more": false }));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_starts_at_one_place() {
    let (app, _) = open().await;
    let cursor = place(&page(&app, "/api/notes?limit=1").await, "next");
    for (query, at) in [
        ("skip=10001", "skip"),
        ("skip=-1", "skip"),
        ("skip=x", "skip"),
        ("skip=1&after=CURSOR", "skip"),
        ("skip=1&before=CURSOR", "skip"),
        ("before=CURSOR&after=CURSOR", "before"),
        ("before=x", "before"),
        ("before=CURSOR&sort=title", "before"),
        ("count=some", "count"),
    ] {
        let line = format!("GET /api/notes?{}", query.replace("CURSOR", &cursor));
        let reply = app.call(&line, &[]).await;
        assert_eq!((reply.status, reply.problem().as_str()), (400, "malformed-request"), "{query}");
        assert_eq!(reply.json()["errors"][0]["at"], at, "{query}");
    }
    let body = json!({ "skip": 1, "after": cursor }).to_string();
    let reply = app.post("POST /api/notes:query", &[], &body).await;
    assert_eq!((reply.status, &reply.json()["errors"][0]["at"]), (400, &json!("/skip")));
}
