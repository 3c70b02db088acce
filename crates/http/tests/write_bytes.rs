//! How much one request may store.

use backstay_http::HttpSettings;
use backstay_testkit::TestApp;

const MODEL: &str = r#"
extend schema @app(name: "Written")
type User @identity @allow(read: "false") { email: Email! @unique }
type Gone @allow(read: "true", create: "true", update: "true", delete: "true") { n: Int }
type Told @allow(read: "true", create: "true", update: "true", delete: "true") @history(read: "true") {
  n: Int
  body: Text @length(max: 8000000)
}
type Copy @allow(read: "true", create: "true") {
  of: Told!
  body: Text @length(max: 8000000) @default(from: "this.of.body")
}
type ToldChild @allow(read: "true", create: "true", update: "true", delete: "true") @history(read: "true") {
  body: Text
  of: Gone! @onDelete(do: CASCADE)
}
"#;
const MINIMAL: &[(&str, &str)] = &[("prefer", "return=minimal")];
const BYTES: usize = 150_000;

/// Creates what the body says, and returns the id of the record if it is one.
async fn create(app: &TestApp, line: &str, body: &str) -> String {
    let reply = app.post(line, MINIMAL, body).await;
    assert_eq!(reply.status, 201, "{line}: {}", reply.text());
    reply.header("location").rsplit('/').next().unwrap_or_default().to_owned()
}

/// A record, and as many that refer to it.
async fn family(app: &TestApp, (parent, children): (&str, &str), records: usize) -> String {
    let id = create(app, &format!("POST /api/{parent}"), r#"{"n": 1}"#).await;
    let child = format!(r#"{{"of": "{id}", "body": "{}"}}"#, "x".repeat(BYTES));
    let many = format!("[{}]", vec![child.as_str(); 50].join(","));
    for _ in 0..records / 50 {
        create(app, &format!("POST /api/{children}"), &many).await;
    }
    id
}

/// 100 versions of 7 MB would be 700 MB, and so would those of 1,000 records that go with one.
#[tokio::test]
async fn what_a_request_stores_is_bounded_with_the_versions_of_histories() {
    let app = TestApp::with(MODEL, HttpSettings::default());
    let body = format!(r#"{{"n": 0, "body": "{}"}}"#, "x".repeat(7_000_000));
    let told = create(&app, "POST /api/tolds", &body).await;
    let updates = |many: usize| {
        let update = |n: usize| format!(r#"{{"update": "tolds", "id": "{told}", "body": {{"n": {n}}}}}"#);
        format!(r#"{{"requests": [{}]}}"#, (1..=many).map(update).collect::<Vec<_>>().join(","))
    };
    let reply = app.post("POST /transact", MINIMAL, &updates(9)).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    let reply = app.post("POST /transact", MINIMAL, &updates(10)).await;
    assert_eq!((reply.status, reply.problem().as_str()), (413, "too-large"), "{}", reply.text());

    // A deletion that is too much for one commit takes several.
    for records in [400, 500] {
        let gone = family(&app, ("gones", "told-childs"), records).await;
        let reply = app.call(&format!("DELETE /api/gones/{gone}"), &[]).await;
        assert_eq!(reply.status, 204, "{records}: {}", reply.text());
    }
    let gone = family(&app, ("gones", "told-childs"), 500).await;
    let within = format!(r#"{{"requests": [{{"delete": "gones", "id": "{gone}"}}]}}"#);
    let reply = app.post("POST /transact", MINIMAL, &within).await;
    assert_eq!(reply.status, 413, "{}", reply.text());
}

/// What the model gives isn't part of the request, but of its one entry in the commit log.
#[tokio::test]
async fn an_entry_of_the_commit_log_is_bounded() {
    let app = TestApp::with(MODEL, HttpSettings::default());
    let told = create(&app, "POST /api/tolds", &format!(r#"{{"body": "{}"}}"#, "x".repeat(7_000_000))).await;
    let copies = |many: usize| format!("[{}]", vec![format!(r#"{{"of": "{told}"}}"#); many].join(","));
    let reply = app.post("POST /api/copies", MINIMAL, &copies(5)).await;
    assert_eq!((reply.status, reply.problem().as_str()), (413, "too-large"), "{}", reply.text());
    let words =
        "what the change stores in a record, or of all its records in the commit log, is larger than 33554432 bytes";
    assert!(reply.text().contains(words), "{}", reply.text());
    let reply = app.call("GET /api/copies?count=true&select=id", &[]).await;
    assert_eq!(reply.json()["count"]["value"], 0, "{}", reply.text());
    create(&app, "POST /api/copies", &copies(4)).await;
}
