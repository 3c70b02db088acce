use std::collections::HashSet;

use backstay_expr::{Outcomes, Truth};
use backstay_model::{Diagnostic, Enum, EnumValue, FieldKind, Lint};

use super::constant::outcomes;
use super::{Decides, Subject};

/// States that no way leads to from the initial one.
pub(super) fn unreachable(subject: Subject<'_>) -> Vec<Diagnostic> {
    let is_own = |states: &&Enum| {
        let first = states.values.first().and_then(|value| subject.model.sources.file(value.span));
        states.states && first.is_some_and(|file| !file.system)
    };
    subject.model.enums.iter().filter(is_own).flat_map(|states| Machine::of(subject, states).unreachable()).collect()
}

/// The states of an enum with the ways between them that no record can take.
struct Machine<'a> {
    states: &'a Enum,
    closed: HashSet<(&'a str, &'a str)>,
}

impl<'a> Machine<'a> {
    fn of(subject: Subject<'a>, states: &'a Enum) -> Self {
        let (mut closed, mut open) = (HashSet::new(), HashSet::new());
        for used in subject.rules() {
            let Decides::Transition { from, to } = used.decides else { continue };
            if used.field.is_some_and(|field| field.kind == FieldKind::Enum(states.id)) {
                let outcomes: Outcomes = outcomes(subject, &used);
                let way = (from, to);
                if outcomes.includes(Truth::True) {
                    open.insert(way)
                } else {
                    closed.insert(way)
                };
            }
        }
        // Types that have the same states can answer differently.
        closed.retain(|way| !open.contains(way));
        Self { states, closed }
    }

    fn reached(&self) -> HashSet<&'a str> {
        let mut open: Vec<&EnumValue> = self.states.initial().into_iter().collect();
        let mut reached = HashSet::new();
        while let Some(state) = open.pop() {
            if reached.insert(&*state.name) {
                let ways = state.transitions.iter().filter(|way| !self.closed.contains(&(&*state.name, &*way.to)));
                open.extend(ways.filter_map(|way| self.states.value(&way.to)));
            }
        }
        reached
    }

    fn unreachable(&self) -> Vec<Diagnostic> {
        let reached = self.reached();
        let others = self.states.values.iter().filter(|state| !reached.contains(&*state.name));
        others.map(|state| self.finding(state)).collect()
    }

    fn finding(&self, state: &EnumValue) -> Diagnostic {
        let name = &state.name;
        let leads = |from: &&EnumValue| from.transitions.iter().any(|way| way.to == *name);
        let before: Vec<&str> = self.states.values.iter().filter(leads).map(|from| &*from.name).collect();
        let help = if before.is_empty() {
            format!("write `@to(state: \"{name}\")` on a state that it follows, or remove it")
        } else {
            format!(
                "it follows {}, but no record gets there or the condition is never true; correct that, or remove {name}",
                before.join(", ")
            )
        };
        let message = format!("no record can ever be in the state {name}");
        Diagnostic::warning(Lint::UnreachableState, message).at(state.span, "never reached").help(help)
    }
}
