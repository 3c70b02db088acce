//! Keeps records: connections, transactions, group commit, the catalog, migrations, the commit log and idempotency
//! records. The only crate that knows a database driver; knows nothing of rights, rules or JSON.

#[cfg(feature = "postgres")]
mod adopt;
mod backup;
mod catalog;
mod change;
mod commit_id;
mod copy;
mod database;
mod dependency;
mod due_sums;
mod error;
mod idempotency;
mod interest;
mod job;
mod log;
mod log_check;
mod mark;
mod migration;
mod moment;
mod options;
mod own;
#[cfg(feature = "postgres")]
mod postgres;
mod pruning;
mod read;
mod sequence;
mod server;
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

#[cfg(feature = "postgres")]
pub use adopt::{
    AdoptError, AdoptedColumn, AdoptedLink, AdoptedTable, Adoption, CountedMisfits, Deletion, FoundCheck, FoundColumn,
    FoundEnum, FoundIndex, FoundReference, FoundTable, FoundUnique, RefusedStep, Retyped, RowSecurity, Survey,
    TableKind, TypeFamily, ValuesOf,
};
pub use backstay_audit::{ChangeKind, Entry, LoggedChange, Origin, RecordKey, Root};
pub use backstay_model::{ApiChange, Risk};
#[cfg(feature = "postgres")]
pub use backstay_sql::adopt::Misfit;
pub use backup::{Checked, CopyError, CopyProgress, CopyStage, Restored, Restoring, Watch};
pub use catalog::Catalog;
pub use change::{Change, ChangedField, CommitObserver, Committed};
pub use commit_id::CommitId;
pub use copy::Copied;
pub use dependency::DependencyKeys;
pub use due_sums::{DueSum, QueuePlace};
pub use error::{Cause, OpenError, StoreError};
pub use idempotency::{KeyClaim, Recall};
pub use interest::{Demand, Freshness};
pub use log::LogEntry;
pub use log_check::{LogError, VerifiedLog};
pub use mark::{LogMark, SealedCommit, SealedMark};
pub use options::{Location, Migration, OpenOptions};
pub use pruning::{LogHorizon, Pruned};
pub use read::{ReadStats, ReplicaCount, RowSink};
pub use sequence::Series;
pub use server::ServerProblem;
pub use setup::{Records, Stored};
pub use step::{Finding, OnProgress, Outcome, Progress, Step};
pub use store::{Opened, Store};
pub use tx::{Executed, Tx};
pub use work::{Work, Writes};
