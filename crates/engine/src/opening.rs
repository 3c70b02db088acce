//! What an engine does before it answers requests: every `@single` type gets its record.

use backstay_base::{Conflict, Error, RecordId};
use backstay_model::{Collection, CollectionId};
use backstay_store::OpenError;
use futures_util::future::BoxFuture;
use sha2::{Digest, Sha256};

use crate::{Authority, Context, Engine, Input, Singles, Transaction, TxContext};

impl Engine {
    /// Finds the records of `@single` types, and creates those that are missing from their defaults. Blocks.
    pub(crate) fn open_singles(&self) -> Result<Singles, OpenError> {
        let mut singles = Vec::new();
        for collection in self.model().collections.iter().filter(|collection| collection.single) {
            let opened = self.inner.store.wait(open(self, collection));
            let id = opened.map_err(|source| OpenError::Single { collection: collection.name.clone(), source })?;
            singles.push((collection.id, id));
        }
        Ok(Singles(singles))
    }
}

async fn open(engine: &Engine, collection: &Collection) -> Result<RecordId, Error> {
    if let Some(id) = stored(engine, collection.id).await? {
        return Ok(id);
    }
    let create = Create { collection: collection.id, id: id_of(collection) };
    match engine.run(&Context::system(engine), create).await {
        // Another process was faster.
        Err(Error::Conflict(Conflict::Unique { .. } | Conflict::UniqueUnseen { .. })) => {
            stored(engine, collection.id).await?.ok_or_else(|| Conflict::Concurrent.into())
        }
        created => created,
    }
}

async fn stored(engine: &Engine, collection: CollectionId) -> Result<Option<RecordId>, Error> {
    Ok(engine.peek_page(collection, None, 1).await?.first().map(crate::Record::id))
}

/// The id of a new record. It follows from the name of the type, so that two processes can't create a record each. A UUID
/// of version 8 (RFC 9562, section 5.8).
fn id_of(collection: &Collection) -> RecordId {
    let digest = Sha256::digest(format!("backstay single {}", collection.name));
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    bytes[6] = bytes[6] & 0x0f | 0x80;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    RecordId::from_bytes(bytes)
}

/// Creates the record of a `@single` type.
struct Create {
    collection: CollectionId,
    id: RecordId,
}

impl Transaction for Create {
    type Answer = RecordId;

    fn name(&self) -> &'static str {
        "single"
    }

    fn asks_hooks(&self) -> bool {
        false
    }

    fn run<'a>(&'a self, cx: &'a mut TxContext<'_, '_>) -> BoxFuture<'a, Result<RecordId, Error>> {
        Box::pin(async move {
            let input = Input::new().with(Collection::ID, self.id);
            cx.create(Authority::System, self.collection, input).await.map(|record| record.id())
        })
    }
}
