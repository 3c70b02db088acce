//! Databases that another program has made: what is in one, and the steps that make its tables those of a model without writing
//! a row anew. PostgreSQL alone.

mod changes;
mod found;
mod mapping;
mod steps;

pub(crate) use changes::{changed_schema, changed_values};
pub use found::{
    Deletion, FoundCheck, FoundColumn, FoundEnum, FoundIndex, FoundReference, FoundTable, FoundUnique, RowSecurity,
    Survey, TableKind, TypeFamily, ValuesOf,
};
pub use mapping::{AdoptedColumn, AdoptedLink, AdoptedTable, Adoption, CountedMisfits, Retyped};
pub(crate) use steps::{counters, steps};

use crate::{OpenError, StoreError};

/// Why a database wasn't adopted. Nothing of it was changed.
#[derive(Debug, thiserror::Error)]
pub enum AdoptError {
    /// There is nothing in it.
    #[error("there are no tables in {database}")]
    Empty {
        /// The database.
        database: String,
    },
    /// Backstay has made it.
    #[error("{database} is a database of Backstay already")]
    Backstays {
        /// The database.
        database: String,
        /// Whether its tables were adopted.
        is_adopted: bool,
    },
    /// Only the owner of a table can change it.
    #[error("the user owns neither the tables nor the types {} of {database}", named(names))]
    NotOwner {
        /// The database.
        database: String,
        /// What belongs to others.
        names: Vec<String>,
    },
    /// Another program reads or writes the tables.
    #[error(
        "another program has used the tables of {database} for {seconds} seconds without an end to its transaction"
    )]
    InUse {
        /// The database.
        database: String,
        /// How long Backstay has waited.
        seconds: u64,
    },
    /// The schema or its rows have changed between the first look and the locks.
    #[error("{database} has changed since the model was made of it: {}", named(changed))]
    Changed {
        /// The database.
        database: String,
        /// What has changed.
        changed: Vec<String>,
    },
    /// A step was refused.
    #[error(transparent)]
    Step(Box<RefusedStep>),
    /// It can't be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
}

/// A step that a database has refused.
#[derive(Debug, thiserror::Error)]
#[error("a step can't be taken in {database}: {words}\n    {statement}")]
pub struct RefusedStep {
    /// The database.
    pub database: String,
    /// The step.
    pub words: String,
    /// Its statement.
    pub statement: String,
    /// Why.
    #[source]
    pub source: StoreError,
}

impl AdoptError {
    /// Whether the steps may have been taken all the same: the answer to the commit was lost.
    pub fn may_be_done(&self) -> bool {
        matches!(self, Self::Open(OpenError::Store(StoreError::Unknown(_))))
    }
}

impl From<StoreError> for AdoptError {
    fn from(error: StoreError) -> Self {
        Self::Open(error.into())
    }
}

/// Names that an error repeats at most.
const NAMED: usize = 10;

fn named(names: &[String]) -> String {
    let shown = names.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
    match names.len().checked_sub(NAMED) {
        None | Some(0) => shown,
        Some(more) => format!("{shown} and {more} more"),
    }
}
