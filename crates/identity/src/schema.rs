use std::sync::Arc;

use backstay_model::{Collection, CollectionId, Diagnostic, Diagnostics, Field, FieldId, FieldKind, Model};
use backstay_scalar::Scalar;

use crate::StartError;
use crate::system::PREFIX;

/// Where the loaded model keeps what this crate stores.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Schema {
    /// The application's `@identity` type, if it has one.
    pub(crate) accounts: Option<Accounts>,
    pub(crate) operators: Accounts,
    pub(crate) credentials: Credentials,
    pub(crate) sessions: Sessions,
    pub(crate) keys: Keys,
    pub(crate) invitations: Invitations,
}

/// A type whose records sign in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Accounts {
    pub(crate) collection: CollectionId,
    pub(crate) email: FieldId,
}

/// Fields of `BackstayCredential`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Credentials {
    pub(crate) collection: CollectionId,
    /// Present where the application has an `@identity` type.
    pub(crate) account: Option<FieldId>,
    pub(crate) operator: FieldId,
    pub(crate) password_hash: FieldId,
    pub(crate) roles: FieldId,
    pub(crate) claims: FieldId,
    pub(crate) disabled: FieldId,
}

/// Fields of `BackstaySession`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sessions {
    pub(crate) collection: CollectionId,
    pub(crate) token_hash: FieldId,
    pub(crate) credential: FieldId,
    pub(crate) expires_at: FieldId,
}

/// Fields of `BackstayKey`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Keys {
    pub(crate) collection: CollectionId,
    pub(crate) name: FieldId,
    pub(crate) live_name: FieldId,
    pub(crate) key_hash: FieldId,
    pub(crate) roles: FieldId,
    pub(crate) claims: FieldId,
    pub(crate) expires_at: FieldId,
    pub(crate) revoked_at: FieldId,
}

/// Fields of `BackstayInvitation`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Invitations {
    pub(crate) collection: CollectionId,
    pub(crate) email: FieldId,
    pub(crate) token_hash: FieldId,
    pub(crate) roles: FieldId,
    pub(crate) expires_at: FieldId,
    pub(crate) used_at: FieldId,
}

impl Schema {
    /// Finds everything, or says what the model lacks.
    pub(crate) fn of(model: &Model) -> Result<Self, StartError> {
        let accounts = model.identity.map(|id| accounts(model.collection(id))).transpose()?;
        let operator = Own::find(model, "Operator")?;
        let credential = Own::find(model, "Credential")?;
        let session = Own::find(model, "Session")?;
        let key = Own::find(model, "Key")?;
        let invitation = Own::find(model, "Invitation")?;
        let account = accounts.map(|accounts| credential.relation("account", accounts.collection)).transpose()?;
        Ok(Self {
            accounts,
            operators: Accounts { collection: operator.0.id, email: operator.field("email")? },
            credentials: Credentials {
                collection: credential.0.id,
                account,
                operator: credential.relation("operator", operator.0.id)?,
                password_hash: credential.field("passwordHash")?,
                roles: credential.field("roles")?,
                claims: credential.field("claims")?,
                disabled: credential.field("disabled")?,
            },
            sessions: Sessions {
                collection: session.0.id,
                token_hash: session.field("tokenHash")?,
                credential: session.relation("credential", credential.0.id)?,
                expires_at: session.field("expiresAt")?,
            },
            keys: Keys {
                collection: key.0.id,
                name: key.field("name")?,
                live_name: key.field("liveName")?,
                key_hash: key.field("keyHash")?,
                roles: key.field("roles")?,
                claims: key.field("claims")?,
                expires_at: key.field("expiresAt")?,
                revoked_at: key.field("revokedAt")?,
            },
            invitations: Invitations {
                collection: invitation.0.id,
                email: invitation.field("email")?,
                token_hash: invitation.field("tokenHash")?,
                roles: invitation.field("roles")?,
                expires_at: invitation.field("expiresAt")?,
                used_at: invitation.field("usedAt")?,
            },
        })
    }
}

/// Names that a sign-up's body has besides the fields of the account.
const RESERVED: [&str; 2] = ["invitation", "password"];

/// Says everything for which accounts could not be served with this model, so that it is told before anything is
/// stored with it.
pub fn check(model: &Model) -> Result<(), Diagnostics> {
    let mut found = Diagnostics::new(Arc::clone(&model.sources));
    if let Some(collection) = model.identity.map(|id| model.collection(id)) {
        found.extend(reserved(collection).map(|(error, field)| {
            let help = "rename it: what stands there in the body of `POST /auth/sign-up` is not for the record";
            Diagnostic::error(error.to_string()).at(field.span, "this name").help(help)
        }));
        if let Err(error) = email(collection) {
            let place = collection.field_named("email").map_or(collection.span, |email| email.span);
            found.push(Diagnostic::error(error.to_string()).at(place, "here"));
        }
    }
    if found.is_empty() { Ok(()) } else { Err(found) }
}

fn reserved(collection: &Collection) -> impl Iterator<Item = (StartError, &Field)> {
    RESERVED.into_iter().filter_map(|name| {
        let field = collection.field_named(name)?;
        Some((StartError::Reserved { collection: collection.name.clone(), field: name }, field))
    })
}

fn accounts(collection: &Collection) -> Result<Accounts, StartError> {
    if let Some((error, _)) = reserved(collection).next() {
        return Err(error);
    }
    Ok(Accounts { collection: collection.id, email: email(collection)? })
}

fn email(collection: &Collection) -> Result<FieldId, StartError> {
    let fits = |email: &&Field| {
        email.kind == FieldKind::Scalar(Scalar::Email) && email.required && email.unique && !email.readonly
    };
    let email = collection.field_named("email").filter(fits);
    email.map(|email| email.id).ok_or_else(|| StartError::Email { collection: collection.name.clone() })
}

/// One of Backstay's own collections.
struct Own<'m>(&'m Collection);

impl<'m> Own<'m> {
    fn find(model: &'m Model, name: &str) -> Result<Self, StartError> {
        let name = format!("{PREFIX}{name}");
        let found = model.collection_named(&name).filter(|collection| collection.system);
        found.map(Self).ok_or(StartError::System { name })
    }

    fn field(&self, name: &str) -> Result<FieldId, StartError> {
        self.0.field_named(name).map(|field| field.id).ok_or_else(|| self.lacks(name))
    }

    fn relation(&self, name: &str, to: CollectionId) -> Result<FieldId, StartError> {
        let leads = |field: &&Field| field.kind.target() == Some(to);
        self.0.field_named(name).filter(leads).map(|field| field.id).ok_or_else(|| self.lacks(name))
    }

    fn lacks(&self, field: &str) -> StartError {
        StartError::System { name: format!("{}.{field}", self.0.name) }
    }
}
