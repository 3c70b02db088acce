use std::time::Duration;

use backstay_base::Error;
use backstay_jobs::{NewWebhook, WebhookInfo, WebhookReport, Webhooks};

use crate::Answer;
use crate::answer::{DeadLetterLine, WebhookAnswer, WebhookLine};
use crate::command::WebhookVerb;

pub(super) async fn carry_out(webhooks: &Webhooks, verb: WebhookVerb) -> Result<Answer, Error> {
    Ok(Answer::Webhook(match verb {
        WebhookVerb::Add { name, url, caller, of } => {
            let new = NewWebhook { name: name.clone(), url, caller, types: of };
            let added = webhooks.add(new).await?;
            WebhookAnswer::WebhookAdded { id: added.id.to_string(), name, secret: added.secret }
        }
        WebhookVerb::List {} => {
            WebhookAnswer::Webhooks { webhooks: webhooks.list().await?.into_iter().map(line).collect() }
        }
        WebhookVerb::Show { name } => {
            let WebhookReport { info, letters } = webhooks.show(&name).await?;
            let letters = letters.into_iter().map(|letter| DeadLetterLine {
                message: letter.message,
                record: letter.subject.replacen(':', "/", 1),
                event: letter.event,
                at: letter.at.to_string(),
                attempts: letter.attempts,
                error: letter.error,
            });
            WebhookAnswer::Webhook { webhook: line(info), letters: letters.collect() }
        }
        WebhookVerb::Test { name } => {
            let tested = webhooks.test(&name).await?;
            let (status, error) = match tested.answer {
                Ok(status) => (Some(status), None),
                Err(error) => (None, Some(error)),
            };
            WebhookAnswer::WebhookTested { name, message: tested.message, status, error }
        }
        WebhookVerb::Rotate { name, seconds } => {
            let secret = webhooks.rotate(&name, Duration::from_secs(u64::from(seconds))).await?;
            WebhookAnswer::WebhookRotated { name, secret }
        }
        WebhookVerb::Replay { name, message } => {
            let messages = webhooks.replay(&name, message).await?;
            WebhookAnswer::WebhookReplayed { name, messages }
        }
        WebhookVerb::Disable { name } => {
            webhooks.disable(&name).await?;
            WebhookAnswer::WebhookDisabled { name }
        }
        WebhookVerb::Enable { name, skip } => {
            let dead = webhooks.enable(&name, skip).await?;
            WebhookAnswer::WebhookEnabled { name, dead }
        }
        WebhookVerb::Remove { name } => {
            webhooks.remove(&name).await?;
            WebhookAnswer::WebhookRemoved { name }
        }
    }))
}

fn line(info: WebhookInfo) -> WebhookLine {
    let WebhookInfo { name, url, caller, types, waiting, dead, failing_since, disabled } = info;
    let (disabled_at, reason) = match disabled {
        Some((at, reason)) => (Some(at.to_string()), Some(reason)),
        None => (None, None),
    };
    let failing_since = failing_since.map(|moment| moment.to_string());
    WebhookLine { name, url, caller, of: types, waiting, dead, failing_since, disabled_at, reason }
}
