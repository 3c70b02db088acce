use std::fmt::Write as _;

use backstay_base::{KeyForm, RecordId, Timestamp};
use backstay_engine::{ChangeKind, LogLine};
use backstay_model::{Collection, Model};
use backstay_scalar::Token;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::webhooks::endpoint::Endpoint;

/// What happened to a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Event {
    Created,
    Updated,
    Deleted,
    Restored,
}

impl Event {
    const ALL: [Self; 4] = [Self::Created, Self::Updated, Self::Deleted, Self::Restored];

    /// Its name in messages and in the database.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Deleted => "deleted",
            Self::Restored => "restored",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|event| event.name() == name)
    }

    /// What an entry of the commit log says of a record of this collection; `None` if it was said before.
    fn of(kind: ChangeKind, collection: &Collection) -> Option<Self> {
        match kind {
            ChangeKind::Create => Some(Self::Created),
            ChangeKind::Trash => Some(Self::Deleted),
            ChangeKind::Restore => Some(Self::Restored),
            // What is deleted from the trash was said to be deleted when it was moved there.
            ChangeKind::Delete => collection.trash.is_none().then_some(Self::Deleted),
            ChangeKind::Update | ChangeKind::Link | ChangeKind::Unlink => Some(Self::Updated),
        }
    }

    /// What is said of a record about which one entry says both, in this order.
    fn and(self, later: Self) -> Self {
        match (self, later) {
            (first, Self::Updated) => first,
            (_, later) => later,
        }
    }
}

/// A message that is to be queued: what happened to a record in one commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Message {
    /// The same on each attempt: receivers know by it what they have had already.
    pub(crate) id: String,
    pub(crate) subject: Subject,
    pub(crate) event: Event,
    pub(crate) at: Timestamp,
}

/// A record by the name of its type and its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Subject {
    pub(crate) collection: String,
    pub(crate) key: String,
}

impl Subject {
    /// The stored form.
    pub(crate) fn text(&self) -> String {
        format!("{}:{}", self.collection, self.key)
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (collection, key) = text.split_once(':')?;
        Some(Self { collection: collection.to_owned(), key: key.to_owned() })
    }

    /// The record; `None` if the model no longer has the type, or its records have other keys.
    pub(crate) fn find<'m>(&self, model: &'m Model) -> Option<(&'m Collection, RecordId)> {
        let named = |collection: &&Collection| collection.name == self.collection;
        let once = |collection: &&Collection| collection.former.contains(&self.collection);
        let all = || model.collections.iter().filter(|collection| is_told(collection));
        let collection = all().find(named).or_else(|| all().find(once))?;
        let key = collection.key.scalar().read(Token::Bare(&self.key)).ok()?;
        Some((collection, key.as_id()?))
    }
}

/// Whether anybody is told of the collection's records.
pub(crate) fn is_told(collection: &Collection) -> bool {
    !collection.system && collection.versions.is_none()
}

/// The messages of an entry of the commit log to an endpoint: one for each record that it is about, in their order.
pub(crate) fn messages(model: &Model, line: &LogLine, endpoint: &Endpoint) -> Vec<Message> {
    let mut messages: Vec<Message> = Vec::new();
    for change in &line.changes {
        let collection = model.collection_named(&change.collection);
        let Some(collection) = collection.filter(|of| is_told(of) && endpoint.is_about(&of.name)) else { continue };
        let Some(event) = Event::of(change.kind, collection) else { continue };
        let subject = Subject { collection: change.collection.clone(), key: change.record.clone() };
        match messages.iter_mut().rev().find(|known| known.subject == subject) {
            Some(known) => known.event = known.event.and(event),
            None => messages.push(Message { id: id(line, endpoint, &subject), subject, event, at: line.moment }),
        }
    }
    messages
}

/// An id that tells nothing of the commit log, and that nobody can foretell.
fn id(line: &LogLine, endpoint: &Endpoint, subject: &Subject) -> String {
    let mut digest = Sha256::new_with_prefix(b"backstay message\0");
    digest.update(endpoint.id.to_string());
    digest.update(line.place.to_be_bytes());
    digest.update(line.moment.micros().to_be_bytes());
    digest.update(line.request.map(|request| request.0.to_string()).unwrap_or_default());
    digest.update(subject.text());
    format!("msg_{}", URL_SAFE_NO_PAD.encode(&digest.finalize()[..18]))
}

/// What is sent (Standard Webhooks, "Payload structure"): the type of the event, when it was, and the record.
pub(crate) fn payload(kind: &str, at: Timestamp, data: &[u8]) -> Bytes {
    let mut head = format!("{{\"type\":{},\"timestamp\":\"{at}\",\"data\":", json!(kind)).into_bytes();
    head.extend_from_slice(data);
    head.push(b'}');
    head.into()
}

/// The type of an event: `orderLine.created`.
pub(crate) fn kind(collection: &Collection, event: Event) -> String {
    let mut letters = collection.name.chars();
    let mut kind: String = letters.next().map(|first| first.to_ascii_lowercase()).into_iter().chain(letters).collect();
    let _ = write!(kind, ".{}", event.name());
    kind
}

/// What is known of a record that is gone: its id, as an answer has it.
pub(crate) fn remains(collection: &Collection, key: &str) -> Vec<u8> {
    let is_number = collection.key.form() == KeyForm::Int;
    let id = if is_number { key.to_owned() } else { json!(key).to_string() };
    format!("{{\"id\":{id}}}").into_bytes()
}
