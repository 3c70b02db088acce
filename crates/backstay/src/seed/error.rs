use std::io;
use std::path::PathBuf;

use backstay_base::{Error, RecordId};

use crate::records::words;

/// Where a seed file of this name is, below the application's directory: those of packs are called by their paths.
pub(crate) fn placed(file: &str) -> String {
    if file.contains('/') { file.to_owned() } else { format!("seed/{file}") }
}

/// Why seed files cannot be loaded. Records loaded so far stay, and the next load continues after them.
#[derive(Debug, thiserror::Error)]
pub enum SeedError {
    /// The file is not named after a collection.
    #[error("{}: the model has no type of that name", placed(file))]
    Type {
        /// The file.
        file: String,
        /// The type that was probably meant.
        suggestion: Option<String>,
    },
    /// The file of a pack is not named after a type that the pack can bring records of.
    #[error("{file}: the pack `{pack}` defines no type of that name")]
    NotOfPack {
        /// The file.
        file: String,
        /// The pack.
        pack: String,
        /// The type that was probably meant.
        suggestion: Option<String>,
    },
    /// A record is refused.
    #[error("{}:{line}: {}", placed(file), words(source))]
    Refused {
        /// The file.
        file: String,
        /// The line, from 1.
        line: u64,
        /// Why.
        #[source]
        source: Error,
    },
    /// Records break a check at commit, although all files are loaded.
    #[error("seed: {collection} {}: {message}", listed(records))]
    Broken {
        /// Their type.
        collection: String,
        /// What the check says.
        message: String,
        /// The first of them.
        records: Vec<RecordId>,
    },
    /// The file of a `@single` type has more than one record.
    #[error("{}:{line}: the type has exactly one record, which an earlier line gives its values", placed(file))]
    SecondLine {
        /// The file.
        file: String,
        /// The line, from 1.
        line: u64,
    },
    /// A file was changed in the part that is already loaded.
    #[error("{} has changed in its first {lines} lines, which are already loaded", placed(file))]
    Changed {
        /// The file.
        file: String,
        /// Lines that are loaded.
        lines: u64,
    },
    /// Two processes load the same file.
    #[error("{} is being loaded by another process", placed(file))]
    Overtaken {
        /// The file.
        file: String,
    },
    /// A file cannot be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The model was loaded without Backstay's own types.
    #[error("the model lacks Backstay's own `{name}`")]
    System {
        /// A type or a field.
        name: &'static str,
    },
    /// How far a file is loaded was stored by something other than a load.
    #[error("Backstay's own records about seed files hold a value that Backstay did not store")]
    Stored,
    /// The engine failed.
    #[error(transparent)]
    Engine(#[from] Error),
    /// The thread that reads the files panicked.
    #[error("the thread that reads seed files panicked")]
    Reader,
}

/// How all seed files are loaded as they are now.
const ANEW: &str = "to load all seed files anew, use a new data directory (--data), or stop the server and run \
                    `backstay reset`, which deletes all data";

impl SeedError {
    /// What to do about it.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Type { suggestion: Some(name), .. } | Self::NotOfPack { suggestion: Some(name), .. } => Some(format!("did you mean {name}.jsonl?")),
            Self::NotOfPack { .. } => Some(
                "a pack brings records of types that it defines, and no accounts; seed files of other types are those of \
                 the application, in `seed`"
                    .to_owned(),
            ),
            Self::Type { .. } => Some("name the file after a type of the model, such as Post.jsonl".to_owned()),
            Self::Refused { .. } => {
                Some(format!("correct the line and load again; the lines before it are already loaded; {ANEW}"))
            }
            Self::Broken { .. } => Some(format!(
                "add lines with what is missing at the end of a file and load again, or correct the files; {ANEW}"
            )),
            Self::SecondLine { .. } => Some("keep one line".to_owned()),
            Self::Changed { .. } => Some(format!("restore those lines; {ANEW}")),
            Self::Overtaken { .. } => Some("wait until it has ended; what is loaded then isn't loaded again".to_owned()),
            Self::Read { .. } | Self::System { .. } | Self::Stored | Self::Engine(_) | Self::Reader => None,
        }
    }
}

fn listed(records: &[RecordId]) -> String {
    records.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
