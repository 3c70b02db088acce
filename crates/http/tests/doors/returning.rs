//! What a write returns: as its `select` and `Prefer` ask.

use backstay_testkit::{Reply, TestApp};
use serde_json::{Value, json};

const MODEL: &str = r#"
extend schema @app(name: "Orders")
type User @identity @allow(read: "true") { email: Email! @unique  name: String }
type Order
  @allow(read: "this.secret == false || auth.id != null", create: "true", update: "true", delete: "true")
  @trash(keep: "30d") {
  number: String! @unique
  note: String
  hidden: String @allow(read: "false")
  secret: Boolean! @default(to: false)
  lines: [Line!] @inverse(field: "order")
  pieces: Int @computed(is: "this.lines.sum(l, l.quantity)", stored: COMMIT)
}
type Line @allow(read: "this.article != 'gift'", create: "true", update: "true", delete: "true") @trash(keep: "30d") {
  order: Order! @onDelete(do: CASCADE)
  article: String!
  quantity: Int! @default(to: 1)
}
type Draft @key(type: TEXT, given: true) @allow(create: "true") { title: String! }
type Slip @key(type: TEXT, given: true) @allow(read: "true", create: "true", update: "true") { title: String  rank: Int! @default(to: 5) }
"#;

/// The answer to a write, which must have this status.
async fn send(app: &TestApp, line: &str, body: Value, status: u16) -> Value {
    let reply = app.post(line, &[], &body.to_string()).await;
    assert_eq!(reply.status, status, "{line} {body}: {}", reply.text());
    if reply.text().is_empty() { Value::Null } else { reply.json() }
}

fn places(reply: &Reply) -> Vec<String> {
    let errors = reply.json()["errors"].as_array().cloned().unwrap_or_default();
    errors.iter().map(|error| error["at"].as_str().unwrap_or_default().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_answers_what_its_url_selects() {
    let app = TestApp::open(MODEL);
    let lines = json!([{"article": "pen", "quantity": 2}, {"article": "ink"}, {"article": "gift"}]);
    let made = app
        .post(
            "POST /api/orders?select=id,pieces,lines(sort:article){article}",
            &[],
            &json!({"number": "A", "lines": lines}).to_string(),
        )
        .await;
    assert_eq!(made.status, 201, "{}", made.text());
    let id = made.json()["id"].as_str().expect("an id").to_owned();
    assert_eq!(made.header("location"), format!("/api/orders/{id}"));
    // What the caller may not read isn't there, and the sum of the children is.
    assert_eq!(made.json(), json!({"id": id, "pieces": 4, "lines": [{"article": "ink"}, {"article": "pen"}]}));
    let got = app.call(&format!("GET /api/orders/{id}?select=id,pieces,lines(sort:article){{article}}"), &[]).await;
    assert_eq!((got.text(), got.header("etag")), (made.text(), made.header("etag")), "just as a get answers it");

    let at = format!("/api/orders/{id}");
    let counted = "select=note,n=lines:count,pens=lines(filter:article==$what){quantity}&$what=pen";
    let changed = send(&app, &format!("PATCH {at}?{counted}"), json!({"note": "n"}), 200).await;
    assert_eq!(changed, json!({"note": "n", "n": 2, "pens": [{"quantity": 2}]}));
    assert_eq!(
        send(&app, "PATCH /api/orders:by?number=A&select=note", json!({"note": "m"}), 200).await,
        json!({"note": "m"})
    );
    assert_eq!(
        send(&app, "PUT /api/orders:by?number=A&select=note,number", json!({}), 200).await,
        json!({"note": null, "number": "A"})
    );
    assert_eq!(send(&app, "PUT /api/orders:by?number=B&select=number", json!({}), 201).await, json!({"number": "B"}));
    assert_eq!(send(&app, "PUT /api/slips/x?select=rank", json!({}), 201).await, json!({"rank": 5}));
    assert_eq!(app.call(&format!("DELETE {at}"), &[]).await.status, 204);
    assert_eq!(
        send(&app, &format!("POST {at}:restore?select=number"), json!({"note": "back"}), 200).await,
        json!({"number": "A"})
    );

    let several =
        send(&app, "POST /api/orders?select=number", json!([{"number": "C"}, {"number": "D", "secret": true}]), 201)
            .await;
    assert_eq!(several, json!([{"number": "C"}, null]));
    let upserts = "POST /api/orders?onConflict=number&select=number,note";
    let told = send(&app, upserts, json!([{"number": "C", "note": "x"}, {"number": "E"}]), 201).await;
    let expected = json!([
        {"outcome": "updated", "record": {"number": "C", "note": "x"}}, {"outcome": "created", "record": {"number": "E", "note": null}},
    ]);
    assert_eq!(told, expected);
    // Whoever may read no record is answered none, whatever is selected.
    assert_eq!(send(&app, "POST /api/drafts?select=title", json!({"id": "a", "title": "T"}), 201).await, Value::Null);
    let hidden = app.post("POST /api/orders?select=number", &[], r#"{"number": "H", "secret": true}"#).await;
    assert_eq!((hidden.status, hidden.text(), hidden.header("etag")), (201, "", ""));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_selection_refuses_the_write() {
    let app = TestApp::open(MODEL);
    let check = async |line: &str, at: &[&str]| {
        let reply = app.post(line, &[], r#"{"number": "W"}"#).await;
        assert_eq!((reply.status, reply.problem().as_str()), (400, "malformed-request"), "{line}: {}", reply.text());
        assert_eq!(places(&reply), at, "{line}");
    };
    for query in [
        "select=nope",
        "select=hidden",
        "select=lines{order{lines{order{note}}}}",
        "select=lines(filter:article==$a)",
        "select=*,",
    ] {
        check(&format!("POST /api/orders?{query}"), &[if query.contains('$') { "$a" } else { "select" }]).await;
    }
    check("POST /api/orders?$a=1", &["$a"]).await;
    check("POST /api/orders?selct=number", &["selct"]).await;
    check("POST /api/orders?asOf=2026-01-01T00:00:00Z", &["asOf"]).await;
    check("PATCH /api/orders:by?number=W&select=nope", &["select"]).await;
    check("PUT /api/orders:by?number=W&select=hidden", &["select"]).await;
    let left = app.call("GET /api/orders?number=W", &[]).await.json();
    assert_eq!(left["items"], json!([]), "nothing was written");
    for line in ["DELETE /api/orders:by?number=W&select=note", "DELETE /api/orders?number=W&select=note"] {
        assert_eq!(app.call(line, &[]).await.status, 400, "{line}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_of_a_transaction_select_too() {
    let app = TestApp::open(MODEL);
    let id = send(&app, "POST /api/orders?select=id", json!({"number": "T"}), 201).await["id"].clone();
    let requests = json!([
        {"create": "orders", "body": {"number": "U"}, "select": "number"},
        {"create": "lines", "body": {"order": {"number": "U"}, "article": "pen"}, "select": "order{number,pieces}"},
        {"update": "orders", "id": id, "body": {"note": "n"}, "select": "note,n=lines(filter:article==$a):count", "params": {"a": "pen"}},
        {"replace": "slips", "id": "s", "body": {}, "ifNoneMatch": "*", "select": "rank"},
        {"create": "orders", "onConflict": "number", "body": [{"number": "U", "note": "u"}, {"number": "V"}], "select": "number,note"},
        {"create": "orders", "onConflict": "number", "body": {"number": "V"}, "select": "number"},
    ]);
    let results = send(&app, "POST /transact", json!({"requests": requests}), 200).await["results"].clone();
    let expected = json!([
        {"number": "U"}, {"order": {"number": "U", "pieces": 1}}, {"note": "n", "n": 0}, {"rank": 5},
        [{"outcome": "updated", "record": {"number": "U", "note": "u"}}, {"outcome": "created", "record": {"number": "V", "note": null}}],
        {"outcome": "unchanged", "record": {"number": "V"}},
    ]);
    assert_eq!(results, expected);
    let minimal = [("prefer", "return=minimal")];
    let upserts = json!({"requests": [
        {"create": "orders", "onConflict": "number", "body": [{"number": "V"}]},
        {"create": "slips", "onConflict": "id", "body": {"id": "z"}, "select": "title"},
    ]});
    let refused = app.post("POST /transact", &minimal, &upserts.to_string()).await;
    assert_eq!(
        (refused.status, places(&refused)),
        (400, vec!["/requests/1/onConflict".to_owned()]),
        "{}",
        refused.text()
    );
    let upserts =
        json!({"requests": [{"create": "orders", "onConflict": "number", "body": [{"number": "V", "note": "v"}]}]});
    let told = app.post("POST /transact", &minimal, &upserts.to_string()).await;
    let one = &told.json()["results"][0][0];
    assert_eq!(
        (&one["outcome"], one["id"].is_string(), one.as_object().expect("an object").len()),
        (&json!("updated"), true, 2),
        "{}",
        told.text()
    );

    let check = async |request: Value, status: u16, at: &str| {
        let reply = app.post("POST /transact", &[], &json!({"requests": [request.clone()]}).to_string()).await;
        assert_eq!((reply.status, places(&reply)), (status, vec![at.to_owned()]), "{request}: {}", reply.text());
    };
    check(json!({"create": "orders", "body": {"number": "x"}, "select": "hidden"}), 400, "/requests/0/select").await;
    check(json!({"create": "orders", "body": {"number": "x"}, "select": "nope"}), 400, "/requests/0/select").await;
    check(json!({"create": "orders", "body": {"number": "x"}, "params": {"a": 1}}), 400, "/requests/0/params/a").await;
    check(json!({"create": "orders", "body": {"number": "x"}, "onConflict": "note"}), 400, "/requests/0/onConflict")
        .await;
    check(
        json!({"create": "orders", "body": {"number": "x"}, "onConflict": ["number"]}),
        400,
        "/requests/0/onConflict",
    )
    .await;
    check(json!({"replace": "slips", "id": "s", "body": {}, "ifNoneMatch": "3"}), 400, "/requests/0/ifNoneMatch").await;
    let both = json!({"replace": "slips", "id": "s", "body": {}, "ifNoneMatch": "*", "ifMatch": 3});
    check(both, 400, "/requests/0/ifNoneMatch").await;
    let there = json!({"requests": [{"replace": "slips", "id": "s", "body": {}, "ifNoneMatch": "*"}]});
    let there = app.post("POST /transact", &[], &there.to_string()).await;
    assert_eq!((there.status, there.problem()), (412, "record-exists".to_owned()), "{}", there.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preference_says_what_comes_back() {
    let app = TestApp::open(MODEL);
    let send = async |line: &str, prefer: &str, body: &str| app.post(line, &[("prefer", prefer)], body).await;
    let (minimal, whole) = ("return=minimal", "return=representation");
    let upsert = "POST /api/orders?onConflict=number";
    let both = r#"[{"number": "A"}, {"number": "B"}]"#;
    let made = send(upsert, whole, both).await;
    assert_eq!((made.status, made.header("preference-applied"), made.header("location")), (201, whole, ""));
    let ids =
        made.json().as_array().expect("records").iter().map(|one| one["record"]["id"].clone()).collect::<Vec<_>>();
    let again = send(upsert, minimal, both).await;
    assert_eq!((again.status, again.header("preference-applied")), (200, minimal));
    assert_eq!(again.json(), json!([{"outcome": "unchanged", "id": ids[0]}, {"outcome": "unchanged", "id": ids[1]}]));
    let one = send(upsert, minimal, r#"{"number": "C"}"#).await;
    assert_eq!((one.status, &one.json()["outcome"]), (201, &json!("created")));
    assert_eq!(one.header("location"), format!("/api/orders/{}", one.json()["id"].as_str().expect("an id")));
    // An array of one record is answered as an array.
    let several = send("POST /api/orders?select=number", minimal, r#"[{"number": "D"}]"#).await;
    assert_eq!((several.status, several.text(), several.header("location")), (201, "", ""));
    let one = send("POST /api/orders?select=number", minimal, r#"{"number": "E"}"#).await;
    assert_eq!((one.status, one.text(), one.header("etag").is_empty()), (201, "", false));
    // What isn't there wasn't returned.
    let unseen = send("POST /api/orders", whole, r#"{"number": "F", "secret": true}"#).await;
    assert_eq!((unseen.status, unseen.text(), unseen.header("preference-applied")), (201, "", ""));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_selection_is_part_of_what_a_key_stands_for() {
    let app = TestApp::open(MODEL);
    let send = async |line: &str, key: &str, body: &Value| {
        app.post(line, &[("idempotency-key", key)], &body.to_string()).await
    };
    let selected = "POST /api/orders?select=number,lines{article}";
    let order = json!({"number": "A", "lines": [{"article": "pen"}]});
    let first = send(selected, "k", &order).await;
    assert_eq!(first.status, 201, "{}", first.text());
    let again = send(selected, "k", &order).await;
    assert_eq!((again.text(), again.header("etag")), (first.text(), first.header("etag")));
    assert_eq!(again.header("idempotency-replayed"), "true");
    for other in ["POST /api/orders?select=number", "POST /api/orders"] {
        assert_eq!(send(other, "k", &order).await.problem(), "idempotency-key-reused", "{other}");
    }
    let several = json!([{"number": "B"}, {"number": "C"}]);
    for line in ["POST /api/orders?select=number,lines{article}", "POST /api/orders?onConflict=number&select=number"] {
        let first = send(line, &line.replace(' ', "-"), &several).await;
        let again = send(line, &line.replace(' ', "-"), &several).await;
        assert_eq!(
            (first.status, again.header("idempotency-replayed"), again.text()),
            (201, "true", first.text()),
            "{line}"
        );
        let deleted = app.call("DELETE /api/orders?filter=true", &[]).await;
        assert_eq!(deleted.status, 200, "{}", deleted.text());
        for trashed in
            app.call("GET /api/orders:trash?select=id", &[]).await.json()["items"].as_array().expect("a trash")
        {
            let purged =
                app.call(&format!("POST /api/orders/{}:purge", trashed["id"].as_str().expect("an id")), &[]).await;
            assert_eq!(purged.status, 204, "{}", purged.text());
        }
    }
    // What the caller may no longer read of it is not answered again.
    let first = send(selected, "l", &json!({"number": "Z", "lines": [{"article": "pen"}]})).await;
    assert_eq!(first.status, 201);
    let gift = json!({"article": "gift"});
    let line = app.call("GET /api/lines?select=id", &[]).await.json()["items"][0]["id"].clone();
    let changed =
        app.post(&format!("PATCH /api/lines/{}", line.as_str().expect("an id")), &[], &gift.to_string()).await;
    assert_eq!(changed.status, 204, "{}", changed.text());
    let again = send(selected, "l", &json!({"number": "Z", "lines": [{"article": "pen"}]})).await;
    assert_eq!((again.status, again.text(), again.header("idempotency-replayed")), (201, "", "true"));
}
