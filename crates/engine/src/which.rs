//! Which record of a collection a request is about.

use backstay_base::{Action, Error, Place, RecordId, ViolationKind};
use backstay_expr::Rights;
use backstay_model::{Collection, Field, FieldId};
use backstay_scalar::Value;

/// A record of a known collection.
#[derive(Debug, Clone, PartialEq)]
pub enum Which {
    /// The one with this id.
    Id(RecordId),
    /// The one with this unique key.
    Key(UniqueKey),
}

impl From<RecordId> for Which {
    fn from(id: RecordId) -> Self {
        Self::Id(id)
    }
}

impl Which {
    /// What names it in the fingerprint of a request: the bytes of its id, or a NUL and the JSON of its key, in the order of the
    /// key.
    pub(crate) fn words(&self, of: &Collection) -> Vec<u8> {
        let key = match self {
            Self::Id(id) => return id.as_bytes().to_vec(),
            Self::Key(key) => key,
        };
        let mut words = vec![0];
        for (field, value) in key.fields.iter().zip(&key.values) {
            backstay_scalar::write(&mut words, &Value::text(of.field(*field).name.as_str()));
            words.push(b':');
            backstay_scalar::write(&mut words, value);
            words.push(b',');
        }
        words
    }
}

/// Values that identify a record of a collection: one for each field of one of its `Collection::keys`, none of them null.
#[derive(Clone, PartialEq)]
pub struct UniqueKey {
    /// The fields, in the order of the key.
    pub fields: Vec<FieldId>,
    /// Their values.
    pub values: Vec<Value>,
}

// Its values are not shown: they may be classified.

impl std::fmt::Debug for UniqueKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UniqueKey").field("fields", &self.fields).finish_non_exhaustive()
    }
}

impl UniqueKey {
    /// The first of its fields that callers with these rights see in no record.
    pub(crate) fn hidden<'m>(&self, rights: &Rights, of: &'m Collection) -> Option<&'m Field> {
        self.refused(Action::Read, rights, of)
    }

    /// Whether callers with these rights may name a record by it that they don't see, in a link: the model says so of each of its
    /// fields, and of the record.
    pub(crate) fn names_unseen(&self, rights: &Rights, of: &Collection) -> bool {
        self.refused(Action::Refer, rights, of).is_none()
    }

    fn refused<'m>(&self, action: Action, rights: &Rights, of: &'m Collection) -> Option<&'m Field> {
        let refused = rights.rule(of.id, action).refuses();
        let mut fields = self.fields.iter().map(|field| of.field(*field));
        fields.find(|field| refused || rights.field(of.id, field.id, action).refuses())
    }

    /// Refuses a key that callers with these rights can't look for.
    pub(crate) fn check(&self, rights: &Rights, of: &Collection) -> Result<(), Error> {
        self.hidden(rights, of).map_or(Ok(()), |field| Err(key_hidden(field)))
    }

    /// Whether its values may be classified: an explanation withholds them.
    pub(crate) fn names_classified(&self, of: &Collection) -> bool {
        self.fields.iter().any(|field| of.field(*field).class.is_some())
    }
}

/// Refuses a key with a field that the caller sees in no record.
pub(crate) fn key_hidden(field: &Field) -> Error {
    let kind = ViolationKind::FieldHidden { field: field.name.clone() };
    Error::malformed(Place::Equality(field.name.clone()), kind)
}
