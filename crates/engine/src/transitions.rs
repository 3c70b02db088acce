//! Why a change of a state is refused.

use backstay_base::{Error, Place, RefusedTransition, ViolationKind};
use backstay_model::{Collection, FieldId, FieldKind, Model, Transition};

use crate::policy::Way;

/// The guard of a transition isn't true.
pub(crate) fn refused(model: &Model, collection: &Collection, field: FieldId, (from, to): &Way) -> Error {
    let mut ways = onward(model, collection, field, from);
    let message = ways.find(|transition| transition.to == *to).and_then(|transition| transition.message.clone());
    let (collection, from, to) = (collection.name.clone(), from.to_string(), to.to_string());
    Error::TransitionRefused(Box::new(RefusedTransition { collection, from, to, message }))
}

/// The machine has no such transition.
pub(crate) fn no_way(model: &Model, collection: &Collection, field: FieldId, (from, to): &Way) -> Error {
    let allowed = onward(model, collection, field, from).map(|transition| transition.to.to_string()).collect();
    let kind = ViolationKind::Transition { from: from.to_string(), to: to.to_string(), allowed };
    Error::invalid(Place::member(&collection.field(field).name), kind)
}

/// The transitions that lead on from a state.
fn onward<'m>(
    model: &'m Model,
    collection: &Collection,
    field: FieldId,
    from: &str,
) -> impl Iterator<Item = &'m Transition> {
    let state = match collection.field(field).kind {
        FieldKind::Enum(id) => model.enumeration(id).value(from),
        _ => None,
    };
    state.into_iter().flat_map(|state| &state.transitions)
}
