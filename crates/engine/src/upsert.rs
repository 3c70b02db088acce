//! Records that are created, or changed where the caller finds one with their unique key.

use backstay_base::{Error, RecordId, Violation, ViolationKind};
use backstay_model::{CollectionId, FieldId};

use crate::stored::Wanted;
use crate::{Authority, Input, Record, TxContext, UniqueKey, Upserted, Which, placed};

impl TxContext<'_, '_> {
    /// Creates the record, or changes the fields that were sent of the one with the same values of this key. One that the
    /// caller can't see is in the way of the create.
    pub(crate) async fn upsert(
        &mut self,
        (collection, key): (CollectionId, &[FieldId]),
        input: Input,
    ) -> Result<(Upserted, Record), Error> {
        let sought = self.sought((collection, key), input).await;
        let (input, found) = placed::settled(self, sought).await?;
        let Some(id) = found else {
            return Ok((Upserted::Created, self.make(Authority::Caller, collection, input).await?));
        };
        let altered = self.change(Authority::Caller, (collection, id), input, Wanted::default()).await?;
        let upserted = if altered.changed { Upserted::Updated } else { Upserted::Unchanged };
        Ok((upserted, altered.record))
    }

    /// The input with ids for what it names, and the record that it is about, if the caller finds it.
    async fn sought(
        &mut self,
        (collection, key): (CollectionId, &[FieldId]),
        input: Input,
    ) -> Result<(Input, Option<RecordId>), Error> {
        let of = self.model().collection(collection);
        let input = self.resolved(Authority::Caller, of, input).await?;
        let (mut values, mut lacking) = (Vec::with_capacity(key.len()), Vec::new());
        for field in key {
            match input.value(*field).filter(|value| !value.is_null()) {
                Some(value) => values.push(value.clone()),
                None => lacking.push(Violation::new(of.field(*field).place(), ViolationKind::Required)),
            }
        }
        if !lacking.is_empty() {
            return Err(Error::Invalid(lacking));
        }
        let which = Which::Key(UniqueKey { fields: key.to_vec(), values });
        let found = self.found(of, &which).await?;
        Ok((input, found))
    }
}
