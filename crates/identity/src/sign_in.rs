use std::net::IpAddr;
use std::sync::Arc;

use backstay_base::{Error, Network, Place, RecordId, Secret, Unauthenticated, ViolationKind};
use backstay_engine::{Context, Input, Transaction, TxContext, Writes};
use backstay_scalar::Value;
use futures_util::future::BoxFuture;

use crate::attempts::Attempt;
use crate::credential::{Credential, Subject};
use crate::hashing::StoredHash;
use crate::schema::{Schema, Sessions, SubjectType};
use crate::sessions::{NewSession, refuse_key};
use crate::{Identity, SignedIn, email};

/// What somebody signs in with.
#[derive(Debug)]
pub struct Credentials {
    /// The address, as it was typed.
    pub email: Secret,
    /// The password.
    pub password: Secret,
    /// As which kind of caller.
    pub role: SignInAs,
}

/// As which kind of caller somebody signs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignInAs {
    /// An account of the application.
    Account,
    /// An operator.
    Operator,
}

impl Identity {
    /// Begins a session. The answer and the work
    /// are the same whether the address is unknown, the password is wrong or not set, or the account is disabled.
    pub async fn sign_in(&self, cx: &Context, from: IpAddr, with: Credentials) -> Result<SignedIn, Error> {
        let inner = self.inner();
        let Credentials { email, password, role } = with;
        let subjects = self.subjects(role)?;

        // A text that is not an address is treated like an address that nobody has.
        let stored = email::read(Place::member("email"), email.expose()).ok();
        let from = Network::of(from);
        let attempted = Attempt::Email(subjects.kind, stored.as_deref().unwrap_or(email.expose()), from);
        inner.authenticator.attempts.take(Attempt::Password(from), cx.now)?;
        inner.authenticator.attempts.take(attempted, cx.now)?;

        let credential = self.credential_of(subjects, stored.as_ref()).await?;
        let proven = inner.authenticator.prove(credential, &password).await?;
        let replacement = match proven.outdated {
            true => Some(inner.authenticator.hash(password).await?),
            false => None,
        };
        let session = self.new_session(cx.now);
        let transaction = SignIn {
            schema: inner.directory.schema,
            subject: proven.credential.subject,
            proven: proven.hash,
            replacement,
            session: session.clone(),
        };
        let (credential, id) = inner.directory.engine.run(cx, transaction).await?;
        inner.authenticator.attempts.succeed(attempted);
        inner.directory.signed_in(&credential, id, session).await
    }

    /// Ends the caller's session. A caller without one (a service, the command line) has nothing to end.
    pub async fn sign_out(&self, cx: &Context) -> Result<(), Error> {
        refuse_key(cx)?;
        let session = cx.caller().session.ok_or(Unauthenticated::Missing)?;
        let sessions = self.inner().directory.schema.sessions;
        self.inner().directory.engine.run(cx, SignOut { sessions, session }).await
    }

    /// The type whose records sign in so.
    fn subjects(&self, role: SignInAs) -> Result<SubjectType, Error> {
        let schema = &self.inner().directory.schema;
        match role {
            SignInAs::Operator => Ok(schema.operators),
            SignInAs::Account => {
                let none = "this application has no accounts; operators sign in with \"as\": \"operator\"".to_owned();
                schema.accounts.ok_or_else(|| Error::invalid(Place::member("as"), ViolationKind::Range(none)))
            }
        }
    }

    /// The credential of whoever has this address. Runs as many statements if there is no account, or no credential, as
    /// if there is one: an account is found by its address and read by its id.
    async fn credential_of(
        &self,
        subjects: SubjectType,
        email: Option<&Arc<str>>,
    ) -> Result<Option<Credential>, Error> {
        let directory = &self.inner().directory;
        let engine = &directory.engine;
        let record = match email {
            Some(email) => {
                let by = [(subjects.email, Value::Text(Arc::clone(email)))];
                engine.peek_by(subjects.collection, &by).await?
            }
            None => None,
        };
        let id = if let Some(record) = record {
            record.id()
        } else {
            // An id that no record has.
            let nobody = engine.next_id();
            engine.peek(subjects.collection, nobody).await?;
            nobody
        };
        let credential = directory.credential(Subject { of: subjects, id }).await?;
        if credential.is_none() {
            engine.peek(directory.schema.credentials.collection, id).await?;
        }
        Ok(credential)
    }
}

#[derive(Debug)]
struct SignIn {
    schema: Schema,
    subject: Subject,
    /// The hash that the password was compared with.
    proven: StoredHash,
    /// A hash of the configured cost, if the stored one has another.
    replacement: Option<StoredHash>,
    session: NewSession,
}

impl Transaction for SignIn {
    /// The credential as it is now, and the session.
    type Answer = (Credential, RecordId);

    fn name(&self) -> &'static str {
        "sign-in"
    }

    fn run<'a>(&'a self, cx: &'a mut TxContext<'_, '_>) -> BoxFuture<'a, Result<Self::Answer, Error>> {
        Box::pin(async move {
            let Schema { credentials, sessions, .. } = &self.schema;
            // Since the password was compared, it may have been changed or the account disabled.
            let credential = self.schema.find_credential(cx, self.subject).await?;
            let credential = credential
                .filter(|credential| !credential.disabled && credential.password_hash.as_ref() == Some(&self.proven))
                .ok_or(Unauthenticated::Credentials)?;
            if let Some(hash) = &self.replacement {
                let changes = Input::new().with(credentials.password_hash, hash.value());
                credentials.update(cx, credential.id, changes).await?;
            }
            let session = sessions.begin(cx, credential.id, &self.session).await?;
            Ok((credential, session))
        })
    }
}

#[derive(Debug)]
struct SignOut {
    sessions: Sessions,
    session: RecordId,
}

impl Transaction for SignOut {
    type Answer = ();

    fn name(&self) -> &'static str {
        "sign-out"
    }

    fn writes(&self) -> Writes {
        Writes::Many
    }

    fn run<'a>(&'a self, cx: &'a mut TxContext<'_, '_>) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            // It may have been ended at the same time.
            if cx.get(self.sessions.collection, self.session).await?.is_some() {
                self.sessions.end(cx, self.session).await?;
            }
            Ok(())
        })
    }
}
