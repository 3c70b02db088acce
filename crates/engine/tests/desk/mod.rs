//! A small newsroom that the engine's tests share.
#![allow(dead_code, reason = "each test binary uses a part")]

use std::fmt::Debug;
use std::sync::Arc;

use backstay_base::{Caller, Error, Place, RecordId, Violation};
use backstay_engine::{Context, Engine, Found, IfMatch, Written};
use backstay_model::{CollectionId, SourceFile};
use backstay_rest::ListWords;
use backstay_store::{OpenOptions, Store};
use backstay_testkit::{TestApplication, TestClient, TestClock, controlled};
use serde_json::Value as Json;

pub(crate) const MODEL: &str = r#"
extend schema
  @app(name: "Desk")
  @rule(name: "editor", is: "'EDITOR' in auth.roles")

enum Role @roles { EDITOR WRITER }

type User @identity @allow(read: "auth.id != null", create: "editor", update: "this.id == auth.id", delete: "editor") {
  email: Email! @unique @allow(read: "this.id == auth.id || editor")
  name: String!
  salary: Decimal @precision(digits: 8, scale: 2) @allow(read: "editor", create: "editor", update: "editor")
  token: String @class(is: SECRET)
  sections: [Section!]
}

type Section @allow(read: "true", create: "editor", update: "editor", delete: "editor") {
  name: String! @unique
  parent: Section @onDelete(do: SET_NULL)
  parts: [Section!] @inverse(field: "parent")
  members: [User!] @inverse(field: "sections")
  posts: [Post!] @inverse(field: "section")
}

enum State {
  DRAFT @initial @to(state: "REVIEW")
  REVIEW @to(state: "PUBLISHED", when: "editor", set: [{ field: "publishedAt", to: "now" }]) @to(state: "DRAFT")
  PUBLISHED
}

type Post
  @allow(
    read: "this.state == 'PUBLISHED' || this.author == auth.id || editor"
    create: "this.section.members.exists(m, m == auth.id)"
    update: "this.author == auth.id || editor"
    delete: "this.author == auth.id && this.state == 'DRAFT' || editor"
  )
  @index(fields: ["state", "publishedAt"]) {
  title: String! @check(rule: "size(this.title) <= 20", message: "at most 20 characters")
  body: Text! @default(to: "…")
  state: State!
  section: Section! @onDelete(do: RESTRICT)
  author: User! @onDelete(do: CASCADE) @set(on: CREATE, to: "auth.id")
  publishedAt: DateTime @readonly
  slug: String @immutable @unique
  words: Int
  score: Float
  fee: Money
  data: JSON
  runsOn: Date
  labels: [String!]
  tags: [Tag!]
  comments: [Comment!] @inverse(field: "post")
}

type Tag @allow(read: "true", create: "auth.id != null", delete: "editor") {
  name: String! @unique
  posts: [Post!] @inverse(field: "tags")
}

type Comment
  @allow(read: "this.post.state == 'PUBLISHED' && !this.hidden", create: "auth.id != null", update: "editor", delete: "editor") {
  post: Post! @onDelete(do: CASCADE)
  text: String!
  hidden: Boolean! @default(to: false)
}
"#;

/// Types that only some tests need.
pub(crate) const MORE: &str = r#"
type Team @allow(read: "true", create: "editor", update: "editor", delete: "editor") {
  name: String!
  lead: Membership
  deputy: Membership @onDelete(do: CASCADE)
  memberships: [Membership!] @inverse(field: "team")
}

type Membership @allow(read: "true", create: "editor", update: "editor", delete: "editor") {
  team: Team! @onDelete(do: CASCADE)
  next: Membership @onDelete(do: CASCADE)
  name: String!
}

"What only editors see."
type Complaint @allow(read: "editor", create: "auth.id != null", delete: "editor") {
  about: Tag! @onDelete(do: RESTRICT)
}

"What nobody but its owner sees."
type Input @allow(read: "this.owner == auth.id", create: "auth.id != null") {
  owner: User @set(on: CREATE, to: "auth.id")
  name: String!
  number: Int @unique @allow(read: "editor")
}

type Folder @allow(read: "true", create: "auth.id != null", update: "auth.id != null") {
  drafts: [Input!]
  first: Input @check(rule: "this.first.name == 'open'", message: "an open draft")
}

type Essay @allow(read: "true", create: "true", update: "true") {
  long: Text! @length(max: 8000000)
  details: JSON
  others: [Essay!]
}

"Nine texts that are larger than an answer together."
type Wide @allow(read: "true", create: "true", update: "true") {
  t0: Text @length(max: 3000000)
  t1: Text @length(max: 3000000)
  t2: Text @length(max: 3000000)
  t3: Text @length(max: 3000000)
  t4: Text @length(max: 3000000)
  t5: Text @length(max: 3000000)
  t6: Text @length(max: 3000000)
  t7: Text @length(max: 3000000)
  t8: Text @length(max: 3000000)
}

type Safe @allow(read: "true", create: "true", update: "true") {
  number: Int @class(is: SECRET)
  text: String @class(is: SECRET)
  document: JSON @class(is: SECRET)
}

type Place @allow(read: "true", create: "true", delete: "true") { name: String! }

"Its checks hold for no reference and for both, and not for one alone."
type Trip @allow(read: "editor", create: "true") {
  from: Place @onDelete(do: SET_NULL) @check(rule: "(this.from == null) == (this.to == null)", message: "both or none")
  to: Place @onDelete(do: SET_NULL)
  must: Place @onDelete(do: SET_NULL) @check(rule: "this.must != null || !this.strict", message: "strict")
  strict: Boolean! @default(to: false)
  diagnosis: String @class(is: MEDICAL)
}

enum Visa { ASKED @initial @to(state: "GIVEN", when: "this.applicant.sections.exists(s, s.name == 'Politics')") GIVEN }

type Request
  @allow(read: "auth.id != null", create: "auth.id != null", update: "auth.id != null", delete: "auth.kind != 'ACCOUNT' || editor") {
  applicant: User! @set(on: CREATE, to: "auth.id")
  changedBy: User @set(on: WRITE, to: "auth.id") @onDelete(do: SET_NULL)
  visa: Visa!
  details: JSON
  "Nobody but editors sees or gives it."
  score: Int @default(to: 7) @allow(read: "editor", create: "editor", update: "editor")
  "Everybody may give it, nobody but editors sees it."
  vote: Int @allow(read: "editor")
  "It is given once."
  secret: String @immutable @allow(read: "editor")
  fine: Decimal @precision(digits: 10, scale: 4)
  charged: Decimal @precision(digits: 10, scale: 2) @set(on: WRITE, to: "this.fine")
  "As long as a text may be."
  copied: String @set(on: WRITE, to: "this.long")
  long: Text
}
"#;

/// The newsroom with an editor, two members of its section and a stranger.
pub(crate) struct Desk {
    pub(crate) application: TestApplication,
    pub(crate) clock: TestClock,
    pub(crate) editor: Arc<Caller>,
    pub(crate) ada: Arc<Caller>,
    pub(crate) bob: Arc<Caller>,
    pub(crate) eve: Arc<Caller>,
    pub(crate) section: RecordId,
}

impl Desk {
    pub(crate) async fn open() -> Self {
        let clock = TestClock::at("2026-01-31T12:00:00Z");
        let ambient = controlled(&clock, 7);
        let files = [("model/desk.graphql", MODEL), ("model/more.graphql", MORE)];
        let files = files.map(|(name, text)| SourceFile::app(name, text));
        let application = TestApplication::open(files.to_vec(), ambient);
        let editor = Arc::new(Caller::account(application.engine.next_id(), ["EDITOR"]));
        let nobody = Arc::new(Caller::anonymous());
        let section = application.engine.next_id();
        let (ada, bob, eve) = (Arc::clone(&nobody), Arc::clone(&nobody), nobody);
        let mut desk = Self { application, clock, editor, ada, bob, eve, section };
        desk.section = desk.made("Section", &desk.editor, r#"{"name":"Politics"}"#).await;
        let join = format!(r#","sections":["{}"]"#, desk.section);
        desk.ada = desk.person("ada", &join).await;
        desk.bob = desk.person("bob", &join).await;
        desk.eve = desk.person("eve", "").await;
        desk
    }

    async fn person(&self, name: &str, more: &str) -> Arc<Caller> {
        let body = format!(r#"{{"email":"{name}@example.org","name":"{name}"{more}}}"#);
        Arc::new(Caller::account(self.made("User", &self.editor, &body).await, ["WRITER"]))
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.application.engine
    }

    pub(crate) fn collection(&self, name: &str) -> CollectionId {
        self.engine().model().collection_named(name).expect("a collection of the model").id
    }

    pub(crate) fn cx(&self, caller: &Arc<Caller>) -> Context {
        Context::new(self.engine(), Arc::clone(caller))
    }

    pub(crate) fn client(&self) -> TestClient {
        self.application.client()
    }

    pub(crate) async fn create(&self, of: &str, caller: &Arc<Caller>, body: &str) -> Result<Written, Error> {
        let client = self.client();
        client.written(caller, client.create(of, body)?).await
    }

    /// Creates under the idempotency key `k`.
    pub(crate) async fn create_once(&self, of: &str, caller: &Arc<Caller>, body: &str) -> Result<Written, Error> {
        let client = self.client();
        client.written(caller, client.create_once(of, body, "k")?).await
    }

    pub(crate) async fn made(&self, of: &str, caller: &Arc<Caller>, body: &str) -> RecordId {
        self.create(of, caller, body).await.expect("the record is made").ids[0]
    }

    /// A draft of Ada's.
    pub(crate) async fn post(&self, more: &str) -> RecordId {
        let body = format!(r#"{{"title":"Budget","section":"{}"{more}}}"#, self.section);
        self.made("Post", &self.ada, &body).await
    }

    pub(crate) async fn published(&self, more: &str) -> RecordId {
        let id = self.post(more).await;
        for state in ["REVIEW", "PUBLISHED"] {
            let body = format!(r#"{{"state":"{state}"}}"#);
            self.update("Post", &self.editor, id, &body).await.expect("an editor publishes");
        }
        id
    }

    pub(crate) async fn get(&self, of: &str, caller: &Arc<Caller>, id: RecordId) -> Result<Json, Error> {
        self.select(of, caller, id, None).await
    }

    pub(crate) async fn select(
        &self,
        of: &str,
        caller: &Arc<Caller>,
        id: RecordId,
        select: Option<&str>,
    ) -> Result<Json, Error> {
        let found = self.found(of, caller, id, select).await?;
        Ok(serde_json::from_slice(&found.body).expect("JSON"))
    }

    pub(crate) async fn found(
        &self,
        of: &str,
        caller: &Arc<Caller>,
        id: RecordId,
        select: Option<&str>,
    ) -> Result<Found, Error> {
        let client = self.client();
        client.found(caller, client.get(of, id, select)?).await
    }

    pub(crate) async fn update(
        &self,
        of: &str,
        caller: &Arc<Caller>,
        id: RecordId,
        body: &str,
    ) -> Result<Written, Error> {
        self.update_if(of, caller, id, body, None).await
    }

    pub(crate) async fn update_if(
        &self,
        of: &str,
        caller: &Arc<Caller>,
        id: RecordId,
        body: &str,
        if_match: Option<IfMatch>,
    ) -> Result<Written, Error> {
        let client = self.client();
        client.written(caller, client.update_if(of, id, body, if_match)?).await
    }

    /// An update whose answer has no body.
    pub(crate) async fn minimal(
        &self,
        of: &str,
        caller: &Arc<Caller>,
        id: RecordId,
        body: &str,
    ) -> Result<Written, Error> {
        let client = self.client();
        let mut request = client.update(of, id, body)?;
        if let Some(options) = request.options_mut() {
            options.minimal = true;
        }
        client.written(caller, request).await
    }

    /// The entries of the commit log. Ends the application.
    pub(crate) async fn log(self) -> Vec<Vec<u8>> {
        let Self { application, clock, .. } = self;
        let model = Arc::clone(application.engine.model());
        let directory = application.into_directory();
        let options = OpenOptions::new(directory.path());
        let ambient = controlled(&clock, 8);
        let opened = Store::open(&options, &model, ambient, Arc::new(())).expect("the database opens");
        let entries = opened.store.log(1, 10_000).await.expect("the log");
        entries.into_iter().map(|entry| entry.entry).collect()
    }

    pub(crate) async fn delete(&self, of: &str, caller: &Arc<Caller>, id: RecordId) -> Result<Written, Error> {
        let client = self.client();
        client.written(caller, client.delete(of, id)).await
    }

    /// The whole body of a list.
    pub(crate) async fn page<'w>(
        &self,
        of: &str,
        caller: &Arc<Caller>,
        change: impl FnOnce(&mut ListWords<'w>),
    ) -> Result<Json, Error> {
        let client = self.client();
        let page = client.page(caller, client.list(of, change)?).await?;
        Ok(serde_json::from_slice(&page.body).expect("JSON"))
    }

    /// The values of one field of the records on a page.
    pub(crate) async fn column<'w>(
        &self,
        of: &str,
        caller: &Arc<Caller>,
        field: &str,
        change: impl FnOnce(&mut ListWords<'w>),
    ) -> Result<String, Error> {
        let page = self.page(of, caller, change).await?;
        let items = page["items"].as_array().expect("items").iter();
        let values: Vec<String> = items.map(|item| item[field].to_string().replace('"', "")).collect();
        Ok(values.join(" "))
    }
}

/// What a caller is told, by the values of the error: `ok`, or its code with what was wrong first and how much more.
/// The wording is tested beside the doors.
pub(crate) fn told<T>(result: Result<T, Error>) -> String {
    let Err(error) = result else { return "ok".to_owned() };
    let code = error.code();
    match &error {
        Error::Malformed(violations) | Error::Invalid(violations) => {
            let Violation { at, kind } = &violations[0];
            let more = if violations.len() > 1 { format!(" and {} more", violations.len() - 1) } else { String::new() };
            let place = if *at == Place::Whole { String::new() } else { format!(" {at}") };
            format!("{code}:{place} {}{more}", variant(kind))
        }
        Error::Forbidden { action, .. } => format!("{code}: {}", action.name()),
        Error::Conflict(conflict) => format!("{code}: {}", variant(conflict)),
        _ => code.to_owned(),
    }
}

/// The name of an enum's variant.
fn variant(value: &impl Debug) -> String {
    let text = format!("{value:?}");
    text.chars().take_while(char::is_ascii_alphanumeric).collect()
}
