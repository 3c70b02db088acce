use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader};
use std::path::{Path, PathBuf};

use backstay_model::Model;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::TransferError;
use crate::Failure;
use crate::records::hexadecimal;

/// The name of the file that says what a directory with an export holds. It is written last.
const NAME: &str = "manifest.json";

/// What an export of a whole application holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Manifest {
    /// The version of this form.
    backstay_export: u32,
    /// The application's name.
    application: String,
    /// SHA-256 of the application's model files.
    model: String,
    /// The files, in the order of the model.
    pub(super) collections: Vec<CollectionFile>,
}

/// The file of one collection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct CollectionFile {
    /// The type of its records.
    pub(super) name: String,
    /// How many there are.
    pub(super) records: u64,
}

/// The form that this version writes and reads.
const FORM: u32 = 1;

impl Manifest {
    pub(super) fn new(model: &Model, collections: Vec<CollectionFile>) -> Self {
        Self { backstay_export: FORM, application: model.name.clone(), model: digest(model), collections }
    }

    /// Reads the manifest of a directory.
    pub(super) fn read(directory: &Path) -> Result<Self, TransferError> {
        let path = directory.join(NAME);
        let text = fs::read(&path).map_err(|source| TransferError::Read { path: path.clone(), source })?;
        let wrong = |problem: String| TransferError::Manifest { path: path.clone(), problem };
        let manifest: Self = serde_json::from_slice(&text).map_err(|error| wrong(error.to_string()))?;
        match manifest.backstay_export {
            FORM => Ok(manifest),
            other => Err(wrong(format!("its form {other} is not known to this version of Backstay"))),
        }
    }

    /// Writes it into a directory.
    pub(super) fn write(&self, directory: &Path) -> Result<(), Failure> {
        let path = directory.join(NAME);
        let mut text = serde_json::to_string_pretty(self).map_err(std::io::Error::from)?;
        text.push('\n');
        fs::write(&path, text).map_err(|source| Failure::Write { path, source })
    }

    /// Refuses an export of which files are missing, or have fewer or more records than when they were written.
    pub(super) fn require_whole(&self, directory: &Path) -> Result<(), TransferError> {
        for CollectionFile { name, records } in &self.collections {
            let path = path_of(directory, name);
            let found = lines(&path).map_err(|source| TransferError::Read { path: path.clone(), source })?;
            if found != *records {
                let problem = format!("it counts {records} records in {}, which has {found}", path.display());
                return Err(TransferError::Manifest { path: directory.join(NAME), problem });
            }
        }
        Ok(())
    }

    /// The name of the application that was exported.
    pub(super) fn application(&self) -> &str {
        &self.application
    }

    /// Whether the export was made with this model.
    pub(super) fn is_of(&self, model: &Model) -> bool {
        self.model == digest(model)
    }
}

/// Where the records of a type are.
pub(super) fn path_of(directory: &Path, name: &str) -> PathBuf {
    directory.join(format!("{name}.ndjson"))
}

/// How many lines a file has that aren't empty.
fn lines(path: &Path) -> io::Result<u64> {
    let (mut file, mut count, mut line) = (BufReader::new(File::open(path)?), 0, Vec::new());
    while file.read_until(b'\n', &mut line)? > 0 {
        count += u64::from(!line.trim_ascii().is_empty());
        line.clear();
    }
    Ok(count)
}

/// Identifies the application's own files of a model.
fn digest(model: &Model) -> String {
    let mut digest = Sha256::new();
    for file in model.sources.files.iter().filter(|file| !file.system) {
        for part in [file.name.as_bytes(), file.text.as_bytes()] {
            digest.update((part.len() as u64).to_le_bytes());
            digest.update(part);
        }
    }
    hexadecimal(&digest.finalize())
}
