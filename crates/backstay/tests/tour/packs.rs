//! Runs docs/packs.md, and another application that includes the same pack.

use std::fs;
use std::path::{Path, PathBuf};

use crate::walkthrough::{self, Database, Served, copy};

/// The packs that are part of the repository.
fn packs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../packs")
}

/// The models in a document, each with the path in its first line.
fn models(document: &str) -> Vec<(&str, &str)> {
    let blocks = document.split("```graphql\n# ").skip(1);
    blocks
        .map(|block| block.split("```").next().expect("a block").split_once('\n').expect("a path and a model"))
        .collect()
}

#[test]
fn the_document_about_packs_does_what_it_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/packs.md");
    let document = fs::read_to_string(&path).expect("the document is there");
    let place = tempfile::tempdir().expect("a temporary directory");
    let application = place.path().join("application");
    copy(&packs(), &application.join("packs"));
    let models = models(&document);
    assert_eq!(models.len(), 3);
    for (name, text) in models {
        let file = application.join(name);
        if name.starts_with("packs/") {
            assert_eq!(text, fs::read_to_string(&file).expect("the pack"), "{name}");
        } else {
            fs::create_dir_all(file.parent().expect("a directory")).expect("a directory");
            fs::write(file, text).expect("a file");
        }
    }
    fs::write(application.join("backstay.toml"), "[accounts]\nsign_up = \"open\"\n").expect("a file");
    let within = application.clone();
    walkthrough::walk(&path, &Served::start(place, (&application, &within), Database::Sqlite));
}

walkthrough::on_each_database! {
    fn trails(database) {
        let application = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/applications/trails");
        walkthrough::walk_application_with(&application, database, |copied| copy(&packs(), &copied.join("packs")));
    }
}
