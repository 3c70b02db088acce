//! `migrate apply` beside a running server.

use crate::support::{App, MODEL};

#[test]
fn a_running_server_goes_on_with_the_new_model() {
    let app = App::seeded();
    let server = app.serve();
    let body = r#"{"email": "ada@shelf.example", "password": "correct horse"}"#;
    let (_, signed_in) = server.ask("POST", "/auth/sign-in", None, body);
    let token = signed_in["token"].as_str().expect("a token");
    assert_eq!(server.ask("GET", "/api/books?select=pages", None, "").0, 400);

    app.write("model/more.graphql", "extend type Book { pages: Int }");
    let applied = app.run(&["migrate", "apply"]).done();
    let expected = "Book.pages is new; it is null in stored records (safe)\n    ALTER TABLE ";
    assert!(applied.starts_with(expected) && applied.ends_with("\ndone\n"), "{applied}");
    assert_eq!(server.get("/api/books?select=pages")["items"][0]["pages"], serde_json::Value::Null);
    assert_eq!(server.ask("GET", "/auth/me", Some(token), "").0, 200);
    // Commands go on as well.
    assert!(app.run(&["account", "show", "ada@shelf.example"]).done().contains("ada@shelf.example"));
    assert_eq!(app.run(&["migrate", "apply"]).done(), "nothing to do: the database matches the model\n");

    // Settings apply with it.
    app.write("backstay.toml", "accounts.sign_up = 'open'\n");
    app.run(&["migrate", "apply"]).done();
    let new = r#"{"email": "cleo@shelf.example", "name": "Cleo", "password": "a long enough password"}"#;
    assert_eq!(server.ask("POST", "/auth/sign-up", None, new).0, 201);
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn what_cannot_be_applied_leaves_the_server_as_it_is() {
    let app = App::seeded();
    let server = app.serve();
    let still = || assert_eq!(server.get("/api/shelfs")["items"].as_array().map(Vec::len), Some(2));
    app.write("model/shelf.graphql", &MODEL.replace("  name: String!\n", ""));
    let refused = app.run(&["migrate", "apply"]).refused();
    assert!(refused.contains("Person.name is gone") && refused.contains("--allow-data-loss"), "{refused}");
    assert_eq!(app.run(&["migrate", "plan"]).out, refused, "what it says is the plan");
    still();
    app.write("model/shelf.graphql", &MODEL.replace("Int! @unique", "Inti! @unique"));
    let refused = app.run(&["migrate", "apply"]).refused();
    assert!(refused.contains("there is no type `Inti`"), "{refused}");
    still();
    app.write("model/shelf.graphql", MODEL);
    // Stored records break it, which only the database finds out.
    app.write("model/more.graphql", "extend type Person @index(fields: [\"name\"])");
    app.run(&["migrate", "apply"]).done();
    still();
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn all_that_the_server_has_against_the_files_is_named() {
    let app = App::seeded();
    let server = app.serve();
    app.write("seed/Book.json", "{}");
    app.write("seed/Shelf.ndjson", "{}");
    let refused = app.run(&["migrate", "apply"]).refused();
    assert!(refused.starts_with("error: the application's files have 2 errors\n  because: "), "{refused}");
    for file in ["seed/Book.json", "seed/Shelf.ndjson"] {
        assert!(refused.contains(&format!("{file} would be ignored")), "{refused}");
    }
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn a_step_that_stored_records_refuse_leads_back_to_the_model_before() {
    let app = App::seeded();
    app.write("seed/Shelf.jsonl", "{\"code\": \"low\"}\n{\"code\": \"high\", \"above\": {\"code\": \"low\"}}\n");
    app.write(
        "seed/Book.jsonl",
        "{\"number\": 1, \"title\": \"Emma\", \"shelf\": {\"code\": \"low\"}}\n{\"number\": 2, \"title\": \"Emma\", \"shelf\": {\"code\": \"low\"}}\n",
    );
    let server = app.serve();
    app.write("model/shelf.graphql", &MODEL.replace("  title: String! ", "  title: String! @unique "));
    let refused = app.run(&["migrate", "apply", "--allow-data-loss"]).refused();
    assert!(refused.contains("Book gets the unique index") && refused.contains("  blocked: "), "{refused}");
    assert_eq!(server.get("/api/books?select=title")["items"].as_array().map(Vec::len), Some(2));
    assert!(app.run(&["account", "show", "ada@shelf.example"]).done().contains("ada@shelf.example"));
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn a_running_server_rewrites_and_deletes_as_it_is_told() {
    let app = App::seeded();
    let server = app.serve();
    let renamed = MODEL.replace("  title: String!", "  heading: Text! @renamed(from: \"title\")");
    app.write("model/shelf.graphql", &renamed.replace("this.title", "this.heading"));
    let applied = app.run(&["migrate", "apply", "--format", "json"]).done();
    let applied: serde_json::Value = serde_json::from_str(&applied).expect("JSON");
    assert_eq!(applied["created"], false, "{applied}");
    let steps = applied["steps"].as_array().expect("steps");
    assert!(
        steps.iter().any(|step| step["words"].as_str().is_some_and(|words| words.contains("heading"))),
        "{applied}"
    );
    assert_eq!(server.get("/api/books?select=heading&sort=number")["items"][0]["heading"], "Emma");

    let narrowed = MODEL
        .replace("  number: Int! @unique", "  number: String! @unique")
        .replace("  title: String!", "  title: String! @renamed(from: \"heading\")");
    app.write("model/shelf.graphql", &narrowed);
    let applied = app.run(&["migrate", "apply"]).done();
    assert!(applied.contains("(rewrites 2 records)") && applied.ends_with("done\n"), "{applied}");
    assert_eq!(server.get("/api/books?select=number&sort=number")["items"][0]["number"], "1");

    let shorter = narrowed.replace("  above: Shelf\n", "");
    app.write("model/shelf.graphql", &shorter);
    app.run(&["migrate", "apply"]).refused();
    assert_eq!(server.ask("GET", "/api/shelfs?select=above", None, "").0, 200);
    let applied = app.run(&["migrate", "apply", "--allow-data-loss"]).done();
    assert!(applied.contains("Shelf.above is removed") && applied.ends_with("done\n"), "{applied}");
    assert_eq!(server.ask("GET", "/api/shelfs?select=above", None, "").0, 400);
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn another_application_is_not_what_the_server_serves() {
    let (app, other) = (App::new(), App::new());
    let server = app.serve();
    let data = app.data().display().to_string();
    let refused = other.run(&["migrate", "apply", ".", "--data", &data]).refused();
    assert!(refused.contains("the running server serves the application in "), "{refused}");
    assert_eq!(server.stop(), Some(0));
}
