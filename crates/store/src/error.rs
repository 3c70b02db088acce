use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;

use backstay_sql::DecodeError;

/// The cause of an error as the driver tells it, for the log alone.
pub type Cause = Arc<dyn Error + Send + Sync>;

/// Why an operation or a read failed. Unless it is `Unknown`, nothing of the operation was stored.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// Another row has these values.
    #[error("another row of {table} has the same {}", columns.join(", "))]
    Unique {
        /// The table.
        table: String,
        /// The columns of the unique index; `id` alone for the key.
        columns: Vec<String>,
    },
    /// A row that is referred to does not exist, or a row that is still referred to was to be deleted.
    #[error("a reference would lead nowhere")]
    ForeignKey,
    /// A value that its column does not take.
    #[error("a value breaks a constraint of the table")]
    Constraint(#[source] Cause),
    /// A staged statement changed another number of rows than it had to: the record was changed at the same time.
    #[error("a statement changed {found} rows instead of {expected}")]
    StagedRows {
        /// How many it had to change.
        expected: u64,
        /// How many it changed.
        found: u64,
    },
    /// It takes more steps than one operation or read may.
    #[error("the statement takes more steps than one may")]
    StepLimit,
    /// A value or the rows of a read are larger than they may be.
    #[error("a value or an answer is larger than it may be")]
    TooLarge,
    /// Too many operations wait, or another process holds the database.
    #[error("the database is busy")]
    Busy,
    /// The disk, the user's quota or the size that the database may have is used up.
    #[error("there is no space left for the database")]
    Full,
    /// Reading or writing the disk failed. The store does not go on.
    #[error("reading or writing the database failed")]
    Io(#[source] Cause),
    /// The database's file was moved away or replaced: what is written is lost. The store does not go on.
    #[error("the database's file was moved away or replaced")]
    Moved,
    /// The database's file is damaged. The store does not go on.
    #[error("the database is damaged")]
    Corrupt(#[source] Cause),
    /// The operation awaited something other than its transaction.
    #[error("the operation awaited something other than its transaction")]
    Pending,
    /// The operation panicked.
    #[error("the operation panicked")]
    Panicked,
    /// The operation went on after one of its statements had failed: it does not commit.
    #[error("the operation went on after one of its statements had failed")]
    Aborted,
    /// An operation that said it would only read tried to write.
    #[error("an operation that only reads tried to write")]
    ReadOnly,
    /// A stored value is not what its column's type says.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// A text or number in Backstay's own tables that it did not write.
    #[error("Backstay's own table {0} holds something that Backstay did not write")]
    Catalog(&'static str),
    /// The last commit's moment is the last one there is.
    #[error("there is no moment after that of the last commit; the system's clock was set far into the future")]
    NoLaterMoment,
    /// The store is closed, or failed earlier.
    #[error("the database is closed")]
    Closed,
    /// The connection was lost while the transaction was being committed: it may be stored or not.
    #[error("the connection was lost during the commit")]
    Unknown(#[source] Cause),
    /// Another error of the database.
    #[error("the database refused a statement")]
    Database(#[source] Cause),
}

impl StoreError {
    /// Whether nothing may be read or written any more.
    pub(crate) fn is_fatal(&self) -> bool {
        matches!(self, Self::Io(_) | Self::Corrupt(_) | Self::Moved)
    }
}

/// Why a database could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The data directory cannot be made or used.
    #[error("the data directory {path} cannot be used")]
    Directory {
        /// The directory.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The file is a link to one elsewhere, whose directory another process may use.
    #[error("{path} is a symbolic link; link the data directory instead, or name the real one with --data")]
    Link {
        /// The file.
        path: PathBuf,
    },
    /// Another process has it open.
    #[error("another Backstay uses the database in {path}; stop it, or choose another directory with --data")]
    Locked {
        /// The data directory.
        path: PathBuf,
    },
    /// The file or its directory may not be written.
    #[error("{path} may not be written; give the user that runs Backstay the right to write it")]
    ReadOnly {
        /// The file or directory.
        path: PathBuf,
    },
    /// The database of another program.
    #[error("{database} is the database of another program; move it away, or choose another directory with --data")]
    NotOurs {
        /// The database.
        database: String,
    },
    /// The disk is full, the user's quota is used up, or the database has reached the size that it may have.
    #[error("there is no space left for the database in {path}; free some space, then start again")]
    Full {
        /// The data directory.
        path: PathBuf,
    },
    /// The process may not open as many files as the database needs.
    #[error(
        "too few files can be opened for the database; raise the limit of open files (`ulimit -n`, `LimitNOFILE=` of a \
         systemd unit)"
    )]
    OpenFiles(#[source] std::io::Error),
    /// Not a database, or a damaged one.
    #[error("{path} is damaged, or no database at all; restore it from a backup")]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: Cause,
    },
    /// Written by a newer Backstay.
    #[error(
        "{database} was written by a newer Backstay (its format is {found}, this one knows up to {known}); update Backstay"
    )]
    Newer {
        /// The database.
        database: String,
        /// Its format.
        found: i64,
        /// The newest format that this Backstay knows.
        known: i64,
    },
    /// The file system does not take SQLite's write-ahead log.
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
    /// Tables were changed by other means than Backstay.
    #[error("the database is not as Backstay left it: there is no {}; restore it from a backup", missing.join(", no "))]
    Changed {
        /// What is missing, in words.
        missing: Vec<String>,
    },
    /// The model differs from the stored one in ways that are not applied by themselves.
    #[error("the model cannot be applied to the stored data: {}", refused.join("; "))]
    Migration {
        /// Every difference or obstacle, in words, with what to do.
        refused: Vec<String>,
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
