use std::collections::BTreeMap;
use std::sync::Arc;

use backstay_base::{Caller, Conflict, Error, Place, RecordId, Secret};
use backstay_engine::{Input, Transaction, TxContext};
use backstay_expr::Account;
use backstay_scalar::Value;
use futures_util::future::BoxFuture;

use super::{Administration, not_found};
use crate::credential::{Credential, Subject};
use crate::directory::Directory;
use crate::hashing::StoredHash;
use crate::schema::{Schema, Sessions, SubjectType};
use crate::{AccountRef, claims, email, roles};

/// An account, how it signs in, and which roles and claims it has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountInfo {
    /// Its record.
    pub id: RecordId,
    /// The address that it signs in with.
    pub email: String,
    /// Its roles.
    pub roles: Arc<[Arc<str>]>,
    /// Its claims.
    pub claims: Arc<BTreeMap<String, String>>,
    /// Whether its address is verified.
    pub verified: bool,
    /// Whether its password and its sessions are refused.
    pub disabled: bool,
    /// Whether it has a password; it cannot sign in without one.
    pub has_password: bool,
    /// The number of its sessions that have not expired.
    pub sessions: usize,
}

/// The credential of an account that is made without a sign-up: from a seed file, or by an operator.
#[derive(Debug, Clone)]
pub struct NewCredential {
    pub(super) schema: Schema,
    pub(super) accounts: SubjectType,
    pub(super) password_hash: Option<StoredHash>,
    pub(super) roles: Vec<Arc<str>>,
    /// The address that is known to be the account holder's, if it is.
    pub(super) verified: Option<Arc<str>>,
}

impl NewCredential {
    /// Stores it in the transaction that made the account.
    pub async fn create(&self, cx: &mut TxContext<'_, '_>, account: RecordId) -> Result<(), Error> {
        let subject = Subject { of: self.accounts, id: account };
        let credentials = &self.schema.credentials;
        let made = credentials.create(cx, subject, self.password_hash.as_ref(), &self.roles).await?;
        if let Some(email) = &self.verified {
            let verified = credentials.verified(&Value::Text(Arc::clone(email)), cx.now());
            credentials.update(cx, made.id, verified).await?;
        }
        Ok(())
    }
}

impl Administration<'_> {
    /// An account as it is.
    pub async fn account(&self, account: &AccountRef) -> Result<AccountInfo, Error> {
        let subject = self.known_account(account).await?;
        let directory = self.parts.directory;
        let email = directory.email_of(subject).await?.ok_or_else(|| not_found("account", account))?.to_string();
        // An account that was made as a record has no credential until it is given a password, a role or a claim.
        let Some(credential) = directory.credential(subject).await? else {
            let (roles, claims) = (Arc::from([]), Arc::default());
            return Ok(AccountInfo {
                id: subject.id,
                email,
                roles,
                claims,
                verified: false,
                disabled: false,
                has_password: false,
                sessions: 0,
            });
        };
        Ok(AccountInfo {
            id: subject.id,
            email,
            sessions: self.live_sessions(&credential).await?,
            verified: directory.is_verified(&credential).await?,
            roles: credential.roles,
            claims: credential.claims,
            disabled: credential.disabled,
            has_password: credential.password_hash.is_some(),
        })
    }

    /// Ends all sessions of an account and refuses new ones until it is enabled again.
    pub async fn disable_account(&self, account: &AccountRef) -> Result<(), Error> {
        self.edit(self.known_account(account).await?, Edit::Disable).await
    }

    /// Lets a disabled account sign in again.
    pub async fn enable_account(&self, account: &AccountRef) -> Result<(), Error> {
        self.edit(self.known_account(account).await?, Edit::Enable).await
    }

    /// Gives an account a new password and ends all its sessions: for records that were made without one, and for
    /// passwords that were forgotten.
    pub async fn set_account_password(&self, account: &AccountRef, password: &Secret) -> Result<(), Error> {
        let subject = self.known_account(account).await?;
        let email = self.parts.directory.email_of(subject).await?.ok_or_else(|| not_found("account", account))?;
        self.set_password(subject, &email, password).await
    }

    /// Prepares the credential of an account that is about to be made. The password, if there is to be one, is checked
    /// and hashed; the roles must be roles of the model. Violations are at `/$password` and `/$roles`.
    pub async fn new_credential(&self, password: Option<&Secret>, roles: &[String]) -> Result<NewCredential, Error> {
        let directory = self.parts.directory;
        let accounts = directory.schema.accounts;
        let accounts = accounts.ok_or(Error::NoAccounts)?;
        let roles = roles::all_known(directory.engine.model(), &Place::member("$roles"), roles)?;
        let password_hash = match password {
            Some(password) => {
                self.parts.authenticator.check_new(Place::member("$password"), password, "")?;
                Some(self.parts.authenticator.hash(password.clone()).await?)
            }
            None => None,
        };
        Ok(NewCredential { schema: directory.schema, accounts, password_hash, roles, verified: None })
    }

    /// Says that the address of an account is its holder's: `auth.verified` is true from the next request on, as long as the
    /// account has this address.
    pub async fn verify_account(&self, account: &AccountRef) -> Result<(), Error> {
        let subject = self.known_account(account).await?;
        self.edit(subject, Edit::Verify).await
    }

    /// Takes that back.
    pub async fn unverify_account(&self, account: &AccountRef) -> Result<(), Error> {
        self.edit(self.known_account(account).await?, Edit::Unverify).await
    }

    /// The roles of an account or an operator.
    pub async fn roles(&self, account: &AccountRef) -> Result<Arc<[Arc<str>]>, Error> {
        let subject = self.known_subject(account).await?;
        let credential = self.parts.directory.credential(subject).await?;
        Ok(credential.map_or_else(|| Arc::from([]), |credential| credential.roles))
    }

    /// Gives an account or an operator a role of the model, from the next request on. Does nothing if it has the role.
    pub async fn grant_role(&self, account: &AccountRef, role: &str) -> Result<(), Error> {
        let role = roles::known(self.parts.directory.engine.model(), &Place::part("role"), role)?;
        self.edit(self.known_subject(account).await?, Edit::GrantRole(role)).await
    }

    /// Takes a role from an account or an operator, from the next request on. Does nothing if it does not have the role.
    pub async fn revoke_role(&self, account: &AccountRef, role: &str) -> Result<(), Error> {
        let subject = self.known_subject(account).await?;
        let held = self.parts.directory.credential(subject).await?;
        // A role that the model no longer has can still be taken away.
        if !held.is_some_and(|held| held.roles.iter().any(|one| &**one == role)) {
            roles::known(self.parts.directory.engine.model(), &Place::part("role"), role)?;
        }
        self.edit(subject, Edit::RevokeRole(role.into())).await
    }

    /// Sets a claim of an account: rules see it as `auth.claims.NAME` from the next request on.
    pub async fn set_claim(&self, account: &AccountRef, name: &str, value: &str) -> Result<(), Error> {
        let edit = Edit::SetClaim(name.to_owned(), value.to_owned());
        self.edit(self.known_account(account).await?, edit).await
    }

    /// Removes a claim of an account; refused if it has none of this name.
    pub async fn remove_claim(&self, account: &AccountRef, name: &str) -> Result<(), Error> {
        self.edit(self.known_account(account).await?, Edit::RemoveClaim(name.to_owned())).await
    }

    /// The caller that this account, operator or key would be if it called now; without a session. A text is the
    /// address of an account, else that of an operator, else the name of a key.
    pub async fn caller_for(&self, who: &AccountRef) -> Result<Arc<Caller>, Error> {
        let directory = self.parts.directory;
        let subject = match who {
            AccountRef::Email(text) if email::read(Place::part("account"), text).is_err() => None,
            who => directory.account_or_operator(who).await?,
        };
        let caller = match subject {
            Some(subject) => self.caller_of(subject).await?,
            None => self.key_caller(who).await?,
        };
        Ok(Arc::new(caller))
    }

    /// The same caller as if it showed this link as well.
    pub async fn with_link(&self, caller: Arc<Caller>, link: RecordId) -> Result<Arc<Caller>, Error> {
        let Directory { engine, schema } = self.parts.directory;
        let missing = || Error::NotFound { what: "link with this id; it may be revoked".to_owned() };
        let stored = engine.peek(schema.links.collection, link).await?.ok_or_else(missing)?;
        if schema.links.expires_at(&stored)? <= self.cx.now {
            return Err(Conflict::Already("the link has expired and opens nothing").into());
        }
        Ok(Arc::new(Caller::clone(&caller).with_link(link)))
    }

    async fn caller_of(&self, subject: Subject) -> Result<Caller, Error> {
        match self.parts.directory.credential(subject).await? {
            Some(credential) if credential.disabled => {
                Err(Conflict::Already("the account is disabled and cannot call; enable it first").into())
            }
            Some(credential) => self.parts.directory.caller(&credential).await,
            None => {
                let account = self.parts.directory.own_record(subject).await?.map(Account::into_own_record);
                Ok(Caller { account, ..subject.caller(Arc::from([]), Arc::default()) })
            }
        }
    }

    async fn key_caller(&self, who: &AccountRef) -> Result<Caller, Error> {
        let key = self.parts.directory.key(who).await?.ok_or_else(|| match who {
            AccountRef::Email(name) if !name.contains('@') => {
                let what = "key in use with this name; name an account by its email address".to_owned();
                Error::NotFound { what }
            }
            who => not_found("account, operator or key", who),
        })?;
        key.caller_at(self.cx.now)
    }

    /// Replaces the password of a subject who signs in with this address.
    pub(super) async fn set_password(&self, subject: Subject, email: &str, password: &Secret) -> Result<(), Error> {
        self.parts.authenticator.check_new(Place::part("password"), password, email)?;
        let hash = self.parts.authenticator.hash(password.clone()).await?;
        self.edit(subject, Edit::SetPassword(hash)).await
    }

    async fn edit(&self, subject: Subject, edit: Edit) -> Result<(), Error> {
        let directory = self.parts.directory;
        directory.engine.run(self.cx, EditCredential { schema: directory.schema, subject, edit }).await
    }

    async fn known_account(&self, who: &AccountRef) -> Result<Subject, Error> {
        self.parts.directory.account(who).await?.ok_or_else(|| not_found("account", who))
    }

    async fn known_subject(&self, who: &AccountRef) -> Result<Subject, Error> {
        self.parts.directory.account_or_operator(who).await?.ok_or_else(|| not_found("account or operator", who))
    }

    async fn live_sessions(&self, credential: &Credential) -> Result<usize, Error> {
        let (engine, sessions) = (&self.parts.directory.engine, &self.parts.directory.schema.sessions);
        let all = engine.peek_all(sessions.collection, sessions.credential, credential.id, Sessions::MOST).await?;
        let mut live = 0;
        for session in &all {
            live += usize::from(sessions.expires_at(session)? > self.cx.now);
        }
        Ok(live)
    }
}

/// A change of somebody's credential.
#[derive(Debug)]
enum Edit {
    GrantRole(Arc<str>),
    RevokeRole(Arc<str>),
    SetClaim(String, String),
    RemoveClaim(String),
    Verify,
    Unverify,
    Disable,
    Enable,
    SetPassword(StoredHash),
}

/// Changes a subject's credential, and makes one first if there is none. It takes effect with the next request, since
/// writing a credential invalidates what is cached about its caller.
#[derive(Debug)]
struct EditCredential {
    schema: Schema,
    subject: Subject,
    edit: Edit,
}

impl EditCredential {
    /// The values that change.
    async fn changes(&self, cx: &mut TxContext<'_, '_>, credential: &Credential) -> Result<Input, Error> {
        let fields = &self.schema.credentials;
        Ok(match &self.edit {
            Edit::GrantRole(role) if credential.roles.contains(role) => Input::new(),
            Edit::GrantRole(role) => {
                let mut held = credential.roles.to_vec();
                held.push(Arc::clone(role));
                Input::new().with(fields.roles, roles::value(&held))
            }
            Edit::RevokeRole(role) if credential.roles.contains(role) => {
                let others: Vec<_> = credential.roles.iter().filter(|one| *one != role).cloned().collect();
                Input::new().with(fields.roles, roles::value(&others))
            }
            Edit::RevokeRole(_) => Input::new(),
            Edit::SetClaim(name, value) => {
                let mut all = credential.claims.as_ref().clone();
                all.insert(name.clone(), value.clone());
                claims::check(&all)?;
                Input::new().with(fields.claims, claims::value(&all)?)
            }
            Edit::RemoveClaim(name) => {
                let mut all = credential.claims.as_ref().clone();
                all.remove(name).ok_or_else(|| claims::unknown(name, &credential.claims))?;
                Input::new().with(fields.claims, claims::value(&all)?)
            }
            Edit::Verify => {
                let record = cx.get(self.subject.of.collection, self.subject.id).await?;
                let record = record.ok_or_else(|| not_found("account", &AccountRef::Id(self.subject.id)))?;
                self.schema.credentials.verified(record.value(self.subject.of.email), cx.now())
            }
            Edit::Unverify => {
                Input::new().with(fields.verified_email, Value::Null).with(fields.verified_at, Value::Null)
            }
            Edit::Disable => Input::new().with(fields.disabled, true),
            Edit::Enable => Input::new().with(fields.disabled, false),
            Edit::SetPassword(hash) => Input::new().with(fields.password_hash, hash.value()),
        })
    }

    fn ends_sessions(&self) -> bool {
        match &self.edit {
            Edit::Disable | Edit::SetPassword(_) => true,
            Edit::GrantRole(_)
            | Edit::RevokeRole(_)
            | Edit::SetClaim(..)
            | Edit::RemoveClaim(_)
            | Edit::Verify
            | Edit::Unverify
            | Edit::Enable => false,
        }
    }
}

impl Transaction for EditCredential {
    type Answer = ();

    fn name(&self) -> &'static str {
        match self.edit {
            Edit::GrantRole(_) => "grant-role",
            Edit::RevokeRole(_) => "revoke-role",
            Edit::SetClaim(..) => "set-claim",
            Edit::RemoveClaim(_) => "remove-claim",
            Edit::Verify => "verify-account",
            Edit::Unverify => "unverify-account",
            Edit::Disable => "disable-account",
            Edit::Enable => "enable-account",
            Edit::SetPassword(_) => "set-password",
        }
    }

    fn run<'a>(&'a self, cx: &'a mut TxContext<'_, '_>) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            let Schema { credentials, sessions, links, .. } = &self.schema;
            let credential = match self.schema.find_credential(cx, self.subject).await? {
                Some(credential) => credential,
                None => credentials.create(cx, self.subject, None, &[]).await?,
            };
            let changes = self.changes(cx, &credential).await?;
            if !changes.is_empty() {
                credentials.update(cx, credential.id, changes).await?;
            }
            if self.ends_sessions() {
                sessions.end_all(cx, credential.id).await?;
                links.revoke_all(cx, self.subject.id).await?;
            }
            Ok(())
        })
    }
}
