//! How many small durable creates the store makes in a second, without rules or doors: a rough figure for work on the
//! store. The benchmark is `cargo xtask bench`.

mod conformance;

use std::sync::Arc;
use std::time::{Duration, Instant};

use backstay_base::Ambient;
use backstay_store::{OpenOptions, Store};
use conformance::script::{MODEL, create_author, model};
use tempfile::TempDir;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "only prints a figure: cargo test --release -p backstay-store --test speed -- --ignored --nocapture"]
async fn creates_in_a_second() {
    for clients in [1_u32, 64, 256] {
        let directory = TempDir::new().expect("a directory");
        let options = OpenOptions::new(directory.path());
        let opened = Store::open(&options, &model(MODEL), Ambient::system(), Arc::new(())).expect("a database");
        let end = Instant::now() + Duration::from_secs(3);
        let tasks = (0..clients).map(|client| {
            let store = opened.store.clone();
            tokio::spawn(async move {
                let mut made = 0_u32;
                while Instant::now() < end {
                    let number = made * clients + client;
                    let email = format!("{number:08}@example.org");
                    store.write(create_author(number, &email)).await.expect("a create");
                    made += 1;
                }
                made
            })
        });
        let mut made = 0;
        for task in tasks.collect::<Vec<_>>() {
            made += task.await.expect("a client");
        }
        println!("{clients} clients: {} creates a second", made / 3);
    }
}
