//! The places of calls that run at the same time. Who waits for one takes turns with the others.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use backstay_base::{Bounds, FairQueue, Flow, QueueFull, Queued, limits};
use parking_lot::Mutex;
use tokio::sync::oneshot;
use tokio::time::timeout_at;

use crate::failure::Failure;

/// The places of calls that don't wait for each other. No flow holds more than half of them, and no source more than three quarters.
pub(crate) struct Places(Mutex<Line>);

struct Line {
    waiting: FairQueue<Ticket>,
    free: usize,
}

/// A call that waits for a place.
struct Ticket {
    flow: Flow,
    call: oneshot::Sender<Place>,
}

impl Queued for Ticket {
    fn is_wanted(&self) -> bool {
        !self.call.is_closed()
    }
}

/// The place of a call, until it is dropped.
pub(crate) struct Place {
    places: Arc<Places>,
    flow: Flow,
    since: Instant,
}

impl fmt::Debug for Places {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Places").field("free", &self.0.lock().free).finish_non_exhaustive()
    }
}

impl Places {
    /// So many places.
    pub(crate) fn new(places: usize) -> Arc<Self> {
        let bounds = Bounds {
            waiting: limits::FUNCTION_QUEUE,
            waiting_of_source: limits::SOURCE_FUNCTION_QUEUE,
            waiting_of_flow: limits::FLOW_FUNCTION_QUEUE,
            running_of_source: places * 3 / 4,
            running_of_flow: places / 2,
        };
        Arc::new(Self(Mutex::new(Line { waiting: FairQueue::new(bounds), free: places })))
    }

    /// Waits until it is the turn of this flow.
    pub(crate) async fn enter(self: &Arc<Self>, flow: Flow, deadline: Instant) -> Result<Place, Failure> {
        let (call, turn) = oneshot::channel();
        let pushed = self.0.lock().waiting.push(flow, Ticket { flow, call });
        pushed.map_err(|full| match full {
            QueueFull::Busy => Failure::Busy,
            QueueFull::Share => Failure::Share,
        })?;
        self.admit();
        match timeout_at(deadline.into(), turn).await {
            Ok(Ok(place)) => Ok(place),
            Ok(Err(_)) | Err(_) => Err(Failure::Busy),
        }
    }

    /// Gives the free places to those whose turn it is.
    fn admit(self: &Arc<Self>) {
        loop {
            let mut line = self.0.lock();
            if line.free == 0 {
                return;
            }
            let Some(Ticket { flow, call }) = line.waiting.pop() else { return };
            line.free -= 1;
            drop(line);
            // If the call is gone, its place is free again when it is dropped here.
            drop(call.send(Place { places: Arc::clone(self), flow, since: Instant::now() }));
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut line = self.places.0.lock();
        line.waiting.ended(self.flow, self.since.elapsed());
        line.free += 1;
        drop(line);
        self.places.admit();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use backstay_base::{Network, RecordId, Source};

    use super::*;

    fn flow(network: u8, caller: u8) -> Flow {
        let source = Source::Network(Network::V4([192, 0, 2, network]));
        Flow { source, caller: Some(RecordId::from_bytes([caller; 16])) }
    }

    fn ample() -> Instant {
        Instant::now() + Duration::from_mins(10)
    }

    /// How many places this flow is given while the others are held.
    async fn taken(places: &Arc<Places>, flow: Flow) -> Vec<Place> {
        let mut held = Vec::new();
        loop {
            let mut next = std::pin::pin!(places.enter(flow, ample()));
            match futures_util::poll!(&mut next) {
                std::task::Poll::Ready(place) => held.push(place.expect("a place")),
                std::task::Poll::Pending => return held,
            }
        }
    }

    #[tokio::test]
    async fn no_caller_and_no_network_takes_all_places() {
        let places = Places::new(limits::FUNCTION_CALLS);
        let first = taken(&places, flow(1, 1)).await;
        assert_eq!(first.len(), limits::FUNCTION_CALLS / 2);
        let same_network = taken(&places, flow(1, 2)).await;
        assert_eq!(first.len() + same_network.len(), limits::FUNCTION_CALLS * 3 / 4);
        let others = taken(&places, flow(2, 1)).await;
        assert_eq!(first.len() + same_network.len() + others.len(), limits::FUNCTION_CALLS);
    }

    #[tokio::test]
    async fn a_place_goes_to_whoever_has_had_the_least_time() {
        let places = Places::new(limits::FUNCTION_CALLS);
        let mut held = taken(&places, flow(1, 1)).await;
        held.extend(taken(&places, flow(2, 1)).await);
        assert_eq!(held.len(), limits::FUNCTION_CALLS);
        let mut again = std::pin::pin!(places.enter(flow(1, 1), ample()));
        let mut another = std::pin::pin!(places.enter(flow(3, 1), ample()));
        assert!(futures_util::poll!(&mut again).is_pending() && futures_util::poll!(&mut another).is_pending());
        drop(held.remove(0));
        let taken = futures_util::poll!(&mut another);
        assert!(taken.is_ready(), "{:?}", taken.map(|place| place.is_ok()));
        assert!(futures_util::poll!(&mut again).is_pending());
    }

    #[tokio::test]
    async fn a_call_that_is_gone_keeps_no_place() {
        let places = Places::new(limits::FUNCTION_CALLS);
        let mut held = taken(&places, flow(1, 1)).await;
        held.extend(taken(&places, flow(2, 1)).await);
        {
            let mut gone = std::pin::pin!(places.enter(flow(3, 1), ample()));
            assert!(futures_util::poll!(&mut gone).is_pending());
        }
        held.clear();
        assert_eq!(places.0.lock().free, limits::FUNCTION_CALLS);
    }

    #[tokio::test]
    async fn those_that_wait_are_bounded() {
        let places = Places::new(limits::FUNCTION_CALLS);
        let mut waiting: Vec<_> = (0..limits::FUNCTION_CALLS / 2 + limits::FLOW_FUNCTION_QUEUE)
            .map(|_| Box::pin(places.enter(flow(1, 1), ample())))
            .collect();
        let mut held = Vec::new();
        for call in &mut waiting {
            if let std::task::Poll::Ready(place) = futures_util::poll!(call) {
                held.push(place.expect("a place"));
            }
        }
        assert_eq!(held.len(), limits::FUNCTION_CALLS / 2);
        assert!(matches!(places.enter(flow(1, 1), ample()).await, Err(Failure::Share)));
        assert!(places.enter(flow(2, 1), ample()).await.is_ok());
    }
}
