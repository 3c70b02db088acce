//! `/inspect`: what the server has done, and what it doesn't tell of that.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use backstay_base::Secret;
use backstay_http::{Development, HttpSettings};
use backstay_testkit::{Cluster, Reply, TestApp, TestClock, controlled, moment};
use serde_json::Value;

use crate::acting::All;
use crate::id_of;

const MODEL: &str = r#"
extend schema @app(name: "Clinic") @route(method: GET, path: "/reset/{token}", run: "reset", allow: "true")

type User @identity @allow(read: "true", update: "this.id == auth.id") {
  email: Email! @unique @class(is: PERSONAL)
  name: String! @class(is: PERSONAL)
  notes: [Note!] @inverse(field: "author")
}

type Note
  @allow(read: "this.public || this.author == auth.id", create: "auth.id != null", update: "this.author == auth.id")
  @allow(delete: "this.author == auth.id") {
  title: String! @length(max: 80)
  diagnosis: String @class(is: MEDICAL)
  public: Boolean! @default(to: false)
  author: User! @set(on: CREATE, to: "auth.id")
}

type Mutation { act(note: ID!): Int @function @allow(call: "true") }
"#;

const FOREVER: &str = "2100-01-01T00:00:00Z";

fn inspected(app: &TestApp) {
    app.services.engine.inspector().turn_on(moment(FOREVER));
}

/// The traces that an operator is answered, the newest first.
async fn traces(app: &TestApp, operator: &str, query: &str) -> Vec<Value> {
    let reply = app.call(&format!("GET /inspect/traces{query}"), &[("authorization", operator)]).await;
    assert_eq!((reply.status, reply.header("cache-control")), (200, "no-store"), "{query}: {}", reply.text());
    reply.json()["traces"].as_array().expect("a list").clone()
}

/// The whole trace of what was answered with this.
async fn trace(app: &TestApp, operator: &str, reply: &Reply) -> Value {
    let found = traces(app, operator, &format!("?id={}", reply.header("request-id"))).await;
    assert_eq!(found.len(), 1, "{found:?}");
    found[0].clone()
}

fn names<'t>(trace: &'t Value, list: &str, member: &str) -> Vec<&'t str> {
    let list = trace[list].as_array().expect("a list");
    list.iter().map(|one| one[member].as_str().expect("a text")).collect()
}

/// The rule of this name in a trace: what it came to, and its parts.
fn rule<'t>(trace: &'t Value, of: &str) -> (&'t str, Vec<(&'t str, &'t str)>) {
    let rules = trace["rules"].as_array().expect("rules");
    let rule = rules.iter().find(|rule| rule["of"] == of).expect("a rule of this name");
    let text = |of: &'t Value| of.as_str().expect("a text");
    let parts = rule["parts"].as_array().expect("parts").iter();
    (text(&rule["answer"]), parts.map(|part| (text(&part["text"]), text(&part["answer"]))).collect())
}

/// What requests on any database are traced with.
async fn check(app: &TestApp) {
    let operator = app.operator("root@example.org").await;
    let (ada, bob) = (app.account("ada@example.org").await, app.account("bob@example.org").await);
    inspected(app);

    let made = app.post("POST /api/notes", &[("authorization", &ada)], r#"{"title": "One"}"#).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let created = trace(app, &operator, &made).await;
    assert_eq!((&created["name"], &created["status"]), (&"POST /api/notes".into(), &201.into()));
    assert_eq!((&created["outcome"], &created["caller"]["kind"]), (&Value::Null, &"ACCOUNT".into()), "{created}");
    assert_eq!(names(&created, "commits", "transaction"), ["create"]);
    assert_eq!(created["asked"], serde_json::json!(["create Note"]));
    let stages = names(&created, "stages", "name");
    for stage in ["admit", "plan", "wait", "run create", "commit", "handle", "encode"] {
        assert!(stages.contains(&stage), "{stage} in {stages:?}");
    }
    assert_eq!(rule(&created, "Note create"), ("true", vec![("auth.id != null", "true")]));
    let inserted = names(&created, "statements", "sql");
    assert!(inserted.iter().any(|sql| sql.contains("INSERT INTO \"note\"")), "{inserted:?}");
    assert!(created["statements"].as_array().expect("some")[0]["micros"].is_u64(), "{created}");

    let path = format!("GET /api/notes/{}", id_of(&made));
    let read = app.call(&path, &[("authorization", &ada)]).await;
    let own = trace(app, &operator, &read).await;
    assert_eq!(rule(&own, "Note read").0, "true");
    let statement = &own["statements"][0];
    assert_eq!((own["statements"].as_array().map(Vec::len), &statement["rows"]), (Some(1), &1.into()), "{own}");

    let refused = app.call(&path, &[("authorization", &bob)]).await;
    assert_eq!(refused.status, 404);
    let strange = trace(app, &operator, &refused).await;
    let parts = vec![("this.public", "false"), ("this.author == auth.id", "false")];
    assert_eq!(rule(&strange, "Note read"), ("false", parts));
    assert!(strange["outcome"].as_str().is_some_and(|told| told.starts_with("not-found: ")), "{strange}");

    // A write that is refused has left nothing behind, but what it has asked is kept.
    let (line, body) = (path.replace("GET", "PATCH"), r#"{"title": "Two"}"#);
    let refused = app.post(&line, &[("authorization", &bob)], body).await;
    assert_eq!(refused.status, 404, "{}", refused.text());
    assert_eq!(rule(&trace(app, &operator, &refused).await, "Note read").0, "false");
    let changed = app.post(&line, &[("authorization", &ada)], body).await;
    assert_eq!(changed.status, 200, "{}", changed.text());
    let updated = trace(app, &operator, &changed).await;
    assert_eq!(rule(&updated, "Note update").0, "true");
    assert_eq!(names(&updated, "commits", "transaction"), ["update"]);

    let listed = app.call("GET /api/notes?sort=-title", &[]).await;
    let list = trace(app, &operator, &listed).await;
    assert_eq!((&list["caller"]["kind"], rule(&list, "Note read").0), (&"ANONYMOUS".into(), "each record"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trace_tells_what_a_request_did_and_which_rule_decided() {
    check(&TestApp::open(MODEL)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_on_postgresql() {
    check(&TestApp::at(Cluster::shared().schema(), MODEL)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_kept_while_it_is_off() {
    let clock = TestClock::at("2026-01-01T00:00:00Z");
    let app = TestApp::controlled(MODEL, controlled(&clock, 7));
    let operator = app.operator("root@example.org").await;
    let paths = ["/inspect", "/inspect/page.js", "/inspect/page.css", "/inspect/traces"];
    for path in paths {
        let reply = app.call(&format!("GET {path}"), &[("authorization", &operator)]).await;
        assert_eq!(reply.problem(), "no-such-path", "{path}");
    }
    let engine = &app.services.engine;
    let later = moment("2026-01-01T00:10:00Z");
    engine.inspector().turn_on(later);
    app.call("GET /api/notes", &[]).await;
    assert_eq!(traces(&app, &operator, "").await.len(), 1);
    // It ends by itself, and what it has kept ends with it.
    clock.advance("10m");
    for path in paths {
        assert_eq!(app.call(&format!("GET {path}"), &[("authorization", &operator)]).await.status, 404, "{path}");
    }
    clock.advance("-10m");
    engine.inspector().turn_on(later);
    assert_eq!(traces(&app, &operator, "").await, Vec::<Value>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn operators_alone_see_traces_of_a_server_that_serves() {
    let app = TestApp::open(MODEL);
    inspected(&app);
    let (operator, ada) = (app.operator("root@example.org").await, app.account("ada@example.org").await);
    let key = app.key(&["notes:get".to_owned()]).await;
    assert_eq!(app.call("GET /inspect/traces", &[]).await.status, 401);
    for token in [&ada, &key] {
        assert_eq!(app.call("GET /inspect/traces", &[("authorization", token)]).await.problem(), "no-such-path");
    }
    assert_eq!(app.call("GET /inspect/traces", &[("authorization", &operator)]).await.status, 200);
    // The page holds nothing that has to be hidden.
    let page = app.call("GET /inspect", &[]).await;
    assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"));
    assert!(page.header("content-security-policy").contains("default-src 'none'; script-src 'self'"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_developer_needs_no_credentials_on_this_machine() {
    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
    const ELSEWHERE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
    let development = Development::new(Secret::new("secret".to_owned()));
    let app = TestApp::with(MODEL, HttpSettings { development: Some(development), ..HttpSettings::default() });
    inspected(&app);
    let local = ("host", "localhost:8080");
    assert_eq!(app.call_from(HERE, "GET /inspect/traces", &[local]).await.status, 200);
    assert_eq!(app.call_from(ELSEWHERE, "GET /inspect/traces", &[local]).await.problem(), "no-such-path");
    // A name that an attacker lets resolve to this machine.
    let reply = app.call_from(HERE, "GET /inspect/traces", &[("host", "evil.example")]).await;
    assert_eq!(reply.problem(), "no-such-path");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_trace_holds_a_secret_or_a_classified_value() {
    let app = TestApp::open(MODEL);
    inspected(&app);
    let operator = app.operator("root@example.org").await;
    let body = r#"{"email": "eve@example.org", "name": "Evelyn Classified", "password": "correct horse battery"}"#;
    let signed_up = app.post("POST /auth/sign-up", &[], body).await;
    assert_eq!(signed_up.status, 201, "{}", signed_up.text());
    let token = signed_up.json()["token"].as_str().expect("a token").to_owned();
    let auth = format!("Bearer {token}");
    let body = r#"{"title": "Visit", "diagnosis": "hay fever"}"#;
    let made = app.post("POST /api/notes", &[("authorization", &auth)], body).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let wrong = r#"{"email": "eve@example.org", "password": "another good guess"}"#;
    assert_eq!(app.post("POST /auth/sign-in", &[], wrong).await.status, 401);
    for query in
        ["?diagnosis=hay+fever", "?filter=diagnosis%3D%3D'hay+fever'", "?filter=diagnosis%3D%3D$d&$d=hay+fever"]
    {
        let reply = app.call(&format!("GET /api/notes{query}"), &[("authorization", &auth)]).await;
        assert_eq!(reply.status, 200, "{query}: {}", reply.text());
    }
    let nested = "GET /api/users?select=id,notes(filter:diagnosis==$d,sort:title){title},found=notes(filter:diagnosis=='hay%20fever'){title}&$d=hay";
    let reply = app.call(nested, &[("authorization", &auth)]).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    app.call("GET /reset/hay-token?mode=hay", &[]).await;
    let patched = format!("PATCH /api/notes/{}", id_of(&made));
    let reply = app.post(&patched, &[("authorization", &auth)], r#"{"diagnosis": "hay fever, mild"}"#).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    let all = traces(&app, &operator, "").await;
    assert!(all.len() >= 7, "{}", all.len());
    assert!(all.iter().any(|trace| trace["name"] == "GET /reset/{token}?mode=…"), "{all:?}");
    assert!(all.iter().any(|trace| trace["name"] == "GET /api/users?select=…&$d=…"), "{all:?}");
    for brief in all {
        let id = brief["id"].as_str().expect("an id");
        let whole = traces(&app, &operator, &format!("?id={id}")).await;
        let text = serde_json::to_string(&whole).expect("JSON");
        for secret in ["eve@example.org", "Evelyn", "correct horse", "another good", &token, "hay", "argon2"] {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_that_fails_has_its_statement_and_the_error() {
    let app = TestApp::open(
        r#"
extend schema @app(name: "Site")
type User @identity @allow(read: "true") { email: Email! @unique }
type Line @embedded { sku: String! }
type Order @allow(read: "true", create: "true") { lines: [Line!]! }
"#,
    );
    let operator = app.operator("root@example.org").await;
    let lines: Vec<String> = (0..1000).map(|at| format!(r#"{{"sku":"{at:0>1000}"}}"#)).collect();
    for _ in 0..3 {
        let made = app.post("POST /api/orders", &[], &format!(r#"{{"lines":[{}]}}"#, lines.join(","))).await;
        assert_eq!(made.status, 201, "{}", made.text());
    }
    inspected(&app);
    let filter = "lines.all(a,lines.count(b,b.sku==a.sku)==1)";
    let refused = app.call(&format!("GET /api/orders?filter={filter}&select=id"), &[]).await;
    assert_eq!((refused.status, refused.problem()), (422, "too-costly".to_owned()), "{}", refused.text());
    let trace = trace(&app, &operator, &refused).await;
    let statements = trace["statements"].as_array().expect("statements");
    let errors: Vec<&Value> = statements.iter().map(|one| &one["error"]).collect();
    assert_eq!(errors, ["too-costly"], "{trace}");
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_find_a_trace() {
    let app = TestApp::open(MODEL);
    let operator = app.operator("root@example.org").await;
    inspected(&app);
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    app.call("GET /api/notes?limit=1", &[("traceparent", parent)]).await;
    let missing = app.call("GET /api/nothing", &[]).await;
    app.call("GET /healthz", &[]).await;
    let found = async |query: &str| {
        let found = traces(&app, &operator, query).await;
        found.iter().map(|trace| trace["name"].as_str().expect("a name").to_owned()).collect::<Vec<_>>()
    };
    let (list, nothing) = ("GET /api/notes?limit=1", "GET /api/nothing");
    assert_eq!(found("").await, [nothing, list], "the newest first, without what only asks whether the server runs");
    assert_eq!(found("?limit=1").await, [nothing]);
    assert_eq!(found("?path=notes").await, [list]);
    assert_eq!(found("?status=4").await, [nothing]);
    assert_eq!(found("?status=200").await, [list]);
    assert_eq!(found("?slower=100000").await, Vec::<String>::new());
    assert_eq!(found("?slower=0&kind=request").await.len(), 2);
    assert_eq!(found("?kind=job").await, Vec::<String>::new());
    assert_eq!(found("?id=4bf92f3577b34da6a3ce929d0e0e4736").await, [list], "the trace of another system");
    // The id in an error finds its request.
    let id = missing.json()["requestId"].as_str().expect("an id").to_owned();
    assert_eq!(found(&format!("?id={id}")).await, [nothing]);
    for wrong in ["?stauts=4", "?status=x", "?slower=-1", "?kind=all", "?limit=0"] {
        let reply = app.call(&format!("GET /inspect/traces{wrong}"), &[("authorization", &operator)]).await;
        assert_eq!((reply.status, reply.problem()), (400, "malformed-request".to_owned()), "{wrong}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_function_asks_is_in_the_trace_of_its_call() {
    let app = TestApp::open(MODEL);
    let acting = All::default().with("act", async |call| {
        let arguments: Value = serde_json::from_str(call.arguments()).expect("JSON");
        let request = serde_json::json!({ "get": "notes", "id": arguments["note"] });
        call.request(&request.to_string()).await?;
        call.trace().line("info", "read it");
        Ok("1".to_owned())
    });
    app.services.engine.set_procedures(Arc::new(acting));
    let (operator, ada) = (app.operator("root@example.org").await, app.account("ada@example.org").await);
    let made = app.post("POST /api/notes", &[("authorization", &ada)], r#"{"title": "One"}"#).await;
    inspected(&app);
    let body = format!(r#"{{"note": "{}"}}"#, id_of(&made));
    let done = app.post("POST /do/act", &[("authorization", &ada)], &body).await;
    assert_eq!(done.status, 200, "{}", done.text());
    let called = trace(&app, &operator, &done).await;
    assert!(names(&called, "stages", "name").contains(&"function act"), "{called}");
    assert_eq!(rule(&called, "Note read").0, "true");
    assert_eq!((names(&called, "log", "level"), names(&called, "log", "text")), (vec!["info"], vec!["read it"]));
}
