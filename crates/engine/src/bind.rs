use std::borrow::Cow;

use backstay_base::{Caller, RecordId, Timestamp};
use backstay_expr::{Account, Environment, Path, Root, Start};
use backstay_model::{Collection, CollectionId, FieldId};
use backstay_scalar::{Part, Search, Value};
use backstay_sql::{ColumnRef, Slot, SoughtBy, Statement, Template};

/// Where the values of a statement's placeholders come from. Whoever runs a statement gives it everything that it names:
/// the planner and its callers agree on that, and `value` asserts it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bindings<'b> {
    pub(crate) caller: &'b Caller,
    pub(crate) now: Timestamp,
    pub(crate) id: Option<RecordId>,
    pub(crate) version: Option<i64>,
    /// By `FieldId`; empty where there is no proposed record.
    pub(crate) proposed: &'b [Value],
    /// By `FieldId`; empty where no stored record was read.
    pub(crate) stored: &'b [Value],
    pub(crate) params: &'b [Value],
    pub(crate) cursor: &'b [Value],
    pub(crate) limit: u64,
    pub(crate) skip: u64,
    /// The moment of the past that a request is about.
    pub(crate) as_of: Option<Timestamp>,
    pub(crate) argument: Option<&'b RecordId>,
    pub(crate) place: Option<i64>,
    pub(crate) words: Words<'b>,
}

/// What the index of a search is asked for or is to hold.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Words<'b> {
    /// What is searched for, if the request is a search.
    Sought(Option<&'b Search>),
    /// What it is to hold of a record.
    Entry(&'b [Value]),
}

impl<'b> Bindings<'b> {
    pub(crate) fn new(caller: &'b Caller, now: Timestamp) -> Self {
        Self {
            caller,
            now,
            id: None,
            version: None,
            proposed: &[],
            stored: &[],
            params: &[],
            cursor: &[],
            limit: 0,
            skip: 0,
            as_of: None,
            argument: None,
            place: None,
            words: Words::Sought(None),
        }
    }

    pub(crate) fn id(self, id: RecordId) -> Self {
        Self { id: Some(id), ..self }
    }

    pub(crate) fn statement(&self, template: &Template) -> Statement {
        template.bind(|slot| self.value(slot))
    }

    /// The value of one placeholder.
    ///
    /// # Panics
    /// Panics if the statement names something that nobody gave it. A plausible value instead, such as null, would make a
    /// rule unknown or a record vanish.
    pub(crate) fn value(&self, slot: &Slot) -> Value {
        let stored = |values: &[Value], column: ColumnRef| part(values, column.field.0, column.part);
        match slot {
            Slot::Id => Value::Id(self.id.expect("a statement that names a record is bound with its id")),
            Slot::Version => Value::Int(self.version.expect("a statement that names a version is bound with it")),
            Slot::Proposed(column) => stored(self.proposed, *column),
            Slot::Stored(column) => stored(self.stored, *column),
            Slot::Old(column) => column.part.of(value(self.stored, column.field)),
            Slot::Account(column) => column.part.of(&Account::value(self.caller, column.field)),
            Slot::Caller(part) => part.of(self.caller),
            Slot::Now => Value::Timestamp(self.now),
            Slot::AsOf => Value::Timestamp(self.as_of.expect("a statement about the past is bound with its moment")),
            Slot::Param(index, of) => part(self.params, *index, *of),
            Slot::Cursor(index) => part(self.cursor, *index, Part::Main),
            Slot::Limit => number(self.limit),
            Slot::Skip => number(self.skip),
            Slot::Reach => number(self.skip + self.limit),
            Slot::Match(looked_up) => looked_up.matched(&self.sought(&looked_up.sought)),
            Slot::Terms(looked_up) => looked_up.terms(&self.sought(&looked_up.sought)),
            Slot::Entry(index) => match self.words {
                Words::Entry(values) => values[usize::from(*index)].clone(),
                Words::Sought(_) => unreachable!("a statement that writes an entry is bound with it"),
            },
            Slot::Place => Value::Int(self.place.expect("a statement that places a link is bound with its place")),
            Slot::Argument(_) => Value::Id(*self.argument.expect("a statement about a link is bound with its far end")),
            Slot::Constant(value) => value.clone(),
        }
    }
}

impl Bindings<'_> {
    /// What is searched for.
    fn sought<'s>(&'s self, by: &'s SoughtBy) -> Cow<'s, Search> {
        match by {
            SoughtBy::Request => match self.words {
                Words::Sought(Some(search)) => Cow::Borrowed(search),
                Words::Sought(None) | Words::Entry(_) => unreachable!("a search is bound with what it is for"),
            },
            SoughtBy::Selection(search) => Cow::Borrowed(search),
            SoughtBy::Param(index) => {
                let text = self.params[usize::from(*index)].as_text();
                Cow::Owned(Search::read(text.expect("a search is a text")).expect("a search was read before"))
            }
        }
    }
}

fn number(rows: u64) -> Value {
    Value::Int(i64::try_from(rows).expect("every limit is below 2^63"))
}

/// A statement with its values.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Question<'q> {
    pub(crate) template: &'q Template,
    pub(crate) bindings: Bindings<'q>,
    pub(crate) collection: CollectionId,
    /// Whether the values that the request brought may be classified: an explanation withholds them.
    pub(crate) withheld: bool,
}

/// The value of a field of the record as it was; null where there is none.
fn value(old: &[Value], field: FieldId) -> &Value {
    old.get(usize::from(field.0)).unwrap_or(&Value::Null)
}

/// One column of the value with this index.
fn part(values: &[Value], index: u16, part: Part) -> Value {
    part.of(&values[usize::from(index)])
}

/// Records in memory, for rules that follow no relation.
#[derive(Debug)]
pub(crate) struct InMemory<'m> {
    pub(crate) caller: &'m Caller,
    pub(crate) now: Timestamp,
    pub(crate) this: &'m [Value],
    pub(crate) new: &'m [Value],
    /// Empty where the record is created.
    pub(crate) old: &'m [Value],
}

impl<'m> InMemory<'m> {
    /// One record, of which nothing else is asked than what it is.
    pub(crate) fn of(caller: &'m Caller, now: Timestamp, record: &'m [Value]) -> Self {
        Self { caller, now, this: record, new: record, old: record }
    }
}

impl Environment for InMemory<'_> {
    fn caller(&self) -> &Caller {
        self.caller
    }

    fn now(&self) -> Timestamp {
        self.now
    }

    fn value(&self, from: Start, path: &Path) -> Value {
        assert!(path.steps.len() <= 1 && !matches!(path.root, Root::Bound(_)), "the rule follows a relation");
        // Without steps a path means the record itself, which is its id.
        let field = path.steps.first().copied().unwrap_or(Collection::ID);
        let record = match from {
            Start::New => self.new,
            Start::This => self.this,
            Start::Old => return value(self.old, field).clone(),
            Start::Account => return Account::value(self.caller, field),
            Start::Record(_) => unreachable!("a rule without relations has no members"),
        };
        record[usize::from(field.0)].clone()
    }
}
