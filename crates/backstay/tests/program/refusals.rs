//! Commands that cannot do what is asked, and the remedies that they name.

use std::fs;

use crate::support::App;

#[test]
fn an_invitation_that_nobody_could_use_is_refused_before_anything_is_made() {
    let app = App::new();
    let words = "error: sign-up is closed, so nobody could use the invitation\n  help: create the account with `backstay account add EMAIL`, or set accounts.sign_up = \"invited\" \
                 in backstay.toml and restart the server\n";
    assert_eq!(app.run(&["invite", "eve@shelf.example"]).refused(), words);
    assert!(!app.data().exists());
    let server = app.serve();
    assert_eq!(app.run(&["invite", "eve@shelf.example"]).refused(), words);
    app.write("backstay.toml", "accounts.sign_up = 'invited'");
    assert_eq!(app.run(&["invite", "eve@shelf.example"]).refused(), words, "the server has not been restarted");
    drop(server);
    app.run(&["invite", "eve@shelf.example"]).done();
}

#[test]
fn a_database_in_use_is_not_migrated() {
    let app = App::new();
    let server = app.serve();
    // Without its socket, the server can't be asked to do it.
    fs::remove_file(app.data().join("backstay.sock")).expect("a socket");
    let words = "error: another Backstay uses the database in ./.backstay; stop it, or choose another directory with \
                 --data\n";
    assert_eq!(app.run(&["migrate", "apply"]).refused(), words);
    drop(server);
    app.run(&["migrate", "apply"]).done();
}

#[test]
fn an_application_is_not_copied_for_its_database() {
    let app = App::seeded();
    app.run(&["seed"]).done();
    let (directory, data) = (app.path().display().to_string(), app.data().display().to_string());
    let words = "error: APP is an application's directory, not a data directory\n  help: the application's database is in \
                 APP/.backstay, unless its settings name another place\n";
    assert_eq!(app.run(&["copy", "--from", &directory, "--to", "copied"]).refused(), words);
    assert_eq!(app.run(&["copy", "--from", &data, "--to", &directory]).refused(), words);
}

#[test]
fn accounts_and_operators_are_told_apart() {
    let app = App::seeded();
    app.run(&["seed"]).done();
    app.run_with(&["operator", "add", "root@shelf.example", "--password-stdin"], "a long password\n", &[]).done();
    let check = |arguments: &[&str], expected: &str| {
        assert_eq!(app.run_with(arguments, "a long password\n", &[]).refused(), expected, "{arguments:?}");
    };
    let operator = "error: there is no account with this email address\n  help: root@shelf.example is an operator; for \
                    operators, use `backstay operator`\n";
    check(&["account", "show", "root@shelf.example"], operator);
    check(&["account", "disable", "root@shelf.example"], operator);
    check(&["account", "claim", "root@shelf.example", "floor=2"], operator);
    // An address is known in every form that it can be written in.
    app.run_with(&["operator", "add", "root@bücher.example", "--password-stdin"], "a long password\n", &[]).done();
    let other = "Root@XN--BCHER-KVA.example";
    check(&["account", "show", other], &operator.replace("root@shelf.example", other));
    let account = "error: there is no operator with this email address\n  help: ben@shelf.example is an account; for \
                   accounts, use `backstay account`\n";
    check(&["operator", "remove", "ben@shelf.example"], account);
    check(&["operator", "password", "ben@shelf.example", "--password-stdin"], account);
    check(&["account", "show", "eve@shelf.example"], "error: there is no account with this email address\n");
}

#[test]
fn a_role_that_was_not_held_is_not_said_to_be_revoked() {
    let app = App::seeded();
    app.run(&["seed"]).done();
    let revoked = app.run(&["role", "revoke", "ben@shelf.example", "READER"]).done();
    assert_eq!(revoked, "nothing to revoke: ben@shelf.example didn't have the role READER\n");
}

#[test]
fn the_body_of_a_request_is_json_and_no_file() {
    let app = App::new();
    app.run(&["key", "add", "importer"]).done();
    let explain = |body: &str| app.run(&["explain", "POST /api/books", "--body", body]).refused();
    let words = "error: the value of --body is not JSON: expected value at line 1 column 1\n  help: write the JSON \
                 itself; files aren't read, so use --body \"$(cat ";
    assert_eq!(explain("@book.json"), format!("{words}book.json)\"\n"));
    assert_eq!(explain("x"), format!("{words}FILE)\"\n"));
}

#[test]
fn a_path_into_an_application_leads_to_it() {
    let app = App::new();
    let check = |path: &str, meant: &str| {
        let refused = app.run(&["check", path]).refused();
        assert!(refused.ends_with(&format!("  help: did you mean `{meant}`?\n")), "{path}: {refused}");
    };
    check("model/shelf.graphql", ".");
    check("model", ".");
    check("./model", ".");
    let root = app.path().display().to_string();
    check(&format!("{root}/model"), "APP");
    check(&format!("{root}/model/shelf.graphql"), "APP");
    let refused = app.run(&["check", "/"]).refused();
    assert!(refused.contains("write the model in model/*.graphql"), "{refused}");
}

#[test]
fn a_model_file_beside_the_model_is_a_warning() {
    let app = App::new();
    app.write("more.graphql", "type More { x: Int }");
    let words = "warning[unread-file]: more.graphql is ignored: model files are read from `model/` only";
    let checked = app.run(&["check"]);
    assert_eq!(checked.code, Some(0), "{}", checked.err);
    assert!(checked.err.contains(words) && checked.err.contains("help: move it to `model/`"), "{}", checked.err);
    let told = app.run(&["key", "add", "importer"]);
    assert!(told.code == Some(0) && told.err.contains(words), "{}", told.err);
    let json = app.run(&["check", "--format", "json"]).done();
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(
        (&json["diagnostics"][0]["file"], &json["diagnostics"][0]["code"]),
        (&"more.graphql".into(), &"unread-file".into())
    );
}

#[test]
fn modules_that_make_too_much_for_a_copy_are_a_warning() {
    let app = App::empty();
    app.write(
        "model/large.graphql",
        "extend schema @app(name: \"Large\")\ntype Query { size: Int! @function @allow(call: \"true\") }\n",
    );
    app.write("functions/size.ts", "const table = [1, 2];\nexport const size = () => table.length;\n");
    let checked = app.run(&["check"]);
    assert!(checked.code == Some(0) && !checked.err.contains("warning"), "{}", checked.err);
    let table = "Array.from({ length: 50_000 }, (_, i) => ({ i, text: `number ${i}` }))";
    app.write("functions/size.ts", &format!("const table = {table};\nexport const size = () => table.length;\n"));
    let words =
        "warning[large-modules]: modules in `functions/` take more than 4 MiB of memory, so calls evaluate them again";
    let checked = app.run(&["check"]);
    assert!(checked.code == Some(0) && checked.err.contains(words), "{}", checked.err);
    assert_eq!(app.run(&["check", "--deny-warnings"]).code, Some(1));
    app.write("backstay.toml", "[log]\nformat = \"json\"\n");
    let server = app.serve();
    assert_eq!(server.ask("GET", "/do/size", None, ""), (200, serde_json::json!(50_000)));
    let log = server.stop_for_log();
    assert!(log.iter().any(|line| line.to_string().contains("large-modules")), "{log:?}");
}
