use backstay_base::{Error, Held, Limit, Memory, limits};
use backstay_sql::DecodeError;
use backstay_store::StoreError;
use bytes::Bytes;

use crate::Context;
use crate::inner::too_large;

/// Bytes that fit after what was reserved: a value of fixed size, and what stands around a value.
const AROUND: usize = 128;
/// How much larger a buffer becomes at a time at most. A small one doubles.
const STEP: usize = 4 * 1024 * 1024;

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
        Self { bytes: Vec::new(), counted: 0, held, usual, most: limits::ANSWER_BYTES }
    }

    /// Makes it empty; it may then become this large.
    pub(crate) fn begin(&mut self, most: usize) {
        self.bytes.clear();
        self.most = most.min(limits::ANSWER_BYTES);
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

    /// Refuses an answer that has become too large.
    pub(crate) fn check(&self) -> Result<(), EncodeError> {
        if self.bytes.len() > self.most { Err(self.too_large()) } else { Ok(()) }
    }

    /// Whatever is appended from now on is the end of the answer, which may always be written.
    pub(crate) fn end(&mut self) {
        self.most = usize::MAX;
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
        if least > self.most {
            return Err(self.too_large());
        }
        let (wanted, capacity) = (least + AROUND, self.bytes.capacity());
        let grown = if wanted > capacity { wanted.max(capacity + capacity.min(STEP)) } else { capacity };
        let counted = grown.max(self.usual);
        self.held.resize(counted)?;
        self.bytes.reserve_exact(counted - self.bytes.len());
        self.counted = counted;
        Ok(())
    }

    fn too_large(&self) -> EncodeError {
        if self.most < limits::ANSWER_BYTES { EncodeError::Large } else { EncodeError::TooLarge }
    }
}

impl AsRef<[u8]> for AnswerBuffer {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}
