//! How records are found that relations name by a unique key.

use backstay_base::{RecordId, ViolationKind, limits};
use backstay_engine::{ByKey, Missing, Referred};
use backstay_model::{CollectionId, Field};

/// Finds the records that relations name by a unique key, or leaves that to the transaction.
pub trait RelationReader {
    /// The record that this object names, if it was found before.
    fn known(&mut self, target: CollectionId, raw: &str) -> Option<RecordId>;

    /// The record that this object names, which has this meaning.
    fn find(&mut self, raw: &str, named: ByKey) -> Result<Referred, ViolationKind>;

    /// How many records a relation may name.
    fn most(&self) -> usize {
        limits::LIST_ITEMS
    }
}

/// Requests look records up in their transaction, with the rights of their caller.
pub(crate) struct InTransaction;

impl RelationReader for InTransaction {
    fn known(&mut self, _: CollectionId, _: &str) -> Option<RecordId> {
        None
    }

    fn find(&mut self, _: &str, named: ByKey) -> Result<Referred, ViolationKind> {
        Ok(Referred::ByKey(Box::new(named)))
    }
}

/// What a relation does if it names a record that isn't there.
pub(crate) fn missing(field: &Field) -> Missing {
    if field.connects { Missing::Create } else { Missing::Refuse }
}
