//! Rules, checks and guards see what is sent: the links of the record as it would be, not those that are stored.

mod desk;

use std::sync::Arc;

use backstay_base::{Caller, CallerKind, Limit, Place, RecordId, Violation, ViolationKind, limits};
use backstay_engine::{Counting, Error, Written};
use backstay_model::SourceFile;
use backstay_testkit::{TestApplication, TestClock, controlled};
use desk::{Desk, told};

const MODEL: &str = r#"
extend schema @app(name: "Orgs")

type User @identity @allow(read: "true", create: "true") {
  email: Email! @unique
  org: String!
}

type Team
  @allow(
    read: "true"
    create: "this.org == 'A' && this.members.all(m, m.org == this.org)"
    update: "true"
    after: "new.members.all(m, m.org == this.org)"
  ) {
  org: String!
  members: [User!]
}

type Club @allow(read: "true", create: "this.members.exists(m, m == auth.id)", update: "this.members.exists(m, m == auth.id)") {
  name: String!
  members: [User!]
  pair: String @check(rule: "this.pair == null || this.members.all(m, m.org == this.pair)", message: "all of one org")
}

enum Seal { OPEN @initial @to(state: "SEALED", when: "new.signers.exists(u, u == auth.id)") SEALED }

type Deed @allow(read: "true", create: "true", update: "true") {
  s: Seal!
  signers: [User!]
  fixed: [User!] @immutable
}
"#;

struct Orgs {
    application: TestApplication,
    ann: Arc<Caller>,
    bob: Arc<Caller>,
}

impl Orgs {
    async fn open() -> Self {
        let ambient = controlled(&TestClock::at("2026-01-31T12:00:00Z"), 7);
        let application = TestApplication::open(vec![SourceFile::app("model/orgs.graphql", MODEL)], ambient);
        let nobody = Arc::new(Caller::anonymous());
        let mut orgs = Self { application, ann: Arc::clone(&nobody), bob: nobody };
        orgs.ann = orgs.person("ann", "A").await;
        orgs.bob = orgs.person("bob", "B").await;
        orgs
    }

    async fn person(&self, name: &str, org: &str) -> Arc<Caller> {
        let body = format!(r#"{{"email":"{name}@example.org","org":"{org}"}}"#);
        let made = self.create("User", &self.ann, &body).await.expect("a person");
        let roles: [&str; 0] = [];
        Arc::new(Caller::account(made.ids[0], roles))
    }

    fn filled(&self, body: &str) -> String {
        let id = |caller: &Caller| caller.id.map_or_else(String::new, |id| format!("\"{id}\""));
        body.replace("ANN", &id(&self.ann)).replace("BOB", &id(&self.bob))
    }

    async fn create(&self, of: &str, caller: &Arc<Caller>, body: &str) -> Result<Written, Error> {
        let client = self.application.client();
        client.written(caller, client.create(of, &self.filled(body))?).await
    }

    async fn update(&self, of: &str, caller: &Arc<Caller>, id: RecordId, body: &str) -> Result<Written, Error> {
        let client = self.application.client();
        client.written(caller, client.update(of, id, &self.filled(body))?).await
    }

    async fn made(&self, of: &str, caller: &Arc<Caller>, body: &str) -> RecordId {
        self.create(of, caller, body).await.expect("it is created").ids[0]
    }
}

fn code<T>(result: Result<T, Error>) -> &'static str {
    result.map_or_else(|error| error.code(), |_| "ok")
}

#[tokio::test]
async fn records_and_links_of_one_request_are_limited_together() {
    const SIGNERS: usize = 100;
    let orgs = Orgs::open().await;
    let people: Vec<String> =
        (0..SIGNERS).map(|number| format!(r#"{{"email":"{number}@example.org","org":"A"}}"#)).collect();
    let people = orgs.create("User", &orgs.ann, &format!("[{}]", people.join(","))).await.expect("people").ids;
    let signers = people.iter().map(|id| format!("\"{id}\"")).collect::<Vec<_>>().join(",");
    let deeds = |count: usize| format!("[{}]", vec![format!(r#"{{"signers":[{signers}]}}"#); count].join(","));
    let most = limits::WRITE_ROWS / (1 + SIGNERS);
    let is_refused = |error: Error| {
        let max = limits::WRITE_ROWS as u64;
        matches!(error, Error::Limit(Limit::Size { max: found, unit: "records and links", .. }) if found == max)
    };
    let refused = orgs.create("Deed", &orgs.ann, &deeds(most + 1)).await.expect_err("too many links");
    assert!(is_refused(refused.clone()), "{refused:?}");
    let client = orgs.application.client();
    let both = [most - 1, 2].map(|count| client.create("Deed", &deeds(count)).expect("a request"));
    let refused = client.answer_all(&orgs.ann, both.into(), None).await.expect_err("too many links together");
    assert!(refused.request == Some(1) && is_refused(refused.error.clone()), "{refused:?}");
    let (deed, none) =
        (orgs.made("Deed", &orgs.ann, &format!(r#"{{"signers":[{signers}]}}"#)).await, r#"{"signers":[]}"#);
    let updates = (0..=most).map(|turn| {
        let body = if turn % 2 == 0 { none.to_owned() } else { format!(r#"{{"signers":[{signers}]}}"#) };
        client.update("Deed", deed, &body).expect("a request")
    });
    let refused = client.answer_all(&orgs.ann, updates.collect(), None).await.expect_err("links that end count too");
    assert!(refused.request == Some(most) && is_refused(refused.error.clone()), "{refused:?}");
}

#[tokio::test]
async fn a_create_rule_sees_the_links_that_are_sent() {
    let orgs = Orgs::open().await;
    let check = async |of: &str, body: &str, expected: &str| {
        assert_eq!(code(orgs.create(of, &orgs.ann, body).await), expected, "{of} {body}");
    };
    check("Team", r#"{"org":"A","members":[ANN,BOB]}"#, "forbidden").await;
    check("Team", r#"{"org":"A","members":[ANN]}"#, "ok").await;
    check("Team", r#"{"org":"A","members":[]}"#, "ok").await;
    check("Team", r#"{"org":"A"}"#, "ok").await;
    check("Club", r#"{"name":"x","members":[ANN]}"#, "ok").await;
    check("Club", r#"{"name":"x","members":[BOB]}"#, "forbidden").await;
    check("Club", r#"{"name":"x"}"#, "forbidden").await;
    check("Club", r#"[{"name":"x","members":[ANN]},{"name":"y","members":[BOB]}]"#, "forbidden").await;
}

#[tokio::test]
async fn an_update_rule_sees_the_links_as_they_would_be() {
    let orgs = Orgs::open().await;
    let team = orgs.made("Team", &orgs.ann, r#"{"org":"A","members":[ANN]}"#).await;
    assert_eq!(code(orgs.update("Team", &orgs.ann, team, r#"{"members":[ANN,BOB]}"#).await), "forbidden");
    assert_eq!(code(orgs.update("Team", &orgs.ann, team, r#"{"members":[]}"#).await), "ok");

    let club = orgs.made("Club", &orgs.ann, r#"{"name":"x","members":[ANN]}"#).await;
    assert_eq!(
        code(orgs.update("Club", &orgs.ann, club, r#"{"name":"y"}"#).await),
        "ok",
        "links that are not sent stay"
    );
    assert_eq!(
        code(orgs.update("Club", &orgs.ann, club, r#"{"members":[BOB]}"#).await),
        "forbidden",
        "it must hold after"
    );
    assert_eq!(code(orgs.update("Club", &orgs.bob, club, r#"{"members":[ANN,BOB]}"#).await), "forbidden", "and before");
    assert_eq!(code(orgs.update("Club", &orgs.ann, club, r#"{"members":[ANN,BOB]}"#).await), "ok");
    assert_eq!(code(orgs.update("Club", &orgs.bob, club, r#"{"name":"z"}"#).await), "ok");
}

#[tokio::test]
async fn checks_and_guards_see_the_links_that_are_sent() {
    let orgs = Orgs::open().await;
    let club = orgs.made("Club", &orgs.ann, r#"{"name":"x","members":[ANN],"pair":"A"}"#).await;
    assert_eq!(code(orgs.update("Club", &orgs.ann, club, r#"{"members":[ANN,BOB]}"#).await), "invalid-values");
    let body = r#"{"name":"x","members":[ANN,BOB],"pair":"A"}"#;
    assert_eq!(code(orgs.create("Club", &orgs.ann, body).await), "invalid-values");

    let deed = orgs.made("Deed", &orgs.ann, r#"{"signers":[ANN]}"#).await;
    assert_eq!(
        code(orgs.update("Deed", &orgs.ann, deed, r#"{"signers":[],"s":"SEALED"}"#).await),
        "transition-refused"
    );
    assert_eq!(code(orgs.update("Deed", &orgs.bob, deed, r#"{"s":"SEALED"}"#).await), "transition-refused");
    assert_eq!(code(orgs.update("Deed", &orgs.bob, deed, r#"{"signers":[BOB],"s":"SEALED"}"#).await), "ok");
}

#[tokio::test]
async fn links_that_are_immutable_stay() {
    let orgs = Orgs::open().await;
    let deed = orgs.made("Deed", &orgs.ann, r#"{"fixed":[ANN]}"#).await;
    assert_eq!(code(orgs.update("Deed", &orgs.ann, deed, r#"{"fixed":[ANN,BOB]}"#).await), "invalid-values");
    assert_eq!(code(orgs.update("Deed", &orgs.ann, deed, r#"{"fixed":[]}"#).await), "invalid-values");
    assert_eq!(code(orgs.update("Deed", &orgs.ann, deed, r#"{"fixed":[ANN]}"#).await), "ok");
}

/// What a client reads it can send back: what equals the stored value changes nothing.
#[tokio::test]
async fn a_record_as_it_was_read_can_be_sent_back() {
    let desk = Desk::open().await;
    let post = desk.post(r#","fee":{"amount":"12.50","currency":"EUR"},"labels":["a"],"data":[1]"#).await;
    let read = desk.get("Post", &desk.ada, post).await.expect("it is there");
    let again = desk.update("Post", &desk.ada, post, &read.to_string()).await.expect("nothing changes");
    assert_eq!(again.version, Some(1));
    let mut changed = read.clone();
    changed["title"] = "Other".into();
    let written = desk.update("Post", &desk.ada, post, &changed.to_string()).await.expect("the title changes");
    assert_eq!(written.version, Some(2));
    changed["version"] = 7.into();
    assert_eq!(code(desk.update("Post", &desk.ada, post, &changed.to_string()).await), "invalid-values");
    // What the caller doesn't see is refused as ever: whether it is equal would tell what it is.
    let request = desk.made("Request", &desk.ada, "{}").await;
    for guess in [7, 8] {
        let body = format!(r#"{{"score":{guess}}}"#);
        assert_eq!(code(desk.update("Request", &desk.ada, request, &body).await), "invalid-values", "{guess}");
    }
}

#[tokio::test]
async fn a_unique_conflict_in_an_array_names_its_record() {
    let desk = Desk::open().await;
    let names = r#"[{"name":"a"},{"name":"b"},{"name":"b"},{"name":"c"}]"#;
    let Err(Error::Conflict(conflict)) = desk.create("Tag", &desk.ada, names).await else { panic!("a conflict") };
    let (collection, fields) = ("Tag".to_owned(), vec!["name".to_owned()]);
    assert_eq!(conflict, backstay_base::Conflict::Unique { collection, fields, record: Box::new(Place::item(2)) });
}

#[tokio::test]
async fn a_unique_conflict_in_an_array_names_its_record_where_rules_ask_the_database() {
    let desk = Desk::open().await;
    let post = |slug: &str| format!(r#"{{"title":"t","slug":"{slug}","section":"{}"}}"#, desk.section);
    let (collection, fields) = ("Post".to_owned(), vec!["slug".to_owned()]);
    for (slugs, record) in [(["a", "b", "b", "c"], 2), (["a", "b", "c", "c"], 3), (["a", "a", "b", "c"], 1)] {
        let body = format!("[{}]", slugs.map(post).join(","));
        let Err(Error::Conflict(conflict)) = desk.create("Post", &desk.ada, &body).await else { panic!("a conflict") };
        let (collection, fields) = (collection.clone(), fields.clone());
        assert_eq!(
            conflict,
            backstay_base::Conflict::Unique { collection, fields, record: Box::new(Place::item(record)) },
            "{slugs:?}"
        );
    }
}

#[tokio::test]
async fn a_reference_that_leads_nowhere_is_told_before_a_check_that_follows_it() {
    let ambient = controlled(&TestClock::at("2026-01-31T12:00:00Z"), 7);
    let model = r#"
        extend schema @app(name: "Club")
        type Court @allow(read: "true", create: "true") { open: Boolean! }
        type Booking @allow(read: "true", create: "true", update: "this.court.open") {
          court: Court! @check(rule: "this.court.open == true", message: "the court is closed")
          length: Int @allow(update: "false")
        }
    "#;
    let application = TestApplication::open(vec![SourceFile::app("model/club.graphql", model)], ambient);
    let (client, anyone) = (application.client(), Arc::new(Caller::anonymous()));
    let create = async |of: &str, body: String| client.written(&anyone, client.create(of, &body)?).await;
    let nowhere = RecordId::from_bytes([9; 16]);
    let refused = create("Booking", format!(r#"{{"court":"{nowhere}"}}"#)).await.expect_err("there is no such court");
    let kind = ViolationKind::Reference { collection: "Court".to_owned(), by: "id".to_owned() };
    assert!(
        matches!(&refused, Error::Invalid(found) if *found == [Violation::new(Place::member("court"), kind)]),
        "{refused:?}"
    );

    let open = create("Court", r#"{"open":true}"#.to_owned()).await.expect("a court").ids[0];
    let booking = create("Booking", format!(r#"{{"court":"{open}","length":60}}"#)).await.expect("booked").ids[0];
    // What equals the stored value changes nothing, whatever the rule of its field.
    let update = async |body: &str| client.written(&anyone, client.update("Booking", booking, body)?).await;
    assert_eq!(code(update(r#"{"length":60}"#).await), "ok");
    assert_eq!(code(update(r#"{"length":61}"#).await), "invalid-values");
}

#[tokio::test]
async fn a_state_that_is_not_seen_cannot_be_changed() {
    let ambient = controlled(&TestClock::at("2026-01-31T12:00:00Z"), 7);
    let model = r#"
        extend schema @app(name: "Oven")
        enum Heat { COLD @initial @to(state: "HOT") HOT @to(state: "COLD", when: "false") }
        type Oven @allow(read: "true", create: "true", update: "true") {
          heat: Heat! @allow(read: "auth.kind == 'OPERATOR'")
        }
    "#;
    let application = TestApplication::open(vec![SourceFile::app("model/oven.graphql", model)], ambient);
    let (client, anyone) = (application.client(), Arc::new(Caller::anonymous()));
    let made = client.written(&anyone, client.create("Oven", "{}").expect("a request")).await;
    let id = made.expect("an oven").ids[0];
    let heat = async |state: &str| {
        let body = format!(r#"{{"heat":"{state}"}}"#);
        client.written(&anyone, client.update("Oven", id, &body)?).await
    };
    let refused = |made: Result<Written, Error>| made.expect_err("it is refused").to_string();
    let same = refused(heat("COLD").await);
    assert_eq!(refused(heat("HOT").await), same, "there would be a way");
    assert!(!same.contains("HOT") && !same.contains("COLD"), "{same}");
    let operator = Arc::new(Caller { kind: CallerKind::Operator, ..Caller::anonymous() });
    let seen = async |state: &str| {
        let body = format!(r#"{{"heat":"{state}"}}"#);
        client.written(&operator, client.update("Oven", id, &body)?).await
    };
    seen("HOT").await.expect("there is a way");
    assert_eq!(refused(heat("HOT").await), same, "the same state");
    assert_eq!(refused(heat("COLD").await), same, "a guard");
}

#[tokio::test]
async fn who_may_not_create_learns_nothing_from_a_check() {
    let desk = Desk::open().await;
    // The title is too long; but Eve may create no post in this section.
    let body = format!(r#"{{"title":"{}","section":"{}"}}"#, "x".repeat(40), desk.section);
    assert_eq!(code(desk.create("Post", &desk.eve, &body).await), "forbidden");
    assert_eq!(code(desk.create("Post", &desk.ada, &body).await), "invalid-values");
}

#[tokio::test]
async fn a_deletion_releases_and_deletes_thousands() {
    let desk = Desk::open().await;
    let place = desk.made("Place", &desk.ada, r#"{"name":"Rome"}"#).await;
    let trips = vec![format!(r#"{{"must":"{place}","strict":true}}"#); 800].join(",");
    for _ in 0..2 {
        desk.create("Trip", &desk.ada, &format!("[{trips}]")).await.expect("trips");
    }
    assert_eq!(told(desk.delete("Place", &desk.ada, place).await), "ok");
    let left = desk
        .page("Trip", &desk.editor, |list| (list.filter, list.count) = (Some("must == null".into()), Counting::Capped));
    assert_eq!(left.await.expect("a page")["count"]["value"], 1600);

    let team = desk.made("Team", &desk.editor, r#"{"name":"Night"}"#).await;
    let members = vec![format!(r#"{{"name":"m","team":"{team}"}}"#); 1000].join(",");
    for _ in 0..2 {
        desk.create("Membership", &desk.editor, &format!("[{members}]")).await.expect("members");
    }
    assert_eq!(told(desk.delete("Team", &desk.editor, team).await), "ok");
}

/// Who deletes a record that others refer to does not become the one who changed them.
#[tokio::test]
async fn a_released_record_loses_its_reference_and_nothing_else() {
    let desk = Desk::open().await;
    let user = desk.made("User", &desk.editor, r#"{"email":"x@example.org","name":"x"}"#).await;
    let x = Arc::new(Caller::account(user, ["WRITER"]));
    let request = desk.made("Request", &desk.ada, "{}").await;
    desk.update("Request", &x, request, r#"{"long":"x"}"#).await.expect("x changes it");
    let before = desk.get("Request", &desk.ada, request).await.expect("it is there");
    assert_eq!(before["changedBy"], user.to_string());
    assert_eq!(told(desk.delete("User", &desk.editor, user).await), "ok");
    let after = desk.get("Request", &desk.ada, request).await.expect("it is there");
    assert_eq!((after["changedBy"].is_null(), after["version"].as_i64()), (true, Some(3)));
    assert_eq!(after["copied"], before["copied"]);
}

#[tokio::test]
async fn a_nested_list_that_was_cut_says_so() {
    let desk = Desk::open().await;
    let post = desk.published("").await;
    let comments = vec![format!(r#"{{"text":"c","post":"{post}"}}"#); 101].join(",");
    desk.create("Comment", &desk.ada, &format!("[{comments}]")).await.expect("comments");
    let read =
        desk.select("Post", &desk.ada, post, Some("title,comments{text},tags{name}")).await.expect("it is there");
    assert_eq!(read["comments"].as_array().map(Vec::len), Some(100));
    assert_eq!(read["$more"], serde_json::json!(["comments"]));
    let other = desk.select("Post", &desk.ada, post, Some("title,tags{name}")).await.expect("it is there");
    assert_eq!(other.get("$more"), None);
}
