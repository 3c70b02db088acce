//! Migrations that are killed, run out of space, run twice at once or meet another process: all or nothing.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use backstay_engine::{Migration, OpenError, OpenOptions, OpenOutcome, ServerProblem};
use backstay_store::Location;

use super::changed::{Place, started};

const OLD: &str = r#"enum E { X Y } type P @open @index(fields: ["n"]) { n: Int! s: String e: E u: U us: [U!] gone: Text }
    type U @open { name: String! @unique } type Z @open { n: Int }"#;
/// Renames, rewrites, removes, adds and indexes.
const NEW: &str = r#"enum E { X B @renamed(from: "Y") }
    type Page @open @renamed(from: "P") @index(fields: ["number"]) { number: String! @renamed(from: "n") e: E u: User users: [User!] @renamed(from: "us") more: Int! @default(to: 1) }
    type User @open @renamed(from: "U") { name: String! @unique age: Int } type Y @open { n: Int p: Page }"#;
const RECORDS: [(&str, &str); 4] = [
    ("U", r#"{"name":"Ann"}"#),
    ("P", r#"{"n":1,"e":"Y","u":"%0","us":["%0"],"gone":"x"}"#),
    ("P", r#"{"n":2,"s":"t"}"#),
    ("Z", r#"{"n":3}"#),
];

const DIRECTORY: &str = "BACKSTAY_KILLED_DIRECTORY";
const STATEMENT: &str = "BACKSTAY_KILLED_AT";

async fn filled(mut place: Place) -> Place {
    place.apply(OLD, false).expect("a database");
    place.create(OLD, &RECORDS).await;
    place
}

/// Nothing was changed, and the migration can still be made.
fn is_as_before(place: &Place, dump: &str) {
    assert_eq!(place.dump(), dump, "{}", place.name());
    assert_eq!(place.plan(OLD), [], "{}", place.name());
}

fn arrived(place: &Place) {
    assert_eq!(place.plan(NEW), [], "{}", place.name());
    assert_eq!(place.differences(NEW), "", "{}", place.name());
}

/// What the killed process does: it applies the model and ends at a statement.
#[test]
#[ignore = "run by the test below, in a process of its own"]
fn migrates_until_it_is_killed() {
    let variable = |name| std::env::var(name).expect("started by the other test");
    let (directory, last): (_, usize) = (variable(DIRECTORY), variable(STATEMENT).parse().expect("a number"));
    let mut place = Place::of(Location::Directory(directory.into()));
    let done = AtomicUsize::new(0);
    place.options.on_progress = Arc::new(move |_| {
        if done.fetch_add(1, Ordering::Relaxed) == last {
            std::process::abort();
        }
    });
    place.apply(NEW, true).expect("a migration");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_migration_that_is_killed_never_began() {
    let place = filled(Place::sqlite()).await;
    let dump = place.dump();
    let Location::Directory(directory) = &place.options.location else { unreachable!("SQLite is in a directory") };
    let mut statement = 0;
    loop {
        let program = &mut Command::new(std::env::current_exe().expect("this program"));
        program.args(["--ignored", "--exact", "disturbed::migrates_until_it_is_killed"]);
        program.env(DIRECTORY, directory).env(STATEMENT, statement.to_string());
        let mut killed = started(program.stdout(Stdio::null()).stderr(Stdio::null()));
        if killed.wait().expect("it ends").success() {
            break;
        }
        is_as_before(&place, &dump);
        statement += 1;
    }
    assert!(statement > 10, "it was killed at {statement} statements");
    arrived(&place);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_migration_on_a_full_disk_never_began() {
    let mut place = filled(Place::sqlite()).await;
    let dump = place.dump();
    let Location::Directory(directory) = &place.options.location else { unreachable!("SQLite is in a directory") };
    let size = std::fs::metadata(directory.join("backstay.db")).expect("the database").len();
    let mut refused = 0;
    for more in 0.. {
        place.options.max_bytes = Some(size + more * 4096);
        match place.apply(NEW, true) {
            Ok(_) => break,
            Err(OpenError::Unwritable { source, .. }) if source.kind() == std::io::ErrorKind::StorageFull => {}
            Err(error) => unreachable!("a full disk is called so: {error:?}"),
        }
        is_as_before(&place, &dump);
        refused += 1;
    }
    assert!(refused > 0, "it didn't need more space");
    arrived(&place);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_migrations_at_once_one_is_made() {
    for place in Place::both() {
        let place = filled(place).await;
        let runtime = tokio::runtime::Handle::current();
        let migrate = || {
            let _entered = runtime.enter();
            place.open(NEW, Migration::Apply { allow_data_loss: true })
        };
        let outcomes = std::thread::scope(|scope| {
            let threads = [scope.spawn(migrate), scope.spawn(migrate)];
            threads.map(|thread| match thread.join().expect("a thread") {
                Ok((engine, outcome)) => {
                    engine.close();
                    Some(outcome)
                }
                Err(OpenError::Locked { .. } | OpenError::Server { problem: ServerProblem::InUse, .. }) => None,
                Err(error) => unreachable!("the other one is waited for or named: {error:?}"),
            })
        });
        let migrated = outcomes.iter().filter(|outcome| matches!(outcome, Some(OpenOutcome::Migrated(_)))).count();
        assert_eq!(migrated, 1, "{}: {outcomes:?}", place.name());
        arrived(&place);
    }
}

/// Another process that has begun to write.
fn writing(options: &OpenOptions) -> Child {
    let Location::Directory(directory) = &options.location else { unreachable!("SQLite is in a directory") };
    let shell = &mut Command::new("sqlite3");
    let mut shell = started(shell.arg(directory.join("backstay.db")).stdin(Stdio::piped()).stdout(Stdio::piped()));
    let input = shell.stdin.as_mut().expect("piped");
    writeln!(input, "BEGIN IMMEDIATE; UPDATE p SET n = 5 WHERE n = 1; SELECT 'begun';").expect("a statement");
    let mut line = String::new();
    BufReader::new(shell.stdout.take().expect("piped")).read_line(&mut line).expect("a line");
    assert_eq!(line, "begun\n");
    shell
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_migration_beside_another_writer_is_refused_or_sees_what_it_wrote() {
    let place = filled(Place::sqlite()).await;
    let dump = place.dump();
    let mut shell = writing(&place.options);
    let refused = place.open(NEW, Migration::Apply { allow_data_loss: true }).expect_err("the database is in use");
    assert!(matches!(refused, OpenError::Locked { .. }), "{refused:?}");
    is_as_before(&place, &dump);
    writeln!(shell.stdin.as_mut().expect("piped"), "COMMIT;\n.exit").expect("a statement");
    shell.wait().expect("it ends");
    assert_ne!(place.dump(), dump);
    place.applied(NEW);
    arrived(&place);
    let numbers = place.records(NEW, ("Page", "number")).await;
    assert_eq!(numbers, r#"{"items":[{"number":"5"},{"number":"2"}],"next":null}"#);
}
