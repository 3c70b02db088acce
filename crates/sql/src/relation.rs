use backstay_base::Action;
use backstay_expr::{Rights, Rule};
use backstay_model::{Collection, FieldKind, Link};
use sea_query::{Expr as Sql, ExprTrait, SelectStatement};

use crate::tree::{boolean, column};

/// Which version of the data a statement sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Perspective {
    /// What is published: the records as the last commit left them.
    Live,
    /// The records in the trash; none of a type without `@trash`.
    Trash,
    /// All that is stored, the trash included: for migrations, and for what Backstay deletes.
    Stored,
}

impl Perspective {
    /// The action that a caller must be allowed who wants to do this to records in the perspective.
    #[must_use]
    pub fn asks(self, action: Action) -> Action {
        match self {
            Self::Live => action,
            Self::Trash | Self::Stored => Action::Trash,
        }
    }

    /// What a relation leads to from here: a record in the trash refers to live ones. Of all that is stored, a reference
    /// keeps the record that it refers to; who else belongs to a record is a question about those that are live.
    pub(crate) fn of_related(self, relation: &FieldKind) -> Self {
        match (self, relation) {
            (Self::Stored, FieldKind::ToOne { .. }) => Self::Stored,
            (Self::Live | Self::Trash, _)
            | (
                Self::Stored,
                FieldKind::OneToOne { .. }
                | FieldKind::OneToMany { .. }
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
    None,
}

impl Part {
    /// Where a row of the table with this alias is part of it; `None` if every row is.
    pub(crate) fn condition(&self, alias: &str) -> Option<Sql> {
        match self {
            Self::All => None,
            Self::Without(name) => Some(column(alias, name).is_null()),
            Self::With(name) => Some(column(alias, name).is_not_null()),
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
    let rows = Rows::Table(written(collection).to_owned());
    let read = rights.rule(collection.id, perspective.asks(action));
    Relation { rows, part: part(collection, perspective), read }
}

fn part(collection: &Collection, perspective: Perspective) -> Part {
    let marked = collection.trash.map(|trash| collection.field(trash.at).columns[0].name.clone());
    match (perspective, marked) {
        (Perspective::Live, Some(column)) => Part::Without(column),
        (Perspective::Trash, Some(column)) => Part::With(column),
        (Perspective::Trash, None) => Part::None,
        (Perspective::Live, None) | (Perspective::Stored, _) => Part::All,
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
        Perspective::Live | Perspective::Trash | Perspective::Stored => Rows::Table(written_links(link).to_owned()),
    }
}

/// The table that a relation's links are written to.
pub(crate) fn written_links(link: &Link) -> &str {
    &link.table
}
