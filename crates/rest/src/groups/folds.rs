//! What groups come to: `count`, `sum(price * quantity)`, `countDistinct(author)`.

use backstay_base::{limits, nearest};
use backstay_engine::{Fold, FoldFunction, GroupKey, ValueKind};
use backstay_expr::{Checked, Expr, Node, Operator, Type};
use backstay_model::{FieldKind, Model};
use backstay_scalar::Scalar;

use super::Problem;
use super::items::{is_path, joined};
use crate::words::shorten;

/// Digits after the point that an average has at least.
const AVERAGE_DIGITS: u8 = 6;

/// A value of groups as it is written.
pub(super) enum Written<'t> {
    /// `count`
    Records,
    /// A function and the text of its term, which begins after this many characters.
    Of(FoldFunction, &'t str, usize),
}

impl<'t> Written<'t> {
    pub(super) fn read(text: &'t str, offset: usize) -> Result<Self, Problem> {
        if text == FoldFunction::Count.name() {
            return Ok(Self::Records);
        }
        let Some((name, rest)) = text.split_once('(') else { return Err(not_folded(text, offset)) };
        let Some(term) = rest.strip_suffix(')') else {
            return Err(not_folded(text, offset));
        };
        let name = name.trim_end();
        let Some(function) = FoldFunction::ALL.into_iter().find(|function| function.name() == name) else {
            return Err(unknown_function((name, term), offset));
        };
        if term.trim().is_empty() || term.trim() == "*" {
            let remedy = match function {
                FoldFunction::Count => "write count for the number of records".to_owned(),
                _ => format!("write {name}(FIELD), or {name}(…) with an expression"),
            };
            return Err(Problem::at(offset, format!("`{name}` of nothing"), remedy));
        }
        let skipped = text.len() - rest.len() + (term.len() - term.trim_start().len());
        Ok(Self::Of(function, term.trim(), offset + text[..skipped].chars().count()))
    }

    /// The name under which it is answered where the client gives it none.
    pub(super) fn name(&self) -> Option<String> {
        match self {
            Self::Records => Some(FoldFunction::Count.name().to_owned()),
            Self::Of(FoldFunction::Count, ..) => None,
            Self::Of(function, term, _) => is_path(term).then(|| joined(&[function.name(), term])),
        }
    }
}

/// Something that isn't folded.
fn not_folded(text: &str, offset: usize) -> Problem {
    let what = shorten(text);
    if is_path(text) {
        let remedy = format!("fold it, as in max({what}), or name it in `group`");
        return Problem::at(offset, format!("`{what}` can have several values in a group"), remedy);
    }
    let remedy = "write count, or a function of an expression, such as total=sum(price * quantity)";
    Problem::at(offset, format!("`{what}` is not what a group comes to"), remedy)
}

/// Functions of other systems.
const ELSEWHERE: &[(&[&str], FoldFunction)] = &[
    (&["average", "mean"], FoldFunction::Average),
    (
        &["distinct", "countdistinct", "count_distinct", "uniq", "unique", "approx_count_distinct"],
        FoldFunction::CountDistinct,
    ),
    (&["total", "add", "sumdistinct"], FoldFunction::Sum),
    (&["minimum", "least"], FoldFunction::Min),
    (&["maximum", "greatest"], FoldFunction::Max),
    (&["count_if", "countif", "size", "len", "length"], FoldFunction::Count),
];

fn unknown_function((name, term): (&str, &str), offset: usize) -> Problem {
    let lower = name.to_ascii_lowercase();
    // `amount.sum()`
    if let Some((of, function)) = name.rsplit_once('.')
        && term.is_empty()
        && FoldFunction::ALL.into_iter().any(|known| known.name() == function)
    {
        let remedy = format!("write {function}({})", shorten(of));
        return Problem::at(offset, format!("`{}` is not a function", shorten(name)), remedy);
    }
    let elsewhere = ELSEWHERE.iter().find(|(names, _)| names.contains(&&*lower)).map(|(_, function)| function.name());
    let meant = elsewhere.or_else(|| nearest(name, FoldFunction::ALL.map(FoldFunction::name)));
    let names = FoldFunction::ALL.map(FoldFunction::name).join(", ");
    let remedy = match meant {
        Some(meant) => format!("write {meant}({})", shorten(term)),
        None => format!("the functions are {names}"),
    };
    Problem::at(offset, format!("`{}` is not a function of groups", shorten(name)), remedy)
}

/// What a function makes of a term of this kind.
pub(super) fn folded(
    function: FoldFunction,
    (text, checked): (&str, &Checked),
    kind: Option<ValueKind>,
) -> Result<ValueKind, (String, String)> {
    let what = shorten(text);
    let refuse = |problem: &str, remedy: &str| Err((format!("`{what}` {problem}"), remedy.to_owned()));
    let scalar = kind.and_then(ValueKind::scalar);
    match (function, kind) {
        (FoldFunction::Count, _) if checked.expr.ty == Type::Bool => Ok(ValueKind::Scalar(Scalar::Int)),
        (FoldFunction::Count, _) => Err((
            format!("`{what}` is not a condition"),
            format!("write count({what} != null) for the records that have a value, or countDistinct({what})"),
        )),
        (_, None) => refuse("is not one value", "name a field that holds one value, or a member of it"),
        (FoldFunction::CountDistinct, Some(ValueKind::Scalar(Scalar::Money))) => Err((
            format!("`{what}` is an amount of money with a currency"),
            format!("write countDistinct({what}.amount)"),
        )),
        (FoldFunction::CountDistinct, Some(_)) => Ok(ValueKind::Scalar(Scalar::Int)),
        (FoldFunction::Sum | FoldFunction::Average, Some(_)) => match (function, scalar) {
            (FoldFunction::Sum, Some(Scalar::Decimal { scale, .. })) => Ok(decimal(scale)),
            (FoldFunction::Average, Some(Scalar::Decimal { scale, .. })) => Ok(decimal(scale.max(AVERAGE_DIGITS))),
            (FoldFunction::Average, Some(Scalar::Int)) => Ok(decimal(AVERAGE_DIGITS)),
            (FoldFunction::Average, Some(Scalar::Duration)) => {
                refuse("is a length of time, which has no exact average", "ask for its sum and count")
            }
            (_, Some(scalar @ (Scalar::Int | Scalar::Float | Scalar::Duration | Scalar::Money))) => {
                Ok(ValueKind::Scalar(scalar))
            }
            (_, _) => refuse("can't be added up", "name a field with a number or an amount"),
        },
        (FoldFunction::Min | FoldFunction::Max, Some(kind)) => match kind {
            ValueKind::Enum(_) | ValueKind::Scalar(Scalar::Money) => Ok(kind),
            ValueKind::Scalar(Scalar::Id { .. } | Scalar::Boolean | Scalar::Bytes) => {
                refuse("has no least and no greatest value", "name another field")
            }
            ValueKind::Scalar(Scalar::Decimal { scale, .. }) => Ok(decimal(scale)),
            ValueKind::Scalar(scalar) if FieldKind::Scalar(scalar).has_order() => Ok(kind),
            ValueKind::Scalar(_) => refuse("has no order", "name another field"),
        },
    }
}

fn decimal(scale: u8) -> ValueKind {
    ValueKind::Scalar(Scalar::Decimal { precision: limits::DECIMAL_DIGITS, scale })
}

/// Refuses amounts of money that can be in several currencies: they are never added up or compared. They share one if groups
/// do, or if the filter asks for one.
pub(super) fn share_currency(fold: &Fold, keys: &[GroupKey], filter: Option<&Checked>) -> Result<(), (String, String)> {
    let Fold::Of(FoldFunction::Sum | FoldFunction::Average | FoldFunction::Min | FoldFunction::Max, term) = fold else {
        return Ok(());
    };
    let asked = filter.map(|filter| filter.expr.conjuncts()).unwrap_or_default();
    let fixed = asked.into_iter().filter_map(fixed);
    let same: Vec<&Expr> = keys.iter().map(|key| &key.value.of.checked.expr).chain(fixed).collect();
    if term.checked.expr.has_one_currency(&same) {
        return Ok(());
    }
    let text = shorten(&term.text);
    let currency = if is_path(&text) { format!("{text}.currency") } else { "their currency".to_owned() };
    let problem = format!("`{text}` can be in several currencies, which are never put together");
    Err((problem, format!("name `{currency}` in `group`, or one currency in `filter`")))
}

/// What a condition says that something is equal to one value.
fn fixed(part: &Expr) -> Option<&Expr> {
    let Node::Binary(Operator::Equal, left, right) = &part.node else { return None };
    let is_given = |side: &Expr| matches!(side.node, Node::Literal(_) | Node::Param(..));
    match (is_given(left), is_given(right)) {
        (false, true) => Some(left),
        (true, false) => Some(right),
        (true, true) | (false, false) => None,
    }
}

/// What a value that is computed would be held as; `None` if it is no single value.
pub(super) fn kind_of(expr: &Expr, model: &Model) -> Option<ValueKind> {
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

/// Digits after the point that a computed number has at most: half of those that it can have.
const MOST_DIGITS: u8 = 9;

/// The type of what a function makes of a term, for conditions on groups.
pub(super) fn type_of(fold: &Fold) -> Type {
    match fold {
        Fold::Records | Fold::Of(FoldFunction::Count | FoldFunction::CountDistinct, _) => Type::Int,
        Fold::Of(FoldFunction::Average, term) if term.checked.expr.ty == Type::Int => Type::Decimal,
        Fold::Of(_, term) => of_value(&term.checked.expr.ty),
    }
}

/// The type of a value in a condition on groups: a record is its id there.
pub(super) fn of_value(ty: &Type) -> Type {
    match ty {
        Type::Record(_, form) => Type::Id(*form),
        ty => ty.clone(),
    }
}
