use backstay_base::{Date, Timestamp};
use backstay_expr::{Expr, Function, Node, Operator, Type};
use backstay_scalar::Value;
use sea_query::{Expr as Sql, ExprTrait};

use crate::Dialect;
use crate::lower::Lowering;
use crate::operand::{Form, Val};
use crate::tree::{call, cast, integer, only_where, word};

/// Microseconds of a day.
const DAY: i64 = 86_400_000_000;

/// Whether it is computed from days: `Date ± Duration`, or the time between two days.
pub(crate) fn is_of_days(expr: &Expr) -> bool {
    match &expr.node {
        Node::Binary(Operator::Add | Operator::Subtract, left, right) => {
            left.ty == Type::Date || right.ty == Type::Date
        }
        _ => false,
    }
}

impl Lowering<'_, '_, '_> {
    /// What is computed from days.
    pub(crate) fn of_days(&mut self, expr: &Expr) -> Val {
        let Node::Binary(operator, left, right) = &expr.node else { return Val::null() };
        let (one, other) = (self.value(left), self.value(right));
        if one.is_null() || other.is_null() {
            return Val::null();
        }
        let guards = [one.guards, other.guards].concat();
        let sql = match (self.builder.dialect, &left.ty, &right.ty) {
            (Dialect::Sqlite, Type::Date, Type::Date) => call("date_difference", [one.sql, other.sql]),
            (Dialect::Postgres, Type::Date, Type::Date) => cast(one.sql.sub(other.sql), "bigint").mul(integer(DAY)),
            (Dialect::Sqlite, Type::Date, _) if *operator == Operator::Subtract => {
                call("date_add", [one.sql, integer(0).sub(other.sql)])
            }
            (Dialect::Sqlite, Type::Date, _) => call("date_add", [one.sql, other.sql]),
            (Dialect::Sqlite, _, _) => call("date_add", [other.sql, one.sql]),
            (Dialect::Postgres, Type::Date, _) => self.later_day(one.sql, other.sql, *operator),
            (Dialect::Postgres, _, _) => self.later_day(other.sql, one.sql, *operator),
        };
        Val { sql, guards, form: Form::Column }
    }

    /// PostgreSQL: a day plus or minus a duration; null unless the duration is a number of whole days and the result is
    /// within the years 1 to 9999.
    fn later_day(&mut self, day: Sql, by: Sql, operator: Operator) -> Sql {
        self.named_always([day.sub(epoch()), cast(by, "numeric")], |_, [day, micros]| {
            let by = call("div", [micros.clone(), integer(DAY)]);
            let later = if operator == Operator::Subtract { day.sub(by) } else { day.add(by) };
            let whole = call("mod", [micros, integer(DAY)]).eq(integer(0));
            let [first, last] = [Date::FIRST, Date::LAST].map(|day| integer(day.days().into()));
            let within = later.clone().between(first, last);
            only_where(whole.and(within), epoch().add(cast(later, "integer")))
        })
    }

    /// `years(from, to)`.
    pub(crate) fn years(&mut self, days: [&Expr; 2]) -> Val {
        let [from, to] = days.map(|day| self.value(day));
        if from.is_null() || to.is_null() {
            return Val::null();
        }
        let name = match self.builder.dialect {
            Dialect::Sqlite => "years_between",
            Dialect::Postgres => "backstay_years",
        };
        Val { sql: call(name, [from.sql, to.sql]), guards: [from.guards, to.guards].concat(), form: Form::Column }
    }

    /// A function of the calendar.
    pub(crate) fn of_calendar(&mut self, function: Function, arguments: &[Expr]) -> Val {
        let (Some(of), zone) = (arguments.first(), arguments.get(1).map_or("UTC", zone)) else { return Val::null() };
        let value = self.value(of).moment();
        if value.is_null() {
            return value;
        }
        let sql = match (function, self.builder.dialect) {
            (Function::DateIn, Dialect::Sqlite) => call("date_in", [value.sql, word(zone)]),
            (Function::DateIn, Dialect::Postgres) => self.named(value.sql, of, |_, moment| {
                let local = || call("timezone", [word(zone), moment.clone()]);
                only_where(local().gte(cast(word("0001-01-01"), "timestamp")), cast(local(), "date"))
            }),
            (Function::StartOf(period), Dialect::Sqlite) => {
                call("start_of", [word(period.name()), value.sql, word(zone)])
            }
            (Function::StartOf(period), Dialect::Postgres) => {
                let start = call("date_trunc", [word(period.name()), value.sql, word(zone)]);
                let first = Timestamp::from_micros_saturating(i64::MIN).to_string();
                self.named_always([start], |_, [start]| {
                    only_where(start.clone().gte(cast(word(&first), "timestamptz")), start)
                })
            }
            (Function::CalendarField(field), Dialect::Sqlite) => {
                call("calendar_field", [word(field.name()), value.sql])
            }
            (Function::CalendarField(field), Dialect::Postgres) => {
                cast(call("date_part", [word(field.name()), value.sql]), "bigint")
            }
            (_, Dialect::Sqlite | Dialect::Postgres) => return Val::null(),
        };
        Val { sql, guards: value.guards, form: Form::Column }
    }
}

/// PostgreSQL: 1970-01-01.
fn epoch() -> Sql {
    cast(word("1970-01-01"), "date")
}

/// The zone, which is a literal that was checked.
fn zone(argument: &Expr) -> &str {
    match &argument.node {
        Node::Literal(Value::Text(zone)) => zone,
        _ => "UTC",
    }
}
