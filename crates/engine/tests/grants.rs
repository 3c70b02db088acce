//! A grant narrows what the rules allow its holder: action by action, collection by collection.

use std::sync::Arc;

use backstay_base::{Caller, CallerKind, Grant, RecordId};
use backstay_engine::{Error, Written};
use backstay_model::SourceFile;
use backstay_rest::ListWords;
use backstay_testkit::{TestApplication, TestClock, controlled};

const MODEL: &str = r#"
extend schema @app(name: "Shelf")

type Author @allow(read: "true", create: "true") {
  name: String!
  books: [Book!] @inverse(field: "author")
}

type Book @allow(read: "true", create: "true", update: "true", delete: "!this.kept") {
  title: String! @unique
  kept: Boolean! @default(to: false)
  author: Author
  readers: [Author!]
}
"#;

struct Shelf {
    application: TestApplication,
    author: RecordId,
    book: RecordId,
}

fn anyone() -> Caller {
    Caller { kind: CallerKind::Service, id: Some(RecordId::from_bytes([7; 16])), ..Caller::anonymous() }
}

fn holding(grant: &[&str]) -> Arc<Caller> {
    let grant: Grant = grant.iter().filter_map(|pair| pair.split_once(':')).collect();
    Arc::new(Caller { grant: Some(Arc::new(grant)), ..anyone() })
}

impl Shelf {
    async fn open() -> Self {
        let ambient = controlled(&TestClock::at("2026-01-31T12:00:00Z"), 7);
        let application = TestApplication::open(vec![SourceFile::app("model/shelf.graphql", MODEL)], ambient);
        let nobody = RecordId::from_bytes([0; 16]);
        let mut shelf = Self { application, author: nobody, book: nobody };
        let all = Arc::new(anyone());
        shelf.author = shelf.create(&all, "Author", r#"{"name":"Le Guin"}"#).await.expect("an author").ids[0];
        let book = r#"{"title":"Earthsea","author":AUTHOR,"readers":[AUTHOR]}"#;
        shelf.book = shelf.create(&all, "Book", book).await.expect("a book").ids[0];
        shelf
    }

    fn filled(&self, body: &str) -> String {
        body.replace("AUTHOR", &format!("\"{}\"", self.author))
    }

    async fn create(&self, caller: &Arc<Caller>, of: &str, body: &str) -> Result<Written, Error> {
        let client = self.application.client();
        client.written(caller, client.create(of, &self.filled(body))?).await
    }

    async fn update(&self, caller: &Arc<Caller>, body: &str) -> Result<Written, Error> {
        let client = self.application.client();
        client.written(caller, client.update("Book", self.book, &self.filled(body))?).await
    }

    async fn delete(&self, caller: &Arc<Caller>) -> Result<Written, Error> {
        let client = self.application.client();
        client.written(caller, client.delete("Book", self.book)).await
    }

    async fn get(&self, caller: &Arc<Caller>, of: &str, select: Option<&str>) -> Result<String, Error> {
        let id = if of == "Book" { self.book } else { self.author };
        let client = self.application.client();
        let found = client.found(caller, client.get(of, id, select)?).await?;
        Ok(String::from_utf8(found.body.to_vec()).expect("JSON"))
    }

    /// The books for which this filter is true.
    async fn list(&self, caller: &Arc<Caller>, filter: Option<&str>) -> Result<String, Error> {
        let client = self.application.client();
        let change = |list: &mut ListWords<'_>| list.filter = filter.map(|filter| filter.to_owned().into());
        let page = client.page(caller, client.list("Book", change)?).await?;
        Ok(String::from_utf8(page.body.to_vec()).expect("JSON"))
    }
}

fn code<T>(result: &Result<T, Error>) -> &'static str {
    result.as_ref().map_or_else(Error::code, |_| "ok")
}

#[tokio::test]
async fn each_action_is_granted_by_itself() {
    let shelf = Shelf::open().await;
    let check = async |grant: &[&str], expected: [&str; 5]| {
        let caller = holding(grant);
        // Its rule refuses the delete of this book in any case, once the key may delete books at all.
        shelf.update(&Arc::new(anyone()), r#"{"kept":true}"#).await.expect("it is kept");
        let found = [
            code(&shelf.get(&caller, "Book", None).await),
            code(&shelf.list(&caller, None).await),
            code(&shelf.create(&caller, "Book", &format!(r#"{{"title":"{}"}}"#, grant.join(" "))).await),
            code(&shelf.update(&caller, r#"{"kept":true}"#).await),
            code(&shelf.delete(&caller).await),
        ];
        assert_eq!(found, expected, "{grant:?}");
    };
    check(&[], ["forbidden"; 5]).await;
    check(&["Author:get", "Author:update"], ["forbidden"; 5]).await;
    check(&["Book:get"], ["ok", "forbidden", "forbidden", "forbidden", "forbidden"]).await;
    check(&["Book:search"], ["forbidden", "ok", "forbidden", "forbidden", "forbidden"]).await;
    check(&["Book:create"], ["forbidden", "forbidden", "ok", "forbidden", "forbidden"]).await;
    check(&["Book:update"], ["forbidden", "forbidden", "forbidden", "ok", "forbidden"]).await;
    check(&["Book:get", "Book:search", "Book:create", "Book:update"], ["ok", "ok", "ok", "ok", "forbidden"]).await;

    let caller = holding(&["Book:delete"]);
    let refused = shelf.delete(&caller).await.expect_err("the rule still holds");
    assert!(!refused.to_string().contains("key"), "a grant adds nothing: {refused}");
    shelf.update(&Arc::new(anyone()), r#"{"kept":false}"#).await.expect("it is no longer kept");
    shelf.delete(&caller).await.expect("granted, and allowed");
}

#[tokio::test]
async fn a_refusal_says_that_it_is_the_key() {
    let shelf = Shelf::open().await;
    let refused = shelf.get(&holding(&["Book:search"]), "Book", None).await.expect_err("not granted");
    assert_eq!(refused.to_string(), "you may not get records of Book with this key: it is limited to other actions");
}

#[tokio::test]
async fn nothing_is_seen_of_what_the_key_is_not_for() {
    let shelf = Shelf::open().await;
    let books = holding(&["Book:get", "Book:search"]);
    let refused = shelf.get(&books, "Book", Some("title,author{name}")).await;
    assert_eq!(code(&refused), "malformed-request", "an expansion: {refused:?}");
    for filter in ["author.name == 'Le Guin'", "readers.exists(r, r.name == 'Le Guin')"] {
        let refused = shelf.list(&books, Some(filter)).await;
        assert_eq!(code(&refused), "malformed-request", "{filter}: {refused:?}");
    }
    let both = holding(&["Book:get", "Book:search", "Author:get"]);
    let seen = shelf.get(&both, "Book", Some("title,author{name}")).await.expect("both are granted");
    assert_eq!(seen, r#"{"title":"Earthsea","author":{"name":"Le Guin"}}"#);
    let page = shelf.list(&both, Some("author.name == 'Le Guin'")).await.expect("a page");
    assert!(page.contains("Earthsea"), "{page}");
}

#[tokio::test]
async fn a_key_that_only_writes_is_told_the_id_alone() {
    let shelf = Shelf::open().await;
    let writer = holding(&["Book:create", "Book:update"]);
    let made = shelf.create(&writer, "Book", r#"{"title":"Lavinia"}"#).await.expect("created");
    let body = String::from_utf8(made.body.expect("a body").to_vec()).expect("JSON");
    assert_eq!(body, format!(r#"{{"id":"{}"}}"#, made.ids[0]));
    let taken = shelf.create(&writer, "Book", r#"{"title":"Lavinia"}"#).await.expect_err("the title is taken");
    assert!(!taken.to_string().contains("title"), "which value is taken is for those who see it: {taken}");
}

#[tokio::test]
async fn a_reference_needs_a_grant_of_its_target() {
    let shelf = Shelf::open().await;
    let check = async |grant: &[&str], expected: &str| {
        let caller = holding(grant);
        for (index, field) in [r#""author":AUTHOR"#, r#""readers":[AUTHOR]"#].into_iter().enumerate() {
            let body = format!(r#"{{"title":"{index} {}",{field}}}"#, grant.join(" "));
            let made = shelf.create(&caller, "Book", &body).await;
            assert_eq!(code(&made), expected, "{grant:?} {field}: {made:?}");
        }
    };
    check(&["Book:create"], "forbidden").await;
    check(&["Book:create", "Author:update"], "forbidden").await;
    check(&["Book:create", "Author:refer"], "ok").await;
    check(&["Book:create", "Author:get"], "ok").await;
}

#[tokio::test]
async fn what_a_writing_key_does_not_see_it_cannot_guess() {
    let shelf = Shelf::open().await;
    let writer = holding(&["Book:update"]);
    let own = shelf.update(&writer, r#"{"author":AUTHOR}"#).await;
    assert_eq!(code(&own), "forbidden", "the stored author is refused like any other: {own:?}");
    let refused = shelf.list(&holding(&["Book:search"]), Some("!readers.exists(r, true)")).await;
    assert_eq!(code(&refused), "malformed-request", "members of a collection that the key is not for: {refused:?}");
}

#[tokio::test]
async fn a_relation_is_not_seen_without_the_field_that_declares_it() {
    let shelf = Shelf::open().await;
    let check = async |grant: &[&str], expected: &str| {
        let seen = shelf.get(&holding(grant), "Author", Some("books{id}")).await;
        assert_eq!(code(&seen), expected, "{grant:?}: {seen:?}");
    };
    check(&["Author:get", "Book:get"], "ok").await;
    check(&["Author:get", "Book:search"], "ok").await;
    // It knows that there are books, but not whose: an empty list would say that there are none.
    check(&["Author:get", "Book:update"], "malformed-request").await;
}
