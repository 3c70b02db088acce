use backstay_base::{Error, Secret};
use backstay_identity::Administration;

use super::{names, reference};
use crate::Answer;
use crate::answer::AccountLine;

pub(super) async fn show(administration: &Administration<'_>, account: &str) -> Result<Answer, Error> {
    let found = administration.account(&reference(account)).await?;
    let account = AccountLine {
        id: found.id.to_string(),
        email: found.email,
        roles: names(&found.roles),
        claims: found.claims.as_ref().clone(),
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
