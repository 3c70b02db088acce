//! Statements that make and change tables. None has parameters; the order is that of execution.

use backstay_model::{Collection, Field, Index, Model};

use crate::{Dialect, Statement};

/// All tables, indexes and link tables of a model.
pub fn create(_model: &Model, _dialect: Dialect) -> Vec<Statement> {
    todo!()
}

/// The table of a collection, its indexes and the link tables that its fields own. Tables that it refers to come first
/// or are made in the same transaction before it.
pub fn add_collection(_model: &Model, _collection: &Collection, _dialect: Dialect) -> Vec<Statement> {
    todo!()
}

/// The columns of a field or its link table; without the indexes. A required field needs a default.
pub fn add_field(_model: &Model, _collection: &Collection, _field: &Field, _dialect: Dialect) -> Vec<Statement> {
    todo!()
}

/// An index.
pub fn add_index(_model: &Model, _collection: &Collection, _index: &Index, _dialect: Dialect) -> Vec<Statement> {
    todo!()
}

/// Removes the index of this name.
pub fn drop_index(_name: &str, _dialect: Dialect) -> Vec<Statement> {
    todo!()
}
