//! A process that may open too few files gets an error that says so. A test binary of its own, because a process that is
//! being started briefly holds copies of the locks of this one.
#![cfg(target_os = "linux")]

mod conformance;

use std::path::Path;
use std::sync::Arc;

use backstay_base::Ambient;
use backstay_store::{OpenError, OpenOptions, Opened, Outcome, Store};
use conformance::script::{MODEL, model};
use tempfile::TempDir;

const DIRECTORY: &str = "BACKSTAY_OPEN_DIRECTORY";

fn open(directory: &Path) -> Result<Opened, OpenError> {
    Store::open(&OpenOptions::new(directory), &model(MODEL), Ambient::system(), Arc::new(()))
}

/// What the process with too few open files does.
#[test]
#[ignore = "run by the test below, in a process of its own"]
fn opens_with_too_few_files() {
    let path = std::env::var_os(DIRECTORY).expect("started by the other test");
    let error = open(Path::new(&path)).expect_err("refused");
    assert!(matches!(error, OpenError::OpenFiles(_)), "{error:?}");
}

#[test]
fn too_few_open_files_are_named() {
    let directory = TempDir::new().expect("a directory");
    open(directory.path()).expect("a database").store.close();
    // From too few for the first connection to too few for the last.
    for limit in [6, 8, 10, 12, 14] {
        let child = std::process::Command::new("sh")
            .arg("-c")
            .arg(format!("ulimit -n {limit}; exec \"$0\" --ignored --exact opens_with_too_few_files --nocapture"))
            .arg(std::env::current_exe().expect("this program"))
            .env(DIRECTORY, directory.path())
            .output()
            .expect("a process");
        assert!(child.status.success(), "{limit}: {}", String::from_utf8_lossy(&child.stderr));
    }
    assert_eq!(open(directory.path()).expect("it is intact").outcome, Outcome::Unchanged);
}
