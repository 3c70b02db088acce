//! The way from the stored model to another one: steps in words and as SQL, what stored records have against them, and
//! carrying them out.

mod backfills;
mod carry_out;
mod conversion;
mod documents;
mod finder;
mod findings;
mod histories;
mod kept;
mod limits;
mod members;
mod mentions;
mod natives;
mod numbers;
mod orders;
mod others;
mod own_records;
mod refused;
mod renames;
mod searches;
mod slugs;
mod stages;
mod tables;
mod texts;
mod unconvertible;

use backstay_model::{Difference, Model, Risk, diff_of_pair};
use backstay_sql::{Dialect, Models, Statement, Succession, schema};

use crate::own;
use crate::session::SchemaSession;
use crate::{Migration, OpenError, Step, StoreError};
use tables::Tables;

pub(crate) use carry_out::carry_out;
pub(crate) use numbers::recount;
pub(crate) use searches::fill as fill_search;

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
    /// Fills the table of this relation in the documents of a collection of the new model.
    Mentions(backstay_model::CollectionId, backstay_model::Mention),
    /// Fills the index of the search of a collection of the new model.
    Search(backstay_model::CollectionId),
}

/// What is found out about two models before any step is planned or taken.
pub(crate) struct Bridge<'m> {
    models: Models<'m>,
    succession: Succession<'m>,
    tables: Tables,
}

/// How records come from the stored tables to those of the new model.
pub(crate) struct Route<'r> {
    models: Models<'r>,
    /// From the tables as they are called before any step.
    succession: &'r Succession<'r>,
    tables: &'r Tables,
    /// From the tables as they are called once renames are done.
    carried: Succession<'r>,
}

impl<'m> Bridge<'m> {
    pub(crate) fn new(models: Models<'m>) -> Self {
        let succession = Succession::new(models);
        let tables = Tables::of(models, &succession);
        Self { models, succession, tables }
    }

    /// How records come from one model's tables to the other's.
    pub(crate) fn succession(&self) -> &Succession<'m> {
        &self.succession
    }

    pub(crate) fn route(&self) -> Route<'_> {
        let Self { models, succession, tables } = self;
        let carried = Succession::new(Models { old: &tables.carried, ..*models });
        Route { models: *models, succession, tables, carried }
    }
}

/// The steps from one model to the other, in order, with everything that stored records have against them. Within a
/// transaction; what it leaves behind in temporary tables is needed to carry the steps out.
pub(crate) async fn plan(session: &mut dyn SchemaSession, route: &Route<'_>) -> Result<Vec<Planned>, StoreError> {
    let mut planned = stages::stages(route, diff_of_pair((route.models.old, route.models.new), route.models.pairing));
    findings::find(session, route, &mut planned).await?;
    others::find(session, route, &mut planned).await?;
    renames::suggest(route.models, &mut planned);
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
