use backstay_audit::{Root, Tree, verify};
use backstay_base::Timestamp;

use crate::{LogEntry, StoreError};

/// Entries that are read at a time.
pub(crate) const ENTRIES: u32 = 256;

/// Why a commit log can't be verified.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// An entry is missing, or isn't what it was.
    #[error("{0}")]
    Damaged(String),
    /// It can't be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A commit log that was read from its first entry to the last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedLog {
    /// Entries that were pruned, of which only the tree's hashes are left.
    pub pruned: u64,
    /// All entries, those that were pruned included.
    pub entries: u64,
    /// The moment of the last entry, unless there is none.
    pub last: Option<Timestamp>,
    /// The root of the Merkle tree over all entries.
    pub root: Root,
    /// The root when the tree had the size that was asked for; `None` if it never had, or too much was pruned.
    pub asked: Option<Root>,
}

/// Reads a commit log entry by entry, and stops at the first one that is not what it was.
#[derive(Debug)]
pub(crate) struct LogCheck {
    pruned: u64,
    tree: Tree,
    last: Option<Timestamp>,
    size: Option<u64>,
    asked: Option<Root>,
}

impl LogCheck {
    /// Begins behind the entries that were pruned; remembers the root at this size.
    pub(crate) fn new(tree: Tree, size: Option<u64>) -> Self {
        let mut check = Self { pruned: tree.size(), tree, last: None, size, asked: None };
        check.look();
        check
    }

    /// The place of the entry that it expects.
    pub(crate) fn next(&self) -> u64 {
        self.tree.size() + 1
    }

    /// Takes the next entry, or says what is wrong.
    pub(crate) fn take(&mut self, entry: &LogEntry) -> Result<(), String> {
        let expected = self.next();
        if entry.sequence != expected {
            return Err(format!("entry {expected} of the commit log is missing"));
        }
        let read = verify(&entry.entry, entry.leaf);
        let read = read.map_err(|error| format!("entry {expected} of the commit log: {error}"))?;
        self.last = Some(read.moment);
        self.tree.push(entry.leaf);
        self.look();
        Ok(())
    }

    fn look(&mut self) {
        if self.size == Some(self.tree.size()) {
            self.asked = Some(self.tree.root());
        }
    }

    /// What was found.
    pub(crate) fn end(self) -> VerifiedLog {
        let Self { pruned, tree, last, size: _, asked } = self;
        VerifiedLog { pruned, entries: tree.size(), last, root: tree.root(), asked }
    }
}
