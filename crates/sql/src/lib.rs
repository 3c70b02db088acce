//! Lowers typed operations to statements for SQLite and PostgreSQL, whose differences it alone knows. Does no I/O and
//! holds no connection.

mod column;
mod layout;
pub mod nested;
mod param;
mod plan;
pub mod schema;
mod shape;
mod statement;

pub use column::{DecodeError, Row};
pub use layout::RecordLayout;
pub use plan::{Planner, RecordSource, StoredPlan};
pub use shape::{
    Expansion, MemberOutput, ObjectOutput, Position, ReadPlan, ReadScope, ReadShape, SelectedField, Selection, SortKey,
    ValueOutput, Visibility,
};
pub use statement::{ColumnType, Dialect, Param, Slot, Statement, Template};
