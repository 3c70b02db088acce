//! What values may be: `@range` and `@pattern`.

use std::sync::Arc;

use backstay_base::{Caller, Error, RecordId};
use backstay_engine::Written;
use backstay_model::SourceFile;
use backstay_testkit::{TestApplication, TestClock, controlled};

const MODEL: &str = r#"
extend schema @app(name: "Limits") @rule(name: "editor", is: "'EDITOR' in auth.roles")
enum Role @roles { EDITOR }
type Size @embedded { width: Int! @range(min: 1, max: 100) unit: String @pattern(is: "px|em") }
type Post @allow(read: "true", create: "true", update: "true") {
  stars: Int @range(min: 1, max: 5)
  ratio: Float @range(min: 0, max: 1)
  price: Decimal @precision(digits: 10, scale: 2) @range(min: 0.01)
  day: Date @range(min: "2020-01-01", max: "2030-12-31")
  at: DateTime @range(min: "2020-01-01T00:00:00Z")
  opens: Time @range(min: "08:00", max: "17:30:00")
  takes: Duration @range(min: "15m", max: "PT8H")
  scores: [Int!] @range(max: 10)
  slug: String @pattern(is: "[a-z0-9-]+")
  code: String @pattern(is: "[A-Z]{2}\\d{4}", message: "two capital letters and four digits")
  from: Email @pattern(is: ".*@example\\.org")
  tags: [String!] @pattern(is: "\\p{Ll}+")
  text: Text @pattern(is: "[^x]*")
  size: Size
  sizes: [Size!]
  name: String
  copied: String @pattern(is: "[a-z]*") @set(on: WRITE, to: "this.name")
  hidden: Int @range(max: 5) @allow(read: "editor")
}
"#;

struct Limited(TestApplication);

impl Limited {
    fn open(model: &str) -> Self {
        let ambient = controlled(&TestClock::at("2026-01-31T12:00:00Z"), 7);
        Self(TestApplication::open(vec![SourceFile::app("model/limits.graphql", model)], ambient))
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
            let each = violations.iter().map(|violation| format!("{} {}", violation.at, violation.kind));
            each.collect::<Vec<_>>().join("; ")
        }
        Err(error) => error.code().to_owned(),
    }
}

#[tokio::test]
async fn values_are_what_their_fields_say() {
    let app = Limited::open(MODEL);
    let id = app.create("{}").await.expect("null is in every range and matches every pattern").ids[0];
    let check = async |body: &str, expected: &str| {
        assert_eq!(told(app.create(body).await), expected, "create {body}");
        assert_eq!(told(app.update(id, body).await), expected, "update {body}");
    };
    check(r#"{"stars":1,"ratio":1,"price":"0.01","day":"2020-01-01","at":"2020-01-01T00:00:00Z"}"#, "ok").await;
    check(r#"{"stars":5,"ratio":0,"price":99999999.99,"day":"2030-12-31","opens":"17:30","takes":"PT15M"}"#, "ok")
        .await;
    check(r#"{"stars":0}"#, "/stars must be at least 1").await;
    check(r#"{"stars":6,"ratio":1.5}"#, "/stars must be at most 5; /ratio must be at most 1").await;
    check(r#"{"price":0}"#, "/price must be at least 0.01").await;
    check(r#"{"day":"2019-12-31"}"#, "/day must not be before 2020-01-01").await;
    check(r#"{"day":"2031-01-01"}"#, "/day must not be after 2030-12-31").await;
    check(r#"{"at":"2020-01-01T00:00:00+01:00"}"#, "/at must not be before 2020-01-01T00:00:00Z").await;
    check(r#"{"opens":"07:59:59.9"}"#, "/opens must not be before 08:00:00").await;
    check(r#"{"takes":"9h"}"#, "/takes must be at most PT8H").await;
    check(r#"{"scores":[1,11,12]}"#, "/scores/1 must be at most 10").await;
    check(r#"{"slug":"a-1","code":"AB1234","from":"  Ann@EXAMPLE.org ","tags":["é","b"],"text":"\n"}"#, "ok").await;
    check(r#"{"slug":"a b"}"#, "/slug must match `[a-z0-9-]+`").await;
    check(r#"{"slug":"a\n"}"#, "/slug must match `[a-z0-9-]+`").await;
    check(r#"{"slug":""}"#, "/slug must match `[a-z0-9-]+`").await;
    check(r#"{"code":"AB123"}"#, "/code two capital letters and four digits").await;
    check(r#"{"from":"ann@example.com"}"#, r"/from must match `.*@example\.org`").await;
    check(r#"{"tags":["a","B"]}"#, r"/tags/1 must match `\p{Ll}+`").await;
    let long = format!(r#"{{"text":"{}"}}"#, "a".repeat(65_537));
    check(&long, "/text must have at most 65536 bytes, because it has to match a pattern").await;
    check(r#"{"name":"A"}"#, "/copied must match `[a-z]*`").await;
    check(r#"{"size":{"width":1,"unit":"em"},"sizes":[{"width":100}]}"#, "ok").await;
    check(r#"{"size":{"width":0,"unit":"m"}}"#, "/size/width must be at least 1; /size/unit must match `px|em`").await;
    let within = "/sizes/1/width must be at most 100; /sizes/1/unit must match `px|em`";
    check(r#"{"sizes":[{"width":1},{"width":101,"unit":"m"}]}"#, within).await;
}

/// The answer must not tell whether a value that a caller doesn't see is the one that was sent.
#[tokio::test]
async fn a_limit_tells_nothing_of_what_is_stored() {
    let app = Limited::open(MODEL);
    let id = app.create(r#"{"hidden":3}"#).await.expect("a post").ids[0];
    for value in [6, 7] {
        let body = format!(r#"{{"hidden":{value}}}"#);
        assert_eq!(told(app.update(id, &body).await), "/hidden must be at most 5");
    }
    assert_eq!(told(app.update(id, r#"{"hidden":3}"#).await), "ok");
}

#[tokio::test]
async fn the_documented_limits_hold() {
    const DOCUMENT: &str = include_str!("../../../docs/model.md");
    let (_, section) = DOCUMENT.split_once("\n### Ranges and patterns\n").expect("the section");
    let (_, example) = section.split_once("```graphql\n").expect("an example");
    let (example, _) = example.split_once("```").expect("its end");
    let app = Limited::open(&format!("extend schema @app(name: \"Limits\")\n{}", example.replace("Product", "Post")));
    let sound = r##""stars":5,"price":"0.50","sku":"AB-1234","released":"2026-05-01","colours":["#00ff7f"]"##;
    assert_eq!(told(app.create(&format!("{{{sound}}}")).await), "ok");
    let wrong = r##"{"stars":0,"price":0,"sku":"ab","released":"1999-12-31","colours":["#00ff7f","red"]}"##;
    assert_eq!(
        told(app.create(wrong).await),
        "/stars must be at least 1; /price must be at least 0.01; /sku two letters, a hyphen and four digits; /released \
         must not be before 2000-01-01; /colours/1 must match `#[0-9a-f]{6}`"
    );
}
