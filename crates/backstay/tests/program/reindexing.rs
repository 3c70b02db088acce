//! `backstay reindex`, with and without a server.

use std::process::Command;

use crate::support::{App, Server};

const MODEL: &str = r#"
extend schema @app(name: "Notes")
type Note @allow(read: "true", create: "true") @trash { # lint-ignore open-write (a test)
  number: Int!
  text: Text! @search(language: "en")
}
type Word @allow(read: "true", create: "true") @key(type: TEXT, given: true) { # lint-ignore open-write (a test)
  text: String! @search
}
type Plain @allow(read: "true") { text: String }
"#;

/// Changes the database by other means than Backstay.
fn disturb(app: &App, statements: &str) {
    let changed = Command::new("sqlite3").arg(app.data().join("backstay.db")).arg(statements).output();
    let changed = changed.expect("sqlite3 runs");
    assert!(changed.status.success(), "{changed:?}");
}

fn found(server: &Server, search: &str) -> usize {
    server.get(&format!("/api/{search}"))["items"].as_array().expect("items").len()
}

#[test]
fn an_index_is_built_anew_while_its_server_runs_and_without_one() {
    let app = App::empty();
    app.write("model/notes.graphql", MODEL);
    let server = app.serve();
    for number in 0..250 {
        let body = format!("{{\"number\": {number}, \"text\": \"running {number}\"}}");
        assert_eq!(server.ask("POST", "/api/notes", None, &body).0, 201);
    }
    for id in ["one", "two"] {
        assert_eq!(server.ask("POST", "/api/words", None, &format!("{{\"id\":\"{id}\",\"text\":\"moon\"}}")).0, 201);
    }
    let all = |server: &Server| {
        let notes = |word: &str| found(server, &format!("notes?search={word}&limit=100"));
        (notes("walks"), found(server, "words?search=moon"), found(server, "words?search=sun"))
    };
    assert_eq!(all(&server), (0, 2, 0));
    assert_eq!(server.stop(), Some(0));
    disturb(
        &app,
        "UPDATE note SET text = 'walking ' || number WHERE number >= 200;
        UPDATE word SET text = 'sun' WHERE id = 'two'",
    );
    let server = app.serve();
    assert_eq!(all(&server), (0, 2, 0));
    assert_eq!(app.run(&["reindex"]).done(), "Note: 250 records in the index\nWord: 2 records in the index\n");
    assert_eq!(all(&server), (50, 1, 1));
    assert_eq!(app.run(&["reindex", "words"]).done(), "Word: 2 records in the index\n");
    assert_eq!(all(&server), (50, 1, 1));
    let told: serde_json::Value =
        serde_json::from_str(&app.run(&["reindex", "words", "--format", "json"]).done()).expect("JSON");
    assert_eq!(told["reindexed"]["collections"], serde_json::json!([{ "collection": "Word", "records": 2 }]));
    assert_eq!(told["reindexed"].get("next"), None, "{told}");
    let refused = app.run(&["reindex", "Plain"]).refused();
    assert!(refused.contains("Plain has no field with `@search`"), "{refused}");
    assert_eq!(server.stop(), Some(0));
    assert_eq!(app.run(&["reindex", "Note"]).done(), "Note: 250 records in the index\n");
    let server = app.serve();
    assert_eq!(all(&server), (50, 1, 1));
}
