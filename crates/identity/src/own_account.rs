use std::net::IpAddr;
use std::sync::Arc;

use backstay_base::{
    Caller, CallerKind, Error, Network, Place, RecordId, Secret, Timestamp, Unauthenticated, ViolationKind,
};
use backstay_engine::{Authority, Context, Input, Transaction, TxContext};
use backstay_model::CollectionId;
use backstay_scalar::Value;
use futures_util::future::BoxFuture;

use crate::attempts::Attempt;
use crate::authenticator::Proven;
use crate::credential::Subject;
use crate::hashing::StoredHash;
use crate::identity::Inner;
use crate::keys::Key;
use crate::schema::Schema;
use crate::sessions::{NewSession, refuse_key};
use crate::{Identity, SignedIn, email, grants};

/// A caller's own view of itself.
#[derive(Debug, Clone)]
pub struct Me {
    /// Who it is: its kind, roles and claims.
    pub caller: Arc<Caller>,
    /// Its id.
    pub id: RecordId,
    /// When the session or the key expires; `None` if it does not.
    pub expires_at: Option<Timestamp>,
    /// The record of an account or an operator.
    pub account: Option<(CollectionId, RecordId)>,
    /// What a key may know about itself.
    pub key: Option<OwnKey>,
}

/// What an API key may know about itself.
#[derive(Debug, Clone)]
pub struct OwnKey {
    /// Its name.
    pub name: String,
    /// What it is limited to, such as `posts:get`; `None` if it is not limited.
    pub only: Option<Vec<String>>,
}

/// A new password.
#[derive(Debug)]
pub struct PasswordChange {
    /// The password until now.
    pub current: Secret,
    /// The new one.
    pub new: Secret,
}

/// A new address to sign in with.
#[derive(Debug)]
pub struct EmailChange {
    /// The address, as it was typed.
    pub email: Secret,
    /// The current password.
    pub password: Secret,
}

impl Identity {
    /// The caller's own view of itself.
    pub async fn me(&self, cx: &Context) -> Result<Me, Error> {
        match cx.caller().kind {
            CallerKind::Account | CallerKind::Operator => self.person(cx).await,
            CallerKind::Service => self.service(cx.caller()).await,
            CallerKind::Anonymous | CallerKind::System => Err(Unauthenticated::Missing.into()),
        }
    }

    /// Replaces the caller's password. Ends every session of the caller and
    /// begins a new one.
    pub async fn change_password(&self, cx: &Context, from: IpAddr, change: PasswordChange) -> Result<SignedIn, Error> {
        let inner = self.inner();
        let subject = self.signed_in_subject(cx)?;
        let PasswordChange { current, new } = change;
        let email = inner.directory.email_of(subject).await?.ok_or(Unauthenticated::Missing)?;
        inner.authenticator.check_new(Place::member("password"), &new, &email)?;
        if current == new {
            let why = "this is the current password; choose another one".to_owned();
            return Err(Error::invalid(Place::member("password"), ViolationKind::Range(why)));
        }

        let proven = self.prove_again(cx, from, subject, &current).await?;
        let session = self.new_session(cx.now);
        let transaction = ChangePassword {
            schema: inner.directory.schema,
            subject,
            from: proven.hash,
            to: inner.authenticator.hash(new).await?,
            session: session.clone(),
        };
        let id = inner.directory.engine.run(cx, transaction).await?;
        inner.authenticator.attempts.succeed(Attempt::Subject(subject.id, Network::of(from)));
        inner.directory.signed_in(&proven.credential, id, session).await
    }

    /// Changes the address that the caller signs in with, if the password is right: a stolen token is not enough to take
    /// an account over. Returns what `me` does. Every attempt counts, also
    /// a successful one, because the answer reveals whether an address is taken.
    pub async fn change_email(&self, cx: &Context, from: IpAddr, change: EmailChange) -> Result<Me, Error> {
        let subject = self.signed_in_subject(cx)?;
        let EmailChange { email, password } = change;
        let directory = &self.inner().directory;
        let email = email::read(Place::member("email"), email.expose())?;

        self.prove_again(cx, from, subject, &password).await?;
        directory.engine.run(cx, ChangeEmail { subject, email }).await?;
        let me = self.me(cx).await?;
        // Whoever asked may have had another address verified.
        let credential = directory.credential(subject).await?.ok_or(Unauthenticated::Missing)?;
        let caller = Caller { session: cx.caller().session, ..directory.caller(&credential).await? };
        Ok(Me { caller: Arc::new(caller), ..me })
    }

    /// Ends all sessions of the caller, this one too. Returns how many there were.
    pub async fn sign_out_everywhere(&self, cx: &Context) -> Result<u64, Error> {
        refuse_key(cx)?;
        let subject = self.signed_in_subject(cx)?;
        let Inner { directory, .. } = self.inner();
        directory.engine.run(cx, SignOutEverywhere { schema: directory.schema, subject }).await
    }

    /// Refuses callers who have not signed in with a password. What changes an account refuses them in the same way; a
    /// door asks before it reads what was sent.
    pub fn require_session(&self, cx: &Context) -> Result<(), Error> {
        self.signed_in_subject(cx).map(drop)
    }

    /// The account or operator that signed in with a password; refuses every other caller.
    fn signed_in_subject(&self, cx: &Context) -> Result<Subject, Error> {
        cx.caller().session.ok_or(Unauthenticated::Missing)?;
        self.subject(cx.caller())
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
        let from = Network::of(from);
        authenticator.attempts.take(Attempt::Password(from), cx.now)?;
        authenticator.attempts.take(Attempt::Subject(subject.id, from), cx.now)?;
        let credential = self.inner().directory.credential(subject).await?;
        authenticator.prove(credential, password).await
    }

    async fn person(&self, cx: &Context) -> Result<Me, Error> {
        let subject = self.subject(cx.caller())?;
        let directory = &self.inner().directory;
        let sessions = &directory.schema.sessions;
        let session = match cx.caller().session {
            Some(session) => directory.engine.peek(sessions.collection, session).await?,
            None => None,
        };
        let expires_at = session.map(|session| sessions.expires_at(&session)).transpose()?;
        let account = Some((subject.of.collection, subject.id));
        Ok(Me { caller: Arc::clone(cx.caller()), id: subject.id, expires_at, account, key: None })
    }

    /// A key sees its name and its limits. The rest of its record is how Backstay stores it.
    async fn service(&self, caller: &Arc<Caller>) -> Result<Me, Error> {
        let Inner { directory, .. } = self.inner();
        let id = caller.id.ok_or(Unauthenticated::Key)?;
        let record = directory.engine.peek(directory.schema.keys.collection, id).await?;
        let key = Key::read(&directory.schema.keys, &record.ok_or(Unauthenticated::Key)?)?;
        let only = key.grant.as_ref().map(|grant| grants::shown(directory.engine.model(), grant));
        let (expires_at, key) = (key.expires_at, Some(OwnKey { name: key.name, only }));
        Ok(Me { caller: Arc::clone(caller), id, expires_at, account: None, key })
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
            let Schema { credentials, sessions, links, .. } = &self.schema;
            // Since the password was compared, it may have been changed or the account disabled.
            let credential = self.schema.find_credential(cx, self.subject).await?;
            let credential = credential
                .filter(|credential| !credential.disabled && credential.password_hash.as_ref() == Some(&self.from))
                .ok_or(Unauthenticated::Credentials)?;
            let changes = Input::new().with(credentials.password_hash, self.to.value());
            credentials.update(cx, credential.id, changes).await?;
            sessions.end_all(cx, credential.id).await?;
            links.revoke_all(cx, self.subject.id).await?;
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
                Some(credential) => {
                    self.schema.links.revoke_all(cx, self.subject.id).await?;
                    self.schema.sessions.end_all(cx, credential.id).await
                }
                None => Ok(0),
            }
        })
    }
}
