//! What permits an update: one clause of each layer, or a transition that the caller may take, must permit the whole of it.
//! Its rule is true of the stored record, it lets every changed field change, and what it asks of the change is true.

use std::collections::BTreeSet;
use std::sync::Arc;

use backstay_base::{Action, Error, ViolationKind};
use backstay_expr::Rights;
use backstay_model::{CollectionId, FieldId};
use backstay_scalar::Value;

use crate::decision::decide;
use crate::policy::Way;
use crate::proposal::{Permit, Proposal};
use crate::recording;
use crate::rule_of::RuleOf;
use crate::{Input, TxContext};

/// Adds the transitions that the input asks for and that the caller may take whatever the clauses say. They must see the
/// state: otherwise the refusal would tell it.
pub(crate) async fn offer_transitions(
    cx: &mut TxContext<'_, '_>,
    proposal: &mut Proposal<'_>,
    input: &Input,
) -> Result<(), Error> {
    let policy = cx.engine.application.policy.collection(proposal.collection.id);
    for states in &policy.states {
        let (Value::Text(from), Some(Value::Text(to))) =
            (proposal.stored_value(states.field), input.value(states.field))
        else {
            continue;
        };
        let way: Way = (from.clone(), to.clone());
        let offered = states.transitions.get(&way).is_some_and(|transition| transition.by.is_some());
        if offered
            && decide(cx, proposal, RuleOf::Field(states.field, Action::Read)).await?.is_true()
            && decide(cx, proposal, RuleOf::Taking(states.field, &way)).await?.is_true()
        {
            proposal.open.push(Permit::Transition(states.field, way));
        }
    }
    Ok(())
}

/// Leaves what lets every changed field change, or refuses fields.
pub(crate) fn cover(cx: &mut TxContext<'_, '_>, proposal: &mut Proposal<'_>) -> Result<(), Error> {
    let (class, collection) = (Arc::clone(&proposal.class), proposal.collection.id);
    let limits = |permit: &Permit| permit.only(&class.rights, collection);
    if proposal.open.iter().all(|permit| limits(permit).is_none()) {
        return Ok(());
    }
    // Children are what a relation holds, whether sending them changes anything or not.
    let mut changed = proposal.changed();
    changed.extend(proposal.input.children.iter().map(|(relation, _)| *relation));
    let mut covering = Vec::new();
    for permit in &proposal.open {
        let only = limits(permit);
        let lets = |field: &FieldId| only.is_none_or(|only| only.contains(field));
        recording::only(cx, proposal.collection, permit, &changed);
        if changed.iter().all(lets) {
            covering.push(permit.clone());
        }
    }
    let covering = sufficient(&class.rights, collection, covering);
    if !covering.is_empty() {
        proposal.open = covering;
        return Ok(());
    }
    let open: Vec<&[FieldId]> = refusing(&class.rights, collection, (&proposal.open, &changed));
    refuse(proposal, &open, &changed);
    proposal.settle()
}

/// What is left of permits that are enough together: clauses of each layer, or transitions.
pub(crate) fn sufficient(rights: &Rights, collection: CollectionId, mut permits: Vec<Permit>) -> Vec<Permit> {
    let clauses = rights.clauses(collection);
    let is_open = |layer| permits.iter().any(|permit| permit.layer(rights, collection) == Some(layer));
    if !clauses.iter().all(|clause| is_open(clause.layer)) {
        permits.retain(|permit| matches!(permit, Permit::Transition(..)));
    }
    permits
}

/// The fields that are let change by the first layer that doesn't let all of them, and by transitions.
fn refusing<'r>(
    rights: &'r Rights,
    collection: CollectionId,
    (open, changed): (&[Permit], &[FieldId]),
) -> Vec<&'r [FieldId]> {
    let of_layer = |layer: Option<usize>| open.iter().filter(move |permit| permit.layer(rights, collection) == layer);
    let covers = |permit: &Permit| {
        let only = permit.only(rights, collection);
        only.is_none_or(|only| changed.iter().all(|field| only.contains(field)))
    };
    let mut layers = open.iter().filter_map(|permit| permit.layer(rights, collection));
    let refusing = layers.find(|layer| !of_layer(Some(*layer)).any(covers));
    let permits = refusing.into_iter().flat_map(|layer| of_layer(Some(layer))).chain(of_layer(None));
    permits.filter_map(|permit| permit.only(rights, collection)).collect()
}

/// Whether what may permit the update lets the field change: a clause of each layer, or a transition.
pub(crate) fn may_change(proposal: &Proposal<'_>, field: FieldId) -> bool {
    let (rights, collection) = (&proposal.class.rights, proposal.collection.id);
    let lets = |permit: &Permit| permit.only(rights, collection).is_none_or(|only| only.contains(&field));
    let of_layer =
        |layer: Option<usize>| proposal.open.iter().filter(move |permit| permit.layer(rights, collection) == layer);
    let clauses = rights.clauses(collection);
    let by_clauses = !clauses.is_empty() && clauses.iter().all(|clause| of_layer(Some(clause.layer)).any(lets));
    by_clauses || of_layer(None).any(lets)
}

impl Permit {
    /// Whose clause it is; `None`: a transition.
    fn layer(&self, rights: &Rights, collection: CollectionId) -> Option<usize> {
        match self {
            Self::Clause(place) => Some(rights.clauses(collection)[*place].layer),
            Self::Transition(..) => None,
        }
    }

    /// The fields that it lets change; `None`: all.
    fn only<'r>(&self, rights: &'r Rights, collection: CollectionId) -> Option<&'r [FieldId]> {
        match self {
            Self::Clause(place) => rights.clauses(collection)[*place].only.as_deref(),
            Self::Transition(field, (from, to)) => {
                let taking = rights.taking(collection, *field, (from, to));
                Some(taking.map_or(&[], |taking| &*taking.with))
            }
        }
    }
}

/// Refuses the fields that nothing lets change; without such a field, those that the closest of the permits, by the fields
/// that each lets change, doesn't let change: each with those of the others that nothing lets change together with it.
fn refuse(proposal: &mut Proposal<'_>, open: &[&[FieldId]], changed: &[FieldId]) {
    let forbidden = |field: &&FieldId| !open.iter().any(|only| only.contains(field));
    let forbidden: Vec<FieldId> = changed.iter().filter(forbidden).copied().collect();
    for field in &forbidden {
        proposal.refuse(proposal.collection.field(*field), ViolationKind::FieldForbidden { action: Action::Update });
    }
    let missing = |only: &&&[FieldId]| changed.iter().filter(|field| !only.contains(field)).count();
    let closest = open.iter().min_by_key(missing).filter(|_| forbidden.is_empty());
    let Some(closest) = closest else { return };
    let (together, apart): (Vec<FieldId>, Vec<FieldId>) = changed.iter().partition(|field| closest.contains(field));
    let name = |field: &FieldId| proposal.collection.field(*field).name.clone();
    let mut refused = Vec::new();
    for field in apart {
        let goes_with = |other: &FieldId| open.iter().any(|only| only.contains(&field) && only.contains(other));
        let in_conflict: Vec<FieldId> = together.iter().filter(|other| !goes_with(other)).copied().collect();
        // Each of them may change with it, but not all.
        let with = if in_conflict.is_empty() { &together } else { &in_conflict };
        refused.push((field, with.iter().map(name).collect()));
    }
    for (field, with) in refused {
        proposal.refuse(proposal.collection.field(field), ViolationKind::FieldTogether { with });
    }
}

/// Leaves the clauses whose rules are true of the stored record. One of each layer must be.
pub(crate) async fn permitted(cx: &mut TxContext<'_, '_>, proposal: &mut Proposal<'_>) -> Result<(), Error> {
    let mut open = Vec::with_capacity(proposal.open.len());
    for permit in std::mem::take(&mut proposal.open) {
        let holds = match &permit {
            Permit::Clause(place) => decide(cx, proposal, RuleOf::Clause(*place)).await?.is_true(),
            Permit::Transition(field, way) => decide(cx, proposal, RuleOf::Taking(*field, way)).await?.is_true(),
        };
        if holds {
            open.push(permit);
        }
    }
    proposal.open = sufficient(&proposal.class.rights, proposal.collection.id, open);
    match proposal.open.is_empty() {
        true => Err(Error::Forbidden { action: Action::Update, what: format!("this {}", proposal.collection.name) }),
        false => Ok(()),
    }
}

/// Demands that what one of the clauses of each layer asks of the change is true, or that a transition permits it: that one
/// asks nothing more than its guard.
pub(crate) async fn require(cx: &mut TxContext<'_, '_>, proposal: &Proposal<'_>) -> Result<(), Error> {
    let class = Arc::clone(&proposal.class);
    let layer = |permit: &Permit| permit.layer(&class.rights, proposal.collection.id);
    let layers: BTreeSet<usize> = proposal.open.iter().filter_map(layer).collect();
    let is_taken = proposal.open.iter().any(|permit| layer(permit).is_none());
    let mut is_permitted = !layers.is_empty();
    for asked in layers {
        is_permitted = is_permitted && permits_change(cx, proposal, |permit| layer(permit) == Some(asked)).await?;
    }
    match is_permitted || is_taken {
        true => Ok(()),
        false => Err(Error::ForbiddenAfterwards { collection: proposal.collection.name.clone() }),
    }
}

/// Whether what one of these clauses asks of the change is true.
async fn permits_change(
    cx: &mut TxContext<'_, '_>,
    proposal: &Proposal<'_>,
    is_asked: impl Fn(&Permit) -> bool,
) -> Result<bool, Error> {
    for permit in proposal.open.iter().filter(|permit| is_asked(permit)) {
        if let Permit::Clause(place) = permit
            && decide(cx, proposal, RuleOf::After(*place)).await?.is_true()
        {
            return Ok(true);
        }
    }
    Ok(false)
}
