//! Full-text search: the tables beside a collection's own, what is written to them, and how records are found and ranked.
//!
//! The words are made in `backstay_scalar`, and both databases get them as they are, so that they find the same records. A
//! row of the side table has a number for each field, which is greater the fewer words there are; the rank of a record is the sum
//! of the weighted numbers of the fields in which it has a term. Nothing in it depends on other records or other fields, so
//! that it can't tell what callers don't see.

mod entry;

use std::sync::Arc;

use backstay_base::Action;
use backstay_expr::Rights;
use backstay_model::{Collection, CollectionId, Field, FieldId, Model, SearchIndex, Searched};
use backstay_scalar::{Language, Storage, Value};
use sea_query::{BinOper, CaseStatement, Expr as Sql, ExprTrait, Func, JoinType, OnConflict, Query, SelectStatement};

use crate::builder::{Anchor, Builder, RANK};
use crate::definition::{quoted, raw};
use crate::looked_up::{tag, words};
use crate::tree::{boolean, call, cast, column, integer, name, subquery, word};
use crate::{ColumnType, Dialect, LookedUp, Planner, Slot, SortKey, SoughtBy, Statement, Template};

/// The key of a record, in the side table.
pub(crate) const RECORD: &str = "record";
/// SQLite: the number by which the words are found.
const DOC: &str = "doc";
/// PostgreSQL: the words.
const WORDS: &str = "words";
/// SQLite: beginnings of words, by their numbers of letters, that are found without going through all words that have them. What
/// longer ones begin is few; an index without these finds the same.
const PREFIXES: &str = "2 3";

/// The column of the number of a field.
fn number(field: usize) -> String {
    format!("n{field}")
}

/// Makes the tables of the search of a collection; nothing if it has none.
pub fn add(collection: &Collection, dialect: Dialect) -> Vec<Statement> {
    let Some(SearchIndex { table, words: found_by, fields }) = collection.search_index() else { return Vec::new() };
    let key = dialect.stored_type(collection.key.storage().into());
    let int = dialect.stored_type(Storage::Int.into());
    let numbers = listed(fields.len(), |field| format!("{} {int} NOT NULL", number(field)));
    let (table, found_by) = (quoted(&table), quoted(&found_by));
    match dialect {
        Dialect::Sqlite => {
            let columns = listed(fields.len(), words);
            let kept = listed(fields.len(), |field| format!("{} TEXT NOT NULL", words(field)));
            vec![
                raw(format!(
                    "CREATE TABLE {table} ({DOC} INTEGER PRIMARY KEY, {RECORD} {key} NOT NULL UNIQUE, {kept}, {numbers}) STRICT"
                )),
                raw(format!(
                    "CREATE VIRTUAL TABLE {found_by} USING fts5({columns}, content='', tokenize='ascii', prefix='{PREFIXES}')"
                )),
            ]
        }
        Dialect::Postgres => vec![
            raw(format!("CREATE TABLE {table} ({RECORD} {key} PRIMARY KEY, {WORDS} tsvector NOT NULL, {numbers})")),
            raw(format!("CREATE INDEX {found_by} ON {table} USING gin ({WORDS})")),
        ],
    }
}

/// A definition for each field.
fn listed(fields: usize, of: impl Fn(usize) -> String) -> String {
    (0..fields).map(of).collect::<Vec<_>>().join(", ")
}

/// Removes the tables of a search.
pub fn drop(index: &SearchIndex, dialect: Dialect) -> Vec<Statement> {
    let table = |table: &str| raw(format!("DROP TABLE {}", quoted(table)));
    match dialect {
        Dialect::Sqlite => vec![table(&index.words), table(&index.table)],
        Dialect::Postgres => vec![table(&index.table)],
    }
}

/// Gives the tables of a search other names.
pub fn rename(from: &SearchIndex, to: &SearchIndex, dialect: Dialect) -> Vec<Statement> {
    let renamed =
        |kind: &str, from: &str, to: &str| raw(format!("ALTER {kind} {} RENAME TO {}", quoted(from), quoted(to)));
    let words = match dialect {
        Dialect::Sqlite => "TABLE",
        Dialect::Postgres => "INDEX",
    };
    vec![renamed("TABLE", &from.table, &to.table), renamed(words, &from.words, &to.words)]
}

/// Empties the tables of a search.
pub fn empty(index: &SearchIndex, dialect: Dialect) -> Vec<Statement> {
    let all = |table: &str| raw(format!("DELETE FROM {}", quoted(table)));
    match dialect {
        Dialect::Sqlite => {
            let words = quoted(&index.words);
            vec![raw(format!("INSERT INTO {words} ({words}) VALUES ('delete-all')")), all(&index.table)]
        }
        Dialect::Postgres => vec![all(&index.table)],
    }
}

/// The tables of a search with their columns, and the names of the indexes that Backstay gave them.
pub(crate) fn expected(index: &SearchIndex, dialect: Dialect) -> Vec<(String, Vec<String>, Vec<String>)> {
    let numbers = (0..index.fields.len()).map(number);
    let columns: Vec<String> = (0..index.fields.len()).map(words).collect();
    let own = |first: &[&str]| -> Vec<String> {
        first.iter().map(|column| (*column).to_owned()).chain(numbers.clone()).collect()
    };
    match dialect {
        Dialect::Sqlite => vec![
            (index.table.clone(), [own(&[DOC, RECORD]), columns.clone()].concat(), Vec::new()),
            (index.words.clone(), columns, Vec::new()),
        ],
        Dialect::Postgres => vec![(index.table.clone(), own(&[RECORD, WORDS]), vec![index.words.clone()])],
    }
}

/// What is written to the tables of a search.
#[derive(Debug)]
pub struct SearchTemplates {
    dialect: Dialect,
    fields: Vec<(FieldId, Option<Language>)>,
    /// Puts the entry of `Slot::Id` in, which has none: all of them, in order. The values are `Slot::Entry`.
    pub put: Vec<Template>,
    /// Puts it in the place of the one that is there.
    pub change: Vec<Template>,
    /// Takes it out.
    pub remove: Vec<Template>,
}

impl SearchTemplates {
    /// Those of a collection; `None` if it can't be searched.
    pub fn of(model: &Model, collection: &Collection, dialect: Dialect) -> Option<Self> {
        let index = collection.search_index()?;
        let of = Writing { model, collection, dialect, index: &index };
        let (put, change, remove) = match dialect {
            Dialect::Sqlite => (
                vec![of.put_row(), of.put_words()],
                vec![of.remove_words(), of.put_row(), of.put_words()],
                vec![of.remove_words(), of.remove_row()],
            ),
            Dialect::Postgres => (vec![of.put_row()], vec![of.put_row()], vec![of.remove_row()]),
        };
        let fields = collection.searched().map(|(field, search)| (field.id, search.language)).collect();
        Some(Self { dialect, fields, put, change, remove })
    }

    /// Whether a change of a record changes its entry. Values are by `FieldId`.
    pub fn differ(&self, before: &[Value], after: &[Value]) -> bool {
        self.fields.iter().any(|(field, _)| before[usize::from(field.0)] != after[usize::from(field.0)])
    }

    /// The values of `Slot::Entry` of a record, whose values are by `FieldId`.
    pub fn entry(&self, values: &[Value]) -> Vec<Value> {
        let text = |(field, language): &(FieldId, Option<Language>)| match &values[usize::from(field.0)] {
            Value::Text(text) => entry::Spoken { text, language: *language },
            _ => entry::Spoken { text: "", language: None },
        };
        let texts: Vec<entry::Spoken<'_>> = self.fields.iter().map(text).collect();
        entry::values(&texts, self.dialect)
    }
}

struct Writing<'w> {
    model: &'w Model,
    collection: &'w Collection,
    dialect: Dialect,
    index: &'w SearchIndex,
}

impl Writing<'_> {
    fn builder(&self) -> Builder<'_> {
        Builder::new(self.model, self.dialect)
    }

    fn id(&self, builder: &mut Builder<'_>) -> Sql {
        builder.id_slot(self.collection.key.form(), Slot::Id)
    }

    fn slot(builder: &mut Builder<'_>, index: usize, storage: Storage) -> Sql {
        builder.slot(Slot::Entry(u16::try_from(index).expect("few fields are searched")), storage)
    }

    fn put_row(&self) -> Template {
        let mut builder = self.builder();
        let mut columns = vec![RECORD.to_owned()];
        let mut values = vec![self.id(&mut builder)];
        let first = match self.dialect {
            Dialect::Sqlite => {
                for field in 0..self.index.fields.len() {
                    columns.push(words(field));
                    values.push(Self::slot(&mut builder, field, Storage::Text));
                }
                self.index.fields.len()
            }
            Dialect::Postgres => {
                columns.push(WORDS.to_owned());
                values.push(cast(Self::slot(&mut builder, 0, Storage::Text), "tsvector"));
                1
            }
        };
        for field in 0..self.index.fields.len() {
            columns.push(number(field));
            values.push(Self::slot(&mut builder, first + field, Storage::Int));
        }
        let mut insert = Query::insert();
        insert.into_table(name(&self.index.table)).columns(columns.iter().map(|column| name(column)));
        let whole = insert.values(values).is_ok();
        assert!(whole, "one value per column");
        let set = columns.iter().skip(1).map(|column| name(column));
        insert.on_conflict(OnConflict::column(name(RECORD)).update_columns(set).to_owned());
        builder.finish(&insert, Vec::new())
    }

    /// SQLite: finds the row by its words, which are those of `Slot::Entry`. The values aren't selected: FTS5 writes what it
    /// has gathered whenever a statement begins a savepoint, as INSERT … SELECT does.
    fn put_words(&self) -> Template {
        let mut builder = self.builder();
        let mut columns = vec!["rowid".to_owned()];
        let mut values = vec![subquery(self.row_of(&mut builder, Vec::new()))];
        for field in 0..self.index.fields.len() {
            columns.push(words(field));
            values.push(Self::slot(&mut builder, field, Storage::Text));
        }
        let mut insert = Query::insert();
        insert.into_table(name(&self.index.words)).columns(columns.iter().map(|column| name(column)));
        let whole = insert.values(values).is_ok();
        assert!(whole, "one value per column");
        builder.finish(&insert, Vec::new())
    }

    /// SQLite: finds it by them no more, if it is there. A table without content has to be told what they were.
    fn remove_words(&self) -> Template {
        let mut builder = self.builder();
        let mut row = self.row_of(&mut builder, vec![word("delete")]);
        let mut columns = vec![self.index.words.clone(), "rowid".to_owned()];
        for field in 0..self.index.fields.len() {
            columns.push(words(field));
            row.column(name(&words(field)));
        }
        let mut insert = Query::insert();
        insert.into_table(name(&self.index.words)).columns(columns.iter().map(|column| name(column)));
        let whole = insert.select_from(row).is_ok();
        assert!(whole, "one value per column");
        builder.finish(&insert, Vec::new())
    }

    /// SQLite: the number of the row of `Slot::Id`, after other values.
    fn row_of(&self, builder: &mut Builder<'_>, before: Vec<Sql>) -> SelectStatement {
        let mut row = Query::select();
        row.exprs(before).column(name(DOC)).from(name(&self.index.table));
        row.and_where(Sql::col(name(RECORD)).eq(self.id(builder)));
        row
    }

    fn remove_row(&self) -> Template {
        let mut builder = self.builder();
        let mut delete = Query::delete();
        delete.from_table(name(&self.index.table)).and_where(Sql::col(name(RECORD)).eq(self.id(&mut builder)));
        builder.finish(&delete, Vec::new())
    }
}

impl Planner {
    /// What is written to the tables of the search of a collection; `None` if it has none.
    pub fn search_templates(&self, collection: CollectionId) -> Option<SearchTemplates> {
        SearchTemplates::of(&self.model, self.model.collection(collection), self.dialect)
    }
}

/// The fields in which a search of callers with these rights looks, by their numbers in the index: those that they see in every
/// record that they see. One whose rule depends on the record isn't among them, since the index can't tell the records apart.
pub fn open_fields<'c>(
    collection: &'c Collection,
    rights: &Rights,
) -> impl Iterator<Item = (usize, &'c Field, Searched)> {
    let open = |field: &Field| rights.field(collection.id, field.id, Action::Read).allows();
    let searched = collection.searched().enumerate();
    searched.filter(move |(_, (field, _))| open(field)).map(|(number, (field, searched))| (number, field, searched))
}

/// The keys of the records that match.
fn found(builder: &mut Builder<'_>, collection: &Collection, looked_up: Arc<LookedUp>) -> SelectStatement {
    let index = collection.search_index().expect("what is searched has an index");
    let matched = builder.slot(Slot::Match(looked_up), Storage::Text);
    let mut select = Query::select();
    match builder.dialect {
        Dialect::Sqlite => {
            let (of, row) = (builder.alias(), builder.alias());
            select.expr(column(&row, RECORD)).from_as(name(&index.words), name(&of));
            join_in_order(&mut select, &index.table, &row);
            select.and_where(column(&row, DOC).eq(column(&of, "rowid")));
            select.and_where(column(&of, &index.words).binary(BinOper::Custom("MATCH"), matched));
        }
        Dialect::Postgres => {
            select.expr(Sql::col(name(RECORD))).from(name(&index.table));
            let query = cast(matched, "tsquery");
            select.and_where(Sql::col(name(WORDS)).binary(BinOper::Custom("@@"), query));
        }
    }
    select
}

/// The same with their ranks.
fn ranked(builder: &mut Builder<'_>, collection: &Collection, looked_up: &Arc<LookedUp>) -> SelectStatement {
    let index = collection.search_index().expect("what is searched has an index");
    let weights: Vec<u32> = collection.searched().map(|(_, search)| search.weight).collect();
    match builder.dialect {
        Dialect::Sqlite => ranked_by_fts5(builder, (&index, &weights), looked_up),
        Dialect::Postgres => ranked_by_tsvector(builder, (&index, &weights), looked_up),
    }
}

/// The weighted number of the field that a term is about. It names the term even if there is only one field: PostgreSQL takes a
/// sum of what belongs to an outer SELECT alone for that one's.
fn points(row: &str, field: &Sql, weights: &[u32]) -> Sql {
    let mut case = CaseStatement::new();
    for (at, weight) in weights.iter().enumerate() {
        let place = i64::try_from(at).expect("few fields are searched");
        case = case.case(field.clone().eq(integer(place)), column(row, &number(at)).mul(integer((*weight).into())));
    }
    case.into()
}

/// SQLite keeps the order of tables that are joined like this. What joins them stands in WHERE, since the query builder leaves
/// out the condition of such a join.
fn join_in_order(select: &mut SelectStatement, table: &str, alias: &str) {
    select.join_as(JoinType::CrossJoin, name(table), name(alias), boolean(true));
}

/// Every term is looked up in every field, in the order of the joins: any other would look terms up row by row.
fn ranked_by_fts5(
    builder: &mut Builder<'_>,
    (index, weights): (&SearchIndex, &[u32]),
    looked_up: &Arc<LookedUp>,
) -> SelectStatement {
    let (term, of, row) = (builder.alias(), builder.alias(), builder.alias());
    let terms = builder.slot(Slot::Terms(Arc::clone(looked_up)), Storage::Text);
    let part = |path: &str| call("json_extract", [column(&term, "value"), word(path)]);
    let mut rows = Query::select();
    let matched = builder.slot(Slot::Match(Arc::clone(looked_up)), Storage::Text);
    let all = Query::select()
        .expr(Sql::col(name("rowid")))
        .from(name(&index.words))
        .and_where(Sql::col(name(&index.words)).binary(BinOper::Custom("MATCH"), matched))
        .to_owned();
    rows.from_function(Func::cust("json_each").arg(terms), name(&term));
    join_in_order(&mut rows, &index.words, &of);
    rows.and_where(column(&of, &index.words).binary(BinOper::Custom("MATCH"), part("$[1]")));
    join_in_order(&mut rows, &index.table, &row);
    rows.and_where(column(&row, DOC).eq(column(&of, "rowid")));
    rows.and_where(column(&row, DOC).in_subquery(all));
    rows.expr_as(column(&row, RECORD), name(RECORD));
    let points = match weights {
        [weight] => column(&row, &number(0)).mul(integer((*weight).into())),
        weights => points(&row, &part("$[0]"), weights),
    };
    rows.expr_as(Func::sum(points), name(RANK));
    // A number is quicker to sort by than the key that it stands for.
    rows.group_by_col((name(&row), name(DOC)));
    rows
}

fn ranked_by_tsvector(
    builder: &mut Builder<'_>,
    (index, weights): (&SearchIndex, &[u32]),
    looked_up: &Arc<LookedUp>,
) -> SelectStatement {
    let (row, term) = (builder.alias(), builder.alias());
    let matched = cast(builder.slot(Slot::Match(Arc::clone(looked_up)), Storage::Text), "tsquery");
    let terms = cast(builder.slot(Slot::Terms(Arc::clone(looked_up)), Storage::Text), "jsonb");
    let part = |place: i64| call("jsonb_array_element_text", [column(&term, "value"), integer_of_32_bits(place)]);
    let has = column(&row, WORDS).binary(BinOper::Custom("@@"), cast(part(1), "tsquery"));
    let mut sum = Query::select();
    sum.from_function(Func::cust("jsonb_array_elements").arg(terms), name(&term)).and_where(has);
    sum.expr(Func::sum(points(&row, &cast(part(0), "bigint"), weights)));
    let rank = call("coalesce", [cast(subquery(sum), "bigint"), integer(0)]);
    let mut rows = Query::select();
    rows.expr_as(column(&row, RECORD), name(RECORD)).expr_as(rank, name(RANK));
    rows.from_as(name(&index.table), name(&row));
    rows.and_where(column(&row, WORDS).binary(BinOper::Custom("@@"), matched));
    rows
}

fn integer_of_32_bits(number: i64) -> Sql {
    cast(integer(number), "integer")
}

/// Restricts a read by callers with these rights to the records that match, and ranks them if they are asked for in the order of
/// their ranks. `None` if these callers may search no field of such a record.
pub(crate) fn restrict(
    builder: &mut Builder<'_>,
    (record, rights): (&Anchor, &Rights),
    (sought, sort): (SoughtBy, &[SortKey]),
) -> Option<Sql> {
    let collection = builder.model.collection(record.collection);
    let fields =
        open_fields(collection, rights).map(|(number, _, Searched { language, weight: _ })| (number, language));
    let looked_up = LookedUp::new(collection.id, fields, (sought, builder.dialect))?;
    let key = builder.key(record);
    builder.note_search();
    if !sort.contains(&SortKey::rank()) {
        return Some(key.in_subquery(found(builder, collection, looked_up)));
    }
    let rows = ranked(builder, collection, &looked_up);
    let alias = builder.read_ranked(record.frame, rows);
    Some(column(&alias, RECORD).eq(key))
}

/// The type of ranks.
pub(crate) const RANK_TYPE: ColumnType = ColumnType::One(Storage::Int);
