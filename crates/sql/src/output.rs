use std::sync::Arc;

use backstay_model::{Field, FieldKind};
use backstay_scalar::Scalar;
use sea_query::{CaseStatement, Expr as Sql, ExprTrait, Order, Query, SelectStatement};

use crate::arithmetic::epoch_micros;
use crate::build::{Builder, boolean, call, cast, column, name, word};
use crate::frame::{Anchor, Part};
use crate::predicate::Pred;
use crate::read::filter;
use crate::{ColumnType, Dialect, Expansion, MemberOutput, ObjectOutput, SelectedField, Selection, Slot, ValueOutput};

/// The columns of a SELECT; a column of a table is there once.
#[derive(Debug, Default)]
pub(crate) struct Columns(Vec<(Sql, ColumnType)>);

impl Columns {
    /// The index of this column, which is added where it is not there.
    pub(crate) fn push(&mut self, sql: Sql, kind: ColumnType) -> usize {
        let shared = matches!(sql, Sql::Column(_));
        let there = self.0.iter().position(|(other, of)| shared && *of == kind && *other == sql);
        there.unwrap_or_else(|| {
            self.0.push((sql, kind));
            self.0.len() - 1
        })
    }

    /// Makes them the columns of the SELECT; gives their types. Nested rows leave the database as text.
    pub(crate) fn select_into(self, dialect: Dialect, select: &mut SelectStatement) -> Vec<ColumnType> {
        if self.0.is_empty() {
            // A row that nothing is answered of is still a row.
            select.expr(boolean(true));
            return vec![ColumnType::Bool];
        }
        let (columns, types): (Vec<Sql>, Vec<ColumnType>) = self.0.into_iter().unzip();
        select.exprs(columns.into_iter().zip(&types).map(|(column, kind)| match (dialect, kind) {
            (Dialect::Postgres, ColumnType::Nested) => cast(column, "text"),
            _ => column,
        }));
        types
    }

    /// The same, as columns of a subquery: `c0`, `c1`, …
    fn name_into(self, select: &mut SelectStatement) -> Vec<ColumnType> {
        let mut types = Vec::with_capacity(self.0.len());
        for (index, (sql, kind)) in self.0.into_iter().enumerate() {
            select.expr_as(sql, name(&format!("c{index}")));
            types.push(kind);
        }
        if types.is_empty() {
            select.expr_as(boolean(true), name("c0"));
            types.push(ColumnType::Bool);
        }
        types
    }
}

impl Builder<'_> {
    /// The members of one record's object.
    pub(crate) fn object(&mut self, selection: &Selection, at: &Anchor, columns: &mut Columns) -> Vec<MemberOutput> {
        selection.fields.iter().filter_map(|selected| self.member(selected, at, columns)).collect()
    }

    fn member(&mut self, selected: &SelectedField, at: &Anchor, columns: &mut Columns) -> Option<MemberOutput> {
        let sees = self.rule(&selected.visible, at);
        if matches!(sees, Pred::Known(false)) {
            return None;
        }
        let visible = match &sees {
            Pred::Known(_) => None,
            sees @ Pred::Sql(_) => Some(columns.push(sees.clone().definite(), ColumnType::Bool)),
        };
        let model = self.model;
        let field = model.field(at.collection, selected.field);
        let value = match (&field.kind, &selected.expand) {
            (FieldKind::ToOne { .. }, Some(expansion)) => self.related(field, expansion, &sees, at, columns),
            (FieldKind::OneToMany { .. } | FieldKind::ManyToMany { .. }, Some(expansion)) => {
                self.rows_of(field, expansion, &sees, at, columns)
            }
            (FieldKind::OneToMany { .. } | FieldKind::ManyToMany { .. }, None) => return None,
            (kind, _) => self.plain(field, kind, &sees, at, columns),
        };
        Some(MemberOutput { name: Arc::from(field.name.as_str()), visible, value })
    }

    fn plain(
        &mut self,
        field: &Field,
        kind: &FieldKind,
        sees: &Pred,
        at: &Anchor,
        columns: &mut Columns,
    ) -> ValueOutput {
        let main = seen(sees, self.stored(at, field.id, Part::Main));
        let column = columns.push(main, ColumnType::of_field(kind));
        match kind {
            FieldKind::Scalar(Scalar::Money) => {
                let currency = seen(sees, self.stored(at, field.id, Part::Currency));
                ValueOutput::Money { amount: column, currency: columns.push(currency, ColumnType::Text) }
            }
            FieldKind::List(element) => ValueOutput::List { column, element: ColumnType::of_element(*element) },
            kind => ValueOutput::Column(column, ColumnType::of_field(kind)),
        }
    }

    /// The record that a to-one relation leads to, from joined columns.
    fn related(
        &mut self,
        field: &Field,
        expansion: &Expansion,
        sees: &Pred,
        at: &Anchor,
        columns: &mut Columns,
    ) -> ValueOutput {
        let target = self.follow(at, field.id);
        let read = self.rule(&expansion.read, &target);
        if matches!(read, Pred::Known(false)) {
            let present = Some(columns.push(boolean(false), ColumnType::Bool));
            return ValueOutput::Object(ObjectOutput { present, members: Vec::new() });
        }
        let there = Pred::Sql(self.key(&target).is_not_null());
        let present = match Pred::all([sees.clone(), there.clone(), read]) {
            only @ Pred::Sql(_) if matches!((&only, &there), (Pred::Sql(a), Pred::Sql(b)) if a == b) => only.sql(),
            all => all.definite(),
        };
        let present = Some(columns.push(present, ColumnType::Bool));
        let members = self.object(&expansion.selection, &target, columns);
        ValueOutput::Object(ObjectOutput { present, members })
    }

    /// The records that a to-many relation leads to, as one column in the nested form.
    fn rows_of(
        &mut self,
        field: &Field,
        expansion: &Expansion,
        sees: &Pred,
        at: &Anchor,
        columns: &mut Columns,
    ) -> ValueOutput {
        let (rows, types, members) = self.nested(field, expansion, at);
        let column = columns.push(seen(sees, rows), ColumnType::Nested);
        let element = Box::new(ObjectOutput { present: None, members });
        ValueOutput::Rows { column, columns: types.into(), element }
    }

    fn nested(
        &mut self,
        field: &Field,
        expansion: &Expansion,
        at: &Anchor,
    ) -> (Sql, Vec<ColumnType>, Vec<MemberOutput>) {
        let key = self.key(at);
        let Some((member, tie)) = self.members(&field.kind, key) else {
            return (word("[]"), Vec::new(), Vec::new());
        };
        let read = self.rule(&expansion.read, &member);
        if matches!(read, Pred::Known(false)) {
            return (word("[]"), Vec::new(), Vec::new());
        }
        let mut columns = Columns::default();
        let members = self.object(&expansion.selection, &member, &mut columns);
        let mut inner = Query::select();
        let types = columns.name_into(&mut inner);
        inner.order_by_expr(self.key(&member), Order::Asc);
        filter(&mut inner, vec![Pred::Sql(tie), read]);
        self.from(member.frame, &mut inner);
        let limit = Slot::Constant(i64::from(expansion.limit).into());
        self.limit(&mut inner, limit);

        let alias = self.alias();
        let values: Vec<Sql> = types
            .iter()
            .enumerate()
            .map(|(index, kind)| self.nested_value(column(&alias, &format!("c{index}")), *kind))
            .collect();
        let rows = match self.dialect {
            Dialect::Sqlite => call("json_group_array", [call("json_array", values)]),
            Dialect::Postgres => {
                let rows = call("json_agg", [call("json_build_array", values)]);
                call("coalesce", [rows, cast(word("[]"), "json")])
            }
        };
        let mut outer = Query::select();
        outer.expr(rows).from_subquery(inner, name(&alias));
        (Sql::SubQuery(None, Box::new(outer.into())), types, members)
    }

    /// A column's value in the nested form: see module `nested`.
    fn nested_value(&self, value: Sql, kind: ColumnType) -> Sql {
        match (self.dialect, kind) {
            (Dialect::Sqlite, ColumnType::Id) => call("hex", [value]),
            (Dialect::Sqlite, ColumnType::Bytes) => {
                CaseStatement::new().case(value.clone().is_not_null(), call("hex", [value])).into()
            }
            (Dialect::Postgres, ColumnType::Bytes) => call("encode", [value, word("hex")]),
            (Dialect::Sqlite, ColumnType::Nested) => call("json", [value]),
            (Dialect::Sqlite, ColumnType::Float) => {
                let text = call("printf", [word("%!.17g"), value.clone()]);
                CaseStatement::new().case(value.is_not_null(), text).into()
            }
            (Dialect::Postgres, ColumnType::Timestamp) => epoch_micros(value),
            (Dialect::Postgres, ColumnType::Json | ColumnType::List) => cast(value, "text"),
            _ => value,
        }
    }
}

/// A value where it may be seen, else null.
fn seen(sees: &Pred, value: Sql) -> Sql {
    match sees {
        Pred::Known(true) => value,
        Pred::Known(false) => Sql::null(),
        Pred::Sql(sees) => CaseStatement::new().case(sees.clone(), value).into(),
    }
}
