//! The rules, checks and guards that a write must satisfy, in their order.

use std::sync::Arc;

use backstay_base::{Action, Error, ViolationKind};
use backstay_expr::{Rights, Truth};
use backstay_model::{CollectionId, FieldId};

use crate::decision::decide;
use crate::proposal::Proposal;
use crate::rule_of::RuleOf;
use crate::{TxContext, clauses, transitions};

/// Everything that a new record must satisfy, in order: a check can follow relations, so its verdict is for those who
/// may make the record.
pub(crate) async fn of_create(cx: &mut TxContext<'_, '_>, proposal: &mut Proposal<'_>) -> Result<(), Error> {
    require(cx, proposal, RuleOf::Type(Action::Create)).await?;
    fields(cx, proposal, Action::Create).await?;
    checks(cx, proposal).await
}

/// Everything that a changed record must satisfy, in the same order; the checks if anything changes.
pub(crate) async fn of_update(
    cx: &mut TxContext<'_, '_>,
    proposal: &mut Proposal<'_>,
    idle: bool,
) -> Result<(), Error> {
    of_change(cx, proposal).await?;
    match idle {
        true => Ok(()),
        false => checks(cx, proposal).await,
    }
}

/// The same, but for the checks.
pub(crate) async fn of_change(cx: &mut TxContext<'_, '_>, proposal: &mut Proposal<'_>) -> Result<(), Error> {
    clauses::require(cx, proposal).await?;
    fields(cx, proposal, Action::Update).await
}

/// Ends the write unless the rule is true: the clauses for a new record, or a guard.
pub(crate) async fn require(cx: &mut TxContext<'_, '_>, proposal: &Proposal<'_>, of: RuleOf<'_>) -> Result<(), Error> {
    if decide(cx, proposal, of).await?.is_true() {
        return Ok(());
    }
    let name = &proposal.collection.name;
    Err(match of {
        RuleOf::Taking(..) => Error::Forbidden { action: Action::Update, what: format!("the state of this {name}") },
        RuleOf::Transition(field, way) => transitions::refused(cx.model(), proposal.collection, field, way),
        RuleOf::Type(action) | RuleOf::Field(_, action) => Error::Forbidden { action, what: format!("this {name}") },
        RuleOf::Clause(_) | RuleOf::After(_) | RuleOf::FieldAfter(..) | RuleOf::Check(..) => {
            Error::ForbiddenAfterwards { collection: name.clone() }
        }
    })
}

/// The rules of the fields that the input names, those that list children included: of the stored record and of the proposed
/// one.
pub(crate) async fn fields(
    cx: &mut TxContext<'_, '_>,
    proposal: &mut Proposal<'_>,
    action: Action,
) -> Result<(), Error> {
    let class = Arc::clone(&proposal.class);
    let (rights, collection, recorded) = (&class.rights, proposal.collection.id, cx.recorder.is_some());
    let asked = |id: &FieldId| {
        let rule = |of: RuleOf<'_>| of.rule(rights, collection).0.allows();
        recorded || of_field(rights, (collection, *id), action).any(|of| !rule(of))
    };
    let relations = proposal.input.children.iter().map(|(relation, _)| *relation);
    let fields: Vec<FieldId> = proposal.input.fields().chain(relations).filter(asked).collect();
    for id in fields {
        for of in of_field(&class.rights, (collection, id), action) {
            if !decide(cx, proposal, of).await?.is_true() {
                proposal.refuse(proposal.collection.field(id), ViolationKind::FieldForbidden { action });
                break;
            }
        }
    }
    proposal.settle()
}

/// What is asked before a field is given a value.
fn of_field(
    rights: &Rights,
    (collection, id): (CollectionId, FieldId),
    action: Action,
) -> impl Iterator<Item = RuleOf<'static>> {
    let changes = if action == Action::Update { rights.field_changes(collection, id).len() } else { 0 };
    std::iter::once(RuleOf::Field(id, action)).chain((0..changes).map(move |place| RuleOf::FieldAfter(id, place)))
}

/// `@check`s of the record as it would be, of its fields and of its type: each must be true, or unknown because a value is
/// missing. A check that guards fields applies if one of them changes. Those at commit wait until then.
pub(crate) async fn checks(cx: &mut TxContext<'_, '_>, proposal: &mut Proposal<'_>) -> Result<(), Error> {
    let policy = cx.engine.application.policy.collection(proposal.collection.id);
    for (field, place, check) in policy.all_checks().filter(|(.., check)| check.at_commit.is_none()) {
        let guards = |guards: &[FieldId]| guards.iter().any(|guarded| proposal.may_change(*guarded));
        if !check.guards.as_deref().is_none_or(guards) {
            continue;
        }
        if decide(cx, proposal, RuleOf::Check(field, place)).await? == Truth::False {
            let kind = ViolationKind::Check { message: check.message.clone() };
            match field {
                Some(field) => proposal.refuse(proposal.collection.field(field), kind),
                None => proposal.refuse_whole(kind),
            }
        }
    }
    proposal.settle()
}
