//! What is doubtful about a model whose rules are compiled. Each file asks one question; `docs/lints.md` explains them.

mod classes;
mod constant;
mod indexes;
mod open_writes;
mod states;
mod unused;

use backstay_base::Action;
use backstay_expr::Expr;
use backstay_model::{Collection, Diagnostic, Field, Model, RuleText, Span};

use crate::Application;
use crate::policy::{AllowPolicy, Compiled, Policy};

impl Application {
    /// Warnings about rules and about what rules decide, those included that comments in the model ignore.
    pub fn lints(&self) -> Vec<Diagnostic> {
        let subject = Subject { model: &self.model, policy: &self.policy };
        let questions = [
            classes::unclassified,
            constant::always_or_never,
            indexes::unindexed,
            open_writes::open,
            states::unreachable,
            unused::roles,
            unused::rules,
        ];
        questions.into_iter().flat_map(|question| question(subject)).collect()
    }
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
    /// Whether a record is valid.
    Check,
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
            let mut note = |field, decides, rule| found.push(RuleUse { collection, field, decides, rule });
            for (action, rule) in actions(&policy.allow) {
                note(None, Decides::Action(action), rule);
            }
            for (field, policy) in collection.fields.iter().zip(&policy.fields) {
                for (action, rule) in actions(&policy.allow) {
                    note(Some(field), Decides::Action(action), rule);
                }
                for check in &policy.checks {
                    note(Some(field), Decides::Check, &check.rule);
                }
            }
            for states in &policy.states {
                for ((from, to), transition) in &states.transitions {
                    if let Some(when) = &transition.when {
                        note(Some(collection.field(states.field)), Decides::Transition { from, to }, when);
                    }
                }
            }
        }
        found
    }

    /// Every expression of the application: its rules, and the values that it sets.
    fn expressions(self) -> Vec<&'a Expr> {
        let mut found: Vec<&Expr> = self.rules().into_iter().map(|one| &one.rule.whole).collect();
        for collection in self.collections() {
            let policy = self.policy.collection(collection.id);
            found.extend(policy.fields.iter().flat_map(|field| &field.sets).map(|set| &set.to));
            let transitions = policy.states.iter().flat_map(|states| states.transitions.values());
            found.extend(transitions.flat_map(|transition| &transition.set).map(|(_, to)| to));
        }
        found
    }

    /// Where the text of a rule is in the model, without its quotes.
    fn span(self, rule: &RuleText) -> Span {
        self.model.sources.within(rule, 0..rule.text.len())
    }
}

fn actions(allow: &AllowPolicy) -> impl Iterator<Item = (Action, &Compiled)> {
    let AllowPolicy { read, create, update, delete } = allow;
    let all = [(Action::Read, read), (Action::Create, create), (Action::Update, update), (Action::Delete, delete)];
    all.into_iter().filter_map(|(action, rule)| rule.as_ref().map(|rule| (action, rule)))
}
