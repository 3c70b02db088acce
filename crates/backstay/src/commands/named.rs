use backstay_base::Error;
use backstay_identity::{AccountRef, Administration};
use backstay_scalar::{Scalar, Token};

use super::reference;
use crate::{Command, Failure};

/// Whom a command names, and as what.
#[derive(Debug)]
pub(super) enum Named {
    Account(String),
    Operator(String),
}

impl Named {
    /// Whom this command names, if it takes only accounts or only operators.
    pub(super) fn of(command: &Command) -> Option<Self> {
        match command {
            Command::ShowAccount { account }
            | Command::SetAccountPassword { account, .. }
            | Command::DisableAccount { account }
            | Command::VerifyAccount { account }
            | Command::UnverifyAccount { account }
            | Command::EnableAccount { account }
            | Command::SetClaim { account, .. }
            | Command::RemoveClaim { account, .. } => Some(Self::Account(account.clone())),
            Command::SetOperatorPassword { operator, .. } | Command::RemoveOperator { operator } => {
                Some(Self::Operator(operator.clone()))
            }
            Command::AddOperator { .. }
            | Command::ListOperators {}
            | Command::AddAccount { .. }
            | Command::ListAccounts { .. }
            | Command::GrantRole { .. }
            | Command::RevokeRole { .. }
            | Command::ListRoles { .. }
            | Command::AddKey { .. }
            | Command::ListKeys {}
            | Command::RevokeKey { .. }
            | Command::Webhook { .. }
            | Command::Inspect { .. }
            | Command::Invite { .. }
            | Command::ListInvitations {}
            | Command::RevokeInvitation { .. }
            | Command::Seed {}
            | Command::BeginImport { .. }
            | Command::Import { .. }
            | Command::EndImport { .. }
            | Command::Export { .. }
            | Command::BackUp { .. }
            | Command::Reindex { .. }
            | Command::PruneLog { .. }
            | Command::VerifyLog { .. }
            | Command::ShowLog { .. }
            | Command::ApplyModel { .. }
            | Command::CompareSums {}
            | Command::ListJobs { .. }
            | Command::ShowJob { .. }
            | Command::RetryJob { .. }
            | Command::CancelJob { .. }
            | Command::Explain { .. } => None,
        }
    }

    /// The failure of a command that did not find them. If there is one of the other kind, it says so.
    pub(super) async fn failure(self, administration: &Administration<'_>, error: Error) -> Failure {
        match self {
            Self::Account(text) => match is_operator(administration, &text).await {
                Ok(true) => Failure::OtherKind {
                    error,
                    help: format!("{text} is an operator; for operators, use `backstay operator`"),
                },
                Ok(false) => error.into(),
                Err(other) => other.into(),
            },
            Self::Operator(text) if administration.account(&reference(&text)).await.is_ok() => Failure::OtherKind {
                error,
                help: format!("{text} is an account; for accounts, use `backstay account`"),
            },
            Self::Operator(_) => error.into(),
        }
    }
}

/// Whether an operator is meant: an address is compared in the form in which it is stored.
async fn is_operator(administration: &Administration<'_>, text: &str) -> Result<bool, Error> {
    let operators = administration.operators().await?;
    Ok(match reference(text) {
        AccountRef::Id(id) => operators.iter().any(|one| one.id == id),
        AccountRef::Email(text) => {
            let email = Scalar::Email.read(Token::Bare(&text));
            email.is_ok_and(|email| operators.iter().any(|one| email.as_text() == Some(&*one.email)))
        }
    })
}
