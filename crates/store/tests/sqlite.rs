//! The store on SQLite: the cases of every database.

mod conformance;
#[path = "conformance/each.rs"]
mod each;

use std::sync::Arc;

use backstay_store::{OpenOptions, Store};
use backstay_testkit::{TestClock, controlled};
use conformance::script::{MODEL, Told, model};
use each::conformance;
use tempfile::TempDir;

#[expect(clippy::unused_async, reason = "the cases call it as they call its PostgreSQL counterpart")]
async fn store(told: Arc<Told>, clock: &TestClock) -> (Store, TempDir) {
    let directory = TempDir::new().expect("a directory");
    let options = OpenOptions::new(directory.path());
    let opened = Store::open(&options, &model(MODEL), controlled(clock, 1), told).expect("a database");
    (opened.store, directory)
}

conformance!(store);
