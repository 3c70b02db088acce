use backstay_base::Subnet;
use backstay_http::{Cors, HttpSettings, Proxies, ProxyHeader};
use backstay_testkit::TestApp;

use crate::NOTES;

const APP: &str = "https://app.example.org";

fn with_cors(origins: &[&str], credentials: bool) -> TestApp {
    let origins: Vec<String> = origins.iter().map(ToString::to_string).collect();
    let cors = Cors::new(&origins, credentials, 600).expect("a good configuration");
    TestApp::with(NOTES, HttpSettings { cors: Some(cors), ..HttpSettings::default() })
}

/// A cookie of a fresh account.
async fn cookie(app: &TestApp) -> String {
    let token = app.account("ada@example.org").await;
    format!("backstay={}", token.trim_start_matches("Bearer "))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cookie_vouches_only_for_pages_of_this_origin() {
    let app = with_cors(&[APP], true);
    let cookie = cookie(&app).await;
    let check = async |headers: &[(&str, &str)], status: u16| {
        let mut all = vec![("cookie", cookie.as_str()), ("host", "here.example")];
        all.extend_from_slice(headers);
        let reply = app.post("POST /api/notes", &all, r#"{"title": "x"}"#).await;
        assert_eq!(reply.status, status, "{headers:?}: {}", reply.text());
        if status == 403 {
            assert_eq!(reply.problem(), "cross-origin");
        }
    };
    check(&[("sec-fetch-site", "same-origin")], 201).await;
    check(&[("sec-fetch-site", "none")], 201).await;
    check(&[("origin", "https://here.example")], 201).await;
    check(&[("origin", APP)], 201).await;
    check(&[("origin", APP), ("sec-fetch-site", "cross-site")], 201).await;
    check(&[], 403).await;
    check(&[("sec-fetch-site", "same-site")], 403).await;
    check(&[("sec-fetch-site", "cross-site"), ("origin", "https://here.example")], 403).await;
    check(&[("origin", "https://evil.example")], 403).await;
    check(&[("origin", "https://here.example"), ("origin", "https://evil.example")], 403).await;
    check(&[("sec-fetch-site", "same-origin"), ("sec-fetch-site", "cross-site")], 403).await;
    check(&[("origin", "https://here.example.evil.example")], 403).await;
    check(&[("origin", "https://here.example:444")], 403).await;
    check(&[("origin", "https://here.example"), ("x-forwarded-host", "evil.example")], 201).await;
    check(&[("origin", "capacitor://here.example")], 403).await;
    check(&[("origin", "null")], 403).await;
    let read = app.call("GET /api/notes", &[("cookie", &cookie), ("sec-fetch-site", "cross-site")]).await;
    assert_eq!(read.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_without_tls_is_another_origin_than_one_with() {
    let app = TestApp::with(NOTES, HttpSettings { secure_cookies: true, ..HttpSettings::default() });
    let token = app.account("ada@example.org").await;
    let cookie = format!("__Host-backstay={}", token.trim_start_matches("Bearer "));
    for (origin, status) in [("https://here.example", 201), ("http://here.example", 403)] {
        let headers = [("cookie", cookie.as_str()), ("host", "here.example"), ("origin", origin)];
        assert_eq!(app.post("POST /api/notes", &headers, r#"{"title": "x"}"#).await.status, status, "{origin}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_needs_no_origin() {
    let app = TestApp::open(NOTES);
    let ada = app.account("ada@example.org").await;
    let headers = [("authorization", ada.as_str()), ("sec-fetch-site", "cross-site"), ("origin", "https://a.example")];
    assert_eq!(app.post("POST /api/notes", &headers, r#"{"title": "x"}"#).await.status, 201);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_page_cannot_sign_its_visitor_in() {
    let app = TestApp::open(NOTES);
    app.account("ada@example.org").await;
    let body = r#"{"email": "ada@example.org", "password": "correct horse battery"}"#;
    let elsewhere = [("origin", "https://evil.example"), ("host", "here.example")];
    assert_eq!(app.post("POST /auth/sign-in", &elsewhere, body).await.problem(), "cross-origin");
    let here = [("origin", "https://here.example"), ("host", "here.example")];
    assert_eq!(app.post("POST /auth/sign-in", &here, body).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_may_call_may_sign_its_visitor_in() {
    let body = r#"{"email": "ada@example.org", "password": "correct horse battery"}"#;
    let sign_in = async |app: &TestApp, origin: &str| {
        let headers = [("origin", origin), ("host", "here.example"), ("sec-fetch-site", "cross-site")];
        let reply = app.post("POST /auth/sign-in", &headers, body).await;
        (reply.status, reply.header("access-control-allow-origin").to_owned())
    };
    for (origins, credentials) in [(APP, false), (APP, true), ("*", false)] {
        let app = with_cors(&[origins], credentials);
        app.account("ada@example.org").await;
        assert_eq!(sign_in(&app, APP).await, (200, origins.to_owned()), "{origins} {credentials}");
    }
    let app = with_cors(&[APP], true);
    app.account("ada@example.org").await;
    assert_eq!(sign_in(&app, "https://evil.example").await, (403, String::new()));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_operator_is_made_on_a_page_of_this_origin() {
    let app = with_cors(&["*"], false);
    let token = app.setup_token();
    let form = format!("token={}&email=root%40example.org&password=a+good+password", token.expose());
    let headers = [("content-type", "application/x-www-form-urlencoded"), ("origin", APP), ("host", "here.example")];
    assert_eq!(app.post("POST /auth/setup", &headers, &form).await.problem(), "cross-origin");
}

#[tokio::test(flavor = "multi_thread")]
async fn listed_origins_may_call() {
    let app = with_cors(&[APP, "http://localhost:3000"], true);
    let reply = app.call("GET /api/notes", &[("origin", APP)]).await;
    assert_eq!(reply.header("access-control-allow-origin"), APP);
    assert_eq!(reply.header("access-control-allow-credentials"), "true");
    assert!(reply.header("access-control-expose-headers").contains("Backstay-Commit, Content-Location, ETag"));
    assert_eq!(reply.header("vary"), "Authorization, Cookie, Backstay-Link, Accept-Encoding, Origin");
    let problem = app.call("GET /nowhere", &[("origin", APP)]).await;
    assert_eq!(problem.header("access-control-allow-origin"), APP);

    let preflight = [("origin", APP), ("access-control-request-method", "PATCH")];
    let leave = app.call("OPTIONS /api/notes/1", &preflight).await;
    assert_eq!((leave.status, leave.header("access-control-allow-origin")), (204, APP));
    assert_eq!(leave.header("access-control-allow-methods"), "GET, HEAD, PATCH, PUT, DELETE, OPTIONS");
    assert!(
        leave.header("access-control-allow-headers").starts_with("Authorization, Backstay-Commit, Backstay-Link, ")
    );
    assert_eq!(leave.header("access-control-max-age"), "600");

    for origin in ["https://evil.example", "https://app.example.org.evil.example", "null"] {
        let preflight = [("origin", origin), ("access-control-request-method", "PATCH")];
        for reply in [app.call("GET /api/notes", &preflight).await, app.call("OPTIONS /api/notes/1", &preflight).await]
        {
            assert!(!reply.headers.keys().any(|name| name.as_str().starts_with("access-control-")), "{reply:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn apps_and_subdomains_may_call() {
    let app = with_cors(&["capacitor://localhost", "https://*.preview.example.org"], true);
    let cookie = cookie(&app).await;
    let check = async |origin: &str, status: u16| {
        let reply = app.call("GET /api/notes", &[("origin", origin)]).await;
        assert_eq!(reply.header("access-control-allow-origin"), if status == 201 { origin } else { "" });
        let headers = [("cookie", cookie.as_str()), ("host", "here.example"), ("origin", origin)];
        let reply = app.post("POST /api/notes", &headers, r#"{"title": "x"}"#).await;
        assert_eq!(reply.status, status, "{origin}: {}", reply.text());
    };
    check("capacitor://localhost", 201).await;
    check("https://pr-7.preview.example.org", 201).await;
    check("capacitor://evil", 403).await;
    check("https://evilpreview.example.org", 403).await;
    check("https://preview.example.org", 403).await;
    check("http://pr-7.preview.example.org", 403).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_origins_may_call_without_credentials() {
    let app = with_cors(&["*"], false);
    let reply = app.call("GET /api/notes", &[("origin", "https://any.example")]).await;
    assert_eq!(reply.header("access-control-allow-origin"), "*");
    assert_eq!(reply.header("access-control-allow-credentials"), "");
    let cookie = cookie(&app).await;
    let headers = [("cookie", cookie.as_str()), ("origin", "https://any.example")];
    assert_eq!(app.post("POST /api/notes", &headers, r#"{"title": "x"}"#).await.problem(), "cross-origin");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_elsewhere_may_call_by_default() {
    let app = TestApp::open(NOTES);
    let reply = app.call("GET /api/notes", &[("origin", APP)]).await;
    assert_eq!((reply.status, reply.header("access-control-allow-origin")), (200, ""));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_id_is_taken_from_a_proxy_alone() {
    let id = "01890a5d-ac96-774b-bcce-b302099a8057";
    let app = TestApp::open(NOTES);
    assert_ne!(app.call("GET /healthz", &[("request-id", id)]).await.header("request-id"), id);
    // Without a connection, as here, the peer's address is unspecified.
    let subnets: Vec<Subnet> = vec!["0.0.0.0/0".parse().expect("a subnet")];
    let proxies = Proxies { subnets, header: ProxyHeader::XForwarded };
    let app = TestApp::with(NOTES, HttpSettings { proxies, ..HttpSettings::default() });
    assert_eq!(app.call("GET /healthz", &[("request-id", id)]).await.header("request-id"), id);
    assert_ne!(app.call("GET /healthz", &[("request-id", "mine")]).await.header("request-id"), "mine");
    let https = [("x-forwarded-proto", "https")];
    let body = r#"{"email": "ada@example.org", "name": "Ada", "password": "correct horse battery"}"#;
    let up = app.post("POST /auth/sign-up", &https, body).await;
    assert!(up.header("set-cookie").starts_with("__Host-backstay="), "{up:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_origin_may_be_configured_in_any_spelling() {
    for spelling in ["https://app.example.org:443", "HTTPS://App.Example.ORG", "https://app.example.org/"] {
        let app = with_cors(&[spelling], true);
        let reply = app.call("GET /api/notes", &[("origin", APP)]).await;
        assert_eq!(reply.header("access-control-allow-origin"), APP, "{spelling}");
        let cookie = cookie(&app).await;
        let headers = [("cookie", cookie.as_str()), ("origin", APP), ("host", "here.example")];
        assert_eq!(app.post("POST /api/notes", &headers, r#"{"title": "x"}"#).await.status, 201, "{spelling}");
    }
    let app = with_cors(&["https://b\u{fc}cher.example"], false);
    let origin = "https://xn--bcher-kva.example";
    assert_eq!(app.call("GET /api/notes", &[("origin", origin)]).await.header("access-control-allow-origin"), origin);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_host_may_be_named_with_the_default_port() {
    let app = TestApp::open(NOTES);
    let cookie = cookie(&app).await;
    for (origin, host, status) in [
        ("https://here.example", "here.example:443", 201),
        ("http://here.example", "here.example:80", 201),
        ("http://here.example", "here.example:443", 403),
        ("https://here.example", "here.example:80", 403),
    ] {
        let headers = [("cookie", cookie.as_str()), ("origin", origin), ("host", host)];
        let reply = app.post("POST /api/notes", &headers, r#"{"title": "x"}"#).await;
        assert_eq!(reply.status, status, "{origin} {host}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_may_send_and_read_the_headers_that_are_configured() {
    let app = with_cors(&[APP], false);
    let preflight = [("origin", APP), ("access-control-request-method", "GET")];
    let leave = app.call("OPTIONS /api/notes", &preflight).await;
    for name in ["Authorization", "Traceparent", "X-Requested-With"] {
        assert!(leave.header("access-control-allow-headers").split(", ").any(|known| known == name), "{name}");
    }
    let mut settings = app.services.settings.clone();
    let cors = settings.cors.take().expect("it is configured");
    let owned = |name: &str| vec![name.to_owned()];
    settings.cors = Some(cors.with_headers(&owned("X-Own"), &owned("X-Cache")).expect("they are names"));
    let app = TestApp::with(NOTES, settings);
    let leave = app.call("OPTIONS /api/notes", &preflight).await;
    assert!(leave.header("access-control-allow-headers").ends_with("Prefer, X-Own"), "{leave:?}");
    let read = app.call("GET /api/notes", &[("origin", APP)]).await;
    assert!(
        read.header("access-control-expose-headers").ends_with("Retry-After, WWW-Authenticate, X-Cache"),
        "{read:?}"
    );
}
