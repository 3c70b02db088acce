//! Runs examples of docs/api.md against the newsroom: those that select and list records, and those that write some.

use std::fs;
use std::path::Path;

use crate::walkthrough::{self, Database, Served, copy};

/// The sections that are run, by how they begin and what comes after them.
const SECTIONS: [(&str, &str); 4] = [
    ("### Select fields", "## Records of several types"),
    ("### What a write returns", "## Create or replace a record"),
    ("## Several requests in one commit", "## Retry safely"),
    ("## See your own writes on every server", "## Conditional requests"),
];

/// Stands before the examples of each section: the records that they name, and who calls.
const PRELUDE: &str = r#"```sh
ID=$(curl -s 'http://localhost:8080/api/posts?select=id&title=What%20the%20moon%20weighs' | jq -r '.items[0].id')
POST=$(curl -s 'http://localhost:8080/api/posts?select=id&title=A%20quiet%20launch' | jq -r '.items[0].id')
TOKEN=$(curl -s http://localhost:8080/auth/sign-in \
  --json '{"email": "ben@example.org", "password": "staple paper scissors"}' | jq -r .token)
```
"#;

crate::walkthrough::on_each_database! {
    fn examples_answer_as_documented(database) {
        walk_sections(database);
    }
}

fn walk_sections(database: Database) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let path = root.join("docs/api.md");
    let place = tempfile::tempdir().expect("a temporary directory");
    let application = place.path().join("application");
    copy(&root.join("examples/newsroom"), &application);
    let excerpt = place.path().join("api.md");
    let within = application.clone();
    let served = Served::start(place, (&application, &within), database);
    for (from, to) in SECTIONS {
        let document = fs::read_to_string(&path).expect("the document is there");
        let start = document.find(from).expect("the section");
        let end = document.find(to).expect("the section after it");
        fs::write(&excerpt, format!("{PRELUDE}{}", &document[start..end])).expect("a file");
        walkthrough::walk(&excerpt, &served);
        if served.is_embedded() && std::env::var_os("TOUR_BLESS").is_some() {
            let blessed = fs::read_to_string(&excerpt).expect("the excerpt");
            let blessed = blessed.strip_prefix(PRELUDE).expect("the prelude stays");
            fs::write(&path, format!("{}{blessed}{}", &document[..start], &document[end..]))
                .expect("it can be written");
        }
    }
}
