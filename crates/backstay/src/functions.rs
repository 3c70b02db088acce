//! The functions of an application, read beside its model.

use std::collections::BTreeSet;

use backstay_functions::{CollectionName, Problem, Program, Tests};
use backstay_model::Model;

use crate::{Directory, Failure};

/// The directory in which they are.
pub(crate) const FUNCTIONS: &str = "functions";

/// Reads the functions of the application with this model. Each is named by an action.
pub(crate) fn read(directory: &Directory, model: &Model) -> Result<Program, Failure> {
    let program =
        Program::read(directory.root(), &names(model), backstay_client::REQUESTS).map_err(Failure::Functions)?;
    let used: BTreeSet<&str> = model.actions.iter().map(|action| action.function.as_str()).collect();
    let unused: Vec<Problem> = program.unused(&used).cloned().collect();
    if unused.is_empty() { Ok(program) } else { Err(Failure::Functions(unused)) }
}

/// Reads the tests of the functions of this application.
pub(crate) fn tests(directory: &Directory, model: &Model) -> Result<Tests, Failure> {
    Tests::read(directory.root(), &names(model), backstay_client::REQUESTS).map_err(Failure::Functions)
}

/// The functions that actions name and no file has. An application without files has procedures in Rust.
pub(crate) fn missing(program: &Program, model: &Model) -> Option<Failure> {
    let missing = model.actions.iter().filter(|action| !program.has(&action.function));
    let missing: Vec<String> = missing.map(|action| action.function.clone()).collect();
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
