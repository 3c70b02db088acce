//! The way from the stored model to another one: steps in words and as SQL, what stored records have against them, and
//! carrying them out.

mod carry_out;
mod conversion;
mod findings;
mod stages;
mod tables;

use std::fmt;
use std::sync::Arc;

use backstay_base::{RecordId, Timestamp};
use backstay_model::{ApiChange, Collection, Difference, Model, Pairing, Risk, diff};
use backstay_sql::{Dialect, Statement, schema};

use crate::own;
use crate::session::SchemaSession;
use crate::{Migration, OpenError, StoreError};

pub(crate) use carry_out::carry_out;

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
    /// What stored records have against it, or what should be known about it.
    pub findings: Vec<Finding>,
    /// What clients of the API notice.
    pub api: Option<ApiChange>,
    /// Whether it is applied when a server opens the database, without being asked for.
    pub automatic: bool,
}

/// What was found out about stored records before a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What is the matter.
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

    fn safe(words: &str, statements: &[Statement]) -> Self {
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

/// Is told how far a migration has come.
pub type OnProgress = Arc<dyn Fn(&Progress<'_>) + Send + Sync>;

/// A step and how it is done.
#[derive(Debug)]
pub(crate) struct Planned {
    pub(crate) step: Step,
    pub(crate) actions: Vec<Action>,
    pub(crate) difference: Option<Difference>,
}

/// A part of a step.
#[derive(Debug)]
pub(crate) enum Action {
    /// Runs a statement.
    Run(Statement),
    /// Copies the records of this collection of the new model into its next table.
    Copy(backstay_model::CollectionId),
}

/// Two models and what is between them.
#[derive(Clone, Copy)]
pub(crate) struct Models<'m> {
    pub(crate) old: &'m Model,
    pub(crate) new: &'m Model,
    pub(crate) pairing: &'m Pairing,
    pub(crate) dialect: Dialect,
    pub(crate) now: Timestamp,
}

impl<'m> Models<'m> {
    /// The old and the new collection of a name that a difference mentions.
    fn pair(&self, name: &str) -> Option<(&'m Collection, &'m Collection)> {
        let after = self.new.collection_named(name)?;
        Some((self.old.collection(self.pairing.collection(after.id)?), after))
    }
}

/// The steps from one model to the other, in order, with everything that stored records have against them. Within a
/// transaction; what it leaves behind in temporary tables is needed to carry the steps out.
pub(crate) async fn plan(session: &mut dyn SchemaSession, models: Models<'_>) -> Result<Vec<Planned>, StoreError> {
    let mut planned = stages::stages(models, diff(models.old, models.new));
    findings::find(session, models, &mut planned).await?;
    for planned in &mut planned {
        let step = &mut planned.step;
        step.automatic = step.risk <= Risk::Locks && !step.has_obstacle();
    }
    Ok(planned)
}

/// The one step that creates a database.
pub(crate) fn creation(model: &Model, dialect: Dialect) -> Step {
    let statements: Vec<Statement> = own::create(dialect).into_iter().chain(schema::create(model, dialect)).collect();
    Step::safe("create the database", &statements)
}

/// The step that brings the store's own tables to the newest format.
pub(crate) fn upgrade(statements: &[Statement]) -> Step {
    Step::safe("upgrade Backstay's own tables", statements)
}

/// The steps that opening refuses to take.
pub(crate) fn refused(planned: &[Planned], migration: Migration) -> Option<OpenError> {
    let is_refused = |step: &Step| match migration {
        Migration::Refuse => true,
        Migration::ApplySafe => !step.automatic,
        Migration::Apply { allow_data_loss } => step.has_obstacle() || step.loses_data() && !allow_data_loss,
    };
    let any = planned.iter().any(|planned| is_refused(&planned.step));
    any.then(|| OpenError::Migration { steps: planned.iter().map(|planned| planned.step.clone()).collect() })
}

/// The steps that aren't applied without being asked for, in words.
pub(crate) fn told(steps: &[Step]) -> String {
    let refused = steps.iter().filter(|step| !step.automatic).map(|step| {
        let findings: Vec<String> = step.findings.iter().map(ToString::to_string).collect();
        match findings.is_empty() {
            true => format!("{} ({})", step.words, risk_words(step.risk)),
            false => format!("{} ({})", step.words, findings.join("; ")),
        }
    });
    refused.collect::<Vec<_>>().join("; ")
}

fn risk_words(risk: Risk) -> &'static str {
    match risk {
        Risk::Safe => "safe",
        Risk::Locks => "locks the table",
        Risk::Rewrites => "rewrites records",
        Risk::LosesData => "loses data",
    }
}
