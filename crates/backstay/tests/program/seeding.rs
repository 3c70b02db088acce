//! Seed files: what they may contain, how errors are reported, and that nothing is loaded twice.

use std::process::Stdio;
use std::time::Duration;

use crate::support::{App, MODEL};

#[test]
fn relations_are_named_by_unique_fields() {
    let app = App::seeded();
    assert_eq!(app.run(&["seed"]).done(), "6 records loaded\n");
    assert_eq!(app.run(&["seed", "."]).done(), "0 records loaded\n");
    let explained = app.run(&["role", "list", "ada@shelf.example"]).done();
    assert_eq!(explained, "LIBRARIAN\n");
}

#[test]
fn references_to_one_of_several_types_name_the_type() {
    let app = App::new();
    app.write(
        "model/links.graphql",
        "union Target = Page | Post\n\
         type Page @allow(read: \"true\") { slug: String! @unique }\n\
         type Post @allow(read: \"true\") { slug: String! @unique top: Link }\n\
         type Link @allow(read: \"true\") { label: String! @unique to: Target! other: Target }\n",
    );
    app.write("seed/Page.jsonl", "{\"slug\": \"about\"}\n");
    app.write("seed/Post.jsonl", "{\"slug\": \"news\", \"top\": {\"label\": \"a\"}}\n");
    let about = r#"{"__typename": "Page", "slug": "about"}"#;
    let news = r#"{"slug": "news", "__typename": "Post"}"#;
    let lines =
        format!("{{\"label\": \"a\", \"to\": {about}, \"other\": {news}}}\n{{\"label\": \"b\", \"to\": {news}}}\n");
    app.write(
        "seed/Link.jsonl",
        &format!("{lines}{{\"label\": \"c\", \"to\": {{\"__typename\": \"Page\", \"slug\": \"x\"}}}}\n"),
    );
    let refused = app.run(&["seed"]).refused();
    assert!(refused.starts_with("error: seed/Link.jsonl:3: to: there is no Page with this slug"), "{refused}");
    app.write("seed/Link.jsonl", &lines);
    assert_eq!(app.run(&["seed"]).code, Some(0));
    let server = app.serve();
    let links = server.get("/api/links?sort=label&select=label,to%7Bslug%7D,other%7Bslug%7D");
    let links: Vec<String> = links["items"].as_array().expect("links").iter().map(ToString::to_string).collect();
    assert_eq!(
        links,
        [
            r#"{"label":"a","other":{"__typename":"Post","slug":"news"},"to":{"__typename":"Page","slug":"about"}}"#,
            r#"{"label":"b","other":null,"to":{"__typename":"Post","slug":"news"}}"#,
        ]
    );
}

#[test]
fn references_in_documents_name_records_by_unique_fields() {
    let app = App::new();
    app.write(
        "model/site.graphql",
        "union Block = Quote | Teaser\n\
         type Quote @embedded { text: String! }\n\
         type Teaser @embedded { post: Post! }\n\
         type Link @embedded { label: String! to: Post }\n\
         type Page @allow(read: \"true\") { slug: String! @unique blocks: [Block!]! }\n\
         type Post @allow(read: \"true\") { slug: String! @unique related: [Link!] }\n",
    );
    let quote = r#"{"__typename": "Quote", "text": "x"}"#;
    let teaser = |slug: &str| format!(r#"{{"__typename": "Teaser", "post": {{"slug": "{slug}"}}}}"#);
    let page = |slug: &str| format!("{{\"slug\": \"home\", \"blocks\": [{quote}, {}]}}\n", teaser(slug));
    let related = r#"[{"label": "next", "to": {"slug": "b"}}]"#;
    app.write("seed/Post.jsonl", &format!("{{\"slug\": \"a\", \"related\": {related}}}\n{{\"slug\": \"b\"}}\n"));
    app.write("seed/Page.jsonl", &page("x"));
    let refused = app.run(&["seed"]).refused();
    assert!(
        refused.starts_with("error: seed/Page.jsonl:1: blocks/1/post: there is no Post with this slug"),
        "{refused}"
    );
    app.write("seed/Page.jsonl", &page("a"));
    assert_eq!(app.run(&["seed"]).code, Some(0));
    let server = app.serve();
    let posts = server.get("/api/posts?sort=slug")["items"].clone();
    assert_eq!(posts[0]["related"][0]["to"], posts[1]["id"]);
    assert_eq!(server.get("/api/pages")["items"][0]["blocks"][1]["post"], posts[0]["id"]);
}

#[test]
fn required_lists_of_documents_name_records_that_come_later() {
    for trash in ["", "@trash"] {
        let app = App::new();
        let model = format!(
            "type Link @embedded {{ to: Page! }}\n\
             type Page {trash} @allow(read: \"true\") {{ slug: String! @unique  links: [Link!]! @default(to: []) }}\n"
        );
        app.write("model/site.graphql", &model);
        let page = |slug: &str, to: &str| {
            format!("{{\"slug\": \"{slug}\", \"links\": [{{\"to\": {{\"slug\": \"{to}\"}}}}]}}\n")
        };
        app.write("seed/Page.jsonl", &[page("a", "b"), page("b", "b"), "{\"slug\": \"c\"}\n".to_owned()].concat());
        assert_eq!(app.run(&["seed"]).code, Some(0), "{trash}");
        let pages = app.serve().get("/api/pages?sort=slug")["items"].clone();
        let links = |page: usize| pages[page]["links"].clone();
        assert_eq!(links(0)[0]["to"], pages[1]["id"], "{trash}");
        assert_eq!(links(1)[0]["to"], pages[1]["id"], "{trash}");
        assert_eq!(links(2), serde_json::json!([]), "{trash}");
    }
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
        // The lines before it are kept, and the next load continues with the corrected line.
        app.write("seed/Book.jsonl", &format!("{good}\n{}", good.replace('8', "9")));
        assert_eq!(app.run(&["seed"]).done(), "1 record loaded\n");
    };
    check("{\"number\": 9", "the JSON ends too early (character 11); send all of it");
    check("{\"number\": 9, \"titel\": \"x\"}", "titel: unknown field `titel`; did you mean `title`?");
    check(
        "{\"number\": 9, \"title\": \"Emma\", \"shelf\": {\"code\": \"lo\"}}",
        "shelf: there is no Shelf with this code",
    );
    check(
        "{\"number\": 9, \"title\": \"Emma\", \"shelf\": {\"above\": null}}",
        "shelf: expected an id or {\"code\": …} of a Shelf",
    );
    check(
        "[{\"number\": 9}]",
        "expected one JSON object on each line, not an array; remove `[`, `]` and the commas between the records, or convert \
         the file with `jq -c '.[]'`",
    );
    check(
        "{\"number\": 9, \"title\": \"A title of more than twenty\", \"shelf\": {\"code\": \"low\"}}",
        "title: at most 20 characters",
    );
}

#[test]
fn a_refused_password_or_role_is_named_by_file_and_line() {
    let check = |members: &str, expected: &str| {
        let app = App::seeded();
        let good = "{\"email\": \"cy@shelf.example\", \"name\": \"Cy\"}\n";
        let line = format!("{{\"email\": \"di@shelf.example\", \"name\": \"Di\", {members}}}\n");
        app.write("seed/Person.jsonl", &format!("{good}{line}"));
        app.write("seed/Book.jsonl", "");
        let refused = app.run(&["seed"]).refused();
        assert!(refused.starts_with(&format!("error: seed/Person.jsonl:2: {expected}")), "{refused}");
        // The line before it is kept, and the next load continues with the corrected line.
        app.write("seed/Person.jsonl", &format!("{good}{}", good.replace("cy@", "di@")));
        assert_eq!(app.run(&["account", "show", "cy@shelf.example"]).code, Some(0));
        assert!(app.run(&["seed"]).done().starts_with("3 records loaded"), "di and two shelves");
        // A refused first line is the same.
        let app = App::seeded();
        app.write("seed/Person.jsonl", &line);
        let refused = app.run(&["seed"]).refused();
        assert!(refused.starts_with(&format!("error: seed/Person.jsonl:1: {expected}")), "{refused}");
    };
    check("\"$password\": \"short\"", "$password: at least 10 characters\n");
    check("\"$roles\": [\"LIBRARIANN\"]", "$roles");
    check("\"password\": \"a long password\"", "password: unknown field `password`; did you mean `$password`?");
    check("\"role\": \"LIBRARIAN\"", "role: unknown field `role`; did you mean `$roles`?");
}

const TAGS: &str =
    "type Tag @allow(read: \"true\", create: \"true\") { name: String @unique  number: Int  next: Tag }\n";

/// An application with these tags, created by requests, and no seed files yet.
fn with_tags(names: impl Iterator<Item = String>) -> App {
    let app = App::new();
    app.write("model/tag.graphql", TAGS);
    let server = app.serve();
    let tags: Vec<String> = names.map(|name| format!("{{\"name\": \"{name}\", \"number\": -1}}")).collect();
    for some in tags.chunks(1000) {
        assert_eq!(server.ask("POST", "/api/tags", None, &format!("[{}]", some.join(","))).0, 201);
    }
    assert_eq!(server.stop(), Some(0));
    app
}

#[test]
fn a_line_whose_record_exists_is_skipped() {
    let app = with_tags(["b", "d"].map(str::to_owned).into_iter());
    let lines =
        ["a", "b", "c", "d", "c"].map(|name| format!("{{\"name\": \"{name}\", \"next\": {{\"name\": \"d\"}}}}\n"));
    app.write("seed/Tag.jsonl", &lines.concat());
    assert_eq!(
        app.run(&["seed"]).done(),
        "2 records loaded\nseed/Tag.jsonl: 3 lines skipped because their records already exist (first line 2: another Tag \
         has this name)\n"
    );
    assert_eq!(app.run(&["seed"]).done(), "0 records loaded\n");
    let server = app.serve();
    let tags = server.get("/api/tags?sort=name&select=name,number,next%7Bname%7D");
    let tags: Vec<String> = tags["items"].as_array().expect("tags").iter().map(ToString::to_string).collect();
    assert_eq!(
        tags,
        [
            r#"{"name":"a","next":{"name":"d"},"number":null}"#,
            r#"{"name":"b","next":null,"number":-1}"#,
            r#"{"name":"c","next":{"name":"d"},"number":null}"#,
            r#"{"name":"d","next":null,"number":-1}"#,
        ],
        "what exists stays as it is"
    );
}

#[test]
fn a_server_starts_where_every_record_of_its_seed_exists() {
    let app = with_tags(["x"].map(str::to_owned).into_iter());
    app.write("seed/Tag.jsonl", "{\"name\": \"x\"}\n");
    let server = app.serve();
    assert_eq!(server.get("/api/tags?count=true")["count"]["value"], 1);
    let log = server.stop_for_log();
    let told = log.iter().find(|line| line["file"] == "Tag.jsonl" && line["level"] == "WARN").expect("a warning");
    assert_eq!((&told["lines"], &told["first"]), (&1.into(), &1.into()), "{told}");
    let log = app.serve().stop_for_log();
    assert!(!log.iter().any(|line| line["file"] == "Tag.jsonl"), "once is enough: {log:?}");
}

#[test]
fn an_account_that_exists_keeps_its_password_and_roles() {
    let app = App::seeded();
    let person = "{\"email\": \"eve@shelf.example\", \"name\": \"Eve\"";
    let lines = format!("{person}}}\n{person}, \"$password\": \"a long password\", \"$roles\": [\"LIBRARIAN\"]}}\n");
    app.write("seed/Person.jsonl", &lines);
    app.write("seed/Book.jsonl", "");
    assert!(
        app.run(&["seed"]).done().starts_with("3 records loaded\nseed/Person.jsonl: 1 line skipped because its record")
    );
    assert_eq!(app.run(&["role", "list", "eve@shelf.example"]).done(), "eve@shelf.example has no roles\n");
    assert!(app.run(&["account", "show", "eve@shelf.example"]).done().contains("password  none"));
}

#[test]
fn many_lines_are_skipped_wherever_they_are() {
    for (lines, step) in [(600, 1), (600, 2), (9000, 1000)] {
        let existing = || (0..lines).filter(|number| number % step == 0);
        let app = with_tags(existing().map(|number| number.to_string()));
        let line = |number| format!("{{\"name\": \"{number}\", \"number\": {number}}}\n");
        app.write("seed/Tag.jsonl", &(0..lines).map(line).collect::<String>());
        let skipped = existing().count();
        let told = app.run(&["seed"]).done();
        let expected = format!("{} records loaded\nseed/Tag.jsonl: {skipped} lines skipped", lines - skipped);
        assert!(told.starts_with(&expected), "{told}");
        let server = app.serve();
        assert_eq!(server.get("/api/tags?count=true&limit=1")["count"]["value"], lines);
        assert_eq!(server.get("/api/tags?count=true&limit=1&number=-1")["count"]["value"], skipped);
    }
}

#[test]
fn a_refused_line_after_skipped_ones_is_named() {
    let app = with_tags(["b"].map(str::to_owned).into_iter());
    let lines = "{\"name\": \"a\"}\n{\"name\": \"b\"}\n{\"name\": \"c\"}\n";
    app.write("seed/Tag.jsonl", &format!("{lines}{{\"nme\": \"d\"}}\n"));
    assert!(app.run(&["seed"]).refused().starts_with("error: seed/Tag.jsonl:4: nme: unknown field"));
    app.write("seed/Tag.jsonl", &format!("{lines}{{\"name\": \"d\"}}\n"));
    assert_eq!(app.run(&["seed"]).done(), "1 record loaded\n");
}

#[test]
fn files_that_fit_no_type() {
    let app = App::new();
    app.write("seed/Bok.jsonl", "");
    assert_eq!(
        app.run(&["seed"]).refused(),
        "error: seed/Bok.jsonl: the model has no type of that name\n  help: did you mean Book.jsonl?\n"
    );
    let app = App::new();
    app.write("seed/Book.json", "");
    assert!(app.run(&["seed"]).refused().contains("seed/Book.json would be ignored"));
}

#[test]
fn changes_after_a_load_are_told_and_not_loaded() {
    let app = App::seeded();
    app.run(&["seed"]).done();
    app.write("seed/Shelf.jsonl", "{\"code\": \"other\"}\n");
    assert_eq!(
        app.run(&["seed"]).done(),
        "0 records loaded\nseed/Shelf.jsonl has changed since it was loaded; the changes were not loaded: make them through \
         the API, or load all seed files anew: into a new data directory (--data), or after `backstay reset`, which deletes \
         all data\n"
    );
}

#[test]
fn a_type_that_comes_back_is_seeded_again() {
    let app = App::seeded();
    app.write("model/more.graphql", "type Box @allow(read: \"true\") { label: String! }");
    app.write("seed/Box.jsonl", "{\"label\": \"a\"}\n");
    assert!(app.run(&["seed"]).done().starts_with("7 records loaded\n"));
    for _ in 0..2 {
        app.write("model/more.graphql", "");
        std::fs::remove_file(app.path().join("seed/Box.jsonl")).expect("a file");
        app.run(&["migrate", "apply", "--allow-data-loss"]).done();
        assert!(app.run(&["seed"]).done().starts_with("0 records loaded\n"));
        app.write("model/more.graphql", "type Box @allow(read: \"true\") { label: String! }");
        app.write("seed/Box.jsonl", "{\"label\": \"a\"}\n");
        app.run(&["migrate", "apply"]).done();
        assert!(app.run(&["seed"]).done().starts_with("1 record loaded\n"));
    }
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
    assert!(killed > 0, "no load was interrupted");
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

/// A file of long records does not fit into one commit and its log entry.
#[test]
fn long_records_are_loaded_in_several_commits() {
    let app = App::seeded();
    app.write("model/essay.graphql", "type Essay @allow(read: \"true\") { text: Text! }\n");
    let line = format!("{{\"text\": \"{}\"}}\n", "x".repeat(100_000));
    app.write("seed/Essay.jsonl", &line.repeat(400));
    assert_eq!(app.run(&["seed"]).done(), "406 records loaded\n");
}

/// The samples of every scalar, as a seed's line writes them and as answers have them: see `scalars.md`.
const SAMPLES: &str = include_str!("../../../scalar/tests/scalars.md");

/// The scalar, its JSON and the answer of each sample.
fn samples() -> Vec<(&'static str, &'static str, &'static str)> {
    let (_, table) = SAMPLES.split_once("## Accepted\n").expect("the table");
    let table = table.split("\n## ").next().expect("the table's end");
    let row = |line: &'static str| {
        let cells: Vec<&str> = line.trim_start_matches("| ").trim_end_matches(" |").split(" | ").collect();
        (cells[0], cells[1].trim_matches('`'), cells[5].trim_matches('`'))
    };
    table.lines().filter(|line| line.starts_with("| ")).skip(1).map(row).collect()
}

/// The seed's part of `crates/engine/tests/ways_in.rs`.
#[test]
fn a_value_of_a_seed_is_the_same_as_one_that_is_sent() {
    let (app, samples) = (App::new(), samples());
    for (index, (scalar, json, _)) in samples.iter().enumerate() {
        let marks = format!("@path(is: \"sample{index}\") @allow(read: \"true\")");
        let model = format!("type Sample{index} {marks} {{ given: {scalar} }}\n");
        app.write(&format!("model/sample{index}.graphql"), &model);
        app.write(&format!("seed/Sample{index}.jsonl"), &format!("{{\"given\": {json}}}\n"));
    }
    assert_eq!(app.run(&["seed"]).done(), format!("{} records loaded\n", samples.len()));
    let server = app.serve();
    for (index, (scalar, json, answer)) in samples.iter().enumerate() {
        let page = server.get(&format!("/api/sample{index}?select=given"));
        let expected: serde_json::Value = serde_json::from_str(answer).expect("JSON");
        assert_eq!(page["items"][0]["given"], expected, "{scalar} {json}");
    }
}

/// Numbers of another system are kept, and Backstay goes on after them.
#[test]
fn a_seed_may_give_numbers() {
    let app = App::new();
    let model = "type Invoice @allow(read: \"true\") { year: Int! code: String @sequence(per: \"year\", format: \"{year}/{n:03}\") }\n";
    app.write("model/invoice.graphql", model);
    let lines = ["{\"year\": 2025, \"code\": \"2025/017\"}", "{\"year\": 2025}", "{\"year\": 2026}"];
    app.write("seed/Invoice.jsonl", &lines.join("\n"));
    assert_eq!(app.run(&["seed"]).done(), "3 records loaded\n");
    let server = app.serve();
    let page = server.get("/api/invoices?select=code");
    let codes = [&page["items"][0]["code"], &page["items"][1]["code"], &page["items"][2]["code"]];
    assert_eq!(codes, ["2025/017", "2025/018", "2026/001"]);
}

#[test]
fn the_file_of_a_renamed_type_is_not_loaded_again() {
    let app = App::seeded();
    app.run(&["seed"]).done();
    let model = MODEL.replace("Shelf @allow", "Rack @renamed(from: \"Shelf\") @allow").replace(": Shelf", ": Rack");
    app.write("model/shelf.graphql", &model);
    app.run(&["migrate", "apply"]).done();
    let refused = app.run(&["seed"]).refused();
    assert!(refused.contains("seed/Shelf.jsonl") && refused.contains("did you mean Rack.jsonl?"), "{refused}");
    std::fs::rename(app.path().join("seed/Shelf.jsonl"), app.path().join("seed/Rack.jsonl")).expect("a file");
    assert!(app.run(&["seed"]).done().starts_with("0 records loaded\n"));
    let server = app.serve();
    assert_eq!(server.get("/api/racks?count=true&limit=1")["count"]["value"], 2);
    drop(server);
    // A new type of the old name has a file of its own.
    app.write("model/new.graphql", "type Shelf @allow(read: \"true\") { code: String! @unique }");
    app.write("seed/Shelf.jsonl", "{\"code\": \"new\"}\n");
    let server = app.serve();
    assert_eq!(server.get("/api/shelfs?count=true")["count"]["value"], 1);
}

#[test]
fn the_file_of_a_type_with_one_record_has_one_line() {
    let app = App::seeded();
    app.write(
        "model/settings.graphql",
        "type Settings @single @allow(read: \"true\") { title: String! @default(to: \"A\") best: Book }\n",
    );
    app.write("seed/Settings.jsonl", "\n{\"title\": \"B\", \"best\": {\"number\": 1}}\n{\"title\": \"C\"}\n");
    let refused = app.run(&["seed"]).refused();
    let told = "error: seed/Settings.jsonl:3: the type has exactly one record, which an earlier line gives its values";
    assert_eq!(refused.lines().next(), Some(told), "{refused}");
    app.write("seed/Settings.jsonl", "\n{\"title\": \"B\", \"best\": {\"number\": 1}}\n");
    assert_eq!(app.run(&["seed"]).done(), "0 records loaded\n");
    let explained = app.run(&["explain", "GET /api/settings?select=title", "--as", "ada@shelf.example"]).done();
    assert!(explained.contains("\"B\"") || explained.contains("allowed"), "{explained}");
}

/// Nobody gives the record of a type with one record its first values.
#[test]
fn a_type_with_one_record_needs_defaults_that_its_checks_accept() {
    let app = App::seeded();
    let check = "@check(rule: \"this.n > 5\", message: \"more than five\")";
    app.write(
        "model/settings.graphql",
        &format!("type Settings @single @allow(read: \"true\") {{ n: Int! @default(to: 1) {check} }}\n"),
    );
    let refused = app.run(&["seed"]).refused();
    assert!(
        refused.starts_with("error: the one record of Settings can't be created from the defaults of its fields: "),
        "{refused}"
    );
    assert!(refused.contains("help: give the fields defaults"), "{refused}");
}

/// Parents and their children are in different files, so what they must be together shows when all are loaded.
#[test]
fn checks_at_commit_are_asked_when_all_files_are_loaded() {
    let app = App::empty();
    let model = r#"
extend schema @app(name: "Books")
type Entry @allow(read: "true") @check(rule: "this.postings.sum(p, p.n) == this.total", message: "it adds up", on: COMMIT) {
  name: String! @unique
  total: Int!
  postings: [Posting!] @inverse(field: "entry")
}
type Posting @allow(read: "true") { entry: Entry!, n: Int! }"#;
    app.write("model/books.graphql", model);
    app.write("seed/Entry.jsonl", "{\"name\": \"rent\", \"total\": 3}\n{\"name\": \"food\", \"total\": 0}\n");
    let posting = |n: u8| format!("{{\"entry\": {{\"name\": \"rent\"}}, \"n\": {n}}}\n");
    app.write("seed/Posting.jsonl", &posting(1));
    let refused = app.run(&["seed"]).refused();
    assert!(refused.starts_with("error: seed: Entry "), "{refused}");
    assert!(refused.lines().next().is_some_and(|line| line.ends_with(": it adds up")), "{refused}");
    assert!(refused.contains("add lines with what is missing at the end of a file and load again"), "{refused}");
    assert!(app.run(&["seed"]).refused().contains("it adds up"), "it isn't forgotten");
    app.write("seed/Posting.jsonl", &[posting(1), posting(2)].concat());
    assert_eq!(app.run(&["seed"]).done(), "1 record loaded\n");
    assert_eq!(app.run(&["seed"]).done(), "0 records loaded\n");
}

/// An application that includes a pack with seed files.
fn with_pack() -> App {
    let app = App::empty();
    let model = "extend schema @app(name: \"Press\") @pack(name: \"tags\", binds: [{name: \"Thing\", to: \"Post\"}])\n\
                 type Post @allow(read: \"true\") { title: String! @unique, tag: Tag }\n\
                 type User @identity @allow(read: \"true\") { email: Email! @unique }\n";
    app.write("model/press.graphql", model);
    let pack = "extend schema @manifest(name: \"tags\", version: \"1.0\")\n\
                type Tag @allow(read: \"true\") { name: String! @unique, kind: Kind! }\n\
                type Kind @allow(read: \"true\") { name: String! @unique }\n\
                type Thing @allow(read: \"true\") { title: String! @unique }\n\
                type Person @identity { email: Email! @unique }\n";
    app.write("packs/tags/tags.graphql", pack);
    app.write("packs/tags/seed/Tag.jsonl", "{\"name\": \"new\", \"kind\": {\"name\": \"time\"}}\n");
    app.write("packs/tags/seed/Kind.jsonl", "{\"name\": \"time\"}\n");
    app
}

#[test]
fn records_of_packs_come_before_those_of_the_application() {
    let app = with_pack();
    app.write("packs/other/o.graphql", "type Post { x: Int }");
    app.write("packs/other/seed/Post.jsonl", "{\"title\": \"not included\"}\n");
    app.write("seed/Post.jsonl", "{\"title\": \"One\", \"tag\": {\"name\": \"new\"}}\n");
    // Also of a type that the application doesn't define.
    app.write("seed/Tag.jsonl", "{\"name\": \"old\", \"kind\": {\"name\": \"time\"}}\n");
    assert_eq!(app.run(&["seed"]).done(), "4 records loaded\n");
    assert_eq!(app.run(&["seed"]).done(), "0 records loaded\n");
    app.write("packs/tags/seed/Kind.jsonl", "{\"name\": \"space\"}\n");
    let told = app.run(&["seed"]).done();
    assert!(told.contains("packs/tags/seed/Kind.jsonl has changed since it was loaded"), "{told}");
}

#[test]
fn a_pack_brings_records_of_its_own_types_alone() {
    for (name, remedy) in [
        ("Post", "a pack brings records of types that it defines, and no accounts"),
        ("Thing", "a pack brings records of types that it defines, and no accounts"),
        ("Person", "a pack brings records of types that it defines, and no accounts"),
        ("User", "a pack brings records of types that it defines, and no accounts"),
        ("Kin", "did you mean Kind.jsonl?"),
    ] {
        let app = with_pack();
        app.write(&format!("packs/tags/seed/{name}.jsonl"), "{}\n");
        let words = format!("packs/tags/seed/{name}.jsonl: the pack `tags` defines no type of that name");
        for arguments in [&["check"][..], &["seed"]] {
            let refused = app.run(arguments).refused();
            assert!(refused.contains(&words) && refused.contains(remedy), "{refused}");
        }
    }
}

/// What was there before has its own story: it may be older than the check.
#[test]
fn checks_at_commit_are_asked_of_what_a_load_has_written() {
    let app = App::empty();
    let model = |check: &str| {
        format!(
            r#"
extend schema @app(name: "Books")
type Entry @allow(read: "true") {check} {{
  name: String! @unique
  total: Int!
  note: Note
  postings: [Posting!] @inverse(field: "entry")
  seal: Seal @inverse(field: "entry")
}}
type Posting @allow(read: "true") {{ key: String! @unique, entry: Entry!, n: Int!, lines: [Line!] @inverse(field: "posting"), sum: Int @computed(is: "this.lines.sum(l, l.n)", stored: COMMIT) }}
type Line @allow(read: "true") {{ posting: Posting! n: Int! }}
type Note @allow(read: "true") {{ name: String! @unique, entry: Entry }}
type Seal @allow(read: "true") {{ entry: Entry @unique, ok: Boolean! }}"#
        )
    };
    let check = "@check(rule: \"this.postings.sum(p, p.n) == this.total\", message: \"it adds up\", on: COMMIT) \
                 @check(rule: \"this.seal.ok\", message: \"it is sealed well\", on: COMMIT) \
                 @check(rule: \"this.postings.all(p, p.sum == null || p.sum < 5)\", message: \"small lines\", on: COMMIT)";
    app.write("model/books.graphql", &model(""));
    app.write("seed/Entry.jsonl", "{\"name\": \"old\", \"total\": 9}\n{\"name\": \"bare\", \"total\": 0}\n");
    assert_eq!(app.run(&["seed"]).done(), "2 records loaded\n");
    app.write("model/books.graphql", &model(check));
    app.run(&["migrate", "apply"]).done();
    let load = |file: &str, line: &str| {
        app.write(&format!("seed/{file}.jsonl"), &format!("{line}\n"));
        app.run(&["seed"])
    };
    // Nothing of this concerns the old entry.
    assert_eq!(load("Note", "{\"name\": \"n\", \"entry\": {\"name\": \"old\"}}").done(), "1 record loaded\n");
    let words = |ended: crate::support::Ended| {
        let told = ended.refused();
        told.lines().next().and_then(|line| line.rsplit(": ").next()).map(str::to_owned).unwrap_or_default()
    };
    // A child concerns its parent, whose own values are old.
    let posting = |key: &str, n: i8| format!("{{\"key\": \"{key}\", \"entry\": {{\"name\": \"bare\"}}, \"n\": {n}}}");
    assert_eq!(words(load("Posting", &posting("a", 1))), "it adds up");
    assert_eq!(load("Posting", &[posting("a", 1), posting("b", -1)].join("\n")).done(), "1 record loaded\n");
    // So does what counts in a sum of a child.
    let line = |n: i8| format!("{{\"posting\": {{\"key\": \"a\"}}, \"n\": {n}}}");
    assert_eq!(words(load("Line", &line(9))), "small lines");
    assert_eq!(load("Line", &[line(9), line(-9)].join("\n")).done(), "1 record loaded\n");
    assert_eq!(words(load("Seal", "{\"entry\": {\"name\": \"bare\"}, \"ok\": false}")), "it is sealed well");
}

/// What the model makes of a line: from JSON, from texts, in trees, of documents.
#[test]
fn seeds_are_given_what_the_model_gives() {
    let app = App::empty();
    let model = r#"
extend schema @app(name: "Shop")
type Shelf @tree(parent: "above") @allow(read: "true") { name: String! @unique, above: Shelf }
type Line @embedded { sku: String! @length(max: 3), extra: JSON }
type Product @allow(read: "true") {
  name: String! @unique
  data: JSON! @check(rule: "this.data['size'] > 0", message: "a size is more than zero")
  colour: String @default(from: "text(this.data['colour'])")
  title: String @set(on: WRITE, to: "this.name + ' (' + text(int(this.data['size'])) + ')'")
  words: [String!] @set(on: WRITE, to: "split(lower(this.name), ' ')")
  at: DateTime! @set(on: CREATE, to: "now") @check(rule: "this.at == this.createdAt", message: "one moment")
  shelf: Shelf
  lines: [Line!]
}"#;
    app.write("model/shop.graphql", model);
    app.write("seed/Shelf.jsonl", "{\"name\": \"Room\", \"above\": {\"name\": \"Hall\"}}\n{\"name\": \"Hall\"}\n");
    let lamp = |size: &str, sku: &str| {
        format!(
            "{{\"name\": \"Red Lamp\", \"data\": {{\"colour\": \"red\", \"size\": {size}}}, \"shelf\": {{\"name\": \"Room\"}}, \
             \"lines\": [{{\"sku\": \"{sku}\", \"extra\": {{\"w\": [1.5]}}}}]}}\n"
        )
    };
    for (line, refusal) in [
        (lamp("0", "a"), "error: seed/Product.jsonl:1: data: a size is more than zero"),
        (lamp("3.0", "abcd"), "error: seed/Product.jsonl:1: lines/0/sku: must have at most 3 characters"),
    ] {
        app.write("seed/Product.jsonl", &line);
        assert_eq!(app.run(&["seed"]).refused().lines().next(), Some(refusal));
    }
    app.write("seed/Product.jsonl", &lamp("3.0", "a"));
    assert_eq!(app.run(&["seed"]).done(), "1 record loaded\n");
    let server = app.serve();
    let select = "select=title,colour,words,lines,n=shelf{name}";
    for filter in ["shelf.ancestors.exists(a,a.name=='Hall')", "data['size']==3", "lines.exists(l,l.extra['w'][0]>1)"] {
        let page = server.get(&format!("/api/products?{select}&filter={}", filter.replace('>', "%3E")));
        let expected = serde_json::json!([{
            "title": "Red Lamp (3)", "colour": "red", "words": ["red", "lamp"],
            "lines": [{ "sku": "a", "extra": { "w": [1.5] } }], "n": { "name": "Room" },
        }]);
        assert_eq!(page["items"], expected, "{filter}");
    }
    assert_eq!(server.stop(), Some(0));
}
