use std::sync::Arc;

/// Why accounts cannot be served with this model and these settings.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StartError {
    /// Accounts are found by their e-mail address.
    #[error(
        "the type {collection} is marked @identity and needs a field 'email: Email! @unique' that is not @readonly"
    )]
    Email {
        /// The type.
        collection: String,
    },
    /// The name of a field is a member of the sign-up's body.
    #[error("the field {collection}.{field} has the name of a part of the sign-up; give it another")]
    Reserved {
        /// The type.
        collection: String,
        /// The field.
        field: &'static str,
    },
    /// The model was loaded without the text of `system_model`, or with that for another `@identity` type.
    #[error("the model does not hold Backstay's own {name} as it has to be")]
    System {
        /// A type, or a type and its field.
        name: String,
    },
    /// A setting that makes no sense.
    #[error("the setting {name} has to be {expected}")]
    Setting {
        /// The setting.
        name: &'static str,
        /// What it has to be.
        expected: &'static str,
    },
    /// Parameters that argon2 does not take.
    #[error("the cost of password hashes is not possible")]
    Hashing(#[source] Arc<dyn std::error::Error + Send + Sync>),
    /// A thread for password hashes could not be started.
    #[error("a thread for password hashes could not be started")]
    Thread(#[source] Arc<std::io::Error>),
}
