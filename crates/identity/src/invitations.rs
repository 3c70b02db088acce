use std::sync::Arc;

use backstay_base::{Conflict, Error, RecordId, Secret, Timestamp, limits};
use backstay_engine::{Authority, Context, Draft, OpContext, Operation, Record};
use backstay_model::CollectionId;
use backstay_scalar::Value;
use futures_util::future::BoxFuture;

use crate::credential::{roles, roles_value};
use crate::grants::known_role;
use crate::operators::{must_be_ahead, not_an_email};
use crate::schema::{Accounts, Invitations};
use crate::token::{Purpose, TokenHash, issue};
use crate::{Identity, SignUp};

/// An invitation that was just made.
#[derive(Debug, Clone)]
pub struct Invited {
    /// Its record.
    pub id: RecordId,
    /// What to show once at sign-up. It is not stored and not shown again.
    pub token: Secret,
}

/// An invitation that is open: neither used nor expired. Its token is not known any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenInvitation {
    /// Its record.
    pub id: RecordId,
    /// The only address that it is good for.
    pub email: String,
    /// Roles that the account gets.
    pub roles: Arc<[Arc<str>]>,
    /// When it ends of itself.
    pub expires_at: Timestamp,
}

impl Identity {
    /// Lets somebody make one account with this e-mail address, with these roles, until a moment; refused where the
    /// address has an account. Only for Backstay itself and for operators.
    pub async fn invite(
        &self,
        cx: &Context,
        email: &str,
        roles: &[String],
        expires_at: Timestamp,
    ) -> Result<Invited, Error> {
        Self::operators_only(cx)?;
        must_be_ahead("expires", expires_at, cx.now)?;
        let accounts = self.schema().accounts.filter(|_| self.settings().sign_up != SignUp::Closed);
        let accounts = accounts.ok_or_else(|| Error::NotFound { what: "sign-up to invite to; it is closed".into() })?;
        let email = self.stored_email(accounts, email).ok_or_else(|| not_an_email("email"))?;
        let model = self.engine().model();
        let roles: Result<Vec<Arc<str>>, Error> = roles.iter().map(|role| known_role(model, "role", role)).collect();
        let token = issue(&*self.engine().ambient().entropy, Purpose::Invitation);
        let fields = &self.schema().invitations;
        let draft = Draft::new()
            .with(fields.email, Value::Text(Arc::clone(&email)))
            .with(fields.token_hash, TokenHash::of(&token).text().as_str())
            .with(fields.roles, roles_value(&roles?))
            .with(fields.expires_at, expires_at);
        let id = self.engine().run(cx, Invite { accounts, email, collection: fields.collection, draft }).await?;
        Ok(Invited { id, token })
    }

    /// The invitations that are open, in the order in which they were made. Only for Backstay itself and for operators.
    pub async fn open_invitations(&self, cx: &Context) -> Result<Vec<OpenInvitation>, Error> {
        Self::operators_only(cx)?;
        let fields = &self.schema().invitations;
        let (mut open, mut after) = (Vec::new(), None);
        loop {
            let page = self.engine().peek_page(fields.collection, after, limits::PAGE_MAX).await?;
            after = page.last().map(Record::id);
            open.extend(page.iter().filter_map(|record| OpenInvitation::read(fields, record, cx.now)));
            if page.len() < limits::PAGE_MAX as usize {
                return Ok(open);
            }
        }
    }

    /// Takes back all open invitations for this e-mail address; refused where there is none. Only for Backstay itself
    /// and for operators.
    pub async fn revoke_invitations(&self, cx: &Context, email: &str) -> Result<(), Error> {
        Self::operators_only(cx)?;
        let email = match self.schema().accounts {
            Some(accounts) => self.stored_email(accounts, email).ok_or_else(|| not_an_email("email"))?,
            None => Arc::from(email),
        };
        let meant = self.open_invitations(cx).await?.into_iter().filter(|one| one.email == *email);
        let ids: Vec<RecordId> = meant.map(|one| one.id).collect();
        let operation = RevokeInvitations { fields: self.schema().invitations, ids };
        match self.engine().run(cx, operation).await? {
            0 => Err(Error::NotFound { what: "open invitation for this e-mail address".to_owned() }),
            _ => Ok(()),
        }
    }
}

impl OpenInvitation {
    fn read(fields: &Invitations, record: &Record, now: Timestamp) -> Option<Self> {
        let Value::Timestamp(expires_at) = *record.value(fields.expires_at) else { return None };
        let open = expires_at > now && record.value(fields.used_at).is_null();
        open.then(|| Self {
            id: record.id(),
            email: record.value(fields.email).as_text().unwrap_or_default().to_owned(),
            roles: roles(record.value(fields.roles)),
            expires_at,
        })
    }
}

#[derive(Debug)]
struct Invite {
    accounts: Accounts,
    email: Arc<str>,
    collection: CollectionId,
    draft: Draft,
}

impl Operation for Invite {
    type Answer = RecordId;

    fn name(&self) -> &'static str {
        "invite"
    }

    fn run<'a>(&'a self, cx: &'a mut OpContext<'_, '_>) -> BoxFuture<'a, Result<RecordId, Error>> {
        Box::pin(async move {
            let by = [(self.accounts.email, Value::Text(Arc::clone(&self.email)))];
            if cx.find(self.accounts.collection, &by).await?.is_some() {
                return Err(Conflict::Already("there is an account with this e-mail address already").into());
            }
            let record = cx.create(Authority::System, self.collection, self.draft.clone()).await?;
            Ok(record.id())
        })
    }
}

#[derive(Debug)]
struct RevokeInvitations {
    fields: Invitations,
    ids: Vec<RecordId>,
}

impl Operation for RevokeInvitations {
    /// How many were open still.
    type Answer = usize;

    fn name(&self) -> &'static str {
        "revoke-invitations"
    }

    fn run<'a>(&'a self, cx: &'a mut OpContext<'_, '_>) -> BoxFuture<'a, Result<usize, Error>> {
        Box::pin(async move {
            let mut revoked = 0;
            for id in &self.ids {
                let record = cx.get(self.fields.collection, *id).await?;
                if record.is_some_and(|record| record.value(self.fields.used_at).is_null()) {
                    cx.delete(Authority::System, self.fields.collection, *id, None).await?;
                    revoked += 1;
                }
            }
            Ok(revoked)
        })
    }
}
