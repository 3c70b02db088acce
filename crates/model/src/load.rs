use std::sync::Arc;

use crate::compile::compile;
use crate::resolve::resolve;
use crate::{ApiPrefix, Diagnostics, Model, SourceFile, SourceMap, packs};

/// A model that holds, with what is doubtful about it.
#[derive(Debug)]
pub struct Loaded {
    /// The model.
    pub model: Model,
    /// Warnings alone, those included that comments in the model ignore: see `Diagnostics::without_ignored`.
    pub warnings: Diagnostics,
}

/// Reads model files, those of the application and those of the system model, into one checked model. All errors that
/// can be found are reported together: those of syntax, else those of names and types, else all others. The files of packs
/// that the application doesn't include are no part of the model.
pub fn load(files: Vec<SourceFile>) -> Result<Loaded, Diagnostics> {
    load_at(files, &ApiPrefix::default())
}

/// The same, with the records below this path.
pub fn load_at(files: Vec<SourceFile>, api: &ApiPrefix) -> Result<Loaded, Diagnostics> {
    loaded(files, Some(api))
}

/// Reads the files of a model that a database keeps. Below which path its records were isn't known, so its routes may be anywhere.
pub fn load_stored(files: Vec<SourceFile>) -> Result<Loaded, Diagnostics> {
    loaded(files, None)
}

fn loaded(files: Vec<SourceFile>, api: Option<&ApiPrefix>) -> Result<Loaded, Diagnostics> {
    let (files, available) = packs::included(files);
    let sources = Arc::new(SourceMap::new(files));
    let compiled = compile(&sources, &available).map_err(Diagnostics::sorted)?;
    let (model, diagnostics) = resolve(&compiled, api);
    match model {
        Some(model) => Ok(Loaded { model, warnings: diagnostics.ordered() }),
        None => Err(diagnostics.refused()),
    }
}
