use std::sync::Arc;

use backstay_base::Secret;
use backstay_identity::SignedIn;
use http::HeaderMap;
use parking_lot::RwLock;
use sha2::{Digest as _, Sha256};

use crate::ModelProblems;

/// What a server offers to the person who develops its application. It outlasts the versions that are served: a link that
/// signs the developer in, and what is wrong with the files while an earlier version is served.
#[derive(Debug)]
pub struct Development {
    token: Secret,
    developer: RwLock<Option<Developer>>,
    problems: RwLock<Option<Arc<ModelProblems>>>,
}

/// Whom the link signs in, and into which session.
#[derive(Debug, Clone)]
pub(crate) struct Developer {
    pub(crate) email: String,
    pub(crate) session: SignedIn,
}

impl Development {
    /// With the token that the link contains.
    pub fn new(token: Secret) -> Arc<Self> {
        Arc::new(Self { token, developer: RwLock::default(), problems: RwLock::default() })
    }

    /// The path and query of the link that signs the developer in.
    pub fn link(&self) -> String {
        format!("/dev/sign-in?token={}", self.token.expose())
    }

    /// The session into which the link signs the developer.
    pub fn sign_in(&self, email: String, session: SignedIn) {
        *self.developer.write() = Some(Developer { email, session });
    }

    /// The token of that session, if there is one.
    pub fn session(&self) -> Option<Secret> {
        self.developer().map(|developer| developer.session.token)
    }

    /// Says what is wrong with the files, or that they are what is served.
    pub fn set_problems(&self, problems: Option<Arc<ModelProblems>>) {
        *self.problems.write() = problems;
    }

    /// Whether something is wrong with the files, so that they aren't what is served.
    pub fn is_stale(&self) -> bool {
        self.problems.read().is_some()
    }

    pub(crate) fn problems(&self) -> Option<Arc<ModelProblems>> {
        self.problems.read().clone()
    }

    /// The developer, if the link contains this token; `None` as well if there is no session yet.
    pub(crate) fn follow_link(&self, token: &Secret) -> Option<Developer> {
        // How long it takes to compare hashes says nothing about what they are of.
        let hash = |token: &Secret| Sha256::digest(token.expose().as_bytes());
        self.developer().filter(|_| hash(token) == hash(&self.token))
    }

    fn developer(&self) -> Option<Developer> {
        self.developer.read().clone()
    }

    /// Adds `Backstay-Model` if the files are not what is served.
    pub(crate) fn mark(&self, headers: &mut HeaderMap) {
        if let Some(problems) = self.problems() {
            problems.mark(headers);
        }
    }
}
