use std::collections::HashSet;
use std::fmt;

use backstay_base::{RecordId, ViolationKind};
use backstay_model::{Collection, CollectionId, FieldId, Model};
use backstay_scalar::{Currency, Value};

use crate::Operator;

/// What is sent for a write: values for some fields of a record, of the fields' types.
#[derive(Clone, Default, PartialEq)]
pub struct Input {
    pub(crate) values: Vec<(FieldId, Value)>,
    /// Changes of what is stored in these fields. An update turns them into values.
    pub(crate) operators: Vec<(FieldId, Operator)>,
    pub(crate) links: Vec<(FieldId, Vec<RecordId>)>,
    /// Relations to records that are named by unique keys; `TxContext::resolved` makes values and links of them.
    pub(crate) named: Vec<(FieldId, ReferenceByKey)>,
    /// Whether the fields that it leaves out return to their defaults in an update.
    pub(crate) replaces: bool,
    /// Amounts that share the currency of their record, with the currency that was sent with them.
    pub(crate) amounts: Vec<(FieldId, Option<Currency>)>,
}

impl Input {
    /// No values.
    pub fn new() -> Self {
        Self::default()
    }

    /// No values yet, with room for this many.
    pub fn with_capacity(values: usize) -> Self {
        Self { values: Vec::with_capacity(values), ..Self::default() }
    }

    /// This input with one more value.
    #[must_use]
    pub fn with(mut self, field: FieldId, value: impl Into<Value>) -> Self {
        self.set(field, value);
        self
    }

    /// Gives a stored field a value; null removes it.
    pub fn set(&mut self, field: FieldId, value: impl Into<Value>) {
        let value = value.into();
        match self.values.iter_mut().find(|(existing, _)| *existing == field) {
            Some(slot) => slot.1 = value,
            None => self.values.push((field, value)),
        }
    }

    /// Gives an amount that shares the currency of its record a number, or null; the write is refused if a currency is given
    /// and it isn't the record's.
    pub fn amount(&mut self, field: FieldId, number: impl Into<Value>, currency: Option<Currency>) {
        self.set(field, number);
        self.amounts.retain(|(existing, _)| *existing != field);
        self.amounts.push((field, currency));
    }

    /// Changes what is stored in a field, in the place of giving it a value. A create takes none.
    pub fn operate(&mut self, field: FieldId, operator: Operator) {
        self.operators.push((field, operator));
    }

    /// Makes these the members of a many-to-many relation, and no others, in this order if its links have one. A member that
    /// is named again counts once, where it is named first.
    pub fn links(&mut self, field: FieldId, mut members: Vec<RecordId>) {
        let mut known = HashSet::with_capacity(members.len());
        members.retain(|member| known.insert(*member));
        self.links.retain(|(existing, _)| *existing != field);
        self.links.push((field, members));
    }

    /// The same of a relation to one record.
    pub fn refer(&mut self, field: FieldId, to: Referred) {
        match to {
            Referred::Id(id) => self.set(field, Value::Id(id)),
            Referred::ByKey(named) => self.named.push((field, ReferenceByKey::One(named))),
        }
    }

    /// Like `links`, of members that may be named by unique keys.
    pub fn members(&mut self, field: FieldId, members: Vec<Referred>) {
        let id = |member: &Referred| if let Referred::Id(id) = member { Some(*id) } else { None };
        match members.iter().map(id).collect::<Option<Vec<RecordId>>>() {
            Some(ids) => self.links(field, ids),
            None => self.named.push((field, ReferenceByKey::Members(members))),
        }
    }

    /// The record that a relation to one record names by a unique key.
    pub fn named(&self, field: FieldId) -> Option<&ByKey> {
        self.named.iter().find_map(|(existing, reference)| match reference {
            ReferenceByKey::One(named) if *existing == field => Some(&**named),
            ReferenceByKey::One(_) | ReferenceByKey::Members(_) => None,
        })
    }

    /// The record and the members that are given: what a create writes.
    pub(crate) fn rows(&self) -> usize {
        let links = self.links.iter().map(|(_, members)| members.len()).sum::<usize>();
        1 + links + self.named.iter().map(|(_, reference)| reference.rows()).sum::<usize>()
    }

    /// Whether it may create records that its relations name.
    pub(crate) fn may_create(&self) -> bool {
        self.named.iter().any(|(_, reference)| reference.may_create())
    }

    /// Whether it gives links, or relations that may become some.
    pub(crate) fn has_links(&self) -> bool {
        !self.links.is_empty() || self.named.iter().any(|(_, reference)| reference.rows() > 0)
    }

    /// Gives a field nothing.
    pub(crate) fn leave(&mut self, field: FieldId) {
        self.values.retain(|(given, _)| *given != field);
        self.links.retain(|(given, _)| *given != field);
    }

    /// The value given to a field, if any.
    pub fn value(&self, field: FieldId) -> Option<&Value> {
        self.values.iter().find(|(existing, _)| *existing == field).map(|(_, value)| value)
    }

    /// The fields that are given a value or members, or whose values change.
    pub fn fields(&self) -> impl Iterator<Item = FieldId> {
        let values = self.values.iter().map(|(field, _)| *field);
        let operators = self.operators.iter().map(|(field, _)| *field);
        let named = self.named.iter().map(|(field, _)| *field);
        values.chain(operators).chain(self.links.iter().map(|(field, _)| *field)).chain(named)
    }

    /// Whether nothing is given.
    pub fn is_empty(&self) -> bool {
        self.fields().next().is_none()
    }
}

/// A record that a relation leads to, as it was sent.
#[derive(Debug, Clone, PartialEq)]
pub enum Referred {
    /// The one with this id.
    Id(RecordId),
    /// The one with this unique key.
    ByKey(Box<ByKey>),
}

/// A record that a relation names by a unique key.
#[derive(Debug, Clone, PartialEq)]
pub struct ByKey {
    /// Its collection.
    pub target: CollectionId,
    /// The fields of the key.
    pub key: Vec<FieldId>,
    /// Their values; where a missing record is created, also others that it then has.
    pub input: Input,
    /// What to do if there is no such record.
    pub missing: Missing,
}

impl ByKey {
    /// What is wrong if there is no such record.
    pub fn is_missing(&self, model: &Model) -> ViolationKind {
        none_with_key(model.collection(self.target), &self.key)
    }
}

/// What to do if a relation names a record that isn't there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missing {
    /// The write is refused.
    Refuse,
    /// The record is created.
    Create,
}

/// References of one relation that were named by unique keys.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum ReferenceByKey {
    One(Box<ByKey>),
    /// All members, in the order in which they were sent.
    Members(Vec<Referred>),
}

impl ReferenceByKey {
    /// How many links it becomes.
    pub(crate) fn rows(&self) -> usize {
        match self {
            Self::One(_) => 0,
            Self::Members(members) => members.len(),
        }
    }

    /// Whether it may create what it names.
    pub(crate) fn may_create(&self) -> bool {
        let creates = |named: &ByKey| named.missing == Missing::Create || named.input.may_create();
        match self {
            Self::One(named) => creates(named),
            Self::Members(members) => members.iter().any(|member| match member {
                Referred::Id(_) => false,
                Referred::ByKey(named) => creates(named),
            }),
        }
    }
}

/// What is wrong if no record has this key.
pub(crate) fn none_with_key(collection: &Collection, key: &[FieldId]) -> ViolationKind {
    let names: Vec<&str> = key.iter().map(|field| collection.field(*field).name.as_str()).collect();
    ViolationKind::Reference { collection: collection.name.clone(), by: names.join(" and ") }
}

// Its values are not shown: they may be classified.

impl fmt::Debug for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Input").field("fields", &self.fields().collect::<Vec<_>>()).finish_non_exhaustive()
    }
}
