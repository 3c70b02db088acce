//! The templates of `backstay new`: what is made of each is an application without faults, and its README is right.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::walkthrough::{self, Database, Served};

const NAME: &str = "Ada's place";

fn backstay(within: &Path, arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_backstay"))
        .args(arguments)
        .current_dir(within)
        .stdin(Stdio::null())
        .output()
        .expect("the program runs");
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && error.is_empty(), "{arguments:?}: {error}");
    String::from_utf8(output.stdout).expect("a text")
}

/// Makes an application, checks it, serves it, and walks through its README.
fn check((template, collections): (&str, &str), database: Database) {
    let place = tempfile::tempdir().expect("a temporary directory");
    backstay(place.path(), &["new", "app", "--template", template, "--name", NAME]);
    let application = place.path().join("app");
    assert_eq!(backstay(&application, &["check"]), format!("{NAME}: {collections}, no errors\n"));
    assert_eq!(backstay(&application, &["check", "--format", "json"]), "{\"diagnostics\":[]}\n", "nor warnings");

    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates").join(template).join("README.md");
    let text = fs::read_to_string(&readme).expect("the template has a README");
    let made = fs::read_to_string(application.join("README.md")).expect("the application has a README");
    assert_eq!(made, text.replace("{{name}}", NAME));
    walkthrough::walk(&readme, &Served::start(place, (&application, &application), database));
}

walkthrough::on_each_database! {
    fn blog(database) {
        check(("blog", "4 collections"), database);
    }

    fn shop(database) {
        check(("shop", "4 collections"), database);
    }

    fn tracker(database) {
        check(("tracker", "4 collections"), database);
    }

    fn empty(database) {
        check(("empty", "1 collection"), database);
    }
}

/// Every file of a template's directory is one that `backstay new` writes.
#[test]
fn no_file_of_a_template_is_forgotten() {
    for template in ["blog", "shop", "tracker", "empty"] {
        let place = tempfile::tempdir().expect("a temporary directory");
        backstay(place.path(), &["new", "app", "--template", template]);
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates").join(template);
        let mut expected = files(&source);
        expected.extend([".gitignore", ".graphqlrc.yml", "directives.graphql"].map(PathBuf::from));
        expected.sort();
        assert_eq!(files(&place.path().join("app")), expected, "{template}");
    }
}

/// The paths of all files in a directory, in order.
fn files(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).expect("a directory").flatten() {
        let name = PathBuf::from(entry.file_name());
        match entry.path().is_dir() {
            true => found.extend(files(&entry.path()).into_iter().map(|path| name.join(path))),
            false => found.push(name),
        }
    }
    found.sort();
    found
}
