use apollo_compiler::Node;
use apollo_compiler::schema::Directive;
use backstay_scalar::{Extent, Pattern, Scalar};

use super::read;
use super::read::check_message;
use super::report::Report;
use crate::{FieldKind, FieldPattern};

/// Whether `@pattern` has a meaning for fields of this kind: their values, or the items of their lists, are texts.
pub(super) fn applies(kind: &FieldKind) -> bool {
    kind.scalar().is_some_and(|scalar| match scalar {
        Scalar::String
        | Scalar::Text
        | Scalar::Email
        | Scalar::Url
        | Scalar::Phone
        | Scalar::Country
        | Scalar::Locale
        | Scalar::Currency => true,
        Scalar::Id { .. }
        | Scalar::Int
        | Scalar::Float
        | Scalar::Decimal { .. }
        | Scalar::Boolean
        | Scalar::DateTime
        | Scalar::Date
        | Scalar::Time
        | Scalar::Duration
        | Scalar::Bytes
        | Scalar::Json
        | Scalar::Money => false,
    })
}

/// Reads `@pattern(is:, message:)` of a field.
pub(super) fn read(report: &mut Report<'_>, directive: &Node<Directive>) -> Option<FieldPattern> {
    let (text, place) = read::text(directive, "is")?;
    let message = read::text(directive, "message").map(|(message, place)| {
        check_message(report, (message, place), "a pattern");
        message.to_owned()
    });
    match Pattern::compile(text, Extent::Whole) {
        Ok(is) => Some(FieldPattern { is, message }),
        Err(problem) => {
            report.error(place, problem.message, "not a pattern", problem.remedy);
            None
        }
    }
}
