use std::hash::Hasher;
use std::sync::Arc;

use backstay_audit::{RecordKey, Sink, put_value};
use backstay_base::{DependencyKey, FieldNumber, TypeNumber};
use backstay_model::{CollectionId, FieldId, Model};
use backstay_scalar::Value;
use siphasher::sip::SipHasher24;

use crate::Catalog;
use crate::mark::MarkSeal;

/// Computes the keys of dependencies. They are the same in every process on one database, and reveal no value: each is
/// SipHash-2-4, under a key that is part of the database, of
///
/// - a byte: 0 any record of a type, 1 one record, 2 the records whose field has a value
/// - the type's permanent number: 4 bytes, big-endian
/// - for a record: its key, as entries of the commit log hold it
/// - for a field: its permanent number (4 bytes, big-endian) and the value, as entries hold it; all nulls, floats,
///   durations, octets, amounts of money, documents and lists share one key, of the value null
#[derive(Debug, Clone)]
pub struct DependencyKeys {
    secret: [u8; 16],
    marks: MarkSeal,
    types: Arc<[(TypeNumber, Box<[FieldNumber]>)]>,
}

const COLLECTION: u8 = 0;
const RECORD: u8 = 1;
const FIELD: u8 = 2;

impl DependencyKeys {
    /// Under the first half of the database's key for feeds.
    pub(crate) fn new(model: &Model, catalog: &Catalog, feed_key: [u8; 32]) -> Self {
        let secret = std::array::from_fn(|index| feed_key[index]);
        let types = model.collections.iter().map(|collection| {
            let fields = collection.fields.iter().map(|field| catalog.field_number(collection.id, field.id));
            (catalog.type_number(collection.id), fields.collect())
        });
        Self { secret, marks: MarkSeal::new(feed_key), types: types.collect() }
    }

    /// What seals marks in the commit log of the same database.
    pub(crate) fn marks(&self) -> MarkSeal {
        self.marks
    }

    /// The key of any record of a collection.
    pub fn collection(&self, collection: CollectionId) -> DependencyKey {
        self.begin(COLLECTION, collection).finish()
    }

    /// The key of one record.
    pub fn record(&self, collection: CollectionId, record: &RecordKey) -> DependencyKey {
        let mut hash = self.begin(RECORD, collection);
        put_value(&mut hash, record.value());
        hash.finish()
    }

    /// The key of the records whose field has this value.
    pub fn field(&self, collection: CollectionId, field: FieldId, value: &Value) -> DependencyKey {
        let (_, fields) = &self.types[usize::from(collection.0)];
        let mut hash = self.begin(FIELD, collection);
        hash.put(&fields[usize::from(field.0)].0.to_be_bytes());
        match value {
            Value::Bool(_)
            | Value::Int(_)
            | Value::Decimal(_)
            | Value::Text(_)
            | Value::Id(_)
            | Value::Timestamp(_)
            | Value::Date(_) => put_value(&mut hash, value),
            Value::Null
            | Value::Float(_)
            | Value::Duration(_)
            | Value::Money(_)
            | Value::Json(_)
            | Value::Bytes(_)
            | Value::List(_) => {
                put_value(&mut hash, &Value::Null);
            }
        }
        hash.finish()
    }

    fn begin(&self, kind: u8, collection: CollectionId) -> KeyHash {
        let mut hash = KeyHash(SipHasher24::new_with_key(&self.secret));
        let [a, b, c, d] = self.types[usize::from(collection.0)].0.0.to_be_bytes();
        hash.put(&[kind, a, b, c, d]);
        hash
    }
}

struct KeyHash(SipHasher24);

impl KeyHash {
    fn finish(&self) -> DependencyKey {
        DependencyKey(self.0.finish())
    }
}

impl Sink for KeyHash {
    fn put(&mut self, bytes: &[u8]) {
        self.0.write(bytes);
    }
}
