//! What is wrong with values that a `@backfill` gives.

use backstay_model::{Collection, Field, FieldKind, Length};
use backstay_scalar::Scalar;
use backstay_sql::{BackfillError, Models};

use super::findings::{Finder, counted};
use crate::StoreError;
use crate::step::Finding;

/// What is wrong with an expression that gives none, and the names of the collection and the field.
pub(super) fn misfit<'m>(models: Models<'m>, error: &BackfillError) -> (&'m str, &'m str, Finding) {
    let (collection, field) =
        (models.new.collection(error.collection), models.new.field(error.collection, error.field));
    let words = format!(
        "the `@backfill` of {}.{} doesn't fit the stored model: {}",
        collection.name, field.name, error.message
    );
    let finding = Finding { words, records: 0, ids: Vec::new(), remedy: error.remedy.clone(), is_obstacle: true };
    (&collection.name, &field.name, finding)
}

/// What is wrong with the values that a `@backfill` gives.
pub(super) async fn find(
    finder: &mut Finder<'_>,
    collection: &Collection,
    field: &Field,
) -> Result<Vec<Finding>, StoreError> {
    let (place, mut found) = (format!("{}.{}", collection.name, field.name), Vec::new());
    let words = |what: &'static str| {
        let place = place.clone();
        move |records| format!("the `@backfill` of {place} gives {} {what}", counted(records))
    };
    if let Some(probe) = finder.succession.outside(collection.id, field.id) {
        let words = words("a text that isn't a value of the enum");
        found.extend(finder.ask(&probe, (&words, "make it give names of values only", true)).await?);
    }
    if let Some(probe) = finder.succession.astray(collection.id, field.id) {
        let words = words("the id of a record that doesn't exist");
        found.extend(finder.ask(&probe, (&words, "make it give ids of stored records only", true)).await?);
    }
    if let Some(probe) = finder.succession.more_digits(collection.id, field.id) {
        let (what, remedy) = match field.kind.scalar() {
            Some(Scalar::Money) => (
                "an amount with more digits than the currency has, or than the field holds",
                "round the amounts that it gives with `round(…)`",
            ),
            _ => (
                "a number with more digits than the field holds",
                "make it give numbers with fewer digits, with `round(…)`, or give the field more with `@precision`",
            ),
        };
        let words = words(what);
        found.extend(finder.ask(&probe, (&words, remedy, true)).await?);
    }
    if let Some(length) = longest(field) {
        let probe = finder.succession.not_as_long(collection.id, field.id, length);
        let words = words("a value that is too short or too long");
        found.extend(finder.ask(&probe, (&words, "make it give values that fit", true)).await?);
    }
    if field.limits_values() {
        found.extend(finder.unfit((collection, field), "make its `@backfill` give values that fit").await?);
    }
    for check in &field.checks {
        if let Some(probe) = finder.succession.breaking(collection.id, check) {
            let words = words("a value that breaks its check");
            found.extend(finder.ask(&probe, (&words, "make it give values that pass", true)).await?);
        }
    }
    Ok(found)
}

/// The length that values of a field must have, by its `@length` or by its type.
fn longest(field: &Field) -> Option<Length> {
    let of_type = match &field.kind {
        FieldKind::Scalar(scalar) => scalar.max_chars(),
        _ => None,
    };
    match (field.length, of_type) {
        (Some(length), of_type) => Some(Length { max: length.max.or(of_type), ..length }),
        (None, Some(max)) => Some(Length { min: 0, max: Some(max) }),
        (None, None) => None,
    }
}
