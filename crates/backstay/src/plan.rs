use std::fmt::{self, Write as _};

use backstay_engine::{Risk, Step};
use backstay_model::PlainDiagnostic;

use crate::answer::Count;

/// The steps from the stored model to the present one, for people: whether each would be applied, and what to do if
/// not.
#[derive(Debug)]
pub(crate) struct Plan(pub(crate) Vec<Step>);

/// Whether steps can be applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// All of them, and nothing is lost.
    Applies,
    /// All of them, but stored data would be lost.
    LosesData,
    /// Not as the stored data are, or not at all.
    Refused,
}

impl Plan {
    /// Whether the steps can be applied.
    pub(crate) fn verdict(&self) -> Verdict {
        let mut refused = self.0.iter().filter(|step| !step.automatic);
        match refused.clone().next() {
            None => Verdict::Applies,
            Some(_) if refused.all(|step| step.risk == Risk::LosesData) => Verdict::LosesData,
            Some(_) => Verdict::Refused,
        }
    }

    /// The steps that keep the others from being applied, each with what to do.
    pub(crate) fn refusals(&self) -> String {
        let mut text = String::new();
        for step in self.0.iter().filter(|step| !step.automatic) {
            let _ = writeln!(text, "refused: {}\n  help: {}", brief(step), remedy(step.risk));
        }
        text
    }

    /// The same steps without advice.
    pub(crate) fn refused_words(&self) -> Vec<String> {
        self.0.iter().filter(|step| !step.automatic).map(brief).collect()
    }

    /// The same as diagnostics.
    pub(crate) fn diagnostics(&self) -> Vec<PlainDiagnostic> {
        let refused = self.0.iter().filter(|step| !step.automatic);
        let diagnostic = |step: &Step| PlainDiagnostic {
            severity: "error",
            message: brief(step),
            file: None,
            start: None,
            end: None,
            label: String::new(),
            help: Some(remedy(step.risk).to_owned()),
        };
        refused.map(diagnostic).collect()
    }

    /// How many steps are refused. If there is one, none is applied.
    pub(crate) fn refused(&self) -> usize {
        self.0.iter().filter(|step| !step.automatic).count()
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return writeln!(f, "nothing to do: the database matches the model");
        }
        for step in &self.0 {
            f.write_str(if step.automatic { "will apply: " } else { "refused: " })?;
            tell(f, step)?;
            if !step.automatic {
                writeln!(f, "    {}", remedy(step.risk))?;
            }
        }
        let steps = Count(self.0.len() as u64, "step");
        match self.refused() {
            0 => writeln!(f, "\n{steps} to apply: run `backstay migrate apply`, or start `backstay serve`"),
            refused => writeln!(f, "\n{steps}, {refused} refused: nothing is applied until the model is corrected"),
        }
    }
}

/// What to do instead.
fn remedy(risk: Risk) -> &'static str {
    match risk {
        Risk::Safe | Risk::Locks => "Backstay can't do this yet; undo this change of the model",
        Risk::Rewrites => {
            "Backstay can't rewrite tables yet; undo this change, or give a new field a @default or leave out its `!`"
        }
        Risk::LosesData => {
            "Backstay doesn't delete stored data; put this back into the model (a rule can hide it), or start over with \
             another data directory (--data)"
        }
    }
}

/// Steps that were applied, for people.
#[derive(Debug)]
pub(crate) struct Applied(pub(crate) Vec<Step>);

impl fmt::Display for Applied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|step| tell(f, step))
    }
}

/// A step and its risk.
pub(crate) fn brief(step: &Step) -> String {
    format!("{} ({})", step.words, words(step.risk))
}

fn tell(f: &mut fmt::Formatter<'_>, step: &Step) -> fmt::Result {
    writeln!(f, "{}", brief(step))?;
    step.sql.iter().try_for_each(|statement| writeln!(f, "    {statement};"))
}

fn words(risk: Risk) -> &'static str {
    match risk {
        Risk::Safe => "safe",
        Risk::Locks => "blocks writes while it runs",
        Risk::Rewrites => "rewrites the table",
        Risk::LosesData => "loses data",
    }
}
