//! Literals, which take the type that their place gives them where they can.

use backstay_base::KeyForm;
use backstay_model::{Model, ValueProblem};
use backstay_scalar::{Problem, Token, Value, read_exact};
use rust_decimal::Decimal;

use super::typing::name_of;
use crate::error::{ExprErrorKind, Name};
use crate::syntax::{Binary, Conditional, Syntax, SyntaxNode};
use crate::{Operator, Type};

/// Digits of a `Decimal` at most.
const DECIMAL_DIGITS: u32 = 18;
/// The largest integer up to which a `Float` holds every one: two to the power of 53.
const FLOAT_EXACT: u64 = 1 << 53;

/// How much an expression's type depends on what it stands beside. The one that depends less is checked first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Pliancy {
    /// Not at all.
    Fixed,
    /// Texts and fractions.
    Text,
    /// Whole numbers.
    Whole,
    /// Values in JSON fields.
    Read,
    /// Parameters and `null`: altogether.
    Open,
}

impl Pliancy {
    /// The pliancy of an expression.
    pub(super) fn of(syntax: &Syntax) -> Self {
        match &syntax.node {
            SyntaxNode::Float(..) | SyntaxNode::Text(_) => Self::Text,
            SyntaxNode::Int(_) => Self::Whole,
            SyntaxNode::Index(..) => Self::Read,
            SyntaxNode::Param(_) | SyntaxNode::Null => Self::Open,
            SyntaxNode::Negate(of) => Self::of(of),
            SyntaxNode::Conditional(Conditional { then: left, otherwise: right, .. })
            | SyntaxNode::Binary(Binary {
                operator:
                    Operator::Add | Operator::Subtract | Operator::Multiply | Operator::Divide | Operator::Remainder,
                left,
                right,
            }) => Self::of(left).min(Self::of(right)),
            // An empty list is one of whatever stands beside it.
            SyntaxNode::List(elements) => elements.iter().map(Self::of).min().unwrap_or(Self::Open),
            SyntaxNode::Bool(_)
            | SyntaxNode::Name(_)
            | SyntaxNode::Select(..)
            | SyntaxNode::Call { .. }
            | SyntaxNode::Length(_)
            | SyntaxNode::Not(_)
            | SyntaxNode::Binary(_)
            | SyntaxNode::In(..)
            | SyntaxNode::Quantified(_) => Self::Fixed,
        }
    }
}

/// The value of a literal and its type.
pub(super) type Literal = Result<(Value, Type), ExprErrorKind>;

/// A whole number.
pub(super) fn int(model: &Model, number: i64, hint: Option<&Type>) -> Literal {
    match hint {
        Some(ty @ (Type::Id(KeyForm::Int) | Type::Record(_, KeyForm::Int))) => {
            let text = number.to_string();
            match ty.read(Token::Number(&text), model) {
                Ok(key) => Ok((key, ty.clone())),
                Err(ValueProblem::Scalar(problem)) => {
                    Err(ExprErrorKind::Literal { text, ty: name_of(model, ty), problem })
                }
                // A key is of no enum.
                Err(ValueProblem::NotInEnum { .. }) => Ok((Value::Int(number), Type::Int)),
            }
        }
        Some(Type::Decimal) => Ok((Value::Decimal(decimal(Some(Decimal::from(number)))?), Type::Decimal)),
        Some(Type::Float) if number.unsigned_abs() <= FLOAT_EXACT => {
            #[expect(clippy::cast_precision_loss, reason = "exact up to two to the power of 53")]
            let exact = number as f64;
            Ok((Value::Float(exact), Type::Float))
        }
        Some(Type::Float) => Err(ExprErrorKind::Inexact { ty: "Float" }),
        _ => Ok((Value::Int(number), Type::Int)),
    }
}

/// A number with a fraction or an exponent, with its text.
pub(super) fn float(model: &Model, number: f64, text: &str, hint: Option<&Type>) -> Literal {
    match hint {
        Some(Type::Int) => match Type::Int.read(Token::Number(text), model) {
            Ok(whole) => Ok((whole, Type::Int)),
            Err(ValueProblem::Scalar(Problem::IntRange)) => Err(ExprErrorKind::Number),
            Err(_) => Err(ExprErrorKind::Fraction { number: text.to_owned() }),
        },
        Some(Type::Decimal) => {
            let read = match read_exact(Token::Number(text)) {
                Ok(Value::Decimal(number)) => Some(number),
                Ok(_) | Err(_) => None,
            };
            Ok((Value::Decimal(decimal(read)?), Type::Decimal))
        }
        _ => Ok((Value::Float(number + 0.0), Type::Float)),
    }
}

/// The number, if it has few enough digits to be the value of a `Decimal` field.
fn decimal(read: Option<Decimal>) -> Result<Decimal, ExprErrorKind> {
    let limit = 10_i128.pow(DECIMAL_DIGITS);
    let normal = read.map(|number| number.normalize());
    let fits = |number: &Decimal| number.mantissa().abs() < limit && number.scale() <= DECIMAL_DIGITS;
    normal.filter(fits).ok_or(ExprErrorKind::Inexact { ty: "Decimal" })
}

/// A text: of the type hinted at where that type's values are written as texts, read as they are.
pub(super) fn text(model: &Model, text: &str, hint: Option<&Type>) -> Literal {
    let ty = match hint {
        Some(
            ty @ (Type::Enum(_)
            | Type::TypeName(_)
            | Type::Formatted(_)
            | Type::Timestamp
            | Type::Date
            | Type::Duration
            | Type::Decimal
            | Type::Id(_)
            | Type::Record(..)),
        ) => ty,
        _ => &Type::Text,
    };
    match ty.read(Token::Text(text), model) {
        Ok(Value::Decimal(number)) => Ok((Value::Decimal(decimal(Some(number))?), ty.clone())),
        Ok(value) => Ok((value, ty.clone())),
        Err(ValueProblem::NotInEnum { suggestion, .. }) => {
            let what = match ty {
                Type::TypeName(of) => Name::UnionType(of.name(model).to_owned()),
                ty => Name::Value(name_of(model, ty)),
            };
            let suggestion = suggestion.map(|name| name.as_ref().to_owned());
            Err(ExprErrorKind::Unknown { what, name: text.to_owned(), suggestion })
        }
        Err(ValueProblem::Scalar(problem)) => {
            Err(ExprErrorKind::Literal { text: text.to_owned(), ty: name_of(model, ty), problem })
        }
    }
}
