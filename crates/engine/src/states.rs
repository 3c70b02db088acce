use backstay_base::{Action, Error, Value, Violation, ViolationKind};
use backstay_expr::evaluate;
use backstay_model::{Collection, FieldKind};
use backstay_sql::RecordSource;

use crate::bind::InMemory;
use crate::policy::{CollectionPolicy, StatePolicy, TransitionPolicy};
use crate::rule::Rule;
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
    ) -> Result<(), Error> {
        let engine = self.engine;
        let policy = engine.application.policy.collection(collection.id);
        for states in &policy.states {
            let at = usize::from(states.field.0);
            let (Value::Text(from), Value::Text(to)) = (&stored[at], &proposed[at]) else { continue };
            if from == to {
                continue;
            }
            let Some(transition) = states.transitions.get(&(from.clone(), to.clone())) else {
                return Err(self.no_way(collection, states, from, to));
            };
            if authority == Authority::Caller {
                self.guard(collection, transition, stored, proposed).await?;
            }
            let (caller, now) = (self.caller(), self.now());
            for (field, to) in &transition.set {
                let value = evaluate(to, &InMemory { caller, now, this: stored, new: proposed });
                proposed[usize::from(field.0)] = value;
            }
        }
        Ok(())
    }

    async fn guard(
        &mut self,
        collection: &Collection,
        transition: &TransitionPolicy,
        stored: &[Value],
        proposed: &[Value],
    ) -> Result<(), Error> {
        let Some(when) = &transition.when else { return Ok(()) };
        let rule = Rule::folded(Some(when), &self.view.truths, false);
        match self.decide(&rule, collection.id, RecordSource::Stored, stored, proposed).await?.is_true() {
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
