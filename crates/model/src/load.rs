use std::sync::Arc;

use crate::compile::compile;
use crate::resolve::resolve;
use crate::{Diagnostics, Model, SourceFile, SourceMap, packs};

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
    let (files, available) = packs::included(files);
    let sources = Arc::new(SourceMap::new(files));
    let compiled = compile(&sources, &available).map_err(Diagnostics::sorted)?;
    let (model, diagnostics) = resolve(&compiled);
    match model {
        Some(model) => Ok(Loaded { model, warnings: diagnostics.ordered() }),
        None => Err(diagnostics.refused()),
    }
}
