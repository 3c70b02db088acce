//! Runs the examples of docs/api.md that select and list records, against the newsroom.

use std::fs;
use std::path::Path;

use crate::walkthrough::{self, Database, Served, copy};

/// Stands before the examples: the record that they name.
const PRELUDE: &str = "```sh
ID=$(curl -s 'http://localhost:8080/api/posts?select=id&title=What%20the%20moon%20weighs' | jq -r '.items[0].id')
```
";

crate::walkthrough::on_each_database! {
    fn selections_and_lists_answer_as_documented(database) {
        walk_sections(database);
    }
}

fn walk_sections(database: Database) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let path = root.join("docs/api.md");
    let document = fs::read_to_string(&path).expect("the document is there");
    let start = document.find("### Select fields").expect("the first section");
    let end = document.find("## Records of several types").expect("the section after the last one");

    let place = tempfile::tempdir().expect("a temporary directory");
    let application = place.path().join("application");
    copy(&root.join("examples/newsroom"), &application);
    let excerpt = place.path().join("api.md");
    fs::write(&excerpt, format!("{PRELUDE}{}", &document[start..end])).expect("a file");
    let within = application.clone();
    let served = Served::start(place, (&application, &within), database);
    walkthrough::walk(&excerpt, &served);
    if served.is_embedded() && std::env::var_os("TOUR_BLESS").is_some() {
        let blessed = fs::read_to_string(&excerpt).expect("the excerpt");
        let blessed = blessed.strip_prefix(PRELUDE).expect("the prelude stays");
        fs::write(&path, format!("{}{blessed}{}", &document[..start], &document[end..])).expect("it can be written");
    }
}
