//! Routes and inboxes, as a server runs them.

use std::thread;
use std::time::Duration;

use backstay_testkit::Cluster;
use serde_json::json;

use crate::functions::documented;
use crate::support::{App, exchange};

const MODEL: &str = r#"extend schema
  @app(name: "Blog")
  @route(method: GET, path: "/articles/{slug}", run: "article", allow: "true")
  @route(method: POST, path: "/articles", run: "publish", allow: "true")
  @inbox(provider: STANDARD_WEBHOOKS, path: "/events/payments", secret: "PAYMENTS", run: "paid")
type Article @path(is: "posts") @allow(read: "true", create: "'publish' in auth.via") {
  slug: String! @unique
  title: String!
}
type Payment @allow(read: "true", create: "'paid' in auth.via") { invoice: String! }
"#;

fn app() -> App {
    let app = App::empty();
    app.write("model/blog.graphql", MODEL);
    app.write("functions/articles.ts", &documented("function article("));
    app.write("functions/paid.ts", &documented("function paid("));
    app
}

#[test]
fn functions_answer_paths_of_their_own() {
    let app = app();
    app.write("secret", "whsec_c2VjcmV0\n");
    app.write("backstay.toml", "[secrets]\nPAYMENTS = { file = \"secret\" }\n");
    let server = app.serve();
    let (status, made) = server.ask("POST", "/articles", None, r#"{"title": "Hello, world"}"#);
    assert_eq!((status, &made["slug"]), (201, &json!("hello-world")), "{made}");
    let (status, found) = server.ask("GET", "/articles/hello-world", None, "");
    assert_eq!((status, &found["article"]["title"]), (200, &json!("Hello, world")), "{found}");
    let (status, missing) = server.ask("GET", "/articles/nothing", None, "");
    assert_eq!((status, missing), (404, json!({ "error": "there is no such article" })));
    let (status, refused) = server.ask("POST", "/articles", None, r#"{"title": 1}"#);
    assert_eq!((status, &refused["reason"]), (422, &json!("no-title")), "{refused}");
    let (status, forged) = server.ask("POST", "/events/payments", None, r#"{"invoice": "1"}"#);
    assert_eq!(status, 400, "{forged}");
    assert_eq!(server.get("/api/payments")["items"], json!([]));
}

#[test]
fn the_test_of_a_route_in_the_document_passes() {
    let app = app();
    app.write("secret", "whsec_c2VjcmV0\n");
    app.write("backstay.toml", "[secrets]\nPAYMENTS = { file = \"secret\" }\n");
    let test = documented("articles are found by their slugs");
    app.write("functions/articles.test.ts", &format!("import {{ expect, test }} from \"backstay/test\";\n{test}"));
    let passed = app.run(&["test"]);
    assert_eq!(passed.code, Some(0), "{}", passed.out);
}

#[test]
fn an_inbox_has_a_secret() {
    let refused = app().run(&["serve"]).refused();
    assert!(refused.contains("the secrets of inboxes aren't set: PAYMENTS"), "{refused}");
}

const EVENTS: &str = r#"extend schema
  @app(name: "Events")
  @inbox(provider: GITHUB, path: "/events", secret: "EVENTS", run: "paid")
type Payment @allow(read: "true", create: "'paid' in auth.via") { invoice: String! }
type Total @single @allow(read: "true", update: "'paid' in auth.via", only: ["events"]) { events: Int! @default(to: 0) }
"#;

/// Two commits.
const PAID: &str = "export async function paid(request, { db }) {\n  const { invoice } = await request.json();\n  \
                    await db.payments.create({ invoice });\n  await db.total.update({ events: { $inc: 1 } });\n}\n";

/// Events with their signatures: HMAC-SHA256 with the key `a-secret-for-tests`.
const SIGNED: [(&str, &str); 5] = [
    (r#"{"invoice":"0"}"#, "8e9f85f3b09895e1677747c5695a10bc4a26ec01976d85005ad8ffe44fc1d973"),
    (r#"{"invoice":"1"}"#, "ba3328eb45c5251c09d24a04ecfa5a32a565b6352d5d5ced4e3370287418ab9e"),
    (r#"{"invoice":"2"}"#, "a6d4d8827792e8cc0fbf343b9b95d7ace16f2bf71866b23a0ee7e6562a042d8c"),
    (r#"{"invoice":"3"}"#, "4e47ca7ba795e5dafbec83eef76c7a497da6200c575e13c985bdb0a1f6772601"),
    (r#"{"invoice":"4"}"#, "bc971d375f1a693e1bc63c7d62e03f757b5df6d2d42bf0f55c9ff6d0d6f93d72"),
];

/// Each event arrives while the server is killed, somewhat later each time, and then twice more.
fn killed_while_events_arrive(settings: &str) {
    let app = App::empty();
    app.write("model/events.graphql", EVENTS);
    app.write("functions/paid.js", PAID);
    app.write("secret", "a-secret-for-tests\n");
    app.write("backstay.toml", &format!("{settings}[secrets]\nEVENTS = {{ file = \"secret\" }}\n"));
    for (round, (event, signature)) in SIGNED.into_iter().enumerate() {
        let lines = format!("x-hub-signature-256: sha256={signature}\r\n");
        let server = app.serve();
        let (address, first) = (server.address().to_owned(), lines.clone());
        let sender = thread::spawn(move || exchange(&address, "POST /events", &first, event));
        thread::sleep(Duration::from_millis(round as u64 * 7));
        // SIGKILL. Whether the event was answered, the sender may never learn.
        drop(server);
        let _ = sender.join().expect("the sender");

        let server = app.serve();
        for _ in 0..2 {
            let (status, answer) = server.ask_with("POST", "/events", &lines, event);
            assert_eq!(status, 204, "{answer}");
        }
        let payments = server.get("/api/payments?limit=1&count=exact");
        assert_eq!(
            (&payments["count"]["value"], &server.get("/api/total")["events"]),
            (&json!(round + 1), &json!(round + 1))
        );
    }
}

#[test]
fn an_event_has_its_effects_once_although_the_server_is_killed() {
    killed_while_events_arrive("");
}

#[test]
fn an_event_has_its_effects_once_although_the_server_is_killed_on_postgresql() {
    killed_while_events_arrive(&format!("[data]\nurl = \"{}\"\n", Cluster::shared().url()));
}
