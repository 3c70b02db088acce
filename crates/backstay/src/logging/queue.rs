use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::thread;
use std::time::Duration;

/// Lines that wait to be written. When there are more, new ones are lost.
const LINES: usize = 4096;

/// How long the process waits at its end for unwritten lines.
const FLUSH: Duration = Duration::from_secs(1);

/// Lines on their way to a log that may be slow, stuck or broken. A thread writes them, so that nothing else waits for
/// the log. Lines that cannot be written are counted, and the count is logged once lines can be written again.
#[derive(Debug, Clone)]
pub(super) struct Queue {
    sender: SyncSender<Message>,
    lost: Arc<AtomicU64>,
}

#[derive(Debug)]
enum Message {
    Line(Vec<u8>),
    /// Answered when everything before it is written.
    Flush(SyncSender<()>),
}

impl Queue {
    /// Starts the thread that writes to `log`.
    pub(super) fn start(log: impl Write + Send + 'static) -> io::Result<Self> {
        let (sender, messages) = sync_channel(LINES);
        let lost = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&lost);
        thread::Builder::new().name("log".to_owned()).spawn(move || write_lines(log, &messages, &counted))?;
        Ok(Self { sender, lost })
    }

    /// Adds lines, or counts them as lost if the queue is full.
    pub(super) fn push(&self, lines: &[u8]) {
        if self.sender.try_send(Message::Line(lines.to_vec())).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Waits until everything pushed so far is written, or for `FLUSH`.
    pub(super) fn flush(&self) {
        let (done, written) = sync_channel(1);
        // If the queue is full, the log is stuck: waiting would not help.
        if self.sender.try_send(Message::Flush(done)).is_ok() {
            let _ = written.recv_timeout(FLUSH);
        }
    }
}

/// A writer that never fails, so that logging never does.
impl Write for Queue {
    fn write(&mut self, lines: &[u8]) -> io::Result<usize> {
        self.push(lines);
        Ok(lines.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn write_lines(mut log: impl Write, messages: &Receiver<Message>, lost: &AtomicU64) {
    let (mut told, mut writable) = (0, true);
    loop {
        let message = match messages.try_recv() {
            Ok(message) => message,
            Err(TryRecvError::Disconnected) => return,
            Err(TryRecvError::Empty) => {
                let count = lost.load(Ordering::Relaxed);
                if writable && count > told {
                    told = count;
                    // This goes through the queue like every other line.
                    tracing::warn!(lost = count, "log lines were lost because standard error could not be written");
                }
                let Ok(message) = messages.recv() else { return };
                message
            }
        };
        match message {
            Message::Line(lines) => {
                writable = log.write_all(&lines).is_ok();
                if !writable {
                    lost.fetch_add(1, Ordering::Relaxed);
                }
            }
            // The other side may have stopped waiting.
            Message::Flush(done) => drop(done.try_send(())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Hands on what is written to it, as long as somebody takes it.
    struct Kept(SyncSender<Vec<u8>>);

    impl Write for Kept {
        fn write(&mut self, lines: &[u8]) -> io::Result<usize> {
            self.0.send(lines.to_vec()).map_err(|_| io::ErrorKind::BrokenPipe)?;
            Ok(lines.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn lines_are_written_in_order_before_a_flush_ends() {
        let (lines, written) = sync_channel(8);
        let queue = Queue::start(Kept(lines)).expect("a thread");
        queue.push(b"one\n");
        queue.push(b"two\n");
        queue.flush();
        assert_eq!(written.try_iter().collect::<Vec<_>>(), [b"one\n", b"two\n"]);
        assert_eq!(queue.lost.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn lines_that_cannot_be_written_are_counted() {
        let (lines, written) = sync_channel(8);
        drop(written);
        let queue = Queue::start(Kept(lines)).expect("a thread");
        queue.push(b"one\n");
        queue.push(b"two\n");
        queue.flush();
        assert_eq!(queue.lost.load(Ordering::Relaxed), 2);
    }
}
