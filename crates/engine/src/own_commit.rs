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

    fn run<'a>(&'a self, cx: &'a mut TxContext<'_, '_>) -> BoxFuture<'a, Result<Self::Answer, Error>> {
        Box::pin(async move {
            let written = self.0.run(cx).await?;
            Ok(kept(cx, written))
        })
    }
}

/// What is answered. If there is no memory for its body, that is left out, as from a minimal answer.
pub(crate) fn kept(cx: &TxContext<'_, '_>, mut written: Written) -> Written {
    written.body = written.body.and_then(|body| cx.cx.memory.keep(body).ok());
    written
}
