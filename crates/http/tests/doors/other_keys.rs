//! Ids that are numbers or texts.

use backstay_testkit::{Reply, TestApp, TestDatabase};
use serde_json::{Value, json};

const MODEL: &str = r#"
extend schema @app(name: "Shop")
type User @identity @allow(read: "true") { email: Email! @unique }
type Country @key(type: TEXT) @allow(read: "true", create: "true", update: "true", delete: "true") {
  name: String!
  neighbours: [Country!]
  orders: [Order!] @inverse(field: "to")
}
type Order @key(type: INT) @trash @history(read: "true")
  @allow(read: "this.shown", create: "true", update: "true", delete: "true", refer: "true") {
  to: Country
  shown: Boolean! @default(to: true)
  after: Order
  about: About
  notes: [Note!]
}
union About = Country | Order
type Note @embedded { text: String! country: Country order: Order }
type Ticket @key(type: INT, given: true) @allow(read: "true", create: "true", delete: "true") { title: String }
"#;

async fn post(app: &TestApp, path: &str, body: Value) -> Reply {
    app.post(&format!("POST {path}"), &[], &body.to_string()).await
}

async fn get(app: &TestApp, path: &str) -> Value {
    let reply = app.call(&format!("GET {path}"), &[]).await;
    assert_eq!(reply.status, 200, "{path} {}", reply.text());
    reply.json().clone()
}

fn told(reply: &Reply) -> (u16, String) {
    (reply.status, reply.problem())
}

async fn countries(app: &TestApp) {
    for (id, name) in [("CH", "Switzerland"), ("DE", "Germany"), ("Åland: 1", "Åland")] {
        let made = post(app, "/api/countries", json!({ "id": id, "name": name })).await;
        assert_eq!((made.status, &made.json()["id"]), (201, &json!(id)), "{}", made.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_is_given_and_names_the_record() {
    let app = TestApp::open(MODEL);
    countries(&app).await;
    assert_eq!(get(&app, "/api/countries/CH?select=id,name").await, json!({ "id": "CH", "name": "Switzerland" }));
    assert_eq!(get(&app, "/api/countries/%C3%85land%3A%201?select=name").await, json!({ "name": "Åland" }));
    // The same characters in another form of Unicode.
    assert_eq!(get(&app, "/api/countries/A%CC%8Aland%3A%201?select=name").await, json!({ "name": "Åland" }));
    let made = post(&app, "/api/countries", json!({ "id": "a:restore", "name": "x" })).await;
    assert_eq!((made.status, made.header("location")), (201, "/api/countries/a%3Arestore"));
    assert_eq!(get(&app, "/api/countries/a%3Arestore?select=name").await, json!({ "name": "x" }));

    let taken = post(&app, "/api/countries", json!({ "id": "CH", "name": "x" })).await;
    assert_eq!(told(&taken), (409, "not-unique".to_owned()));
    let missing = post(&app, "/api/countries", json!({ "name": "x" })).await;
    assert_eq!(
        (told(&missing), &missing.json()["errors"][0]["at"]),
        ((422, "invalid-values".to_owned()), &json!("/id"))
    );
    for id in
        [json!(""), json!(7), json!("a/b"), json!("a\nb"), json!(" a"), json!(".."), json!("x".repeat(65)), json!(null)]
    {
        let refused = post(&app, "/api/countries", json!({ "id": id, "name": "x" })).await;
        assert_eq!(told(&refused), (422, "invalid-values".to_owned()), "{id}");
    }
    for absent in ["ch", "XX", "01890a5d-ac96-774b-bcce-b302099a8057", "%2E%2E", "a%0Ab"] {
        let reply = app.call(&format!("GET /api/countries/{absent}"), &[]).await;
        assert_eq!(told(&reply), (404, "not-found".to_owned()), "{absent}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_are_counted_up_and_never_given_twice() {
    let app = TestApp::open(MODEL);
    let made = post(&app, "/api/orders", json!({})).await;
    assert_eq!((made.status, made.header("location"), &made.json()["id"]), (201, "/api/orders/1", &json!(1)));
    let made = post(&app, "/api/orders", json!([{ "after": 1 }, {}])).await;
    assert_eq!(
        (made.status, &made.json()[0]["id"], &made.json()[1]["id"]),
        (201, &json!(2), &json!(3)),
        "{}",
        made.text()
    );
    assert_eq!(app.call("DELETE /api/orders/3", &[]).await.status, 204);
    assert_eq!(app.post("POST /api/orders/3:purge", &[], "").await.status, 204);
    // A server reserves two numbers for the second record of a request, where others count at the same time.
    let next = if TestDatabase::chosen() == TestDatabase::Sqlite { 4 } else { 5 };
    assert_eq!(post(&app, "/api/orders", json!({})).await.json()["id"], next);
    let given = post(&app, "/api/orders", json!({ "id": 9 })).await;
    assert_eq!(told(&given), (422, "invalid-values".to_owned()));

    // An order that is hidden, one that isn't there, and what is no number are alike.
    assert_eq!(post(&app, "/api/orders", json!({ "shown": false })).await.status, 201);
    let detail = app.call("GET /api/orders/99", &[]).await.json()["detail"].clone();
    for absent in [
        &*(next + 1).to_string(),
        "0",
        "-1",
        "01",
        "1.0",
        "x",
        "9223372036854775808",
        "01890a5d-ac96-774b-bcce-b302099a8057",
    ] {
        let reply = app.call(&format!("GET /api/orders/{absent}"), &[]).await;
        assert_eq!(told(&reply), (404, "not-found".to_owned()), "{absent}");
    }
    assert!(detail.is_string());

    let ticket = post(&app, "/api/tickets", json!({ "id": 40, "title": "a" })).await;
    assert_eq!(ticket.status, 201, "{}", ticket.text());
    assert_eq!(post(&app, "/api/tickets", json!({ "title": "b" })).await.json()["id"], 41);
    assert_eq!(post(&app, "/api/tickets", json!({ "id": 7 })).await.status, 201);
    assert_eq!(post(&app, "/api/tickets", json!({})).await.json()["id"], 42);
    assert_eq!(told(&post(&app, "/api/tickets", json!({ "id": 40 })).await), (409, "not-unique".to_owned()));
    // Several at once: what is made next follows the highest, and a deleted one's versions go on.
    assert_eq!(app.call("DELETE /api/tickets/40", &[]).await.status, 204);
    let made = post(&app, "/api/tickets", json!([{ "id": 60 }, { "id": 40 }, { "id": 50 }])).await;
    let records = made.json();
    let versions = [0, 1, 2].map(|index| records[index]["version"].as_i64());
    assert_eq!((made.status, versions), (201, [Some(1), Some(2), Some(1)]), "{}", made.text());
    assert_eq!(post(&app, "/api/tickets", json!({})).await.json()["id"], 61);
    let taken = post(&app, "/api/tickets", json!([{ "id": 70 }, { "id": 40 }])).await;
    assert_eq!(told(&taken), (409, "not-unique".to_owned()));

    let highest = 999_999_999_999_998_i64;
    assert_eq!(post(&app, "/api/tickets", json!({ "id": highest })).await.status, 201);
    assert_eq!(post(&app, "/api/tickets", json!({})).await.json()["id"], highest + 1);
    for id in [json!(highest + 1), json!(0), json!(-1), json!("1"), json!(1.5), json!(null)] {
        let refused = post(&app, "/api/tickets", json!({ "id": id })).await;
        assert_eq!(told(&refused), (422, "invalid-values".to_owned()), "{id}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn relations_follow_the_keys_of_their_targets() {
    let app = TestApp::open(MODEL);
    countries(&app).await;
    let linked = app.post("PATCH /api/countries/CH", &[], r#"{"neighbours": ["DE"]}"#).await;
    assert_eq!(linked.status, 200, "{}", linked.text());
    let notes = json!([{ "text": "a", "country": "CH", "order": 1 }]);
    assert_eq!(post(&app, "/api/orders", json!({ "to": "CH" })).await.status, 201);
    let about = json!({ "__typename": "Order", "id": 1 });
    let order = json!({ "to": "CH", "after": 1, "about": about, "notes": notes });
    let made = post(&app, "/api/orders", order).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let read = get(&app, "/api/orders/2?select=id,to,after,about,notes").await;
    assert_eq!(read, json!({ "id": 2, "to": "CH", "after": 1, "about": about, "notes": notes }));
    let nested = get(&app, "/api/countries/CH?select=orders{id,after{id}},neighbours{id}").await;
    let orders = json!([{ "id": 1, "after": null }, { "id": 2, "after": { "id": 1 } }]);
    assert_eq!(nested, json!({ "orders": orders, "neighbours": [{ "id": "DE" }] }));

    for (body, at) in
        [(json!({ "to": "XX" }), "/to"), (json!({ "after": 99 }), "/after"), (json!({ "after": "1" }), "/after")]
    {
        let refused = post(&app, "/api/orders", body).await;
        assert_eq!((refused.status, &refused.json()["errors"][0]["at"]), (422, &json!(at)), "{}", refused.text());
    }
    let used = app.call("DELETE /api/countries/CH", &[]).await;
    assert_eq!(used.status, 204, "an optional relation becomes null: {}", used.text());
    let read = get(&app, "/api/orders/2?select=to,notes").await;
    assert_eq!(read, json!({ "to": null, "notes": [{ "text": "a", "country": null, "order": 1 }] }));
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_are_filtered_sorted_and_continued_by_them() {
    let app = TestApp::open(MODEL);
    countries(&app).await;
    for to in ["CH", "DE", "CH"] {
        assert_eq!(post(&app, "/api/orders", json!({ "to": to })).await.status, 201);
    }
    let ids = async |query: &str| {
        let page = get(&app, query).await;
        page["items"].as_array().expect("a page").iter().map(|item| item["id"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(ids("/api/orders?to=CH").await, [json!(1), json!(3)]);
    assert_eq!(ids("/api/orders?id=2").await, [json!(2)]);
    assert_eq!(ids("/api/orders?filter=this.to%20==%20$c%20%26%26%20this.id%20in%20[1,2]&$c=CH").await, [json!(1)]);
    assert_eq!(ids("/api/orders?filter=to.id%20==%20'DE'").await, [json!(2)]);
    assert_eq!(ids("/api/orders?sort=-id").await, [json!(3), json!(2), json!(1)]);
    assert_eq!(ids("/api/countries?sort=id").await, [json!("CH"), json!("DE"), json!("Åland: 1")]);
    for of in ["orders", "countries"] {
        let first = get(&app, &format!("/api/{of}?limit=2&select=id")).await;
        let next = first["next"].as_str().expect("another page");
        assert_eq!(ids(&format!("/api/{of}?limit=2&select=id&after={next}")).await.len(), 1, "{of}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn writes_are_repeated_kept_and_undone_by_them() {
    let app = TestApp::open(MODEL);
    countries(&app).await;
    let key = [("idempotency-key", "\"k1\"")];
    for _ in 0..2 {
        let made = app.post("POST /api/orders", &key, r#"{"to":"CH"}"#).await;
        assert_eq!((made.status, made.header("location")), (201, "/api/orders/1"), "{}", made.text());
    }
    let body = json!({ "requests": [
        { "create": "countries", "body": { "id": "FR", "name": "France" } },
        { "update": "orders", "id": 1, "body": { "to": "FR" } },
        { "get": "orders", "id": 1, "select": "id,to" },
        { "delete": "countries", "id": "DE" },
    ] });
    let done = post(&app, "/transact", body).await;
    assert_eq!((done.status, &done.json()["results"][2]), (200, &json!({ "id": 1, "to": "FR" })), "{}", done.text());
    assert_eq!(app.call("DELETE /api/orders/1", &[]).await.status, 204);
    let trash = get(&app, "/api/orders:trash?select=id").await;
    assert_eq!(trash["items"], json!([{ "id": 1 }]));
    assert!(app.post("POST /api/orders/1:restore", &[], "").await.status < 300);
    let history = get(&app, "/api/orders/1:history").await;
    assert_eq!(history["items"].as_array().map(Vec::len), Some(4), "{history}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_description_says_what_the_ids_are() {
    let app = TestApp::open(MODEL);
    let document = get(&app, "/openapi.json").await;
    let id = |path: &str| document["paths"][path]["parameters"][0]["schema"].clone();
    assert_eq!(id("/api/orders/{id}"), json!({ "type": "integer", "format": "int64" }));
    assert_eq!(id("/api/countries/{id}"), json!({ "type": "string", "maxLength": 64 }));
    let of = |name: &str| document["components"]["schemas"][name]["properties"]["id"].clone();
    assert_eq!(of("Order"), json!({ "type": "integer", "format": "int64" }));
}
