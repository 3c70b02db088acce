//! The rules of a model, typed.

use std::collections::{BTreeSet, HashMap};
use std::iter;
use std::sync::Arc;

use backstay_expr::{Checked, Children, Expr, Facts, Sum};
use backstay_model::{CollectionId, FieldId, HookOn, HookRun, Model, RecordEvent, RuleId, SetOn};

use crate::allow_policy::AllowPolicy;
use crate::compiled::{Compiled, UpdatePolicy};
use crate::given::Given;

/// Every rule of a model, typed; what depends on the caller alone is taken out into `facts`.
#[derive(Debug)]
pub(crate) struct Policy {
    pub(crate) facts: Facts,
    pub(crate) collections: Vec<CollectionPolicy>,
    /// Who may call each action.
    pub(crate) actions: Vec<Compiled>,
    pub(crate) hooks: HookPolicy,
    /// The named rules that another rule names.
    pub(crate) used_rules: BTreeSet<RuleId>,
    /// The fields of the caller's own record that an expression asks for, in order.
    pub(crate) account: Vec<FieldId>,
    /// Whether an expression asks for the link that the caller shows.
    pub(crate) asks_link: bool,
}

/// The hooks of a model.
#[derive(Debug, Default)]
pub(crate) struct HookPolicy {
    /// Those of each collection that queue jobs, by their places in the model.
    of: HashMap<CollectionId, Vec<usize>>,
    /// Those that run before changes, in the same way.
    before: HashMap<CollectionId, Vec<usize>>,
    /// What must be true of a change, in the order of the model.
    when: Vec<Option<Compiled>>,
}

impl HookPolicy {
    /// The hooks of a model, with what must be true of a change.
    pub(crate) fn new(model: &Model, when: Vec<Option<Compiled>>) -> Self {
        let (mut of, mut before) = (HashMap::<CollectionId, Vec<usize>>::new(), HashMap::<_, Vec<usize>>::new());
        for (place, hook) in model.hooks.iter().enumerate() {
            let hooks = match hook.run {
                HookRun::Action(_) | HookRun::Notify(_) => &mut of,
                HookRun::Before(_) => &mut before,
            };
            hooks.entry(hook.collection).or_default().push(place);
        }
        Self { of, before, when }
    }

    /// Each condition.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Compiled> {
        self.when.iter().flatten()
    }

    /// The hooks that run before changes of a collection.
    pub(crate) fn before(&self, collection: CollectionId) -> Option<&[usize]> {
        self.before.get(&collection).map(Vec::as_slice)
    }

    /// Whether hooks run before a record of this collection is deleted.
    pub(crate) fn precede_deletions(&self, model: &Model, collection: CollectionId) -> bool {
        let is_about = |hook: &usize| matches!(&model.hooks[*hook].on, HookOn::Events(events) if events.contains(&RecordEvent::Delete));
        self.before(collection).is_some_and(|hooks| hooks.iter().any(is_about))
    }

    /// Whether any hook runs before a change.
    pub(crate) fn has_before(&self) -> bool {
        !self.before.is_empty()
    }

    /// The hooks of a collection that queue jobs.
    pub(crate) fn of(&self, collection: CollectionId) -> Option<&[usize]> {
        self.of.get(&collection).map(Vec::as_slice)
    }

    /// What must be true of a change.
    pub(crate) fn when(&self, hook: usize) -> Option<&Compiled> {
        self.when.get(hook)?.as_ref()
    }
}

/// The rules of one collection.
#[derive(Debug)]
pub(crate) struct CollectionPolicy {
    pub(crate) allow: AllowPolicy,
    pub(crate) checks: Vec<CheckPolicy>,
    /// By `FieldId`.
    pub(crate) fields: Vec<FieldPolicy>,
    /// The fields that hold a state.
    pub(crate) states: Vec<StatePolicy>,
    /// In the order of `Collection::exclusions`.
    pub(crate) exclusions: Vec<ExclusionPolicy>,
    /// The fields with a `@default(from:)`, each after those that its expression reads.
    pub(crate) defaults: Vec<FieldId>,
}

impl CollectionPolicy {
    /// The transition of a field that holds a state.
    pub(crate) fn transition(&self, field: FieldId, way: &Way) -> Option<&TransitionPolicy> {
        self.states.iter().find(|states| states.field == field)?.transitions.get(way)
    }

    /// The checks of a field (`None`: of the type).
    pub(crate) fn checks_of(&self, field: Option<FieldId>) -> &[CheckPolicy] {
        field.map_or(&self.checks, |field| &self.fields[usize::from(field.0)].checks)
    }

    /// All checks, those of fields first: each with the field that has it and its place among the checks there.
    pub(crate) fn all_checks(&self) -> impl Iterator<Item = (Option<FieldId>, usize, &CheckPolicy)> {
        let of_fields = (0..).map(FieldId).zip(&self.fields).map(|(field, of)| (Some(field), &of.checks));
        let all = of_fields.chain([(None, &self.checks)]);
        all.flat_map(|(field, checks)| checks.iter().enumerate().map(move |(place, check)| (field, place, check)))
    }

    /// Whether anything that the model says of a record's changes reads this field of the record.
    pub(crate) fn asks_for(&self, field: FieldId) -> bool {
        let of_fields = self.fields.iter().flat_map(|of| {
            let update = of.update.iter().flat_map(|update| iter::once(&update.rule).chain(&update.after));
            of.read.iter().chain(update).map(|rule| &rule.whole)
        });
        let of_type = self.allow.updates().flat_map(|(_, clause)| iter::once(&clause.rule).chain(&clause.after));
        let checks = self.all_checks().map(|(.., check)| &check.rule.whole);
        let transitions = self.states.iter().flat_map(|states| states.transitions.values());
        let guards = transitions.flat_map(|of| of.when.iter().chain(of.by.as_ref().map(|by| &by.rule)));
        let given = self.given().map(|given| &given.whole);
        let rules = of_type.chain(guards).map(|rule| &rule.whole).chain(of_fields).chain(checks).chain(given);
        rules.into_iter().any(|expr| expr.own_fields().contains(&field))
    }

    /// The rules of transitions that let someone take them whatever the clauses say.
    pub(crate) fn takings(&self) -> impl Iterator<Item = &Compiled> {
        let transitions = self.states.iter().flat_map(|states| states.transitions.values());
        transitions.filter_map(|transition| transition.by.as_ref()).map(|by| &by.rule)
    }
}

impl CollectionPolicy {
    /// Every value that the model gives a field, and the conditions under which it does.
    pub(crate) fn given(&self) -> impl Iterator<Item = &Given> {
        let sets = self.fields.iter().flat_map(|field| &field.sets);
        let of_fields = self.fields.iter().filter_map(|field| field.default.as_ref());
        let transitions = self.states.iter().flat_map(|states| states.transitions.values());
        let of_transitions = transitions.flat_map(|transition| &transition.set).map(|(_, to)| to);
        let numbered = self.fields.iter().filter_map(|field| field.due.as_ref());
        of_fields.chain(sets.flat_map(|set| set.when.iter().chain([&set.to]))).chain(of_transitions).chain(numbered)
    }
}

/// The rules of one field, of which all must be true, each of another owner. Without one, nothing is restricted.
#[derive(Debug, Default)]
pub(crate) struct FieldPolicy {
    pub(crate) read: Vec<Compiled>,
    /// Who may name a record by it without seeing it, of each owner that says so.
    pub(crate) refer: Vec<Compiled>,
    pub(crate) create: Vec<Compiled>,
    pub(crate) update: Vec<UpdatePolicy>,
    pub(crate) checks: Vec<CheckPolicy>,
    pub(crate) default: Option<Given>,
    pub(crate) sets: Vec<SetPolicy>,
    /// When it numbers a record; `None`: always.
    pub(crate) due: Option<Given>,
    /// What it is computed from.
    pub(crate) computed: Option<Checked>,
    /// What it sums.
    pub(crate) sum: Option<Sum>,
    /// The currency of an amount that shares one.
    pub(crate) currency: Option<Given>,
}

/// An `@exclude`.
#[derive(Debug)]
pub(crate) struct ExclusionPolicy {
    /// Of which records it is true they are compared; `None`: all.
    pub(crate) condition: Option<Expr>,
    /// The fields that the condition reads.
    pub(crate) reads: Vec<FieldId>,
}

/// A `@check`.
#[derive(Debug)]
pub(crate) struct CheckPolicy {
    pub(crate) rule: Compiled,
    /// The fields whose change it may refuse; `None`: it applies to every change.
    pub(crate) guards: Option<Arc<[FieldId]>>,
    pub(crate) message: String,
    /// The children that it reads, if it is asked at commit.
    pub(crate) at_commit: Option<Vec<Children>>,
}

/// A `@set`.
#[derive(Debug)]
pub(crate) struct SetPolicy {
    pub(crate) on: SetOn,
    /// `None`: always.
    pub(crate) when: Option<Given>,
    pub(crate) to: Given,
}

/// The machine of a field whose enum has transitions.
#[derive(Debug)]
pub(crate) struct StatePolicy {
    pub(crate) field: FieldId,
    pub(crate) initial: Option<Arc<str>>,
    pub(crate) transitions: HashMap<Way, TransitionPolicy>,
}

/// From which state to which.
pub(crate) type Way = (Arc<str>, Arc<str>);

/// One transition of a machine.
#[derive(Debug)]
pub(crate) struct TransitionPolicy {
    /// Who may take it whatever the clauses say.
    pub(crate) by: Option<TakingPolicy>,
    pub(crate) when: Option<Compiled>,
    pub(crate) set: Vec<(FieldId, Given)>,
}

/// Who may take a transition, and what may change with it.
#[derive(Debug)]
pub(crate) struct TakingPolicy {
    pub(crate) rule: Compiled,
    /// The state itself included.
    pub(crate) with: Arc<[FieldId]>,
}

impl Policy {
    pub(crate) fn collection(&self, id: CollectionId) -> &CollectionPolicy {
        &self.collections[usize::from(id.0)]
    }
}
