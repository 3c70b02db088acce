use std::borrow::Cow;

use backstay_base::{CallerKind, FieldNumber, RecordId, RequestId, Timestamp, TypeNumber};
use backstay_scalar::Value;

use crate::RecordKey;

/// What one transaction changed, who asked for it and when: one entry of the commit log.
///
/// # Canonical bytes
///
/// Every entry has exactly one encoding in its format, and bytes that are not an encoding are rejected. The parts follow
/// each other without padding. Format 2, which is the one that is written:
///
/// | part | bytes |
/// |---|---|
/// | format | `02` |
/// | moment | `i64`: microseconds since 1970-01-01T00:00:00Z at which it was committed; on SQLite, more than in the entry before |
/// | model | *count*: number of the model snapshot that it was made with, below 2^32 |
/// | caller's kind | one byte: 0 anonymous, 1 account, 2 service, 3 operator, 4 Backstay itself |
/// | caller's id | `00` if there is none, else `01` and 16 bytes |
/// | request id | `00` if there is none, else `01` and 16 bytes |
/// | transaction | *text*: its name |
/// | number of changes | *count*, at least 1 |
/// | changes | one after the other, in the order in which they were made |
///
/// A change is what was done to one record, or in the same way to several records of one type that follow each other:
/// two neighbouring changes differ in type, kind or fields.
///
/// | part | bytes |
/// |---|---|
/// | type | *count*: permanent number of the type, below 2^32 |
/// | kind | one byte: 1 create, 2 update, 3 delete, 4 link, 5 unlink, 6 trash, 7 restore |
/// | number of fields | *count*; 0 in a delete, a trash and a restore |
/// | fields | *count* each: their permanent numbers, below 2^32, in strictly ascending order |
/// | number of records | *count*, at least 1 |
/// | records | one after the other |
///
/// A record:
///
/// | part | bytes |
/// |---|---|
/// | key | a *value*: integer, decimal, text, id, moment or day |
/// | version | `i64`: version of the record after the change; of a deleted record its last |
/// | values | a *value* for each field: the new one; for a link or unlink, the list of the ids that were linked or unlinked |
///
/// A *value* is a byte for its type and what follows it:
///
/// | type | byte | what follows |
/// |---|---|---|
/// | null | `00` | nothing |
/// | false, true | `01`, `02` | nothing |
/// | integer | `03` | `i64` |
/// | float | `04` | 8 bytes, IEEE 754, big-endian; finite, and zero only as positive zero |
/// | decimal | `05` | one byte, the digits after the point (at most 28); 16 bytes, the number without its point, two's complement, big-endian. Without trailing zeros after the point |
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
/// `i64` and `i32` are two's complement, big-endian. A *count* is an unsigned number below 2^64 in LEB128 (seven bits to
/// a byte, the lowest first, the top bit set on all bytes but the last), in as few bytes as possible. A *text* is its
/// length in bytes as a *count*, then UTF-8.
///
/// # Format 1
///
/// It is read, but no longer written. It differs in this: the first byte is `01`; the moment is the one at which the
/// request began; there is no model; and a change is of one record:
///
/// | part | bytes |
/// |---|---|
/// | type | *count* |
/// | record | 16 bytes: its id |
/// | kind | one byte |
/// | version | `i64` |
/// | number of fields | *count* |
/// | fields | each its permanent number (*count*) and its new value, in strictly ascending order of the numbers |
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// When it was committed; in format 1, when the request began.
    pub moment: Timestamp,
    /// The model snapshot that it was made with; unknown in format 1.
    pub model: Option<ModelNumber>,
    /// Who asked and for what.
    pub origin: Origin,
    /// What changed; at least one record.
    pub changes: Vec<LoggedChange>,
}

/// The number of a model snapshot in one database, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ModelNumber(pub u32);

/// Who asked and for what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// What sort of caller asked.
    pub kind: CallerKind,
    /// The caller's record; absent for anonymous callers and for Backstay itself.
    pub id: Option<RecordId>,
    /// The request; absent if there was none, as on the command line.
    pub request: Option<RequestId>,
    /// The transaction's name, such as `create`.
    pub transaction: Cow<'static, str>,
}

impl Origin {
    /// The kind's byte in canonical entries.
    pub(crate) fn kind_byte(&self) -> u8 {
        caller_byte(self.kind)
    }
}

/// What was done in the same way to one or more records of one type.
#[derive(Debug, Clone, PartialEq)]
pub struct LoggedChange {
    /// Permanent number of the type.
    pub type_number: TypeNumber,
    /// What was done.
    pub kind: ChangeKind,
    /// Permanent numbers of the fields that changed, ascending.
    pub fields: Vec<FieldNumber>,
    /// The records; at least one.
    pub records: Vec<LoggedRecord>,
}

/// One record of a change.
#[derive(Debug, Clone, PartialEq)]
pub struct LoggedRecord {
    /// Its key.
    pub key: RecordKey,
    /// Its version afterwards; of a deleted record its last.
    pub version: i64,
    /// The new value of each field of the change.
    pub values: Vec<Logged>,
}

/// A new value as the log has it.
#[derive(Debug, Clone, PartialEq)]
pub enum Logged {
    /// The value.
    Value(Value),
    /// The model classifies the field: the log only says that it changed.
    Withheld,
}

/// What was done to a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ChangeKind {
    /// It was created.
    Create,
    /// Fields of it changed.
    Update,
    /// It was deleted.
    Delete,
    /// Records were added to one of its many-to-many relations.
    Link,
    /// Records were removed from one of its many-to-many relations.
    Unlink,
    /// It was moved to the trash, as other records see it: deleted.
    Trash,
    /// It came back from the trash, as other records see it: created.
    Restore,
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
            Self::Trash => 6,
            Self::Restore => 7,
        }
    }

    /// Whether entries name the fields of such a change.
    pub fn has_fields(self) -> bool {
        match self {
            Self::Create | Self::Update | Self::Link | Self::Unlink => true,
            Self::Delete | Self::Trash | Self::Restore => false,
        }
    }

    /// The kind with this byte.
    pub fn from_byte(byte: u8) -> Option<Self> {
        [Self::Create, Self::Update, Self::Delete, Self::Link, Self::Unlink, Self::Trash, Self::Restore]
            .into_iter()
            .find(|kind| kind.byte() == byte)
    }
}

/// The kind of caller with this byte in canonical entries.
pub(crate) fn caller_from_byte(byte: u8) -> Option<CallerKind> {
    [CallerKind::Anonymous, CallerKind::Account, CallerKind::Service, CallerKind::Operator, CallerKind::System]
        .into_iter()
        .find(|kind| caller_byte(*kind) == byte)
}

fn caller_byte(kind: CallerKind) -> u8 {
    match kind {
        CallerKind::Anonymous => 0,
        CallerKind::Account => 1,
        CallerKind::Service => 2,
        CallerKind::Operator => 3,
        CallerKind::System => 4,
    }
}
