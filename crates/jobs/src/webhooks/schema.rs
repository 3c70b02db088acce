use backstay_base::Error;
use backstay_engine::Engine;
use backstay_model::{Collection, CollectionId, FieldId, Model, SourceFile};

use crate::stored::Foreign;

/// The collections of endpoints and of the messages that wait for them. They are loaded together with the application's model.
pub fn webhooks_model() -> SourceFile {
    SourceFile::system("backstay/webhooks.graphql", TEXT)
}

const TEXT: &str = r#""An endpoint of another server, which is told of changes."
type BackstayWebhook @allow(read: "auth.kind == 'OPERATOR'") {
  name: String! @unique @length(min: 1, max: 80)
  url: Url!
  "Whose rights decide what is sent: `key:` or `account:` and an id."
  caller: String!
  "The types whose changes are sent; null if all are."
  types: [String!] @names(of: TYPES)
  "What messages are signed with."
  secret: String! @class(is: SECRET)
  "What they are signed with as well for a while."
  previousSecret: String @class(is: SECRET)
  previousUntil: DateTime
  "The place of the last entry of the commit log of which everything is queued."
  place: Int!
  "How many records of the entry after it are queued, too."
  records: Int!
  "Since when each attempt has failed."
  failingSince: DateTime
  "Since when nothing is sent."
  disabledAt: DateTime
  "Why nothing is sent."
  reason: Text
}

"A message to an endpoint, until it is delivered."
type BackstayDelivery @allow(read: "auth.kind == 'OPERATOR'") @index(fields: ["dueAt"])
  @at(field: "goneAt", do: DELETE) {
  webhook: BackstayWebhook! @onDelete(do: CASCADE)
  "The message's id, which each attempt has."
  message: String! @unique
  "What the message is about: a type and the key of its record."
  subject: String! @names(of: TYPES)
  event: String!
  "When that was committed."
  at: DateTime!
  "The endpoint, as long as the message waits."
  waiting: BackstayWebhook @onDelete(do: CASCADE)
  "The endpoint, once the message was given up."
  dead: BackstayWebhook @onDelete(do: CASCADE)
  "When it is sent next; null if it isn't, or not before an earlier message about the same record."
  dueAt: DateTime
  attempts: Int!
  "The endpoint and the record, if no later message about the record waits."
  lastOf: String @unique
  "The earlier message that it waits for."
  before: BackstayDelivery @onDelete(do: SET_NULL)
  lastError: Text
  "When it is forgotten, once it was given up."
  goneAt: DateTime
}
"#;

/// The ids of both collections in the loaded model.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Schema {
    pub(crate) webhooks: Webhook,
    pub(crate) deliveries: Deliveries,
}

/// `BackstayWebhook`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Webhook {
    pub(crate) collection: CollectionId,
    pub(crate) name: FieldId,
    pub(crate) url: FieldId,
    pub(crate) caller: FieldId,
    pub(crate) types: FieldId,
    pub(crate) secret: FieldId,
    pub(crate) previous_secret: FieldId,
    pub(crate) previous_until: FieldId,
    pub(crate) place: FieldId,
    pub(crate) records: FieldId,
    pub(crate) failing_since: FieldId,
    pub(crate) disabled_at: FieldId,
    pub(crate) reason: FieldId,
}

/// `BackstayDelivery`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deliveries {
    pub(crate) collection: CollectionId,
    pub(crate) webhook: FieldId,
    pub(crate) message: FieldId,
    pub(crate) subject: FieldId,
    pub(crate) event: FieldId,
    pub(crate) at: FieldId,
    pub(crate) waiting: FieldId,
    pub(crate) dead: FieldId,
    pub(crate) due_at: FieldId,
    pub(crate) attempts: FieldId,
    pub(crate) last_of: FieldId,
    pub(crate) before: FieldId,
    pub(crate) last_error: FieldId,
    pub(crate) gone_at: FieldId,
}

impl Schema {
    /// Fails if the model was loaded without `webhooks_model`.
    pub(crate) fn of(engine: &Engine) -> Result<Self, Error> {
        let model = engine.model();
        Ok(Self {
            webhooks: Webhook::of(&Own::find(model, "BackstayWebhook")?)?,
            deliveries: Deliveries::of(&Own::find(model, "BackstayDelivery")?)?,
        })
    }
}

impl Webhook {
    fn of(own: &Own<'_>) -> Result<Self, Error> {
        Ok(Self {
            collection: own.0.id,
            name: own.field("name")?,
            url: own.field("url")?,
            caller: own.field("caller")?,
            types: own.field("types")?,
            secret: own.field("secret")?,
            previous_secret: own.field("previousSecret")?,
            previous_until: own.field("previousUntil")?,
            place: own.field("place")?,
            records: own.field("records")?,
            failing_since: own.field("failingSince")?,
            disabled_at: own.field("disabledAt")?,
            reason: own.field("reason")?,
        })
    }
}

impl Deliveries {
    fn of(own: &Own<'_>) -> Result<Self, Error> {
        Ok(Self {
            collection: own.0.id,
            webhook: own.field("webhook")?,
            message: own.field("message")?,
            subject: own.field("subject")?,
            event: own.field("event")?,
            at: own.field("at")?,
            waiting: own.field("waiting")?,
            dead: own.field("dead")?,
            due_at: own.field("dueAt")?,
            attempts: own.field("attempts")?,
            last_of: own.field("lastOf")?,
            before: own.field("before")?,
            last_error: own.field("lastError")?,
            gone_at: own.field("goneAt")?,
        })
    }
}

/// One of Backstay's own collections.
struct Own<'m>(&'m Collection);

impl<'m> Own<'m> {
    fn find(model: &'m Model, name: &'static str) -> Result<Self, Error> {
        let found = model.collection_named(name).filter(|collection| collection.system);
        found.map(Self).ok_or_else(|| Foreign(name).into())
    }

    fn field(&self, name: &'static str) -> Result<FieldId, Error> {
        self.0.field_named(name).map(|field| field.id).ok_or_else(|| Foreign(name).into())
    }
}
