//! `backstay adopt`.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use backstay_base::{Ambient, Secret};
use backstay_engine::{AdoptError, Engine, Location};

use super::{find, print};
use crate::adopt::{Adopted, AdoptionPlan, MODEL_FILE, Translation};
use crate::arguments::{Adopt, Form};
use crate::{Directory, Failure};

/// Shows the model of a schema and the steps that make its tables those of the model, or takes them.
pub(super) fn adopt(arguments: &Adopt) -> Result<ExitCode, Failure> {
    let place = find(&arguments.app, arguments.url.as_ref())?;
    let Location::Url(url) = &place.database else { return Err(Failure::NoServer) };
    let database = place.database.to_string();
    let name = arguments.name.clone().unwrap_or_else(|| name_of(&database));
    let translation = match Translation::of(url, &name) {
        Err(Failure::Adopt(AdoptError::Backstays { database, is_adopted: true })) => {
            print(&format!("nothing to do: {database} was adopted already; `backstay serve` serves it\n"))?;
            return Ok(ExitCode::SUCCESS);
        }
        translation => translation?,
    };
    let text = if arguments.apply {
        let adopted = apply(&translation, (&place.directory, url), database)?;
        shown(arguments.format, &adopted.json(), &adopted)
    } else {
        let plan = AdoptionPlan { steps: translation.steps(), translation: &translation };
        shown(arguments.format, &plan.json(), &plan)
    };
    print(&text)?;
    Ok(ExitCode::SUCCESS)
}

fn shown(format: Form, json: &serde_json::Value, text: &impl std::fmt::Display) -> String {
    match format {
        Form::Text => text.to_string(),
        Form::Json => format!("{json}\n"),
    }
}

/// Writes the model and takes the steps: both, or neither.
fn apply<'t>(
    translation: &'t Translation,
    (directory, url): (&Directory, &Secret),
    database: String,
) -> Result<Adopted<'t>, Failure> {
    let path = directory.root().join(MODEL_FILE);
    let written = write(directory, &path, &translation.model)?;
    let found = (&translation.survey, &translation.adoption);
    let application = &translation.compiled.application;
    match Engine::adopt(url, found, (application, &Ambient::system())) {
        Ok(steps) => Ok(Adopted { translation, steps, database, file: path.display().to_string() }),
        Err(error) => {
            // If the database was adopted all the same, this is its model.
            if let (Written::Now, false) = (written, error.may_be_done()) {
                // The reason for the failure is what matters.
                let _ = fs::remove_file(&path);
            }
            Err(error.into())
        }
    }
}

enum Written {
    Now,
    Before,
}

/// Writes the model, unless it is there.
fn write(directory: &Directory, path: &Path, model: &str) -> Result<Written, Failure> {
    if fs::read_to_string(path).is_ok_and(|found| found == model) && directory.model_files().files.len() == 1 {
        return Ok(Written::Before);
    }
    if let Some(file) = directory.model_files().files.first() {
        return Err(Failure::ModelExists { path: PathBuf::from(&file.name) });
    }
    let failed = |source: io::Error| Failure::Write { path: path.to_owned(), source };
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(failed)?;
    }
    let mut file = File::create_new(path).map_err(failed)?;
    file.write_all(model.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
    Ok(Written::Now)
}

/// A name for the application: that of the database.
fn name_of(address: &str) -> String {
    let name = address.rsplit('/').next().unwrap_or_default();
    let mut letters = name.chars().filter(|letter| !letter.is_control()).take(80);
    match letters.next() {
        Some(first) if !name.contains('@') => first.to_uppercase().chain(letters).collect(),
        Some(_) | None => "Adopted".to_owned(),
    }
}
