//! What runs hooks before changes, as transactions see it.

use std::fmt;
use std::sync::Arc;

use backstay_base::{Conflict, Error, limits};
use backstay_model::HookRun;
use bytes::Bytes;
use futures_util::future::BoxFuture;

use super::session::{Session, Unanswered};
use crate::inner::Inner;
use crate::{Answer, Context, Encoder};

/// Runs hooks outside of transactions.
pub(crate) trait Runner: fmt::Debug + Send + Sync {
    /// How records are written for hooks.
    fn encoder(&self) -> &'static dyn Encoder;

    /// What a read of a hook is answered, in the notation of hooks.
    fn answer(&self, answer: &Answer) -> Bytes;

    /// Runs the hooks that these changes wait for, and keeps what they come to in the session.
    fn run<'a>(
        &'a self,
        within: (&'a Arc<Inner>, &'a Context),
        session: &'a Session,
        unanswered: Vec<Unanswered>,
    ) -> BoxFuture<'a, Result<(), Error>>;
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

/// That what hooks have read changes each time.
pub(crate) fn contended(unanswered: &[Unanswered], inner: &Inner) -> Error {
    let hooks = unanswered.iter().map(|one| &inner.application.model.hooks[one.hook].run);
    let names = hooks.filter_map(|run| if let HookRun::Before(name) = run { Some(name.to_string()) } else { None });
    Conflict::Contended { action: names.last().unwrap_or_default(), runs: limits::HOOK_RUNS }.into()
}
