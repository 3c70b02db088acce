use backstay_base::CallerKind;
use backstay_expr::{Node, Outcomes, Truth};
use backstay_model::{Diagnostic, Lint, Span};

use super::{Decides, RuleUse, Subject};

/// Callers whose requests `@allow` decides.
pub(super) const CLIENTS: [CallerKind; 4] =
    [CallerKind::Anonymous, CallerKind::Account, CallerKind::Service, CallerKind::Operator];

/// A rule in one place of the model; that of an enum is used by every type that has its states.
struct Written<'a> {
    span: Span,
    used: RuleUse<'a>,
    outcomes: Outcomes,
}

/// Rules that give everyone and every record the same answer. One that is just `true` or `false` is meant so.
pub(super) fn always_or_never(subject: Subject<'_>) -> Vec<Diagnostic> {
    let mut written: Vec<Written<'_>> = Vec::new();
    for used in subject.rules() {
        if matches!(used.rule.whole.node, Node::Literal(_)) {
            continue;
        }
        let (span, outcomes) = (subject.span(&used.rule.text), outcomes(subject, &used));
        match written.iter_mut().find(|known| known.span == span) {
            Some(known) => known.outcomes = known.outcomes.or(outcomes),
            None => written.push(Written { span, used, outcomes }),
        }
    }
    written.iter().filter_map(Written::finding).collect()
}

/// The truths that a rule can have.
pub(super) fn outcomes(subject: Subject<'_>, used: &RuleUse<'_>) -> Outcomes {
    let of_clients = Outcomes::of(&used.rule.whole, subject.model, &CLIENTS);
    match used.decides {
        Decides::Action(_) | Decides::After | Decides::Taking { .. } => of_clients,
        // Backstay itself, when it loads records, is asked too.
        Decides::Check | Decides::Transition { .. } => {
            of_clients.or(Outcomes::of(&used.rule.whole, subject.model, &[CallerKind::System]))
        }
    }
}

impl Written<'_> {
    fn finding(&self) -> Option<Diagnostic> {
        let Self { span, used, outcomes } = self;
        // A check is passed unless it is false.
        let (never, always) = match used.decides {
            Decides::Check => (outcomes.is_only(Truth::False), !outcomes.includes(Truth::False)),
            Decides::Action(_) | Decides::After | Decides::Taking { .. } | Decides::Transition { .. } => {
                (!outcomes.includes(Truth::True), outcomes.is_only(Truth::True))
            }
        };
        let (lint, label) = match (never, always) {
            (true, _) => (Lint::RuleNeverAllows, "never true"),
            (_, true) => {
                (Lint::RuleAlwaysAllows, if used.decides == Decides::Check { "never false" } else { "always true" })
            }
            (false, false) => return None,
        };
        let (message, help) = used.told(never);
        Some(Diagnostic::warning(lint, message).at(*span, label).help(help))
    }
}

impl RuleUse<'_> {
    /// What follows from a rule that never or always allows, and what to do.
    fn told(&self, never: bool) -> (String, &'static str) {
        let name = match self.field {
            Some(field) => format!("`{}.{}`", self.collection.name, field.name),
            None => self.collection.name.clone(),
        };
        match (self.decides, never) {
            (Decides::Action(action), true) if !self.alone => (
                format!("this `@allow` lets nobody {} {name}: its rule is never true", action.name()),
                "correct the condition, or remove this rule",
            ),
            (Decides::After, true) => (
                format!("this `@allow` lets nobody update {name}: the condition of `after` is never true"),
                "correct the condition; if nobody may do this, write `update: \"false\"`",
            ),
            (Decides::After, false) => (
                "the condition of `after` is always true".to_owned(),
                "correct the condition; if only `update` has to hold, write \"true\"",
            ),
            (Decides::Action(action), true) => (
                format!("nobody can ever {} {name}: this rule is never true", action.name()),
                "correct the condition; if nobody may do this, write \"false\"",
            ),
            (Decides::Action(action), false) => (
                format!(
                    "everybody can {} {name}: this rule is true for everyone, also without signing in",
                    action.name()
                ),
                "correct the condition; if everybody may do this, write \"true\"",
            ),
            (Decides::Check, true) if self.field.is_none() => {
                (format!("every {name} fails this check"), "correct the condition, or remove the check")
            }
            (Decides::Check, false) if self.field.is_none() => {
                (format!("no {name} fails this check"), "correct the condition, or remove the check")
            }
            (Decides::Check, true) => {
                (format!("every value of {name} fails this check"), "correct the condition, or remove the check")
            }
            (Decides::Check, false) => {
                (format!("no value of {name} fails this check"), "correct the condition, or remove the check")
            }
            (Decides::Taking { from, to }, true) => (
                format!("`by` lets nobody take {name} from {from} to {to}: this rule is never true"),
                "correct the condition, or remove `by`",
            ),
            (Decides::Taking { from, to }, false) => (
                format!(
                    "everybody can take {name} from {from} to {to}: this rule is true for everyone, also without signing in"
                ),
                "correct the condition; if everybody may do this, write \"true\"",
            ),
            (Decides::Transition { from, to }, true) => (
                format!("no record can go from {from} to {to}: this condition is never true"),
                "correct the condition, or remove the transition",
            ),
            (Decides::Transition { from, to }, false) => (
                format!("the condition for going from {from} to {to} is always true"),
                "correct the condition, or remove `when`",
            ),
        }
    }
}
