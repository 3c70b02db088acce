use backstay_base::{Error, Timestamp};
use backstay_identity::{Administration, OpenInvitation};

use super::names;
use crate::Answer;
use crate::answer::InvitationLine;

pub(super) async fn invite(
    administration: &Administration<'_>,
    email: String,
    roles: &[String],
    expires_at: Timestamp,
) -> Result<Answer, Error> {
    let invited = administration.invite(&email, roles, expires_at).await?;
    Ok(Answer::Invited { id: invited.id.to_string(), email, token: invited.token })
}

pub(super) async fn list(administration: &Administration<'_>) -> Result<Answer, Error> {
    let line = |one: OpenInvitation| InvitationLine {
        id: one.id.to_string(),
        email: one.email.to_string(),
        roles: names(&one.roles),
        expires_at: one.expires_at.to_string(),
    };
    Ok(Answer::Invitations { invitations: administration.open_invitations().await?.into_iter().map(line).collect() })
}

pub(super) async fn revoke(administration: &Administration<'_>, email: String) -> Result<Answer, Error> {
    administration.revoke_invitations(&email).await?;
    Ok(Answer::InvitationRevoked { email })
}
