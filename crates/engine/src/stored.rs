use backstay_base::{Action, Error, RecordId};
use backstay_model::{Collection, CollectionId};
use backstay_sql::Row;

use crate::answered::truth_in;
use crate::proposal::Proposal;
use crate::read::not_found;
use crate::recording;
use crate::rule_of::RuleOf;
use crate::rules;
use crate::{Authority, IfMatch, Record, TxContext};

/// The stored record, ready to be changed or deleted, if the caller may read it and the type's rule allows the action on
/// it as it is stored.
pub(crate) async fn proposal<'a>(
    cx: &mut TxContext<'a, '_>,
    authority: Authority,
    (collection, id): (CollectionId, RecordId),
    action: Action,
) -> Result<Proposal<'a>, Error> {
    let collection: &Collection = cx.model().collection(collection);
    let class = cx.class_of(authority);
    let plan = class.plans.stored(&cx.engine.planner, &class.rights, (collection.id, action));
    let statement = cx.statement(&plan.template, &cx.bindings().id(id), collection.id);
    let mut found = None;
    let visit = &mut |row: &dyn Row| {
        let mut truths = [false; 2];
        for (truth, column) in truths.iter_mut().zip(&plan.truths) {
            *truth = truth_in(row, *column)?.is_true();
        }
        found = Some((Record::new(plan.layout.read(row)?)?, truths));
        Ok(())
    };
    cx.rows(&statement, visit).await?;
    let Some((record, [readable, allowed])) = found else {
        recording::absent(cx, collection, action);
        return Err(not_found(collection));
    };
    let proposal = Proposal::change(collection, authority, class.clone(), record);
    rules::record_stored(cx, &proposal, RuleOf::Type(Action::Read)).await?;
    if action == Action::Trash {
        rules::record_stored(cx, &proposal, RuleOf::Type(Action::Delete)).await?;
    }
    if !readable {
        return Err(not_found(collection));
    }
    if action != Action::Trash {
        rules::record_stored(cx, &proposal, RuleOf::Type(action)).await?;
    }
    match allowed {
        true => Ok(proposal),
        false => Err(Error::Forbidden { action, what: format!("this {}", collection.name) }),
    }
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
