use std::collections::VecDeque;
use std::io::ErrorKind;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;

use backstay_base::{DependencyKey, limits};

use super::connection::SqliteSession;
use super::error::store_error;
use super::file::{self, Identity};
use super::shared::Shared;
use crate::job::Job;
use crate::log::Place;
use crate::tx::{Pending, Tx};
use crate::{Change, Committed, StoreError, Writes, idempotency, log};

/// Runs groups of jobs, each group in one transaction with one COMMIT.
pub(super) struct GroupCommit {
    pub(super) session: SqliteSession,
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
#[derive(Default)]
struct Group {
    /// Those that succeeded.
    done: Vec<Box<dyn Job>>,
    /// Those that failed. They are answered with the others, because what they saw may not be durable yet.
    failed: Vec<Box<dyn Job>>,
    changes: Vec<Change>,
    keys: Vec<DependencyKey>,
    entries: i64,
}

impl Group {
    fn committed(&self) -> Committed<'_> {
        Committed { changes: &self.changes, keys: &self.keys }
    }
}

/// How a job ended.
enum Ended {
    /// It succeeded.
    Done,
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
        Ok(Self { session, shared, last_sequence, data_version, path, identity })
    }

    /// Runs the first job and those that `next` returns, commits, and answers them all. An error means that the store
    /// must not go on.
    pub(super) fn run(
        &mut self,
        first: Box<dyn Job>,
        next: impl FnMut() -> Option<Box<dyn Job>>,
    ) -> Result<(), StoreError> {
        let mut group = Group::default();
        let mut waiting = VecDeque::from([first]);
        let outcome = self.run_all(&mut group, &mut waiting, next).and_then(|()| self.commit(&group));
        if self.session.take_full() || matches!(outcome, Err(StoreError::Full)) {
            self.shared.set_full(true);
        } else if group.entries > 0 {
            self.shared.set_full(false);
        }
        if let Err(error) = &outcome {
            if is_final(error) {
                self.shared.fail(error);
            }
            for job in group.done.iter_mut().chain(&mut waiting) {
                job.fail(error.clone());
            }
        } else {
            self.last_sequence += group.entries;
            self.shared.count_commit();
            if !group.changes.is_empty() {
                self.shared.observer.after_commit(group.committed());
            }
        }
        let all = group.done.into_iter().chain(group.failed).chain(waiting);
        all.for_each(Job::answer);
        outcome.or_else(|error| if is_final(&error) { Err(error) } else { self.rollback() })
    }

    fn run_all(
        &mut self,
        group: &mut Group,
        waiting: &mut VecDeque<Box<dyn Job>>,
        mut next: impl FnMut() -> Option<Box<dyn Job>>,
    ) -> Result<(), StoreError> {
        self.begin()?;
        let mut taken = 1;
        loop {
            if waiting.is_empty() && taken < limits::GROUP_TRANSACTIONS {
                waiting.extend(next());
                taken += 1;
            }
            let Some(mut job) = waiting.pop_front() else { return Ok(()) };
            if job.interest().is_lost() {
                continue;
            }
            let ended = self.run_one(job.as_mut(), group);
            match ended {
                Ok(Ended::Done) => group.done.push(job),
                Ok(Ended::Undone) => group.failed.push(job),
                Ok(Ended::TransactionLost) => {
                    group.failed.push(job);
                    group.done.drain(..).rev().for_each(|job| waiting.push_front(job));
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

    /// Runs one job to its end, log entry included. An error means that the store must not go on.
    fn run_one(&mut self, job: &mut dyn Job, group: &mut Group) -> Result<Ended, StoreError> {
        let savepoint = job.writes() == Writes::Many;
        self.session.work_for(job.interest(), job.kilo_steps());
        if savepoint {
            self.session.command("SAVEPOINT one")?;
        }
        let moment = self.shared.commit_clock.next()?;
        let (mut pending, mut well) = match job.poll_once(Tx::new(&mut self.session, moment)) {
            Ok(pending) => (pending, true),
            Err(pending) => (pending, false),
        };
        let mut keys = Vec::new();
        if well {
            let place = Place { sequence: self.last_sequence + group.entries + 1, moment };
            let completed = self.complete(job, &mut pending, place);
            match completed.and_then(|keys| self.release(savepoint).map(|()| keys)) {
                Ok(added) => keys = added,
                Err(error) => {
                    job.fail(error);
                    well = false;
                }
            }
        }
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
            self.session.write_within(&append.statement)?;
            pending.wrote = true;
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
            self.session.lift_step_budget();
            self.session.command("ROLLBACK TO one")?;
            self.session.command("RELEASE one")?;
            return Ok(Ended::Undone);
        }
        Ok(if wrote { Ended::TransactionLost } else { Ended::Undone })
    }

    fn begin(&mut self) -> Result<(), StoreError> {
        self.session.lift_step_budget();
        self.session.command("BEGIN IMMEDIATE")?;
        self.detect_foreign_changes()
    }

    fn commit(&mut self, group: &Group) -> Result<(), StoreError> {
        if !group.changes.is_empty() {
            self.shared.observer.before_commit(group.committed());
        }
        self.session.lift_step_budget();
        // A COMMIT that failed while writing may turn out to be durable when the database is opened again.
        self.session.command("COMMIT").map_err(|error| match error {
            StoreError::Io(cause) | StoreError::Corrupt(cause) => StoreError::Unknown(cause),
            other => other,
        })
    }

    fn rollback(&mut self) -> Result<(), StoreError> {
        if self.session.db.is_autocommit() {
            return Ok(());
        }
        self.session.lift_step_budget();
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
        self.session.lift_step_budget();
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
