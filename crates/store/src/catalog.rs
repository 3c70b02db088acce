use std::collections::HashMap;

use backstay_base::{FieldNumber, TypeNumber};
use backstay_model::{CollectionId, FieldId};

/// The permanent numbers of the loaded model's types and fields.
#[derive(Debug, Clone, Default)]
pub struct Catalog {
    /// By collection: its number, and those of its fields by index.
    pub(crate) types: Vec<(TypeNumber, Vec<FieldNumber>)>,
    pub(crate) by_number: HashMap<TypeNumber, CollectionId>,
}

impl Catalog {
    /// The number of a collection.
    pub fn type_number(&self, collection: CollectionId) -> TypeNumber {
        self.types[usize::from(collection.0)].0
    }

    /// The number of a field.
    pub fn field_number(&self, collection: CollectionId, field: FieldId) -> FieldNumber {
        self.types[usize::from(collection.0)].1[usize::from(field.0)]
    }

    /// The collection of this number, if the loaded model has it.
    pub fn collection(&self, number: TypeNumber) -> Option<CollectionId> {
        self.by_number.get(&number).copied()
    }

    /// The field of this number, if the loaded model has it.
    pub fn field(&self, collection: CollectionId, number: FieldNumber) -> Option<FieldId> {
        let fields = &self.types[usize::from(collection.0)].1;
        fields.iter().position(|field| *field == number).and_then(|index| u16::try_from(index).ok()).map(FieldId)
    }
}
