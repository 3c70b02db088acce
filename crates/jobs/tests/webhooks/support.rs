use std::sync::Arc;
use std::time::Duration;

use backstay_base::{Ambient, Caller, Conflict, Error, RecordId};
use backstay_egress::Settings;
use backstay_engine::{Answer, Context, Engine, Get, Perspective, Request};
use backstay_jobs::{Courier, Dispatching, NewWebhook, Sight, Webhooks, webhooks_model};
use backstay_model::{CollectionId, SourceFile};
use backstay_rest::{JSON, Reader};
use backstay_testkit::{TestApplication, TestClient, TestClock, controlled};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use parking_lot::Mutex;

use crate::receiver::Receiver;

const MODEL: &str = r#"
extend schema @app(name: "News")

enum Role @roles { READER EDITOR }

type Post @trash(keep: "30d")
  @allow(read: "this.published || 'EDITOR' in auth.roles", create: "'EDITOR' in auth.roles", update: "'EDITOR' in auth.roles",
         delete: "'EDITOR' in auth.roles") {
  title: String!
  published: Boolean!
  notes: String @allow(read: "'EDITOR' in auth.roles")
  tags: [Tag!]
}

type Tag @key(type: INT)
  @allow(read: "true", create: "'EDITOR' in auth.roles", update: "'EDITOR' in auth.roles", delete: "'EDITOR' in auth.roles") {
  title: String!
}

type Draft
  @allow(read: "'EDITOR' in auth.roles", create: "'EDITOR' in auth.roles", update: "'EDITOR' in auth.roles",
         delete: "'EDITOR' in auth.roles") {
  title: String!
}

type Letter
  @allow(read: "this.title == 'open' || 'EDITOR' in auth.roles", create: "'EDITOR' in auth.roles",
         delete: "'EDITOR' in auth.roles") {
  title: String!
}
"#;

/// What callers of the roles see. They are named by their role.
#[derive(Debug)]
struct Roles {
    engine: Engine,
    reader: Reader,
    /// The names of those that can't call any more.
    revoked: Arc<Mutex<Vec<String>>>,
}

impl Sight for Roles {
    fn named<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<(String, Arc<Caller>), Error>> {
        Box::pin(async move { Ok((format!("key:{name}"), self.caller(&format!("key:{name}")).await?)) })
    }

    fn caller<'a>(&'a self, stored: &'a str) -> BoxFuture<'a, Result<Arc<Caller>, Error>> {
        let name = stored.strip_prefix("key:").expect("it was named");
        let caller = match name {
            "READER" | "EDITOR" if self.revoked.lock().iter().any(|one| one == name) => {
                Err(Conflict::Already("the key is revoked and cannot call").into())
            }
            "READER" | "EDITOR" => Ok(caller(name)),
            _ => Err(Error::NotFound { what: format!("key `{name}`") }),
        };
        Box::pin(async move { caller })
    }

    fn record<'a>(
        &'a self,
        cx: &'a Context,
        (collection, id): (CollectionId, RecordId),
        perspective: Perspective,
    ) -> BoxFuture<'a, Result<Option<Bytes>, Error>> {
        Box::pin(async move {
            let selection = self.reader.selection(collection, None)?;
            let get = Get { collection, which: id.into(), selection, params: Vec::new(), perspective };
            match self.engine.answer(cx, Request::Get(get), JSON).await {
                Ok(Answer::Found(found)) => Ok(Some(found.body)),
                Ok(Answer::Page(_) | Answer::Written(_)) => unreachable!("a get finds a record"),
                Err(Error::NotFound { .. } | Error::Forbidden { .. } | Error::Unauthenticated(_)) => Ok(None),
                Err(error) => Err(error),
            }
        })
    }
}

pub(crate) fn caller(role: &str) -> Arc<Caller> {
    Arc::new(Caller::account(RecordId::from_bytes([7; 16]), [role]))
}

pub(crate) struct News {
    pub(crate) app: TestApplication,
    pub(crate) webhooks: Webhooks,
    pub(crate) clock: TestClock,
    pub(crate) revoked: Arc<Mutex<Vec<String>>>,
}

impl News {
    pub(crate) fn open() -> Self {
        Self::with(&["127.0.0.0/8"])
    }

    /// An application that may call these networks.
    pub(crate) fn with(networks: &[&str]) -> Self {
        let clock = TestClock::at("2026-01-31T12:00:00Z");
        Self::on(clock.clone(), networks, controlled(&clock, 7))
    }

    /// One by the machine's clock.
    pub(crate) fn of_now() -> Self {
        Self::on(TestClock::at("2026-01-31T12:00:00Z"), &["127.0.0.0/8"], Ambient::system())
    }

    fn on(clock: TestClock, networks: &[&str], ambient: Ambient) -> Self {
        let files = vec![SourceFile::app("model/news.graphql", MODEL), webhooks_model()];
        let app = TestApplication::open(files, ambient);
        let (engine, revoked) = (app.engine.clone(), Arc::<Mutex<Vec<String>>>::default());
        let sight = Roles { reader: Reader::new(&engine), engine: engine.clone(), revoked: Arc::clone(&revoked) };
        let allow = networks.iter().map(|network| network.parse().expect("a network")).collect();
        let egress = Settings { allow, connect: Duration::from_secs(5), ..Settings::default() };
        let webhooks = Webhooks::new(engine, Arc::new(sight), egress).expect("the model fits");
        Self { app, webhooks, clock, revoked }
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.app.engine
    }

    fn client(&self) -> TestClient {
        self.app.client()
    }

    /// Adds an endpoint with the rights of a role, which is told of these types; its secret.
    pub(crate) async fn add(&self, receiver: &Receiver, role: &str, types: &[&str]) -> String {
        self.add_at(&receiver.url(), role, types).await
    }

    pub(crate) async fn add_at(&self, url: &str, role: &str, types: &[&str]) -> String {
        let new = new(url, role, types);
        self.webhooks.add(new).await.expect("it is added").secret.expose().to_owned()
    }

    /// Tells and sends all that there is to tell and send now.
    pub(crate) async fn run(&self) {
        let mut dispatching = Dispatching::default();
        while self.webhooks.dispatch(&mut dispatching).await.expect("the log is read") {}
        self.send(&self.webhooks).await;
    }

    /// Sends all that is due now.
    pub(crate) async fn send(&self, webhooks: &Webhooks) {
        let mut courier = Courier::default();
        loop {
            // Each commit has a moment of its own, which is later than the one before whatever the clock says.
            self.clock.advance("1ms");
            courier.send_due(webhooks).await.expect("what is due is claimed");
            if courier.is_idle() {
                return;
            }
            courier.pause(Duration::from_mins(1)).await;
        }
    }

    pub(crate) async fn create(&self, of: &str, body: &str) -> RecordId {
        let client = self.client();
        match client.answer(&caller("EDITOR"), client.create(of, body).expect("a create")).await.expect("it is created")
        {
            Answer::Written(written) => written.ids[0],
            other => unreachable!("{other:?}"),
        }
    }

    pub(crate) async fn update(&self, of: &str, id: RecordId, body: &str) {
        let client = self.client();
        self.ask(client.update(of, id, body).expect("an update")).await;
    }

    pub(crate) async fn delete(&self, of: &str, id: RecordId) {
        self.ask(self.client().delete(of, id)).await;
    }

    pub(crate) async fn restore(&self, of: &str, id: RecordId) {
        self.ask(self.client().restore(of, id)).await;
    }

    async fn ask(&self, request: Request) {
        self.client().answer(&caller("EDITOR"), request).await.expect("it is done");
    }
}

pub(crate) fn new(url: &str, role: &str, types: &[&str]) -> NewWebhook {
    let types = types.iter().map(|name| (*name).to_owned()).collect();
    NewWebhook { name: "partner".to_owned(), url: url.to_owned(), caller: role.to_owned(), types }
}
