use backstay_expr::{Expr, Function, Node, Operator, Root};
use backstay_model::FieldId;
use backstay_scalar::Value;
use sea_query::{CaseStatement, Expr as Sql, ExprTrait};

use crate::build::{Builder, boolean, call, integer};
use crate::frame::Anchor;
use crate::scalar::Val;
use crate::{Dialect, Visibility};

/// A condition, of which only *true* counts: SQL may compute null where it does not hold.
#[derive(Debug, Clone)]
pub(crate) enum Pred {
    /// Known when planned.
    Known(bool),
    /// Known per row.
    Sql(Sql),
}

impl Pred {
    /// Holds where all hold.
    pub(crate) fn all(parts: impl IntoIterator<Item = Self>) -> Self {
        Self::chain(parts, true, sea_query::ExprTrait::and)
    }

    /// Holds where one holds.
    pub(crate) fn any(parts: impl IntoIterator<Item = Self>) -> Self {
        Self::chain(parts, false, sea_query::ExprTrait::or)
    }

    fn chain(parts: impl IntoIterator<Item = Self>, neutral: bool, combine: fn(Sql, Sql) -> Sql) -> Self {
        let mut chain: Option<Sql> = None;
        for part in parts {
            match part {
                Self::Known(truth) if truth == neutral => {}
                Self::Known(truth) => return Self::Known(truth),
                Self::Sql(part) => {
                    chain = Some(match chain {
                        Some(chain) => combine(chain, part),
                        None => part,
                    });
                }
            }
        }
        chain.map_or(Self::Known(neutral), Self::Sql)
    }

    /// The condition as SQL.
    pub(crate) fn sql(self) -> Sql {
        match self {
            Self::Known(truth) => boolean(truth),
            Self::Sql(sql) => sql,
        }
    }

    /// Holds where this does not, null included.
    pub(crate) fn otherwise(self) -> Self {
        match self {
            Self::Known(truth) => Self::Known(!truth),
            Self::Sql(sql) => Self::Sql(sql.is_not(boolean(true))),
        }
    }

    /// True or false, never null.
    pub(crate) fn definite(self) -> Sql {
        match self {
            Self::Known(truth) => boolean(truth),
            Self::Sql(sql) => sql.is(boolean(true)),
        }
    }
}

/// What the roots of paths are in one expression, and whose eyes see its fields.
#[derive(Debug, Clone)]
pub(crate) struct Scope<'e> {
    pub(crate) this: Anchor,
    pub(crate) new: Anchor,
    pub(crate) bound: Vec<(u16, Anchor)>,
    pub(crate) visibility: Option<&'e Visibility>,
}

impl Scope<'_> {
    /// A rule about one record.
    pub(crate) fn rule(this: &Anchor) -> Self {
        Self { this: this.clone(), new: this.clone(), bound: Vec::new(), visibility: None }
    }
}

/// Lowers expressions in one scope.
pub(crate) struct Lowering<'b, 'p, 'e> {
    pub(crate) builder: &'b mut Builder<'p>,
    pub(crate) scope: Scope<'e>,
}

impl<'p> Builder<'p> {
    /// Where a rule about this record is true.
    pub(crate) fn rule(&mut self, rule: &Expr, this: &Anchor) -> Pred {
        self.lowering(Scope::rule(this)).is_true(rule)
    }

    pub(crate) fn lowering<'b, 'e>(&'b mut self, scope: Scope<'e>) -> Lowering<'b, 'p, 'e> {
        Lowering { builder: self, scope }
    }
}

impl Lowering<'_, '_, '_> {
    /// Where the expression is true.
    pub(crate) fn is_true(&mut self, expr: &Expr) -> Pred {
        self.is(expr, true)
    }

    /// Where the expression is false.
    pub(crate) fn is_false(&mut self, expr: &Expr) -> Pred {
        self.is(expr, false)
    }

    /// True, false, or null for unknown, as a column.
    pub(crate) fn truth(&mut self, expr: &Expr) -> Sql {
        let (when, unless) = (self.is_true(expr), self.is_false(expr));
        match (when, unless) {
            (Pred::Known(true), _) => boolean(true),
            (_, Pred::Known(true)) => boolean(false),
            (when, unless) => {
                let mut case = CaseStatement::new().case(when.sql(), boolean(true));
                if !matches!(unless, Pred::Known(_)) {
                    case = case.case(unless.sql(), boolean(false));
                }
                case.into()
            }
        }
    }

    pub(crate) fn is(&mut self, expr: &Expr, wanted: bool) -> Pred {
        match &expr.node {
            Node::Literal(Value::Bool(truth)) => Pred::Known(*truth == wanted),
            // A fact that was not folded is unknown.
            Node::Literal(_) | Node::Fact(_) => Pred::Known(false),
            Node::Not(of) => self.is(of, !wanted),
            Node::Binary(operator @ (Operator::And | Operator::Or), left, right) => {
                let parts = [self.is(left, wanted), self.is(right, wanted)];
                if (*operator == Operator::And) == wanted { Pred::all(parts) } else { Pred::any(parts) }
            }
            Node::Binary(operator, left, right) => self.comparison(*operator, left, right, wanted),
            Node::IsNull { of, negated } => self.presence(of, *negated == wanted),
            Node::Conditional(condition, then, otherwise) => {
                let when = [self.is(condition, true), self.is(then, wanted)];
                let unless = [self.is(condition, false), self.is(otherwise, wanted)];
                Pred::any([Pred::all(when), Pred::all(unless)])
            }
            Node::In(element, list) => self.membership(element, list, wanted),
            Node::Quantifier { kind, over, variable, body } => self.quantifier(*kind, over, *variable, body, wanted),
            Node::Call(function, arguments) => self.text_test(*function, arguments, wanted),
            Node::Param(_) | Node::Path(_) | Node::Caller(_) | Node::Now | Node::Negate(_) | Node::List(_) => {
                let value = self.value(expr);
                let sql = match (self.builder.dialect, wanted) {
                    (Dialect::Sqlite, _) => value.sql.clone().eq(integer(i64::from(wanted))),
                    (Dialect::Postgres, true) => value.sql.clone(),
                    (Dialect::Postgres, false) => value.sql.clone().not(),
                };
                value.guarded(sql)
            }
        }
    }

    /// Whether there is a value.
    fn presence(&mut self, of: &Expr, present: bool) -> Pred {
        let value = self.value(of);
        let is = if value.is_null() {
            Pred::Known(false)
        } else {
            let sql = value.sql.clone().is_not_null();
            value.clone().guarded(sql)
        };
        match is {
            Pred::Sql(_) if !present && value.guards.is_empty() => Pred::Sql(value.sql.is_null()),
            is if present => is,
            is => is.otherwise(),
        }
    }

    fn text_test(&mut self, function: Function, arguments: &[Expr], wanted: bool) -> Pred {
        let [text, part] = arguments else { return Pred::Known(false) };
        let (text, part) = (self.value(text), self.value(part));
        if text.is_null() || part.is_null() {
            return Pred::Known(false);
        }
        let (t, p) = (text.sql.clone(), part.sql.clone());
        let test = match (function, self.builder.dialect) {
            (Function::StartsWith, Dialect::Sqlite) => {
                call("substr", [t, integer(1), call("length", [p.clone()])]).eq(p)
            }
            (Function::StartsWith, Dialect::Postgres) => call("starts_with", [t, p]),
            (Function::EndsWith, Dialect::Sqlite) => {
                let (size, tail) = (call("length", [t.clone()]), call("length", [p.clone()]));
                let start = size.clone().sub(tail.clone()).add(integer(1));
                size.gte(tail).and(call("substr", [t, start]).eq(p))
            }
            (Function::EndsWith, Dialect::Postgres) => call("right", [t, call("char_length", [p.clone()])]).eq(p),
            (Function::Contains, Dialect::Sqlite) => call("instr", [t, p]).gt(integer(0)),
            (Function::Contains, Dialect::Postgres) => call("strpos", [t, p]).gt(integer(0)),
            (Function::Size | Function::LowerAscii | Function::UpperAscii, _) => return Pred::Known(false),
        };
        let test = if wanted { test } else { test.not() };
        Val { guards: [text.guards, part.guards].concat(), ..text }.guarded(test)
    }

    pub(crate) fn anchor(&self, root: Root) -> Option<Anchor> {
        match root {
            Root::This => Some(self.scope.this.clone()),
            Root::New => Some(self.scope.new.clone()),
            Root::Bound(variable) => {
                let bound = self.scope.bound.iter().rev().find(|(name, _)| *name == variable);
                bound.map(|(_, anchor)| anchor.clone())
            }
        }
    }

    /// Where the caller sees this field of the record.
    pub(crate) fn sees_field(&mut self, record: &Anchor, field: FieldId) -> Pred {
        let rule = self.scope.visibility.and_then(|visibility| visibility.fields.get(&(record.collection, field)));
        rule.map_or(Pred::Known(true), |rule| self.builder.rule(rule, record))
    }

    /// Where the caller sees the record.
    pub(crate) fn sees_record(&mut self, record: &Anchor) -> Pred {
        let rule = self.scope.visibility.and_then(|visibility| visibility.rows.get(&record.collection));
        rule.map_or(Pred::Known(true), |rule| self.builder.rule(rule, record))
    }
}
