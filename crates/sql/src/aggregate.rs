mod first;

use std::sync::Arc;

use backstay_expr::{Aggregate, Aggregation, Expr, FLOAT_TERM, Node, Ordered, Type};
use backstay_scalar::{Part, Storage, Value};
use sea_query::{CaseStatement, Expr as Sql, ExprTrait, Func, Query, SelectStatement};

use crate::exact::scaled;
use crate::lower::{Bound, Lowering};
use crate::operand::{Form, Val};
use crate::owner::Owner;
use crate::predicate::Pred;
use crate::tree::{call, cast, column, integer, name, only_where, subquery, word};
use crate::value::column_type;
use crate::{Dialect, Slot};

/// The members that an aggregate is about, in a SELECT of their own that is not written yet.
struct Rows {
    frame: usize,
    member: Bound,
    /// Which rows are meant. Terms and keys are evaluated on these alone, because a SELECT filters before it computes.
    meant: Pred,
}

/// A term, as columns of the SELECT in which it is folded.
struct Terms<'t> {
    expr: &'t Expr,
    /// Of `Money` the amount and the currency.
    columns: Vec<Sql>,
    form: Form,
    /// Whether the columns must be named before they are folded: they are not columns of the members' own rows, or long.
    apart: bool,
}

impl Lowering<'_, '_, '_> {
    /// An aggregate as one correlated subquery; of `Money` this part.
    pub(crate) fn aggregate(&mut self, of: &Aggregate, part: Part) -> Val {
        let Some(owner) = Owner::of(self, &of.over) else { return Val::null() };
        let Owner { key, certain, mut conditions, members } = owner;
        if !certain {
            conditions.push(Pred::Sql(key.clone().is_not_null()));
        }
        let known = Pred::all(conditions);
        let visible = members.visible(self.builder);
        self.scope.bound.push((of.variable, members.bound()));
        let condition = of.condition.as_ref().map_or(Pred::Known(true), |condition| self.is_true(condition));
        let meant = Pred::all([members.tie(&key), condition.behind(visible)]);
        let rows = Rows { frame: members.frame(), member: members.bound(), meant };
        let (select, form) = match &of.function {
            Aggregation::Count => self.counted(rows),
            Aggregation::Sum(term) => self.summed(rows, term, part),
            Aggregation::Min(by) => self.extreme(rows, by, ("min", part)),
            Aggregation::Max(by) => self.extreme(rows, by, ("max", part)),
            Aggregation::First { term, order } => self.first(rows, &term.in_part(part), order),
        };
        self.scope.bound.pop();
        let answer = subquery(select);
        let sql = match known {
            Pred::Known(false) => return Val::null(),
            Pred::Known(true) => answer,
            Pred::Sql(known) => only_where(known, answer),
        };
        Val { sql, guards: Vec::new(), form }
    }

    fn counted(&mut self, rows: Rows) -> (SelectStatement, Form) {
        let mut select = Query::select();
        select.expr(all_rows());
        self.read(rows, &mut select);
        (select, Form::Column)
    }

    fn summed(&mut self, rows: Rows, term: &Expr, part: Part) -> (SelectStatement, Form) {
        let terms = self.terms(&rows, term);
        let form = self.form_of_sum(term, &terms.form, part);
        let select = self.folded(rows, terms, |this, columns| this.sum_of(term, columns, part));
        (select, form)
    }

    /// How the sum of a term of this form is represented.
    pub(crate) fn form_of_sum(&self, term: &Expr, form: &Form, part: Part) -> Form {
        match (form, self.builder.dialect) {
            _ if part == Part::Currency => Form::Column,
            (Form::Scaled(scale), _) => Form::Scaled(*scale),
            (Form::Key, _) => Form::Key,
            (Form::Null, Dialect::Sqlite) if term.ty == Type::Decimal => Form::Scaled(0),
            (Form::Column | Form::Null | Form::Number | Form::Micros | Form::Exact(_), _) => Form::Column,
        }
    }

    /// The sum of a term in these columns; of `Money` this part.
    pub(crate) fn sum_of(&mut self, term: &Expr, columns: &[Sql], part: Part) -> Sql {
        let scale = self.scale_of(term);
        match columns {
            [amount, currency] => {
                let sum = match term.computes_digits() {
                    true => self.sum_of_computed(amount.clone()),
                    false => exact_sum(self.builder.dialect, amount, Storage::Decimal { scale }),
                };
                let one = call("min", [currency.clone()]);
                let is_one = one.clone().eq(call("max", [currency.clone()]));
                match part {
                    Part::Main => only_where(is_one, sum),
                    Part::Currency => only_where(is_one.and(sum.is_not_null()), one),
                }
            }
            columns if term.computes_digits() => self.sum_of_computed(columns[0].clone()),
            columns => self.sum(&columns[0], &term.ty, scale),
        }
    }

    /// The sum of a column that is not `Money`.
    fn sum(&mut self, of: &Sql, ty: &Type, scale: u8) -> Sql {
        match ty {
            Type::Float => self.float_sum(of),
            Type::Decimal => exact_sum(self.builder.dialect, of, Storage::Decimal { scale }),
            _ => exact_sum(self.builder.dialect, of, Storage::Int),
        }
    }

    /// A sum of floats. PostgreSQL raises an error where one overflows.
    fn float_sum(&mut self, of: &Sql) -> Sql {
        let mut largest = || self.builder.slot(Slot::Constant(Value::Float(FLOAT_TERM)), Storage::Float);
        let beyond = call("max", [call("abs", [of.clone()])]).gt(largest());
        let small = only_where(call("abs", [of.clone()]).lte(largest()), of.clone());
        let sum = match self.builder.dialect {
            Dialect::Sqlite => call("total", [small]),
            Dialect::Postgres => call("coalesce", [call("sum", [small]), cast(integer(0), "double precision")]),
        };
        let null = self.builder.dialect.null(Storage::Float.into());
        CaseStatement::new().case(beyond, null).finally(sum).into()
    }

    fn extreme(&mut self, rows: Rows, by: &Ordered, (function, part): (&'static str, Part)) -> (SelectStatement, Form) {
        let mut terms = self.terms(&rows, &by.term);
        let form = if part == Part::Currency { Form::Column } else { terms.form.clone() };
        if let Some(names) = &by.names {
            terms.columns = vec![self.builder.dialect.ordinal(terms.columns[0].clone(), names)];
            terms.apart = true;
        }
        let names = by.names.as_deref();
        let select = self.folded(rows, terms, |_, columns| extreme_of(columns, names, (function, part)));
        (select, form)
    }

    fn terms<'t>(&mut self, rows: &Rows, expr: &'t Expr) -> Terms<'t> {
        let (columns, form) = self.columns_of_term(expr);
        let own = match &expr.node {
            Node::Path(path) => self.anchor(path.root).frame == rows.frame,
            _ => false,
        };
        let apart = !own || !columns.iter().all(|column| matches!(column, Sql::Column(_)));
        Terms { expr, columns, form, apart }
    }

    /// The columns in which a term is folded, of `Money` the amount and the currency, and how the first is represented.
    pub(crate) fn columns_of_term(&mut self, expr: &Expr) -> (Vec<Sql>, Form) {
        let parts = match expr.ty {
            Type::Money => vec![expr.in_part(Part::Main), expr.in_part(Part::Currency)],
            _ => vec![expr.clone()],
        };
        let mut form = Form::Null;
        let mut columns = Vec::with_capacity(parts.len());
        for part in parts.iter().rev() {
            let value = self.value(part);
            let value = match expr.ty == Type::Money && part.ty == Type::Decimal && expr.computes_digits() {
                true => self.keyed(value),
                false => self.loose(value).moment(),
            };
            let value = match value.form {
                Form::Key if !expr.computes_digits() => {
                    let scale = self.scale_of(part);
                    Val { sql: scaled(value.sql, scale), form: Form::Scaled(scale), ..value }
                }
                _ => value,
            };
            form = value.form.clone();
            columns.push(match value.is_null() {
                true => self.builder.dialect.null(column_type(&part.ty)),
                false => value.settled(),
            });
        }
        columns.reverse();
        (columns, form)
    }

    /// The SELECT in which terms become one value. An aggregate of SQL belongs to the SELECT whose columns it names: those
    /// of others are therefore named in between.
    fn folded(&mut self, rows: Rows, terms: Terms<'_>, fold: impl FnOnce(&mut Self, &[Sql]) -> Sql) -> SelectStatement {
        let mut select = Query::select();
        if !terms.apart {
            let answer = fold(self, &terms.columns);
            select.expr(answer);
            self.read(rows, &mut select);
            return select;
        }
        let mut each = Query::select();
        let alias = self.builder.alias();
        let mut named = Vec::with_capacity(terms.columns.len());
        for (index, term) in terms.columns.into_iter().enumerate() {
            each.expr_as(term, name(&format!("v{index}")));
            named.push(column(&alias, &format!("v{index}")));
        }
        self.read(rows, &mut each);
        self.builder.keep_apart(&mut each);
        let answer = fold(self, &named);
        select.expr(where_known(terms.expr, &named[0], answer));
        select.from_subquery(each, name(&alias));
        select
    }

    /// Writes the members' tables and which of them are meant.
    fn read(&mut self, rows: Rows, select: &mut SelectStatement) {
        rows.meant.restrict(select);
        self.builder.from(rows.frame, select);
    }

    /// Digits after the point of an exact term.
    fn scale_of(&self, term: &Expr) -> u8 {
        let places = term.decimal_places(self.builder.model).and_then(|places| u8::try_from(places).ok());
        places.unwrap_or(Type::DECIMAL_SCALE)
    }
}

/// What a term in this column comes to. What is computed and unknown makes the whole unknown.
pub(crate) fn where_known(term: &Expr, column: &Sql, answer: Sql) -> Sql {
    match term.node.is_held() {
        true => answer,
        false => only_where(all_rows().eq(Func::count(column.clone())), answer),
    }
}

/// The least or the greatest value of a term in these columns, of an enum by the places of its names; of `Money` this part.
pub(crate) fn extreme_of(columns: &[Sql], names: Option<&[Arc<str>]>, (function, part): (&'static str, Part)) -> Sql {
    match (columns, names) {
        ([amount, currency], _) => {
            let one = call("min", [currency.clone()]);
            let is_one = one.clone().eq(call("max", [currency.clone()]));
            let extreme = call(function, [amount.clone()]);
            only_where(is_one, if part == Part::Main { extreme } else { one })
        }
        (columns, Some(names)) => {
            let best = call(function, [columns[0].clone()]);
            let mut case = CaseStatement::new();
            for (place, name) in (0..).zip(names.iter()) {
                case = case.case(best.clone().eq(integer(place)), word(name));
            }
            case.into()
        }
        (columns, None) => call(function, [columns[0].clone()]),
    }
}

pub(crate) fn all_rows() -> Sql {
    Func::count(Sql::col(sea_query::Asterisk)).into()
}

/// The exact sum of integers or of decimal numbers, zero of none; null where it doesn't fit 64 bits, scaled where it is a
/// decimal. SQLite's own `sum` ends the statement there.
fn exact_sum(dialect: Dialect, of: &Sql, storage: Storage) -> Sql {
    let sum = || call("sum", [of.clone()]);
    let (least, most, kind) = match (dialect, storage) {
        (Dialect::Sqlite, _) => return call("exact_sum", [of.clone()]),
        (Dialect::Postgres, Storage::Decimal { scale }) => {
            let bound = |scaled: i64| cast(word(&format!("{scaled}e-{scale}")), "numeric");
            (bound(i64::MIN), bound(i64::MAX), "numeric")
        }
        (Dialect::Postgres, _) => (integer(i64::MIN), integer(i64::MAX), "bigint"),
    };
    let none = Sql::from(Func::count(of.clone())).eq(integer(0));
    let case = CaseStatement::new().case(none, integer(0)).case(sum().between(least, most), sum());
    cast(case.into(), kind)
}
