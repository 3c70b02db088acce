use std::sync::Arc;

use backstay_expr::Expr;
use backstay_model::{CollectionId, FieldId, Link, Model};

use crate::{Dialect, ReadPlan, ReadShape, RecordLayout, Template};

/// Makes statements for one model and one database. Plans depend on shapes alone, so that callers may keep them.
#[derive(Debug, Clone)]
pub struct Planner {
    pub(crate) model: Arc<Model>,
    pub(crate) dialect: Dialect,
}

/// Which slots `this` stands for in a statement that reads no row for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RecordSource {
    /// `Slot::Proposed`: the record as it would be. `new` is always this one.
    Proposed,
    /// `Slot::Stored`: the record as the operation has read it.
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
    /// A planner for this model and database.
    pub fn new(model: Arc<Model>, dialect: Dialect) -> Self {
        Self { model, dialect }
    }

    /// The database that the statements are for.
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// A read, in one statement.
    pub fn read(&self, _shape: &ReadShape) -> ReadPlan {
        todo!()
    }

    /// The record with `Slot::Id`: every stored column, then one nullable Boolean per rule, in which `this` is the
    /// record and `new` is `Slot::Proposed`.
    pub fn stored(&self, _collection: CollectionId, _rules: &[Expr]) -> StoredPlan {
        todo!()
    }

    /// One row of one nullable Boolean per rule, in which `this` is the given source and `new` is `Slot::Proposed`.
    pub fn check(&self, _collection: CollectionId, _this: RecordSource, _rules: &[Expr]) -> Template {
        todo!()
    }

    /// Inserts all stored columns from `Slot::Proposed` and `Slot::ProposedCurrency`.
    pub fn insert(&self, _collection: CollectionId) -> Template {
        todo!()
    }

    /// Sets the changed fields from `Slot::Proposed` where id is `Slot::Id` and version is `Slot::Version`.
    pub fn update(&self, _collection: CollectionId, _changed: &[FieldId]) -> Template {
        todo!()
    }

    /// Deletes the record with `Slot::Id` and `Slot::Version`.
    pub fn delete(&self, _collection: CollectionId) -> Template {
        todo!()
    }

    /// Ids and versions of the records whose to-one field is `Slot::Id`, at most `Slot::Limit`.
    pub fn referencing(&self, _collection: CollectionId, _field: FieldId) -> Template {
        todo!()
    }

    /// The id of the record whose fields equal `Slot::Proposed` of them, at most one.
    pub fn lookup(&self, _collection: CollectionId, _fields: &[FieldId]) -> Template {
        todo!()
    }

    /// Links `Slot::Id` (near) to `Slot::Argument(0)` (far); nothing where they are linked already.
    pub fn link_insert(&self, _link: &Link) -> Template {
        todo!()
    }

    /// Ends the link of `Slot::Id` (near) to `Slot::Argument(0)` (far).
    pub fn link_remove(&self, _link: &Link) -> Template {
        todo!()
    }

    /// Ends all links of `Slot::Id` (near).
    pub fn link_clear(&self, _link: &Link) -> Template {
        todo!()
    }

    /// Ids at the far ends of the links of `Slot::Id` (near), in order, at most `Slot::Limit`.
    pub fn link_targets(&self, _link: &Link) -> Template {
        todo!()
    }
}
