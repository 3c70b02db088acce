use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Buf as _;
use http::{Response, StatusCode};
use hyper::body::{Body, Frame, SizeHint};

use crate::Doorway;
use crate::connection::Answering;
use crate::reply::{Interrupted, Reply, Unwritten};

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
            Self::Whole(held) => held.as_ref().is_none_or(|held| !held.has_remaining()),
            Self::Unmeasured | Self::Streamed(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(held) => SizeHint::with_exact(held.as_ref().map_or(0, |held| held.remaining() as u64)),
            Self::Unmeasured | Self::Streamed(_) => SizeHint::default(),
        }
    }
}
