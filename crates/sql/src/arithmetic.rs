use std::sync::Arc;

use backstay_expr::{Expr, Node, Operator, Type};
use backstay_scalar::{Storage, Value};
use sea_query::{Alias, CaseStatement, Expr as Sql, ExprTrait, Query};

use crate::calendar::is_of_days;
use crate::dialect::{epoch, in_time};
use crate::lower::{Lowering, is_short};
use crate::operand::{Form, Val};
use crate::predicate::Pred;
use crate::tree::{call, cast, column, integer, name, subquery, word};
use crate::{Dialect, Slot};

/// Lowers what is computed from values. What decides whether a result fits repeats it: an operand that is long is
/// therefore named in a subquery.
pub(crate) struct Computation<'l, 'b, 'm, 'e> {
    lowering: &'l mut Lowering<'b, 'm, 'e>,
    /// The subquery of the named operands.
    alias: Arc<str>,
    operands: Vec<Sql>,
}

impl<'l, 'b, 'm, 'e> Computation<'l, 'b, 'm, 'e> {
    /// A computed value; unknown where it or a part of it does not fit its type, or a divisor is zero.
    pub(crate) fn value(lowering: &'l mut Lowering<'b, 'm, 'e>, expr: &Expr) -> Val {
        let mut computation = Self { lowering, alias: Arc::from(""), operands: Vec::new() };
        let value = computation.whole(expr);
        computation.finish(value)
    }

    fn finish(self, value: Val) -> Val {
        if self.operands.is_empty() || value.is_null() {
            return value;
        }
        let Self { lowering, alias, operands } = self;
        let mut named = Query::select();
        for (index, operand) in operands.into_iter().enumerate() {
            named.expr_as(operand, name(&format!("v{index}")));
        }
        lowering.builder.keep_apart(&mut named);
        let form = value.form.clone();
        let mut select = Query::select();
        select.expr(value.settled()).from_subquery(named, name(&alias));
        Val { sql: subquery(select), guards: Vec::new(), form }
    }

    /// A value, which is an integer where its type is one.
    fn whole(&mut self, expr: &Expr) -> Val {
        let value = self.computed(expr);
        match (self.lowering.builder.dialect, &expr.ty) {
            (Dialect::Sqlite, Type::Int | Type::Duration) if is_computed(expr) => whole(value),
            (Dialect::Sqlite | Dialect::Postgres, _) => value,
        }
    }

    /// As `whole`, but an integer of SQLite may still have overflowed: it is a REAL then, and so is all that is computed
    /// from it by `+`, `-` and `*`.
    fn computed(&mut self, expr: &Expr) -> Val {
        match &expr.node {
            Node::Negate(of) => {
                let zero = Expr { node: Node::Literal(zero(&of.ty)), ty: of.ty.clone(), span: of.span.clone() };
                self.operation(Operator::Subtract, &zero, of, &expr.ty)
            }
            Node::Binary(operator, left, right) if is_arithmetic(*operator) && !is_of_days(expr) => {
                self.operation(*operator, left, right, &expr.ty)
            }
            _ => self.given(expr),
        }
    }

    /// A value that is not computed.
    fn given(&mut self, expr: &Expr) -> Val {
        let value = self.lowering.value(expr);
        if is_short(expr) || value.is_null() {
            return value;
        }
        if self.operands.is_empty() {
            self.alias = self.lowering.builder.alias();
        }
        let named = column(&self.alias, &format!("v{}", self.operands.len()));
        let form = value.form.clone();
        self.operands.push(value.settled());
        Val { sql: named, guards: Vec::new(), form }
    }

    fn operation(&mut self, operator: Operator, left: &Expr, right: &Expr, ty: &Type) -> Val {
        // What overflowed would come back into the range of moments by a multiplication by 0 or a difference.
        let exact = matches!(operator, Operator::Divide | Operator::Remainder) || *ty == Type::Timestamp;
        let [left, right] = [left, right].map(|operand| {
            let value = if exact { self.whole(operand) } else { self.computed(operand) };
            self.operand(value, operand)
        });
        if left.is_null() || right.is_null() {
            return Val::null();
        }
        let guards = [left.guards, right.guards].concat();
        let (left, right) = (left.sql, right.sql);
        match (self.lowering.builder.dialect, ty) {
            (Dialect::Postgres, Type::Float) => {
                Val { sql: self.float(operator, left, right), guards, form: Form::Column }
            }
            (Dialect::Sqlite, Type::Float) => {
                let sql = binary(operator, left, right);
                let largest = self.lowering.builder.slot(Slot::Constant(Value::Float(f64::MAX)), Storage::Float);
                let finite = call("abs", [sql.clone()]).lte(largest);
                guard(Val { sql, guards, form: Form::Column }, finite)
            }
            (Dialect::Sqlite, Type::Timestamp) => {
                let sql = binary(operator, left, right);
                guard(Val { sql: sql.clone(), guards, form: Form::Column }, in_time(sql))
            }
            (Dialect::Sqlite, _) => Val { sql: binary(operator, left, right), guards, form: Form::Column },
            (Dialect::Postgres, ty) => {
                let sql = numeric(operator, left, right);
                let (form, range) = match ty {
                    Type::Timestamp => (Form::Micros, in_time(sql.clone())),
                    _ => (Form::Number, in_64_bits(sql.clone())),
                };
                guard(Val { sql, guards, form }, range)
            }
        }
    }

    /// An operand in the form in which it is computed with.
    fn operand(&mut self, value: Val, expr: &Expr) -> Val {
        if value.is_null() {
            return value;
        }
        match (self.lowering.builder.dialect, &expr.ty, &value.form) {
            (Dialect::Postgres, Type::Int | Type::Duration, Form::Column) => {
                Val { sql: cast(value.sql, "numeric"), form: Form::Number, ..value }
            }
            (Dialect::Postgres, Type::Timestamp, Form::Column) => {
                Val { sql: epoch(value.sql), form: Form::Micros, ..value }
            }
            (Dialect::Sqlite | Dialect::Postgres, _, _) => value,
        }
    }

    /// PostgreSQL raises an error where a float overflows or underflows, so the operands are looked at first. They are
    /// named in a subquery that is not flattened (`OFFSET 0`), so that nested computations don't multiply their text.
    fn float(&mut self, operator: Operator, left: Sql, right: Sql) -> Sql {
        let alias = self.lowering.builder.alias();
        let mut operands = Query::select();
        operands.expr_as(left, Alias::new("a")).expr_as(right, Alias::new("b"));
        self.lowering.builder.keep_apart(&mut operands);
        let (a, b) = (column(&alias, "a"), column(&alias, "b"));
        let largest = || cast(word("1.7976931348623157e308"), "double precision");
        let smallest = || cast(word("5e-324"), "double precision");
        let size = |of: &Sql| call("abs", [of.clone()]);
        let zero = || cast(integer(0), "double precision");
        let sum = |b: &Sql, positive: bool| {
            let limit = if positive { largest().sub(b.clone()) } else { zero().sub(largest()).sub(b.clone()) };
            if positive { a.clone().lte(limit) } else { a.clone().gte(limit) }
        };
        let one = || cast(integer(1), "double precision");
        let case = match operator {
            Operator::Add => CaseStatement::new()
                .case(b.clone().gte(zero()).and(sum(&b, true)), a.clone().add(b.clone()))
                .case(b.clone().lt(zero()).and(sum(&b, false)), a.clone().add(b.clone())),
            Operator::Subtract => {
                let minus = zero().sub(b.clone());
                CaseStatement::new()
                    .case(b.clone().lte(zero()).and(sum(&minus, true)), a.clone().sub(b.clone()))
                    .case(b.clone().gt(zero()).and(sum(&minus, false)), a.clone().sub(b.clone()))
            }
            Operator::Multiply => CaseStatement::new()
                .case(a.clone().is_null().or(b.clone().is_null()), Sql::null())
                .case(a.clone().eq(zero()).or(b.clone().eq(zero())), zero())
                .case(size(&b).gte(one()).and(size(&a).gt(largest().div(size(&b)))), Sql::null())
                .case(size(&b).lt(one()).and(size(&a).lt(smallest().div(size(&b)))), zero())
                .finally(a.clone().mul(b.clone())),
            _ => CaseStatement::new()
                .case(a.clone().is_null().or(b.clone().is_null()).or(b.clone().eq(zero())), Sql::null())
                .case(a.clone().eq(zero()), zero())
                .case(size(&b).lt(one()).and(size(&a).gt(largest().mul(size(&b)))), Sql::null())
                .case(size(&b).gt(one()).and(size(&a).lt(smallest().mul(size(&b)))), zero())
                .finally(a.clone().div(b.clone())),
        };
        let mut outer = Query::select();
        outer.expr(case).from_subquery(operands, name(&alias));
        subquery(outer)
    }
}

/// Whether the operator computes a value from values.
pub(crate) fn is_arithmetic(operator: Operator) -> bool {
    matches!(operator, Operator::Add | Operator::Subtract | Operator::Multiply | Operator::Divide | Operator::Remainder)
}

fn is_computed(expr: &Expr) -> bool {
    match &expr.node {
        Node::Negate(_) => true,
        Node::Binary(operator, ..) => is_arithmetic(*operator),
        _ => false,
    }
}

fn zero(ty: &Type) -> Value {
    match ty {
        Type::Float => Value::Float(0.0),
        _ => Value::Int(0),
    }
}

fn guard(mut value: Val, condition: Sql) -> Val {
    value.guards.push(Pred::Sql(condition));
    value
}

/// SQLite: an integer that did not overflow.
fn whole(value: Val) -> Val {
    if value.is_null() {
        return value;
    }
    let kind = call("typeof", [value.sql.clone()]);
    guard(value, kind.eq(word("integer")))
}

pub(crate) fn binary(operator: Operator, left: Sql, right: Sql) -> Sql {
    match operator {
        Operator::Add => left.add(right),
        Operator::Subtract => left.sub(right),
        Operator::Multiply => left.mul(right),
        Operator::Divide => left.div(right),
        _ => left.modulo(right),
    }
}

/// PostgreSQL: exact arithmetic, truncating division, null for division by zero.
fn numeric(operator: Operator, left: Sql, right: Sql) -> Sql {
    match operator {
        Operator::Divide => call("div", [left, call("nullif", [right, integer(0)])]),
        Operator::Remainder => call("mod", [left, call("nullif", [right, integer(0)])]),
        operator => binary(operator, left, right),
    }
}

fn in_64_bits(number: Sql) -> Sql {
    number.between(integer(i64::MIN), integer(i64::MAX))
}
