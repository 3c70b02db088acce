//! What is the same in two models.

use std::collections::HashMap;

use backstay_testkit::reference::Random;

use super::schema::{Backfill, Embedded, Key, Kind, Made, Schema};

/// The new model, in which what has the name of something that would else be gone is that: names are all there is.
pub(super) fn unified(old: &Schema, new: Schema) -> Schema {
    let mut same: HashMap<Key, Key> = HashMap::new();
    let types = (named(&old.types, |of| (of.key, &of.name)), named(&new.types, |of| (of.key, &of.name)));
    pair(&types, &mut same);
    let enums = (named(&old.enums, |of| (of.key, &of.name)), named(&new.enums, |of| (of.key, &of.name)));
    pair(&enums, &mut same);
    let embedded = (named(&old.embedded, |of| (of.key, &of.name)), named(&new.embedded, |of| (of.key, &of.name)));
    pair(&embedded, &mut same);
    for of in &new.embedded {
        if let Some(before) = old.embedded(*same.get(&of.key).unwrap_or(&of.key)) {
            let members =
                |of: &Embedded| of.members().map(|member| (member.key, member.name.clone())).collect::<Vec<_>>();
            let (was, now) = (members(before), members(of));
            let members = (named(&was, |(key, name)| (*key, name)), named(&now, |(key, name)| (*key, name)));
            pair(&members, &mut same);
        }
    }
    for of in &new.types {
        if let Some(before) = old.of(*same.get(&of.key).unwrap_or(&of.key)) {
            let fields = (
                named(&before.fields, |field| (field.key, &field.name)),
                named(&of.fields, |field| (field.key, &field.name)),
            );
            pair(&fields, &mut same);
        }
    }
    for of in &new.enums {
        if let Some(before) = old.enumeration(*same.get(&of.key).unwrap_or(&of.key)) {
            let values =
                (named(&before.values, |(key, name)| (*key, name)), named(&of.values, |(key, name)| (*key, name)));
            pair(&values, &mut same);
        }
    }
    rekeyed(new, &same)
}

type Named<'n> = Vec<(Key, &'n str)>;

fn named<T>(all: &[T], of: impl Fn(&T) -> (Key, &String)) -> Named<'_> {
    all.iter().map(of).map(|(key, name)| (key, name.as_str())).collect()
}

fn pair((old, new): &(Named<'_>, Named<'_>), same: &mut HashMap<Key, Key>) {
    let has = |all: &Named<'_>, key: Key| all.iter().any(|(known, _)| *known == key);
    for (key, name) in new.iter().filter(|(key, _)| !has(old, *key)) {
        let gone = old.iter().find(|(known, was)| was == name && !has(new, *known));
        if let Some((was, _)) = gone {
            same.insert(*key, *was);
        }
    }
}

fn rekeyed(mut schema: Schema, same: &HashMap<Key, Key>) -> Schema {
    let replace = |key: &mut Key| *key = *same.get(key).unwrap_or(key);
    for of in &mut schema.enums {
        replace(&mut of.key);
        of.values.iter_mut().for_each(|(key, _)| replace(key));
    }
    for of in &mut schema.embedded {
        replace(&mut of.key);
        replace(&mut of.to.key);
        replace(&mut of.target);
        of.note.iter_mut().for_each(|note| replace(&mut note.key));
    }
    for of in &mut schema.types {
        replace(&mut of.key);
        of.tree.iter_mut().for_each(replace);
        of.exclude.iter_mut().flat_map(|(from, to)| [from, to]).for_each(replace);
        of.indexes.iter_mut().flat_map(|(fields, _)| fields).for_each(replace);
        for field in &mut of.fields {
            replace(&mut field.key);
            rekey_kind(&mut field.kind, &replace);
            if let Some(Made::Slug(source)) = &mut field.made {
                replace(source);
            }
        }
    }
    schema
}

fn rekey_kind(kind: &mut Kind, replace: &dyn Fn(&mut Key)) {
    match kind {
        Kind::Scalar(_) | Kind::Decimal { .. } => {}
        Kind::Enum(key) | Kind::ToOne(key) | Kind::Many(key) | Kind::Document(key) | Kind::Amount(key) => replace(key),
        Kind::Total { of, what } => {
            replace(of);
            what.iter_mut().for_each(replace);
        }
        Kind::List(element) => rekey_kind(element, replace),
        Kind::Inverse(of, field) => {
            replace(of);
            replace(field);
        }
    }
}

impl Schema {
    /// The model with what records need that come from another one.
    pub(super) fn refilled(&self, from: &Self, random: &mut Random) -> Self {
        let mut next = self.clone();
        next.last = next.last.max(from.last);
        for at in 0..next.types.len() {
            let Some(before) = from.of(next.types[at].key) else { continue };
            for place in 0..next.types[at].fields.len() {
                let mut field = next.types[at].fields[place].clone();
                field.backfill = None;
                let lacks = before.field(field.key).is_none_or(|was| !was.required);
                if field.required && field.made.is_none() && lacks && random.chance(80) {
                    field.backfill = next.random_backfill(random, &field, Some(before));
                    // A field of the old model can lack values too.
                    if matches!(&field.backfill, Some(Backfill::Field(key)) if before.field(*key).is_some_and(|of| !of.required))
                    {
                        field.backfill = None;
                    }
                }
                next.types[at].fields[place] = field;
            }
        }
        next
    }
}
