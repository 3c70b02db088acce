use std::fmt;

use serde::{Deserialize, Serialize};

/// A commit log that was read and found whole.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VerifiedLogLine {
    /// All entries, those that were pruned included.
    pub entries: u64,
    /// Entries that were pruned.
    pub pruned: u64,
    /// When the last one was committed.
    pub moment: Option<String>,
    /// The root of the Merkle tree over all entries.
    pub root: String,
}

/// An entry of the commit log.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LogEntryLine {
    /// Its place in the log.
    pub change: u64,
    /// When it was committed.
    pub moment: String,
    /// What sort of caller asked.
    pub caller: String,
    /// The caller's record.
    pub id: Option<String>,
    /// The request.
    pub request_id: Option<String>,
    /// The transaction's name.
    pub transaction: String,
    /// What changed.
    pub changes: Vec<LogChangeLine>,
}

/// What was done to one record.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LogChangeLine {
    /// What was done.
    pub act: String,
    /// Type and key.
    pub record: String,
    /// Its version afterwards.
    pub version: i64,
    /// The fields that changed.
    pub fields: Vec<String>,
}

impl fmt::Display for VerifiedLogLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { entries, pruned, moment, root } = self;
        write!(
            f,
            "{} in the commit log",
            if *entries == 1 { "1 entry".to_owned() } else { format!("{entries} entries") }
        )?;
        if let Some(moment) = moment {
            write!(f, " up to {moment}")?;
        }
        match pruned {
            0 => writeln!(f, ", all of them whole")?,
            _ => writeln!(f, ", the first {pruned} of them pruned, all others whole")?,
        }
        writeln!(
            f,
            "Keep this elsewhere to prove later, with --against, that none of them was changed:\n{entries}:{root}"
        )
    }
}

impl fmt::Display for LogEntryLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { change, moment, caller, id, request_id: _, transaction, changes } = self;
        write!(f, "{change}  {moment}  {caller}")?;
        if let Some(id) = id {
            write!(f, " {id}")?;
        }
        writeln!(f, "  {transaction}")?;
        for LogChangeLine { act, record, version, fields } in changes {
            write!(f, "    {act} {record}  version {version}")?;
            if !fields.is_empty() {
                write!(f, "  {}", fields.join(", "))?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

/// Entries of the commit log, one after the other.
pub(super) fn entries(f: &mut fmt::Formatter<'_>, entries: &[LogEntryLine]) -> fmt::Result {
    if entries.is_empty() {
        return writeln!(f, "no entries");
    }
    entries.iter().try_for_each(|entry| write!(f, "{entry}"))
}

/// What a command prints about a log that was pruned.
pub(super) fn pruned(f: &mut fmt::Formatter<'_>, entries: u64) -> fmt::Result {
    match entries {
        0 => writeln!(f, "nothing to prune in the commit log"),
        1 => writeln!(f, "removed 1 entry from the commit log"),
        _ => writeln!(f, "removed {entries} entries from the commit log"),
    }
}
