use backstay_base::limits;
use backstay_expr::{Checked, Expr, Type};
use backstay_model::{FieldKind, Model};
use backstay_scalar::Scalar;
use backstay_sql::{Fold, FoldFunction, ValueKind};

use super::problem::TermProblem;

/// Digits after the point that an average has at least.
const AVERAGE_DIGITS: u8 = 6;
/// Digits after the point that a computed number has at most: half of those that it can have.
const MOST_DIGITS: u8 = 9;

/// What a value by which records are grouped is held as.
pub(super) fn groupable(checked: &Checked, kind: Option<ValueKind>, model: &Model) -> Result<ValueKind, TermProblem> {
    let field = checked.expr.node.path().and_then(|path| path.field(model));
    let is_long = field.is_some_and(|field| field.kind.scalar() == Some(Scalar::Text));
    match kind {
        Some(ValueKind::Scalar(Scalar::Money)) => Err(TermProblem::GroupedMoney),
        Some(_) if is_long => Err(TermProblem::GroupedText),
        Some(kind) => Ok(kind),
        None => Err(TermProblem::NotOneValue),
    }
}

/// What a function makes of a term of this kind.
pub(super) fn folded(
    function: FoldFunction,
    checked: &Checked,
    kind: Option<ValueKind>,
) -> Result<ValueKind, TermProblem> {
    match (function, kind) {
        (FoldFunction::Count, _) if checked.expr.ty == Type::Bool => Ok(ValueKind::Scalar(Scalar::Int)),
        (FoldFunction::Count, _) => Err(TermProblem::CountedValue),
        (_, None) => Err(TermProblem::NotOneValue),
        (FoldFunction::CountDistinct, Some(ValueKind::Scalar(Scalar::Money))) => Err(TermProblem::DistinctMoney),
        (FoldFunction::CountDistinct, Some(_)) => Ok(ValueKind::Scalar(Scalar::Int)),
        (FoldFunction::Sum, Some(kind)) => sum(kind),
        (FoldFunction::Average, Some(kind)) => average(kind),
        (FoldFunction::Min | FoldFunction::Max, Some(kind)) => extreme(kind),
    }
}

fn sum(kind: ValueKind) -> Result<ValueKind, TermProblem> {
    match kind.scalar() {
        Some(Scalar::Decimal { scale, .. }) => Ok(decimal(scale)),
        Some(Scalar::Int | Scalar::Float | Scalar::Duration | Scalar::Money) => Ok(kind),
        _ => Err(TermProblem::NotAdditive),
    }
}

fn average(kind: ValueKind) -> Result<ValueKind, TermProblem> {
    match kind.scalar() {
        Some(Scalar::Decimal { scale, .. }) => Ok(decimal(scale.max(AVERAGE_DIGITS))),
        Some(Scalar::Int) => Ok(decimal(AVERAGE_DIGITS)),
        Some(Scalar::Float | Scalar::Money) => Ok(kind),
        Some(Scalar::Duration) => Err(TermProblem::AverageDuration),
        _ => Err(TermProblem::NotAdditive),
    }
}

fn extreme(kind: ValueKind) -> Result<ValueKind, TermProblem> {
    match kind {
        ValueKind::Enum(_) | ValueKind::Scalar(Scalar::Money) => Ok(kind),
        ValueKind::Scalar(Scalar::Id { .. } | Scalar::Boolean | Scalar::Bytes) => Err(TermProblem::NoExtremes),
        ValueKind::Scalar(Scalar::Decimal { scale, .. }) => Ok(decimal(scale)),
        ValueKind::Scalar(scalar) if FieldKind::Scalar(scalar).has_order() => Ok(kind),
        ValueKind::Scalar(_) => Err(TermProblem::NoOrder),
    }
}

fn decimal(scale: u8) -> ValueKind {
    ValueKind::Scalar(Scalar::Decimal { precision: limits::DECIMAL_DIGITS, scale })
}

/// What a value that is computed would be held as; `None` if it is no single value.
pub fn kind_of(expr: &Expr, model: &Model) -> Option<ValueKind> {
    let scalar = match &expr.ty {
        Type::Bool => Scalar::Boolean,
        Type::Int => Scalar::Int,
        Type::Float => Scalar::Float,
        Type::Decimal => {
            let places = expr.decimal_places(model).unwrap_or(AVERAGE_DIGITS.into());
            let most = if expr.node.is_held() { limits::DECIMAL_DIGITS } else { MOST_DIGITS };
            let scale = u8::try_from(places).map_or(most, |places| places.min(most));
            Scalar::Decimal { precision: limits::DECIMAL_DIGITS, scale }
        }
        Type::Text => Scalar::String,
        Type::Formatted(scalar) => *scalar,
        Type::Enum(id) => return Some(ValueKind::Enum(*id)),
        Type::Id(form) | Type::Record(_, form) => Scalar::Id { form: *form },
        Type::Timestamp => Scalar::DateTime,
        Type::Date => Scalar::Date,
        Type::Duration => Scalar::Duration,
        Type::Money => Scalar::Money,
        Type::Json
        | Type::Embedded { .. }
        | Type::OneOf { .. }
        | Type::Item(_)
        | Type::Reference(_)
        | Type::TypeName(_)
        | Type::List(_)
        | Type::Null => return None,
    };
    Some(ValueKind::Scalar(scalar))
}

/// The type of what a function makes of a term, for conditions on groups.
pub(super) fn type_of(fold: &Fold) -> Type {
    match fold {
        Fold::Records | Fold::Of(FoldFunction::Count | FoldFunction::CountDistinct, _) => Type::Int,
        Fold::Of(FoldFunction::Average, term) if term.checked.expr.ty == Type::Int => Type::Decimal,
        Fold::Of(FoldFunction::Sum | FoldFunction::Average | FoldFunction::Min | FoldFunction::Max, term) => {
            of_value(&term.checked.expr.ty)
        }
    }
}

/// The type of a value in a condition on groups: a record is its id there.
pub(super) fn of_value(ty: &Type) -> Type {
    match ty {
        Type::Record(_, form) => Type::Id(*form),
        ty => ty.clone(),
    }
}
