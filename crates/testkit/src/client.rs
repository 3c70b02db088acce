use std::sync::Arc;

use backstay_base::{Caller, Error, RecordId, limits};
use backstay_engine::{
    Answer, Context, Create, Engine, Explanation, Found, Get, History, Idempotency, IfMatch, Input, List, OfRecord,
    Page, Perspective, RecordAct, Refused, Request, Requests, Update, WriteOptions, Written,
};
use backstay_model::CollectionId;
use backstay_rest::{JSON, ListWords, Reader, inputs, patch};

/// Asks an engine in the notation of REST, without HTTP.
#[derive(Debug)]
pub struct TestClient {
    engine: Engine,
    reader: Reader,
}

impl TestClient {
    /// A client of this engine.
    pub fn new(engine: &Engine) -> Self {
        Self { engine: engine.clone(), reader: Reader::new(engine) }
    }

    /// A collection of the model.
    pub fn collection(&self, of: &str) -> CollectionId {
        self.engine.model().collection_named(of).expect("a collection of the model").id
    }

    /// A get.
    pub fn get(&self, of: &str, id: RecordId, select: Option<&str>) -> Result<Request, Error> {
        let collection = self.collection(of);
        let selection = self.reader.selection(collection, select)?;
        let (params, perspective) = (Vec::new(), Perspective::Live);
        Ok(Request::Get(Get { collection, which: id.into(), selection, params, perspective }))
    }

    /// A list.
    pub fn list<'w>(&self, of: &str, change: impl FnOnce(&mut ListWords<'w>)) -> Result<Request, Error> {
        let mut words = ListWords::of(self.collection(of));
        change(&mut words);
        self.reader.list(&words).map(Request::List)
    }

    /// Groups, as the body of `:aggregate` asks for them.
    pub fn aggregate(&self, of: &str, body: &str) -> Result<Request, Error> {
        self.reader.aggregate_of_body(self.collection(of), body.as_bytes()).map(Request::Aggregate)
    }

    /// A list of the trash.
    #[expect(clippy::panic, reason = "a list is a list")]
    pub fn trash<'w>(&self, of: &str, change: impl FnOnce(&mut ListWords<'w>)) -> Result<Request, Error> {
        match self.list(of, change)? {
            Request::List(list) => Ok(Request::List(List { perspective: Perspective::Trash, ..list })),
            other => panic!("a list is a list, not {other:?}"),
        }
    }

    /// The whole history of a record, up to the largest page.
    pub fn history(&self, of: &str, id: RecordId) -> Request {
        Request::History(History { collection: self.collection(of), id, limit: limits::PAGE_MAX, after: None })
    }

    /// A create.
    pub fn create(&self, of: &str, body: &str) -> Result<Request, Error> {
        let collection = self.collection(of);
        let inputs = inputs(self.engine.model(), collection, body.as_bytes())?;
        Ok(Request::Create(Create { collection, inputs, on_conflict: None, options: WriteOptions::default() }))
    }

    /// A create under an idempotency key.
    pub fn create_once(&self, of: &str, body: &str, key: &str) -> Result<Request, Error> {
        let Request::Create(mut create) = self.create(of, body)? else { unreachable!("a create is a create") };
        create.options.idempotency = Some(Idempotency { key: key.to_owned(), sent: body.to_owned().into() });
        Ok(Request::Create(create))
    }

    /// A merge patch.
    pub fn update(&self, of: &str, id: RecordId, body: &str) -> Result<Request, Error> {
        self.update_if(of, id, body, None)
    }

    /// A merge patch of certain versions.
    pub fn update_if(&self, of: &str, id: RecordId, body: &str, if_match: Option<IfMatch>) -> Result<Request, Error> {
        let collection = self.collection(of);
        let input = patch(self.engine.model(), collection, body.as_bytes())?;
        let options = WriteOptions { if_match, ..WriteOptions::default() };
        Ok(Request::Update(Update { collection, which: id.into(), input, options }))
    }

    /// A deletion.
    pub fn delete(&self, of: &str, id: RecordId) -> Request {
        self.of_record(RecordAct::Delete, of, id)
    }

    /// A restore.
    pub fn restore(&self, of: &str, id: RecordId) -> Request {
        self.of_record(RecordAct::Restore(Input::new()), of, id)
    }

    /// A restore of a record that gets other values as it comes back: a merge patch.
    pub fn restore_with(&self, of: &str, id: RecordId, body: &str) -> Result<Request, Error> {
        let input = patch(self.engine.model(), self.collection(of), body.as_bytes())?;
        Ok(self.of_record(RecordAct::Restore(input), of, id))
    }

    /// A request that does something with a stored record.
    pub fn of_record(&self, act: RecordAct, of: &str, id: RecordId) -> Request {
        Request::OfRecord(OfRecord {
            act,
            collection: self.collection(of),
            which: id.into(),
            options: WriteOptions::default(),
        })
    }

    /// Asks in the name of a caller.
    pub async fn answer(&self, caller: &Arc<Caller>, request: Request) -> Result<Answer, Error> {
        self.engine.answer(&Context::new(&self.engine, Arc::clone(caller)), request, JSON).await
    }

    /// Asks several things together in the name of a caller, under an idempotency key if there is one.
    pub async fn answer_all(
        &self,
        caller: &Arc<Caller>,
        list: Vec<Request>,
        key: Option<&str>,
    ) -> Result<Vec<Option<Answer>>, Refused> {
        let sent = format!("{list:?}").into();
        let idempotency = key.map(|key| Idempotency { key: key.to_owned(), sent });
        let context = Context::new(&self.engine, Arc::clone(caller));
        let list = list.into_iter().map(Into::into).collect();
        self.engine.answer_all(&context, Requests { list, idempotency }, JSON).await
    }

    /// The answer to a get.
    #[expect(clippy::panic, reason = "a test whose get is answered with something else has failed")]
    pub async fn found(&self, caller: &Arc<Caller>, request: Request) -> Result<Found, Error> {
        match self.answer(caller, request).await? {
            Answer::Found(found) => Ok(found),
            other => panic!("a get is answered with a record, not {other:?}"),
        }
    }

    /// The answer to a list.
    #[expect(clippy::panic, reason = "a test whose list is answered with something else has failed")]
    pub async fn page(&self, caller: &Arc<Caller>, request: Request) -> Result<Page, Error> {
        match self.answer(caller, request).await? {
            Answer::Page(page) => Ok(page),
            other => panic!("a list is answered with a page, not {other:?}"),
        }
    }

    /// The answer to a write.
    #[expect(clippy::panic, reason = "a test whose write is answered with something else has failed")]
    pub async fn written(&self, caller: &Arc<Caller>, request: Request) -> Result<Written, Error> {
        match self.answer(caller, request).await? {
            Answer::Written(written) => Ok(written),
            other => panic!("a write is answered with what it did, not {other:?}"),
        }
    }

    /// How a request would fare.
    pub async fn explain(&self, caller: &Arc<Caller>, request: Request) -> Result<Explanation, Error> {
        self.engine.explain(&Context::new(&self.engine, Arc::clone(caller)), request, JSON).await
    }
}
