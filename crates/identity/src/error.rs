use std::sync::Arc;

use backstay_expr::ExprError;

/// Why accounts cannot be served with this model and these settings.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StartError {
    /// Accounts are found by their email address, so that the type needs one that is unique.
    #[error("{collection} is marked @identity, so it needs a field `email: Email! @unique` that is not @readonly")]
    Email {
        /// The type.
        collection: String,
    },
    /// A field has the name of a member of the sign-up body that is not stored in the record.
    #[error(
        "the field {collection}.{field} has the name of a member of `POST /auth/sign-up` that isn't stored in the record"
    )]
    Reserved {
        /// The type.
        collection: String,
        /// The field.
        field: &'static str,
    },
    /// The model was loaded without the text of `system_model`, or with the text for another `@identity` type.
    #[error("the model lacks Backstay's own {name}, or has another version of it")]
    System {
        /// A type, or a type and its field.
        name: String,
    },
    /// The rule of a field of the `@identity` type does not compile.
    #[error("the access rule of the field {collection}.{field} does not compile")]
    Rule {
        /// The type.
        collection: String,
        /// The field.
        field: String,
        /// What is wrong with it.
        errors: Arc<[ExprError]>,
    },
    /// A setting is out of range.
    #[error("the setting {name} must be {expected}")]
    Setting {
        /// The setting.
        name: &'static str,
        /// The values that it takes.
        expected: &'static str,
    },
    /// argon2 rejects the configured cost of a password hash.
    #[error("the cost of password hashes is out of range")]
    Hashing(#[source] Arc<dyn std::error::Error + Send + Sync>),
    /// The operating system refused a thread for password hashes.
    #[error("a thread for password hashes could not be started")]
    Thread(#[source] Arc<std::io::Error>),
}

/// A stored record of Backstay's own holds something that Backstay does not write. It names the type and field.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the stored {0} is damaged: Backstay does not write such a value")]
pub(crate) struct Damaged(pub(crate) &'static str);

impl From<Damaged> for backstay_base::Error {
    fn from(damaged: Damaged) -> Self {
        Self::internal(damaged)
    }
}
