use backstay_base::{CallerKind, Duration, Error, RecordId, Secret, Timestamp, Unauthenticated, limits};
use backstay_engine::{Authority, Context, Draft, OpContext, Operation, Record, Writes};
use backstay_scalar::Value;
use futures_util::future::BoxFuture;

use crate::Identity;
use crate::credential::{Credential, Subject};
use crate::hashing::StoredHash;
use crate::schema::Schema;
use crate::token::{Purpose, TokenHash, issue};

const DAY_MICROS: i64 = 86_400_000_000;

/// A session that is about to begin. Its token leaves this process once, in the answer.
#[derive(Debug, Clone)]
pub(crate) struct NewSession {
    pub(crate) token: Secret,
    pub(crate) expires_at: Timestamp,
}

impl NewSession {
    /// Stores it, and makes room: of the sessions of the same credential those that have expired end, and the oldest
    /// where there are too many.
    pub(crate) async fn begin(
        &self,
        cx: &mut OpContext<'_, '_>,
        schema: &Schema,
        credential: RecordId,
    ) -> Result<RecordId, Error> {
        let mut living = Vec::new();
        for id in all(cx, schema, credential).await? {
            match cx.get(schema.sessions.collection, id).await? {
                Some(session) if expiry(schema, &session) > Some(cx.now()) => living.push(id),
                _ => end(cx, schema, id).await?,
            }
        }
        let surplus = (living.len() + 1).saturating_sub(limits::SESSIONS_PER_ACCOUNT as usize);
        for id in living.into_iter().take(surplus) {
            end(cx, schema, id).await?;
        }
        self.store(cx, schema, credential).await
    }

    /// Stores it alone: for a credential whose other sessions end in the same operation, or that has none.
    pub(crate) async fn store(
        &self,
        cx: &mut OpContext<'_, '_>,
        schema: &Schema,
        credential: RecordId,
    ) -> Result<RecordId, Error> {
        let fields = &schema.sessions;
        let draft = Draft::new()
            .with(fields.token_hash, TokenHash::of(&self.token).text().as_str())
            .with(fields.credential, credential)
            .with(fields.expires_at, self.expires_at);
        let record = cx.create(Authority::System, fields.collection, draft).await?;
        Ok(record.id())
    }
}

/// When a session ends of itself.
pub(crate) fn expiry(schema: &Schema, session: &Record) -> Option<Timestamp> {
    match session.value(schema.sessions.expires_at) {
        Value::Timestamp(moment) => Some(*moment),
        _ => None,
    }
}

/// Ends every session of a credential; answers how many there were.
pub(crate) async fn end_all(cx: &mut OpContext<'_, '_>, schema: &Schema, credential: RecordId) -> Result<u64, Error> {
    let ids = all(cx, schema, credential).await?;
    for id in &ids {
        end(cx, schema, *id).await?;
    }
    Ok(ids.len() as u64)
}

/// The sessions of a credential as they were before the operation, the oldest first; `begin` keeps their number down.
async fn all(cx: &mut OpContext<'_, '_>, schema: &Schema, credential: RecordId) -> Result<Vec<RecordId>, Error> {
    let fields = &schema.sessions;
    let most = limits::SESSIONS_PER_ACCOUNT.saturating_mul(2);
    cx.referring(fields.collection, fields.credential, credential, most).await
}

async fn end(cx: &mut OpContext<'_, '_>, schema: &Schema, session: RecordId) -> Result<(), Error> {
    cx.delete(Authority::System, schema.sessions.collection, session, None).await.map(|_| ())
}

impl Identity {
    /// Ends the session that was shown. Callers without one (services, the command line) have nothing to end.
    pub async fn sign_out(&self, cx: &Context) -> Result<(), Error> {
        let session = cx.caller.session.ok_or(Unauthenticated::Missing)?;
        self.engine().run(cx, SignOut { schema: *self.schema(), session }).await
    }

    /// Ends all sessions of the caller, this one too; answers how many there were.
    pub async fn sign_out_everywhere(&self, cx: &Context) -> Result<u64, Error> {
        let subject = Self::signed_in_subject(cx)?;
        self.engine().run(cx, SignOutEverywhere { schema: *self.schema(), subject }).await
    }

    /// Who has signed in with a password; refuses everybody else.
    pub(crate) fn signed_in_subject(cx: &Context) -> Result<Subject, Error> {
        match (cx.caller.kind, cx.caller.id, cx.caller.session) {
            (CallerKind::Account, Some(id), Some(_)) => Ok(Subject::Account(id)),
            (CallerKind::Operator, Some(id), Some(_)) => Ok(Subject::Operator(id)),
            _ => Err(Unauthenticated::Missing.into()),
        }
    }

    /// A session that begins now.
    pub(crate) fn new_session(&self, now: Timestamp) -> NewSession {
        let length = Duration::from_micros(i64::from(self.settings().session_days) * DAY_MICROS);
        NewSession {
            token: issue(&*self.engine().ambient().entropy, Purpose::Session),
            expires_at: now.checked_add(length).unwrap_or(Timestamp::from_micros_saturating(i64::MAX)),
        }
    }
}

#[derive(Debug)]
struct SignOut {
    schema: Schema,
    session: RecordId,
}

impl Operation for SignOut {
    type Answer = ();

    fn name(&self) -> &'static str {
        "sign-out"
    }

    fn writes(&self) -> Writes {
        Writes::Many
    }

    fn run<'a>(&'a self, cx: &'a mut OpContext<'_, '_>) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            // It may have been ended at the same time.
            if cx.get(self.schema.sessions.collection, self.session).await?.is_some() {
                end(cx, &self.schema, self.session).await?;
            }
            Ok(())
        })
    }
}

#[derive(Debug)]
struct SignOutEverywhere {
    schema: Schema,
    subject: Subject,
}

impl Operation for SignOutEverywhere {
    type Answer = u64;

    fn name(&self) -> &'static str {
        "sign-out-everywhere"
    }

    fn run<'a>(&'a self, cx: &'a mut OpContext<'_, '_>) -> BoxFuture<'a, Result<u64, Error>> {
        Box::pin(async move {
            match Credential::find(cx, &self.schema, self.subject).await? {
                Some(credential) => end_all(cx, &self.schema, credential.id).await,
                None => Ok(0),
            }
        })
    }
}

/// The password of a credential, replaced: every session ends and a new one begins.
#[derive(Debug)]
pub(crate) struct ChangePassword {
    pub(crate) schema: Schema,
    pub(crate) subject: Subject,
    /// The hash that the present password was compared with.
    pub(crate) from: StoredHash,
    pub(crate) to: StoredHash,
    pub(crate) session: NewSession,
}

impl Operation for ChangePassword {
    /// The new session.
    type Answer = RecordId;

    fn name(&self) -> &'static str {
        "change-password"
    }

    fn run<'a>(&'a self, cx: &'a mut OpContext<'_, '_>) -> BoxFuture<'a, Result<RecordId, Error>> {
        Box::pin(async move {
            let credential = Credential::find(cx, &self.schema, self.subject).await?;
            let credential = credential
                .filter(|credential| !credential.disabled && credential.password_hash.as_ref() == Some(&self.from))
                .ok_or(Unauthenticated::Credentials)?;
            let fields = &self.schema.credentials;
            let draft = Draft::new().with(fields.password_hash, self.to.value());
            cx.update(Authority::System, fields.collection, credential.id, draft, None).await?;
            end_all(cx, &self.schema, credential.id).await?;
            self.session.store(cx, &self.schema, credential.id).await
        })
    }
}
