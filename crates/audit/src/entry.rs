use std::borrow::Cow;

use backstay_base::{CallerKind, FieldNumber, RecordId, RequestId, Timestamp, TypeNumber};
use backstay_scalar::Value;

use crate::EntryWriter;

/// What one operation changed, who asked for it and when: one entry of the commit log.
///
/// # Canonical bytes, version 1
///
/// Every entry has exactly one encoding, and bytes that are not the encoding of an entry are refused. The parts follow
/// each other without padding:
///
/// | part | bytes |
/// |---|---|
/// | version | `01` |
/// | moment | `i64`: microseconds since 1970-01-01T00:00:00Z |
/// | caller's kind | one byte: 0 anonymous, 1 account, 2 service, 3 operator, 4 Backstay itself |
/// | caller's id | `00` where there is none, else `01` and 16 bytes |
/// | request id | `00` where there is none, else `01` and 16 bytes |
/// | operation | *text*: its name |
/// | number of changes | *count*, at least 1 |
/// | changes | one after the other, in the order in which they were made |
///
/// A change:
///
/// | part | bytes |
/// |---|---|
/// | type | *count*: permanent number of the type, below 2^32 |
/// | record | 16 bytes |
/// | kind | one byte: 1 create, 2 update, 3 delete, 4 link, 5 unlink |
/// | version | `i64`: version of the record after the change; of a deleted one its last |
/// | number of fields | *count*; 0 in a delete |
/// | fields | in strictly ascending order of their numbers |
///
/// A field is its permanent number (*count*, below 2^32) and its new value; of a link or unlink, the list of the ids
/// that were linked or unlinked. A value is a byte for its type and what follows it:
///
/// | type | byte | what follows |
/// |---|---|---|
/// | null | `00` | nothing |
/// | false, true | `01`, `02` | nothing |
/// | integer | `03` | `i64` |
/// | float | `04` | 8 bytes, IEEE 754, big end first; finite, and zero only as positive zero |
/// | decimal | `05` | one byte, the digits after the point (at most 28); 16 bytes, the number without its point, two's complement, big end first. Without trailing zeros after the point |
/// | text | `06` | *text* |
/// | id | `07` | 16 bytes |
/// | moment | `08` | `i64`: microseconds since the epoch, years 1 to 9999 |
/// | day | `09` | `i32`: days since 1970-01-01, years 1 to 9999 |
/// | length of time | `0a` | `i64`: microseconds |
/// | money | `0b` | `i64`: ten-thousandths of the unit; three capital letters, the currency |
/// | JSON | `0c` | *text*: the stored document |
/// | list | `0d` | *count*, then the values; neither null, lists nor withheld values |
/// | withheld | `0e` | nothing: the model classifies the field, so its value is not here |
///
/// `i64` and `i32` are two's complement, big end first. A *count* is an unsigned number below 2^64 in LEB128 (seven bits
/// to a byte, the lowest first, the top bit set on all bytes but the last), in as few bytes as possible. A *text* is its
/// length in bytes as a *count*, then UTF-8.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// When it was committed.
    pub moment: Timestamp,
    /// Who asked and for what.
    pub origin: Origin,
    /// What changed; at least one record.
    pub changes: Vec<LoggedChange>,
}

impl Entry {
    /// The canonical bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = EntryWriter::new(self.moment, &self.origin, self.changes.len());
        for change in &self.changes {
            writer.change(change.type_number, change.record, change.kind, change.version, change.fields.len());
            for field in &change.fields {
                match &field.value {
                    Logged::Value(value) => writer.field(field.number, value),
                    Logged::Withheld => writer.withheld(field.number),
                }
            }
        }
        writer.finish()
    }
}

/// Who asked and for what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// What sort of caller asked.
    pub kind: CallerKind,
    /// The caller's record; absent for anonymous callers and for Backstay itself.
    pub id: Option<RecordId>,
    /// The request; absent where there was none, as on the command line.
    pub request: Option<RequestId>,
    /// The operation's name, such as `create`.
    pub operation: Cow<'static, str>,
}

/// One record's part in an entry.
#[derive(Debug, Clone, PartialEq)]
pub struct LoggedChange {
    /// Permanent number of its type.
    pub type_number: TypeNumber,
    /// The record.
    pub record: RecordId,
    /// What was done to it.
    pub kind: ChangeKind,
    /// Its version afterwards; of a deleted record its last.
    pub version: i64,
    /// The fields that changed, by ascending number.
    pub fields: Vec<LoggedField>,
}

/// One field of a change.
#[derive(Debug, Clone, PartialEq)]
pub struct LoggedField {
    /// Permanent number of the field within its type.
    pub number: FieldNumber,
    /// Its new value.
    pub value: Logged,
}

/// A new value as the log tells it.
#[derive(Debug, Clone, PartialEq)]
pub enum Logged {
    /// The value.
    Value(Value),
    /// The model classifies the field: the log tells only that it changed.
    Withheld,
}

/// What was done to a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ChangeKind {
    /// It was made.
    Create,
    /// Fields of it changed.
    Update,
    /// It was deleted.
    Delete,
    /// Records were added to one of its many-to-many relations.
    Link,
    /// Records were taken out of one of its many-to-many relations.
    Unlink,
}

impl ChangeKind {
    /// Its byte in canonical entries.
    pub fn byte(self) -> u8 {
        match self {
            Self::Create => 1,
            Self::Update => 2,
            Self::Delete => 3,
            Self::Link => 4,
            Self::Unlink => 5,
        }
    }

    /// The kind with this byte.
    pub fn from_byte(byte: u8) -> Option<Self> {
        [Self::Create, Self::Update, Self::Delete, Self::Link, Self::Unlink]
            .into_iter()
            .find(|kind| kind.byte() == byte)
    }
}
