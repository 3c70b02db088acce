//! A panic on one of the store's own threads ends the store on SQLite, so that no request waits for that thread in vain.
#![expect(clippy::panic, reason = "the panics are what is tested")]

mod conformance;

use std::borrow::Cow;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use backstay_base::{Ambient, CallerKind, DependencyKey, Flow};
use backstay_scalar::Storage;
use backstay_sql::Statement;
use backstay_store::{CommitObserver, Committed, Demand, OpenOptions, Origin, Store, StoreError, Tx, Work, Writes};
use conformance::script::{Ended, MODEL, create_author, model};
use futures_util::future::BoxFuture;
use rusqlite::Connection;
use tempfile::TempDir;

struct Fixture {
    store: Store,
    fatal: Arc<Mutex<Vec<StoreError>>>,
    directory: TempDir,
}

fn fixture(observer: Arc<dyn CommitObserver>) -> Fixture {
    let directory = TempDir::new().expect("a directory");
    let fatal = Arc::<Mutex<Vec<StoreError>>>::default();
    let mut options = OpenOptions::new(directory.path());
    let errors = Arc::clone(&fatal);
    options.on_fatal = Arc::new(move |error| errors.lock().expect("not poisoned").push(error.clone()));
    let opened = Store::open(&options, &model(MODEL), Ambient::system(), observer).expect("a database");
    Fixture { store: opened.store, fatal, directory }
}

impl Fixture {
    /// Waits until the store has ended, which a panic on one of its threads must bring about.
    async fn expect_ended(&self) {
        for _ in 0..100 {
            if self.store.has_failed() {
                let fatal = self.fatal.lock().expect("not poisoned").clone();
                assert!(matches!(fatal[..], [StoreError::Panicked]), "{fatal:?}");
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the store goes on without one of its threads");
    }
}

/// Reads for so long that it moves to the reader pool, and panics there, outside of its own code: a read that tries to
/// write gets an error, which this one cannot take.
#[derive(Debug)]
struct Unable;

#[derive(Debug)]
struct Failure(StoreError);

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        assert!(!matches!(error, StoreError::ReadOnly), "as the test wants");
        Self(error)
    }
}

impl Work for Unable {
    type Output = ();
    type Error = Failure;

    fn writes(&self) -> Writes {
        Writes::None
    }

    fn demand(&self) -> Demand {
        Demand::now(Flow::SYSTEM)
    }

    fn origin(&self) -> Origin {
        Origin { kind: CallerKind::System, id: None, request: None, transaction: Cow::Borrowed("test") }
    }

    fn run<'a>(&'a self, tx: &'a mut Tx<'_>) -> BoxFuture<'a, Result<(), Failure>> {
        Box::pin(async move {
            let long =
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) SELECT i FROM n";
            tx.rows(&Statement::raw(long, vec![], &[Storage::Int]), &mut |_| Ok(())).await?;
            tx.stage(Statement::raw("DELETE FROM author", vec![], &[]), None);
            Ok(())
        })
    }
}

#[tokio::test]
async fn a_panic_on_a_reader_ends_the_store() {
    let fixture = fixture(Arc::new(()));
    let answer = fixture.store.write(Arc::new(Unable)).await;
    assert!(matches!(answer, Err(Failure(StoreError::Closed))), "{answer:?}");
    fixture.expect_ended().await;
    assert_eq!(Ended::from(fixture.store.write(create_author(1, "a@example.org")).await), Ended::Closed);
}

/// Panics when another process has written.
#[derive(Debug)]
struct Alone;

impl CommitObserver for Alone {
    fn before_commit(&self, _: Committed<'_>) {}

    fn after_commit(&self, _: Committed<'_>) {}

    fn others_changed(&self, _: &[DependencyKey]) {}

    fn foreign_change(&self) {
        panic!("as the test wants");
    }
}

#[tokio::test]
async fn a_panic_on_the_idle_writer_ends_the_store() {
    let fixture = fixture(Arc::new(Alone));
    let other = Connection::open(fixture.directory.path().join("backstay.db")).expect("the database");
    other.execute("CREATE TABLE other (id INTEGER)", []).expect("a change");
    fixture.expect_ended().await;
    assert_eq!(Ended::from(fixture.store.write(create_author(1, "a@example.org")).await), Ended::Closed);
    // It ends although its writer has ended before.
    fixture.store.close();
}
