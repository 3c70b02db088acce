use std::sync::Arc;

use backstay_base::{Conflict, Error, Place, Secret};
use backstay_engine::{Authority, Input, TxContext};
use backstay_scalar::Value;

use crate::authenticator::Authenticator;
use crate::credential::{Credential, Subject};
use crate::email;
use crate::hashing::StoredHash;
use crate::schema::Schema;

/// An operator who is about to be added, by another operator or by the set-up.
#[derive(Debug)]
pub(crate) struct NewOperator {
    email: Arc<str>,
    password_hash: StoredHash,
}

impl NewOperator {
    /// Checks the address and the password, and hashes the password.
    pub(crate) async fn prepare(authenticator: &Authenticator, email: &str, password: &Secret) -> Result<Self, Error> {
        let email = email::read(Place::part("email"), email)?;
        authenticator.check_new(Place::part("password"), password, &email)?;
        Ok(Self { email, password_hash: authenticator.hash(password.clone()).await? })
    }

    /// Stores the operator and their credential.
    pub(crate) async fn create(&self, cx: &mut TxContext<'_, '_>, schema: &Schema) -> Result<Credential, Error> {
        let operators = schema.operators;
        let input = Input::new().with(operators.email, Value::Text(Arc::clone(&self.email)));
        let record = cx.create(Authority::System, operators.collection, input).await?;
        let subject = Subject { of: operators, id: record.id() };
        schema.credentials.create(cx, subject, Some(&self.password_hash), &[]).await
    }
}

/// Says what a conflict means when an operator is added.
pub(crate) fn already_there(error: Error) -> Error {
    match error {
        Error::Conflict(Conflict::Unique { .. } | Conflict::UniqueUnseen { .. }) => {
            Conflict::Already("there is already an operator with this email address").into()
        }
        error => error,
    }
}
