//! Ids that are given to new records.

use std::collections::HashMap;

use backstay_base::DependencyKey;
use backstay_model::CollectionId;

/// What a transaction knows of the ids that are given to new records, before it makes them one after the other.
#[derive(Debug, Default)]
pub(crate) struct GivenIds {
    /// The highest numbers.
    pub(crate) highest: HashMap<CollectionId, i64>,
    /// The last versions of deleted records that had these ids; 0 if there was none.
    pub(crate) versions: HashMap<DependencyKey, i64>,
}

impl GivenIds {
    pub(crate) fn highest(&self, collection: CollectionId) -> i64 {
        self.highest.get(&collection).copied().unwrap_or(0)
    }

    /// What is known of a record that is going to be deleted is known no longer.
    pub(crate) fn forget(&mut self, record: DependencyKey) {
        self.versions.remove(&record);
    }
}
