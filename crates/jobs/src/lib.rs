//! Work that must happen after a commit, outside of requests: webhooks. Everything that waits is a record, so that it commits
//! with what causes it. Must never hold HTTP, access rules or SQL.

mod webhooks;

pub use webhooks::{
    AddedWebhook, Courier, DeadLetter, Dispatching, NewWebhook, Sight, TestedWebhook, WebhookInfo, WebhookReport,
    Webhooks, webhooks_model,
};
