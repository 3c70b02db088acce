use backstay_expr::{Expr, Function, Node, Operator};
use backstay_scalar::Value;
use sea_query::{CaseStatement, Expr as Sql, ExprTrait};

use crate::lower::Lowering;
use crate::operand::{Form, Val};
use crate::predicate::Pred;
use crate::presence::Presence;
use crate::quantifier::Quantified;
use crate::tree::boolean;

impl Lowering<'_, '_, '_> {
    /// Where the expression is true.
    pub(crate) fn is_true(&mut self, expr: &Expr) -> Pred {
        self.is(expr, true)
    }

    /// Where the expression is false.
    pub(crate) fn is_false(&mut self, expr: &Expr) -> Pred {
        self.is(expr, false)
    }

    /// True, false, or null for unknown, as a value.
    pub(crate) fn truth(&mut self, expr: &Expr) -> Sql {
        if self.repeated {
            return self.once(expr);
        }
        let (when, unless) = self.repeating(|this| (this.is_true(expr), this.is_false(expr)));
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
        match self.tells(expr, wanted) {
            Pred::Known(true) => self.is_known_to_be(expr, wanted),
            Pred::Known(false) => Pred::Known(false),
            told @ Pred::Sql(_) => Pred::all([told, self.is_known_to_be(expr, wanted)]),
        }
    }

    fn is_known_to_be(&mut self, expr: &Expr, wanted: bool) -> Pred {
        match &expr.node {
            Node::Literal(Value::Bool(truth)) => Pred::Known(*truth == wanted),
            // A fact that was not folded is unknown.
            Node::Literal(_) | Node::Fact(_) => Pred::Known(false),
            Node::Not(of) => self.is(of, !wanted),
            Node::Binary(operator @ (Operator::And | Operator::Or), left, right) => {
                let (one, other) = (self.is(left, wanted), self.is(right, wanted));
                // SQLite evaluates both operands of an AND or OR that is a value.
                let in_order = right.reads_texts() && left.cost() < right.cost();
                match ((*operator == Operator::And) == wanted, in_order) {
                    (true, false) => Pred::all([one, other]),
                    (true, true) => other.behind(one),
                    (false, false) => Pred::any([one, other]),
                    (false, true) => other.unless(one),
                }
            }
            Node::Binary(operator, left, right) => self.comparison((*operator, wanted), left, right),
            Node::IsNull { of, negated } => self.presence(of, *negated == wanted),
            Node::Conditional(..) if self.repeated => {
                let truth = self.once(expr);
                Pred::Sql(self.builder.dialect.is_truth(truth, wanted))
            }
            Node::Conditional(condition, then, otherwise) => {
                let [when, unless] = self.both_ways(condition);
                let parts = [Pred::all([when, self.is(then, wanted)]), Pred::all([unless, self.is(otherwise, wanted)])];
                Pred::any(parts)
            }
            Node::In(element, list) => self.membership(element, list, wanted),
            Node::Quantifier { .. } => {
                Quantified::of(expr).map_or(Pred::Known(false), |quantified| quantified.lowered(self, wanted))
            }
            Node::Call(function, arguments) if *function != Function::Element => {
                self.text_test(*function, arguments, wanted).holds()
            }
            Node::Matches(of, pattern) => {
                let test = self.matches(of, pattern);
                let sql = self.builder.dialect.is_truth(test.sql.clone(), wanted);
                if test.is_null() { Pred::Known(false) } else { test.guarded(sql) }
            }
            Node::Call(..)
            | Node::Param(..)
            | Node::Output(..)
            | Node::Path(_)
            | Node::Caller(_)
            | Node::Now
            | Node::Negate(_)
            | Node::List(_)
            | Node::Aggregate(_)
            | Node::Within(_)
            | Node::Ordinal(..)
            | Node::Computed(_) => {
                // Of a record that is gone, the parts of the expression tell more than the value that it has.
                if let Node::Computed(of) = &expr.node
                    && (!self.repeated || self.scope.presence == Presence::Gone)
                    && let Some(truth) = self.computed_truth(of, wanted)
                {
                    return truth;
                }
                let value = self.value(expr);
                let sql = self.builder.dialect.is_truth(value.sql.clone(), wanted);
                value.guarded(sql)
            }
        }
    }

    /// Where a condition is true, and where it is false.
    pub(crate) fn both_ways(&mut self, condition: &Expr) -> [Pred; 2] {
        self.repeating(|this| [this.is_true(condition), this.is_false(condition)])
    }

    /// The same truth as `truth`, with every part of the expression lowered once.
    pub(crate) fn once(&mut self, expr: &Expr) -> Sql {
        self.told(expr, |this| this.known_once(expr))
    }

    fn known_once(&mut self, expr: &Expr) -> Sql {
        match &expr.node {
            Node::Computed(of) if self.scope.presence == Presence::Gone && self.is_shown_truth(of) => {
                self.with_rights_of(of, |this| this.once(&of.value))
            }
            Node::Literal(Value::Bool(truth)) => boolean(*truth),
            Node::Literal(_) | Node::Fact(_) => self.builder.dialect.unknown(),
            Node::Not(of) => self.once(of).not(),
            Node::Binary(Operator::And, left, right) => self.once(left).and(self.once(right)),
            Node::Binary(Operator::Or, left, right) => self.once(left).or(self.once(right)),
            Node::Binary(operator, left, right) => self.comparison_once(*operator, left, right),
            Node::IsNull { of, negated } => self.presence(of, *negated).definite(),
            Node::Conditional(condition, then, otherwise) => {
                let condition = self.once(condition);
                let branches = (self.once(then), self.once(otherwise));
                self.builder.dialect.choice(condition, branches)
            }
            Node::In(element, list) => self.membership_once(element, list),
            Node::Quantifier { .. } => match Quantified::of(expr) {
                Some(quantified) => quantified.lowered_once(self),
                None => self.builder.dialect.unknown(),
            },
            Node::Call(function, arguments) if *function != Function::Element => {
                let test = self.text_test(*function, arguments, true);
                self.settled_truth(test)
            }
            Node::Matches(of, pattern) => {
                let test = self.matches(of, pattern);
                self.settled_truth(test)
            }
            Node::Call(..)
            | Node::Param(..)
            | Node::Output(..)
            | Node::Path(_)
            | Node::Caller(_)
            | Node::Now
            | Node::Negate(_)
            | Node::List(_)
            | Node::Aggregate(_)
            | Node::Within(_)
            | Node::Ordinal(..)
            | Node::Computed(_) => self.value(expr).settled(),
        }
    }

    /// A Boolean value, null where it is unknown.
    pub(crate) fn settled_truth(&self, test: Val) -> Sql {
        match test.is_null() {
            true => self.builder.dialect.unknown(),
            false => test.settled(),
        }
    }

    /// Whether there is a value.
    fn presence(&mut self, of: &Expr, present: bool) -> Pred {
        let mut value = self.value(of);
        // A decimal number that is still to be bound has no representation of its own.
        if let Form::Exact(_) = value.form {
            value = self.keyed(value);
        }
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

    fn text_test(&mut self, function: Function, arguments: &[Expr], wanted: bool) -> Val {
        let [text, part] = arguments else { return Val::null() };
        let (text, part) = (self.value(text), self.value(part));
        if text.is_null() || part.is_null() {
            return Val::null();
        }
        let dialect = self.builder.dialect;
        let (text_sql, part_sql) = (text.sql.clone(), part.sql.clone());
        let sql = match function {
            Function::StartsWith => dialect.starts_with(text_sql, part_sql),
            Function::EndsWith => dialect.ends_with(text_sql, part_sql),
            Function::Contains => dialect.contains(text_sql, part_sql),
            Function::Size
            | Function::LowerAscii
            | Function::UpperAscii
            | Function::Cased(_)
            | Function::Trim
            | Function::Replace
            | Function::Concat
            | Function::Split
            | Function::Join
            | Function::Element
            | Function::ToText
            | Function::Round
            | Function::Quotient
            | Function::Money
            | Function::UnitDigits
            | Function::DateIn
            | Function::StartOf(_)
            | Function::CalendarField(_)
            | Function::Years => {
                return Val::null();
            }
        };
        let sql = if wanted { sql } else { sql.not() };
        Val { sql, guards: [text.guards, part.guards].concat(), ..text }
    }
}
