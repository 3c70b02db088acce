use backstay_base::{Error, Place, Secret, ViolationKind};
use backstay_identity::{AccountRef, Administration};

use super::{names, reference};
use crate::Answer;
use crate::answer::{AccountLine, ListedAccount};

/// Accounts in one answer; the next command goes on after them.
const LISTED: usize = 10_000;

pub(super) async fn list(administration: &Administration<'_>, after: Option<&str>) -> Result<Answer, Error> {
    let id = |text: &str| match reference(text) {
        AccountRef::Id(id) => Ok(id),
        AccountRef::Email(_) => {
            Err(Error::invalid(Place::part("after"), ViolationKind::Type { expected: "an id".to_owned() }))
        }
    };
    let mut found = administration.accounts(after.map(id).transpose()?, LISTED + 1).await?;
    let more = found.len() > LISTED;
    found.truncate(LISTED);
    let next = found.last().filter(|_| more).map(|last| last.id.to_string());
    let line = |one: backstay_identity::ListedAccount| ListedAccount {
        id: one.id.to_string(),
        email: one.email.to_string(),
        roles: names(&one.roles),
        verified: one.verified,
        disabled: one.disabled,
        created_at: one.created_at.to_string(),
    };
    Ok(Answer::Accounts { accounts: found.into_iter().map(line).collect(), next })
}

pub(super) async fn show(administration: &Administration<'_>, account: &str) -> Result<Answer, Error> {
    let found = administration.account(&reference(account)).await?;
    let account = AccountLine {
        id: found.id.to_string(),
        email: found.email,
        roles: names(&found.roles),
        claims: found.claims.as_ref().clone(),
        verified: found.verified,
        disabled: found.disabled,
        password: found.has_password,
        sessions: found.sessions,
    };
    Ok(Answer::Account { account })
}

pub(super) async fn set_password(
    administration: &Administration<'_>,
    account: String,
    password: &Secret,
) -> Result<Answer, Error> {
    administration.set_account_password(&reference(&account), password).await?;
    Ok(Answer::AccountPasswordSet { account })
}

pub(super) async fn verify(administration: &Administration<'_>, account: String) -> Result<Answer, Error> {
    administration.verify_account(&reference(&account)).await?;
    Ok(Answer::AccountVerified { account })
}

pub(super) async fn unverify(administration: &Administration<'_>, account: String) -> Result<Answer, Error> {
    administration.unverify_account(&reference(&account)).await?;
    Ok(Answer::AccountUnverified { account })
}

pub(super) async fn disable(administration: &Administration<'_>, account: String) -> Result<Answer, Error> {
    administration.disable_account(&reference(&account)).await?;
    Ok(Answer::AccountDisabled { account })
}

pub(super) async fn enable(administration: &Administration<'_>, account: String) -> Result<Answer, Error> {
    administration.enable_account(&reference(&account)).await?;
    Ok(Answer::AccountEnabled { account })
}

pub(super) async fn set_claim(
    administration: &Administration<'_>,
    account: String,
    name: String,
    value: String,
) -> Result<Answer, Error> {
    administration.set_claim(&reference(&account), &name, &value).await?;
    Ok(Answer::ClaimSet { account, name, value })
}

pub(super) async fn remove_claim(
    administration: &Administration<'_>,
    account: String,
    name: String,
) -> Result<Answer, Error> {
    administration.remove_claim(&reference(&account), &name).await?;
    Ok(Answer::ClaimRemoved { account, name })
}

pub(super) async fn grant_role(
    administration: &Administration<'_>,
    account: &str,
    role: &str,
) -> Result<Answer, Error> {
    administration.grant_role(&reference(account), role).await?;
    Ok(Answer::RoleGranted { account: account.to_owned(), role: role.to_owned() })
}

pub(super) async fn revoke_role(
    administration: &Administration<'_>,
    account: &str,
    role: &str,
) -> Result<Answer, Error> {
    let subject = reference(account);
    let held = administration.roles(&subject).await?.iter().any(|one| **one == *role);
    administration.revoke_role(&subject, role).await?;
    Ok(Answer::RoleRevoked { account: account.to_owned(), role: role.to_owned(), held })
}

pub(super) async fn roles(administration: &Administration<'_>, account: String) -> Result<Answer, Error> {
    let roles = names(&administration.roles(&reference(&account)).await?);
    Ok(Answer::Roles { account, roles })
}
