//! Which clauses of a type permit an update. One of them must permit the whole of it: its rule is true of the stored
//! record, it lets every changed field change, and what it asks of the change is true.

use std::sync::Arc;

use backstay_base::{Action, Error, ViolationKind};
use backstay_expr::Clause;
use backstay_model::FieldId;

use crate::TxContext;
use crate::proposal::Proposal;
use crate::recording;
use crate::rule_of::RuleOf;
use crate::rules::decide;

/// Leaves the clauses that let every changed field change, or refuses fields.
pub(crate) fn cover(cx: &mut TxContext<'_, '_>, proposal: &mut Proposal<'_>) -> Result<(), Error> {
    let class = Arc::clone(&proposal.class);
    let clauses = class.rights.clauses(proposal.collection.id);
    if proposal.open.iter().all(|place| clauses[*place].only.is_none()) {
        return Ok(());
    }
    let changed = proposal.changed();
    let mut covering = Vec::new();
    for place in &proposal.open {
        let allowed: Vec<(FieldId, bool)> =
            changed.iter().map(|field| (*field, lets_change(&clauses[*place], *field))).collect();
        recording::only(cx, proposal.collection, *place, &allowed);
        if allowed.iter().all(|(_, allowed)| *allowed) {
            covering.push(*place);
        }
    }
    if !covering.is_empty() {
        proposal.open = covering;
        return Ok(());
    }
    let open: Vec<&Clause> = proposal.open.iter().map(|place| &clauses[*place]).collect();
    refuse(proposal, &open, &changed);
    proposal.settle()
}

fn lets_change(clause: &Clause, field: FieldId) -> bool {
    clause.only.as_ref().is_none_or(|only| only.contains(&field))
}

/// Refuses the fields that no clause lets change; without such a field, those that the closest clause doesn't let change
/// together with the others.
fn refuse(proposal: &mut Proposal<'_>, open: &[&Clause], changed: &[FieldId]) {
    let forbidden = |field: &&FieldId| !open.iter().any(|clause| lets_change(clause, **field));
    let forbidden: Vec<FieldId> = changed.iter().filter(forbidden).copied().collect();
    for field in &forbidden {
        proposal.refuse(proposal.collection.field(*field), ViolationKind::FieldForbidden { action: Action::Update });
    }
    let missing = |clause: &&&Clause| changed.iter().filter(|field| !lets_change(clause, **field)).count();
    let closest = open.iter().min_by_key(missing).filter(|_| forbidden.is_empty());
    let Some(closest) = closest else { return };
    let (together, apart): (Vec<FieldId>, Vec<FieldId>) =
        changed.iter().partition(|field| lets_change(closest, **field));
    let with: Vec<String> = together.iter().map(|field| proposal.collection.field(*field).name.clone()).collect();
    for field in apart {
        proposal.refuse(proposal.collection.field(field), ViolationKind::FieldTogether { with: with.clone() });
    }
}

/// Demands that what one of the clauses asks of the change is true.
pub(crate) async fn require(cx: &mut TxContext<'_, '_>, proposal: &Proposal<'_>) -> Result<(), Error> {
    for place in &proposal.open {
        if decide(cx, proposal, RuleOf::After(*place)).await?.is_true() {
            return Ok(());
        }
    }
    Err(Error::ForbiddenAfterwards { collection: proposal.collection.name.clone() })
}
