//! Records that a request names by a unique key instead of their id. They are looked up in the transaction that needs them,
//! with the rights of its caller: a record that the caller can't see isn't there.

use backstay_base::{Action, Error, Place, RecordId, Step, Violation, ViolationKind};
use backstay_expr::Rights;
use backstay_model::{Collection, CollectionId, Field, FieldId, Model};
use backstay_scalar::{Value, ValueRef};
use backstay_sql::{DecodeError, ReadPlan, Row};
use futures_util::future::BoxFuture;

use crate::asked::View;
use crate::bind::{Bindings, Question};
use crate::read::not_found;
use crate::{Authority, Input, LinkChanges, TxContext};

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

/// A record that a relation leads to, as it was sent.
#[derive(Debug, Clone, PartialEq)]
pub enum Referred {
    /// The one with this id.
    Id(RecordId),
    /// The one with this unique key.
    ByKey(Box<ByKey>),
}

impl Referred {
    /// Its id, if that was sent.
    pub(crate) fn id(&self) -> Option<RecordId> {
        match self {
            Self::Id(id) => Some(*id),
            Self::ByKey(_) => None,
        }
    }
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
    /// Members that the relation gets and loses.
    Changes {
        added: Vec<Referred>,
        removed: Vec<Referred>,
    },
}

impl ReferenceByKey {
    /// How many links it becomes.
    pub(crate) fn rows(&self) -> usize {
        match self {
            Self::One(_) => 0,
            Self::Members(members) => members.len(),
            Self::Changes { added, removed } => added.len() + removed.len(),
        }
    }

    /// Whether it may create what it names.
    pub(crate) fn may_create(&self) -> bool {
        let creates = |named: &ByKey| named.missing == Missing::Create || named.input.may_create();
        let any = |members: &[Referred]| {
            members.iter().any(|member| match member {
                Referred::Id(_) => false,
                Referred::ByKey(named) => creates(named),
            })
        };
        match self {
            Self::One(named) => creates(named),
            Self::Members(members) => any(members),
            Self::Changes { added, removed } => any(added) || any(removed),
        }
    }
}

impl TxContext<'_, '_> {
    /// The input with ids in the place of the unique keys that it names records by. What no record has is created where the
    /// relation says so, and else refused.
    pub(crate) async fn resolved(
        &mut self,
        authority: Authority,
        collection: &Collection,
        mut input: Input,
    ) -> Result<Input, Error> {
        let mut violations = Vec::new();
        for (field, reference) in std::mem::take(&mut input.named) {
            let at = collection.field(field).place();
            match reference {
                ReferenceByKey::One(named) => match self.named_or_created(authority, *named).await {
                    Ok(id) => input.set(field, Value::Id(id)),
                    Err(error) => violations.extend(placed(error, &at)?),
                },
                ReferenceByKey::Members(members) => {
                    let ids = self.ids_of(authority, members, (&at, &mut violations)).await?;
                    input.links(field, ids);
                }
                ReferenceByKey::Changes { added, removed } => {
                    let within = |name: &str| at.clone().then(Step::Member(name.to_owned()));
                    let (adding, removing) = (within(LinkChanges::ADD), within(LinkChanges::REMOVE));
                    let added = self.ids_of(authority, added, (&adding, &mut violations)).await?;
                    let removed = self.ids_of(authority, removed, (&removing, &mut violations)).await?;
                    input.change_links(field, LinkChanges { added, removed });
                }
            }
        }
        if violations.is_empty() { Ok(input) } else { Err(Error::Invalid(violations)) }
    }

    /// The ids of members that were sent here, and what is wrong with those that have none.
    async fn ids_of(
        &mut self,
        authority: Authority,
        members: Vec<Referred>,
        (at, violations): (&Place, &mut Vec<Violation>),
    ) -> Result<Vec<RecordId>, Error> {
        let mut ids = Vec::with_capacity(members.len());
        for (index, member) in members.into_iter().enumerate() {
            match member {
                Referred::Id(id) => ids.push(id),
                Referred::ByKey(named) => match self.named_or_created(authority, *named).await {
                    Ok(id) => ids.push(id),
                    Err(error) => violations.extend(placed(error, &at.clone().then(Step::Item(index)))?),
                },
            }
        }
        Ok(ids)
    }

    /// The id of a record that a relation names. Places in errors are within what was sent for it.
    fn named_or_created(&mut self, authority: Authority, named: ByKey) -> BoxFuture<'_, Result<RecordId, Error>> {
        Box::pin(async move {
            let ByKey { target, key, input, missing } = named;
            let collection = self.model().collection(target);
            let input = self.resolved(authority, collection, input).await?;
            let values = key.iter().map(|field| input.value(*field).cloned().unwrap_or(Value::Null)).collect();
            let key = UniqueKey { fields: key, values };
            if let Some(field) = self.hidden_in_key(authority, collection, &key) {
                let kind = ViolationKind::FieldHidden { field: field.name.clone() };
                return Err(Error::invalid(field.place(), kind));
            }
            if let Some(id) = self.look_up(authority, target, &key).await? {
                return Ok(id);
            }
            match missing {
                Missing::Create => Ok(self.make_alone(authority, target, input).await?.0.id()),
                Missing::Refuse => Err(Error::invalid(Place::Whole, none_with_key(collection, &key.fields))),
            }
        })
    }

    /// The id of a record that a request addresses.
    pub(crate) async fn addressed(
        &mut self,
        authority: Authority,
        collection: CollectionId,
        which: &Which,
    ) -> Result<RecordId, Error> {
        let key = match which {
            Which::Id(id) => return Ok(*id),
            Which::Key(key) => key,
        };
        let of = self.model().collection(collection);
        if let Some(field) = self.hidden_in_key(authority, of, key) {
            return Err(key_hidden(field));
        }
        self.look_up(authority, collection, key).await?.ok_or_else(|| not_found(of))
    }

    /// The record with this key, if the caller may read it with the fields of the key.
    pub(crate) async fn look_up(
        &mut self,
        authority: Authority,
        collection: CollectionId,
        key: &UniqueKey,
    ) -> Result<Option<RecordId>, Error> {
        if key.values.iter().any(Value::is_null) {
            return Ok(None);
        }
        let class = self.class_of(authority);
        let model = self.model();
        let view = View { model, rights: &class.rights };
        let plan = class.plans.id_by_key(&self.engine.planner, view, (collection, &key.fields))?;
        let withheld = key.names_classified(model.collection(collection));
        let bindings = Bindings { params: &key.values, ..self.bindings() };
        let statement = self.asked(&Question { template: &plan.template, bindings, collection, withheld });
        let mut found = None;
        let visit = &mut |row: &dyn Row| {
            found = id_in(row, &plan)?;
            Ok(())
        };
        self.rows(&statement, visit).await?;
        Ok(found)
    }

    /// The first field of a key that the caller sees in no record.
    fn hidden_in_key<'m>(&self, authority: Authority, of: &'m Collection, key: &UniqueKey) -> Option<&'m Field> {
        key.hidden(&self.class_of(authority).rights, of)
    }
}

impl UniqueKey {
    /// The first of its fields that callers with these rights see in no record.
    fn hidden<'m>(&self, rights: &Rights, of: &'m Collection) -> Option<&'m Field> {
        let reads = !rights.rule(of.id, Action::Read).refuses();
        let mut fields = self.fields.iter().map(|field| of.field(*field));
        fields.find(|field| !reads || !rights.may_see(of.id, field.id))
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

fn key_hidden(field: &Field) -> Error {
    let kind = ViolationKind::FieldHidden { field: field.name.clone() };
    Error::malformed(Place::Equality(field.name.clone()), kind)
}

/// The id of the record in a row of a plan by a key.
pub(crate) fn id_in(row: &dyn Row, plan: &ReadPlan) -> Result<Option<RecordId>, DecodeError> {
    let Some(column) = plan.cursor.last().copied() else { return Ok(None) };
    match row.value(column)? {
        ValueRef::Id(id) => Ok(Some(id.into())),
        _ => Err(DecodeError { column, expected: "an id" }),
    }
}

fn none_with_key(collection: &Collection, key: &[FieldId]) -> ViolationKind {
    let names: Vec<&str> = key.iter().map(|field| collection.field(*field).name.as_str()).collect();
    ViolationKind::Reference { collection: collection.name.clone(), by: names.join(" and ") }
}

/// What is wrong within a value, with its places in the record that the value is of. Any other error is about more.
fn placed(error: Error, at: &Place) -> Result<Vec<Violation>, Error> {
    let Error::Invalid(violations) = error else { return Err(error) };
    let moved = |Violation { at: inner, kind }: Violation| {
        let steps = match inner {
            Place::Value(steps) => steps,
            _ => Vec::new(),
        };
        Violation::new(steps.into_iter().fold(at.clone(), Place::then), kind)
    };
    Ok(violations.into_iter().map(moved).collect())
}
