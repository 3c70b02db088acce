use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use backstay_base::Memory;
use bytes::{Buf, Bytes};
use http::{Response, StatusCode};
use hyper::body::{Body, Frame, SizeHint};

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

/// The body of a response, as a connection writes it.
#[derive(Debug)]
pub(crate) enum Outgoing {
    /// In one piece, until it is handed over.
    Whole(Option<Unwritten>),
    /// The body of a 304. It does not say that its length is 0, which would be read as the length of the answer that is
    /// not sent (RFC 9110, section 8.6).
    Unmeasured,
}

impl Outgoing {
    /// The body of this response.
    pub(crate) fn of(response: Response<Unwritten>) -> Response<Self> {
        let unchanged = response.status() == StatusCode::NOT_MODIFIED;
        response.map(|body| if unchanged { Self::Unmeasured } else { Self::Whole(Some(body)) })
    }
}

impl Body for Outgoing {
    type Data = Unwritten;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Unwritten>, Infallible>>> {
        Poll::Ready(match self.get_mut() {
            Self::Whole(held) => held.take().map(|held| Ok(Frame::data(held))),
            Self::Unmeasured => None,
        })
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(held) => held.as_ref().is_none_or(|held| held.bytes.is_empty()),
            Self::Unmeasured => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(held) => SizeHint::with_exact(held.as_ref().map_or(0, |held| held.bytes.len() as u64)),
            Self::Unmeasured => SizeHint::default(),
        }
    }
}
