use std::fmt;

use backstay_base::Timestamp;
use backstay_sql::{Row, Statement};

use crate::own::Visit;
use crate::sqlite::Session;
use crate::{Change, KeyClaim, ReadStats, Recall, StoreError, idempotency};

/// The transaction of one operation.
pub struct Tx<'a> {
    session: TxSession<'a>,
    now: Timestamp,
    pending: Pending,
    /// What was run since `watch`.
    watched: Option<Vec<Executed>>,
}

/// A statement that an operation ran, and what it cost. For one that writes `rows` are those that it changed, and the
/// rest is 0.
#[derive(Debug, Clone)]
pub struct Executed {
    /// The statement.
    pub statement: Statement,
    /// What it cost.
    pub stats: ReadStats,
}

/// The connection that a transaction runs on.
pub(crate) enum TxSession<'a> {
    Sqlite(&'a mut Session),
    #[cfg(feature = "postgres")]
    Postgres(&'a mut crate::postgres::Session),
}

/// What an operation leaves to be done after it has ended well.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    /// Writes that need no answer.
    pub(crate) staged: Vec<Staged>,
    /// Its part in the commit log.
    pub(crate) changes: Vec<Change>,
    /// Its idempotency record.
    pub(crate) remembered: Option<Remembered>,
    /// Whether it has changed rows already.
    pub(crate) wrote: bool,
    /// Whether a statement failed: an operation that goes on from there does not commit. (PostgreSQL would have ended
    /// the transaction.)
    pub(crate) failed: bool,
}

/// A write that needs no answer.
#[derive(Debug)]
pub(crate) struct Staged {
    pub(crate) statement: Statement,
    pub(crate) expected_rows: Option<u64>,
}

impl Staged {
    /// Whether the statement changed as many rows as it had to.
    pub(crate) fn check(&self, found: u64) -> Result<(), StoreError> {
        match self.expected_rows {
            Some(expected) if expected != found => Err(StoreError::StagedRows { expected, found }),
            _ => Ok(()),
        }
    }
}

/// An answer to be kept under an idempotency key.
#[derive(Debug)]
pub(crate) struct Remembered {
    pub(crate) claim: KeyClaim,
    pub(crate) answer: Vec<u8>,
    pub(crate) expires: Timestamp,
}

impl<'a> Tx<'a> {
    pub(crate) fn new(session: TxSession<'a>, now: Timestamp) -> Self {
        Self { session, now, pending: Pending::default(), watched: None }
    }

    /// Ends the operation's part: what is left to be done.
    pub(crate) fn finish(self) -> Pending {
        self.pending
    }

    /// Runs a statement and shows its rows, in order; answers how many there were.
    pub async fn rows(
        &mut self,
        statement: &Statement,
        visit: &mut (dyn FnMut(&dyn Row) -> Result<(), StoreError> + Send),
    ) -> Result<u64, StoreError> {
        self.flush().await?;
        self.show(statement, &mut |row| visit(row)).await
    }

    /// Runs a statement that writes; answers how many rows it changed.
    pub async fn execute(&mut self, statement: &Statement) -> Result<u64, StoreError> {
        self.flush().await?;
        self.run(statement).await
    }

    /// Keeps the statements that are run from now on, for an explanation.
    pub fn watch(&mut self) {
        self.watched = Some(Vec::new());
    }

    /// The statements that were run since `watch`, in order.
    pub fn watched(&mut self) -> Vec<Executed> {
        self.watched.take().unwrap_or_default()
    }

    /// Runs what is staged now, for who wants its errors before the operation has ended.
    pub async fn settle(&mut self) -> Result<(), StoreError> {
        self.flush().await
    }

    /// Runs what is staged, so that the next statement sees it. What fails here undoes the operation, whatever it does
    /// with the error.
    async fn flush(&mut self) -> Result<(), StoreError> {
        for staged in std::mem::take(&mut self.pending.staged) {
            let changed = self.run(&staged.statement).await?;
            if let Err(error) = staged.check(changed) {
                self.pending.failed = true;
                return Err(error);
            }
        }
        Ok(())
    }

    async fn run(&mut self, statement: &Statement) -> Result<u64, StoreError> {
        let changed = match &mut self.session {
            TxSession::Sqlite(session) => session.execute_within(statement),
            #[cfg(feature = "postgres")]
            TxSession::Postgres(session) => session.execute(statement).await,
        };
        self.pending.failed |= changed.is_err();
        self.pending.wrote |= changed.as_ref().is_ok_and(|changed| *changed > 0);
        self.note(statement, changed.as_ref().ok().map(|rows| ReadStats { rows: *rows, ..ReadStats::default() }));
        changed
    }

    fn note(&mut self, statement: &Statement, stats: Option<ReadStats>) {
        if let (Some(watched), Some(stats)) = (&mut self.watched, stats) {
            watched.push(Executed { statement: statement.clone(), stats });
        }
    }

    /// Adds a write that needs no answer: it is run before the next statement that has one, or when the operation has
    /// ended well, and its errors surface only then. With `expected_rows`, another number of changed rows is `StoreError::StagedRows`.
    pub fn stage(&mut self, statement: Statement, expected_rows: Option<u64>) {
        self.pending.staged.push(Staged { statement, expected_rows });
    }

    /// Adds a change to the operation's entry in the commit log, in order.
    pub fn change(&mut self, change: Change) {
        self.pending.changes.push(change);
    }

    /// What is known of an idempotency key. A record that has expired at the operation's moment is unknown.
    pub async fn recall(&mut self, claim: &KeyClaim) -> Result<Recall, StoreError> {
        let statement = idempotency::recall(claim, self.now);
        let mut known = Recall::New;
        self.show(&statement, &mut |row| {
            known = idempotency::read(row, claim)?;
            Ok(())
        })
        .await?;
        Ok(known)
    }

    async fn show(&mut self, statement: &Statement, visit: &mut Visit<'_>) -> Result<u64, StoreError> {
        let shown = match &mut self.session {
            TxSession::Sqlite(session) => session.rows_within(statement, visit),
            #[cfg(feature = "postgres")]
            TxSession::Postgres(session) => {
                session.rows(statement, visit).await.map(|rows| ReadStats { rows, ..ReadStats::default() })
            }
        };
        self.pending.failed |= shown.is_err();
        self.note(statement, shown.as_ref().ok().copied());
        shown.map(|stats| stats.rows)
    }

    /// Keeps the answer under the idempotency key, in the same commit, until it expires. The answer is stored as it is:
    /// one that holds a secret must not be remembered.
    pub fn remember(&mut self, claim: KeyClaim, answer: Vec<u8>, expires: Timestamp) {
        self.pending.remembered = Some(Remembered { claim, answer, expires });
    }
}

impl fmt::Debug for Tx<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tx").field("pending", &self.pending).finish_non_exhaustive()
    }
}
