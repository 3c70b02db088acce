use std::any::Any;
use std::sync::{Arc, OnceLock};

use backstay_base::{
    Ambient, Caller, CallerKind, Conflict, Error, IdSource, Limit, Place, RecordId, Shared, ViolationKind, limits,
};
use backstay_model::{Collection, CollectionId, FieldId, Index, KeyKind};
use backstay_scalar::Value;
use backstay_sql::{Perspective, Planner, Statement, Template, schema};
use backstay_store::{Demand, ReadStats, RowSink, Store, StoreError};
use futures_util::lock::Mutex;

use crate::call_rates::CallRates;
use crate::in_flight::InFlight;
use crate::observer::Published;
use crate::templates::Templates;
use crate::{Application, Singles};

/// What an engine is made of.
pub(crate) struct Inner {
    pub(crate) application: Application,
    pub(crate) planner: Planner,
    pub(crate) templates: Templates,
    pub(crate) store: Store,
    pub(crate) ambient: Ambient,
    pub(crate) in_flight: InFlight,
    /// How often actions with a limit were called.
    pub(crate) call_rates: CallRates,
    /// What keeps the jobs that are queued: `KeptQueue`.
    pub(crate) queue: OnceLock<Arc<dyn Any + Send + Sync>>,
    /// What runs hooks before changes: `KeptRunner`.
    pub(crate) hook_runner: OnceLock<Arc<dyn Any + Send + Sync>>,
    /// Held by whoever works off the queue of stored sums.
    pub(crate) refreshing: Mutex<()>,
    pub(crate) ids: IdSource,
    pub(crate) published: Published,
    /// Set when all of them are there.
    pub(crate) singles: OnceLock<Singles>,
}

/// Whether a collection is there for this caller: Backstay's own are for operators alone.
pub(crate) fn exists_for(caller: &Caller, collection: &Collection) -> bool {
    !collection.system || caller.kind == CallerKind::Operator
}

/// What is to be answered is larger than an answer may be.
pub(crate) fn too_large() -> Error {
    Limit::Answer { max: limits::ANSWER_BYTES as u64 }.into()
}

impl Inner {
    /// Runs one reading statement, and gives its sink back with what it cost.
    pub(crate) async fn read<S: RowSink + 'static>(
        &self,
        demand: Demand,
        statement: &Statement,
        sink: S,
    ) -> (S, Result<ReadStats, Error>) {
        let (sink, read) = self.store.read(demand, statement, sink).await;
        (sink, read.map_err(|error| self.refused(error)))
    }

    /// Does work that can keep a processor busy, in turn with the long reads of this caller and of others.
    pub(crate) async fn take_turn<T: Send + 'static>(
        &self,
        demand: Demand,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        self.store.take_turn(demand, work).await.map_err(|error| self.refused(error))
    }

    pub(crate) fn next_id(&self) -> RecordId {
        self.ids.next(&self.ambient)
    }

    /// A new id for a record whose key is a UUID.
    pub(crate) fn id_for(&self, collection: &Collection) -> RecordId {
        if collection.key.kind == KeyKind::Uuid4 { self.random_id() } else { self.next_id() }
    }

    pub(crate) fn random_id(&self) -> RecordId {
        self.ids.random(&self.ambient)
    }

    /// The statement that finds a record by these values, and the values as those of a proposed record.
    pub(crate) fn lookup(
        &self,
        (collection, perspective): (CollectionId, Perspective),
        by: &[(FieldId, Value)],
    ) -> (Arc<Template>, Vec<Value>) {
        let fields: Vec<FieldId> = by.iter().map(|(field, _)| *field).collect();
        let mut proposed = vec![Value::Null; self.application.model.collection(collection).fields.len()];
        for (field, value) in by {
            proposed[usize::from(field.0)] = value.clone();
        }
        (self.templates.lookup(&self.planner, (collection, fields), perspective), proposed)
    }

    /// The error that callers get for an error of the store.
    pub(crate) fn refused(&self, error: StoreError) -> Error {
        match error {
            StoreError::Unique { table, columns } => self.not_unique(&table, &columns),
            StoreError::UniqueIndex { index } => self.not_unique_in(&index),
            StoreError::ForeignKey => Error::invalid(
                Place::Whole,
                ViolationKind::Reference { collection: "record".to_owned(), by: "id".to_owned() },
            ),
            StoreError::Check { constraint } => {
                let message = format!("the database refuses the record: it must satisfy {constraint}");
                Error::invalid(Place::Whole, ViolationKind::Check { message })
            }
            StoreError::StagedRows { .. } => Conflict::Concurrent.into(),
            StoreError::StepLimit => Limit::Cost.into(),
            StoreError::TimeLimit => Limit::Deadline.into(),
            StoreError::HoldLimit => Limit::Hold.into(),
            StoreError::TooLarge => too_large(),
            // Another process has changed the model: this one notices in a moment.
            StoreError::Busy | StoreError::Displaced => Limit::Busy.into(),
            StoreError::Locked => Limit::Locked.into(),
            StoreError::Unreachable(cause) => {
                tracing::warn!(%cause, "the database server can't be used");
                Limit::Busy.into()
            }
            StoreError::Share => Limit::Share(Shared::Queue).into(),
            StoreError::Memory(limit) => limit.into(),
            StoreError::Full => Limit::Storage.into(),
            StoreError::Unknown(_) => Error::Unknown,
            other => Error::internal(other),
        }
    }

    /// The same of what was to be written.
    pub(crate) fn unwritten(&self, error: StoreError) -> Error {
        match error {
            StoreError::TooLarge => {
                let what = "what the change stores in a record, or of all its records in the commit log,";
                Limit::Size { what, max: u64::from(limits::STORED_VALUE_BYTES.unsigned_abs()), unit: "bytes" }.into()
            }
            other => self.refused(other),
        }
    }

    /// The same by the name of an index.
    fn not_unique_in(&self, name: &str) -> Error {
        let dialect = self.planner.dialect();
        for collection in &self.application.model.collections {
            let is_meant = |index: &&Index| schema::index_names(index, dialect).iter().any(|known| known == name);
            if let Some(index) = collection.indexes.iter().find(is_meant) {
                let fields = index.fields.iter().map(|field| collection.field(*field).name.clone()).collect();
                return Conflict::Unique {
                    collection: collection.name.clone(),
                    fields,
                    record: Box::new(Place::Whole),
                }
                .into();
            }
        }
        Conflict::Concurrent.into()
    }

    fn not_unique(&self, table: &str, columns: &[String]) -> Error {
        let collection = self.application.model.collections.iter().find(|collection| collection.table == table);
        let Some(collection) = collection else {
            return Conflict::Concurrent.into();
        };
        let name = |column: &String| {
            let field = collection.fields.iter().find(|field| field.columns.iter().any(|of| of.name == *column));
            field.map_or_else(|| column.clone(), |field| field.name.clone())
        };
        let fields = columns.iter().map(name).collect();
        Conflict::Unique { collection: collection.name.clone(), fields, record: Box::new(Place::Whole) }.into()
    }
}
