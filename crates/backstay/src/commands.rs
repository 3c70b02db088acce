mod accounts;
mod explain;
mod invitations;
mod jobs;
mod keys;
mod named;
mod new_account;
mod operators;
mod roles;
mod sums;
mod webhooks;

use std::sync::Arc;

use backstay_base::{Duration, Error, Place, Secret, Timestamp, ViolationKind};
use backstay_engine::Context;
use backstay_identity::{AccountRef, NewKey};

use explain::Question;
use named::Named;
use new_account::NewAccount;

use crate::apply::applied;
use crate::backup::{self, Reporter};
use crate::commit_log::{self, Retention};
use crate::{Answer, Command, Failure, Instance, Seeded, inspection, reindex, transfer};

impl Instance {
    /// Runs a command in the name of Backstay itself: the only place that does, whichever process was asked.
    pub async fn run(&self, command: Command) -> Result<Answer, Failure> {
        command.check_possible(self.sign_up)?;
        let cx = Context::system(&self.engine);
        let named = Named::of(&command);
        match (self.carry_out(&cx, command).await, named) {
            (Err(Failure::Refused(error @ Error::NotFound { .. })), Some(named)) => {
                Err(named.failure(&self.identity.administration(&cx)?, error).await)
            }
            (outcome, _) => outcome,
        }
    }

    #[expect(clippy::too_many_lines, reason = "one arm for each command")]
    async fn carry_out(&self, cx: &Context, command: Command) -> Result<Answer, Failure> {
        let administration = &self.identity.administration(cx)?;
        Ok(match command {
            Command::AddOperator { email, password } => operators::add(administration, email, &password).await?,
            Command::ListOperators {} => operators::list(administration).await?,
            Command::SetOperatorPassword { operator, password } => {
                operators::set_password(administration, operator, &password).await?
            }
            Command::RemoveOperator { operator } => operators::remove(administration, operator).await?,
            Command::AddAccount { email, fields, roles, password, verified } => {
                let new = NewAccount { email, fields: &fields, roles: &roles, password, verified };
                new_account::add(&self.engine, administration, new).await?
            }
            Command::ListAccounts { after } => accounts::list(administration, after.as_deref()).await?,
            Command::ShowAccount { account } => accounts::show(administration, &account).await?,
            Command::SetAccountPassword { account, password } => {
                accounts::set_password(administration, account, &password).await?
            }
            Command::VerifyAccount { account } => accounts::verify(administration, account).await?,
            Command::UnverifyAccount { account } => accounts::unverify(administration, account).await?,
            Command::DisableAccount { account } => accounts::disable(administration, account).await?,
            Command::EnableAccount { account } => accounts::enable(administration, account).await?,
            Command::SetClaim { account, name, value } => {
                accounts::set_claim(administration, account, name, value).await?
            }
            Command::RemoveClaim { account, name } => accounts::remove_claim(administration, account, name).await?,
            Command::GrantRole { account, role } => {
                let granted = accounts::grant_role(administration, &account, &role).await;
                granted.map_err(|error| roles::failure_of_pair(&self.engine, "grant", (&account, &role), error))?
            }
            Command::RevokeRole { account, role } => {
                let revoked = accounts::revoke_role(administration, &account, &role).await;
                revoked.map_err(|error| roles::failure_of_pair(&self.engine, "revoke", (&account, &role), error))?
            }
            Command::ListRoles { account } => accounts::roles(administration, account).await?,
            Command::AddKey { name, roles, claims, only, seconds } => {
                let expires_at = seconds.map(|seconds| after(cx.now, seconds)).transpose()?;
                let key = NewKey { name, roles: roles.clone(), claims, only, expires_at };
                let added = keys::add(administration, key).await;
                added.map_err(|error| roles::failure(&self.engine, &roles, error))?
            }
            Command::ListKeys {} => keys::list(administration).await?,
            Command::RevokeKey { key } => keys::revoke(administration, key).await?,
            Command::ListJobs { states, limit } => jobs::list(&self.jobs, &states, limit).await?,
            Command::ShowJob { job } => jobs::show(&self.jobs, &job).await?,
            Command::RetryJob { job } => jobs::retry(&self.jobs, job).await?,
            Command::CancelJob { job } => jobs::cancel(&self.jobs, job).await?,
            Command::Webhook { verb } => Box::pin(webhooks::carry_out(&self.webhooks, verb)).await?,
            Command::Inspect { verb } => inspection::carry_out(&self.engine, cx, verb).await?,
            Command::Invite { email, roles, seconds } => {
                let invited = invitations::invite(administration, email, &roles, after(cx.now, seconds)?).await;
                invited.map_err(|error| roles::failure(&self.engine, &roles, error))?
            }
            Command::ListInvitations {} => invitations::list(administration).await?,
            Command::RevokeInvitation { email } => invitations::revoke(administration, email).await?,
            Command::Seed {} => Answer::Seeded { seeded: self.seed(false).await? },
            Command::BackUp { file } => backup::back_up(&self.engine, file, Reporter::silent()).await?,
            Command::Reindex { collection, from } => reindex::part(&self.engine, (collection, from)).await?,
            Command::PruneLog { seconds, bytes } => commit_log::prune(self, Retention { seconds, bytes }).await?,
            Command::VerifyLog { against } => commit_log::verify(&self.engine, against).await?,
            Command::ShowLog { since, limit, record } => {
                commit_log::show(&self.engine, since, limit, record.as_deref()).await?
            }
            Command::BeginImport { import } => transfer::begin(&self.engine, &import).await?,
            Command::Import { batch } => Answer::Imported { imported: transfer::write(&self.engine, batch).await? },
            Command::EndImport { imports, check } => transfer::end(&self.engine, (&imports, &check)).await?,
            Command::Export { page } => Answer::Exported { exported: transfer::page(&self.engine, &page).await? },
            // An open database always fits the model that it is open with; `apply` is how a server gets another.
            Command::ApplyModel { .. } => applied(Vec::new()),
            Command::CompareSums {} => sums::compare(&self.engine, cx).await?,
            Command::Explain { caller, link, request, body } => {
                explain::explain(&self.engine, administration, Question { caller, link, request, body }).await?
            }
        })
    }

    /// Loads the seed files that are not loaded yet; with `show`, reports progress on standard error.
    pub(crate) async fn seed(&self, show: bool) -> Result<Seeded, Failure> {
        Ok(self.seeder.load(self.directory.seed_files().all()?, show).await?)
    }

    /// The token with which the first operator can sign up; none if there is an operator.
    pub(crate) async fn setup_token(&self) -> Result<Option<Secret>, Failure> {
        if self.identity.has_operator().await? {
            return Ok(None);
        }
        let cx = Context::system(&self.engine);
        Ok(Some(self.identity.administration(&cx)?.setup_token()))
    }
}

/// An account, an operator or a key as it was named. Every text names something; it may not exist.
fn reference(text: &str) -> AccountRef {
    let Ok(account) = text.parse();
    account
}

/// Names of roles, for output.
fn names(roles: &[Arc<str>]) -> Vec<String> {
    roles.iter().map(std::string::ToString::to_string).collect()
}

/// The moment so many seconds later.
fn after(now: Timestamp, seconds: u32) -> Result<Timestamp, Error> {
    let later = now.checked_add(Duration::from_micros(i64::from(seconds) * 1_000_000));
    later.ok_or_else(|| {
        Error::invalid(Place::part("expires"), ViolationKind::Range("a moment before the year 10000".to_owned()))
    })
}
