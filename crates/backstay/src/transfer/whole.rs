use std::fs;
use std::path::{Path, PathBuf};

use backstay_model::{Class, Collection, Field, Model};
use backstay_rest::Style;

use super::export::export_file;
use super::file_import::{FileImport, Outcome, import, start};
use super::manifest::{CollectionFile, Manifest, path_of};
use super::source::Reading;
use super::{Chosen, ExportPage, Format, ImportStart, Mode, TransferError};
use crate::channel::Channel;
use crate::seed::{SeedOrder, seed_order};
use crate::{Answer, Command, Failure, logging};

/// Exports every collection of the application into a directory, which must be empty or not exist. Returns how many records
/// there are.
pub(crate) async fn export_all(channel: &Channel<'_>, model: &Model, directory: &Path) -> Result<u64, Failure> {
    let fail = |source| Failure::Write { path: directory.to_owned(), source };
    fs::create_dir_all(directory).map_err(fail)?;
    if fs::read_dir(directory).map_err(fail)?.next().is_some() {
        return Err(TransferError::NotEmpty { path: directory.to_owned() }.into());
    }
    let (mut files, mut all, mut written) = (Vec::new(), 0, Written::default());
    for of in model.collections.iter().filter(|of| is_exported(of)) {
        let page = ExportPage { collection: of.name.clone(), select: None, filter: None, after: None };
        let chosen = Chosen { page, format: Format::Ndjson, style: Style::default() };
        let path = path_of(directory, &of.name);
        let records = export_file(channel, &chosen, &path).await?;
        written.0.push(path);
        all += records;
        files.push(CollectionFile { name: of.name.clone(), records });
    }
    Manifest::new(model, files).write(directory)?;
    written.0.clear();
    tell_secrets(model);
    Ok(all)
}

/// The files of an export that isn't complete, which are removed if it never is.
#[derive(Default)]
struct Written(Vec<PathBuf>);

impl Drop for Written {
    fn drop(&mut self) {
        for path in &self.0 {
            // Without a manifest, nothing takes it for an export.
            let _ = fs::remove_file(path);
        }
    }
}

/// Warns of types that an import of the export can't create, because their secrets aren't in it.
fn tell_secrets(model: &Model) {
    for of in model.collections.iter().filter(|of| is_exported(of)) {
        let lacking = of.fields.iter().find(|field| field.class == Some(Class::Secret) && field.required);
        if let Some(Field { name, .. }) = lacking {
            let of = &of.name;
            logging::tell(&format!(
                "warning: {of}.{name} is required, and no export has secrets: `import --all` refuses these records; \
                 `backstay backup` keeps them\n"
            ));
        }
    }
}

/// Whether a collection is of the application.
fn is_exported(of: &Collection) -> bool {
    !of.system && of.versions.is_none()
}

/// An export of a whole application that is imported.
#[derive(Debug)]
pub(crate) struct WholeImport {
    pub(crate) directory: PathBuf,
    /// Whether records that are refused are skipped.
    pub(crate) skip: bool,
    /// Whether an import that didn't end begins anew.
    pub(crate) restart: bool,
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct WholeImported {
    /// How many records were imported.
    pub(crate) records: u64,
    /// How many records and relations were refused.
    pub(crate) refused: u64,
}

/// Imports what `export_all` has written. Each record keeps its id, its moments and its version.
pub(crate) async fn import_all(
    channel: &Channel<'_>,
    model: &Model,
    whole: &WholeImport,
) -> Result<WholeImported, Failure> {
    let directory = whole.directory.as_path();
    let manifest = Manifest::read(directory)?;
    manifest.require_whole(directory)?;
    if manifest.application() != model.name {
        logging::tell(&format!("warning: this is an export of the application `{}`\n", manifest.application()));
    }
    if !manifest.is_of(model) {
        logging::tell(
            "warning: the export was made with another model; fields that this one doesn't have are refused\n",
        );
    }
    let mut ids = Vec::new();
    for file in &manifest.collections {
        ids.push(super::collection_named(model, &file.name)?.id);
    }
    let (mut records, mut refused) = (0, 0);
    let (mut begun, mut check) = (Vec::new(), Vec::new());
    let order = seed_order(model, &ids);
    // Types that have records already are reported before anything is imported.
    for SeedOrder { collection, later } in &order {
        let of = model.collection(*collection);
        let mode = Mode::Carry(later.iter().map(|field| member_of(of, *field)).collect());
        let import = start(&whole.file_of(of, mode), &[])?;
        channel.ask(Command::BeginImport { import: ImportStart { anew: false, ..import } }).await?;
    }
    for relates in [false, true] {
        for SeedOrder { collection, later } in &order {
            let of = model.collection(*collection);
            let later: Vec<String> = later.iter().map(|field| member_of(of, *field)).collect();
            if relates && later.is_empty() {
                continue;
            }
            let mode = if relates { Mode::Relate(later) } else { Mode::Carry(later) };
            let Outcome { import: name, imported, refused: skipped, .. } =
                import(channel, &whole.file_of(of, mode)).await?;
            begun.push(name);
            refused += skipped;
            if !relates {
                records += imported.created + imported.updated + imported.unchanged;
            }
        }
        check.extend(order.iter().filter(|_| !relates).map(|one| model.collection(one.collection).name.clone()));
    }
    match channel.ask(Command::EndImport { imports: begun, check }).await? {
        Answer::ImportEnded {} => Ok(WholeImported { records, refused }),
        _ => Err(TransferError::Answer.into()),
    }
}

/// The member of a record in which a field is, or what holds it.
fn member_of(of: &Collection, field: backstay_model::FieldId) -> String {
    let name = &of.field(field).name;
    name.split('.').next().unwrap_or(name).to_owned()
}

impl WholeImport {
    /// The import of one type's file, or of the relations in it.
    fn file_of(&self, of: &Collection, mode: Mode) -> FileImport {
        let path = path_of(&self.directory, &of.name);
        let part = if matches!(mode, Mode::Relate(_)) { ".relations" } else { "" };
        let errors = self.directory.join(format!("{}{part}.errors.ndjson", of.name));
        let reading =
            Reading { format: Some(Format::Ndjson), encoding: None, delimiter: None, columns: None, unguards: false };
        FileImport {
            path,
            collection: of.name.clone(),
            mode,
            reading,
            map: Vec::new(),
            skip: self.skip,
            errors,
            dry_run: false,
            restart: self.restart,
        }
    }
}
