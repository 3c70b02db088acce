use backstay_scalar::{Storage, Value};
use sea_query::{Expr as Sql, QueryStatementWriter, SelectStatement, Value as Constant};

use crate::param::Encoding;
use crate::{ColumnType, Dialect, Extent, Slot, Template};

/// The placeholders of a statement under construction.
///
/// The query builder gets a placeholder as a number, the index of its slot. The numbers come back in the order of the
/// placeholders, whatever the order in which the parts were made.
#[derive(Debug)]
pub(crate) struct Slots {
    pub(crate) dialect: Dialect,
    placed: Vec<(Slot, Encoding)>,
    /// Those of them that hold how large a nested list may be, which is known at the end.
    of_lists: Vec<usize>,
    /// Whether constants are written into the text.
    pub(crate) writes_constants: bool,
}

impl Slots {
    pub(crate) fn new(dialect: Dialect) -> Self {
        Self { dialect, placed: Vec::new(), of_lists: Vec::new(), writes_constants: false }
    }

    /// A placeholder.
    pub(crate) fn placeholder(&mut self, slot: Slot, encoding: Encoding) -> Sql {
        if let Slot::Constant(value) = &slot
            && self.writes_constants
        {
            return encoding.constant(value, self.dialect);
        }
        let marker = Sql::Value(Constant::BigUnsigned(Some(self.index(slot, encoding))));
        self.dialect.placeholder(marker, encoding.column())
    }

    /// How large a nested list may be, as a bigint.
    pub(crate) fn list_bytes(&mut self) -> Sql {
        self.of_lists.push(self.placed.len());
        let index = self.index(Slot::Constant(Value::Null), Storage::Int.into());
        self.dialect.placeholder(Sql::Value(Constant::BigUnsigned(Some(index))), Storage::Int.into())
    }

    fn index(&mut self, slot: Slot, encoding: Encoding) -> u64 {
        self.placed.push((slot, encoding));
        self.placed.len() as u64 - 1
    }

    /// Limits a select to the number in a slot.
    pub(crate) fn limit(&mut self, select: &mut SelectStatement, slot: Slot) {
        let index = self.index(slot, Storage::Int.into());
        select.limit(index);
    }

    /// Leaves out the first rows of a select, as many as the number in a slot.
    pub(crate) fn skip(&mut self, select: &mut SelectStatement, slot: Slot) {
        let index = self.index(slot, Storage::Int.into());
        select.offset(index);
    }

    /// Keeps a subquery from being merged into the one around it, which would repeat its columns wherever they are
    /// named. SQLite never merges one without a FROM.
    pub(crate) fn keep_apart(&mut self, select: &mut SelectStatement) {
        match self.dialect {
            Dialect::Sqlite => {}
            Dialect::Postgres => {
                let index = self.index(Slot::Constant(Value::Int(0)), Storage::Int.into());
                select.offset(index);
            }
        }
    }

    /// The finished statement.
    ///
    /// # Panics
    /// Panics if the statement binds a value that isn't the index of a slot: without it, the placeholders after it would
    /// get each other's values.
    pub(crate) fn finish(
        mut self,
        statement: &impl QueryStatementWriter,
        columns: Vec<ColumnType>,
        extent: Extent,
    ) -> Template {
        for place in std::mem::take(&mut self.of_lists) {
            self.placed[place].0 = Slot::Constant(Value::Int(extent.list_bytes()));
        }
        let (text, values) = self.dialect.build(statement);
        let slots = values.0.iter().map(|value| self.marked(value)).collect();
        Template { text: text.into(), slots, columns: columns.into(), dialect: self.dialect, extent }
    }

    fn marked(&self, value: &Constant) -> (Slot, Encoding) {
        let index = match value {
            Constant::BigUnsigned(index) => index.and_then(|index| usize::try_from(index).ok()),
            _ => None,
        };
        let slot = index.and_then(|index| self.placed.get(index));
        slot.expect("every bound value is a slot's index").clone()
    }
}
