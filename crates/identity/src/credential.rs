use std::sync::Arc;

use backstay_base::{Caller, CallerKind, Error, RecordId, Timestamp};
use backstay_engine::{Authority, Engine, Input, Record, TxContext};
use backstay_scalar::Value;

use crate::claims::{self, Claims};
use crate::error::Damaged;
use crate::hashing::StoredHash;
use crate::roles::{self, Roles};
use crate::schema::{Credentials, Schema, SubjectKind, SubjectType};

/// Somebody who can sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Subject {
    pub(crate) of: SubjectType,
    /// The account's or the operator's record.
    pub(crate) id: RecordId,
}

impl Subject {
    /// The caller that this subject is, with these roles and claims.
    pub(crate) fn caller(self, roles: Roles, claims: Claims) -> Caller {
        let kind = match self.of.kind {
            SubjectKind::Account => CallerKind::Account,
            SubjectKind::Operator => CallerKind::Operator,
        };
        Caller {
            kind,
            id: Some(self.id),
            roles,
            claims,
            verified: false,
            account: None,
            link: None,
            via: Arc::from([]),
            session: None,
            grant: None,
        }
    }
}

/// A stored credential.
#[derive(Debug, Clone)]
pub(crate) struct Credential {
    pub(crate) id: RecordId,
    pub(crate) subject: Subject,
    /// Absent until a password is set.
    pub(crate) password_hash: Option<StoredHash>,
    pub(crate) roles: Roles,
    pub(crate) claims: Claims,
    /// The address that was verified, whether or not the account still has it.
    pub(crate) verified_email: Option<Arc<str>>,
    pub(crate) disabled: bool,
}

impl Credential {
    /// Whose credential it is; nobody's if it was an account's and another type is marked `@identity` now.
    pub(crate) fn subject(schema: &Schema, record: &Record) -> Option<Subject> {
        let referred = |of: SubjectType| record.value(of.credential).as_id().map(|id| Subject { of, id });
        schema.accounts.and_then(referred).or_else(|| referred(schema.operators))
    }

    pub(crate) fn read(schema: &Schema, record: &Record) -> Result<Self, Error> {
        let fields = &schema.credentials;
        Ok(Self {
            id: record.id(),
            subject: Self::subject(schema, record).ok_or(Damaged("BackstayCredential.operator"))?,
            password_hash: StoredHash::read(record.value(fields.password_hash), "BackstayCredential.passwordHash")?,
            roles: roles::read(record.value(fields.roles), "BackstayCredential.roles")?,
            claims: claims::read(record.value(fields.claims), "BackstayCredential.claims")?,
            verified_email: record.value(fields.verified_email).as_text().map(Arc::from),
            disabled: record.value(fields.disabled).as_bool().ok_or(Damaged("BackstayCredential.disabled"))?,
        })
    }

    /// The caller who holds it, as rules see it.
    pub(crate) fn caller(&self) -> Caller {
        self.subject.caller(Arc::clone(&self.roles), Arc::clone(&self.claims))
    }
}

impl Schema {
    /// A subject's credential, read outside of a transaction.
    pub(crate) async fn peek_credential(&self, engine: &Engine, subject: Subject) -> Result<Option<Credential>, Error> {
        let by = [(subject.of.credential, Value::Id(subject.id))];
        let record = engine.peek_by(self.credentials.collection, &by).await?;
        record.map(|record| Credential::read(self, &record)).transpose()
    }

    /// A subject's credential, read within a transaction.
    pub(crate) async fn find_credential(
        &self,
        cx: &mut TxContext<'_, '_>,
        subject: Subject,
    ) -> Result<Option<Credential>, Error> {
        let by = [(subject.of.credential, Value::Id(subject.id))];
        let record = cx.find(self.credentials.collection, &by).await?;
        record.map(|record| Credential::read(self, &record)).transpose()
    }
}

impl Credentials {
    /// Stores the credential of a subject that has none.
    pub(crate) async fn create(
        &self,
        cx: &mut TxContext<'_, '_>,
        subject: Subject,
        password_hash: Option<&StoredHash>,
        roles: &[Arc<str>],
    ) -> Result<Credential, Error> {
        let input = Input::new()
            .with(subject.of.credential, subject.id)
            .with(self.password_hash, password_hash.map_or(Value::Null, StoredHash::value))
            .with(self.roles, roles::value(roles))
            .with(self.disabled, false);
        let record = cx.create(Authority::System, self.collection, input).await?;
        Ok(Credential {
            id: record.id(),
            subject,
            password_hash: password_hash.cloned(),
            roles: roles.into(),
            claims: Claims::default(),
            verified_email: None,
            disabled: false,
        })
    }

    /// What is stored of an account whose address is verified.
    pub(crate) fn verified(&self, email: &Value, now: Timestamp) -> Input {
        Input::new().with(self.verified_email, email.clone()).with(self.verified_at, now)
    }

    /// Changes a stored credential.
    pub(crate) async fn update(
        &self,
        cx: &mut TxContext<'_, '_>,
        credential: RecordId,
        changes: Input,
    ) -> Result<(), Error> {
        cx.update(Authority::System, (self.collection, credential), changes, None).await.map(|_| ())
    }
}
