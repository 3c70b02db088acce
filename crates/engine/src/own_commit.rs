use backstay_base::{Error, limits};
use backstay_store::Writes;
use futures_util::future::BoxFuture;

use crate::write_requests::PreparedWrite;
use crate::{Transaction, TxContext, Written};

/// A write in a transaction of its own.
pub(crate) struct OwnCommit(pub(crate) PreparedWrite);

impl Transaction for OwnCommit {
    type Answer = Written;

    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn writes(&self) -> Writes {
        self.0.writes()
    }

    fn kilo_steps(&self) -> u32 {
        if self.0.reads() { limits::MIXED_KILO_STEPS } else { limits::TRANSACTION_KILO_STEPS }
    }

    /// If there is no memory for its answer, that is left out, as from a minimal one.
    fn run<'a>(&'a self, cx: &'a mut TxContext<'_, '_>) -> BoxFuture<'a, Result<Self::Answer, Error>> {
        Box::pin(async move {
            let mut written = self.0.run(cx).await?;
            written.body = written.body.and_then(|body| cx.cx.memory.keep(body).ok());
            Ok(written)
        })
    }
}
