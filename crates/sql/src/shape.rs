use std::sync::Arc;

use backstay_expr::Expr;
use backstay_model::{CollectionId, FieldId};
use backstay_scalar::{Scalar, Writer};

use crate::{ColumnRef, ColumnType, Perspective, Template};

/// Everything but the rights that makes two reads the same statement.
#[derive(Debug, Clone)]
pub struct ReadShape {
    /// Which version of the data.
    pub perspective: Perspective,
    /// What to answer for each record; its `collection` is the one that is read.
    pub selection: Selection,
    /// The caller's filter. A field in it that the rights hide in a record is null there, and a related record that they
    /// hide does not exist.
    pub filter: Option<Expr>,
    /// Which records.
    pub scope: ReadScope,
}

/// Which records a read is about.
#[derive(Debug, Clone)]
pub enum ReadScope {
    /// The one whose id is `Slot::Id`.
    One,
    /// A page: at most `Slot::Limit` records.
    Page {
        /// Columns to order by. The id is always the last key, in the direction of the key before it.
        sort: Vec<SortKey>,
        /// The page starts after this place, if there is one.
        after: Option<Position>,
    },
    /// How many there are, but at most `Slot::Limit`.
    Count,
}

/// One key of an order. Nulls come last when ascending and first when descending.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SortKey {
    /// A stored column of the collection that is read.
    pub column: ColumnRef,
    /// Whether from high to low.
    pub descending: bool,
}

/// A place in an order; its values are `Slot::Cursor(0..)`, the last of them the id.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Position {
    /// For each sort key whether its value there is null.
    pub nulls: Vec<bool>,
}

/// Fields of a record to answer, in order.
#[derive(Debug, Clone)]
pub struct Selection {
    /// The collection.
    pub collection: CollectionId,
    /// The fields.
    pub fields: Vec<SelectedField>,
}

/// One field to answer. It is left out where the rights hide it.
#[derive(Debug, Clone)]
pub struct SelectedField {
    /// Which.
    pub field: FieldId,
    /// For a relation: what to answer of the records it leads to. Without it a to-one relation is answered by its id;
    /// a to-many relation always has one.
    pub expand: Option<Expansion>,
}

/// What to answer of the records that a relation leads to. One that the rights hide is left out (to-many) or null
/// (to-one).
#[derive(Debug, Clone)]
pub struct Expansion {
    /// Their fields.
    pub selection: Selection,
    /// How many at most, of a to-many relation, in the order of their ids.
    pub limit: u32,
}

/// A read, planned.
#[derive(Debug)]
pub struct ReadPlan {
    /// The statement.
    pub template: Template,
    /// How a row becomes an answer. Without members for `ReadScope::Count`, whose one column is the number.
    pub output: ObjectOutput,
    /// The columns that hold the values of a cursor: the sort keys in order, then the id. Empty except for a page.
    pub cursor: Vec<usize>,
    /// The column that holds the record's version, for its entity tag; `None` for `ReadScope::Count`.
    pub version: Option<usize>,
}

/// How columns become one object.
#[derive(Debug, Clone)]
pub struct ObjectOutput {
    /// A Boolean column that is true where there is an object at all; `None`: always.
    pub present: Option<usize>,
    /// Its members, in order.
    pub members: Vec<MemberOutput>,
}

/// One member of an object.
#[derive(Debug, Clone)]
pub struct MemberOutput {
    /// The field's name.
    pub name: Arc<str>,
    /// The name as a member of a JSON object begins: in quotes, with a colon.
    pub label: Box<str>,
    /// A Boolean column that is true where the member is to be written; `None`: always.
    pub visible: Option<usize>,
    /// Its value.
    pub value: ValueOutput,
}

/// How columns become a value. Column indexes within `Rows` are those of one row of the nested array.
#[derive(Debug, Clone)]
pub enum ValueOutput {
    /// One column.
    Column {
        /// The column; never of type `Nested`. `nested::elements` reads the elements of a `List`.
        column: usize,
        /// What it holds.
        holds: ColumnType,
        /// How its value, or an element of the list, is written as JSON.
        write: Writer,
    },
    /// A value of a scalar that takes several columns, in the order of `Scalar::columns`.
    Columns(Box<[usize]>, Scalar),
    /// The object that a to-one relation leads to, from columns of the same row.
    Object(ObjectOutput),
    /// The objects that a to-many relation leads to, from one column that holds an array of arrays.
    Rows {
        /// The column, of type `Nested`.
        column: usize,
        /// Types of the columns of a row of it.
        columns: Arc<[ColumnType]>,
        /// How such a row becomes an object.
        element: Box<ObjectOutput>,
        /// How many objects are answered; one more row tells that the list was cut.
        limit: u32,
    },
}
