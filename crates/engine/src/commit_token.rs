//! What a client shows to see what it wrote, whichever server it asks next.

use std::time::Instant;

use backstay_base::Error;
use backstay_store::{CommitId, ReplicaCount, SealedCommit};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::{Commits, Context, Engine};

impl Engine {
    /// What shows the last of these commits to every server on the database. If there is none, because nothing was changed or it
    /// was done before, what shows every commit up to now.
    pub fn commit_token(&self, commits: &Commits) -> String {
        let commit = commits.last().unwrap_or_else(|| {
            let mut random = [0; 8];
            self.ambient().entropy.fill(&mut random);
            CommitId::of_all(random)
        });
        URL_SAFE_NO_PAD.encode(self.inner.store.seal_commit(commit))
    }

    /// Waits until a state that includes what this token shows is what requests get here: at most a second, after which nothing
    /// that is remembered is trusted. Returns a moment before which it was committed, for `Arrival::freshness`. `None`: it is not a
    /// token of this application.
    pub async fn reach(&self, token: &str) -> Result<Option<Instant>, Error> {
        let mut sealed = SealedCommit::default();
        match URL_SAFE_NO_PAD.decode_slice(token, &mut sealed) {
            Ok(bytes) if bytes == sealed.len() => {
                self.inner.store.reach(&sealed).await.map_err(|error| self.inner.refused(error))
            }
            Ok(_) | Err(_) => Ok(None),
        }
    }

    /// Notes that this request, or a part of it, has written something: none of its caller's next reads goes to a replica that
    /// lacks it.
    pub fn wrote(&self, cx: &Context) {
        self.inner.store.wrote(cx.flow());
    }

    /// Which replicas of the database there are.
    pub fn replicas(&self) -> ReplicaCount {
        self.inner.store.replicas()
    }
}
