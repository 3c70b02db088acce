//! Which embedded types of two models meet in documents: values of the one become values of the other.

use std::collections::BTreeMap;

use super::pairing::{Pairing, member_pairs};
use crate::{Document, EmbeddedId, FieldId, FieldKind, Model, Shape};

/// The pairs of types whose values follow one another where a document of an old model becomes one of a new one, at any
/// depth, each with the old member that each member of the new type was.
#[derive(Debug)]
pub struct DocumentTypes {
    /// By the old and the new type.
    members: BTreeMap<(EmbeddedId, EmbeddedId), Vec<Option<FieldId>>>,
}

impl DocumentTypes {
    /// The pairs that meet in a document of these types.
    pub fn of((old, new): (&Model, &Model), pairing: &Pairing, (from, to): (Document, Document)) -> Self {
        let mut this = Self { members: BTreeMap::new() };
        this.meet((old, new), pairing, (from.shape(), to.shape()));
        this
    }

    /// The pairs that meet in any document that both models have.
    pub(super) fn of_models((old, new): (&Model, &Model), pairing: &Pairing) -> Self {
        let mut this = Self { members: BTreeMap::new() };
        for after in &new.collections {
            let Some(before) = pairing.collection(after.id) else { continue };
            for field in &after.fields {
                let Some(was) = pairing.field(after.id, field.id) else { continue };
                if let (FieldKind::Document(from), FieldKind::Document(to)) =
                    (&old.field(before, was).kind, &field.kind)
                {
                    this.meet((old, new), pairing, (from.shape(), to.shape()));
                }
            }
        }
        this
    }

    /// For each member of the new type the old one that it was; none if the types don't meet.
    pub fn members(&self, from: EmbeddedId, to: EmbeddedId) -> Option<&[Option<FieldId>]> {
        self.members.get(&(from, to)).map(Vec::as_slice)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = ((EmbeddedId, EmbeddedId), &[Option<FieldId>])> {
        self.members.iter().map(|(types, members)| (*types, members.as_slice()))
    }

    /// Those of which the new type was the old one, or is new: not what only takes in values of another type.
    pub(super) fn successors(
        &self,
        pairing: &Pairing,
    ) -> impl Iterator<Item = ((EmbeddedId, EmbeddedId), &[Option<FieldId>])> {
        self.iter().filter(|((from, to), _)| pairing.embedded(*to).is_none_or(|was| was == *from))
    }

    fn meet(&mut self, (old, new): (&Model, &Model), pairing: &Pairing, (from, to): (Shape, Shape)) {
        for from in old.types_of(&from) {
            let Some(to) = pairing.embedded_within(new, from, to) else { continue };
            if self.members.contains_key(&(from, to)) {
                continue;
            }
            let (before, after) = (old.embedded(from), new.embedded(to));
            let pairs = member_pairs(before, after);
            self.members.insert((from, to), pairs.clone());
            for (is, was) in after.members.iter().zip(pairs) {
                let Some(was) = was.map(|was| before.member(was)) else { continue };
                let shapes = match (&was.kind, &is.kind) {
                    (FieldKind::Embedded(from), FieldKind::Embedded(to)) => {
                        (Shape::Embedded(*from), Shape::Embedded(*to))
                    }
                    (FieldKind::Document(from), FieldKind::Document(to)) => (from.shape(), to.shape()),
                    _ => continue,
                };
                self.meet((old, new), pairing, shapes);
            }
        }
    }
}
