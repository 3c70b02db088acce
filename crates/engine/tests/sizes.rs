//! How long values may be: `@length`, and the sizes that are configured for the rest.

use std::sync::Arc;

use backstay_base::{Caller, Error, RecordId, ViolationKind};
use backstay_engine::{Application, Authority, Context, Sizes, Transaction, TxContext, Written};
use backstay_model::{CollectionId, SourceFile, load};
use backstay_rest::input;
use backstay_testkit::{TestApplication, TestClock, controlled};
use futures_util::future::BoxFuture;

const MODEL: &str = r#"
extend schema @app(name: "Sizes") @rule(name: "editor", is: "'EDITOR' in auth.roles")
enum Role @roles { EDITOR }
enum Color { RED GREEN }
type Post @allow(read: "true", create: "true", update: "true") {
  title: String @length(min: 2, max: 5)
  body: Text @length(max: 5000)
  short: Text @length(min: 1)
  from: Email @length(max: 20)
  tags: [String!] @length(min: 1, max: 3)
  colors: [Color!] @length(max: 1)
  name: String
  copied: String @length(max: 5) @set(on: WRITE, to: "this.name")
  text: Text
  texts: [Text!]
  data: JSON
  hidden: Text @allow(read: "editor")
}
"#;

const SIZES: Sizes = Sizes { text_bytes: 2000, json_bytes: 2000 };

fn files(model: &str) -> Vec<SourceFile> {
    vec![SourceFile::app("model/sizes.graphql", model)]
}

struct Sized(TestApplication);

impl Sized {
    fn open() -> Self {
        let ambient = controlled(&TestClock::at("2026-01-31T12:00:00Z"), 7);
        Self(TestApplication::open_with(files(MODEL), ambient, SIZES))
    }

    fn restart(self, model: &str, sizes: Sizes) -> Self {
        let ambient = controlled(&TestClock::at("2026-02-01T12:00:00Z"), 8);
        Self(self.0.restart_with(files(model), ambient, sizes))
    }

    async fn create(&self, body: &str) -> Result<Written, Error> {
        let (client, anyone) = (self.0.client(), Arc::new(Caller::anonymous()));
        client.written(&anyone, client.create("Post", body)?).await
    }

    async fn update(&self, id: RecordId, body: &str) -> Result<Written, Error> {
        let (client, anyone) = (self.0.client(), Arc::new(Caller::anonymous()));
        client.written(&anyone, client.update("Post", id, body)?).await
    }
}

/// `ok`, or where and what is wrong.
fn told(result: Result<Written, Error>) -> String {
    match result {
        Ok(_) => "ok".to_owned(),
        Err(Error::Invalid(violations)) => {
            let each = violations.iter().map(|violation| match &violation.kind {
                ViolationKind::Range(range) => format!("{} {range}", violation.at),
                other => format!("{} {other:?}", violation.at),
            });
            each.collect::<Vec<_>>().join("; ")
        }
        Err(error) => error.code().to_owned(),
    }
}

#[tokio::test]
async fn values_are_as_long_as_their_fields_say() {
    let app = Sized::open();
    let id = app.create("{}").await.expect("null has no length").ids[0];
    let check = async |body: &str, expected: &str| {
        assert_eq!(told(app.create(body).await), expected, "create {body}");
        assert_eq!(told(app.update(id, body).await), expected, "update {body}");
    };
    check(r#"{"title":"ééééé"}"#, "ok").await;
    check(r#"{"title":"eeeeee"}"#, "/title must have at most 5 characters").await;
    check(r#"{"title":"e"}"#, "/title must have at least 2 characters").await;
    check(r#"{"short":""}"#, "/short must have at least 1 character").await;
    check(r#"{"tags":[]}"#, "/tags must have at least 1 item").await;
    check(r#"{"tags":["a","b","c"],"colors":["RED"]}"#, "ok").await;
    let several = "/tags must have at most 3 items; /colors must have at most 1 item";
    check(r#"{"tags":["a","b","c","d"],"colors":["RED","GREEN"]}"#, several).await;
    check(r#"{"from":"  ann@example.org  "}"#, "ok").await;
    check(r#"{"from":"someone@example.org.example"}"#, "/from must have at most 20 characters").await;
    check(r#"{"name":"as long as any"}"#, "/copied must have at most 5 characters").await;
    check(&format!(r#"{{"body":"{}"}}"#, "é".repeat(5000)), "ok").await;
    check(&format!(r#"{{"body":"{}"}}"#, "e".repeat(5001)), "/body must have at most 5000 characters").await;
    check(&format!(r#"{{"text":"{}","data":"{}"}}"#, "e".repeat(2000), "e".repeat(1998)), "ok").await;
    check(&format!(r#"{{"text":"{}"}}"#, "é".repeat(1001)), "/text must have at most 2000 bytes").await;
    check(&format!(r#"{{"short":"{}"}}"#, "e".repeat(2001)), "/short must have at most 2000 bytes").await;
    check(&format!(r#"{{"texts":["{0}","{0}"]}}"#, "e".repeat(1001)), "/texts must have at most 2000 bytes").await;
    check(&format!(r#"{{"data":"{}"}}"#, "e".repeat(1999)), "/data must have at most 2000 bytes").await;
}

#[tokio::test]
async fn a_document_keeps_its_size_when_it_is_merged() {
    let app = Sized::open();
    let id = app.create(r#"{"data":{}}"#).await.expect("a post").ids[0];
    let member = |name: &str| format!(r#"{{"data":{{"{name}":"{}"}}}}"#, "x".repeat(900));
    assert_eq!(told(app.update(id, &member("a")).await), "ok");
    assert_eq!(told(app.update(id, &member("b")).await), "ok");
    assert_eq!(told(app.update(id, &member("c")).await), "/data must have at most 2000 bytes");
    assert_eq!(told(app.update(id, r#"{"data":{"a":null}}"#).await), "ok");
    assert_eq!(told(app.update(id, &member("c")).await), "ok");
}

#[tokio::test]
async fn what_was_longer_before_stays_and_becomes_only_shorter() {
    let app = Sized::open();
    let text = "e".repeat(1900);
    let body =
        format!(r#"{{"title":"12345","text":"{text}","hidden":"{text}","data":{{"a":"{}","b":1}}}}"#, &text[..1800]);
    let id = app.create(&body).await.expect("a post").ids[0];
    let narrow = MODEL.replace("@length(min: 2, max: 5)", "@length(min: 2, max: 3)");
    let app = app.restart(&narrow, Sizes { text_bytes: 1024, json_bytes: 1024 });
    let check = async |body: String, expected: &str| {
        let told = told(app.update(id, &body).await);
        assert_eq!(told, expected, "{}", &body[..body.len().min(40)]);
    };
    let (client, anyone) = (app.0.client(), Arc::new(Caller::anonymous()));
    let read = client.get("Post", id, None).expect("a request");
    assert!(client.found(&anyone, read).await.expect("it is read").body.len() > 3800);
    check(r#"{"name":"other"}"#.to_owned(), "ok").await;
    check(format!(r#"{{"text":"{text}","title":"12345"}}"#), "ok").await;
    check(format!(r#"{{"text":"{text}e"}}"#), "/text must have at most 1024 bytes").await;
    check(format!(r#"{{"text":"{}"}}"#, &text[..1800]), "ok").await;
    check(format!(r#"{{"text":"{}"}}"#, &text[..1850]), "/text must have at most 1024 bytes").await;
    check(r#"{"data":{"b":2}}"#.to_owned(), "ok").await;
    check(r#"{"data":{"c":2}}"#.to_owned(), "/data must have at most 1024 bytes").await;
    check(r#"{"data":{"b":null}}"#.to_owned(), "ok").await;
    check(r#"{"title":"123456"}"#.to_owned(), "/title must have at most 3 characters").await;
    check(r#"{"title":"1234"}"#.to_owned(), "ok").await;
    check(r#"{"title":"1"}"#.to_owned(), "/title must have at least 2 characters").await;
    // What nobody but editors sees is not compared with: these are as long as what is stored, and one is the same.
    let hidden = "/hidden must have at most 1024 bytes";
    check(format!(r#"{{"hidden":"{text}"}}"#), hidden).await;
    check(format!(r#"{{"hidden":"{}"}}"#, "f".repeat(1900)), hidden).await;
}

/// Seeds are written in Backstay's own name.
#[tokio::test]
async fn backstay_itself_writes_no_longer_values() {
    struct Seed(CollectionId, String);

    impl Transaction for Seed {
        type Answer = ();

        fn name(&self) -> &'static str {
            "seed"
        }

        fn run<'a>(&'a self, cx: &'a mut TxContext<'_, '_>) -> BoxFuture<'a, Result<(), Error>> {
            Box::pin(async move {
                let input = input(cx.model(), self.0, self.1.as_bytes())?;
                cx.create(Authority::System, self.0, input).await.map(drop)
            })
        }
    }

    let app = Sized::open();
    let engine = &app.0.engine;
    let post = engine.model().collection_named("Post").expect("it is there").id;
    for (body, sound) in [(r#"{"title":"12345"}"#, true), (r#"{"title":"123456"}"#, false)] {
        let written = engine.run(&Context::system(engine), Seed(post, body.to_owned())).await;
        assert_eq!(written.is_ok(), sound, "{body}");
    }
}

#[tokio::test]
async fn the_documented_lengths_hold() {
    const DOCUMENT: &str = include_str!("../../../docs/model.md");
    let (_, section) = DOCUMENT.split_once("\n### Lengths\n").expect("the section");
    let (_, example) = section.split_once("```graphql\n").expect("an example");
    let (example, _) = example.split_once("```").expect("its end");
    let ambient = controlled(&TestClock::at("2026-01-31T12:00:00Z"), 7);
    let model = format!("extend schema @app(name: \"Lengths\")\n{example}");
    let app = Sized(TestApplication::open(files(&model), ambient));
    let long = format!(r#"{{"title":"{}","tags":["a"]}}"#, "t".repeat(201));
    assert_eq!(told(app.create(&long).await), "/title must have at most 200 characters");
    let tags = r#"{"title":"t","tags":["a","b","c","d","e","f"]}"#;
    assert_eq!(told(app.create(tags).await), "/tags must have at most 5 items");
    let body = format!(r#"{{"title":"t","tags":[],"body":"{}"}}"#, "t".repeat(2_000_000));
    assert_eq!(told(app.create(&body).await), "ok");
}

/// A model in which a conflict or a transition would show a secret.
#[test]
fn a_secret_is_neither_unique_nor_a_state() {
    let refused = |fields: &str, on_type: &str| {
        let model = format!(
            "extend schema @app(name: \"Secrets\")\nenum Step {{ A @initial @to(state: \"B\") B }}\n\
             type Safe @allow(read: \"true\") {on_type} {{ name: String {fields} }}"
        );
        let model = load(files(&model)).expect("it loads").model;
        Application::compile(model).err().map(|found| found.to_string()).unwrap_or_default()
    };
    let secret = "@class(is: SECRET)";
    for (fields, on_type) in [
        (format!("pin: String @unique {secret}"), ""),
        (format!("pin: String {secret}"), "@unique(fields: [\"name\", \"pin\"])"),
        (format!("pin: String {secret}"), "@index(fields: [\"pin\"], unique: true)"),
    ] {
        let told = refused(&fields, on_type);
        assert!(
            told.contains("`pin` is secret and unique") && told.contains("help: remove it from `@unique`"),
            "{told}"
        );
    }
    let told = refused(&format!("step: Step! {secret}"), "");
    assert!(told.contains("`step` is secret and holds a state") && told.contains("help: write `@allow(read"), "{told}");
    assert_eq!(refused(&format!("pin: String {secret}"), "@index(fields: [\"pin\"])"), "");
}

#[tokio::test]
async fn a_record_has_room_in_an_answer() {
    let app = Sized::open();
    let large = Sizes { text_bytes: 8_000_000, json_bytes: 8_000_000 };
    let app = app.restart(MODEL, large);
    let id = app.create("{}").await.expect("a post").ids[0];
    // Each of these characters takes six bytes in JSON.
    let text = |name: &str, characters: usize| format!(r#"{{"{name}":"{}"}}"#, r"\u0001".repeat(characters));
    assert_eq!(told(app.update(id, &text("text", 1_000_000)).await), "ok");
    assert_eq!(told(app.update(id, &text("short", 1_000_000)).await), "ok");
    assert_eq!(told(app.update(id, &text("name", 10_000)).await), "/copied must have at most 5 characters");
    assert_eq!(told(app.update(id, &text("text", 1_200_000)).await), "too-large");
    assert_eq!(told(app.create(&text("text", 2_100_000)).await), "too-large");
    assert_eq!(told(app.update(id, &text("short", 800_000)).await), "ok");
    assert_eq!(told(app.update(id, &text("text", 1_200_000)).await), "ok");
}
