use std::path::Path;
use std::sync::Arc;

use backstay_functions::{Problem, Program};
use backstay_http::ModelProblems;
use backstay_mail::Templates;
use backstay_model::{PlainDiagnostic, Position};
use serde_json::json;

use crate::application::{compile_model, load_whole};
use crate::seed::{SeedError, placed};
use crate::{Compiled, Config, Directory, DirectoryError, Failure, functions, mail};

/// What checking an application found, without looking at its data.
#[derive(Debug)]
pub(crate) struct Checked {
    /// The settings, if nothing is wrong with them.
    pub(crate) config: Option<Config>,
    /// The model, if nothing is wrong with it.
    pub(crate) compiled: Option<Compiled>,
    /// The functions, if nothing is wrong with them.
    pub(crate) program: Option<Program>,
    /// The templates of mail, if nothing is wrong with them.
    pub(crate) templates: Option<Arc<Templates>>,
    /// Everything that is wrong.
    pub(crate) failures: Vec<Failure>,
}

/// Checks settings, file names, the model, the names of seed files and the functions. A problem in one of them hides none in the
/// others, except that rules, functions and the names of seed files are checked only if the model can be loaded.
pub(crate) fn check(app: &Path) -> Checked {
    let directory = match Directory::open(app) {
        Ok(directory) => directory,
        Err(error) => return Checked::failed(error.into()),
    };
    let mut failures = Vec::new();
    let mut config = directory.settings().map_err(|error| failures.push(error)).ok();
    // Without settings, they are checked as if there were none.
    let defaults = Config::default();
    let templates = mail::read(&directory, config.as_ref().unwrap_or(&defaults));
    let templates = templates.map_err(|failure| failures.push(failure)).ok();
    let (model, seed) = (directory.model_files(), directory.seed_files());
    let files = [directory.misnamed(), model.wrong, seed.wrong];
    failures.extend(files.into_iter().flatten().map(Failure::from));
    if model.files.is_empty() {
        return Checked { config, compiled: None, program: None, templates, failures };
    }
    let compiled =
        load_whole(model.files, &config.as_ref().unwrap_or(&defaults).server.api_prefix).and_then(|loaded| {
            let names = seed.files.iter().map(|file| file.collection(&loaded.model));
            let misnamed: Vec<Failure> = names.filter_map(Result::err).map(Failure::from).collect();
            let compiled = compile_model(loaded);
            failures.extend(misnamed);
            compiled
        });
    let compiled = compiled.map_err(|diagnostics| failures.push(diagnostics.into())).ok();
    let program = compiled.as_ref().and_then(|compiled| {
        let model = compiled.application.model();
        let program = functions::read(&directory, model).map_err(|failure| failures.push(failure)).ok()?;
        failures.extend(functions::missing(&program, model));
        Some(program)
    });
    if let (Some(program), Some(config)) = (&program, &mut config) {
        functions::warn_if_large(program, config);
    }
    if let (Some(compiled), Some(templates)) = (&compiled, &templates) {
        failures.extend(mail::check(compiled.application.model(), templates).err());
    }
    Checked { config, compiled, program, templates, failures }
}

impl Checked {
    /// Nothing could be read.
    fn failed(failure: Failure) -> Self {
        Self { config: None, compiled: None, program: None, templates: None, failures: vec![failure] }
    }
}

/// A failure as diagnostics for programs. Paths are relative to the application.
pub(crate) fn plain(failure: &Failure, app: &Path) -> Vec<PlainDiagnostic> {
    let (file, place) = match failure {
        Failure::Functions(problems) => return problems.iter().map(of_function).collect(),
        Failure::Mail(problems) => return problems.iter().map(of_template).collect(),
        Failure::Model(diagnostics) => return diagnostics.plain(),
        Failure::Config(error) => return error.problems.plain(),
        Failure::Directory(error) => (within(error.path(), app), position(error)),
        Failure::Seed(SeedError::Type { file, .. } | SeedError::NotOfPack { file, .. }) => (Some(placed(file)), None),
        _ => (None, None),
    };
    let refusal = failure.refusal();
    let causes = refusal.causes.iter().filter(|cause| !refusal.message.contains(cause.as_str()));
    let message = causes.fold(refusal.message.clone(), |words, cause| format!("{words}: {cause}"));
    let label = String::new();
    vec![PlainDiagnostic {
        severity: "error",
        code: None,
        message,
        file,
        start: place,
        end: place,
        label,
        help: refusal.help,
    }]
}

/// A problem of a function as a diagnostic.
fn of_function(problem: &Problem) -> PlainDiagnostic {
    let Problem { file, line, column, message } = problem.clone();
    let place = line.zip(column).map(|(line, column)| Position { line, column });
    PlainDiagnostic {
        severity: "error",
        code: None,
        message,
        file: Some(file),
        start: place,
        end: place,
        label: String::new(),
        help: None,
    }
}

/// A problem of a template of mail as a diagnostic.
fn of_template(problem: &backstay_mail::Problem) -> PlainDiagnostic {
    let backstay_mail::Problem { file, line, message } = problem.clone();
    of_function(&Problem { file, line, column: line.map(|_| 1), message })
}

/// A diagnostic as JSON; members without a value are null.
pub(crate) fn shown(one: &PlainDiagnostic) -> serde_json::Value {
    let position = |at: Option<Position>| at.map(|at| json!({"line": at.line, "column": at.column}));
    let label = Some(&one.label).filter(|label| !label.is_empty());
    json!({
        "severity": one.severity, "code": one.code, "message": one.message, "file": one.file,
        "start": position(one.start), "end": position(one.end), "label": label, "help": one.help,
    })
}

/// What keeps an application from being served, for those who ask it.
pub(crate) fn problems(failures: &[&Failure], app: &Path) -> ModelProblems {
    ModelProblems {
        diagnostics: failures.iter().flat_map(|failure| plain(failure, app)).map(|one| shown(&one)).collect(),
        text: failures.iter().map(|failure| failure.render(false)).collect(),
    }
}

fn within(path: &Path, app: &Path) -> Option<String> {
    let file = path.strip_prefix(app).unwrap_or(path).display().to_string();
    (!file.is_empty()).then_some(file)
}

fn position(error: &DirectoryError) -> Option<Position> {
    match error {
        DirectoryError::NotUtf8 { place, .. } => Some(*place),
        _ => None,
    }
}
