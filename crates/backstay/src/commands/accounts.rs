use backstay_base::Secret;
use backstay_engine::Context;

use super::{names, reference};
use crate::answer::AccountLine;
use crate::{Answer, Failure, Instance};

impl Instance {
    pub(super) async fn show_account(&self, cx: &Context, account: &str) -> Result<Answer, Failure> {
        let found = self.identity.account(cx, &reference(account)).await?;
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

    pub(super) async fn set_account_password(
        &self,
        cx: &Context,
        account: String,
        password: &Secret,
    ) -> Result<Answer, Failure> {
        self.identity.set_password(cx, &reference(&account), password).await?;
        Ok(Answer::AccountPasswordSet { account })
    }

    pub(super) async fn disable_account(&self, cx: &Context, account: String) -> Result<Answer, Failure> {
        self.identity.disable(cx, &reference(&account)).await?;
        Ok(Answer::AccountDisabled { account })
    }

    pub(super) async fn enable_account(&self, cx: &Context, account: String) -> Result<Answer, Failure> {
        self.identity.enable(cx, &reference(&account)).await?;
        Ok(Answer::AccountEnabled { account })
    }

    pub(super) async fn set_claim(
        &self,
        cx: &Context,
        account: String,
        name: String,
        value: String,
    ) -> Result<Answer, Failure> {
        self.identity.set_claim(cx, &reference(&account), &name, &value).await?;
        Ok(Answer::ClaimSet { account, name, value })
    }

    pub(super) async fn remove_claim(&self, cx: &Context, account: String, name: String) -> Result<Answer, Failure> {
        self.identity.remove_claim(cx, &reference(&account), &name).await?;
        Ok(Answer::ClaimRemoved { account, name })
    }

    pub(super) async fn grant_role(&self, cx: &Context, account: String, role: String) -> Result<Answer, Failure> {
        self.identity.grant_role(cx, &reference(&account), &role).await?;
        Ok(Answer::RoleGranted { account, role })
    }

    pub(super) async fn revoke_role(&self, cx: &Context, account: String, role: String) -> Result<Answer, Failure> {
        self.identity.revoke_role(cx, &reference(&account), &role).await?;
        Ok(Answer::RoleRevoked { account, role })
    }

    pub(super) async fn roles(&self, cx: &Context, account: String) -> Result<Answer, Failure> {
        let roles = names(&self.identity.roles(cx, &reference(&account)).await?);
        Ok(Answer::Roles { account, roles })
    }
}
