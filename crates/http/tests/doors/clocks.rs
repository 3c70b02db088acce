//! Two servers on one PostgreSQL database whose clocks are an hour apart.

use backstay_testkit::{Cluster, TestApp, TestClock, controlled};
use serde_json::{Value, json};

use crate::id_of;

const MODEL: &str = r#"
extend schema @app(name: "Clocks")

type User @identity @allow(read: "true") { email: Email! @unique name: String! }

type Tally @allow(read: "true", create: "true", update: "auth.id != null") @history(read: "true") {
  n: Int! @default(to: 0)
}
"#;

/// The history of a record, from its first version on: its numbers, and whether their moments increase.
fn told(history: &Value) -> (Vec<i64>, bool) {
    let items = history["items"].as_array().expect("versions");
    let mut versions: Vec<(i64, &str)> = items
        .iter()
        .map(|item| (item["version"].as_i64().expect("a number"), item["at"].as_str().expect("a moment")))
        .collect();
    versions.sort_unstable();
    let increase = versions.is_sorted_by(|(_, before), (_, after)| before < after);
    (versions.iter().map(|(number, _)| *number).collect(), increase)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn moments_increase_although_clocks_are_an_hour_apart() {
    let address = Cluster::shared().schema();
    let clocks = ["2026-01-31T12:00:00Z", "2026-01-31T13:00:00Z"].map(TestClock::at);
    let apps = [0, 1].map(|each| {
        TestApp::controlled_at(address.clone(), MODEL, controlled(&clocks[each], 7 + u64::try_from(each).expect("few")))
    });
    // Who has signed in on one of them has done so on both.
    let tokens = [apps[0].account("ada@example.org").await, apps[1].account("ben@example.org").await];
    let path = format!("/api/tallies/{}", id_of(&apps[0].post("POST /api/tallies", &[], "{}").await));
    let (mut versions, mut moments) = (Vec::new(), Vec::new());
    for number in 0..12 {
        // Each of them twice, once with each token.
        let (app, token) = (&apps[number / 2 % 2], &tokens[number % 2]);
        let body = json!({"n": {"$inc": 1}}).to_string();
        let changed = app.post(&format!("PATCH {path}"), &[("authorization", token)], &body).await;
        assert_eq!(changed.status, 200, "{changed:?}");
        let changed = changed.json();
        versions.push(changed["version"].as_i64().expect("a version"));
        moments.push(changed["updatedAt"].as_str().expect("a moment").to_owned());
        for clock in &clocks {
            clock.advance("1s");
        }
    }
    assert_eq!(versions, (2..14).collect::<Vec<_>>());
    assert!(moments.is_sorted_by(|before, after| before < after), "{moments:#?}");
    for app in &apps {
        let history = app.call(&format!("GET {path}:history?limit=20"), &[]).await;
        assert_eq!(history.status, 200, "{history:?}");
        assert_eq!(told(&history.json()), ((1..14).collect(), true), "{history:?}");
    }
}
