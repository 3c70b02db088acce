use std::fmt;

use backstay_engine::{Copied, Location};
use serde::{Deserialize, Serialize};

use super::Count;

/// A backup that was made.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MadeBackup {
    /// The backup.
    pub file: String,
    /// The application's name.
    pub application: String,
    /// The application's records in it.
    pub records: u64,
    /// Its size.
    pub bytes: u64,
    /// The last change in it, by its place in the commit log; 0 if there is none.
    pub change: u64,
    /// When that was committed.
    pub moment: Option<String>,
}

/// A backup that is the database now.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RestoredBackup {
    /// The backup.
    pub file: String,
    /// The application's name.
    pub application: String,
    /// The application's records in it.
    pub records: u64,
    /// The last change in it, by its place in the commit log; 0 if there is none.
    pub change: u64,
    /// When that was committed.
    pub moment: Option<String>,
    /// The directory with the database before, if there was one.
    pub kept: Option<String>,
    /// How many steps lead from its model to the present one, if that is known.
    pub steps: Option<u64>,
}

/// A database that was copied.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CopiedDatabase {
    /// The database that was copied.
    pub from: String,
    /// The copy.
    pub to: String,
    /// The application's name.
    pub application: String,
    /// The application's records.
    pub records: u64,
    /// The rows of all tables.
    pub rows: u64,
    /// Tables that have rows.
    pub tables: u64,
    /// SHA-256 of all rows, in hexadecimal digits.
    pub checksum: String,
    /// The last change, by its place in the commit log; 0 if there is none.
    pub change: u64,
}

impl CopiedDatabase {
    pub(crate) fn of(copied: Copied, (from, to): (&Location, &Location)) -> Self {
        let Copied { application, records, tables, rows, checksum, change } = copied;
        let (from, to) = (from.to_string(), to.to_string());
        let checksum = checksum.iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
        Self { from, to, application, records, rows, tables, checksum, change }
    }
}

impl fmt::Display for CopiedDatabase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { from, to, application, records, rows, tables, checksum, change } = self;
        let (records, rows, tables) = (Count(*records, "record"), Count(*rows, "row"), Count(*tables, "table"));
        writeln!(f, "copied {application} from {from} to {to}: {records}, up to change {change}")?;
        writeln!(f, "All {rows} of {tables} are the same in both (SHA-256 {checksum}).")
    }
}

impl fmt::Display for MadeBackup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, application, records, bytes, change, moment } = self;
        let (records, kib, last) = (Count(*records, "record"), bytes.div_ceil(1024), LastChange(*change, moment));
        writeln!(f, "backed up {application} to {file}: {records}, {kib} KiB, {last}")?;
        writeln!(f, "It was read back and is whole. Keep the application's own files with it: they aren't in it.")
    }
}

impl fmt::Display for RestoredBackup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, application, records, change, moment, kept, steps } = self;
        let (records, last) = (Count(*records, "record"), LastChange(*change, moment));
        writeln!(f, "restored {application} from {file}: {records}, {last}")?;
        if let Some(kept) = kept {
            writeln!(f, "The previous database is in {kept}. Delete that directory when you don't need it any more.")?;
        }
        match steps {
            Some(0) | None => Ok(()),
            Some(_) => writeln!(f, "Its model differs from the present one; see `backstay migrate plan`."),
        }
    }
}

/// The last change in a backup.
struct LastChange<'a>(u64, &'a Option<String>);

impl fmt::Display for LastChange<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self(change, Some(moment)) => write!(f, "up to change {change} of {moment}"),
            Self(_, None) => write!(f, "no changes yet"),
        }
    }
}
