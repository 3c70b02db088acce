//! Several requests, each by itself.

use backstay_testkit::{Reply, TestApp};
use serde_json::{Value, json};

const MODEL: &str = r#"
extend schema @app(name: "Stock")
type User @identity @allow(read: "true") { email: Email! @unique  name: String }
type Item @allow(read: "true", create: "true", update: "true", delete: "auth.id != null || this.count == 0") {
  sku: String! @unique
  count: Int! @default(to: 0) @range(min: 0)
}
"#;

async fn each(app: &TestApp, headers: &[(&str, &str)], requests: &Value) -> Reply {
    app.post("POST /transact?mode=independent", headers, &json!({ "requests": requests }).to_string()).await
}

fn statuses(reply: &Reply) -> Vec<i64> {
    let results = reply.json()["results"].as_array().cloned().unwrap_or_default();
    results.iter().map(|result| result["status"].as_i64().unwrap_or_default()).collect()
}

async fn skus(app: &TestApp) -> Vec<String> {
    let items = app.call("GET /api/items?select=sku&sort=sku", &[]).await.json()["items"].clone();
    items.as_array().expect("items").iter().map(|item| item["sku"].as_str().expect("a text").to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_request_undoes_no_other() {
    let app = TestApp::open(MODEL);
    let requests = json!([
        {"create": "items", "body": {"sku": "a", "count": 2}, "select": "sku,count"},
        {"create": "items", "body": {"sku": "a"}},
        {"create": "items", "body": [{"sku": "b"}, {}]},
        {"update": "items", "by": {"sku": "a"}, "body": {"count": {"$inc": -1}}, "select": "count"},
        {"update": "items", "by": {"sku": "a"}, "body": {"count": {"$inc": -5}}},
        {"get": "items", "by": {"sku": "a"}, "select": "count"},
        {"list": "items", "query": {"select": "sku"}},
        {"delete": "items", "by": {"sku": "a"}},
        {"delete": "items", "by": {"sku": "nope"}},
        {"creat": "items", "body": {"sku": "c"}},
        {"updateAll": "items", "query": {"filter": "true"}, "body": {"count": 0}},
        {"delete": "items", "by": {"sku": "a"}},
        {"create": "items", "body": {"sku": "d"}, "select": "sku"},
    ]);
    let reply = each(&app, &[], &requests).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    let expected = [201, 409, 422, 200, 422, 200, 200, 401, 404, 400, 200, 204, 201];
    assert_eq!(statuses(&reply), expected, "{}", reply.text());
    let results = reply.json()["results"].clone();
    assert_eq!(results[0], json!({"status": 201, "body": {"sku": "a", "count": 2}}));
    assert_eq!(results[1]["problem"]["type"], "/problems/not-unique");
    assert_eq!(
        (&results[1]["problem"]["request"], &results[1]["problem"]["errors"][0]["at"]),
        (&json!(1), &json!("/requests/1/body/sku"))
    );
    assert_eq!(results[2]["problem"]["errors"][0]["at"], "/requests/2/body/1/sku");
    assert_eq!(results[4]["problem"]["errors"][0]["at"], "/requests/4/body/count");
    assert_eq!((&results[3]["body"], &results[5]["body"]), (&json!({"count": 1}), &json!({"count": 1})));
    assert_eq!(results[6]["body"], json!({"items": [{"sku": "a"}], "next": null}));
    assert_eq!(results[9]["problem"]["errors"][0]["at"], "/requests/9/creat");
    assert_eq!(results[10]["body"], json!({"matched": 1, "changed": 1}));
    assert_eq!(results[11], json!({"status": 204}));
    assert_eq!(skus(&app).await, ["d"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_stands_for_all_of_them() {
    let app = TestApp::open(MODEL);
    let key = [("idempotency-key", "k")];
    each(&app, &[], &json!([{"create": "items", "body": {"sku": "x"}}])).await;
    let requests = json!([
        {"create": "items", "body": {"sku": "b"}}, {"create": "items", "body": {"sku": "x"}},
        {"update": "items", "by": {"sku": "b"}, "body": {"count": {"$inc": 1}}, "select": "count"},
        {"list": "items", "query": {"select": "sku", "sort": "sku"}},
    ]);
    let first = each(&app, &key, &requests).await;
    assert_eq!(
        (statuses(&first), first.header("idempotency-replayed")),
        (vec![201, 409, 200, 200], ""),
        "{}",
        first.text()
    );
    let again = each(&app, &key, &requests).await;
    assert_eq!(
        (statuses(&again), again.header("idempotency-replayed")),
        (vec![201, 409, 200, 200], "true"),
        "{}",
        again.text()
    );
    for number in [0, 2] {
        assert_eq!(again.json()["results"][number], first.json()["results"][number], "what was done is not done again");
    }
    // What was refused is tried again, and done once.
    assert_eq!(app.call("DELETE /api/items:by?sku=x", &[]).await.status, 204);
    for _ in 0..2 {
        let again = each(&app, &key, &requests).await;
        assert_eq!(statuses(&again), [201, 201, 200, 200], "{}", again.text());
    }
    assert_eq!(skus(&app).await, ["b", "x"]);
    let other = json!([{"create": "items", "body": {"sku": "c"}}]);
    assert_eq!(each(&app, &key, &other).await.problem(), "idempotency-key-reused");
    let together = app.post("POST /transact", &key, &json!({ "requests": requests }).to_string()).await;
    assert_eq!(together.problem(), "idempotency-key-reused");
    let single = app.post("POST /api/items", &key, r#"{"sku": "c"}"#).await;
    assert_eq!(single.problem(), "idempotency-key-reused");
    let reads = json!([{"list": "items"}]);
    assert_eq!(
        each(&app, &[("idempotency-key", "reads")], &reads).await.status,
        400,
        "a key is for what changes something"
    );
    assert_eq!(skus(&app).await, ["b", "x"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_body_and_the_mode_are_read_strictly() {
    let app = TestApp::open(MODEL);
    let one = r#"{"requests": [{"create": "items", "body": {"sku": "a"}}]}"#;
    let check = async |line: &str, body: &str, at: &str| {
        let reply = app.post(line, &[], body).await;
        let told = reply.json()["errors"][0]["at"].as_str().unwrap_or_default().to_owned();
        assert_eq!((reply.status, told.as_str()), (400, at), "{line} {body}: {}", reply.text());
    };
    check("POST /transact?mode=each", one, "mode").await;
    check("POST /transact?mod=independent", one, "mod").await;
    let line = "POST /transact?mode=independent";
    check(line, r#"{"requests": []}"#, "/requests").await;
    check(line, "[]", "").await;
    check(line, r#"{"request": []}"#, "/request").await;
    let atomic = app.post("POST /transact?mode=atomic", &[("prefer", "return=minimal")], one).await;
    assert!(atomic.json()["results"][0]["id"].is_string(), "{}", atomic.text());
    let minimal = [("prefer", "return=minimal")];
    let told = each(&app, &minimal, &json!([{"create": "items", "body": {"sku": "b"}}, {"nope": 1}])).await;
    assert_eq!((statuses(&told), told.header("preference-applied")), (vec![201, 400], "return=minimal"));
    assert_eq!(told.json()["results"][0]["body"].as_object().expect("an object").len(), 1, "{}", told.text());
    let wrong = each(&app, &[], &json!([{"nope": 1}, 3])).await;
    assert_eq!((wrong.status, statuses(&wrong)), (200, vec![400, 400]), "{}", wrong.text());
}
