//! A database that is reachable by a second mount. It stands alone, because a process that is being started holds the locks
//! of its parent until it runs another program: other tests would find their databases locked.
#![cfg(target_os = "linux")]

mod conformance;

use std::fs;
use std::path::Path;
use std::sync::Arc;

use backstay_base::Ambient;
use backstay_store::{OpenError, OpenOptions, Opened, Outcome, Store};
use conformance::script::{MODEL, model};
use tempfile::TempDir;

fn open(directory: &Path) -> Result<Opened, OpenError> {
    Store::open(&OpenOptions::new(directory), &model(MODEL), Ambient::system(), Arc::new(()))
}

#[test]
fn a_second_mount_of_a_database_is_noticed() {
    struct Mounted(std::path::PathBuf);
    impl Drop for Mounted {
        fn drop(&mut self) {
            drop(std::process::Command::new("umount").arg(&self.0).status());
        }
    }
    let (first, second) = (TempDir::new().expect("a directory"), TempDir::new().expect("a directory"));
    let running = open(first.path()).expect("a database").store;
    let (path, mounted) = (first.path().join("backstay.db"), second.path().join("backstay.db"));
    fs::write(&mounted, "").expect("a file to mount it on");
    let mount = std::process::Command::new("mount").arg("--bind").args([&path, &mounted]).output();
    if !mount.is_ok_and(|output| output.status.success()) {
        eprintln!("the tests may not mount anything; skipped");
        return;
    }
    let _mounted = Mounted(mounted.clone());
    let error = open(second.path()).expect_err("refused");
    assert!(matches!(&error, OpenError::LockedElsewhere { path } if *path == mounted), "{error:?}");
    running.close();
    assert_eq!(open(second.path()).expect("the database").outcome, Outcome::Unchanged);
}
