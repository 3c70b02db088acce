use backstay_base::Caller;
use backstay_engine::{Context, Request, Selection};
use backstay_http::parse_request;
use backstay_identity::NewKey;
use backstay_rest::Reader;
use backstay_testkit::TestApp;
use bytes::Bytes;
use serde_json::{Value, json};

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
async fn a_write_is_explained_and_not_done() {
    let app = TestApp::open(NOTES);
    let ada = app.account("ada@example.org").await;
    app.account("bob@example.org").await;
    let id = note(&app, &ada, "One").await;
    let operator = app.operator("root@example.org").await;
    let all = async || app.call("GET /api/notes?count=true", &[("authorization", &operator)]).await;
    let before = all().await;

    let check = async |who: &str, request: &str, body: Value, allowed: bool| {
        let mut question = json!({ "as": who, "request": request });
        if !body.is_null() {
            question["body"] = body;
        }
        let reply = app.post("POST /explain", &[("authorization", &operator)], &question.to_string()).await;
        let explained = reply.json();
        assert_eq!((reply.status, &explained["allowed"]), (200, &allowed.into()), "{question}: {}", reply.text());
        assert_eq!(explained["refusal"].is_null(), allowed, "{question}: {}", reply.text());
        let now = all().await;
        assert_eq!((now.text(), now.header("etag")), (before.text(), before.header("etag")), "{question}");
        explained["refusal"].as_str().unwrap_or_default().to_owned()
    };
    let (ada, bob) = ("ada@example.org", "bob@example.org");
    check(ada, "POST /api/notes", json!({ "title": "Two" }), true).await;
    let long = check(ada, "POST /api/notes", json!({ "title": "x".repeat(81) }), false).await;
    assert!(long.contains("at most 80 characters"), "{long}");
    check(ada, "POST /api/notes", json!({ "title": "Two", "author": id }), false).await;

    let one = format!("/api/notes/{id}");
    check(ada, &format!("PATCH {one}"), json!({ "title": "Two" }), true).await;
    check(ada, &format!("PATCH {one}"), json!({ "title": null }), false).await;
    check(bob, &format!("PATCH {one}"), json!({ "title": "Two" }), false).await;
    check(bob, &format!("DELETE {one}"), Value::Null, false).await;
    check(ada, &format!("DELETE {one}"), Value::Null, true).await;
    let nothing = "/api/notes/01890a5d-ac96-774b-bcce-b302099a8057";
    check(ada, &format!("DELETE {nothing}"), Value::Null, false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_of_a_stranger_is_explained() {
    let app = TestApp::open(NOTES);
    let ada = app.account("ada@example.org").await;
    let id = note(&app, &ada, "One").await;
    let operator = app.operator("root@example.org").await;
    for (request, body) in [
        ("POST /api/notes".to_owned(), r#"{"title": "Two"}"#),
        (format!("PATCH /api/notes/{id}"), r#"{"title": "Two"}"#),
    ] {
        let question = format!(r#"{{"as": null, "request": "{request}", "body": {body}}}"#);
        let reply = app.post("POST /explain", &[("authorization", &operator)], &question).await;
        assert_eq!((reply.status, &reply.json()["allowed"]), (200, &false.into()), "{request}: {}", reply.text());
    }
    let question = r#"{"as": "ada@example.org", "request": "POST /api/notes", "body": "rubbish"}"#;
    assert_eq!(app.post("POST /explain", &[("authorization", &operator)], question).await.status, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_an_operator_sees_why() {
    let app = TestApp::open(NOTES);
    let ada = app.account("ada@example.org").await;
    let question = r#"{"as": null, "request": "GET /api/notes"}"#;
    assert_eq!(app.post("POST /explain", &[], question).await.problem(), "sign-in-required");
    assert_eq!(app.post("POST /explain", &[("authorization", &ada)], question).await.problem(), "no-such-path");
    assert_eq!(app.call("GET /explain", &[("authorization", &ada)]).await.problem(), "no-such-path");
    let system = Context::system(&app.services.engine);
    let administration = app.services.identity.administration(&system).expect("Backstay itself may");
    let key = NewKey { name: "reports".to_owned(), ..NewKey::default() };
    let key = format!("Bearer {}", administration.issue_key(key).await.expect("a key").secret.expose());
    assert_eq!(app.call("GET /api/notes", &[("authorization", &key)]).await.status, 200);
    assert_eq!(app.post("POST /explain", &[("authorization", &key)], question).await.problem(), "no-such-path");
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
    check(r#"{"request": "GET /api/users/me"}"#, 400, "path").await;
    check(r#"{"request": "GET /api/users/me", "as": "ada@example.org"}"#, 200, "").await;
    assert_eq!(app.call("GET /explain", &[("authorization", &operator)]).await.status, 405);
}

/// Each request of a transaction, up to the one that is refused; nothing is kept.
#[tokio::test(flavor = "multi_thread")]
async fn requests_of_a_transaction_are_explained_in_turn() {
    let app = TestApp::open(NOTES);
    app.account("ada@example.org").await;
    let operator = app.operator("root@example.org").await;
    let explain = async |who: &str, requests: Value| {
        let question = json!({ "as": who, "request": "POST /transact", "body": { "requests": requests } });
        let reply = app.post("POST /explain", &[("authorization", &operator)], &question.to_string()).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.json()
    };
    let told = |explained: &Value| {
        let requests = explained["requests"].as_array().expect("requests").iter();
        let words: Vec<String> = requests
            .map(|of| {
                let rules: Vec<&str> =
                    of["rules"].as_array().expect("rules").iter().filter_map(|rule| rule["of"].as_str()).collect();
                let statements = of["statements"].as_array().expect("statements").len();
                assert!(statements > 0 || explained["allowed"] == false, "{explained}");
                format!("{}: {}", of["request"].as_str().unwrap_or_default(), rules.join(", "))
            })
            .collect();
        (explained["allowed"].as_bool(), words)
    };
    let requests = json!([
        { "create": "notes", "as": "n", "body": { "title": "One" } },
        { "get": "notes", "id": { "$ref": "n.id" } },
        { "update": "notes", "id": { "$ref": "n.id" }, "body": { "title": "Two" } },
    ]);
    let explained = explain("ada@example.org", requests.clone()).await;
    let expected = [
        "create Note: Note create, Note.title check",
        "get Note: Note read",
        "update Note: Note read, Note update, Note update, afterwards, Note.title check",
    ];
    assert_eq!(told(&explained), (Some(true), expected.map(str::to_owned).to_vec()), "{explained}");
    assert_eq!(explained["request"], "transact");
    assert_eq!(app.call("GET /api/notes?count=true", &[]).await.json()["count"]["value"], 0);

    let mut broken = requests;
    broken[2]["body"]["title"] = json!("x".repeat(81));
    let explained = explain("ada@example.org", broken).await;
    assert_eq!(explained["allowed"], false);
    assert_eq!(explained["requests"].as_array().map(Vec::len), Some(3), "{explained}");
    let refusal = explained["refusal"].as_str().expect("a refusal");
    assert!(refusal.starts_with("request 3: /requests/2/body/title: at most 80 characters"), "{refusal}");

    let closed = json!([{ "list": "notes" }, { "create": "papers", "body": {} }]);
    let question = json!({ "request": "POST /transact", "body": { "requests": closed } });
    let reply = app.post("POST /explain", &[("authorization", &operator)], &question.to_string()).await;
    assert_eq!(told(&reply.json()), (Some(false), vec!["create Paper: Paper create".to_owned()]), "{}", reply.text());

    let check = async |question: Value, expected: &str| {
        let reply = app.post("POST /explain", &[("authorization", &operator)], &question.to_string()).await;
        assert!(reply.status == 400 && reply.text().contains(expected), "{question}: {}", reply.text());
    };
    let body = json!({ "requests": [{ "list": "nothing" }] });
    check(
        json!({ "request": "POST /transact", "body": { "requests": [{ "get": "notes", "id": 1 }] } }),
        "/requests/0/id",
    )
    .await;
    check(json!({ "request": "POST /transact", "body": {} }), "requests").await;
    check(json!({ "request": "POST /transact?mode=alone", "body": body }), "`independent`").await;
    check(json!({ "request": "POST /transact?kind=atomic", "body": body }), "unknown parameter").await;
    check(json!({ "request": "GET /transact" }), "POST /transact").await;
}

/// Each request by itself: what is refused undoes nothing, and those after it see what those before it did.
#[tokio::test(flavor = "multi_thread")]
async fn requests_that_are_answered_by_themselves_are_explained() {
    let app = TestApp::open(NOTES);
    app.account("ada@example.org").await;
    let operator = app.operator("root@example.org").await;
    let long = "x".repeat(81);
    let requests = json!([
        { "create": "notes", "as": "n", "body": { "title": "One" } },
        { "create": "notes", "as": "m", "body": { "title": long } },
        { "list": "nothing" },
        { "update": "notes", "id": { "$ref": "m.id" }, "body": { "title": "Two" } },
        { "update": "notes", "id": { "$ref": "n.id" }, "body": { "title": long } },
        { "update": "notes", "id": { "$ref": "n.id" }, "body": { "title": "Three" } },
        { "create": "papers", "body": {} },
        { "list": "notes", "query": { "filter": "title == 'Three'" } },
    ]);
    let question = json!({
        "as": "ada@example.org", "request": "POST /transact?mode=independent", "body": { "requests": requests },
    });
    let reply = app.post("POST /explain", &[("authorization", &operator)], &question.to_string()).await;
    let explained = reply.json();
    assert_eq!((reply.status, &explained["allowed"]), (200, &false.into()), "{}", reply.text());
    let told = |of: &Value| {
        let rules = of["rules"].as_array().expect("rules").iter().filter_map(|rule| rule["of"].as_str());
        let refusal = of["refusal"].as_str().and_then(|refusal| refusal.split(':').next()).unwrap_or("-");
        format!("{}: {}: {refusal}", of["request"].as_str().unwrap_or_default(), rules.collect::<Vec<_>>().join(", "))
    };
    let found: Vec<String> = explained["requests"].as_array().expect("requests").iter().map(told).collect();
    let expected = [
        "create Note: Note create, Note.title check: -",
        "create Note: Note create, Note.title check: /requests/1/body/title",
        "not a request: : /requests/2/list",
        "update Note: : /requests/3/id",
        "update Note: Note read, Note update, Note update, afterwards, Note.title check: /requests/4/body/title",
        "update Note: Note read, Note update, Note update, afterwards, Note.title check: -",
        "create Paper: Paper create: -",
        "list Note: Note read: -",
    ];
    assert_eq!(found, expected, "{explained:#}");
    let statements = &explained["requests"][7]["statements"];
    assert_eq!(statements[0]["rows"], 1, "{statements:#}");
    let refusal = explained["refusal"].as_str().expect("a refusal");
    assert_eq!(refusal.matches("; request ").count(), 3, "{refusal}");
    assert_eq!(app.call("GET /api/notes?count=true", &[]).await.json()["count"]["value"], 0);

    let closed = json!([{ "create": "papers", "body": {} }, { "list": "notes" }]);
    let question = json!({ "request": "POST /transact?mode=independent", "body": { "requests": closed } });
    let reply = app.post("POST /explain", &[("authorization", &operator)], &question.to_string()).await.json();
    let found: Vec<String> = reply["requests"].as_array().expect("requests").iter().map(told).collect();
    assert_eq!(found, ["create Paper: Paper create: sign in first", "list Note: Note read: -"], "{reply:#}");

    let fine = json!({ "request": "POST /transact?mode=independent", "body": { "requests": [{ "list": "notes" }] } });
    let reply = app.post("POST /explain", &[("authorization", &operator)], &fine.to_string()).await.json();
    assert_eq!((&reply["allowed"], &reply["refusal"]), (&true.into(), &Value::Null), "{reply}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_is_read_as_the_router_reads_a_request() {
    let app = TestApp::open(NOTES);
    let ada = app.account("ada@example.org").await;
    let id = note(&app, &ada, "One").await;
    let reader = Reader::new(&app.services.engine);
    let check = |line: &str, expected: &str| {
        let has_body = line.trim_start().starts_with(['P', 'p']);
        let body = Bytes::from_static(if has_body { b"{}" } else { b"" });
        let got = match parse_request(&reader, (&line.replace("ID", &id), body), &Caller::anonymous()) {
            Ok(Request::Get(get)) => match get.selection {
                Selection::Whole => "get all".to_owned(),
                Selection::Parts(parts) => format!("get {}", parts.len()),
            },
            Ok(Request::List(list)) => format!("list {} {}", list.limit, list.filter.expression.is_some()),
            Ok(Request::GetOfTypes(gets)) => format!("get of {} types", gets.each.len()),
            Ok(Request::ListOfTypes(lists)) => format!("list of {} types", lists.each.len()),
            Ok(Request::Create(create)) => format!("create {}", create.inputs.as_slice().len()),
            Ok(Request::Update(update)) => format!("update {}", update.input.fields().count()),
            Ok(Request::Replace(replace)) => format!("replace {}", replace.input.fields().count()),
            Ok(Request::OfRecord(of_record)) => of_record.act.verb().name().to_owned(),
            Ok(Request::OfMatching(of_matching)) => of_matching.act.verb().name().to_owned(),
            Ok(Request::History(history)) => format!("history {}", history.limit),
            Ok(Request::Aggregate(of)) => format!("groups by {} of {}", of.groups.by.len(), of.groups.of.len()),
            Err(refusal) => refusal.code().to_owned(),
        };
        assert_eq!(got, expected, "{line}");
    };
    check("GET /api/notes/ID?select=title,public", "get 2");
    check("GET /api/notes/ID", "get all");
    check("  GET   /api/notes?limit=3&filter=public  ", "list 3 true");
    check("POST /api/notes", "create 1");
    check("PUT /api/notes/ID", "replace 0");
    check("GET /api/notes:by?slug=one&select=title", "get 1");
    check("PATCH /api/notes:by?slug=one", "update 0");
    check("GET /api/users/me", "malformed-request");
    check("POST /api/notes:query", "list 20 false");
    check("PATCH /api/notes/ID", "update 0");
    check("DELETE /api/notes/ID", "delete");
    check("GET /api/notes/1", "not-found");
    check("GET /api/nothing-like-it", "no-such-path");
    check("GET /api/titled", "list of 2 types");
    check("POST /api/titled:query", "list of 2 types");
    check("GET /api/notes:aggregate?group=title,public&select=count", "groups by 2 of 1");
    check("POST /api/notes:aggregate", "groups by 0 of 1");
    check("GET /api/titled/ID", "get of 2 types");
    check("DELETE /api/titled/ID", "method-not-allowed");
    check("POST /api/notes/ID", "method-not-allowed");
    check("GET /api/notes?limit=x", "malformed-request");
    let with_body = parse_request(&reader, ("GET /api/notes", Bytes::from_static(b"{}")), &Caller::anonymous());
    assert_eq!(with_body.expect_err("a read takes no body").code(), "malformed-request");
    for bad in ["", "GET", "/api/notes", "GET api/notes", "GET http://x/api/notes", "G\u{7f}T /api/notes"] {
        check(bad, "malformed-request");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_requests_with_an_endpoint_that_takes_one_carry_a_body() {
    let app = TestApp::open(
        r#"
        extend schema @app(name: "Bodies")
        type User @identity @allow(read: "true") { email: Email! @unique }
        type Note @trash(keep: "30d") @allow(read: "true", create: "true", update: "true", delete: "true") { title: String }
        type Site @single @allow(read: "true", update: "true") { title: String }
    "#,
    );
    let id = "/api/notes/01890a5d-ac96-774b-bcce-b302099a8057";
    let check = |request: &str, expected: bool| {
        assert_eq!(backstay_http::carries_body(app.services.engine.model(), request), expected, "{request}");
    };
    for request in ["POST /api/notes", "POST /api/notes:query", &format!("PATCH {id}"), "PATCH /api/site"] {
        check(request, true);
    }
    for request in ["GET /api/notes?title=A", "GET /api/site", "GET /api/notes:trash", &format!("DELETE {id}")] {
        check(request, false);
    }
    for request in [&format!("POST {id}:restore"), &format!("POST {id}:purge"), "POST /auth/sign-in", "/api/notes"] {
        check(request, false);
    }
}

/// The example of docs/api.md names every member.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_without_a_body_may_say_so() {
    let app = TestApp::open(NOTES);
    let ada = app.account("ada@example.org").await;
    let id = note(&app, &ada, "One").await;
    let operator = app.operator("root@example.org").await;
    let check = async |request: &str, body: &str, status: u16| {
        let question = format!(r#"{{"as": "ada@example.org", "request": "{request}", "body": {body}}}"#);
        let reply = app.post("POST /explain", &[("authorization", &operator)], &question).await;
        assert_eq!(reply.status, status, "{question}: {}", reply.text());
    };
    check("GET /api/notes?limit=1", "null", 200).await;
    check(&format!("GET /api/notes/{id}"), "null", 200).await;
    check(&format!("DELETE /api/notes/{id}"), "null", 200).await;
    check(&format!("DELETE /api/notes/{id}"), "{}", 400).await;
    check("POST /api/notes", "null", 400).await;
    check(&format!("PATCH /api/notes/{id}"), "null", 400).await;
}
