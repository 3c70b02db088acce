use backstay_expr::{Digits, Expr, Function, Node, Operator, Type};
use backstay_scalar::Value;
use backstay_scalar::exact::EXACT_DIGITS;
use backstay_scalar::formula::{self, Formula, Notation, Outcome, Term};
use sea_query::{Expr as Sql, ExprTrait};

use crate::Dialect;
use crate::arithmetic::{binary, is_arithmetic};
use crate::lower::Lowering;
use crate::operand::{Form, Val, constant_decimal};
use crate::param::Encoding;
use crate::predicate::Pred;
use crate::tree::{call, cast, integer, only_where, word};

/// What is computed from exact numbers.
enum Operation<'e> {
    Negate(&'e Expr),
    Binary(Operator, &'e Expr, &'e Expr),
    Round(&'e Expr, Places<'e>),
    Quotient(&'e Expr, &'e Expr, Places<'e>),
}

/// To how many digits after the point a number is rounded.
#[derive(Clone, Copy)]
enum Places<'e> {
    Fixed(u32),
    Computed(&'e Expr),
}

impl<'e> Operation<'e> {
    fn of(expr: &'e Expr) -> Option<Self> {
        if expr.ty != Type::Decimal {
            return None;
        }
        match &expr.node {
            Node::Negate(of) => Some(Self::Negate(of)),
            Node::Binary(operator, left, right) if is_arithmetic(*operator) => {
                Some(Self::Binary(*operator, left, right))
            }
            Node::Call(function, arguments) => match (function, arguments.as_slice()) {
                (Function::Round, [number, digits]) => Some(Self::Round(number, Places::of(digits))),
                (Function::Quotient, [left, right, digits]) => Some(Self::Quotient(left, right, Places::of(digits))),
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
}

impl<'e> Places<'e> {
    fn of(digits: &'e Expr) -> Self {
        match &digits.node {
            Node::Literal(Value::Int(fixed)) => u32::try_from(*fixed).map_or(Self::Computed(digits), Self::Fixed),
            _ => Self::Computed(digits),
        }
    }
}

/// SQLite: the operands of a formula, and where they are known.
#[derive(Default)]
struct Operands {
    values: Vec<Sql>,
    guards: Vec<Pred>,
}

impl Operands {
    /// The call that computes a number from them.
    fn compute(self, term: Term, outcome: Outcome) -> Val {
        let form = match outcome {
            Outcome::Key => Form::Key,
            Outcome::Fitted { scale, .. } | Outcome::Scaled(scale) => Form::Scaled(scale),
        };
        let formula = word(&Formula { term, outcome }.to_string());
        Val { sql: call("decimal", [formula].into_iter().chain(self.values)), guards: self.guards, form }
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
    /// no numbers that hold it: one call of the store's own function computes it as a key
    /// (`backstay_scalar::exact::to_key`), which compares as the number does.
    pub(crate) fn exact(&mut self, expr: &Expr) -> Val {
        let Some(operation) = Operation::of(expr) else { unreachable!("{:?} is not computed from numbers", expr.node) };
        match self.builder.dialect {
            Dialect::Sqlite => self.formula(expr, Outcome::Key),
            Dialect::Postgres => self.numeric(&operation),
        }
    }

    /// SQLite: a number as a field with these digits holds it, rounded half away from zero; null where it has more.
    pub(crate) fn fitted_number(&mut self, expr: &Expr, digits: Digits) -> Val {
        let Digits { precision, scale } = digits;
        self.formula(expr, Outcome::Fitted { precision, scale })
    }

    /// SQLite: a number, however it is computed, by one call.
    fn formula(&mut self, expr: &Expr, outcome: Outcome) -> Val {
        let mut operands = Operands::default();
        self.term(expr, &mut operands).map_or_else(Val::null, |term| operands.compute(term, outcome))
    }

    /// SQLite: a number as a part of a formula; `None` if it is the literal null, or computed from it.
    fn term(&mut self, expr: &Expr, operands: &mut Operands) -> Option<Term> {
        let Some(operation) = Operation::of(expr) else {
            let value = self.value(expr);
            return self.operand(value, operands);
        };
        let mut both = |left, right| Some(Box::new([self.term(left, operands)?, self.term(right, operands)?]));
        Some(match operation {
            Operation::Binary(Operator::Add, left, right) => {
                Term::Operation(formula::Operation::Add, both(left, right)?)
            }
            Operation::Binary(Operator::Subtract, left, right) => {
                Term::Operation(formula::Operation::Subtract, both(left, right)?)
            }
            Operation::Binary(_, left, right) => Term::Operation(formula::Operation::Multiply, both(left, right)?),
            Operation::Quotient(left, right, Places::Fixed(digits)) => {
                Term::Operation(formula::Operation::Divide(digits), both(left, right)?)
            }
            Operation::Quotient(left, right, Places::Computed(digits)) => {
                let [left, right] = *both(left, right)?;
                Term::Quotient(Box::new([left, right, self.term(digits, operands)?]))
            }
            Operation::Negate(of) => Term::Negation(Box::new(self.term(of, operands)?)),
            Operation::Round(of, Places::Fixed(digits)) => Term::Rounded(Box::new(self.term(of, operands)?), digits),
            Operation::Round(of, Places::Computed(digits)) => {
                Term::Operation(formula::Operation::Round, both(of, digits)?)
            }
        })
    }

    /// SQLite: a value as an operand of a formula, or as a number in it; `None` if it is the literal null.
    fn operand(&mut self, value: Val, operands: &mut Operands) -> Option<Term> {
        let (sql, notation) = match value.form {
            Form::Null => return None,
            Form::Exact(slot) => match constant_decimal(&slot) {
                Some(number) => return Some(Term::Constant(number)),
                None => (self.builder.slot(slot, Encoding::Key), Notation::Key),
            },
            Form::Key => (value.sql, Notation::Key),
            Form::Scaled(scale) => (value.sql, Notation::Scaled(scale)),
            Form::Column | Form::Number | Form::Micros => (value.sql, Notation::Scaled(0)),
        };
        operands.guards.extend(value.guards);
        operands.values.push(sql);
        Some(Term::Operand(operands.values.len() - 1, notation))
    }

    /// PostgreSQL: a computed number.
    fn numeric(&mut self, operation: &Operation<'_>) -> Val {
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
        let number = self.unlimited(operation, operands);
        Val { sql: self.limited(number), guards, form: Form::Column }
    }

    /// PostgreSQL: a number of digits, as an integer.
    fn places(&mut self, places: Places<'_>) -> Sql {
        match places {
            Places::Fixed(digits) => integer(digits.into()),
            Places::Computed(digits) => {
                let value = self.value(digits);
                cast(value.settled(), "integer")
            }
        }
    }

    /// An exact number in the form in which it is compared with others: on SQLite as a key.
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
    fn unlimited(&mut self, operation: &Operation<'_>, operands: Vec<Sql>) -> Sql {
        match (operation, <[Sql; 2]>::try_from(operands)) {
            (Operation::Binary(operator, ..), Ok([left, right])) => binary(*operator, left, right),
            (Operation::Quotient(.., Places::Fixed(digits)), Ok([left, right])) => {
                let unit = |power: i64| cast(word(&format!("1e{power}")), "numeric");
                let digits = i64::from(*digits);
                self.quotient([left, right], [unit(digits), unit(-digits)])
            }
            (Operation::Quotient(.., Places::Computed(digits)), Ok([left, right])) => {
                let digits = self.places(Places::Computed(digits));
                let ten = || cast(integer(10), "numeric");
                let unit = call("power", [ten(), digits.clone()]);
                self.quotient([left, right], [unit, call("power", [ten(), integer(0).sub(digits)])])
            }
            (Operation::Round(_, digits), Err(of)) => {
                let digits = self.places(*digits);
                call("round", of.into_iter().chain([digits]))
            }
            (_, Ok([of, _])) => of,
            (_, Err(of)) => of.into_iter().fold(integer(0), ExprTrait::sub),
        }
    }

    /// PostgreSQL: the quotient, rounded half away from zero to a power of ten, which is given with its inverse. Its own
    /// division rounds to a number of digits that it chooses; `div` is exact.
    fn quotient(&mut self, operands: [Sql; 2], [inverse, unit]: [Sql; 2]) -> Sql {
        self.named_always(operands, |_, [dividend, divisor]| {
            let size = |of: &Sql| call("abs", [of.clone()]);
            let over = size(&dividend).mul(inverse).mul(integer(2)).add(size(&divisor));
            let by = call("nullif", [size(&divisor).mul(integer(2)), integer(0)]);
            let sign = call("sign", [dividend]).mul(call("sign", [divisor]));
            sign.mul(call("div", [over, by])).mul(unit)
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
    only_operand(scaled, Notation::Scaled(scale), Outcome::Key)
}

/// SQLite: a key as the integer that a column of this scale holds; null where it holds none.
pub(crate) fn scaled(key: Sql, scale: u8) -> Sql {
    only_operand(key, Notation::Key, Outcome::Scaled(scale))
}

fn only_operand(operand: Sql, notation: Notation, outcome: Outcome) -> Sql {
    let operands = Operands { values: vec![operand], guards: Vec::new() };
    operands.compute(Term::Operand(0, notation), outcome).sql
}
