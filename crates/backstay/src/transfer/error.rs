use std::io;
use std::path::PathBuf;

use super::csv::CsvError;
use super::elements::ElementsError;
use crate::answer::Count;

/// Why records can't be brought in or taken out.
#[derive(Debug, thiserror::Error)]
pub enum TransferError {
    /// There is no such collection.
    #[error("the model has no type `{name}`")]
    Collection {
        /// The name.
        name: String,
        /// The type that was probably meant.
        suggestion: Option<String>,
    },
    /// The name of a file doesn't show its format.
    #[error("the name of {path} doesn't show a format")]
    Format {
        /// The file.
        path: PathBuf,
    },
    /// A file can't be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file isn't what its format says, and what follows can't be read either.
    #[error("{path}: {problem}")]
    Broken {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and where.
        problem: String,
    },
    /// A table has no header.
    #[error("{path} has no rows, not even a header")]
    NoHeader {
        /// The file.
        path: PathBuf,
    },
    /// The first row of a table doesn't name fields.
    #[error("{path}: the first row doesn't name the fields of {collection}: {problem}")]
    Header {
        /// The file.
        path: PathBuf,
        /// The type.
        collection: String,
        /// What is wrong with it.
        problem: String,
        /// Whether nothing in it is a field.
        is_data: bool,
    },
    /// `--map` names a column that isn't there.
    #[error("--map {column}: {path} has no column of that name")]
    Map {
        /// The file.
        path: PathBuf,
        /// The column.
        column: String,
        /// The columns that there are.
        known: Vec<String>,
    },
    /// The command line names no file.
    #[error("name the type of the records and a file, or --all and a directory")]
    NoFile,
    /// The delimiter isn't one character of ASCII.
    #[error("`{0}` can't be a delimiter")]
    Delimiter(String),
    /// An option that the format doesn't have.
    #[error("{option} is for CSV, and {path} is {format}")]
    OnlyCsv {
        /// The option.
        option: &'static str,
        /// The file.
        path: PathBuf,
        /// The format.
        format: &'static str,
    },
    /// A row was refused, and with it the import.
    #[error("{path}:{line}: {error}")]
    Refused {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// Why.
        error: String,
        /// Rows before it that are imported.
        rows: u64,
        /// Whether it was a dry run.
        dry_run: bool,
    },
    /// Two processes import the same file.
    #[error("another process imports the same file into {collection}")]
    Overtaken {
        /// The type.
        collection: String,
    },
    /// An export can only be read into an empty database.
    #[error("{collection} has records already, and an export is imported as a whole")]
    Inhabited {
        /// The type.
        collection: String,
    },
    /// A column of a table has no name.
    #[error("{path}: column {column} has no name")]
    Unnamed {
        /// The file.
        path: PathBuf,
        /// Which one, from 1.
        column: usize,
    },
    /// Another export writes the same file.
    #[error("another export is writing {path}")]
    Shared {
        /// The file.
        path: PathBuf,
    },
    /// The process was told to end.
    #[error("the export was ended before it was complete")]
    Ended,
    /// A file was changed in the part that is already imported.
    #[error("{path} has changed in its first {rows} records, which are already imported")]
    Changed {
        /// The file.
        path: PathBuf,
        /// Records that are imported.
        rows: u64,
    },
    /// Records break a check at commit, although all are imported.
    #[error("{collection} {records}: {message}")]
    Unmet {
        /// Their type.
        collection: String,
        /// What the check says.
        message: String,
        /// The first of them.
        records: String,
    },
    /// The running server answers as another version of Backstay does.
    #[error("the running server sent an unexpected answer")]
    Answer,
    /// A directory can't be exported into.
    #[error("{path} is not empty")]
    NotEmpty {
        /// The directory.
        path: PathBuf,
    },
    /// A directory isn't an export.
    #[error("{path} is not a complete export: {problem}")]
    Manifest {
        /// The manifest.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
}

impl TransferError {
    /// What to do about it.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Collection { suggestion: Some(name), .. } => Some(format!("did you mean {name}?")),
            Self::Collection { suggestion: None, .. } => Some("name a type of the model, such as Post".to_owned()),
            Self::Format { .. } => Some("name the format with --format json, ndjson or csv".to_owned()),
            Self::Header { is_data: true, .. } => Some(
                "if the file has no header, name its columns with --columns; if its columns have other names, say which \
                 field each is with --map COLUMN=FIELD"
                    .to_owned(),
            ),
            Self::Header { is_data: false, .. } => Some(
                "say which field a column is with --map COLUMN=FIELD, or leave it out with --map COLUMN=".to_owned(),
            ),
            Self::NoHeader { .. } => Some("name its columns with --columns".to_owned()),
            Self::Map { known, .. } => Some(format!("its columns are {}", known.join(", "))),
            Self::Delimiter(_) => Some("give one character, or `tab`".to_owned()),
            Self::Refused { dry_run: true, .. } => Some("nothing was imported: it was a dry run".to_owned()),
            Self::Refused { rows, .. } => Some(format!(
                "what is before it is imported ({}); correct it and import the file again, which goes on there, or skip what is \
                 refused with --on-error skip",
                Count(*rows, "row")
            )),
            Self::Changed { .. } => Some(
                "restore these records and import again, or import the whole file anew with --restart".to_owned(),
            ),
            Self::Unmet { .. } => Some("correct the records through the API: they are imported".to_owned()),
            Self::Overtaken { .. } => {
                Some("wait until it has ended, and look at what it has imported before you import again".to_owned())
            }
            Self::Inhabited { .. } => Some(
                "name an empty database with --data, or stop the server and delete all records with `backstay reset`; to \
                 add records, import the files of the types one by one, with --update id for records that are there"
                    .to_owned(),
            ),
            Self::Unnamed { .. } => {
                Some("name it in the first row, or leave out all columns without a name with --map =".to_owned())
            }
            Self::Shared { .. } => Some("wait until it is complete, or choose another name".to_owned()),
            Self::NotEmpty { .. } => Some("name a directory that is empty or doesn't exist".to_owned()),
            Self::Answer => Some("use the server's version of Backstay, or stop the server first".to_owned()),
            Self::Ended | Self::NoFile | Self::Broken { .. } | Self::Read { .. } | Self::OnlyCsv { .. } | Self::Manifest { .. } => None,
        }
    }
}

/// Why a file has no further row.
#[derive(Debug)]
pub(super) enum Unreadable {
    Read(io::Error),
    Broken(String),
}

impl From<io::Error> for Unreadable {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::InvalidData | io::ErrorKind::FileTooLarge => Self::Broken(error.to_string()),
            _ => Self::Read(error),
        }
    }
}

impl From<CsvError> for Unreadable {
    fn from(error: CsvError) -> Self {
        match error {
            CsvError::Read(error) => error.into(),
            broken @ (CsvError::Unclosed { .. } | CsvError::Long { .. }) => Self::Broken(broken.to_string()),
        }
    }
}

impl From<ElementsError> for Unreadable {
    fn from(error: ElementsError) -> Self {
        match error {
            ElementsError::Read(error) => error.into(),
            broken @ (ElementsError::Syntax { .. } | ElementsError::Long { .. }) => Self::Broken(broken.to_string()),
        }
    }
}

impl Unreadable {
    /// The error of this file.
    pub(super) fn of(self, path: PathBuf) -> TransferError {
        match self {
            Self::Read(source) => TransferError::Read { path, source },
            Self::Broken(problem) => TransferError::Broken { path, problem },
        }
    }
}
