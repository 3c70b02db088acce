use std::sync::Arc;

use backstay_base::{Caller, CallerKind, Conflict, Error, Grant, RecordId, Timestamp};
use backstay_engine::Record;
use backstay_scalar::Value;

use crate::claims::{self, Claims};
use crate::error::Damaged;
use crate::grants;
use crate::roles::{self, Roles};
use crate::schema::Keys;

/// An API key as it is stored.
#[derive(Debug, Clone)]
pub(crate) struct Key {
    /// Its record.
    pub(crate) id: RecordId,
    /// What people call it.
    pub(crate) name: String,
    /// Its roles.
    pub(crate) roles: Roles,
    /// Its claims.
    pub(crate) claims: Claims,
    /// What it is limited to, if it is limited.
    pub(crate) grant: Option<Arc<Grant>>,
    /// When it expires, if it does.
    pub(crate) expires_at: Option<Timestamp>,
    /// When it was revoked, if it was.
    pub(crate) revoked_at: Option<Timestamp>,
}

impl Key {
    pub(crate) fn read(fields: &Keys, record: &Record) -> Result<Self, Error> {
        let moment = |value: &Value, field: &'static str| match value {
            Value::Timestamp(moment) => Ok(Some(*moment)),
            Value::Null => Ok(None),
            _ => Err(Damaged(field)),
        };
        Ok(Self {
            id: record.id(),
            name: record.value(fields.name).as_text().ok_or(Damaged("BackstayKey.name"))?.to_owned(),
            roles: roles::read(record.value(fields.roles), "BackstayKey.roles")?,
            claims: claims::read(record.value(fields.claims), "BackstayKey.claims")?,
            grant: grants::stored(record.value(fields.granted_actions), "BackstayKey.grantedActions")?,
            expires_at: moment(record.value(fields.expires_at), "BackstayKey.expiresAt")?,
            revoked_at: moment(record.value(fields.revoked_at), "BackstayKey.revokedAt")?,
        })
    }

    /// The program that shows this key, as rules see it; `None` once the key is revoked.
    pub(crate) fn caller(&self) -> Option<Caller> {
        self.revoked_at.is_none().then(|| Caller {
            kind: CallerKind::Service,
            id: Some(self.id),
            roles: Arc::clone(&self.roles),
            claims: Arc::clone(&self.claims),
            verified: false,
            account: None,
            link: None,
            via: Arc::from([]),
            session: None,
            grant: self.grant.clone(),
        })
    }

    /// The same at a moment; an error says that the key is revoked or expired.
    pub(crate) fn caller_at(&self, now: Timestamp) -> Result<Caller, Error> {
        let caller = self.caller().ok_or(Conflict::Already("the key is revoked and cannot call"))?;
        match self.expires_at {
            Some(expires_at) if expires_at <= now => {
                Err(Conflict::Already("the key has expired and cannot call").into())
            }
            _ => Ok(caller),
        }
    }
}
