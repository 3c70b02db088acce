use std::future::poll_fn;
use std::path::Path;
use std::sync::Arc;
use std::task::Poll;
use std::time::Instant;

use backstay_audit::Tree;
#[cfg(feature = "postgres")]
use backstay_base::Secret;
use backstay_base::{Ambient, Flow, Timestamp};
use backstay_model::Model;
#[cfg(feature = "postgres")]
use backstay_sql::adopt::Misfit;
use backstay_sql::{Dialect, Statement};
use futures_util::FutureExt as _;
use tokio::sync::oneshot;

#[cfg(feature = "postgres")]
use crate::adopt::{AdoptError, Adoption, CountedMisfits, Survey};
use crate::backup::{Checked, CopyError, Restored, Restoring, Watch};
use crate::copy::{self, Copied};
use crate::database::{Database, OpenDatabase};
use crate::job::{Job as _, WorkJob};
use crate::log_check::{self, LogCheck, LogError, VerifiedLog};
use crate::pruning::{self, LogHorizon, Prune, Pruned, Sized};
use crate::read::{LongRead as _, SinkRead};
use crate::session::OwnRow;
use crate::setup::Opening;
use crate::{
    Catalog, CommitId, CommitObserver, Demand, DependencyKeys, Location, LogEntry, LogMark, OpenError, OpenOptions,
    Outcome, ReadStats, ReplicaCount, RowSink, SealedCommit, SealedMark, Step, StoreError, Stored, Work, log, sqlite,
    wait,
};

/// An open database. Cheap to clone; closed when the last clone is dropped.
#[derive(Debug, Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    database: Box<dyn Database>,
    catalog: Catalog,
    keys: DependencyKeys,
    last_moment: Option<Timestamp>,
}

/// An open store.
#[derive(Debug)]
pub struct Opened {
    /// The store.
    pub store: Store,
    /// What opening it did.
    pub outcome: Outcome,
}

impl Store {
    /// Opens a database, creates or migrates it as the options say, and starts its threads. Blocks; call it before
    /// serving. A database server needs a current multi-threaded tokio runtime.
    pub fn open(
        options: &OpenOptions,
        model: &Model,
        ambient: Ambient,
        observer: Arc<dyn CommitObserver>,
    ) -> Result<Opened, OpenError> {
        if !(Timestamp::EPOCH..Timestamp::LATEST).contains(&ambient.clock.now()) {
            return Err(OpenError::Clock);
        }
        let opening = Opening { options, model, ambient, observer };
        let opened = match &options.location {
            Location::Directory(directory) => sqlite::open(&opening, directory)?,
            #[cfg(feature = "postgres")]
            Location::Url(url) => crate::postgres::open(&opening, url)?,
            #[cfg(not(feature = "postgres"))]
            Location::Url(_) => return Err(OpenError::UnsupportedLocation),
        };
        let OpenDatabase { database, catalog, keys, last_moment, outcome } = opened;
        Ok(Opened { store: Self { inner: Arc::new(Inner { database, catalog, keys, last_moment }) }, outcome })
    }

    /// Whether there is a database at this location that has been opened before.
    pub fn exists(location: &Location) -> Result<bool, OpenError> {
        match location {
            Location::Directory(directory) => Ok(sqlite::exists(directory)),
            #[cfg(feature = "postgres")]
            Location::Url(url) => crate::postgres::exists(url),
            #[cfg(not(feature = "postgres"))]
            Location::Url(_) => Err(OpenError::UnsupportedLocation),
        }
    }

    /// The steps that opening the database with this model would take, without taking them; none for an unchanged
    /// model. May be called while another process serves.
    pub fn plan_migration(options: &OpenOptions, model: &Model, ambient: &Ambient) -> Result<Vec<Step>, OpenError> {
        match &options.location {
            Location::Directory(directory) => sqlite::plan(directory, (model, ambient.clock.now())),
            #[cfg(feature = "postgres")]
            Location::Url(url) => crate::postgres::plan(url, (model, ambient.clock.now())),
            #[cfg(not(feature = "postgres"))]
            Location::Url(_) => Err(OpenError::UnsupportedLocation),
        }
    }

    /// What a database holds, whatever model it was opened with; `None` if there is none or it is
    /// empty. May be called while another process serves.
    pub fn stored(location: &Location) -> Result<Option<Stored>, OpenError> {
        match location {
            Location::Directory(directory) => sqlite::stored(directory),
            #[cfg(feature = "postgres")]
            Location::Url(url) => crate::postgres::stored(url),
            #[cfg(not(feature = "postgres"))]
            Location::Url(_) => Err(OpenError::UnsupportedLocation),
        }
    }

    /// Deletes a database, and nothing else in its directory; on a server, its tables. Refuses one that another process uses,
    /// that is not Backstay's, or that the directory only links to.
    pub fn delete(location: &Location) -> Result<(), OpenError> {
        match location {
            Location::Directory(directory) => sqlite::delete(directory),
            #[cfg(feature = "postgres")]
            Location::Url(url) => crate::postgres::delete(url),
            #[cfg(not(feature = "postgres"))]
            Location::Url(_) => Err(OpenError::UnsupportedLocation),
        }
    }

    /// Writes a checked copy of the database into this file, which must not exist, while others use the database. It has
    /// every commit that was acknowledged before. The file gets its name when it is complete. Blocks.
    pub fn back_up(&self, to: &Path, watch: &mut Watch<'_>) -> Result<Checked, CopyError> {
        self.inner.database.back_up(to, watch)
    }

    /// The same of a database that no process has open, whatever model it was opened with.
    pub fn back_up_closed(location: &Location, to: &Path, watch: &mut Watch<'_>) -> Result<Checked, CopyError> {
        match location {
            Location::Directory(directory) => sqlite::back_up_closed(directory, to, watch),
            Location::Url(_) => Err(CopyError::OnServer),
        }
    }

    /// Makes a backup the database of a data directory, which no process may use. The database before stays in a directory
    /// of its own. Blocks.
    pub fn restore(
        location: &Location,
        restoring: &Restoring<'_>,
        watch: &mut Watch<'_>,
    ) -> Result<Restored, CopyError> {
        match location {
            Location::Directory(directory) => sqlite::restore(directory, restoring, watch),
            Location::Url(_) => Err(CopyError::OnServer),
        }
    }

    /// What there is in a schema that another program has made. Blocks, as all of these do; needs a current multi-threaded tokio
    /// runtime.
    #[cfg(feature = "postgres")]
    pub fn survey(url: &Secret) -> Result<Survey, AdoptError> {
        crate::postgres::survey(url)
    }

    /// How many rows have values that no field holds, table by table and question by question: the column, and what its value
    /// would have to be.
    #[cfg(feature = "postgres")]
    pub fn count_misfits(
        url: &Secret,
        questions: Vec<(String, Vec<(String, Misfit)>)>,
    ) -> Result<Vec<CountedMisfits>, AdoptError> {
        crate::postgres::count_misfits(url, questions)
    }

    /// The steps that make the tables of a schema those of a model.
    #[cfg(feature = "postgres")]
    pub fn plan_adoption(found: (&Survey, &Adoption), model: &Model) -> Vec<Step> {
        crate::postgres::plan_adoption(found, model)
    }

    /// Takes these steps, all of them or none. Afterwards the database can be opened with the model.
    #[cfg(feature = "postgres")]
    pub fn adopt(url: &Secret, found: (&Survey, &Adoption), with: (&Model, &Ambient)) -> Result<Vec<Step>, AdoptError> {
        crate::postgres::adopt(url, found, with)
    }

    /// Copies a whole database to another location, which must be empty or hold the beginning of such a copy, and compares both.
    /// No other process can use either meanwhile. A database server needs a current multi-threaded tokio runtime. Blocks.
    pub fn copy(from: &Location, to: &Location, watch: &mut Watch<'_>) -> Result<Copied, CopyError> {
        if from == to {
            return Err(CopyError::NotEmpty { database: to.to_string() });
        }
        let mut source = match from {
            Location::Directory(directory) => sqlite::copy_from(directory)?,
            #[cfg(feature = "postgres")]
            Location::Url(url) => crate::postgres::copy_from(url)?,
            #[cfg(not(feature = "postgres"))]
            Location::Url(_) => return Err(OpenError::UnsupportedLocation.into()),
        };
        let mut target = match to {
            Location::Directory(directory) => sqlite::copy_to(directory)?,
            #[cfg(feature = "postgres")]
            Location::Url(url) => crate::postgres::copy_to(url)?,
            #[cfg(not(feature = "postgres"))]
            Location::Url(_) => return Err(OpenError::UnsupportedLocation.into()),
        };
        let is_embedded = |location: &Location| matches!(location, Location::Directory(_));
        let names = (from.to_string(), to.to_string());
        let copying = copy::copy(source.end(&names.0), target.end(&names.1), watch);
        if is_embedded(from) && is_embedded(to) {
            return wait::wait(copying);
        }
        #[cfg(feature = "postgres")]
        return crate::postgres::block_on(copying);
        #[cfg(not(feature = "postgres"))]
        wait::wait(copying)
    }

    /// Runs a work in one transaction, and returns its result when its changes are durable. On an embedded database, the
    /// works of several flows take turns; one that holds the writer for long may be interrupted and run again. If the
    /// future is dropped after it was polled, an embedded database does either all of the work or nothing of it. If it is
    /// polled after the deadline, it fails with `Busy` if the work was not begun, with `TimeLimit` if it was; then nothing
    /// was changed. It stays pending only while the work is part of a commit under way.
    pub async fn write<W: Work>(&self, work: Arc<W>) -> Result<W::Output, W::Error> {
        let (job, mut result) = WorkJob::new(work);
        let waiting = job.interest().waiting();
        self.inner.database.run(Box::new(job)).await?;
        poll_fn(|cx| match result.poll_unpin(cx) {
            Poll::Ready(Ok(answered)) => Poll::Ready(answered),
            // The job is dropped without an answer only if its thread has ended.
            Poll::Ready(Err(_)) => Poll::Ready(Err(StoreError::Closed.into())),
            Poll::Pending => waiting.end().map_or(Poll::Pending, |error| Poll::Ready(Err(error.into()))),
        })
        .await
    }

    /// Runs one reading statement, and gives the sink back. An embedded database runs it on the calling thread, as long as
    /// it takes few steps and the sink makes little of its rows, and otherwise again on the reader pool, where it takes
    /// turns with those of other flows. There it fails with `StepLimit` beyond a larger budget, with `TimeLimit` at its
    /// deadline, with `Busy` if too many reads wait for the pool, and with `Share` if too many of its flow or source do.
    pub async fn read<S: RowSink + 'static>(
        &self,
        demand: Demand,
        statement: &Statement,
        mut sink: S,
    ) -> (S, Result<ReadStats, StoreError>) {
        match self.inner.database.read(demand, statement, &mut sink).await {
            Ok(Some(stats)) => (sink, Ok(stats)),
            // Rare, and so large that each read would carry it.
            Ok(None) => Box::pin(self.read_aside(demand, statement, sink)).await,
            Err(error) => (sink, Err(error)),
        }
    }

    /// As `read`, but on the reader pool from the start: for aggregates, searches and exports.
    pub async fn read_aside<S: RowSink + 'static>(
        &self,
        demand: Demand,
        statement: &Statement,
        sink: S,
    ) -> (S, Result<ReadStats, StoreError>) {
        let (read, returned) = SinkRead::new(demand, statement.clone(), sink);
        let _waiting = read.interest().waiting();
        let accepted = self.inner.database.read_long(Box::new(read)).await;
        let (sink, outcome) = returned.await.expect("a read gives its sink back when it is dropped");
        (sink, accepted.and(outcome))
    }

    /// Does work that can keep a processor busy without the database, such as planning. On an embedded database it takes
    /// turns with reads that take long, and fails as they do; but it can't be interrupted.
    pub async fn take_turn<T: Send + 'static>(
        &self,
        demand: Demand,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, StoreError> {
        let (send, done) = oneshot::channel();
        // Whoever asked may have gone away.
        let work = Box::new(move || drop(send.send(work())));
        self.inner.database.take_turn(demand, work).await?;
        done.await.map_err(|_| StoreError::Closed)
    }

    /// Entries of the commit log from this place on (the first is 1), at most `limit`, in order; with those of every commit
    /// that was acknowledged before.
    pub async fn log(&self, from: u64, limit: u32) -> Result<Vec<LogEntry>, StoreError> {
        self.inner.database.settle_log().await?;
        self.settled_log(from, limit).await
    }

    async fn settled_log(&self, from: u64, limit: u32) -> Result<Vec<LogEntry>, StoreError> {
        let mut entries = Vec::new();
        let visit = &mut |row: &dyn OwnRow| {
            entries.push(log::read(row)?);
            Ok(())
        };
        self.inner.database.read_own(&log::page(from, limit), visit).await?;
        Ok(entries)
    }

    /// The end of the commit log, which has every commit that was acknowledged before.
    pub async fn log_end(&self) -> Result<LogMark, StoreError> {
        let mut end = LogMark::BEGIN;
        let visit = &mut |row: &dyn OwnRow| {
            end = LogMark::after(&log::read(row)?);
            Ok(())
        };
        self.inner.database.settle_log().await?;
        self.inner.database.read_own(&log::end(), visit).await?;
        Ok(end)
    }

    /// At most so many entries after a mark, in order; with those up to an end that was read before. `None` if the log doesn't
    /// have the entry at the mark any more, nor maybe others after it: it was pruned, or the database was restored.
    pub async fn log_after(&self, mark: LogMark, limit: u32) -> Result<Option<Vec<LogEntry>>, StoreError> {
        if mark.sequence == 0 {
            let entries = self.settled_log(1, limit).await?;
            return Ok(Some(entries).filter(|entries| entries.first().is_none_or(|first| first.sequence == 1)));
        }
        let mut entries = self.settled_log(mark.sequence, limit.saturating_add(1)).await?;
        if entries.first().is_none_or(|first| !mark.is_after(first)) {
            return Ok(None);
        }
        entries.remove(0);
        Ok(Some(entries))
    }

    /// A mark as others may hold it; the nonce must be another for each.
    pub fn seal_mark(&self, mark: LogMark, nonce: [u8; 8]) -> SealedMark {
        self.inner.keys.marks().seal(mark, nonce)
    }

    /// The mark that was sealed, if it was by this database.
    pub fn open_mark(&self, sealed: &SealedMark) -> Option<LogMark> {
        self.inner.keys.marks().open(sealed)
    }

    /// A commit as others may hold it.
    pub fn seal_commit(&self, commit: CommitId) -> SealedCommit {
        self.inner.keys.marks().seal_commit(commit)
    }

    /// Waits until whoever asks `is_current`, and reads, gets a state that includes this commit: any server on the database may
    /// have answered it. Returns a moment before which it was committed, as `Freshness` wants it. `None`: it was sealed by
    /// another database.
    pub async fn reach(&self, sealed: &SealedCommit) -> Result<Option<Instant>, StoreError> {
        match self.inner.keys.marks().open_commit(sealed) {
            Some(commit) => self.inner.database.reach(commit).await.map(Some),
            None => Ok(None),
        }
    }

    /// Notes that a flow has written something until now: none of its next reads goes to a replica that lacks it.
    pub fn wrote(&self, flow: Flow) {
        self.inner.database.wrote(flow);
    }

    /// Which replicas there are.
    pub fn replicas(&self) -> ReplicaCount {
        self.inner.database.replicas()
    }

    /// Removes the next entries of the commit log up to a horizon, in one transaction. The last entry stays.
    pub async fn prune_log(&self, model: &Model, horizon: LogHorizon) -> Result<Pruned, StoreError> {
        self.inner.database.settle_log().await?;
        let numbers = (self.catalog(), self.dependency_keys());
        self.write(Arc::new(Prune::new(horizon, model, numbers))).await
    }

    /// The place through which entries of the commit log have to go so that the rest takes at most so many bytes; 0 if none
    /// has to.
    pub async fn log_excess(&self, most: u64) -> Result<u64, StoreError> {
        let (mut place, mut room, mut entries) = (u64::MAX, most, pruning::SIZED_ENTRIES);
        loop {
            let mut sized = Sized::default();
            let visit = &mut |row: &dyn OwnRow| {
                sized = Sized::read(row)?;
                Ok(())
            };
            self.inner.database.read_own(&pruning::size_before(place, entries), visit).await?;
            match sized {
                Sized { entries: 0, .. } => return Ok(0),
                Sized { first, bytes, .. } if bytes <= room => {
                    place = first;
                    room -= bytes;
                }
                Sized { entries: 1, first, .. } => return Ok(first),
                // One of them is too much.
                Sized { .. } => entries = (entries / 10).max(1),
            }
        }
    }

    /// Reads all of the commit log, and remembers the root of its tree at this size.
    pub async fn verify_log(&self, size: Option<u64>) -> Result<VerifiedLog, LogError> {
        let mut check = LogCheck::new(self.pruned().await?, size);
        loop {
            let entries = self.log(check.next(), log_check::ENTRIES).await?;
            let Some(first) = entries.first() else { return Ok(check.end()) };
            if first.sequence != check.next() {
                let pruned = self.pruned().await?;
                if pruned.size() >= check.next() {
                    // They went while the log was read.
                    check = LogCheck::new(pruned, size);
                    continue;
                }
            }
            entries.iter().try_for_each(|entry| check.take(entry)).map_err(LogError::Damaged)?;
        }
    }

    /// The tree of the entries that were pruned.
    async fn pruned(&self) -> Result<Tree, StoreError> {
        let mut tree = Tree::default();
        let visit = &mut |row: &dyn OwnRow| {
            tree = pruning::read_pruned(row)?;
            Ok(())
        };
        self.inner.database.read_own(&pruning::pruned(), visit).await?;
        Ok(tree)
    }

    /// The permanent numbers of the model's types and fields.
    pub fn catalog(&self) -> &Catalog {
        &self.inner.catalog
    }

    /// Computes the keys of dependencies in this database.
    pub fn dependency_keys(&self) -> &DependencyKeys {
        &self.inner.keys
    }

    /// The moment of the last commit that was found when the database was opened.
    pub fn last_moment(&self) -> Option<Timestamp> {
        self.inner.last_moment
    }

    /// The SQL that the database speaks: statements must be made for it.
    pub fn dialect(&self) -> Dialect {
        self.inner.database.dialect()
    }

    /// Whether what was remembered still holds although other processes may have this database open, as far as the observer
    /// wasn't told otherwise: false if they weren't heard of for `limits::UNHEARD_MILLIS`. An embedded database tells at once.
    pub fn is_current(&self) -> bool {
        self.inner.database.is_current()
    }

    /// Whether it has to be closed and opened anew, because another process wants to change the model, or has done so.
    pub fn must_yield(&self) -> bool {
        self.inner.database.must_yield()
    }

    /// Whether this process does what is due without anybody asking for it: of those that have the database open, one does.
    pub fn is_keeper(&self) -> bool {
        self.inner.database.is_keeper()
    }

    /// Whether a fatal error ended it: nothing can be read or written any more.
    pub fn has_failed(&self) -> bool {
        self.inner.database.has_failed()
    }

    /// Completes a future that uses this store, on the thread that calls. Blocks.
    pub fn wait<T>(&self, future: impl Future<Output = T>) -> T {
        match self.dialect() {
            Dialect::Sqlite => wait::wait(future),
            #[cfg(feature = "postgres")]
            Dialect::Postgres => crate::postgres::block_on(future),
            #[cfg(not(feature = "postgres"))]
            Dialect::Postgres => wait::wait(future),
        }
    }

    /// Completes what was accepted and closes the database. Blocks. Later calls through clones fail with `Closed`.
    pub fn close(self) {
        self.inner.database.close();
    }
}
