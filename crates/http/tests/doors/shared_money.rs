//! Amounts that share the currency of their record: in URLs, answers, histories, the past, the trash and the description.

use backstay_testkit::TestApp;
use serde_json::{Value, json};

const MODEL: &str = r#"
extend schema @app(name: "Shop")
type User @identity @allow(read: "true") { email: Email! @unique }
type Order @allow(read: "true", create: "true", update: "true", delete: "true") @trash @history(read: "true") {
  currency: Currency!
  total: Money! @money(in: "currency") @range(min: 0)
  tip: Money @money(in: "currency")
}
"#;

fn money(amount: &str, currency: &str) -> Value {
    json!({ "amount": amount, "currency": currency })
}

async fn shop() -> (TestApp, Vec<String>) {
    let app = TestApp::open(MODEL);
    let mut ids = Vec::new();
    for (currency, total) in [("EUR", "12.50"), ("JPY", "12"), ("EUR", "3")] {
        let body = json!({ "currency": currency, "total": total }).to_string();
        let made = app.post("POST /api/orders", &[], &body).await;
        assert_eq!(made.status, 201, "{}", made.text());
        ids.push(crate::id_of(&made));
    }
    (app, ids)
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_of_amounts_are_compared_and_sorted() {
    let (app, _) = shop().await;
    let check = async |words: &str, expected: &[(&str, &str)]| {
        let reply = app.call(&format!("GET /api/orders?select=total&{words}"), &[]).await;
        assert_eq!(reply.status, 200, "{words}: {}", reply.text());
        let expected: Vec<Value> =
            expected.iter().map(|(amount, currency)| json!({ "total": money(amount, currency) })).collect();
        assert_eq!(reply.json()["items"], Value::Array(expected), "{words}");
    };
    check("total=12.5", &[("12.50", "EUR")]).await;
    check("total=12&currency=JPY", &[("12", "JPY")]).await;
    check("sort=-total", &[("12.50", "EUR"), ("12", "JPY"), ("3.00", "EUR")]).await;
    check("filter=total%3Emoney(5,'EUR')", &[("12.50", "EUR")]).await;
    check("filter=total.amount%3E5&sort=total", &[("12", "JPY"), ("12.50", "EUR")]).await;
    check("filter=total==$t&$t=12%20JPY", &[("12", "JPY")]).await;
    check("filter=tip!=null", &[]).await;
    let page = app.call("GET /api/orders?sort=total&limit=1&select=total", &[]).await.json();
    let next = page["next"].as_str().expect("a cursor").to_owned();
    check(&format!("sort=total&limit=1&after={next}"), &[("12", "JPY")]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_sent_back_changes_nothing() {
    let (app, ids) = shop().await;
    let line = format!("/api/orders/{}", ids[0]);
    let read = app.call(&format!("GET {line}"), &[]).await.json();
    let sent = json!({ "currency": read["currency"], "total": read["total"], "tip": null }).to_string();
    let same = app.post(&format!("PATCH {line}"), &[], &sent).await;
    assert_eq!((same.status, &same.json()["version"]), (200, &json!(1)), "{}", same.text());
    let other = json!({ "total": money("12.50", "USD") }).to_string();
    let refused = app.post(&format!("PATCH {line}"), &[], &other).await;
    assert_eq!(refused.status, 422, "{}", refused.text());
    let error = &refused.json()["errors"][0];
    assert_eq!(
        (&error["at"], &error["message"]),
        (&json!("/total"), &json!("the amount is in USD, but `total` has EUR here")),
        "{error}"
    );
    let wrong = app.post(&format!("PATCH {line}"), &[], r#"{"total": "much"}"#).await;
    let expected =
        r#"expected an amount such as "12.50", or with its currency such as {"amount": "12.50", "currency": "EUR"}"#;
    assert_eq!(wrong.json()["errors"][0]["message"], json!(expected), "{}", wrong.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_has_the_currency_that_it_had() {
    let (app, ids) = shop().await;
    let line = format!("/api/orders/{}", ids[0]);
    let moment = app.call(&format!("GET {line}"), &[]).await.json()["updatedAt"].as_str().expect("a moment").to_owned();
    let body = json!({ "currency": "CHF", "total": money("13", "chf") }).to_string();
    let changed = app.post(&format!("PATCH {line}"), &[], &body).await;
    assert_eq!((changed.status, &changed.json()["total"]), (200, &money("13.00", "CHF")), "{}", changed.text());
    let history = app.call(&format!("GET {line}:history"), &[]).await.json();
    let expected = json!({
        "currency": { "old": "EUR", "new": "CHF" },
        "total": { "old": money("12.50", "EUR"), "new": money("13.00", "CHF") },
    });
    assert_eq!(history["items"][0]["changes"], expected);
    let past = app.call(&format!("GET {line}?asOf={moment}"), &[]).await.json();
    assert_eq!(past["total"], money("12.50", "EUR"));
    let gone = app.call(&format!("DELETE {line}"), &[]).await;
    assert!(gone.status < 300, "{}", gone.text());
    let trash = app.call("GET /api/orders:trash?select=total", &[]).await;
    assert_eq!(trash.json()["items"], json!([{ "total": money("13.00", "CHF") }]), "{}", trash.text());
    let back = app.call(&format!("POST {line}:restore"), &[]).await;
    assert_eq!(back.json()["total"], money("13.00", "CHF"), "{}", back.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_description_has_both_forms() {
    let (app, _) = shop().await;
    let description = app.call("GET /openapi.json", &[]).await.json();
    let schemas = &description["components"]["schemas"];
    assert_eq!(schemas["Order"]["properties"]["total"]["required"], json!(["amount", "currency"]));
    let written = &schemas["Order.Create"]["properties"]["total"];
    assert_eq!(written["oneOf"][0]["type"], json!(["string", "number"]), "{written}");
    assert_eq!(written["oneOf"][1]["required"], json!(["amount", "currency"]), "{written}");
}

#[tokio::test(flavor = "multi_thread")]
async fn amounts_are_added_up_by_the_currency_that_they_share() {
    let (app, _) = shop().await;
    let sums =
        json!([{"group": "EUR", "sumTotal": money("15.50", "EUR")}, {"group": "JPY", "sumTotal": money("12", "JPY")}]);
    for by in ["currency", "total.currency"] {
        let reply =
            app.call(&format!("GET /api/orders:aggregate?group=group={by}&select=sum(total)&sort=group"), &[]).await;
        assert_eq!((reply.status, &reply.json()["items"]), (200, &sums), "{by}: {}", reply.text());
    }
    let path = "GET /api/orders:aggregate?select=sum(total)&filter=total.currency=='EUR'";
    let of_one = app.call(path, &[]).await;
    assert_eq!((of_one.status, &of_one.json()["items"]), (200, &json!([{"sumTotal": money("15.50", "EUR")}])));
    let of_each = app.call("GET /api/orders:aggregate?select=sum(total)", &[]).await;
    let each = json!([{"currency": "EUR", "sumTotal": money("15.50", "EUR")}, {"currency": "JPY", "sumTotal": money("12", "JPY")}]);
    assert_eq!((of_each.status, &of_each.json()["items"]), (200, &each));
}
