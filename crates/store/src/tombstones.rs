//! What remains of deleted records whose ids clients can give again: their last versions, so that a record that is created
//! with such an id continues them, and no two states of an id share a version. A record is known by its dependency key,
//! which doesn't tell its id; two that share one begin later than they had to.

use std::collections::{BTreeSet, HashMap};

use backstay_audit::{ChangeKind, Entry};
use backstay_base::{DependencyKey, TypeNumber};
use backstay_model::CollectionId;
use backstay_scalar::Storage;
use backstay_sql::{Dialect, Param, Statement};

use crate::own::{bytes, int, own};
use crate::session::{OwnRow, SchemaSession};
use crate::{DependencyKeys, StoreError};

/// Entries of the log that are read at a time.
const ENTRIES: i64 = 256;

/// Shows which of these records were deleted, and the last version that each had. On PostgreSQL it waits for transactions that
/// delete them, which keep their tombstones first.
pub(crate) fn last_versions(dialect: Dialect, records: &BTreeSet<DependencyKey>) -> Statement {
    let text = match dialect {
        // There is one writer.
        Dialect::Sqlite => {
            "SELECT record, version FROM backstay_tombstone WHERE record IN (SELECT value FROM json_each($1))"
        }
        Dialect::Postgres => {
            "INSERT INTO backstay_tombstone (record, version) \
             SELECT CAST(value AS bigint), 0 FROM jsonb_array_elements_text($1) WITH ORDINALITY AS x(value, place) ORDER BY place \
             ON CONFLICT (record) DO UPDATE SET version = backstay_tombstone.version RETURNING record, version"
        }
    };
    own(text, vec![list(records)], &[Storage::Int, Storage::Int])
}

/// Removes the rows that `last_versions` has inserted where there were none.
pub(crate) fn unclaim(dialect: Dialect, records: &BTreeSet<DependencyKey>) -> Option<Statement> {
    const TEXT: &str = "DELETE FROM backstay_tombstone WHERE version = 0 \
                        AND record IN (SELECT CAST(value AS bigint) FROM jsonb_array_elements_text($1) AS x(value))";
    match dialect {
        Dialect::Sqlite => None,
        Dialect::Postgres => Some(own(TEXT, vec![list(records)], &[])),
    }
}

/// Keeps the last version of a record.
pub(crate) fn keep(record: DependencyKey, version: i64) -> Statement {
    own(
        "INSERT INTO backstay_tombstone (record, version) VALUES ($1, $2) ON CONFLICT (record) DO UPDATE SET version = \
         CASE WHEN excluded.version > backstay_tombstone.version THEN excluded.version \
         ELSE backstay_tombstone.version END",
        vec![key(record), Param::Int(version)],
        &[],
    )
}

/// Keeps the last versions of all records of these types that the log says were deleted: from now on clients can give their
/// ids.
pub(crate) async fn recover(
    session: &mut dyn SchemaSession,
    keys: &DependencyKeys,
    types: &HashMap<TypeNumber, CollectionId>,
) -> Result<(), StoreError> {
    let (mut last, mut more) = (0, !types.is_empty());
    while more {
        let (page, mut deleted) = (page(last), Vec::new());
        more = false;
        let visit = &mut |row: &dyn OwnRow| {
            (last, more) = (int(row, 0)?, true);
            let entry = Entry::decode(bytes(row, 1)?).map_err(|_| StoreError::Catalog("backstay_log"))?;
            for change in entry.changes.iter().filter(|change| change.kind == ChangeKind::Delete) {
                let Some(collection) = types.get(&change.type_number) else { continue };
                let records = change.records.iter();
                deleted.extend(records.map(|record| (keys.record(*collection, &record.key), record.version)));
            }
            Ok(())
        };
        session.query(&page, visit).await?;
        for (record, version) in deleted {
            session.execute(&keep(record, version)).await?;
        }
    }
    Ok(())
}

fn page(after: i64) -> Statement {
    own(
        "SELECT seq, entry FROM backstay_log WHERE seq > $1 ORDER BY seq LIMIT $2",
        vec![Param::Int(after), Param::Int(ENTRIES)],
        &[Storage::Int, Storage::Bytes],
    )
}

fn key(record: DependencyKey) -> Param {
    Param::Int(number(record))
}

fn number(record: DependencyKey) -> i64 {
    record.0.cast_signed()
}

fn list(records: &BTreeSet<DependencyKey>) -> Param {
    let numbers: Vec<i64> = records.iter().copied().map(number).collect();
    Param::Json(format!("{numbers:?}").into())
}
