//! PUT: create or replace.

use backstay_testkit::{Reply, TestApp};
use serde_json::{Value, json};

const MODEL: &str = r#"
extend schema @app(name: "Pages")
type User @identity @allow(read: "true", update: "this.id == auth.id") { email: Email! @unique  name: String  city: String }
enum PageState { DRAFT @initial @to(state: "OPEN") OPEN @to(state: "DRAFT") }
type Address @embedded { street: String  city: String! @default(to: "Bern") }
type Label @allow(read: "true", create: "true") { name: String! @unique }
type Page @key(type: UUID7, given: true)
  @allow(read: "this.hidden == false", create: "true", delete: "true")
  @allow(update: "auth.id == null", only: ["title", "note", "data", "labels", "address", "rank", "hidden", "secret"])
  @allow(update: "auth.id != null") {
  path: String! @unique
  title: String!
  note: String
  rank: Int! @default(to: 5)
  state: PageState!
  kind: String @immutable
  data: JSON
  labels: [Label!] @connect(missing: CREATE)
  address: Address
  secret: String @allow(read: "auth.id != null")
  sealed: String @allow(update: "false")
  owner: User @default(from: "auth.id")
  boss: String
  hidden: Boolean! @default(to: false)
}
type Entry @allow(read: "true", create: "true", update: "true") { name: String! @unique }
"#;

const A: &str = "01890a5d-ac96-774b-bcce-b302099a8057";
const B: &str = "01890a5d-ac96-774b-bcce-b302099a8058";

async fn put(app: &TestApp, path: &str, headers: &[(&str, &str)], body: Value) -> Reply {
    app.post(&format!("PUT {path}"), headers, &body.to_string()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_put_creates_and_replaces() {
    let app = TestApp::open(MODEL);
    let at = format!("/api/pages/{A}");
    let full = json!({
        "path": "p", "title": "One", "note": "n", "rank": 1, "kind": "k", "data": {"a": 1, "b": 2}, "labels": [{"name": "x"}],
        "address": {"street": "s", "city": "Rome"},
    });
    let made = put(&app, &at, &[], full).await;
    assert_eq!(
        (made.status, made.header("location"), &made.json()["id"]),
        (201, at.as_str(), &json!(A)),
        "{}",
        made.text()
    );
    let replaced = put(&app, &at, &[], json!({"path": "p", "title": "Two", "data": {"c": 3}})).await;
    assert_eq!((replaced.status, &replaced.json()["version"]), (200, &json!(2)), "{}", replaced.text());
    let shown = "select=path,title,note,rank,kind,data,address,labels{name},state";
    let now = app.call(&format!("GET {at}?{shown}"), &[]).await.json();
    let expected = json!({
        "path": "p", "title": "Two", "note": null, "rank": 5, "kind": "k", "data": {"c": 3}, "address": null, "labels": [],
        "state": "DRAFT",
    });
    assert_eq!(now, expected, "what can't change stays, everything else returns to its default");
    let same = put(&app, &at, &[], json!({"path": "p", "title": "Two", "data": {"c": 3}})).await;
    assert_eq!((same.status, &same.json()["version"]), (200, &json!(2)));
    let partly = put(&app, &at, &[], json!({"path": "p", "title": "Two", "address": {"street": "t"}})).await;
    assert_eq!(partly.json()["address"], json!({"street": "t", "city": "Bern"}), "{}", partly.text());
    let lacking = put(&app, &at, &[], json!({"path": "p"})).await;
    assert_eq!((lacking.status, &lacking.json()["errors"][0]["at"]), (422, &json!("/title")));
    let other = put(&app, &at, &[], json!({"id": B, "path": "p", "title": "x"})).await;
    assert_eq!((other.status, &other.json()["errors"][0]["at"]), (422, &json!("/id")));
}

#[tokio::test(flavor = "multi_thread")]
async fn preconditions_choose_between_creating_and_replacing() {
    let app = TestApp::open(MODEL);
    let at = format!("/api/pages/{A}");
    let body = || json!({"path": "p", "title": "One"});
    let nothing = put(&app, &at, &[("if-match", "*")], body()).await;
    assert_eq!((nothing.status, nothing.problem()), (404, "not-found".to_owned()), "{}", nothing.text());
    assert_eq!(put(&app, &at, &[("if-none-match", "*")], body()).await.status, 201);
    let there = put(&app, &at, &[("if-none-match", "*")], body()).await;
    assert_eq!((there.status, there.problem(), &there.json()["version"]), (412, "record-exists".to_owned(), &json!(1)));
    assert_eq!(put(&app, &at, &[("if-match", "\"1.x\"")], json!({"path": "p", "title": "Two"})).await.status, 200);
    let stale = put(&app, &at, &[("if-match", "\"1.x\"")], body()).await;
    assert_eq!((stale.status, stale.problem()), (412, "version-mismatch".to_owned()));
    let tag = put(&app, &at, &[("if-none-match", "\"1.x\"")], body()).await;
    assert_eq!((tag.status, tag.problem()), (400, "malformed-request".to_owned()));
    let both = put(&app, &at, &[("if-none-match", "*"), ("if-match", "*")], body()).await;
    assert_eq!(both.status, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_creates_and_replaces() {
    let app = TestApp::open(MODEL);
    let made = put(&app, "/api/entries:by?name=a", &[], json!({})).await;
    let at = format!("/api/entries/{}", made.json()["id"].as_str().expect("an id"));
    assert_eq!((made.status, made.header("location")), (201, at.as_str()), "{}", made.text());
    let again = put(&app, "/api/entries:by?name=a", &[], json!({"name": "a"})).await;
    assert_eq!(
        (again.status, again.header("content-location"), &again.json()["version"]),
        (200, at.as_str(), &json!(1))
    );
    let other = put(&app, "/api/entries:by?name=a", &[], json!({"name": "b"})).await;
    assert_eq!((other.status, &other.json()["errors"][0]["at"]), (422, &json!("/name")));
    // The server makes the ids of entries.
    let by_id = put(&app, &format!("/api/entries/{A}"), &[], json!({"name": "c"})).await;
    assert_eq!(by_id.status, 404);
    assert!(
        by_id.json()["detail"].as_str().is_some_and(|detail| detail.contains("@key(given: true)")),
        "{}",
        by_id.text()
    );
    let key = [("idempotency-key", "k")];
    for _ in 0..2 {
        assert_eq!(put(&app, "/api/entries:by?name=d", &key, json!({})).await.status, 201);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_caller_cannot_read_or_write_stays() {
    let app = TestApp::open(MODEL);
    let ann = app.account("ann@example.org").await;
    let ann = [("authorization", ann.as_str())];
    let at = format!("/api/pages/{A}");
    let full = json!({"path": "p", "title": "One", "secret": "s", "sealed": "w", "boss": "b"});
    let made = put(&app, &at, &ann, full).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let owner = made.json()["owner"].clone();
    // Anonymous callers don't see `secret`, and no clause lets them change `boss` or `path`.
    let replaced = put(&app, &at, &[], json!({"title": "Two"})).await;
    assert_eq!(replaced.status, 200, "{}", replaced.text());
    let now = app.call(&format!("GET {at}?select=path,title,secret,sealed,boss,owner"), &ann).await.json();
    let kept = json!({"path": "p", "title": "Two", "secret": "s", "sealed": "w", "boss": "b", "owner": owner});
    assert_eq!(now, kept);
    // An account sees it, and may change it.
    let replaced = put(&app, &at, &ann, json!({"path": "p", "title": "Three"})).await;
    assert_eq!(replaced.status, 200, "{}", replaced.text());
    let now = app.call(&format!("GET {at}?select=secret,sealed,boss,owner"), &ann).await.json();
    assert_eq!(now, json!({"secret": null, "sealed": "w", "boss": null, "owner": owner}));
    let own = put(&app, "/api/users/me", &ann, json!({"name": "Ann"})).await;
    assert_eq!((own.status, &own.json()["email"]), (200, &json!("ann@example.org")), "{}", own.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hidden_record_is_in_the_way() {
    let app = TestApp::open(MODEL);
    let hidden = json!({"id": A, "path": "h", "title": "x", "hidden": true});
    assert_eq!(app.post("POST /api/pages", &[], &hidden.to_string()).await.status, 201);
    let posted = app.post("POST /api/pages", &[], &json!({"id": A, "path": "i", "title": "y"}).to_string()).await;
    let by_id = put(&app, &format!("/api/pages/{A}"), &[], json!({"path": "i", "title": "y"})).await;
    assert_eq!(
        (by_id.status, by_id.json()["detail"].clone()),
        (409, posted.json()["detail"].clone()),
        "{}",
        by_id.text()
    );
    let posted = app.post("POST /api/pages", &[], &json!({"path": "h", "title": "y"}).to_string()).await;
    let by_key = put(&app, "/api/pages:by?path=h", &[], json!({"title": "y"})).await;
    assert_eq!(
        (by_key.status, by_key.json()["detail"].clone()),
        (409, posted.json()["detail"].clone()),
        "{}",
        by_key.text()
    );
    let only_new = put(&app, "/api/pages:by?path=h", &[("if-none-match", "*")], json!({"title": "y"})).await;
    assert_eq!(only_new.status, 409);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_several_at_once_one_creates() {
    let app = TestApp::open(MODEL);
    let put_one = || put(&app, "/api/entries:by?name=a", &[], json!({}));
    let (first, second, third) = tokio::join!(put_one(), put_one(), put_one());
    let mut statuses = [first.status, second.status, third.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 200, 201]);
    let page = |path: &str| json!({"path": path, "title": "x", "labels": [{"name": "new"}]}).to_string();
    let (one, two) = (page("1"), page("2"));
    let (one, two) = tokio::join!(app.post("POST /api/pages", &[], &one), app.post("POST /api/pages", &[], &two));
    assert_eq!((one.status, two.status), (201, 201), "{} {}", one.text(), two.text());
    assert_eq!(app.call("GET /api/labels", &[]).await.json()["items"].as_array().map(Vec::len), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_not_for_the_linked_type_leaves_the_links() {
    let app = TestApp::open(MODEL);
    let at = format!("/api/pages/{A}");
    let made = put(&app, &at, &[], json!({"path": "p", "title": "One", "labels": [{"name": "x"}]})).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let key = app.key(&["pages:get".to_owned(), "pages:update".to_owned(), "users:get".to_owned()]).await;
    let replaced = put(&app, &at, &[("authorization", &key)], json!({"path": "p", "title": "Two"})).await;
    assert_eq!(replaced.status, 200, "{}", replaced.text());
    let now = app.call(&format!("GET {at}?select=title,labels{{name}}"), &[]).await.json();
    assert_eq!(now, json!({"title": "Two", "labels": [{"name": "x"}]}));
}
