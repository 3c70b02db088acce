use backstay_model::{Collection, CollectionId, FieldId, FieldKind, Model, Scalar};

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

fn accounts(collection: &Collection) -> Result<Accounts, StartError> {
    for field in ["password", "invitation"] {
        if collection.field_named(field).is_some() {
            return Err(StartError::Reserved { collection: collection.name.clone(), field });
        }
    }
    let fits = |email: &&backstay_model::Field| {
        email.kind == FieldKind::Scalar(Scalar::Email) && email.required && email.unique && !email.readonly
    };
    match collection.field_named("email").filter(fits) {
        Some(email) => Ok(Accounts { collection: collection.id, email: email.id }),
        None => Err(StartError::Email { collection: collection.name.clone() }),
    }
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
        let leads = |field: &&backstay_model::Field| field.kind.target() == Some(to);
        self.0.field_named(name).filter(leads).map(|field| field.id).ok_or_else(|| self.lacks(name))
    }

    fn lacks(&self, field: &str) -> StartError {
        StartError::System { name: format!("{}.{field}", self.0.name) }
    }
}
