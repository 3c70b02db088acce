//! Webhooks (Standard Webhooks): endpoints of other servers receive what has changed, at least once and in order per record. It is
//! taken from the commit log, so nothing is done when somebody writes: one process reads the log and queues a message
//! for each record and endpoint, and every process sends what is due.

mod administration;
mod courier;
mod dispatch;
mod endpoint;
mod message;
mod queue;
mod retry;
mod schema;
mod secret;
mod sight;
mod transactions;

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use backstay_base::{Error, limits};
use backstay_egress::{Client, EgressError, Settings};
use backstay_engine::{Context, Engine};

pub use administration::{AddedWebhook, NewWebhook, TestedWebhook, WebhookInfo, WebhookReport};
pub use courier::Courier;
pub use dispatch::Dispatching;
pub use queue::DeadLetter;
pub use schema::webhooks_model;
pub use sight::Sight;

use schema::Schema;

/// The webhooks of one application. Cheap to clone.
#[derive(Clone)]
pub struct Webhooks(Arc<Inner>);

struct Inner {
    engine: Engine,
    schema: Schema,
    egress: Settings,
    /// Made when it is first used: it reads the certificates of authorities.
    client: OnceLock<Client>,
    sight: Arc<dyn Sight>,
}

impl Webhooks {
    /// Webhooks of this engine, whose model must include `webhooks_model`. `egress` says what may be called.
    pub fn new(engine: Engine, sight: Arc<dyn Sight>, egress: Settings) -> Result<Self, Error> {
        let schema = Schema::of(&engine)?;
        let egress = Settings {
            total: Duration::from_secs(limits::WEBHOOK_ATTEMPT_SECONDS),
            answer_bytes: limits::WEBHOOK_ANSWER_BYTES,
            ..egress
        };
        Ok(Self(Arc::new(Inner { engine, schema, egress, client: OnceLock::new(), sight })))
    }

    fn client(&self) -> Result<&Client, EgressError> {
        if let Some(client) = self.0.client.get() {
            return Ok(client);
        }
        let client = Client::new(self.0.egress.clone())?;
        Ok(self.0.client.get_or_init(|| client))
    }

    fn system(&self) -> Context {
        Context::system(&self.0.engine)
    }
}

impl fmt::Debug for Webhooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhooks").finish_non_exhaustive()
    }
}
