use std::collections::BTreeMap;

use backstay_engine::Context;
use backstay_identity::NewKey;

use super::{after, names};
use crate::answer::KeyLine;
use crate::{Answer, Failure, Instance};

impl Instance {
    pub(super) async fn add_key(
        &self,
        cx: &Context,
        name: String,
        roles: Vec<String>,
        claims: BTreeMap<String, String>,
        seconds: Option<u32>,
    ) -> Result<Answer, Failure> {
        let expires_at = seconds.and_then(|seconds| after(cx.now, seconds));
        let key = NewKey { name: name.clone(), roles, claims, expires_at };
        let issued = self.identity.issue_key(cx, key).await?;
        Ok(Answer::KeyAdded { id: issued.id.to_string(), name, key: issued.secret })
    }

    pub(super) async fn keys(&self, cx: &Context) -> Result<Answer, Failure> {
        let keys = self.identity.list_keys(cx).await?.into_iter().map(|key| KeyLine {
            id: key.id.to_string(),
            name: key.name,
            roles: names(&key.roles),
            claims: key.claims.as_ref().clone(),
            expires_at: key.expires_at.map(|moment| moment.to_string()),
            revoked_at: key.revoked_at.map(|moment| moment.to_string()),
        });
        Ok(Answer::Keys { keys: keys.collect() })
    }

    pub(super) async fn revoke_key(&self, cx: &Context, key: String) -> Result<Answer, Failure> {
        self.identity.revoke_key(cx, &key).await?;
        Ok(Answer::KeyRevoked { key })
    }
}
