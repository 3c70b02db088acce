use std::sync::Arc;

use backstay_base::{DependencyKey, RecordId};
use backstay_live::{Seen, VersionClock};
use backstay_model::{CollectionId, FieldId};
use backstay_scalar::Value;
use backstay_store::{CommitObserver, Committed, DependencyKeys};
use tokio::sync::Notify;

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

/// The version clock, and who waits for it to move.
#[derive(Debug, Clone, Default)]
pub(crate) struct Published {
    pub(crate) clock: Arc<VersionClock>,
    moved: Arc<Notify>,
}

impl Published {
    /// Nothing that was read before holds.
    pub(crate) fn everything_has_changed(&self) {
        self.clock.bump_all();
        self.moved.notify_waiters();
    }
}

/// What was observed, to wait until it changes. It doesn't keep the application open.
#[derive(Debug, Clone)]
pub struct ChangeWatch {
    published: Published,
    seen: Seen,
}

impl ChangeWatch {
    pub(crate) fn new(published: Published, seen: Seen) -> Self {
        Self { published, seen }
    }

    /// Whether nothing of it has changed, as far as this process knows.
    pub fn is_unchanged(&self) -> bool {
        self.published.clock.unchanged(&self.seen)
    }

    /// Waits until something of it has changed, as far as this process knows.
    pub async fn changed(&self) {
        loop {
            let mut moved = std::pin::pin!(self.published.moved.notified());
            // What moves the clock from here on is noticed.
            moved.as_mut().enable();
            self.published.clock.awaits(&self.seen);
            if !self.is_unchanged() {
                return;
            }
            moved.await;
        }
    }
}

/// Moves the version clock with every commit.
#[derive(Debug)]
pub(crate) struct Publisher {
    published: Published,
}

impl Publisher {
    pub(crate) fn new(published: Published) -> Self {
        Self { published }
    }

    /// Moves the clock, and wakes those who wait for one of these keys: nobody, for most commits.
    fn publish(&self, keys: &[DependencyKey]) {
        let clock = &self.published.clock;
        if keys.iter().filter(|key| clock.bump_awaited(**key)).count() > 0 {
            self.published.moved.notify_waiters();
        }
    }
}

impl CommitObserver for Publisher {
    fn before_commit(&self, committed: Committed<'_>) {
        for key in committed.keys {
            self.published.clock.bump(*key);
        }
    }

    fn after_commit(&self, committed: Committed<'_>) {
        self.publish(committed.keys);
    }

    fn others_changed(&self, keys: &[DependencyKey]) {
        self.publish(keys);
    }

    fn foreign_change(&self) {
        self.published.everything_has_changed();
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
