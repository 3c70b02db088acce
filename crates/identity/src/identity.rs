use std::fmt;
use std::sync::Arc;

use backstay_base::{CallerKind, Error, RecordId, Secret, Timestamp, Unauthenticated, Value};
use backstay_engine::{Context, Engine, Get, decode_draft};
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

    /// The caller's own view of itself, as JSON: `kind`, `id`, `roles`, `claims`, `expiresAt` of the session (null
    /// without one), and `account`: the record of the account, the operator or the key, as the caller may read it.
    pub async fn me(&self, cx: &Context) -> Result<Bytes, Error> {
        let (caller, schema) = (&cx.caller, &self.0.schema);
        let id = caller.id.ok_or(Unauthenticated::Missing)?;
        let collection = match caller.kind {
            CallerKind::Account => schema.accounts.map(|accounts| accounts.collection),
            CallerKind::Operator => Some(schema.operators.collection),
            CallerKind::Service => Some(schema.keys.collection),
            CallerKind::Anonymous | CallerKind::System => None,
        };
        let collection = collection.ok_or(Unauthenticated::Missing)?;
        let expires_at = match caller.session {
            Some(session) => {
                let record = self.0.engine.peek(schema.sessions.collection, session).await?;
                record.and_then(|record| sessions::expiry(schema, &record))
            }
            None => None,
        };
        let account = self.own_record(cx, collection, id).await?;
        let account = std::str::from_utf8(&account).map_err(Error::internal)?;
        let me = Me {
            kind: caller.kind.name(),
            id: id.to_string(),
            roles: caller.roles.iter().map(|role| &**role).collect(),
            claims: &caller.claims,
            expires_at: expires_at.map(|moment| moment.to_string()),
            account: serde_json::from_str(account).map_err(Error::internal)?,
        };
        serde_json::to_vec(&me).map(Bytes::from).map_err(Error::internal)
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

    async fn own_record(
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

#[derive(serde::Serialize)]
#[serde(rename_all = "camelCase")]
struct Me<'a> {
    kind: &'static str,
    id: String,
    roles: Vec<&'a str>,
    claims: &'a std::collections::BTreeMap<String, String>,
    expires_at: Option<String>,
    account: &'a serde_json::value::RawValue,
}
