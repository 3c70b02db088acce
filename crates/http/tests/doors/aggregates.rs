//! What the members of a relation come to: the example of docs/expressions.md, and the rights of those who ask.

use backstay_testkit::TestApp;

use crate::id_of;

const DOCUMENT: &str = include_str!("../../../../docs/expressions.md");

/// The example's model.
fn model() -> String {
    let (_, section) = DOCUMENT.split_once("\n## Members of a relation\n").expect("the section");
    let (_, example) = section.split_once("```graphql\n").expect("an example");
    let (example, _) = example.split_once("```").expect("its end");
    let user = "type User @identity { email: Email! @unique }";
    format!("extend schema @app(name: \"Orders\")\n{user}\n{example}")
}

async fn order(app: &TestApp, number: i64) -> String {
    let reply = app.post("POST /api/orders", &[], &format!(r#"{{"number": {number}}}"#)).await;
    assert_eq!(reply.status, 201, "{reply:?}");
    id_of(&reply)
}

async fn add(app: &TestApp, order: &str, (product, quantity): (&str, i64), price: &str) -> u16 {
    let body = format!(r#"{{"order": "{order}", "product": "{product}", "quantity": {quantity}, "price": {price}}}"#);
    app.post("POST /api/items", &[], &body).await.status
}

/// The numbers of the orders that a filter finds.
async fn found(app: &TestApp, filter: &str) -> Vec<i64> {
    let body = format!(r#"{{"filter": "{filter}", "sort": "number"}}"#);
    let reply = app.post("POST /api/orders:query", &[], &body).await;
    assert_eq!(reply.status, 200, "{filter}: {reply:?}");
    let json = reply.json();
    let items = json["items"].as_array().expect("a page");
    items.iter().map(|order| order["number"].as_i64().expect("a number")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_documented_filters_find_what_they_say() {
    let app = TestApp::open(&model());
    let eur = |amount: &str| format!(r#"{{"amount": "{amount}", "currency": "EUR"}}"#);
    let [_, second, third] = [order(&app, 1).await, order(&app, 2).await, order(&app, 3).await];
    for (at, item, price) in [
        (&second, ("Ink", 5), eur("60")),
        (&second, ("Paper", 2), eur("50.01")),
        (&third, ("Pen", 1), eur("99")),
        (&third, ("Ink", 4), r#"{"amount": "2", "currency": "USD"}"#.to_owned()),
    ] {
        assert_eq!(add(&app, at, item, &price).await, 201);
    }
    let (_, table) = DOCUMENT.split_once("| filter of `/api/orders` | finds the orders |").expect("the table");
    let filters: Vec<&str> = table
        .lines()
        .skip(2)
        .take_while(|line| line.starts_with("| `"))
        .filter_map(|line| line.split('`').nth(1))
        .collect();
    let expected: [&[i64]; 5] = [&[1], &[2], &[2], &[2], &[2, 3]];
    assert_eq!(filters.len(), expected.len());
    for (filter, expected) in filters.into_iter().zip(expected) {
        assert_eq!(found(&app, filter).await, expected, "{filter}");
    }
    // The create rule counts what is there.
    assert_eq!(add(&app, &second, ("Glue", 3), &eur("1")).await, 201);
    assert_eq!(add(&app, &second, ("Glue", 1), &eur("1")).await, 401, "10 of 10");
}

/// Members, and fields of members, that the caller may not read.
const TEAMS: &str = r#"
extend schema @app(name: "Teams")

type User @identity @allow(read: "true") { email: Email! @unique }

type Team @allow(read: "true", create: "true") {
  name: String!
  members: [Member!] @inverse(field: "team")
  pay: [Pay!] @inverse(field: "team")
}

type Member @allow(read: "this.open", create: "true") {
  team: Team!
  open: Boolean!
  age: Int @allow(read: "this.age < 50")
}

type Pay @allow(create: "true") { team: Team!, amount: Int! }
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_counts_what_the_caller_may_read() {
    let app = TestApp::open(TEAMS);
    let reply = app.post("POST /api/teams", &[], r#"{"name": "Red"}"#).await;
    let team = id_of(&reply);
    for (open, age) in [(true, 20), (true, 60), (false, 30)] {
        let body = format!(r#"{{"team": "{team}", "open": {open}, "age": {age}}}"#);
        assert_eq!(app.post("POST /api/members", &[], &body).await.status, 201);
    }
    let check = async |filter: &str, holds: bool| {
        let reply = app.post("POST /api/teams:query", &[], &format!(r#"{{"filter": "{filter}"}}"#)).await;
        assert_eq!(reply.status, 200, "{filter}: {reply:?}");
        assert_eq!(reply.json()["items"].as_array().expect("a page").len(), usize::from(holds), "{filter}");
    };
    check("size(members) == 2", true).await;
    check("members.count(m, m.age == 30) == 0", true).await;
    check("members.sum(m, m.age) == 20", true).await;
    check("members.max(m, m.age) == 20", true).await;
    check("members.first(m, true, [-m.age]).age == 20", true).await;
    check("members.first(m, m.age == 60) == null", true).await;
    for hidden in
        ["size(pay) > 0", "pay.sum(p, p.amount) > 0", "pay.max(p, p.amount) == 1", "pay.first(p, true) == null"]
    {
        let reply = app.post("POST /api/teams:query", &[], &format!(r#"{{"filter": "{hidden}"}}"#)).await;
        assert_eq!(reply.status, 400, "{hidden}: {reply:?}");
    }
}
