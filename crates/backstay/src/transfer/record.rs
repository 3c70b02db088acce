use backstay_base::Error;
use backstay_engine::{Input, Record};
use backstay_model::{CollectionId, FieldId, Model, SourceFile};

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
}
"#;

/// Its ids in the loaded model.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ImportSchema {
    pub(crate) imports: CollectionId,
    pub(crate) name: FieldId,
    rows: FieldId,
    digest: FieldId,
}

/// The model was loaded without Backstay's own types, or something else has written to them.
#[derive(Debug, thiserror::Error)]
#[error("Backstay's own records about imports aren't as Backstay stores them")]
pub(crate) struct Foreign;

/// How far an import is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Done {
    /// Rows that it is past.
    pub(crate) rows: u64,
    /// A digest of these rows.
    pub(crate) digest: String,
}

impl ImportSchema {
    pub(crate) fn of(model: &Model) -> Result<Self, Error> {
        let foreign = || Error::internal(Foreign);
        let imports = model.collection_named("BackstayImport").filter(|of| of.system).ok_or_else(foreign)?;
        let field = |name| imports.field_named(name).map(|field| field.id).ok_or_else(foreign);
        Ok(Self { imports: imports.id, name: field("name")?, rows: field("rows")?, digest: field("digest")? })
    }

    /// How far the import is.
    pub(crate) fn done(self, record: &Record) -> Result<Done, Error> {
        let rows = record.value(self.rows).as_int().and_then(|rows| u64::try_from(rows).ok());
        match (rows, record.value(self.digest).as_text()) {
            (Some(rows), Some(digest)) => Ok(Done { rows, digest: digest.to_owned() }),
            (_, _) => Err(Error::internal(Foreign)),
        }
    }

    /// The same as values of its record.
    pub(crate) fn input(self, done: &Done) -> Result<Input, Error> {
        let rows = i64::try_from(done.rows).map_err(Error::internal)?;
        Ok(Input::new().with(self.rows, rows).with(self.digest, done.digest.as_str()))
    }
}
