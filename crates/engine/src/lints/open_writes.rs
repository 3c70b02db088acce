use backstay_base::Action;
use backstay_expr::{Expr, Node, Operator, Outcomes, Truth};
use backstay_model::{Diagnostic, Lint};

use super::{Decides, Subject};
use crate::allow_policy::Alternatives;
use crate::compiled::Compiled;
use crate::policy::CollectionPolicy;

/// Writes that need no credential, for some record at least.
pub(super) fn open(subject: Subject<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for used in subject.rules() {
        let action = match (used.decides, used.field) {
            (
                Decides::Action(
                    action @ (Action::Create | Action::Update | Action::Delete | Action::Restore | Action::Purge),
                ),
                None,
            ) => action,
            (Decides::Taking { .. }, Some(_)) => Action::Update,
            _ => continue,
        };
        let rule = &used.rule.whole;
        let policy = subject.policy.collection(used.collection.id);
        let is_taking = matches!(used.decides, Decides::Taking { .. });
        let Some(rule) = (if is_taking { Some(rule.clone()) } else { narrowed(policy, action, used.rule) }) else {
            continue;
        };
        // Nobody changes a record that they cannot read.
        let asked = match (action, whole(policy.allow.of(Action::Read).alternatives())) {
            (Action::Create, _) => rule,
            (_, Some(read)) => joined(Operator::And, &read, &rule),
            (_, None) => continue,
        };
        let outcomes = Outcomes::of_nobody(&asked, subject.model);
        if !outcomes.includes(Truth::True) {
            continue;
        }
        let every = outcomes.is_only(Truth::True);
        let name = &used.collection.name;
        let message = match (action, every) {
            (Action::Create, true) => format!("anyone can create {name} records without signing in"),
            (Action::Create, false) => format!("anyone can create some {name} records without signing in"),
            (_, true) => format!("anyone can {} every {name} without signing in", action.name()),
            (_, false) => format!("anyone can {} some {name} records without signing in", action.name()),
        };
        let label = if every { "true for anonymous callers" } else { "can be true for anonymous callers" };
        let help = "add `auth.id != null && (…)` to require an account, a key or an operator; otherwise expect spam";
        found.push(Diagnostic::warning(Lint::OpenWrite, message).at(subject.span(&used.rule.text), label).help(help));
    }
    found
}

/// A clause of the type's owner with what other owners demand; `None` if it is one of theirs.
fn narrowed(policy: &CollectionPolicy, action: Action, clause: &Compiled) -> Option<Expr> {
    let demanded = policy.allow.of(action);
    let (own, others) = demanded.alternatives().split_first()?;
    let others = whole(others).map_or_else(|| clause.whole.clone(), |all| joined(Operator::And, &clause.whole, &all));
    Some(others).filter(|_| *own.owner == clause.text.owner)
}

/// True where one rule of each owner is; `None` if there is no rule.
fn whole(all: &[Alternatives<'_>]) -> Option<Expr> {
    let any = |one: &Alternatives<'_>| {
        let rules = one.rules.iter().map(|rule| rule.whole.clone());
        rules.reduce(|left, right| joined(Operator::Or, &left, &right))
    };
    all.iter().filter_map(any).reduce(|left, right| joined(Operator::And, &left, &right))
}

fn joined(operator: Operator, left: &Expr, right: &Expr) -> Expr {
    let node = Node::Binary(operator, Box::new(left.clone()), Box::new(right.clone()));
    Expr { node, ..right.clone() }
}
