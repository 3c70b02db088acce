use std::sync::Arc;

use backstay_model::{Collection, CollectionId, FieldId, FieldKind};
use backstay_scalar::Scalar;
use sea_query::{Alias, Expr as Sql, ExprTrait, JoinType, Query, SelectStatement};

use crate::build::{Builder, column, integer, name};
use crate::param::Encoding;
use crate::{ColumnType, Slot};

/// The tables of one SELECT: what it reads from, and to-one relations that paths need, each joined once.
#[derive(Debug, Default)]
pub(crate) struct Frame {
    sources: Vec<Source>,
    joins: Vec<Join>,
}

#[derive(Debug)]
struct Source {
    table: String,
    alias: Arc<str>,
    on: Option<Sql>,
}

#[derive(Debug)]
struct Join {
    from: Record,
    field: FieldId,
    alias: Arc<str>,
    table: String,
    on: Sql,
}

/// A record in a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Record {
    /// A row of the table that goes by this alias.
    Row(Arc<str>),
    /// A record of which only the key is at hand, in this column of a link table.
    Linked(Arc<str>, Arc<str>),
    /// `Slot::Proposed`.
    Proposed,
    /// `Slot::Stored`.
    Stored,
}

/// A record, its collection, and the SELECT to which its relations are joined.
#[derive(Debug, Clone)]
pub(crate) struct Anchor {
    pub(crate) frame: usize,
    pub(crate) record: Record,
    pub(crate) collection: CollectionId,
}

/// Which part of a field's storage is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// The column; of `Money` the amount.
    Main,
    /// The currency of `Money`.
    Currency,
}

impl Builder<'_> {
    /// A SELECT without tables so far.
    pub(crate) fn frame(&mut self) -> usize {
        self.frames.push(Frame::default());
        self.frames.len() - 1
    }

    /// Reads from a table; from the second on joined where `on` holds.
    pub(crate) fn source(&mut self, frame: usize, table: &str, on: impl FnOnce(&str) -> Option<Sql>) -> Arc<str> {
        let alias = self.alias();
        let on = on(&alias);
        self.frames[frame].sources.push(Source { table: table.to_owned(), alias: Arc::clone(&alias), on });
        alias
    }

    /// Reads from a collection.
    pub(crate) fn rows(&mut self, frame: usize, collection: &Collection) -> Anchor {
        let alias = self.source(frame, &collection.table, |_| None);
        Anchor { frame, record: Record::Row(alias), collection: collection.id }
    }

    /// The record's key.
    pub(crate) fn key(&mut self, anchor: &Anchor) -> Sql {
        match &anchor.record {
            Record::Linked(alias, far) => column(alias, far),
            _ => self.stored(anchor, Collection::ID, Part::Main),
        }
    }

    /// A stored field of the record.
    pub(crate) fn stored(&mut self, anchor: &Anchor, field: FieldId, part: Part) -> Sql {
        let definition = self.model.field(anchor.collection, field);
        let slot = match (&anchor.record, part) {
            (Record::Row(alias), Part::Main) => return column(alias, &definition.column),
            (Record::Row(alias), Part::Currency) => return column(alias, &currency_column(&definition.column)),
            (Record::Linked(..), _) => {
                let row = self.row(anchor);
                return self.stored(&row, field, part);
            }
            (Record::Proposed, Part::Main) => Slot::Proposed(field),
            (Record::Proposed, Part::Currency) => Slot::ProposedCurrency(field),
            (Record::Stored, Part::Main) => Slot::Stored(field),
            (Record::Stored, Part::Currency) => Slot::StoredCurrency(field),
        };
        self.slot(slot, encoding(&definition.kind, part))
    }

    /// The record that a to-one relation leads to.
    pub(crate) fn follow(&mut self, anchor: &Anchor, field: FieldId) -> Anchor {
        let from = self.row(anchor);
        let target = self.model.field(from.collection, field).kind.target().unwrap_or(from.collection);
        if let Some(join) = self.frames[from.frame].joins.iter().find(|j| j.from == from.record && j.field == field) {
            return Anchor { frame: from.frame, record: Record::Row(Arc::clone(&join.alias)), collection: target };
        }
        let key = self.stored(&from, field, Part::Main);
        self.join(&from, field, target, key)
    }

    /// The record with its columns at hand.
    fn row(&mut self, anchor: &Anchor) -> Anchor {
        let Record::Linked(alias, far) = &anchor.record else { return anchor.clone() };
        let joins = &self.frames[anchor.frame].joins;
        if let Some(join) = joins.iter().find(|join| join.from == anchor.record) {
            return Anchor { record: Record::Row(Arc::clone(&join.alias)), ..anchor.clone() };
        }
        let key = column(alias, far);
        self.join(anchor, Collection::ID, anchor.collection, key)
    }

    fn join(&mut self, from: &Anchor, field: FieldId, target: CollectionId, key: Sql) -> Anchor {
        let alias = self.alias();
        let table = self.model.collection(target).table.clone();
        let on = column(&alias, &self.model.field(target, Collection::ID).column).eq(key);
        let join = Join { from: from.record.clone(), field, alias: Arc::clone(&alias), table, on };
        self.frames[from.frame].joins.push(join);
        Anchor { frame: from.frame, record: Record::Row(alias), collection: target }
    }

    /// Writes the tables of a frame into its SELECT, once all that refers to them is lowered.
    pub(crate) fn from(&mut self, frame: usize, select: &mut SelectStatement) {
        let Frame { sources, joins } = std::mem::take(&mut self.frames[frame]);
        let none = sources.is_empty();
        self.widest = self.widest.max(sources.len() + joins.len());
        for Source { table, alias, on } in sources {
            match on {
                None => select.from_as(name(&table), name(&alias)),
                Some(on) => select.join_as(JoinType::InnerJoin, name(&table), name(&alias), on),
            };
        }
        if none && !joins.is_empty() {
            let one = Query::select().expr_as(integer(1), Alias::new("one")).to_owned();
            select.from_subquery(one, name("t0"));
        }
        for Join { alias, table, on, .. } in joins {
            select.join_as(JoinType::LeftJoin, name(&table), name(&alias), on);
        }
    }
}

/// The column of a `Money` field's currency.
pub(crate) fn currency_column(amount: &str) -> String {
    format!("{amount}_currency")
}

/// How a value of the field is bound.
pub(crate) fn encoding(kind: &FieldKind, part: Part) -> Encoding {
    match (kind, part) {
        (_, Part::Currency) => Encoding::Currency,
        (FieldKind::Scalar(Scalar::Money), Part::Main) => Encoding::Amount,
        (FieldKind::List(element), Part::Main) => Encoding::List(ColumnType::of_element(*element)),
        (kind, Part::Main) => Encoding::Column(ColumnType::of_field(kind)),
    }
}
