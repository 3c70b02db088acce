//! What the engine notes in the trace of a request of its statements and transactions.

use std::time::Instant;

use backstay_base::Error;
use backstay_store::{Executed, ReadStats};
use parking_lot::Mutex;

use crate::bind::Question;
use crate::inner::Inner;
use crate::recorder::{Recorded, Recorder};
use crate::trace::TracedStatement;
use crate::{Context, Trace, TxContext};

/// Notes a statement that was run by itself, also if it has failed.
pub(crate) fn statement(
    (inner, cx): (&Inner, &Context),
    question: &Question<'_>,
    (began, read): (Instant, &Result<ReadStats, Error>),
) {
    let mut recorder = Recorder::of_any();
    recorder.asked(&inner.application.model, question);
    let (stats, error) = match read {
        Ok(stats) => (*stats, None),
        Err(error) => (ReadStats::default(), Some(error.code())),
    };
    let executed = Executed { sql: question.template.text().into(), stats, time: began.elapsed() };
    let Recorded { statements, .. } = recorder.recorded(vec![executed]);
    let traced = statements.into_iter().map(|(statement, time)| TracedStatement::new(statement, time, error));
    cx.trace().statements(traced.collect());
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
        let Recorded { rules, statements, queued, omitted } = recorder.recorded(cx.tx.watched());
        let trace = cx.cx.trace();
        trace.rules(rules);
        let traced = statements.into_iter().map(|(statement, time)| TracedStatement::new(statement, time, None));
        trace.statements(traced.collect());
        if is_done {
            trace.queued(&queued);
        }
        trace.omit(omitted);
        trace.stage_named(began, || format!("run {name}").into());
        *self.ran.lock() = trace.moment();
    }
}
