use std::sync::Arc;

use backstay_base::{Conflict, Error, RecordId, Secret};
use backstay_engine::{Authority, Record, Transaction, TxContext};
use backstay_model::CollectionId;
use backstay_scalar::Value;
use futures_util::future::BoxFuture;

use super::{Administration, all, not_found};
use crate::credential::{Credential, Subject};
use crate::error::Damaged;
use crate::operator::{NewOperator, already_there};
use crate::schema::Schema;
use crate::sessions::NewSession;
use crate::token::{Purpose, issue};
use crate::{AccountRef, SignedIn};

/// An operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperatorInfo {
    /// Its record.
    pub id: RecordId,
    /// The address that it signs in with.
    pub email: Arc<str>,
}

impl Administration<'_> {
    /// Adds an operator, who signs in with this password.
    pub async fn add_operator(&self, email: &str, password: &Secret) -> Result<RecordId, Error> {
        let (directory, authenticator) = (self.parts.directory, self.parts.authenticator);
        let operator = NewOperator::prepare(authenticator, email, password).await?;
        let transaction = AddOperator { schema: directory.schema, operator };
        directory.engine.run(self.cx, transaction).await.map_err(already_there)
    }

    /// All operators, in the order in which they were added.
    pub async fn operators(&self) -> Result<Vec<OperatorInfo>, Error> {
        let operators = self.parts.directory.schema.operators;
        let read = |record: &Record| match record.value(operators.email) {
            Value::Text(email) => Ok(OperatorInfo { id: record.id(), email: Arc::clone(email) }),
            _ => Err(Damaged("BackstayOperator.email").into()),
        };
        all(self.parts.directory, operators.collection).await?.iter().map(read).collect()
    }

    /// Begins a session of an operator without their password. Adds them, with a password that nobody knows, if there is
    /// no such operator.
    pub async fn begin_operator_session(&self, email: &str) -> Result<SignedIn, Error> {
        let (directory, authenticator) = (self.parts.directory, self.parts.authenticator);
        let known = directory.operator(&AccountRef::Email(email.to_owned())).await?;
        let operator = if let Some(known) = known {
            SessionOf::Known(known)
        } else {
            let password = issue(&*directory.engine.ambient().entropy, Purpose::SetUp);
            SessionOf::New(NewOperator::prepare(authenticator, email, &password).await?)
        };
        let length = self.parts.settings.session_length();
        let session = NewSession::new(directory.engine.ambient(), self.cx.now, length);
        let transaction = BeginSession { schema: directory.schema, operator, session: session.clone() };
        let (credential, id) = directory.engine.run(self.cx, transaction).await?;
        directory.signed_in(&credential, id, session).await
    }

    /// Gives an operator a new password and ends all their sessions.
    pub async fn set_operator_password(&self, operator: &AccountRef, password: &Secret) -> Result<(), Error> {
        let subject = self.known_operator(operator).await?;
        let email = self.parts.directory.email_of(subject).await?.ok_or_else(|| not_found("operator", operator))?;
        self.set_password(subject, &email, password).await
    }

    /// Removes an operator and ends all their sessions. The last operator cannot be removed.
    pub async fn remove_operator(&self, operator: &AccountRef) -> Result<(), Error> {
        let operator = self.known_operator(operator).await?;
        let others = self.operators().await?.into_iter().map(|one| one.id).filter(|id| *id != operator.id).collect();
        let transaction = RemoveOperator { collection: operator.of.collection, operator: operator.id, others };
        self.parts.directory.engine.run(self.cx, transaction).await
    }

    /// The token with which the first operator can be added from a browser, once. It is meant for the terminal of a
    /// Backstay that has no operator; where there is one, the token does nothing.
    pub fn setup_token(&self) -> Secret {
        self.parts.set_up.token(&*self.parts.directory.engine.ambient().entropy)
    }

    async fn known_operator(&self, who: &AccountRef) -> Result<Subject, Error> {
        self.parts.directory.operator(who).await?.ok_or_else(|| not_found("operator", who))
    }
}

#[derive(Debug)]
struct AddOperator {
    schema: Schema,
    operator: NewOperator,
}

impl Transaction for AddOperator {
    type Answer = RecordId;

    fn name(&self) -> &'static str {
        "add-operator"
    }

    fn run<'a>(&'a self, cx: &'a mut TxContext<'_, '_>) -> BoxFuture<'a, Result<RecordId, Error>> {
        Box::pin(async move {
            let credential = self.operator.create(cx, &self.schema).await?;
            Ok(credential.subject.id)
        })
    }
}

/// Whose session begins.
#[derive(Debug)]
enum SessionOf {
    Known(Subject),
    New(NewOperator),
}

#[derive(Debug)]
struct BeginSession {
    schema: Schema,
    operator: SessionOf,
    session: NewSession,
}

impl Transaction for BeginSession {
    /// The credential and the session.
    type Answer = (Credential, RecordId);

    fn name(&self) -> &'static str {
        "begin-operator-session"
    }

    fn run<'a>(&'a self, cx: &'a mut TxContext<'_, '_>) -> BoxFuture<'a, Result<Self::Answer, Error>> {
        Box::pin(async move {
            let credential = match &self.operator {
                SessionOf::New(operator) => operator.create(cx, &self.schema).await?,
                SessionOf::Known(subject) => {
                    let gone = || Error::NotFound { what: "operator with this email address".to_owned() };
                    self.schema.find_credential(cx, *subject).await?.ok_or_else(gone)?
                }
            };
            let session = self.schema.sessions.begin(cx, credential.id, &self.session).await?;
            Ok((credential, session))
        })
    }
}

#[derive(Debug)]
struct RemoveOperator {
    collection: CollectionId,
    operator: RecordId,
    /// At least one of them must still exist.
    others: Vec<RecordId>,
}

impl Transaction for RemoveOperator {
    type Answer = ();

    fn name(&self) -> &'static str {
        "remove-operator"
    }

    fn run<'a>(&'a self, cx: &'a mut TxContext<'_, '_>) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            for other in &self.others {
                if cx.get(self.collection, *other).await?.is_some() {
                    // The credential and its sessions are deleted with it.
                    cx.delete(Authority::System, (self.collection, self.operator), None).await?;
                    return Ok(());
                }
            }
            Err(Conflict::Already("this is the last operator; add another one first").into())
        })
    }
}
