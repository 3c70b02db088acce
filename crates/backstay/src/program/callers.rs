use std::process::ExitCode;

use super::{ask, command, find, show};
use crate::arguments::{Account, Invitations, Invite, Key, NewInvitation, Operator, Role, Within};
use crate::secrets::{given_password, new_password};
use crate::{Answer, Command, Failure};

pub(super) async fn operator(operator: Operator) -> Result<ExitCode, Failure> {
    match operator {
        Operator::Add { email, password, within } => {
            let password = new_password(&password)?;
            command(&within, Command::AddOperator { email, password }).await
        }
        Operator::List(within) => command(&within, Command::ListOperators {}).await,
        Operator::Password { operator, password, within } => {
            let password = new_password(&password)?;
            command(&within, Command::SetOperatorPassword { operator, password }).await
        }
        Operator::Remove { operator, within } => command(&within, Command::RemoveOperator { operator }).await,
    }
}

pub(super) async fn account(account: Account) -> Result<ExitCode, Failure> {
    match account {
        Account::Add { email, fields, roles, verified, password, within } => {
            let password = given_password(&password)?;
            command(&within, Command::AddAccount { email, fields, roles, password, verified }).await
        }
        Account::List(within) => list_accounts(&within).await,
        Account::Show { account, within } => command(&within, Command::ShowAccount { account }).await,
        Account::Password { account, password, within } => {
            let password = new_password(&password)?;
            command(&within, Command::SetAccountPassword { account, password }).await
        }
        Account::Verify { account, within } => command(&within, Command::VerifyAccount { account }).await,
        Account::Unverify { account, within } => command(&within, Command::UnverifyAccount { account }).await,
        Account::Disable { account, within } => command(&within, Command::DisableAccount { account }).await,
        Account::Enable { account, within } => command(&within, Command::EnableAccount { account }).await,
        Account::Claim { account, claim: (name, value), within } => {
            command(&within, Command::SetClaim { account, name, value }).await
        }
        Account::Unclaim { account, name, within } => command(&within, Command::RemoveClaim { account, name }).await,
    }
}

/// Lists all accounts, as many commands as that takes.
async fn list_accounts(within: &Within) -> Result<ExitCode, Failure> {
    let place = find(&within.app, within.data.as_ref())?;
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        match ask(&place, Command::ListAccounts { after }).await? {
            Answer::Accounts { accounts, next } => {
                all.extend(accounts);
                after = next;
            }
            other => return show(within, &other),
        }
        if after.is_none() {
            return show(within, &Answer::Accounts { accounts: all, next: None });
        }
    }
}

pub(super) async fn role(role: Role) -> Result<ExitCode, Failure> {
    match role {
        Role::Grant { account, role, within } => command(&within, Command::GrantRole { account, role }).await,
        Role::Revoke { account, role, within } => command(&within, Command::RevokeRole { account, role }).await,
        Role::List { account, within } => command(&within, Command::ListRoles { account }).await,
    }
}

pub(super) async fn key(key: Key) -> Result<ExitCode, Failure> {
    match key {
        Key::Add { name, roles, claims, only, expires, within } => {
            let (claims, seconds) = (claims.into_iter().collect(), expires.map(|lifetime| lifetime.0));
            command(&within, Command::AddKey { name, roles, claims, only, seconds }).await
        }
        Key::List(within) => command(&within, Command::ListKeys {}).await,
        Key::Revoke { key, within } => command(&within, Command::RevokeKey { key }).await,
    }
}

pub(super) async fn invite(invite: Invite) -> Result<ExitCode, Failure> {
    match (invite.made, invite.new) {
        (Some(Invitations::List(within)), _) => command(&within, Command::ListInvitations {}).await,
        (Some(Invitations::Revoke { email, within }), _) => command(&within, Command::RevokeInvitation { email }).await,
        (None, Some(NewInvitation { email, roles, expires })) => {
            command(&invite.within, Command::Invite { email, roles, seconds: expires.0 }).await
        }
        // The parser requires one of them.
        (None, None) => Ok(ExitCode::from(2)),
    }
}
