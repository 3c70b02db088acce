//! What is doubtful about a model whose rules are compiled. Each file asks one question; `docs/lints.md` explains them.

mod classes;
mod constant;
mod copies;
mod hidden;
mod indexes;
mod open_writes;
mod revealing;
mod self_granted;
mod states;
mod sums;
mod unused;

use backstay_base::Action;
use backstay_expr::Expr;
use backstay_model::{Collection, Diagnostic, Field, Model, RuleText, Span};

use crate::allow_policy::{AllowPolicy, LayerPolicy};
use crate::compiled::{Compiled, UpdatePolicy};
use crate::policy::{FieldPolicy, Policy};

/// Warnings about rules and about what rules decide, those included that comments in the model ignore.
pub(crate) fn of(model: &Model, policy: &Policy) -> Vec<Diagnostic> {
    let subject = Subject { model, policy };
    let questions = [
        classes::unclassified,
        copies::less_classified,
        copies::revealing,
        constant::always_or_never,
        hidden::in_only,
        indexes::unindexed,
        open_writes::open,
        revealing::computed,
        self_granted::own_fields,
        states::unreachable,
        sums::in_rules,
        unused::roles,
        unused::rules,
    ];
    questions.into_iter().flat_map(|question| question(subject)).collect()
}

/// Rules that read what isn't exact: errors.
pub(crate) fn inexact_rules(model: &Model, policy: &Policy) -> Vec<Diagnostic> {
    sums::kept_soon(Subject { model, policy })
}

/// What lints look at.
#[derive(Clone, Copy)]
struct Subject<'a> {
    model: &'a Model,
    policy: &'a Policy,
}

/// What a rule decides.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Decides<'a> {
    /// Whether an action is allowed.
    Action(Action),
    /// Whether a change is, beside the rule for updates.
    After,
    /// Whether a record is valid.
    Check,
    /// Who may take a transition whatever the clauses say.
    Taking { from: &'a str, to: &'a str },
    /// Whether a record may go from one state to another.
    Transition { from: &'a str, to: &'a str },
}

/// A rule of the application with what it is for.
struct RuleUse<'a> {
    collection: &'a Collection,
    /// The field whose rule it is; `None`: that of the whole type.
    field: Option<&'a Field>,
    decides: Decides<'a>,
    rule: &'a Compiled,
    /// Whether no other rule can allow what it doesn't.
    alone: bool,
}

impl<'a> Subject<'a> {
    /// The types of the application.
    fn collections(self) -> impl Iterator<Item = &'a Collection> {
        self.model.collections.iter().filter(|collection| !collection.system)
    }

    /// Every rule of the application.
    fn rules(self) -> Vec<RuleUse<'a>> {
        let mut found = Vec::new();
        for collection in self.collections() {
            let policy = self.policy.collection(collection.id);
            let of = |field| move |(decides, rule, alone)| RuleUse { collection, field, decides, rule, alone };
            found.extend(clauses(&policy.allow).into_iter().map(of(None)));
            found.extend(policy.checks.iter().map(|check| (Decides::Check, &check.rule, true)).map(of(None)));
            for (field, policy) in collection.fields.iter().zip(&policy.fields) {
                let FieldPolicy {
                    read,
                    refer,
                    create,
                    update,
                    checks,
                    default: _,
                    sets: _,
                    computed: _,
                    sum: _,
                    due: _,
                    currency: _,
                } = policy;
                let rules = [(Action::Read, read), (Action::Refer, refer), (Action::Create, create)];
                let rules = rules.into_iter().flat_map(|(action, rules)| rules.iter().map(move |one| (action, one)));
                let rules = rules.map(|(action, rule)| (Decides::Action(action), rule, true));
                let updates = update.iter().flat_map(|update| of_update(update, true));
                let checks = checks.iter().map(|check| (Decides::Check, &check.rule, true));
                found.extend(rules.chain(updates).chain(checks).map(of(Some(field))));
            }
            let mut note = |field, decides, rule| {
                found.push(RuleUse { collection, field, decides, rule, alone: true });
            };
            for states in &policy.states {
                for ((from, to), transition) in &states.transitions {
                    if let Some(by) = &transition.by {
                        note(Some(collection.field(states.field)), Decides::Taking { from, to }, &by.rule);
                    }
                    if let Some(when) = &transition.when {
                        note(Some(collection.field(states.field)), Decides::Transition { from, to }, when);
                    }
                }
            }
        }
        found
    }

    /// Every expression of the application: its rules, and the values that it gives.
    fn expressions(self) -> Vec<&'a Expr> {
        let mut found: Vec<&Expr> = self.rules().into_iter().map(|one| &one.rule.whole).collect();
        found.extend(self.policy.actions.iter().map(|call| &call.whole));
        found.extend(self.policy.hooks.all().map(|when| &when.whole));
        for collection in self.collections() {
            let policy = self.policy.collection(collection.id);
            found.extend(policy.given().map(|given| &given.whole));
            found.extend(policy.fields.iter().filter_map(|field| field.computed.as_ref()).map(|of| &of.expr));
            found.extend(policy.fields.iter().filter_map(|field| field.sum.as_ref()).map(|of| &of.computed.value));
        }
        found
    }

    /// Where the text of a rule is in the model, without its quotes.
    fn span(self, rule: &RuleText) -> Span {
        self.model.sources.within(rule, 0..rule.text.len())
    }
}

/// A rule with what it decides, and whether it is the only one for that.
type Clause<'a> = (Decides<'a>, &'a Compiled, bool);

/// The rules of each clause of a type.
fn clauses(allow: &AllowPolicy) -> Vec<Clause<'_>> {
    let AllowPolicy { layers, history } = allow;
    let history = history.iter().map(|rule| (Decides::Action(Action::History), rule, true));
    layers.iter().flat_map(of_layer).chain(history).collect()
}

/// The rules of each clause of one owner.
fn of_layer(layer: &LayerPolicy) -> Vec<Clause<'_>> {
    let LayerPolicy { owner: _, read, refer, create, update, delete, restore, purge } = layer;
    let rules = [
        (Action::Read, read),
        (Action::Refer, refer),
        (Action::Create, create),
        (Action::Delete, delete),
        (Action::Restore, restore),
        (Action::Purge, purge),
    ];
    let mut found = Vec::new();
    for (action, rules) in rules {
        found.extend(rules.iter().map(|rule| (Decides::Action(action), rule, rules.len() == 1)));
    }
    found.extend(update.iter().flat_map(|clause| of_update(clause, update.len() == 1)));
    found
}

fn of_update(update: &UpdatePolicy, alone: bool) -> impl Iterator<Item = Clause<'_>> {
    let UpdatePolicy { rule, after, only: _ } = update;
    let after = after.iter().map(move |after| (Decides::After, after, alone));
    std::iter::once((Decides::Action(Action::Update), rule, alone)).chain(after)
}
