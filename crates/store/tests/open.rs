//! What opening a database rejects, and what it changes.

mod conformance;

use std::fs;
use std::path::Path;
use std::sync::Arc;

use backstay_audit::{ModelNumber, verify};
use backstay_base::Ambient;
use backstay_store::{Migration, OpenError, OpenOptions, Opened, Outcome, Recall, Store, StoreError, Stored, Writes};
use backstay_testkit::{TestClock, controlled};
use conformance::script::{
    AUTHOR, Act, Failure, FirstColumn, MODEL, NOW, Seen, claim, clock, create_author, email_field, emails, model,
    moment, name_field, read, script,
};
use rusqlite::Connection;
use tempfile::TempDir;

fn open_with(directory: &Path, text: &str, migration: Migration) -> Result<Opened, OpenError> {
    let options = OpenOptions { migration, ..OpenOptions::new(directory) };
    Store::open(&options, &model(text), Ambient::system(), Arc::new(()))
}

fn open(directory: &Path, text: &str) -> Result<Opened, OpenError> {
    open_with(directory, text, Migration::ApplySafe)
}

fn open_at(directory: &Path, clock: &TestClock) -> Opened {
    let options = OpenOptions::new(directory);
    Store::open(&options, &model(MODEL), controlled(clock, 1), Arc::new(())).expect("a database")
}

fn refused(directory: &Path, text: &str) -> String {
    open(directory, text).expect_err("refused").to_string().replace(&directory.display().to_string(), "DIR")
}

fn directory() -> TempDir {
    TempDir::new().expect("a directory")
}

#[test]
fn a_database_is_made_once_and_then_found_unchanged() {
    let directory = directory();
    let path = directory.path().join("new/data");
    let first = open(&path, MODEL).expect("a database");
    assert_eq!(first.outcome, Outcome::Created);
    let numbers = first.store.catalog().clone();
    first.store.close();
    let second = open(&path, MODEL).expect("the same database");
    assert_eq!(second.outcome, Outcome::Unchanged);
    assert_eq!(second.store.catalog().type_number(AUTHOR), numbers.type_number(AUTHOR));
    let number = numbers.field_number(AUTHOR, name_field());
    assert_eq!(second.store.catalog().field(AUTHOR, number), Some(name_field()));
    assert_eq!(second.store.catalog().collection(numbers.type_number(AUTHOR)), Some(AUTHOR));
}

#[test]
fn only_one_process_may_have_it_open() {
    let directory = directory();
    let first = open(directory.path(), MODEL).expect("a database");
    assert_eq!(
        refused(directory.path(), MODEL),
        "another Backstay uses the database in DIR; stop it, or choose another directory with --data"
    );
    first.store.close();
    open(directory.path(), MODEL).expect("free again");
}

#[test]
fn files_that_are_not_ours_are_refused() {
    let check = |make: fn(&Path), expected: &str| {
        let directory = directory();
        make(&directory.path().join("backstay.db"));
        let before = fs::read(directory.path().join("backstay.db")).expect("the file");
        assert_eq!(refused(directory.path(), MODEL), expected);
        assert_eq!(fs::read(directory.path().join("backstay.db")).expect("the file"), before, "{expected}");
    };
    let other =
        "DIR/backstay.db is the database of another program; move it away, or choose another directory with --data";
    let damaged = "DIR/backstay.db is damaged or not a database; restore it from a backup";
    check(|path| fs::write(path, "a text, and quite a long one at that").expect("a file"), damaged);
    check(|path| fs::write(path, "short").expect("a file"), damaged);
    check(|path| fs::write(path, [b"SQLite format 3\0".as_slice(), &[0xAA; 8192]].concat()).expect("a file"), damaged);
    check(|path| made(path, "CREATE TABLE theirs (x)"), other);
    check(|path| made(path, "PRAGMA application_id = 77; PRAGMA user_version = 1"), other);
    check(
        |path| made(path, "PRAGMA application_id = 1114329972; PRAGMA user_version = 99"),
        "DIR/backstay.db was written by a newer Backstay (format 99, while this one knows formats up to 5); update Backstay",
    );
}

fn made(path: &Path, text: &str) {
    Connection::open(path).and_then(|db| db.execute_batch(text)).expect("a file");
}

/// Two entries of format 1, the first with the later moment, with their leaf hashes as `sha256sum` gives them.
const FORMAT_1: &str = "DROP TABLE backstay_due_sum;
    DROP TABLE backstay_sequence;
    ALTER TABLE backstay_idempotency DROP COLUMN format;
    DROP TABLE backstay_tombstone;
    PRAGMA user_version = 1;
    INSERT INTO backstay_log (seq, entry, leaf, feed) VALUES
      (1, x'01000649aeaadcd400040000047465737401010000000000007000800000000000000101000000000000000102050e060608417574686f722031',
       x'60e834ebdb08323fe74af9a527ec4028f9fa1491aa99435198842a3208ed90b1', x'01'),
      (2, x'01000649add4493000040000047465737401010000000000007000800000000000000101000000000000000102050e060608417574686f722031',
       x'89321773d72ff3e7763fac76ab1614ec4b21234405bb8085dcf678a2682fc0e9', NULL)";

#[tokio::test]
async fn a_database_of_format_1_is_upgraded_and_its_log_still_verifies() {
    let directory = directory();
    let clock = clock();
    let store = open_at(directory.path(), &clock).store;
    let expires = moment(NOW + 10_000_000_000);
    let remember = Act::Remember(claim("key", 1), b"answer".to_vec(), expires);
    store.write(script(Writes::One, [remember])).await.expect("remembered");
    store.close();
    made(&directory.path().join("backstay.db"), FORMAT_1);

    let options = OpenOptions::new(directory.path());
    let planned = Store::plan_migration(&options, &model(MODEL), &Ambient::system()).expect("a plan");
    assert_eq!(planned.iter().map(|step| step.words.as_str()).collect::<Vec<_>>(), ["upgrade Backstay's own tables"]);
    let opened = open_at(directory.path(), &clock);
    assert_eq!(opened.outcome, Outcome::Migrated(planned));
    let store = opened.store;
    assert_eq!(store.last_moment(), Some(moment(NOW + 3_600_000_000)), "the latest of all moments of format 1");
    store.write(create_author(1, "a@example.org")).await.expect("a create");
    let log = store.log(1, 10).await.expect("the log");
    let entries: Vec<_> = log.iter().map(|entry| verify(&entry.entry, entry.leaf).expect("canonical")).collect();
    let models: Vec<_> = entries.iter().map(|entry| entry.model).collect();
    assert_eq!(models, [None, None, Some(ModelNumber(1))]);
    assert_eq!(entries[2].moment, moment(NOW + 3_600_000_001));
    let seen = store.write(script(Writes::None, [Act::Recall(claim("key", 1))])).await.expect("a read");
    assert_eq!(seen, [Seen::Recall(Recall::Replay(b"answer".to_vec()))]);
    store.close();
    assert_eq!(open_at(directory.path(), &clock).outcome, Outcome::Unchanged);
}

/// The digest is `(printf '\0\0\0\0\0\0\0\6callerkey') | sha256sum`.
#[tokio::test]
async fn an_idempotency_record_has_this_form() {
    let directory = directory();
    let store = open_at(directory.path(), &clock()).store;
    let remember = Act::Remember(claim("key", 7), b"answer".to_vec(), moment(NOW + 60_000_000));
    store.write(script(Writes::One, [remember])).await.expect("remembered");
    store.close();
    let columns = "SELECT hex(digest), hex(fingerprint), answer, expires, format FROM backstay_idempotency";
    let read = |row: &rusqlite::Row<'_>| -> rusqlite::Result<(String, String, Vec<u8>, i64, i64)> { row.try_into() };
    let file = Connection::open(directory.path().join("backstay.db")).expect("the file");
    let row = file.query_row(columns, [], read).expect("a record");
    let digest = "50CB845EE2F98C7F711058B63C0FD936670B77B93023227830FDA7B2BA90B3D9".to_owned();
    assert_eq!(row, (digest, "07".repeat(32), b"answer".to_vec(), NOW + 60_000_000, 1));
}

#[tokio::test]
async fn an_idempotency_record_of_an_unknown_form_is_an_error() {
    let directory = directory();
    let store = open_at(directory.path(), &clock()).store;
    let remember = Act::Remember(claim("key", 7), b"answer".to_vec(), moment(NOW + 60_000_000));
    store.write(script(Writes::One, [remember])).await.expect("remembered");
    made(&directory.path().join("backstay.db"), "UPDATE backstay_idempotency SET format = 2");
    let recalled = store.write(script(Writes::None, [Act::Recall(claim("key", 7))])).await;
    assert!(matches!(recalled, Err(Failure::Store(StoreError::Catalog("backstay_idempotency")))), "{recalled:?}");
}

#[test]
fn an_empty_file_becomes_a_database() {
    let directory = directory();
    fs::write(directory.path().join("backstay.db"), "").expect("a file");
    assert_eq!(open(directory.path(), MODEL).expect("a database").outcome, Outcome::Created);
}

#[test]
fn a_read_only_file_is_refused() {
    let directory = directory();
    open(directory.path(), MODEL).expect("a database").store.close();
    let path = directory.path().join("backstay.db");
    let mut permissions = fs::metadata(&path).expect("the file").permissions();
    permissions.set_readonly(true);
    fs::set_permissions(&path, permissions).expect("read-only");
    assert_eq!(refused(directory.path(), MODEL), "cannot write to DIR/backstay.db: permission denied");
}

#[test]
fn a_full_disk_is_named() {
    let directory = directory();
    let options = OpenOptions { max_bytes: Some(8 * 4096), ..OpenOptions::new(directory.path()) };
    let error = Store::open(&options, &model(MODEL), Ambient::system(), Arc::new(())).expect_err("refused");
    assert!(
        matches!(&error, OpenError::Unwritable { source, .. } if source.kind() == std::io::ErrorKind::StorageFull),
        "{error:?}"
    );
}

#[test]
fn a_directory_that_cannot_be_made_is_named() {
    let directory = directory();
    fs::write(directory.path().join("file"), "").expect("a file");
    assert_eq!(
        refused(&directory.path().join("file/data"), MODEL),
        "cannot write to DIR: Not a directory (os error 20)"
    );
}

const MORE: &str = r#"
type Tag @allow(read: "true") { label: String! @unique }
extend type Author @index(fields: ["nick"]) { nick: String  tags: [Tag!] }
"#;

#[tokio::test]
async fn what_is_safe_is_applied_at_the_start() {
    let directory = directory();
    let first = open(directory.path(), MODEL).expect("a database");
    first.store.write(create_author(1, "a@example.org")).await.expect("a create");
    let before = first.store.catalog().clone();
    first.store.close();

    let text = format!("{MODEL}{MORE}");
    let options = OpenOptions::new(directory.path());
    let planned = Store::plan_migration(&options, &model(&text), &Ambient::system()).expect("a plan");
    assert!(planned.iter().all(|step| step.automatic), "{planned:?}");
    assert!(planned.iter().any(|step| step.words.contains("Tag") && !step.sql.is_empty()), "{planned:?}");
    open_with(directory.path(), &text, Migration::Refuse).expect_err("not asked for");

    let second = open(directory.path(), &text).expect("migrated");
    assert_eq!(second.outcome, Outcome::Migrated(planned));
    let after = second.store.catalog();
    let author = model(&text).collection_named("Author").expect("the type").id;
    assert_eq!(after.type_number(author), before.type_number(AUTHOR));
    assert_eq!(after.field_number(author, email_field()), before.field_number(AUTHOR, email_field()));
    let mut sink = FirstColumn::default();
    read(&second.store, &emails(), &mut sink).await.expect("a read");
    assert_eq!(sink.values, ["a@example.org"]);
    second.store.write(create_author(2, "b@example.org")).await.expect("a create");
    second.store.close();
    assert_eq!(open(directory.path(), &text).expect("the same").outcome, Outcome::Unchanged);
}

/// Where nothing is stored, nothing can be lost.
const POST_OF_WEIGHT: &str = "INSERT INTO post (id, created_at, updated_at, version, title, weight) \
                              VALUES (x'00000000000070008000000000000001', 0, 0, 1, 'A', 1.5)";

#[test]
fn what_is_not_safe_is_refused_whole() {
    let directory = directory();
    open(directory.path(), MODEL).expect("a database").store.close();
    made(&directory.path().join("backstay.db"), POST_OF_WEIGHT);
    let text = MODEL.replace("  weight: Float\n", "").replace("email: Email!", "email: Email! nick: String");
    let told = refused(directory.path(), &text);
    let expected = "the model cannot be applied to the stored data: Post.weight is removed, with its stored \
                    values (loses data)";
    assert_eq!(told, expected);
    let planned =
        Store::plan_migration(&OpenOptions::new(directory.path()), &model(&text), &Ambient::system()).expect("a plan");
    assert_eq!(planned.iter().map(|step| step.automatic).filter(|automatic| !automatic).count(), 1, "{planned:?}");
    assert_eq!(open(directory.path(), MODEL).expect("as it was").outcome, Outcome::Unchanged);
}

#[tokio::test]
async fn a_unique_index_that_stored_records_break_is_named() {
    let directory = directory();
    let first = open(directory.path(), &MODEL.replace("email: Email! @unique", "email: Email!")).expect("a database");
    for number in [1, 2] {
        first.store.write(create_author(number, "same@example.org")).await.expect("a create");
    }
    first.store.close();
    let text = MODEL.replace("name: String!", "name: String! nick: String");
    let told = refused(directory.path(), &text);
    let expected = "(2 records of Author have the same email as another: 00000000-0000-7000-8000-000000000001, \
                    00000000-0000-7000-8000-000000000002; change or delete those records first)";
    assert!(told.ends_with(expected), "{told}");
    // The migration was undone as a whole: the new field does not exist either.
    let columns = Connection::open(directory.path().join("backstay.db")).expect("the file");
    let nick = columns.prepare("SELECT nick FROM author").map(|_| ());
    assert!(nick.is_err(), "{nick:?}");
}

#[test]
fn the_plan_for_no_database_is_to_make_one() {
    let directory = directory();
    let planned =
        Store::plan_migration(&OpenOptions::new(directory.path()), &model(MODEL), &Ambient::system()).expect("a plan");
    assert_eq!(planned.len(), 1);
    assert_eq!(planned[0].words, "create the database");
    assert_eq!(fs::read_dir(directory.path()).expect("the directory").count(), 0);
}

#[test]
fn a_database_that_lacks_something_is_refused_by_name() {
    let directory = directory();
    open(directory.path(), MODEL).expect("a database").store.close();
    let check = |change: &str, expected: &str| {
        let db = Connection::open(directory.path().join("backstay.db")).expect("the file");
        db.execute_batch(&format!("PRAGMA foreign_keys = OFF; {change}")).expect("a change");
        drop(db);
        let expected =
            format!("the database was changed by another program: it has no {expected}; restore it from a backup");
        assert_eq!(refused(directory.path(), MODEL), expected);
    };
    check("ALTER TABLE author RENAME COLUMN name TO title", "column author.name");
    check("DROP TABLE author", "table author");
}

#[cfg(unix)]
#[test]
fn a_link_to_a_database_is_refused() {
    let (directory, other) = (directory(), directory());
    open(other.path(), MODEL).expect("a database").store.close();
    let link = directory.path().join("backstay.db");
    std::os::unix::fs::symlink(other.path().join("backstay.db"), link).expect("a link");
    assert!(refused(directory.path(), MODEL).contains("is a symbolic link"));
}

#[cfg(unix)]
#[test]
fn a_database_with_a_second_name_is_refused() {
    let (first, second) = (directory(), directory());
    let path = |directory: &TempDir| directory.path().join("backstay.db");
    let running = open(first.path(), MODEL).expect("a database").store;
    fs::hard_link(path(&first), path(&second)).expect("a second name");
    let refuses = |directory: &Path| {
        let error = open(directory, MODEL).expect_err("refused");
        assert!(matches!(&error, OpenError::HardLink { names: 2, .. }), "{error:?}");
    };
    refuses(second.path());
    running.close();
    // Even if no server runs: the second name has no write-ahead log.
    refuses(second.path());
    refuses(first.path());
    fs::remove_file(path(&second)).expect("one name less");
    assert_eq!(open(first.path(), MODEL).expect("the database").outcome, Outcome::Unchanged);
}

#[cfg(unix)]
#[test]
fn a_link_to_a_data_directory_leads_to_the_same_lock() {
    let (first, second) = (directory(), directory());
    let running = open(first.path(), MODEL).expect("a database").store;
    let link = second.path().join("data");
    std::os::unix::fs::symlink(first.path(), &link).expect("a link");
    assert!(matches!(open(&link, MODEL), Err(OpenError::Locked { .. })));
    running.close();
    open(&link, MODEL).expect("free again");
}

#[tokio::test]
async fn a_clock_beyond_the_year_9999_stores_nothing() {
    let directory = directory();
    for start in ["9999-12-30T22:00:00.999999Z", "1969-12-31T23:59:59.999999Z"] {
        let options = OpenOptions::new(directory.path());
        let opened = Store::open(&options, &model(MODEL), controlled(&TestClock::at(start), 1), Arc::new(()));
        assert!(matches!(opened, Err(OpenError::Clock)), "{start}");
    }
    assert_eq!(fs::read_dir(directory.path()).expect("the directory").count(), 0);
    let clock = TestClock::at("9999-12-30T12:00:00Z");
    let store = open_at(directory.path(), &clock).store;
    store.write(create_author(1, "a@example.org")).await.expect("in time");
    clock.advance("24h");
    let refused = store.write(create_author(2, "b@example.org")).await.expect_err("too late");
    assert!(matches!(refused, Failure::Store(StoreError::NoLaterMoment)), "{refused:?}");
    let mut sink = FirstColumn::default();
    read(&store, &emails(), &mut sink).await.expect("a read");
    assert_eq!(sink.values, ["a@example.org"]);
    clock.advance("-24h");
    store.write(create_author(2, "b@example.org")).await.expect("the clock was set right");
    assert!(!store.has_failed());
}

#[cfg(unix)]
#[tokio::test]
async fn nothing_is_stored_in_a_file_that_was_taken_away() {
    let directory = directory();
    let store = open(directory.path(), MODEL).expect("a database").store;
    store.write(create_author(1, "a@example.org")).await.expect("a first author");
    fs::rename(directory.path().join("backstay.db"), directory.path().join("away.db")).expect("moved");
    let refused = store.write(create_author(2, "b@example.org")).await.expect_err("refused");
    assert!(matches!(refused, Failure::Store(StoreError::Moved)), "{refused:?}");
    assert!(store.has_failed());
}

#[test]
fn a_database_is_deleted_and_nothing_else() {
    let directory = directory();
    let location = OpenOptions::new(directory.path()).location;
    assert_eq!(Store::stored(&location).expect("no database"), None);
    Store::delete(&location).expect("nothing to delete");

    let opened = open(directory.path(), MODEL).expect("a database");
    let stored = Store::stored(&location).expect("it can be read while it is used").expect("a database");
    assert!(matches!(stored, Stored::Records(records) if records.count == 0));
    assert!(matches!(Store::delete(&location), Err(OpenError::Locked { .. })), "it is used");
    opened.store.close();

    fs::write(directory.path().join("notes.txt"), "mine").expect("a file");
    Store::delete(&location).expect("it is not used");
    assert!(!Store::exists(&location).expect("nothing is there"));
    let mut left: Vec<_> =
        fs::read_dir(directory.path()).expect("a directory").flatten().map(|one| one.file_name()).collect();
    left.sort();
    assert_eq!(left, ["backstay.lock", "notes.txt"]);
    assert_eq!(open(directory.path(), MODEL).expect("a database").outcome, Outcome::Created);
}

#[test]
fn what_is_not_backstays_is_not_deleted() {
    let (directory, elsewhere) = (directory(), directory());
    let (location, path) = (OpenOptions::new(directory.path()).location, directory.path().join("backstay.db"));
    Connection::open(&path).and_then(|db| db.execute_batch("CREATE TABLE mine (x)")).expect("another database");
    assert!(matches!(Store::stored(&location), Err(OpenError::NotOurs { .. })));
    assert!(matches!(Store::delete(&location), Err(OpenError::NotOurs { .. })));
    fs::write(&path, "my notes, longer than a magic number").expect("a file");
    assert!(matches!(Store::delete(&location), Err(OpenError::Corrupt { .. })));
    fs::remove_file(&path).expect("a file");

    open(elsewhere.path(), MODEL).expect("a database").store.close();
    let target = elsewhere.path().join("backstay.db");
    std::os::unix::fs::symlink(&target, &path).expect("a link");
    assert!(matches!(Store::delete(&location), Err(OpenError::Link { .. })));
    assert!(target.exists() && path.is_symlink());
}
