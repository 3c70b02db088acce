//! What clients of the API notice of a difference.

use super::api::{ApiChange, breaking, harmless, together};
use super::behaviour::ApplicationPart;
use super::describe::{change_words, kept_words, no_two_words, of_which, place, range_words};
use super::listing::listed;
use super::work::is_shorter;
use super::{Difference, MemberChange, TypeChange, keys};
use crate::{OnDelete, Trash, Upkeep, ValueLimit};

impl Difference {
    /// What clients notice; none if the API stays as it is.
    #[expect(clippy::too_many_lines, reason = "one arm for each difference")]
    pub fn api_change(&self) -> Option<ApiChange> {
        Some(match self {
            Self::CollectionAdded { collection } => harmless(format!("{collection} is a new collection")),
            Self::CollectionRemoved { collection } => breaking(format!("the collection {collection} is gone")),
            Self::PathChanged { from, to, .. } => breaking(format!("{from} is now {to}")),
            Self::SingleChanged { collection, path, single } => breaking(place_words(collection, path, *single)),
            Self::TrashChanged { collection, had, has, .. } => return trash_change(collection, (*had, *has)),
            Self::TreeAdded { collection, had: false, .. } => {
                harmless(format!("{collection} has the new lists `ancestors` and `descendants`"))
            }
            Self::TreeAdded { collection, had: true, parent } => {
                breaking(format!("`ancestors` and `descendants` of {collection} follow {parent}"))
            }
            Self::TreeRemoved { collection } => {
                breaking(format!("`ancestors` and `descendants` of {collection} are gone"))
            }
            Self::HistoryKept { collection, was, keep } if is_shorter(*was, *keep) => {
                breaking(format!("old versions of {collection} can be read{} only", kept_words(*keep)))
            }
            Self::HistoryAdded { collection, is_new: false } => {
                harmless(format!("the history of {collection} can be read"))
            }
            Self::HistoryRemoved { collection } => breaking(format!("the history of {collection} is gone")),
            Self::KeyChanged { collection, from, to } => {
                let (words, breaking) = keys::noticed(collection, *from, *to)?;
                ApiChange { words, breaking }
            }
            Self::FieldAdded { collection, field, demanded: true, .. } => {
                let demanded = match field.rsplit_once('.') {
                    Some((holder, _)) => format!("which every {holder} must contain"),
                    None => "which every create has to give".to_owned(),
                };
                breaking(format!("{collection} has a new field, {field}, {demanded}"))
            }
            Self::FieldAdded { collection, field, .. } => harmless(format!("{collection} has a new field, {field}")),
            Self::FieldRenamed { collection, from, to, kept: true, .. } => {
                harmless(format!("{collection}.{from} can be called {to} too, and comes under both names"))
            }
            Self::FieldRenamed { collection, from, to, kept: false, .. } => {
                breaking(format!("{collection}.{from} is now {to}, in requests and responses"))
            }
            Self::FieldRemoved { collection, field, .. } => {
                breaking(format!("{collection}.{field} is gone, from requests and responses"))
            }
            Self::TypeChanged { collection, field, from, to, change } => {
                type_change(&place(collection, Some(field)), (from, to), change)
            }
            Self::RequiredTightened { collection, field, .. } => {
                breaking(format!("{collection}.{field} can't be null any more"))
            }
            Self::RequiredLoosened { collection, field } => {
                breaking(format!("{collection}.{field} can be null in responses"))
            }
            Self::ComputedChanged { collection, field } | Self::SumChanged { collection, field } => {
                harmless(format!("{collection}.{field} is computed in another way"))
            }
            Self::UpkeepChanged { collection, field, to: Upkeep::Commit } => {
                harmless(format!("{collection}.{field} is up to date in every response"))
            }
            Self::UpkeepChanged { collection, field, to: Upkeep::Soon } => {
                breaking(format!("{collection}.{field} follows changes with a delay"))
            }
            Self::SequenceAdded { collection, field } => {
                breaking(format!("{collection}.{field} can't be sent any more"))
            }
            Self::LengthChanged { collection, field, stricter } => {
                length_change(&place(collection, Some(field)), *stricter)
            }
            Self::LimitChanged { collection, field, limit, stricter } => {
                limit_change(&place(collection, Some(field)), *limit, *stricter)
            }
            Self::MemberChanged { of, member, change } => member_change(&place(of, Some(member)), *change),
            Self::CheckAdded { collection, field, message, .. } => {
                let place = place(collection, field.as_deref());
                breaking(format!("some values of {place} are refused: \"{message}\""))
            }
            Self::CheckRemoved { collection, field, message, .. } => {
                let place = place(collection, field.as_deref());
                harmless(format!("{place} takes values that were refused: \"{message}\""))
            }
            Self::OnDeleteChanged { collection, field, target, from, to } => {
                on_delete_change(&place(collection, Some(field)), target, (*from, *to))
            }
            Self::LinksOrdered { collection, field } => {
                harmless(format!("the records of {collection}.{field} come in the order in which they were sent"))
            }
            Self::LinksUnordered { collection, field } => {
                harmless(format!("the records of {collection}.{field} come in another order"))
            }
            Self::IndexAdded { collection, index, unique: true, condition, .. } => {
                breaking(second_words((collection, index), condition.as_ref()))
            }
            Self::ExclusionAdded { collection, fields, condition } => {
                breaking(format!("{} may overlap", no_two_words(collection, (fields, condition.as_ref()))))
            }
            Self::ExclusionRemoved { collection, fields, condition } => {
                harmless(format!("{} may overlap", range_words(collection, (fields, condition.as_ref()))))
            }
            Self::EnumRenamed { from, to } | Self::CollectionRenamed { from, to } => {
                harmless(format!("{from} is called {to} in the OpenAPI document"))
            }
            Self::EnumValuesAdded { name, values } => {
                harmless(format!("responses can contain new values of {name}: {}", values.join(", ")))
            }
            Self::EnumReordered { name, values } => harmless(format!(
                "lists that are sorted by a {name}, and filters that compare one with `<`, follow its new order: {}",
                values.join(", ")
            )),
            Self::EnumValuesRenamed { name, values, merged: _ } => {
                let values: Vec<String> = values.iter().map(|(from, to)| format!("{from} is now {to}")).collect();
                breaking(format!("values of {name} change: {}", values.join(", ")))
            }
            Self::EnumValuesRemoved { name, values } => {
                breaking(format!("values of {name} are refused: {}", values.join(", ")))
            }
            Self::BehaviourChanged { collection, parts } => {
                return together(parts.iter().filter_map(|part| part.api_change(collection)));
            }
            Self::ApplicationChanged { parts } => {
                return together(parts.iter().filter_map(ApplicationPart::api_change));
            }
            Self::RolesMerged { roles } => {
                let merged: Vec<String> = roles.iter().map(|(from, to)| format!("{from} have those of {to}")).collect();
                breaking(format!("instead of their own rights, callers with the role {}", listed(&merged)))
            }
            Self::RolesRemoved { roles } => {
                let role = if roles.len() == 1 { "role" } else { "roles" };
                breaking(format!("nobody has the {role} {} any more", listed(roles)))
            }
            Self::HistoryAdded { is_new: true, .. }
            | Self::HistoryKept { .. }
            | Self::LinkAdded { .. }
            | Self::LinkRemoved { .. }
            | Self::IndexAdded { unique: false, .. }
            | Self::IndexRemoved { .. } => return None,
            Self::SecretRevealed { collection, field } => {
                harmless(format!("{collection} has a new field in responses, {field}, which was secret"))
            }
            Self::AccountsMoved { from, .. } => breaking(format!("accounts of {from} can't sign in any more")),
        })
    }
}

/// What clients notice of a trash that is new or gone, or that keeps records for another time.
fn trash_change(collection: &str, (had, has): (Option<Trash>, Option<Trash>)) -> Option<ApiChange> {
    match (had, has) {
        (None, _) => Some(harmless(format!("deleted records of {collection} can be restored"))),
        (Some(_), None) => Some(breaking(format!("deleted records of {collection} can't be restored any more"))),
        (Some(had), Some(has)) if is_shorter(had.keep, has.keep) => {
            Some(breaking(format!("deleted records of {collection} can be restored{} only", kept_words(has.keep))))
        }
        (Some(_), Some(_)) => None,
    }
}

/// What clients notice when they delete the record that something refers to.
fn on_delete_change(place: &str, target: &str, (from, to): (OnDelete, OnDelete)) -> ApiChange {
    let a = format!("deleting a record of {target}");
    match (from, to) {
        (_, OnDelete::Restrict) => breaking(format!("{a} is refused as long as {place} refers to it")),
        (_, OnDelete::Cascade) => breaking(format!("{a} deletes the records too whose {place} refers to it")),
        (OnDelete::Cascade, OnDelete::SetNull) => {
            harmless(format!("{a} keeps the records whose {place} refers to it, with null there"))
        }
        (OnDelete::Restrict | OnDelete::SetNull, OnDelete::SetNull) => {
            harmless(format!("{a} is allowed if {place} refers to it, which becomes null"))
        }
    }
}

fn type_change(place: &str, (from, to): (&str, &str), change: &TypeChange) -> ApiChange {
    match change {
        TypeChange::Widened => harmless(format!("{place} can hold any {to}")),
        TypeChange::Rewritten { lost: _, breaking: false } => {
            harmless(format!("values of {to} in {place} have new members or another order of members"))
        }
        TypeChange::Summed { replaces: false } | TypeChange::Derived if is_same_but_for_computed(from, to) => {
            harmless(format!("{place} is computed in another way"))
        }
        TypeChange::Rewritten { lost: _, breaking: true }
        | TypeChange::NotStored
        | TypeChange::Summed { .. }
        | TypeChange::Derived
        | TypeChange::Converted
        | TypeChange::Linked
        | TypeChange::Shared
        | TypeChange::Referring
        | TypeChange::Computed
        | TypeChange::Stored(_)
        | TypeChange::Replaced(_) => breaking(format!("{place} {}", change_words((from, to), change).0)),
    }
}

/// Whether two types, as written, differ in `@computed` alone.
fn is_same_but_for_computed(from: &str, to: &str) -> bool {
    let ty = |written: &'_ str| written.split(" @computed").next().map(str::to_owned);
    ty(from) == ty(to)
}

fn member_change(place: &str, change: MemberChange) -> ApiChange {
    match change {
        MemberChange::LengthTightened => length_change(place, true),
        MemberChange::LengthLoosened => length_change(place, false),
        MemberChange::Limit { limit, stricter } => limit_change(place, limit, stricter),
        MemberChange::RequiredLoosened => breaking(format!("{place} can be null in responses")),
    }
}

fn length_change(place: &str, stricter: bool) -> ApiChange {
    if stricter {
        breaking(format!("some values of {place} are refused by its stricter `@length`"))
    } else {
        harmless(format!("{place} takes values of more lengths"))
    }
}

fn limit_change(place: &str, limit: ValueLimit, stricter: bool) -> ApiChange {
    if stricter {
        breaking(format!("some values of {place} are refused by its {limit}"))
    } else {
        harmless(format!("{place} takes more values"))
    }
}

fn second_words((collection, index): (&str, &str), condition: Option<&String>) -> String {
    format!("a second {collection}{} with the same values is refused (`{index}`)", of_which(condition))
}

/// How many records a path is for.
fn place_words(collection: &str, path: &str, single: bool) -> String {
    match single {
        true => format!("{collection} is one record, read and changed at {path}"),
        false => format!("{collection} is a list of records at {path}"),
    }
}
