use backstay_base::RecordId;
use backstay_model::{Collection, CollectionId, Field, FieldId, FieldKind, InnerRelation, Mention, Model, OnDelete};

use crate::Record;

/// What refers to a record: a field, or a relation in the documents of a field.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Reference<'m> {
    Field(&'m Field),
    Mention(&'m Mention),
}

impl<'m> Reference<'m> {
    /// All references to records of a collection, with the collections that have them, and what their `@onDelete` says.
    pub(crate) fn to(model: &'m Model, of: CollectionId) -> impl Iterator<Item = (&'m Collection, Self, OnDelete)> {
        model.collections.iter().flat_map(move |collection| {
            let fields = collection.fields.iter().filter_map(move |field| {
                let (_, on_delete) = to_one(field).filter(|(target, _)| *target == of)?;
                Some((collection, Self::Field(field), on_delete))
            });
            let mentions = collection.mentions.iter().filter(move |mention| mention.relation.target == of);
            fields.chain(mentions.map(move |mention| (collection, Self::Mention(mention), mention.on_delete)))
        })
    }

    /// The field that holds the reference.
    pub(crate) fn field(&self) -> FieldId {
        match self {
            Self::Field(field) => field.id,
            Self::Mention(mention) => mention.document,
        }
    }

    /// Whether it leads from this record to that one. What documents mention isn't looked up.
    pub(crate) fn may_lead(&self, from: &Record, to: RecordId) -> bool {
        match self {
            Self::Field(field) => from.value(field.id).as_id() == Some(to),
            Self::Mention(_) => true,
        }
    }

    /// What tells it from the other references of its collection.
    pub(crate) fn key(&self) -> (FieldId, Option<InnerRelation>) {
        match self {
            Self::Field(field) => (field.id, None),
            Self::Mention(mention) => (mention.document, Some(mention.relation)),
        }
    }
}

/// What a to-one relation leads to, and what a deletion there does to it.
pub(crate) fn to_one(field: &Field) -> Option<(CollectionId, OnDelete)> {
    if let FieldKind::ToOne { target, on_delete, .. } = field.kind { Some((target, on_delete)) } else { None }
}
