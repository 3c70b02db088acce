use apollo_compiler::Node;
use apollo_compiler::ast::Value as Literal;
use apollo_compiler::schema::Directive;
use backstay_scalar::{Scalar, Value};

use super::default;
use super::report::Report;
use crate::{Field, FieldKind, Range};

/// The scalar whose values `@range` compares, of a field of this kind; `None` where it has no meaning.
pub(super) fn of_kind(kind: &FieldKind) -> Option<Scalar> {
    kind.scalar().filter(|scalar| match scalar {
        Scalar::Int
        | Scalar::Float
        | Scalar::Decimal { .. }
        | Scalar::DateTime
        | Scalar::Date
        | Scalar::Time
        | Scalar::Duration => true,
        Scalar::Id { .. }
        | Scalar::String
        | Scalar::Text
        | Scalar::Boolean
        | Scalar::Bytes
        | Scalar::Json
        | Scalar::Email
        | Scalar::Url
        | Scalar::Phone
        | Scalar::Country
        | Scalar::Locale
        | Scalar::Money
        | Scalar::Currency => false,
    })
}

/// Reads `@range(min:, max:)` of a field.
pub(super) fn read(report: &mut Report<'_>, field: &Field, directive: &Node<Directive>) -> Option<Range> {
    let scalar = of_kind(&field.kind)?;
    let given = |name: &str| directive.specified_argument_by_name(name).filter(|value| !value.is_null());
    let (least, most) = (given("min"), given("max"));
    if least.is_none() && most.is_none() {
        let help = "write the least value, the greatest or both, such as `@range(min: 1, max: 5)`, or remove it";
        report.error(directive.location(), "`@range` limits nothing", "no value in it", help);
        return None;
    }
    let (min, max) = (end(report, least, (scalar, "min")), end(report, most, (scalar, "max")));
    // An end that can't be read is reported already.
    let (min, max) = (min.ok()?, max.ok()?);
    if let (Some(min), Some(max), Some(least), Some(most)) = (&min, &max, least, most)
        && min.order(max).is_some_and(std::cmp::Ordering::is_gt)
    {
        let message = format!("no value is at least {least} and at most {most}");
        let help = format!("write `@range(min: {most}, max: {least})`");
        report.error(directive.location(), message, "`min` is more than `max`", help);
        return None;
    }
    Some(Range { min, max })
}

/// An end of a range that couldn't be read, and was reported.
struct Reported;

fn end(
    report: &mut Report<'_>,
    literal: Option<&Node<Literal>>,
    (scalar, name): (Scalar, &str),
) -> Result<Option<Value>, Reported> {
    let Some(literal) = literal else { return Ok(None) };
    default::scalar(literal, scalar).map(Some).map_err(|help| {
        let message = format!("`{name}` is not a value of `{}`", scalar.name());
        report.error(literal.location(), message, "does not fit", help);
        Reported
    })
}
