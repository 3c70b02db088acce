use std::sync::Arc;

use backstay_base::{FieldNumber, TypeNumber};
use backstay_live::VersionClock;
use backstay_model::{CollectionId, FieldId, Model};
use backstay_scalar::Value;
use backstay_store::{Change, CommitObserver};

use crate::engine::Dependency;

/// Moves the version clock with every commit: collection, record, and the old and new value of every indexed field.
#[derive(Debug)]
pub(crate) struct Publisher {
    clock: Arc<VersionClock>,
    /// By collection and field: whether an index starts with or holds the field.
    indexed: Vec<Vec<bool>>,
}

impl Publisher {
    pub(crate) fn new(clock: Arc<VersionClock>, model: &Model) -> Self {
        let indexed = model.collections.iter().map(|collection| {
            let mut indexed = vec![false; collection.fields.len()];
            for index in &collection.indexes {
                for field in &index.fields {
                    indexed[usize::from(field.0)] = true;
                }
            }
            indexed
        });
        let indexed = indexed.collect();
        Self { clock, indexed }
    }

    fn publish(&self, changes: &[Change]) {
        for change in changes {
            let collection = change.collection;
            self.clock.bump(&live(&Dependency::Collection(collection)));
            self.clock.bump(&live(&Dependency::Record(collection, change.record)));
            for field in &change.fields {
                if self.indexed[usize::from(collection.0)][usize::from(field.field.0)] {
                    for value in [&field.old, &field.new] {
                        self.clock.bump(&field_dependency(collection, field.field, value));
                    }
                }
            }
        }
    }
}

impl CommitObserver for Publisher {
    fn before_commit(&self, changes: &[Change]) {
        self.publish(changes);
    }

    fn after_commit(&self, changes: &[Change]) {
        self.publish(changes);
    }

    fn foreign_change(&self) {
        self.clock.bump_all();
    }
}

/// The dependency as the clock knows it. Within one process the indexes of the loaded model serve as numbers.
pub(crate) fn live(dependency: &Dependency) -> backstay_live::Dependency {
    let number = |collection: &CollectionId| TypeNumber(u32::from(collection.0));
    match dependency {
        Dependency::Collection(collection) => backstay_live::Dependency::Collection(number(collection)),
        Dependency::Record(collection, record) => backstay_live::Dependency::Record(number(collection), *record),
        Dependency::Field(collection, field, value) => field_dependency(*collection, *field, value),
    }
}

fn field_dependency(collection: CollectionId, field: FieldId, value: &Value) -> backstay_live::Dependency {
    let hash = match value {
        Value::Text(text) => backstay_live::Dependency::hash_value(&**text),
        Value::Id(id) => backstay_live::Dependency::hash_value(id),
        Value::Int(number) => backstay_live::Dependency::hash_value(number),
        Value::Bool(truth) => backstay_live::Dependency::hash_value(truth),
        Value::Timestamp(moment) => backstay_live::Dependency::hash_value(moment),
        Value::Date(date) => backstay_live::Dependency::hash_value(date),
        Value::Decimal(number) => backstay_live::Dependency::hash_value(number),
        // All other values of a field share a counter: needless misses, never a stale hit.
        _ => 0,
    };
    let (collection, field) = (TypeNumber(u32::from(collection.0)), FieldNumber(u32::from(field.0)));
    backstay_live::Dependency::Field(collection, field, hash)
}
