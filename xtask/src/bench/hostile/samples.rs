use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, Instant};

/// The pieces of a second in which the time after an attack is judged.
pub(crate) const WINDOWS_PER_SECOND: u32 = 2;
const WINDOW: Duration = Duration::from_millis(1000 / WINDOWS_PER_SECOND as u64);

/// The latency of a request without an answer: longer than every other.
pub(crate) const NO_ANSWER: Duration = Duration::MAX;

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Outcome {
    /// With an answer of this status.
    Status(u16),
    /// Without an answer: there was no connection, or the server closed it, or it took too long.
    Lost,
    /// Not at all: when the attack was over, the connection was open.
    Open,
}

/// A request of others. Its latency counts from the moment at which it was due, so that requests that could not be
/// sent because the one before had no answer count in full.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sample {
    pub(crate) due: Instant,
    pub(crate) latency: Duration,
    pub(crate) outcome: Outcome,
}

/// How many requests ended in which way.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Tally(BTreeMap<Outcome, usize>);

impl Tally {
    /// Counts a request.
    pub(crate) fn add(&mut self, outcome: Outcome) {
        *self.0.entry(outcome).or_insert(0) += 1;
    }

    /// These and others together.
    pub(crate) fn plus(mut self, others: &Self) -> Self {
        for (outcome, count) in &others.0 {
            *self.0.entry(*outcome).or_insert(0) += count;
        }
        self
    }

    /// Those that were refused or got no answer.
    pub(crate) fn refused(&self) -> Self {
        let refused = |outcome: &Outcome| !matches!(outcome, Outcome::Status(200..300));
        Self(self.0.iter().filter(|(outcome, _)| refused(outcome)).map(|(outcome, count)| (*outcome, *count)).collect())
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, (outcome, count)) in self.0.iter().enumerate() {
            let comma = if place == 0 { "" } else { ", " };
            match outcome {
                Outcome::Status(status) => write!(out, "{comma}{count} × {status}")?,
                Outcome::Lost => write!(out, "{comma}{count} × no answer")?,
                Outcome::Open => write!(out, "{comma}{count} × still open")?,
            }
        }
        Ok(())
    }
}

/// What requests of one kind took in one phase.
#[derive(Debug, Clone)]
pub(crate) struct Latencies {
    sorted: Vec<Duration>,
    pub(crate) tally: Tally,
}

impl Latencies {
    /// Of the requests that were due from one moment until another.
    pub(crate) fn between(samples: &[Sample], from: Instant, to: Instant) -> Self {
        let mut tally = Tally::default();
        let mut sorted = Vec::new();
        for sample in samples.iter().filter(|sample| (from..to).contains(&sample.due)) {
            tally.add(sample.outcome);
            sorted.push(if sample.outcome == Outcome::Lost { NO_ANSWER } else { sample.latency });
        }
        sorted.sort_unstable();
        Self { sorted, tally }
    }

    /// The latency that this many of 100 requests do not exceed (nearest rank). None if there was no request.
    pub(crate) fn percentile(&self, percent: usize) -> Option<Duration> {
        let rank = (self.sorted.len() * percent).div_ceil(100);
        self.sorted.get(rank.saturating_sub(1)).copied()
    }

    pub(crate) fn len(&self) -> usize {
        self.sorted.len()
    }
}

/// How long after this moment the first window of time ends in which the 99th percentile is under a limit and nothing was
/// refused. None if there is none yet. A window with fewer requests than `expected` is not over.
pub(crate) fn recovered(samples: &[Sample], after: Instant, limit: Duration, expected: usize) -> Option<Duration> {
    let mut from = after;
    loop {
        let window = Latencies::between(samples, from, from + WINDOW);
        if window.len() < expected {
            return None;
        }
        let quick = window.percentile(99).is_some_and(|latency| latency < limit);
        if quick && window.tally.refused() == Tally::default() {
            return Some(from + WINDOW - after);
        }
        from += WINDOW;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    fn sample(start: Instant, due: u64, latency: u64, outcome: Outcome) -> Sample {
        Sample { due: start + ms(due), latency: ms(latency), outcome }
    }

    #[test]
    fn a_percentile_is_the_nearest_rank() {
        let start = Instant::now();
        let of = |latencies: &[u64]| {
            let samples: Vec<Sample> =
                latencies.iter().map(|latency| sample(start, 0, *latency, Outcome::Status(200))).collect();
            Latencies::between(&samples, start, start + ms(1))
        };
        let check = |latencies: &[u64], percent, expected: Option<u64>| {
            assert_eq!(of(latencies).percentile(percent), expected.map(ms), "{percent} % of {latencies:?}");
        };
        check(&[], 50, None);
        check(&[7], 50, Some(7));
        check(&[7], 99, Some(7));
        check(&[3, 1, 2], 50, Some(2));
        check(&[4, 3, 2, 1], 50, Some(2));
        check(&[4, 3, 2, 1], 99, Some(4));
        check(&[4, 3, 2, 1], 100, Some(4));
        let hundred: Vec<u64> = (1..=100).collect();
        check(&hundred, 99, Some(99));
        check(&hundred, 100, Some(100));
    }

    #[test]
    fn a_phase_holds_the_requests_that_were_due_in_it() {
        let start = Instant::now();
        let samples = [
            sample(start, 9, 1, Outcome::Lost),
            sample(start, 10, 2, Outcome::Status(200)),
            sample(start, 19, 3, Outcome::Status(503)),
            sample(start, 20, 4, Outcome::Lost),
        ];
        let phase = Latencies::between(&samples, start + ms(10), start + ms(20));
        assert_eq!((phase.len(), phase.percentile(100)), (2, Some(ms(3))));
        assert_eq!(phase.tally.to_string(), "1 × 200, 1 × 503");
        assert_eq!(phase.tally.refused().to_string(), "1 × 503");
    }

    #[test]
    fn a_request_without_an_answer_took_longer_than_every_other() {
        let start = Instant::now();
        let samples = [sample(start, 0, 1, Outcome::Lost), sample(start, 0, 2, Outcome::Status(200))];
        let phase = Latencies::between(&samples, start, start + ms(1));
        assert_eq!((phase.percentile(50), phase.percentile(99)), (Some(ms(2)), Some(NO_ANSWER)));
    }

    #[test]
    fn a_server_has_recovered_with_the_first_quick_window() {
        let start = Instant::now();
        let check = |samples: &[(u64, u64, Outcome)], expected: Option<u64>| {
            let taken: Vec<Sample> =
                samples.iter().map(|(due, latency, outcome)| sample(start, *due, *latency, *outcome)).collect();
            assert_eq!(recovered(&taken, start, ms(10), 2), expected.map(ms), "{samples:?}");
        };
        let ok = Outcome::Status(200);
        check(&[], None);
        check(&[(0, 1, ok)], None);
        check(&[(0, 1, ok), (499, 9, ok)], Some(500));
        check(&[(0, 1, ok), (499, 10, ok)], None);
        check(&[(0, 1, ok), (499, 99, ok), (500, 1, ok), (501, 1, ok)], Some(1000));
        check(
            &[
                (0, 1, Outcome::Status(503)),
                (1, 1, ok),
                (500, 1, Outcome::Lost),
                (501, 1, ok),
                (1000, 1, ok),
                (1001, 1, ok),
            ],
            Some(1500),
        );
    }
}
