use std::sync::Arc;

use backstay_base::{Caller, Error, Secret, Timestamp, Unauthenticated, limits};
use backstay_engine::{Dependency, Seen};
use backstay_scalar::Value;
use quick_cache::sync::Cache;

use crate::Identity;
use crate::credential::Credential;
use crate::keys::KeyInfo;
use crate::sessions;
use crate::token::{Purpose, TokenHash};

/// Callers by the hash of what they showed. Each is good until it expires or one of the records that it was made of
/// changes, which the version clock tells.
#[derive(Debug)]
pub(crate) struct KnownCallers(Cache<TokenHash, Known>);

#[derive(Debug, Clone)]
struct Known {
    caller: Arc<Caller>,
    expires_at: Option<Timestamp>,
    seen: Seen,
}

/// A caller as the store has it, and whether the clock stood still while it was read.
struct Fresh {
    known: Known,
    steady: bool,
}

impl KnownCallers {
    pub(crate) fn new() -> Self {
        Self(Cache::new(limits::KNOWN_CALLERS))
    }
}

impl Identity {
    /// The caller whose session token or API key this is. Costs no statement while the token is known and nothing about
    /// its caller has changed. What ends a session or changes its roles holds for the very next request.
    pub async fn recognise(&self, token: &Secret) -> Result<Arc<Caller>, Error> {
        let purpose = Purpose::of(token).ok_or(Unauthenticated::Token)?;
        let hash = TokenHash::of(token);
        let now = self.engine().ambient().clock.now();
        let callers = &self.known().0;
        if let Some(known) = callers.get(&hash) {
            if known.lasts(now) && self.engine().unchanged(&known.seen) {
                return Ok(known.caller);
            }
            callers.remove(&hash);
        }
        let fresh = match purpose {
            Purpose::Session => self.read_session(&hash).await?,
            Purpose::Key => self.read_key(&hash).await?,
            Purpose::Invitation | Purpose::SetUp => None,
        };
        let fresh = fresh.filter(|fresh| fresh.known.lasts(now)).ok_or(Unauthenticated::Token)?;
        let caller = Arc::clone(&fresh.known.caller);
        if fresh.steady {
            callers.insert(hash, fresh.known);
        }
        Ok(caller)
    }

    /// Which records a session leads to is known only when it has been read. That nothing in their collections changed
    /// from before until the records' own counts are taken proves that these counts belong to what was read.
    async fn read_session(&self, hash: &TokenHash) -> Result<Option<Fresh>, Error> {
        let (engine, schema) = (self.engine(), self.schema());
        let (sessions, credentials) = (&schema.sessions, &schema.credentials);
        let whole = [Dependency::Collection(sessions.collection), Dependency::Collection(credentials.collection)];
        let before = engine.observe(&whole);

        let by = [(sessions.token_hash, Value::text(hash.text()))];
        let Some(session) = engine.peek_by(sessions.collection, &by).await? else { return Ok(None) };
        let Some(credential) = session.value(sessions.credential).as_id() else { return Ok(None) };
        let Some(record) = engine.peek(credentials.collection, credential).await? else { return Ok(None) };
        let credential = Credential::read(schema, &record)?;
        if credential.disabled {
            return Ok(None);
        }
        let seen = engine.observe(&[
            Dependency::Record(sessions.collection, session.id()),
            Dependency::Record(credentials.collection, credential.id),
        ]);
        let known = Known {
            caller: Arc::new(credential.caller(Some(session.id()))),
            expires_at: Some(sessions::expiry(schema, &session).unwrap_or(Timestamp::from_micros_saturating(i64::MIN))),
            seen,
        };
        Ok(Some(Fresh { known, steady: engine.unchanged(&before) }))
    }

    async fn read_key(&self, hash: &TokenHash) -> Result<Option<Fresh>, Error> {
        let (engine, keys) = (self.engine(), &self.schema().keys);
        let before = engine.observe(&[Dependency::Collection(keys.collection)]);
        let by = [(keys.key_hash, Value::text(hash.text()))];
        let Some(key) = engine.peek_by(keys.collection, &by).await? else { return Ok(None) };
        let info = KeyInfo::read(keys, &key)?;
        let Some(caller) = info.caller() else { return Ok(None) };
        let seen = engine.observe(&[Dependency::Record(keys.collection, key.id())]);
        let known = Known { caller: Arc::new(caller), expires_at: info.expires_at, seen };
        Ok(Some(Fresh { known, steady: engine.unchanged(&before) }))
    }
}

impl Known {
    fn lasts(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|expires_at| now < expires_at)
    }
}
