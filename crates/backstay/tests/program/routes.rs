//! Routes and inboxes, as a server runs them.

use serde_json::json;

use crate::functions::documented;
use crate::support::App;

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
fn an_inbox_has_a_secret() {
    let refused = app().run(&["serve"]).refused();
    assert!(refused.contains("the secrets of inboxes aren't set: PAYMENTS"), "{refused}");
}
