//! Actions: a procedure runs outside of any transaction, and makes its requests in the name of its caller.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use backstay_base::{
    Ambient, Caller, CallerKind, Error, Limit, Place, RecordId, Timestamp, Unauthenticated, Violation, limits,
};
use backstay_expr::{Truth, truth};
use backstay_model::{Action, Collection, Model, Returned};
use backstay_store::KeyClaim;
use bytes::Bytes;

use crate::bind::InMemory;
use crate::block::{self, Begun};
use crate::inner::{Inner, exists_for, too_large};
use crate::prepared::{self, Prepared};
use crate::read::PageSize;
use crate::remember::{self, Keyed};
use crate::{Context, Idempotency, Notation, Procedure, Request};

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
}

/// A call of an action, as its procedure sees it. Cheap to clone.
#[derive(Clone)]
pub struct ActionCall(Arc<Running>);

struct Running {
    inner: Arc<Inner>,
    /// The caller, within the action.
    cx: Context,
    action: usize,
    arguments: Arc<str>,
    notation: Arc<dyn Notation>,
    claim: Option<KeyClaim>,
    /// How many blocks and writes of their own were begun: each has a key of its own.
    begun: AtomicUsize,
    /// How many requests were made.
    requests: AtomicUsize,
}

impl fmt::Debug for ActionCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ActionCall").field("action", &self.action().name).finish_non_exhaustive()
    }
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

/// A request of a procedure that can't be read is no mistake of its caller.
fn of_procedure(action: &Action, error: Error) -> Error {
    match error {
        Error::Malformed(wrong) => Error::internal(Unreadable { action: action.name.clone(), wrong }),
        error => error,
    }
}

/// A request that a procedure made can't be read.
#[derive(Debug, thiserror::Error)]
#[error("`{action}` has made an invalid request: {}", described(wrong))]
struct Unreadable {
    action: String,
    wrong: Vec<Violation>,
}

/// A write by an action that reads.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is a field of `type Query`, so it can't write; declare it in `type Mutation`")]
struct WritesInQuery(String);

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
    let Act { action: index, arguments, idempotency, notation } = act;
    let model = &inner.application.model;
    let action = &model.actions[index];
    may_call(inner, cx, index)?;
    let claim = remember::claim(cx.caller(), idempotency.as_ref(), Keyed::Act(&action.name))?;
    let _held = claim.as_ref().map(|claim| inner.in_flight.hold(claim)).transpose()?;
    let procedure = procedure.ok_or_else(|| Error::internal(NoProcedure(action.name.clone())))?;
    let call = ActionCall(Arc::new(Running {
        inner: Arc::clone(inner),
        cx: within(inner, cx, action),
        action: index,
        arguments,
        notation,
        claim,
        begun: AtomicUsize::new(0),
        requests: AtomicUsize::new(0),
    }));
    let result = procedure.run(call).await.map_err(|error| of_procedure(action, error))?;
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
    Context::with(Arc::new(caller), class, cx.arrival())
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

impl ActionCall {
    /// The action.
    pub fn action(&self) -> &Action {
        &self.0.inner.application.model.actions[self.0.action]
    }

    /// Its arguments: a JSON object with all of them.
    pub fn arguments(&self) -> &str {
        &self.0.arguments
    }

    /// Who calls it.
    pub fn caller(&self) -> &Caller {
        self.0.cx.caller()
    }

    /// When the call began.
    pub fn now(&self) -> Timestamp {
        self.0.cx.now
    }

    /// The model.
    pub fn model(&self) -> &Arc<Model> {
        &self.0.inner.application.model
    }

    /// Time and randomness.
    pub fn ambient(&self) -> &Ambient {
        &self.0.inner.ambient
    }

    /// Makes a request by itself: a write is a commit of its own.
    ///
    /// # Errors
    /// Why it was refused.
    pub async fn request(&self, text: &str) -> Result<Bytes, Error> {
        let request = self.read(text)?;
        let kind = request.kind();
        let placed = |error| self.0.notation.placed(kind, error);
        let prepared = self.prepare(&self.0.cx, request).await.map_err(placed)?;
        let prepared = match prepared {
            Prepared::Write(mut write) => {
                write.claim = self.next_claim();
                Prepared::Write(write)
            }
            read => read,
        };
        let answer = Box::pin(prepared.answer(&self.0.inner, &self.0.cx, PageSize::WHOLE)).await;
        answer.map(|answer| self.0.notation.answer(&answer)).map_err(placed)
    }

    /// Begins a block of requests that are one commit.
    ///
    /// # Errors
    /// If the database can't be asked what is kept under the key of the call.
    pub async fn begin(&self) -> Result<Begun, Error> {
        block::begin(self, self.next_claim()).await
    }

    /// Reads a request, if the call may make another one.
    pub(crate) fn read(&self, text: &str) -> Result<Request, Error> {
        const MAX: usize = limits::ACTION_REQUESTS;
        if self.0.requests.fetch_add(1, Ordering::Relaxed) >= MAX {
            return Err(Limit::Size { what: "the action", max: MAX as u64, unit: "requests" }.into());
        }
        let caller = self.caller();
        let visible = |collection: &Collection| exists_for(caller, collection);
        let me: Option<RecordId> = caller.id.filter(|_| caller.kind == CallerKind::Account);
        let request = self.0.notation.request(text.as_bytes(), &visible, me)?;
        if request.written().is_some() && !self.action().writes {
            return Err(Error::internal(WritesInQuery(self.action().name.clone())));
        }
        Ok(request)
    }

    /// Checks and plans a request.
    pub(crate) async fn prepare(&self, cx: &Context, request: Request) -> Result<Prepared, Error> {
        prepared::prepare(&self.0.inner, cx, request, self.0.notation.encoder()).await
    }

    pub(crate) fn inner(&self) -> &Arc<Inner> {
        &self.0.inner
    }

    pub(crate) fn context(&self) -> &Context {
        &self.0.cx
    }

    pub(crate) fn notation(&self) -> &dyn Notation {
        &*self.0.notation
    }

    /// The claim of the next commit. No client can send such a key: it isn't visible.
    fn next_claim(&self) -> Option<KeyClaim> {
        let index = self.0.begun.fetch_add(1, Ordering::Relaxed);
        let claim = self.0.claim.as_ref()?;
        Some(KeyClaim { key: format!("{}\n{index}", claim.key), ..claim.clone() })
    }
}
