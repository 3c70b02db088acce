use apollo_compiler::Node;
use backstay_base::ViolationKind;
use backstay_scalar::Scalar;

use super::kind::Declared;
use super::naming::{check_field_name, check_member_name};
use super::renamed::former_of_field;
use super::report::Report;
use super::survey::{StandardField, StoredType};
use super::{computed, directive, jobs, money, read, search, sequence, slug};
use crate::{Collection, Field, FieldId, FieldKind, Key, SetOn};

/// One of the fields that every record has.
pub(super) fn standard_field(
    report: &mut Report<'_>,
    (of, key): (&StoredType<'_>, Key),
    standard: &StandardField,
) -> Field {
    let StandardField { id, name, written, scalar } = *standard;
    let declared = of.node.fields.get(name);
    if let Some(declared) = declared {
        let help = format!("write `{name}: {written}`, or leave it out: every record has it");
        if declared.ty.to_string() != written {
            let message = format!("`{name}` has the type `{written}` in every record");
            report.error(declared.name.location(), message, format!("declared as `{}`", declared.ty), help);
        } else if let Some(directive) = declared.directives.first() {
            let message = format!("`{name}` takes no directives");
            report.error(directive.location(), message, "not here", "remove it; Backstay alone writes this field");
        }
    }
    let scalar = if id == Collection::ID { key.scalar() } else { scalar };
    let span = report.span_of(declared.map_or(&of.node.name, |field| &field.name));
    Field {
        description: declared.and_then(|field| read::description(field.description.as_ref())),
        unique: id == Collection::ID,
        readonly: !(id == Collection::ID && key.given),
        immutable: matches!(id, Collection::ID | Collection::CREATED_AT),
        ..Field::unmarked(id, name, FieldKind::Scalar(scalar), true, span)
    }
}

/// A declared field. Where its type is wrong, a stand-in that keeps the indexes of the others.
pub(super) fn field(report: &mut Report<'_>, declared: &Declared<'_, '_>, id: FieldId) -> Field {
    let node = declared.node;
    match declared.of {
        Some(_) => check_field_name(report, &node.name),
        None => check_member_name(report, &node.name),
    }
    let resolved = declared.kind(report);
    let is_sound = resolved.is_some();
    // A stand-in that indexes take, so that they are not refused because of it.
    let kind = resolved.unwrap_or(FieldKind::Scalar(Scalar::String));
    let required = node.ty.is_non_null() && !kind.is_to_many();
    let (former, kept_names) = former_of_field(report, declared);
    let mut field = Field {
        former,
        kept_names,
        description: read::description(node.description.as_ref()),
        unique: node.directives.get_all("unique").any(|unique| unique.specified_argument_by_name("where").is_none()),
        readonly: node.directives.has("readonly"),
        immutable: node.directives.has("immutable"),
        connects: node.directives.has("connect"),
        ..Field::unmarked(id, &node.name, kind, required, report.span_at(node.name.location().or(node.location())))
    };
    if is_sound {
        for directive in &node.directives.0 {
            directive::apply(report, declared.names, &mut field, directive);
        }
        computed::check(report, declared, &mut field);
        money::check(report, declared);
        slug::check(report, declared, &field);
        search::check(report, declared, &field);
        sequence::check(report, declared, &field);
        check_default(report, declared, &field);
        check_writable(report, declared, &field);
    }
    field
}

/// A default is as long as `@length` says, in the field's `@range`, and matches its `@pattern`, whichever of the directives
/// is written first.
fn check_default(report: &mut Report<'_>, declared: &Declared<'_, '_>, field: &Field) {
    let Some(default) = &field.default else { return };
    let of_length = field.length.and_then(|length| length.check(&field.kind, default).err());
    let (limit, problem) = match (of_length, field.check_values(default)) {
        (Some(problem), _) => ("`@length`".to_owned(), problem.to_string()),
        (None, Ok(())) => return,
        (None, Err(misfit)) => {
            let problem = match misfit.kind {
                ViolationKind::Check { message } => format!("is refused: {message}"),
                other => other.to_string(),
            };
            (misfit.limit.to_string(), problem)
        }
    };
    let place = declared.node.directives.get("default").and_then(Node::location);
    let message = format!("the default of `{}` does not fit its {limit}", field.name);
    report.error(place, message, "does not fit", format!("the value {problem}"));
}

/// A value that is required must come from somewhere.
fn check_writable(report: &mut Report<'_>, declared: &Declared<'_, '_>, field: &Field) {
    let state = matches!(field.kind, FieldKind::Enum(id) if declared.names.has_states(id));
    let set = field.set.iter().any(|set| set.on != SetOn::Update && set.when.is_none());
    // Each member of an embedded value is checked separately.
    if matches!(field.kind, FieldKind::Embedded(_)) {
        return;
    }
    // A default that does not fit is reported already.
    let default = field.default.is_some() || declared.node.directives.has("default");
    let made = declared.node.directives.has("slug") || declared.node.directives.has("sequence");
    let hooked = declared.of.is_some_and(|of| jobs::fills_new(&of.node.directives));
    let given = field.is_computed() || field.is_sum() || !field.readonly || default || set || made || state || hooked;
    if field.required && !given && !declared.system {
        let message = format!("nobody can give `{}` the value that it requires", field.name);
        let help =
            "add `@default(to: …)`, `@default(from: …)` or `@set(on: CREATE, to: …)`, or remove the `!` or `@readonly`";
        report.error(declared.node.name.location(), message, "required and read-only", help);
    }
}
