//! Tables that are there only while a migration runs.

use backstay_model::{CollectionId, FieldId, shortened};

use crate::{Statement, definition};

/// What the names of tables begin with that are about to be.
pub(crate) const NEXT: &str = "backstay_next_";

/// The name of a table while it is written anew, and of the SELECT that it is filled from.
pub fn next_table(table: &str) -> String {
    shortened(format!("{NEXT}{table}"))
}

/// The temporary table that holds the converted values of a field by the ids of the records.
pub fn converted_table(collection: CollectionId, field: FieldId) -> String {
    format!("backstay_converted_{}_{}", collection.0, field.0)
}

/// The temporary table that holds the values made for a field by the ids of the records.
pub(crate) fn made_table(collection: CollectionId, field: FieldId) -> String {
    format!("backstay_made_{}_{}", collection.0, field.0)
}

/// Removes a temporary table.
pub(crate) fn drop_kept(table: &str) -> Statement {
    definition::raw(format!("DROP TABLE {}", definition::quoted(table)))
}
