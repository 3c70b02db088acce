use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use backstay_base::{Timestamp, limits};
use parking_lot::Mutex;
use serde::Serialize;

use crate::explanation::{ExplainedCaller, ExplainedRule, ExplainedStatement};
use crate::inspector::{Inspector, Subject};

/// What is noted of one request or job while the inspector is on; nothing otherwise. Cheap to clone; a clone is the same trace.
#[derive(Clone, Default)]
pub struct Trace(Option<Arc<Open>>);

struct Open {
    inspector: Inspector,
    started: Instant,
    subject: Subject,
    /// `None` once it has ended.
    seen: Mutex<Option<Seen>>,
}

/// What was noted.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Seen {
    /// When it began.
    at: String,
    pub(crate) micros: u64,
    pub(crate) status: Option<u16>,
    /// What the caller was told, or why the job has failed.
    outcome: Option<String>,
    caller: Option<ExplainedCaller>,
    #[serde(skip)]
    details: Details,
}

#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Details {
    /// What the engine was asked, in words.
    asked: Vec<String>,
    stages: Vec<TracedStage>,
    rules: Vec<ExplainedRule>,
    statements: Vec<TracedStatement>,
    log: Vec<TracedLine>,
    commits: Vec<TracedCommit>,
    queued: Vec<TracedJob>,
    /// How many more there were.
    omitted: usize,
}

/// A trace as it is kept.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Written<'t> {
    id: &'t str,
    kind: crate::TraceKind,
    name: &'t str,
    parent: Option<&'t str>,
    #[serde(flatten)]
    seen: &'t Seen,
    statement_count: usize,
    log_count: usize,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    details: Option<&'t Details>,
}

#[derive(Debug, Serialize)]
struct TracedStage {
    name: Cow<'static, str>,
    /// When it began, in microseconds since the trace did.
    at: u64,
    micros: u64,
}

#[derive(Debug, Serialize)]
struct TracedStatement {
    #[serde(flatten)]
    statement: ExplainedStatement,
    micros: u64,
}

#[derive(Debug, Serialize)]
struct TracedLine {
    at: u64,
    level: String,
    text: String,
}

#[derive(Debug, Serialize)]
struct TracedCommit {
    at: u64,
    transaction: String,
    id: String,
}

#[derive(Debug, Serialize)]
struct TracedJob {
    kind: String,
    id: String,
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

    pub(crate) fn begun(inspector: Inspector, now: Timestamp, subject: Subject) -> Self {
        let details = Details::default();
        let seen = Seen { at: now.to_string(), micros: 0, status: None, outcome: None, caller: None, details };
        Self(Some(Arc::new(Open { inspector, started: Instant::now(), subject, seen: Mutex::new(Some(seen)) })))
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
    pub fn stage(&self, name: impl Into<Cow<'static, str>>, began: Option<Instant>) {
        let Some(began) = began else { return };
        let name = name.into();
        self.note(|started, details| {
            let stage = TracedStage { name, at: micros(started, began), micros: micros(began, Instant::now()) };
            push(&mut details.stages, stage, &mut details.omitted);
        });
    }

    /// Notes a line that the team's own code has logged.
    pub fn line(&self, level: &str, text: &str) {
        let (level, text) = (level.to_owned(), text.to_owned());
        self.note(|started, details| {
            let line = TracedLine { at: micros(started, Instant::now()), level, text };
            push(&mut details.log, line, &mut details.omitted);
        });
    }

    /// Notes what was asked, in words.
    pub fn asked(&self, words: String) {
        self.note(|_, details| push(&mut details.asked, words, &mut details.omitted));
    }

    /// Ends the trace: how long it took, and what came of it.
    pub fn end(&self, status: Option<u16>, outcome: Option<String>) {
        let Some(open) = &self.0 else { return };
        let Some(mut seen) = open.seen.lock().take() else { return };
        (seen.status, seen.outcome, seen.micros) = (status, outcome, micros(open.started, Instant::now()));
        open.inspector.keep(open.subject.clone(), &seen);
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
            for mut rule in rules {
                rule.parts.iter_mut().flat_map(|part| &mut part.saw).for_each(|(_, value)| cut(value));
                // Each of several requests asks the same rules of a type.
                if !details.rules.contains(&rule) {
                    push(&mut details.rules, rule, &mut details.omitted);
                }
            }
        });
    }

    pub(crate) fn statements(&self, statements: Vec<(ExplainedStatement, Duration)>) {
        self.note(|_, details| {
            for (mut statement, time) in statements {
                statement.values.iter_mut().for_each(cut);
                cut(&mut statement.sql);
                let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
                push(&mut details.statements, TracedStatement { statement, micros }, &mut details.omitted);
            }
        });
    }

    pub(crate) fn commit(&self, transaction: &str, id: &impl fmt::Display) {
        self.note(|started, details| {
            let at = micros(started, Instant::now());
            let commit = TracedCommit { at, transaction: transaction.to_owned(), id: id.to_string() };
            push(&mut details.commits, commit, &mut details.omitted);
        });
    }

    pub(crate) fn queued(&self, jobs: Vec<(Arc<str>, String)>) {
        self.note(|_, details| {
            for (kind, id) in jobs {
                push(&mut details.queued, TracedJob { kind: kind.to_string(), id }, &mut details.omitted);
            }
        });
    }

    fn note(&self, note: impl FnOnce(Instant, &mut Details)) {
        let Some(open) = &self.0 else { return };
        if let Some(seen) = &mut *open.seen.lock() {
            note(open.started, &mut seen.details);
        }
    }
}

/// Shortens a text that is longer than what one would read.
fn cut(text: &mut String) {
    if text.len() > limits::TRACE_TEXT_BYTES {
        text.truncate(text.floor_char_boundary(limits::TRACE_TEXT_BYTES));
        text.push('…');
    }
}

/// Adds one of a list, unless there are as many as are kept.
fn push<T>(list: &mut Vec<T>, one: T, omitted: &mut usize) {
    match list.len() < limits::TRACE_PARTS {
        true => list.push(one),
        false => *omitted += 1,
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        // Its client went away, or the server ended it.
        if let Some(mut seen) = self.seen.lock().take() {
            seen.micros = micros(self.started, Instant::now());
            seen.outcome = Some("it was given up before it had ended".to_owned());
            self.inspector.keep(self.subject.clone(), &seen);
        }
    }
}

impl Seen {
    /// The trace as JSON: without what was done in detail, and with it.
    pub(crate) fn written(&self, subject: &Subject) -> Result<(String, String), serde_json::Error> {
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
        let brief = serde_json::to_string(&written(None))?;
        let whole = serde_json::to_string(&written(Some(&self.details)))?;
        if whole.len() <= limits::TRACE_BYTES {
            return Ok((brief, whole));
        }
        Ok((brief, serde_json::to_string(&written(Some(&self.details.shortened())))?))
    }
}

impl Details {
    /// The stages alone, of what would take too much memory.
    fn shortened(&self) -> Self {
        let Self { asked, stages, rules, statements, log, commits, queued, omitted } = self;
        let omitted = omitted + asked.len() + rules.len() + statements.len() + log.len() + commits.len() + queued.len();
        let stages = stages.iter().map(|TracedStage { name, at, micros }| TracedStage {
            name: name.clone(),
            at: *at,
            micros: *micros,
        });
        Self { stages: stages.collect(), omitted, ..Self::default() }
    }
}
