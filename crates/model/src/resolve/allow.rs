//! `@allow`, of types and of fields.

use apollo_compiler::Node;
use apollo_compiler::parser::SourceSpan;
use apollo_compiler::schema::{Component, Directive};
use backstay_base::limits;

use super::closed::Closed;
use super::report::Report;
use super::survey::StoredType;
use super::{layers, read};
use crate::names::suggestion;
use crate::{Allow, Collection, Diagnostic, Field, FieldId, Layer, OwnerName, Trash, UpdateRule};

const CALLS: &str = "remove it; `call:` is for actions, the fields of `type Query` and `type Mutation`";

/// The clauses of a type, by owner.
pub(super) fn of_type(
    report: &mut Report<'_>,
    (of, closed): (&StoredType<'_>, &Closed),
    (fields, trash): (&[Field], Option<Trash>),
) -> Vec<Layer> {
    let directives: Vec<&Component<Directive>> = of.node.directives.get_all("allow").collect();
    for call in directives.iter().filter_map(|directive| directive.specified_argument_by_name("call")) {
        report.error(call.location(), "a type cannot be called", "`call:` on a type", CALLS);
    }
    if let Some(first) = directives.get(limits::MODEL_CLAUSES) {
        too_many(report, first.location(), &of.node.name);
    }
    if trash.is_none() {
        for directive in &directives {
            refuse_trash(report, directive, &of.node.name);
        }
    }
    let clauses = directives.into_iter();
    let clauses =
        clauses.map(|directive| (owner(report, directive), clause(report, directive, (of, fields)))).collect();
    let home = (of.node.name.as_str(), report.places.owner(of.node.location()).into());
    layers::of(report, home, clauses, (closed, fields))
}

fn owner(report: &Report<'_>, directive: &Node<Directive>) -> OwnerName {
    report.places.owner(directive.location()).into()
}

fn too_many(report: &mut Report<'_>, place: Option<SourceSpan>, of: &str) {
    let message = format!("{of} has more than {} clauses", limits::MODEL_CLAUSES);
    report.error(place, message, "one too many", "join rules with `||`, or name parts of them with `@rule`");
}

/// Refuses rules of a trash that there isn't.
fn refuse_trash(report: &mut Report<'_>, directive: &Node<Directive>, of: &str) {
    for argument in ["restore", "purge"] {
        let Some(value) = directive.specified_argument_by_name(argument).filter(|value| !value.is_null()) else {
            continue;
        };
        let help = format!("add `@trash` to the type, or remove `{argument}:`");
        report.error(
            value.location(),
            format!("nobody can {argument} a {of}: it has no trash"),
            format!("`{argument}:` of a type without `@trash`"),
            help,
        );
    }
}

fn clause(report: &mut Report<'_>, directive: &Node<Directive>, (of, fields): (&StoredType<'_>, &[Field])) -> Allow {
    let updates = update_rule(report, directive, &["after", "only"]);
    Allow {
        read: read::rule(report, directive, "read"),
        refer: read::rule(report, directive, "refer"),
        create: read::rule(report, directive, "create"),
        only: only(report, directive, (of, fields)),
        update: updates,
        delete: read::rule(report, directive, "delete"),
        restore: read::rule(report, directive, "restore"),
        purge: read::rule(report, directive, "purge"),
    }
}

/// Reads the rules of a field into it.
pub(super) fn of_field(report: &mut Report<'_>, field: &mut Field, directive: &Node<Directive>) {
    if field.allow.is_of(&owner(report, directive)) {
        let help = "keep one `@allow` on a field, because its rules only restrict; join two rules with `&&`";
        report.error(directive.location(), "`@allow` is written twice", "again here", help);
    }
    let elsewhere = [
        (
            "delete",
            "a field cannot be deleted",
            "a record is deleted as a whole: write `delete:` in the `@allow` of the type",
        ),
        (
            "restore",
            "a field cannot be restored",
            "a record is restored as a whole: write `restore:` in the `@allow` of the type",
        ),
        (
            "purge",
            "a field cannot be purged",
            "a record is purged as a whole: write `purge:` in the `@allow` of the type",
        ),
        ("only", "`only` is for types", "remove it; the rules of a field are about this field alone"),
        ("call", "a field cannot be called", CALLS),
    ];
    for (argument, message, help) in elsewhere {
        if let Some(value) = directive.specified_argument_by_name(argument) {
            report.error(value.location(), message, format!("`{argument}:` on a field"), help);
        }
    }
    let updates = update_rule(report, directive, &["after"]);
    field.allow.read.extend(read::rule(report, directive, "read"));
    field.allow.refer.extend(read::rule(report, directive, "refer"));
    field.allow.create.extend(read::rule(report, directive, "create"));
    field.allow.update.extend(updates);
}

/// Refuses rules of fields that nobody names a record by: a key names one by all of its fields.
pub(super) fn check_naming(report: &mut Report<'_>, of: &Collection) {
    let keys = of.keys();
    let is_whole = |key: &&Vec<FieldId>| key.iter().all(|field| !of.field(*field).allow.refer.is_empty());
    for field in &of.fields {
        let mut own = keys.iter().filter(|key| key.contains(&field.id));
        let Some(refer) = field.allow.refer.first().filter(|_| !own.clone().any(|key| is_whole(&key))) else {
            continue;
        };
        let message = format!("no {} is named by `{}`", of.name, field.name);
        let help = match own.next() {
            Some(key) => {
                let names: Vec<String> = key.iter().map(|id| format!("`{}`", of.field(*id).name)).collect();
                format!("{} name one together: write `refer:` on each of them", names.join(" and "))
            }
            None => "write it on a field of a unique key, or in the `@allow` of the type, for links by id".to_owned(),
        };
        report.push(Diagnostic::error(message).at(refer.span, "`refer:` on a field").help(help));
    }
}

/// `update:` and `after:`. Refuses a directive that says nothing, and what restricts an `update:` that isn't there.
fn update_rule(report: &mut Report<'_>, directive: &Node<Directive>, restricting: &[&str]) -> Option<UpdateRule> {
    if directive.arguments.iter().all(|argument| argument.value.is_null()) {
        let help = "say what is allowed to whom, such as `@allow(read: \"true\")`, or remove it";
        report.error(directive.location(), "`@allow` allows nothing", "no rule in it", help);
    }
    let (rule, after) = (read::rule(report, directive, "update"), read::rule(report, directive, "after"));
    let given = |argument: &str| directive.specified_argument_by_name(argument).filter(|value| !value.is_null());
    if given("update").is_none() {
        for argument in restricting {
            if let Some(value) = given(argument) {
                let message = format!("`{argument}` restricts `update`, which is missing here");
                let help = format!("write `update:` beside it; each `@allow` has its own `{argument}`");
                report.error(value.location(), message, "nothing to restrict", help);
            }
        }
    }
    rule.map(|rule| UpdateRule { rule, after })
}

/// The fields that a clause lets change.
fn only(
    report: &mut Report<'_>,
    directive: &Node<Directive>,
    (of, fields): (&StoredType<'_>, &[Field]),
) -> Option<Vec<FieldId>> {
    let value = directive.specified_argument_by_name("only").filter(|value| !value.is_null())?;
    let mut ids: Vec<FieldId> = Vec::new();
    for (name, place) in read::texts(value) {
        let Some(field) = changeable(report, (of, fields), (name, place)) else { continue };
        if ids.contains(&field.id) {
            report.error(place, format!("`only` names `{name}` twice"), "again here", "remove it");
        }
        ids.push(field.id);
    }
    if read::texts(value).next().is_none() {
        let help = "name the fields that may change, or remove `update` from this `@allow`";
        report.error(value.location(), "`only` names no field, so `update` would allow nothing", "no field", help);
    }
    ids.sort_unstable();
    Some(ids)
}

/// The field of this name, if clients can change it.
fn changeable<'f>(
    report: &mut Report<'_>,
    (of, fields): (&StoredType<'_>, &'f [Field]),
    (name, place): (&str, Option<SourceSpan>),
) -> Option<&'f Field> {
    let changeable = |field: &&Field| field.refused_to_updates().is_none();
    let Some(field) = fields.iter().find(|field| field.name == name) else {
        let known = fields.iter().filter(changeable).map(|field| field.name.as_str());
        report.error(place, format!("{} has no field `{name}`", of.node.name), "not a field", suggestion(name, known));
        return None;
    };
    if let Some(reason) = field.refused_to_updates() {
        let message = format!("no client can change `{name}`: {reason}");
        report.error(place, message, "never changed by clients", "remove it from `only`");
        return None;
    }
    Some(field)
}
