use std::io;
use std::path::PathBuf;

use backstay_base::{Error, Violation};

/// Why seed files cannot be loaded. What was loaded before stays, and a later load goes on from there.
#[derive(Debug, thiserror::Error)]
pub enum SeedError {
    /// No collection has the file's name.
    #[error("seed/{file}: there is no type of this name")]
    Type {
        /// The file.
        file: String,
        /// The type that was probably meant.
        suggestion: Option<String>,
    },
    /// A record is refused.
    #[error("seed/{file}:{line}: {}", words(source))]
    Refused {
        /// The file.
        file: String,
        /// The line, from 1.
        line: u64,
        /// Why.
        #[source]
        source: Error,
    },
    /// The part of a file that is loaded is not what it was.
    #[error("seed/{file} was changed in the first {lines} lines, which are loaded already")]
    Changed {
        /// The file.
        file: String,
        /// Lines that are loaded.
        lines: u64,
    },
    /// A file cannot be read.
    #[error("{path} cannot be read")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The model was loaded without Backstay's own types.
    #[error("the model does not hold Backstay's own {name}")]
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
    /// The thread that reads the files ended early.
    #[error("reading the seed files ended unexpectedly")]
    Reader,
}

impl SeedError {
    /// What to do about it.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Type { suggestion: Some(name), .. } => Some(format!("did you mean {name}.jsonl?")),
            Self::Type { .. } => Some("name the file after a type of the model, such as Post.jsonl".to_owned()),
            Self::Refused { .. } => Some(
                "mend the line and load again: the lines before it are loaded, and loading goes on from there"
                    .to_owned(),
            ),
            Self::Changed { .. } => Some("restore those lines, or load into a new data directory (--data)".to_owned()),
            Self::Read { .. } | Self::System { .. } | Self::Stored | Self::Engine(_) | Self::Reader => None,
        }
    }
}

/// All violations of a record, as one line.
fn words(error: &Error) -> String {
    match error {
        Error::Invalid(violations) | Error::Malformed(violations) if !violations.is_empty() => {
            violations.iter().map(violation).collect::<Vec<_>>().join("; ")
        }
        other => other.to_string(),
    }
}

fn violation(violation: &Violation) -> String {
    match violation.at.strip_prefix('/') {
        Some(field) => format!("{field}: {}", violation.kind),
        None => violation.kind.to_string(),
    }
}
