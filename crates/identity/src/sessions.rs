use backstay_base::{Ambient, CallerKind, Duration, Error, RecordId, Secret, Timestamp, limits};
use backstay_engine::{Authority, Context, Input, Record, TxContext};
use backstay_scalar::Value;

use crate::error::Damaged;
use crate::schema::Sessions;
use crate::token::{Purpose, TokenHash, issue};

/// Refuses a key, which has no session that could end.
pub(crate) fn refuse_key(cx: &Context) -> Result<(), Error> {
    if cx.caller().kind == CallerKind::Service { Err(Error::KeyWithoutSession) } else { Ok(()) }
}

/// A session that is about to begin. Its token leaves this process once, in the answer.
#[derive(Debug, Clone)]
pub(crate) struct NewSession {
    pub(crate) token: Secret,
    pub(crate) expires_at: Timestamp,
}

impl NewSession {
    /// A session that begins now. One that would outlast the last moment ends there.
    pub(crate) fn new(ambient: &Ambient, now: Timestamp, length: Duration) -> Self {
        Self {
            token: issue(&*ambient.entropy, Purpose::Session),
            expires_at: Timestamp::from_micros_saturating(now.micros().saturating_add(length.micros())),
        }
    }
}

impl Sessions {
    /// The most sessions of a credential that are read: twice as many as `begin` leaves.
    pub(crate) const MOST: u32 = limits::SESSIONS_PER_ACCOUNT * 2;

    /// When a stored session expires.
    pub(crate) fn expires_at(self, session: &Record) -> Result<Timestamp, Damaged> {
        match session.value(self.expires_at) {
            Value::Timestamp(moment) => Ok(*moment),
            _ => Err(Damaged("BackstaySession.expiresAt")),
        }
    }

    /// Stores a session after making room for it: the expired sessions of the same credential end, and the oldest if
    /// there are too many.
    pub(crate) async fn begin(
        &self,
        cx: &mut TxContext<'_, '_>,
        credential: RecordId,
        session: &NewSession,
    ) -> Result<RecordId, Error> {
        let mut living = Vec::new();
        for id in self.stored(cx, credential).await? {
            match cx.get(self.collection, id).await? {
                Some(session) if self.expires_at(&session)? > cx.now() => living.push(id),
                Some(_) => self.end(cx, id).await?,
                None => (),
            }
        }
        let surplus = (living.len() + 1).saturating_sub(limits::SESSIONS_PER_ACCOUNT as usize);
        for id in living.into_iter().take(surplus) {
            self.end(cx, id).await?;
        }
        self.store(cx, credential, session).await
    }

    /// Stores the only session of a credential: a new one, or one whose other sessions end in the same transaction.
    pub(crate) async fn store(
        &self,
        cx: &mut TxContext<'_, '_>,
        credential: RecordId,
        session: &NewSession,
    ) -> Result<RecordId, Error> {
        let input = Input::new()
            .with(self.token_hash, TokenHash::of(&session.token).text().as_str())
            .with(self.credential, credential)
            .with(self.expires_at, session.expires_at);
        let record = cx.create(Authority::System, self.collection, input).await?;
        Ok(record.id())
    }

    /// Ends a session.
    pub(crate) async fn end(&self, cx: &mut TxContext<'_, '_>, session: RecordId) -> Result<(), Error> {
        cx.delete(Authority::System, (self.collection, session), None).await.map(|_| ())
    }

    /// Ends every session of a credential. Returns how many there were.
    pub(crate) async fn end_all(&self, cx: &mut TxContext<'_, '_>, credential: RecordId) -> Result<u64, Error> {
        let ids = self.stored(cx, credential).await?;
        for id in &ids {
            self.end(cx, *id).await?;
        }
        Ok(ids.len() as u64)
    }

    /// The sessions of a credential as they were before the transaction, the oldest first.
    async fn stored(&self, cx: &mut TxContext<'_, '_>, credential: RecordId) -> Result<Vec<RecordId>, Error> {
        cx.referring(self.collection, self.credential, credential, Self::MOST).await
    }
}
