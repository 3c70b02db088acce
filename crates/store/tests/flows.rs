//! Flows share an embedded database: each waits behind its own work, and none occupies the writer or all readers.

mod conformance;
#[path = "flows/errand.rs"]
mod errand;

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use backstay_audit::verify;
use backstay_base::{Ambient, DependencyKey, Flow, Network, RecordId, Source, limits};
use backstay_scalar::Storage;
use backstay_sql::{Param, Statement};
use backstay_store::{CommitObserver, Committed, Demand, OpenOptions, Recall, Store, StoreError, Writes};
use conformance::script::{
    Act, FirstColumn, MODEL, NOW, Seen, author_made, claim, emails, insert_author, model, moment, read, script,
};
use errand::{Errand, Ran, Step};
use futures_util::FutureExt as _;
use futures_util::future::{join, join_all};
use tempfile::TempDir;

const ENDLESS: &str = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n";

/// The account of this number, in a network of its own.
fn flow(number: u8) -> Flow {
    account(number, number)
}

/// An account in one of several networks.
fn account(network: u8, number: u8) -> Flow {
    let source = Source::Network(Network::V4([192, 0, 2, network]));
    Flow { source, caller: Some(RecordId::from_bytes([number; 16])) }
}

const HEAVY: u8 = 1;
const LIGHT: u8 = 2;

struct Fixture {
    store: Store,
    ran: Arc<Ran>,
    directory: TempDir,
}

fn fixture() -> Fixture {
    fixture_with(Arc::new(()), |_| ())
}

fn fixture_with(observer: Arc<dyn CommitObserver>, set: fn(&mut OpenOptions)) -> Fixture {
    let directory = TempDir::new().expect("a directory");
    let mut options = OpenOptions::new(directory.path());
    options.readers = 2;
    set(&mut options);
    let opened = Store::open(&options, &model(MODEL), Ambient::system(), observer).expect("a database");
    Fixture { store: opened.store, ran: Arc::default(), directory }
}

impl Fixture {
    fn errand(&self, name: impl Into<String>, by: Flow, steps: impl IntoIterator<Item = Step>) -> Errand {
        Errand::new(name.into(), Demand::now(by), steps).reports_to(&self.ran)
    }

    /// A work that is done on the writer.
    fn write(&self, name: impl Into<String>, by: Flow) -> Arc<Errand> {
        Arc::new(self.errand(name, by, []))
    }

    /// A read that is long enough for the pool, and does this there.
    fn long_read(&self, name: impl Into<String>, by: Flow, steps: impl IntoIterator<Item = Step>) -> Arc<Errand> {
        let long = Step::Read(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9999) SELECT i FROM n",
        );
        let steps = [long, Step::Report].into_iter().chain(steps);
        Arc::new(self.errand(name, by, steps).writes(Writes::None))
    }

    /// The creation of an author, as the engine does it.
    fn create(&self, number: u32, by: Flow) -> Arc<Errand> {
        let email = email(number);
        let steps = [Step::Stage(insert_author(number, &email)), Step::Change(author_made(number, &email))];
        Arc::new(self.errand(&email, by, steps))
    }

    async fn stored(&self) -> Vec<String> {
        let mut sink = FirstColumn::default();
        read(&self.store, &emails(), &mut sink).await.expect("a read");
        sink.values
    }
}

fn email(number: u32) -> String {
    format!("{number}@example.org")
}

/// Starts a work: it is queued, or runs elsewhere, when this returns.
macro_rules! started {
    ($future:expr) => {{
        let mut future = Box::pin($future);
        assert!(futures_util::poll!(&mut future).is_pending(), "it is done elsewhere");
        future
    }};
}

#[tokio::test]
async fn a_flow_with_many_long_reads_leaves_threads_to_others() {
    let fixture = fixture();
    let (open, gate) = channel();
    let first = started!(fixture.store.write(fixture.long_read("first", flow(HEAVY), [Step::wait(gate)])));
    fixture.ran.until("first");
    let mut rest = Vec::new();
    for number in 0..50 {
        rest.push(started!(fixture.store.write(fixture.long_read(number.to_string(), flow(HEAVY), []))));
    }
    fixture.store.write(fixture.long_read("light", flow(LIGHT), [])).await.expect("a read");
    assert_eq!(fixture.ran.names(), ["first", "light"], "the others wait for the first of their flow");
    open.send(()).expect("it waits");
    first.await.expect("a read");
    assert!(join_all(rest).await.iter().all(Result::is_ok));
    assert_eq!(fixture.ran.names().len(), 52);
}

#[tokio::test]
async fn the_flow_that_has_had_the_least_time_reads_next() {
    let fixture = fixture();
    let ((open, gate), (open_other, other_gate)) = (channel(), channel());
    let first = started!(fixture.store.write(fixture.long_read("first", flow(HEAVY), [Step::wait(gate)])));
    let other = started!(fixture.store.write(fixture.long_read("other", flow(3), [Step::wait(other_gate)])));
    fixture.ran.until("first");
    fixture.ran.until("other");
    let mut rest = Vec::new();
    for number in 0..50 {
        rest.push(started!(fixture.store.write(fixture.long_read(number.to_string(), flow(HEAVY), []))));
    }
    let light = started!(fixture.store.write(fixture.long_read("light", flow(LIGHT), [])));
    open.send(()).expect("it waits");
    light.await.expect("a read");
    assert_eq!(fixture.ran.names().get(2).map(String::as_str), Some("light"));
    open_other.send(()).expect("it waits");
    join(first, other).await.0.expect("a read");
    assert!(join_all(rest).await.iter().all(Result::is_ok));
}

#[tokio::test]
async fn a_flow_with_too_many_long_reads_is_refused_alone() {
    let fixture = fixture();
    let (open, gate) = channel();
    let first = started!(fixture.store.write(fixture.long_read("first", flow(HEAVY), [Step::wait(gate)])));
    fixture.ran.until("first");
    let mut rest = Vec::new();
    for number in 0..limits::FLOW_READER_QUEUE {
        rest.push(started!(fixture.store.write(fixture.long_read(number.to_string(), flow(HEAVY), []))));
    }
    let refused = fixture.store.write(fixture.long_read("refused", flow(HEAVY), [])).await;
    assert!(matches!(refused, Err(StoreError::Share)), "{refused:?}");
    fixture.store.write(fixture.long_read("light", flow(LIGHT), [])).await.expect("a read of another flow");
    drop(rest.pop());
    let instead = started!(fixture.store.write(fixture.long_read("instead", flow(HEAVY), [])));
    open.send(()).expect("it waits");
    first.await.expect("a read");
    instead.await.expect("one whose caller went away makes room");
}

#[tokio::test]
async fn the_accounts_of_one_network_share_what_one_network_gets() {
    let fixture = fixture();
    let ((open, gate), (open_other, other_gate)) = (channel(), channel());
    let first = started!(fixture.store.write(fixture.long_read("first", account(HEAVY, 0), [Step::wait(gate)])));
    let other = started!(fixture.store.write(fixture.long_read("other", flow(3), [Step::wait(other_gate)])));
    fixture.ran.until("first");
    fixture.ran.until("other");
    let mut rest = Vec::new();
    for number in 1..=16 {
        rest.push(started!(fixture.store.write(fixture.long_read("heavy", account(HEAVY, number), []))));
    }
    let light = started!(fixture.store.write(fixture.long_read("light", flow(LIGHT), [])));
    open.send(()).expect("it waits");
    light.await.expect("a read");
    assert_eq!(fixture.ran.names().get(2).map(String::as_str), Some("light"));
    open_other.send(()).expect("it waits");
    join(first, other).await.0.expect("a read");
    assert!(join_all(rest).await.iter().all(Result::is_ok));
}

#[tokio::test]
async fn a_network_with_too_many_long_reads_is_refused_alone() {
    let fixture = fixture();
    let (open, gate) = channel();
    let first = started!(fixture.store.write(fixture.long_read("first", account(HEAVY, 0), [Step::wait(gate)])));
    fixture.ran.until("first");
    let mut rest = Vec::new();
    for number in 0..limits::SOURCE_READER_QUEUE {
        let by = account(HEAVY, u8::try_from(number % 16).expect("few"));
        rest.push(started!(fixture.store.write(fixture.long_read("heavy", by, []))));
    }
    let refused = fixture.store.write(fixture.long_read("refused", account(HEAVY, 16), [])).await;
    assert!(matches!(refused, Err(StoreError::Share)), "{refused:?}");
    fixture.store.write(fixture.long_read("light", flow(LIGHT), [])).await.expect("a read of another network");
    open.send(()).expect("it waits");
    first.await.expect("a read");
    assert!(join_all(rest).await.iter().all(Result::is_ok));
}

/// A demand that ends soon.
fn soon() -> Demand {
    Demand { deadline: Instant::now() + Duration::from_millis(50), ..Demand::now(flow(HEAVY)) }
}

/// Waits until this demand has ended.
fn past(demand: Demand) {
    while Instant::now() < demand.deadline {
        std::thread::sleep(demand.deadline.saturating_duration_since(Instant::now()));
    }
}

#[tokio::test]
async fn a_write_that_was_not_begun_by_its_deadline_is_refused_and_never_done() {
    let fixture = fixture();
    let (open, gate) = channel();
    let held = started!(fixture.store.write(Arc::new(fixture.errand("held", Flow::SYSTEM, [Step::wait(gate)]))));
    fixture.ran.until("held");
    let demand = soon();
    let late = Errand::new("late".to_owned(), demand, [Step::Stage(insert_author(1, "late@example.org"))]);
    let late = started!(fixture.store.write(Arc::new(late.reports_to(&fixture.ran))));
    past(demand);
    let ended = late.now_or_never().expect("it doesn't wait for the writer");
    assert!(matches!(ended, Err(StoreError::Busy)), "{ended:?}");
    open.send(()).expect("it waits");
    held.await.expect("a work");
    fixture.store.write(fixture.write("after", flow(LIGHT))).await.expect("a work");
    assert_eq!(fixture.ran.names(), ["held", "after"]);
}

#[tokio::test]
async fn a_write_whose_deadline_comes_while_it_runs_is_undone() {
    let fixture = fixture();
    let (open, gate) = channel();
    let demand = Demand { deadline: Instant::now() + Duration::from_secs(3), ..Demand::now(flow(HEAVY)) };
    let steps = [Step::Stage(insert_author(1, "late@example.org")), Step::wait(gate)];
    let late =
        started!(fixture.store.write(Arc::new(Errand::new("late".to_owned(), demand, steps).reports_to(&fixture.ran))));
    fixture.ran.until("late");
    past(demand);
    let ended = late.now_or_never().expect("it doesn't wait for the writer");
    assert!(matches!(ended, Err(StoreError::TimeLimit)), "{ended:?}");
    open.send(()).expect("it waits");
    fixture.store.write(fixture.write("after", flow(LIGHT))).await.expect("a work");
    assert!(fixture.stored().await.is_empty());
}

/// Holds each commit until the test lets it go on.
struct Held {
    begun: Mutex<Sender<()>>,
    go_on: Mutex<Receiver<()>>,
}

impl CommitObserver for Held {
    fn before_commit(&self, _committed: Committed<'_>) {
        self.begun.lock().expect("not poisoned").send(()).expect("the test waits");
        self.go_on.lock().expect("not poisoned").recv().expect("the test lets it go on");
    }

    fn after_commit(&self, _committed: Committed<'_>) {}

    fn others_changed(&self, _: &[DependencyKey]) {}

    fn foreign_change(&self) {}
}

#[tokio::test]
async fn a_write_whose_deadline_comes_during_its_commit_has_no_answer_before_its_end() {
    let ((begun, begins), (go_on, held)) = (channel(), channel());
    let fixture = fixture_with(Arc::new(Held { begun: Mutex::new(begun), go_on: Mutex::new(held) }), |_| ());
    let demand = Demand { deadline: Instant::now() + Duration::from_secs(3), ..Demand::now(flow(HEAVY)) };
    let email = email(1);
    let steps = [Step::Stage(insert_author(1, &email)), Step::Change(author_made(1, &email))];
    let mut late = started!(fixture.store.write(Arc::new(Errand::new("late".to_owned(), demand, steps))));
    begins.recv().expect("it commits");
    past(demand);
    assert!(futures_util::poll!(&mut late).is_pending(), "it may be stored or not");
    go_on.send(()).expect("it waits");
    late.await.expect("it is stored");
    assert_eq!(fixture.stored().await, [email]);
}

#[tokio::test]
async fn everything_ends_at_its_deadline() {
    let fixture = fixture();
    let endless = Statement::raw(ENDLESS, vec![], &[Storage::Int]);
    let read = fixture.store.read(soon(), &endless, FirstColumn::default()).await.1;
    assert!(matches!(read, Err(StoreError::TimeLimit)), "{read:?}");
    let read = fixture.store.read_aside(soon(), &endless, FirstColumn::default()).await.1;
    assert!(matches!(read, Err(StoreError::TimeLimit)), "{read:?}");
    for writes in [Writes::None, Writes::One, Writes::Many] {
        for step in [Step::Read(ENDLESS), Step::ReadForEver("SELECT 1")] {
            let work = Errand::new("endless".to_owned(), soon(), [step]).writes(writes).reports_to(&fixture.ran);
            let ended = fixture.store.write(Arc::new(work)).await;
            assert!(matches!(ended, Err(StoreError::TimeLimit)), "{writes:?}: {ended:?}");
        }
    }
    fixture.store.write(fixture.write("after", flow(LIGHT))).await.expect("the store goes on");
}

#[tokio::test]
async fn what_is_past_its_deadline_is_not_begun() {
    let fixture = fixture();
    let past = Demand { deadline: Instant::now(), ..Demand::now(flow(HEAVY)) };
    let steps = [Step::Stage(insert_author(1, "late@example.org"))];
    let late = Errand::new("late".to_owned(), past, steps).reports_to(&fixture.ran);
    let ended = fixture.store.write(Arc::new(late)).await;
    assert!(matches!(ended, Err(StoreError::Busy)), "{ended:?}");
    assert!(fixture.ran.names().is_empty() && fixture.stored().await.is_empty());
}

#[tokio::test]
async fn the_writer_takes_turns() {
    let fixture = fixture();
    let (open, gate) = channel();
    let held = Arc::new(fixture.errand("held", flow(3), [Step::wait(gate)]));
    let held = started!(fixture.store.write(held));
    fixture.ran.until("held");
    let mut works = Vec::new();
    for number in 0..20 {
        works.push(started!(fixture.store.write(fixture.write(format!("heavy {number}"), flow(HEAVY)))));
    }
    works.push(started!(fixture.store.write(fixture.write("light", flow(LIGHT)))));
    works.push(started!(fixture.store.write(fixture.write("system", Flow::SYSTEM))));
    open.send(()).expect("it waits");
    held.await.expect("a work");
    assert!(join_all(works).await.iter().all(Result::is_ok));
    let names = fixture.ran.names();
    let place = |name: &str| names.iter().position(|ran| ran == name).expect("it ran");
    assert_eq!(place("light"), 2, "{names:?}");
    assert!(place("system") < place("heavy 19"), "{names:?}");
    let heavy: Vec<_> = names.iter().filter(|name| name.starts_with("heavy")).cloned().collect();
    assert_eq!(heavy, (0..20).map(|number| format!("heavy {number}")).collect::<Vec<_>>(), "each flow in its order");
}

#[tokio::test]
async fn a_full_queue_refuses_one_flow_and_never_the_system() {
    let fixture = fixture();
    let (open, gate) = channel();
    let held = Arc::new(fixture.errand("held", Flow::SYSTEM, [Step::wait(gate)]));
    let held = started!(fixture.store.write(held));
    fixture.ran.until("held");
    let mut works = Vec::new();
    for number in 0..limits::WRITER_QUEUE {
        let by = flow(10 + u8::try_from(number / limits::FLOW_WRITER_QUEUE).expect("few"));
        works.push(started!(fixture.store.write(fixture.write("work", by))));
        if number + 1 == limits::FLOW_WRITER_QUEUE {
            let refused = fixture.store.write(fixture.write("refused", by)).await;
            assert!(matches!(refused, Err(StoreError::Share)), "{refused:?}");
        }
    }
    let refused = fixture.store.write(fixture.write("refused", flow(LIGHT))).await;
    assert!(matches!(refused, Err(StoreError::Busy)), "{refused:?}");
    let system = started!(fixture.store.write(fixture.write("system", Flow::SYSTEM)));
    open.send(()).expect("it waits");
    held.await.expect("a work");
    system.await.expect("a work of the system");
    assert!(join_all(works).await.iter().all(Result::is_ok));
}

/// Holds the writer in its first run until it is interrupted, and is brief in the next.
fn heavy_at_first(fixture: &Fixture, hold: Step, writes: Writes) -> Errand {
    let steps = [
        Step::Execute(insert_author(2, &email(2))),
        Step::Change(author_made(2, &email(2))),
        Step::Remember(claim("key", 1), b"answer".to_vec(), moment(NOW * 2)),
        Step::OnceOnly(Box::new(hold)),
    ];
    fixture.errand("heavy", flow(HEAVY), steps).writes(writes)
}

/// `runs_before` is how often what ran in the same commit before it must run. On a slow machine it may be more.
async fn check_interrupted(hold: fn() -> Step, writes: Writes, runs_before: usize) {
    let fixture = fixture();
    let (open, gate) = channel();
    let held = Arc::new(fixture.errand("held", Flow::SYSTEM, [Step::wait(gate)]));
    let held = started!(fixture.store.write(held));
    fixture.ran.until("held");
    let before = started!(fixture.store.write(fixture.create(1, flow(LIGHT))));
    let heavy = started!(fixture.store.write(Arc::new(heavy_at_first(&fixture, hold(), writes))));
    let after = started!(fixture.store.write(fixture.create(3, flow(3))));
    open.send(()).expect("it waits");
    held.await.expect("a work");
    let (before, after) = join(before, after).await;
    before.expect("a create before it");
    after.expect("a create after it");
    heavy.await.expect("it runs again");
    let ran = fixture.ran.names();
    let count = |name: &str| ran.iter().filter(|ran| *ran == name).count();
    assert_eq!(count("heavy"), 2, "{writes:?}: {ran:?}");
    assert!(count(&email(1)) >= runs_before, "{writes:?}: {ran:?}");
    assert_eq!(fixture.stored().await, [email(1), email(2), email(3)]);
    let log = fixture.store.log(1, 10).await.expect("the log");
    assert_eq!(log.iter().map(|entry| entry.sequence).collect::<Vec<_>>(), [1, 2, 3]);
    let moments: Vec<_> = log.iter().map(|entry| verify(&entry.entry, entry.leaf).expect("canonical").moment).collect();
    assert!(moments.is_sorted_by(|one, next| one < next), "{moments:?}");
    let recalled = fixture.store.write(script(Writes::None, [Act::Recall(claim("key", 1))])).await.expect("a read");
    assert_eq!(recalled, [Seen::Recall(Recall::Replay(b"answer".to_vec()))]);
}

#[tokio::test]
async fn a_work_that_holds_the_writer_is_run_again_alone_and_nothing_is_lost_or_doubled() {
    let reads = || Step::Read(ENDLESS);
    let reads_for_ever = || Step::ReadForEver("SELECT 1");
    let writes_for_ever = || {
        let endless = format!("UPDATE author SET name = name WHERE version = ({ENDLESS})");
        Step::Execute(Statement::raw(endless, vec![], &[]))
    };
    check_interrupted(reads, Writes::Many, 1).await;
    check_interrupted(reads_for_ever, Writes::Many, 1).await;
    // Nothing but the whole transaction can be undone.
    check_interrupted(reads, Writes::One, 2).await;
    check_interrupted(writes_for_ever, Writes::Many, 2).await;
    check_interrupted(writes_for_ever, Writes::One, 2).await;
}

/// Steps that hold the writer for longer than an operation may that others wait for.
fn hold(gate: Receiver<()>) -> [Step; 3] {
    let long = Duration::from_millis(limits::SHARED_HOLD_MILLIS + 10);
    let read = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9999) SELECT max(i) FROM n";
    [Step::wait(gate), Step::Sleep(long), Step::Read(read)]
}

#[tokio::test]
async fn those_who_have_gone_away_interrupt_nobody() {
    let fixture = fixture();
    let ((open, gate), (open_heavy, heavy_gate)) = (channel(), channel());
    let held = started!(fixture.store.write(Arc::new(fixture.errand("held", flow(3), [Step::wait(gate)]))));
    fixture.ran.until("held");
    let before = started!(fixture.store.write(fixture.create(1, flow(LIGHT))));
    let heavy = started!(fixture.store.write(Arc::new(fixture.errand("heavy", flow(HEAVY), hold(heavy_gate)))));
    let after = started!(fixture.store.write(fixture.create(2, flow(LIGHT))));
    open.send(()).expect("it waits");
    fixture.ran.until("heavy");
    // The first two wait for its commit, the last one for the next.
    drop((held, before, after));
    open_heavy.send(()).expect("it waits");
    heavy.await.expect("it is not interrupted");
    assert_eq!(fixture.ran.names(), ["held", "1@example.org", "heavy"]);
}

#[tokio::test]
async fn a_work_that_holds_the_writer_for_too_long_is_refused_if_others_wait() {
    let fixture = fixture();
    let heavy = started!(fixture.store.write(Arc::new(fixture.errand("heavy", flow(HEAVY), [Step::Read(ENDLESS)]))));
    let others = async {
        for number in 0.. {
            fixture.store.write(fixture.create(number, flow(LIGHT))).await.expect("a create");
            if fixture.ran.names().iter().filter(|name| *name == "heavy").count() == 2 {
                fixture.store.write(fixture.create(number + 1, flow(LIGHT))).await.expect("a create");
                return number + 2;
            }
        }
        unreachable!("it is interrupted once others wait")
    };
    let (heavy, created) = join(heavy, others).await;
    assert!(matches!(heavy, Err(StoreError::HoldLimit)), "{heavy:?}");
    assert_eq!(fixture.stored().await.len(), created as usize);
    fixture.store.write(fixture.write("later", flow(HEAVY))).await.expect("its flow goes on");
}

#[tokio::test]
async fn a_flow_with_long_operations_pauses_while_others_write() {
    let fixture = fixture();
    let sleeps = || Arc::new(fixture.errand("heavy", flow(HEAVY), [Step::Sleep(Duration::from_millis(60))]));
    let heavy = join_all([fixture.store.write(sleeps()), fixture.store.write(sleeps()), fixture.store.write(sleeps())]);
    let others = async {
        for number in 0.. {
            fixture.store.write(fixture.create(number, flow(LIGHT))).await.expect("a create");
            if fixture.ran.names().iter().filter(|name| *name == "heavy").count() == 3 {
                return;
            }
        }
    };
    let (heavy, ()) = join(heavy, others).await;
    assert!(heavy.iter().all(Result::is_ok), "{heavy:?}");
    let names = fixture.ran.names();
    let places: Vec<usize> = (0..names.len()).filter(|place| names[*place] == "heavy").collect();
    let between: Vec<usize> = places.windows(2).map(|pair| pair[1] - pair[0] - 1).collect();
    assert!(between.iter().all(|creates| *creates >= 3), "creates between the long operations: {between:?}");
}

/// A flow that has had one long operation gets commits of its own for a while; its short ones then alternate with those of
/// others.
#[tokio::test]
async fn short_operations_after_a_long_one_leave_others_their_turn() {
    let fixture = fixture();
    let long = fixture.errand("long", flow(HEAVY), [Step::Sleep(Duration::from_millis(30))]);
    fixture.store.write(Arc::new(long)).await.expect("a long operation");
    let heavy = (0..200).map(|_| {
        let short = fixture.errand("heavy", flow(HEAVY), [Step::Sleep(Duration::from_millis(2))]);
        fixture.store.write(Arc::new(short))
    });
    let light = async {
        for number in 0..5 {
            fixture.store.write(fixture.create(number, flow(LIGHT))).await.expect("a create");
        }
        fixture.ran.names().iter().filter(|name| *name == "heavy").count()
    };
    let (heavy, before) = join(join_all(heavy), light).await;
    assert!(heavy.iter().all(Result::is_ok), "{heavy:?}");
    assert!(before <= 20, "{before} of the heavy flow's operations ran before five of the light one's");
}

/// Reads that overlap always leave one that needs the write-ahead log, which then can't begin anew.
#[tokio::test]
async fn reads_that_need_the_write_ahead_log_for_too_long_end() {
    const MIB: u64 = 1024 * 1024;
    const BOUND: u64 = 8 * MIB;
    let fixture = fixture_with(Arc::new(()), |options| options.log_bytes = BOUND);
    fixture.store.write(fixture.create(1, flow(LIGHT))).await.expect("a create");
    let endless = || [Step::ReadForEver("SELECT count(*) FROM author")];
    let first = started!(fixture.store.write(fixture.long_read("first", flow(HEAVY), endless())));
    let second = started!(fixture.store.write(fixture.long_read("second", flow(3), endless())));
    fixture.ran.until("first");
    fixture.ran.until("second");
    let log = fixture.directory.path().join("backstay.db-wal");
    let mut longest = 0;
    for round in 0..64 {
        let name = Param::Text(format!("{round:02}").repeat(512 * 1024).into());
        let change = Statement::raw("UPDATE author SET name = ?", vec![name], &[]);
        let steps = [Step::Execute(change)];
        fixture.store.write(Arc::new(fixture.errand("change", flow(LIGHT), steps))).await.expect("a long write");
        longest = longest.max(std::fs::metadata(&log).expect("the log").len());
    }
    assert!(longest <= 2 * BOUND + 2 * MIB, "{longest} bytes");
    for read in [first, second] {
        let ended = read.await;
        assert!(matches!(ended, Err(StoreError::Busy)), "{ended:?}");
    }
    fixture.store.write(fixture.long_read("third", flow(HEAVY), [])).await.expect("reads begin again");
}

/// Work that needs no database takes turns with reads, and a panic in it is nobody else's.
#[tokio::test]
async fn work_beside_the_database_takes_turns() {
    let fixture = fixture();
    let (release, released) = channel::<()>();
    let [first, second] = [0, 1].map(|_| fixture.store.clone());
    let held =
        tokio::spawn(
            async move { first.take_turn(Demand::now(flow(HEAVY)), move || released.recv().map_err(drop)).await },
        );
    let waiting = tokio::spawn(async move { second.take_turn(Demand::now(flow(HEAVY)), || 2).await });
    tokio::task::yield_now().await;
    let light = fixture.store.take_turn(Demand::now(flow(LIGHT)), || 3).await;
    assert!(matches!(light, Ok(3)), "{light:?}");
    assert!(!waiting.is_finished(), "it waits behind the other of its flow");
    release.send(()).expect("it is received");
    assert!(matches!(held.await, Ok(Ok(Ok(())))));
    assert!(matches!(waiting.await, Ok(Ok(2))));

    let broken: Result<(), StoreError> =
        fixture.store.take_turn(Demand::now(flow(HEAVY)), || panic!("it is broken")).await;
    assert!(matches!(broken, Err(StoreError::Panicked)), "{broken:?}");
    assert!(!fixture.store.has_failed());
    let light = fixture.store.take_turn(Demand::now(flow(LIGHT)), || 4).await;
    assert!(matches!(light, Ok(4)), "{light:?}");
}
