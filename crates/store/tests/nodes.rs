//! Several processes on one PostgreSQL database: the places of their entries in the commit log, and what they learn of each
//! other.

mod conformance;

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use backstay_audit::verify;
use backstay_base::{Ambient, DependencyKey, Secret};
use backstay_scalar::Storage;
use backstay_sql::{Param, Statement};
use backstay_store::{
    CommitId, CommitObserver, Committed, Demand, Location, OpenError, OpenOptions, Origin, Outcome, RecordKey,
    ServerProblem, Store, StoreError, Tx, Work, Writes,
};
use backstay_testkit::{Cluster, TestClock, controlled};
use conformance::script::{
    AUTHOR, Act, Ended, Failure, FirstColumn, MODEL, NOW, Script, Seen, Told, claim, clock, create_author, emails, id,
    insert_author, model, moment, read, rename_author, script,
};
use futures_util::future::BoxFuture;
use tokio::time::sleep;

/// Who asks for something that happens soon gives up after so many tries, ten milliseconds apart.
const TRIES: usize = 6000;

/// A database that several processes can open.
struct Place {
    cluster: Cluster,
    address: String,
    options: OpenOptions,
    /// How often a process had to end.
    deaths: Arc<AtomicUsize>,
}

struct Node {
    store: Store,
    told: Arc<Told>,
    clock: TestClock,
}

impl Place {
    fn new() -> Self {
        let cluster = Cluster::start();
        let address = cluster.database();
        let mut options = OpenOptions::new(Location::Url(Secret::new(address.clone())));
        let deaths = Arc::<AtomicUsize>::default();
        let counted = Arc::clone(&deaths);
        options.on_fatal = Arc::new(move |_| {
            counted.fetch_add(1, Ordering::SeqCst);
        });
        Self { cluster, address, options, deaths }
    }

    fn try_node(&self, text: &str) -> Result<(Node, Outcome), OpenError> {
        let (told, clock) = (Arc::<Told>::default(), clock());
        let opened = Store::open(&self.options, &model(text), controlled(&clock, 1), Arc::<Told>::clone(&told))?;
        Ok((Node { store: opened.store, told, clock }, opened.outcome))
    }

    fn node(&self) -> Node {
        self.try_node(MODEL).expect("a database").0
    }

    /// Runs statements beside all processes.
    fn run(&self, statements: &str) -> String {
        self.cluster.run("test_0", statements)
    }

    /// Ends all connections.
    fn cut(&self) {
        self.cluster.run("postgres", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'test_0'");
    }
}

impl Node {
    async fn create(&self, number: u32) {
        self.store.write(create_author(number, &format!("{number}@example.org"))).await.expect("a create");
    }

    /// The key of an author.
    fn key(&self, number: u32) -> DependencyKey {
        self.store.dependency_keys().record(AUTHOR, &RecordKey::from(id(number)))
    }

    fn was_told_of(&self, key: DependencyKey) -> bool {
        self.told.others.lock().expect("not poisoned").iter().any(|keys| keys.contains(&key))
    }

    /// The records that the entries of the log create, in its order; there are no gaps between places.
    async fn logged(&self) -> Vec<RecordKey> {
        let entries = self.store.log(1, 10_000).await.expect("the log");
        let places: Vec<u64> = entries.iter().map(|entry| entry.sequence).collect();
        assert_eq!(places, (1..=entries.len() as u64).collect::<Vec<_>>());
        let record = |entry: &backstay_store::LogEntry| {
            let entry = verify(&entry.entry, entry.leaf).expect("canonical");
            entry.changes[0].records[0].key.clone()
        };
        entries.iter().map(record).collect()
    }
}

fn keys(numbers: impl IntoIterator<Item = u32>) -> Vec<RecordKey> {
    numbers.into_iter().map(|number| id(number).into()).collect()
}

async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..TRIES {
        if holds() {
            return;
        }
        sleep(Duration::from_millis(10)).await;
    }
    unreachable!("it never came: {what}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_process_commits_the_others_learn_by_its_keys() {
    let place = Place::new();
    let [one, other] = [place.node(), place.node()];
    one.create(1).await;
    until("the first change", || other.was_told_of(other.key(1))).await;
    assert_eq!(*other.told.others.lock().expect("not poisoned"), [one.told.keys.lock().expect("not poisoned").clone()]);
    other.create(2).await;
    until("the other change", || one.was_told_of(one.key(2))).await;
    assert_eq!(one.logged().await, keys([1, 2]));
    assert_eq!(one.told.foreign.load(Ordering::SeqCst), 0);

    // Connections that are lost are made again, and nothing is missed.
    place.cut();
    let mut tries = 0;
    loop {
        tries += 1;
        assert!(tries < TRIES, "no connection is made");
        // Whether it is stored may be unknown: then it is sent again.
        match one.store.write(create_author(3, "3@example.org")).await {
            Ok(_) | Err(Failure::Store(StoreError::Unique { .. })) => break,
            Err(Failure::Store(StoreError::Unknown(_) | StoreError::Unreachable(_))) => {
                sleep(Duration::from_millis(10)).await;
            }
            Err(error) => unreachable!("{error:?}"),
        }
    }
    until("a change after the loss", || other.was_told_of(other.key(3))).await;
    assert_eq!(other.logged().await, keys([1, 2, 3]));
    assert_eq!(place.deaths.load(Ordering::SeqCst), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_writers_on_two_processes_leave_one_log() {
    let place = Place::new();
    let nodes = [place.node(), place.node()];
    let writers = (0..100_u32).map(|writer| {
        let store = nodes[writer as usize % 2].store.clone();
        tokio::spawn(async move {
            for number in (writer * 5..).take(5) {
                store.write(create_author(number, &format!("{number}@example.org"))).await.expect("a create");
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.expect("a writer");
    }
    let [one, other] = &nodes;
    let logged = one.logged().await;
    assert_eq!(logged.len(), 500);
    for writer in 0..100 {
        let own: Vec<_> = keys(writer * 5..writer * 5 + 5);
        let found: Vec<_> = logged.iter().filter(|key| own.contains(key)).cloned().collect();
        assert_eq!(found, own, "what was answered before comes before what was sent after it");
    }
    assert_eq!(one.store.verify_log(None).await.expect("whole"), other.store.verify_log(None).await.expect("whole"));
    let all = (0..500).map(|number| one.key(number).0).collect::<BTreeSet<_>>();
    let known = || {
        let told = |node: &Node| {
            let (own, others) = (node.told.keys.lock(), node.told.others.lock());
            let others = others.expect("not poisoned").concat();
            own.expect("not poisoned").iter().chain(&others).map(|key| key.0).collect::<BTreeSet<_>>()
        };
        nodes.iter().all(|node| all.is_subset(&told(node)))
    };
    until("both know all", known).await;
    assert_eq!(nodes.iter().map(|node| node.told.foreign.load(Ordering::SeqCst)).sum::<usize>(), 0);
}

/// The commit of author 2 waits for a lock after it has drawn its number.
const LATE: &str = "CREATE FUNCTION late() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.email = '2@example.org' THEN \
    PERFORM pg_advisory_xact_lock(42); END IF; RETURN NULL; END $$; CREATE CONSTRAINT TRIGGER late AFTER INSERT \
    ON author DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION late()";
/// Whether somebody has that lock.
const IS_LATE: &str =
    "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 42 AND classid = 0 AND granted";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_entry_that_takes_long_to_commit_delays_no_other() {
    let place = Place::new();
    let node = place.node();
    node.create(1).await;
    place.run(LATE);
    let waits = "DO $$ BEGIN PERFORM pg_advisory_xact_lock(42); WHILE (SELECT count(*) FROM backstay_log) < 3 LOOP \
                 PERFORM pg_sleep(0.01); END LOOP; END $$";
    let holding = node.store.clone();
    let holding = tokio::spawn(async move {
        holding.write(script(Writes::One, [Act::Execute(Statement::raw(waits, vec![], &[]))])).await.map(|_| ())
    });
    until("the lock is taken", || place.run(IS_LATE) == "1").await;
    let late = node.store.clone();
    let late = tokio::spawn(async move { late.write(create_author(2, "2@example.org")).await.map(|_| ()) });
    until("its number is drawn", || place.run("SELECT last_value FROM backstay_staged_staged_seq") == "2").await;
    node.create(3).await;
    node.create(4).await;
    assert_eq!(Ended::from(holding.await.expect("a writer")), Ended::Done, "the log has three entries");
    assert_eq!(Ended::from(late.await.expect("a writer")), Ended::Done);
    assert_eq!(node.logged().await, keys([1, 3, 4, 2]));
}

/// No transaction that began later has ended while it commits: a snapshot doesn't say that it runs.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_entry_of_the_last_transaction_keeps_its_place() {
    let place = Arc::new(Place::new());
    let node = place.node();
    node.create(1).await;
    place.run(LATE);
    let holding = std::thread::spawn({
        let place = Arc::clone(&place);
        move || {
            place.run(
                "DO $$ BEGIN PERFORM pg_advisory_xact_lock(42); WHILE (SELECT last_value FROM backstay_staged_staged_seq) < 2 LOOP \
                 PERFORM pg_sleep(0.01); END LOOP; END $$",
            )
        }
    });
    until("the lock is taken", || place.run(IS_LATE) == "1").await;
    node.create(2).await;
    node.create(3).await;
    until("another entry has its place", || place.run("SELECT count(*) > 1 FROM backstay_log") == "t").await;
    assert_eq!(node.logged().await, keys([1, 2, 3]));
    assert!(holding.join().is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn numbers_of_transactions_that_were_undone_leave_no_gap() {
    let place = Place::new();
    let node = place.node();
    for number in 1..=20 {
        node.create(number).await;
        // The same address again: it fails in the last round trip.
        let again = node.store.write(create_author(number + 100, &format!("{number}@example.org"))).await;
        assert!(again.is_err());
    }
    assert_eq!(node.logged().await, keys(1..=20));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_entry_that_is_left_behind_is_taken_over() {
    let place = Arc::new(Place::new());
    let [one, other] = [place.node(), place.node()];
    one.create(1).await;
    one.store.clone().close();
    until("the entry that it left", || other.was_told_of(other.key(1))).await;

    // Somebody who moves entries is killed in the middle of it.
    let lock = "SELECT pg_advisory_xact_lock(hashtextextended('backstay log ' || current_schema(), 0)), pg_sleep(600)";
    let killed = std::thread::spawn({
        let place = Arc::clone(&place);
        move || place.run(lock)
    });
    let sleeping = "FROM pg_stat_activity WHERE wait_event = 'PgSleep'";
    until("the lock", || place.run(&format!("SELECT count(*) {sleeping}")) == "1").await;
    other.create(2).await;
    until("nobody is heard of", || !other.store.is_current()).await;
    place.run(&format!("SELECT pg_terminate_backend(pid) {sleeping}"));
    until("others are heard of", || other.store.is_current()).await;
    assert!(killed.join().is_err());
    assert_eq!(other.logged().await, keys([1, 2]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_process_does_what_is_due() {
    let place = Place::new();
    let nodes = [place.node(), place.node()];
    let keepers = || nodes.iter().filter(|node| node.store.is_keeper()).count();
    until("a keeper", || keepers() == 1).await;
    until("both are current", || nodes.iter().all(|node| node.store.is_current())).await;
    assert!(keepers() <= 1);
    // One of the things that are due: idempotency records that have expired go.
    let remember = Act::Remember(claim("old", 1), b"answer".to_vec(), moment(NOW + 1));
    nodes[0].store.write(script(Writes::One, [remember])).await.expect("remembered");
    nodes[0].clock.advance("1s");
    nodes[1].clock.advance("1s");
    until("nothing is remembered", || place.run("SELECT count(*) FROM backstay_idempotency") == "0").await;
    let (keeper, other) = if nodes[0].store.is_keeper() { (0, 1) } else { (1, 0) };
    nodes[keeper].store.clone().close();
    until("another keeper", || nodes[other].store.is_keeper()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_model_is_changed_once_the_others_have_closed_the_database() {
    let place = Arc::new(Place::new());
    let newer = MODEL.replace("name: String!", "name: String! nick: String");
    let (one, outcome) = place.try_node(MODEL).expect("a database");
    assert_eq!(outcome, Outcome::Created);
    one.create(1).await;
    assert_eq!(place.try_node(MODEL).expect("the same").1, Outcome::Unchanged);

    // Nobody has to close it for a migration that is refused.
    let worse = MODEL.replace("name: String!", "name: Int!");
    let refused = place.try_node(&worse).map(|(_, outcome)| outcome);
    assert!(matches!(refused, Err(OpenError::Migration { .. })), "{refused:?}");
    assert!(!one.store.must_yield());

    let changing = tokio::spawn({
        let (place, newer) = (Arc::clone(&place), newer.clone());
        async move { place.try_node(&newer) }
    });
    until("it is asked to close", || one.store.must_yield()).await;
    one.create(2).await;
    one.store.close();
    let (two, outcome) = changing.await.expect("a task").expect("it is migrated");
    assert!(matches!(outcome, Outcome::Migrated(_)), "{outcome:?}");
    two.create(3).await;
    assert_eq!(two.logged().await, keys(1..=3));

    // An older model isn't brought back while the newer one is served, and a third one waits for what doesn't come.
    let check = |text: &str, is_expected: fn(&ServerProblem) -> bool| {
        let refused = place.try_node(text).map(|(_, outcome)| outcome);
        let is_expected = matches!(&refused, Err(OpenError::Server { problem, .. }) if is_expected(problem));
        assert!(is_expected, "{refused:?}");
    };
    check(MODEL, |problem| matches!(problem, ServerProblem::Outdated));
    assert!(!two.store.must_yield());
    check(&newer.replace("nick:", "short: String nick:"), |problem| matches!(problem, ServerProblem::InUse));
    until("nobody wants it any more", || !two.store.must_yield()).await;
    two.create(4).await;

    // One that has lost every connection finds another model afterwards.
    place.run(
        "INSERT INTO backstay_model (number, hash, moment) SELECT 3, hash, moment FROM backstay_model WHERE number = 2",
    );
    place.cut();
    let authors = Statement::raw("SELECT email FROM author", vec![], &[Storage::Text]);
    let after = read(&two.store, &authors, &mut FirstColumn::default()).await;
    assert!(matches!(after, Err(StoreError::Displaced)), "{after:?}");
    assert!(two.store.must_yield() && two.store.has_failed());
    assert_eq!(place.deaths.load(Ordering::SeqCst), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_that_start_at_the_same_time_wait_for_each_other() {
    let place = Arc::new(Place::new());
    for text in [MODEL.to_owned(), MODEL.replace("name: String!", "name: String! nick: String")] {
        let started = (0..3).map(|_| {
            let (place, text) = (Arc::clone(&place), text.clone());
            tokio::spawn(async move { place.try_node(&text).map(|(_, outcome)| outcome).expect("it starts") })
        });
        let outcomes = futures_util::future::join_all(started.collect::<Vec<_>>()).await;
        let outcomes: Vec<Outcome> = outcomes.into_iter().map(|outcome| outcome.expect("it ends")).collect();
        let unchanged = outcomes.iter().filter(|outcome| **outcome == Outcome::Unchanged).count();
        assert_eq!(unchanged, 2, "{outcomes:?}");
    }
}

/// A script that tells which commit it is.
struct Noted(Arc<Script>, Mutex<Option<CommitId>>);

impl Work for Noted {
    type Output = Vec<Seen>;
    type Error = Failure;

    fn writes(&self) -> Writes {
        self.0.writes()
    }

    fn origin(&self) -> Origin {
        self.0.origin()
    }

    fn demand(&self) -> Demand {
        self.0.demand()
    }

    fn logged(&self, commit: CommitId) {
        *self.1.lock().expect("not poisoned") = Some(commit);
    }

    fn run<'a>(&'a self, tx: &'a mut Tx<'_>) -> BoxFuture<'a, Result<Vec<Seen>, Failure>> {
        self.0.run(tx)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_shows_a_commit_sees_it_on_every_process() {
    let place = Arc::new(Place::new());
    let [one, other] = [place.node(), place.node()];
    let create = async |number: u32| {
        let noted = Arc::new(Noted(create_author(number, &format!("{number}@example.org")), Mutex::default()));
        one.store.write(Arc::clone(&noted)).await.expect("a create");
        let commit = noted.1.lock().expect("not poisoned").expect("a commit");
        one.store.seal_commit(commit)
    };
    for number in 1..=20 {
        let shown = create(number).await;
        assert!(other.store.reach(&shown).await.expect("an answer").is_some());
        let is_current = other.store.is_current();
        assert!(!is_current || other.was_told_of(other.key(number)), "{number}");
        assert!(one.store.reach(&shown).await.expect("an answer").is_some());
    }

    // Nothing gets into the log: the other process doesn't know, and trusts nothing that it knows.
    let lock = "SELECT pg_advisory_xact_lock(hashtextextended('backstay log ' || current_schema(), 0)), pg_sleep(600)";
    let killed = std::thread::spawn({
        let place = Arc::clone(&place);
        move || place.run(lock)
    });
    let sleeping = "FROM pg_stat_activity WHERE wait_event = 'PgSleep'";
    until("the lock", || place.run(&format!("SELECT count(*) {sleeping}")) == "1").await;
    let shown = create(21).await;
    let everything = one.store.seal_commit(CommitId::of_all([1; 8]));
    assert!(other.store.reach(&shown).await.expect("an answer").is_some());
    assert!(!other.store.is_current() && !other.was_told_of(other.key(21)));
    place.run(&format!("SELECT pg_terminate_backend(pid) {sleeping}"));
    assert!(killed.join().is_err());
    for shown in [everything, shown] {
        until("it is heard of", || other.store.is_current()).await;
        assert!(other.store.reach(&shown).await.expect("an answer").is_some());
        let is_current = other.store.is_current();
        assert!(!is_current || other.was_told_of(other.key(21)));
    }

    let mut damaged = shown;
    damaged[15] ^= 1;
    assert!(other.store.reach(&damaged).await.expect("an answer").is_none());
    let elsewhere = Place::new();
    let opened = Store::open(&elsewhere.options, &model(MODEL), controlled(&clock(), 2), Arc::new(()));
    let elsewhere = opened.expect("a database").store;
    assert!(elsewhere.reach(&shown).await.expect("an answer").is_none(), "another database has another key");
}

/// Takes the lock of all authors until it is ended.
const HOLD: &str = "BEGIN; SELECT id FROM author FOR UPDATE; SELECT pg_sleep(600)";
const HOLDERS: &str = "FROM pg_stat_activity WHERE wait_event = 'PgSleep'";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_waits_for_a_lock_only_as_long_as_it_may() {
    let place = Arc::new(Place::new());
    let node = place.node();
    node.create(1).await;
    let holding = std::thread::spawn({
        let place = Arc::clone(&place);
        move || place.run(HOLD)
    });
    until("the lock is taken", || place.run(&format!("SELECT count(*) {HOLDERS}")) == "1").await;
    let touch = || {
        let touch = Statement::raw("UPDATE author SET version = version + 1", vec![], &[]);
        script(Writes::One, [Act::Execute(touch)])
    };
    let refused = node.store.write(touch()).await;
    assert!(matches!(refused, Err(Failure::Store(StoreError::Locked))), "{refused:?}");
    // The same in the last round trip, with COMMIT.
    let rename = script(Writes::One, [Act::Stage(rename_author(1, 1), Some(1))]);
    let refused = node.store.write(rename).await;
    assert!(matches!(refused, Err(Failure::Store(StoreError::Locked))), "{refused:?}");
    place.run(&format!("SELECT pg_terminate_backend(pid) {HOLDERS}"));
    assert!(holding.join().is_err());
    node.store.write(touch()).await.expect("nobody has the lock");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_are_bounded_in_what_they_hold() {
    let place = Place::new();
    let node = place.node();
    let check = async |setting: &str, expected: &str| {
        let shown = Statement::raw("SELECT current_setting($1)", vec![Param::Text(setting.into())], &[Storage::Text]);
        let mut sink = FirstColumn::default();
        read(&node.store, &shown, &mut sink).await.expect("a read");
        assert_eq!(sink.values, [expected], "{setting}");
    };
    check("idle_in_transaction_session_timeout", "10s").await;
    check("lock_timeout", "5s").await;
    check("synchronous_commit", "on").await;
}

/// The problem that a connection was refused for.
fn problem(failure: &Result<Vec<Seen>, Failure>) -> Option<&ServerProblem> {
    match failure {
        Err(Failure::Store(StoreError::Unreachable(cause))) => cause.downcast_ref(),
        _ => None,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_whose_commits_are_no_longer_durable_is_refused() {
    let place = Place::new();
    let node = place.node();
    node.create(1).await;

    // Sessions that are there keep what they began with.
    place.run("ALTER SYSTEM SET synchronous_commit = off");
    place.run("SELECT pg_reload_conf()");
    until("it is read", || place.run("SHOW synchronous_commit") == "off").await;
    let shown = Statement::raw("SELECT current_setting('synchronous_commit')", vec![], &[Storage::Text]);
    let mut sink = FirstColumn::default();
    read(&node.store, &shown, &mut sink).await.expect("a read");
    assert_eq!(sink.values, ["on"]);

    // New ones are refused.
    place.cut();
    let mut refused = node.store.write(create_author(2, "2@example.org")).await;
    for _ in 0..TRIES {
        if problem(&refused).is_some() {
            break;
        }
        sleep(Duration::from_millis(10)).await;
        refused = node.store.write(create_author(2, "2@example.org")).await;
    }
    assert!(matches!(problem(&refused), Some(ServerProblem::AsynchronousCommit)), "{refused:?}");
    assert!(!node.store.has_failed());
    place.run("ALTER SYSTEM RESET synchronous_commit");
    place.run("SELECT pg_reload_conf()");
    until("it is read", || place.run("SHOW synchronous_commit") == "on").await;
    node.create(3).await;
    assert_eq!(place.deaths.load(Ordering::SeqCst), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_lets_nobody_write_any_more_is_refused() {
    let place = Place::new();
    let node = place.node();
    node.create(1).await;
    place.run("ALTER SYSTEM SET default_transaction_read_only = on");
    place.run("SELECT pg_reload_conf()");
    until("it is read", || place.run("SHOW default_transaction_read_only") == "on").await;
    // A session reads the settings between two statements.
    let mut refused = node.store.write(create_author(2, "2@example.org")).await;
    for number in 3..TRIES {
        if refused.is_err() {
            break;
        }
        let number = u32::try_from(number).expect("it fits");
        refused = node.store.write(create_author(number, &format!("{number}@example.org"))).await;
    }
    assert!(matches!(refused, Err(Failure::Store(StoreError::Unreachable(_)))), "{refused:?}");
    // Reads go on, until a connection is made anew.
    let mut sink = FirstColumn::default();
    read(&node.store, &emails(), &mut sink).await.expect("a read");
    place.cut();
    let mut refused = node.store.write(create_author(0, "0@example.org")).await;
    for _ in 0..TRIES {
        // A connection whose end isn't known yet loses what is sent through it.
        if !matches!(refused, Err(Failure::Store(StoreError::Unknown(_)))) {
            break;
        }
        refused = node.store.write(create_author(0, "0@example.org")).await;
    }
    assert!(matches!(refused, Err(Failure::Store(StoreError::Unreachable(_)))), "{refused:?}");
    assert!(!node.store.has_failed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_without_a_free_connection_is_waited_for() {
    let place = Arc::new(Place::new());
    place.run("CREATE ROLE app LOGIN CONNECTION LIMIT 0");
    place.run("ALTER DATABASE test_0 OWNER TO app");
    place.run("ALTER SCHEMA public OWNER TO app");
    let place = Arc::new(Place {
        options: OpenOptions::new(Location::Url(Secret::new(place.address.replace("user=postgres", "user=app")))),
        ..Arc::into_inner(place).expect("one")
    });
    let free_soon = || {
        let place = Arc::clone(&place);
        std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(300));
            place.run("ALTER ROLE app CONNECTION LIMIT -1");
        })
    };
    let freed = free_soon();
    let node = place.node();
    freed.join().expect("it is changed");
    node.create(1).await;

    // The same for a request.
    place.run("ALTER ROLE app CONNECTION LIMIT 0");
    place.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'app'");
    until("none is left", || place.run("SELECT count(*) FROM pg_stat_activity WHERE usename = 'app'") == "0").await;
    let freed = free_soon();
    let mut sink = FirstColumn::default();
    read(&node.store, &emails(), &mut sink).await.expect("a connection");
    assert_eq!(sink.values, ["1@example.org"]);
    freed.join().expect("it is changed");
}

/// A server that refuses connections isn't silent: whatever has one goes on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crowded_server_goes_on_answering_although_the_log_is_not_followed() {
    let place = Place::new();
    place.run("CREATE ROLE app LOGIN");
    place.run("ALTER DATABASE test_0 OWNER TO app");
    place.run("ALTER SCHEMA public OWNER TO app");
    let place = Place {
        options: OpenOptions::new(Location::Url(Secret::new(place.address.replace("user=postgres", "user=app")))),
        ..place
    };
    let node = place.node();
    until("it is the keeper", || node.store.is_keeper()).await;
    node.create(1).await;
    place.run("ALTER ROLE app CONNECTION LIMIT 0");
    place.run("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND classid = 1114329973");
    until("it isn't followed", || !node.store.is_current()).await;
    let lost = Instant::now();
    let mut number = 2;
    // Longer than a server may take until it counts as silent.
    while lost.elapsed() < Duration::from_secs(8) {
        node.create(number).await;
        let mut sink = FirstColumn::default();
        read(&node.store, &emails(), &mut sink).await.expect("a read");
        assert_eq!(sink.values.len(), usize::try_from(number).expect("it fits"));
        number += 1;
        sleep(Duration::from_millis(50)).await;
    }
    place.run("ALTER ROLE app CONNECTION LIMIT -1");
    until("it is followed", || node.store.is_current()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_primary_that_comes_back_is_used_again_beside_its_standby() {
    let place = Place::new();
    drop(place.node());
    let standby = place.cluster.standby();
    let socket = |of: &Cluster| of.file("").display().to_string().trim_end_matches('/').to_owned();
    let hosts = format!("host={},{} user=postgres dbname=test_0", socket(&place.cluster), socket(&standby));
    let place = Place { options: OpenOptions::new(Location::Url(Secret::new(hosts))), ..place };
    let node = place.node();
    node.create(1).await;
    place.cluster.stop();
    // Once it is known that the connections are lost, only the standby can be connected to.
    let mut refused = node.store.write(create_author(2, "2@example.org")).await;
    for _ in 0..TRIES {
        if matches!(problem(&refused), Some(ServerProblem::ReadOnly)) {
            break;
        }
        refused = node.store.write(create_author(2, "2@example.org")).await;
    }
    assert!(matches!(problem(&refused), Some(ServerProblem::ReadOnly)), "{refused:?}");
    place.cluster.start_again();
    for _ in 0..TRIES {
        if node.store.write(create_author(3, "3@example.org")).await.is_ok() {
            return;
        }
        sleep(Duration::from_millis(10)).await;
    }
    unreachable!("the primary is never used again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_requests_with_one_key_on_two_processes_one_is_done_and_none_meets_the_other() {
    let place = Place::new();
    let nodes = [place.node(), place.node()];
    let keyed = |key: &str, number: u32, email: &str| {
        let remember = Act::Remember(claim(key, 1), vec![], moment(NOW + 1_000_000_000));
        let write = Act::Stage(insert_author(number, email), Some(1));
        script(Writes::One, [Act::UnlessKnown(claim(key, 1)), write, remember])
    };
    for round in 0..20_u32 {
        // What both write is the same, and unique.
        let email = format!("{round}@example.org");
        let works = (0..4_u32).map(|each| {
            let work = keyed(&format!("key {round}"), round * 10 + each, &email);
            nodes[each as usize % 2].store.write(work)
        });
        let answers = futures_util::future::join_all(works).await;
        assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    }
    assert_eq!(place.run("SELECT count(*) FROM author"), "20");
    // Another key meets what is there.
    let met = nodes[0].store.write(keyed("other", 900, "0@example.org")).await;
    assert!(matches!(met, Err(Failure::Store(StoreError::Unique { .. }))), "{met:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_lost_its_end_is_noticed() {
    let place = Place::new();
    let [one, other] = [place.node(), place.node()];
    for number in 1..=3 {
        one.create(number).await;
    }
    until("the changes", || other.was_told_of(other.key(3))).await;
    until("its own changes", || place.run("SELECT count(*) FROM backstay_log") == "3").await;
    let foreign = || [&one, &other].map(|node| node.told.foreign.load(Ordering::SeqCst));
    assert_eq!(foreign(), [0, 0]);

    // A standby without the last entries is promoted, and connections lead there.
    place.run("DELETE FROM backstay_log WHERE seq > 1; DELETE FROM author WHERE email <> '1@example.org'");
    place.cut();
    until("both trust nothing", || foreign().iter().all(|times| *times > 0)).await;
    one.create(4).await;
    until("what comes next", || other.was_told_of(other.key(4))).await;
    assert_eq!(other.logged().await, keys([1, 4]));

    // The same, where others have taken the places before anybody looks.
    let before = foreign();
    place.run("UPDATE backstay_log SET leaf = sha256(leaf) WHERE seq = 2");
    place.cut();
    until("both trust nothing", || foreign().iter().zip(&before).all(|(now, before)| now > before)).await;
}

/// When changes were committed here, and when those of others were known.
#[derive(Debug, Default)]
struct Timed(Mutex<HashMap<DependencyKey, Instant>>);

impl Timed {
    fn note(&self, keys: &[DependencyKey]) {
        let now = Instant::now();
        self.0.lock().expect("not poisoned").extend(keys.iter().map(|key| (*key, now)));
    }
}

impl CommitObserver for Timed {
    fn before_commit(&self, _: Committed<'_>) {}

    fn after_commit(&self, committed: Committed<'_>) {
        self.note(committed.keys);
    }

    fn others_changed(&self, keys: &[DependencyKey]) {
        self.note(keys);
    }

    fn foreign_change(&self) {}
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "prints a figure"]
async fn how_late_others_know_beside_64_writers() {
    let (place, timed) = (Place::new(), [Arc::<Timed>::default(), Arc::default()]);
    let stores = timed
        .clone()
        .map(|timed| Store::open(&place.options, &model(MODEL), Ambient::system(), timed).expect("a database").store);
    let writers = (0..64_u32).map(|writer| {
        let store = stores[0].clone();
        tokio::spawn(async move {
            for number in (writer * 100..).take(100) {
                store.write(create_author(number, &format!("{number}@example.org"))).await.expect("a create");
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.expect("a writer");
    }
    let keys: Vec<_> =
        (0..6400).map(|number| stores[0].dependency_keys().record(AUTHOR, &RecordKey::from(id(number)))).collect();
    let [here, there] = timed;
    until("all are known", || {
        let there = there.0.lock().expect("not poisoned");
        keys.iter().all(|key| there.contains_key(key))
    })
    .await;
    let (here, there) = (here.0.lock().expect("not poisoned"), there.0.lock().expect("not poisoned"));
    let mut late: Vec<_> = keys.iter().map(|key| there[key].saturating_duration_since(here[key])).collect();
    late.sort();
    eprintln!("median {:?}, 99th percentile {:?}", late[3200], late[6336]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "prints figures"]
async fn how_late_an_idle_process_knows_and_how_often_it_asks() {
    let (place, timed) = (Place::new(), [Arc::<Timed>::default(), Arc::default()]);
    let stores = timed
        .clone()
        .map(|timed| Store::open(&place.options, &model(MODEL), Ambient::system(), timed).expect("a database").store);
    sleep(Duration::from_secs(2)).await;
    let transactions = || -> i64 {
        place.run("SELECT pg_stat_force_next_flush()");
        place.run("SELECT xact_commit FROM pg_stat_database WHERE datname = 'test_0'").parse().expect("a number")
    };
    let before = transactions();
    sleep(Duration::from_secs(20)).await;
    eprintln!("two idle processes: {} transactions per second", (transactions() - before) / 20);

    let [here, there] = timed;
    let mut late = Vec::new();
    for number in 0..100 {
        stores[0].write(create_author(number, &format!("{number}@example.org"))).await.expect("a create");
        let key = stores[0].dependency_keys().record(AUTHOR, &RecordKey::from(id(number)));
        until("it is known", || there.0.lock().expect("not poisoned").contains_key(&key)).await;
        let known = there.0.lock().expect("not poisoned")[&key];
        late.push(known.saturating_duration_since(here.0.lock().expect("not poisoned")[&key]));
        sleep(Duration::from_millis(37)).await;
    }
    late.sort();
    eprintln!("median {:?}, 90th percentile {:?}, longest {:?}", late[50], late[90], late[99]);
}
