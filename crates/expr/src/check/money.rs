//! Amounts of money, and numbers that are rounded.

use std::ops::Range;

use backstay_base::limits;
use backstay_model::{Field, FieldId};
use backstay_scalar::Value;

use super::Checker;
use super::names::PATH_RELATIONS;
use crate::error::{Expected, ExprErrorKind};
use crate::money::CURRENCY;
use crate::syntax::{Binary, Ident, Syntax, SyntaxNode};
use crate::{Expr, Function, Node, Operator, Path, Type};

impl Checker<'_> {
    /// `left < right` and its like: of amounts in one currency, else unknown.
    pub(super) fn comparison_of_money(
        &mut self,
        operator: Operator,
        (left, right): (&Expr, &Expr),
        span: &Range<u32>,
    ) -> Option<Expr> {
        let compared = Expr::of_amounts(left, right, |left, right| {
            self.make(Node::Binary(operator, Box::new(left), Box::new(right)), Type::Bool, span)
        });
        self.bounded(compared, span)
    }

    /// An amount whose currency is in another field, of the record that a path leads to.
    pub(super) fn shared_amount(
        &mut self,
        at: &Path,
        (field, way): (&Field, &[FieldId]),
        span: &Range<u32>,
    ) -> Option<Expr> {
        let model = self.scope.model;
        let value = |steps: &[FieldId], ty: &Type| {
            let steps = at.steps.iter().chain(steps).copied().collect();
            Expr { node: Node::Path(Path { steps, ..at.clone() }), ty: ty.clone(), span: span.clone() }
        };
        let (amount, currency) = (value(&[field.id], &Type::Decimal), value(way, &CURRENCY));
        if at.steps.len() + way.len() > PATH_RELATIONS + 1 {
            return self.refuse(span.clone(), ExprErrorKind::LongPath { max: PATH_RELATIONS });
        }
        let mut holder = at.steps.iter().try_fold(at.collection, |of, step| model.field(of, *step).kind.target())?;
        self.note_of_account(at, model.field(holder, *way.first()?));
        for step in way {
            self.found.computed_from.insert((holder, *step));
            holder = model.field(holder, *step).kind.target().unwrap_or(holder);
        }
        self.nodes += 2;
        Some(self.make(Node::Call(Function::Money, vec![amount, currency]), Type::Money, span))
    }

    /// What the amounts of an expression have been turned into, if that is not too large.
    pub(super) fn bounded(&mut self, expr: Expr, span: &Range<u32>) -> Option<Expr> {
        self.nodes += expr.size();
        if self.nodes > limits::EXPRESSION_NODES {
            return self.exhaust(span, ExprErrorKind::TooLarge);
        }
        Some(expr)
    }

    /// `money(amount, currency)`.
    pub(super) fn money(&mut self, amount: &Syntax, currency: &Syntax, span: &Range<u32>) -> Option<Expr> {
        let amount = self.expr(amount, Some(&Type::Decimal)).and_then(|amount| self.exact(amount));
        let amount = amount.map(|amount| if amount.ty == Type::Int { self.exact_int(amount) } else { amount });
        let currency = self.expr(currency, Some(&CURRENCY));
        let (amount, currency) = (amount?, currency?);
        if currency.ty != CURRENCY {
            let (expected, found) = (Expected::Type(self.named_type(&CURRENCY)), self.named_type(&currency.ty));
            return self.refuse(currency.span, ExprErrorKind::Type { expected, found });
        }
        Some(self.make(Node::Call(Function::Money, vec![amount, currency]), Type::Money, span))
    }

    /// `round(number, digits)`, or of an amount of money `round(amount)`, to the digits of its currency. A quotient is
    /// rounded as it is made, so that its digits are exact.
    pub(super) fn round(
        &mut self,
        function: &Ident,
        (of, digits): (&Syntax, Option<i64>),
        span: &Range<u32>,
    ) -> Option<Expr> {
        let digits = digits.map(|digits| self.make(Node::Literal(Value::Int(digits)), Type::Int, span));
        let (of, called) = match &of.node {
            SyntaxNode::Binary(Binary { operator: Operator::Divide, left, right }) => {
                let (left, right) = self.pair(left, right, Some(&Type::Decimal), |_| Some(Type::Decimal))?;
                if let (Type::Money, Type::Money) = (&left.ty, &right.ty) {
                    let Some(digits) = digits else { return self.refuse_call(function) };
                    let ratio = Expr::of_amounts(&left, &right, |left, right| {
                        self.make(Node::Call(Function::Quotient, vec![left, right, digits]), Type::Decimal, span)
                    });
                    return self.bounded(ratio, span);
                }
                let left = if left.ty == Type::Money { left } else { self.exact(left)? };
                (vec![left, self.exact(right)?], Function::Quotient)
            }
            _ => (vec![self.expr(of, Some(&Type::Decimal))?], Function::Round),
        };
        let of_money = of[0].ty == Type::Money;
        let ty = if of_money { Type::Money } else { Type::Decimal };
        let digits = match digits {
            Some(digits) => digits,
            None if of_money => of[0].unit_digits(),
            None => return self.refuse_call(function),
        };
        let mut operands = of;
        if called == Function::Round {
            operands = operands.into_iter().map(|of| self.must_be(of, &ty)).collect::<Option<Vec<Expr>>>()?;
        }
        operands.push(digits);
        Some(self.make(Node::Call(called, operands), ty, span))
    }

    /// A number whose type is exact.
    fn exact(&mut self, number: Expr) -> Option<Expr> {
        match number.ty {
            Type::Int | Type::Decimal => Some(number),
            _ => self.must_be(number, &Type::Decimal),
        }
    }
}
