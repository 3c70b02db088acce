//! What the engine notes in the trace of a request of its statements and transactions.

use std::time::Instant;

use backstay_store::{Executed, ReadStats};
use parking_lot::Mutex;

use crate::bind::Question;
use crate::inner::Inner;
use crate::recorder::{Recorded, Recorder};
use crate::{Context, Trace, TxContext};

/// Notes a statement that was run by itself.
pub(crate) fn statement(
    (inner, cx): (&Inner, &Context),
    question: &Question<'_>,
    (began, stats): (Instant, ReadStats),
) {
    let mut recorder = Recorder::of_any();
    let statement = recorder.question(&inner.application.model, question);
    let time = began.elapsed();
    let Recorded { statements, .. } = recorder.recorded(vec![Executed { statement, stats, time }]);
    cx.trace().statements(statements);
    cx.trace().stage("read", Some(began));
}

/// Notes when the parts of a transaction begin and end.
#[derive(Debug)]
pub(crate) struct Stages {
    queued: Option<Instant>,
    ran: Mutex<Option<Instant>>,
}

impl Stages {
    /// A transaction that now waits for its turn.
    pub(crate) fn queued(trace: &Trace) -> Self {
        Self { queued: trace.moment(), ran: Mutex::default() }
    }

    /// It has been carried out, and is durable now if it has changed anything.
    pub(crate) fn committed(&self, trace: &Trace) {
        trace.stage("commit", self.ran.lock().take());
    }

    /// It begins to run: what it does is recorded.
    pub(crate) fn begin(&self, cx: &mut TxContext<'_, '_>) -> Option<Instant> {
        let trace = cx.cx.trace();
        if !trace.is_on() {
            return None;
        }
        trace.stage("wait", self.queued);
        let began = trace.moment();
        cx.tx.watch();
        cx.recorder = Some(Recorder::of_any());
        began
    }

    /// It has run.
    pub(crate) fn end(&self, cx: &mut TxContext<'_, '_>, (name, is_done): (&str, bool), began: Option<Instant>) {
        let Some(recorder) = began.and(cx.recorder.take()) else { return };
        let Recorded { rules, statements, queued } = recorder.recorded(cx.tx.watched());
        let trace = cx.cx.trace();
        trace.rules(rules);
        trace.statements(statements);
        if is_done {
            trace.queued(queued);
        }
        trace.stage(format!("run {name}"), began);
        *self.ran.lock() = trace.moment();
    }
}
