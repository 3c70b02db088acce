//! The store on PostgreSQL: the cases of every database, and its own.

mod conformance;
#[path = "conformance/each.rs"]
mod each;

use std::sync::{Arc, Mutex, PoisonError, Weak};

use backstay_audit::{ModelNumber, verify};
use backstay_base::Secret;
use backstay_scalar::Storage;
use backstay_sql::{Param, Statement};
use backstay_store::{Location, OpenError, OpenOptions, Outcome, ServerProblem, Store, StoreError, Writes};
use backstay_testkit::{Cluster, Pooler, TestClock, controlled};
use conformance::script::{
    Act, Failure, FirstColumn, MODEL, NOW, Told, claim, clock, create_author, emails, id, insert_author, model, moment,
    read, script,
};
use each::conformance;

/// One server for all tests that run at the same time; the last one stops it.
fn cluster() -> Arc<Cluster> {
    static CLUSTER: Mutex<Weak<Cluster>> = Mutex::new(Weak::new());
    let mut shared = CLUSTER.lock().unwrap_or_else(PoisonError::into_inner);
    shared.upgrade().unwrap_or_else(|| {
        let cluster = Arc::new(Cluster::start());
        *shared = Arc::downgrade(&cluster);
        cluster
    })
}

#[expect(clippy::unused_async, reason = "the cases await it")]
async fn store(told: Arc<Told>, clock: &TestClock) -> (Store, Arc<Cluster>) {
    let cluster = cluster();
    let options = OpenOptions::new(Location::Url(Secret::new(cluster.database())));
    let opened = Store::open(&options, &model(MODEL), controlled(clock, 1), told);
    (opened.expect("a database").store, cluster)
}

conformance!(store);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_lost_in_the_last_round_trip_is_unknown() {
    let (store, _kept) = store(Arc::default(), &clock()).await;
    let kill = Statement::raw("SELECT pg_terminate_backend(pg_backend_pid())", vec![], &[]);
    let acts = [Act::Stage(insert_author(1, "a@example.org"), Some(1)), Act::Stage(kill, None)];
    let answer = store.write(script(Writes::Many, acts)).await;
    assert!(matches!(answer, Err(Failure::Store(StoreError::Unknown(_)))), "{answer:?}");
    store.write(create_author(2, "b@example.org")).await.expect("another connection");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_is_found_again_and_migrated() {
    let (cluster, clock) = (cluster(), clock());
    let options = OpenOptions::new(Location::Url(Secret::new(cluster.database())));
    let open = |text: &str| Store::open(&options, &model(text), controlled(&clock, 1), Arc::new(()));
    let first = open(MODEL).expect("a database");
    assert_eq!(first.outcome, Outcome::Created);
    first.store.write(create_author(1, "a@example.org")).await.expect("a create");
    first.store.close();
    assert_eq!(open(MODEL).expect("the same").outcome, Outcome::Unchanged);

    clock.advance("-24h");
    let text = MODEL.replace("name: String!", "name: String! nick: String") + "type Tag { label: String! @unique }";
    let planned = Store::plan_migration(&options, &model(&text), &controlled(&clock, 1)).expect("a plan");
    let second = open(&text).expect("migrated");
    assert_eq!(second.outcome, Outcome::Migrated(planned));
    second.store.write(create_author(2, "b@example.org")).await.expect("a create");
    let entries = second.store.log(1, 10).await.expect("the log");
    let entries: Vec<_> = entries.iter().map(|entry| verify(&entry.entry, entry.leaf).expect("canonical")).collect();
    let expected = [(NOW, ModelNumber(1)), (NOW + 1, ModelNumber(2))].map(|(at, model)| (moment(at), Some(model)));
    assert_eq!(entries.iter().map(|entry| (entry.moment, entry.model)).collect::<Vec<_>>(), expected);

    let bare = OpenOptions::new(Location::Url(Secret::new(cluster.database())));
    let made = Store::open(&bare, &model(MODEL), controlled(&clock, 1), Arc::new(())).expect("a database").store;
    let drop = Statement::raw("DROP TABLE backstay_meta", vec![], &[]);
    made.write(script(Writes::One, [Act::Execute(drop)])).await.expect("a change by hand");
    let refused = Store::open(&bare, &model(MODEL), controlled(&clock, 1), Arc::new(())).expect_err("not ours");
    assert!(matches!(refused, OpenError::Server { problem: ServerProblem::Foreign, .. }), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pooler_between_is_refused() {
    let cluster = cluster();
    for settings in ["", "ignore_startup_parameters = options"] {
        let pooler = Pooler::before(&cluster, settings);
        let url = cluster.url();
        // What sessions set may be what the server has by itself.
        let name = url.rsplit_once('/').expect("a database").1;
        cluster.run("postgres", &format!("ALTER DATABASE {name} SET idle_in_transaction_session_timeout = '1min'"));
        let options = OpenOptions::new(Location::Url(Secret::new(pooler.url(&url))));
        let refused =
            Store::open(&options, &model(MODEL), controlled(&clock(), 1), Arc::new(())).expect_err("a pooler");
        let expected = matches!(refused, OpenError::Server { problem: ServerProblem::Pooler, .. });
        assert!(expected, "{settings}: {refused:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guard_is_told_from_an_error_by_its_code_and_not_by_a_text() {
    let (store, _kept) = store(Arc::default(), &clock()).await;
    let text =
        "UPDATE author SET version = CAST($1 AS text)::bigint WHERE name = 'nobody' OR CAST($1 AS text)::bigint > 0";
    let cast = Statement::raw(text, vec![Param::Text("rows:7".into())], &[]);
    store.write(create_author(1, "a@example.org")).await.expect("a create");
    let answer = store.write(script(Writes::One, [Act::Stage(cast, Some(1))])).await;
    assert!(matches!(answer, Err(Failure::Store(StoreError::Database(_)))), "{answer:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deadlocked_operations_are_run_again() {
    let (store, _kept) = store(Arc::default(), &clock()).await;
    for number in [1, 2] {
        store.write(create_author(number, &format!("{number}@example.org"))).await.expect("a create");
    }
    let touch = |number| {
        let text = "UPDATE author SET version = version + 1 WHERE id = $1";
        Act::Execute(Statement::raw(text, vec![Param::Id(id(number))], &[]))
    };
    let wait = || Act::Execute(Statement::raw("SELECT pg_sleep(0.2)", vec![], &[]));
    let one = script(Writes::Many, [touch(1), wait(), touch(2)]);
    let other = script(Writes::Many, [touch(2), wait(), touch(1)]);
    let (one, other) = futures_util::future::join(store.write(one), store.write(other)).await;
    assert!(one.is_ok() && other.is_ok(), "{one:?} {other:?}");
    let versions = Statement::raw("SELECT version FROM author", vec![], &[Storage::Int]);
    let mut sink = FirstColumn::default();
    read(&store, &versions, &mut sink).await.expect("a read");
    assert_eq!(sink.values, ["3", "3"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_requests_with_one_key_at_the_same_time_one_is_done() {
    let (store, _kept) = store(Arc::default(), &clock()).await;
    let works = (0..8).map(|number| {
        let (claim, email) = (claim("key", 1), format!("{number}@example.org"));
        let remember = Act::Remember(claim.clone(), vec![], moment(NOW + 1_000_000));
        store.write(script(
            Writes::Many,
            [Act::UnlessKnown(claim), Act::Stage(insert_author(number, &email), Some(1)), remember],
        ))
    });
    let answers = futures_util::future::join_all(works).await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    let mut sink = FirstColumn::default();
    read(&store, &emails(), &mut sink).await.expect("a read");
    assert_eq!(sink.values.len(), 1);
}
