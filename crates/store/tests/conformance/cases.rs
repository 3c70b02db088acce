//! What every database does alike. Each function is one case, on a store that nothing else uses.
#![expect(clippy::panic, reason = "the rest of the test would show nothing")]

use std::sync::Arc;

use backstay_audit::{Entry, Leaf, Logged, LoggedRecord, ModelNumber, verify};
use backstay_base::{Clock, Date};
use backstay_model::CollectionId;
use backstay_scalar::{Currency, Money, Value};
use backstay_sql::{Perspective, Planner, Row, Slot, StoredPlan};
use backstay_store::{Change, ChangeKind, Recall, RowSink, Store, StoreError, Writes};
use backstay_testkit::{TestClock, duration};
use futures_util::future::join_all;

use super::script::{
    AUTHOR, Act, Ended, Failure, FirstColumn, MODEL, NOW, Seen, Told, author_made, claim, create_author, email_field,
    email_taken, emails, id, insert_author, insert_post, model, moment, name_field, read, rename_author, script,
};

/// The permanent numbers of `Author`, `email` and `name` in the golden bytes.
const GOLDEN_NUMBERS: (u32, u32, u32) = (1, 5, 6);
/// Format, moment and model; caller, transaction and number of changes; type, kind, fields and number of records; key and
/// version; a withheld value and a text.
const GOLDEN_ENTRY: &str = concat!(
    "02 000649add4493000 01",
    "04 00 00 0474657374 01",
    "01 01 020506 01",
    "07 00000000000070008000000000000001 0000000000000001",
    "0e 0608417574686f722031",
);
/// Format and keys; number of changes, type, kind, fields and number of records; key and version.
const GOLDEN_FEED: &str = concat!(
    "02 03 5b7abef8da6b10f7 9ddf17570f732540 d6f1fa205a21c309",
    "01 01 01 020506 01",
    "07 00000000000070008000000000000001 0000000000000001",
);

async fn stored(store: &Store) -> Vec<String> {
    let mut sink = FirstColumn::default();
    read(store, &emails(), &mut sink).await.expect("a read");
    sink.values
}

async fn entries(store: &Store) -> Vec<Entry> {
    let entries = store.log(1, 10_000).await.expect("the log");
    let gap_free = entries.iter().zip(1..).all(|(entry, place)| entry.sequence == place);
    assert!(gap_free, "{:?}", entries.iter().map(|entry| entry.sequence).collect::<Vec<_>>());
    entries.iter().map(|entry| verify(&entry.entry, entry.leaf).expect("canonical")).collect()
}

pub(crate) async fn a_create_can_be_read_and_is_logged(store: &Store, _: &Told, _: &TestClock) {
    store.write(create_author(1, "a@example.org")).await.expect("a create");
    assert_eq!(stored(store).await, ["a@example.org"]);
    let log = entries(store).await;
    let change = &log[0].changes[0];
    assert_eq!(log[0].origin.transaction, "test");
    assert_eq!((change.type_number, change.kind), (store.catalog().type_number(AUTHOR), ChangeKind::Create));
    let number = |field| store.catalog().field_number(AUTHOR, field);
    assert_eq!(change.fields, [number(email_field()), number(name_field())]);
    let values = vec![Logged::Withheld, Logged::Value(Value::text("Author 1"))];
    assert_eq!(change.records, [LoggedRecord { key: id(1).into(), version: 1, values }]);
    assert_eq!(log[0].model, Some(ModelNumber(1)));
}

pub(crate) async fn the_log_never_holds_a_classified_value(store: &Store, _: &Told, _: &TestClock) {
    store.write(create_author(1, "secret@example.org")).await.expect("a create");
    let log = store.log(1, 1).await.expect("the log");
    let holds = |bytes: &[u8]| bytes.windows(6).any(|part| part == b"secret");
    assert!(!holds(&log[0].entry) && !holds(log[0].feed.as_deref().expect("a feed part")));
    assert_eq!(log[0].leaf, Leaf::of(&log[0].entry));
}

pub(crate) async fn an_error_undoes_one_operation_alone(store: &Store, _: &Told, _: &TestClock) {
    let write = |acts: Vec<Act>| script(Writes::Many, acts);
    let made =
        |number, email: &str| vec![Act::Execute(insert_author(number, email)), Act::Change(author_made(number, email))];
    let with = |mut acts: Vec<Act>, last: Act| {
        acts.push(last);
        acts
    };
    // On PostgreSQL transactions overlap, so the record that must exist is created first.
    store.write(write(made(1, "a@example.org"))).await.expect("a create");
    let works = vec![
        write(with(made(2, "refused@example.org"), Act::Refuse)),
        write(made(3, "a@example.org")),
        write(with(made(4, "panics@example.org"), Act::Panic)),
        write(with(made(6, "mismatch@example.org"), Act::Stage(rename_author(6, 7), Some(1)))),
        write(with(made(7, "orphan@example.org"), Act::Stage(insert_post(1, 99), Some(1)))),
        write(made(8, "b@example.org")),
    ];
    let answers = join_all(works.into_iter().map(|work| store.write(work))).await;
    let ended: Vec<Ended> = answers.into_iter().map(Ended::from).collect();
    assert_eq!(
        ended,
        [
            Ended::Refused,
            email_taken(),
            Ended::Panicked,
            Ended::StagedRows { expected: 1, found: 0 },
            Ended::ForeignKey,
            Ended::Done,
        ]
    );
    assert_eq!(stored(store).await, ["a@example.org", "b@example.org"]);
    let logged: Vec<_> = entries(store).await.iter().map(|entry| entry.changes[0].records[0].key.clone()).collect();
    assert_eq!(logged.len(), 2);
    assert!(logged.contains(&id(1).into()) && logged.contains(&id(8).into()));
}

pub(crate) async fn one_write_that_fails_later_is_undone_too(store: &Store, _: &Told, _: &TestClock) {
    let late = script(Writes::One, [Act::Execute(insert_author(2, "late@example.org")), Act::Refuse]);
    let twice = script(
        Writes::One,
        [
            Act::Execute(insert_author(3, "twice@example.org")),
            Act::Stage(insert_author(3, "again@example.org"), Some(1)),
        ],
    );
    let works = [create_author(1, "a@example.org"), late, twice, create_author(4, "b@example.org")];
    let answers = join_all(works.map(|work| store.write(work))).await;
    assert_eq!(answers.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false, false, true]);
    assert!(
        matches!(&answers[2], Err(Failure::Store(StoreError::Unique { columns, .. })) if columns == &["id"]),
        "{:?}",
        answers[2]
    );
    assert_eq!(stored(store).await, ["a@example.org", "b@example.org"]);
    assert_eq!(entries(store).await.len(), 2);
}

pub(crate) async fn many_creates_share_commits_and_leave_no_gap(store: &Store, _: &Told, _: &TestClock) {
    let works = (0..500).map(|number| create_author(number, &format!("{number:03}@example.org")));
    let answers = join_all(works.map(|work| store.write(work))).await;
    assert!(answers.iter().all(Result::is_ok), "{:?}", answers.iter().find(|answer| answer.is_err()));
    assert_eq!(stored(store).await.len(), 500);
    assert_eq!(entries(store).await.len(), 500);
}

pub(crate) async fn a_staged_write_is_checked(store: &Store, _: &Told, _: &TestClock) {
    store.write(create_author(1, "a@example.org")).await.expect("a create");
    let rename = |version| script(Writes::One, [Act::Stage(rename_author(1, version), Some(1))]);
    store.write(rename(1)).await.expect("the right version");
    let again = store.write(rename(1)).await;
    assert!(matches!(again, Err(Failure::Store(StoreError::StagedRows { expected: 1, found: 0 }))), "{again:?}");
    let any = script(Writes::One, [Act::Stage(rename_author(1, 1), None)]);
    assert!(store.write(any).await.is_ok());
}

pub(crate) async fn a_staged_write_that_is_refused_takes_the_others_with_it(store: &Store, told: &Told, _: &TestClock) {
    let wrong = Act::Stage(rename_author(1, 1), Some(1));
    let acts = [
        Act::Stage(insert_author(2, "b@example.org"), Some(1)),
        wrong,
        Act::Stage(insert_author(3, "c@example.org"), Some(1)),
        Act::Change(author_made(3, "c@example.org")),
    ];
    let answer = store.write(script(Writes::Many, acts)).await;
    assert!(matches!(answer, Err(Failure::Store(StoreError::StagedRows { expected: 1, found: 0 }))), "{answer:?}");
    assert!(stored(store).await.is_empty());
    assert!(entries(store).await.is_empty());
    assert!(told.after.lock().expect("not poisoned").is_empty());
}

pub(crate) async fn an_idempotency_key_answers_again(store: &Store, _: &Told, clock: &TestClock) {
    let with_key = |fingerprint: u8, answer: &[u8], number| {
        let claim = claim("key", fingerprint);
        let email = format!("{number}@example.org");
        let expires = clock.now().checked_add(duration("1s")).expect("a moment");
        script(
            Writes::Many,
            [
                Act::Recall(claim.clone()),
                Act::Stage(insert_author(number, &email), Some(1)),
                Act::Remember(claim, answer.to_vec(), expires),
            ],
        )
    };
    let recall = |fingerprint| script(Writes::None, [Act::Recall(claim("key", fingerprint))]);
    let seen = store.write(with_key(1, b"first", 1)).await.expect("new");
    assert_eq!(seen[0], Seen::Recall(Recall::New));
    let check = async |work, expected| assert_eq!(store.write(work).await.expect("a read"), [Seen::Recall(expected)]);
    check(recall(1), Recall::Replay(b"first".to_vec())).await;
    check(recall(2), Recall::Mismatch).await;
    // A request that does not check first is refused while the record is valid, and replaces it when it has expired.
    let refused = store.write(with_key(1, b"second", 2)).await;
    assert!(matches!(refused, Err(Failure::Store(StoreError::StagedRows { .. }))), "{refused:?}");
    assert_eq!(stored(store).await, ["1@example.org"]);
    clock.advance("2s");
    check(recall(1), Recall::New).await;
    store.write(with_key(3, b"third", 3)).await.expect("expired");
    check(recall(3), Recall::Replay(b"third".to_vec())).await;
}

pub(crate) async fn moments_of_commits_increase(store: &Store, _: &Told, clock: &TestClock) {
    let mut seen = Vec::new();
    for (number, step) in (1..).zip(["0s", "0s", "-24h", "1us", "25h"]) {
        clock.advance(step);
        let email = format!("{number}@example.org");
        let acts =
            [Act::Moment, Act::Stage(insert_author(number, &email), Some(1)), Act::Change(author_made(number, &email))];
        seen.extend(store.write(script(Writes::One, acts)).await.expect("a create").into_iter().take(1));
    }
    let expected = [0, 1, 2, 3, 3_600_000_001].map(|after| Seen::Moment(moment(NOW + after)));
    assert_eq!(seen, expected);
    let logged: Vec<_> = entries(store).await.iter().map(|entry| Seen::Moment(entry.moment)).collect();
    assert_eq!(logged, expected);
    clock.advance("-48h");
    let read = store.write(script(Writes::None, [Act::Moment])).await.expect("a read");
    assert_eq!(read, [Seen::Moment(moment(NOW + 3_600_000_001))], "what is read has been committed");
}

pub(crate) async fn what_only_reads_cannot_write(store: &Store, _: &Told, _: &TestClock) {
    for act in [
        Act::Execute(insert_author(1, "a@example.org")),
        Act::Stage(insert_author(1, "a@example.org"), None),
        Act::Change(author_made(1, "a@example.org")),
    ] {
        let answer = store.write(script(Writes::None, [act])).await;
        assert!(matches!(answer, Err(Failure::Store(StoreError::ReadOnly))), "{answer:?}");
    }
    assert!(stored(store).await.is_empty());
    let seen = store.write(script(Writes::None, [Act::Texts(emails())])).await.expect("a read");
    assert_eq!(seen, [Seen::Texts(vec![])]);
}

pub(crate) async fn a_failure_that_is_passed_over_still_fails(store: &Store, _: &Told, _: &TestClock) {
    store.write(create_author(1, "a@example.org")).await.expect("a create");
    let acts = [Act::Try(insert_author(2, "a@example.org")), Act::Stage(insert_author(3, "c@example.org"), Some(1))];
    let answer = store.write(script(Writes::Many, acts)).await;
    assert!(matches!(answer, Err(Failure::Store(StoreError::Aborted))), "{answer:?}");
    assert_eq!(stored(store).await, ["a@example.org"]);
}

pub(crate) async fn records_that_change_in_the_same_way_are_one_change(store: &Store, _: &Told, _: &TestClock) {
    let acts = (1..=3_u32).flat_map(|number| {
        let email = format!("{number}@example.org");
        [Act::Stage(insert_author(number, &email), Some(1)), Act::Change(author_made(number, &email))]
    });
    let renamed = Change {
        kind: ChangeKind::Update,
        version: 2,
        fields: author_made(3, "").fields.split_off(1),
        ..author_made(3, "")
    };
    let acts = acts.chain([Act::Change(renamed), Act::Change(author_made(4, "4@example.org"))]);
    store.write(script(Writes::Many, acts)).await.expect("creates");
    let log = entries(store).await;
    let shape: Vec<_> = log[0].changes.iter().map(|change| (change.kind, change.records.len())).collect();
    assert_eq!(shape, [(ChangeKind::Create, 3), (ChangeKind::Update, 1), (ChangeKind::Create, 1)]);
    let keys: Vec<_> = log[0].changes[0].records.iter().map(|record| record.key.clone()).collect();
    assert_eq!(keys, [1, 2, 3].map(|number| id(number).into()));
}

/// The secret of `dependency_keys` is the first 16 bytes of the database's feed key, which `controlled(_, 1)` gives; the
/// keys were computed by another implementation of SipHash-2-4.
pub(crate) async fn the_feed_names_what_changed(store: &Store, told: &Told, _: &TestClock) {
    store.write(create_author(1, "a@example.org")).await.expect("a create");
    let number = |field| store.catalog().field_number(AUTHOR, field);
    let (of_type, email, name) = (store.catalog().type_number(AUTHOR), number(email_field()), number(name_field()));
    assert_eq!((of_type.0, email.0, name.0), GOLDEN_NUMBERS, "the numbers in the golden bytes below");
    let log = store.log(1, 1).await.expect("the log");
    assert_eq!(hex(log[0].feed.as_deref().expect("a feed part")), GOLDEN_FEED.replace(' ', ""));
    let keys = store.dependency_keys();
    let mut expected = vec![
        keys.collection(AUTHOR),
        keys.record(AUTHOR, &id(1).into()),
        keys.field(AUTHOR, email_field(), &Value::text("a@example.org")),
    ];
    expected.sort();
    assert_eq!(*told.keys.lock().expect("not poisoned"), expected, "the observer is told the same keys");

    // A value that a change doesn't name is null: what is remembered of records without it is told too.
    for kind in [ChangeKind::Create, ChangeKind::Delete] {
        let change = Change { kind, fields: Vec::new(), ..author_made(1, "") };
        store.write(script(Writes::Many, [Act::Change(change)])).await.expect("a change");
        let null = keys.field(AUTHOR, email_field(), &Value::Null);
        assert!(told.keys.lock().expect("not poisoned").contains(&null), "{kind:?}");
    }
}

pub(crate) async fn an_entry_has_these_bytes(store: &Store, _: &Told, _: &TestClock) {
    store.write(create_author(1, "a@example.org")).await.expect("a create");
    let log = store.log(1, 1).await.expect("the log");
    assert_eq!(hex(&log[0].entry), GOLDEN_ENTRY.replace(' ', ""));
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
}

pub(crate) async fn observers_are_told_around_the_commit(store: &Store, told: &Told, _: &TestClock) {
    store.write(create_author(1, "a@example.org")).await.expect("a create");
    store.write(create_author(1, "again@example.org")).await.expect_err("the same key");
    store.write(script(Writes::None, [Act::Texts(emails())])).await.expect("a read");
    assert_eq!(*told.after.lock().expect("not poisoned"), [1]);
    assert_eq!(told.before.lock().expect("not poisoned").first(), Some(&1));
}

/// The planner's own statements: `stored` returns what `insert` stored.
pub(crate) async fn a_value_of_every_type_comes_back(store: &Store, _: &Told, _: &TestClock) {
    store.write(create_author(1, "a@example.org")).await.expect("an author");
    let money = Value::Money(Money::from_scaled(-123_400, Currency::parse("EUR").expect("a currency")));
    let full = [
        Value::text("Grüße, 'quoted' \u{1F30D}"),
        Value::Id(id(1)),
        money,
        Value::Bool(true),
        Value::Date(Date::parse("0001-01-01").expect("a day")),
        Value::Float(0.1),
        Value::Json(Arc::from(r#"{"a": [1, null]}"#)),
        Value::List([Value::text("x"), Value::text("\"]")].into()),
    ];
    let mut empty = vec![Value::Null; full.len()];
    empty[0] = Value::text("");
    for (number, values) in [(10, full.to_vec()), (11, empty)] {
        check_post(store, number, values).await;
    }
}

/// Numbers keep their digits and objects the order of their members.
pub(crate) async fn a_document_comes_back_byte_for_byte(store: &Store, _: &Told, _: &TestClock) {
    let documents = [
        r#"{"z":1.10,"b":1e3,"a":{"d":-0,"c":[1E-7,0.0,123456789012345678901234567890,1.5e400]},"B":"\u00e9\/é"}"#,
        "1.10",
        "null",
        r#""\u0041""#,
    ];
    for (number, document) in (10..).zip(documents) {
        let notes = Value::Json(Arc::from(document));
        let null = || Value::Null;
        check_post(store, number, vec![Value::text(""), null(), null(), null(), null(), null(), notes, null()]).await;
    }
}

/// Creates a post with these values and reads it.
async fn check_post(store: &Store, number: u32, values: Vec<Value>) {
    let planner = Planner::new(model(MODEL), store.dialect());
    let post = CollectionId(1);
    let mut record = vec![Value::Id(id(number)), moment(NOW).into(), moment(-1).into(), Value::Int(i64::MAX)];
    record.extend(values);
    let bind = |slot: &Slot| match slot {
        Slot::Proposed(column) => column.part.of(&record[usize::from(column.field.0)]),
        Slot::Id => Value::Id(id(number)),
        other => panic!("an unexpected slot: {other:?}"),
    };
    let insert = planner.insert(post).bind(bind);
    store.write(script(Writes::One, [Act::Stage(insert, Some(1))])).await.expect("a create");
    let plan = planner.stored(post, Perspective::Live, &[]);
    let plan = Arc::new(plan);
    let mut sink = Records { plan: Some(Arc::clone(&plan)), records: Vec::new() };
    read(store, &plan.template.bind(bind), &mut sink).await.expect("a read");
    assert_eq!(sink.records, [record]);
}

#[derive(Default)]
struct Records {
    plan: Option<Arc<StoredPlan>>,
    records: Vec<Vec<Value>>,
}

impl RowSink for Records {
    fn begin(&mut self, _: usize) {
        self.records.clear();
    }

    fn row(&mut self, row: &dyn Row) -> Result<(), StoreError> {
        let plan = self.plan.as_ref().expect("a plan");
        self.records.push(plan.layout.read(row)?);
        Ok(())
    }
}
