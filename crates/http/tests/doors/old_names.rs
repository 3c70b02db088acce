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

    // Both names are one field, and a name that isn't kept is gone.
    let both = app.post("POST /api/notes", &[], r#"{"name": "A", "title": "A"}"#).await;
    assert_eq!((both.status, both.problem()), (422, "invalid-values".to_owned()), "{}", both.text());
    assert_eq!(app.call("GET /api/notes?heading=A", &[]).await.status, 400);
    assert_eq!(app.call("GET /api/notes?select=name=parent", &[]).await.status, 400);

    let document = app.call("GET /openapi.json", &[]).await.json();
    let properties = &document["components"]["schemas"]["Note.Patch"]["properties"];
    assert_eq!((&properties["name"]["deprecated"], &properties["title"]["deprecated"]), (&json!(true), &json!(null)));
}
