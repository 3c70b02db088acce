use crate::Collection;

/// What a request addresses in a collection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Addressed {
    /// The collection itself: its records, and new ones.
    All,
    /// One of its records, by its id.
    Record,
    /// The record of a `@single` type.
    Single,
    /// Records in its trash.
    Trash,
    /// The history of one of its records, by its id.
    History,
}

impl Addressed {
    /// Whether the collection has it.
    pub fn is_in(self, collection: &Collection) -> bool {
        match self {
            Self::All | Self::Record => !collection.single,
            Self::Single => collection.single,
            Self::Trash => collection.trash.is_some(),
            Self::History => collection.history.is_some() && !collection.single,
        }
    }
}
