use std::fmt;
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use backstay_base::{Entropy, Flow, limits, lower_priority};
use backstay_sql::{Dialect, Statement};
use futures_util::future::join;
use tokio::sync::Semaphore;
use tokio::task::AbortHandle;
use tokio::time::{Instant as Deadline, timeout, timeout_at};

use super::access::Access;
use super::follower::Follower;
use super::lease::Lease;
use super::pools::Pools;
use super::replicas::Replicas;
use super::sequencer::Sequencer;
use super::session::{Last, PostgresSession};
use super::silence::{Silence, silent_server};
use crate::backup::{Checked, CopyError, Watch};
use crate::database::Database;
use crate::job::Job;
use crate::log::{Append, LogFormat};
use crate::moment::CommitClock;
use crate::read::LongRead;
use crate::session::{Answer, OwnRow, Visit, at_once, later};
use crate::tx::Tx;
use crate::{
    CommitId, CommitObserver, Committed, Demand, Freshness, ReadStats, ReplicaCount, RowSink, StoreError, Writes,
};

/// Runs of one job before a conflict with other transactions becomes its error.
const RUNS: usize = 8;
/// The longest pause before the second run is twice this long, before each further one twice as long as before it.
const PAUSE_MICROS: u64 = 1000;
/// How often it doubles.
const LONGEST_PAUSE: usize = 6;

/// How long a commit that has run beyond its deadline may take to be ended by the server, before its outcome is unknown.
const CANCEL_SECONDS: u64 = 5;

/// A PostgreSQL database.
pub(super) struct PostgresDatabase {
    inner: Arc<Inner>,
    lease: Arc<Lease>,
    /// What follows the log.
    following: AbortHandle,
}

/// What jobs need, which outlive their callers.
struct Inner {
    pools: Pools,
    log_format: LogFormat,
    observer: Arc<dyn CommitObserver>,
    follower: Arc<Follower>,
    /// Moments increase among the transactions of this process, and are later than those that it has read in the log. Those of
    /// transactions that overlap can be in another order than their places in the log.
    commit_clock: Arc<CommitClock>,
    /// Where the lengths of pauses come from.
    entropy: Arc<dyn Entropy>,
    /// Jobs that write several rows are run again one at a time: those that waited for each other don't do so twice.
    again: tokio::sync::Mutex<()>,
    /// Of the connections, those that may write at a time: writes can wait for each other, and reads go on meanwhile.
    writers: Semaphore,
    /// The standbys that answer reads, if there are any.
    replicas: Option<Replicas>,
}

impl PostgresDatabase {
    /// `following` follows the log until the database is closed.
    pub(super) fn new(
        (pools, replicas, lease): (Pools, Option<Replicas>, Arc<Lease>),
        (follower, following): (Arc<Follower>, AbortHandle),
        (log_format, observer): (LogFormat, Arc<dyn CommitObserver>),
        (commit_clock, entropy): (Arc<CommitClock>, Arc<dyn Entropy>),
    ) -> Self {
        let (again, writers) = (tokio::sync::Mutex::default(), Semaphore::new(pools.writers()));
        let inner =
            Arc::new(Inner { pools, log_format, observer, follower, commit_clock, entropy, again, writers, replicas });
        Self { inner, lease, following }
    }
}

impl Inner {
    async fn run_to_end(&self, mut job: Box<dyn Job>) {
        for run in 1..=RUNS {
            match self.run_on_a_connection(job.as_mut(), run).await {
                Ok(Ended::MayRunAgain) if run < RUNS => self.pause(run).await,
                Ok(Ended::Done | Ended::MayRunAgain) => break,
                Err(error) => {
                    job.fail(error);
                    break;
                }
            }
        }
        job.answer();
    }

    /// Waits before a job is run again, longer from time to time, and never as long as others that met it.
    async fn pause(&self, run: usize) {
        let mut random = [0];
        self.entropy.fill(&mut random);
        let most = PAUSE_MICROS << run.min(LONGEST_PAUSE);
        tokio::time::sleep(Duration::from_micros(most * (u64::from(random[0]) + 1) / 256)).await;
    }

    /// Takes a connection and runs a job once. If it fails there, the job keeps the error.
    async fn run_on_a_connection(&self, job: &mut dyn Job, run: usize) -> Result<Ended, StoreError> {
        job.interest().begin(Instant::now())?;
        let deadline = Deadline::from_std(job.interest().deadline());
        let access = match job.writes() {
            Writes::None => Access::Read,
            Writes::One | Writes::Many => Access::Write,
            Writes::Serializable => Access::Serializable,
        };
        let _turn = match job.writes() {
            Writes::Many | Writes::Serializable if run > 1 => {
                Some(timeout_at(deadline, self.again.lock()).await.map_err(|_| StoreError::Busy)?)
            }
            Writes::None | Writes::One | Writes::Many | Writes::Serializable => None,
        };
        let _writer = match access {
            Access::Read => None,
            Access::Write | Access::Serializable => {
                let permit = timeout_at(deadline, self.writers.acquire()).await.map_err(|_| StoreError::Busy)?;
                Some(permit.expect("it is never closed"))
            }
        };
        let mut session = self.session(access, deadline).await?;
        if self.run_once(job, &mut session, run).await {
            return Ok(Ended::Done);
        }
        // It was run in vain: if the server doesn't answer this, the connection is given up.
        let undone = async {
            session.roll_back().await;
            session.may_run_again() || session.was_done().await
        };
        let again = timeout(Duration::from_secs(CANCEL_SECONDS), undone).await.unwrap_or(false);
        Ok(if again { Ended::MayRunAgain } else { Ended::Done })
    }

    /// A connection by the deadline.
    async fn session(&self, access: Access, deadline: Deadline) -> Result<PostgresSession, StoreError> {
        let taken = PostgresSession::take(&self.pools, access);
        self.follower.silence().bound((deadline, StoreError::Busy), taken).await?
    }

    /// Runs a job once; returns whether it was committed. If not, the job keeps the error.
    async fn run_once(&self, job: &mut dyn Job, session: &mut PostgresSession, run: usize) -> bool {
        let moment = match job.writes() {
            Writes::None => Ok(self.commit_clock.now()),
            Writes::One | Writes::Many | Writes::Serializable => self.commit_clock.next(),
        };
        let Ok(moment) = moment.map_err(|error| job.fail(error)) else { return false };
        let deadline = Deadline::from_std(job.interest().deadline());
        let tx = Tx::new(session, moment);
        let tx = if run == 1 { tx } else { tx.again() };
        let ran = self.follower.silence().bound((deadline, StoreError::TimeLimit), job.run(tx)).await;
        let Ok(ran) = ran.map_err(|error| job.fail(error)) else { return false };
        let Ok(pending) = ran else { return false };
        let (origin, interest, silence) = (job.origin(), job.interest().clone(), self.follower.silence());
        let changes = &pending.changes;
        let staged = (!changes.is_empty()).then(|| self.log_format.stage(moment, &origin, changes));
        if let Some((append, _)) = &staged {
            job.logged(append.commit);
        }
        let committed = async {
            let statements = session.left_to_do(&pending, staged.as_ref().map(|(append, _)| append), moment)?;
            interest.commit()?;
            let Some((Append { keys, .. }, leaf)) = &staged else {
                return commit(session, statements, (deadline, silence)).await;
            };
            let committed = Committed { changes, keys };
            self.observer.before_commit(committed);
            commit(session, statements, (deadline, silence)).await?;
            self.observer.after_commit(committed);
            self.follower.committed(*leaf);
            Ok(())
        };
        let committed = committed.await;
        interest.rolled_back();
        if let (Some(replicas), Some(_), Ok(()) | Err(StoreError::Unknown(_))) = (&self.replicas, &staged, &committed) {
            // Its caller may not wait any more, and nobody else notes it then.
            replicas.wrote(interest.demand().flow);
        }
        committed.map_err(|error| job.fail(error)).is_ok()
    }

    async fn read_rows(
        &self,
        demand: Demand,
        statement: &Statement,
        sink: &mut dyn RowSink,
    ) -> Result<ReadStats, StoreError> {
        if let Some(answered) = self.read_from_replica(demand, statement, sink).await {
            return answered;
        }
        let deadline = Deadline::from_std(demand.deadline);
        let mut runs = 0;
        loop {
            runs += 1;
            let mut session = self.session(Access::Read, deadline).await?;
            sink.begin(usize::MAX);
            let mut visit = |row: &dyn OwnRow| sink.row(row);
            let time = time_for(statement.searches(), Deadline::now(), deadline);
            let read = self.follower.silence().bound(time, session.read(statement, &mut visit)).await;
            match read.unwrap_or_else(Err) {
                // Nothing has come of a statement whose server, or the way to it, is gone.
                Err(StoreError::StepLimit) => {
                    let answers = session.ends_statement(deadline).await;
                    return Err(if answers { StoreError::StepLimit } else { silent_server() });
                }
                Ok(stats) => {
                    sink.end();
                    return Ok(stats);
                }
                // The connection was lost while nobody used it, or just now.
                Err(_) if session.may_run_again() && runs < RUNS => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// `None`: the primary has to answer the read.
    async fn read_from_replica(
        &self,
        demand: Demand,
        statement: &Statement,
        sink: &mut dyn RowSink,
    ) -> Option<Result<ReadStats, StoreError>> {
        let (Some(replicas), Freshness::Bounded { since }) = (&self.replicas, demand.freshness) else { return None };
        sink.begin(usize::MAX);
        let mut visit = |row: &dyn OwnRow| sink.row(row);
        let time = time_for(statement.searches(), Deadline::now(), Deadline::from_std(demand.deadline));
        let answered = replicas.read((demand.flow, since), time, (statement, &mut visit)).await?;
        if answered.is_ok() {
            sink.end();
        }
        Some(answered)
    }

    async fn read_own_rows(&self, statement: &Statement, visit: &mut Visit<'_>) -> Result<(), StoreError> {
        let time = (Deadline::now() + Duration::from_secs(limits::READ_SECONDS), StoreError::Busy);
        let read = async {
            let mut session = PostgresSession::take(&self.pools, Access::Read).await?;
            session.read(statement, visit).await.map(|_| ())
        };
        self.follower.silence().bound(time, read).await?
    }

    async fn settle_log(&self) -> Result<(), StoreError> {
        let time = (Deadline::now() + Duration::from_secs(limits::READ_SECONDS), StoreError::Busy);
        let settled = async {
            let apart = self.pools.take_apart().await?;
            let settled = Sequencer::settle(apart.client()?).await;
            apart.end();
            settled
        };
        self.follower.silence().bound(time, settled).await?
    }
}

/// Until when a statement that reads by itself may run, and the error if it takes longer. The server doesn't count steps:
/// time stands for them.
fn time_for(searches: bool, now: Deadline, deadline: Deadline) -> (Deadline, StoreError) {
    let until = now + Duration::from_secs(if searches { limits::SEARCH_SECONDS } else { limits::READ_SECONDS });
    if until < deadline { (until, StoreError::StepLimit) } else { (deadline, StoreError::TimeLimit) }
}

/// How a run of a job ended.
enum Ended {
    /// It was committed, or has an error that it keeps.
    Done,
    /// It has an error that may be gone with the next run.
    MayRunAgain,
}

/// Commits, and has the server end that if it takes longer than the request may: it can wait for another transaction. Then
/// the server says what became of it, or, if it says nothing, nobody knows.
async fn commit(
    session: &mut PostgresSession,
    statements: Vec<Last>,
    (deadline, silence): (Deadline, &Silence),
) -> Result<(), StoreError> {
    let pools = session.pools().clone();
    let token = session.client().cancel_token();
    let mut committing = pin!(session.commit_with(statements));
    match silence.bound((deadline, StoreError::TimeLimit), &mut committing).await {
        Ok(committed) => return committed,
        Err(StoreError::Unreachable(cause)) => return Err(StoreError::Unknown(cause)),
        Err(_) => {}
    }
    let cancel_timeout = Duration::from_secs(CANCEL_SECONDS);
    let (_, ended) = join(timeout(cancel_timeout, pools.cancel(&token)), timeout(cancel_timeout, committing)).await;
    ended.unwrap_or_else(|elapsed| Err(StoreError::Unknown(Arc::new(elapsed))))
}

impl Database for PostgresDatabase {
    fn dialect(&self) -> Dialect {
        Dialect::Postgres
    }

    fn run(&self, job: Box<dyn Job>) -> Answer<'_, ()> {
        // A commit that has begun is ended, and others told of it, whether or not its caller still waits.
        let inner = Arc::clone(&self.inner);
        tokio::spawn(async move { inner.run_to_end(job).await });
        at_once(Ok(()))
    }

    // The server schedules statements itself, so flows take no turns here; a share of the pool's connections for each of
    // them belongs where connections are taken.
    fn read<'a>(
        &'a self,
        demand: Demand,
        statement: &'a Statement,
        sink: &'a mut dyn RowSink,
    ) -> Answer<'a, Option<ReadStats>> {
        later(async move { self.inner.read_rows(demand, statement, sink).await.map(Some) })
    }

    fn read_long(&self, mut read: Box<dyn LongRead>) -> Answer<'_, ()> {
        later(async move {
            let demand = read.interest().demand();
            let (statement, sink) = read.parts();
            let outcome = self.inner.read_rows(demand, statement, sink).await;
            read.ended(outcome);
            Ok(())
        })
    }

    fn take_turn(&self, _demand: Demand, work: Box<dyn FnOnce() + Send>) -> Answer<'_, ()> {
        let unhurried = || {
            lower_priority();
            work();
        };
        later(async move { tokio::task::spawn_blocking(unhurried).await.map_err(|_| StoreError::Closed) })
    }

    fn read_own<'a>(&'a self, statement: &'a Statement, visit: &'a mut Visit<'_>) -> Answer<'a, ()> {
        later(self.inner.read_own_rows(statement, visit))
    }

    fn settle_log(&self) -> Answer<'_, ()> {
        later(self.inner.settle_log())
    }

    fn reach(&self, commit: CommitId) -> Answer<'_, Instant> {
        later(async move { Ok(self.inner.follower.reach(commit).await) })
    }

    fn wrote(&self, flow: Flow) {
        if let Some(replicas) = &self.inner.replicas {
            replicas.wrote(flow);
        }
    }

    fn replicas(&self) -> ReplicaCount {
        self.inner.replicas.as_ref().map(Replicas::count).unwrap_or_default()
    }

    fn is_current(&self) -> bool {
        self.inner.follower.is_current()
    }

    fn must_yield(&self) -> bool {
        self.lease.is_lost() || self.inner.follower.is_asked()
    }

    fn is_keeper(&self) -> bool {
        self.inner.follower.is_keeper()
    }

    fn back_up(&self, _to: &Path, _watch: &mut Watch<'_>) -> Result<Checked, CopyError> {
        Err(CopyError::OnServer)
    }

    fn has_failed(&self) -> bool {
        // Every connection fails for itself, and the pool replaces it.
        self.lease.is_lost()
    }

    fn close(&self) {
        self.following.abort();
        if let Some(replicas) = &self.inner.replicas {
            replicas.close();
        }
        self.inner.pools.close();
    }
}

impl Drop for PostgresDatabase {
    fn drop(&mut self) {
        self.following.abort();
    }
}

impl fmt::Debug for PostgresDatabase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresDatabase").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_has_less_time_than_a_request() {
        let now = Deadline::now();
        let check = |searches: bool, left: u64, (seconds, expected): (u64, &str)| {
            let (until, over) = time_for(searches, now, now + Duration::from_secs(left));
            assert_eq!((until - now, over.to_string().as_str()), (Duration::from_secs(seconds), expected), "{left}");
        };
        let (costly, late) =
            ("the statement needs more steps than its budget allows", "the time for the statement is up");
        check(false, 30, (10, costly));
        check(false, 10, (10, late));
        check(false, 3, (3, late));
        check(true, 30, (5, costly));
        check(true, 3, (3, late));
    }
}
