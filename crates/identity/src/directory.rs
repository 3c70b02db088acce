use std::sync::Arc;

use backstay_base::{Caller, Error, Place, RecordId};
use backstay_engine::{Engine, Record};
use backstay_expr::Account;
use backstay_scalar::Value;

use crate::credential::{Credential, Subject};
use crate::error::Damaged;
use crate::keys::Key;
use crate::schema::{Schema, SubjectKind, SubjectType};
use crate::sessions::NewSession;
use crate::{AccountRef, SignedIn, email};

/// Finds accounts, operators, keys and what is stored about them, without regard to rights. Writes nothing.
#[derive(Debug)]
pub(crate) struct Directory {
    pub(crate) engine: Engine,
    pub(crate) schema: Schema,
}

impl Directory {
    /// The account that is named, if there is one.
    pub(crate) async fn account(&self, who: &AccountRef) -> Result<Option<Subject>, Error> {
        match self.schema.accounts {
            Some(accounts) => self.subject(accounts, who).await,
            None => Ok(None),
        }
    }

    /// The operator who is named, if there is one.
    pub(crate) async fn operator(&self, who: &AccountRef) -> Result<Option<Subject>, Error> {
        self.subject(self.schema.operators, who).await
    }

    /// The account that is named, or else the operator.
    pub(crate) async fn account_or_operator(&self, who: &AccountRef) -> Result<Option<Subject>, Error> {
        match self.account(who).await? {
            Some(account) => Ok(Some(account)),
            None => self.operator(who).await,
        }
    }

    /// The key that is named by its id, or by its name while it is in use.
    pub(crate) async fn key(&self, who: &AccountRef) -> Result<Option<Key>, Error> {
        let keys = &self.schema.keys;
        let record = match who {
            AccountRef::Id(id) => self.engine.peek(keys.collection, *id).await?,
            AccountRef::Email(name) => {
                self.engine.peek_by(keys.collection, &[(keys.live_name, Value::text(name.as_str()))]).await?
            }
        };
        record.map(|record| Key::read(keys, &record)).transpose()
    }

    /// What rules ask of a subject's own record: nothing of operators, nor where no rule asks.
    pub(crate) async fn own_record(&self, subject: Subject) -> Result<Option<Account>, Error> {
        let fields = self.engine.account_fields();
        if fields.is_empty() || subject.of.kind != SubjectKind::Account {
            return Ok(None);
        }
        let record = self.engine.peek(subject.of.collection, subject.id).await?;
        let values = |record: Record| Account::new(fields.iter().map(|field| (*field, record.value(*field).clone())));
        Ok(record.map(values))
    }

    /// Whether the address of an account is the one that was verified.
    pub(crate) async fn is_verified(&self, credential: &Credential) -> Result<bool, Error> {
        match &credential.verified_email {
            Some(verified) if credential.subject.of.kind == SubjectKind::Account => {
                Ok(self.email_of(credential.subject).await?.as_ref() == Some(verified))
            }
            Some(_) | None => Ok(false),
        }
    }

    /// The caller who holds a credential, as rules see it.
    pub(crate) async fn caller(&self, credential: &Credential) -> Result<Caller, Error> {
        let account = self.own_record(credential.subject).await?.map(Account::into_own_record);
        let verified = self.is_verified(credential).await?;
        Ok(Caller { account, verified, ..credential.caller() })
    }

    /// The answer to somebody whose session was just stored.
    pub(crate) async fn signed_in(
        &self,
        credential: &Credential,
        session: RecordId,
        new: NewSession,
    ) -> Result<SignedIn, Error> {
        let Subject { of, id } = credential.subject;
        let caller = Arc::new(Caller { session: Some(session), ..self.caller(credential).await? });
        Ok(SignedIn { token: new.token, caller, account: (of.collection, id), expires_at: new.expires_at })
    }

    /// A subject's credential, if it has one.
    pub(crate) async fn credential(&self, subject: Subject) -> Result<Option<Credential>, Error> {
        self.schema.peek_credential(&self.engine, subject).await
    }

    /// The address that a subject signs in with; `None` if its record is gone.
    pub(crate) async fn email_of(&self, subject: Subject) -> Result<Option<Arc<str>>, Error> {
        let record = self.engine.peek(subject.of.collection, subject.id).await?;
        let email = |value: &Value| match value {
            Value::Text(email) => Ok(Arc::clone(email)),
            _ => Err(Damaged("email address of an account").into()),
        };
        record.map(|record| email(record.value(subject.of.email))).transpose()
    }

    async fn subject(&self, of: SubjectType, who: &AccountRef) -> Result<Option<Subject>, Error> {
        let record = match who {
            AccountRef::Id(id) => self.engine.peek(of.collection, *id).await?,
            AccountRef::Email(text) => {
                let by = [(of.email, Value::Text(email::read(Place::part("account"), text)?))];
                self.engine.peek_by(of.collection, &by).await?
            }
        };
        let id: Option<RecordId> = record.map(|record| record.id());
        Ok(id.map(|id| Subject { of, id }))
    }
}
