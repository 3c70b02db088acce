use std::collections::HashMap;
use std::sync::Arc;

use backstay_expr::Expr;
use backstay_model::{CollectionId, FieldId};

use crate::{ColumnType, Template};

/// Everything that makes two reads the same statement. Rules in it are folded for the caller's facts already.
#[derive(Debug, Clone)]
pub struct ReadShape {
    /// What to answer for each record; its `collection` is the one that is read.
    pub selection: Selection,
    /// The row rule: `this` is the record.
    pub read: Expr,
    /// The caller's filter; fields in it are seen through `visibility`.
    pub filter: Option<Expr>,
    /// What the caller may see of the collections that the filter and the sort touch.
    pub visibility: Visibility,
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
        /// Fields to order by; the id comes last of itself, in the direction of the last key.
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
    /// A stored field of the collection that is read.
    pub field: FieldId,
    /// Whether from high to low.
    pub descending: bool,
}

/// A place in an order; its values are `Slot::Cursor(0..)`, the last of them the id.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Position {
    /// For each sort key whether its value there is null.
    pub nulls: Vec<bool>,
}

/// What the caller may see where a filter goes. A collection or field that is not listed is wholly visible.
#[derive(Debug, Clone, Default)]
pub struct Visibility {
    /// Row rules: a record for which the rule is not true is as if it were not there.
    pub rows: HashMap<CollectionId, Expr>,
    /// Field rules: where the rule is not true the field is null.
    pub fields: HashMap<(CollectionId, FieldId), Expr>,
}

/// Fields of a record to answer, in order.
#[derive(Debug, Clone)]
pub struct Selection {
    /// The collection.
    pub collection: CollectionId,
    /// The fields.
    pub fields: Vec<SelectedField>,
}

/// One field to answer.
#[derive(Debug, Clone)]
pub struct SelectedField {
    /// Which.
    pub field: FieldId,
    /// Where this is not true, the member is left out. `this` is the record that has the field. A literal `true` costs
    /// nothing.
    pub visible: Expr,
    /// For a relation: what to answer of the records it leads to. Without it a to-one relation is answered by its id;
    /// a to-many relation always has one.
    pub expand: Option<Expansion>,
}

/// What to answer of the records that a relation leads to.
#[derive(Debug, Clone)]
pub struct Expansion {
    /// Their fields.
    pub selection: Selection,
    /// The row rule of their collection: `this` is the related record. One that it does not allow is left out (to-many)
    /// or null (to-one).
    pub read: Expr,
    /// How many at the most, of a to-many relation, in the order of their ids.
    pub limit: u32,
}

/// A read, planned.
#[derive(Debug)]
pub struct ReadPlan {
    /// The statement.
    pub template: Template,
    /// How a row becomes an answer. Without members for `ReadScope::Count`, whose one column is the number.
    pub output: ObjectOutput,
    /// The columns that hold the values of a cursor: the sort keys in order, then the id. Empty but for a page.
    pub cursor: Vec<usize>,
    /// The column that holds the record's version, for its entity tag; `None` for `ReadScope::Count`.
    pub version: Option<usize>,
}

/// How columns become one JSON object.
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
    /// A Boolean column that is true where the member is to be written; `None`: always.
    pub visible: Option<usize>,
    /// Its value.
    pub value: ValueOutput,
}

/// How columns become a value. Column indexes within `Rows` are those of one row of the nested array.
#[derive(Debug, Clone)]
pub enum ValueOutput {
    /// One column; never of type `List` or `Nested`.
    Column(usize, ColumnType),
    /// A list of scalars: one column of type `List`, whose elements `nested::elements` reads.
    List {
        /// The column.
        column: usize,
        /// Type of an element.
        element: ColumnType,
    },
    /// `{"amount": "12.50", "currency": "EUR"}` of two columns.
    Money {
        /// Column of the amount.
        amount: usize,
        /// Column of the currency.
        currency: usize,
    },
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
    },
}
