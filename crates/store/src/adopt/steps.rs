//! The steps of an adoption, from what is found and what becomes what. None of them writes a row.

use backstay_model::{Collection, FieldId, FieldKind, Index, KeyKind, Model, Risk};
use backstay_sql::{Dialect, Statement, adopt, alter, schema};

use super::{AdoptedLink, AdoptedTable, Adoption, FoundTable, FoundUnique, Retyped, Survey, ValuesOf};
use crate::{Step, own};

const DIALECT: Dialect = Dialect::Postgres;

/// All steps in their order, each with its statements.
pub(crate) fn steps(survey: &Survey, adoption: &Adoption, model: &Model) -> Vec<(Step, Vec<Statement>)> {
    let mut steps = Vec::new();
    for name in &adoption.enums {
        let words = format!("let values of the enum {name} be compared with texts");
        steps.push(step(&words, Risk::Safe, adopt::convert_enum(name)));
    }
    // Every table has its name before an index gets its own.
    let tables: Vec<Taken<'_>> = adoption.tables.iter().filter_map(|of| Taken::find(survey, of, model)).collect();
    steps.extend(tables.iter().map(Taken::columns));
    steps.extend(tables.iter().filter_map(Taken::relations));
    steps.extend(adoption.links.iter().filter_map(|of| link(survey, of, model)));
    steps.extend(tables.iter().filter_map(Taken::indexes));
    steps.push(step("make the tables of Backstay itself", Risk::Safe, own_tables(model)));
    steps
}

/// The numbers that the ids of these collections go on after.
pub(crate) fn counters<'m>(model: &'m Model, adoption: &Adoption) -> Vec<(&'m Collection, Statement)> {
    let adopted = |of: &&Collection| adoption.tables.iter().any(|table| table.collection == of.name);
    let numbered = model.collections.iter().filter(adopted).filter(|of| of.key.kind == KeyKind::Int);
    numbered.map(|of| (of, adopt::highest(&of.table, column_of(of, Collection::ID)))).collect()
}

fn step(words: &str, risk: Risk, statements: Vec<Statement>) -> (Step, Vec<Statement>) {
    (Step { risk, ..Step::safe(words, &statements) }, statements)
}

/// The tables that no other program had.
fn own_tables(model: &Model) -> Vec<Statement> {
    let system: Vec<&Collection> = model.collections.iter().filter(|of| of.system).collect();
    let mut statements = own::create(DIALECT);
    statements.push(own::create_adopted());
    statements.extend(system.iter().flat_map(|of| schema::add_table(model, of, DIALECT)));
    statements.extend(schema::connect(model, &system, DIALECT));
    statements
}

fn column_of(collection: &Collection, field: FieldId) -> &str {
    &collection.field(field).columns[0].name
}

/// A table that becomes a collection.
struct Taken<'a> {
    found: &'a FoundTable,
    adopted: &'a AdoptedTable,
    model: &'a Model,
    collection: &'a Collection,
}

impl<'a> Taken<'a> {
    fn find(survey: &'a Survey, adopted: &'a AdoptedTable, model: &'a Model) -> Option<Self> {
        let collection = model.collections.iter().find(|of| of.name == adopted.collection)?;
        Some(Self { found: survey.table(&adopted.table)?, adopted, model, collection })
    }

    /// The name that a column of the table has afterwards.
    fn renamed(&self, column: &str) -> Option<&'a str> {
        let adopted = self.adopted.columns.iter().find(|of| of.column == column)?;
        let field = self.collection.field_named(&adopted.field)?;
        Some(column_of(self.collection, field.id))
    }

    /// The columns that take no values that are given.
    fn counted(&self) -> impl Iterator<Item = &str> {
        let counted = self.found.columns.iter().filter(|column| column.values == ValuesOf::Counter);
        counted.map(|column| column.name.as_str())
    }

    /// Names, types, and the columns that every record has.
    fn columns(&self) -> (Step, Vec<Statement>) {
        let table = self.collection.table.as_str();
        let mut statements = Vec::new();
        if self.adopted.table != table {
            statements.push(alter::rename_table(&self.adopted.table, table, DIALECT));
        }
        let moved = self.adopted.moved.iter().map(|(from, to)| (from.as_str(), to.as_str()));
        let named = self.adopted.columns.iter().filter_map(|of| Some((of.column.as_str(), self.renamed(&of.column)?)));
        let renames = moved.chain(named).filter(|(from, to)| from != to);
        statements.extend(renames.map(|(from, to)| alter::rename_column(table, from, to, DIALECT)));
        let mut risk = Risk::Safe;
        for (retyped, column) in
            self.adopted.columns.iter().filter_map(|of| Some((of.retyped?, self.renamed(&of.column)?)))
        {
            statements.push(match retyped {
                Retyped::Text => adopt::to_text(table, column),
                Retyped::Moment => adopt::to_moment(table, column),
            });
            risk = Risk::Locks;
        }
        for counted in self.counted().filter_map(|column| self.renamed(column)) {
            statements.push(adopt::take_given(table, counted));
        }
        let is_there = |field| self.adopted.columns.iter().any(|of| of.field == self.collection.field(field).name);
        for field in [Collection::CREATED_AT, Collection::UPDATED_AT].into_iter().filter(|field| !is_there(*field)) {
            statements.push(adopt::add_moment(table, column_of(self.collection, field)));
        }
        if !is_there(Collection::VERSION) {
            statements.push(adopt::add_version(table, column_of(self.collection, Collection::VERSION)));
        }
        let words = format!("table {} becomes the type {}", self.adopted.table, self.collection.name);
        step(&words, risk, statements)
    }

    /// The names of foreign keys, and when they are checked.
    fn relations(&self) -> Option<(Step, Vec<Statement>)> {
        let table = self.collection.table.as_str();
        let taken = self.found.references.iter().filter(|key| self.adopted.references.contains(&key.name));
        let statements: Vec<Statement> = taken
            .filter_map(|key| Some((key, self.renamed(key.columns.first()?)?)))
            .flat_map(|(key, column)| named_reference(table, column, (&key.name, key.is_deferrable)))
            .collect();
        let words = format!("foreign keys of {} become relations", self.collection.name);
        (!statements.is_empty()).then(|| step(&words, Risk::Safe, statements))
    }

    /// The model's indexes, and away with those in their place.
    fn indexes(&self) -> Option<(Step, Vec<Statement>)> {
        let mut statements: Vec<Statement> =
            self.collection.indexes.iter().flat_map(|index| self.index(index)).collect();
        let replaced = self.found.indexes.iter().filter(|index| self.adopted.replaced.contains(&index.name));
        statements.extend(replaced.flat_map(|index| schema::drop_index(&index.name, DIALECT)));
        let words = format!("indexes of {}", self.collection.name);
        (!statements.is_empty()).then(|| step(&words, Risk::Locks, statements))
    }

    fn index(&self, index: &Index) -> Vec<Statement> {
        let made = || schema::add_index(self.model, self.collection, index, DIALECT);
        let Some(found) = self.found.uniques.iter().find(|found| index.unique && self.is_same(found, index)) else {
            return made();
        };
        let table = self.collection.table.as_str();
        match (found.is_constraint, found.is_referenced) {
            (false, _) => alter::rename_index(&found.name, &index.name, DIALECT).into_iter().collect(),
            (true, true) => vec![alter::rename_reference(table, &found.name, &index.name)],
            (true, false) => [made(), vec![adopt::drop_constraint(table, &found.name)]].concat(),
        }
    }

    fn is_same(&self, found: &FoundUnique, index: &Index) -> bool {
        let Some(columns) = found.columns.as_ref().filter(|_| self.adopted.replaced.contains(&found.name)) else {
            return false;
        };
        let renamed = columns.iter().map(|column| self.renamed(column));
        renamed.eq(index.fields.iter().map(|field| Some(column_of(self.collection, *field))))
    }
}

fn named_reference(table: &str, column: &str, (name, is_deferrable): (&str, bool)) -> Vec<Statement> {
    let wanted = alter::reference_name(table, column, DIALECT).filter(|wanted| wanted != name);
    let mut statements = Vec::new();
    if is_deferrable {
        statements.push(adopt::check_at_once(table, name));
    }
    statements.extend(wanted.map(|wanted| alter::rename_reference(table, name, &wanted)));
    statements
}

/// A table of links.
fn link(survey: &Survey, adopted: &AdoptedLink, model: &Model) -> Option<(Step, Vec<Statement>)> {
    let found = survey.table(&adopted.table)?;
    let collection = model.collections.iter().find(|of| of.name == adopted.collection)?;
    let FieldKind::ManyToMany { link, .. } = &collection.field_named(&adopted.field)?.kind else { return None };
    let table = link.table.as_str();
    let mut statements = Vec::new();
    if adopted.table != table {
        statements.push(alter::rename_table(&adopted.table, table, DIALECT));
    }
    for ((column, reference), wanted) in [(&adopted.near, &link.near), (&adopted.far, &link.far)] {
        if column != wanted {
            statements.push(alter::rename_column(table, column, wanted, DIALECT));
        }
        let is_deferrable = found.references.iter().any(|key| key.name == *reference && key.is_deferrable);
        statements.extend(named_reference(table, wanted, (reference, is_deferrable)));
    }
    statements.push(adopt::reverse(link));
    let words = format!("table {} becomes the links of {}.{}", adopted.table, adopted.collection, adopted.field);
    Some(step(&words, Risk::Locks, statements))
}
