use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};

/// What a connection is doing, as its stream and its service tell each other.
#[derive(Debug, Default)]
pub(crate) struct Activity {
    /// A request whose head is complete has not been answered yet.
    answering: AtomicBool,
    /// The client is slower to read an answer than the server to write it.
    writing: AtomicBool,
}

impl Activity {
    /// The head of a request is complete.
    pub(crate) fn begin(&self) {
        self.answering.store(true, Ordering::Relaxed);
    }

    /// Its answer is handed over to be written.
    pub(crate) fn end(&self) {
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
}

/// The stream of a connection, which ends if the head of a request takes too long: counted from its first byte, or from
/// the start of the connection. Between requests, hyper's own timeout limits how long it may be idle.
#[derive(Debug)]
pub(crate) struct Stream<'a> {
    inner: TokioIo<TcpStream>,
    activity: &'a Activity,
    header_time: Duration,
    /// Whether a head has begun that is not complete.
    in_head: bool,
    /// When it must be complete. Most heads arrive in one piece and need no timer.
    deadline: Option<Pin<Box<Sleep>>>,
}

impl<'a> Stream<'a> {
    pub(crate) fn new(stream: TcpStream, activity: &'a Activity, header_time: Duration) -> Self {
        Self { inner: TokioIo::new(stream), activity, header_time, in_head: true, deadline: None }
    }

    fn poll_deadline(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let time = self.header_time;
        let deadline = self.deadline.get_or_insert_with(|| Box::pin(sleep(time)));
        ready!(deadline.as_mut().poll(cx));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the head of a request took too long")))
    }

    fn written(&mut self, outcome: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        self.in_head = false;
        self.deadline = None;
        self.activity.writing.store(outcome.is_pending(), Ordering::Relaxed);
        outcome
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
                Poll::Ready(outcome)
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
        this.written(outcome)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_flush(cx)
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
        this.written(outcome)
    }
}
