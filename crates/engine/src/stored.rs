use std::sync::Arc;

use backstay_base::{Action, Error, RecordId};
use backstay_expr::Truth;
use backstay_model::{Collection, CollectionId, FieldId, Trash};
use backstay_sql::{DecodeError, Perspective, RecordSource, Row};

use crate::answered::truth_in;
use crate::application::CallerClass;
use crate::decision;
use crate::proposal::{Permit, Proposal};
use crate::read::not_found;
use crate::record::Key;
use crate::recording::{self, This};
use crate::rule_of::RuleOf;
use crate::{Authority, IfMatch, Input, Record, TxContext, clauses};

/// What a stored record must be for a write to go on.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Wanted<'w> {
    /// It has one of these versions.
    pub(crate) if_match: Option<&'w IfMatch>,
    /// It refers to this record by this field, and the caller sees that; else it counts as one that isn't there.
    pub(crate) child_of: Option<(FieldId, RecordId)>,
}

/// The stored record, ready to be changed, if it is as wanted, the caller may read it, and a clause allows updates of it as it
/// is stored or the caller may take the transition that the input asks for.
pub(crate) async fn for_update<'a>(
    cx: &mut TxContext<'a, '_>,
    authority: Authority,
    record: (CollectionId, RecordId),
    input: &Input,
    wanted: Wanted<'_>,
) -> Result<Proposal<'a>, Error> {
    let (mut proposal, truths) = readable(cx, authority, record, (Action::Update, wanted.child_of)).await?;
    let clauses = truths.iter().enumerate().filter(|(_, allowed)| **allowed);
    let clauses = clauses.map(|(place, _)| Permit::Clause(place)).collect();
    proposal.open = clauses::sufficient(&proposal.class.rights, proposal.collection.id, clauses);
    if authority == Authority::Caller {
        clauses::offer_transitions(cx, &mut proposal, input).await?;
    }
    if proposal.open.is_empty() {
        return Err(forbidden(&proposal, Action::Update));
    }
    require_version(&proposal, wanted.if_match)?;
    Ok(proposal)
}

/// The stored record, if it is as wanted and the caller may read it and may delete it.
pub(crate) async fn for_deletion<'a>(
    cx: &mut TxContext<'a, '_>,
    authority: Authority,
    record: (CollectionId, RecordId),
    wanted: Wanted<'_>,
) -> Result<Proposal<'a>, Error> {
    let (proposal, truths) = readable(cx, authority, record, (Action::Delete, wanted.child_of)).await?;
    if !truths.contains(&true) {
        return Err(forbidden(&proposal, Action::Delete));
    }
    require_version(&proposal, wanted.if_match)?;
    Ok(proposal)
}

/// The record in the trash, if the caller may do this to it, and it has one of the versions wanted; and what its type says
/// of its trash.
pub(crate) async fn in_trash<'a>(
    cx: &mut TxContext<'a, '_>,
    (authority, action): (Authority, Action),
    record: (CollectionId, RecordId),
    if_match: Option<&IfMatch>,
) -> Result<(Proposal<'a>, Trash), Error> {
    let (proposal, truths) = readable(cx, authority, record, (action, None)).await?;
    if !truths.contains(&true) {
        return Err(forbidden(&proposal, action));
    }
    let trash = proposal.collection.trash.ok_or_else(|| not_found(proposal.collection))?;
    require_version(&proposal, if_match)?;
    Ok((proposal, trash))
}

/// Lets a record in the trash be changed, if a clause allows updates of it.
pub(crate) async fn open_in_trash(cx: &mut TxContext<'_, '_>, proposal: &mut Proposal<'_>) -> Result<(), Error> {
    let (class, collection) = (Arc::clone(&proposal.class), proposal.collection.id);
    let plan = class.plans.clauses_in_trash(&cx.engine.planner, &class.rights, collection);
    let statement = cx.statement(&plan.template, &cx.bindings().id(proposal.id()?), collection);
    let visit = &mut |row: &dyn Row| {
        for (place, column) in plan.truths.iter().enumerate() {
            if truth_in(row, *column)?.is_true() {
                proposal.open.push(Permit::Clause(place));
            }
        }
        Ok(())
    };
    cx.rows(&statement, visit).await?;
    proposal.open = clauses::sufficient(&class.rights, collection, std::mem::take(&mut proposal.open));
    decision::record_stored(cx, proposal, RuleOf::Type(Action::Update), This::Gone(Perspective::Trash)).await?;
    if proposal.open.is_empty() { Err(forbidden(proposal, Action::Update)) } else { Ok(()) }
}

/// Whether there is a record in the trash that callers of this class may see there.
pub(crate) async fn may_see_in_trash(
    cx: &mut TxContext<'_, '_>,
    class: &CallerClass,
    (collection, id): Key,
) -> Result<bool, Error> {
    let plan = class.plans.stored(&cx.engine.planner, &class.rights, (collection, Action::Trash));
    let statement = cx.statement(&plan.template, &cx.bindings().id(id), collection);
    let mut is_seen = false;
    let visit = &mut |row: &dyn Row| {
        is_seen = truth_in(row, plan.truths[READABLE])?.is_true();
        Ok(())
    };
    cx.rows(&statement, visit).await?;
    Ok(is_seen)
}

/// The stored record, if the caller may read it, with which of the rules for the action are true of it. Records in the trash
/// exist only for callers who may read them, and delete, restore or purge them.
async fn readable<'a>(
    cx: &mut TxContext<'a, '_>,
    authority: Authority,
    (collection, id): (CollectionId, RecordId),
    (action, child_of): (Action, Option<(FieldId, RecordId)>),
) -> Result<(Proposal<'a>, Vec<bool>), Error> {
    let collection: &Collection = cx.model().collection(collection);
    let class = cx.class_of(authority);
    let plan = class.plans.stored(&cx.engine.planner, &class.rights, (collection.id, action));
    let statement = cx.statement(&plan.template, &cx.bindings().id(id), collection.id);
    let mut found = None;
    let visit = &mut |row: &dyn Row| {
        let truth = |column: &usize| truth_in(row, *column).map(Truth::is_true);
        let truths = plan.truths.iter().map(truth).collect::<Result<Vec<bool>, DecodeError>>()?;
        found = Some((Record::new(plan.layout.read(row)?)?, truths));
        Ok(())
    };
    cx.rows(&statement, visit).await?;
    let Some((record, mut truths)) = found else {
        recording::absent(cx, collection, action);
        return Err(not_found(collection));
    };
    let proposal = Proposal::change(collection, authority, class.clone(), record);
    let of_trash = matches!(action, Action::Restore | Action::Purge);
    let this = if of_trash { This::Gone(Perspective::Trash) } else { This::Held(RecordSource::Stored) };
    decision::record_stored(cx, &proposal, RuleOf::Type(Action::Read), this).await?;
    if of_trash {
        for action in cx.engine.application.policy.collection(collection.id).allow.answering(Action::Trash) {
            decision::record_stored(cx, &proposal, RuleOf::Type(action), this).await?;
        }
    }
    let allowed = truths.split_off(READABLE + 1);
    if truths != [true] {
        return Err(not_found(collection));
    }
    if let Some(of) = child_of
        && !refers(cx, &proposal, of).await?
    {
        return Err(not_found(collection));
    }
    if !of_trash {
        decision::record_stored(cx, &proposal, RuleOf::Type(action), this).await?;
    }
    Ok((proposal, allowed))
}

/// Whether the stored record refers to this one by this field, as the caller sees.
async fn refers(
    cx: &mut TxContext<'_, '_>,
    proposal: &Proposal<'_>,
    (via, parent): (FieldId, RecordId),
) -> Result<bool, Error> {
    if proposal.stored_value(via).as_id() != Some(parent) {
        return Ok(false);
    }
    if proposal.authority == Authority::System {
        return Ok(true);
    }
    let holders = std::iter::successors(Some(via), |field| proposal.collection.field(*field).parent());
    for field in holders {
        if !decision::decide(cx, proposal, RuleOf::Field(field, Action::Read)).await?.is_true() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The place of the truth of the read rule in `Plans::stored`; those of the rules for the action follow.
const READABLE: usize = 0;

fn forbidden(proposal: &Proposal<'_>, action: Action) -> Error {
    Error::Forbidden { action, what: format!("this {}", proposal.collection.name) }
}

/// Refuses a record that has none of the versions wanted.
pub(crate) fn require_version(proposal: &Proposal<'_>, wanted: Option<&IfMatch>) -> Result<(), Error> {
    match (wanted, &proposal.stored) {
        (Some(IfMatch::Versions(versions)), Some(stored)) if !versions.contains(&stored.version()) => {
            Err(Error::Precondition { version: stored.version() })
        }
        _ => Ok(()),
    }
}
