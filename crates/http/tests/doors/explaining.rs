use backstay_engine::ExplainRequest;
use backstay_http::parse_request;
use backstay_testkit::TestApp;
use bytes::Bytes;

use crate::{NOTES, note};

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_sees_why() {
    let app = TestApp::open(NOTES);
    let ada = app.account("ada@example.org").await;
    app.account("bob@example.org").await;
    let body = r#"{"title": "Secret"}"#;
    let id = crate::id_of(&app.post("POST /api/notes", &[("authorization", &ada)], body).await);
    let operator = app.operator("root@example.org").await;
    let explain = async |who: &str, request: &str| {
        let question = format!(r#"{{"as": {who}, "request": "{request}"}}"#);
        let reply = app.post("POST /explain", &[("authorization", &operator)], &question).await;
        assert_eq!((reply.status, reply.header("cache-control")), (200, "no-store"), "{request}: {}", reply.text());
        reply.json()["allowed"].as_bool()
    };
    let request = format!("GET /api/notes/{id}");
    assert_eq!(explain("\"ada@example.org\"", &request).await, Some(true));
    assert_eq!(explain("\"bob@example.org\"", &request).await, Some(false));
    assert_eq!(explain("null", &request).await, Some(false));
    assert_eq!(explain("null", "GET /api/notes?limit=1").await, Some(true));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_an_operator_sees_why() {
    let app = TestApp::open(NOTES);
    let ada = app.account("ada@example.org").await;
    let question = r#"{"as": null, "request": "GET /api/notes"}"#;
    assert_eq!(app.post("POST /explain", &[], question).await.problem(), "sign-in-required");
    assert_eq!(app.post("POST /explain", &[("authorization", &ada)], question).await.problem(), "no-such-path");
    assert_eq!(app.call("GET /explain", &[("authorization", &ada)]).await.problem(), "no-such-path");
    let operator = app.operator("root@example.org").await;
    let check = async |body: &str, status: u16, at: &str| {
        let reply = app.post("POST /explain", &[("authorization", &operator)], body).await;
        assert_eq!(reply.status, status, "{body}: {}", reply.text());
        assert_eq!(reply.json()["errors"][0]["at"].as_str().unwrap_or_default(), at, "{body}");
    };
    check("{}", 400, "/request").await;
    check(r#"{"request": 1}"#, 400, "/request").await;
    check(r#"{"request": "GET /api/notes", "request": ""}"#, 400, "/request").await;
    check(r#"{"request": "GET /api/notes", "as": 1}"#, 400, "/as").await;
    check(r#"{"request": "GET /api/notes", "to": 1}"#, 400, "/to").await;
    check(r#"{"request": "GET /auth/me"}"#, 400, "request").await;
    check(r#"{"request": "GET /api/notes?limit=0"}"#, 400, "limit").await;
    check(r#"{"request": "PUT /api/notes"}"#, 405, "").await;
    check(r#"{"request": "GET /api/notes", "as": "nobody@example.org"}"#, 404, "").await;
    assert_eq!(app.call("GET /explain", &[("authorization", &operator)]).await.status, 405);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_is_read_as_the_router_reads_a_request() {
    let app = TestApp::open(NOTES);
    let ada = app.account("ada@example.org").await;
    let id = note(&app, &ada, "One").await;
    let model = app.doors.engine.model();
    let check = |line: &str, expected: &str| {
        let body = Bytes::from_static(b"{}");
        let got = match parse_request(model, &line.replace("ID", &id), body) {
            Ok(ExplainRequest::Get(get)) => format!("get {}", get.select.unwrap_or_default()),
            Ok(ExplainRequest::List(list)) => format!("list {:?} {:?}", list.limit, list.filter),
            Ok(ExplainRequest::Create(create)) => format!("create {}", create.body.len()),
            Ok(ExplainRequest::Update(update)) => format!("update {}", update.body.len()),
            Ok(ExplainRequest::Delete(_)) => "delete".to_owned(),
            Err(refusal) => refusal.code().to_owned(),
        };
        assert_eq!(got, expected, "{line}");
    };
    check("GET /api/notes/ID?select=title", "get title");
    check("  GET   /api/notes?limit=3&filter=public  ", "list Some(3) Some(\"public\")");
    check("POST /api/notes", "create 2");
    check("POST /api/notes:query", "list None None");
    check("PATCH /api/notes/ID", "update 2");
    check("DELETE /api/notes/ID", "delete");
    check("GET /api/notes/1", "not-found");
    check("GET /api/nothing-like-it", "no-such-path");
    check("PUT /api/notes/ID", "method-not-allowed");
    check("GET /api/notes?limit=x", "malformed-request");
    for bad in ["", "GET", "/api/notes", "GET api/notes", "GET http://x/api/notes", "G\u{7f}T /api/notes"] {
        check(bad, "malformed-request");
    }
}
