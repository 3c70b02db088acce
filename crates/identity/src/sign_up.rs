use std::net::IpAddr;
use std::sync::Arc;

use backstay_base::{Action, Caller, Conflict, Error, ViolationKind};
use backstay_engine::{Authority, Context, Draft, OpContext, Operation, decode_draft};
use backstay_scalar::Value;
use futures_util::future::BoxFuture;

use crate::attempts::Attempt;
use crate::body::Body;
use crate::credential::{Credential, Subject};
use crate::hashing::StoredHash;
use crate::schema::Accounts;
use crate::sessions::NewSession;
use crate::token::TokenHash;
use crate::{Identity, SignUp, SignedIn, password};

impl Identity {
    /// Makes an account with its credential and a first session, in one commit. The body is `{"email", "password"}`,
    /// `"invitation"` where there is one, and other fields of the account's type.
    ///
    /// The answer holds a token, so that it must tell whether an account was made. What can be hidden is hidden: an
    /// address that is taken, another value that has to be unique, and an invitation that is unknown, used, expired or
    /// for somebody else are refused in the same words after the same work, and attempts are limited. Only a
    /// confirmation by e-mail could hide more.
    pub async fn sign_up(&self, cx: &Context, from: IpAddr, body: &[u8]) -> Result<SignedIn, Error> {
        let accounts = self.schema().accounts.ok_or_else(|| refused("an account here; this application has none"))?;
        if self.settings().sign_up == SignUp::Closed {
            return Err(refused("an account yourself; an operator has to"));
        }
        let mut body = Body::parse(body)?;
        let password = body.require("password")?;
        let invitation = match self.settings().sign_up {
            SignUp::Invited => Some(body.require("invitation")?),
            SignUp::Open | SignUp::Closed => body.take("invitation")?,
        };
        let draft = decode_draft(self.engine().model(), accounts.collection, body.rest()?.as_bytes())?;
        let email = match draft.value(accounts.email) {
            Some(Value::Text(email)) => Arc::clone(email),
            _ => return Err(Error::invalid("/email", ViolationKind::Required)),
        };
        password::check_new("/password", &password, &email, self.settings().password_min)?;

        self.attempts().take(Attempt::SignUp(from), cx.now)?;
        let password_hash = self.hasher().hash(password).await?;
        let session = self.new_session(cx.now);
        let operation = MakeAccount {
            identity: self.clone(),
            accounts,
            draft,
            email,
            invitation: invitation.as_ref().map(TokenHash::of),
            password_hash,
            session: session.clone(),
        };
        let (credential, id) = self.engine().run(cx, operation).await.map_err(without_names)?;
        self.answer(cx, &credential, id, session).await
    }
}

fn refused(what: &str) -> Error {
    Error::Forbidden { action: Action::Create, what: what.to_owned() }
}

/// One answer for everything that would tell what is stored.
fn not_with_these() -> Error {
    refused("an account with these values")
}

fn without_names(error: Error) -> Error {
    match error {
        Error::Conflict(Conflict::Unique { .. } | Conflict::UniqueUnseen { .. }) => not_with_these(),
        error => error,
    }
}

#[derive(Debug)]
struct MakeAccount {
    identity: Identity,
    accounts: Accounts,
    draft: Draft,
    email: Arc<str>,
    invitation: Option<TokenHash>,
    password_hash: StoredHash,
    session: NewSession,
}

impl MakeAccount {
    /// Uses the invitation up; answers the roles that it grants.
    async fn redeem(&self, cx: &mut OpContext<'_, '_>, token: &TokenHash) -> Result<Vec<Arc<str>>, Error> {
        let fields = &self.identity.schema().invitations;
        let by = [(fields.token_hash, Value::text(token.text()))];
        let invitation = cx.find(fields.collection, &by).await?.ok_or_else(not_with_these)?;
        let lasts = matches!(invitation.value(fields.expires_at), Value::Timestamp(end) if *end > cx.now());
        let unused = invitation.value(fields.used_at).is_null();
        let meant = invitation.value(fields.email).as_text() == Some(&self.email);
        if !(lasts && unused && meant) {
            return Err(not_with_these());
        }
        let used = Draft::new().with(fields.used_at, cx.now());
        cx.update(Authority::System, fields.collection, invitation.id(), used, None).await?;
        Ok(crate::credential::roles(invitation.value(fields.roles)).to_vec())
    }
}

impl Operation for MakeAccount {
    type Answer = (Credential, backstay_base::RecordId);

    fn name(&self) -> &'static str {
        "sign-up"
    }

    fn run<'a>(&'a self, cx: &'a mut OpContext<'_, '_>) -> BoxFuture<'a, Result<Self::Answer, Error>> {
        Box::pin(async move {
            let schema = self.identity.schema();
            let roles = match &self.invitation {
                Some(token) => self.redeem(cx, token).await?,
                None => Vec::new(),
            };
            let stand_in = Caller::account(cx.next_id(), roles.iter().cloned());
            self.identity.policy().check(&self.draft, &stand_in, cx.now())?;
            cx.check_references(self.accounts.collection, &self.draft).await?;

            let account = cx.create(Authority::System, self.accounts.collection, self.draft.clone()).await?;
            let subject = Subject::Account(account.id());
            let credential = Credential::create(cx, schema, subject, Some(&self.password_hash), &roles).await?;
            let session = self.session.store(cx, schema, credential.id).await?;
            Ok((credential, session))
        })
    }
}
