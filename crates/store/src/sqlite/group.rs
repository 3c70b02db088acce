use std::collections::VecDeque;
use std::io::ErrorKind;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use backstay_base::{DependencyKey, Flow, limits};

use super::allowance::{Hold, Members};
use super::connection::SqliteSession;
use super::error::store_error;
use super::file::{self, Identity};
use super::shared::Shared;
use super::turns::{Amount, Run, Sharing, Turns};
use crate::job::Job;
use crate::log::Place;
use crate::tx::{Pending, Tx};
use crate::{Change, Committed, StoreError, idempotency, log};

/// Runs groups of jobs, each group in one transaction with one COMMIT.
pub(super) struct GroupCommit {
    pub(super) session: SqliteSession,
    /// Where the jobs come from.
    pub(super) turns: Arc<Turns>,
    shared: Arc<Shared>,
    /// The place of the last durable entry in the log.
    last_sequence: i64,
    /// SQLite's `data_version` when it was last checked: it changes when another process writes.
    data_version: i64,
    path: PathBuf,
    /// Which file it is: an open file can be moved or replaced.
    identity: Identity,
}

/// The jobs of a group that has not been committed yet.
struct Group {
    sharing: Sharing,
    /// The flow of its first job.
    flow: Flow,
    /// Those who wait for it, once it has jobs of other flows.
    members: Option<Arc<Members>>,
    /// Jobs that have joined it so far.
    joined: usize,
    /// For how long they have run.
    worked: Duration,
    /// For how long those have run whose writes may be what makes its COMMIT take long.
    large: Vec<(Flow, Duration, Amount)>,
    /// How much the job that ran last has written.
    amount: Amount,
    /// The job that joined it and has not been run yet.
    next: Option<Box<dyn Job>>,
    /// Those that have to be run again.
    again: VecDeque<Box<dyn Job>>,
    /// Those that succeeded.
    done: Vec<Box<dyn Job>>,
    /// Those that failed. They are answered with the others, because what they saw may not be durable yet.
    failed: Vec<Box<dyn Job>>,
    changes: Vec<Change>,
    keys: Vec<DependencyKey>,
    entries: i64,
}

impl Group {
    fn new(first: Box<dyn Job>, sharing: Sharing) -> Self {
        Self {
            sharing,
            flow: first.interest().flow(),
            members: None,
            joined: 1,
            worked: Duration::ZERO,
            large: Vec::new(),
            amount: Amount::Small,
            next: Some(first),
            again: VecDeque::new(),
            done: Vec::new(),
            failed: Vec::new(),
            changes: Vec::new(),
            keys: Vec::new(),
            entries: 0,
        }
    }

    fn committed(&self) -> Committed<'_> {
        Committed { changes: &self.changes, keys: &self.keys }
    }

    /// Takes the next job, which has not been run before, from the queue.
    fn join(&mut self, turns: &Turns) -> Option<Box<dyn Job>> {
        if self.sharing == Sharing::Alone || self.joined >= limits::GROUP_TRANSACTIONS {
            return None;
        }
        let job = turns.join(self.members.is_none().then_some(self.flow), self.worked)?;
        self.joined += 1;
        if self.members.is_none() && job.interest().flow() != self.flow {
            let interests = self.done.iter().chain(&self.failed).map(|job| job.interest().clone());
            self.members = Some(Arc::new(Members::new(interests)));
        }
        Some(job)
    }

    /// How long this job may hold the writer; the system's own are bounded by their steps alone.
    fn hold(&self, flow: Flow, turns: &Arc<Turns>) -> Option<Hold> {
        let millis = match self.sharing {
            _ if flow == Flow::SYSTEM => return None,
            Sharing::Shared => limits::SHARED_HOLD_MILLIS,
            Sharing::Alone if flow.is_anonymous() => limits::ANONYMOUS_HOLD_MILLIS,
            Sharing::Alone => limits::HOLD_MILLIS,
        };
        let until = Instant::now() + Duration::from_millis(millis);
        Some(Hold { until, turns: Arc::clone(turns), members: self.members.clone() })
    }

    /// Takes note of a job that has run and is answered with it.
    fn note(&mut self, job: &dyn Job, run: Run) {
        if let Some(members) = &self.members {
            members.add(job.interest().clone());
        }
        if run.amount.is_large() {
            self.large.push((job.interest().flow(), run.held, run.amount));
        }
    }

    /// Its COMMIT took this long: what its large jobs wrote is why.
    fn charge(&self, turns: &Turns, took: Duration) {
        let worked: Duration = self.large.iter().map(|(_, held, _)| *held).sum();
        let ended = Instant::now();
        for (flow, held, amount) in &self.large {
            let share = took.mul_f64(held.div_duration_f64(worked));
            let run = Run { held: *held + share, ended, amount: *amount };
            turns.charge(*flow, share, run, self.sharing);
        }
    }
}

/// How a job ended.
enum Ended {
    /// It succeeded.
    Done,
    /// It was not begun, because nobody waits for it.
    Abandoned,
    /// It was not begun, because its deadline has come.
    Late,
    /// It failed, and nothing of it is left in the transaction.
    Undone,
    /// It failed, and the transaction has to be rolled back.
    TransactionLost,
}

impl GroupCommit {
    pub(super) fn new(
        session: SqliteSession,
        shared: Arc<Shared>,
        path: PathBuf,
        last: Option<Place>,
    ) -> Result<Self, StoreError> {
        let data_version = data_version(&session)?;
        let identity = file::identity(&path).map_err(|error| StoreError::Io(Arc::new(error)))?;
        // Places are numbered from 1.
        let last_sequence = last.map_or(0, |last| last.sequence);
        Ok(Self { session, turns: Arc::new(Turns::new()), shared, last_sequence, data_version, path, identity })
    }

    /// Runs the first job and those that may share its commit, commits, and answers them all. An error means that the
    /// store must not go on.
    pub(super) fn run(&mut self, first: Box<dyn Job>, sharing: Sharing) -> Result<(), StoreError> {
        let mut group = Group::new(first, sharing);
        let outcome = self.run_all(&mut group).and_then(|()| self.commit(&group));
        if self.session.take_full() || matches!(outcome, Err(StoreError::Full)) {
            self.shared.set_full(true);
        } else if group.entries > 0 {
            self.shared.set_full(false);
        }
        if let Err(error) = &outcome {
            if is_final(error) {
                self.shared.fail(error);
            }
            for job in group.done.iter_mut().chain(&mut group.again).chain(&mut group.next) {
                job.fail(error.clone());
            }
        } else {
            self.last_sequence += group.entries;
            self.shared.count_commit();
            if !group.changes.is_empty() {
                self.shared.observer.after_commit(group.committed());
            }
        }
        let all = group.done.into_iter().chain(group.failed).chain(group.again).chain(group.next);
        all.for_each(Job::answer);
        outcome.or_else(|error| if is_final(&error) { Err(error) } else { self.rollback() })
    }

    fn run_all(&mut self, group: &mut Group) -> Result<(), StoreError> {
        self.begin().inspect_err(|_| {
            if let Some(first) = &group.next {
                let run = Run { held: Duration::ZERO, ended: Instant::now(), amount: Amount::Small };
                self.turns.ended(first.interest().flow(), run, group.sharing);
            }
        })?;
        loop {
            let again = group.again.pop_front();
            let is_again = again.is_some();
            let next = again.or_else(|| group.next.take()).or_else(|| group.join(&self.turns));
            let Some(mut job) = next else { return Ok(()) };
            let (flow, began) = (job.interest().flow(), Instant::now());
            let ended = match job.interest().begin(began) {
                _ if job.interest().is_lost() => Ok(Ended::Abandoned),
                Err(error) => {
                    job.fail(error);
                    Ok(Ended::Late)
                }
                Ok(()) => self.run_one(job.as_mut(), group),
            };
            let ended_at = Instant::now();
            let amount = std::mem::take(&mut group.amount);
            let run = Run { held: ended_at - began, ended: ended_at, amount };
            group.worked += run.held;
            if !is_again {
                self.turns.ended(flow, run, group.sharing);
            }
            match ended {
                Ok(Ended::Done) => {
                    group.note(job.as_ref(), run);
                    group.done.push(job);
                }
                Ok(Ended::Abandoned) => {}
                Ok(Ended::Late) => group.failed.push(job),
                Ok(Ended::Undone) => self.set_aside(job, run, group),
                Ok(Ended::TransactionLost) => {
                    self.set_aside(job, run, group);
                    for job in group.done.drain(..).rev() {
                        job.interest().rolled_back();
                        group.again.push_front(job);
                    }
                    group.large.clear();
                    (group.changes, group.keys, group.entries) = (Vec::new(), Vec::new(), 0);
                    self.rollback()?;
                    self.begin()?;
                }
                Err(error) => {
                    group.done.push(job);
                    return Err(error);
                }
            }
        }
    }

    /// Keeps a failed job for its answer, or lets it wait for a commit of its own if it only took too long for this one.
    fn set_aside(&self, job: Box<dyn Job>, run: Run, group: &mut Group) {
        if self.session.preempted() && group.sharing == Sharing::Shared {
            self.turns.put_back(job, run);
        } else {
            group.note(job.as_ref(), run);
            group.failed.push(job);
        }
    }

    /// Runs one job to its end, log entry included. An error means that the store must not go on.
    fn run_one(&mut self, job: &mut dyn Job, group: &mut Group) -> Result<Ended, StoreError> {
        // What is alone in its transaction is undone with that.
        let savepoint = job.writes().is_undone_apart() && group.sharing == Sharing::Shared;
        self.session.share_commit(savepoint);
        let hold = group.hold(job.interest().flow(), &self.turns);
        if savepoint {
            // Without the limits of the job before or of this one: an error here is the whole group's.
            self.session.lift_limits();
            self.session.command("SAVEPOINT one")?;
        }
        self.session.write_for(job.interest(), job.kilo_steps(), hold);
        let moment = self.shared.commit_clock.next()?;
        let (mut pending, mut well) = match job.poll_once(Tx::new(&mut self.session, moment)) {
            Ok(pending) => (pending, true),
            Err(pending) => (pending, false),
        };
        let mut keys = Vec::new();
        if well {
            let place = Place { sequence: self.last_sequence + group.entries + 1, moment };
            let completed = self.complete(job, &mut pending, place);
            let completed = completed.and_then(|keys| job.interest().commit().map(|()| keys));
            match completed.and_then(|keys| self.release(savepoint).map(|()| keys)) {
                Ok(added) => keys = added,
                Err(error) => {
                    job.fail(error);
                    well = false;
                }
            }
        }
        group.amount = Amount::of(&pending);
        if let Some(fatal) = self.session.fatal() {
            return Err(fatal);
        }
        if !well {
            return self.undo(savepoint, pending.wrote);
        }
        group.entries += i64::from(!pending.changes.is_empty());
        group.changes.append(&mut pending.changes);
        group.keys.append(&mut keys);
        Ok(Ended::Done)
    }

    /// Does what a job left to be done: staged writes, the idempotency record, the log entry. Returns the keys of what the
    /// entry changes.
    fn complete(
        &mut self,
        job: &dyn Job,
        pending: &mut Pending,
        place: Place,
    ) -> Result<Vec<DependencyKey>, StoreError> {
        if pending.failed {
            return Err(StoreError::Aborted);
        }
        for staged in &pending.staged {
            let changed = self.session.write_within(&staged.statement)?;
            pending.wrote |= changed > 0;
            staged.check(changed)?;
        }
        if let Some(remembered) = &pending.remembered {
            let changed = self.session.write_within(&idempotency::remember(remembered, place.moment))?;
            pending.wrote |= changed > 0;
            if changed != 1 {
                return Err(StoreError::StagedRows { expected: 1, found: changed });
            }
        }
        if !pending.changes.is_empty() {
            let (format, origin) = (&self.shared.log_format, job.origin());
            // The encoder asserts what an entry can hold: a violation is this job's fault alone.
            let append = catch_unwind(AssertUnwindSafe(|| format.append(place, &origin, &pending.changes)))
                .map_err(|_| StoreError::Panicked)?;
            pending.logged_bytes = append.bytes;
            self.session.write_within(&append.statement)?;
            pending.wrote = true;
            job.logged(append.commit);
            return Ok(append.keys);
        }
        Ok(Vec::new())
    }

    fn release(&self, savepoint: bool) -> Result<(), StoreError> {
        if savepoint { self.session.command("RELEASE one") } else { Ok(()) }
    }

    /// Undoes a failed job's writes.
    fn undo(&self, savepoint: bool, wrote: bool) -> Result<Ended, StoreError> {
        if self.session.db.is_autocommit() {
            return Ok(Ended::TransactionLost);
        }
        if savepoint {
            self.session.lift_limits();
            self.session.command("ROLLBACK TO one")?;
            self.session.command("RELEASE one")?;
            return Ok(Ended::Undone);
        }
        Ok(if wrote { Ended::TransactionLost } else { Ended::Undone })
    }

    fn begin(&mut self) -> Result<(), StoreError> {
        self.session.lift_limits();
        self.session.command("BEGIN IMMEDIATE")?;
        self.detect_foreign_changes()
    }

    fn commit(&mut self, group: &Group) -> Result<(), StoreError> {
        if !group.changes.is_empty() {
            self.shared.observer.before_commit(group.committed());
        }
        self.session.lift_limits();
        let began = Instant::now();
        // A COMMIT that failed while writing may turn out to be durable when the database is opened again.
        self.session.command("COMMIT").map_err(|error| match error {
            StoreError::Io(cause) | StoreError::Corrupt(cause) => StoreError::Unknown(cause),
            other => other,
        })?;
        group.charge(&self.turns, began.elapsed());
        Ok(())
    }

    fn rollback(&mut self) -> Result<(), StoreError> {
        if self.session.db.is_autocommit() {
            return Ok(());
        }
        self.session.lift_limits();
        self.session.command("ROLLBACK")
    }

    /// Detects that another process has written to the database, or moved its file away.
    pub(super) fn detect_foreign_changes(&mut self) -> Result<(), StoreError> {
        match file::identity(&self.path) {
            Ok(found) if found == self.identity => {}
            Ok(_) => return Err(StoreError::Moved),
            Err(error) if error.kind() == ErrorKind::NotFound => return Err(StoreError::Moved),
            Err(error) => return Err(StoreError::Io(Arc::new(error))),
        }
        let found = data_version(&self.session)?;
        if found != self.data_version {
            self.data_version = found;
            let mut last = None;
            self.session.read(&log::last(), &mut |row| {
                last = Some(log::read_place(row)?.0);
                Ok(())
            })?;
            if let Some(last) = last {
                self.last_sequence = last.sequence;
                self.shared.commit_clock.observe(last.moment);
            }
            self.shared.count_commit();
            self.shared.observer.foreign_change();
        }
        Ok(())
    }

    /// Removes expired idempotency records, at most `PRUNED_AT_ONCE` of them; returns whether there may be more.
    pub(super) fn prune(&mut self) -> Result<bool, StoreError> {
        self.session.lift_limits();
        let now = self.shared.commit_clock.now();
        let removed = self.session.write(&idempotency::prune(now))?;
        Ok(removed >= idempotency::PRUNED_AT_ONCE)
    }
}

/// Whether the store must not go on after this error.
pub(super) fn is_final(error: &StoreError) -> bool {
    error.is_fatal() || matches!(error, StoreError::Unknown(_) | StoreError::Panicked)
}

fn data_version(session: &SqliteSession) -> Result<i64, StoreError> {
    let query =
        |session: &SqliteSession| session.db.prepare_cached("PRAGMA data_version")?.query_row([], |row| row.get(0));
    query(session).map_err(store_error)
}
