//! Records that a request names by a unique key instead of their id. They are looked up in the transaction that needs them,
//! with the rights of its caller: a record that the caller can't see isn't there.

use backstay_base::{Action, Conflict, Error, Place, RecordId, Step, Violation, ViolationKind};
use backstay_model::{Collection, CollectionId, Field, FieldKind, Model};
use backstay_scalar::Value;
use backstay_sql::Row;
use futures_util::future::BoxFuture;

use crate::asked::View;
use crate::bind::{Bindings, Question};
use crate::context::Retry;
use crate::input::{ByKey, Missing, NamedWithin, ReferenceByKey, Referred, none_with_key};
use crate::read::{id_in, none_which};
use crate::which::key_hidden;
use crate::{Authority, Input, LinkChanges, TxContext, UniqueKey, Which};

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
                    Err(error) => violations.extend(placed(error, &at, &self.part.at)?),
                },
                ReferenceByKey::Within { document, named } => {
                    let ids = self.ids_within(authority, named, (&at, &mut violations)).await?;
                    input.set(field, with_ids(self.model(), collection.field(field), document, ids));
                }
                ReferenceByKey::Members(members) => {
                    let at = input.step_to_members(field).into_iter().fold(at, Place::then);
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
                    Err(error) => {
                        violations.extend(placed(error, &at.clone().then(Step::Item(index)), &self.part.at)?);
                    }
                },
            }
        }
        Ok(ids)
    }

    /// The ids of records that a document names, with their places in it, and what is wrong with those that have none.
    async fn ids_within(
        &mut self,
        authority: Authority,
        named: Vec<NamedWithin>,
        (document, violations): (&Place, &mut Vec<Violation>),
    ) -> Result<Vec<(Vec<Step>, RecordId)>, Error> {
        let mut ids = Vec::with_capacity(named.len());
        for NamedWithin { at, named } in named {
            match self.named_or_created(authority, *named).await {
                Ok(id) => ids.push((at, id)),
                Err(error) => {
                    let at = at.into_iter().fold(document.clone(), Place::then);
                    violations.extend(placed(error, &at, &self.part.at)?);
                }
            }
        }
        Ok(ids)
    }

    /// The id of a record that a relation names. Places in errors are within what was sent for it.
    fn named_or_created(&mut self, authority: Authority, named: ByKey) -> BoxFuture<'_, Result<RecordId, Error>> {
        Box::pin(async move {
            let ByKey { target, key, input, missing } = named;
            let collection = self.model().collection(target);
            // Places within what is sent for it are relative to that.
            let around = std::mem::replace(&mut self.part.at, Place::Whole);
            let input = self.resolved(authority, collection, input).await;
            self.part.at = around;
            let input = input?;
            let values = key.iter().map(|field| input.value(*field).cloned().unwrap_or(Value::Null)).collect();
            let key = UniqueKey { fields: key, values };
            let rights = &self.class_of(authority).rights;
            let (hidden, names_unseen) = (key.hidden(rights, collection), key.names_unseen(rights, collection));
            if let Some(field) = hidden.filter(|_| !names_unseen) {
                let kind = ViolationKind::FieldHidden { field: field.name.clone() };
                return Err(Error::invalid(field.place(), kind));
            }
            let mut found = None;
            if hidden.is_none() {
                found = self.look_up(authority, target, &key).await?;
            }
            if found.is_none() && names_unseen {
                found = self.find_by_key(authority, (target, Action::Refer), &key).await?;
            }
            if let Some(id) = found {
                return Ok(id);
            }
            match missing {
                Missing::Create => {
                    let made = self.make_alone(authority, target, input).await?.0;
                    if self.retry == Retry::SettleEach {
                        self.settle().await?;
                    }
                    Ok(made.id())
                }
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
        self.look_up(authority, collection, key).await?.ok_or_else(|| none_which(of, which))
    }

    /// The record with this key, if the caller may read it with the fields of the key.
    pub(crate) async fn look_up(
        &mut self,
        authority: Authority,
        collection: CollectionId,
        key: &UniqueKey,
    ) -> Result<Option<RecordId>, Error> {
        self.find_by_key(authority, (collection, Action::Read), key).await
    }

    /// The record with this key, if the caller may do this with it and with the fields of the key.
    async fn find_by_key(
        &mut self,
        authority: Authority,
        (collection, action): (CollectionId, Action),
        key: &UniqueKey,
    ) -> Result<Option<RecordId>, Error> {
        if key.values.iter().any(Value::is_null) {
            return Ok(None);
        }
        let class = self.class_of(authority);
        let model = self.model();
        let view = View { model, rights: &class.rights };
        let by = (collection, key.fields.as_slice());
        let plan = match action == Action::Refer {
            true => class.plans.id_to_link(&self.engine.planner, view, by)?,
            false => class.plans.id_by_key(&self.engine.planner, view, by)?,
        };
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

/// A document with these ids at their places, which are in the order of the document.
fn with_ids(model: &Model, field: &Field, document: Value, ids: Vec<(Vec<Step>, RecordId)>) -> Value {
    let (FieldKind::Document(of), Value::Json(text)) = (&field.kind, &document) else { return document };
    let mut ids = ids.into_iter().peekable();
    let id_at = |place: &[Step]| ids.next_if(|(at, _)| at == place).map(|(_, id)| id);
    Value::Json(model.with_mentions(*of, text, id_at).into())
}

/// What is wrong within a value, with its places in the record that the value is of, which is at this place in the request.
/// Any other error is about more.
fn placed(error: Error, at: &Place, record_at: &Place) -> Result<Vec<Violation>, Error> {
    let violations = match error {
        Error::Invalid(violations) => violations,
        Error::Conflict(Conflict::Unique { collection, fields, record }) => {
            // What is wrong with a record that this one names in its turn has a place in that.
            let within = if let Place::Value(steps) = *record { steps } else { Vec::new() };
            let record = within.into_iter().fold(at.clone(), Place::then).under(record_at);
            return Err(Conflict::Unique { collection, fields, record: Box::new(record) }.into());
        }
        error => return Err(error),
    };
    let moved = |Violation { at: inner, kind }: Violation| {
        let steps = match inner {
            Place::Value(steps) => steps,
            _ => Vec::new(),
        };
        Violation::new(steps.into_iter().fold(at.clone(), Place::then), kind)
    };
    Ok(violations.into_iter().map(moved).collect())
}
