use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use backstay_base::{Secret, limits};

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

impl fmt::Display for Location {
    /// A data directory, or the address of a database without its password and parameters.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Directory(directory) => directory.display().fmt(f),
            Self::Url(url) => f.write_str(&public(url.expose())),
        }
    }
}

/// What of an address may be shown: `postgres://user@host/database`. If it isn't clear where a password ends, nothing.
fn public(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return "the PostgreSQL database".to_owned() };
    let place = |rest: &str| rest.split('?').next().unwrap_or_default().to_owned();
    match rest.split_once('@') {
        None => format!("{scheme}://{}", place(rest)),
        Some((credentials, rest)) if !credentials.contains(['/', '?']) && !rest.contains('@') => {
            let user = credentials.split(':').next().unwrap_or_default();
            format!("{scheme}://{user}@{}", place(rest))
        }
        Some(_) => format!("{scheme}://…"),
    }
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
    /// Bytes of an embedded database's write-ahead log from which on long reads wait until it begins anew.
    pub log_bytes: u64,
    /// The size in bytes that an embedded database may not exceed; `None`: no limit.
    pub max_bytes: Option<u64>,
    /// Connections to a database server at most, besides a few of the store's own.
    pub connections: usize,
    /// The address of a pooler before the server, which the transactions of requests go through. What needs a session of its
    /// own goes to the server itself.
    pub pooler: Option<Secret>,
    /// The addresses of standbys that follow the server: they answer reads that may be a moment old.
    pub replicas: Vec<Secret>,
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
            log_bytes: limits::LOG_BYTES,
            max_bytes: None,
            connections: limits::DATABASE_CONNECTIONS,
            pooler: None,
            replicas: Vec::new(),
        }
    }
}

impl fmt::Debug for OpenOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenOptions").field("location", &self.location).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_shown_without_its_password() {
        let check = |url: &str, expected: &str| {
            assert_eq!(Location::Url(Secret::new(url.to_owned())).to_string(), expected);
        };
        check("postgres://ada:secret@db.example:5433/news", "postgres://ada@db.example:5433/news");
        check("postgresql://ada@db/news?sslmode=require&password=secret", "postgresql://ada@db/news");
        check("postgres://db/news?password=secret", "postgres://db/news");
        check("postgres://ada:se?cret@db/news", "postgres://…");
        check("postgres://ada:se/cret@db/news", "postgres://…");
        check("postgres://ada:se@cret@db/news", "postgres://…");
        check("postgres://db/news?password=sec@ret", "postgres://…");
        check("host=db password=secret", "the PostgreSQL database");
        assert_eq!(Location::from(Path::new("/var/data")).to_string(), "/var/data");
    }
}
