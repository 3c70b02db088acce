//! Groups of records that go to the trash, come back from it and are purged together.

use std::fs;
use std::sync::Arc;

use backstay_base::{Caller, CallerKind, Error, RecordId};
use backstay_engine::{Authority, Context, Counting, PurgePass, RecordAct, Transaction, TxContext};
use backstay_model::SourceFile;
use backstay_rest::input;
use backstay_testkit::{TestApplication, TestClock, controlled};
use futures_util::future::BoxFuture;

/// `Child` comes before `Kin`, to which it refers.
const MODEL: &str = r#"
extend schema @app(name: "Families")

type Parent @allow(read: "true", create: "true", update: "true", delete: "true") @trash(keep: "P10D") {
  name: String
}
type Child @allow(read: "true", create: "true", update: "true", delete: "true") @trash {
  parent: Parent! @onDelete(do: CASCADE)
  kin: Kin @onDelete(do: RESTRICT)
}
type Kin @allow(read: "true", create: "true", update: "true", delete: "true") @trash {
  parent: Parent! @onDelete(do: CASCADE)
  away: Parent
}
type Toy @allow(read: "true", create: "true", update: "true", delete: "true") @trash {
  child: Child! @onDelete(do: CASCADE)
  kin: Kin @onDelete(do: CASCADE)
}

type Area @allow(read: "true", create: "true", update: "true", delete: "true") @trash { name: String }
type Block @allow(read: "true", create: "true", update: "true", delete: "true") @trash {
  area: Area! @onDelete(do: CASCADE)
  main: Area @onDelete(do: RESTRICT)
}

type Ring @allow(read: "true", create: "true", update: "true", delete: "true") @trash(keep: "P10D") {
  next: Ring @onDelete(do: CASCADE)
}
type Bead @allow(read: "true", create: "true", update: "true", delete: "true") @trash {
  ring: Ring! @onDelete(do: CASCADE)
}

type Person @allow(read: "true", create: "true", update: "true", delete: "true") @trash(keep: "P10D") {
  email: Email! @unique
}
type Note @allow(read: "true", create: "true", update: "true", delete: "true") {
  author: Person @set(on: CREATE, to: "auth.id") @onDelete(do: RESTRICT)
}

type Hall @allow(read: "auth.id != null", refer: "size(this.guests) < 2", create: "true", update: "true", delete: "true") {
  guests: [Guest!] @inverse(field: "hall")
}
type Table @allow(read: "true", create: "true", update: "true", delete: "true") @trash {
  seats: Int
  open: Boolean
  guests: [Guest!] @inverse(field: "table")
}
type Round @allow(read: "true", create: "true", update: "true", delete: "true") @trash { name: String }
type Guest @allow(read: "true", create: "true", update: "true", delete: "true") @trash
  @check(rule: "size(this.table.guests) < this.table.seats", message: "the table is full") {
  hall: Hall
  table: Table
  round: Round @onDelete(do: CASCADE)
  name: String @check(rule: "this.table.open != false", message: "the table is closed")
  tags: [Tag!]
}
type Code @allow(read: "true", create: "true", update: "true", delete: "true") @trash
  @unique(fields: ["text"], where: "this.valid") {
  text: String
  valid: Boolean
  round: Round @onDelete(do: CASCADE)
}
type Tag @allow(read: "auth.id != null", refer: "size(this.guests) < 2", create: "true", update: "true", delete: "true") {
  guests: [Guest!] @inverse(field: "tags")
}
"#;

/// Creates records, all of one type, in one commit.
struct Fill {
    of: &'static str,
    body: String,
    count: usize,
}

impl Transaction for Fill {
    type Answer = Vec<RecordId>;

    fn name(&self) -> &'static str {
        "fill"
    }

    fn run<'a>(&'a self, cx: &'a mut TxContext<'_, '_>) -> BoxFuture<'a, Result<Vec<RecordId>, Error>> {
        Box::pin(async move {
            let collection = cx.model().collection_named(self.of).expect("a type").id;
            let mut ids = Vec::new();
            for _ in 0..self.count {
                let input = input(cx.model(), collection, self.body.as_bytes())?;
                ids.push(cx.create(Authority::System, collection, input).await?.id());
            }
            Ok(ids)
        })
    }
}

/// Deletes records, all of one type, in one commit.
struct Clear {
    of: &'static str,
    ids: Vec<RecordId>,
}

impl Transaction for Clear {
    type Answer = ();

    fn name(&self) -> &'static str {
        "clear"
    }

    fn run<'a>(&'a self, cx: &'a mut TxContext<'_, '_>) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            let collection = cx.model().collection_named(self.of).expect("a type").id;
            for id in &self.ids {
                cx.delete(Authority::System, (collection, *id), None).await?;
            }
            Ok(())
        })
    }
}

struct Families {
    application: TestApplication,
    clock: TestClock,
    anyone: Arc<Caller>,
}

impl Families {
    fn open() -> Self {
        let clock = TestClock::at("2026-01-31T12:00:00Z");
        let files = vec![SourceFile::app("model/families.graphql", MODEL)];
        let application = TestApplication::open(files, controlled(&clock, 7));
        Self { application, clock, anyone: Arc::new(Caller::anonymous()) }
    }

    async fn fill(&self, of: &'static str, body: &str, count: usize) -> Vec<RecordId> {
        let (engine, body) = (&self.application.engine, body.to_owned());
        engine.run(&Context::system(engine), Fill { of, body, count }).await.expect("records")
    }

    async fn make(&self, of: &'static str, body: &str) -> RecordId {
        self.fill(of, body, 1).await[0]
    }

    async fn clear(&self, of: &'static str, ids: Vec<RecordId>) {
        self.clock.advance("PT1S");
        let engine = &self.application.engine;
        engine.run(&Context::system(engine), Clear { of, ids }).await.expect("it deletes");
    }

    async fn delete(&self, of: &str, id: RecordId) -> &'static str {
        self.clock.advance("PT1S");
        let client = self.application.client();
        code(client.written(&self.anyone, client.delete(of, id)).await)
    }

    async fn restore(&self, of: &str, id: RecordId) -> &'static str {
        let client = self.application.client();
        code(client.written(&self.anyone, client.restore(of, id)).await)
    }

    /// What a restore is refused for.
    async fn refusal(&self, of: &str, id: RecordId) -> String {
        let client = self.application.client();
        match client.written(&self.anyone, client.restore(of, id)).await {
            Ok(_) => "ok".to_owned(),
            Err(Error::Invalid(violations)) => {
                let told: Vec<String> =
                    violations.iter().map(|violation| format!("{} {}", violation.at, violation.kind)).collect();
                told.join("; ")
            }
            Err(error) => error.to_string(),
        }
    }

    async fn update(&self, of: &str, id: RecordId, body: &str) {
        let client = self.application.client();
        let update = client.update(of, id, body).expect("a request");
        client.written(&self.anyone, update).await.expect("a change");
    }

    async fn is_live(&self, of: &str, id: RecordId) -> bool {
        let client = self.application.client();
        client.found(&self.anyone, client.get(of, id, None).expect("a request")).await.is_ok()
    }

    /// Purges what has been in the trash for long enough when this time has passed. Returns the number of its steps.
    async fn purge_after(&self, time: &str) -> usize {
        self.clock.advance(time);
        let (mut pass, mut steps) = (PurgePass::default(), 1);
        while self.application.engine.purge_expired(&mut pass).await.expect("it purges") {
            steps += 1;
            assert!(steps < 10, "a pass ends");
        }
        steps
    }

    /// How many records of a type are in the trash.
    async fn trashed(&self, of: &str) -> u64 {
        let client = self.application.client();
        let list = client.trash(of, |words| words.count = Counting::Capped).expect("a request");
        let page = client.page(&self.anyone, list).await.expect("a page");
        let page: serde_json::Value = serde_json::from_slice(&page.body).expect("JSON");
        page["count"]["value"].as_u64().expect("a count")
    }
}

fn code<T>(result: Result<T, Error>) -> &'static str {
    result.map_or_else(|error| error.code(), |_| "ok")
}

#[tokio::test]
async fn one_record_that_stays_restricts_however_many_go_along() {
    let families = Families::open();
    let area = families.make("Area", "{}").await;
    let elsewhere = families.make("Area", "{}").await;
    families.fill("Block", &format!(r#"{{"area":"{area}","main":"{area}"}}"#), 600).await;
    let staying = families.make("Block", &format!(r#"{{"area":"{elsewhere}","main":"{area}"}}"#)).await;
    assert_eq!(families.delete("Area", area).await, "still-referenced");
    assert_eq!(families.delete("Block", staying).await, "ok");
    assert_eq!(families.delete("Area", area).await, "ok");
    assert_eq!(families.trashed("Block").await, 601);
}

#[tokio::test]
async fn a_restore_brings_the_whole_group_back_whatever_the_order_of_its_types() {
    let families = Families::open();
    let parent = families.make("Parent", "{}").await;
    let kin = families.make("Kin", &format!(r#"{{"parent":"{parent}"}}"#)).await;
    let child = families.make("Child", &format!(r#"{{"parent":"{parent}","kin":"{kin}"}}"#)).await;
    let toy = families.make("Toy", &format!(r#"{{"child":"{child}","kin":"{kin}"}}"#)).await;
    assert_eq!(families.delete("Parent", parent).await, "ok");
    assert_eq!(families.restore("Parent", parent).await, "ok");
    for (of, id) in [("Parent", parent), ("Kin", kin), ("Child", child), ("Toy", toy)] {
        assert!(families.is_live(of, id).await, "{of}");
    }
}

#[tokio::test]
async fn what_depends_on_a_record_that_stays_in_the_trash_stays_there() {
    let families = Families::open();
    let parent = families.make("Parent", "{}").await;
    let other = families.make("Parent", "{}").await;
    let away = families.make("Kin", &format!(r#"{{"parent":"{parent}","away":"{other}"}}"#)).await;
    let kin = families.make("Kin", &format!(r#"{{"parent":"{parent}"}}"#)).await;
    let child = families.make("Child", &format!(r#"{{"parent":"{parent}","kin":"{away}"}}"#)).await;
    let toy = families.make("Toy", &format!(r#"{{"child":"{child}","kin":"{kin}"}}"#)).await;
    assert_eq!(families.delete("Parent", parent).await, "ok");
    assert_eq!(families.delete("Parent", other).await, "ok");
    assert_eq!(families.restore("Parent", parent).await, "ok");
    let expected = [("Parent", parent, true), ("Kin", kin, true), ("Kin", away, false)];
    for (of, id, live) in expected.into_iter().chain([("Child", child, false), ("Toy", toy, false)]) {
        assert_eq!(families.is_live(of, id).await, live, "{of} {id}");
    }
    assert_eq!(families.restore("Parent", other).await, "ok");
    assert_eq!(families.restore("Kin", away).await, "ok");
    assert_eq!(families.restore("Child", child).await, "ok");
    assert!(families.is_live("Toy", toy).await);
}

#[tokio::test]
async fn records_that_were_deleted_before_do_not_hide_those_that_come_back() {
    let families = Families::open();
    let parent = families.make("Parent", "{}").await;
    let before = families.fill("Kin", &format!(r#"{{"parent":"{parent}"}}"#), 10_001).await;
    let first = before[0];
    families.clear("Kin", before).await;
    let kin = families.make("Kin", &format!(r#"{{"parent":"{parent}"}}"#)).await;
    assert_eq!(families.delete("Parent", parent).await, "ok");
    assert_eq!(families.restore("Parent", parent).await, "ok");
    assert!(families.is_live("Kin", kin).await);
    assert!(!families.is_live("Kin", first).await);
}

/// What the documentation advises.
#[tokio::test]
async fn a_record_with_too_much_below_it_is_deleted_after_some_of_that() {
    let families = Families::open();
    let parent = families.make("Parent", "{}").await;
    let kin = families.fill("Kin", &format!(r#"{{"parent":"{parent}"}}"#), 10_001).await;
    assert_eq!(families.delete("Parent", parent).await, "too-large");
    families.clear("Kin", kin[..100].to_vec()).await;
    assert_eq!(families.delete("Parent", parent).await, "ok");
    assert!(!families.is_live("Kin", kin[10_000]).await);
}

#[tokio::test]
async fn a_record_is_purged_with_more_than_one_commit_may_delete() {
    let families = Families::open();
    let parent = families.make("Parent", "{}").await;
    let kin = families.fill("Kin", &format!(r#"{{"parent":"{parent}"}}"#), 10_001).await;
    let child = families.make("Child", &format!(r#"{{"parent":"{parent}","kin":"{}"}}"#, kin[0])).await;
    families.make("Toy", &format!(r#"{{"child":"{child}"}}"#)).await;
    families.clear("Kin", kin[1..].to_vec()).await;
    assert_eq!(families.delete("Parent", parent).await, "ok");
    assert_eq!(families.purge_after("P11D").await, 1);
    for of in ["Parent", "Kin", "Child", "Toy"] {
        assert_eq!(families.trashed(of).await, 0, "{of}");
    }
}

#[tokio::test]
async fn a_purge_releases_more_than_one_commit_may_change() {
    let families = Families::open();
    let parent = families.make("Parent", "{}").await;
    let other = families.make("Parent", "{}").await;
    let kin = families.fill("Kin", &format!(r#"{{"parent":"{other}","away":"{parent}"}}"#), 10_001).await;
    families.clear("Kin", kin).await;
    assert_eq!(families.delete("Parent", parent).await, "ok");
    assert_eq!(families.purge_after("P11D").await, 1);
    assert_eq!(families.trashed("Parent").await, 0);
    // No count goes further.
    assert_eq!(families.trashed("Kin").await, 10_000);
}

#[tokio::test]
async fn a_circle_is_purged_with_more_than_one_commit_may_delete() {
    let families = Families::open();
    let first = families.make("Ring", "{}").await;
    let second = families.make("Ring", &format!(r#"{{"next":"{first}"}}"#)).await;
    let beads = families.fill("Bead", &format!(r#"{{"ring":"{second}"}}"#), 10_001).await;
    families.clear("Bead", beads).await;
    families.update("Ring", first, &format!(r#"{{"next":"{second}"}}"#)).await;
    assert_eq!(families.delete("Ring", first).await, "ok");
    assert_eq!(families.trashed("Ring").await, 2);
    assert_eq!(families.purge_after("P11D").await, 1);
    assert_eq!(families.trashed("Ring").await, 0);
    assert_eq!(families.trashed("Bead").await, 0);
}

#[tokio::test]
async fn records_that_cannot_be_purged_do_not_keep_others_in_the_trash() {
    let families = Families::open();
    let mut people = Vec::new();
    for number in 0..102 {
        people.push(families.make("Person", &format!(r#"{{"email":"p{number}@example.org"}}"#)).await);
    }
    let last = people.pop().expect("people");
    families.clear("Person", people.clone()).await;
    families.clear("Person", vec![last]).await;
    let client = families.application.client();
    for person in &people {
        let caller = Caller { id: Some(*person), kind: CallerKind::Account, ..Caller::anonymous() };
        client.written(&Arc::new(caller), client.create("Note", "{}").expect("a request")).await.expect("a note");
    }
    assert_eq!(families.purge_after("P11D").await, 2);
    assert_eq!(families.trashed("Person").await, 101);
    assert_eq!(families.restore("Person", last).await, "not-found");
}

#[tokio::test]
async fn a_restore_asks_what_may_refer_to_a_record_now() {
    let families = Families::open();
    let hall = families.make("Hall", "{}").await;
    let tag = families.make("Tag", "{}").await;
    for (body, refusal) in [
        (format!(r#"{{"hall":"{hall}"}}"#), "/hall there is no Hall with this id"),
        (format!(r#"{{"tags":["{tag}"]}}"#), "/tags there is no Tag with this id"),
    ] {
        let guests = families.fill("Guest", &body, 2).await;
        assert_eq!(families.delete("Guest", guests[0]).await, "ok");
        let third = families.make("Guest", &body).await;
        assert_eq!(families.refusal("Guest", guests[0]).await, refusal);
        assert_eq!(families.delete("Guest", third).await, "ok");
        assert_eq!(families.refusal("Guest", guests[0]).await, "ok");
        assert_eq!(families.refusal("Guest", third).await, refusal);
    }
}

#[tokio::test]
async fn a_restore_asks_the_checks_of_the_record_as_it_would_be_now() {
    let families = Families::open();
    let table = families.make("Table", r#"{"seats":2}"#).await;
    let body = format!(r#"{{"table":"{table}","name":"Ada"}}"#);
    let guests = families.fill("Guest", &body, 2).await;
    assert_eq!(families.delete("Guest", guests[0]).await, "ok");
    let third = families.make("Guest", &body).await;
    assert_eq!(families.refusal("Guest", guests[0]).await, " the table is full");
    assert_eq!(families.delete("Guest", third).await, "ok");
    families.update("Table", table, r#"{"open":false}"#).await;
    assert_eq!(families.refusal("Guest", guests[0]).await, "/name the table is closed");
    families.update("Table", table, r#"{"open":true}"#).await;
    assert_eq!(families.refusal("Guest", guests[0]).await, "ok");
    assert_eq!(families.refusal("Guest", third).await, " the table is full");
}

#[tokio::test]
async fn a_restore_asks_the_checks_of_every_record_that_it_brings_back() {
    let families = Families::open();
    let table = families.make("Table", r#"{"seats":2}"#).await;
    let hall = families.make("Hall", "{}").await;
    let round = families.make("Round", "{}").await;
    families.fill("Guest", &format!(r#"{{"table":"{table}","hall":"{hall}","round":"{round}"}}"#), 2).await;
    assert_eq!(families.delete("Round", round).await, "ok");
    let seated = families.make("Guest", &format!(r#"{{"table":"{table}"}}"#)).await;
    assert_eq!(families.refusal("Round", round).await, " the table is full");
    assert_eq!(families.trashed("Guest").await, 2);
    assert_eq!(families.delete("Guest", seated).await, "ok");
    let visiting = families.make("Guest", &format!(r#"{{"hall":"{hall}"}}"#)).await;
    assert_eq!(families.refusal("Round", round).await, " there is no Hall with this id");
    assert_eq!(families.delete("Guest", visiting).await, "ok");
    assert_eq!(families.refusal("Round", round).await, "ok");
    assert_eq!(families.trashed("Guest").await, 2);
}

#[tokio::test]
async fn a_restore_brings_no_second_record_with_unique_values_back() {
    let families = Families::open();
    let round = families.make("Round", "{}").await;
    let code = families.make("Code", &format!(r#"{{"text":"A","valid":true,"round":"{round}"}}"#)).await;
    assert_eq!(families.delete("Round", round).await, "ok");
    let taken = families.make("Code", r#"{"text":"A","valid":true}"#).await;
    assert_eq!(families.restore("Code", code).await, "refers-to-trash");
    assert_eq!(families.restore("Round", round).await, "related-conflict");
    families.update("Code", taken, r#"{"valid":false}"#).await;
    assert_eq!(families.restore("Round", round).await, "ok");
    assert!(families.is_live("Code", code).await);
}

/// Values of the class PERSONAL aren't in the commit log. What was changed or deleted is overwritten, in indexes and on the
/// pages of long texts too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_purged_or_changed_is_in_no_file_any_more() {
    const PEOPLE: &str = r#"
extend schema @app(name: "People")
type Person @allow(read: "true", create: "true", update: "true", delete: "true") @trash @history(read: "true") {
  email: Email! @unique @class(is: PERSONAL)
  story: Text @class(is: PERSONAL)
}
type Guest @allow(read: "true", create: "true", update: "true", delete: "true") {
  email: Email! @unique @class(is: PERSONAL)
  story: Text @class(is: PERSONAL)
}"#;
    let files = vec![SourceFile::app("model/people.graphql", PEOPLE)];
    let ambient = || controlled(&TestClock::at("2026-01-31T12:00:00Z"), 7);
    let application = TestApplication::open(files.clone(), ambient());
    let (client, anyone) = (application.client(), Arc::new(Caller::anonymous()));
    let body = |name: &str| {
        format!(r#"{{"email":"{name}@example.org","story":"{}"}}"#, format!("{name}-story ").repeat(2_000))
    };
    let mut ids = Vec::new();
    for (of, name) in
        [("Person", "purgedone"), ("Guest", "deletedone"), ("Guest", "changedone"), ("Person", "stayingone")]
    {
        let request = client.create(of, &body(name)).expect("a create");
        ids.extend(client.written(&anyone, request).await.expect("it is created").ids);
    }
    let changed = client.update("Guest", ids[2], &body("otherone")).expect("an update");
    let purged = client.of_record(RecordAct::Purge, "Person", ids[0]);
    for request in [client.delete("Person", ids[0]), purged, client.delete("Guest", ids[1]), changed] {
        client.written(&anyone, request).await.expect("it is done");
    }
    drop(client);
    let directory = application.into_directory();
    let files = fs::read_dir(directory.path()).expect("a directory").map(|entry| entry.expect("an entry").path());
    let bytes: Vec<u8> = files.filter(|path| path.is_file()).flat_map(|path| fs::read(path).expect("a file")).collect();
    let is_there = |text: &str| bytes.windows(text.len()).any(|part| part == text.as_bytes());
    for gone in ["purgedone", "deletedone", "changedone"] {
        assert!(!is_there(gone), "{gone}");
    }
    for staying in ["stayingone", "otherone"] {
        assert!(is_there(staying), "{staying}");
    }
}
