use backstay_base::{Error, Held, Limit, Memory, limits};
use backstay_sql::{DecodeError, Row};
use backstay_store::StoreError;
use bytes::Bytes;

use crate::Context;
use crate::inner::too_large;

/// Bytes that fit after what was reserved: a value of fixed size, and what stands around a value.
const AROUND: usize = 128;
/// How much larger a buffer becomes at a time at most. A small one doubles.
const STEP: usize = 4 * 1024 * 1024;
/// How much larger it becomes where there is no memory for that.
const LEAST_STEP: usize = 256 * 1024;

/// An answer that is being encoded. It asks the request's memory before it grows, and ends when it becomes larger than an
/// answer may be.
#[derive(Debug)]
pub struct AnswerBuffer {
    bytes: Vec<u8>,
    /// The capacity up to which the memory is held.
    counted: usize,
    held: Held,
    /// How large it is at first.
    usual: usize,
    /// How large it may become.
    most: usize,
    /// How large it may become on the thread that encodes it.
    most_here: usize,
}

/// Why an answer could not be encoded.
#[derive(Debug, Clone, thiserror::Error)]
pub enum EncodeError {
    /// A column holds something else than its plan says.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// The answer would be larger than one may be.
    #[error("the answer is too large")]
    TooLarge,
    /// The answer is larger than the thread that encodes it has time for.
    #[error("the answer is too large for this thread")]
    Large,
    /// The request may not use as much memory.
    #[error(transparent)]
    Memory(#[from] Limit),
}

impl From<EncodeError> for StoreError {
    fn from(error: EncodeError) -> Self {
        match error {
            EncodeError::Decode(error) => error.into(),
            EncodeError::TooLarge => Self::TooLarge,
            EncodeError::Large => Self::LargeRead,
            EncodeError::Memory(limit) => Self::Memory(limit),
        }
    }
}

impl From<EncodeError> for Error {
    fn from(error: EncodeError) -> Self {
        match error {
            EncodeError::Decode(error) => Self::internal(error),
            EncodeError::TooLarge | EncodeError::Large => too_large(),
            EncodeError::Memory(limit) => limit.into(),
        }
    }
}

impl AnswerBuffer {
    /// An empty one for what this request is answered with on the whole: its parts are as large as they may be.
    pub fn of(cx: &Context) -> Self {
        Self { most: usize::MAX, ..Self::new(&cx.memory, 0) }
    }

    /// An empty one, which is of this size as soon as anything is in it.
    pub(crate) fn new(memory: &Memory, usual: usize) -> Self {
        let held = memory.hold();
        Self { bytes: Vec::new(), counted: 0, held, usual, most: limits::ANSWER_BYTES, most_here: usize::MAX }
    }

    /// Makes it empty, on a thread that has time for this many bytes.
    pub(crate) fn begin(&mut self, most_here: usize) {
        self.bytes.clear();
        self.most_here = most_here;
    }

    /// It may become this large from now on.
    pub(crate) fn allow(&mut self, most: usize) {
        self.most = most;
    }

    /// Where the next part of the answer is to be appended: there is room for this many bytes, and for the few that stand
    /// around a value. What is longer, such as a text with many escapes, counts with the next part.
    #[inline]
    pub fn reserve(&mut self, bytes: usize) -> Result<&mut Vec<u8>, EncodeError> {
        if self.bytes.len() + bytes + AROUND > self.counted {
            self.grow(bytes)?;
        }
        Ok(&mut self.bytes)
    }

    /// Appends these bytes.
    pub fn append(&mut self, bytes: &[u8]) -> Result<(), EncodeError> {
        self.reserve(bytes.len())?.extend_from_slice(bytes);
        Ok(())
    }

    /// What was encoded so far.
    pub fn as_slice(&self) -> &[u8] {
        &self.bytes
    }

    /// Counts the bytes of a row that the store has received, as long as the row is encoded, if it has more than one record may
    /// have: its lists are what a request can make large.
    pub(crate) fn hold_row(&self, row: &dyn Row) -> Result<Option<Held>, EncodeError> {
        match row.received_bytes() {
            bytes if bytes > limits::RECORD_BYTES => Ok(Some(self.held.beside(bytes)?)),
            _ => Ok(None),
        }
    }

    /// Refuses an answer that has become too large.
    pub(crate) fn check(&self) -> Result<(), EncodeError> {
        self.require(self.bytes.len())
    }

    /// Whatever is appended from now on is the end of the answer, which may always be written.
    pub(crate) fn end(&mut self) {
        (self.most, self.most_here) = (usize::MAX, usize::MAX);
    }

    /// Puts its parts into the opposite order: each begins where the one before it ends, and the last one ends at the last
    /// of these places.
    pub(crate) fn turn_round(&mut self, ends: &[usize]) {
        let (Some(start), Some(end)) = (ends.first(), ends.last()) else { return };
        self.bytes[*start..*end].reverse();
        let turned = ends.windows(2).map(|part| start + (end - part[1])..start + (end - part[0]));
        for part in turned.collect::<Vec<_>>() {
            self.bytes[part].reverse();
        }
    }

    /// The answer. It counts as the request's memory until the last clone of these bytes is dropped.
    pub fn finish(mut self) -> Result<Bytes, Limit> {
        if self.bytes.capacity() - self.bytes.len() > limits::READ_BYTES {
            self.bytes.shrink_to_fit();
        }
        self.held.resize(self.bytes.capacity())?;
        Ok(Bytes::from_owner(self))
    }

    #[cold]
    fn grow(&mut self, bytes: usize) -> Result<(), EncodeError> {
        let least = self.bytes.len() + bytes;
        self.require(least)?;
        let (wanted, capacity) = ((least + AROUND).max(self.usual), self.bytes.capacity());
        // A long text can have made it larger than was counted.
        let grown = if wanted > capacity { wanted.max(capacity + capacity.min(STEP)) } else { capacity };
        let mut counted = grown;
        if self.held.resize(grown).is_err() {
            counted = wanted.max(capacity) + LEAST_STEP;
            self.held.resize(counted)?;
        }
        self.bytes.reserve_exact(counted - self.bytes.len());
        self.counted = counted;
        Ok(())
    }

    /// Refuses a size that it may not have.
    fn require(&self, bytes: usize) -> Result<(), EncodeError> {
        if bytes > self.most {
            Err(EncodeError::TooLarge)
        } else if bytes > self.most_here {
            Err(EncodeError::Large)
        } else {
            Ok(())
        }
    }
}

impl AsRef<[u8]> for AnswerBuffer {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use backstay_base::Reserve;
    use backstay_scalar::ValueRef;
    use parking_lot::Mutex;

    use super::*;

    const MIB: usize = 1024 * 1024;

    /// Lets a request have so many bytes.
    #[derive(Debug)]
    struct Budget {
        most: usize,
        held: Mutex<usize>,
    }

    impl Reserve for Budget {
        fn take(&self, bytes: usize) -> Result<(), Limit> {
            let mut held = self.held.lock();
            if *held + bytes > self.most {
                return Err(Limit::Busy);
            }
            *held += bytes;
            Ok(())
        }

        fn give_back(&self, bytes: usize) {
            *self.held.lock() -= bytes;
        }

        fn held(&self) -> usize {
            *self.held.lock()
        }
    }

    fn budget(most: usize) -> (Arc<Budget>, AnswerBuffer) {
        let budget = Arc::new(Budget { most, held: Mutex::default() });
        let buffer = AnswerBuffer::new(&Memory::counted(budget.clone()), 512);
        (budget, buffer)
    }

    #[test]
    fn a_buffer_asks_before_it_grows() {
        let (budget, mut buffer) = budget(6 * MIB);
        assert_eq!(budget.held(), 0, "nothing is in it");
        buffer.append(b"[").expect("there is room");
        assert_eq!(budget.held(), 512);
        let ended = loop {
            match buffer.append(&[b'x'; 1000]) {
                Ok(()) => assert!(buffer.bytes.capacity() <= budget.held(), "it holds all of it"),
                Err(error) => break error,
            }
        };
        assert!(matches!(ended, EncodeError::Memory(Limit::Busy)), "{ended:?}");
        assert!(buffer.as_slice().len() > 5 * MIB, "it used what there was");
        drop(buffer);
        assert_eq!(budget.held(), 0);
    }

    #[test]
    fn what_escapes_make_longer_counts_with_the_next_part() {
        let (budget, mut buffer) = budget(6 * MIB);
        buffer.reserve(1000).expect("there is room").extend_from_slice(&[b'x'; 6000]);
        buffer.append(b",").expect("there is room");
        assert!(budget.held() >= buffer.bytes.capacity(), "{} of {}", budget.held(), buffer.bytes.capacity());
    }

    #[test]
    fn an_answer_counts_until_it_is_gone_and_no_more_than_it_is() {
        let (budget, mut buffer) = budget(64 * MIB);
        buffer.append(&vec![b'x'; 5 * MIB]).expect("there is room");
        buffer.append(&vec![b'x'; 500 * 1024]).expect("there is room");
        assert_eq!(budget.held(), 9 * MIB + AROUND);
        let answer = buffer.finish().expect("there is room");
        let part = answer.slice(..10);
        drop(answer);
        assert_eq!(budget.held(), 5 * MIB + 500 * 1024);
        drop(part);
        assert_eq!(budget.held(), 0);
    }

    #[test]
    fn the_parts_of_an_answer_can_be_turned_round() {
        let check = |text: &str, ends: &[usize], expected: &str| {
            let (_, mut buffer) = budget(MIB);
            buffer.append(text.as_bytes()).expect("there is room");
            buffer.turn_round(ends);
            assert_eq!(buffer.as_slice(), expected.as_bytes(), "{text} at {ends:?}");
        };
        check("[one,two,three", &[1, 4, 5, 8, 9, 14], "[three,two,one");
        check("[ö,ü", &[1, 3, 4, 6], "[ü,ö");
        check("[one", &[1, 4], "[one");
        check("[one]", &[1, 4], "[one]");
        check("", &[], "");
    }

    /// A row that has arrived from a server.
    struct Received(usize);

    impl Row for Received {
        fn value(&self, column: usize) -> Result<ValueRef<'_>, DecodeError> {
            Err(DecodeError { column, expected: "nothing" })
        }

        fn received_bytes(&self) -> usize {
            self.0
        }
    }

    #[test]
    fn a_row_counts_while_it_is_encoded() {
        let (budget, mut buffer) = budget(limits::RECORD_BYTES + 6 * MIB);
        buffer.append(b"[").expect("there is room");
        let check = |bytes: usize, counted: usize| {
            let row = buffer.hold_row(&Received(bytes)).expect("there is room");
            assert_eq!(budget.held() - 512, counted, "{bytes} bytes");
            drop(row);
            assert_eq!(budget.held(), 512);
        };
        check(0, 0);
        check(limits::RECORD_BYTES, 0);
        check(limits::RECORD_BYTES + MIB, limits::RECORD_BYTES + MIB);
        let refused = buffer.hold_row(&Received(limits::RECORD_BYTES + 6 * MIB)).expect_err("it is too large");
        assert!(matches!(refused, EncodeError::Memory(Limit::Busy)), "{refused:?}");
    }

    #[test]
    fn an_answer_has_a_limit_and_its_end_has_none() {
        let (_, mut buffer) = budget(64 * MIB);
        let check = |ended: Result<(), EncodeError>, expected: &str| {
            assert_eq!(ended.map_or_else(|error| error.to_string(), |()| String::new()), expected);
        };
        buffer.begin(1000);
        check(buffer.append(&[b'x'; 600]), "");
        check(buffer.append(&[b'x'; 600]), "the answer is too large for this thread");
        buffer.allow(700);
        check(buffer.append(&[b'x'; 600]), "the answer is too large");
        buffer.allow(limits::ANSWER_BYTES);
        buffer.begin(usize::MAX);
        check(buffer.append(&vec![b'x'; limits::ANSWER_BYTES]), "");
        check(buffer.check(), "");
        check(buffer.append(&[b'x'; 600]), "the answer is too large");
        buffer.end();
        check(buffer.append(&[b'x'; 600]), "");
    }
}
