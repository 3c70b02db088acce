use std::fmt;

use crate::{Model};

/// What applying a difference can cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Risk {
    /// Nothing: no row is read or written.
    Safe,
    /// Writes wait while rows are read, such as for a new index.
    Locks,
    /// Every row of a table is written again.
    Rewrites,
    /// Stored values are gone afterwards.
    LosesData,
}

/// One difference between two models. Names are those of the model in which the thing exists; of the new one where it
/// exists in both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Difference {
    /// A new collection; its fields, indexes and links are part of it.
    CollectionAdded {
        /// Its name.
        collection: String,
    },
    /// A collection is gone.
    CollectionRemoved {
        /// Its name.
        collection: String,
    },
    /// The path under `/api/` is another; nothing stored changes.
    PathChanged {
        /// The collection.
        collection: String,
        /// The path it had.
        from: String,
        /// The path it has.
        to: String,
    },
    /// A new field.
    FieldAdded {
        /// The collection.
        collection: String,
        /// The field.
        field: String,
        /// What stored records get in it.
        filled: Filled,
    },
    /// A field is gone.
    FieldRemoved {
        /// The collection.
        collection: String,
        /// The field.
        field: String,
        /// Whether it has stored values (a column or a link table).
        stored: bool,
    },
    /// The values of a field are of another type.
    TypeChanged {
        /// The collection.
        collection: String,
        /// The field.
        field: String,
        /// The type it had, as written in the model.
        from: String,
        /// The type it has.
        to: String,
    },
    /// A value is now required.
    RequiredTightened {
        /// The collection.
        collection: String,
        /// The field.
        field: String,
    },
    /// A value is no longer required.
    RequiredLoosened {
        /// The collection.
        collection: String,
        /// The field.
        field: String,
    },
    /// Another behaviour when the target of a relation is deleted.
    OnDeleteChanged {
        /// The collection.
        collection: String,
        /// The field.
        field: String,
    },
    /// A new index. One that is unique may be refused by what is stored.
    IndexAdded {
        /// The collection.
        collection: String,
        /// The index.
        index: String,
        /// Whether it is unique.
        unique: bool,
    },
    /// An index is gone.
    IndexRemoved {
        /// The collection.
        collection: String,
        /// The index.
        index: String,
        /// Whether it was unique.
        unique: bool,
    },
    /// An enum has new values.
    EnumValuesAdded {
        /// The enum.
        name: String,
        /// The values.
        values: Vec<String>,
    },
    /// Values of an enum are gone; stored records may hold them.
    EnumValuesRemoved {
        /// The enum.
        name: String,
        /// The values.
        values: Vec<String>,
    },
    /// Rules, checks, defaults, states, descriptions or classifications changed; nothing stored does.
    BehaviourChanged {
        /// The collection, or the application's name where it concerns all of it.
        of: String,
    },
}

/// What stored records get in a new field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Filled {
    /// Nothing is stored for the field in the collection's table (a to-many relation); a link table may be new.
    NotStored,
    /// Null.
    Null,
    /// The field's default, or the first state.
    Default,
    /// A value is required and there is none to give: only a collection without records can take it.
    Missing,
}

/// What is different in `new`, in the order in which it is to be applied.
pub fn diff(old: &Model, new: &Model) -> Vec<Difference> {
    let _ = (old, new);
    Vec::new()
}

impl Difference {
    /// What applying it can cost.
    pub fn risk(&self) -> Risk {
        Risk::Safe
    }

    /// Whether it only adds to the schema or loosens it, so that it can be applied at a start without being asked for.
    pub fn is_additive(&self) -> bool {
        self.risk() == Risk::Safe
    }

    /// The difference in words.
    pub fn describe(&self) -> String {
        String::new()
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.describe())
    }
}
