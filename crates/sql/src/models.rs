use backstay_base::Timestamp;
use backstay_model::{Collection, Field, Model, Pairing};

use crate::Dialect;

/// Two models, what is the same in both, and when and where one follows the other.
#[derive(Debug, Clone, Copy)]
pub struct Models<'m> {
    /// The model of what is stored.
    pub old: &'m Model,
    /// The model that follows it.
    pub new: &'m Model,
    /// What is the same in both.
    pub pairing: &'m Pairing,
    /// The database.
    pub dialect: Dialect,
    /// The moment, which expressions may name.
    pub now: Timestamp,
}

/// What a difference names. All of these panic if the two models don't have it: differences are made from them.
impl<'m> Models<'m> {
    /// A collection of the new model.
    pub fn collection(&self, name: &str) -> &'m Collection {
        self.new.collection_named(name).expect("a difference names a collection of the new model")
    }

    /// A field of the new model and its collection.
    pub fn field(&self, collection: &str, field: &str) -> (&'m Collection, &'m Field) {
        let collection = self.collection(collection);
        (collection, collection.field_named(field).expect("a difference names a field of the new model"))
    }

    /// What a collection of the new model was, and what it is.
    pub fn pair(&self, name: &str) -> (&'m Collection, &'m Collection) {
        let after = self.collection(name);
        let before = self.pairing.collection(after.id).expect("a difference within a collection is one of two");
        (self.old.collection(before), after)
    }

    /// A field of the old model and its collection, which goes by its name in the new one.
    pub fn old_field(&self, collection: &str, field: &str) -> (&'m Collection, &'m Field) {
        let (before, _) = self.pair(collection);
        (before, before.field_named(field).expect("a difference names a field of the old model"))
    }

    /// A collection of the old model that the new one doesn't have.
    pub fn removed(&self, name: &str) -> &'m Collection {
        self.old.collection_named(name).expect("a difference names a collection of the old model")
    }
}
