use std::sync::Arc;

use backstay_base::{Caller, Error, Secret, Timestamp};
use backstay_engine::{Context, Record};
use backstay_identity::{AccountRef, NewKey};
use backstay_model::Model;

use crate::command::{Answer, Command, KeyLine, OperatorLine};
use crate::{Failure, Instance};

/// Records that are read at a time.
const PAGE: u32 = 500;

impl Instance {
    /// Does what a command asks: the one place where that is done, whoever was asked.
    pub async fn run(&self, command: Command) -> Result<Answer, Failure> {
        let identity = &self.identity;
        let cx = Context::system(&self.engine);
        match command {
            Command::AddOperator { email, password } => {
                let id = identity.add_operator(&cx, &email, &password).await?.to_string();
                Ok(Answer::OperatorAdded { id, email })
            }
            Command::ListOperators {} => self.operators().await,
            Command::GrantRole { account, role } => {
                identity.grant_role(&cx, &reference(&account), &role).await?;
                Ok(Answer::RoleGranted { account, role })
            }
            Command::RevokeRole { account, role } => {
                identity.revoke_role(&cx, &reference(&account), &role).await?;
                Ok(Answer::RoleRevoked { account, role })
            }
            Command::ListRoles { account } => {
                let caller = identity.caller_for(&reference(&account)).await?;
                let roles = caller.roles.iter().map(std::string::ToString::to_string).collect();
                Ok(Answer::Roles { account, roles })
            }
            Command::AddKey { name, roles, claims, seconds } => {
                let expires_at = seconds.and_then(|seconds| after(cx.now, seconds));
                let key = NewKey { name: name.clone(), roles, claims, expires_at };
                let issued = identity.issue_key(&cx, key).await?;
                Ok(Answer::KeyAdded { id: issued.id.to_string(), name, key: issued.secret })
            }
            Command::ListKeys {} => self.keys(&cx).await,
            Command::RevokeKey { key } => {
                identity.revoke_key(&cx, &key).await?;
                Ok(Answer::KeyRevoked { key })
            }
            Command::Invite { email, roles, seconds } => {
                let until = after(cx.now, seconds).unwrap_or(cx.now);
                let invited = identity.invite(&cx, &email, &roles, until).await?;
                Ok(Answer::Invited { id: invited.id.to_string(), email, token: invited.token })
            }
            Command::Seed {} => self.seed(false).await,
            Command::Explain { caller, request, body } => {
                self.explain(caller.as_deref(), &request, body.unwrap_or_default()).await
            }
        }
    }

    /// Loads the seed files that are not loaded yet; with `show`, tells on standard error how it goes on.
    pub(crate) async fn seed(&self, show: bool) -> Result<Answer, Failure> {
        let seeded = self.seeder.load(self.directory.seed_files()?, show).await?;
        Ok(Answer::Seeded { seeded })
    }

    async fn operators(&self) -> Result<Answer, Failure> {
        let model: &Arc<Model> = self.engine.model();
        let mut operators = Vec::new();
        if let Some((collection, email)) = model
            .collection_named("BackstayOperator")
            .and_then(|collection| Some((collection.id, collection.field_named("email")?.id)))
        {
            let mut after = None;
            loop {
                let page = self.engine.peek_page(collection, after, PAGE).await?;
                after = page.last().map(Record::id);
                operators.extend(page.iter().map(|record| OperatorLine {
                    id: record.id().to_string(),
                    email: record.value(email).as_text().unwrap_or_default().to_owned(),
                }));
                if page.len() < PAGE as usize {
                    break;
                }
            }
        }
        Ok(Answer::Operators { operators })
    }

    async fn keys(&self, cx: &Context) -> Result<Answer, Failure> {
        let keys = self.identity.list_keys(cx).await?.into_iter().map(|key| KeyLine {
            id: key.id.to_string(),
            name: key.name,
            roles: key.roles.iter().map(std::string::ToString::to_string).collect(),
            claims: key.claims.as_ref().clone(),
            expires_at: key.expires_at.map(|moment| moment.to_string()),
            revoked_at: key.revoked_at.map(|moment| moment.to_string()),
        });
        Ok(Answer::Keys { keys: keys.collect() })
    }

    async fn explain(&self, caller: Option<&str>, request: &str, body: String) -> Result<Answer, Failure> {
        let caller = match caller {
            Some(who) => self.identity.caller_for(&reference(who)).await?,
            None => Arc::new(Caller::anonymous()),
        };
        let request = backstay_http::parse_request(self.engine.model(), request, body.into())?;
        let explanation = self.engine.explain(&Context::new(&self.engine, caller), request).await?;
        let text = explanation.to_string();
        let explanation = serde_json::to_value(&explanation).map_err(Error::internal)?;
        Ok(Answer::Explained { text, explanation })
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

fn after(now: Timestamp, seconds: u32) -> Option<Timestamp> {
    now.checked_add(backstay_base::Duration::from_micros(i64::from(seconds) * 1_000_000))
}
