//! The members of many-to-many relations: what an input changes in them.

use std::collections::HashSet;
use std::sync::Arc;

use backstay_base::{Error, RecordId, ViolationKind, limits};
use backstay_model::{Collection, CollectionId, Field, FieldId, FieldKind, Link};
use backstay_scalar::Value;

use crate::bind::Bindings;
use crate::proposal::{LinkChange, Proposal};
use crate::references::{may_read, may_refer, seen_among};
use crate::templates::LinkStatement;
use crate::{Authority, LinkChanges, TxContext};

/// The links of a new record: all that were sent, and no others.
pub(crate) fn added(proposal: &mut Proposal<'_>) {
    let is_ordered = |field: &Field| matches!(&field.kind, FieldKind::ManyToMany { link, .. } if link.ordered);
    for field in &proposal.collection.fields {
        if matches!(field.kind, FieldKind::ManyToMany { .. }) {
            proposal.values[usize::from(field.id.0)] = Value::List(Arc::from([]));
        }
    }
    for (field, mut members) in std::mem::take(&mut proposal.input.links) {
        if !is_ordered(proposal.collection.field(field)) {
            members.sort_unstable();
        }
        proposal.set(field, members_of(&members));
        if !members.is_empty() {
            let change = LinkChange { field, added: members.clone(), removed: Vec::new(), placed: Vec::new() };
            proposal.links.push(change);
        }
        proposal.input.links.push((field, members));
    }
}

/// What the input changes in the record's links. Members that the caller may not read are none of the caller's business:
/// they stay, and are members of the proposed record too.
pub(crate) async fn changed(cx: &mut TxContext<'_, '_>, proposal: &mut Proposal<'_>) -> Result<(), Error> {
    let id = proposal.id()?;
    for (field, wanted) in proposal.input.links.clone() {
        let FieldKind::ManyToMany { link, target } = &proposal.collection.field(field).kind else { continue };
        let ordered = link.ordered;
        let present = targets(cx, proposal.collection, link, id).await?;
        let known: HashSet<RecordId> = present.iter().copied().collect();
        let sent = wanted;
        let wanted: HashSet<RecordId> = sent.iter().copied().collect();
        let mut added: Vec<RecordId> = sent.iter().copied().filter(|member| !known.contains(member)).collect();
        if !ordered {
            added.sort_unstable();
        }
        let (mut removed, mut kept) = (Vec::new(), Vec::new());
        // Without such a rule, whoever names a member has to see it.
        let may_link_unseen = cx.engine.application.policy.collection(*target).allow.has_refer();
        let mut unseen = false;
        let hides = proposal.authority == Authority::Caller;
        let asked: Vec<RecordId> =
            present.iter().copied().filter(|member| hides && (may_link_unseen || !wanted.contains(member))).collect();
        let seen = seen_among(cx, &proposal.class, *target, &asked).await?;
        let asked: HashSet<RecordId> = asked.into_iter().collect();
        for member in present.iter().copied() {
            let is_wanted = wanted.contains(&member);
            let hidden = asked.contains(&member) && !seen.contains(&member);
            unseen |= hidden && is_wanted;
            if hidden || is_wanted { kept.push(member) } else { removed.push(member) }
        }
        if unseen {
            proposal.unseen_members.push(field);
        }
        let unplaced: Vec<RecordId> = kept.iter().chain(&added).copied().collect();
        let placed = if ordered { in_order(&present, &kept, &sent) } else { Vec::new() };
        let placed = if placed == unplaced { Vec::new() } else { placed };
        proposal.set(field, members_of(if placed.is_empty() { &unplaced } else { &placed }));
        if !added.is_empty() || !removed.is_empty() || !placed.is_empty() || unseen {
            let field = proposal.collection.field(field);
            if field.immutable && proposal.authority == Authority::Caller {
                proposal.refuse(field, ViolationKind::ReadOnly("this field can't change after creation"));
            }
            let field = field.id;
            if added.is_empty() && removed.is_empty() && placed.is_empty() {
                continue;
            }
            proposal.links.push(LinkChange { field, added, removed, placed });
        }
    }
    for (field, changes) in proposal.input.link_changes.clone() {
        change_some(cx, proposal, field, changes).await?;
    }
    Ok(())
}

/// The same where only the members are sent that come and go: however many there are, only these are looked at, unless the
/// model asks for all of them.
async fn change_some(
    cx: &mut TxContext<'_, '_>,
    proposal: &mut Proposal<'_>,
    field: FieldId,
    LinkChanges { added: wanted, removed: unwanted }: LinkChanges,
) -> Result<(), Error> {
    let (id, collection) = (proposal.id()?, proposal.collection);
    let FieldKind::ManyToMany { link, target } = &collection.field(field).kind else { return Ok(()) };
    let asks_refer = cx.engine.application.policy.collection(*target).allow.has_refer();
    let hides = proposal.authority == Authority::Caller;
    let (mut added, mut removed, mut unseen) = (Vec::new(), Vec::new(), false);
    let mut known = HashSet::with_capacity(wanted.len());
    for member in wanted.into_iter().filter(|member| known.insert(*member)) {
        let is_member = is_linked(cx, collection, link, (id, member)).await?;
        unseen |= is_member && hides && asks_refer && !may_read(cx, &proposal.class, *target, member).await?;
        if !is_member {
            added.push(member);
        }
    }
    for member in unwanted {
        let is_member = is_linked(cx, collection, link, (id, member)).await?;
        // Whoever can link to a record can undo that.
        if is_member && (!hides || may_refer(cx, &proposal.class, *target, member).await?) {
            removed.push(member);
        }
    }
    if unseen {
        proposal.unseen_members.push(field);
    }
    if cx.engine.application.policy.collection(collection.id).asks_for(field) {
        let gone: HashSet<RecordId> = removed.iter().copied().collect();
        let present = targets(cx, collection, link, id).await?;
        let all: Vec<RecordId> =
            present.into_iter().filter(|member| !gone.contains(member)).chain(added.clone()).collect();
        proposal.set(field, members_of(&all));
    }
    if added.is_empty() && removed.is_empty() && !unseen {
        return Ok(());
    }
    let of = collection.field(field);
    if of.immutable && hides {
        proposal.refuse(of, ViolationKind::ReadOnly("this field can't change after creation"));
    }
    if !link.ordered {
        added.sort_unstable();
    }
    if !added.is_empty() || !removed.is_empty() {
        proposal.links.push(LinkChange { field, added, removed, placed: Vec::new() });
    }
    Ok(())
}

/// Whether a record is a member of a record's relation.
async fn is_linked(
    cx: &mut TxContext<'_, '_>,
    collection: &Collection,
    link: &Link,
    (of, member): (RecordId, RecordId),
) -> Result<bool, Error> {
    let template = cx.engine.templates.link(&cx.engine.planner, link, LinkStatement::Between);
    let bindings = Bindings { argument: Some(&member), ..cx.bindings().id(of) };
    cx.ids(&template, bindings, collection.id).await.map(|ids| !ids.is_empty())
}

/// The members in the order in which they were sent. Those that stay although they weren't, because the caller may not read
/// them, keep their places.
fn in_order(present: &[RecordId], kept: &[RecordId], sent: &[RecordId]) -> Vec<RecordId> {
    let is_sent: HashSet<RecordId> = sent.iter().copied().collect();
    let unseen: HashSet<RecordId> = kept.iter().copied().filter(|member| !is_sent.contains(member)).collect();
    let mut next = sent.iter().copied();
    let mut all: Vec<RecordId> =
        present.iter().filter_map(|member| if unseen.contains(member) { Some(*member) } else { next.next() }).collect();
    all.extend(next);
    all
}

fn members_of(ids: &[RecordId]) -> Value {
    Value::List(ids.iter().copied().map(Value::Id).collect())
}

/// The live members of a record's relation, in the order of their keys, at most so many.
pub(crate) async fn live_targets(
    cx: &mut TxContext<'_, '_>,
    (collection, target): (&Collection, CollectionId),
    link: &Link,
    (of, most): (RecordId, u32),
) -> Result<Vec<RecordId>, Error> {
    let template = cx.engine.templates.link(&cx.engine.planner, link, LinkStatement::LiveTargets(target));
    let bindings = Bindings { limit: most.into(), ..cx.bindings().id(of) };
    cx.ids(&template, bindings, collection.id).await
}

/// The members of a record's relation, be they live or in the trash.
pub(crate) async fn targets(
    cx: &mut TxContext<'_, '_>,
    collection: &Collection,
    link: &Link,
    of: RecordId,
) -> Result<Vec<RecordId>, Error> {
    let template = cx.engine.templates.link(&cx.engine.planner, link, LinkStatement::Targets);
    let bindings = Bindings { limit: limits::LINKS_READ, ..cx.bindings().id(of) };
    cx.ids(&template, bindings, collection.id).await
}
