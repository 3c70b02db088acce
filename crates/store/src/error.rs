use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;

use backstay_base::{Limit, QueueFull};
use backstay_sql::DecodeError;

use crate::server::ServerProblem;
use crate::step::{Step, told};

/// The cause of an error as the driver reports it, for the log only.
pub type Cause = Arc<dyn Error + Send + Sync>;

/// Why a transaction or a read failed. Unless it is `Unknown`, nothing of the transaction was stored.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// Another row has the same values.
    #[error("another row of {table} has the same {}", columns.join(", "))]
    Unique {
        /// The table.
        table: String,
        /// The columns of the unique index; only `id` for the primary key.
        columns: Vec<String>,
    },
    /// The same, where the database names the index alone: one over what isn't a column.
    #[error("another row has the same values in {index}")]
    UniqueIndex {
        /// The index.
        index: String,
    },
    /// A reference to a row that does not exist, or the deletion of a row that is still referred to.
    #[error("a reference would lead to a row that does not exist")]
    ForeignKey,
    /// A check or an exclusion of the database, such as one of an adopted table.
    #[error("the database's constraint {constraint} refuses the row")]
    Check {
        /// Its name.
        constraint: String,
    },
    /// A value that its column does not accept.
    #[error("a value violates a constraint of the table")]
    Constraint(#[source] Cause),
    /// A staged statement changed an unexpected number of rows: the record was changed at the same time.
    #[error("a statement changed {found} rows instead of {expected}")]
    StagedRows {
        /// How many it should have changed.
        expected: u64,
        /// How many it changed.
        found: u64,
    },
    /// The step budget was used up.
    #[error("the statement needs more steps than its budget allows")]
    StepLimit,
    /// The deadline has passed, or nobody waits for the result any more.
    #[error("the time for the statement is up")]
    TimeLimit,
    /// The transaction held the writer for too long while others waited for it.
    #[error("the transaction held the writer for too long while others waited for it")]
    HoldLimit,
    /// A value, or the rows of a read, exceed the size limit.
    #[error("a value or a result exceeds the size limit")]
    TooLarge,
    /// Too many transactions are waiting, the deadline came before this one was begun, or another process holds a lock.
    #[error("the database is busy")]
    Busy,
    /// Another transaction had a lock for longer than a write waits for one.
    #[error("another transaction keeps locked what this one needs")]
    Locked,
    /// Too many transactions or reads of the same flow, or of the same source, are waiting.
    #[error("too many transactions or reads of the same caller or network are waiting for the database")]
    Share,
    /// The sink makes more of the rows than the thread of its caller has time for: the read is repeated elsewhere.
    #[error("the read is too large for the thread of its caller")]
    LargeRead,
    /// There is no memory for what is made of the rows.
    #[error("there is no memory for what is made of the rows")]
    Memory(#[source] Limit),
    /// The disk, the user's quota or the size that the database may have is used up.
    #[error("there is no space left for the database")]
    Full,
    /// Reading or writing the disk failed. This ends the store.
    #[error("reading or writing the database failed")]
    Io(#[source] Cause),
    /// The database's file was moved or replaced, so that writes would be lost. This ends the store.
    #[error("the database's file was moved or replaced")]
    Moved,
    /// The database's file is damaged. This ends the store.
    #[error("the database is damaged")]
    Corrupt(#[source] Cause),
    /// The work awaited something other than its transaction.
    #[error("the work awaited something other than its transaction")]
    Pending,
    /// The work panicked, or one of the store's threads did, which ends the store.
    #[error("Backstay panicked; the log shows where")]
    Panicked,
    /// The work ignored that one of its statements had failed, so its transaction was rolled back.
    #[error("a statement of the transaction had failed before")]
    Aborted,
    /// A work that declared `Writes::None` tried to write.
    #[error("a transaction that only reads tried to write")]
    ReadOnly,
    /// A stored value is not of its column's type.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// One of the store's own tables holds something that Backstay did not write.
    #[error("Backstay's own table {0} holds something that Backstay did not write")]
    Catalog(&'static str),
    /// The last commit's moment is the last one there is, or the clock shows a later one.
    #[error("the system's clock is, or was, set to the end of the year 9999: there is no moment for a later commit")]
    NoLaterMoment,
    /// The store is closed, or failed earlier.
    #[error("the database is closed")]
    Closed,
    /// The database server can't be reached or can't keep the promises any more, or the connection was lost before COMMIT.
    #[error("the database server can't be used")]
    Unreachable(#[source] Cause),
    /// Another process has changed the model of the database, or made another database of it. This ends the store.
    #[error("another Backstay has changed the database's model")]
    Displaced,
    /// The connection was lost during COMMIT: the transaction may be stored or not.
    #[error("the connection was lost during the commit")]
    Unknown(#[source] Cause),
    /// Another error of the database.
    #[error("the database rejected a statement")]
    Database(#[source] Cause),
}

impl StoreError {
    /// Whether nothing is wrong with what is stored, and the next attempt may succeed.
    fn may_pass(&self) -> bool {
        match self {
            Self::StagedRows { .. }
            | Self::TimeLimit
            | Self::HoldLimit
            | Self::Busy
            | Self::Locked
            | Self::Share
            | Self::Memory(_)
            | Self::Full
            | Self::Unreachable(_)
            | Self::Displaced
            | Self::Unknown(_)
            | Self::Closed => true,
            Self::Unique { .. }
            | Self::UniqueIndex { .. }
            | Self::ForeignKey
            | Self::Check { .. }
            | Self::Constraint(_)
            | Self::StepLimit
            | Self::TooLarge
            | Self::LargeRead
            | Self::Io(_)
            | Self::Moved
            | Self::Corrupt(_)
            | Self::Pending
            | Self::Panicked
            | Self::Aborted
            | Self::ReadOnly
            | Self::Decode(_)
            | Self::Catalog(_)
            | Self::NoLaterMoment
            | Self::Database(_) => false,
        }
    }

    /// Whether nothing may be read or written any more.
    pub(crate) fn is_fatal(&self) -> bool {
        matches!(self, Self::Io(_) | Self::Corrupt(_) | Self::Moved | Self::Displaced)
    }
}

impl OpenError {
    /// Whether nothing is wrong with what is stored, and the next attempt may succeed.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Store(error) => error.may_pass(),
            Self::Locked { .. }
            | Self::LockedElsewhere { .. }
            | Self::OpenFiles(_)
            | Self::Server { .. }
            | Self::Thread(_) => true,
            Self::Unwritable { .. }
            | Self::Link { .. }
            | Self::HardLink { .. }
            | Self::Clock
            | Self::NotOurs { .. }
            | Self::Corrupt { .. }
            | Self::UnfinishedCopy { .. }
            | Self::Newer { .. }
            | Self::FileSystem { .. }
            | Self::Sqlite { .. }
            | Self::Changed { .. }
            | Self::Migration { .. }
            | Self::Single { .. }
            | Self::OldModel
            | Self::UnsupportedLocation => false,
        }
    }
}

/// Why a database could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The data directory cannot be created, or it or a file in it cannot be written: the disk is full, the user's
    /// quota is used up, permission is missing, the file system is mounted read-only, and so on.
    #[error("cannot write to {path}: {source}")]
    Unwritable {
        /// The directory or file.
        path: PathBuf,
        /// The operating system's reason.
        source: std::io::Error,
    },
    /// The file is a symbolic link to a file whose directory another process may use.
    #[error("{path} is a symbolic link; use --data to name the directory that it leads to")]
    Link {
        /// The file.
        path: PathBuf,
    },
    /// The file has several names, under which processes would not notice each other.
    #[error(
        "{path} has {names} names (hard links), but a database must have only one; delete the others, which \
         `find / -samefile {path}` lists, or replace this one by a copy of it made while no server runs"
    )]
    HardLink {
        /// The file.
        path: PathBuf,
        /// How many names it has.
        names: u64,
    },
    /// Another process has the same file open by another path.
    #[error(
        "another Backstay uses {path} by another path, such as a second mount; stop it, or choose another directory \
         with --data"
    )]
    LockedElsewhere {
        /// The file.
        path: PathBuf,
    },
    /// The clock is set to a moment that cannot be recorded.
    #[error("the system's clock shows a time before 1970 or after the year 9999; set it, then start Backstay again")]
    Clock,
    /// Another process has it open.
    #[error("another Backstay uses the database in {path}; stop it, or choose another directory with --data")]
    Locked {
        /// The data directory.
        path: PathBuf,
    },
    /// The database of another program.
    #[error("{database} is the database of another program; move it away, or choose another directory with --data")]
    NotOurs {
        /// The database.
        database: String,
    },
    /// The process may not open as many files as the database needs.
    #[error(
        "too few files can be opened for the database; raise the limit of open files (`ulimit -n`, `LimitNOFILE=` of a \
         systemd unit)"
    )]
    OpenFiles(#[source] std::io::Error),
    /// Not a database, or a damaged one.
    #[error("{path} is damaged or not a database; restore it from a backup")]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: Cause,
    },
    /// The beginning of a copy.
    #[error(
        "{database} holds an unfinished copy; run `backstay copy` again with the same --from and --to to complete it, or `backstay reset` to delete it"
    )]
    UnfinishedCopy {
        /// The database.
        database: String,
    },
    /// The database of a newer Backstay.
    #[error(
        "{database} was written by a newer Backstay (format {found}, while this one knows formats up to {known}); update Backstay"
    )]
    Newer {
        /// The database.
        database: String,
        /// Its format.
        found: i64,
        /// The newest format that this Backstay knows.
        known: i64,
    },
    /// The file system does not support SQLite's write-ahead log.
    #[error("the file system of {path} does not support shared memory; put the data directory on a local disk")]
    FileSystem {
        /// The file.
        path: PathBuf,
    },
    /// The linked SQLite is too old.
    #[error("SQLite {found} is too old; Backstay needs 3.51.3 or later")]
    Sqlite {
        /// Its version.
        found: &'static str,
    },
    /// Tables were changed by something other than Backstay.
    #[error("the database was changed by another program: it has no {}; restore it from a backup", missing.join(", no "))]
    Changed {
        /// What is missing, in words.
        missing: Vec<String>,
    },
    /// The model differs from the stored one in ways that are not applied automatically.
    #[error("the model cannot be applied to the stored data: {}", told(steps))]
    Migration {
        /// All steps, with what stands in their way.
        steps: Vec<Step>,
    },
    /// The one record of a `@single` type can't be created.
    #[error("the one record of {collection} can't be created from the defaults of its fields: {source}")]
    Single {
        /// The type.
        collection: String,
        /// Why.
        #[source]
        source: backstay_base::Error,
    },
    /// The stored model was written for another version of Backstay.
    #[error(
        "this Backstay no longer understands the stored model; start the version of Backstay that wrote it once more \
         with the new model, then this one"
    )]
    OldModel,
    /// A database server can't be used.
    #[error("cannot use {database}: {problem}")]
    Server {
        /// The address, without a password.
        database: String,
        /// Why.
        #[source]
        problem: ServerProblem,
    },
    /// This build cannot open databases at such a location.
    #[error("this build of Backstay has no support for database servers; use a data directory")]
    UnsupportedLocation,
    /// A thread could not be started.
    #[error("a thread of the store could not be started")]
    Thread(#[source] std::io::Error),
    /// Another error of the database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<QueueFull> for StoreError {
    fn from(full: QueueFull) -> Self {
        match full {
            QueueFull::Busy => Self::Busy,
            QueueFull::Share => Self::Share,
        }
    }
}
