use std::sync::Arc;

use backstay_base::{Caller, Conflict, Error, Secret, Value, ViolationKind, nearest};
use backstay_engine::{Authority, Context, Draft, OpContext, Operation};
use backstay_model::Model;
use futures_util::future::BoxFuture;

use crate::credential::{Credential, Subject, roles_value};
use crate::hashing::StoredHash;
use crate::operators::not_an_email;
use crate::schema::{Accounts, Schema};
use crate::{AccountRef, Identity, KeyInfo, password, sessions};

impl Identity {
    /// Gives an account (or an operator) a role of the model; it holds for the next request. Nothing changes where it
    /// has the role. Only for Backstay itself and for operators, as everything here.
    pub async fn grant_role(&self, cx: &Context, account: &AccountRef, role: &str) -> Result<(), Error> {
        Self::operators_only(cx)?;
        let role = known_role(self.engine().model(), "role", role)?;
        self.edit(cx, account, Edit::Grant(role)).await
    }

    /// Takes a role from an account; it holds for the next request. Nothing changes where it does not have the role.
    pub async fn revoke_role(&self, cx: &Context, account: &AccountRef, role: &str) -> Result<(), Error> {
        Self::operators_only(cx)?;
        let subject = self.subject(account).await?;
        let held = Credential::peek(self.engine(), self.schema(), subject).await?;
        // A role that the model no longer has can still be taken away.
        if !held.is_some_and(|held| held.roles.iter().any(|one| &**one == role)) {
            known_role(self.engine().model(), "role", role)?;
        }
        self.edit(cx, account, Edit::Revoke(role.into())).await
    }

    /// Ends all sessions of an account and lets it begin no other, until it is enabled again.
    pub async fn disable(&self, cx: &Context, account: &AccountRef) -> Result<(), Error> {
        Self::operators_only(cx)?;
        self.edit(cx, account, Edit::Disable).await
    }

    /// Lets a disabled account sign in again.
    pub async fn enable(&self, cx: &Context, account: &AccountRef) -> Result<(), Error> {
        Self::operators_only(cx)?;
        self.edit(cx, account, Edit::Enable).await
    }

    /// Gives an account a new password and ends all its sessions: for records that were made without one, and for
    /// passwords that were forgotten.
    pub async fn set_password(&self, cx: &Context, account: &AccountRef, password: &Secret) -> Result<(), Error> {
        Self::operators_only(cx)?;
        let email = self.email_of(self.subject(account).await?).await?;
        password::check_new("password", password, &email, self.settings().password_min)?;
        let hash = self.hasher().hash(password.clone()).await?;
        self.edit(cx, account, Edit::Password(hash)).await
    }

    /// The caller that this account, operator or key would be if it signed in now; without a session.
    pub async fn caller_for(&self, who: &AccountRef) -> Result<Arc<Caller>, Error> {
        let keys = &self.schema().keys;
        if let AccountRef::Id(id) = who
            && let Some(key) = self.engine().peek(keys.collection, *id).await?
        {
            return KeyInfo::read(keys, &key)?.caller_at(self.engine().ambient().clock.now()).map(Arc::new);
        }
        let subject = self.subject(who).await?;
        match Credential::peek(self.engine(), self.schema(), subject).await? {
            Some(credential) if credential.disabled => {
                Err(Conflict::Already("it is disabled, and cannot call; enable it first").into())
            }
            Some(credential) => Ok(Arc::new(credential.caller(None))),
            None => {
                let caller = Caller::account(subject.id(), Vec::<Arc<str>>::new());
                Ok(Arc::new(Caller { kind: subject.kind(), ..caller }))
            }
        }
    }

    async fn edit(&self, cx: &Context, account: &AccountRef, edit: Edit) -> Result<(), Error> {
        let subject = self.subject(account).await?;
        self.engine().run(cx, EditCredential { schema: *self.schema(), subject, edit }).await
    }

    async fn subject(&self, who: &AccountRef) -> Result<Subject, Error> {
        let schema = self.schema();
        if let Some(accounts) = schema.accounts
            && let Some(id) = self.find(accounts, who).await?
        {
            return Ok(Subject::Account(id));
        }
        let by = match who {
            AccountRef::Email(_) => "e-mail address",
            AccountRef::Id(_) => "id",
        };
        let none = || Error::NotFound { what: format!("account or operator with this {by}") };
        self.find(schema.operators, who).await?.map(Subject::Operator).ok_or_else(none)
    }

    async fn find(&self, accounts: Accounts, who: &AccountRef) -> Result<Option<backstay_base::RecordId>, Error> {
        let record = match who {
            AccountRef::Id(id) => self.engine().peek(accounts.collection, *id).await?,
            AccountRef::Email(text) => {
                let email = self.stored_email(accounts, text).ok_or_else(|| not_an_email("account"))?;
                self.engine().peek_by(accounts.collection, &[(accounts.email, Value::Text(email))]).await?
            }
        };
        Ok(record.map(|record| record.id()))
    }
}

/// The role of this name, or the one that was probably meant.
pub(crate) fn known_role(model: &Model, at: &str, role: &str) -> Result<Arc<str>, Error> {
    let known = model.roles.map_or(&[][..], |id| &model.enumeration(id).values);
    if let Some(value) = known.iter().find(|value| &*value.name == role) {
        return Ok(Arc::clone(&value.name));
    }
    let suggestion = nearest(role, known.iter().map(|value| &*value.name)).map(str::to_owned);
    let name = role.chars().take(40).collect();
    Err(Error::invalid(at, ViolationKind::Unknown { what: "role", name, suggestion }))
}

/// What an operator changes about how somebody signs in.
#[derive(Debug)]
enum Edit {
    Grant(Arc<str>),
    Revoke(Arc<str>),
    Disable,
    Enable,
    Password(StoredHash),
}

#[derive(Debug)]
struct EditCredential {
    schema: Schema,
    subject: Subject,
    edit: Edit,
}

impl EditCredential {
    /// The values that change.
    fn draft(&self, credential: &Credential) -> Draft {
        let fields = &self.schema.credentials;
        let others = |role: &Arc<str>| credential.roles.iter().filter(|one| *one != role).cloned().collect::<Vec<_>>();
        match &self.edit {
            Edit::Grant(role) if credential.roles.contains(role) => Draft::new(),
            Edit::Grant(role) => {
                let mut roles = credential.roles.to_vec();
                roles.push(Arc::clone(role));
                Draft::new().with(fields.roles, roles_value(&roles))
            }
            Edit::Revoke(role) if credential.roles.contains(role) => {
                Draft::new().with(fields.roles, roles_value(&others(role)))
            }
            Edit::Revoke(_) => Draft::new(),
            Edit::Disable => Draft::new().with(fields.disabled, true),
            Edit::Enable => Draft::new().with(fields.disabled, false),
            Edit::Password(hash) => Draft::new().with(fields.password_hash, hash.value()),
        }
    }
}

impl Operation for EditCredential {
    type Answer = ();

    fn name(&self) -> &'static str {
        match self.edit {
            Edit::Grant(_) => "grant-role",
            Edit::Revoke(_) => "revoke-role",
            Edit::Disable => "disable-account",
            Edit::Enable => "enable-account",
            Edit::Password(_) => "set-password",
        }
    }

    fn run<'a>(&'a self, cx: &'a mut OpContext<'_, '_>) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            let schema = &self.schema;
            let credential = match Credential::find(cx, schema, self.subject).await? {
                Some(credential) => credential,
                None => Credential::create(cx, schema, self.subject, None, &[]).await?,
            };
            let draft = self.draft(&credential);
            if !draft.is_empty() {
                cx.update(Authority::System, schema.credentials.collection, credential.id, draft, None).await?;
            }
            if matches!(self.edit, Edit::Disable | Edit::Password(_)) {
                sessions::end_all(cx, schema, credential.id).await?;
            }
            Ok(())
        })
    }
}
