use std::collections::HashMap;
use std::time::Duration;

use backstay_base::{Error, RecordId, limits};
use backstay_engine::{Authority, IfMatch, Input, Transaction, TxContext, Writes};
use backstay_scalar::Value;
use futures_util::future::BoxFuture;

use crate::webhooks::endpoint::{Endpoint, Reached};
use crate::webhooks::message::Message;
use crate::webhooks::queue::{Claimed, DeadLetter};
use crate::webhooks::schema::Schema;

/// Queues messages to an endpoint, with how far into the log that is. Fails if the endpoint has changed.
#[derive(Debug)]
pub(crate) struct Queue {
    pub(crate) schema: Schema,
    pub(crate) endpoint: (RecordId, i64),
    pub(crate) messages: Vec<Message>,
    pub(crate) reached: Reached,
}

impl Transaction for Queue {
    type Answer = ();

    fn name(&self) -> &'static str {
        "queue-webhooks"
    }

    fn run<'a>(&'a self, cx: &'a mut TxContext<'_, '_>) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            let Schema { webhooks, deliveries } = &self.schema;
            let (id, version) = self.endpoint;
            let integer = |number: u64| i64::try_from(number).map_err(Error::internal);
            let input = Input::new()
                .with(webhooks.place, integer(self.reached.place)?)
                .with(webhooks.records, integer(self.reached.records)?);
            let unchanged = IfMatch::Versions(vec![version]);
            cx.update(Authority::System, (webhooks.collection, id), input, Some(&unchanged)).await?;
            for message in &self.messages {
                deliveries.add(cx, id, message).await?;
            }
            Ok(())
        })
    }
}

/// Claims those of these messages that are due and that may be sent now.
#[derive(Debug)]
pub(crate) struct Claim {
    pub(crate) schema: Schema,
    pub(crate) due: Vec<RecordId>,
    /// How many attempts are under way, by endpoint.
    pub(crate) under_way: HashMap<RecordId, usize>,
}

/// What was claimed.
#[derive(Debug, Default)]
pub(crate) struct Claims {
    pub(crate) claimed: Vec<Claimed>,
    /// Messages that are due while as many as may be are under way to their endpoint, and that endpoint.
    pub(crate) held_back: Vec<(RecordId, RecordId)>,
}

impl Transaction for Claim {
    type Answer = Claims;

    fn name(&self) -> &'static str {
        "claim-webhooks"
    }

    fn run<'a>(&'a self, cx: &'a mut TxContext<'_, '_>) -> BoxFuture<'a, Result<Self::Answer, Error>> {
        Box::pin(async move {
            let (mut claims, mut under_way) = (Claims::default(), self.under_way.clone());
            for id in &self.due {
                let Some(due) = self.schema.deliveries.due(cx, *id).await? else { continue };
                let to_endpoint = under_way.entry(due.webhook).or_default();
                if *to_endpoint < limits::WEBHOOK_ATTEMPTS_PER_ENDPOINT {
                    *to_endpoint += 1;
                    claims.claimed.extend(self.schema.deliveries.claim(cx, due).await?);
                } else {
                    claims.held_back.push((*id, due.webhook));
                }
            }
            Ok(claims)
        })
    }
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ended {
    /// The endpoint has it.
    Delivered,
    /// The endpoint may not see what it is about, or is gone.
    Needless,
    /// It failed. There is another attempt after this time, if there is one.
    Failed { error: String, again: Option<Duration> },
    /// Nothing is to be sent to this endpoint any more.
    Disabled { reason: String },
}

/// Keeps how an attempt ended.
#[derive(Debug)]
pub(crate) struct End {
    pub(crate) schema: Schema,
    pub(crate) claimed: Claimed,
    pub(crate) ended: Ended,
}

impl Transaction for End {
    type Answer = ();

    fn name(&self) -> &'static str {
        "end-webhook"
    }

    fn run<'a>(&'a self, cx: &'a mut TxContext<'_, '_>) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            let Self { schema, claimed, ended } = self;
            let deliveries = &schema.deliveries;
            match ended {
                Ended::Delivered => {
                    schema.is_well(cx, claimed.webhook).await?;
                    deliveries.delivered(cx, claimed).await
                }
                Ended::Needless => deliveries.delivered(cx, claimed).await,
                Ended::Failed { error, again } => {
                    schema.is_failing(cx, claimed.webhook, error).await?;
                    deliveries.failed(cx, claimed, (error, *again)).await
                }
                Ended::Disabled { reason } => {
                    schema.disable(cx, claimed.webhook, reason).await?;
                    deliveries.failed(cx, claimed, (reason, None)).await
                }
            }
        })
    }
}

impl Schema {
    async fn endpoint(&self, cx: &mut TxContext<'_, '_>, id: RecordId) -> Result<Option<Endpoint>, Error> {
        let record = cx.get(self.webhooks.collection, id).await?;
        record.map(|record| Endpoint::read(&self.webhooks, &record)).transpose()
    }

    async fn change(&self, cx: &mut TxContext<'_, '_>, id: RecordId, input: Input) -> Result<(), Error> {
        cx.update(Authority::System, (self.webhooks.collection, id), input, None).await.map(drop)
    }

    /// An attempt has succeeded.
    async fn is_well(&self, cx: &mut TxContext<'_, '_>, id: RecordId) -> Result<(), Error> {
        match self.endpoint(cx, id).await?.and_then(|endpoint| endpoint.failing_since) {
            Some(_) => self.change(cx, id, Input::new().with(self.webhooks.failing_since, Value::Null)).await,
            None => Ok(()),
        }
    }

    /// An attempt has failed. An endpoint at which all of them have failed for days is disabled.
    async fn is_failing(&self, cx: &mut TxContext<'_, '_>, id: RecordId, error: &str) -> Result<(), Error> {
        const PATIENCE: i64 = limits::WEBHOOK_FAILING_DAYS * 86_400_000_000;
        let Some(endpoint) = self.endpoint(cx, id).await? else { return Ok(()) };
        match endpoint.failing_since {
            None => self.change(cx, id, Input::new().with(self.webhooks.failing_since, cx.now())).await,
            Some(since) if cx.now().micros() - since.micros() >= PATIENCE => {
                let days = limits::WEBHOOK_FAILING_DAYS;
                self.disable(cx, id, &format!("every attempt failed for {days} days, the last one because {error}"))
                    .await
            }
            Some(_) => Ok(()),
        }
    }

    /// Sends nothing to an endpoint from now on, unless it is disabled already.
    pub(crate) async fn disable(&self, cx: &mut TxContext<'_, '_>, id: RecordId, reason: &str) -> Result<(), Error> {
        if self.endpoint(cx, id).await?.is_none_or(|endpoint| endpoint.disabled.is_some()) {
            return Ok(());
        }
        let input = Input::new().with(self.webhooks.disabled_at, cx.now()).with(self.webhooks.reason, reason);
        self.change(cx, id, input).await
    }
}

/// Sends nothing to an endpoint from now on.
#[derive(Debug)]
pub(crate) struct Disable {
    pub(crate) schema: Schema,
    pub(crate) endpoint: RecordId,
    pub(crate) reason: String,
}

impl Transaction for Disable {
    type Answer = ();

    fn name(&self) -> &'static str {
        "disable-webhook"
    }

    fn run<'a>(&'a self, cx: &'a mut TxContext<'_, '_>) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(self.schema.disable(cx, self.endpoint, &self.reason))
    }
}

/// Queues messages to an endpoint anew that were given up: at most so many, or the one with this id. Answers how many.
#[derive(Debug)]
pub(crate) struct Revive {
    pub(crate) schema: Schema,
    pub(crate) endpoint: RecordId,
    pub(crate) message: Option<String>,
}

impl Transaction for Revive {
    type Answer = usize;

    fn name(&self) -> &'static str {
        "replay-webhooks"
    }

    fn run<'a>(&'a self, cx: &'a mut TxContext<'_, '_>) -> BoxFuture<'a, Result<usize, Error>> {
        Box::pin(async move {
            let deliveries = &self.schema.deliveries;
            let ids = if let Some(message) = &self.message {
                let by = [(deliveries.message, Value::text(message.as_str()))];
                let found = cx.find(deliveries.collection, &by).await?;
                let found = found.filter(|one| one.value(deliveries.dead).as_id() == Some(self.endpoint));
                vec![found.ok_or_else(|| Error::NotFound { what: format!("dead letter `{message}`") })?.id()]
            } else {
                let limit = limits::WEBHOOK_MESSAGES_TOGETHER;
                cx.referring(deliveries.collection, deliveries.dead, self.endpoint, limit).await?
            };
            for id in &ids {
                deliveries.revive(cx, *id).await?;
            }
            Ok(ids.len())
        })
    }
}

/// How many messages to an endpoint wait, and the first ones that were given up, of at most so many each.
#[derive(Debug)]
pub(crate) struct Look {
    pub(crate) schema: Schema,
    pub(crate) endpoint: RecordId,
    /// How many are counted.
    pub(crate) limit: u32,
    /// How many of the dead letters are read.
    pub(crate) letters: usize,
}

/// What there is of an endpoint's messages.
#[derive(Debug, Clone, Default)]
pub(crate) struct Looked {
    pub(crate) waiting: usize,
    pub(crate) dead: usize,
    pub(crate) letters: Vec<DeadLetter>,
}

impl Transaction for Look {
    type Answer = Looked;

    fn name(&self) -> &'static str {
        "look-at-webhook"
    }

    fn writes(&self) -> Writes {
        Writes::None
    }

    fn run<'a>(&'a self, cx: &'a mut TxContext<'_, '_>) -> BoxFuture<'a, Result<Looked, Error>> {
        Box::pin(async move {
            let deliveries = &self.schema.deliveries;
            let waiting = cx.referring(deliveries.collection, deliveries.waiting, self.endpoint, self.limit).await?;
            let dead = cx.referring(deliveries.collection, deliveries.dead, self.endpoint, self.limit).await?;
            let mut letters = Vec::new();
            for id in dead.iter().take(self.letters) {
                if let Some(record) = cx.get(deliveries.collection, *id).await? {
                    letters.push(deliveries.dead_letter(&record)?);
                }
            }
            Ok(Looked { waiting: waiting.len(), dead: dead.len(), letters })
        })
    }
}
