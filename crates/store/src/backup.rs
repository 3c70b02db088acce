use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use backstay_base::Timestamp;

use crate::{OpenError, StoreError};

/// What a backup or a restore is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CopyStage {
    /// It copies bytes.
    Copy,
    /// It checks the copy: `done` and `total` count entries of the commit log.
    Check,
}

/// How far a backup or a restore is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CopyProgress {
    /// What it is doing.
    pub stage: CopyStage,
    /// How much of it is done.
    pub done: u64,
    /// How much there is.
    pub total: u64,
}

/// Receives the progress of a backup or a restore, and says whether to continue.
pub type Watch<'w> = dyn FnMut(CopyProgress) -> ControlFlow<()> + Send + 'w;

/// A database that was checked: its pages, its stored model and every entry of its commit log can be read, and the entries
/// have the leaf hashes that are stored with them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// The application's name in the stored model.
    pub application: String,
    /// Records of the application's types, without Backstay's own.
    pub records: u64,
    /// The place and the moment of the last entry of the commit log, unless nothing was ever changed.
    pub last: Option<(u64, Timestamp)>,
    /// The size of the file.
    pub bytes: u64,
}

/// A file that is to become the database of a data directory.
#[derive(Debug, Clone, Copy)]
pub struct Restoring<'a> {
    /// The backup.
    pub file: &'a Path,
    /// The application that it must be of; `None` if any will do.
    pub application: Option<&'a str>,
    /// When it is restored: names the directory to which the database before is moved.
    pub moment: Timestamp,
}

/// What a restore did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// The database that is in use now.
    pub checked: Checked,
    /// The directory with the database before, if there was one.
    pub kept: Option<PathBuf>,
}

/// Why a database was not backed up or restored. Nothing was changed then, and a backup left no file behind.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// There is something with the name of the backup.
    #[error("{path} already exists")]
    Exists {
        /// The backup.
        path: PathBuf,
    },
    /// What was to be restored is the database itself.
    #[error("{path} is the database itself, not a backup of it")]
    Itself {
        /// The file.
        path: PathBuf,
    },
    /// What was to be restored is a pipe or a device.
    #[error("{path} is not a regular file")]
    NotAFile {
        /// What was named.
        path: PathBuf,
    },
    /// Another process, or another thread, writes a backup with this name.
    #[error("another backup to {path} is under way")]
    Underway {
        /// The backup.
        path: PathBuf,
    },
    /// A file can't be written.
    #[error("cannot write {path}")]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file can't be read.
    #[error("cannot read {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The database was changed so much meanwhile that its write-ahead log became too long.
    #[error(
        "the backup was given up because {mib} MiB were written to the database meanwhile; write it to a faster disk, or \
         when there is less to do"
    )]
    Outpaced {
        /// How much was written.
        mib: u64,
    },
    /// Whoever watched it didn't want it any more.
    #[error("the backup was interrupted")]
    Interrupted,
    /// The file is no database, or not all of one.
    #[error("{path} is damaged or not a database: {finding}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        finding: String,
    },
    /// A server uses the file.
    #[error("{path} is the database of a server that is running")]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// The file has the records of another application.
    #[error("{path} is a backup of the application {found}, but this one is {expected}")]
    OtherApplication {
        /// The file.
        path: PathBuf,
        /// The application in it.
        found: String,
        /// The application that it was to be of.
        expected: String,
    },
    /// There is nothing to copy.
    #[error("there is no database in {database}")]
    Empty {
        /// What was to be copied.
        database: String,
    },
    /// What is to be copied was not opened by this version of Backstay yet.
    #[error("{database} has the format of an older Backstay")]
    OlderFormat {
        /// What was to be copied.
        database: String,
    },
    /// A copy needs an empty database.
    #[error("{database} isn't empty")]
    NotEmpty {
        /// Where the copy was to be.
        database: String,
    },
    /// What is there is the beginning of another copy.
    #[error("{database} holds an unfinished copy of another database, or of this one before it was changed")]
    OtherCopy {
        /// Where the copy was to be.
        database: String,
    },
    /// The copy isn't what it was made of.
    #[error("the copy is incomplete: table {table} has other rows than in the database that was copied")]
    Differs {
        /// The table.
        table: String,
    },
    /// The database is on a server, which has programs of its own for this.
    #[error("a database on a PostgreSQL server is backed up and restored with PostgreSQL's programs")]
    OnServer,
    /// The database or the file can't be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The database can't be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}
