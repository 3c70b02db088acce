//! Applications whose model changes while they hold records, on both databases.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use backstay_base::{Caller, RecordId, Secret};
use backstay_engine::{Application, Engine, Migration, OpenError, OpenOptions, OpenOutcome, Step};
use backstay_model::{SourceFile, load};
use backstay_store::Location;
use backstay_testkit::{Cluster, TestClient, TestClock, controlled};
use tempfile::TempDir;

/// Who may do everything, as it stands in every type of these tests.
const OPEN: &str = r#"@allow(read: "true", create: "true", update: "true", delete: "true")"#;

/// A database that a model can be applied to again and again.
pub(crate) struct Place {
    options: OpenOptions,
    clock: TestClock,
    caller: Arc<Caller>,
    /// By the order in which they were made.
    ids: Vec<RecordId>,
    _kept: (Option<TempDir>, Option<Arc<Cluster>>),
}

/// One server for all tests that run at the same time; the last one stops it.
fn cluster() -> Arc<Cluster> {
    static CLUSTER: Mutex<Weak<Cluster>> = Mutex::new(Weak::new());
    let mut shared = CLUSTER.lock().unwrap_or_else(PoisonError::into_inner);
    shared.upgrade().unwrap_or_else(|| {
        let cluster = Arc::new(Cluster::start());
        *shared = Arc::downgrade(&cluster);
        cluster
    })
}

impl Place {
    /// One on each database.
    pub(crate) fn both() -> [Self; 2] {
        let directory = tempfile::tempdir().expect("a directory");
        let embedded = Self::at(directory.path().into(), (Some(directory), None));
        let cluster = cluster();
        let url = Location::Url(Secret::new(cluster.database()));
        [embedded, Self::at(url, (None, Some(cluster)))]
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
        Engine::plan_migration(&application(model), &self.options).expect("a plan")
    }

    /// Applies a model that nothing stands in the way of, whatever it deletes.
    #[expect(clippy::panic, reason = "a test whose model is refused has failed, and is to show why")]
    pub(crate) fn applied(&self, model: &str) -> Vec<Step> {
        self.apply(model, true).unwrap_or_else(|error| panic!("{}: {error}", self.name()))
    }

    /// Applies a model as `backstay migrate apply` does.
    pub(crate) fn apply(&self, model: &str, allow_data_loss: bool) -> Result<Vec<Step>, OpenError> {
        let exists = matches!(self.options.location, Location::Url(_)) || Engine::database_exists(&self.options);
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
        Engine::open(application(model), &options, controlled(&self.clock, 7))
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
    let name = if model.contains("@app") { "" } else { "extend schema @app(name: \"Test\")\n" };
    let text = format!("{name}{}", model.replace("@open", OPEN));
    let loaded = load(vec![SourceFile::app("model/test.graphql", text)]);
    let loaded = loaded.unwrap_or_else(|found| panic!("{found}"));
    Application::compile(loaded.model).unwrap_or_else(|found| panic!("{found}"))
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
