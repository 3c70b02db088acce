mod accounts;
mod explain;
mod invitations;
mod keys;
mod operators;

use std::sync::Arc;

use backstay_base::{Secret, Timestamp};
use backstay_engine::Context;
use backstay_identity::AccountRef;

use crate::{Answer, Command, Failure, Instance};

impl Instance {
    /// Does what a command asks: the one place where that is done, whoever was asked.
    pub async fn run(&self, command: Command) -> Result<Answer, Failure> {
        let cx = &Context::system(&self.engine);
        match command {
            Command::AddOperator { email, password } => self.add_operator(cx, email, &password).await,
            Command::ListOperators {} => self.operators().await,
            Command::SetOperatorPassword { operator, password } => {
                self.set_operator_password(cx, operator, &password).await
            }
            Command::RemoveOperator { operator } => self.remove_operator(cx, operator).await,
            Command::ShowAccount { account } => self.show_account(cx, &account).await,
            Command::SetAccountPassword { account, password } => {
                self.set_account_password(cx, account, &password).await
            }
            Command::DisableAccount { account } => self.disable_account(cx, account).await,
            Command::EnableAccount { account } => self.enable_account(cx, account).await,
            Command::SetClaim { account, name, value } => self.set_claim(cx, account, name, value).await,
            Command::RemoveClaim { account, name } => self.remove_claim(cx, account, name).await,
            Command::GrantRole { account, role } => self.grant_role(cx, account, role).await,
            Command::RevokeRole { account, role } => self.revoke_role(cx, account, role).await,
            Command::ListRoles { account } => self.roles(cx, account).await,
            Command::AddKey { name, roles, claims, seconds } => self.add_key(cx, name, roles, claims, seconds).await,
            Command::ListKeys {} => self.keys(cx).await,
            Command::RevokeKey { key } => self.revoke_key(cx, key).await,
            Command::Invite { email, roles, seconds } => self.invite(cx, email, &roles, seconds).await,
            Command::ListInvitations {} => self.invitations(cx).await,
            Command::RevokeInvitation { email } => self.revoke_invitation(cx, email).await,
            Command::Seed {} => self.seed(false).await,
            Command::Explain { caller, request, body } => self.explain(caller.as_deref(), &request, body).await,
        }
    }

    /// Loads the seed files that are not loaded yet; with `show`, tells on standard error how it goes on.
    pub(crate) async fn seed(&self, show: bool) -> Result<Answer, Failure> {
        let seeded = self.seeder.load(self.directory.seed_files().all()?, show).await?;
        Ok(Answer::Seeded { seeded })
    }

    /// The token with which the first operator can give themselves a password; none where there is an operator.
    pub(crate) async fn setup_token(&self) -> Result<Option<Secret>, Failure> {
        let known = self.identity.has_operator().await?;
        Ok((!known).then(|| self.identity.setup_token()))
    }
}

/// An account as it is named: never refused here, but perhaps not found.
fn reference(text: &str) -> AccountRef {
    let Ok(account) = text.parse();
    account
}

/// Names of roles, to be shown.
fn names(roles: &[Arc<str>]) -> Vec<String> {
    roles.iter().map(std::string::ToString::to_string).collect()
}

fn after(now: Timestamp, seconds: u32) -> Option<Timestamp> {
    now.checked_add(backstay_base::Duration::from_micros(i64::from(seconds) * 1_000_000))
}
