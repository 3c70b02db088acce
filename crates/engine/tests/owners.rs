//! What an application and a pack say of one type: each owner must let an action happen, by its own clauses and in its own
//! names.

use std::sync::Arc;

use backstay_base::{Caller, RecordId};
use backstay_engine::Error;
use backstay_model::SourceFile;
use backstay_testkit::{TestApplication, TestClock, controlled};

const PACK: &str = r#"
extend schema @manifest(name: "one", version: "1.0") @rule(name: "mine", is: "this.by == auth.id")

enum Role @roles { ADMIN }
enum Standing { GOOD @initial @to(state: "BANNED", by: "admin") BANNED @to(state: "GOOD", by: "admin") }
extend schema @rule(name: "admin", is: "'ADMIN' in auth.roles")

type Person @identity {
  email: Email! @unique
  trusted: Boolean! @default(to: false)
  standing: Standing! @allow(read: "true")
  nick: String @allow(read: "true", create: "true", update: "true")
}

interface Rated @allow(read: "this.open") @history(read: "true") { open: Boolean! @default(to: true) }

type Note @history(read: "true")
  @allow(read: "this.open // or mine, by text(this.more)\n|| text(this.more) == '7'", create: "true", refer: "true")
  @allow(read: "mine", update: "mine", only: ["text", "more"]) {
  text: String
  more: Int
  open: Boolean! @default(to: true)
  by: Person @set(on: CREATE, to: "auth.id")
}
"#;

const APP: &str = r#"
extend schema @app(name: "A") @pack(name: "one", binds: [{name: "Rated", to: "Post"}])
  @rule(name: "mine", is: "true") @rule(name: "text", is: "'7'")

type User @identity @allow(read: "true", create: "true", update: "this.id == auth.id") {
  email: Email! @unique
  name: String
}

type Post @allow(read: "true", create: "mine", update: "mine") { title: String }

extend type Note
  @allow(read: "auth.id != null", update: "this.text != 'shut'", after: "new.more > this.more", only: ["more"])
  @allow(update: "admin") {
  mood: String
}
"#;

struct House {
    application: TestApplication,
    ann: Arc<Caller>,
    bob: Arc<Caller>,
    admin: Arc<Caller>,
}

impl House {
    async fn open() -> Self {
        let ambient = controlled(&TestClock::at("2026-01-31T12:00:00Z"), 7);
        let files = vec![SourceFile::app("model/a.graphql", APP), SourceFile::app("packs/one/o.graphql", PACK)];
        let application = TestApplication::open(files, ambient);
        let (seed, client) = (Arc::new(Caller::system()), application.client());
        let person = async |name: &str, roles: &[&str]| {
            let body = format!(r#"{{"email":"{name}@example.org"}}"#);
            let made = client.written(&seed, client.create("User", &body).expect("a request")).await;
            Arc::new(Caller::account(made.expect("a person").ids[0], roles.iter().copied()))
        };
        let (ann, bob, admin) = (person("ann", &[]).await, person("bob", &[]).await, person("eve", &["ADMIN"]).await);
        Self { application, ann, bob, admin }
    }

    async fn create(&self, caller: &Arc<Caller>, of: &str, body: &str) -> Result<RecordId, Error> {
        let client = self.application.client();
        client.written(caller, client.create(of, body)?).await.map(|written| written.ids[0])
    }

    async fn update(&self, caller: &Arc<Caller>, (of, id): (&str, RecordId), body: &str) -> &'static str {
        let client = self.application.client();
        let request = client.update(of, id, body);
        let written = match request {
            Ok(request) => client.written(caller, request).await.map(drop),
            Err(error) => Err(error),
        };
        code(written)
    }

    async fn get(&self, caller: &Arc<Caller>, (of, id): (&str, RecordId), select: Option<&str>) -> &'static str {
        let client = self.application.client();
        match client.get(of, id, select) {
            Ok(request) => code(client.found(caller, request).await),
            Err(error) => error.code(),
        }
    }

    async fn history(&self, caller: &Arc<Caller>, (of, id): (&str, RecordId)) -> usize {
        let client = self.application.client();
        let page = client.page(caller, client.history(of, id)).await;
        page.map_or(0, |page| String::from_utf8_lossy(&page.body).matches(r#""action":"#).count())
    }
}

fn code<T>(result: Result<T, Error>) -> &'static str {
    result.map_or_else(|error| error.code(), |_| "ok")
}

#[tokio::test]
async fn each_owner_lets_records_be_read_in_its_own_names() {
    let house = House::open().await;
    let anonymous = Arc::new(Caller::anonymous());
    let open = house.create(&house.ann, "Note", "{}").await.expect("a note");
    let shut = house.create(&house.ann, "Note", r#"{"open":false,"more":1}"#).await.expect("a note");
    let seven = house.create(&house.ann, "Note", r#"{"open":false,"more":7}"#).await.expect("a note");
    for (caller, note, expected) in [
        (&house.bob, open, "ok"),
        (&anonymous, open, "sign-in-required"),
        (&house.ann, shut, "ok"),
        (&house.bob, shut, "not-found"),
        (&house.bob, seven, "ok"),
    ] {
        assert_eq!(house.get(caller, ("Note", note), None).await, expected);
    }
}

#[tokio::test]
async fn each_owner_permits_the_whole_update() {
    let house = House::open().await;
    let note = house.create(&house.ann, "Note", r#"{"text":"a","more":1}"#).await.expect("a note");
    let update = async |caller: &Arc<Caller>, body: &str| house.update(caller, ("Note", note), body).await;
    assert_eq!(update(&house.ann, r#"{"more":2}"#).await, "ok");
    assert_eq!(update(&house.ann, r#"{"more":1}"#).await, "forbidden", "the application's `after:`");
    assert_eq!(update(&house.ann, r#"{"text":"x","more":3}"#).await, "invalid-values", "the application's `only:`");
    assert_eq!(update(&house.ann, r#"{"mood":"x"}"#).await, "invalid-values", "the pack's `only:`");
    assert_eq!(update(&house.bob, r#"{"more":5}"#).await, "forbidden", "the pack's rule");
    assert_eq!(update(&house.admin, r#"{"more":5}"#).await, "forbidden", "the pack's rule");
    let own = house.create(&house.admin, "Note", r#"{"text":"shut"}"#).await.expect("a note");
    let update = async |body: &str| house.update(&house.admin, ("Note", own), body).await;
    assert_eq!(update(r#"{"text":"open","more":1}"#).await, "ok", "another clause of the application");
}

#[tokio::test]
async fn an_explanation_names_the_owners() {
    let house = House::open().await;
    let note = house.create(&house.ann, "Note", r#"{"text":"shut","more":1}"#).await.expect("a note");
    let client = house.application.client();
    let request = client.update("Note", note, r#"{"more":2}"#).expect("a request");
    let explained = client.explain(&house.ann, request).await.expect("an explanation");
    let rules: Vec<String> =
        explained.rules.iter().map(|rule| format!("{} at {}: {}", rule.of, rule.place, rule.answer)).collect();
    assert_eq!(
        rules,
        [
            "Note read by the pack `one` (1 of 2) at packs/one/o.graphql:18: true",
            "Note read by the pack `one` (2 of 2) at packs/one/o.graphql:19: true",
            "Note read by the application at model/a.graphql:13: true",
            "Note update by the pack `one` at packs/one/o.graphql:19: true",
            "Note update by the application (1 of 2) at model/a.graphql:13: false",
            "Note update by the application (2 of 2) at model/a.graphql:14: false",
        ]
    );
}

#[tokio::test]
async fn what_a_pack_lets_nobody_do_with_its_fields_is_refused() {
    let house = House::open().await;
    let ann = house.ann.id.expect("an account");
    let update = async |caller: &Arc<Caller>, body: &str| house.update(caller, ("User", ann), body).await;
    assert_eq!(update(&house.ann, r#"{"name":"Ann","nick":"a"}"#).await, "ok");
    assert_eq!(update(&house.ann, r#"{"trusted":true}"#).await, "invalid-values");
    assert_eq!(update(&house.ann, r#"{"standing":"BANNED"}"#).await, "invalid-values");
    assert_eq!(update(&house.admin, r#"{"standing":"BANNED"}"#).await, "ok", "the pack's transition");
    assert_eq!(update(&house.ann, r#"{"standing":"GOOD"}"#).await, "invalid-values");
    let anonymous = Arc::new(Caller::anonymous());
    let sent = [r#"{"email":"x@example.org","trusted":true}"#, r#"{"email":"x@example.org","nick":"x"}"#];
    assert_eq!(code(house.create(&anonymous, "User", sent[0]).await), "invalid-values");
    assert_eq!(code(house.create(&anonymous, "User", sent[1]).await), "ok");
    assert_eq!(house.get(&house.bob, ("User", ann), Some("nick,name")).await, "ok");
    assert_eq!(house.get(&house.bob, ("User", ann), Some("trusted")).await, "malformed-request");
}

#[tokio::test]
async fn an_interface_of_a_pack_narrows_the_types_that_it_is_bound_to() {
    let house = House::open().await;
    let post = house.create(&house.ann, "Post", r#"{"title":"x","open":false}"#).await.expect("a post");
    let open = house.create(&house.ann, "Post", r#"{"title":"x"}"#).await.expect("a post");
    assert_eq!(house.get(&house.bob, ("Post", post), None).await, "not-found");
    assert_eq!(house.get(&house.bob, ("Post", open), None).await, "ok");
}

#[tokio::test]
async fn a_history_shows_what_every_owner_lets_be_read() {
    let house = House::open().await;
    let note = house.create(&house.ann, "Note", "{}").await.expect("a note");
    let post = house.create(&house.ann, "Post", "{}").await.expect("a post");
    let anonymous = Arc::new(Caller::anonymous());
    assert_eq!(house.history(&house.bob, ("Note", note)).await, 1);
    assert_eq!(house.history(&anonymous, ("Note", note)).await, 0, "the application's rule");
    assert_eq!(house.history(&anonymous, ("Post", post)).await, 1);
}
