use backstay_testkit::{Reply, TestApp, TestDatabase};
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
    check(json!([{"create": "notes", "body": {"titel": 1}}]), 422, json!(0), "/requests/0/body/titel").await;
    let filter = json!({"filter": "x >"});
    check(json!([made, {"list": "notes", "query": filter}]), 400, json!(1), "/requests/1/query/filter").await;
    check(json!([{"get": "notes", "id": nowhere, "select": "titel"}]), 400, json!(0), "/requests/0/select").await;
    check(json!([{"get": "notes", "id": "x"}]), 400, json!(0), "/requests/0/id").await;
    check(json!([{"get": "notes"}]), 400, json!(0), "/requests/0/id").await;
    check(json!([{"get": "note", "id": nowhere}]), 400, json!(0), "/requests/0/get").await;
    check(json!([{"get": 7, "id": nowhere}]), 400, json!(0), "/requests/0/get").await;
    check(json!([{"get": "notes", "list": "notes"}]), 400, json!(0), "/requests/0/list").await;
    check(json!([{"get": "notes", "id": nowhere, "body": {}}]), 400, json!(0), "/requests/0/body").await;
    let odd = json!([{"update": "notes", "id": nowhere, "body": {}, "ifMatch": "x"}]);
    check(odd, 400, json!(0), "/requests/0/ifMatch").await;
    check(json!([{"id": nowhere}]), 400, json!(0), "/requests/0").await;
    check(json!([{"upsert": "notes"}]), 400, json!(0), "/requests/0/upsert").await;
    check(json!([7]), 400, json!(0), "/requests/0").await;
    check(json!([]), 400, Value::Null, "/requests").await;
    check(json!({}), 400, Value::Null, "/requests").await;
    check(json!(vec![made.clone(); 101]), 400, Value::Null, "/requests").await;
    for if_match in [json!(1.5), json!("1."), json!("01.a"), json!("W/\"1.a\""), json!("\"1.a\", \"2.b\""), json!([1])]
    {
        let update = json!([{"update": "notes", "id": nowhere, "body": {}, "ifMatch": if_match}]);
        check(update, 400, json!(0), "/requests/0/ifMatch").await;
    }
    let several = json!([{"create": "notes", "body": {"titel": 1}}, made, {"list": "note"}]);
    check(several, 400, Value::Null, "/requests/0/body/titel").await;
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
    assert_eq!(first.json()["results"][0], again.json()["results"][0]);
    assert_eq!(again.json()["results"][1], Value::Null, "what was read is not kept");
    let reads = r#"{"requests": [{"list": "notes"}]}"#;
    let key = [("authorization", &*ada), ("idempotency-key", "reads")];
    assert_eq!(app.post("POST /transact", &key, reads).await.status, 400, "a key is for what changes something");
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(first.header("idempotency-replayed"), "");
    assert_eq!(send(r#"{"requests": [{"create": "notes", "body": {"title": "y"}}]}"#).await.status, 422);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_that_is_taken_is_named_by_its_place() {
    let app = TestApp::open(NOTES);
    let ada = app.account("ada@example.org").await;
    let slugs = |slugs: &[&str]| slugs.iter().map(|slug| json!({"title": slug, "slug": slug})).collect::<Value>();
    let requests = json!([{"create": "notes", "body": slugs(&["a"])}, {"create": "notes", "body": slugs(&["b", "a"])}]);
    let (status, problem) = transact(&app, &ada, requests).await;
    assert_eq!((status, &problem["errors"][0]["at"]), (409, &json!("/requests/1/body/1/slug")), "{problem}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_minimal_answer_has_the_ids() {
    let app = TestApp::open(NOTES);
    let ada = app.account("ada@example.org").await;
    let body =
        r#"{"requests": [{"create": "notes", "body": {"title": "x"}}, {"create": "notes", "body": [{"title": "y"}]}]}"#;
    let minimal = ("prefer", "return=minimal");
    let is_minimal = |reply: &Reply| {
        let results = reply.json()["results"].clone();
        assert_eq!(reply.header("preference-applied"), "return=minimal");
        let has_id_alone = |one: &Value| one.as_object().is_some_and(|one| one.len() == 1 && one.contains_key("id"));
        assert!(has_id_alone(&results[0]) && has_id_alone(&results[1][0]), "{results}");
    };
    is_minimal(&app.post("POST /transact", &[("authorization", &ada), minimal], body).await);

    let key = ("idempotency-key", "k");
    let whole = app.post("POST /transact", &[("authorization", &ada), key], body).await;
    assert_eq!(whole.json()["results"][0]["title"], "x");
    let again = app.post("POST /transact", &[("authorization", &ada), key, minimal], body).await;
    assert_eq!(again.header("idempotency-replayed"), "true");
    is_minimal(&again);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_not_signed_in_is_asked_to_where_that_could_help() {
    let app = TestApp::open(NOTES);
    let ada = app.account("ada@example.org").await;
    let id = note(&app, &ada, "One").await;
    let check = async |line: &str, body: &str| {
        let reply = app.post(line, &[], body).await;
        assert_eq!((reply.status, &reply.json()["type"]), (401, &json!("/problems/sign-in-required")), "{line}");
    };
    check(&format!("PATCH /api/notes/{id}"), r#"{"rank": 1}"#).await;
    check(&format!("DELETE /api/notes/{id}"), "").await;
    check("POST /api/notes", r#"{"title": "x"}"#).await;
    check("POST /transact", &format!(r#"{{"requests": [{{"delete": "notes", "id": "{id}"}}]}}"#)).await;
}

/// A write has no filter that could be narrowed: what costs too much is what the model asks of it.
#[tokio::test(flavor = "multi_thread")]
async fn what_costs_too_much_is_told_by_what_it_is() {
    // A server doesn't count steps: the deadline alone ends a statement there.
    if TestDatabase::chosen() != TestDatabase::Sqlite {
        return;
    }
    let costly = "items.all(i, i.box.items.all(j, j.box.items.all(k, k.name != 'x')))";
    let model = format!(
        r#"
extend schema @app(name: "Boxes")
enum Role @roles {{ STAFF }}
type User @identity @allow(read: "true") {{ email: Email! @unique }}
type Box @allow(read: "true", create: "true") {{ name: String! items: [Item!] @inverse(field: "box") }}
type Item @allow(read: "true", create: "true") {{ box: Box! name: String! }}
type Seal @allow(read: "true", create: "this.box.{costly}") {{ box: Box! }}
"#
    );
    let app = TestApp::open(&model);
    let made = app.post("POST /api/boxes", &[], r#"{"name": "A"}"#).await;
    let id = crate::id_of(&made);
    let items: Vec<Value> = (0..150).map(|number| json!({ "box": id, "name": number.to_string() })).collect();
    assert_eq!(app.post("POST /api/items", &[], &json!(items).to_string()).await.status, 201);
    let check = async |query: Value, request: usize, expected: &str| {
        let create = json!({ "create": "seals", "body": { "box": id } });
        let requests = json!({ "requests": [{ "list": "boxes", "query": query }, create] });
        let refused = app.post("POST /transact", &[], &requests.to_string()).await;
        assert_eq!((refused.status, &*refused.problem()), (422, "too-costly"), "{}", refused.text());
        let problem = refused.json();
        assert_eq!(
            (&problem["request"], &problem["detail"]),
            (&json!(request), &json!(format!("/requests/{request}: {expected}")))
        );
    };
    let of_list = "the request is too expensive; narrow the filter, or add an index for it";
    let of_write = "the change is too expensive: evaluating the rules, checks and computed fields of its records costs too \
                    much; `backstay explain` shows the statements";
    check(json!({ "filter": costly }), 0, of_list).await;
    check(json!({}), 1, of_write).await;
}

/// A transition tells the state from which it is taken: that it fails, or that the next request does. Whoever doesn't see the
/// state takes none, so all states get the same answer.
#[tokio::test(flavor = "multi_thread")]
async fn a_hidden_state_is_not_told_by_the_request_that_fails() {
    let app = TestApp::open(
        r#"
        extend schema @app(name: "Reviews")
        enum Role @roles { EDITOR }
        enum Stage {
          OPEN @initial @to(state: "DONE") @to(state: "GONE", when: "this.author == auth.id")
          DONE @to(state: "OPEN", by: "true")
          GONE
        }
        type User @identity @allow(read: "true") { email: Email! @unique name: String! }
        type Review
          @allow(read: "true", create: "true", delete: "true")
          @allow(update: "this.author == auth.id || 'EDITOR' in auth.roles") {
          author: User! @immutable
          stage: Stage! @allow(read: "'EDITOR' in auth.roles")
          text: String
        }
        "#,
    );
    let ada = app.account("ada@example.org").await;
    let editor = app.account("editor@example.org").await;
    app.grant("editor@example.org", "EDITOR").await;
    let me = app.call("GET /auth/me", &[("authorization", &*ada)]).await.json()["account"]["id"].clone();
    let mut reviews = Vec::new();
    for stage in ["OPEN", "DONE"] {
        let made =
            app.post("POST /api/reviews", &[("authorization", &*ada)], &json!({ "author": me }).to_string()).await;
        let id = crate::id_of(&made);
        let update = json!([{"update": "reviews", "id": id, "body": {"stage": stage}}]);
        assert_eq!(transact(&app, &editor, update).await.0, 200);
        reviews.push(id);
    }
    let check = async |body: Value, status: u16, request: u64, at: &str| {
        for id in &reviews {
            let update = json!({"update": "reviews", "id": id, "body": body});
            let fails = json!({"create": "reviews", "body": {}});
            let (got, mut problem) = transact(&app, &ada, json!([update, fails])).await;
            problem["requestId"].take();
            let errors = problem["errors"].as_array().cloned().unwrap_or_default();
            let places: Vec<&str> = errors.iter().filter_map(|error| error["at"].as_str()).collect();
            assert_eq!((got, &problem["request"], places), (status, &json!(request), vec![at]), "{body}: {problem}");
        }
    };
    for stage in ["OPEN", "DONE", "GONE"] {
        check(json!({ "stage": stage }), 422, 0, "/requests/0/body/stage").await;
        check(json!({ "stage": stage, "text": "x" }), 422, 0, "/requests/0/body/stage").await;
    }
    check(json!({ "text": "x" }), 422, 1, "/requests/1/body/author").await;
    // Alone, it isn't taken either.
    for id in &reviews {
        for stage in ["OPEN", "DONE", "GONE"] {
            let body = json!({ "stage": stage }).to_string();
            let line = format!("PATCH /api/reviews/{id}");
            assert_eq!(app.post(&line, &[("authorization", &*ada)], &body).await.status, 422, "{stage}");
        }
        let seen = app.call(&format!("GET /api/reviews/{id}"), &[("authorization", &*editor)]).await.json();
        assert_ne!(seen["stage"], "GONE");
    }
}
