//! The store on PostgreSQL, as every database has to behave.

mod conformance;
#[path = "conformance/each.rs"]
mod each;

use std::sync::{Arc, Mutex, PoisonError, Weak};

use backstay_base::Ambient;
use backstay_store::Store;
use backstay_testkit::Cluster;
use conformance::script::{MODEL, Told, model};
use each::conformance;

/// One server for all tests that run at the same time; the last of them stops it.
fn cluster() -> Arc<Cluster> {
    static CLUSTER: Mutex<Weak<Cluster>> = Mutex::new(Weak::new());
    let mut shared = CLUSTER.lock().unwrap_or_else(PoisonError::into_inner);
    shared.upgrade().unwrap_or_else(|| {
        let cluster = Arc::new(Cluster::start());
        *shared = Arc::downgrade(&cluster);
        cluster
    })
}

async fn store(told: Arc<Told>) -> (Store, Arc<Cluster>) {
    let cluster = cluster();
    let config = cluster.database();
    let opened = Store::open_postgres(&config, &model(MODEL), Ambient::system(), told).await;
    (opened.expect("a database").store, cluster)
}

conformance!(store);
