//! Applications whose model changes while they hold records, on both databases.

use std::collections::{BTreeMap, BTreeSet};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError, RwLock, Weak};

use backstay_base::{Caller, Clock as _, RecordId, Secret};
use backstay_engine::{Application, Engine, Migration, OpenError, OpenOptions, OpenOutcome, PurgePass, Request, Step};
use backstay_model::{Diagnostics, Link, Model, SourceFile, load};
use backstay_store::Location;
use backstay_testkit::{Cluster, TestClient, TestClock, controlled};
use tempfile::TempDir;

/// Who may do everything, as it stands in every type of these tests.
const OPEN: &str = r#"@allow(read: "true", create: "true", update: "true", delete: "true")"#;

/// A database that a model can be applied to again and again.
pub(crate) struct Place {
    pub(crate) options: OpenOptions,
    clock: TestClock,
    caller: Arc<Caller>,
    /// By the order in which they were made.
    ids: Vec<RecordId>,
    _kept: (Option<TempDir>, Option<Arc<Cluster>>),
}

/// Held while a process is started, and shared while a database is opened: a process that is being started holds copies of
/// all locks on files for a moment.
static STARTING: RwLock<()> = RwLock::new(());

/// Starts a process.
pub(crate) fn started(command: &mut Command) -> Child {
    let _alone = STARTING.write().unwrap_or_else(PoisonError::into_inner);
    command.spawn().expect("the program is installed")
}

/// One server for all tests that run at the same time; the last one stops it.
fn cluster() -> Arc<Cluster> {
    static CLUSTER: Mutex<Weak<Cluster>> = Mutex::new(Weak::new());
    let mut shared = CLUSTER.lock().unwrap_or_else(PoisonError::into_inner);
    let _alone = STARTING.write().unwrap_or_else(PoisonError::into_inner);
    shared.upgrade().unwrap_or_else(|| {
        let cluster = Arc::new(Cluster::start());
        *shared = Arc::downgrade(&cluster);
        cluster
    })
}

impl Place {
    /// One on each database.
    pub(crate) fn both() -> [Self; 2] {
        [Self::sqlite(), Self::postgres()]
    }

    pub(crate) fn sqlite() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        Self::at(directory.path().into(), (Some(directory), None))
    }

    pub(crate) fn postgres() -> Self {
        let cluster = cluster();
        let alone = STARTING.write().unwrap_or_else(PoisonError::into_inner);
        let url = Location::Url(Secret::new(cluster.database()));
        drop(alone);
        Self::at(url, (None, Some(cluster)))
    }

    /// Another one on the same database system.
    pub(crate) fn another(&self) -> Self {
        match self.options.location {
            Location::Directory(_) => Self::sqlite(),
            Location::Url(_) => Self::postgres(),
        }
    }

    /// One that is kept elsewhere.
    pub(crate) fn of(location: Location) -> Self {
        Self::at(location, (None, None))
    }

    fn at(location: Location, kept: (Option<TempDir>, Option<Arc<Cluster>>)) -> Self {
        let clock = TestClock::at("2026-01-31T12:00:00Z");
        let caller = Arc::new(Caller::anonymous());
        Self { options: OpenOptions::new(location), clock, caller, ids: Vec::new(), _kept: kept }
    }

    pub(crate) fn name(&self) -> &'static str {
        match self.options.location {
            Location::Directory(_) => "SQLite",
            Location::Url(_) => "PostgreSQL",
        }
    }

    /// The steps to a model.
    pub(crate) fn plan(&self, model: &str) -> Vec<Step> {
        Engine::plan_migration(&application(model), &self.options, &controlled(&self.clock, 7)).expect("a plan")
    }

    /// Applies a model that nothing stands in the way of, whatever it deletes.
    #[expect(clippy::panic, reason = "a test whose model is refused has failed, and is to show why")]
    pub(crate) fn applied(&self, model: &str) -> Vec<Step> {
        self.apply(model, true).unwrap_or_else(|error| panic!("{}: {error}", self.name()))
    }

    /// Applies a model as `backstay migrate apply` does.
    pub(crate) fn apply(&self, model: &str, allow_data_loss: bool) -> Result<Vec<Step>, OpenError> {
        let exists = Engine::database_exists(&self.options)?;
        let planned = if exists { self.plan(model) } else { Vec::new() };
        let (engine, outcome) = self.open(model, Migration::Apply { allow_data_loss })?;
        engine.close();
        match outcome {
            OpenOutcome::Migrated(steps) => {
                assert_eq!(planned, steps, "a plan says what is done");
                Ok(steps)
            }
            OpenOutcome::Created | OpenOutcome::Unchanged => Ok(Vec::new()),
        }
    }

    pub(crate) fn open(&self, model: &str, migration: Migration) -> Result<(Engine, OpenOutcome), OpenError> {
        let options = OpenOptions { migration, ..self.options.clone() };
        let _shared = STARTING.read().unwrap_or_else(PoisonError::into_inner);
        Engine::open(application(model), &options, controlled(&self.clock, 7))
    }

    /// Opens the application of a model that is applied already; ids depend on the seed.
    pub(crate) fn serve(&self, model: &str, seed: u64) -> Engine {
        let options = OpenOptions { migration: Migration::Refuse, ..self.options.clone() };
        let _shared = STARTING.read().unwrap_or_else(PoisonError::into_inner);
        Engine::open(application(model), &options, controlled(&self.clock, seed)).expect("the same model").0
    }

    /// Everything that is in the database, as text.
    pub(crate) fn dump(&self) -> String {
        match &self.options.location {
            Location::Directory(directory) => {
                shell(Command::new("sqlite3").arg(directory.join("backstay.db")).arg(".dump"))
            }
            Location::Url(url) => {
                let dump = shell(Command::new("pg_dump").args(["--inserts", "--dbname"]).arg(url.expose()));
                // Newer versions put a random word there.
                dump.lines().filter(|line| !line.starts_with('\\')).collect::<Vec<_>>().join("\n")
            }
        }
    }

    /// Rows of a query, columns parted by `|`.
    fn rows(&self, sqlite: &str, postgres: &str) -> String {
        match &self.options.location {
            Location::Directory(directory) => {
                shell(Command::new("sqlite3").arg(directory.join("backstay.db")).arg(sqlite))
            }
            Location::Url(url) => {
                let psql = &mut Command::new("psql");
                shell(psql.args(["--no-psqlrc", "-At", "--command", postgres, "--dbname"]).arg(url.expose()))
            }
        }
    }

    /// In what the database differs from a new one of this model, apart from its records.
    pub(crate) fn differences(&self, model: &str) -> String {
        let problems = self.problems();
        let fresh = self.another();
        fresh.apply(model, false).expect("a new database");
        let (expected, found) = (fresh.objects(), self.objects());
        if problems.is_empty() && expected == found {
            return String::new();
        }
        let only_in = |one: &str, other: &str| {
            let other: Vec<&str> = other.lines().collect();
            one.lines().filter(|line| !other.contains(line)).collect::<Vec<_>>().join("\n  ")
        };
        let (missing, more) = (only_in(&expected, &found), only_in(&found, &expected));
        format!("problems: {problems}\nmissing:\n  {missing}\nmore than in a new database:\n  {more}")
    }

    /// What the database finds wrong with itself.
    fn problems(&self) -> String {
        let found = self.rows("PRAGMA integrity_check; PRAGMA foreign_key_check", "SELECT 'ok'");
        found.trim().trim_start_matches("ok").to_owned()
    }

    /// Tables, columns, references and indexes, in an order that isn't that of their creation; without column defaults
    /// and the names that PostgreSQL gives primary keys.
    fn objects(&self) -> String {
        self.rows(SQLITE_OBJECTS, POSTGRES_OBJECTS)
    }

    /// The numbers of types and fields, also of those that are gone.
    pub(crate) fn numbers(&self) -> Vec<Catalogued> {
        let query = "SELECT t.number, t.name, f.number, f.name FROM backstay_type t \
                     JOIN backstay_field f ON f.type = t.number";
        let rows = self.rows(query, query);
        let number = |line: &str| {
            let words: Vec<&str> = line.split('|').collect();
            let [type_number, of, field_number, field] = words[..] else { unreachable!("a row has four columns") };
            let int = |text: &str| text.parse().expect("a number");
            let (type_number, field_number) = (int(type_number), int(field_number));
            Catalogued { type_number, of: of.to_owned(), field_number, field: field.to_owned() }
        };
        rows.lines().map(number).collect()
    }

    /// The rows of the tables of relations in documents, by type and field: who refers to whom.
    pub(crate) fn mentioned(&self, model: &str) -> BTreeMap<(String, String), BTreeSet<(String, String)>> {
        let model = loaded(model).expect("a model");
        let mut mentioned: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
        for collection in &model.collections {
            for mention in &collection.mentions {
                let Link { table, near, far, .. } = &mention.link;
                let hex = |column: &str| format!("lower(hex(\"{column}\"))");
                let plain = |column: &str| format!("replace(\"{column}\"::text, '-', '')");
                let select = |of: &dyn Fn(&str) -> String| format!("SELECT {}, {} FROM \"{table}\"", of(near), of(far));
                let rows = self.rows(&select(&hex), &select(&plain));
                let pairs = rows.lines().filter_map(|row| row.split_once('|'));
                let pairs = pairs.map(|(near, far)| (hyphenated(near), hyphenated(far)));
                let of = (collection.name.clone(), collection.field(mention.document).name.clone());
                mentioned.entry(of).or_default().extend(pairs);
            }
        }
        mentioned
    }

    /// Makes records: type and body, in which `%0` is the id of the first record.
    pub(crate) async fn create(&mut self, model: &str, records: &[(&str, &str)]) {
        let (engine, _) = self.open(model, Migration::Refuse).expect("the same model");
        let client = TestClient::new(&engine);
        for (of, body) in records {
            let request = client.create(of, &self.filled(body)).expect("a body");
            let written = client.written(&self.caller, request).await.expect("a record");
            self.ids.extend(written.ids);
        }
        drop(client);
        engine.close();
    }

    /// All records of a type, with `%0` in the place of the first id.
    pub(crate) async fn records(&self, model: &str, (of, select): (&str, &str)) -> String {
        let (engine, _) = self.open(model, Migration::Refuse).expect("the same model");
        let client = TestClient::new(&engine);
        let request = client.list(of, |words| words.select = Some(select.into())).expect("a list");
        let page = client.page(&self.caller, request).await.expect("a page");
        drop(client);
        engine.close();
        self.shown(std::str::from_utf8(&page.body).expect("a text"))
    }

    /// All records of a type in its trash.
    pub(crate) async fn trash(&self, model: &str, (of, select): (&str, &str)) -> String {
        let (engine, _) = self.open(model, Migration::Refuse).expect("the same model");
        let client = TestClient::new(&engine);
        let request = client.trash(of, |words| words.select = Some(select.into())).expect("a list");
        let page = client.page(&self.caller, request).await.expect("a page");
        drop(client);
        engine.close();
        self.shown(std::str::from_utf8(&page.body).expect("a text"))
    }

    /// The history of the record with this number: what was done, and the changed values.
    pub(crate) async fn history(&self, model: &str, (of, number): (&str, usize)) -> Vec<String> {
        let (engine, _) = self.open(model, Migration::Refuse).expect("the same model");
        let client = TestClient::new(&engine);
        let page = client.page(&self.caller, client.history(of, self.ids[number])).await.expect("a history");
        drop(client);
        engine.close();
        let body: serde_json::Value = serde_json::from_slice(&page.body).expect("JSON");
        let items = body["items"].as_array().cloned().unwrap_or_default();
        let shown = |item: &serde_json::Value| {
            self.shown(&format!("{} {}", item["action"].as_str().unwrap_or_default(), item["changes"]))
        };
        items.iter().map(shown).collect()
    }

    /// Changes the record with this number.
    pub(crate) async fn update(&self, model: &str, (of, number): (&str, usize), body: &str) {
        self.clock.advance("PT1H");
        self.write(model, |client| client.update(of, self.ids[number], &self.filled(body)).expect("a patch")).await;
    }

    /// Lets an hour pass, and says what time it is then.
    pub(crate) fn an_hour_later(&self) -> String {
        self.clock.advance("PT1H");
        self.clock.now().to_string()
    }

    /// All records of a type as they were at a moment.
    pub(crate) async fn records_as_of(&self, model: &str, (of, select): (&str, &str), moment: &str) -> String {
        let (engine, _) = self.open(model, Migration::Refuse).expect("the same model");
        let client = TestClient::new(&engine);
        let request = client.list(of, |words| {
            (words.select, words.as_of) = (Some(select.into()), Some(moment.into()));
        });
        let page = client.page(&self.caller, request.expect("a list")).await.expect("a page");
        drop(client);
        engine.close();
        self.shown(std::str::from_utf8(&page.body).expect("a text"))
    }

    /// Deletes the record with this number.
    pub(crate) async fn delete(&self, model: &str, (of, number): (&str, usize)) {
        self.write(model, |client| client.delete(of, self.ids[number])).await;
    }

    /// Whether the record with this number can be deleted; it is, then.
    pub(crate) async fn can_delete(&self, model: &str, (of, number): (&str, usize)) -> bool {
        let (engine, _) = self.open(model, Migration::Refuse).expect("the same model");
        let client = TestClient::new(&engine);
        let deleted = client.written(&self.caller, client.delete(of, self.ids[number])).await;
        drop(client);
        engine.close();
        deleted.is_ok()
    }

    /// Brings the record with this number back from the trash.
    pub(crate) async fn restore(&self, model: &str, (of, number): (&str, usize)) {
        self.write(model, |client| client.restore(of, self.ids[number])).await;
    }

    async fn write(&self, model: &str, request: impl FnOnce(&TestClient) -> Request) {
        let (engine, _) = self.open(model, Migration::Refuse).expect("the same model");
        let client = TestClient::new(&engine);
        client.written(&self.caller, request(&client)).await.expect("it is done");
        drop(client);
        engine.close();
    }

    /// Purges what has been in the trash for long enough when this time has passed.
    pub(crate) async fn purge_after(&self, model: &str, time: &str) {
        self.clock.advance(time);
        let (engine, _) = self.open(model, Migration::Refuse).expect("the same model");
        assert!(!engine.purge_expired(&mut PurgePass::default()).await.expect("it purges"), "nothing more is due");
        engine.close();
    }

    fn filled(&self, text: &str) -> String {
        let ids = self.ids.iter().enumerate().rev();
        ids.fold(text.to_owned(), |text, (at, id)| text.replace(&format!("%{at}"), &id.to_string()))
    }

    pub(crate) fn shown(&self, text: &str) -> String {
        let ids = self.ids.iter().enumerate();
        ids.fold(text.to_owned(), |text, (at, id)| text.replace(&id.to_string(), &format!("%{at}")))
    }
}

#[expect(clippy::panic, reason = "a test with a model that does not load has failed, and is to show why")]
fn application(model: &str) -> Application {
    compiled(model).unwrap_or_else(|found| panic!("{found}"))
}

/// Whether a text is a model.
pub(crate) fn is_valid(model: &str) -> bool {
    compiled(model).is_ok()
}

fn compiled(model: &str) -> Result<Application, Diagnostics> {
    Application::compile(loaded(model)?)
}

fn loaded(model: &str) -> Result<Model, Diagnostics> {
    let name = if model.contains("@app") { "" } else { "extend schema @app(name: \"Test\")\n" };
    let text = format!("{name}{}", model.replace("@open", OPEN));
    let mut files = vec![SourceFile::app("model/test.graphql", text)];
    if let Some(accounts) = identity(model) {
        files.push(SourceFile::system("test/own.graphql", OWN.replace("ACCOUNT", accounts).replace("@open", OPEN)));
    }
    Ok(load(files)?.model)
}

/// What Backstay itself stores about accounts, as far as migrations are concerned.
const OWN: &str = "type BackstayCredential @open {
  account: ACCOUNT @unique @onDelete(do: CASCADE)
  roles: [String!]! @names(of: ROLES)
}
type BackstaySession @open { credential: BackstayCredential! @onDelete(do: CASCADE) }
type BackstayKey @open { roles: [String!]! @names(of: ROLES)  grantedActions: [String!] @names(of: TYPES) }";

/// The type that is marked `@identity`.
fn identity(model: &str) -> Option<&str> {
    let (before, _) = model.split_once(" @identity")?;
    before.rsplit("type ").next()?.split(' ').next()
}

/// An id as the API writes it.
fn hyphenated(digits: &str) -> String {
    [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]].join("-")
}

/// A row of the catalog.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Catalogued {
    pub(crate) type_number: u32,
    pub(crate) of: String,
    pub(crate) field_number: u32,
    pub(crate) field: String,
}

const SQLITE_OBJECTS: &str = r#"
SELECT m.name, 'column', p.name, p.type, p."notnull", p.pk FROM sqlite_schema m, pragma_table_xinfo(m.name) p
WHERE m.type = 'table' UNION ALL
SELECT m.name, 'reference', f."from", f."table", f."to", f.on_delete
FROM sqlite_schema m, pragma_foreign_key_list(m.name) f WHERE m.type = 'table' UNION ALL
SELECT name, 'table', strict, wr, '', '' FROM pragma_table_list WHERE schema = 'main' UNION ALL
SELECT tbl_name, type, name, sql, '', '' FROM sqlite_schema WHERE type <> 'table'
ORDER BY 1, 2, 3, 4, 5, 6"#;

const POSTGRES_OBJECTS: &str = "
SELECT table_name::text, 'column', column_name::text, udt_name::text, collation_name::text, is_nullable::text
FROM information_schema.columns WHERE table_schema = 'public' UNION ALL
SELECT conrelid::regclass::text, 'constraint', CASE WHEN contype IN ('p', 'c') THEN '' ELSE conname::text END,
CASE contype WHEN 'c' THEN (SELECT 'CHECK ' || string_agg(attname, ' ' ORDER BY attname) FROM pg_attribute
WHERE attrelid = conrelid AND attnum = ANY (conkey)) ELSE pg_get_constraintdef(oid) END, '', ''
FROM pg_constraint WHERE contype <> 'n' AND connamespace = 'public'::regnamespace UNION ALL
SELECT tablename::text, 'index', indexname::text, indexdef, '', '' FROM pg_indexes
WHERE schemaname = 'public' AND indexname NOT IN (SELECT conname FROM pg_constraint WHERE contype = 'p')
ORDER BY 1, 2, 3, 4, 5, 6";

fn shell(command: &mut Command) -> String {
    let shell = started(command.stdout(Stdio::piped()).stderr(Stdio::piped()));
    let output = shell.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The steps in words, with what was found.
pub(crate) fn told(steps: &[Step], place: &Place) -> Vec<String> {
    let told = steps.iter().map(|step| {
        let records = step.records.map(|records| format!(" {records}")).unwrap_or_default();
        let found: Vec<String> = step.findings.iter().map(|finding| format!(" [{finding}]")).collect();
        place.shown(&format!("{:?}{records}: {}{}", step.risk, step.words, found.concat()))
    });
    told.collect()
}
