use std::sync::Arc;

use apollo_compiler::schema::{Component, Directive, EnumType, EnumValueDefinition};
use apollo_compiler::{Name, Node};
use backstay_base::limits;

use super::{Resolver, SYSTEM_PREFIX, description};
use crate::names::suggestion;
use crate::{Diagnostic, Enum, EnumId, EnumValue, RuleText, Transition};

impl<'a> Resolver<'a> {
    /// All enums, and the one that is marked `@roles`.
    pub(super) fn enums(&mut self) -> (Vec<Enum>, Option<EnumId>) {
        let nodes = self.enum_nodes.clone();
        let mut roles: Option<(EnumId, &Node<EnumType>)> = None;
        let mut enums = Vec::new();
        for (node, id) in nodes.into_iter().zip((0..).map(EnumId)) {
            let found = self.enumeration(id, node);
            if node.directives.has("roles") {
                self.check_roles(node, &found, roles.map(|(_, first)| first));
                roles = roles.or(Some((id, node)));
            }
            enums.push(found);
        }
        (enums, roles.map(|(id, _)| id))
    }

    fn check_roles(&mut self, node: &Node<EnumType>, found: &Enum, first: Option<&Node<EnumType>>) {
        if let Some(first) = first {
            let diagnostic = Diagnostic::error("two enums are marked `@roles`")
                .at(self.span_of(&node.name), "again here")
                .and(self.span_of(&first.name), "first here")
                .help("put all roles into one enum");
            self.out.push(diagnostic);
        }
        if found.states {
            let help = "remove `@initial` and `@to`, or use another enum for the states";
            self.error(node.name.location(), "roles have no states", "marked `@roles`", help);
        }
        if self.places.is_system(node.location()) {
            self.error(node.name.location(), "the system model has no roles", "in a system file", "remove `@roles`");
        }
    }

    fn enumeration(&mut self, id: EnumId, node: &'a Node<EnumType>) -> Enum {
        self.check_name(&node.name, "enum");
        self.check_prefix(&node.name, self.places.is_system(node.location()), "enum");
        let count = node.values.len();
        self.check_count("values in this enum", count, limits::MODEL_ENUM_VALUES, node.name.location());
        let states = node.values.values().any(|value| value.directives.has("initial") || value.directives.has("to"));
        let values: Vec<EnumValue> = node.values.values().map(|value| self.value(node, value)).collect();
        if states && self.check_initial(node) {
            self.check_reached(node, &values);
        }
        let description = description(node.description.as_ref());
        Enum { id, name: node.name.to_string(), description, values, states }
    }

    pub(super) fn check_prefix(&mut self, name: &Name, system: bool, what: &str) {
        let prefixed = name.to_ascii_lowercase().starts_with(&SYSTEM_PREFIX.to_ascii_lowercase());
        if prefixed && !system {
            let message = format!("names that begin with {SYSTEM_PREFIX} are for the system model");
            self.error(name.location(), message, "reserved", format!("give the {what} another name"));
        } else if system && !name.starts_with(SYSTEM_PREFIX) {
            let message = format!("a name in the system model begins with {SYSTEM_PREFIX}");
            self.error(name.location(), message, "in a system file", format!("call it {SYSTEM_PREFIX}{name}"));
        }
    }

    fn value(&mut self, of: &Node<EnumType>, node: &'a Component<EnumValueDefinition>) -> EnumValue {
        self.check_name(&node.value, "value");
        let mut transitions: Vec<Transition> = Vec::new();
        for directive in node.directives.get_all("to") {
            if let Some(transition) = self.transition(of, &node.value, directive) {
                if transitions.iter().any(|other| other.to == transition.to) {
                    let message = format!("there are two ways from {} to {}", node.value, transition.to);
                    let help = "join them: one `@to` with both conditions, joined by `||`";
                    self.error(directive.location(), message, "again here", help);
                }
                transitions.push(transition);
            }
        }
        EnumValue {
            name: Arc::from(node.value.as_str()),
            description: description(node.description.as_ref()),
            initial: node.directives.has("initial"),
            transitions,
        }
    }

    fn transition(&mut self, of: &Node<EnumType>, from: &str, directive: &Node<Directive>) -> Option<Transition> {
        let (to, place) = Self::text(directive, "state")?;
        if !of.values.contains_key(to) {
            let help = suggestion(to, of.values.keys().map(Name::as_str));
            self.error(place, format!("{} has no state `{to}`", of.name), "not a state", help);
        } else if to == from {
            let help = "remove it; a record can always keep its state";
            self.error(place, format!("{from} leads to itself"), "the same state", help);
        }
        let when = self.rule(directive, "when");
        let mut set: Vec<(String, RuleText)> = Vec::new();
        let values = directive.specified_argument_by_name("set").map(|value| &**value);
        // GraphQL takes a single object where a list is expected.
        let objects = values.iter().flat_map(|value| match value {
            apollo_compiler::ast::Value::List(items) => items.iter().map(|item| &**item).collect(),
            single => vec![*single],
        });
        for members in objects.filter_map(|value| value.as_object()) {
            let member = |name: &str| members.iter().find(|(key, _)| key.as_str() == name).map(|(_, value)| value);
            let (Some(field), Some(to)) = (member("field"), member("to")) else { continue };
            let (Some(name), Some(rule)) = (field.as_str(), self.rule_value(to)) else { continue };
            if set.iter().any(|(other, _)| other == name) {
                let message = format!("the transition sets `{name}` twice");
                self.error(field.location(), message, "again here", "remove one of the two");
            }
            set.push((name.to_owned(), rule));
        }
        Some(Transition { to: Arc::from(to), when, set })
    }

    /// Whether exactly one state is the first.
    fn check_initial(&mut self, node: &Node<EnumType>) -> bool {
        let initial: Vec<_> = node.values.values().filter(|value| value.directives.has("initial")).collect();
        match initial.as_slice() {
            [_] => {}
            [] => {
                let message = format!("no state of {} is marked `@initial`", node.name);
                let help = "mark the state that a new record is in with `@initial`";
                self.error(node.name.location(), message, "has states", help);
            }
            [first, second, ..] => {
                let diagnostic = Diagnostic::error(format!("{} has two initial states", node.name))
                    .at(self.span_of(&second.value), "again here")
                    .and(self.span_of(&first.value), "first here")
                    .help("mark exactly one state with `@initial`");
                self.out.push(diagnostic);
            }
        }
        initial.len() == 1
    }

    fn check_reached(&mut self, node: &Node<EnumType>, values: &[EnumValue]) {
        for value in values.iter().filter(|value| !value.initial) {
            let leads = |from: &EnumValue| from.transitions.iter().any(|transition| transition.to == value.name);
            if !values.iter().any(leads) {
                let place = node.values.get(&*value.name).and_then(|value| value.value.location());
                let help = format!("write `@to(state: \"{}\")` on a state that it follows", value.name);
                self.warn(place, format!("no state leads to {}", value.name), "never reached", help);
            }
        }
    }
}
