//! What a search looks up in its index, as the values of a statement.

mod text;

use std::sync::Arc;

use backstay_model::CollectionId;
use backstay_scalar::{Language, Search, Value};

use crate::Dialect;
use text::Column;

/// What is looked up in the index of a search, in the fields that a class of callers may search.
#[derive(Debug, PartialEq)]
pub struct LookedUp {
    /// Of which collection.
    pub collection: CollectionId,
    columns: Box<[Column]>,
    dialect: Dialect,
    /// What the words are.
    pub sought: SoughtBy,
}

/// Where the words that are looked up come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SoughtBy {
    /// From the request, which is itself a search.
    Request,
    /// From the selection.
    Selection(Arc<Search>),
    /// From the parameter of this number, a text that is a search.
    Param(u16),
}

impl LookedUp {
    /// Words in these fields of a collection, each with its number among those that are searched and its language; `None` without
    /// any.
    pub(crate) fn new(
        collection: CollectionId,
        fields: impl Iterator<Item = (usize, Option<Language>)>,
        (sought, dialect): (SoughtBy, Dialect),
    ) -> Option<Arc<Self>> {
        let columns: Box<[Column]> = fields.map(|(number, language)| Column { number, language }).collect();
        (!columns.is_empty()).then(|| Arc::new(Self { collection, columns, dialect, sought }))
    }

    /// The value of `Slot::Match`.
    pub fn matched(&self, search: &Search) -> Value {
        text::matched(search, &self.columns, self.dialect)
    }

    /// The value of `Slot::Terms`.
    pub fn terms(&self, search: &Search) -> Value {
        text::terms(search, &self.columns, self.dialect)
    }
}

/// SQLite: the column of the words of a field.
pub(crate) fn words(field: usize) -> String {
    format!("c{field}")
}

/// PostgreSQL: the letter that the words of a field begin with, whose vector is that of all fields.
pub(crate) fn tag(field: usize) -> char {
    let letter = u8::try_from(field).ok().and_then(|field| b'a'.checked_add(field));
    letter.expect("few fields are searched").into()
}
