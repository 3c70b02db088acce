//! A call of an action, as its procedure sees it: it makes its requests in the name of its caller.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use backstay_base::{Ambient, Caller, CallerKind, Error, Flow, Limit, RecordId, Timestamp, limits};
use backstay_model::{Action, Collection, Model};
use backstay_store::KeyClaim;
use bytes::Bytes;

use crate::inner::{Inner, exists_for};
use crate::prepared::{self, Prepared};
use crate::read::PageSize;
use crate::{AskedJob, Context, NewJob, Notation, Request, RunningJob, Trace, answering, explain};

/// A call of an action, as its procedure sees it. Cheap to clone.
#[derive(Clone)]
pub struct ActionCall(Arc<Running>, Option<Arc<dyn RunningJob>>);

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

/// A write by an action that reads.
#[derive(Debug, thiserror::Error)]
#[error(
    "`{0}` reads, so it can't write: declare an action in `type Mutation`, and a route with another method than GET"
)]
struct WritesInQuery(String);

impl ActionCall {
    /// A call by this caller, of the action at this place. Its commits have keys within the claim.
    pub(crate) fn new(
        (inner, cx): (&Arc<Inner>, Context),
        (action, arguments): (usize, Arc<str>),
        notation: Arc<dyn Notation>,
        claim: Option<KeyClaim>,
    ) -> Self {
        Self(
            Arc::new(Running {
                inner: Arc::clone(inner),
                cx,
                action,
                arguments,
                notation,
                claim,
                begun: AtomicUsize::new(0),
                requests: AtomicUsize::new(0),
            }),
            None,
        )
    }

    /// The same call as an attempt at a job.
    pub(crate) fn of_job(self, job: Option<Arc<dyn RunningJob>>) -> Self {
        Self(self.0, job)
    }

    /// The job that it is an attempt at, if it is one.
    pub fn running_job(&self) -> Option<&Arc<dyn RunningJob>> {
        self.1.as_ref()
    }

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

    /// On whose account it runs.
    pub fn flow(&self) -> Flow {
        self.0.cx.flow()
    }

    /// When the call began.
    pub fn now(&self) -> Timestamp {
        self.0.cx.now
    }

    /// The request's trace.
    pub fn trace(&self) -> &Trace {
        self.0.cx.trace()
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
        let answer = Box::pin(answering::answer_prepared(&self.0.inner, &self.0.cx, prepared, PageSize::WHOLE)).await;
        answer.map(|answer| self.0.notation.answer(&answer)).map_err(placed)
    }

    /// Reads a request, if the call may make another one.
    pub(crate) fn read(&self, text: &str) -> Result<Request, Error> {
        self.count()?;
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
        if cx.trace().is_on() {
            Box::pin(explain::note(&self.0.inner, cx, &request)).await;
        }
        prepared::prepare(&self.0.inner, cx, request, self.0.notation.encoder()).await
    }

    /// The job that the call asks for, if it may make another request.
    pub(crate) fn job(&self, asked: AskedJob, cx: &Context) -> Result<NewJob, Error> {
        self.changing()?;
        asked.checked(&self.0.inner, cx)
    }

    /// The context of the call, for what else changes something in its caller's name: that counts as a request.
    ///
    /// # Errors
    /// If the action only reads, or has made too many requests.
    pub fn changing(&self) -> Result<&Context, Error> {
        self.count()?;
        match self.action().writes {
            true => Ok(&self.0.cx),
            false => Err(Error::internal(WritesInQuery(self.action().name.clone()))),
        }
    }

    fn count(&self) -> Result<(), Error> {
        const MAX: usize = limits::ACTION_REQUESTS;
        match self.0.requests.fetch_add(1, Ordering::Relaxed) >= MAX {
            true => Err(Limit::Size { what: "the action", max: MAX as u64, unit: "requests" }.into()),
            false => Ok(()),
        }
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
    pub(crate) fn next_claim(&self) -> Option<KeyClaim> {
        let index = self.0.begun.fetch_add(1, Ordering::Relaxed);
        let claim = self.0.claim.as_ref()?;
        Some(KeyClaim { key: format!("{}\n{index}", claim.key), ..claim.clone() })
    }
}
