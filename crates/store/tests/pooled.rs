//! The store on PostgreSQL behind `PgBouncer` in transaction mode: the cases of every database, and what a pooler adds.

mod conformance;
#[path = "conformance/each.rs"]
mod each;

use std::sync::Arc;
use std::time::{Duration, Instant};

use backstay_base::Secret;
use backstay_scalar::Storage;
use backstay_sql::Statement;
use backstay_store::{
    Demand, Location, OpenError, OpenOptions, Origin, ServerProblem, Store, StoreError, Tx, Work, Writes,
};
use backstay_testkit::{Cluster, Pooler, TestClock, controlled};
use conformance::script::{
    Act, Failure, FirstColumn, MODEL, Script, Seen, Told, clock, create_author, demand, emails, insert_author, model,
    read, script,
};
use each::conformance;
use futures_util::future::{BoxFuture, join};
use tokio::time::sleep;

/// A database, and the pooler that requests go through.
struct Place {
    url: String,
    pooler: Pooler,
}

impl Place {
    fn new() -> Self {
        let cluster = Cluster::shared();
        Self { url: cluster.url(), pooler: Pooler::before(cluster, "") }
    }

    fn name(&self) -> &str {
        self.url.rsplit_once('/').expect("a database").1
    }

    fn options(&self) -> OpenOptions {
        let mut options = OpenOptions::new(Location::Url(Secret::new(self.url.clone())));
        options.pooler = Some(Secret::new(self.pooler.url(&self.url)));
        options
    }

    fn open(&self) -> Store {
        let opened = Store::open(&self.options(), &model(MODEL), controlled(&clock(), 1), Arc::new(()));
        opened.expect("a database").store
    }
}

#[expect(clippy::unused_async, reason = "the cases await it")]
async fn store(told: Arc<Told>, clock: &TestClock) -> (Store, Place) {
    let place = Place::new();
    let opened = Store::open(&place.options(), &model(MODEL), controlled(clock, 1), told);
    (opened.expect("a database").store, place)
}

conformance!(store);

/// The first column of what a statement answers.
async fn column(store: &Store, text: &str) -> Vec<String> {
    let mut sink = FirstColumn::default();
    read(store, &Statement::raw(text.to_owned(), vec![], &[Storage::Text]), &mut sink).await.expect("a read");
    sink.values
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_go_through_the_pooler_and_leave_nothing_in_its_sessions() {
    let place = Place::new();
    let name = place.name();
    let server = Cluster::shared();
    server.run("postgres", &format!("ALTER DATABASE {name} SET timezone = 'Asia/Tokyo'"));
    server.run("postgres", &format!("ALTER DATABASE {name} SET default_transaction_isolation = 'serializable'"));
    let store = place.open();
    store.write(create_author(1, "a@example.org")).await.expect("a create");
    let of_sessions = "SELECT concat_ws(' ', current_setting('TimeZone'), current_setting('transaction_isolation'), \
                       current_setting('lock_timeout'), current_setting('idle_in_transaction_session_timeout'))";
    assert_eq!(column(&store, of_sessions).await, ["UTC repeatable read 5s 10s"]);
    let left = "SELECT concat_ws(' ', current_setting('TimeZone'), current_setting('lock_timeout'))";
    let by_name = "SELECT count(*)::text FROM pg_prepared_statements";
    assert_eq!(column(&store, by_name).await, ["0"]);
    let psql = |text: &str| server.run(&place.pooler.url(&place.url), text);
    assert_eq!(psql(left), "Asia/Tokyo 0");
    // Three sessions are Backstay's own at most.
    let own = "SELECT count(*) <= 3 FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'backstay' \
               AND pid IN (SELECT pid FROM pg_locks WHERE locktype = 'advisory')";
    assert_eq!(server.run(name, own), "t");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_ends_a_session_in_the_last_round_trip_leaves_the_outcome_unknown() {
    let place = Place::new();
    let store = place.open();
    let kill = Statement::raw("SELECT pg_terminate_backend(pg_backend_pid())", vec![], &[]);
    let acts = [Act::Stage(insert_author(1, "a@example.org"), Some(1)), Act::Stage(kill, None)];
    let answer = store.write(script(Writes::Many, acts)).await;
    assert!(matches!(answer, Err(Failure::Store(StoreError::Unknown(_)))), "{answer:?}");
    store.write(create_author(2, "b@example.org")).await.expect("another connection");
    let mut found = FirstColumn::default();
    read(&store, &emails(), &mut found).await.expect("a read");
    assert_eq!(found.values, ["b@example.org"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn statements_that_take_too_long_are_ended_and_the_pooler_lives_on() {
    let place = Place::new();
    let store = place.open();
    let asleep = Statement::raw("SELECT CAST(pg_sleep(600) AS text)", vec![], &[Storage::Text]);
    let slow = async || read(&store, &asleep, &mut FirstColumn::default()).await;
    let (one, other) = join(slow(), slow()).await;
    assert!(matches!((&one, &other), (Err(StoreError::StepLimit), Err(StoreError::StepLimit))), "{one:?} {other:?}");
    // Both connections of the pooler are free.
    assert_eq!(column(&store, "SELECT 'free'").await, ["free"]);
    let at_work = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%pg_sleep(600)%' \
                  AND state = 'active' AND pid <> pg_backend_pid()";
    for _ in 0..600 {
        if Cluster::shared().run(place.name(), at_work) == "0" {
            return;
        }
        sleep(Duration::from_millis(100)).await;
    }
    unreachable!("the statements are still at work");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transaction_that_finds_another_model_is_refused() {
    let place = Place::new();
    let store = place.open();
    store.write(create_author(1, "a@example.org")).await.expect("a create");
    let newer = "INSERT INTO backstay_model SELECT (jsonb_populate_record(model, jsonb_build_object('number', number + 1))).* \
                 FROM backstay_model AS model";
    Cluster::shared().run(place.name(), newer);
    let answer = store.write(create_author(2, "b@example.org")).await;
    assert!(matches!(answer, Err(Failure::Store(StoreError::Displaced))), "{answer:?}");
    let mut sink = FirstColumn::default();
    let one = Statement::raw("SELECT 1", vec![], &[Storage::Int]);
    let answer = read(&store, &one, &mut sink).await;
    assert!(matches!(answer, Err(StoreError::Displaced)) && sink.values.is_empty(), "{answer:?}");
    assert!(store.must_yield());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pooler_before_another_database_is_refused() {
    let place = Place::new();
    let (empty, other) = (Cluster::shared().url(), Place::new());
    // Its key is another one.
    let made = Store::open(&other.options(), &model(MODEL), controlled(&clock(), 2), Arc::new(()));
    drop(made.expect("a database"));
    let refused = |pooler: String| {
        let mut options = place.options();
        options.pooler = Some(Secret::new(pooler));
        match Store::open(&options, &model(MODEL), controlled(&clock(), 1), Arc::new(())) {
            Err(OpenError::Server { problem, .. }) => Some(problem),
            Ok(_) | Err(_) => None,
        }
    };
    assert!(matches!(refused(place.pooler.url(&empty)), Some(ServerProblem::Elsewhere)));
    assert!(matches!(refused(other.pooler.url(&other.url)), Some(ServerProblem::Elsewhere)));
    let with_options = format!("{}?options=-c%20jit%3Don", place.pooler.url(&place.url));
    assert!(matches!(refused(with_options), Some(ServerProblem::Parameter(_))));
}

/// A script that has to be done soon.
struct Hurried(Arc<Script>);

impl Work for Hurried {
    type Output = Vec<Seen>;
    type Error = Failure;

    fn writes(&self) -> Writes {
        self.0.writes()
    }

    fn origin(&self) -> Origin {
        self.0.origin()
    }

    fn demand(&self) -> Demand {
        Demand { deadline: Instant::now() + Duration::from_secs(1), ..demand() }
    }

    fn run<'a>(&'a self, tx: &'a mut Tx<'_>) -> BoxFuture<'a, Result<Vec<Seen>, Failure>> {
        self.0.run(tx)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_still_begins_a_transaction_is_not_used_again() {
    let place = Arc::new(Place::new());
    let store = place.open();
    store.write(create_author(1, "a@example.org")).await.expect("a create");
    let holding = std::thread::spawn({
        let place = Arc::clone(&place);
        let hold = "BEGIN; LOCK TABLE backstay_meta IN EXCLUSIVE MODE; SELECT pg_sleep(600)";
        move || Cluster::shared().try_run(place.name(), hold)
    });
    let holders = "FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()";
    while Cluster::shared().run(place.name(), &format!("SELECT count(*) {holders}")) == "0" {
        sleep(Duration::from_millis(10)).await;
    }
    let late =
        store.write(Arc::new(Hurried(script(Writes::One, [Act::Execute(insert_author(2, "b@example.org"))])))).await;
    assert!(late.is_err(), "{late:?}");
    Cluster::shared().run(place.name(), &format!("SELECT pg_terminate_backend(pid) {holders}"));
    assert!(holding.join().expect("it ends").is_err());
    for _ in 0..3 {
        let mut found = FirstColumn::default();
        read(&store, &emails(), &mut found).await.expect("a read");
        assert_eq!(found.values, ["a@example.org"]);
    }
}
