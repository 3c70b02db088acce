use std::fmt;
use std::path::Path;
use std::time::Instant;

use backstay_base::{Flow, Timestamp};
use backstay_sql::{Dialect, Statement};

use crate::backup::{Checked, CopyError, Watch};
use crate::job::Job;
use crate::read::LongRead;
use crate::session::{Answer, Visit};
use crate::{Catalog, CommitId, Demand, DependencyKeys, Outcome, ReadStats, ReplicaCount, RowSink};

/// An open database: what `Store` needs of SQLite or PostgreSQL.
pub(crate) trait Database: fmt::Debug + Send + Sync {
    /// Which SQL it speaks.
    fn dialect(&self) -> Dialect;

    /// Accepts a job and runs it, which answers the job's caller when its changes are durable. An error means that the
    /// job was not accepted.
    fn run(&self, job: Box<dyn Job>) -> Answer<'_, ()>;

    /// Runs one reading statement for the thread that calls; `None` if that has no time for it, and the read has to be
    /// run as a long one.
    fn read<'a>(
        &'a self,
        demand: Demand,
        statement: &'a Statement,
        sink: &'a mut dyn RowSink,
    ) -> Answer<'a, Option<ReadStats>>;

    /// Accepts a read that takes long and runs it. An error means that it was not accepted.
    fn read_long(&self, read: Box<dyn LongRead>) -> Answer<'_, ()>;

    /// Does work that can keep a processor busy, where reads that take long run.
    fn take_turn(&self, demand: Demand, work: Box<dyn FnOnce() + Send>) -> Answer<'_, ()>;

    /// Reads the store's own tables.
    fn read_own<'a>(&'a self, statement: &'a Statement, visit: &'a mut Visit<'_>) -> Answer<'a, ()>;

    /// Lets the commit log have every entry that was committed before.
    fn settle_log(&self) -> Answer<'_, ()>;

    /// Waits until what this process knows of others includes a commit that was answered, or until it isn't current. Returns a
    /// moment before which it was committed.
    fn reach(&self, commit: CommitId) -> Answer<'_, Instant>;

    /// Notes that a flow has written something.
    fn wrote(&self, flow: Flow);

    /// Which replicas there are.
    fn replicas(&self) -> ReplicaCount;

    /// Whether it knows what other processes have committed, but for the last moments.
    fn is_current(&self) -> bool;

    /// Whether it has to be closed and opened anew, because another process wants to change its model, or has done so.
    fn must_yield(&self) -> bool;

    /// Whether this process does what one of those that have the database open has to do.
    fn is_keeper(&self) -> bool;

    /// Writes a checked copy of it into this file. Blocks.
    fn back_up(&self, to: &Path, watch: &mut Watch<'_>) -> Result<Checked, CopyError>;

    /// Whether a fatal error ended it.
    fn has_failed(&self) -> bool;

    /// Completes what was accepted and closes all connections.
    fn close(&self);
}

/// A database that has been opened.
pub(crate) struct OpenDatabase {
    pub(crate) database: Box<dyn Database>,
    pub(crate) catalog: Catalog,
    pub(crate) keys: DependencyKeys,
    /// The moment of the last commit in it.
    pub(crate) last_moment: Option<Timestamp>,
    pub(crate) outcome: Outcome,
}
