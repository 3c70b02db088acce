use backstay_testkit::TestApp;

use crate::{NOTES, id_of, note};

#[tokio::test(flavor = "multi_thread")]
async fn a_record_is_made_read_changed_and_deleted() {
    let app = TestApp::open(NOTES);
    let ada = app.account("ada@example.org").await;
    let auth = [("authorization", ada.as_str())];

    let made = app.post("POST /api/notes", &auth, r#"{"title": "One"}"#).await;
    assert_eq!(made.status, 201, "{made:?}");
    let id = id_of(&made);
    assert_eq!(made.header("location"), format!("/api/notes/{id}"));
    assert_eq!(made.header("content-type"), "application/json");
    assert_eq!(made.header("cache-control"), "private, no-cache");
    assert_eq!(made.header("x-content-type-options"), "nosniff");
    assert_eq!(made.header("vary"), "Authorization, Cookie, Backstay-Link, Accept-Encoding");
    assert_eq!(made.header("request-id").len(), 36);

    let read = app.call(&format!("GET /api/notes/{id}"), &auth).await;
    assert_eq!((read.status, read.body.clone()), (200, made.body.clone()));
    assert_eq!(read.header("etag"), made.header("etag"));
    assert!(read.header("etag").starts_with("\"1."), "{}", read.header("etag"));

    let patch = [auth[0], ("content-type", "application/merge-patch+json; charset=UTF-8")];
    let changed = app.post(&format!("PATCH /api/notes/{id}"), &patch, r#"{"title": "Two"}"#).await;
    assert_eq!((changed.status, changed.json()["title"].as_str()), (200, Some("Two")));
    assert!(changed.header("etag").starts_with("\"2."), "{}", changed.header("etag"));

    let deleted = app.call(&format!("DELETE /api/notes/{id}"), &auth).await;
    assert_eq!((deleted.status, deleted.text()), (204, ""));
    assert_eq!(deleted.header("content-type"), "");
    let gone = app.call(&format!("GET /api/notes/{id}"), &auth).await;
    assert_eq!((gone.status, gone.problem().as_str()), (404, "not-found"));
}

#[tokio::test(flavor = "multi_thread")]
async fn several_records_are_made_at_once_or_none() {
    let app = TestApp::open(NOTES);
    let ada = app.account("ada@example.org").await;
    let auth = [("authorization", ada.as_str())];
    let made = app.post("POST /api/notes", &auth, r#"[{"title": "A"}, {"title": "B"}]"#).await;
    assert_eq!((made.status, made.header("location"), made.header("etag")), (201, "", ""));
    assert_eq!(made.json().as_array().map(Vec::len), Some(2));
    let refused = app.post("POST /api/notes", &auth, r#"[{"title": "C"}, {"titel": "D"}]"#).await;
    assert_eq!((refused.status, refused.problem().as_str()), (422, "invalid-values"));
    assert_eq!(refused.json()["errors"][0]["at"], "/1/titel");
    let listed = app.call("GET /api/notes?count=true&sort=title&select=title", &auth).await;
    assert_eq!(listed.json()["items"], serde_json::json!([{"title": "A"}, {"title": "B"}]));
    assert_eq!(listed.json()["count"]["value"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_asked_for_by_url_or_by_body() {
    let app = TestApp::open(NOTES);
    let ada = app.account("ada@example.org").await;
    for title in ["alpha", "beta", "beta b", "gamma+"] {
        note(&app, &ada, title).await;
    }
    let check = async |line: &str, body: Option<&str>, expected: &[&str]| {
        let reply = match body {
            None => app.call(line, &[]).await,
            Some(body) => app.post(line, &[], body).await,
        };
        assert_eq!(reply.status, 200, "{line}: {}", reply.text());
        let items = reply.json()["items"].as_array().cloned().unwrap_or_default();
        let titles: Vec<&str> = items.iter().filter_map(|item| item["title"].as_str()).collect();
        assert_eq!(titles, expected, "{line} {body:?}");
    };
    check("GET /api/notes?sort=-title&limit=2", None, &["gamma+", "beta b"]).await;
    check("GET /api/notes?title=beta+b", None, &["beta b"]).await;
    check("GET /api/notes?title=gamma%2B", None, &["gamma+"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_takes_its_parameters_by_url_or_by_body() {
    let app = TestApp::open(NOTES);
    let ada = app.account("ada@example.org").await;
    for title in ["alpha", "beta", "beta b"] {
        note(&app, &ada, title).await;
    }
    let by_url = app.call("GET /api/notes?filter=title.startsWith(%24q)&%24q=beta&sort=title&limit=1", &[]).await;
    assert_eq!(by_url.status, 200, "{}", by_url.text());
    let body = r#"{"filter": "title.startsWith($q)", "params": {"q": "beta"}, "sort": "title", "limit": 1}"#;
    let by_body = app.post("POST /api/notes:query", &[], body).await;
    assert_eq!(by_body.text(), by_url.text());
    assert_eq!(by_url.json()["items"][0]["title"], "beta");

    let after = by_url.json()["next"].as_str().expect("there is a second page").to_owned();
    let body = body.replacen('{', &format!(r#"{{"after": "{after}", "count": true, "select": "title", "#), 1);
    let second = app.post("POST /api/notes:query", &[], &body).await;
    assert_eq!(second.json()["items"], serde_json::json!([{"title": "beta b"}]), "{}", second.text());
    assert_eq!(second.json()["next"], serde_json::Value::Null);

    let equal = app.post("POST /api/notes:query", &[], r#"{"where": {"title": "alpha", "public": true}}"#).await;
    assert_eq!(equal.json()["items"].as_array().map(Vec::len), Some(1), "{}", equal.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn paths_and_methods_are_what_they_are() {
    let app = TestApp::open(NOTES);
    let ada = app.account("ada@example.org").await;
    let id = note(&app, &ada, "One").await;
    let check = async |line: &str, status: u16, problem: &str, allow: &str| {
        let reply = app.call(&line.replace("ID", &id), &[("authorization", &ada)]).await;
        assert_eq!((reply.status, reply.header("allow")), (status, allow), "{line}: {}", reply.text());
        assert_eq!(reply.header("content-type"), "application/problem+json", "{line}");
        assert_eq!(reply.problem(), problem, "{line}");
    };
    let (many, one, query) =
        ("GET, HEAD, POST, PATCH, DELETE, OPTIONS", "GET, HEAD, PATCH, PUT, DELETE, OPTIONS", "POST, OPTIONS");
    check("POST /api/notes/ID", 405, "method-not-allowed", one).await;
    check("PUT /api/notes?filter=true", 405, "method-not-allowed", many).await;
    check("BREW /api/notes", 405, "method-not-allowed", many).await;
    check("GET /api/notes:query", 405, "method-not-allowed", query).await;
    check("PUT /api/notes:aggregate", 405, "method-not-allowed", "GET, HEAD, POST, OPTIONS").await;
    check("GET /api/notes:live", 404, "not-there-yet", "").await;
    check("GET /api/notes:rubbish", 404, "no-such-path", "").await;
    check("GET /api/note", 404, "no-such-path", "").await;
    check("GET /api/notes/", 404, "no-such-path", "").await;
    check("GET /api/notes/ID/title", 404, "no-such-path", "").await;
    check("GET /nowhere", 404, "no-such-path", "").await;
    check("GET /auth/nowhere", 404, "no-such-path", "").await;
    check("GET /problems/nowhere", 404, "no-such-path", "").await;
    check("POST /healthz", 405, "method-not-allowed", "GET, HEAD, OPTIONS").await;
    check("GET /auth/sign-in", 405, "method-not-allowed", "POST, OPTIONS").await;
    check("GET /api/notes/1", 404, "not-found", "").await;
    check("GET /api/notes/00000000-0000-0000-0000-000000000000", 404, "not-found", "").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn head_and_options_tell_without_a_body() {
    let app = TestApp::open(NOTES);
    let ada = app.account("ada@example.org").await;
    let id = note(&app, &ada, "One").await;
    for line in [format!("/api/notes/{id}"), "/api/notes".to_owned(), "/healthz".to_owned(), "/nowhere".to_owned()] {
        let get = app.call(&format!("GET {line}"), &[]).await;
        let head = app.call(&format!("HEAD {line}"), &[]).await;
        assert_eq!((head.status, head.text()), (get.status, ""), "{line}");
        assert_eq!(head.header("content-length"), get.body.len().to_string(), "{line}");
        assert_eq!(head.header("etag"), get.header("etag"), "{line}");
        assert_eq!(head.header("content-type"), get.header("content-type"), "{line}");
    }
    let check = async |line: &str, allow: &str| {
        let reply = app.call(&format!("OPTIONS {line}"), &[]).await;
        assert_eq!((reply.status, reply.header("allow"), reply.text()), (204, allow, ""), "{line}");
    };
    check("/api/notes", "GET, HEAD, POST, PATCH, DELETE, OPTIONS").await;
    check("/api/notes:query", "POST, OPTIONS").await;
    check("/api/notes/1", "GET, HEAD, PATCH, PUT, DELETE, OPTIONS").await;
    check("/auth/sign-in", "POST, OPTIONS").await;
    check("/auth/me", "GET, HEAD, OPTIONS").await;
    check("/readyz", "GET, HEAD, OPTIONS").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn backstays_own_collections_are_for_operators() {
    let app = TestApp::open(NOTES);
    let ada = app.account("ada@example.org").await;
    let operator = app.operator("root@example.org").await;
    let path = app.services.engine.model().collection_named("BackstaySession").expect("sessions").path.clone();
    let unknown = app.call("GET /api/nothing-of-this-name", &[("authorization", &ada)]).await;
    for headers in [vec![], vec![("authorization", ada.as_str())]] {
        let reply = app.call(&format!("GET /api/{path}"), &headers).await;
        assert_eq!((reply.status, reply.problem()), (404, unknown.problem()));
        assert_eq!(reply.json()["detail"], unknown.json()["detail"]);
    }
    let listed = app.call(&format!("GET /api/{path}"), &[("authorization", &operator)]).await;
    assert_eq!(listed.status, 200, "{}", listed.text());
    assert!(!listed.text().contains("tokenHash"), "{}", listed.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_problem_says_what_to_do() {
    let app = TestApp::open(NOTES);
    let reply = app.post("POST /api/notes", &[], r#"{"title": "One"}"#).await;
    assert_eq!(reply.header("cache-control"), "no-store");
    let problem = reply.json();
    let id = reply.header("request-id");
    assert_eq!(problem["requestId"], id);
    assert_eq!(problem["instance"], format!("urn:uuid:{id}"));
    let meaning = app.call(&format!("GET {}", problem["type"].as_str().expect("a type")), &[]).await;
    assert_eq!(meaning.json()["title"], problem["title"]);
    assert_eq!((&problem["status"], &problem["type"]), (&401.into(), &"/problems/sign-in-required".into()));
    for member in ["title", "detail", "remedy"] {
        assert!(problem[member].as_str().is_some_and(|text| !text.is_empty()), "{member}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn health_and_root_answer_everyone() {
    let app = TestApp::open(NOTES);
    for line in ["GET /healthz", "GET /readyz"] {
        let reply = app.call(line, &[("authorization", "rubbish")]).await;
        assert_eq!((reply.status, reply.text()), (200, r#"{"status":"ok"}"#), "{line}");
        assert_eq!(reply.header("cache-control"), "no-store");
    }
    let root = app.call("GET /", &[]).await;
    assert_eq!((root.status, root.json()["name"].as_str()), (200, Some("Notes")));
    app.services.engine.close();
    let reply = app.call("GET /readyz", &[]).await;
    assert_ne!(reply.status, 200, "{}", reply.text());
    assert_eq!(app.call("GET /healthz", &[]).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_that_is_taken_has_a_place() {
    let app = TestApp::open(NOTES);
    let ada = app.account("ada@example.org").await;
    let auth = [("authorization", ada.as_str())];
    let taken = r#"{"title": "x", "slug": "taken"}"#;
    assert_eq!(app.post("POST /api/notes", &auth, taken).await.status, 201);
    let id = note(&app, &ada, "Other").await;
    for line in ["POST /api/notes".to_owned(), format!("PATCH /api/notes/{id}")] {
        let reply = app.post(&line, &auth, taken).await;
        assert_eq!((reply.status, reply.problem().as_str()), (409, "not-unique"), "{line}");
        assert_eq!(reply.json()["errors"][0]["at"], "/slug", "{line}");
    }
    let several = app.post("POST /api/notes", &auth, &format!("[{taken}]")).await;
    assert_eq!((several.status, &several.json()["errors"][0]["at"]), (409, &"/0/slug".into()));
}
