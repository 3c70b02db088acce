//! The command line: exit codes, output, and the same commands with and without a running server.

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
    assert!(!app.data().join("backstay.sock").exists(), "the socket is removed with the server");
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

/// The same commands, whoever runs them. `name` distinguishes the rounds.
fn commands(app: &App, name: &str) {
    let operator = format!("{name}@shelf.example");
    let add = ["operator", "add", operator.as_str(), "--password-stdin"];
    assert_eq!(app.run_with(&add, "a long password\n", &[]).done(), format!("{operator} is now an operator\n"));
    let again = app.run_with(&add, "a long password\n", &[]).refused();
    assert!(again.contains("already"), "{again}");
    assert!(app.run(&["operator", "list"]).done().contains(&operator));
    operators(app, name, &operator);

    let seeded = app.run(&["seed"]).done();
    assert!(seeded.ends_with("records loaded\n"), "{seeded}");
    app.run(&["role", "grant", "ben@shelf.example", "READER"]).done();
    assert_eq!(app.run(&["role", "list", "ben@shelf.example"]).done(), "READER\n");
    let misspelt = app.run(&["role", "grant", "ben@shelf.example", "REDER"]).refused();
    let usage = "  help: the model's roles are LIBRARIAN, READER; usage: `backstay role grant ACCOUNT ROLE`\n";
    assert_eq!(misspelt, format!("error: role: unknown role `REDER`; did you mean `READER`?\n{usage}"));
    let exchanged = app.run(&["role", "grant", "READER", "ben@shelf.example"]).refused();
    let order = "  help: name the account before the role: `backstay role grant ben@shelf.example READER`\n";
    assert!(exchanged.ends_with(order), "{exchanged}");
    let unknown = app.run(&["key", "add", "x", "--role", "ADMIN"]).refused();
    assert!(unknown.ends_with("\n  help: the model's roles are LIBRARIAN, READER\n"), "{unknown}");
    let nobody = app.run(&["role", "grant", "nobody@shelf.example", "READER"]).refused();
    assert!(nobody.contains("no account"), "{nobody}");
    app.run(&["role", "revoke", "ben@shelf.example", "READER"]).done();
    assert_eq!(app.run(&["role", "list", "ben@shelf.example"]).done(), "ben@shelf.example has no roles\n");

    account(app, name);

    let key = app.run(&["key", "add", name, "--role", "READER", "--claim", "floor=2", "--format", "json"]).done();
    let key: serde_json::Value = serde_json::from_str(&key).expect("JSON");
    let secret = key["key"].as_str().expect("a key");
    let keys = app.run(&["key", "list"]).done();
    assert!(keys.contains(name) && keys.contains("floor=2") && !keys.contains(secret), "{keys}");
    app.run(&["key", "revoke", name]).done();
    limited_key(app, name);

    let explained = app.run(&["explain", "--as", "ben@shelf.example", "GET /api/persons?limit=1"]).done();
    assert!(explained.contains("auth.id != null") && explained.contains("SELECT"), "{explained}");
    let forbidden = app.run(&["explain", "POST /api/books", "--body", r#"{"number": 9, "title": "Emma"}"#]);
    assert!(forbidden.done().contains("'LIBRARIAN' in auth.roles"));
    let lost = app.run(&["explain", "GET /api/boks"]).refused();
    assert!(lost.contains("/api/books"), "{lost}");
}

/// A key that is limited to some collections and actions.
fn limited_key(app: &App, name: &str) {
    let name = format!("{name} limited");
    let add = |only: &str| app.run(&["key", "add", &name, "--only", only]);
    assert!(add("boks:get").refused().contains("`books`"));
    assert!(add("books:gt").refused().contains("`get`"));
    add("books:get, persons:read").done();
    let keys = app.run(&["key", "list", "--format", "json"]).done();
    let keys: serde_json::Value = serde_json::from_str(&keys).expect("JSON");
    let listed =
        keys["keys"].as_array().expect("a list").iter().find(|key| key["name"] == *name).expect("it is listed");
    let only = serde_json::json!(["books:get", "persons:get", "persons:search"]);
    assert_eq!(listed["only"], only);
    let line = format!("{name}  only books:get,persons:get,persons:search\n");
    assert!(app.run(&["key", "list"]).done().contains(&line));
    app.run(&["key", "revoke", &name]).done();
}

fn operators(app: &App, name: &str, operator: &str) {
    let password = ["operator", "password", operator, "--password-stdin"];
    let changed = app.run_with(&password, "another password\n", &[]).done();
    assert_eq!(changed, format!("changed the password of {operator} and ended all their sessions\n"));
    let nobody = app.run_with(&["operator", "password", "x@shelf.example", "--password-stdin"], "long enough\n", &[]);
    assert!(nobody.refused().contains("no operator"));
    if name == "one" {
        let last = app.run(&["operator", "remove", operator]).refused();
        assert!(last.contains("last operator"), "{last}");
        return;
    }
    let second = format!("second.{operator}");
    app.run_with(&["operator", "add", &second, "--password-stdin"], "a long password\n", &[]).done();
    assert_eq!(app.run(&["operator", "remove", &second]).done(), format!("{second} is no longer an operator\n"));
    assert!(!app.run(&["operator", "list"]).done().contains(&second));
}

fn account(app: &App, name: &str) {
    let ben = "ben@shelf.example";
    let show = || app.run(&["account", "show", ben]).done();
    assert!(
        name != "one" || show().contains("\npassword  none; the account cannot sign in without one\n"),
        "{}",
        show()
    );
    let password = ["account", "password", ben, "--password-stdin"];
    assert_eq!(app.run_with(&password, "short\n", &[]).refused(), "error: password: at least 10 characters\n");
    let changed = app.run_with(&password, "a long password\n", &[]).done();
    assert_eq!(changed, "changed the password of ben@shelf.example and ended all its sessions\n");

    let claimed = app.run(&["account", "claim", ben, "floor=2"]).done();
    assert_eq!(claimed, "ben@shelf.example now has the claim floor=2\n");
    let refused = app.run(&["account", "claim", ben, "top-floor=2"]).refused();
    assert!(refused.starts_with("error: claim: "), "{refused}");
    assert_eq!(app.run(&["account", "claim", ben, "floor"]).code, Some(2));
    let disabled = app.run(&["account", "disable", ben]).done();
    assert_eq!(disabled, "disabled ben@shelf.example and ended all its sessions\n");
    let shown = show();
    let (id, rest) = shown.split_once('\n').expect("lines");
    assert!(id.starts_with("id        0"), "{shown}");
    assert_eq!(
        rest,
        "email     ben@shelf.example\nroles     none\nclaims    floor=2\npassword  set\nverified  no\ndisabled  yes\nsessions  0\n"
    );
    assert_eq!(app.run(&["role", "list", ben]).done(), "ben@shelf.example has no roles\n");
    assert_eq!(app.run(&["account", "enable", ben]).done(), "enabled ben@shelf.example\n");
    let json = app.run(&["account", "show", ben, "--format", "json"]).done();
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!((&json["account"]["claims"]["floor"], &json["account"]["disabled"]), (&"2".into(), &false.into()));
    let unclaimed = app.run(&["account", "unclaim", ben, "floor"]).done();
    assert_eq!(unclaimed, "ben@shelf.example no longer has the claim floor\n");
    let unknown = app.run(&["account", "unclaim", ben, "floor"]).refused();
    assert_eq!(unknown, "error: claim: unknown claim `floor`\n");
    let nobody = app.run(&["account", "disable", "nobody@shelf.example"]).refused();
    assert!(nobody.contains("no account"), "{nobody}");
}

#[test]
fn what_is_done_to_an_account_holds_for_its_next_request() {
    let app = App::seeded();
    app.write("model/floor.graphql", "type Floor @allow(read: \"auth.claims.floor == '2'\") { name: String }");
    let server = app.serve();
    let sign_in = |password: &str| {
        let body = format!(r#"{{"email": "ben@shelf.example", "password": "{password}"}}"#);
        let (status, answer) = server.ask("POST", "/auth/sign-in", None, &body);
        (status, answer["token"].as_str().unwrap_or_default().to_owned())
    };
    assert_eq!(sign_in("a long password").0, 401, "it has no password yet");
    app.run_with(&["account", "password", "ben@shelf.example", "--password-stdin"], "a long password\n", &[]).done();
    let (status, token) = sign_in("a long password");
    assert_eq!(status, 200);

    let ask = |path: &str| server.ask("GET", path, Some(&token), "").0;
    assert_eq!(ask("/api/floors"), 403);
    app.run(&["account", "claim", "ben@shelf.example", "floor=2"]).done();
    assert_eq!(ask("/api/floors"), 200);
    app.run(&["account", "unclaim", "ben@shelf.example", "floor"]).done();
    assert_eq!(ask("/api/floors"), 403);
    app.run(&["account", "disable", "ben@shelf.example"]).done();
    assert_eq!(ask("/auth/me"), 401);
    assert_eq!(sign_in("a long password").0, 401);
    app.run(&["account", "enable", "ben@shelf.example"]).done();
    assert_eq!((sign_in("a long password").0, ask("/auth/me")), (200, 401));
}

#[test]
fn a_removed_operator_is_out_at_once() {
    let app = App::seeded();
    let server = app.serve();
    for email in ["one@shelf.example", "two@shelf.example"] {
        app.run_with(&["operator", "add", email, "--password-stdin"], "a long password\n", &[]).done();
    }
    let body = r#"{"email": "one@shelf.example", "password": "a long password", "as": "operator"}"#;
    let (_, answer) = server.ask("POST", "/auth/sign-in", None, body);
    let token = answer["token"].as_str().expect("a token");
    assert_eq!(server.ask("GET", "/auth/me", Some(token), "").0, 200);
    app.run(&["operator", "remove", "one@shelf.example"]).done();
    assert_eq!(server.ask("GET", "/auth/me", Some(token), "").0, 401);
    assert_eq!(server.ask("POST", "/auth/sign-in", None, body).0, 401);
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
    let ask = "error: cannot ask for the password without a terminal; use --password-file or --password-stdin\n";
    check(&[], "", ask);
    check(&["--password-stdin"], "", "error: the password is empty\n");
    check(&["--password-stdin"], "short\n", "error: password: at least 10 characters\n");
    let missing = "error: cannot read nowhere: No such file or directory (os error 2)\n";
    check(&["--password-file", "nowhere"], "", missing);
    assert_eq!(app.run(&["operator", "add", "b@shelf.example", "--password", "x"]).code, Some(2));
}

#[test]
fn a_model_is_checked() {
    let app = App::new();
    for arguments in [&["check"][..], &["check", "."], &["check", "--app", "."]] {
        assert_eq!(app.run(arguments).done(), "Shelf: 3 collections, no errors\n");
    }
    assert_eq!(app.run(&["check", ".", "--app", "."]).code, Some(2));
    app.write("model/shelf.graphql", &support::MODEL.replace("auth.id != null", "auth.ID != null"));
    let wrong = app.run(&["check", "."]).refused();
    assert!(wrong.contains("model/shelf.graphql:6:"), "{wrong}");
    let json = app.run(&["check", "--format", "json"]);
    assert_eq!(json.code, Some(1));
    let found: serde_json::Value = serde_json::from_str(&json.out).expect("JSON");
    assert_eq!(found["diagnostics"][0]["start"]["line"], 6, "{found}");
    assert_eq!(app.run(&["serve", ".", "--listen", "127.0.0.1:0"]).code, Some(1));
    assert!(!app.data().exists(), "nothing is created for a model with errors");
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
        assert!(
            told.contains(&format!("Person.{name}")) && told.contains(&format!("model/shelf.graphql{place}")),
            "{told}"
        );
    }
    let json = app.run(&["check", "--format", "json"]);
    let found: serde_json::Value = serde_json::from_str(&json.out).expect("JSON");
    assert_eq!((json.code, found["diagnostics"].as_array().map(Vec::len)), (Some(1), Some(2)), "{found}");
    assert_eq!(found["diagnostics"][0]["start"]["line"], 9, "{found}");

    assert_eq!(app.run(&["serve", ".", "--listen", "127.0.0.1:0"]).refused(), told);
    assert_eq!(app.run(&["migrate", "apply"]).refused(), told);
    app.write("model/shelf.graphql", support::MODEL);
    assert_eq!(app.run(&["migrate", "plan"]).done(), "nothing to do: the database matches the model\n");
}

#[test]
fn settings_are_checked_before_anything_is_done() {
    let app = App::new();
    app.write("backstay.toml", "[server]\nlisen = \"127.0.0.1:1\"\n");
    let wrong = app.run(&["check"]).refused();
    assert!(wrong.contains("unknown key `lisen` in [server]") && wrong.contains("did you mean `listen`?"), "{wrong}");
    assert!(wrong.contains("backstay.toml:2:1"), "{wrong}");
}

#[test]
fn a_pooler_and_replicas_without_a_server_behind_them_are_refused() {
    let app = App::new();
    app.write("backstay.toml", "[data]\npooler = \"postgres://pooler.example/shop\"\n");
    let refused = app.run(&["serve", "."]).refused();
    assert!(refused.contains("`pooler` in [data] is set, but `url` isn't"), "{refused}");
    app.write("backstay.toml", "[data]\nreplicas = [\"postgres://replica.example/shop\"]\n");
    let refused = app.run(&["serve", "."]).refused();
    assert!(refused.contains("`replicas` in [data] are set, but `url` isn't"), "{refused}");
    assert!(!app.path().join(".backstay").exists(), "nothing was begun");
}

#[test]
fn addresses_that_cannot_be_listened_on() {
    let app = App::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    let refused = app.run(&["serve", ".", "--listen", &address]).refused();
    assert!(refused.contains(&format!("cannot listen on {address}: the address is already in use")), "{refused}");
    let refused = app.run(&["serve", ".", "--listen", "192.0.2.1:80"]).refused();
    assert!(refused.contains("this machine does not have that address"), "{refused}");
    for address in ["here", "localhost:8080", "*:8080", "127.0.0.1"] {
        let refused = app.run(&["serve", ".", "--listen", address]);
        assert_eq!(refused.code, Some(2));
        let expected = match address {
            "here" => "expected an address and a port, such as 127.0.0.1:8080",
            "*:8080" => "expected an address and a port; write 0.0.0.0:8080",
            _ => "expected an address and a port; write 127.0.0.1:8080",
        };
        assert!(refused.err.contains(expected), "{address}: {}", refused.err);
    }
}

#[test]
fn a_changed_model_is_migrated_or_refused() {
    let app = App::seeded();
    assert!(app.run(&["migrate", "plan"]).refused().contains("there is no database"));
    app.run(&["seed"]).done();
    assert_eq!(app.run(&["migrate", "plan"]).done(), "nothing to do: the database matches the model\n");

    app.write("model/more.graphql", "extend type Book { pages: Int }");
    let plan = app.run(&["migrate", "plan"]).done();
    let taken = "Book.pages is new; it is null in stored records (safe)\n    ALTER TABLE ";
    assert!(plan.starts_with(taken), "{plan}");
    let summary = "\n\n1 step to apply: run `backstay migrate apply`, or start `backstay serve`\n";
    assert!(plan.ends_with(summary), "{plan}");
    assert!(app.run(&["migrate", "apply"]).done().ends_with("done\n"));
    assert_eq!(app.run(&["migrate", "plan"]).done(), "nothing to do: the database matches the model\n");

    app.write("model/more.graphql", "extend type Book { pages: Int  isbn: String! }");
    let refused = app.run(&["serve", ".", "--listen", "127.0.0.1:0"]).refused();
    assert!(refused.contains("isbn") && refused.contains("nothing was changed"), "{refused}");
}

#[test]
fn a_plan_says_what_each_step_costs_and_what_stands_in_its_way() {
    let app = App::seeded();
    app.run(&["seed"]).done();
    let check = |model: &str, options: &[&str], expected: &[&str], code: i32| {
        app.write("model/shelf.graphql", model);
        let plan = app.run(&[&["migrate", "plan"], options].concat());
        assert_eq!((plan.code, plan.err.as_str()), (Some(code), ""), "{}", plan.out);
        for words in expected {
            assert!(plan.out.contains(words), "{words}: {}", plan.out);
        }
    };
    let isbn = support::MODEL.replace("  title: String!", "  isbn: String!\n  pages: Int\n  title: String!");
    check(
        &isbn,
        &[],
        &[
            "Book.isbn is new; it is required, and nothing says what stored records get (blocked)\n  blocked: ",
            " would have no value in Book.isbn: ",
            "; give the field a `@default(to: …)` or a `@backfill(from: …)`, or remove its `!`\n",
            "Book.pages is new",
            " steps can't be taken yet: nothing is applied until you have fixed that\n",
        ],
        1,
    );
    let nameless = support::MODEL.replace("  name: String!\n", "");
    let lost = "Person.name is removed, with its stored values (loses data of ";
    let noticed = "clients of the API will notice:\n  breaking: Person.name is gone, from requests and responses\n";
    let forbidden = " would lose data: if the data can go, run `backstay migrate apply \
                     --allow-data-loss`\n";
    check(&nameless, &[], &[lost, noticed, forbidden], 1);
    check(&nameless, &["--allow-data-loss"], &[lost, "run `backstay migrate apply --allow-data-loss`; "], 0);
    check(
        &support::MODEL.replace("  name: String!\n", "  name: String! @unique\n"),
        &[],
        &["Person gets the unique index", "; no two records may share these values", " UNIQUE INDEX"],
        0,
    );
    check(
        &support::MODEL.replace("type Book\n", "type Book @index(fields: [\"title\"])\n"),
        &[],
        &[
            "Book gets the index ix_book__title (blocks writes while it runs)\n    CREATE INDEX",
            "\n1 step to apply: run `backstay migrate apply`, or start `backstay serve`\n",
        ],
        0,
    );
    check(support::MODEL, &[], &["nothing to do: the database matches the model\n"], 0);
}

#[test]
fn a_migration_is_for_programs_too() {
    let app = App::seeded();
    app.run(&["seed"]).done();
    app.write("model/shelf.graphql", &support::MODEL.replace("  name: String!\n", ""));
    let plan = app.run(&["migrate", "plan", "--format", "json"]);
    let plan: serde_json::Value = serde_json::from_str(&plan.out).expect("JSON");
    let first = &plan["steps"][0];
    assert_eq!((&plan["applicable"], &first["risk"]), (&false.into(), &"loses-data".into()), "{plan}");
    assert_eq!(first["api"]["breaking"], true, "{plan}");
    let refused = app.run(&["migrate", "apply", "--format", "json"]);
    assert_eq!((refused.code, refused.out), (Some(1), format!("{plan}\n")));
    let applied = app.run(&["migrate", "apply", "--format", "json", "--allow-data-loss"]).done();
    let applied: serde_json::Value = serde_json::from_str(&applied).expect("JSON");
    assert_eq!((&applied["created"], &applied["steps"]), (&false.into(), &plan["steps"]), "{applied}");
    assert_eq!(app.run(&["migrate", "plan"]).done(), "nothing to do: the database matches the model\n");
}

/// Roles of accounts and keys, what keys are limited to, and which seed files are loaded are stored by name.
#[test]
fn stored_names_follow_renames() {
    let app = App::seeded();
    app.write("backstay.toml", "[accounts]\nsign_up = \"invited\"\n");
    app.run(&["seed"]).done();
    app.run(&["key", "add", "importer", "--role", "LIBRARIAN", "--only", "books:search", "--only", "persons:get"])
        .done();
    app.run(&["invite", "cy@shelf.example", "--role", "LIBRARIAN"]).done();
    let renamed = support::MODEL
        .replace("LIBRARIAN READER", "KEEPER @renamed(from: \"LIBRARIAN\") READER")
        .replace("'LIBRARIAN'", "'KEEPER'")
        .replace("type Book\n", "type Volume @renamed(from: \"Book\")\n")
        .replace("[Book!]", "[Volume!]");
    app.write("model/shelf.graphql", &renamed);
    std::fs::rename(app.path().join("seed/Book.jsonl"), app.path().join("seed/Volume.jsonl")).expect("a file");
    app.run(&["migrate", "apply"]).done();
    assert!(app.run(&["role", "list", "ada@shelf.example"]).done().contains("KEEPER"));
    let keys = app.run(&["key", "list", "--format", "json"]).done();
    assert!(keys.contains("KEEPER") && keys.contains("volumes:search") && !keys.contains("LIBRARIAN"), "{keys}");
    assert!(app.run(&["invite", "list"]).done().contains("KEEPER"));
    assert_eq!(app.run(&["seed"]).done(), "0 records loaded\n");
    let listed = app.run(&["explain", "--as", "importer", "GET /api/volumes"]).done();
    assert!(!listed.contains("refused"), "{listed}");
}

/// Where another type holds the accounts, nobody is signed in as one of the old ones.
#[test]
fn sessions_end_with_the_accounts_that_they_are_of() {
    let app = App::seeded();
    app.run(&["seed"]).done();
    let server = app.serve();
    let credentials = r#"{"email": "ada@shelf.example", "password": "correct horse"}"#;
    let (_, signed_in) = server.ask("POST", "/auth/sign-in", None, credentials);
    let token = signed_in["token"].as_str().expect("a token").to_owned();
    assert_eq!(server.ask("GET", "/auth/me", Some(&token), "").0, 200);
    server.stop();
    let moved = support::MODEL.replace("type Person @identity", "type Person")
        + "type Member @identity @allow(read: \"true\") { email: Email! @unique }\n";
    app.write("model/shelf.graphql", &moved);
    app.run(&["migrate", "apply", "--allow-data-loss"]).done();
    let server = app.serve();
    assert_eq!(server.ask("GET", "/auth/me", Some(&token), "").0, 401);
    assert_eq!(server.ask("POST", "/auth/sign-in", None, credentials).0, 401);
}

/// Nobody keeps a role that is gone, so that none comes back with another meaning.
#[test]
fn removed_roles_are_taken_from_those_who_have_them() {
    let app = App::seeded();
    app.run(&["seed"]).done();
    app.run(&["key", "add", "importer", "--role", "READER", "--role", "LIBRARIAN"]).done();
    app.write("model/shelf.graphql", &support::MODEL.replace("LIBRARIAN READER", "LIBRARIAN"));
    let plan = app.run(&["migrate", "plan"]).out;
    let lost = "the role READER is removed, also from accounts, keys and invitations (loses data of 1 record)\n  note: 1 key has \
                it\n";
    assert!(plan.contains(lost), "{plan}");
    app.run(&["migrate", "apply", "--allow-data-loss"]).done();
    app.write("model/shelf.graphql", support::MODEL);
    app.run(&["migrate", "apply"]).done();
    let keys = app.run(&["key", "list", "--format", "json"]).done();
    assert!(keys.contains("LIBRARIAN") && !keys.contains("READER"), "{keys}");
}

#[test]
fn commands_that_look_make_nothing() {
    let app = App::new();
    let explain = ["explain", "GET /api/books"];
    let looks: [&[&str]; 5] = [
        &explain,
        &["operator", "list"],
        &["key", "list"],
        &["role", "list", "ada@shelf.example"],
        &["role", "grant", "ada@shelf.example", "READER"],
    ];
    for arguments in looks {
        let refused = app.run(arguments).refused();
        let none = "error: there is no database in ./.backstay yet\n  help: create it with `backstay dev`, `backstay serve` or \
                    `backstay migrate apply`\n";
        assert_eq!(refused, none, "{arguments:?}");
        assert!(!app.data().exists(), "{arguments:?}");
    }
    app.run(&["key", "add", "importer"]).done();
    app.run(&explain).done();
    assert!(app.run(&["key", "list"]).done().contains("importer"));
}

#[test]
fn commands_do_not_migrate() {
    let app = App::seeded();
    app.run(&["seed"]).done();
    let before = app.stored_models();
    app.write("model/more.graphql", "extend type Book { pages: Int }");
    let commands: [&[&str]; 7] = [
        &["explain", "GET /api/books"],
        &["operator", "list"],
        &["operator", "add", "ada@shelf.example", "--password-stdin"],
        &["role", "grant", "ben@shelf.example", "READER"],
        &["key", "add", "importer"],
        &["account", "show", "ben@shelf.example"],
        &["seed"],
    ];
    for arguments in commands {
        let refused = app.run_with(arguments, "a long password\n", &[]).refused();
        let differs = "error: the database does not match the model: Book.pages is new; it is null in stored \
                       records\n  help: run `backstay migrate apply`, or start `backstay serve`; `backstay migrate \
                       plan` shows the steps\n";
        assert_eq!(refused, differs, "{arguments:?}");
        assert_eq!(app.stored_models(), before, "{arguments:?}");
    }
    app.write("model/more.graphql", "extend type Book { pages: Int  isbn: String! }");
    let refused = app.run(&["explain", "GET /api/books"]).refused();
    assert!(
        refused.ends_with(
            "  help: `backstay migrate plan` shows the steps, and what to do about those that aren't taken by \
             themselves\n"
        ),
        "{refused}"
    );
    app.run(&["migrate", "apply"]).refused();
    app.write("model/more.graphql", "extend type Book { pages: Int }");
    app.run(&["migrate", "apply"]).done();
    assert_ne!(app.stored_models(), before);
    app.run(&["explain", "GET /api/books"]).done();
}

#[test]
fn help_teaches() {
    let help = App::new().run(&["--help"]).done();
    for word in [
        "new",
        "serve",
        "check",
        "migrate",
        "operator",
        "account",
        "role",
        "key",
        "invite",
        "seed",
        "reset",
        "explain",
        "directives",
    ] {
        assert!(help.contains(word), "{word}");
    }
    assert!(help.contains("Examples:"));
    for (group, names) in [
        ("migrate", &["plan", "apply"][..]),
        ("operator", &["add", "password", "remove"]),
        ("account", &["add", "show", "password", "disable", "enable", "claim", "unclaim"]),
        ("role", &["grant", "revoke"]),
        ("key", &["add", "revoke"]),
        ("invite", &["revoke"]),
    ] {
        for name in names {
            let help = App::new().run(&[group, name, "--help"]).done();
            assert!(help.contains("Example") && help.contains(&format!("  backstay {group} {name}")), "{help}");
        }
    }
    for (asked, same) in [
        (&["help"][..], &["--help"][..]),
        (&["help", "serve"], &["serve", "--help"]),
        (&["help", "account", "claim"], &["account", "claim", "--help"]),
    ] {
        assert_eq!(App::new().run(asked).done(), App::new().run(same).done(), "{asked:?}");
    }
    assert_eq!(App::new().run(&["srve"]).code, Some(2));
}
