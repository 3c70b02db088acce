//! Statements that make and change tables. None has parameters; the order is that of execution.

use backstay_model::{Collection, Field, FieldKind, Index, Link, Model};
use backstay_scalar::{MONEY_SCALE, Value};
use sea_query::{
    Alias, ColumnDef, ColumnType as SqlType, Expr as Sql, ForeignKey, ForeignKeyCreateStatement, Index as SqlIndex,
    PostgresQueryBuilder, SqliteQueryBuilder, Table, TableCreateStatement,
};

use crate::build::{boolean, cast, integer, name, postgres_type, word};
use crate::frame::Part;
use crate::write::{part_column, part_type, parts};
use crate::{ColumnType, Dialect, Statement, nested};

/// All tables, indexes and link tables of a model.
pub fn create(model: &Model, dialect: Dialect) -> Vec<Statement> {
    collections(model, model.collections.iter(), dialect)
}

/// The table of a collection, its indexes and the link tables that its fields own. On PostgreSQL what it refers to must
/// be there before.
pub fn add_collection(model: &Model, collection: &Collection, dialect: Dialect) -> Vec<Statement> {
    collections(model, std::iter::once(collection), dialect)
}

/// A table of a model, as it is to be found in the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpectedTable {
    /// Its name.
    pub name: String,
    /// Its columns.
    pub columns: Vec<String>,
    /// The names of its indexes.
    pub indexes: Vec<String>,
}

/// What a database holds of a model.
pub fn expected(model: &Model) -> Vec<ExpectedTable> {
    let mut tables = Vec::new();
    for collection in &model.collections {
        tables.push(ExpectedTable {
            name: collection.table.clone(),
            columns: parts(collection).map(|(field, part)| part_column(field, part)).collect(),
            indexes: collection.indexes.iter().map(|index| index.name.clone()).collect(),
        });
        for field in &collection.fields {
            if let FieldKind::ManyToMany { link, .. } = &field.kind
                && link.owner
            {
                let columns = vec![link.near.clone(), link.far.clone()];
                tables.push(ExpectedTable { name: link.table.clone(), columns, indexes: Vec::new() });
            }
        }
    }
    tables
}

/// The columns of a field or its link table; without the indexes. A required field needs a default, or holds states.
pub fn add_field(model: &Model, collection: &Collection, field: &Field, dialect: Dialect) -> Vec<Statement> {
    let schema = Schema { model, dialect };
    if let FieldKind::ManyToMany { link, .. } = &field.kind {
        return if link.owner { schema.link(collection, field, link) } else { Vec::new() };
    }
    let mut statements = Vec::new();
    for (stored, part) in parts(collection).filter(|(stored, _)| stored.id == field.id) {
        let mut column = schema.column(stored, part);
        if let Some(default) = model.default_of(stored).and_then(|value| schema.default(&value, stored, part)) {
            column.default(default);
        }
        if let (Dialect::Sqlite, FieldKind::ToOne { target, .. }) = (dialect, &stored.kind) {
            let target = model.collection(*target);
            column.extra(format!("REFERENCES {} ({})", quoted(&target.table), quoted("id")));
        }
        let mut alter = Table::alter();
        alter.table(name(&collection.table)).add_column(column);
        statements.push(schema.statement(|sqlite| alter.to_string(sqlite), |postgres| alter.to_string(postgres)));
    }
    if dialect == Dialect::Postgres {
        statements.extend(schema.reference(collection, field).map(|key| key.to_string(PostgresQueryBuilder)).map(raw));
    }
    statements
}

/// An index. One that is not unique ends with the id, so that pages in its order need no sort.
pub fn add_index(_model: &Model, collection: &Collection, index: &Index, dialect: Dialect) -> Vec<Statement> {
    let mut create = SqlIndex::create();
    create.name(index.name.as_str()).table(name(&collection.table));
    let id = Collection::ID;
    for field in index.fields.iter().chain((!index.unique && !index.fields.contains(&id)).then_some(&id)) {
        create.col(name(&collection.field(*field).column));
    }
    if index.unique {
        create.unique();
    }
    vec![raw(match dialect {
        Dialect::Sqlite => create.to_string(SqliteQueryBuilder),
        Dialect::Postgres => create.to_string(PostgresQueryBuilder),
    })]
}

/// Removes the index of this name.
pub fn drop_index(index: &str, dialect: Dialect) -> Vec<Statement> {
    let drop = SqlIndex::drop().name(index).to_owned();
    vec![raw(match dialect {
        Dialect::Sqlite => drop.to_string(SqliteQueryBuilder),
        Dialect::Postgres => drop.to_string(PostgresQueryBuilder),
    })]
}

/// Tables, then links, then references (PostgreSQL: once all tables are there), then indexes.
fn collections<'m>(
    model: &'m Model,
    added: impl Iterator<Item = &'m Collection> + Clone,
    dialect: Dialect,
) -> Vec<Statement> {
    let schema = Schema { model, dialect };
    let mut statements: Vec<Statement> = added.clone().map(|collection| schema.table(collection)).collect();
    if dialect == Dialect::Postgres {
        let references = added.clone().flat_map(|of| of.fields.iter().filter_map(move |f| schema.reference(of, f)));
        statements.extend(references.map(|key| key.to_string(PostgresQueryBuilder)).map(raw));
    }
    for collection in added {
        for field in &collection.fields {
            if let FieldKind::ManyToMany { link, .. } = &field.kind
                && link.owner
            {
                statements.extend(schema.link(collection, field, link));
            }
        }
        for index in &collection.indexes {
            statements.extend(add_index(model, collection, index, dialect));
        }
    }
    statements
}

fn raw(text: String) -> Statement {
    Statement::raw(text, Vec::new(), [])
}

/// An identifier in double quotes.
fn quoted(identifier: &str) -> String {
    format!("\"{}\"", identifier.replace('"', "\"\""))
}

#[derive(Debug, Clone, Copy)]
struct Schema<'m> {
    model: &'m Model,
    dialect: Dialect,
}

impl Schema<'_> {
    fn statement(
        self,
        sqlite: impl FnOnce(SqliteQueryBuilder) -> String,
        postgres: impl FnOnce(PostgresQueryBuilder) -> String,
    ) -> Statement {
        raw(match self.dialect {
            Dialect::Sqlite => sqlite(SqliteQueryBuilder),
            Dialect::Postgres => postgres(PostgresQueryBuilder),
        })
    }

    fn table(self, collection: &Collection) -> Statement {
        let mut table = Table::create();
        table.table(name(&collection.table));
        for (field, part) in parts(collection) {
            let mut column = self.column(field, part);
            if field.id == Collection::ID {
                column.primary_key();
            }
            table.col(column);
        }
        if self.dialect == Dialect::Sqlite {
            for mut key in collection.fields.iter().filter_map(|field| self.reference(collection, field)) {
                table.foreign_key(&mut key);
            }
        }
        self.finished(table, "STRICT")
    }

    fn finished(self, mut table: TableCreateStatement, options: &str) -> Statement {
        if self.dialect == Dialect::Sqlite {
            table.extra(options);
        }
        self.statement(|sqlite| table.to_string(sqlite), |postgres| table.to_string(postgres))
    }

    fn column(self, field: &Field, part: Part) -> ColumnDef {
        let kind = self.sql_type(part_type(field, part));
        let mut column =
            ColumnDef::new_with_type(name(&part_column(field, part)), SqlType::Custom(Alias::new(kind).into()));
        let always = field.id.0 <= Collection::VERSION.0;
        if field.required || always {
            column.not_null();
        }
        column
    }

    fn sql_type(self, column: ColumnType) -> String {
        match (self.dialect, column) {
            (Dialect::Postgres, ColumnType::Text) => "text COLLATE \"C\"".to_owned(),
            (Dialect::Postgres, ColumnType::Decimal { scale }) => {
                let digits = if u32::from(scale) == MONEY_SCALE { 19 } else { 18 };
                format!("numeric({digits}, {scale})")
            }
            (Dialect::Postgres, column) => postgres_type(column).to_owned(),
            (
                Dialect::Sqlite,
                ColumnType::Bool | ColumnType::Int | ColumnType::Timestamp | ColumnType::Decimal { .. },
            ) => "INTEGER".to_owned(),
            (Dialect::Sqlite, ColumnType::Float) => "REAL".to_owned(),
            (Dialect::Sqlite, ColumnType::Id | ColumnType::Bytes) => "BLOB".to_owned(),
            (Dialect::Sqlite, _) => "TEXT".to_owned(),
        }
    }

    fn reference(self, collection: &Collection, field: &Field) -> Option<ForeignKeyCreateStatement> {
        let FieldKind::ToOne { target, .. } = &field.kind else { return None };
        let target = self.model.collection(*target);
        Some(self.key(&collection.table, &field.column, &target.table))
    }

    /// A foreign key that is checked at once; what happens on delete is the engine's part.
    fn key(self, table: &str, column: &str, target: &str) -> ForeignKeyCreateStatement {
        let mut key = ForeignKey::create();
        key.from(name(table), name(column)).to(name(target), name("id"));
        if self.dialect == Dialect::Postgres {
            key.name(format!("{table}_{column}_fkey"));
        }
        key
    }

    fn link(self, collection: &Collection, field: &Field, link: &Link) -> Vec<Statement> {
        let target = field.kind.target().map_or(&collection.table, |target| &self.model.collection(target).table);
        let kind = || SqlType::Custom(Alias::new(self.sql_type(ColumnType::Id)).into());
        let mut table = Table::create();
        table.table(name(&link.table));
        for column in [&link.near, &link.far] {
            table.col(ColumnDef::new_with_type(name(column), kind()).not_null());
        }
        table.primary_key(SqlIndex::create().col(name(&link.near)).col(name(&link.far)));
        table.foreign_key(&mut self.key(&link.table, &link.near, &collection.table));
        table.foreign_key(&mut self.key(&link.table, &link.far, target));
        let mut reverse = SqlIndex::create();
        reverse.name(format!("{}_reverse", link.table)).table(name(&link.table));
        reverse.col(name(&link.far)).col(name(&link.near));
        let reverse = self.statement(|sqlite| reverse.to_string(sqlite), |postgres| reverse.to_string(postgres));
        vec![self.finished(table, "STRICT, WITHOUT ROWID"), reverse]
    }

    /// A default as a constant of the column.
    fn default(self, value: &Value, field: &Field, part: Part) -> Option<Sql> {
        let number = |scaled: i128| i64::try_from(scaled).ok().map(integer);
        Some(match (value, self.dialect) {
            (Value::Bool(truth), Dialect::Sqlite) => integer(i64::from(*truth)),
            (Value::Bool(truth), Dialect::Postgres) => boolean(*truth),
            (Value::Int(number), _) => integer(*number),
            (Value::Float(number), _) => Sql::Constant((*number).into()),
            (Value::Text(text) | Value::Json(text), _) => word(text),
            (Value::Decimal(decimal), Dialect::Sqlite) => {
                let ColumnType::Decimal { scale } = part_type(field, part) else { return None };
                let mut scaled = *decimal;
                scaled.rescale(u32::from(scale));
                number(scaled.mantissa())?
            }
            (Value::Decimal(decimal), Dialect::Postgres) => cast(word(&decimal.to_string()), "numeric"),
            (Value::Money(money), _) if part == Part::Currency => word(money.currency().code()),
            (Value::Money(money), Dialect::Sqlite) => integer(money.scaled()),
            (Value::Money(money), Dialect::Postgres) => cast(word(&money.amount().to_string()), "numeric"),
            (Value::Timestamp(moment), Dialect::Sqlite) => integer(moment.micros()),
            (Value::Timestamp(moment), Dialect::Postgres) => cast(word(&moment.to_string()), "timestamptz"),
            (Value::Date(date), _) => word(&date.to_string()),
            (Value::List(values), dialect) => {
                let FieldKind::List(element) = &field.kind else { return None };
                word(&nested::write_list(values, ColumnType::of_element(*element), dialect))
            }
            (Value::Id(id), Dialect::Sqlite) => Sql::Constant(id.as_bytes().to_vec().into()),
            (Value::Id(id), Dialect::Postgres) => cast(word(&id.to_string()), "uuid"),
            (Value::Duration(length), _) => integer(length.micros()),
            (Value::Bytes(octets), _) => Sql::Constant(octets.to_vec().into()),
            (Value::Null, _) => return None,
        })
    }
}
