//! The documents match the program.

use std::path::Path;

use crate::support::App;

fn document(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(name);
    std::fs::read_to_string(path).expect("the document is there")
}

#[test]
fn every_setting_is_documented() {
    let document = document("docs/configuration.md");
    let (_, rest) = document.split_once("<!-- keys -->\n").expect("a mark");
    let (table, _) = rest.split_once("<!-- /keys -->").expect("a mark");
    assert_eq!(
        table.trim(),
        backstay::reference().trim(),
        "docs/configuration.md must contain the output of `backstay::reference`"
    );
}

/// Whether a line of docs/commands.md shows how a command is written: `backstay operator list …`.
fn is_synopsis(line: &str, command: &[&str]) -> bool {
    let words = line.strip_prefix("`backstay ").and_then(|rest| rest.strip_suffix('`'));
    let Some(rest) = words.and_then(|words| words.strip_prefix(&command.join(" "))) else { return false };
    // `invite` is a command and a group.
    let next = rest.split_whitespace().next();
    (rest.is_empty() || rest.starts_with(' ')) && !matches!((command, next), (["invite"], Some("list" | "revoke")))
}

#[test]
fn every_member_of_an_answer_is_documented() {
    let (document, app) = (document("docs/commands.md"), App::seeded());
    app.write("backstay.toml", "accounts.sign_up = 'invited'");
    app.run(&["seed"]).done();
    let check = |arguments: &[&str], command: &str| {
        let ended = app.run_with(&[arguments, &["--format", "json"]].concat(), "a long password\n", &[]).done();
        let answer: serde_json::Value = serde_json::from_str(&ended).expect("JSON");
        let row = document.lines().find(|line| line.starts_with("| `") && line.contains(&format!("`{command}`")));
        let row = row.unwrap_or_else(|| panic!("{command} has no row"));
        let mut members = Vec::new();
        members_of(&answer, &mut members);
        for name in members.iter().filter(|name| *name != "answer") {
            assert!(row.contains(&format!("`{name}`")), "{name}: {row}");
        }
        assert!(row.contains(&format!("`{}`", answer["answer"].as_str().expect("a name"))), "{row}");
    };
    let ben = "ben@shelf.example";
    check(&["operator", "add", "a@shelf.example", "--password-stdin"], "operator add");
    check(&["operator", "list"], "operator list");
    check(&["operator", "password", "a@shelf.example", "--password-stdin"], "operator password");
    check(&["account", "add", "eve@shelf.example", "name=Eve"], "account add");
    check(&["account", "list"], "account list");
    check(&["account", "password", ben, "--password-stdin"], "account password");
    check(&["account", "show", ben], "account show");
    check(&["account", "verify", ben], "account verify");
    check(&["account", "unverify", ben], "account unverify");
    check(&["account", "disable", ben], "account disable");
    check(&["account", "enable", ben], "account enable");
    check(&["account", "claim", ben, "value=value"], "account claim");
    check(&["account", "unclaim", ben, "value"], "account unclaim");
    check(&["role", "grant", ben, "READER"], "role grant");
    check(&["role", "list", ben], "role list");
    check(&["role", "revoke", ben, "READER"], "role revoke");
    check(&["key", "add", "importer", "--only", "books:get"], "key add");
    check(&["key", "list"], "key list");
    check(&["key", "revoke", "importer"], "key revoke");
    check(&["job", "list"], "job list");
    check(&["invite", "eva@shelf.example"], "invite");
    check(&["invite", "list"], "invite list");
    check(&["invite", "revoke", "eva@shelf.example"], "invite revoke");
    check(&["explain", "GET /api/books"], "explain");
    check(&["log", "show"], "log show");
    check(&["log", "verify"], "log verify");
    check(&["log", "prune", "--keep", "90d"], "log prune");
    check(&["backup", "shelf.db"], "backup");
    check(&["restore", "shelf.db"], "restore");
    check(&["copy", "--from", ".backstay", "--to", "copied"], "copy");
}

/// The names of the members, down to the items of lists; not those within an explanation.
fn members_of(value: &serde_json::Value, names: &mut Vec<String>) {
    match value {
        serde_json::Value::Object(members) => {
            for (name, value) in members {
                names.push(name.clone());
                if name != "explanation" {
                    members_of(value, names);
                }
            }
        }
        serde_json::Value::Array(items) => items.iter().for_each(|item| members_of(item, names)),
        _ => {}
    }
}

#[test]
fn every_command_is_documented() {
    let (document, app) = (document("docs/commands.md"), App::new());
    let groups: [(&str, &[&str]); 28] = [
        ("new", &[]),
        ("serve", &[]),
        ("dev", &[]),
        ("check", &[]),
        ("test", &[]),
        ("bundle", &[]),
        ("migrate", &["plan", "apply"]),
        ("seed", &[]),
        ("import", &[]),
        ("export", &[]),
        ("backup", &[]),
        ("restore", &[]),
        ("copy", &[]),
        ("adopt", &[]),
        ("reindex", &[]),
        ("log", &["show", "verify", "prune"]),
        ("reset", &[]),
        ("operator", &["add", "list", "password", "remove"]),
        ("account", &["add", "list", "show", "password", "disable", "enable", "claim", "unclaim"]),
        ("role", &["grant", "revoke", "list"]),
        ("key", &["add", "list", "revoke"]),
        ("job", &["list", "show", "retry", "cancel"]),
        ("webhook", &["add", "list", "show", "test", "rotate", "replay", "disable", "enable", "remove"]),
        ("invite", &["list", "revoke"]),
        ("explain", &[]),
        ("inspect", &["on", "off", "show"]),
        ("client", &["typescript"]),
        ("directives", &[]),
    ];
    let help = app.run(&["--help"]).done();
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    assert_eq!(listed.filter(|line| !line.starts_with("  help ")).count(), groups.len(), "{help}");
    for (name, parts) in groups {
        let commands: Vec<Vec<&str>> = match parts {
            [] => vec![vec![name]],
            parts if name == "invite" => {
                [vec![name]].into_iter().chain(parts.iter().map(|part| vec![name, part])).collect()
            }
            parts => parts.iter().map(|part| vec![name, part]).collect(),
        };
        for command in commands {
            assert!(document.contains(&format!("backstay {}", command.join(" "))), "{command:?}");
            let help = app.run(&[command.as_slice(), &["--help"]].concat()).done();
            let synopsis = document.lines().find(|line| is_synopsis(line, &command));
            let synopsis = synopsis.unwrap_or_else(|| panic!("{command:?} has no synopsis"));
            // Of these, it is the format of a file.
            let is_of_file = matches!(command.as_slice(), ["import" | "export"]);
            let expected = help.contains("--format <") && !is_of_file;
            assert_eq!(synopsis.contains("[--format text|json]"), expected, "{synopsis}");
            let options = help.split_whitespace().filter(|word| word.starts_with("--") && word.len() > 2);
            for option in options.map(|word| word.trim_end_matches(|c: char| !c.is_alphanumeric())) {
                assert!(document.contains(option), "{command:?} {option}");
            }
        }
    }
}

#[test]
fn the_model_of_the_readme_is_a_model() {
    let readme = document("README.md");
    let (_, rest) = readme.split_once("```graphql\n").expect("a model");
    let (model, _) = rest.split_once("```").expect("its end");
    let app = App::new();
    app.write("model/shelf.graphql", model);
    assert_eq!(app.run(&["check"]).done(), "Diary: 2 collections, no errors\n");
    let output = app.run(&["check", "--format", "json"]);
    assert_eq!(output.done(), "{\"diagnostics\":[]}\n", "nor warnings");
}
