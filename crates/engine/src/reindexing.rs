//! Writes the entries of searches anew, in small transactions of Backstay's own, beside all else that goes on.

use backstay_base::{Action, Error, RecordId, limits};
use backstay_expr::Rights;
use backstay_model::CollectionId;
use backstay_scalar::Value;
use backstay_sql::{PageStart, Perspective, Position, ReadScope, ReadShape, Selection};
use futures_util::future::BoxFuture;

use crate::bind::Bindings;
use crate::holding::ToHold;
use crate::{Context, Engine, Transaction, TxContext, searching};

/// How far it has come in a collection.
#[derive(Debug, Clone, Default)]
pub struct ReindexPass {
    /// The records whose entries were written.
    pub records: u64,
    /// The last of them, in the order of ids.
    pub after: Option<RecordId>,
    /// How many to write in the next transaction, if not as many as may be.
    at_once: Option<usize>,
}

impl ReindexPass {
    /// It goes on after this record.
    pub fn after(after: Option<RecordId>) -> Self {
        Self { after, ..Self::default() }
    }

    fn most(&self) -> usize {
        self.at_once.unwrap_or(limits::REINDEXED_RECORDS)
    }
}

impl Engine {
    /// Writes the entries of the next records of a collection anew, be they live or in the trash, in one commit: at most
    /// `limits::REINDEXED_RECORDS`. Searches find all records meanwhile. Returns whether there may be more.
    pub async fn reindex(&self, collection: CollectionId, pass: &mut ReindexPass) -> Result<bool, Error> {
        if self.model().collection(collection).search_index().is_none() {
            return Ok(false);
        }
        let ids = self.stored_ids(collection, (pass.after, pass.most())).await?;
        let Some(last) = ids.last().copied() else { return Ok(false) };
        let count = ids.len();
        match self.run(&Context::system(self), Reindex { collection, ids }).await {
            Ok(()) => {
                // No record has changed, but what searches find may have.
                self.inner.published.everything_has_changed();
                pass.records += count as u64;
                pass.after = Some(last);
                pass.at_once = pass.at_once.map(|most| 2 * most).filter(|most| *most < limits::REINDEXED_RECORDS);
            }
            Err(error) if count > 1 && error.fits_in_parts() => pass.at_once = Some(count / 2),
            Err(error) => return Err(error),
        }
        Ok(true)
    }

    /// Ids of records that are live or in the trash, in order.
    async fn stored_ids(
        &self,
        collection: CollectionId,
        (after, most): (Option<RecordId>, usize),
    ) -> Result<Vec<RecordId>, Error> {
        let start = match after {
            Some(_) => PageStart::After(Position { nulls: Vec::new() }),
            None => PageStart::First,
        };
        let shape = ReadShape {
            action: Action::Read,
            perspective: Perspective::Stored,
            collection,
            selection: Selection::id(),
            first_param: 0,
            filter: None,
            search: None,
            scope: ReadScope::Page { sort: Vec::new(), start },
        };
        let plan = self.inner.planner.read(&shape, Rights::unrestricted());
        let cx = Context::system(self);
        let cursor: Vec<Value> = after.into_iter().map(Value::Id).collect();
        let bindings = Bindings { limit: most as u64, cursor: &cursor, ..Bindings::new(cx.caller(), cx.now) };
        let column = *plan.cursor.last().expect("the id is the last key of every order");
        self.ids(&cx, (&plan.template, column), bindings).await
    }
}

/// Writes the entries of some records anew.
struct Reindex {
    collection: CollectionId,
    ids: Vec<RecordId>,
}

impl Transaction for Reindex {
    type Answer = ();

    fn name(&self) -> &'static str {
        "reindex"
    }

    fn run<'a>(&'a self, cx: &'a mut TxContext<'_, '_>) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            let collection = cx.model().collection(self.collection);
            // Nobody changes or purges one between its being read and the commit.
            cx.hold(ToHold::records(collection.id, self.ids.iter().copied())).await?;
            for id in &self.ids {
                // One that was deleted meanwhile has taken its entry along.
                if let Some(record) = cx.get_stored(collection.id, *id).await? {
                    searching::put_again(cx, collection, *id, record.values());
                }
            }
            Ok(())
        })
    }
}
