use backstay_base::Timestamp;
use backstay_model::{Model, SourceFile};
use backstay_sql::{ColumnType, Param, Statement};
use sha2::{Digest, Sha256};

use crate::StoreError;
use crate::own::{array, int, own, text};
use crate::session::OwnRow;

/// The model that a database was last opened with, by the hash of its texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Snapshot {
    pub(crate) number: i64,
    pub(crate) hash: [u8; 32],
}

/// What tells two models' texts apart.
pub(crate) fn hash(model: &Model) -> [u8; 32] {
    Sha256::digest(model.sources.fingerprint_input()).into()
}

/// The newest snapshot.
pub(crate) fn newest() -> Statement {
    own(
        "SELECT number, hash FROM backstay_model ORDER BY number DESC LIMIT 1",
        vec![],
        &[ColumnType::Int, ColumnType::Bytes],
    )
}

/// What a row of `newest` holds.
pub(crate) fn read(row: &dyn OwnRow) -> Result<Snapshot, StoreError> {
    Ok(Snapshot { number: int(row, 0)?, hash: array(row, 1)? })
}

/// The files of a snapshot, in order.
pub(crate) fn files(number: i64) -> Statement {
    own(
        "SELECT name, content, system FROM backstay_model_file WHERE model = $1 ORDER BY place",
        vec![Param::Int(number)],
        &[ColumnType::Text, ColumnType::Text, ColumnType::Int],
    )
}

/// What a row of `files` holds.
pub(crate) fn read_file(row: &dyn OwnRow) -> Result<SourceFile, StoreError> {
    let (name, content) = (text(row, 0)?, text(row, 1)?);
    Ok(if int(row, 2)? == 0 { SourceFile::app(name, content) } else { SourceFile::system(name, content) })
}

/// Keeps the texts of a model under this number.
pub(crate) fn keep(model: &Model, number: i64, moment: Timestamp) -> Vec<Statement> {
    let params = vec![Param::Int(number), Param::Bytes(hash(model).as_slice().into()), Param::Int(moment.micros())];
    let head = own("INSERT INTO backstay_model (number, hash, moment) VALUES ($1, $2, $3)", params, &[]);
    let files = (0_i64..).zip(&model.sources.files).map(|(place, file)| {
        let params = vec![
            Param::Int(number),
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
