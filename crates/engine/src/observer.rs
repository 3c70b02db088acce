use std::sync::Arc;

use backstay_base::{DependencyKey, RecordId};
use backstay_live::VersionClock;
use backstay_model::{CollectionId, FieldId};
use backstay_scalar::Value;
use backstay_store::{CommitObserver, Committed, DependencyKeys};

/// What a remembered result depends on.
#[derive(Debug, Clone, PartialEq)]
pub enum Dependency {
    /// Any record of a collection.
    Collection(CollectionId),
    /// One record.
    Record(CollectionId, RecordId),
    /// The records whose indexed field has this value.
    Field(CollectionId, FieldId, Value),
}

/// Moves the version clock with every commit.
#[derive(Debug)]
pub(crate) struct Publisher {
    clock: Arc<VersionClock>,
}

impl Publisher {
    pub(crate) fn new(clock: Arc<VersionClock>) -> Self {
        Self { clock }
    }

    fn publish(&self, keys: &[DependencyKey]) {
        for key in keys {
            self.clock.bump(*key);
        }
    }
}

impl CommitObserver for Publisher {
    fn before_commit(&self, committed: Committed<'_>) {
        self.publish(committed.keys);
    }

    fn after_commit(&self, committed: Committed<'_>) {
        self.publish(committed.keys);
    }

    fn others_changed(&self, keys: &[DependencyKey]) {
        self.publish(keys);
    }

    fn foreign_change(&self) {
        self.clock.bump_all();
    }
}

/// The key of a dependency.
pub(crate) fn key(dependency: &Dependency, keys: &DependencyKeys) -> DependencyKey {
    match dependency {
        Dependency::Collection(collection) => keys.collection(*collection),
        Dependency::Record(collection, record) => keys.record(*collection, &(*record).into()),
        Dependency::Field(collection, field, value) => keys.field(*collection, *field, value),
    }
}
