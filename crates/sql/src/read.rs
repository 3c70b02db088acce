use backstay_expr::Rights;
use backstay_model::Collection;
use backstay_scalar::Storage;
use sea_query::{Expr as Sql, Func, Query};

use crate::builder::{Anchor, Builder};
use crate::expressions::Reader;
use crate::memberships::asked;
use crate::output::RowWriter;
use crate::question::Asked;
use crate::tree::{integer, name};
use crate::{ColumnRef, ObjectOutput, Planner, ReadPlan, ReadScope, ReadShape, RowOutput, Searching, Slot};

impl Planner {
    /// A read as callers with these rights may make it, in one statement.
    pub fn read(&self, shape: &ReadShape, rights: &Rights) -> ReadPlan {
        let reader = Reader { rights, expressions: &self.expressions, first_param: shape.first_param };
        let mut builder = Builder::new(&self.model, self.dialect);
        let rows = builder.rows(self.model.collection(shape.collection), shape.perspective, (rights, shape.action));
        let asked = asked(&mut builder, shape, &rows, reader);
        let record = rows.anchor;
        match &shape.scope {
            ReadScope::Count => counted(builder, &record, asked),
            ReadScope::One | ReadScope::Key | ReadScope::Page { .. } => {
                let mut row = RowWriter::new(&mut builder, reader);
                let mut members = row.object(&shape.selection, &record);
                let highlights = match &shape.search {
                    Some(Searching { highlight }) if !highlight.is_empty() => {
                        let (member, columns) = row.highlights(highlight, &record);
                        members.push(member);
                        columns
                    }
                    Some(_) | None => Vec::new(),
                };
                let mut columns = row.finish();
                let mut select = Query::select();
                let mut cursor = asked.order.as_ref().map_or_else(Vec::new, |order| order.cursor(&mut columns));
                if matches!(shape.scope, ReadScope::Key) {
                    let id = builder.key(&record);
                    cursor.push(columns.push(id, builder.key_storage(&record)));
                }
                let version = builder.stored(&record, ColumnRef::main(Collection::VERSION));
                let version = Some(columns.push(version, Storage::Int));
                let columns = columns.select_into(self.dialect, &mut select);
                asked.condition.restrict(&mut select);
                if let Some(order) = &asked.order {
                    order.write(&builder, &mut select);
                }
                if let ReadScope::Page { start, .. } = &shape.scope {
                    builder.limit_to_page(&mut select, start);
                }
                builder.from(record.frame, &mut select);
                let output = RowOutput::Record(ObjectOutput { present: None, members });
                let template = builder.finish(&select, columns);
                ReadPlan { template, output, cursor, version, highlights }
            }
        }
    }
}

fn counted(mut builder: Builder<'_>, record: &Anchor, asked: Asked) -> ReadPlan {
    let mut inner = Query::select();
    inner.expr_as(integer(1), name("one"));
    asked.condition.restrict(&mut inner);
    builder.from(record.frame, &mut inner);
    builder.limit(&mut inner, Slot::Limit);
    let mut select = Query::select();
    select.expr(Func::count(Sql::col(sea_query::Asterisk))).from_subquery(inner, name("counted"));
    let output = RowOutput::Record(ObjectOutput { present: None, members: Vec::new() });
    let template = builder.finish(&select, vec![Storage::Int.into()]);
    ReadPlan { template, output, version: None, cursor: Vec::new(), highlights: Vec::new() }
}
