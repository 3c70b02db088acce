//! TypeScript → JavaScript: types become blanks, so that every line and column stays what it is in the source.

mod blanker;
mod visit;

use oxc_allocator::Allocator;
use oxc_ast_visit::Visit;
use oxc_parser::Parser;
use oxc_span::SourceType;
use oxc_syntax::module_record::{
    ExportEntry, ExportExportName, ExportImportName, ImportImportName, ModuleRecord, NameSpan,
};

use blanker::Blanker;

/// A module without its types.
#[derive(Debug)]
pub(crate) struct Stripped {
    /// JavaScript.
    pub(crate) code: String,
    /// What it imports, as it is written, each with its place in bytes.
    pub(crate) imports: Vec<(String, usize)>,
    /// The names of values that it imports.
    pub(crate) imported: Vec<Imported>,
    /// The modules whose default it imports, as they are written.
    pub(crate) defaults: Vec<String>,
    /// The modules of which it imports or passes on everything.
    pub(crate) wholes: Vec<String>,
    /// The names of values that it exports, each with its place in bytes.
    pub(crate) exports: Vec<(String, usize)>,
    /// The names of types that it exports.
    pub(crate) types: Vec<String>,
    /// Whether it exports everything that another module does, too.
    pub(crate) exports_all: bool,
}

/// The name of a value that a module imports.
#[derive(Debug)]
pub(crate) struct Imported {
    /// The module, as it is written.
    pub(crate) from: String,
    pub(crate) name: String,
    /// Where, in bytes.
    pub(crate) at: usize,
}

/// Something that is wrong in a source.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Wrong {
    /// Where, in bytes.
    pub(crate) at: usize,
    pub(crate) message: String,
}

/// Takes the types out of TypeScript; JavaScript stays what it is.
pub(crate) fn strip(source: &str, typescript: bool) -> Result<Stripped, Vec<Wrong>> {
    let allocator = Allocator::default();
    let kind = if typescript { SourceType::ts() } else { SourceType::mjs() };
    let parsed = Parser::new(&allocator, source, kind.with_module(true)).parse();
    let wrong: Vec<Wrong> = parsed
        .diagnostics
        .errors()
        .map(|diagnostic| {
            let at = diagnostic.labels.first().map_or(0, |label| label.offset() as usize);
            let help = diagnostic.help.as_ref().map(|help| format!("; {help}")).unwrap_or_default();
            Wrong { at, message: format!("{}{help}", diagnostic.message) }
        })
        .collect();
    if !wrong.is_empty() || parsed.panicked {
        return Err(wrong);
    }
    let mut blanker = Blanker::of(source);
    blanker.visit_program(&parsed.program);
    let code = blanker.written()?;
    let record = &parsed.module_record;
    Ok(Stripped {
        code,
        imports: imports(record),
        imported: imported(record),
        defaults: defaults(record),
        wholes: wholes(record),
        exports: exports(record),
        types: types(record),
        exports_all: record.star_export_entries.iter().any(|entry| !entry.is_type),
    })
}

fn imported(record: &ModuleRecord<'_>) -> Vec<Imported> {
    let of = |from: &NameSpan<'_>, name: &NameSpan<'_>| Imported {
        from: from.name.to_string(),
        name: name.name.to_string(),
        at: name.span.start as usize,
    };
    let named =
        record.import_entries.iter().filter(|entry| !entry.is_type).filter_map(|entry| match &entry.import_name {
            ImportImportName::Name(name) => Some(of(&entry.module_request, name)),
            ImportImportName::Default(_) | ImportImportName::NamespaceObject => None,
        });
    let passed_on = record.indirect_export_entries.iter().filter(|entry| !entry.is_type);
    let passed_on = passed_on.filter_map(|entry| match (&entry.module_request, &entry.import_name) {
        (Some(from), ExportImportName::Name(name)) => Some(of(from, name)),
        _ => None,
    });
    named.chain(passed_on).collect()
}

fn defaults(record: &ModuleRecord<'_>) -> Vec<String> {
    let entries = record.import_entries.iter().filter(|entry| !entry.is_type);
    let defaults = entries.filter(|entry| matches!(entry.import_name, ImportImportName::Default(_)));
    defaults.map(|entry| entry.module_request.name.to_string()).collect()
}

fn wholes(record: &ModuleRecord<'_>) -> Vec<String> {
    let entries = record.import_entries.iter().filter(|entry| !entry.is_type);
    let imported = entries.filter(|entry| matches!(entry.import_name, ImportImportName::NamespaceObject));
    let passed_on = record.star_export_entries.iter().chain(&record.indirect_export_entries);
    let passed_on = passed_on.filter(|entry| {
        !entry.is_type && matches!(entry.import_name, ExportImportName::All | ExportImportName::AllButDefault)
    });
    let passed_on = passed_on.filter_map(|entry| entry.module_request.as_ref());
    imported.map(|entry| &entry.module_request).chain(passed_on).map(|module| module.name.to_string()).collect()
}

fn types(record: &ModuleRecord<'_>) -> Vec<String> {
    let entries = record.local_export_entries.iter().chain(&record.indirect_export_entries);
    let name = |entry: &ExportEntry<'_>| match &entry.export_name {
        ExportExportName::Name(name) => Some(name.name.to_string()),
        ExportExportName::Default(_) | ExportExportName::Null => None,
    };
    entries.filter(|entry| entry.is_type).filter_map(name).collect()
}

fn imports(record: &ModuleRecord<'_>) -> Vec<(String, usize)> {
    let mut all: Vec<(String, usize)> = Vec::new();
    for (name, requested) in &record.requested_modules {
        if let Some(first) = requested.iter().find(|requested| !requested.is_type) {
            all.push((name.to_string(), first.span.start as usize));
        }
    }
    all.sort_by_key(|(_, at)| *at);
    all
}

fn exports(record: &ModuleRecord<'_>) -> Vec<(String, usize)> {
    let entries = record.local_export_entries.iter().chain(&record.indirect_export_entries);
    let mut all: Vec<(String, usize)> = entries
        .filter(|entry| !entry.is_type)
        .filter_map(|entry| match &entry.export_name {
            ExportExportName::Name(name) => Some((name.name.to_string(), name.span.start as usize)),
            ExportExportName::Default(span) => Some(("default".to_owned(), span.start as usize)),
            ExportExportName::Null => None,
        })
        .collect();
    all.sort_by_key(|(_, at)| *at);
    all
}

#[cfg(test)]
mod tests;
