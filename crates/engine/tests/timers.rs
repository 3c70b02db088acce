//! What happens to records at a moment that they hold (`@at`).

use std::sync::Arc;

use backstay_base::{Caller, CallerKind, RecordId};
use backstay_engine::{Application, Due, TimerPass};
use backstay_model::{SourceFile, load};
use backstay_testkit::{TestApplication, TestClock, controlled};

const MODEL: &str = r#"
extend schema @app(name: "Timers")

enum PostState {
  DRAFT @initial
    @to(state: "PUBLISHED", when: "this.approved && (this.boss == null || this.boss.here) && (auth.id != null || auth.kind == 'SYSTEM')", message: "not approved", set: [{ field: "publishedAt", to: "now" }])
  PUBLISHED @to(state: "ARCHIVED") @to(state: "DRAFT")
  ARCHIVED
}

type Post
  @allow(read: "true", create: "true", update: "true", delete: "true")
  @history(read: "true") {
  state: PostState!
    @at(field: "publishAt", to: "PUBLISHED")
    @at(field: "archiveOn", to: "ARCHIVED")
  title: String @check(rule: "this.state != 'PUBLISHED' || this.title != 'bad'", message: "no bad titles")
  approved: Boolean! @default(to: true)
  boss: Boss
  publishAt: DateTime
  archiveOn: Date
  publishedAt: DateTime @readonly
  number: Int @sequence(when: "this.state == 'PUBLISHED'")
  slug: String @set(on: UPDATE, to: "this.state == 'PUBLISHED' ? this.title : null") @unique
}

type Boss @allow(read: "true", create: "true", update: "true") { here: Boolean! }

type Token @allow(read: "true", create: "true", update: "true", delete: "true") @at(field: "until", do: DELETE) {
  until: DateTime!
  uses: [Use!] @inverse(field: "token")
}
type Use @allow(read: "true", create: "true", delete: "true") { token: Token! }

type Note @allow(read: "true", create: "true", update: "true", delete: "true") @trash
  @at(field: "until", do: DELETE) {
  until: DateTime
}
"#;

struct Desk {
    application: TestApplication,
    clock: TestClock,
    anyone: Arc<Caller>,
    pass: TimerPass,
}

fn files() -> Vec<SourceFile> {
    vec![SourceFile::app("model/desk.graphql", MODEL)]
}

impl Desk {
    fn open() -> Self {
        let clock = TestClock::at("2026-01-31T12:00:00Z");
        let application = TestApplication::open(files(), controlled(&clock, 7));
        Self { application, clock, anyone: Arc::new(Caller::anonymous()), pass: TimerPass::default() }
    }

    async fn make(&self, of: &str, body: &str) -> RecordId {
        let client = self.application.client();
        client.written(&self.anyone, client.create(of, body).expect("a request")).await.expect("a record").ids[0]
    }

    async fn update(&self, of: &str, id: RecordId, body: &str) {
        let client = self.application.client();
        client.written(&self.anyone, client.update(of, id, body).expect("a request")).await.expect("a change");
    }

    /// Lets happen what is due, from the first record again.
    async fn fire(&mut self) {
        self.pass.start_over();
        let mut steps = 0;
        while self.application.engine.fire_timers(&mut self.pass).await.expect("it fires") == Due::Now {
            steps += 1;
            assert!(steps < 100, "a pass ends");
        }
    }

    async fn fire_after(&mut self, time: &str) {
        self.clock.advance(time);
        self.fire().await;
    }

    async fn selected(&self, of: &str, id: RecordId, select: &str) -> String {
        let client = self.application.client();
        let found = client.found(&self.anyone, client.get(of, id, Some(select)).expect("a request")).await;
        found.map_or_else(|error| error.code().to_owned(), |found| String::from_utf8_lossy(&found.body).into_owned())
    }

    async fn check(&self, id: RecordId, select: &str, expected: &str) {
        assert_eq!(self.selected("Post", id, select).await, expected);
    }

    /// The transactions of the log that were a timer's, each with the number of records that it changed.
    async fn fired(&self) -> Vec<usize> {
        let lines = self.application.engine.log_lines(1, 10_000).await.expect("a log");
        let timers = lines.iter().filter(|line| line.transaction == "timer");
        timers.inspect(|line| assert_eq!(line.caller, CallerKind::System)).map(|line| line.changes.len()).collect()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_state_changes_at_its_moment_and_not_before() {
    let mut desk = Desk::open();
    let post = desk.make("Post", r#"{"title":"a","publishAt":"2026-01-31T13:00:00Z","archiveOn":"2026-02-02"}"#).await;
    let never = desk.make("Post", r#"{"title":"b"}"#).await;
    desk.fire_after("PT59M").await;
    desk.check(post, "state,version", r#"{"state":"DRAFT","version":1}"#).await;
    desk.fire_after("PT1M").await;
    let published = r#"{"state":"PUBLISHED","publishedAt":"2026-01-31T13:00:00.000000Z","slug":"a","version":2}"#;
    desk.check(post, "state,publishedAt,slug,version", published).await;
    desk.fire_after("PT1H").await;
    desk.check(post, "version", r#"{"version":2}"#).await;
    // The day begins at midnight in UTC.
    desk.fire_after("PT33H59M").await;
    desk.check(post, "state", r#"{"state":"PUBLISHED"}"#).await;
    desk.fire_after("PT1M").await;
    desk.check(post, "state,version", r#"{"state":"ARCHIVED","version":3}"#).await;
    desk.check(never, "state", r#"{"state":"DRAFT"}"#).await;
    assert_eq!(desk.fired().await, [1, 1]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_missed_happens_after_a_restart_in_order() {
    let mut desk = Desk::open();
    let late = desk.make("Post", r#"{"title":"late","publishAt":"2026-01-31T15:00:00Z"}"#).await;
    let early = desk.make("Post", r#"{"title":"early","publishAt":"2026-01-31T14:00:00Z"}"#).await;
    let note = desk.make("Note", r#"{"until":"2026-01-31T14:30:00Z"}"#).await;
    desk.clock.advance("P1D");
    let Desk { application, clock, anyone, .. } = desk;
    let application = application.restart(files(), controlled(&clock, 8));
    desk = Desk { application, clock, anyone, pass: TimerPass::default() };
    desk.fire().await;
    desk.check(early, "number", r#"{"number":1}"#).await;
    desk.check(late, "number", r#"{"number":2}"#).await;
    assert_eq!(desk.selected("Note", note, "version").await, "not-found");
    assert_eq!(desk.fired().await, [3]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guard_that_is_not_true_leaves_the_record_until_it_changes() {
    let mut desk = Desk::open();
    let body = r#"{"title":"a","approved":false,"publishAt":"2026-01-31T12:00:01Z"}"#;
    let (post, other) = (desk.make("Post", body).await, desk.make("Post", &body.replace("\"a\"", "\"b\"")).await);
    let fine = desk.make("Post", r#"{"title":"c","publishAt":"2026-01-31T12:00:02Z"}"#).await;
    desk.fire_after("PT5S").await;
    desk.check(post, "state,version", r#"{"state":"DRAFT","version":1}"#).await;
    desk.check(fine, "state", r#"{"state":"PUBLISHED"}"#).await;
    desk.update("Post", post, r#"{"approved":true}"#).await;
    desk.fire().await;
    desk.check(post, "state,version", r#"{"state":"PUBLISHED","version":3}"#).await;
    desk.check(other, "state,version", r#"{"state":"DRAFT","version":1}"#).await;
    assert_eq!(desk.fired().await, [1, 1]);
}

/// What a guard reads of other records may have changed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_that_stayed_is_tried_again_after_a_minute() {
    let mut desk = Desk::open();
    let boss = desk.make("Boss", r#"{"here":false}"#).await;
    let body = format!(r#"{{"title":"a","boss":"{boss}","publishAt":"2026-01-31T12:00:01Z"}}"#);
    let post = desk.make("Post", &body).await;
    desk.fire_after("PT5S").await;
    desk.update("Boss", boss, r#"{"here":true}"#).await;
    desk.fire_after("PT59S").await;
    desk.check(post, "state", r#"{"state":"DRAFT"}"#).await;
    desk.fire_after("PT1S").await;
    desk.check(post, "state", r#"{"state":"PUBLISHED"}"#).await;
}

/// A check and a unique value keep one record from changing, and no other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_that_cannot_change_keeps_no_other_from_it() {
    let mut desk = Desk::open();
    let make = async |desk: &Desk, title: &str| {
        desk.make("Post", &format!(r#"{{"title":"{title}","publishAt":"2026-01-31T12:00:01Z"}}"#)).await
    };
    let (first, bad) = (make(&desk, "same").await, make(&desk, "bad").await);
    let (second, last) = (make(&desk, "same").await, make(&desk, "last").await);
    desk.fire_after("PT5S").await;
    for (post, state) in [(first, "PUBLISHED"), (bad, "DRAFT"), (second, "DRAFT"), (last, "PUBLISHED")] {
        desk.check(post, "state", &format!(r#"{{"state":"{state}"}}"#)).await;
    }
    desk.update("Post", bad, r#"{"title":"good"}"#).await;
    desk.fire().await;
    desk.check(bad, "state", r#"{"state":"PUBLISHED"}"#).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_moment_that_moves_is_what_counts() {
    let mut desk = Desk::open();
    let post = desk.make("Post", r#"{"title":"a","publishAt":"2026-01-31T12:10:00Z"}"#).await;
    desk.update("Post", post, r#"{"publishAt":"2026-01-31T12:20:00Z"}"#).await;
    desk.fire_after("PT15M").await;
    desk.check(post, "state", r#"{"state":"DRAFT"}"#).await;
    desk.update("Post", post, r#"{"publishAt":null}"#).await;
    desk.fire_after("PT15M").await;
    desk.check(post, "state", r#"{"state":"DRAFT"}"#).await;
    desk.update("Post", post, r#"{"publishAt":"2020-01-01T00:00:00Z"}"#).await;
    desk.fire().await;
    desk.check(post, "state", r#"{"state":"PUBLISHED"}"#).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_are_deleted_or_moved_to_the_trash() {
    let mut desk = Desk::open();
    let until = r#"{"until":"2026-01-31T12:00:01Z"}"#;
    let (token, note, kept) =
        (desk.make("Token", until).await, desk.make("Note", until).await, desk.make("Note", "{}").await);
    let used = desk.make("Token", until).await;
    let using = desk.make("Use", &format!(r#"{{"token":"{used}"}}"#)).await;
    desk.fire_after("PT5S").await;
    assert_eq!(desk.selected("Token", token, "version").await, "not-found");
    // What refers to it keeps it.
    assert_eq!(desk.selected("Token", used, "version").await, r#"{"version":1}"#);
    assert_eq!(desk.selected("Note", note, "version").await, "not-found");
    assert_eq!(desk.selected("Note", kept, "version").await, r#"{"version":1}"#);
    let client = desk.application.client();
    client.written(&desk.anyone, client.restore("Note", note)).await.expect("it is in the trash");
    client.written(&desk.anyone, client.delete("Use", using)).await.expect("it is deleted");
    desk.fire_after("PT1M").await;
    assert_eq!(desk.selected("Token", used, "version").await, "not-found");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_records_change_each_exactly_once() {
    let mut desk = Desk::open();
    let client = desk.application.client();
    let bodies: Vec<String> =
        (0..700).map(|at| format!(r#"{{"title":"{at}","publishAt":"2026-01-31T12:{:02}:00Z"}}"#, at % 60)).collect();
    let all: Vec<_> = bodies.iter().map(|body| client.create("Post", body).expect("a request")).collect();
    let mut ids = Vec::new();
    for request in all {
        ids.push(client.written(&desk.anyone, request).await.expect("a record").ids[0]);
    }
    desk.fire_after("PT29M30S").await;
    let published = async |desk: &Desk| {
        let mut published = 0;
        for id in &ids {
            published +=
                usize::from(desk.selected("Post", *id, "state,version").await.contains("PUBLISHED\",\"version\":2"));
        }
        published
    };
    assert_eq!(published(&desk).await, 360);
    desk.fire_after("PT1H").await;
    assert_eq!(published(&desk).await, 700);
}

/// A pass returns the time until the next moment, so that nobody has to look in between.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_next_moment_is_told() {
    let mut desk = Desk::open();
    desk.make("Post", r#"{"title":"a","publishAt":"2026-01-31T12:00:00.300Z"}"#).await;
    let due = desk.application.engine.fire_timers(&mut desk.pass).await.expect("it looks");
    assert!(matches!(due, Due::In(time) if time.as_millis() <= 300), "{due:?}");
    desk.clock.advance("PT1S");
    let due = desk.application.engine.fire_timers(&mut desk.pass).await.expect("it fires");
    assert_eq!(due, Due::Nothing);
    assert_eq!(desk.fired().await, [1]);
}

/// Nobody would ever see that a guard asks for what Backstay doesn't have.
#[test]
fn a_guard_must_let_backstay_pass() {
    let model = |when: &str| {
        let model = format!(
            "extend schema @app(name: \"T\")\nenum Role @roles {{ EDITOR }}\n\
             enum State {{ A @initial @to(state: \"B\", when: \"{when}\") B }}\n\
             type Post @allow(read: \"true\") {{ state: State! @at(field: \"at\", to: \"B\") at: DateTime }}\n"
        );
        let loaded = load(vec![SourceFile::app("model/post.graphql", model)]).expect("a model");
        Application::compile(loaded.model).map(drop).map_err(|refusal| refusal.to_string())
    };
    for refused in ["'EDITOR' in auth.roles", "auth.id != null && this.at != null", "auth.kind == 'ACCOUNT'"] {
        let told = model(refused).expect_err(refused);
        assert!(told.contains("`state` never becomes B at `at`"), "{told}");
        assert!(told.contains("auth.kind == 'SYSTEM'"), "{told}");
    }
    for passed in ["'EDITOR' in auth.roles || auth.kind == 'SYSTEM'", "this.at != null", "auth.id == null"] {
        assert_eq!(model(passed), Ok(()), "{passed}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_documented_timers_fire() {
    const DOCUMENT: &str = include_str!("../../../docs/model.md");
    let (_, section) = DOCUMENT.split_once("\n### At a moment\n").expect("the section");
    let (_, example) = section.split_once("```graphql\n").expect("an example");
    let (example, _) = example.split_once("```").expect("its end");
    let user = "type User @identity @allow(read: \"true\", create: \"true\") { email: Email! @unique }";
    let model = format!("extend schema @app(name: \"Paper\")\n{user}\n{example}");
    let clock = TestClock::at("2026-01-31T12:00:00Z");
    let application = TestApplication::open(vec![SourceFile::app("model/paper.graphql", model)], controlled(&clock, 7));
    let mut desk = Desk { application, clock, anyone: Arc::new(Caller::anonymous()), pass: TimerPass::default() };
    let ann = desk.make("User", r#"{"email":"ann@example.org"}"#).await;
    let roles: [&str; 0] = [];
    desk.anyone = Arc::new(Caller::account(ann, roles));
    let moments = r#""publishAt":"2026-02-01T09:00:00Z","archiveOn":"2026-03-01""#;
    let approved = desk.make("Article", &format!(r#"{{"title":"a","approvedBy":"{ann}",{moments}}}"#)).await;
    let open = desk.make("Article", &format!(r#"{{"title":"b",{moments}}}"#)).await;
    let invitation = desk.make("Invitation", "{}").await;
    let told = async |desk: &Desk, article: RecordId| desk.selected("Article", article, "state,publishAt").await;
    desk.fire_after("P1D").await;
    assert_eq!(told(&desk, approved).await, r#"{"state":"PUBLISHED","publishAt":null}"#);
    assert_eq!(told(&desk, open).await, r#"{"state":"DRAFT","publishAt":"2026-02-01T09:00:00.000000Z"}"#);
    assert_eq!(desk.selected("Invitation", invitation, "version").await, r#"{"version":1}"#);
    // A draft again, it stays one until it gets another moment.
    desk.update("Article", approved, r#"{"state":"DRAFT"}"#).await;
    // It was made a little after noon: the moments of commits increase.
    desk.fire_after("PT145H").await;
    assert_eq!(told(&desk, approved).await, r#"{"state":"DRAFT","publishAt":null}"#);
    assert_eq!(desk.selected("Invitation", invitation, "version").await, "not-found");
    desk.update("Article", approved, r#"{"state":"PUBLISHED"}"#).await;
    desk.fire_after("P30D").await;
    assert_eq!(told(&desk, approved).await, r#"{"state":"ARCHIVED","publishAt":null}"#);
}
