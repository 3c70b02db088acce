use std::sync::Arc;

use backstay_base::Secret;
use backstay_http::{Docs, HttpSettings, InboxSecrets};
use backstay_testkit::{Reply, TestApp, moment};
use serde_json::json;

use crate::acting::All;
use crate::{NOTES, note};

const ACTIONS: &str = r#"
type Mutation { act: Int @function @allow(call: "true") }
type Query { ask: Int @function @allow(call: "true") }
extend schema
  @route(method: GET, path: "/own", run: "ask", allow: "true", name: "ownGet")
  @route(method: POST, path: "/own", run: "act", allow: "true", name: "ownPost")
  @route(method: PATCH, path: "/own", run: "act", allow: "true", name: "ownPatch")
  @route(method: PUT, path: "/own", run: "act", allow: "true", name: "ownPut")
  @route(method: DELETE, path: "/own", run: "act", allow: "true", name: "ownDelete")
  @inbox(provider: GITHUB, path: "/events", secret: "KEY", run: "act", name: "events")
"#;

/// Of `{}` under `key`.
const SIGNED: &str = "sha256=a777724d943eb48dc69bca8a4a6d57a04db3f9ec7e1de4e581e860265bdf3032";

/// A test in `endpoints` compares the first column with the table itself.
const EXPECTED: &str = include_str!("endpoints.md");

/// What can be wrong with a request, in the order of the columns.
const PROBES: &[Probe] = &[
    Probe { headers: &[], query: "" },
    Probe { headers: &[("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")], query: "" },
    Probe { headers: &[("content-type", "text/plain")], query: "" },
    Probe { headers: &[], query: "?unknown=1" },
    Probe { headers: &[("if-match", "\"x\"")], query: "" },
    Probe { headers: &[("idempotency-key", "k")], query: "" },
    Probe { headers: &[("authorization", "Bearer bst_stale")], query: "" },
];

struct Probe {
    headers: &'static [(&'static str, &'static str)],
    query: &'static str,
}

/// Whether only types with a trash or a history have the path.
fn is_of_trash(path: &str) -> bool {
    [":trash", ":restore", ":purge", ":history"].iter().any(|verb| path.ends_with(verb))
}

/// Whether only operators find it.
fn for_operators(endpoint: &str) -> bool {
    ["POST /explain", "GET /inspect/traces"].contains(&endpoint)
}

/// The path, or method and path, with names of what there is.
fn at(path: &str) -> String {
    let collection = if is_of_trash(path) { "papers" } else { "notes" };
    let names = [("collection", collection), ("single", "site"), ("interface", "titled"), ("code", "not-found")];
    let names = names.into_iter().chain([("action", "act"), ("reading", "ask"), ("route", "own"), ("inbox", "events")]);
    names.fold(path.to_owned(), |path, (name, of)| path.replace(&format!("{{{name}}}"), of))
}

/// Makes a paper, moves it to the trash and gives its id.
async fn trashed(app: &TestApp, token: &str) -> String {
    let auth = [("authorization", token)];
    let id = crate::id_of(&app.post("POST /api/papers", &auth, "{}").await);
    assert_eq!(app.call(&format!("DELETE /api/papers/{id}"), &auth).await.status, 204);
    id
}

/// Makes a link and gives the body that revokes it.
async fn link(app: &TestApp, token: &str) -> String {
    let made = app.call("POST /auth/links", &[("authorization", token)]).await;
    json!({ "id": made.json()["id"] }).to_string()
}

/// An application with every endpoint.
fn open() -> TestApp {
    let inbox_secrets: InboxSecrets = [("KEY".to_owned(), Secret::new("key".to_owned()))].into_iter().collect();
    let settings = HttpSettings { docs: Docs::Always, inbox_secrets, ..HttpSettings::default() };
    let app = TestApp::with(&format!("{NOTES}{ACTIONS}"), settings);
    let procedures = All::default().with("act", async |_| Ok("1".to_owned())).with("ask", async |_| Ok("2".to_owned()));
    app.services.engine.set_procedures(Arc::new(procedures));
    app.services.engine.inspector().turn_on(moment("2100-01-01T00:00:00Z"));
    app
}

/// Calls an endpoint on a fresh application, with one thing wrong.
async fn call(endpoint: &str, probe: &Probe) -> Reply {
    let app = open();
    let token = if for_operators(endpoint) {
        app.operator("root@example.org").await
    } else {
        app.account("ada@example.org").await
    };
    let of_trash = is_of_trash(endpoint);
    let id = match endpoint {
        _ if for_operators(endpoint) => String::new(),
        _ if of_trash => trashed(&app, &token).await,
        _ => {
            let id = note(&app, &token, "One").await;
            let slug =
                app.post(&format!("PATCH /api/notes/{id}"), &[("authorization", &token)], r#"{"slug": "one"}"#).await;
            assert_eq!(slug.status, 200, "{}", slug.text());
            id
        }
    };
    let link = if endpoint == "POST /auth/links/revoke" { link(&app, &token).await } else { String::new() };
    let setup_token = app.setup_token();
    let setup = format!("token={}&email=root%40example.org&password=a+good+password", setup_token.expose());
    let body = match endpoint {
        "POST /api/{collection}" => r#"{"title": "x"}"#,
        "PATCH /api/{collection}/{id}" | "PATCH /api/{collection}" | "PATCH /api/{collection}:by" => r#"{"rank": 1}"#,
        "PUT /api/{collection}/{id}" | "PUT /api/{collection}:by" => {
            r#"{"title": "One", "slug": "one", "public": true}"#
        }
        "PATCH /api/{single}" | "PUT /api/{single}" => r#"{"motto": "x"}"#,
        "POST /api/{collection}:query"
        | "POST /api/{interface}:query"
        | "POST /api/{collection}/{id}:restore"
        | "POST /do/{action}"
        | "POST /{inbox}" => "{}",
        "POST /api/{collection}:aggregate" => r#"{"select": "count"}"#,
        "POST /auth/sign-up" => r#"{"email": "bob@example.org", "name": "Bob", "password": "correct horse battery"}"#,
        "POST /auth/sign-in" => r#"{"email": "ada@example.org", "password": "correct horse battery"}"#,
        "POST /auth/password" => r#"{"current": "correct horse battery", "password": "another good password"}"#,
        "POST /auth/email" => r#"{"email": "a@example.org", "password": "correct horse battery"}"#,
        "POST /explain" => r#"{"request": "GET /api/notes"}"#,
        "POST /transact" => r#"{"requests": [{"create": "notes", "body": {"title": "x"}}]}"#,
        "POST /auth/setup" => &setup,
        "POST /auth/links/revoke" => &link,
        _ => "",
    };
    let by_filter = matches!(endpoint, "PATCH /api/{collection}" | "DELETE /api/{collection}");
    let line = at(endpoint).replace("{id}", &id);
    let query = match probe.query {
        query if endpoint.ends_with(":by") => format!("?slug=one{}", query.replace('?', "&")),
        "" if endpoint == "GET /api/{collection}:aggregate" => "?select=count".to_owned(),
        "" if by_filter => "?title=One".to_owned(),
        query => query.to_owned(),
    };
    let cookie = format!("backstay={}", token.trim_start_matches("Bearer "));
    let mut headers = vec![("host", "here.example"), ("cookie", &cookie), ("x-hub-signature-256", SIGNED)];
    headers.extend(probe.headers);
    let is_set = |name: &str| probe.headers.iter().any(|(known, _)| *known == name);
    if !is_set("sec-fetch-site") {
        headers.push(("sec-fetch-site", "same-origin"));
    }
    if endpoint == "POST /auth/setup" && !is_set("content-type") {
        headers.push(("content-type", "application/x-www-form-urlencoded"));
    }
    match body {
        "" => app.call(&format!("{line}{query}"), &headers).await,
        body => app.post(&format!("{line}{query}"), &headers, body).await,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_endpoint_demands_what_the_table_says() {
    let rows = EXPECTED.lines().filter_map(|line| line.strip_prefix("| ")).skip(1);
    let mut wrong = Vec::new();
    for row in rows {
        let mut cells = row.split('|').map(str::trim);
        let endpoint = cells.next().expect("an endpoint");
        let expected: Vec<&str> = cells.filter(|cell| !cell.is_empty()).collect();
        let mut got = Vec::new();
        for probe in PROBES {
            got.push(call(endpoint, probe).await.status.to_string());
        }
        if got != expected {
            wrong.push(format!("{endpoint}: {} instead of {}", got.join(" | "), expected.join(" | ")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The endpoints of the table: method and path.
fn endpoints() -> impl Iterator<Item = (&'static str, &'static str)> {
    let rows = EXPECTED.lines().filter_map(|line| line.strip_prefix("| ")?.split(" |").next()).skip(1);
    rows.map(|endpoint| endpoint.split_once(' ').expect("a method and a path"))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_path_allows_the_methods_of_the_table_and_no_other() {
    let app = open();
    let operator = app.operator("root@example.org").await;
    let id = "01890a5d-ac96-774b-bcce-b302099a8057";
    for (_, path) in endpoints() {
        let methods = endpoints().filter(|(_, known)| *known == path).map(|(method, _)| match method {
            "GET" => "GET, HEAD",
            other => other,
        });
        let allow = methods.chain(["OPTIONS"]).collect::<Vec<_>>().join(", ");
        let line = at(path).replace("{id}", id);
        let options = app.call(&format!("OPTIONS {line}"), &[("authorization", "Bearer bst_stale")]).await;
        assert_eq!((options.status, options.header("allow")), (204, &*allow), "{line}");
        let patches = allow.contains("PATCH") && path != "/{route}";
        let accepted = if patches { "application/json, application/merge-patch+json" } else { "" };
        assert_eq!(options.header("accept-patch"), accepted, "{line}");
        let other = app.call(&format!("BREW {line}"), &[("authorization", &operator)]).await;
        assert_eq!((other.status, other.header("allow")), (405, &*allow), "{line}");
        assert_eq!(other.problem(), "method-not-allowed", "{line}");
    }
}

/// The headers of an answer that don't differ from one request to the next.
fn lasting(reply: &Reply) -> Vec<(String, String)> {
    let headers = reply.headers.iter().filter(|(name, _)| !["request-id", "date"].contains(&name.as_str()));
    let text = |value: &http::HeaderValue| value.to_str().expect("ASCII").to_owned();
    headers.map(|(name, value)| (name.to_string(), text(value))).collect()
}

/// RFC 9110, sections 9.3.2 and 14.2.
#[tokio::test(flavor = "multi_thread")]
async fn head_answers_as_get_without_a_body_and_ranges_are_ignored() {
    let app = open();
    let ada = app.account("ada@example.org").await;
    let note = note(&app, &ada, "One").await;
    let auth = ("authorization", ada.as_str());
    let slug = app.post(&format!("PATCH /api/notes/{note}"), &[auth], r#"{"slug": "one"}"#).await;
    assert_eq!(slug.status, 200, "{}", slug.text());
    let (trash, absent) = (trashed(&app, &ada).await, "01890a5d-ac96-774b-bcce-b302099a8057");
    let paths = endpoints().filter(|(method, _)| *method == "GET").map(|(_, path)| path);
    for path in paths.chain(["/nowhere", "/api/notes/nonsense"]) {
        let of_trash = is_of_trash(path);
        let line = at(path).replace(":by", ":by?slug=one");
        for id in [if of_trash { &trash } else { &note }, absent] {
            let line = line.replace("{id}", id);
            for headers in [&[auth][..], &[auth, ("accept-encoding", "gzip")]] {
                let get = app.call(&format!("GET {line}"), headers).await;
                let head = app.call(&format!("HEAD {line}"), headers).await;
                assert_eq!((head.status, head.text()), (get.status, ""), "{line}");
                let mut expected = lasting(&get);
                expected.push(("content-length".to_owned(), get.body.len().to_string()));
                assert_eq!(lasting(&head), expected, "{line}");
                let of_range = [headers, &[("range", "bytes=0-1"), ("if-range", "\"x\"")]].concat();
                let range = app.call(&format!("GET {line}"), &of_range).await;
                assert_eq!((range.status, lasting(&range)), (get.status, lasting(&get)), "{line}");
                assert_eq!(range.body.len(), get.body.len(), "{line}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_path_and_method_of_the_description_is_there_and_no_other() {
    let app = open();
    let ada = app.account("ada@example.org").await;
    let operator = app.operator("root@example.org").await;
    let note = note(&app, &ada, "One").await;
    let me = app.call("GET /auth/me", &[("authorization", &ada)]).await.json();
    let user = me["id"].as_str().expect("an id").to_owned();
    let document = app.call("GET /openapi.json", &[]).await.json();
    for (path, item) in document["paths"].as_object().expect("an object") {
        let id = match path {
            _ if path.starts_with("/api/users") => &user,
            _ if is_of_trash(path) => &trashed(&app, &ada).await,
            _ if path.starts_with("/api/papers") => {
                &crate::id_of(&app.post("POST /api/papers", &[("authorization", &ada)], "{}").await)
            }
            _ => &note,
        };
        let line = path.replace("{id}", id);
        let options = app.call(&format!("OPTIONS {line}"), &[]).await;
        let allow = options.header("allow").to_owned();
        assert_eq!(options.status, 204, "OPTIONS {line}");
        for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"] {
            let allowed = allow.split(", ").any(|name| name == method);
            let described = match method {
                "HEAD" => item.get("get").is_some(),
                _ => item.get(method.to_ascii_lowercase()).is_some(),
            };
            assert!(allowed || !described, "{method} {line} is described, but not allowed: {allow}");
            let headers: &[(&str, &str)] = if path == "/explain" { &[("authorization", &operator)] } else { &[] };
            let reply = app.call(&format!("{method} {line}"), headers).await;
            if allowed {
                assert!(![404, 405, 500].contains(&reply.status), "{method} {line}: {}", reply.status);
            } else {
                assert_eq!((reply.status, reply.header("allow")), (405, allow.as_str()), "{method} {line}");
            }
        }
    }
}
