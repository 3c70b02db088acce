use backstay_model::{CollectionId, Interface, Model, OwnerName};

use crate::Type;

/// What a group of records comes to, by the name that it is given.
#[derive(Debug, Clone, PartialEq)]
pub struct Output {
    /// Its name.
    pub name: String,
    /// Its type.
    pub ty: Type,
}

/// What an expression may name.
#[derive(Debug, Clone, Copy)]
pub struct Scope<'m> {
    pub(crate) model: &'m Model,
    /// The collection of `this`.
    pub(crate) this: Option<CollectionId>,
    /// The collection of `new`.
    pub(crate) new: Option<CollectionId>,
    /// The collection of `old`.
    pub(crate) old: Option<CollectionId>,
    /// Where conditions on the change are written, if that isn't here.
    pub(crate) change_elsewhere: Option<&'static str>,
    /// A client wrote it: plain field names, parameters, calls of named rules.
    pub(crate) client: bool,
    /// A client asks for it: no secrets, and nothing of the caller's own record.
    pub(crate) restricted: bool,
    /// Whose the expression is: named rules are those that their names mean to this owner.
    pub(crate) owner: &'m OwnerName,
    /// The interface whose fields alone may be named of `this`.
    pub(crate) shared: Option<&'m Interface>,
    /// What may be named of a group of records, where the expression is about one: `Node::Output` by their places.
    pub(crate) outputs: Option<&'m [Output]>,
}

impl<'m> Scope<'m> {
    /// A read, create or delete rule of the collection or of one of its fields: `this`.
    pub fn rule(model: &'m Model, collection: CollectionId) -> Self {
        Self { this: Some(collection), ..Self::caller_only(model) }
    }

    /// An update rule of the collection or of one of its fields: `this`, the stored record or the proposed one.
    pub fn update_rule(model: &'m Model, collection: CollectionId) -> Self {
        let elsewhere =
            "write `this` for the stored record, and conditions on the proposed one in `after:`, beside `update:`";
        Self { change_elsewhere: Some(elsewhere), ..Self::rule(model, collection) }
    }

    /// Who may take a transition: `this`, the stored record.
    pub fn transition_by(model: &'m Model, collection: CollectionId) -> Self {
        let elsewhere = "write conditions on the proposed record in `when:`, beside `by:`";
        Self { change_elsewhere: Some(elsewhere), ..Self::rule(model, collection) }
    }

    /// A rule about a change (`after:`), a guard or a value of a transition: `this` and `old` are the stored record, `new`
    /// the proposed one.
    pub fn change(model: &'m Model, collection: CollectionId) -> Self {
        Self { new: Some(collection), old: Some(collection), ..Self::rule(model, collection) }
    }

    /// A hook's condition: `old` is the record before the change, `new` afterwards.
    pub fn hook(model: &'m Model, collection: CollectionId) -> Self {
        Self { this: None, ..Self::change(model, collection) }
    }

    /// A `@check` or a `@set`: `this` is the record as it would be, `old` the stored one.
    pub fn check(model: &'m Model, collection: CollectionId) -> Self {
        Self { old: Some(collection), ..Self::rule(model, collection) }
    }

    /// A `@check` at commit: `this` is the record as the commit leaves it.
    pub fn check_at_commit(model: &'m Model, collection: CollectionId) -> Self {
        let elsewhere =
            "write a check without `on: COMMIT`: at the end of a commit, only the record as it is then is known";
        Self { change_elsewhere: Some(elsewhere), ..Self::rule(model, collection) }
    }

    /// A `@default(from:)`: `this` is the new record.
    pub fn default(model: &'m Model, collection: CollectionId) -> Self {
        let elsewhere = "remove it: a default is for new records, and no record is stored before them";
        Self { change_elsewhere: Some(elsewhere), ..Self::rule(model, collection) }
    }

    /// No record at all: the caller and the moment.
    pub fn caller_only(model: &'m Model) -> Self {
        let owner = &OwnerName::Application;
        let (change_elsewhere, shared, outputs) = (None, None, None);
        Self {
            model,
            this: None,
            new: None,
            old: None,
            change_elsewhere,
            client: false,
            restricted: false,
            owner,
            shared,
            outputs,
        }
    }

    /// The same for an expression of this owner.
    pub(crate) fn written_by(self, owner: &'m OwnerName) -> Self {
        Self { owner, ..self }
    }

    /// A client's expression about a record: plain names are fields of `this`, there are parameters, and named rules that
    /// take values can be called. Secret fields are out of its reach, and of that of the rules that it calls.
    pub fn filter(model: &'m Model, collection: CollectionId) -> Self {
        Self { client: true, restricted: true, ..Self::rule(model, collection) }
    }

    /// A client's condition on groups of records: plain names are what a group comes to.
    pub fn groups(model: &'m Model, outputs: &'m [Output]) -> Self {
        Self { client: true, restricted: true, outputs: Some(outputs), ..Self::caller_only(model) }
    }

    /// The same of one type of an interface, for a filter of the records of all of them: it names the fields that they share.
    pub fn filter_of_types(model: &'m Model, collection: CollectionId, interface: &'m Interface) -> Self {
        Self { shared: Some(interface), ..Self::filter(model, collection) }
    }
}
