//! What runs hooks before changes, as transactions see it.

use std::fmt;
use std::sync::Arc;

use backstay_base::{Conflict, Error, limits};
use backstay_model::HookRun;
use bytes::Bytes;
use futures_util::future::BoxFuture;

use super::session::Unanswered;
use crate::context::{HookSession, Reread};
use crate::inner::Inner;
use crate::{Answer, Context, Encoder};

/// Runs hooks outside of transactions.
pub(crate) trait Runner: fmt::Debug + Send + Sync {
    /// How records are written for hooks.
    fn encoder(&self) -> &'static dyn Encoder;

    /// What a read of a hook is answered, in the notation of hooks.
    fn answer(&self, answer: &Answer) -> Bytes;

    /// Runs the hooks that these changes wait for, and keeps their outcomes in the session.
    fn run<'a>(
        &'a self,
        within: (&'a Arc<Inner>, &'a Context),
        session: &'a HookSession,
        unanswered: Vec<Unanswered<dyn Reread>>,
    ) -> BoxFuture<'a, Result<(), HookFailure>>;
}

/// Why the hooks of some changes have no outcome.
pub(crate) struct HookFailure {
    /// The request that makes the changes; `None` if they are of several, or not of one of several requests.
    pub(crate) request: Option<usize>,
    pub(crate) error: Error,
}

impl From<Error> for HookFailure {
    fn from(error: Error) -> Self {
        Self { request: None, error }
    }
}

impl HookFailure {
    /// The request that makes all of these changes, if it is one.
    pub(crate) fn request_of(changes: &[Unanswered<dyn Reread>]) -> Option<usize> {
        let request = changes.first()?.request;
        request.filter(|_| changes.iter().all(|one| one.request == request))
    }
}

/// A runner as the engine keeps it, whose parts know nothing of transactions.
pub(crate) struct KeptRunner(pub(crate) Arc<dyn Runner>);

/// The engine was opened without what runs hooks.
#[derive(Debug, thiserror::Error)]
#[error("nothing runs the hooks of the model")]
struct NoRunner;

impl Inner {
    /// What runs hooks before changes.
    pub(crate) fn hook_runner(&self) -> Result<&Arc<dyn Runner>, Error> {
        let kept = self.hook_runner.get().and_then(|runner| runner.downcast_ref::<KeptRunner>());
        kept.map(|kept| &kept.0).ok_or_else(|| Error::internal(NoRunner))
    }
}

/// What hooks have read changes each time.
pub(crate) fn contended(unanswered: &[Unanswered<dyn Reread>], inner: &Inner) -> HookFailure {
    let name = |one: &Unanswered<dyn Reread>| match &inner.application.model.hooks[one.hook].run {
        HookRun::Before(name) => Some(name.to_string()),
        HookRun::Action(_) | HookRun::Notify(_) => None,
    };
    // The first one, on which the others may depend.
    let error = match unanswered.iter().find_map(name) {
        Some(action) => Conflict::Contended { action, runs: limits::HOOK_RUNS }.into(),
        None => Error::internal(NoRunner),
    };
    HookFailure { request: unanswered.first().and_then(|one| one.request), error }
}
