//! Reads that work on long texts leave the caller's thread, and end, as those of many steps do.

mod conformance;

use std::sync::Arc;

use backstay_base::Ambient;
use backstay_scalar::{Storage, ValueRef};
use backstay_sql::{Param, Row, Statement};
use backstay_store::{OpenOptions, RowSink, Store, StoreError, Writes};
use conformance::script::{Act, MODEL, model, read, script};
use tempfile::TempDir;

/// Whether each row found its part.
#[derive(Default)]
struct Found(Vec<bool>);

impl RowSink for Found {
    fn begin(&mut self, _: usize) {
        self.0.clear();
    }

    fn row(&mut self, row: &dyn Row) -> Result<(), StoreError> {
        self.0.push(row.value(0)? == ValueRef::Int(1));
        Ok(())
    }
}

/// The texts in which a search is the most work: it finds almost all of the part at each place.
fn search(rows: u32, bytes: usize) -> Statement {
    let text = format!(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows}) \
         SELECT contains(?1 || i, ?2) FROM n"
    );
    let half = "a".repeat(bytes / 2);
    let params = [half.repeat(2), format!("{half}b")].map(|text| Param::Text(text.into()));
    Statement::raw(text, params.to_vec(), &[Storage::Int])
}

/// Texts that functions work on, one after the other.
#[tokio::test]
async fn functions_of_long_texts_have_a_budget() {
    let directory = TempDir::new().expect("a directory");
    let options = OpenOptions::new(directory.path());
    let store = Store::open(&options, &model(MODEL), Ambient::system(), Arc::new(())).expect("a database").store;
    for (call, bytes) in [
        ("text_fold(?1 || i) IS NULL", 400_000),
        ("text_replace(?1 || i, 'a', 'bb') IS NULL", 400_000),
        (r#"within('{"a":"' || ?1 || i || '"}', 'a String') IS NULL"#, 400_000),
        (r#"within('{"a":[{"b":"' || ?1 || i || '"}]}', 'a.#0.b ?Text') IS NULL"#, 400_000),
        (r#"within('["' || ?1 || i || '"]', ' ?[Text]') IS NULL"#, 400_000),
        ("text_matches(?1 || hex(randomblob(9000)), 'A[0-9A-F]{200}G')", 3),
        ("text_matches(?1, '^b' || i)", 30),
    ] {
        let text = |rows: u32| {
            let text = format!(
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows}) SELECT {call} FROM n"
            );
            Statement::raw(text, vec![Param::Text("aé".repeat(bytes / 3).into())], &[Storage::Int])
        };
        let mut found = Found::default();
        read(&store, &text(1), &mut found).await.expect(call);
        assert_eq!(found.0, [false], "{call}");
        let ended = read(&store, &text(100_000), &mut Found::default()).await;
        assert!(matches!(ended, Err(StoreError::StepLimit)), "{call}: {ended:?}");
    }
}

/// What comparing a text with a pattern takes depends on both.
#[tokio::test]
async fn a_pattern_has_its_price() {
    let directory = TempDir::new().expect("a directory");
    let options = OpenOptions::new(directory.path());
    let store = Store::open(&options, &model(MODEL), Ambient::system(), Arc::new(())).expect("a database").store;
    let compared = |pattern: &str| {
        let text = Param::Text("ab".repeat(2000).into());
        Statement::raw(
            "SELECT text_matches(?1, ?2)".to_owned(),
            vec![text, Param::Text(pattern.into())],
            &[Storage::Int],
        )
    };
    for (pattern, is_long) in [("[a-z]+1", false), ("((a|b){1,30}){1,30}c", true)] {
        let mut found = Found::default();
        let stats = read(&store, &compared(pattern), &mut found).await.expect(pattern);
        assert_eq!((stats.moved, found.0.as_slice()), (is_long, [false].as_slice()), "{pattern}");
    }
}

/// Replacing takes as long as there are occurrences, however short the text.
#[tokio::test]
async fn each_occurrence_that_is_replaced_has_its_price() {
    let directory = TempDir::new().expect("a directory");
    let options = OpenOptions::new(directory.path());
    let store = Store::open(&options, &model(MODEL), Ambient::system(), Arc::new(())).expect("a database").store;
    let replaced = |text: &str, rows: u32| {
        let call = "SELECT text_replace(?1 || i, 'a', 'b') IS NULL FROM n";
        let rows = format!("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows}) {call}");
        Statement::raw(rows, vec![Param::Text(text.repeat(100_000).into())], &[Storage::Int])
    };
    let mut found = Found::default();
    read(&store, &replaced("xyz", 500), &mut found).await.expect("nothing occurs");
    assert_eq!(found.0, [false; 500]);
    let ended = read(&store, &replaced("aaa", 500), &mut Found::default()).await;
    assert!(matches!(ended, Err(StoreError::StepLimit)), "{ended:?}");
}

#[tokio::test]
async fn searches_in_long_texts_have_a_budget() {
    let directory = TempDir::new().expect("a directory");
    let options = OpenOptions::new(directory.path());
    let store = Store::open(&options, &model(MODEL), Ambient::system(), Arc::new(())).expect("a database").store;
    let mut found = Found::default();

    let stats = read(&store, &search(1, 1_000), &mut found).await.expect("a short search");
    assert_eq!((stats.moved, found.0.as_slice()), (false, [false].as_slice()));

    let stats = read(&store, &search(1, 4_000_000), &mut found).await.expect("a long search");
    assert_eq!((stats.moved, found.0.as_slice()), (true, [false].as_slice()));

    let ended = read(&store, &search(1_000, 4_000_000), &mut found).await;
    assert!(matches!(ended, Err(StoreError::StepLimit)), "{ended:?}");
}

/// Posts with notes and labels of a megabyte each.
async fn large_posts(store: &Store, posts: u32) {
    let text = format!(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {posts}) \
         INSERT INTO post (id, created_at, updated_at, version, title, notes, labels) \
         SELECT randomblob(16), 0, 0, 1, 'x', '\"' || ?1 || '\"', '[\"' || ?1 || '\"]' FROM n"
    );
    let insert = Statement::raw(text, vec![Param::Text("x".repeat(1_000_000).into())], &[]);
    store.write(script(Writes::One, [Act::Execute(insert)])).await.expect("posts");
}

/// Takes rows and makes nothing of them.
#[derive(Default)]
struct Taken;

impl RowSink for Taken {
    fn begin(&mut self, _: usize) {}

    fn row(&mut self, row: &dyn Row) -> Result<(), StoreError> {
        row.value(0)?;
        Ok(())
    }
}

/// Few steps lead through many pages, where a column stands behind a large value, or where that is read.
#[tokio::test]
async fn large_rows_have_a_price() {
    let directory = TempDir::new().expect("a directory");
    let options = OpenOptions::new(directory.path());
    let store = Store::open(&options, &model(MODEL), Ambient::system(), Arc::new(())).expect("a database").store;
    large_posts(&store, 30).await;
    let times = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100)";
    let check = async |text: String, storage: Storage, expected: Result<bool, StoreError>| {
        let read = read(&store, &Statement::raw(text.clone(), Vec::new(), &[storage]), &mut Taken).await;
        assert_eq!(format!("{:?}", read.map(|stats| stats.moved)), format!("{expected:?}"), "{text}");
    };
    // Small columns stand before large ones, whatever the order of the fields.
    check("SELECT count(*) FROM post WHERE weight = 1 OR day = '2026-01-31'".into(), Storage::Int, Ok(false)).await;
    check("SELECT count(*) FROM post WHERE labels = 'x'".into(), Storage::Int, Ok(true)).await;
    check(
        format!("{times} SELECT count(*) FROM n CROSS JOIN post WHERE +labels = i"),
        Storage::Int,
        Err(StoreError::StepLimit),
    )
    .await;
    check("SELECT notes FROM post LIMIT 1".into(), Storage::Json, Ok(true)).await;
    check(format!("{times} SELECT notes FROM n CROSS JOIN post"), Storage::Json, Err(StoreError::StepLimit)).await;
}
