//! Which value of a record another one has already. A database names any of several, depending on which index it was made with
//! first, so that a second run looks each up in the order in which the model declares them. A run that looks first does so, too.

use backstay_base::{Conflict, Error, Place};
use backstay_model::{Collection, FieldId, Index};
use backstay_scalar::Value;
use backstay_sql::Perspective;
use backstay_store::StoreError;

use crate::TxContext;
use crate::bind::Bindings;
use crate::context::Retry;
use crate::inner::Inner;
use crate::proposal::Proposal;

/// Refuses a proposed record with the values of another one, once the database has refused one that could have several such
/// values, or before it does.
pub(crate) async fn ask(cx: &mut TxContext<'_, '_>, proposal: &Proposal<'_>) -> Result<(), Error> {
    let collection = proposal.collection;
    match cx.retry {
        Retry::SettleEach if keys(collection).count() > 1 => cx.settle().await?,
        Retry::LookFirst => {}
        Retry::None | Retry::VerifyReferences | Retry::SettleEach => return Ok(()),
    }
    let value = |field: &FieldId| &proposal.values[usize::from(field.0)];
    for key in keys(collection) {
        if key.iter().any(|field| value(field).is_null()) {
            continue;
        }
        let by: Vec<(FieldId, Value)> = key.iter().map(|field| (*field, value(field).clone())).collect();
        let (template, proposed) = cx.engine.lookup((collection.id, Perspective::Stored), &by);
        let bindings = Bindings { proposed: &proposed, ..cx.bindings() };
        let holder = cx.ids(&template, bindings, collection.id).await?.first().copied();
        let own = proposal.stored.as_ref().map(crate::Record::id);
        if holder.is_some() && holder != own {
            let fields = key.iter().map(|field| collection.field(*field).name.clone()).collect();
            let record = Box::new(Place::Whole);
            return Err(Conflict::Unique { collection: collection.name.clone(), fields, record }.into());
        }
    }
    Ok(())
}

/// The values that no two records have: the id, if a client can give it, then those of unique indexes over all records.
fn keys(collection: &Collection) -> impl Iterator<Item = &[FieldId]> {
    const ID: &[FieldId] = &[Collection::ID];
    let indexes = collection.indexes.iter().filter(|index| index.is_key()).map(|index: &Index| &index.fields[..]);
    collection.key.given.then_some(ID).into_iter().chain(indexes)
}

impl Inner {
    /// Whether a record of the type that this error is about could have several values of other ones.
    pub(crate) fn has_several_keys(&self, error: &StoreError) -> bool {
        let collections = &self.application.model.collections;
        match error {
            StoreError::Unique { table, .. } => {
                collections.iter().find(|of| of.table == *table).is_some_and(|of| keys(of).count() > 1)
            }
            // Of an index in which nulls are the same value; whose it is isn't worth a search.
            _ => true,
        }
    }
}
