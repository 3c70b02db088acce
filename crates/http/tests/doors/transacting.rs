use backstay_testkit::TestApp;
use serde_json::{Value, json};

use crate::{NOTES, note};

async fn transact(app: &TestApp, token: &str, requests: Value) -> (u16, Value) {
    let body = json!({ "requests": requests }).to_string();
    let reply = app.post("POST /transact", &[("authorization", token)], &body).await;
    (reply.status, reply.json())
}

#[tokio::test(flavor = "multi_thread")]
async fn several_requests_are_answered_in_their_order() {
    let app = TestApp::open(NOTES);
    let ada = app.account("ada@example.org").await;
    let id = note(&app, &ada, "One").await;
    let requests = json!([
        {"create": "notes", "body": {"title": "Two"}},
        {"update": "notes", "id": id, "body": {"rank": 3}, "ifMatch": 1},
        {"get": "notes", "id": id, "select": "title,rank,version"},
        {"list": "notes", "query": {"sort": "title", "select": "title", "count": true}},
        {"delete": "notes", "id": id, "ifMatch": "\"2.abc\""},
        {"list": "notes"},
    ]);
    let (status, answer) = transact(&app, &ada, requests).await;
    assert_eq!(status, 200, "{answer}");
    let results = answer["results"].as_array().expect("results");
    assert_eq!(results[0]["title"], "Two");
    assert_eq!(results[1]["rank"], 3);
    assert_eq!(results[2], json!({"title": "One", "rank": 3, "version": 2}));
    assert_eq!(results[3]["items"], json!([{"title": "One"}, {"title": "Two"}]));
    assert_eq!(results[4], Value::Null);
    assert_eq!(results[5]["items"].as_array().map(Vec::len), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_names_the_request_and_the_place() {
    let app = TestApp::open(NOTES);
    let ada = app.account("ada@example.org").await;
    let check = async |requests: Value, status: u16, request: Value, at: &str| {
        let (got, problem) = transact(&app, &ada, requests.clone()).await;
        assert_eq!(got, status, "{requests}: {problem}");
        assert_eq!(problem["request"], request, "{requests}: {problem}");
        let first = problem["errors"][0]["at"].as_str().unwrap_or_default();
        assert_eq!(first, at, "{requests}: {problem}");
    };
    let made = json!({"create": "notes", "body": {"title": "x"}});
    let nowhere = "01890a5d-ac96-774b-bcce-b302099a8057";
    check(json!([made, {"get": "notes", "id": nowhere}]), 404, json!(1), "").await;
    check(json!([made, {"create": "notes", "body": {"rank": 1}}]), 422, json!(1), "/requests/1/body/title").await;
    let several = json!([{"title": "y"}, {"rank": 1}]);
    check(json!([made, {"create": "notes", "body": several}]), 422, json!(1), "/requests/1/body/1/title").await;
    check(json!([{"create": "notes", "body": {"titel": 1}}]), 422, Value::Null, "/requests/0/body/titel").await;
    let filter = json!({"filter": "x >"});
    check(json!([made, {"list": "notes", "query": filter}]), 400, Value::Null, "/requests/1/query/filter").await;
    check(json!([{"get": "notes", "id": nowhere, "select": "titel"}]), 400, Value::Null, "/requests/0/select").await;
    check(json!([{"get": "notes", "id": "x"}]), 400, Value::Null, "/requests/0/id").await;
    check(json!([{"get": "notes"}]), 400, Value::Null, "/requests/0/id").await;
    check(json!([{"get": "note", "id": nowhere}]), 400, Value::Null, "/requests/0/get").await;
    check(json!([{"get": 7, "id": nowhere}]), 400, Value::Null, "/requests/0/get").await;
    check(json!([{"get": "notes", "list": "notes"}]), 400, Value::Null, "/requests/0/list").await;
    check(json!([{"get": "notes", "id": nowhere, "body": {}}]), 400, Value::Null, "/requests/0/body").await;
    check(
        json!([{"update": "notes", "id": nowhere, "body": {}, "ifMatch": "x"}]),
        400,
        Value::Null,
        "/requests/0/ifMatch",
    )
    .await;
    check(json!([{"id": nowhere}]), 400, Value::Null, "/requests/0").await;
    check(json!([{"replace": "notes"}]), 400, Value::Null, "/requests/0/replace").await;
    check(json!([7]), 400, Value::Null, "/requests/0").await;
    check(json!([]), 400, Value::Null, "").await;
    check(json!({}), 400, Value::Null, "/requests").await;
    check(json!(vec![made.clone(); 101]), 400, Value::Null, "/requests").await;
    let (_, page) = transact(&app, &ada, json!([{"list": "notes"}])).await;
    assert_eq!(page["results"][0]["items"], json!([]), "nothing was made");
}

#[tokio::test(flavor = "multi_thread")]
async fn backstays_own_collections_are_not_there() {
    let app = TestApp::open(NOTES);
    let ada = app.account("ada@example.org").await;
    let operator = app.operator("root@example.org").await;
    let requests = json!([{"list": "backstay-sessions"}]);
    let (status, problem) = transact(&app, &ada, requests.clone()).await;
    assert_eq!((status, &problem["errors"][0]["at"]), (400, &json!("/requests/0/list")), "{problem}");
    assert_eq!(transact(&app, &operator, requests).await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_makes_them_safe_to_send_again() {
    let app = TestApp::open(NOTES);
    let ada = app.account("ada@example.org").await;
    let send =
        async |body: &str| app.post("POST /transact", &[("authorization", &ada), ("idempotency-key", "k")], body).await;
    let body = r#"{"requests": [{"create": "notes", "body": {"title": "x"}}, {"list": "notes"}]}"#;
    let first = send(body).await;
    let again = send(body).await;
    assert_eq!((first.status, again.status), (200, 200));
    assert_eq!(first.json(), again.json());
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(first.header("idempotency-replayed"), "");
    assert_eq!(send(r#"{"requests": [{"list": "notes"}]}"#).await.status, 422);
}
