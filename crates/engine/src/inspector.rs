//! The inspector: what a server has done lately, in memory and bounded, for the people who develop and operate it.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use backstay_base::{Timestamp, limits};
use parking_lot::Mutex;
use serde::Serialize;

use crate::Trace;
use crate::trace::Seen;

/// Keeps traces of requests and jobs while it is on. Cheap to clone; a clone is the same inspector.
#[derive(Clone, Default)]
pub struct Inspector(Arc<Inner>);

#[derive(Default)]
struct Inner {
    /// Until when it is on, in microseconds since 1970; 0 while it is off.
    until: AtomicI64,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    traces: VecDeque<Finished>,
    bytes: usize,
}

/// Whether an inspector is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inspecting {
    /// It keeps nothing.
    Off,
    /// Until this moment.
    Until(Timestamp),
    /// As long as the server runs.
    Always,
}

/// What a trace is about.
#[derive(Debug, Clone)]
pub struct Subject {
    /// The id of the request or the job.
    pub id: String,
    /// Which of them it is.
    pub kind: TraceKind,
    /// Such as `GET /api/posts` or the name of the job.
    pub name: String,
    /// The trace of another system that it belongs to: `traceparent` (W3C Trace Context).
    pub parent: Option<String>,
}

/// What can be inspected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum TraceKind {
    /// A request of a client.
    Request,
    /// A job that the model declares.
    Job,
    /// A job that sends a mail or notifies somebody.
    Mail,
}

/// Which traces are asked for. Each part that is given must fit.
#[derive(Debug, Clone, Default)]
pub struct TraceFilter {
    /// The id of the request or job, or of the trace of another system that it belongs to.
    pub id: Option<String>,
    /// A part of the name.
    pub path: Option<String>,
    /// A status, or its first digit.
    pub status: Option<u16>,
    /// At least this many milliseconds.
    pub slower: Option<u64>,
    /// What was inspected.
    pub kind: Option<TraceKind>,
    /// How many, at most.
    pub limit: Option<usize>,
}

/// A trace that has ended.
#[derive(Clone)]
struct Finished {
    subject: Subject,
    status: Option<u16>,
    micros: u64,
    /// Without what was done in detail, and with it, as JSON.
    brief: Arc<str>,
    whole: Arc<str>,
}

impl fmt::Debug for Inspector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inspector").field("until", &self.0.until).finish_non_exhaustive()
    }
}

impl Inspector {
    /// One that is on as long as the server runs.
    pub fn always() -> Self {
        let inspector = Self::default();
        inspector.0.until.store(i64::MAX, Ordering::Relaxed);
        inspector
    }

    /// Turns it on until this moment. One that is always on stays so.
    pub fn turn_on(&self, until: Timestamp) {
        if self.0.until.load(Ordering::Relaxed) != i64::MAX {
            self.0.until.store(until.micros(), Ordering::Relaxed);
        }
    }

    /// Turns it off, and forgets what it has kept.
    pub fn turn_off(&self) {
        self.0.until.store(0, Ordering::Relaxed);
        *self.0.kept.lock() = Kept::default();
    }

    /// Whether it is on at this moment. What it has kept is forgotten at its end.
    pub fn state(&self, now: Timestamp) -> Inspecting {
        match self.0.until.load(Ordering::Relaxed) {
            0 => Inspecting::Off,
            i64::MAX => Inspecting::Always,
            until if until > now.micros() => Inspecting::Until(Timestamp::from_micros_saturating(until)),
            _ => {
                self.turn_off();
                Inspecting::Off
            }
        }
    }

    /// Begins a trace of what is worth one, if it is on.
    pub fn begin(&self, now: Timestamp, subject: impl FnOnce() -> Option<Subject>) -> Trace {
        // This is all that a request pays while it is off.
        if self.0.until.load(Ordering::Relaxed) == 0 || self.state(now) == Inspecting::Off {
            return Trace::OFF;
        }
        subject().map_or(Trace::OFF, |subject| Trace::begun(self.clone(), now, subject))
    }

    /// The traces that were asked for as JSON, the newest first: in detail if their id was given.
    pub fn find(&self, filter: &TraceFilter) -> Vec<Arc<str>> {
        let kept = self.0.kept.lock();
        let found = kept.traces.iter().rev().filter(|trace| trace.fits(filter));
        let found = found.take(filter.limit.unwrap_or(limits::INSPECTOR_LIST));
        found.map(|trace| Arc::clone(if filter.id.is_some() { &trace.whole } else { &trace.brief })).collect()
    }

    /// Keeps a trace, for which the oldest make room.
    pub(crate) fn keep(&self, subject: Subject, seen: &Seen) {
        let Ok((brief, whole)) = seen.written(&subject) else { return };
        let finished =
            Finished { subject, status: seen.status, micros: seen.micros, brief: brief.into(), whole: whole.into() };
        let mut kept = self.0.kept.lock();
        // It may have been turned off meanwhile.
        if self.0.until.load(Ordering::Relaxed) == 0 {
            return;
        }
        kept.bytes += finished.bytes();
        kept.traces.push_back(finished);
        while kept.bytes > limits::INSPECTOR_BYTES {
            let Some(oldest) = kept.traces.pop_front() else { break };
            kept.bytes -= oldest.bytes();
        }
    }
}

impl Finished {
    fn bytes(&self) -> usize {
        size_of::<Self>() + self.subject.name.len() + self.brief.len() + self.whole.len()
    }

    fn fits(&self, filter: &TraceFilter) -> bool {
        let TraceFilter { id, path, status, slower, kind, limit: _ } = filter;
        let Subject { id: own, kind: own_kind, name, parent } = &self.subject;
        let is_status = |status: u16| self.status.is_some_and(|own| own == status || own / 100 == status);
        id.as_ref().is_none_or(|id| own == id || parent.as_ref().is_some_and(|parent| parent.contains(id.as_str())))
            && path.as_ref().is_none_or(|path| name.contains(path.as_str()))
            && status.is_none_or(is_status)
            && slower.is_none_or(|millis| self.micros >= millis.saturating_mul(1000))
            && kind.is_none_or(|kind| kind == *own_kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::EPOCH;

    fn subject(id: usize) -> Subject {
        Subject { id: id.to_string(), kind: TraceKind::Request, name: "GET /api/posts".to_owned(), parent: None }
    }

    fn ids(inspector: &Inspector) -> Vec<String> {
        let found = inspector.find(&TraceFilter { limit: Some(usize::MAX), ..TraceFilter::default() });
        let id = |trace: &Arc<str>| serde_json::from_str::<serde_json::Value>(trace).expect("JSON")["id"].to_string();
        found.iter().map(id).collect()
    }

    #[test]
    fn the_oldest_traces_make_room() {
        let inspector = Inspector::always();
        let line = "x".repeat(1000);
        for id in 0..200 {
            let trace = inspector.begin(NOW, || Some(subject(id)));
            (0..400).for_each(|_| trace.line("info", &line));
            trace.end(Some(200), None);
        }
        let kept = ids(&inspector);
        assert_eq!(kept.first().map(String::as_str), Some("\"199\""));
        assert!((10..60).contains(&kept.len()), "{}", kept.len());
        assert!(inspector.0.kept.lock().bytes <= limits::INSPECTOR_BYTES);
    }

    #[test]
    fn a_trace_that_would_be_too_large_keeps_its_stages() {
        let inspector = Inspector::always();
        let trace = inspector.begin(NOW, || Some(subject(1)));
        trace.stage("plan", trace.moment());
        let line = "x".repeat(limits::TRACE_BYTES / 2);
        (0..3).for_each(|_| trace.line("info", &line));
        trace.end(None, None);
        let whole = inspector.find(&TraceFilter { id: Some("1".to_owned()), ..TraceFilter::default() });
        let whole: serde_json::Value = serde_json::from_str(&whole[0]).expect("JSON");
        assert_eq!((&whole["stages"][0]["name"], &whole["omitted"]), (&"plan".into(), &3.into()));
    }

    #[test]
    fn what_is_given_up_is_kept_and_nothing_else_after_its_end() {
        let inspector = Inspector::always();
        drop(inspector.begin(NOW, || Some(subject(1))));
        assert_eq!(ids(&inspector), ["\"1\""]);
        inspector.begin(NOW, || Some(subject(2))).end(None, None);
        assert_eq!(ids(&inspector).len(), 2, "an end is kept once");
        assert!(!inspector.begin(NOW, || None).is_on());
    }

    #[test]
    fn it_ends_by_itself() {
        let inspector = Inspector::default();
        assert!(!inspector.begin(NOW, || Some(subject(1))).is_on());
        inspector.turn_on(Timestamp::from_micros_saturating(10));
        let trace = inspector.begin(NOW, || Some(subject(1)));
        assert_eq!(inspector.state(Timestamp::from_micros_saturating(10)), Inspecting::Off);
        trace.end(None, None);
        assert_eq!(ids(&inspector), Vec::<String>::new(), "what ends afterwards isn't kept");
        let always = Inspector::always();
        always.turn_on(NOW);
        assert_eq!(always.state(Timestamp::from_micros_saturating(1)), Inspecting::Always);
    }
}
