//! Work that must happen after a commit, outside of requests: jobs and webhooks. Everything that waits is a record, so that it
//! commits with what causes it. Must never hold HTTP, access rules or SQL.

mod queue;
mod stored;
mod webhooks;

pub use queue::{Claimed, Handler, JobLine, Jobs, KindSettings, Outcome, Reporter, State, Workers, system_model};
pub use webhooks::{
    AddedWebhook, Courier, DeadLetter, Dispatching, NewWebhook, Sight, TestedWebhook, WebhookInfo, WebhookReport,
    Webhooks, webhooks_model,
};
