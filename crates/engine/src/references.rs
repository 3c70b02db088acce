//! References of a write to other records.

use std::collections::{HashMap, HashSet};

use backstay_base::{Action, Error, RecordId, Step, ViolationKind};
use backstay_model::{Collection, CollectionId, Field, FieldId, Mentioned, Model};
use backstay_scalar::Value;
use backstay_sql::{Row, Template};

use crate::application::CallerClass;
use crate::asked::View;
use crate::bind::{Bindings, Question};
use crate::context::Retry;
use crate::proposal::Proposal;
use crate::read::id_in;
use crate::record::Key;
use crate::rights::{self, without_grant};
use crate::{Authority, LinkChanges, Record, TxContext, mentions};

/// Refuses references to records that the caller may not link to, just as those to records that do not exist: neither
/// tells which it is. Whoever may read a record may link to it too.
pub(crate) async fn permitted(cx: &mut TxContext<'_, '_>, proposal: &mut Proposal<'_>) -> Result<(), Error> {
    inspect(cx, proposal).await?;
    proposal.settle()
}

/// The same of a new record, before the model gives it values that follow its references. What else is wrong with it is
/// reported at once, unless a reference is refused.
pub(crate) async fn permitted_first(cx: &mut TxContext<'_, '_>, proposal: &mut Proposal<'_>) -> Result<(), Error> {
    match inspect(cx, proposal).await? {
        true => Ok(()),
        false => proposal.settle(),
    }
}

/// Notes references that the caller may not make. Whether there are none.
async fn inspect(cx: &mut TxContext<'_, '_>, proposal: &mut Proposal<'_>) -> Result<bool, Error> {
    if proposal.authority == Authority::System {
        return live(cx, proposal).await;
    }
    let mut permitted = true;
    for (id, value) in proposal.input.values.clone() {
        let field = proposal.collection.field(id);
        let (Some(target), Some(to)) = (field.kind.target(), value.as_id()) else { continue };
        // A caller who doesn't see a field must not learn whether it changes.
        let new = proposal.stored.is_none() || *proposal.stored_value(id) != value || !proposal.sees(id);
        if new {
            within_grant(cx, target)?;
        }
        // Whoever sends it with its parent has made or changed that one in the same request.
        if proposal.input.to_parent == Some(id) {
            continue;
        }
        if new && (is_itself(proposal, (target, to)) || !may_refer(cx, &proposal.class, target, to).await?) {
            proposal.refuse(field, none_with_id(cx.model(), target));
            permitted = false;
        }
    }
    permitted &= inspect_documents(cx, proposal).await?;
    for (id, members) in proposal.input.links.clone() {
        let field = proposal.collection.field(id);
        let Some(target) = field.kind.target() else { continue };
        within_grant(cx, target)?;
        for (index, to) in members.iter().enumerate() {
            if is_itself(proposal, (target, *to)) || !may_refer(cx, &proposal.class, target, *to).await? {
                proposal.refuse_member(field, index, none_with_id(cx.model(), target));
                permitted = false;
            }
        }
    }
    for (id, index, to) in added_links(proposal) {
        let field = proposal.collection.field(id);
        let Some(target) = field.kind.target() else { continue };
        within_grant(cx, target)?;
        if is_itself(proposal, (target, to)) || !may_refer(cx, &proposal.class, target, to).await? {
            proposal.refuse_within(field, added_at(index), none_with_id(cx.model(), target));
            permitted = false;
        }
    }
    Ok(permitted)
}

/// The members that relations get besides those that they have, each with its place among those of its relation.
fn added_links(proposal: &Proposal<'_>) -> Vec<(FieldId, usize, RecordId)> {
    let of_one = |(field, changes): &(FieldId, LinkChanges)| {
        let field = *field;
        changes.added.iter().copied().enumerate().map(move |(index, to)| (field, index, to)).collect::<Vec<_>>()
    };
    proposal.input.link_changes.iter().flat_map(of_one).collect()
}

/// Where a member that a relation gets is in what was sent for the relation.
fn added_at(index: usize) -> Vec<Step> {
    vec![Step::Member(LinkChanges::ADD.to_owned()), Step::Item(index)]
}

/// Notes references in documents that the caller may not make. Whether there are none.
async fn inspect_documents(cx: &mut TxContext<'_, '_>, proposal: &mut Proposal<'_>) -> Result<bool, Error> {
    let (mut permitted, mut asked) = (true, HashMap::new());
    for (field, mentioned) in sent_in_documents(cx, proposal) {
        let key = (mentioned.relation.target, mentioned.id);
        let may = if let Some(may) = asked.get(&key) {
            *may
        } else {
            within_grant(cx, key.0)?;
            cx.count_rows(1)?;
            let may = !is_itself(proposal, key) && may_refer(cx, &proposal.class, key.0, key.1).await?;
            asked.insert(key, may);
            may
        };
        if !may {
            proposal.refuse_within(field, mentioned.at, none_with_id(cx.model(), key.0));
            permitted = false;
        }
    }
    Ok(permitted)
}

/// The references in the documents that were sent, but for those that were in the same document before. A caller who
/// doesn't see a field must not learn which these are.
fn sent_in_documents<'m>(cx: &TxContext<'_, '_>, proposal: &Proposal<'m>) -> Vec<(&'m Field, Mentioned)> {
    let mut sent = Vec::new();
    for (id, value) in &proposal.input.values {
        let field = proposal.collection.field(*id);
        let known = match proposal.stored.is_some() && proposal.sees(*id) {
            true => mentions::of_value(cx.model(), field, proposal.stored_value(*id)),
            false => Vec::new(),
        };
        let known: HashSet<Key> = known.iter().map(|one| (one.relation.target, one.id)).collect();
        let all = mentions::of_value(cx.model(), field, value).into_iter();
        let new = all.filter(|one| !known.contains(&(one.relation.target, one.id)));
        sent.extend(new.map(|mentioned| (field, mentioned)));
    }
    sent
}

/// Whether a reference leads to the new record itself, which isn't there yet. Whether another record has the id that it was
/// given makes no difference.
fn is_itself(proposal: &Proposal<'_>, (target, to): Key) -> bool {
    proposal.stored.is_none() && target == proposal.collection.id && proposal.value(Collection::ID).as_id() == Some(to)
}

/// Notes references of Backstay itself to records in the trash, which the database would accept.
async fn live(cx: &mut TxContext<'_, '_>, proposal: &mut Proposal<'_>) -> Result<bool, Error> {
    let mut permitted = true;
    for (id, value) in proposal.input.values.clone() {
        let field = proposal.collection.field(id);
        let (Some(target), Some(to)) = (field.kind.target(), value.as_id()) else { continue };
        let new = proposal.stored.is_none() || *proposal.stored_value(id) != value;
        if new && !is_live(cx, (target, to)).await? {
            proposal.refuse(field, none_with_id(cx.model(), target));
            permitted = false;
        }
    }
    for (field, Mentioned { relation, id, at }) in sent_in_documents(cx, proposal) {
        if !is_live(cx, (relation.target, id)).await? {
            proposal.refuse_within(field, at, none_with_id(cx.model(), relation.target));
            permitted = false;
        }
    }
    Ok(permitted)
}

/// A value for a field, or why it can't be the field's: it refers to a record in the trash, which the database would
/// accept.
pub(crate) async fn found(
    cx: &mut TxContext<'_, '_>,
    field: &Field,
    value: Value,
) -> Result<Result<Value, ViolationKind>, Error> {
    let own = field.kind.target().zip(value.as_id());
    let in_document = mentions::of_value(cx.model(), field, &value).into_iter();
    let in_document = in_document.map(|one| (one.relation.target, one.id));
    let all: HashSet<Key> = own.into_iter().chain(in_document).collect();
    for key in all {
        if !is_live(cx, key).await? {
            return Ok(Err(none_with_id(cx.model(), key.0)));
        }
    }
    Ok(Ok(value))
}

/// Whether a record that something refers to is not in the trash.
pub(crate) async fn is_live(cx: &mut TxContext<'_, '_>, (target, to): Key) -> Result<bool, Error> {
    Ok(cx.model().collection(target).trash.is_none() || cx.get(target, to).await?.is_some())
}

/// Refuses references into a collection that the caller's key is not for.
fn within_grant(cx: &TxContext<'_, '_>, target: CollectionId) -> Result<(), Error> {
    let collection = cx.model().collection(target);
    match rights::is_granted(cx.caller().grant.as_deref(), collection, Action::Refer) {
        true => Ok(()),
        false => Err(Error::Forbidden { action: Action::Refer, what: without_grant(collection) }),
    }
}

/// Looks every reference up, once the database has said that one of them leads nowhere, or before it does.
pub(crate) async fn verify(cx: &mut TxContext<'_, '_>, proposal: &mut Proposal<'_>) -> Result<(), Error> {
    match cx.retry {
        Retry::VerifyReferences | Retry::LookFirst => existing(cx, proposal).await,
        Retry::None | Retry::SettleEach => Ok(()),
    }
}

/// The error of a write that a rule or check refuses: references that lead nowhere, if there are any, because a rule that
/// follows one has no answer. An error of the database stays what it is; nothing more can be read then.
pub(crate) async fn instead_of(cx: &mut TxContext<'_, '_>, proposal: &mut Proposal<'_>, refusal: Error) -> Error {
    let refused = matches!(
        refusal,
        Error::Invalid(_) | Error::Forbidden { .. } | Error::ForbiddenAfterwards { .. } | Error::TransitionRefused(_)
    );
    match refused && cx.violation.is_none() {
        true => existing(cx, proposal).await.err().unwrap_or(refusal),
        false => refusal,
    }
}

/// Refuses references that lead nowhere.
async fn existing(cx: &mut TxContext<'_, '_>, proposal: &mut Proposal<'_>) -> Result<(), Error> {
    let New { fields, in_documents } = New::of(cx.model(), proposal);
    for field in fields {
        let Some(target) = field.kind.target() else { continue };
        if let Some(to) = proposal.value(field.id).as_id()
            && cx.get(target, to).await?.is_none()
        {
            proposal.refuse(field, none_with_id(cx.model(), target));
        }
    }
    for (field, Mentioned { relation, id, at }) in in_documents {
        if cx.get(relation.target, id).await?.is_none() {
            let field = proposal.collection.field(field);
            proposal.refuse_within(field, at, none_with_id(cx.model(), relation.target));
        }
    }
    for (id, members) in proposal.input.links.clone() {
        let field = proposal.collection.field(id);
        let Some(target) = field.kind.target() else { continue };
        for (index, to) in members.iter().enumerate() {
            if cx.get(target, *to).await?.is_none() {
                proposal.refuse_member(field, index, none_with_id(cx.model(), target));
            }
        }
    }
    for (id, index, to) in added_links(proposal) {
        let field = proposal.collection.field(id);
        let Some(target) = field.kind.target() else { continue };
        if cx.get(target, to).await?.is_none() {
            proposal.refuse_within(field, added_at(index), none_with_id(cx.model(), target));
        }
    }
    proposal.settle()
}

/// Where the references of a proposal are that may lead nowhere. Those that a record brings along from the trash may lead to
/// others there: what comes of them isn't decided by looking them up, and the caller need not know of them.
struct New<'m> {
    fields: Vec<&'m Field>,
    in_documents: Vec<(FieldId, Mentioned)>,
}

impl<'m> New<'m> {
    fn of(model: &Model, proposal: &Proposal<'m>) -> Self {
        let Proposal { collection, values, readmitted, .. } = proposal;
        let brought = readmitted.as_ref().map_or(&[][..], Record::values);
        let is_new = |field: &&Field| brought.get(usize::from(field.id.0)) != Some(proposal.value(field.id));
        let mut in_documents = mentions::of_record(model, collection, values);
        if !brought.is_empty() {
            let known = mentions::of_record(model, collection, brought).into_iter();
            let known: HashSet<_> = known.map(|(field, one)| (field, one.relation.target, one.id)).collect();
            in_documents.retain(|(field, one)| !known.contains(&(*field, one.relation.target, one.id)));
        }
        Self { fields: collection.fields.iter().filter(is_new).collect(), in_documents }
    }
}

/// Whether the caller may link to a record. If every record may be linked to, it need not exist; but one in the trash may not
/// be linked to.
pub(crate) async fn may_refer(
    cx: &mut TxContext<'_, '_>,
    class: &CallerClass,
    target: CollectionId,
    id: RecordId,
) -> Result<bool, Error> {
    if class.rights.rule(target, Action::Refer).allows() && !has_trash(cx, target) {
        return Ok(true);
    }
    let plan = class.plans.referable(&cx.engine.planner, &class.rights, target);
    is_there(cx, &plan.template, (target, id)).await
}

/// The database itself finds references that lead nowhere, but not those that lead into the trash.
fn has_trash(cx: &TxContext<'_, '_>, target: CollectionId) -> bool {
    cx.model().collection(target).trash.is_some()
}

/// Whether the caller may read a record, which need not exist; one in the trash nobody may read.
pub(crate) async fn may_read(
    cx: &mut TxContext<'_, '_>,
    class: &CallerClass,
    target: CollectionId,
    id: RecordId,
) -> Result<bool, Error> {
    match class.rights.rule(target, Action::Read).allows() && !has_trash(cx, target) {
        true => Ok(true),
        false => may_see(cx, class, target, id).await,
    }
}

/// Whether there is a record that the caller may read.
pub(crate) async fn may_see(
    cx: &mut TxContext<'_, '_>,
    class: &CallerClass,
    target: CollectionId,
    id: RecordId,
) -> Result<bool, Error> {
    let plan = class.plans.seen(&cx.engine.planner, &class.rights, target);
    is_there(cx, &plan.template, (target, id)).await
}

/// Which of these records the caller may read, by one statement: its time tells nothing of the others.
pub(crate) async fn seen_among(
    cx: &mut TxContext<'_, '_>,
    class: &CallerClass,
    target: CollectionId,
    ids: &[RecordId],
) -> Result<HashSet<RecordId>, Error> {
    match class.rights.rule(target, Action::Read).allows() && !has_trash(cx, target) {
        true => Ok(ids.iter().copied().collect()),
        false => among(cx, class, (target, None), (ids, None)).await,
    }
}

/// The records that refer to this one by this field, as the caller sees.
pub(crate) async fn seen_children(
    cx: &mut TxContext<'_, '_>,
    authority: Authority,
    (children, via): (CollectionId, FieldId),
    parent: RecordId,
) -> Result<Vec<RecordId>, Error> {
    let all = cx.referring(children, via, parent, u32::MAX).await?;
    let class = cx.class_of(authority);
    let seen = among(cx, &class, (children, Some(via)), (&all, Some(parent))).await?;
    Ok(all.into_iter().filter(|id| seen.contains(id)).collect())
}

/// Ids that one statement is given.
const IDS_AT_ONCE: usize = 10_000;

async fn among(
    cx: &mut TxContext<'_, '_>,
    class: &CallerClass,
    (target, via): (CollectionId, Option<FieldId>),
    (ids, parent): (&[RecordId], Option<RecordId>),
) -> Result<HashSet<RecordId>, Error> {
    let view = View { model: cx.model(), rights: &class.rights };
    let plan = class.plans.among(&cx.engine.planner, view, (target, via))?;
    let mut seen = HashSet::with_capacity(ids.len());
    for part in ids.chunks(IDS_AT_ONCE) {
        let ids = Value::List(part.iter().copied().map(Value::Id).collect());
        let params = [ids, parent.map_or(Value::Null, Value::Id)];
        let bindings = Bindings { params: &params, ..cx.bindings() };
        let statement = cx.asked(&Question { template: &plan.template, bindings, collection: target, withheld: false });
        let visit = &mut |row: &dyn Row| {
            seen.extend(id_in(row, &plan)?);
            Ok(())
        };
        cx.rows(&statement, visit).await?;
    }
    Ok(seen)
}

/// Whether the statement about a record has a row.
async fn is_there(
    cx: &mut TxContext<'_, '_>,
    template: &Template,
    (target, id): (CollectionId, RecordId),
) -> Result<bool, Error> {
    let statement = cx.statement(template, &cx.bindings().id(id), target);
    let mut found = false;
    let visit = &mut |_: &dyn Row| {
        found = true;
        Ok(())
    };
    cx.rows(&statement, visit).await?;
    Ok(found)
}

pub(crate) fn none_with_id(model: &Model, target: CollectionId) -> ViolationKind {
    ViolationKind::Reference { collection: model.collection(target).name.clone(), by: "id".to_owned() }
}
