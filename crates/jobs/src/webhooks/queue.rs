//! The messages that wait, and how they go on. Of the messages to one endpoint about one record, only the first has a moment at
//! which it is due: the next one gets its own when that one is delivered or given up.

use std::time::Duration;

use backstay_base::{Error, RecordId, Timestamp, limits};
use backstay_engine::{Authority, IfMatch, Input, Record, TxContext};
use backstay_scalar::Value;

use crate::stored::{Foreign, later};
use crate::webhooks::message::{Event, Message, Subject};
use crate::webhooks::schema::Deliveries;

/// A message that this process sends now.
#[derive(Debug, Clone)]
pub(crate) struct Claimed {
    pub(crate) id: RecordId,
    /// Of its record. Another process has claimed it since if it has another one.
    pub(crate) version: i64,
    pub(crate) webhook: RecordId,
    pub(crate) message: Message,
    /// Which attempt it is, counted from 1.
    pub(crate) attempt: u32,
}

/// A message that was given up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// Its id, as receivers know it.
    pub message: String,
    /// The type and the key of the record that it is about: `Post:01890a5d-…`.
    pub subject: String,
    /// What happened to the record: `created`, `updated`, `deleted` or `restored`.
    pub event: String,
    /// When that was.
    pub at: Timestamp,
    /// How often it was tried.
    pub attempts: u32,
    /// Why the last attempt failed.
    pub error: String,
}

/// What the series of a record is called, of whose messages only the last one has this value.
fn series(webhook: RecordId, subject: &str) -> Value {
    Value::text(format!("{webhook} {subject}"))
}

impl Deliveries {
    /// Queues a message behind those that wait and are about the same record. Fails if one of these has changed since it was read.
    pub(crate) async fn add(
        &self,
        cx: &mut TxContext<'_, '_>,
        webhook: RecordId,
        message: &Message,
    ) -> Result<(), Error> {
        let subject = message.subject.text();
        let input = Input::new()
            .with(self.webhook, webhook)
            .with(self.message, message.id.as_str())
            .with(self.subject, subject.as_str())
            .with(self.event, message.event.name())
            .with(self.at, message.at);
        let input = self.queued(cx, (webhook, &subject), input).await?;
        cx.create(Authority::System, self.collection, input).await.map(drop)
    }

    /// Queues a message that was given up anew.
    pub(crate) async fn revive(&self, cx: &mut TxContext<'_, '_>, id: RecordId) -> Result<(), Error> {
        let Some(record) = cx.get(self.collection, id).await? else { return Ok(()) };
        let Some(webhook) = record.value(self.dead).as_id() else { return Ok(()) };
        let subject = record.value(self.subject).as_text().ok_or(Foreign("BackstayDelivery.subject"))?.to_owned();
        let input = Input::new().with(self.dead, Value::Null).with(self.gone_at, Value::Null);
        let input = self.queued(cx, (webhook, &subject), input).await?;
        cx.update(Authority::System, (self.collection, id), input, None).await.map(drop)
    }

    /// The values of a message that waits from now on, as the last one of its series.
    async fn queued(
        &self,
        cx: &mut TxContext<'_, '_>,
        (webhook, subject): (RecordId, &str),
        input: Input,
    ) -> Result<Input, Error> {
        let series = series(webhook, subject);
        let last = cx.find(self.collection, &[(self.last_of, series.clone())]).await?;
        let (before, due_at) = match last {
            Some(last) => {
                let followed = Input::new().with(self.last_of, Value::Null);
                // If it was delivered or given up in between, nothing would ever let this one go.
                let unchanged = IfMatch::Versions(vec![last.version()]);
                cx.update(Authority::System, (self.collection, last.id()), followed, Some(&unchanged)).await?;
                (Value::Id(last.id()), Value::Null)
            }
            None => (Value::Null, Value::Timestamp(cx.now())),
        };
        Ok(input
            .with(self.waiting, webhook)
            .with(self.attempts, 0)
            .with(self.last_of, series)
            .with(self.before, before)
            .with(self.due_at, due_at))
    }

    /// The message, if it is due.
    pub(crate) async fn due(&self, cx: &mut TxContext<'_, '_>, id: RecordId) -> Result<Option<Claimed>, Error> {
        let Some(record) = cx.get(self.collection, id).await? else { return Ok(None) };
        let is_due = matches!(record.value(self.due_at), Value::Timestamp(due) if *due <= cx.now());
        let Some(webhook) = record.value(self.waiting).as_id().filter(|_| is_due) else { return Ok(None) };
        let (message, attempt) = (self.message_of(&record)?, self.attempts_of(&record) + 1);
        Ok(Some(Claimed { id, version: record.version(), webhook, message, attempt }))
    }

    /// Claims a message that is due, for as long as an attempt takes; `None` if another process has claimed it.
    pub(crate) async fn claim(&self, cx: &mut TxContext<'_, '_>, due: Claimed) -> Result<Option<Claimed>, Error> {
        let until = later(cx.now(), limits::WEBHOOK_CLAIM_SECONDS * 1_000_000);
        let input = Input::new().with(self.due_at, until).with(self.attempts, i64::from(due.attempt));
        let claimed = self.change(cx, (due.id, due.version), input).await?;
        Ok(claimed.map(|version| Claimed { version, ..due }))
    }

    /// A message was delivered, or needn't be: it is forgotten.
    pub(crate) async fn delivered(&self, cx: &mut TxContext<'_, '_>, claimed: &Claimed) -> Result<(), Error> {
        // From here on nothing is queued behind it: who does that changes it as well.
        let input = Input::new().with(self.due_at, Value::Null).with(self.last_of, Value::Null);
        match cx.update(Authority::System, (self.collection, claimed.id), input, None).await {
            Ok(_) => {}
            Err(Error::NotFound { .. }) => return Ok(()),
            Err(error) => return Err(error),
        }
        self.let_next(cx, claimed.id).await?;
        cx.delete(Authority::System, (self.collection, claimed.id), None).await.map(drop)
    }

    /// An attempt has failed: there is another one after this time, or the message is given up.
    pub(crate) async fn failed(
        &self,
        cx: &mut TxContext<'_, '_>,
        claimed: &Claimed,
        (error, again): (&str, Option<Duration>),
    ) -> Result<(), Error> {
        let input = Input::new().with(self.last_error, error);
        let input = match again {
            Some(pause) => {
                input.with(self.due_at, later(cx.now(), i64::try_from(pause.as_micros()).unwrap_or(i64::MAX)))
            }
            None => input
                .with(self.due_at, Value::Null)
                .with(self.waiting, Value::Null)
                .with(self.last_of, Value::Null)
                .with(self.dead, claimed.webhook)
                .with(self.gone_at, later(cx.now(), limits::WEBHOOK_LETTER_DAYS * 86_400_000_000)),
        };
        let is_ours = self.change(cx, (claimed.id, claimed.version), input).await?.is_some();
        if is_ours && again.is_none() {
            self.let_next(cx, claimed.id).await?;
        }
        Ok(())
    }

    /// Changes a message that is as it was read; its version then, or `None` if it isn't.
    async fn change(
        &self,
        cx: &mut TxContext<'_, '_>,
        (id, version): (RecordId, i64),
        input: Input,
    ) -> Result<Option<i64>, Error> {
        let unchanged = IfMatch::Versions(vec![version]);
        match cx.update(Authority::System, (self.collection, id), input, Some(&unchanged)).await {
            Ok(record) => Ok(Some(record.version())),
            Err(Error::Precondition { .. } | Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Lets the next message about the same record be sent.
    async fn let_next(&self, cx: &mut TxContext<'_, '_>, id: RecordId) -> Result<(), Error> {
        let next = cx.referring(self.collection, self.before, id, 1).await?;
        for next in next {
            let input = Input::new().with(self.before, Value::Null).with(self.due_at, cx.now());
            cx.update(Authority::System, (self.collection, next), input, None).await?;
        }
        Ok(())
    }

    /// What operators see of a message that was given up.
    pub(crate) fn dead_letter(&self, record: &Record) -> Result<DeadLetter, Error> {
        let Message { id, subject, event, at } = self.message_of(record)?;
        Ok(DeadLetter {
            message: id,
            subject: subject.text(),
            event: event.name().to_owned(),
            at,
            attempts: self.attempts_of(record),
            error: record.value(self.last_error).as_text().unwrap_or_default().to_owned(),
        })
    }

    fn attempts_of(&self, record: &Record) -> u32 {
        record.value(self.attempts).as_int().and_then(|attempts| u32::try_from(attempts).ok()).unwrap_or(u32::MAX - 1)
    }

    fn message_of(&self, record: &Record) -> Result<Message, Error> {
        let text = |field| record.value(field).as_text();
        let Value::Timestamp(at) = record.value(self.at) else { return Err(Foreign("BackstayDelivery.at").into()) };
        Ok(Message {
            id: text(self.message).ok_or(Foreign("BackstayDelivery.message"))?.to_owned(),
            subject: text(self.subject).and_then(Subject::parse).ok_or(Foreign("BackstayDelivery.subject"))?,
            event: text(self.event).and_then(Event::named).ok_or(Foreign("BackstayDelivery.event"))?,
            at: *at,
        })
    }
}
