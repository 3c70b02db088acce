//! Records that are created, or changed where the caller finds one with their unique key.

use std::mem;

use backstay_base::{Error, RecordId, Violation, ViolationKind};
use backstay_expr::evaluate;
use backstay_model::{Collection, CollectionId, FieldId, SetOn};
use backstay_scalar::Value;

use crate::bind::InMemory;
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
        let altered = self.change(Authority::Caller, (collection, id), input, Wanted::default()).await;
        let altered = altered.map_err(|error| self.if_gone(error))?;
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
            let sent = input.value(*field).cloned().or_else(|| self.given_to_caller(of, *field));
            match sent.filter(|value| !value.is_null()) {
                Some(value) => values.push(value),
                None => lacking.push(Violation::new(of.field(*field).place(), ViolationKind::Required)),
            }
        }
        if !lacking.is_empty() {
            return Err(Error::Invalid(lacking));
        }
        let which = Which::Key(UniqueKey { fields: key.to_vec(), values });
        let found = self.found(of, &which).await?;
        let input = if found.is_some() { input } else { begun(of, input)? };
        Ok((input, found))
    }

    /// The error of a change of a record that was found just before. Without it, another one can be created in its place.
    pub(crate) fn if_gone(&mut self, error: Error) -> Error {
        if matches!(error, Error::NotFound { .. }) {
            self.tx.overtaken();
        }
        error
    }

    /// What the model gives the field of a record that the caller creates, if that depends on nothing else of the record.
    fn given_to_caller(&self, of: &Collection, field: FieldId) -> Option<Value> {
        let policy = &self.engine.application.policy.collection(of.id).fields[usize::from(field.0)];
        let mut sets = policy.sets.iter().filter(|set| set.on != SetOn::Update);
        let given = match (sets.next_back(), &policy.default) {
            (Some(set), _) => set.when.is_none().then_some(&set.to)?,
            (None, Some(default)) => default,
            (None, None) => return of.field(field).default.clone(),
        };
        let nothing = InMemory::of(self.caller(), self.now(), &[]);
        given.is_of_caller().then(|| evaluate(&given.expr, &nothing))
    }
}

/// What a new record is sent: operators add to nothing, whatever its defaults are, so that one more of none is one.
fn begun(of: &Collection, mut input: Input) -> Result<Input, Error> {
    let mut wrong = Vec::new();
    for (id, operator) in mem::take(&mut input.operators) {
        let field = of.field(id);
        match operator.result(&Value::Null, field.kind.scalar()) {
            Ok(value) => input.set(id, value),
            Err(kind) => wrong.push(Violation::new(field.place(), kind)),
        }
    }
    if wrong.is_empty() { Ok(input) } else { Err(Error::Invalid(wrong)) }
}
