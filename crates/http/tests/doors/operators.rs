//! Operators in patches: changes of what is stored, in the place of values.

use backstay_testkit::TestApp;
use serde_json::{Value, json};

const MODEL: &str = r#"
extend schema @app(name: "Shop")
enum Role @roles { STAFF }
enum State { DRAFT @initial @to(state: "LIVE") LIVE }
enum Colour { RED BLUE }
type User @identity @allow(read: "true") { email: Email! @unique }
type Address @embedded { city: String! zip: String country: String @default(to: "DE") visits: Int }

type Product
  @allow(read: "true", create: "true", update: "true", after: "new.stock != 13 || new.name == 'Fan'", delete: "true")
  @history(read: "true")
  @trash {
  name: String!
  stock: Int! @default(to: 0) @range(min: 0, max: 1000) @check(rule: "this.stock != 666", message: "not that many")
  views: Int
  weight: Float
  price: Decimal @precision(digits: 6, scale: 2)
  cost: Money
  currency: Currency! @default(to: "EUR")
  total: Money @money(in: "currency")
  lasts: Duration
  tags: [String!] @length(max: 5)
  colours: [Colour!]
  data: JSON
  address: Address
  state: State!
  serial: Int @immutable
  changes: Int @set(on: UPDATE, to: "1")
  hidden: Int @range(max: 10) @allow(read: "'STAFF' in auth.roles")
  secret: Int @class(is: SECRET)
  open: Boolean! @default(to: false)
  shy: Int @range(max: 10) @allow(read: "this.open")
}
"#;

struct Stored {
    app: TestApp,
    path: String,
}

impl Stored {
    async fn new(body: Value) -> Self {
        let app = TestApp::open(MODEL);
        let made = app.post("POST /api/products", &[], &body.to_string()).await;
        assert_eq!(made.status, 201, "{}", made.text());
        let path = format!("/api/products/{}", crate::id_of(&made));
        Self { app, path }
    }

    /// What a patch makes of a member.
    async fn check(&self, patch: Value, member: &str, expected: Value) {
        let reply = self.app.post(&format!("PATCH {}", self.path), &[], &patch.to_string()).await;
        assert_eq!((reply.status, &reply.json()[member]), (200, &expected), "{patch}: {}", reply.text());
        let read = self.app.call(&format!("GET {}", self.path), &[]).await;
        assert_eq!(read.json()[member], expected, "{patch}");
    }

    /// Why a patch is refused: status, place and message.
    async fn refused(&self, patch: Value, status: u16, at: &str, message: &str) {
        let before = self.app.call(&format!("GET {}", self.path), &[]).await.json();
        let reply = self.app.post(&format!("PATCH {}", self.path), &[], &patch.to_string()).await;
        let error = reply.json()["errors"][0].clone();
        let told =
            (reply.status, error["at"].as_str().unwrap_or_default(), error["message"].as_str().unwrap_or_default());
        assert_eq!(told, (status, at, message), "{patch}: {}", reply.text());
        assert_eq!(self.app.call(&format!("GET {}", self.path), &[]).await.json(), before, "{patch}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_are_added_to_and_multiplied() {
    let body = json!({
        "name": "Lamp", "stock": 5, "weight": 0.5, "price": "9.99", "currency": "EUR", "total": "9.99", "lasts": "PT1H",
        "cost": { "amount": "9.99", "currency": "EUR" },
    });
    let stored = Stored::new(body).await;
    let euros = |amount: &str| json!({ "amount": amount, "currency": "EUR" });
    stored.check(json!({ "stock": { "$inc": 3 } }), "stock", json!(8)).await;
    stored.check(json!({ "stock": { "$inc": -7 } }), "stock", json!(1)).await;
    stored.check(json!({ "stock": { "$mul": 10 } }), "stock", json!(10)).await;
    stored.check(json!({ "weight": { "$inc": 0.25 } }), "weight", json!(0.75)).await;
    stored.check(json!({ "weight": { "$mul": 2 } }), "weight", json!(1.5)).await;
    stored.check(json!({ "price": { "$inc": "0.01" } }), "price", json!("10.00")).await;
    stored.check(json!({ "price": { "$mul": "1.0555" } }), "price", json!("10.56")).await;
    stored.check(json!({ "price": { "$mul": -1 } }), "price", json!("-10.56")).await;
    stored.check(json!({ "cost": { "$inc": euros("0.01") } }), "cost", euros("10.00")).await;
    stored.check(json!({ "cost": { "$mul": 1.0555 } }), "cost", euros("10.56")).await;
    stored.check(json!({ "total": { "$inc": "0.01" } }), "total", euros("10.00")).await;
    stored.check(json!({ "total": { "$inc": euros("1") } }), "total", euros("11.00")).await;
    stored.check(json!({ "total": { "$mul": "0.3335" } }), "total", euros("3.67")).await;
    stored.check(json!({ "lasts": { "$inc": "PT30M" } }), "lasts", json!("PT1H30M")).await;
    // A value that is missing counts as zero, and has nothing to be multiplied.
    stored.check(json!({ "views": { "$mul": 3 } }), "views", Value::Null).await;
    stored.check(json!({ "views": { "$inc": 2 } }), "views", json!(2)).await;
    stored.check(json!({ "data": { "$inc": 2 } }), "data", json!({ "$inc": 2 })).await;
    // As a value that is sent: nothing changes, and no version is made.
    let version = stored.app.call(&format!("GET {}", stored.path), &[]).await.json()["version"].clone();
    stored.check(json!({ "stock": { "$inc": 0 }, "price": { "$mul": 1 } }), "version", version).await;
}

/// The examples of docs/api.md.
#[tokio::test(flavor = "multi_thread")]
async fn the_documented_changes_are_made() {
    let (_, section) =
        include_str!("../../../../docs/api.md").split_once("### Change what is stored\n").expect("it is there");
    let patch = section.split_once("--json '").and_then(|(_, rest)| rest.split_once('\'')).expect("a patch").0;
    let within = section.split_once("```json\n").and_then(|(_, rest)| rest.split_once("```")).expect("a patch").0;
    let body = json!({ "name": "Lamp", "stock": 3, "tags": ["new"], "data": { "visits": 1, "filter": { "a": 1 } } });
    let stored = Stored::new(body).await;
    let patch: Value = serde_json::from_str(patch).expect("JSON");
    stored.check(patch, "tags", json!(["new", "sale"])).await;
    stored.check(json!({}), "stock", json!(2)).await;
    let within: Value = serde_json::from_str(within).expect("JSON");
    stored.check(within, "data", json!({ "visits": 2, "filter": {}, "recent": ["lamp"] })).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_get_items_and_lose_them() {
    let stored = Stored::new(json!({ "name": "Lamp", "tags": ["a", "b"] })).await;
    stored.check(json!({ "tags": { "$append": ["c", "a"] } }), "tags", json!(["a", "b", "c", "a"])).await;
    stored.check(json!({ "tags": { "$remove": ["a", "z"] } }), "tags", json!(["b", "c"])).await;
    stored.check(json!({ "tags": { "$append": [] } }), "tags", json!(["b", "c"])).await;
    stored.check(json!({ "colours": { "$remove": ["RED"] } }), "colours", Value::Null).await;
    stored.check(json!({ "colours": { "$append": ["RED", "BLUE"] } }), "colours", json!(["RED", "BLUE"])).await;
    let long = "must have at most 5 items";
    stored.refused(json!({ "tags": { "$append": ["d", "e", "f", "g"] } }), 422, "/tags", long).await;
    let green = "expected one of RED, BLUE";
    stored.refused(json!({ "colours": { "$append": ["GREEN"] } }), 422, "/colours/$append/0", green).await;
    stored.refused(json!({ "tags": { "$append": "d" } }), 422, "/tags/$append", "expected an array").await;
    let inc = "`$inc` can't change a list";
    stored.refused(json!({ "tags": { "$inc": 1 } }), 422, "/tags", inc).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_and_embedded_values_are_replaced_or_changed_within() {
    let address = json!({ "city": "Rome", "zip": "00178", "country": "IT", "visits": 1 });
    let data = json!({ "theme": "dark", "n": 1, "recent": [1] });
    let stored = Stored::new(json!({ "name": "Lamp", "data": data, "address": address })).await;
    let changed = json!({ "n": { "$ops": { "$inc": 2 } }, "recent": { "$ops": { "$append": [2] } } });
    stored.check(json!({ "data": changed }), "data", json!({ "theme": "dark", "n": 3, "recent": [1, 2] })).await;
    let theme = "`$inc` changes a number with at most 18 digits before and after the point, and the stored value is \
                 something else";
    stored.refused(json!({ "data": { "theme": { "$ops": { "$inc": 1 } } } }), 422, "/data/theme", theme).await;
    stored.check(json!({ "data": { "$ops": { "$replace": { "a": null } } } }), "data", json!({ "a": null })).await;
    stored.check(json!({ "data": { "$ops": { "$replace": null } } }), "data", Value::Null).await;
    stored.check(json!({ "data": { "$ops": { "$append": [1] } } }), "data", json!([1])).await;
    let both = "`$ops` has to be the only member of its object";
    stored.refused(json!({ "data": { "$ops": { "$inc": 1 }, "a": 1 } }), 422, "/data", both).await;

    let moved = json!({ "city": "Rome", "zip": "00178", "country": "IT", "visits": 2 });
    stored.check(json!({ "address": { "visits": { "$inc": 1 } } }), "address", moved).await;
    let bonn = json!({ "city": "Bonn", "zip": null, "country": "DE", "visits": null });
    stored.check(json!({ "address": { "$replace": { "city": "Bonn" } } }), "address", bonn).await;
    let required = "a value is required";
    stored.refused(json!({ "address": { "$replace": { "zip": "1" } } }), 422, "/address/city", required).await;
    let expected = "expected a text in double quotes";
    stored.refused(json!({ "address": { "$replace": { "city": 1 } } }), 422, "/address/$replace/city", expected).await;
    stored.refused(json!({ "address": { "$replace": 1 } }), 422, "/address/$replace", "expected an object").await;
    stored.check(json!({ "address": { "$replace": {} } }), "address", Value::Null).await;
    let inc = "`$inc` can't change an embedded value";
    stored.refused(json!({ "address": { "$inc": 1 } }), 422, "/address", inc).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_result_is_checked_as_a_value_is() {
    let body = json!({
        "name": "Lamp", "stock": 10, "views": i64::MAX, "price": "9999.99", "serial": 1, "currency": "EUR", "total": "1",
        "cost": { "amount": "1", "currency": "EUR" },
    });
    let stored = Stored::new(body).await;
    stored.refused(json!({ "stock": { "$inc": -11 } }), 422, "/stock", "must be at least 0").await;
    stored.refused(json!({ "stock": { "$mul": 101 } }), 422, "/stock", "must be at most 1000").await;
    let whole = "must be a whole number from -9223372036854775808 to 9223372036854775807";
    stored.refused(json!({ "views": { "$inc": 1 } }), 422, "/views", whole).await;
    stored.refused(json!({ "views": { "$mul": 2 } }), 422, "/views", whole).await;
    let digits = "must have at most 4 digits before the point and 2 after it";
    stored.refused(json!({ "price": { "$inc": "0.01" } }), 422, "/price", digits).await;
    stored.refused(json!({ "price": { "$inc": "0.001" } }), 422, "/price/$inc", digits).await;
    stored.refused(json!({ "stock": { "$inc": 656 } }), 422, "/stock", "not that many").await;
    let dollars = json!({ "amount": "1", "currency": "USD" });
    let other = "the stored amount is in EUR, and this one in USD";
    stored.refused(json!({ "cost": { "$inc": dollars } }), 422, "/cost", other).await;
    stored
        .refused(
            json!({ "total": { "$inc": dollars } }),
            422,
            "/total",
            "the amount is in USD, but `total` has EUR here",
        )
        .await;
    let replaced = "the stored amount is in the currency that `currency` would replace";
    stored.refused(json!({ "currency": "USD", "total": { "$inc": 1 } }), 422, "/total", replaced).await;
    // Rules see the result as `new`; this caller could sign in.
    stored.refused(json!({ "stock": { "$inc": 3 } }), 401, "", "").await;
    let never = "this field can't change after creation";
    stored.refused(json!({ "serial": { "$inc": 0 } }), 422, "/serial", never).await;
    stored.refused(json!({ "changes": { "$inc": 1 } }), 422, "/changes", "the model sets this field").await;
    stored.refused(json!({ "version": { "$inc": 1 } }), 422, "/version", "Backstay sets this field").await;
    stored.refused(json!({ "state": { "$inc": 1 } }), 422, "/state", "`$inc` can't change a value of State").await;
    stored
        .refused(json!({ "name": { "$append": ["s"] } }), 422, "/name", "`$append` can't change a value of String")
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_caller_does_not_see_is_not_computed_with() {
    let stored = Stored::new(json!({ "name": "Lamp", "hidden": 10, "secret": 10, "shy": 10 })).await;
    let hidden = "you may not read this field";
    for member in ["hidden", "secret", "shy"] {
        let at = format!("/{member}");
        for by in [0, 1, -100, i64::MAX] {
            stored.refused(json!({ member: { "$inc": by } }), 422, &at, hidden).await;
        }
    }
    let opened = stored.app.post(&format!("PATCH {}", stored.path), &[], r#"{"open": true}"#).await;
    assert_eq!(opened.status, 200, "{}", opened.text());
    stored.refused(json!({ "shy": { "$inc": 1 } }), 422, "/shy", "must be at most 10").await;
    stored.check(json!({ "shy": { "$inc": -1 } }), "shy", json!(9)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_is_one_and_has_a_name() {
    let stored = Stored::new(json!({ "name": "Lamp" })).await;
    let check = async |operator: Value, at: &str, message: &str, remedy: Value| {
        let body = json!({ "stock": operator }).to_string();
        let reply = stored.app.post(&format!("PATCH {}", stored.path), &[], &body).await;
        let error = json!({ "at": at, "message": message, "remedy": remedy });
        let expected = json!([if remedy.is_null() { json!({ "at": at, "message": message }) } else { error }]);
        assert_eq!((reply.status, &reply.json()["errors"]), (422, &expected), "{}", reply.text());
    };
    let numbers = json!("send the value itself, or write `$inc` or `$mul`");
    check(json!({ "$push": 1 }), "/stock", "unknown operator `$push`", numbers).await;
    check(json!({ "$icn": 1 }), "/stock", "unknown operator `$icn`", json!("did you mean `$inc`?")).await;
    let two = "a field takes one operator at a time, and here are `$inc` and `$mul`";
    check(json!({ "$inc": 1, "$mul": 1 }), "/stock", two, json!("send them in two requests")).await;
    check(json!({ "$inc": null }), "/stock/$inc", "a value is required", Value::Null).await;
    check(json!({ "$inc": "1" }), "/stock/$inc", "expected a whole number, such as 42", Value::Null).await;
    check(json!({ "$mul": 1.5 }), "/stock/$mul", "expected a whole number, such as 42", Value::Null).await;
    check(json!({ "inc": 1 }), "/stock", "expected a whole number, such as 42", json!("write `{\"$inc\": 1}`")).await;
    // A new record has nothing that they could change.
    let new = stored.app.post("POST /api/products", &[], r#"{"name": "Rug", "stock": {"$inc": 1}}"#).await;
    let message = "operators change a stored record, and this one is new";
    assert_eq!((new.status, &new.json()["errors"][0]["message"]), (422, &json!(message)), "{}", new.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn operators_are_taken_wherever_patches_are() {
    let stored = Stored::new(json!({ "name": "Lamp", "stock": 1 })).await;
    let id = stored.path.rsplit_once('/').expect("an id").1;
    let twice = json!({ "update": "products", "id": id, "body": { "stock": { "$inc": 1 } } });
    let body = json!({ "requests": [twice, twice] }).to_string();
    let reply = stored.app.post("POST /transact", &[], &body).await;
    assert_eq!(reply.json()["results"][1]["stock"], json!(3), "{}", reply.text());
    let history = stored.app.call(&format!("GET {}:history", stored.path), &[]).await.json();
    assert_eq!(history["items"][0]["changes"]["stock"], json!({ "old": 2, "new": 3 }));
    assert_eq!(stored.app.call(&format!("DELETE {}", stored.path), &[]).await.status, 204);
    let restored = stored.app.post(&format!("POST {}:restore", stored.path), &[], r#"{"stock": {"$inc": 4}}"#).await;
    assert_eq!((restored.status, &restored.json()["stock"]), (200, &json!(7)), "{}", restored.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_at_the_same_time_all_count() {
    let stored = Stored::new(json!({ "name": "Fan" })).await;
    let request = format!("PATCH {}", stored.path);
    let one = || stored.app.post(&request, &[], r#"{"stock": {"$inc": 1}, "data": {"n": {"$ops": {"$inc": 1}}}}"#);
    let replies = futures_util::future::join_all((0..50).map(|_| one())).await;
    let statuses: Vec<u16> = replies.iter().map(|reply| reply.status).collect();
    assert_eq!(statuses, [200; 50]);
    let read = stored.app.call(&format!("GET {}", stored.path), &[]).await.json();
    assert_eq!((&read["stock"], &read["data"], &read["version"]), (&json!(50), &json!({ "n": 50 }), &json!(51)));
}
