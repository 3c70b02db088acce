use backstay_base::{CallerKind, FieldNumber, RecordId, Timestamp, TypeNumber};
use backstay_scalar::Value;

use crate::{ChangeKind, Origin};

/// The version byte of the entries that this code writes.
pub(crate) const VERSION: u8 = 1;

/// Writes the canonical bytes of one entry without building an `Entry` first. Calls come in the order of the format:
/// `new`, then for each change `change` and exactly as many fields as it announced, in ascending order.
#[derive(Debug)]
pub struct EntryWriter {
    bytes: Vec<u8>,
    changes_left: usize,
    fields_left: usize,
    last_field: Option<FieldNumber>,
}

impl EntryWriter {
    /// Begins an entry with this many changes.
    ///
    /// # Panics
    /// If there are none: what changes nothing has no entry.
    pub fn new(moment: Timestamp, origin: &Origin, changes: usize) -> Self {
        assert!(changes > 0, "an entry has at least one change");
        let mut bytes = Vec::with_capacity(128);
        bytes.push(VERSION);
        bytes.extend_from_slice(&moment.micros().to_be_bytes());
        bytes.push(caller_byte(origin.kind));
        put_optional_id(&mut bytes, origin.id);
        put_optional_id(&mut bytes, origin.request.map(|request| request.0));
        put_text(&mut bytes, &origin.operation);
        put_length(&mut bytes, changes);
        Self { bytes, changes_left: changes, fields_left: 0, last_field: None }
    }

    /// Begins the next change, with this many fields.
    pub fn change(&mut self, type_number: TypeNumber, record: RecordId, kind: ChangeKind, version: i64, fields: usize) {
        assert!(self.changes_left > 0 && self.fields_left == 0, "as many changes and fields as announced");
        assert!(fields == 0 || kind != ChangeKind::Delete, "a delete has no fields");
        put_count(&mut self.bytes, u64::from(type_number.0));
        self.bytes.extend_from_slice(record.as_bytes());
        self.bytes.push(kind.byte());
        self.bytes.extend_from_slice(&version.to_be_bytes());
        put_length(&mut self.bytes, fields);
        (self.changes_left, self.fields_left, self.last_field) = (self.changes_left - 1, fields, None);
    }

    /// The next field of the change, with its new value.
    pub fn field(&mut self, number: FieldNumber, value: &Value) {
        self.number(number);
        put_value(&mut self.bytes, value);
    }

    /// The next field of the change, whose value the log must not tell.
    pub fn withheld(&mut self, number: FieldNumber) {
        self.number(number);
        self.bytes.push(tag::WITHHELD);
    }

    fn number(&mut self, number: FieldNumber) {
        assert!(self.fields_left > 0 && self.last_field < Some(number), "fields as announced, in ascending order");
        (self.fields_left, self.last_field) = (self.fields_left - 1, Some(number));
        put_count(&mut self.bytes, u64::from(number.0));
    }

    /// The bytes.
    pub fn finish(self) -> Vec<u8> {
        assert!(self.changes_left == 0 && self.fields_left == 0, "as many changes and fields as announced");
        self.bytes
    }
}

/// Appends the canonical bytes of one value, as entries hold it.
pub fn value_bytes(bytes: &mut Vec<u8>, value: &Value) {
    put_value(bytes, value);
}

/// The bytes that say which type a value has.
pub(crate) mod tag {
    pub(crate) const NULL: u8 = 0;
    pub(crate) const FALSE: u8 = 1;
    pub(crate) const TRUE: u8 = 2;
    pub(crate) const INT: u8 = 3;
    pub(crate) const FLOAT: u8 = 4;
    pub(crate) const DECIMAL: u8 = 5;
    pub(crate) const TEXT: u8 = 6;
    pub(crate) const ID: u8 = 7;
    pub(crate) const MOMENT: u8 = 8;
    pub(crate) const DAY: u8 = 9;
    pub(crate) const LENGTH: u8 = 10;
    pub(crate) const MONEY: u8 = 11;
    pub(crate) const JSON: u8 = 12;
    pub(crate) const LIST: u8 = 13;
    pub(crate) const WITHHELD: u8 = 14;
}

pub(crate) fn caller_byte(kind: CallerKind) -> u8 {
    match kind {
        CallerKind::Anonymous => 0,
        CallerKind::Account => 1,
        CallerKind::Service => 2,
        CallerKind::Operator => 3,
        CallerKind::System => 4,
    }
}

fn put_value(bytes: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Null => bytes.push(tag::NULL),
        Value::Bool(false) => bytes.push(tag::FALSE),
        Value::Bool(true) => bytes.push(tag::TRUE),
        Value::Int(number) => put(bytes, tag::INT, &number.to_be_bytes()),
        Value::Float(number) => {
            assert!(number.is_finite(), "a stored float is finite");
            // Adding positive zero turns negative zero into it and changes nothing else.
            put(bytes, tag::FLOAT, &(number + 0.0).to_be_bytes());
        }
        Value::Decimal(number) => {
            let number = number.normalize();
            bytes.extend_from_slice(&[tag::DECIMAL, number.scale().to_be_bytes()[3]]);
            bytes.extend_from_slice(&number.mantissa().to_be_bytes());
        }
        Value::Text(text) => {
            bytes.push(tag::TEXT);
            put_text(bytes, text);
        }
        Value::Id(id) => put(bytes, tag::ID, id.as_bytes()),
        Value::Timestamp(moment) => put(bytes, tag::MOMENT, &moment.micros().to_be_bytes()),
        Value::Date(day) => put(bytes, tag::DAY, &day.days().to_be_bytes()),
        Value::Duration(length) => put(bytes, tag::LENGTH, &length.micros().to_be_bytes()),
        Value::Money(money) => {
            put(bytes, tag::MONEY, &money.scaled().to_be_bytes());
            bytes.extend_from_slice(money.currency().code().as_bytes());
        }
        Value::Json(text) => {
            bytes.push(tag::JSON);
            put_text(bytes, text);
        }
        Value::List(values) => {
            bytes.push(tag::LIST);
            put_length(bytes, values.len());
            for value in values.iter() {
                assert!(!matches!(value, Value::Null | Value::List(_)), "a list holds neither nulls nor lists");
                put_value(bytes, value);
            }
        }
    }
}

fn put(bytes: &mut Vec<u8>, tag: u8, content: &[u8]) {
    bytes.push(tag);
    bytes.extend_from_slice(content);
}

fn put_optional_id(bytes: &mut Vec<u8>, id: Option<RecordId>) {
    match id {
        Some(id) => put(bytes, 1, id.as_bytes()),
        None => bytes.push(0),
    }
}

fn put_text(bytes: &mut Vec<u8>, text: &str) {
    put_length(bytes, text.len());
    bytes.extend_from_slice(text.as_bytes());
}

fn put_length(bytes: &mut Vec<u8>, length: usize) {
    put_count(bytes, length as u64);
}

fn put_count(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number.to_be_bytes()[7] | 0x80);
        number >>= 7;
    }
    bytes.push(number.to_be_bytes()[7]);
}
