//! The stored sums that have to follow a change of what they sum, as long as they haven't: a queue in a table of the store's
//! own. A sum is queued by the transaction that makes the change, and can be there many times. Whoever lets it follow first
//! leaves one of its entries for all of them, then computes it, and removes that entry with the commit that writes it: a
//! change that isn't seen by then has an entry of its own.

use backstay_base::{FieldNumber, KeyForm, RecordId, TypeNumber};
use backstay_scalar::Storage;
use backstay_sql::{DecodeError, Param, Statement};

use crate::StoreError;
use crate::own::{bytes, int, own};
use crate::session::OwnRow;

/// What the key of a record begins with: whether it is a UUID, a number or a text.
const UUID: u8 = 0;
const NUMBER: u8 = 1;
const TEXT: u8 = 2;

/// A stored sum of one record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct DueSum {
    /// The type of the record.
    pub type_number: TypeNumber,
    /// The sum.
    pub field: FieldNumber,
    /// The record.
    pub record: RecordId,
}

/// A place in the queue.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct QueuePlace(i64);

impl DueSum {
    fn params(&self) -> Vec<Param> {
        let form = match self.record.form() {
            KeyForm::Uuid => UUID,
            KeyForm::Int => NUMBER,
            KeyForm::Text => TEXT,
        };
        let key: Vec<u8> = [form].iter().chain(self.record.as_bytes()).copied().collect();
        vec![
            Param::Int(self.type_number.0.into()),
            Param::Int(self.field.0.into()),
            Param::Bytes(key.as_slice().into()),
        ]
    }

    /// Puts it at the end of the queue.
    pub(crate) fn queue(&self) -> Statement {
        own("INSERT INTO backstay_due_sum (type, field, record) VALUES ($1, $2, $3)", self.params(), &[])
    }

    /// Shows the place of the last of its first entries, of at most so many.
    pub(crate) fn last_of_first(&self, entries: u32) -> Statement {
        const LAST: &str = "SELECT number FROM (SELECT number FROM backstay_due_sum \
                            WHERE type = $1 AND field = $2 AND record = $3 ORDER BY number LIMIT $4) AS first \
                            ORDER BY number DESC LIMIT 1";
        let limit = Param::Int(entries.into());
        own(LAST, self.params().into_iter().chain([limit]).collect(), &[Storage::Int])
    }

    /// Removes its entries before a place.
    pub(crate) fn remove_before(&self, place: QueuePlace) -> Statement {
        const REMOVE: &str =
            "DELETE FROM backstay_due_sum WHERE type = $1 AND field = $2 AND record = $3 AND number < $4";
        own(REMOVE, self.params().into_iter().chain([Param::Int(place.0)]).collect(), &[])
    }

    /// Shows a row if it is in the queue.
    pub(crate) fn find(&self) -> Statement {
        const FIND: &str = "SELECT number FROM backstay_due_sum WHERE type = $1 AND field = $2 AND record = $3 LIMIT 1";
        own(FIND, self.params(), &[Storage::Int])
    }
}

/// Removes the entry at a place.
pub(crate) fn remove_at(place: QueuePlace) -> Statement {
    own("DELETE FROM backstay_due_sum WHERE number = $1", vec![Param::Int(place.0)], &[])
}

/// Reads a row of `DueSum::last_of_first`.
pub(crate) fn read_place(row: &dyn OwnRow) -> Result<QueuePlace, StoreError> {
    int(row, 0).map(QueuePlace)
}

/// The first ones in the queue after a place.
pub(crate) fn next(after: QueuePlace, limit: u32) -> Statement {
    own(
        "SELECT number, type, field, record FROM backstay_due_sum WHERE number > $1 ORDER BY number LIMIT $2",
        vec![Param::Int(after.0), Param::Int(limit.into())],
        &[Storage::Int, Storage::Int, Storage::Int, Storage::Bytes],
    )
}

/// Reads a row of `next`.
pub(crate) fn read(row: &dyn OwnRow) -> Result<(QueuePlace, DueSum), StoreError> {
    const RECORD: usize = 3;
    let number = |column| u32::try_from(int(row, column)?).map_err(|_| StoreError::Catalog("backstay_due_sum"));
    let record = match bytes(row, RECORD)?.split_first() {
        Some((&UUID, key)) => key.try_into().map(RecordId::from_bytes).ok(),
        Some((&NUMBER, key)) => key.try_into().map(i64::from_be_bytes).ok().and_then(RecordId::from_number),
        Some((&TEXT, key)) => std::str::from_utf8(key).ok().and_then(RecordId::from_text),
        _ => None,
    };
    let record = record.ok_or(DecodeError { column: RECORD, expected: "the key of a record" })?;
    let due = DueSum { type_number: TypeNumber(number(1)?), field: FieldNumber(number(2)?), record };
    Ok((QueuePlace(int(row, 0)?), due))
}

/// How many there are in the queue.
pub(crate) fn count() -> Statement {
    own("SELECT count(*) FROM backstay_due_sum", vec![], &[Storage::Int])
}
