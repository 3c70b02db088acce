//! Transactions as data, which run on either database.
#![expect(clippy::panic, reason = "a model that does not load fails the test; one act panics on purpose")]

use std::borrow::Cow;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use backstay_base::{CallerKind, DependencyKey, Flow, RecordId, Timestamp};
use backstay_model::{Collection, CollectionId, FieldId, Model, SourceFile};
use backstay_scalar::Storage;
use backstay_scalar::{Value, ValueRef};
use backstay_sql::{Param, Statement};
use backstay_store::{
    Change, ChangeKind, ChangedField, CommitObserver, Committed, Demand, KeyClaim, Origin, ReadStats, Recall, RowSink,
    Store, StoreError, Tx, Work, Writes,
};
use backstay_testkit::TestClock;
use futures_util::future::BoxFuture;

pub(crate) const MODEL: &str = r#"
extend schema @app(name: "Conformance")

type Author @allow(read: "true") {
  email: Email! @unique @class(is: PERSONAL)
  name: String!
  posts: [Post!] @inverse(field: "author")
}

type Post @allow(read: "true") @index(fields: ["title"]) {
  title: String!
  author: Author
  price: Money
  paid: Boolean
  day: Date
  weight: Float
  notes: JSON
  labels: [String!]
}
"#;

pub(crate) fn model(text: &str) -> Arc<Model> {
    let loaded = backstay_model::load(vec![SourceFile::app("model/app.graphql", text)]);
    Arc::new(loaded.unwrap_or_else(|errors| panic!("{errors:?}")).model)
}

/// What tests ask of the store.
pub(crate) fn demand() -> Demand {
    Demand::now(Flow::SYSTEM)
}

pub(crate) const AUTHOR: CollectionId = CollectionId(0);
pub(crate) const NOW: i64 = 1_769_860_800_000_000;

pub(crate) fn id(number: u32) -> RecordId {
    let mut bytes = [0; 16];
    bytes[6] = 0x70;
    bytes[8] = 0x80;
    bytes[12..].copy_from_slice(&number.to_be_bytes());
    RecordId::from_bytes(bytes)
}

pub(crate) fn moment(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros).expect("in range")
}

/// One step of a transaction.
#[derive(Debug, Clone)]
pub(crate) enum Act {
    Execute(Statement),
    Stage(Statement, Option<u64>),
    Change(Change),
    /// Runs the statement and goes on even if it fails.
    Try(Statement),
    Texts(Statement),
    Recall(KeyClaim),
    /// Ends the transaction successfully if the key is known.
    UnlessKnown(KeyClaim),
    Remember(KeyClaim, Vec<u8>, Timestamp),
    Refuse,
    Panic,
    Wait,
    /// Returns the transaction's moment.
    Moment,
    /// Delays the writer, so that the transactions that follow share its commit.
    Sleep,
}

/// What an act returned.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Seen {
    Nothing,
    Rows(u64),
    Texts(Vec<String>),
    Recall(Recall),
    Moment(Timestamp),
}

#[derive(Debug)]
pub(crate) enum Failure {
    Refused,
    Store(StoreError),
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// How a script ended, as a value to compare.
#[derive(Debug, PartialEq)]
pub(crate) enum Ended {
    Done,
    Refused,
    Unique { table: String, columns: Vec<String> },
    StagedRows { expected: u64, found: u64 },
    ForeignKey,
    StepLimit,
    Pending,
    Panicked,
    Aborted,
    Closed,
    Rejected,
}

impl<T> From<Result<T, Failure>> for Ended {
    fn from(result: Result<T, Failure>) -> Self {
        let error = match result {
            Ok(_) => return Self::Done,
            Err(Failure::Refused) => return Self::Refused,
            Err(Failure::Store(error)) => error,
        };
        match error {
            StoreError::Unique { table, columns } => Self::Unique { table, columns },
            StoreError::StagedRows { expected, found } => Self::StagedRows { expected, found },
            StoreError::ForeignKey => Self::ForeignKey,
            StoreError::StepLimit => Self::StepLimit,
            StoreError::Pending => Self::Pending,
            StoreError::Panicked => Self::Panicked,
            StoreError::Aborted => Self::Aborted,
            StoreError::Closed => Self::Closed,
            StoreError::Database(_) => Self::Rejected,
            other => panic!("an unexpected error: {other:?}"),
        }
    }
}

/// Another author has the same email.
pub(crate) fn email_taken() -> Ended {
    Ended::Unique { table: "author".to_owned(), columns: vec!["email".to_owned()] }
}

#[derive(Debug)]
pub(crate) struct Script {
    pub(crate) writes: Writes,
    pub(crate) acts: Vec<Act>,
}

pub(crate) fn script(writes: Writes, acts: impl IntoIterator<Item = Act>) -> Arc<Script> {
    Arc::new(Script { writes, acts: acts.into_iter().collect() })
}

impl Work for Script {
    type Output = Vec<Seen>;
    type Error = Failure;

    fn writes(&self) -> Writes {
        self.writes
    }

    fn demand(&self) -> Demand {
        Demand::now(Flow::SYSTEM)
    }

    fn origin(&self) -> Origin {
        Origin { kind: CallerKind::System, id: None, request: None, transaction: Cow::Borrowed("test") }
    }

    fn run<'a>(&'a self, tx: &'a mut Tx<'_>) -> BoxFuture<'a, Result<Vec<Seen>, Failure>> {
        Box::pin(async move {
            let mut seen = Vec::new();
            for act in &self.acts {
                if let Act::UnlessKnown(claim) = act
                    && tx.recall(claim).await? != Recall::New
                {
                    break;
                }
                seen.push(play(act, tx).await?);
            }
            Ok(seen)
        })
    }
}

async fn play(act: &Act, tx: &mut Tx<'_>) -> Result<Seen, Failure> {
    match act {
        Act::Execute(statement) => return Ok(Seen::Rows(tx.execute(statement).await?)),
        Act::Try(statement) => drop(tx.execute(statement).await),
        Act::Stage(statement, expected) => tx.stage(statement.clone(), *expected),
        Act::Change(change) => tx.change(change.clone()),
        Act::Texts(statement) => {
            let mut texts = Vec::new();
            let visit = &mut |row: &dyn backstay_sql::Row| {
                texts.push(shown(row.value(0)?));
                Ok(())
            };
            tx.rows(statement, visit).await?;
            return Ok(Seen::Texts(texts));
        }
        Act::Recall(claim) => return Ok(Seen::Recall(tx.recall(claim).await?)),
        Act::Remember(claim, answer, expires) => tx.remember(claim.clone(), answer.clone(), *expires),
        Act::Moment => return Ok(Seen::Moment(tx.moment())),
        Act::UnlessKnown(_) => {}
        Act::Refuse => return Err(Failure::Refused),
        Act::Panic => panic!("as the test wants"),
        Act::Sleep => std::thread::sleep(std::time::Duration::from_millis(100)),
        Act::Wait => std::future::pending().await,
    }
    Ok(Seen::Nothing)
}

fn shown(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Text(text) => text.to_owned(),
        ValueRef::Int(number) => number.to_string(),
        other => format!("{other:?}"),
    }
}

/// The clock of the stores at first.
pub(crate) fn clock() -> TestClock {
    TestClock::at("2026-01-31T12:00:00Z")
}

/// Records what it observes.
#[derive(Debug, Default)]
pub(crate) struct Told {
    pub(crate) before: Mutex<Vec<usize>>,
    pub(crate) after: Mutex<Vec<usize>>,
    pub(crate) keys: Mutex<Vec<DependencyKey>>,
    /// The keys that it was told of because of others, commit by commit.
    pub(crate) others: Mutex<Vec<Vec<DependencyKey>>>,
    pub(crate) foreign: AtomicUsize,
}

impl CommitObserver for Told {
    fn before_commit(&self, committed: Committed<'_>) {
        self.before.lock().expect("not poisoned").push(committed.changes.len());
    }

    fn after_commit(&self, committed: Committed<'_>) {
        self.after.lock().expect("not poisoned").push(committed.changes.len());
        self.keys.lock().expect("not poisoned").extend(committed.keys);
    }

    fn others_changed(&self, keys: &[DependencyKey]) {
        self.others.lock().expect("not poisoned").push(keys.to_vec());
    }

    fn foreign_change(&self) {
        self.foreign.fetch_add(1, Ordering::SeqCst);
    }
}

/// Takes the first column of all rows.
#[derive(Debug, Default)]
pub(crate) struct FirstColumn {
    pub(crate) begun: usize,
    pub(crate) values: Vec<String>,
}

impl RowSink for FirstColumn {
    fn begin(&mut self, _: usize) {
        self.begun += 1;
        self.values.clear();
    }

    fn row(&mut self, row: &dyn backstay_sql::Row) -> Result<(), StoreError> {
        self.values.push(shown(row.value(0)?));
        Ok(())
    }
}

/// Reads with a sink that stays where it is.
pub(crate) async fn read<S: RowSink + Default + 'static>(
    store: &Store,
    statement: &Statement,
    sink: &mut S,
) -> Result<ReadStats, StoreError> {
    let (returned, outcome) = store.read(demand(), statement, std::mem::take(sink)).await;
    *sink = returned;
    outcome
}

pub(crate) fn insert_author(number: u32, email: &str) -> Statement {
    let now = Param::Timestamp(moment(NOW));
    Statement::raw(
        "INSERT INTO author (id, created_at, updated_at, version, email, name) VALUES ($1, $2, $3, $4, $5, $6)",
        vec![
            Param::Id(id(number)),
            now.clone(),
            now,
            Param::Int(1),
            Param::Text(email.into()),
            Param::Text(format!("Author {number}").into()),
        ],
        &[],
    )
}

pub(crate) fn rename_author(number: u32, version: i64) -> Statement {
    Statement::raw(
        "UPDATE author SET name = $1, version = version + 1 WHERE id = $2 AND version = $3",
        vec![Param::Text("Renamed".into()), Param::Id(id(number)), Param::Int(version)],
        &[],
    )
}

pub(crate) fn insert_post(number: u32, author: u32) -> Statement {
    let now = Param::Timestamp(moment(NOW));
    Statement::raw(
        "INSERT INTO post (id, created_at, updated_at, version, title, author_id) VALUES ($1, $2, $3, $4, $5, $6)",
        vec![
            Param::Id(id(number)),
            now.clone(),
            now,
            Param::Int(1),
            Param::Text(format!("Post {number}").into()),
            Param::Id(id(author)),
        ],
        &[],
    )
}

pub(crate) fn emails() -> Statement {
    Statement::raw("SELECT email FROM author ORDER BY email", vec![], &[Storage::Text])
}

/// The change that goes with `insert_author`.
pub(crate) fn author_made(number: u32, email: &str) -> Change {
    let field = |field, new: &str| ChangedField { field, old: Value::Null, new: Value::text(new) };
    Change {
        collection: AUTHOR,
        record: id(number).into(),
        kind: ChangeKind::Create,
        version: 1,
        fields: vec![field(email_field(), email), field(name_field(), &format!("Author {number}"))],
    }
}

pub(crate) fn email_field() -> FieldId {
    FieldId(Collection::VERSION.0 + 1)
}

pub(crate) fn name_field() -> FieldId {
    FieldId(Collection::VERSION.0 + 2)
}

/// A create as the engine does it: one write and its change.
pub(crate) fn create_author(number: u32, email: &str) -> Arc<Script> {
    script(Writes::One, [Act::Stage(insert_author(number, email), Some(1)), Act::Change(author_made(number, email))])
}

pub(crate) fn claim(key: &str, fingerprint: u8) -> KeyClaim {
    KeyClaim { scope: b"caller".to_vec(), key: key.to_owned(), fingerprint: [fingerprint; 32] }
}
