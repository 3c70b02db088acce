//! Gives the entries of the commit log their places. A transaction stages its entry with its last statement, which draws the
//! entry's number after all of the transaction's locks. Whichever process comes first moves the staged entries that are
//! visible into the log, in the order of their numbers. If one transaction was visible before another one drew its number, its
//! own number is lower, and whoever sees the other one sees it: it comes first in the log. Nobody waits for a transaction
//! that isn't visible, however long it takes.

use std::time::{Duration, Instant};

use tokio::time::sleep;
use tokio_postgres::{Client, Statement};

use super::error::plain;
use super::wake;
use crate::StoreError;

/// Entries that are moved at once.
const MOVED: usize = 1000;
/// Gaps that are kept, before they become one.
const GAPS: usize = 1000;
/// How often all staged entries are looked at, and not only those with numbers that were missing or are new.
const AFRESH: Duration = Duration::from_secs(10);
/// How often the lock is tried before somebody who waits for the log gives up, and how long after each other.
const ATTEMPTS: u32 = 500;
const INTERVAL: Duration = Duration::from_millis(10);

const SEQUENCE: &str = "SELECT is_free, taken, oldest, newest, following FROM backstay_sequence_log($1, $2, $3)";

/// What one process knows of the numbers of staged entries. Each number of a staged entry is after `seen` or in a gap, so what
/// other processes move meanwhile changes nothing.
#[derive(Debug)]
pub(super) struct Sequencer {
    statement: Statement,
    /// Whether the last call has moved entries.
    moved: bool,
    numbers: Numbers,
    begun: Instant,
}

/// How far the log is after a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sequenced {
    /// It has every entry that was visible when the call began.
    All,
    /// There may be more.
    Some,
    /// Another process is at it.
    Elsewhere,
}

impl Sequencer {
    /// For calls on this connection: numbers of a server that has restarted are new ones.
    pub(super) async fn on(client: &Client) -> Result<Self, StoreError> {
        let statement = client.prepare(SEQUENCE).await.map_err(plain)?;
        Ok(Self { statement, moved: false, numbers: Numbers::default(), begun: Instant::now() })
    }

    /// Moves the next entries into the log.
    pub(super) async fn sequence(&mut self, client: &Client) -> Result<Sequenced, StoreError> {
        if self.begun.elapsed() > AFRESH {
            (self.numbers, self.begun) = (Numbers::default(), Instant::now());
        }
        let (first, last) = self.numbers.ranges();
        let most = i64::try_from(MOVED).unwrap_or(i64::MAX);
        let row = client.query_one(&self.statement, &[&first, &last, &most]).await.map_err(plain)?;
        self.moved = false;
        if !row.try_get::<_, bool>(0).map_err(plain)? {
            return Ok(Sequenced::Elsewhere);
        }
        let taken = row.try_get::<_, Option<Vec<i64>>>(1).map_err(plain)?.unwrap_or_default();
        self.moved = !taken.is_empty();
        let number = |column: usize| row.try_get::<_, i64>(column).map_err(plain);
        let horizon = Horizon { oldest: number(2)?, newest: number(3)?, next: number(4)? };
        let is_all = taken.len() < MOVED;
        match is_all {
            true => self.numbers.took_all(&taken, horizon),
            false => self.numbers.took(&taken),
        }
        Ok(if is_all { Sequenced::All } else { Sequenced::Some })
    }

    /// Whether the last call has moved entries, which others want to know.
    pub(super) fn has_moved(&self) -> bool {
        self.moved
    }

    /// Lets the log have every entry that is visible now.
    pub(super) async fn settle(client: &Client) -> Result<(), StoreError> {
        let mut sequencer = Self::on(client).await?;
        let mut attempts = 0;
        loop {
            let sequenced = sequencer.sequence(client).await?;
            if sequencer.has_moved() {
                client.batch_execute(wake::NOTIFY).await.map_err(plain)?;
            }
            match sequenced {
                Sequenced::All => return Ok(()),
                Sequenced::Some => {}
                Sequenced::Elsewhere if attempts < ATTEMPTS => {
                    attempts += 1;
                    sleep(INTERVAL).await;
                }
                Sequenced::Elsewhere => return Err(StoreError::Busy),
            }
        }
    }
}

/// What a call says of transactions and numbers.
#[derive(Debug, Clone, Copy)]
struct Horizon {
    /// Every transaction with a lower id had ended before it looked for entries.
    oldest: i64,
    /// The last number that had been drawn before it looked for entries.
    newest: i64,
    /// The transactions that had drawn a number by the time it had looked for entries have lower ids. It is the id of the
    /// call's own transaction, for a snapshot's `xmax` is only behind the last one that has ended.
    next: i64,
}

/// The numbers under which there may be staged entries.
#[derive(Debug, Default)]
struct Numbers {
    /// Of the numbers up to here, only those in gaps.
    seen: i64,
    /// In ascending order.
    gaps: Vec<Gap>,
}

/// Numbers that were drawn by transactions that weren't visible: they hadn't ended, or were undone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Gap {
    first: i64,
    last: i64,
    /// The transactions that drew them have lower ids: once these have ended, nothing comes any more.
    until: i64,
}

impl Numbers {
    /// The first and the last numbers of the ranges to look at, in order.
    fn ranges(&self) -> (Vec<i64>, Vec<i64>) {
        let gaps = self.gaps.iter().map(|gap| (gap.first, gap.last));
        gaps.chain([(self.seen + 1, i64::MAX)]).unzip()
    }

    /// Entries with these numbers, in ascending order, were moved, and there may be more.
    fn took(&mut self, taken: &[i64]) {
        let gaps = std::mem::take(&mut self.gaps);
        for gap in gaps {
            self.keep(gap, taken);
        }
        self.merge();
    }

    /// All that there were.
    fn took_all(&mut self, taken: &[i64], horizon: Horizon) {
        self.gaps.retain(|gap| gap.until > horizon.oldest);
        self.took(taken);
        let last = taken.last().copied().unwrap_or_default().max(horizon.newest).max(self.seen);
        self.keep(Gap { first: self.seen + 1, last, until: horizon.next }, taken);
        self.seen = last;
        self.merge();
    }

    /// Keeps what is left of a gap.
    fn keep(&mut self, gap: Gap, taken: &[i64]) {
        let mut first = gap.first;
        let begin = taken.partition_point(|number| *number < first);
        for number in taken[begin..].iter().copied().take_while(|number| *number <= gap.last) {
            if first < number {
                self.gaps.push(Gap { first, last: number - 1, ..gap });
            }
            first = number + 1;
        }
        if first <= gap.last {
            self.gaps.push(Gap { first, ..gap });
        }
    }

    fn merge(&mut self) {
        if let (true, Some(first), Some(last)) = (self.gaps.len() > GAPS, self.gaps.first(), self.gaps.last()) {
            let until = self.gaps.iter().map(|gap| gap.until).max().unwrap_or(i64::MAX);
            self.gaps = vec![Gap { first: first.first, last: last.last, until }];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn took(numbers: &mut Numbers, taken: &[i64], (oldest, newest, next): (i64, i64, i64)) -> Vec<(i64, i64)> {
        numbers.took_all(taken, Horizon { oldest, newest, next });
        let (first, last) = numbers.ranges();
        first.into_iter().zip(last).collect()
    }

    #[test]
    fn a_number_is_looked_for_until_nothing_can_come_under_it() {
        let mut numbers = Numbers::default();
        let mut check = |taken: &[i64], horizon, expected: &[(i64, i64)]| {
            assert_eq!(took(&mut numbers, taken, horizon), expected, "{taken:?}");
        };
        check(&[], (100, 0, 100), &[(1, i64::MAX)]);
        // 3 and 5 to 6 were drawn by transactions that haven't ended.
        check(&[1, 2, 4, 7], (100, 7, 110), &[(3, 3), (5, 6), (8, i64::MAX)]);
        check(&[6, 9], (105, 8, 120), &[(3, 3), (5, 5), (8, 8), (10, i64::MAX)]);
        // What is taken now was visible when the transactions before 110 had ended; the rest was undone.
        check(&[3], (110, 9, 130), &[(8, 8), (10, i64::MAX)]);
        check(&[], (120, 12, 140), &[(10, 12), (13, i64::MAX)]);
        check(&[10, 11, 12], (121, 12, 150), &[(13, i64::MAX)]);
    }

    #[test]
    fn numbers_that_werent_reached_are_looked_for_again() {
        let mut numbers = Numbers::default();
        took(&mut numbers, &[1, 4], (100, 4, 110));
        numbers.took(&[2, 5, 6]);
        assert_eq!(numbers.ranges(), (vec![3, 5], vec![3, i64::MAX]));
    }

    #[test]
    fn many_gaps_become_one() {
        let mut numbers = Numbers::default();
        let even: Vec<i64> = (1..=2000).map(|number| number * 2).collect();
        assert_eq!(took(&mut numbers, &even, (100, 4000, 110)), [(1, 3999), (4001, i64::MAX)]);
    }
}
