//! Records below another path than `/api`.

use std::sync::Arc;

use backstay_base::Error;
use backstay_engine::ActionCall;
use backstay_model::ApiPrefix;
use backstay_testkit::TestApp;
use serde_json::{Value, json};

use crate::acting::All;

const MODEL: &str = r#"
extend schema
  @app(name: "Blog")
  @route(method: GET, path: "/api/articles", run: "articles", allow: "true")
type User @identity @allow(read: "true") { email: Email! @unique }
type Article @allow(read: "true", create: "true", update: "true", delete: "true") @trash(keep: "30d") { title: String! @unique }
type Settings @single @allow(read: "true") { title: String }
interface Titled @path(is: "titled") { title: String! }
type Page implements Titled @allow(read: "true") { title: String! }
"#;

async fn articles(_: ActionCall) -> Result<String, Error> {
    Ok("[]".to_owned())
}

fn open(prefix: &str) -> TestApp {
    let prefix: ApiPrefix = prefix.parse().expect("a prefix");
    let app = TestApp::below(&prefix, MODEL);
    app.services.engine.set_procedures(Arc::new(All::default().with("articles", articles)));
    app
}

#[tokio::test(flavor = "multi_thread")]
async fn every_path_of_records_is_below_the_prefix() {
    let app = open("/rest/v1");
    let made = app.post("POST /rest/v1/articles", &[], r#"{"title": "One"}"#).await;
    let id = made.json()["id"].as_str().expect("an id").to_owned();
    assert_eq!((made.status, made.header("location")), (201, format!("/rest/v1/articles/{id}").as_str()));
    let check = |line: String, expected: u16| {
        let app = &app;
        async move {
            let reply = app.call(&line, &[]).await;
            assert_eq!(reply.status, expected, "{line}: {}", reply.text());
        }
    };
    for path in [
        "articles",
        "articles:by?title=One",
        "articles:aggregate?select=count",
        "articles:changes",
        "settings",
        "titled",
    ] {
        check(format!("GET /rest/v1/{path}"), 200).await;
        check(format!("GET /api/{path}"), if path == "articles" { 200 } else { 404 }).await;
    }
    check(format!("GET /rest/v1/articles/{id}"), 200).await;
    check(format!("GET /api/articles/{id}"), 404).await;
    check(format!("DELETE /rest/v1/articles/{id}"), 204).await;
    // A route has the path that records would have without the setting.
    assert_eq!(app.call("GET /api/articles", &[]).await.text(), "[]");
}

#[tokio::test(flavor = "multi_thread")]
async fn links_and_hints_name_the_prefix() {
    let app = open("/records");
    assert_eq!(app.call("GET /", &[]).await.json()["links"]["api"], "/records/");
    for path in ["GET /records", "GET /records/"] {
        let listed = app.call(path, &[]).await.json();
        let paths: Vec<&str> =
            listed["collections"].as_array().into_iter().flatten().filter_map(|one| one["path"].as_str()).collect();
        assert_eq!(
            paths,
            ["/records/users", "/records/articles", "/records/settings", "/records/pages", "/records/titled"]
        );
    }
    for (line, expected) in [
        ("GET /api/pages", "/records/pages"),
        ("GET /records/artcles", "/records/articles"),
        ("GET /records/articles:count", "/records/articles:aggregate?select=count"),
    ] {
        let reply = app.call(line, &[]).await;
        assert_eq!(reply.status, 404, "{line}");
        assert!(reply.text().contains(expected), "{line}: {}", reply.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_document_describes_the_paths_that_are_there() {
    let document = open("/records").call("GET /openapi.json", &[]).await.json();
    let paths: Vec<&str> = document["paths"].as_object().expect("paths").keys().map(String::as_str).collect();
    assert!(paths.contains(&"/records/articles/{id}"), "{paths:?}");
    assert!(paths.contains(&"/records/"), "{paths:?}");
    let of_records: Vec<&str> = paths.into_iter().filter(|path| path.starts_with("/api/")).collect();
    assert_eq!(of_records, ["/api/articles"], "the route alone");
    assert_eq!(document["x-api-prefix"], json!("/records"));
    assert_ne!(document["paths"]["/records/titled"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_are_written_down_have_it_too() {
    let app = open("/records");
    let operator = app.operator("op@example.org").await;
    let ask = async |request: &str| {
        let question = json!({ "request": request }).to_string();
        app.post("POST /explain", &[("authorization", operator.as_str())], &question).await
    };
    assert_eq!(ask("GET /records/articles?limit=1").await.status, 200);
    let refused = ask("GET /api/articles?limit=1").await;
    assert!(
        refused.text().contains("a path below /records/, such as GET /records/posts?limit=1"),
        "{}",
        refused.text()
    );
    let sent = app.post("POST /transact", &[], r#"{"requests": [{"list": "/records/articles"}]}"#).await;
    assert!(sent.text().contains(r#"write only the collection's path: \"articles\""#), "{}", sent.text());
}
