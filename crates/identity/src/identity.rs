use std::fmt;
use std::sync::Arc;

use backstay_base::{Caller, Error, Secret, Timestamp};
use backstay_engine::{Context, Engine};

use crate::administration::{self, Administration, Parts};
use crate::authenticator::Authenticator;
use crate::directory::Directory;
use crate::known::KnownCallers;
use crate::schema::Schema;
use crate::sessions::NewSession;
use crate::set_up::SetUp;
use crate::sign_up_policy::SignUpPolicy;
use crate::{Settings, StartError};

/// Accounts, operators and API keys of one application. Cheap to clone.
#[derive(Clone)]
pub struct Identity(Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) directory: Directory,
    pub(crate) authenticator: Authenticator,
    pub(crate) settings: Settings,
    pub(crate) policy: SignUpPolicy,
    pub(crate) set_up: SetUp,
    known: KnownCallers,
}

impl Identity {
    /// Serves the accounts on this engine, whose model must include `system_model`.
    pub fn new(engine: Engine, settings: Settings) -> Result<Self, StartError> {
        settings.check()?;
        let schema = Schema::of(engine.model())?;
        Ok(Self(Arc::new(Inner {
            policy: SignUpPolicy::of(engine.model(), &schema)?,
            authenticator: Authenticator::start(&settings, engine.ambient())?,
            directory: Directory { engine, schema },
            settings,
            set_up: SetUp::default(),
            known: KnownCallers::new(),
        })))
    }

    /// The caller whose session token or API key this is. Runs no statement as long as the token is known and nothing
    /// about its caller has changed. Ending a session or changing its roles takes effect with the next request.
    pub async fn authenticate(&self, token: &Secret) -> Result<Arc<Caller>, Error> {
        self.0.known.caller(&self.0.directory, token).await
    }

    /// An anonymous caller who shows the link whose token this is; see `authenticate`.
    pub async fn authenticate_link(&self, token: &Secret) -> Result<Arc<Caller>, Error> {
        self.0.known.link(&self.0.directory, token).await
    }

    /// What operators can do, if the caller is an operator or Backstay itself. Fails with 401 for an anonymous
    /// caller, otherwise with 403.
    pub fn administration<'a>(&'a self, cx: &'a Context) -> Result<Administration<'a>, Error> {
        let Inner { directory, authenticator, settings, set_up, .. } = &*self.0;
        administration::open(cx, Parts { directory, authenticator, settings, set_up })
    }

    /// Whether there is an operator.
    pub async fn has_operator(&self) -> Result<bool, Error> {
        let Directory { engine, schema } = &self.0.directory;
        Ok(!engine.peek_page(schema.operators.collection, None, 1).await?.is_empty())
    }

    /// How many password hashes were computed since the start.
    pub fn hashes_computed(&self) -> u64 {
        self.0.authenticator.hashes_computed()
    }

    pub(crate) fn inner(&self) -> &Inner {
        &self.0
    }

    /// A session that begins now.
    pub(crate) fn new_session(&self, now: Timestamp) -> NewSession {
        NewSession::new(self.0.directory.engine.ambient(), now, self.0.settings.session_length())
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").field("settings", &self.0.settings).finish_non_exhaustive()
    }
}
