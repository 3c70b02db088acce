//! Ids that clients give.

use backstay_testkit::{Reply, TestApp};
use serde_json::{Value, json};

/// The example of the documentation.
fn app() -> TestApp {
    const DOCUMENT: &str = include_str!("../../../../docs/model.md");
    let (_, section) = DOCUMENT.split_once("\n### Ids\n").expect("the section");
    let (_, example) = section.split_once("```graphql\n").expect("an example");
    let (example, _) = example.split_once("```").expect("its end");
    TestApp::open(&format!("{MORE}\n{example}"))
}

const MORE: &str = r#"
extend schema @app(name: "Todo")
type User @identity @allow(read: "true") { email: Email! @unique name: String! }
type Tag @key(type: UUID4, given: true) @allow(read: "this.shown", create: "this.shown", update: "true", delete: "true") {
  name: String
  shown: Boolean! @default(to: true)
}
"#;

const A: &str = "01890a5d-ac96-774b-bcce-b302099a8057";
const B: &str = "01890a5d-ac96-774b-bcce-b302099a8058";

async fn post(app: &TestApp, path: &str, body: Value) -> Reply {
    app.post(&format!("POST {path}"), &[], &body.to_string()).await
}

fn told(reply: &Reply) -> (u16, String) {
    (reply.status, reply.problem())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_that_is_null_is_refused_beside_a_slug_too() {
    let app = TestApp::open(
        r#"
extend schema @app(name: "Slugs")
type User @identity @allow(read: "true") { email: Email! @unique }
type Doc @allow(read: "true", create: "true") { title: String!  slug: String! @unique @slug(from: "title") }
"#,
    );
    let refused = post(&app, "/api/docs", json!({ "id": null, "title": "x" })).await;
    assert_eq!(told(&refused), (422, "invalid-values".to_owned()), "{}", refused.text());
    let create = json!({ "create": "docs", "body": { "id": null, "title": "x" } });
    let refused = post(&app, "/transact", json!({ "requests": [create] })).await;
    assert_eq!(told(&refused), (422, "invalid-values".to_owned()), "{}", refused.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_create_gives_the_id() {
    let app = app();
    let made = post(&app, "/api/todos", json!({ "id": A, "description": "Buy milk" })).await;
    assert_eq!((made.status, made.header("location")), (201, format!("/api/todos/{A}").as_str()), "{}", made.text());
    assert_eq!((&made.json()["id"], &made.json()["version"]), (&json!(A), &json!(1)));
    let upper = post(&app, "/api/todos", json!({ "id": B.to_uppercase(), "description": "Milk it" })).await;
    assert_eq!(upper.json()["id"], B);

    let taken = post(&app, "/api/todos", json!({ "id": A, "description": "Mine" })).await;
    assert_eq!(told(&taken), (409, "not-unique".to_owned()));
    assert_eq!(taken.json()["detail"], "another Todo has this id");
    let unchanged = app.call(&format!("GET /api/todos/{A}?select=description"), &[]).await;
    assert_eq!(unchanged.json(), json!({ "description": "Buy milk" }));

    let key = [("idempotency-key", "\"k1\"")];
    let body = json!({ "id": "01890a5d-ac96-774b-bcce-b302099a8059", "description": "Once" }).to_string();
    for _ in 0..2 {
        assert_eq!(app.post("POST /api/todos", &key, &body).await.status, 201);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_never_changes() {
    let app = app();
    let made = post(&app, "/api/todos", json!({ "id": A, "description": "Buy milk" })).await;
    let patch = async |body: Value| app.post(&format!("PATCH /api/todos/{A}"), &[], &body.to_string()).await;
    let same = patch(json!({ "id": A, "description": "Buy oat milk" })).await;
    assert_eq!((same.status, &same.json()["version"]), (200, &json!(2)), "{}", same.text());
    let other = patch(json!({ "id": B })).await;
    assert_eq!((told(&other), &other.json()["errors"][0]["at"]), ((422, "invalid-values".to_owned()), &json!("/id")));
    assert_eq!(other.json()["errors"][0]["message"], "this field can't change after creation");
    let back = post(&app, "/api/todos", made.json()).await;
    assert_eq!(told(&back), (422, "invalid-values".to_owned()), "createdAt and version are the server's");
}

/// Whoever may create records learns that an id is taken, and nothing else.
#[tokio::test(flavor = "multi_thread")]
async fn a_hidden_record_has_its_id() {
    let app = app();
    let id = "01890a5d-ac96-474b-bcce-b302099a8057";
    assert_eq!(post(&app, "/api/tags", json!({ "id": id, "name": "a" })).await.status, 201);
    let hidden = app.post(&format!("PATCH /api/tags/{id}"), &[], r#"{"shown": false}"#).await;
    assert_eq!(hidden.status, 204, "{}", hidden.text());
    assert_eq!(app.call(&format!("GET /api/tags/{id}"), &[]).await.status, 404);
    assert_eq!(told(&post(&app, "/api/tags", json!({ "id": id })).await), (409, "not-unique".to_owned()));
    // Who may not create the record isn't told even that.
    let forbidden = post(&app, "/api/tags", json!({ "id": id, "shown": false })).await;
    assert_eq!(told(&forbidden), (401, "sign-in-required".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_in_one_commit_refer_to_given_ids() {
    let app = app();
    let body = json!({ "requests": [
        { "create": "todos", "body": { "id": A, "description": "Move house" } },
        { "create": "todos", "body": [{ "id": B, "description": "Pack", "partOf": A }] },
        { "delete": "todos", "id": A },
        { "create": "todos", "body": [{ "id": B, "description": "Pack again" }] },
    ] });
    let done = post(&app, "/transact", body).await;
    assert_eq!(done.status, 200, "{}", done.text());
    let listed = app.call("GET /api/todos?select=id,version,description", &[]).await;
    assert_eq!(listed.json()["items"], json!([{ "id": B, "version": 2, "description": "Pack again" }]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_known_of_a_deleted_record_does_not_fit_a_new_one() {
    let app = app();
    let create = json!({ "id": A, "description": "Buy milk" });
    let tag = post(&app, "/api/todos", create.clone()).await.header("etag").to_owned();
    let selected = app.call(&format!("GET /api/todos/{A}?select=description"), &[]).await.header("etag").to_owned();
    assert_eq!(app.call(&format!("DELETE /api/todos/{A}"), &[("if-match", &tag)]).await.status, 204);
    let again = post(&app, "/api/todos", create).await;
    assert_eq!((again.status, &again.json()["version"]), (201, &json!(2)));
    let patched = app.post(&format!("PATCH /api/todos/{A}"), &[("if-match", &tag)], r#"{"description": "x"}"#).await;
    assert_eq!(told(&patched), (412, "version-mismatch".to_owned()));
    let read = app.call(&format!("GET /api/todos/{A}?select=description"), &[("if-none-match", &selected)]).await;
    assert_eq!(read.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_are_described() {
    let app = app();
    let document = app.call("GET /openapi.json", &[]).await.json();
    let schemas = &document["components"]["schemas"];
    assert_eq!(
        schemas["Todo.Create"]["properties"]["id"],
        json!({
            "type": "string",
            "format": "uuid",
            "description": "A UUID of version 7. The server makes one if a create leaves it out.",
        })
    );
    assert_eq!(schemas["Todo.Create"]["required"], json!(["description"]));
    assert_eq!(schemas["Todo.Patch"]["properties"]["id"], Value::Null);
    assert_eq!(
        schemas["Tag.Create"]["properties"]["id"]["description"],
        "A UUID of version 4. The server makes one if a create leaves it out."
    );
}

/// Whatever index the database looks at first, the same value is named: the id, then those in the order of the model.
#[tokio::test(flavor = "multi_thread")]
async fn of_several_values_that_are_taken_the_first_is_named() {
    let app = TestApp::open(
        r#"
extend schema @app(name: "Seats")
type User @identity @allow(read: "true") { email: Email! @unique }
type Seat @key(type: UUID7, given: true) @trash @unique(fields: ["hall", "row"])
  @allow(read: "this.shown", create: "true", update: "true", delete: "true") {
  code: String! @unique
  owner: String @unique
  hall: String
  row: Int
  shown: Boolean! @default(to: true)
}
"#,
    );
    let hidden = json!({ "id": A, "code": "a", "owner": "ann", "hall": "east", "row": 1, "shown": false });
    assert_eq!(post(&app, "/api/seats", hidden).await.status, 201);
    let other = json!({ "id": B, "code": "b", "owner": "ben", "hall": "west", "row": 1 });
    assert_eq!(post(&app, "/api/seats", other).await.status, 201);
    let free = "01890a5d-ac96-774b-bcce-b302099a8059";
    let check = async |id: &str, values: Value, expected: &str| {
        let mut body = values.clone();
        body["id"] = json!(id);
        let detail = |reply: Reply| (reply.status, reply.json()["detail"].as_str().unwrap_or_default().to_owned());
        let expected = (409, expected.to_owned());
        assert_eq!(detail(post(&app, "/api/seats", body.clone()).await), expected, "{values}");
        let create = json!({ "requests": [{ "create": "seats", "body": body }] });
        assert_eq!(post(&app, "/transact", create).await.status, 409, "{values}");
        let put = app.post(&format!("PUT /api/seats/{id}"), &[], &values.to_string()).await;
        assert_eq!(detail(put), expected, "{values}");
    };
    check(A, json!({ "code": "b", "owner": "ben" }), "another Seat has this id").await;
    check(free, json!({ "code": "b", "owner": "ann", "hall": "east", "row": 1 }), "another Seat has this code").await;
    check(free, json!({ "code": "c", "owner": "ann", "hall": "west", "row": 1 }), "another Seat has this owner").await;
    check(free, json!({ "code": "c", "hall": "west", "row": 1 }), "another Seat has this hall and row").await;

    let trashed = app.call(&format!("DELETE /api/seats/{B}"), &[]).await;
    assert_eq!(trashed.status, 204, "{}", trashed.text());
    check(free, json!({ "code": "b", "owner": "ann" }), "another Seat has this code").await;

    let third = json!({ "id": free, "code": "c", "hall": "north", "row": 2 });
    assert_eq!(post(&app, "/api/seats", third).await.status, 201);
    let patch = app.post(&format!("PATCH /api/seats/{free}"), &[], r#"{"owner": "ben", "code": "a"}"#).await;
    assert_eq!((patch.status, &patch.json()["detail"]), (409, &json!("another Seat has this code")));
}
