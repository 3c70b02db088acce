use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;

use backstay_audit::Origin;
use backstay_base::limits;

use super::error::store_error;
use super::file::{self, Identity};
use super::job::Job;
use super::{Session, Shared};
use crate::own::int;
use crate::tx::Pending;
use crate::{Change, StoreError, Writes, idempotency, log};

/// Runs groups of operations, each group in one transaction with one COMMIT.
pub(super) struct GroupCommit {
    pub(super) session: Session,
    shared: Arc<Shared>,
    /// The last place of the log that is taken by a durable entry.
    last_sequence: i64,
    /// What SQLite said of the file at the last look: another number tells of another process.
    data_version: i64,
    path: PathBuf,
    /// Which file it is: a name can be taken away from it while it is open.
    identity: Identity,
}

/// The operations of a group that have ended well and wait for its COMMIT.
#[derive(Default)]
struct Group {
    done: Vec<Box<dyn Job>>,
    /// Those that failed: they are answered with the others, because what they saw may not be durable yet.
    failed: Vec<Box<dyn Job>>,
    changes: Vec<Change>,
    entries: i64,
}

/// How an operation ended.
enum Ended {
    Well,
    /// It failed, and nothing of it is left in the transaction.
    Undone,
    /// It failed, and the transaction with it.
    Spoilt,
}

impl GroupCommit {
    pub(super) fn new(mut session: Session, shared: Arc<Shared>, path: PathBuf) -> Result<Self, StoreError> {
        let mut last_sequence = 0;
        session.rows(&log::last(), &mut |row| {
            last_sequence = int(row, 0)?;
            Ok(())
        })?;
        let data_version = data_version(&session)?;
        let identity = file::identity(&path).map_err(|error| StoreError::Io(Arc::new(error)))?;
        Ok(Self { session, shared, last_sequence, data_version, path, identity })
    }

    /// Runs the first operation and those that `next` has at hand, commits, and answers them all. An error means that
    /// the store must not go on.
    pub(super) fn run(
        &mut self,
        first: Box<dyn Job>,
        next: impl FnMut() -> Option<Box<dyn Job>>,
    ) -> Result<(), StoreError> {
        let mut group = Group::default();
        let mut waiting = VecDeque::from([first]);
        let outcome = self.run_all(&mut group, &mut waiting, next).and_then(|()| self.commit(&group));
        if self.session.met_full() || matches!(outcome, Err(StoreError::Full)) {
            self.shared.full(true);
        } else if group.entries > 0 {
            self.shared.full(false);
        }
        if let Err(error) = &outcome {
            if is_final(error) {
                self.shared.die(error);
            }
            for job in group.done.iter_mut().chain(&mut waiting) {
                job.fail(error.clone());
            }
        } else {
            self.last_sequence += group.entries;
            self.shared.committed();
            if !group.changes.is_empty() {
                self.shared.observer.after_commit(&group.changes);
            }
        }
        let all = group.done.into_iter().chain(group.failed).chain(waiting);
        all.for_each(super::job::Job::answer);
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
            if waiting.is_empty() && taken < limits::GROUP_OPERATIONS {
                waiting.extend(next());
                taken += 1;
            }
            let Some(mut job) = waiting.pop_front() else { return Ok(()) };
            let ended = self.run_one(job.as_mut(), group);
            match ended {
                Ok(Ended::Well) => group.done.push(job),
                Ok(Ended::Undone) => group.failed.push(job),
                Ok(Ended::Spoilt) => {
                    group.failed.push(job);
                    group.done.drain(..).rev().for_each(|job| waiting.push_front(job));
                    (group.changes, group.entries) = (Vec::new(), 0);
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

    /// Runs one operation to its end, log entry included. An error means that the store must not go on.
    fn run_one(&mut self, job: &mut dyn Job, group: &mut Group) -> Result<Ended, StoreError> {
        let savepoint = job.writes() == Writes::Many;
        self.session.allow(limits::OPERATION_KILO_STEPS);
        if savepoint {
            self.session.command("SAVEPOINT operation").map_err(store_error)?;
        }
        let origin = job.origin();
        let (mut pending, mut well) = match job.run(&mut self.session, &origin) {
            Ok(pending) => (pending, true),
            Err(pending) => (pending, false),
        };
        if well {
            let sequence = self.last_sequence + group.entries + 1;
            let completed = self.complete(&mut pending, &origin, sequence);
            if let Err(error) = completed.and_then(|()| self.release(savepoint)) {
                job.fail(error);
                well = false;
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
        Ok(Ended::Well)
    }

    /// Does what an operation left for its end: staged writes, the idempotency record, the log entry.
    fn complete(&mut self, pending: &mut Pending, origin: &Origin, sequence: i64) -> Result<(), StoreError> {
        if pending.failed {
            return Err(StoreError::Aborted);
        }
        for staged in &pending.staged {
            let changed = self.session.execute_within(&staged.statement)?;
            pending.wrote |= changed > 0;
            staged.check(changed)?;
        }
        if let Some(remembered) = &pending.remembered {
            let changed = self.session.execute_within(&idempotency::remember(remembered, origin.moment))?;
            pending.wrote |= changed > 0;
            if changed != 1 {
                return Err(StoreError::StagedRows { expected: 1, found: changed });
            }
        }
        if !pending.changes.is_empty() {
            let format = &self.shared.log_format;
            // The encoder refuses by a panic what no entry can hold: it is this operation's fault alone.
            let statement = catch_unwind(AssertUnwindSafe(|| format.append(sequence, origin, &pending.changes)))
                .map_err(|_| StoreError::Panicked)?;
            self.session.execute_within(&statement)?;
            pending.wrote = true;
        }
        Ok(())
    }

    fn release(&self, savepoint: bool) -> Result<(), StoreError> {
        if savepoint { self.session.command("RELEASE operation").map_err(store_error) } else { Ok(()) }
    }

    /// Takes a failed operation's writes back.
    fn undo(&self, savepoint: bool, wrote: bool) -> Result<Ended, StoreError> {
        if self.session.db.is_autocommit() {
            return Ok(Ended::Spoilt);
        }
        if savepoint {
            self.session.allow_all();
            self.session.command("ROLLBACK TO operation").map_err(store_error)?;
            self.session.command("RELEASE operation").map_err(store_error)?;
            return Ok(Ended::Undone);
        }
        Ok(if wrote { Ended::Spoilt } else { Ended::Undone })
    }

    fn begin(&mut self) -> Result<(), StoreError> {
        self.session.allow_all();
        self.session.command("BEGIN IMMEDIATE").map_err(store_error)?;
        self.look_around()
    }

    fn commit(&mut self, group: &Group) -> Result<(), StoreError> {
        if !group.changes.is_empty() {
            self.shared.observer.before_commit(&group.changes);
        }
        self.session.allow_all();
        // A COMMIT that failed in the middle of writing may be found done when the database is opened again.
        self.session.command("COMMIT").map_err(|error| match store_error(error) {
            StoreError::Io(cause) | StoreError::Corrupt(cause) => StoreError::Unknown(cause),
            other => other,
        })
    }

    fn rollback(&mut self) -> Result<(), StoreError> {
        if self.session.db.is_autocommit() {
            return Ok(());
        }
        self.session.allow_all();
        self.session.command("ROLLBACK").map_err(store_error)
    }

    /// Notices that another process has written, or taken the file away.
    pub(super) fn look_around(&mut self) -> Result<(), StoreError> {
        if file::identity(&self.path).ok() != Some(self.identity) {
            return Err(StoreError::Moved);
        }
        let found = data_version(&self.session)?;
        if found != self.data_version {
            self.data_version = found;
            let mut last = self.last_sequence;
            self.session.rows(&log::last(), &mut |row| {
                last = int(row, 0)?;
                Ok(())
            })?;
            self.last_sequence = last;
            self.shared.committed();
            self.shared.observer.foreign_change();
        }
        Ok(())
    }

    /// Removes expired idempotency records, at most `PRUNED_AT_ONCE` of them; tells whether there may be more.
    pub(super) fn prune(&mut self) -> Result<bool, StoreError> {
        self.session.allow_all();
        let now = self.shared.ambient.clock.now();
        let removed = self.session.execute(&idempotency::prune(now))?;
        Ok(removed >= idempotency::PRUNED_AT_ONCE)
    }
}

/// Whether the store must not go on after this error.
pub(super) fn is_final(error: &StoreError) -> bool {
    error.is_fatal() || matches!(error, StoreError::Unknown(_) | StoreError::Panicked)
}

fn data_version(session: &Session) -> Result<i64, StoreError> {
    let query = |session: &Session| session.db.prepare_cached("PRAGMA data_version")?.query_row([], |row| row.get(0));
    query(session).map_err(store_error)
}
