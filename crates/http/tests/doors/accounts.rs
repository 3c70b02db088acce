use backstay_http::HttpSettings;
use backstay_testkit::{Reply, TestApp};
use http::header::SET_COOKIE;

use crate::NOTES;

const ADA: &str = r#"{"email": "ada@example.org", "name": "Ada", "password": "correct horse battery"}"#;
const SIGN_IN: &str = r#"{"email": "ada@example.org", "password": "correct horse battery"}"#;

/// The name and value of the cookie that an answer sets.
fn cookie(reply: &Reply) -> String {
    reply.header("set-cookie").split(';').next().unwrap_or_default().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_signs_up_and_in_and_out() {
    let app = TestApp::open(NOTES);
    let up = app.post("POST /auth/sign-up", &[], ADA).await;
    assert_eq!(up.status, 201, "{}", up.text());
    let signed_in = app.post("POST /auth/sign-in", &[], SIGN_IN).await;
    assert_eq!(signed_in.status, 200, "{}", signed_in.text());
    assert_eq!(signed_in.header("cache-control"), "no-store");
    let members: Vec<String> = signed_in.json().as_object().expect("an object").keys().cloned().collect();
    assert_eq!(members, ["account", "expiresAt", "token"]);
    assert_eq!(signed_in.json()["account"]["email"], "ada@example.org");

    let token = format!("bearer {}", signed_in.json()["token"].as_str().expect("a token"));
    let auth = [("authorization", token.as_str())];
    let me = app.call("GET /auth/me", &auth).await;
    assert_eq!((me.status, me.header("cache-control")), (200, "no-store"));
    assert_eq!(me.json()["id"], up.json()["account"]["id"]);

    let out = app.call("POST /auth/sign-out", &auth).await;
    assert_eq!((out.status, out.text()), (204, ""));
    let gone = app.call("GET /auth/me", &auth).await;
    assert_eq!((gone.status, gone.problem().as_str()), (401, "invalid-token"));
    assert_eq!(gone.header("www-authenticate"), "Bearer error=\"invalid_token\"");

    for _ in 0..2 {
        app.post("POST /auth/sign-in", &[], SIGN_IN).await;
    }
    let token = app.post("POST /auth/sign-in", &[], SIGN_IN).await.json()["token"].as_str().expect("one").to_owned();
    let token = format!("Bearer {token}");
    let ended = app.call("POST /auth/sign-out-everywhere", &[("authorization", &token)]).await;
    assert_eq!((ended.status, ended.json()["ended"].as_u64()), (200, Some(4)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_is_changed() {
    let app = TestApp::open(NOTES);
    let ada = app.account("ada@example.org").await;
    let body = r#"{"current": "correct horse battery", "password": "another good password"}"#;
    let changed = app.post("POST /auth/password", &[("authorization", &ada)], body).await;
    assert_eq!(changed.status, 200, "{}", changed.text());
    assert_eq!(app.call("GET /auth/me", &[("authorization", &ada)]).await.status, 401);
    assert_eq!(app.post("POST /auth/sign-in", &[], SIGN_IN).await.problem(), "wrong-credentials");
    let fresh = format!("Bearer {}", changed.json()["token"].as_str().expect("a token"));
    assert_eq!(app.call("GET /auth/me", &[("authorization", &fresh)]).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cookie_does_what_the_token_does() {
    let app = TestApp::open(NOTES);
    let up = app.post("POST /auth/sign-up", &[], ADA).await;
    let set = up.header("set-cookie");
    assert!(set.starts_with("backstay=bst_"), "{set}");
    for attribute in ["; Path=/", "; HttpOnly", "; SameSite=Lax", "; Max-Age=2"] {
        assert!(set.contains(attribute), "{set}");
    }
    assert!(!set.contains("Secure"), "{set}");

    let cookie = cookie(&up);
    let me = app.call("GET /auth/me", &[("cookie", &format!("a=ü; {cookie}; c=d"))]).await;
    assert_eq!(me.status, 200, "{}", me.text());
    let listed = app.call("GET /api/notes", &[("cookie", &cookie)]).await;
    assert_eq!(listed.header("cache-control"), "private, no-cache");

    let own = [("cookie", cookie.as_str()), ("sec-fetch-site", "same-origin")];
    let out = app.call("POST /auth/sign-out", &own).await;
    assert_eq!(out.status, 204, "{}", out.text());
    assert!(out.header("set-cookie").starts_with("backstay=; ") && out.header("set-cookie").contains("Max-Age=0"));

    let stale = app.call("GET /api/notes", &[("cookie", &cookie)]).await;
    assert_eq!((stale.status, stale.problem().as_str()), (401, "invalid-token"));
    assert!(stale.header("set-cookie").contains("Max-Age=0"), "a stale cookie is taken away");
    let again = app.post("POST /auth/sign-in", &own, SIGN_IN).await;
    assert_eq!(again.status, 200, "a stale cookie does not stand in the way: {}", again.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn over_https_the_cookie_is_bound_to_the_host() {
    let app = TestApp::with(NOTES, HttpSettings { secure_cookies: true, ..HttpSettings::default() });
    let up = app.post("POST /auth/sign-up", &[], ADA).await;
    let set = up.header("set-cookie");
    assert!(set.starts_with("__Host-backstay=bst_") && set.ends_with("; Secure"), "{set}");
    assert!(!set.contains("Domain"), "{set}");
    let cookie = cookie(&up);
    assert_eq!(app.call("GET /auth/me", &[("cookie", &cookie)]).await.status, 200);
    let plain = cookie.replace("__Host-", "");
    assert_eq!(app.call("GET /auth/me", &[("cookie", &plain)]).await.problem(), "sign-in-required");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_takes_precedence_and_must_be_good() {
    let app = TestApp::open(NOTES);
    let up = app.post("POST /auth/sign-up", &[], ADA).await;
    let cookie = cookie(&up);
    let check = async |authorization: &[&str], status: u16, problem: &str| {
        for line in ["GET /api/notes", "GET /auth/me", "GET /api/"] {
            let mut headers = vec![("cookie", cookie.as_str())];
            headers.extend(authorization.iter().map(|value| ("authorization", *value)));
            let reply = app.call(line, &headers).await;
            assert_eq!((reply.status, reply.problem().as_str()), (status, problem), "{line} {authorization:?}");
            assert!(reply.header("www-authenticate").starts_with("Bearer"), "{line}");
        }
    };
    check(&["Bearer bst_unknown"], 401, "invalid-token").await;
    check(&["Bearer nonsense"], 401, "invalid-token").await;
    for bad in BAD_AUTHORIZATIONS {
        check(&[bad], 401, "malformed-authorization").await;
    }
    check(&["Bearer a", "Bearer b"], 401, "malformed-authorization").await;
}

const BAD_AUTHORIZATIONS: &[&str] =
    &["Bearer", "Bearer ", "Basic YWRhOnB3", "Bearer a b", "Bearer a,b", "nonsense", ""];

#[tokio::test(flavor = "multi_thread")]
async fn what_needs_no_caller_reads_no_credentials() {
    let app = TestApp::open(NOTES);
    app.post("POST /auth/sign-up", &[], ADA).await;
    let bob = r#"{"email": "bob@example.org", "name": "Bob", "password": "correct horse battery"}"#;
    let mut bad: Vec<Vec<(&str, &str)>> = vec![
        vec![("authorization", "Bearer bst_expired")],
        vec![("authorization", "Bearer a"), ("authorization", "Bearer b")],
        vec![("cookie", "backstay=bst_expired"), ("sec-fetch-site", "same-origin")],
        vec![("cookie", "backstay=bst_expired"), ("authorization", "Bearer bst_expired")],
    ];
    bad.extend(BAD_AUTHORIZATIONS.iter().map(|value| vec![("authorization", *value)]));
    for headers in &bad {
        let in_again = app.post("POST /auth/sign-in", headers, SIGN_IN).await;
        assert_eq!(in_again.status, 200, "{headers:?}: {}", in_again.text());
        for line in ["/", "/healthz", "/readyz", "/openapi.json", "/problems/not-found", "/auth/setup"] {
            let reply = app.call(&format!("GET {line}"), headers).await;
            assert_eq!(reply.status, 200, "{line} {headers:?}: {}", reply.text());
        }
    }
    let up = app.post("POST /auth/sign-up", &bad[3], bob).await;
    assert_eq!(up.status, 201, "{}", up.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_do_not_tell_whether_an_account_exists() {
    let app = TestApp::open(NOTES);
    app.account("ada@example.org").await;
    let without_ids = |reply: Reply| {
        let mut problem = reply.json();
        problem["requestId"] = "".into();
        problem["instance"] = "".into();
        (reply.status, problem)
    };
    let wrong = r#"{"email": "ada@example.org", "password": "a wrong password"}"#;
    let nobody = r#"{"email": "bob@example.org", "password": "a wrong password"}"#;
    let wrong = without_ids(app.post("POST /auth/sign-in", &[], wrong).await);
    let nobody = without_ids(app.post("POST /auth/sign-in", &[], nobody).await);
    assert_eq!(wrong.0, 401);
    assert_eq!(wrong, nobody);
}

#[tokio::test(flavor = "multi_thread")]
async fn attempts_are_limited() {
    let app = TestApp::open(NOTES);
    app.account("ada@example.org").await;
    let wrong = r#"{"email": "ada@example.org", "password": "a wrong password"}"#;
    let mut last = app.post("POST /auth/sign-in", &[], wrong).await;
    for _ in 0..30 {
        last = app.post("POST /auth/sign-in", &[], wrong).await;
        if last.status != 401 {
            break;
        }
    }
    assert_eq!((last.status, last.problem().as_str()), (429, "too-many-attempts"));
    assert!(last.header("retry-after").parse::<u64>().is_ok_and(|seconds| seconds > 0), "{last:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_are_read_strictly() {
    let app = TestApp::open(NOTES);
    for (headers, body, status) in [
        (&[][..], "", 400_u16),
        (&[], "nonsense", 400),
        (&[("content-type", "text/plain")], SIGN_IN, 415),
        (&[("content-type", "application/x-www-form-urlencoded")], "email=a&password=b", 415),
        (&[], &format!(r#"{{"email": "{}"}}"#, "a".repeat(17_000)), 413),
    ] {
        let reply = app.post("POST /auth/sign-in", headers, body).await;
        assert_eq!(reply.status, status, "{headers:?} {}", reply.text());
    }
    let unknown = app.post("POST /auth/sign-in", &[], r#"{"email": "a@b.c", "password": "x", "x": 1}"#).await;
    assert!((400..=422).contains(&unknown.status), "{}", unknown.text());
    let ada = app.account("ada@example.org").await;
    let out = app.post("POST /auth/sign-out", &[("authorization", &ada)], "{}").await;
    assert_eq!(out.status, 400, "{}", out.text());
    assert_eq!(app.call("POST /auth/sign-out", &[]).await.problem(), "sign-in-required");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_operator_is_made_with_the_token_once() {
    let app = TestApp::open(NOTES);
    let token = app.setup_token();
    let page = app.call(&format!("GET /auth/setup?token={}%22%3E%3Cscript%3E", token.expose()), &[]).await;
    assert_eq!(page.status, 200);
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    assert!(page.header("content-security-policy").starts_with("default-src 'none';"));
    assert_eq!((page.header("referrer-policy"), page.header("cache-control")), ("no-referrer", "no-store"));
    assert!(page.text().contains(&format!("value=\"{}&quot;&gt;&lt;script&gt;\"", token.expose())), "{}", page.text());
    assert!(!page.text().contains("<script"), "{}", page.text());
    assert_eq!(app.call("GET /auth/setup.css", &[]).await.header("content-type"), "text/css; charset=utf-8");

    let form = [("content-type", "application/x-www-form-urlencoded")];
    let entry = |token: &str, password: &str| format!("token={token}&email=root%40example.org&password={password}");
    let wrong = app.post("POST /auth/setup", &form, &entry("nonsense", "a+good+password")).await;
    assert_eq!((wrong.status, wrong.header("content-type")), (401, "text/html; charset=utf-8"));
    assert!(wrong.text().contains("value=\"root@example.org\""), "{}", wrong.text());
    assert!(!wrong.text().contains("good password"), "{}", wrong.text());
    let elsewhere = [form[0], ("origin", "https://evil.example"), ("host", "here.example")];
    let refused = app.post("POST /auth/setup", &elsewhere, &entry(token.expose(), "a+good+password")).await;
    assert_eq!(refused.problem(), "cross-origin");
    let missing = app.post("POST /auth/setup", &form, "token=x&email=y").await;
    assert_eq!((missing.status, missing.json()["errors"][0]["at"].as_str()), (400, Some("password")));

    let done = app.post("POST /auth/setup", &form, &entry(token.expose(), "a+good+password")).await;
    assert_eq!(done.status, 200, "{}", done.text());
    let me = app.call("GET /auth/me", &[("cookie", &cookie(&done))]).await;
    assert_eq!(me.json()["kind"], "OPERATOR", "{}", me.text());
    for line in ["GET /auth/setup", "POST /auth/setup"] {
        let over = app.post(line, &form, "").await;
        assert_eq!((over.status, over.problem().as_str()), (404, "not-found"), "{line}");
    }
    assert_eq!(done.headers.get_all(SET_COOKIE).iter().count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_changes_its_address_with_its_password() {
    let app = TestApp::open(NOTES);
    let ada = app.account("ada@example.org").await;
    app.account("bob@example.org").await;
    let me = app.call("GET /auth/me", &[("authorization", &ada)]).await.json();
    let id = me["account"]["id"].as_str().expect("an id").to_owned();

    let patch = format!("PATCH /api/users/{id}");
    let alone = app.post(&patch, &[("authorization", &ada)], r#"{"email":"a@example.org"}"#).await;
    assert_eq!(alone.status, 422);
    assert!(alone.text().contains("POST /auth/email"), "{}", alone.text());

    let change = async |email: &str, password: &str| {
        let body = format!(r#"{{"email":"{email}","password":"{password}"}}"#);
        app.post("POST /auth/email", &[("authorization", &ada)], &body).await
    };
    assert_eq!(change("a@example.org", "wrong horse battery").await.status, 401);
    assert_eq!(change("bob@example.org", "correct horse battery").await.status, 409);
    assert_eq!(change("no address", "correct horse battery").await.status, 422);
    let changed = change("A@example.org", "correct horse battery").await;
    assert_eq!((changed.status, changed.json()["account"]["email"].as_str()), (200, Some("a@example.org")));
    let sign_in = async |email: &str| {
        let body = format!(r#"{{"email":"{email}","password":"correct horse battery"}}"#);
        app.post("POST /auth/sign-in", &[], &body).await.status
    };
    assert_eq!((sign_in("a@example.org").await, sign_in("ada@example.org").await), (200, 401));
    let nobody = app.post("POST /auth/email", &[], r#"{"email":"x@example.org","password":"p"}"#).await;
    assert_eq!(nobody.status, 401);
}
