//! Actions: a procedure runs outside of any transaction, and makes its requests in the name of its caller.

use std::sync::Arc;

use backstay_base::{Caller, CallerKind, Error, Place, Unauthenticated, Violation, limits};
use backstay_expr::{Truth, truth};
use backstay_model::{Action, Returned};

use crate::bind::InMemory;
use crate::inner::{Inner, too_large};
use crate::remember::{self, Keyed};
use crate::{ActionCall, Context, Idempotency, Notation, Procedure, RunningJob};

/// Asks for an action.
#[derive(Debug, Clone)]
pub struct Act {
    /// Its place among the actions of the model.
    pub action: usize,
    /// Its arguments, as `Model::read_arguments` reads them.
    pub arguments: Arc<str>,
    /// The key of the call.
    pub idempotency: Option<Idempotency>,
    /// How the procedure writes its requests.
    pub notation: Arc<dyn Notation>,
    /// The job that it is, if it is one.
    pub job: Option<Arc<dyn RunningJob>>,
}

/// A result that is not what the model declares.
#[derive(Debug, thiserror::Error)]
#[error("`{action}` has returned something else than the model declares: {}", described(wrong))]
struct NotAsDeclared {
    action: String,
    wrong: Vec<Violation>,
}

fn described(wrong: &[Violation]) -> String {
    let each = wrong.iter().map(|violation| match &violation.at {
        Place::Whole => violation.kind.to_string(),
        at => format!("{at}: {}", violation.kind),
    });
    each.collect::<Vec<_>>().join("; ")
}

/// An invalid request of a procedure is the procedure's mistake, not its caller's.
fn of_procedure(action: &Action, error: Error) -> Error {
    match error {
        Error::Malformed(wrong) => Error::internal(Unreadable { action: action.name.clone(), wrong }),
        error => error,
    }
}

/// A procedure made an invalid request.
#[derive(Debug, thiserror::Error)]
#[error("`{action}` has made an invalid request: {}", described(wrong))]
struct Unreadable {
    action: String,
    wrong: Vec<Violation>,
}

/// An action without a procedure is found before anything is served.
#[derive(Debug, thiserror::Error)]
#[error("the action `{0}` has no procedure")]
struct NoProcedure(String);

/// Has an action carried out by this procedure, if the caller may call it.
pub(crate) async fn act(
    inner: &Arc<Inner>,
    cx: &Context,
    act: Act,
    procedure: Option<Arc<dyn Procedure>>,
) -> Result<Returned, Error> {
    may_call(inner, cx, act.action)?;
    if let Some(rate) = &inner.application.model.actions[act.action].rate {
        inner.call_rates.count((act.action, rate), cx.flow(), cx.now)?;
    }
    carry_out(inner, cx, act, procedure).await
}

/// The same, whoever may call it.
pub(crate) async fn carry_out(
    inner: &Arc<Inner>,
    cx: &Context,
    act: Act,
    procedure: Option<Arc<dyn Procedure>>,
) -> Result<Returned, Error> {
    let Act { action: index, arguments, idempotency, notation, job } = act;
    let model = &inner.application.model;
    let action = &model.actions[index];
    let is_inbox = action.route.as_ref().is_some_and(|route| route.inbox.is_some());
    let claim = remember::claim(cx.caller(), idempotency.as_ref(), Keyed::Act(&action.name))?;
    let claim = if is_inbox { claim.map(remember::of_inbox) } else { claim };
    let _held = claim.as_ref().map(|claim| inner.in_flight.hold(claim)).transpose()?;
    let procedure = procedure.ok_or_else(|| Error::internal(NoProcedure(action.name.clone())))?;
    let caller = (inner, within(inner, cx, action));
    let call = ActionCall::new(caller, (index, arguments), notation, claim).of_job(job);
    let began = cx.trace().moment();
    let result = procedure.run(call).await.map_err(|error| of_procedure(action, error));
    cx.trace().stage_named(began, || format!("function {}", action.function).into());
    let result = result?;
    if result.len() > limits::ANSWER_BYTES {
        return Err(too_large());
    }
    let returned = model.read_result(action, &result);
    returned.map_err(|wrong| Error::internal(NotAsDeclared { action: action.name.clone(), wrong }))
}

/// The same request within an action: rules see that by `auth.via`.
fn within(inner: &Inner, cx: &Context, action: &Action) -> Context {
    let via = cx.caller().via.iter().cloned().chain([action.name.as_str().into()]).collect();
    let caller = Caller { via, ..(**cx.caller()).clone() };
    let class = inner.application.class(&caller);
    Context::with(Arc::new(caller), class, cx.arrival()).of_job(cx.hook_depth)
}

/// Refuses a caller whom the rule of an action doesn't let call it.
fn may_call(inner: &Inner, cx: &Context, action: usize) -> Result<(), Error> {
    let rule = inner.application.policy.actions[action].rule().folded(&cx.class.truths);
    let decided = rule.decided().unwrap_or_else(|| {
        let nothing = InMemory { caller: cx.caller(), now: cx.now, this: &[], new: &[], old: &[] };
        truth(rule.expr(), &nothing)
    });
    match (decided, cx.caller().kind) {
        (Truth::True, _) | (_, CallerKind::System) => Ok(()),
        (_, CallerKind::Anonymous) => Err(Unauthenticated::Missing.into()),
        _ => Err(Error::Uncallable { action: inner.application.model.actions[action].name.clone() }),
    }
}
