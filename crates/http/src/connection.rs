use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use backstay_base::limits;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::time::{Sleep, sleep};

use crate::budget::{Reservation, Share};
use crate::pace::Pace;

/// Bytes of a request's head that are buffered while it arrives. Above `limits::TARGET_BYTES` and
/// `limits::HEADER_BYTES` a head is refused with a problem, above this by hyper with a bare 431.
pub(crate) const HEAD_BUFFER: usize = 72 * 1024;
const _: () = assert!(HEAD_BUFFER > limits::TARGET_BYTES + limits::HEADER_BYTES);

/// What a connection is doing, as its stream, its service and the table of connections tell each other.
#[derive(Debug)]
pub(crate) struct Activity {
    /// A request whose head is complete has not been answered yet.
    answering: AtomicBool,
    /// The client is slower to read an answer than the server to write it.
    writing: AtomicBool,
    epoch: Instant,
    /// Since when it has waited for the head of a request, in milliseconds after the epoch.
    waits_since: AtomicU64,
    /// Wakes the connection that has to close.
    close: Notify,
}

impl Activity {
    /// A connection that waits for its first request.
    pub(crate) fn new(epoch: Instant) -> Self {
        Self {
            answering: AtomicBool::new(false),
            writing: AtomicBool::new(false),
            epoch,
            waits_since: AtomicU64::new(millis_since(epoch)),
            close: Notify::new(),
        }
    }

    /// The head of a request is complete.
    pub(crate) fn begin(&self) {
        self.answering.store(true, Ordering::Relaxed);
    }

    /// Its answer is handed over to be written.
    pub(crate) fn end(&self) {
        self.wait_since(millis_since(self.epoch));
    }

    /// It waits for a request, since this many milliseconds after the epoch.
    pub(crate) fn wait_since(&self, millis: u64) {
        self.waits_since.store(millis, Ordering::Relaxed);
        self.answering.store(false, Ordering::Relaxed);
    }

    /// Whether a request is waiting for its answer.
    pub(crate) fn is_answering(&self) -> bool {
        self.answering.load(Ordering::Relaxed)
    }

    /// Whether a request is waiting for its answer, or its client for the rest of it.
    pub(crate) fn is_busy(&self) -> bool {
        self.is_answering() || self.writing.load(Ordering::Relaxed)
    }

    /// Since when it has waited for the head of a request, in milliseconds after the epoch; `None` while it is busy. A
    /// head that is arriving is no progress before it is complete.
    pub(crate) fn waits_since(&self) -> Option<u64> {
        (!self.is_busy()).then(|| self.waits_since.load(Ordering::Relaxed))
    }

    /// Ends the connection as soon as it is not busy.
    pub(crate) fn close_when_idle(&self) {
        self.close.notify_one();
    }

    /// Completes when the connection has to close to make room for another.
    pub(crate) async fn has_to_close(&self) {
        self.close.notified().await;
    }
}

/// Until this is dropped, a connection is answering a request.
#[derive(Debug)]
pub(crate) struct Answering(pub(crate) Arc<Activity>);

impl Drop for Answering {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// Milliseconds since the epoch.
pub(crate) fn millis_since(epoch: Instant) -> u64 {
    u64::try_from(epoch.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// How long a client may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    /// To send the head of the first request.
    pub(crate) first_head: Duration,
    /// To send the head of each other request, from its first byte.
    pub(crate) head: Duration,
    /// Without taking anything of an answer.
    pub(crate) stall: Duration,
}

/// A socket that counts the bytes that are read from it.
#[derive(Debug)]
struct Counted {
    stream: TcpStream,
    read: usize,
}

impl AsyncRead for Counted {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let outcome = Pin::new(&mut self.stream).poll_read(cx, buffer);
        self.read += buffer.filled().len() - before;
        outcome
    }
}

impl AsyncWrite for Counted {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, buffers)
    }
}

/// The stream of a connection, which ends if the head of a request takes too long, counted from its first byte or from
/// the start of the connection, or if the client takes an answer too slowly. Between requests, hyper's own timeout limits
/// how long it may be idle.
#[derive(Debug)]
pub(crate) struct Stream<'a> {
    inner: TokioIo<Counted>,
    activity: &'a Activity,
    /// What the client's network may use.
    share: &'a Share,
    /// What is held for a head that is larger than most, while it arrives and until its request is answered.
    head: Option<Arc<Reservation>>,
    patience: Patience,
    /// Whether a request has been answered.
    served: bool,
    /// Whether a head has begun that is not complete.
    in_head: bool,
    /// When it must be complete. Most heads arrive in one piece and need no timer.
    deadline: Option<Pin<Box<Sleep>>>,
    /// How the client takes an answer that it did not take at once.
    pace: Option<Pace>,
}

impl<'a> Stream<'a> {
    pub(crate) fn new(stream: TcpStream, activity: &'a Activity, share: &'a Share, patience: Patience) -> Self {
        let inner = TokioIo::new(Counted { stream, read: 0 });
        Self { inner, activity, share, head: None, patience, served: false, in_head: true, deadline: None, pace: None }
    }

    fn poll_deadline(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let time = if self.served { self.patience.head } else { self.patience.first_head };
        let deadline = self.deadline.get_or_insert_with(|| Box::pin(sleep(time)));
        ready!(deadline.as_mut().poll(cx));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the head of a request took too long")))
    }

    /// Holds the memory that the head takes so far.
    fn hold_head(&mut self) -> io::Result<()> {
        // The rest of a refused body, which is read and discarded, is not kept.
        let bytes = self.inner.inner().read.min(HEAD_BUFFER);
        if bytes <= limits::MEMORY_STEP_BYTES {
            return Ok(());
        }
        let bytes = bytes.next_multiple_of(limits::MEMORY_STEP_BYTES);
        let held = match &self.head {
            Some(head) => head.raise(bytes),
            None => self.share.reserve(bytes).map(|head| self.head = Some(head)),
        };
        held.map_err(|limit| io::Error::new(io::ErrorKind::QuotaExceeded, limit))
    }

    fn written(&mut self, cx: &mut Context<'_>, outcome: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        self.served = true;
        self.in_head = false;
        self.deadline = None;
        self.head = None;
        self.inner.inner_mut().read = 0;
        self.activity.writing.store(outcome.is_pending(), Ordering::Relaxed);
        match (&outcome, &mut self.pace) {
            (Poll::Pending, _) => {
                let stall = self.patience.stall;
                ready!(self.pace.get_or_insert_with(|| Pace::new(stall)).poll_too_slow(cx));
                self.abandon()
            }
            (Poll::Ready(Ok(bytes)), Some(pace)) => {
                pace.moved(*bytes);
                outcome
            }
            (Poll::Ready(_), _) => outcome,
        }
    }

    /// Gives the rest of an answer up. The system forgets what it has buffered of it, too.
    fn abandon(&self) -> Poll<io::Result<usize>> {
        if let Err(error) = self.inner.inner().stream.set_zero_linger() {
            tracing::debug!(%error, "the rest of an answer stays with the system for a while");
        }
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client took an answer too slowly")))
    }
}

impl Read for Stream<'_> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let outcome = Pin::new(&mut this.inner).poll_read(cx, buffer);
        if this.activity.is_answering() {
            return outcome;
        }
        match outcome {
            Poll::Ready(outcome) => {
                this.in_head = true;
                Poll::Ready(outcome.and_then(|()| this.hold_head()))
            }
            Poll::Pending if this.in_head => this.poll_deadline(cx),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl Write for Stream<'_> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let outcome = Pin::new(&mut this.inner).poll_write(cx, bytes);
        this.written(cx, outcome)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // The whole of what there was to write is written.
        let this = self.get_mut();
        this.pace = None;
        Pin::new(&mut this.inner).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let outcome = Pin::new(&mut this.inner).poll_write_vectored(cx, buffers);
        this.written(cx, outcome)
    }
}
