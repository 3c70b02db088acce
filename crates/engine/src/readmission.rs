//! What a record must satisfy to come back from the trash: what a new record with its values would have to, as far as others
//! may have changed the answer since it was deleted.

use std::sync::Arc;

use backstay_base::{Error, RecordId, ViolationKind};
use backstay_model::{Collection, CollectionId, FieldId, FieldKind};
use backstay_scalar::Value;

use crate::application::CallerClass;
use crate::proposal::{Permit, Proposal};
use crate::references::{may_refer, none_with_id};
use crate::{Authority, Input, Record, TxContext, clauses, exclusions, links, mentions, rules};

/// Asks the `refer` rules of the records to which a record refers, and its checks, before it comes back. `is_coming` tells
/// which records come back with it: while they were in the trash, nothing could refer to them instead.
pub(crate) async fn ask(
    cx: &mut TxContext<'_, '_>,
    proposal: &mut Proposal<'_>,
    is_coming: impl Fn(CollectionId, RecordId) -> bool,
) -> Result<(), Error> {
    if proposal.authority == Authority::Caller {
        references(cx, proposal, is_coming).await?;
        members(cx, proposal).await?;
        proposal.settle()?;
    }
    rules::checks(cx, proposal).await?;
    exclusions::ask(cx, proposal).await
}

async fn references(
    cx: &mut TxContext<'_, '_>,
    proposal: &mut Proposal<'_>,
    is_coming: impl Fn(CollectionId, RecordId) -> bool,
) -> Result<(), Error> {
    for field in &proposal.collection.fields {
        let (Some(target), Some(to)) = (field.kind.target(), proposal.value(field.id).as_id()) else { continue };
        let is_asked = has_rule(cx, target) && !is_coming(target, to);
        if is_asked && !may_refer(cx, &proposal.class, target, to).await? {
            refuse(cx, proposal, (field.id, target));
        }
    }
    for (field, mentioned) in mentions::of_record(cx.model(), proposal.collection, &proposal.values) {
        let (target, to) = (mentioned.relation.target, mentioned.id);
        let is_asked = has_rule(cx, target) && !is_coming(target, to);
        if is_asked && !may_refer(cx, &proposal.class, target, to).await? {
            refuse(cx, proposal, (field, target));
        }
    }
    Ok(())
}

/// Members of many-to-many relations that are there: the links to others in the trash stay, and are asked about when those
/// come back.
async fn members(cx: &mut TxContext<'_, '_>, proposal: &mut Proposal<'_>) -> Result<(), Error> {
    let (collection, id): (&Collection, _) = (proposal.collection, proposal.id()?);
    for field in &collection.fields {
        let FieldKind::ManyToMany { link, target } = &field.kind else { continue };
        if !has_rule(cx, *target) {
            continue;
        }
        let members = match proposal.value(field.id) {
            Value::List(sent) => sent.iter().filter_map(Value::as_id).collect(),
            _ => links::targets(cx, collection, link, id).await?,
        };
        for to in members {
            if !may_refer(cx, &proposal.class, *target, to).await? && cx.get(*target, to).await?.is_some() {
                refuse(cx, proposal, (field.id, *target));
                break;
            }
        }
    }
    Ok(())
}

/// Whether links to records of a type have a rule of their own. Otherwise those may be linked to that may be read, which was
/// asked of whoever made the link.
fn has_rule(cx: &TxContext<'_, '_>, target: CollectionId) -> bool {
    cx.engine.application.policy.collection(target).allow.has_refer()
}

/// Refuses a reference; of the whole record if the caller doesn't see that it is there. How many of those there are doesn't
/// show.
fn refuse(cx: &TxContext<'_, '_>, proposal: &mut Proposal<'_>, (field, target): (FieldId, CollectionId)) {
    let kind: ViolationKind = none_with_id(cx.model(), target);
    match proposal.sees(field) {
        true => proposal.refuse(proposal.collection.field(field), kind),
        false if proposal.is_refused_whole() => {}
        false => proposal.refuse_whole(kind),
    }
}

/// A change of a record that comes back, whose rules are asked once more when everything is there that came back with it:
/// they may follow relations to that.
pub(crate) struct Confirmation {
    stored: Record,
    values: Vec<Value>,
    input: Input,
    open: Vec<Permit>,
}

impl Confirmation {
    pub(crate) fn of(proposal: &Proposal<'_>) -> Option<Self> {
        let Proposal { stored, values, input, open, .. } = proposal;
        Some(Self { stored: stored.clone()?, values: values.clone(), input: input.clone(), open: open.clone() })
    }

    pub(crate) async fn ask(
        self,
        cx: &mut TxContext<'_, '_>,
        (collection, authority, class): (&Collection, Authority, Arc<CallerClass>),
    ) -> Result<(), Error> {
        let Self { stored, values, input, open } = self;
        let mut proposal = Proposal::change(collection, authority, class, stored);
        (proposal.values, proposal.input, proposal.open) = (values, input, open);
        clauses::permitted(cx, &mut proposal).await?;
        rules::of_change(cx, &mut proposal).await
    }
}
