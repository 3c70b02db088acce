//! `@renamed(from:)`.

use std::collections::HashMap;

use apollo_compiler::Name;
use apollo_compiler::parser::SourceSpan;
use apollo_compiler::schema::Directive;

use super::read;
use super::report::Report;

/// The names that something had before.
pub(super) fn former<'d>(
    report: &mut Report<'_>,
    name: &Name,
    directives: impl Iterator<Item = &'d Directive>,
) -> Vec<String> {
    let mut former: Vec<String> = Vec::new();
    for (from, place) in directives.filter_map(|directive| read::text(directive, "from")) {
        if from == name.as_str() {
            let help = "give the name that it had before, or remove `@renamed`";
            report.error(place, format!("`{name}` is renamed from itself"), "the same name", help);
        } else if Name::new(from).is_err() {
            let help = "write the bare name that it had before, such as \"title\"";
            report.error(place, format!("`{from}` is not a name"), "not a name", help);
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
