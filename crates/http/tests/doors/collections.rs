use backstay_testkit::{Reply, TestApp};
use serde_json::json;

use crate::NOTES;

/// Besides the notes: a type that only editors read, one that only signed-in callers read, one that everybody may add to
/// and nobody may read, and one that nobody can see.
const MORE: &str = r#"
type Memo @allow(read: "editor") { text: String }
type BookOfGuests @path(is: "guestbook") @allow(read: "auth.id != null") { text: String }
type Complaint @allow(create: "true") { text: String }
type Ledger @allow(delete: "true") { text: String }
"#;

fn names(reply: &Reply) -> Vec<String> {
    assert_eq!(reply.status, 200, "{}", reply.text());
    let collections = reply.json()["collections"].as_array().expect("a list").clone();
    collections.iter().map(|collection| collection["name"].as_str().expect("a name").to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn everyone_is_shown_what_they_may_use() {
    let app = TestApp::open(&format!("{NOTES}{MORE}"));
    let ada = app.account("ada@example.org").await;
    let eve = app.account("eve@example.org").await;
    app.grant("eve@example.org", "EDITOR").await;
    let list = async |token: &str| app.call("GET /api/", &[("authorization", token)]).await;

    let open = app.call("GET /api/", &[]).await;
    assert_eq!(names(&open), ["User", "Note", "Paper", "Site", "Complaint", "Titled"]);
    assert_eq!(open.header("cache-control"), "no-cache");
    assert_eq!(names(&list(&ada).await), ["User", "Note", "Paper", "Site", "BookOfGuests", "Complaint", "Titled"]);
    assert_eq!(
        names(&list(&eve).await),
        ["User", "Note", "Paper", "Site", "Memo", "BookOfGuests", "Complaint", "Titled"]
    );
    let own = list(&ada).await;
    assert_eq!(own.header("cache-control"), "private, no-cache");
    assert_eq!(own.json()["collections"][4], json!({ "name": "BookOfGuests", "path": "/api/guestbook" }));
    for collection in own.json()["collections"].as_array().expect("a list") {
        let path = collection["path"].as_str().expect("a path");
        assert_ne!(app.call(&format!("OPTIONS {path}"), &[]).await.status, 404, "{path}");
    }

    let operator = app.operator("root@example.org").await;
    let all = names(&list(&operator).await);
    assert!(all.iter().any(|name| name == "BackstaySession"), "{all:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_of_collections_is_only_read() {
    let app = TestApp::open(NOTES);
    let root = app.call("GET /", &[]).await;
    let link = root.json()["links"]["api"].as_str().expect("a link").to_owned();
    let list = app.call(&format!("GET {link}"), &[]).await;
    assert_eq!(names(&list), ["User", "Note", "Paper", "Site", "Titled"]);
    assert_eq!(app.call("GET /api", &[]).await.text(), list.text());
    let head = app.call("HEAD /api/", &[]).await;
    assert_eq!((head.status, head.header("content-length")), (200, list.body.len().to_string().as_str()));

    let check = async |line: &str, headers: &[(&str, &str)], status: u16, problem: &str| {
        let reply = app.call(line, headers).await;
        assert_eq!((reply.status, reply.problem().as_str()), (status, problem), "{line}: {}", reply.text());
    };
    for line in ["POST /api/", "DELETE /api", "PUT /api/"] {
        check(line, &[], 405, "method-not-allowed").await;
        assert_eq!(app.call(line, &[]).await.header("allow"), "GET, HEAD, OPTIONS", "{line}");
    }
    check("GET /api/?limit=1", &[], 400, "malformed-request").await;
    check("GET /api/", &[("idempotency-key", "k")], 400, "malformed-request").await;
    check("GET /api/", &[("if-match", "*")], 400, "malformed-request").await;
    check("GET /api/", &[("accept", "text/html")], 406, "not-acceptable").await;
    check("GET /api/", &[("authorization", "Bearer x")], 401, "invalid-token").await;
    check("GET /api//", &[], 404, "no-such-path").await;
    assert_eq!(app.call("OPTIONS /api/", &[]).await.header("allow"), "GET, HEAD, OPTIONS");
    let document = app.call("GET /openapi.json", &[]).await.json();
    assert!(document["paths"]["/api/"]["get"].is_object(), "{document}");
}
