use std::collections::BTreeSet;
use std::fmt;

use backstay_base::Duration;

use super::behaviour::ApplicationPart;
use super::listing::listed;
use super::parts::Part;
use super::{Difference, Filled, MemberChange, TypeChange, keys};
use crate::{Nulls, OnDelete, Trash, Upkeep, ValueLimit};

impl fmt::Display for Difference {
    #[expect(clippy::too_many_lines, reason = "one arm for each difference")]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CollectionAdded { collection } => write!(f, "{collection} is new"),
            Self::CollectionRenamed { from, to } => write!(f, "{from} is now called {to}; its records stay"),
            Self::FieldRenamed { collection, from, to, stored, kept: _ } => {
                let stay = if *stored { "; its values stay" } else { "" };
                write!(f, "{collection}.{from} is now called {to}{stay}")
            }
            Self::CollectionRemoved { collection } => {
                write!(f, "{collection} is removed, with all its records")
            }
            Self::PathChanged { collection, from, to } => {
                write!(f, "{collection} moves from {from} to {to}; no record changes")
            }
            Self::FieldAdded { collection, field, filled, .. } => {
                write!(f, "{collection}.{field} is new; {}", filled_words(*filled))
            }
            Self::FieldRemoved { collection, field, stored: true } => {
                write!(f, "{collection}.{field} is removed, with its stored values")
            }
            Self::FieldRemoved { collection, field, stored: false } => {
                write!(f, "{collection}.{field} is removed; it had no column")
            }
            Self::TypeChanged { collection, field, from, to, change } => {
                let (what, effect) = change_words((from, to), change);
                write!(f, "{collection}.{field} {what}; {effect}")
            }
            Self::RequiredTightened { collection, field, filled } => {
                write!(f, "{collection}.{field} is now required; {}", required_words(*filled))
            }
            Self::RequiredLoosened { collection, field } => {
                write!(f, "{collection}.{field} is no longer required")
            }
            Self::ComputedChanged { collection, field } => {
                write!(f, "{collection}.{field} is computed in another way; no record changes")
            }
            Self::SumChanged { collection, field } => {
                write!(f, "{collection}.{field} sums something else; Backstay recomputes it for all records")
            }
            Self::UpkeepChanged { collection, field, to: Upkeep::Commit } => {
                write!(
                    f,
                    "{collection}.{field} is kept up to date in every commit; Backstay recomputes it for all records"
                )
            }
            Self::UpkeepChanged { collection, field, to: Upkeep::Soon } => {
                write!(f, "{collection}.{field} is refreshed after each commit; no record changes")
            }
            Self::SequenceAdded { collection, field } => write!(
                f,
                "{collection}.{field} numbers the records from now on; those without a number get one in the order in \
                 which they were created"
            ),
            Self::LengthChanged { collection, field, stricter: true } => {
                write!(
                    f,
                    "{collection}.{field} has a stricter `@length`; stored values that don't fit stay until they are changed"
                )
            }
            Self::LengthChanged { collection, field, stricter: false } => {
                write!(f, "{collection}.{field} has a looser `@length`; no record changes")
            }
            Self::CheckAdded { collection, field, check: _, message, rule } => {
                write!(
                    f,
                    "{} has a new check, {}; stored records that break it stay until they are changed",
                    place(collection, field.as_deref()),
                    check_words(message, rule.as_deref())
                )
            }
            Self::CheckRemoved { collection, field, message, rule } => {
                let (place, check) = (place(collection, field.as_deref()), check_words(message, rule.as_deref()));
                write!(f, "{place} loses the check {check}; no record changes")
            }
            Self::OnDeleteChanged { collection, field, target: _, from, to } => {
                let (from, to) = (on_delete(*from), on_delete(*to));
                write!(f, "the `@onDelete` of {collection}.{field} changes from {from} to {to}; no record changes")
            }
            Self::LimitChanged { collection, field, limit, stricter } => {
                write!(f, "{collection}.{field} {}", limit_words(*limit, *stricter))
            }
            Self::MemberChanged { of, member, change } => {
                let effect = match change {
                    MemberChange::LengthTightened => {
                        "has a stricter `@length`; stored values that don't fit stay until they are changed"
                    }
                    MemberChange::LengthLoosened => "has a looser `@length`; no record changes",
                    MemberChange::Limit { limit, stricter } => limit_words(*limit, *stricter),
                    MemberChange::RequiredLoosened => "is no longer required; no record changes",
                };
                write!(f, "{of}.{member} {effect}")
            }
            Self::SingleChanged { collection, single: true, .. } => {
                write!(f, "{collection} is now a type with exactly one record; a stored one stays")
            }
            Self::SingleChanged { collection, single: false, .. } => {
                write!(f, "{collection} can now have any number of records; the one it has stays")
            }
            Self::TreeAdded { collection, parent, had: false } => {
                write!(f, "the records of {collection} form trees by {parent}")
            }
            Self::TreeAdded { collection, parent, had: true } => {
                write!(f, "the records of {collection} now form trees by {parent}")
            }
            Self::TreeRemoved { collection } => {
                write!(f, "the records of {collection} form no trees any more; their references stay")
            }
            Self::TrashChanged { collection, had, has, found } => {
                f.write_str(&trash_words(collection, (had.is_some(), *has), *found))
            }
            Self::HistoryAdded { collection, is_new: true } => write!(f, "{collection} has a history"),
            Self::HistoryAdded { collection, is_new: false } => {
                write!(f, "{collection} now has a history; stored records are the first versions in it")
            }
            Self::HistoryRemoved { collection } => {
                write!(f, "the history of {collection} is removed, with all versions")
            }
            Self::HistoryKept { collection, was: _, keep: None } => {
                write!(f, "the history of {collection} now keeps all versions")
            }
            Self::HistoryKept { collection, was: _, keep } => {
                write!(f, "the history of {collection} now keeps old versions{}", kept_words(*keep))
            }
            Self::KeyChanged { collection, from, to } => f.write_str(&keys::words(collection, *from, *to)),
            Self::LinkAdded { collection, field, table } => {
                write!(f, "{collection}.{field} gets the new link table {table}")
            }
            Self::LinkRemoved { collection, field, table } => {
                write!(f, "the link table {table} of {collection}.{field} is removed, with its links")
            }
            Self::LinksOrdered { collection, field } => {
                write!(f, "the links of {collection}.{field} get an order; those that there are keep the order of ids")
            }
            Self::LinksUnordered { collection, field } => {
                write!(f, "the links of {collection}.{field} lose their order")
            }
            Self::IndexAdded { collection, index, unique: true, nulls, condition } => {
                unique_words(f, (collection, index), (*nulls, condition.as_ref()))
            }
            Self::IndexAdded { collection, index, unique: false, condition, .. } => {
                let records = if condition.is_some() { " over records" } else { "" };
                write!(f, "{collection} gets the index {index}{records}{}", of_which(condition.as_ref()))
            }
            Self::IndexRemoved { collection, index, unique } => {
                let kind = if *unique { "unique index" } else { "index" };
                write!(f, "{collection} loses the {kind} {index}")
            }
            Self::ExclusionAdded { collection, fields, condition } => {
                write!(f, "{} may overlap", no_two_words(collection, (fields, condition.as_ref())))
            }
            Self::ExclusionRemoved { collection, fields, condition } => {
                let range = range_words(collection, (fields, condition.as_ref()));
                write!(f, "{range} may overlap from now on; no record changes")
            }
            Self::EnumRenamed { from, to } => write!(f, "the enum {from} is now called {to}; no record changes"),
            Self::EnumValuesRenamed { name, values, merged } => {
                let values: Vec<String> = values.iter().map(|(from, to)| format!("{from} becomes {to}")).collect();
                write!(f, "in {name}, {}; stored records follow", values.join(", "))?;
                if merged.is_empty() {
                    Ok(())
                } else {
                    write!(f, ", and nothing tells any more which had {}", listed(merged))
                }
            }
            Self::EnumValuesAdded { name, values } => write!(f, "{name} has new values: {}", values.join(", ")),
            Self::EnumValuesRemoved { name, values } => {
                write!(f, "{name} loses values, which no record may hold: {}", values.join(", "))
            }
            Self::EnumReordered { name, values } => {
                write!(f, "{name} has its values in a new order: {}; no record changes", values.join(", "))
            }
            Self::ApplicationChanged { parts } => {
                let parts: Vec<String> = parts.iter().map(ApplicationPart::words).collect();
                write!(f, "{} changed; no record changes", listed(&parts))
            }
            Self::AccountsMoved { from, to } => {
                let now = to.as_ref().map_or("there are no accounts".to_owned(), |to| format!("accounts are of {to}"));
                write!(f, "{now}; those of {from} can't sign in any more, and their passwords and sessions are deleted")
            }
            Self::SecretRevealed { collection, field } => {
                write!(f, "{collection}.{field} isn't secret any more: responses show its stored values")
            }
            Self::RolesMerged { roles } => {
                let merged: Vec<String> = roles.iter().map(|(from, to)| format!("{from} becomes {to}")).collect();
                let into: BTreeSet<&str> = roles.iter().map(|(_, to)| to.as_str()).collect();
                let into: Vec<String> = into.into_iter().map(str::to_owned).collect();
                write!(
                    f,
                    "of the roles, {}: accounts, keys and invitations get the rights of {}, and nothing tells any more \
                     who had which",
                    merged.join(", "),
                    listed(&into)
                )
            }
            Self::RolesRemoved { roles } => {
                let (are, it) = if roles.len() == 1 { ("role", "is") } else { ("roles", "are") };
                write!(f, "the {are} {} {it} removed, also from accounts, keys and invitations", listed(roles))
            }
            Self::BehaviourChanged { collection, parts } => {
                let parts: Vec<String> = parts.iter().map(Part::words).collect();
                write!(f, "{collection}: {} changed; no record changes", listed(&parts))
            }
        }
    }
}

fn check_words(message: &str, rule: Option<&str>) -> String {
    let rule = rule.map_or_else(String::new, |rule| format!(" (`{rule}`)"));
    format!("\"{message}\"{rule}")
}

/// As a model says it.
fn on_delete(action: OnDelete) -> &'static str {
    match action {
        OnDelete::Restrict => "RESTRICT",
        OnDelete::Cascade => "CASCADE",
        OnDelete::SetNull => "SET_NULL",
    }
}

fn limit_words(limit: ValueLimit, stricter: bool) -> &'static str {
    match (limit, stricter) {
        (ValueLimit::Range, true) => "has a stricter `@range`, which every stored value must satisfy",
        (ValueLimit::Range, false) => "has a looser `@range`; no record changes",
        (ValueLimit::Pattern, true) => "has a new `@pattern`, which every stored value must match",
        (ValueLimit::Pattern, false) => "loses its `@pattern`; no record changes",
    }
}

fn trash_words(collection: &str, (had, has): (bool, Option<Trash>), found: bool) -> String {
    let those = if found { "; those with a `trashedAt` are in it" } else { "" };
    match (had, has) {
        (_, None) => format!("{collection} has no trash any more; what is deleted is gone"),
        (false, Some(Trash { keep, .. })) => {
            format!("{collection} now has a trash, in which deleted records are kept{}{those}", kept_words(keep))
        }
        (true, Some(Trash { keep, .. })) => format!("the trash of {collection} now keeps records{}", kept_words(keep)),
    }
}

pub(super) fn kept_words(keep: Option<Duration>) -> String {
    const SECOND: i64 = 1_000_000;
    let units =
        [(24 * 60 * 60 * SECOND, "day"), (60 * 60 * SECOND, "hour"), (60 * SECOND, "minute"), (SECOND, "second")];
    let Some(keep) = keep else { return " until they are purged".to_owned() };
    match units.into_iter().find(|(unit, _)| keep.micros() % unit == 0) {
        Some((unit, name)) if keep.micros() == unit => format!(" for 1 {name}"),
        Some((unit, name)) => format!(" for {} {name}s", keep.micros() / unit),
        None => format!(" for {keep}"),
    }
}

fn unique_words(
    f: &mut fmt::Formatter<'_>,
    (collection, index): (&str, &str),
    (nulls, condition): (Nulls, Option<&String>),
) -> fmt::Result {
    let of_which = of_which(condition);
    let null = match nulls {
        Nulls::Distinct => "",
        Nulls::Same => ", nulls included",
    };
    write!(f, "{collection} gets the unique index {index}; no two records{of_which} may share these values{null}")
}

/// Of which records of a type the ranges are compared.
pub(super) fn range_words(collection: &str, (fields, condition): (&[String], Option<&String>)) -> String {
    let of_which = of_which(condition);
    match fields {
        [from, to] => format!("the ranges from {from} to {to} of {collection}{of_which}"),
        [same @ .., from, to] => {
            let same = listed(same);
            format!("the ranges from {from} to {to} of {collection}{of_which} with the same {same}")
        }
        _ => format!("the ranges of {collection}{of_which}"),
    }
}

pub(super) fn no_two_words(collection: &str, of: (&[String], Option<&String>)) -> String {
    range_words(collection, of).replacen("the ranges", "no two ranges", 1)
}

/// Which records an index is over.
pub(super) fn of_which(condition: Option<&String>) -> String {
    condition.map_or_else(String::new, |condition| format!(" with `{condition}`"))
}

fn filled_words(filled: Filled) -> &'static str {
    match filled {
        Filled::NotStored => "it needs no column",
        Filled::Null => "it is null in stored records",
        Filled::Default => "stored records get its default",
        Filled::Backfill => "stored records get the value of its `@backfill`",
        Filled::Slug => "each stored record gets a slug",
        Filled::Number => "stored records are numbered in the order in which they were created",
        Filled::Sum => "it is computed for stored records",
        Filled::Missing => "it is required, and nothing says what stored records get",
    }
}

fn required_words(filled: Filled) -> &'static str {
    match filled {
        Filled::Default => "records without a value get its default",
        Filled::Backfill => "records without a value get the one of its `@backfill`",
        Filled::Slug => "each record without a value gets a slug",
        Filled::Number => "each record without a value gets a number",
        Filled::Missing | Filled::Null | Filled::NotStored | Filled::Sum => "every stored record must have a value",
    }
}

fn stored_words(filled: Filled) -> &'static str {
    match filled {
        Filled::NotStored | Filled::Null => "it is stored from now on, and null in stored records",
        Filled::Default => "it is stored from now on; stored records get its default",
        Filled::Backfill => "it is stored from now on; stored records get the value of its `@backfill`",
        Filled::Slug => "it is stored from now on; each stored record gets a slug",
        Filled::Number => {
            "it is stored from now on; stored records are numbered in the order in which they were created"
        }
        Filled::Sum => "it is stored from now on, and computed for stored records",
        Filled::Missing => "it is stored from now on and required, and nothing says what stored records get",
    }
}

/// What a field with another type does, and what becomes of its stored values.
pub(super) fn change_words((from, to): (&str, &str), change: &TypeChange) -> (String, String) {
    let effect = match change {
        TypeChange::Rewritten { lost, breaking: _ } => {
            // The names of a document's types can be the same, and what they mean another.
            let what = if from == to { format!("holds other values of {to}") } else { changes(from, to) };
            return (what, rewritten_words(lost));
        }
        TypeChange::NotStored => "it has no column, and links of a relation that stays are kept",
        TypeChange::Widened => "every stored value fits as it is",
        TypeChange::Converted => "each stored value is written as text and read as the new type",
        TypeChange::Computed => "it is computed from now on, and its stored values are deleted",
        TypeChange::Stored(filled) => stored_words(*filled),
        TypeChange::Summed { replaces: false } => "it is a stored sum from now on, and computed for stored records",
        TypeChange::Summed { replaces: true } => {
            "it is a stored sum from now on; stored values are replaced by the sums"
        }
        TypeChange::Derived => "it is computed whenever it is read from now on, and its column is removed",
        TypeChange::Shared => "each amount stays as it is, in the same currency",
        TypeChange::Referring => "references that fit the new type stay",
        TypeChange::Linked => "the record that it refers to becomes the only one of the list",
        TypeChange::Replaced(Filled::Null | Filled::NotStored) => "stored values can't be converted and are deleted",
        TypeChange::Replaced(Filled::Default) => "stored values can't be converted; records get the default instead",
        TypeChange::Replaced(Filled::Backfill) => "records get the value of its `@backfill` instead",
        TypeChange::Replaced(Filled::Slug) => "stored values can't be converted; each record gets a slug instead",
        TypeChange::Replaced(Filled::Number) => {
            "stored values can't be converted; records are numbered in the order in which they were created"
        }
        TypeChange::Replaced(Filled::Sum) => "stored values can't be converted; the sums replace them",
        TypeChange::Replaced(Filled::Missing) => {
            "stored values can't be converted, and nothing says what records get instead"
        }
    };
    (changes(from, to), effect.to_owned())
}

fn changes(from: &str, to: &str) -> String {
    format!("changes from {from} to {to}")
}

fn rewritten_words(lost: &[String]) -> String {
    let without = match lost {
        [] => String::new(),
        lost => format!(", and the values of {} in it are deleted", listed(lost)),
    };
    format!("each stored document is rewritten{without}")
}

/// A type, or one of its fields, by its name.
pub(super) fn place(collection: &str, field: Option<&str>) -> String {
    field.map_or_else(|| collection.to_owned(), |field| format!("{collection}.{field}"))
}
