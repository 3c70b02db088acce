//! JSON paths, joined and split texts, trees, documents and kept names in the past: in `asOf`, in `:history` and in what a
//! write gives.

use backstay_testkit::{TestApp, TestClock, controlled};
use serde_json::{Value, json};

const MODEL: &str = r#"
extend schema @app(name: "Shop")
type User @identity @allow(read: "true") { email: Email! @unique }
type Shelf @tree(parent: "above") @allow(read: "true", create: "true") { name: String! above: Shelf }
type Line @embedded { sku: String! extra: JSON count: Int @range(min: 1) }
type Product @history(read: "true") @allow(read: "true", create: "true", update: "true") {
  name: String! @renamed(from: "label", keep: true)
  data: JSON! @renamed(from: "details", keep: true) @check(rule: "this.data['size'] == null || this.data['size'] > 0", message: "a size is more than zero")
  title: String @set(on: WRITE, to: "this.name + ' (' + text(int(this.data['size'])) + ')'")
  words: [String!] @set(on: WRITE, to: "split(lower(this.name), ' ')")
  born: Date @default(from: "date(this.data['born'])")
  shelf: Shelf
  lines: [Line!]
}
"#;

/// Two products, each changed after an hour, and the moment before the change.
async fn shop() -> (TestApp, [String; 2], &'static str) {
    let clock = TestClock::at("2026-01-31T12:00:00Z");
    let app = TestApp::controlled(MODEL, controlled(&clock, 7));
    let make = async |path: &str, body: Value| {
        let made = app.post(&format!("POST /api/{path}"), &[], &body.to_string()).await;
        assert_eq!(made.status, 201, "{}", made.text());
        crate::id_of(&made)
    };
    let hall = make("shelfs", json!({ "name": "Hall" })).await;
    let room = make("shelfs", json!({ "name": "Room", "above": hall })).await;
    let lamp = json!({
        "label": "Red Lamp", "details": { "colour": "red", "size": 3, "born": "2000-02-29", "tags": ["new", 1] },
        "shelf": room, "lines": [{ "sku": "a", "count": 2, "extra": { "w": [1.5] } }],
    });
    let rug = json!({ "name": "Rug", "data": { "colour": "blue" }, "shelf": hall });
    let ids = [make("products", lamp).await, make("products", rug).await];
    clock.advance("PT1H");
    let change = async |id: &str, body: Value| {
        let changed = app.post(&format!("PATCH /api/products/{id}"), &[], &body.to_string()).await;
        assert_eq!(changed.status, 200, "{}", changed.text());
    };
    change(&ids[0], json!({ "details": { "colour": null, "size": 4.0 }, "lines": [{ "sku": "b" }], "shelf": hall }))
        .await;
    change(&ids[1], json!({ "label": "Blue Rug", "data": { "size": 1 } })).await;
    (app, ids, "2026-01-31T12:30:00Z")
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_of_the_past_read_what_was_stored_then() {
    let (app, _, moment) = shop().await;
    let check = async |filter: &str, then: &[&str], now: &[&str]| {
        let encoded = filter.bytes().map(|byte| format!("%{byte:02X}")).collect::<Vec<_>>().concat();
        for (query, expected) in [(format!("&asOf={moment}"), then), (String::new(), now)] {
            let reply =
                app.call(&format!("GET /api/products?sort=name&select=name&filter={encoded}{query}"), &[]).await;
            let names =
                reply.json()["items"].as_array().map(|items| items.iter().map(|of| of["name"].clone()).collect());
            assert_eq!(
                names,
                Some(expected.iter().map(|name| json!(name)).collect::<Vec<_>>()),
                "{filter}{query}: {}",
                reply.text()
            );
        }
    };
    check("data['colour'] == 'red'", &["Red Lamp"], &[]).await;
    check("details['colour'] != null", &["Red Lamp", "Rug"], &["Blue Rug"]).await;
    check("data['size'] >= 3", &["Red Lamp"], &["Red Lamp"]).await;
    check("int(data['size']) == 1", &[], &["Blue Rug"]).await;
    check("'new' in details['tags']", &["Red Lamp"], &["Red Lamp"]).await;
    check("date(data['born']) == born", &["Red Lamp"], &["Red Lamp"]).await;
    check("years(born, '2026-02-28') == 25", &["Red Lamp"], &["Red Lamp"]).await;
    check("label + '!' == 'Rug!'", &["Rug"], &[]).await;
    check("'blue' in split(lower(name), ' ')", &[], &["Blue Rug"]).await;
    check("join(words, '-') == 'red-lamp'", &["Red Lamp"], &["Red Lamp"]).await;
    check("text(int(data['size'])) == '4' && title == 'Red Lamp (4)'", &[], &["Red Lamp"]).await;
    check("lines.exists(l, l.extra['w'][0] > 1)", &["Red Lamp"], &[]).await;
    check("lines.all(l, l.count == null)", &[], &["Red Lamp"]).await;
}

/// What follows from other records isn't kept.
#[tokio::test(flavor = "multi_thread")]
async fn branches_of_trees_are_of_the_present() {
    let (app, _, moment) = shop().await;
    let query = "filter=shelf.ancestors.exists(a,a.name=='Hall')";
    let reply = app.call(&format!("GET /api/products?{query}&asOf={moment}"), &[]).await;
    assert_eq!((reply.status, reply.problem().as_str()), (400, "malformed-request"), "{}", reply.text());
    assert!(reply.text().contains("asOf"), "{}", reply.text());
    let reply = app.call(&format!("GET /api/products?{query}"), &[]).await;
    assert_eq!((reply.status, &reply.json()["items"]), (200, &json!([])), "{}", reply.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_history_tells_what_was_set_with_it() {
    let (app, ids, moment) = shop().await;
    let changes = app.call(&format!("GET /api/products/{}:history", ids[1]), &[]).await.json();
    let of = |at: usize, field: &str| changes["items"][at]["changes"][field].clone();
    assert_eq!(of(0, "name"), json!({ "old": "Rug", "new": "Blue Rug" }));
    assert_eq!(of(0, "title"), json!({ "old": null, "new": "Blue Rug (1)" }));
    assert_eq!(of(0, "words"), json!({ "old": ["rug"], "new": ["blue", "rug"] }));
    assert_eq!(of(0, "data"), json!({ "old": { "colour": "blue" }, "new": { "colour": "blue", "size": 1 } }));
    assert_eq!(of(1, "title"), Value::Null, "it had no value, and has none");

    let then =
        app.call(&format!("GET /api/products/{}?asOf={moment}&select=label,details,title,lines", ids[0]), &[]).await;
    let expected = json!({
        "label": "Red Lamp",
        "details": { "colour": "red", "size": 3, "born": "2000-02-29", "tags": ["new", 1] },
        "title": "Red Lamp (3)",
        "lines": [{ "sku": "a", "extra": { "w": [1.5] }, "count": 2 }],
    });
    assert_eq!(then.json(), expected, "{}", then.text());
}

/// Every problem of a document is reported at its place. Limits are checked once all members have the right types.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_told_at_its_place() {
    let (app, ids, _) = shop().await;
    let check = async |body: Value, expected: &[&str]| {
        let refused = app.post(&format!("PATCH /api/products/{}", ids[0]), &[], &body.to_string()).await;
        let errors = refused.json()["errors"].as_array().cloned().unwrap_or_default();
        let places: Vec<&str> = errors.iter().filter_map(|error| error["at"].as_str()).collect();
        assert_eq!((refused.status, &*places), (422, expected), "{}", refused.text());
    };
    check(
        json!({ "lines": [{ "sku": "a", "count": 0 }, { "sku": "b", "count": -1 }] }),
        &["/lines/0/count", "/lines/1/count"],
    )
    .await;
    check(json!({ "lines": [{ "sku": "a", "count": 0 }, { "count": "x" }] }), &["/lines/1/sku", "/lines/1/count"])
        .await;
    check(json!({ "details": { "size": 0 } }), &["/data"]).await;
}
