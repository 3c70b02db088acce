use std::sync::Arc;

use backstay_base::{Caller, Error, Secret, Timestamp, Unauthenticated, limits};
use backstay_engine::{Dependency, Seen};
use backstay_expr::Account;
use backstay_scalar::Value;
use quick_cache::sync::Cache;

use crate::credential::{Credential, Subject};
use crate::directory::Directory;
use crate::error::Damaged;
use crate::keys::Key;
use crate::token::{Purpose, TokenHash};

/// Callers by the hash of the token that they showed. An entry is valid until it expires or one of the records that it
/// was made from changes; the version clock tells.
#[derive(Debug)]
pub(crate) struct KnownCallers(Cache<TokenHash, Known>);

#[derive(Debug, Clone)]
struct Known {
    caller: Arc<Caller>,
    expires_at: Option<Timestamp>,
    seen: Seen,
}

/// A caller as it is stored, and whether it can be remembered: the records that it was made from stayed the same while they
/// were read, and it isn't large.
struct Fresh {
    known: Known,
    steady: bool,
}

impl KnownCallers {
    pub(crate) fn new() -> Self {
        Self(Cache::new(limits::KNOWN_CALLERS))
    }

    /// The caller whose session token or API key this is.
    pub(crate) async fn caller(&self, directory: &Directory, token: &Secret) -> Result<Arc<Caller>, Error> {
        let unknown = if Purpose::is_key(token) { Unauthenticated::Key } else { Unauthenticated::Token };
        let purpose = Purpose::of(token).filter(|purpose| *purpose != Purpose::Link).ok_or(unknown)?;
        self.shown(directory, (token, purpose)).await?.ok_or_else(|| unknown.into())
    }

    /// An anonymous caller who shows the link whose token this is.
    pub(crate) async fn link(&self, directory: &Directory, token: &Secret) -> Result<Arc<Caller>, Error> {
        let unknown = Unauthenticated::Link;
        let purpose = Purpose::of(token).filter(|purpose| *purpose == Purpose::Link).ok_or(unknown)?;
        self.shown(directory, (token, purpose)).await?.ok_or_else(|| unknown.into())
    }

    /// The caller who shows a token, if it is good.
    async fn shown(
        &self,
        directory: &Directory,
        (token, purpose): (&Secret, Purpose),
    ) -> Result<Option<Arc<Caller>>, Error> {
        let hash = TokenHash::of(token);
        let now = directory.engine.ambient().clock.now();
        if let Some(known) = self.0.get(&hash) {
            if known.lasts(now) && directory.engine.still_holds(&known.seen) {
                return Ok(Some(known.caller));
            }
            self.0.remove(&hash);
        }
        let fresh = match purpose {
            Purpose::Session => Fresh::session(directory, &hash).await?,
            Purpose::Key => Fresh::key(directory, &hash).await?,
            Purpose::Link => Fresh::link(directory, &hash).await?,
            Purpose::Invitation | Purpose::SetUp => None,
        };
        let Some(fresh) = fresh.filter(|fresh| fresh.known.lasts(now)) else { return Ok(None) };
        let caller = Arc::clone(&fresh.known.caller);
        if fresh.steady {
            self.0.insert(hash, fresh.known);
        }
        Ok(Some(caller))
    }
}

impl Fresh {
    /// Which records a session leads to is known only after reading it. If nothing in their collections changed from
    /// before that until the counts of the records themselves were taken, these counts belong to what was read.
    async fn session(directory: &Directory, hash: &TokenHash) -> Result<Option<Self>, Error> {
        let Directory { engine, schema } = directory;
        let (sessions, credentials) = (&schema.sessions, &schema.credentials);
        let whole = [Dependency::Collection(sessions.collection), Dependency::Collection(credentials.collection)];
        let before = engine.observe(&whole);

        let by = [(sessions.token_hash, Value::text(hash.text()))];
        let Some(session) = engine.peek_by(sessions.collection, &by).await? else { return Ok(None) };
        let credential = session.value(sessions.credential).as_id().ok_or(Damaged("BackstaySession.credential"))?;
        // The credential may have been deleted since the session was read.
        let Some(record) = engine.peek(credentials.collection, credential).await? else { return Ok(None) };
        if Credential::subject(schema, &record).is_none() {
            return Ok(None);
        }
        let credential = Credential::read(schema, &record)?;
        if credential.disabled {
            return Ok(None);
        }
        let Subject { of, id } = credential.subject;
        let mut records = vec![
            Dependency::Record(sessions.collection, session.id()),
            Dependency::Record(credentials.collection, credential.id),
        ];
        if !engine.account_fields().is_empty() || credential.verified_email.is_some() {
            records.push(Dependency::Record(of.collection, id));
        }
        let seen = engine.observe(&records);
        let steady = engine.unchanged(&before);
        // Its counts were taken before: if the record changes meanwhile, they are different already.
        let account = directory.own_record(credential.subject).await?;
        let is_small = account.as_ref().is_none_or(|account| account.bytes() <= limits::REMEMBERED_ACCOUNT_BYTES);
        let caller = Caller {
            account: account.map(Account::into_own_record),
            verified: directory.is_verified(&credential).await?,
            session: Some(session.id()),
            ..credential.caller()
        };
        let known = Known { caller: Arc::new(caller), expires_at: Some(sessions.expires_at(&session)?), seen };
        Ok(Some(Self { known, steady: steady && is_small }))
    }

    async fn key(directory: &Directory, hash: &TokenHash) -> Result<Option<Self>, Error> {
        let (engine, keys) = (&directory.engine, &directory.schema.keys);
        let before = engine.observe(&[Dependency::Collection(keys.collection)]);
        let by = [(keys.key_hash, Value::text(hash.text()))];
        let Some(record) = engine.peek_by(keys.collection, &by).await? else { return Ok(None) };
        let key = Key::read(keys, &record)?;
        let Some(caller) = key.caller() else { return Ok(None) };
        let seen = engine.observe(&[Dependency::Record(keys.collection, key.id)]);
        let known = Known { caller: Arc::new(caller), expires_at: key.expires_at, seen };
        Ok(Some(Self { known, steady: engine.unchanged(&before) }))
    }
}

impl Fresh {
    async fn link(directory: &Directory, hash: &TokenHash) -> Result<Option<Self>, Error> {
        let (engine, links) = (&directory.engine, &directory.schema.links);
        let before = engine.observe(&[Dependency::Collection(links.collection)]);
        let by = [(links.token_hash, Value::text(hash.text()))];
        let Some(record) = engine.peek_by(links.collection, &by).await? else { return Ok(None) };
        let seen = engine.observe(&[Dependency::Record(links.collection, record.id())]);
        let caller = Arc::new(Caller::anonymous().with_link(record.id()));
        let known = Known { caller, expires_at: Some(links.expires_at(&record)?), seen };
        Ok(Some(Self { known, steady: engine.unchanged(&before) }))
    }
}

impl Known {
    fn lasts(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|expires_at| now < expires_at)
    }
}
