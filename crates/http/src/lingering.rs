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
    networks: Arc<Mutex<Networks>>,
}

/// What is read of one client and dropped.
#[derive(Debug)]
pub(crate) struct Discarding {
    network: Network,
    networks: Arc<Mutex<Networks>>,
}

/// What refused clients of each network do, and have done lately.
#[derive(Debug)]
struct Networks {
    known: HashMap<Network, Vain>,
    /// How many networks are too many.
    most: usize,
}

/// What one network does in vain.
#[derive(Debug)]
struct Vain {
    /// Clients that are being answered.
    clients: usize,
    /// When it will have paid for what it sent, at `limits::LINGER_BYTES_PER_SECOND`.
    paid: Instant,
}

impl Lingering {
    pub(crate) fn new() -> Self {
        let networks = Networks { known: HashMap::new(), most: NETWORKS };
        Self { clients: Arc::new(Semaphore::new(limits::LINGERING)), networks: Arc::new(Mutex::new(networks)) }
    }

    /// Reads on in the background for at most this time, for a client from this network. If too many clients, or too many
    /// of the network, are being answered already, the work is dropped, and with it the connection.
    pub(crate) fn linger<F>(&self, (network, time): (Network, Duration), reading: impl FnOnce(Discarding) -> F)
    where
        F: Future<Output: Send> + Send + 'static,
    {
        let Ok(permit) = Arc::clone(&self.clients).try_acquire_owned() else { return };
        if !self.networks.lock().begin(network, Instant::now()) {
            return;
        }
        let reading = reading(Discarding { network, networks: Arc::clone(&self.networks) });
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
        let wait = self.networks.lock().add(self.network, bytes, Instant::now());
        if !wait.is_zero() {
            sleep(wait).await;
        }
    }
}

impl Drop for Discarding {
    fn drop(&mut self) {
        if let Some(vain) = self.networks.lock().known.get_mut(&self.network) {
            vain.clients -= 1;
        }
    }
}

impl Networks {
    /// Another client of the network is to be answered. Whether it may be.
    fn begin(&mut self, network: Network, now: Instant) -> bool {
        if self.known.len() >= self.most {
            self.known.retain(|_, vain| vain.clients > 0 || vain.paid > now);
            self.most = NETWORKS.max(2 * self.known.len());
        }
        let vain = self.known.entry(network).or_insert(Vain { clients: 0, paid: now });
        let is_one_of_few = vain.clients < limits::NETWORK_LINGERING;
        vain.clients += usize::from(is_one_of_few);
        is_one_of_few
    }

    /// The network sent this many more bytes. How long it has to wait.
    fn add(&mut self, network: Network, bytes: usize, now: Instant) -> Duration {
        let Some(Vain { paid, .. }) = self.known.get_mut(&network) else { return Duration::ZERO };
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

    /// How many of so many clients of each network are answered.
    async fn answered(lingering: &Lingering, clients: &[(u8, usize)]) -> Vec<usize> {
        let (begun, mut begins) = unbounded_channel();
        for &(last, count) in clients {
            for _ in 0..count {
                let begun = begun.clone();
                lingering.linger((network(last), Duration::from_secs(2)), |discarding| async move {
                    begun.send(network(last)).expect("somebody listens");
                    sleep(Duration::from_mins(1)).await;
                    drop(discarding);
                });
            }
        }
        drop(begun);
        let mut all = Vec::new();
        while let Some(of) = begins.recv().await {
            all.push(of);
        }
        clients.iter().map(|(last, _)| all.iter().filter(|of| **of == network(*last)).count()).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_than_some_clients_are_answered_at_a_time() {
        let lingering = Lingering::new();
        assert_eq!(answered(&lingering, &[(1, 100), (2, 3)]).await, [16, 3]);
        assert_eq!(answered(&lingering, &[(1, 20), (2, 20), (3, 20), (4, 10), (5, 20)]).await, [16, 16, 16, 10, 6]);
        assert_eq!(answered(&lingering, &[(1, 1)]).await, [1], "the others are gone");
    }

    #[test]
    fn networks_that_have_paid_are_forgotten() {
        let mut networks = Networks { known: HashMap::new(), most: 3 };
        let now = Instant::now();
        for last in 0..3 {
            assert!(networks.begin(network(last), now));
            networks.add(network(last), PIECE, now);
        }
        let ended = networks.known.get_mut(&network(1)).expect("it is known");
        ended.clients = 0;
        assert!(networks.begin(network(3), now + Duration::from_mins(1)));
        assert_eq!(networks.known.len(), 3);
    }
}
