use backstay_engine::Context;

use super::{after, names};
use crate::answer::InvitationLine;
use crate::{Answer, Failure, Instance};

impl Instance {
    pub(super) async fn invite(
        &self,
        cx: &Context,
        email: String,
        roles: &[String],
        seconds: u32,
    ) -> Result<Answer, Failure> {
        let until = after(cx.now, seconds).unwrap_or(cx.now);
        let invited = self.identity.invite(cx, &email, roles, until).await?;
        Ok(Answer::Invited { id: invited.id.to_string(), email, token: invited.token })
    }

    pub(super) async fn invitations(&self, cx: &Context) -> Result<Answer, Failure> {
        let invitations = self.identity.open_invitations(cx).await?.into_iter().map(|one| InvitationLine {
            id: one.id.to_string(),
            email: one.email,
            roles: names(&one.roles),
            expires_at: one.expires_at.to_string(),
        });
        Ok(Answer::Invitations { invitations: invitations.collect() })
    }

    pub(super) async fn revoke_invitation(&self, cx: &Context, email: String) -> Result<Answer, Failure> {
        self.identity.revoke_invitations(cx, &email).await?;
        Ok(Answer::InvitationRevoked { email })
    }
}
