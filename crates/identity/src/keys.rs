use std::collections::BTreeMap;
use std::sync::Arc;

use backstay_base::{Caller, CallerKind, Conflict, Error, RecordId, Secret, Timestamp, limits};
use backstay_engine::{Authority, Context, Draft, OpContext, Operation, Record};
use backstay_scalar::Value;
use futures_util::future::BoxFuture;

use crate::credential::{self, claims_value, roles_value};
use crate::grants::known_role;
use crate::operators::must_be_ahead;
use crate::schema::{Keys, Schema};
use crate::token::{Purpose, TokenHash, issue};
use crate::{Identity, claims};

/// What a key for a program is to be.
#[derive(Debug, Clone, Default)]
pub struct NewKey {
    /// What people call it; no two keys that are not revoked have the same.
    pub name: String,
    /// Roles of the model.
    pub roles: Vec<String>,
    /// Texts by name, for rules: `auth.claims.x`.
    pub claims: BTreeMap<String, String>,
    /// When it ends of itself; never without one.
    pub expires_at: Option<Timestamp>,
}

/// A key that was just made.
#[derive(Debug, Clone)]
pub struct IssuedKey {
    /// Its record: `auth.id` of the program that shows it.
    pub id: RecordId,
    /// The key. It is not stored and not shown again.
    pub secret: Secret,
}

/// What is known of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyInfo {
    /// Its record.
    pub id: RecordId,
    /// What people call it.
    pub name: String,
    /// Its roles.
    pub roles: Arc<[Arc<str>]>,
    /// Its claims.
    pub claims: Arc<BTreeMap<String, String>>,
    /// When it ends of itself.
    pub expires_at: Option<Timestamp>,
    /// When an operator ended it.
    pub revoked_at: Option<Timestamp>,
}

impl Identity {
    /// Makes a key for a program. Only for Backstay itself and for operators.
    pub async fn issue_key(&self, cx: &Context, key: NewKey) -> Result<IssuedKey, Error> {
        Self::operators_only(cx)?;
        if let Some(expires_at) = key.expires_at {
            must_be_ahead("expires", expires_at, cx.now)?;
        }
        claims::check(&key.claims)?;
        let model = self.engine().model();
        let roles = key.roles.iter().map(|role| known_role(model, "role", role));
        let roles: Vec<Arc<str>> = roles.collect::<Result<_, Error>>()?;
        let secret = issue(&*self.engine().ambient().entropy, Purpose::Key);
        let fields = &self.schema().keys;
        let draft = Draft::new()
            .with(fields.name, key.name.as_str())
            .with(fields.live_name, key.name.as_str())
            .with(fields.key_hash, TokenHash::of(&secret).text().as_str())
            .with(fields.roles, roles_value(&roles))
            .with(fields.claims, claims_value(&key.claims)?)
            .with(fields.expires_at, key.expires_at.map_or(Value::Null, Value::Timestamp));
        let operation = IssueKey { schema: *self.schema(), name: key.name, draft };
        let id = self.engine().run(cx, operation).await.map_err(name_taken)?;
        Ok(IssuedKey { id, secret })
    }

    /// Ends a key, named by its id or by its name; it is refused from the next request on. Only for Backstay itself and
    /// for operators.
    pub async fn revoke_key(&self, cx: &Context, key: &str) -> Result<(), Error> {
        Self::operators_only(cx)?;
        let operation = RevokeKey { schema: *self.schema(), id: key.parse().ok(), name: key.to_owned() };
        self.engine().run(cx, operation).await
    }

    /// All keys, revoked and expired ones too, in the order in which they were made. Only for Backstay itself and for
    /// operators.
    pub async fn list_keys(&self, cx: &Context) -> Result<Vec<KeyInfo>, Error> {
        Self::operators_only(cx)?;
        let collection = self.schema().keys.collection;
        let (mut keys, mut after) = (Vec::new(), None);
        loop {
            let page = self.engine().peek_page(collection, after, limits::PAGE_MAX).await?;
            after = page.last().map(Record::id);
            for record in &page {
                keys.push(KeyInfo::read(&self.schema().keys, record)?);
            }
            if page.len() < limits::PAGE_MAX as usize {
                return Ok(keys);
            }
        }
    }
}

impl KeyInfo {
    pub(crate) fn read(fields: &Keys, record: &Record) -> Result<Self, Error> {
        let moment = |value: &Value| match value {
            Value::Timestamp(moment) => Some(*moment),
            _ => None,
        };
        Ok(Self {
            id: record.id(),
            name: record.value(fields.name).as_text().unwrap_or_default().to_owned(),
            roles: credential::roles(record.value(fields.roles)),
            claims: credential::claims(record.value(fields.claims))?,
            expires_at: moment(record.value(fields.expires_at)),
            revoked_at: moment(record.value(fields.revoked_at)),
        })
    }

    /// Who shows this key, as rules see it; `None` once it is revoked.
    pub(crate) fn caller(&self) -> Option<Caller> {
        self.revoked_at.is_none().then(|| Caller {
            kind: CallerKind::Service,
            id: Some(self.id),
            roles: Arc::clone(&self.roles),
            claims: Arc::clone(&self.claims),
            session: None,
        })
    }

    /// The same at a moment; refused with words once the key is revoked or has expired.
    pub(crate) fn caller_at(&self, now: Timestamp) -> Result<Caller, Error> {
        let caller = self.caller().ok_or(Conflict::Already("the key is revoked, and cannot call"))?;
        match self.expires_at {
            Some(expires_at) if expires_at <= now => {
                Err(Conflict::Already("the key has expired, and cannot call").into())
            }
            _ => Ok(caller),
        }
    }
}

fn name_taken(error: Error) -> Error {
    match error {
        Error::Conflict(Conflict::Unique { .. } | Conflict::UniqueUnseen { .. }) => {
            Conflict::Already("a key of this name is in use; revoke it first, or choose another name").into()
        }
        error => error,
    }
}

#[derive(Debug)]
struct IssueKey {
    schema: Schema,
    name: String,
    draft: Draft,
}

impl Operation for IssueKey {
    type Answer = RecordId;

    fn name(&self) -> &'static str {
        "issue-key"
    }

    fn run<'a>(&'a self, cx: &'a mut OpContext<'_, '_>) -> BoxFuture<'a, Result<RecordId, Error>> {
        Box::pin(async move {
            let fields = &self.schema.keys;
            // A key that has expired gives its name free.
            let holder = cx.find(fields.collection, &[(fields.live_name, Value::text(self.name.as_str()))]).await?;
            if let Some(holder) = holder
                && matches!(holder.value(fields.expires_at), Value::Timestamp(end) if *end <= cx.now())
            {
                let freed = Draft::new().with(fields.live_name, Value::Null);
                cx.update(Authority::System, fields.collection, holder.id(), freed, None).await?;
            }
            let record = cx.create(Authority::System, fields.collection, self.draft.clone()).await?;
            Ok(record.id())
        })
    }
}

#[derive(Debug)]
struct RevokeKey {
    schema: Schema,
    id: Option<RecordId>,
    name: String,
}

impl Operation for RevokeKey {
    type Answer = ();

    fn name(&self) -> &'static str {
        "revoke-key"
    }

    fn run<'a>(&'a self, cx: &'a mut OpContext<'_, '_>) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            let fields = &self.schema.keys;
            let key = match self.id {
                Some(id) => cx.get(fields.collection, id).await?,
                None => cx.find(fields.collection, &[(fields.live_name, Value::text(self.name.as_str()))]).await?,
            };
            let key = key.ok_or_else(|| Error::NotFound { what: "key in use with this id or name".to_owned() })?;
            if key.value(fields.revoked_at).is_null() {
                let revoked = Draft::new().with(fields.revoked_at, cx.now()).with(fields.live_name, Value::Null);
                cx.update(Authority::System, fields.collection, key.id(), revoked, None).await?;
            }
            Ok(())
        })
    }
}
