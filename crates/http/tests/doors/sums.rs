//! Stored sums: read, filtered, sorted, never written, and limited by checks.

use backstay_testkit::TestApp;
use serde_json::{Value, json};

/// The example of docs/model.md.
fn documented() -> String {
    const DOCUMENT: &str = include_str!("../../../../docs/model.md");
    let (_, section) = DOCUMENT.split_once("\n### Stored sums\n").expect("the section");
    let (_, example) = section.split_once("```graphql\n").expect("an example");
    let (example, _) = example.split_once("```").expect("its end");
    let user = r#"type User @identity @allow(read: "true") { email: Email! @unique, name: String! }"#;
    format!("extend schema @app(name: \"Stock\")\n{user}\n{example}")
}

async fn made(app: &TestApp, path: &str, body: Value) -> Value {
    let reply = app.post(&format!("POST /api/{path}"), &[], &body.to_string()).await;
    assert_eq!(reply.status, 201, "{reply:?}");
    reply.json()
}

fn id(record: &Value) -> String {
    record["id"].as_str().expect("an id").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_documented_example_holds() {
    let app = TestApp::open(&documented());
    let chair = made(&app, "products", json!({ "name": "chair", "onHand": 3 })).await;
    assert_eq!((&chair["reserved"], &chair["buyers"]), (&json!(0), &json!(0)));
    let line = format!("GET /api/products/{}", id(&chair));
    let before = app.call(&line, &[]).await;
    let held = made(&app, "reservations", json!({ "product": chair["id"], "quantity": 2 })).await;
    let after = app.call(&line, &[("if-none-match", before.header("etag"))]).await;
    assert_eq!((after.status, &after.json()["reserved"], &after.json()["buyers"]), (200, &json!(2), &json!(1)));
    for unchanged in ["version", "updatedAt"] {
        assert_eq!(after.json()[unchanged], before.json()[unchanged], "{unchanged}");
    }

    let many = json!({ "product": chair["id"], "quantity": 2 }).to_string();
    let refused = app.post("POST /api/reservations", &[], &many).await;
    assert_eq!((refused.status, &refused.json()["errors"][0]["message"]), (422, &json!("not that many are left")));
    let counted = app.post(&format!("PATCH /api/products/{}", id(&chair)), &[], r#"{"onHand": 1}"#).await;
    assert_eq!((counted.status, &counted.json()["reserved"]), (200, &json!(2)), "a count is recorded");
    let one = json!({ "product": chair["id"], "quantity": 1 }).to_string();
    assert_eq!(app.post("POST /api/reservations", &[], &one).await.status, 422, "nothing more is promised");
    let cancelled = app.post(&format!("PATCH /api/reservations/{}", id(&held)), &[], r#"{"quantity": 1}"#).await;
    assert_eq!(cancelled.status, 200, "what was promised is taken back");
    assert_eq!(app.call(&line, &[]).await.json()["reserved"], json!(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_request_writes_one() {
    let app = TestApp::open(&documented());
    let chair = made(&app, "products", json!({ "name": "chair", "onHand": 3 })).await;
    let one = format!("PATCH /api/products/{}", id(&chair));
    for (line, body) in [
        ("POST /api/products", r#"{"name": "table", "onHand": 1, "reserved": 0}"#),
        (one.as_str(), r#"{"reserved": 1}"#),
        (one.as_str(), r#"{"reserved": null}"#),
    ] {
        let refused = app.post(line, &[], body).await;
        assert_eq!(refused.status, 422, "{line}: {refused:?}");
        assert!(refused.text().contains("this field is computed"), "{}", refused.text());
    }
    let document = app.call("GET /openapi.json", &[]).await.json();
    let schemas = &document["components"]["schemas"];
    assert_eq!(schemas["Product"]["properties"]["reserved"]["readOnly"], json!(true));
    for schema in ["ProductCreate", "ProductPatch"] {
        assert_eq!(schemas[schema]["properties"].get("reserved"), None, "{schema}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_filter_and_sort_by_it() {
    let app = TestApp::open(&documented());
    for (name, quantity) in [("chair", 2), ("table", 0), ("lamp", 5)] {
        let product = made(&app, "products", json!({ "name": name, "onHand": 9 })).await;
        made(&app, "reservations", json!({ "product": product["id"], "quantity": quantity })).await;
    }
    for (query, expected) in [
        ("sort=-reserved", ["lamp", "chair", "table"].as_slice()),
        ("reserved=5", &["lamp"]),
        ("filter=reserved%20%3E%201&sort=reserved", &["chair", "lamp"]),
        ("filter=reservations.exists(r,r.product.reserved==0)", &["table"]),
    ] {
        let page = app.call(&format!("GET /api/products?select=name&{query}"), &[]).await.json();
        let names: Vec<&str> =
            page["items"].as_array().expect("a page").iter().filter_map(|one| one["name"].as_str()).collect();
        assert_eq!(names, expected, "{query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_sees_the_sums_that_it_changes() {
    let app = TestApp::open(&documented());
    let chair = made(&app, "products", json!({ "name": "chair", "onHand": 3 })).await;
    let (of, get) = (&chair["id"], json!({ "get": "products", "id": chair["id"], "select": "reserved" }));
    let reserve = |quantity: i64| json!({ "create": "reservations", "body": { "product": of, "quantity": quantity } });
    let requests = json!({ "requests": [reserve(1), get, reserve(2), get] });
    let answer = app.post("POST /transact", &[], &requests.to_string()).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let results = answer.json();
    assert_eq!(
        (&results["results"][1], &results["results"][3]),
        (&json!({ "reserved": 1 }), &json!({ "reserved": 3 }))
    );
    let requests = json!({ "requests": [get, reserve(0), reserve(1)] });
    let refused = app.post("POST /transact", &[], &requests.to_string()).await;
    assert_eq!((refused.status, &refused.json()["request"]), (422, &json!(2)), "{refused:?}");
    let at = &refused.json()["errors"][0]["at"];
    assert_eq!(at, "/requests/2/body", "it points at what was sent");
    let all = app.call("GET /api/reservations?count=true&limit=1", &[]).await.json();
    assert_eq!(all["count"]["value"], json!(2), "nothing is half done: {all}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_explanation_shows_the_check_and_stores_nothing() {
    let app = TestApp::open(&documented());
    app.account("ada@example.org").await;
    let operator = app.operator("root@example.org").await;
    let chair = made(&app, "products", json!({ "name": "chair", "onHand": 3 })).await;
    let explain = async |quantity: i64| {
        let body = json!({ "product": chair["id"], "quantity": quantity });
        let question = json!({ "as": "ada@example.org", "request": "POST /api/reservations", "body": body });
        let reply = app.post("POST /explain", &[("authorization", &operator)], &question.to_string()).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        reply.json()
    };
    let allowed = explain(3).await;
    assert_eq!(allowed["allowed"], json!(true), "{allowed}");
    let asked = |explained: &Value| {
        let rules = explained["rules"].as_array().expect("rules").clone();
        rules.into_iter().find(|rule| rule["of"] == "Product check").expect("the check is asked")
    };
    assert_eq!(asked(&allowed)["answer"], json!("true"), "{allowed}");
    let refused = explain(4).await;
    assert_eq!((&refused["allowed"], &asked(&refused)["answer"]), (&json!(false), &json!("false")), "{refused}");
    let now = app.call(&format!("GET /api/products/{}", id(&chair)), &[]).await.json();
    assert_eq!(now["reserved"], json!(0), "an explanation stores nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hidden_sum_is_neither_filtered_nor_inferred() {
    let model = r#"
extend schema @app(name: "Team")
type User @identity { email: Email! @unique }
type Team @allow(read: "true", create: "true") @check(rule: "this.pay <= 100", message: "beyond the budget") {
  name: String!
  members: [Member!] @inverse(field: "team")
  pay: Int @computed(is: "this.members.sum(m, m.pay)", stored: COMMIT) @allow(read: "auth.kind == 'OPERATOR'")
}
type Member @allow(read: "auth.kind == 'OPERATOR'", create: "true") { team: Team!, pay: Int! }"#;
    let app = TestApp::open(model);
    let team = made(&app, "teams", json!({ "name": "one" })).await;
    assert_eq!(team.get("pay"), None, "{team}");
    let body = json!({ "team": team["id"], "pay": 60 }).to_string();
    assert_eq!(app.post("POST /api/members", &[], &body).await.status, 201);
    for query in ["pay=60", "filter=pay%3E1", "sort=pay"] {
        assert_eq!(app.call(&format!("GET /api/teams?{query}"), &[]).await.status, 400, "{query}");
    }
    let refused = app.post("POST /api/members", &[], &body).await;
    assert_eq!(refused.status, 422);
    // The ids of the request can have any digits.
    let problem = refused.json();
    let errors = json!([{ "at": "", "message": "beyond the budget" }]);
    assert_eq!((&problem["detail"], &problem["errors"]), (&json!("beyond the budget"), &errors), "{}", refused.text());
}
