//! What a plan says about `@renamed`: where it seems to be missing, and where it names something that never existed.

use backstay_model::{Difference, LikelyRename, TypeChange, likely_renames, own_name};
use backstay_sql::Models;

use super::Planned;
use crate::step::Finding;

/// Says how stored values stay, where something goes that may only have another name, or where nothing says what records
/// get in its new place. After all other findings.
pub(super) fn suggest(models: Models<'_>, planned: &mut [Planned]) {
    for rename in likely_renames(models.old, models.new, models.pairing) {
        let mut is_noted = false;
        for planned in planned.iter_mut() {
            let Some(difference) = &planned.difference else { continue };
            if is_arrival(&rename, difference) {
                for obstacle in planned.step.findings.iter_mut().filter(|finding| finding.is_obstacle) {
                    obstacle.remedy = format!("{}; otherwise {}", advice(&rename), obstacle.remedy);
                }
            } else if is_departure(&rename, difference) && planned.step.loses_data() && !is_noted {
                planned.step.findings.push(note(&rename));
                is_noted = true;
            }
        }
    }
}

/// What is new although `@renamed` says that it had another name.
pub(super) fn misnamed(models: Models<'_>, difference: &Difference) -> Vec<Finding> {
    let new = models.new;
    match difference {
        Difference::CollectionAdded { collection } => {
            let of = models.collection(collection);
            never_called("", (&of.name, &of.former)).into_iter().collect()
        }
        Difference::FieldAdded { collection, field, .. } => {
            let (was, (after, field)) = (models.pair(collection).0, models.field(collection, field));
            // A member's old paths include those that only its holder's old names give it.
            let is_told = |holder| models.pairing.field(after.id, holder).is_some();
            let own = |path: &&String| own_name(path) != field.own_name();
            let former: Vec<String> = match field.parent() {
                None => field.former.clone(),
                // What a part of a reference was called follows from the names of its type.
                Some(_) if field.is_of_reference() => Vec::new(),
                Some(holder) if is_told(holder) => field.former.iter().filter(own).cloned().collect(),
                Some(_) => Vec::new(),
            };
            never_called(&was.name, (&field.name, &former)).into_iter().collect()
        }
        Difference::EnumValuesAdded { name, values } => {
            let Some(of) = new.enums.iter().find(|of| of.name == *name) else { return Vec::new() };
            let added = of.values.iter().filter(|value| values.iter().any(|added| **added == *value.name));
            added.filter_map(|value| never_called(name, (&value.name, &value.former))).collect()
        }
        _ => Vec::new(),
    }
}

/// Whether a difference is that something is gone.
fn is_departure(rename: &LikelyRename, difference: &Difference) -> bool {
    match (rename, difference) {
        (LikelyRename::Collection { from, .. }, Difference::CollectionRemoved { collection }) => from == collection,
        (LikelyRename::EnumValue { from, .. }, Difference::RolesRemoved { roles }) => roles.contains(from),
        (
            LikelyRename::Field { collection, from, .. },
            Difference::FieldRemoved { collection: of, field, .. }
            | Difference::LinkRemoved { collection: of, field, .. },
        ) => collection == of && is_part(field, from),
        (
            LikelyRename::Member { lost, .. },
            Difference::TypeChanged { change: TypeChange::Rewritten { lost: all, .. }, .. },
        ) => all.contains(lost),
        _ => false,
    }
}

/// Whether a difference is that records need something, which they may have under another name.
fn is_arrival(rename: &LikelyRename, difference: &Difference) -> bool {
    match (rename, difference) {
        (LikelyRename::Field { collection, to, .. }, Difference::FieldAdded { collection: of, field, .. }) => {
            collection == of && is_part(field, to)
        }
        (LikelyRename::EnumValue { name, from, .. }, Difference::EnumValuesRemoved { name: of, values }) => {
            name == of && values.contains(from)
        }
        _ => false,
    }
}

/// Whether a path names a field or, of an embedded value, a member of it.
fn is_part(path: &str, field: &str) -> bool {
    path.strip_prefix(field).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

fn note(rename: &LikelyRename) -> Finding {
    let words = match rename {
        LikelyRename::Collection { to, .. } => format!("{to} is new and has most of its fields"),
        LikelyRename::Field { collection, to, .. } => format!("{collection}.{to} is new and has the same type"),
        LikelyRename::Member { of, to, .. } => format!("{of}.{to} is new and has the same type"),
        LikelyRename::EnumValue { name, to, .. } => format!("{to} is new in {name}"),
    };
    Finding { words, records: 0, ids: Vec::new(), remedy: advice(rename), is_obstacle: false }
}

fn advice(rename: &LikelyRename) -> String {
    let (LikelyRename::Collection { from, to }
    | LikelyRename::Field { from, to, .. }
    | LikelyRename::Member { from, to, .. }
    | LikelyRename::EnumValue { from, to, .. }) = rename;
    // Members are renamed where their type declares them.
    let (from, to) = (own_name(from), own_name(to));
    format!("if you renamed `{from}` to `{to}`, write `@renamed(from: \"{from}\")` on `{to}`")
}

/// Notes that nothing had the names that `@renamed` gives.
fn never_called(of: &str, (name, former): (&str, &[String])) -> Option<Finding> {
    let within = |name: &str| if of.is_empty() { name.to_owned() } else { format!("{of}.{name}") };
    let never: Vec<String> = former.iter().map(|name| within(name)).collect();
    (!never.is_empty()).then(|| Finding {
        words: format!("nothing in the stored model is called {}, so {} is new", never.join(" or "), within(name)),
        records: 0,
        ids: Vec::new(),
        remedy: "correct the name in its `@renamed`, or leave the directive out".to_owned(),
        is_obstacle: false,
    })
}
