use std::collections::HashSet;
use std::fmt;

use backstay_base::{RecordId, Step, ViolationKind};
use backstay_model::{Collection, CollectionId, FieldId, Model};
use backstay_scalar::{Currency, Value, has_operations, merged};

use crate::Operator;

/// What is sent for a write: values for some fields of a record, of the fields' types.
#[derive(Clone, Default, PartialEq)]
pub struct Input {
    pub(crate) values: Vec<(FieldId, Value)>,
    /// Changes of what is stored in these fields. An update turns them into values.
    pub(crate) operators: Vec<(FieldId, Operator)>,
    pub(crate) links: Vec<(FieldId, Vec<RecordId>)>,
    /// Relations whose members were all sent within `LinkChanges::SET`.
    pub(crate) set_links: Vec<FieldId>,
    /// Members that many-to-many relations get and lose; the others stay.
    pub(crate) link_changes: Vec<(FieldId, LinkChanges)>,
    /// Relations to records that are named by unique keys; `TxContext::resolved` makes values and links of them.
    pub(crate) named: Vec<(FieldId, ReferenceByKey)>,
    /// Whether the fields that it leaves out return to their defaults in an update.
    pub(crate) replaces: bool,
    /// Amounts that share the currency of their record, with the currency that was sent with them.
    pub(crate) amounts: Vec<(FieldId, Option<Currency>)>,
    /// What is written to the records that refer to this one, by the field that lists them.
    pub(crate) children: Vec<(FieldId, Children)>,
    /// The reference to the record that this one is sent with, which was not sent itself.
    pub(crate) to_parent: Option<FieldId>,
    /// Whether it brings a record of another database, with the version and the moments that the record has there.
    pub(crate) carries: bool,
    /// The id that the server has made for the record already.
    pub(crate) reserved: Option<Box<RecordId>>,
}

/// Members that a many-to-many relation gets and loses.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LinkChanges {
    /// Those that it gets, unless they are members already.
    pub added: Vec<RecordId>,
    /// Those that it loses, if they are members.
    pub removed: Vec<RecordId>,
}

impl LinkChanges {
    /// The member of an object in which those that are added are sent.
    pub const ADD: &'static str = "$add";
    /// The same of those that are removed.
    pub const REMOVE: &'static str = "$remove";
    /// The same of those that replace all others.
    pub const SET: &'static str = "$set";

    fn rows(&self) -> usize {
        self.added.len() + self.removed.len()
    }
}

/// What is written, together with a record, to those that refer to it: its children of one relation.
#[derive(Debug, Clone, PartialEq)]
pub struct Children {
    pub(crate) each: Vec<Child>,
    pub(crate) others: Others,
}

/// What becomes of the children that a write doesn't name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Others {
    /// They stay as they are.
    Stay,
    /// They are deleted, but for those that the caller may not see.
    Go,
}

/// What is written to one child.
#[derive(Debug, Clone, PartialEq)]
pub struct Child {
    /// Where it is in what was sent for the relation.
    pub at: Vec<Step>,
    /// What is done.
    pub act: ChildAct,
}

/// What is done to a child.
#[derive(Debug, Clone, PartialEq)]
pub enum ChildAct {
    /// It is made.
    Add(Input),
    /// It is changed.
    Change(RecordId, Input),
    /// The one child of a unique relation is changed, or made if there is none.
    Put(Input),
    /// The child with the same values of a unique key is changed, or one is made if there is none.
    Match(Input),
    /// It is deleted.
    Remove(RecordId),
}

impl ChildAct {
    /// The child that it names.
    pub(crate) fn id(&self) -> Option<RecordId> {
        match self {
            Self::Change(id, _) | Self::Remove(id) => Some(*id),
            Self::Add(_) | Self::Put(_) | Self::Match(_) => None,
        }
    }

    /// What is sent for the child itself.
    pub(crate) fn input(&self) -> Option<&Input> {
        match self {
            Self::Add(input) | Self::Change(_, input) | Self::Put(input) | Self::Match(input) => Some(input),
            Self::Remove(_) => None,
        }
    }
}

impl Children {
    /// Deletes come first and new records last, so that what is unique among the children can pass from one to the other.
    pub fn new(mut each: Vec<Child>, others: Others) -> Self {
        each.sort_by_key(|child| match child.act {
            ChildAct::Remove(_) => 0,
            ChildAct::Change(..) | ChildAct::Put(_) => 1,
            ChildAct::Add(_) | ChildAct::Match(_) => 2,
        });
        Self { each, others }
    }

    fn rows(&self) -> usize {
        self.each.iter().map(|child| child.act.input().map_or(1, Input::rows)).sum()
    }
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

    /// This input as that of a record which comes from another database: the version and the moment of its last change are
    /// as given here. Backstay alone can write such a record.
    #[must_use]
    pub fn carried(self) -> Self {
        Self { carries: true, ..self }
    }

    /// This input as that of a change made here, to a record that is there already: without the id, the moments and the
    /// version that were given.
    #[must_use]
    pub fn uncarried(mut self) -> Self {
        self.carries = false;
        for own in [Collection::ID, Collection::CREATED_AT, Collection::UPDATED_AT, Collection::VERSION] {
            self.leave(own);
        }
        self
    }

    /// The same for a new record with this id, which the server has made.
    #[must_use]
    pub fn with_made_id(mut self, id: RecordId) -> Self {
        self.reserve(id);
        self
    }

    /// Gives a new record this id, which the server has made.
    pub(crate) fn reserve(&mut self, id: RecordId) {
        self.reserved = Some(Box::new(id));
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
        match members.iter().map(Referred::id).collect::<Option<Vec<RecordId>>>() {
            Some(ids) => self.links(field, ids),
            None => self.named.push((field, ReferenceByKey::Members(members))),
        }
    }

    /// The same of members that were sent within `LinkChanges::SET`.
    pub fn set_members(&mut self, field: FieldId, members: Vec<Referred>) {
        self.set_links.push(field);
        self.members(field, members);
    }

    /// The step to all members of a relation in what was sent for it, if there is one.
    pub(crate) fn step_to_members(&self, field: FieldId) -> Option<Step> {
        self.set_links.contains(&field).then(|| Step::Member(LinkChanges::SET.to_owned()))
    }

    /// Gives a field a document in which records are named by unique keys at these places, in the order of the places. The
    /// document has stand-ins there.
    pub fn document(&mut self, field: FieldId, document: impl Into<Value>, named: Vec<NamedWithin>) {
        let document = document.into();
        if named.is_empty() {
            self.set(field, document);
        } else {
            self.named.push((field, ReferenceByKey::Within { document, named }));
        }
    }

    /// The record that a relation to one record names by a unique key.
    pub fn named(&self, field: FieldId) -> Option<&ByKey> {
        self.named.iter().find_map(|(existing, reference)| match reference {
            ReferenceByKey::One(named) if *existing == field => Some(&**named),
            ReferenceByKey::One(_)
            | ReferenceByKey::Members(_)
            | ReferenceByKey::Changes { .. }
            | ReferenceByKey::Within { .. } => None,
        })
    }

    /// Whether it may create records that its relations name.
    pub(crate) fn may_create(&self) -> bool {
        self.named.iter().any(|(_, reference)| reference.may_create())
    }

    /// Gives a many-to-many relation these members, and takes others from it.
    pub fn change_links(&mut self, field: FieldId, changes: LinkChanges) {
        self.link_changes.push((field, changes));
    }

    /// The same of members that may be named by unique keys.
    pub fn change_members(&mut self, field: FieldId, added: Vec<Referred>, removed: Vec<Referred>) {
        let ids = |members: &[Referred]| members.iter().map(Referred::id).collect::<Option<Vec<RecordId>>>();
        match (ids(&added), ids(&removed)) {
            (Some(added), Some(removed)) => self.change_links(field, LinkChanges { added, removed }),
            _ => self.named.push((field, ReferenceByKey::Changes { added, removed })),
        }
    }

    /// Writes these to the records that refer to this one, by the field that lists them.
    pub fn children(&mut self, field: FieldId, children: Children) {
        self.children.push((field, children));
    }

    /// The same record as a child of this one.
    pub(crate) fn child_of(mut self, via: FieldId, parent: RecordId) -> Self {
        self.to_parent = Some(via);
        self.with(via, Value::Id(parent))
    }

    /// What is sent for a change, as what is sent for a new record: patches and members are all that it has. Other operators
    /// remain, and a create refuses them.
    pub(crate) fn into_new(mut self) -> Self {
        for (field, operator) in std::mem::take(&mut self.operators) {
            match whole(&operator) {
                Some(value) => self.set(field, value),
                None => self.operators.push((field, operator)),
            }
        }
        for (field, LinkChanges { added, removed: _ }) in std::mem::take(&mut self.link_changes) {
            self.links(field, added);
        }
        for (_, reference) in &mut self.named {
            if let ReferenceByKey::Changes { added, .. } = reference {
                *reference = ReferenceByKey::Members(std::mem::take(added));
            }
        }
        self
    }

    /// The record and the members that are given, and its children with theirs: what a create writes.
    pub(crate) fn rows(&self) -> usize {
        let links = self.links.iter().map(|(_, members)| members.len()).sum::<usize>();
        let changed = self.link_changes.iter().map(|(_, changes)| changes.rows()).sum::<usize>();
        let named = self.named.iter().map(|(_, reference)| reference.rows()).sum::<usize>();
        1 + links + changed + named + self.children.iter().map(|(_, children)| children.rows()).sum::<usize>()
    }

    /// Whether nothing but the row of the record itself is written.
    pub(crate) fn has_one_row(&self) -> bool {
        let names_links = self.named.iter().any(|(_, reference)| reference.rows() > 0 || reference.may_create());
        self.links.is_empty() && self.link_changes.is_empty() && self.children.is_empty() && !names_links
    }

    /// Gives a field nothing.
    pub fn leave(&mut self, field: FieldId) {
        self.values.retain(|(given, _)| *given != field);
        self.links.retain(|(given, _)| *given != field);
    }

    /// The value given to a field, if any.
    pub fn value(&self, field: FieldId) -> Option<&Value> {
        self.values.iter().find(|(existing, _)| *existing == field).map(|(_, value)| value)
    }

    /// The fields that are given a value or members, or whose values change. Children are not the record's own.
    pub fn fields(&self) -> impl Iterator<Item = FieldId> {
        let values = self.values.iter().map(|(field, _)| *field);
        let operators = self.operators.iter().map(|(field, _)| *field);
        let changed = self.link_changes.iter().map(|(field, _)| *field);
        let named = self.named.iter().map(|(field, _)| *field);
        let links = self.links.iter().map(|(field, _)| *field);
        values.chain(operators).chain(links).chain(changed).chain(named)
    }

    /// Whether nothing is given.
    pub fn is_empty(&self) -> bool {
        self.fields().next().is_none() && self.children.is_empty()
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

/// A record that a reference in a document names by a unique key.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedWithin {
    /// Where the reference is in the document.
    pub at: Vec<Step>,
    /// The record.
    pub named: Box<ByKey>,
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
    /// Those in a document.
    Within {
        document: Value,
        named: Vec<NamedWithin>,
    },
}

impl ReferenceByKey {
    /// How many links it becomes.
    pub(crate) fn rows(&self) -> usize {
        match self {
            Self::One(_) => 0,
            Self::Members(members) => members.len(),
            Self::Changes { added, removed } => added.len() + removed.len(),
            Self::Within { named, .. } => named.len(),
        }
    }

    /// The records that it names by unique keys.
    pub(crate) fn named_mut(&mut self) -> Box<dyn Iterator<Item = &mut ByKey> + '_> {
        fn of(members: &mut [Referred]) -> impl Iterator<Item = &mut ByKey> {
            members.iter_mut().filter_map(|member| match member {
                Referred::Id(_) => None,
                Referred::ByKey(named) => Some(&mut **named),
            })
        }
        match self {
            Self::One(named) => Box::new(std::iter::once(&mut **named)),
            Self::Members(members) => Box::new(of(members)),
            Self::Changes { added, removed } => Box::new(of(added).chain(of(removed))),
            Self::Within { named, .. } => Box::new(named.iter_mut().map(|within| &mut *within.named)),
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
            Self::Within { named, .. } => named.iter().any(|within| creates(&within.named)),
        }
    }
}

/// What is wrong if no record has this key.
pub(crate) fn none_with_key(collection: &Collection, key: &[FieldId]) -> ViolationKind {
    let names: Vec<&str> = key.iter().map(|field| collection.field(*field).name.as_str()).collect();
    ViolationKind::Reference { collection: collection.name.clone(), by: names.join(" and ") }
}

/// The document that a patch alone makes, if it has no operations.
fn whole(operator: &Operator) -> Option<Value> {
    let Operator::Merge(patch) = operator else { return None };
    let is_plain = has_operations(patch).is_ok_and(|operations| !operations);
    let document = if is_plain { merged(None, patch).ok()? } else { return None };
    Some(document.map_or(Value::Null, |text| Value::Json(text.into())))
}

// Its values are not shown: they may be classified.

impl fmt::Debug for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Input").field("fields", &self.fields().collect::<Vec<_>>()).finish_non_exhaustive()
    }
}
