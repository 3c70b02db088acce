//! Whether the server is silent: it takes what it is sent and answers nothing, as a stopped machine does. The follower finds out,
//! because it always asks something. Whoever waits for the server then gives up, and whoever comes later doesn't begin to wait.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{Either, select};
use tokio::sync::watch;
use tokio::time::{Instant as Deadline, timeout_at};

use crate::{ServerProblem, StoreError};

/// How long the server may take to answer before the connection is given up, and then to accept another one before it is silent.
pub(super) const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);

/// What an attempt to connect has heard of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Heard {
    /// It has answered, if only with a refusal.
    Answer,
    /// Nothing, as of a machine that is stopped or off.
    Nothing,
    /// Something that isn't from the server, or may not be: a name that can't be resolved, a certificate.
    Unclear,
}

/// Whether the server is silent.
#[derive(Debug, Default)]
pub(super) struct Silence(watch::Sender<bool>);

impl Silence {
    /// The server hasn't answered for so long that nobody waits for it any more.
    pub(super) fn begin(&self) {
        if !self.0.send_replace(true) {
            let problem = ServerProblem::Silent;
            tracing::error!(%problem, help = problem.help(), "requests that need the database get 503 until it answers");
        }
    }

    pub(super) fn is_begun(&self) -> bool {
        *self.0.borrow()
    }

    /// It has answered.
    pub(super) fn end(&self) {
        if self.0.send_replace(false) {
            tracing::info!("the database server answers again");
        }
    }

    /// Completes what waits for the server, unless the server is silent. `over` is the error if it isn't done by the deadline.
    pub(super) async fn bound<T>(
        &self,
        (deadline, over): (Deadline, StoreError),
        work: impl Future<Output = T>,
    ) -> Result<T, StoreError> {
        let mut state = self.0.subscribe();
        let silent = pin!(state.wait_for(|is_silent| *is_silent));
        match select(pin!(timeout_at(deadline, work)), silent).await {
            Either::Left((done, _)) => done.map_err(|_| over),
            Either::Right(_) => Err(silent_server()),
        }
    }
}

/// The error of a request beside a silent server.
pub(super) fn silent_server() -> StoreError {
    StoreError::Unreachable(Arc::new(ServerProblem::Silent))
}
