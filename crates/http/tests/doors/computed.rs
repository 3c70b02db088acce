//! Computed fields: read, filtered, sorted, never written, and always what the records say now.

use backstay_testkit::TestApp;
use serde_json::{Value, json};

const SHOP: &str = r#"
extend schema @app(name: "Shop") @rule(name: "staff", is: "'STAFF' in auth.roles")

enum Role @roles { STAFF }
enum Size { SMALL LARGE }

type User @identity @allow(read: "true", create: "true") {
  email: Email! @unique
  orders: [Order!] @inverse(field: "buyer")
  orderCount: Int @computed(is: "size(this.orders)")
}

type Order @allow(read: "true", create: "true", update: "true", delete: "true") {
  number: Int!
  buyer: User
  rate: Decimal @precision(digits: 10, scale: 4)
  items: [Item!] @inverse(field: "order")
  itemCount: Int @computed(is: "size(this.items)")
  openCount: Int @computed(is: "this.items.count(i, i.open)")
  total: Money @computed(is: "this.items.sum(i, i.price)")
  latest: DateTime @computed(is: "this.items.max(i, i.at)")
  favourite: String @computed(is: "this.items.first(i, true, [-i.quantity, i.name]).name")
  size: Size @computed(is: "this.itemCount > 1 ? 'LARGE' : 'SMALL'")
  isMine: Boolean @computed(is: "this.buyer == auth.id")
  rate2: Decimal @computed(is: "this.rate + this.rate") @precision(digits: 10, scale: 2)
  rounded: Decimal @computed(is: "this.rate") @precision(digits: 10, scale: 2)
  allItems: Int @computed(is: "size(this.items)", rights: MODEL) @allow(read: "staff || this.number < 100")
}

type Item @allow(read: "!this.hidden", create: "true", update: "true", delete: "true") {
  order: Order!
  name: String!
  quantity: Int!
  price: Money
  open: Boolean
  hidden: Boolean! @default(to: false)
  at: DateTime
}
"#;

async fn made(app: &TestApp, path: &str, body: Value) -> Value {
    let reply = app.post(&format!("POST /api/{path}"), &[], &body.to_string()).await;
    assert_eq!(reply.status, 201, "{reply:?}");
    // Nobody reads the hidden item, its creator included.
    if reply.text().is_empty() { Value::Null } else { reply.json() }
}

/// Two orders; the first has two items that everyone sees and one that nobody does.
async fn shop() -> (TestApp, String, String) {
    let app = TestApp::open(SHOP);
    let first = made(&app, "orders", json!({ "number": 1, "rate": "0.1250" })).await["id"].as_str().map(str::to_owned);
    let second =
        made(&app, "orders", json!({ "number": 2, "rate": "-0.1250" })).await["id"].as_str().map(str::to_owned);
    let (first, second) = (first.expect("an id"), second.expect("an id"));
    let price = |amount: &str| json!({ "amount": amount, "currency": "EUR" });
    for item in [
        json!({ "order": first, "name": "Ink", "quantity": 3, "price": price("1.50"), "open": true, "at": "2026-01-01T00:00:00Z" }),
        json!({ "order": first, "name": "Pen", "quantity": 3, "price": price("2.00"), "open": false, "at": "2026-01-02T00:00:00Z" }),
        json!({ "order": first, "name": "Gift", "quantity": 9, "price": price("9.00"), "open": true, "hidden": true }),
    ] {
        made(&app, "items", item).await;
    }
    (app, first, second)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_computed_field_is_answered_in_every_read() {
    let (app, first, second) = shop().await;
    let computed = |of: &Value| {
        let names = [
            "itemCount",
            "openCount",
            "total",
            "latest",
            "favourite",
            "size",
            "isMine",
            "rounded",
            "rate2",
            "allItems",
        ];
        Value::Object(names.iter().map(|name| ((*name).to_owned(), of[*name].clone())).collect())
    };
    let of_first = json!({
        "itemCount": 2, "openCount": 1, "total": { "amount": "3.50", "currency": "EUR" },
        "latest": "2026-01-02T00:00:00.000000Z", "favourite": "Ink", "size": "LARGE", "isMine": null, "rounded": "0.13", "rate2": "0.25",
        "allItems": 3,
    });
    let of_second = json!({
        "itemCount": 0, "openCount": 0, "total": null, "latest": null, "favourite": null, "size": "SMALL",
        "isMine": null, "rounded": "-0.13", "rate2": "-0.25", "allItems": 0,
    });
    assert_eq!(computed(&app.call(&format!("GET /api/orders/{first}"), &[]).await.json()), of_first);
    let list = app.call("GET /api/orders?sort=number", &[]).await.json();
    assert_eq!(computed(&list["items"][0]), of_first);
    assert_eq!(computed(&list["items"][1]), of_second);
    let chosen = app.call("GET /api/orders?sort=number&select=n=itemCount,total", &[]).await.json();
    let total = json!({ "amount": "3.50", "currency": "EUR" });
    assert_eq!(chosen["items"], json!([{ "n": 2, "total": total }, { "n": 0, "total": null }]));
    let nested = app.call("GET /api/items?name=Ink&select=order{itemCount,favourite}", &[]).await.json();
    assert_eq!(nested["items"], json!([{ "order": { "itemCount": 2, "favourite": "Ink" } }]));
    let lists = app.call(&format!("GET /api/orders/{first}?select=items{{order{{total}}}}"), &[]).await.json();
    assert_eq!(lists["items"].as_array().map(Vec::len), Some(2));
    assert_eq!(lists["items"][0]["order"]["total"], total);
    let _ = second;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_answer_of_a_write_has_it_and_no_write_sets_it() {
    let (app, first, _) = shop().await;
    let created = made(&app, "orders", json!({ "number": 3 })).await;
    assert_eq!((&created["itemCount"], &created["size"]), (&json!(0), &json!("SMALL")));
    let patched = app.post(&format!("PATCH /api/orders/{first}"), &[], r#"{"number": 4}"#).await;
    assert_eq!((patched.status, &patched.json()["itemCount"]), (200, &json!(2)));
    for (line, body) in [
        ("POST /api/orders".to_owned(), r#"{"number": 5, "itemCount": 1}"#),
        (format!("PATCH /api/orders/{first}"), r#"{"itemCount": 1}"#),
        (format!("PATCH /api/orders/{first}"), r#"{"itemCount": null}"#),
    ] {
        let refused = app.post(&line, &[], body).await;
        assert_eq!(refused.status, 422, "{line}: {refused:?}");
        assert!(refused.text().contains("this field is computed"), "{}", refused.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_filtered_and_sorted_by() {
    let (app, first, _) = shop().await;
    made(&app, "orders", json!({ "number": 3 })).await;
    let check = async |query: &str, expected: &[i64]| {
        let reply = app.call(&format!("GET /api/orders?{query}&select=number"), &[]).await;
        assert_eq!(reply.status, 200, "{query}: {reply:?}");
        let found: Vec<i64> = reply.json()["items"]
            .as_array()
            .expect("a page")
            .iter()
            .filter_map(|order| order["number"].as_i64())
            .collect();
        assert_eq!(found, expected, "{query}");
    };
    check("itemCount=2", &[1]).await;
    check("size=SMALL&sort=number", &[2, 3]).await;
    check("filter=itemCount%3E1%26%26total.amount==3.5", &[1]).await;
    check("filter=total==null&sort=number", &[2, 3]).await;
    check("filter=favourite.startsWith('In')", &[1]).await;
    check("filter=rounded==0.13", &[1]).await;
    check("sort=-itemCount,number", &[1, 2, 3]).await;
    check("sort=itemCount,-number", &[3, 2, 1]).await;
    check("sort=latest,number", &[1, 2, 3]).await;
    check("sort=-latest,number", &[2, 3, 1]).await;
    check("sort=rounded", &[2, 1, 3]).await;
    // Page by page, the same.
    for sort in
        ["-itemCount,number", "itemCount,-number", "-latest,number", "latest", "rounded", "-size,number", "favourite"]
    {
        let whole = app.call(&format!("GET /api/orders?sort={sort}&select=number"), &[]).await.json();
        let (mut paged, mut after) = (Vec::new(), String::new());
        loop {
            let page = app.call(&format!("GET /api/orders?sort={sort}&select=number&limit=1{after}"), &[]).await;
            assert_eq!(page.status, 200, "{sort}: {page:?}");
            let page = page.json();
            paged.extend(page["items"].as_array().expect("a page").clone());
            let Some(next) = page["next"].as_str() else { break };
            after = format!("&after={next}");
        }
        assert_eq!(Value::Array(paged), whole["items"], "{sort}");
    }
    // In rules of other types and in nested lists, it is a field like any other.
    let filtered = app.call("GET /api/items?filter=order.itemCount==2&sort=name&select=name", &[]).await.json();
    assert_eq!(filtered["items"], json!([{ "name": "Ink" }, { "name": "Pen" }]));
    let _ = first;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tag_changes_with_what_is_computed() {
    let (app, first, _) = shop().await;
    let line = format!("GET /api/orders/{first}");
    let before = app.call(&line, &[]).await;
    let tag = before.header("etag").to_owned();
    assert_eq!(app.call(&line, &[("if-none-match", &tag)]).await.status, 304);
    let list = app.call("GET /api/orders", &[]).await;
    let list_tag = list.header("etag").to_owned();
    made(&app, "items", json!({ "order": first, "name": "Cap", "quantity": 1, "open": true })).await;
    let after = app.call(&line, &[("if-none-match", &tag)]).await;
    assert_eq!((after.status, &after.json()["itemCount"]), (200, &json!(3)));
    assert_eq!(after.json()["version"], before.json()["version"], "the order itself is as it was");
    assert_ne!(after.header("etag"), tag);
    let again = app.call("GET /api/orders", &[("if-none-match", &list_tag)]).await;
    assert_eq!(again.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_without_the_right_sees_neither_the_field_nor_what_it_is_computed_from() {
    let (app, _, _) = shop().await;
    let large = made(&app, "orders", json!({ "number": 100 })).await;
    assert_eq!(large.get("allItems"), None, "{large}");
    let hidden = app.call("GET /api/orders?filter=allItems==0&select=number&sort=number", &[]).await.json();
    assert_eq!(hidden["items"], json!([{ "number": 2 }]), "not of the order that hides it");
    let sorted = app.call("GET /api/orders?sort=-allItems,number&select=number", &[]).await.json();
    assert_eq!(sorted["items"], json!([{ "number": 100 }, { "number": 1 }, { "number": 2 }]), "null comes first");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_openapi_document_says_that_it_is_only_read() {
    let (app, _, _) = shop().await;
    let document = app.call("GET /openapi.json", &[]).await.json();
    let schemas = &document["components"]["schemas"];
    assert_eq!(schemas["Order"]["properties"]["itemCount"]["readOnly"], json!(true));
    assert_eq!(schemas["Order"]["properties"]["number"]["readOnly"], Value::Null);
    for schema in ["Order.Create", "Order.Patch"] {
        assert_eq!(schemas[schema]["properties"].get("itemCount"), None, "{schema}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_documented_example_holds() {
    const DOCUMENT: &str = include_str!("../../../../docs/model.md");
    let (_, section) = DOCUMENT.split_once("\n### Computed fields\n").expect("the section");
    let (_, example) = section.split_once("```graphql\n").expect("an example");
    let (example, _) = example.split_once("```").expect("its end");
    let user = "type User @identity { email: Email! @unique }";
    let app = TestApp::open(&format!("extend schema @app(name: \"Orders\")\n{user}\n{example}"));
    let order = made(&app, "orders", json!({ "number": 1 })).await;
    for amount in ["40", "50", "30"] {
        made(&app, "items", json!({ "order": order["id"], "price": { "amount": amount, "currency": "EUR" } })).await;
    }
    for query in ["itemCount=3", "filter=total.amount%20%3E%20100", "filter=large", "sort=-itemCount"] {
        let reply = app.call(&format!("GET /api/orders?select=itemCount,large&{query}"), &[]).await;
        assert_eq!(reply.json()["items"], json!([{ "itemCount": 3, "large": true }]), "{query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_string_that_is_made_is_no_longer_than_a_string() {
    let app = TestApp::open(
        r#"
extend schema @app(name: "Notes")
type User @identity @allow(read: "true") { email: Email! @unique }
type Note @allow(read: "true", create: "true") {
  number: Int!
  body: Text
  meta: JSON
  joined: String @computed(is: "this.body + '!'")
  twice: String @computed(is: "this.joined")
  whole: Text @computed(is: "this.body + '!'")
  named: String @computed(is: "this.meta['name']")
  lacks: Boolean @readonly @set(on: WRITE, to: "this.joined == null && this.named == null")
}
"#,
    );
    for (number, chars) in [(1, 9_999), (2, 10_000)] {
        let body = json!({ "number": number, "body": "é".repeat(chars), "meta": { "name": "é".repeat(chars + 1) } });
        let note = made(&app, "notes", body).await;
        let size = |field: &str| note[field].as_str().map(|text| text.chars().count());
        let expected = (number == 1).then_some(10_000);
        assert_eq!((size("joined"), size("twice"), size("named")), (expected, expected, expected));
        assert_eq!((size("whole"), &note["lacks"]), (Some(chars + 1), &json!(number == 2)));
    }
    for field in ["joined", "twice", "named"] {
        let found = app.call(&format!("GET /api/notes?filter={field}==null&select=number"), &[]).await;
        assert_eq!(found.json()["items"], json!([{ "number": 2 }]), "{field}");
        let page = app.call(&format!("GET /api/notes?sort={field}&limit=1&select=number"), &[]).await.json();
        assert_eq!(page["items"], json!([{ "number": 1 }]), "{field}");
        let rest = json!({ "sort": field, "limit": 1, "select": "number", "after": page["next"] }).to_string();
        let rest = app.post("POST /api/notes:query", &[], &rest).await;
        assert_eq!(rest.json()["items"], json!([{ "number": 2 }]), "{field}: {}", rest.text());
    }
}
