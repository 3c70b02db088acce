//! Records that are addressed by a unique key, and `me`.

use backstay_testkit::{Reply, TestApp};
use serde_json::{Value, json};

const MODEL: &str = r#"
extend schema @app(name: "Stock")
type User @identity @allow(read: "this.id == auth.id", update: "this.id == auth.id") { email: Email! @unique  name: String }
type Shop @allow(read: "true", create: "true") { name: String! @unique }
type Item
  @allow(read: "this.public || auth.id != null", create: "true", update: "this.locked == false", delete: "true")
  @unique(fields: ["shop", "number"]) {
  sku: String! @unique
  secret: String @unique @allow(read: "false")
  shop: Shop
  number: Int
  count: Int! @default(to: 1)
  note: String
  public: Boolean! @default(to: true)
  locked: Boolean! @default(to: false)
}
type Log @allow(read: "true", create: "true") { text: String! }
"#;

async fn made(app: &TestApp, path: &str, body: Value) -> Value {
    let reply = app.post(&format!("POST /api/{path}"), &[], &body.to_string()).await;
    assert_eq!(reply.status, 201, "{body}: {}", reply.text());
    reply.json()
}

fn told(reply: &Reply) -> (u16, String) {
    (reply.status, reply.json()["detail"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_is_read_changed_and_deleted_by_a_key() {
    let app = TestApp::open(MODEL);
    let shop = made(&app, "shops", json!({"name": "North"})).await["id"].clone();
    let item = made(&app, "items", json!({"sku": "A 1", "shop": shop, "number": 7})).await;
    let (id, shop) = (item["id"].as_str().expect("an id"), shop.as_str().expect("an id"));
    let at = format!("/api/items/{id}");
    let whole = app.call(&format!("GET {at}"), &[]).await;
    for query in ["sku=A+1".to_owned(), format!("number=7&shop={shop}"), format!("id={id}")] {
        let read = app.call(&format!("GET /api/items:by?{query}"), &[]).await;
        assert_eq!(
            (read.status, read.text(), read.header("etag")),
            (200, whole.text(), whole.header("etag")),
            "{query}"
        );
        if !query.starts_with("id") {
            assert_eq!(read.header("content-location"), at, "{query}");
        }
    }
    let read = app.call("GET /api/items:by?sku=A+1&select=shop{name}", &[]).await;
    assert_eq!((read.json(), read.header("content-location")), (json!({"shop": {"name": "North"}}), at.as_str()));
    let etag = whole.header("etag").to_owned();
    let unchanged = app.call("GET /api/items:by?sku=A+1", &[("if-none-match", etag.as_str())]).await;
    assert_eq!(unchanged.status, 304);

    let changed = app.post("PATCH /api/items:by?sku=A+1", &[("if-match", etag.as_str())], r#"{"count": 2}"#).await;
    assert_eq!(
        (changed.status, &changed.json()["count"], changed.header("content-location")),
        (200, &json!(2), at.as_str())
    );
    let stale = app.post("PATCH /api/items:by?sku=A+1", &[("if-match", etag.as_str())], r#"{"count": 3}"#).await;
    assert_eq!((stale.status, stale.problem()), (412, "version-mismatch".to_owned()));
    let stale = app.call("DELETE /api/items:by?sku=A+1", &[("if-match", etag.as_str())]).await;
    assert_eq!(stale.status, 412);
    let key = [("idempotency-key", "k")];
    for _ in 0..2 {
        assert_eq!(app.call("DELETE /api/items:by?sku=A+1", &key).await.status, 204);
    }
    let other = app.call("DELETE /api/items:by?sku=B", &key).await;
    assert_eq!((other.status, other.problem()), (422, "idempotency-key-reused".to_owned()));
    assert_eq!(app.call("GET /api/items:by?sku=A+1", &[]).await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hidden_record_is_not_there() {
    let app = TestApp::open(MODEL);
    let ann = app.account("ann@example.org").await;
    let posted = app.post("POST /api/items", &[], r#"{"sku": "H", "public": false}"#).await;
    assert_eq!(posted.status, 201);
    let missing = app.call("GET /api/items:by?sku=none", &[]).await;
    assert_eq!(missing.status, 404);
    for line in ["GET /api/items:by?sku=H", "DELETE /api/items:by?sku=H"] {
        assert_eq!(told(&app.call(line, &[]).await), told(&missing), "{line}");
    }
    let patched = app.post("PATCH /api/items:by?sku=H", &[], r#"{"count": 2}"#).await;
    assert_eq!(told(&patched), told(&missing));
    assert_eq!(app.call("GET /api/items:by?sku=H", &[("authorization", &ann)]).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_key_is_told() {
    let app = TestApp::open(MODEL);
    let check = async |line: &str, expected: (u16, &str)| {
        let reply = if line.starts_with("PATCH") {
            app.post(line, &[], r#"{"count": 2}"#).await
        } else {
            app.call(line, &[]).await
        };
        assert_eq!(told(&reply), (expected.0, expected.1.to_owned()), "{line}: {}", reply.text());
    };
    let keys = "its unique keys are: `sku`; `secret`; `shop` and `number`";
    check("GET /api/items:by", (400, &format!("query: this needs a unique key of Item; {keys}"))).await;
    check("GET /api/items:by?count=1", (400, &format!("query: `count` is not a unique key of Item; {keys}"))).await;
    check("PATCH /api/items:by?number=1", (400, &format!("query: `number` is not a unique key of Item; {keys}"))).await;
    check(
        "GET /api/items:by?sku=A&number=1",
        (400, &format!("query: `sku` and `number` are not a unique key of Item; {keys}")),
    )
    .await;
    check("GET /api/items:by?secret=1", (400, "secret: you may not read `secret`")).await;
    check("DELETE /api/items:by?secret=1", (400, "secret: you may not read `secret`")).await;
    check("GET /api/items:by?number=x&shop=1", (400, "number: expected a whole number, such as 42 (and 1 more)")).await;
    check("GET /api/items:by?sku=A&sku=B", (400, "sku: it is given twice")).await;
    check(
        "GET /api/logs:by?text=A",
        (400, "query: `text` is not a unique key of Log; it has none; write its id in the path: `/api/logs/…`"),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_addresses_records_by_keys() {
    let app = TestApp::open(MODEL);
    let transact = async |requests: Value| {
        let reply = app.post("POST /transact", &[], &json!({ "requests": requests }).to_string()).await;
        (reply.status, reply.json())
    };
    let (status, answer) = transact(json!([
        {"create": "items", "body": {"sku": "X"}},
        {"update": "items", "by": {"sku": "X"}, "body": {"count": 5}},
        {"get": "items", "by": {"sku": "X"}, "select": "count"},
        {"replace": "items", "by": {"sku": "Y"}, "body": {"note": "new"}},
        {"delete": "items", "by": {"sku": "X"}, "ifMatch": 2},
    ]))
    .await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(answer["results"][2], json!({"count": 5}));
    assert_eq!((&answer["results"][3]["sku"], &answer["results"][3]["note"]), (&json!("Y"), &json!("new")));
    let check = async |request: Value, status: u16, at: &str| {
        let (got, problem) = transact(json!([request])).await;
        assert_eq!(
            (got, problem["errors"][0]["at"].as_str().unwrap_or_default()),
            (status, at),
            "{request}: {problem}"
        );
    };
    check(json!({"get": "items", "by": {"sku": "none"}}), 404, "").await;
    check(json!({"get": "items", "by": {"count": 1}}), 400, "/requests/0/by").await;
    check(json!({"get": "items", "by": {"number": "x", "shop": null}}), 400, "/requests/0/by/shop").await;
    check(json!({"get": "items", "by": {"secret": "1"}}), 400, "/requests/0/by/secret").await;
    check(json!({"delete": "items", "by": {"secret": "1"}}), 400, "/requests/0/by/secret").await;
    check(json!({"update": "items", "by": {"sku": "Y"}, "body": {"count": "x"}}), 422, "/requests/0/body/count").await;
    check(
        json!({"delete": "items", "by": {"sku": "Y"}, "id": "01890a5d-ac96-774b-bcce-b302099a8057"}),
        400,
        "/requests/0/by",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn me_is_the_account_that_calls() {
    let app = TestApp::open(MODEL);
    let ann = app.account("ann@example.org").await;
    let ann = [("authorization", ann.as_str())];
    let read = app.call("GET /api/users/me?select=email", &ann).await;
    assert_eq!((read.status, read.json()), (200, json!({"email": "ann@example.org"})));
    let changed = app.post("PATCH /api/users/me", &ann, r#"{"name": "Ann"}"#).await;
    assert_eq!((changed.status, &changed.json()["name"]), (200, &json!("Ann")));
    let anonymous = app.call("GET /api/users/me", &[]).await;
    assert_eq!((anonymous.status, anonymous.problem()), (401, "sign-in-required".to_owned()));
    let operator = app.operator("root@example.org").await;
    assert_eq!(app.call("GET /api/users/me", &[("authorization", &operator)]).await.status, 404);
    assert_eq!(app.call("GET /api/items/me", &ann).await.status, 404);
}

/// The example of docs/model.md.
fn album() -> String {
    let document = include_str!("../../../../docs/model.md");
    let example = document.split("```graphql\n").find(|example| example.contains("type Album"));
    let (example, _) = example.expect("the example").split_once("```").expect("its end");
    format!("extend schema @app(name: \"Albums\")\n{example}")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_is_linked_by_a_key_that_the_caller_does_not_see() {
    let check = async |model: &str, key: Value, expected: (u16, &str)| {
        let app = TestApp::open(model);
        let (ann, bob) = (app.account("ann@example.org").await, app.account("bob@example.org").await);
        let (ann, bob) = ([("authorization", ann.as_str())], [("authorization", bob.as_str())]);
        let shared = app.post("POST /api/albums", &ann, &json!({"guests": [key]}).to_string()).await;
        let at = shared.json()["errors"][0]["at"].as_str().unwrap_or_default().to_owned();
        assert_eq!((shared.status, at.as_str()), expected, "{key}: {}", shared.text());
        let seen = app.call("GET /api/albums?select=guests{email}", &bob).await.json()["items"].clone();
        let items = if shared.status == 201 { json!([{"guests": [{"email": "bob@example.org"}]}]) } else { json!([]) };
        assert_eq!(seen, items, "{key}");
        let people = app.call("GET /api/users?select=email", &ann).await.json()["items"].clone();
        assert_eq!(people, json!([{"email": "ann@example.org"}]), "who is linked isn't seen because of it");
        let found = app.call("GET /api/users:by?email=bob@example.org", &ann).await;
        assert_eq!(found.status, 404, "only a link finds them");
        let Some(id) = shared.json()["id"].as_str().map(str::to_owned) else { return };
        let kept = app.post(&format!("PATCH /api/albums/{id}"), &ann, r#"{"guests": []}"#).await;
        let removed = json!({"guests": {"$remove": [key]}}).to_string();
        let removed = app.post(&format!("PATCH /api/albums/{id}"), &ann, &removed).await;
        assert_eq!((kept.status, removed.status), (200, 200), "{}", removed.text());
        assert_eq!(app.call("GET /api/albums", &bob).await.json()["items"], json!([]), "{key}");
    };
    let model = album();
    let bob = json!({"email": "BOB@example.org"});
    check(&model, bob.clone(), (201, "")).await;
    check(&model, json!({"email": "eve@example.org"}), (422, "/guests/0")).await;
    let nobody = |rule: &str| model.replace(rule, &rule.replace("auth.id != null", "false"));
    let of_type = r#"@allow(read: "this.id == auth.id", refer: "auth.id != null") {"#;
    check(&nobody(of_type), bob.clone(), (422, "/guests/0")).await;
    let of_field = r#"@unique @allow(read: "this.id == auth.id", refer: "auth.id != null")"#;
    check(&nobody(of_field), bob.clone(), (422, "/guests/0")).await;
    let some = "this.email == 'bob@example.org'";
    let only = |rule: &str, to: &str| model.replace(rule, &rule.replace("auth.id != null", to));
    check(&only(of_field, some), bob.clone(), (201, "")).await;
    check(&only(of_type, some), bob.clone(), (201, "")).await;
    check(&only(of_type, "this.email == 'ann@example.org'"), bob, (422, "/guests/0")).await;
}

const NOTED: &str = r#"
extend schema @app(name: "Notes")
type User @identity @allow(read: "this.id == auth.id") { email: Email! @unique  name: String }
type Setting @allow(read: "this.user == auth.id", create: "auth.id != null", update: "this.user == auth.id", delete: "this.user == auth.id")
  @unique(fields: ["user", "name"]) {
  user: User @set(on: CREATE, to: "auth.id")
  name: String!
  data: JSON!
}
"#;

#[tokio::test(flavor = "multi_thread")]
async fn me_stands_for_the_caller_in_a_key() {
    let app = TestApp::open(NOTED);
    let (ann, bob) = (app.account("ann@example.org").await, app.account("bob@example.org").await);
    let (ann, bob) = ([("authorization", ann.as_str())], [("authorization", bob.as_str())]);
    let set = async |who: &[(&str, &str)], data: i64| {
        let body = json!([{"name": "theme", "data": data}]).to_string();
        let reply = app.post("POST /api/settings?onConflict=user,name&select=data", who, &body).await;
        (reply.status, reply.json())
    };
    // The model gives the caller as a part of the key.
    assert_eq!(set(&ann, 1).await, (201, json!([{"outcome": "created", "record": {"data": 1}}])));
    assert_eq!(set(&ann, 2).await, (200, json!([{"outcome": "updated", "record": {"data": 2}}])));
    assert_eq!(set(&bob, 3).await.0, 201);

    let at = "/api/settings:by?name=theme&user=me";
    let data = async |who: &[(&str, &str)]| {
        let reply = app.call(&format!("GET {at}&select=data"), who).await;
        (reply.status, reply.json()["data"].clone())
    };
    assert_eq!((data(&ann).await, data(&bob).await), ((200, json!(2)), (200, json!(3))));
    let changed = app.post(&format!("PATCH {at}"), &ann, r#"{"data": 4}"#).await;
    assert_eq!((changed.status, data(&ann).await.1, data(&bob).await.1), (200, json!(4), json!(3)));
    assert_eq!(app.call(&format!("DELETE {at}"), &ann).await.status, 204);
    assert_eq!((data(&ann).await.0, data(&bob).await.0), (404, 200));
    let nobody = app.call(&format!("GET {at}"), &[]).await;
    assert_eq!(told(&nobody).0, 401, "{}", nobody.text());
}

const POSTS: &str = r#"
extend schema @app(name: "Posts")
type User @identity @allow(read: "true") { email: Email! @unique  name: String }
type Post
  @allow(read: "true", create: "auth.id != null", update: "this.author == auth.id", delete: "this.author == auth.id")
  @unique(fields: ["author", "title"]) { title: String!  author: User @set(on: CREATE, to: "auth.id") }
"#;

/// In lists, groups, changes by a filter and transactions, as parameters and in bodies.
#[tokio::test(flavor = "multi_thread")]
async fn me_stands_for_the_caller_in_a_comparison() {
    let app = TestApp::open(POSTS);
    let (ann, bob) = (app.account("ann@example.org").await, app.account("bob@example.org").await);
    let (ann, bob) = ([("authorization", ann.as_str())], [("authorization", bob.as_str())]);
    for (who, title) in [(&ann, "A"), (&ann, "B"), (&bob, "A")] {
        let made = app.post("POST /api/posts", who, &json!({ "title": title }).to_string()).await;
        assert_eq!(made.status, 201, "{}", made.text());
    }
    let one = json!({ "items": [{ "title": "A" }], "next": null });
    let two = json!({ "items": [{ "title": "A" }, { "title": "B" }], "next": null });
    let list = "GET /api/posts?author=me&select=title&sort=title";
    assert_eq!(app.call(list, &ann).await.json(), two);
    assert_eq!(app.call(list, &bob).await.json(), one);
    let query = json!({ "where": { "author": "me" }, "select": "title", "sort": "title" });
    assert_eq!(app.post("POST /api/posts:query", &ann, &query.to_string()).await.json(), two);
    let groups = app.call("GET /api/posts:aggregate?author=me&select=count", &ann).await.json();
    assert_eq!(groups["items"], json!([{ "count": 2 }]));
    let matched = app.call("DELETE /api/posts?author=me&dryRun=true", &bob).await.json();
    assert_eq!(matched["matched"], 1, "{matched}");
    let requests = json!({ "requests": [
        { "list": "posts", "query": query },
        { "update": "posts", "by": { "author": "me", "title": "A" }, "body": { "title": "C" }, "select": "title" },
        { "create": "posts", "as": "d", "body": { "title": "D" } },
        { "get": "posts", "by": { "author": "me", "title": { "$ref": "d.title" } }, "select": "title" },
    ]});
    let together = app.post("POST /transact", &bob, &requests.to_string()).await;
    assert_eq!(together.status, 200, "{}", together.text());
    let results = together.json()["results"].clone();
    assert_eq!((&results[0], &results[1]["title"], &results[3]), (&one, &json!("C"), &json!({ "title": "D" })));
    for line in [list, "GET /api/posts:aggregate?author=me"] {
        let nobody = app.call(line, &[]).await;
        assert_eq!(told(&nobody).0, 401, "{line}: {}", nobody.text());
    }
    let key = app.key(&["posts:search".to_owned()]).await;
    assert_eq!(told(&app.call(list, &[("authorization", &key)]).await).0, 400);
}

/// A link can't come and go at once, however it is named.
#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_is_added_and_removed_is_refused() {
    let app = TestApp::open(&album());
    let ann = app.account("ann@example.org").await;
    let headers = [("authorization", ann.as_str())];
    let made = app.post("POST /api/albums", &headers, "{}").await;
    let path = format!("PATCH /api/albums/{}", made.json()["id"].as_str().expect("an id"));
    let me = app.call("GET /auth/me", &headers).await.json()["account"]["id"].clone();
    let key = json!({ "email": "ann@example.org" });
    for (one, other) in [(&me, &me), (&key, &key), (&me, &key), (&key, &me)] {
        let body = json!({ "guests": { "$add": [one], "$remove": [other] } });
        let refused = app.post(&path, &headers, &body.to_string()).await;
        let at = refused.json()["errors"][0]["at"].clone();
        assert_eq!((refused.status, at), (422, json!("/guests/$remove/0")), "{body}: {}", refused.text());
    }
}
