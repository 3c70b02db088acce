use std::net::IpAddr;

use backstay_base::{Error, RecordId, ViolationKind};
use backstay_engine::{Authority, Context, Draft, OpContext, Operation, decode_draft};
use backstay_model::{CollectionId, FieldId};
use backstay_scalar::Value;
use bytes::Bytes;
use futures_util::future::BoxFuture;

use crate::Identity;
use crate::attempts::Attempt;
use crate::body::Body;
use crate::credential::{Credential, Subject};

impl Identity {
    /// Changes the address that the caller signs in with. The body is `{"email", "password"}`, the present password: a
    /// token alone takes no account away from its owner. Answers what `me` does. Every attempt counts, because one for
    /// an address that is taken must tell so.
    pub async fn change_email(&self, cx: &Context, from: IpAddr, body: &[u8]) -> Result<Bytes, Error> {
        let subject = Self::signed_in_subject(cx)?;
        let accounts = self.accounts_of(subject)?;
        let mut body = Body::parse(body)?;
        let password = body.require("password")?;
        let email = body.require("email")?;
        body.finish()?;
        let email = serde_json::json!({ "email": email.expose() }).to_string();
        let draft = decode_draft(self.engine().model(), accounts.collection, email.as_bytes())?;
        let Some(Value::Text(email)) = draft.value(accounts.email).cloned() else {
            return Err(Error::invalid("/email", ViolationKind::Required));
        };

        let id = subject.id().to_string();
        self.attempts().take(Attempt::SignIn(from), cx.now)?;
        self.attempts().take(Attempt::Account("id", &id), cx.now)?;
        let credential = Credential::peek(self.engine(), self.schema(), subject).await?;
        self.proven(credential, &password).await?;
        let (collection, field) = (accounts.collection, accounts.email);
        let operation = ChangeEmail { collection, field, subject, email: Value::Text(email) };
        self.engine().run(cx, operation).await?;
        self.me(cx).await
    }
}

struct ChangeEmail {
    collection: CollectionId,
    field: FieldId,
    subject: Subject,
    email: Value,
}

impl Operation for ChangeEmail {
    type Answer = RecordId;

    fn name(&self) -> &'static str {
        "change-email"
    }

    fn run<'a>(&'a self, cx: &'a mut OpContext<'_, '_>) -> BoxFuture<'a, Result<RecordId, Error>> {
        Box::pin(async move {
            let draft = Draft::new().with(self.field, self.email.clone());
            cx.update(Authority::System, self.collection, self.subject.id(), draft, None)
                .await
                .map(|record| record.id())
        })
    }
}
