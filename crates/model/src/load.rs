use std::sync::Arc;

use crate::{Diagnostic, Diagnostics, Model, SourceFile, SourceMap};

/// A model that holds, with what is doubtful about it.
#[derive(Debug)]
pub struct Loaded {
    /// The model.
    pub model: Model,
    /// Warnings alone.
    pub warnings: Diagnostics,
}

/// Reads model files, those of the application and those of the system model, into one checked model. All errors that
/// can be found are reported together.
pub fn load(files: Vec<SourceFile>) -> Result<Loaded, Diagnostics> {
    let sources = Arc::new(SourceMap::new(files));
    let mut diagnostics = Diagnostics::new(sources);
    diagnostics.push(Diagnostic::error("not yet"));
    Err(diagnostics)
}
