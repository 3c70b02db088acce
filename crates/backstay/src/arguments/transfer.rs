use std::path::PathBuf;

use backstay_engine::Location;
use clap::{Args, ValueEnum};

use super::given_location;
use crate::transfer::{Encoding, Format, FormulaCells};

pub(super) const IMPORT: &str = "\
Examples:
  backstay import Book books.csv
  backstay import Book books.csv --map 'Book title=title' --map Notes= --on-error skip
  backstay import Book books.ndjson --update isbn
  backstay import --all backup-of-monday

A column or member is a field; `author.email` is the email address of the author that a record refers
to. Access rules aren't asked; types, checks, unique keys and required fields are. Records that are
refused are listed in FILE.errors.ndjson. An interrupted import goes on where it was when you run it
again.";

pub(super) const EXPORT: &str = "\
Examples:
  backstay export Book books.csv
  backstay export Book --filter 'shelf.code == \"low\"' --select number,title --format json
  backstay export --all backup-of-monday

Without FILE, records go to standard output. They come in the order of their ids, and `backstay import`
reads them back. Access rules aren't asked. Files are readable by you alone.";

/// The application that a command is about.
#[derive(Debug, Args)]
pub(crate) struct Away {
    /// Application directory
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(crate) app: PathBuf,
    /// Data directory, or address of a PostgreSQL database; overrides the settings data.dir and data.url
    #[arg(long, value_name = "DIR|URL", value_parser = given_location)]
    pub(crate) data: Option<Location>,
}

#[derive(Debug, Args)]
pub(crate) struct Import {
    /// Type of the records, such as Book
    #[arg(required_unless_present = "all")]
    pub(crate) collection: Option<String>,
    /// File to import
    #[arg(required_unless_present = "all")]
    pub(crate) file: Option<PathBuf>,
    /// Import a directory that `backstay export --all` has written
    #[arg(long, value_name = "DIR", conflicts_with_all = ["collection", "file", "input_format", "delimiter", "encoding", "columns", "map", "update", "errors", "dry_run", "formulas"])]
    pub(crate) all: Option<PathBuf>,
    /// Format of the file; without it, the name of the file shows it
    #[arg(long, id = "input_format", value_enum, value_name = "FORMAT")]
    pub(crate) format: Option<Format>,
    /// Delimiter of a CSV file, or `tab`; without it, the header shows it
    #[arg(long, value_name = "CHAR")]
    pub(crate) delimiter: Option<String>,
    /// Encoding of the file; without it, the start of the file shows it
    #[arg(long, value_enum)]
    pub(crate) encoding: Option<Encoding>,
    /// Names of the columns of a CSV file without a header, separated by commas
    #[arg(long, value_name = "NAMES")]
    pub(crate) columns: Option<String>,
    /// The field that a column is; `COLUMN=` leaves it out
    #[arg(long, value_name = "COLUMN=FIELD", value_parser = mapping)]
    pub(crate) map: Vec<(String, String)>,
    /// Change records with the same values of this unique key (fields separated by commas) instead of creating others
    #[arg(long, value_name = "KEY")]
    pub(crate) update: Option<String>,
    /// What to do when a record is refused
    #[arg(long, value_enum, default_value_t = OnError::Stop)]
    pub(crate) on_error: OnError,
    /// File that gets the errors [default: FILE.errors.ndjson]
    #[arg(long, value_name = "FILE")]
    pub(crate) errors: Option<PathBuf>,
    /// Write nothing; only show what would be refused
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Begin with the first record again, although an earlier import of the file didn't end
    #[arg(long)]
    pub(crate) restart: bool,
    /// Texts of a CSV file that a spreadsheet would run as formulas
    #[arg(long, value_enum, default_value_t = FormulaCells::Guard)]
    pub(crate) formulas: FormulaCells,
    #[command(flatten)]
    pub(crate) away: Away,
}

/// What becomes of an import when a record is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum OnError {
    /// End the import; the records before stay
    Stop,
    /// Go on with the next record
    Skip,
}

#[derive(Debug, Args)]
pub(crate) struct Export {
    /// Type of the records, such as Book
    #[arg(required_unless_present = "all")]
    pub(crate) collection: Option<String>,
    /// File to write; without it, or with `-`, standard output
    pub(crate) file: Option<PathBuf>,
    /// Export every collection into this directory
    #[arg(long, value_name = "DIR", conflicts_with_all = ["collection", "file", "output_format", "select", "filter", "delimiter", "formulas"])]
    pub(crate) all: Option<PathBuf>,
    /// Format [default: by the name of the file, or ndjson]
    #[arg(long, id = "output_format", value_enum, value_name = "FORMAT")]
    pub(crate) format: Option<Format>,
    /// What to write of each record, as in the API; without it, everything that an import reads back
    #[arg(long, value_name = "FIELDS")]
    pub(crate) select: Option<String>,
    /// Which records, as in the API
    #[arg(long, value_name = "EXPRESSION")]
    pub(crate) filter: Option<String>,
    /// Delimiter of a CSV file, or `tab`
    #[arg(long, value_name = "CHAR")]
    pub(crate) delimiter: Option<String>,
    /// Texts of a CSV file that a spreadsheet would run as formulas
    #[arg(long, value_enum, default_value_t = FormulaCells::Guard)]
    pub(crate) formulas: FormulaCells,
    #[command(flatten)]
    pub(crate) away: Away,
}

fn mapping(text: &str) -> Result<(String, String), String> {
    let (column, field) = text.rsplit_once('=').ok_or("write COLUMN=FIELD, or `COLUMN=` to leave the column out")?;
    Ok((column.to_owned(), field.to_owned()))
}
