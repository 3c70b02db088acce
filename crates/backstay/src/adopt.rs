//! Makes a model of the tables of another program, and says what can't become part of it. Reads nothing itself.

mod checks;
mod columns;
mod defaults;
mod draft;
mod indexes;
mod links;
mod names;
mod relations;
mod report;
mod tables;
mod text;

use backstay_base::Secret;
use backstay_engine::{AdoptError, Adoption, Engine, Step, Survey};
use backstay_model::{ApiPrefix, Loaded, SourceFile};

use crate::application::{compile_model, load_whole};
use crate::{Compiled, Failure};
use draft::{Draft, Left};

pub(crate) use report::{Adopted, AdoptionPlan};

/// The file that the model is written to.
pub(crate) const MODEL_FILE: &str = "model/adopted.graphql";

/// What becomes of a schema.
#[derive(Debug)]
pub(crate) struct Translation {
    pub(crate) survey: Survey,
    pub(crate) adoption: Adoption,
    /// The model's text.
    pub(crate) model: String,
    pub(crate) compiled: Compiled,
    pub(crate) left: Vec<Left>,
}

impl Translation {
    /// The model of the schema that an address names. Changes nothing.
    pub(crate) fn of(url: &Secret, name: &str) -> Result<Self, Failure> {
        let survey = Engine::survey(url)?;
        let mut draft = tables::draft(&survey, name);
        let counts = Engine::count_misfits(url, draft.questions())?;
        draft.settle(&counts);
        if draft.types.is_empty() {
            return Err(nothing(url, &survey, &draft.left));
        }
        relations::add(&survey, &mut draft);
        links::add(&survey, &mut draft);
        indexes::add(&survey, &mut draft);
        let compiled = compile_with_checks(&mut draft)?;
        let model = text::write(&draft);
        let adoption = draft.adoption(&survey, counts);
        Ok(Self { survey, adoption, model, compiled, left: draft.left })
    }

    /// The steps that adopting takes.
    pub(crate) fn steps(&self) -> Vec<Step> {
        Engine::plan_adoption((&self.survey, &self.adoption), &self.compiled.application)
    }
}

/// Why nothing of a schema can be adopted.
fn nothing(url: &Secret, survey: &Survey, left: &[Left]) -> Failure {
    let others = survey.tables.iter().filter(|table| !table.is_owned).map(|table| table.name.clone());
    let names: Vec<String> = others.collect();
    let database = backstay_engine::Location::Url(url.clone()).to_string();
    match names.is_empty() {
        true => Failure::NothingToAdopt { left: left.iter().map(ToString::to_string).collect() },
        false => AdoptError::NotOwner { database, names }.into(),
    }
}

/// Compiles the model. Checks that it can't have are left to the database.
fn compile_with_checks(draft: &mut Draft) -> Result<Compiled, Failure> {
    let checks: Vec<Vec<_>> = draft.types.iter_mut().map(|of| std::mem::take(&mut of.checks)).collect();
    let mut best = if let Ok(compiled) = compile(&text::write(draft)) {
        compiled
    } else {
        // Some default doesn't fit its field. If it is something else, that is a mistake of this translation.
        draft.drop_defaults();
        compile(&text::write(draft))?
    };
    for (of, checks) in draft.types.iter_mut().zip(&checks) {
        of.checks.clone_from(checks);
    }
    if let Ok(compiled) = compile(&text::write(draft)) {
        return Ok(compiled);
    }
    draft.types.iter_mut().for_each(|of| of.checks.clear());
    for (at, checks) in checks.into_iter().enumerate() {
        for check in checks {
            let left = Left::check(&draft.types[at].table, &check.name);
            draft.types[at].checks.push(check);
            if let Ok(compiled) = compile(&text::write(draft)) {
                best = compiled;
            } else {
                draft.types[at].checks.pop();
                draft.left.push(left);
            }
        }
    }
    Ok(best)
}

fn compile(text: &str) -> Result<Compiled, backstay_model::Diagnostics> {
    let loaded: Loaded = load_whole(vec![SourceFile::app(MODEL_FILE, text)], &ApiPrefix::default())?;
    compile_model(loaded)
}
