use std::sync::Arc;

use backstay_base::{Action, Error, Violation, ViolationKind};
use backstay_model::{Collection, FieldId, FieldKind};
use backstay_scalar::Value;
use backstay_sql::RecordSource;

use crate::bind::InMemory;
use crate::policy::{CollectionPolicy, StatePolicy, Way};
use crate::{Authority, OpContext};

/// Puts every state that was not given to its initial one, and refuses others where the caller asks.
pub(crate) fn begin(
    policy: &CollectionPolicy,
    collection: &Collection,
    authority: Authority,
    values: &mut [Value],
    violations: &mut Vec<Violation>,
) {
    for states in &policy.states {
        let Some(initial) = &states.initial else { continue };
        let field = collection.field(states.field);
        let slot = &mut values[usize::from(states.field.0)];
        match slot {
            Value::Null => *slot = Value::Text(initial.clone()),
            Value::Text(given) if authority == Authority::Caller && given != initial => {
                let kind = ViolationKind::Range(format!("a new record begins as {initial}"));
                violations.push(Violation::new(format!("/{}", field.name), kind));
            }
            _ => {}
        }
    }
}

impl OpContext<'_, '_> {
    /// Checks every change of a state against its machine, asks the guards, and sets what the transitions set. Backstay
    /// itself passes guards, but goes no way that the machine has not.
    pub(crate) async fn transitions(
        &mut self,
        authority: Authority,
        collection: &Collection,
        stored: &[Value],
        proposed: &mut [Value],
        violations: &mut Vec<Violation>,
    ) -> Result<(), Error> {
        let engine = self.engine;
        let policy = engine.application.policy.collection(collection.id);
        for states in &policy.states {
            let at = usize::from(states.field.0);
            let (Value::Text(from), Value::Text(to)) = (&stored[at], &proposed[at]) else { continue };
            if from == to {
                continue;
            }
            let way = (from.clone(), to.clone());
            if !states.transitions.contains_key(&way) {
                return Err(self.no_way(collection, states, from, to));
            }
            if authority == Authority::Caller {
                self.guard(collection, states.field, &way, stored, proposed).await?;
            }
            self.pass(collection, states, &way, stored, proposed, violations);
        }
        Ok(())
    }

    /// Sets what a transition sets.
    pub(crate) fn pass(
        &self,
        collection: &Collection,
        states: &StatePolicy,
        way: &Way,
        stored: &[Value],
        proposed: &mut [Value],
        violations: &mut Vec<Violation>,
    ) {
        let sets = states.transitions.get(way).into_iter().flat_map(|transition| &transition.set);
        for (field, to) in sets {
            let memory = InMemory { caller: self.caller(), now: self.now(), this: stored, new: proposed };
            let value = self.computed(collection.field(*field), to, &memory, violations);
            proposed[usize::from(field.0)] = value;
        }
    }

    async fn guard(
        &mut self,
        collection: &Collection,
        field: FieldId,
        way: &Way,
        stored: &[Value],
        proposed: &[Value],
    ) -> Result<(), Error> {
        let class = Arc::clone(&self.class);
        let rule = class.rights.transition(collection.id, field, (&way.0, &way.1));
        match self.decide(rule, collection.id, RecordSource::Stored, stored, proposed).await?.is_true() {
            true => Ok(()),
            false => {
                Err(Error::Forbidden { action: Action::Update, what: format!("the state of this {}", collection.name) })
            }
        }
    }

    fn no_way(&self, collection: &Collection, states: &StatePolicy, from: &str, to: &str) -> Error {
        let field = collection.field(states.field);
        let FieldKind::Enum(id) = field.kind else { return Error::malformed("", ViolationKind::Required) };
        let targets = self.model().enumeration(id).value(from).map(|state| state.transitions.iter());
        let allowed = targets.into_iter().flatten().map(|transition| transition.to.to_string()).collect();
        let kind = ViolationKind::Transition { from: from.to_owned(), to: to.to_owned(), allowed };
        Error::invalid(format!("/{}", field.name), kind)
    }
}
