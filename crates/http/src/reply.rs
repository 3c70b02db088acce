use std::net::IpAddr;
use std::sync::Arc;

use backstay_base::Memory;
use bytes::{Buf, Bytes};
use http::request::Parts;

use crate::answer::Remaining;
use crate::compression::Encoding;

/// The bytes of an answer, and the memory of its request until they are written.
#[derive(Debug)]
pub(crate) struct Unwritten {
    bytes: Bytes,
    /// Problems are small and hold none.
    _memory: Option<Memory>,
}

impl Unwritten {
    pub(crate) fn new(bytes: Bytes, memory: Option<Memory>) -> Self {
        Self { bytes, _memory: memory }
    }

    pub(crate) fn into_bytes(self) -> Bytes {
        self.bytes
    }

    /// The bytes, which hold the memory until the last clone of them is dropped.
    pub(crate) fn into_held_bytes(self) -> Bytes {
        Bytes::from_owner(self)
    }
}

impl AsRef<[u8]> for Unwritten {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Buf for Unwritten {
    fn remaining(&self) -> usize {
        self.bytes.remaining()
    }

    fn chunk(&self) -> &[u8] {
        &self.bytes
    }

    fn advance(&mut self, count: usize) {
        self.bytes.advance(count);
    }
}

/// What a door answers: all of it, or its beginning.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) part: Unwritten,
    pub(crate) rest: Option<Box<Rest>>,
}

impl Reply {
    /// An answer that is complete.
    pub(crate) fn whole(part: Unwritten) -> Self {
        Self { part, rest: None }
    }
}

/// What is left of an answer, without anything of the door that answers: the request is admitted anew for each part.
#[derive(Debug)]
pub(crate) struct Rest {
    pub(crate) parts: Parts,
    /// The address at the other end of the connection.
    pub(crate) peer: IpAddr,
    /// Which door has begun it. Another one may serve another model.
    pub(crate) door: Arc<()>,
    pub(crate) export: Box<Remaining>,
    pub(crate) encoding: Encoding,
}

/// The rest of an answer couldn't be read. The client notices, because the answer has no end.
#[derive(Debug, thiserror::Error)]
#[error("the answer ended before it was complete")]
pub struct Interrupted;
