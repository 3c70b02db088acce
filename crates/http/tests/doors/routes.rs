//! Paths of the team's own.

use std::sync::Arc;

use backstay_base::{Error, RefusedByProcedure};
use backstay_engine::ActionCall;
use backstay_http::HttpSettings;
use backstay_testkit::{Reply, TestApp};
use bytes::Bytes;
use http::Request;
use serde_json::{Value, json};

use crate::acting::All;

const MODEL: &str = r#"
extend schema
  @app(name: "Blog")
  @route(method: GET, path: "/articles/{slug}", run: "show", allow: "true", name: "article")
  @route(method: PUT, path: "/articles/{slug}", run: "save", allow: "auth.id != null")
  @route(method: GET, path: "/articles/feed", run: "show", allow: "auth.id != null", name: "feed")
  @route(method: GET, path: "/api/articles/{slug}/tags/{tag}", run: "show", allow: "true", name: "tag")
  @route(method: POST, path: "/echo", run: "show", allow: "true", name: "echo")
  @route(method: GET, path: "/token", run: "show", allow: "auth.id != null", name: "token", token: true)
  @route(method: GET, path: "/picture", run: "picture", allow: "true")
  @route(method: POST, path: "/seldom", run: "show", allow: "true", name: "seldom", rate: "2/h", per: ADDRESS)

type User @identity @allow(read: "true") { email: Email! @unique  name: String }
type Article @path(is: "posts") @allow(read: "true", create: "'save' in auth.via") { title: String! }
"#;

/// Answers with what it was asked.
async fn show(call: ActionCall) -> Result<String, Error> {
    Ok(json!({ "name": call.action().name, "asked": read(call.arguments()) }).to_string())
}

/// Stores an article, unless it is called `no`, and answers with 201.
async fn save(call: ActionCall) -> Result<String, Error> {
    let asked = read(call.arguments());
    let title = asked["$request"]["params"]["slug"].as_str().expect("a text").to_owned();
    if title == "no" {
        let refused = RefusedByProcedure { code: Some("not-now".to_owned()), message: "not now".to_owned() };
        return Err(Error::Refused(Box::new(refused)));
    }
    call.request(&json!({ "create": "posts", "body": { "title": title } }).to_string()).await?;
    let headers = [("location", format!("/articles/{title}")), ("content-type", "text/plain".to_owned())];
    Ok(json!({ "$response": { "status": 201, "headers": headers, "body": "saved" } }).to_string())
}

/// Answers with octets that stay fresh for an hour.
async fn picture(_: ActionCall) -> Result<String, Error> {
    let headers = [("content-type", "image/gif"), ("cache-control", "public, max-age=3600")];
    Ok(json!({ "$response": { "status": 200, "headers": headers, "octets": "R0lG/w==" } }).to_string())
}

fn read(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

fn open() -> TestApp {
    let app = TestApp::open(MODEL);
    let procedures = All::default().with("show", show).with("save", save).with("picture", picture);
    app.services.engine.set_procedures(Arc::new(procedures));
    app
}

fn asked(reply: &Reply) -> Value {
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.json()["asked"]["$request"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_route_gets_the_request_without_credentials() {
    let app = open();
    let ada = app.account("ada@example.org").await;
    let headers = [("host", "blog.example"), ("authorization", ada.as_str()), ("x-lang", "de"), ("cookie", "a=b")];
    let reply = app.call("GET /articles/a%20b?page=2&x", &headers).await;
    let expected = json!({
        "method": "GET", "url": "http://blog.example/articles/a%20b?page=2&x", "params": { "slug": "a b" }, "body": "",
        "headers": [["host", "blog.example"], ["x-lang", "de"]],
    });
    assert_eq!(asked(&reply), expected);
    assert_eq!(reply.header("cache-control"), "private, no-cache");
    let reply = app.post("POST /echo", &[("content-type", "text/plain"), ("host", "h")], "grüß").await;
    assert_eq!(asked(&reply)["body"], "grüß");
    let check = |path: &'static str, expected: Value| {
        let app = &app;
        async move { assert_eq!(asked(&app.call(path, &[]).await)["params"], expected, "{path}") }
    };
    check("GET /api/articles/x/tags/%C3%A4", json!({ "slug": "x", "tag": "ä" })).await;
    check("GET /articles/feed.xml", json!({ "slug": "feed.xml" })).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_route_that_asks_for_it_gets_the_token_that_the_client_sends_itself() {
    let app = open();
    let ada = app.account("ada@example.org").await;
    let token = ada.strip_prefix("Bearer ").expect("a token");
    let headers = [("authorization", ada.as_str())];
    assert_eq!(asked(&app.call("GET /token", &headers).await)["token"], token);
    assert_eq!(asked(&app.call("GET /articles/feed", &headers).await)["token"], Value::Null);
    let cookie = format!("backstay={token}");
    let headers = [("cookie", cookie.as_str()), ("sec-fetch-site", "same-origin")];
    assert_eq!(
        asked(&app.call("GET /token", &headers).await)["token"],
        Value::Null,
        "no page may read that of a cookie"
    );
    assert_eq!(app.call("GET /token", &[]).await.status, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_may_write_the_words_before_the_token_that_the_settings_allow() {
    let settings = HttpSettings { token_schemes: vec!["Token".to_owned()], ..HttpSettings::default() };
    let app = TestApp::with(MODEL, settings);
    let ada = app.account("ada@example.org").await;
    let token = ada.strip_prefix("Bearer ").expect("a token");
    for (scheme, status) in [("Bearer", 200), ("Token", 200), ("token", 200), ("Basic", 401), ("Tokens", 401)] {
        let value = format!("{scheme} {token}");
        assert_eq!(app.call("GET /auth/me", &[("authorization", &value)]).await.status, status, "{scheme}");
    }
    let value = format!("Token {token}");
    assert_eq!(open().call("GET /auth/me", &[("authorization", &value)]).await.status, 401, "unless they do");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_path_and_the_method_choose_the_route() {
    let app = open();
    let ada = app.account("ada@example.org").await;
    let check = |line: &'static str, status: u16, allow: &'static str| {
        let (app, ada) = (&app, ada.as_str());
        async move {
            let reply = app.call(line, &[("authorization", ada)]).await;
            assert_eq!((reply.status, reply.header("allow")), (status, allow), "{line}: {}", reply.text());
        }
    };
    check("GET /articles/feed", 200, "").await;
    check("HEAD /articles/x", 200, "").await;
    check("PUT /articles/feed", 405, "GET, HEAD, OPTIONS").await;
    check("POST /articles/x", 405, "GET, HEAD, PUT, OPTIONS").await;
    check("OPTIONS /articles/x", 204, "GET, HEAD, PUT, OPTIONS").await;
    check("GET /echo", 405, "POST, OPTIONS").await;
    check("GET /articles", 404, "").await;
    check("GET /articles/", 404, "").await;
    check("GET /articles/x/", 404, "").await;
    check("GET /articles/x/y", 404, "").await;
    check("GET /articles/%FF", 400, "").await;
    check("GET /do/article", 404, "").await;
    check("GET /api/posts", 200, "").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_route_says_who_may_call_and_what_it_may_do() {
    let app = open();
    let ada = app.account("ada@example.org").await;
    let auth = [("authorization", ada.as_str())];
    assert_eq!(app.call("GET /articles/feed", &[]).await.status, 401);
    assert_eq!(app.call("PUT /articles/one", &[]).await.status, 401);
    assert_eq!(app.post("POST /api/posts", &auth, r#"{"title": "x"}"#).await.status, 403);
    let saved = app.post("PUT /articles/one", &auth, "").await;
    assert_eq!((saved.status, saved.text()), (201, "saved"));
    assert_eq!((saved.header("location"), saved.header("content-type")), ("/articles/one", "text/plain"));
    let refused = app.post("PUT /articles/no", &auth, "").await;
    assert_eq!((refused.status, &refused.json()["reason"]), (422, &json!("not-now")));
    let octets = Request::put("/articles/two").header("host", "h").header("authorization", &ada);
    let octets = app.send(octets.body(Bytes::from_static(&[0xff, 0xfe])).expect("a request")).await;
    assert_eq!(octets.status, 201, "{}", octets.text());
    let posts = app.call("GET /api/posts", &[]).await.json();
    assert_eq!(posts["items"].as_array().map(Vec::len), Some(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn octets_go_both_ways() {
    let app = open();
    let sent = Request::post("/echo").header("host", "h").body(Bytes::from_static(&[0xff, 0xfe])).expect("a request");
    let asked = asked(&app.send(sent).await);
    assert_eq!((&asked["octets"], &asked["body"]), (&json!("//4="), &Value::Null));
    let picture = app.call("GET /picture", &[]).await;
    assert_eq!((picture.status, picture.header("content-type"), &*picture.body), (200, "image/gif", &b"GIF\xff"[..]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_route_has_answered_is_not_sent_again() {
    let app = open();
    let first = app.call("GET /picture", &[]).await;
    assert_eq!(first.header("cache-control"), "public, max-age=3600");
    let again = app.call("GET /picture", &[("if-none-match", first.header("etag"))]).await;
    assert_eq!((again.status, again.body.len(), again.header("cache-control")), (304, 0, "public, max-age=3600"));
    let other = app.call("GET /articles/x", &[("if-none-match", first.header("etag"))]).await;
    assert_eq!((other.status, other.header("cache-control")), (200, "no-cache"));
    let written = app.post("POST /echo", &[], "").await;
    assert_eq!((written.status, written.header("etag")), (200, ""));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_route_has_a_limit_of_its_own() {
    let app = open();
    for status in [200, 200, 429] {
        assert_eq!(app.post("POST /seldom", &[], "").await.status, status);
    }
    assert_eq!(app.post("POST /echo", &[], "").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_of_one_path_and_body() {
    let app = open();
    let ada = app.account("ada@example.org").await;
    let auth = [("authorization", ada.as_str()), ("idempotency-key", "k")];
    for _ in 0..2 {
        assert_eq!(app.post("PUT /articles/one", &auth, "").await.status, 201);
    }
    assert_eq!(app.post("PUT /articles/two", &auth, "").await.status, 422);
    let posts = app.call("GET /api/posts", &[]).await.json();
    assert_eq!(posts["items"].as_array().map(Vec::len), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_description_has_routes() {
    let document = open().call("GET /openapi.json", &[]).await.json();
    let item = &document["paths"]["/articles/{slug}"];
    assert_eq!((&item["get"]["operationId"], &item["put"]["operationId"]), (&json!("article"), &json!("save")));
    let parameters = item["get"]["parameters"].as_array().expect("a list");
    assert!(parameters.iter().any(|parameter| parameter["name"] == "slug"), "{parameters:?}");
    assert!(document["paths"].get("/do/article").is_none());
}
