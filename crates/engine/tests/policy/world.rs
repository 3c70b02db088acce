//! Two worlds that differ only in what is hidden, and what callers are told in them.

use std::fmt::{Debug, Write};
use std::sync::Arc;

use backstay_base::{Caller, CallerKind, RecordId};
use backstay_engine::{
    Answer, Authority, Context, Engine, Error, List, MatchingAct, OfMatching, Reach, Request, Transaction, TxContext,
    WriteOptions,
};
use backstay_model::{CollectionId, SourceFile};
use backstay_rest::{ListWords, input, patch};
use backstay_testkit::{TestApplication, TestClient, TestClock, controlled};
use bytes::Bytes;
use futures_util::future::BoxFuture;

use crate::model::{APPLICATION, SYSTEM};

/// What is hidden: a column of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hidden {
    /// A record, by its type's rule.
    Row,
    /// A field, in every record.
    Field,
    /// A field, in some records.
    Partly,
    /// A field that is classified as a secret.
    Secret,
    /// A record of a type of the system model.
    System,
}

impl Hidden {
    pub(crate) const ALL: [(&str, Self); 5] = [
        ("row rule", Self::Row),
        ("field rule, every record", Self::Field),
        ("field rule, some records", Self::Partly),
        ("secret field", Self::Secret),
        ("system type", Self::System),
    ];

    /// The type that hides something.
    pub(crate) fn type_name(self) -> &'static str {
        match self {
            Self::Row => "Row",
            Self::Field => "Field",
            Self::Partly => "Partly",
            Self::Secret => "Secret",
            Self::System => "BackstayNote",
        }
    }

    /// The field of `Holder` that refers to it; with an `s` those of `Holder` and `Keeper` with several.
    pub(crate) fn relation(self) -> &'static str {
        match self {
            Self::Row => "row",
            Self::Field => "field",
            Self::Partly => "partly",
            Self::Secret => "secret",
            Self::System => "note",
        }
    }
}

/// In which way a world is different.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Variant {
    /// The hidden value is one that the requests guess.
    Guessed,
    /// It is another one.
    Other,
    /// There is none: a hidden record was deleted, a hidden field is null.
    None,
}

impl Variant {
    pub(crate) const ALL: [Self; 3] = [Self::Guessed, Self::Other, Self::None];
}

/// An application in which one thing is hidden.
pub(crate) struct World {
    application: TestApplication,
    editor: Arc<Caller>,
    writer: Arc<Caller>,
    /// The record that is hidden or hides something, between two that the caller sees.
    pub(crate) thing: RecordId,
    pub(crate) holder: RecordId,
    pub(crate) keepers: [RecordId; 2],
    /// The account that a system record belongs to, and one that none belongs to.
    pub(crate) people: [RecordId; 2],
}

impl World {
    pub(crate) async fn open(hidden: Hidden, variant: Variant) -> Self {
        let ambient = controlled(&TestClock::at("2026-01-31T12:00:00Z"), 11);
        let files =
            vec![SourceFile::app("model/policy.graphql", APPLICATION), SourceFile::system("system.graphql", SYSTEM)];
        let application = TestApplication::open(files, ambient);
        let editor = Arc::new(Caller::account(application.engine.next_id(), ["EDITOR"]));
        let none = application.engine.next_id();
        let (writer, keepers, people) = (Arc::clone(&editor), [none; 2], [none; 2]);
        let mut world = Self { application, editor, writer, thing: none, holder: none, keepers, people };
        for (index, name) in ["ann", "ben"].into_iter().enumerate() {
            let body = format!(r#"{{"email":"{name}@example.org","name":"{name}"}}"#);
            world.people[index] = world.made("User", &body).await;
            world.keepers[index] = world.made("Keeper", &format!(r#"{{"name":"{name}"}}"#)).await;
        }
        let writer = world.made("User", r#"{"email":"wim@example.org","name":"wim"}"#).await;
        let roles: [&str; 0] = [];
        world.writer = Arc::new(Caller::account(writer, roles));
        world.hide(hidden, variant).await;
        world
    }

    /// Makes the hidden thing. Every variant takes the same number of commits and ids, so that the rest is equal.
    async fn hide(&mut self, hidden: Hidden, variant: Variant) {
        let name = hidden.type_name();
        self.seed(name, r#"{"name":"first","public":true,"code":"a","number":1}"#).await;
        let owner = |index: usize| match hidden {
            Hidden::System => format!(r#""account":"{}""#, self.people[index]),
            Hidden::Secret => r#""text":"t""#.to_owned(),
            Hidden::Row | Hidden::Field | Hidden::Partly => {
                format!(r#""keeper":"{0}","keepers":["{0}"]"#, self.keepers[index])
            }
        };
        let hides_record = matches!(hidden, Hidden::Row | Hidden::System);
        let stage = |stage: &str| match hidden {
            Hidden::Secret | Hidden::System => String::new(),
            Hidden::Row | Hidden::Field | Hidden::Partly => format!(r#""stage":"{stage}","#),
        };
        let guessed = || format!(r#""code":"guess","number":5,"once":"guess",{}{}"#, stage("OPEN"), owner(0));
        let values = match variant {
            Variant::Guessed => guessed(),
            Variant::None if hides_record => guessed(),
            Variant::Other => {
                format!(r#""code":"other","number":500,"once":"other",{}{}"#, stage("CLOSED"), owner(1))
            }
            // What is seen of it is the same: also its history.
            Variant::None if hidden == Hidden::Secret => {
                r#""code":null,"number":null,"once":null,"text":"t""#.to_owned()
            }
            Variant::None => r#""code":null,"number":null,"once":null"#.to_owned(),
        };
        self.thing = self.seed(name, &format!(r#"{{"name":"thing","public":false,{values}}}"#)).await;
        self.seed(name, r#"{"name":"last","public":true,"code":"z","number":100}"#).await;
        let body = match hidden {
            Hidden::System => r#"{"name":"holder"}"#.to_owned(),
            Hidden::Row => {
                // A reference is its holder's; what the holder refers to is there in every variant.
                let number = if variant == Variant::Other { 77 } else { 7 };
                let body = format!(r#"{{"name":"second","public":false,"code":"s{number}","number":{number}}}"#);
                let second = self.seed(name, &body).await;
                format!(r#"{{"name":"holder","row":"{second}","rows":["{second}"]}}"#)
            }
            Hidden::Field | Hidden::Partly | Hidden::Secret => {
                let (one, thing) = (hidden.relation(), self.thing);
                format!(r#"{{"name":"holder","{one}":"{thing}","{one}s":["{thing}"]}}"#)
            }
        };
        self.holder = self.made("Holder", &body).await;
        let record = (self.collection(name), self.thing);
        let ending = Ending { record, deleted: hides_record && variant == Variant::None };
        let system = Context::system(self.engine());
        self.engine().run(&system, ending).await.expect("the last change");
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.application.engine
    }

    pub(crate) fn client(&self) -> TestClient {
        self.application.client()
    }

    pub(crate) fn collection(&self, name: &str) -> CollectionId {
        self.engine().model().collection_named(name).expect("a collection of the model").id
    }

    /// A change of all records that match a filter, or a deletion without a body; perhaps only rehearsed.
    pub(crate) fn matching(
        &self,
        of: &str,
        filter: &str,
        (body, dry_run): (Option<&str>, bool),
    ) -> Result<Request, Error> {
        let client = self.client();
        let Request::List(List { collection, filter, .. }) =
            client.list(of, |list| list.filter = Some(filter.to_owned().into()))?
        else {
            unreachable!("a list is a list")
        };
        let act = match body.map(|body| patch(self.engine().model(), collection, body.as_bytes())).transpose()? {
            Some(input) => MatchingAct::Update(input),
            None => MatchingAct::Delete,
        };
        let (reach, options) = (Reach::All { most: 500 }, WriteOptions::default());
        Ok(Request::OfMatching(OfMatching { act, collection, filter, reach, dry_run, options }))
    }

    async fn made(&self, of: &str, body: &str) -> RecordId {
        let client = self.client();
        client.written(&self.editor, client.create(of, body).expect("a request")).await.expect("it is made").ids[0]
    }

    /// Makes a record in Backstay's own name.
    async fn seed(&self, of: &str, body: &str) -> RecordId {
        let seed = Seed { collection: self.collection(of), body: body.to_owned().into() };
        self.engine().run(&Context::system(self.engine()), seed).await.expect("the record is made")
    }
}

struct Seed {
    collection: CollectionId,
    body: Bytes,
}

impl Transaction for Seed {
    type Answer = RecordId;

    fn name(&self) -> &'static str {
        "seed"
    }

    fn run<'a>(&'a self, cx: &'a mut TxContext<'_, '_>) -> BoxFuture<'a, Result<RecordId, Error>> {
        Box::pin(async move {
            let input = input(cx.model(), self.collection, &self.body)?;
            Ok(cx.create(Authority::System, self.collection, input).await?.id())
        })
    }
}

/// The last commit before the requests: deletes the thing, or changes nothing but its text.
struct Ending {
    record: (CollectionId, RecordId),
    deleted: bool,
}

impl Transaction for Ending {
    type Answer = ();

    fn name(&self) -> &'static str {
        "seed"
    }

    fn run<'a>(&'a self, cx: &'a mut TxContext<'_, '_>) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            if self.deleted {
                return cx.delete(Authority::System, self.record, None).await.map(drop);
            }
            let input = input(cx.model(), self.record.0, br#"{"text":"later"}"#)?;
            cx.update(Authority::System, self.record, input, None).await.map(drop)
        })
    }
}

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asker {
    /// An account that must not see what is hidden.
    Writer,
    /// One that may: what it is told shows that the worlds differ.
    Witness,
}

/// What was answered to one way of asking.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Told {
    /// Request by request, everything that was answered.
    pub(crate) answers: Vec<String>,
    /// Whether one of them was not refused.
    pub(crate) any_allowed: bool,
}

/// Sends requests as one caller and keeps what is answered.
pub(crate) struct Session<'w> {
    pub(crate) world: &'w World,
    caller: Arc<Caller>,
    pub(crate) told: Told,
}

impl<'w> Session<'w> {
    pub(crate) fn new(world: &'w World, hidden: Hidden, asker: Asker) -> Self {
        let caller = match (asker, hidden) {
            (Asker::Writer, _) => Arc::clone(&world.writer),
            (Asker::Witness, Hidden::System) => {
                let kind = CallerKind::Operator;
                Arc::new(Caller { kind, ..Caller::clone(&world.editor) })
            }
            (Asker::Witness, _) => Arc::clone(&world.editor),
        };
        Self { world, caller, told: Told::default() }
    }

    async fn answer(&self, request: Result<Request, Error>) -> Result<Answer, Error> {
        self.world.client().answer(&self.caller, request?).await
    }

    fn note<T>(&mut self, asked: &dyn Debug, answer: &Result<T, Error>, show: impl FnOnce(&T) -> String) {
        let mut line = format!("{asked:?} → ");
        let written = match answer {
            Ok(answer) => write!(line, "{}", show(answer)),
            Err(error) => write!(line, "{}: {error}: {error:?}", error.code()),
        };
        written.expect("a text can be written to");
        self.told.any_allowed |= answer.is_ok();
        self.told.answers.push(line);
    }

    pub(crate) async fn get(&mut self, of: &str, id: RecordId, select: Option<&str>) {
        let answer = self.answer(self.world.client().get(of, id, select)).await;
        self.note(&(of, select), &answer, |answer| match answer {
            Answer::Found(found) => {
                format!("{} {} {:?}", found.version, String::from_utf8_lossy(&found.body), found.tag)
            }
            other => format!("{other:?}"),
        });
    }

    /// Answers the next page's cursor.
    pub(crate) async fn list<'t>(&mut self, of: &str, change: impl FnOnce(&mut ListWords<'t>)) -> Option<String> {
        let mut asked = String::new();
        let request = self.world.client().list(of, |words| {
            change(words);
            asked = format!("{words:?}");
        });
        let answer = self.answer(request).await;
        let body = match &answer {
            Ok(Answer::Page(page)) => page.body.clone(),
            _ => bytes::Bytes::from_static(b"null"),
        };
        let page: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
        self.note(&asked, &answer, |answer| match answer {
            Answer::Page(page) => format!("{} {:?}", String::from_utf8_lossy(&page.body), page.tag),
            other => format!("{other:?}"),
        });
        page["next"].as_str().map(str::to_owned)
    }

    /// Groups.
    pub(crate) async fn groups(&mut self, of: &str, body: &str) {
        let answer = self.answer(self.world.client().aggregate(of, body)).await;
        self.note(&("aggregate", of, body), &answer, |answer| match answer {
            Answer::Page(page) => format!("{} {:?}", String::from_utf8_lossy(&page.body), page.tag),
            other => format!("{other:?}"),
        });
    }

    /// The history of a record, which a type without one refuses.
    pub(crate) async fn history(&mut self, of: &str, id: RecordId) {
        let answer = self.answer(Ok(self.world.client().history(of, id))).await;
        self.note(&("history", of), &answer, |answer| match answer {
            Answer::Page(page) => format!("{} {:?}", String::from_utf8_lossy(&page.body), page.tag),
            other => format!("{other:?}"),
        });
    }

    pub(crate) async fn filter(&mut self, of: &str, filter: &str) {
        self.list(of, |list| list.filter = Some(filter.to_owned().into())).await;
    }

    pub(crate) async fn create(&mut self, of: &str, body: String) {
        let answer = self.answer(self.world.client().create(of, &body)).await;
        self.note(&(of, body), &answer, |written| format!("{written:?}"));
    }

    pub(crate) async fn update(&mut self, of: &str, id: RecordId, body: String) {
        let answer = self.answer(self.world.client().update(of, id, &body)).await;
        self.note(&(of, body), &answer, |written| format!("{written:?}"));
    }

    /// A change by a filter.
    pub(crate) async fn bulk(&mut self, request: Result<Request, Error>) {
        let asked = format!("{request:?}");
        let answer = self.answer(request).await;
        self.note(&asked, &answer, |answer| format!("{answer:?}"));
    }

    pub(crate) async fn delete(&mut self, of: &str, id: RecordId) {
        let answer = self.answer(Ok(self.world.client().delete(of, id))).await;
        self.note(&("delete", of), &answer, |written| format!("{written:?}"));
    }

    /// Two requests in one transaction.
    pub(crate) async fn together(&mut self, one: Result<Request, Error>, other: Result<Request, Error>) {
        let asked = format!("{one:?}");
        let answer = match (one, other) {
            (Ok(one), Ok(other)) => {
                let answers = self.world.client().answer_all(&self.caller, vec![one, other], None).await;
                answers.map_err(|refused| refused.error)
            }
            (Err(error), _) | (_, Err(error)) => Err(error),
        };
        self.note(&asked, &answer, |answers| format!("{answers:?}"));
    }

    /// All of an explanation but for the time that it took.
    pub(crate) async fn explain(&mut self, request: Result<Request, Error>) {
        let asked = format!("{request:?}");
        let answer = match request {
            Ok(request) => self.world.client().explain(&self.caller, request).await,
            Err(error) => Err(error),
        };
        self.note(&asked, &answer, |explanation| {
            let mut explanation = explanation.clone();
            explanation.stages.clear();
            format!("{explanation:?}")
        });
    }
}
