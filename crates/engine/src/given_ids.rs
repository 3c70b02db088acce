//! Ids that are given to new records.

use std::collections::{BTreeSet, HashMap};

use backstay_base::DependencyKey;
use backstay_model::CollectionId;

/// What a transaction knows of the ids that are given to new records, before it makes them one after the other.
#[derive(Debug, Default)]
pub(crate) struct GivenIds {
    /// The highest numbers.
    highest: HashMap<CollectionId, i64>,
    /// The last versions of deleted records that had these ids; `None` if there was none.
    versions: HashMap<DependencyKey, Option<i64>>,
}

impl GivenIds {
    /// This number will be given, too.
    pub(crate) fn expect(&mut self, collection: CollectionId, number: i64) {
        let highest = self.highest.entry(collection).or_insert(number);
        *highest = number.max(*highest);
    }

    /// The highest number that is given, with this one.
    pub(crate) fn highest(&self, collection: CollectionId, number: i64) -> i64 {
        self.highest.get(&collection).map_or(number, |highest| number.max(*highest))
    }

    /// Those of these records of which nothing is known yet.
    pub(crate) fn unknown(&self, records: impl Iterator<Item = DependencyKey>) -> BTreeSet<DependencyKey> {
        records.filter(|record| !self.versions.contains_key(record)).collect()
    }

    /// Of these records, those were deleted that have a last version.
    pub(crate) fn learn(&mut self, records: BTreeSet<DependencyKey>, last: &HashMap<DependencyKey, i64>) {
        self.versions.extend(records.into_iter().map(|record| (record, last.get(&record).copied())));
    }

    /// The last version of a deleted record, once that is known.
    pub(crate) fn last_version(&self, record: DependencyKey) -> Option<i64> {
        self.versions.get(&record).copied().flatten()
    }

    /// What is known of a record that is going to be deleted is known no longer.
    pub(crate) fn forget(&mut self, record: DependencyKey) {
        self.versions.remove(&record);
    }
}
