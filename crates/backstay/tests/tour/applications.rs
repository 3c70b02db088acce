//! Whole applications, whose models use the language together: the requests of their READMEs, from start to end.

use std::path::Path;

use crate::walkthrough::{Database, on_each_database, walk_application};

fn walk_one(name: &str, database: Database) {
    walk_application(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/applications").join(name), database);
}

on_each_database! {
    fn split_it(database) {
        walk_one("split-it", database);
    }

    fn finance(database) {
        walk_one("finance", database);
    }

    fn todo(database) {
        walk_one("todo", database);
    }

    fn website(database) {
        walk_one("website", database);
    }

    fn shop(database) {
        walk_one("shop", database);
    }
}
