use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use crate::{Step, Store, StoreError};

/// What to do when the model differs from the stored one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Migration {
    /// Apply the differences that are safe while it opens; refuse to open if there are others.
    ApplySafe,
    /// Refuse to open.
    Refuse,
}

/// Where the database is and how it is opened.
#[derive(Clone)]
pub struct OpenOptions {
    /// The data directory; made where it is missing. The database is `backstay.db` in it.
    pub directory: PathBuf,
    /// What to do when the model differs from the stored one.
    pub migration: Migration,
    /// Threads for reads that take long.
    pub readers: usize,
    /// Called once, on the store's thread, after an error of the disk: the process must end, and nobody may be told
    /// success any more.
    pub on_fatal: Arc<dyn Fn(&StoreError) + Send + Sync>,
    /// The database may not grow past this many pages of 4 KiB; `None`: no limit.
    pub max_pages: Option<u32>,
}

impl OpenOptions {
    /// The database in this directory: safe differences are applied, one reader thread per two cores and at least two.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        Self {
            directory: directory.into(),
            migration: Migration::ApplySafe,
            readers: (cores / 2).max(2),
            on_fatal: Arc::new(|_| ()),
            max_pages: None,
        }
    }
}

impl fmt::Debug for OpenOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenOptions").field("directory", &self.directory).finish_non_exhaustive()
    }
}

/// An open store.
#[derive(Debug)]
pub struct Opened {
    /// The store.
    pub store: Store,
    /// What opening it did.
    pub outcome: Outcome,
}

/// What opening did to the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It was made.
    Created,
    /// The model is the stored one.
    Unchanged,
    /// The model had changed, and these steps were applied.
    Migrated(Vec<Step>),
}
