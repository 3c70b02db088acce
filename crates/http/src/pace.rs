use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use backstay_base::limits;
use tokio::time::{Instant, Sleep, sleep_until};

/// How a client sends the rest of a body, or takes the rest of an answer, for which the server has to wait. It is too slow
/// if nothing moves for a while, or less on the whole than `limits::PACE_BYTES_PER_SECOND`.
#[derive(Debug)]
pub(crate) struct Pace {
    /// For how long nothing may move.
    stall: Duration,
    begun: Instant,
    last_moved: Instant,
    bytes: u64,
    timer: Pin<Box<Sleep>>,
}

impl Pace {
    pub(crate) fn new(stall: Duration) -> Self {
        let now = Instant::now();
        Self { stall, begun: now, last_moved: now, bytes: 0, timer: Box::pin(sleep_until(now + stall)) }
    }

    /// It sent or took this many bytes.
    pub(crate) fn moved(&mut self, bytes: usize) {
        self.bytes += bytes as u64;
        self.last_moved = Instant::now();
    }

    /// Ready once it is too slow.
    pub(crate) fn poll_too_slow(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            ready!(self.timer.as_mut().poll(cx));
            let due = self.due();
            if Instant::now() >= due {
                return Poll::Ready(());
            }
            self.timer.as_mut().reset(due);
        }
    }

    fn due(&self) -> Instant {
        let earned = Duration::from_secs(self.bytes / limits::PACE_BYTES_PER_SECOND);
        (self.last_moved + self.stall).min(self.begun + self.stall + earned)
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// After how many seconds a client is cut off that takes this many bytes every second.
    async fn cut_off(bytes: usize) -> u64 {
        let started = Instant::now();
        let mut pace = Pace::new(20 * SECOND);
        for _ in 0..1000 {
            if tokio::time::timeout(SECOND, poll_fn(|cx| pace.poll_too_slow(cx))).await.is_ok() {
                break;
            }
            if bytes > 0 {
                pace.moved(bytes);
            }
        }
        started.elapsed().as_secs()
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_must_make_progress_at_a_certain_rate() {
        assert_eq!(cut_off(0).await, 20);
        assert_eq!(cut_off(1).await, 20, "a trickle is not enough");
        assert_eq!(cut_off(4 * 1024).await, 38, "half of the rate lasts twice as long");
        assert_eq!(cut_off(8 * 1024).await, 1000, "it is fast enough");
    }
}
