//! Asks the checks at commit, once everything that a transaction writes is written.

use std::sync::Arc;

use backstay_base::{Error, Place, RecordId, Violation, ViolationKind};
use backstay_expr::Truth;
use backstay_model::{Collection, CollectionId, FieldId};

use crate::decision::decide;
use crate::pending_checks::{Cause, Touched};
use crate::proposal::Proposal;
use crate::references::may_read;
use crate::rule_of::RuleOf;
use crate::{Authority, TxContext};

/// Why a transaction can't be committed.
#[derive(Debug)]
pub(crate) struct Unmet {
    /// Which of its requests is the reason.
    pub(crate) request: Option<usize>,
    pub(crate) error: Error,
}

impl From<Error> for Unmet {
    fn from(error: Error) -> Self {
        Self { request: None, error }
    }
}

impl TxContext<'_, '_> {
    /// Asks everything that would be asked at the commit, for a transaction that is going to be undone.
    pub async fn rehearse(&mut self) -> Result<(), Error> {
        ask(self).await.map_err(|unmet| unmet.error)?;
        self.settle().await
    }
}

/// Asks them of each record that was changed, or whose children were. The record is locked until the commit, and so, in
/// effect, are its children: whoever changes one has to lock the record first. Unknown passes, as in every check.
pub(crate) async fn ask(cx: &mut TxContext<'_, '_>) -> Result<(), Unmet> {
    cx.hold_touched(cx.checks.records().collect()).await?;
    let touched = cx.checks.take();
    let counted = touched.values().filter(|touched| touched.cause.is_counted).count();
    cx.require_few_checks(counted)?;
    let mut violations: Vec<(Option<usize>, Violation)> = Vec::new();
    for (record, touched) in touched {
        of_one(cx, record, &touched, &mut violations).await?;
    }
    let Some(request) = violations.iter().map(|(request, _)| *request).min() else { return Ok(()) };
    let of_request = violations.into_iter().filter(|(of, _)| *of == request);
    Err(Unmet { request, error: Error::Invalid(of_request.map(|(_, violation)| violation).collect()) })
}

async fn of_one(
    cx: &mut TxContext<'_, '_>,
    (collection, id): (CollectionId, RecordId),
    Touched { cause, changed }: &Touched,
    violations: &mut Vec<(Option<usize>, Violation)>,
) -> Result<(), Error> {
    let collection: &Collection = cx.model().collection(collection);
    let application = &cx.engine.application;
    let Some(own) = application.commit_checks.own(collection.id) else { return Ok(()) };
    let plan = cx.engine.templates.checked(&cx.engine.planner, collection.id, &own.needed);
    // Nothing is asked of a record that is deleted.
    let Some(record) = cx.read_whole(plan, (collection.id, id)).await? else { return Ok(()) };
    if own.is_trashed(record.values()) {
        return Ok(());
    }
    let policy = application.policy.collection(collection.id);
    let proposal = Proposal::change(collection, Authority::Caller, Arc::clone(&cx.class), record);
    for (field, place) in &own.checks {
        if !changed.concerns(policy.checks_of(*field)[*place].guards.as_deref()) {
            continue;
        }
        if decide(cx, &proposal, RuleOf::Check(*field, *place)).await? != Truth::False {
            continue;
        }
        let message = policy.checks_of(*field)[*place].message.clone();
        let kind = violation(cx, (collection, id), cause, message).await?;
        let at = place_of(collection, *field, cause);
        violations.push((cause.part.request, Violation::new(at, kind)));
    }
    Ok(())
}

/// Where in its request the reason is: at the field with the check, if the request is about the record.
fn place_of(collection: &Collection, field: Option<FieldId>, cause: &Cause) -> Place {
    let place = match field {
        Some(field) if cause.is_sent => collection.field(field).place(),
        _ => Place::Whole,
    };
    place.under(&cause.part.at)
}

/// What is wrong. A record that the request isn't about is named to those who may read it.
async fn violation(
    cx: &mut TxContext<'_, '_>,
    (collection, id): (&Collection, RecordId),
    cause: &Cause,
    message: String,
) -> Result<ViolationKind, Error> {
    let class = Arc::clone(&cx.class);
    if cause.is_sent || !class.system && !may_read(cx, &class, collection.id, id).await? {
        return Ok(ViolationKind::Check { message });
    }
    Ok(ViolationKind::CheckOfOther { message, collection: collection.name.clone(), id: Box::new(id) })
}
