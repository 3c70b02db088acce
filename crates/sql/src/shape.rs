use backstay_base::{Action, limits};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use backstay_expr::{Checked, Expr, Node, Type};
use backstay_model::{Collection, CollectionId, EnumId, Field, FieldId, FieldKind, Model};
use backstay_scalar::{Scalar, Search};

use crate::{ColumnRef, ColumnType, DocumentOutput, DocumentSelection, Perspective, Template};

/// Everything but the rights that makes two reads the same statement.
#[derive(Debug, Clone)]
pub struct ReadShape {
    /// What is done with the records, as rules name it. Only records on which the rights allow it exist here.
    pub action: Action,
    /// Which version of the data.
    pub perspective: Perspective,
    /// The collection that is read.
    pub collection: CollectionId,
    /// What to answer for each record.
    pub selection: Selection,
    /// The first of the parameters of expressions in the selection: those of the filter come before it.
    pub first_param: u16,
    /// The caller's filter. A field in it that the rights hide in a record is null there, and a related record that they
    /// hide does not exist.
    pub filter: Option<Expr>,
    /// If only the records are meant that a search finds: what is answered of that.
    pub search: Option<Searching>,
    /// Which records.
    pub scope: ReadScope,
}

impl ReadShape {
    /// The order of a page.
    pub(crate) fn sort(&self) -> &[SortKey] {
        match &self.scope {
            ReadScope::Page { sort, .. } => sort,
            ReadScope::One | ReadScope::Key | ReadScope::Count => &[],
        }
    }
}

/// What is answered of a search.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Searching {
    /// The fields whose texts are answered with what is found in them. The caller sees them in every record that it sees.
    pub highlight: Arc<[FieldId]>,
}

/// Which records a read is about.
#[derive(Debug, Clone)]
pub enum ReadScope {
    /// The one whose id is `Slot::Id`.
    One,
    /// The one for which the filter is true, which compares the fields of a unique key with values.
    Key,
    /// A page: at most `Slot::Limit` records.
    Page {
        /// Columns to order by. The id is always the last key, in the direction of the key before it.
        sort: Vec<SortKey>,
        /// Where it starts.
        start: PageStart,
    },
    /// How many there are, but at most `Slot::Limit`.
    Count,
}

/// Where a page starts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub enum PageStart {
    /// With the first record.
    #[default]
    First,
    /// With the first one after a place.
    After(Position),
    /// With the last one before a place: the records are in the opposite order.
    Before(Position),
    /// After `Slot::Skip` records.
    Skip,
}

/// One key of an order. Nulls come last when ascending and first when descending.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SortKey {
    /// What is compared.
    pub by: SortBy,
    /// Whether from high to low.
    pub descending: bool,
}

/// What records are ordered by.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum SortBy {
    /// The field of the collection that is read which has this column.
    Column(ColumnRef),
    /// What a relation of the record leads to.
    Derived(Derived),
    /// How well it matches what is searched for.
    Rank,
}

/// A value that a caller asks for besides the fields of a record: what relations lead to, or what the members of one come to.
/// It has no parameters in an order.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Derived {
    /// The value.
    pub of: Phrase,
    /// What it is.
    pub kind: ValueKind,
}

/// What kind of field would hold a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ValueKind {
    /// One of this scalar.
    Scalar(Scalar),
    /// One of this enum.
    Enum(EnumId),
}

impl ValueKind {
    /// The scalar; `None` of an enum.
    pub fn scalar(self) -> Option<Scalar> {
        match self {
            Self::Scalar(scalar) => Some(scalar),
            Self::Enum(_) => None,
        }
    }
}

/// An expression that a caller wrote in a selection or an order. Two with the same text about records of one type are the
/// same.
#[derive(Debug, Clone)]
pub struct Phrase {
    /// Its text.
    pub text: Arc<str>,
    /// What it means.
    pub checked: Arc<Checked>,
    /// How many parameters other expressions of the same selection have before its own.
    pub first_param: u16,
}

impl PartialEq for Phrase {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text && self.first_param == other.first_param
    }
}

impl Eq for Phrase {}

impl Hash for Phrase {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}

impl SortKey {
    /// By a column of the record itself.
    pub fn of(column: ColumnRef, descending: bool) -> Self {
        Self { by: SortBy::Column(column), descending }
    }

    /// The field of the record itself that it compares.
    pub fn field(&self) -> Option<FieldId> {
        match &self.by {
            SortBy::Column(column) => Some(column.field),
            SortBy::Derived(_) | SortBy::Rank => None,
        }
    }

    /// The best matches first.
    pub fn rank() -> Self {
        Self { by: SortBy::Rank, descending: true }
    }

    /// Whether records can be sorted by a field.
    pub fn takes(field: &Field) -> bool {
        field.kind.has_order()
    }
}

/// A place in an order; its values are `Slot::Cursor(0..)`, the last of them the id.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Position {
    /// For each sort key whether its value there is null.
    pub nulls: Vec<bool>,
}

/// What is answered of a record. What the rights hide is left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub enum Selection {
    /// Every stored or computed field.
    #[default]
    Whole,
    /// These, in order.
    Parts(Arc<[Selected]>),
}

/// A part of a selection.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Selected {
    /// Every stored or computed field. One that is also selected by itself is answered once, as it is selected there.
    Stored,
    /// One field.
    Field(SelectedField),
    /// What the members of a relation come to.
    Derived(SelectedValue),
}

/// One value to answer that isn't a field.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SelectedValue {
    /// The name under which it is answered.
    pub name: Arc<str>,
    /// The relation that it is about.
    pub relation: FieldId,
    /// Whether it is left out if the caller can never see the relation or what it leads to.
    pub optional: bool,
    /// The value.
    pub value: Derived,
}

/// One field to answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SelectedField {
    /// Which.
    pub field: FieldId,
    /// Whether it is left out if the caller can never see it or the records that it leads to.
    pub optional: bool,
    /// Its name in the answer; the field's own if absent.
    pub alias: Option<Arc<str>>,
    /// Which of the records that a relation leads to.
    pub arguments: Arguments,
    /// What is answered of what it holds: without it, a record by its id, and of a value all members.
    pub inner: Option<InnerSelection>,
}

/// What is answered of what a field holds.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum InnerSelection {
    /// Of the records that a relation leads to; one that the rights hide is left out (to-many) or null (to-one). Of an
    /// embedded value, which of its members are answered. Of a reference to one of several types, for each type what is
    /// answered of its records: a type that is missing, by the id.
    Fields(Selection),
    /// Of the values in a document.
    Document(DocumentSelection),
}

/// What a to-many relation is asked for besides the selection.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Arguments {
    /// How many records at most: 1 to `limits::NESTED_MAX`, which it is if absent.
    pub limit: Option<u32>,
    /// Their order, in which the id is always the last key.
    pub sort: Arc<[SortKey]>,
    /// Which of the records are meant.
    pub filter: Option<Phrase>,
    /// Of those the ones that are found by this.
    pub search: Option<Sought>,
}

/// What the records that a to-many relation leads to are searched for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sought {
    /// These words.
    Search(Arc<Search>),
    /// Those of a parameter, which this expression is.
    Param(Phrase),
}

impl Sought {
    /// The expression that it is, if that has a parameter.
    pub fn written(&self) -> Option<&Phrase> {
        match self {
            Self::Search(_) => None,
            Self::Param(written) => Some(written),
        }
    }
}

impl Hash for SelectedField {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // What most selections don't have would cost all of them.
        let Self { field, alias, arguments, inner, optional: _ } = self;
        (field, alias, arguments.limit, inner).hash(state);
    }
}

/// By how much nested lists become shorter where an answer is too large.
const NARROWED: u32 = 4;

impl Selection {
    /// These parts, in order.
    pub fn parts(parts: impl IntoIterator<Item = Selected>) -> Self {
        Self::Parts(parts.into_iter().collect())
    }

    /// The ids alone.
    pub fn id() -> Self {
        Self::parts([Selected::Field(SelectedField::of(Collection::ID))])
    }

    /// The filters in it, the searches by a parameter, and the values that aren't fields, at whatever depth.
    pub fn written(&self) -> Vec<&Phrase> {
        let Self::Parts(parts) = self else { return Vec::new() };
        let mut written = Vec::new();
        for part in parts.iter() {
            match part {
                Selected::Stored => {}
                Selected::Field(SelectedField { arguments, inner, .. }) => {
                    written.extend(&arguments.filter);
                    written.extend(arguments.search.as_ref().and_then(Sought::written));
                    match inner {
                        None => {}
                        Some(InnerSelection::Fields(inner)) => written.extend(inner.written()),
                        Some(InnerSelection::Document(inner)) => written.extend(inner.written()),
                    }
                }
                Selected::Derived(selected) => written.push(&selected.value.of),
            }
        }
        written
    }

    /// The parameters that lists in it are searched for, at whatever depth.
    pub fn sought(&self) -> Vec<&Phrase> {
        // No other expression of a selection is a text that a parameter holds.
        let is_sought = |written: &&Phrase| {
            let Expr { node, ty, span: _ } = &written.checked.expr;
            matches!((node, ty), (Node::Param(..), Type::Text))
        };
        self.written().into_iter().filter(is_sought).collect()
    }

    /// How many parameters these have together.
    pub fn params(&self) -> u16 {
        let end = |written: &Phrase| {
            let params = u16::try_from(written.checked.params.len());
            written.first_param + params.expect("an expression has few parameters")
        };
        self.written().into_iter().map(end).max().unwrap_or(0)
    }

    /// The same with fewer records in each nested list, for an answer that was too large; `None` if none can have fewer.
    pub fn narrowed(&self, model: &Model, collection: CollectionId) -> Option<Self> {
        let Self::Parts(parts) = self else { return None };
        let mut fewer = false;
        let narrowed = |part: &Selected| {
            let Selected::Field(selected) = part else { return part.clone() };
            let (mut selected, kind) = (selected.clone(), &model.field(collection, selected.field).kind);
            if kind.is_to_many() {
                let limit = selected.arguments.limit.unwrap_or(limits::NESTED_MAX);
                fewer |= limit > 1;
                selected.arguments.limit = Some((limit / NARROWED).max(1));
            }
            let holder = kind.has_members().then_some(collection);
            let inner = match (&selected.inner, kind.target().or(holder)) {
                (Some(InnerSelection::Fields(inner)), Some(target)) => {
                    inner.narrowed(model, target).map(InnerSelection::Fields)
                }
                (Some(InnerSelection::Document(inner)), _) => inner.narrowed(model).map(InnerSelection::Document),
                (Some(InnerSelection::Fields(_)) | None, _) => None,
            };
            if inner.is_some() {
                fewer = true;
                selected.inner = inner;
            }
            Selected::Field(selected)
        };
        let parts: Arc<[Selected]> = parts.iter().map(narrowed).collect();
        fewer.then_some(Self::Parts(parts))
    }

    /// The fields to answer, each once, in order, as `members` has them.
    pub(crate) fn fields(&self, collection: &Collection, within: Option<FieldId>) -> Vec<SelectedField> {
        let field = |member| match member {
            Answered::Field(field) => Some(field),
            Answered::Derived(_) => None,
        };
        self.members(collection, within).into_iter().filter_map(field).collect()
    }

    /// What to answer, each once, in order: of the record, or of the embedded value that this field holds.
    pub(crate) fn members(&self, collection: &Collection, within: Option<FieldId>) -> Vec<Answered> {
        let parts = match self {
            Self::Whole => &[Selected::Stored],
            Self::Parts(parts) => &**parts,
        };
        let by_itself = |field: FieldId| {
            let named = |part: &Selected| match part {
                Selected::Field(selected) if selected.field == field && selected.alias.is_none() => {
                    Some(selected.clone())
                }
                Selected::Field(_) | Selected::Derived(_) | Selected::Stored => None,
            };
            parts.iter().find_map(named)
        };
        let mut members: Vec<Answered> = Vec::new();
        let mut add = |member: Answered| {
            let is_same = |known: &Answered| match (known, &member) {
                (Answered::Field(known), Answered::Field(new)) => known.field == new.field && known.alias == new.alias,
                (Answered::Derived(known), Answered::Derived(new)) => known.name == new.name,
                (Answered::Field(_), Answered::Derived(_)) | (Answered::Derived(_), Answered::Field(_)) => false,
            };
            if !members.iter().any(is_same) {
                members.push(member);
            }
        };
        for part in parts {
            match part {
                Selected::Derived(value) => add(Answered::Derived(value.clone())),
                Selected::Field(selected) => add(Answered::Field(selected.clone())),
                Selected::Stored => collection.members(within).filter(|field| field.kind.is_held()).for_each(|field| {
                    let whole = || SelectedField::of(field.id);
                    add(Answered::Field(by_itself(field.id).unwrap_or_else(whole)));
                    for kept in &field.kept_names {
                        add(Answered::Field(SelectedField { alias: Some(kept.as_str().into()), ..whole() }));
                    }
                }),
            }
        }
        members
    }
}

/// What is answered of a record.
pub(crate) enum Answered {
    Field(SelectedField),
    Derived(SelectedValue),
}

impl SelectedField {
    /// Whether more is answered of what a relation leads to than the id that the record holds.
    pub fn follows(&self, field: &Field) -> bool {
        self.inner.is_some() || !matches!(field.kind, FieldKind::ToOne { .. })
    }

    /// A field under its own name; of a relation the ids.
    pub fn of(field: FieldId) -> Self {
        Self { field, optional: false, alias: None, arguments: Arguments::default(), inner: None }
    }

    /// What is answered of the records or the embedded value that it holds.
    pub fn fields(&self) -> Option<&Selection> {
        match &self.inner {
            Some(InnerSelection::Fields(selection)) => Some(selection),
            Some(InnerSelection::Document(_)) | None => None,
        }
    }
}

/// A read, planned.
#[derive(Debug)]
pub struct ReadPlan {
    /// The statement.
    pub template: Template,
    /// How a row becomes an answer. Without members for `ReadScope::Count`, whose one column is the number.
    pub output: RowOutput,
    /// The columns that hold the values of a cursor: the sort keys in order, then the id. Of `ReadScope::Key` the id alone;
    /// else empty except for a page.
    pub cursor: Vec<usize>,
    /// The column that holds the record's version, for its entity tag; `None` for `ReadScope::Count`.
    pub version: Option<usize>,
    /// The columns of the texts in `HIGHLIGHT`, in the order of `Searching::highlight`. They hold texts, and what is written is the
    /// parts of them as a list: whoever encodes rows makes these.
    pub highlights: Vec<usize>,
}

/// The member of a record with what a search finds in its texts.
pub const HIGHLIGHT: &str = "$highlight";

/// How a row becomes an answer.
#[derive(Debug, Clone)]
pub enum RowOutput {
    /// It is a record of the one type that is read.
    Record(ObjectOutput),
    /// It is a record of one of several types: the first of these whose object is present.
    OneOf(Box<[Alternative]>),
}

/// How columns become one object.
#[derive(Debug, Clone)]
pub struct ObjectOutput {
    /// A Boolean column that is true where there is an object at all; `None`: always.
    pub present: Option<usize>,
    /// Its members, in order.
    pub members: Vec<MemberOutput>,
}

/// One member of an object.
#[derive(Debug, Clone)]
pub struct MemberOutput {
    /// The field's name, or the alias that it was selected under.
    pub name: Arc<str>,
    /// A Boolean column that is true where the member is to be written; `None`: always.
    pub visible: Option<usize>,
    /// Its value.
    pub value: ValueOutput,
}

/// A type of record that a reference can lead to.
#[derive(Debug, Clone)]
pub struct Alternative {
    /// The type's name, which its object tells.
    pub type_name: Arc<str>,
    /// A Boolean column that is true where the reference leads to a record of this type that is answered.
    pub present: usize,
    /// The object's members, in order.
    pub members: Vec<MemberOutput>,
}

/// How columns become a value. Column indexes within `Rows` are those of one row of the nested array.
#[derive(Debug, Clone)]
pub enum ValueOutput {
    /// One column.
    Column {
        /// The column; never of type `Nested`. `nested::elements` reads the elements of a `List`.
        column: usize,
        /// What it holds.
        holds: ColumnType,
        /// The scalar of its value, or of the elements of the list; `None` for names of an enum's values and for references.
        scalar: Option<Scalar>,
    },
    /// A value of a scalar that takes several columns, in the order of `Scalar::columns`.
    Columns(Box<[usize]>, Scalar),
    /// The object that a to-one relation leads to, or an embedded value, from columns of the same row.
    Object(ObjectOutput),
    /// The record that a reference to one of several types leads to: the first of these whose object is present, or null.
    OneOf(Box<[Alternative]>),
    /// A document of whose values members were selected.
    Document(DocumentOutput),
    /// The objects that a to-many relation leads to, from one column that holds an array of arrays.
    Rows {
        /// The column, of type `Nested`.
        column: usize,
        /// Types of the columns of a row of it.
        columns: Arc<[ColumnType]>,
        /// How such a row becomes an object.
        element: Box<ObjectOutput>,
        /// How many objects are answered; one more row tells that the list was cut.
        limit: u32,
    },
}
