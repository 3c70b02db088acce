use std::fmt;
use std::sync::Arc;

use backstay_base::{Error, RecordId, Secret, Timestamp};
use backstay_engine::{Context, Engine, Get, decode_draft};
use backstay_scalar::Value;
use bytes::Bytes;
use parking_lot::Mutex;

use crate::attempts::Attempts;
use crate::credential::{Credential, Subject};
use crate::hashing::Hasher;
use crate::known::KnownCallers;
use crate::schema::{Accounts, Schema};
use crate::sessions;
use crate::writable::SignUpPolicy;
use crate::{Settings, StartError};

/// Who is calling. Cheap to clone.
#[derive(Clone)]
pub struct Identity(Arc<Inner>);

struct Inner {
    engine: Engine,
    settings: Settings,
    schema: Schema,
    policy: SignUpPolicy,
    hasher: Hasher,
    known: KnownCallers,
    attempts: Attempts,
    set_up: Mutex<Option<Secret>>,
}

/// The answer to a sign-in, a sign-up and a change of password.
#[derive(Debug, Clone)]
pub struct SignedIn {
    /// What to show from now on. It is not stored and not shown again.
    pub token: Secret,
    /// The account's record (of an operator: the operator's) as JSON, as its owner reads it. An owner who may not read
    /// it gets the `id` alone.
    pub account: Bytes,
    /// When the token ends of itself.
    pub expires_at: Timestamp,
}

impl Identity {
    /// Accounts on this engine, whose model was loaded together with `system_model`.
    pub fn new(engine: Engine, settings: Settings) -> Result<Self, StartError> {
        settings.check()?;
        let schema = Schema::of(engine.model())?;
        let policy = SignUpPolicy::of(engine.model(), &schema);
        let hasher = Hasher::start(settings.hashing, engine.ambient().clone())?;
        let attempts = Attempts::new(&settings, engine.ambient());
        let (known, set_up) = (KnownCallers::new(), Mutex::new(None));
        Ok(Self(Arc::new(Inner { engine, settings, schema, policy, hasher, known, attempts, set_up })))
    }

    /// How many password hashes were computed since the start.
    pub fn hashes_computed(&self) -> u64 {
        self.0.hasher.computed()
    }

    /// Makes the answer to a sign-in out of what was stored.
    pub(crate) async fn answer(
        &self,
        cx: &Context,
        credential: &Credential,
        session: RecordId,
        new: sessions::NewSession,
    ) -> Result<SignedIn, Error> {
        let schema = &self.0.schema;
        let collection = match (credential.subject, schema.accounts) {
            (Subject::Account(_), Some(accounts)) => accounts.collection,
            _ => schema.operators.collection,
        };
        let caller = Arc::new(credential.caller(Some(session)));
        let owner = Context { caller, ..cx.clone() };
        let account = self.own_record(&owner, collection, credential.subject.id()).await?;
        Ok(SignedIn { token: new.token, account, expires_at: new.expires_at })
    }

    /// A record as its owner reads it; its id alone where they may not read it.
    pub(crate) async fn own_record(
        &self,
        cx: &Context,
        collection: backstay_model::CollectionId,
        id: RecordId,
    ) -> Result<Bytes, Error> {
        match self.0.engine.get(cx, Get { collection, id, select: None }).await {
            Ok(found) => Ok(found.body),
            Err(Error::NotFound { .. } | Error::Forbidden { .. }) => Ok(Bytes::from(format!("{{\"id\":\"{id}\"}}"))),
            Err(error) => Err(error),
        }
    }

    /// An e-mail address in the form in which it is stored; `None` if it is none.
    pub(crate) fn stored_email(&self, accounts: Accounts, text: &str) -> Option<Arc<str>> {
        let model = self.0.engine.model();
        let name = &model.field(accounts.collection, accounts.email).name;
        let body = serde_json::to_vec(&std::collections::BTreeMap::from([(name, text)])).ok()?;
        let draft = decode_draft(model, accounts.collection, &body).ok()?;
        match draft.value(accounts.email) {
            Some(Value::Text(email)) => Some(Arc::clone(email)),
            _ => None,
        }
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.0.engine
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.0.settings
    }

    pub(crate) fn schema(&self) -> &Schema {
        &self.0.schema
    }

    pub(crate) fn policy(&self) -> &SignUpPolicy {
        &self.0.policy
    }

    pub(crate) fn hasher(&self) -> &Hasher {
        &self.0.hasher
    }

    pub(crate) fn known(&self) -> &KnownCallers {
        &self.0.known
    }

    pub(crate) fn attempts(&self) -> &Attempts {
        &self.0.attempts
    }

    /// The one-time token of the first operator, once it was asked for.
    pub(crate) fn set_up(&self) -> &Mutex<Option<Secret>> {
        &self.0.set_up
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").field("settings", &self.0.settings).finish_non_exhaustive()
    }
}
