use std::collections::BTreeSet;

use backstay_expr::{CallerPart, Expr, Node, Operator, Root};
use backstay_model::{Collection, Diagnostic, Field, FieldId, Lint};

use super::Subject;
use crate::compiled::UpdatePolicy;
use crate::policy::CollectionPolicy;

/// Fields of the caller's own record that rules read, and that accounts may give themselves.
pub(super) fn own_fields(subject: Subject<'_>) -> Vec<Diagnostic> {
    let Some(accounts) = subject.model.identity else { return Vec::new() };
    let (accounts, policy) = (subject.model.collection(accounts), subject.policy.collection(accounts));
    let mut read = BTreeSet::new();
    for used in subject.rules() {
        of_account(&used.rule.whole, &mut read);
    }
    let fields = read.into_iter().map(|field| accounts.field(field));
    fields.filter_map(|field| Some(finding(accounts, field, chosen(policy, field)?))).collect()
}

/// When an account gives itself the value of a field.
#[derive(Clone, Copy)]
enum When {
    SignUp,
    Update,
    Both,
}

fn chosen(policy: &CollectionPolicy, field: &Field) -> Option<When> {
    if field.refused_to_clients().is_some() {
        return None;
    }
    let rules = &policy.fields[usize::from(field.id.0)];
    let at_sign_up = rules.create.is_empty();
    let lets = |update: &&UpdatePolicy| update.only.as_ref().is_none_or(|only| only.contains(&field.id));
    let own = |place: usize| {
        let updates = policy.allow.updates().filter(move |(layer, _)| *layer == place);
        updates.map(|(_, update)| update).filter(lets).map(|update| &update.rule.whole)
    };
    let layers: BTreeSet<usize> = policy.allow.updates().map(|(layer, _)| layer).collect();
    let may_change = layers.iter().any(|layer| own(*layer).any(is_about_oneself))
        && layers.iter().all(|layer| own(*layer).any(|rule| is_about_oneself(rule) || !asks_more_of_caller(rule)));
    match (at_sign_up, may_change && rules.update.is_empty() && !field.immutable) {
        (true, true) => Some(When::Both),
        (true, false) => Some(When::SignUp),
        (false, true) => Some(When::Update),
        (false, false) => None,
    }
}

fn finding(accounts: &Collection, field: &Field, when: When) -> Diagnostic {
    let (accounts, name) = (&accounts.name, &field.name);
    let (how, actions) = match when {
        When::SignUp => ("when it signs up", "create: …"),
        When::Update => ("by changing its own record", "update: …"),
        When::Both => ("when it signs up or changes its own record", "create: …, update: …"),
    };
    let message =
        format!("an account can choose its own `{accounts}.{name}` {how}, and rules read `auth.account.{name}`");
    let help = format!("add `@allow({actions})` to say who may set it, or use a role, which only operators can give");
    Diagnostic::warning(Lint::SelfGranted, message).at(field.span, "rules read what the account chose").help(help)
}

/// The first fields of paths that begin at the caller's own record.
fn of_account(expr: &Expr, found: &mut BTreeSet<FieldId>) {
    if let Some(path) = expr.node.path().filter(|path| path.root == Root::Account) {
        found.extend(path.steps.first());
    }
    expr.node.children().into_iter().for_each(|child| of_account(child, found));
}

/// Whether a rule allows something to whomever a record is about, without any other condition on the caller.
fn is_about_oneself(rule: &Expr) -> bool {
    if let Node::Binary(Operator::Or, left, right) = &rule.node {
        return is_about_oneself(left) || is_about_oneself(right);
    }
    let conjuncts = rule.conjuncts();
    conjuncts.iter().any(|part| is_own_id(part)) && !conjuncts.iter().any(|part| asks_more_of_caller(part))
}

fn is_own_id(part: &Expr) -> bool {
    let Node::Binary(Operator::Equal, left, right) = &part.node else { return false };
    let is_caller = |side: &Expr| matches!(side.node, Node::Caller(CallerPart::Id));
    let is_record = |side: &Expr| {
        let own = side.node.path().filter(|path| path.root == Root::This);
        own.is_some_and(|path| path.steps.iter().all(|step| *step == Collection::ID))
    };
    is_caller(left) && is_record(right) || is_record(left) && is_caller(right)
}

fn asks_more_of_caller(part: &Expr) -> bool {
    let is_account = part.node.path().is_some_and(|path| path.root == Root::Account);
    let is_caller = matches!(part.node, Node::Caller(CallerPart::Roles | CallerPart::Verified | CallerPart::Claim(_)));
    is_account || is_caller || part.node.children().into_iter().any(asks_more_of_caller)
}
