//! Children: records that are written together with the one that they refer to, through the relation that lists them. Each is
//! written by the same steps as any record, under the rules of its own type.

use std::collections::HashSet;

use backstay_base::{Action, Error, Limit, Place, RecordId, Step, Violation, limits};
use backstay_model::{Collection, CollectionId, Field, FieldId};
use backstay_scalar::Value;
use futures_util::future::BoxFuture;

use crate::holding::ToHold;
use crate::input::{Child, ChildAct, Children, Others};
use crate::parking::{self, Begun, Together};
use crate::references::{none_with_id, seen_children};
use crate::stored::Wanted;
use crate::{Authority, Input, Record, TxContext, UniqueKey};

/// What was sent for the children of a record, by the field that lists them.
pub(crate) type SentChildren = Vec<(FieldId, Children)>;

/// The children of a record.
struct Family<'m> {
    authority: Authority,
    /// The field that lists them.
    relation: &'m Field,
    children: &'m Collection,
    /// Their reference to the record.
    via: FieldId,
    parent: RecordId,
}

/// Writes what was sent for the children of a record, which is written already. Returns whether that changed anything.
pub(crate) async fn write(
    cx: &mut TxContext<'_, '_>,
    authority: Authority,
    (of, parent): (CollectionId, RecordId),
    sent: SentChildren,
) -> Result<bool, Error> {
    let mut changed = false;
    for (relation, Children { mut each, others }) in sent {
        let relation = cx.model().field(of, relation);
        let (target, via) = relation.kind.children().ok_or_else(|| Error::internal(NoChildren))?;
        let family = Family { authority, relation, children: cx.model().collection(target), via, parent };
        let around = cx.part.at.clone();
        let at = family.relation.place().under(&around);
        family.hold(cx, &each).await?;
        if others == Others::Go {
            cx.turn_to(&at);
            let present = family.present_and_held(cx).await?;
            each = family.matched(cx, each, &present).await?;
            let named: HashSet<RecordId> = each.iter().filter_map(|child| child.act.id()).collect();
            for id in present.into_iter().filter(|id| !named.contains(id)) {
                match cx.remove_child(authority, (target, id), (via, parent)).await {
                    Err(_) if cx.awaits_hooks() => {}
                    removed => drop(removed?),
                }
                changed = true;
            }
        }
        let begun = parking::begin(cx, &family.together(&at, &each)).await?;
        for (Child { at: within, act }, begun) in each.into_iter().zip(begun) {
            let place = within.into_iter().fold(at.clone(), Place::then);
            cx.turn_to(&place);
            let written = match (act, begun) {
                (ChildAct::Change(id, input), Some(begun)) => {
                    complete(cx, authority, (target, id), (begun, input)).await
                }
                (act, _) => family.write(cx, &place, act).await,
            };
            match written {
                Err(_) if cx.awaits_hooks() => {}
                written => changed |= written?,
            }
        }
        cx.turn_to(&around);
    }
    Ok(changed)
}

impl Family<'_> {
    /// Those that are changed.
    fn together<'i>(&self, at: &Place, each: &'i [Child]) -> Together<'i> {
        let change = |child: &'i Child| {
            let place = child.at.iter().cloned().fold(at.clone(), Place::then);
            let change = if let ChildAct::Change(id, input) = &child.act { Some((*id, input)) } else { None };
            (place, change)
        };
        Together {
            authority: self.authority,
            collection: self.children.id,
            child_of: Some(self.of_parent()),
            each: each.iter().map(change).collect(),
        }
    }

    /// Locks the children that are named, and what changes with those that are sent.
    async fn hold(&self, cx: &mut TxContext<'_, '_>, each: &[Child]) -> Result<(), Error> {
        let named = each.iter().filter_map(|child| child.act.id());
        let mut to_hold = ToHold::records(self.children.id, named);
        for input in each.iter().filter_map(|child| child.act.input()) {
            cx.hold_owners(self.children.id, input, &mut to_hold);
        }
        cx.hold(to_hold).await
    }

    /// Returns whether it changed anything.
    async fn write(&self, cx: &mut TxContext<'_, '_>, at: &Place, act: ChildAct) -> Result<bool, Error> {
        match act {
            ChildAct::Add(input) => self.add(cx, input).await,
            // Those that are there were matched.
            ChildAct::Match(input) => self.add(cx, input.into_new()).await,
            ChildAct::Change(id, input) => {
                let changed = change(cx, self.authority, ((self.children.id, id), self.of_parent()), input).await;
                changed.map_err(|error| self.none(cx, error, at.clone().then(Step::Member("id".to_owned()))))
            }
            ChildAct::Remove(id) => {
                let removed = cx.remove_child(self.authority, (self.children.id, id), self.of_parent()).await;
                removed.map(|_| true).map_err(|error| self.none(cx, error, at.clone()))
            }
            ChildAct::Put(input) => match self.present(cx).await?.first() {
                Some(id) => change(cx, self.authority, ((self.children.id, *id), self.of_parent()), input).await,
                None => self.add(cx, input.into_new()).await,
            },
        }
    }

    fn of_parent(&self) -> (FieldId, RecordId) {
        (self.via, self.parent)
    }

    async fn add(&self, cx: &mut TxContext<'_, '_>, input: Input) -> Result<bool, Error> {
        make(cx, self.authority, self.children.id, input.child_of(self.via, self.parent)).await.map(|_| true)
    }

    /// The children that the caller sees.
    async fn present(&self, cx: &mut TxContext<'_, '_>) -> Result<Vec<RecordId>, Error> {
        let seen = seen_children(cx, self.authority, (self.children.id, self.via), self.parent).await?;
        if seen.len() as u64 > limits::LINKS_READ {
            let what = "a list that is replaced";
            return Err(Limit::Size { what, max: limits::LINKS_READ, unit: "records" }.into());
        }
        Ok(seen)
    }

    /// The same, once no other transaction can change them.
    async fn present_and_held(&self, cx: &mut TxContext<'_, '_>) -> Result<Vec<RecordId>, Error> {
        let present = self.present(cx).await?;
        if !cx.is_shared() || present.is_empty() {
            return Ok(present);
        }
        cx.hold(ToHold::records(self.children.id, present)).await?;
        self.present(cx).await
    }

    /// What was sent for a whole list, in which each child that was sent without its id is one of those present, or new.
    async fn matched(
        &self,
        cx: &mut TxContext<'_, '_>,
        mut each: Vec<Child>,
        present: &[RecordId],
    ) -> Result<Vec<Child>, Error> {
        let mut free: HashSet<RecordId> = present.iter().copied().collect();
        for id in each.iter().filter_map(|child| child.act.id()) {
            free.remove(&id);
        }
        for child in &mut each {
            let ChildAct::Match(input) = &mut child.act else { continue };
            let input = std::mem::take(input);
            let same = if free.is_empty() { None } else { self.same(cx, &input, &free).await? };
            child.act = match same {
                Some(id) => {
                    free.remove(&id);
                    ChildAct::Change(id, input)
                }
                None => ChildAct::Add(input.into_new()),
            };
        }
        Ok(Children::new(each, Others::Go).each)
    }

    /// Which of these children has the same values of a unique key.
    async fn same(
        &self,
        cx: &mut TxContext<'_, '_>,
        input: &Input,
        free: &HashSet<RecordId>,
    ) -> Result<Option<RecordId>, Error> {
        let class = cx.class_of(self.authority);
        for fields in self.children.keys() {
            let value = |field: &FieldId| match *field == self.via {
                true => Some(Value::Id(self.parent)),
                false => input.value(*field).filter(|value| !value.is_null()).cloned(),
            };
            let Some(values) = fields.iter().map(value).collect::<Option<Vec<Value>>>() else { continue };
            let key = UniqueKey { fields, values };
            if key.hidden(&class.rights, self.children).is_some() {
                continue;
            }
            let found = cx.look_up(self.authority, self.children.id, &key).await?;
            if let Some(id) = found.filter(|id| free.contains(id)) {
                return Ok(Some(id));
            }
        }
        Ok(None)
    }

    /// A child that isn't there, that isn't one of this record or that the caller may not see: all of them are the same.
    fn none(&self, cx: &TxContext<'_, '_>, error: Error, at: Place) -> Error {
        match error {
            Error::NotFound { .. } => {
                Error::Invalid(vec![Violation::new(at, none_with_id(cx.model(), self.children.id))])
            }
            error => error,
        }
    }
}

/// Children can have children.
fn make<'f>(
    cx: &'f mut TxContext<'_, '_>,
    authority: Authority,
    collection: CollectionId,
    input: Input,
) -> BoxFuture<'f, Result<Record, Error>> {
    Box::pin(async move { cx.make(authority, collection, input).await })
}

fn change<'f>(
    cx: &'f mut TxContext<'_, '_>,
    authority: Authority,
    (record, of): ((CollectionId, RecordId), (FieldId, RecordId)),
    input: Input,
) -> BoxFuture<'f, Result<bool, Error>> {
    let wanted = Wanted { if_match: None, child_of: Some(of) };
    Box::pin(async move { cx.change(authority, record, input, wanted).await.map(|altered| altered.changed) })
}

/// The same of a change that was begun.
fn complete<'f, 'a: 'f>(
    cx: &'f mut TxContext<'a, '_>,
    authority: Authority,
    record: (CollectionId, RecordId),
    (begun, input): (Begun<'a>, Input),
) -> BoxFuture<'f, Result<bool, Error>> {
    Box::pin(async move {
        let changed = cx.complete(begun, input).await;
        cx.with_children(authority, record, changed).await.map(|altered| altered.changed)
    })
}

/// What a write does to the children that it names, as it is asked of their type's rules.
pub(crate) fn actions(act: &ChildAct) -> &'static [Action] {
    match act {
        ChildAct::Add(_) => &[Action::Create],
        ChildAct::Change(..) => &[Action::Update],
        // One of the two, depending on what is stored.
        ChildAct::Put(_) | ChildAct::Match(_) => &[Action::Update, Action::Create],
        ChildAct::Remove(_) => &[Action::Delete],
    }
}

/// Children that were sent for a field that lists none.
#[derive(Debug, thiserror::Error)]
#[error("children were sent for a field that lists no records which refer to this one")]
pub(crate) struct NoChildren;
