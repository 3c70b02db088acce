use std::sync::Arc;

use backstay_base::DependencyKey;
use backstay_live::VersionClock;
use backstay_store::{CommitObserver, Committed, DependencyKeys};

use crate::engine::Dependency;

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
