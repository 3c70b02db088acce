//! `account add` and `account list`.

use crate::support::{App, Ended};

const SHELF: &str = "extend type Person { born: Date  tags: [String!]  likes: [Book!] @inverse(field: \"likedBy\") }";

fn app() -> App {
    let app = App::new();
    app.write("model/more.graphql", SHELF);
    app
}

fn with_password(app: &App, arguments: &[&str]) -> Ended {
    app.run_with(&[&["account", "add"], arguments, &["--password-stdin"]].concat(), "a long password\n", &[])
}

#[test]
fn an_account_is_added_to_an_empty_database_and_through_a_server() {
    let app = app();
    let added = with_password(&app, &["Ada@Shelf.example", "name=Ada = Ida", "born=1815-12-10", "tags=a,b"]).done();
    assert_eq!(added, "ada@shelf.example can now sign in\n");

    let server = app.serve();
    let ben = ["account", "add", "ben@shelf.example", "name=Ben", "--role", "READER", "--role", "LIBRARIAN"];
    let added = app.run(&[&ben[..], &["--format", "json"]].concat()).done();
    let added: serde_json::Value = serde_json::from_str(&added).expect("JSON");
    let password = added["password"].as_str().expect("a generated password");
    assert!(password.len() >= 20, "{password}");
    let credentials = format!(r#"{{"email": "ben@shelf.example", "password": "{password}"}}"#);
    let (status, signed_in) = server.ask("POST", "/auth/sign-in", None, &credentials);
    assert_eq!(status, 200, "{signed_in}");

    let token = signed_in["token"].as_str();
    let (_, ada) = server.ask("GET", "/api/persons?email=ada@shelf.example", token, "");
    assert_eq!(ada["items"][0]["name"], "Ada = Ida");
    assert_eq!(ada["items"][0]["born"], "1815-12-10");
    assert_eq!(ada["items"][0]["tags"], serde_json::json!(["a", "b"]));
    assert_eq!(app.run(&["role", "list", "ben@shelf.example"]).done(), "READER\nLIBRARIAN\n");
}

#[test]
fn a_generated_password_is_shown_once() {
    let app = app();
    let shown = app.run(&["account", "add", "ben@shelf.example", "name=Ben"]).done();
    let (password, rest) = shown.split_once("\n\n").expect("two paragraphs");
    assert_eq!(rest, "This password is shown only once. ben@shelf.example can sign in with it.\n");
    let server = app.serve();
    let credentials = format!(r#"{{"email": "ben@shelf.example", "password": "{password}"}}"#);
    assert_eq!(server.ask("POST", "/auth/sign-in", None, &credentials).0, 200);
}

#[test]
fn what_is_wrong_with_an_account_is_said_with_the_fields_that_there_are() {
    let app = app();
    let help = "  help: write fields as FIELD=VALUE; Person has name: String!, born: Date, tags: [String!]\n";
    let check = |arguments: &[&str], expected: &str| {
        let refused = with_password(&app, arguments).refused();
        assert_eq!(refused, format!("error: {expected}\n{help}"), "{arguments:?}");
    };
    let ben = "ben@shelf.example";
    check(&[ben], "name: a value is required");
    check(&[ben, "nam=Ben"], "nam: unknown field `nam`; did you mean `name`?");
    check(&[ben, "name=Ben", "name=Ben"], "name: it is given twice");
    check(&[ben, "name=Ben", "email=b@shelf.example"], "email: it is given twice");
    let date = "born: expected a date, such as \"2026-01-31\"";
    check(&[ben, "name=Ben", "born=soon"], date);

    let role = with_password(&app, &[ben, "name=Ben", "--role", "REDER"]).refused();
    assert!(role.ends_with("\n  help: the model's roles are LIBRARIAN, READER\n"), "{role}");
    let address = with_password(&app, &["ben", "name=Ben"]).refused();
    assert_eq!(address, "error: email: expected an email address, such as ada@example.org\n");
    let short = app.run_with(&["account", "add", ben, "name=Ben", "--password-stdin"], "short\n", &[]).refused();
    assert_eq!(short, "error: password: at least 10 characters\n");
    assert_eq!(app.run(&["account", "list"]).done(), "no accounts; add one with `backstay account add EMAIL`\n");
    with_password(&app, &[ben, "name=Ben"]).done();
    let again = with_password(&app, &[ben, "name=Ben"]).refused();
    assert_eq!(again, "error: there is already an account with this email address\n");
    assert_eq!(app.run(&["account", "add", ben, "Ben"]).code, Some(2));
    // What is wrong is said once, however much it is.
    let wrong = app.run(&["account", "add", ben, "name=", "nick=B"]).refused();
    assert!(wrong.starts_with("error: ") && !wrong.contains("because"), "{wrong}");
}

#[test]
fn an_application_without_accounts_has_none_to_add_or_list() {
    let app = App::new();
    app.write(
        "model/shelf.graphql",
        "extend schema @app(name: \"A\") type Book @allow(read: \"true\") { title: String! }",
    );
    app.run(&["key", "add", "importer"]).done();
    for arguments in [&["account", "add", "ben@shelf.example"][..], &["account", "list"]] {
        let refused = app.run(arguments).refused();
        assert!(refused.starts_with("error: this application has no accounts"), "{refused}");
    }
}

#[test]
fn accounts_are_listed_with_and_without_a_server() {
    let app = App::seeded();
    assert!(app.run(&["account", "list"]).refused().contains("there is no database"));
    app.run(&["seed"]).done();
    app.run(&["account", "disable", "ben@shelf.example"]).done();
    let check = || {
        let listed = app.run(&["account", "list"]).done();
        let lines: Vec<&str> = listed.lines().map(|line| line.split_once("  ").expect("an id").1).collect();
        assert!(lines[0].starts_with("ada@shelf.example  LIBRARIAN  created 20"), "{listed}");
        assert!(lines[1].starts_with("ben@shelf.example  disabled  created 20"), "{listed}");
        assert_eq!(lines.len(), 2);
        let json = app.run(&["account", "list", "--format", "json"]).done();
        let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
        assert_eq!(json["answer"], "accounts");
        assert_eq!(json["accounts"][0]["roles"], serde_json::json!(["LIBRARIAN"]));
        assert_eq!(json["accounts"][1]["disabled"], true);
        assert_eq!(json.get("next"), None);
    };
    check();
    let _server = app.serve();
    check();
}

#[test]
fn long_lists_are_complete() {
    const COUNT: usize = 10_050;
    let app = App::new();
    let line = |number| format!("{{\"email\": \"p{number}@shelf.example\", \"name\": \"P\"}}\n");
    app.write("seed/Person.jsonl", &(0..COUNT).map(line).collect::<String>());
    app.run(&["seed"]).done();
    let listed = app.run(&["account", "list"]).done();
    let mut addresses: Vec<&str> = listed.lines().filter_map(|line| line.split("  ").nth(1)).collect();
    addresses.sort_unstable();
    addresses.dedup();
    assert_eq!((listed.lines().count(), addresses.len()), (COUNT, COUNT));
}

#[test]
fn who_finds_sign_up_closed_learns_how_to_get_an_account() {
    let app = App::new();
    let server = app.serve();
    let new = r#"{"email": "ben@shelf.example", "password": "a long password", "name": "Ben"}"#;
    let (status, problem) = server.ask("POST", "/auth/sign-up", None, new);
    assert_eq!(status, 403, "{problem}");
    let remedy = problem["remedy"].as_str().expect("a remedy");
    assert!(remedy.contains("`backstay account add EMAIL`"), "{remedy}");
    let invite = app.run(&["invite", "ben@shelf.example"]).refused();
    assert!(
        invite.contains("  help: create the account with `backstay account add EMAIL`, or set accounts.sign_up"),
        "{invite}"
    );
}
