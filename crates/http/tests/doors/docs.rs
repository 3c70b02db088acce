use backstay_base::Secret;
use backstay_http::{Development, Docs, HttpSettings};
use backstay_testkit::TestApp;

use crate::NOTES;

const VIEWER: &str = "GET /docs/swagger-ui-5.35.0.js";
const PARTS: [&str; 5] =
    ["GET /docs", "GET /docs/page.js", "GET /docs/page.css", VIEWER, "GET /docs/swagger-ui-5.35.0.css"];

fn app(docs: Docs, developed: bool) -> TestApp {
    let development = developed.then(|| Development::new(Secret::new("secret".to_owned())));
    TestApp::with(NOTES, HttpSettings { docs, development, ..HttpSettings::default() })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_setting_says_where_the_page_is() {
    for (docs, developed, status) in [
        (Docs::default(), false, 404),
        (Docs::default(), true, 200),
        (Docs::Always, false, 200),
        (Docs::Always, true, 200),
        (Docs::Never, false, 404),
        (Docs::Never, true, 404),
    ] {
        let app = app(docs, developed);
        for part in PARTS {
            assert_eq!(app.call(part, &[]).await.status, status, "{part} {docs:?} {developed}");
        }
        let link = app.call("GET /", &[]).await.json()["links"]["docs"].clone();
        assert_eq!(link.as_str(), (status == 200).then_some("/docs"), "{docs:?} {developed}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_runs_only_scripts_of_this_server() {
    let page = app(Docs::Always, false).call("GET /docs", &[]).await;
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    let policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self'; \
                  form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
    assert_eq!(page.header("content-security-policy"), policy);
    assert_eq!((page.header("x-frame-options"), page.header("referrer-policy")), ("DENY", "no-referrer"));
    assert!(page.text().contains("<title>Notes: API</title>"), "{}", page.text());
    assert!(page.text().contains("<script src=\"/docs/swagger-ui-5.35.0.js\"></script>"), "{}", page.text());
    assert!(!page.text().contains("http"), "it needs no other server: {}", page.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_knows_whether_somebody_is_signed_in() {
    let app = app(Docs::Always, false);
    let ada = app.account("ada@example.org").await;
    let valid = format!("backstay={}", ada.trim_start_matches("Bearer "));
    for (cookie, signed_in) in [(valid.as_str(), "true"), ("backstay=bst_stale", "false"), ("other=1", "false")] {
        let page = app.call("GET /docs", &[("cookie", cookie)]).await;
        assert_eq!((page.status, page.header("cache-control")), (200, "no-store"));
        assert!(page.text().contains(&format!("<body data-signed-in=\"{signed_in}\">")), "{cookie}: {}", page.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn browsers_keep_the_viewer() {
    let app = app(Docs::Always, false);
    let viewer = app.call(VIEWER, &[("accept-encoding", "gzip, deflate, br, zstd")]).await;
    assert_eq!(viewer.header("cache-control"), "public, max-age=31536000, immutable");
    assert_eq!(
        (viewer.header("content-type"), viewer.header("content-encoding")),
        ("text/javascript; charset=utf-8", "zstd")
    );
    assert!(viewer.body.len() < 700_000, "{}", viewer.body.len());
    let style = app.call("GET /docs/page.css", &[]).await;
    assert_eq!((style.header("cache-control"), style.header("content-type")), ("no-cache", "text/css; charset=utf-8"));
}
