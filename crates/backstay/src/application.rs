use backstay_engine::Application;
use backstay_model::{Diagnostics, Loaded, SourceFile, load};

use crate::{Directory, Failure, inspection, seed, transfer};

/// An application's model, compiled.
#[derive(Debug)]
pub struct Compiled {
    /// The model and its rules.
    pub application: Application,
    /// What loading the model warned of.
    loaded: Diagnostics,
}

impl Compiled {
    /// Warnings about the model, but for those that its comments ignore.
    pub fn warnings(&self) -> Diagnostics {
        let mut warnings = self.loaded.clone();
        warnings.extend(self.application.lints());
        warnings.without_ignored()
    }
}

/// Reads an application's model files, adds Backstay's own collections and compiles the rules. Reports all problems
/// together.
pub fn compile(directory: &Directory) -> Result<Compiled, Failure> {
    Ok(compile_model(load_whole(directory.model_files().all()?)?)?)
}

/// Loads the application's model together with Backstay's own collections.
pub(crate) fn load_whole(mut files: Vec<SourceFile>) -> Result<Loaded, Diagnostics> {
    // Backstay's own model refers to the application's identity type, so the application's must be loaded first.
    let own = load(files.clone())?;
    let identity = own.model.identity.map(|id| own.model.collection(id).name.clone());
    files.push(backstay_identity::system_model(identity.as_deref()));
    files.push(seed::system_model());
    files.push(transfer::system_model());
    files.push(inspection::system_model());
    files.push(backstay_jobs::system_model());
    files.push(backstay_jobs::webhooks_model());
    load(files)
}

/// Compiles the rules.
pub(crate) fn compile_model(loaded: Loaded) -> Result<Compiled, Diagnostics> {
    let accounts = backstay_identity::check(&loaded.model);
    match (Application::compile(loaded.model), accounts) {
        (Ok(application), Ok(())) => Ok(Compiled { application, loaded: loaded.warnings }),
        (Ok(_), Err(found)) | (Err(found), Ok(())) => Err(found),
        (Err(mut found), Err(more)) => {
            found.extend(more.iter().cloned());
            Err(found)
        }
    }
}
