use std::sync::Arc;

use backstay_expr::Checked;
use backstay_model::{CollectionId, FieldId, Model};

use crate::expressions::Expressions;
use crate::{Dialect, RecordLayout, Template};

/// Makes statements for one model and one database. Plans depend on shapes and rights alone, so that callers may keep
/// them.
#[derive(Debug, Clone)]
pub struct Planner {
    pub(crate) model: Arc<Model>,
    pub(crate) expressions: Arc<Expressions>,
    pub(crate) dialect: Dialect,
}

/// Which slots `this` stands for in a statement that reads no row for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RecordSource {
    /// `Slot::Proposed`: the record as it would be. `new` is always this one.
    Proposed,
    /// `Slot::Stored`: the record as the transaction has read it.
    Stored,
}

/// A stored record read together with what rules say of it.
#[derive(Debug)]
pub struct StoredPlan {
    /// The statement: at most one row.
    pub template: Template,
    /// How its columns become one value per field.
    pub layout: RecordLayout,
    /// For each rule, in order, the nullable Boolean column that holds its truth.
    pub truths: Vec<usize>,
}

impl Planner {
    /// A planner for this model and database. It compiles the expressions that plans are made with.
    ///
    /// # Panics
    /// Panics if the expression of a computed field or the condition of an index is wrong: they are checked before.
    pub fn new(model: Arc<Model>, dialect: Dialect) -> Self {
        let expressions = Arc::new(Expressions::of(&model));
        Self { model, expressions, dialect }
    }

    /// The expression of a field, a `Node::Computed` of `this`; `None` if the field is not computed.
    pub fn computed(&self, collection: CollectionId, field: FieldId) -> Option<&Checked> {
        self.expressions.computed(collection, field)
    }

    /// A planner for statements that are only measured (`Template::extent`), before there is a database: in both dialects
    /// they read the same tables.
    pub fn measuring(model: Arc<Model>) -> Self {
        Self::new(model, Dialect::Sqlite)
    }

    /// The database that the statements are for.
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }
}
