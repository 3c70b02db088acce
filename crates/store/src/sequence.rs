//! The counters of sequences: one for each series, in a table of the store's own.

use std::fmt::Write as _;

use backstay_base::{FieldNumber, TypeNumber, limits};
use backstay_scalar::Storage;
use backstay_sql::{Param, Statement};
use sha2::{Digest, Sha256};

use crate::own::own;

/// Bytes of a series' key that are stored as they are: a longer one is stored as its digest.
const KEY_BYTES: usize = 200;

/// A series of numbers.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Series {
    of: (TypeNumber, FieldNumber),
    key: String,
}

impl Series {
    /// The series of a field that has this key: see `backstay_model::Sequence::series`.
    pub fn new(of: (TypeNumber, FieldNumber), key: String) -> Self {
        Self { of, key: stored_key(key) }
    }

    fn params(&self, number: i64) -> Vec<Param> {
        let (of, field) = self.of;
        vec![
            Param::Int(of.0.into()),
            Param::Int(field.0.into()),
            Param::Text(self.key.as_str().into()),
            Param::Int(number),
        ]
    }

    /// Counts on by so many, and answers with the last number. The counter is this transaction's until it ends.
    pub(crate) fn count(&self, by: i64) -> Statement {
        self.upsert("backstay_sequence.last + excluded.last", by)
    }

    /// Counts up to this number if it isn't further already, and answers with the last number. The counter is this
    /// transaction's until it ends.
    pub(crate) fn raise(&self, to: i64) -> Statement {
        let highest =
            "CASE WHEN backstay_sequence.last < excluded.last THEN excluded.last ELSE backstay_sequence.last END";
        self.upsert(highest, to)
    }

    fn upsert(&self, last: &str, number: i64) -> Statement {
        let text = format!(
            "INSERT INTO backstay_sequence (type, field, series, last) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (type, field, series) DO UPDATE SET last = {last} RETURNING last"
        );
        own(&text, self.params(number), &[Storage::Int])
    }

    /// Sets a counter that this transaction has.
    pub(crate) fn set(&self, last: i64) -> Statement {
        const SET: &str = "UPDATE backstay_sequence SET last = $1 WHERE type = $2 AND field = $3 AND series = $4";
        let mut params = self.params(last);
        // In the order in which they occur.
        params.rotate_right(1);
        own(SET, params, &[])
    }
}

/// The key of a series as it is stored.
pub(crate) fn stored_key(key: String) -> String {
    match key.len() > KEY_BYTES {
        true => Sha256::digest(&key).iter().fold("sha256:".to_owned(), |mut hex, byte| {
            // Writing into a text can't fail.
            let _ = write!(hex, "{byte:02x}");
            hex
        }),
        false => key,
    }
}

/// What a transaction knows of the counter of a series.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Counted {
    /// The counter is its own until it ends: the last number that it gave, and the one that is stored.
    Held { last: i64, stored: i64 },
    /// It has reserved numbers: the last one that it gave, the last one that it may give, and how many it reserved last.
    Reserved { last: i64, end: i64, block: i64 },
}

impl Counted {
    /// A number that can be given without asking the database.
    pub(crate) fn next(&mut self) -> Option<i64> {
        let last = match self {
            Self::Held { last, .. } => last,
            Self::Reserved { last, end, .. } if *last < *end => last,
            Self::Reserved { .. } => return None,
        };
        *last += 1;
        Some(*last)
    }

    /// Whether it is further than a number already, or is now.
    pub(crate) fn covers(&mut self, number: i64) -> bool {
        match self {
            Self::Held { last, .. } => {
                *last = number.max(*last);
                true
            }
            Self::Reserved { last, .. } => *last >= number,
        }
    }

    /// How many numbers to reserve next: twice as many each time, so that many records take few reservations.
    pub(crate) fn block(self) -> i64 {
        match self {
            Self::Held { .. } => 1,
            Self::Reserved { block, .. } => (2 * block).min(limits::SEQUENCE_RESERVED),
        }
    }

    /// What the stored counter must be set to when the transaction ends.
    pub(crate) fn unstored(self) -> Option<i64> {
        match self {
            Self::Held { last, stored } => (last > stored).then_some(last),
            Self::Reserved { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_that_is_held_is_written_once() {
        let mut counted = Counted::Held { last: 1, stored: 1 };
        assert_eq!(counted.unstored(), None);
        assert_eq!(counted.next(), Some(2));
        assert!(counted.covers(10));
        assert_eq!((counted.next(), counted.unstored()), (Some(11), Some(11)));
    }

    #[test]
    fn reserved_numbers_run_out_and_each_reservation_is_larger() {
        let mut counted = Counted::Reserved { last: 4, end: 6, block: 2 };
        assert_eq!([counted.next(), counted.next(), counted.next()], [Some(5), Some(6), None]);
        assert_eq!(counted.block(), 4);
        assert!(!counted.covers(7));
        assert_eq!(counted.unstored(), None);
    }

    #[test]
    fn a_long_key_is_stored_as_its_digest() {
        let of = (TypeNumber(1), FieldNumber(5));
        let series = |key: &str| Series::new(of, key.to_owned());
        assert_eq!(series("[1]").key, "[1]");
        let long = "x".repeat(KEY_BYTES + 1);
        assert_eq!(series(&long).key.len(), "sha256:".len() + 64);
        assert_ne!(series(&long), series(&"y".repeat(KEY_BYTES + 1)));
    }
}
