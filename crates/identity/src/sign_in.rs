use std::net::IpAddr;
use std::sync::Arc;

use backstay_base::{Error, RecordId, Secret, Unauthenticated, ViolationKind};
use backstay_engine::{Authority, Context, Draft, OpContext, Operation};
use backstay_scalar::Value;
use futures_util::future::BoxFuture;

use crate::attempts::Attempt;
use crate::body::Body;
use crate::credential::{Credential, Subject};
use crate::hashing::{StoredHash, Verdict};
use crate::password;
use crate::schema::{Accounts, Schema};
use crate::sessions::{ChangePassword, NewSession};
use crate::{Identity, SignedIn};

/// The key of no record: looked up where there is no account, so that as much is asked as where there is one.
const NOBODY: [u8; 16] = [0; 16];

/// Whose sign-in it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Door {
    Account,
    Operator,
}

impl Door {
    fn name(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Operator => "operator",
        }
    }

    fn subject(self, id: RecordId) -> Subject {
        match self {
            Self::Account => Subject::Account(id),
            Self::Operator => Subject::Operator(id),
        }
    }
}

impl Identity {
    /// Begins a session. The body is `{"email", "password"}`; operators add `"as": "operator"`. Whether the address is
    /// unknown, the password is wrong, there is none, or the account is disabled: the answer and the work are the same.
    pub async fn sign_in(&self, cx: &Context, from: IpAddr, body: &[u8]) -> Result<SignedIn, Error> {
        let mut body = Body::parse(body)?;
        let (email, password) = (body.require("email")?, body.require("password")?);
        let (door, accounts) = self.door(body.take("as")?.as_ref())?;
        body.finish()?;

        let stored_email = self.stored_email(accounts, email.expose());
        let named = stored_email.as_deref().unwrap_or(email.expose());
        let of_account = Attempt::Account(door.name(), named);
        self.attempts().take(Attempt::SignIn(from), cx.now)?;
        self.attempts().take(of_account, cx.now)?;

        let credential = self.credential_of(door, accounts, stored_email.as_ref()).await?;
        let credential = self.proven(credential, &password).await?;
        let replacement = match credential.1 {
            Verdict::Outdated => Some(self.hasher().hash(password).await?),
            Verdict::Right | Verdict::Wrong => None,
        };
        let operation = SignIn {
            schema: *self.schema(),
            subject: credential.0.subject,
            proven: credential.0.password_hash,
            replacement,
            session: self.new_session(cx.now),
        };
        let session = operation.session.clone();
        let (credential, id) = self.engine().run(cx, operation).await?;
        self.attempts().forgive(of_account);
        self.answer(cx, &credential, id, session).await
    }

    /// Replaces the caller's password. The body is `{"current", "password"}`. Every session of the caller ends; the
    /// answer holds a new one.
    pub async fn change_password(&self, cx: &Context, from: IpAddr, body: &[u8]) -> Result<SignedIn, Error> {
        let subject = Self::signed_in_subject(cx)?;
        let mut body = Body::parse(body)?;
        let (current, new) = (body.require("current")?, body.require("password")?);
        body.finish()?;
        let email = self.email_of(subject).await?;
        password::check_new("/password", &new, &email, self.settings().password_min)?;
        if current == new {
            let why = "this is the present password; choose another".to_owned();
            return Err(Error::invalid("/password", ViolationKind::Range(why)));
        }

        let id = subject.id().to_string();
        self.attempts().take(Attempt::SignIn(from), cx.now)?;
        self.attempts().take(Attempt::Account("id", &id), cx.now)?;
        let credential = Credential::peek(self.engine(), self.schema(), subject).await?;
        let (credential, _) = self.proven(credential, &current).await?;
        let to = self.hasher().hash(new).await?;
        let Some(hash) = credential.password_hash.clone() else { return Err(Unauthenticated::Credentials.into()) };
        let session = self.new_session(cx.now);
        let operation = ChangePassword { schema: *self.schema(), subject, from: hash, to, session: session.clone() };
        let new_id = self.engine().run(cx, operation).await?;
        self.attempts().forgive(Attempt::Account("id", &id));
        self.answer(cx, &credential, new_id, session).await
    }

    fn door(&self, named: Option<&Secret>) -> Result<(Door, Accounts), Error> {
        match named.map(Secret::expose) {
            Some("operator") => Ok((Door::Operator, self.schema().operators)),
            None | Some("account") => {
                let none = "this application has no accounts; operators sign in with \"as\": \"operator\"";
                let accounts = self.schema().accounts.map(|accounts| (Door::Account, accounts));
                accounts.ok_or_else(|| Error::invalid("/as", ViolationKind::Range(none.to_owned())))
            }
            Some(_) => {
                let expected = "\"account\" or \"operator\"".to_owned();
                Err(Error::invalid("/as", ViolationKind::Type { expected }))
            }
        }
    }

    /// Asks the store as often where there is no account, or no credential, as where there is one.
    async fn credential_of(
        &self,
        door: Door,
        accounts: Accounts,
        email: Option<&Arc<str>>,
    ) -> Result<Option<Credential>, Error> {
        let (engine, nobody) = (self.engine(), RecordId::from_bytes(NOBODY));
        let record = match email {
            Some(email) => {
                let by = [(accounts.email, Value::Text(Arc::clone(email)))];
                engine.peek_by(accounts.collection, &by).await?
            }
            None => None,
        };
        // What is found by a value is read by its id in a second statement; what is not found is asked for in vain.
        let id = match record {
            Some(record) => record.id(),
            None => engine.peek(accounts.collection, nobody).await?.map_or(nobody, |record| record.id()),
        };
        let credential = Credential::peek(engine, self.schema(), door.subject(id)).await?;
        if credential.is_none() {
            engine.peek(self.schema().credentials.collection, nobody).await?;
        }
        Ok(credential)
    }

    /// The credential, if the password is its own. One hash is computed in every case.
    pub(crate) async fn proven(
        &self,
        credential: Option<Credential>,
        password: &Secret,
    ) -> Result<(Credential, Verdict), Error> {
        let usable = credential.filter(|_| !password::is_too_long(password));
        let stored = usable.as_ref().and_then(|credential| credential.password_hash.clone());
        let shown = if password::is_too_long(password) { Secret::new(String::new()) } else { password.clone() };
        match (self.hasher().verify(shown, stored).await?, usable) {
            (verdict @ (Verdict::Right | Verdict::Outdated), Some(credential)) if !credential.disabled => {
                Ok((credential, verdict))
            }
            _ => Err(Unauthenticated::Credentials.into()),
        }
    }

    /// Where the records of those who sign in so are.
    pub(crate) fn accounts_of(&self, subject: Subject) -> Result<Accounts, Error> {
        let accounts = match subject {
            Subject::Account(_) => self.schema().accounts,
            Subject::Operator(_) => Some(self.schema().operators),
        };
        accounts.ok_or_else(|| Unauthenticated::Missing.into())
    }

    /// The e-mail address of somebody who has signed in.
    pub(crate) async fn email_of(&self, subject: Subject) -> Result<Arc<str>, Error> {
        let accounts = self.accounts_of(subject)?;
        let record = self.engine().peek(accounts.collection, subject.id()).await?.ok_or(Unauthenticated::Missing)?;
        match record.value(accounts.email) {
            Value::Text(email) => Ok(Arc::clone(email)),
            _ => Err(Unauthenticated::Missing.into()),
        }
    }
}

#[derive(Debug)]
struct SignIn {
    schema: Schema,
    subject: Subject,
    /// The hash that the password was compared with.
    proven: Option<StoredHash>,
    /// A hash of the present cost.
    replacement: Option<StoredHash>,
    session: NewSession,
}

impl Operation for SignIn {
    /// The credential as it is now, and the session.
    type Answer = (Credential, RecordId);

    fn name(&self) -> &'static str {
        "sign-in"
    }

    fn run<'a>(&'a self, cx: &'a mut OpContext<'_, '_>) -> BoxFuture<'a, Result<Self::Answer, Error>> {
        Box::pin(async move {
            // The password was compared before: it may have been changed, or the account disabled, since.
            let credential = Credential::find(cx, &self.schema, self.subject).await?;
            let credential = credential
                .filter(|credential| !credential.disabled && credential.password_hash == self.proven)
                .ok_or(Unauthenticated::Credentials)?;
            if let Some(hash) = &self.replacement {
                let fields = &self.schema.credentials;
                let draft = Draft::new().with(fields.password_hash, hash.value());
                cx.update(Authority::System, fields.collection, credential.id, draft, None).await?;
            }
            let session = self.session.begin(cx, &self.schema, credential.id).await?;
            Ok((credential, session))
        })
    }
}
