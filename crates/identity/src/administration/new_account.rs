use std::sync::Arc;

use backstay_base::{Conflict, Error, Place, RecordId, Secret, ViolationKind};
use backstay_engine::{Authority, Input, Transaction, TxContext};
use backstay_scalar::Value;
use futures_util::future::BoxFuture;

use super::{Administration, NewCredential};
use crate::schema::SubjectType;
use crate::{email, password, roles};

/// An account that an operator adds.
#[derive(Debug)]
pub struct AddAccount {
    /// The address that it signs in with.
    pub email: String,
    /// The other fields of its record.
    pub input: Input,
    /// The roles that it gets.
    pub roles: Vec<String>,
    /// The password that it signs in with.
    pub password: NewPassword,
    /// Whether the address is known to be the account holder's.
    pub verified: bool,
}

/// Where the password of an account that an operator adds comes from.
#[derive(Debug)]
pub enum NewPassword {
    /// The operator chose it.
    Given(Secret),
    /// Backstay generates it.
    Generated,
}

/// An account that was just added.
#[derive(Debug)]
pub struct AddedAccount {
    /// Its record.
    pub id: RecordId,
    /// The address that it signs in with, in its normal form.
    pub email: Arc<str>,
    /// The generated password, which cannot be shown again.
    pub generated: Option<Secret>,
}

impl Administration<'_> {
    /// Adds an account that can sign in, in one commit: its record, for which the checks of the model hold but no access
    /// rule does, and its credential. Violations of a field are at its name.
    pub async fn add_account(&self, account: AddAccount) -> Result<AddedAccount, Error> {
        let (directory, authenticator) = (self.parts.directory, self.parts.authenticator);
        let accounts = directory.schema.accounts.ok_or(Error::NoAccounts)?;
        let AddAccount { email, input, roles, password, verified } = account;
        if input.value(accounts.email).is_some() {
            return Err(Error::invalid(Place::member("email"), ViolationKind::Duplicate));
        }
        let email = email::read(Place::part("email"), &email)?;
        let roles = roles::all_known(directory.engine.model(), &Place::part("role"), &roles)?;
        let (password, generated) = match password {
            NewPassword::Given(password) => (password, None),
            NewPassword::Generated => {
                let entropy = &*directory.engine.ambient().entropy;
                let password = password::generate(entropy, self.parts.settings.password_min);
                (password.clone(), Some(password))
            }
        };
        authenticator.check_new(Place::part("password"), &password, &email)?;
        let password_hash = Some(authenticator.hash(password).await?);
        let verified = verified.then(|| Arc::clone(&email));
        let credential = NewCredential { schema: directory.schema, accounts, password_hash, roles, verified };
        let input = input.with(accounts.email, Value::Text(Arc::clone(&email)));
        let made = directory.engine.run(self.cx, MakeAccount { accounts, input, credential }).await;
        Ok(AddedAccount { id: made.map_err(already_there)?, email, generated })
    }
}

/// Says what a conflict means when the address has an account.
fn already_there(error: Error) -> Error {
    match error {
        Error::Conflict(Conflict::Unique { fields, .. }) if fields == ["email"] => {
            Conflict::Already("there is already an account with this email address").into()
        }
        error => error,
    }
}

#[derive(Debug)]
struct MakeAccount {
    accounts: SubjectType,
    input: Input,
    credential: NewCredential,
}

impl Transaction for MakeAccount {
    type Answer = RecordId;

    fn name(&self) -> &'static str {
        "add-account"
    }

    fn run<'a>(&'a self, cx: &'a mut TxContext<'_, '_>) -> BoxFuture<'a, Result<RecordId, Error>> {
        Box::pin(async move {
            let collection = self.accounts.collection;
            let input = cx.named_by_caller(collection, self.input.clone()).await?;
            cx.check_references(collection, &input).await?;
            let account = cx.create(Authority::System, collection, input).await?.id();
            self.credential.create(cx, account).await?;
            Ok(account)
        })
    }
}
