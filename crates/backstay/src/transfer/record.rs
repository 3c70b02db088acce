use backstay_base::Error;
use backstay_engine::{Input, Record};
use backstay_model::{FieldId, Model, SourceFile};
use backstay_scalar::Value;
use serde::{Deserialize, Serialize};

use super::batch::RefusedRow;
use crate::records::Journal;

/// The collection that stores how far imports are. It is loaded together with the application's model.
pub(crate) fn system_model() -> SourceFile {
    SourceFile::system("backstay/import.graphql", TEXT)
}

const TEXT: &str = r#""An import that has begun, and how far it is."
type BackstayImport @allow(read: "auth.kind == 'OPERATOR'") {
  name: String! @unique
  "Rows that it is past."
  rows: Int!
  "A digest of these rows."
  digest: String!
  "How many of them were refused."
  refused: Int
  "The last ones of those, as lines of the file of errors, which may not have them yet."
  unlisted: Text @class(is: PERSONAL)
}
"#;

/// Its ids in the loaded model.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ImportSchema {
    pub(crate) journal: Journal,
    rows: FieldId,
    digest: FieldId,
    refused: FieldId,
    unlisted: FieldId,
}

/// The model was loaded without Backstay's own types, or something else has written to them.
#[derive(Debug, thiserror::Error)]
#[error("Backstay's own records about imports aren't as Backstay stores them")]
pub(crate) struct Foreign;

/// How far an import is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Done {
    /// Rows that it is past.
    pub rows: u64,
    /// A digest of these rows.
    pub digest: String,
    /// How many of them were refused.
    pub refused: u64,
    /// The last ones of those, which the file of errors may not have yet.
    pub unlisted: Vec<RefusedRow>,
}

impl ImportSchema {
    pub(crate) fn of(model: &Model) -> Result<Self, Error> {
        let foreign = || Error::internal(Foreign);
        let imports = model.collection_named("BackstayImport").filter(|of| of.system).ok_or_else(foreign)?;
        let field = |name| imports.field_named(name).map(|field| field.id).ok_or_else(foreign);
        Ok(Self {
            journal: Journal { collection: imports.id, name: field("name")? },
            rows: field("rows")?,
            digest: field("digest")?,
            refused: field("refused")?,
            unlisted: field("unlisted")?,
        })
    }

    /// How far the import is.
    pub(crate) fn done(self, record: &Record) -> Result<Done, Error> {
        let rows = self.rows_of(record)?;
        // Imports that began with an earlier version of Backstay have no counts.
        let refused = record.value(self.refused).as_int().map_or(Ok(0), u64::try_from).map_err(Error::internal)?;
        let unlisted = match record.value(self.unlisted).as_text() {
            Some(lines) => lines.lines().map(RefusedRow::read).collect::<Result<_, _>>().map_err(Error::internal)?,
            None => Vec::new(),
        };
        let digest = record.value(self.digest).as_text().ok_or_else(|| Error::internal(Foreign))?.to_owned();
        Ok(Done { rows, digest, refused, unlisted })
    }

    /// How many rows it is past.
    pub(crate) fn rows_of(self, record: &Record) -> Result<u64, Error> {
        let rows = record.value(self.rows).as_int().and_then(|rows| u64::try_from(rows).ok());
        rows.ok_or_else(|| Error::internal(Foreign))
    }

    /// The same as values of its record.
    pub(crate) fn input(self, done: &Done) -> Result<Input, Error> {
        let integer = |count: u64| i64::try_from(count).map_err(Error::internal);
        let lines: String = done.unlisted.iter().map(RefusedRow::line).collect();
        let unlisted = if lines.is_empty() { Value::Null } else { Value::Text(lines.into()) };
        Ok(Input::new()
            .with(self.rows, integer(done.rows)?)
            .with(self.digest, done.digest.as_str())
            .with(self.refused, integer(done.refused)?)
            .with(self.unlisted, unlisted))
    }
}
