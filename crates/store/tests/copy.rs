//! Copies of whole databases, from one kind to another.

mod conformance;

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use backstay_base::{Ambient, Secret};
use backstay_store::{
    Copied, CopyError, CopyProgress, CopyStage, Location, OpenError, OpenOptions, ServerProblem, Store, Stored,
};
use backstay_testkit::Cluster;
use conformance::script::{FirstColumn, MODEL, create_author, emails, model, read};
use rusqlite::Connection;
use tempfile::TempDir;

/// More than are copied at a time.
const AUTHORS: u32 = 700;

fn open(location: &Location) -> Result<Store, OpenError> {
    let opened = Store::open(&OpenOptions::new(location.clone()), &model(MODEL), Ambient::system(), Arc::new(()));
    opened.map(|opened| opened.store)
}

/// A directory with this many authors, closed.
async fn authors(count: u32) -> (TempDir, Location) {
    let directory = TempDir::new().expect("a directory");
    let location = Location::from(directory.path());
    let store = open(&location).expect("a database");
    for number in 0..count {
        store.write(create_author(number, &format!("{number:03}@example.org"))).await.expect("a create");
    }
    store.close();
    (directory, location)
}

fn on_server() -> Location {
    Location::Url(Secret::new(Cluster::shared().url()))
}

fn copy(from: &Location, to: &Location) -> Result<Copied, CopyError> {
    Store::copy(from, to, &mut |_| ControlFlow::Continue(()))
}

/// What a database holds: its emails, and the size and the root of its log.
async fn contents(location: &Location) -> (Vec<String>, u64, String) {
    let store = open(location).expect("it opens");
    let mut stored = FirstColumn::default();
    read(&store, &emails(), &mut stored).await.expect("a read");
    let verified = store.verify_log(None).await.expect("a log");
    store.close();
    (stored.values, verified.entries, format!("{:?}", verified.root))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_that_was_interrupted_goes_on_and_comes_back_the_same() {
    let (_kept, source) = authors(AUTHORS).await;
    let (target, directory) = (on_server(), TempDir::new().expect("a directory"));
    let back = Location::from(directory.path().join("data").as_path());
    let mut told = Vec::new();
    // In the first table, in the middle of the log, and in the middle of the authors.
    for rows in [1, 510, 1000] {
        let interrupted = Store::copy(&source, &target, &mut |progress: CopyProgress| match progress.done < rows {
            true => ControlFlow::Continue(()),
            false => ControlFlow::Break(()),
        });
        assert!(matches!(interrupted, Err(CopyError::Interrupted)), "at {rows}: {interrupted:?}");
        assert!(matches!(open(&target), Err(OpenError::UnfinishedCopy { .. })), "at {rows}");
        assert!(matches!(Store::stored(&target), Ok(Some(Stored::UnfinishedCopy))), "at {rows}");
    }
    let (_other_kept, other) = authors(1).await;
    assert!(matches!(copy(&other, &target), Err(CopyError::OtherCopy { .. })), "of another database");
    let copied = Store::copy(&source, &target, &mut |progress| {
        told.push(progress);
        ControlFlow::Continue(())
    });
    let copied = copied.expect("the rest");
    assert_eq!((copied.records, copied.change), (u64::from(AUTHORS), u64::from(AUTHORS)));
    let first = told.first().expect("progress");
    assert!(first.stage == CopyStage::Copy && first.done > 1000, "it goes on: {first:?}");
    let last = told.last().expect("progress");
    assert_eq!((last.stage, last.done, last.total), (CopyStage::Check, copied.rows, copied.rows));

    assert_eq!(copy(&target, &back).expect("the way back"), copied);
    let expected = contents(&source).await;
    assert_eq!(expected.1, u64::from(AUTHORS));
    assert!(contents(&target).await == expected, "on PostgreSQL");
    assert!(contents(&back).await == expected, "and back");

    let store = open(&target).expect("it opens");
    store.write(create_author(AUTHORS, "later@example.org")).await.expect("the copy goes on");
    store.close();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unfinished_copy_can_be_deleted() {
    let (_kept, source) = authors(1).await;
    let directory = TempDir::new().expect("a directory");
    for target in [on_server(), Location::from(directory.path().join("data").as_path())] {
        let interrupted = Store::copy(&source, &target, &mut |_| ControlFlow::Break(()));
        assert!(matches!(interrupted, Err(CopyError::Interrupted)), "{interrupted:?}");
        Store::delete(&target).expect("nobody uses it");
        assert_eq!(Store::stored(&target).expect("it can be read"), None);
        let copied = copy(&source, &target).expect("it is empty");
        assert_eq!(copied.records, 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_of_very_different_sizes_are_copied() {
    let (directory, source) = authors(604).await;
    let db = Connection::open(directory.path().join("backstay.db")).expect("the database");
    // Behind many small ones, each is larger than what is read at a time.
    let large = "UPDATE author SET name = hex(zeroblob(5000000)) WHERE email >= '600'";
    assert_eq!(db.execute(large, []).expect("an update"), 4);
    db.close().expect("it is closed");
    let (target, back) = (on_server(), TempDir::new().expect("a directory"));
    let copied = copy(&source, &target).expect("a copy");
    assert_eq!(copied.records, 604);
    assert_eq!(copy(&target, &Location::from(back.path().join("data").as_path())).expect("the way back"), copied);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_in_use_or_not_empty_is_refused() {
    let (_kept, source) = authors(1).await;
    let (_other_kept, other) = authors(1).await;
    let nowhere = Location::from(Path::new("/nonexistent/data"));
    assert!(matches!(copy(&nowhere, &on_server()), Err(CopyError::Empty { .. })));
    assert!(matches!(copy(&on_server(), &source), Err(CopyError::Empty { .. })));
    assert!(matches!(copy(&source, &other), Err(CopyError::NotEmpty { .. })));
    assert!(matches!(copy(&source, &source), Err(CopyError::NotEmpty { .. })));

    let target = on_server();
    let served = open(&source).expect("a server");
    assert!(matches!(copy(&source, &target), Err(CopyError::Open(OpenError::Locked { .. }))));
    served.close();
    let served = open(&target).expect("a server");
    let refused = copy(&source, &target);
    let in_use = matches!(&refused, Err(CopyError::Open(OpenError::Server { problem: ServerProblem::InUse, .. })));
    assert!(in_use, "{refused:?}");
    served.close();
}
