use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use backstay_base::{Network, limits};
use parking_lot::Mutex;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep, timeout};

use crate::lanes::leave_behind;

/// Networks that are remembered before those that have sent nothing in vain lately are forgotten.
const NETWORKS: usize = 1024;

/// Refused clients that are still sending while they get their response. Closing a connection with unread bytes discards
/// what was sent to it, so the server reads on for a moment and drops what it reads.
#[derive(Debug, Clone)]
pub(crate) struct Lingering {
    clients: Arc<Semaphore>,
    discarded: Arc<Mutex<Discarded>>,
}

/// What is read of one client and dropped.
#[derive(Debug)]
pub(crate) struct Discarding {
    network: Network,
    discarded: Arc<Mutex<Discarded>>,
}

/// When each network will have paid for what it sent in vain: its debt falls due at `limits::LINGER_BYTES_PER_SECOND`.
#[derive(Debug)]
struct Discarded {
    paid: HashMap<Network, Instant>,
    /// How many networks are too many.
    most: usize,
}

impl Lingering {
    pub(crate) fn new() -> Self {
        let discarded = Discarded { paid: HashMap::new(), most: NETWORKS };
        Self { clients: Arc::new(Semaphore::new(limits::LINGERING)), discarded: Arc::new(Mutex::new(discarded)) }
    }

    /// Reads on in the background for at most this time, for a client from this network. If too many clients are being
    /// answered already, the work is dropped, and with it the connection.
    pub(crate) fn linger<F>(&self, (network, time): (Network, Duration), reading: impl FnOnce(Discarding) -> F)
    where
        F: Future<Output: Send> + Send + 'static,
    {
        let Ok(permit) = Arc::clone(&self.clients).try_acquire_owned() else { return };
        let reading = reading(Discarding { network, discarded: Arc::clone(&self.discarded) });
        leave_behind(async move {
            // A client that goes away or takes too long has been refused all the same.
            let _ = timeout(time, reading).await;
            drop(permit);
        });
    }
}

impl Discarding {
    /// This many bytes were read and dropped. Waits until the network may send more of them.
    pub(crate) async fn discarded(&self, bytes: usize) {
        let wait = self.discarded.lock().add(self.network, bytes, Instant::now());
        if !wait.is_zero() {
            sleep(wait).await;
        }
    }
}

impl Discarded {
    /// The network sent this many more bytes. How long it has to wait.
    fn add(&mut self, network: Network, bytes: usize, now: Instant) -> Duration {
        if self.paid.len() >= self.most {
            self.paid.retain(|_, paid| *paid > now);
            self.most = NETWORKS.max(2 * self.paid.len());
        }
        let paid = self.paid.entry(network).or_insert(now);
        *paid = (*paid).max(now) + time_of(bytes as u64);
        (*paid - now).saturating_sub(time_of(limits::LINGER_BYTES.into()))
    }
}

/// For how long a network has to pay for this many bytes.
fn time_of(bytes: u64) -> Duration {
    Duration::from_micros(bytes.saturating_mul(1_000_000) / u64::from(limits::LINGER_BYTES_PER_SECOND))
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use tokio::sync::mpsc::unbounded_channel;

    use super::*;

    const PIECE: usize = 64 * 1024;

    fn network(last: u8) -> Network {
        Network::of(IpAddr::from([192, 0, 2, last]))
    }

    /// Megabytes that are read of so many clients of one network, each of which sends as much as is taken for two seconds.
    async fn read_of(lingering: &Lingering, network: Network, clients: usize) -> usize {
        let (read, mut reads) = unbounded_channel();
        for _ in 0..clients {
            let read = read.clone();
            lingering.linger((network, Duration::from_secs(2)), |discarding| async move {
                loop {
                    discarding.discarded(PIECE).await;
                    read.send(PIECE).expect("somebody listens");
                }
            });
        }
        drop(read);
        let mut bytes = 0;
        while let Some(piece) = reads.recv().await {
            bytes += piece;
        }
        bytes >> 20
    }

    #[tokio::test(start_paused = true)]
    async fn refused_clients_of_one_network_share_what_is_read_of_them() {
        let lingering = Lingering::new();
        // 16 MB at once, and 8 in each second.
        assert_eq!(read_of(&lingering, network(1), 1).await, 32);
        assert_eq!(read_of(&lingering, network(1), 1).await, 15, "nothing is left at once");
        assert_eq!(read_of(&lingering, network(1), 4).await, 15, "together");
        assert_eq!(read_of(&lingering, network(2), 4).await, 32, "another network has a share of its own");
        sleep(Duration::from_secs(2)).await;
        assert_eq!(read_of(&lingering, network(1), 1).await, 32, "it has paid");
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_than_some_clients_are_answered_at_a_time() {
        let lingering = Lingering::new();
        let (begun, mut begins) = unbounded_channel();
        for client in 0..limits::LINGERING + 10 {
            let begun = begun.clone();
            lingering.linger((network(1), Duration::from_secs(2)), |_| async move {
                begun.send(client).expect("somebody listens");
                sleep(Duration::from_mins(1)).await;
            });
        }
        drop(begun);
        let mut count = 0;
        while begins.recv().await.is_some() {
            count += 1;
        }
        assert_eq!(count, limits::LINGERING);
    }

    #[test]
    fn networks_that_have_paid_are_forgotten() {
        let mut discarded = Discarded { paid: HashMap::new(), most: 3 };
        let now = Instant::now();
        for last in 0..3 {
            discarded.add(network(last), PIECE, now);
        }
        discarded.add(network(3), PIECE, now + Duration::from_mins(1));
        assert_eq!(discarded.paid.len(), 1);
    }
}
