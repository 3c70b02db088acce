//! What has changed since a client last asked.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};

use backstay_base::Timestamp;
use backstay_engine::LogHorizon;
use backstay_testkit::{Reply, TestApp};
use futures_util::future::{join, join_all};
use serde_json::{Value, json};
use tokio::task::yield_now;

const LISTS: &str = r#"
extend schema @app(name: "Lists")
type User @identity @allow(read: "auth.id != null") { email: Email! @unique name: String }
type Item
  @allow(read: "this.owner == auth.id || this.guest == auth.id", create: "auth.id != null")
  @allow(update: "this.owner == auth.id", delete: "this.owner == auth.id || this.guest == auth.id")
  @trash(keep: "30d") {
  name: String!
  secret: String @allow(read: "false")
  owner: User! @set(on: CREATE, to: "auth.id")
  guest: User
  tags: [Tag!]
}
type Tag @allow(read: "true", create: "true", update: "true", delete: "true") @key(type: INT) { name: String! items: [Item!] @inverse(field: "tags") }
"#;

/// A client that follows a collection.
struct Follower<'a> {
    app: &'a TestApp,
    token: String,
    next: String,
}

impl<'a> Follower<'a> {
    async fn begin(app: &'a TestApp, email: &str) -> Self {
        let token = app.account(email).await;
        let begun = app.call("GET /api/items:changes", &[("authorization", &token)]).await;
        assert_eq!(begun.status, 200, "{}", begun.text());
        let mut begun = begun.json();
        let next = take_mark(&mut begun);
        assert_eq!(begun, json!({ "items": [], "removed": [], "more": false }));
        Self { app, token, next }
    }

    async fn ask(&self, query: &str) -> Reply {
        let line = format!("GET /api/items:changes?since={}{query}", self.next);
        self.app.call(&line, &[("authorization", &self.token)]).await
    }

    /// What has changed, and goes on from there.
    async fn follow(&mut self, query: &str) -> Value {
        let reply = self.ask(query).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        let mut answer = reply.json();
        self.next = take_mark(&mut answer);
        answer
    }

    async fn write(&self, line: &str, body: &Value) -> Value {
        let reply = self.app.post(line, &[("authorization", &self.token)], &body.to_string()).await;
        assert!(reply.status < 300, "{line}: {}", reply.text());
        if reply.text().is_empty() { Value::Null } else { reply.json() }
    }

    async fn add(&self, name: &str) -> String {
        self.write("POST /api/items", &json!({ "name": name })).await["id"].as_str().expect("an id").to_owned()
    }

    async fn remove(&self, id: &str) {
        let gone = self.app.call(&format!("DELETE /api/items/{id}"), &[("authorization", &self.token)]).await;
        assert_eq!(gone.status, 204, "{}", gone.text());
    }
}

/// Takes what differs each time out of an answer.
fn take_mark(answer: &mut Value) -> String {
    let mark = answer.as_object_mut().expect("an object").remove("next");
    mark.as_ref().and_then(Value::as_str).expect("a mark").to_owned()
}

fn names(answer: &Value) -> Vec<&str> {
    answer["items"].as_array().expect("items").iter().filter_map(|item| item["name"].as_str()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_follows_what_is_created_changed_and_removed() {
    let app = TestApp::open(LISTS);
    let mut ada = Follower::begin(&app, "ada@example.org").await;
    let (milk, bread) = (ada.add("Milk").await, ada.add("Bread").await);
    let got = ada.follow("&select=id,name").await;
    let expected = json!([{ "id": milk, "name": "Milk" }, { "id": bread, "name": "Bread" }]);
    assert_eq!(got, json!({ "items": expected, "removed": [], "more": false }));
    assert_eq!(ada.follow("").await, json!({ "items": [], "removed": [], "more": false }));

    ada.write(&format!("PATCH /api/items/{milk}"), &json!({ "name": "Oat milk" })).await;
    ada.write(&format!("PATCH /api/items/{milk}"), &json!({ "name": "Soy milk" })).await;
    ada.remove(&bread).await;
    let got = ada.follow("&select=name,version").await;
    let removed = json!([{ "id": bread, "version": 2 }]);
    assert_eq!(got, json!({ "items": [{ "name": "Soy milk", "version": 3 }], "removed": removed, "more": false }));

    ada.write(&format!("POST /api/items/{bread}:restore"), &json!({})).await;
    let tag = ada.write("POST /api/tags", &json!({ "name": "Food" })).await["id"].clone();
    ada.write(&format!("PATCH /api/items/{milk}"), &json!({ "tags": { "$add": [tag] } })).await;
    let got = ada.follow("&select=name,tags{name}").await;
    let expected = json!([{ "name": "Soy milk", "tags": [{ "name": "Food" }] }, { "name": "Bread", "tags": [] }]);
    assert_eq!(got["items"], expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn records_with_numbers_as_keys_are_followed() {
    let app = TestApp::open(LISTS);
    let begun = app.call("GET /api/tags:changes", &[]).await.json();
    app.post("POST /api/tags", &[], r#"{"name": "Food"}"#).await;
    let line = format!("GET /api/tags:changes?since={}&select=id,name", begun["next"].as_str().expect("a mark"));
    assert_eq!(app.call(&line, &[]).await.json()["items"], json!([{ "id": 1, "name": "Food" }]));
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_pass_nothing_over_within_one_commit_too() {
    let app = TestApp::open(LISTS);
    let mut ada = Follower::begin(&app, "ada@example.org").await;
    let all: Vec<String> = (0..7).map(|number| format!("item {number}")).collect();
    let body: Vec<Value> = all.iter().map(|name| json!({ "name": name })).collect();
    ada.write("POST /api/items", &Value::Array(body)).await;
    ada.add("last").await;
    let mut got = Vec::new();
    for expected in [3, 3, 2] {
        let page = ada.follow("&limit=3").await;
        assert_eq!((names(&page).len(), &page["more"]), (expected, &json!(expected == 3)), "{page}");
        got.extend(names(&page).into_iter().map(str::to_owned));
    }
    got.sort_unstable();
    assert_eq!(got, all.into_iter().chain(["last".to_owned()]).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_others_shows() {
    let app = TestApp::open(LISTS);
    let (mut ada, bob) =
        (Follower::begin(&app, "ada@example.org").await, Follower::begin(&app, "bob@example.org").await);
    let quiet = ada.follow("").await;
    let hidden = bob.add("Hidden").await;
    for number in 0..10 {
        bob.add(&format!("Hidden {number}")).await;
    }
    bob.remove(&hidden).await;
    let before = ada.next.clone();
    assert_eq!(ada.follow("&limit=2").await, quiet, "changes of hidden records don't even make a page");
    assert_eq!(ada.next.len(), before.len(), "marks tell nothing of how many there were");
    let mine = ada.add("Mine").await;
    for number in 0..10 {
        bob.add(&format!("More {number}")).await;
    }
    let got = ada.follow("&limit=2&select=id").await;
    assert_eq!(got, json!({ "items": [{ "id": mine }], "removed": [], "more": false }));
    let got = ada.ask("&select=secret").await;
    assert_eq!(got.status, 400, "{}", got.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_input_is_refused() {
    let app = TestApp::open(LISTS);
    let mut ada = Follower::begin(&app, "ada@example.org").await;
    let check = async |ada: &Follower<'_>, query: &str, at: &str| {
        let refused = ada.ask(query).await;
        assert_eq!((refused.status, refused.problem().as_str()), (400, "malformed-request"), "{query}");
        assert_eq!(refused.json()["errors"][0]["at"], at, "{query}: {}", refused.text());
    };
    check(&ada, "&limit=0", "limit").await;
    check(&ada, "&limit=501", "limit").await;
    check(&ada, "&filter=true", "filter").await;
    check(&ada, "&select=nope", "select").await;
    check(&ada, "&$changedRecordIds=x", "$changedRecordIds").await;
    ada.next = "1".to_owned();
    check(&ada, "", "since").await;
    ada.next = "A".repeat(48);
    check(&ada, "", "since").await;
    assert_eq!(app.call("GET /api/items:changes", &[]).await.status, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_are_gone_once_the_log_is_pruned() {
    let app = TestApp::open(LISTS);
    let mut ada = Follower::begin(&app, "ada@example.org").await;
    ada.add("Milk").await;
    ada.add("Bread").await;
    let horizon = LogHorizon { before: Timestamp::EPOCH, through: u64::MAX, needed_from: None };
    app.services.engine.prune_log(horizon).await.expect("it is pruned");
    let gone = ada.ask("").await;
    assert_eq!((gone.status, gone.problem().as_str()), (410, "changes-gone"), "{}", gone.text());
    assert!(!gone.text().contains(&ada.next), "{}", gone.text());

    // A mark at the entry that stays is as good as before.
    let mut begun = app.call("GET /api/items:changes", &[("authorization", &ada.token)]).await.json();
    ada.next = take_mark(&mut begun);
    app.services.engine.prune_log(horizon).await.expect("there is nothing to prune");
    ada.add("Rolls").await;
    assert_eq!(names(&ada.follow("").await), ["Rolls"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mark_of_another_database_is_refused() {
    let (app, other) = (TestApp::open(LISTS), TestApp::open(LISTS));
    let mut ada = Follower::begin(&app, "ada@example.org").await;
    ada.next = Follower::begin(&other, "ada@example.org").await.next;
    assert_eq!(ada.ask("").await.status, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_counts_as_changed_once_it_is_in_somebodys_reach() {
    let app = TestApp::open(LISTS);
    let (ada, mut bob) =
        (Follower::begin(&app, "ada@example.org").await, Follower::begin(&app, "bob@example.org").await);
    let (given, gone) = (ada.add("Given").await, ada.add("Gone").await);
    ada.remove(&gone).await;
    let users = bob.app.call("GET /api/users?email=bob@example.org", &[("authorization", &bob.token)]).await.json();
    let of_bob = &users["items"][0]["id"];
    let nothing = json!({ "items": [], "removed": [], "more": false });
    assert_eq!(bob.follow("").await, nothing);
    ada.write(&format!("PATCH /api/items/{given}"), &json!({ "guest": of_bob })).await;
    assert_eq!(names(&bob.follow("").await), ["Given"]);
    ada.write(&format!("PATCH /api/items/{given}"), &json!({ "guest": null })).await;
    assert_eq!(bob.follow("").await, nothing, "that it is out of reach isn't told");
    ada.write(&format!("PATCH /api/items/{given}"), &json!({ "guest": of_bob })).await;
    assert_eq!(names(&bob.follow("").await), ["Given"]);
    let purged = app.call(&format!("POST /api/items/{given}:purge"), &[("authorization", &bob.token)]).await;
    assert_eq!(purged.status, 404, "{}", purged.text());
    bob.remove(&given).await;
    let purged = app.call(&format!("POST /api/items/{given}:purge"), &[("authorization", &bob.token)]).await;
    assert_eq!(purged.status, 204, "{}", purged.text());
    assert_eq!(
        bob.follow("").await,
        json!({ "items": [], "removed": [], "more": false }),
        "a purged record is nowhere"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_may_not_list_may_not_follow() {
    let app = TestApp::open(LISTS);
    let key = app.key(&["tags:get".to_owned()]).await;
    assert_eq!(app.call("GET /api/tags:changes", &[("authorization", &key)]).await.status, 403);
    let key = app.key(&["tags:search".to_owned()]).await;
    assert_eq!(app.call("GET /api/tags:changes", &[("authorization", &key)]).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_passed_over_while_many_write() {
    let app = TestApp::open(LISTS);
    let mut ada = Follower::begin(&app, "ada@example.org").await;
    let token = ada.token.as_str().to_owned();
    let writer = async |writer: u32| {
        let mut ids = Vec::new();
        for number in 0..10 {
            let body = format!(r#"{{"name": "{writer} {number}"}}"#);
            let reply = app.post("POST /api/items", &[("authorization", &token)], &body).await;
            assert_eq!(reply.status, 201, "{}", reply.text());
            ids.push(reply.json()["id"].as_str().expect("an id").to_owned());
        }
        ids
    };
    let writing = AtomicBool::new(true);
    let written = async {
        let ids = join_all((0..8).map(writer)).await;
        writing.store(false, Ordering::SeqCst);
        ids.concat()
    };
    let followed = async {
        let mut found = BTreeSet::new();
        loop {
            let is_last = !writing.load(Ordering::SeqCst);
            let page = ada.follow("&select=id&limit=7").await;
            let items = page["items"].as_array().expect("items");
            found.extend(items.iter().map(|item| item["id"].as_str().expect("an id").to_owned()));
            if is_last && page["more"] == false {
                return found;
            }
            yield_now().await;
        }
    };
    let (written, found) = join(written, followed).await;
    assert_eq!(found, written.into_iter().collect());
}
