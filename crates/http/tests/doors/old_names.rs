//! A renamed field goes on answering to its old name while the model says so.

use backstay_testkit::TestApp;
use serde_json::json;

const MODEL: &str = r#"
extend schema @app(name: "Notes")
type User @identity @allow(read: "true") { email: Email! @unique }
type Note @allow(read: "true", create: "true", update: "true") {
  title: String! @renamed(from: "name", keep: true) @renamed(from: "heading") @check(rule: "this.title != ''", message: "not empty")
  parent: Note
}
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_field_answers_to_its_old_name_while_it_is_kept() {
    let app = TestApp::open(MODEL);
    let made = app.post("POST /api/notes", &[], r#"{"name": "A"}"#).await;
    assert_eq!(made.status, 201, "{}", made.text());
    assert_eq!((&made.json()["title"], &made.json()["name"]), (&json!("A"), &json!("A")));
    let id = made.json()["id"].as_str().expect("an id").to_owned();
    let changed = app.post(&format!("PATCH /api/notes/{id}"), &[], r#"{"name": "B"}"#).await;
    assert_eq!((changed.status, &changed.json()["title"]), (200, &json!("B")));
    app.post("POST /api/notes", &[], &format!(r#"{{"title": "C", "parent": "{id}"}}"#)).await;

    let check = async |query: &str, expected: serde_json::Value| {
        let reply = app.call(&format!("GET /api/notes?{query}"), &[]).await;
        assert_eq!((reply.status, &reply.json()["items"]), (200, &expected), "{query}");
    };
    check("name=B&select=name", json!([{"name": "B"}])).await;
    check("sort=-name&select=title", json!([{"title": "C"}, {"title": "B"}])).await;
    check("filter=name==$n%26%26title==$n&$n=B&select=name,title", json!([{"name": "B", "title": "B"}])).await;
    check("title=C&select=parent{name}", json!([{"parent": {"name": "B"}}])).await;
    check("title=C&select=parent{*}", {
        let parent = app.call(&format!("GET /api/notes/{id}"), &[]).await.json();
        assert_eq!((&parent["title"], &parent["name"]), (&json!("B"), &json!("B")));
        json!([{ "parent": parent }])
    })
    .await;

    // A name that isn't kept is gone.
    assert_eq!(app.call("GET /api/notes?heading=A", &[]).await.status, 400);
    assert_eq!(app.call("GET /api/notes?select=name=parent", &[]).await.status, 400);

    let document = app.call("GET /openapi.json", &[]).await.json();
    let properties = &document["components"]["schemas"]["Note.Patch"]["properties"];
    assert_eq!((&properties["name"]["deprecated"], &properties["title"]["deprecated"]), (&json!(true), &json!(null)));
}

/// What was read can be sent back, though it has each value twice; two values of one field can't.
#[tokio::test(flavor = "multi_thread")]
async fn both_names_may_be_sent_with_the_same_value() {
    let app = TestApp::open(
        r#"
extend schema @app(name: "Notes")
type User @identity @allow(read: "true") { email: Email! @unique }
type Address @embedded { street: String! zip: String }
type Line @embedded { text: String! }
type Tag @allow(read: "true", create: "true") { name: String! }
type Note @allow(read: "true", create: "true", update: "true") {
  title: String! @renamed(from: "name", keep: true) @renamed(from: "label", keep: true)
  price: Decimal @precision(digits: 9, scale: 2) @renamed(from: "cost", keep: true)
  home: Address @renamed(from: "address", keep: true)
  lines: [Line!] @renamed(from: "rows", keep: true)
  parent: Note @renamed(from: "above", keep: true)
}
"#,
    );
    let body = r#"{"title": "A", "cost": "1.50", "home": {"street": "x", "zip": null}, "lines": [{"text": "l"}]}"#;
    let made = app.post("POST /api/notes", &[], body).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let id = made.json()["id"].as_str().expect("an id").to_owned();
    let read = app.call(&format!("GET /api/notes/{id}"), &[]).await.json();
    assert_eq!((&read["cost"], &read["rows"]), (&json!("1.50"), &json!([{"text": "l"}])));
    let sent = app.post(&format!("PATCH /api/notes/{id}"), &[], &read.to_string()).await;
    assert_eq!((sent.status, &sent.json()["label"]), (200, &json!("A")), "{}", sent.text());

    let check = async |body: &str, expected: &[(&str, &str)]| {
        let reply = app.post("POST /api/notes", &[], body).await;
        let errors = reply.json()["errors"].as_array().cloned().unwrap_or_default();
        let text = |error: &serde_json::Value, name: &str| error[name].as_str().unwrap_or_default().to_owned();
        let found: Vec<(String, String)> = errors
            .iter()
            .map(|error| (text(error, "at"), format!("{}; {}", text(error, "message"), text(error, "remedy"))))
            .collect();
        let found: Vec<(&str, &str)> = found.iter().map(|(at, words)| (at.as_str(), words.as_str())).collect();
        assert_eq!((reply.status, found.as_slice()), (if expected.is_empty() { 201 } else { 422 }, expected), "{body}");
    };
    check(r#"{"name": "A", "title": "\u0041", "label": "A"}"#, &[]).await;
    check(r#"{"title": "A", "cost": "1.5", "price": 1.50}"#, &[]).await;
    check(r#"{"title": "A", "above": null, "parent": null}"#, &[]).await;
    let differ = |one: &str, other: &str, now: &str| {
        format!("`{one}` and `{other}` are names of the same field, and their values differ; send only `{now}`")
    };
    check(r#"{"name": "A", "title": "B"}"#, &[("/title", &differ("name", "title", "title"))]).await;
    check(
        r#"{"title": "A", "price": "2", "cost": "1", "home": {"street": "x"}, "address": {"street": "y"}}"#,
        &[("/cost", &differ("price", "cost", "price")), ("/address", &differ("home", "address", "home"))],
    )
    .await;
    check(r#"{"title": "A", "title": "A"}"#, &[("/title", "it is given twice; send it once")]).await;
    // Of a wrong value only that is said.
    let wrong = app.post("POST /api/notes", &[], r#"{"title": 7, "name": "A"}"#).await.json();
    let at: Vec<&serde_json::Value> = wrong["errors"].as_array().expect("errors").iter().map(|of| &of["at"]).collect();
    assert_eq!(at, ["/title"]);
}
