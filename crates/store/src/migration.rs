use backstay_model::{Difference, Filled, Model, Risk, TypeChange, diff};
use backstay_sql::{Dialect, Statement, schema};

use crate::own;

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
    /// The statements that do it; none if only the stored model changes, or if Backstay cannot do it.
    pub sql: Vec<String>,
    /// What it can cost.
    pub risk: Risk,
    /// Whether it is applied when the database is opened; a step that is not makes opening fail.
    pub automatic: bool,
}

/// A step and how it is done.
#[derive(Debug)]
pub(crate) struct Planned {
    pub(crate) step: Step,
    pub(crate) statements: Vec<Statement>,
    /// Collection and name of the unique index that it creates, which stored records may violate.
    pub(crate) unique_index: Option<(String, String)>,
}

/// The steps from one model to the other, in order.
pub(crate) fn plan(old: &Model, new: &Model, dialect: Dialect) -> Vec<Planned> {
    diff(old, new).iter().map(|difference| planned(difference, new, dialect)).collect()
}

/// The one step that creates a database.
pub(crate) fn creation(model: &Model, dialect: Dialect) -> Step {
    let statements = own::create(dialect).into_iter().chain(schema::create(model, dialect));
    let sql = statements.map(|statement| statement.text().to_owned()).collect();
    Step { words: "create the database".to_owned(), sql, risk: Risk::Safe, automatic: true }
}

/// The step that brings the store's own tables to the newest format.
pub(crate) fn upgrade(statements: &[Statement]) -> Step {
    let sql = statements.iter().map(|statement| statement.text().to_owned()).collect();
    Step { words: "upgrade Backstay's own tables".to_owned(), sql, risk: Risk::Safe, automatic: true }
}

/// The steps that opening refuses to take, in words.
pub(crate) fn refused(planned: &[Planned]) -> Vec<String> {
    let refused = planned.iter().filter(|planned| !planned.step.automatic);
    refused.map(|planned| format!("{} ({})", planned.step.words, risk_words(planned.step.risk))).collect()
}

fn risk_words(risk: Risk) -> &'static str {
    match risk {
        Risk::Safe => "not supported yet",
        Risk::Locks => "locks the table",
        Risk::Rewrites => "rewrites the table",
        Risk::LosesData => "loses data",
    }
}

fn planned(difference: &Difference, new: &Model, dialect: Dialect) -> Planned {
    let unique_index = match difference {
        Difference::IndexAdded { collection, index, unique: true } => Some((collection.clone(), index.clone())),
        _ => None,
    };
    // A unique index is tried: the database itself reports stored records that violate it.
    let safe = difference.is_additive() || unique_index.is_some();
    let statements = if safe { statements(difference, new, dialect) } else { None };
    let automatic = statements.is_some();
    // A step that Backstay cannot take has no statements.
    let statements = statements.unwrap_or_default();
    let sql = statements.iter().map(|statement| statement.text().to_owned()).collect();
    let step = Step { words: difference.to_string(), sql, risk: difference.risk(), automatic };
    Planned { step, statements, unique_index }
}

/// The statements that bridge a difference; `None` if Backstay cannot.
#[expect(clippy::match_same_arms, reason = "the first stands before a wider one")]
fn statements(difference: &Difference, new: &Model, dialect: Dialect) -> Option<Vec<Statement>> {
    Some(match difference {
        Difference::CollectionAdded { collection } => {
            schema::add_collection(new, new.collection_named(collection)?, dialect)
        }
        Difference::FieldAdded { filled: Filled::NotStored, .. } => Vec::new(),
        Difference::FieldAdded { collection, field, .. } | Difference::LinkAdded { collection, field, .. } => {
            let collection = new.collection_named(collection)?;
            schema::add_field(new, collection, collection.field_named(field)?, dialect)
        }
        Difference::IndexAdded { collection, index, .. } => {
            let collection = new.collection_named(collection)?;
            let index = collection.indexes.iter().find(|candidate| candidate.name == *index)?;
            schema::add_index(new, collection, index, dialect)
        }
        Difference::IndexRemoved { index, .. } => schema::drop_index(index, dialect),
        Difference::PathChanged { .. }
        | Difference::FieldRemoved { stored: false, .. }
        | Difference::TypeChanged { change: TypeChange::NotStored | TypeChange::Widened, .. }
        | Difference::EnumValuesAdded { .. }
        | Difference::LengthChanged { .. }
        | Difference::BehaviourChanged { .. }
        | Difference::ApplicationChanged => Vec::new(),
        Difference::CollectionRemoved { .. }
        | Difference::FieldRemoved { stored: true, .. }
        | Difference::TypeChanged { change: TypeChange::Converted, .. }
        | Difference::RequiredTightened { .. }
        | Difference::RequiredLoosened { .. }
        | Difference::OnDeleteChanged { .. }
        | Difference::LinkRemoved { .. }
        | Difference::EnumValuesRemoved { .. } => return None,
    })
}
