//! Lowers typed operations to statements for SQLite and PostgreSQL, whose differences it alone knows. Does no I/O and
//! holds no connection.

mod arithmetic;
mod build;
mod column;
mod compare;
mod frame;
mod layout;
pub mod nested;
mod output;
mod param;
mod plan;
mod predicate;
mod quantifier;
mod read;
mod scalar;
pub mod schema;
mod shape;
mod statement;
mod steer;
mod write;

pub use column::{DecodeError, Row};
pub use layout::RecordLayout;
pub use plan::{Planner, RecordSource, StoredPlan};
pub use shape::{
    Expansion, MemberOutput, ObjectOutput, Position, ReadPlan, ReadScope, ReadShape, SelectedField, Selection, SortKey,
    ValueOutput, Visibility,
};
pub use statement::{ColumnType, Dialect, Param, Slot, Statement, Template};
