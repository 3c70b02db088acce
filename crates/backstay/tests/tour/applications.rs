//! Whole applications, whose models use the language together: the requests of their READMEs, from start to end.

use std::path::Path;

use crate::walkthrough;

#[test]
fn split_it() {
    walkthrough::walk_application(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/applications/split-it"));
}

#[test]
fn finance() {
    walkthrough::walk_application(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/applications/finance"));
}

#[test]
fn todo() {
    walkthrough::walk_application(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/applications/todo"));
}

#[test]
fn website() {
    walkthrough::walk_application(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/applications/website"));
}

#[test]
fn shop() {
    walkthrough::walk_application(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/applications/shop"));
}
