use backstay_base::Error;
use backstay_engine::{Authority, Input, Record, TxContext};
use backstay_model::{CollectionId, FieldId};

/// The collection whose records say how far loads are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Journal {
    pub(crate) collection: CollectionId,
    /// The field by which a load is known.
    pub(crate) name: FieldId,
}

/// Another process has moved the load on, or has begun it anew.
#[derive(Debug, thiserror::Error)]
#[error("another process loads the same records")]
pub(crate) struct Overtaken;

impl Overtaken {
    /// Whether a transaction failed because of this.
    pub(crate) fn is(error: &Error) -> bool {
        matches!(error, Error::Internal(cause) if cause.is::<Self>())
    }
}

impl Journal {
    /// Stores how far a load is, in the commit of what it is past. `is_here` compares what is stored with where this process
    /// has left it.
    pub(crate) async fn advance(
        self,
        cx: &mut TxContext<'_, '_>,
        name: &str,
        is_here: impl FnOnce(Option<&Record>) -> Result<bool, Error> + Send,
        input: Input,
    ) -> Result<Record, Error> {
        let known = cx.find(self.collection, &[(self.name, name.into())]).await?;
        if !is_here(known.as_ref())? {
            return Err(Error::internal(Overtaken));
        }
        match known {
            Some(record) => cx.update(Authority::System, (self.collection, record.id()), input, None).await,
            None => cx.create(Authority::System, self.collection, input.with(self.name, name)).await,
        }
    }
}
