//! One application on each database.

use std::collections::BTreeMap;
use std::sync::Arc;

use backstay_base::{Caller, Conflict, Error, KeyForm, Limit, Overlap, Place, RecordId, Related, Secret};
use backstay_engine::{
    Application, Context, Engine, Explanation, Input, List, MatchingAct, Migration, OfMatching, OpenOptions, PurgePass,
    Reach, RecordAct, RefreshPass, Refused, Request, Transaction, WriteOptions,
};
use backstay_model::{Diagnostics, SourceFile, load};
use backstay_rest::ListWords;
use backstay_store::Location;
use backstay_testkit::{Cluster, TestClient, TestClock, controlled};
use tempfile::TempDir;

/// Who may do everything, as it stands in types of these tests.
const OPEN: &str = r#"@allow(read: "true", create: "true", update: "true", delete: "true")"#;

/// What is sent at once.
pub(crate) enum Sent {
    /// A request by itself.
    Alone(Box<Request>),
    /// Several in one commit.
    Together(Vec<Request>),
}

/// An application that serves a model.
pub(crate) struct Served {
    pub(crate) database: &'static str,
    pub(crate) clock: TestClock,
    client: Option<TestClient>,
    engine: Option<Engine>,
    options: OpenOptions,
    caller: Arc<Caller>,
    /// By the order in which they were made.
    ids: Vec<RecordId>,
    kept: (Option<TempDir>, Option<Arc<Cluster>>),
}

impl Served {
    /// The model on both databases.
    pub(crate) fn both(model: &str) -> [Self; 2] {
        [Self::sqlite(model), Self::postgres(model)]
    }

    pub(crate) fn sqlite(model: &str) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        Self::at("SQLite", directory.path().into(), (Some(directory), None), model)
    }

    pub(crate) fn postgres(model: &str) -> Self {
        let cluster = Arc::new(Cluster::start());
        let url = Location::Url(Secret::new(cluster.database()));
        Self::at("PostgreSQL", url, (None, Some(cluster)), model)
    }

    fn at(
        database: &'static str,
        location: Location,
        kept: (Option<TempDir>, Option<Arc<Cluster>>),
        model: &str,
    ) -> Self {
        let mut served = Self {
            database,
            clock: TestClock::at("2026-01-31T12:00:00Z"),
            client: None,
            engine: None,
            options: OpenOptions::new(location),
            caller: Arc::new(Caller::anonymous()),
            ids: Vec::new(),
            kept,
        };
        served.serve(model);
        served
    }

    /// Serves another model.
    pub(crate) fn serve(&mut self, model: &str) {
        self.client = None;
        if let Some(engine) = self.engine.take() {
            engine.close();
        }
        let options = OpenOptions { migration: Migration::Apply { allow_data_loss: false }, ..self.options.clone() };
        let seed = 7 + self.ids.len() as u64;
        let (engine, _) = Engine::open(application(model), &options, controlled(&self.clock, seed)).expect("it opens");
        self.client = Some(TestClient::new(&engine));
        self.engine = Some(engine);
    }

    /// Asks in the name of this caller from now on.
    pub(crate) fn ask_as(&mut self, caller: Caller) {
        self.caller = Arc::new(caller);
    }

    /// Asks in the name of the account with this number from now on.
    pub(crate) fn ask_as_account(&mut self, number: usize) {
        self.ask_as(Caller::account(self.ids[number], Vec::<&str>::new()));
    }

    fn client(&self) -> &TestClient {
        self.client.as_ref().expect("a model is served")
    }

    /// Creates a record; `%0` in the body is the id of the first one. Tells of an error what was wrong.
    pub(crate) async fn create(&mut self, of: &str, body: &str) -> String {
        let body = self.filled(body);
        let request = match self.client().create(of, &body) {
            Ok(request) => request,
            Err(error) => return told(&error),
        };
        match self.client().written(&self.caller, request).await {
            Ok(written) => {
                self.ids.extend(written.ids);
                "ok".to_owned()
            }
            Err(error) => told(&error),
        }
    }

    /// Gives the records of a type numbers that have none yet, in the order of their ids.
    pub(crate) async fn learn(&mut self, of: &str) {
        let request = self.client().list(of, |words| words.select = Some("id".into())).expect("a list");
        let page = self.client().page(&self.caller, request).await.expect("a page");
        let body: serde_json::Value = serde_json::from_slice(&page.body).expect("JSON");
        let ids = body["items"].as_array().expect("a list").iter();
        let ids: Vec<RecordId> = ids.map(|item| item["id"].as_str().expect("an id").parse().expect("an id")).collect();
        self.ids.extend(ids.into_iter().filter(|id| !self.ids.contains(id)).collect::<Vec<_>>());
    }

    /// Creates records in requests of their own that are sent at the same time; what was answered to each.
    pub(crate) async fn create_at_once(&mut self, of: &str, bodies: Vec<String>) -> Vec<String> {
        let requests = bodies.iter().map(|body| self.client().create(of, body).expect("a create"));
        let requests = requests.map(|request| {
            let client = TestClient::new(self.engine.as_ref().expect("a model is served"));
            let caller = Arc::clone(&self.caller);
            tokio::spawn(async move { client.written(&caller, request).await })
        });
        let requests: Vec<_> = requests.collect();
        let mut answers = Vec::new();
        for request in requests {
            match request.await.expect("it doesn't panic") {
                Ok(written) => {
                    self.ids.extend(written.ids);
                    answers.push("ok".to_owned());
                }
                Err(error) => answers.push(told(&error)),
            }
        }
        answers
    }

    /// Does two things at the same time; what was answered to each.
    pub(crate) async fn at_once(&self, requests: [Request; 2]) -> [String; 2] {
        let [first, second] = requests.map(|request| {
            let client = TestClient::new(self.engine.as_ref().expect("a model is served"));
            let caller = Arc::clone(&self.caller);
            tokio::spawn(async move { client.written(&caller, request).await })
        });
        let answer = |answer: Result<_, Error>| answer.map_or_else(|error| told(&error), |_| "ok".to_owned());
        [answer(first.await.expect("it doesn't panic")), answer(second.await.expect("it doesn't panic"))]
    }

    /// Sends all of them at the same time; how often each answer came.
    pub(crate) async fn all_at_once(&self, requests: Vec<Sent>) -> BTreeMap<String, usize> {
        let sent = requests.into_iter().map(|sent| {
            let client = TestClient::new(self.engine.as_ref().expect("a model is served"));
            let caller = Arc::clone(&self.caller);
            tokio::spawn(async move {
                match sent {
                    Sent::Alone(request) => client.written(&caller, *request).await.map(drop),
                    Sent::Together(requests) => {
                        client.answer_all(&caller, requests, None).await.map(drop).map_err(|refused| refused.error)
                    }
                }
            })
        });
        let mut answers = BTreeMap::new();
        for answer in sent.collect::<Vec<_>>() {
            let answer = answer.await.expect("it doesn't panic");
            *answers.entry(answer.map_or_else(|error| told(&error), |()| "ok".to_owned())).or_default() += 1;
        }
        answers
    }

    /// How many deadlocks the server has ended.
    pub(crate) fn deadlocks(&self) -> usize {
        let cluster = self.kept.1.as_ref().expect("a server");
        let log = std::fs::read_to_string(cluster.file("log")).expect("the server's log");
        log.matches("deadlock detected").count()
    }

    /// A request that creates records, or changes those with the same value of a field.
    pub(crate) fn upserting(&self, of: &str, by: &str, body: &str) -> Request {
        let Request::Create(mut create) = self.creating(of, body) else { unreachable!("a create is a create") };
        let collection = self.client().collection(of);
        let model = self.engine.as_ref().expect("a model is served").model();
        create.on_conflict = Some(vec![model.collection(collection).field_named(by).expect("a field").id]);
        Request::Create(create)
    }

    /// A request that does this with all records of a type that match a filter.
    pub(crate) fn matching(&self, of: &str, filter: &str, act: MatchingAct) -> Request {
        let list = self.client().list(of, |words| words.filter = Some(self.filled(filter).into())).expect("a list");
        let Request::List(List { collection, filter, .. }) = list else { unreachable!("a list is a list") };
        let (reach, dry_run, options) = (Reach::All { most: 500 }, false, WriteOptions::default());
        Request::OfMatching(OfMatching { act, collection, filter, reach, dry_run, options })
    }

    /// The same with the first so many of them in an order.
    pub(crate) fn first_matching(
        &self,
        of: &str,
        (filter, sort): (&str, &str),
        count: u32,
        act: MatchingAct,
    ) -> Request {
        let listed = self.client().list(of, |words| words.sort = Some(sort.to_owned().into())).expect("a list");
        let (Request::List(List { sort, .. }), Request::OfMatching(matching)) =
            (listed, self.matching(of, filter, act))
        else {
            unreachable!("a list is a list")
        };
        Request::OfMatching(OfMatching { reach: Reach::First { count, sort }, ..matching })
    }

    /// The same request as a dry run.
    pub(crate) fn dry(request: Request) -> Request {
        let Request::OfMatching(matching) = request else { unreachable!("only these can be dry runs") };
        Request::OfMatching(OfMatching { dry_run: true, ..matching })
    }

    /// Why a request is refused.
    pub(crate) async fn refusal(&self, request: Request) -> Option<Error> {
        self.client().written(&self.caller, request).await.err()
    }

    /// The input of a change of a record.
    pub(crate) fn input(&self, of: &str, body: &str) -> Input {
        let Request::Update(update) = self.updating(of, 0, body) else { unreachable!("an update is an update") };
        update.input
    }

    /// A field of the record that was made last.
    pub(crate) async fn newest(&self, of: &str, field: &str) -> serde_json::Value {
        let id = *self.ids.last().expect("a record was made");
        let request = self.client().get(of, id, Some(field)).expect("a get");
        let found = self.client().found(&self.caller, request).await.expect("a record");
        serde_json::from_slice::<serde_json::Value>(&found.body).expect("JSON")[field].take()
    }

    /// Changes the record of this number.
    pub(crate) async fn update(&mut self, of: &str, number: usize, body: &str) -> String {
        let body = self.filled(body);
        let request = match self.client().update(of, self.ids[number], &body) {
            Ok(request) => request,
            Err(error) => return told(&error),
        };
        match self.client().written(&self.caller, request).await {
            Ok(_) => "ok".to_owned(),
            Err(error) => told(&error),
        }
    }

    /// Deletes the record of this number.
    pub(crate) async fn delete(&mut self, of: &str, number: usize) -> String {
        self.done(self.deleting(of, number)).await
    }

    /// Brings the record of this number back from the trash.
    pub(crate) async fn restore(&mut self, of: &str, number: usize) -> String {
        self.done(self.restoring(of, number)).await
    }

    /// The same of a record that gets other values as it comes back.
    pub(crate) async fn restore_with(&mut self, of: &str, number: usize, body: &str) -> String {
        match self.client().restore_with(of, self.ids[number], &self.filled(body)) {
            Ok(request) => self.shown(&self.done(request).await),
            Err(error) => told(&error),
        }
    }

    /// Deletes the record of this number, which is in the trash, for good.
    pub(crate) async fn purge(&mut self, of: &str, number: usize) -> String {
        let request = self.client().of_record(RecordAct::Purge, of, self.ids[number]);
        self.done(request).await
    }

    /// Purges what has been in the trash for long enough.
    pub(crate) async fn purge_expired(&self) {
        let engine = self.engine.as_ref().expect("a model is served");
        let more = engine.purge_expired(&mut PurgePass::default()).await.expect("it purges");
        assert!(!more, "one step is enough for these few records");
    }

    /// Refreshes all stored sums in the queue; how many commits that took.
    pub(crate) async fn refresh_sums(&self) -> usize {
        let engine = self.engine.as_ref().expect("a model is served");
        let (mut pass, mut steps) = (RefreshPass::default(), 0);
        while engine.refresh_sums(&mut pass).await.expect("they are refreshed") {
            steps += 1;
        }
        steps
    }

    /// Refreshes stored sums, a few at a time, while something else happens.
    pub(crate) fn refreshing(&self) -> tokio::task::JoinHandle<()> {
        let engine = self.engine.as_ref().expect("a model is served").clone();
        tokio::spawn(async move {
            for _ in 0..20 {
                engine.refresh_sums(&mut RefreshPass::default()).await.expect("they are refreshed");
            }
        })
    }

    /// How many stored sums of how many records differ, and how many of these are in the queue.
    pub(crate) async fn queued_sums(&self) -> String {
        let engine = self.engine.as_ref().expect("a model is served");
        let compared = engine.compare_sums(&Context::system(engine)).await.expect("they are compared");
        let told = compared.iter().map(|sum| format!("{} {} {}", sum.sum, sum.differing, sum.queued));
        told.collect::<Vec<_>>().join(", ")
    }

    /// Does something, of which nothing but its success is of interest.
    pub(crate) async fn done(&self, request: Request) -> String {
        match self.client().written(&self.caller, request).await {
            Ok(_) => "ok".to_owned(),
            Err(error) => told(&error),
        }
    }

    /// A request that creates a record.
    pub(crate) fn creating(&self, of: &str, body: &str) -> Request {
        self.client().create(of, &self.filled(body)).expect("a request")
    }

    /// A request that changes the record of this number.
    pub(crate) fn updating(&self, of: &str, number: usize, body: &str) -> Request {
        self.client().update(of, self.ids[number], &self.filled(body)).expect("a request")
    }

    /// A request that brings the record of this number back from the trash.
    pub(crate) fn restoring(&self, of: &str, number: usize) -> Request {
        self.client().restore(of, self.ids[number])
    }

    /// The same with other values for it.
    pub(crate) fn restoring_with(&self, of: &str, number: usize, body: &str) -> Request {
        self.client().restore_with(of, self.ids[number], &self.filled(body)).expect("a request")
    }

    /// A request that deletes the record of this number.
    pub(crate) fn deleting(&self, of: &str, number: usize) -> Request {
        self.client().delete(of, self.ids[number])
    }

    /// Does all of them in one commit or none. Tells which of them was refused, and why.
    pub(crate) async fn together(&self, requests: Vec<Request>) -> String {
        match self.client().answer_all(&self.caller, requests, None).await {
            Ok(_) => "ok".to_owned(),
            Err(Refused { request, incomplete: _, error }) => self.shown(&format!("{request:?} {}", told(&error))),
        }
    }

    /// How a request would fare.
    pub(crate) async fn explained(&self, request: Request) -> Explanation {
        self.client().explain(&self.caller, request).await.expect("an explanation")
    }

    /// Runs a transaction of Backstay's own in the name of the caller.
    pub(crate) async fn run<T: Transaction>(&self, transaction: T) -> Result<T::Answer, String> {
        let engine = self.engine.as_ref().expect("a model is served");
        let cx = Context::new(engine, Arc::clone(&self.caller));
        engine.run(&cx, transaction).await.map_err(|error| self.shown(&told(&error)))
    }

    /// The id of the record of this number.
    pub(crate) fn id(&self, number: usize) -> RecordId {
        self.ids[number]
    }

    /// The stored sums that aren't what they should be, those of records in the trash included.
    pub(crate) async fn differing_sums(&self) -> Vec<String> {
        let engine = self.engine.as_ref().expect("a model is served");
        let compared = engine.compare_sums(&Context::system(engine)).await.expect("they are compared");
        let differing = compared.into_iter().filter(|sum| sum.differing > 0);
        differing.map(|sum| format!("{} of {:?}", sum.sum, sum.first)).collect()
    }

    /// The records of a type, with `%0` for the first id if it is a UUID.
    pub(crate) async fn list(&self, of: &str, select: &str, filter: Option<&str>) -> String {
        self.list_by(of, |words| {
            words.select = Some(select.to_owned().into());
            words.filter = filter.map(|filter| filter.to_owned().into());
        })
        .await
    }

    /// The values of a field of the records that a search finds, in its order.
    pub(crate) async fn search(&self, of: &str, field: &str, text: &str) -> String {
        let list = |words: &mut ListWords<'static>| {
            words.select = Some(field.to_owned().into());
            words.search = Some(text.to_owned().into());
        };
        let page = self.list_by(of, list).await;
        let Ok(serde_json::Value::Array(items)) = serde_json::from_str(&page) else { return page };
        let values: Vec<&str> = items.iter().map(|item| item[field].as_str().unwrap_or("null")).collect();
        values.join(", ")
    }

    /// The whole body of a list.
    pub(crate) async fn page(&self, of: &str, change: impl FnOnce(&mut ListWords<'static>)) -> serde_json::Value {
        let request = self.client().list(of, change).expect("a list");
        let page = self.client().page(&self.caller, request).await.expect("a page");
        serde_json::from_slice(&page.body).expect("JSON")
    }

    pub(crate) async fn list_by(&self, of: &str, change: impl FnOnce(&mut ListWords<'static>)) -> String {
        self.page_of(self.client().list(of, change)).await
    }

    async fn page_of(&self, request: Result<Request, Error>) -> String {
        let page = match request {
            Ok(request) => self.client().page(&self.caller, request).await,
            Err(error) => Err(error),
        };
        match page {
            Ok(page) => {
                let body: serde_json::Value = serde_json::from_slice(&page.body).expect("JSON");
                self.shown(&body["items"].to_string())
            }
            Err(error) => told(&error),
        }
    }

    /// The records of a type in the trash.
    pub(crate) async fn trash(&self, of: &str, select: &str) -> String {
        let request = self.client().trash(of, |words| words.select = Some(select.to_owned().into()));
        self.page_of(request).await
    }

    /// What each change of the record of this number did, the latest first: its version, what was done, and the values.
    pub(crate) async fn history(&self, of: &str, number: usize) -> Vec<String> {
        let page = match self.client().page(&self.caller, self.client().history(of, self.ids[number])).await {
            Ok(page) => page,
            Err(error) => return vec![told(&error)],
        };
        let body: serde_json::Value = serde_json::from_slice(&page.body).expect("JSON");
        let items = body["items"].as_array().cloned().unwrap_or_default();
        let shown = |item: &serde_json::Value| {
            let (version, action) = (&item["version"], item["action"].as_str().unwrap_or_default());
            self.shown(&format!("{version} {action} {}", item["changes"]))
        };
        items.iter().map(shown).collect()
    }

    /// A request for the history of the record of this number.
    pub(crate) fn reading_history(&self, of: &str, number: usize) -> Request {
        self.client().history(of, self.ids[number])
    }

    /// The records of a type as they were at a moment.
    pub(crate) async fn list_as_of(&self, of: &str, select: &str, moment: &str, filter: Option<&str>) -> String {
        self.list_by(of, |words| {
            (words.select, words.as_of) = (Some(select.to_owned().into()), Some(moment.to_owned().into()));
            words.filter = filter.map(|filter| filter.to_owned().into());
        })
        .await
    }

    /// The values of `number` of the records of a type, page after page.
    pub(crate) async fn numbers(&self, of: &str, filter: &str) -> Vec<i64> {
        let mut found: Vec<i64> = Vec::new();
        loop {
            let after = found.iter().max().map_or(String::new(), |last| format!(" && number > {last}"));
            let request = self.client().list(of, |words| {
                words.select = Some("number".into());
                words.sort = Some("number".into());
                words.limit = Some(500);
                words.filter = Some(format!("{filter}{after}").into());
            });
            let page = self.client().page(&self.caller, request.expect("a list")).await.expect("a page");
            let body: serde_json::Value = serde_json::from_slice(&page.body).expect("JSON");
            let items = body["items"].as_array().expect("a list");
            if items.is_empty() {
                return found;
            }
            found.extend(items.iter().filter_map(|item| item["number"].as_i64()));
        }
    }

    fn filled(&self, text: &str) -> String {
        let ids = self.ids.iter().enumerate().rev();
        ids.fold(text.to_owned(), |text, (at, id)| text.replace(&format!("%{at}"), &id.to_string()))
    }

    fn shown(&self, text: &str) -> String {
        let ids = self.ids.iter().enumerate().filter(|(_, id)| id.form() == KeyForm::Uuid);
        ids.fold(text.to_owned(), |text, (at, id)| text.replace(&id.to_string(), &format!("%{at}")))
    }
}

/// The example of a section of docs/model.md.
pub(crate) fn documented(heading: &str) -> &'static str {
    const DOCUMENT: &str = include_str!("../../../../docs/model.md");
    let (_, section) = DOCUMENT.split_once(&format!("{heading}\n")).expect("the section is there");
    let (_, example) = section.split_once("```graphql\n").expect("an example");
    example.split_once("```").expect("its end").0
}

/// Which of several records is meant.
fn at(record: &Place) -> String {
    match record {
        Place::Whole => String::new(),
        place => format!(" (record {})", place.to_string().trim_start_matches('/')),
    }
}

/// An error by its values.
fn told(error: &Error) -> String {
    let code = error.code();
    match error {
        Error::Malformed(violations) | Error::Invalid(violations) => {
            let told: Vec<String> = violations.iter().map(|one| format!("{} {:?}", one.at, one.kind)).collect();
            format!("{code}: {}", told.join(", "))
        }
        Error::Conflict(Conflict::Unique { collection, fields, record }) => {
            let record = at(record);
            format!("{code}: {collection} {}{record}", fields.join(", "))
        }
        Error::Conflict(Conflict::Overlap(overlap)) => {
            let Overlap { collection, range, same, other, record } = &**overlap;
            let record = at(record);
            let other = if other.is_some() { "one that is seen" } else { "another" };
            format!("{code}: {collection} {} [{}] {other}{record}", range.join(" to "), same.join(", "))
        }
        Error::Conflict(Conflict::Related { of: Some(related) }) => {
            let Related { collection, id: _, conflict } = &**related;
            format!("{code}: of {collection} {}", told(&conflict.clone().into()))
        }
        Error::Conflict(conflict) => format!("{code}: {conflict:?}"),
        Error::Limit(Limit::Deletion(deletion)) => format!("{code}: {deletion}"),
        Error::Internal(cause) => format!("{code}: {cause:?}"),
        _ => code.to_owned(),
    }
}

#[expect(clippy::panic, reason = "a test with a model that does not load has failed, and is to show why")]
fn application(model: &str) -> Application {
    compiled(model).unwrap_or_else(|found| panic!("{found}"))
}

/// What is wrong with a model; empty if nothing is.
pub(crate) fn refused(model: &str) -> String {
    compiled(model).err().map(|found| found.to_string()).unwrap_or_default()
}

fn compiled(model: &str) -> Result<Application, Diagnostics> {
    let app = if model.contains("@app") { "" } else { "extend schema @app(name: \"Test\")\n" };
    let text = format!("{app}{}", model.replace("@open", OPEN));
    Application::compile(load(vec![SourceFile::app("model/test.graphql", text)])?.model)
}
