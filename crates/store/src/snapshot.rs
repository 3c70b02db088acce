use backstay_audit::ModelNumber;
use backstay_base::Timestamp;
use backstay_model::{Model, SourceFile};
use backstay_scalar::Storage;
use backstay_sql::{Param, Statement};
use sha2::{Digest, Sha256};

use crate::StoreError;
use crate::own::{array, int, own, text};
use crate::session::OwnRow;

/// A model that a database was opened with, by the hash of its texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Snapshot {
    pub(crate) number: ModelNumber,
    pub(crate) hash: [u8; 32],
}

/// Identifies a model by its texts; the format is that of `SourceMap::fingerprint_input`.
pub(crate) fn hash(model: &Model) -> [u8; 32] {
    Sha256::digest(model.sources.fingerprint_input()).into()
}

/// The newest snapshot.
pub(crate) fn newest() -> Statement {
    own("SELECT number, hash FROM backstay_model ORDER BY number DESC LIMIT 1", vec![], &[Storage::Int, Storage::Bytes])
}

/// The last snapshot with this hash.
#[cfg(feature = "postgres")]
pub(crate) fn with_hash(hash: [u8; 32]) -> Statement {
    own(
        "SELECT number, hash FROM backstay_model WHERE hash = $1 ORDER BY number DESC LIMIT 1",
        vec![Param::Bytes(hash.as_slice().into())],
        &[Storage::Int, Storage::Bytes],
    )
}

/// What a row of `newest` holds.
pub(crate) fn read(row: &dyn OwnRow) -> Result<Snapshot, StoreError> {
    let number = u32::try_from(int(row, 0)?).map_err(|_| StoreError::Catalog("backstay_model"))?;
    Ok(Snapshot { number: ModelNumber(number), hash: array(row, 1)? })
}

/// The files of a snapshot, in order.
pub(crate) fn files(number: ModelNumber) -> Statement {
    own(
        "SELECT name, content, system FROM backstay_model_file WHERE model = $1 ORDER BY place",
        vec![Param::Int(i64::from(number.0))],
        &[Storage::Text, Storage::Text, Storage::Int],
    )
}

/// What a row of `files` holds.
pub(crate) fn read_file(row: &dyn OwnRow) -> Result<SourceFile, StoreError> {
    let (name, content) = (text(row, 0)?, text(row, 1)?);
    Ok(if int(row, 2)? == 0 { SourceFile::app(name, content) } else { SourceFile::system(name, content) })
}

/// Stores the texts of a model under this number.
pub(crate) fn keep(model: &Model, number: ModelNumber, moment: Timestamp) -> Vec<Statement> {
    let number = Param::Int(i64::from(number.0));
    let params = vec![number.clone(), Param::Bytes(hash(model).as_slice().into()), Param::Int(moment.micros())];
    let head = own("INSERT INTO backstay_model (number, hash, moment) VALUES ($1, $2, $3)", params, &[]);
    let files = (0_i64..).zip(&model.sources.files).map(|(place, file)| {
        let params = vec![
            number.clone(),
            Param::Int(place),
            Param::Int(i64::from(file.system)),
            Param::Text(file.name.as_str().into()),
            Param::Text(file.text.clone()),
        ];
        own(
            "INSERT INTO backstay_model_file (model, place, system, name, content) VALUES ($1, $2, $3, $4, $5)",
            params,
            &[],
        )
    });
    std::iter::once(head).chain(files).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SHA-256, by another implementation, of: the format 1 (4 bytes), `00` for a file of the application, the length of
    /// the name (8 bytes), the name, the length of the text, the text; lengths and format are little-endian.
    #[test]
    fn the_hash_of_a_model_is_that_of_its_texts() {
        let file = SourceFile::app("model/app.graphql", "extend schema @app(name: \"A\")\n");
        let model = backstay_model::load(vec![file]).expect("a model").model;
        let hash: Vec<String> = hash(&model).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hash.concat(), "571ed3754eb93f8ec005e0db0871c589a1e13697552754c5faac0195466d0143");
    }
}
