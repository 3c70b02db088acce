//! Deletes the versions of records that `@history(keep:)` keeps no longer.

use backstay_base::{Error, Timestamp, limits};
use backstay_model::CollectionId;
use backstay_store::Writes;
use futures_util::future::BoxFuture;

use crate::bind::Bindings;
use crate::{Context, Engine, Transaction, TxContext};

impl Engine {
    /// Deletes versions that their types keep no longer, at most `limits::PURGE_RECORDS` of each type. Returns whether there
    /// may be more.
    pub(crate) async fn delete_old_versions(&self) -> Result<bool, Error> {
        let mut more = false;
        for collection in &self.model().collections {
            let Some(history) = &collection.history else { continue };
            let now = self.ambient().clock.now().micros();
            let before = history.keep.and_then(|keep| now.checked_sub(keep.micros())).and_then(Timestamp::from_micros);
            let Some(before) = before else { continue };
            more |= self.run(&Context::system(self), DeleteOld { of: history.versions, before }).await?;
        }
        Ok(more)
    }
}

/// Deletes versions that have been of the past since before a moment.
struct DeleteOld {
    of: CollectionId,
    before: Timestamp,
}

impl Transaction for DeleteOld {
    type Answer = bool;

    fn name(&self) -> &'static str {
        "forget"
    }

    fn writes(&self) -> Writes {
        Writes::One
    }

    fn run<'a>(&'a self, cx: &'a mut TxContext<'_, '_>) -> BoxFuture<'a, Result<bool, Error>> {
        Box::pin(async move {
            let engine = cx.engine;
            let Some(versions) = &cx.model().collection(self.of).versions else { return Ok(false) };
            let templates = engine.templates.versions(&engine.planner, (self.of, versions));
            let limit = limits::PURGE_RECORDS as u64;
            let bindings = Bindings { as_of: Some(self.before), limit, ..cx.bindings() };
            let found = cx.ids(&templates.expired, bindings, self.of).await?.len();
            if found > 0 {
                let delete = cx.statement(&templates.delete_expired, &bindings, self.of);
                cx.tx.stage(delete, Some(found as u64));
            }
            Ok(found >= limits::PURGE_RECORDS)
        })
    }
}
