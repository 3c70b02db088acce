use backstay_expr::{Checked, Expr, Rights, computed};
use backstay_model::{Collection, CollectionId, FieldId, Index, Model};

use crate::partial::condition;

/// The expressions of a model that reads are planned with, compiled once: those of computed fields and the conditions of
/// indexes.
#[derive(Debug)]
pub(crate) struct Expressions {
    /// By `CollectionId`.
    collections: Box<[OfCollection]>,
}

#[derive(Debug)]
struct OfCollection {
    /// By `FieldId`.
    computed: Box<[Option<Checked>]>,
    /// In the order of the collection's indexes.
    conditions: Box<[Option<Expr>]>,
}

impl Expressions {
    /// # Panics
    /// Panics if an expression is wrong: a model's expressions are checked before anything is made of them.
    pub(crate) fn of(model: &Model) -> Self {
        let of_collection = |collection: &Collection| {
            let computed = collection.fields.iter().map(|field| {
                let checked = field.is_computed_in_answers().then(|| computed(model, collection.id, field.id))?;
                Some(checked.expect("the expressions of a model's computed fields were checked before"))
            });
            let conditions = collection.indexes.iter().map(|index| condition(model, collection, index));
            OfCollection { computed: computed.collect(), conditions: conditions.collect() }
        };
        Self { collections: model.collections.iter().map(of_collection).collect() }
    }

    /// The expression of a field, a `Node::Computed` of `this`; `None` if the field is answered from its columns.
    pub(crate) fn computed(&self, collection: CollectionId, field: FieldId) -> Option<&Checked> {
        self.collections[usize::from(collection.0)].computed[usize::from(field.0)].as_ref()
    }

    /// The indexes of a collection, and the condition of each that is not over all records.
    pub(crate) fn indexes<'m>(
        &'m self,
        collection: &'m Collection,
    ) -> impl Iterator<Item = (&'m Index, Option<&'m Expr>)> {
        let conditions = self.collections[usize::from(collection.id.0)].conditions.iter();
        collection.indexes.iter().zip(conditions.map(Option::as_ref))
    }
}

/// What the caller of a read is answered from: its rights, and the expressions of the model.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader<'r> {
    pub(crate) rights: &'r Rights,
    pub(crate) expressions: &'r Expressions,
    /// The first parameter of the expressions in the selection.
    pub(crate) first_param: u16,
}
