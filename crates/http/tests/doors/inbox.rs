//! Events of other systems.

use std::sync::Arc;

use backstay_base::{Error, Secret};
use backstay_engine::{ActionCall, Begun, Committed};
use backstay_http::{HttpSettings, InboxSecrets};
use backstay_testkit::{Reply, TestApp};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::acting::All;

const MODEL: &str = r#"
extend schema
  @app(name: "Shop")
  @inbox(provider: STRIPE, path: "/events/stripe", secret: "STRIPE", run: "paid")
  @inbox(provider: GITHUB, path: "/events/github", secret: "GITHUB", run: "paid", name: "pushed")
  @inbox(provider: STANDARD_WEBHOOKS, path: "/events/other", secret: "OTHER", run: "paid", name: "other")

type User @identity @allow(read: "true") { email: Email! @unique }
type Payment
  @allow(read: "true", create: "auth.id == null && ('paid' in auth.via || 'pushed' in auth.via || 'other' in auth.via)") {
  of: String!
}
"#;

/// Notes a payment; one of `fail` fails after it was noted, and one of `broken` before it is committed.
async fn paid(call: ActionCall) -> Result<String, Error> {
    let asked: Value = serde_json::from_str(call.arguments()).expect("JSON");
    let event: Value = serde_json::from_str(asked["$request"]["body"].as_str().expect("a text")).expect("JSON");
    let of = event["of"].as_str().expect("a text");
    let block = match call.begin().await? {
        Begun::Block(block) => block,
        Begun::Done(_) => return Ok("null".to_owned()),
    };
    block.request(&json!({ "create": "payments", "body": { "of": of } }).to_string()).await?;
    if of == "broken" {
        return Err(Error::Unknown);
    }
    match block.commit("null").await? {
        Committed::Done if of == "fail" => Err(Error::Unknown),
        Committed::Done => Ok("null".to_owned()),
        Committed::Again(_) => Err(Error::Unknown),
    }
}

/// HMAC with SHA-256 (RFC 2104), for keys of at most 64 bytes.
fn code(key: &[u8], text: &str) -> Vec<u8> {
    let mut block = [0; 64];
    block[..key.len()].copy_from_slice(key);
    let inner = Sha256::new_with_prefix(block.map(|byte| byte ^ 0x36)).chain_update(text).finalize();
    Sha256::new_with_prefix(block.map(|byte| byte ^ 0x5c)).chain_update(inner).finalize().to_vec()
}

fn hex(code: &[u8]) -> String {
    code.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

fn open() -> TestApp {
    let secret = |name: &str, value: &str| (name.to_owned(), Secret::new(value.to_owned()));
    let standard = format!("whsec_{} whsec_{}", STANDARD.encode("old"), STANDARD.encode("new"));
    let inbox_secrets: InboxSecrets =
        [secret("STRIPE", "whsec_a"), secret("GITHUB", "b"), secret("OTHER", &standard)].into_iter().collect();
    let app = TestApp::with(MODEL, HttpSettings { inbox_secrets, ..HttpSettings::default() });
    app.services.engine.set_procedures(Arc::new(All::default().with("paid", paid)));
    app
}

fn now(app: &TestApp) -> i64 {
    app.services.engine.ambient().clock.now().micros() / 1_000_000
}

async fn payments(app: &TestApp) -> usize {
    app.call("GET /api/payments", &[]).await.json()["items"].as_array().map_or(0, Vec::len)
}

async fn stripe(app: &TestApp, body: &str, (moment, key): (i64, &str)) -> Reply {
    let signature = format!("t={moment},v0=x,v1=zz,v1={}", hex(&code(key.as_bytes(), &format!("{moment}.{body}"))));
    app.post("POST /events/stripe", &[("stripe-signature", &signature)], body).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_of_stripe_has_its_effect_once() {
    let app = open();
    let body = r#"{"id": "evt_1", "of": "one"}"#;
    let moment = now(&app);
    for moment in [moment, moment - 300, moment + 300] {
        let reply = stripe(&app, body, (moment, "whsec_a")).await;
        assert_eq!(reply.status, 204, "{}", reply.text());
        assert_eq!(payments(&app).await, 1);
    }
    // What else is in it can be another when it is sent again.
    let again = stripe(&app, r#"{"id": "evt_1", "of": "one", "pending_webhooks": 0}"#, (moment, "whsec_a")).await;
    assert_eq!((again.status, payments(&app).await), (204, 1));
    let other = stripe(&app, r#"{"id": "evt_2", "of": "one"}"#, (moment, "whsec_a")).await;
    assert_eq!((other.status, payments(&app).await), (204, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_is_received_when_its_effect_is_stored() {
    let app = open();
    let moment = now(&app);
    for (body, stored) in [(r#"{"id": "evt_1", "of": "broken"}"#, 0), (r#"{"id": "evt_2", "of": "fail"}"#, 1)] {
        let failed = stripe(&app, body, (moment, "whsec_a")).await;
        assert_eq!((failed.status < 300, payments(&app).await), (false, stored), "{body}");
    }
    // It was stored when the first answer was lost.
    let again = stripe(&app, r#"{"id": "evt_2", "of": "fail"}"#, (moment, "whsec_a")).await;
    assert_eq!((again.status, payments(&app).await), (204, 1));
    let again = stripe(&app, r#"{"id": "evt_1", "of": "well"}"#, (moment, "whsec_a")).await;
    assert_eq!((again.status, payments(&app).await), (204, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn forged_and_old_events_are_refused() {
    let app = open();
    let (moment, body) = (now(&app), r#"{"id": "evt_1", "of": "one"}"#);
    let check = |reply: Reply, at: &str, message: &str| {
        assert_eq!(reply.status, 400, "{}", reply.text());
        let error = &reply.json()["errors"][0];
        assert!(error["at"].as_str().is_some_and(|place| place.contains(at)), "{error}");
        assert!(error["message"].as_str().is_some_and(|text| text.contains(message)), "{error}");
    };
    check(stripe(&app, body, (moment, "whsec_b")).await, "stripe-signature", "isn't that of this body");
    check(stripe(&app, body, (moment - 301, "whsec_a")).await, "stripe-signature", "more than 300 seconds");
    check(stripe(&app, body, (moment + 330, "whsec_a")).await, "stripe-signature", "more than 300 seconds");
    check(stripe(&app, body, (i64::MIN, "whsec_a")).await, "stripe-signature", "more than 300 seconds");
    check(stripe(&app, r#"{"of": "one"}"#, (moment, "whsec_a")).await, "body", "an event of Stripe");
    check(app.post("POST /events/stripe", &[], body).await, "stripe-signature", "required");
    for signature in ["", "t=1", "v1=00", "t=x,v1=00", &format!("t={moment}")] {
        let reply = app.post("POST /events/stripe", &[("stripe-signature", signature)], body).await;
        assert_eq!(reply.status, 400, "{signature}: {}", reply.text());
    }
    let plain = hex(&code(b"b", body));
    for signature in [plain.as_str(), &format!("sha1={plain}"), "sha256=", &format!("sha256={}", &plain[..62])] {
        check(
            app.post("POST /events/github", &[("x-hub-signature-256", signature)], body).await,
            "x-hub-signature-256",
            "isn't that of this body",
        );
    }
    assert_eq!(payments(&app).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_of_github_is_known_by_what_is_signed() {
    let app = open();
    let body = r#"{"of": "one"}"#;
    let signature = format!("sha256={}", hex(&code(b"b", body)));
    for delivery in ["1", "2"] {
        let headers = [("x-hub-signature-256", signature.as_str()), ("x-github-delivery", delivery)];
        assert_eq!(app.post("POST /events/github", &headers, body).await.status, 204);
        assert_eq!(payments(&app).await, 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn events_as_standard_webhooks_are_taken_under_both_secrets() {
    let app = open();
    let (body, moment) = (r#"{"of": "one"}"#, now(&app).to_string());
    let send = async |id: &str, key: &[u8]| {
        let code = STANDARD.encode(code(key, &format!("{id}.{moment}.{body}")));
        let signature = format!("v1a,x v1,{code}");
        let headers = [("webhook-id", id), ("webhook-timestamp", &moment), ("webhook-signature", &signature)];
        app.post("POST /events/other", &headers, body).await.status
    };
    assert_eq!(send("msg_1", b"old").await, 204);
    assert_eq!(send("msg_1", b"new").await, 204);
    assert_eq!(payments(&app).await, 1);
    assert_eq!(send("msg_2", b"new").await, 204);
    assert_eq!(payments(&app).await, 2);
    assert_eq!(send("msg_3", b"none").await, 400);
}
