//! `backstay check` reports all problems together, for people and for programs.

use std::path::Path;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{self, App, Server};

/// The output of `check --format json`.
fn found(app: &App) -> Vec<Value> {
    let ended = app.run(&["check", "--format", "json"]);
    let found: Value = serde_json::from_str(&ended.out).expect("JSON");
    let found = found["diagnostics"].as_array().expect("a list").clone();
    assert_eq!((ended.code, ended.err.as_str()), (Some(i32::from(!found.is_empty())), ""));
    found
}

#[test]
fn settings_are_told_to_programs_as_to_people() {
    let app = App::new();
    app.write("backstay.toml", "[server]\nlisen = 1\n\n[log]\nlevel = 'loud'\n");
    let place = |line: u32, column: u32| json!({"line": line, "column": column});
    assert_eq!(
        found(&app),
        [
            json!({
                "severity": "error", "code": null, "message": "unknown key `lisen` in [server]",
                "file": "backstay.toml", "start": place(2, 1), "end": place(2, 6), "label": null, "help": "did you mean `listen`?",
            }),
            json!({
                "severity": "error", "code": null,
                "message": "log.level must be one of \"error\", \"warn\", \"info\", \"debug\", \"trace\"",
                "file": "backstay.toml", "start": place(5, 9), "end": place(5, 15), "label": null, "help": null,
            }),
        ]
    );
}

/// An application with every kind of problem.
fn wrong() -> App {
    let app = App::new();
    app.write("backstay.toml", "[server]\nlisen = 1\n");
    app.write("model/shelf.graphql", &support::MODEL.replace("auth.id != null", "auth.ID != null"));
    app.write("model/b.gql", "");
    app.write("model/more/c.graphql", "");
    app.write("seed/Bok.jsonl", "");
    app.write("seed/Book.json", "");
    app.write("sead/Book.jsonl", "");
    app.write("Dockerfile", "FROM scratch");
    app
}

#[test]
fn nothing_that_is_wrong_hides_another() {
    let found = found(&wrong());
    let told: Vec<String> = found
        .iter()
        .map(|one| {
            let words = [&one["file"], &one["message"], &one["help"]];
            words.map(|word| word.as_str().unwrap_or("-").to_owned()).join(" | ")
        })
        .collect();
    let move_it = "rename it, or move it elsewhere";
    let expected = [
        "backstay.toml | unknown key `lisen` in [server] | did you mean `listen`?".to_owned(),
        "sead | ./sead would be ignored: Backstay reads `seed` | did you mean `seed`? if this file isn't \
         for Backstay, give it a less similar name"
            .to_owned(),
        format!("model/b.gql | ./model/b.gql would be ignored: names of model files end in .graphql | {move_it}"),
        format!("model/more | ./model/more would be ignored: subdirectories are not read | {move_it}"),
        format!(
            "seed/Book.json | ./seed/Book.json would be ignored: seed files are named after their type, such as \
             Post.jsonl | {move_it}"
        ),
        "seed/Bok.jsonl | seed/Bok.jsonl: the model has no type of that name | did you mean Book.jsonl?".to_owned(),
    ];
    assert_eq!(told[..told.len() - 1], expected);
    let last = found.last().expect("the rule");
    assert_eq!((&last["file"], &last["start"]["line"]), (&"model/shelf.graphql".into(), &6.into()), "{last}");
}

#[test]
fn people_are_told_all_of_it_too() {
    let app = wrong();
    let told = app.run(&["check"]).refused();
    for words in [
        "unknown key `lisen` in [server]",
        "error: ./sead would be ignored: Backstay reads `seed`\n  help: did you mean `seed`?",
        "error: ./model/b.gql would be ignored",
        "error: ./model/more would be ignored",
        "error: ./seed/Book.json would be ignored",
        "error: seed/Bok.jsonl: the model has no type of that name\n  help: did you mean Book.jsonl?",
        "model/shelf.graphql:6:",
    ] {
        assert!(told.contains(words), "{words}: {told}");
    }
}

#[test]
fn what_check_refuses_serve_refuses_before_anything_is_made() {
    let check = |name: &str, words: &str| {
        let app = App::new();
        app.write(name, "");
        for arguments in [&["check"][..], &["serve", ".", "--listen", "127.0.0.1:0"]] {
            let refused = app.run(arguments).refused();
            assert!(refused.contains(words), "{refused}");
        }
        assert!(!app.data().exists(), "{name}");
    };
    check("backstay.tml", "did you mean `backstay.toml`?");
    check("models/a.graphql", "did you mean `model`?");
    check("sead/Book.jsonl", "did you mean `seed`?");
    check("seed/Bok.jsonl", "did you mean Book.jsonl?");
    check("seed/Book.json", "seed files are named after their type");
    check("model/b.gql", "names of model files end in .graphql");
}

#[test]
fn files_may_begin_with_a_byte_order_mark() {
    let app = App::seeded();
    let marked = |name: &str| {
        let path = app.path().join(name);
        let text = std::fs::read_to_string(&path).expect("a file");
        std::fs::write(path, format!("\u{feff}{text}")).expect("a file");
    };
    app.write("backstay.toml", "[server]\nlisen = 1\n");
    marked("backstay.toml");
    assert_eq!(found(&app)[0]["start"], json!({"line": 2, "column": 1}));
    app.write("backstay.toml", "[log]\nlevel = 'info'\n");
    for file in ["backstay.toml", "model/shelf.graphql", "seed/Person.jsonl", "seed/Book.jsonl"] {
        marked(file);
    }
    app.run(&["check"]).done();
    assert_eq!(app.run(&["seed"]).done(), "6 records loaded\n");
    app.write("secret", "\u{feff}a long password\n");
    app.run(&["account", "password", "ben@shelf.example", "--password-file", "secret"]).done();
    let server = app.serve();
    let credentials = r#"{"email": "ben@shelf.example", "password": "a long password"}"#;
    assert_eq!(server.ask("POST", "/auth/sign-in", None, credentials).0, 200);
}

#[test]
fn a_model_of_one_collection_is_told_in_the_singular() {
    let app = App::new();
    app.write("model/shelf.graphql", "extend schema @app(name: \"T\") type Note @allow(read: \"true\") { x: Int }");
    assert!(app.run(&["check"]).done().ends_with(": 1 collection, no errors\n"));
}

#[test]
fn a_file_that_is_no_text_is_told_with_its_place() {
    let app = App::new();
    std::fs::write(app.path().join("model/b.graphql"), b"type B {\n  x: \xff }").expect("a file");
    let found = found(&app);
    let place = json!({"line": 2, "column": 6});
    assert_eq!((&found[0]["file"], &found[0]["start"]), (&"model/b.graphql".into(), &place), "{found:?}");
}

#[test]
fn warnings_have_codes_and_can_be_denied() {
    let app = App::new();
    app.write("model/note.graphql", "type Note @allow(create: \"true\") {\n  body: Text\n}\n");
    let told = app.run(&["check"]);
    assert_eq!((told.code, told.out.as_str()), (Some(0), "Shelf: 4 collections, no errors, 1 warning\n"));
    assert!(
        told.err.contains("warning[open-write]: anyone can create Note records without signing in"),
        "{}",
        told.err
    );
    assert!(told.err.contains("`# lint-ignore open-write (reason)`"), "{}", told.err);
    let denied = app.run(&["check", "--deny-warnings"]).refused();
    assert!(denied.contains("warning[open-write]") && denied.contains("\nerror: 1 warning, refused by"), "{denied}");
    let json = |arguments: &[&str]| {
        let ended = app.run(&[&["check", "--format", "json"], arguments].concat());
        let json: Value = serde_json::from_str(&ended.out).expect("JSON");
        assert_eq!((&json["diagnostics"][0]["code"], &json["diagnostics"][1]), (&"open-write".into(), &Value::Null));
        ended.code
    };
    assert_eq!((json(&[]), json(&["--deny-warnings"])), (Some(0), Some(1)));
    let log = app.serve().stop_for_log();
    assert!(log.iter().any(|line| line["code"] == "open-write" && line["file"] == "model/note.graphql"), "{log:?}");
    app.write(
        "model/note.graphql",
        "# lint-ignore open-write (a form)\ntype Note @allow(create: \"true\") { body: Text }",
    );
    assert_eq!(app.run(&["check", "--deny-warnings"]).done(), "Shelf: 4 collections, no errors\n");
}

#[test]
fn the_examples_have_no_warnings() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    let app = App::new();
    for example in std::fs::read_dir(examples).expect("examples") {
        let path = example.expect("an example").path();
        if !path.is_dir() {
            continue;
        }
        app.run(&["check", path.to_str().expect("a path"), "--deny-warnings"]).done();
    }
}

#[test]
fn ten_mistakes_in_rules_are_all_reported() {
    let app = App::new();
    let model = r#"extend schema
  @app(name: "Shelf")
  @rule(name: "a", is: "b")
  @rule(name: "b", is: "a")

type Person @identity @allow(read: "auth.uid() == this.id") {
  email: Email! @unique @class(is: PERSONAL)
  books: [Book!] @inverse(field: "owner")
}

type Book
  @allow(read: "owner == auth.id", create: "this.owner = auth.id", update: "new.pages > 1", delete: "a") {
  title: String! @check(rule: "len(this.title) > 1", message: "too short")
  owner: Person! @set(on: CREATE, to: "current_user")
  pages: Int @computed(is: "this.leaves * 2")
  leaves: Int @computed(is: "this.pages / 2")
  shared: Boolean! @default(from: "this.title == 5")
  state: String @allow(read: "this.titel == 'a' and true")
  others: Int @computed(is: "this.owner.books.length")
}
"#;
    app.write("model/shelf.graphql", model);
    let found = found(&app);
    let told: Vec<String> = found
        .iter()
        .map(|one| {
            format!(
                "{}: {} | {}",
                one["start"]["line"],
                one["message"].as_str().unwrap_or_default(),
                one["help"].as_str().unwrap_or_default()
            )
        })
        .collect();
    let expected = [
        "4: these rules need each other: `a` → `b` → `a` | write one of them out in full",
        "6: unknown function `uid` | write `auth.id`",
        "12: unknown name `owner` | write `this.owner`",
        "12: unexpected `=` | to compare, write `==`",
        "12: there is no `new` here | write `this` for the stored record, and conditions on the proposed one in `after:`, beside `update:`",
        "13: unknown function `len` | write `size(x)`",
        "14: unknown name `current_user` | write `auth.id`",
        "15: `Book.pages` is computed from itself: Book.pages → Book.leaves → Book.pages | compute one of these fields \
         from what is stored",
        "17: String and Int cannot be compared | compare it with a value of its own type",
        "18: unexpected `and` | write `&&`",
        "19: `books` has many members, which `size` and `count` count | write `size(this.owner.books)`, or \
         `this.owner.books.count(b, …)` with a condition",
    ];
    assert_eq!(told, expected);
}

/// A stock whose reservations are counted.
fn stock() -> App {
    let app = App::empty();
    let model = r#"
extend schema @app(name: "Stock")
type Product @allow(read: "true") @check(rule: "this.reserved <= 4", message: "not that many") {
  name: String! @unique
  reserved: Int @computed(is: "this.reservations.sum(r, r.quantity)", stored: COMMIT)
  reservations: [Reservation!] @inverse(field: "product")
}
type Reservation @allow(read: "true") { product: Product!, quantity: Int! }"#;
    app.write("model/stock.graphql", model);
    app.write("seed/Product.jsonl", "{\"name\": \"chair\"}\n{\"name\": \"table\"}\n");
    let line = |quantity: u8| format!("{{\"product\": {{\"name\": \"chair\"}}, \"quantity\": {quantity}}}\n");
    app.write("seed/Reservation.jsonl", &[line(1), line(3)].concat());
    app
}

#[test]
fn stored_sums_are_compared_with_what_they_sum() {
    let app = stock();
    let refused = app.run(&["check", "--sums"]).refused();
    assert!(refused.contains("there is no database"), "{refused}");
    assert_eq!(app.run(&["seed"]).done(), "4 records loaded\n");
    let told = "Stock: 2 collections, no errors\nProduct.reserved: 2 records, all correct\n";
    assert_eq!(app.run(&["check", "--sums"]).done(), told);
    let server = app.serve();
    assert_eq!(app.run(&["check", "--sums", "--data", ".backstay"]).done(), told, "through the server");
    drop(server);
    let programs = app.run(&["check", "--sums", "--format", "json"]).done();
    let programs: Value = serde_json::from_str(&programs).expect("JSON");
    let sum = json!({"sum": "Product.reserved", "records": 2, "differing": 0, "first": [], "queued": 0});
    assert_eq!(programs, json!({"diagnostics": [], "sums": [sum]}));
    let refused = app.run(&["check", "--sums", "--watch"]);
    assert_eq!(refused.code, Some(2), "{refused:?}");
    app.write("model/wrong.graphql", "type X @allow(read: \"tru\") { n: Int }");
    assert!(app.run(&["check", "--sums"]).refused().contains("tru"), "what is wrong with the model comes first");
}

/// What is queued is worked off by the server, whoever queued it, and whatever ended it.
#[test]
fn sums_that_follow_later_follow_while_the_server_runs() {
    let app = App::empty();
    let model = r#"
extend schema @app(name: "Stock")
type Product @allow(read: "true") {
  name: String! @unique
  reserved: Int @computed(is: "this.reservations.sum(r, r.quantity)", stored: SOON)
  reservations: [Reservation!] @inverse(field: "product")
}
type Reservation @allow(read: "true", create: "true") { product: Product!, quantity: Int! }"#;
    app.write("model/stock.graphql", model);
    app.write("seed/Product.jsonl", "{\"name\": \"chair\"}\n{\"name\": \"table\"}\n");
    app.write("seed/Reservation.jsonl", "{\"product\": {\"name\": \"chair\"}, \"quantity\": 3}\n");
    assert_eq!(app.run(&["seed"]).done(), "3 records loaded\n");
    let sums = |app: &App| app.run(&["check", "--sums"]).done().lines().last().map(str::to_owned);
    assert_eq!(sums(&app).as_deref(), Some("Product.reserved: 2 records; 1 to be refreshed"));
    let server = app.serve();
    let chair = "/api/products?filter=name%20==%20%27chair%27";
    let follow = |server: &Server, reserved: i64| {
        while server.get(chair)["items"][0]["reserved"] != json!(reserved) {
            thread::sleep(Duration::from_millis(10));
        }
        server.get(chair)["items"][0]["version"].clone()
    };
    assert_eq!(follow(&server, 3), 1);
    let product = server.get(chair)["items"][0]["id"].as_str().expect("an id").to_owned();
    let (status, _) =
        server.ask("POST", "/api/reservations", None, &format!(r#"{{"product":"{product}","quantity":4}}"#));
    assert_eq!(status, 201);
    // It is killed.
    drop(server);
    let told = sums(&app).expect("a line");
    assert!(["2 records, all correct", "2 records; 1 to be refreshed"].iter().any(|end| told.ends_with(end)), "{told}");
    assert_eq!(follow(&app.serve(), 7), 1);
    assert_eq!(sums(&app).as_deref(), Some("Product.reserved: 2 records, all correct"));
}

#[test]
fn an_application_without_stored_sums_has_none_to_compare() {
    let app = App::seeded();
    app.run(&["seed"]).done();
    assert!(app.run(&["check", "--sums"]).done().ends_with("no errors\nthe model has no stored sums\n"));
}

#[test]
fn a_seed_that_breaks_the_check_of_a_sum_is_named_by_its_line() {
    let app = stock();
    let line = "{\"product\": {\"name\": \"table\"}, \"quantity\": 5}\n";
    app.write("seed/Reservation.jsonl", &["{\"product\": {\"name\": \"table\"}, \"quantity\": 1}\n", line].concat());
    let refused = app.run(&["seed"]).refused();
    assert!(refused.starts_with("error: seed/Reservation.jsonl:2: not that many"), "{refused}");
    assert!(app.run(&["check", "--sums"]).done().ends_with("Product.reserved: 2 records, all correct\n"));
}
