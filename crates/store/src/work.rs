use backstay_audit::Origin;
use backstay_base::limits;
use futures_util::future::BoxFuture;

use crate::{CommitId, Demand, StoreError, Tx};

/// What runs in one transaction, as a value that can be run again: on SQLite if another member of its group ended the
/// shared transaction, on PostgreSQL after a conflict. What an earlier run did is undone by then.
pub trait Work: Send + Sync + 'static {
    /// What it returns.
    type Output: Send + 'static;
    /// Why it failed; its changes are then undone.
    type Error: From<StoreError> + Send + 'static;

    /// The most that it will do.
    fn writes(&self) -> Writes;

    /// Who asked and for what: becomes part of the commit log if anything changes.
    fn origin(&self) -> Origin;

    /// For whom it is done, and until when it is of use.
    fn demand(&self) -> Demand;

    /// The steps of an embedded database that it may take, in thousands.
    fn kilo_steps(&self) -> u32 {
        limits::TRANSACTION_KILO_STEPS
    }

    /// It has changed something, which is this commit if it is committed; of several runs, the last one counts.
    fn logged(&self, _commit: CommitId) {}

    /// Runs it. It may await only `tx`: on SQLite a future that is pending for another reason fails with
    /// `StoreError::Pending`.
    fn run<'a>(&'a self, tx: &'a mut Tx<'_>) -> BoxFuture<'a, Result<Self::Output, Self::Error>>;
}

/// What a work will do, not counting its log entry and idempotency record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Writes {
    /// It only reads, all from one snapshot; it never waits for the writer.
    None,
    /// At most one statement that writes, after which it does not fail for reasons of its own. If it fails
    /// nevertheless, it alone is undone, but the others that share its commit are run again.
    One,
    /// Several statements: they are undone together, at the cost of a savepoint.
    Many,
    /// The same, and what it reads is still so when it commits, as far as other such transactions write it.
    Serializable,
}

impl Writes {
    /// Whether it is undone apart from others.
    pub fn is_undone_apart(self) -> bool {
        match self {
            Self::Many | Self::Serializable => true,
            Self::None | Self::One => false,
        }
    }
}
