use std::collections::BTreeSet;

use backstay_base::{Error, RecordId, Timestamp};
use backstay_engine::Record;
use backstay_model::FieldId;
use backstay_scalar::Value;

use crate::stored::Foreign;
use crate::webhooks::schema::Webhook;
use crate::webhooks::secret::SigningSecret;

/// An endpoint as it is stored.
#[derive(Debug, Clone)]
pub(crate) struct Endpoint {
    pub(crate) id: RecordId,
    pub(crate) version: i64,
    pub(crate) name: String,
    pub(crate) url: String,
    /// Whose rights decide what is sent, as `Sight` wrote it.
    pub(crate) caller: String,
    /// The types whose changes are sent; all without them.
    pub(crate) types: Option<BTreeSet<String>>,
    pub(crate) secret: SigningSecret,
    /// The one before, and until when it is used.
    pub(crate) previous: Option<(SigningSecret, Timestamp)>,
    pub(crate) reached: Reached,
    pub(crate) failing_since: Option<Timestamp>,
    /// Since when nothing is sent, and why.
    pub(crate) disabled: Option<(Timestamp, String)>,
}

/// How far into the commit log an endpoint's messages are queued.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Reached {
    /// The last entry that was read whole.
    pub(crate) place: u64,
    /// How many records of the entry after it are queued.
    pub(crate) records: u64,
}

impl Endpoint {
    pub(crate) fn read(fields: &Webhook, record: &Record) -> Result<Self, Error> {
        let text = |field: FieldId| record.value(field).as_text();
        let moment = |field: FieldId| match record.value(field) {
            Value::Timestamp(moment) => Some(*moment),
            _ => None,
        };
        let number = |field: FieldId| record.value(field).as_int().and_then(|number| u64::try_from(number).ok());
        let types = match record.value(fields.types) {
            Value::List(names) => Some(names.iter().filter_map(|name| name.as_text().map(str::to_owned)).collect()),
            _ => None,
        };
        let previous = text(fields.previous_secret).and_then(SigningSecret::parse).zip(moment(fields.previous_until));
        Ok(Self {
            id: record.id(),
            version: record.version(),
            name: text(fields.name).ok_or(Foreign("BackstayWebhook.name"))?.to_owned(),
            url: text(fields.url).ok_or(Foreign("BackstayWebhook.url"))?.to_owned(),
            caller: text(fields.caller).ok_or(Foreign("BackstayWebhook.caller"))?.to_owned(),
            types,
            secret: text(fields.secret).and_then(SigningSecret::parse).ok_or(Foreign("BackstayWebhook.secret"))?,
            previous,
            reached: Reached {
                place: number(fields.place).ok_or(Foreign("BackstayWebhook.place"))?,
                records: number(fields.records).ok_or(Foreign("BackstayWebhook.records"))?,
            },
            failing_since: moment(fields.failing_since),
            disabled: moment(fields.disabled_at).map(|at| (at, text(fields.reason).unwrap_or_default().to_owned())),
        })
    }

    /// Whether changes of this type are sent.
    pub(crate) fn is_about(&self, name: &str) -> bool {
        self.types.as_ref().is_none_or(|types| types.contains(name))
    }

    /// What a message is signed with now.
    pub(crate) fn secrets(&self, now: Timestamp) -> Vec<SigningSecret> {
        let previous = self.previous.iter().filter(|(_, until)| now < *until).map(|(secret, _)| secret);
        [&self.secret].into_iter().chain(previous).cloned().collect()
    }
}
