//! The program as people and scripts use it: exit codes, words, and the same commands with and without a server.

use crate::support::{self, App};

#[test]
fn a_first_start_creates_everything_and_serves() {
    let app = App::seeded();
    let server = app.serve();
    let books = server.get("/api/books?select=title,shelf%7Bcode,above%7Bcode%7D%7D&sort=number&count=true");
    assert_eq!(books["count"]["value"], 2);
    assert_eq!(books["items"][0]["title"], "Emma");
    assert_eq!(books["items"][0]["shelf"]["above"]["code"], "high");
    assert_eq!(server.get("/readyz")["status"], "ok");

    let credentials = r#"{"email": "ada@shelf.example", "password": "correct horse"}"#;
    let (status, signed_in) = server.ask("POST", "/auth/sign-in", None, credentials);
    assert_eq!(status, 200, "{signed_in}");
    let shelf = server.get("/api/shelfs?code=low")["items"][0]["id"].clone();
    let book = format!(r#"{{"number": 3, "title": "Persuasion", "shelf": {shelf}}}"#);
    assert_eq!(server.ask("POST", "/api/books", signed_in["token"].as_str(), &book).0, 201);
    assert_eq!(server.ask("POST", "/api/books", None, &book).0, 401);

    assert_eq!(server.stop(), Some(0));
    assert!(!app.data().join("backstay.sock").exists(), "the socket is gone with the server");
    let server = app.serve();
    assert_eq!(server.get("/api/books?count=true")["count"]["value"], 3, "nothing is seeded twice");
}

#[test]
fn commands_work_with_and_without_a_server() {
    let app = App::seeded();
    commands(&app, "one");
    let server = app.serve();
    commands(&app, "two");
    drop(server);
    commands(&app, "three");
}

/// The same commands wherever they are done; `name` tells the rounds apart.
fn commands(app: &App, name: &str) {
    let operator = format!("{name}@shelf.example");
    let add = ["operator", "add", operator.as_str(), "--password-stdin"];
    assert_eq!(app.run_with(&add, "a long password\n", &[]).done(), format!("{operator} is an operator now\n"));
    let again = app.run_with(&add, "a long password\n", &[]).refused();
    assert_eq!(again, "error: there is an operator with this e-mail address\n");
    assert!(app.run(&["operator", "list"]).done().contains(&operator));

    let seeded = app.run(&["seed"]).done();
    assert!(seeded.ends_with("records loaded\n"), "{seeded}");
    app.run(&["role", "grant", "ben@shelf.example", "READER"]).done();
    assert_eq!(app.run(&["role", "list", "ben@shelf.example"]).done(), "READER\n");
    let misspelt = app.run(&["role", "grant", "ben@shelf.example", "REDER"]).refused();
    assert_eq!(misspelt, "error: role: unknown role 'REDER'; did you mean 'READER'?\n");
    let nobody = app.run(&["role", "grant", "nobody@shelf.example", "READER"]).refused();
    assert_eq!(nobody, "error: there is no account or operator with this e-mail address\n");
    app.run(&["role", "revoke", "ben@shelf.example", "READER"]).done();
    assert_eq!(app.run(&["role", "list", "ben@shelf.example"]).done(), "ben@shelf.example has no role\n");

    let key = app.run(&["key", "add", name, "--role", "READER", "--claim", "floor=2", "--format", "json"]).done();
    let key: serde_json::Value = serde_json::from_str(&key).expect("JSON");
    let secret = key["key"].as_str().expect("a key");
    let keys = app.run(&["key", "list"]).done();
    assert!(keys.contains(name) && keys.contains("floor=2") && !keys.contains(secret), "{keys}");
    app.run(&["key", "revoke", name]).done();

    let explained = app.run(&["explain", "--as", "ben@shelf.example", "GET /api/persons?limit=1"]).done();
    assert!(explained.contains("auth.id != null") && explained.contains("SELECT"), "{explained}");
    let forbidden = app.run(&["explain", "POST /api/books", "--body", r#"{"number": 9, "title": "Emma"}"#]);
    assert!(forbidden.done().contains("'LIBRARIAN' in auth.roles"));
    let lost = app.run(&["explain", "GET /api/boks"]).refused();
    assert!(lost.contains("/api/books"), "{lost}");
}

#[test]
fn secrets_come_from_anywhere_but_arguments() {
    let app = App::new();
    app.write("secret", "a long password\nand a second line");
    app.run(&["operator", "add", "a@shelf.example", "--password-file", "secret"]).done();
    let check = |arguments: &[&str], input: &str, expected: &str| {
        let arguments = [&["operator", "add", "b@shelf.example"], arguments].concat();
        assert_eq!(app.run_with(&arguments, input, &[]).refused(), expected);
    };
    let ask = "error: there is no terminal to ask for the password; use --password-file or --password-stdin\n";
    check(&[], "", ask);
    check(&["--password-stdin"], "", "error: the password is empty\n");
    check(&["--password-stdin"], "short\n", "error: password: at least 10 characters\n");
    let missing = "error: nowhere cannot be read\n  because: No such file or directory (os error 2)\n";
    check(&["--password-file", "nowhere"], "", missing);
    assert_eq!(app.run(&["operator", "add", "b@shelf.example", "--password", "x"]).code, Some(2));
}

#[test]
fn a_model_is_checked() {
    let app = App::new();
    assert_eq!(app.run(&["check"]).done(), "Shelf: 3 collections, no errors\n");
    app.write("model/shelf.graphql", &support::MODEL.replace("auth.id != null", "auth.ID != null"));
    let wrong = app.run(&["check", "."]).refused();
    assert!(wrong.contains("model/shelf.graphql:6:"), "{wrong}");
    let json = app.run(&["check", "--format", "json"]);
    assert_eq!(json.code, Some(1));
    let found: serde_json::Value = serde_json::from_str(&json.out).expect("JSON");
    assert_eq!(found["diagnostics"][0]["start"]["line"], 6, "{found}");
    assert_eq!(app.run(&["serve", ".", "--listen", "127.0.0.1:0"]).code, Some(1));
    assert!(!app.data().exists(), "nothing is made for a model that is refused");
}

#[test]
fn accounts_that_cannot_be_served_are_told_by_check_and_change_nothing() {
    let app = App::seeded();
    app.run(&["seed"]).done();
    let wrong = support::MODEL
        .replace("  name: String!\n", "  name: String!\n  invitation: String\n  password: String\n")
        .replace("  title: String!", "  pages: Int\n  title: String!");
    app.write("model/shelf.graphql", &wrong);
    let told = app.run(&["check"]).refused();
    for (name, place) in [("invitation", ":9:3"), ("password", ":10:3")] {
        let words = format!("the field Person.{name} has the name of a part of the sign-up");
        assert!(told.contains(&words) && told.contains(&format!("model/shelf.graphql{place}")), "{told}");
    }
    let json = app.run(&["check", "--format", "json"]);
    let found: serde_json::Value = serde_json::from_str(&json.out).expect("JSON");
    assert_eq!((json.code, found["diagnostics"].as_array().map(Vec::len)), (Some(1), Some(2)), "{found}");
    assert_eq!(found["diagnostics"][0]["start"]["line"], 9, "{found}");

    assert_eq!(app.run(&["serve", ".", "--listen", "127.0.0.1:0"]).refused(), told);
    assert_eq!(app.run(&["migrate", "apply"]).refused(), told);
    app.write("model/shelf.graphql", support::MODEL);
    assert_eq!(app.run(&["migrate", "plan"]).done(), "nothing to do: the model is the stored one\n");
}

#[test]
fn settings_are_checked_before_anything_is_done() {
    let app = App::new();
    app.write("backstay.toml", "[server]\nlisen = \"127.0.0.1:1\"\n");
    let wrong = app.run(&["check"]).refused();
    assert!(wrong.contains("unknown key 'lisen' in [server]") && wrong.contains("did you mean 'listen'?"), "{wrong}");
    assert!(wrong.contains("backstay.toml:2:1"), "{wrong}");
    app.write("backstay.toml", "");
    let wrong = app.run_with(&["check"], "", &[("BACKSTAY_LOG_LEVL", "info")]).refused();
    assert!(wrong.contains("BACKSTAY_LOG_LEVL") && wrong.contains("BACKSTAY_LOG_LEVEL"), "{wrong}");
}

#[test]
fn addresses_that_cannot_be_listened_on() {
    let app = App::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    let refused = app.run(&["serve", ".", "--listen", &address]).refused();
    assert!(refused.contains(&format!("cannot listen on {address}: another program listens there")), "{refused}");
    let refused = app.run(&["serve", ".", "--listen", "192.0.2.1:80"]).refused();
    assert!(refused.contains("this machine does not have the address"), "{refused}");
    assert_eq!(app.run(&["serve", ".", "--listen", "here"]).code, Some(2));
}

#[test]
fn a_changed_model_is_migrated_or_refused() {
    let app = App::seeded();
    assert!(app.run(&["migrate", "plan"]).refused().contains("there is no database"));
    app.run(&["seed"]).done();
    assert_eq!(app.run(&["migrate", "plan"]).done(), "nothing to do: the model is the stored one\n");

    app.write("model/more.graphql", "extend type Book { pages: Int }");
    let plan = app.run(&["migrate", "plan"]).done();
    assert!(plan.contains("(safe)") && plan.contains("ALTER TABLE"), "{plan}");
    assert!(app.run(&["migrate", "apply"]).done().ends_with("done\n"));
    assert_eq!(app.run(&["migrate", "plan"]).done(), "nothing to do: the model is the stored one\n");

    app.write("model/more.graphql", "extend type Book { pages: Int  isbn: String! }");
    let refused = app.run(&["serve", ".", "--listen", "127.0.0.1:0"]).refused();
    assert!(refused.contains("isbn") && refused.contains("nothing was changed"), "{refused}");
}

#[test]
fn help_teaches() {
    let help = App::new().run(&["--help"]).done();
    for word in ["serve", "check", "migrate", "operator", "role", "key", "invite", "seed", "explain", "Examples:"] {
        assert!(help.contains(word), "{word}");
    }
    assert_eq!(App::new().run(&["srve"]).code, Some(2));
}
