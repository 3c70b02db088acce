use std::ops::Range;
use std::sync::Arc;

use backstay_base::limits;
use backstay_model::ValueProblem;
use backstay_scalar::{Token, Value, read_exact};
use rust_decimal::Decimal;

use super::{Checker, UsedParameter, is_alike};
use crate::error::{ExprErrorKind, Name};
use crate::syntax::{Syntax, SyntaxNode};
use crate::{Expr, Node, Operator, Type};

/// Digits of a `Decimal` at most.
const DECIMAL_DIGITS: u32 = 18;
/// The largest integer up to which a `Float` holds every one: two to the power of 53.
const FLOAT_EXACT: u64 = 1 << 53;

/// How much an expression's type depends on what it stands beside: 0 not at all, then texts and fractions, whole
/// numbers, and parameters most. The one that depends less is checked first.
pub(super) fn pliancy(syntax: &Syntax) -> u8 {
    match &syntax.node {
        SyntaxNode::Float(..) | SyntaxNode::Text(_) => 1,
        SyntaxNode::Int(_) => 2,
        SyntaxNode::Param(_) | SyntaxNode::Null => 3,
        SyntaxNode::Negate(of) => pliancy(of),
        SyntaxNode::Conditional(_, left, right)
        | SyntaxNode::Binary(
            Operator::Add | Operator::Subtract | Operator::Multiply | Operator::Divide | Operator::Remainder,
            left,
            right,
        ) => pliancy(left).min(pliancy(right)),
        SyntaxNode::List(elements) => elements.iter().map(pliancy).min().unwrap_or(3),
        _ => 0,
    }
}

impl Checker<'_> {
    /// Both, each with a hint at the other's type: the less pliant first.
    pub(super) fn pair(
        &mut self,
        left: &Syntax,
        right: &Syntax,
        hint: Option<&Type>,
        other: fn(&Type) -> Option<Type>,
    ) -> Option<(Expr, Expr)> {
        if pliancy(left) <= pliancy(right) {
            let left = self.expr(left, hint)?;
            let right = self.expr(right, other(&left.ty).as_ref())?;
            Some((left, right))
        } else {
            let right = self.expr(right, hint)?;
            let left = self.expr(left, other(&right.ty).as_ref())?;
            Some((left, right))
        }
    }

    pub(super) fn int(&mut self, number: i64, hint: Option<&Type>, span: &Range<u32>) -> Option<Expr> {
        let (value, ty) = match hint {
            Some(Type::Decimal) => (Value::Decimal(self.decimal(Some(Decimal::from(number)), span)?), Type::Decimal),
            Some(Type::Float) if number.unsigned_abs() <= FLOAT_EXACT => {
                #[expect(clippy::cast_precision_loss, reason = "exact up to two to the power of 53")]
                let exact = number as f64;
                (Value::Float(exact), Type::Float)
            }
            Some(Type::Float) => return self.refuse(span.clone(), ExprErrorKind::Inexact { ty: "Float" }),
            _ => (Value::Int(number), Type::Int),
        };
        Some(self.make(Node::Literal(value), ty, span))
    }

    pub(super) fn float(&mut self, number: f64, text: &str, hint: Option<&Type>, span: &Range<u32>) -> Option<Expr> {
        if hint != Some(&Type::Decimal) {
            return Some(self.make(Node::Literal(Value::Float(number + 0.0)), Type::Float, span));
        }
        let read = match read_exact(Token::Number(text)) {
            Ok(Value::Decimal(number)) => Some(number),
            Ok(_) | Err(_) => None,
        };
        let exact = self.decimal(read, span)?;
        Some(self.make(Node::Literal(Value::Decimal(exact)), Type::Decimal, span))
    }

    /// The number, if it has few enough digits to be the value of a `Decimal` field.
    fn decimal(&mut self, read: Option<Decimal>, span: &Range<u32>) -> Option<Decimal> {
        let limit = 10_i128.pow(DECIMAL_DIGITS);
        let normal = read.map(|number| number.normalize());
        match normal.filter(|number| number.mantissa().abs() < limit && number.scale() <= DECIMAL_DIGITS) {
            Some(number) => Some(number),
            None => self.refuse(span.clone(), ExprErrorKind::Inexact { ty: "Decimal" }),
        }
    }

    /// A text literal: of the type hinted at where that type's values are written as texts, read as they are.
    pub(super) fn text(&mut self, text: &str, hint: Option<&Type>, span: &Range<u32>) -> Option<Expr> {
        let ty = match hint {
            Some(
                ty @ (Type::Enum(_)
                | Type::Formatted(_)
                | Type::Timestamp
                | Type::Date
                | Type::Duration
                | Type::Id
                | Type::Record(_)),
            ) => ty,
            _ => &Type::Text,
        };
        match ty.read(Token::Text(text), self.scope.model) {
            Ok(value) => Some(self.make(Node::Literal(value), ty.clone(), span)),
            Err(ValueProblem::NotInEnum { suggestion, .. }) => {
                let what = Name::Value(self.name_of(ty));
                let suggestion = suggestion.map(|name| name.as_ref().to_owned());
                self.refuse(span.clone(), ExprErrorKind::Unknown { what, name: text.to_owned(), suggestion })
            }
            Err(ValueProblem::Scalar(problem)) => {
                let ty = self.name_of(ty);
                self.refuse(span.clone(), ExprErrorKind::Literal { ty, problem })
            }
        }
    }

    pub(super) fn list(&mut self, elements: &[Syntax], hint: Option<&Type>, span: &Range<u32>) -> Option<Expr> {
        let hint = match hint {
            Some(Type::List(element)) => Some(element.as_ref().clone()),
            _ => None,
        };
        let first = elements.iter().min_by_key(|element| pliancy(element));
        let element = match (hint, first) {
            (Some(ty), _) => ty,
            (None, Some(first)) => {
                let (nodes, reads) = (self.nodes, self.found.reads.clone());
                let ty = self.expr(first, None)?.ty;
                (self.nodes, self.found.reads) = (nodes, reads);
                ty
            }
            (None, None) => Type::Null,
        };
        if matches!(element, Type::List(_)) {
            let found = self.name_of(&element);
            return self.refuse(span.clone(), ExprErrorKind::Type { expected: "a list of scalars".to_owned(), found });
        }
        let checked: Vec<Option<Expr>> = elements.iter().map(|item| self.expect(item, &element)).collect();
        let checked: Option<Vec<Expr>> = checked.into_iter().collect();
        Some(self.make(Node::List(checked?), Type::List(Box::new(element)), span))
    }

    /// A parameter; one type for all its uses.
    pub(super) fn param(&mut self, name: &str, hint: Option<&Type>, span: &Range<u32>) -> Option<Expr> {
        let hint = match hint {
            Some(Type::Null) => None,
            hint => hint.cloned(),
        };
        let index = match self.params.iter().position(|param| &*param.name == name) {
            Some(index) => index,
            None if self.params.len() == limits::FILTER_PARAMETERS => {
                return self.refuse(span.clone(), ExprErrorKind::TooManyParameters);
            }
            None => {
                self.params.push(UsedParameter { name: Arc::from(name), ty: None, span: span.clone() });
                self.params.len() - 1
            }
        };
        let ty = match (self.params[index].ty.clone(), hint) {
            (Some(one), Some(other))
                if one != other && (!is_alike(&one, &other) || one == Type::Text || other == Type::Text) =>
            {
                let (one, other) = (self.name_of(&one), self.name_of(&other));
                let name = name.to_owned();
                return self.refuse(span.clone(), ExprErrorKind::TwoTypes { name, one, other });
            }
            (known, hint) => known.or(hint),
        };
        self.params[index].ty.clone_from(&ty);
        let index = u16::try_from(index).ok()?;
        match ty {
            Some(ty) => Some(self.make(Node::Param(index), ty, span)),
            None => self.refuse(span.clone(), ExprErrorKind::UntypedParameter { name: name.to_owned() }),
        }
    }

    /// A parameter whose presence is tested: its type comes from its other uses.
    pub(super) fn param_of_any_type(&mut self, name: &str, span: &Range<u32>) -> Option<Expr> {
        let errors = self.errors.len();
        let known = self.param(name, None, span);
        let untyped = self.errors.last().is_some_and(|e| matches!(e.kind, ExprErrorKind::UntypedParameter { .. }));
        if known.is_some() || !untyped {
            return known;
        }
        self.errors.truncate(errors);
        let index = self.params.iter().position(|param| &*param.name == name)?;
        Some(self.make(Node::Param(u16::try_from(index).ok()?), Type::Null, span))
    }
}
