//! Keeps records: connections, transactions, group commit, the catalog, migrations, the commit log and idempotency
//! records. The only crate that knows a database driver; knows nothing of callers' rights, rules or JSON.

mod catalog;
mod change;
mod error;
mod idempotency;
mod log;
mod migration;
mod open;
mod own;
#[cfg(feature = "postgres")]
mod postgres;
mod read;
mod snapshot;
mod sqlite;
mod store;
mod tx;
mod work;

pub use backstay_audit::{ChangeKind, Origin};
pub use backstay_model::Risk;
pub use catalog::Catalog;
pub use change::{Change, ChangedField, CommitObserver};
pub use error::{Cause, OpenError, StoreError};
pub use idempotency::{KeyClaim, Recall};
pub use log::LogEntry;
pub use migration::Step;
pub use open::{Migration, OpenOptions, Opened, Outcome};
pub use read::{ReadStats, RowSink};
pub use store::Store;
pub use tx::{Executed, Tx};
pub use work::{Work, Writes};
