//! What the deletions of a transaction take along, and what of it the caller may be told if it is too much.

use std::collections::BTreeMap;

use backstay_base::{Action, Error, Excess, LargeDeletion, Limit, Remedy};
use backstay_model::{CollectionId, FieldId, Model};

use crate::application::CallerClass;

/// Where what is deleted goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// To the trash. References between records there stay.
    Trash,
    /// Nowhere: also records in the trash can't refer to it any more.
    Gone,
}

/// What goes with deleted records, as far as the caller sees it.
#[derive(Debug, Clone, Default)]
pub(crate) struct TakenAlong {
    deleted: BTreeMap<CollectionId, u64>,
    changed: BTreeMap<CollectionId, u64>,
    /// Where what was deleted goes, if there was a deletion.
    way: Option<Way>,
}

impl TakenAlong {
    /// A record is deleted.
    pub(crate) fn begin(&mut self, way: Way) {
        self.way = Some(way);
    }

    /// So many records are deleted because of another one.
    pub(crate) fn delete(&mut self, collection: CollectionId, records: usize) {
        *self.deleted.entry(collection).or_default() += records as u64;
    }

    /// So many records lose a reference to one that goes.
    pub(crate) fn change(&mut self, collection: CollectionId, records: usize) {
        *self.changed.entry(collection).or_default() += records as u64;
    }

    /// The error of a deletion that is too much for one request.
    pub(crate) fn refusal(&self, model: &Model, excess: Excess) -> Error {
        let named = |counted: &BTreeMap<CollectionId, u64>| {
            let mut named: Vec<(String, u64)> =
                counted.iter().map(|(of, count)| (model.collection(*of).name.clone(), *count)).collect();
            named.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
            named
        };
        let (deleted, changed) = (named(&self.deleted), named(&self.changed));
        let remedy = match self.way {
            // What was moved to the trash together comes back together, in one commit.
            Some(Way::Trash) => Remedy::DeleteFirst,
            Some(Way::Gone) | None => Remedy::OwnRequest,
        };
        Limit::Deletion(Box::new(LargeDeletion { excess, deleted, changed, remedy })).into()
    }

    /// The error of a transaction that took too long, if that may be due to what its deletions take along.
    pub(crate) fn explained(&self, model: &Model, error: Error) -> Error {
        let excess = match error {
            Error::Limit(Limit::Hold) => Excess::Hold,
            Error::Limit(Limit::Cost | Limit::WriteCost) => Excess::Work,
            other => return other,
        };
        match self.way {
            Some(_) => self.refusal(model, excess),
            None => error,
        }
    }
}

/// Whether a caller sees all records of a collection, and to which record each of them refers by a field: then it may be told how
/// many do.
pub(crate) fn sees_all(class: &CallerClass, collection: CollectionId, by: FieldId) -> bool {
    let may = |action| class.rights.rule(collection, action).allows();
    may(Action::Read) && may(Action::Search) && class.rights.field(collection, by, Action::Read).allows()
}
