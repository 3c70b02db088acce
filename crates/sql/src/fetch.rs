//! What an expression needs of other records than its own, read so that the rest of it can be evaluated in memory.

use backstay_expr::{Expr, Node, Path};
use backstay_model::{CollectionId, FieldKind};
use backstay_scalar::{Part, Storage, Value, ValueRef};
use sea_query::Query;

use crate::builder::{Anchor, Record};
use crate::layout::FieldLayout;
use crate::lower::{Lowering, Scope};
use crate::write::proposed;
use crate::{ColumnRef, ColumnType, DecodeError, Planner, RecordSource, Row, Template};

/// A statement of one row that reads parts of expressions.
#[derive(Debug)]
pub struct FetchPlan {
    /// The statement. Its `new` is `Slot::Proposed`.
    pub template: Template,
    parts: Vec<Fetched>,
}

/// Where the value of a part is in the row.
#[derive(Debug)]
enum Fetched {
    /// The value of a field, or a part of it.
    Field(FieldLayout, Option<Part>),
    /// The nullable truth in this column.
    Truth(usize),
}

impl Planner {
    /// The values of these parts of expressions, in which `this` is the given source. Each is a path or Boolean. They are
    /// read without regard to anyone's rights, as rules are.
    pub fn fetch(&self, collection: CollectionId, this: RecordSource, parts: &[Expr]) -> FetchPlan {
        let mut builder = self.builder();
        let new = proposed(&mut builder, collection);
        let this = match this {
            RecordSource::Proposed => new.clone(),
            RecordSource::Stored => Anchor { record: Record::Stored, ..new.clone() },
        };
        let frame = new.frame;
        let mut lowering = Lowering::new(&mut builder, Scope { new, ..Scope::rule(&this) });
        let (mut select, mut columns, mut fetched) = (Query::select(), Vec::new(), Vec::new());
        for part in parts {
            if let Node::Path(Path { root, steps, part, .. }) = &part.node
                && let Some((last, way)) = steps.split_last()
            {
                let start = lowering.anchor(*root);
                // Rules see everything: there are no conditions on the way.
                let (record, _) = lowering.walk(&start, way);
                let field = self.model.field(record.collection, *last);
                if let FieldKind::OneToOne { .. } = field.kind {
                    let (key, _) = lowering.reference(&record, *last);
                    fetched.push(Fetched::Field(FieldLayout::id(columns.len()), None));
                    select.expr(key);
                    columns.push(Storage::Id.into());
                    continue;
                }
                assert!(!field.columns.is_empty(), "a path that has a value ends at a column or at a record");
                fetched.push(Fetched::Field(FieldLayout::at(field, columns.len()), *part));
                for column in &field.columns {
                    let at = ColumnRef { field: *last, part: column.part };
                    select.expr(lowering.builder.stored(&record, at));
                    columns.push(ColumnType::from(column));
                }
            } else {
                fetched.push(Fetched::Truth(columns.len()));
                select.expr(lowering.truth(part));
                columns.push(Storage::Bool.into());
            }
        }
        builder.from(frame, &mut select);
        FetchPlan { template: builder.finish(&select, columns), parts: fetched }
    }
}

impl FetchPlan {
    /// The values of the parts, in their order.
    pub fn read(&self, row: &dyn Row) -> Result<Vec<Value>, DecodeError> {
        let value = |fetched: &Fetched| match fetched {
            Fetched::Field(layout, None) => layout.read(row),
            Fetched::Field(layout, Some(part)) => Ok(part.of(&layout.read(row)?)),
            Fetched::Truth(column) => match row.value(*column)? {
                ValueRef::Bool(truth) => Ok(Value::Bool(truth)),
                ValueRef::Null => Ok(Value::Null),
                _ => Err(DecodeError { column: *column, expected: "a truth value" }),
            },
        };
        self.parts.iter().map(value).collect()
    }
}
