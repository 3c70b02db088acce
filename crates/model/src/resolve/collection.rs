use apollo_compiler::schema::Directive;
use backstay_base::limits;

use super::closed::Closed;
use super::field::{field, standard_field};
use super::index::indexes;
use super::key::key;
use super::kind::Declared;
use super::members;
use super::naming::check_definition_name;
use super::read;
use super::renamed::{check_former, check_kept, former};
use super::report::Report;
use super::survey::{Names, STANDARD_FIELDS, StoredType};
use super::timers::{Timed, timers};
use super::trash::{trash, trash_index};
use super::tree::{tree, tree_index};
use super::{allow, deprecated, directive, exclude, search, sequence, slug};
use crate::names::suggestion;
use crate::{Asked, Check, Collection, Computed, Diagnostic, Field, FieldId, FieldKind, Key, Lint, Trash, names};

/// Prefixes of tables that the databases keep for themselves.
const TABLE_PREFIXES: &[&str] = &["sqlite_", "pg_"];

/// The collection that a type declares.
pub(super) fn collection<'a>(report: &mut Report<'_>, names: Names<'_, 'a>, of: &StoredType<'a>) -> Collection {
    let node = of.node;
    check_definition_name(report, &node.name, of.system, "type");
    if let Some(prefix) = TABLE_PREFIXES.iter().find(|prefix| of.table.starts_with(**prefix)) {
        let message = format!("the databases keep tables that begin with `{prefix}` for themselves");
        let label = format!("its table is `{}`", of.table);
        report.error(node.name.location(), message, label, "give the type another name");
    }
    let key = key(report, of);
    let closed = Closed::of(report, of);
    let mut fields = fields(report, names, (of, key), &closed);
    let trash = trash(report, of, &mut fields);
    let tree = tree(report, of, &mut fields);
    let allow = allow::of_type(report, (of, &closed), (&fields, trash));
    if allow.first().is_none_or(|own| own.clauses.is_empty()) && !of.system {
        let message = format!("{} refuses everyone", node.name);
        let help = "write `@allow(read: …, create: …, update: …, delete: …)` on the type; what has no rule is refused";
        report.warn(&node.name, Diagnostic::warning(Lint::NoAllow, message).help(help), "no `@allow`");
    }
    check_former(
        report,
        fields.iter().map(|field| (field.name.as_str(), field.former.as_slice())),
        node.name.location(),
    );
    check_kept(report, &fields);
    let checks: Vec<Check> =
        node.directives.get_all("check").filter_map(|directive| directive::check(report, directive)).collect();
    for check in checks.iter().chain(fields.iter().flat_map(|field| &field.checks)) {
        check_guards(report, &node.name, (&fields, trash), check);
    }
    let exclusions = exclude::exclusions(report, of, &fields);
    let timers = timers(report, names, Timed { of, fields: &fields, trash });
    let kept = fields.iter().flat_map(|field| kept_names(field, &fields));
    let named = fields.iter().filter(|field| !field.internal);
    let collection = Collection {
        id: of.id,
        name: node.name.to_string(),
        former: former(report, &node.name, node.directives.get_all("renamed").map(|directive| &***directive)),
        path: path(report, of),
        table: of.table.clone(),
        description: read::description(node.description.as_ref()),
        deprecated: node.directives.get("deprecated").map(|directive| deprecated::reason(report, directive)),
        system: of.system,
        single: node.directives.has("single"),
        by_name: kept.chain(named.map(|field| (field.name.clone(), field.id))).collect(),
        indexes: indexes(report, of, &fields, (&exclusions, &timers))
            .into_iter()
            .chain(trash.map(|trash| trash_index(of, trash)))
            .chain(tree.map(|tree| tree_index(of, tree)))
            .collect(),
        mentions: Vec::new(),
        exclusions,
        timers,
        trash,
        tree,
        // Follow when all types are known.
        history: None,
        versions: None,
        key,
        fields,
        allow,
        checks,
        span: report.span_of(&node.name),
    };
    allow::check_naming(report, &collection);
    collection
}

/// What a check guards are fields that an update can change.
fn check_guards(report: &mut Report<'_>, of: &str, (fields, trash): (&[Field], Option<Trash>), check: &Check) {
    let is_trashed_at = |field: &Field| trash.is_some_and(|trash| trash.at == field.id);
    // A check at commit notices what happens to the records of a list, and doesn't notice links.
    let is_unnoticed = |field: &Field| match (&field.kind, check.asked) {
        (FieldKind::OneToMany { .. } | FieldKind::OneToOne { .. }, Asked::AtCommit) => false,
        (FieldKind::ManyToMany { .. } | FieldKind::Lineage { .. }, Asked::AtCommit) => true,
        (kind, Asked::AtWrite | Asked::AtCommit) => kind.declared_by().is_some(),
    };
    let never_changes = |field: &Field| field.id <= Collection::VERSION || is_unnoticed(field) || is_trashed_at(field);
    let changing = || fields.iter().filter(|field| !never_changes(field) && !field.is_computed());
    for (name, span) in check.guards.iter().flatten() {
        let found = fields.iter().find(|field| field.name == *name);
        let diagnostic = match found.map(|field| (field, &field.computed)) {
            None => {
                let help = suggestion(name, changing().map(|field| field.name.as_str()));
                Diagnostic::error(format!("{of} has no field `{name}`")).at(*span, "not a field").help(help)
            }
            Some((Field { kind: FieldKind::ManyToMany { .. }, .. }, _)) if check.asked == Asked::AtCommit => {
                let help = "remove it from `guards`, or check it when it is written, without `on: COMMIT`";
                let diagnostic = Diagnostic::error(format!("a check at commit can't guard `{name}`, which is links"));
                diagnostic.at(*span, "links").help(help)
            }
            Some((field, _)) if never_changes(field) => {
                let diagnostic = Diagnostic::error(format!("no update changes `{name}` of {of}"));
                diagnostic.at(*span, "never changes").help("remove it from `guards`")
            }
            Some((_, Some(Computed { is, .. }))) => {
                let plain = changing().filter(|field| !matches!(field.kind, FieldKind::Embedded(_)));
                let sources = plain.filter(|field| names::is_named_in(&is.text, &field.name));
                let sources: Vec<String> = sources.map(|field| format!("`{}`", field.name)).collect();
                let help = match sources.as_slice() {
                    [] => "remove it from `guards`, or guard the fields that it is computed from".to_owned(),
                    sources => format!("guard the fields that it is computed from: {}", sources.join(", ")),
                };
                let diagnostic = Diagnostic::error(format!("`{name}` of {of} is computed, so no update changes it"));
                diagnostic.at(*span, "computed").help(help)
            }
            Some((_, None)) => continue,
        };
        report.push(diagnostic);
    }
}

/// The old names that a field still answers to: those of its own, and of a member those of the field that it is in.
fn kept_names<'f>(field: &'f Field, fields: &'f [Field]) -> impl Iterator<Item = (String, FieldId)> {
    let outer = field.name.split('.').next().and_then(|outer| fields.iter().find(|field| field.name == outer));
    let kept = outer.into_iter().flat_map(|outer| outer.kept_names.iter().map(move |kept| (kept, outer)));
    kept.map(|(kept, outer)| (format!("{kept}{}", &field.name[outer.name.len()..]), field.id))
}

/// The standard fields, then the declared ones.
fn fields<'a>(
    report: &mut Report<'_>,
    names: Names<'_, 'a>,
    (of, key): (&StoredType<'a>, Key),
    closed: &Closed,
) -> Vec<Field> {
    let standard = STANDARD_FIELDS.iter().map(|standard| standard_field(report, (of, key), standard));
    let mut fields: Vec<Field> = standard.collect();
    for (surveyed, id) in of.declared() {
        let field = if let Some(parent) = surveyed.within {
            members::member(report, names, (surveyed, id), &fields[usize::from(parent.0)])
        } else {
            let declared = Declared { names, of: Some(of), system: of.system, node: surveyed.node };
            let mut field = field(report, &declared, id);
            closed.close(report, of, &mut field);
            field
        };
        fields.push(field);
    }
    slug::sources(report, of, &mut fields);
    search::check_number(report, &fields);
    sequence::sequences(report, of, &mut fields);
    if of.fields.is_empty() {
        let (name, help) = (&of.node.name, "give it a field such as `name: String!`, or remove it");
        report.error(name.location(), format!("{name} has no fields of its own"), "this type", help);
    }
    fields
}

fn path(report: &mut Report<'_>, of: &StoredType<'_>) -> String {
    let node = of.node;
    let usual = || if node.directives.has("single") { names::word(&node.name) } else { names::path(&node.name) };
    let written = node.directives.get("path").and_then(|directive| written_path(report, directive, of.system));
    written.unwrap_or_else(usual)
}

/// The path that `@path` gives a type or an interface of the system model or of an application.
pub(super) fn written_path(report: &mut Report<'_>, directive: &Directive, system: bool) -> Option<String> {
    let (path, place) = read::text(directive, "is")?;
    let shaped = path.starts_with(|c: char| c.is_ascii_lowercase())
        && path.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
        && !path.ends_with('-')
        && path.len() <= limits::MODEL_NAME_CHARS;
    if !shaped {
        let help = if path.starts_with('/') {
            format!("write the part after `{}` alone, such as \"blog-posts\"", report.path_of(""))
        } else {
            "a path has up to 48 lower-case letters, digits and hyphens, and starts with a letter".to_owned()
        };
        let message = if path.is_empty() { "the path is empty".to_owned() } else { format!("`{path}` is not a path") };
        report.error(place, message, "not a path", help);
    } else if path.starts_with("backstay") != system {
        let help = "paths that begin with `backstay` are those of the system model";
        report.error(place, format!("`{path}` cannot be the path of this type"), "reserved", help);
    }
    Some(path.to_owned())
}
