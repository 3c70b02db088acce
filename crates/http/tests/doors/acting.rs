//! Actions, with procedures in Rust.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};

use backstay_base::{Error, RefusedByProcedure};
use backstay_engine::{ActionCall, BeforeProcedure, Begun, Block, Committed, Engine, Procedure, Procedures};
use backstay_testkit::{Reply, TestApp};
use futures_util::future::BoxFuture;
use serde_json::{Value, json};

const MODEL: &str = r#"
extend schema @app(name: "Shop")
type User @identity @allow(read: "true") { email: Email! @unique  name: String }

type Item @allow(read: "true", create: "true") @allow(update: "'checkout' in auth.via", only: ["stock"]) {
  name: String!
  stock: Int! @check(rule: "this.stock >= 0", message: "sold out")
}

type Order @allow(read: "this.buyer == auth.id", create: "'checkout' in auth.via") {
  item: Item!
  quantity: Int!
  note: String
  buyer: User! @set(on: CREATE, to: "auth.id")
}

enum Size { SMALL LARGE }

"What is bought."
input Line { item: ID!  quantity: Int! = 1 @range(min: 1, max: 100) }

type Mutation {
  "Buys an item."
  checkout(line: Line!, note: String @length(max: 5)): Order @function @allow(call: "auth.id != null")
  echo(text: String!, size: Size, amounts: [Decimal!]): JSON @function(name: "say") @allow(call: "true")
  mine: [Order!]! @function(name: "say") @allow(call: "true")
  count: Int! @function(name: "say") @allow(call: "true")
}

extend type Query { stock(item: ID!, least: Int = 0): Int @function @allow(call: "true") }
"#;

type Code = Arc<dyn Fn(ActionCall) -> BoxFuture<'static, Result<String, Error>> + Send + Sync>;

#[derive(Clone)]
struct One(Code);

impl fmt::Debug for One {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("One(…)")
    }
}

impl Procedure for One {
    fn run(&self, call: ActionCall) -> BoxFuture<'_, Result<String, Error>> {
        (self.0)(call)
    }
}

/// Procedures by the names of their functions.
#[derive(Debug, Default)]
pub(crate) struct All(Vec<(&'static str, One)>);

impl All {
    pub(crate) fn with<F>(mut self, name: &'static str, run: impl Fn(ActionCall) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<String, Error>> + Send + 'static,
    {
        self.0.push((name, One(Arc::new(move |call| Box::pin(run(call))))));
        self
    }
}

impl Procedures for All {
    fn procedure(&self, function: &str) -> Option<Arc<dyn Procedure>> {
        let found = self.0.iter().find(|(name, _)| *name == function);
        found.map(|(_, one)| Arc::new(one.clone()) as Arc<dyn Procedure>)
    }

    fn before(&self, _: &str) -> Option<Arc<dyn BeforeProcedure>> {
        None
    }
}

fn open(procedures: All) -> TestApp {
    let app = TestApp::open(MODEL);
    engine(&app).set_procedures(Arc::new(procedures));
    app
}

fn engine(app: &TestApp) -> &Engine {
    &app.services.engine
}

fn read(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).expect("JSON")
}

async fn ask(block: &Block, request: Value) -> Result<Value, Error> {
    block.request(&request.to_string()).await.map(|answer| read(&answer))
}

/// Buys, running again where that is needed, and counts the runs. `meanwhile` is done in each run, after it has read.
async fn checkout<F: Future<Output = ()>>(
    call: ActionCall,
    runs: &AtomicU32,
    meanwhile: impl Fn(u32, String) -> F,
) -> Result<String, Error> {
    let arguments: Value = read(call.arguments().as_bytes());
    let (line, item) = (&arguments["line"], arguments["line"]["item"].as_str().expect("an id").to_owned());
    let mut block = match call.begin().await? {
        Begun::Block(block) => block,
        Begun::Done(result) => return Ok(result.to_string()),
    };
    loop {
        let run = runs.fetch_add(1, Ordering::Relaxed);
        let found = ask(&block, json!({"get": "items", "id": item, "select": "stock"})).await?;
        let left = found["stock"].as_i64().expect("a number") - line["quantity"].as_i64().expect("a number");
        if left < -10 {
            let (code, message) = (Some("much-too-many".to_owned()), "there aren't nearly as many".to_owned());
            return Err(Error::Refused(Box::new(RefusedByProcedure { code, message })));
        }
        meanwhile(run, item.clone()).await;
        let sent = json!({"item": item, "quantity": line["quantity"], "note": arguments["note"]});
        let order = ask(&block, json!({"create": "orders", "body": sent})).await?;
        ask(&block, json!({"update": "items", "id": item, "body": {"stock": left}})).await?;
        match block.commit(&order.to_string()).await? {
            Committed::Done => return Ok(order.to_string()),
            Committed::Again(next) => block = next,
        }
    }
}

fn shop(runs: &Arc<AtomicU32>) -> All {
    let runs = Arc::clone(runs);
    All::default().with("checkout", move |call| {
        let runs = Arc::clone(&runs);
        async move { checkout(call, &runs, |_, _| std::future::ready(())).await }
    })
}

async fn item(app: &TestApp, stock: i64) -> String {
    let reply = app.post("POST /api/items", &[], &json!({"name": "Tea", "stock": stock}).to_string()).await;
    assert_eq!(reply.status, 201, "{}", reply.text());
    crate::id_of(&reply)
}

async fn stock(app: &TestApp, item: &str) -> Value {
    app.call(&format!("GET /api/items/{item}?select=stock"), &[]).await.json()["stock"].clone()
}

async fn orders(app: &TestApp, token: &str) -> usize {
    let list = app.call("GET /api/orders", &[("authorization", token)]).await.json();
    list["items"].as_array().expect("orders").len()
}

async fn buy(app: &TestApp, headers: &[(&str, &str)], item: &str, quantity: i64) -> Reply {
    let body = json!({"line": {"item": item, "quantity": quantity}}).to_string();
    app.post("POST /do/checkout?select=quantity,item{stock}", headers, &body).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_action_writes_in_one_commit_what_only_it_may_write() {
    let runs = Arc::default();
    let app = open(shop(&runs));
    let ada = app.account("ada@example.org").await;
    let tea = item(&app, 5).await;
    let reply = buy(&app, &[("authorization", &ada)], &tea, 2).await;
    assert_eq!((reply.status, reply.json()), (200, json!({"quantity": 2, "item": {"stock": 3}})), "{}", reply.text());
    assert_eq!((stock(&app, &tea).await, orders(&app, &ada).await, runs.load(Ordering::Relaxed)), (json!(3), 1, 1));
    // A selection is read before anything runs.
    let body = json!({"line": {"item": tea}}).to_string();
    let wrong = app.post("POST /do/checkout?select=nothing", &[("authorization", &ada)], &body).await;
    assert_eq!((wrong.status, orders(&app, &ada).await), (400, 1), "{}", wrong.text());
    // The same writes by themselves.
    let auth = [("authorization", ada.as_str())];
    let body = json!({"item": tea, "quantity": 1}).to_string();
    assert_eq!(app.post("POST /api/orders", &auth, &body).await.status, 403);
    assert_eq!(app.post(&format!("PATCH /api/items/{tea}"), &auth, r#"{"stock": 9}"#).await.status, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_database_refuses_at_commit_leaves_nothing() {
    let runs = Arc::default();
    let app = open(shop(&runs));
    let ada = app.account("ada@example.org").await;
    let tea = item(&app, 1).await;
    let reply = buy(&app, &[("authorization", &ada)], &tea, 2).await;
    assert_eq!((reply.status, reply.problem()), (422, "invalid-values".to_owned()), "{}", reply.text());
    assert_eq!((stock(&app, &tea).await, orders(&app, &ada).await), (json!(1), 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_procedure_refuses_in_its_own_words() {
    let app = open(shop(&Arc::default()));
    let ada = app.account("ada@example.org").await;
    let tea = item(&app, 1).await;
    let reply = buy(&app, &[("authorization", &ada)], &tea, 99).await;
    let problem = reply.json();
    assert_eq!((reply.status, reply.problem()), (422, "refused".to_owned()), "{}", reply.text());
    assert_eq!(
        (&problem["reason"], &problem["detail"]),
        (&json!("much-too-many"), &json!("there aren't nearly as many"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_call_is_asked_first() {
    let app = open(shop(&Arc::default()));
    let tea = item(&app, 5).await;
    let reply = buy(&app, &[], &tea, 2).await;
    assert_eq!((reply.status, reply.problem()), (401, "sign-in-required".to_owned()));
    assert_eq!(stock(&app, &tea).await, json!(5));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_runs_again_if_what_it_has_read_has_changed() {
    let runs = Arc::new(AtomicU32::new(0));
    let engine_of: Arc<OnceLock<Engine>> = Arc::default();
    let (counted, serving) = (Arc::clone(&runs), Arc::clone(&engine_of));
    let procedures = All::default().with("checkout", move |call: ActionCall| {
        let (runs, served) = (Arc::clone(&counted), Arc::clone(&serving));
        async move {
            let other = served.get().expect("it is open").clone();
            checkout(call, &runs, |run, item| {
                let other = other.clone();
                async move {
                    if run == 0 {
                        change(&other, &item, 4).await;
                    }
                }
            })
            .await
        }
    });
    let app = open(procedures);
    engine_of.get_or_init(|| engine(&app).clone());
    let ada = app.account("ada@example.org").await;
    let tea = item(&app, 5).await;
    let reply = buy(&app, &[("authorization", &ada)], &tea, 2).await;
    assert_eq!((reply.status, reply.json()), (200, json!({"quantity": 2, "item": {"stock": 2}})), "{}", reply.text());
    assert_eq!((runs.load(Ordering::Relaxed), orders(&app, &ada).await), (2, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_whose_reads_change_each_time_is_a_conflict() {
    let runs = Arc::new(AtomicU32::new(0));
    let engine_of: Arc<OnceLock<Engine>> = Arc::default();
    let (counted, serving) = (Arc::clone(&runs), Arc::clone(&engine_of));
    let procedures = All::default().with("checkout", move |call: ActionCall| {
        let (runs, served) = (Arc::clone(&counted), Arc::clone(&serving));
        async move {
            let other = served.get().expect("it is open").clone();
            checkout(call, &runs, |run, item| {
                let other = other.clone();
                async move { change(&other, &item, 100 + i64::from(run)).await }
            })
            .await
        }
    });
    let app = open(procedures);
    engine_of.get_or_init(|| engine(&app).clone());
    let ada = app.account("ada@example.org").await;
    let tea = item(&app, 5).await;
    let reply = buy(&app, &[("authorization", &ada)], &tea, 2).await;
    assert_eq!((reply.status, reply.problem()), (409, "concurrent-change".to_owned()), "{}", reply.text());
    let runs = runs.load(Ordering::Relaxed);
    assert_eq!((runs, orders(&app, &ada).await), (backstay_base::limits::BLOCK_RUNS, 0));
    assert_eq!(stock(&app, &tea).await, json!(99 + i64::from(runs)));
}

/// Changes the stock of an item, as Backstay itself.
async fn change(engine: &Engine, item: &str, stock: i64) {
    use backstay_engine::{Context, Input, Request, Update, WriteOptions};
    let of = engine.model().collection_named("Item").expect("the type");
    let input = Input::new().with(of.field_named("stock").expect("the field").id, stock);
    let which = item.parse::<backstay_base::RecordId>().expect("an id").into();
    let update = Update { collection: of.id, which, input, options: WriteOptions::default() };
    let written = engine.answer(&Context::system(engine), Request::Update(update), backstay_rest::JSON).await;
    written.expect("it is changed");
}

/// Each of them loses at most as often as there are units: nothing else changes what it has read.
#[tokio::test(flavor = "multi_thread")]
async fn buyers_at_the_same_time_never_buy_what_is_sold() {
    const UNITS: usize = 8;
    let app = Arc::new(open(shop(&Arc::default())));
    let ada = app.account("ada@example.org").await;
    let tea = item(&app, 8).await;
    let buyers = (0..20).map(|_| {
        let (app, ada, tea) = (Arc::clone(&app), ada.clone(), tea.clone());
        tokio::spawn(async move {
            let reply = buy(&app, &[("authorization", &ada)], &tea, 1).await;
            (reply.status, reply.text().to_owned())
        })
    });
    let mut sold = 0;
    for buyer in buyers.collect::<Vec<_>>() {
        let (status, text) = buyer.await.expect("it doesn't panic");
        assert!(status == 200 || status == 422 && text.contains("sold out"), "{status}: {text}");
        sold += usize::from(status == 200);
    }
    assert_eq!((sold, stock(&app, &tea).await, orders(&app, &ada).await), (UNITS, json!(0), UNITS));
}

#[tokio::test(flavor = "multi_thread")]
async fn under_a_key_an_action_is_carried_out_once() {
    let runs = Arc::default();
    let app = open(shop(&runs));
    let ada = app.account("ada@example.org").await;
    let tea = item(&app, 3).await;
    let headers = [("authorization", ada.as_str()), ("idempotency-key", "k")];
    let first = buy(&app, &headers, &tea, 2).await;
    let second = buy(&app, &headers, &tea, 2).await;
    assert_eq!((first.status, second.status), (200, 200), "{}", second.text());
    assert_eq!(first.json(), second.json());
    assert_eq!((stock(&app, &tea).await, orders(&app, &ada).await, runs.load(Ordering::Relaxed)), (json!(1), 1, 1));
    let other = buy(&app, &headers, &tea, 1).await;
    assert_eq!((other.status, other.problem()), (422, "idempotency-key-reused".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn arguments_are_checked_before_anything_runs() {
    let say = |call: ActionCall| async move { Ok(call.arguments().to_owned()) };
    let app = open(All::default().with("say", say));
    let check = async |body: &str, expected: Result<Value, &[&str]>| {
        let reply = app.post("POST /do/echo", &[], body).await;
        let problem = reply.json();
        match expected {
            Ok(expected) => assert_eq!((reply.status, problem), (200, expected), "{body}"),
            Err(expected) => {
                let errors = problem["errors"].as_array().cloned().unwrap_or_default();
                let at: Vec<&str> = errors.iter().map(|error| error["at"].as_str().expect("a place")).collect();
                assert_eq!((reply.status, at.as_slice()), (400, expected), "{body}: {}", reply.text());
            }
        }
    };
    let whole = json!({"text": "a", "size": null, "amounts": null});
    check(r#"{"text": "a"}"#, Ok(whole)).await;
    let whole = json!({"text": "a", "size": "LARGE", "amounts": ["1.5000"]});
    check(r#"{"text": "a", "size": "LARGE", "amounts": ["1.5"]}"#, Ok(whole)).await;
    check("{}", Err(&["/text"])).await;
    check("", Err(&["/text"])).await;
    check(r#"{"text": 1, "size": "HUGE", "amounts": ["1", "x"]}"#, Err(&["/text", "/size", "/amounts/1"])).await;
    check(r#"{"text": "a", "txet": 1}"#, Err(&["/txet"])).await;
    check("[]", Err(&[""])).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn arguments_in_input_types_have_limits_and_defaults() {
    let app = open(shop(&Arc::default()));
    let ada = app.account("ada@example.org").await;
    let tea = item(&app, 5).await;
    let check = async |body: Value, expected: (u16, Value)| {
        let reply =
            app.post("POST /do/checkout?select=quantity,note", &[("authorization", &ada)], &body.to_string()).await;
        let json = reply.json();
        let told = if reply.status == 200 { json } else { json["errors"][0]["at"].clone() };
        assert_eq!((reply.status, told), expected, "{body}: {}", reply.text());
    };
    check(json!({"line": {"item": tea}}), (200, json!({"quantity": 1, "note": null}))).await;
    check(json!({"line": {"item": tea, "quantity": 0}}), (400, json!("/line/quantity"))).await;
    check(json!({"line": {"item": "x"}}), (400, json!("/line/item"))).await;
    check(json!({"line": {"item": tea}, "note": "too long"}), (400, json!("/note"))).await;
    check(json!({"line": null}), (400, json!("/line"))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_is_what_the_model_declares() {
    let app = open(All::default().with("say", |call: ActionCall| async move {
        Ok(if call.action().name == "count" { "\"many\"".to_owned() } else { "[]".to_owned() })
    }));
    let reply = app.post("POST /do/count", &[], "{}").await;
    assert_eq!((reply.status, reply.problem()), (500, "internal".to_owned()), "{}", reply.text());
    let reply = app.post("POST /do/mine", &[], "{}").await;
    assert_eq!((reply.status, reply.json()), (200, json!([])), "{}", reply.text());
    let reply = app.post("POST /do/count?select=id", &[], "{}").await;
    assert_eq!((reply.status, reply.problem()), (400, "malformed-request".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_the_caller_may_not_read_is_null() {
    let runs = Arc::default();
    let first = Arc::new(parking_lot::Mutex::new(String::new()));
    let known = Arc::clone(&first);
    let app = open(shop(&runs).with("say", move |_| {
        let id = known.lock().clone();
        async move { Ok(json!([{"id": id}]).to_string()) }
    }));
    let (ada, bob) = (app.account("ada@example.org").await, app.account("bob@example.org").await);
    let tea = item(&app, 5).await;
    let body = json!({"line": {"item": tea}}).to_string();
    let order = app.post("POST /do/checkout", &[("authorization", &ada)], &body).await;
    *first.lock() = crate::id_of(&order);
    let check = async |token: &str, expected: Value| {
        let reply = app.post("POST /do/mine?select=quantity", &[("authorization", token)], "").await;
        assert_eq!((reply.status, reply.json()), (200, expected), "{}", reply.text());
    };
    check(&ada, json!([{"quantity": 1}])).await;
    check(&bob, json!([null])).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reading_action_is_called_with_get_and_never_writes() {
    let app = open(All::default().with("stock", |call: ActionCall| async move {
        let arguments: Value = read(call.arguments().as_bytes());
        if arguments["least"] == 7 {
            let request = json!({"create": "items", "body": {"name": "Tea", "stock": 1}});
            return call.request(&request.to_string()).await.map(|_| "null".to_owned());
        }
        let request = json!({"get": "items", "id": arguments["item"], "select": "stock"});
        let found = read(&call.request(&request.to_string()).await?);
        Ok(found["stock"]
            .as_i64()
            .filter(|stock| *stock >= arguments["least"].as_i64().unwrap_or(0))
            .map_or_else(|| "null".to_owned(), |stock| stock.to_string()))
    }));
    let tea = item(&app, 5).await;
    let check = async |line: &str, expected: (u16, Value)| {
        let reply = app.call(line, &[]).await;
        let json = reply.json();
        let told = if reply.status == 200 { json } else { json["type"].clone() };
        assert_eq!((reply.status, told), expected, "{line}: {}", reply.text());
    };
    check(&format!("GET /do/stock?item={tea}"), (200, json!(5))).await;
    check(&format!("GET /do/stock?item={tea}&least=6"), (200, Value::Null)).await;
    check(&format!("GET /do/stock?item={tea}&least=x"), (400, json!("/problems/malformed-request"))).await;
    check(&format!("GET /do/stock?item={tea}&lest=1"), (400, json!("/problems/malformed-request"))).await;
    check("GET /do/stock", (400, json!("/problems/malformed-request"))).await;
    check(&format!("GET /do/stock?item={tea}&least=7"), (500, json!("/problems/internal"))).await;
    check("GET /do/checkout", (405, json!("/problems/method-not-allowed"))).await;
    check("GET /do/nothing", (404, json!("/problems/no-such-path"))).await;
    let list = app.call("GET /api/items?select=name", &[]).await.json();
    assert_eq!(list["items"].as_array().expect("items").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_in_a_transaction_sees_what_was_queued_and_commits() {
    let app = open(All::default().with("say", |call: ActionCall| async move {
        let Begun::Block(block) = call.begin().await? else { return Ok("0".to_owned()) };
        let made = ask(&block, json!({"create": "items", "body": {"name": "Tea", "stock": 3}})).await?;
        let found = ask(&block, json!({"get": "items", "id": made["id"]})).await?;
        let unseen = block.peek(&json!({"get": "items", "id": made["id"]}).to_string()).await;
        assert!(matches!(unseen, Err(Error::NotFound { .. })));
        let all = ask(&block, json!({"list": "items"})).await?;
        // The moments of what isn't committed are others each time.
        assert_eq!((&all["items"][0]["id"], &all["items"][0]["stock"]), (&found["id"], &json!(3)));
        assert!(matches!(block.commit("1").await?, Committed::Done));
        Ok(found["stock"].to_string())
    }));
    let reply = app.post("POST /do/count", &[], "").await;
    assert_eq!((reply.status, reply.json()), (200, json!(3)), "{}", reply.text());
    let list = app.call("GET /api/items?select=name", &[]).await.json();
    assert_eq!(list["items"], json!([{"name": "Tea"}]));
}

/// What is between the transactions runs again under a key, and they don't.
#[tokio::test(flavor = "multi_thread")]
async fn each_transaction_of_an_action_is_carried_out_once_under_a_key() {
    let fails = Arc::new(AtomicU32::new(1));
    let left = Arc::clone(&fails);
    let app = open(All::default().with("say", move |call: ActionCall| {
        let left = Arc::clone(&left);
        async move {
            let mut results = Vec::new();
            for name in ["Tea", "Milk"] {
                match call.begin().await? {
                    Begun::Done(result) => results.push(read(result.as_bytes())),
                    Begun::Block(block) => {
                        let made = ask(&block, json!({"create": "items", "body": {"name": name, "stock": 1}})).await?;
                        assert!(matches!(block.commit(&made["id"].to_string()).await?, Committed::Done));
                        results.push(made["id"].clone());
                    }
                }
                if left.swap(0, Ordering::Relaxed) > 0 {
                    return Err(Error::Refused(Box::new(RefusedByProcedure {
                        code: None,
                        message: "not yet".to_owned(),
                    })));
                }
            }
            let alone = json!({"create": "items", "body": {"name": "Bread", "stock": 1}, "select": "id"}).to_string();
            results.push(read(&call.request(&alone).await?)["id"].clone());
            Ok(json!(results).to_string())
        }
    }));
    let call = async || app.post("POST /do/echo", &[("idempotency-key", "k")], r#"{"text": "a"}"#).await;
    let refused = call().await;
    assert_eq!((refused.status, refused.json()["detail"].as_str()), (422, Some("not yet")), "{}", refused.text());
    let (second, third) = (call().await, call().await);
    assert_eq!((second.status, third.status), (200, 200), "{}", second.text());
    assert_eq!(second.json(), third.json());
    let list = app.call("GET /api/items?select=name&sort=name", &[]).await.json();
    assert_eq!(list["items"], json!([{"name": "Bread"}, {"name": "Milk"}, {"name": "Tea"}]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_block_writes_reads_the_same_at_its_commit() {
    let model = r#"
        extend schema @app(name: "Holds")
        type User @identity @allow(read: "true") { email: Email! @unique }
        type Hold @allow(read: "true", create: "true", update: "true") {
          code: String! @unique
          until: DateTime! @set(on: CREATE, to: "now + duration('PT1H')")
          parts: [Part!] @inverse(field: "hold")
          tickets: [Ticket!] @inverse(field: "hold")
          owner: Owner @connect(missing: CREATE)
        }
        type Ticket @key(type: INT) @allow(read: "true", create: "true", update: "true") {
          hold: Hold
          number: Int @sequence
          note: String
        }
        type Part @allow(read: "true", create: "true") { hold: Hold!  text: String! }
        type Owner @allow(read: "true", create: "true") { name: String! @unique  since: DateTime @default(from: "now") }
        type Mutation { act: Int! @function @allow(call: "true") }
    "#;
    let check = async |writes: Value| {
        let runs = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&runs);
        let reads =
            "code,until,createdAt,updatedAt,owner{id,since},parts{id,text,createdAt},tickets{id,number,updatedAt}";
        let act = move |call: ActionCall| {
            let (counted, writes) = (Arc::clone(&counted), writes.clone());
            async move {
                let Begun::Block(mut block) = call.begin().await? else { return Ok("0".to_owned()) };
                loop {
                    counted.fetch_add(1, Ordering::Relaxed);
                    for write in writes.as_array().expect("writes") {
                        ask(&block, write.clone()).await?;
                        ask(&block, json!({"list": "holds", "query": {"select": reads}})).await?;
                        ask(&block, json!({"list": "tickets"})).await?;
                    }
                    match block.commit("1").await? {
                        Committed::Done => return Ok("1".to_owned()),
                        Committed::Again(next) => block = next,
                    }
                }
            }
        };
        let app = TestApp::open(model);
        engine(&app).set_procedures(Arc::new(All::default().with("act", act)));
        let first = app.post("POST /api/holds", &[], r#"{"code": "first"}"#).await;
        assert_eq!(first.status, 201, "{}", first.text());
        let reply = app.post("POST /do/act", &[], "{}").await;
        assert_eq!((reply.status, runs.load(Ordering::Relaxed)), (200, 1), "{}", reply.text());
    };
    let parts = json!([{"text": "a"}, {"text": "b"}]);
    check(json!([{"create": "holds", "body": {"code": "a"}}])).await;
    check(json!([{"create": "holds", "body": {"code": "a", "parts": parts}}])).await;
    check(json!([{"create": "holds", "body": {"code": "a", "owner": {"name": "Ann"}}}])).await;
    check(json!([{"create": "holds", "onConflict": "code", "body": {"code": "a", "parts": parts}}])).await;
    check(json!([{"update": "holds", "by": {"code": "first"}, "body": {"parts": {"$add": parts}}}])).await;
    check(json!([{"update": "holds", "by": {"code": "first"}, "body": {"owner": {"name": "Ann"}}}])).await;
    check(json!([{"replace": "holds", "by": {"code": "b"}, "body": {"code": "b", "parts": parts}}])).await;
    // The same record twice, and keys that are numbers.
    let change = json!({"update": "holds", "by": {"code": "a"}, "body": {"parts": {"$add": parts}}});
    check(json!([{"create": "holds", "body": {"code": "a"}}, change])).await;
    let tickets = json!([{"note": "a"}, {"note": "b"}]);
    check(json!([{"create": "holds", "body": {"code": "a", "tickets": tickets}}])).await;
    check(json!([{"create": "tickets", "body": tickets}, {"create": "tickets", "body": {}}])).await;
    check(json!([{"update": "holds", "by": {"code": "first"}, "body": {"tickets": {"$add": tickets}}}])).await;
}

/// Before it is carried out, so that later requests can name the record. The numbers of a sequence are the same at the commit, too.
#[tokio::test(flavor = "multi_thread")]
async fn numbers_of_a_queued_record_are_known_at_once() {
    let model = r#"
        extend schema @app(name: "Desk")
        type User @identity @allow(read: "true") { email: Email! @unique }
        type Ticket @key(type: INT) @allow(read: "true", create: "true", update: "true") { number: Int @sequence  note: String }
        type Mutation { act: Ticket @function @allow(call: "true") }
    "#;
    let act = |call: ActionCall| async move {
        let Begun::Block(mut block) = call.begin().await? else { return Ok("0".to_owned()) };
        loop {
            let made = ask(&block, json!({"create": "tickets", "body": {}})).await?;
            let id = made["id"].clone();
            ask(&block, json!({"get": "tickets", "id": id})).await?;
            let noted = ask(&block, json!({"update": "tickets", "id": id, "body": {"note": "read"}})).await?;
            assert_eq!(noted["id"], id);
            let found = ask(&block, json!({"get": "tickets", "id": id})).await?;
            assert_eq!((&found["id"], &found["note"]), (&id, &json!("read")));
            match block.commit(&id.to_string()).await? {
                Committed::Done => return Ok(id.to_string()),
                Committed::Again(next) => block = next,
            }
        }
    };
    let app = TestApp::open(model);
    engine(&app).set_procedures(Arc::new(All::default().with("act", act)));
    let calls = (0..8).map(|_| app.post("POST /do/act", &[], "{}"));
    for reply in futures_util::future::join_all(calls).await {
        assert_eq!((reply.status, &reply.json()["note"]), (200, &json!("read")), "{}", reply.text());
    }
    let list = app.call("GET /api/tickets?select=id,number", &[]).await.json();
    let of = |field: &str| -> BTreeSet<i64> {
        list["items"].as_array().expect("items").iter().filter_map(|item| item[field].as_i64()).collect()
    };
    assert_eq!((of("id").len(), of("number").len()), (8, 8), "{list}");
}
