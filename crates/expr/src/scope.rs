use backstay_model::{CollectionId, Model};

/// What an expression may name.
#[derive(Debug, Clone, Copy)]
pub struct Scope<'m> {
    pub(crate) model: &'m Model,
    /// The collection of `this`.
    pub(crate) this: Option<CollectionId>,
    /// The collection of `new`.
    pub(crate) new: Option<CollectionId>,
    /// An update rule, which is asked of one record at a time: what is about two belongs to `after:`.
    pub(crate) update: bool,
    /// A client wrote it: plain field names, parameters, no named rules, no secrets.
    pub(crate) client: bool,
}

impl<'m> Scope<'m> {
    /// A read, create or delete rule of the collection or of one of its fields: `this`.
    pub fn rule(model: &'m Model, collection: CollectionId) -> Self {
        Self { model, this: Some(collection), new: None, update: false, client: false }
    }

    /// An update rule of the collection or of one of its fields: `this`, the stored record or the proposed one.
    pub fn update_rule(model: &'m Model, collection: CollectionId) -> Self {
        Self { update: true, ..Self::rule(model, collection) }
    }

    /// A rule about a change (`after:`), a guard or a value of a transition: `this` is the stored record, `new` the
    /// proposed one.
    pub fn change(model: &'m Model, collection: CollectionId) -> Self {
        Self { new: Some(collection), ..Self::rule(model, collection) }
    }

    /// A `@check` or a `@set`: `this` is the record as it would be.
    pub fn check(model: &'m Model, collection: CollectionId) -> Self {
        Self::rule(model, collection)
    }

    /// No record at all: the caller and the moment.
    pub fn caller_only(model: &'m Model) -> Self {
        Self { model, this: None, new: None, update: false, client: false }
    }

    /// A client's filter: plain names are fields of `this`, and there are parameters. Named rules and secret fields are
    /// out of its reach.
    pub fn filter(model: &'m Model, collection: CollectionId) -> Self {
        Self { client: true, ..Self::rule(model, collection) }
    }
}
