//! What the rest of the store needs of a connection, whatever the database.

use std::collections::HashSet;

use backstay_sql::{DecodeError, Dialect, Row, Statement};
use futures_util::future::{BoxFuture, Either, Ready, ready};

use crate::{ReadStats, StoreError};

/// An answer that an embedded database has at once, without an allocation, and that a server sends later.
pub(crate) type Answer<'a, T> = Either<Ready<Result<T, StoreError>>, BoxFuture<'a, Result<T, StoreError>>>;

/// An answer that is known already.
pub(crate) fn at_once<'a, T>(answer: Result<T, StoreError>) -> Answer<'a, T> {
    Either::Left(ready(answer))
}

/// An answer that has to be awaited.
pub(crate) fn later<'a, T>(answer: impl Future<Output = Result<T, StoreError>> + Send + 'a) -> Answer<'a, T> {
    Either::Right(Box::pin(answer))
}

/// A row of one of the store's own tables, which alone hold raw bytes.
pub(crate) trait OwnRow: Row {
    /// The bytes in this column.
    fn bytes(&self, column: usize) -> Result<Option<&[u8]>, DecodeError>;
}

/// Takes the rows of a result, one after the other.
pub(crate) type Visit<'v> = dyn FnMut(&dyn OwnRow) -> Result<(), StoreError> + Send + 'v;

/// A connection within a transaction.
pub(crate) trait Session: Send {
    /// Which SQL it speaks.
    fn dialect(&self) -> Dialect;

    /// Runs a statement and passes its rows to `visit`.
    fn query<'a>(&'a mut self, statement: &'a Statement, visit: &'a mut Visit<'_>) -> Answer<'a, ReadStats>;

    /// Runs a statement that writes; returns how many rows it changed.
    fn execute<'a>(&'a mut self, statement: &'a Statement) -> Answer<'a, u64>;

    /// Waits until no other transaction has a lock of this name, and has it until the transaction ends.
    fn lock(&mut self, name: i64) -> Answer<'_, ()>;

    /// The same of several names, one after the other in their order.
    fn lock_all(&mut self, names: Vec<i64>) -> Answer<'_, ()>;

    /// Notes that another transaction has changed what this one has read, and that it has to be run again.
    fn overtaken(&mut self);

    /// If the transaction fails, it is to be run again if this statement finds something by then: another transaction has done
    /// the same. `None`: it is no longer.
    fn claim(&mut self, done: Option<Statement>);

    /// How to send several statements at once, if that saves the time of a way to a server and back.
    fn pipeline(&mut self) -> Option<&mut dyn Pipeline>;

    /// Runs a statement that writes in a transaction of its own, which is committed at once, and passes its rows to `visit`.
    /// `None`: transactions of this database never wait for each other, so that it belongs into the one at hand.
    fn query_apart<'a>(
        &'a mut self,
        statement: &'a Statement,
        visit: &'a mut Visit<'_>,
    ) -> Option<Answer<'a, ReadStats>>;
}

/// A connection to a server, to which several statements go together: the first one that fails is the error of all.
pub(crate) trait Pipeline: Send {
    /// Runs statements that write, each of which must change as many rows as it says.
    fn run_staged<'a>(&'a mut self, before: Before<'a>) -> Answer<'a, ()>;

    /// The same, and then a statement whose rows go to `visit`.
    fn query_after<'a>(
        &'a mut self,
        before: Before<'a>,
        statement: &'a Statement,
        visit: &'a mut Visit<'_>,
    ) -> Answer<'a, ReadStats>;
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

/// What is sent ahead of a statement.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Before<'a> {
    /// A statement that must have no row, else the transaction is to be run again.
    pub(crate) unless: Option<&'a Statement>,
    /// Statements that write.
    pub(crate) staged: &'a [Staged],
}

/// A connection that can also begin and end transactions and describe the database: what opening a database needs.
pub(crate) trait SchemaSession: Session {
    /// Whose database it is and in which format.
    fn contents(&mut self) -> Answer<'_, Contents>;

    /// Records the format of the store's own tables, within the transaction.
    fn set_format(&mut self, format: i64) -> Answer<'_, ()>;

    /// Lets the commit log have every entry that was committed.
    fn settle_log(&mut self) -> Answer<'_, ()>;

    /// The tables, columns and indexes that exist.
    fn objects(&mut self) -> Answer<'_, HashSet<Object>>;

    /// Begins a transaction; one that will write if the session may.
    fn begin(&mut self) -> Answer<'_, ()>;

    /// Commits the transaction.
    fn commit(&mut self) -> Answer<'_, ()>;

    /// Rolls the transaction back, unless the database has done so already.
    fn roll_back(&mut self) -> Answer<'_, ()>;
}

/// The format of a database that is the beginning of a copy. Older versions of Backstay refuse it as one of the future.
pub(crate) const COPYING: i64 = 1_000_000;

/// What a database holds when it is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Contents {
    /// Nothing yet.
    Nothing,
    /// Backstay's tables, in this format.
    Backstay {
        /// See `own::format`.
        format: i64,
    },
    /// The beginning of a copy of such a database.
    UnfinishedCopy,
    /// Tables of another program.
    Foreign,
}

impl Contents {
    /// What a database holds that has Backstay's tables and this number as their format.
    pub(crate) fn of_format(format: i64) -> Self {
        if format == COPYING { Self::UnfinishedCopy } else { Self::Backstay { format } }
    }
}

/// Something that a database consists of, by name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Object {
    /// A table.
    Table(String),
    /// A column of a table.
    Column(String, String),
    /// An index.
    Index(String),
    /// A foreign key to a table, from another one.
    Reference(String, String),
    /// Something on a table that isn't Backstay's, in words: a view of it, a trigger.
    Dependent(String, String),
}
