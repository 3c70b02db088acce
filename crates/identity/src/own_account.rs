use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use backstay_base::{Caller, CallerKind, Error, RecordId, Secret, Timestamp, Unauthenticated, ViolationKind};
use backstay_engine::{Authority, Context, Input, Transaction, TxContext};
use backstay_scalar::Value;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::attempts::Attempt;
use crate::authenticator::Proven;
use crate::body::Body;
use crate::credential::Subject;
use crate::hashing::StoredHash;
use crate::identity::Inner;
use crate::keys::Key;
use crate::schema::Schema;
use crate::sessions::{NewSession, refuse_key};
use crate::{Identity, SignedIn, grants};

impl Identity {
    /// The caller's own view of itself, as JSON: `kind`, `id`, `roles`, `claims` and `expiresAt` (of the session or the
    /// key; null if it does not expire). An account and an operator also have `account`: their record, as they read it.
    /// A key also has `name`, and `only`: what it is limited to, or null.
    pub async fn me(&self, cx: &Context) -> Result<Bytes, Error> {
        let me = match cx.caller.kind {
            CallerKind::Account | CallerKind::Operator => self.person(cx).await?,
            CallerKind::Service => self.service(&cx.caller).await?,
            CallerKind::Anonymous | CallerKind::System => return Err(Unauthenticated::Missing.into()),
        };
        serde_json::to_vec(&me).map(Bytes::from).map_err(Error::internal)
    }

    /// Replaces the caller's password. The body is `{"current", "password"}`. Ends every session of the caller and
    /// begins a new one.
    pub async fn change_password(&self, cx: &Context, from: IpAddr, body: &[u8]) -> Result<SignedIn, Error> {
        let inner = self.inner();
        let subject = self.signed_in_subject(cx)?;
        let mut body = Body::parse(body)?;
        let (current, new) = (body.require("current")?, body.require("password")?);
        body.finish()?;
        let email = inner.directory.email_of(subject).await?.ok_or(Unauthenticated::Missing)?;
        inner.authenticator.check_new("/password", &new, &email)?;
        if current == new {
            let why = "this is the current password; choose another one".to_owned();
            return Err(Error::invalid("/password", ViolationKind::Range(why)));
        }

        let proven = self.prove_again(cx, from, subject, &current).await?;
        let session = self.new_session(cx.now);
        let operation = ChangePassword {
            schema: inner.directory.schema,
            subject,
            from: proven.hash,
            to: inner.authenticator.hash(new).await?,
            session: session.clone(),
        };
        let id = inner.directory.engine.run(cx, operation).await?;
        inner.authenticator.attempts.forgive(Attempt::Subject(subject.id));
        self.signed_in(cx, &proven.credential, id, session).await
    }

    /// Changes the address that the caller signs in with. The body is `{"email", "password"}` with the current password,
    /// so that a stolen token is not enough to take an account over. Returns what `me` does. Every attempt counts, also
    /// a successful one, because the answer reveals whether an address is taken.
    pub async fn change_email(&self, cx: &Context, from: IpAddr, body: &[u8]) -> Result<Bytes, Error> {
        let subject = self.signed_in_subject(cx)?;
        let mut body = Body::parse(body)?;
        let (password, email) = (body.require("password")?, body.require("email")?);
        body.finish()?;
        let directory = &self.inner().directory;
        let email = directory.email("/email", email.expose())?;

        self.prove_again(cx, from, subject, &password).await?;
        directory.engine.run(cx, ChangeEmail { subject, email }).await?;
        self.me(cx).await
    }

    /// Ends all sessions of the caller, this one too. Returns how many there were.
    pub async fn sign_out_everywhere(&self, cx: &Context) -> Result<u64, Error> {
        refuse_key(cx)?;
        let subject = self.signed_in_subject(cx)?;
        let Inner { directory, .. } = self.inner();
        directory.engine.run(cx, SignOutEverywhere { schema: directory.schema, subject }).await
    }

    /// The account or operator who has signed in with a password; refuses everybody else.
    fn signed_in_subject(&self, cx: &Context) -> Result<Subject, Error> {
        cx.caller.session.ok_or(Unauthenticated::Missing)?;
        self.subject(&cx.caller)
    }

    /// The account or operator who calls.
    fn subject(&self, caller: &Caller) -> Result<Subject, Error> {
        let schema = &self.inner().directory.schema;
        let of = match caller.kind {
            CallerKind::Account => schema.accounts,
            CallerKind::Operator => Some(schema.operators),
            CallerKind::Anonymous | CallerKind::Service | CallerKind::System => None,
        };
        of.zip(caller.id).map(|(of, id)| Subject { of, id }).ok_or_else(|| Unauthenticated::Missing.into())
    }

    /// The credential of a caller who shows the password once more. Attempts are limited.
    async fn prove_again(
        &self,
        cx: &Context,
        from: IpAddr,
        subject: Subject,
        password: &Secret,
    ) -> Result<Proven, Error> {
        let authenticator = &self.inner().authenticator;
        authenticator.attempts.take(Attempt::SignIn(from), cx.now)?;
        authenticator.attempts.take(Attempt::Subject(subject.id), cx.now)?;
        let credential = self.inner().directory.credential(subject).await?;
        authenticator.prove(credential, password).await
    }

    async fn person<'c>(&self, cx: &'c Context) -> Result<Me<'c>, Error> {
        let subject = self.subject(&cx.caller)?;
        let directory = &self.inner().directory;
        let sessions = &directory.schema.sessions;
        let session = match cx.caller.session {
            Some(session) => directory.engine.peek(sessions.collection, session).await?,
            None => None,
        };
        let expires_at = session.map(|session| sessions.expires_at(&session)).transpose()?;
        let record = directory.record_of(cx, subject).await?;
        let record = String::from_utf8(record.into()).map_err(Error::internal)?;
        let account = RawValue::from_string(record).map_err(Error::internal)?;
        Ok(Me { account: Some(account), ..Me::of(&cx.caller, subject.id, expires_at) })
    }

    /// A key sees its name and its limits. The rest of its record is how Backstay stores it.
    async fn service<'c>(&self, caller: &'c Caller) -> Result<Me<'c>, Error> {
        let Inner { directory, .. } = self.inner();
        let id = caller.id.ok_or(Unauthenticated::Token)?;
        let record = directory.engine.peek(directory.schema.keys.collection, id).await?;
        let key = Key::read(&directory.schema.keys, &record.ok_or(Unauthenticated::Token)?)?;
        let only = match &key.grant {
            Some(grant) => Only::Actions(grants::shown(directory.engine.model(), grant)),
            None => Only::Unlimited,
        };
        Ok(Me { name: Some(key.name), only: Some(only), ..Me::of(caller, id, key.expires_at) })
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Me<'a> {
    kind: &'static str,
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    roles: Vec<&'a str>,
    claims: &'a BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    only: Option<Only>,
    expires_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<Box<RawValue>>,
}

/// What a key is limited to: null if it is not limited.
#[derive(Serialize)]
#[serde(untagged)]
enum Only {
    Unlimited,
    Actions(Vec<String>),
}

impl<'a> Me<'a> {
    fn of(caller: &'a Caller, id: RecordId, expires_at: Option<Timestamp>) -> Self {
        Self {
            kind: caller.kind.name(),
            id: id.to_string(),
            name: None,
            roles: caller.roles.iter().map(|role| &**role).collect(),
            claims: &caller.claims,
            only: None,
            expires_at: expires_at.map(|moment| moment.to_string()),
            account: None,
        }
    }
}

/// Replaces the password of a credential, ends all its sessions and begins a new one.
#[derive(Debug)]
struct ChangePassword {
    schema: Schema,
    subject: Subject,
    /// The hash that the current password was compared with.
    from: StoredHash,
    to: StoredHash,
    session: NewSession,
}

impl Transaction for ChangePassword {
    /// The new session.
    type Answer = RecordId;

    fn name(&self) -> &'static str {
        "change-password"
    }

    fn run<'a>(&'a self, cx: &'a mut TxContext<'_, '_>) -> BoxFuture<'a, Result<RecordId, Error>> {
        Box::pin(async move {
            let Schema { credentials, sessions, .. } = &self.schema;
            // Since the password was compared, it may have been changed or the account disabled.
            let credential = self.schema.find_credential(cx, self.subject).await?;
            let credential = credential
                .filter(|credential| !credential.disabled && credential.password_hash.as_ref() == Some(&self.from))
                .ok_or(Unauthenticated::Credentials)?;
            let changes = Input::new().with(credentials.password_hash, self.to.value());
            credentials.update(cx, credential.id, changes).await?;
            sessions.end_all(cx, credential.id).await?;
            sessions.store(cx, credential.id, &self.session).await
        })
    }
}

struct ChangeEmail {
    subject: Subject,
    email: Arc<str>,
}

impl Transaction for ChangeEmail {
    type Answer = ();

    fn name(&self) -> &'static str {
        "change-email"
    }

    fn run<'a>(&'a self, cx: &'a mut TxContext<'_, '_>) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            let Subject { of, id } = self.subject;
            let changes = Input::new().with(of.email, Value::Text(Arc::clone(&self.email)));
            cx.update(Authority::System, (of.collection, id), changes, None).await.map(|_| ())
        })
    }
}

#[derive(Debug)]
struct SignOutEverywhere {
    schema: Schema,
    subject: Subject,
}

impl Transaction for SignOutEverywhere {
    /// How many sessions ended.
    type Answer = u64;

    fn name(&self) -> &'static str {
        "sign-out-everywhere"
    }

    fn run<'a>(&'a self, cx: &'a mut TxContext<'_, '_>) -> BoxFuture<'a, Result<u64, Error>> {
        Box::pin(async move {
            match self.schema.find_credential(cx, self.subject).await? {
                Some(credential) => self.schema.sessions.end_all(cx, credential.id).await,
                None => Ok(0),
            }
        })
    }
}
