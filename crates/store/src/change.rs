use backstay_audit::{ChangeKind, RecordKey};
use backstay_base::DependencyKey;
use backstay_model::{CollectionId, FieldId};
use backstay_scalar::Value;

/// One record's part in a commit.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// The record's collection.
    pub collection: CollectionId,
    /// The record.
    pub record: RecordKey,
    /// What was done to it.
    pub kind: ChangeKind,
    /// Its version after the change; of a deleted record the last it had.
    pub version: i64,
    /// The fields that changed, each once. For a created record all that have a value; for one that was deleted, moved to
    /// the trash or restored those whose values the feed needs: the indexed ones. For a link or unlink the one relation.
    pub fields: Vec<ChangedField>,
}

/// One field that changed. The store itself keeps values that the model classifies out of the log.
#[derive(Debug, Clone, PartialEq)]
pub struct ChangedField {
    /// Which.
    pub field: FieldId,
    /// The stored value before; null in a create.
    pub old: Value,
    /// The stored value after; null in a delete. For a link or unlink the list of ids that were linked or unlinked.
    pub new: Value,
}

/// What one commit contains: at least one change.
#[derive(Debug, Clone, Copy)]
pub struct Committed<'a> {
    /// The changes of its transactions, in order.
    pub changes: &'a [Change],
    /// The keys of everything that they change: of collections, records and values of indexed fields.
    pub keys: &'a [DependencyKey],
}

/// Observes commits, on the thread that makes them; must be quick and must not call the store.
pub trait CommitObserver: Send + Sync + 'static {
    /// Changes are about to become visible. They may still fail to.
    fn before_commit(&self, committed: Committed<'_>);
    /// The same changes are durable. No caller has been answered yet.
    fn after_commit(&self, committed: Committed<'_>);
    /// Another process committed changes of what has these keys.
    fn others_changed(&self, keys: &[DependencyKey]);
    /// Another process changed the database: anything may have changed.
    fn foreign_change(&self);
}

/// Observes nothing.
impl CommitObserver for () {
    fn before_commit(&self, _: Committed<'_>) {}
    fn after_commit(&self, _: Committed<'_>) {}
    fn others_changed(&self, _: &[DependencyKey]) {}
    fn foreign_change(&self) {}
}
