//! What happens to records at a moment that they hold (`@at`). Those that are due are found by reads, in the order of their
//! moments, and changed in transactions of Backstay's own.

use std::collections::HashMap;
use std::slice;
use std::sync::Arc;
use std::time::Duration;

use backstay_base::{Conflict, Error, Limit, RecordId, Timestamp, limits};

use crate::due::{DueRecord, Place};
use crate::firing::Fire;
use crate::{Context, Engine};

/// How far timers have come.
#[derive(Debug, Default)]
pub struct TimerPass {
    /// By the name of a range: the last record of it that was looked at.
    reached: HashMap<String, Place>,
    /// Records that couldn't change, by range and id. They are tried again once they have another version, or after a while.
    refused: HashMap<(String, RecordId), Refusal>,
}

/// What is left to do of timers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// There may be more records that are due now.
    Now,
    /// The next one is due after this time.
    In(Duration),
    /// As far as is known, none is due soon.
    Nothing,
}

#[derive(Debug)]
struct Refusal {
    version: i64,
    since: Timestamp,
}

impl TimerPass {
    /// Looks for due records from the first one again: for those that were given a moment of the past, or another state, or
    /// that couldn't change.
    pub fn start_over(&mut self) {
        self.reached.clear();
    }

    fn is_refused(&self, due: &DueRecord, now: Timestamp) -> bool {
        let refusal = self.refused.get(&(due.range.name.clone(), due.id));
        refusal.is_some_and(|Refusal { version, since }| {
            let waited = now.micros() - since.micros();
            // The clock may have been set back.
            *version == due.version && (0..limits::TIMER_AGAIN_SECONDS * 1_000_000).contains(&waited)
        })
    }

    fn refuse(&mut self, due: &DueRecord, now: Timestamp, error: &Error) {
        let (timer, record) = (&due.range.name, due.id);
        match error {
            Error::TransitionRefused(_) => {
                tracing::info!(timer, %record, %error, "a record stays as it is at its moment");
            }
            error => tracing::warn!(timer, %record, %error, "a record can't change at its moment"),
        }
        if self.refused.len() >= limits::TIMERS_REFUSED {
            self.refused.clear();
        }
        self.refused.insert((timer.clone(), record), Refusal { version: due.version, since: now });
    }
}

impl Engine {
    /// Lets happen what is due at this moment (`@at`), in order: the next records in this pass. One that can't change is left
    /// for another pass.
    pub async fn fire_timers(&self, pass: &mut TimerPass) -> Result<Due, Error> {
        let now = self.ambient().clock.now();
        let fired = self.fire_due(pass, now).await;
        if fired.is_err() {
            pass.start_over();
        }
        fired
    }

    async fn fire_due(&self, pass: &mut TimerPass, now: Timestamp) -> Result<Due, Error> {
        let soon = now.micros().saturating_add(limits::TIMER_MILLIS * 1000);
        let soon = Timestamp::from_micros_saturating(soon);
        let (mut found, mut known_until) = (Vec::new(), None::<Timestamp>);
        for range in self.timer_ranges() {
            let reached = pass.reached.get(&range.name);
            let due = self.due_in(&Arc::new(range), reached, soon).await?;
            if due.len() >= limits::DUE_RECORDS {
                let last = due.last().map(|due| due.at);
                known_until = known_until.into_iter().chain(last).min();
            }
            found.extend(due);
        }
        // What is due later in a range must not wait for what is due earlier in another and wasn't read.
        found.sort_by(|one, other| (one.at, &one.range.name, one.id).cmp(&(other.at, &other.range.name, other.id)));
        let until = known_until.map_or(now, |until| until.min(now));
        let later = found.split_off(found.partition_point(|due| due.at <= until));
        for due in &found {
            pass.reached.insert(due.range.name.clone(), due.place());
        }
        found.retain(|due| !pass.is_refused(due, now));
        for together in found.chunks(limits::FIRED_TOGETHER) {
            self.fire(pass, together, now).await?;
        }
        let next = later.first().map(|due| due.at.micros() - now.micros());
        Ok(match next {
            _ if known_until.is_some_and(|until| until <= now) => Due::Now,
            Some(micros) => Due::In(Duration::from_micros(u64::try_from(micros).unwrap_or(0))),
            None => Due::Nothing,
        })
    }

    /// Lets it happen to these records in one commit, or to each by itself if that isn't possible.
    async fn fire(&self, pass: &mut TimerPass, together: &[DueRecord], now: Timestamp) -> Result<(), Error> {
        match self.fire_together(pass, together, now).await {
            Err(error) if !is_passing(&error) && together.len() > 1 => {
                for due in together {
                    self.fire_alone(pass, due, now).await?;
                }
                Ok(())
            }
            Err(error) if !is_passing(&error) => {
                for due in together {
                    pass.refuse(due, now, &error);
                }
                Ok(())
            }
            fired => fired,
        }
    }

    async fn fire_alone(&self, pass: &mut TimerPass, due: &DueRecord, now: Timestamp) -> Result<(), Error> {
        match self.fire_together(pass, slice::from_ref(due), now).await {
            Err(error) if !is_passing(&error) => {
                pass.refuse(due, now, &error);
                Ok(())
            }
            fired => fired,
        }
    }

    async fn fire_together(&self, pass: &mut TimerPass, due: &[DueRecord], now: Timestamp) -> Result<(), Error> {
        let refused = self.run(&Context::system(self), Fire { due: due.to_vec() }).await?;
        for (due, refusal) in due.iter().zip(refused) {
            if let Some(error) = refusal {
                pass.refuse(due, now, &error);
            }
        }
        Ok(())
    }
}

/// Whether a transaction failed for a reason that has nothing to do with what it was about.
fn is_passing(error: &Error) -> bool {
    matches!(
        error,
        Error::Unknown
            | Error::Limit(Limit::Busy | Limit::Storage | Limit::Share(_))
            | Error::Conflict(Conflict::Concurrent)
    )
}
