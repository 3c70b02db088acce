use std::sync::Arc;

use backstay_base::{Error, RecordId, Secret, Timestamp, Value};
use backstay_engine::{Authority, Context, Draft, OpContext, Operation};
use backstay_model::CollectionId;
use futures_util::future::BoxFuture;

use crate::credential::roles_value;
use crate::grants::known_role;
use crate::operators::{must_be_ahead, not_an_email};
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

impl Identity {
    /// Lets somebody make one account with this e-mail address, with these roles, until a moment. Only for Backstay
    /// itself and for operators.
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
            .with(fields.email, Value::Text(email))
            .with(fields.token_hash, TokenHash::of(&token).text().as_str())
            .with(fields.roles, roles_value(&roles?))
            .with(fields.expires_at, expires_at);
        let id = self.engine().run(cx, Invite { collection: fields.collection, draft }).await?;
        Ok(Invited { id, token })
    }
}

#[derive(Debug)]
struct Invite {
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
            let record = cx.create(Authority::System, self.collection, self.draft.clone()).await?;
            Ok(record.id())
        })
    }
}
