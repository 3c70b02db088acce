//! What a migration does, step by step, and which stored records keep it from being applied.

use std::fmt;
use std::sync::Arc;

use backstay_base::RecordId;
use backstay_model::{ApiChange, Risk};
use backstay_sql::Statement;

/// What opening did to the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It was created.
    Created,
    /// The model is the stored one.
    Unchanged,
    /// The model had changed, and these steps were applied.
    Migrated(Vec<Step>),
}

/// One step from the stored model to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What it does, in words.
    pub words: String,
    /// The statements that do it; none if only the stored model changes, or if another step does it as well.
    pub sql: Vec<String>,
    /// What it can cost, as many records as there are.
    pub risk: Risk,
    /// Of a step that writes or deletes stored values: how many records it does that to.
    pub records: Option<u64>,
    /// Stored records that keep it from being taken, and what else to know about it.
    pub findings: Vec<Finding>,
    /// What clients of the API notice.
    pub api: Option<ApiChange>,
    /// Whether it is applied when a server opens the database, without being asked for.
    pub automatic: bool,
}

/// What was found out about stored records before a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The problem, in words.
    pub words: String,
    /// How many records it is about.
    pub records: u64,
    /// The first of them, in order; at most ten.
    pub ids: Vec<RecordId>,
    /// What to do; empty if nothing has to be done.
    pub remedy: String,
    /// Whether the step can't be taken as long as it is so.
    pub is_obstacle: bool,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)?;
        let ids: Vec<String> = self.ids.iter().map(ToString::to_string).collect();
        match (self.ids.len() as u64, self.records) {
            (0, _) => {}
            (named, all) if named < all => write!(f, ": {}, and {} more", ids.join(", "), all - named)?,
            _ => write!(f, ": {}", ids.join(", "))?,
        }
        if !self.remedy.is_empty() {
            write!(f, "; {}", self.remedy)?;
        }
        Ok(())
    }
}

impl Step {
    /// Whether something stands in its way.
    pub fn has_obstacle(&self) -> bool {
        self.findings.iter().any(|finding| finding.is_obstacle)
    }

    /// Whether stored values would be gone afterwards.
    pub fn loses_data(&self) -> bool {
        self.risk == Risk::LosesData
    }

    pub(crate) fn safe(words: &str, statements: &[Statement]) -> Self {
        let sql = statements.iter().map(|statement| statement.text().to_owned()).collect();
        let (findings, words) = (Vec::new(), words.to_owned());
        Self { words, sql, risk: Risk::Safe, records: None, findings, api: None, automatic: true }
    }
}

/// How far a migration has come.
#[derive(Debug, Clone, Copy)]
pub struct Progress<'a> {
    /// What is being done, in words.
    pub words: &'a str,
    /// The step, from 1.
    pub step: usize,
    /// How many steps there are.
    pub steps: usize,
    /// How much of the step is done.
    pub done: u64,
    /// Of how much; 0 if nobody knows.
    pub total: u64,
}

/// Called with how far a migration has come.
pub type OnProgress = Arc<dyn Fn(&Progress<'_>) + Send + Sync>;

/// The steps that aren't applied without being asked for, in words.
pub(crate) fn told(steps: &[Step]) -> String {
    let refused = steps.iter().filter(|step| !step.automatic).map(|step| {
        let findings: Vec<String> = step.findings.iter().map(ToString::to_string).collect();
        match findings.is_empty() {
            true => format!("{} ({})", step.words, step.risk),
            false => format!("{} ({})", step.words, findings.join("; ")),
        }
    });
    refused.collect::<Vec<_>>().join("; ")
}
