use std::time::Duration;

use backstay_base::{
    Action, Conflict, Error, Place, RecordId, Secret, Timestamp, ViolationKind, limits, nearest, with_causes,
};
use backstay_engine::{Authority, Context, Input, Transaction, TxContext};
use backstay_model::{Collection, Model};
use backstay_scalar::Value;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::future::BoxFuture;
use url::Url;

use crate::webhooks::Webhooks;
use crate::webhooks::endpoint::{Endpoint, Reached};
use crate::webhooks::message::{is_told, payload};
use crate::webhooks::queue::DeadLetter;
use crate::webhooks::schema::{Schema, Webhook};
use crate::webhooks::secret::SigningSecret;
use crate::webhooks::transactions::{Disable, Look, Revive};

/// An endpoint that is to receive changes.
#[derive(Debug, Clone)]
pub struct NewWebhook {
    /// What operators call it: 1 to 80 characters.
    pub name: String,
    /// Where messages are sent: an `https` or `http` URL.
    pub url: String,
    /// Whose rights decide what is sent: an account or a key.
    pub caller: String,
    /// The types whose changes are sent, by their paths under `/api/` or their names; all without them.
    pub types: Vec<String>,
}

/// An endpoint that was just added.
#[derive(Debug, Clone)]
pub struct AddedWebhook {
    /// Its record.
    pub id: RecordId,
    /// What its messages are signed with.
    pub secret: Secret,
}

/// An endpoint, without its secrets.
#[derive(Debug, Clone)]
pub struct WebhookInfo {
    /// What operators call it.
    pub name: String,
    /// Where messages are sent.
    pub url: String,
    /// Whose rights decide what is sent: `key:` or `account:` and an id.
    pub caller: String,
    /// The types whose changes are sent; all without them.
    pub types: Option<Vec<String>>,
    /// Messages that wait, as far as they are counted: see `limits::WEBHOOK_BACKLOG`.
    pub waiting: usize,
    /// Messages that were given up, as far as they are counted.
    pub dead: usize,
    /// Since when every attempt has failed.
    pub failing_since: Option<Timestamp>,
    /// Since when nothing is sent, and why.
    pub disabled: Option<(Timestamp, String)>,
}

/// An endpoint with the messages that were given up.
#[derive(Debug, Clone)]
pub struct WebhookReport {
    /// The endpoint.
    pub info: WebhookInfo,
    /// The first dead letters.
    pub letters: Vec<DeadLetter>,
}

/// How a test of an endpoint went.
#[derive(Debug, Clone)]
pub struct TestedWebhook {
    /// The message's id.
    pub message: String,
    /// The status of the answer, or why there is none.
    pub answer: Result<u16, String>,
}

impl Webhooks {
    /// Adds an endpoint. It receives what is committed from now on.
    pub async fn add(&self, new: NewWebhook) -> Result<AddedWebhook, Error> {
        let (engine, fields) = (&self.0.engine, self.0.schema.webhooks);
        check_url(&new.url)?;
        let types: Vec<&Collection> =
            new.types.iter().map(|name| type_named(engine.model(), name)).collect::<Result<_, _>>()?;
        let (stored, caller) = self.0.sight.named(&new.caller).await?;
        let cx = Context::new(engine, caller);
        for of in &types {
            engine.admit(&cx, of.id, Action::Get)?;
        }
        let secret = SigningSecret::generate(&*engine.ambient().entropy);
        let names: Vec<Value> = types.iter().map(|of| Value::text(of.name.as_str())).collect();
        let types = if names.is_empty() { Value::Null } else { Value::List(names.into()) };
        let input = Input::new()
            .with(fields.name, new.name.as_str())
            .with(fields.url, new.url.as_str())
            .with(fields.caller, stored.as_str())
            .with(fields.types, types)
            .with(fields.secret, secret.text().expose());
        let reached = Reached { place: engine.log_end().await?, records: 0 };
        let id = engine.run(&self.system(), Add { fields, input, reached }).await.map_err(name_taken)?;
        Ok(AddedWebhook { id, secret: secret.text().clone() })
    }

    /// All endpoints, in the order in which they were added.
    pub async fn list(&self) -> Result<Vec<WebhookInfo>, Error> {
        let mut list = Vec::new();
        for endpoint in self.endpoints().await? {
            list.push(self.report(endpoint, 0).await?.info);
        }
        Ok(list)
    }

    /// An endpoint and its dead letters.
    pub async fn show(&self, name: &str) -> Result<WebhookReport, Error> {
        let endpoint = self.named(name).await?;
        self.report(endpoint, limits::WEBHOOK_LETTERS).await
    }

    /// Gives an endpoint a new secret, and signs with the one before as well for a while.
    pub async fn rotate(&self, name: &str, keep: Duration) -> Result<Secret, Error> {
        let (engine, fields) = (&self.0.engine, self.0.schema.webhooks);
        let endpoint = self.named(name).await?;
        let secret = SigningSecret::generate(&*engine.ambient().entropy);
        let keep = i64::try_from(keep.as_micros()).unwrap_or(i64::MAX);
        let until = engine.ambient().clock.now().micros().saturating_add(keep);
        let input = Input::new()
            .with(fields.secret, secret.text().expose())
            .with(fields.previous_secret, endpoint.secret.text().expose())
            .with(fields.previous_until, Timestamp::from_micros_saturating(until));
        self.change(&endpoint, input, "rotate-webhook").await?;
        Ok(secret.text().clone())
    }

    /// Sends nothing to an endpoint from now on. What waits is given up.
    pub async fn disable(&self, name: &str) -> Result<(), Error> {
        let endpoint = self.named(name).await?;
        let reason = "an operator has disabled it".to_owned();
        let disable = Disable { schema: self.0.schema, endpoint: endpoint.id, reason };
        self.0.engine.run(&self.system(), disable).await
    }

    /// Sends to an endpoint again: what has changed since it was disabled, as far as the log has it, or only what changes from now
    /// on. Answers how many messages were given up and can be replayed.
    pub async fn enable(&self, name: &str, skip: bool) -> Result<usize, Error> {
        let (engine, fields) = (&self.0.engine, self.0.schema.webhooks);
        let endpoint = self.named(name).await?;
        let nothing = || Value::Null;
        let mut input = Input::new()
            .with(fields.failing_since, nothing())
            .with(fields.disabled_at, nothing())
            .with(fields.reason, nothing());
        let first = engine.log_lines(endpoint.reached.place + 1, 1).await?;
        let place = match first.first() {
            _ if skip => Some(engine.log_end().await?),
            Some(first) if first.place > endpoint.reached.place + 1 => Some(first.place - 1),
            Some(_) | None => None,
        };
        if let Some(place) = place {
            input = input.with(fields.place, i64::try_from(place).map_err(Error::internal)?).with(fields.records, 0);
        }
        self.change(&endpoint, input, "enable-webhook").await?;
        Ok(self.report(endpoint, 0).await?.info.dead)
    }

    /// Removes an endpoint, with everything that waits for it.
    pub async fn remove(&self, name: &str) -> Result<(), Error> {
        let endpoint = self.named(name).await?;
        loop {
            let remove = Remove { schema: self.0.schema, endpoint: endpoint.id };
            if self.0.engine.run(&self.system(), remove).await? {
                return Ok(());
            }
        }
    }

    /// Sends messages again that were given up: all, or the one with this id. Answers how many.
    pub async fn replay(&self, name: &str, message: Option<String>) -> Result<usize, Error> {
        let endpoint = self.named(name).await?;
        if endpoint.disabled.is_some() {
            return Err(Conflict::Already("the endpoint is disabled; enable it first").into());
        }
        let (mut count, is_one) = (0, message.is_some());
        loop {
            let revive = Revive { schema: self.0.schema, endpoint: endpoint.id, message: message.clone() };
            let revived = match self.0.engine.run(&self.system(), revive).await {
                Ok(revived) => revived,
                // A message about the same record was delivered in between.
                Err(Error::Precondition { .. }) => continue,
                Err(error) => return Err(error),
            };
            count += revived;
            if is_one || revived < limits::WEBHOOK_MESSAGES_TOGETHER as usize {
                return Ok(count);
            }
        }
    }

    /// Sends a message of the type `backstay.test` at once, to a disabled endpoint as well.
    pub async fn test(&self, name: &str) -> Result<TestedWebhook, Error> {
        let endpoint = self.named(name).await?;
        let ambient = self.0.engine.ambient();
        let mut bytes = [0; 18];
        ambient.entropy.fill(&mut bytes);
        let message = format!("msg_{}", URL_SAFE_NO_PAD.encode(bytes));
        let body = payload("backstay.test", ambient.clock.now(), b"{}");
        let answer = self.post(&endpoint, &message, body).await.map_err(|error| with_causes(&error));
        Ok(TestedWebhook { message, answer })
    }

    /// All endpoints.
    pub(crate) async fn endpoints(&self) -> Result<Vec<Endpoint>, Error> {
        const PAGE: u32 = limits::PAGE_MAX;
        let fields = &self.0.schema.webhooks;
        let mut endpoints: Vec<Endpoint> = Vec::new();
        loop {
            let after = endpoints.last().map(|last| last.id);
            let page = self.0.engine.peek_page(fields.collection, after, PAGE).await?;
            let is_last = page.len() < PAGE as usize;
            for record in page {
                endpoints.push(Endpoint::read(fields, &record)?);
            }
            if is_last {
                return Ok(endpoints);
            }
        }
    }

    /// The endpoint with this id, if there still is one.
    pub(crate) async fn endpoint(&self, id: RecordId) -> Result<Option<Endpoint>, Error> {
        let fields = &self.0.schema.webhooks;
        let record = self.0.engine.peek(fields.collection, id).await?;
        record.map(|record| Endpoint::read(fields, &record)).transpose()
    }

    async fn named(&self, name: &str) -> Result<Endpoint, Error> {
        let fields = &self.0.schema.webhooks;
        let record = self.0.engine.peek_by(fields.collection, &[(fields.name, Value::text(name))]).await?;
        let record = record.ok_or_else(|| Error::NotFound { what: format!("webhook `{name}`") })?;
        Endpoint::read(fields, &record)
    }

    async fn report(&self, endpoint: Endpoint, letters: usize) -> Result<WebhookReport, Error> {
        let look = Look { schema: self.0.schema, endpoint: endpoint.id, limit: limits::WEBHOOK_BACKLOG, letters };
        let looked = self.0.engine.run(&self.system(), look).await?;
        let Endpoint { name, url, caller, types, failing_since, disabled, .. } = endpoint;
        let types = types.map(|types| types.into_iter().collect());
        let info = WebhookInfo {
            name,
            url,
            caller,
            types,
            waiting: looked.waiting,
            dead: looked.dead,
            failing_since,
            disabled,
        };
        Ok(WebhookReport { info, letters: looked.letters })
    }

    async fn change(&self, endpoint: &Endpoint, input: Input, name: &'static str) -> Result<(), Error> {
        let change = Change { fields: self.0.schema.webhooks, endpoint: endpoint.id, input, name };
        self.0.engine.run(&self.system(), change).await
    }
}

fn check_url(text: &str) -> Result<(), Error> {
    let wrong = |problem: &str, remedy: &str| {
        let kind = ViolationKind::Misused { problem: problem.to_owned(), remedy: remedy.to_owned() };
        Err(Error::invalid(Place::part("url"), kind))
    };
    match Url::parse(text) {
        Err(_) => wrong("this isn't a URL", "write it whole: `https://example.org/hooks`"),
        Ok(url) if !["https", "http"].contains(&url.scheme()) => {
            wrong("only `https` and `http` can be called", "write `https://example.org/hooks`")
        }
        Ok(url) if !url.username().is_empty() || url.password().is_some() => {
            wrong("a URL with a password would be shown with it", "leave it out; receivers check the signature")
        }
        Ok(_) => Ok(()),
    }
}

/// The type of the application that is named by its path or its name.
fn type_named<'m>(model: &'m Model, name: &str) -> Result<&'m Collection, Error> {
    let all = || model.collections.iter().filter(|of| is_told(of));
    all().find(|of| of.path == name || of.name == name).ok_or_else(|| {
        let suggestion = nearest(name, all().map(|of| of.path.as_str())).map(str::to_owned);
        let kind = ViolationKind::Unknown { what: "collection", name: name.to_owned(), suggestion };
        Error::invalid(Place::part("of"), kind)
    })
}

fn name_taken(error: Error) -> Error {
    match error {
        Error::Conflict(Conflict::Unique { .. } | Conflict::UniqueUnseen { .. }) => {
            Conflict::Already("a webhook with this name exists; remove it first, or choose another name").into()
        }
        error => error,
    }
}

#[derive(Debug)]
struct Add {
    fields: Webhook,
    input: Input,
    reached: Reached,
}

impl Transaction for Add {
    type Answer = RecordId;

    fn name(&self) -> &'static str {
        "add-webhook"
    }

    fn run<'a>(&'a self, cx: &'a mut TxContext<'_, '_>) -> BoxFuture<'a, Result<RecordId, Error>> {
        Box::pin(async move {
            let place = i64::try_from(self.reached.place).map_err(Error::internal)?;
            let input = self.input.clone().with(self.fields.place, place).with(self.fields.records, 0);
            Ok(cx.create(Authority::System, self.fields.collection, input).await?.id())
        })
    }
}

#[derive(Debug)]
struct Change {
    fields: Webhook,
    endpoint: RecordId,
    input: Input,
    name: &'static str,
}

impl Transaction for Change {
    type Answer = ();

    fn name(&self) -> &'static str {
        self.name
    }

    fn run<'a>(&'a self, cx: &'a mut TxContext<'_, '_>) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            let record = (self.fields.collection, self.endpoint);
            cx.update(Authority::System, record, self.input.clone(), None).await.map(drop)
        })
    }
}

/// Removes messages to an endpoint, and it if they were the last ones; whether it did.
#[derive(Debug)]
struct Remove {
    schema: Schema,
    endpoint: RecordId,
}

impl Transaction for Remove {
    type Answer = bool;

    fn name(&self) -> &'static str {
        "remove-webhook"
    }

    fn run<'a>(&'a self, cx: &'a mut TxContext<'_, '_>) -> BoxFuture<'a, Result<bool, Error>> {
        Box::pin(async move {
            let Schema { webhooks, deliveries } = &self.schema;
            let limit = limits::WEBHOOK_MESSAGES_TOGETHER;
            // Nothing is queued any more while it is removed in parts.
            self.schema.disable(cx, self.endpoint, "it is being removed").await?;
            let messages = cx.referring(deliveries.collection, deliveries.webhook, self.endpoint, limit).await?;
            for message in &messages {
                cx.delete(Authority::System, (deliveries.collection, *message), None).await?;
            }
            if messages.len() == limit as usize {
                return Ok(false);
            }
            cx.delete(Authority::System, (webhooks.collection, self.endpoint), None).await?;
            Ok(true)
        })
    }
}
