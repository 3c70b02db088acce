use std::sync::Arc;

use backstay_base::{Caller, Conflict, Error, RecordId, Value};

use crate::credential::{Credential, Subject};
use crate::keys::KeyInfo;
use crate::operators::not_an_email;
use crate::schema::Accounts;
use crate::{AccountRef, Identity};

impl Identity {
    /// The caller that this account, operator or key would be if it signed in now; without a session.
    pub async fn caller_for(&self, who: &AccountRef) -> Result<Arc<Caller>, Error> {
        let keys = &self.schema().keys;
        if let AccountRef::Id(id) = who
            && let Some(key) = self.engine().peek(keys.collection, *id).await?
        {
            return KeyInfo::read(keys, &key)?.caller_at(self.engine().ambient().clock.now()).map(Arc::new);
        }
        let subject = self.subject(who).await?;
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

    /// The account of this name, or else the operator.
    pub(crate) async fn subject(&self, who: &AccountRef) -> Result<Subject, Error> {
        if let Some(account) = self.find_account(who).await? {
            return Ok(account);
        }
        self.find_operator(who).await?.ok_or_else(|| none("account or operator", who))
    }

    /// The account of this name.
    pub(crate) async fn account_subject(&self, who: &AccountRef) -> Result<Subject, Error> {
        self.find_account(who).await?.ok_or_else(|| none("account", who))
    }

    /// The operator of this name.
    pub(crate) async fn operator_subject(&self, who: &AccountRef) -> Result<Subject, Error> {
        self.find_operator(who).await?.ok_or_else(|| none("operator", who))
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
