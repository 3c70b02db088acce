use std::fmt;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use backstay_base::Memory;
use bytes::{Buf, Bytes};
use http::request::Parts;
use http::{Response, StatusCode};
use hyper::body::{Body, Frame, SizeHint};

use crate::Doorway;
use crate::compression::Encoding;
use crate::connection::Answering;
use crate::export::Export;

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
    pub(crate) export: Box<Export>,
    pub(crate) encoding: Encoding,
}

/// The rest of an answer couldn't be read. The client notices, because the answer has no end.
#[derive(Debug, thiserror::Error)]
#[error("the answer ended before it was complete")]
pub struct Interrupted;

/// The body of a response, as a connection writes it.
#[derive(Debug)]
pub(crate) enum Outgoing {
    /// In one piece, until it is handed over.
    Whole(Option<Unwritten>),
    /// The body of a 304. It does not say that its length is 0, which would be read as the length of the answer that is
    /// not sent (RFC 9110, section 8.6).
    Unmeasured,
    /// In parts.
    Streamed(Box<Streamed>),
}

/// A body in parts: the next one is read when the client has taken those before.
pub(crate) struct Streamed {
    doorway: Doorway,
    state: StreamState,
    /// Until it ends, its connection is answering.
    answering: Option<Answering>,
}

enum StreamState {
    Read(Reply),
    Reading(Pin<Box<dyn Future<Output = Result<Reply, Interrupted>> + Send>>),
    Ended,
}

impl fmt::Debug for Streamed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Streamed").field("answering", &self.answering).finish_non_exhaustive()
    }
}

impl Streamed {
    fn poll_part(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Unwritten, Interrupted>>> {
        loop {
            match &mut self.state {
                StreamState::Ended => {
                    self.answering = None;
                    return Poll::Ready(None);
                }
                StreamState::Reading(reading) => {
                    let read = ready!(reading.as_mut().poll(cx));
                    self.state = StreamState::Ended;
                    match read {
                        Ok(reply) => self.state = StreamState::Read(reply),
                        Err(interrupted) => return Poll::Ready(Some(Err(interrupted))),
                    }
                }
                StreamState::Read(_) => {
                    let StreamState::Read(Reply { part, rest }) =
                        std::mem::replace(&mut self.state, StreamState::Ended)
                    else {
                        continue;
                    };
                    if let Some(rest) = rest {
                        let doorway = self.doorway.clone();
                        self.state = StreamState::Reading(Box::pin(async move { doorway.go_on(*rest).await }));
                    }
                    if part.has_remaining() {
                        return Poll::Ready(Some(Ok(part)));
                    }
                }
            }
        }
    }
}

impl Outgoing {
    /// The body of this response, which came through this doorway.
    pub(crate) fn of(response: Response<Reply>, doorway: &Doorway) -> Response<Self> {
        let unchanged = response.status() == StatusCode::NOT_MODIFIED;
        response.map(|reply| match reply {
            _ if unchanged => Self::Unmeasured,
            Reply { part, rest: None } => Self::Whole(Some(part)),
            reply @ Reply { rest: Some(_), .. } => {
                let doorway = doorway.clone();
                Self::Streamed(Box::new(Streamed { doorway, state: StreamState::Read(reply), answering: None }))
            }
        })
    }

    /// Lets the connection count as answering until all of it is read.
    pub(crate) fn answers(&mut self, answering: Answering) {
        match self {
            Self::Streamed(streamed) => streamed.answering = Some(answering),
            Self::Whole(_) | Self::Unmeasured => drop(answering),
        }
    }
}

impl Body for Outgoing {
    type Data = Unwritten;
    type Error = Interrupted;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Unwritten>, Interrupted>>> {
        match self.get_mut() {
            Self::Whole(held) => Poll::Ready(held.take().map(|held| Ok(Frame::data(held)))),
            Self::Unmeasured => Poll::Ready(None),
            Self::Streamed(streamed) => streamed.poll_part(cx).map(|part| part.map(|part| part.map(Frame::data))),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(held) => held.as_ref().is_none_or(|held| held.bytes.is_empty()),
            Self::Unmeasured | Self::Streamed(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(held) => SizeHint::with_exact(held.as_ref().map_or(0, |held| held.bytes.len() as u64)),
            Self::Unmeasured | Self::Streamed(_) => SizeHint::default(),
        }
    }
}
