use std::sync::Arc;

use backstay_base::{Error, Place, RecordId, Step, Violation, ViolationKind};
use backstay_model::{Collection, Field, FieldId, Trash};
use backstay_scalar::{Currency, Value};

use crate::application::CallerClass;
use crate::policy::Way;
use crate::{Authority, Input, Record};

/// A write in the making: the stored record, the record as it would be, what was sent, and what is wrong with it so far.
/// Each step of a write takes it; the last one turns it into a `RowChange`.
///
/// The proposed record has the members of many-to-many relations as they were sent, so that rules, checks and guards see
/// them.
pub(crate) struct Proposal<'m> {
    pub(crate) collection: &'m Collection,
    pub(crate) authority: Authority,
    /// The class whose rights count: the caller's, or Backstay's own.
    pub(crate) class: Arc<CallerClass>,
    pub(crate) input: Input,
    /// None in a create.
    pub(crate) stored: Option<Record>,
    /// The record as it is in the trash, if it comes back from there. Unless values are sent for it, that is as if it were
    /// new.
    pub(crate) readmitted: Option<Record>,
    /// By `FieldId`; of a many-to-many relation the members, where they were sent, else null.
    pub(crate) values: Vec<Value>,
    /// Links that are made and ended.
    pub(crate) links: Vec<LinkChange>,
    /// Fields of the input, and what holds them, that the caller sees in the stored record because of what this holds.
    pub(crate) seen: Vec<FieldId>,
    /// Relations of which members were sent that the caller doesn't see, whether these are members already or not.
    pub(crate) unseen_members: Vec<FieldId>,
    /// Amounts that share the currency of their record and that the model gives, with the currency that they are in.
    pub(crate) currencies: Vec<(FieldId, Currency)>,
    /// What may permit an update.
    pub(crate) open: Vec<Permit>,
    /// Whether the guards of transitions apply.
    pub(crate) guarded: bool,
    violations: Vec<Violation>,
}

/// What may permit an update.
#[derive(Debug, Clone)]
pub(crate) enum Permit {
    /// A clause, by its place in the caller's rights.
    Clause(usize),
    /// A transition that the caller may take.
    Transition(FieldId, Way),
}

/// Links of one relation that are made and ended.
#[derive(Debug)]
pub(crate) struct LinkChange {
    pub(crate) field: FieldId,
    /// New members. Of ordered links, they come after the others unless all are `placed`.
    pub(crate) added: Vec<RecordId>,
    pub(crate) removed: Vec<RecordId>,
    /// All members in a new order, the added ones included; none if the links have no order, or those that stay keep theirs.
    pub(crate) placed: Vec<RecordId>,
}

impl LinkChange {
    /// How many links are written.
    fn rows(&self) -> usize {
        self.removed.len() + Ord::max(self.added.len(), self.placed.len())
    }
}

impl<'m> Proposal<'m> {
    /// A new record without any value so far.
    pub(crate) fn create(
        collection: &'m Collection,
        authority: Authority,
        class: Arc<CallerClass>,
        input: Input,
    ) -> Self {
        let values = vec![Value::Null; collection.fields.len()];
        let (links, open, violations) = (Vec::new(), Vec::new(), Vec::new());
        let (seen, unseen_members, currencies) = (Vec::new(), Vec::new(), Vec::new());
        Self {
            collection,
            authority,
            class,
            input,
            stored: None,
            readmitted: None,
            values,
            links,
            seen,
            unseen_members,
            currencies,
            open,
            guarded: authority == Authority::Caller,
            violations,
        }
    }

    /// A stored record as it is.
    pub(crate) fn change(
        collection: &'m Collection,
        authority: Authority,
        class: Arc<CallerClass>,
        stored: Record,
    ) -> Self {
        let values = stored.values().to_vec();
        Self { stored: Some(stored), values, ..Self::create(collection, authority, class, Input::new()) }
    }

    /// The stored record, which is in the trash, as one that comes back as it was: as if it were new.
    pub(crate) fn readmitted(self, trash: Trash) -> Self {
        let returning = self.returning(trash);
        Self { stored: None, ..returning }
    }

    /// The stored record, which is in the trash, as one that comes back with what is sent for it.
    pub(crate) fn returning(mut self, trash: Trash) -> Self {
        self.set(trash.at, Value::Null);
        Self { readmitted: self.stored.clone(), ..self }
    }

    /// The record and its changed links, if the write is the caller's: those of Backstay itself don't count.
    pub(crate) fn rows_for_caller(&self) -> usize {
        match self.authority {
            Authority::Caller => 1 + self.links.iter().map(LinkChange::rows).sum::<usize>(),
            Authority::System => 0,
        }
    }

    /// The stored values, which rules call `old`; none in a create.
    pub(crate) fn stored_values(&self) -> &[Value] {
        self.stored.as_ref().or(self.readmitted.as_ref()).map_or(&[], Record::values)
    }

    /// The stored value of a field; null in a create.
    pub(crate) fn stored_value(&self, field: FieldId) -> &Value {
        self.stored.as_ref().map_or(&Value::Null, |stored| stored.value(field))
    }

    pub(crate) fn value(&self, field: FieldId) -> &Value {
        &self.values[usize::from(field.0)]
    }

    pub(crate) fn set(&mut self, field: FieldId, value: Value) {
        self.values[usize::from(field.0)] = value;
    }

    /// The id of the record.
    pub(crate) fn id(&self) -> Result<RecordId, Error> {
        self.value(Collection::ID).as_id().ok_or_else(|| Error::internal(NoId))
    }

    /// Whether the caller sees the field: in every record, or in this one.
    pub(crate) fn sees(&self, field: FieldId) -> bool {
        self.authority == Authority::System
            || self.seen.contains(&field)
            || self.class.rights.field(self.collection.id, field, backstay_base::Action::Read).allows()
    }

    /// Whether it would leave the stored record as it is, as far as the caller can tell: a caller who doesn't see a
    /// field must not learn whether it was given the value that it has.
    pub(crate) fn is_idle(&self) -> bool {
        let changed = |field: &Field| {
            let is_moment = field.id == Collection::UPDATED_AT;
            !is_moment && field.is_stored() && self.value(field.id) != self.stored_value(field.id)
        };
        self.stored.is_some()
            && self.links.is_empty()
            && self.unseen_members.is_empty()
            && !self.collection.fields.iter().any(changed)
            && self.input.fields().all(|field| self.sees(field))
    }

    /// The fields that the caller changes: what was sent and differs from what is stored, or was sent for a field, or with
    /// members, that the caller doesn't see.
    pub(crate) fn changed(&self) -> Vec<FieldId> {
        let changed = |id: &FieldId| {
            let field = self.collection.field(*id);
            let differs = match field.is_stored() {
                true => self.value(*id) != self.stored_value(*id),
                false => self.links.iter().any(|change| change.field == *id) || self.unseen_members.contains(id),
            };
            differs || !self.sees(*id)
        };
        self.input.fields().filter(changed).collect()
    }

    /// Whether the write changes a field: the caller, or what the model sets. In a create, and in a record that comes back,
    /// every field.
    pub(crate) fn may_change(&self, id: FieldId) -> bool {
        let field = self.collection.field(id);
        let sent = || self.input.fields().any(|sent| sent == id);
        self.stored.is_none()
            || self.readmitted.is_some()
            || (field.kind.is_stored() && self.value(id) != self.stored_value(id))
            || self.links.iter().any(|change| change.field == id)
            || self.unseen_members.contains(&id)
            || (!self.sees(id) && sent())
    }

    /// The stored fields that were sent and that the caller doesn't see: a change writes them whether they were the same or
    /// not, so that neither the log nor an explanation tells.
    pub(crate) fn unseen(&self) -> Vec<FieldId> {
        let unseen = |field: &FieldId| self.collection.field(*field).is_stored() && !self.sees(*field);
        self.input.fields().filter(unseen).collect()
    }

    /// Notes what is wrong with a field.
    pub(crate) fn refuse(&mut self, field: &Field, kind: ViolationKind) {
        let violation = Violation::new(field.place(), kind);
        // The parts of a reference to one of several types are one value to the caller.
        if !field.is_of_reference() || !self.violations.contains(&violation) {
            self.violations.push(violation);
        }
    }

    /// Notes what is wrong with the record as a whole, once: how often would tell of how many hidden values it is true.
    pub(crate) fn refuse_whole(&mut self, kind: ViolationKind) {
        let violation = Violation::new(Place::Whole, kind);
        if !self.violations.contains(&violation) {
            self.violations.push(violation);
        }
    }

    /// Notes what is wrong with a member of a relation, in the order in which they were sent, or with an item of a list.
    pub(crate) fn refuse_member(&mut self, field: &Field, index: usize, kind: ViolationKind) {
        let steps = self.input.step_to_members(field.id).into_iter().chain([Step::Item(index)]);
        self.violations.push(Violation::new(steps.fold(field.place(), Place::then), kind));
    }

    /// Notes what is wrong within the value of a field.
    pub(crate) fn refuse_within(&mut self, field: &Field, steps: Vec<Step>, kind: ViolationKind) {
        let at = steps.into_iter().fold(field.place(), Place::then);
        self.violations.push(Violation::new(at, kind));
    }

    /// Whether something was noted of the field.
    pub(crate) fn is_refused(&self, field: &Field) -> bool {
        let at = field.place();
        self.violations.iter().any(|violation| violation.at == at)
    }

    /// Whether something was noted of the record as a whole.
    pub(crate) fn is_refused_whole(&self) -> bool {
        self.violations.iter().any(|violation| violation.at == Place::Whole)
    }

    /// Ends the write if anything was noted.
    pub(crate) fn settle(&mut self) -> Result<(), Error> {
        match std::mem::take(&mut self.violations) {
            violations if violations.is_empty() => Ok(()),
            violations => Err(Error::Invalid(violations)),
        }
    }
}

/// A record without a key, which no step leaves behind.
#[derive(Debug, thiserror::Error)]
#[error("a proposed record has no id")]
struct NoId;
