//! What one rule says of a record in the making.

use std::sync::Arc;

use backstay_base::Error;
use backstay_expr::{Rule, Truth, truth};
use backstay_sql::RecordSource;

use crate::TxContext;
use crate::answered::truth_in;
use crate::application::CallerClass;
use crate::bind::{Bindings, InMemory};
use crate::proposal::Proposal;
use crate::recording::{self, This};
use crate::rule_of::RuleOf;

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
        | RuleOf::Clause(_)
        | RuleOf::After(_)
        | RuleOf::Field(..)
        | RuleOf::FieldAfter(..)
        | RuleOf::Taking(..)
        | RuleOf::Transition(..) => Arc::clone(&proposal.class),
    };
    let (rule, this) = of.rule(&class.rights, proposal.collection.id);
    let answer = answer(cx, &class, proposal, (rule, this)).await?;
    if cx.recorder.is_some() {
        recording::rule(cx, proposal, of, This::Held(this)).await?;
    }
    Ok(answer)
}

/// Evaluates the rule in memory; queries the database only if the rule follows relations.
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
        let memory = InMemory { caller: cx.caller(), now: cx.now(), this: record, new: proposed, old: stored };
        return Ok(truth(rule.expr(), &memory));
    }
    let template = class.plans.check(&cx.engine.planner, (collection, rule), this);
    let bindings = Bindings { proposed, stored, ..cx.bindings() };
    let statement = cx.statement(&template, &bindings, collection);
    cx.one_row(&statement, |row| truth_in(row, 0)).await
}

/// Notes in an explanation what a rule says of the stored record; the statement that read the record has evaluated it.
pub(crate) async fn record_stored(
    cx: &mut TxContext<'_, '_>,
    proposal: &Proposal<'_>,
    of: RuleOf<'_>,
    this: This,
) -> Result<(), Error> {
    recording::rule(cx, proposal, of, this).await
}
