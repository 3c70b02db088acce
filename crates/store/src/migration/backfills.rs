//! What is wrong with values that a `@backfill` gives.

use backstay_model::{Collection, Field, FieldKind, Length};
use backstay_scalar::Scalar;
use backstay_sql::{BackfillError, Models, Succession};

use super::finder::{Finder, counted};
use crate::StoreError;
use crate::step::{Finding, Step};

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

/// Each new `@backfill` that gives no stored record a value.
pub(super) fn unused<'m>(models: Models<'m>, succession: &Succession<'_>) -> Vec<Unused<'m>> {
    let Models { old, new, pairing, .. } = models;
    let fields = new.collections.iter().filter(|of| !of.system && of.versions.is_none());
    let fields = fields.flat_map(|of| of.fields.iter().map(move |field| (of, field)));
    let refused = |of: &Collection, field: &Field| {
        succession.backfill_errors().iter().any(|error| (error.collection, error.field) == (of.id, field.id))
    };
    let unused = fields.filter_map(|(of, field)| {
        let backfill = field.backfill.as_ref()?;
        let was = pairing.collection(of.id).zip(pairing.field(of.id, field.id));
        let known = was.and_then(|(of, was)| old.field(of, was).backfill.as_ref());
        let is_new = known.is_none_or(|known| known.text.trim() != backfill.text.trim());
        let is_unused = !succession.is_backfilled(of.id, field.id) && !refused(of, field);
        (is_new && is_unused).then_some(Unused { collection: of, field })
    });
    unused.collect()
}

/// A new `@backfill` that gives no stored record a value.
pub(super) struct Unused<'m> {
    pub(super) collection: &'m Collection,
    field: &'m Field,
}

impl Unused<'_> {
    /// Of a collection that is new, why that is so.
    pub(super) fn without_records(&self) -> Finding {
        let Self { collection: Collection { name, .. }, field } = self;
        let words = format!("{name} has no records yet, so the `@backfill` of {name}.{} does nothing", field.name);
        let remedy = "let a script create its records (see \"Split a type in two\" in docs/changing-a-model.md)";
        note(words, remedy)
    }

    /// The step that does nothing.
    pub(super) fn step(&self) -> Step {
        let step = format!("the new `@backfill` of {}.{} does nothing", self.collection.name, self.field.name);
        let words = "only a field that is new, becomes required or gets another type takes values from it";
        let finding = note(words.to_owned(), "change stored records with requests, or leave it out");
        Step { findings: vec![finding], ..Step::safe(&step, &[]) }
    }
}

fn note(words: String, remedy: &str) -> Finding {
    Finding { words, records: 0, ids: Vec::new(), remedy: remedy.to_owned(), is_obstacle: false }
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
        let probe = finder.succession.breaking(collection.id, check);
        let words = words("a value that breaks its check");
        found.extend(finder.ask(&probe, (&words, "make it give values that pass", true)).await?);
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
