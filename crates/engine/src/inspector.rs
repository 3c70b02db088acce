//! The inspector: what a server has done lately, in memory and bounded, for the people who develop and operate it.

use std::sync::Arc;

use backstay_base::Timestamp;

use crate::Trace;
use crate::kept_traces::{KeptTraces, Subject, TraceFilter};

/// Keeps traces of requests and jobs while it is on. Cheap to clone; a clone is the same inspector.
#[derive(Debug, Clone, Default)]
pub struct Inspector(KeptTraces);

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

impl Inspector {
    /// One that is on as long as the server runs.
    pub fn always() -> Self {
        let inspector = Self::default();
        inspector.0.keep_until(i64::MAX);
        inspector
    }

    /// Turns it on until this moment. One that is always on stays so.
    pub fn turn_on(&self, until: Timestamp) {
        if self.0.until() != i64::MAX {
            self.0.keep_until(until.micros());
        }
    }

    /// Turns it off, and forgets what it has kept.
    pub fn turn_off(&self) {
        self.0.clear();
    }

    /// Whether it is on at this moment. What it has kept is forgotten at its end.
    pub fn state(&self, now: Timestamp) -> Inspecting {
        match self.0.until() {
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
        if self.0.until() == 0 || self.state(now) == Inspecting::Off {
            return Trace::OFF;
        }
        subject().map_or(Trace::OFF, |subject| Trace::begun(self.0.clone(), now, subject))
    }

    /// The traces that were asked for as JSON, the newest first: in detail if their id was given.
    pub fn find(&self, filter: &TraceFilter) -> Vec<Arc<str>> {
        self.0.find(filter)
    }
}

#[cfg(test)]
mod tests {
    use backstay_base::limits;

    use super::*;
    use crate::TraceKind;

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
            trace.end(Some(200), || None);
        }
        let kept = ids(&inspector);
        assert_eq!(kept.first().map(String::as_str), Some("\"199\""));
        assert!((10..60).contains(&kept.len()), "{}", kept.len());
        let all = TraceFilter { limit: Some(usize::MAX), ..TraceFilter::default() };
        assert!(inspector.find(&all).len() * 400_000 <= limits::INSPECTOR_BYTES);
    }

    fn whole(inspector: &Inspector, id: usize) -> serde_json::Value {
        let found = inspector.find(&TraceFilter { id: Some(id.to_string()), ..TraceFilter::default() });
        serde_json::from_str(&found[0]).expect("JSON")
    }

    #[test]
    fn a_trace_that_would_be_too_large_keeps_its_beginning_and_its_stages() {
        let inspector = Inspector::always();
        let trace = inspector.begin(NOW, || Some(subject(1)));
        let line = "x".repeat(limits::TRACE_BYTES / 2 - 100);
        (0..3).for_each(|_| trace.line("info", &line));
        trace.stage("plan", trace.moment());
        trace.end(None, || None);
        let whole = whole(&inspector, 1);
        let lines = whole["log"].as_array().map(Vec::len);
        assert_eq!((&whole["stages"][0]["name"], lines, &whole["omitted"]), (&"plan".into(), Some(2), &1.into()));
    }

    #[test]
    fn traces_that_have_not_ended_are_bounded_together() {
        let inspector = Inspector::always();
        let line = "x".repeat(1000);
        let noting = |id: usize| {
            let trace = inspector.begin(NOW, || Some(subject(id)));
            (0..400).for_each(|_| trace.line("info", &line));
            trace
        };
        let open: Vec<Trace> = (0..100).map(noting).collect();
        for trace in open {
            trace.end(None, || None);
        }
        let lines: usize = (0..100).filter_map(|id| whole(&inspector, id)["log"].as_array().map(Vec::len)).sum();
        assert!((3_500..4_500).contains(&lines), "{lines} of 40,000 lines of 1,000 bytes");
        // What has ended takes nothing from others any more.
        noting(200).end(None, || None);
        assert_eq!(whole(&inspector, 200)["omitted"], 0);
    }

    #[test]
    fn an_end_is_not_put_into_words_that_nobody_reads() {
        Trace::OFF.end(Some(500), || unreachable!("nothing is noted"));
        Trace::OFF.stage_named(Trace::OFF.moment(), || unreachable!("nothing is noted"));
    }

    #[test]
    fn what_is_given_up_is_kept_and_nothing_else_after_its_end() {
        let inspector = Inspector::always();
        drop(inspector.begin(NOW, || Some(subject(1))));
        assert_eq!(ids(&inspector), ["\"1\""]);
        inspector.begin(NOW, || Some(subject(2))).end(None, || None);
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
        trace.end(None, || None);
        assert_eq!(ids(&inspector), Vec::<String>::new(), "what ends afterwards isn't kept");
        let always = Inspector::always();
        always.turn_on(NOW);
        assert_eq!(always.state(Timestamp::from_micros_saturating(1)), Inspecting::Always);
    }
}
