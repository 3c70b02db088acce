use backstay_base::RecordId;
use backstay_expr::Sum;
use backstay_model::{CollectionId, FieldId, Model};
use backstay_scalar::Value;

/// How the records of a collection belong to those of another one: by a to-one field, as long as they aren't in the trash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Membership {
    pub(crate) via: FieldId,
    /// The field that says since when a record is in the trash.
    pub(crate) trashed: Option<FieldId>,
}

impl Membership {
    pub(crate) fn of(model: &Model, (collection, via): (CollectionId, FieldId)) -> Self {
        Self { via, trashed: model.collection(collection).trash.map(|trash| trash.at) }
    }

    /// That of the records that a sum is about.
    pub(crate) fn of_sum(model: &Model, sum: &Sum) -> Self {
        Self::of(model, (sum.member, sum.via))
    }

    /// The record to which one with these values belongs.
    pub(crate) fn owner(self, values: &[Value]) -> Option<RecordId> {
        let value = |field: FieldId| &values[usize::from(field.0)];
        match self.trashed {
            Some(at) if !value(at).is_null() => None,
            _ => value(self.via).as_id(),
        }
    }

    /// The fields by which it is known.
    pub(crate) fn fields(self) -> impl Iterator<Item = FieldId> {
        std::iter::once(self.via).chain(self.trashed)
    }
}
