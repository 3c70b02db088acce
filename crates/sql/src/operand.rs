use backstay_scalar::Value;
use rust_decimal::Decimal;
use sea_query::{CaseStatement, Expr as Sql, ExprTrait};

use crate::Slot;
use crate::dialect;
use crate::predicate::Pred;
use crate::tree::{call, integer, word};

/// The value of an expression. It is unknown where a guard does not hold, whatever `sql` computes then.
#[derive(Debug, Clone)]
pub(crate) struct Val {
    pub(crate) sql: Sql,
    pub(crate) guards: Vec<Pred>,
    pub(crate) form: Form,
}

/// How a value is represented in SQL.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Form {
    /// As in a column of its type.
    Column,
    /// The literal null.
    Null,
    /// SQLite: a decimal number as an integer, scaled by ten to the power of this.
    Scaled(u8),
    /// SQLite: a decimal number that is bound at the scale of what it is compared with.
    Exact(Slot),
    /// SQLite: an exact number as `backstay_scalar::exact::to_key` writes it.
    Key,
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

    /// Where the value, a Boolean, is true.
    pub(crate) fn holds(self) -> Pred {
        if self.is_null() {
            return Pred::Known(false);
        }
        let sql = self.sql.clone();
        self.guarded(sql)
    }

    /// The value, null where it is unknown.
    pub(crate) fn settled(self) -> Sql {
        match Pred::all(self.guards) {
            Pred::Known(true) => self.sql,
            Pred::Known(false) => Sql::null(),
            Pred::Sql(guard) => CaseStatement::new().case(guard, self.sql).into(),
        }
    }

    /// The same number with more digits after the point; unknown where 64 bits do not hold them.
    pub(crate) fn rescaled(self, scale: u8) -> Self {
        match self.form {
            Form::Scaled(from) if from < scale => {
                let sql = scaled_up(self.sql, scale - from);
                let mut guards = self.guards;
                guards.push(Pred::Sql(call("typeof", [sql.clone()]).eq(word("integer"))));
                Self { sql, guards, form: Form::Scaled(scale) }
            }
            _ => self,
        }
    }

    /// PostgreSQL: a moment as `timestamptz`, whatever form it had.
    pub(crate) fn moment(self) -> Self {
        match self.form {
            Form::Micros => Self { sql: dialect::moment(self.sql), guards: self.guards, form: Form::Column },
            _ => self,
        }
    }
}

/// SQLite: a scaled integer with this many more digits after the point. Where 64 bits do not hold it, it is a REAL beyond
/// every integer, which still compares correctly with one.
pub(crate) fn scaled_up(number: Sql, digits: u8) -> Sql {
    match digits {
        0 => number,
        digits => number.mul(integer(power_of_ten(digits))),
    }
}

pub(crate) fn power_of_ten(exponent: u8) -> i64 {
    debug_assert!(exponent <= 18, "a decimal has at most 18 digits after the point");
    10_i64.saturating_pow(u32::from(exponent))
}

/// A constant as it is compared: where it is a decimal number, its digits.
pub(crate) fn constant_decimal(slot: &Slot) -> Option<Decimal> {
    match slot {
        Slot::Constant(Value::Decimal(number)) => Some(number.normalize()),
        _ => None,
    }
}

/// Digits after the point of a number, which are 28 at most.
pub(crate) fn digits_of(number: &Decimal) -> u8 {
    u8::try_from(number.scale()).expect("a decimal has at most 28 digits after the point")
}
