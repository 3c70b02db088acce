//! What an expression needs of other records than its own, read so that the rest of it can be evaluated in memory.

use backstay_expr::{Expr, Node, Path, Type};
use backstay_model::{CollectionId, FieldKind};
use backstay_scalar::{Currency, Money, Part, Scalar, Storage, Value, ValueRef, exact};
use rust_decimal::Decimal;
use sea_query::{Expr as Sql, Query};

use crate::builder::{Anchor, Record};
use crate::layout::FieldLayout;
use crate::lower::{Lowering, Scope};
use crate::tree::cast;
use crate::value::column_type;
use crate::write::proposed;
use crate::{ColumnRef, ColumnType, DecodeError, Dialect, Planner, RecordSource, Row, Template};

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
    /// An exact number in this column.
    Number(usize),
    /// The number of an amount of money in the first column, its currency in the second one.
    Money(usize, usize),
}

impl Planner {
    /// The values of these parts of expressions, in which `this` is the given source. Each is a path, Boolean or an aggregate
    /// of records. They are read without regard to anyone's rights, as rules are.
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
                if let FieldKind::OneToOne { key: form, .. } = field.kind {
                    let (key, _) = lowering.reference(&record, *last);
                    fetched.push(Fetched::Field(FieldLayout::id(columns.len(), form), None));
                    select.expr(key);
                    columns.push(Storage::Id(form).into());
                    continue;
                }
                assert!(!field.columns.is_empty(), "a path that has a value ends at a column or at a record");
                fetched.push(Fetched::Field(FieldLayout::at(field, columns.len()), *part));
                for column in &field.columns {
                    let at = ColumnRef { field: *last, part: column.part };
                    select.expr(lowering.builder.stored(&record, at));
                    columns.push(ColumnType::from(column));
                }
            } else if matches!(part.node, Node::Aggregate(_)) && part.ty != Type::Bool {
                let mut write = |sql, kind: ColumnType| {
                    select.expr(sql);
                    columns.push(kind);
                    columns.len() - 1
                };
                fetched.push(computed(&mut lowering, part, &mut write));
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

/// Writes the value of an aggregate into columns.
fn computed(
    lowering: &mut Lowering<'_, '_, '_>,
    of: &Expr,
    write: &mut impl FnMut(Sql, ColumnType) -> usize,
) -> Fetched {
    match &of.ty {
        Type::Money => {
            let amount = lowering.written_number(&of.in_part(Part::Main));
            let amount = write(amount.0, amount.1);
            let currency = lowering.stored_value(&of.in_part(Part::Currency));
            Fetched::Money(amount, write(currency, Storage::Text.into()))
        }
        Type::Decimal => {
            let (number, kind) = lowering.written_number(of);
            Fetched::Number(write(number, kind))
        }
        ty => {
            let kind = column_type(ty);
            let scalar = match ty {
                Type::Formatted(scalar) => Some(*scalar),
                Type::Json => Some(Scalar::Json),
                Type::Duration => Some(Scalar::Duration),
                _ => None,
            };
            let at = write(lowering.stored_value(of), kind);
            Fetched::Field(FieldLayout::of(vec![(at, kind)], scalar), None)
        }
    }
}

impl Lowering<'_, '_, '_> {
    /// A value as a column of its type would hold it.
    fn stored_value(&mut self, of: &Expr) -> Sql {
        let value = self.unfitted(of);
        if value.is_null() { self.builder.dialect.null(column_type(&of.ty)) } else { value.settled() }
    }

    /// An exact number with all its digits: its key on SQLite, text on PostgreSQL.
    fn written_number(&mut self, of: &Expr) -> (Sql, ColumnType) {
        let dialect = self.builder.dialect;
        let storage = match dialect {
            Dialect::Sqlite => Storage::Bytes,
            Dialect::Postgres => Storage::Text,
        };
        let value = self.value(of);
        let value = self.keyed(value);
        let sql = match (value.is_null(), dialect) {
            (true, _) => dialect.null(storage.into()),
            (false, Dialect::Sqlite) => value.settled(),
            (false, Dialect::Postgres) => cast(value.settled(), "text"),
        };
        (sql, storage.into())
    }
}

/// An exact number; unknown if it has more digits than expressions compute with.
fn number(row: &dyn Row, column: usize) -> Result<Option<Decimal>, DecodeError> {
    match row.value(column)? {
        ValueRef::Null => Ok(None),
        ValueRef::Bytes(key) => Ok(exact::from_key(key)),
        ValueRef::Text(text) => Ok(Decimal::from_str_exact(text).ok()),
        _ => Err(DecodeError { column, expected: "an exact number" }),
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
            Fetched::Number(column) => Ok(number(row, *column)?.map_or(Value::Null, Value::Decimal)),
            Fetched::Money(amount, currency) => {
                let ValueRef::Text(code) = row.value(*currency)? else { return Ok(Value::Null) };
                let amount = number(row, *amount)?.zip(Currency::parse(code));
                Ok(amount.map_or(Value::Null, |(amount, currency)| Value::Money(Money::computed(amount, currency))))
            }
        };
        self.parts.iter().map(value).collect()
    }
}
