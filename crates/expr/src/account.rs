//! `auth.account`, the caller's own record.

use backstay_base::{Caller, CallerKind, OwnRecord};
use backstay_model::{Collection, FieldId};
use backstay_scalar::{Value, written_bytes};

/// The values of an account's own record that rules ask for.
#[derive(Debug, Clone)]
pub struct Account(Box<[(FieldId, Value)]>);

impl Account {
    /// The values of these fields.
    pub fn new(values: impl IntoIterator<Item = (FieldId, Value)>) -> Self {
        Self(values.into_iter().collect())
    }

    /// Their bytes as JSON.
    pub fn bytes(&self) -> usize {
        self.0.iter().map(|(_, value)| written_bytes(value)).sum()
    }

    /// The same, to be carried by a caller.
    pub fn into_own_record(self) -> OwnRecord {
        OwnRecord::new(self)
    }

    /// What a field of this caller's own record holds: null where the caller has none. Its id is the caller's.
    ///
    /// # Panics
    /// Panics if it was made without this field: it must have all that `Checked::account` names.
    pub fn value(caller: &Caller, field: FieldId) -> Value {
        if caller.kind != CallerKind::Account {
            return Value::Null;
        }
        if field == Collection::ID {
            return caller.id.map_or(Value::Null, Value::Id);
        }
        // There is none if the record was deleted.
        let Some(Self(values)) = caller.account.as_ref().and_then(OwnRecord::known::<Self>) else { return Value::Null };
        let found = values.iter().find(|(known, _)| *known == field);
        found.expect("the fields that rules name are read with the caller").1.clone()
    }
}
