use backstay_audit::Origin;
use futures_util::future::BoxFuture;

use crate::{StoreError, Tx};

/// One operation, as a value that can be run again: on SQLite when another operation of its group ended the shared
/// transaction, on PostgreSQL after a serialization failure. What an earlier run did is undone by then.
pub trait Work: Send + Sync + 'static {
    /// What it answers.
    type Output: Send + 'static;
    /// Why it failed; it is then undone.
    type Error: From<StoreError> + Send + 'static;

    /// What it will do, at the most.
    fn writes(&self) -> Writes;

    /// Who asked, when and for what: becomes part of the commit log if anything changes.
    fn origin(&self) -> Origin;

    /// Does it. Nothing but `tx` may be awaited: on SQLite a future that is pending for another reason is undone with
    /// `StoreError::Pending`.
    fn run<'a>(&'a self, tx: &'a mut Tx<'_>) -> BoxFuture<'a, Result<Self::Output, Self::Error>>;
}

/// What an operation will do. Log entry and idempotency record do not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Writes {
    /// It only reads, all from one snapshot; it never waits for the writer.
    None,
    /// At most one statement that writes, after which it does not fail for reasons of its own. If it fails
    /// nevertheless, it alone is undone, but the operations that share its commit are run again.
    One,
    /// Several: they are undone together, at the cost of a savepoint.
    Many,
}
