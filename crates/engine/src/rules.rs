//! Asks the rules, checks and guards that a write must satisfy.

use std::sync::Arc;

use backstay_base::{Action, Error, ViolationKind};
use backstay_expr::{Rule, Truth, truth};
use backstay_model::FieldId;
use backstay_sql::{RecordSource, Row};

use crate::TxContext;
use crate::answered::{NoAnswer, truth_in};
use crate::application::CallerClass;
use crate::bind::{Bindings, InMemory};
use crate::clauses;
use crate::proposal::Proposal;
use crate::recording;
use crate::rule_of::RuleOf;

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
    clauses::require(cx, proposal).await?;
    fields(cx, proposal, Action::Update).await?;
    match idle {
        true => Ok(()),
        false => checks(cx, proposal).await,
    }
}

/// What a rule says.
pub(crate) async fn decide(
    cx: &mut TxContext<'_, '_>,
    proposal: &Proposal<'_>,
    of: RuleOf<'_>,
) -> Result<Truth, Error> {
    // A check is about the record, no matter whose rules apply to the write.
    let class = match of {
        RuleOf::Check(..) => Arc::clone(&cx.class),
        RuleOf::Type(_)
        | RuleOf::After(_)
        | RuleOf::Field(..)
        | RuleOf::FieldAfter(_)
        | RuleOf::Taking(..)
        | RuleOf::Transition(..) => Arc::clone(&proposal.class),
    };
    let (rule, this) = of.rule(&class.rights, proposal.collection.id);
    let answer = answer(cx, &class, proposal, (rule, this)).await?;
    if cx.recorder.is_some() {
        recording::rule(cx, proposal, of, this).await?;
    }
    Ok(answer)
}

/// The answer from memory; the database is asked only where the rule follows relations.
async fn answer(
    cx: &mut TxContext<'_, '_>,
    class: &CallerClass,
    proposal: &Proposal<'_>,
    (rule, this): (&Rule, RecordSource),
) -> Result<Truth, Error> {
    if let Some(decided) = rule.decided() {
        return Ok(decided);
    }
    let (collection, stored, proposed) = (proposal.collection.id, proposal.stored_values(), &*proposal.values);
    if !rule.needs_store() {
        let record = if this == RecordSource::Stored { stored } else { proposed };
        let memory = InMemory { caller: cx.caller(), now: cx.now(), this: record, new: proposed };
        return Ok(truth(rule.expr(), &memory));
    }
    let template = class.plans.check(&cx.engine.planner, (collection, rule), this);
    let bindings = Bindings { proposed, stored, ..cx.bindings() };
    let statement = cx.statement(&template, &bindings, collection);
    let mut answer = None;
    let visit = &mut |row: &dyn Row| {
        answer = Some(truth_in(row, 0)?);
        Ok(())
    };
    cx.rows(&statement, visit).await?;
    answer.ok_or_else(|| Error::internal(NoAnswer))
}

/// Notes in an explanation what a rule says of the stored record; the statement that read the record has asked it.
pub(crate) async fn record_stored(
    cx: &mut TxContext<'_, '_>,
    proposal: &Proposal<'_>,
    of: RuleOf<'_>,
) -> Result<(), Error> {
    recording::rule(cx, proposal, of, RecordSource::Stored).await
}

/// Ends the write unless the rule is true: the clauses for a new record, or a guard.
pub(crate) async fn require(cx: &mut TxContext<'_, '_>, proposal: &Proposal<'_>, of: RuleOf<'_>) -> Result<(), Error> {
    if decide(cx, proposal, of).await?.is_true() {
        return Ok(());
    }
    let name = &proposal.collection.name;
    Err(match of {
        RuleOf::Taking(..) | RuleOf::Transition(..) => {
            Error::Forbidden { action: Action::Update, what: format!("the state of this {name}") }
        }
        RuleOf::Type(action) | RuleOf::Field(_, action) => Error::Forbidden { action, what: format!("this {name}") },
        RuleOf::After(_) | RuleOf::FieldAfter(_) | RuleOf::Check(..) => {
            Error::ForbiddenAfterwards { collection: name.clone() }
        }
    })
}

/// The rules of the fields that the input names: of the stored record and of the proposed one.
pub(crate) async fn fields(
    cx: &mut TxContext<'_, '_>,
    proposal: &mut Proposal<'_>,
    action: Action,
) -> Result<(), Error> {
    let (rights, collection, recorded) = (&proposal.class.rights, proposal.collection.id, cx.recorder.is_some());
    let asked = |id: &FieldId| {
        let rule = |of: RuleOf<'_>| of.rule(rights, collection).0.allows();
        recorded || of_field(*id, action).any(|of| !rule(of))
    };
    let fields: Vec<FieldId> = proposal.input.fields().filter(asked).collect();
    for id in fields {
        for of in of_field(id, action) {
            if !decide(cx, proposal, of).await?.is_true() {
                proposal.refuse(proposal.collection.field(id), ViolationKind::FieldForbidden { action });
                break;
            }
        }
    }
    proposal.settle()
}

/// What is asked before a field is given a value.
fn of_field(id: FieldId, action: Action) -> impl Iterator<Item = RuleOf<'static>> {
    let after = (action == Action::Update).then_some(RuleOf::FieldAfter(id));
    std::iter::once(RuleOf::Field(id, action)).chain(after)
}

/// `@check`s of the record as it would be, of its fields and of its type: each must be true, or unknown because a value is
/// missing. A check that guards fields is asked if one of them changes.
pub(crate) async fn checks(cx: &mut TxContext<'_, '_>, proposal: &mut Proposal<'_>) -> Result<(), Error> {
    let policy = cx.engine.application.policy.collection(proposal.collection.id);
    let of_fields = proposal.collection.fields.iter().zip(&policy.fields);
    let checks = of_fields.map(|(field, rules)| (Some(field), &rules.checks)).chain([(None, &policy.checks)]);
    for (field, checks) in checks {
        for (place, check) in checks.iter().enumerate() {
            let guards = |guards: &[FieldId]| guards.iter().any(|guarded| proposal.may_change(*guarded));
            if !check.guards.as_deref().is_none_or(guards) {
                continue;
            }
            let of = RuleOf::Check(field.map(|field| field.id), place);
            if decide(cx, proposal, of).await? == Truth::False {
                let kind = ViolationKind::Check { message: check.message.clone() };
                match field {
                    Some(field) => proposal.refuse(field, kind),
                    None => proposal.refuse_whole(kind),
                }
            }
        }
    }
    proposal.settle()
}
