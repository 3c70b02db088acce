//! Related records that are named by a unique key: the examples of docs/api.md and docs/model.md, and the rights of those who
//! name them.

use backstay_testkit::{Reply, TestApp};
use serde_json::{Value, json};

const API: &str = include_str!("../../../../docs/api.md");
const MODEL: &str = include_str!("../../../../docs/model.md");

fn fenced<'d>(document: &'d str, heading: &str, language: &str) -> &'d str {
    let (_, section) = document.split_once(&format!("\n### {heading}\n")).expect("the section");
    let (_, example) = section.split_once(&format!("```{language}\n")).expect("an example");
    example.split_once("```").expect("its end").0
}

fn library() -> TestApp {
    let example = fenced(API, "Name a record by a unique key", "graphql");
    TestApp::open(&format!("extend schema @app(name: \"Library\")\n{example}"))
}

async fn made(app: &TestApp, path: &str, body: Value) -> Value {
    let reply = app.post(&format!("POST /api/{path}"), &[], &body.to_string()).await;
    assert_eq!(reply.status, 201, "{body}: {}", reply.text());
    reply.json()
}

/// What is wrong, place by place.
fn wrong(reply: &Reply) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let errors = reply.json()["errors"].as_array().cloned().unwrap_or_default();
    errors.iter().map(|error| (text(&error["at"]), text(&error["message"]))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example_of_the_documentation() {
    let app = library();
    app.account("ann@example.org").await;
    let shelf = made(&app, "shelfs", json!({"room": "A", "number": 3})).await;
    let body: Value = serde_json::from_str(fenced(API, "Name a record by a unique key", "json")).expect("JSON");
    let book = made(&app, "books", body.clone()).await;
    assert_eq!(book["shelf"], shelf["id"]);
    let shown = "select=title,owner{email},shelf{room,number},tags{name}";
    let read = app.call(&format!("GET /api/books/{}?{shown}", book["id"].as_str().expect("an id")), &[]).await;
    assert_eq!(read.json(), body);
    // The tag is there now, and is linked by the next one.
    made(&app, "books", json!({"title": "Dubliners", "tags": [{"name": "novel"}, {"name": "stories"}]})).await;
    assert_eq!(
        app.call("GET /api/tags?select=name&sort=name", &[]).await.json()["items"],
        json!([{"name": "novel"}, {"name": "stories"}])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn every_body_names_records_by_unique_keys() {
    let app = library();
    let ann = app.account("ann@example.org").await;
    let me = app.call("GET /auth/me", &[("authorization", &ann)]).await.json()["id"].clone();
    let owner = json!({"email": "ann@example.org"});
    let several =
        made(&app, "books", json!([{"title": "A", "owner": owner}, {"title": "B", "owner": {"id": me}}])).await;
    assert_eq!((&several[0]["owner"], &several[1]["owner"]), (&me, &me));
    let c = made(&app, "books", json!({"title": "C"})).await;
    let path = format!("/api/books/{}", c["id"].as_str().expect("an id"));
    let changed = app.post(&format!("PATCH {path}"), &[], &json!({"owner": owner}).to_string()).await;
    assert_eq!((changed.status, &changed.json()["owner"]), (200, &me));
    // What is there already changes nothing.
    let same = app.post(&format!("PATCH {path}"), &[], &json!({"owner": owner}).to_string()).await;
    assert_eq!((same.status, &same.json()["version"]), (200, &json!(2)));
    let requests = json!({"requests": [
        {"create": "shelfs", "body": {"room": "B", "number": 1}},
        {"create": "books", "body": {"title": "D", "shelf": {"number": 1, "room": "B"}}},
        {"update": "books", "id": c["id"], "body": {"tags": [{"name": "new"}, {"name": "new"}]}},
    ]});
    let done = app.post("POST /transact", &[], &requests.to_string()).await;
    assert_eq!(done.status, 200, "{}", done.text());
    let results = done.json()["results"].clone();
    assert_eq!(results[1]["shelf"], results[0]["id"]);
    let tags = app.call(&format!("GET {path}?select=tags{{name}}"), &[]).await;
    assert_eq!(tags.json(), json!({"tags": [{"name": "new"}]}));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_key_is_named() {
    let app = library();
    let check = async |body: Value, expected: &[(&str, &str)]| {
        let reply = app.post("POST /api/books", &[], &body.to_string()).await;
        let expected: Vec<(String, String)> =
            expected.iter().map(|(at, message)| ((*at).to_owned(), (*message).to_owned())).collect();
        assert_eq!((reply.status, wrong(&reply)), (422, expected), "{body}: {}", reply.text());
    };
    let id = "expected an id, such as \"01890a5d-ac96-774b-bcce-b302099a8057\"";
    check(
        json!({"title": "x", "owner": {"email": "no@example.org"}}),
        &[("/owner", "there is no User with this email")],
    )
    .await;
    check(
        json!({"title": "x", "shelf": {"room": "A", "number": 9}}),
        &[("/shelf", "there is no Shelf with this room and number")],
    )
    .await;
    check(
        json!({"title": "x", "shelf": {"room": "A"}}),
        &[("/shelf", "expected an id or {\"room\": …, \"number\": …} of a Shelf")],
    )
    .await;
    check(json!({"title": "x", "owner": {}}), &[("/owner", "expected an id or {\"email\": …} of a User")]).await;
    check(
        json!({"title": "x", "owner": {"email": "a@example.org", "name": "A"}}),
        &[("/owner", "expected an id or {\"email\": …} of a User")],
    )
    .await;
    check(json!({"title": "x", "owner": {"emial": "a"}}), &[("/owner/emial", "unknown field `emial`")]).await;
    check(json!({"title": "x", "owner": {"id": 7}}), &[("/owner/id", id)]).await;
    check(json!({"title": "x", "tags": ["y"]}), &[("/tags/0", id)]).await;
    let remedy = async |line: &str, body: &Value| {
        app.post(line, &[], &body.to_string()).await.json()["errors"][0]["remedy"].clone()
    };
    let told = "if that is its email, write {\"email\": \"ann@example.org\"}";
    assert_eq!(remedy("POST /api/books", &json!({"title": "x", "owner": "ann@example.org"})).await, told);
    let told = "write its id, or `filter=owner.email == $value` with `$value=ann@example.org`";
    let equality = app.call("GET /api/books?owner=ann@example.org", &[]).await;
    assert_eq!(equality.json()["errors"][0]["remedy"], told, "{}", equality.text());
    check(
        json!({"title": "x", "tags": [{"name": "a"}, {"name": 1}]}),
        &[("/tags/1/name", "expected a text in double quotes")],
    )
    .await;
    check(
        json!({"title": "x", "shelf": {"room": "A", "number": 9}, "owner": {"email": "no@example.org"}}),
        &[("/owner", "there is no User with this email"), ("/shelf", "there is no Shelf with this room and number")],
    )
    .await;
}

const RIGHTS: &str = r#"
extend schema @app(name: "Rights")
type User @identity @allow(read: "this.id == auth.id", refer: "true") { email: Email! @unique name: String }
type Room @allow(read: "this.open", create: "true") {
  name: String! @unique
  code: String @unique @allow(read: "false")
  badge: String @unique @allow(read: "this.name != 'b'")
  open: Boolean! @default(to: true)
}
type Desk @allow(read: "true", create: "true", update: "true") @unique(fields: ["room", "number"]) {
  room: Room
  number: Int
  owner: User
}
type Lamp @allow(read: "true", create: "true") { desk: Desk  rooms: [Room!]  made: [Room!] @connect(missing: CREATE) }
"#;

#[tokio::test(flavor = "multi_thread")]
async fn nobody_finds_what_they_may_not_read() {
    let app = TestApp::open(RIGHTS);
    let ann = app.account("ann@example.org").await;
    for body in [json!({"name": "a", "code": "1", "badge": "x"}), json!({"name": "b", "badge": "y"})] {
        made(&app, "rooms", body).await;
    }
    let closed = app.post("POST /api/rooms", &[], &json!({"name": "c", "open": false}).to_string()).await;
    assert_eq!(closed.status, 201);
    let check = async |path: &str, body: Value, status: u16, expected: &str| {
        let reply = app.post(&format!("POST /api/{path}"), &[], &body.to_string()).await;
        let told =
            wrong(&reply).into_iter().next().map_or_else(String::new, |(at, message)| format!("{at}: {message}"));
        assert_eq!((reply.status, told.as_str()), (status, expected), "{body}: {}", reply.text());
    };
    check("desks", json!({"room": {"name": "a"}, "number": 1}), 201, "").await;
    // A room that is closed is the same as none.
    check("desks", json!({"room": {"name": "c"}}), 422, "/room: there is no Room with this name").await;
    check("desks", json!({"room": {"name": "d"}}), 422, "/room: there is no Room with this name").await;
    // A field that is never seen can't be named, and one that isn't seen in a record is null there.
    let hidden = "/room/code: you may not read `code`";
    check("desks", json!({"room": {"code": "1"}}), 422, hidden).await;
    check("desks", json!({"room": {"code": "2"}}), 422, hidden).await;
    check("desks", json!({"room": {"badge": "x"}}), 201, "").await;
    check("desks", json!({"room": {"badge": "y"}}), 422, "/room: there is no Room with this badge").await;
    // Who may refer to a record, but not read it, names it by its id.
    check("desks", json!({"owner": {"email": "ann@example.org"}}), 422, "/owner/email: you may not read `email`").await;
    let body = json!({"owner": {"email": "ann@example.org"}}).to_string();
    assert_eq!(app.post("POST /api/desks", &[("authorization", &ann)], &body).await.status, 201);
    // Keys within keys.
    check("lamps", json!({"desk": {"room": {"name": "a"}, "number": 1}}), 201, "").await;
    check(
        "lamps",
        json!({"desk": {"room": {"name": "c"}, "number": 1}}),
        422,
        "/desk/room: there is no Room with this name",
    )
    .await;
    check("lamps", json!({"rooms": [{"name": "a"}, {"name": "c"}]}), 422, "/rooms/1: there is no Room with this name")
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_is_created_as_its_caller() {
    let example = fenced(MODEL, "Relations that create what is missing", "graphql");
    let app = TestApp::open(&format!(
        "extend schema @app(name: \"Tags\")\ntype User @identity {{ email: Email! @unique name: String }}\n{example}"
    ));
    let ann = app.account("ann@example.org").await;
    let ann = [("authorization", ann.as_str())];
    let article = json!({"title": "Ferris", "tags": [{"name": "rust"}]}).to_string();
    let refused = app.post("POST /api/articles", &[], &article).await;
    assert_eq!((refused.status, refused.problem()), (401, "sign-in-required".to_owned()), "{}", refused.text());
    assert_eq!(app.post("POST /api/articles", &ann, &article).await.status, 201);
    assert_eq!(app.post("POST /api/articles", &[], &article).await.status, 201, "it is there now");
    let coloured =
        json!({"title": "Gopher", "tags": [{"name": "rust", "colour": "red"}, {"name": "go", "colour": "blue"}]});
    assert_eq!(app.post("POST /api/articles", &ann, &coloured.to_string()).await.status, 201);
    let labels = app.call("GET /api/labels?select=name,colour&sort=name", &[]).await.json()["items"].clone();
    assert_eq!(labels, json!([{"name": "go", "colour": "blue"}, {"name": "rust", "colour": "grey"}]));
    let wrong_colour = json!({"title": "x", "tags": [{"name": "new", "colour": null}]}).to_string();
    let refused = app.post("POST /api/articles", &ann, &wrong_colour).await;
    assert_eq!((refused.status, wrong(&refused)[0].0.as_str()), (422, "/tags/0/colour"), "{}", refused.text());
    assert_eq!(app.call("GET /api/articles?title=x", &[]).await.json()["items"], json!([]));
    assert_eq!(app.call("GET /api/labels?name=new", &[]).await.json()["items"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hidden_record_is_in_the_way_of_one_that_is_created() {
    let app = TestApp::open(RIGHTS);
    assert_eq!(app.post("POST /api/rooms", &[], r#"{"name": "c", "open": false}"#).await.status, 201);
    let posted = app.post("POST /api/rooms", &[], r#"{"name": "c"}"#).await;
    let connected = app.post("POST /api/lamps", &[], r#"{"made": [{"name": "c"}]}"#).await;
    assert_eq!((posted.status, posted.problem()), (409, "not-unique".to_owned()), "{}", posted.text());
    assert_eq!((connected.status, connected.problem()), (409, "not-unique".to_owned()), "{}", connected.text());
}
