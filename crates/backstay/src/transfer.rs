//! Import and export: records between files and the database.

mod ahead;
mod batch;
mod commit;
mod csv;
mod decode;
mod elements;
mod error;
mod error_file;
mod export;
mod file_import;
mod format;
mod import;
mod keys;
mod manifest;
mod page;
mod part;
mod record;
mod report;
mod source;
mod text;
mod whole;
mod write;

use backstay_base::nearest;
use backstay_model::{Collection, Model};

pub use batch::{Batch, BatchRow, Content, ImportStart, Imported, Mode, RefusedRow};
pub use error::TransferError;
pub use page::{ExportPage, Exported};
pub use record::Done;

pub(crate) use export::{Chosen, export, export_file};
pub(crate) use file_import::{FileImport, import};
pub(crate) use format::{Format, FormulaCells};
pub(crate) use import::{begin, end};
pub(crate) use page::page;
pub(crate) use record::system_model;
pub(crate) use source::Reading;
pub(crate) use text::Encoding;
pub(crate) use whole::{WholeImport, WholeImported, export_all, import_all};
pub(crate) use write::write;

/// The application's collection of this name: that of its type, or the last part of its path.
pub(crate) fn collection_named<'m>(model: &'m Model, name: &str) -> Result<&'m Collection, TransferError> {
    let known = || model.collections.iter().filter(|one| !one.system && one.versions.is_none());
    if let Some(found) = known().find(|one| one.name == name || one.path == name) {
        return Ok(found);
    }
    let names = known().flat_map(|one| [one.name.as_str(), one.path.as_str()]);
    let suggestion = nearest(name, names).map(str::to_owned);
    Err(TransferError::Collection { name: name.to_owned(), suggestion })
}
