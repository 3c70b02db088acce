//! The way from the stored model to another one: steps in words and as SQL, what stored records have against them, and
//! carrying them out.

mod carry_out;
mod conversion;
mod documents;
mod findings;
mod renames;
mod stages;
mod tables;

use backstay_base::Timestamp;
use backstay_model::{Collection, Difference, Field, Model, Pairing, Risk, diff};
use backstay_sql::{Dialect, Statement, schema};

use crate::own;
use crate::session::SchemaSession;
use crate::{Migration, OpenError, Step, StoreError};

pub(crate) use carry_out::carry_out;

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

/// What a difference names. All of these panic if the two models don't have it: differences are made from them.
impl<'m> Models<'m> {
    fn collection(&self, name: &str) -> &'m Collection {
        self.new.collection_named(name).expect("a difference names a collection of the new model")
    }

    /// A field of the new model and its collection.
    fn field(&self, collection: &str, field: &str) -> (&'m Collection, &'m Field) {
        let collection = self.collection(collection);
        (collection, collection.field_named(field).expect("a difference names a field of the new model"))
    }

    /// What a collection of the new model was, and what it is.
    fn pair(&self, name: &str) -> (&'m Collection, &'m Collection) {
        let after = self.collection(name);
        let before = self.pairing.collection(after.id).expect("a difference within a collection is one of two");
        (self.old.collection(before), after)
    }

    /// A field of the old model and its collection, which goes by its name in the new one.
    fn old_field(&self, collection: &str, field: &str) -> (&'m Collection, &'m Field) {
        let (before, _) = self.pair(collection);
        (before, before.field_named(field).expect("a difference names a field of the old model"))
    }

    /// A collection of the old model that the new one doesn't have.
    fn removed(&self, name: &str) -> &'m Collection {
        self.old.collection_named(name).expect("a difference names a collection of the old model")
    }
}

/// The steps from one model to the other, in order, with everything that stored records have against them. Within a
/// transaction; what it leaves behind in temporary tables is needed to carry the steps out.
pub(crate) async fn plan(session: &mut dyn SchemaSession, models: Models<'_>) -> Result<Vec<Planned>, StoreError> {
    let mut planned = stages::stages(models, diff(models.old, models.new));
    findings::find(session, models, &mut planned).await?;
    renames::suggest(models, &mut planned);
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
