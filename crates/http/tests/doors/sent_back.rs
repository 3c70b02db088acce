//! What a caller sends back as they read it changes nothing, even if they couldn't write it.

use backstay_testkit::TestApp;
use serde_json::{Value, json};

const CLUB: &str = r#"
extend schema @app(name: "Club")
enum Role @roles { STAFF }
enum Level { NEW OLD }

type User @identity @allow(read: "true") { email: Email! @unique name: String }

type Place @embedded { city: String! street: String }

type Card
  @allow(read: "true", create: "auth.id != null")
  @allow(update: "this.owner == auth.id", only: ["name"])
  @allow(update: "'STAFF' in auth.roles") {
  owner: User! @set(on: CREATE, to: "auth.id")
  name: String!
  note: String @allow(read: "this.owner == auth.id || this.visits.exists(v, v.guest == auth.id)") @immutable
  home: Place @allow(read: "this.owner == auth.id")
  rate: Decimal @precision(digits: 10, scale: 4)
  visits: [Visit!] @inverse(field: "card")
  visitCount: Int @computed(is: "size(this.visits)")
  level: Level @computed(is: "size(this.visits) > 1 ? 'OLD' : 'NEW'")
  paid: Money @computed(is: "this.visits.sum(v, v.price)")
  double: Decimal @computed(is: "this.rate + this.rate") @precision(digits: 10, scale: 2)
  last: DateTime @computed(is: "this.visits.max(v, v.createdAt)")
  secretly: Int @computed(is: "size(this.visits)", rights: MODEL) @allow(read: "this.owner == auth.id")
}

type Visit @allow(read: "!this.hidden", create: "true") {
  card: Card!
  guest: User
  price: Money
  hidden: Boolean! @default(to: false)
}
"#;

struct Club {
    app: TestApp,
    owner: String,
    staff: String,
    card: String,
}

async fn club() -> Club {
    let app = TestApp::open(CLUB);
    let (owner, staff) = (app.account("ada@example.org").await, app.account("eve@example.org").await);
    app.grant("eve@example.org", "STAFF").await;
    let body = json!({ "name": "A", "note": "N", "home": { "city": "Rome" }, "rate": "0.1250" }).to_string();
    let made = app.post("POST /api/cards", &[("authorization", &owner)], &body).await;
    let card = crate::id_of(&made);
    for (amount, hidden) in [("1.50", false), ("2.25", true)] {
        let price = json!({ "amount": amount, "currency": "EUR" });
        let body = json!({ "card": card, "price": price, "hidden": hidden }).to_string();
        assert_eq!(app.post("POST /api/visits", &[("authorization", &staff)], &body).await.status, 201);
    }
    Club { app, owner, staff, card }
}

impl Club {
    async fn read(&self, who: &str) -> Value {
        self.app.call(&format!("GET /api/cards/{}", self.card), &[("authorization", who)]).await.json()
    }

    async fn patch(&self, who: &str, body: &Value) -> (u16, Value) {
        let line = format!("PATCH /api/cards/{}", self.card);
        let reply = self.app.post(&line, &[("authorization", who)], &body.to_string()).await;
        (reply.status, reply.json())
    }

    /// The fields that are refused.
    async fn refused(&self, who: &str, body: Value) -> Vec<String> {
        let (status, problem) = self.patch(who, &body).await;
        assert_eq!(status, 422, "{problem}");
        let places = problem["errors"].as_array().expect("errors").iter().map(|error| error["at"].to_string());
        places.map(|place| place.trim_matches(['"', '/']).to_owned()).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_record_with_its_computed_fields() {
    let club = club().await;
    for who in [&club.owner, &club.staff] {
        let read = club.read(who).await;
        assert_eq!((&read["visitCount"], &read["double"], &read["level"]), (&json!(1), &json!("0.25"), &json!("NEW")));
        assert_eq!(club.patch(who, &read).await, (200, read.clone()), "nothing changes");
        let mut renamed = read.clone();
        renamed["name"] = json!("B");
        let (status, changed) = club.patch(who, &renamed).await;
        assert_eq!((status, &changed["name"]), (200, &json!("B")), "{changed}");
        renamed["name"] = read["name"].clone();
        let (status, _) = club.patch(who, &json!({ "name": "A" })).await;
        assert_eq!(status, 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_computed_field_with_another_value_or_that_is_not_seen_is_refused() {
    let club = club().await;
    for (field, value) in
        [("visitCount", json!(2)), ("level", json!("OLD")), ("double", json!("0.26")), ("last", Value::Null)]
    {
        assert_eq!(club.refused(&club.owner, json!({ field: value })).await, [field]);
    }
    // It counts the hidden visit too. The staff doesn't see it, and can't guess it.
    assert_eq!(club.patch(&club.owner, &json!({ "secretly": 2 })).await.0, 200);
    for guess in [json!(2), json!(1), Value::Null] {
        assert_eq!(club.refused(&club.staff, json!({ "secretly": guess })).await, ["secretly"]);
    }
    // Nor is one computed for a new record.
    let new = json!({ "name": "C", "visitCount": 0 }).to_string();
    assert_eq!(club.app.post("POST /api/cards", &[("authorization", &club.owner)], &new).await.status, 422);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_that_is_seen_in_this_record_only() {
    let club = club().await;
    let before = club.read(&club.owner).await;
    assert_eq!((&before["note"], &before["home"]), (&json!("N"), &json!({ "city": "Rome", "street": null })));
    // `only:` lets the owner change the name, and nothing else is changed.
    let sent = json!({ "name": "A", "note": "N", "home": { "city": "Rome", "street": null } });
    assert_eq!(club.patch(&club.owner, &sent).await, (200, before.clone()));
    let (status, after) =
        club.patch(&club.owner, &json!({ "name": "B", "note": "N", "home": { "city": "Rome" } })).await;
    assert_eq!((status, &after["version"]), (200, &json!(2)));
    assert_eq!(club.refused(&club.owner, json!({ "note": "M" })).await, ["note"]);
    assert_eq!(club.refused(&club.owner, json!({ "home": { "city": "Bern" } })).await, ["home/city"]);
    // Who doesn't see it can't guess it: the right value is refused, or counts as a change, like any other.
    for guess in ["N", "M"] {
        assert_eq!(club.refused(&club.staff, json!({ "note": guess })).await, ["note"]);
    }
    for (version, city) in [(3, "Rome"), (4, "Bern")] {
        let (status, after) = club.patch(&club.staff, &json!({ "home": { "city": city, "street": null } })).await;
        assert_eq!((status, &after["version"]), (200, &json!(version)));
    }
}
