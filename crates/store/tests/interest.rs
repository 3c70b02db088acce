//! What nobody waits for any more is neither begun nor ended: the writer and the readers are for those who wait.

mod conformance;

use std::borrow::Cow;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::task::{Context, Waker};

use backstay_base::{Ambient, CallerKind, Flow};
use backstay_scalar::Storage;
use backstay_sql::Statement;
use backstay_store::{Demand, OpenOptions, Origin, Store, StoreError, Tx, Work, Writes};
use conformance::script::{MODEL, model};
use futures_util::future::BoxFuture;
use tempfile::TempDir;

/// Counts without an end: only whoever has lost interest ends it.
const ENDLESS: &str = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n";
const ONE: &str = "SELECT 1";

struct Count {
    writes: Writes,
    text: &'static str,
    /// How often the statement is run.
    times: usize,
    begun: Sender<()>,
}

impl Work for Count {
    type Output = ();
    type Error = StoreError;

    fn writes(&self) -> Writes {
        self.writes
    }

    fn kilo_steps(&self) -> u32 {
        u32::MAX
    }

    fn demand(&self) -> Demand {
        Demand::now(Flow::SYSTEM)
    }

    fn origin(&self) -> Origin {
        Origin { kind: CallerKind::System, id: None, request: None, transaction: Cow::Borrowed("test") }
    }

    fn run<'a>(&'a self, tx: &'a mut Tx<'_>) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            self.begun.send(()).expect("the test listens");
            for _ in 0..self.times {
                tx.rows(&Statement::raw(self.text, vec![], &[Storage::Int]), &mut |_| Ok(())).await?;
            }
            Ok(())
        })
    }
}

async fn check(writes: Writes) {
    let directory = TempDir::new().expect("a directory");
    let opened = Store::open(&OpenOptions::new(directory.path()), &model(MODEL), Ambient::system(), Arc::new(()));
    let store = opened.expect("a database").store;
    let (begun, begins) = channel();
    let count = |text, times| Arc::new(Count { writes, text, times, begun: begun.clone() });
    {
        let mut endless = pin!(store.write(count(ENDLESS, 1)));
        assert!(endless.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending(), "it runs elsewhere");
        begins.recv().expect("it has begun");
        if writes == Writes::None {
            begins.recv().expect("it has begun again on the reader pool");
        }
        let mut queued = pin!(store.write(count(ONE, 1)));
        if writes != Writes::None {
            assert!(queued.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending(), "it waits");
        }
    }
    store.write(count(ONE, 1)).await.expect("the store goes on");
    assert_eq!(begins.try_iter().count(), 1, "what was queued and left was not begun");
    if writes != Writes::None {
        let mut without_end = pin!(store.write(count(ONE, usize::MAX)));
        assert!(without_end.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending(), "it runs elsewhere");
        begins.recv().expect("it has begun");
        without_end.set(store.write(count(ONE, 1)));
        without_end.await.expect("what ran short statements for nobody has ended");
    }
}

#[tokio::test]
async fn a_write_that_nobody_waits_for_ends() {
    check(Writes::Many).await;
    check(Writes::One).await;
}

#[tokio::test]
async fn a_read_that_nobody_waits_for_ends() {
    check(Writes::None).await;
}
