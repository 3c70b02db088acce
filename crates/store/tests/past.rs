//! How SQLite reads lists of the past, and what they cost.

use std::sync::Arc;

use backstay_base::Action;
use backstay_expr::Rights;
use backstay_model::{Model, SourceFile};
use backstay_sql::{
    ColumnRef, Dialect, PageStart, Perspective, Planner, Position, ReadScope, ReadShape, Selected, SelectedField,
    Selection, Slot, SortKey, Template, schema,
};
use rusqlite::types::Value;
use rusqlite::{Connection, StatementStatus};

const MODEL: &str = r#"
extend schema @app(name: "Past")
type Note @allow(read: "true") @history(read: "true") { text: String }
"#;

/// 20 notes, each of which counts from moment 1 on; the first one is changed at each moment from 2 to this one.
fn database(model: &Model, last: i64) -> Connection {
    let connection = Connection::open_in_memory().expect("a database");
    for statement in schema::create(model, Dialect::Sqlite) {
        connection.execute_batch(statement.text()).expect("a table");
    }
    let columns = "id, created_at, updated_at, version, text, history__record, history__from, history__until, \
                   history__ended, history__change, history__by_kind";
    let notes = format!(
        "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 20)
         INSERT INTO note_history ({columns}) SELECT CAST(format('%016d', n) AS BLOB), 1, 1, 1, 'a',
             CAST(format('%016d', n) AS BLOB), 1, CASE WHEN n = 1 THEN 2 END, CASE WHEN n = 1 THEN 2 END, 'create', 'system' FROM n"
    );
    let changes = format!(
        "WITH RECURSIVE n(n) AS (SELECT 2 UNION ALL SELECT n + 1 FROM n WHERE n < {last})
         INSERT INTO note_history ({columns}) SELECT CAST(format('%016d', 100 + n) AS BLOB), 1, n, n, 'b',
             CAST(format('%016d', 1) AS BLOB), n, CASE WHEN n < {last} THEN n + 1 END,
             CASE WHEN n < {last} THEN n + 1 END, 'update', 'system' FROM n"
    );
    connection.execute_batch(&format!("{notes}; {changes}")).expect("versions");
    connection
}

/// What a read of the notes as they were at a moment finds (ids at their ends), its steps in SQLite, and how it is carried out.
fn read(scope: ReadScope, (last, moment): (i64, i64)) -> (Vec<String>, i32, String) {
    let loaded = backstay_model::load(vec![SourceFile::app("model.graphql", MODEL)]).expect("a model");
    let model = Arc::new(loaded.model);
    let connection = database(&model, last);
    let note = model.collection_named("Note").expect("a collection");
    let text = note.field_named("text").expect("a field").id;
    let shape = ReadShape {
        action: Action::Search,
        perspective: Perspective::AsOf,
        collection: note.id,
        selection: Selection::parts([Selected::Field(SelectedField::of(text))]),
        first_param: 0,
        filter: None,
        search: None,
        scope,
    };
    let plan = Planner::new(Arc::clone(&model), Dialect::Sqlite).read(&shape, Rights::unrestricted());
    let params = |template: &Template| -> Vec<Value> { template.slots().map(|slot| param(slot, moment)).collect() };
    let mut statement = connection.prepare(plan.template.text()).expect("a statement");
    let mut rows = statement.query(rusqlite::params_from_iter(params(&plan.template))).expect("rows");
    let mut found = Vec::new();
    while let Some(row) = rows.next().expect("a row") {
        found.push(row.get::<_, Value>(0).map(|value| format!("{value:?}")).expect("a value"));
    }
    drop(rows);
    let steps = statement.get_status(StatementStatus::VmStep);
    let explain = format!("EXPLAIN QUERY PLAN {}", plan.template.text());
    let mut explain = connection.prepare(&explain).expect("a statement");
    let mut rows = explain.query(rusqlite::params_from_iter(params(&plan.template))).expect("a plan");
    let mut lines = Vec::new();
    while let Some(row) = rows.next().expect("a row") {
        lines.push(row.get::<_, String>(3).expect("a text"));
    }
    (found, steps, lines.join("\n"))
}

fn param(slot: &Slot, moment: i64) -> Value {
    match slot {
        Slot::AsOf => Value::Integer(moment),
        Slot::Constant(backstay_scalar::Value::Int(number)) => Value::Integer(*number),
        Slot::Cursor(_) => Value::Blob(format!("{:016}", 3).into_bytes()),
        _ => Value::Integer(10),
    }
}

/// The last version of each record, then the one that counted, then that as a row.
const FOUND: &str = "SEARCH t1 USING INDEX sqlite_autoindex_note_history_1 (id=?)
LIST SUBQUERY 2
SEARCH each USING COVERING INDEX ix_note_history__history__until__history__record (history__until=?)
CORRELATED SCALAR SUBQUERY 1
SEARCH then USING INDEX ix_note_history__history__record__history__from (history__record=? AND history__from<?)";

fn page(after: bool) -> ReadScope {
    ReadScope::Page {
        sort: Vec::new(),
        start: if after { PageStart::After(Position { nulls: Vec::new() }) } else { PageStart::First },
    }
}

#[test]
fn a_list_of_the_past_finds_one_version_of_each_record() {
    let (found, _, plan) = read(page(false), (1000, 500));
    assert_eq!(found[..3], [r#"Text("b")"#, r#"Text("a")"#, r#"Text("a")"#]);
    assert_eq!(found.len(), 10);
    assert_eq!(plan, [FOUND, "USE TEMP B-TREE FOR ORDER BY"].join("\n"));
    assert_eq!(read(page(true), (1000, 500)).2, plan);
    let sort = vec![SortKey::of(text_column(), true)];
    assert_eq!(read(ReadScope::Page { sort, start: PageStart::First }, (1000, 500)).2, plan);
    let counted = ["CO-ROUTINE counted", FOUND, "SCAN counted"].join("\n");
    assert_eq!(read(ReadScope::Count, (1000, 500)).2, counted);
}

fn text_column() -> ColumnRef {
    let loaded = backstay_model::load(vec![SourceFile::app("model.graphql", MODEL)]).expect("a model");
    let note = loaded.model.collection_named("Note").expect("a collection");
    ColumnRef::main(note.field_named("text").expect("a field").id)
}

/// Whatever happened to one record, and whatever moment is asked for.
#[test]
fn changes_of_a_record_cost_lists_of_others_nothing() {
    for scope in [|| page(false), || page(true), || ReadScope::Count] {
        let (few, steps, _) = read(scope(), (3, 2));
        for (last, moment) in [(20_000, 2), (20_000, 10_000), (20_000, 30_000)] {
            let (found, more, _) = read(scope(), (last, moment));
            assert_eq!(found, few);
            assert!(more <= steps + 50, "{more} steps instead of {steps} at moment {moment}");
        }
    }
}

#[test]
fn before_its_first_version_a_record_is_not_there() {
    assert_eq!(read(page(false), (100, 0)).0, Vec::<String>::new());
}
