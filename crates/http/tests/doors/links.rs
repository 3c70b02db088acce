//! Secret links: what somebody without an account owns.

use backstay_testkit::{Reply, TestApp};
use serde_json::{Value, json};

/// The example of the documentation.
fn shop() -> TestApp {
    const DOCUMENT: &str = include_str!("../../../../docs/model.md");
    let (_, section) = DOCUMENT.split_once("\n### Secret links\n").expect("the section");
    let (_, example) = section.split_once("```graphql\n").expect("an example");
    let (example, _) = example.split_once("```").expect("its end");
    TestApp::open(example)
}

async fn link(app: &TestApp, headers: &[(&str, &str)]) -> (String, String) {
    let made = app.call("POST /auth/links", headers).await;
    assert_eq!((made.status, made.header("cache-control")), (201, "no-store"), "{}", made.text());
    let text = |name: &str| made.json()[name].as_str().expect("a text").to_owned();
    assert!(text("token").starts_with("bsl_"));
    (text("id"), text("token"))
}

fn told(reply: &Reply) -> (u16, String) {
    (reply.status, reply.problem())
}

async fn carts(app: &TestApp, headers: &[(&str, &str)]) -> usize {
    let listed = app.call("GET /api/carts?select=id", headers).await;
    assert_eq!(listed.status, 200, "{}", listed.text());
    listed.json()["items"].as_array().expect("a list").len()
}

async fn cart(app: &TestApp, token: &str) -> String {
    let made = app.post("POST /api/carts", &[("backstay-link", token)], "{}").await;
    assert_eq!(made.status, 201, "{}", made.text());
    crate::id_of(&made)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_owns_a_cart_by_a_link_and_nobody_else_sees_it() {
    let app = shop();
    let refused = app.post("POST /api/carts", &[], "{}").await;
    assert_eq!(told(&refused), (401, "sign-in-required".to_owned()));

    let ((id, token), (_, other)) = (link(&app, &[]).await, link(&app, &[]).await);
    let guest = [("backstay-link", token.as_str())];
    let made = app.post("POST /api/carts", &guest, "{}").await;
    assert_eq!(made.status, 201, "{}", made.text());
    assert_eq!((&made.json()["link"], &made.json()["customer"]), (&json!(id), &Value::Null));
    assert_eq!(made.header("cache-control"), "private, no-cache");
    let cart = crate::id_of(&made);
    let line = app.post("POST /api/lines", &guest, &format!(r#"{{"cart": "{cart}", "what": "Tea"}}"#)).await;
    assert_eq!(line.status, 201, "{}", line.text());
    let read = app.call(&format!("GET /api/carts/{cart}?select=lines{{what}}"), &guest).await;
    assert_eq!(read.json(), json!({ "lines": [{ "what": "Tea" }] }));
    assert!(read.header("vary").contains("Backstay-Link"), "{}", read.header("vary"));

    let stranger = [("backstay-link", other.as_str())];
    let ada = app.account("ada@example.org").await;
    for headers in [&stranger[..], &[("authorization", ada.as_str())], &[]] {
        let read = app.call(&format!("GET /api/carts/{cart}"), headers).await;
        assert_eq!(read.status, 404, "{headers:?}: {}", read.text());
        let body = format!(r#"{{"cart": "{cart}", "what": "Salt"}}"#);
        let line = app.post("POST /api/lines", headers, &body).await;
        assert!(line.status >= 400, "{headers:?}: {}", line.text());
    }
    assert_eq!((carts(&app, &guest).await, carts(&app, &stranger).await), (1, 0));
    let forged = app.post("POST /api/carts", &stranger, &format!(r#"{{"link": "{id}"}}"#)).await;
    assert_eq!(told(&forged), (422, "invalid-values".to_owned()), "the model sets the field");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_shows_the_link_takes_the_cart_over() {
    let app = shop();
    let (_, token) = link(&app, &[]).await;
    let cart = cart(&app, &token).await;
    let ada = app.account("ada@example.org").await;
    let me = app.call("GET /auth/me", &[("authorization", &ada)]).await.json()["id"].clone();
    let take = json!({ "customer": me }).to_string();
    let path = format!("PATCH /api/carts/{cart}");
    assert_eq!(app.post(&path, &[("authorization", &ada)], &take).await.status, 404);
    let both = [("authorization", ada.as_str()), ("backstay-link", token.as_str())];
    let taken = app.post(&path, &both, &take).await;
    assert_eq!((taken.status, &taken.json()["customer"]), (200, &me), "{}", taken.text());
    assert_eq!(carts(&app, &[("authorization", &ada)]).await, 1);
    assert_eq!(carts(&app, &[("backstay-link", &token)]).await, 0, "the link opens it no longer");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_was_revoked_is_refused_at_once() {
    let app = shop();
    let (id, token) = link(&app, &[]).await;
    let guest = [("backstay-link", token.as_str())];
    let cart = cart(&app, &token).await;
    let path = format!("GET /api/carts/{cart}");
    let read = app.call(&path, &guest).await;
    assert_eq!(read.status, 200);
    let tag = read.header("etag").to_owned();
    let unchanged = app.call(&path, &[guest[0], ("if-none-match", &tag)]).await;
    assert_eq!(unchanged.status, 304);

    let other = link(&app, &[]).await.1;
    let body = json!({ "id": id }).to_string();
    let refused = app.post("POST /auth/links/revoke", &[("backstay-link", &other)], &body).await;
    assert_eq!(told(&refused), (404, "not-found".to_owned()), "it is somebody else's");
    assert_eq!(app.call("POST /auth/links/revoke", &[]).await.status, 401);

    assert_eq!(app.call("POST /auth/links/revoke", &guest).await.status, 204);
    for headers in [&guest[..], &[guest[0], ("if-none-match", &tag)]] {
        assert_eq!(told(&app.call(&path, headers).await), (401, "invalid-link".to_owned()));
    }
    let again = app.call("POST /auth/links/revoke", &guest).await;
    assert_eq!(told(&again), (401, "invalid-link".to_owned()));
}

/// What is sent counts: without its link, an account would silently see less, or act for itself alone.
#[tokio::test(flavor = "multi_thread")]
async fn a_dead_link_is_refused_beside_a_session_too_and_says_that_it_is_the_link() {
    let app = shop();
    let (_, token) = link(&app, &[]).await;
    let ada = app.account("ada@example.org").await;
    let dead = ("backstay-link", token.as_str());
    assert_eq!(app.call("POST /auth/links/revoke", &[dead]).await.status, 204);
    let check = async |line: &str, headers: &[(&str, &str)], code: &str, challenge: &str| {
        let refused = app.call(line, headers).await;
        assert_eq!(told(&refused), (401, code.to_owned()), "{line} {headers:?}");
        assert_eq!(refused.header("www-authenticate"), challenge, "{line} {headers:?}");
    };
    let of_link = ("invalid-link", "Backstay-Link error=\"invalid_token\"");
    let of_token = ("invalid-token", "Bearer error=\"invalid_token\"");
    for line in ["GET /api/carts", "GET /auth/me", "POST /auth/links", "POST /auth/sign-out"] {
        check(line, &[dead], of_link.0, of_link.1).await;
        check(line, &[("authorization", &ada), dead], of_link.0, of_link.1).await;
        check(line, &[("authorization", "Bearer bst_stale"), dead], of_token.0, of_token.1).await;
    }
    let me = app.call("GET /auth/me", &[("authorization", &ada)]).await;
    assert_eq!(me.status, 200, "the session is as good as before");
    let anew = app.call("POST /auth/links", &[("authorization", &ada)]).await;
    assert_eq!(anew.status, 201, "{}", anew.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_revokes_what_it_made() {
    let app = shop();
    let ada = app.account("ada@example.org").await;
    let bob = app.account("bob@example.org").await;
    let (id, token) = link(&app, &[("authorization", &ada)]).await;
    let body = json!({ "id": id }).to_string();
    let refused = app.post("POST /auth/links/revoke", &[("authorization", &bob)], &body).await;
    assert_eq!(told(&refused), (404, "not-found".to_owned()));
    let revoked = app.post("POST /auth/links/revoke", &[("authorization", &ada)], &body).await;
    assert_eq!(revoked.status, 204, "{}", revoked.text());
    let read = app.call("GET /api/carts", &[("backstay-link", &token)]).await;
    assert_eq!(told(&read), (401, "invalid-link".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_the_token_of_a_link_is_refused() {
    let app = shop();
    let (_, token) = link(&app, &[]).await;
    let ada = app.account("ada@example.org").await;
    let session = ada.trim_start_matches("Bearer ");
    let check = async |headers: &[(&str, &str)], status: u16| {
        let got = app.call("GET /api/carts", headers).await;
        assert_eq!(got.status, status, "{headers:?}: {}", got.text());
    };
    check(&[("backstay-link", &token)], 200).await;
    check(&[("backstay-link", &token[..46])], 401).await;
    check(&[("backstay-link", "")], 401).await;
    check(&[("backstay-link", session)], 401).await;
    check(&[("backstay-link", &format!("Bearer {token}"))], 401).await;
    check(&[("authorization", &format!("Bearer {token}"))], 401).await;
    check(&[("authorization", "Bearer bst_stale"), ("backstay-link", &token)], 401).await;
    check(&[("authorization", &ada), ("backstay-link", &token)], 200).await;
    let id = app.post("POST /auth/links/revoke", &[("backstay-link", &token)], r#"{"id": "x"}"#).await;
    assert_eq!(told(&id), (422, "invalid-values".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idempotency_key_of_a_guest_is_the_links() {
    let app = shop();
    let ((_, one), (_, other)) = (link(&app, &[]).await, link(&app, &[]).await);
    let make = async |token: &str| {
        let made = app.post("POST /api/carts", &[("backstay-link", token), ("idempotency-key", "k")], "{}").await;
        assert_eq!(made.status, 201, "{}", made.text());
        crate::id_of(&made)
    };
    let first = make(&one).await;
    assert_eq!(make(&one).await, first);
    assert_ne!(make(&other).await, first);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_without_rules_about_links_has_none() {
    let model = r#"
        extend schema @app(name: "A")
        type User @identity @allow(read: "true") { email: Email! @unique }
    "#;
    let app = TestApp::open(model);
    let refused = app.call("POST /auth/links", &[]).await;
    assert_eq!(told(&refused), (403, "forbidden".to_owned()));
}
