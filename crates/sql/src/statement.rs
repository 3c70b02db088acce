use std::sync::Arc;

use backstay_base::limits;
use backstay_expr::CallerPart;
use backstay_scalar::{Part, Storage, Value};

use crate::param::Encoding;
use crate::{ColumnRef, ColumnType, Dialect, LookedUp, Param};

/// Where the value of a placeholder comes from when a template is bound.
#[derive(Debug, Clone, PartialEq)]
pub enum Slot {
    /// The id that the request names.
    Id,
    /// The version that the stored record must have.
    Version,
    /// A column of the proposed record (`this` in create, `new` in update).
    Proposed(ColumnRef),
    /// A column of the stored record that the transaction has read (`this` where `new` is the proposed one).
    Stored(ColumnRef),
    /// A column of the record as it was before the write (`old`); null in a create.
    Old(ColumnRef),
    /// A column of the caller's own record.
    Account(ColumnRef),
    /// Something of the caller.
    Caller(CallerPart),
    /// The moment at which the request began.
    Now,
    /// The moment of the past that the request is about.
    AsOf,
    /// A column of a parameter of the filter.
    Param(u16, Part),
    /// The n-th value of the cursor: the sort keys in order, then the id.
    Cursor(u16),
    /// Rows wanted.
    Limit,
    /// Rows left out before them.
    Skip,
    /// Rows left out and rows wanted, together.
    Reach,
    /// What a record that is searched for must match.
    Match(Arc<LookedUp>),
    /// What the rank of such a record is computed from.
    Terms(Arc<LookedUp>),
    /// A value of the entry of a record in the index of a search.
    Entry(u16),
    /// The place of an ordered link.
    Place,
    /// An argument of a statement that has no better name for it, such as the far end of a link.
    Argument(u16),
    /// A constant of the statement.
    Constant(Value),
}

/// A statement without its values: made once per shape, bound for each request.
#[derive(Debug)]
pub struct Template {
    pub(crate) text: Arc<str>,
    pub(crate) slots: Box<[(Slot, Encoding)]>,
    pub(crate) columns: Arc<[ColumnType]>,
    pub(crate) dialect: Dialect,
    pub(crate) extent: Extent,
}

/// How much a statement reads at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Extent {
    /// Tables that its widest SELECT joins. Databases have a limit for that (SQLite: 64).
    pub tables: usize,
    /// Nested lists, at whatever depth: a row may hold all of them at a time.
    pub lists: usize,
    /// Whether it reads all records that it is about before it returns the first row.
    pub whole: bool,
    /// Whether it looks words up in the index of a search.
    pub searches: bool,
    /// Whether values of its own are those of classified fields: a place in a nested list that is sorted by one.
    pub classified: bool,
}

impl Extent {
    /// Bytes that one nested list may have, as the database writes it: a row can hold all of them at a time.
    pub fn list_bytes(self) -> i64 {
        let all = usize::try_from(limits::STORED_VALUE_BYTES).expect("it is positive");
        let bytes = (all / self.lists.max(1)).max(limits::LIST_BYTES);
        i64::try_from(bytes).expect("it is at most as much as there is")
    }
}

impl Template {
    /// How much it reads at once.
    pub fn extent(&self) -> Extent {
        self.extent
    }

    /// Puts a value into every placeholder: `value` is asked once for each, in order, for what one column holds
    /// (`Part::of`); never for a constant.
    pub fn bind(&self, mut value: impl FnMut(&Slot) -> Value) -> Statement {
        let bind = |(slot, encoding): &(Slot, Encoding)| match slot {
            Slot::Constant(constant) => encoding.param(constant, self.dialect),
            slot => encoding.param(&value(slot), self.dialect),
        };
        Statement {
            text: Arc::clone(&self.text),
            params: self.slots.iter().map(bind).collect(),
            columns: Arc::clone(&self.columns),
            extent: self.extent,
        }
    }

    /// The text, for explanations and tests.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Where the values come from, in the order of the placeholders.
    pub fn slots(&self) -> impl Iterator<Item = &Slot> {
        self.slots.iter().map(|(slot, _)| slot)
    }
}

/// A statement with its values, for one database. Opaque to all but `store`.
#[derive(Debug, Clone)]
pub struct Statement {
    text: Arc<str>,
    params: Box<[Param]>,
    columns: Arc<[ColumnType]>,
    extent: Extent,
}

impl Statement {
    /// Its text, without a copy.
    pub fn shared_text(&self) -> Arc<str> {
        Arc::clone(&self.text)
    }

    /// A statement that `store` writes itself, for its own tables.
    pub fn raw(text: impl Into<Arc<str>>, params: Vec<Param>, columns: &[Storage]) -> Self {
        let columns = columns.iter().map(|storage| ColumnType::One(*storage)).collect();
        Self { text: text.into(), params: params.into(), columns, extent: Extent::default() }
    }

    /// The same, whose rows have columns of these types.
    pub(crate) fn of_columns(text: String, params: Vec<Param>, columns: Vec<ColumnType>) -> Self {
        Self { columns: columns.into(), ..Self::raw(text, params, &[]) }
    }

    /// The same, which looks words up in the index of a search.
    #[must_use]
    pub fn searching(self) -> Self {
        Self { extent: Extent { searches: true, ..self.extent }, ..self }
    }

    /// The text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The values of the placeholders, in order.
    pub fn params(&self) -> &[Param] {
        &self.params
    }

    /// Nested lists in its rows, at whatever depth.
    pub fn lists(&self) -> usize {
        self.extent.lists
    }

    /// Whether it reads all records that it is about before it returns the first row, so that it is long by its kind.
    pub fn reads_whole(&self) -> bool {
        self.extent.whole
    }

    /// Whether it looks words up in the index of a search, whose work a database doesn't count as its own.
    pub fn searches(&self) -> bool {
        self.extent.searches
    }

    /// What the columns of its rows hold.
    pub fn columns(&self) -> &Arc<[ColumnType]> {
        &self.columns
    }
}
