use backstay_base::{CallerKind, Error, FieldNumber, RecordId, RequestId, Timestamp, TypeNumber};
use backstay_scalar::Value;
use backstay_store::{ChangeKind, Entry, LogError, LogHorizon, LoggedChange, Pruned, StoreError, VerifiedLog};

use crate::Engine;

/// An entry of the commit log, with the model's names and without values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// Its place in the log.
    pub place: u64,
    /// When it was committed.
    pub moment: Timestamp,
    /// What sort of caller asked.
    pub caller: CallerKind,
    /// The caller's record.
    pub id: Option<RecordId>,
    /// The request.
    pub request: Option<RequestId>,
    /// The transaction's name.
    pub transaction: String,
    /// What changed.
    pub changes: Vec<LogChange>,
}

/// What was done to one record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogChange {
    /// What was done.
    pub kind: ChangeKind,
    /// The type's name; `#7` if the model doesn't have it any more.
    pub collection: String,
    /// The record's key.
    pub record: String,
    /// Its version afterwards.
    pub version: i64,
    /// The names of the fields that changed; `#7` if the model doesn't have one any more.
    pub fields: Vec<String>,
}

impl LogChange {
    /// The word for what was done, such as `create`.
    pub fn act(&self) -> &'static str {
        act(self.kind)
    }
}

impl Engine {
    /// Removes the next entries of the commit log up to a horizon, in one commit: at most `limits::PRUNED_ENTRIES`. The log
    /// stays verifiable.
    pub async fn prune_log(&self, horizon: LogHorizon) -> Result<Pruned, Error> {
        let pruned = self.inner.store.prune_log(self.model(), horizon).await;
        pruned.map_err(|error| self.inner.refused(error))
    }

    /// The place through which the entries of the commit log have to go so that the rest takes at most so many bytes; 0 if
    /// none has to.
    pub async fn log_excess(&self, bytes: u64) -> Result<u64, Error> {
        self.inner.store.log_excess(bytes).await.map_err(|error| self.inner.refused(error))
    }

    /// The place of the last entry of the commit log; 0 if it is empty.
    pub async fn log_end(&self) -> Result<u64, Error> {
        let end = self.inner.store.log_end().await.map_err(|error| self.inner.refused(error))?;
        Ok(end.sequence)
    }

    /// Reads all of the commit log, and remembers the root of its tree at this size. Blocks.
    pub fn verify_log(&self, size: Option<u64>) -> Result<VerifiedLog, LogError> {
        self.inner.store.wait(self.inner.store.verify_log(size))
    }

    /// Entries of the commit log from this place on (the first is 1), at most `limit`, in order.
    pub async fn log_lines(&self, from: u64, limit: u32) -> Result<Vec<LogLine>, Error> {
        let entries = self.inner.store.log(from, limit).await.map_err(|error| self.inner.refused(error))?;
        let line = |stored: backstay_store::LogEntry| {
            let entry = Entry::decode(&stored.entry).map_err(|_| StoreError::Catalog("backstay_log"))?;
            Ok(self.line(stored.sequence, entry))
        };
        let lines: Result<_, StoreError> = entries.into_iter().map(line).collect();
        lines.map_err(|error| self.inner.refused(error))
    }

    fn line(&self, place: u64, entry: Entry) -> LogLine {
        let origin = entry.origin;
        LogLine {
            place,
            moment: entry.moment,
            caller: origin.kind,
            id: origin.id,
            request: origin.request,
            transaction: origin.transaction.into_owned(),
            changes: entry.changes.iter().flat_map(|change| self.changes(change)).collect(),
        }
    }

    fn changes<'a>(&self, change: &'a LoggedChange) -> impl Iterator<Item = LogChange> + use<'a> {
        let (collection, fields) = self.names(change.type_number, &change.fields);
        change.records.iter().map(move |record| LogChange {
            kind: change.kind,
            collection: collection.clone(),
            record: key(record.key.value()),
            version: record.version,
            fields: fields.clone(),
        })
    }

    fn names(&self, type_number: TypeNumber, fields: &[FieldNumber]) -> (String, Vec<String>) {
        let catalog = self.inner.store.catalog();
        let Some(id) = catalog.collection(type_number) else {
            return (format!("#{}", type_number.0), fields.iter().map(|field| format!("#{}", field.0)).collect());
        };
        let collection = self.model().collection(id);
        let name = |number: &FieldNumber| match catalog.field(id, *number) {
            Some(field) => collection.field(field).name.clone(),
            None => format!("#{}", number.0),
        };
        (collection.name.clone(), fields.iter().map(name).collect())
    }
}

fn act(kind: ChangeKind) -> &'static str {
    match kind {
        ChangeKind::Create => "create",
        ChangeKind::Update => "update",
        ChangeKind::Delete => "delete",
        ChangeKind::Link => "link",
        ChangeKind::Unlink => "unlink",
        ChangeKind::Trash => "trash",
        ChangeKind::Restore => "restore",
    }
}

/// The value of a key as text.
fn key(value: &Value) -> String {
    match value {
        Value::Id(id) => id.to_string(),
        Value::Int(number) => number.to_string(),
        Value::Text(text) => text.to_string(),
        Value::Decimal(number) => number.to_string(),
        Value::Timestamp(moment) => moment.to_string(),
        Value::Date(day) => day.to_string(),
        // No key has such a value: see `RecordKey`.
        Value::Null
        | Value::Bool(_)
        | Value::Float(_)
        | Value::Duration(_)
        | Value::Money(_)
        | Value::Json(_)
        | Value::Bytes(_)
        | Value::List(_) => String::new(),
    }
}
