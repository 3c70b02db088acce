//! What an adoption does, for people and for programs.

use std::fmt;

use serde_json::{Value, json};

use backstay_engine::Step;

use super::Translation;
use super::draft::Left;
use crate::answer::Count;
use crate::plan::{Applied, step};

/// What would be done.
pub(crate) struct AdoptionPlan<'t> {
    pub(crate) translation: &'t Translation,
    pub(crate) steps: Vec<Step>,
}

/// What was done.
pub(crate) struct Adopted<'t> {
    pub(crate) translation: &'t Translation,
    pub(crate) steps: Vec<Step>,
    pub(crate) database: String,
    /// The model's file.
    pub(crate) file: String,
}

impl AdoptionPlan<'_> {
    pub(crate) fn json(&self) -> Value {
        report(self.translation, &self.steps, false)
    }
}

impl Adopted<'_> {
    pub(crate) fn json(&self) -> Value {
        report(self.translation, &self.steps, true)
    }
}

fn report(of: &Translation, steps: &[Step], applied: bool) -> Value {
    let left = |left: &Left| json!({ "what": left.what, "why": left.why, "remedy": left.remedy });
    json!({
        "applied": applied,
        "model": of.model,
        "steps": steps.iter().map(step).collect::<Vec<_>>(),
        "left": of.left.iter().map(left).collect::<Vec<_>>(),
    })
}

fn tell_left(f: &mut fmt::Formatter<'_>, left: &[Left]) -> fmt::Result {
    if left.is_empty() {
        return writeln!(f, "everything becomes part of the model");
    }
    writeln!(f, "what stays as it is, and isn't part of the model:")?;
    left.iter().try_for_each(|left| writeln!(f, "  {left}"))
}

fn counts(of: &Translation) -> String {
    let (tables, links) = (of.adoption.tables.len() as u64, of.adoption.links.len() as u64);
    let left = Count(of.left.len() as u64, "thing");
    format!("{} and {}; {left} left out", Count(tables, "type"), Count(links, "many-to-many relation"))
}

impl fmt::Display for AdoptionPlan<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.translation.model)?;
        Applied(&self.steps).fmt(f)?;
        writeln!(f)?;
        tell_left(f, &self.translation.left)?;
        writeln!(
            f,
            "\n{}. Nothing was changed: run the same command with `--apply` to take the steps",
            counts(self.translation)
        )
    }
}

impl fmt::Display for Adopted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Applied(&self.steps).fmt(f)?;
        writeln!(f)?;
        tell_left(f, &self.translation.left)?;
        writeln!(f, "\nadopted {}: {}", self.database, counts(self.translation))?;
        writeln!(f, "The model is in {}", self.file)
    }
}
