//! Ranges that may not overlap, and numbers in sequence.

use backstay_testkit::{Reply, TestApp};
use serde_json::{Value, json};

const MODEL: &str = r#"
extend schema @app(name: "Rooms")
type User @identity @allow(read: "true") { email: Email! @unique }
type Booking @exclude(fields: ["room"], from: "start", to: "end")
  @allow(read: "true", create: "true", update: "true") {
  room: String!
  start: Int!
  end: Int
  number: Int! @sequence(per: "room", gapless: true)
}
"#;

fn booking(room: &str, start: i64, end: i64) -> Value {
    json!({ "room": room, "start": start, "end": end })
}

async fn post(app: &TestApp, path: &str, body: Value) -> Reply {
    app.post(&format!("POST {path}"), &[], &body.to_string()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conflict_names_the_bounds_and_the_other_record() {
    let app = TestApp::open(MODEL);
    let first = post(&app, "/api/bookings", booking("A", 1, 5)).await;
    assert_eq!((first.status, &first.json()["number"]), (201, &json!(1)), "{}", first.text());
    let refused = post(&app, "/api/bookings", json!([booking("A", 5, 7), booking("A", 6, 8)])).await;
    assert_eq!((refused.status, refused.problem().as_str()), (409, "overlaps"), "{}", refused.text());
    let (problem, id) = (refused.json(), first.json()["id"].as_str().expect("an id").to_owned());
    let detail = problem["detail"].as_str().expect("a text");
    let begins = "the range from `start` to `end` overlaps that of the Booking ";
    assert!(detail.starts_with(begins) && detail.ends_with(" with the same room"), "{detail}");
    // The other one is of the same request, and is undone with it.
    assert!(!detail.contains(&id), "{detail}");
    let places: Vec<&str> =
        problem["errors"].as_array().into_iter().flatten().filter_map(|of| of["at"].as_str()).collect();
    assert_eq!(places, ["/1/start", "/1/end"]);
    assert_eq!(problem["errors"][0]["message"], "the range overlaps that of another record");
    // What was undone gives its numbers back.
    let next = post(&app, "/api/bookings", booking("A", 5, 7)).await;
    assert_eq!(next.json()["number"], 2, "{}", next.text());
}

/// Two ranges change places in one commit if one of them is moved out of the way first.
#[tokio::test(flavor = "multi_thread")]
async fn ranges_are_swapped_in_a_transaction() {
    let app = TestApp::open(MODEL);
    let mut ids = Vec::new();
    for (start, end) in [(1, 5), (5, 9)] {
        let made = post(&app, "/api/bookings", booking("A", start, end)).await;
        ids.push(made.json()["id"].clone());
    }
    let change = |at: usize, start: i64, end: i64| json!({ "update": "bookings", "id": ids[at], "body": { "start": start, "end": end } });
    let requests = json!({ "requests": [change(0, 5, 9), change(1, 1, 5)] });
    let refused = post(&app, "/transact", requests).await;
    assert_eq!((refused.status, refused.problem().as_str()), (409, "overlaps"), "{}", refused.text());
    assert_eq!(refused.json()["errors"][0]["at"], "/requests/0/body/start");
    let requests = json!({ "requests": [change(0, 100, 104), change(1, 1, 5), change(0, 5, 9)] });
    let done = post(&app, "/transact", requests).await;
    assert_eq!(done.status, 200, "{}", done.text());
    let page = app.call("GET /api/bookings?select=start,number&sort=start", &[]).await;
    let expected = json!([{ "start": 1, "number": 2 }, { "start": 5, "number": 1 }]);
    assert_eq!(page.json()["items"], expected);
}
