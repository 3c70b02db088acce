use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use backstay_base::{Timestamp, limits};
use parking_lot::Mutex;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use crate::explanation::{ExplainedCaller, ExplainedRule, ExplainedStatement};
use crate::kept_traces::{Finished, KeptTraces, OpenBytes, Subject, TraceKind};

/// What is noted of one request or job while the inspector is on; nothing otherwise. Cheap to clone; a clone is the same trace.
#[derive(Clone, Default)]
pub struct Trace(Option<Arc<Open>>);

struct Open {
    kept: KeptTraces,
    started: Instant,
    subject: Subject,
    /// `None` once it has ended.
    seen: Mutex<Option<Seen>>,
}

/// What was noted.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Seen {
    /// When it began.
    at: String,
    micros: u64,
    status: Option<u16>,
    /// What the caller was told, or why the job has failed.
    outcome: Option<String>,
    caller: Option<ExplainedCaller>,
    #[serde(skip)]
    details: Details,
}

/// What was done in detail, each part as JSON: so its size is known when it is noted.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Details {
    /// What the engine was asked, in words.
    asked: Parts,
    stages: Parts,
    rules: Parts,
    statements: Parts,
    log: Parts,
    commits: Parts,
    queued: Parts,
    #[serde(flatten)]
    room: Room,
}

type Parts = Vec<Box<RawValue>>;

/// The room that the parts of a trace have.
#[derive(Debug, Serialize)]
struct Room {
    /// How many parts had none.
    omitted: usize,
    #[serde(skip)]
    open: OpenBytes,
}

/// A trace as it is kept.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Written<'t> {
    id: &'t str,
    kind: TraceKind,
    name: &'t str,
    parent: Option<&'t str>,
    #[serde(flatten)]
    seen: &'t Seen,
    statement_count: usize,
    log_count: usize,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    details: Option<&'t Details>,
}

/// A statement that was run.
#[derive(Debug, Serialize)]
pub(crate) struct TracedStatement {
    #[serde(flatten)]
    statement: ExplainedStatement,
    micros: u64,
    /// The code of the error with which it has ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'static str>,
}

#[derive(Debug, Serialize)]
struct TracedStage {
    name: Cow<'static, str>,
    /// When it began, in microseconds since the trace did.
    at: u64,
    micros: u64,
}

#[derive(Debug, Serialize)]
struct TracedLine<'t> {
    at: u64,
    level: &'t str,
    text: &'t str,
}

#[derive(Debug, Serialize)]
struct TracedCommit<'t> {
    at: u64,
    transaction: &'t str,
    id: String,
}

#[derive(Debug, Serialize)]
struct TracedJob<'t> {
    kind: &'t str,
    id: &'t str,
}

impl TracedStatement {
    /// One that took so long, and may have ended with an error of this code.
    pub(crate) fn new(statement: ExplainedStatement, time: Duration, error: Option<&'static str>) -> Self {
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        Self { statement, micros, error }
    }
}

impl Details {
    fn within(open: OpenBytes) -> Self {
        let room = Room { omitted: 0, open };
        let [asked, stages, rules, statements, log, commits, queued] = [const { Vec::new() }; 7];
        Self { asked, stages, rules, statements, log, commits, queued, room }
    }
}

impl Room {
    /// Adds a part to those of its kind, if there is room for it.
    fn push(&mut self, parts: &mut Parts, part: &impl Serialize) {
        self.push_within(limits::TRACE_BYTES, parts, part);
    }

    /// The same, if all parts then have at most so many bytes.
    fn push_within(&mut self, most: usize, parts: &mut Parts, part: &impl Serialize) {
        let json = if parts.len() < limits::TRACE_PARTS { to_raw_value(part).ok() } else { None };
        match json {
            Some(json) if self.open.bytes() + json.get().len() <= most && self.open.grow(json.get().len()) => {
                parts.push(json);
            }
            Some(_) | None => self.omitted += 1,
        }
    }
}

impl fmt::Debug for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Trace").field(&self.0.as_ref().map(|open| &open.subject.id)).finish()
    }
}

fn micros(from: Instant, to: Instant) -> u64 {
    // Nobody waits longer than 64 bits of microseconds.
    u64::try_from(to.saturating_duration_since(from).as_micros()).unwrap_or(u64::MAX)
}

impl Trace {
    /// Nothing is noted.
    pub const OFF: Self = Self(None);

    pub(crate) fn begun(kept: KeptTraces, now: Timestamp, subject: Subject) -> Self {
        let details = Details::within(kept.open());
        let seen = Seen { at: now.to_string(), micros: 0, status: None, outcome: None, caller: None, details };
        Self(Some(Arc::new(Open { kept, started: Instant::now(), subject, seen: Mutex::new(Some(seen)) })))
    }

    /// Whether anything is noted.
    pub fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// The moment, if anything is noted.
    pub fn moment(&self) -> Option<Instant> {
        self.0.as_ref().map(|_| Instant::now())
    }

    /// Notes a stage that began at this moment of the trace, and ends now.
    pub fn stage(&self, name: &'static str, began: Option<Instant>) {
        self.stage_named(began, || name.into());
    }

    /// The same of a stage whose name has to be made.
    pub fn stage_named(&self, began: Option<Instant>, name: impl FnOnce() -> Cow<'static, str>) {
        let Some(began) = began else { return };
        self.note(|started, details| {
            let stage = TracedStage { name: name(), at: micros(started, began), micros: micros(began, Instant::now()) };
            // They tell what a trace is about that is too large.
            details.room.push_within(usize::MAX, &mut details.stages, &stage);
        });
    }

    /// Notes a line that the team's own code has logged.
    pub fn line(&self, level: &str, text: &str) {
        self.note(|started, details| {
            let line = TracedLine { at: micros(started, Instant::now()), level, text };
            details.room.push(&mut details.log, &line);
        });
    }

    /// Notes what was asked, in words.
    pub fn asked(&self, words: impl FnOnce() -> String) {
        self.note(|_, details| details.room.push(&mut details.asked, &words()));
    }

    /// Ends the trace: how long it took, and what came of it.
    pub fn end(&self, status: Option<u16>, outcome: impl FnOnce() -> Option<String>) {
        let Some(open) = &self.0 else { return };
        let Some(mut seen) = open.seen.lock().take() else { return };
        (seen.status, seen.outcome) = (status, outcome());
        open.keep(seen);
    }

    pub(crate) fn caller(&self, caller: impl FnOnce() -> ExplainedCaller) {
        let Some(open) = &self.0 else { return };
        if let Some(seen) = &mut *open.seen.lock() {
            // Others may do a part of it, such as Backstay itself.
            seen.caller.get_or_insert_with(caller);
        }
    }

    pub(crate) fn rules(&self, rules: Vec<ExplainedRule>) {
        self.note(|_, details| {
            for rule in rules {
                // Each of several requests asks the same rules of a type.
                let known =
                    to_raw_value(&rule).is_ok_and(|rule| details.rules.iter().any(|one| one.get() == rule.get()));
                if !known {
                    details.room.push(&mut details.rules, &rule);
                }
            }
        });
    }

    pub(crate) fn statements(&self, statements: Vec<TracedStatement>) {
        self.note(|_, details| {
            for mut one in statements {
                one.statement.values.iter_mut().for_each(cut);
                cut(&mut one.statement.sql);
                details.room.push(&mut details.statements, &one);
            }
        });
    }

    pub(crate) fn commit(&self, transaction: &str, id: &impl fmt::Display) {
        self.note(|started, details| {
            let commit = TracedCommit { at: micros(started, Instant::now()), transaction, id: id.to_string() };
            details.room.push(&mut details.commits, &commit);
        });
    }

    pub(crate) fn queued(&self, jobs: &[(Arc<str>, String)]) {
        self.note(|_, details| {
            for (kind, id) in jobs {
                details.room.push(&mut details.queued, &TracedJob { kind, id });
            }
        });
    }

    /// Notes that so many more parts weren't noted.
    pub(crate) fn omit(&self, parts: usize) {
        self.note(|_, details| details.room.omitted += parts);
    }

    fn note(&self, note: impl FnOnce(Instant, &mut Details)) {
        let Some(open) = &self.0 else { return };
        if let Some(seen) = &mut *open.seen.lock() {
            note(open.started, &mut seen.details);
        }
    }
}

/// Shortens a text that is longer than what one would read.
pub(crate) fn cut(text: &mut String) {
    if text.len() > limits::TRACE_TEXT_BYTES {
        text.truncate(text.floor_char_boundary(limits::TRACE_TEXT_BYTES));
        text.push('…');
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        // Its client went away, or the server ended it.
        if let Some(mut seen) = self.seen.lock().take() {
            seen.outcome = Some("the request was abandoned before it finished".to_owned());
            self.keep(seen);
        }
    }
}

impl Open {
    /// Keeps what was noted of a trace that ends.
    fn keep(&self, mut seen: Seen) {
        seen.micros = micros(self.started, Instant::now());
        let Ok((brief, whole)) = seen.written(&self.subject) else { return };
        let (subject, status, micros) = (self.subject.clone(), seen.status, seen.micros);
        drop(seen);
        self.kept.keep(Finished { subject, status, micros, brief: brief.into(), whole: whole.into() });
    }
}

impl Seen {
    /// The trace as JSON: without what was done in detail, and with it.
    fn written(&self, subject: &Subject) -> Result<(String, String), serde_json::Error> {
        let Subject { id, kind, name, parent } = subject;
        let written = |details| Written {
            id,
            kind: *kind,
            name,
            parent: parent.as_deref(),
            seen: self,
            statement_count: self.details.statements.len(),
            log_count: self.details.log.len(),
            details,
        };
        Ok((serde_json::to_string(&written(None))?, serde_json::to_string(&written(Some(&self.details)))?))
    }
}
