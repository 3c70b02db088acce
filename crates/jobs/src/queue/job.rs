use std::fmt;
use std::sync::Arc;

use backstay_base::{RecordId, Timestamp};
use backstay_engine::{Priority, Record};
use backstay_model::FieldId;
use backstay_scalar::Value;

use super::schema::Schema;
use crate::stored::Foreign;

/// How far a job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It waits until it is due, or for a job before it.
    Waiting,
    /// A server runs it.
    Running,
    /// It is done.
    Done,
    /// It was given up.
    Dead,
    /// Somebody has cancelled it.
    Cancelled,
}

impl State {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Waiting, Self::Running, Self::Done, Self::Dead, Self::Cancelled];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Waiting => "WAITING",
            Self::Running => "RUNNING",
            Self::Done => "DONE",
            Self::Dead => "DEAD",
            Self::Cancelled => "CANCELLED",
        }
    }

    /// The one of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }

    /// Whether the job has yet to come to an end.
    pub fn is_open(self) -> bool {
        match self {
            Self::Waiting | Self::Running => true,
            Self::Done | Self::Dead | Self::Cancelled => false,
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

const PRIORITIES: [(Priority, &str); 3] =
    [(Priority::High, "HIGH"), (Priority::Normal, "NORMAL"), (Priority::Low, "LOW")];

/// What a priority is stored as.
pub(super) fn priority_name(priority: Priority) -> &'static str {
    PRIORITIES.into_iter().find(|(of, _)| *of == priority).map_or("NORMAL", |(_, name)| name)
}

/// A stored job.
#[derive(Debug, Clone)]
pub(super) struct Job {
    pub(super) id: RecordId,
    pub(super) version: i64,
    pub(super) kind: Arc<str>,
    pub(super) input: Arc<str>,
    pub(super) state: State,
    pub(super) priority: Priority,
    pub(super) due: Option<Timestamp>,
    pub(super) start_at: Option<Timestamp>,
    pub(super) attempts: i64,
    pub(super) most: Option<i64>,
    pub(super) worker: Option<Arc<str>>,
    pub(super) key: Option<Arc<str>>,
    pub(super) series: Option<Arc<str>>,
    /// Whether no later job of its series waits.
    pub(super) is_last: bool,
    /// The job that it waits for.
    pub(super) before: Option<RecordId>,
    pub(super) by: Option<Arc<str>>,
    pub(super) result: Option<Arc<str>>,
    pub(super) last_error: Option<Arc<str>>,
    pub(super) ended_at: Option<Timestamp>,
    pub(super) depth: u32,
    /// What part of it is done.
    pub(super) done: Option<f64>,
    pub(super) note: Option<Arc<str>>,
}

impl Job {
    pub(super) fn read(schema: &Schema, record: &Record) -> Result<Self, Foreign> {
        let required = |field: FieldId, name| text(record, field).ok_or(Foreign(name));
        let state = State::named(&required(schema.state, "state")?).ok_or(Foreign("state"))?;
        let priority = required(schema.priority, "priority")?;
        let priority = PRIORITIES.into_iter().find(|(_, name)| **name == *priority).ok_or(Foreign("priority"))?.0;
        Ok(Self {
            id: record.id(),
            version: record.version(),
            kind: required(schema.kind, "kind")?,
            input: required(schema.input, "input")?,
            state,
            priority,
            due: moment(record, schema.due(priority)),
            start_at: moment(record, schema.start_at),
            attempts: record.value(schema.attempts).as_int().ok_or(Foreign("attempts"))?,
            most: record.value(schema.most).as_int(),
            worker: text(record, schema.worker),
            key: text(record, schema.key),
            series: text(record, schema.series),
            is_last: !record.value(schema.last_of).is_null(),
            before: record.value(schema.before).as_id(),
            by: text(record, schema.by),
            result: text(record, schema.result),
            last_error: text(record, schema.last_error),
            ended_at: moment(record, schema.ended_at),
            // Jobs that were queued before there was a depth have none.
            depth: record.value(schema.depth).as_int().and_then(|depth| u32::try_from(depth).ok()).unwrap_or(0),
            done: if let Value::Float(done) = record.value(schema.done) { Some(*done) } else { None },
            note: text(record, schema.note),
        })
    }

    /// Whether this worker runs this attempt at it.
    pub(super) fn is_run_by(&self, worker: &str, attempt: u32) -> bool {
        self.state == State::Running && self.attempts == i64::from(attempt) && self.worker.as_deref() == Some(worker)
    }
}

fn text(record: &Record, field: FieldId) -> Option<Arc<str>> {
    match record.value(field) {
        Value::Text(text) | Value::Json(text) => Some(Arc::clone(text)),
        _ => None,
    }
}

fn moment(record: &Record, field: FieldId) -> Option<Timestamp> {
    match record.value(field) {
        Value::Timestamp(moment) => Some(*moment),
        _ => None,
    }
}
