use std::collections::HashSet;

use backstay_expr::{CallerPart, Expr, Node};
use backstay_model::{Diagnostic, Lint};
use backstay_scalar::Value;

use super::Subject;

/// Roles that change nothing for those who have them.
pub(super) fn roles(subject: Subject<'_>) -> Vec<Diagnostic> {
    let Some(roles) = subject.model.roles else { return Vec::new() };
    let mut named = NamedRoles { names: HashSet::new(), all: false };
    for expr in subject.expressions() {
        named.add(expr);
    }
    if named.all {
        return Vec::new();
    }
    let roles = subject.model.enumeration(roles).values.iter();
    let unused = roles.filter(|role| !named.names.contains(&*role.name)).map(|role| {
        let message = format!("the role {} allows nothing: no rule asks for it", role.name);
        let help = format!("use `'{}' in auth.roles` in a rule, or remove the role", role.name);
        Diagnostic::warning(Lint::UnusedRole, message).at(role.span, "no rule names it").help(help)
    });
    unused.collect()
}

/// Named rules that decide nothing.
pub(super) fn rules(subject: Subject<'_>) -> Vec<Diagnostic> {
    let rules = subject.model.rules.iter().filter(|(id, _)| !subject.policy.used_rules.contains(id));
    let unused = rules.map(|(_, rule)| {
        let name = &rule.name;
        let message = format!("the rule `{name}` decides nothing: no other rule names it");
        let help = format!("use `{name}` in an `@allow`, a `@check` or a `when`, or remove it");
        Diagnostic::warning(Lint::UnusedRule, message).at(subject.span(&rule.is), "not used").help(help)
    });
    unused.collect()
}

/// The roles that expressions name.
struct NamedRoles<'a> {
    names: HashSet<&'a str>,
    /// Whether an expression compares the roles with something that only a record knows.
    all: bool,
}

impl<'a> NamedRoles<'a> {
    fn add(&mut self, expr: &'a Expr) {
        match &expr.node {
            Node::In(element, list) if is_roles(list) => match &element.node {
                Node::Literal(Value::Text(name)) => drop(self.names.insert(name)),
                _ => self.all = true,
            },
            Node::Caller(CallerPart::Roles) => self.all = true,
            node => node.children().into_iter().for_each(|child| self.add(child)),
        }
    }
}

fn is_roles(expr: &Expr) -> bool {
    matches!(expr.node, Node::Caller(CallerPart::Roles))
}
