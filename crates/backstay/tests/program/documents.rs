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

#[test]
fn every_command_is_documented() {
    let (document, app) = (document("docs/commands.md"), App::new());
    let groups: [(&str, &[&str]); 10] = [
        ("serve", &[]),
        ("check", &[]),
        ("migrate", &["plan", "apply"]),
        ("seed", &[]),
        ("operator", &["add", "list", "password", "remove"]),
        ("account", &["show", "password", "disable", "enable", "claim", "unclaim"]),
        ("role", &["grant", "revoke", "list"]),
        ("key", &["add", "list", "revoke"]),
        ("invite", &["list", "revoke"]),
        ("explain", &[]),
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
