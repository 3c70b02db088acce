//! What is different between the types of two documents: whether what is stored stays as it is, and what of it is lost.

use std::collections::BTreeSet;

use super::behaviour::{FieldBehaviour, FieldNames, behaviour_changed};
use super::limits::{limits_changed, limits_tightened};
use super::meeting::DocumentTypes;
use super::pairing::{Pairing, enum_values};
use super::parts::Part;
use super::written::written;
use super::{Difference, MemberChange};
use crate::{Document, Element, Embedded, EmbeddedId, Field, FieldId, FieldKind, Length, Model, Shape};

/// Two models whose documents are compared.
pub(super) struct Documents<'a> {
    pub(super) old: &'a Model,
    pub(super) new: &'a Model,
    pub(super) pairing: &'a Pairing,
}

/// What a new type of a document means for stored ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum DocumentChange {
    /// They stay as they are.
    Same,
    /// Each is read as one of the new type and written anew.
    Rewritten(Rewriting),
    /// They mean nothing to the new type.
    Other,
}

/// What becomes of documents that are written anew.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Rewriting {
    /// Old members, and types of a union, whose values have no place any more.
    pub(super) lost: Vec<String>,
    /// Whether clients that know the old type can't go on.
    pub(super) breaking: bool,
}

/// What one part of a document's type means for stored ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum PartChange {
    /// It is stored as it was.
    Same,
    /// It is stored in another way, and clients can go on as before.
    Compatible,
    /// It is something else.
    Breaking,
}

impl Documents<'_> {
    pub(super) fn compare(&self, from: Document, to: Document) -> DocumentChange {
        if is_list(from) != is_list(to) {
            return DocumentChange::Other;
        }
        let (mut change, mut lost) = self.shapes(from.shape(), to.shape());
        for (types, members) in DocumentTypes::of((self.old, self.new), self.pairing, (from, to)).iter() {
            let (of_members, gone) = self.members(types, members);
            change = change.max(of_members);
            lost.extend(gone);
        }
        let mut told = BTreeSet::new();
        lost.retain(|lost| told.insert(lost.clone()));
        match change {
            PartChange::Same => DocumentChange::Same,
            PartChange::Compatible | PartChange::Breaking => {
                DocumentChange::Rewritten(Rewriting { lost, breaking: change == PartChange::Breaking })
            }
        }
    }

    /// Whether values of the old shape are written as values of the new one, apart from their members, and the types of
    /// which nobody can tell any more that a value was one. A union may have more types. Values of a type that a union
    /// doesn't have any more are not lost: they are refused.
    fn shapes(&self, from: Shape, to: Shape) -> (PartChange, Vec<String>) {
        match (from, to) {
            (Shape::Embedded(_), Shape::Embedded(_)) => (PartChange::Same, Vec::new()),
            (Shape::Union(_), Shape::Union(_)) => {
                let is_same = self.old.types_of(&from).into_iter().all(|from| {
                    let to = self.pairing.embedded_within(self.new, from, to);
                    to.is_some_and(|to| self.new.embedded(to).name == self.old.embedded(from).name)
                });
                (if is_same { PartChange::Same } else { PartChange::Breaking }, Vec::new())
            }
            (Shape::Embedded(_), Shape::Union(_)) => (PartChange::Breaking, Vec::new()),
            (Shape::Union(_), Shape::Embedded(to)) => {
                let others = self.old.types_of(&from).into_iter();
                let others = others.filter(|from| self.pairing.embedded(to) != Some(*from));
                let lost = others.map(|id| self.old.embedded(id).name.clone()).collect();
                (PartChange::Breaking, lost)
            }
        }
    }

    /// The same of the members of an embedded type, and those that are gone.
    fn members(&self, (from, to): (EmbeddedId, EmbeddedId), members: &[Option<FieldId>]) -> (PartChange, Vec<String>) {
        let (before, after) = (self.old.embedded(from), self.new.embedded(to));
        let gone = before.members.iter().filter(|was| !members.contains(&Some(was.id)));
        let mut lost: Vec<String> = gone.map(|was| Self::lost_member(before, was)).collect();
        let mut change = if lost.is_empty() { PartChange::Same } else { PartChange::Breaking };
        for (at, (is, was)) in after.members.iter().zip(members).enumerate() {
            // Limits of a type that stays are differences of their own.
            let is_asked = |was: &Field| self.pairing.embedded(to) != Some(from) && limits_tightened(was, is);
            let of_member = match was.map(|was| before.member(was)) {
                Some(was) if self.is_same_member(was, is) && !is_asked(was) => match usize::from(was.id.0) == at {
                    true => PartChange::Same,
                    false => PartChange::Compatible,
                },
                None if !is.required || is.default.is_some() => PartChange::Compatible,
                Some(_) | None => PartChange::Breaking,
            };
            change = change.max(of_member);
        }
        for (was, is) in shared(before, after, members) {
            if let (FieldKind::Document(from), FieldKind::Document(to)) = (&was.kind, &is.kind) {
                lost.extend(self.shapes(from.shape(), to.shape()).1);
            }
        }
        (change, lost)
    }

    /// What a member whose values are lost is called.
    pub(super) fn lost_member(of: &Embedded, member: &Field) -> String {
        format!("{}.{}", of.name, member.name)
    }

    /// A value that is required from now on may be missing in what is stored.
    fn is_same_member(&self, from: &Field, to: &Field) -> bool {
        from.name == to.name && (from.required || !to.required) && self.is_same_kind(&from.kind, &to.kind)
    }

    /// Whether values are written alike, apart from the members of embedded ones.
    pub(super) fn is_same_kind(&self, from: &FieldKind, to: &FieldKind) -> bool {
        match (from, to) {
            (FieldKind::Scalar(from), FieldKind::Scalar(to))
            | (FieldKind::List(Element::Scalar(from)), FieldKind::List(Element::Scalar(to))) => from == to,
            (FieldKind::Enum(from), FieldKind::Enum(to))
            | (FieldKind::List(Element::Enum(from)), FieldKind::List(Element::Enum(to))) => {
                let is_paired = self.pairing.enumeration(*to) == Some(*from);
                let values = || enum_values(self.old.enumeration(*from), self.new.enumeration(*to));
                is_paired && values().into_iter().all(|(from, to)| to == Some(from))
            }
            (FieldKind::Embedded(_), FieldKind::Embedded(_)) => true,
            (FieldKind::ToOne { target: from, .. }, FieldKind::ToOne { target: to, .. }) => {
                self.pairing.collection(*to) == Some(*from)
            }
            (FieldKind::ToOneOf { union: from, .. }, FieldKind::ToOneOf { union: to, .. }) => {
                let targets = &self.new.record_union(*to).members;
                self.old.record_union(*from).members.iter().all(|from| {
                    let to = targets.iter().find(|to| self.pairing.collection(**to) == Some(*from));
                    to.is_some_and(|to| self.new.collection(*to).name == self.old.collection(*from).name)
                })
            }
            (FieldKind::Document(from), FieldKind::Document(to)) => {
                is_list(*from) == is_list(*to) && self.shapes(from.shape(), to.shape()).0 == PartChange::Same
            }
            _ => false,
        }
    }

    /// What is different in the types that documents hold and changes nothing that is stored.
    pub(super) fn behaviour(&self, all: &mut Vec<Difference>) {
        let types = DocumentTypes::of_models((self.old, self.new), self.pairing);
        for ((from, to), members) in types.successors(self.pairing) {
            let (before, after) = (self.old.embedded(from), self.new.embedded(to));
            let mut parts = Vec::new();
            if before.description != after.description {
                parts.push(Part::Description);
            }
            for (was, is) in shared(before, after, members) {
                // None of them is a slug or a list of records.
                let names = || FieldNames { name: &is.name, slug: None, sequence: None, order: Vec::new() };
                let older = FieldBehaviour::of(self.old, was, names());
                let newer = FieldBehaviour::of(self.new, is, names());
                parts.extend(older.changed_in(&newer));
                let changes = [
                    (was.length != is.length).then(|| match Length::is_stricter(was.length, is.length) {
                        true => MemberChange::LengthTightened,
                        false => MemberChange::LengthLoosened,
                    }),
                    (was.required && !is.required).then_some(MemberChange::RequiredLoosened),
                ];
                let limits = limits_changed(was, is).into_iter();
                let limits = limits.map(|(limit, stricter)| MemberChange::Limit { limit, stricter });
                let changes = changes.into_iter().flatten().chain(limits);
                all.extend(changes.map(|change| Difference::MemberChanged {
                    of: after.name.clone(),
                    member: is.name.clone(),
                    change,
                }));
                if let (Some(older), Some(newer)) = (was.kind.on_delete(), is.kind.on_delete())
                    && older != newer
                {
                    all.push(Difference::OnDeleteChanged {
                        collection: after.name.clone(),
                        field: is.name.clone(),
                        target: written(self.new, &is.kind),
                        from: older,
                        to: newer,
                    });
                }
            }
            all.extend(behaviour_changed(&after.name, parts));
        }
    }
}

/// The members that both types have.
pub(super) fn shared<'m>(
    before: &'m Embedded,
    after: &'m Embedded,
    members: &'m [Option<FieldId>],
) -> impl Iterator<Item = (&'m Field, &'m Field)> {
    let pairs = after.members.iter().zip(members);
    pairs.filter_map(|(is, was)| was.map(|was| (before.member(was), is)))
}

fn is_list(document: Document) -> bool {
    match document {
        Document::One(_) => false,
        Document::List(_) => true,
    }
}
