use std::sync::Arc;

use backstay_base::{Conflict, Error, Place, RecordId, Secret, Timestamp};
use backstay_engine::{Authority, Input, Record, Transaction, TxContext};
use backstay_scalar::Value;
use futures_util::future::BoxFuture;

use super::{Administration, all, must_be_ahead};
use crate::error::Damaged;
use crate::schema::{Invitations, SubjectType};
use crate::token::{Purpose, TokenHash, issue};
use crate::{SignUp, email, roles};

/// An invitation that was just made.
#[derive(Debug, Clone)]
pub struct Invited {
    /// Its record.
    pub id: RecordId,
    /// The token to show once, at sign-up. It is not stored and cannot be shown again.
    pub token: Secret,
}

/// An open invitation: neither used nor expired.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenInvitation {
    /// Its record.
    pub id: RecordId,
    /// The only address that can sign up with it.
    pub email: Arc<str>,
    /// The roles that the account gets.
    pub roles: Arc<[Arc<str>]>,
    /// When it expires.
    pub expires_at: Timestamp,
}

impl Administration<'_> {
    /// Lets somebody make one account with this email address and these roles, until a moment. Refused if the address
    /// has an account, or if nobody can sign up.
    pub async fn invite(&self, email: &str, roles: &[String], expires_at: Timestamp) -> Result<Invited, Error> {
        must_be_ahead(Place::part("expires"), expires_at, self.cx.now)?;
        let directory = self.parts.directory;
        let accounts = directory.schema.accounts.ok_or(Error::NoAccounts)?;
        if self.parts.settings.sign_up == SignUp::Closed {
            return Err(Error::SignUpClosed);
        }
        let email = email::read(Place::part("email"), email)?;
        let roles = roles::all_known(directory.engine.model(), &Place::part("role"), roles)?;
        let token = issue(&*directory.engine.ambient().entropy, Purpose::Invitation);
        let fields = directory.schema.invitations;
        let input = Input::new()
            .with(fields.email, Value::Text(Arc::clone(&email)))
            .with(fields.token_hash, TokenHash::of(&token).text().as_str())
            .with(fields.roles, roles::value(&roles))
            .with(fields.expires_at, expires_at);
        let id = directory.engine.run(self.cx, Invite { accounts, email, fields, input }).await?;
        Ok(Invited { id, token })
    }

    /// The open invitations, in the order in which they were made.
    pub async fn open_invitations(&self) -> Result<Vec<OpenInvitation>, Error> {
        let fields = &self.parts.directory.schema.invitations;
        let records = all(self.parts.directory, fields.collection).await?;
        let open = records.iter().map(|record| OpenInvitation::read(fields, record, self.cx.now));
        Ok(open.filter_map(Result::transpose).collect::<Result<_, Damaged>>()?)
    }

    /// Revokes all open invitations for this email address; refused if there is none.
    pub async fn revoke_invitations(&self, email: &str) -> Result<(), Error> {
        let email = email::read(Place::part("email"), email)?;
        let open = self.open_invitations().await?.into_iter().filter(|one| one.email == email);
        let operation = RevokeInvitations {
            fields: self.parts.directory.schema.invitations,
            ids: open.map(|one| one.id).collect(),
        };
        match self.parts.directory.engine.run(self.cx, operation).await? {
            0 => Err(Error::NotFound { what: "open invitation for this email address".to_owned() }),
            _ => Ok(()),
        }
    }
}

impl OpenInvitation {
    /// The invitation, if it is open at this moment.
    fn read(fields: &Invitations, record: &Record, now: Timestamp) -> Result<Option<Self>, Damaged> {
        let Value::Timestamp(expires_at) = *record.value(fields.expires_at) else {
            return Err(Damaged("BackstayInvitation.expiresAt"));
        };
        if expires_at <= now || !record.value(fields.used_at).is_null() {
            return Ok(None);
        }
        let Value::Text(email) = record.value(fields.email) else { return Err(Damaged("BackstayInvitation.email")) };
        let roles = roles::read(record.value(fields.roles), "BackstayInvitation.roles")?;
        Ok(Some(Self { id: record.id(), email: Arc::clone(email), roles, expires_at }))
    }
}

#[derive(Debug)]
struct Invite {
    accounts: SubjectType,
    email: Arc<str>,
    fields: Invitations,
    input: Input,
}

impl Transaction for Invite {
    type Answer = RecordId;

    fn name(&self) -> &'static str {
        "invite"
    }

    fn run<'a>(&'a self, cx: &'a mut TxContext<'_, '_>) -> BoxFuture<'a, Result<RecordId, Error>> {
        Box::pin(async move {
            let by = [(self.accounts.email, Value::Text(Arc::clone(&self.email)))];
            if cx.find(self.accounts.collection, &by).await?.is_some() {
                return Err(Conflict::Already("there is already an account with this email address").into());
            }
            let record = cx.create(Authority::System, self.fields.collection, self.input.clone()).await?;
            Ok(record.id())
        })
    }
}

#[derive(Debug)]
struct RevokeInvitations {
    fields: Invitations,
    ids: Vec<RecordId>,
}

impl Transaction for RevokeInvitations {
    /// How many of them were still open.
    type Answer = usize;

    fn name(&self) -> &'static str {
        "revoke-invitations"
    }

    fn run<'a>(&'a self, cx: &'a mut TxContext<'_, '_>) -> BoxFuture<'a, Result<usize, Error>> {
        Box::pin(async move {
            let mut revoked = 0;
            for id in &self.ids {
                let record = cx.get(self.fields.collection, *id).await?;
                if record.is_some_and(|record| record.value(self.fields.used_at).is_null()) {
                    cx.delete(Authority::System, (self.fields.collection, *id), None).await?;
                    revoked += 1;
                }
            }
            Ok(revoked)
        })
    }
}
