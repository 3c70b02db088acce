//! Import and export: formats, encodings, what is refused and where, imports that end early, and whole applications.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use crate::support::App;

/// An application with two shelves.
fn shelves() -> App {
    let app = App::new();
    app.write("shelves.csv", "code\nlow\nhigh\n");
    assert_eq!(app.run(&["import", "Shelf", "shelves.csv"]).done(), "2 records created\n");
    app
}

fn books(app: &App, format: &str) -> String {
    app.run(&["export", "Book", "--format", format, "--select", "number,title,shelf{code}"]).done()
}

#[test]
fn a_table_is_imported_and_what_was_found_is_shown() {
    let app = shelves();
    app.write("books.csv", "number;title;shelf.code\r\n1;\"Emma; or\";low\r\n2;\"Say \"\"hi\"\"\";high\r\n");
    let ended = app.run(&["import", "books", "books.csv"]);
    assert_eq!(ended.err, "books.csv: CSV, UTF-8, delimiter `;`, columns number, title, shelf.code\n");
    assert_eq!(ended.done(), "2 records created\n");
    assert_eq!(
        books(&app, "ndjson"),
        "{\"number\":1,\"title\":\"Emma; or\",\"shelf\":{\"code\":\"low\"}}\n\
         {\"number\":2,\"title\":\"Say \\\"hi\\\"\",\"shelf\":{\"code\":\"high\"}}\n"
    );
    assert_eq!(
        books(&app, "csv"),
        "number,title,shelf\r\n1,Emma; or,\"{\"\"code\"\":\"\"low\"\"}\"\r\n2,\"Say \"\"hi\"\"\",\"{\"\"code\"\":\"\"high\"\"}\"\r\n"
    );
}

#[test]
fn an_export_that_has_lost_records_is_refused() {
    let app = App::empty();
    app.write("model/all.graphql", "extend schema @app(name: \"Tags\")\ntype Tag { name: String! }");
    app.write("tags.csv", "name\na\nb\n");
    app.run(&["import", "Tag", "tags.csv"]).done();
    app.run(&["export", "--all", "out"]).done();
    let whole = fs::read_to_string(app.path().join("out/Tag.ndjson")).expect("the export");
    let first = whole.lines().next().expect("a record").to_owned();
    app.write("out/Tag.ndjson", &format!("{first}\n"));
    let refused = app.run(&["import", "--all", "out"]).refused();
    assert!(refused.contains("it counts 2 records in out/Tag.ndjson, which has 1"), "{refused}");
}

#[test]
fn a_row_refers_to_one_before_it() {
    let app = App::empty();
    app.write(
        "model/all.graphql",
        "extend schema @app(name: \"Folders\")\ntype Folder { name: String! @unique parent: Folder }",
    );
    app.write("folders.csv", "name,parent.name\na,\nb,a\nc,b\nd,nobody\ne,c\n");
    let ended = app.run(&["import", "Folder", "folders.csv", "--on-error", "skip"]);
    assert!(ended.err.contains("folders.csv:5: parent: there is no Folder with this name"), "{}", ended.err);
    assert_eq!(ended.out, "4 records created, 1 refused (folders.csv.errors.ndjson)\n");
    let exported = app.run(&["export", "Folder", "--select", "name,parent{name}", "--format", "ndjson"]).done();
    assert_eq!(
        exported,
        "{\"name\":\"a\",\"parent\":null}\n{\"name\":\"b\",\"parent\":{\"name\":\"a\"}}\n\
         {\"name\":\"c\",\"parent\":{\"name\":\"b\"}}\n{\"name\":\"e\",\"parent\":{\"name\":\"c\"}}\n"
    );
}

/// Batches are decoded ahead, and have 16,000 rows.
#[test]
fn a_row_refers_to_one_of_the_batch_before_it() {
    let app = App::empty();
    app.write(
        "model/all.graphql",
        "extend schema @app(name: \"Folders\")\ntype Folder { name: String! @unique parent: Folder }",
    );
    let row = |number: usize| match number {
        1 => "f1,\n".to_owned(),
        // One that is refused ends no batch, and one of a later batch is found in neither.
        15990 => "f15990,f16003\n".to_owned(),
        15991 => "f15991,f15989\n".to_owned(),
        number => format!("f{number},f{}\n", number - 1),
    };
    let rows: String = (1..=16010).map(row).collect();
    app.write("folders.csv", &format!("name,parent.name\n{rows}"));
    let ended = app.run(&["import", "Folder", "folders.csv", "--on-error", "skip"]);
    assert!(ended.err.contains("folders.csv:15991: parent: there is no Folder with this name"), "{}", ended.err);
    assert_eq!(ended.out, "16009 records created, 1 refused (folders.csv.errors.ndjson)\n");
    let last = app.run(&["export", "Folder", "--filter", "name == 'f16001'", "--select", "name,parent{name}"]).done();
    assert_eq!(last, "{\"name\":\"f16001\",\"parent\":{\"name\":\"f16000\"}}\n");
}

#[test]
fn files_in_other_encodings_and_formats_are_read() {
    let check = |name: &str, bytes: &[u8], options: &[&str]| {
        let app = shelves();
        fs::write(app.path().join(name), bytes).expect("a file");
        assert_eq!(app.run(&[&["import", "Book", name], options].concat()).done(), "1 record created\n", "{name}");
        let exported = books(&app, "ndjson");
        assert_eq!(exported, "{\"number\":1,\"title\":\"Ümma\",\"shelf\":{\"code\":\"low\"}}\n", "{name}");
    };
    let table = "number,title,shelf.code\n1,Ümma,low\n";
    let utf16 = |bytes: fn(u16) -> [u8; 2]| {
        "\u{FEFF}".encode_utf16().chain(table.encode_utf16()).flat_map(bytes).collect::<Vec<u8>>()
    };
    check("a.csv", format!("\u{FEFF}{table}").as_bytes(), &[]);
    check("a.csv", &utf16(u16::to_le_bytes), &[]);
    check("a.csv", &utf16(u16::to_be_bytes), &[]);
    check("a.csv", b"number,title,shelf.code\n1,\xDCmma,low\n", &["--encoding", "latin1"]);
    check("a.csv", "1|Ümma|low\n".as_bytes(), &["--columns", "number,title,shelf.code", "--delimiter", "|"]);
    check(
        "a.csv",
        "No,Ümlaut,x,y\n1,Ümma,low,?\n".as_bytes(),
        &["--map", "No=number", "--map", "Ümlaut=title", "--map", "x=shelf.code", "--map", "y="],
    );
    let record = "{\"number\": 1, \"title\": \"Ümma\", \"shelf\": {\"code\": \"low\"}}";
    check("a.ndjson", format!("{record}\n").as_bytes(), &[]);
    check("a.json", format!("[\n{record}\n]").as_bytes(), &[]);
    check("a.json", format!("{record}\n").as_bytes(), &[]);
}

#[test]
fn what_can_not_be_read_is_refused() {
    let app = shelves();
    let check = |name: &str, text: &str, expected: &str| {
        app.write(name, text);
        let refused = app.run(&["import", "Book", name]).refused();
        let problem = refused.lines().find(|line| line.starts_with("error: ")).unwrap_or_default();
        assert_eq!(problem, format!("error: {name}{expected}"), "{refused}");
    };
    check("a.csv", "", " has no rows, not even a header");
    check(
        "b.csv",
        "1,Emma,low\n",
        ": the first row doesn't name the fields of Book: 1: unknown field `1`; Emma: unknown field `Emma`; low: unknown field `low`",
    );
    check(
        "c.csv",
        "number,titel\n1,Emma\n",
        ": the first row doesn't name the fields of Book: titel: unknown field `titel`; did you mean `title`?",
    );
    check(
        "d.csv",
        "number,title\n1,\"Emma\n2,Ivanhoe\n",
        ": line 2: the quote that begins a cell here is never closed",
    );
    check(
        "e.csv",
        "number,title,shelf.code\n1,Emma\n",
        ":2: the row has 2 cells, the header 3 columns; put a cell that contains the delimiter in quotes, or choose the delimiter with --delimiter",
    );
    check(
        "f.csv",
        "number,title,shelf.code\n1,Em\"ma,low\n",
        ":2: cell 2: a quote stands in a cell that doesn't begin with one; correct the line",
    );
    check("g.json", "[{\"number\": 1}", ": line 1: the array ends too early; the file is not complete");
    check("h.ndjson", "{\"number\": \"x\"}\n", ":1: number: expected a whole number, such as 42");
    check(
        "i.ndjson",
        "{\"number\": 1, \"title\": \"A title of more than twenty\", \"shelf\": {\"code\": \"low\"}}\n",
        ":1: title: at most 20 characters",
    );
    check(
        "j.ndjson",
        "{\"number\": 1, \"title\": \"x\", \"shelf\": {\"code\": \"low\"}, \"version\": 0}\n",
        ":1: version: a number from 1 to 4611686018427387903",
    );
    check(
        "k.ndjson",
        "{\"number\": 1, \"title\": \"x\", \"shelf\": {\"code\": \"low\"}, \"createdAt\": null}\n",
        ":1: createdAt: a value is required",
    );
    let refused = app.run(&["import", "Bok", "b.csv"]).refused();
    assert!(refused.contains("error: the model has no type `Bok`\n  help: did you mean Book?"), "{refused}");
    app.write("a.dat", "x");
    let refused = app.run(&["import", "Book", "a.dat"]).refused();
    assert_eq!(
        refused,
        "error: the name of a.dat doesn't show a format\n  help: name the format with --format json, ndjson or csv\n"
    );
    assert_eq!(books(&app, "json"), "[]\n");
}

#[test]
fn refused_records_are_skipped_and_listed() {
    let app = shelves();
    let row = |number: u32| match number % 3 {
        0 => format!("{number},A title of more than twenty,low\n"),
        1 => format!("{number},Book {number},low\n"),
        _ => format!("x{number},Book {number},lo\n"),
    };
    let rows = (1..=3000).map(row).collect::<Vec<_>>().concat();
    app.write("books.csv", &format!("number,title,shelf.code\n{rows}"));
    let ended = app.run(&["import", "Book", "books.csv", "--on-error", "skip"]);
    assert_eq!(ended.code, Some(1));
    assert_eq!(ended.out, "1000 records created, 2000 refused (books.csv.errors.ndjson)\n");
    assert_eq!(ended.err.lines().count(), 12, "{}", ended.err);
    assert!(ended.err.ends_with("… and 1990 more, in books.csv.errors.ndjson\n"), "{}", ended.err);
    let errors = fs::read_to_string(app.path().join("books.csv.errors.ndjson")).expect("the errors");
    assert_eq!(errors.lines().count(), 2000);
    let first: Vec<&str> = errors.lines().take(2).collect();
    assert_eq!(
        first,
        [
            "{\"error\":\"shelf: there is no Shelf with this code; number: expected a whole number, such as 42\",\"line\":3}",
            "{\"error\":\"title: at most 20 characters\",\"line\":4}",
        ]
    );
    assert_eq!(books(&app, "ndjson").lines().count(), 1000);
}

/// Of an array, the line on which each begins, and which it is if several do.
#[test]
fn records_of_an_array_are_told_apart() {
    let app = shelves();
    let check = |text: &str, expected: [&str; 2]| {
        app.write("books.json", text);
        let ended = app.run(&["import", "Book", "books.json", "--on-error", "skip"]);
        assert_eq!(ended.code, Some(1), "{}", ended.err);
        let errors = fs::read_to_string(app.path().join("books.json.errors.ndjson")).expect("the errors");
        assert_eq!(errors.lines().collect::<Vec<_>>(), expected, "{text}");
    };
    let book = |number: &str, title: &str| format!("{{\"number\":{number},{title}\"shelf\":{{\"code\":\"low\"}}}}");
    let title = "\"title\":\"Emma\",";
    let (of_b, of_c) = ("number: expected a whole number, such as 42", "title: a value is required");
    let [a, b, c] = [book("1", title), book("\"x\"", title), book("2", "")];
    let told = |line: u32, record: &str, error: &str| format!("{{\"error\":\"{record}{error}\",\"line\":{line}}}");
    check(&format!("[\n  {a},\n  {b},\n  {c}\n]"), [&told(3, "", of_b), &told(4, "", of_c)]);
    let a = book("7", title);
    check(&format!("[{a},{b},{c}]"), [&told(1, "record 2: ", of_b), &told(1, "record 3: ", of_c)]);
}

#[test]
fn an_import_that_stops_goes_on_where_it_was() {
    let app = shelves();
    let file = |third: &str| {
        format!("number,title,shelf.code\n1,Emma,low\n2,Ivanhoe,low\n{third},Persuasion,high\n4,Kim,low\n")
    };
    app.write("books.csv", &file("three"));
    let refused = app.run(&["import", "Book", "books.csv"]).refused();
    let expected = "error: books.csv:4: number: expected a whole number, such as 42\n  help: what is before it is imported (2 rows); \
                    correct it and import the file again, which goes on there, or skip what is refused with --on-error skip\n";
    assert!(refused.ends_with(expected), "{refused}");
    // What was imported before counts.
    let refused = app.run(&["import", "Book", "books.csv"]).refused();
    assert!(refused.ends_with(expected), "{refused}");
    app.write("books.csv", &file("3"));
    let ended = app.run(&["import", "Book", "books.csv"]);
    assert!(ended.err.ends_with("books.csv: going on after 2 rows\n"), "{}", ended.err);
    assert_eq!(ended.done(), "2 records created\n");
    // It has ended, so that the next one begins anew.
    let again = app.run(&["import", "Book", "books.csv"]).refused();
    assert!(again.contains("error: books.csv:2: another Book has this number"), "{again}");
    app.write("books.csv", &file("3").replace("Emma", "Anna"));
    let updated = app.run(&["import", "Book", "books.csv", "--update", "number"]).done();
    assert_eq!(updated, "0 records created, 1 updated, 3 unchanged\n");
}

#[test]
fn the_moment_of_the_last_change_increases_whatever_the_clock_says() {
    let app = shelves();
    let book = |title: &str, more: &str| {
        format!("{{\"number\":1,\"title\":\"{title}\",\"shelf\":{{\"code\":\"low\"}}{more}}}\n")
    };
    app.write("books.ndjson", &book("Emma", ",\"updatedAt\":\"2099-01-01T00:00:00Z\""));
    app.run(&["import", "Book", "books.ndjson"]).done();
    app.write("again.ndjson", &book("Emma, again", ""));
    assert_eq!(
        app.run(&["import", "Book", "again.ndjson", "--update", "number"]).done(),
        "0 records created, 1 updated\n"
    );
    let changed = app.run(&["export", "Book", "--select", "title,updatedAt"]).done();
    assert_eq!(changed, "{\"title\":\"Emma, again\",\"updatedAt\":\"2099-01-01T00:00:00.000001Z\"}\n");
}

#[test]
fn a_file_that_changed_where_it_is_imported_is_refused() {
    let app = shelves();
    app.write("books.csv", "number,title,shelf.code\n1,Emma,low\nx,Kim,low\n");
    app.run(&["import", "Book", "books.csv"]).refused();
    app.write("books.csv", "number,title,shelf.code\n2,Emma,low\n3,Kim,low\n");
    let refused = app.run(&["import", "Book", "books.csv"]).refused();
    assert!(
        refused.contains("error: books.csv has changed in its first 1 records, which are already imported\n"),
        "{refused}"
    );
    assert_eq!(app.run(&["import", "Book", "books.csv", "--restart"]).done(), "2 records created\n");
}

#[test]
fn a_dry_run_writes_nothing() {
    let app = shelves();
    app.write("books.csv", "number,title,shelf.code\n1,Emma,low\n2,A title of more than twenty,low\n");
    let ended = app.run(&["import", "Book", "books.csv", "--dry-run", "--on-error", "skip"]);
    assert_eq!(
        (ended.code, ended.out.as_str()),
        (Some(1), "1 record would be created, 1 refused (books.csv.errors.ndjson)\n")
    );
    assert_eq!(books(&app, "ndjson"), "");
}

#[test]
fn an_import_that_is_killed_creates_nothing_twice() {
    let app = shelves();
    let rows = (0..40_000).map(|number| format!("{number},Book {number},low\n")).collect::<Vec<_>>().concat();
    app.write("books.csv", &format!("number,title,shelf.code\n{rows}"));
    let mut created = 0;
    for millis in [300, 700, 1100] {
        let mut child = app
            .command(&["import", "Book", "books.csv"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("starts");
        std::thread::sleep(std::time::Duration::from_millis(millis));
        // If it has ended by now, there is nothing to go on with.
        if child.try_wait().expect("a process").is_some() {
            created = 40_000;
            break;
        }
        child.kill().expect("killed");
        child.wait().expect("ended");
    }
    if created == 0 {
        // 1: it was killed after it had forgotten its place, which it does when it is done.
        let again = app.run(&["import", "Book", "books.csv"]);
        assert!(matches!(again.code, Some(0 | 1)), "{}", again.err);
    }
    let exported = app.run(&["export", "Book", "--select", "number"]).done();
    let mut numbers: Vec<&str> = exported.lines().collect();
    assert_eq!(numbers.len(), 40_000);
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers.len(), 40_000);
}

#[test]
fn an_import_that_is_killed_lists_each_refused_row_once() {
    let app = shelves();
    // Two of three rows are refused: one can't be read, one has the number of another book.
    let row = |number: u32| match number % 3 {
        0 => format!("{number},Book {number},low\n"),
        1 => format!("x{number},Book {number},low\n"),
        _ => "0,Again,low\n".to_owned(),
    };
    let rows = (0..2400).map(row).collect::<Vec<_>>().concat();
    app.write("books.csv", &format!("number,title,shelf.code\n{rows}"));
    let arguments = ["import", "Book", "books.csv", "--on-error", "skip"];
    for millis in [300, 500, 700, 900] {
        let mut child =
            app.command(&arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program starts");
        std::thread::sleep(std::time::Duration::from_millis(millis));
        let has_ended = child.try_wait().expect("a process").is_some();
        // One that has ended can't be killed.
        let _ = child.kill();
        child.wait().expect("ended");
        if has_ended {
            break;
        }
    }
    // After one that ended by itself, this one begins anew, and every row is refused.
    let again = app.run(&arguments);
    assert!(matches!(again.code, Some(0 | 1)), "{}", again.err);
    let errors = fs::read_to_string(app.path().join("books.csv.errors.ndjson")).expect("the errors");
    let line = |text: &str| {
        let (_, line) = text.rsplit_once("\"line\":").expect("a line");
        line.trim_end_matches('}').parse::<u32>().expect("a number")
    };
    let listed: Vec<u32> = errors.lines().map(line).filter(|line| (line - 2) % 3 != 0).collect();
    let expected: Vec<u32> = (2..2402).filter(|line| (line - 2) % 3 != 0).collect();
    let missing: Vec<&u32> = expected.iter().filter(|line| !listed.contains(line)).collect();
    assert_eq!((listed.len(), missing), (expected.len(), Vec::new()));
    assert_eq!(books(&app, "ndjson").lines().count(), 800);
}

#[test]
fn more_refused_rows_than_are_told_at_once_are_all_listed() {
    let app = shelves();
    app.write("one.csv", "number,title,shelf.code\n0,Emma,low\n");
    app.run(&["import", "Book", "one.csv"]).done();
    let rows = (1..=70).map(|number| format!("0,Again,low\nx,Kim,low\n{number},Book,low\n")).collect::<Vec<_>>();
    app.write("books.csv", &format!("number,title,shelf.code\n{}", rows.concat()));
    let ended = app.run(&["import", "Book", "books.csv", "--on-error", "skip"]);
    assert_eq!(ended.out, "70 records created, 140 refused (books.csv.errors.ndjson)\n");
    let errors = fs::read_to_string(app.path().join("books.csv.errors.ndjson")).expect("the errors");
    assert_eq!(errors.lines().count(), 140);
}

#[test]
fn a_file_of_errors_that_can_not_be_written_ends_the_import_and_misses_nothing() {
    let app = shelves();
    app.write("books.csv", "number,title,shelf.code\n1,Emma,low\nx,Kim,low\n3,Ivanhoe,low\n");
    let refused = app.run(&["import", "Book", "books.csv", "--on-error", "skip", "--errors", "/dev/full"]).refused();
    assert!(refused.ends_with("error: cannot write /dev/full: the disk is full\n"), "{refused}");
    let ended = app.run(&["import", "Book", "books.csv", "--on-error", "skip"]);
    assert!(ended.out.ends_with("1 refused (books.csv.errors.ndjson)\n"), "{}{}", ended.out, ended.err);
    let errors = fs::read_to_string(app.path().join("books.csv.errors.ndjson")).expect("the errors");
    assert_eq!(errors, "{\"error\":\"number: expected a whole number, such as 42\",\"line\":3}\n");
    assert_eq!(books(&app, "ndjson").lines().count(), 2);
    // It is opened before anything is imported.
    app.write("more.csv", "number,title,shelf.code\n4,Emma,low\n");
    let refused = app.run(&["import", "Book", "more.csv", "--on-error", "skip", "--errors", "no/errors"]).refused();
    assert!(refused.contains("error: cannot write no/errors: "), "{refused}");
    assert_eq!(books(&app, "ndjson").lines().count(), 2);
}

#[test]
fn an_amount_and_its_currency_are_one_column() {
    let app = App::empty();
    app.write("model/all.graphql", "extend schema @app(name: \"Books\")\ntype Book { title: String!  price: Money }");
    app.write("a.csv", "title,price.amount\nEmma,12.50\n");
    let refused = app.run(&["import", "Book", "a.csv"]).refused();
    let remedy =
        "name the column price and write both in its cells, as JSON: {\"amount\": \"9.99\", \"currency\": \"EUR\"}\n";
    assert!(refused.contains(remedy), "{refused}");
    app.write(
        "b.csv",
        "title,price\nEmma,12.50 EUR\nKim,\"{\"\"amount\"\": \"\"9.99\"\", \"\"currency\"\": \"\"EUR\"\"}\"\n",
    );
    assert_eq!(app.run(&["import", "Book", "b.csv"]).done(), "2 records created\n");
}

#[test]
fn columns_without_a_name_are_refused_unless_they_are_left_out() {
    let app = shelves();
    app.write("books.csv", "number,title,shelf.code,,\n1,Emma,low,,\n");
    assert_eq!(
        app.run(&["import", "Book", "books.csv"]).refused(),
        "error: books.csv: column 4 has no name\n  help: name it in the first row, or leave out all columns without a name \
         with --map =\n"
    );
    assert_eq!(app.run(&["import", "Book", "books.csv", "--map", "="]).done(), "1 record created\n");
}

#[test]
fn an_export_is_imported_into_an_empty_database_only() {
    let app = shelves();
    app.run(&["export", "--all", "out"]).done();
    let refused = app.run(&["import", "--all", "out"]).refused();
    assert!(
        refused.starts_with("error: Shelf has records already, and an export is imported as a whole\n"),
        "{refused}"
    );
    assert!(refused.contains("name an empty database with --data"), "{refused}");
}

#[test]
fn an_export_that_is_ended_or_killed_leaves_nothing_that_stays() {
    let app = shelves();
    let rows = (0..20_000).map(|number| format!("{number},Book {number},low\n")).collect::<Vec<_>>().concat();
    app.write("books.csv", &format!("number,title,shelf.code\n{rows}"));
    app.run(&["import", "Book", "books.csv"]).done();
    let part = app.path().join("out.csv.part");
    let export = || app.command(&["export", "Book", "out.csv"]).stderr(Stdio::null()).spawn().expect("starts");
    for signal in ["TERM", "KILL"] {
        let mut child = export();
        // Until it has begun; if it is complete before it is looked at, there is nothing to end.
        while !part.exists() && child.try_wait().expect("a process").is_none() {
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        let _ = std::process::Command::new("kill").args(["-s", signal, &child.id().to_string()]).status();
        let ended = child.wait().expect("ended");
        match (signal, ended.code()) {
            ("TERM", Some(1)) => assert!(!part.exists() && !app.path().join("out.csv").exists()),
            ("KILL", None) => fs::write(&part, "what was left").expect("a file"),
            (_, code) => assert_eq!(code, Some(0)),
        }
    }
    app.run(&["export", "Book", "out.csv"]).done();
    assert_eq!(fs::read_to_string(app.path().join("out.csv")).expect("the export").lines().count(), 20_001);
    assert!(!part.exists());
}

#[test]
fn a_running_server_imports_and_exports() {
    let app = shelves();
    let server = app.serve();
    let rows = (0..1200).map(|number| format!("{number},Book {number},low\n")).collect::<Vec<_>>().concat();
    app.write("books.csv", &format!("number,title,shelf.code\n{rows}x,y,low\n"));
    let ended = app.run(&["import", "Book", "books.csv", "--on-error", "skip"]);
    assert_eq!(ended.out, "1200 records created, 1 refused (books.csv.errors.ndjson)\n");
    assert_eq!(server.get("/api/books?count=true&limit=1")["count"]["value"], 1200);
    app.run(&["export", "Book", "out.csv"]).done();
    let exported = fs::read_to_string(app.path().join("out.csv")).expect("the export");
    assert_eq!(exported.lines().count(), 1201);
    assert_eq!(server.stop(), Some(0));
    app.run(&["export", "Book", "again.csv"]).done();
    assert_eq!(fs::read_to_string(app.path().join("again.csv")).expect("the export"), exported);
}

#[test]
fn formulas_are_guarded_and_come_back() {
    let app = shelves();
    app.write("a.ndjson", "{\"number\": -1, \"title\": \"=HYPERLINK(1)\", \"shelf\": {\"code\": \"low\"}}\n{\"number\": 2, \"title\": \"'+x\", \"shelf\": {\"code\": \"low\"}}\n");
    app.run(&["import", "Book", "a.ndjson"]).done();
    let guarded = app.run(&["export", "Book", "--format", "csv", "--select", "number,title"]).done();
    assert_eq!(guarded, "number,title\r\n-1,'=HYPERLINK(1)\r\n2,''+x\r\n");
    let kept = app.run(&["export", "Book", "--format", "csv", "--select", "number,title", "--formulas", "keep"]).done();
    assert_eq!(kept, "number,title\r\n-1,=HYPERLINK(1)\r\n2,'+x\r\n");
    app.write("b.csv", &guarded);
    assert_eq!(app.run(&["import", "Book", "b.csv", "--update", "number"]).done(), "0 records created, 2 unchanged\n");
}

const EVERYTHING: &str = r#"
extend schema @app(name: "Everything")

enum Role @roles { EDITOR } # lint-ignore unused-role (granted nowhere)
enum State { DRAFT @initial @to(state: "DONE") DONE }

union Target = Note | Tag
union Block = Quote | Teaser

type Address @embedded { street: String city: String! @default(to: "Bern") }
type Quote @embedded { text: String! }
type Teaser @embedded { note: Note! }

type Person @identity @allow(read: "true") { email: Email! @unique name: String }

type Tag @allow(read: "true", create: "true") { name: String! @unique notes: [Note!] @inverse(field: "tags") }

type Folder @allow(read: "true", create: "true") @tree(parent: "parent") { name: String! parent: Folder }

type Settings @single @allow(read: "true", update: "true") { title: String! @default(to: "x") start: Note }

type Counter @key(type: INT) @allow(read: "true", create: "true") { label: String! next: Counter }

type Code @key(type: TEXT) @allow(read: "true", create: "true") { label: String! }

type Note
  @allow(read: "true", create: "true", update: "true")
  @history(read: "true") {
  title: String!
  number: Int @sequence
  slug: String @slug(from: "title")
  state: State!
  level: Int @default(to: 3)
  price: Money
  rate: Decimal @precision(digits: 10, scale: 4)
  ratio: Float
  due: Date
  at: DateTime
  took: Duration
  raw: JSON
  bytes: Bytes
  where: Address
  words: [String!]
  blocks: [Block!]
  about: Target
  author: Person
  code: Code
  best: Note
  tags: [Tag!]
  folder: Folder
  changes: Int @computed(is: "this.level + 1")
}
"#;

/// The files of a directory, by name.
fn files(directory: &Path) -> Vec<(String, String)> {
    let entry = |entry: fs::DirEntry| {
        let name = entry.file_name().to_string_lossy().into_owned();
        (name, fs::read_to_string(entry.path()).expect("a file"))
    };
    let mut files: Vec<_> =
        fs::read_dir(directory).expect("a directory").map(|found| entry(found.expect("an entry"))).collect();
    files.sort();
    files
}

#[test]
fn a_whole_application_comes_back_byte_for_byte() {
    let app = App::empty();
    app.write("model/all.graphql", EVERYTHING);
    app.write("in/Person.ndjson", "{\"email\": \"ada@x.example\", \"name\": \"Ada\"}\n");
    let tags = (0..1_200).map(|number| format!("{{\"name\": \"tag {number}\"}}\n")).collect::<Vec<_>>().concat();
    app.write("in/Tag.ndjson", &tags);
    app.write("in/Folder.ndjson", "{\"id\": \"01890a5d-ac96-774b-bcce-b302099a8001\", \"name\": \"top\"}\n{\"name\": \"below\", \"parent\": \"01890a5d-ac96-774b-bcce-b302099a8001\"}\n");
    app.write("in/Code.ndjson", "{\"id\": \"a-1\", \"label\": \"A\"}\n");
    app.write("in/Counter.ndjson", "{\"id\": 7, \"label\": \"seven\"}\n{\"label\": \"eight\", \"next\": 7}\n");
    let linked: Vec<String> = (0..1_200).rev().map(|number| format!("{{\"name\": \"tag {number}\"}}")).collect();
    let notes = [
        "{\"id\": \"01890a5d-ac96-774b-bcce-b302099a8057\", \"title\": \"First\", \"level\": null, \"price\": {\"amount\": \"12.50\", \"currency\": \"EUR\"}}".to_owned(),
        format!(
            "{{\"title\": \"Second\", \"state\": \"DONE\", \"rate\": \"1.5\", \"ratio\": 1e-7, \"due\": \"2026-02-28\", \"at\": \"2026-02-28T12:00:00Z\", \
             \"took\": \"PT5M\", \"raw\": {{\"b\": [1.50, \"=x\", null], \"a\": \"\\u00fc\"}}, \"bytes\": \"AAEC\", \"where\": {{\"street\": \"x\\ny\"}}, \
             \"words\": [\"a\", \"\"], \"blocks\": [{{\"__typename\": \"Quote\", \"text\": \"q\"}}, {{\"__typename\": \"Teaser\", \"note\": \
             \"01890a5d-ac96-774b-bcce-b302099a8057\"}}], \"about\": {{\"__typename\": \"Tag\", \"name\": \"tag 3\"}}, \"author\": \
             {{\"email\": \"ada@x.example\"}}, \"code\": \"a-1\", \"best\": \"01890a5d-ac96-774b-bcce-b302099a8057\", \"tags\": [{}]}}",
            linked.join(",")
        ),
    ];
    app.write("in/Note.ndjson", &format!("{}\n", notes.join("\n")));
    app.write("in/Settings.ndjson", "{\"title\": \"Ours\", \"start\": \"01890a5d-ac96-774b-bcce-b302099a8057\"}\n");
    for name in ["Person", "Tag", "Folder", "Code", "Counter", "Note", "Settings"] {
        app.run(&["import", name, &format!("in/{name}.ndjson")]).done();
    }
    // A record that has changed since it was created.
    app.write("in/level.csv", "number,rate\n1,2.5\n");
    assert_eq!(
        app.run(&["import", "Note", "in/level.csv", "--update", "number"]).done(),
        "0 records created, 1 updated\n"
    );
    app.run(&["export", "--all", "one"]).done();
    let one = files(&app.path().join("one"));
    assert_eq!(
        one.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(),
        [
            "Code.ndjson",
            "Counter.ndjson",
            "Folder.ndjson",
            "Note.ndjson",
            "Person.ndjson",
            "Settings.ndjson",
            "Tag.ndjson",
            "manifest.json",
        ]
    );
    let note = &one[3].1;
    assert!(note.contains("\"level\":null,\"price\":{\"amount\":\"12.50\",\"currency\":\"EUR\"}"), "{note}");
    assert_eq!(note.matches("{\"id\":").count(), 2 + 1_200, "{note}");

    let other = App::empty();
    other.write("model/all.graphql", EVERYTHING);
    let from = app.path().join("one").display().to_string();
    assert_eq!(other.run(&["import", "--all", &from]).done(), "1209 records imported\n");
    other.run(&["export", "--all", "two"]).done();
    for (one, two) in one.iter().zip(files(&other.path().join("two"))) {
        assert_eq!(*one, two);
    }
    // Numbers go on after those that were imported.
    other.write("in/Note.ndjson", "{\"title\": \"Third\"}\n");
    other.run(&["import", "Note", "in/Note.ndjson"]).done();
    let numbers = other.run(&["export", "Note", "--select", "number"]).done();
    assert_eq!(numbers, "{\"number\":1}\n{\"number\":2}\n{\"number\":3}\n");
    // What is there already isn't imported twice.
    let again = other.run(&["import", "--all", &from]).refused();
    assert!(again.contains("has records already, and an export is imported as a whole"), "{again}");
}

#[test]
fn a_whole_application_is_imported_without_what_is_refused() {
    let model = |checks: &str| {
        format!(
            "extend schema @app(name: \"Notes\")\n\
             type Note @allow(read: \"true\") {checks} {{ id: ID!  title: String!  next: Note  pin: String! @class(is: SECRET) }}\n\
             type Long @allow(read: \"true\") {{ id: ID!  a: Text @length(max: 8000000)  b: Text @length(max: 8000000) }}\n"
        )
    };
    let app = App::empty();
    app.write("model/m.graphql", &model(""));
    let note = |number: u32, title: &str, next: &str| {
        format!(
            "{{\"id\":\"01890a5d-ac96-774b-bcce-b302099a800{number}\",\"title\":\"{title}\",\"next\":{next},\"pin\":\"1\"}}\n"
        )
    };
    let first = "\"01890a5d-ac96-774b-bcce-b302099a8001\"";
    app.write("Note.ndjson", &[note(1, "", "null"), note(2, "two", first), note(3, "three", "null")].concat());
    app.run(&["import", "Note", "Note.ndjson"]).done();
    // More than a request can have.
    let half = "x".repeat(5_000_000);
    app.write("Long.ndjson", &format!("{{\"a\":\"{half}\",\"b\":\"{half}\"}}\n"));
    app.run(&["import", "Long", "Long.ndjson"]).done();
    let exported = app.run(&["export", "--all", "one"]);
    let warning = "warning: Note.pin is required, and no export has secrets: `import --all` refuses these records; \
                   `backstay backup` keeps them\n";
    assert!(exported.err.contains(warning), "{}", exported.err);

    let other = App::empty();
    let checked =
        model("@check(rule: \"this.title != ''\", message: \"no title\")").replace("pin: String!", "pin: String");
    other.write("model/m.graphql", &checked);
    let from = app.path().join("one").display().to_string();
    let refused = other.run(&["import", "--all", &from]).refused();
    assert!(refused.contains("Note.ndjson:1: no title\n"), "{refused}");
    let imported = other.run(&["import", "--all", &from, "--on-error", "skip"]);
    assert!(
        imported.out.contains("2 records imported, 2 refused: see the files `*.errors.ndjson` in "),
        "{} {}",
        imported.out,
        imported.err
    );
    let errors =
        |part: &str| fs::read_to_string(app.path().join(format!("one/Note{part}.errors.ndjson"))).expect("errors");
    assert_eq!(errors(""), "{\"error\":\"no title\",\"line\":1}\n");
    assert!(errors(".relations").ends_with(",\"line\":2}\n"), "{}", errors(".relations"));
    let titles = other.run(&["export", "Note", "--select", "title,next"]).done();
    assert_eq!(titles, "{\"title\":\"two\",\"next\":null}\n{\"title\":\"three\",\"next\":null}\n");
}

#[test]
fn a_directory_is_exported_into_only_if_it_is_empty() {
    let app = shelves();
    app.write("out/x", "");
    let refused = app.run(&["export", "--all", "out"]).refused();
    assert_eq!(refused, "error: out is not empty\n  help: name a directory that is empty or doesn't exist\n");
    app.write("some/Shelf.ndjson", "");
    let refused = app.run(&["import", "--all", "some"]).refused();
    assert!(refused.starts_with("error: cannot read some/manifest.json: "), "{refused}");
}

/// Runs `docs/importing-and-exporting.md`: its model, its files and its commands, which print what it says.
#[test]
fn the_guide_is_true() {
    let guide = include_str!("../../../../docs/importing-and-exporting.md");
    let (app, mut said) = (App::empty(), "");
    for (place, part) in guide.split("```").enumerate() {
        if place % 2 == 0 {
            said = part;
            continue;
        }
        let (kind, text) = part.split_once('\n').expect("a block");
        match kind {
            "graphql" => app.write("model/library.graphql", text),
            "console" => text.split("$ ").skip(1).for_each(|step| run_step(&app, step)),
            _ => {
                let mut names = said.split('`').filter(|name| name.ends_with(&format!(".{kind}")));
                app.write(names.next_back().expect("a name"), text);
            }
        }
    }
}

fn run_step(app: &App, step: &str) {
    let (command, expected) = step.split_once('\n').expect("a command and its output");
    let mut arguments: Vec<String> = vec![String::new()];
    let mut quoted = false;
    for character in command.chars() {
        match character {
            '\'' => quoted = !quoted,
            ' ' if !quoted => arguments.push(String::new()),
            other => arguments.last_mut().expect("an argument").push(other),
        }
    }
    let arguments: Vec<&str> = arguments.iter().skip(1).map(String::as_str).collect();
    let ended = app.run(&arguments);
    let printed = format!("{}{}", ended.err, ended.out).replace("\r\n", "\n").replace("everything/", "");
    assert_eq!(printed, expected, "{command}");
}
