use backstay_base::Caller;
use backstay_model::{Collection, Diagnostic, Model, TimedAct, Timer};

use crate::policy::Policy;

/// Timers that never do anything, because no guard of a transition to their state lets Backstay itself take it.
pub(crate) fn refusing(model: &Model, policy: &Policy) -> Vec<Diagnostic> {
    let truths = policy.facts.evaluate(&Caller::system());
    let never = |collection: &Collection, timer: &Timer| {
        let TimedAct::Transition { states, from, to } = &timer.act else { return None };
        let transitions = from
            .iter()
            .filter_map(|from| policy.collection(collection.id).transition(*states, &(from.clone(), to.clone())));
        let mut guards = transitions.map(|transition| transition.when.as_ref());
        let refuses = guards.all(|guard| guard.is_some_and(|guard| guard.rule().folded(&truths).refuses()));
        refuses.then(|| {
            let states = &collection.field(*states).name;
            let message = format!("`{states}` never becomes {to} at `{}`", collection.field(timer.field).name);
            let help = "Backstay has neither an id nor roles; let the guard admit it: `when: \"editor || auth.kind == 'SYSTEM'\"`";
            let label = "the transition's `when` is never true of Backstay itself";
            Diagnostic::error(message).at(timer.span, label).help(help)
        })
    };
    let timers = model.collections.iter().flat_map(|of| of.timers.iter().map(move |timer| (of, timer)));
    timers.filter_map(|(collection, timer)| never(collection, timer)).collect()
}
