use std::collections::BTreeMap;
use std::sync::Arc;

use backstay_base::{Conflict, Error, Place, RecordId, Secret, Timestamp};
use backstay_engine::{Authority, Input, Transaction, TxContext};
use backstay_scalar::Value;
use futures_util::future::BoxFuture;

use super::{Administration, all, must_be_ahead};
use crate::keys::Key;
use crate::schema::Keys;
use crate::token::{Purpose, TokenHash, issue};
use crate::{AccountRef, claims, grants, roles};

/// An API key that is to be made for a program.
#[derive(Debug, Clone, Default)]
pub struct NewKey {
    /// What people call it: 1 to 80 characters. No two keys in use have the same name.
    pub name: String,
    /// Roles of the model.
    pub roles: Vec<String>,
    /// Texts by name, for rules: `auth.claims.NAME`.
    pub claims: BTreeMap<String, String>,
    /// What the key is limited to, each as `posts:get`: a collection's path under `/api/` and an action. Without it,
    /// only the model's rules limit the key.
    pub only: Option<Vec<String>>,
    /// When it expires; never without one.
    pub expires_at: Option<Timestamp>,
}

/// A key that was just made.
#[derive(Debug, Clone)]
pub struct IssuedKey {
    /// Its record: `auth.id` of the program that shows it.
    pub id: RecordId,
    /// The key. It is not stored and cannot be shown again.
    pub secret: Secret,
}

/// An API key, without its secret.
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
    /// What it is limited to, each as `posts:get`, if it is limited.
    pub only: Option<Vec<String>>,
    /// When it expires, if it does.
    pub expires_at: Option<Timestamp>,
    /// When it was revoked, if it was.
    pub revoked_at: Option<Timestamp>,
}

impl Administration<'_> {
    /// Makes an API key.
    pub async fn issue_key(&self, key: NewKey) -> Result<IssuedKey, Error> {
        if let Some(expires_at) = key.expires_at {
            must_be_ahead(Place::part("expires"), expires_at, self.cx.now)?;
        }
        claims::check(&key.claims)?;
        let (engine, fields) = (&self.parts.directory.engine, self.parts.directory.schema.keys);
        let roles = roles::all_known(engine.model(), &Place::part("role"), &key.roles)?;
        let grant = key.only.as_deref().map(|only| grants::read(engine.model(), only)).transpose()?;
        let secret = issue(&*engine.ambient().entropy, Purpose::Key);
        let input = Input::new()
            .with(fields.name, key.name.as_str())
            .with(fields.live_name, key.name.as_str())
            .with(fields.key_hash, TokenHash::of(&secret).text().as_str())
            .with(fields.roles, roles::value(&roles))
            .with(fields.claims, claims::value(&key.claims)?)
            .with(fields.granted_actions, grants::value(grant.as_ref()))
            .with(fields.expires_at, key.expires_at.map_or(Value::Null, Value::Timestamp));
        let id = engine.run(self.cx, IssueKey { fields, name: key.name, input }).await.map_err(name_taken)?;
        Ok(IssuedKey { id, secret })
    }

    /// Revokes a key, which is named by its id or its name; it is refused from the next request on.
    pub async fn revoke_key(&self, key: &AccountRef) -> Result<(), Error> {
        let transaction = RevokeKey { fields: self.parts.directory.schema.keys, key: key.clone() };
        self.parts.directory.engine.run(self.cx, transaction).await
    }

    /// All keys, revoked and expired ones too, in the order in which they were made.
    pub async fn keys(&self) -> Result<Vec<KeyInfo>, Error> {
        let directory = self.parts.directory;
        let fields = &directory.schema.keys;
        let mut keys = Vec::new();
        for record in all(directory, fields.collection).await? {
            let Key { id, name, roles, claims, grant, expires_at, revoked_at } = Key::read(fields, &record)?;
            let only = grant.map(|grant| grants::shown(directory.engine.model(), &grant));
            keys.push(KeyInfo { id, name, roles, claims, only, expires_at, revoked_at });
        }
        Ok(keys)
    }
}

fn name_taken(error: Error) -> Error {
    match error {
        Error::Conflict(Conflict::Unique { .. } | Conflict::UniqueUnseen { .. }) => {
            Conflict::Already("a key with this name is in use; revoke it first, or choose another name").into()
        }
        error => error,
    }
}

#[derive(Debug)]
struct IssueKey {
    fields: Keys,
    name: String,
    input: Input,
}

impl Transaction for IssueKey {
    type Answer = RecordId;

    fn name(&self) -> &'static str {
        "issue-key"
    }

    fn run<'a>(&'a self, cx: &'a mut TxContext<'_, '_>) -> BoxFuture<'a, Result<RecordId, Error>> {
        Box::pin(async move {
            let fields = &self.fields;
            let holder = cx.find(fields.collection, &[(fields.live_name, Value::text(self.name.as_str()))]).await?;
            // An expired key gives its name up.
            if let Some(holder) = holder
                && matches!(holder.value(fields.expires_at), Value::Timestamp(end) if *end <= cx.now())
            {
                let freed = Input::new().with(fields.live_name, Value::Null);
                cx.update(Authority::System, (fields.collection, holder.id()), freed, None).await?;
            }
            let record = cx.create(Authority::System, fields.collection, self.input.clone()).await?;
            Ok(record.id())
        })
    }
}

#[derive(Debug)]
struct RevokeKey {
    fields: Keys,
    key: AccountRef,
}

impl Transaction for RevokeKey {
    type Answer = ();

    fn name(&self) -> &'static str {
        "revoke-key"
    }

    fn run<'a>(&'a self, cx: &'a mut TxContext<'_, '_>) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            let fields = &self.fields;
            let key = match &self.key {
                AccountRef::Id(id) => cx.get(fields.collection, *id).await?,
                AccountRef::Email(name) => {
                    cx.find(fields.collection, &[(fields.live_name, Value::text(name.as_str()))]).await?
                }
            };
            let key = key.ok_or_else(|| Error::NotFound { what: "key in use with this name or id".to_owned() })?;
            if key.value(fields.revoked_at).is_null() {
                let revoked = Input::new().with(fields.revoked_at, cx.now()).with(fields.live_name, Value::Null);
                cx.update(Authority::System, (fields.collection, key.id()), revoked, None).await?;
            }
            Ok(())
        })
    }
}
