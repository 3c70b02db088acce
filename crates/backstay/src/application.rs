use backstay_engine::Application;
use backstay_model::{ApiPrefix, Diagnostics, Loaded, SourceFile, load_at};

use crate::{Failure, Place, inspection, seed, transfer};

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
pub fn compile(place: &Place) -> Result<Compiled, Failure> {
    Ok(compile_model(load_whole(place.directory.model_files().all()?, &place.config.server.api_prefix)?)?)
}

/// Loads the application's model together with Backstay's own collections, all of them below this path.
pub(crate) fn load_whole(mut files: Vec<SourceFile>, api: &ApiPrefix) -> Result<Loaded, Diagnostics> {
    // Backstay's own model refers to the application's identity type, so the application's must be loaded first.
    let own = load_at(files.clone(), api)?;
    let identity = own.model.identity.map(|id| own.model.collection(id).name.clone());
    files.push(backstay_identity::system_model(identity.as_deref()));
    files.push(seed::system_model());
    files.push(transfer::system_model());
    files.push(inspection::system_model());
    files.push(backstay_jobs::system_model());
    files.push(backstay_jobs::webhooks_model());
    load_at(files, api)
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
