//! `@key`: how the ids of a type's records are made.

use apollo_compiler::Node;
use apollo_compiler::ast::Directive;

use super::report::Report;
use super::survey::StoredType;
use crate::{Key, KeyKind};

/// How the ids of a type's records are made.
pub(super) fn key(report: &mut Report<'_>, of: &StoredType<'_>) -> Key {
    let Some(directive) = of.node.directives.get("key") else { return Key::UNMARKED };
    if directive.arguments.is_empty() {
        let help = "write `@key(given: true)` to let clients make the ids, `@key(type: UUID4)` for random ones, `@key(type: INT)` for numbers or `@key(type: TEXT)` for texts";
        report.error(directive.location(), "`@key` needs an argument", "what of the ids?", help);
    }
    let kind = of.key_kind();
    check_form(report, of, (directive, kind));
    let given = directive.specified_argument_by_name("given").filter(|given| given.to_bool() == Some(true));
    if let Some(given) = given {
        let marked = |name: &str| of.node.directives.has(name);
        let name = &of.node.name;
        if marked("identity") {
            let help =
                "remove `given: true`; Backstay makes the ids of accounts, because rules compare `auth.id` with them";
            let message = format!("clients can't give the ids of {name}, whose records are accounts");
            report.error(given.location(), message, "on the type marked `@identity`", help);
        }
        if marked("single") {
            let message = format!("clients can't give the id of {name}, which has one record");
            let help = "remove `given: true`; Backstay makes the record before a client can";
            report.error(given.location(), message, "on a type marked `@single`", help);
        }
    }
    Key { kind, given: given.is_some() || kind == KeyKind::Text }
}

/// Refuses numbers and texts where an id must be a UUID.
fn check_form(report: &mut Report<'_>, of: &StoredType<'_>, (directive, kind): (&Node<Directive>, KeyKind)) {
    let name = &of.node.name;
    let marked = |name: &str| of.node.directives.has(name);
    let place = directive.specified_argument_by_name("type").and_then(Node::location);
    let refusals = [
        ("identity", "whose records are accounts: rules compare `auth.id` with their ids"),
        ("single", "which has one record, whose id follows from the type's name"),
        ("tree", "whose paths are made of UUIDs"),
    ];
    for (directive, why) in refusals.into_iter().filter(|(directive, _)| kind.version().is_none() && marked(directive))
    {
        let message = format!("the ids of {name} can't be {}", kind.words());
        let help = format!("write `UUID7` or `UUID4` for a type marked `@{directive}`, {why}");
        report.error(place, message, format!("on a type marked `@{directive}`"), help);
    }
    let given = directive.specified_argument_by_name("given");
    if let Some(given) = given.filter(|given| kind == KeyKind::Text && given.to_bool() == Some(false)) {
        let message = format!("nothing can make the ids of {name}: texts are always given");
        report.error(given.location(), message, "not for texts", "write `given: true`, or leave `given` out");
    }
}
