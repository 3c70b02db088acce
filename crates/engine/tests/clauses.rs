//! The clauses of a type: one of them is enough for an action, and one must permit the whole of an update.

mod desk;

use std::sync::Arc;

use backstay_base::{Action, Caller, Place, RecordId, Violation, ViolationKind};
use backstay_engine::{Error, Explanation, Written};
use backstay_model::SourceFile;
use backstay_testkit::{TestApplication, TestClock, controlled};
use desk::told;

const MODEL: &str = r#"
extend schema @app(name: "Desk") @rule(name: "editor", is: "'EDITOR' in auth.roles")

enum Role @roles { EDITOR }

type User @identity @allow(read: "true", create: "true") { email: Email! @unique }

"Who may read it may not always link to it, and the other way round."
type Section
  @allow(read: "editor", create: "editor")
  @allow(refer: "this.open") {
  name: String!
  open: Boolean! @default(to: true)
}

type Place @embedded { city: String, street: String }

type Post
  @allow(read: "this.author == auth.id", create: "this.author == auth.id")
  @allow(read: "editor", create: "this.title == 'From the editor' && editor", delete: "editor")
  @allow(update: "this.author == auth.id", only: ["title", "body", "section", "readers", "place"])
  @allow(update: "this.author == auth.id", only: ["body", "rank"], after: "new.rank > this.rank")
  @allow(update: "editor", after: "new.author == this.author") {
  title: String!
  body: String
  rank: Int! @default(to: 0)
  note: String @allow(read: "editor")
  author: User!
  section: Section
  readers: [Section!]
  place: Place
  fee: Int @allow(update: "editor", after: "new.fee >= this.fee")
}
"#;

struct Newsroom {
    application: TestApplication,
    ann: Arc<Caller>,
    bob: Arc<Caller>,
    editor: Arc<Caller>,
    /// A section that everybody may link to, and one that only editors may.
    sections: [RecordId; 2],
}

impl Newsroom {
    async fn open() -> Self {
        let ambient = controlled(&TestClock::at("2026-01-31T12:00:00Z"), 7);
        let application = TestApplication::open(vec![SourceFile::app("model/desk.graphql", MODEL)], ambient);
        let nobody = Arc::new(Caller::anonymous());
        let none = application.engine.next_id();
        let (ann, bob, editor) = (Arc::clone(&nobody), Arc::clone(&nobody), nobody);
        let mut room = Self { application, ann, bob, editor, sections: [none; 2] };
        room.ann = room.person("ann", &[]).await;
        room.bob = room.person("bob", &[]).await;
        room.editor = room.person("eve", &["EDITOR"]).await;
        let made = r#"[{"name":"News"},{"name":"Drafts","open":false}]"#;
        let made = room.create("Section", &room.editor, made).await.expect("sections").ids;
        room.sections = [made[0], made[1]];
        room
    }

    async fn person(&self, name: &str, roles: &[&str]) -> Arc<Caller> {
        let body = format!(r#"{{"email":"{name}@example.org"}}"#);
        let id = self.create("User", &self.ann, &body).await.expect("a person").ids[0];
        Arc::new(Caller::account(id, roles.iter().copied()))
    }

    fn filled(&self, body: &str) -> String {
        let id = |caller: &Caller| caller.id.map_or_else(String::new, |id| format!("\"{id}\""));
        let body = body.replace("ANN", &id(&self.ann)).replace("BOB", &id(&self.bob));
        let [open, closed] = self.sections.map(|id| format!("\"{id}\""));
        body.replace("OPEN", &open).replace("CLOSED", &closed)
    }

    async fn create(&self, of: &str, caller: &Arc<Caller>, body: &str) -> Result<Written, Error> {
        let client = self.application.client();
        client.written(caller, client.create(of, &self.filled(body))?).await
    }

    async fn update(&self, caller: &Arc<Caller>, id: RecordId, body: &str) -> Result<Written, Error> {
        let client = self.application.client();
        client.written(caller, client.update("Post", id, &self.filled(body))?).await
    }

    async fn delete(&self, caller: &Arc<Caller>, id: RecordId) -> Result<Written, Error> {
        let client = self.application.client();
        client.written(caller, client.delete("Post", id)).await
    }

    async fn post(&self, body: &str) -> RecordId {
        let body = format!(r#"{{"title":"Budget","author":ANN{body}}}"#);
        self.create("Post", &self.ann, &body).await.expect("a post").ids[0]
    }

    async fn explained(&self, caller: &Arc<Caller>, id: RecordId, body: &str) -> Explanation {
        let client = self.application.client();
        let request = client.update("Post", id, &self.filled(body)).expect("a request");
        client.explain(caller, request).await.expect("an explanation")
    }
}

fn code<T>(result: Result<T, Error>) -> &'static str {
    result.map_or_else(|error| error.code(), |_| "ok")
}

/// What is refused, by field.
fn refused<T>(result: Result<T, Error>) -> Vec<(Place, ViolationKind)> {
    match result {
        Err(Error::Invalid(violations)) => violations.into_iter().map(|Violation { at, kind }| (at, kind)).collect(),
        Err(error) => vec![(Place::Whole, ViolationKind::Range(error.to_string()))],
        Ok(_) => Vec::new(),
    }
}

#[tokio::test]
async fn one_clause_is_enough_to_read_create_and_delete() {
    let room = Newsroom::open().await;
    let post = room.post("").await;
    let client = room.application.client();
    for (caller, expected) in [(&room.ann, "ok"), (&room.editor, "ok"), (&room.bob, "not-found")] {
        let request = client.get("Post", post, None).expect("a request");
        assert_eq!(code(client.found(caller, request).await), expected);
    }
    let create = async |caller: &Arc<Caller>, body: &str| code(room.create("Post", caller, body).await);
    assert_eq!(create(&room.ann, r#"{"title":"x","author":ANN}"#).await, "ok");
    assert_eq!(create(&room.ann, r#"{"title":"x","author":BOB}"#).await, "forbidden");
    assert_eq!(create(&room.ann, r#"{"title":"From the editor","author":BOB}"#).await, "forbidden");
    assert_eq!(create(&room.editor, r#"{"title":"From the editor","author":BOB}"#).await, "ok");
    assert_eq!(create(&room.editor, r#"{"title":"x","author":BOB}"#).await, "forbidden");
    assert_eq!(code(room.delete(&room.ann, post).await), "forbidden");
    assert_eq!(code(room.delete(&room.editor, post).await), "ok");
}

#[tokio::test]
async fn one_clause_must_permit_the_whole_update() {
    let room = Newsroom::open().await;
    let post = room.post("").await;
    let check = async |body: &str, expected: &[(&str, ViolationKind)]| {
        let expected: Vec<(Place, ViolationKind)> =
            expected.iter().map(|(field, kind)| (Place::member(*field), kind.clone())).collect();
        assert_eq!(refused(room.update(&room.ann, post, body).await), expected, "{body}");
    };
    let forbidden = ViolationKind::FieldForbidden { action: Action::Update };
    let together =
        |with: &[&str]| ViolationKind::FieldTogether { with: with.iter().map(|&name| name.into()).collect() };
    check(r#"{"title":"a","body":"b"}"#, &[]).await;
    check(r#"{"rank":1,"body":"c"}"#, &[]).await;
    check(r#"{"fee":1}"#, &[("fee", forbidden.clone())]).await;
    check(r#"{"title":"x","fee":1}"#, &[("fee", forbidden.clone())]).await;
    check(r#"{"title":"x","rank":2}"#, &[("rank", together(&["title"]))]).await;
    // The body may change with the rank.
    check(r#"{"title":"x","body":"x","rank":2}"#, &[("rank", together(&["title"]))]).await;
    // What is sent as it is stored isn't changed.
    check(r#"{"title":"a","rank":2}"#, &[]).await;
    check(r#"{"author":ANN,"rank":3}"#, &[]).await;
    check(r#"{"author":BOB,"rank":4}"#, &[("author", forbidden.clone())]).await;
    // A field that the caller doesn't see counts as changed, whatever is stored.
    for value in ["\"guess\"", "null"] {
        check(&format!(r#"{{"note":{value}}}"#), &[("note", forbidden.clone())]).await;
    }
    check(r#"{"readers":[OPEN]}"#, &[]).await;
    // An embedded value is one field.
    check(r#"{"place":{"city":"Ulm"},"title":"b"}"#, &[]).await;
    // The member that the caller does not see stays.
    check(r#"{"readers":[],"rank":9}"#, &[]).await;
    check("{}", &[]).await;
    assert_eq!(code(room.update(&room.bob, post, r#"{"title":"x"}"#).await), "not-found");
}

#[tokio::test]
async fn after_compares_the_proposed_record_with_the_stored_one() {
    let room = Newsroom::open().await;
    let post = room.post(r#","rank":5"#).await;
    let ann = async |body: &str| code(room.update(&room.ann, post, body).await);
    let editor = async |body: &str| code(room.update(&room.editor, post, body).await);
    assert_eq!(ann(r#"{"rank":6}"#).await, "ok");
    assert_eq!(ann(r#"{"rank":5}"#).await, "forbidden");
    // Both clauses let the body change; the first asks its own rule of the proposed record.
    assert_eq!(ann(r#"{"body":"b"}"#).await, "ok");
    assert_eq!(editor(r#"{"title":"x","rank":1}"#).await, "ok");
    let error = room.update(&room.editor, post, r#"{"author":BOB}"#).await.expect_err("another author");
    assert!(matches!(&error, Error::ForbiddenAfterwards { collection } if collection == "Post"), "{error:?}");
    assert_eq!(told(room.update(&room.editor, post, r#"{"author":BOB}"#).await), told::<()>(Err(error)));
    assert_eq!(editor(r#"{"fee":5}"#).await, "invalid-values");
    assert_eq!(editor(r#"{"fee":5}"#).await, "invalid-values", "a comparison with a missing value is unknown");
}

#[tokio::test]
async fn refer_lets_callers_link_to_what_they_cannot_read() {
    let room = Newsroom::open().await;
    let post = room.post("").await;
    let check = async |body: &str, expected: &str| {
        assert_eq!(code(room.update(&room.ann, post, body).await), expected, "{body}");
    };
    check(r#"{"section":OPEN}"#, "ok").await;
    check(r#"{"section":CLOSED}"#, "invalid-values").await;
    check(r#"{"readers":[OPEN]}"#, "ok").await;
    check(r#"{"readers":[OPEN,CLOSED]}"#, "invalid-values").await;
    let nowhere = format!("\"{}\"", room.application.engine.next_id());
    check(&format!(r#"{{"section":{nowhere}}}"#), "invalid-values").await;
    let refused = async |body: &str| refused(room.update(&room.ann, post, body).await);
    let (hidden, absent) =
        (refused(r#"{"section":CLOSED}"#).await, refused(&format!(r#"{{"section":{nowhere}}}"#)).await);
    assert_eq!(hidden, absent, "a record that may not be linked to is like one that doesn't exist");
    // Whoever may read it may link to it.
    assert_eq!(code(room.update(&room.editor, post, r#"{"section":CLOSED}"#).await), "ok");
    let client = room.application.client();
    let [open, _] = room.sections;
    let request = client.get("Section", open, None).expect("a request");
    assert_eq!(code(client.found(&room.ann, request).await), "forbidden", "nothing of the record is read");
    let request = client.get("Post", post, Some("section{name},readers{name}"));
    let shown = client.found(&room.ann, request.expect("a request")).await;
    assert_eq!(code(shown), "malformed-request", "nor through a link");
}

/// Somebody who may link to a record without seeing it must not learn whether it is linked already.
#[tokio::test]
async fn a_link_that_the_caller_does_not_see_counts_as_changed() {
    let room = Newsroom::open().await;
    let linked = room.post(r#","readers":[OPEN]"#).await;
    let not_linked = room.post("").await;
    for post in [linked, not_linked] {
        let written = room.update(&room.ann, post, r#"{"readers":[OPEN]}"#).await.expect("it is linked");
        assert_eq!(written.version, Some(2));
    }
}

#[tokio::test]
async fn an_explanation_shows_clause_by_clause() {
    let room = Newsroom::open().await;
    let post = room.post(r#","rank":5"#).await;
    let rules = async |caller: &Arc<Caller>, body: &str| {
        let explanation = room.explained(caller, post, body).await;
        explanation.rules.into_iter().map(|rule| format!("{}: {}", rule.of, rule.answer)).collect::<Vec<_>>()
    };
    let of_ann = ["Post read (1 of 2): true", "Post read (2 of 2): false"];
    let clauses = ["Post update (1 of 3): true", "Post update (2 of 3): true", "Post update (3 of 3): false"];
    let check = |rules: Vec<String>, expected: &[&str]| {
        let whole: Vec<&str> = of_ann.iter().chain(&clauses).chain(expected).copied().collect();
        assert_eq!(rules, whole);
    };
    check(
        rules(&room.ann, r#"{"title":"x"}"#).await,
        &[
            "Post update (1 of 3), only: true",
            "Post update (2 of 3), only: false",
            "Post update (1 of 3), afterwards: true",
        ],
    );
    check(
        rules(&room.ann, r#"{"rank":1}"#).await,
        &[
            "Post update (1 of 3), only: false",
            "Post update (2 of 3), only: true",
            "Post update (2 of 3), afterwards: false",
        ],
    );
    check(
        rules(&room.ann, r#"{"title":"x","rank":9}"#).await,
        &["Post update (1 of 3), only: false", "Post update (2 of 3), only: false"],
    );
    let explanation = room.explained(&room.ann, post, r#"{"title":"x","rank":9}"#).await;
    let only = &explanation.rules[5];
    assert_eq!(only.text, "title, body, section, readers, place");
    let parts: Vec<(&str, &str)> = only.parts.iter().map(|part| (&*part.text, &*part.answer)).collect();
    assert_eq!(parts, [("title", "true"), ("rank", "false")]);
}

#[tokio::test]
async fn the_documented_clauses_hold() {
    const DOCUMENT: &str = include_str!("../../../docs/model.md");
    let (_, section) = DOCUMENT.split_once("\n## Who may do what\n").expect("the section");
    let (_, example) = section.split_once("```graphql\n").expect("an example");
    let (example, _) = example.split_once("```").expect("its end");
    let ambient = controlled(&TestClock::at("2026-01-31T12:00:00Z"), 7);
    let model = format!("extend schema @app(name: \"Help\")\nenum Role @roles {{ AGENT ADMIN }}\n{example}");
    let application = TestApplication::open(vec![SourceFile::app("model/help.graphql", model)], ambient);
    let (client, seed) = (application.client(), Caller::system());
    let seed = Arc::new(seed);
    let person = async |name: &str| {
        let made = client.create("User", &format!(r#"{{"email":"{name}@example.org"}}"#)).expect("a request");
        client.written(&seed, made).await.expect("a person").ids[0]
    };
    let (ann, bob, eve) = (person("ann").await, person("bob").await, person("eve").await);
    let no_roles: [&str; 0] = [];
    let reporter = Arc::new(Caller::account(ann, no_roles));
    let agent = Arc::new(Caller::account(bob, ["AGENT"]));
    let ticket = format!(r#"{{"title":"Printer","reporter":"{ann}"}}"#);
    let ticket = client.written(&reporter, client.create("Ticket", &ticket).expect("a request")).await;
    let ticket = ticket.expect("a ticket").ids[0];
    let check = async |caller: &Arc<Caller>, body: &str, expected: &str| {
        let request = client.update("Ticket", ticket, body).expect("a request");
        assert_eq!(code(client.written(caller, request).await), expected, "{body}");
    };
    check(&reporter, r#"{"title":"Printers","body":"All of them"}"#, "ok").await;
    check(&reporter, r#"{"priority":1}"#, "invalid-values").await;
    check(&agent, &format!(r#"{{"assignee":"{eve}","priority":2}}"#), "ok").await;
    check(&agent, r#"{"priority":1}"#, "forbidden").await;
    check(&agent, r#"{"title":"x"}"#, "invalid-values").await;
    let request = client.get("Ticket", ticket, Some("assignee{email}")).expect("a request");
    let shown = client.found(&agent, request).await.expect("the ticket").body.to_vec();
    assert_eq!(String::from_utf8(shown).expect("JSON"), r#"{"assignee":null}"#);
}
