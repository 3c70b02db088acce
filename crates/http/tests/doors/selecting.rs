//! What a selection asks of the records that a relation leads to: which of them, how many, what they come to, and what is left
//! out where the caller may not read it. Also orders by what relations lead to.

use backstay_testkit::{Reply, TestApp};
use serde_json::{Value, json};

use crate::id_of;

/// Shops: everyone reads the open orders and their lines, the signed-in all; nobody reads notes but editors, and prices are
/// for the signed-in.
const SHOP: &str = r#"
extend schema @app(name: "Shop") @rule(name: "signedIn", is: "auth.id != null")
  @rule(name: "many(o: Order, least: Int)", is: "o.lines.sum(l, l.quantity >= least ? l.quantity : 0)")
  @rule(name: "priceOf(o: Order, product: String)", is: "o.lines.first(l, l.product == product, [l.product]).price")
  @rule(name: "noted(o: Order)", is: "size(o.notes) > 0")
  @rule(name: "known(name: String)", is: "auth.account.name == name")
  @rule(name: "round(n: Int)", is: "n * 1000")

enum Role @roles { EDITOR }
enum State { OPEN DONE }

type User @identity @allow(read: "true") { email: Email! @unique name: String }

type Buyer @allow(read: "this.open || signedIn", create: "true") {
  name: String!
  open: Boolean!
  orders: [Order!] @inverse(field: "buyer")
}

type Order @allow(read: "true", create: "true") {
  number: Int!
  buyer: Buyer
  state: State
  lines: [Line!] @inverse(field: "order")
  notes: [Note!] @inverse(field: "order")
  pieces: Int @computed(is: "this.lines.sum(l, l.quantity)")
}

type Line @allow(read: "this.shown || signedIn", create: "true") {
  order: Order!
  product: String!
  quantity: Int!
  weight: Decimal @precision(digits: 8, scale: 3)
  price: Money @allow(read: "signedIn")
  state: State
  at: Date
  shown: Boolean!
}

type Note @allow(read: "'EDITOR' in auth.roles", create: "true") { order: Order! text: String! }
"#;

struct Shop {
    app: TestApp,
    /// A signed-in caller.
    ada: String,
}

async fn made(app: &TestApp, token: &str, (path, body): (&str, Value)) -> Reply {
    let reply = app.post(&format!("POST /api/{path}"), &[("authorization", token)], &body.to_string()).await;
    assert_eq!(reply.status, 201, "{path}: {}", reply.text());
    reply
}

impl Shop {
    async fn open() -> Self {
        let app = TestApp::open(SHOP);
        let ada = app.account("ada@example.org").await;
        let (mut buyers, mut orders) = (Vec::new(), Vec::new());
        for (name, open) in [("Zoe", true), ("Bob", false), ("Ann", true)] {
            buyers.push(id_of(&made(&app, &ada, ("buyers", json!({ "name": name, "open": open }))).await));
        }
        for (number, buyer, state) in
            [(1, Some(0), Some("DONE")), (2, Some(1), Some("OPEN")), (3, None, None), (4, Some(2), Some("OPEN"))]
        {
            let buyer = buyer.map(|at: usize| buyers[at].clone());
            orders.push(id_of(
                &made(&app, &ada, ("orders", json!({ "number": number, "buyer": buyer, "state": state }))).await,
            ));
        }
        for (order, product, quantity, weight, price, shown) in [
            (0, "Ink", 5, "0.250", "60 EUR", true),
            (0, "Paper", 2, "2.5", "50.01 EUR", true),
            (0, "Pen", 1, "0.010", "1 EUR", false),
            (1, "Ink", 4, "0.25", "48 EUR", true),
            (1, "Tea", 1, "1", "3 USD", true),
            (3, "Pen", 7, "0.01", "7 EUR", false),
        ] {
            let (amount, currency) = price.split_once(' ').expect("an amount");
            let state = if quantity > 4 { "DONE" } else { "OPEN" };
            let line = json!({
                "order": orders[order], "product": product, "quantity": quantity, "weight": weight, "shown": shown,
                "price": { "amount": amount, "currency": currency }, "state": state, "at": format!("2026-02-0{quantity}"),
            });
            made(&app, &ada, ("lines", line)).await;
        }
        made(&app, &ada, ("notes", json!({ "order": orders[0], "text": "hidden" }))).await;
        Self { app, ada }
    }

    async fn list(&self, token: Option<&str>, query: &Value) -> Reply {
        let headers: Vec<(&str, &str)> = token.into_iter().map(|token| ("authorization", token)).collect();
        self.app.post("POST /api/orders:query", &headers, &query.to_string()).await
    }

    /// What is answered of the orders, in the order of their numbers.
    async fn selected(&self, token: Option<&str>, select: &str, params: Value) -> Value {
        let query = json!({ "select": select, "sort": "number", "params": params });
        let reply = self.list(token, &query).await;
        assert_eq!(reply.status, 200, "{select}: {}", reply.text());
        reply.json()["items"].take()
    }

    /// The numbers of the orders in this order, page by page, forward and backward.
    async fn sorted(&self, token: Option<&str>, sort: &str) -> Vec<i64> {
        let number = |page: &Value| page["items"][0]["number"].as_i64();
        let mut query = json!({ "sort": sort, "limit": 1, "select": "number" });
        let mut numbers = Vec::new();
        let mut last = loop {
            let reply = self.list(token, &query).await;
            assert_eq!(reply.status, 200, "{sort}: {}", reply.text());
            let mut page = reply.json();
            numbers.extend(number(&page));
            let next = page["next"].take();
            if next.is_null() || numbers.len() > 9 {
                break page["prev"].take();
            }
            query["after"] = next;
        };
        let mut back = Vec::new();
        query.as_object_mut().expect("an object").remove("after");
        while !last.is_null() && back.len() < 9 {
            query["before"] = last.take();
            let mut page = self.list(token, &query).await.json();
            back.extend(number(&page));
            last = page["prev"].take();
        }
        back.reverse();
        assert_eq!(back, numbers[..numbers.len() - 1], "{sort}, backward");
        numbers
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_nested_list_has_the_records_that_its_filter_leaves() {
    let shop = Shop::open().await;
    let select = "many=lines(filter:quantity >= $least,sort:-quantity){product},ink=lines(filter:product == 'Ink',limit:1){quantity}";
    let found = shop.selected(Some(&shop.ada), select, json!({ "least": 2 })).await;
    let expected = json!([
        { "many": [{ "product": "Ink" }, { "product": "Paper" }], "ink": [{ "quantity": 5 }] },
        { "many": [{ "product": "Ink" }], "ink": [{ "quantity": 4 }] },
        { "many": [], "ink": [] },
        { "many": [{ "product": "Pen" }], "ink": [] },
    ]);
    assert_eq!(found, expected);
    // What the caller may not read is not there, whatever is asked of it.
    let found = shop.selected(None, select, json!({ "least": 1 })).await;
    let products: Vec<&Value> = found.as_array().expect("a page").iter().map(|order| &order["many"]).collect();
    let expected = [
        json!([{ "product": "Ink" }, { "product": "Paper" }]),
        json!([{ "product": "Ink" }, { "product": "Tea" }]),
        json!([]),
        json!([]),
    ];
    assert_eq!(products, expected.iter().collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_was_cut_says_so_under_its_own_name() {
    let shop = Shop::open().await;
    let select = "number,one=lines(filter:quantity > 1,limit:1,sort:product){product},lines(filter:quantity == 1,limit:1){product}";
    let found = shop.selected(Some(&shop.ada), select, json!({})).await;
    let expected = json!({
        "number": 1, "one": [{ "product": "Ink" }], "lines": [{ "product": "Pen" }], "$more": ["one"],
    });
    assert_eq!(found[0], expected);
    assert_eq!(found[1].get("$more"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_nested_list_goes_on_after_a_place() {
    let shop = Shop::open().await;
    let ada = Some(&*shop.ada);
    let found = shop.selected(ada, "lines(sort:-quantity,limit:1){product,$cursor}", json!({})).await;
    let place = found[0]["lines"][0]["$cursor"].as_str().expect("a place").to_owned();
    let expected = json!({ "lines": [{ "product": "Ink", "$cursor": place }], "$more": ["lines"] });
    assert_eq!(found[0], expected);
    assert_eq!(found[2], json!({ "lines": [] }));
    let select = format!("lines(sort:-quantity,limit:1,after:\"{place}\"){{product,quantity}}");
    let expected = json!([
        { "lines": [{ "product": "Paper", "quantity": 2 }], "$more": ["lines"] },
        { "lines": [{ "product": "Ink", "quantity": 4 }], "$more": ["lines"] },
        { "lines": [] },
        { "lines": [] },
    ]);
    assert_eq!(shop.selected(ada, &select, json!({})).await, expected);

    // The same by URL, in a transaction, and as a place in a list of lines.
    let headers = [("authorization", shop.ada.as_str())];
    let orders = shop.app.call("GET /api/orders?number=1&select=id", &headers).await.json();
    let id = orders["items"][0]["id"].as_str().expect("an id").to_owned();
    let path = format!("GET /api/orders/{id}?select=lines(sort:-quantity,after:%22{place}%22)%7Bproduct%7D");
    let reply = shop.app.call(&path, &headers).await;
    let rest = json!([{ "product": "Paper" }, { "product": "Pen" }]);
    assert_eq!((reply.status, reply.json()), (200, json!({ "lines": rest })), "{}", reply.text());
    let get =
        json!({ "get": "orders", "id": id, "select": format!("lines(sort:-quantity,after:'{place}'){{product}}") });
    let reply = shop.app.post("POST /transact", &headers, &json!({ "requests": [get] }).to_string()).await;
    assert_eq!(reply.json()["results"][0], json!({ "lines": rest }), "{}", reply.text());
    let path = format!("GET /api/lines?order={id}&sort=-quantity&after={place}&select=product");
    assert_eq!(shop.app.call(&path, &headers).await.json()["items"], rest);
    let page = shop.app.call(&format!("GET /api/lines?order={id}&sort=-quantity&limit=1"), &headers).await.json();
    assert_eq!(page["next"], json!(place));

    for (token, select) in [
        (ada, "lines(sort:quantity,after:'P')"),
        (ada, "lines(after:'P')"),
        (ada, "lines(sort:-quantity,after:'UA')"),
        (ada, "lines(sort:-quantity,after:'P'):count"),
        (ada, "buyer{$cursor}"),
        (ada, "$cursor"),
        (None, "notes{$cursor}"),
        (None, "lines(sort:price){$cursor}"),
    ] {
        let reply = shop.list(token, &json!({ "select": select.replace('P', &place) })).await;
        let at = &reply.json()["errors"][0]["at"];
        assert_eq!((reply.status, at), (400, &json!("/select")), "{select}: {}", reply.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn parameters_are_those_of_all_filters_together() {
    let shop = Shop::open().await;
    let query = json!({
        "filter": "number < $n", "where": { "state": "DONE" }, "params": { "n": 3, "what": ["Ink", "Pen"] },
        "select": "number,lines(filter:quantity > $n && product in $what){quantity,product},n=lines(filter:product in $what):count",
    });
    let reply = shop.list(Some(&shop.ada), &query).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    let expected = json!([{ "number": 1, "lines": [{ "quantity": 5, "product": "Ink" }], "n": 2 }]);
    assert_eq!(reply.json()["items"], expected);

    // The same by URL, of one record, and in a transaction.
    let orders = shop.app.call("GET /api/orders?number=1&select=id", &[]).await.json();
    let id = orders["items"][0]["id"].as_str().expect("an id").to_owned();
    let headers = [("authorization", shop.ada.as_str())];
    let select = "lines(filter:quantity%20>%20$n){product}".replace('>', "%3E").replace('{', "%7B").replace('}', "%7D");
    let found = shop.app.call(&format!("GET /api/orders/{id}?select={select}&$n=3"), &headers).await;
    assert_eq!((found.status, found.json()), (200, json!({ "lines": [{ "product": "Ink" }] })), "{}", found.text());
    let found = shop.app.call(&format!("GET /api/orders?number=1&select={select}&$n=4"), &headers).await;
    assert_eq!(found.json()["items"], json!([{ "lines": [{ "product": "Ink" }] }]), "{}", found.text());
    let get =
        json!({ "get": "orders", "id": id, "select": "lines(filter:quantity > $n){product}", "params": { "n": 3 } });
    let list = json!({ "list": "orders", "query": { "select": "n=lines(filter:quantity > $n):count", "sort": "number", "params": { "n": 4 } } });
    let body = json!({ "requests": [get, list] }).to_string();
    let found = shop.app.post("POST /transact", &headers, &body).await;
    assert_eq!(found.status, 200, "{}", found.text());
    assert_eq!(found.json()["results"][0], json!({ "lines": [{ "product": "Ink" }] }));
    assert_eq!(found.json()["results"][1]["items"], json!([{ "n": 1 }, { "n": 0 }, { "n": 0 }, { "n": 1 }]));

    for (params, at) in [
        (json!({}), "/params/n"),
        (json!({ "n": "x" }), "/params/n"),
        (json!({ "n": 1, "m": 2 }), "/params/m"),
        (json!({ "n": null }), "/params/n"),
    ] {
        let query =
            json!({ "select": "lines(filter:quantity > $n),k=lines(filter:quantity < $n):count", "params": params });
        let reply = shop.list(None, &query).await;
        assert_eq!((reply.status, &reply.json()["errors"][0]["at"]), (400, &json!(at)), "{}", reply.text());
        assert_eq!(reply.json()["errors"].as_array().map(Vec::len), Some(1), "{}", reply.text());
        let get = json!({ "requests": [{ "get": "orders", "id": id, "select": "lines(filter:quantity > $n)", "params": params }] });
        let reply = shop.app.post("POST /transact", &[], &get.to_string()).await;
        assert_eq!((reply.status, &reply.json()["errors"][0]["at"]), (400, &json!(format!("/requests/0{at}"))));
    }
    let reply = shop.app.call(&format!("GET /api/orders/{id}?select=number&$n=3"), &[]).await;
    assert_eq!((reply.status, &reply.json()["errors"][0]["at"]), (400, &json!("$n")), "{}", reply.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_members_of_a_relation_come_to_one_value() {
    let shop = Shop::open().await;
    let select = "n=lines:count,lines:sum(quantity),w=lines:sum(weight),most=lines:max(product),least=lines:min(state),\
                  last=lines:max(at),price=lines:sum(price),top=lines(filter:product == 'Ink'):max(price)";
    let found = shop.selected(Some(&shop.ada), select, json!({})).await;
    let euro = |amount: &str| json!({ "amount": amount, "currency": "EUR" });
    let expected = json!([
        { "n": 3, "linesSumQuantity": 8, "w": "2.760", "most": "Pen", "least": "OPEN", "last": "2026-02-05",
          "price": euro("111.01"), "top": euro("60.00") },
        { "n": 2, "linesSumQuantity": 5, "w": "1.250", "most": "Tea", "least": "OPEN", "last": "2026-02-04",
          "price": null, "top": euro("48.00") },
        { "n": 0, "linesSumQuantity": 0, "w": "0.000", "most": null, "least": null, "last": null,
          "price": null, "top": null },
        { "n": 1, "linesSumQuantity": 7, "w": "0.010", "most": "Pen", "least": "DONE", "last": "2026-02-07",
          "price": euro("7.00"), "top": null },
    ]);
    assert_eq!(found, expected);
    // Only what the caller sees counts.
    let found = shop.selected(None, "n=lines:count,lines:sum(quantity),most=lines:max(product)", json!({})).await;
    let expected = json!([
        { "n": 2, "linesSumQuantity": 7, "most": "Paper" },
        { "n": 2, "linesSumQuantity": 5, "most": "Tea" },
        { "n": 0, "linesSumQuantity": 0, "most": null },
        { "n": 0, "linesSumQuantity": 0, "most": null },
    ]);
    assert_eq!(found, expected);
    // In records of records too.
    let reply =
        shop.app.call("GET /api/buyers?sort=name&select=name,orders%7Bnumber,lines:sum(quantity)%7D", &[]).await;
    let expected = json!([
        { "name": "Ann", "orders": [{ "number": 4, "linesSumQuantity": 0 }] },
        { "name": "Zoe", "orders": [{ "number": 1, "linesSumQuantity": 7 }] },
    ]);
    assert_eq!(reply.json()["items"], expected, "{}", reply.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_named_rule_is_called_with_the_rights_of_the_caller() {
    let shop = Shop::open().await;
    let select = "n=many(this, $least),many(id,4)";
    let found = shop.selected(Some(&shop.ada), select, json!({ "least": 1 })).await;
    let expected = json!([
        { "n": 8, "many": 5 }, { "n": 5, "many": 4 }, { "n": 0, "many": 0 }, { "n": 7, "many": 7 },
    ]);
    assert_eq!(found, expected);
    let found = shop.selected(None, select, json!({ "least": 1 })).await;
    let expected = json!([
        { "n": 7, "many": 5 }, { "n": 5, "many": 4 }, { "n": 0, "many": 0 }, { "n": 0, "many": 0 },
    ]);
    assert_eq!(found, expected, "only what the caller sees counts");
    let found = shop.selected(Some(&shop.ada), "tea=priceOf(this,'Tea')", json!({})).await;
    let dollars = json!({ "amount": "3.00", "currency": "USD" });
    assert_eq!(found, json!([{ "tea": null }, { "tea": dollars }, { "tea": null }, { "tea": null }]));
    // In filters and orders of groups too, and in records of records.
    let query = json!({ "filter": "many(this, 5) > 4", "select": "number", "sort": "number" });
    let filtered = shop.list(Some(&shop.ada), &query).await;
    assert_eq!(filtered.json()["items"], json!([{ "number": 1 }, { "number": 4 }]), "{}", filtered.text());
    let nested = shop.app.call("GET /api/buyers?name=Zoe&select=orders%7Bn=many(this,1)%7D", &[]).await;
    assert_eq!(nested.json()["items"], json!([{ "orders": [{ "n": 7 }] }]), "{}", nested.text());
    let query = "group=n=many(this,1)&select=count&sort=n";
    let groups = shop.app.call(&format!("GET /api/orders:aggregate?{query}"), &[]).await;
    let expected = json!([{ "n": 0, "count": 2 }, { "n": 5, "count": 1 }, { "n": 7, "count": 1 }]);
    assert_eq!(groups.json()["items"], expected, "{}", groups.text());
    // A function keeps its meaning.
    let rounded = shop.list(None, &json!({ "filter": "round(number) == 2000", "select": "number" })).await;
    assert_eq!(rounded.status, 400, "{}", rounded.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_named_rule_reads_nothing_that_a_request_cannot_name() {
    let shop = Shop::open().await;
    let check = async |token: Option<&str>, select: &str, expected: &str| {
        let reply = shop.list(token, &json!({ "select": select })).await;
        let told = reply.json();
        assert_eq!((reply.status, told["errors"][0]["message"].as_str()), (400, Some(expected)), "{select}: {told}");
    };
    let ada = Some(shop.ada.as_str());
    check(None, "p=priceOf(this,'Ink')", "you may not read `price`").await;
    check(ada, "x=noted(this)", "you may not read `notes`").await;
    check(ada, "x=known('Ada')", "`known` can't be called here (character 2)").await;
    check(ada, "number=many(this,1)", "`number` is the name of a field of Order (character 0)").await;
    check(ada, "x=many(this)", "`many(o: Order, least: Int)` takes 2 arguments, not 1 (character 2)").await;
    check(ada, "x=many(this,1", "a ')' is missing (character 13)").await;
    check(ada, "x=signedIn", "unknown field `signedIn`").await;
    check(ada, "x=manny(this,1)", "unknown field `manny`").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_caller_never_reads_is_refused_or_left_out() {
    let shop = Shop::open().await;
    for select in [
        "notes{text}",
        "notes:count",
        "lines(filter:price.amount > 5)",
        "lines(sort:price)",
        "lines:sum(price)",
        "lines(filter:order.notes.exists(n, true)):count",
        "buyer{orders(filter:notes.exists(n, true))}",
        "lines?(filter:price.amount > 5)",
        "lines{price}",
    ] {
        let reply = shop.list(None, &json!({ "select": select })).await;
        assert_eq!(
            (reply.status, &reply.json()["errors"][0]["at"]),
            (400, &json!("/select")),
            "{select}: {}",
            reply.text()
        );
    }
    let found = shop
        .selected(None, "number,notes?{text},k=notes?:count,lines?(limit:1,sort:product){product,price?}", json!({}))
        .await;
    assert_eq!(found[0], json!({ "number": 1, "lines": [{ "product": "Ink" }], "$more": ["lines"] }));
    let found = shop.selected(Some(&shop.ada), "lines?(limit:1,sort:product){price?},notes?", json!({})).await;
    assert_eq!(
        found[0],
        json!({ "lines": [{ "price": { "amount": "60.00", "currency": "EUR" } }], "$more": ["lines"] })
    );
    let eve = shop.app.account("eve@example.org").await;
    shop.app.grant("eve@example.org", "EDITOR").await;
    let found = shop.selected(Some(&eve), "notes?{text},k=notes?:count", json!({})).await;
    assert_eq!(found[0], json!({ "notes": [{ "text": "hidden" }], "k": 1 }));
}

#[tokio::test(flavor = "multi_thread")]
async fn records_are_sorted_by_what_relations_lead_to() {
    let shop = Shop::open().await;
    let ada = Some(shop.ada.as_str());
    for (sort, seen_by_ada, seen_by_all) in [
        ("buyer.name", [4, 2, 1, 3], [4, 1, 2, 3]),
        ("-buyer.name", [3, 1, 2, 4], [3, 2, 1, 4]),
        ("-buyer.name,-number", [3, 1, 2, 4], [3, 2, 1, 4]),
        ("lines:count", [3, 4, 2, 1], [3, 4, 1, 2]),
        ("-lines:count,number", [1, 2, 4, 3], [1, 2, 3, 4]),
        ("pieces", [3, 2, 4, 1], [3, 4, 2, 1]),
        ("state,-pieces", [4, 2, 1, 3], [2, 4, 1, 3]),
    ] {
        assert_eq!(shop.sorted(ada, sort).await, seen_by_ada, "{sort}");
        assert_eq!(shop.sorted(None, sort).await, seen_by_all, "{sort}");
    }
    let reply = shop.app.call("GET /api/buyers?sort=name&select=orders(sort:-lines:count)%7Bnumber%7D", &[]).await;
    assert_eq!(reply.json()["items"][1], json!({ "orders": [{ "number": 1 }] }), "{}", reply.text());
    for sort in [
        "notes:count",
        "buyer.orders",
        "buyer.nme",
        "lines.product",
        "lines:sum",
        "buyer",
        "number.x",
        "buyer.name,buyer.name",
    ] {
        let reply = shop.list(None, &json!({ "sort": sort })).await;
        assert_eq!(
            (reply.status, &reply.json()["errors"][0]["at"]),
            (400, &json!("/sort")),
            "{sort}: {}",
            reply.text()
        );
    }
    // A place in one order is none in another.
    let page = shop.list(None, &json!({ "sort": "buyer.name", "limit": 1 })).await.json();
    let reply = shop.list(None, &json!({ "sort": "lines:count", "after": page["next"] })).await;
    assert_eq!((reply.status, &reply.json()["errors"][0]["at"]), (400, &json!("/after")));
}
