//! Seed files: what they may say, how a refused record is named, and that nothing is loaded twice.

use std::process::Stdio;
use std::time::Duration;

use crate::support::App;

#[test]
fn relations_are_named_by_unique_fields() {
    let app = App::seeded();
    assert_eq!(app.run(&["seed"]).done(), "6 records loaded\n");
    assert_eq!(app.run(&["seed", "."]).done(), "0 records loaded\n");
    let explained = app.run(&["role", "list", "ada@shelf.example"]).done();
    assert_eq!(explained, "LIBRARIAN\n");
}

#[test]
fn a_refused_record_is_named_by_file_and_line() {
    let check = |line: &str, expected: &str| {
        let app = App::seeded();
        let good = "{\"number\": 8, \"title\": \"Good\", \"shelf\": {\"code\": \"low\"}}\n";
        app.write("seed/Book.jsonl", &format!("{good}\n{line}\n"));
        let refused = app.run(&["seed"]).refused();
        let first = refused.lines().next().unwrap_or_default();
        assert_eq!(first, format!("error: seed/Book.jsonl:3: {expected}"), "{refused}");
        // What is before it is kept, and the load goes on from there when the line is mended.
        app.write("seed/Book.jsonl", &format!("{good}\n{}", good.replace('8', "9")));
        assert_eq!(app.run(&["seed"]).done(), "1 records loaded\n");
    };
    check("{\"number\": 9", "not JSON: EOF while parsing an object at character 11");
    check("{\"number\": 9, \"titel\": \"x\"}", "titel: unknown field 'titel'; did you mean 'title'?");
    check(
        "{\"number\": 9, \"title\": \"Emma\", \"shelf\": {\"code\": \"lo\"}}",
        "shelf: there is no Shelf with this code",
    );
    check(
        "{\"number\": 9, \"title\": \"Emma\", \"shelf\": {\"above\": null}}",
        "shelf: expected an id, or {\"code\": …}, which names one Shelf",
    );
    check(
        "{\"number\": 9, \"title\": \"A title of more than twenty\", \"shelf\": {\"code\": \"low\"}}",
        "title: at most 20 characters",
    );
    check("{\"number\": 8, \"title\": \"Again\", \"shelf\": {\"code\": \"low\"}}", "another Book has this number");
}

#[test]
fn files_that_fit_no_type() {
    let app = App::new();
    app.write("seed/Bok.jsonl", "");
    assert_eq!(
        app.run(&["seed"]).refused(),
        "error: seed/Bok.jsonl: there is no type of this name\n  help: did you mean Book.jsonl?\n"
    );
    let app = App::new();
    app.write("seed/Book.json", "");
    assert!(app.run(&["seed"]).refused().contains("seed/Book.json is not read"));
}

#[test]
fn changes_after_a_load_are_told_and_not_loaded() {
    let app = App::seeded();
    app.run(&["seed"]).done();
    app.write("seed/Shelf.jsonl", "{\"code\": \"other\"}\n");
    assert_eq!(
        app.run(&["seed"]).done(),
        "0 records loaded\nseed/Shelf.jsonl was changed after it was loaded; the changes are not loaded\n"
    );
}

#[test]
fn a_killed_load_goes_on_and_nothing_is_there_twice() {
    let app = App::with_books(9500);
    let mut killed = 0;
    for pause in [150, 400, 700, 300, 500, 900] {
        let mut child = app.command(&["seed"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
        std::thread::sleep(Duration::from_millis(pause));
        child.kill().expect("it can be killed");
        killed += i32::from(child.wait().expect("it ends").code().is_none());
    }
    assert!(killed > 0, "no load was cut off");
    app.run(&["seed"]).done();
    let server = app.serve();
    assert_eq!(server.get("/api/books?count=true&limit=1")["count"]["value"], 9500);
    assert_eq!(server.get("/api/books?number=9499")["items"][0]["title"], "Book 9499");
}

#[test]
fn a_load_that_is_asked_of_a_server_that_still_loads_waits_for_it() {
    let app = App::with_books(9500);
    let starting = app.start();
    while !app.data().join("backstay.sock").exists() {
        std::thread::sleep(Duration::from_millis(5));
    }
    let (first, second) = std::thread::scope(|scope| {
        let first = scope.spawn(|| app.run(&["seed"]));
        (app.run(&["seed"]), first.join().expect("the thread ends"))
    });
    let server = starting.listening();
    assert_eq!((first.done(), second.done()), ("0 records loaded\n".to_owned(), "0 records loaded\n".to_owned()));
    assert_eq!(server.get("/api/books?count=true&limit=1")["count"]["value"], 9500);
}

/// A commit, and its entry in the log, holds what a file of long records adds up to only in part.
#[test]
fn long_records_are_loaded_in_several_commits() {
    let app = App::seeded();
    app.write("model/essay.graphql", "type Essay @allow(read: \"true\") { text: Text! }\n");
    let line = format!("{{\"text\": \"{}\"}}\n", "x".repeat(100_000));
    app.write("seed/Essay.jsonl", &line.repeat(400));
    assert_eq!(app.run(&["seed"]).done(), "406 records loaded\n");
}
