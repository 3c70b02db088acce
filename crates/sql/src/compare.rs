use backstay_expr::{CallerPart, Expr, Node, Operator, Type};
use backstay_model::{EnumId, FieldKind};
use backstay_scalar::Value;
use sea_query::{Expr as Sql, ExprTrait, Query};

use crate::arithmetic::epoch_micros;
use crate::build::{call, cast, column, integer, name, word};
use crate::param::Encoding;
use crate::predicate::{Lowering, Pred};
use crate::scalar::{Form, Val, column_type, list_element, moment, power_of_ten, scaled_constant};
use crate::{ColumnType, Dialect, Slot};

impl Lowering<'_, '_, '_> {
    /// `left op right`, where one is null unknown.
    pub(crate) fn comparison(&mut self, operator: Operator, left: &Expr, right: &Expr, wanted: bool) -> Pred {
        let operator = if wanted { operator } else { contrary(operator) };
        if left.ty == Type::Money || right.ty == Type::Money {
            return self.compare_money(operator, left, right);
        }
        if self.builder.dialect == Dialect::Sqlite && left.ty == Type::Decimal {
            match (&left.node, &right.node) {
                (Node::Conditional(condition, then, otherwise), _) => {
                    return self.either(condition, |this, first| {
                        this.comparison(operator, if first { then } else { otherwise }, right, true)
                    });
                }
                (_, Node::Conditional(condition, then, otherwise)) => {
                    return self.either(condition, |this, first| {
                        this.comparison(operator, left, if first { then } else { otherwise }, true)
                    });
                }
                _ => {}
            }
        }
        let (one, other) = (self.side(left, &right.ty), self.side(right, &left.ty));
        self.compare(operator, one, other)
    }

    /// The comparison with the one value where the condition is true, with the other where it is false: two decimals of
    /// different scale have no common form that holds both.
    fn either(&mut self, condition: &Expr, compare: impl Fn(&mut Self, bool) -> Pred) -> Pred {
        let when = [self.is(condition, true), compare(self, true)];
        let unless = [self.is(condition, false), compare(self, false)];
        Pred::any([Pred::all(when), Pred::all(unless)])
    }

    /// One side of a comparison; a text that names a value of an enum stands in the statement's text.
    fn side(&mut self, expr: &Expr, beside: &Type) -> Val {
        match (&expr.node, beside) {
            (Node::Literal(Value::Text(text)), Type::Enum(EnumId(_))) => Val::plain(word(text)),
            _ => self.value(expr),
        }
    }

    fn compare(&mut self, operator: Operator, left: Val, right: Val) -> Pred {
        if left.is_null() || right.is_null() {
            return Pred::Known(false);
        }
        let guards = [left.guards.clone(), right.guards.clone()].concat();
        let condition = match (left.form.clone(), right.form.clone()) {
            (Form::Scaled(scale), Form::Exact(slot)) => self.compare_exact(operator, left.sql, scale, &slot),
            (Form::Exact(slot), Form::Scaled(scale)) => self.compare_exact(mirrored(operator), right.sql, scale, &slot),
            (Form::Micros, _) | (_, Form::Micros) => order(operator, moment(left).sql, moment(right).sql),
            (Form::Scaled(_) | Form::Exact(_), _) => {
                let (left, right) = (self.loose(left), self.loose(right));
                Self::compare_scaled(operator, left, right)
            }
            _ => order(operator, left.sql, right.sql),
        };
        Pred::all(guards.into_iter().chain([Pred::Sql(condition)]))
    }

    /// SQLite: a scaled integer with an exact number of any scale. The number is rounded as the operator needs it, so
    /// that the column stays as it is for an index.
    fn compare_exact(&mut self, operator: Operator, scaled: Sql, scale: u8, slot: &Slot) -> Sql {
        if let Slot::Constant(Value::Decimal(number)) = slot
            && let Some(constant) = scaled_constant(*number, scale)
        {
            return order(operator, scaled, integer(constant));
        }
        let encoding = match operator {
            Operator::LessEqual | Operator::Greater => Encoding::Floor(scale),
            Operator::Less | Operator::GreaterEqual => Encoding::Ceiling(scale),
            _ => Encoding::Same(scale),
        };
        let bound = self.builder.slot(slot.clone(), encoding);
        order(operator, scaled, bound)
    }

    /// SQLite: two scaled integers. A product that overflows is a REAL beyond every integer, which still compares
    /// rightly with the other, an integer.
    fn compare_scaled(operator: Operator, left: Val, right: Val) -> Sql {
        let scale = |value: &Val| if let Form::Scaled(scale) = value.form { scale } else { 0 };
        let most = Ord::max(scale(&left), scale(&right));
        let [left, right] = [left, right].map(|value| match most - scale(&value) {
            0 => value.sql,
            digits => value.sql.mul(integer(power_of_ten(digits))),
        });
        order(operator, left, right)
    }

    /// Amounts are the same where their currencies are too, and have an order only then.
    fn compare_money(&mut self, operator: Operator, left: &Expr, right: &Expr) -> Pred {
        let (Some(left), Some(right)) = (self.money(left), self.money(right)) else { return Pred::Known(false) };
        let guards = [left.0.guards, right.0.guards].concat();
        let amounts = order(operator, left.0.sql, right.0.sql);
        let condition = match operator {
            Operator::NotEqual => amounts.or(left.1.ne(right.1)),
            _ => left.1.eq(right.1).and(amounts),
        };
        Pred::all(guards.into_iter().chain([Pred::Sql(condition)]))
    }

    /// The amount and the currency.
    fn money(&mut self, expr: &Expr) -> Option<(Val, Sql)> {
        let slot = match &expr.node {
            Node::Path(path) => {
                let amount = self.value(expr);
                let mut currency = path.clone();
                currency.part = Some(backstay_expr::MoneyPart::Currency);
                let currency = Expr { node: Node::Path(currency), ty: Type::Text, span: expr.span.clone() };
                return Some((amount, self.value(&currency).sql));
            }
            Node::Param(index) => Slot::Param(*index),
            Node::Literal(value @ Value::Money(_)) => Slot::Constant(value.clone()),
            _ => return None,
        };
        let amount = self.builder.slot(slot.clone(), Encoding::Amount);
        Some((Val::plain(amount), self.builder.slot(slot, Encoding::Currency)))
    }

    /// `element in list`: whether one of its elements is equal.
    pub(crate) fn membership(&mut self, element: &Expr, list: &Expr, wanted: bool) -> Pred {
        match &list.node {
            Node::List(elements) => {
                let same = elements.iter().map(|one| (Operator::Equal, one));
                let parts: Vec<Pred> =
                    same.map(|(operator, one)| self.comparison(operator, element, one, wanted)).collect();
                if wanted { Pred::any(parts) } else { Pred::all(parts) }
            }
            Node::Literal(Value::List(elements)) => {
                let Type::List(ty) = &list.ty else { return Pred::Known(false) };
                let literal = |value: &Value| Expr {
                    node: Node::Literal(value.clone()),
                    ty: (**ty).clone(),
                    span: list.span.clone(),
                };
                let elements: Vec<Expr> = elements.iter().map(literal).collect();
                let list = Expr { node: Node::List(elements), ty: list.ty.clone(), span: list.span.clone() };
                self.membership(element, &list, wanted)
            }
            _ => self.stored_membership(element, list, wanted),
        }
    }

    /// Membership in a list that is one value: a column or a parameter in the nested form.
    fn stored_membership(&mut self, element: &Expr, list: &Expr, wanted: bool) -> Pred {
        let kind = self.element_type(list);
        let (one, list) = (self.value(element), self.value(list));
        if list.is_null() {
            return Pred::Known(false);
        }
        let dialect = self.builder.dialect;
        let one = self.nested_form(one, kind);
        let test = match (dialect, wanted) {
            (Dialect::Postgres, true) => call("jsonb_contains", [list.sql.clone(), call("to_jsonb", [one])]),
            (Dialect::Postgres, false) => {
                let contains = call("jsonb_contains", [list.sql.clone(), call("to_jsonb", [one])]);
                let empty = call("jsonb_array_length", [list.sql.clone()]).eq(integer(0));
                empty.or(contains.not())
            }
            (Dialect::Sqlite, wanted) => {
                let alias = self.builder.alias();
                let mut elements = Query::select();
                let each = sea_query::Func::cust("json_each").arg(list.sql.clone());
                elements.expr(column(&alias, "value")).from_function(each, name(&alias));
                let there = list.sql.clone().is_not_null();
                let found =
                    if wanted { one.in_subquery(elements.clone()) } else { one.not_in_subquery(elements.clone()) };
                there.and(found)
            }
        };
        list.guarded(test)
    }

    /// How the elements of a list are stored.
    fn element_type(&self, list: &Expr) -> ColumnType {
        let field = match &list.node {
            Node::Path(path) => self.field_kind(path).and_then(list_element),
            Node::Caller(CallerPart::Roles) => Some(ColumnType::Text),
            _ => None,
        };
        let of_type = || if let Type::List(element) = &list.ty { column_type(element) } else { ColumnType::Text };
        field.unwrap_or_else(of_type)
    }

    fn field_kind(&self, path: &backstay_expr::Path) -> Option<&FieldKind> {
        let (last, steps) = path.steps.split_last()?;
        let model = self.builder.model;
        let holder = steps.iter().try_fold(path.collection, |at, step| model.field(at, *step).kind.target())?;
        Some(&model.field(holder, *last).kind)
    }

    /// A value as an element of a stored list is written.
    fn nested_form(&mut self, value: Val, kind: ColumnType) -> Sql {
        let value = match (value.form.clone(), kind) {
            (Form::Exact(slot), ColumnType::Decimal { scale }) => {
                let sql = self.builder.slot(slot, Encoding::Same(scale));
                Val { sql, guards: value.guards, form: Form::Scaled(scale) }
            }
            (Form::Micros, _) => moment(value),
            _ => value,
        };
        let sql = value.settled();
        match (self.builder.dialect, kind) {
            // hex(null) is an empty text.
            (Dialect::Sqlite, ColumnType::Id) => call("nullif", [call("hex", [sql]), word("")]),
            (Dialect::Postgres, ColumnType::Timestamp) => epoch_micros(sql),
            (Dialect::Postgres, ColumnType::Text) => cast(sql, "text"),
            _ => sql,
        }
    }
}

/// The operator that is true where this one is false.
fn contrary(operator: Operator) -> Operator {
    match operator {
        Operator::Equal => Operator::NotEqual,
        Operator::NotEqual => Operator::Equal,
        Operator::Less => Operator::GreaterEqual,
        Operator::LessEqual => Operator::Greater,
        Operator::Greater => Operator::LessEqual,
        Operator::GreaterEqual => Operator::Less,
        other => other,
    }
}

/// The operator for the operands the other way round.
fn mirrored(operator: Operator) -> Operator {
    match operator {
        Operator::Less => Operator::Greater,
        Operator::LessEqual => Operator::GreaterEqual,
        Operator::Greater => Operator::Less,
        Operator::GreaterEqual => Operator::LessEqual,
        other => other,
    }
}

pub(crate) fn order(operator: Operator, left: Sql, right: Sql) -> Sql {
    match operator {
        Operator::NotEqual => left.ne(right),
        Operator::Less => left.lt(right),
        Operator::LessEqual => left.lte(right),
        Operator::Greater => left.gt(right),
        Operator::GreaterEqual => left.gte(right),
        _ => left.eq(right),
    }
}
