use backstay_base::Action;
use backstay_expr::{Rights, Rule};
use backstay_model::{Collection, Link};

/// Which version of the data a statement sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Perspective {
    /// What is published: the records as the last commit left them.
    Live,
}

/// A collection as a statement reads it: its table, and which of the rows exist for whom it is read.
#[derive(Debug)]
pub(crate) struct Relation<'m, 'r> {
    pub(crate) table: &'m str,
    pub(crate) read: &'r Rule,
}

/// The one place that turns a collection into a table. Whoever reads it has the rule of its rows in hand.
pub(crate) fn relation<'m, 'r>(
    collection: &'m Collection,
    perspective: Perspective,
    rights: &'r Rights,
) -> Relation<'m, 'r> {
    let table = match perspective {
        Perspective::Live => collection.table.as_str(),
    };
    Relation { table, read: rights.rule(collection.id, Action::Read) }
}

/// The table that a collection's records are written to.
pub(crate) fn written(collection: &Collection) -> &str {
    relation(collection, Perspective::Live, Rights::unrestricted()).table
}

/// The table of a many-to-many relation. It shows no more than the records at its ends, which are read as relations of
/// their own.
pub(crate) fn links(link: &Link, perspective: Perspective) -> &str {
    match perspective {
        Perspective::Live => &link.table,
    }
}
