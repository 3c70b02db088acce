use std::path::Path;

use backstay_rest::FileFormat;
use clap::ValueEnum;

use super::TransferError;

/// The format of a file of records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// One array of objects
    Json,
    /// One object on each line
    #[value(alias = "jsonl")]
    Ndjson,
    /// A table with a header (RFC 4180)
    Csv,
}

/// What becomes of texts that a spreadsheet would run as formulas.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum FormulaCells {
    /// Guard them with an apostrophe, and remove it when reading
    Guard,
    /// Leave them as they are
    Keep,
}

impl Format {
    /// The format that the name of a file shows.
    pub(crate) fn of_path(path: &Path) -> Result<Self, TransferError> {
        let extension = path.extension().map(|extension| extension.to_string_lossy().to_ascii_lowercase());
        match extension.as_deref() {
            Some("json") => Ok(Self::Json),
            Some("ndjson" | "jsonl") => Ok(Self::Ndjson),
            Some("csv" | "tsv" | "txt") => Ok(Self::Csv),
            Some(_) | None => Err(TransferError::Format { path: path.to_owned() }),
        }
    }

    /// The kind of file that it is.
    pub(crate) const fn of_file(self) -> FileFormat {
        match self {
            Self::Json => FileFormat::Json,
            Self::Ndjson => FileFormat::Ndjson,
            Self::Csv => FileFormat::Csv,
        }
    }

    /// Its name.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Json => "JSON",
            Self::Ndjson => "NDJSON",
            Self::Csv => "CSV",
        }
    }
}
