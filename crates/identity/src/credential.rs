use std::collections::BTreeMap;
use std::sync::Arc;

use backstay_base::{Caller, CallerKind, Error, RecordId, Secret};
use backstay_engine::{Authority, Draft, Engine, OpContext, Record};
use backstay_model::FieldId;
use backstay_scalar::Value;

use crate::grants::known_role;
use crate::hashing::StoredHash;
use crate::schema::Schema;
use crate::{Identity, password};

/// Who signs in: an account of the application, or an operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Subject {
    Account(RecordId),
    Operator(RecordId),
}

impl Subject {
    pub(crate) fn id(self) -> RecordId {
        match self {
            Self::Account(id) | Self::Operator(id) => id,
        }
    }

    pub(crate) fn kind(self) -> CallerKind {
        match self {
            Self::Account(_) => CallerKind::Account,
            Self::Operator(_) => CallerKind::Operator,
        }
    }

    /// The field of a credential that refers to it; absent for accounts where the application has none.
    pub(crate) fn field(self, schema: &Schema) -> Option<FieldId> {
        match self {
            Self::Account(_) => schema.credentials.account,
            Self::Operator(_) => Some(schema.credentials.operator),
        }
    }
}

/// Names of roles.
pub(crate) type Roles = Arc<[Arc<str>]>;

/// Claims by name.
pub(crate) type Claims = Arc<BTreeMap<String, String>>;

/// A stored credential.
#[derive(Debug, Clone)]
pub(crate) struct Credential {
    pub(crate) id: RecordId,
    pub(crate) subject: Subject,
    pub(crate) password_hash: Option<StoredHash>,
    pub(crate) roles: Roles,
    pub(crate) claims: Claims,
    pub(crate) disabled: bool,
}

impl Credential {
    pub(crate) fn read(schema: &Schema, record: &Record) -> Result<Self, Error> {
        let fields = &schema.credentials;
        let account = fields.account.and_then(|field| record.value(field).as_id()).map(Subject::Account);
        let operator = record.value(fields.operator).as_id().map(Subject::Operator);
        Ok(Self {
            id: record.id(),
            subject: account.or(operator).ok_or_else(|| Error::internal(Damaged("credential")))?,
            password_hash: StoredHash::read(record.value(fields.password_hash)),
            roles: roles(record.value(fields.roles)),
            claims: claims(record.value(fields.claims))?,
            disabled: record.value(fields.disabled).as_bool() != Some(false),
        })
    }

    /// Who asks, as rules see it.
    pub(crate) fn caller(&self, session: Option<RecordId>) -> Caller {
        Caller {
            kind: self.subject.kind(),
            id: Some(self.subject.id()),
            roles: Arc::clone(&self.roles),
            claims: Arc::clone(&self.claims),
            session,
        }
    }

    /// The credential of somebody, read outside of an operation.
    pub(crate) async fn peek(engine: &Engine, schema: &Schema, subject: Subject) -> Result<Option<Self>, Error> {
        let Some(field) = subject.field(schema) else { return Ok(None) };
        let by = [(field, Value::Id(subject.id()))];
        let record = engine.peek_by(schema.credentials.collection, &by).await?;
        record.map(|record| Self::read(schema, &record)).transpose()
    }

    /// The credential of somebody, within an operation.
    pub(crate) async fn find(
        cx: &mut OpContext<'_, '_>,
        schema: &Schema,
        subject: Subject,
    ) -> Result<Option<Self>, Error> {
        let Some(field) = subject.field(schema) else { return Ok(None) };
        let record = cx.find(schema.credentials.collection, &[(field, Value::Id(subject.id()))]).await?;
        record.map(|record| Self::read(schema, &record)).transpose()
    }

    /// Makes the credential of somebody who has none.
    pub(crate) async fn create(
        cx: &mut OpContext<'_, '_>,
        schema: &Schema,
        subject: Subject,
        password_hash: Option<&StoredHash>,
        roles: &[Arc<str>],
    ) -> Result<Self, Error> {
        let fields = &schema.credentials;
        let Some(field) = subject.field(schema) else { return Err(Error::internal(Damaged("model"))) };
        let hash = password_hash.map_or(Value::Null, StoredHash::value);
        let draft = Draft::new()
            .with(field, subject.id())
            .with(fields.password_hash, hash)
            .with(fields.roles, roles_value(roles))
            .with(fields.disabled, false);
        let record = cx.create(Authority::System, fields.collection, draft).await?;
        Self::read(schema, &record)
    }
}

/// What an account that is made without a sign-up (from a seed file, by an operator) is to sign in with.
#[derive(Debug, Clone)]
pub struct NewCredential {
    schema: Schema,
    password_hash: Option<StoredHash>,
    roles: Vec<Arc<str>>,
}

impl Identity {
    /// Prepares the credential of an account that is yet to be made: its password, if it is to have one, is checked and
    /// hashed, its roles are those of the model. Violations are at `/$password` and `/$roles`.
    pub async fn new_credential(&self, password: Option<&Secret>, roles: &[String]) -> Result<NewCredential, Error> {
        let model = self.engine().model();
        let roles: Result<_, Error> = roles.iter().map(|role| known_role(model, "/$roles", role)).collect();
        let password_hash = match password {
            Some(password) => {
                password::check_new("/$password", password, "", self.settings().password_min)?;
                Some(self.hasher().hash(password.clone()).await?)
            }
            None => None,
        };
        Ok(NewCredential { schema: *self.schema(), password_hash, roles: roles? })
    }
}

impl NewCredential {
    /// Stores it as part of the operation that made the account.
    pub async fn create(&self, cx: &mut OpContext<'_, '_>, account: RecordId) -> Result<(), Error> {
        let subject = Subject::Account(account);
        Credential::create(cx, &self.schema, subject, self.password_hash.as_ref(), &self.roles).await.map(|_| ())
    }
}

/// A record of Backstay's own that it did not write.
#[derive(Debug, thiserror::Error)]
#[error("a stored {0} holds what Backstay did not write")]
pub(crate) struct Damaged(pub(crate) &'static str);

/// Reads a list of names.
pub(crate) fn roles(value: &Value) -> Roles {
    let Value::List(items) = value else { return Arc::from([]) };
    let text = |item: &Value| match item {
        Value::Text(name) => Some(Arc::clone(name)),
        _ => None,
    };
    items.iter().filter_map(text).collect()
}

/// A list of names, as it is stored.
pub(crate) fn roles_value(roles: &[Arc<str>]) -> Value {
    Value::List(roles.iter().map(|role| Value::Text(Arc::clone(role))).collect())
}

/// Reads an object of texts.
pub(crate) fn claims(value: &Value) -> Result<Claims, Error> {
    match value {
        Value::Json(text) => serde_json::from_str(text).map(Arc::new).map_err(Error::internal),
        _ => Ok(Claims::default()),
    }
}

/// An object of texts, as it is stored.
pub(crate) fn claims_value(claims: &BTreeMap<String, String>) -> Result<Value, Error> {
    if claims.is_empty() {
        return Ok(Value::Null);
    }
    serde_json::to_string(claims).map(|text| Value::Json(text.into())).map_err(Error::internal)
}
