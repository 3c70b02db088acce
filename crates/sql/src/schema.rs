//! Statements that make and change tables. None has parameters; the order is that of execution.

use backstay_model::{
    Collection, Column, ColumnStorage, Field, FieldKind, Index, Link, Mention, Model, Nulls, Versions, shortened,
};
use backstay_scalar::{Storage, Value};
use sea_query::{
    Alias, ColumnDef, ColumnType as SqlType, ConditionalStatement, Expr as Sql, ExprTrait, ForeignKey,
    ForeignKeyCreateStatement, Index as SqlIndex, IndexCreateStatement, PostgresQueryBuilder, Query,
    QueryStatementWriter, SchemaStatementBuilder, SqliteQueryBuilder, Table, TableCreateStatement,
};

use crate::builder::{Anchor, Builder, Record};
use crate::column_order::column_order;
use crate::definition::{quoted, raw};
use crate::dialect::no_value;
use crate::layout::{columns_of, link_columns};
use crate::predicate::Pred;
use crate::relation::{written, written_links};
use crate::tree::{call, name, word};
use crate::{ColumnType, Dialect, Perspective, Statement, nested, partial, search};

/// All tables, indexes, link tables and indexes of searches of a model.
pub fn create(model: &Model, dialect: Dialect) -> Vec<Statement> {
    let mut statements = collections(model, model.collections.iter(), dialect);
    for collection in &model.collections {
        statements.extend(collection.mentions.iter().flat_map(|of| add_mention(model, collection, of, dialect)));
        statements.extend(search::add(collection, dialect));
    }
    statements
}

/// The tables of a model and those of its links, without the references and indexes that `complete` adds: rows are put into them in
/// any order of tables, but those of links last.
pub fn create_tables(model: &Model, dialect: Dialect) -> Vec<Statement> {
    let schema = Schema { model, dialect };
    let mut statements: Vec<Statement> = model.collections.iter().map(|collection| schema.table(collection)).collect();
    for collection in &model.collections {
        statements.extend(schema.own_links(collection));
        statements.extend(collection.mentions.iter().flat_map(|of| add_mention(model, collection, of, dialect)));
    }
    statements
}

/// What `create` makes beside `create_tables`.
pub fn complete(model: &Model, dialect: Dialect) -> Vec<Statement> {
    let mut statements = Schema { model, dialect }.references(model.collections.iter());
    for collection in &model.collections {
        statements.extend(collection.indexes.iter().flat_map(|index| add_index(model, collection, index, dialect)));
        statements.extend(search::add(collection, dialect));
    }
    statements
}

/// The table of a relation in the documents of a collection.
pub fn add_mention(model: &Model, collection: &Collection, mention: &Mention, dialect: Dialect) -> Vec<Statement> {
    Schema { model, dialect }.link_table((collection, model.collection(mention.relation.target)), &mention.link)
}

/// The table of a collection, its indexes and the link tables that its fields own, without those of relations in its
/// documents. On PostgreSQL what it refers to must
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
pub fn expected(model: &Model, dialect: Dialect) -> Vec<ExpectedTable> {
    let mut tables = Vec::new();
    for collection in &model.collections {
        tables.push(ExpectedTable {
            name: written(collection).to_owned(),
            columns: columns_of(collection).map(|(_, column)| column.name.clone()).collect(),
            indexes: collection.indexes.iter().flat_map(|index| index_names(index, dialect)).collect(),
        });
        for field in &collection.fields {
            if let FieldKind::ManyToMany { link, .. } = &field.kind
                && link.owner
            {
                let columns = link_columns(link).map(str::to_owned).collect();
                tables.push(ExpectedTable { name: written_links(link).to_owned(), columns, indexes: Vec::new() });
            }
        }
        let search = collection.search_index().map(|index| search::expected(&index, dialect)).unwrap_or_default();
        tables.extend(search.into_iter().map(|(name, columns, indexes)| ExpectedTable { name, columns, indexes }));
        tables.extend(collection.mentions.iter().map(|mention| ExpectedTable {
            name: written_links(&mention.link).to_owned(),
            columns: link_columns(&mention.link).map(str::to_owned).collect(),
            indexes: Vec::new(),
        }));
    }
    tables
}

/// The columns of a field or its link table; without the indexes. A required field needs a default, or holds states.
/// `is_there` says which columns of other fields the table has.
pub fn add_field(
    model: &Model,
    (collection, field): (&Collection, &Field),
    is_there: impl Fn(&Field) -> bool,
    dialect: Dialect,
) -> Vec<Statement> {
    let schema = Schema { model, dialect };
    if let FieldKind::ManyToMany { link, .. } = &field.kind {
        return if link.owner { schema.link(collection, field, link) } else { Vec::new() };
    }
    let mut statements = Vec::new();
    for stored in &field.columns {
        let mut column = schema.column(field, stored);
        if let Some(default) = model.default_of(field).and_then(|value| constant(dialect, &value, stored)) {
            column.default(default);
        }
        let reference = match &field.kind {
            FieldKind::ToOne { target, .. } if dialect.references_in_table() => {
                let target = model.collection(*target);
                Some(format!("REFERENCES {} ({})", quoted(written(target)), quoted("id")))
            }
            _ => None,
        };
        let others = collection.excluded_by(field).filter(|other| is_there(other));
        constrain(&mut column, reference.into_iter().chain(exclusions(stored, others)));
        let mut alter = Table::alter();
        alter.table(name(written(collection))).add_column(column);
        statements.push(schema.statement(&alter));
    }
    if !dialect.references_in_table() {
        statements.extend(schema.reference(collection, field).map(|key| schema.statement(&key)));
    }
    statements
}

/// An index. One that is not unique ends with the id, so that pages in its order need no sort.
///
/// # Panics
/// Panics if the condition of the index doesn't compile or doesn't fit: a model's rules are compiled before its tables are
/// made.
pub fn add_index(model: &Model, collection: &Collection, index: &Index, dialect: Dialect) -> Vec<Statement> {
    let mut create = SqlIndex::create();
    create.name(index.name.as_str()).table(name(written(collection)));
    let id = Collection::ID;
    for field in index.fields.iter().chain((!index.unique && !index.fields.contains(&id)).then_some(&id)) {
        for column in &collection.field(*field).columns {
            create.col(name(&column.name));
        }
    }
    if index.unique {
        create.unique();
    }
    if index.nulls == Nulls::Same && dialect.has_nulls_not_distinct() {
        create.nulls_not_distinct();
    }
    let condition = index_condition(model, collection, index, dialect);
    if let Some(condition) = &condition {
        create.and_where(condition.clone());
    }
    let mut statements = vec![raw(dialect.schema(&create))];
    if let Some(name) = nulls_index(index, dialect) {
        statements.push(create_nulls_index(collection, index, (&name, condition), dialect));
    }
    statements
}

/// Where the condition of an index is true; `None` if it is over all records.
fn index_condition(model: &Model, collection: &Collection, index: &Index, dialect: Dialect) -> Option<Sql> {
    let own = partial::condition(model, collection, index).map(|condition| {
        let mut builder = Builder::new(model, dialect);
        let frame = builder.frame();
        let this = Anchor { frame, record: Record::Bare, collection: collection.id, perspective: Perspective::Live };
        partial::written(&mut builder, &condition, &this)
    });
    let conditions: Vec<Pred> = own.into_iter().chain(of_trash(collection, index)).collect();
    (!conditions.is_empty()).then(|| Pred::all(conditions).sql())
}

/// A record in the trash keeps no other from having its values, and the index of those there holds no others.
fn of_trash(collection: &Collection, index: &Index) -> Option<Pred> {
    let trash = collection.trash?;
    let at = Sql::col(name(&collection.field(trash.at).columns[0].name));
    match (index.fields.contains(&trash.at), index.unique) {
        (true, _) => Some(Pred::Sql(at.is_not_null())),
        (false, true) => Some(Pred::Sql(at.is_null())),
        (false, false) => None,
    }
}

/// The names of an index in the database.
pub fn index_names(index: &Index, dialect: Dialect) -> Vec<String> {
    std::iter::once(index.name.clone()).chain(nulls_index(index, dialect)).collect()
}

/// The name of the second index of one that takes two nulls for the same value, if the first can't.
fn nulls_index(index: &Index, dialect: Dialect) -> Option<String> {
    let needed = index.nulls == Nulls::Same && !dialect.has_nulls_not_distinct();
    needed.then(|| shortened(format!("{}__null", index.name)))
}

/// The second index: over the records that have a null, each of which it holds as a value that no column has.
fn create_nulls_index(
    collection: &Collection,
    index: &Index,
    (at, condition): (&str, Option<Sql>),
    dialect: Dialect,
) -> Statement {
    let (mut held, mut nulls) = (Query::select(), Vec::new());
    for column in index.fields.iter().flat_map(|field| &collection.field(*field).columns) {
        let stored = || Sql::col(name(&column.name));
        held.expr(call("ifnull", [stored(), no_value(column.into())]));
        nulls.push(Pred::Sql(stored().is_null()));
    }
    let condition = condition.map_or(Pred::Known(true), Pred::Sql);
    let mut held_where = Query::select();
    held_where.expr(Pred::all([Pred::any(nulls), condition]).sql());
    // The query builder takes no expressions as columns of SQLite's indexes.
    let [held, held_where] = [held, held_where].map(|list| inline(&list, dialect).replacen("SELECT ", "", 1));
    let (at, table) = (quoted(at), quoted(written(collection)));
    raw(format!("CREATE UNIQUE INDEX {at} ON {table} ({held}) WHERE {held_where}"))
}

/// A statement whose values are all in its text.
pub(crate) fn inline(statement: &impl QueryStatementWriter, dialect: Dialect) -> String {
    match dialect {
        Dialect::Sqlite => statement.to_string(SqliteQueryBuilder),
        Dialect::Postgres => statement.to_string(PostgresQueryBuilder),
    }
}

/// Removes the index of this name.
pub fn drop_index(index: &str, dialect: Dialect) -> Vec<Statement> {
    let drop = SqlIndex::drop().name(index).to_owned();
    vec![raw(dialect.schema(&drop))]
}

/// Gives the tables of versions the index that they have since format 5 of Backstay's own tables.
pub fn renew_version_indexes(model: &Model, dialect: Dialect) -> Vec<Statement> {
    let mut statements = Vec::new();
    for collection in model.collections.iter().filter(|collection| collection.versions.is_some()) {
        statements.extend(drop_index(&Versions::former_index(&collection.table), dialect));
        // The one in its place is the first.
        let index = collection.indexes.first().into_iter();
        statements.extend(index.flat_map(|index| add_index(model, collection, index, dialect)));
    }
    statements
}

/// Tables, then links, then references (PostgreSQL: once all tables are there), then indexes.
fn collections<'m>(
    model: &'m Model,
    added: impl Iterator<Item = &'m Collection> + Clone,
    dialect: Dialect,
) -> Vec<Statement> {
    let schema = Schema { model, dialect };
    let mut statements: Vec<Statement> = added.clone().map(|collection| schema.table(collection)).collect();
    statements.extend(schema.references(added.clone()));
    for collection in added {
        statements.extend(schema.own_links(collection));
        for index in &collection.indexes {
            statements.extend(add_index(model, collection, index, dialect));
        }
    }
    statements
}

/// Conditions by which a column that is part of a reference has no value where another part has one. Each pair has one of
/// its own, so that those of the others stay if one of them is removed.
fn exclusions<'f>(column: &Column, others: impl Iterator<Item = &'f Field>) -> impl Iterator<Item = String> {
    others.flat_map(|other| &other.columns).map(|other| {
        let [this, other] = [&column.name, &other.name].map(|name| quoted(name));
        format!("CHECK ({other} IS NULL OR {this} IS NULL)")
    })
}

/// Adds constraints to the definition of a column, which takes them as one text.
fn constrain(definition: &mut ColumnDef, constraints: impl Iterator<Item = String>) {
    let constraints: Vec<String> = constraints.collect();
    if !constraints.is_empty() {
        definition.extra(constraints.join(" "));
    }
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Schema<'m> {
    pub(crate) model: &'m Model,
    pub(crate) dialect: Dialect,
}

impl Schema<'_> {
    pub(crate) fn statement(self, statement: &impl SchemaStatementBuilder) -> Statement {
        raw(self.dialect.schema(statement))
    }

    pub(crate) fn table(self, collection: &Collection) -> Statement {
        let mut table = Table::create();
        table.table(name(written(collection)));
        for (field, stored) in column_order(collection) {
            let mut column = self.column(field, stored);
            if field.id == Collection::ID {
                column.primary_key();
            }
            let others = collection.excluded_by(field).filter(|other| other.id < field.id);
            constrain(&mut column, exclusions(stored, others));
            table.col(column);
        }
        if self.dialect.references_in_table() {
            for mut key in collection.fields.iter().filter_map(|field| self.reference(collection, field)) {
                table.foreign_key(&mut key);
            }
        }
        self.finished(table, true)
    }

    /// The references between tables that aren't part of them.
    fn references<'c>(self, of: impl Iterator<Item = &'c Collection>) -> Vec<Statement> {
        if self.dialect.references_in_table() {
            return Vec::new();
        }
        let keys = of.flat_map(|of| of.fields.iter().filter_map(move |field| self.reference(of, field)));
        keys.map(|key| self.statement(&key)).collect()
    }

    /// The tables of the links that the fields of a collection own.
    fn own_links(self, collection: &Collection) -> Vec<Statement> {
        let links = collection.fields.iter().map(|field| match &field.kind {
            FieldKind::ManyToMany { link, .. } if link.owner => self.link(collection, field, link),
            _ => Vec::new(),
        });
        links.flatten().collect()
    }

    fn finished(self, mut table: TableCreateStatement, row_id: bool) -> Statement {
        if let Some(options) = self.dialect.table_options(row_id) {
            table.extra(options);
        }
        self.statement(&table)
    }

    fn column(self, field: &Field, column: &Column) -> ColumnDef {
        let mut definition = ColumnDef::new_with_type(name(&column.name), self.sql_type(column.into()));
        if field.required || field.id <= Collection::VERSION {
            definition.not_null();
        }
        definition
    }

    fn sql_type(self, column: ColumnType) -> SqlType {
        SqlType::Custom(Alias::new(self.dialect.stored_type(column)).into())
    }

    pub(crate) fn reference(self, collection: &Collection, field: &Field) -> Option<ForeignKeyCreateStatement> {
        let FieldKind::ToOne { target, .. } = &field.kind else { return None };
        let target = self.model.collection(*target);
        let column = field.columns.first()?;
        Some(self.key(written(collection), &column.name, written(target)))
    }

    /// A foreign key that is checked at once; what happens on delete is the engine's part.
    pub(crate) fn key(self, table: &str, column: &str, target: &str) -> ForeignKeyCreateStatement {
        let mut key = ForeignKey::create();
        key.from(name(table), name(column)).to(name(target), name("id"));
        if let Some(name) = self.dialect.foreign_key_name(table, column) {
            key.name(name);
        }
        key
    }

    /// The column of the places of links.
    pub(crate) fn place(self) -> ColumnDef {
        let ty = self.sql_type(Storage::Int.into());
        ColumnDef::new_with_type(name(Link::PLACE), ty).not_null().to_owned()
    }

    pub(crate) fn link(self, collection: &Collection, field: &Field, link: &Link) -> Vec<Statement> {
        let target = field.kind.target().map_or(collection, |target| self.model.collection(target));
        self.link_table((collection, target), link)
    }

    /// A table of links between the records of two collections, and its index the other way.
    fn link_table(self, (near, far): (&Collection, &Collection), link: &Link) -> Vec<Statement> {
        let at = written_links(link);
        let mut table = Table::create();
        table.table(name(at));
        for (column, key) in [(&link.near, link.near_key), (&link.far, link.far_key)] {
            table.col(ColumnDef::new_with_type(name(column), self.sql_type(Storage::Id(key).into())).not_null());
        }
        if link.ordered {
            table.col(self.place());
        }
        table.primary_key(SqlIndex::create().col(name(&link.near)).col(name(&link.far)));
        table.foreign_key(&mut self.key(at, &link.near, written(near)));
        table.foreign_key(&mut self.key(at, &link.far, written(far)));
        vec![self.finished(table, false), self.statement(&reverse_index(link, self.dialect))]
    }
}

/// The index of a link table from the far end to the near one.
pub(crate) fn reverse_index(link: &Link, dialect: Dialect) -> IndexCreateStatement {
    let at = written_links(link);
    let mut reverse = SqlIndex::create();
    reverse.name(reverse_index_name(at, dialect)).table(name(at)).col(name(&link.far)).col(name(&link.near));
    reverse
}

pub(crate) fn reverse_index_name(table: &str, dialect: Dialect) -> String {
    let name = format!("{table}_reverse");
    match dialect {
        Dialect::Sqlite => name,
        Dialect::Postgres => shortened(name),
    }
}

/// A value as a constant of the column.
pub(crate) fn constant(dialect: Dialect, value: &Value, column: &Column) -> Option<Sql> {
    match (column.part.of(value), column.storage) {
        (Value::List(values), ColumnStorage::List(element)) => {
            Some(word(&nested::write_list(&values, element, dialect)))
        }
        (_, ColumnStorage::List(_)) => None,
        (value, ColumnStorage::One(storage)) => dialect.constant(&value, storage),
    }
}

/// Null, as a value of the column.
pub(crate) fn typed_null(dialect: Dialect, column: &Column) -> Sql {
    dialect.null(column.into())
}
