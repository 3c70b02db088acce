//! What happens to records at a moment that they hold (`@at`). Those that are due are found by reads, in the order of their
//! moments, and changed in transactions of Backstay's own.

use std::collections::HashMap;
use std::slice;
use std::sync::Arc;
use std::time::Duration;

use backstay_base::{Conflict, Date, Error, Limit, RecordId, Timestamp, limits};
use backstay_model::{Collection, CollectionId, FieldKind, TimedAct, Timer};
use backstay_scalar::{Scalar, Value, ValueRef};
use backstay_sql::{DecodeError, Row};

use crate::bind::Bindings;
use crate::firing::Fire;
use crate::sink::Collect;
use crate::{Context, Engine};

const MICROS_PER_DAY: i64 = 24 * 60 * 60 * 1_000_000;

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

#[derive(Debug, Clone)]
struct Place {
    moment: Value,
    id: RecordId,
}

#[derive(Debug)]
struct Refusal {
    version: i64,
    since: Timestamp,
}

/// Records with which one thing happens at their moments: those in one state that lead to another, or all of a type.
#[derive(Debug)]
pub(crate) struct Range {
    pub(crate) collection: CollectionId,
    /// The timer, by its place among those of the type.
    pub(crate) place: usize,
    /// The state in which they are.
    pub(crate) from: Option<Arc<str>>,
    /// Such as `Post.state: DRAFT to PUBLISHED at publishAt`.
    name: String,
}

impl Range {
    fn of(collection: &Collection, (place, timer): (usize, &Timer), from: Option<&Arc<str>>) -> Self {
        let moment = &collection.field(timer.field).name;
        let name = match (&timer.act, from) {
            (TimedAct::Transition { states, to, .. }, Some(from)) => {
                format!("{}.{}: {from} to {to} at {moment}", collection.name, collection.field(*states).name)
            }
            (TimedAct::Transition { .. } | TimedAct::Delete, _) => format!("{}: deleted at {moment}", collection.name),
        };
        Self { collection: collection.id, place, from: from.cloned(), name }
    }
}

/// A record that is due.
#[derive(Debug, Clone)]
pub(crate) struct DueRecord {
    pub(crate) range: Arc<Range>,
    pub(crate) id: RecordId,
    moment: Value,
    at: Timestamp,
    version: i64,
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
            let due = self.due_in(&Arc::new(range), pass, soon).await?;
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
        for DueRecord { range, id, moment, .. } in &found {
            pass.reached.insert(range.name.clone(), Place { moment: moment.clone(), id: *id });
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

    /// The ranges in which records can be due. A guard that is never true of Backstay itself leaves none.
    fn timer_ranges(&self) -> Vec<Range> {
        let rights = &self.inner.application.system_class().rights;
        let mut ranges = Vec::new();
        for collection in &self.model().collections {
            for (place, timer) in collection.timers.iter().enumerate() {
                match &timer.act {
                    TimedAct::Transition { states, from, to } => {
                        let passes =
                            |from: &&Arc<str>| !rights.transition(collection.id, *states, (*from, to)).refuses();
                        let from = from.iter().filter(passes);
                        ranges.extend(from.map(|from| Range::of(collection, (place, timer), Some(from))));
                    }
                    TimedAct::Delete => ranges.push(Range::of(collection, (place, timer), None)),
                }
            }
        }
        ranges
    }

    /// The next records of a range that are due by a moment.
    async fn due_in(&self, range: &Arc<Range>, pass: &TimerPass, by: Timestamp) -> Result<Vec<DueRecord>, Error> {
        let collection = self.model().collection(range.collection);
        let timer = &collection.timers[range.place];
        let values = |moment: Value| {
            let mut values = vec![Value::Null; collection.fields.len()];
            values[usize::from(timer.field.0)] = moment;
            if let (TimedAct::Transition { states, .. }, Some(from)) = (&timer.act, &range.from) {
                values[usize::from(states.0)] = Value::Text(Arc::clone(from));
            }
            values
        };
        let is_day = collection.field(timer.field).kind == FieldKind::Scalar(Scalar::Date);
        let proposed = values(if is_day { Value::Date(day_of(by)) } else { by.into() });
        let mut stored = Vec::new();
        let reached = pass.reached.get(&range.name);
        if let Some(Place { moment, id }) = reached {
            stored = values(moment.clone());
            stored[usize::from(Collection::ID.0)] = Value::Id(*id);
        }
        let inner = &self.inner;
        let of = (collection.id, (range.place, timer));
        let template = inner.templates.due(&inner.planner, of, reached.is_some());
        let cx = Context::system(self);
        let limit = limits::DUE_RECORDS as u64;
        let bindings = Bindings { proposed: &proposed, stored: &stored, limit, ..Bindings::new(cx.caller(), cx.now) };
        let range = Arc::clone(range);
        let sink = Collect::new(move |row: &dyn Row| due_record(row, &range));
        let (sink, read) = inner.read(cx.demand(), &bindings.statement(&template), sink).await;
        read.map(|()| sink.found)
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

fn day_of(moment: Timestamp) -> Date {
    let days = i32::try_from(moment.micros().div_euclid(MICROS_PER_DAY)).ok();
    days.and_then(Date::from_days).expect("the days of the years 1 to 9999 fit, as those of a moment do")
}

/// The moment that a field holds; of a `Date`, midnight in UTC.
pub(crate) fn moment_of(value: &Value) -> Option<Timestamp> {
    match value {
        Value::Timestamp(at) => Some(*at),
        Value::Date(day) => Some(Timestamp::from_micros_saturating(i64::from(day.days()) * MICROS_PER_DAY)),
        _ => None,
    }
}

fn due_record(row: &dyn Row, range: &Arc<Range>) -> Result<DueRecord, DecodeError> {
    let wrong = |column: usize, expected: &'static str| DecodeError { column, expected };
    let ValueRef::Id(id) = row.value(0)? else { return Err(wrong(0, "an id")) };
    let moment: Value = match row.value(1)? {
        ValueRef::Timestamp(at) => at.into(),
        ValueRef::Date(day) => Value::Date(day),
        _ => return Err(wrong(1, "a moment")),
    };
    let ValueRef::Int(version) = row.value(2)? else { return Err(wrong(2, "a version")) };
    let at = moment_of(&moment).ok_or_else(|| wrong(1, "a moment"))?;
    Ok(DueRecord { range: Arc::clone(range), id: id.into(), moment, at, version })
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
