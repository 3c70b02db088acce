//! Statements that change tables that hold records. None has parameters.

use backstay_base::KeyForm;
use backstay_model::{Collection, CollectionId, Column, Field, FieldId, FieldKind, Link, LinkSource, Model, OnDelete};
use backstay_scalar::{Storage, Value};
use sea_query::{CaseStatement, Expr as Sql, ExprTrait, Query, Table};

use crate::builder::Builder;
use crate::definition::{self, quoted};
use crate::layout::{columns_of, link_columns};
use crate::relation::{written, written_links};
use crate::schema::{self, Schema, inline};
use crate::temporary::drop_kept;
use crate::tree::{column, integer, name, word};
use crate::{
    ColumnType, Dialect, Perspective, RecordLayout, Slot, Statement, Succession, Template, converted_table, next_table,
};

/// Gives a table another name. References to it follow.
pub fn rename_table(from: &str, to: &str, dialect: Dialect) -> Statement {
    definition::raw(dialect.schema(&Table::rename().table(name(from), name(to)).to_owned()))
}

/// Gives a column another name. References and indexes follow, their names don't.
pub fn rename_column(table: &str, from: &str, to: &str, dialect: Dialect) -> Statement {
    definition::raw(dialect.schema(&Table::alter().table(name(table)).rename_column(name(from), name(to)).to_owned()))
}

/// Gives an index another name; `None` where only making it again does.
pub fn rename_index(from: &str, to: &str, dialect: Dialect) -> Option<Statement> {
    match dialect {
        Dialect::Sqlite => None,
        Dialect::Postgres => Some(definition::raw(format!("ALTER INDEX {} RENAME TO {}", quoted(from), quoted(to)))),
    }
}

/// The name of the foreign key of a column, where it has one.
pub fn reference_name(table: &str, column: &str, dialect: Dialect) -> Option<String> {
    dialect.foreign_key_name(table, column)
}

/// Gives a foreign key that has a name another one.
pub fn rename_reference(table: &str, from: &str, to: &str) -> Statement {
    let [table, from, to] = [table, from, to].map(quoted);
    definition::raw(format!("ALTER TABLE {table} RENAME CONSTRAINT {from} TO {to}"))
}

/// Removes a table. References to it are not in the way.
pub fn drop_table(table: &str, dialect: Dialect) -> Statement {
    let mut drop = Table::drop();
    drop.table(name(table));
    match dialect {
        Dialect::Sqlite => {}
        Dialect::Postgres => {
            drop.cascade();
        }
    }
    definition::raw(dialect.schema(&drop))
}

/// Removes the columns of a field. They have no index.
pub fn drop_columns(collection: &Collection, field: &Field, dialect: Dialect) -> Vec<Statement> {
    let drop = |stored: &Column| {
        let alter = Table::alter().table(name(written(collection))).drop_column(name(&stored.name)).to_owned();
        definition::raw(dialect.schema(&alter))
    };
    field.columns.iter().map(drop).collect()
}

/// Whether a column can be removed from its table, which need not be written anew for that.
pub fn can_drop_columns(field: &Field, dialect: Dialect) -> bool {
    match dialect {
        Dialect::Sqlite => !matches!(field.kind, FieldKind::ToOne { .. }),
        Dialect::Postgres => true,
    }
}

/// Requires a value in the columns of a field, or no longer does.
pub fn require(collection: &Collection, field: &Field, required: bool) -> Vec<Statement> {
    let verb = if required { "SET" } else { "DROP" };
    let table = quoted(written(collection));
    let one = |stored: &Column| format!("ALTER TABLE {table} ALTER COLUMN {} {verb} NOT NULL", quoted(&stored.name));
    field.columns.iter().map(|stored| definition::raw(one(stored))).collect()
}

/// Gives records without a value in a field its default.
pub fn fill_default(model: &Model, collection: &Collection, field: &Field, dialect: Dialect) -> Vec<Statement> {
    let Some(default) = model.default_of(field) else { return Vec::new() };
    let Some(first) = field.columns.first() else { return Vec::new() };
    let mut update = Query::update();
    update.table(name(written(collection))).and_where(Sql::col(name(&first.name)).is_null());
    for stored in &field.columns {
        let Some(value) = schema::constant(dialect, &default, stored) else { return Vec::new() };
        update.value(name(&stored.name), value);
    }
    vec![definition::raw(inline(&update, dialect))]
}

/// Deletes Backstay's own records about the accounts of a model, and those that go with them.
pub fn delete_accounts(model: &Model, dialect: Dialect) -> Vec<Statement> {
    let Some(accounts) = model.identity else { return Vec::new() };
    let mut statements = Vec::new();
    for (of, field) in own_references(model, accounts) {
        let column = name(&field.columns[0].name);
        let condition = Sql::col(column).is_not_null();
        delete_with_dependents((model, dialect), of, &condition, &mut statements);
    }
    statements
}

/// Deletes the records for which a condition holds after those of Backstay's own that refer to them and go with them:
/// nothing cascades while tables change.
fn delete_with_dependents(
    (model, dialect): (&Model, Dialect),
    of: &Collection,
    condition: &Sql,
    statements: &mut Vec<Statement>,
) {
    for (dependent, field) in own_references(model, of.id).filter(|(dependent, _)| dependent.id != of.id) {
        let mut gone = Query::select();
        gone.column(name("id")).from(name(written(of))).and_where(condition.clone());
        let refers = Sql::col(name(&field.columns[0].name)).in_subquery(gone);
        delete_with_dependents((model, dialect), dependent, &refers, statements);
    }
    let mut delete = Query::delete();
    delete.from_table(name(written(of))).and_where(condition.clone());
    statements.push(definition::raw(inline(&delete, dialect)));
}

/// Fields of Backstay's own records that refer to a collection, and whose records go with what they refer to.
pub(crate) fn own_references(model: &Model, to: CollectionId) -> impl Iterator<Item = (&Collection, &Field)> {
    let own = model.collections.iter().filter(|of| of.system);
    own.flat_map(|of| of.fields.iter().map(move |field| (of, field))).filter(move |(_, field)| {
        matches!(field.kind, FieldKind::ToOne { target, on_delete: OnDelete::Cascade, .. } if target == to)
    })
}

/// The table of a collection under its next name, without indexes.
pub fn create_next(model: &Model, collection: &Collection, dialect: Dialect) -> Statement {
    let mut next = collection.clone();
    next.table = next_table(&collection.table);
    Schema { model, dialect }.table(&next)
}

/// The table of a many-to-many relation with its index.
pub fn create_link(model: &Model, (collection, field): (&Collection, &Field), dialect: Dialect) -> Vec<Statement> {
    match &field.kind {
        FieldKind::ManyToMany { link, .. } => Schema { model, dialect }.link(collection, field, link),
        _ => Vec::new(),
    }
}

/// Gives the links of a relation places, all of them the same: they stay in the order of their far ids.
pub fn order_links(model: &Model, link: &Link, dialect: Dialect) -> Vec<Statement> {
    let schema = Schema { model, dialect };
    let mut place = schema.place();
    let add = Table::alter().table(name(written_links(link))).add_column(place.default(0)).to_owned();
    let table = quoted(written_links(link));
    let undo = format!("ALTER TABLE {table} ALTER COLUMN {} DROP DEFAULT", quoted(Link::PLACE));
    let undo = match dialect {
        // A default stays there, and no statement uses it.
        Dialect::Sqlite => None,
        Dialect::Postgres => Some(definition::raw(undo)),
    };
    [schema.statement(&add)].into_iter().chain(undo).collect()
}

/// Removes the places of links.
pub fn unorder_links(link: &Link, dialect: Dialect) -> Statement {
    let drop = Table::alter().table(name(written_links(link))).drop_column(name(Link::PLACE)).to_owned();
    definition::raw(dialect.schema(&drop))
}

/// The index of a link table from the far end to the near one.
pub fn create_link_index(link: &Link, dialect: Dialect) -> Statement {
    definition::raw(dialect.schema(&schema::reverse_index(link, dialect)))
}

/// The name of that index.
pub fn link_index(table: &str, dialect: Dialect) -> String {
    schema::reverse_index_name(table, dialect)
}

/// The references of a table, where they are not part of it.
pub fn add_references(model: &Model, collection: &Collection, dialect: Dialect) -> Vec<Statement> {
    collection.fields.iter().filter_map(|field| add_reference(model, (collection, field), dialect)).collect()
}

/// The reference of one field, where it is not part of its table.
pub fn add_reference(model: &Model, (collection, field): (&Collection, &Field), dialect: Dialect) -> Option<Statement> {
    if dialect.references_in_table() {
        return None;
    }
    let schema = Schema { model, dialect };
    schema.reference(collection, field).map(|key| schema.statement(&key))
}

/// The reference of one end of a link table to a collection, where it is not part of the table.
pub fn add_link_reference(
    (link, near): (&Link, bool),
    target: &Collection,
    model: &Model,
    dialect: Dialect,
) -> Option<Statement> {
    if dialect.references_in_table() {
        return None;
    }
    let schema = Schema { model, dialect };
    let end = if near { &link.near } else { &link.far };
    Some(schema.statement(&schema.key(written_links(link), end, written(target))))
}

/// A page of the records of a collection that have a value in a field, in the order of their ids: those after this id. Of
/// the layout's fields, only `id` and this one are read.
pub fn values_of(
    from: (&Model, Dialect),
    (of, field): (CollectionId, FieldId),
    after: Option<&Value>,
    limit: i64,
) -> (Statement, RecordLayout) {
    records(from, (of, &[field], Some(field)), after, limit)
}

/// A page of the records of a collection, those in the trash included, in the order of their ids: those after this id. Of the
/// layout's fields, only `id` and these are read.
pub fn records_of(
    from: (&Model, Dialect),
    (of, fields): (CollectionId, &[FieldId]),
    after: Option<&Value>,
    limit: i64,
) -> (Statement, RecordLayout) {
    records(from, (of, fields, None), after, limit)
}

/// A page of records, where one of the fields may be asked to have a value.
fn records(
    (model, dialect): (&Model, Dialect),
    (of, fields, present): (CollectionId, &[FieldId], Option<FieldId>),
    after: Option<&Value>,
    limit: i64,
) -> (Statement, RecordLayout) {
    let collection = model.collection(of);
    let mut builder = Builder::new(model, dialect);
    let this = crate::write::unrestricted(&mut builder, collection, Perspective::Stored);
    let mut select = Query::select();
    let key = builder.key(&this);
    let mut columns = Vec::new();
    for (at, stored) in columns_of(collection) {
        // Only these fields are read; the layout wants a place for every column.
        let read = fields.contains(&at.field) || at.field == Collection::ID;
        select.expr(if read { builder.stored(&this, at) } else { schema::typed_null(dialect, stored) });
        columns.push(stored.into());
    }
    if let Some(field) = present {
        let value = builder.stored(&this, crate::ColumnRef::main(field));
        select.and_where(value.is_not_null());
    }
    if after.is_some() {
        let bound = builder.id_slot(collection.key.form(), Slot::Id);
        select.and_where(key.clone().gt(bound));
    }
    select.order_by_expr(key, sea_query::Order::Asc);
    builder.limit(&mut select, Slot::Limit);
    builder.from(this.frame, &mut select);
    let template = builder.finish(&select, columns);
    let statement = template.bind(|slot| match slot {
        Slot::Id => after.cloned().unwrap_or(Value::Null),
        Slot::Limit => Value::Int(limit),
        _ => Value::Null,
    });
    (statement, RecordLayout::of(collection))
}

/// Links `Slot::Id` (near) to `Slot::Argument(0)` (far) in a link table of a model; nothing where they are linked already.
pub fn insert_link(model: &Model, link: &Link, dialect: Dialect) -> Template {
    crate::write::insert_link(Builder::new(model, dialect), link)
}

impl Succession<'_> {
    /// Fills the table under its next name with the records of a collection; of SQLite only of the rows with these
    /// numbers, the first of which is excluded.
    pub fn copy(&self, new: CollectionId, rows: Option<(i64, i64)>) -> Statement {
        let collection = self.new.collection(new);
        let mut builder = Builder::new(self.old, self.dialect);
        let mut select = self.select(&mut builder, new);
        if let Some((after, last)) = rows {
            // The first table of the SELECT is the collection's.
            let row = || column("t1", "rowid");
            select.and_where(row().gt(integer(after))).and_where(row().lte(integer(last)));
        }
        let mut insert = Query::insert();
        insert.into_table(name(&next_table(&collection.table)));
        insert.columns(columns_of(collection).map(|(_, stored)| name(&stored.name)));
        let whole = insert.select_from(select).is_ok();
        assert!(whole, "one value per column");
        self.bound(&builder.finish(&insert, Vec::new()))
    }

    /// The number of the last row of the table that `copy` reads: one row of one whole number. `None` where rows have no
    /// numbers.
    pub fn last_row(&self, new: CollectionId) -> Option<Statement> {
        match self.dialect {
            Dialect::Sqlite => {
                let table = written(self.old.collection(self.pairing.collection(new)?));
                let text = format!("SELECT coalesce(max(rowid), 0) FROM {}", quoted(table));
                Some(Statement::raw(text, Vec::new(), &[Storage::Int]))
            }
            Dialect::Postgres => None,
        }
    }

    /// Fills the new link table of a relation.
    pub fn copy_links(&self, collection: CollectionId, field: FieldId) -> Option<Statement> {
        let FieldKind::ManyToMany { link, .. } = &self.new.field(collection, field).kind else { return None };
        if self.pairing.link_source(self.old, self.new, (collection, field)) == LinkSource::New {
            return None;
        }
        let mut builder = Builder::new(self.old, self.dialect);
        let select = self.select_links(&mut builder, (collection, field), link);
        let mut insert = Query::insert();
        insert.into_table(name(written_links(link))).columns(link_columns(link).map(name));
        let whole = insert.select_from(select).is_ok();
        assert!(whole, "one value per column");
        Some(self.bound(&builder.finish(&insert, Vec::new())))
    }

    /// Gives values of an enum the names that they have in the new model, in a column that stays where it is.
    pub fn rename_values(&self, old: CollectionId, (field, kind): (FieldId, &FieldKind)) -> Option<Statement> {
        let renamed = self.renamed_values(kind);
        let renamed: Vec<_> = renamed.into_iter().filter_map(|(from, to)| to.map(|to| (from, to))).collect();
        if renamed.is_empty() {
            return None;
        }
        let collection = self.old.collection(old);
        let stored = &collection.field(field).columns.first()?.name;
        let at = || Sql::col(name(stored));
        let mut case = CaseStatement::new();
        for (from, to) in &renamed {
            case = case.case(at().eq(word(from)), word(to));
        }
        let mut update = Query::update();
        update.table(name(written(collection))).value(name(stored), case);
        update.and_where(at().is_in(renamed.iter().map(|(from, _)| word(from))));
        Some(definition::raw(inline(&update, self.dialect)))
    }

    /// The temporary table for the converted values of a field.
    pub fn create_converted(&self, new: CollectionId, field: FieldId) -> Statement {
        self.create_kept(
            &converted_table(new, field),
            (self.new.collection(new).key.form(), self.converted_type(new, field)),
        )
    }

    /// # Panics
    /// Panics if the field is not stored: only what is stored is converted.
    fn converted_type(&self, new: CollectionId, field: FieldId) -> ColumnType {
        self.new.field(new, field).columns.first().expect("what is converted has a column").into()
    }

    /// Removes that table.
    pub fn drop_converted(&self, new: CollectionId, field: FieldId) -> Statement {
        drop_kept(&converted_table(new, field))
    }

    /// The records after an id that have a value in a field that is converted, at most so many: their ids, then all columns
    /// of the old record as `RecordLayout` has them.
    pub fn unconverted(
        &self,
        old: CollectionId,
        field: FieldId,
        after: Option<&Value>,
        limit: i64,
    ) -> (Statement, RecordLayout) {
        values_of((self.old, self.dialect), (old, field), after, limit)
    }

    /// Stores the converted value, `Slot::Argument(0)`, of the record `Slot::Id`.
    pub fn keep_converted(&self, new: CollectionId, field: FieldId) -> Template {
        self.keep(&converted_table(new, field), (self.new.collection(new).key.form(), self.converted_type(new, field)))
    }

    /// A temporary table for values of this kind by the ids of records.
    pub(crate) fn create_kept(&self, table: &str, (key, value): (KeyForm, ColumnType)) -> Statement {
        let kind = |column: ColumnType| self.dialect.stored_type(column);
        definition::raw(format!(
            "CREATE TEMPORARY TABLE {} (id {} NOT NULL PRIMARY KEY, value {} NOT NULL)",
            quoted(table),
            kind(Storage::Id(key).into()),
            kind(value)
        ))
    }

    /// Stores a value, `Slot::Argument(0)`, of the record `Slot::Id` in such a table.
    pub(crate) fn keep(&self, table: &str, (key, value): (KeyForm, ColumnType)) -> Template {
        let mut builder = Builder::new(self.new, self.dialect);
        let key = builder.id_slot(key, Slot::Id);
        let value = builder.slot(Slot::Argument(0), value);
        let mut insert = Query::insert();
        insert.into_table(name(table)).columns([name("id"), name("value")]);
        let whole = insert.values([key, value]).is_ok();
        assert!(whole, "one value per column");
        builder.finish(&insert, Vec::new())
    }
}
