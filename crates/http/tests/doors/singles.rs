//! Types with one record.

use backstay_testkit::{Reply, TestApp};
use serde_json::{Value, json};

/// The example of the documentation.
fn app() -> TestApp {
    const DOCUMENT: &str = include_str!("../../../../docs/model.md");
    let (_, section) = DOCUMENT.split_once("\n### Types with one record\n").expect("the section");
    let (_, example) = section.split_once("```graphql\n").expect("an example");
    let (example, _) = example.split_once("```").expect("its end");
    TestApp::open(&format!("{ACCOUNTS}\n{example}"))
}

const ACCOUNTS: &str = r#"
extend schema @app(name: "Site")
enum Role @roles { ADMIN }
type User @identity @allow(read: "this.id == auth.id") { email: Email! @unique name: String! }
"#;

fn told(reply: &Reply) -> (u16, String) {
    (reply.status, reply.problem())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_record_is_there_from_the_start() {
    let app = app();
    let read = app.call("GET /api/site-settings", &[]).await;
    assert_eq!(read.status, 200, "{}", read.text());
    let record = read.json();
    assert_eq!(
        (&record["title"], &record["maintenance"], &record["motto"]),
        (&json!("My site"), &json!(false), &Value::Null)
    );
    assert_eq!(record["version"], 1);
    assert!(read.header("etag").starts_with("\"1."), "{}", read.header("etag"));
    let chosen = app.call("GET /api/site-settings?select=title", &[("if-none-match", "\"x\"")]).await;
    assert_eq!(chosen.json(), json!({ "title": "My site" }));
    let known = [("if-none-match", read.header("etag"))];
    assert_eq!(app.call("GET /api/site-settings", &known).await.status, 304);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_record_is_changed_by_whom_the_rule_allows() {
    let app = app();
    let (ada, bob) = (app.account("ada@example.org").await, app.account("bob@example.org").await);
    app.grant("ada@example.org", "ADMIN").await;
    let patch = async |token: &str, more: &[(&str, &str)], body: &str| {
        let headers: Vec<(&str, &str)> = [("authorization", token)].into_iter().chain(more.iter().copied()).collect();
        app.post("PATCH /api/site-settings", &headers, body).await
    };
    let changed = patch(&ada, &[], r#"{"title": "News"}"#).await;
    assert_eq!(
        (changed.status, &changed.json()["title"], &changed.json()["version"]),
        (200, &json!("News"), &json!(2))
    );
    assert_eq!(told(&patch(&bob, &[], r#"{"title": "Mine"}"#).await), (403, "forbidden".to_owned()));
    assert_eq!(app.post("PATCH /api/site-settings", &[], r#"{"title": "Mine"}"#).await.status, 401);
    assert_eq!(
        told(&patch(&ada, &[("if-match", "\"1.x\"")], r#"{"title": "Old"}"#).await),
        (412, "version-mismatch".to_owned())
    );
    assert_eq!(told(&patch(&ada, &[], r#"{"title": null}"#).await), (422, "invalid-values".to_owned()));
    assert_eq!(
        told(&patch(&ada, &[], r#"{"id": "01890a5d-ac96-774b-bcce-b302099a8057"}"#).await),
        (422, "invalid-values".to_owned())
    );
    let twice = [("idempotency-key", "k")];
    let first = patch(&ada, &twice, r#"{"motto": "m"}"#).await;
    let again = patch(&ada, &twice, r#"{"motto": "m"}"#).await;
    assert_eq!((first.status, first.json()), (again.status, again.json()));
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(app.call("GET /api/site-settings", &[]).await.json()["version"], 3);
}

/// What is left out returns to its default.
#[tokio::test(flavor = "multi_thread")]
async fn the_record_is_replaced() {
    let app = app();
    let ada = app.account("ada@example.org").await;
    let put = async |more: &[(&str, &str)], body: &str| {
        let headers: Vec<(&str, &str)> = [("authorization", &*ada)].into_iter().chain(more.iter().copied()).collect();
        app.post("PUT /api/site-settings", &headers, body).await
    };
    assert_eq!(told(&put(&[], r#"{"title": "Mine"}"#).await), (403, "forbidden".to_owned()));
    app.grant("ada@example.org", "ADMIN").await;
    let first = put(&[], r#"{"title": "Mine", "motto": "m", "maintenance": true}"#).await;
    assert_eq!(first.status, 200, "{}", first.text());
    let second = put(&[("if-match", first.header("etag"))], r#"{"title": "Ours"}"#).await;
    let record = second.json();
    assert_eq!(
        (second.status, &record["title"], &record["motto"], &record["maintenance"], &record["version"]),
        (200, &json!("Ours"), &Value::Null, &json!(false), &json!(3)),
        "{}",
        second.text()
    );
    assert_eq!(put(&[("if-match", first.header("etag"))], "{}").await.status, 412);
    assert_eq!(put(&[("if-none-match", "*")], "{}").await.status, 412);
    let requests = json!({ "requests": [{ "replace": "site-settings", "body": { "title": "All" } }] });
    let together = app.post("POST /transact", &[("authorization", &ada)], &requests.to_string()).await;
    assert_eq!(together.json()["results"][0]["title"], "All", "{}", together.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_else_can_be_done_with_it() {
    let app = app();
    let ada = app.account("ada@example.org").await;
    app.grant("ada@example.org", "ADMIN").await;
    let auth = [("authorization", ada.as_str())];
    for method in ["POST", "DELETE"] {
        let reply = app.post(&format!("{method} /api/site-settings"), &auth, "{}").await;
        assert_eq!((reply.status, reply.header("allow")), (405, "GET, HEAD, PATCH, PUT, OPTIONS"), "{method}");
    }
    let options = app.call("OPTIONS /api/site-settings", &[]).await;
    assert_eq!((options.status, options.header("allow")), (204, "GET, HEAD, PATCH, PUT, OPTIONS"));
    let id = app.call("GET /api/site-settings", &[]).await.json()["id"].as_str().expect("an id").to_owned();
    for path in [
        format!("GET /api/site-settings/{id}"),
        "POST /api/site-settings:query".to_owned(),
        "GET /api/site-settings/".to_owned(),
    ] {
        let reply = app.post(&path, &auth, "{}").await;
        assert_eq!(told(&reply), (404, "no-such-path".to_owned()), "{path}");
        assert!(reply.text().contains("/api/site-settings"), "{}", reply.text());
    }
    for parameter in ["limit=1", "filter=true", "title=x", "count=true"] {
        let reply = app.call(&format!("GET /api/site-settings?{parameter}"), &[]).await;
        assert_eq!(reply.status, 400, "{parameter}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_takes_part_in_transactions() {
    let app = app();
    let ada = app.account("ada@example.org").await;
    app.grant("ada@example.org", "ADMIN").await;
    let transact = async |requests: Value| {
        app.post("POST /transact", &[("authorization", &ada)], &json!({ "requests": requests }).to_string()).await
    };
    let done = transact(json!([
        { "update": "site-settings", "body": { "title": "One" }, "ifMatch": 1 },
        { "get": "site-settings", "select": "title,version" },
    ]))
    .await;
    assert_eq!(done.status, 200, "{}", done.text());
    assert_eq!(done.json()["results"][1], json!({ "title": "One", "version": 2 }));
    let check = async |request: Value, at: &str| {
        let refused = transact(json!([request])).await;
        assert_eq!((refused.status, &refused.json()["errors"][0]["at"]), (400, &json!(at)), "{}", refused.text());
    };
    let id = "01890a5d-ac96-774b-bcce-b302099a8057";
    check(json!({ "get": "site-settings", "id": id }), "/requests/0/id").await;
    check(json!({ "update": "site-settings", "id": id, "body": {} }), "/requests/0/id").await;
    check(json!({ "create": "site-settings", "body": {} }), "/requests/0/create").await;
    check(json!({ "delete": "site-settings", "id": id }), "/requests/0/delete").await;
    check(json!({ "list": "site-settings" }), "/requests/0/list").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_described_and_explained() {
    let app = app();
    let document = app.call("GET /openapi.json", &[]).await.json();
    let methods: Vec<&String> = document["paths"]["/api/site-settings"].as_object().expect("a path").keys().collect();
    assert_eq!(methods, ["get", "patch", "put"]);
    assert_eq!(document["paths"].get("/api/site-settings/{id}"), None);
    assert_eq!(document["components"]["schemas"].get("SiteSettings.Page"), None);
    assert_eq!(document["components"]["schemas"].get("SiteSettings.Create"), None);
    let listed = app.call("GET /api/", &[]).await.json();
    let expected = json!({ "name": "SiteSettings", "path": "/api/site-settings", "single": true });
    assert!(listed["collections"].as_array().expect("a list").contains(&expected), "{listed}");
    let operator = app.operator("root@example.org").await;
    let explain = async |request: Value| {
        app.post("POST /explain", &[("authorization", &operator)], &request.to_string()).await.json()["allowed"].clone()
    };
    assert_eq!(explain(json!({ "request": "GET /api/site-settings" })).await, true);
    assert_eq!(explain(json!({ "request": "PATCH /api/site-settings", "body": { "title": "x" } })).await, false);
}

/// The record outlives the server, and a second start makes no second one.
#[tokio::test(flavor = "multi_thread")]
async fn it_hides_what_its_rules_hide() {
    let model = r#"
extend schema @app(name: "Hidden")
type User @identity @allow(read: "true") { email: Email! @unique name: String! }
type Secrets @single @allow(read: "auth.id != null", update: "false") {
  a: Int! @default(to: 1)
  b: Int! @default(to: 2) @allow(read: "false")
}
type Closed @single { a: Int }
"#;
    let app = TestApp::open(model);
    assert_eq!(app.call("GET /api/secrets", &[]).await.status, 401);
    assert_eq!(app.call("GET /api/closed", &[]).await.status, 401);
    let ada = app.account("ada@example.org").await;
    let auth = [("authorization", ada.as_str())];
    let read = app.call("GET /api/secrets", &auth).await;
    assert_eq!((read.status, &read.json()["a"]), (200, &json!(1)));
    assert_eq!(read.json().get("b").filter(|value| !value.is_null()), None);
    assert_eq!(app.call("GET /api/closed", &auth).await.status, 403);
    assert_eq!(app.post("PATCH /api/secrets", &auth, r#"{"a": 3}"#).await.status, 403);
}
