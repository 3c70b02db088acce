//! The examples of docs/expressions.md, as a client meets them.

use std::fmt::Write as _;

use backstay_testkit::{Reply, TestApp};

/// The first example below a heading of the document.
fn example(heading: &str) -> String {
    let document = include_str!("../../../../docs/expressions.md");
    let (_, section) = document.split_once(&format!("\n## {heading}\n")).expect("a heading");
    let (_, example) = section.split_once("```graphql\n").expect("an example");
    example.split_once("```").expect("its end").0.to_owned()
}

/// What the fields of the records on a page are, each record in the order of the fields.
async fn listed(app: &TestApp, query: &str, fields: &[&str]) -> Vec<String> {
    let reply = app.call(&format!("GET /api/{query}"), &[]).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    let page = reply.json();
    let of = |record: &serde_json::Value| {
        fields.iter().map(|field| record[field].as_str().unwrap_or("-").to_owned()).collect::<Vec<_>>().join(" ")
    };
    page["items"].as_array().expect("a page").iter().map(of).collect()
}

/// The status, place and message of a refusal's only error.
fn refusal(reply: &Reply) -> String {
    let problem = reply.json();
    let error = &problem["errors"][0];
    format!("{} {} {}", reply.status, error["at"].as_str().unwrap_or("-"), error["message"].as_str().unwrap_or("-"))
}

#[tokio::test(flavor = "multi_thread")]
async fn exact_numbers() {
    let app = TestApp::open(&example("Exact numbers"));
    let make = async |body: &str| app.post("POST /api/items", &[], body).await;
    let made = make(r#"{"price": "19.99", "quantity": 3, "discount": "0.05"}"#).await;
    assert_eq!(made.status, 201, "{made:?}");
    assert_eq!(listed(&app, "items", &["net", "each"]).await, ["56.97 18.9900"]);
    let made = make(r#"{"price": "0.10", "quantity": 1, "discount": "0"}"#).await;
    assert_eq!(made.status, 201, "{made:?}");
    let found = listed(&app, "items?filter=price%20*%20quantity%20%3E%20$least&$least=50", &["net"]).await;
    assert_eq!(found, ["56.97"]);
    let refused = make(r#"{"price": "1", "quantity": 1, "discount": "0.5001"}"#).await;
    assert_eq!(refusal(&refused), "422 /discount at most half");
    // A divisor of zero: nothing is known of the price of each.
    let made = make(r#"{"price": "1", "quantity": 0, "discount": "0"}"#).await;
    assert_eq!(made.json()["each"], serde_json::Value::Null, "{made:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn amounts_of_money() {
    let app = TestApp::open(&example("Money"));
    let make = async |body: &str| app.post("POST /api/lines", &[], body).await;
    let price = r#""price": {"amount": "19.99", "currency": "EUR"}, "quantity": 3, "discount": "0.05""#;
    let made = make(&format!(r#"{{{price}, "paid": {{"amount": "20.00", "currency": "EUR"}}}}"#)).await;
    assert_eq!(made.status, 201, "{made:?}");
    let line = made.json();
    assert_eq!(line["total"]["amount"], "56.97");
    assert_eq!(line["open"].to_string(), r#"{"amount":"36.97","currency":"EUR"}"#);
    let refused = make(&format!(r#"{{{price}, "paid": {{"amount": "60.00", "currency": "EUR"}}}}"#)).await;
    assert_eq!(refusal(&refused), "422 /paid at most the total");
    // Amounts in different currencies don't compare, and what is unknown doesn't break a check.
    let made = make(&format!(r#"{{{price}, "paid": {{"amount": "60.00", "currency": "CHF"}}}}"#)).await;
    assert_eq!(made.json()["open"], serde_json::Value::Null, "{made:?}");
    let count = async |query: &str| {
        let reply = app.call(&format!("GET /api/lines?{query}"), &[]).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        reply.json()["items"].as_array().expect("a page").len()
    };
    assert_eq!(count("filter=total%20%3E%20$least&$least=50%20EUR").await, 2);
    assert_eq!(count("filter=total%20%3E%20$least&$least=50%20CHF").await, 0);
    assert_eq!(count("filter=open%20%3E%20money(36,%20'EUR')").await, 1);
    assert_eq!(count("filter=open.currency%20==%20'EUR'").await, 1);
    let reply = app.call("GET /api/lines?filter=total%20%3E%20$least&$least=50", &[]).await;
    assert_eq!(reply.status, 400, "{reply:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn days_and_lengths_of_time() {
    let app = TestApp::open(&example("Days and lengths of time"));
    let make = async |body: &str| app.post("POST /api/loans", &[], body).await;
    let made = make(r#"{"takenAt": "2026-07-01T22:30:00Z", "weeks": 2}"#).await;
    assert_eq!(made.status, 201, "{made:?}");
    let fields = ["on", "due", "warnAt"];
    let loan = "2026-07-02 2026-07-16 2026-07-15T10:00:00.000000Z";
    assert_eq!(listed(&app, "loans", &fields).await, [loan]);
    let filter = |text: &str| {
        text.bytes().fold("loans?filter=".to_owned(), |mut query, byte| {
            write!(query, "%{byte:02X}").expect("a text takes what is written");
            query
        })
    };
    let found = listed(&app, &filter("due - on == duration(weeks: weeks) && year(due) == 2026"), &fields).await;
    assert_eq!(found, [loan]);
    let found = listed(&app, &filter("startOfMonth(takenAt) + duration(days: 31) < takenAt"), &fields).await;
    assert_eq!(found, [""; 0]);
    // The last day there is has no day after it.
    let made = make(r#"{"takenAt": "9999-12-30T21:59:59Z", "weeks": 1}"#).await;
    assert_eq!(made.json()["due"], serde_json::Value::Null, "{made:?}");
    let refused = app.call(&format!("GET /api/{}", filter("due < today('Mars/Base')")), &[]).await;
    assert_eq!(refusal(&refused), "400 filter there is no time zone `Mars/Base` (character 12)");
}

#[tokio::test(flavor = "multi_thread")]
async fn texts() {
    let user = "type User @identity @allow(read: \"true\") { email: Email! @unique }";
    let app = TestApp::open(&format!("extend schema @app(name: \"Shop\")\n{user}\n{}", example("Texts")));
    let make = async |name: &str| app.post("POST /api/products", &[], &format!(r#"{{"name": "{name}"}}"#)).await;
    for name in ["Crème brûlée", "Creme caramel", "Straße"] {
        let made = make(name).await;
        assert_eq!(made.status, 201, "{made:?}");
    }
    assert_eq!(refusal(&make(" Tea\u{a0}").await), "422 /name no white space at the ends");
    let found = async |filter: &str| {
        let filter = filter.bytes().fold("products?sort=name&filter=".to_owned(), |mut query, byte| {
            write!(query, "%{byte:02X}").expect("a text takes what is written");
            query
        });
        listed(&app, &format!("{filter}&$q=CR%C3%88ME"), &["name", "code"]).await
    };
    let (caramel, brulee) = ("Creme caramel CREME-CARAMEL", "Crème brûlée CRÈME-BRÛLÉE");
    assert_eq!(found("fold(name).contains(fold($q))").await, [caramel, brulee]);
    assert_eq!(found("name.matches('^Cr.*e$') && $q != ''").await, [brulee]);
    assert_eq!(found("lower(name) == 'straße' && $q != ''").await, ["Straße STRASSE"]);
    let refused = app.call("GET /api/products?filter=name.matches('(a')", &[]).await;
    assert_eq!(refusal(&refused), "400 filter unclosed group (character 1) (character 13)");
}

#[tokio::test(flavor = "multi_thread")]
async fn joined_and_split_texts() {
    let app = TestApp::open(&example("Joined and split texts"));
    let make = async |body: &str| app.post("POST /api/members", &[], body).await;
    let made = make(r#"{"first": "Ann", "last": "Lee", "number": 7, "level": "FULL", "keywords": "chess, go"}"#).await;
    assert_eq!(made.status, 201, "{made:?}");
    let made = make(r#"{"first": "Bob", "last": "Ray", "number": 8, "level": "BASIC"}"#).await;
    assert_eq!(made.status, 201, "{made:?}");
    let found = async |filter: &str| {
        let filter = filter.bytes().fold("members?sort=-name&filter=".to_owned(), |mut query, byte| {
            write!(query, "%{byte:02X}").expect("a text takes what is written");
            query
        });
        listed(&app, &filter, &["badge", "card"]).await
    };
    let (ann, bob) = ("LEE-7 Ann Lee (FULL): chess + go", "RAY-8 -");
    assert_eq!(found("true").await, [bob, ann]);
    assert_eq!(found("name == 'Ann Lee'").await, [ann]);
    assert_eq!(found("'go' in split(keywords, ', ')").await, [ann]);
    assert_eq!(found("text(level) + text(number) == 'BASIC8'").await, [bob]);
    let refused = app.call("GET /api/members?filter=first%20%2B%20number%20==%20'a'", &[]).await;
    assert_eq!(refusal(&refused), "400 filter String + Int is not defined (character 0)");
    let refused = app
        .post("POST /api/members", &[], r#"{"first": "A", "last": "B", "number": 1, "level": "FULL", "name": "X"}"#)
        .await;
    assert_eq!(refusal(&refused), "422 /name this field is computed");
}

/// A moment that a length of time leads out of what there is, or whose length is itself too long, is unknown: no rule is
/// true because of it, and no record ends a list.
#[tokio::test(flavor = "multi_thread")]
async fn moments_out_of_range_allow_nothing() {
    let app = TestApp::open(
        r#"
        extend schema @app(name: "Waiting")
        type User @identity @allow(read: "true") { email: Email! @unique name: String! }
        type After @allow(read: "this.at + duration(hours: this.wait) < now", create: "true") { name: String at: DateTime! wait: Int! }
        type Before @allow(read: "!(this.at - duration(hours: this.wait) < now)", create: "true") { name: String at: DateTime! wait: Int! }
        type Twice @allow(read: "this.at + duration(hours: this.wait) * 4 - duration(hours: this.wait) * 4 <= now", create: "true") {
          name: String  at: DateTime!  wait: Int!
        }
        type Field @allow(read: "true", create: "true") {
          name: String @allow(read: "this.at + duration(hours: this.wait) < now || this.at + duration(hours: this.wait) >= now")
          at: DateTime!
          wait: Int!
        }
        "#,
    );
    let waits = ["0", "2562047788", "-2562047788", "9223372036854775807", "-9223372036854775808"];
    for path in ["afters", "befores", "twices", "fields"] {
        for wait in waits {
            for at in ["2020-01-01T00:00:00Z", "9999-12-30T00:00:00Z", "0001-01-02T00:00:00Z"] {
                let body = format!(r#"{{"name": "{wait}", "at": "{at}", "wait": {wait}}}"#);
                assert_eq!(app.post(&format!("POST /api/{path}"), &[], &body).await.status, 201, "{path} {body}");
            }
        }
    }
    let names = async |query: &str| {
        let mut names = listed(&app, query, &["name"]).await;
        names.retain(|name| name != "-");
        names.sort();
        names
    };
    // Without a wait, two of the moments are past and one is to come.
    assert_eq!(names("afters").await, ["0", "0"]);
    assert_eq!(names("befores").await, ["0"]);
    assert_eq!(names("twices").await, ["0", "0"]);
    assert_eq!(names("fields").await, ["0", "0", "0"]);
    assert_eq!(names("afters?sort=wait&count=true").await, ["0", "0"]);
    // A filter of the caller is no different.
    let out = "at%20%2B%20duration(hours:%20wait)%20%3C%20$now&$now=2026-01-01T00:00:00Z";
    assert_eq!(names(&format!("fields?filter={out}")).await, ["0", "0"]);
    assert_eq!(names(&format!("fields?filter=!({}", out.replace("&$now", ")&$now"))).await, ["0"]);
}
