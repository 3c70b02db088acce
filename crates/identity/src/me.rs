use std::collections::BTreeMap;

use backstay_base::{Caller, CallerKind, Error, RecordId, Timestamp, Unauthenticated};
use backstay_engine::Context;
use backstay_model::CollectionId;
use bytes::Bytes;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::keys::KeyInfo;
use crate::{Identity, sessions};

impl Identity {
    /// The caller's own view of itself, as JSON: `kind`, `id`, `roles`, `claims`, `expiresAt` (of the session, or of the
    /// key; null without one). An account and an operator have `account` besides: their record, as they may read it. A
    /// key has the `name` that people call it by.
    pub async fn me(&self, cx: &Context) -> Result<Bytes, Error> {
        let id = cx.caller.id.ok_or(Unauthenticated::Missing)?;
        let me = match (cx.caller.kind, self.schema().accounts) {
            (CallerKind::Account, Some(accounts)) => self.person(cx, accounts.collection, id).await?,
            (CallerKind::Operator, _) => self.person(cx, self.schema().operators.collection, id).await?,
            (CallerKind::Service, _) => self.service(&cx.caller, id).await?,
            (CallerKind::Account | CallerKind::Anonymous | CallerKind::System, _) => {
                return Err(Unauthenticated::Missing.into());
            }
        };
        serde_json::to_vec(&me).map(Bytes::from).map_err(Error::internal)
    }

    async fn person<'c>(&self, cx: &'c Context, collection: CollectionId, id: RecordId) -> Result<Me<'c>, Error> {
        let schema = self.schema();
        let expires_at = match cx.caller.session {
            Some(session) => {
                let record = self.engine().peek(schema.sessions.collection, session).await?;
                record.and_then(|record| sessions::expiry(schema, &record))
            }
            None => None,
        };
        let record = self.own_record(cx, collection, id).await?;
        let record = String::from_utf8(record.into()).map_err(Error::internal)?;
        let account = RawValue::from_string(record).map_err(Error::internal)?;
        Ok(Me { account: Some(account), ..Me::of(&cx.caller, id, expires_at) })
    }

    /// Of a key's record nothing is shown but this: the rest is how Backstay stores it.
    async fn service<'c>(&self, caller: &'c Caller, id: RecordId) -> Result<Me<'c>, Error> {
        let keys = &self.schema().keys;
        let record = self.engine().peek(keys.collection, id).await?.ok_or(Unauthenticated::Token)?;
        let key = KeyInfo::read(keys, &record)?;
        Ok(Me { name: Some(key.name), ..Me::of(caller, id, key.expires_at) })
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Me<'a> {
    kind: &'static str,
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    roles: Vec<&'a str>,
    claims: &'a BTreeMap<String, String>,
    expires_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<Box<RawValue>>,
}

impl<'a> Me<'a> {
    fn of(caller: &'a Caller, id: RecordId, expires_at: Option<Timestamp>) -> Self {
        Self {
            kind: caller.kind.name(),
            id: id.to_string(),
            name: None,
            roles: caller.roles.iter().map(|role| &**role).collect(),
            claims: &caller.claims,
            expires_at: expires_at.map(|moment| moment.to_string()),
            account: None,
        }
    }
}
