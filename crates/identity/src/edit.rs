use std::collections::BTreeMap;
use std::sync::Arc;

use backstay_base::Error;
use backstay_engine::{Authority, Draft, OpContext, Operation};
use futures_util::future::BoxFuture;

use crate::credential::{Credential, Subject, claims_value, roles_value};
use crate::hashing::StoredHash;
use crate::schema::Schema;
use crate::{claims, sessions};

/// What an operator changes about how somebody signs in, and what they may do then.
#[derive(Debug)]
pub(crate) enum Edit {
    Grant(Arc<str>),
    Revoke(Arc<str>),
    Claim(String, String),
    Unclaim(String),
    Disable,
    Enable,
    Password(StoredHash),
}

/// Changes somebody's credential, which is made where there is none. Whoever the credential makes is another from the
/// next request on, because what is known of callers is forgotten when their credential is written.
#[derive(Debug)]
pub(crate) struct EditCredential {
    pub(crate) schema: Schema,
    pub(crate) subject: Subject,
    pub(crate) edit: Edit,
}

impl EditCredential {
    /// The values that change.
    fn draft(&self, credential: &Credential) -> Result<Draft, Error> {
        let fields = &self.schema.credentials;
        let others = |role: &Arc<str>| credential.roles.iter().filter(|one| *one != role).cloned().collect::<Vec<_>>();
        Ok(match &self.edit {
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
            Edit::Claim(name, value) => {
                Draft::new().with(fields.claims, claims_value(&with(credential, name, value)?)?)
            }
            Edit::Unclaim(name) => Draft::new().with(fields.claims, claims_value(&without(credential, name)?)?),
            Edit::Disable => Draft::new().with(fields.disabled, true),
            Edit::Enable => Draft::new().with(fields.disabled, false),
            Edit::Password(hash) => Draft::new().with(fields.password_hash, hash.value()),
        })
    }
}

fn with(credential: &Credential, name: &str, value: &str) -> Result<BTreeMap<String, String>, Error> {
    let mut all = credential.claims.as_ref().clone();
    all.insert(name.to_owned(), value.to_owned());
    claims::check(&all)?;
    Ok(all)
}

fn without(credential: &Credential, name: &str) -> Result<BTreeMap<String, String>, Error> {
    let mut all = credential.claims.as_ref().clone();
    match all.remove(name) {
        Some(_) => Ok(all),
        None => Err(claims::unknown(name, &all)),
    }
}

impl Operation for EditCredential {
    type Answer = ();

    fn name(&self) -> &'static str {
        match self.edit {
            Edit::Grant(_) => "grant-role",
            Edit::Revoke(_) => "revoke-role",
            Edit::Claim(..) => "set-claim",
            Edit::Unclaim(_) => "remove-claim",
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
            let draft = self.draft(&credential)?;
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
