//! Embedded types: values that are part of a record, with members of their own.

use backstay_testkit::TestApp;
use serde_json::{Value, json};

const MODEL: &str = r#"
extend schema @app(name: "Shop")
enum Role @roles { STAFF }
enum Kind { HOME WORK }
type User @identity @allow(read: "true") { email: Email! @unique }

"Where something is sent."
type Address @embedded {
  street: String! @length(min: 2, max: 40)
  "Without the postal code."
  city: String!
  zip: String
  country: Country! @default(to: "DE")
  kind: Kind
  at: Point
}
type Point @embedded { lat: Float!, lng: Float! }
type Card @embedded { number: String! @class(is: CARD), holder: String }

type Customer
  @allow(read: "true", create: "true", update: "this.address.city != 'Locked'", delete: "true")
  @index(fields: ["address.city", "name"]) {
  name: String!
  address: Address! @check(rule: "this.address.city != this.address.street", message: "a city is not a street")
  billing: Address
  card: Card @allow(read: "auth.id != null")
  orders: [Order!] @inverse(field: "customer")
}
type Order @allow(read: "this.customer.address.city != 'Hidden'", create: "true") { customer: Customer! }
"#;

const ROME: &str = r#"{"street": "Via Appia", "city": "Rome", "country": "it", "at": {"lat": 41.9, "lng": 12.5}}"#;

/// Where the violations are.
fn wrong_places(problem: &Value) -> Vec<String> {
    wrong(problem).into_iter().map(|(at, _)| at).collect()
}

async fn customer(app: &TestApp, body: &str) -> Value {
    let made = app.post("POST /api/customers", &[], body).await;
    assert_eq!(made.status, 201, "{}", made.text());
    made.json()
}

/// What is wrong, place by place.
fn wrong(reply: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let errors = reply["errors"].as_array().cloned().unwrap_or_default();
    errors.iter().map(|error| (text(&error["at"]), text(&error["message"]))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_is_created_read_and_merged() {
    let app = TestApp::open(MODEL);
    let made = customer(&app, &format!(r#"{{"name": "Ann", "address": {ROME}}}"#)).await;
    let rome = json!({
        "street": "Via Appia", "city": "Rome", "zip": null, "country": "IT", "kind": null,
        "at": {"lat": 41.9, "lng": 12.5},
    });
    assert_eq!((&made["address"], &made["billing"]), (&rome, &Value::Null));
    let path = format!("/api/customers/{}", made["id"].as_str().expect("an id"));
    assert_eq!(app.call(&format!("GET {path}"), &[]).await.json(), made);

    let patch = async |body: &str| {
        let reply = app.post(&format!("PATCH {path}"), &[], body).await;
        assert_eq!(reply.status, 200, "{body}: {}", reply.text());
        assert_eq!(app.call(&format!("GET {path}"), &[]).await.json(), reply.json(), "{body}");
        reply.json()
    };
    // Members that aren't named stay, null removes one.
    let changed = patch(r#"{"address": {"zip": "00178", "kind": "WORK", "at": {"lat": 41.8}}}"#).await;
    assert_eq!((&changed["address"]["zip"], &changed["address"]["street"]), (&json!("00178"), &json!("Via Appia")));
    assert_eq!(changed["address"]["at"], json!({"lat": 41.8, "lng": 12.5}));
    assert_eq!(patch(r#"{"address": {"at": null, "zip": null}}"#).await["address"]["at"], Value::Null);
    // A value that comes to be gets its defaults, and goes as a whole.
    let billed = patch(r#"{"billing": {"street": "Ring 1", "city": "Bonn"}}"#).await;
    assert_eq!(billed["billing"]["country"], json!("DE"));
    assert_eq!(patch(r#"{"billing": null}"#).await["billing"], Value::Null);
    // What stays as it is raises no version.
    let version = patch(r#"{"address": {"city": "Rome"}}"#).await["version"].clone();
    assert_eq!(patch(r#"{"address": {}}"#).await["version"], version);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_named_by_its_path() {
    let app = TestApp::open(MODEL);
    let check = async |body: &str, expected: &[(&str, &str)]| {
        let reply = app.post("POST /api/customers", &[], body).await;
        let expected: Vec<(String, String)> =
            expected.iter().map(|(at, message)| ((*at).to_owned(), (*message).to_owned())).collect();
        assert_eq!((reply.status, wrong(&reply.json())), (422, expected), "{body}");
    };
    let members = [("/address/street", "a value is required"), ("/address/city", "a value is required")];
    check(r#"{"name": "A"}"#, &members).await;
    check(r#"{"name": "A", "address": null}"#, &[("/address", "a value is required")]).await;
    check(r#"{"name": "A", "address": "Rome"}"#, &[("/address", "expected an object")]).await;
    check(
        r#"{"name": "A", "address": {"street": "x", "country": "Italy", "at": {"lat": 1.5}}}"#,
        &[("/address/country", "expected a country code of ISO 3166-1, such as \"DE\"")],
    )
    .await;
    check(
        r#"{"name": "A", "address": {"street": "x", "at": {"lat": 1.5}}}"#,
        &[
            ("/address/city", "a value is required"),
            ("/address/at/lng", "a value is required"),
            ("/address/street", "must have at least 2 characters"),
        ],
    )
    .await;
    check(
        r#"{"name": "A", "address": {"city": "Bonn", "street": "Ring 1", "town": "Bonn", "city": "Rome"}}"#,
        &[("/address/town", "unknown field `town`"), ("/address/city", "it is given twice")],
    )
    .await;
    check(r#"{"name": "A", "address": {"city": "Ring", "street": "Ring"}}"#, &[("/address", "a city is not a street")])
        .await;
    check(r#"{"name": "A", "address.city": "Bonn"}"#, &[("/address.city", "unknown field `address.city`")]).await;
    check(
        &format!(r#"{{"name": "A", "address": {ROME}, "billing": {{"zip": "1"}}}}"#),
        &[("/billing/street", "a value is required"), ("/billing/city", "a value is required")],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn queries_name_members() {
    let app = TestApp::open(MODEL);
    let ann = customer(&app, &format!(r#"{{"name": "Ann", "address": {ROME}}}"#)).await;
    let bonn = r#"{"street": "Ring 1", "city": "Bonn", "zip": "53111"}"#;
    customer(&app, &format!(r#"{{"name": "Bob", "address": {bonn}, "billing": {ROME}}}"#)).await;
    let order = format!(r#"{{"customer": {}}}"#, ann["id"]);
    assert_eq!(app.post("POST /api/orders", &[], &order).await.status, 201);
    let check = async |query: &str, expected: Value| {
        let reply = app.call(&format!("GET /api/{query}"), &[]).await;
        assert_eq!((reply.status, &reply.json()["items"]), (200, &expected), "{query}: {}", reply.text());
    };
    check("customers?address.city=Rome&select=name", json!([{"name": "Ann"}])).await;
    check("customers?filter=address.city=='Bonn'&select=name", json!([{"name": "Bob"}])).await;
    check("customers?filter=address.at.lat%3E40.0&select=name", json!([{"name": "Ann"}])).await;
    check("customers?filter=billing!=null&select=name", json!([{"name": "Bob"}])).await;
    check("customers?filter=billing==null%26%26address.at!=null&select=name", json!([{"name": "Ann"}])).await;
    check("customers?sort=address.city&select=name", json!([{"name": "Bob"}, {"name": "Ann"}])).await;
    check("customers?sort=-address.city,name&limit=1&select=name", json!([{"name": "Ann"}])).await;
    check(
        "customers?sort=name&select=address{city,at{lat}},billing{where=city}",
        json!([
            {"address": {"city": "Rome", "at": {"lat": 41.9}}, "billing": null},
            {"address": {"city": "Bonn", "at": null}, "billing": {"where": "Rome"}},
        ]),
    )
    .await;
    check("customers?name=Bob&select=to=address{zip,*}", {
        json!([{"to": {"zip": "53111", "street": "Ring 1", "city": "Bonn", "country": "DE", "kind": null, "at": null}}])
    })
    .await;
    check(
        "orders?select=customer{address{city}}&filter=customer.address.city=='Rome'",
        json!([{"customer": {"address": {"city": "Rome"}}}]),
    )
    .await;
    check("customers?name=Ann&select=orders{customer{address{zip}}}", {
        json!([{"orders": [{"customer": {"address": {"zip": null}}}]}])
    })
    .await;

    let refused = async |query: &str, expected: &str| {
        let reply = app.call(&format!("GET /api/{query}"), &[]).await;
        assert_eq!(reply.status, 400, "{query}: {}", reply.text());
        let told = reply.json()["errors"].to_string();
        assert!(told.contains(expected), "{query}: {told}");
    };
    refused("customers?address.town=Rome", "`address.town`").await;
    refused("customers?filter=address.town=='Rome'", "Address has no field `town`").await;
    refused("customers?filter=address==billing", "a whole value of Address").await;
    refused("customers?filter=address.city.x=='Rome'", "String").await;
    refused("customers?address=Rome", "address cannot be compared").await;
    refused("customers?sort=address", "embedded value").await;
    refused("customers?sort=address.town", "`address.town`").await;
    refused("customers?select=address{town}", "`town`").await;
    refused("customers?select=address{city,city=zip}", "is the name of a field").await;
    refused("customers?select=address(limit:1)", "takes no arguments").await;
    refused("customers?select=name{first}", "not a relation").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn members_follow_the_rights_and_classes_of_the_whole() {
    let app = TestApp::open(MODEL);
    let body = format!(r#"{{"name": "Ann", "address": {ROME}, "card": {{"number": "4111", "holder": "A"}}}}"#);
    let made = customer(&app, &body).await;
    assert_eq!(made.get("card"), None, "an anonymous caller doesn't see it");
    for query in ["card.number=4111", "filter=card!=null", "filter=card.holder=='A'", "sort=card.holder", "select=card"]
    {
        let reply = app.call(&format!("GET /api/customers?{query}"), &[]).await;
        assert_eq!((reply.status, reply.text().contains("may not")), (400, true), "{query}: {}", reply.text());
    }
    // Whoever doesn't see a value learns nothing of it from what is wrong with a change: all that is required must be given.
    let path = format!("/api/customers/{}", made["id"].as_str().expect("an id"));
    let partly = app.post(&format!("PATCH {path}"), &[], r#"{"card": {"holder": "B"}}"#).await;
    assert_eq!(wrong(&partly.json()), [("/card/number".to_owned(), "a value is required".to_owned())]);
    let whole = app.post(&format!("PATCH {path}"), &[], r#"{"card": {"number": "42", "holder": "B"}}"#).await;
    assert_eq!(whole.status, 200, "{}", whole.text());
    assert_eq!(app.post(&format!("PATCH {path}"), &[], r#"{"card": null}"#).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clause_for_a_value_is_one_for_its_members() {
    let app = TestApp::open(
        r#"
extend schema @app(name: "Shop")
type User @identity @allow(read: "true") { email: Email! @unique }
type Point @embedded { lat: Float, lng: Float }
type Address @embedded { street: String, city: String, at: Point }
type Customer
  @allow(read: "true", create: "true")
  @allow(update: "true", only: ["address"])
  @allow(update: "true", only: ["name", "billing.city"]) {
  name: String
  address: Address
  billing: Address
}
"#,
    );
    let made = app.post("POST /api/customers", &[], r#"{"name": "Ann", "address": {"city": "Rome"}}"#).await.json();
    let path = format!("PATCH /api/customers/{}", made["id"].as_str().expect("an id"));
    let check = async |body: &str, expected: &[&str]| {
        let reply = app.post(&path, &[], body).await;
        let at: Vec<String> = if reply.status == 200 { Vec::new() } else { wrong_places(&reply.json()) };
        assert_eq!(at, expected, "{body}: {}", reply.text());
    };
    check(r#"{"address": {"street": "Via Appia", "at": {"lat": 41.9}}}"#, &[]).await;
    check(r#"{"address": null}"#, &[]).await;
    check(r#"{"name": "Bo", "billing": {"city": "Bonn"}}"#, &[]).await;
    check(r#"{"billing": {"street": "Ring 1", "city": "Bonn"}}"#, &["/billing/street"]).await;
    check(r#"{"name": "Cy", "address": {"city": "Rome"}}"#, &["/name"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relation_in_a_value_is_one_of_the_record() {
    let app = TestApp::open(
        r#"
extend schema @app(name: "Covers")
type User @identity @allow(read: "true") { email: Email! @unique }
type Media @path(is: "media") @allow(read: "this.title != 'Hidden'", create: "true", update: "true", delete: "true") {
  title: String!
}
type Cover @embedded { media: Media! @onDelete(do: RESTRICT), credit: Media, caption: String }
type Post @allow(read: "true", create: "true", update: "true") { cover: Cover }
"#,
    );
    let media = async |title: &str| {
        let made = app.post("POST /api/media", &[], &format!(r#"{{"title": "{title}"}}"#)).await;
        made.json()["id"].as_str().expect("an id").to_owned()
    };
    let (moon, sun, hidden) = (media("Moon").await, media("Sun").await, media("Dark").await);
    let hide = app.post(&format!("PATCH /api/media/{hidden}"), &[], r#"{"title": "Hidden"}"#).await;
    assert_eq!(hide.status, 204);
    let create = async |media: &str| {
        app.post("POST /api/posts", &[], &format!(r#"{{"cover": {{"media": "{media}", "credit": "{sun}"}}}}"#)).await
    };
    for unseen in [hidden.as_str(), "01890a5d-ac96-774b-bcce-b302099a8057"] {
        let reply = create(unseen).await;
        assert_eq!((reply.status, wrong(&reply.json())[0].0.as_str()), (422, "/cover/media"), "{}", reply.text());
    }
    assert_eq!(create(&moon).await.status, 201);
    let list = async || {
        let reply = app.call("GET /api/posts?select=cover{media{title},credit,caption}", &[]).await;
        reply.json()["items"][0]["cover"].clone()
    };
    assert_eq!(list().await, json!({"media": {"title": "Moon"}, "credit": sun, "caption": null}));
    let found = app.call("GET /api/posts?filter=cover.media.title=='Moon'&select=cover{media}", &[]).await.json();
    assert_eq!(found["items"], json!([{"cover": {"media": moon}}]));
    // One is restricted, the other one becomes null.
    assert_eq!(app.call(&format!("DELETE /api/media/{moon}"), &[]).await.status, 409);
    assert_eq!(app.call(&format!("DELETE /api/media/{sun}"), &[]).await.status, 204);
    assert_eq!(list().await, json!({"media": {"title": "Moon"}, "credit": null, "caption": null}));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_documented_example_holds() {
    let document = include_str!("../../../../docs/model.md");
    let (_, section) = document.split_once("\n### Embedded types\n").expect("the section");
    let (_, example) = section.split_once("```graphql\n").expect("an example");
    let (example, rest) = example.split_once("```").expect("its end");
    let (_, body) = rest.split_once("responses: `").expect("a body");
    let (body, _) = body.split_once('`').expect("its end");
    let user = r#"type User @identity @allow(read: "true") { email: Email! @unique }"#;
    let app = TestApp::open(&format!("extend schema @app(name: \"Shop\")\n{user}\n{example}"));
    assert_eq!(customer(&app, body).await["address"]["country"], json!("DE"));
    for query in
        ["address.city=Rome", "sort=-address.city", "select=address{city,at{lat}}", "filter=address.city=='Rome'"]
    {
        let reply = app.call(&format!("GET /api/customers?{query}"), &[]).await;
        assert_eq!(
            (reply.status, reply.json()["items"][0]["address"]["city"].clone()),
            (200, json!("Rome")),
            "{query}"
        );
    }
}

/// What the description demands of a create is what the server demands.
#[tokio::test(flavor = "multi_thread")]
async fn the_description_demands_values_that_no_default_makes() {
    let app = TestApp::open(
        r#"
        extend schema @app(name: "Needs")
        type User @identity @allow(read: "true") { email: Email! @unique }
        type Loose @embedded { a: String, b: String }
        type Filled @embedded { a: String @default(to: "x"), b: String }
        type Strict @embedded { a: String! }
        type Half @embedded { a: String!, b: String @default(to: "x") }
        type Outer @embedded { filled: Filled! }
        type Note @allow(read: "true", create: "true") {
          loose: Loose!
          filled: Filled!
          strict: Strict!
          half: Half!
          outer: Outer!
          inner: Outer
        }
    "#,
    );
    let document = app.call("GET /openapi.json", &[]).await.json();
    let create = &document["components"]["schemas"]["Note.Create"];
    assert_eq!(create["required"], json!(["loose", "strict", "half"]));
    // In a value that a record may lack, nothing is made by itself.
    assert_eq!(create["properties"]["outer"]["required"], json!([]));
    assert_eq!(create["properties"]["inner"]["required"], json!(["filled"]));
    let whole = json!({ "loose": { "a": "x" }, "strict": { "a": "x" }, "half": { "a": "x" } });
    let made = app.post("POST /api/notes", &[], &whole.to_string()).await;
    assert_eq!((made.status, &made.json()["outer"]["filled"]["a"]), (201, &json!("x")));
    for name in ["loose", "strict", "half"] {
        let mut part = whole.clone();
        part.as_object_mut().expect("an object").remove(name);
        assert_eq!(app.post("POST /api/notes", &[], &part.to_string()).await.status, 422, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_description_has_objects() {
    let app = TestApp::open(MODEL);
    let document = app.call("GET /openapi.json", &[]).await.json();
    let schemas = &document["components"]["schemas"];
    let created = &schemas["Customer.Create"];
    assert_eq!(created["required"], json!(["name", "address"]));
    let address = &created["properties"]["address"];
    assert_eq!(address["required"], json!(["street", "city"]));
    assert_eq!(address["description"], json!("Where something is sent."));
    assert_eq!(address["properties"]["city"]["description"], json!("Without the postal code."));
    assert_eq!(address["properties"]["street"]["minLength"], json!(2));
    assert_eq!(address["properties"]["at"]["type"], json!(["object", "null"]));
    assert_eq!(schemas["Customer"]["properties"]["billing"]["type"], json!(["object", "null"]));
    assert_eq!(schemas["Customer.Patch"]["properties"]["address"]["required"], Value::Null);
    assert_eq!(schemas["Customer"]["properties"].get("address.city"), None);
    let text = document["paths"]["/api/customers"].to_string();
    assert!(text.contains("\"address.city\""), "equality with a member is a parameter");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conflict_points_at_the_member() {
    let model = r#"
extend schema @app(name: "Shop")
enum Role @roles { STAFF }
type User @identity @allow(read: "true") { email: Email! @unique }
type Spot @embedded { code: String, at: Point }
type Point @embedded { lat: Float, lng: Float }
type Rack @allow(read: "true", create: "true", update: "true") @unique(fields: ["name", "spot.at.lat"]) {
  name: String! spot: Spot
}
"#;
    let app = TestApp::open(model);
    let rack = r#"{"name": "A", "spot": {"at": {"lat": 1}}}"#;
    assert_eq!(app.post("POST /api/racks", &[], rack).await.status, 201);
    let check = async |path: &str, body: &str, expected: [&str; 2]| {
        let refused = app.post(path, &[], body).await;
        assert_eq!(refused.problem(), "not-unique", "{body}");
        assert_eq!(wrong_places(&refused.json()), expected, "{body}");
    };
    check("POST /api/racks", rack, ["/name", "/spot/at/lat"]).await;
    check("POST /api/racks", &format!("[{rack}]"), ["/0/name", "/0/spot/at/lat"]).await;
    let transaction = format!(r#"{{"requests": [{{"create": "racks", "body": {rack}}}]}}"#);
    check("POST /transact", &transaction, ["/requests/0/body/name", "/requests/0/body/spot/at/lat"]).await;
}
