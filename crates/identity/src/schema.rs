use std::sync::Arc;

use backstay_model::{Collection, CollectionId, Diagnostic, Diagnostics, Field, FieldId, FieldKind, Model};
use backstay_scalar::Scalar;

use crate::StartError;
use crate::system::PREFIX;

/// The ids that the loaded model gave to the collections and fields that this crate works with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Schema {
    /// The application's `@identity` type, if it has one.
    pub(crate) accounts: Option<SubjectType>,
    pub(crate) operators: SubjectType,
    pub(crate) credentials: Credentials,
    pub(crate) sessions: Sessions,
    pub(crate) keys: Keys,
    pub(crate) invitations: Invitations,
    pub(crate) links: Links,
}

/// A type whose records sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SubjectType {
    pub(crate) kind: SubjectKind,
    pub(crate) collection: CollectionId,
    pub(crate) email: FieldId,
    /// The field of `BackstayCredential` that refers to it.
    pub(crate) credential: FieldId,
}

/// Who signs in: a person who uses the application, or one who runs this Backstay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SubjectKind {
    Account,
    Operator,
}

/// Fields of `BackstayCredential`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Credentials {
    pub(crate) collection: CollectionId,
    pub(crate) password_hash: FieldId,
    pub(crate) roles: FieldId,
    pub(crate) claims: FieldId,
    pub(crate) verified_email: FieldId,
    pub(crate) verified_at: FieldId,
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
    pub(crate) granted_actions: FieldId,
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

/// Fields of `BackstayLink`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Links {
    pub(crate) collection: CollectionId,
    pub(crate) token_hash: FieldId,
    /// The account that made it; absent where there are no accounts.
    pub(crate) account: Option<FieldId>,
    pub(crate) expires_at: FieldId,
}

impl Schema {
    /// Looks everything up; fails with the first type or field that the model lacks.
    pub(crate) fn of(model: &Model) -> Result<Self, StartError> {
        let operator = Own::find(model, "Operator")?;
        let credential = Own::find(model, "Credential")?;
        Ok(Self {
            accounts: model.identity.map(|id| accounts(model.collection(id), &credential)).transpose()?,
            operators: SubjectType {
                kind: SubjectKind::Operator,
                collection: operator.0.id,
                email: operator.field("email")?,
                credential: credential.relation("operator", operator.0.id)?,
            },
            credentials: Credentials::of(&credential)?,
            sessions: Sessions::of(&Own::find(model, "Session")?, &credential)?,
            keys: Keys::of(&Own::find(model, "Key")?)?,
            invitations: Invitations::of(&Own::find(model, "Invitation")?)?,
            links: Links::of(&Own::find(model, "Link")?, model.identity)?,
        })
    }
}

impl Credentials {
    fn of(own: &Own<'_>) -> Result<Self, StartError> {
        Ok(Self {
            collection: own.0.id,
            password_hash: own.field("passwordHash")?,
            roles: own.field("roles")?,
            claims: own.field("claims")?,
            verified_email: own.field("verifiedEmail")?,
            verified_at: own.field("verifiedAt")?,
            disabled: own.field("disabled")?,
        })
    }
}

impl Sessions {
    fn of(own: &Own<'_>, credential: &Own<'_>) -> Result<Self, StartError> {
        Ok(Self {
            collection: own.0.id,
            token_hash: own.field("tokenHash")?,
            credential: own.relation("credential", credential.0.id)?,
            expires_at: own.field("expiresAt")?,
        })
    }
}

impl Keys {
    fn of(own: &Own<'_>) -> Result<Self, StartError> {
        Ok(Self {
            collection: own.0.id,
            name: own.field("name")?,
            live_name: own.field("liveName")?,
            key_hash: own.field("keyHash")?,
            roles: own.field("roles")?,
            claims: own.field("claims")?,
            granted_actions: own.field("grantedActions")?,
            expires_at: own.field("expiresAt")?,
            revoked_at: own.field("revokedAt")?,
        })
    }
}

impl Invitations {
    fn of(own: &Own<'_>) -> Result<Self, StartError> {
        Ok(Self {
            collection: own.0.id,
            email: own.field("email")?,
            token_hash: own.field("tokenHash")?,
            roles: own.field("roles")?,
            expires_at: own.field("expiresAt")?,
            used_at: own.field("usedAt")?,
        })
    }
}

impl Links {
    fn of(own: &Own<'_>, accounts: Option<CollectionId>) -> Result<Self, StartError> {
        Ok(Self {
            collection: own.0.id,
            token_hash: own.field("tokenHash")?,
            account: accounts.map(|accounts| own.relation("account", accounts)).transpose()?,
            expires_at: own.field("expiresAt")?,
        })
    }
}

/// Members of a sign-up's body that are not fields of the account.
const RESERVED: [&str; 2] = ["invitation", "password"];

/// Finds everything in a model that keeps accounts from being served, before anything is stored with that model.
pub fn check(model: &Model) -> Result<(), Diagnostics> {
    let mut found = Diagnostics::new(Arc::clone(&model.sources));
    if let Some(collection) = model.identity.map(|id| model.collection(id)) {
        found.extend(reserved(collection).map(|(error, field)| {
            let help = match &*field.name {
                "password" => "remove the field: Backstay itself stores the hashed password of each account".to_owned(),
                name => format!("rename the field; in the body, `{name}` is what lets an account in by invitation"),
            };
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

fn accounts(collection: &Collection, credential: &Own<'_>) -> Result<SubjectType, StartError> {
    if let Some((error, _)) = reserved(collection).next() {
        return Err(error);
    }
    Ok(SubjectType {
        kind: SubjectKind::Account,
        collection: collection.id,
        email: email(collection)?,
        credential: credential.relation("account", collection.id)?,
    })
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
