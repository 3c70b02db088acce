//! Failures among transactions that share a commit on SQLite, which the others must not notice.

mod conformance;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, ThreadId};

use backstay_audit::verify;
use backstay_base::{Ambient, limits};
use backstay_scalar::Storage;
use backstay_sql::{Row, Statement};
use backstay_store::{OpenOptions, RowSink, Store, StoreError, Writes};
use backstay_testkit::controlled;
use conformance::script::{
    Act, Ended, Failure, FirstColumn, MODEL, NOW, Script, Told, author_made, claim, clock, create_author, email_taken,
    emails, insert_author, model, moment, read, script,
};
use futures_util::future::join_all;
use tempfile::TempDir;

struct Fixture {
    store: Store,
    told: Arc<Told>,
    deaths: Arc<AtomicUsize>,
    directory: TempDir,
}

fn fixture(change: impl FnOnce(&mut OpenOptions)) -> Fixture {
    let directory = TempDir::new().expect("a directory");
    let (told, deaths) = (Arc::<Told>::default(), Arc::<AtomicUsize>::default());
    let mut options = OpenOptions::new(directory.path());
    let counted = Arc::clone(&deaths);
    options.on_fatal = Arc::new(move |_| {
        counted.fetch_add(1, Ordering::SeqCst);
    });
    change(&mut options);
    let observer = Arc::clone(&told);
    let opened = Store::open(&options, &model(MODEL), Ambient::system(), observer).expect("a database");
    Fixture { store: opened.store, told, deaths, directory }
}

impl Fixture {
    /// Runs all in one group, whose changes are committed together; returns how each ended.
    async fn together(&self, works: Vec<Arc<Script>>) -> Vec<Ended> {
        let hold = script(Writes::None, []);
        assert!(self.store.write(hold).await.is_ok());
        let first = script(Writes::One, [Act::Sleep]);
        let all = std::iter::once(first).chain(works).map(|work| self.store.write(work));
        let answers = join_all(all).await;
        let commits = std::mem::take(&mut *self.told.after.lock().expect("not poisoned"));
        assert!(commits.len() <= 1, "one group: {commits:?}");
        answers.into_iter().skip(1).map(Ended::from).collect()
    }

    async fn stored(&self) -> Vec<String> {
        let mut sink = FirstColumn::default();
        read(&self.store, &emails(), &mut sink).await.expect("a read");
        sink.values
    }
}

/// A statement that never ends.
fn endless() -> Statement {
    let text = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT max(n) FROM c";
    Statement::raw(text, vec![], &[Storage::Int])
}

fn counted(to: u32) -> Statement {
    let text =
        format!("WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < {to}) SELECT n FROM c");
    Statement::raw(text, vec![], &[Storage::Int])
}

/// Rolls the whole transaction back, as SQLite itself does after some errors.
fn ends_the_transaction(number: u32, email: &str) -> Statement {
    let insert = insert_author(number, email);
    Statement::raw(insert.text().replace("INSERT", "INSERT OR ROLLBACK"), insert.params().to_vec(), &[])
}

#[tokio::test]
async fn each_failure_stays_alone_in_its_group() {
    let made =
        |number, email: &str| [Act::Execute(insert_author(number, email)), Act::Change(author_made(number, email))];
    let fails = |writes, number, last: Act| script(writes, made(number, "x@example.org").into_iter().chain([last]));
    for writes in [Writes::One, Writes::Many] {
        let fixture = fixture(|_| ());
        let works = vec![
            create_author(1, "a@example.org"),
            fails(writes, 10, Act::Refuse),
            fails(writes, 11, Act::Panic),
            fails(writes, 12, Act::Wait),
            fails(writes, 13, Act::Texts(endless())),
            fails(writes, 14, Act::Execute(ends_the_transaction(15, "a@example.org"))),
            fails(writes, 16, Act::Execute(Statement::raw("no SQL", vec![], &[]))),
            create_author(2, "b@example.org"),
        ];
        let ended = fixture.together(works).await;
        assert_eq!(
            ended,
            [
                Ended::Done,
                Ended::Refused,
                Ended::Panicked,
                Ended::Pending,
                Ended::StepLimit,
                email_taken(),
                Ended::Rejected,
                Ended::Done,
            ],
            "{writes:?}"
        );
        assert_eq!(fixture.stored().await, ["a@example.org", "b@example.org"]);
        let places: Vec<u64> =
            fixture.store.log(1, 10).await.expect("the log").iter().map(|entry| entry.sequence).collect();
        assert_eq!(places, [1, 2]);
        assert_eq!(fixture.deaths.load(Ordering::SeqCst), 0);
    }
}

#[tokio::test]
async fn an_operation_that_goes_on_after_its_transaction_ended_writes_nothing() {
    let fixture = fixture(|_| ());
    let stubborn = script(
        Writes::One,
        [
            Act::Try(ends_the_transaction(1, "a@example.org")),
            Act::Try(insert_author(5, "stray@example.org")),
            Act::Stage(insert_author(6, "stray2@example.org"), None),
        ],
    );
    let ended = fixture.together(vec![create_author(1, "a@example.org"), stubborn]).await;
    assert_eq!(ended, [Ended::Done, Ended::Aborted]);
    assert_eq!(fixture.stored().await, ["a@example.org"]);
}

#[tokio::test]
async fn what_no_entry_can_hold_fails_alone() {
    let fixture = fixture(|_| ());
    let mut change = author_made(2, "b@example.org");
    change.fields[1] = change.fields[0].clone();
    let twice = script(Writes::One, [Act::Stage(insert_author(2, "b@example.org"), Some(1)), Act::Change(change)]);
    let ended = fixture.together(vec![create_author(1, "a@example.org"), twice]).await;
    assert_eq!(ended, [Ended::Done, Ended::Panicked]);
    assert_eq!(fixture.stored().await, ["a@example.org"]);
}

#[tokio::test]
async fn a_full_disk_fails_operations_and_not_the_server() {
    let fixture = fixture(|options| options.max_bytes = Some(120 * 4096));
    let long = "x".repeat(3000);
    let mut made = 0_u32;
    let error = loop {
        match fixture.store.write(create_author(made, &format!("{made}{long}"))).await {
            Ok(_) => made += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(error, Failure::Store(StoreError::Full)), "{error:?}");
    assert!(made > 5);
    assert_eq!(fixture.stored().await.len(), made as usize);
    let small = script(Writes::One, [Act::Execute(Statement::raw("DELETE FROM author", vec![], &[]))]);
    assert_eq!(Ended::from(fixture.store.write(small).await), Ended::Done);
    assert_eq!(Ended::from(fixture.store.write(create_author(1, "after@example.org")).await), Ended::Done);
    let places = fixture.store.log(1, 1000).await.expect("the log").len();
    assert_eq!(places, made as usize + 1);
    assert_eq!(fixture.deaths.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_read_that_takes_long_moves_to_the_pool_and_has_a_limit_there() {
    let fixture = fixture(|_| ());
    let mut sink = FirstColumn::default();
    let stats = read(&fixture.store, &counted(100), &mut sink).await.expect("a short read");
    assert_eq!((stats.rows, stats.moved, sink.begun), (100, false, 1));
    assert!(stats.steps > 100);
    let mut sink = FirstColumn::default();
    let stats = read(&fixture.store, &counted(20_000), &mut sink).await.expect("a longer read");
    assert_eq!((stats.rows, stats.moved, sink.begun, sink.values.len()), (20_000, true, 2, 20_000));
    let endless = read(&fixture.store, &endless(), &mut FirstColumn::default()).await;
    assert!(matches!(endless, Err(StoreError::StepLimit)), "{endless:?}");
    let read = fixture.store.write(script(Writes::None, [Act::Texts(counted(20_000))])).await;
    assert_eq!(Ended::from(read), Ended::Done);
    let read = fixture.store.write(script(Writes::None, [Act::Texts(self::endless())])).await;
    assert_eq!(Ended::from(read), Ended::StepLimit);
}

#[tokio::test]
async fn another_process_that_writes_is_noticed() {
    let fixture = fixture(|_| ());
    fixture.store.write(create_author(1, "a@example.org")).await.expect("a create");
    assert_eq!(fixture.told.foreign.load(Ordering::SeqCst), 0);
    let other = rusqlite::Connection::open(fixture.directory.path().join("backstay.db")).expect("a connection");
    other.execute("UPDATE author SET name = 'by hand'", []).expect("a change");
    fixture.store.write(create_author(2, "b@example.org")).await.expect("a create");
    assert_eq!(fixture.told.foreign.load(Ordering::SeqCst), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn moments_increase_from_entry_to_entry_whoever_writes_and_whatever_the_clock_does() {
    let clock = clock();
    let directory = TempDir::new().expect("a directory");
    let open = || {
        let options = OpenOptions::new(directory.path());
        Store::open(&options, &model(MODEL), controlled(&clock, 1), Arc::new(())).expect("a database").store
    };
    for start in [0_u32, 1000] {
        let store = open();
        let writers = (0..4_u32).map(|writer| {
            let (store, clock) = (store.clone(), clock.clone());
            tokio::spawn(async move {
                for number in (0..50).map(|number| start + writer * 50 + number) {
                    clock.advance(if number % 3 == 0 { "-1s" } else { "300ms" });
                    store.write(create_author(number, &format!("{number}@example.org"))).await.expect("a create");
                }
            })
        });
        for writer in writers.collect::<Vec<_>>() {
            writer.await.expect("a writer");
        }
        store.close();
        clock.advance("-1h");
    }
    let log = open().log(1, 1000).await.expect("the log");
    let moments: Vec<_> = log.iter().map(|entry| verify(&entry.entry, entry.leaf).expect("canonical").moment).collect();
    assert_eq!(moments.len(), 400);
    assert!(moments.is_sorted_by(|one, next| one < next), "{moments:?}");
}

#[tokio::test]
async fn a_closed_store_says_so() {
    let fixture = fixture(|_| ());
    let clone = fixture.store.clone();
    clone.write(create_author(1, "a@example.org")).await.expect("a create");
    fixture.store.close();
    assert_eq!(Ended::from(clone.write(create_author(2, "b@example.org")).await), Ended::Closed);
    assert!(matches!(read(&clone, &emails(), &mut FirstColumn::default()).await, Err(StoreError::Closed)));
    let left: Vec<_> = std::fs::read_dir(fixture.directory.path()).expect("a directory").flatten().collect();
    assert!(left.iter().all(|file| !file.file_name().to_string_lossy().ends_with("-wal")), "{left:?}");
}

#[tokio::test]
async fn damage_ends_the_store() {
    let fixture = fixture(|_| ());
    let works = (0..1500).map(|number| fixture.store.write(create_author(number, &format!("{number:04}@example.org"))));
    assert!(join_all(works).await.iter().all(Result::is_ok));
    let Fixture { store, directory, .. } = fixture;
    store.close();
    let path = directory.path().join("backstay.db");
    let mut bytes = std::fs::read(&path).expect("the file");
    let pages = bytes.len() / 4096;
    // The schema, the catalog, the roots of all tables and the end of the log stay intact.
    assert!(pages > 100, "{pages}");
    bytes[40 * 4096..(pages - 30) * 4096].fill(0xAA);
    std::fs::write(&path, bytes).expect("the file");
    let deaths = Arc::<AtomicUsize>::default();
    let counted = Arc::clone(&deaths);
    let mut options = OpenOptions::new(directory.path());
    options.on_fatal = Arc::new(move |_| {
        counted.fetch_add(1, Ordering::SeqCst);
    });
    let opened = Store::open(&options, &model(MODEL), Ambient::system(), Arc::new(())).expect("a database");
    let all = script(Writes::One, [Act::Execute(Statement::raw("UPDATE author SET name = 'x'", vec![], &[]))]);
    let answer = opened.store.write(all).await;
    assert!(matches!(answer, Err(Failure::Store(StoreError::Corrupt(_)))), "{answer:?}");
    assert_eq!(deaths.load(Ordering::SeqCst), 1);
    assert!(opened.store.has_failed());
    assert_eq!(Ended::from(opened.store.write(create_author(1001, "newer@example.org")).await), Ended::Closed);
}

/// Makes this many bytes of each row, or panics.
#[derive(Debug, Default)]
struct Made {
    of_each: usize,
    panics: bool,
    most: Vec<usize>,
    bytes: usize,
    ended: Option<ThreadId>,
}

impl RowSink for Made {
    fn begin(&mut self, most: usize) {
        self.most.push(most);
        self.bytes = 0;
    }

    fn row(&mut self, _: &dyn Row) -> Result<(), StoreError> {
        self.bytes += self.of_each;
        if self.bytes > self.most.last().copied().unwrap_or_default() {
            return Err(StoreError::LargeRead);
        }
        assert!(!self.panics || self.most.last() != Some(&usize::MAX), "it panics on the reader pool");
        Ok(())
    }

    fn end(&mut self) -> usize {
        self.ended = Some(thread::current().id());
        self.bytes
    }
}

#[tokio::test]
async fn what_makes_much_of_its_rows_is_read_on_the_reader_pool() {
    let fixture = fixture(|_| ());
    let here = Some(thread::current().id());
    let mut little = Made { of_each: limits::READ_BYTES / 10, ..Made::default() };
    let stats = read(&fixture.store, &counted(10), &mut little).await.expect("a read");
    assert_eq!((stats.moved, little.most, little.ended), (false, vec![limits::READ_BYTES], here));

    let mut much = Made { of_each: limits::READ_BYTES, ..Made::default() };
    let stats = read(&fixture.store, &counted(10), &mut much).await.expect("a read");
    assert_eq!((stats.moved, stats.rows, much.bytes), (true, 10, 10 * limits::READ_BYTES));
    assert_eq!(much.most, [limits::READ_BYTES, usize::MAX]);
    assert!(much.ended.is_some() && much.ended != here, "it ends on the thread that it ran on");

    let mut again = Made { of_each: limits::READ_BYTES, ..Made::default() };
    read(&fixture.store, &counted(10), &mut again).await.expect("a read");
    assert_eq!(again.most, [usize::MAX], "it begins where it ended the last time");
    let mut short = Made::default();
    assert!(read(&fixture.store, &counted(10), &mut short).await.expect("a read").moved);
    let mut short = Made::default();
    assert!(!read(&fixture.store, &counted(10), &mut short).await.expect("a read").moved, "it was short the last time");

    let mut panics = Made { of_each: limits::READ_BYTES, panics: true, ..Made::default() };
    let panicked = read(&fixture.store, &counted(10), &mut panics).await;
    assert!(matches!(panicked, Err(StoreError::Panicked)), "{panicked:?}");
    let after = read(&fixture.store, &counted(20_000), &mut Made::default()).await.expect("the pool goes on");
    assert!(after.moved);
}

#[tokio::test]
async fn a_full_queue_refuses_and_loses_nothing() {
    let fixture = fixture(|_| ());
    let first = fixture.store.write(script(Writes::One, [Act::Sleep]));
    let works = (0..9000).map(|number| create_author(number, &format!("{number:05}@example.org")));
    let rest = join_all(works.map(|work| fixture.store.write(work)));
    let (_, answers) = futures_util::future::join(first, rest).await;
    let refused = answers.iter().filter(|answer| matches!(answer, Err(Failure::Store(StoreError::Share)))).count();
    let done = answers.iter().filter(|answer| answer.is_ok()).count();
    assert!(refused > 0 && refused + done == 9000, "{refused} + {done}");
    assert_eq!(fixture.stored().await.len(), done);
}

#[tokio::test]
async fn the_write_ahead_log_is_written_back_while_the_store_runs() {
    let fixture = fixture(|_| ());
    let long = "x".repeat(100_000);
    for number in 0..400 {
        fixture.store.write(create_author(number, &format!("{number}{long}"))).await.expect("a create");
    }
    let size = || std::fs::metadata(fixture.directory.path().join("backstay.db")).expect("the file").len();
    for _ in 0..50 {
        if size() > 16 << 20 {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    panic!("only {} bytes are in the file itself", size());
}

#[tokio::test]
async fn expired_idempotency_records_are_removed() {
    let fixture = fixture(|_| ());
    let count = Statement::raw("SELECT count(*) FROM backstay_idempotency", vec![], &[Storage::Int]);
    for key in 0..10 {
        let remember = Act::Remember(claim(&key.to_string(), 1), b"answer".to_vec(), moment(NOW + 1));
        fixture.store.write(script(Writes::One, [remember])).await.expect("remembered");
    }
    for _ in 0..300 {
        fixture.store.write(script(Writes::One, [])).await.expect("nothing");
    }
    let mut sink = FirstColumn::default();
    read(&fixture.store, &count, &mut sink).await.expect("a read");
    assert_eq!(sink.values, ["0"]);
}
