//! Stored sums that follow after the commit (`stored: SOON`): their queue is worked off in small transactions of Backstay's
//! own, each of which removes some of it and computes these sums from all members.

use std::collections::BTreeSet;

use backstay_base::{Error, Limit, limits};
use backstay_store::{DueSum, QueuePlace, Writes};
use futures_util::future::BoxFuture;

use crate::pending_sums::Touched;
use crate::{Context, Engine, Transaction, TxContext};

/// Entries of the queue that are read at a time.
const ENTRIES_READ: u32 = 256;

/// How far a pass over the queue has come.
#[derive(Debug, Default)]
pub struct RefreshPass {
    /// Those up to here can't be computed; they are left for the next pass.
    after: QueuePlace,
    /// How many to compute in the next transaction, if not as many as may be.
    sums: Option<usize>,
}

impl Engine {
    /// Whether the model has stored sums that follow after the commit.
    pub fn has_sums_to_refresh(&self) -> bool {
        self.inner.application.sums.are_kept_soon()
    }

    /// Computes the next stored sums in the queue, at most `limits::REFRESHED_SUMS`, in one commit. Returns whether there may be
    /// more. One that can't be computed is left for the next pass.
    pub async fn refresh_sums(&self, pass: &mut RefreshPass) -> Result<bool, Error> {
        if !self.has_sums_to_refresh() {
            return Ok(false);
        }
        let most = pass.sums.unwrap_or(limits::REFRESHED_SUMS);
        let queued = self.run(&Context::system(self), Queued { after: pass.after }).await?;
        let Some((first, _)) = queued.first().copied() else { return Ok(false) };
        let mut due = BTreeSet::new();
        for (_, sum) in &queued {
            if due.len() < most {
                due.insert(*sum);
            }
        }
        let count = due.len();
        match self.run(&Context::system(self), Refresh { due }).await {
            Ok(()) => pass.sums = pass.sums.map(|sums| 2 * sums).filter(|sums| *sums < limits::REFRESHED_SUMS),
            Err(error) if is_passing(&error) => return Err(error),
            Err(error) if count == 1 => {
                let (_, sum) = queued[0];
                let name = self.name_of(sum).unwrap_or_default();
                tracing::warn!(sum = name, record = %sum.record, %error, "a stored sum can't be refreshed");
                pass.after = first;
            }
            Err(_) => pass.sums = Some(count / 2),
        }
        Ok(true)
    }

    /// How many entries the queue has.
    pub async fn queued_sums(&self) -> Result<u64, Error> {
        self.run(&Context::system(self), QueueLength).await
    }

    /// Such as `Product.views`; `None` if the model has no such sum.
    fn name_of(&self, sum: DueSum) -> Option<String> {
        let catalog = self.inner.store.catalog();
        let of = catalog.collection(sum.type_number)?;
        let field = catalog.field(of, sum.field)?;
        let collection = self.model().collection(of);
        Some(format!("{}.{}", collection.name, collection.field(field).name))
    }
}

/// Whether a transaction failed for a reason that has nothing to do with what it was about.
fn is_passing(error: &Error) -> bool {
    matches!(error, Error::Unknown | Error::Limit(Limit::Busy | Limit::Storage | Limit::Share(_)))
}

/// The next entries of the queue.
struct Queued {
    after: QueuePlace,
}

impl Transaction for Queued {
    type Answer = Vec<(QueuePlace, DueSum)>;

    fn name(&self) -> &'static str {
        "refresh-sums"
    }

    fn writes(&self) -> Writes {
        Writes::None
    }

    fn run<'a>(&'a self, cx: &'a mut TxContext<'_, '_>) -> BoxFuture<'a, Result<Self::Answer, Error>> {
        Box::pin(async move {
            let queued = cx.tx.queued_sums(self.after, ENTRIES_READ).await;
            queued.map_err(|error| cx.refused(error))
        })
    }
}

/// Counts the entries of the queue.
struct QueueLength;

impl Transaction for QueueLength {
    type Answer = u64;

    fn name(&self) -> &'static str {
        "refresh-sums"
    }

    fn writes(&self) -> Writes {
        Writes::None
    }

    fn run<'a>(&'a self, cx: &'a mut TxContext<'_, '_>) -> BoxFuture<'a, Result<u64, Error>> {
        Box::pin(async move {
            let length = cx.tx.queue_length().await;
            length.map_err(|error| cx.refused(error))
        })
    }
}

/// Removes sums from the queue and computes them. Those that the model has no more, or keeps at commit by now, are only removed.
struct Refresh {
    due: BTreeSet<DueSum>,
}

impl Transaction for Refresh {
    type Answer = ();

    fn name(&self) -> &'static str {
        "refresh-sums"
    }

    fn run<'a>(&'a self, cx: &'a mut TxContext<'_, '_>) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            for due in &self.due {
                cx.tx.unqueue_sum(due);
                let catalog = cx.engine.store.catalog();
                let Some(collection) = catalog.collection(due.type_number) else { continue };
                let Some(field) = catalog.field(collection, due.field) else { continue };
                let sums = &cx.engine.application.sums;
                let own = sums.own(collection).and_then(|own| own.sum(field));
                if let Some(sum) = own.filter(|_| cx.model().field(collection, field).is_kept_soon()) {
                    let touched = Touched { level: sums.level(sum), collection, id: due.record };
                    cx.sums.refresh(touched, field);
                }
            }
            Ok(())
        })
    }
}
