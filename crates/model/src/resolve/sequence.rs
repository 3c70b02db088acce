//! `@sequence(per:, gapless:, format:, when:)`.

use apollo_compiler::Node;
use apollo_compiler::ast::Directive;
use apollo_compiler::parser::SourceSpan;
use backstay_base::limits;
use backstay_scalar::Scalar;

use super::kind::Declared;
use super::read;
use super::report::Report;
use super::survey::StoredType;
use crate::names::suggestion;
use crate::{Collection, Field, FieldId, FieldKind, NumberFormat, NumberPiece, Sequence};

/// Directives that give a value too, or say of it what a number that is counted can't heed.
const OF_GIVEN: [&str; 12] = [
    "backfill",
    "check",
    "computed",
    "default",
    "immutable",
    "length",
    "pattern",
    "range",
    "readonly",
    "set",
    "slug",
    "unique",
];

/// Whether a field can be one. What can't has its error already.
fn can_count(field: &Field) -> bool {
    matches!(field.kind, FieldKind::Scalar(Scalar::Int | Scalar::String)) && !field.is_computed() && !field.is_sum()
}

/// Refuses what a field can't be if it numbers records.
pub(super) fn check(report: &mut Report<'_>, declared: &Declared<'_, '_>, field: &Field) {
    let node = declared.node;
    let Some(directive) = node.directives.get("sequence") else { return };
    if declared.of.is_none() {
        let help = "write `@sequence` on a field of the type that holds the value";
        report.error(directive.location(), "a member of an embedded type can't number records", "not here", help);
        return;
    }
    for other in node.directives.iter().filter(|other| OF_GIVEN.contains(&other.name.as_str())) {
        let message = format!("`@{}` has no meaning beside `@sequence`", other.name);
        let help = "remove it: Backstay alone gives the number, each of a series once, and it never changes";
        report.error(other.location(), message, "not here", help);
    }
    if field.allow.restricts_writes() {
        let place = node.directives.get("allow").and_then(Node::location);
        report.error(place, "clients never write a number", "only `read:` here", "remove `create:` and `update:`");
    }
}

/// Reads the sequences of a type, and finds the fields by which they count.
pub(super) fn sequences(report: &mut Report<'_>, of: &StoredType<'_>, fields: &mut [Field]) {
    let declared = of.declared().filter(|(surveyed, _)| surveyed.within.is_none());
    for (surveyed, id) in declared {
        let Some(directive) = surveyed.node.directives.get("sequence") else { continue };
        if !can_count(&fields[usize::from(id.0)]) {
            continue;
        }
        let sequence = sequence(report, (of, fields), &fields[usize::from(id.0)], directive);
        fields[usize::from(id.0)].unique |= sequence.per.is_empty();
        fields[usize::from(id.0)].sequence = Some(sequence);
    }
}

fn sequence(
    report: &mut Report<'_>,
    (of, fields): (&StoredType<'_>, &[Field]),
    field: &Field,
    directive: &Node<Directive>,
) -> Sequence {
    let per = per(report, (of, fields), field, directive);
    let format = match (&field.kind, read::text(directive, "format")) {
        (FieldKind::Scalar(Scalar::String), None) => {
            let help = "write `format: \"INV-{n:05}\"`, or make the field an `Int`";
            report.error(directive.location(), "a `String` needs a `format`", "no `format`", help);
            None
        }
        (FieldKind::Scalar(Scalar::Int), Some((_, place))) => {
            report.error(place, "an `Int` has no `format`", "not here", "remove it, or make the field a `String`");
            None
        }
        (_, Some(format)) => number_format(report, fields, (field, &per), format),
        (_, None) => None,
    };
    let when = read::rule(report, directive, "when");
    let lacking = per.iter().map(|id| &fields[usize::from(id.0)]).find(|by| !by.is_needed());
    if field.required && (when.is_some() || lacking.is_some()) {
        let why = match lacking {
            Some(by) if when.is_none() => format!("records without `{}` have no number", by.name),
            _ => "records have no number until `when` is true".to_owned(),
        };
        let help = match lacking {
            Some(by) if when.is_none() => format!("remove the `!`, or make `{}` required", by.name),
            _ => "remove the `!`".to_owned(),
        };
        report.error(directive.location(), format!("`{}` can't be required: {why}", field.name), "required", help);
    }
    let gapless = directive.specified_argument_by_name("gapless").and_then(|value| value.to_bool()) == Some(true);
    Sequence { per, gapless, format, when }
}

/// The fields that `per` names.
fn per(
    report: &mut Report<'_>,
    (of, fields): (&StoredType<'_>, &[Field]),
    field: &Field,
    directive: &Node<Directive>,
) -> Vec<FieldId> {
    let Some(value) = directive.specified_argument_by_name("per").filter(|value| !value.is_null()) else {
        return Vec::new();
    };
    let mut per = Vec::new();
    for (name, place) in read::texts(value) {
        match counted_by((of, fields), field, name) {
            Ok(by) if per.contains(&by.id) => {
                report.error(place, format!("`per` names `{name}` twice"), "again here", "remove it");
            }
            Ok(by) => {
                check_class(report, (field, by), place);
                per.push(by.id);
            }
            Err((message, help)) => report.error(place, message, format!("`{name}`"), help),
        }
    }
    if read::texts(value).next().is_none() {
        let help = "name a field, such as `per: \"project\"`, or remove `per` to number all records in one series";
        report.error(value.location(), "`per` names no field", "no field", help);
    }
    if per.len() > limits::SEQUENCE_FIELDS {
        let most = limits::SEQUENCE_FIELDS;
        report.error(value.location(), format!("`per` names at most {most} fields"), "too many", "name fewer");
    }
    per
}

/// The field of this name, if a sequence can count by it.
fn counted_by<'f>(
    (of, fields): (&StoredType<'_>, &'f [Field]),
    field: &Field,
    name: &str,
) -> Result<&'f Field, (String, String)> {
    let is_given = |by: &Field| by.id > Collection::VERSION && by.kind.is_indexable() && !by.is_computed();
    let Some(by) = fields.iter().find(|by| by.name == name) else {
        let known = fields.iter().filter(|by| by.id != field.id && is_given(by));
        let of_date = name.split_once('.').filter(|(name, _)| fields.iter().any(|by| by.name == *name));
        let help = match of_date {
            Some((date, part)) => format!(
                "count by a field of its own, such as `{part}: Int @set(on: CREATE, to: \"{part}(this.{date})\")`"
            ),
            None => suggestion(name, known.map(|by| by.name.as_str())),
        };
        return Err((format!("{} has no field `{name}`", of.node.name), help));
    };
    let is_sequence = of.declared().any(|(of, id)| id == by.id && of.node.directives.has("sequence"));
    let refusal = if by.id == field.id {
        Some(("a sequence can't count by itself", "name a field such as `project`, or remove it"))
    } else if is_sequence {
        Some(("a sequence can't count by another one", "name a field that clients or the model give a value"))
    } else if by.is_computed() || by.is_sum() {
        Some(("a sequence can't count by a computed field", "name a field that is stored"))
    } else if by.id <= Collection::VERSION {
        Some(("a sequence can't count by a field that differs in every record", "remove it"))
    } else if !by.kind.is_indexable() {
        Some((
            "a sequence can't count by this field",
            "name a relation to one record, an enum, or a scalar other than `Text`, `JSON`, `Money` and `Bytes`",
        ))
    } else {
        None
    };
    refusal.map_or(Ok(by), |(message, help)| Err((message.to_owned(), help.to_owned())))
}

/// Which of a series a record is shows in what it is counted by.
fn check_class(report: &mut Report<'_>, (field, by): (&Field, &Field), place: Option<SourceSpan>) {
    let Some(class) = by.class.filter(|class| field.class < Some(*class)) else { return };
    let class = class.word();
    let message = format!("`{}` would show something of `{}`, which is {class}", field.name, by.name);
    report.error(place, message, class, format!("write `@class(is: {class})` on `{}` too, or remove it", field.name));
}

fn number_format(
    report: &mut Report<'_>,
    fields: &[Field],
    (field, per): (&Field, &[FieldId]),
    (text, place): (&str, Option<SourceSpan>),
) -> Option<NumberFormat> {
    let (mut pieces, mut rest) = (Vec::new(), text);
    while let Some(open) = rest.find(['{', '}']) {
        let close = rest[open..].find('}').filter(|close| *close > 0);
        let Some(close) = close else {
            let help = "write placeholders as `{n}`; a number's text can't contain braces";
            report.error(place, "`format` has an unmatched brace", "this format", help);
            return None;
        };
        pieces.extend((open > 0).then(|| NumberPiece::Text(rest[..open].to_owned())));
        let inner = &rest[open + 1..open + close];
        match placeholder(fields, per, inner) {
            Ok(piece) => pieces.push(piece),
            Err((message, help)) => {
                report.error(place, message, "this format", help);
                return None;
            }
        }
        rest = &rest[open + close + 1..];
    }
    pieces.extend((!rest.is_empty()).then(|| NumberPiece::Text(rest.to_owned())));
    let numbers = pieces.iter().filter(|piece| matches!(piece, NumberPiece::Number(_))).count();
    if numbers != 1 {
        let what = if numbers == 0 { "has no" } else { "has more than one" };
        let help = "write `{n}` once, or `{n:05}` for at least five digits";
        report.error(place, format!("the format of `{}` {what} `{{n}}`", field.name), "this format", help);
        return None;
    }
    if text.chars().count() > limits::SEQUENCE_FORMAT_CHARS {
        let most = limits::SEQUENCE_FORMAT_CHARS;
        report.error(place, format!("a format has at most {most} characters"), "too long", "make it shorter");
        return None;
    }
    Some(NumberFormat { pieces })
}

/// What stands between two braces.
fn placeholder(fields: &[Field], per: &[FieldId], inner: &str) -> Result<NumberPiece, (String, String)> {
    if inner == "n" {
        return Ok(NumberPiece::Number(1));
    }
    if let Some(digits) = inner.strip_prefix("n:") {
        let width = digits.strip_prefix('0').and_then(|digits| digits.parse().ok());
        let width = width.filter(|width| (1..=limits::SEQUENCE_DIGITS).contains(width));
        let most = limits::SEQUENCE_DIGITS;
        let help = format!("write `{{n:05}}` for at least five digits, and {most} at most");
        return width
            .map(NumberPiece::Number)
            .ok_or_else(|| (format!("`{{{inner}}}` is not a number of digits"), help));
    }
    let unknown = |help: String| Err((format!("`format` doesn't know `{{{inner}}}`"), help));
    match fields.iter().find(|field| field.name == inner) {
        Some(field) if per.contains(&field.id) => match field.kind {
            FieldKind::ToOne { .. } => {
                unknown(format!("`{inner}` is a relation, whose id doesn't belong in a number; remove it"))
            }
            _ => Ok(NumberPiece::Field(field.id)),
        },
        Some(_) => unknown(format!("name `{inner}` in `per` too: each of its values then has numbers of its own")),
        None => unknown("the placeholders are `{n}`, `{n:05}` and the fields that `per` names".to_owned()),
    }
}
