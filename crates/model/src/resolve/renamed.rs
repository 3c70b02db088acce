//! `@renamed(from:)`.

use std::collections::HashMap;

use apollo_compiler::parser::SourceSpan;
use apollo_compiler::schema::Directive;
use apollo_compiler::{Name, Node};

use super::kind::Declared;
use super::read;
use super::report::Report;
use crate::{Diagnostic, Field};

/// The names that something had before.
pub(super) fn former<'d>(
    report: &mut Report<'_>,
    name: &Name,
    directives: impl Iterator<Item = &'d Directive>,
) -> Vec<String> {
    let directives: Vec<&Directive> = directives.collect();
    if let Some(keep) = directives.iter().find(|directive| keeps(directive)) {
        let keep = keep.specified_argument_by_name("keep").and_then(Node::location);
        let help = "remove `keep`; use it on fields, whose old names clients may go on using";
        report.error(keep, format!("`keep` has no meaning for `{name}`"), "not here", help);
    }
    names(report, name, directives.into_iter(), |from| Name::new(from).is_ok())
}

/// The names that a field had before, and those that clients may go on using.
pub(super) fn former_of_field(report: &mut Report<'_>, declared: &Declared<'_, '_>) -> (Vec<String>, Vec<String>) {
    let all = || declared.node.directives.get_all("renamed").map(|directive| &**directive);
    let is_name = |from: &str| Name::new(from).is_ok();
    // A field of the record can have been a member of an embedded value.
    let is_path = |from: &str| from.split('.').all(is_name);
    let own = &declared.node.name;
    let former = match declared.of {
        Some(_) => names(report, own, all(), is_path),
        None => names(report, own, all(), is_name),
    };
    if declared.of.is_none() {
        return (former, Vec::new());
    }
    let mut kept = Vec::new();
    for (from, place) in
        all().filter(|directive| keeps(directive)).filter_map(|directive| read::text(directive, "from"))
    {
        if from.contains('.') {
            let message = format!("clients can't go on using the path `{from}`");
            report.error(
                place,
                message,
                "a member of an embedded value",
                "remove `keep`, and tell clients of the new name",
            );
        } else if former.iter().any(|known| known == from) {
            kept.push(from.to_owned());
        }
    }
    (former, kept)
}

/// The paths that a member of an embedded value had before: it, the field that holds the value, or both may have been
/// called otherwise.
pub(super) fn former_of_member(parent: &Field, name: &str, former: &[String]) -> Vec<String> {
    let parents = || std::iter::once(&parent.name).chain(&parent.former);
    let names = std::iter::once(name).chain(former.iter().map(String::as_str));
    let paths = names.flat_map(|name| parents().map(move |parent| format!("{parent}.{name}")));
    // The first one is the path that it has now.
    paths.skip(1).collect()
}

fn keeps(directive: &Directive) -> bool {
    directive.specified_argument_by_name("keep").and_then(|keep| keep.to_bool()) == Some(true)
}

fn names<'d>(
    report: &mut Report<'_>,
    name: &Name,
    directives: impl Iterator<Item = &'d Directive>,
    is_name: impl Fn(&str) -> bool,
) -> Vec<String> {
    let mut former: Vec<String> = Vec::new();
    for (from, place) in directives.filter_map(|directive| read::text(directive, "from")) {
        if from == name.as_str() {
            let help = "give the name that it had before, or remove `@renamed`";
            report.error(place, format!("`{name}` is renamed from itself"), "the same name", help);
        } else if !is_name(from) {
            let help = "write the bare name that it had before, such as \"title\"";
            let message =
                if from.is_empty() { "the name is empty".to_owned() } else { format!("`{from}` is not a name") };
            report.error(place, message, "not a name", help);
        } else if former.iter().any(|known| known == from) {
            report.error(
                place,
                format!("`{name}` is renamed from `{from}` twice"),
                "again here",
                "remove one of the two",
            );
        } else {
            former.push(from.to_owned());
        }
    }
    former
}

/// Checks that no name that a field still answers to is that of another one.
pub(super) fn check_kept(report: &mut Report<'_>, fields: &[Field]) {
    for field in fields {
        for kept in &field.kept_names {
            if let Some(other) = fields.iter().find(|other| other.name == *kept) {
                let diagnostic = Diagnostic::error(format!("`{}` can't go on answering to `{kept}`", field.name))
                    .at(field.span, "keeps the name")
                    .and(other.span, "has the name")
                    .help("remove `keep: true`, or give the other field another name");
                report.push(diagnostic);
            }
        }
    }
}

/// Checks that no two of these were called the same before.
pub(super) fn check_former<'n>(
    report: &mut Report<'_>,
    all: impl Iterator<Item = (&'n str, &'n [String])>,
    place: Option<SourceSpan>,
) {
    let mut seen: HashMap<&str, &str> = HashMap::new();
    for (name, former) in all {
        for from in former {
            if let Some(first) = seen.insert(from, name) {
                let message = format!("`{first}` and `{name}` are both renamed from `{from}`");
                let help = "keep `@renamed` on the one that the stored values belong to; the other is new";
                report.error(place, message, "in here", help);
            }
        }
    }
}
