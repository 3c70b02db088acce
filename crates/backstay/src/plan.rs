use std::fmt;

use backstay_engine::{Risk, Step};

/// The steps from the stored model to the present one, for people: whether each would be taken, and what to do where it
/// would not.
#[derive(Debug)]
pub(crate) struct Plan(pub(crate) Vec<Step>);

impl Plan {
    /// How many steps would be refused. Where there is one, none is taken.
    pub(crate) fn refused(&self) -> usize {
        self.0.iter().filter(|step| !step.automatic).count()
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return writeln!(f, "nothing to do: the model is the stored one");
        }
        for step in &self.0 {
            f.write_str(if step.automatic { "taken: " } else { "refused: " })?;
            tell(f, step)?;
            if !step.automatic {
                writeln!(f, "    {}", remedy(step.risk))?;
            }
        }
        f.write_str("\n")?;
        let applied = "`backstay migrate apply` or the next `backstay serve`";
        let unless = match self.0.iter().any(|step| step.risk == Risk::Locks) {
            true => "; a unique index is taken where no stored records have the same values",
            false => "",
        };
        let nothing = "`backstay migrate apply` and `backstay serve` change nothing before the model is mended";
        match (self.0.len(), self.refused()) {
            (1, 0) => writeln!(f, "1 step: {applied} takes it{unless}"),
            (count, 0) => writeln!(f, "{count} steps: {applied} takes them{unless}"),
            (1, _) => writeln!(f, "1 step, which would be refused: {nothing}"),
            (count, refused) => writeln!(f, "{count} steps, of which {refused} would be refused: {nothing}"),
        }
    }
}

/// What to do instead.
fn remedy(risk: Risk) -> &'static str {
    match risk {
        Risk::Safe | Risk::Locks => "Backstay cannot do this yet: leave the model as it was there",
        Risk::Rewrites => {
            "Backstay does not write a table anew yet: leave the field as it was; a new one can have a @default, or do \
             without the `!`"
        }
        Risk::LosesData => {
            "Backstay throws nothing away: put back what the model had (a rule can hide it), or begin with another data \
             directory (--data)"
        }
    }
}

/// Steps that were taken, for people.
#[derive(Debug)]
pub(crate) struct Taken(pub(crate) Vec<Step>);

impl fmt::Display for Taken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|step| tell(f, step))
    }
}

fn tell(f: &mut fmt::Formatter<'_>, step: &Step) -> fmt::Result {
    writeln!(f, "{} ({})", step.words, words(step.risk))?;
    step.sql.iter().try_for_each(|statement| writeln!(f, "    {statement};"))
}

fn words(risk: Risk) -> &'static str {
    match risk {
        Risk::Safe => "safe",
        Risk::Locks => "writes wait while rows are read",
        Risk::Rewrites => "writes a table anew",
        Risk::LosesData => "loses data",
    }
}
