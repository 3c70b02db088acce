use backstay_base::Error;
use backstay_identity::{Administration, KeyInfo, NewKey};

use super::{names, reference};
use crate::Answer;
use crate::answer::KeyLine;

pub(super) async fn add(administration: &Administration<'_>, key: NewKey) -> Result<Answer, Error> {
    let name = key.name.clone();
    let issued = administration.issue_key(key).await?;
    Ok(Answer::KeyAdded { id: issued.id.to_string(), name, key: issued.secret })
}

pub(super) async fn list(administration: &Administration<'_>) -> Result<Answer, Error> {
    let line = |key: KeyInfo| KeyLine {
        id: key.id.to_string(),
        name: key.name,
        roles: names(&key.roles),
        claims: key.claims.as_ref().clone(),
        only: key.only,
        expires_at: key.expires_at.map(|moment| moment.to_string()),
        revoked_at: key.revoked_at.map(|moment| moment.to_string()),
    };
    Ok(Answer::Keys { keys: administration.keys().await?.into_iter().map(line).collect() })
}

pub(super) async fn revoke(administration: &Administration<'_>, key: String) -> Result<Answer, Error> {
    administration.revoke_key(&reference(&key)).await?;
    Ok(Answer::KeyRevoked { key })
}
