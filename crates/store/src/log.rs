use backstay_audit::{ChangeKind, Entry, EntryWriter, Leaf, Origin, value_bytes};
use backstay_base::{FieldNumber, Timestamp, TypeNumber};
use backstay_model::Model;
use backstay_scalar::Value;
use backstay_sql::{ColumnType, Param, Statement};
use sha2::{Digest, Sha256};

use crate::own::{array, bytes, int, own};
use crate::session::OwnRow;
use crate::{Catalog, Change, ChangedField, StoreError};

/// One entry of the commit log, as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogEntry {
    /// Its place: entries are numbered from 1 without gaps.
    pub sequence: u64,
    /// Its canonical bytes: see `backstay_audit::Entry`.
    pub entry: Vec<u8>,
    /// Their leaf hash.
    pub leaf: Leaf,
    /// What feeds need, until it is pruned; see `LogFormat::feed`.
    pub feed: Option<Vec<u8>>,
}

/// Where an entry is in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    /// Its number.
    pub(crate) sequence: i64,
    /// When it was committed.
    pub(crate) moment: Timestamp,
}

/// Turns the changes of an operation into its row of the commit log: knows the permanent numbers and which fields are
/// classified or indexed.
#[derive(Debug)]
pub(crate) struct LogFormat {
    types: Vec<(TypeNumber, Vec<LoggedAs>)>,
    /// Makes the keys of classified values in the feed part unreadable to all who do not have this database.
    feed_key: [u8; 32],
}

/// How the log tells a field.
#[derive(Debug, Clone, Copy)]
struct LoggedAs {
    number: FieldNumber,
    classified: bool,
    indexed: bool,
}

impl LogFormat {
    pub(crate) fn new(model: &Model, catalog: &Catalog, feed_key: [u8; 32]) -> Self {
        let types = model.collections.iter().map(|collection| {
            let fields = collection.fields.iter().map(|field| LoggedAs {
                number: catalog.field_number(collection.id, field.id),
                classified: field.class.is_some(),
                indexed: collection.indexes.iter().any(|index| index.fields.contains(&field.id)),
            });
            (catalog.type_number(collection.id), fields.collect())
        });
        Self { types: types.collect(), feed_key }
    }

    /// The statement that appends an operation's row at this place of the log.
    pub(crate) fn append(&self, place: Place, origin: &Origin, changes: &[Change]) -> Statement {
        let (entry, leaf, feed) = self.row(place.moment, origin, changes);
        own(
            "INSERT INTO backstay_log (seq, entry, leaf, feed) VALUES ($1, $2, $3, $4)",
            vec![Param::Int(place.sequence), entry, leaf, feed],
            &[],
        )
    }

    /// As `append`, at the place that the database itself finds.
    #[cfg(feature = "postgres")]
    pub(crate) fn append_next(&self, moment: Timestamp, origin: &Origin, changes: &[Change]) -> Statement {
        let (entry, leaf, feed) = self.row(moment, origin, changes);
        own(
            "INSERT INTO backstay_log (seq, entry, leaf, feed) \
             SELECT coalesce(max(seq), 0) + 1, $1, $2, $3 FROM backstay_log",
            vec![entry, leaf, feed],
            &[],
        )
    }

    fn row(&self, moment: Timestamp, origin: &Origin, changes: &[Change]) -> (Param, Param, Param) {
        let entry = self.entry(moment, origin, changes);
        let leaf = Leaf::of(&entry);
        let param = |bytes: &[u8]| Param::Bytes(bytes.into());
        (param(&entry), param(leaf.as_bytes()), param(&self.feed(changes)))
    }

    fn entry(&self, moment: Timestamp, origin: &Origin, changes: &[Change]) -> Vec<u8> {
        let mut writer = EntryWriter::new(moment, origin, changes.len());
        for change in changes {
            let (type_number, fields) = self.fields(change);
            let fields = if change.kind == ChangeKind::Delete { &[] } else { fields.as_slice() };
            writer.change(type_number, change.record, change.kind, change.version, fields.len());
            for (logged, field) in fields {
                if logged.classified {
                    writer.withheld(logged.number);
                } else {
                    writer.field(logged.number, &field.new);
                }
            }
        }
        writer.finish()
    }

    /// The feed part, version 1: a byte `01`, then for each change its type number (4 bytes, big end first, as all
    /// numbers here), its record (16 bytes), its kind (as in entries), the number of its fields (2 bytes) and for each
    /// field, by ascending number: its number (4 bytes) and a byte; `00`: not indexed; `01`: indexed, the old and the
    /// new value as entries hold them follow; `02`: indexed and classified, 16 bytes each follow for the old and the
    /// new value, the beginning of SHA-256 of the database's feed key, type number, field number and value.
    fn feed(&self, changes: &[Change]) -> Vec<u8> {
        let mut feed = vec![1];
        for change in changes {
            let (type_number, fields) = self.fields(change);
            feed.extend_from_slice(&type_number.0.to_be_bytes());
            feed.extend_from_slice(change.record.as_bytes());
            feed.push(change.kind.byte());
            feed.extend_from_slice(&u16::try_from(fields.len()).unwrap_or(u16::MAX).to_be_bytes());
            for (logged, field) in fields {
                feed.extend_from_slice(&logged.number.0.to_be_bytes());
                match (logged.indexed, logged.classified) {
                    (false, _) => feed.push(0),
                    (true, false) => {
                        feed.push(1);
                        value_bytes(&mut feed, &field.old);
                        value_bytes(&mut feed, &field.new);
                    }
                    (true, true) => {
                        feed.push(2);
                        feed.extend_from_slice(&self.digest(type_number, logged.number, &field.old));
                        feed.extend_from_slice(&self.digest(type_number, logged.number, &field.new));
                    }
                }
            }
        }
        feed
    }

    /// The fields of a change by ascending permanent number.
    fn fields<'a>(&self, change: &'a Change) -> (TypeNumber, Vec<(LoggedAs, &'a ChangedField)>) {
        let (type_number, known) = &self.types[usize::from(change.collection.0)];
        let numbered = change.fields.iter().map(|field| (known[usize::from(field.field.0)], field));
        let mut fields: Vec<_> = numbered.collect();
        fields.sort_by_key(|(logged, _)| logged.number);
        (*type_number, fields)
    }

    fn digest(&self, type_number: TypeNumber, field: FieldNumber, value: &Value) -> [u8; 16] {
        let mut canonical = Vec::new();
        value_bytes(&mut canonical, value);
        let hash = Sha256::new()
            .chain_update(self.feed_key)
            .chain_update(type_number.0.to_be_bytes())
            .chain_update(field.0.to_be_bytes())
            .chain_update(&canonical)
            .finalize();
        std::array::from_fn(|index| hash[index])
    }
}

/// The last entry of the log; no row if the log is empty.
pub(crate) fn last() -> Statement {
    own("SELECT seq, entry FROM backstay_log ORDER BY seq DESC LIMIT 1", vec![], &[ColumnType::Int, ColumnType::Bytes])
}

/// The place of the entry in a row of `last`.
pub(crate) fn read_place(row: &dyn OwnRow) -> Result<Place, StoreError> {
    let entry = Entry::decode(bytes(row, 1)?).map_err(|_| StoreError::Catalog("backstay_log"))?;
    Ok(Place { sequence: int(row, 0)?, moment: entry.moment })
}

/// Entries from a place on, in order.
pub(crate) fn page(from: u64, limit: u32) -> Statement {
    own(
        "SELECT seq, entry, leaf, feed FROM backstay_log WHERE seq >= $1 ORDER BY seq LIMIT $2",
        vec![Param::Int(i64::try_from(from).unwrap_or(i64::MAX)), Param::Int(i64::from(limit))],
        &[ColumnType::Int, ColumnType::Bytes, ColumnType::Bytes, ColumnType::Bytes],
    )
}

/// What a row of `page` holds.
pub(crate) fn read(row: &dyn OwnRow) -> Result<LogEntry, StoreError> {
    Ok(LogEntry {
        sequence: u64::try_from(int(row, 0)?).map_err(|_| StoreError::Catalog("backstay_log"))?,
        entry: bytes(row, 1)?.to_vec(),
        leaf: Leaf::from_bytes(array(row, 2)?),
        feed: row.bytes(3)?.map(<[u8]>::to_vec),
    })
}
