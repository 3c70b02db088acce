//! What is another about the states of an enum, and about who may go from one to another.

use std::collections::BTreeMap;

use super::api::{ApiChange, breaking, harmless, together};
use super::narrowing::{Rule, is_as_wide};
use super::pairing::{Pairing, enum_values};
use crate::{Enum, EnumValue, Model, Transition};

/// Something about the states of an enum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StatesPart {
    /// Its values are states now.
    Begun {
        /// The first one.
        initial: Option<String>,
    },
    /// Its values are no states any more.
    Ended,
    /// New records begin in another state.
    Initial {
        /// The state in which they begin.
        to: Option<String>,
    },
    /// Records can go from one state to another.
    TransitionAdded {
        /// The state.
        from: String,
        /// The other.
        to: String,
    },
    /// They can no more.
    TransitionRemoved {
        /// The state.
        from: String,
        /// The other.
        to: String,
    },
    /// Something about a transition.
    TransitionChanged {
        /// The state.
        from: String,
        /// The other.
        to: String,
        /// Whether some callers may take it no more, as far as the texts of rules tell.
        narrower: bool,
    },
}

impl StatesPart {
    fn api_change(&self, of: &str) -> ApiChange {
        match self {
            Self::Begun { initial } => {
                let begin =
                    initial.as_ref().map(|initial| format!("new records begin as {initial}, and ")).unwrap_or_default();
                breaking(format!("the values of {of} are states: {begin}only what its `@to`s allow can follow"))
            }
            Self::Ended => harmless(format!("any value of {of} can follow any other")),
            Self::Initial { to: Some(to) } => breaking(format!("new records begin as {to}, which is of {of}")),
            Self::Initial { to: None } => breaking(format!("{of} has no first state any more")),
            Self::TransitionAdded { from, to } => harmless(format!("a {of} can go from {from} to {to}")),
            Self::TransitionRemoved { from, to } => breaking(format!("a {of} can't go from {from} to {to} any more")),
            Self::TransitionChanged { from, to, narrower: true } => {
                breaking(format!("some callers may no longer take a {of} from {from} to {to}"))
            }
            Self::TransitionChanged { from, to, narrower: false } => harmless(format!(
                "something else happens when a {of} goes from {from} to {to}, or more callers may do that"
            )),
        }
    }
}

/// What clients notice.
pub(super) fn noticed(of: &str, parts: &[StatesPart]) -> Option<ApiChange> {
    together(parts.iter().map(|part| part.api_change(of)))
}

/// For each enum of both models whose states are others: its name, and what is.
pub(super) fn states_changed(old: &Model, new: &Model, pairing: &Pairing) -> Vec<(String, Vec<StatesPart>)> {
    let pairs = new.enums.iter().filter_map(|after| Some((old.enumeration(pairing.enumeration(after.id)?), after)));
    let changed = pairs.map(|(before, after)| (after.name.clone(), States { old, new, before, after }.parts()));
    changed.filter(|(_, parts)| !parts.is_empty()).collect()
}

struct States<'m> {
    old: &'m Model,
    new: &'m Model,
    before: &'m Enum,
    after: &'m Enum,
}

/// By the name that a state has in the new model.
type Transitions<'m> = BTreeMap<(&'m str, &'m str), Vec<TransitionBehaviour<'m>>>;

impl States<'_> {
    fn parts(&self) -> Vec<StatesPart> {
        let Enum { states, id: _, name: _, former: _, description: _, values: _ } = self.after;
        let initial = self.after.initial().map(|value| value.name.to_string());
        match (self.before.states, *states) {
            (false, false) => return Vec::new(),
            (false, true) => return vec![StatesPart::Begun { initial }],
            (true, false) => return vec![StatesPart::Ended],
            (true, true) => {}
        }
        let became = enum_values(self.before, self.after);
        let now = |name: &str| {
            let (_, to) = became.iter().find(|(from, _)| &**from == name)?;
            let at = self.after.value(to.as_deref()?)?;
            Some(&*at.name)
        };
        let was = self.before.initial().and_then(|value| now(&value.name));
        let mut parts = Vec::new();
        if was != initial.as_deref() {
            parts.push(StatesPart::Initial { to: initial });
        }
        // What leads to a value that is gone goes with it.
        let before = transitions(self.old, &self.before.values, now);
        let after = transitions(self.new, &self.after.values, |name| self.after.value(name).map(|value| &*value.name));
        for (&(from, to), were) in &before {
            let (from, to) = (from.to_owned(), to.to_owned());
            match after.get(&(from.as_str(), to.as_str())) {
                None => parts.push(StatesPart::TransitionRemoved { from, to }),
                Some(are) if were == are => {}
                Some(are) => {
                    let narrower = !were.iter().all(|was| are.iter().any(|is| is.covers(was)));
                    parts.push(StatesPart::TransitionChanged { from, to, narrower });
                }
            }
        }
        let added = after.keys().filter(|key| !before.contains_key(*key));
        parts.extend(
            added.map(|(from, to)| StatesPart::TransitionAdded { from: (*from).to_owned(), to: (*to).to_owned() }),
        );
        parts
    }
}

fn transitions<'m>(
    model: &'m Model,
    values: &'m [EnumValue],
    now: impl Fn(&str) -> Option<&'m str>,
) -> Transitions<'m> {
    let mut all = Transitions::new();
    for value in values {
        // A new description doesn't change behaviour; nor does a deprecation.
        let EnumValue { name, transitions, initial: _, description: _, deprecated: _, former: _, span: _ } = value;
        for transition in transitions {
            if let (Some(from), Some(to)) = (now(name), now(&transition.to)) {
                all.entry((from, to)).or_default().push(TransitionBehaviour::of(model, transition));
            }
        }
    }
    all
}

#[derive(PartialEq)]
struct TransitionBehaviour<'m> {
    by: Option<Rule<'m>>,
    with: Vec<&'m str>,
    when: Option<Rule<'m>>,
    set: Vec<(&'m str, &'m str)>,
}

impl<'m> TransitionBehaviour<'m> {
    fn of(model: &'m Model, transition: &'m Transition) -> Self {
        // The states are those of which it is a transition.
        let Transition { to: _, by, with, when, message: _, set } = transition;
        Self {
            by: Rule::of_some(model, by.as_ref()),
            with: with.iter().map(|(field, _)| field.as_str()).collect(),
            when: Rule::of_some(model, when.as_ref()),
            set: set.iter().map(|(field, rule)| (field.as_str(), &*rule.text)).collect(),
        }
    }

    /// Whether it can be taken wherever another one can.
    fn covers(&self, other: &Self) -> bool {
        let by = match (&self.by, &other.by) {
            (_, None) => true,
            (None, Some(_)) => false,
            (Some(by), Some(other)) => is_as_wide(by, other),
        };
        let when = match (&self.when, &other.when) {
            (None, _) => true,
            (Some(when), None) => when.conditions().iter().any(Vec::is_empty),
            (Some(when), Some(other)) => is_as_wide(when, other),
        };
        by && when && (other.by.is_none() || other.with.iter().all(|field| self.with.contains(field)))
    }
}
