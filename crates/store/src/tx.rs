use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use backstay_audit::RecordKey;
use backstay_base::{DependencyKey, Timestamp, limits};
use backstay_model::CollectionId;
use backstay_sql::{Param, Row, Statement};
use sha2::{Digest, Sha256};

use crate::idempotency::{self, Remembered};
use crate::own::int;
use crate::sequence::{Counted, Series};
use crate::session::{Before, Session, Staged, Visit};
use crate::{Change, DueSum, KeyClaim, QueuePlace, ReadStats, Recall, StoreError, due_sums, tombstones};

/// One transaction as the `Work` that runs in it sees it.
pub struct Tx<'a> {
    session: &'a mut (dyn Session + 'a),
    moment: Timestamp,
    pending: Pending,
    /// The counters that it has used.
    counters: HashMap<Series, Counted>,
    /// The statements that were run since `watch`.
    watched: Option<Vec<Executed>>,
    /// Whether an earlier run met another transaction.
    is_rerun: bool,
}

/// A statement that was run, and what it cost. For one that writes, `rows` is the number of rows that it changed, and
/// the other costs are 0.
#[derive(Debug, Clone)]
pub struct Executed {
    /// Its text.
    pub sql: Arc<str>,
    /// What it cost.
    pub stats: ReadStats,
    /// How long it took.
    pub time: Duration,
}

/// What a `Work` leaves to be done after it has succeeded.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    /// Writes that need no answer.
    pub(crate) staged: Vec<Staged>,
    /// Its changes for the commit log.
    pub(crate) changes: Vec<Change>,
    /// A look-up of its idempotency key, which goes ahead of the next statement and must find nothing.
    pub(crate) recall: Option<Statement>,
    /// Its idempotency record.
    pub(crate) remembered: Option<Remembered>,
    /// Bytes of its entry in the commit log, once that is written.
    pub(crate) logged_bytes: usize,
    /// Bytes of the values in its writes.
    pub(crate) written_bytes: usize,
    /// Whether it has changed rows already.
    pub(crate) wrote: bool,
    /// How many writes it has staged or run, without counters that may skip numbers.
    pub(crate) writes: u64,
    /// Whether a statement failed: the transaction then doesn't commit, even if the work ignores the error. (PostgreSQL
    /// has aborted it at this point.)
    pub(crate) failed: bool,
}

impl Pending {
    /// Whether it has written so much that others notice.
    pub(crate) fn is_large(&self) -> bool {
        self.changes.len() >= limits::LARGE_CHANGES
            || self.logged_bytes >= limits::LARGE_LOG_BYTES
            || self.written_bytes >= limits::LARGE_WRITTEN_BYTES
    }
}

impl<'a> Tx<'a> {
    pub(crate) fn new(session: &'a mut (dyn Session + 'a), moment: Timestamp) -> Self {
        let (pending, counters) = (Pending::default(), HashMap::new());
        Self { session, moment, pending, counters, watched: None, is_rerun: false }
    }

    /// The same transaction, which met another one when it was run before.
    #[cfg(feature = "postgres")]
    pub(crate) fn again(self) -> Self {
        Self { is_rerun: true, ..self }
    }

    /// What is left to be done.
    pub(crate) fn finish(mut self) -> Pending {
        for (series, counted) in std::mem::take(&mut self.counters) {
            if let Some(last) = counted.unstored() {
                self.stage(series.set(last), Some(1));
            }
        }
        self.pending
    }

    /// The moment of the transaction, which its entry in the commit log has: later than that of every earlier commit. Of
    /// a transaction that only reads, the moment at which it began.
    pub fn moment(&self) -> Timestamp {
        self.moment
    }

    /// Whether it is run again because another transaction was in the way: what it writes is better locked before it is read.
    pub fn is_rerun(&self) -> bool {
        self.is_rerun
    }

    /// Whether it has changed this record so far.
    pub fn has_changed(&self, collection: CollectionId, record: &RecordKey) -> bool {
        self.pending.changes.iter().any(|change| change.collection == collection && change.record == *record)
    }

    /// How many changes it has made so far.
    pub fn changes(&self) -> usize {
        self.pending.changes.len()
    }

    /// Runs a statement that doesn't depend on what is staged, which stays staged: locks are taken before anything is written.
    pub async fn rows_before_staged(
        &mut self,
        statement: &Statement,
        visit: &mut (dyn FnMut(&dyn Row) -> Result<(), StoreError> + Send),
    ) -> Result<u64, StoreError> {
        self.show_after(&[], statement, &mut |row| visit(row)).await
    }

    /// Runs a statement and passes its rows to `visit` in order; returns how many there were.
    pub async fn rows(
        &mut self,
        statement: &Statement,
        visit: &mut (dyn FnMut(&dyn Row) -> Result<(), StoreError> + Send),
    ) -> Result<u64, StoreError> {
        self.show_flushed(statement, &mut |row| visit(row)).await
    }

    /// Runs a statement that writes; returns how many rows it changed.
    pub async fn execute(&mut self, statement: &Statement) -> Result<u64, StoreError> {
        self.pending.writes += 1;
        self.flush().await?;
        self.run(statement).await
    }

    /// Notes that the next statement of `rows` or `rows_before_staged` writes and returns what it has written.
    pub fn will_write(&mut self) {
        self.pending.writes += 1;
        self.pending.wrote = true;
    }

    /// Records the statements that are run from now on, for an explanation.
    pub fn watch(&mut self) {
        self.watched = Some(Vec::new());
    }

    /// The statements that were run since `watch`, in order.
    pub fn watched(&mut self) -> Vec<Executed> {
        // Nothing was recorded if nobody asked for it.
        self.watched.take().unwrap_or_default()
    }

    /// Another transaction was in the way: this one fails, and may succeed when it is run again.
    pub fn overtaken(&mut self) {
        self.session.overtaken();
    }

    /// Runs what is staged now, so that its errors surface here and not at the end.
    pub async fn settle(&mut self) -> Result<(), StoreError> {
        self.flush().await
    }

    /// Runs what is staged, so that the next statement sees it. An error here undoes the transaction, even if the work
    /// ignores it.
    async fn flush(&mut self) -> Result<(), StoreError> {
        let all = std::mem::take(&mut self.pending.staged);
        if self.watched.is_none()
            && let Some(pipeline) = self.session.pipeline()
        {
            let recall = self.pending.recall.take();
            let ran = pipeline.run_staged(Before { unless: recall.as_ref(), staged: &all }).await;
            self.pending.failed |= ran.is_err();
            return ran;
        }
        for staged in all {
            let changed = self.run(&staged.statement).await?;
            if let Err(error) = staged.check(changed) {
                self.pending.failed = true;
                self.session.overtaken();
                return Err(error);
            }
        }
        Ok(())
    }

    /// Runs what is staged and then a statement that reads: on a server, in one round trip.
    async fn show_flushed(&mut self, statement: &Statement, visit: &mut Visit<'_>) -> Result<u64, StoreError> {
        if self.watched.is_some() || self.session.pipeline().is_none() {
            self.flush().await?;
            return self.show(statement, visit).await;
        }
        let staged = std::mem::take(&mut self.pending.staged);
        self.show_after(&staged, statement, visit).await
    }

    /// Runs a statement that reads after these, and after the look-up that goes ahead of the next one.
    async fn show_after(
        &mut self,
        staged: &[Staged],
        statement: &Statement,
        visit: &mut Visit<'_>,
    ) -> Result<u64, StoreError> {
        let recall = self.pending.recall.take();
        match self.session.pipeline().filter(|_| recall.is_some() || !staged.is_empty()) {
            Some(pipeline) => {
                let shown = pipeline.query_after(Before { unless: recall.as_ref(), staged }, statement, visit).await;
                self.pending.failed |= shown.is_err();
                shown.map(|stats| stats.rows)
            }
            None => self.show(statement, visit).await,
        }
    }

    async fn run(&mut self, statement: &Statement) -> Result<u64, StoreError> {
        let began = self.watched.as_ref().map(|_| Instant::now());
        let changed = self.session.execute(statement).await;
        self.pending.failed |= changed.is_err();
        self.pending.wrote |= changed.as_ref().is_ok_and(|changed| *changed > 0);
        self.note(
            statement,
            (began, changed.as_ref().ok().map(|rows| ReadStats { rows: *rows, ..ReadStats::default() })),
        );
        changed
    }

    fn note(&mut self, statement: &Statement, (began, stats): (Option<Instant>, Option<ReadStats>)) {
        if let (Some(watched), Some(began), Some(stats)) = (&mut self.watched, began, stats) {
            watched.push(Executed { sql: statement.shared_text(), stats, time: began.elapsed() });
        }
    }

    /// Adds a write that needs no answer. It is run before the next statement that has one, or when the work has
    /// succeeded, and its errors surface only then. With `expected_rows`, any other number of changed rows is
    /// `StoreError::StagedRows`.
    pub fn stage(&mut self, statement: Statement, expected_rows: Option<u64>) {
        self.pending.writes += 1;
        self.pending.written_bytes += statement.params().iter().map(Param::size).sum::<usize>();
        self.pending.staged.push(Staged { statement, expected_rows });
    }

    /// Bytes of the texts, documents and octets in the writes that were staged so far.
    pub fn written_bytes(&self) -> usize {
        self.pending.written_bytes
    }

    /// How many writes were staged or run so far, those aside that let a counter skip numbers. `None` once a statement has failed:
    /// the transaction doesn't commit then.
    pub fn writes(&self) -> Option<u64> {
        (!self.pending.failed).then_some(self.pending.writes)
    }

    /// Adds a change to the transaction's entry in the commit log, in order.
    pub fn change(&mut self, change: Change) {
        self.pending.changes.push(change);
    }

    /// The last versions of those of these records that were deleted. Until the transaction ends, no other one deletes any of
    /// them.
    pub async fn last_versions(
        &mut self,
        records: &BTreeSet<DependencyKey>,
    ) -> Result<HashMap<DependencyKey, i64>, StoreError> {
        let dialect = self.session.dialect();
        let mut last = HashMap::new();
        self.show_flushed(&tombstones::last_versions(dialect, records), &mut |row| {
            last.insert(DependencyKey(int(row, 0)?.cast_unsigned()), int(row, 1)?);
            Ok(())
        })
        .await?;
        if let Some(unclaim) = tombstones::unclaim(dialect, records) {
            self.stage(unclaim, None);
        }
        Ok(last)
    }

    /// Keeps the last version of a record that is going to be deleted, for one that is created with its id. To be called
    /// before its deletion is staged.
    pub fn bury(&mut self, record: DependencyKey, version: i64) {
        self.stage(tombstones::keep(record, version), Some(1));
    }

    /// Queues a stored sum that has to follow what this transaction does.
    pub fn queue_sum(&mut self, due: &DueSum) {
        self.stage(due.queue(), Some(1));
    }

    /// Lets one entry of a stored sum in the queue stand for the first ones, of at most so many, and returns its place; `None`
    /// if the sum isn't queued. Once this is committed, a read sees every change for which the others were there.
    pub async fn merge_queued(&mut self, due: &DueSum, entries: u32) -> Result<Option<QueuePlace>, StoreError> {
        let mut last = None;
        self.show_flushed(&due.last_of_first(entries), &mut |row| {
            last = Some(due_sums::read_place(row)?);
            Ok(())
        })
        .await?;
        if let Some(place) = last {
            self.stage(due.remove_before(place), None);
        }
        Ok(last)
    }

    /// Removes the entry of a stored sum that has been computed since `merge_queued` returned this place.
    pub fn unqueue_sum(&mut self, place: QueuePlace) {
        self.stage(due_sums::remove_at(place), Some(1));
    }

    /// The first stored sums in the queue after a place, in order; one can be there several times.
    pub async fn queued_sums(
        &mut self,
        after: QueuePlace,
        limit: u32,
    ) -> Result<Vec<(QueuePlace, DueSum)>, StoreError> {
        let mut found = Vec::new();
        self.show_flushed(&due_sums::next(after, limit), &mut |row| {
            found.push(due_sums::read(row)?);
            Ok(())
        })
        .await?;
        Ok(found)
    }

    /// Whether a stored sum is in the queue.
    pub async fn is_queued(&mut self, due: &DueSum) -> Result<bool, StoreError> {
        Ok(self.show_flushed(&due.find(), &mut |_| Ok(())).await? > 0)
    }

    /// How often stored sums are in the queue.
    pub async fn queue_length(&mut self) -> Result<u64, StoreError> {
        let mut length = 0;
        self.show_flushed(&due_sums::count(), &mut |row| {
            length = int(row, 0)?.cast_unsigned();
            Ok(())
        })
        .await?;
        Ok(length)
    }

    /// What is known about an idempotency key. A record that has expired counts as unknown.
    pub async fn recall(&mut self, claim: &KeyClaim) -> Result<Recall, StoreError> {
        let statement = idempotency::recall(claim, self.moment);
        let mut known = Recall::New;
        self.show(&statement, &mut |row| {
            known = idempotency::read(row, claim)?;
            Ok(())
        })
        .await?;
        self.session.claim((known == Recall::New).then_some(statement));
        Ok(known)
    }

    /// Looks the key up ahead of the next statement, or of the commit, and lets the transaction run again if it is known. `false`:
    /// that would save nothing, or this is such a run, and `recall` has to be asked.
    pub fn recall_later(&mut self, claim: &KeyClaim) -> bool {
        let later = !self.is_rerun && self.watched.is_none() && self.session.pipeline().is_some();
        if later {
            let recall = idempotency::recall(claim, self.moment);
            self.session.claim(Some(recall.clone()));
            self.pending.recall = Some(recall);
        }
        later
    }

    /// Looks the key up if no statement was sent since: what commits by itself isn't done for a request that was done before.
    async fn settle_recall(&mut self) -> Result<(), StoreError> {
        let Some(recall) = self.pending.recall.take().filter(|_| !self.pending.failed) else { return Ok(()) };
        if self.show(&recall, &mut |_| Ok(())).await? == 0 {
            return Ok(());
        }
        self.pending.failed = true;
        self.session.overtaken();
        Err(StoreError::Busy)
    }

    /// Lets nobody else do what is done under this name until the transaction ends: what is read afterwards, of what is
    /// written under the name alone, stays as it is. Names are told apart by 8 bytes of their digest, so that two of them may
    /// wait for each other needlessly.
    pub async fn lock(&mut self, name: &str) -> Result<(), StoreError> {
        let locked = self.session.lock(number_of(name)).await;
        self.pending.failed |= locked.is_err();
        locked
    }

    /// The same of several names, in an order that is the same in every transaction.
    pub async fn lock_all(&mut self, names: impl Iterator<Item = String>) -> Result<(), StoreError> {
        let numbers: BTreeSet<i64> = names.map(|name| number_of(&name)).collect();
        let locked = self.session.lock_all(numbers.into_iter().collect()).await;
        self.pending.failed |= locked.is_err();
        locked
    }

    /// The next number of a series. With `gapless`, other transactions that want one of it wait until this one has ended, and
    /// get this number if it is undone; without it, they wait for nobody on a server.
    pub async fn next_number(&mut self, series: &Series, gapless: bool) -> Result<i64, StoreError> {
        let known = self.counters.get_mut(series);
        let block = match known {
            None => 1,
            Some(counted) => match counted.next() {
                Some(number) => return Ok(number),
                None => counted.block(),
            },
        };
        let (end, apart) = self.count(&series.count(block), gapless).await?;
        let last = end - block + 1;
        let counted = match apart {
            true => Counted::Reserved { last, end, block },
            false => Counted::Held { last, stored: end },
        };
        self.counters.insert(series.clone(), counted);
        Ok(last)
    }

    /// Whether the numbers that it has drawn of a series are given to others if it is undone.
    pub fn holds_counter(&self, series: &Series) -> bool {
        matches!(self.counters.get(series), Some(Counted::Held { .. }))
    }

    /// Lets a series go on after this number, if it isn't further already.
    pub async fn raise_number(&mut self, series: &Series, to: i64, gapless: bool) -> Result<(), StoreError> {
        if self.counters.get_mut(series).is_some_and(|counted| counted.covers(to)) {
            return Ok(());
        }
        let (last, apart) = self.count(&series.raise(to), gapless).await?;
        let counted = match apart {
            true => Counted::Reserved { last, end: last, block: 1 },
            false => Counted::Held { last, stored: last },
        };
        self.counters.insert(series.clone(), counted);
        Ok(())
    }

    /// Runs a statement that changes a counter. Returns where it stands, and whether that is committed.
    async fn count(&mut self, statement: &Statement, gapless: bool) -> Result<(i64, bool), StoreError> {
        self.settle_recall().await?;
        self.pending.writes += u64::from(gapless);
        let mut last = Err(StoreError::Catalog("backstay_sequence"));
        let visit: &mut Visit<'_> = &mut |row| {
            last = int(row, 0);
            Ok(())
        };
        let apart = match self.session.query_apart(statement, visit).filter(|_| !gapless) {
            Some(answer) => Some(answer.await?),
            None => None,
        };
        if apart.is_none() {
            self.pending.wrote = true;
            self.show(statement, visit).await?;
        }
        Ok((last?, apart.is_some()))
    }

    pub(crate) async fn show(&mut self, statement: &Statement, visit: &mut Visit<'_>) -> Result<u64, StoreError> {
        let began = self.watched.as_ref().map(|_| Instant::now());
        let shown = self.session.query(statement, visit).await;
        // What is too large can be asked for again, with fewer rows.
        self.pending.failed |= matches!(&shown, Err(error) if !matches!(error, StoreError::TooLarge));
        self.note(statement, (began, shown.as_ref().ok().copied()));
        shown.map(|stats| stats.rows)
    }

    /// Keeps the answer under the idempotency key, in the same commit, until it expires. The answer is stored in plain
    /// text: one that holds a secret must not be remembered.
    pub fn remember(&mut self, claim: KeyClaim, answer: Vec<u8>, expires: Timestamp) {
        self.pending.remembered = Some(Remembered { claim, answer, expires });
    }
}

impl fmt::Debug for Tx<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tx").field("pending", &self.pending).finish_non_exhaustive()
    }
}

/// What distinguishes a name.
fn number_of(name: &str) -> i64 {
    let digest: [u8; 32] = Sha256::digest(name).into();
    digest[..8].iter().fold(0, |number, byte| number << 8 | i64::from(*byte))
}
