//! Backups and restores, with and without a server.

use std::fs;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::support::{App, Server};

const ANYONE: &str = r#"
extend schema @app(name: "Notes")
type Note @allow(read: "true", create: "true") { # lint-ignore open-write (a test)
  number: Int!
  text: Text!
}
"#;

fn notes() -> App {
    let app = App::empty();
    app.write("model/notes.graphql", ANYONE);
    app
}

fn add(server: &Server, number: u32, text: &str) -> bool {
    let body = format!("{{\"number\": {number}, \"text\": \"{text}\"}}");
    server.ask("POST", "/api/notes", None, &body).0 == 201
}

fn count(server: &Server) -> u64 {
    server.get("/api/notes?count=true&limit=1")["count"]["value"].as_u64().expect("a number")
}

/// An output without its times.
fn timeless(text: &str) -> String {
    let mut words: Vec<String> = Vec::new();
    for word in text.split(' ') {
        let is_time = word.len() >= 20 && word.starts_with("20") && word.contains('T');
        words.push(if is_time {
            format!("TIME{}", word.find('\n').map_or("", |at| &word[at..]))
        } else {
            word.to_owned()
        });
    }
    words.join(" ")
}

#[test]
fn a_backup_is_the_same_with_and_without_a_server() {
    let app = App::seeded();
    app.run(&["seed"]).done();
    let made = app.run(&["backup", "one.db"]).done();
    let (head, rest) = made.split_once(", ").expect("its size");
    assert_eq!(head, "backed up Shelf to APP/one.db: 6 records");
    let (_, rest) = rest.split_once(" KiB, ").expect("its size");
    assert!(rest.starts_with("up to change "), "{made}");
    let told = "It was read back and is whole. Keep the application's own files with it: they aren't in it.\n";
    assert!(rest.ends_with(told), "{made}");
    let server = app.serve();
    let again = app.run(&["backup", "two.db"]).done();
    assert_eq!(again.replace("two.db", "one.db"), made);
    let refused = app.run(&["backup", "two.db"]).refused();
    assert_eq!(refused, "error: APP/two.db already exists\n  help: choose another name, or remove that file\n");
    let answer: serde_json::Value =
        serde_json::from_str(&app.run(&["backup", ".", "--format", "json"]).done()).expect("JSON");
    assert_eq!((&answer["answer"], &answer["records"]), (&"backed-up".into(), &6.into()));
    let file = answer["file"].as_str().expect("a path").replace("APP", &app.path().display().to_string());
    assert!(file.contains("/backstay-20") && fs::metadata(file).is_ok(), "{answer}");
    let elsewhere = app.run(&["backup", "missing/two.db"]).refused();
    assert_eq!(elsewhere, "error: cannot write APP/missing/two.db: there is no such file or directory\n");
    let refused = app.run(&["restore", "one.db"]).refused();
    assert_eq!(
        refused,
        "error: cannot restore a backup over the database in ./.backstay while a server uses it\n  help: stop the server first\n"
    );
    assert_eq!(server.stop(), Some(0));
    let one = ["one.db", "two.db"].map(|name| fs::read(app.path().join(name)).expect("a backup"));
    assert_eq!(one[0].len(), one[1].len());
}

#[test]
fn a_restore_brings_back_what_was_there() {
    let app = notes();
    let server = app.serve();
    assert!(add(&server, 1, "one") && add(&server, 2, "two"));
    app.run(&["key", "add", "importer"]).done();
    app.run(&["backup", "two.db"]).done();
    assert!(add(&server, 3, "three"));
    assert_eq!(server.stop(), Some(0));
    let restored = app.run(&["restore", "two.db"]).done();
    let (head, rest) = restored.split_once('\n').expect("lines");
    assert_eq!(timeless(head), "restored Notes from APP/two.db: 2 records, up to change 3 of TIME");
    let (before, after) = rest.split_once("before-restore-").expect("the database before");
    assert_eq!(before, "The previous database is in ./.backstay/");
    let kept = app.data().join(format!("before-restore-{}", &after[..15]));
    assert!(after[15..].starts_with(". Delete that directory"), "{after}");
    let server = app.serve();
    assert_eq!(count(&server), 2);
    assert!(add(&server, 4, "four"));
    assert_eq!(server.stop(), Some(0));
    assert!(app.run(&["key", "list"]).done().contains("importer"));
    let before = app.run(&["restore", &kept.join("backstay.db").display().to_string(), "--format", "json"]).done();
    let before: serde_json::Value = serde_json::from_str(&before).expect("JSON");
    assert_eq!((&before["answer"], &before["records"], &before["steps"]), (&"restored".into(), &3.into(), &0.into()));
    assert_eq!(count(&app.serve()), 3);
}

#[test]
fn a_backup_of_something_else_is_refused() {
    let (app, other) = (notes(), App::seeded());
    other.run(&["seed"]).done();
    let file = app.path().join("other.db").display().to_string();
    other.run(&["backup", &file]).done();
    let refused = app.run(&["restore", "other.db"]).refused();
    let expected = "error: APP/other.db is a backup of the application Shelf, but this one is Notes\n  help: nothing was \
                    changed; if this is what you want, add --any-application\n";
    assert_eq!(refused, expected);
    app.run(&["restore", "other.db", "--any-application"]).done();
    let differs = app.run(&["key", "list"]).refused();
    assert!(differs.contains("the database does not match the model"), "{differs}");
    fs::write(app.path().join("text.db"), "no database at all").expect("a file");
    let refused = app.run(&["restore", "text.db"]).refused();
    assert!(refused.starts_with("error: APP/text.db is damaged or not a database: "), "{refused}");
    assert!(refused.ends_with("help: nothing was changed; use another backup\n"), "{refused}");
    let refused = notes().run(&["backup", "none.db"]).refused();
    assert!(refused.starts_with("error: there is no database in ./.backstay yet"), "{refused}");
}

/// Before a migration, the stored model isn't that of the files.
#[test]
fn a_backup_needs_no_matching_model() {
    let app = notes();
    app.run(&["key", "add", "importer"]).done();
    app.write("model/notes.graphql", &ANYONE.replace("text: Text!", "text: Text!\n  more: Text"));
    app.run(&["backup", "before.db"]).done();
    let restored = app.run(&["restore", "before.db"]).done();
    assert!(restored.ends_with("Its model differs from the present one; see `backstay migrate plan`.\n"), "{restored}");
    app.write("model/notes.graphql", "type");
    app.run(&["backup", "broken.db"]).done();
}

#[test]
fn a_backup_that_ends_early_leaves_no_backup() {
    let app = notes();
    let server = app.serve();
    let text = "x".repeat(100_000);
    for number in 0..100 {
        assert!(add(&server, number, &text));
    }
    for wait in [0, 2, 5, 10, 20, 40] {
        let mut client = app.command(&["backup", "killed.db"]).stdout(Stdio::null()).spawn().expect("it starts");
        std::thread::sleep(Duration::from_millis(wait));
        client.kill().expect("killed");
        client.wait().expect("ended");
        assert_eq!(count(&server), 100, "the server goes on");
        // Killed late, the command may have been done.
        drop(fs::remove_file(app.path().join("killed.db")));
    }
    drop(server);
    let mut killed = app.command(&["backup", "alone.db"]).spawn().expect("it starts");
    std::thread::sleep(Duration::from_millis(10));
    killed.kill().expect("killed");
    killed.wait().expect("ended");
    if app.path().join("alone.db").exists() {
        fs::remove_file(app.path().join("alone.db")).expect("removed");
    }
    app.run(&["backup", "alone.db"]).done();
    assert!(!app.path().join("alone.db.part").exists());
}

#[test]
fn a_full_disk_leaves_no_backup() {
    let app = notes();
    let server = app.serve();
    let text = "x".repeat(100_000);
    for number in 0..60 {
        assert!(add(&server, number, &text));
    }
    assert_eq!(server.stop(), Some(0));
    fs::create_dir(app.path().join("disk")).expect("a directory");
    let program = env!("CARGO_BIN_EXE_backstay");
    let script = format!(
        "mount -t tmpfs -o size=4m tmpfs disk && ({program} backup disk/a.db 2> told; {program} restore {db} --data disk/data \
         2>> told; ls disk disk/data > left)",
        db = "whole.db"
    );
    app.run(&["backup", "whole.db"]).done();
    let output = Command::new("unshare").args(["-Umr", "sh", "-c", &script]).current_dir(app.path()).output();
    if !output.is_ok_and(|output| output.status.success()) {
        eprintln!("this system does not allow mounting in a user namespace; skipped");
        return;
    }
    let told = fs::read_to_string(app.path().join("told")).expect("what was told");
    let told = told.replace(&app.path().display().to_string(), "APP");
    let expected = "error: cannot write APP/disk/a.db: the disk is full\nerror: cannot write \
                    disk/data/backstay.db.restoring: the disk is full\n";
    assert_eq!(told, expected);
    let left = fs::read_to_string(app.path().join("left")).expect("what was left");
    assert_eq!(left, "disk:\ndata\n\ndisk/data:\nbackstay.lock\n");
}

#[test]
fn the_log_is_shown_verified_and_pruned() {
    let app = notes();
    let server = app.serve();
    for number in 0..10 {
        assert!(add(&server, number, &format!("the text of {number}")));
    }
    let shown = app.run(&["log", "show", "--limit", "1", "--format", "json"]).done();
    let shown: serde_json::Value = serde_json::from_str(&shown).expect("JSON");
    let entry = &shown["entries"][0];
    assert_eq!(
        (&entry["change"], &entry["caller"], &entry["transaction"]),
        (&10.into(), &"ANONYMOUS".into(), &"create".into())
    );
    let change = &entry["changes"][0];
    assert_eq!((&change["act"], &change["version"]), (&"create".into(), &1.into()));
    assert!(change["fields"].as_array().expect("names").contains(&"text".into()), "{change}");
    let record = change["record"].as_str().expect("a record");
    assert!(record.starts_with("Note/"), "{record}");
    let of_record = app.run(&["log", "show", "--record", record]).done();
    assert!(of_record.starts_with("10  ") && of_record.lines().count() == 2, "{of_record}");
    let since = app.run(&["log", "show", "--since", "3", "--limit", "2"]).done();
    assert!(since.starts_with("3  ") && since.contains("\n4  ") && !since.contains("\n5  "), "{since}");
    assert_eq!(app.run(&["log", "show", "--record", "Note/1"]).done(), "no entries\n");

    let told = app.run(&["log", "verify"]).done();
    let root = told.lines().last().expect("a root").to_owned();
    assert!(root.starts_with("10:") && root.len() == 67, "{told}");
    assert_eq!(app.run(&["log", "prune", "--keep", "1h"]).done(), "nothing to prune in the commit log\n");
    assert_eq!(app.run(&["log", "prune", "--max-mib", "0"]).done(), "removed 9 entries from the commit log\n");
    assert!(add(&server, 10, "the text of 10"));
    let told = app.run(&["log", "verify", "--against", &root]).done();
    assert!(told.starts_with("11 entries in the commit log up to "), "{told}");
    assert!(told.contains(", the first 9 of them pruned, all others whole\n"), "{told}");
    let other = format!("10:{}", "0".repeat(64));
    let refused = app.run(&["log", "verify", "--against", &other]).refused();
    assert!(refused.starts_with("error: the first 10 entries of the commit log are not what they were: "), "{refused}");
    let refused = app.run(&["log", "verify", "--against", &other.replace("10:", "7:")]).refused();
    let expected = "error: the root of 7 entries isn't known: the log has 11 entries, and 9 of them were pruned\n";
    assert!(refused.starts_with(expected), "{refused}");
    // A backup of a pruned log is whole.
    app.run(&["backup", "pruned.db"]).done();
    assert_eq!(server.stop(), Some(0));
    app.run(&["restore", "pruned.db"]).done();
    app.run(&["log", "verify", "--against", &root]).done();
    assert_eq!(app.run(&["log", "prune"]).code, Some(2));
}

#[test]
fn the_server_prunes_the_log_as_the_settings_say() {
    let app = notes();
    let server = app.serve();
    for number in 0..30 {
        assert!(add(&server, number, &"long ".repeat(20_000)));
    }
    assert_eq!(server.stop(), Some(0));
    app.write("backstay.toml", "[data]\nlog_mib = 1\n");
    let server = app.serve();
    let mut told = String::new();
    for _ in 0..500 {
        told = app.run(&["log", "verify"]).done();
        if told.contains(", the first 20 of them pruned") {
            break;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    // Each entry has 100 kB.
    assert!(told.contains(", the first 20 of them pruned"), "{told}");
    let log = server.stop_for_log();
    assert!(log.iter().any(|line| line["message"] == "pruned the commit log" && line["entries"] == 20), "{log:?}");
}

/// Pruned in the middle or not at all: each step is one transaction.
#[test]
fn a_server_that_is_killed_while_it_prunes_leaves_a_whole_log() {
    let app = notes();
    let server = app.serve();
    let body: Vec<String> = (0..50).map(|number| format!("{{\"number\": {number}, \"text\": \"t\"}}")).collect();
    for _ in 0..60 {
        for one in body.iter().take(20) {
            assert_eq!(server.ask("POST", "/api/notes", None, one).0, 201);
        }
    }
    let root = app.run(&["log", "verify"]).done();
    let root = root.lines().last().expect("a root").to_owned();
    let mut client = app.command(&["log", "prune", "--max-mib", "0"]).stdout(Stdio::null()).spawn().expect("it starts");
    std::thread::sleep(Duration::from_millis(30));
    drop(server);
    client.wait().expect("it ends");
    app.run(&["log", "verify", "--against", &root]).done();
    app.run(&["log", "prune", "--max-mib", "0"]).done();
    app.run(&["log", "verify", "--against", &root]).done();
}
