use backstay_expr::{Digits, Expr, Function, Node, Operator};
use backstay_scalar::Value;
use backstay_scalar::exact::EXACT_DIGITS;
use sea_query::{Expr as Sql, ExprTrait};

use crate::Dialect;
use crate::arithmetic::{binary, is_arithmetic};
use crate::lower::Lowering;
use crate::operand::{Form, Val};
use crate::param::Encoding;
use crate::tree::{call, cast, integer, only_where, word};

/// What is computed from exact numbers.
enum Operation<'e> {
    Negate(&'e Expr),
    Binary(Operator, &'e Expr, &'e Expr),
    Round(&'e Expr, i64),
    Quotient(&'e Expr, &'e Expr, i64),
}

impl<'e> Operation<'e> {
    fn of(expr: &'e Expr) -> Option<Self> {
        match &expr.node {
            Node::Negate(of) => Some(Self::Negate(of)),
            Node::Binary(operator, left, right) if is_arithmetic(*operator) => {
                Some(Self::Binary(*operator, left, right))
            }
            Node::Call(function, arguments) => match (function, arguments.as_slice()) {
                (Function::Round, [number, digits]) => Some(Self::Round(number, literal(digits)?)),
                (Function::Quotient, [left, right, digits]) => Some(Self::Quotient(left, right, literal(digits)?)),
                _ => None,
            },
            _ => None,
        }
    }

    fn operands(&self) -> Vec<&'e Expr> {
        match self {
            Self::Negate(of) | Self::Round(of, _) => vec![of],
            Self::Binary(_, left, right) | Self::Quotient(left, right, _) => vec![left, right],
        }
    }

    /// On SQLite, from keys.
    fn of_keys(&self, mut keys: Vec<Sql>) -> Sql {
        let function = match self {
            Self::Negate(_) => "decimal_negate",
            Self::Binary(Operator::Add, ..) => "decimal_add",
            Self::Binary(Operator::Subtract, ..) => "decimal_subtract",
            Self::Binary(..) => "decimal_multiply",
            Self::Round(_, digits) => {
                keys.push(integer(*digits));
                "decimal_round"
            }
            Self::Quotient(.., digits) => {
                keys.push(integer(*digits));
                "decimal_divide"
            }
        };
        call(function, keys)
    }
}

/// The number of digits in a call of `round`.
fn literal(digits: &Expr) -> Option<i64> {
    match &digits.node {
        Node::Literal(Value::Int(digits)) => Some(*digits),
        _ => None,
    }
}

impl Lowering<'_, '_, '_> {
    /// The sum of computed numbers in the form of [`Self::exact`], zero of none; null where it has too many digits.
    pub(crate) fn sum_of_computed(&mut self, of: Sql) -> Sql {
        match self.builder.dialect {
            Dialect::Sqlite => call("decimal_sum", [of]),
            Dialect::Postgres => self.limited(call("coalesce", [call("sum", [of]), integer(0)])),
        }
    }

    /// A computed `Decimal`; null where the result has more digits than one may have, or the divisor is zero. SQLite has
    /// no numbers that hold it: what is computed there is a key (`backstay_scalar::exact::to_key`), which the store's own
    /// functions compute with, and which compares as the number does.
    pub(crate) fn exact(&mut self, expr: &Expr) -> Val {
        let Some(operation) = Operation::of(expr) else { return self.value(expr) };
        let mut guards = Vec::new();
        let mut operands = Vec::new();
        for operand in operation.operands() {
            let value = self.value(operand);
            let value = self.keyed(value);
            if value.is_null() {
                return Val::null();
            }
            guards.extend(value.guards);
            operands.push(value.sql);
        }
        match self.builder.dialect {
            Dialect::Sqlite => Val { sql: operation.of_keys(operands), guards, form: Form::Key },
            Dialect::Postgres => {
                let number = self.numeric(&operation, operands);
                Val { sql: self.limited(number), guards, form: Form::Column }
            }
        }
    }

    /// An exact number in the form in which it is computed with.
    pub(crate) fn keyed(&mut self, value: Val) -> Val {
        match (self.builder.dialect, value.form.clone()) {
            (_, Form::Null | Form::Key) | (Dialect::Postgres, Form::Number) => value,
            (Dialect::Sqlite, Form::Exact(slot)) => {
                Val { sql: self.builder.slot(slot, Encoding::Key), form: Form::Key, ..value }
            }
            (Dialect::Sqlite, Form::Scaled(scale)) => key(value, scale),
            (Dialect::Sqlite, Form::Column | Form::Number | Form::Micros) => key(value, 0),
            (Dialect::Postgres, Form::Column | Form::Scaled(_) | Form::Exact(_) | Form::Micros) => {
                Val { sql: cast(value.sql, "numeric"), ..value }
            }
        }
    }

    /// PostgreSQL: the result, which may have any number of digits.
    fn numeric(&mut self, operation: &Operation<'_>, operands: Vec<Sql>) -> Sql {
        match (operation, <[Sql; 2]>::try_from(operands)) {
            (Operation::Binary(operator, ..), Ok([left, right])) => binary(*operator, left, right),
            (Operation::Quotient(.., digits), Ok([left, right])) => self.quotient(left, right, *digits),
            (Operation::Round(_, digits), Err(of)) => call("round", of.into_iter().chain([integer(*digits)])),
            (_, Ok([of, _])) => of,
            (_, Err(of)) => of.into_iter().fold(integer(0), ExprTrait::sub),
        }
    }

    /// PostgreSQL: the quotient, rounded half away from zero. Its own division rounds to a number of digits that it
    /// chooses; `div` is exact.
    fn quotient(&mut self, dividend: Sql, divisor: Sql, digits: i64) -> Sql {
        self.named_always([dividend, divisor], |_, [dividend, divisor]| {
            let size = |of: &Sql| call("abs", [of.clone()]);
            let unit = |power: i64| cast(word(&format!("1e{power}")), "numeric");
            let over = size(&dividend).mul(unit(digits)).mul(integer(2)).add(size(&divisor));
            let by = call("nullif", [size(&divisor).mul(integer(2)), integer(0)]);
            let sign = call("sign", [dividend]).mul(call("sign", [divisor]));
            sign.mul(call("div", [over, by])).mul(unit(-digits))
        })
    }

    /// PostgreSQL: a number, null where it has more digits than a result may have.
    fn limited(&mut self, number: Sql) -> Sql {
        self.named_always([number], |_, [number]| {
            let most = i64::from(EXACT_DIGITS);
            let fraction = call("min_scale", [number.clone()]);
            let whole = call("power", [cast(integer(10), "numeric"), integer(most).sub(fraction.clone())]);
            let fits = fraction.lte(integer(most)).and(call("abs", [number.clone()]).lt(whole));
            only_where(fits, number)
        })
    }
}

fn key(value: Val, scale: u8) -> Val {
    Val { sql: key_of(value.sql, scale), form: Form::Key, ..value }
}

/// SQLite: a scaled integer as a key; null where it is a REAL, because 64 bits did not hold it.
pub(crate) fn key_of(scaled: Sql, scale: u8) -> Sql {
    call("decimal", [scaled, integer(i64::from(scale))])
}

/// SQLite: a key as the integer that a column with these digits holds, rounded to its scale; null where it has more.
pub(crate) fn fitted(key: Sql, digits: Digits) -> Sql {
    call("decimal_fitted", [key, integer(digits.precision.into()), integer(digits.scale.into())])
}

/// SQLite: a key as the integer that a column of this scale holds; null where it holds none.
pub(crate) fn scaled(key: Sql, scale: u8) -> Sql {
    call("decimal_scaled", [key, integer(i64::from(scale))])
}
