//! What can be wrong with the data directory, and what is said then.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use crate::support::App;

fn sqlite(app: &App, statement: &str) {
    let database = app.data().join("backstay.db");
    let status = Command::new("sqlite3").arg(database).arg(statement).status().expect("sqlite3 runs");
    assert!(status.success());
}

#[test]
fn the_data_is_its_owners_alone() {
    let app = App::new();
    let server = app.serve();
    let mode = |name: &str| fs::metadata(app.data().join(name)).expect("it is there").permissions().mode() & 0o777;
    assert_eq!((mode("."), mode("backstay.db"), mode("backstay.sock")), (0o700, 0o600, 0o600));
    let second = app.run(&["serve", ".", "--listen", "127.0.0.1:0"]).refused();
    assert!(second.contains("another Backstay uses the database"), "{second}");
    drop(server);
    // The socket of a server that was killed is left behind, and does no harm.
    assert!(app.data().join("backstay.sock").exists());
    app.run(&["operator", "list"]).done();
    app.serve();
}

#[test]
fn what_is_not_ours_is_left_alone() {
    let app = App::new();
    fs::create_dir(app.data()).expect("a directory");
    sqlite(&app, "CREATE TABLE theirs (x)");
    let before = fs::read(app.data().join("backstay.db")).expect("a file");
    let refused = app.run(&["operator", "list"]).refused();
    assert!(refused.contains("is the database of another program"), "{refused}");
    assert_eq!(fs::read(app.data().join("backstay.db")).expect("a file"), before);

    fs::write(app.data().join("backstay.db"), [7; 8192]).expect("a file");
    let refused = app.run(&["operator", "list"]).refused();
    assert!(refused.contains("is damaged or not a database"), "{refused}");
}

#[test]
fn a_newer_format_is_refused() {
    let app = App::new();
    app.run(&["key", "add", "importer"]).done();
    sqlite(&app, "PRAGMA user_version = 99");
    let refused = app.run(&["operator", "list"]).refused();
    assert!(refused.contains("was written by a newer Backstay"), "{refused}");
}

#[test]
fn a_directory_that_cannot_be_made_or_written() {
    let app = App::new();
    app.write("file", "");
    let refused = app.run(&["key", "add", "importer", "--data", "file/below"]).refused();
    assert!(refused.contains("the data directory file/below cannot be made"), "{refused}");

    let locked = app.path().join("locked");
    fs::create_dir(&locked).expect("a directory");
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o500)).expect("a mode");
    if fs::write(locked.join("probe"), "").is_ok() {
        return; // The superuser may write everywhere.
    }
    let refused = app.run(&["key", "add", "importer", "--data", "locked"]).refused();
    assert!(refused.contains("locked"), "{refused}");
}

#[test]
fn a_path_that_is_too_long_for_a_socket() {
    let app = App::new();
    let data = "d".repeat(120);
    let refused = app.run(&["operator", "list", "--data", &data]).refused();
    assert!(refused.contains("too long for a socket") && refused.contains("--data"), "{refused}");
}

#[test]
fn a_full_disk_ends_with_words_and_keeps_what_was_stored() {
    let app = App::with_books(9000);
    // A limit on the size of files stands for the full disk. Without the trap the process would be killed.
    let script = format!("trap '' XFSZ; ulimit -f 2000; exec {} seed", env!("CARGO_BIN_EXE_backstay"));
    let output = Command::new("sh").args(["-c", &script]).current_dir(app.path()).output().expect("sh runs");
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("error: "), "{told}");
    app.run(&["seed"]).done();
    let server = app.serve();
    assert_eq!(server.get("/api/books?count=true&limit=1")["count"]["value"], 9000);
}
