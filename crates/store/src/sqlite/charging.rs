//! What the functions of SQL answer, and that what they cost counts.

use std::sync::Arc;

use backstay_base::{Flow, limits};
use backstay_scalar::{Storage, ValueRef};
use backstay_sql::{Param, Statement};
use tempfile::TempDir;

use super::connection::{Mode, SqliteSession};
use crate::Demand;
use crate::StoreError;

fn session(directory: &TempDir) -> SqliteSession {
    SqliteSession::open(&directory.path().join("test.db"), Mode::Writer).expect("a database")
}

fn statement(text: &str, params: &[&str]) -> Statement {
    let params = params.iter().map(|text| Param::Text(Arc::from(*text))).collect();
    Statement::raw(text, params, &[Storage::Int])
}

/// The number of rows that a statement returned, and how it ended.
fn rows(session: &mut SqliteSession, statement: &Statement, kilo_steps: u32) -> (u64, Result<(), StoreError>) {
    let mut rows = 0;
    session.limit(kilo_steps, Demand::now(Flow::SYSTEM).deadline);
    let ended = session.read(statement, &mut |_| {
        rows += 1;
        Ok(())
    });
    (rows, ended.map(drop))
}

/// Asserts what a call answers, as a text.
fn check_call(session: &SqliteSession, call: &str, expected: Option<&str>) {
    let got: Option<String> =
        session.db.query_row(&format!("SELECT CAST({call} AS TEXT)"), [], |row| row.get(0)).expect("a value");
    assert_eq!(got.as_deref(), expected, "{call}");
}

#[test]
fn a_list_has_a_value_that_equals_an_element() {
    let directory = TempDir::new().expect("a directory");
    let session = session(&directory);
    let check = |call: &str, expected: Option<&str>| check_call(&session, call, expected);
    check(r#"list_has('["a","é\n"]', 'a', 0)"#, Some("1"));
    check(r#"list_has('["a","é\n"]', 'é' || char(10), 0)"#, Some("1"));
    check(r#"list_has('["a","1"]', 'b', 0)"#, Some("0"));
    check(r#"list_has('["1","true"]', 1, 0)"#, Some("0"));
    check("list_has('[]', NULL, 0)", Some("0"));
    check("list_has('[1,-9223372036854775808]', -9223372036854775808, 0)", Some("1"));
    check("list_has('[1,25]', 2500, 2)", Some("1"));
    check("list_has('[9223372036854775807]', 7, 18)", Some("0"));
    check("list_has('[true,false]', 0, 0)", Some("1"));
    check("list_has('[true]', 0, 0)", Some("0"));
    check("list_has('[0.1,1.0]', 0.1, 0)", Some("1"));
    check("list_has('[0.1,1.0]', 1.0, 0)", Some("1"));
    check("list_has('[0.1,1.0]', 2.0, 0)", Some("0"));
    check("list_has('[100,250]', decimal('2.5'), 2)", Some("1"));
    check("list_has('[100,250]', decimal('25'), 2)", Some("0"));
    check("list_has('[null,1]', 1, 0)", Some("1"));
    for call in ["list_has(NULL, 1, 0)", "list_has('[1]', NULL, 0)", "list_has('[null]', 1, 0)"] {
        check(call, None);
    }
}

#[test]
fn a_list_within_a_document_has_what_the_list_has() {
    let directory = TempDir::new().expect("a directory");
    let session = session(&directory);
    let document = r#"{"t":["a","é\n","1"],"n":[1,2.50,1e2,"1",null],"d":["1.00","2.50"],"o":null,"b":[true]}"#;
    let check = |lookup: &str, wanted: &str, digits: u32, expected: Option<&str>| {
        check_call(&session, &format!("within_has('{document}', '{lookup}', {wanted}, {digits})"), expected);
    };
    check("t [String]", "'a'", 0, Some("1"));
    check("t [String]", "'é' || char(10)", 0, Some("1"));
    check("t ?[Text]", "'b'", 0, Some("0"));
    check("n ?[Text]", "'1'", 0, Some("1"));
    check("n ?[Number]", "decimal('2.5')", 0, Some("1"));
    check("n ?[Number]", "decimal('100')", 0, Some("1"));
    check("n ?[Number]", "decimal('3')", 0, Some("0"));
    check("n ?[Int]", "100", 0, Some("1"));
    check("d [Decimal.9.2]", "250", 0, Some("1"));
    check("d [Decimal.9.2]", "2500", 1, Some("1"));
    check("d [Decimal.9.2]", "decimal('2.5')", 2, Some("1"));
    check("b [Boolean]", "1", 0, Some("1"));
    check("n [Int]", "1", 0, Some("1"));
    check("n [Int]", "7", 0, None);
    for lookup in ["o [Int]", "x [Int]", "x ?[Int]", "t.x [Int]"] {
        check(lookup, "1", 0, None);
    }
    check("t [String]", "NULL", 0, None);
    check_call(&session, "within_has(NULL, 't [String]', 'a', 0)", None);
}

/// What SQLite keeps of documents doesn't depend on how many records there are, but on how often a statement looks into them.
#[test]
fn a_statement_keeps_no_more_of_documents_than_its_share() {
    let directory = TempDir::new().expect("a directory");
    let mut session = session(&directory);
    // 1 MiB each, of one item.
    let tables = "CREATE TABLE t (list TEXT) STRICT;
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40)
        INSERT INTO t SELECT '[{\"s\":\"' || hex(zeroblob(524283)) || '\"}]' FROM n;";
    session.db.execute_batch(tables).expect("documents");
    let mut check = |part: &str, times: usize, expected: bool| {
        let parts = vec![part; times].join(" OR ");
        let (_, ended) =
            rows(&mut session, &statement(&format!("SELECT count(*) FROM t WHERE {parts}"), &[]), 10_000_000);
        assert_eq!(ended.is_ok(), expected, "{times} times {part}: {ended:?}");
        assert!(expected || matches!(ended, Err(StoreError::StepLimit)), "{ended:?}");
    };
    let item = "EXISTS (SELECT 1 FROM json_each(kept(list, 4)) WHERE value = '')";
    let value = "within(list, '#0 {}') = ''";
    for _ in 0..2 {
        check(item, 15, true);
        check(item, 17, false);
        check(value, 30, true);
        check(value, 33, false);
    }
}

#[test]
fn functions_compare_bytes_and_count_characters() {
    let directory = TempDir::new().expect("a directory");
    let session = session(&directory);
    let check = |call: &str, expected: Option<&str>| check_call(&session, call, expected);
    check("contains('Apple', 'ppl')", Some("1"));
    check("contains('Apple', 'PPL')", Some("0"));
    check("contains('épée', 'é')", Some("1"));
    check("contains('', '')", Some("1"));
    check("contains('a', 'ab')", Some("0"));
    check("starts_with('épée', 'ép')", Some("1"));
    check("starts_with('épée', 'pé')", Some("0"));
    check("starts_with('a', '')", Some("1"));
    check("starts_with('a', 'ab')", Some("0"));
    check("ends_with('épée', 'ée')", Some("1"));
    check("ends_with('épée', 'ép')", Some("0"));
    check("ends_with('b', 'ab')", Some("0"));
    check("text_size('épée')", Some("4"));
    check("text_size('😀')", Some("1"));
    check("text_size('')", Some("0"));
    check("text_size(replace(hex(zeroblob(500)), '0', 'é'))", Some("1000"));
    check("ascii_lower('ÉPÉE Ab')", Some("ÉpÉe ab"));
    check("ascii_upper('épée aB')", Some("éPéE AB"));
    check("metered('[1]')", Some("[1]"));
    check("decimal('@2 at4', 1250)", Some("125000"));
    check("decimal('@2 @3 + at3', 1250, 5)", Some("12505"));
    check("decimal('@2 0.005 - at3', 1250)", Some("12495"));
    check("decimal('@2 @1 * at2', 1250, -3)", Some("-375"));
    check("decimal('@0 neg at0', 1)", Some("-1"));
    check("decimal('@3 round2 at2', 1005)", Some("101"));
    check("decimal('@3 fit3.2', 1005)", Some("101"));
    check("decimal('@0 @0 /2 at2', 2, 3)", Some("67"));
    check("decimal('@ 2 * at1', decimal('@1', 15))", Some("30"));
    check("decimal('@2', -1) < decimal('0') AND decimal('@1', 10) = decimal('@0', 1)", Some("1"));
    // A formula that differs from row to row.
    check("(SELECT sum(decimal(column1, 5)) FROM (VALUES ('@0 at0'), ('@1 at1'), ('@0 at1')))", Some("60"));
    for call in [
        "contains(NULL, 'a')",
        "contains('a', NULL)",
        "starts_with(NULL, NULL)",
        "ends_with('a', NULL)",
        "text_size(NULL)",
        "ascii_lower(NULL)",
        "ascii_upper(NULL)",
        "metered(NULL)",
        "decimal('@2', NULL)",
        "decimal('@2', 9e18 * 2)",
        "decimal('@0 @ +', 1, NULL)",
        "decimal('@0 @0 /2 0 *', 1, 0)",
        "decimal('@3 fit3.2', 9995)",
        "decimal('@3 at2', 1)",
        "decimal('@0 2 * at0', 9223372036854775807)",
    ] {
        check(call, None);
    }
}

#[test]
fn a_statement_over_long_texts_ends_at_its_budget() {
    const TEXTS: u64 = 100;
    let directory = TempDir::new().expect("a directory");
    let mut session = session(&directory);
    // 64 KiB each: four thousand steps.
    let tables = "CREATE TABLE t (body TEXT, list TEXT) STRICT;
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100)
        INSERT INTO t SELECT hex(zeroblob(32768)), '[\"' || hex(zeroblob(32766)) || '\"]' FROM n;";
    session.db.execute_batch(tables).expect("texts");
    for column in [
        "contains(body, 'needle')",
        "starts_with(body, 'needle')",
        "ends_with(body, 'needle')",
        "text_size(body)",
        "ascii_lower(body) = ''",
        "ascii_upper(body) = ''",
        "json_array_length(metered(list))",
        "list_has(list, 'needle', 0)",
        "EXISTS (SELECT 1 FROM json_each(kept(list, 4)) WHERE value = '')",
        "within_has(list, ' [Text]', 'needle', 0)",
    ] {
        let text = format!("SELECT {column} FROM t");
        let (seen, ended) = rows(&mut session, &statement(&text, &[]), 40);
        assert!(matches!(ended, Err(StoreError::StepLimit)), "{column}: {ended:?}");
        assert!((5..=10).contains(&seen), "{column}: {seen} texts");
        assert!(session.exhausted());
        let (seen, ended) = rows(&mut session, &statement(&text, &[]), 1000);
        assert!(ended.is_ok() && seen == TEXTS, "{column}: {seen} texts, {ended:?}");
    }
    // Short texts add up as well.
    let short = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
        SELECT contains(hex(zeroblob(500)) || i, 'needle') FROM n";
    let (seen, ended) = rows(&mut session, &statement(short, &[]), 40);
    assert!(matches!(ended, Err(StoreError::StepLimit)), "{ended:?}");
    assert!((300..=700).contains(&seen), "{seen} texts");
}

/// FTS5 works within few steps of the statement; while it reads its index it is charged for its time, and ended.
#[test]
fn a_search_ends_at_its_budget_while_fts5_works() {
    let directory = TempDir::new().expect("a directory");
    let mut session = session(&directory);
    // A word of its own in each of 160,000 records: some megabytes that all begin alike.
    let tables = "CREATE VIRTUAL TABLE f USING fts5(c0, content='', tokenize='ascii');
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 400)
        INSERT INTO f (rowid, c0) SELECT a.i * 1000 + b.i, 'word' || a.i || 'x' || b.i FROM n a, n b;";
    session.db.execute_batch(tables).expect("words");
    let search = |word: &str| statement("SELECT 1 FROM f WHERE f MATCH ?1 LIMIT 1", &[word]);
    let (_, ended) = rows(&mut session, &search("{c0} : (\"word\" *) NOT {c0} : (\"word\" *)").searching(), 20);
    assert!(matches!(ended, Err(StoreError::StepLimit)), "{ended:?}");
    assert!(session.exhausted());
    let (found, ended) = rows(&mut session, &search("\"word7x7\"").searching(), 20);
    assert!(ended.is_ok() && found == 1, "{found}, {ended:?}");
    let (found, ended) = rows(&mut session, &search("\"word\" *").searching(), 1_000_000);
    assert!(ended.is_ok() && found == 1, "{found}, {ended:?}");
}

/// SQLite can't be interrupted while it prepares a statement. One that is too long to be kept is prepared where there are
/// steps for it.
#[test]
fn a_long_statement_uses_steps_up_before_it_is_prepared() {
    let directory = TempDir::new().expect("a directory");
    let mut session = session(&directory);
    let text = format!("SELECT text_size('{}')", "x".repeat(20_000));
    let (_, ended) = rows(&mut session, &statement(&text, &[]), limits::READ_KILO_STEPS);
    assert!(matches!(ended, Err(StoreError::StepLimit)), "{ended:?}");
    let (_, ended) = rows(&mut session, &statement(&text, &[]), 100);
    assert!(ended.is_ok(), "{ended:?}");
    // One that is kept is short.
    let (_, ended) = rows(&mut session, &statement("SELECT text_size('x')", &[]), 1);
    assert!(ended.is_ok(), "{ended:?}");
}

/// A search that compares each place of the text with almost all of the part would take months.
#[test]
fn a_search_costs_what_the_texts_are_long() {
    let directory = TempDir::new().expect("a directory");
    let mut session = session(&directory);
    let half = "a".repeat(1 << 20);
    let (text, part) = (half.repeat(4), format!("{half}b{half}"));
    let search = statement("SELECT contains(?1, ?2)", &[&text, &part]);
    // 6 MiB are 384 thousand steps.
    assert!(matches!(rows(&mut session, &search, 380), (0, Err(StoreError::StepLimit))));
    let mut found = None;
    session.limit(400, Demand::now(Flow::SYSTEM).deadline);
    let read = session.read(&search, &mut |row| {
        found = Some(row.value(0)? == ValueRef::Int(0));
        Ok(())
    });
    assert!(read.is_ok(), "{read:?}");
    assert_eq!(found, Some(true), "not found");
}

#[test]
fn a_value_that_is_no_text_is_refused() {
    let directory = TempDir::new().expect("a directory");
    let mut session = session(&directory);
    for call in [
        "contains(1, 'a')",
        "text_size(x'00')",
        "metered(1.5)",
        "decimal('@0', '1')",
        "decimal('@', 1)",
        "decimal('@0', x'00')",
        "decimal('@0 @0 +', 1)",
        "decimal('+', 1)",
        "decimal(x'00', 1)",
        "decimal(NULL, 1)",
        "decimal()",
        "decimal_sum(1)",
    ] {
        let (_, ended) = rows(&mut session, &statement(&format!("SELECT {call}"), &[]), 10);
        assert!(matches!(ended, Err(StoreError::Database(_))), "{call}: {ended:?}");
    }
}
