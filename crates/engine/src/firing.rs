//! Records change at their moments in a transaction, which looks again whether they are due.

use backstay_base::{Error, Timestamp};
use backstay_model::TimedAct;
use backstay_scalar::Value;
use futures_util::future::BoxFuture;

use crate::due::{DueRecord, moment_of};
use crate::holding::ToHold;
use crate::stored::{self, Wanted};
use crate::{Authority, IfMatch, Input, RecordAct, Transaction, TxContext, placed};

/// Lets happen to records what is due. Answers why it can't, for each of which that is known before anything is written.
pub(crate) struct Fire {
    pub(crate) due: Vec<DueRecord>,
}

impl Transaction for Fire {
    type Answer = Vec<Option<Error>>;

    fn name(&self) -> &'static str {
        "timer"
    }

    fn run<'a>(&'a self, cx: &'a mut TxContext<'_, '_>) -> BoxFuture<'a, Result<Self::Answer, Error>> {
        Box::pin(async move {
            if cx.is_shared() && self.due.len() > 1 {
                cx.hold(self.due.iter().map(|due| (due.range.collection, due.id)).collect::<ToHold>()).await?;
            }
            let mut refusals = Vec::with_capacity(self.due.len());
            for due in &self.due {
                refusals.push(match one(cx, due).await {
                    Ok(()) => None,
                    // What follows is found at once.
                    Err(_) if cx.awaits_hooks() => None,
                    Err(refusal @ (Error::TransitionRefused(_) | Error::Invalid(_))) => Some(refusal),
                    Err(error) => return Err(error),
                });
            }
            Ok(refusals)
        })
    }
}

/// Nothing happens to a record that isn't due any more.
async fn one(cx: &mut TxContext<'_, '_>, due: &DueRecord) -> Result<(), Error> {
    let (collection, record) = (cx.model().collection(due.range.collection), (due.range.collection, due.id));
    let timer = &collection.timers[due.range.place];
    match &timer.act {
        TimedAct::Transition { states, to, .. } => {
            let input = Input::new().with(*states, Value::Text(to.clone()));
            cx.hold_to_change(record, &input).await?;
            let found = stored::for_update(cx, Authority::System, record, &input, Wanted::default()).await;
            let mut proposal = match found {
                Err(Error::NotFound { .. }) => return Ok(()),
                found => found?,
            };
            let is_in_state = proposal.stored_value(*states).as_text() == due.range.from.as_deref();
            if !is_in_state || !is_due(proposal.stored_value(timer.field), cx.now()) {
                return Ok(());
            }
            proposal.guarded = true;
            let changed = cx.change_proposed(proposal, input).await;
            placed::settled(cx, changed).await.map(drop)
        }
        TimedAct::Delete => {
            let Some(found) = cx.get(record.0, record.1).await? else { return Ok(()) };
            if !is_due(found.value(timer.field), cx.now()) {
                return Ok(());
            }
            let unchanged = IfMatch::Versions(vec![found.version()]);
            match cx.carry_out(Authority::System, &RecordAct::Delete, record, Some(&unchanged)).await {
                // It went with another one, or was changed in between.
                Ok(_) | Err(Error::NotFound { .. } | Error::Precondition { .. }) => Ok(()),
                Err(error) => Err(error),
            }
        }
    }
}

fn is_due(moment: &Value, now: Timestamp) -> bool {
    moment_of(moment).is_some_and(|moment| moment <= now)
}
