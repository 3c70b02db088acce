//! What a model can say, end to end and on both databases: the examples of docs/model.md, and what is refused.

mod account;
mod computed;
mod given;
mod groups;
mod large;
mod money;
mod named;
mod nested;
mod old;
mod places;
mod secrets;
mod shared_money;
mod texts;

use std::sync::{Arc, Mutex, PoisonError, Weak};

use backstay_base::{Caller, Error, RecordId, Secret};
use backstay_engine::{Application, Engine, OpenOptions};
use backstay_expr::Account;
use backstay_model::{PlainDiagnostic, SourceFile, load};
use backstay_store::Location;
use backstay_testkit::{Cluster, TestClient, TestClock, controlled};
use tempfile::TempDir;

const DOCUMENT: &str = include_str!("../../../../docs/model.md");

/// The first model below a heading of docs/model.md.
fn example(heading: &str) -> &'static str {
    let (_, section) = DOCUMENT.split_once(&format!("# {heading}\n")).expect("the heading");
    let (_, rest) = section.split_once("```graphql\n").expect("an example");
    rest.split_once("```").expect("its end").0
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

/// An application on one of the databases.
struct App {
    database: &'static str,
    engine: Engine,
    client: TestClient,
    clock: TestClock,
    _kept: (Option<TempDir>, Option<Arc<Cluster>>),
}

impl App {
    /// The application of this model on each database. `@open` allows everything.
    fn both(model: &str) -> [Self; 2] {
        let directory = tempfile::tempdir().expect("a directory");
        let cluster = cluster();
        let url = Location::Url(Secret::new(cluster.database()));
        let path = directory.path().into();
        [
            Self::open(model, ("SQLite", path), (Some(directory), None)),
            Self::open(model, ("PostgreSQL", url), (None, Some(cluster))),
        ]
    }

    fn open(
        model: &str,
        (database, location): (&'static str, Location),
        kept: (Option<TempDir>, Option<Arc<Cluster>>),
    ) -> Self {
        let clock = TestClock::at("2026-01-31T12:00:00Z");
        let application = compiled(model).expect("the model compiles");
        let opened = Engine::open(application, &OpenOptions::new(location), controlled(&clock, 7));
        let (engine, _) = opened.expect("a database");
        let client = TestClient::new(&engine);
        Self { database, engine, client, clock, _kept: kept }
    }

    /// Creates a record for Backstay itself.
    async fn made(&self, of: &str, body: &str) -> RecordId {
        self.create(&Arc::new(Caller::system()), of, body).await.expect("a record")
    }

    /// An account of its own, with what rules ask of its record.
    async fn caller(&self, of: &str, body: &str) -> Arc<Caller> {
        let id = self.made(of, body).await;
        let accounts = self.client.collection(of);
        let record = self.engine.peek(accounts, id).await.expect("it is read").expect("it is there");
        let fields = self.engine.account_fields().iter();
        let account = Account::new(fields.map(|field| (*field, record.value(*field).clone())));
        let caller = Caller::account(id, Vec::<&str>::new());
        Arc::new(Caller { account: Some(account.into_own_record()), ..caller })
    }

    async fn create(&self, caller: &Arc<Caller>, of: &str, body: &str) -> Result<RecordId, Error> {
        let written = self.client.written(caller, self.client.create(of, body)?).await?;
        Ok(written.ids[0])
    }

    async fn update(&self, caller: &Arc<Caller>, (of, id): (&str, RecordId), body: &str) -> Result<(), Error> {
        self.client.written(caller, self.client.update(of, id, body)?).await.map(|_| ())
    }

    async fn delete(&self, caller: &Arc<Caller>, (of, id): (&str, RecordId)) -> Result<(), Error> {
        self.client.written(caller, self.client.delete(of, id)).await.map(|_| ())
    }

    async fn restore(&self, caller: &Arc<Caller>, (of, id): (&str, RecordId)) -> Result<(), Error> {
        self.client.written(caller, self.client.restore(of, id)).await.map(|_| ())
    }

    /// Some fields of a record.
    async fn one(&self, caller: &Arc<Caller>, (of, id): (&str, RecordId), select: &str) -> String {
        let request = self.client.get(of, id, Some(select)).expect("a get");
        let found = self.client.found(caller, request).await.expect("a record");
        serde_json::from_slice::<serde_json::Value>(&found.body).expect("JSON").to_string()
    }

    /// Groups of the records that the caller sees, or what is wrong with asking for them.
    async fn groups(&self, caller: &Arc<Caller>, of: &str, body: &str) -> serde_json::Value {
        let asked = self.client.aggregate(of, body);
        let page = match asked {
            Ok(request) => self.client.page(caller, request).await,
            Err(error) => Err(error),
        };
        match page {
            Ok(page) => serde_json::from_slice(&page.body).expect("JSON"),
            Err(Error::Malformed(violations)) => {
                let each = violations.iter().map(|violation| format!("{}: {}", violation.at, violation.kind));
                each.collect::<Vec<_>>().join("; ").into()
            }
            Err(error) => error.code().into(),
        }
    }

    /// All records of a type that the caller sees, or the code of the error.
    async fn list(&self, caller: &Arc<Caller>, of: &str, select: &str) -> String {
        let request = self.client.list(of, |words| words.select = Some(select.into())).expect("a list");
        let page = match self.client.page(caller, request).await {
            Ok(page) => page,
            Err(error) => return error.code().to_owned(),
        };
        let body: serde_json::Value = serde_json::from_slice(&page.body).expect("JSON");
        body["items"].to_string()
    }
}

fn application(model: &str) -> Result<Application, backstay_model::Diagnostics> {
    const OPEN: &str = r#"@allow(read: "true", create: "true", update: "true", delete: "true")"#;
    let name = if model.contains("@app") { "" } else { "extend schema @app(name: \"Test\")\n" };
    let text = format!("{name}{}", model.replace("@open", OPEN));
    Application::compile(load(vec![SourceFile::app("m.graphql", text)])?.model)
}

fn compiled(model: &str) -> Result<Application, String> {
    application(model).map_err(|diagnostics| diagnostics.to_string())
}

/// What is wrong with a model: place, message, and remedy of each.
fn wrong(model: &str) -> Vec<String> {
    let Err(diagnostics) = application(model) else { return Vec::new() };
    let place = |diagnostic: PlainDiagnostic| {
        let at = diagnostic.start.map_or_else(String::new, |start| format!("{}:{} ", start.line, start.column));
        let help = diagnostic.help.map_or_else(String::new, |help| format!(" ({help})"));
        format!("{at}{}{help}", diagnostic.message)
    };
    diagnostics.plain().into_iter().map(place).collect()
}

/// `ok`, or the code of the error with its violations.
fn told<T>(result: Result<T, Error>) -> String {
    match result {
        Ok(_) => "ok".to_owned(),
        Err(Error::Invalid(violations)) => {
            let each = violations.iter().map(|violation| format!("{} {:?}", violation.at, violation.kind));
            each.collect::<Vec<_>>().join("; ")
        }
        Err(error) => error.code().to_owned(),
    }
}
