//! Runs the walk through an example in its README, and compares every answer with the one in the README.
//!
//! One shell runs all blocks marked `sh`. The block after one, marked `json`, `http` or `text`, is its expected output.
//! There `…` stands for any text; as an element of a list, for any further elements; as a name in an object, for any
//! further members. Of an answer marked `http`, only the headers in the README are compared.
//!
//! With `TOUR_BLESS=1` in the environment, answers that differ are written to the README instead.

mod matching;
mod readme;
mod served;

use std::fs;
use std::path::Path;

use readme::Readme;
pub(crate) use served::{Database, Served, copy};

/// Makes two tests of each function: on SQLite and on PostgreSQL.
macro_rules! on_each_database {
    ($($(#[$attribute:meta])* fn $name:ident($database:ident) $body:block)*) => {$(
        mod $name {
            use super::*;

            fn walk($database: crate::walkthrough::Database) $body

            #[test]
            fn on_sqlite() {
                walk(crate::walkthrough::Database::Sqlite);
            }

            #[test]
            fn on_postgresql() {
                walk(crate::walkthrough::Database::Postgres);
            }
        }
    )*};
}
pub(crate) use on_each_database;

/// Serves a copy of an example and walks through its README. `prepare` adds to the copy what is not part of the
/// repository.
pub(crate) fn walk_example(example: &str, database: Database, prepare: impl FnOnce(&Path)) {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples").join(example);
    let place = tempfile::tempdir().expect("a temporary directory");
    let within = place.path().to_owned();
    let application = within.join("examples").join(example);
    served::copy(&source, &application);
    prepare(&application);
    walk(&source.join("README.md"), &Served::start(place, (&application, &within), database));
}

/// Serves a copy of an application and walks through its README.
pub(crate) fn walk_application(source: &Path, database: Database) {
    walk_application_with(source, database, |_| ());
}

/// The same where `prepare` adds to the copy.
pub(crate) fn walk_application_with(source: &Path, database: Database, prepare: impl FnOnce(&Path)) {
    let place = tempfile::tempdir().expect("a temporary directory");
    let application = place.path().join("application");
    served::copy(source, &application);
    prepare(&application);
    let within = application.clone();
    walk(&source.join("README.md"), &Served::start(place, (&application, &within), database));
}

/// Walks through a README of what is served.
pub(crate) fn walk(path: &Path, served: &Served) {
    let text = fs::read_to_string(path).expect("there is a README");
    let mut readme = Readme::parse(&text);
    let outputs = served.run(&readme.scripts());

    let mut faults = Vec::new();
    for (step, output) in readme.steps.iter_mut().zip(outputs) {
        let Some(answer) = &mut step.answer else { continue };
        if !served.is_embedded() {
            answer.forget_statements();
        }
        if let Err(fault) = matching::check(answer, &output) {
            faults.push(format!("line {}: {fault}\n{}\nwrites\n{output}", step.line, step.script));
            answer.text = matching::masked(answer.kind, &output);
        }
    }
    if served.is_embedded() && std::env::var_os("TOUR_BLESS").is_some() {
        fs::write(path, readme.with_answers(&text)).expect("the README can be written");
    } else {
        assert!(faults.is_empty(), "{}:\n\n{}", path.display(), faults.join("\n\n"));
    }
}
