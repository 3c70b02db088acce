use std::sync::Arc;

use apollo_compiler::ast::Value as Literal;
use apollo_compiler::schema::{Component, Directive, EnumType, EnumValueDefinition};
use apollo_compiler::{Name, Node};
use backstay_base::limits;

use super::naming::{check_count, check_definition_name, check_name};
use super::renamed::{check_former, former};
use super::report::Report;
use super::survey::Survey;
use super::{deprecated, read};
use crate::names::suggestion;
use crate::source::Span;
use crate::{Diagnostic, Enum, EnumId, EnumValue, RuleText, Transition};

/// All enums, and the one that is marked `@roles`.
pub(super) fn enums(report: &mut Report<'_>, survey: &Survey<'_>) -> (Vec<Enum>, Option<EnumId>) {
    let mut roles: Option<(EnumId, &Node<EnumType>)> = None;
    let mut enums = Vec::new();
    for (&node, id) in survey.enums.iter().zip((0..).map(EnumId)) {
        let found = enumeration(report, id, node);
        if node.directives.has("roles") {
            check_roles(report, node, &found, roles.map(|(_, first)| first));
            roles = roles.or(Some((id, node)));
        }
        check_former(
            report,
            found.values.iter().map(|value| (&*value.name, value.former.as_slice())),
            node.name.location(),
        );
        enums.push(found);
    }
    check_former(report, enums.iter().map(|of: &Enum| (of.name.as_str(), of.former.as_slice())), None);
    (enums, roles.map(|(id, _)| id))
}

fn check_roles(report: &mut Report<'_>, node: &Node<EnumType>, found: &Enum, first: Option<&Node<EnumType>>) {
    if let Some(first) = first {
        let diagnostic = Diagnostic::error("two enums are marked `@roles`")
            .at(report.span_of(&node.name), "again here")
            .and(report.span_of(&first.name), "first here")
            .help("put all roles into one enum");
        report.push(diagnostic);
    }
    if found.states {
        let help = "remove `@initial` and `@to`, or use another enum for the states";
        report.error(node.name.location(), "roles have no states", "marked `@roles`", help);
    }
    if report.places.is_system(node.location()) {
        report.error(node.name.location(), "the system model has no roles", "in a system file", "remove `@roles`");
    }
}

fn enumeration(report: &mut Report<'_>, id: EnumId, node: &Node<EnumType>) -> Enum {
    check_definition_name(report, &node.name, report.places.is_system(node.location()), "enum");
    let count = node.values.len();
    check_count(report, "values in this enum", count, limits::MODEL_ENUM_VALUES, node.name.location());
    let states = node.values.values().any(|value| value.directives.has("initial") || value.directives.has("to"));
    let values: Vec<EnumValue> = node.values.values().map(|value| self::value(report, node, value)).collect();
    if states {
        check_initial(report, node);
    }
    let description = read::description(node.description.as_ref());
    let former = former(report, &node.name, node.directives.get_all("renamed").map(|directive| &***directive));
    Enum { id, name: node.name.to_string(), former, description, values, states }
}

fn value(report: &mut Report<'_>, of: &Node<EnumType>, node: &Component<EnumValueDefinition>) -> EnumValue {
    check_name(report, &node.value, "value");
    let mut transitions: Vec<Transition> = Vec::new();
    for directive in node.directives.get_all("to") {
        if let Some(transition) = transition(report, of, &node.value, directive) {
            if transitions.iter().any(|other| other.to == transition.to) {
                let message = format!("there are two ways from {} to {}", node.value, transition.to);
                let help = "join them: one `@to` with both conditions, joined by `||`";
                report.error(directive.location(), message, "again here", help);
            }
            transitions.push(transition);
        }
    }
    EnumValue {
        name: Arc::from(node.value.as_str()),
        former: former(report, &node.value, node.directives.get_all("renamed").map(|directive| &**directive)),
        span: report.span_of(&node.value),
        description: read::description(node.description.as_ref()),
        deprecated: node.directives.get("deprecated").map(|directive| deprecated::reason(report, directive)),
        initial: node.directives.has("initial"),
        transitions,
    }
}

fn transition(report: &mut Report<'_>, of: &EnumType, from: &str, directive: &Directive) -> Option<Transition> {
    let (to, place) = read::text(directive, "state")?;
    if !of.values.contains_key(to) {
        let help = suggestion(to, of.values.keys().map(Name::as_str));
        report.error(place, format!("{} has no state `{to}`", of.name), "not a state", help);
    } else if to == from {
        let help = "remove it; a record can always keep its state";
        report.error(place, format!("{from} leads to itself"), "the same state", help);
    }
    let (by, when) = (read::rule(report, directive, "by"), read::rule(report, directive, "when"));
    let set = sets(report, directive);
    let with = with(report, directive, &set);
    let message = message(report, directive, when.is_some());
    Some(Transition { to: Arc::from(to), by, with, when, message, set })
}

/// The reason that the response gives if `when` isn't true.
fn message(report: &mut Report<'_>, directive: &Directive, guarded: bool) -> Option<String> {
    let (message, place) = read::text(directive, "message")?;
    read::check_message(report, (message, place), "a transition");
    if !guarded {
        let help = "write `when:` beside it, or remove it";
        report.error(place, "`message` belongs to `when`, which is missing here", "nothing to refuse", help);
    }
    Some(message.to_owned())
}

/// The fields that `by` lets change with the state.
fn with(report: &mut Report<'_>, directive: &Directive, set: &[(String, RuleText)]) -> Vec<(String, Span)> {
    let given = |argument: &str| directive.specified_argument_by_name(argument).filter(|value| !value.is_null());
    let Some(value) = given("with") else { return Vec::new() };
    if given("by").is_none() {
        let help = "write `by:` beside it, or remove it; whoever may update the record may change its fields anyway";
        report.error(value.location(), "`with` belongs to `by`, which is missing here", "nothing to add to", help);
    }
    let mut with: Vec<(String, Span)> = Vec::new();
    for (name, place) in read::texts(value) {
        if with.iter().any(|(other, _)| other == name) {
            report.error(place, format!("`with` names `{name}` twice"), "again here", "remove it");
        } else if set.iter().any(|(other, _)| other == name) {
            let message = format!("the transition sets `{name}`, so nobody can give it with the state");
            report.error(place, message, "set by the transition", "remove it from `with` or from `set`");
        }
        with.extend(report.places.span(place).map(|span| (name.to_owned(), span)));
    }
    with
}

/// The fields that a transition sets.
fn sets(report: &mut Report<'_>, directive: &Directive) -> Vec<(String, RuleText)> {
    let mut set: Vec<(String, RuleText)> = Vec::new();
    let values = directive.specified_argument_by_name("set").map(|value| &**value);
    // GraphQL takes a single object where a list is expected.
    let objects = values.iter().flat_map(|value| match value {
        Literal::List(items) => items.iter().map(|item| &**item).collect(),
        single => vec![*single],
    });
    for members in objects.filter_map(|value| value.as_object()) {
        let member = |name: &str| members.iter().find(|(key, _)| key.as_str() == name).map(|(_, value)| value);
        let (Some(field), Some(to)) = (member("field"), member("to")) else { continue };
        let (Some(name), Some(rule)) = (field.as_str(), read::rule_value(report, to)) else { continue };
        if set.iter().any(|(other, _)| other == name) {
            let message = format!("the transition sets `{name}` twice");
            report.error(field.location(), message, "again here", "remove one of the two");
        }
        set.push((name.to_owned(), rule));
    }
    set
}

/// Exactly one state is the first.
fn check_initial(report: &mut Report<'_>, node: &Node<EnumType>) {
    let initial: Vec<_> = node.values.values().filter(|value| value.directives.has("initial")).collect();
    match initial.as_slice() {
        [_] => {}
        [] => {
            let message = format!("no state of {} is marked `@initial`", node.name);
            let help = "mark the state that a new record is in with `@initial`";
            report.error(node.name.location(), message, "has states", help);
        }
        [first, second, ..] => {
            let diagnostic = Diagnostic::error(format!("{} has two initial states", node.name))
                .at(report.span_of(&second.value), "again here")
                .and(report.span_of(&first.value), "first here")
                .help("mark exactly one state with `@initial`");
            report.push(diagnostic);
        }
    }
}
