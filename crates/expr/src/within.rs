use backstay_scalar::Lookup;

use crate::{Expr, Path};

/// A value within a document: a member of an embedded value that is an item of a list, or a value of a union.
#[derive(Debug, Clone, PartialEq)]
pub struct Within {
    /// What it is looked up in.
    pub of: Holder,
    /// Where it is there, and how it is read.
    pub lookup: Lookup,
}

/// What values are looked up in.
#[derive(Debug, Clone, PartialEq)]
pub enum Holder {
    /// A field that holds a document.
    Document(Box<Expr>),
    /// The item that is the variable of an enclosing quantifier or aggregate.
    Item(u16),
}

/// What a quantifier or an aggregate looks at.
#[derive(Debug, Clone, PartialEq)]
pub enum Many {
    /// The records of the to-many relation at the end of this path.
    Records(Path),
    /// The items of this list of embedded values. Of none that is there, the quantifier or the aggregate is unknown.
    Items(Within),
}

impl Within {
    /// The field that holds the document, if it isn't an item that is looked into.
    pub fn document(&self) -> Option<&Expr> {
        match &self.of {
            Holder::Document(document) => Some(document),
            Holder::Item(_) => None,
        }
    }

    /// The same, to be changed.
    pub(crate) fn document_mut(&mut self) -> Option<&mut Expr> {
        match &mut self.of {
            Holder::Document(document) => Some(document),
            Holder::Item(_) => None,
        }
    }

    /// Whether the two are the same but for the expressions within them.
    pub(crate) fn same_kind(&self, other: &Self) -> bool {
        let of = match (&self.of, &other.of) {
            (Holder::Document(_), Holder::Document(_)) => true,
            (Holder::Item(item), Holder::Item(other)) => item == other,
            (Holder::Document(_) | Holder::Item(_), _) => false,
        };
        of && self.lookup == other.lookup
    }
}

impl Many {
    /// The path to the relation, if they are records.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Records(path) => Some(path),
            Self::Items(_) => None,
        }
    }

    /// The same, to be changed.
    pub(crate) fn path_mut(&mut self) -> Option<&mut Path> {
        match self {
            Self::Records(path) => Some(path),
            Self::Items(_) => None,
        }
    }

    /// The field that holds the items, if it isn't an item that does.
    pub(crate) fn document(&self) -> Option<&Expr> {
        match self {
            Self::Records(_) => None,
            Self::Items(list) => list.document(),
        }
    }

    /// The same, to be changed.
    pub(crate) fn document_mut(&mut self) -> Option<&mut Expr> {
        match self {
            Self::Records(_) => None,
            Self::Items(list) => list.document_mut(),
        }
    }

    /// Whether the two are the same but for the expressions within them.
    pub(crate) fn same_kind(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Records(path), Self::Records(other)) => path == other,
            (Self::Items(list), Self::Items(other)) => list.same_kind(other),
            (Self::Records(_) | Self::Items(_), _) => false,
        }
    }
}
