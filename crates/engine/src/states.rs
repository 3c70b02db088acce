//! States and their transitions.

use backstay_base::{Action, Error, ViolationKind};
use backstay_scalar::Value;

use crate::policy::Way;
use crate::proposal::Proposal;
use crate::rule_of::RuleOf;
use crate::rules;
use crate::{Authority, TxContext, fill, transitions};

/// Puts every state that was not given to its initial one, and refuses others where the caller asks.
pub(crate) fn begin(cx: &TxContext<'_, '_>, proposal: &mut Proposal<'_>) {
    let policy = cx.engine.application.policy.collection(proposal.collection.id);
    for states in &policy.states {
        let Some(initial) = &states.initial else { continue };
        match proposal.value(states.field) {
            Value::Null => proposal.set(states.field, Value::Text(initial.clone())),
            Value::Text(given) if proposal.authority == Authority::Caller && given != initial => {
                let kind = ViolationKind::InitialState { initial: initial.to_string() };
                proposal.refuse(proposal.collection.field(states.field), kind);
            }
            _ => {}
        }
    }
}

/// Checks every change of a state against its machine, asks the guards, and sets what the transitions set. Backstay
/// itself passes guards, except for a timer, but makes no transition that the machine doesn't have. A caller who doesn't see a state can't change
/// it: whether a transition can be taken would tell the state.
pub(crate) async fn pass(cx: &mut TxContext<'_, '_>, proposal: &mut Proposal<'_>) -> Result<(), Error> {
    let engine = cx.engine;
    let policy = engine.application.policy.collection(proposal.collection.id);
    for states in &policy.states {
        if proposal.input.value(states.field).is_some() && !proposal.sees(states.field) {
            let kind = ViolationKind::FieldForbidden { action: Action::Update };
            proposal.refuse(proposal.collection.field(states.field), kind);
        }
    }
    proposal.settle()?;
    for states in &policy.states {
        let (Value::Text(from), Value::Text(to)) = (proposal.stored_value(states.field), proposal.value(states.field))
        else {
            continue;
        };
        let way: Way = (from.clone(), to.clone());
        if from == to {
            continue;
        }
        if proposal.readmitted.is_some() {
            let problem = "a state can't change while the record comes back from the trash".to_owned();
            let remedy = "restore the record first, then change its state".to_owned();
            proposal.refuse(proposal.collection.field(states.field), ViolationKind::Misused { problem, remedy });
            return proposal.settle();
        }
        let Some(transition) = states.transitions.get(&way) else {
            return Err(transitions::no_way(cx.model(), proposal.collection, states.field, &way));
        };
        if proposal.guarded {
            rules::require(cx, proposal, RuleOf::Transition(states.field, &way)).await?;
        }
        for (field, to) in &transition.set {
            fill::transition_set(cx, proposal, (*field, to)).await?;
        }
    }
    Ok(())
}
