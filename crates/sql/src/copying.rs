//! Tables whose rows are copied from one database to another: what they hold, and the statements that read and write them.

use std::fmt::Write as _;

use backstay_base::KeyForm;
use backstay_model::{Collection, FieldKind, Link, Model};
use backstay_scalar::{Storage, Value, ValueRef};

use crate::definition::quoted;
use crate::dialect::postgres_type;
use crate::layout::columns_of;
use crate::param::Encoding;
use crate::relation::{written, written_links};
use crate::{ColumnType, DecodeError, Dialect, Param, Row, Statement, nested};

/// Placeholders that one statement has at most.
const PLACEHOLDERS: usize = 8000;

/// A table whose rows can be copied.
#[derive(Debug, Clone)]
pub struct CopiedTable {
    name: String,
    /// Those of the key first.
    columns: Vec<(String, ColumnType)>,
    key: usize,
    /// Whether the database counts its key up.
    counted: bool,
}

impl CopiedTable {
    /// A table with these columns, of which so many tell its rows apart.
    pub fn new(name: &str, columns: &[(&str, Storage)], key: usize) -> Self {
        let columns = columns.iter().map(|(name, storage)| ((*name).to_owned(), ColumnType::One(*storage))).collect();
        Self { name: name.to_owned(), columns, key, counted: false }
    }

    /// The same, whose key the database counts up.
    #[must_use]
    pub fn counted(self) -> Self {
        Self { counted: true, ..self }
    }

    /// The tables of a model: of its collections, then of their links. Indexes of searches hold nothing of their own.
    pub fn of_model(model: &Model) -> Vec<Self> {
        let collections = model.collections.iter().map(Self::of_collection);
        let mentioned =
            |collection: &Collection| collection.mentions.iter().map(|of| Self::of_links(&of.link)).collect();
        let links = model.collections.iter().flat_map(|collection| {
            let owned = collection.fields.iter().filter_map(|field| match &field.kind {
                FieldKind::ManyToMany { link, .. } if link.owner => Some(Self::of_links(link)),
                _ => None,
            });
            let mentions: Vec<Self> = mentioned(collection);
            owned.chain(mentions).collect::<Vec<_>>()
        });
        collections.chain(links).collect()
    }

    fn of_collection(collection: &Collection) -> Self {
        let columns = columns_of(collection).map(|(_, column)| (column.name.clone(), column.into())).collect();
        Self { name: written(collection).to_owned(), columns, key: 1, counted: false }
    }

    fn of_links(link: &Link) -> Self {
        let ends = [(&link.near, link.near_key), (&link.far, link.far_key)];
        let ends = ends.into_iter().map(|(name, form)| (name.clone(), Storage::Id(form).into()));
        let place = link.ordered.then(|| (Link::PLACE.to_owned(), Storage::Int.into()));
        let columns = ends.chain(place).collect();
        Self { name: written_links(link).to_owned(), columns, key: 2, counted: false }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What distinguishes a row among those of the table.
    pub fn key<'r>(&self, row: &'r [Value]) -> &'r [Value] {
        &row[..self.key]
    }

    /// Counts its rows.
    pub fn count(&self) -> Statement {
        Statement::raw(format!("SELECT count(*) FROM {}", quoted(&self.name)), Vec::new(), &[Storage::Int])
    }

    /// The first rows after this key, in the order of their keys, which is the same on every database.
    pub fn page(&self, dialect: Dialect, after: Option<&[Value]>, limit: usize) -> Statement {
        let (table, columns, key) = (quoted(&self.name), list(&self.columns), self.ordered(dialect).join(", "));
        let mut params = Vec::new();
        let mut text = format!("SELECT {columns} FROM {table}");
        if let Some(after) = after {
            let bound = placeholders(dialect, (&self.columns[..self.key], after), &mut params);
            // Infallible for a `String`.
            let _ = write!(text, " WHERE ({key}) > ({bound})");
        }
        let _ = write!(text, " ORDER BY {key} LIMIT {limit}");
        reading(text, params, &self.columns)
    }

    /// The key of the last row.
    pub fn last(&self, dialect: Dialect) -> Statement {
        let key = &self.columns[..self.key];
        let order: Vec<String> = self.ordered(dialect).iter().map(|column| format!("{column} DESC")).collect();
        let text = format!("SELECT {} FROM {} ORDER BY {} LIMIT 1", list(key), quoted(&self.name), order.join(", "));
        reading(text, Vec::new(), key)
    }

    /// The columns of the key, whose texts are in the order of their bytes whatever the database's language is.
    fn ordered(&self, dialect: Dialect) -> Vec<String> {
        let each = self.columns[..self.key].iter().map(|(name, column)| match (dialect, column) {
            (Dialect::Postgres, ColumnType::One(Storage::Text | Storage::Id(KeyForm::Text))) => {
                format!("{} COLLATE \"C\"", quoted(name))
            }
            (Dialect::Postgres | Dialect::Sqlite, _) => quoted(name),
        });
        each.collect()
    }

    /// How many rows one statement writes at most.
    pub fn rows_at_once(&self) -> usize {
        (PLACEHOLDERS / self.columns.len()).max(1)
    }

    /// Writes rows, at most `rows_at_once`, at least one.
    pub fn insert(&self, dialect: Dialect, rows: &[Vec<Value>]) -> Statement {
        let mut params = Vec::with_capacity(rows.len() * self.columns.len());
        let mut values = String::new();
        for row in rows {
            let separator = if values.is_empty() { "" } else { ", " };
            let row = placeholders(dialect, (&self.columns, row), &mut params);
            // Infallible for a `String`.
            let _ = write!(values, "{separator}({row})");
        }
        let given = match dialect {
            Dialect::Postgres if self.counted => " OVERRIDING SYSTEM VALUE",
            Dialect::Postgres | Dialect::Sqlite => "",
        };
        let text = format!("INSERT INTO {} ({}){given} VALUES {values}", quoted(&self.name), list(&self.columns));
        Statement::raw(text, params, &[])
    }

    /// Lets the database count on after the rows that are there; `None` if it doesn't count, or does so anyway.
    pub fn count_on(&self, dialect: Dialect) -> Option<Statement> {
        let counted = self.columns.first().filter(|_| self.counted)?;
        match dialect {
            Dialect::Sqlite => None,
            Dialect::Postgres => {
                let (table, column) = (quoted(&self.name), &counted.0);
                let text = format!(
                    "SELECT setval(pg_get_serial_sequence('{table}', '{column}'), max({})) FROM {table}",
                    quoted(column)
                );
                Some(Statement::raw(text, Vec::new(), &[Storage::Int]))
            }
        }
    }

    /// The values of a row of `page` or `last`, one for each column.
    pub fn read(&self, row: &dyn Row, columns: usize) -> Result<Vec<Value>, DecodeError> {
        let value = |(at, (_, column)): (usize, &(String, ColumnType))| match (row.value(at)?, *column) {
            (ValueRef::Nested(text), ColumnType::List(element)) => {
                let values = nested::elements(text, element).map(|value| value.map(|value| Value::from(value.value())));
                let values: Result<Vec<Value>, DecodeError> = values.collect();
                Ok(Value::List(values.map_err(|error| DecodeError { column: at, ..error })?.into()))
            }
            (value, _) => Ok(Value::from(value)),
        };
        self.columns.iter().take(columns).enumerate().map(value).collect()
    }

    /// How many columns a row of `page` has.
    pub fn columns(&self) -> usize {
        self.columns.len()
    }

    /// How many of the first of them are its key.
    pub fn key_columns(&self) -> usize {
        self.key
    }
}

fn reading(text: String, params: Vec<Param>, columns: &[(String, ColumnType)]) -> Statement {
    Statement::of_columns(text, params, columns.iter().map(|(_, column)| *column).collect())
}

/// Placeholders of these values, which become parameters.
fn placeholders(
    dialect: Dialect,
    (columns, values): (&[(String, ColumnType)], &[Value]),
    params: &mut Vec<Param>,
) -> String {
    let each = columns.iter().zip(values).map(|((_, column), value)| {
        params.push(Encoding::from(*column).param(value, dialect));
        match dialect {
            Dialect::Sqlite => format!("${}", params.len()),
            Dialect::Postgres => format!("CAST(${} AS {})", params.len(), postgres_type(*column)),
        }
    });
    each.collect::<Vec<_>>().join(", ")
}

fn list(columns: &[(String, ColumnType)]) -> String {
    columns.iter().map(|(name, _)| quoted(name)).collect::<Vec<_>>().join(", ")
}
