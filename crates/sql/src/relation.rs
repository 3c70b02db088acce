use backstay_base::Action;
use backstay_expr::{Rights, Rule};
use backstay_model::{Collection, Field, FieldKind, Link, VersionChange, Versions};
use sea_query::{Expr as Sql, ExprTrait, SelectStatement};

use crate::tree::{boolean, column, word};

/// Which version of the data a statement sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Perspective {
    /// What is published: the records as the last commit left them.
    Live,
    /// The records in the trash; none of a type without `@trash`.
    Trash,
    /// All that is stored, the trash included: for migrations, and for what Backstay deletes.
    Stored,
    /// The records of a type with `@history` as they were at `Slot::AsOf`; none of any other type.
    AsOf,
    /// Every version of every record of a type with `@history`, those with which records were deleted included.
    Versions,
    /// The last version of every record, deleted ones included.
    Last,
}

impl Perspective {
    /// Whether it is of versions, which have what a history keeps and nothing else.
    pub(crate) fn is_of_versions(self) -> bool {
        match self {
            Self::AsOf | Self::Versions | Self::Last => true,
            Self::Live | Self::Trash | Self::Stored => false,
        }
    }

    /// Whether records have the values of a field in it.
    pub fn has(self, field: &Field) -> bool {
        !self.is_of_versions() || field.is_in_history()
    }

    /// The action that a caller must be allowed who wants to do this to records in the perspective.
    #[must_use]
    pub fn asks(self, action: Action) -> Action {
        match self {
            Self::Live => action,
            Self::Trash | Self::Stored => Action::Trash,
            Self::AsOf | Self::Versions | Self::Last => Action::History,
        }
    }

    /// What a reference in a document leads to from here.
    pub(crate) fn of_referred(self) -> Self {
        match self {
            Self::Stored => Self::Stored,
            Self::Live | Self::Trash | Self::AsOf | Self::Versions | Self::Last => Self::Live,
        }
    }

    /// What a relation leads to from here: a record in the trash refers to live ones, and so does a version. Of all that
    /// is stored, a reference keeps the record that it refers to; who else belongs to a record is a question about those
    /// that are live.
    pub(crate) fn of_related(self, relation: &FieldKind) -> Self {
        match (self, relation) {
            (Self::Stored, FieldKind::ToOne { .. }) => Self::Stored,
            (Self::Live | Self::Trash | Self::AsOf | Self::Versions | Self::Last, _)
            | (
                Self::Stored,
                FieldKind::OneToOne { .. }
                | FieldKind::OneToMany { .. }
                | FieldKind::Lineage { .. }
                | FieldKind::ManyToMany { .. }
                | FieldKind::Scalar(_)
                | FieldKind::Enum(_)
                | FieldKind::List(_)
                | FieldKind::Embedded(_)
                | FieldKind::Document(_)
                | FieldKind::ToOneOf { .. },
            ) => Self::Live,
        }
    }
}

/// Which rows of a collection's table are part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Part {
    All,
    /// Those without a value in this column.
    Without(String),
    /// Those with a value in this column.
    With(String),
    /// Of the versions those that counted at `Slot::AsOf`, but for those without a live record: this column says when a
    /// record was moved to the trash.
    AsOf(Option<String>),
    /// Of the versions the last ones.
    Last,
    None,
}

impl Part {
    /// Where a row of the table with this alias is part of it; `None` if every row is.
    pub(crate) fn condition(&self, alias: &str, mut moment: impl FnMut() -> Sql) -> Option<Sql> {
        match self {
            Self::All => None,
            Self::Without(name) => Some(column(alias, name).is_null()),
            Self::With(name) => Some(column(alias, name).is_not_null()),
            Self::AsOf(trashed) => {
                let at = |name: &str| column(alias, name);
                let begun = at(Versions::FROM).lte(moment());
                let lasts = at(Versions::UNTIL).is_null().or(at(Versions::UNTIL).gt(moment()));
                let exists = at(Versions::CHANGE).ne(word(VersionChange::Delete.word()));
                // One that was moved to the trash was deleted too, and has a value here besides.
                let live = trashed.as_ref().map(|name| at(name).is_null());
                Some([Some(lasts), Some(exists), live].into_iter().flatten().fold(begun, ExprTrait::and))
            }
            Self::Last => Some(column(alias, Versions::UNTIL).is_null()),
            Self::None => Some(boolean(false)),
        }
    }
}

/// Where rows are read from: a table, or what a statement makes of several.
#[derive(Debug)]
pub(crate) enum Rows {
    Table(String),
    Select(Box<SelectStatement>),
}

/// A collection as a statement reads it: its rows, and which of them exist for whom it is read.
#[derive(Debug)]
pub(crate) struct Relation<'r> {
    pub(crate) rows: Rows,
    pub(crate) part: Part,
    pub(crate) read: &'r Rule,
}

/// The one place that turns a collection into rows. It hands out the caller's rule for the action with them.
pub(crate) fn relation<'r>(
    collection: &Collection,
    perspective: Perspective,
    (rights, action): (&'r Rights, Action),
) -> Relation<'r> {
    let table = collection.history.as_ref().filter(|_| perspective.is_of_versions()).map(|history| &*history.table);
    let rows = Rows::Table(table.unwrap_or_else(|| written(collection)).to_owned());
    let read = rights.rule(collection.id, perspective.asks(action));
    Relation { rows, part: part(collection, perspective), read }
}

fn part(collection: &Collection, perspective: Perspective) -> Part {
    let marked = collection.trash.map(|trash| collection.field(trash.at).columns[0].name.clone());
    if perspective.is_of_versions() && collection.history.is_none() {
        return Part::None;
    }
    match (perspective, marked) {
        (Perspective::Live, Some(column)) => Part::Without(column),
        (Perspective::Trash, Some(column)) => Part::With(column),
        (Perspective::Trash, None) => Part::None,
        (Perspective::AsOf, marked) => Part::AsOf(marked),
        (Perspective::Last, _) => Part::Last,
        (Perspective::Live, None) | (Perspective::Stored | Perspective::Versions, _) => Part::All,
    }
}

/// The table that a collection's records are written to.
pub(crate) fn written(collection: &Collection) -> &str {
    &collection.table
}

/// The rows of a many-to-many relation. They show no more than the records at its ends, which are read as relations of
/// their own.
pub(crate) fn links(link: &Link, perspective: Perspective) -> Rows {
    match perspective {
        Perspective::Live
        | Perspective::Trash
        | Perspective::Stored
        | Perspective::AsOf
        | Perspective::Versions
        | Perspective::Last => Rows::Table(written_links(link).to_owned()),
    }
}

/// The table that a relation's links are written to.
pub(crate) fn written_links(link: &Link) -> &str {
    &link.table
}
