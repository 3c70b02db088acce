use std::sync::Arc;

use backstay_base::{Error, RecordId, Timestamp, limits};
use backstay_model::Collection;
use backstay_scalar::Value;

use super::Administration;
use crate::credential::Subject;
use crate::error::Damaged;

/// An account in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedAccount {
    /// Its record.
    pub id: RecordId,
    /// The address that it signs in with.
    pub email: Arc<str>,
    /// Its roles.
    pub roles: Arc<[Arc<str>]>,
    /// Whether its address is verified.
    pub verified: bool,
    /// Whether its password and its sessions are refused.
    pub disabled: bool,
    /// When its record was made.
    pub created_at: Timestamp,
}

impl Administration<'_> {
    /// At most this many accounts, in the order of their ids, which is that of their creation; those after an id if one
    /// is given.
    pub async fn accounts(&self, after: Option<RecordId>, most: usize) -> Result<Vec<ListedAccount>, Error> {
        let directory = self.parts.directory;
        let of = directory.schema.accounts.ok_or(Error::NoAccounts)?;
        let mut listed: Vec<ListedAccount> = Vec::new();
        while listed.len() < most {
            let from = listed.last().map(|last| last.id).or(after);
            let limit = u32::try_from(most - listed.len()).unwrap_or(u32::MAX).min(limits::PAGE_MAX);
            let page = directory.engine.peek_page(of.collection, from, limit).await?;
            let ended = page.len() < limit as usize;
            for record in page {
                let credential = directory.credential(Subject { of, id: record.id() }).await?;
                let (Value::Text(email), Value::Timestamp(created_at)) =
                    (record.value(of.email), record.value(Collection::CREATED_AT))
                else {
                    return Err(Damaged("email address or creation of an account").into());
                };
                let (email, created_at) = (Arc::clone(email), *created_at);
                let verified = credential.as_ref().is_some_and(|known| known.verified_email.as_ref() == Some(&email));
                let (roles, disabled) =
                    credential.map_or_else(|| (Arc::from([]), false), |known| (known.roles, known.disabled));
                listed.push(ListedAccount { id: record.id(), email, roles, verified, disabled, created_at });
            }
            if ended {
                break;
            }
        }
        Ok(listed)
    }
}
