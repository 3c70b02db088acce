use std::process::ExitCode;

use super::{ask, find, show};
use crate::arguments::{Webhook, Within};
use crate::command::WebhookVerb;
use crate::{Command, Failure};

pub(super) async fn webhook(webhook: Webhook) -> Result<ExitCode, Failure> {
    let (verb, within) = verb_of(webhook);
    let place = find(&within.app, within.data.as_ref())?;
    let answer = ask(&place, Command::Webhook { verb }).await?;
    let shown = show(&within, &answer)?;
    Ok(if answer.tells_of_failure() { ExitCode::FAILURE } else { shown })
}

fn verb_of(webhook: Webhook) -> (WebhookVerb, Within) {
    match webhook {
        Webhook::Add { name, url, caller, of, within } => (WebhookVerb::Add { name, url, caller, of }, within),
        Webhook::List(within) => (WebhookVerb::List {}, within),
        Webhook::Show { name, within } => (WebhookVerb::Show { name }, within),
        Webhook::Test { name, within } => (WebhookVerb::Test { name }, within),
        Webhook::Rotate { name, keep, within } => (WebhookVerb::Rotate { name, seconds: keep.0 }, within),
        Webhook::Replay { name, message, within } => (WebhookVerb::Replay { name, message }, within),
        Webhook::Disable { name, within } => (WebhookVerb::Disable { name }, within),
        Webhook::Enable { name, skip, within } => (WebhookVerb::Enable { name, skip }, within),
        Webhook::Remove { name, within } => (WebhookVerb::Remove { name }, within),
    }
}
