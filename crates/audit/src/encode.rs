use std::ops::Range;

use backstay_base::{FieldNumber, RecordId, Timestamp, TypeNumber};
use backstay_scalar::Value;

use crate::canonical::{put_count, put_length, put_text, put_value, tag};
use crate::{ChangeKind, ModelNumber, Origin, RecordKey};

/// The format of the entries that this code writes.
pub(crate) const FORMAT: u8 = 2;

/// Writes the canonical bytes of one entry. Calls come in the order of the format: `new`, then `change` as often as
/// announced; after each, `record` as often as announced; after each of these, `value` or `withheld` for every field.
#[derive(Debug)]
pub struct EntryWriter {
    bytes: Vec<u8>,
    changes_left: usize,
    records_left: usize,
    /// Fields of the current change.
    fields: usize,
    values_left: usize,
    /// Where the type, kind and fields of the current change are.
    head: Range<usize>,
}

impl EntryWriter {
    /// Begins an entry with this many changes.
    ///
    /// # Panics
    /// If there are none: a transaction that changes nothing has no entry.
    pub fn new(moment: Timestamp, model: ModelNumber, origin: &Origin, changes: usize) -> Self {
        assert!(changes > 0, "an entry has at least one change");
        let mut bytes = Vec::with_capacity(192);
        bytes.push(FORMAT);
        bytes.extend_from_slice(&moment.micros().to_be_bytes());
        put_count(&mut bytes, u64::from(model.0));
        bytes.push(origin.kind_byte());
        put_optional_id(&mut bytes, origin.id);
        put_optional_id(&mut bytes, origin.request.map(|request| request.0));
        put_text(&mut bytes, &origin.transaction);
        put_length(&mut bytes, changes);
        Self { bytes, changes_left: changes, records_left: 0, fields: 0, values_left: 0, head: 0..0 }
    }

    /// Begins the next change: what was done to this many records, and the fields that it concerns, in ascending order.
    ///
    /// # Panics
    /// If the change before it is incomplete, or is of the same type, kind and fields: then they are one change.
    pub fn change(
        &mut self,
        type_number: TypeNumber,
        kind: ChangeKind,
        fields: impl ExactSizeIterator<Item = FieldNumber>,
        records: usize,
    ) {
        assert!(self.changes_left > 0 && self.is_complete(), "as many changes, records and values as announced");
        assert!(records > 0, "a change is of at least one record");
        assert!(fields.len() == 0 || kind.has_fields(), "a change of this kind has no fields");
        let start = self.bytes.len();
        self.fields = fields.len();
        put_head(&mut self.bytes, type_number, kind, fields);
        let head = start..self.bytes.len();
        assert!(self.bytes[self.head.clone()] != self.bytes[head.clone()], "changes of one sort are one change");
        put_length(&mut self.bytes, records);
        (self.changes_left, self.records_left, self.head) = (self.changes_left - 1, records, head);
    }

    /// Begins the next record of the change, with its version.
    pub fn record(&mut self, key: &RecordKey, version: i64) {
        assert!(self.records_left > 0 && self.values_left == 0, "as many records and values as announced");
        put_value(&mut self.bytes, key.value());
        self.bytes.extend_from_slice(&version.to_be_bytes());
        (self.records_left, self.values_left) = (self.records_left - 1, self.fields);
    }

    /// The new value of the record's next field.
    pub fn value(&mut self, value: &Value) {
        self.count_value();
        put_value(&mut self.bytes, value);
    }

    /// The new value of the record's next field must not be in the log.
    pub fn withheld(&mut self) {
        self.count_value();
        self.bytes.push(tag::WITHHELD);
    }

    fn count_value(&mut self) {
        assert!(self.values_left > 0, "as many values as fields");
        self.values_left -= 1;
    }

    fn is_complete(&self) -> bool {
        self.records_left == 0 && self.values_left == 0
    }

    /// The bytes.
    pub fn finish(self) -> Vec<u8> {
        assert!(self.changes_left == 0 && self.is_complete(), "as many changes, records and values as announced");
        self.bytes
    }
}

/// Appends type, kind and fields of a change, as entries and the feed hold them.
///
/// # Panics
/// If the fields are not in strictly ascending order.
pub fn put_head(
    bytes: &mut Vec<u8>,
    type_number: TypeNumber,
    kind: ChangeKind,
    fields: impl ExactSizeIterator<Item = FieldNumber>,
) {
    put_count(bytes, u64::from(type_number.0));
    bytes.push(kind.byte());
    put_length(bytes, fields.len());
    let mut last = None;
    for field in fields {
        assert!(last < Some(field), "fields in ascending order, each once");
        put_count(bytes, u64::from(field.0));
        last = Some(field);
    }
}

fn put_optional_id(bytes: &mut Vec<u8>, id: Option<RecordId>) {
    match id {
        Some(id) => {
            bytes.push(1);
            bytes.extend_from_slice(id.as_bytes());
        }
        None => bytes.push(0),
    }
}
