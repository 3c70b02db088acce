//! The functions of an application, read beside its model.

use std::collections::BTreeSet;

use backstay_functions::{CollectionName, Problem, Program, Tests};
use backstay_model::{HookRun, Model};

use crate::{Config, Directory, Failure};

/// The directory in which they are.
pub(crate) const FUNCTIONS: &str = "functions";

/// Reads the functions of the application with this model. Each is named by an action or a hook.
pub(crate) fn read(directory: &Directory, model: &Model) -> Result<Program, Failure> {
    let program =
        Program::read(directory.root(), &names(model), backstay_client::REQUESTS).map_err(Failure::Functions)?;
    let of_actions = model.actions.iter().map(|action| action.function.as_str());
    let used: BTreeSet<&str> = of_actions.chain(before_functions(model)).collect();
    let unused: Vec<Problem> = program.unused(&used).cloned().collect();
    if unused.is_empty() { Ok(program) } else { Err(Failure::Functions(unused)) }
}

/// Warns of modules that each call evaluates again, because they make too much to be copied.
pub(crate) fn warn_if_large(program: &Program, config: &mut Config) {
    if !program.is_copied() {
        let most = Program::COPIED_BYTES / (1024 * 1024);
        let message =
            format!("modules in `functions/` take more than {most} MiB of memory, so calls evaluate them again");
        let help =
            "make large tables in the functions that need them or store them as records, and import smaller packages";
        config.warnings.warn_of_modules(message, help);
    }
}

/// Reads the tests of the functions of this application.
pub(crate) fn tests(directory: &Directory, model: &Model) -> Result<Tests, Failure> {
    Tests::read(directory.root(), &names(model), backstay_client::REQUESTS).map_err(Failure::Functions)
}

/// The functions of hooks before changes.
pub(crate) fn before_functions(model: &Model) -> impl Iterator<Item = &str> {
    model.hooks.iter().filter_map(|hook| match &hook.run {
        HookRun::Before(function) => Some(&**function),
        HookRun::Action(_) | HookRun::Notify(_) => None,
    })
}

/// The functions that actions and hooks name and no file has. An application without files has procedures in Rust.
pub(crate) fn missing(program: &Program, model: &Model) -> Option<Failure> {
    let named = model.actions.iter().map(|action| action.function.as_str()).chain(before_functions(model));
    let missing: Vec<String> = named.filter(|name| !program.has(name)).map(str::to_owned).collect();
    let elsewhere: Vec<Problem> = missing.iter().filter_map(|name| program.other(name)).cloned().collect();
    if !elsewhere.is_empty() {
        return Some(Failure::Functions(elsewhere));
    }
    (!program.is_empty() && !missing.is_empty()).then_some(Failure::Procedures { missing })
}

/// The paths of what functions can ask for.
pub(crate) fn paths(model: &Model) -> Vec<String> {
    names(model).into_iter().map(|name| name.path).collect()
}

/// What functions can ask for.
fn names(model: &Model) -> Vec<CollectionName> {
    let name =
        |path: &str, single| CollectionName { member: backstay_client::member(path), path: path.to_owned(), single };
    let collections = model.collections.iter().filter(|one| !one.system).map(|one| name(&one.path, one.single));
    collections.chain(model.interfaces.iter().map(|one| name(&one.path, false))).collect()
}
