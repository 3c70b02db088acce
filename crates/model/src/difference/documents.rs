//! What is different between the types of two documents: whether what is stored stays as it is.

use super::limits::limits_tightened;
use super::pairing::{Pairing, enum_values};
use crate::{Document, Element, EmbeddedId, Field, FieldKind, Model, Shape};

/// Two models whose documents are compared.
pub(super) struct Documents<'a> {
    pub(super) old: &'a Model,
    pub(super) new: &'a Model,
    pub(super) pairing: &'a Pairing,
}

/// What a new type of a document means for stored ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DocumentChange {
    /// They stay as they are.
    Same,
    /// Each is read as one of the new type and written anew.
    Rewritten,
    /// They mean nothing to the new type.
    Other,
}

impl Documents<'_> {
    pub(super) fn compare(&self, from: Document, to: Document) -> DocumentChange {
        match (from, to) {
            (Document::One(_), Document::List(_)) | (Document::List(_), Document::One(_)) => DocumentChange::Other,
            (Document::One(_), Document::One(_)) | (Document::List(_), Document::List(_)) => {
                match self.is_same(from.shape(), to.shape()) {
                    true => DocumentChange::Same,
                    false => DocumentChange::Rewritten,
                }
            }
        }
    }

    /// Whether values of the old shape are values of the new one as they are stored. A union may have more types.
    fn is_same(&self, from: Shape, to: Shape) -> bool {
        match (from, to) {
            (Shape::Embedded(from), Shape::Embedded(to)) => self.is_same_type(from, to),
            (Shape::Union(_), Shape::Union(_)) => self.old.types_of(&from).into_iter().all(|from| {
                let name = &self.old.embedded(from).name;
                let to = self.new.types_of(&to).into_iter().find(|to| self.new.embedded(*to).name == *name);
                to.is_some_and(|to| self.is_same_type(from, to))
            }),
            (Shape::Embedded(_), Shape::Union(_)) | (Shape::Union(_), Shape::Embedded(_)) => false,
        }
    }

    fn is_same_type(&self, from: EmbeddedId, to: EmbeddedId) -> bool {
        let (from, to) = (&self.old.embedded(from).members, &self.new.embedded(to).members);
        from.len() == to.len() && from.iter().zip(to).all(|(from, to)| self.is_same_member(from, to))
    }

    /// A value that is required from now on may be missing in what is stored, and one may be outside of a new limit.
    fn is_same_member(&self, from: &Field, to: &Field) -> bool {
        from.name == to.name
            && (from.required || !to.required)
            && !limits_tightened(from, to)
            && self.is_same_kind(&from.kind, &to.kind)
    }

    fn is_same_kind(&self, from: &FieldKind, to: &FieldKind) -> bool {
        match (from, to) {
            (FieldKind::Scalar(from), FieldKind::Scalar(to))
            | (FieldKind::List(Element::Scalar(from)), FieldKind::List(Element::Scalar(to))) => from == to,
            (FieldKind::Enum(from), FieldKind::Enum(to))
            | (FieldKind::List(Element::Enum(from)), FieldKind::List(Element::Enum(to))) => {
                let is_paired = self.pairing.enumeration(*to) == Some(*from);
                let values = || enum_values(self.old.enumeration(*from), self.new.enumeration(*to));
                is_paired && values().into_iter().all(|(from, to)| to == Some(from))
            }
            (FieldKind::Embedded(from), FieldKind::Embedded(to)) => self.is_same_type(*from, *to),
            (FieldKind::Document(from), FieldKind::Document(to)) => self.compare(*from, *to) == DocumentChange::Same,
            _ => false,
        }
    }
}
