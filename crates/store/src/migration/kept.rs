//! Constraints that both models have, and that the values break which a migration gives records.

use backstay_model::{Collection, Difference, Field, exclusion_before, index_before};
use backstay_sql::{condition_fields, exclusion_fields};

use super::Planned;
use super::finder::{Finder, note, that};
use crate::StoreError;

/// Asks again what values that a migration changes may break: what must be unique, what may not overlap, and checks.
pub(super) async fn find(finder: &mut Finder<'_>, planned: &mut Vec<Planned>) -> Result<(), StoreError> {
    for after in &finder.models.new.collections {
        if finder.models.pairing.collection(after.id).is_some() {
            shared(finder, planned, after).await?;
            overlapping(finder, planned, after).await?;
            broken(finder, planned, after).await?;
        }
    }
    Ok(())
}

async fn shared(finder: &mut Finder<'_>, planned: &mut Vec<Planned>, after: &Collection) -> Result<(), StoreError> {
    let (models, succession) = (finder.models, finder.succession);
    for index in after.indexes.iter().filter(|index| index.unique) {
        let named = condition_fields(models.new, after, index);
        let mut named = index.fields.iter().chain(&named);
        let changed = named.find(|field| succession.changes_values(after.id, **field));
        if let Some(changed) = changed
            && index_before((models.old, models.new), models.pairing, after.id, index).is_some()
            && let Some(finding) = finder.sharing(after, index).await?
        {
            note(planned, (&after.name, &after.field(*changed).name), finding);
        }
    }
    Ok(())
}

async fn overlapping(
    finder: &mut Finder<'_>,
    planned: &mut Vec<Planned>,
    after: &Collection,
) -> Result<(), StoreError> {
    let (models, succession) = (finder.models, finder.succession);
    for exclusion in &after.exclusions {
        let named = exclusion_fields(models.new, after, exclusion);
        let changed = named.into_iter().find(|field| succession.changes_values(after.id, *field));
        if let Some(changed) = changed
            && exclusion_before((models.old, models.new), models.pairing, after.id, exclusion).is_some()
        {
            for finding in finder.overlapping(after, exclusion).await? {
                note(planned, (&after.name, &after.field(changed).name), finding);
            }
        }
    }
    Ok(())
}

/// A check stands in the way of nothing: a record that breaks it can be changed to one that passes.
async fn broken(finder: &mut Finder<'_>, planned: &mut Vec<Planned>, after: &Collection) -> Result<(), StoreError> {
    let (models, succession) = (finder.models, finder.succession);
    let of_type = after.checks.iter().enumerate().map(|check| (None, check));
    let of_fields =
        after.fields.iter().flat_map(|field| field.checks.iter().enumerate().map(move |check| (Some(field), check)));
    for (field, (place, check)) in of_type.chain(of_fields) {
        if is_asked(planned, after, (field, place)) {
            continue;
        }
        // What a `@backfill` gives must pass the checks of its field.
        let given = field.is_some_and(|field| succession.is_backfilled(after.id, field.id));
        let Some((of, changed)) = succession.changed_in(after.id, check).filter(|_| !given) else { continue };
        let probe = succession.breaking(after.id, check);
        let words = |records| {
            format!("{} the check \"{}\" of {} then", that(records, ["breaks", "break"]), check.message, after.name)
        };
        if let Some(finding) = finder.ask(&probe, (&words, "", false)).await? {
            let of = models.new.collection(of);
            note(planned, (&of.name, &of.field(changed).name), finding);
        }
    }
    Ok(())
}

/// Whether the check is new, and asked of stored records where it is added.
fn is_asked(planned: &[Planned], of: &Collection, (field, place): (Option<&Field>, usize)) -> bool {
    planned.iter().any(|planned| match &planned.difference {
        Some(Difference::CheckAdded { collection, field: at, check, .. }) => {
            *collection == of.name && at.as_deref() == field.map(|field| field.name.as_str()) && *check == place
        }
        _ => false,
    })
}
