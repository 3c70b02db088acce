//! Which connections are open, how many of them each network may have, and which gives way to a new one.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use backstay_base::{Limit, Network, Shared, limits};
use parking_lot::Mutex;

use crate::connection::{Activity, Answering, millis_since};
use crate::{HttpSettings, Proxies, Refusal};

/// How long to refuse connections without another search after a search found none that could give way.
const NO_SEARCH: Duration = Duration::from_millis(100);
/// At the limit of all connections, one in so many gives way at once, so that not every new one needs a search.
const MADE_ROOM_FOR: usize = 256;

/// The open connections.
#[derive(Debug)]
pub(crate) struct Connections {
    proxies: Proxies,
    most: usize,
    most_of_network: usize,
    /// What `Activity` counts its time from.
    epoch: Instant,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    count: usize,
    next: u64,
    networks: HashMap<Network, OfNetwork>,
    /// When the last search of all for one that could give way found none.
    searched_in_vain: Option<Instant>,
}

#[derive(Debug, Default)]
struct OfNetwork {
    connections: HashMap<u64, Arc<Activity>>,
    /// When the last search of these for one that could give way found none.
    searched_in_vain: Option<Instant>,
}

/// The place of one connection among the open ones, until this is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    connections: Arc<Connections>,
    network: Network,
    id: u64,
    activity: Arc<Activity>,
    crowded: bool,
}

impl Connections {
    pub(crate) fn new(settings: &HttpSettings) -> Arc<Self> {
        let most = settings.connections.max(1);
        let most_of_network = most.saturating_mul(usize::from(settings.network_percent)) / 100;
        Arc::new(Self {
            proxies: settings.proxies.clone(),
            most,
            most_of_network: most_of_network.clamp(1, most),
            epoch: Instant::now(),
            open: Mutex::default(),
        })
    }

    /// The place of a new connection from this address. At a limit, connections that wait for a request give way: of the
    /// same network, else of the network that has the most of them. A trusted proxy may use all connections.
    pub(crate) fn open(self: &Arc<Self>, peer: IpAddr) -> Result<Place, Refusal> {
        let network = Network::of(peer);
        let most_of_network = if self.proxies.trust(peer) { self.most } else { self.most_of_network };
        let mut open = self.open.lock();
        let now = millis_since(self.epoch);
        if open.of(network) >= most_of_network && open.dismiss(network, 1, now) == 0 {
            let is_share = most_of_network < self.most;
            return Err(if is_share { Limit::Share(Shared::Connections) } else { Limit::Busy }.into());
        }
        if open.count >= self.most && !open.make_room(network, self.most, now) {
            return Err(Limit::Busy.into());
        }
        let activity = Arc::new(Activity::new(self.epoch));
        let id = open.add(network, Arc::clone(&activity));
        let crowded = open.count > self.most / 2;
        drop(open);
        Ok(Place { connections: Arc::clone(self), network, id, activity, crowded })
    }
}

impl Open {
    fn of(&self, network: Network) -> usize {
        self.networks.get(&network).map_or(0, |own| own.connections.len())
    }

    fn add(&mut self, network: Network, activity: Arc<Activity>) -> u64 {
        let id = self.next;
        self.next += 1;
        self.count += 1;
        self.networks.entry(network).or_default().connections.insert(id, activity);
        id
    }

    /// Takes a connection out, if it has not been taken out before.
    fn remove(&mut self, network: Network, id: u64) -> Option<Arc<Activity>> {
        let own = self.networks.get_mut(&network)?;
        let removed = own.connections.remove(&id)?;
        if own.connections.is_empty() {
            self.networks.remove(&network);
        }
        self.count -= 1;
        Some(removed)
    }

    fn make_room(&mut self, network: Network, most: usize, now: u64) -> bool {
        if was_just_searched(self.searched_in_vain) {
            return false;
        }
        if self.dismiss(network, 1, now) > 0 {
            return true;
        }
        let waiting =
            self.networks.iter().filter(|(_, own)| own.connections.values().any(|one| waits_since(one, now).is_some()));
        let biggest = waiting.max_by_key(|(_, own)| own.connections.len()).map(|(network, _)| *network);
        let Some(biggest) = biggest else {
            self.searched_in_vain = Some(Instant::now());
            return false;
        };
        self.dismiss(biggest, (most / MADE_ROOM_FOR).max(1), now) > 0
    }

    /// Ends the connections of a network that have waited longest for a request; at most this many. Returns how many.
    fn dismiss(&mut self, network: Network, most: usize, now: u64) -> usize {
        let Some(own) = self.networks.get_mut(&network) else { return 0 };
        if was_just_searched(own.searched_in_vain) {
            return 0;
        }
        let since = |(id, activity): (&u64, &Arc<Activity>)| Some((waits_since(activity, now)?, *id));
        let mut waiting: Vec<(u64, u64)> = own.connections.iter().filter_map(since).collect();
        if waiting.is_empty() {
            own.searched_in_vain = Some(Instant::now());
        }
        if waiting.len() > most {
            waiting.select_nth_unstable(most - 1);
            waiting.truncate(most);
        }
        for (_, id) in &waiting {
            if let Some(activity) = self.remove(network, *id) {
                activity.close_when_idle();
            }
        }
        waiting.len()
    }
}

/// Whether a search has found none so lately that another isn't worth its time.
fn was_just_searched(in_vain: Option<Instant>) -> bool {
    in_vain.is_some_and(|moment| moment.elapsed() < NO_SEARCH)
}

/// Since when a connection has waited for a request, if it has waited long enough to give way.
fn waits_since(activity: &Activity, now: u64) -> Option<u64> {
    activity.waits_since().filter(|since| since.saturating_add(limits::GIVE_WAY_MILLIS) <= now)
}

impl Place {
    /// What the connection is doing.
    pub(crate) fn activity(&self) -> &Activity {
        &self.activity
    }

    /// Ends the answering of a request when this is dropped.
    pub(crate) fn answering(&self) -> Answering {
        Answering(Arc::clone(&self.activity))
    }

    /// Whether more than half of the connections were open when this one came.
    pub(crate) fn is_crowded(&self) -> bool {
        self.crowded
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.connections.open.lock().remove(self.network, self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connections(most: usize) -> Arc<Connections> {
        let proxies = Proxies { subnets: vec!["10.0.0.0/8".parse().expect("a subnet")], ..Proxies::default() };
        Connections::new(&HttpSettings { connections: most, network_percent: 50, proxies, ..HttpSettings::default() })
    }

    fn open(connections: &Arc<Connections>, from: &str) -> Result<Place, &'static str> {
        connections.open(from.parse().expect("an address")).map_err(|refusal| refusal.code())
    }

    /// A connection that is answering a request.
    fn busy(connections: &Arc<Connections>, from: &str) -> Place {
        let place = open(connections, from).expect("there is room");
        place.activity().begin();
        place
    }

    #[test]
    fn busy_connections_stay() {
        let connections = connections(4);
        let mut places = vec![busy(&connections, "192.0.2.1"), busy(&connections, "192.0.2.1")];
        assert_eq!(open(&connections, "192.0.2.1").err(), Some("too-many-requests"));
        places.push(busy(&connections, "192.0.2.2"));
        places.push(busy(&connections, "192.0.2.3"));
        assert_eq!(open(&connections, "192.0.2.4").err(), Some("busy"));
        places.clear();
        assert_eq!(connections.open.lock().count, 0);
        assert!(connections.open.lock().networks.is_empty());
        // After a search in vain, none is made for a while; a place that became free needs none.
        assert!(open(&connections, "192.0.2.4").is_ok());
    }

    #[test]
    fn those_that_have_just_begun_to_wait_stay() {
        let connections = connections(2);
        let waiting = open(&connections, "192.0.2.1").expect("there is room");
        waiting.activity().wait_since(u64::MAX);
        assert_eq!(open(&connections, "192.0.2.1").err(), Some("too-many-requests"));
        drop(waiting);
    }

    #[test]
    fn a_trusted_proxy_may_use_all_connections() {
        let connections = connections(4);
        let places = [(); 4].map(|()| busy(&connections, "10.0.0.1"));
        assert_eq!(open(&connections, "10.0.0.1").err(), Some("busy"));
        drop(places);
    }

    #[tokio::test]
    async fn those_that_wait_longest_give_way_first_of_the_same_network_then_of_the_biggest() {
        let mut connections = Arc::into_inner(connections(8)).expect("nobody else has it");
        connections.epoch -= Duration::from_mins(1);
        let connections = Arc::new(connections);
        let mut places: Vec<Place> = Vec::new();
        for (from, since) in [("192.0.2.1", 9), ("192.0.2.1", 5), ("192.0.2.1", 7), ("192.0.2.2", 1), ("192.0.2.3", 2)]
        {
            places.push(open(&connections, from).expect("there is room"));
            places[places.len() - 1].activity().wait_since(since);
        }
        // Another four, of which one has just become idle.
        places.extend([(); 3].map(|()| busy(&connections, "192.0.2.4")));
        let is_open =
            |place: &Place| connections.open.lock().networks[&place.network].connections.contains_key(&place.id);
        let own = open(&connections, "192.0.2.2").expect("its older one gives way");
        own.activity().begin();
        let stranger = open(&connections, "192.0.2.9").expect("one of the biggest network gives way");
        stranger.activity().begin();
        let gone: Vec<usize> = (0..places.len()).filter(|at| !is_open(&places[*at])).collect();
        assert_eq!(gone, [1, 3]);
        assert_eq!(connections.open.lock().count, 8);
        places[1].activity().has_to_close().await;
        places[3].activity().has_to_close().await;
        drop((own, stranger, places));
        assert_eq!(connections.open.lock().count, 0);
    }
}
