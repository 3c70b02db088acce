//! Records that are sent with the one that they refer to.

use backstay_testkit::{Reply, TestApp};
use serde_json::{Value, json};

use crate::id_of;

const SHOP: &str = r#"
extend schema @app(name: "Shop")

type User @identity @allow(read: "true") { email: Email! @unique  name: String! }

type Order @allow(read: "true", create: "auth.kind != 'ANONYMOUS'", update: "this.by == auth.id") {
  note: String
  by: User @set(on: CREATE, to: "auth.id")
  pieces: Int @computed(is: "this.lines.sum(l, l.quantity)", stored: COMMIT)
  lines: [Line!] @inverse(field: "order")
}

type Line
  @allow(read: "true", create: "auth.kind == 'SERVICE' || this.order.by == auth.id", update: "this.order.by == auth.id", delete: "this.order.by == auth.id")
  @unique(fields: ["order", "article"]) {
  order: Order!
  article: String!
  quantity: Int! @default(to: 1) @range(min: 1)
}
"#;

async fn send(app: &TestApp, line: &str, headers: &[(&str, &str)], body: Value) -> Reply {
    app.post(line, headers, &body.to_string()).await
}

async fn order(app: &TestApp, id: &str) -> Value {
    app.call(&format!("GET /api/orders/{id}?select=note,pieces,version,lines(sort:article){{article,quantity}}"), &[])
        .await
        .json()
}

/// Status and place of the first error.
fn refused(reply: &Reply) -> (u16, String) {
    (reply.status, reply.json()["errors"][0]["at"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_sent_with_its_lines() {
    let app = TestApp::open(SHOP);
    let (ada, ben) = (app.account("ada@example.org").await, app.account("ben@example.org").await);
    let body = json!({"note": "a", "lines": [{"article": "pen", "quantity": 2}, {"article": "ink"}]});
    let key = [("authorization", &*ada), ("idempotency-key", "k")];
    let made = send(&app, "POST /api/orders", &key, body.clone()).await;
    assert_eq!((made.status, &made.json()["pieces"]), (201, &json!(3)), "{made:?}");
    let id = id_of(&made);
    let again = send(&app, "POST /api/orders", &key, body).await;
    assert_eq!((again.status, id_of(&again)), (201, id.clone()), "the key is for all of it");
    let lines = app.call("GET /api/lines?count=true", &[]).await.json();
    assert_eq!(lines["count"]["value"], json!(2), "{lines}");
    let ink = lines["items"][1]["id"].as_str().expect("an id");

    let path = format!("PATCH /api/orders/{id}");
    let change = json!({"lines": {"$add": [{"article": "paper"}], "$change": [{"id": ink, "quantity": 4}]}});
    let stale = send(&app, &path, &[("authorization", &*ada), ("if-match", "\"7.x\"")], change.clone()).await;
    assert_eq!(stale.status, 412, "{stale:?}");
    let other = send(&app, &path, &[("authorization", &*ben)], change.clone()).await;
    assert_eq!(other.status, 403, "{other:?}");
    let tag = made.header("etag").to_owned();
    let changed = send(&app, &path, &[("authorization", &*ada), ("if-match", &*tag)], change).await;
    assert_eq!(changed.status, 200, "{changed:?}");
    let expected = json!({"note": "a", "pieces": 7, "version": 1, "lines": [{"article": "ink", "quantity": 4}, {"article": "paper", "quantity": 1}, {"article": "pen", "quantity": 2}]});
    assert_eq!(order(&app, &id).await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_name_the_place_of_the_child() {
    let app = TestApp::open(SHOP);
    let ada = app.account("ada@example.org").await;
    let by_ada = [("authorization", &*ada)];
    let made = send(&app, "POST /api/orders", &by_ada, json!({"lines": [{"article": "pen"}]})).await;
    let path = format!("PATCH /api/orders/{}", id_of(&made));
    let line = |article: &str| json!({"article": article});
    let nowhere = "01890a5d-ac96-774b-bcce-b302099a8057";
    for (request, body, expected) in [
        (
            "POST /api/orders",
            json!({"lines": [line("a"), {"article": "b", "quantity": 0}]}),
            (422, "/lines/1/quantity"),
        ),
        ("POST /api/orders", json!({"lines": [line("a"), line("b"), line("a")]}), (409, "/lines/2/order")),
        ("POST /api/orders", json!([{}, {"lines": [line("a"), line("a")]}]), (409, "/1/lines/1/order")),
        (&*path, json!({"lines": {"$add": [line("pen")]}}), (409, "/lines/$add/0/order")),
        (&*path, json!({"lines": {"$remove": [nowhere]}}), (422, "/lines/$remove/0")),
        (&*path, json!({"lines": {"$change": [{"id": nowhere}]}}), (422, "/lines/$change/0/id")),
        (
            "POST /transact",
            json!({"requests": [{"create": "orders", "body": {}}, {"create": "orders", "body": {"lines": [line("a"), {}]}}]}),
            (422, "/requests/1/body/lines/1/article"),
        ),
        (
            "POST /transact",
            json!({"requests": [{"create": "orders", "body": [{}, {"lines": [line("a"), {"article": "b", "quantity": 0}]}]}]}),
            (422, "/requests/0/body/1/lines/1/quantity"),
        ),
    ] {
        let reply = send(&app, request, &by_ada, body.clone()).await;
        assert_eq!(refused(&reply), (expected.0, expected.1.to_owned()), "{body}: {reply:?}");
    }
    assert_eq!(app.call("GET /api/orders?count=true", &[]).await.json()["count"]["value"], json!(1));
    let anonymous = send(&app, "POST /api/orders", &[], json!({"lines": [line("a")]})).await;
    assert_eq!(anonymous.status, 401, "{anonymous:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_needs_the_action_in_the_collection_of_the_children() {
    let app = TestApp::open(SHOP);
    let body = json!({"lines": [{"article": "pen"}]});
    for (only, expected) in [
        (
            &["orders:create"][..],
            (403, "you may not create records of Line with this key: it is limited to other actions"),
        ),
        (
            &["orders:create", "lines:create"],
            (
                403,
                "you may not refer to records of Order with this key: it is limited to other actions (record 0 of `lines`)",
            ),
        ),
        (&["orders:create", "orders:get", "lines:create"], (201, "")),
    ] {
        let key = app.key(&only.iter().map(ToString::to_string).collect::<Vec<_>>()).await;
        let reply = send(&app, "POST /api/orders", &[("authorization", &*key)], body.clone()).await;
        let detail = reply.json()["detail"].as_str().unwrap_or_default().to_owned();
        assert_eq!((reply.status, detail.as_str()), expected, "{only:?}: {reply:?}");
    }
}

const STAFF: &str = r#"
extend schema @app(name: "Staff")
type User @identity @allow(read: "true") { email: Email! @unique }
enum State { OPEN @initial @to(state: "DONE", by: "true") DONE }
type Team @allow(read: "true", create: "true", update: "this.name == 'open'") @allow(update: "true", only: ["name"]) {
  name: String!
  state: State!
  people: [Person!] @inverse(field: "team")
}
type Person @path(is: "people")
  @allow(read: "true", create: "true", update: "true", delete: "true") {
  name: String!
  team: Team
  boss: Person @onDelete(do: CASCADE)
  reports: [Person!] @inverse(field: "boss")
}
"#;

#[tokio::test(flavor = "multi_thread")]
async fn what_lets_some_fields_change_lets_nobody_write_children() {
    let app = TestApp::open(STAFF);
    let id = id_of(&send(&app, "POST /api/teams", &[], json!({"name": "a"})).await);
    let path = format!("PATCH /api/teams/{id}");
    let people = json!({"$add": [{"name": "x"}]});
    for body in [json!({"state": "DONE", "people": people}), json!({"name": "b", "people": people})] {
        let reply = send(&app, &path, &[], body).await;
        assert_eq!(refused(&reply), (422, "/people".to_owned()), "{reply:?}");
    }
    assert_eq!(send(&app, &path, &[], json!({"name": "open"})).await.status, 200);
    assert_eq!(send(&app, &path, &[], json!({"people": people})).await.status, 200);
}

const ERRANDS: &str = r#"
extend schema @app(name: "Errands")
type User @identity @allow(read: "true") { email: Email! @unique  name: String! }
enum State { OPEN @initial @to(state: "DONE", by: "auth.id == null", with: ["notes"]) DONE }
type Errand @allow(read: "true", create: "true") @allow(update: "auth.id == null", only: ["name", "stops"]) {
  name: String!
  place: String
  state: State!
  stops: [Stop!] @inverse(field: "errand")
  notes: [Note!] @inverse(field: "errand")
  receipt: Receipt @inverse(field: "errand")
}
type Stop @allow(read: "true", create: "true", update: "true", after: "new.name != 'den'", delete: "true") {
  name: String!
  errand: Errand
}
type Note @allow(read: "true", create: "true") { text: String!  errand: Errand }
type Receipt @allow(read: "true", create: "true") { text: String!  errand: Errand @unique }
"#;

#[tokio::test(flavor = "multi_thread")]
async fn what_lets_some_fields_change_names_the_lists_whose_children_are_written() {
    let app = TestApp::open(ERRANDS);
    let home = json!({"name": "a", "stops": [{"name": "home"}]});
    let made = send(&app, "POST /api/errands?select=id,stops{id}", &[], home).await;
    let (path, stop) = (format!("PATCH /api/errands/{}", id_of(&made)), &made.json()["stops"][0]["id"]);
    let (add, note) = (json!({"$add": [{"name": "bank"}]}), json!({"$add": [{"text": "paid"}]}));
    for (body, expected) in [
        (json!({"stops": add}), None),
        (json!({"name": "b", "stops": [{"name": "shop"}, {"id": stop}]}), None),
        (json!({"place": "x", "stops": add}), Some("/place")),
        (json!({"stops": add, "notes": note}), Some("/notes")),
        (json!({"notes": note}), Some("/notes")),
        (json!({"receipt": {"text": "r"}}), Some("/receipt")),
        (json!({"state": "DONE", "notes": note, "stops": add}), Some("/stops")),
    ] {
        let reply = send(&app, &path, &[], body.clone()).await;
        match expected {
            None => assert_eq!(reply.status, 200, "{body}: {reply:?}"),
            Some(at) => assert_eq!(refused(&reply), (422, at.to_owned()), "{body}: {reply:?}"),
        }
    }
    let home = json!({"stops": {"$change": [{"id": stop, "name": "den"}]}});
    assert_eq!(send(&app, &path, &[], home).await.status, 401, "the rules of the children hold as well");
    assert_eq!(send(&app, &path, &[], json!({"state": "DONE", "notes": note})).await.status, 200);
    let shown = app.call("GET /api/errands?select=name,state,stops(sort:name){name},notes{text}", &[]).await.json();
    let expected = json!([{"name": "b", "state": "DONE", "stops": [{"name": "home"}, {"name": "shop"}], "notes": [{"text": "paid"}]}]);
    assert_eq!(shown["items"], expected);
    let ada = app.account("ada@example.org").await;
    let reply = send(&app, &path, &[("authorization", &*ada)], json!({"stops": add})).await;
    assert_eq!(reply.status, 403, "{reply:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_is_its_own_child_is_answered_as_it_is_stored() {
    let app = TestApp::open(STAFF);
    let id = id_of(&send(&app, "POST /api/people", &[], json!({"name": "a"})).await);
    let path = format!("PATCH /api/people/{id}");
    send(&app, &path, &[], json!({"boss": id})).await;
    let body = json!({"name": "b", "reports": {"$change": [{"id": id, "name": "c"}]}});
    let changed = send(&app, &path, &[], body).await;
    assert_eq!((changed.status, &changed.json()["name"], &changed.json()["version"]), (200, &json!("c"), &json!(4)));
    let gone = send(&app, &path, &[], json!({"reports": {"$remove": [id]}})).await;
    assert_eq!(gone.status, 404, "nothing is deleted: {gone:?}");
    assert_eq!(app.call(&format!("GET /api/people/{id}"), &[]).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_that_ask_for_nothing_change_nothing() {
    let app = TestApp::open(STAFF);
    send(&app, "POST /api/people", &[], json!({"name": "a"})).await;
    for reports in [json!([]), json!({}), json!({"$add": []})] {
        let reply = send(&app, "PATCH /api/people?name=a", &[], json!({"reports": reports})).await;
        assert_eq!(reply.json(), json!({"matched": 1, "changed": 0}), "{reports}");
    }
}
