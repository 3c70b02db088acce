use std::sync::Arc;

use super::meaning::{Meaning, Meanings};
use crate::{
    Collection, CollectionId, Embedded, EmbeddedId, Enum, EnumId, Field, FieldId, FieldKind, Model, RuleText, Shape,
    StoredNames,
};

/// Which parts of two models are the same: those of the same name, and those that `@renamed` says were called otherwise.
/// An `@renamed` that the old model had too was followed already, and means nothing any more.
#[derive(Debug)]
pub struct Pairing {
    /// By the new model's `CollectionId`.
    collections: Vec<Option<CollectionId>>,
    /// By the new model's `CollectionId` and `FieldId`; none where the collection is new.
    fields: Vec<Vec<Option<FieldId>>>,
    /// By the new model's `EnumId`.
    enums: Vec<Option<EnumId>>,
    /// By the new model's `EmbeddedId`.
    embedded: Vec<Option<EmbeddedId>>,
    meanings: Meanings,
}

/// Where a new model's link table comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkSource {
    /// Nowhere: it is a new relation.
    New,
    /// The same relation, declared by this field of the old model.
    Same(CollectionId, FieldId),
    /// The same relation, declared at its other end by this field of the old model.
    Turned(CollectionId, FieldId),
    /// A relation to one record became one to many: this field of the old model.
    One(CollectionId, FieldId),
}

impl Pairing {
    /// Compares the names of two models.
    pub fn of(old: &Model, new: &Model) -> Self {
        let collections = pair(&named_types(old), &named_types(new));
        let collections: Vec<_> = collections.into_iter().map(|at| at.map(|at| old.collections[at].id)).collect();
        let is_same = |new: CollectionId, old: CollectionId| collections[usize::from(new.0)] == Some(old);
        let fields = new.collections.iter().zip(&collections).map(|(after, before)| match before {
            Some(before) => fields(old.collection(*before), after, is_same),
            None => Vec::new(),
        });
        let mut fields: Vec<Vec<Option<FieldId>>> = fields.collect();
        for after in &new.collections {
            follow_records(old, (after, collections[usize::from(after.id.0)]), &mut fields);
        }
        let enums = pair(&named_enums(old), &named_enums(new));
        let enums = enums.into_iter().map(|at| at.map(|at| old.enums[at].id)).collect();
        let embedded = pair(&named_embedded(old), &named_embedded(new)).into_iter();
        let embedded = embedded.map(|at| at.map(|at| EmbeddedId(number(at)))).collect();
        Self { collections, fields, enums, embedded, meanings: Meanings::default() }
    }

    /// The same, with what is known of the expressions of both models.
    #[must_use]
    pub fn knowing(self, meanings: Meanings) -> Self {
        Self { meanings, ..self }
    }

    /// Whether a check or condition of a new collection means what this one of the old model does, if that is known.
    pub(super) fn meaning(&self, of: CollectionId, (was, is): (&RuleText, &RuleText)) -> Option<Meaning> {
        self.meanings.rules.get(&(of, was.wording(), is.wording())).copied()
    }

    /// Whether a field that is computed, or a stored sum, is so in the same way as before, if that is known.
    pub(super) fn field_meaning(&self, of: CollectionId, field: FieldId) -> Option<Meaning> {
        self.meanings.fields.get(&(of, field)).copied()
    }

    /// The old collection that a new one was.
    pub fn collection(&self, new: CollectionId) -> Option<CollectionId> {
        self.collections[usize::from(new.0)]
    }

    /// The old field that a new one was.
    pub fn field(&self, new: CollectionId, field: FieldId) -> Option<FieldId> {
        self.fields[usize::from(new.0)].get(usize::from(field.0)).copied().flatten()
    }

    /// The old enum that a new one was.
    pub fn enumeration(&self, new: EnumId) -> Option<EnumId> {
        self.enums[usize::from(new.0)]
    }

    /// The old embedded type that a new one was.
    pub fn embedded(&self, new: EmbeddedId) -> Option<EmbeddedId> {
        self.embedded[usize::from(new.0)]
    }

    /// The type of a new document's values that values of this old type become.
    pub fn embedded_within(&self, new: &Model, old: EmbeddedId, shape: Shape) -> Option<EmbeddedId> {
        match shape {
            Shape::Embedded(id) => Some(id),
            Shape::Union(id) => new.union(id).members.iter().copied().find(|id| self.embedded(*id) == Some(old)),
        }
    }

    /// What an old collection has become.
    pub fn successor(&self, old: CollectionId) -> Option<CollectionId> {
        let at = self.collections.iter().position(|before| *before == Some(old))?;
        Some(CollectionId(number(at)))
    }

    /// What a field of an old collection has become, in what the collection has become.
    pub fn field_successor(&self, new: CollectionId, old: FieldId) -> Option<FieldId> {
        let at = self.fields[usize::from(new.0)].iter().position(|before| *before == Some(old))?;
        Some(FieldId(number(at)))
    }

    /// Of what stored texts name: the old names that are others now, or that name nothing any more.
    pub fn followed(&self, old: &Model, new: &Model, names: StoredNames) -> Vec<(String, Option<String>)> {
        let followed: Vec<(String, Option<String>)> = match names {
            StoredNames::Types => {
                let name = |id| self.successor(id).map(|id| new.collection(id).name.clone());
                old.collections.iter().map(|of| (of.name.clone(), name(of.id))).collect()
            }
            StoredNames::Roles => {
                let values = self.roles(old, new).into_iter();
                values.map(|(from, to)| (from.to_string(), to.map(|to| to.to_string()))).collect()
            }
        };
        followed.into_iter().filter(|(from, to)| to.as_ref() != Some(from)).collect()
    }

    /// What each old role has become.
    pub(super) fn roles(&self, old: &Model, new: &Model) -> Vec<(Arc<str>, Option<Arc<str>>)> {
        let Some(before) = old.roles.map(|id| old.enumeration(id)) else { return Vec::new() };
        let after = new.roles.filter(|id| self.enumeration(*id) == Some(before.id));
        if let Some(after) = after.map(|id| new.enumeration(id)) {
            return enum_values(before, after);
        }
        // Roles of another enum are others, but for their names.
        let kept = |name: &str| new.roles.and_then(|id| new.enumeration(id).value(name));
        let values = before.values.iter().map(|value| &value.name);
        values.map(|name| (Arc::clone(name), kept(name).map(|value| Arc::clone(&value.name)))).collect()
    }

    /// Of what stored texts name: the old names that name nothing any more.
    pub fn gone(&self, old: &Model, new: &Model, names: StoredNames) -> Vec<String> {
        let followed = self.followed(old, new, names);
        followed.into_iter().filter(|(_, to)| to.is_none()).map(|(from, _)| from).collect()
    }

    /// Where the link table of a new many-to-many relation comes from.
    pub fn link_source(&self, old: &Model, new: &Model, (collection, field): (CollectionId, FieldId)) -> LinkSource {
        let found = || -> Option<LinkSource> {
            let FieldKind::ManyToMany { target, .. } = new.field(collection, field).kind else { return None };
            let (before, at) = (self.collection(collection)?, self.field(collection, field)?);
            let kind = &old.field(before, at).kind;
            if kind.target() != self.collection(target) {
                return None;
            }
            match kind {
                FieldKind::ManyToMany { link, .. } if link.owner => Some(LinkSource::Same(before, at)),
                FieldKind::ManyToMany { target, link } => Some(LinkSource::Turned(*target, link.inverse?)),
                FieldKind::ToOne { .. } => Some(LinkSource::One(before, at)),
                FieldKind::Scalar(_)
                | FieldKind::Enum(_)
                | FieldKind::List(_)
                | FieldKind::Embedded(_)
                | FieldKind::Document(_)
                | FieldKind::ToOneOf { .. }
                | FieldKind::OneToMany { .. }
                | FieldKind::Lineage { .. }
                | FieldKind::OneToOne { .. } => None,
            }
        };
        found().unwrap_or(LinkSource::New)
    }
}

/// What each value of an old enum has become.
pub fn enum_values(old: &Enum, new: &Enum) -> Vec<(Arc<str>, Option<Arc<str>>)> {
    let became = |name: &str| {
        let was = |value: &&crate::EnumValue| {
            let followed = old.value(&value.name).is_some_and(|before| before.former.iter().any(|of| of == name));
            !followed && value.former.iter().any(|of| of == name)
        };
        new.values.iter().find(was).or_else(|| new.value(name)).map(|value| Arc::clone(&value.name))
    };
    old.values.iter().map(|value| (Arc::clone(&value.name), became(&value.name))).collect()
}

/// Of what names have become: the old ones that have another name now, which another old one has too.
pub(super) fn merged(became: &[(Arc<str>, Option<Arc<str>>)]) -> Vec<(String, String)> {
    let others = |(from, to): &(Arc<str>, Arc<str>)| {
        became.iter().any(|(other, became)| other != from && became.as_ref() == Some(to))
    };
    let renamed = became.iter().filter_map(|(from, to)| Some((Arc::clone(from), Arc::clone(to.as_ref()?))));
    let merged = renamed.filter(|(from, to)| from != to).filter(others);
    merged.map(|(from, to)| (from.to_string(), to.to_string())).collect()
}

/// For each member of a new embedded type which one of an old type it was.
pub(super) fn member_pairs(old: &Embedded, new: &Embedded) -> Vec<Option<FieldId>> {
    pairs(&old.members, &new.members)
}

fn fields(
    old: &Collection,
    new: &Collection,
    is_same: impl Fn(CollectionId, CollectionId) -> bool,
) -> Vec<Option<FieldId>> {
    let mut pairs = pairs(&old.fields, &new.fields);
    for field in &new.fields {
        let at = usize::from(field.id.0);
        let Some(was) = pairs[at].map(|was| old.field(was)) else { continue };
        if was.comes_with_tree() != field.comes_with_tree() {
            pairs[at] = None;
            continue;
        }
        match (&was.kind, &field.kind) {
            // Of a reference that can now lead to other types too, the part that leads where it led before is the same.
            (FieldKind::ToOne { target, .. }, FieldKind::ToOneOf { .. }) => {
                let leads_there = |part: &&Field| part.kind.target().is_some_and(|to| is_same(to, *target));
                let part = new.members(Some(field.id)).find(leads_there).map(|part| usize::from(part.id.0));
                if let Some(part) = part.filter(|part| pairs[*part].is_none()) {
                    pairs[part] = pairs[at].take();
                }
            }
            // And the other way round.
            (FieldKind::ToOneOf { .. }, FieldKind::ToOne { target, .. }) => {
                let led_there = |part: &&Field| part.kind.target().is_some_and(|from| is_same(*target, from));
                let part = old.members(Some(was.id)).find(led_there).map(|part| part.id);
                if let Some(part) = part.filter(|part| !pairs.contains(&Some(*part))) {
                    pairs[at] = Some(part);
                }
            }
            _ => {}
        }
    }
    pairs
}

/// The values that a history keeps of a field are those of what the field was, whatever that was called or of which type.
fn follow_records(
    old: &Model,
    (after, before): (&Collection, Option<CollectionId>),
    fields: &mut [Vec<Option<FieldId>>],
) {
    let kept_before = before.and_then(|before| old.collection(before).versions.as_ref());
    let Some((versions, kept_before)) = after.versions.as_ref().zip(kept_before) else { return };
    let of = versions.of;
    for (at, kept) in versions.fields.iter().enumerate() {
        let Some(kept) = kept else { continue };
        let was = fields[usize::from(of.0)].get(at).copied().flatten();
        fields[usize::from(after.id.0)][usize::from(kept.0)] =
            was.and_then(|was| kept_before.fields.get(usize::from(was.0)).copied().flatten());
    }
}

fn pairs(old: &[Field], new: &[Field]) -> Vec<Option<FieldId>> {
    pair(&named(old), &named(new)).into_iter().map(|at| at.map(|at| old[at].id)).collect()
}

/// A place among the parts of a model as the number of an id.
fn number(at: usize) -> u16 {
    u16::try_from(at).expect("the parts of a model are numbered by 16 bits")
}

fn named_types(model: &Model) -> Vec<Named<'_>> {
    model.collections.iter().map(|of| Named(&of.name, &of.former)).collect()
}

fn named_enums(model: &Model) -> Vec<Named<'_>> {
    model.enums.iter().map(|of| Named(&of.name, &of.former)).collect()
}

fn named_embedded(model: &Model) -> Vec<Named<'_>> {
    model.embedded.iter().map(|of| Named(&of.name, &of.former)).collect()
}

fn named(fields: &[Field]) -> Vec<Named<'_>> {
    fields.iter().map(|field| Named(&field.name, &field.former)).collect()
}

/// A name, and those before it.
struct Named<'m>(&'m str, &'m [String]);

/// For each of the new things which of the old ones it was. What is renamed chooses first.
fn pair(old: &[Named<'_>], new: &[Named<'_>]) -> Vec<Option<usize>> {
    let at = |name: &str| old.iter().position(|Named(known, _)| *known == name);
    let mut taken = vec![false; old.len()];
    let mut paired: Vec<Option<usize>> = new
        .iter()
        .map(|Named(name, former)| {
            let followed = at(name).map_or(&[] as &[String], |at| old[at].1);
            let open = || former.iter().filter(|from| !followed.contains(from));
            // A former name that something else has now is probably not meant.
            let is_free = |from: &&String| new.iter().all(|Named(name, _)| *name != **from);
            let free = open().filter(is_free).find_map(|from| at(from));
            let from = free.or_else(|| open().find_map(|from| at(from)));
            from.filter(|at| !std::mem::replace(&mut taken[*at], true))
        })
        .collect();
    for (Named(name, _), paired) in new.iter().zip(&mut paired).filter(|(_, paired)| paired.is_none()) {
        *paired = at(name).filter(|at| !std::mem::replace(&mut taken[*at], true));
    }
    paired
}
