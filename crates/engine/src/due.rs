//! The records that are due at a moment that they hold (`@at`).

use std::sync::Arc;

use backstay_base::{Date, Error, RecordId, Timestamp, limits};
use backstay_model::{Collection, CollectionId, FieldKind, TimedAct, Timer};
use backstay_scalar::{Scalar, Value, ValueRef};
use backstay_sql::{DecodeError, Row};

use crate::bind::Bindings;
use crate::sink::Collect;
use crate::{Context, Engine};

const MICROS_PER_DAY: i64 = 24 * 60 * 60 * 1_000_000;

/// The place of a record in the order in which they are due.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    moment: Value,
    id: RecordId,
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
    pub(crate) name: String,
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
    /// The moment; of a `Date`, midnight in UTC.
    pub(crate) at: Timestamp,
    pub(crate) version: i64,
}

impl DueRecord {
    pub(crate) fn place(&self) -> Place {
        Place { moment: self.moment.clone(), id: self.id }
    }
}

impl Engine {
    /// The ranges in which records can be due. A guard that is never true of Backstay itself leaves none.
    pub(crate) fn timer_ranges(&self) -> Vec<Range> {
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

    /// The next records of a range that are due by a moment, from the first or after one.
    pub(crate) async fn due_in(
        &self,
        range: &Arc<Range>,
        after: Option<&Place>,
        by: Timestamp,
    ) -> Result<Vec<DueRecord>, Error> {
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
        if let Some(Place { moment, id }) = after {
            stored = values(moment.clone());
            stored[usize::from(Collection::ID.0)] = Value::Id(*id);
        }
        let inner = &self.inner;
        let of = (collection.id, (range.place, timer));
        let template = inner.templates.due(&inner.planner, of, after.is_some());
        let cx = Context::system(self);
        let limit = limits::DUE_RECORDS as u64;
        let bindings = Bindings { proposed: &proposed, stored: &stored, limit, ..Bindings::new(cx.caller(), cx.now) };
        let range = Arc::clone(range);
        let sink = Collect::new(move |row: &dyn Row| due_record(row, &range));
        let (sink, read) = inner.read(cx.demand(), &bindings.statement(&template), sink).await;
        read.map(|_| sink.found)
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
