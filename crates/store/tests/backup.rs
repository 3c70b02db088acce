//! Backups of a database that is written to, and their way back.

mod conformance;

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use backstay_base::{Ambient, Timestamp};
use backstay_store::{
    CopyError, CopyProgress, CopyStage, Location, OpenError, OpenOptions, Outcome, Restored, Restoring, Store,
};
use conformance::script::{FirstColumn, MODEL, create_author, emails, model, read};
use rusqlite::Connection;
use tempfile::TempDir;

fn open(directory: &Path) -> (Store, Outcome) {
    let opened = Store::open(&OpenOptions::new(directory), &model(MODEL), Ambient::system(), Arc::new(()));
    let opened = opened.expect("a database");
    (opened.store, opened.outcome)
}

fn directory() -> TempDir {
    TempDir::new().expect("a directory")
}

/// Goes on whatever happens.
fn go_on(_: CopyProgress) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

fn restore(directory: &Path, file: &Path) -> Result<Restored, CopyError> {
    let moment: Timestamp = Timestamp::from_micros(1_767_225_600_000_000).expect("a moment");
    let restoring = Restoring { file, application: None, moment };
    Store::restore(&Location::Directory(directory.to_owned()), &restoring, &mut go_on)
}

async fn stored(store: &Store) -> Vec<String> {
    let mut stored = FirstColumn::default();
    read(store, &emails(), &mut stored).await.expect("a read");
    stored.values
}

/// The names in a directory.
fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).expect("a directory");
    let mut names: Vec<String> =
        entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("a name")).collect();
    names.sort();
    names
}

/// A directory with this many authors, closed.
async fn authors(count: u32) -> TempDir {
    let directory = directory();
    let (store, _) = open(directory.path());
    for number in 0..count {
        store.write(create_author(number, &format!("{number:03}@example.org"))).await.expect("a create");
    }
    store.close();
    directory
}

/// A backup of it.
fn backup(directory: &Path, name: &str) -> PathBuf {
    let file = directory.join(name);
    let location = Location::Directory(directory.to_owned());
    Store::back_up_closed(&location, &file, &mut go_on).expect("a backup");
    file
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_backup_has_all_that_was_acknowledged_before_it() {
    let (directory, place) = (directory(), directory());
    let (store, _) = open(directory.path());
    let (acknowledged, stop) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicBool::new(false)));
    let writing = {
        let (store, acknowledged, stop) = (store.clone(), Arc::clone(&acknowledged), Arc::clone(&stop));
        tokio::spawn(async move {
            for number in 0_u32.. {
                if stop.load(Ordering::SeqCst) {
                    return;
                }
                store.write(create_author(number, &format!("{number:06}@example.org"))).await.expect("a create");
                acknowledged.store(number + 1, Ordering::SeqCst);
            }
        })
    };
    for round in 0..5 {
        while acknowledged.load(Ordering::SeqCst) < 100 * (round + 1) {
            tokio::task::yield_now().await;
        }
        let before = u64::from(acknowledged.load(Ordering::SeqCst));
        let file = place.path().join(format!("{round}.db"));
        let mut stages = Vec::new();
        let checked = tokio::task::block_in_place(|| {
            store.back_up(&file, &mut |progress| {
                stages.push(progress.stage);
                ControlFlow::Continue(())
            })
        });
        let checked = checked.expect("a backup");
        assert!(checked.records >= before, "{checked:?} {before}");
        assert_eq!(checked.last.map(|(sequence, _)| sequence), Some(checked.records), "one entry for each record");
        assert_eq!(checked.bytes, fs::metadata(&file).expect("a file").len());
        stages.dedup();
        assert_eq!(stages, [CopyStage::Copy, CopyStage::Check]);
    }
    stop.store(true, Ordering::SeqCst);
    writing.await.expect("it writes");
    store.close();
    assert_eq!(names(place.path()), ["0.db", "1.db", "2.db", "3.db", "4.db"], "nothing else is left");
    let target = self::directory();
    let restored = restore(target.path(), &place.path().join("4.db")).expect("restored");
    assert_eq!(restored.kept, None);
    let (store, outcome) = open(target.path());
    assert_eq!(outcome, Outcome::Unchanged);
    assert_eq!(stored(&store).await.len() as u64, restored.checked.records);
    store.write(create_author(7 << 24, "later@example.org")).await.expect("it goes on");
}

#[tokio::test]
async fn the_database_before_is_kept() {
    let directory = authors(3).await;
    let file = backup(directory.path(), "three.db");
    let (store, _) = open(directory.path());
    store.write(create_author(9, "nine@example.org")).await.expect("a create");
    store.close();
    let restored = restore(directory.path(), &file).expect("restored");
    let kept = restored.kept.expect("there was a database");
    assert_eq!(kept, directory.path().join("before-restore-20260101T000000"));
    let (store, _) = open(directory.path());
    assert_eq!(stored(&store).await.len(), 3);
    store.close();
    let (store, _) = open(&kept);
    assert_eq!(stored(&store).await.len(), 4, "a directory like any other");
    store.close();
    // A second one at the same moment, back to what was before.
    let restored = restore(directory.path(), &kept.join("backstay.db")).expect("restored");
    assert_eq!(restored.kept, Some(directory.path().join("before-restore-20260101T000000-2")));
    let (store, _) = open(directory.path());
    assert_eq!(stored(&store).await.len(), 4);
}

/// A process that was killed leaves its write-ahead log, without which its last commits are missing.
#[tokio::test]
async fn the_write_ahead_log_of_a_killed_process_is_kept_and_restored() {
    let (running, killed, target) = (directory(), directory(), authors(1).await);
    let (store, _) = open(running.path());
    for number in 0..5 {
        store.write(create_author(number, &format!("{number}@example.org"))).await.expect("a create");
    }
    for name in ["backstay.db", "backstay.db-wal"] {
        fs::copy(running.path().join(name), killed.path().join(name)).expect("a copy");
    }
    let restored = restore(target.path(), &killed.path().join("backstay.db")).expect("restored");
    assert_eq!(restored.checked.records, 5);
    // The other way round: it is the database before.
    let file = backup(target.path(), "five.db");
    let restored = restore(killed.path(), &file).expect("restored");
    let (store, _) = open(&restored.kept.expect("there was a database"));
    assert_eq!(stored(&store).await.len(), 5);
}

#[tokio::test]
async fn what_is_no_backup_is_refused_and_changes_nothing() {
    let directory = authors(300).await;
    let good = backup(directory.path(), "good.db");
    let before = fs::read(directory.path().join("backstay.db")).expect("the database");
    let check = |name: &str, make: &dyn Fn(&Path), expected: &str| {
        let file = directory.path().join(name);
        fs::copy(&good, &file).expect("a copy");
        make(&file);
        let error = restore(directory.path(), &file).expect_err(name);
        let told = error.to_string().replace(&directory.path().display().to_string(), "DIR");
        assert!(told.starts_with(expected), "{told}");
        fs::remove_file(&file).expect("removed");
        let now = fs::read(directory.path().join("backstay.db")).expect("the database");
        assert!(now == before, "{name}");
        assert_eq!(names(directory.path()), ["backstay.db", "backstay.lock", "good.db"], "{name}");
    };
    let execute = |file: &Path, text: &str| Connection::open(file).expect("a file").execute_batch(text).expect(text);
    check("a.db", &|file| fs::write(file, "").expect("a file"), "DIR/a.db is damaged or not a database: it is empty");
    check(
        "a.db",
        &|file| fs::write(file, "a text").expect("a file"),
        "DIR/a.db is damaged or not a database: it doesn't",
    );
    let cut = |file: &Path| {
        let bytes = fs::read(file).expect("a file");
        fs::write(file, &bytes[..bytes.len() / 2]).expect("a file");
    };
    check("half.db", &cut, "DIR/half.db is damaged or not a database: ");
    let overwritten = |file: &Path| {
        let mut bytes = fs::read(file).expect("a file");
        let middle = bytes.len() / 2;
        bytes[middle..middle + 4096].fill(0x5a);
        fs::write(file, bytes).expect("a file");
    };
    check("page.db", &overwritten, "DIR/page.db is damaged or not a database: ");
    check(
        "log.db",
        &|file| execute(file, "UPDATE backstay_log SET entry = zeroblob(60) WHERE seq = 7"),
        "DIR/log.db is damaged or not a database: entry 7 of the commit log: the leaf hash is ",
    );
    check(
        "gap.db",
        &|file| execute(file, "DELETE FROM backstay_log WHERE seq = 7"),
        "DIR/gap.db is damaged or not a database: entry 7 of the commit log is missing",
    );
    check(
        "newer.db",
        &|file| execute(file, "PRAGMA user_version = 99"),
        "DIR/newer.db was written by a newer Backstay",
    );
    let other = |file: &Path| {
        fs::remove_file(file).expect("removed");
        execute(file, "CREATE TABLE theirs (x)");
    };
    check("other.db", &other, "DIR/other.db is damaged or not a database: it is the database of another program");
}

#[tokio::test]
async fn who_may_restore_what() {
    let (directory, other) = (authors(2).await, authors(1).await);
    let file = backup(directory.path(), "two.db");
    let location = Location::Directory(directory.path().to_owned());
    let moment = Timestamp::EPOCH;
    let restoring = Restoring { file: &file, application: Some("Another"), moment };
    let error = Store::restore(&location, &restoring, &mut go_on).expect_err("another application");
    assert!(matches!(&error, CopyError::OtherApplication { expected, .. } if expected == "Another"), "{error:?}");
    let error = Store::back_up_closed(&location, &file, &mut go_on).expect_err("it is there");
    assert!(matches!(error, CopyError::Exists { .. }), "{error:?}");
    let (running, _) = open(other.path());
    let error = restore(other.path(), &file).expect_err("a server runs");
    assert!(matches!(error, CopyError::Open(OpenError::Locked { .. })), "{error:?}");
    let error = restore(directory.path(), &other.path().join("backstay.db")).expect_err("its server runs");
    assert!(matches!(error, CopyError::InUse { .. }), "{error:?}");
    running.close();
    let missing = restore(directory.path(), &directory.path().join("missing.db")).expect_err("there is none");
    assert!(matches!(missing, CopyError::Read { .. }), "{missing:?}");
    let pipe = directory.path().join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.is_ok_and(|status| status.success()));
    for special in [pipe.as_path(), Path::new("/dev/zero")] {
        let error = restore(directory.path(), special).expect_err("it isn't a file");
        assert!(matches!(error, CopyError::NotAFile { .. }), "{error:?}");
    }
    let error = restore(directory.path(), other.path()).expect_err("it is a directory");
    assert!(matches!(error, CopyError::Read { .. }), "{error:?}");
    let itself = restore(directory.path(), &directory.path().join("backstay.db")).expect_err("the same file");
    assert!(matches!(itself, CopyError::Itself { .. }), "{itself:?}");
}

#[tokio::test]
async fn a_second_restore_and_a_second_backup_are_refused() {
    let directory = authors(2).await;
    let file = backup(directory.path(), "two.db");
    let location = Location::Directory(directory.path().to_owned());
    let mut second = None;
    let mut watch = |_: CopyProgress| {
        second.get_or_insert_with(|| restore(directory.path(), &file).expect_err("one is under way"));
        ControlFlow::Continue(())
    };
    let restoring = Restoring { file: &file, application: None, moment: Timestamp::EPOCH };
    Store::restore(&location, &restoring, &mut watch).expect("restored");
    assert!(matches!(second, Some(CopyError::Open(OpenError::Locked { .. }) | CopyError::InUse { .. })), "{second:?}");

    let (store, _) = open(directory.path());
    let (to, mut second) = (directory.path().join("again.db"), None);
    let inner = store.clone();
    let mut watch = |_: CopyProgress| {
        second.get_or_insert_with(|| inner.back_up(&to, &mut go_on).expect_err("one is under way"));
        ControlFlow::Continue(())
    };
    store.back_up(&to, &mut watch).expect("a backup");
    assert!(matches!(second, Some(CopyError::Underway { .. })), "{second:?}");
}

#[tokio::test]
async fn an_interrupted_backup_leaves_nothing() {
    let directory = authors(2).await;
    let place = self::directory();
    let (store, _) = open(directory.path());
    let to = place.path().join("two.db");
    for stage in [CopyStage::Copy, CopyStage::Check] {
        let mut watch = |progress: CopyProgress| {
            if progress.stage == stage { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let error = store.back_up(&to, &mut watch).expect_err("interrupted");
        assert!(matches!(error, CopyError::Interrupted), "{error:?}");
        assert_eq!(names(place.path()), [""; 0]);
    }
    // A killed process leaves what it has written so far, under a name that the next backup takes.
    fs::write(place.path().join("two.db.part"), [7; 10_000]).expect("a file");
    store.back_up(&to, &mut go_on).expect("a backup");
    assert_eq!(names(place.path()), ["two.db"]);
}
