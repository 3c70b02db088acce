//! The members of many-to-many relations: what an input changes in them.

use std::collections::HashSet;
use std::sync::Arc;

use backstay_base::{Error, RecordId, ViolationKind, limits};
use backstay_model::{Collection, FieldKind, Link};
use backstay_scalar::Value;

use crate::bind::Bindings;
use crate::proposal::{LinkChange, Proposal};
use crate::references::may_read;
use crate::templates::LinkStatement;
use crate::{Authority, TxContext};

/// The links of a new record: all that were sent, and no others.
pub(crate) fn added(proposal: &mut Proposal<'_>) {
    for field in &proposal.collection.fields {
        if matches!(field.kind, FieldKind::ManyToMany { .. }) {
            proposal.values[usize::from(field.id.0)] = Value::List(Arc::from([]));
        }
    }
    for (field, members) in std::mem::take(&mut proposal.input.links) {
        proposal.set(field, members_of(&members));
        if !members.is_empty() {
            proposal.links.push(LinkChange { field, added: members.clone(), removed: Vec::new() });
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
        let present = targets(cx, proposal.collection, link, id).await?;
        let (known, wanted): (HashSet<RecordId>, HashSet<RecordId>) =
            (present.iter().copied().collect(), wanted.into_iter().collect());
        let mut added: Vec<RecordId> = wanted.difference(&known).copied().collect();
        added.sort_unstable();
        let (mut removed, mut members) = (Vec::new(), added.clone());
        // Without such a rule, whoever names a member has to see it.
        let may_link_unseen = !cx.engine.application.policy.collection(*target).allow.refer.is_empty();
        let mut unseen = false;
        for member in present {
            let is_wanted = wanted.contains(&member);
            let hidden = proposal.authority == Authority::Caller
                && (!is_wanted || may_link_unseen)
                && !may_read(cx, &proposal.class, *target, member).await?;
            unseen |= hidden && is_wanted;
            if hidden || is_wanted { members.push(member) } else { removed.push(member) }
        }
        if unseen {
            proposal.unseen_members.push(field);
        }
        proposal.set(field, members_of(&members));
        if !added.is_empty() || !removed.is_empty() || unseen {
            let field = proposal.collection.field(field);
            if field.immutable && proposal.authority == Authority::Caller {
                proposal.refuse(field, ViolationKind::ReadOnly("this field can't change after creation"));
            }
            let field = field.id;
            if added.is_empty() && removed.is_empty() {
                continue;
            }
            proposal.links.push(LinkChange { field, added, removed });
        }
    }
    Ok(())
}

fn members_of(ids: &[RecordId]) -> Value {
    Value::List(ids.iter().copied().map(Value::Id).collect())
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
