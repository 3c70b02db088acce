//! Nested lists as one value each. SQLite refuses a value that is too large as it is built; on PostgreSQL the statement
//! adds up the bytes of the rows and ends before there are too many of them.

use backstay_base::limits;
use backstay_model::{Field, FieldKind};
use backstay_scalar::Storage;
use sea_query::{CaseStatement, Expr as Sql, ExprTrait, Frame, FrameType, Query, SelectStatement, WindowStatement};

use super::RowWriter;
use crate::tree::{boolean, call, cast, column, name, subquery};
use crate::{ColumnType, Dialect};

/// The column of one row in the nested form.
const ROW: &str = "row";
/// The column of the bytes of all rows up to this one.
const BYTES: &str = "bytes";
/// Bytes of a value of a fixed size, as it is written, and of what stands around a value.
const FIXED_BYTES: usize = 64;
/// Bytes that a character takes at most, as it is written in JSON: a control character takes as many.
const CHARACTER_BYTES: usize = 6;

/// How large what a field stores can be.
pub(super) fn most_stored_bytes(field: &Field) -> usize {
    let is_short = |storage| !matches!(storage, ColumnType::One(Storage::Text));
    let max = field.length.and_then(|length| length.max).unwrap_or(limits::STRING_CHARS);
    match field.kind {
        _ if field.is_large() => usize::MAX,
        FieldKind::Enum(_) => FIXED_BYTES,
        _ if field.columns.iter().all(|column| is_short(column.into())) => FIXED_BYTES * field.columns.len(),
        _ => max.saturating_mul(CHARACTER_BYTES).saturating_add(FIXED_BYTES),
    }
}

/// The same of what is computed.
pub(super) fn most_computed_bytes(holds: ColumnType) -> usize {
    match holds {
        ColumnType::One(Storage::Text | Storage::Json | Storage::Bytes) | ColumnType::List(_) | ColumnType::Nested => {
            usize::MAX
        }
        ColumnType::One(
            Storage::Bool
            | Storage::Int
            | Storage::Float
            | Storage::Decimal { .. }
            | Storage::UUID
            | Storage::Id(_)
            | Storage::Timestamp
            | Storage::Date,
        ) => FIXED_BYTES,
    }
}

impl RowWriter<'_, '_, '_> {
    /// Notes how large values of a row can be.
    pub(super) fn note_bytes(&mut self, most: impl IntoIterator<Item = usize>) {
        self.most_bytes = most.into_iter().fold(self.most_bytes, usize::saturating_add);
    }

    /// The rows of a SELECT, whose columns have these types, in the nested form. They can have so many bytes.
    pub(super) fn array(&mut self, (rows, most_bytes): (SelectStatement, usize), types: &[ColumnType]) -> Sql {
        let (alias, dialect) = (self.builder.alias(), self.builder.dialect);
        let value =
            |(index, kind): (usize, &ColumnType)| dialect.nested_value(column(&alias, &format!("c{index}")), *kind);
        let values: Vec<Sql> = types.iter().enumerate().map(value).collect();
        let mut outer = Query::select();
        match dialect {
            Dialect::Postgres if most_bytes > limits::LIST_BYTES => {
                let mut each = Query::select();
                each.expr_as(dialect.nested_row(values), name(ROW)).from_subquery(rows, name(&alias));
                // Otherwise each row would be built twice.
                self.builder.keep_apart(&mut each);
                let bounded = self.bounded(each);
                let alias = self.builder.alias();
                outer.expr(dialect.array_of(column(&alias, ROW))).from_subquery(bounded, name(&alias));
            }
            Dialect::Sqlite | Dialect::Postgres => {
                outer.expr(dialect.array_of(dialect.nested_row(values))).from_subquery(rows, name(&alias));
            }
        }
        subquery(outer)
    }

    /// PostgreSQL: these rows, which end the statement where together they are larger than a list may be.
    fn bounded(&mut self, rows: SelectStatement) -> SelectStatement {
        let (inner, outer) = (self.builder.alias(), self.builder.alias());
        let bytes = call("octet_length", [cast(column(&inner, ROW), "text")]);
        let up_to_here = WindowStatement::new().frame_start(FrameType::Rows, Frame::UnboundedPreceding).take();
        let mut added_up = Query::select();
        added_up.column((name(&inner), name(ROW))).expr_window_as(call("sum", [bytes]), up_to_here, name(BYTES));
        added_up.from_subquery(rows, name(&inner));
        let fits = column(&outer, BYTES).lte(self.builder.list_bytes());
        let mut bounded = Query::select();
        bounded.column((name(&outer), name(ROW))).from_subquery(added_up, name(&outer));
        // The function is called nowhere else, and never ahead of time: it is volatile.
        let within = CaseStatement::new().case(fits, boolean(true)).finally(call("backstay_too_large", []));
        bounded.and_where(within.into());
        bounded
    }
}
