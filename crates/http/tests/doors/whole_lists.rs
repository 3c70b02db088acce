//! Lists that a write replaces: of children, and of links.

use backstay_testkit::{Reply, TestApp};
use serde_json::{Value, json};

const MODEL: &str = r#"
extend schema @app(name: "Lists")
type User @identity @allow(read: "true") { email: Email! @unique name: String }
type Tag @allow(read: "this.name != 'hidden' || auth.id != null", create: "true") { name: String! @unique }
type Label @allow(read: "this.name != 'hidden'", create: "true") { name: String! @unique }
type Order @allow(read: "true", create: "true", update: "true") {
  number: String! @unique
  note: String
  lines: [Line!] @inverse(field: "order")
  bill: Bill @inverse(field: "order")
  tags: [Tag!]
  labels: [Label!] @connect(missing: CREATE)
  pieces: Int @computed(is: "this.lines.sum(l, l.quantity)", stored: COMMIT)
}
type Line
  @allow(read: "this.article != 'gift'", create: "true", update: "true", delete: "true")
  @unique(fields: ["order", "article"]) {
  order: Order!
  article: String!
  quantity: Int! @default(to: 1)
  note: String
}
type Bill @allow(read: "true", create: "true", update: "true", delete: "true") {
  order: Order! @unique
  sum: Int!
}
"#;

const LINES: &str = "lines(sort:article){id,article,quantity,note}";

async fn send(app: &TestApp, line: &str, body: Value) -> Reply {
    app.post(line, &[], &body.to_string()).await
}

/// Articles, quantities and notes.
fn lines(order: &Value) -> Vec<(String, i64, Option<String>)> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let one = |line: &Value| {
        (text(&line["article"]).expect("a text"), line["quantity"].as_i64().expect("a number"), text(&line["note"]))
    };
    order["lines"].as_array().expect("lines").iter().map(one).collect()
}

fn line(article: &str, quantity: i64, note: Option<&str>) -> (String, i64, Option<String>) {
    (article.to_owned(), quantity, note.map(str::to_owned))
}

/// Status and place of the first error.
fn refused(reply: &Reply) -> (u16, String) {
    (reply.status, reply.json()["errors"][0]["at"].as_str().unwrap_or_default().to_owned())
}

/// An order with two lines that are seen and one that isn't.
async fn filled(app: &TestApp) -> Value {
    let body = json!({"number": "A", "note": "n", "lines": [
        {"article": "pen", "quantity": 2, "note": "blue"}, {"article": "ink"}, {"article": "gift", "quantity": 10}]});
    let made = send(app, &format!("POST /api/orders?select=id,pieces,{LINES}"), body).await;
    assert_eq!((made.status, &made.json()["pieces"]), (201, &json!(13)), "{}", made.text());
    made.json()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_child_is_found_by_its_unique_key() {
    let app = TestApp::open(MODEL);
    let made = filled(&app).await;
    for list in [
        json!([{"article": "pen", "quantity": 5}, {"article": "cap"}]),
        json!({"$set": [{"article": "pen", "quantity": 6}]}),
    ] {
        let path = format!("PATCH /api/orders/{}?select=pieces,{LINES}", made["id"].as_str().expect("an id"));
        let changed = send(&app, &path, json!({"lines": list})).await;
        assert_eq!(changed.status, 200, "{}", changed.text());
        let pen =
            changed.json()["lines"].as_array().expect("lines").iter().find(|line| line["article"] == "pen").cloned();
        assert_eq!(pen.expect("it is there")["id"], made["lines"][1]["id"], "the same record");
    }
    let now = app.call(&format!("GET /api/orders:by?number=A&select=pieces,{LINES}"), &[]).await.json();
    assert_eq!(lines(&now), [line("pen", 6, Some("blue"))]);
    assert_eq!(now["pieces"], 16, "the line that isn't seen stays");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_put_replaces_the_lists_that_it_sends() {
    let app = TestApp::open(MODEL);
    let made = filled(&app).await;
    let put = format!("PUT /api/orders:by?number=A&select=note,pieces,bill{{sum}},{LINES}");
    let kept = send(&app, &put, json!({})).await;
    assert_eq!(
        (kept.status, lines(&kept.json()).len(), &kept.json()["note"]),
        (200, 2, &Value::Null),
        "{}",
        kept.text()
    );
    let body =
        json!({"lines": [{"id": made["lines"][0]["id"], "quantity": 3}, {"article": "cap"}], "bill": {"sum": 7}});
    let put_lines = send(&app, &put, body).await;
    assert_eq!(put_lines.status, 200, "{}", put_lines.text());
    assert_eq!(lines(&put_lines.json()), [line("cap", 1, None), line("ink", 3, None)]);
    assert_eq!((&put_lines.json()["pieces"], &put_lines.json()["bill"]), (&json!(14), &json!({"sum": 7})));
    let emptied = send(&app, &put, json!({"lines": [], "bill": null})).await;
    assert_eq!(
        (lines(&emptied.json()).len(), &emptied.json()["bill"], &emptied.json()["pieces"]),
        (0, &Value::Null, &json!(10))
    );
    let new =
        send(&app, &format!("PUT /api/orders:by?number=B&select={LINES}"), json!({"lines": [{"article": "pen"}]}))
            .await;
    assert_eq!((new.status, lines(&new.json())), (201, vec![line("pen", 1, None)]), "{}", new.text());
    for (body, at) in [
        (json!({"lines": {"$add": [{"article": "x"}]}}), "/lines"),
        (json!({"lines": [{"article": "x"}, {"quantity": 2}]}), "/lines/1/article"),
        (json!({"lines": [{"id": "01890a5d-ac96-774b-bcce-b302099a8057"}]}), "/lines/0/id"),
    ] {
        for number in ["B", "C"] {
            let reply = send(&app, &format!("PUT /api/orders:by?number={number}"), body.clone()).await;
            assert_eq!(refused(&reply), (422, at.to_owned()), "{number} {body}: {}", reply.text());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upsert_takes_children() {
    let app = TestApp::open(MODEL);
    filled(&app).await;
    let upsert = "POST /api/orders?onConflict=number&select=number,pieces";
    let body = json!([
        {"number": "A", "lines": [{"article": "pen", "quantity": 4}]},
        {"number": "B", "lines": [{"article": "pen"}, {"article": "ink", "quantity": 2}]},
    ]);
    let told = send(&app, upsert, body.clone()).await;
    let expected = json!([
        {"outcome": "updated", "record": {"number": "A", "pieces": 14}}, {"outcome": "created", "record": {"number": "B", "pieces": 3}},
    ]);
    assert_eq!((told.status, told.json()), (201, expected), "{}", told.text());
    let again = send(&app, upsert, body).await;
    let outcomes: Vec<Value> =
        again.json().as_array().expect("outcomes").iter().map(|one| one["outcome"].clone()).collect();
    assert_eq!((again.status, outcomes), (200, vec![json!("unchanged"), json!("unchanged")]), "{}", again.text());
    let wrong = send(&app, upsert, json!([{"number": "C"}, {"number": "A", "lines": [{"article": "x"}, {}]}])).await;
    assert_eq!(refused(&wrong), (422, "/1/lines/1/article".to_owned()), "{}", wrong.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn links_are_set() {
    let app = TestApp::open(MODEL);
    let ada = app.account("ada@example.org").await;
    let tags = send(&app, "POST /api/tags", json!([{"name": "a"}, {"name": "b"}, {"name": "hidden"}])).await;
    assert_eq!(tags.status, 201, "{}", tags.text());
    let by_ada = [("authorization", ada.as_str())];
    let names = json!({"number": "T", "tags": [{"name": "a"}, {"name": "hidden"}]});
    let made = app.post("POST /api/orders", &by_ada, &names.to_string()).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let path = "PATCH /api/orders:by?number=T&select=tags{name}";
    let set = send(&app, path, json!({"tags": {"$set": [{"name": "b"}]}})).await;
    assert_eq!((set.status, set.json()), (200, json!({"tags": [{"name": "b"}]})), "{}", set.text());
    let all = app.call("GET /api/orders:by?number=T&select=tags{name}", &by_ada).await.json();
    assert_eq!(all["tags"].as_array().map(Vec::len), Some(2), "the one that isn't seen stays: {all}");
    for (tags, at) in [
        (json!({"$set": [], "$add": []}), "/tags/$set"),
        (json!({"$set": [{"name": "nope"}]}), "/tags/$set/0"),
        (json!({"$set": ["01890a5d-ac96-774b-bcce-b302099a8057"]}), "/tags/$set/0"),
        (json!([{"name": "nope"}]), "/tags/0"),
        (json!({"$set": 3}), "/tags/$set"),
        (json!({"$sett": []}), "/tags/$sett"),
    ] {
        let reply = send(&app, path, json!({"tags": tags})).await;
        assert_eq!(refused(&reply), (422, at.to_owned()), "{tags}: {}", reply.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_that_is_taken_is_placed_in_the_record_that_is_connected() {
    let app = TestApp::open(MODEL);
    assert_eq!(send(&app, "POST /api/labels", json!({"name": "hidden"})).await.status, 201);
    let order = |number: &str| json!({"number": number, "labels": [{"name": "new"}, {"name": "hidden"}]});
    for (line, body, at) in [
        ("POST /api/orders", order("A"), "/labels/1/name"),
        ("POST /api/orders", json!([{"number": "A"}, order("B")]), "/1/labels/1/name"),
        (
            "POST /transact",
            json!({"requests": [{"create": "orders", "body": order("A")}]}),
            "/requests/0/body/labels/1/name",
        ),
    ] {
        let reply = send(&app, line, body.clone()).await;
        assert_eq!(refused(&reply), (409, at.to_owned()), "{body}: {}", reply.text());
    }
    assert_eq!(send(&app, "POST /api/orders", json!({"number": "C"})).await.status, 201);
    let set = json!({"labels": {"$set": [{"name": "new"}, {"name": "hidden"}]}});
    let reply = send(&app, "PATCH /api/orders:by?number=C", set).await;
    assert_eq!(refused(&reply), (409, "/labels/$set/1/name".to_owned()), "{}", reply.text());
}
