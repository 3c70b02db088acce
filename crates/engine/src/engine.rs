use std::fmt;
use std::sync::Arc;

use backstay_base::{Ambient, Conflict, Error, IdSource, Limit, RecordId, ViolationKind, limits};
use backstay_live::{Seen, VersionClock};
use backstay_model::{CollectionId, FieldId, Model};
use backstay_scalar::{Value, ValueRef};
use backstay_sql::{DecodeError, Planner, Row, Statement, Template};
use backstay_store::{OpenError, OpenOptions, Opened, Outcome, ReadStats, RowSink, Step, Store, StoreError};

use crate::bind::Bindings;
use crate::observer::Publisher;
use crate::remember::InFlight;
use crate::sink::Collect;
use crate::templates::Templates;
use crate::{Application, Context, Record};

/// A running application. Cheap to clone.
#[derive(Clone)]
pub struct Engine {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) application: Application,
    pub(crate) planner: Planner,
    pub(crate) templates: Templates,
    pub(crate) store: Store,
    pub(crate) ambient: Ambient,
    pub(crate) in_flight: InFlight,
    ids: IdSource,
    clock: Arc<VersionClock>,
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").field("model", &self.model().name).finish_non_exhaustive()
    }
}

/// What a remembered result depends on.
#[derive(Debug, Clone, PartialEq)]
pub enum Dependency {
    /// Any record of a collection.
    Collection(CollectionId),
    /// One record.
    Record(CollectionId, RecordId),
    /// The records whose indexed field has this value.
    Field(CollectionId, FieldId, Value),
}

impl Engine {
    /// Opens the application's database, creating or migrating it as the options say. Blocks.
    pub fn open(
        application: Application,
        options: &OpenOptions,
        ambient: Ambient,
    ) -> Result<(Self, Outcome), OpenError> {
        let clock = Arc::new(VersionClock::default());
        let publisher = Arc::new(Publisher::new(Arc::clone(&clock)));
        let model = Arc::clone(&application.model);
        let Opened { store, outcome } = Store::open(options, &model, ambient.clone(), publisher)?;
        let ids = store.last_moment().map_or_else(IdSource::default, IdSource::after);
        let inner = Inner {
            planner: Planner::new(Arc::clone(&model), store.dialect()),
            templates: Templates::new(&model),
            application,
            store,
            ambient,
            in_flight: InFlight::default(),
            ids,
            clock,
        };
        Ok((Self { inner: Arc::new(inner) }, outcome))
    }

    /// The steps that opening with this application would take; none for an unchanged model.
    pub fn plan_migration(application: &Application, options: &OpenOptions) -> Result<Vec<Step>, OpenError> {
        Store::plan_migration(options, &application.model)
    }

    /// Whether there is a database at the location of these options already.
    pub fn database_exists(options: &OpenOptions) -> bool {
        Store::exists(&options.location)
    }

    /// The application's model.
    pub fn model(&self) -> &Arc<Model> {
        &self.inner.application.model
    }

    /// Time and randomness.
    pub fn ambient(&self) -> &Ambient {
        &self.inner.ambient
    }

    /// A new id.
    pub fn next_id(&self) -> RecordId {
        self.inner.next_id()
    }

    /// The counts of these dependencies, to be taken before what is to be remembered is read.
    pub fn observe(&self, dependencies: &[Dependency]) -> Seen {
        let keys = self.inner.store.dependency_keys();
        self.inner.clock.observe(dependencies.iter().map(|dependency| crate::observer::key(dependency, keys)))
    }

    /// Whether what was read after `observe` still holds.
    pub fn unchanged(&self, seen: &Seen) -> bool {
        self.inner.clock.unchanged(seen)
    }

    /// Whether the store answers.
    pub async fn health(&self) -> Result<(), Error> {
        if self.inner.store.has_failed() {
            return Err(self.inner.refused(StoreError::Closed));
        }
        let first = self.model().collections.first().map(|collection| collection.id);
        match first {
            Some(collection) => self.peek(collection, RecordId::from_bytes([0; 16])).await.map(|_| ()),
            None => Ok(()),
        }
    }

    /// Ends what is under way and closes the database.
    pub fn close(&self) {
        self.inner.store.clone().close();
    }

    /// The record with this id, whoever asks; for Backstay's own use outside of an operation.
    pub async fn peek(&self, collection: CollectionId, id: RecordId) -> Result<Option<Record>, Error> {
        let plan = self.inner.templates.whole(&self.inner.planner, collection);
        let cx = Context::system(self);
        let statement = Bindings::new(&cx.caller, cx.now).id(id).statement(&plan.template);
        let mut sink = Collect::new(|row: &dyn Row| plan.layout.read(row).and_then(Record::new));
        self.inner.read(&statement, &mut sink).await?;
        Ok(sink.found.pop())
    }

    /// The record whose fields have these values, whoever asks. They are those of a unique index: of several records
    /// any is found.
    pub async fn peek_by(&self, collection: CollectionId, by: &[(FieldId, Value)]) -> Result<Option<Record>, Error> {
        let (template, proposed) = self.inner.lookup(collection, by);
        let cx = Context::system(self);
        let bindings = Bindings { proposed: &proposed, ..Bindings::new(&cx.caller, cx.now) };
        match self.ids(&template, 0, bindings).await?.first() {
            Some(id) => self.peek(collection, *id).await,
            None => Ok(None),
        }
    }

    /// The records whose to-one relation leads to this record, whoever asks; at most `limit`.
    pub async fn peek_all(
        &self,
        collection: CollectionId,
        field: FieldId,
        to: RecordId,
        limit: u32,
    ) -> Result<Vec<Record>, Error> {
        let template = self.inner.templates.referencing(&self.inner.planner, collection, field);
        let cx = Context::system(self);
        let bindings = Bindings { limit: u64::from(limit), ..Bindings::new(&cx.caller, cx.now).id(to) };
        let mut records = Vec::new();
        for id in self.ids(&template, 0, bindings).await? {
            records.extend(self.peek(collection, id).await?);
        }
        Ok(records)
    }

    /// Records in the order of their ids, whoever asks: those after `after`, at most `limit`.
    pub async fn peek_page(
        &self,
        collection: CollectionId,
        after: Option<RecordId>,
        limit: u32,
    ) -> Result<Vec<Record>, Error> {
        let plan = self.inner.templates.ids(&self.inner.planner, collection, after.is_some());
        let cx = Context::system(self);
        let cursor: Vec<Value> = after.into_iter().map(Value::Id).collect();
        let bindings = Bindings { limit: u64::from(limit), cursor: &cursor, ..Bindings::new(&cx.caller, cx.now) };
        let column = plan.cursor.last().copied().unwrap_or(0);
        let mut records = Vec::new();
        for id in self.ids(&plan.template, column, bindings).await? {
            records.extend(self.peek(collection, id).await?);
        }
        Ok(records)
    }

    async fn ids(&self, template: &Template, column: usize, bindings: Bindings<'_>) -> Result<Vec<RecordId>, Error> {
        let statement = bindings.statement(template);
        let mut sink = Collect::new(|row: &dyn Row| match row.value(column)? {
            ValueRef::Id(id) => Ok(id),
            _ => Err(DecodeError { column, expected: "an id" }),
        });
        self.inner.read(&statement, &mut sink).await?;
        Ok(sink.found)
    }
}

/// What is to be answered is larger than an answer may be.
pub(crate) fn too_large() -> Error {
    let what = "the answer with so many fields and records";
    Limit::Size { what, max: limits::ANSWER_BYTES as u64, unit: "bytes" }.into()
}

impl Inner {
    /// Runs one reading statement.
    pub(crate) async fn read(&self, statement: &Statement, sink: &mut dyn RowSink) -> Result<ReadStats, Error> {
        self.store.read(statement, sink).await.map_err(|error| self.refused(error))
    }

    pub(crate) fn next_id(&self) -> RecordId {
        self.ids.next(&self.ambient)
    }

    /// The statement that finds a record by these values, and the values as those of a proposed record.
    pub(crate) fn lookup(&self, collection: CollectionId, by: &[(FieldId, Value)]) -> (Arc<Template>, Vec<Value>) {
        let fields: Vec<FieldId> = by.iter().map(|(field, _)| *field).collect();
        let mut proposed = vec![Value::Null; self.application.model.collection(collection).fields.len()];
        for (field, value) in by {
            proposed[usize::from(field.0)] = value.clone();
        }
        (self.templates.lookup(&self.planner, collection, fields), proposed)
    }

    /// What a caller is told of an error of the store.
    pub(crate) fn refused(&self, error: StoreError) -> Error {
        match error {
            StoreError::Unique { table, columns } => self.not_unique(&table, &columns),
            StoreError::ForeignKey => {
                Error::invalid("", ViolationKind::Reference { collection: "record".to_owned(), by: "id".to_owned() })
            }
            StoreError::StagedRows { .. } => Conflict::Concurrent.into(),
            StoreError::StepLimit => Limit::Cost.into(),
            StoreError::TooLarge => too_large(),
            StoreError::Busy => Limit::Busy.into(),
            StoreError::Full => Limit::Storage.into(),
            StoreError::Unknown(_) => Error::Unknown,
            other => Error::internal(other),
        }
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
        Conflict::Unique { collection: collection.name.clone(), fields, record: None }.into()
    }
}
