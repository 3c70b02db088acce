//! Keeps records: connections, transactions, group commit, the catalog, migrations, the commit log and idempotency
//! records. The only crate that knows a database driver; knows nothing of rights, rules or JSON.

mod backup;
mod catalog;
mod change;
mod database;
mod dependency;
mod due_sums;
mod error;
mod idempotency;
mod interest;
mod job;
mod log;
mod migration;
mod moment;
mod options;
mod own;
#[cfg(feature = "postgres")]
mod postgres;
mod read;
mod sequence;
mod server_functions;
mod session;
mod setup;
mod snapshot;
mod sqlite;
mod step;
mod store;
mod tombstones;
mod tx;
mod wait;
mod work;

pub use backstay_audit::{ChangeKind, Origin, RecordKey};
pub use backstay_model::{ApiChange, Risk};
pub use backup::{Checked, CopyError, CopyProgress, CopyStage, Restored, Restoring, Watch};
pub use catalog::Catalog;
pub use change::{Change, ChangedField, CommitObserver, Committed};
pub use dependency::DependencyKeys;
pub use due_sums::{DueSum, QueuePlace};
pub use error::{Cause, OpenError, StoreError};
pub use idempotency::{KeyClaim, Recall};
pub use interest::Demand;
pub use log::LogEntry;
pub use options::{Location, Migration, OpenOptions};
pub use read::{ReadStats, RowSink};
pub use sequence::Series;
pub use setup::Stored;
pub use step::{Finding, OnProgress, Outcome, Progress, Step};
pub use store::{Opened, Store};
pub use tx::{Executed, Tx};
pub use work::{Work, Writes};
