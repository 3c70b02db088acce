//! Changes and deletions of all records that match a filter.

use backstay_testkit::{Reply, TestApp};
use serde_json::{Value, json};

const MODEL: &str = r#"
extend schema @app(name: "Shop")
enum Role @roles { STAFF }
type User @identity @allow(read: "true") { email: Email! @unique name: String }
type Product
  @allow(read: "!this.hidden", create: "true", update: "!this.locked", delete: "!this.locked")
  @history(read: "true")
  @trash {
  name: String!
  stock: Int! @default(to: 0) @range(max: 100)
  hidden: Boolean! @default(to: false)
  locked: Boolean! @default(to: false)
  secret: Int @allow(read: "'STAFF' in auth.roles")
  shelf: Shelf
}
type Shelf @path(is: "shelves") @allow(read: "true", create: "true") {
  products: [Product!] @inverse(field: "shelf")
  total: Int @computed(is: "this.products.sum(p, p.stock)", stored: COMMIT)
}
type Folder @allow(read: "true", create: "true", update: "true", delete: "true") {
  name: String!
  parent: Folder @onDelete(do: CASCADE)
  keeper: Folder @onDelete(do: RESTRICT)
  code: String @unique
}
"#;

struct Shop {
    app: TestApp,
    ids: Vec<String>,
}

impl Shop {
    async fn new() -> Self {
        let app = TestApp::open(MODEL);
        let shelf = crate::id_of(&app.post("POST /api/shelves", &[], "{}").await);
        let products = json!([
            { "name": "a", "stock": 1, "shelf": shelf },
            { "name": "b", "stock": 2, "shelf": shelf },
            { "name": "c", "stock": 3 },
            { "name": "hidden", "stock": 1, "hidden": true },
            { "name": "locked", "stock": 50, "locked": true },
        ]);
        let made = app.post("POST /api/products", &[], &products.to_string()).await;
        assert_eq!(made.status, 201, "{}", made.text());
        let made = made.json();
        let ids = made.as_array().expect("records").iter();
        let ids = ids.map(|record| record["id"].as_str().unwrap_or_default().to_owned()).collect();
        Self { app, ids }
    }

    async fn change(&self, query: &str, body: Value) -> Reply {
        self.app.post(&format!("PATCH /api/products{query}"), &[], &body.to_string()).await
    }

    async fn delete(&self, query: &str) -> Reply {
        self.app.call(&format!("DELETE /api/products{query}"), &[]).await
    }

    /// The stocks of the records that everyone sees, in order.
    async fn stocks(&self) -> Value {
        let page = self.app.call("GET /api/products?select=stock", &[]).await.json();
        page["items"].as_array().expect("a page").iter().map(|item| item["stock"].clone()).collect()
    }
}

fn counted(reply: &Reply) -> (u16, Value, Value) {
    let answer = reply.json();
    (reply.status, answer["matched"].clone(), answer["changed"].clone())
}

fn error(reply: &Reply) -> (u16, Value, Value) {
    let answer = reply.json();
    (reply.status, answer["errors"][0]["at"].clone(), answer["errors"][0]["message"].clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_matches_is_changed() {
    let shop = Shop::new().await;
    let both = shop.change("?filter=stock%3C3", json!({ "stock": { "$inc": 10 } })).await;
    assert_eq!(counted(&both), (200, json!(2), json!(2)), "{}", both.text());
    assert_eq!(shop.stocks().await, json!([11, 12, 3, 50]));
    let one = shop.change("?name=c", json!({ "stock": 4 })).await;
    assert_eq!(counted(&one), (200, json!(1), json!(1)), "{}", one.text());
    let asked = shop.change("?filter=stock%3C$most&$most=12&name=a&limit=1", json!({ "stock": 11 })).await;
    assert_eq!(counted(&asked), (200, json!(1), json!(0)), "{}", asked.text());
    let none = shop.change("?name=z", json!({ "stock": 1 })).await;
    assert_eq!(counted(&none), (200, json!(0), json!(0)), "{}", none.text());
    // Each is a change like any other: histories, stored sums and the commit follow.
    let history = shop.app.call(&format!("GET /api/products/{}:history", shop.ids[0]), &[]).await.json();
    assert_eq!(history["items"][0]["changes"], json!({ "stock": { "old": 1, "new": 11 } }));
    let shelf = shop.app.call("GET /api/shelves?select=total", &[]).await.json();
    assert_eq!(shelf["items"], json!([{ "total": 23 }]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_matches_is_deleted() {
    let shop = Shop::new().await;
    let gone = shop.delete("?filter=stock%3C3").await;
    assert_eq!(counted(&gone), (200, json!(2), json!(2)), "{}", gone.text());
    assert_eq!(shop.stocks().await, json!([3, 50]));
    assert_eq!(shop.app.call("GET /api/products:trash", &[]).await.json()["items"].as_array().map(Vec::len), Some(2));
    let folders = json!({ "name": "root" }).to_string();
    let root = crate::id_of(&shop.app.post("POST /api/folders", &[], &folders).await);
    for inner in [json!({ "name": "in", "parent": root }), json!({ "name": "kept", "keeper": root })] {
        assert_eq!(shop.app.post("POST /api/folders", &[], &inner.to_string()).await.status, 201);
    }
    // What goes with another one counts, and what another one refers to goes after it.
    let all = shop.app.call("DELETE /api/folders?filter=true", &[]).await;
    assert_eq!(counted(&all), (200, json!(3), json!(3)), "{}", all.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn all_or_none_and_the_one_that_refuses_is_named() {
    let shop = Shop::new().await;
    let before = shop.stocks().await;
    let locked = shop.change("?filter=true", json!({ "stock": { "$inc": 1 } })).await;
    assert_eq!(locked.status, 401, "{}", locked.text());
    assert_eq!(shop.delete("?filter=true").await.status, 401);
    let token = shop.app.account("ann@example.org").await;
    let auth = [("authorization", token.as_str())];
    let locked = shop.app.post("PATCH /api/products?filter=true", &auth, r#"{"stock": 7}"#).await;
    let named = format!("you may not update Product {}", shop.ids[4]);
    // It may not be read by those who created it, but it is found here.
    let page = shop.app.call("GET /api/products?name=locked&select=id", &[]).await.json();
    let id = page["items"][0]["id"].as_str().expect("an id");
    let detail = locked.json()["detail"].clone();
    assert_eq!((locked.status, detail), (403, json!(named.replace(&shop.ids[4], id))), "{}", locked.text());
    let long = shop.change("?filter=stock%3C3", json!({ "stock": { "$mul": 60 } })).await;
    let at = json!(format!("/{}/stock", shop.ids[1]));
    assert_eq!(error(&long), (422, at, json!("must be at most 100")), "{}", long.text());
    let twice = shop.app.post("POST /api/folders", &[], r#"[{"name": "a"}, {"name": "b"}]"#).await;
    assert_eq!(twice.status, 201);
    let twice = shop.app.post("PATCH /api/folders?filter=true", &[], r#"{"code": "x"}"#).await;
    assert_eq!((twice.status, &twice.json()["type"]), (409, &json!("/problems/not-unique")), "{}", twice.text());
    assert_eq!(shop.stocks().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_caller_does_not_see_is_not_matched() {
    let shop = Shop::new().await;
    for query in ["?name=hidden", "?filter=hidden", "?filter=stock==1%26%26name!='a'"] {
        assert_eq!(counted(&shop.change(query, json!({ "stock": 0 })).await), (200, json!(0), json!(0)), "{query}");
        assert_eq!(counted(&shop.delete(query).await), (200, json!(0), json!(0)), "{query}");
    }
    let named = shop.change("?filter=secret==1", json!({ "stock": 0 })).await;
    assert_eq!(error(&named), (400, json!("filter"), json!("you may not read `secret`")), "{}", named.text());
    let named = shop.change("?secret=1", json!({ "stock": 0 })).await;
    assert_eq!(error(&named), (400, json!("secret"), json!("you may not read `secret`")), "{}", named.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_is_demanded_and_a_limit_holds() {
    let shop = Shop::new().await;
    let before = shop.stocks().await;
    let check = async |query: &str, at: &str, message: &str| {
        for reply in [shop.change(query, json!({ "stock": 1 })).await, shop.delete(query).await] {
            assert_eq!(error(&reply), (400, json!(at), json!(message)), "{query}: {}", reply.text());
        }
    };
    check("", "filter", "without a filter this would be about every record").await;
    check("?limit=3", "filter", "without a filter this would be about every record").await;
    let in_any_order = "every record that matches would be changed, in whatever order";
    check("?filter=true&sort=name", "sort", in_any_order).await;
    check("?filter=true&select=name", "select", "a change by a filter has no `select`").await;
    check("?filter=true&dryRun=maybe", "dryRun", "expected true or false").await;
    check("?filter=true&dryrun=true", "dryrun", "unknown field or parameter `dryrun`").await;
    check("?filter=true&limit=501", "limit", "expected a whole number from 1 to 500").await;
    for reply in
        [shop.change("?filter=true&limit=2", json!({ "stock": 1 })).await, shop.delete("?filter=true&limit=2").await]
    {
        let told = (reply.status, reply.json()["detail"].clone());
        assert_eq!(told, (413, json!("more than 2 records match")), "{}", reply.text());
    }
    assert_eq!(shop.stocks().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_answers_the_same_and_keeps_nothing() {
    let shop = Shop::new().await;
    let before = shop.stocks().await;
    let dry = shop.change("?filter=stock%3C3&dryRun=true", json!({ "stock": 1 })).await;
    assert_eq!(counted(&dry), (200, json!(2), json!(1)), "{}", dry.text());
    let dry = shop.delete("?filter=stock%3C4&dryRun=true").await;
    assert_eq!(counted(&dry), (200, json!(3), json!(3)), "{}", dry.text());
    let refused = shop.change("?filter=stock%3C3&dryRun=true", json!({ "stock": 101 })).await;
    assert_eq!(refused.status, 422, "{}", refused.text());
    let folders = shop.app.post("POST /api/folders", &[], r#"[{"name": "a"}, {"name": "b"}]"#).await;
    assert_eq!(folders.status, 201);
    // What the database itself would refuse is refused as well.
    let twice = shop.app.post("PATCH /api/folders?filter=true&dryRun=true", &[], r#"{"code": "x"}"#).await;
    assert_eq!(twice.status, 409, "{}", twice.text());
    let key = [("idempotency-key", "k")];
    let keyed = shop.app.call("DELETE /api/products?filter=true&dryRun=true", &key).await;
    assert_eq!(keyed.status, 400, "{}", keyed.text());
    assert_eq!(shop.stocks().await, before);
    assert_eq!(counted(&shop.change("?filter=stock%3C3&dryRun=false", json!({ "stock": 1 })).await).2, json!(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_knows_the_query_too() {
    let shop = Shop::new().await;
    let send = async |query: &str| {
        let key = [("idempotency-key", "k")];
        shop.app.post(&format!("PATCH /api/products{query}"), &key, r#"{"stock": {"$inc": 1}}"#).await
    };
    let first = send("?name=a").await;
    assert_eq!(counted(&first), (200, json!(1), json!(1)), "{}", first.text());
    let again = send("?name=a").await;
    assert_eq!(counted(&again), (200, json!(1), json!(1)), "{}", again.text());
    assert_eq!(again.header("idempotency-replayed"), "true");
    let other = send("?name=b").await;
    assert_eq!((other.status, &other.json()["type"]), (422, &json!("/problems/idempotency-key-reused")));
    assert_eq!(shop.stocks().await, json!([2, 2, 3, 50]));
}

#[tokio::test(flavor = "multi_thread")]
async fn transactions_change_by_a_filter_too() {
    let shop = Shop::new().await;
    let send = async |requests: Value| {
        shop.app.post("POST /transact", &[], &json!({ "requests": requests }).to_string()).await
    };
    let reply = send(json!([
        { "updateAll": "products", "query": { "filter": "stock < $n", "params": { "n": 3 } }, "body": { "stock": 9 } },
        { "deleteAll": "products", "query": { "where": { "stock": 9 }, "limit": 2 } },
        { "list": "products", "query": { "select": "name" } },
    ]))
    .await;
    let both = json!({ "matched": 2, "changed": 2 });
    let left = json!([{ "name": "c" }, { "name": "locked" }]);
    let results = &reply.json()["results"];
    assert_eq!((&results[0], &results[1], &results[2]["items"]), (&both, &both, &left), "{}", reply.text());
    let update = |query: Value, body: Value| json!([{ "updateAll": "products", "query": query, "body": body }]);
    for (requests, status, at) in [
        (json!([{ "deleteAll": "products" }]), 400, "/requests/0/query"),
        (json!([{ "deleteAll": "products", "query": {} }]), 400, "/requests/0/query/filter"),
        (json!([{ "deleteAll": "products", "query": { "filter": "secret == 1" } }]), 400, "/requests/0/query/filter"),
        (json!([{ "deleteAll": "products", "query": { "where": { "nam": 1 } } }]), 400, "/requests/0/query/where/nam"),
        (update(json!({ "filter": "true" }), json!([])), 400, "/requests/0/body"),
        (update(json!({ "filter": "true" }), json!({ "stock": "x" })), 422, "/requests/0/body/stock"),
    ] {
        let reply = send(requests.clone()).await;
        let (got, place, _) = error(&reply);
        assert_eq!((got, place), (status, json!(at)), "{requests}: {}", reply.text());
    }
}

/// With an order, `limit` says how many of the first are meant.
#[tokio::test(flavor = "multi_thread")]
async fn the_first_that_match_are_changed() {
    let shop = Shop::new().await;
    let most = shop.change("?filter=stock%3C50&sort=-stock&limit=2", json!({ "stock": { "$inc": 10 } })).await;
    assert_eq!(most.json(), json!({ "matched": 2, "changed": 2, "ids": [shop.ids[2], shop.ids[1]] }));
    assert_eq!(shop.stocks().await, json!([1, 12, 13, 50]));
    let none = shop.change("?filter=stock%3E500&sort=name&limit=5", json!({ "stock": 0 })).await;
    assert_eq!(none.json(), json!({ "matched": 0, "changed": 0, "ids": [] }));
    let tried = shop.change("?filter=true&sort=name&limit=1&dryRun=true", json!({ "stock": 7 })).await;
    assert_eq!(tried.json(), json!({ "matched": 1, "changed": 1, "ids": [shop.ids[0]] }));
    // One that is refused refuses all.
    let locked = shop.change("?filter=true&sort=-stock&limit=2", json!({ "stock": 0 })).await;
    assert_eq!(locked.status, 401, "{}", locked.text());
    let gone = shop.delete("?filter=true&sort=stock&limit=2").await;
    assert_eq!(gone.json(), json!({ "matched": 2, "changed": 2, "ids": [shop.ids[0], shop.ids[1]] }));
    assert_eq!(shop.stocks().await, json!([13, 50]));
    let body = json!({ "requests": [{ "updateAll": "products", "query": { "where": { "name": "c" }, "sort": "id", "limit": 1 }, "body": { "stock": 3 } }] });
    let together = shop.app.post("POST /transact", &[], &body.to_string()).await;
    assert_eq!(together.json(), json!({ "results": [{ "matched": 1, "changed": 1, "ids": [shop.ids[2]] }] }));

    let without = shop.change("?filter=true&sort=stock", json!({ "stock": 0 })).await;
    let (status, at, message) = error(&without);
    assert_eq!((status, at), (400, json!("sort")));
    assert!(message.as_str().is_some_and(|message| message.contains("in whatever order")), "{message}");
    assert_eq!(error(&shop.change("?filter=true&sort=secret&limit=1", json!({ "stock": 0 })).await).1, json!("sort"));
}

const JOBS: &str = r#"
extend schema @app(name: "Jobs")
type User @identity @allow(read: "true") { email: Email! @unique }
type Job @allow(read: "true", create: "true", update: "true", delete: "true") {
  number: Int!
  worker: String
}
"#;

/// Workers that take the next jobs at the same time never get the same one, and leave none.
#[tokio::test(flavor = "multi_thread")]
async fn each_job_is_taken_once() {
    const JOBS_AT_ONCE: usize = 5;
    let app = std::sync::Arc::new(TestApp::open(JOBS));
    let all: Vec<Value> = (0..200).map(|number| json!({ "number": number })).collect();
    assert_eq!(app.post("POST /api/jobs", &[], &json!(all).to_string()).await.status, 201);
    let workers = (0..8).map(|worker| {
        let app = std::sync::Arc::clone(&app);
        tokio::spawn(async move {
            let mut taken = Vec::new();
            loop {
                let request = format!("PATCH /api/jobs?filter=worker%20==%20null&sort=number&limit={JOBS_AT_ONCE}");
                let reply = app.post(&request, &[], &json!({ "worker": format!("w{worker}") }).to_string()).await;
                assert_eq!(reply.status, 200, "{}", reply.text());
                let ids = reply.json()["ids"].as_array().expect("ids").clone();
                if ids.is_empty() {
                    return taken;
                }
                assert_eq!(ids.len(), JOBS_AT_ONCE, "as many as there are");
                taken.extend(ids.iter().map(|id| id.as_str().expect("an id").to_owned()));
            }
        })
    });
    let mut taken = Vec::new();
    for worker in workers.collect::<Vec<_>>() {
        taken.extend(worker.await.expect("a worker"));
    }
    let different: std::collections::HashSet<&String> = taken.iter().collect();
    assert_eq!((taken.len(), different.len()), (200, 200));
}
