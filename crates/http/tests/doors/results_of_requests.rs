//! Requests of `/transact` that take values from the results of earlier ones.

use backstay_testkit::{Reply, TestApp};
use serde_json::{Value, json};

const MODEL: &str = r#"
extend schema @app(name: "Shop")
enum Role @roles { STAFF }
enum Size { SMALL LARGE }
type User @identity @allow(read: "true") { email: Email! @unique  name: String }
type Place @embedded { city: String  zip: String }
type Customer @allow(read: "true", create: "true", update: "true") {
  name: String!
  slug: String! @unique
  notes: JSON
  address: Place
  favourites: [Product!]
  orders: [Order!] @inverse(field: "customer")
}
type Product @key(type: INT) @allow(read: "true", create: "true", update: "true", delete: "true") {
  name: String!
  price: Decimal
  stock: Int! @default(to: 0)
  size: Size
  tags: [String!]
  cost: Int @allow(read: "'STAFF' in auth.roles")
}
type Country @key(type: TEXT) @allow(read: "true", create: "true") { name: String! }
type Order @allow(read: "true", create: "true", update: "true", delete: "true") {
  customer: Customer!
  country: Country
  size: Size
  weight: Int
  note: String
  lines: [Line!] @inverse(field: "order")
}
type Line @allow(read: "true", create: "true", update: "true", delete: "true") {
  order: Order! @onDelete(do: CASCADE)
  product: Product!
  count: Int! @default(to: 1)
}
union Subject = Customer | Country
type Remark @allow(read: "true", create: "true", update: "true") { text: String  about: Subject }
type Letter @allow(read: "'STAFF' in auth.roles", create: "true") { text: String! @unique  reply: Letter }
"#;

async fn send(app: &TestApp, headers: &[(&str, &str)], requests: &Value) -> Reply {
    app.post("POST /transact", headers, &json!({ "requests": requests }).to_string()).await
}

async fn results(app: &TestApp, requests: Value) -> Value {
    let reply = send(app, &[], &requests).await;
    assert_eq!(reply.status, 200, "{requests}: {}", reply.text());
    reply.json()["results"].clone()
}

fn reference(text: &str) -> Value {
    json!({ "$ref": text })
}

fn customer(name: &str) -> Value {
    json!({"create": "customers", "as": name, "body": {"name": name, "slug": name}})
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relation_leads_to_what_an_earlier_request_made() {
    let app = TestApp::open(MODEL);
    let made = results(
        &app,
        json!([
            customer("w"),
            {"create": "products", "as": "pen", "body": {"name": "Pen", "size": "LARGE"}},
            {"create": "countries", "as": "land", "body": {"id": "se", "name": "Sweden"}},
            {"create": "orders", "as": "o", "body": {
                "customer": reference("w.id"), "country": reference("land.id"), "size": reference("pen.size"),
                "note": reference("w.name"), "lines": [{"product": reference("pen.id"), "count": 2}],
            }, "select": "customer,country,size,note,lines{product,count}"},
            {"update": "customers", "id": reference("w.id"), "ifMatch": reference("w.version"),
                "body": {"favourites": {"$add": [reference("pen.id")]}}, "select": "favourites{name}"},
            {"update": "customers", "by": {"slug": reference("w.slug")}, "body": {"name": "W2"}, "select": "name"},
            {"get": "customers", "id": reference("o.customer"), "select": "name"},
            {"list": "orders", "query": {"where": {"customer": reference("w.id")}, "select": "note"}},
            {"list": "orders", "query": {
                "filter": "customer == $c && size == $s", "params": {"c": reference("w.id"), "s": reference("pen.size")}, "select": "note",
            }},
            {"update": "products", "id": reference("pen.id"), "body": {"stock": {"$inc": reference("w.version")}}, "select": "stock"},
        ]),
    )
    .await;
    assert_eq!(made[3]["customer"], made[0]["id"]);
    assert_eq!((&made[3]["country"], &made[3]["size"], &made[3]["note"]), (&json!("se"), &json!("LARGE"), &json!("w")));
    assert_eq!(made[3]["lines"], json!([{"product": made[1]["id"], "count": 2}]));
    assert_eq!(made[4], json!({"favourites": [{"name": "Pen"}]}));
    assert_eq!((&made[5], &made[6]), (&json!({"name": "W2"}), &json!({"name": "W2"})));
    for page in [&made[7], &made[8]] {
        assert_eq!(page["items"], json!([{"note": "w"}]));
    }
    assert_eq!(made[9], json!({"stock": 1}));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reference_follows_an_answer() {
    let app = TestApp::open(MODEL);
    let made = results(
        &app,
        json!([
            {"create": "customers", "as": "all", "body": [{"name": "a", "slug": "a"}, {"name": "b", "slug": "b"}]},
            {"create": "orders", "as": "o", "body": {"customer": reference("all.1.id")}, "select": "who=customer{slug}"},
            {"create": "customers", "as": "again", "onConflict": "slug", "body": {"name": "c", "slug": "b", "address": {"city": "Umeå"}}},
            {"create": "orders", "body": {"customer": reference("again.id"), "note": reference("again.address.city")}, "select": "customer,note"},
            {"create": "products", "body": {"name": reference("o.who.slug"), "tags": [reference("all.0.name"), "x"]}, "select": "name,tags"},
            {"update": "customers", "id": reference("again.id"), "body": {"address": {"$replace": {"zip": reference("again.slug")}}}, "select": "address"},
        ]),
    )
    .await;
    assert_eq!(made[1], json!({"who": {"slug": "b"}}));
    assert_eq!(made[3], json!({"customer": made[0][1]["id"], "note": "Umeå"}));
    assert_eq!(made[4], json!({"name": "b", "tags": ["a", "x"]}));
    assert_eq!(made[5], json!({"address": {"city": null, "zip": "b"}}));
}

#[tokio::test(flavor = "multi_thread")]
async fn json_of_the_callers_own_is_data() {
    let app = TestApp::open(MODEL);
    let mine = json!({"$ref": "w.id", "deep": [{"$ref": "nobody.id"}]});
    let made = results(
        &app,
        json!([
            {"create": "customers", "as": "w", "body": {"name": "w", "slug": "w", "notes": mine}, "select": "id,notes,version"},
            {"update": "customers", "id": reference("w.id"), "body": {"notes": {"seen": {"$ops": {"$replace": [reference("w.version")]}}}}, "select": "notes"},
        ]),
    )
    .await;
    assert_eq!(made[0]["notes"], mine);
    assert_eq!(made[1]["notes"]["seen"], json!([1]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_reference_is_told_before_anything_is_done() {
    let app = TestApp::open(MODEL);
    let check = async |later: Value, place: &str, words: &str| {
        let reply = send(&app, &[], &json!([customer("w"), later, customer("z")])).await;
        let problem = reply.json();
        let error = &problem["errors"][0];
        assert_eq!((reply.status, &problem["request"]), (422, &json!(1)), "{later}: {problem}");
        assert_eq!(error["at"], format!("/requests/1/{place}"), "{later}: {problem}");
        let text = [&error["message"], &error["remedy"]].map(|text| text.as_str().unwrap_or_default()).join("; ");
        assert!(text.contains(words), "{later}: {problem}");
    };
    let order = |customer: Value| json!({"create": "orders", "as": "o", "body": {"customer": customer}});
    let at = "body/customer";
    check(order(reference("nobody.id")), at, "no earlier request is called `nobody`").await;
    check(order(reference("z.id")), at, "`z` is a later request").await;
    check(order(reference("o.id")), at, "`o` is this request itself").await;
    check(order(reference("w.slog")), at, "did you mean `w.slug`?").await;
    check(order(reference("w.slug")), at, "`w.slug` is a value of String; send an id of Customer here").await;
    check(order(reference("w.orders")), at, "`w.orders` leads to a list of records").await;
    check(order(reference("w.id.x")), at, "`w.id.x` leads to no value").await;
    for text in ["w", "", ".", "w.", ".id", "w..id", "1.id", "w id", "ä.id", &format!("w.{}", "x".repeat(600))] {
        check(order(reference(text)), at, "doesn't say which value of which request").await;
    }
    for odd in [json!({"$ref": 1}), json!({"$ref": null}), json!({"$ref": ["w.id"]}), json!({"$ref": "w.id", "id": 1})]
    {
        check(order(odd), at, "an object with nothing but a reference").await;
    }
    check(json!({"create": "orders", "body": reference("w.id")}), "body", "can't stand for a whole object").await;
    check(json!({"create": "orders", "body": {"lines": [reference("w.id")]}}), "body/lines/0", "whole object").await;
    check(
        json!({"create": "orders", "body": {"customer": reference("w.id"), "weight": reference("w.name")}}),
        "body/weight",
        "`w.name` is a value of String; send a value of Int here",
    )
    .await;
    check(
        json!({"get": "orders", "id": reference("w.id")}),
        "id",
        "`w.id` is an id of Customer; send an id of Order here",
    )
    .await;
    check(
        json!({"update": "customers", "id": reference("w.id"), "ifMatch": reference("w.slug"), "body": {}}),
        "ifMatch",
        "a value of Int",
    )
    .await;
    check(
        json!({"create": "customers", "as": "w", "body": {"name": "x", "slug": "x"}}),
        "as",
        "an earlier request is already called `w`",
    )
    .await;
    assert_eq!(app.call("GET /api/customers", &[]).await.json()["items"], json!([]), "nothing was done");
}

#[tokio::test(flavor = "multi_thread")]
async fn names_and_members_are_read_strictly() {
    let app = TestApp::open(MODEL);
    let check = async |request: Value, place: &str| {
        let reply = send(&app, &[], &json!([customer("w"), request])).await;
        let at = reply.json()["errors"][0]["at"].clone();
        assert_eq!((reply.status, at), (400, json!(format!("/requests/1/{place}"))), "{request}: {}", reply.text());
    };
    for name in [json!(""), json!("a.b"), json!("1"), json!(1), json!(null), json!("ä"), json!("x".repeat(65))] {
        check(json!({"create": "customers", "as": name, "body": {"name": "x", "slug": "x"}}), "as").await;
    }
    for action in ["list", "aggregate"] {
        check(json!({action: "customers", "as": "c"}), "as").await;
    }
    check(json!({"delete": "orders", "id": reference("w.id"), "as": "c"}), "as").await;
    check(json!({"list": "orders", "query": {"filter": reference("w.name")}}), "query/filter").await;
    check(json!({"get": "customers", "id": reference("w.id"), "select": reference("w.name")}), "select").await;
    check(json!({"create": reference("w.name"), "body": {}}), "create").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_that_doesnt_fit_is_told_at_its_place() {
    let app = TestApp::open(MODEL);
    let text = json!([
        {"create": "customers", "as": "w", "body": {"name": "huge", "slug": "w"}},
        {"create": "orders", "body": {"customer": reference("w.id"), "size": reference("w.name")}},
    ]);
    let reply = send(&app, &[], &text).await;
    let problem = reply.json();
    assert_eq!((reply.status, &problem["request"]), (422, &json!(1)), "{problem}");
    assert_eq!(problem["errors"][0]["at"], "/requests/1/body/size", "{problem}");
    let missing = json!([customer("w"), {"create": "orders", "body": {"customer": reference("w.id"), "note": reference("w.address.city")}}]);
    let reply = send(&app, &[], &missing).await;
    assert_eq!(
        (reply.status, &reply.json()["errors"][0]["at"]),
        (422, &json!("/requests/1/body/note")),
        "{}",
        reply.text()
    );
    assert_eq!(app.call("GET /api/customers", &[]).await.json()["items"], json!([]), "nothing was done");
}

/// What the caller doesn't see in a result can't be taken from it, nor found out by where it fits.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_caller_may_not_read_isnt_there() {
    let app = TestApp::open(MODEL);
    let pen = |later: Value| json!([{"create": "products", "as": "pen", "body": {"name": "Pen", "cost": 7}}, later]);
    let weighed = json!({"create": "orders", "body": {"customer": {"slug": "a"}, "weight": reference("pen.cost")}});
    let found = json!({"list": "orders", "query": {"filter": "weight == $w", "params": {"w": reference("pen.cost")}}});
    let counted =
        json!({"update": "products", "id": reference("pen.id"), "body": {"stock": {"$inc": reference("pen.cost")}}});
    for (later, place) in [(weighed, "body/weight"), (found, "query/params/w"), (counted, "body/stock/$inc")] {
        let reply = send(&app, &[], &pen(later)).await;
        let error = &reply.json()["errors"][0];
        assert_eq!((reply.status, &error["at"]), (422, &json!(format!("/requests/1/{place}"))), "{}", reply.text());
        assert!(error["message"].as_str().unwrap_or_default().contains("because you may not read it"), "{error}");
    }
    let staff = app.account("staff@example.org").await;
    app.grant("staff@example.org", "STAFF").await;
    let later = json!({"update": "products", "id": reference("pen.id"), "body": {"stock": {"$inc": reference("pen.cost")}}, "select": "stock"});
    let reply = send(&app, &[("authorization", &staff)], &pen(later)).await;
    assert_eq!(reply.json()["results"][1], json!({"stock": 7}), "{}", reply.text());

    // Of a record that isn't shown, the id remains.
    let letters = |member: &str| {
        json!([
            {"create": "letters", "as": "l", "body": {"text": "a"}}, {"create": "orders", "body": {"customer": reference("w.id"), "note": reference(member)}},
        ])
    };
    let hidden = json!([customer("w"), letters("l.text")[0], letters("l.text")[1]]);
    let reply = send(&app, &[], &hidden).await;
    assert_eq!(
        (reply.status, &reply.json()["errors"][0]["at"]),
        (422, &json!("/requests/2/body/note")),
        "{}",
        reply.text()
    );
    let named = json!([customer("w"), letters("l.id")[0], letters("l.id")[1]]);
    let reply = send(&app, &[], &named).await;
    assert_eq!(reply.json()["results"][2]["note"], reply.json()["results"][1]["id"], "{}", reply.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_and_a_minimal_answer_cover_references() {
    let app = TestApp::open(MODEL);
    let requests = json!([
        customer("w"),
        {"create": "orders", "as": "o", "body": {"customer": reference("w.id"), "note": reference("w.slug")}},
        {"get": "orders", "id": reference("o.id"), "select": "note"},
    ]);
    let key = [("idempotency-key", "k"), ("prefer", "return=minimal")];
    let first = send(&app, &key, &requests).await;
    let results = first.json()["results"].clone();
    assert_eq!(first.status, 200, "{}", first.text());
    assert_eq!(results[2], json!({"note": "w"}));
    assert!(results[0].as_object().is_some_and(|one| one.len() == 1), "{results}");
    assert!(results[1].as_object().is_some_and(|one| one.len() == 1), "{results}");
    let again = send(&app, &key, &requests).await;
    assert_eq!((again.status, again.header("idempotency-replayed")), (200, "true"), "{}", again.text());
    assert_eq!((&again.json()["results"][1], &again.json()["results"][2]), (&results[1], &Value::Null));
    assert_eq!(app.call("GET /api/orders", &[]).await.json()["items"].as_array().map(Vec::len), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn each_by_itself_a_reference_to_what_was_refused_fails_alone() {
    let app = TestApp::open(MODEL);
    let requests = json!([
        customer("w"),
        {"create": "customers", "as": "twice", "body": {"name": "x", "slug": "w"}},
        {"creat": "customers", "as": "odd"},
        {"create": "customers", "as": "wrong", "body": {"nome": "x"}},
        {"create": "orders", "as": "o", "body": {"customer": reference("w.id")}, "select": "id"},
        {"create": "orders", "body": {"customer": reference("twice.id")}},
        {"create": "orders", "body": {"customer": reference("wrong.id")}},
        {"create": "orders", "body": {"customer": reference("odd.id")}},
        {"delete": "orders", "id": reference("o.id")},
    ]);
    let line = "POST /transact?mode=independent";
    let key = [("idempotency-key", "k")];
    for _ in 0..2 {
        let reply = app.post(line, &key, &json!({ "requests": requests }).to_string()).await;
        let results = reply.json()["results"].clone();
        let statuses: Vec<i64> =
            results.as_array().expect("results").iter().filter_map(|result| result["status"].as_i64()).collect();
        assert_eq!(statuses, [201, 409, 400, 422, 201, 422, 422, 422, 204], "{}", reply.text());
        for index in [5, 6] {
            let error = &results[index]["problem"]["errors"][0];
            assert_eq!(error["at"], format!("/requests/{index}/body/customer"), "{error}");
            assert!(
                error["message"].as_str().unwrap_or_default().contains("was refused, and has no result"),
                "{error}"
            );
        }
    }
    // Together, only the request at fault is named.
    let together = json!([
        {"create": "customers", "as": "wrong", "body": {"nome": "x"}}, {"create": "orders", "body": {"customer": reference("wrong.id")}},
    ]);
    let reply = send(&app, &[], &together).await;
    let problem = reply.json();
    assert_eq!((&problem["request"], problem["errors"].as_array().map(Vec::len)), (&json!(0), Some(1)), "{problem}");
}

#[tokio::test(flavor = "multi_thread")]
async fn references_are_bounded() {
    let app = TestApp::open(MODEL);
    let check = async |requests: Value, at: &str, told: &str| {
        let reply = send(&app, &[], &requests).await;
        let error = reply.json()["errors"][0].clone();
        assert_eq!((reply.status, error["at"].as_str()), (422, Some(at)), "{}", reply.text());
        assert!(error["message"].as_str().unwrap_or_default().contains(told), "{error}");
    };
    let orders = |count: usize, note: &str| {
        let order = json!({"customer": reference("w.id"), "note": reference(note)});
        json!({"create": "orders", "body": vec![order; count]})
    };
    let long = json!({"create": "customers", "as": "w", "body": {"name": "x".repeat(10_000), "slug": "w"}});
    check(json!([long, orders(150, "w.name")]), "/requests/1/body/104/note", "takes at most 1 MiB").await;
    check(json!([customer("w"), orders(501, "w.slug")]), "/requests/1/body/500/customer", "at most 1000 references")
        .await;
    for (levels, status) in [(28, 200), (29, 422), (30, 422)] {
        let deep = (0..levels).fold(reference("w.id"), |inner, _| json!({ "x": inner }));
        let first =
            json!({"create": "customers", "as": "w", "body": {"name": "w", "slug": format!("w{levels}"), "notes": {}}});
        let notes = json!({"notes": {"$ops": {"$replace": deep}}});
        let requests = json!([first, {"update": "customers", "id": reference("w.id"), "body": notes}]);
        let reply = send(&app, &[], &requests).await;
        assert_eq!(reply.status, status, "{levels}: {}", reply.text());
    }
    let fits = send(&app, &[], &json!([customer("w"), orders(500, "w.slug")])).await;
    assert_eq!(fits.status, 200, "{}", fits.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_is_never_read_as_an_operator_or_a_key() {
    let app = TestApp::open(MODEL);
    let notes = json!({"inc": {"$inc": 1000}, "append": {"$append": ["x"]}, "key": {"slug": "w"}, "place": {"city": {"$inc": 1}},
        "list": ["a", {"$inc": 1}], "good": ["a"], "here": {"city": "Bern"}});
    let made =
        send(&app, &[], &json!([{"create": "customers", "body": {"name": "W", "slug": "w", "notes": notes}}])).await;
    assert_eq!(made.status, 200, "{}", made.text());
    let product = app.post("POST /api/products", &[], r#"{"name": "Lamp", "stock": 5}"#).await;
    let (customer, product) = (made.json()["results"][0]["id"].clone(), product.json()["id"].clone());
    let check = async |of: &str, id: &Value, body: Value, status: u16| {
        let requests = json!([{"get": "customers", "id": customer, "as": "g"}, {"update": of, "id": id, "body": body}]);
        let reply = send(&app, &[], &requests).await;
        assert_eq!(reply.status, status, "{body}: {}", reply.text());
    };
    check("products", &product, json!({"stock": reference("g.notes.inc")}), 422).await;
    check("products", &product, json!({"tags": reference("g.notes.append")}), 422).await;
    check("products", &product, json!({"tags": reference("g.notes.list")}), 422).await;
    check("products", &product, json!({"tags": reference("g.notes.good")}), 200).await;
    check("customers", &customer, json!({"address": reference("g.notes.place")}), 422).await;
    check("customers", &customer, json!({"address": reference("g.notes.here")}), 200).await;
    check("customers", &customer, json!({"favourites": [reference("g.notes.key")]}), 422).await;
    let stock = app.call(&format!("GET /api/products/{product}?select=stock,tags"), &[]).await.json();
    assert_eq!(stock, json!({"stock": 5, "tags": ["a"]}));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_done_by_itself_is_answered_again_when_its_reference_leads_nowhere() {
    let app = TestApp::open(MODEL);
    let requests = json!([
        customer("w"),
        {"create": "orders", "body": {"customer": reference("w.id"), "note": reference("w.slug")}, "select": "note"},
        {"delete": "customers", "id": reference("w.id")},
    ]);
    let key = [("idempotency-key", "k")];
    let send =
        async || app.post("POST /transact?mode=independent", &key, &json!({ "requests": requests }).to_string()).await;
    let first = send().await.json()["results"].clone();
    assert_eq!(first[1], json!({"status": 201, "body": {"note": "w"}}), "{first}");
    let hidden = app.post("PATCH /api/customers:by?slug=w", &[], r#"{"slug": "gone"}"#).await;
    assert_eq!(hidden.status, 200);
    let again = send().await.json()["results"].clone();
    let statuses = |results: &Value| -> Vec<Value> {
        results.as_array().expect("results").iter().map(|result| result["status"].clone()).collect()
    };
    assert_eq!(statuses(&again), statuses(&first), "{again}");
    let orders = app.call("GET /api/orders?select=note", &[]).await.json()["items"].clone();
    assert_eq!(orders, json!([{"note": "w"}]));
}

/// A reference to one of several types gets the type of the record that it is given.
#[tokio::test(flavor = "multi_thread")]
async fn a_reference_to_one_of_several_types_names_the_type() {
    let app = TestApp::open(MODEL);
    let all = results(
        &app,
        json!([
            { "create": "customers", "as": "c", "body": { "name": "Ann", "slug": "ann" } },
            { "create": "countries", "as": "se", "body": { "id": "se", "name": "Sweden" } },
            { "create": "remarks", "as": "r", "body": { "text": "a", "about": { "$ref": "c.id" } }, "select": "about{name}" },
            { "create": "remarks", "body": { "text": "b", "about": { "$ref": "se.id" } }, "select": "about{name}" },
            { "update": "remarks", "id": { "$ref": "r.id" }, "body": { "about": { "$ref": "se.id" } }, "select": "about{name}" },
            { "create": "remarks", "body": { "about": { "__typename": "Customer", "id": { "$ref": "c.id" } } }, "select": "about{name}" },
        ]),
    )
    .await;
    let (ann, sweden) = (
        json!({ "about": { "__typename": "Customer", "name": "Ann" } }),
        json!({ "about": { "__typename": "Country", "name": "Sweden" } }),
    );
    assert_eq!(all.as_array().expect("results")[2..6], [ann.clone(), sweden.clone(), sweden, ann]);
    let wrong = send(
        &app,
        &[],
        &json!([
            { "create": "products", "as": "p", "body": { "name": "Lamp" } },
            { "create": "remarks", "body": { "about": { "$ref": "p.id" } } },
            { "create": "remarks", "body": { "about": { "$ref": "p.name" } } },
        ]),
    )
    .await;
    let errors = wrong.json()["errors"].clone();
    assert_eq!((wrong.status, &errors[0]["at"]), (422, &json!("/requests/1/body/about")), "{}", wrong.text());
    assert_eq!(errors[0]["remedy"], "send an id of Customer or Country here");
    assert_eq!(errors[1]["at"], "/requests/2/body/about");
}
