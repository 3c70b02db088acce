//! The durable queue. A job is a record that is added in the commit of whatever causes it. Every server claims jobs that are due, for as
//! long as a lease lasts, and extends the leases of those that run: the jobs of a server that has died are due again. So each job runs at
//! least once, and its end is kept once.

mod adding;
mod administration;
mod claiming;
mod ending;
mod extending;
mod job;
mod reporting;
mod retry;
mod schedules;
mod schema;
mod workers;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use backstay_base::{Error, RecordId};
use backstay_engine::{ChangeWatch, Context, Dependency, Engine};
use futures_util::future::BoxFuture;

pub use administration::JobLine;
pub use claiming::Claimed;
pub use job::State;
pub use reporting::Reporter;
pub use schema::system_model;
pub use workers::Workers;

use adding::Adder;
use schedules::Planned;
use schema::Schema;

/// Carries out jobs of some kinds.
pub trait Handler: fmt::Debug + Send + Sync {
    /// What holds for jobs of this kind; `None` if it doesn't carry them out.
    fn settings(&self, kind: &str) -> Option<KindSettings>;
    /// Carries one out. It is dropped if it takes too long or is cancelled; what it has committed by then remains.
    fn run(&self, job: Claimed) -> BoxFuture<'static, Outcome>;
}

/// What holds for jobs of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KindSettings {
    /// How many of them one server runs at the same time.
    pub concurrency: u32,
    /// How often one is tried, unless it says so itself.
    pub attempts: u32,
    /// How long an attempt may take.
    pub timeout: Duration,
}

/// What an attempt at a job comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It is done, with this result as JSON.
    Done(Arc<str>),
    /// It has failed for this reason, and is tried again as long as there are attempts left.
    Again(String),
    /// It has failed, and would again.
    Dead(String),
}

impl Outcome {
    /// Why it has failed, if it has.
    pub fn error(&self) -> Option<&str> {
        match self {
            Self::Done(_) => None,
            Self::Again(error) | Self::Dead(error) => Some(error),
        }
    }
}

/// The jobs of one application. Cheap to clone.
#[derive(Clone)]
pub struct Jobs(Arc<Inner>);

struct Inner {
    engine: Engine,
    schema: Schema,
    handlers: Vec<Arc<dyn Handler>>,
    planned: Planned,
}

impl Jobs {
    /// The jobs of this engine, whose model must include `system_model`. From then on, the engine queues jobs here.
    pub fn new(engine: Engine, handlers: Vec<Arc<dyn Handler>>) -> Result<Self, Error> {
        let schema = Schema::of(engine.model())?;
        engine.set_queue(Arc::new(Adder(schema)));
        Ok(Self(Arc::new(Inner { engine, schema, handlers, planned: Planned::default() })))
    }

    fn handler(&self, kind: &str) -> Option<(&Arc<dyn Handler>, KindSettings)> {
        self.0.handlers.iter().find_map(|handler| handler.settings(kind).map(|settings| (handler, settings)))
    }

    /// What to ask whether a job has changed.
    fn watch(&self, job: RecordId) -> ChangeWatch {
        self.0.engine.watch(&[Dependency::Record(self.0.schema.collection, job)])
    }

    fn system(&self) -> Context {
        Context::system(&self.0.engine)
    }
}

impl fmt::Debug for Jobs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jobs").field("handlers", &self.0.handlers).finish_non_exhaustive()
    }
}
