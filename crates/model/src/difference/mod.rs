//! What is different between two models, in words and in what it costs.

mod access;
mod actions;
mod api;
mod behaviour;
mod compare;
mod describe;
mod documents;
mod keys;
mod likely;
mod limits;
mod listing;
mod meaning;
mod meeting;
mod narrowing;
mod noticed;
mod pairing;
mod parts;
mod paths;
mod states;
mod work;
mod writes;
mod written;

use std::fmt;

use backstay_base::Duration;

use crate::{Key, Nulls, OnDelete, Trash, Upkeep, ValueLimit};

pub use actions::{ActionChange, ActionDifference};
pub use api::ApiChange;
pub use behaviour::ApplicationPart;
pub use compare::{diff, diff_of_pair, exclusion_before, index_before, is_same_computed, is_same_sum, type_change};
pub use likely::{LikelyRename, likely_renames};
pub use meaning::{Meaning, Meanings};
pub use meeting::DocumentTypes;
pub use pairing::{LinkSource, Pairing, enum_values};
pub use parts::{FieldPart, Narrowed, Part};
pub use paths::PathChange;
pub use states::StatesPart;
pub use work::{Stage, Work};
pub use writes::{AtCreate, WriteDirective, Writes};

/// What applying a difference can cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Risk {
    /// Nothing: no stored row is read or written.
    Safe,
    /// Writes wait while rows are read, such as for a new index.
    Locks,
    /// Every row of a table is written again.
    Rewrites,
    /// Responses show stored values that nobody could read.
    Reveals,
    /// Stored values are gone afterwards.
    LosesData,
}

impl fmt::Display for Risk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Safe => "safe",
            Self::Locks => "blocks writes while it runs",
            Self::Rewrites => "rewrites records",
            Self::Reveals => "reveals values",
            Self::LosesData => "loses data",
        })
    }
}

/// One difference between two models. Names are those of the model in which the thing exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Difference {
    /// A new collection; its fields, indexes and link tables are part of it.
    CollectionAdded {
        /// Its name.
        collection: String,
    },
    /// A collection has another name; its records stay.
    CollectionRenamed {
        /// The name it had.
        from: String,
        /// The name it has.
        to: String,
    },
    /// A collection is gone, with its link tables.
    CollectionRemoved {
        /// Its name.
        collection: String,
    },
    /// The path of its records is another; nothing stored changes.
    PathChanged {
        /// The collection.
        collection: String,
        /// The path it had, such as `/api/posts`.
        from: String,
        /// The path it has.
        to: String,
    },
    /// `@single` is new or gone. The records stay.
    SingleChanged {
        /// The collection.
        collection: String,
        /// Its path.
        path: String,
        /// Whether it has one record now.
        single: bool,
    },
    /// `@trash` is new or gone, or keeps records longer or shorter.
    TrashChanged {
        /// The collection.
        collection: String,
        /// The trash that there was.
        had: Option<Trash>,
        /// The trash that there is.
        has: Option<Trash>,
        /// Of a new one: whether the field by which records are in it was there already.
        found: bool,
    },
    /// `@tree` is new, or follows another relation: every record gets a path. The fields that come with it are part of it.
    TreeAdded {
        /// The collection.
        collection: String,
        /// The relation to the record above.
        parent: String,
        /// Whether there was a tree before, by another relation.
        had: bool,
    },
    /// `@tree` is gone, with the paths.
    TreeRemoved {
        /// The collection.
        collection: String,
    },
    /// The versions of a type's records are kept from now on. Those that are stored are the first.
    HistoryAdded {
        /// The type.
        collection: String,
        /// Whether it is new itself, so that it has no records.
        is_new: bool,
    },
    /// The versions of a type's records are deleted.
    HistoryRemoved {
        /// The type, by its old name.
        collection: String,
    },
    /// Versions are kept longer or shorter.
    HistoryKept {
        /// The type.
        collection: String,
        /// How long they were kept; `None`: for ever.
        was: Option<Duration>,
        /// How long they are kept.
        keep: Option<Duration>,
    },
    /// A new field. Its indexes and its link table are differences of their own.
    FieldAdded {
        /// The collection.
        collection: String,
        /// The field.
        field: String,
        /// What stored records get in it.
        filled: Filled,
        /// Whether every create has to give it a value.
        demanded: bool,
    },
    /// A field has another name; its values stay.
    FieldRenamed {
        /// The collection.
        collection: String,
        /// The name it had.
        from: String,
        /// The name it has.
        to: String,
        /// Whether it had a column or a link table.
        stored: bool,
        /// Whether it still goes by the old name.
        kept: bool,
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
        /// What stored records without a value get.
        filled: Filled,
    },
    /// A value is no longer required.
    RequiredLoosened {
        /// The collection.
        collection: String,
        /// The field.
        field: String,
    },
    /// A field is secret no longer: whoever may read it sees what is stored.
    SecretRevealed {
        /// The collection.
        collection: String,
        /// The field.
        field: String,
    },
    /// A computed field is computed in another way.
    ComputedChanged {
        /// The collection.
        collection: String,
        /// The field.
        field: String,
    },
    /// A stored sum is of something else. It is computed anew.
    SumChanged {
        /// The collection.
        collection: String,
        /// The field.
        field: String,
    },
    /// A stored sum follows at another time than before.
    UpkeepChanged {
        /// The collection.
        collection: String,
        /// The field.
        field: String,
        /// When it follows from now on.
        to: Upkeep,
    },
    /// A field that there was numbers the records from now on.
    SequenceAdded {
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
    /// Values must be as another `@range` or `@pattern` says, and so must stored ones.
    LimitChanged {
        /// The collection.
        collection: String,
        /// The field.
        field: String,
        /// Which of the two changed.
        limit: ValueLimit,
        /// Whether stored values may not fit any more.
        stricter: bool,
    },
    /// A new `@check`, or one with another rule. Stored values stay as they are.
    CheckAdded {
        /// The collection.
        collection: String,
        /// The field; `None`: a check of the type.
        field: Option<String>,
        /// Its place among the checks of the field or the type.
        check: usize,
        /// What it says to clients.
        message: String,
        /// Its rule, if another check says the same to clients.
        rule: Option<String>,
    },
    /// A `@check` is gone.
    CheckRemoved {
        /// The collection.
        collection: String,
        /// The field; `None`: a check of the type.
        field: Option<String>,
        /// What it said to clients.
        message: String,
        /// Its rule, if another check says or said the same to clients.
        rule: Option<String>,
    },
    /// Something else happens when the record that a relation refers to is deleted.
    OnDeleteChanged {
        /// The collection.
        collection: String,
        /// The field.
        field: String,
        /// The collection that it refers to.
        target: String,
        /// What happened.
        from: OnDelete,
        /// What happens now.
        to: OnDelete,
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
    /// The links of a relation have an order now. Those that there are come in the order of ids.
    LinksOrdered {
        /// The collection whose field declares the relation.
        collection: String,
        /// The field.
        field: String,
    },
    /// The links of a relation have no order any more.
    LinksUnordered {
        /// The collection whose field declared the relation.
        collection: String,
        /// The field, by its old name.
        field: String,
    },
    /// A new index. One that is unique can be refused by what is stored.
    IndexAdded {
        /// The collection.
        collection: String,
        /// The index.
        index: String,
        /// Whether it is unique.
        unique: bool,
        /// Whether it takes two nulls for the same value.
        nulls: Nulls,
        /// Which records it is over; all if there is none.
        condition: Option<String>,
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
    /// A new `@exclude`. What is stored can refuse it.
    ExclusionAdded {
        /// The collection.
        collection: String,
        /// Its fields: those that must be the same, and from which to which the range goes.
        fields: Vec<String>,
        /// Which records it is for; all if there is none.
        condition: Option<String>,
    },
    /// An `@exclude` is gone.
    ExclusionRemoved {
        /// The collection.
        collection: String,
        /// Its fields, as in `ExclusionAdded`.
        fields: Vec<String>,
        /// Which records it was for; all if there is none.
        condition: Option<String>,
    },
    /// An enum has another name, under which nothing is stored.
    EnumRenamed {
        /// The name it had.
        from: String,
        /// The name it has.
        to: String,
    },
    /// The ids of new records are made in another way. Stored records keep theirs.
    KeyChanged {
        /// The collection.
        collection: String,
        /// How they were made.
        from: Key,
        /// How they are made now.
        to: Key,
    },
    /// Values of an enum have other names, under which they are stored.
    EnumValuesRenamed {
        /// The enum.
        name: String,
        /// Old and new names.
        values: Vec<(String, String)>,
        /// Those of the old names whose new one another value has too: which records held them can't be told afterwards.
        merged: Vec<String>,
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
    /// The values of an enum that it had before are declared in another order, by which records are sorted and compared.
    /// Nothing stored changes.
    EnumReordered {
        /// The enum.
        name: String,
        /// All of its values in their order.
        values: Vec<String>,
    },
    /// Something is another about a member of an embedded type whose values are in documents. Stored values stay as they
    /// are.
    MemberChanged {
        /// The embedded type.
        of: String,
        /// The member.
        member: String,
        /// What changed.
        change: MemberChange,
    },
    /// Something about a collection, or a type whose values are in documents, is another on which no stored value depends.
    BehaviourChanged {
        /// The collection or embedded type.
        collection: String,
        /// What changed.
        parts: Vec<Part>,
    },
    /// Something about the application is another on which no stored value depends.
    ApplicationChanged {
        /// What changed.
        parts: Vec<ApplicationPart>,
    },
    /// Another type is marked `@identity`, or none: the accounts that there are sign in no more.
    AccountsMoved {
        /// The type that was marked, by its old name.
        from: String,
        /// The type that is.
        to: Option<String>,
    },
    /// Roles become others that there are already: accounts, keys and invitations get the rights of these.
    RolesMerged {
        /// Old and new names.
        roles: Vec<(String, String)>,
    },
    /// Roles are gone, and with them those that accounts, keys and invitations have.
    RolesRemoved {
        /// Their old names.
        roles: Vec<String>,
    },
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
    /// The value of its `@backfill`.
    Backfill,
    /// A slug that is made for each: see `Field::slug`.
    Slug,
    /// A number, in the order in which the records were created: see `Field::sequence`.
    Number,
    /// The value of the stored sum.
    Sum,
    /// A value is required and there is none to give: only a collection without records can take the field.
    Missing,
}

/// What changed about a member of an embedded type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MemberChange {
    /// Values that were long or short enough may not fit its `@length` any more.
    LengthTightened,
    /// All values that fitted its `@length` still do.
    LengthLoosened,
    /// Values must be as another `@range` or `@pattern` says, and so must stored ones.
    Limit {
        /// Which of the two changed.
        limit: ValueLimit,
        /// Whether stored values may not fit any more.
        stricter: bool,
    },
    /// A value is no longer required.
    RequiredLoosened,
}

/// What another type of a field means for stored values.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum TypeChange {
    /// The field has no column in either model.
    NotStored,
    /// The column stays as it is, and every stored value is a value of the new type: `Email` to `String`.
    Widened,
    /// Each stored value is written as a text and read again as a value of the new type, which may refuse it.
    Converted,
    /// Each stored document is read as one of the new type, which may refuse it, and written anew.
    Rewritten {
        /// What has no place in the new type, so that its values are deleted: members as `Line.sku`, and types of a union.
        lost: Vec<String>,
        /// Whether clients that know the old type can't go on.
        breaking: bool,
    },
    /// The number of an amount of money stays in its column, and its currency is in another place than before.
    Shared,
    /// The record that a relation led to becomes the only one of a relation to many.
    Linked,
    /// A reference to records of one type becomes one to records of several, or the other way round. References that the
    /// new type can hold stay in their column, which has another name; those that it can't are fields that are removed.
    Referring,
    /// The value is computed from now on; what was stored is gone.
    Computed,
    /// The value was computed and is stored from now on.
    Stored(Filled),
    /// It is a stored sum from now on, and computed for stored records.
    Summed {
        /// Whether other values were stored, which are gone.
        replaces: bool,
    },
    /// It was a stored sum, and is computed whenever it is read from now on.
    Derived,
    /// Stored values mean nothing to the new type and are gone.
    Replaced(Filled),
}
