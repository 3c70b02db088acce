use std::sync::Arc;

use backstay_base::Ambient;
use backstay_model::Model;
use backstay_sql::{Dialect, Statement};

use crate::{Catalog, CommitObserver, OpenError, OpenOptions, Opened, ReadStats, RowSink, Step, StoreError, Work};

/// An open database. Cheap to clone; closed when the last clone is gone.
#[derive(Debug, Clone)]
pub struct Store {
    inner: Arc<()>,
}

impl Store {
    /// Opens the database, creates or migrates it as the options say, and starts its threads. Blocks; call it before
    /// serving.
    pub fn open(
        _options: OpenOptions,
        _model: Arc<Model>,
        _ambient: Ambient,
        _observer: Arc<dyn CommitObserver>,
    ) -> Result<Opened, OpenError> {
        todo!()
    }

    /// The steps that opening with this model would take, applied by nobody; none for an unchanged model. Fails where
    /// there is no database yet.
    pub fn plan_migration(_options: &OpenOptions, _model: &Model) -> Result<Vec<Step>, OpenError> {
        todo!()
    }

    /// Runs an operation and answers when its changes are durable. Must be awaited within a tokio runtime; once called,
    /// the operation runs even if the future is dropped.
    pub async fn write<W: Work>(&self, _work: Arc<W>) -> Result<W::Output, W::Error> {
        todo!()
    }

    /// Runs one reading statement on the calling thread under a step limit; past it, again on the reader pool under a
    /// larger one, past which it fails with `StepLimit`.
    pub async fn read(&self, _statement: &Statement, _sink: &mut dyn RowSink) -> Result<ReadStats, StoreError> {
        todo!()
    }

    /// As `read`, but at once on the reader pool: for aggregates, searches and exports.
    pub async fn read_aside(&self, _statement: &Statement, _sink: &mut dyn RowSink) -> Result<ReadStats, StoreError> {
        todo!()
    }

    /// The permanent numbers of the model's types and fields.
    pub fn catalog(&self) -> &Catalog {
        todo!()
    }

    /// Which database it is: statements must be made for it.
    pub fn dialect(&self) -> Dialect {
        todo!()
    }

    /// Whether a fatal error ended it: nothing can be read or written any more.
    pub fn is_dead(&self) -> bool {
        todo!()
    }

    /// Ends what is under way, writes the log file back into the database and closes it. Later calls on clones answer
    /// `Closed`.
    pub fn close(self) {
        todo!()
    }
}
