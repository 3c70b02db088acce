use std::fmt::Write as _;
use std::time::Duration;

use super::samples::{Latencies, NO_ANSWER, Tally};
use super::watch::Watched;

/// How many times the quiet 99th percentile others may see beside an attack.
const FACTOR: f64 = 5.0;
/// The most resident memory that a server may use beside an attack.
pub(crate) const MEMORY_MIB: f64 = 512.0;

/// What was measured of one attack.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) attack: &'static str,
    pub(crate) reads: Beside,
    pub(crate) creates: Beside,
    pub(crate) counts: Beside,
    /// The answers that the attacker got.
    pub(crate) attacker: Tally,
    pub(crate) watched: Watched,
    /// How much larger the database is than before the attack.
    pub(crate) grown_mib: f64,
    /// From the end of the attack; none if the server had not recovered when the measurement ended.
    pub(crate) recovered: Option<Duration>,
    /// How the server ended, if it did.
    pub(crate) ended: Option<String>,
    /// How answers to the attacker differ that had to be the same, if they do.
    pub(crate) difference: Option<String>,
}

/// The latencies of others: quiet, and beside an attack.
#[derive(Debug)]
pub(crate) struct Beside {
    pub(crate) quiet: Latencies,
    pub(crate) attacked: Latencies,
}

impl Row {
    /// What must not happen in any attack: that the server ends, does not say that it is alive, or tells a secret.
    pub(crate) fn failure(&self) -> Option<String> {
        let Self { attack, watched, ended, difference, .. } = self;
        if let Some(how) = ended {
            return Some(format!("{attack}: the server ended: {how}"));
        }
        if let Some(answers) = difference {
            return Some(format!("{attack}: answers differ that must be the same: {answers}"));
        }
        (watched.missed > 0).then(|| {
            format!("{attack}: {} of {} requests of /healthz were not answered in time", watched.missed, watched.probes)
        })
    }

    fn refused(&self) -> Tally {
        [&self.reads, &self.creates, &self.counts]
            .into_iter()
            .fold(Tally::default(), |sum, beside| sum.plus(&beside.attacked.tally.refused()))
    }
}

impl Beside {
    /// `1.2 → 3.4 ms (2.8 ×)`.
    fn at(&self, percent: usize, bound: Option<f64>) -> String {
        let (Some(quiet), Some(attacked)) = (self.quiet.percentile(percent), self.attacked.percentile(percent)) else {
            return "none".into();
        };
        if attacked == NO_ANSWER {
            return marked(format!("{} ms → no answer", milliseconds(quiet)), bound.is_some());
        }
        let factor = attacked.as_secs_f64() / quiet.as_secs_f64();
        let text = format!("{} → {} ms ({factor:.1} ×)", milliseconds(quiet), milliseconds(attacked));
        marked(text, bound.is_some_and(|bound| factor > bound))
    }
}

/// The rows as Markdown. What exceeds a bound is bold.
pub(crate) fn table(rows: &[Row]) -> String {
    let mut text = String::from(
        "| attack | reads, 50 % | reads, 99 % | creates, 50 % | creates, 99 % | counts, 50 % | refused to others | \
         answers to the attacker | memory | write-ahead log | database | recovered after | `/healthz` |\n\
         |---|--:|--:|--:|--:|--:|---|---|--:|--:|--:|--:|---|\n",
    );
    for row in rows {
        let Row { attack, reads, creates, counts, attacker, watched, grown_mib, recovered, ended, difference: _ } = row;
        let memory = marked(format!("{:.0} MiB", watched.memory_mib), watched.memory_mib > MEMORY_MIB);
        let log = format!("{:.0} MiB, then {:.0}", watched.log_mib, watched.log_after_mib);
        let recovered = match recovered {
            Some(after) => format!("{:.1} s", after.as_secs_f64()),
            None => marked("not in time".into(), true),
        };
        let health = match ended {
            Some(how) => marked(format!("the server ended: {how}"), true),
            None if watched.missed > 0 => marked(format!("{} of {} missed", watched.missed, watched.probes), true),
            None => format!("{} ms at most", milliseconds(watched.slowest)),
        };
        let refused = row.refused();
        let refused = marked(refused.to_string(), refused != Tally::default());
        let _ = writeln!(
            text,
            "| {attack} | {} | {} | {} | {} | {} | {refused} | {attacker} | {memory} | {log} | +{grown_mib:.0} MiB | {recovered} | {health} |",
            reads.at(50, None),
            reads.at(99, Some(FACTOR)),
            creates.at(50, None),
            creates.at(99, Some(FACTOR)),
            counts.at(50, None),
        );
    }
    text
}

fn marked(text: String, mark: bool) -> String {
    if mark { format!("**{text}**") } else { text }
}

fn milliseconds(duration: Duration) -> String {
    let value = duration.as_secs_f64() * 1000.0;
    if value < 100.0 { format!("{value:.1}") } else { format!("{value:.0}") }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::super::samples::{Outcome, Sample};
    use super::*;

    fn latencies(milliseconds: &[u64], outcome: Outcome) -> Latencies {
        let due = Instant::now();
        let sample = |latency: &u64| Sample { due, latency: Duration::from_millis(*latency), outcome };
        let samples: Vec<Sample> = milliseconds.iter().map(sample).collect();
        Latencies::between(&samples, due, due + Duration::from_millis(1))
    }

    fn beside(quiet: u64, attacked: u64) -> Beside {
        Beside {
            quiet: latencies(&[quiet], Outcome::Status(200)),
            attacked: latencies(&[attacked], Outcome::Status(200)),
        }
    }

    fn row() -> Row {
        let mut attacker = Tally::default();
        attacker.add(Outcome::Status(200));
        attacker.add(Outcome::Lost);
        Row {
            attack: "one",
            reads: beside(2, 10),
            creates: beside(4, 5),
            counts: beside(100, 250),
            attacker,
            watched: Watched {
                memory_mib: 100.4,
                log_mib: 8.0,
                log_after_mib: 0.0,
                probes: 50,
                missed: 0,
                slowest: Duration::from_millis(3),
            },
            grown_mib: 1.6,
            recovered: Some(Duration::from_millis(500)),
            ended: None,
            difference: None,
        }
    }

    fn check(row: Row, expected: &str, failure: Option<&str>) {
        assert_eq!(row.failure().as_deref(), failure);
        assert_eq!(table(&[row]).lines().last(), Some(expected));
    }

    #[test]
    fn every_figure_stands_beside_the_quiet_one() {
        check(
            row(),
            "| one | 2.0 → 10.0 ms (5.0 ×) | 2.0 → 10.0 ms (5.0 ×) | 4.0 → 5.0 ms (1.2 ×) | 4.0 → 5.0 ms (1.2 ×) | \
             100 → 250 ms (2.5 ×) |  | 1 × 200, 1 × no answer | 100 MiB | 8 MiB, then 0 | +2 MiB | 0.5 s | 3.0 ms at most |",
            None,
        );
    }

    #[test]
    fn what_exceeds_a_bound_is_bold_and_a_missed_probe_fails_the_run() {
        let mut row = row();
        row.creates = beside(4, 24);
        row.counts.attacked = latencies(&[250], Outcome::Status(503));
        row.watched.memory_mib = 513.0;
        row.watched.missed = 2;
        row.recovered = None;
        check(
            row,
            "| one | 2.0 → 10.0 ms (5.0 ×) | 2.0 → 10.0 ms (5.0 ×) | 4.0 → 24.0 ms (6.0 ×) | **4.0 → 24.0 ms (6.0 ×)** | \
             100 → 250 ms (2.5 ×) | **1 × 503** | 1 × 200, 1 × no answer | **513 MiB** | 8 MiB, then 0 | +2 MiB | \
             **not in time** | **2 of 50 missed** |",
            Some("one: 2 of 50 requests of /healthz were not answered in time"),
        );
    }

    #[test]
    fn answers_that_tell_a_secret_fail_the_run() {
        let mut row = row();
        row.difference = Some("200 {}; 422 {}".into());
        let failure = "one: answers differ that must be the same: 200 {}; 422 {}";
        assert_eq!(row.failure().as_deref(), Some(failure));
    }

    #[test]
    fn a_server_that_ended_fails_the_run() {
        let mut row = row();
        row.ended = Some("signal: 6 (SIGABRT)".into());
        row.reads.attacked = latencies(&[1], Outcome::Lost);
        assert_eq!(row.failure().as_deref(), Some("one: the server ended: signal: 6 (SIGABRT)"));
        let table = table(&[row]);
        let expected = "| one | 2.0 ms → no answer | **2.0 ms → no answer** |";
        assert!(table.lines().last().is_some_and(|line| line.starts_with(expected)), "{table}");
        assert!(table.ends_with("| **the server ended: signal: 6 (SIGABRT)** |\n"), "{table}");
    }
}
