use backstay_base::Action;
use backstay_expr::{Rights, Rule};
use backstay_model::{Collection, Link};
use sea_query::SelectStatement;

/// Which version of the data a statement sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Perspective {
    /// What is published: the records as the last commit left them.
    Live,
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
    pub(crate) read: &'r Rule,
}

/// The one place that turns a collection into rows. It hands out the caller's rule for the action with them.
pub(crate) fn relation<'r>(
    collection: &Collection,
    perspective: Perspective,
    (rights, action): (&'r Rights, Action),
) -> Relation<'r> {
    let rows = match perspective {
        Perspective::Live => Rows::Table(written(collection).to_owned()),
    };
    Relation { rows, read: rights.rule(collection.id, action) }
}

/// The table that a collection's records are written to.
pub(crate) fn written(collection: &Collection) -> &str {
    &collection.table
}

/// The rows of a many-to-many relation. They show no more than the records at its ends, which are read as relations of
/// their own.
pub(crate) fn links(link: &Link, perspective: Perspective) -> Rows {
    match perspective {
        Perspective::Live => Rows::Table(written_links(link).to_owned()),
    }
}

/// The table that a relation's links are written to.
pub(crate) fn written_links(link: &Link) -> &str {
    &link.table
}
