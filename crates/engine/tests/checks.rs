//! `@check` on types and on fields, and which changes of which fields it may refuse.

use std::sync::Arc;

use backstay_base::{Caller, RecordId, Violation};
use backstay_engine::{Error, Written};
use backstay_model::SourceFile;
use backstay_testkit::{TestApplication, TestClock, controlled};

struct Stock(TestApplication);

impl Stock {
    fn open(model: &str) -> Self {
        let ambient = controlled(&TestClock::at("2026-01-31T12:00:00Z"), 7);
        let model = format!("extend schema @app(name: \"Stock\")\n{model}");
        Self(TestApplication::open(vec![SourceFile::app("model/stock.graphql", model)], ambient))
    }

    async fn create(&self, body: &str) -> Result<Written, Error> {
        let client = self.0.client();
        client.written(&Arc::new(Caller::anonymous()), client.create("Stock", body)?).await
    }

    async fn update(&self, id: RecordId, body: &str) -> Result<Written, Error> {
        let client = self.0.client();
        client.written(&Arc::new(Caller::anonymous()), client.update("Stock", id, body)?).await
    }
}

fn told<T>(result: Result<T, Error>) -> String {
    match result {
        Ok(_) => "ok".to_owned(),
        Err(Error::Invalid(violations)) => {
            let told = violations.iter().map(|Violation { at, kind }| format!("{at} {kind}").trim().to_owned());
            told.collect::<Vec<_>>().join("; ")
        }
        Err(error) => error.to_string(),
    }
}

/// The model of the documentation.
fn documented() -> &'static str {
    const DOCUMENT: &str = include_str!("../../../docs/model.md");
    let (_, section) = DOCUMENT.split_once("\n### Checks\n").expect("the section");
    let (_, example) = section.split_once("```graphql\n").expect("an example");
    example.split_once("```").expect("its end").0
}

#[tokio::test]
async fn a_check_of_a_type_refuses_the_record() {
    let stock = Stock::open(documented());
    let check = async |body: &str, expected: &str| assert_eq!(told(stock.create(body).await), expected, "{body}");
    check(r#"{"onHand":5,"reserved":5}"#, "ok").await;
    check(r#"{"onHand":5,"reserved":6}"#, "not that many are left").await;
    check(r#"{"from":"2026-01-02","until":"2026-01-01"}"#, "it must end after it begins").await;
    check(r#"{"from":"2026-01-02"}"#, "ok").await;
    check(
        r#"{"reserved":-1,"from":"2026-01-02","until":"2026-01-01"}"#,
        "/reserved not negative; it must end after it begins",
    )
    .await;
    check(r#"[{"onHand":1},{"onHand":5,"reserved":6}]"#, "/1 not that many are left").await;
}

#[tokio::test]
async fn guards_say_which_changes_a_check_may_refuse() {
    let stock = Stock::open(documented());
    let id = stock.create(r#"{"onHand":5,"reserved":5}"#).await.expect("it is created").ids[0];
    let check = async |body: &str, expected: &str| assert_eq!(told(stock.update(id, body).await), expected, "{body}");
    check(r#"{"reserved":6}"#, "not that many are left").await;
    check(r#"{"onHand":3}"#, "ok").await;
    check(r#"{"reserved":5,"onHand":2}"#, "ok").await;
    check(r#"{"reserved":4}"#, "not that many are left").await;
    check(r#"{"from":"2026-01-02"}"#, "ok").await;
    check(r#"{"reserved":2}"#, "ok").await;
    check(r#"{"until":"2026-01-01"}"#, "it must end after it begins").await;
}

#[tokio::test]
async fn links_are_guarded_too() {
    let stock = Stock::open(
        r#"type Stock @allow(read: "true", create: "true", update: "true")
             @check(rule: "this.open || this.others.all(o, o.open)", message: "only open ones", guards: ["others"]) {
             open: Boolean! note: String others: [Stock!]
           }"#,
    );
    let closed = stock.create(r#"{"open":false}"#).await.expect("it is created").ids[0];
    let id = stock.create(&format!(r#"{{"open":true,"others":["{closed}"]}}"#)).await.expect("it is created").ids[0];
    assert_eq!(told(stock.update(id, r#"{"open":false}"#).await), "ok", "the links stay as they are");
    assert_eq!(told(stock.update(id, r#"{"note":"x"}"#).await), "ok");
    let another = stock.create(r#"{"open":false}"#).await.expect("it is created").ids[0];
    let both = format!(r#"{{"others":["{closed}","{another}"]}}"#);
    assert_eq!(told(stock.update(id, &both).await), "only open ones");
    assert_eq!(told(stock.update(id, r#"{"others":[]}"#).await), "ok");
}

#[tokio::test]
async fn a_check_of_a_type_is_explained() {
    let stock = Stock::open(documented());
    let client = stock.0.client();
    let request = client.create("Stock", r#"{"onHand":5,"reserved":6}"#).expect("a request");
    let explanation = client.explain(&Arc::new(Caller::anonymous()), request).await.expect("an explanation");
    let rules: Vec<String> = explanation.rules.iter().map(|rule| format!("{}: {}", rule.of, rule.answer)).collect();
    assert_eq!(
        rules,
        ["Stock create: true", "Stock.reserved check: true", "Stock check: false", "Stock check: unknown"]
    );
}
