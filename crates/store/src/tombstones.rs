//! What remains of deleted records whose ids clients can give again: their last versions, so that a record that is created
//! with such an id continues them, and no two states of an id share a version. A record is known by its dependency key,
//! which doesn't tell its id; two that share one begin later than they had to.

use std::collections::HashMap;

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

/// Shows the last version that a deleted record had, in a row at most; 0 if there was none. On PostgreSQL it waits for a
/// transaction that deletes the record, which keeps its tombstone first.
pub(crate) fn last_version(dialect: Dialect, record: DependencyKey) -> Statement {
    let text = match dialect {
        // There is one writer.
        Dialect::Sqlite => "SELECT version FROM backstay_tombstone WHERE record = $1",
        Dialect::Postgres => {
            "INSERT INTO backstay_tombstone (record, version) VALUES ($1, 0) \
             ON CONFLICT (record) DO UPDATE SET version = backstay_tombstone.version RETURNING version"
        }
    };
    own(text, vec![key(record)], &[Storage::Int])
}

/// Removes the row that `last_version` has inserted where there was none.
pub(crate) fn unclaim(dialect: Dialect, record: DependencyKey) -> Option<Statement> {
    match dialect {
        Dialect::Sqlite => None,
        Dialect::Postgres => {
            Some(own("DELETE FROM backstay_tombstone WHERE record = $1 AND version = 0", vec![key(record)], &[]))
        }
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
    Param::Int(record.0.cast_signed())
}
