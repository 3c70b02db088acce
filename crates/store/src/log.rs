use backstay_audit::{ChangeKind, Entry, EntryWriter, Leaf, ModelNumber, Origin, put_count, put_head, put_value};
use backstay_base::{DependencyKey, FieldNumber, Timestamp, TypeNumber};
use backstay_model::{FieldId, Model};
use backstay_scalar::{Storage, Value};
use backstay_sql::{Param, Statement};

use crate::dependency::DependencyKeys;
use crate::own::{array, bytes, int, own};
use crate::session::OwnRow;
use crate::{Catalog, Change, ChangedField, CommitId, StoreError};

/// The format of the feed parts that this code writes.
const FEED_FORMAT: u8 = 2;

/// One entry of the commit log, as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogEntry {
    /// Its place: entries are numbered from 1 without gaps.
    pub sequence: u64,
    /// Its canonical bytes: see `backstay_audit::Entry`.
    pub entry: Vec<u8>,
    /// Their leaf hash.
    pub leaf: Leaf,
    /// What other nodes and subscribers need to follow; absent once it has been pruned. Format 2:
    ///
    /// - a byte `02`
    /// - the keys of everything that the transaction changed (see `DependencyKeys`): their number as a *count*, then 8
    ///   bytes each, big-endian, in strictly ascending order, so that a follower can look one up
    /// - the number of changes as a *count*, then the changes as in the entry, but without values: of each record its key
    ///   and version
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

/// Turns the changes of a transaction into its row of the commit log: knows the permanent numbers and which fields are
/// classified or indexed.
#[derive(Debug)]
pub(crate) struct LogFormat {
    types: Vec<(TypeNumber, Vec<LoggedAs>)>,
    model: ModelNumber,
    pub(crate) keys: DependencyKeys,
}

/// How a field is logged.
#[derive(Debug, Clone, Copy)]
struct LoggedAs {
    number: FieldNumber,
    classified: bool,
    indexed: bool,
}

/// The statement that appends an entry, and the keys of what it changes, each once.
pub(crate) struct Append {
    pub(crate) statement: Statement,
    pub(crate) commit: CommitId,
    pub(crate) keys: Vec<DependencyKey>,
    /// Bytes of the entry and its feed part.
    pub(crate) bytes: usize,
}

/// The entry, its leaf and its feed part, and what they are about.
struct Row {
    values: [Param; 3],
    leaf: Leaf,
    keys: Vec<DependencyKey>,
    bytes: usize,
}

/// A change with its permanent numbers.
struct Numbered<'a> {
    change: &'a Change,
    type_number: TypeNumber,
    /// By ascending number; none for a delete, a trash and a restore.
    fields: Vec<(LoggedAs, &'a ChangedField)>,
}

impl Numbered<'_> {
    /// Whether the log has both as records of one change.
    fn is_alike(&self, other: &Self) -> bool {
        self.type_number == other.type_number
            && self.change.kind == other.change.kind
            && self.numbers().eq(other.numbers())
    }

    fn numbers(&self) -> impl ExactSizeIterator<Item = FieldNumber> {
        self.fields.iter().map(|(logged, _)| logged.number)
    }
}

impl LogFormat {
    pub(crate) fn new(model: &Model, catalog: &Catalog, number: ModelNumber, feed_key: [u8; 32]) -> Self {
        let types = model.collections.iter().map(|collection| {
            let fields = collection.fields.iter().map(|field| LoggedAs {
                number: catalog.field_number(collection.id, field.id),
                classified: field.class.is_some(),
                indexed: collection.indexes.iter().any(|index| index.fields.contains(&field.id)),
            });
            (catalog.type_number(collection.id), fields.collect())
        });
        Self { types: types.collect(), model: number, keys: DependencyKeys::new(model, catalog, feed_key) }
    }

    /// Appends an entry at this place of the log.
    pub(crate) fn append(&self, place: Place, origin: &Origin, changes: &[Change]) -> Append {
        let Row { values: [entry, leaf_hash, feed], leaf, keys, bytes } = self.row(place.moment, origin, changes);
        let statement = own(
            "INSERT INTO backstay_log (seq, entry, leaf, feed) VALUES ($1, $2, $3, $4)",
            vec![Param::Int(place.sequence), entry, leaf_hash, feed],
            &[],
        );
        Append { statement, commit: CommitId::of(&leaf), keys, bytes }
    }

    /// Stages an entry, which gets its place in the log once it is visible, and returns its leaf hash.
    #[cfg(feature = "postgres")]
    pub(crate) fn stage(&self, moment: Timestamp, origin: &Origin, changes: &[Change]) -> (Append, Leaf) {
        let Row { values, leaf, keys, bytes } = self.row(moment, origin, changes);
        let statement = own("INSERT INTO backstay_staged (entry, leaf, feed) VALUES ($1, $2, $3)", values.into(), &[]);
        (Append { statement, commit: CommitId::of(&leaf), keys, bytes }, leaf)
    }

    fn row(&self, moment: Timestamp, origin: &Origin, changes: &[Change]) -> Row {
        let numbered: Vec<Numbered<'_>> = changes.iter().map(|change| self.numbered(change)).collect();
        let keys = self.dependency_keys(changes);
        let entry = self.entry(moment, origin, &numbered);
        let leaf = Leaf::of(&entry);
        let feed = feed(&keys, &numbered);
        let param = |bytes: &[u8]| Param::Bytes(bytes.into());
        let bytes = entry.len() + feed.len();
        Row { values: [param(&entry), param(leaf.as_bytes()), param(&feed)], leaf, keys, bytes }
    }

    fn entry(&self, moment: Timestamp, origin: &Origin, numbered: &[Numbered<'_>]) -> Vec<u8> {
        let alike = || numbered.chunk_by(Numbered::is_alike);
        let mut writer = EntryWriter::new(moment, self.model, origin, alike().count());
        for records in alike() {
            let first = &records[0];
            writer.change(first.type_number, first.change.kind, first.numbers(), records.len());
            for record in records {
                writer.record(&record.change.record, record.change.version);
                for (logged, field) in &record.fields {
                    if logged.classified { writer.withheld() } else { writer.value(&field.new) }
                }
            }
        }
        writer.finish()
    }

    fn numbered<'a>(&self, change: &'a Change) -> Numbered<'a> {
        let (type_number, known) = &self.types[usize::from(change.collection.0)];
        let logged: &[ChangedField] = if change.kind.has_fields() { &change.fields } else { &[] };
        let mut fields: Vec<_> = logged.iter().map(|field| (known[usize::from(field.field.0)], field)).collect();
        fields.sort_by_key(|(logged, _)| logged.number);
        Numbered { change, type_number: *type_number, fields }
    }

    /// The keys of the collections and records, and of the values of indexed fields: all that a record begins or ceases to
    /// have, nulls included; ascending, each once.
    fn dependency_keys(&self, changes: &[Change]) -> Vec<DependencyKey> {
        let mut keys = Vec::with_capacity(changes.len() * 4);
        for change in changes {
            keys.push(self.keys.collection(change.collection));
            keys.push(self.keys.record(change.collection, &change.record));
            self.field_keys(change, &mut keys);
        }
        keys.sort_unstable();
        keys.dedup();
        keys
    }

    fn field_keys(&self, change: &Change, keys: &mut Vec<DependencyKey>) {
        let (_, known) = &self.types[usize::from(change.collection.0)];
        let mut push = |field: FieldId, value: &Value| keys.push(self.keys.field(change.collection, field, value));
        match change.kind {
            ChangeKind::Create | ChangeKind::Restore => self.whole_record(change, |field| &field.new, push),
            ChangeKind::Delete | ChangeKind::Trash => self.whole_record(change, |field| &field.old, push),
            ChangeKind::Update | ChangeKind::Link | ChangeKind::Unlink => {
                for field in change.fields.iter().filter(|field| known[usize::from(field.field.0)].indexed) {
                    push(field.field, &field.old);
                    push(field.field, &field.new);
                }
            }
        }
    }

    /// Every indexed field of a record that begins or ends, with its value: null if the change doesn't name it.
    fn whole_record(&self, change: &Change, value: fn(&ChangedField) -> &Value, mut push: impl FnMut(FieldId, &Value)) {
        let (_, known) = &self.types[usize::from(change.collection.0)];
        for (field, _) in (0..).map(FieldId).zip(known).filter(|(_, logged)| logged.indexed) {
            let named = change.fields.iter().find(|named| named.field == field);
            push(field, named.map_or(&Value::Null, value));
        }
    }
}

/// The feed part; see `LogEntry::feed`.
fn feed(keys: &[DependencyKey], numbered: &[Numbered<'_>]) -> Vec<u8> {
    let mut feed = Vec::with_capacity(32 + keys.len() * 8 + numbered.len() * 32);
    feed.push(FEED_FORMAT);
    put_count(&mut feed, keys.len() as u64);
    for key in keys {
        feed.extend_from_slice(&key.0.to_be_bytes());
    }
    let alike = || numbered.chunk_by(Numbered::is_alike);
    put_count(&mut feed, alike().count() as u64);
    for records in alike() {
        let first = &records[0];
        put_head(&mut feed, first.type_number, first.change.kind, first.numbers());
        put_count(&mut feed, records.len() as u64);
        for record in records {
            put_value(&mut feed, record.change.record.value());
            feed.extend_from_slice(&record.change.version.to_be_bytes());
        }
    }
    feed
}

/// The keys in a feed part; `None` if it has another format.
#[cfg(feature = "postgres")]
pub(crate) fn feed_keys(feed: &[u8]) -> Option<Vec<DependencyKey>> {
    let mut rest = feed.strip_prefix(&[FEED_FORMAT])?;
    let (mut count, mut shift) = (0_usize, 0_u32);
    loop {
        let (byte, after) = rest.split_first()?;
        rest = after;
        count |= usize::from(byte & 0x7f).checked_shl(shift)?;
        shift += 7;
        if byte & 0x80 == 0 {
            break;
        }
    }
    let keys = rest.get(..count.checked_mul(8)?)?.chunks_exact(8);
    Some(keys.map(|key| DependencyKey(key.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))).collect())
}

/// The moment in the eight bytes of an entry that follow its first one.
#[cfg(feature = "postgres")]
pub(crate) fn moment_from(bytes: &[u8]) -> Option<Timestamp> {
    Timestamp::from_micros(i64::from_be_bytes(bytes.try_into().ok()?))
}

/// The last entry of the log; no row if the log is empty.
pub(crate) fn last() -> Statement {
    own("SELECT seq, entry FROM backstay_log ORDER BY seq DESC LIMIT 1", vec![], &[Storage::Int, Storage::Bytes])
}

/// The entry of format 1 with the latest moment. Its moments are those at which requests began, in no certain order.
pub(crate) fn latest() -> Statement {
    own(
        "SELECT seq, entry FROM backstay_log ORDER BY substr(entry, 2, 8) DESC LIMIT 1",
        vec![],
        &[Storage::Int, Storage::Bytes],
    )
}

/// The place and the entry in a row of `last` or `latest`.
pub(crate) fn read_place(row: &dyn OwnRow) -> Result<(Place, Entry), StoreError> {
    let entry = Entry::decode(bytes(row, 1)?).map_err(|_| StoreError::Catalog("backstay_log"))?;
    Ok((Place { sequence: int(row, 0)?, moment: entry.moment }, entry))
}

/// Entries from a place on, in order.
pub(crate) fn page(from: u64, limit: u32) -> Statement {
    own(
        "SELECT seq, entry, leaf, feed FROM backstay_log WHERE seq >= $1 ORDER BY seq LIMIT $2",
        // No entry has a place past the range of the column.
        vec![Param::Int(i64::try_from(from).unwrap_or(i64::MAX)), Param::Int(i64::from(limit))],
        &[Storage::Int, Storage::Bytes, Storage::Bytes, Storage::Bytes],
    )
}

/// The last entry, as `page` reads it.
pub(crate) fn end() -> Statement {
    own(
        "SELECT seq, entry, leaf, feed FROM backstay_log ORDER BY seq DESC LIMIT 1",
        vec![],
        &[Storage::Int, Storage::Bytes, Storage::Bytes, Storage::Bytes],
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
