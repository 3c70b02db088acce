//! What a client shows to see what it wrote, whichever server it asks next.

use backstay_base::Error;
use backstay_store::{CommitId, SealedCommit};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::{Commits, Engine};

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
    /// that is remembered is trusted. `false`: it is not a token of this application.
    pub async fn reach(&self, token: &str) -> Result<bool, Error> {
        let mut sealed = SealedCommit::default();
        match URL_SAFE_NO_PAD.decode_slice(token, &mut sealed) {
            Ok(bytes) if bytes == sealed.len() => {
                self.inner.store.reach(&sealed).await.map_err(|error| self.inner.refused(error))
            }
            Ok(_) | Err(_) => Ok(false),
        }
    }
}
