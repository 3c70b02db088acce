//! The jobs that changes queue, at the end of their transaction.

use std::sync::Arc;

use backstay_base::{Error, Limit, RecordId, limits};
use backstay_model::{Channel, Hook, HookOn, HookRun, Model, Notify};
use serde::{Deserialize, Serialize};
use serde_json::{Map, json};

use crate::pending_hooks::{PendingHook, PendingRun};
use crate::queue::{JobTerms, NewJob, Priority, caller_name};
use crate::{TxContext, recipients};

/// What the job of a notification (`@notify`) takes, as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notification {
    /// The type of the record that has changed.
    #[serde(rename = "type")]
    pub collection: String,
    /// Its key.
    pub id: String,
    /// What has happened to it: `CREATE` or `UPDATE`.
    pub event: String,
    /// The key of the account that is notified.
    pub to: String,
    /// The name of the template, if it becomes a mail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
    /// The type of the record that it becomes otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub into: Option<String>,
    /// What the `kind` of that record is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
}

impl Notification {
    /// The kind of its jobs.
    pub const JOB: &str = "backstay.notify";

    fn of(model: &Model, (hook, notify): (&Hook, &Notify), pending: &PendingHook, to: RecordId) -> Self {
        let (template, into, kind) = match &notify.channel {
            Channel::Mail(template) => (Some(template.to_string()), None, None),
            Channel::Inbox(records) => {
                let kind = records.kind.as_ref().map(|(_, kind)| kind.to_string());
                (None, Some(model.collection(records.into).name.clone()), kind)
            }
        };
        Self {
            collection: model.collection(hook.collection).name.clone(),
            id: pending.record.to_string(),
            event: pending.event.name().to_owned(),
            to: to.to_string(),
            template,
            into,
            kind,
        }
    }
}

/// Queues the jobs of what was noted.
pub(crate) async fn queue(cx: &mut TxContext<'_, '_>) -> Result<(), Error> {
    let pending = std::mem::take(&mut cx.hooks);
    let of_actions = pending.iter().filter(|pending| matches!(pending.run, PendingRun::Action(_))).count();
    require_few(cx, of_actions)?;
    let (mut room, mut is_over) = (if cx.class.system { usize::MAX } else { limits::NOTIFICATIONS }, false);
    for pending in pending {
        let notifies = matches!(pending.run, PendingRun::Notifications { .. });
        if notifies && is_over {
            continue;
        }
        let mut jobs = jobs(cx, &pending).await?;
        if notifies {
            // As with those of one change: whoever may make watches, say, can't keep others from changing many records.
            is_over = jobs.len() > room;
            if is_over {
                tracing::warn!(
                    "a transaction notifies only the first {} accounts; queue a job to notify more",
                    limits::NOTIFICATIONS
                );
                jobs.truncate(room);
            }
            room -= jobs.len();
        }
        if !jobs.is_empty() && cx.cx.hook_depth >= limits::HOOK_DEPTH {
            let what = "the chain of jobs, each queued by a change that the one before has made,";
            return Err(Limit::Size { what, max: limits::HOOK_DEPTH.into(), unit: "jobs" }.into());
        }
        for job in jobs {
            cx.queue(&job).await?;
        }
    }
    Ok(())
}

fn require_few(cx: &TxContext<'_, '_>, jobs: usize) -> Result<(), Error> {
    let what = "the set of jobs that the change queues";
    match jobs > limits::WRITE_ROWS && !cx.class.system {
        true => Err(Limit::Size { what, max: limits::WRITE_ROWS as u64, unit: "jobs" }.into()),
        false => Ok(()),
    }
}

async fn jobs(cx: &mut TxContext<'_, '_>, pending: &PendingHook) -> Result<Vec<NewJob>, Error> {
    let model = Arc::clone(&cx.engine.application.model);
    let hook = &model.hooks[pending.hook];
    match (&pending.run, &hook.run) {
        (PendingRun::Notifications { known }, HookRun::Notify(notify)) => {
            let accounts = recipients::all(cx, notify, (hook.collection, pending.record), known).await?;
            let queued = accounts.into_iter().map(|to| {
                // What the account may read is found out when the job runs.
                let notification = Notification::of(&model, (hook, notify), pending, to);
                new_job(cx, Notification::JOB.into(), &json!(notification), JobTerms::default())
            });
            Ok(queued.collect())
        }
        (PendingRun::Action(run), _) => {
            let (kind, input, terms) = of_action(cx, pending, (hook, *run));
            Ok(vec![new_job(cx, kind, &input, terms)])
        }
        (PendingRun::Notifications { .. }, HookRun::Action(_) | HookRun::Before(_)) => Ok(Vec::new()),
    }
}

fn new_job(cx: &TxContext<'_, '_>, kind: Arc<str>, input: &serde_json::Value, terms: JobTerms) -> NewJob {
    NewJob {
        id: cx.next_id(),
        kind,
        input: input.to_string().into(),
        by: caller_name(cx.caller()),
        depth: cx.cx.hook_depth + 1,
        terms,
    }
}

fn of_action(
    cx: &TxContext<'_, '_>,
    pending: &PendingHook,
    (hook, run): (&Hook, usize),
) -> (Arc<str>, serde_json::Value, JobTerms) {
    let model = &cx.engine.application.model;
    let PendingHook { hook: _, record, version, event, changed, run: _ } = pending;
    let (collection, action) = (model.collection(hook.collection), &model.actions[run]);
    let names: Vec<&str> = changed.iter().map(|field| collection.field(*field).name.as_str()).collect();
    let given = [("id", json!(record.to_string())), ("event", json!(event.name())), ("changed", json!(names))];
    let taken = given.into_iter().filter(|(name, _)| model.takes(action, name));
    let input: Map<String, serde_json::Value> = taken.map(|(name, value)| (name.to_owned(), value)).collect();
    let subject = format!("{}:{record}", collection.name);
    // A transition is one change of the record: it queues one job, however often the transaction is tried.
    let unique = match &hook.on {
        HookOn::Transition { .. } => Some(format!("{}:{subject}:{version}", action.name)),
        HookOn::Events(_) => None,
    };
    let series = Some(format!("{}:{subject}", action.name));
    let terms = JobTerms { unique, series, priority: Priority::Normal, ..JobTerms::default() };
    (action.name.as_str().into(), serde_json::Value::Object(input), terms)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Jobs that are queued outlive the version that has queued them.
    #[test]
    fn what_the_job_of_a_notification_takes() {
        let notification = Notification {
            collection: "Ticket".to_owned(),
            id: "0190a1b2-0000-7000-8000-000000000001".to_owned(),
            event: "CREATE".to_owned(),
            to: "0190a1b2-0000-7000-8000-000000000002".to_owned(),
            template: Some("ticket-opened".to_owned()),
            into: None,
            kind: None,
        };
        let written = "{\"type\":\"Ticket\",\"id\":\"0190a1b2-0000-7000-8000-000000000001\",\"event\":\"CREATE\",\
                       \"to\":\"0190a1b2-0000-7000-8000-000000000002\",\"template\":\"ticket-opened\"}";
        assert_eq!(serde_json::to_string(&notification).expect("JSON"), written);
        assert_eq!(serde_json::from_str::<Notification>(written).expect("a notification"), notification);
    }
}
