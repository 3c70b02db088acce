//! Values in JSON fields: the example of docs/expressions.md, and the rights of those who ask.

use backstay_testkit::TestApp;
use serde_json::{Value, json};

const DOCUMENT: &str = include_str!("../../../../docs/expressions.md");

/// The values of a member of all items of a page.
fn each(page: &Value, member: &str) -> Vec<Value> {
    page["items"].as_array().expect("a page").iter().map(|item| item[member].clone()).collect()
}

async fn found(app: &TestApp, path: &str, filter: &str) -> (u16, Value) {
    let reply = app.post(&format!("POST /api/{path}:query"), &[], &json!({ "filter": filter }).to_string()).await;
    (reply.status, reply.json())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_documented_filters_find_what_they_say() {
    let (_, section) = DOCUMENT.split_once("\n## Values in JSON fields\n").expect("the section");
    let (section, _) = section.split_once("\n## ").expect("its end");
    let (_, example) = section.split_once("```graphql\n").expect("an example");
    let (example, rest) = example.split_once("```").expect("its end");
    let app = TestApp::open(example);
    let documents = rest.split('`').skip(1).step_by(2).filter(|code| code.starts_with('{'));
    for (name, document) in ["Lamp", "Rug"].into_iter().zip(documents) {
        let body = format!(r#"{{"name": "{name}", "metadata": {document}}}"#);
        let made = app.post("POST /api/products", &[], &body).await;
        assert_eq!(made.status, 201, "{}", made.text());
    }
    let (_, table) = section.split_once("| filter of `/api/products` |").expect("the table");
    let rows: Vec<&str> = table.lines().skip(2).take_while(|line| line.starts_with("| `")).collect();
    assert_eq!(rows.len(), 9);
    for row in rows {
        let code: Vec<&str> = row.split('`').skip(1).step_by(2).collect();
        let [filter, name] = code.as_slice() else { panic!("{row}") };
        let (status, page) = found(&app, "products", filter).await;
        assert_eq!((status, each(&page, "name")), (200, vec![json!(name)]), "{filter}");
    }
    let reply =
        app.call("GET /api/products?filter=metadata%5B'colour'%5D==$c&$c=red&select=name,colour,price", &[]).await;
    let expected = json!([{ "name": "Lamp", "colour": "red", "price": "12.50" }]);
    assert_eq!(reply.json()["items"], expected, "{}", reply.text());
    let sorted = app.call("GET /api/products?sort=price", &[]).await.json();
    assert_eq!(each(&sorted, "name"), ["Rug", "Lamp"]);
    let refused = app.post("POST /api/products", &[], r#"{"name": "Bad", "metadata": {"price": -1}}"#).await;
    assert_eq!(refused.status, 422, "{}", refused.text());
    // Of another kind than a number: unknown, and a check that is unknown passes.
    let odd = app.post("POST /api/products", &[], r#"{"name": "Odd", "metadata": {"price": "free"}}"#).await;
    assert_eq!((odd.status, &odd.json()["price"]), (201, &Value::Null), "{}", odd.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_hidden_is_hidden_in_paths() {
    let app = TestApp::open(
        r#"
extend schema @app(name: "Shop")
enum Level { LOW HIGH }
type User @identity @allow(read: "true") { email: Email! @unique }
type Card @allow(read: "true", create: "true", update: "true", delete: "true") @history(read: "true") @trash {
  name: String!
  open: Boolean!
  meta: JSON @allow(read: "this.open")
  never: JSON @class(is: SECRET)
  level: Level @readonly @set(on: WRITE, to: "this.meta['level']")
}
"#,
    );
    let make = async |body: Value| {
        let made = app.post("POST /api/cards", &[], &body.to_string()).await;
        assert_eq!(made.status, 201, "{}", made.text());
        made.json()
    };
    let shown = make(json!({ "name": "a", "open": true, "meta": { "k": "v", "level": "HIGH" } })).await;
    assert_eq!(shown["level"], json!("HIGH"));
    // A text that names no value of the enum is none.
    let hidden = make(json!({ "name": "b", "open": false, "meta": { "k": "v", "level": "OTHER" } })).await;
    assert_eq!(hidden["level"], Value::Null);
    for (filter, expected) in [("meta['k'] == 'v'", "a"), ("meta['k'] != null", "a"), ("meta['k'] == null", "b")] {
        let (status, page) = found(&app, "cards", filter).await;
        assert_eq!((status, each(&page, "name")), (200, vec![json!(expected)]), "{filter}");
    }
    for filter in
        ["never['k'] == 'v'", "meta.k == 'v'", "meta->>'k' == 'v'", "meta['k'] == meta['l']", "name['k'] == 'v'"]
    {
        assert_eq!(found(&app, "cards", filter).await.0, 400, "{filter}");
    }
    let path = format!("/api/cards/{}", shown["id"].as_str().expect("an id"));
    let changed = app.post(&format!("PATCH {path}"), &[], r#"{"meta": {"level": "LOW"}}"#).await;
    assert_eq!((changed.status, &changed.json()["level"]), (200, &json!("LOW")), "{}", changed.text());
    assert_eq!(app.call(&format!("DELETE {path}"), &[]).await.status, 204);
    let trash = app.call("GET /api/cards:trash?filter=meta%5B'level'%5D=='LOW'", &[]).await;
    assert_eq!((trash.status, each(&trash.json(), "name")), (200, vec![json!("a")]), "{}", trash.text());
}
