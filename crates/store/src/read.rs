use backstay_sql::{Row, Statement};
use tokio::sync::oneshot;

use crate::interest::Interest;
use crate::{Demand, StoreError};

/// Takes the rows of a read.
pub trait RowSink: Send {
    /// Comes before the first row, and again when a read that took too long for its thread is repeated elsewhere: rows
    /// taken so far must be discarded. A sink that would make more than this many bytes of the rows fails with
    /// `StoreError::LargeRead`.
    fn begin(&mut self, most: usize);
    /// The next row. An error ends the read.
    fn row(&mut self, row: &dyn Row) -> Result<(), StoreError>;
    /// Comes after the last row, on the thread that the read ran on: what takes long is done here. Returns how many
    /// bytes it made of the rows, as `begin` counts them.
    fn end(&mut self) -> usize {
        0
    }
}

/// What a read cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ReadStats {
    /// Rows that were returned.
    pub rows: u64,
    /// Steps that count against the step budget; 0 if the database doesn't count them.
    pub steps: u64,
    /// Rows that were visited by scanning a table without an index; 0 if the database doesn't count them.
    pub scanned: u64,
    /// Whether it ran on the reader pool.
    pub moved: bool,
    /// Whether a replica answered it.
    pub replica: bool,
}

/// The replicas of a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ReplicaCount {
    /// How many there are according to the settings.
    pub configured: usize,
    /// How many answer reads now. The others can't be reached, lag or have another model.
    pub in_use: usize,
}

/// A read without the type of its sink, so that a queue can hold it, together with its caller. The caller gets the sink
/// back when this is dropped.
pub(crate) trait LongRead: Send {
    /// Whether somebody waits for it: if not, it need not be begun.
    fn interest(&self) -> &Interest;
    /// The statement, and who takes its rows.
    fn parts(&mut self) -> (&Statement, &mut dyn RowSink);
    /// How it ended.
    fn ended(&mut self, outcome: Result<ReadStats, StoreError>);
}

/// A sink that comes back from a read, and how that ended.
type Returned<S> = (S, Result<ReadStats, StoreError>);

pub(crate) struct SinkRead<S: RowSink> {
    statement: Statement,
    interest: Interest,
    /// `None` once it is given back.
    sink: Option<S>,
    outcome: Result<ReadStats, StoreError>,
    caller: Option<oneshot::Sender<Returned<S>>>,
}

impl<S: RowSink> SinkRead<S> {
    pub(crate) fn new(demand: Demand, statement: Statement, sink: S) -> (Self, oneshot::Receiver<Returned<S>>) {
        let (caller, receiver) = oneshot::channel();
        let (interest, outcome) = (Interest::new(demand), Err(StoreError::Closed));
        (Self { statement, interest, sink: Some(sink), outcome, caller: Some(caller) }, receiver)
    }
}

impl<S: RowSink> LongRead for SinkRead<S> {
    fn interest(&self) -> &Interest {
        &self.interest
    }

    fn parts(&mut self) -> (&Statement, &mut dyn RowSink) {
        (&self.statement, self.sink.as_mut().expect("it is given back when this is dropped"))
    }

    fn ended(&mut self, outcome: Result<ReadStats, StoreError>) {
        self.outcome = outcome;
    }
}

impl<S: RowSink> Drop for SinkRead<S> {
    fn drop(&mut self) {
        if let (Some(caller), Some(sink)) = (self.caller.take(), self.sink.take()) {
            let outcome = std::mem::replace(&mut self.outcome, Err(StoreError::Closed));
            // The caller may have gone away.
            drop(caller.send((sink, outcome)));
        }
    }
}
