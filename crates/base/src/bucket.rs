use std::sync::atomic::{AtomicI64, Ordering};

use crate::{Limit, Timestamp};

/// What limits how often something is done: so often at once, and as often again within a time. It refills evenly, and all that
/// is kept of it is the moment at which it will be full (the generic cell rate algorithm, ITU-T I.371, annex A).
#[derive(Debug)]
pub struct Bucket(AtomicI64);

impl Default for Bucket {
    fn default() -> Self {
        Self(AtomicI64::new(i64::MIN))
    }
}

impl Bucket {
    /// Does it once. `window_micros` is the time within which it may be done `times` times, at least once.
    ///
    /// # Errors
    /// `Limit::Rate`, with the seconds to wait, if it was done too often.
    pub fn take(&self, times: u32, window_micros: i64, now: Timestamp) -> Result<(), Limit> {
        let now = now.micros();
        let next = |full_at: i64| full_at.max(now) + window_micros / i64::from(times);
        // How far the bucket would be filled beyond its size.
        let excess = |full_at: i64| next(full_at) - now - window_micros;
        let step = |full_at: i64| (excess(full_at) <= 0).then(|| next(full_at));
        let taken = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, step);
        let seconds = |full_at| excess(full_at).unsigned_abs().div_ceil(1_000_000);
        taken.map(drop).map_err(|full_at| Limit::Rate { retry_after_seconds: seconds(full_at) })
    }
}
