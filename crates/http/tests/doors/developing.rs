use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use backstay_base::Secret;
use backstay_engine::Context;
use backstay_http::{Development, HttpSettings, ModelProblems};
use backstay_testkit::TestApp;

use crate::NOTES;

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const ELSEWHERE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
const LOCAL: (&str, &str) = ("host", "localhost:8080");
const LINK: &str = "GET /dev/sign-in?token=secret";
const PATHS: [&str; 3] = ["/dev/sign-in?token=secret", "/dev/model", "/dev/model.txt"];

/// A server for development, whose developer has a session.
async fn developed() -> (TestApp, Arc<Development>) {
    let development = Development::new(Secret::new("secret".to_owned()));
    let settings = HttpSettings { development: Some(Arc::clone(&development)), ..HttpSettings::default() };
    let app = TestApp::with(NOTES, settings);
    sign_in(&app, &development).await;
    (app, development)
}

async fn sign_in(app: &TestApp, development: &Development) {
    let system = Context::system(&app.services.engine);
    let identity = &app.services.identity;
    let administration = identity.administration(&system).expect("Backstay itself may");
    let session = administration.begin_operator_session("developer@localhost").await.expect("a session");
    development.sign_in("developer@localhost".to_owned(), session);
}

fn problems() -> Arc<ModelProblems> {
    let diagnostics = vec![serde_json::json!({ "message": "unknown type" })];
    Arc::new(ModelProblems { diagnostics, text: "error: unknown type\n".to_owned() })
}

#[tokio::test(flavor = "multi_thread")]
async fn the_link_signs_the_developer_in_as_an_operator() {
    let (app, development) = developed().await;
    let page = app.call_from(HERE, LINK, &[LOCAL]).await;
    assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"));
    for expected in ["developer@localhost", "href=\"/api/notes\"", "href=\"/openapi.json\""] {
        assert!(page.text().contains(expected), "{}", page.text());
    }
    assert!(!page.text().contains("BackstayOperator"), "{}", page.text());
    let cookie = page.header("set-cookie");
    assert!(cookie.contains("; HttpOnly; SameSite=Lax; "), "{cookie}");
    let cookie = cookie.split(';').next().expect("a pair").to_owned();
    let question = r#"{"request": "GET /api/notes"}"#;
    let headers = [LOCAL, ("cookie", &cookie), ("sec-fetch-site", "same-origin")];
    assert_eq!(app.post("POST /explain", &headers, question).await.status, 200);
    // It works as often as it is opened, and a second session is the same operator's.
    assert_eq!(app.call_from(HERE, LINK, &[LOCAL]).await.status, 200);
    sign_in(&app, &development).await;
    assert_eq!(app.call_from(HERE, LINK, &[LOCAL]).await.status, 200);
    // The session ends like any other.
    let again = app.call_from(HERE, LINK, &[LOCAL]).await;
    let cookie = again.header("set-cookie").split(';').next().expect("a pair").to_owned();
    let headers = [LOCAL, ("cookie", &*cookie), ("sec-fetch-site", "same-origin")];
    assert_eq!(app.call("POST /auth/sign-out", &headers).await.status, 204);
    assert_eq!(app.call_from(HERE, LINK, &[LOCAL]).await.problem(), "not-found");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_link_needs_its_token() {
    let (app, _) = developed().await;
    for query in ["", "?token=", "?token=other", "?token=secret2"] {
        let reply = app.call_from(HERE, &format!("GET /dev/sign-in{query}"), &[LOCAL]).await;
        assert_eq!((reply.status, reply.header("set-cookie")), (404, ""), "{query}");
    }
    assert_eq!(app.call_from(HERE, "GET /dev/sign-in?token=secret&x=1", &[LOCAL]).await.status, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_this_machine_finds_what_is_for_the_developer() {
    let (app, _) = developed().await;
    for path in PATHS {
        let line = format!("GET {path}");
        assert_eq!(app.call_from(HERE, &line, &[LOCAL]).await.status, 200, "{path}");
        assert_eq!(app.call_from(ELSEWHERE, &line, &[LOCAL]).await.problem(), "no-such-path", "{path}");
        // A name that an attacker lets resolve to this machine.
        for host in ["evil.example", "evil.example:8080", "127.0.0.1.evil.example"] {
            assert_eq!(app.call_from(HERE, &line, &[("host", host)]).await.problem(), "no-such-path", "{path} {host}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trusted_proxy_says_who_is_on_this_machine() {
    let development = Development::new(Secret::new("secret".to_owned()));
    let proxies =
        backstay_http::Proxies { subnets: vec!["127.0.0.1/32".parse().expect("a subnet")], ..Default::default() };
    let settings = HttpSettings { proxies, development: Some(development), ..HttpSettings::default() };
    let app = TestApp::with(NOTES, settings);
    let forwarded = |from: &'static str| [LOCAL, ("x-forwarded-for", from)];
    assert_eq!(app.call_from(HERE, "GET /dev/model", &forwarded("192.0.2.1")).await.problem(), "no-such-path");
    assert_eq!(app.call_from(HERE, "GET /dev/model", &forwarded("127.0.0.1")).await.status, 200);
    assert_eq!(app.call_from(HERE, "GET /dev/model", &forwarded("127.0.0.1, 192.0.2.1")).await.status, 404);
    assert_eq!(app.call_from(HERE, "GET /dev/model", &forwarded("unknown")).await.problem(), "no-such-path");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_proxy_forwards_does_not_come_from_this_machine() {
    let (app, _) = developed().await;
    for path in PATHS {
        for header in [
            ("x-forwarded-for", "192.0.2.1"),
            ("x-forwarded-for", "ü, 1.2.3.4"),
            ("forwarded", "for=192.0.2.1"),
            ("forwarded", "for=ü"),
        ] {
            let reply = app.call_from(HERE, &format!("GET {path}"), &[LOCAL, header]).await;
            assert_eq!(reply.problem(), "no-such-path", "{path} {header:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_not_for_development_has_none_of_it() {
    let app = TestApp::open(NOTES);
    for path in PATHS {
        for method in ["GET", "OPTIONS", "POST"] {
            let reply = app.call_from(HERE, &format!("{method} {path}"), &[LOCAL]).await;
            assert_eq!(reply.problem(), "no-such-path", "{method} {path}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_says_that_the_model_is_stale() {
    let (app, development) = developed().await;
    let state = app.call_from(HERE, "GET /dev/model", &[LOCAL]).await;
    assert_eq!(state.json(), serde_json::json!({ "state": "current", "diagnostics": [] }));
    assert_eq!(app.call("GET /api/notes", &[]).await.header("backstay-model"), "");
    development.set_problems(Some(problems()));
    for line in ["GET /api/notes", "GET /api/nothing", "GET /", "OPTIONS /api/notes", "POST /api/notes"] {
        assert_eq!(app.call(line, &[]).await.header("backstay-model"), "stale; errors=1", "{line}");
    }
    let state = app.call_from(HERE, "GET /dev/model", &[LOCAL]).await;
    let expected = serde_json::json!({ "state": "stale", "diagnostics": [{ "message": "unknown type" }] });
    assert_eq!((state.status, state.json()), (200, expected));
    let text = app.call_from(HERE, "GET /dev/model.txt", &[LOCAL]).await;
    assert_eq!((text.header("content-type"), text.text()), ("text/plain; charset=utf-8", "error: unknown type\n"));
    development.set_problems(None);
    assert_eq!(app.call("GET /api/notes", &[]).await.header("backstay-model"), "");
}
