//! The commit log when a part of it is gone.

mod conformance;

use std::fs;
use std::path::Path;
use std::sync::Arc;

use backstay_base::{Ambient, Timestamp};
use backstay_store::{LogError, LogHorizon, OpenOptions, Pruned, Store, VerifiedLog};
use conformance::script::{MODEL, create_author, model};
use rusqlite::Connection;
use tempfile::TempDir;

const NOTHING: LogHorizon = LogHorizon { before: Timestamp::EPOCH, through: 0, needed_from: None };

fn open(directory: &Path) -> Store {
    let opened = Store::open(&OpenOptions::new(directory), &model(MODEL), Ambient::system(), Arc::new(()));
    opened.expect("a database").store
}

async fn add(store: &Store, numbers: std::ops::Range<u32>) {
    for number in numbers {
        store.write(create_author(number, &format!("{number:04}@example.org"))).await.expect("a create");
    }
}

/// Prunes until nothing is left to do; how many entries each step removed.
async fn prune(store: &Store, horizon: LogHorizon) -> Vec<u64> {
    let mut steps = Vec::new();
    loop {
        let Pruned { entries, more } = store.prune_log(&model(MODEL), horizon).await.expect("pruned");
        steps.push(entries);
        if !more {
            return steps;
        }
    }
}

async fn verified(store: &Store, size: Option<u64>) -> VerifiedLog {
    store.verify_log(size).await.expect("it is whole")
}

#[tokio::test]
async fn a_pruned_log_has_the_root_that_it_had() {
    let directory = TempDir::new().expect("a directory");
    let store = open(directory.path());
    add(&store, 0..600).await;
    let before = verified(&store, Some(500)).await;
    assert_eq!((before.pruned, before.entries), (0, 600));
    assert_eq!(prune(&store, NOTHING).await, [0]);
    assert_eq!(prune(&store, LogHorizon { through: 500, ..NOTHING }).await, [256, 244]);
    let after = verified(&store, Some(500)).await;
    assert_eq!(after, VerifiedLog { pruned: 500, ..before.clone() });
    assert_eq!(verified(&store, Some(499)).await.asked, None, "too much is gone");
    assert_eq!(store.log(1, 1).await.expect("the log")[0].sequence, 501);
    // What somebody needs stays.
    assert_eq!(prune(&store, LogHorizon { through: 550, needed_from: Some(521), ..NOTHING }).await, [20]);
    assert_eq!(store.log(1, 1).await.expect("the log")[0].sequence, 521);
    store.close();
    // Places go on after a restart, and the root of what was there is the same.
    let store = open(directory.path());
    add(&store, 600..610).await;
    let later = verified(&store, Some(600)).await;
    assert_eq!((later.entries, later.asked), (610, Some(before.root)));
    // By time: everything is old enough, and the last entry stays.
    assert_eq!(prune(&store, LogHorizon { before: Timestamp::LATEST, ..NOTHING }).await, [89]);
    let last = verified(&store, None).await;
    assert_eq!((last.pruned, last.entries, last.root), (609, 610, later.root));
    add(&store, 610..611).await;
    assert_eq!(verified(&store, Some(610)).await.asked, Some(last.root));
}

#[tokio::test]
async fn so_much_goes_that_the_rest_fits() {
    let directory = TempDir::new().expect("a directory");
    let store = open(directory.path());
    assert_eq!(store.log_excess(0).await.expect("a place"), 0);
    add(&store, 0..300).await;
    store.close();
    let database = Connection::open(directory.path().join("backstay.db")).expect("a database");
    let size = "SELECT sum(length(entry) + length(feed) + 40) FROM backstay_log WHERE seq > ?1";
    let size = |after: i64| -> i64 { database.query_row(size, [after], |row| row.get(0)).expect("a size") };
    let sizes = [0_i64, 1, 123, 298].map(|after| (after.unsigned_abs(), size(after).unsigned_abs()));
    drop(database);
    let store = open(directory.path());
    for (excess, bytes) in sizes {
        assert_eq!(store.log_excess(bytes).await.expect("a place"), excess, "{bytes}");
        assert_eq!(store.log_excess(bytes - 1).await.expect("a place"), excess + 1, "{bytes}");
    }
}

#[tokio::test]
async fn what_was_pruned_is_nowhere_in_the_file() {
    let directory = TempDir::new().expect("a directory");
    let store = open(directory.path());
    add(&store, 0..400).await;
    let holds = |name: &[u8]| {
        let files = fs::read_dir(directory.path()).expect("a directory").map(|entry| entry.expect("an entry").path());
        let bytes: Vec<u8> = files.flat_map(|file| fs::read(file).expect("a file")).collect();
        bytes.windows(name.len()).any(|window| window == name)
    };
    store.close();
    let kept = Connection::open(directory.path().join("backstay.db")).expect("a database");
    let entry: Vec<u8> =
        kept.query_row("SELECT entry FROM backstay_log WHERE seq = 7", [], |row| row.get(0)).expect("an entry");
    drop(kept);
    assert!(holds(&entry));
    let store = open(directory.path());
    prune(&store, LogHorizon { through: 350, ..NOTHING }).await;
    store.close();
    assert!(!holds(&entry));
    assert!(!holds(&entry[9..]), "nor a part of it");
}

#[tokio::test]
async fn a_damaged_log_is_neither_verified_nor_pruned() {
    let check = async |change: &str, expected: &str| {
        let directory = TempDir::new().expect("a directory");
        let store = open(directory.path());
        add(&store, 0..20).await;
        store.close();
        let database = Connection::open(directory.path().join("backstay.db")).expect("a database");
        database.execute_batch(change).expect(change);
        drop(database);
        let store = open(directory.path());
        match store.verify_log(None).await {
            Err(LogError::Damaged(finding)) => assert!(finding.starts_with(expected), "{finding}"),
            other => unreachable!("{other:?}"),
        }
        let refused = store.prune_log(&model(MODEL), LogHorizon { through: 15, ..NOTHING }).await;
        assert!(refused.is_err(), "{refused:?}");
    };
    check("DELETE FROM backstay_log WHERE seq = 5", "entry 5 of the commit log is missing").await;
    check("DELETE FROM backstay_log WHERE seq < 5", "entry 1 of the commit log is missing").await;
    let changed = "UPDATE backstay_log SET entry = (SELECT entry FROM backstay_log WHERE seq = 6) WHERE seq = 5";
    check(changed, "entry 5 of the commit log: the leaf hash is ").await;
}
