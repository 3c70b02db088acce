//! The directives of fields.

use apollo_compiler::Node;
use apollo_compiler::schema::Directive;
use backstay_scalar::Scalar;

use super::index::is_indexable;
use super::report::Report;
use super::survey::Names;
use super::{default, length, read};
use crate::{Allow, Check, Class, Element, Field, FieldKind, Set, SetOn};

/// Characters of the message of a check.
const MESSAGE_CHARS: usize = 200;

/// Reads one directive of a field into the field.
pub(super) fn apply(report: &mut Report<'_>, names: Names<'_, '_>, field: &mut Field, directive: &Node<Directive>) {
    if !check_applies(report, names, &field.kind, directive) {
        return;
    }
    match directive.name.as_str() {
        "default" => {
            let Some(value) = directive.specified_argument_by_name("to") else { return };
            match default::read(value, &field.kind, names.enums) {
                Ok(value) => field.default = Some(value),
                Err(help) => {
                    let message = format!("the default of `{}` does not fit its type", field.name);
                    report.error(value.location(), message, "does not fit", help);
                }
            }
        }
        "length" => field.length = length::read(report, field, directive),
        "set" => set(report, field, directive),
        "class" => {
            field.class = match read::word(directive, "is") {
                Some("PERSONAL") => Some(Class::Personal),
                Some("MEDICAL") => Some(Class::Medical),
                Some("CARD") => Some(Class::Card),
                _ => Some(Class::Secret),
            };
        }
        "allow" => {
            field.allow = allow(report, directive);
            if field.allow.delete.is_some() {
                let help = "a record is deleted as a whole: write `delete:` in the `@allow` of the type";
                report.error(directive.location(), "a field cannot be deleted", "`delete:` on a field", help);
            }
        }
        "check" => check(report, field, directive),
        "unique" if directive.specified_argument_by_name("fields").is_some() => {
            let help = "write `@unique` here, or `@unique(fields: […])` on the type";
            report.error(directive.location(), "`fields` is for `@unique` on a type", "on a field", help);
        }
        _ => {}
    }
}

/// Whether the directive has a meaning for a field that holds this.
fn check_applies(report: &mut Report<'_>, names: Names<'_, '_>, kind: &FieldKind, directive: &Node<Directive>) -> bool {
    let stored = kind.is_stored();
    let to_one = matches!(kind, FieldKind::ToOne { .. });
    let state = matches!(kind, FieldKind::Enum(id) if names.has_states(*id));
    let decimal = matches!(
        kind,
        FieldKind::Scalar(Scalar::Decimal { .. }) | FieldKind::List(Element::Scalar(Scalar::Decimal { .. }))
    );
    let (applies, help) = match directive.name.as_str() {
        "unique" => (
            is_indexable(kind),
            "it is for relations to one record, enums, and scalars other than `Text`, `JSON`, `Money` and `Bytes`",
        ),
        "readonly" | "immutable" => {
            (!matches!(kind, FieldKind::OneToMany { .. }), "write it on the field at the other end")
        }
        "default" if state => (false, "the state marked `@initial` is the default"),
        "set" if state => (false, "a state changes by its transitions alone, so that every guard is asked"),
        "set" | "check" => (stored, "it is for fields that are stored in the record itself"),
        "default" | "class" => (stored && !to_one, "it is for scalars, enums and lists of them"),
        "onDelete" => (to_one, "it is for relations to one record"),
        "inverse" => (kind.is_to_many(), "it is for the side of a relation that is a list"),
        "precision" => (decimal, "it is for Decimal"),
        "length" => (
            length::most(kind).is_some(),
            "it is for `String`, `Text`, `Email`, `Url` and `Locale`, and for lists of scalars or enum values",
        ),
        _ => (true, ""),
    };
    if !applies {
        let message = format!("`@{}` has no meaning for this field", directive.name);
        report.error(directive.location(), message, "not here", help);
    }
    applies
}

fn set(report: &mut Report<'_>, field: &mut Field, directive: &Node<Directive>) {
    let on = match read::word(directive, "on") {
        Some("CREATE") => SetOn::Create,
        Some("UPDATE") => SetOn::Update,
        _ => SetOn::Write,
    };
    let Some(to) = read::rule(report, directive, "to") else { return };
    if field.set.iter().any(|set| set.on == on || set.on == SetOn::Write || on == SetOn::Write) {
        let message = format!("`{}` is set twice at the same moment", field.name);
        let help = "keep one `@set`, or one for CREATE and one for UPDATE";
        report.error(directive.location(), message, "again here", help);
    }
    field.set.push(Set { on, to });
}

fn check(report: &mut Report<'_>, field: &mut Field, directive: &Node<Directive>) {
    let Some(rule) = read::rule(report, directive, "rule") else { return };
    let Some((message, place)) = read::text(directive, "message") else { return };
    if message.trim().is_empty() || message.chars().count() > MESSAGE_CHARS {
        let help =
            format!("say in 1 to {MESSAGE_CHARS} characters what is expected, such as \"at most 80 characters\"");
        report.error(place, "this is no message for a check", "not a message", help);
    }
    field.checks.push(Check { rule, message: message.to_owned() });
}

/// Reads the rules of `@allow`, of a type or of a field.
pub(super) fn allow(report: &mut Report<'_>, directive: &Node<Directive>) -> Allow {
    let allow = Allow {
        read: read::rule(report, directive, "read"),
        create: read::rule(report, directive, "create"),
        update: read::rule(report, directive, "update"),
        delete: read::rule(report, directive, "delete"),
    };
    if directive.arguments.is_empty() {
        let help = "say what is allowed to whom, such as `@allow(read: \"true\")`, or remove it";
        report.error(directive.location(), "`@allow` allows nothing", "no rule in it", help);
    }
    allow
}
