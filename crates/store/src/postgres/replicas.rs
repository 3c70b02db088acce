//! The standbys of a database: which of them answers a read. Whatever goes wrong with one, the primary answers instead.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use backstay_base::{Flow, Secret, limits};
use backstay_sql::Statement;
use futures_util::future::select;
use tokio::task::AbortHandle;
use tokio::time::{Instant as Deadline, sleep};

use super::address::Address;
use super::follower::Follower;
use super::replica::{Declined, Replica};
use super::writers::Writers;
use crate::session::Visit;
use crate::{OpenError, ReadStats, ReplicaCount, ServerProblem, StoreError};

/// How often a standby that is in use is looked at.
const POLL: Duration = Duration::from_millis(limits::UNHEARD_MILLIS);
/// How often one is that isn't.
const AGAIN: Duration = Duration::from_millis(200);

/// The standbys of a database.
pub(super) struct Replicas {
    each: Vec<Arc<Replica>>,
    follower: Arc<Follower>,
    /// Which is asked next.
    next: AtomicUsize,
    writers: Writers,
    watching: Vec<AbortHandle>,
}

impl Replicas {
    /// The standbys at these addresses of the database with this model.
    pub(super) fn new(
        urls: &[Secret],
        (connections, identity): (usize, &[u8]),
        follower: &Arc<Follower>,
    ) -> Result<Self, OpenError> {
        let replica =
            |url: &Secret| Replica::new(Address::of_replica(url)?, connections, identity.to_vec()).map(Arc::new);
        let each = urls.iter().map(replica).collect::<Result<Vec<_>, _>>()?;
        let watch =
            |replica: &Arc<Replica>| tokio::spawn(watch(Arc::clone(replica), Arc::clone(follower))).abort_handle();
        let (next, writers, watching) = (AtomicUsize::new(0), Writers::default(), each.iter().map(watch).collect());
        Ok(Self { each, follower: Arc::clone(follower), next, writers, watching })
    }

    /// The flow has written something until now.
    pub(super) fn wrote(&self, flow: Flow) {
        self.writers.note(flow, Instant::now());
    }

    /// How many there are, and are in use.
    pub(super) fn count(&self) -> ReplicaCount {
        let in_use = self.each.iter().filter(|replica| replica.is_in_use()).count();
        ReplicaCount { configured: self.each.len(), in_use }
    }

    /// Runs one reading statement of a flow that has to see what was committed before this moment. `None`: the primary has to
    /// answer it, and the rows that were visited don't count.
    pub(super) async fn read(
        &self,
        (flow, since): (Flow, Option<Instant>),
        (until, over): (Deadline, StoreError),
        (statement, visit): (&Statement, &mut Visit<'_>),
    ) -> Option<Result<ReadStats, StoreError>> {
        let end = self.follower.end_since(since.max(self.writers.last(flow)))?;
        let first = self.next.fetch_add(1, Ordering::Relaxed);
        for index in 0..self.each.len() {
            let replica = &self.each[(first + index) % self.each.len()];
            if !replica.is_in_use() {
                continue;
            }
            match replica.read(end, (until, over.clone()), (statement, &mut *visit)).await {
                Ok(answered) => return Some(answered),
                Err(Declined::Busy) => {}
                Err(Declined::Failed) => return None,
                Err(Declined::Behind) => {
                    replica.doubt();
                    return None;
                }
                Err(Declined::Unfit(problem)) => {
                    replica.leave(&problem);
                    replica.doubt();
                    return None;
                }
            }
        }
        None
    }

    pub(super) fn close(&self) {
        self.watching.iter().for_each(AbortHandle::abort);
        self.each.iter().for_each(|replica| replica.close());
    }
}

impl Drop for Replicas {
    fn drop(&mut self) {
        self.close();
    }
}

/// Looks now and then whether a standby can be used, and whenever that is doubted.
async fn watch(replica: Arc<Replica>, follower: Arc<Follower>) -> Infallible {
    loop {
        match probe(&replica, &follower).await {
            Ok(()) => replica.join(),
            Err(Declined::Behind) => replica.leave(&ServerProblem::Behind),
            Err(Declined::Unfit(problem)) => replica.leave(&problem),
            // Neither says anything about it.
            Err(Declined::Busy | Declined::Failed) => {}
        }
        let pause = if replica.is_in_use() { POLL } else { AGAIN };
        select(pin!(sleep(pause)), pin!(replica.doubted())).await;
    }
}

async fn probe(replica: &Replica, follower: &Follower) -> Result<(), Declined> {
    match follower.end_since(None) {
        Some(end) => replica.probe(end).await,
        // This process doesn't know either.
        None => Err(Declined::Busy),
    }
}
