use std::fmt;

use backstay_engine::{Finding, Risk, Step};
use backstay_model::PlainDiagnostic;
use serde_json::{Value, json};

use crate::answer::Count;

/// The steps from the stored model to the present one: what each does, what stands in its way, and what clients notice.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) steps: Vec<Step>,
    /// Whether steps may be taken by which stored values are gone.
    pub(crate) allow_data_loss: bool,
}

impl Plan {
    /// How many steps can't be taken as things are.
    pub(crate) fn blocked(&self) -> usize {
        self.steps.iter().filter(|step| step.has_obstacle()).count()
    }

    /// How many steps delete stored values and have not been allowed to.
    pub(crate) fn forbidden(&self) -> usize {
        let lossy = self.steps.iter().filter(|step| step.loses_data()).count();
        if self.allow_data_loss { 0 } else { lossy }
    }

    /// Whether `backstay migrate apply`, with the same options, would apply all steps.
    pub(crate) fn is_applicable(&self) -> bool {
        self.blocked() == 0 && self.forbidden() == 0
    }

    /// The same for programs.
    pub(crate) fn json(&self) -> Value {
        let steps: Vec<Value> = self.steps.iter().map(step).collect();
        json!({ "steps": steps, "applicable": self.is_applicable() })
    }

    /// The steps without their statements or, if some can't be taken, those for which there is something to do.
    pub(crate) fn outline(&self) -> Outline<'_> {
        let is_shown = |step: &&Step| self.blocked() == 0 || !remedies(step).is_empty() || step.has_obstacle();
        Outline(self.steps.iter().filter(is_shown).collect())
    }

    /// What keeps the steps from being applied as if it were wrong with the model.
    pub(crate) fn diagnostics(&self) -> Vec<PlainDiagnostic> {
        self.steps.iter().flat_map(hindrances).collect()
    }

    fn summary(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let steps = Count(self.steps.len() as u64, "step");
        let automatic = self.steps.iter().all(|step| step.automatic);
        match (self.blocked(), self.forbidden()) {
            (0, 0) if automatic => {
                writeln!(f, "{steps} to apply: run `backstay migrate apply`, or start `backstay serve`")
            }
            (0, 0) => {
                let option = if self.allow_data_loss { " --allow-data-loss" } else { "" };
                writeln!(
                    f,
                    "{steps} to apply: run `backstay migrate apply{option}`; `backstay serve` takes only steps that neither \
                     rewrite nor delete records"
                )
            }
            (0, forbidden) => writeln!(
                f,
                "{forbidden} of {steps} would lose data: if the data can go, run `backstay migrate apply \
                 --allow-data-loss`"
            ),
            (blocked, _) => {
                writeln!(f, "{blocked} of {steps} can't be taken yet: nothing is applied until you have fixed that")
            }
        }
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.steps.is_empty() {
            return writeln!(f, "nothing to do: the database matches the model");
        }
        self.steps.iter().try_for_each(|step| tell(f, step))?;
        let noticed: Vec<_> = self.steps.iter().filter_map(|step| step.api.as_ref()).collect();
        if !noticed.is_empty() {
            writeln!(f, "\nclients of the API will notice:")?;
        }
        for change in noticed {
            let mark = if change.breaking { "breaking: " } else { "" };
            writeln!(f, "  {mark}{}", change.words)?;
        }
        writeln!(f)?;
        self.summary(f)
    }
}

/// Steps without their statements, for people.
#[derive(Debug)]
pub(crate) struct Outline<'p>(Vec<&'p Step>);

impl fmt::Display for Outline<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|step| {
            writeln!(f, "{}", brief(step))?;
            tell_findings(f, step)?;
            // A finding that says what to do has said it.
            let needs_help = step.loses_data() && remedies(step).is_empty();
            if needs_help { writeln!(f, "  help: {KEEPING}") } else { Ok(()) }
        })
    }
}

/// How stored values stay that a step would delete.
const KEEPING: &str = "to keep the values under another name, write `@renamed(from: …)` there; to keep them as they are, \
                       put it back";

/// Steps that were applied, for people.
#[derive(Debug)]
pub(crate) struct Applied<'s>(pub(crate) &'s [Step]);

impl fmt::Display for Applied<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|step| tell(f, step))
    }
}

/// A step and its risk or, if it can't be taken, that it can't.
pub(crate) fn brief(step: &Step) -> String {
    let risk = if step.has_obstacle() { "blocked".to_owned() } else { risk(step) };
    format!("{} ({risk})", step.words)
}

/// What its findings say should be done.
fn remedies(step: &Step) -> Vec<&str> {
    let remedies = step.findings.iter().map(|finding| finding.remedy.as_str());
    remedies.filter(|remedy| !remedy.is_empty()).collect()
}

fn tell(f: &mut fmt::Formatter<'_>, step: &Step) -> fmt::Result {
    writeln!(f, "{}", brief(step))?;
    step.sql.iter().try_for_each(|statement| writeln!(f, "    {statement};"))?;
    tell_findings(f, step)
}

fn tell_findings(f: &mut fmt::Formatter<'_>, step: &Step) -> fmt::Result {
    step.findings.iter().try_for_each(|finding| {
        let mark = if finding.is_obstacle { "blocked" } else { "note" };
        writeln!(f, "  {mark}: {finding}")
    })
}

/// What keeps a step from being taken.
fn hindrances(step: &Step) -> Vec<PlainDiagnostic> {
    let error = |message: String, help: &str| PlainDiagnostic {
        severity: "error",
        code: None,
        message,
        file: None,
        start: None,
        end: None,
        label: String::new(),
        help: (!help.is_empty()).then(|| help.to_owned()),
    };
    if !step.has_obstacle() {
        let help = remedies(step).first().copied().unwrap_or(KEEPING);
        return step.loses_data().then(|| error(brief(step), help)).into_iter().collect();
    }
    let obstacles = step.findings.iter().filter(|finding| finding.is_obstacle);
    obstacles.map(|finding| error(format!("{}: {}", step.words, finding.words), &finding.remedy)).collect()
}

fn risk(step: &Step) -> String {
    match (step.risk, step.records) {
        (risk @ (Risk::Safe | Risk::Locks), _) | (risk, None) => risk.to_string(),
        (Risk::Rewrites, Some(records)) => format!("rewrites {}", Count(records, "record")),
        (Risk::Reveals, Some(records)) => format!("reveals values of {}", Count(records, "record")),
        (Risk::LosesData, Some(records)) => format!("loses data of {}", Count(records, "record")),
    }
}

/// A step for programs.
pub(crate) fn step(step: &Step) -> Value {
    let name = match step.risk {
        Risk::Safe => "safe",
        Risk::Locks => "locks",
        Risk::Rewrites => "rewrites",
        Risk::Reveals => "reveals",
        Risk::LosesData => "loses-data",
    };
    let api = step.api.as_ref().map(|api| json!({ "change": api.words, "breaking": api.breaking }));
    let findings: Vec<Value> = step.findings.iter().map(finding).collect();
    json!({
        "words": step.words, "risk": name, "records": step.records, "sql": step.sql, "automatic": step.automatic,
        "findings": findings, "api": api,
    })
}

fn finding(finding: &Finding) -> Value {
    let Finding { words, records, ids, remedy, is_obstacle } = finding;
    let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
    json!({ "words": words, "records": records, "ids": ids, "remedy": remedy, "obstacle": is_obstacle })
}
