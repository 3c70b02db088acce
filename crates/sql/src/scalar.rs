use backstay_expr::{CallerPart, Expr, Function, MoneyPart, Node, Path, Type};
use backstay_model::{FieldId, FieldKind};
use backstay_scalar::Scalar;
use backstay_scalar::Value;
use rust_decimal::Decimal;
use sea_query::{CaseStatement, Expr as Sql, ExprTrait};

use crate::arithmetic::is_arithmetic;
use crate::build::{boolean, call, cast, collate_c, integer, word};
use crate::frame::{Anchor, Part};
use crate::param::Encoding;
use crate::predicate::{Lowering, Pred};
use crate::{ColumnType, Dialect, Slot};

/// Digits after the point with which SQLite computes a decimal parameter that is not compared at once.
const LOOSE_SCALE: u8 = 9;

/// The value of an expression. It is unknown where a guard does not hold, whatever `sql` computes then.
#[derive(Debug, Clone)]
pub(crate) struct Val {
    pub(crate) sql: Sql,
    pub(crate) guards: Vec<Pred>,
    pub(crate) form: Form,
}

/// How a value stands in SQL.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Form {
    /// As a column of its type does.
    Column,
    /// The literal null.
    Null,
    /// SQLite: a decimal number as an integer, scaled by ten to the power of this.
    Scaled(u8),
    /// SQLite: a decimal number that is bound at the scale of what it is compared with.
    Exact(Slot),
    /// PostgreSQL: an integer in a `numeric`, which cannot overflow.
    Number,
    /// PostgreSQL: a moment in microseconds, in a `numeric`.
    Micros,
}

impl Val {
    pub(crate) fn plain(sql: Sql) -> Self {
        Self { sql, guards: Vec::new(), form: Form::Column }
    }

    pub(crate) fn null() -> Self {
        Self { sql: Sql::null(), guards: Vec::new(), form: Form::Null }
    }

    pub(crate) fn is_null(&self) -> bool {
        self.form == Form::Null
    }

    /// A condition on the value, where it is known.
    pub(crate) fn guarded(self, condition: Sql) -> Pred {
        Pred::all(self.guards.into_iter().chain([Pred::Sql(condition)]))
    }

    /// The value, null where it is unknown.
    pub(crate) fn settled(self) -> Sql {
        match Pred::all(self.guards) {
            Pred::Known(true) => self.sql,
            Pred::Known(false) => Sql::null(),
            Pred::Sql(guard) => CaseStatement::new().case(guard, self.sql).into(),
        }
    }
}

impl Lowering<'_, '_, '_> {
    pub(crate) fn value(&mut self, expr: &Expr) -> Val {
        match &expr.node {
            Node::Literal(value) => self.literal(value, &expr.ty),
            Node::Param(index) => self.slot(Slot::Param(*index), &expr.ty),
            Node::Caller(part) => self.caller(part, &expr.ty),
            Node::Now => self.slot(Slot::Now, &expr.ty),
            Node::Path(path) => self.path(path),
            Node::Negate(_) => self.arithmetic_value(expr),
            Node::Binary(operator, ..) if is_arithmetic(*operator) => self.arithmetic_value(expr),
            Node::Conditional(condition, then, otherwise) => self.conditional(condition, then, otherwise),
            Node::Call(function @ (Function::Size | Function::LowerAscii | Function::UpperAscii), arguments) => {
                match arguments.as_slice() {
                    [of] => self.function(*function, of),
                    _ => Val::null(),
                }
            }
            Node::List(_) => Val::null(),
            Node::Not(_)
            | Node::Binary(..)
            | Node::IsNull { .. }
            | Node::In(..)
            | Node::Call(..)
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
            (value, _) => self.slot(Slot::Constant(value.clone()), ty),
        }
    }

    /// A value that is bound.
    fn slot(&mut self, slot: Slot, ty: &Type) -> Val {
        if *ty == Type::Decimal && self.builder.dialect == Dialect::Sqlite {
            return Val { sql: Sql::null(), guards: Vec::new(), form: Form::Exact(slot) };
        }
        Val::plain(self.builder.slot(slot, encoding(ty)))
    }

    fn caller(&mut self, part: &CallerPart, ty: &Type) -> Val {
        self.slot(Slot::Caller(part.clone()), ty)
    }

    /// Follows to-one relations; the conditions say where the caller sees them.
    pub(crate) fn walk(&mut self, start: &Anchor, steps: &[FieldId]) -> (Anchor, Vec<Pred>) {
        let mut at = start.clone();
        let mut conditions = Vec::new();
        for step in steps {
            conditions.push(self.sees_field(&at, *step));
            at = self.builder.follow(&at, *step);
            conditions.push(self.sees_record(&at));
        }
        (at, conditions)
    }

    fn path(&mut self, path: &Path) -> Val {
        let Some(start) = self.anchor(path.root) else { return Val::null() };
        let Some((last, steps)) = path.steps.split_last() else { return Val::plain(self.builder.key(&start)) };
        let part = if path.part == Some(MoneyPart::Currency) { Part::Currency } else { Part::Main };
        let (record, mut guards) = self.walk(&start, steps);
        guards.push(self.sees_field(&record, *last));
        let form = self.form(&record, *last, part);
        let sql = self.builder.stored(&record, *last, part);
        Val { sql, guards: kept(guards), form }
    }

    fn form(&self, record: &Anchor, field: FieldId, part: Part) -> Form {
        let kind = &self.builder.model.field(record.collection, field).kind;
        match (self.builder.dialect, part, ColumnType::of_field(kind)) {
            (Dialect::Sqlite, Part::Main, ColumnType::Decimal { scale }) => Form::Scaled(scale),
            _ => Form::Column,
        }
    }

    fn conditional(&mut self, condition: &Expr, then: &Expr, otherwise: &Expr) -> Val {
        let (when, unless) = (self.is_true(condition), self.is_false(condition));
        let (then, otherwise) = (self.value(then), self.value(otherwise));
        let (then, otherwise, form) = self.alike(then, otherwise);
        let case = CaseStatement::new().case(when.sql(), then.settled()).case(unless.sql(), otherwise.settled());
        Val { sql: case.into(), guards: Vec::new(), form }
    }

    /// Two values in one form.
    fn alike(&mut self, one: Val, other: Val) -> (Val, Val, Form) {
        let (one, other) = (self.loose(one), self.loose(other));
        match (one.form.clone(), other.form.clone()) {
            (Form::Scaled(a), Form::Scaled(b)) => {
                let scale = Ord::max(a, b);
                (rescaled(one, scale), rescaled(other, scale), Form::Scaled(scale))
            }
            (Form::Null, form) | (form, Form::Null) => (one, other, form),
            (Form::Micros, _) | (_, Form::Micros) => (moment(one), moment(other), Form::Column),
            (Form::Number, form) | (form, Form::Number) if form != Form::Number => (one, other, Form::Number),
            (form, _) => (one, other, form),
        }
    }

    /// A decimal that is still to be bound, bound.
    pub(crate) fn loose(&mut self, value: Val) -> Val {
        match value.form {
            Form::Exact(slot) => {
                let scale = match &slot {
                    Slot::Constant(Value::Decimal(number)) => u8::try_from(number.normalize().scale()).unwrap_or(0),
                    _ => LOOSE_SCALE,
                };
                let sql = self.builder.slot(slot, Encoding::Column(ColumnType::Decimal { scale }));
                Val { sql, guards: value.guards, form: Form::Scaled(scale) }
            }
            _ => value,
        }
    }

    fn function(&mut self, function: Function, of: &Expr) -> Val {
        let value = self.value(of);
        if value.is_null() {
            return value;
        }
        let list = matches!(of.ty, Type::List(_));
        let sql = value.sql.clone();
        let sql = match (function, self.builder.dialect) {
            (Function::Size, Dialect::Sqlite) if list => call("json_array_length", [sql]),
            (Function::Size, Dialect::Sqlite) => call("length", [sql]),
            (Function::Size, Dialect::Postgres) if list => call("jsonb_array_length", [sql]),
            (Function::Size, Dialect::Postgres) => call("char_length", [sql]),
            (Function::LowerAscii, Dialect::Sqlite) => call("lower", [sql]),
            (Function::LowerAscii, Dialect::Postgres) => call("lower", [collate_c(sql)]),
            (Function::UpperAscii, Dialect::Sqlite) => call("upper", [sql]),
            (Function::UpperAscii, Dialect::Postgres) => call("upper", [collate_c(sql)]),
            _ => return Val::null(),
        };
        Val { sql, ..value }
    }
}

/// The conditions that say something.
fn kept(conditions: Vec<Pred>) -> Vec<Pred> {
    conditions.into_iter().filter(|condition| !matches!(condition, Pred::Known(true))).collect()
}

/// The same number with more digits after the point; unknown where 64 bits do not hold them.
fn rescaled(value: Val, scale: u8) -> Val {
    match value.form {
        Form::Scaled(from) if from < scale => {
            let sql = value.sql.mul(integer(power_of_ten(scale - from)));
            let mut guards = value.guards;
            guards.push(Pred::Sql(call("typeof", [sql.clone()]).eq(word("integer"))));
            Val { sql, guards, form: Form::Scaled(scale) }
        }
        _ => value,
    }
}

pub(crate) fn power_of_ten(exponent: u8) -> i64 {
    10_i64.checked_pow(u32::from(exponent)).unwrap_or(i64::MAX)
}

/// PostgreSQL: a moment as `timestamptz`, whatever form it had; null outside what the type `DateTime` takes, so that
/// the conversion cannot fail.
pub(crate) fn moment(value: Val) -> Val {
    if value.form != Form::Micros {
        return value;
    }
    let micros = value.sql;
    let million = || integer(1_000_000);
    let interval = |unit: &str| cast(word(unit), "interval");
    let seconds = cast(call("div", [micros.clone(), million()]), "double precision").mul(interval("1 second"));
    let rest = cast(call("mod", [micros.clone(), million()]), "double precision").mul(interval("1 microsecond"));
    let moment = cast(word("1970-01-01 00:00:00+00"), "timestamptz").add(seconds).add(rest);
    let range = crate::arithmetic::in_time(micros);
    Val { sql: CaseStatement::new().case(range, moment).into(), guards: value.guards, form: Form::Column }
}

/// How a value of this type is bound.
pub(crate) fn encoding(ty: &Type) -> Encoding {
    match ty {
        Type::List(element) => Encoding::List(column_type(element)),
        Type::Money => Encoding::Amount,
        ty => Encoding::Column(column_type(ty)),
    }
}

/// What a column of this type would hold.
pub(crate) fn column_type(ty: &Type) -> ColumnType {
    match ty {
        Type::Bool => ColumnType::Bool,
        Type::Int | Type::Duration => ColumnType::Int,
        Type::Float => ColumnType::Float,
        Type::Decimal => ColumnType::Decimal { scale: LOOSE_SCALE },
        Type::Money => ColumnType::of_scalar(Scalar::Money),
        Type::Text | Type::Enum(_) | Type::Null => ColumnType::Text,
        Type::Formatted(scalar) => scalar.storage().into(),
        Type::Id | Type::Record(_) => ColumnType::Id,
        Type::Timestamp => ColumnType::Timestamp,
        Type::Date => ColumnType::Date,
        Type::Json => ColumnType::Json,
        Type::List(_) => ColumnType::List,
    }
}

/// The type of the elements of a list field.
pub(crate) fn list_element(kind: &FieldKind) -> Option<ColumnType> {
    match kind {
        FieldKind::List(element) => Some(ColumnType::of_element(*element)),
        _ => None,
    }
}

/// A constant with at most this many digits after the point, scaled; `None` where it has more or is too large.
pub(crate) fn scaled_constant(number: Decimal, scale: u8) -> Option<i64> {
    let number = number.normalize();
    let missing = u32::from(scale).checked_sub(number.scale())?;
    let scaled = number.mantissa().checked_mul(10_i128.checked_pow(missing)?)?;
    i64::try_from(scaled).ok()
}
