//! What a plan says about renames that no `@renamed` declares.

use backstay_model::{Difference, LikelyRename, likely_renames};
use backstay_sql::Models;

use super::Planned;
use crate::step::Finding;

/// Says how stored values stay, where something goes that may only have another name, or where nothing says what records
/// get in its new place. After all other findings.
pub(super) fn suggest(models: Models<'_>, planned: &mut [Planned]) {
    for rename in likely_renames(models.old, models.new, models.pairing) {
        for planned in planned.iter_mut() {
            let Some(difference) = &planned.difference else { continue };
            if is_arrival(&rename, difference) {
                for obstacle in planned.step.findings.iter_mut().filter(|finding| finding.is_obstacle) {
                    obstacle.remedy = format!("{}; otherwise {}", advice(&rename), obstacle.remedy);
                }
            } else if is_departure(&rename, difference) && planned.step.loses_data() {
                planned.step.findings.push(note(&rename));
            }
        }
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
        ) => collection == of && from == field,
        _ => false,
    }
}

/// Whether a difference is that records need something, which they may have under another name.
fn is_arrival(rename: &LikelyRename, difference: &Difference) -> bool {
    match (rename, difference) {
        (LikelyRename::Field { collection, to, .. }, Difference::FieldAdded { collection: of, field, .. }) => {
            collection == of && to == field
        }
        (LikelyRename::EnumValue { name, from, .. }, Difference::EnumValuesRemoved { name: of, values }) => {
            name == of && values.contains(from)
        }
        _ => false,
    }
}

fn note(rename: &LikelyRename) -> Finding {
    let words = match rename {
        LikelyRename::Collection { to, .. } => format!("{to} is new and has most of its fields"),
        LikelyRename::Field { collection, to, .. } => format!("{collection}.{to} is new and has the same type"),
        LikelyRename::EnumValue { name, to, .. } => format!("{to} is new in {name}"),
    };
    Finding { words, records: 0, ids: Vec::new(), remedy: advice(rename), is_obstacle: false }
}

fn advice(rename: &LikelyRename) -> String {
    let (LikelyRename::Collection { from, to }
    | LikelyRename::Field { from, to, .. }
    | LikelyRename::EnumValue { from, to, .. }) = rename;
    format!("if you renamed `{from}` to `{to}`, write `@renamed(from: \"{from}\")` on `{to}`")
}
