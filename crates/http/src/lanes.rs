//! The threads that carry connections: those of heavy networks let all others go first.

use std::cell::RefCell;
use std::fmt;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::thread::available_parallelism;
use std::time::Instant;

use backstay_base::{give_way, lower_priority};
use tokio::runtime::{Builder, Handle, Runtime};

use crate::usage::{Usage, Used};

/// Where connections are carried.
pub(crate) struct Lanes {
    ways: Arc<Ways>,
    /// Owned, so that it ends with the server.
    patient: Option<Runtime>,
}

struct Ways {
    /// The runtime that serves.
    quick: Handle,
    /// Threads of a lower priority, for the connections of heavy networks.
    patient: Handle,
    usage: Usage,
}

impl Lanes {
    /// Starts the threads for heavy networks. All others are served by the runtime that this is called on.
    pub(crate) fn open() -> io::Result<Self> {
        let threads = available_parallelism().map_or(1, usize::from);
        let mut builder = Builder::new_multi_thread();
        builder.worker_threads(threads).thread_name("patient").on_thread_start(lower_priority);
        let patient = builder.build()?;
        let ways = Ways { quick: Handle::current(), patient: patient.handle().clone(), usage: Usage::new(threads) };
        Ok(Self { ways: Arc::new(ways), patient: Some(patient) })
    }

    /// What the network of this address has taken.
    pub(crate) fn used_by(&self, address: IpAddr) -> Arc<Used> {
        self.ways.usage.of(address)
    }

    /// What trusted proxies have taken.
    pub(crate) fn used_by_proxies(&self) -> Arc<Used> {
        self.ways.usage.of_proxies()
    }

    /// Carries a connection from this network, which has taken time since this moment.
    pub(crate) fn carry(
        &self,
        (used, since): (&Arc<Used>, Instant),
        connection: impl Future<Output = ()> + Send + 'static,
    ) {
        let owner = Owner { ways: Arc::clone(&self.ways), used: Arc::clone(used) };
        Carried::new(Arc::new(owner), Box::pin(connection)).go();
        self.ways.usage.charge(used, (since, Instant::now()));
    }
}

/// Carries what a connection leaves behind, if one is carried here; anything else is served like all.
pub(crate) fn leave_behind(work: impl Future<Output = ()> + Send + 'static) {
    match CARRIED_FOR.with_borrow(Clone::clone) {
        Some(owner) => Carried::new(owner, Box::pin(work)).go(),
        None => drop(tokio::spawn(work)),
    }
}

thread_local! {
    /// For whom this thread carries something at the moment.
    static CARRIED_FOR: RefCell<Option<Arc<Owner>>> = const { RefCell::new(None) };
}

/// Whose network takes the time for something that is carried, and where it can be.
struct Owner {
    ways: Arc<Ways>,
    used: Arc<Used>,
}

impl Drop for Lanes {
    fn drop(&mut self) {
        if let Some(patient) = self.patient.take() {
            patient.shutdown_background();
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lane {
    Quick,
    Patient,
}

impl Lane {
    /// That of this network at the moment.
    fn of(used: &Used) -> Self {
        if used.is_heavy() { Self::Patient } else { Self::Quick }
    }
}

/// A connection, or what it left behind, on one of the lanes.
struct Carried {
    owner: Arc<Owner>,
    lane: Lane,
    work: Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl Carried {
    fn new(owner: Arc<Owner>, work: Pin<Box<dyn Future<Output = ()> + Send>>) -> Self {
        Self { lane: Lane::of(&owner.used), owner, work }
    }

    /// Begins, or goes on, on its lane.
    fn go(self) {
        let owner = Arc::clone(&self.owner);
        match self.lane {
            Lane::Quick => owner.ways.quick.spawn(OnLane(Some(self))),
            Lane::Patient => owner.ways.patient.spawn(OnLane(Some(self))),
        };
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Owner { ways, used } = &*self.owner;
        let begun = Instant::now();
        CARRIED_FOR.set(Some(Arc::clone(&self.owner)));
        let outcome = match self.lane {
            Lane::Quick => self.work.as_mut().poll(cx),
            Lane::Patient => {
                // What it starts, such as timers and connections to a database, belongs to the server.
                let _serving = ways.quick.enter();
                self.work.as_mut().poll(cx)
            }
        };
        CARRIED_FOR.set(None);
        ways.usage.charge(used, (begun, Instant::now()));
        if self.lane == Lane::Patient {
            give_way();
        }
        outcome
    }
}

/// Something that is carried until it ends or changes its lane.
struct OnLane(Option<Carried>);

impl Future for OnLane {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let now = self.0.as_ref().map(|carried| Lane::of(&carried.owner.used));
        if let Some(lane) = now
            && let Some(carried) = self.0.take_if(|carried| carried.lane != lane)
        {
            Carried { lane, ..carried }.go();
        }
        self.0.as_mut().map_or(Poll::Ready(()), |carried| carried.poll(cx))
    }
}

impl fmt::Debug for Lanes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lanes").field("usage", &self.ways.usage).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use tokio::runtime::Id;
    use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

    use super::*;

    /// The runtime that polls, and the one that what is started there belongs to.
    type At = (Lane, Id);

    fn at() -> At {
        let lane = if thread::current().name() == Some("patient") { Lane::Patient } else { Lane::Quick };
        (lane, Handle::current().id())
    }

    /// A connection that tells where it is each time that it is asked.
    async fn tell(mut asked: UnboundedReceiver<()>, told: UnboundedSender<At>) {
        while asked.recv().await.is_some() {
            told.send(at()).expect("somebody listens");
            // What comes next is another poll.
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn a_connection_follows_its_network() {
        let lanes = Lanes::open().expect("threads");
        // Not one that is judged.
        let used = Arc::<Used>::default();
        let (ask, asked) = unbounded_channel();
        let (told, mut telling) = unbounded_channel();
        lanes.carry((&used, Instant::now()), tell(asked, told));
        let own = Handle::current().id();
        for (heavy, expected) in
            [(false, Lane::Quick), (true, Lane::Patient), (true, Lane::Patient), (false, Lane::Quick)]
        {
            used.set_heavy(heavy);
            // The poll that answers may have begun before.
            ask.send(()).expect("the connection is open");
            assert!(telling.recv().await.is_some());
            ask.send(()).expect("the connection is open");
            assert_eq!(telling.recv().await, Some((expected, own)));
        }
        drop(ask);
        assert_eq!(telling.recv().await, None, "the connection has ended");
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn a_new_connection_of_a_heavy_network_begins_behind_others() {
        let lanes = Lanes::open().expect("threads");
        // Not one that is judged.
        let used = Arc::<Used>::default();
        used.set_heavy(true);
        let (told, mut telling) = unbounded_channel();
        lanes.carry((&used, Instant::now()), async move { told.send(at()).expect("somebody listens") });
        assert_eq!(telling.recv().await, Some((Lane::Patient, Handle::current().id())));
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn what_a_connection_leaves_behind_follows_its_network_too() {
        let lanes = Lanes::open().expect("threads");
        let (told, mut telling) = unbounded_channel();
        for heavy in [true, false] {
            let (used, told) = (Arc::<Used>::default(), told.clone());
            used.set_heavy(heavy);
            let left = async move { told.send(at()).expect("somebody listens") };
            lanes.carry((&used, Instant::now()), async move { leave_behind(left) });
            let expected = if heavy { Lane::Patient } else { Lane::Quick };
            assert_eq!(telling.recv().await, Some((expected, Handle::current().id())));
        }
        leave_behind(async move { told.send(at()).expect("somebody listens") });
        assert_eq!(telling.recv().await, Some((Lane::Quick, Handle::current().id())));
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn what_connections_of_heavy_networks_do_ends_with_the_server() {
        let lanes = Lanes::open().expect("threads");
        // Not one that is judged.
        let used = Arc::<Used>::default();
        used.set_heavy(true);
        let (_ask, asked) = unbounded_channel();
        let (told, mut telling) = unbounded_channel();
        lanes.carry((&used, Instant::now()), tell(asked, told));
        drop(lanes);
        assert_eq!(telling.recv().await, None);
    }
}
