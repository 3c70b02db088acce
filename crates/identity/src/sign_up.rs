use std::net::IpAddr;
use std::sync::Arc;

use backstay_base::{Caller, Conflict, Error, Network, Place, RecordId, Secret, ViolationKind};
use backstay_engine::{Authority, Context, Input, Transaction, TxContext};
use backstay_model::{CollectionId, FieldId};
use backstay_scalar::Value;
use futures_util::future::BoxFuture;

use crate::attempts::Attempt;
use crate::credential::{Credential, Subject};
use crate::hashing::StoredHash;
use crate::operator::{NewOperator, already_there};
use crate::roles;
use crate::schema::{Schema, SubjectType};
use crate::sessions::NewSession;
use crate::token::TokenHash;
use crate::{Identity, SignUp, SignedIn};

/// What somebody signs up with.
#[derive(Debug)]
pub struct NewAccount {
    /// The fields of the account's record; its address must be there.
    pub input: Input,
    /// The password to sign in with.
    pub password: Secret,
    /// The invitation's token, if there is one.
    pub invitation: Option<Secret>,
}

/// The first operator, who adds themselves with the one-time token.
#[derive(Debug)]
pub struct FirstOperator {
    /// The token that `Administration::setup_token` returned.
    pub token: Secret,
    /// The address to sign in with.
    pub email: String,
    /// The password to sign in with.
    pub password: Secret,
}

impl Identity {
    /// Makes an account with its credential and a first session, in one commit.
    ///
    /// The answer holds a token, so it reveals whether an account was made. A unique value that is taken is named if
    /// everybody may read that field of every account, such as a user name. Everything else is hidden: an address or another
    /// unique value that is taken, and an invitation that is unknown, used, expired or for somebody else, get the same
    /// answer after the same work, and attempts are limited. Only a confirmation by email could hide more.
    pub async fn sign_up(&self, cx: &Context, from: IpAddr, new: NewAccount) -> Result<SignedIn, Error> {
        let inner = self.inner();
        let Schema { accounts, .. } = inner.directory.schema;
        let accounts = accounts.ok_or(Error::NoAccounts)?;
        let NewAccount { input, password, invitation } = new;
        match inner.settings.sign_up {
            SignUp::Closed => return Err(Error::SignUpClosed),
            SignUp::Invited if invitation.is_none() => return Err(needs_invitation()),
            SignUp::Invited | SignUp::Open => {}
        }
        let email = match input.value(accounts.email) {
            Some(Value::Text(email)) => Arc::clone(email),
            _ => return Err(Error::invalid(Place::member("email"), ViolationKind::Required)),
        };
        inner.authenticator.check_new(Place::member("password"), &password, &email)?;

        let from = Network::of(from);
        inner.authenticator.attempts.take(Attempt::SignUp(from), cx.now)?;
        let password_hash = inner.authenticator.hash(password).await?;
        self.refuse_taken(cx, accounts.collection, &input).await?;
        let session = self.new_session(cx.now);
        let transaction = MakeAccount {
            identity: self.clone(),
            accounts,
            input,
            email: Arc::clone(&email),
            invitation: invitation.as_ref().map(TokenHash::of),
            password_hash,
            session: session.clone(),
        };
        let made = inner.directory.engine.run(cx, transaction).await;
        let (credential, id) = made.map_err(|error| match error {
            Error::Conflict(Conflict::Unique { .. } | Conflict::UniqueUnseen { .. }) => Error::SignUpRefused,
            error => error,
        })?;
        inner.authenticator.attempts.succeed(Attempt::Email(accounts.kind, &email, from));
        inner.directory.signed_in(&credential, id, session).await
    }

    /// Refuses unique values that are taken and that everybody may read, before anything else can refuse the account: whether
    /// others are taken doesn't show by it.
    async fn refuse_taken(&self, cx: &Context, collection: CollectionId, input: &Input) -> Result<(), Error> {
        let engine = &self.inner().directory.engine;
        let of = engine.model().collection(collection);
        for key in of.keys().into_iter().filter(|key| cx.sees_all(collection, key)) {
            let sent = |field: &FieldId| Some((*field, input.value(*field).filter(|value| !value.is_null())?.clone()));
            let Some(by) = key.iter().map(sent).collect::<Option<Vec<_>>>() else { continue };
            if engine.peek_by(collection, &by).await?.is_some() {
                let fields = key.iter().map(|field| of.field(*field).name.clone()).collect();
                let conflict = Conflict::Unique { collection: of.name.clone(), fields, record: Box::new(Place::Whole) };
                return Err(conflict.into());
            }
        }
        Ok(())
    }

    /// Adds the first operator and signs them in. The token is used up if this succeeds.
    pub async fn set_up_operator(
        &self,
        cx: &Context,
        from: IpAddr,
        operator: &FirstOperator,
    ) -> Result<SignedIn, Error> {
        let inner = self.inner();
        inner.authenticator.attempts.take(Attempt::SetUp(Network::of(from)), cx.now)?;
        inner.set_up.check(&operator.token)?;
        if self.has_operator().await? {
            inner.set_up.close();
            return Err(Conflict::Already("there is already an operator; sign in, or ask them to add you").into());
        }
        let FirstOperator { token, email, password } = operator;
        let new = NewOperator::prepare(&inner.authenticator, email, password).await?;
        let session = self.new_session(cx.now);
        // Of two requests at the same time, the one that claims the token goes on.
        let token = inner.set_up.claim(token)?;
        let transaction = SetUpOperator { schema: inner.directory.schema, operator: new, session: session.clone() };
        match inner.directory.engine.run(cx, transaction).await {
            Ok((credential, id)) => inner.directory.signed_in(&credential, id, session).await,
            Err(error) => {
                inner.set_up.restore(token);
                Err(already_there(error))
            }
        }
    }
}

fn needs_invitation() -> Error {
    let why = "sign-up is by invitation only; ask an operator for one".to_owned();
    Error::invalid(Place::member("invitation"), ViolationKind::Range(why))
}

#[derive(Debug)]
struct MakeAccount {
    identity: Identity,
    accounts: SubjectType,
    input: Input,
    email: Arc<str>,
    invitation: Option<TokenHash>,
    password_hash: StoredHash,
    session: NewSession,
}

impl MakeAccount {
    /// Marks the invitation as used. Returns the roles that the account gets.
    async fn redeem(&self, cx: &mut TxContext<'_, '_>, token: &TokenHash) -> Result<Vec<Arc<str>>, Error> {
        let fields = &self.identity.inner().directory.schema.invitations;
        let by = [(fields.token_hash, Value::text(token.text()))];
        let invitation = cx.find(fields.collection, &by).await?.ok_or(Error::SignUpRefused)?;
        let lasts = matches!(invitation.value(fields.expires_at), Value::Timestamp(end) if *end > cx.now());
        let unused = invitation.value(fields.used_at).is_null();
        let meant = invitation.value(fields.email).as_text() == Some(&self.email);
        if !(lasts && unused && meant) {
            return Err(Error::SignUpRefused);
        }
        let used = Input::new().with(fields.used_at, cx.now());
        cx.update(Authority::System, (fields.collection, invitation.id()), used, None).await?;
        Ok(roles::read(invitation.value(fields.roles), "BackstayInvitation.roles")?.to_vec())
    }
}

impl Transaction for MakeAccount {
    /// The new credential and its session.
    type Answer = (Credential, RecordId);

    fn name(&self) -> &'static str {
        "sign-up"
    }

    fn run<'a>(&'a self, cx: &'a mut TxContext<'_, '_>) -> BoxFuture<'a, Result<Self::Answer, Error>> {
        Box::pin(async move {
            let inner = self.identity.inner();
            let Schema { credentials, sessions, .. } = &inner.directory.schema;
            let roles = match &self.invitation {
                Some(token) => self.redeem(cx, token).await?,
                None => Vec::new(),
            };
            let prospective = Caller::account(cx.next_id(), roles.iter().cloned());
            let input = cx.named_by_caller(self.accounts.collection, self.input.clone()).await?;
            inner.policy.check(&input, &prospective, cx.now())?;
            cx.check_references(self.accounts.collection, &input).await?;

            let account = cx.create(Authority::System, self.accounts.collection, input).await?;
            let subject = Subject { of: self.accounts, id: account.id() };
            let credential = credentials.create(cx, subject, Some(&self.password_hash), &roles).await?;
            let session = sessions.store(cx, credential.id, &self.session).await?;
            Ok((credential, session))
        })
    }
}

#[derive(Debug)]
struct SetUpOperator {
    schema: Schema,
    operator: NewOperator,
    session: NewSession,
}

impl Transaction for SetUpOperator {
    /// The new credential and its session.
    type Answer = (Credential, RecordId);

    fn name(&self) -> &'static str {
        "set-up-operator"
    }

    fn run<'a>(&'a self, cx: &'a mut TxContext<'_, '_>) -> BoxFuture<'a, Result<Self::Answer, Error>> {
        Box::pin(async move {
            let credential = self.operator.create(cx, &self.schema).await?;
            let session = self.schema.sessions.store(cx, credential.id, &self.session).await?;
            Ok((credential, session))
        })
    }
}
