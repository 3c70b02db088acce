//! Renames that no `@renamed` declares: something is gone, and something like it is new.

use backstay_base::nearest;

use super::compare::{Pair, declared};
use super::documents::Documents;
use super::meeting::DocumentTypes;
use super::pairing::{Pairing, enum_values};
use super::written::written;
use crate::{Collection, Field, FieldKind, Model};

/// Something that may only have another name in the new model, although no `@renamed` says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LikelyRename {
    /// Most fields of the two types are the same.
    Collection {
        /// The name of the type that is gone.
        from: String,
        /// The name of the new one.
        to: String,
    },
    /// The two fields have the same type.
    Field {
        /// The collection of both in the new model.
        collection: String,
        /// The name of the field that is gone; of a member of an embedded value the path.
        from: String,
        /// The same of the new one.
        to: String,
    },
    /// Two members of an embedded type whose values are in documents; they have the same type.
    Member {
        /// The embedded type in the new model.
        of: String,
        /// The old member, as differences name what is lost: `Line.sku`.
        lost: String,
        /// The name of the member that is gone.
        from: String,
        /// The new one.
        to: String,
    },
    /// Two values of an enum.
    EnumValue {
        /// The enum in the new model.
        name: String,
        /// The value that is gone.
        from: String,
        /// The new one.
        to: String,
    },
}

/// What is gone from a model and seems to be in the new one under another name. Of several candidates the one with a
/// similar name is meant; without one, nothing is guessed.
pub fn likely_renames(old: &Model, new: &Model, pairing: &Pairing) -> Vec<LikelyRename> {
    let mut all = collections(old, new, pairing);
    // The versions of records follow these.
    for after in new.collections.iter().filter(|of| of.versions.is_none()) {
        let Some(before) = pairing.collection(after.id).map(|id| old.collection(id)) else { continue };
        all.extend(fields(&Pair { old, new, pairing, before, after }));
    }
    all.extend(members(&Documents { old, new, pairing }));
    for after in &new.enums {
        let Some(before) = pairing.enumeration(after.id).map(|id| old.enumeration(id)) else { continue };
        let became = enum_values(before, after);
        let gone: Vec<&str> = became.iter().filter(|(_, to)| to.is_none()).map(|(from, _)| &**from).collect();
        let is_kept = |name: &str| became.iter().any(|(_, to)| to.as_deref() == Some(name));
        let added: Vec<&str> = after.values.iter().map(|value| &*value.name).filter(|value| !is_kept(value)).collect();
        let likely = matched(&gone, &added, |value| *value, |_, _| true);
        let rename = |(from, to): (&str, &str)| LikelyRename::EnumValue {
            name: after.name.clone(),
            from: from.to_owned(),
            to: to.to_owned(),
        };
        all.extend(likely.into_iter().map(rename));
    }
    all
}

fn collections(old: &Model, new: &Model, pairing: &Pairing) -> Vec<LikelyRename> {
    let gone: Vec<&Collection> =
        old.collections.iter().filter(|of| of.versions.is_none() && pairing.successor(of.id).is_none()).collect();
    let added: Vec<&Collection> =
        new.collections.iter().filter(|of| of.versions.is_none() && pairing.collection(of.id).is_none()).collect();
    let is_same = |before: &Field, after: &Field| {
        before.name == after.name && written(old, &before.kind) == written(new, &after.kind)
    };
    let alike = |before: &Collection, after: &Collection| {
        let shared = declared(before).filter(|field| declared(after).any(|other| is_same(field, other))).count();
        shared * 2 > declared(before).count().max(declared(after).count())
    };
    let likely = matched(&gone, &added, |of| &of.name, alike);
    let rename = |(from, to): (&Collection, &Collection)| LikelyRename::Collection {
        from: from.name.clone(),
        to: to.name.clone(),
    };
    likely.into_iter().map(rename).collect()
}

fn fields(pair: &Pair<'_>) -> Vec<LikelyRename> {
    // A relation that another type declares has nothing to lose, and `@backfill` says where values come from.
    let holds = |field: &&Field| match &field.kind {
        FieldKind::ManyToMany { link, .. } => link.owner,
        _ => field.kind.is_held() && !field.is_computed(),
    };
    let gone: Vec<&Field> = declared(pair.before).filter(holds).filter(|of| pair.became(of.id).is_none()).collect();
    let is_new = |field: &&Field| pair.was(field.id).is_none() && field.backfill.is_none();
    let added: Vec<&Field> = declared(pair.after).filter(holds).filter(is_new).collect();
    let holder = |field: &Field| field.parent().map(|holder| pair.became(holder).map(|holder| holder.id));
    let alike = |before: &Field, after: &Field| {
        let is_same = match (&before.kind, &after.kind) {
            // Their members are compared each for itself, so that they never differ.
            (FieldKind::Embedded(_), FieldKind::Embedded(_))
            | (FieldKind::ToOneOf { .. }, FieldKind::ToOneOf { .. }) => {
                written(pair.old, &before.kind) == written(pair.new, &after.kind)
            }
            _ => pair.change(before, after).is_none(),
        };
        is_same && holder(before) == after.parent().map(Some)
    };
    let likely = matched(&gone, &added, |field| &field.name, alike);
    let rename = |(from, to): (&Field, &Field)| LikelyRename::Field {
        collection: pair.after.name.clone(),
        from: from.name.clone(),
        to: to.name.clone(),
    };
    likely.into_iter().map(rename).collect()
}

fn members(documents: &Documents<'_>) -> Vec<LikelyRename> {
    let Documents { old, new, pairing } = documents;
    let mut all = Vec::new();
    let types = DocumentTypes::of_models((old, new), pairing);
    for ((from, to), members) in types.successors(pairing) {
        let (before, after) = (old.embedded(from), new.embedded(to));
        let gone: Vec<&Field> = before.members.iter().filter(|was| !members.contains(&Some(was.id))).collect();
        let added = after.members.iter().zip(members).filter(|(_, was)| was.is_none());
        let added: Vec<&Field> = added.map(|(is, _)| is).collect();
        let alike = |was: &Field, is: &Field| {
            let is_same_written = || written(old, &was.kind) == written(new, &is.kind);
            match (&was.kind, &is.kind) {
                (FieldKind::Embedded(_), FieldKind::Embedded(_)) => is_same_written(),
                _ => documents.is_same_kind(&was.kind, &is.kind),
            }
        };
        let likely = matched(&gone, &added, |field| &field.name, alike);
        all.extend(likely.into_iter().map(|(was, is)| LikelyRename::Member {
            of: after.name.clone(),
            lost: Documents::lost_member(before, was),
            from: was.name.clone(),
            to: is.name.clone(),
        }));
    }
    all
}

/// Pairs of things that are alike: each the only one like the other or, of several, the one with a similar name.
fn matched<T: Copy>(gone: &[T], added: &[T], name: impl Fn(&T) -> &str, alike: impl Fn(T, T) -> bool) -> Vec<(T, T)> {
    let mut pairs = Vec::new();
    let mut taken = vec![false; added.len()];
    for from in gone {
        let like: Vec<usize> = (0..added.len()).filter(|at| alike(*from, added[*at])).collect();
        let to = match like[..] {
            [only] if gone.iter().filter(|other| alike(**other, added[only])).count() == 1 => Some(only),
            _ => {
                let near = nearest(name(from), like.iter().map(|at| name(&added[*at])));
                near.and_then(|near| like.iter().copied().find(|at| name(&added[*at]) == near))
            }
        };
        if let Some(to) = to.filter(|to| !std::mem::replace(&mut taken[*to], true)) {
            pairs.push((*from, added[to]));
        }
    }
    pairs
}
