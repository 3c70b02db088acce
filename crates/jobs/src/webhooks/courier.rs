use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use backstay_base::{Conflict, Error, RecordId, Timestamp, limits, with_causes};
use backstay_egress::{EgressError, Outgoing};
use backstay_engine::{ChangeWatch, Commits, Context, Dependency, Perspective};
use bytes::Bytes;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::webhooks::Webhooks;
use crate::webhooks::endpoint::Endpoint;
use crate::webhooks::message::{Event, Message, kind, payload, remains};
use crate::webhooks::queue::Claimed;
use crate::webhooks::retry;
use crate::webhooks::secret::headers;
use crate::webhooks::transactions::{Claim, Claims, End, Ended};

/// The attempts of one process that are under way. What isn't done when this is dropped, or when the process dies, is tried again,
/// here or elsewhere, once it was claimed for long enough.
#[derive(Debug, Default)]
pub struct Courier {
    attempts: JoinSet<RecordId>,
    /// How many, by endpoint.
    by_endpoint: HashMap<RecordId, usize>,
    /// The endpoints of messages that are due while as many as may be are under way to them.
    held_back: HashMap<RecordId, RecordId>,
    /// What was known when nothing was due, and when that was.
    quiet: Option<(ChangeWatch, Instant)>,
}

impl Courier {
    /// Begins to send what is due; whether there may be more that could be sent now.
    pub async fn send_due(&mut self, webhooks: &Webhooks) -> Result<bool, Error> {
        while let Some(ended) = self.attempts.try_join_next() {
            self.note(ended.ok());
        }
        let room = limits::WEBHOOK_ATTEMPTS.saturating_sub(self.attempts.len());
        if room == 0 || self.is_quiet() {
            return Ok(false);
        }
        let watch = webhooks.watch();
        let due = webhooks.due().await?;
        self.quiet = due.is_empty().then(|| (watch, Instant::now()));
        self.held_back.retain(|id, _| due.contains(id));
        let candidates = self.candidates(due, room);
        let is_full = candidates.len() == room;
        if candidates.is_empty() {
            return Ok(false);
        }
        let Claims { claimed, held_back } = webhooks.claim(candidates, &self.by_endpoint).await?;
        self.held_back.extend(held_back);
        for claimed in claimed {
            let (webhooks, webhook) = (webhooks.clone(), claimed.webhook);
            *self.by_endpoint.entry(webhook).or_default() += 1;
            self.held_back.remove(&claimed.id);
            self.attempts.spawn(async move {
                webhooks.attempt(claimed).await;
                webhook
            });
        }
        Ok(is_full)
    }

    /// Whether nothing was due a short while ago, and no message has changed since.
    fn is_quiet(&self) -> bool {
        const LONGEST: Duration = Duration::from_secs(limits::WEBHOOK_QUIET_SECONDS);
        let quiet = self.quiet.as_ref();
        quiet.is_some_and(|(watch, since)| since.elapsed() < LONGEST && watch.is_unchanged())
    }

    /// The first messages that may be sent now, as far as is known.
    fn candidates(&self, due: BTreeSet<RecordId>, room: usize) -> Vec<RecordId> {
        let mut taken = self.by_endpoint.clone();
        let may_go = |id: &RecordId| {
            let Some(endpoint) = self.held_back.get(id) else { return true };
            let under_way = taken.entry(*endpoint).or_default();
            *under_way += 1;
            *under_way <= limits::WEBHOOK_ATTEMPTS_PER_ENDPOINT
        };
        due.into_iter().filter(may_go).take(room).collect()
    }

    /// Whether no attempt is under way.
    pub fn is_idle(&self) -> bool {
        self.attempts.is_empty()
    }

    /// Waits until an attempt has ended or a message has changed, at most for so long.
    pub async fn pause(&mut self, most: Duration) {
        let quiet = self.quiet.as_ref().map(|(watch, _)| watch.clone());
        let changed = async {
            match quiet {
                Some(watch) => watch.changed().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            Some(ended) = self.attempts.join_next() => self.note(ended.ok()),
            () = changed => {}
            () = tokio::time::sleep(most) => {}
        }
    }

    fn note(&mut self, endpoint: Option<RecordId>) {
        let Some(endpoint) = endpoint else {
            // It has panicked, and which one it was isn't known: the counts are those of the others at most.
            self.by_endpoint.clear();
            return;
        };
        if let Some(count) = self.by_endpoint.get_mut(&endpoint) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.by_endpoint.remove(&endpoint);
            }
        }
    }
}

impl Webhooks {
    /// What is known of messages.
    fn watch(&self) -> ChangeWatch {
        self.0.engine.watch(&[Dependency::Collection(self.0.schema.deliveries.collection)])
    }

    /// The messages that are due, in the order in which they were queued.
    async fn due(&self) -> Result<BTreeSet<RecordId>, Error> {
        let deliveries = self.0.schema.deliveries;
        let due = self.0.engine.peek_past(deliveries.collection, deliveries.due_at, limits::WEBHOOK_DUE).await?;
        Ok(due.into_iter().collect())
    }

    /// Claims those of these messages that may be sent now.
    async fn claim(&self, due: Vec<RecordId>, under_way: &HashMap<RecordId, usize>) -> Result<Claims, Error> {
        let claim = Claim { schema: self.0.schema, due, under_way: under_way.clone() };
        self.0.engine.run(&self.system(), claim).await
    }

    /// Sends a message, and keeps how that ended. If it can't be kept, the message is due again after a while.
    async fn attempt(&self, claimed: Claimed) {
        let message = claimed.message.id.clone();
        let kept = async {
            let ended = self.ended(&claimed).await?;
            self.0.engine.run(&self.system(), End { schema: self.0.schema, claimed, ended }).await
        };
        if let Err(error) = kept.await {
            tracing::warn!(message, %error, "a webhook's attempt can't be kept; it will be repeated");
        }
    }

    async fn ended(&self, claimed: &Claimed) -> Result<Ended, Error> {
        let Some(endpoint) = self.endpoint(claimed.webhook).await? else { return Ok(Ended::Needless) };
        if let Some((_, reason)) = endpoint.disabled {
            return Ok(Ended::Disabled { reason });
        }
        let caller = match self.0.sight.caller(&endpoint.caller).await {
            Ok(caller) => caller,
            Err(error @ (Error::NotFound { .. } | Error::Conflict(Conflict::Already(_)))) => {
                return Ok(Ended::Disabled { reason: format!("whose rights decide what is sent can't call: {error}") });
            }
            Err(error) => return Err(error),
        };
        let cx = Context::new(&self.0.engine, caller);
        let Some(body) = self.body(&cx, &claimed.message).await? else { return Ok(Ended::Needless) };
        let again = retry::pause(claimed.attempt, &*self.0.engine.ambient().entropy);
        Ok(match self.post(&endpoint, &claimed.message.id, body).await {
            Ok(200..=299) => Ended::Delivered,
            Ok(410) => Ended::Disabled { reason: "it answered with 410 (Gone)".to_owned() },
            Ok(status) => Ended::Failed { error: format!("it answered with {status}"), again },
            Err(error) => Ended::Failed { error: with_causes(&error), again },
        })
    }

    /// What is sent, of what the caller sees now; `None` if it may not know of it.
    async fn body(&self, cx: &Context, message: &Message) -> Result<Option<Bytes>, Error> {
        let Message { subject, event, at, .. } = message;
        let Some((collection, id)) = subject.find(self.0.engine.model()) else { return Ok(None) };
        let record = (collection.id, id);
        let data = match event {
            Event::Created | Event::Updated | Event::Restored => {
                self.0.sight.record(cx, record, Perspective::Live).await?.map(Vec::from)
            }
            Event::Deleted => {
                let is_known = cx.sees_all(collection.id, &[])
                    || collection.trash.is_some()
                        && self.0.sight.record(cx, record, Perspective::Trash).await?.is_some();
                is_known.then(|| remains(collection, &subject.key))
            }
        };
        Ok(data.map(|data| payload(&kind(collection, *event), *at, &data)))
    }

    /// Sends a body to an endpoint; the status of the answer.
    pub(crate) async fn post(&self, endpoint: &Endpoint, id: &str, body: Bytes) -> Result<u16, EgressError> {
        let now = self.0.engine.ambient().clock.now();
        let mut headers = headers(&endpoint.secrets(now), id, seconds(now), &body);
        headers.push(("content-type".to_owned(), "application/json".to_owned()));
        // Whoever reads the record thereupon, from any server or replica, finds what the message tells of.
        headers.push(("backstay-commit".to_owned(), self.0.engine.commit_token(&Commits::UNNOTED)));
        let request = Outgoing { method: "POST", url: endpoint.url.clone(), headers, body };
        self.client()?.send(request).await.map(|answer| answer.status)
    }
}

fn seconds(moment: Timestamp) -> i64 {
    moment.micros().div_euclid(1_000_000)
}
