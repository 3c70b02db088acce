//! PUT: what is sent takes the place of a record, or becomes one where the caller finds none.

use backstay_base::{Action, Error, RecordId, ViolationKind};
use backstay_model::{Collection, CollectionId, Field, FieldId, FieldKind, Model};
use backstay_scalar::Value;

use crate::decision::decide;
use crate::proposal::Proposal;
use crate::read::none_which;
use crate::references::may_see;
use crate::rights::is_granted;
use crate::rule_of::RuleOf;
use crate::{Authority, IfMatch, Input, Outcome, Record, TxContext, Which, clauses};

impl TxContext<'_, '_> {
    /// Replaces the record, or creates it if the caller finds none: one that the caller can't see is in the way of a create
    /// as it is of any other.
    pub(crate) async fn replace(
        &mut self,
        (collection, which): (CollectionId, &Which),
        input: Input,
        wanted: Option<&IfMatch>,
    ) -> Result<(Outcome, Record), Error> {
        let of = self.model().collection(collection);
        let mut input = self.resolved(Authority::Caller, of, input).await?;
        keep_address(of, which, &mut input)?;
        match (self.found(of, which).await?, wanted) {
            (Some(id), Some(IfMatch::Absent)) => {
                let stored = self.get(collection, id).await?.ok_or_else(|| none_which(of, which))?;
                Err(Error::Exists { version: stored.version() })
            }
            (Some(id), _) => {
                input.replaces = true;
                let replaced = self.update(Authority::Caller, (collection, id), input, wanted).await;
                let replaced = replaced.map_err(|error| self.if_gone(error))?;
                Ok((Outcome::Updated, replaced))
            }
            (None, Some(IfMatch::Any | IfMatch::Versions(_))) => Err(none_which(of, which)),
            (None, Some(IfMatch::Absent) | None) => match which {
                Which::Id(_) if of.single => Err(none_which(of, which)),
                Which::Id(_) if !of.key.given => {
                    Err(Error::NotFound { what: format!("{} with this id; {NO_ID}", of.name) })
                }
                Which::Id(id) => {
                    input.set(Collection::ID, Value::Id(*id));
                    Ok((Outcome::Created, self.create(Authority::Caller, collection, input).await?))
                }
                Which::Key(_) => Ok((Outcome::Created, self.create(Authority::Caller, collection, input).await?)),
            },
        }
    }

    /// The record, if the caller may read it.
    pub(crate) async fn found(&mut self, of: &Collection, which: &Which) -> Result<Option<RecordId>, Error> {
        match which {
            Which::Id(id) => {
                let class = self.class_of(Authority::Caller);
                Ok(may_see(self, &class, of.id, *id).await?.then_some(*id))
            }
            Which::Key(_) => match self.addressed(Authority::Caller, of.id, which).await {
                Ok(id) => Ok(Some(id)),
                Err(Error::NotFound { .. }) => Ok(None),
                Err(error) => Err(error),
            },
        }
    }
}

const NO_ID: &str = "the server makes the ids of these records: create one with POST, or write `@key(given: true)` on the type \
                     in the model";

/// Refuses values that contradict how the record is addressed, and takes those of a key over.
fn keep_address(of: &Collection, which: &Which, input: &mut Input) -> Result<(), Error> {
    let contradicts = |field: &Field| {
        let problem = "this isn't the value that the request addresses the record by".to_owned();
        let remedy = "send the same value, or leave it out".to_owned();
        Error::invalid(field.place(), ViolationKind::Misused { problem, remedy })
    };
    match which {
        Which::Id(id) => match input.value(Collection::ID) {
            Some(sent) if sent.as_id() != Some(*id) => Err(contradicts(of.field(Collection::ID))),
            Some(_) | None => Ok(()),
        },
        Which::Key(key) => {
            for (field, value) in key.fields.iter().zip(&key.values) {
                match input.value(*field) {
                    Some(sent) if sent != value => return Err(contradicts(of.field(*field))),
                    Some(_) => {}
                    None => input.set(*field, value.clone()),
                }
            }
            Ok(())
        }
    }
}

/// Gives the fields that a replacement leaves out their defaults, or null, and names them.
pub(crate) fn fill(model: &Model, proposal: &Proposal<'_>, input: &mut Input) -> Vec<FieldId> {
    let collection = proposal.collection;
    let sent: Vec<FieldId> = input.fields().collect();
    let left_out = |field: &&Field| !sent.contains(&field.id) && returns(model, collection, field);
    let fields: Vec<&Field> = collection.fields.iter().filter(left_out).collect();
    for field in &fields {
        if matches!(field.kind, FieldKind::ManyToMany { .. }) {
            input.links(field.id, Vec::new());
            continue;
        }
        let is_held = field
            .within
            .is_none_or(|within| within.always || collection.parts(within.field).any(|part| sent.contains(&part.id)));
        let default = field.default.clone().filter(|_| is_held);
        input.set(field.id, default.unwrap_or(Value::Null));
    }
    fields.iter().map(|field| field.id).collect()
}

/// Whether a field that a replacement leaves out returns to its default: what the model gives stays, and so does what can't
/// change or changes in other ways.
fn returns(model: &Model, collection: &Collection, field: &Field) -> bool {
    let is_held = match field.kind {
        FieldKind::Embedded(_)
        | FieldKind::ToOneOf { .. }
        | FieldKind::OneToMany { .. }
        | FieldKind::OneToOne { .. }
        | FieldKind::Lineage { .. } => false,
        FieldKind::Enum(id) => model.enumeration(id).initial().is_none(),
        FieldKind::ManyToMany { .. }
        | FieldKind::Scalar(_)
        | FieldKind::List(_)
        | FieldKind::Document(_)
        | FieldKind::ToOne { .. } => true,
    };
    let is_given = field.default_from.is_some() || field.slug.is_some() || field.internal;
    // The address of an account changes with its password.
    let is_address = model.identity == Some(collection.id) && field.name == "email";
    let is_fixed = field.id <= Collection::VERSION || field.immutable || field.refused_to_clients().is_some();
    is_held && !is_given && !is_address && !is_fixed
}

/// Leaves the fields as they are that were left out and that the caller doesn't see in this record, or may not change, and the
/// links to a type that the caller's key is not for.
pub(crate) async fn keep_unseen(
    cx: &mut TxContext<'_, '_>,
    proposal: &Proposal<'_>,
    (input, filled): (&mut Input, &[FieldId]),
) -> Result<(), Error> {
    for field in filled {
        let rule = proposal.class.rights.field(proposal.collection.id, *field, Action::Update);
        let may_change = match rule.decided() {
            Some(decided) => decided.is_true(),
            None => decide(cx, proposal, RuleOf::Field(*field, Action::Update)).await?.is_true(),
        };
        let target = proposal.collection.field(*field).kind.target();
        let is_closed = target.is_some_and(|target| !may_name(cx, target));
        if is_closed || !may_change || !proposal.sees(*field) || !clauses::may_change(proposal, *field) {
            input.leave(*field);
        }
    }
    Ok(())
}

/// Whether the caller's key is for references to records of this type.
fn may_name(cx: &TxContext<'_, '_>, target: CollectionId) -> bool {
    is_granted(cx.caller().grant.as_deref(), cx.model().collection(target), Action::Refer)
}
