//! Runs hooks before changes: outside of the transaction, for all changes of it that wait for one, and reads what they return.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use backstay_base::{Error, Violation, limits};
use backstay_model::{Collection, HookRun};
use bytes::Bytes;
use futures_util::future::BoxFuture;

use super::call::{BeforeCall, BeforeOutcome, BeforeProcedure};
use super::mistake::{Mistake, described};
use super::runner::{HookFailure, Runner};
use super::session::{Answered, Noted, Unanswered, Verdict};
use crate::context::{HookSession, Reread};
use crate::inner::Inner;
use crate::{Answer, Context, Encoder, Notation, Procedures};

/// Runs hooks by these procedures.
pub(crate) struct Hooks {
    pub(crate) procedures: Arc<dyn Procedures>,
    /// How they write requests, and read records.
    pub(crate) notation: Arc<dyn Notation>,
}

impl fmt::Debug for Hooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hooks").finish_non_exhaustive()
    }
}

/// A hook without a function is found before anything is served.
#[derive(Debug, thiserror::Error)]
#[error("no function `{0}` carries out the hook")]
struct NoFunction(String);

/// A procedure has another number of outcomes than of changes.
#[derive(Debug, thiserror::Error)]
#[error("the hook returned {outcomes} outcomes for {changes} changes")]
struct OutOfStep {
    outcomes: usize,
    changes: usize,
}

impl Runner for Hooks {
    fn encoder(&self) -> &'static dyn Encoder {
        self.notation.encoder()
    }

    fn answer(&self, answer: &Answer) -> Bytes {
        self.notation.answer(answer)
    }

    fn run<'a>(
        &'a self,
        within: (&'a Arc<Inner>, &'a Context),
        session: &'a HookSession,
        unanswered: Vec<Unanswered<dyn Reread>>,
    ) -> BoxFuture<'a, Result<(), HookFailure>> {
        Box::pin(async move {
            let mut of_hooks: BTreeMap<usize, Vec<Unanswered<dyn Reread>>> = BTreeMap::new();
            for one in unanswered {
                of_hooks.entry(one.hook).or_default().push(one);
            }
            for (hook, all) in of_hooks {
                for some in parts(all) {
                    let blamed = HookFailure::request_of(&some);
                    let ran = self.run_hook(within, session, (hook, some)).await;
                    ran.map_err(|error| HookFailure { request: blamed, error })?;
                }
            }
            Ok(())
        })
    }
}

impl Hooks {
    async fn run_hook(
        &self,
        (inner, cx): (&Arc<Inner>, &Context),
        session: &HookSession,
        (hook, changes): (usize, Vec<Unanswered<dyn Reread>>),
    ) -> Result<(), Error> {
        let model = &inner.application.model;
        let hook = &model.hooks[hook];
        let collection = model.collection(hook.collection);
        let HookRun::Before(function) = &hook.run else { return Ok(()) };
        let procedure = self.procedures.before(function);
        let procedure = procedure.ok_or_else(|| Error::internal(NoFunction(function.to_string())))?;
        let at = session.now().unwrap_or(cx.now);
        let keys: Vec<_> = changes.iter().map(|one| one.key).collect();
        let call = BeforeCall::new((inner, cx.at(at)), &self.notation, changes);
        let began = cx.trace().moment();
        let called = called(&*procedure, call).await;
        cx.trace().stage_named(began, || format!("hook {function}").into());
        let (outcomes, reads) = called.map_err(|error| of_hook(function, error))?;
        if outcomes.len() != keys.len() {
            return Err(Error::internal(OutOfStep { outcomes: outcomes.len(), changes: keys.len() }));
        }
        for ((key, reads), outcome) in keys.into_iter().zip(reads).zip(outcomes) {
            let bytes = outcome.bytes();
            let verdict = self.verdict((function, collection), outcome)?;
            session.answer(key, Answered { reads, verdict, bytes })?;
        }
        Ok(())
    }

    fn verdict(
        &self,
        (function, collection): (&Arc<str>, &Collection),
        outcome: BeforeOutcome,
    ) -> Result<Verdict, Error> {
        Ok(match outcome {
            BeforeOutcome::Refused { code, message, field } => Verdict::Refused { code, message, field },
            BeforeOutcome::Changes(text) => match self.notation.changes(collection.id, text.as_bytes()) {
                Ok(changes) => Verdict::Changes(Box::new(changes)),
                Err(Error::Invalid(wrong) | Error::Malformed(wrong)) => {
                    let what = format!("returned changes of {} that can't be read", collection.name);
                    return Err(Mistake::of(function, what, described(&wrong)));
                }
                Err(error) => return Err(error),
            },
        })
    }
}

type Called = (Vec<BeforeOutcome>, Vec<Vec<Noted<dyn Reread>>>);

async fn called(procedure: &dyn BeforeProcedure, call: BeforeCall) -> Result<Called, Error> {
    let outcomes = procedure.run(call.clone()).await?;
    Ok((outcomes, call.into_reads()))
}

/// An invalid request of a hook is the hook's mistake, and not its caller's.
fn of_hook(function: &Arc<str>, error: Error) -> Error {
    let mistake = |wrong: &[Violation]| Mistake::of(function, "made an invalid request".to_owned(), described(wrong));
    match error {
        Error::Malformed(wrong) => mistake(&wrong),
        error => error,
    }
}

/// Changes for which a hook is called at once.
fn parts(all: Vec<Unanswered<dyn Reread>>) -> Vec<Vec<Unanswered<dyn Reread>>> {
    let (mut parts, mut bytes) = (Vec::<Vec<Unanswered<dyn Reread>>>::new(), usize::MAX);
    for one in all {
        let is_full = |part: &Vec<Unanswered<dyn Reread>>| part.len() >= limits::HOOK_CALL_CHANGES;
        bytes = bytes.saturating_add(one.text.len());
        match parts.last_mut() {
            Some(part) if !is_full(part) && bytes <= limits::HOOK_CALL_BYTES => part.push(one),
            _ => {
                bytes = one.text.len();
                parts.push(vec![one]);
            }
        }
    }
    parts
}
