use backstay_engine::Application;
use backstay_model::{Diagnostics, load};

use crate::{Directory, Failure, seed};

/// An application's model, compiled.
#[derive(Debug)]
pub struct Compiled {
    /// The model and its rules.
    pub application: Application,
    /// What is doubtful about it.
    pub warnings: Diagnostics,
}

/// Reads the model files of an application, adds Backstay's own collections and compiles the rules. Everything that is
/// wrong is reported together.
pub fn compile(directory: &Directory) -> Result<Compiled, Failure> {
    let mut files = directory.model_files()?;
    // Backstay's own model refers to the application's identity type, whose name only the application's model tells.
    let own = load(files.clone())?;
    let identity = own.model.identity.map(|id| own.model.collection(id).name.clone());
    files.push(backstay_identity::system_model(identity.as_deref()));
    files.push(seed::system_model());
    let loaded = load(files)?;
    let accounts = backstay_identity::check(&loaded.model);
    match (Application::compile(loaded.model), accounts) {
        (Ok(application), Ok(())) => Ok(Compiled { application, warnings: loaded.warnings }),
        (Ok(_), Err(found)) | (Err(found), Ok(())) => Err(found.into()),
        (Err(mut found), Err(more)) => {
            found.extend(more.iter().cloned());
            Err(found.into())
        }
    }
}
