use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use backstay_base::Secret;

use crate::StoreError;
use crate::step::OnProgress;

/// Where a database is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// A data directory with an embedded database; created if it does not exist.
    Directory(PathBuf),
    /// A database server: `postgres://user@host/database`. Secret because it can hold a password.
    Url(Secret),
}

impl From<PathBuf> for Location {
    fn from(directory: PathBuf) -> Self {
        Self::Directory(directory)
    }
}

impl From<&PathBuf> for Location {
    fn from(directory: &PathBuf) -> Self {
        Self::Directory(directory.clone())
    }
}

impl From<&Path> for Location {
    fn from(directory: &Path) -> Self {
        Self::Directory(directory.to_owned())
    }
}

/// What to do when the model differs from the stored one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Migration {
    /// Apply the differences that are safe; refuse to open if there are others.
    ApplySafe,
    /// Apply all differences that stored records allow.
    Apply {
        /// Also those by which stored values are gone.
        allow_data_loss: bool,
    },
    /// Refuse to open.
    Refuse,
}

/// Where the database is and how it is opened.
#[derive(Clone)]
pub struct OpenOptions {
    /// Where the database is.
    pub location: Location,
    /// What to do when the model differs from the stored one.
    pub migration: Migration,
    /// Called with how far a migration has come.
    pub on_progress: OnProgress,
    /// Threads for long reads.
    pub readers: usize,
    /// Called once, on one of the store's threads, after the disk failed, the database was found damaged or one of those
    /// threads panicked: the process must end without acknowledging anything else.
    pub on_fatal: Arc<dyn Fn(&StoreError) + Send + Sync>,
    /// The size in bytes that an embedded database may not exceed; `None`: no limit.
    pub max_bytes: Option<u64>,
}

impl OpenOptions {
    /// The database at this location, with safe differences applied and one reader thread per two cores, at least two.
    pub fn new(location: impl Into<Location>) -> Self {
        // If the number of cores is unknown, the minimum is enough.
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        Self {
            location: location.into(),
            migration: Migration::ApplySafe,
            on_progress: Arc::new(|_| ()),
            readers: (cores / 2).max(2),
            on_fatal: Arc::new(|_| ()),
            max_bytes: None,
        }
    }
}

impl fmt::Debug for OpenOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenOptions").field("location", &self.location).finish_non_exhaustive()
    }
}
