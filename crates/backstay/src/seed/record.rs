use backstay_base::{Error, RecordId};
use backstay_engine::{Input, Record};
use backstay_model::{Collection, CollectionId, FieldId, Model, SourceFile};

use super::SeedError;
use crate::records::{Position, Progress};

/// The collections that store how far seed files are loaded. They are loaded together with the application's model.
pub(crate) fn system_model() -> SourceFile {
    SourceFile::system("backstay/seed.graphql", TEXT)
}

const TEXT: &str = r#""A seed file, and how far it is loaded."
type BackstaySeedFile @allow(read: "auth.kind == 'OPERATOR'") {
  name: String! @unique @names(of: TYPES)
  "Lines that are loaded."
  lines: Int!
  "Bytes that are loaded."
  bytes: Int!
  "SHA-256 of those bytes."
  digest: String!
  "When the file was last changed, in microseconds, as it was found at the end of its load."
  modified: Int
  finishedAt: DateTime
}

"A loaded record, some of whose relations are set when all records exist."
type BackstaySeedLater @allow(read: "auth.kind == 'OPERATOR'") {
  file: BackstaySeedFile! @onDelete(do: CASCADE)
  "The record's line in the file."
  line: Int!
  "The byte at which that line starts."
  offset: Int!
  record: ID!
}
"#;

/// Their ids in the loaded model.
#[derive(Debug, Clone, Copy)]
pub(super) struct Schema {
    pub(super) files: CollectionId,
    pub(super) name: FieldId,
    lines: FieldId,
    bytes: FieldId,
    digest: FieldId,
    pub(super) modified: FieldId,
    pub(super) finished_at: FieldId,
    pub(super) later: CollectionId,
    pub(super) later_file: FieldId,
    later_line: FieldId,
    later_offset: FieldId,
    later_record: FieldId,
}

impl Schema {
    pub(super) fn of(model: &Model) -> Result<Self, SeedError> {
        let files = own(model, "BackstaySeedFile")?;
        let later = own(model, "BackstaySeedLater")?;
        Ok(Self {
            files: files.id,
            name: field(files, "name")?,
            lines: field(files, "lines")?,
            bytes: field(files, "bytes")?,
            digest: field(files, "digest")?,
            modified: field(files, "modified")?,
            finished_at: field(files, "finishedAt")?,
            later: later.id,
            later_file: field(later, "file")?,
            later_line: field(later, "line")?,
            later_offset: field(later, "offset")?,
            later_record: field(later, "record")?,
        })
    }

    /// How far a file is loaded.
    pub(super) fn progress(&self, file: &Record) -> Result<Progress, Error> {
        let at = Position { line: count(file, self.lines)?, byte: count(file, self.bytes)? };
        let digest = file.value(self.digest).as_text().ok_or_else(foreign)?;
        Ok(Progress { at, digest: digest.to_owned() })
    }

    /// The record that a note is about, with the line it comes from: number and first byte.
    pub(super) fn note(&self, note: &Record) -> Result<(RecordId, u64, u64), Error> {
        let record = note.value(self.later_record).as_id().ok_or_else(foreign)?;
        Ok((record, count(note, self.later_line)?, count(note, self.later_offset)?))
    }

    /// How far a file is loaded, as values of its record.
    pub(super) fn input(&self, progress: &Progress) -> Input {
        Input::new()
            .with(self.lines, integer(progress.at.line))
            .with(self.bytes, integer(progress.at.byte))
            .with(self.digest, progress.digest.as_str())
    }

    /// A record whose relations are set later.
    pub(super) fn later_input(&self, file: RecordId, record: RecordId, line: u64, offset: u64) -> Input {
        Input::new()
            .with(self.later_file, file)
            .with(self.later_line, integer(line))
            .with(self.later_offset, integer(offset))
            .with(self.later_record, record)
    }
}

/// A count as it is stored.
fn integer(count: u64) -> i64 {
    i64::try_from(count).expect("no file has 2^63 bytes")
}

/// A stored count.
fn count(record: &Record, field: FieldId) -> Result<u64, Error> {
    record.value(field).as_int().and_then(|count| u64::try_from(count).ok()).ok_or_else(foreign)
}

/// A value in the seed's own collections that no load stored.
fn foreign() -> Error {
    Error::internal(SeedError::Stored)
}

fn own<'m>(model: &'m Model, name: &'static str) -> Result<&'m Collection, SeedError> {
    let found = model.collection_named(name).filter(|collection| collection.system);
    found.ok_or(SeedError::System { name })
}

fn field(collection: &Collection, name: &'static str) -> Result<FieldId, SeedError> {
    collection.field_named(name).map(|field| field.id).ok_or(SeedError::System { name })
}
