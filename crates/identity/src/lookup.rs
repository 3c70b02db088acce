use std::sync::Arc;

use backstay_base::{Caller, Conflict, Error, RecordId};
use backstay_scalar::Value;

use crate::credential::{Credential, Subject};
use crate::keys::KeyInfo;
use crate::operators::not_an_email;
use crate::schema::Accounts;
use crate::{AccountRef, Identity};

impl Identity {
    /// The caller that this account, operator or key would be if it signed in now; without a session. A text is
    /// the address of an account, else that of an operator, else the name of a key.
    pub async fn caller_for(&self, who: &AccountRef) -> Result<Arc<Caller>, Error> {
        let subject = match who {
            AccountRef::Email(text) if self.stored_email(self.schema().operators, text).is_none() => None,
            who => self.find_subject(who).await?,
        };
        match subject {
            Some(subject) => self.caller_of(subject).await,
            None => self.key_caller(who).await,
        }
    }

    async fn caller_of(&self, subject: Subject) -> Result<Arc<Caller>, Error> {
        match Credential::peek(self.engine(), self.schema(), subject).await? {
            Some(credential) if credential.disabled => {
                Err(Conflict::Already("it is disabled, and cannot call; enable it first").into())
            }
            Some(credential) => Ok(Arc::new(credential.caller(None))),
            None => {
                let caller = Caller::account(subject.id(), Vec::<Arc<str>>::new());
                Ok(Arc::new(Caller { kind: subject.kind(), ..caller }))
            }
        }
    }

    async fn key_caller(&self, who: &AccountRef) -> Result<Arc<Caller>, Error> {
        let keys = &self.schema().keys;
        let key = match who {
            AccountRef::Id(id) => self.engine().peek(keys.collection, *id).await?,
            AccountRef::Email(name) => {
                self.engine().peek_by(keys.collection, &[(keys.live_name, Value::text(name.as_str()))]).await?
            }
        };
        let key = key.ok_or_else(|| match who {
            AccountRef::Email(name) if !name.contains('@') => Error::NotFound {
                what: "key in use with this name; an account is named by its e-mail address".to_owned(),
            },
            who => none("account, operator or key", who),
        })?;
        KeyInfo::read(keys, &key)?.caller_at(self.engine().ambient().clock.now()).map(Arc::new)
    }

    /// The account of this name, or else the operator.
    pub(crate) async fn subject(&self, who: &AccountRef) -> Result<Subject, Error> {
        self.find_subject(who).await?.ok_or_else(|| none("account or operator", who))
    }

    /// The account of this name.
    pub(crate) async fn account_subject(&self, who: &AccountRef) -> Result<Subject, Error> {
        self.find_account(who).await?.ok_or_else(|| none("account", who))
    }

    /// The operator of this name.
    pub(crate) async fn operator_subject(&self, who: &AccountRef) -> Result<Subject, Error> {
        self.find_operator(who).await?.ok_or_else(|| none("operator", who))
    }

    async fn find_subject(&self, who: &AccountRef) -> Result<Option<Subject>, Error> {
        match self.find_account(who).await? {
            Some(account) => Ok(Some(account)),
            None => self.find_operator(who).await,
        }
    }

    async fn find_account(&self, who: &AccountRef) -> Result<Option<Subject>, Error> {
        match self.schema().accounts {
            Some(accounts) => Ok(self.find(accounts, who).await?.map(Subject::Account)),
            None => Ok(None),
        }
    }

    async fn find_operator(&self, who: &AccountRef) -> Result<Option<Subject>, Error> {
        Ok(self.find(self.schema().operators, who).await?.map(Subject::Operator))
    }

    async fn find(&self, accounts: Accounts, who: &AccountRef) -> Result<Option<RecordId>, Error> {
        let record = match who {
            AccountRef::Id(id) => self.engine().peek(accounts.collection, *id).await?,
            AccountRef::Email(text) => {
                let email = self.stored_email(accounts, text).ok_or_else(|| not_an_email("account"))?;
                self.engine().peek_by(accounts.collection, &[(accounts.email, Value::Text(email))]).await?
            }
        };
        Ok(record.map(|record| record.id()))
    }
}

fn none(what: &str, who: &AccountRef) -> Error {
    let by = match who {
        AccountRef::Email(_) => "e-mail address",
        AccountRef::Id(_) => "id",
    };
    Error::NotFound { what: format!("{what} with this {by}") }
}
