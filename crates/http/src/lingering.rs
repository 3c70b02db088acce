use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use backstay_base::limits;
use tokio::sync::Semaphore;

use crate::lanes::leave_behind;

/// Refused clients that are still sending while they get their response. Closing a connection with unread bytes discards
/// what was sent to it, so the server reads on for a moment and drops what it reads.
#[derive(Debug, Clone)]
pub(crate) struct Lingering(Arc<Semaphore>);

impl Lingering {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Semaphore::new(limits::LINGERING)))
    }

    /// Reads on in the background for at most this time. If too many clients are being answered already, the work is
    /// dropped, and with it the connection.
    pub(crate) fn linger<F>(&self, time: Duration, reading: impl FnOnce() -> F)
    where
        F: Future<Output: Send> + Send + 'static,
    {
        let Ok(permit) = Arc::clone(&self.0).try_acquire_owned() else { return };
        let reading = reading();
        leave_behind(async move {
            // A client that goes away or takes too long has been refused all the same.
            let _ = tokio::time::timeout(time, reading).await;
            drop(permit);
        });
    }
}
