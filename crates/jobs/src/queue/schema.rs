use backstay_base::Error;
use backstay_engine::Priority;
use backstay_model::{CollectionId, FieldId, Model, SourceFile};

use crate::stored::Foreign;

/// The collection of jobs. It is loaded together with the application's model.
pub fn system_model() -> SourceFile {
    SourceFile::system("backstay/jobs.graphql", TEXT)
}

const TEXT: &str = r#""Work that is done once its commit is durable."
type BackstayJob @allow(read: "auth.kind == 'OPERATOR'")
  @index(fields: ["state", "createdAt"]) @index(fields: ["urgentAt"]) @index(fields: ["dueAt"]) @index(fields: ["lowAt"]) @at(field: "goneAt", do: DELETE) {
  "The job of the model, or one of Backstay's own."
  kind: String!
  "What it takes."
  input: JSON @class(is: PERSONAL)
  "`WAITING`, `RUNNING`, `DONE`, `DEAD` or `CANCELLED`."
  state: String!
  "`HIGH`, `NORMAL` or `LOW`; each has a moment of its own at which the job is due, or its lease ends."
  priority: String!
  urgentAt: DateTime
  dueAt: DateTime
  lowAt: DateTime
  "When it is due once the job before it has ended."
  startAt: DateTime
  attempts: Int!
  "How often it is tried, if it isn't as often as its kind."
  most: Int
  "The server that runs it."
  worker: String
  "What only one unfinished job has."
  key: String
  liveKey: String @unique
  "The jobs of a series run one after the other."
  series: String
  "The series, if no later job of it waits."
  lastOf: String @unique
  "The earlier job that it waits for."
  before: BackstayJob @onDelete(do: SET_NULL)
  "Who has queued it."
  by: String
  result: JSON @class(is: PERSONAL)
  lastError: Text @class(is: PERSONAL)
  endedAt: DateTime
  "When it is forgotten."
  goneAt: DateTime
  "How many jobs have led to it, each queued by a change that the one before has made."
  depth: Int
  "What part of it is done, 0 to 1, as it says itself."
  done: Float
  "What it is at."
  note: String
}
"#;

/// The ids of the collection and its fields in the loaded model.
#[derive(Debug, Clone, Copy)]
pub(super) struct Schema {
    pub(super) collection: CollectionId,
    pub(super) kind: FieldId,
    pub(super) input: FieldId,
    pub(super) state: FieldId,
    pub(super) priority: FieldId,
    urgent_at: FieldId,
    due_at: FieldId,
    low_at: FieldId,
    pub(super) start_at: FieldId,
    pub(super) attempts: FieldId,
    pub(super) most: FieldId,
    pub(super) worker: FieldId,
    pub(super) key: FieldId,
    pub(super) live_key: FieldId,
    pub(super) series: FieldId,
    pub(super) last_of: FieldId,
    pub(super) before: FieldId,
    pub(super) by: FieldId,
    pub(super) result: FieldId,
    pub(super) last_error: FieldId,
    pub(super) ended_at: FieldId,
    pub(super) gone_at: FieldId,
    pub(super) depth: FieldId,
    pub(super) done: FieldId,
    pub(super) note: FieldId,
}

impl Schema {
    /// Fails if the model was loaded without `system_model`.
    pub(super) fn of(model: &Model) -> Result<Self, Error> {
        let own = model.collection_named("BackstayJob").filter(|collection| collection.system);
        let own = own.ok_or(Foreign("collection"))?;
        let field = |name: &'static str| own.field_named(name).map(|field| field.id).ok_or(Foreign(name));
        Ok(Self {
            collection: own.id,
            kind: field("kind")?,
            input: field("input")?,
            state: field("state")?,
            priority: field("priority")?,
            urgent_at: field("urgentAt")?,
            due_at: field("dueAt")?,
            low_at: field("lowAt")?,
            start_at: field("startAt")?,
            attempts: field("attempts")?,
            most: field("most")?,
            worker: field("worker")?,
            key: field("key")?,
            live_key: field("liveKey")?,
            series: field("series")?,
            last_of: field("lastOf")?,
            before: field("before")?,
            by: field("by")?,
            result: field("result")?,
            last_error: field("lastError")?,
            ended_at: field("endedAt")?,
            gone_at: field("goneAt")?,
            depth: field("depth")?,
            done: field("done")?,
            note: field("note")?,
        })
    }

    /// The field that holds when a job of this priority is due.
    pub(super) fn due(&self, priority: Priority) -> FieldId {
        match priority {
            Priority::High => self.urgent_at,
            Priority::Normal => self.due_at,
            Priority::Low => self.low_at,
        }
    }
}
