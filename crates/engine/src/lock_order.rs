//! In which order the records that a transaction writes are locked: the same for all of them, so that none waits for one that
//! waits for it.

use std::cmp::Reverse;

use backstay_model::{CollectionId, FieldId, Model};

use crate::commit_checks::CommitChecks;
use crate::deletion_order;
use crate::sums::Sums;

/// Records are locked before those that refer to them, and within a collection in the order of their ids.
#[derive(Debug)]
pub(crate) struct LockOrder {
    ranks: Vec<usize>,
    /// By collection: the records that a change of one of its records changes or asks, too, and the field that leads to them.
    owners: Vec<Vec<(CollectionId, FieldId)>>,
}

impl LockOrder {
    pub(crate) fn of(model: &Model, sums: &Sums, checks: &CommitChecks) -> Self {
        let ranks = deletion_order::ranks_by(model, |_| true);
        let owners = model.collections.iter().map(|collection| {
            let counted = sums.counted(collection.id).iter().filter(|counted| !counted.is_kept_soon);
            let of_sums = counted.map(|counted| (counted.sum.computed.collection, counted.membership.via));
            let of_checks = checks.as_children(collection.id).iter().map(|of| (of.owner, of.membership.via));
            let mut owners: Vec<_> = of_sums.chain(of_checks).collect();
            owners.sort_unstable();
            owners.dedup();
            owners
        });
        Self { ranks, owners: owners.collect() }
    }

    /// Where a collection comes in the order.
    pub(crate) fn place(&self, collection: CollectionId) -> impl Ord + use<> {
        (Reverse(self.ranks[usize::from(collection.0)]), collection)
    }

    /// The records that a change of one of the collection changes or asks, too, and its field that leads to them.
    pub(crate) fn owners(&self, collection: CollectionId) -> &[(CollectionId, FieldId)] {
        &self.owners[usize::from(collection.0)]
    }
}
