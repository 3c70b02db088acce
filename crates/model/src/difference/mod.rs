//! What is different between two models, in words and in what it costs.

mod behaviour;
mod compare;
mod describe;

pub use compare::diff;

/// What applying a difference can cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Risk {
    /// Nothing: no stored row is read or written.
    Safe,
    /// Writes wait while rows are read, such as for a new index.
    Locks,
    /// Every row of a table is written again.
    Rewrites,
    /// Stored values are gone afterwards.
    LosesData,
}

/// One difference between two models. Names are those of the model in which the thing exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Difference {
    /// A new collection; its fields, indexes and link tables are part of it.
    CollectionAdded {
        /// Its name.
        collection: String,
    },
    /// A collection is gone, with its link tables.
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
    /// A new field. Its indexes and its link table are differences of their own.
    FieldAdded {
        /// The collection.
        collection: String,
        /// The field.
        field: String,
        /// What stored records get in it.
        filled: Filled,
    },
    /// A field is gone. Its indexes and its link table are differences of their own.
    FieldRemoved {
        /// The collection.
        collection: String,
        /// The field.
        field: String,
        /// Whether it had a column.
        stored: bool,
    },
    /// A field holds something else.
    TypeChanged {
        /// The collection.
        collection: String,
        /// The field.
        field: String,
        /// The type it had, as written in a model.
        from: String,
        /// The type it has.
        to: String,
        /// What that means for stored values.
        change: TypeChange,
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
    /// Values must be as long as another `@length` says. Stored ones stay as they are.
    LengthChanged {
        /// The collection.
        collection: String,
        /// The field.
        field: String,
        /// Whether stored values may not fit any more.
        stricter: bool,
    },
    /// Something else happens when the record that a relation refers to is deleted.
    OnDeleteChanged {
        /// The collection.
        collection: String,
        /// The field.
        field: String,
    },
    /// A new link table.
    LinkAdded {
        /// The collection whose field declares the relation.
        collection: String,
        /// The field.
        field: String,
        /// The table.
        table: String,
    },
    /// A link table is gone.
    LinkRemoved {
        /// The collection whose field declared the relation.
        collection: String,
        /// The field.
        field: String,
        /// The table.
        table: String,
    },
    /// A new index. One that is unique can be refused by what is stored.
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
    /// An enum has new values; they are stored as text, so that nothing stored changes.
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
    /// Only rules, checks, defaults, states, classes or descriptions of a collection are others.
    BehaviourChanged {
        /// The collection.
        collection: String,
    },
    /// Only the application's name, its named rules, its roles or the machine of its states are others.
    ApplicationChanged,
}

/// What stored records get in a new field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Filled {
    /// The field has no column (a relation to many).
    NotStored,
    /// Null.
    Null,
    /// The field's default, or the first state: `Model::default_of`.
    Default,
    /// A value is required and there is none to give: only a collection without records can take the field.
    Missing,
}

/// What another type of a field means for stored values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TypeChange {
    /// The field has no column in either model.
    NotStored,
    /// The column stays as it is, and every stored value is a value of the new type: `Email` to `String`.
    Widened,
    /// The column is another, or stored values may not be values of the new type.
    Converted,
}

impl Difference {
    /// What applying it can cost, on the database for which it costs most.
    pub fn risk(&self) -> Risk {
        match self {
            Self::CollectionAdded { .. }
            | Self::PathChanged { .. }
            | Self::LinkAdded { .. }
            | Self::EnumValuesAdded { .. }
            | Self::LengthChanged { .. }
            | Self::BehaviourChanged { .. }
            | Self::ApplicationChanged
            | Self::IndexRemoved { .. }
            | Self::FieldRemoved { stored: false, .. }
            | Self::TypeChanged { change: TypeChange::NotStored | TypeChange::Widened, .. } => Risk::Safe,
            Self::FieldAdded { filled, .. } => match filled {
                Filled::NotStored | Filled::Null | Filled::Default => Risk::Safe,
                Filled::Missing => Risk::Rewrites,
            },
            Self::IndexAdded { .. } => Risk::Locks,
            // SQLite changes the constraints of a column only by writing its table anew.
            Self::RequiredTightened { .. } | Self::RequiredLoosened { .. } | Self::OnDeleteChanged { .. } => {
                Risk::Rewrites
            }
            Self::CollectionRemoved { .. }
            | Self::FieldRemoved { stored: true, .. }
            | Self::LinkRemoved { .. }
            | Self::EnumValuesRemoved { .. }
            | Self::TypeChanged { change: TypeChange::Converted, .. } => Risk::LosesData,
        }
    }

    /// Whether it can be applied at a start without being asked for: it only adds to the schema, drops an index, or
    /// touches nothing stored, and no stored record can refuse it. These are new collections, new fields that stored
    /// records get a value or null in, new link tables, new indexes that are not unique, indexes that are gone, fields
    /// that are gone and had no column, new values of enums, widened types, other lengths, other paths, other
    /// behaviour.
    pub fn is_additive(&self) -> bool {
        match self {
            Self::IndexAdded { unique, .. } => !unique,
            other => other.risk() == Risk::Safe,
        }
    }
}
