//! What a name or a path leads to.

use backstay_model::{Document, FieldKind};
use backstay_scalar::Lookup;

use super::Each;
use crate::{Expr, Holder, Many, Node, Within};

/// What a name or a path leads to.
pub(super) enum Place {
    /// A value.
    One(Expr),
    /// The records of a relation to many, or the items of a list.
    Many { over: Many, each: Each, field: String, links: Links },
}

/// Which links of a relation are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Links {
    /// Those that there are.
    All,
    /// Those that the write makes.
    Added,
    /// Those that the write ends.
    Removed,
}

impl Links {
    /// What is written after a relation.
    pub(super) fn named(word: &str) -> Option<Self> {
        match word {
            "added" => Some(Self::Added),
            "removed" => Some(Self::Removed),
            _ => None,
        }
    }
}

impl Place {
    /// The value of a field of this kind; if it is a list of embedded values, its items.
    pub(super) fn of(value: Expr, kind: &FieldKind, field: &str) -> Self {
        match kind {
            FieldKind::Document(Document::List(shape)) => {
                let (of, lookup) = match value.node {
                    Node::Within(within) => (within.of, within.lookup),
                    node => (Holder::Document(Box::new(Expr { node, ..value })), Lookup::whole()),
                };
                let over = Many::Items(Within { of, lookup });
                Self::Many { over, each: Each::Item(*shape), field: field.to_owned(), links: Links::All }
            }
            FieldKind::Document(Document::One(_))
            | FieldKind::Scalar(_)
            | FieldKind::Enum(_)
            | FieldKind::List(_)
            | FieldKind::Embedded(_)
            | FieldKind::ToOne { .. }
            | FieldKind::ToOneOf { .. }
            | FieldKind::OneToMany { .. }
            | FieldKind::Lineage { .. }
            | FieldKind::OneToOne { .. }
            | FieldKind::ManyToMany { .. } => Self::One(value),
        }
    }
}
