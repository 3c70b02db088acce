use backstay_model::{Collection, FieldId};
use sea_query::{CaseStatement, Expr as Sql, ExprTrait, Func, NullOrdering, Order, Query, SelectStatement};

use crate::build::{Builder, integer, name};
use crate::frame::{Anchor, Part, encoding};
use crate::output::Columns;
use crate::param::Encoding;
use crate::predicate::{Pred, Scope};
use crate::{ColumnType, Dialect, ObjectOutput, Planner, Position, ReadPlan, ReadScope, ReadShape, Slot, SortKey};

impl Planner {
    /// A read, in one statement.
    pub fn read(&self, shape: &ReadShape) -> ReadPlan {
        let mut builder = Builder::new(&self.model, self.dialect);
        let frame = builder.frame();
        let record = builder.rows(frame, self.model.collection(shape.selection.collection));
        let mut conditions = match &shape.scope {
            ReadScope::Page { sort, .. } => builder.page_rule(&shape.read, &record, sort),
            ReadScope::One | ReadScope::Count => vec![builder.rule(&shape.read, &record)],
        };
        let seen = Scope { visibility: Some(&shape.visibility), ..Scope::rule(&record) };
        if let Some(filter) = &shape.filter {
            conditions.push(builder.lowering(seen.clone()).is_true(filter));
        }

        let mut select = Query::select();
        let mut columns = Columns::default();
        let (members, cursor) = match &shape.scope {
            ReadScope::Count => return counted(builder, &record, conditions),
            ReadScope::One => {
                let id = builder.slot(Slot::Id, Encoding::Column(ColumnType::Id));
                conditions.insert(0, Pred::Sql(builder.key(&record).eq(id)));
                (builder.object(&shape.selection, &record, &mut columns), Vec::new())
            }
            ReadScope::Page { sort, after } => {
                let members = builder.object(&shape.selection, &record, &mut columns);
                let keys = builder.sort_keys(sort, &record, &seen);
                if let Some(position) = after {
                    conditions.push(Pred::Sql(builder.after(&keys, position)));
                }
                let cursor = keys.iter().map(|key| columns.push(key.sql.clone(), key.encoding.column())).collect();
                builder.order(&keys, &mut select);
                builder.limit(&mut select, Slot::Limit);
                (members, cursor)
            }
        };
        let version = Some(columns.push(builder.stored(&record, Collection::VERSION, Part::Main), ColumnType::Int));
        let columns = columns.select_into(self.dialect, &mut select);
        filter(&mut select, conditions);
        builder.from(frame, &mut select);
        let output = ObjectOutput { present: None, members };
        ReadPlan { template: builder.finish(&select, columns), output, version, cursor }
    }
}

fn counted(mut builder: Builder<'_>, record: &Anchor, conditions: Vec<Pred>) -> ReadPlan {
    let mut inner = Query::select();
    inner.expr_as(integer(1), name("one"));
    filter(&mut inner, conditions);
    builder.from(record.frame, &mut inner);
    builder.limit(&mut inner, Slot::Limit);
    let mut select = Query::select();
    select.expr(Func::count(Sql::col(sea_query::Asterisk))).from_subquery(inner, name("counted"));
    let output = ObjectOutput { present: None, members: Vec::new() };
    ReadPlan { template: builder.finish(&select, vec![ColumnType::Int]), output, version: None, cursor: Vec::new() }
}

/// Restricts a SELECT to where all conditions hold.
pub(crate) fn filter(select: &mut SelectStatement, conditions: Vec<Pred>) {
    match Pred::all(conditions) {
        Pred::Known(true) => {}
        condition => {
            select.and_where(condition.sql());
        }
    }
}

/// One key of an order.
struct Key {
    sql: Sql,
    encoding: Encoding,
    nullable: bool,
    descending: bool,
}

impl Builder<'_> {
    /// The sort keys as the caller sees them, and the id.
    fn sort_keys(&mut self, sort: &[SortKey], record: &Anchor, seen: &Scope<'_>) -> Vec<Key> {
        let mut keys: Vec<Key> =
            sort.iter().map(|key| self.sort_key(key.field, key.descending, record, seen)).collect();
        let descending = sort.last().is_some_and(|key| key.descending);
        let sql = self.key(record);
        keys.push(Key { sql, encoding: Encoding::Column(ColumnType::Id), nullable: false, descending });
        keys
    }

    fn sort_key(&mut self, field: FieldId, descending: bool, record: &Anchor, seen: &Scope<'_>) -> Key {
        let definition = self.model.field(record.collection, field);
        let always = definition.required || field.0 <= Collection::VERSION.0;
        let sql = self.stored(record, field, Part::Main);
        let encoding = encoding(&definition.kind, Part::Main);
        match self.lowering(seen.clone()).sees_field(record, field) {
            Pred::Known(true) => Key { sql, encoding, nullable: !always, descending },
            sees => {
                let sql = CaseStatement::new().case(sees.sql(), sql).into();
                Key { sql, encoding, nullable: true, descending }
            }
        }
    }

    fn order(&self, keys: &[Key], select: &mut SelectStatement) {
        for key in keys {
            let (order, nulls) = match key.descending {
                true => (Order::Desc, NullOrdering::First),
                false => (Order::Asc, NullOrdering::Last),
            };
            match self.dialect {
                Dialect::Sqlite if key.nullable => select.order_by_expr_with_nulls(key.sql.clone(), order, nulls),
                _ => select.order_by_expr(key.sql.clone(), order),
            };
        }
    }

    /// What comes after a place in the order. Null is greater than every value.
    fn after(&mut self, keys: &[Key], position: &Position) -> Sql {
        let simple = keys.iter().all(|key| !key.nullable && key.descending == keys[0].descending);
        if simple && keys.len() > 1 {
            let left: Vec<Sql> = keys.iter().map(|key| key.sql.clone()).collect();
            let right: Vec<Sql> = (0..keys.len()).map(|index| self.cursor(keys, index)).collect();
            let (left, right) = (Sql::tuple(left), Sql::tuple(right));
            return if keys[0].descending { left.lt(right) } else { left.gt(right) };
        }
        let rest = self.after_from(keys, position, 0);
        let first = &keys[0];
        let null = position.nulls.first().copied().unwrap_or(false);
        // A bound on the first key alone, which an index can use.
        let bound = match (first.descending, first.nullable, null) {
            _ if keys.len() == 1 => None,
            (true, _, false) => Some(first.sql.clone().lte(self.cursor(keys, 0))),
            (false, false, false) => Some(first.sql.clone().gte(self.cursor(keys, 0))),
            (false, true, _) | (true, _, true) | (false, false, true) => None,
        };
        Pred::all(bound.into_iter().map(Pred::Sql).chain([rest])).sql()
    }

    /// What comes after the place, of records that are level with it in the keys before `index`.
    fn after_from(&mut self, keys: &[Key], position: &Position, index: usize) -> Pred {
        let Some(key) = keys.get(index) else { return Pred::Known(false) };
        let null = position.nulls.get(index).copied().unwrap_or(false) && key.nullable;
        let sql = || key.sql.clone();
        let (beyond, level) = match (null, key.descending) {
            (true, true) => (Pred::Sql(sql().is_not_null()), Pred::Sql(sql().is_null())),
            (true, false) => (Pred::Known(false), Pred::Sql(sql().is_null())),
            (false, true) => (Pred::Sql(sql().lt(self.cursor(keys, index))), Pred::Known(true)),
            (false, false) => {
                let greater = Pred::Sql(sql().gt(self.cursor(keys, index)));
                let null = if key.nullable { Pred::Sql(sql().is_null()) } else { Pred::Known(false) };
                (Pred::any([greater, null]), Pred::Known(true))
            }
        };
        if index + 1 == keys.len() {
            return beyond;
        }
        let level = if null { level } else { Pred::Sql(sql().eq(self.cursor(keys, index))) };
        let rest = self.after_from(keys, position, index + 1);
        Pred::any([beyond, Pred::all([level, rest])])
    }

    fn cursor(&mut self, keys: &[Key], index: usize) -> Sql {
        let slot = Slot::Cursor(u16::try_from(index).unwrap_or(u16::MAX));
        self.slot(slot, keys[index].encoding)
    }
}
