//! Creates that change the record with the same unique key, if there is one.

use backstay_testkit::{Reply, TestApp};
use serde_json::{Value, json};

const MODEL: &str = r#"
extend schema @app(name: "Stock")
type User @identity @allow(read: "true") { email: Email! @unique  name: String }
type Item
  @allow(read: "this.public", create: "true", update: "this.locked == false")
  @unique(fields: ["shop", "number"]) {
  sku: String! @unique
  shop: String
  number: Int
  count: Int! @default(to: 1)
  tags: [String!]
  public: Boolean! @default(to: true)
  locked: Boolean! @default(to: false)
}
"#;

async fn upsert(app: &TestApp, key: &str, body: Value) -> Reply {
    app.post(&format!("POST /api/items?onConflict={key}"), &[], &body.to_string()).await
}

/// Outcome, key and count of each record.
fn outcomes(reply: &Reply) -> Vec<(String, String, i64)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let each = reply.json().as_array().cloned().unwrap_or_default();
    let one = |one: &Value| {
        let record = &one["record"];
        (text(&one["outcome"]), text(&record["sku"]), record["count"].as_i64().unwrap_or_default())
    };
    each.iter().map(one).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_record_is_created_or_changed() {
    let app = TestApp::open(MODEL);
    let first = upsert(&app, "sku", json!([{"sku": "a", "count": 5}, {"sku": "b"}])).await;
    let expected = |list: &[(&str, &str, i64)]| {
        list.iter().map(|(outcome, sku, count)| ((*outcome).to_owned(), (*sku).to_owned(), *count)).collect::<Vec<_>>()
    };
    assert_eq!((first.status, outcomes(&first)), (201, expected(&[("created", "a", 5), ("created", "b", 1)])));
    let body = json!([{"sku": "b", "count": 2}, {"sku": "a"}, {"sku": "c"}, {"sku": "c", "count": 9}]);
    let second = upsert(&app, "sku", body).await;
    let told = [("updated", "b", 2), ("unchanged", "a", 5), ("created", "c", 1), ("updated", "c", 9)];
    assert_eq!((second.status, outcomes(&second)), (201, expected(&told)), "{}", second.text());
    let third = upsert(&app, "sku", json!([{"sku": "a"}])).await;
    assert_eq!((third.status, outcomes(&third)), (200, expected(&[("unchanged", "a", 5)])));
    let one = upsert(&app, "number,shop", json!({"sku": "d", "shop": "x", "number": 1})).await;
    assert_eq!((one.status, &one.json()["outcome"]), (201, &json!("created")), "{}", one.text());
    let one = upsert(&app, "shop,number", json!({"sku": "e", "shop": "x", "number": 1})).await;
    assert_eq!((one.status, &one.json()["record"]["sku"]), (200, &json!("e")), "{}", one.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn operators_add_to_what_is_there_or_to_nothing() {
    let app = TestApp::open(MODEL);
    let more = || json!([{"sku": "a", "count": {"$inc": 2}, "tags": {"$append": ["x"]}}]);
    for (status, outcome, count, tags) in [(201, "created", 2, json!(["x"])), (200, "updated", 4, json!(["x", "x"]))] {
        let reply = upsert(&app, "sku", more()).await;
        let one = reply.json()[0].take();
        assert_eq!((reply.status, &one["outcome"]), (status, &json!(outcome)), "{one}");
        assert_eq!((&one["record"]["count"], &one["record"]["tags"]), (&json!(count), &tags), "{one}");
    }
    let one = || json!({"sku": "b", "count": {"$inc": 1}});
    let twice = upsert(&app, "sku", json!([one(), one()])).await;
    let expected = vec![("created".to_owned(), "b".to_owned(), 1), ("updated".to_owned(), "b".to_owned(), 2)];
    assert_eq!(outcomes(&twice), expected, "{}", twice.text());
    // The record that nobody sees is in the way, and stays as it is.
    assert_eq!(upsert(&app, "sku", json!([{"sku": "h", "public": false}])).await.status, 201);
    assert_eq!(upsert(&app, "sku", json!([{"sku": "h", "count": {"$inc": 1}}])).await.status, 409);
    let refused = upsert(&app, "sku", json!([one(), {"sku": "a", "count": {"$mul": 2}}])).await;
    assert_eq!((refused.status, &refused.json()["errors"][0]["at"]), (422, &json!("/1/count")), "{}", refused.text());
    let refused = upsert(&app, "sku", json!([{"sku": {"$inc": 2}}])).await;
    assert_eq!(refused.status, 422, "{}", refused.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn all_or_nothing() {
    let app = TestApp::open(MODEL);
    let made = upsert(&app, "sku", json!([{"sku": "l", "locked": true}, {"sku": "h", "public": false}])).await;
    assert_eq!(made.status, 201);
    assert_eq!(made.json()[1], json!({"outcome": "created", "record": null}));
    let check = async |body: Value, status: u16, problem: &str, at: &str| {
        let reply = upsert(&app, "sku", body.clone()).await;
        let told = reply.json()["errors"][0]["at"].as_str().unwrap_or_default().to_owned();
        assert_eq!((reply.status, reply.problem().as_str(), told.as_str()), (status, problem, at), "{body}");
    };
    check(json!([{"sku": "new"}, {"sku": "l", "count": 2}]), 401, "sign-in-required", "").await;
    check(json!([{"sku": "new"}, {"count": 2}]), 422, "invalid-values", "/1/sku").await;
    check(json!([{"sku": "new"}, {"sku": "x", "count": null}]), 422, "invalid-values", "/1/count").await;
    // A record that the caller can't see is in the way, as it is of any create.
    check(json!([{"sku": "new"}, {"sku": "h"}]), 409, "not-unique", "/1/sku").await;
    assert_eq!(app.call("GET /api/items:by?sku=new", &[]).await.status, 404);
    let wrong = async |key: &str| {
        let reply = upsert(&app, key, json!({"sku": "z"})).await;
        (reply.status, reply.json()["errors"][0]["at"].as_str().unwrap_or_default().to_owned())
    };
    for key in ["count", "shop", "nothing", ""] {
        assert_eq!(wrong(key).await, (400, "onConflict".to_owned()), "{key}");
    }
}
