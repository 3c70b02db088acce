use std::sync::Arc;

use backstay_base::{Action, RecordId, Timestamp, limits};
use backstay_expr::Checked;
use backstay_model::{Addressed, CollectionId, FieldId, InterfaceId};
use backstay_scalar::{Scalar, Search, Value};
use backstay_sql::{DecodeError, Groups, PageStart, Position, Row, Selection, SortKey};
use bytes::Bytes;

use crate::{Input, Which};

/// Anything that can be asked about records, fully typed: doors make it of what they receive.
#[derive(Debug, Clone)]
pub enum Request {
    /// A get.
    Get(Get),
    /// A list.
    List(List),
    /// A get of a record of any of several types.
    GetOfTypes(OfTypes<Get>),
    /// A list of the records of several types.
    ListOfTypes(OfTypes<List>),
    /// A create.
    Create(Create),
    /// An update.
    Update(Update),
    /// A create or replace.
    Replace(Replace),
    /// A delete, a restore or a purge.
    OfRecord(OfRecord),
    /// An update or a delete of all records that match a filter.
    OfMatching(OfMatching),
    /// The history of a record.
    History(History),
    /// Groups of the records of a list.
    Aggregate(Aggregate),
}

/// Which kind of request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of the requests")]
pub enum RequestKind {
    Get,
    List,
    Create,
    Update,
    Replace,
    OfRecord(RecordVerb),
    OfMatching(MatchingVerb),
    History,
    Aggregate,
}

/// What is done with all records that match a filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MatchingVerb {
    /// They are changed, all in the same way.
    Update,
    /// They are deleted, or moved to the trash if their type has one.
    Delete,
}

impl MatchingVerb {
    /// Its name in explanations, in the commit log, in fingerprints and in the notation of doors.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Update => "updateAll",
            Self::Delete => "deleteAll",
        }
    }

    /// What it asks for, as rules name it.
    pub fn action(self) -> Action {
        match self {
            Self::Update => Action::Update,
            Self::Delete => Action::Delete,
        }
    }
}

/// What is done with a stored record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordVerb {
    /// It is deleted, or moved to the trash if its type has one.
    Delete,
    /// It is brought back from the trash, with what was moved there together with it.
    Restore,
    /// It is in the trash, and is deleted for good.
    Purge,
}

impl RecordVerb {
    /// Its name in explanations, in the commit log, in fingerprints and in the notation of doors.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Delete => "delete",
            Self::Restore => "restore",
            Self::Purge => "purge",
        }
    }

    /// What it asks for, as rules name it.
    pub fn action(self) -> Action {
        match self {
            Self::Delete => Action::Delete,
            Self::Restore => Action::Restore,
            Self::Purge => Action::Purge,
        }
    }
}

impl RequestKind {
    /// Every kind.
    pub const ALL: [Self; 12] = [
        Self::Get,
        Self::List,
        Self::Create,
        Self::Update,
        Self::Replace,
        Self::OfRecord(RecordVerb::Delete),
        Self::OfRecord(RecordVerb::Restore),
        Self::OfRecord(RecordVerb::Purge),
        Self::OfMatching(MatchingVerb::Update),
        Self::OfMatching(MatchingVerb::Delete),
        Self::History,
        Self::Aggregate,
    ];

    /// Its name in explanations, in the commit log and in the notation of doors.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::List => "list",
            Self::Create => "create",
            Self::Update => "update",
            Self::Replace => "replace",
            Self::OfRecord(verb) => verb.name(),
            Self::OfMatching(verb) => verb.name(),
            Self::History => "history",
            Self::Aggregate => "aggregate",
        }
    }

    /// What it can address in a collection.
    pub const fn addresses(self) -> &'static [Addressed] {
        match self {
            Self::Get | Self::Update => &[Addressed::Record, Addressed::Single],
            Self::List | Self::Create | Self::OfMatching(_) | Self::Aggregate => &[Addressed::All],
            Self::Replace | Self::OfRecord(RecordVerb::Delete) => &[Addressed::Record],
            Self::OfRecord(RecordVerb::Restore | RecordVerb::Purge) => &[Addressed::Trash],
            Self::History => &[Addressed::History],
        }
    }

    /// What it asks for, as rules name it.
    pub fn action(self) -> Action {
        match self {
            Self::Get => Action::Get,
            Self::List | Self::Aggregate => Action::Search,
            Self::Create => Action::Create,
            Self::Update | Self::Replace => Action::Update,
            Self::OfRecord(verb) => verb.action(),
            Self::OfMatching(verb) => verb.action(),
            Self::History => Action::History,
        }
    }
}

impl Request {
    /// Its kind.
    pub fn kind(&self) -> RequestKind {
        match self {
            Self::Get(_) | Self::GetOfTypes(_) => RequestKind::Get,
            Self::List(_) | Self::ListOfTypes(_) => RequestKind::List,
            Self::Create(_) => RequestKind::Create,
            Self::Update(_) => RequestKind::Update,
            Self::Replace(_) => RequestKind::Replace,
            Self::OfRecord(of_record) => RequestKind::OfRecord(of_record.act.verb()),
            Self::OfMatching(of_matching) => RequestKind::OfMatching(of_matching.act.verb()),
            Self::History(_) => RequestKind::History,
            Self::Aggregate(_) => RequestKind::Aggregate,
        }
    }

    /// What it asks for, as rules name it.
    pub fn action(&self) -> Action {
        match self {
            Self::Get(get) => get.action(),
            Self::List(list) => list.action(),
            Self::Aggregate(aggregate) => aggregate.action(),
            Self::GetOfTypes(gets) => gets.each.first().map_or(Action::Get, Get::action),
            Self::ListOfTypes(lists) => lists.each.first().map_or(Action::Search, List::action),
            Self::Create(_)
            | Self::Update(_)
            | Self::Replace(_)
            | Self::OfRecord(_)
            | Self::OfMatching(_)
            | Self::History(_) => self.kind().action(),
        }
    }

    /// The collections that it is about.
    pub fn collections(&self) -> Vec<CollectionId> {
        match self {
            Self::Get(get) => vec![get.collection],
            Self::List(list) => vec![list.collection],
            Self::GetOfTypes(gets) => gets.each.iter().map(|get| get.collection).collect(),
            Self::ListOfTypes(lists) => lists.each.iter().map(|list| list.collection).collect(),
            Self::History(history) => vec![history.collection],
            Self::Aggregate(aggregate) => vec![aggregate.collection],
            Self::Create(_) | Self::Update(_) | Self::Replace(_) | Self::OfRecord(_) | Self::OfMatching(_) => {
                self.written().into_iter().collect()
            }
        }
    }

    /// The collection that it writes to, if it writes.
    pub fn written(&self) -> Option<CollectionId> {
        match self {
            Self::Get(_)
            | Self::List(_)
            | Self::GetOfTypes(_)
            | Self::ListOfTypes(_)
            | Self::History(_)
            | Self::Aggregate(_) => None,
            Self::Create(create) => Some(create.collection),
            Self::Update(update) => Some(update.collection),
            Self::Replace(replace) => Some(replace.collection),
            Self::OfRecord(of_record) => Some(of_record.collection),
            Self::OfMatching(of_matching) => Some(of_matching.collection),
        }
    }

    /// The interface whose types it is about, if it is about several.
    pub fn interface(&self) -> Option<InterfaceId> {
        match self {
            Self::GetOfTypes(gets) => Some(gets.interface),
            Self::ListOfTypes(lists) => Some(lists.interface),
            Self::Get(_)
            | Self::List(_)
            | Self::History(_)
            | Self::Aggregate(_)
            | Self::Create(_)
            | Self::Update(_)
            | Self::Replace(_)
            | Self::OfRecord(_)
            | Self::OfMatching(_) => None,
        }
    }

    /// How it wants to be done, if it writes.
    pub fn options(&self) -> Option<&WriteOptions> {
        match self {
            Self::Get(_)
            | Self::List(_)
            | Self::GetOfTypes(_)
            | Self::ListOfTypes(_)
            | Self::History(_)
            | Self::Aggregate(_) => None,
            Self::Create(Create { options, .. })
            | Self::Update(Update { options, .. })
            | Self::Replace(Replace { options, .. })
            | Self::OfRecord(OfRecord { options, .. })
            | Self::OfMatching(OfMatching { options, .. }) => Some(options),
        }
    }

    /// The same, to be changed.
    pub fn options_mut(&mut self) -> Option<&mut WriteOptions> {
        match self {
            Self::Get(_)
            | Self::List(_)
            | Self::GetOfTypes(_)
            | Self::ListOfTypes(_)
            | Self::History(_)
            | Self::Aggregate(_) => None,
            Self::Create(Create { options, .. })
            | Self::Update(Update { options, .. })
            | Self::Replace(Replace { options, .. })
            | Self::OfRecord(OfRecord { options, .. })
            | Self::OfMatching(OfMatching { options, .. }) => Some(options),
        }
    }
}

/// A read of the types of an interface: the same request for each, in their order. They differ only in the types: the
/// fields that they name are shared, and the values that they bring are the same.
#[derive(Debug, Clone)]
pub struct OfTypes<R> {
    /// Which interface.
    pub interface: InterfaceId,
    /// The request for each of its types.
    pub each: Vec<R>,
}

/// Which version of the data a read sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Perspective {
    /// The records as the last commit left them.
    Live,
    /// The records in the trash.
    Trash,
    /// The records of a type with `@history` as they were at this moment. What a history doesn't keep is not there.
    AsOf(Timestamp),
}

impl Perspective {
    /// Which rows that are.
    pub(crate) fn rows(self) -> backstay_sql::Perspective {
        match self {
            Self::Live => backstay_sql::Perspective::Live,
            Self::Trash => backstay_sql::Perspective::Trash,
            Self::AsOf(_) => backstay_sql::Perspective::AsOf,
        }
    }

    /// The moment that it is about, if it is of the past.
    pub(crate) fn moment(self) -> Option<Timestamp> {
        match self {
            Self::AsOf(moment) => Some(moment),
            Self::Live | Self::Trash => None,
        }
    }
}

/// Asks for one record.
#[derive(Debug, Clone)]
pub struct Get {
    /// The record's collection.
    pub collection: CollectionId,
    /// The record.
    pub which: Which,
    /// What to answer of it.
    pub selection: Selection,
    /// The values of the parameters in the selection, in its order.
    pub params: Vec<Value>,
    /// In which version of the data.
    pub perspective: Perspective,
}

impl Get {
    /// What it asks for, as rules name it.
    pub(crate) fn action(&self) -> Action {
        self.perspective.rows().asks(Action::Get)
    }
}

/// Asks for a page of records.
#[derive(Debug, Clone)]
pub struct List {
    /// Which collection.
    pub collection: CollectionId,
    /// In which version of the data.
    pub perspective: Perspective,
    /// Which of its records.
    pub filter: Filter,
    /// Of those the ones that are found by this.
    pub search: Option<Arc<Search>>,
    /// The fields whose texts are answered with what the search finds in them.
    pub highlight: Arc<[FieldId]>,
    /// What to answer of each.
    pub selection: Selection,
    /// The values of the parameters in the selection, in its order.
    pub params: Vec<Value>,
    /// The order, in which the id is always the last key.
    pub sort: Arc<[SortKey]>,
    /// Records on the page: 1 to `limits::PAGE_MAX`.
    pub limit: u32,
    /// Where the page starts.
    pub start: Start,
    /// Whether to count the records on all pages.
    pub count: Counting,
}

impl List {
    /// What it asks for, as rules name it.
    pub(crate) fn action(&self) -> Action {
        self.perspective.rows().asks(Action::Search)
    }

    /// The first page of a collection, in the order of the ids.
    pub fn of(collection: CollectionId) -> Self {
        Self {
            collection,
            perspective: Perspective::Live,
            filter: Filter::default(),
            search: None,
            highlight: Arc::default(),
            selection: Selection::Whole,
            params: Vec::new(),
            sort: Arc::default(),
            limit: limits::PAGE_DEFAULT,
            start: Start::First,
            count: Counting::None,
        }
    }
}

/// Asks for a page of groups of the records that a list would show, and for what each of them comes to.
#[derive(Debug, Clone)]
pub struct Aggregate {
    /// Which collection.
    pub collection: CollectionId,
    /// In which version of the data.
    pub perspective: Perspective,
    /// Which of its records.
    pub filter: Filter,
    /// Of those the ones that are found by this.
    pub search: Option<Arc<Search>>,
    /// What is answered of their groups, and in which order.
    pub groups: Groups,
    /// The values of the parameters in that, in its order.
    pub params: Vec<Value>,
    /// Groups on the page: 1 to `limits::PAGE_MAX`.
    pub limit: u32,
    /// Where the page starts.
    pub start: Start,
}

impl Aggregate {
    /// What it asks for, as rules name it.
    pub(crate) fn action(&self) -> Action {
        self.perspective.rows().asks(Action::Search)
    }
}

/// Where a page of a list starts.
#[derive(Debug, Clone, PartialEq)]
pub enum Start {
    /// With the first record.
    First,
    /// With the first one after a place.
    After(Cursor),
    /// So that it ends with the last one before a place.
    Before(Cursor),
    /// After this many records: 1 to `limits::SKIP_MAX`.
    Skip(u32),
}

impl Start {
    /// The place that it names.
    pub(crate) fn cursor(&self) -> Option<&Cursor> {
        match self {
            Self::After(cursor) | Self::Before(cursor) => Some(cursor),
            Self::First | Self::Skip(_) => None,
        }
    }

    /// The values of that place.
    pub(crate) fn values(&self) -> &[Value] {
        self.cursor().map_or(&[], |cursor| &cursor.values)
    }

    /// How many records it leaves out.
    pub(crate) fn skipped(&self) -> u64 {
        match self {
            Self::Skip(records) => (*records).into(),
            Self::First | Self::After(_) | Self::Before(_) => 0,
        }
    }

    /// What it is to a statement.
    pub(crate) fn shape(&self) -> PageStart {
        match self {
            Self::First => PageStart::First,
            Self::After(cursor) => PageStart::After(Position { nulls: cursor.nulls() }),
            Self::Before(cursor) => PageStart::Before(Position { nulls: cursor.nulls() }),
            Self::Skip(_) => PageStart::Skip,
        }
    }
}

/// Whether a list counts its records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counting {
    /// It doesn't.
    None,
    /// Exactly up to `limits::COUNT_MAX`.
    Capped,
    /// Exactly, however many there are.
    Exact,
}

impl Counting {
    /// Up to which number it counts.
    pub(crate) fn most(self) -> Option<u64> {
        match self {
            Self::None => None,
            Self::Capped => Some(limits::COUNT_MAX),
            // More than any database holds, and one more is still a number of rows.
            Self::Exact => Some(u64::MAX / 4),
        }
    }
}

/// Asks for a page of what was changed of one record, the latest change first.
#[derive(Debug, Clone)]
pub struct History {
    /// The record's collection.
    pub collection: CollectionId,
    /// The record, which may be deleted.
    pub id: RecordId,
    /// Changes on the page: 1 to `limits::PAGE_MAX`.
    pub limit: u32,
    /// Where the page starts: the keys of `history_order`, and the id of a version.
    pub after: Option<Cursor>,
}

/// Which records of a collection a query is about: those for which all of this is true.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Fields that must equal a value of their type.
    pub equals: Vec<(FieldId, Value)>,
    /// References that must lead to the account that calls.
    pub own: Vec<FieldId>,
    /// An expression that must be true.
    pub expression: Option<Expression>,
}

/// A filter in the language of rules.
#[derive(Debug, Clone)]
pub struct Expression {
    /// What its text means, checked in `Scope::filter` of the collection. Plans know it by identity: keep it for the next
    /// request with the same text.
    pub checked: Arc<Checked>,
    /// The values of its parameters, in their order and of their types.
    pub params: Vec<Value>,
}

/// A place in the order of a list: the values of the sort keys, then the id, of the record that is there. It says
/// nothing that the client didn't see, and a forged one gives a place in the client's own list.
#[derive(Debug, Clone, PartialEq)]
pub struct Cursor {
    /// One for each sort key, and the id.
    pub values: Vec<Value>,
}

impl Cursor {
    /// The place of a row with the values in these columns, each with its scalar; `None` for an enum.
    pub fn read(
        row: &dyn Row,
        columns: impl IntoIterator<Item = (usize, Option<Scalar>)>,
    ) -> Result<Self, DecodeError> {
        let value = |(column, scalar): (usize, Option<Scalar>)| {
            let stored = row.value(column)?;
            match scalar {
                Some(scalar) => {
                    let expected = "a value of the scalar that the list is sorted by";
                    scalar.load(&[stored]).ok_or(DecodeError { column, expected })
                }
                None => Ok(Value::from(stored)),
            }
        };
        let values: Result<_, DecodeError> = columns.into_iter().map(value).collect();
        Ok(Self { values: values? })
    }

    /// For each sort key, and for the id, whether its value is null.
    pub(crate) fn nulls(&self) -> Vec<bool> {
        self.values.iter().map(Value::is_null).collect()
    }
}

/// Asks for one new record, or for several, all of which are created or none.
#[derive(Debug, Clone)]
pub struct Create {
    /// Where.
    pub collection: CollectionId,
    /// Their values.
    pub inputs: Inputs,
    /// The fields of a unique key: a record that has the same values is changed instead.
    pub on_conflict: Option<Vec<FieldId>>,
    /// How.
    pub options: WriteOptions,
}

/// The values of one new record or of several.
#[derive(Debug, Clone)]
pub enum Inputs {
    /// One, which is answered alone.
    One(Input),
    /// 1 to `limits::BATCH_RECORDS`, which are answered in their order.
    Many(Vec<Input>),
}

impl Inputs {
    /// The inputs in their order.
    pub fn as_slice(&self) -> &[Input] {
        match self {
            Self::One(input) => std::slice::from_ref(input),
            Self::Many(inputs) => inputs,
        }
    }

    /// The same, to be changed.
    pub(crate) fn as_mut_slice(&mut self) -> &mut [Input] {
        match self {
            Self::One(input) => std::slice::from_mut(input),
            Self::Many(inputs) => inputs,
        }
    }
}

/// Asks to change one record.
#[derive(Debug, Clone)]
pub struct Update {
    /// The record's collection.
    pub collection: CollectionId,
    /// The record.
    pub which: Which,
    /// The values that change; null removes one.
    pub input: Input,
    /// How.
    pub options: WriteOptions,
}

/// Asks to put what is sent in the place of a record, or to create it where the caller finds none.
#[derive(Debug, Clone)]
pub struct Replace {
    /// The record's collection.
    pub collection: CollectionId,
    /// The record.
    pub which: Which,
    /// Its values; what is left out returns to its default or null.
    pub input: Input,
    /// How.
    pub options: WriteOptions,
}

/// What is done with a stored record, with what that takes.
#[derive(Debug, Clone)]
#[expect(clippy::large_enum_variant, reason = "there is one of them in a request")]
pub enum RecordAct {
    /// `RecordVerb::Delete`.
    Delete,
    /// `RecordVerb::Restore`, with the values that the record gets as it comes back: none if it is to be as it was.
    Restore(Input),
    /// `RecordVerb::Purge`.
    Purge,
}

impl RecordAct {
    /// What it is.
    pub fn verb(&self) -> RecordVerb {
        match self {
            Self::Delete => RecordVerb::Delete,
            Self::Restore(_) => RecordVerb::Restore,
            Self::Purge => RecordVerb::Purge,
        }
    }
}

/// Asks for something that is done with one stored record.
#[derive(Debug, Clone)]
pub struct OfRecord {
    /// What is done.
    pub act: RecordAct,
    /// The record's collection.
    pub collection: CollectionId,
    /// The record.
    pub which: Which,
    /// How.
    pub options: WriteOptions,
}

/// What is done with all records that match a filter, with what that takes.
#[derive(Debug, Clone)]
#[expect(clippy::large_enum_variant, reason = "there is one of them in a request")]
pub enum MatchingAct {
    /// `MatchingVerb::Update`, with the values that change.
    Update(Input),
    /// `MatchingVerb::Delete`.
    Delete,
}

impl MatchingAct {
    /// What it is.
    pub fn verb(&self) -> MatchingVerb {
        match self {
            Self::Update(_) => MatchingVerb::Update,
            Self::Delete => MatchingVerb::Delete,
        }
    }
}

/// Asks for something that is done with all records that match a filter, or with none of them.
#[derive(Debug, Clone)]
pub struct OfMatching {
    /// What is done.
    pub act: MatchingAct,
    /// Where.
    pub collection: CollectionId,
    /// Which of its records, of those that the caller finds in a list.
    pub filter: Filter,
    /// How many there may be: 1 to `limits::MATCHED_RECORDS`. If there are more, nothing is done.
    pub limit: u32,
    /// Whether it is undone after it was answered. Then it has no idempotency key.
    pub dry_run: bool,
    /// How. Records that have changed in between don't matter: there is no version to compare.
    pub options: WriteOptions,
}

impl OfMatching {
    /// The list that finds the records: their ids, in order.
    pub(crate) fn list(&self) -> List {
        let (filter, selection, limit) = (self.filter.clone(), Selection::parts([]), self.limit);
        List { filter, selection, limit, ..List::of(self.collection) }
    }
}

/// What a write may carry besides its values.
#[derive(Debug, Clone, Default)]
pub struct WriteOptions {
    /// The same key and request: the same answer, and nothing is done twice.
    pub idempotency: Option<Idempotency>,
    /// The record must have one of these versions.
    pub if_match: Option<IfMatch>,
    /// Do not answer the record.
    pub minimal: bool,
    /// What to answer of each record; every field of its own if it doesn't say.
    pub shown: Option<Shown>,
}

/// What is answered of a record that was written.
#[derive(Debug, Clone)]
pub struct Shown {
    /// Its fields, and what they lead to.
    pub selection: Selection,
    /// The values of the parameters in the selection, in its order.
    pub params: Vec<Value>,
}

/// The caller's name for a write that may be sent more than once.
#[derive(Debug, Clone)]
pub struct Idempotency {
    /// 1 to `limits::IDEMPOTENCY_KEY_BYTES` bytes.
    pub key: String,
    /// What was sent as the values of the write, byte for byte: another request under the same key is refused.
    pub sent: Bytes,
}

/// Versions that a stored record may have for a write to go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IfMatch {
    /// Any, as long as there is a record.
    Any,
    /// None: there is no record, as far as the caller can see.
    Absent,
    /// One of these.
    Versions(Vec<i64>),
}
