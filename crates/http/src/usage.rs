//! How much of the processors' time each network takes at the door, and which networks are heavy.

use std::collections::HashMap;
use std::net::IpAddr;
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use backstay_base::{Network, limits};
use parking_lot::Mutex;

/// The time after which networks are judged again.
const WINDOW: u64 = 10_000_000;
/// What a network took counts for this part of it after each window: half of it after five.
const KEPT: (u64, u64) = (7, 8);
/// Windows in which a network that takes the same in each of them adds up what it counts for.
const WINDOWS: u64 = 8;

/// The time that all networks take, in nanoseconds.
#[derive(Debug)]
pub(crate) struct Usage {
    epoch: Instant,
    /// When the networks are judged next.
    window_ends: AtomicU64,
    /// What a network counts for from which on it may be heavy.
    heavy_from: u64,
    /// Whether several networks wanted something when they were judged last, and what the one counted for that took the most.
    are_several: AtomicBool,
    most: AtomicU64,
    networks: Mutex<HashMap<Network, Arc<Used>>>,
    /// What trusted proxies take, all together. It is their clients', whose networks aren't known here, so that it makes
    /// others heavy and is never heavy itself.
    proxies: Arc<Used>,
}

/// The time that one network takes.
#[derive(Debug, Default)]
pub(crate) struct Used {
    in_window: AtomicU64,
    lately: AtomicU64,
    heavy: AtomicBool,
}

impl Used {
    /// Whether the network takes much while others want something too.
    pub(crate) fn is_heavy(&self) -> bool {
        self.heavy.load(Ordering::Relaxed)
    }

    /// So many windows have ended. What the network counts for now.
    fn age(&self, windows: u64) -> u64 {
        let before = (0..windows)
            .try_fold(self.lately.load(Ordering::Relaxed), |left, _| (left > 0).then_some(left * KEPT.0 / KEPT.1));
        let lately = before.unwrap_or(0) + self.in_window.swap(0, Ordering::Relaxed);
        self.lately.store(lately, Ordering::Relaxed);
        lately
    }

    #[cfg(test)]
    pub(crate) fn set_heavy(&self, heavy: bool) {
        self.heavy.store(heavy, Ordering::Relaxed);
    }
}

impl Usage {
    /// Nothing, on a machine with this many processors.
    pub(crate) fn new(processors: usize) -> Self {
        let processors = u64::try_from(processors).unwrap_or(1);
        Self {
            epoch: Instant::now(),
            window_ends: AtomicU64::new(WINDOW),
            heavy_from: processors * WINDOW * WINDOWS * limits::HEAVY_PERCENT / 100,
            are_several: AtomicBool::new(false),
            most: AtomicU64::new(0),
            networks: Mutex::default(),
            proxies: Arc::default(),
        }
    }

    /// What trusted proxies take.
    pub(crate) fn of_proxies(&self) -> Arc<Used> {
        Arc::clone(&self.proxies)
    }

    /// What the network of this address takes.
    pub(crate) fn of(&self, address: IpAddr) -> Arc<Used> {
        Arc::clone(self.networks.lock().entry(Network::of(address)).or_default())
    }

    /// A network took the time from one moment to another.
    pub(crate) fn charge(&self, used: &Used, (begun, ended): (Instant, Instant)) {
        let time = nanos(ended.saturating_duration_since(begun));
        let in_window = used.in_window.fetch_add(time, Ordering::Relaxed) + time;
        let now = nanos(ended.saturating_duration_since(self.epoch));
        if now >= self.window_ends.load(Ordering::Relaxed) {
            self.judge(now);
        } else if in_window >= self.heavy_from / WINDOWS {
            self.judge_early(used, in_window);
        }
    }

    /// A network has taken as much in a part of a window as one that is heavy takes in each: much at once, such as many bodies
    /// of which parts arrive together, is heavy without having lasted.
    fn judge_early(&self, used: &Used, in_window: u64) {
        let counts_for = used.lately.load(Ordering::Relaxed) + in_window;
        let is_proxies = ptr::eq(used, &raw const *self.proxies);
        if self.are_several.load(Ordering::Relaxed)
            && !is_proxies
            && counts_for >= self.most.load(Ordering::Relaxed) / 2
        {
            used.heavy.store(true, Ordering::Relaxed);
        }
    }

    /// Finds out which networks are heavy: those that take much, and not much less than the one that takes the most. If
    /// nobody else wants anything, none is.
    fn judge(&self, now: u64) {
        // Whoever holds the lock judges, or has found what it looked for in a moment.
        let Some(mut networks) = self.networks.try_lock() else { return };
        let ended = self.window_ends.load(Ordering::Relaxed);
        if now < ended {
            return;
        }
        let windows = 1 + (now - ended) / WINDOW;
        self.window_ends.store(ended + windows * WINDOW, Ordering::Relaxed);
        let mut active = usize::from(self.proxies.age(windows) > 0);
        let mut most = 0;
        for used in networks.values() {
            let lately = used.age(windows);
            active += usize::from(lately > 0);
            most = most.max(lately);
        }
        self.are_several.store(active > 1, Ordering::Relaxed);
        self.most.store(most, Ordering::Relaxed);
        for used in networks.values() {
            let lately = used.lately.load(Ordering::Relaxed);
            let from = if used.is_heavy() { self.heavy_from / 2 } else { self.heavy_from };
            let heavy = active > 1 && lately >= from && lately >= most / 2;
            used.heavy.store(heavy, Ordering::Relaxed);
        }
        networks.retain(|_, used| used.lately.load(Ordering::Relaxed) > 0 || Arc::strong_count(used) > 1);
    }
}

fn nanos(time: Duration) -> u64 {
    // 584 years are enough.
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: u8 = 1;
    const B: u8 = 2;
    const C: u8 = 3;

    /// Which of the networks are heavy on two processors after so many windows, in each of which they took so many
    /// milliseconds.
    fn heavy(windows: &[(u32, &[(u8, u64)])]) -> Vec<u8> {
        let usage = Usage::new(2);
        let used = [A, B, C].map(|network| (network, usage.of([192, 0, 2, network].into())));
        let mut now = usage.epoch;
        for (count, taken) in windows {
            for _ in 0..*count {
                now += Duration::from_nanos(WINDOW);
                for (network, millis) in *taken {
                    let used = &used[usize::from(*network) - 1].1;
                    used.in_window.fetch_add(millis * 1_000_000, Ordering::Relaxed);
                }
                usage.charge(&used[0].1, (now, now));
            }
        }
        used.iter().filter(|(_, used)| used.is_heavy()).map(|(network, _)| *network).collect()
    }

    #[test]
    fn a_network_is_heavy_if_it_takes_much_beside_others() {
        let check = |windows: &[(u32, &[(u8, u64)])], expected: &[u8]| {
            assert_eq!(heavy(windows), expected, "{windows:?}");
        };
        // 12 % of two processors are 2.4 ms of each 10.
        check(&[(30, &[(A, 2), (B, 1)])], &[]);
        check(&[(30, &[(A, 3), (B, 1)])], &[A]);
        // Nobody waits for it.
        check(&[(30, &[(A, 20)])], &[]);
        // At once, if it takes all there is.
        check(&[(1, &[(B, 1)]), (1, &[(A, 20)])], &[A]);
        // Those that take about as much are treated alike.
        check(&[(30, &[(A, 8), (B, 7), (C, 2)])], &[A, B]);
        check(&[(30, &[(A, 13), (B, 5), (C, 1)])], &[A]);
        // It takes less again.
        check(&[(30, &[(A, 20), (B, 1)]), (10, &[(A, 2), (B, 1)])], &[A]);
        check(&[(30, &[(A, 20), (B, 1)]), (60, &[(A, 1), (B, 1)])], &[]);
        // Others are gone.
        check(&[(30, &[(A, 20), (B, 1)]), (200, &[(A, 20)])], &[]);
    }

    #[test]
    fn a_network_that_takes_much_at_once_is_heavy_before_the_window_ends() {
        let usage = Usage::new(2);
        let [many, few] = [A, B].map(|network| usage.of([192, 0, 2, network].into()));
        let proxies = usage.of_proxies();
        let millis = |millis: u64| Duration::from_millis(millis);
        let take = |used: &Arc<Used>, (from, to): (u64, u64)| {
            usage.charge(used, (usage.epoch + millis(from), usage.epoch + millis(to)));
            used.is_heavy()
        };
        // 2.4 ms of a window, but nobody else was there so far.
        assert!(!take(&many, (0, 3)));
        assert!(!take(&few, (9, 11)), "both are judged");
        assert!(!take(&many, (11, 13)));
        assert!(take(&many, (13, 14)));
        assert!(!take(&proxies, (14, 18)), "whose time it was isn't known");
        assert!(!take(&many, (21, 21)), "it hasn't lasted");
        assert!(!take(&few, (21, 22)));
        assert!(take(&many, (22, 25)), "again");
    }

    #[test]
    fn a_network_is_heavy_beside_a_trusted_proxy_which_never_is() {
        let usage = Usage::new(2);
        let (direct, proxies) = (usage.of([192, 0, 2, A].into()), usage.of_proxies());
        let mut now = usage.epoch;
        let mut pass = |direct_millis: u64, proxy_millis: u64| {
            for _ in 0..60 {
                now += Duration::from_nanos(WINDOW);
                direct.in_window.fetch_add(direct_millis * 1_000_000, Ordering::Relaxed);
                proxies.in_window.fetch_add(proxy_millis * 1_000_000, Ordering::Relaxed);
                usage.charge(&direct, (now, now));
            }
            (direct.is_heavy(), proxies.is_heavy())
        };
        assert_eq!(pass(1, 19), (false, false));
        assert_eq!(pass(15, 5), (true, false));
        assert_eq!(pass(1, 19), (false, false));
    }

    #[test]
    fn a_network_that_is_gone_is_forgotten() {
        let usage = Usage::new(2);
        let (gone, own) = (usage.of([192, 0, 2, 1].into()), usage.of([192, 0, 2, 2].into()));
        gone.in_window.store(WINDOW, Ordering::Relaxed);
        drop(gone);
        let after = |windows: u64| usage.epoch + Duration::from_nanos(windows * WINDOW);
        usage.charge(&own, (after(1), after(1)));
        assert_eq!(usage.networks.lock().len(), 2, "it has taken much lately");
        usage.charge(&own, (after(500), after(500)));
        assert_eq!(usage.networks.lock().len(), 1);
    }
}
