//! What becomes of the versions of records: their tables are changed like all others, and the records that a migration gives
//! other values get versions with these.

use backstay_model::{Collection, Difference, Field, Model, Risk, Work};
use backstay_sql::{Followed, Models, Statement, Succession, alter, follow_records, schema};

/// The table of versions of a type that gets a history.
pub(super) fn added(models: Models<'_>, collection: &str) -> Vec<Statement> {
    let history = models.collection(collection).history.as_ref();
    let versions = history.map(|history| models.new.collection(history.versions));
    versions.map_or_else(Vec::new, |versions| schema::add_collection(models.new, versions, models.dialect))
}

/// Removes the table of versions of a type that loses its history; `carried` has the name that it has by then.
pub(super) fn removed(models: Models<'_>, carried: &Model, collection: &str) -> Vec<Statement> {
    let history = models.removed(collection).history.as_ref();
    let versions = history.map(|history| carried.collection(history.versions));
    versions.map_or_else(Vec::new, |versions| vec![alter::drop_table(&versions.table, models.dialect)])
}

/// Whether a difference is one in how versions are kept: what clients notice of it, they notice of the records.
pub(super) fn is_about(models: Models<'_>, difference: &Difference) -> bool {
    let (Difference::FieldAdded { collection, .. }
    | Difference::FieldRenamed { collection, .. }
    | Difference::FieldRemoved { collection, .. }
    | Difference::TypeChanged { collection, .. }
    | Difference::RequiredTightened { collection, .. }
    | Difference::RequiredLoosened { collection, .. }) = difference
    else {
        return false;
    };
    models.new.collection_named(collection).is_some_and(|of| of.versions.is_some())
}

/// Adds versions of the records that have none yet, or whose kept values are others now: of each type the words, the risk
/// and the statements.
pub(super) fn follow(models: Models<'_>, succession: &Succession<'_>) -> Vec<(String, Risk, Vec<Statement>)> {
    let Models { new, pairing, dialect, now, .. } = models;
    let mut steps = Vec::new();
    for collection in new.collections.iter().filter(|of| pairing.collection(of.id).is_some()) {
        let Some(history) = &collection.history else { continue };
        let (followed, words, work) = if pairing.collection(history.versions).is_none() {
            (Followed::Found, "keep the stored records of", Work::Reads)
        } else if changes_kept_values(models, succession, collection) {
            (Followed::Migrated(now), "keep the changed values of", Work::Writes)
        } else {
            continue;
        };
        let words = format!("{words} {} as versions", collection.name);
        steps.push((words, dialect.risk(work), follow_records(new, collection, followed, dialect)));
    }
    steps
}

/// Whether stored records can have other values than before in a field that the history keeps, or has only now begun to
/// keep.
fn changes_kept_values(models: Models<'_>, succession: &Succession<'_>, collection: &Collection) -> bool {
    let Models { old, pairing, .. } = models;
    let mut kept = collection.stored_fields().filter(|field| field.is_in_history());
    kept.any(|field| {
        let before = pairing.collection(collection.id).zip(pairing.field(collection.id, field.id));
        let was_kept = before.is_none_or(|(of, was)| old.field(of, was).is_in_history());
        let changes = succession.changes_values(collection.id, field.id);
        !was_kept || changes && !is_empty_at_first(models, succession, (collection, field))
    })
}

/// Whether a field is new, and null in stored records.
fn is_empty_at_first(
    models: Models<'_>,
    succession: &Succession<'_>,
    (collection, field): (&Collection, &Field),
) -> bool {
    let is_new = models.pairing.field(collection.id, field.id).is_none();
    let is_filled = succession.is_backfilled(collection.id, field.id)
        || succession.is_made(collection.id, field.id)
        || succession.fills_where_present(collection.id, field);
    is_new && !is_filled && models.new.default_of(field).is_none()
}
