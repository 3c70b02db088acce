use std::sync::Arc;

use backstay_expr::{Expr, Function, Node, Path, Type};
use backstay_model::{ColumnStorage, FieldKind};
use backstay_scalar::{Part, Storage, Value};
use sea_query::{CaseStatement, Expr as Sql};

use crate::arithmetic::{Computation, is_arithmetic};
use crate::builder::Anchor;
use crate::calendar::is_of_days;
use crate::lower::Lowering;
use crate::operand::{Form, Val, constant_decimal, digits_of};
use crate::predicate::Pred;
use crate::tree::{boolean, integer, only_where, word};
use crate::{ColumnRef, ColumnType, Dialect, Slot};

impl Lowering<'_, '_, '_> {
    pub(crate) fn value(&mut self, expr: &Expr) -> Val {
        match &expr.node {
            Node::Literal(value) => self.literal(value, &expr.ty),
            Node::Param(index, part) => self.slot(self.param(*index, part.unwrap_or(Part::Main)), &expr.ty),
            Node::Output(index, part) => self.output(*index, part.unwrap_or(Part::Main)),
            Node::Caller(part) => self.slot(Slot::Caller(part.clone()), &expr.ty),
            Node::Now => self.slot(Slot::Now, &expr.ty),
            Node::Path(path) => self.path(path),
            Node::Negate(_) if expr.ty == Type::Decimal => self.exact(expr),
            Node::Binary(operator, ..) if is_arithmetic(*operator) && expr.ty == Type::Decimal => self.exact(expr),
            Node::Binary(..) if is_of_days(expr) => self.of_days(expr),
            Node::Negate(_) => Computation::value(self, expr),
            Node::Binary(operator, ..) if is_arithmetic(*operator) => Computation::value(self, expr),
            Node::Conditional(..) if expr.ty == Type::Bool => Val::plain(self.truth(expr)),
            Node::Conditional(condition, then, otherwise) => self.conditional(condition, then, otherwise),
            Node::Call(function, arguments) => self.call(*function, arguments, expr),
            Node::Matches(of, pattern) => self.matches(of, pattern),
            Node::Aggregate(aggregate) => self.aggregate(aggregate, aggregate.part.unwrap_or(Part::Main)),
            Node::Computed(computed) => self.computed(computed),
            Node::Within(within) => self.within(within),
            Node::Ordinal(of, names) => self.ordinal(of, names),
            Node::List(_) => unreachable!("a list that is written out is lowered item by item, where it is used"),
            Node::Not(_)
            | Node::Binary(..)
            | Node::IsNull { .. }
            | Node::In(..)
            | Node::Quantifier { .. }
            | Node::Fact(_) => Val::plain(self.truth(expr)),
        }
    }

    fn literal(&mut self, value: &Value, ty: &Type) -> Val {
        match (value, self.builder.dialect) {
            (Value::Null, _) => Val::null(),
            (Value::Bool(truth), _) => Val::plain(boolean(*truth)),
            (Value::Int(number), _) => Val::plain(integer(*number)),
            (Value::Duration(length), _) => Val::plain(integer(length.micros())),
            (Value::Timestamp(moment), Dialect::Sqlite) => Val::plain(integer(moment.micros())),
            (Value::Text(text), _) if matches!(ty, Type::Enum(_)) => Val::plain(word(text)),
            (value, Dialect::Sqlite | Dialect::Postgres) => self.slot(Slot::Constant(value.clone()), ty),
        }
    }

    /// A value that is bound.
    fn slot(&mut self, slot: Slot, ty: &Type) -> Val {
        match (self.builder.dialect, ty) {
            (Dialect::Sqlite, Type::Decimal) => Val { sql: Sql::null(), guards: Vec::new(), form: Form::Exact(slot) },
            (Dialect::Sqlite | Dialect::Postgres, ty) => Val::plain(self.builder.slot(slot, column_type(ty))),
        }
    }

    /// A part of what a group comes to.
    ///
    /// # Panics
    /// Panics if the expression isn't about groups: only a condition on groups names what they come to.
    fn output(&self, index: u16, part: Part) -> Val {
        let output = self.scope.outputs.get(usize::from(index));
        let column = output.and_then(|columns| columns.iter().find(|column| column.part == part));
        column.expect("a condition on groups names their outputs").value()
    }

    /// The placeholder of a part of a parameter.
    pub(crate) fn param(&self, index: u16, part: Part) -> Slot {
        Slot::Param(self.scope.first_param + index, part)
    }

    fn path(&mut self, path: &Path) -> Val {
        let start = self.anchor(path.root);
        let Some((last, steps)) = path.steps.split_last() else { return Val::plain(self.builder.key(&start)) };
        let (record, mut conditions) = self.walk(&start, steps);
        if matches!(self.builder.model.field(record.collection, *last).kind, FieldKind::OneToOne { .. }) {
            let (key, seen) = self.reference(&record, *last);
            conditions.extend(seen);
            return match Pred::all(conditions) {
                Pred::Known(true) => Val::plain(key),
                Pred::Known(false) => Val::null(),
                Pred::Sql(seen) => Val::plain(only_where(seen, key)),
            };
        }
        conditions.push(self.sees_field(&record, *last));
        let column = ColumnRef { field: *last, part: path.column() };
        let form = self.form(&record, column);
        let sql = self.builder.stored(&record, column);
        match Pred::all(conditions) {
            Pred::Known(true) => Val { sql, guards: Vec::new(), form },
            Pred::Known(false) => Val::null(),
            // What is done with the value is done with null where the way to it is not seen.
            Pred::Sql(seen) => Val { sql: only_where(seen, sql), guards: Vec::new(), form },
        }
    }

    fn form(&self, record: &Anchor, column: ColumnRef) -> Form {
        match (self.builder.dialect, self.builder.column(record.collection, column).storage) {
            (Dialect::Sqlite, ColumnStorage::One(Storage::Decimal { scale })) => Form::Scaled(scale),
            (Dialect::Sqlite | Dialect::Postgres, _) => Form::Column,
        }
    }

    fn conditional(&mut self, condition: &Expr, then: &Expr, otherwise: &Expr) -> Val {
        if self.repeated {
            let condition = self.once(condition);
            let (then, otherwise, form) = self.branches(then, otherwise);
            return Val { sql: self.builder.dialect.choice(condition, (then, otherwise)), guards: Vec::new(), form };
        }
        if let Node::Literal(Value::Null) = otherwise.node {
            let when = self.is_true(condition);
            let (then, _, form) = self.branches(then, otherwise);
            return Val { sql: only_where(when.sql(), then), guards: Vec::new(), form };
        }
        let [when, unless] = self.both_ways(condition);
        let (then, otherwise, form) = self.branches(then, otherwise);
        let case = CaseStatement::new().case(when.sql(), then).case(unless.sql(), otherwise);
        Val { sql: case.into(), guards: Vec::new(), form }
    }

    /// Two values in one form, each null where it is unknown.
    fn branches(&mut self, then: &Expr, otherwise: &Expr) -> (Sql, Sql, Form) {
        let (one, other) = (self.value(then), self.value(otherwise));
        let (one, other, form) = self.alike(one, other);
        (one.settled(), other.settled(), form)
    }

    fn alike(&mut self, one: Val, other: Val) -> (Val, Val, Form) {
        if one.form == Form::Key || other.form == Form::Key {
            return (self.keyed(one), self.keyed(other), Form::Key);
        }
        let (one, other) = (self.loose(one), self.loose(other));
        match (one.form.clone(), other.form.clone()) {
            // 64 bits may not hold one at the scale of the other.
            (Form::Scaled(a), Form::Scaled(b)) if a != b => (self.keyed(one), self.keyed(other), Form::Key),
            (Form::Null, form) | (form, Form::Null) => (one, other, form),
            (Form::Micros, _) | (_, Form::Micros) => (one.moment(), other.moment(), Form::Column),
            (Form::Number, form) | (form, Form::Number) if form != Form::Number => (one, other, Form::Number),
            (form, _) => (one, other, form),
        }
    }

    /// A decimal that is still to be bound, bound.
    pub(crate) fn loose(&mut self, value: Val) -> Val {
        match value.form {
            Form::Exact(slot) => {
                let scale = constant_decimal(&slot).map_or(Type::DECIMAL_SCALE, |number| digits_of(&number));
                let sql = self.builder.slot(slot, Storage::Decimal { scale });
                Val { sql, guards: value.guards, form: Form::Scaled(scale) }
            }
            _ => value,
        }
    }

    fn call(&mut self, function: Function, arguments: &[Expr], expr: &Expr) -> Val {
        match (function, arguments) {
            (Function::Size, [of]) => self.size(of),
            (Function::LowerAscii, [of]) => self.of_text(of, Dialect::ascii_lower),
            (Function::UpperAscii, [of]) => self.of_text(of, Dialect::ascii_upper),
            (Function::Cased(casing), [of]) => self.cased(of, casing),
            (Function::Trim, [of]) => self.of_text(of, Dialect::trimmed),
            (Function::Replace | Function::Concat | Function::Split | Function::Join, operands) => {
                self.of_texts(function, operands)
            }
            (Function::Element, [list, Expr { node: Node::Literal(Value::Int(place)), .. }]) => {
                self.element(list, *place)
            }
            (Function::ToText, [of]) => self.written_text(of),
            (Function::Round | Function::Quotient, _) => self.exact(expr),
            (Function::DateIn | Function::StartOf(_) | Function::CalendarField(_), _) => {
                self.of_calendar(function, arguments)
            }
            (Function::Years, [from, to]) => self.years([from, to]),
            (Function::StartsWith | Function::EndsWith | Function::Contains, _) => Val::plain(self.truth(expr)),
            (Function::UnitDigits, [currency]) => self.of_text(currency, Dialect::unit_digits),
            (Function::Money, _) => unreachable!("of an amount of money, one part is lowered at a time"),
            (
                Function::Size
                | Function::LowerAscii
                | Function::UpperAscii
                | Function::Cased(_)
                | Function::Trim
                | Function::ToText
                | Function::UnitDigits
                | Function::Element
                | Function::Years,
                _,
            ) => unreachable!("{function:?} takes another number of operands"),
        }
    }

    fn size(&mut self, of: &Expr) -> Val {
        match (&of.node, &of.ty) {
            (Node::List(items), _) => {
                Val::plain(integer(i64::try_from(items.len()).expect("an expression has a limited length")))
            }
            (_, Type::List(_)) => self.of_text(of, Dialect::list_size),
            _ => self.of_text(of, Dialect::text_size),
        }
    }

    fn ordinal(&mut self, of: &Expr, names: &[Arc<str>]) -> Val {
        if let Node::Literal(Value::Text(name)) = &of.node
            && let Some(place) = names.iter().position(|known| known == name)
        {
            return Val::plain(integer(i64::try_from(place).expect("an enum has few values")));
        }
        let value = self.value(of);
        if value.is_null() {
            return value;
        }
        Val { sql: self.builder.dialect.ordinal(value.sql, names), guards: value.guards, form: Form::Column }
    }

    /// What a function makes of one value.
    pub(crate) fn of_text(&mut self, of: &Expr, function: impl FnOnce(Dialect, Sql) -> Sql) -> Val {
        let value = self.value(of);
        if value.is_null() {
            return value;
        }
        let sql = function(self.builder.dialect, value.sql);
        Val { sql, guards: value.guards, form: Form::Column }
    }
}

/// What the main column of a value of this type holds.
pub(crate) fn column_type(ty: &Type) -> ColumnType {
    match ty {
        Type::List(element) => ColumnType::List(element.storage()),
        one => ColumnType::One(one.storage()),
    }
}
