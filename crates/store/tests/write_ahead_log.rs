//! How long the write-ahead log may be.

mod conformance;

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use backstay_base::Ambient;
use backstay_sql::{Param, Statement};
use backstay_store::{OpenOptions, Store, Writes};
use conformance::script::{Act, MODEL, create_author, model, script};
use rusqlite::Connection;
use tempfile::TempDir;

const MIB: u64 = 1024 * 1024;

#[tokio::test]
async fn the_log_is_cut_once_no_reader_needs_it() {
    let directory = TempDir::new().expect("a directory");
    let options = OpenOptions::new(directory.path());
    let store = Store::open(&options, &model(MODEL), Ambient::system(), Arc::new(())).expect("a database").store;
    store.write(create_author(1, "a@example.org")).await.expect("a create");

    let reader = Connection::open(directory.path().join("backstay.db")).expect("the file");
    reader.execute_batch("BEGIN; SELECT count(*) FROM author").expect("a long read");
    for round in 0..24 {
        let name = Param::Text(format!("{round:02}").repeat(512 * 1024).into());
        let change = Statement::raw("UPDATE author SET name = ?", vec![name], &[]);
        store.write(script(Writes::One, [Act::Execute(change)])).await.expect("a long write");
    }
    let bytes = || fs::metadata(directory.path().join("backstay.db-wal")).expect("the log").len();
    assert!(bytes() > 24 * MIB, "{}: the reader keeps all of it", bytes());
    drop(reader);
    // The limit only keeps a broken build from waiting for ever.
    for _ in 0..600 {
        if bytes() == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(bytes(), 0, "the log of an idle store");
}
