use std::collections::BTreeMap;
use std::sync::Arc;

use backstay_base::{Error, RecordId, Secret, limits};
use backstay_engine::Context;

use crate::credential::{Credential, Subject};
use crate::edit::{Edit, EditCredential};
use crate::{AccountRef, Identity, password, sessions};

/// What is known of how an account signs in, and of what it may do then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountInfo {
    /// Its record.
    pub id: RecordId,
    /// What it signs in with.
    pub email: String,
    /// Its roles.
    pub roles: Arc<[Arc<str>]>,
    /// Its claims.
    pub claims: Arc<BTreeMap<String, String>>,
    /// Neither its password nor its sessions are taken.
    pub disabled: bool,
    /// Without one it cannot sign in.
    pub has_password: bool,
    /// Sessions that have not ended.
    pub sessions: usize,
}

impl Identity {
    /// What is known of an account. Only for Backstay itself and for operators, as everything here.
    pub async fn account(&self, cx: &Context, account: &AccountRef) -> Result<AccountInfo, Error> {
        Self::operators_only(cx)?;
        let subject = self.account_subject(account).await?;
        let email = self.email_of(subject).await?.to_string();
        let credential = Credential::peek(self.engine(), self.schema(), subject).await?;
        let sessions = match &credential {
            Some(credential) => self.live_sessions(cx, credential).await?,
            None => 0,
        };
        Ok(AccountInfo {
            id: subject.id(),
            email,
            roles: credential.as_ref().map_or_else(|| Arc::from([]), |one| Arc::clone(&one.roles)),
            claims: credential.as_ref().map_or_else(Arc::default, |one| Arc::clone(&one.claims)),
            disabled: credential.as_ref().is_some_and(|one| one.disabled),
            has_password: credential.as_ref().is_some_and(|one| one.password_hash.is_some()),
            sessions,
        })
    }

    /// Ends all sessions of an account and lets it begin no other, until it is enabled again.
    pub async fn disable(&self, cx: &Context, account: &AccountRef) -> Result<(), Error> {
        Self::operators_only(cx)?;
        self.edit(cx, self.account_subject(account).await?, Edit::Disable).await
    }

    /// Lets a disabled account sign in again.
    pub async fn enable(&self, cx: &Context, account: &AccountRef) -> Result<(), Error> {
        Self::operators_only(cx)?;
        self.edit(cx, self.account_subject(account).await?, Edit::Enable).await
    }

    /// Gives an account a new password and ends all its sessions: for records that were made without one, and for
    /// passwords that were forgotten.
    pub async fn set_password(&self, cx: &Context, account: &AccountRef, password: &Secret) -> Result<(), Error> {
        Self::operators_only(cx)?;
        self.replace_password(cx, self.account_subject(account).await?, password).await
    }

    /// The same for whoever signs in.
    pub(crate) async fn replace_password(
        &self,
        cx: &Context,
        subject: Subject,
        password: &Secret,
    ) -> Result<(), Error> {
        let email = self.email_of(subject).await?;
        password::check_new("password", password, &email, self.settings().password_min)?;
        let hash = self.hasher().hash(password.clone()).await?;
        self.edit(cx, subject, Edit::Password(hash)).await
    }

    pub(crate) async fn edit(&self, cx: &Context, subject: Subject, edit: Edit) -> Result<(), Error> {
        self.engine().run(cx, EditCredential { schema: *self.schema(), subject, edit }).await
    }

    async fn live_sessions(&self, cx: &Context, credential: &Credential) -> Result<usize, Error> {
        let (schema, most) = (self.schema(), limits::SESSIONS_PER_ACCOUNT.saturating_mul(2));
        let fields = &schema.sessions;
        let all = self.engine().peek_all(fields.collection, fields.credential, credential.id, most).await?;
        Ok(all.iter().filter(|session| sessions::expiry(schema, session) > Some(cx.now)).count())
    }
}
