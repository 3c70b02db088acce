//! Reads that standbys answer: never from a state that is older than the caller may see.

mod conformance;

use std::sync::Arc;
use std::time::{Duration, Instant};

use backstay_base::{Flow, RecordId, Secret, Source};
use backstay_scalar::Storage;
use backstay_sql::Statement;
use backstay_store::{Demand, Freshness, Location, OpenError, OpenOptions, ReplicaCount, Store, StoreError};
use backstay_testkit::{Cluster, controlled};
use conformance::script::{FirstColumn, MODEL, clock, create_author, demand, model};
use tokio::time::sleep;

/// Who asks for something that happens soon gives up after so many tries, ten milliseconds apart.
const TRIES: usize = 6000;
/// The database that the tests make.
const DATABASE: &str = "test_0";

struct Place {
    primary: Cluster,
    standby: Cluster,
    store: Store,
}

/// The caller with this number.
fn caller(number: u8) -> Flow {
    Flow { source: Source::Local, caller: Some(RecordId::from_bytes([number; 16])) }
}

impl Place {
    fn new() -> Self {
        let primary = Cluster::start();
        let url = primary.url();
        let open = |replicas: Vec<Secret>| {
            let mut options = OpenOptions::new(Location::Url(Secret::new(url.clone())));
            options.replicas = replicas;
            Store::open(&options, &model(MODEL), controlled(&clock(), 1), Arc::new(())).expect("a database").store
        };
        // It is there before the standby is, which is a copy of it.
        open(Vec::new()).close();
        let standby = primary.standby();
        let store = open(vec![Secret::new(format!("{}/{DATABASE}", standby.server_url()))]);
        Self { primary, standby, store }
    }

    async fn create(&self, number: u32) {
        self.store.write(create_author(number, &format!("{number}@example.org"))).await.expect("a create");
    }

    /// The authors that a read finds, and whether the standby answered it.
    async fn authors(&self, flow: Flow, freshness: Freshness) -> (Vec<String>, bool) {
        let statement = Statement::raw("SELECT email FROM author ORDER BY email", vec![], &[Storage::Text]);
        let demand = Demand { freshness, ..Demand::now(flow) };
        let (found, read) = self.store.read(demand, &statement, FirstColumn::default()).await;
        (found.values, read.expect("a read").replica)
    }

    /// The same of a read that may be a moment old.
    async fn recent(&self, flow: Flow) -> (Vec<String>, bool) {
        self.authors(flow, Freshness::Bounded { since: None }).await
    }

    async fn until_in_use(&self, in_use: usize) {
        until("its state", || self.store.replicas() == ReplicaCount { configured: 1, in_use }).await;
    }

    /// Waits until the standby has applied what the primary has.
    async fn until_applied(&self) {
        let end = self.primary.run(DATABASE, "SELECT pg_current_wal_lsn()");
        let applied = format!("SELECT pg_last_wal_replay_lsn() >= '{end}'::pg_lsn");
        until("the standby has it", || self.standby.run(DATABASE, &applied) == "t").await;
    }
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

fn emails(numbers: impl IntoIterator<Item = u32>) -> Vec<String> {
    numbers.into_iter().map(|number| format!("{number}@example.org")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_standby_answers_reads_that_may_be_a_moment_old_and_no_others() {
    let place = Place::new();
    place.create(1).await;
    place.until_in_use(1).await;
    place.until_applied().await;
    let (reader, all) = (caller(1), emails([1]));
    assert_eq!(place.recent(reader).await, (all.clone(), true));
    assert_eq!(place.authors(reader, Freshness::Latest).await, (all, false));
    // A transaction that only reads is the primary's.
    let statement = Statement::raw("SELECT pg_is_in_recovery()::text", vec![], &[Storage::Text]);
    let act = conformance::script::Act::Texts(statement);
    let seen = place.store.write(conformance::script::script(backstay_store::Writes::None, [act])).await;
    assert_eq!(seen.expect("a read"), [conformance::script::Seen::Texts(vec!["false".to_owned()])]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_standby_that_lags_hides_neither_own_writes_nor_what_a_token_shows() {
    let place = Place::new();
    place.create(1).await;
    place.until_in_use(1).await;
    place.until_applied().await;
    let (writer, reader) = (caller(1), caller(2));
    assert!(place.recent(reader).await.1);
    place.standby.run(DATABASE, "SELECT pg_wal_replay_pause()");
    place.create(2).await;
    place.store.wrote(writer);
    let before = Instant::now();
    // Whoever has written reads on the primary, and so does whoever has seen the commit.
    assert_eq!(place.recent(writer).await, (emails([1, 2]), false));
    let shown = place.authors(reader, Freshness::Bounded { since: Some(before) }).await;
    assert_eq!(shown, (emails([1, 2]), false));
    // Others see at most what was there a second ago, and then the standby isn't asked any more.
    place.until_in_use(0).await;
    assert_eq!(place.recent(reader).await, (emails([1, 2]), false));
    place.standby.run(DATABASE, "SELECT pg_wal_replay_resume()");
    place.until_in_use(1).await;
    let mut found = place.recent(writer).await;
    for _ in 0..TRIES {
        assert_eq!(found.0, emails([1, 2]));
        if found.1 {
            break;
        }
        found = place.recent(writer).await;
    }
    assert_eq!(found, (emails([1, 2]), true));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_writes_and_reads_finds_it_whatever_answers() {
    let place = Place::new();
    place.until_in_use(1).await;
    let (mut own, mut answered) = (Vec::new(), 0);
    for number in 1..=9 {
        place.create(number).await;
        place.store.wrote(caller(1));
        own.extend(emails([number]));
        for _ in 0..20 {
            let (found, by_replica) = place.recent(caller(1)).await;
            assert_eq!(found, own);
            answered += usize::from(by_replica);
            sleep(Duration::from_millis(5)).await;
        }
    }
    assert!(answered > 0, "the standby catches up meanwhile");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_standby_that_dies_or_hangs_is_replaced_by_the_primary() {
    let place = Place::new();
    place.create(1).await;
    place.until_in_use(1).await;
    place.until_applied().await;
    let all = emails([1]);
    // Its sessions end: the read goes to the primary, and the next ones to new sessions.
    place
        .standby
        .run("postgres", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'backstay'");
    assert_eq!(place.recent(caller(1)).await.0, all);
    place.until_in_use(1).await;
    assert!(place.recent(caller(1)).await.1);
    place.standby.freeze();
    assert_eq!(place.recent(caller(1)).await, (all.clone(), false));
    place.until_in_use(0).await;
    place.standby.thaw();
    place.until_in_use(1).await;
    place.standby.stop();
    place.until_in_use(0).await;
    assert_eq!(place.recent(caller(1)).await, (all, false));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_standby_that_was_promoted_by_itself_is_left() {
    let place = Place::new();
    place.create(1).await;
    place.until_in_use(1).await;
    place.until_applied().await;
    place.standby.run("postgres", "SELECT pg_promote()");
    // It has the same log up to there, and nothing that is written from now on.
    place.until_in_use(0).await;
    assert_eq!(place.recent(caller(1)).await, (emails([1]), false));
    // From here on the logs differ, even at the same places.
    let other = "CREATE TEMPORARY TABLE other AS SELECT * FROM backstay_log WHERE seq = 1; UPDATE other SET seq = 2; \
                 INSERT INTO backstay_log SELECT * FROM other; DELETE FROM author";
    place.standby.run(DATABASE, other);
    place.create(2).await;
    place.until_in_use(0).await;
    assert_eq!(place.recent(caller(1)).await, (emails([1, 2]), false));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_primary_is_no_replica() {
    let primary = Cluster::start();
    let url = primary.url();
    let mut options = OpenOptions::new(Location::Url(Secret::new(url.clone())));
    options.replicas = vec![Secret::new(url)];
    let opened = Store::open(&options, &model(MODEL), controlled(&clock(), 1), Arc::new(()));
    let store = opened.expect("a database").store;
    store.write(create_author(1, "1@example.org")).await.expect("a create");
    let statement = Statement::raw("SELECT email FROM author", vec![], &[Storage::Text]);
    // Long enough for it to be looked at several times.
    for _ in 0..100 {
        let demand = Demand { freshness: Freshness::Bounded { since: None }, ..Demand::now(caller(1)) };
        let (found, read) = store.read(demand, &statement, FirstColumn::default()).await;
        assert_eq!((found.values, read.expect("a read").replica), (emails([1]), false));
        assert_eq!(store.replicas(), ReplicaCount { configured: 1, in_use: 0 });
        sleep(Duration::from_millis(10)).await;
    }
}

/// Nobody may be left who notes that a flow has written: its request had no time left.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flow_sees_what_it_committed_whether_or_not_that_was_noted() {
    let place = Place::new();
    place.create(1).await;
    place.until_in_use(1).await;
    place.until_applied().await;
    place.standby.run(DATABASE, "SELECT pg_wal_replay_pause()");
    place.create(2).await;
    assert_eq!(place.recent(demand().flow).await, (emails([1, 2]), false));
    place.standby.run(DATABASE, "SELECT pg_wal_replay_resume()");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_replica_refuses_is_the_primarys_to_answer() {
    let place = Place::new();
    place.create(1).await;
    place.until_in_use(1).await;
    place.until_applied().await;
    let demand = Demand { freshness: Freshness::Bounded { since: None }, ..Demand::now(caller(1)) };
    let asked = async |text: &'static str| {
        let statement = Statement::raw(text, vec![], &[Storage::Text]);
        let (found, read) = place.store.read(demand, &statement, FirstColumn::default()).await;
        read.map(|stats| (found.values, stats.replica))
    };
    let only_there = "SELECT CASE WHEN pg_is_in_recovery() THEN (1 / (SELECT 0 FROM author))::text ELSE 'primary' END";
    assert_eq!(asked(only_there).await.expect("a read"), (vec!["primary".to_owned()], false));
    let nowhere = asked("SELECT (1 / (SELECT 0 FROM author))::text").await;
    assert!(matches!(nowhere, Err(StoreError::Database(_))), "{nowhere:?}");
    place.until_in_use(1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_that_leads_elsewhere_answers_nothing() {
    let primary = Cluster::start();
    let (url, other) = (primary.url(), primary.url());
    let open = |url: &str, replica: Option<&str>, seed: u64| {
        let mut options = OpenOptions::new(Location::Url(Secret::new(url.to_owned())));
        options.replicas = replica.map(|replica| Secret::new(replica.to_owned())).into_iter().collect();
        Store::open(&options, &model(MODEL), controlled(&clock(), seed), Arc::new(())).map(|opened| opened.store)
    };
    let _other = open(&other, None, 2).expect("a database");
    let store = open(&url, Some(&other), 1).expect("a database");
    store.write(create_author(1, "1@example.org")).await.expect("a create");
    for _ in 0..50 {
        assert_eq!(store.replicas(), ReplicaCount { configured: 1, in_use: 0 });
        sleep(Duration::from_millis(10)).await;
    }
    let refused = open(&url, Some("postgres://a@db/x?sslmode=full"), 1).map(drop);
    assert!(matches!(refused, Err(OpenError::Server { .. })), "{refused:?}");
}
