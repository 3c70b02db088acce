//! `createdAt` and `updatedAt` are moments of commits: they increase with every commit, whenever a request began and
//! whatever the clock does.

mod desk;

use std::sync::Arc;

use backstay_base::RecordId;
use backstay_engine::Context;
use backstay_model::SourceFile;
use backstay_rest::JSON;
use desk::{Desk, MODEL, MORE};

/// Has a request that began with this context update the record; returns `updatedAt` as the answer tells it.
async fn updated_at(desk: &Desk, cx: &Context, id: RecordId, day: &str) -> String {
    let body = format!(r#"{{"runsOn":"{day}"}}"#);
    let request = desk.client().update("Post", id, &body).expect("a request");
    desk.engine().answer(cx, request, JSON).await.expect("an update");
    field(desk, id, "updatedAt").await
}

async fn field(desk: &Desk, id: RecordId, field: &str) -> String {
    let post = desk.get("Post", &desk.editor, id).await.expect("a post");
    post[field].as_str().expect("a moment").to_owned()
}

#[tokio::test]
async fn a_request_that_began_earlier_and_commits_later_has_the_later_moment() {
    let desk = Desk::open().await;
    let id = desk.post("").await;
    let slow = desk.cx(&desk.ada);
    desk.clock.advance("1s");
    let quick = desk.cx(&desk.ada);
    let first = updated_at(&desk, &quick, id, "2026-01-01").await;
    let second = updated_at(&desk, &slow, id, "2026-01-02").await;
    assert!(second > first, "{first} then {second}");
}

#[tokio::test]
async fn the_clock_goes_back_and_moments_do_not() {
    let desk = Desk::open().await;
    let id = desk.post("").await;
    let mut moments = vec![field(&desk, id, "createdAt").await];
    for (index, step) in ["1s", "-24h", "0s", "-1us", "1us"].into_iter().enumerate() {
        desk.clock.advance(step);
        moments.push(updated_at(&desk, &desk.cx(&desk.ada), id, &format!("2026-01-0{}", index + 1)).await);
    }
    let another = desk.post("").await;
    moments.push(field(&desk, another, "createdAt").await);
    assert!(moments.is_sorted_by(|one, next| one < next), "{moments:?}");
    assert!(another > id, "ids increase too");
}

#[tokio::test]
async fn moments_do_not_go_back_with_the_clock_while_the_server_is_down() {
    let desk = Desk::open().await;
    let id = desk.post("").await;
    let before = field(&desk, id, "updatedAt").await;
    let (ada, clock) = (Arc::clone(&desk.ada), desk.clock.clone());
    let files = vec![SourceFile::app("model/desk.graphql", MODEL), SourceFile::app("model/more.graphql", MORE)];
    let Desk { application, section, editor, bob, eve, .. } = desk;
    clock.advance("-24h");
    let application = application.restart(files, backstay_testkit::controlled(&clock, 8));
    let desk = Desk { application, clock, editor, ada, bob, eve, section };
    let after = updated_at(&desk, &desk.cx(&desk.ada), id, "2026-01-01").await;
    assert!(after > before, "{before} then {after}");
    let another = desk.post("").await;
    assert!(another > id, "ids increase too: {id} then {another}");
}

/// `now` is the same in everything that a write asks and gives, on every run of it, and what its records bear.
#[tokio::test]
async fn a_write_has_one_moment() {
    let model = r#"extend schema @app(name: "Talks")
        enum Stage { OPEN @initial @to(state: "DONE", when: "now > this.updatedAt", set: [{field: "done", to: "now"}]) DONE }
        type Talk @allow(read: "true", create: "this.createdAt == now", update: "this.updatedAt < now") {
          at: DateTime! @set(on: CREATE, to: "now") @check(rule: "this.at >= this.createdAt", message: "not before it is there")
          begun: DateTime! @default(from: "now")
          changed: DateTime @set(on: UPDATE, to: "now")
          stage: Stage! done: DateTime
          n: Int @check(rule: "this.updatedAt <= now", message: "not later")
          age: Duration @computed(is: "now - this.createdAt") idle: Duration @computed(is: "now - this.updatedAt")
        }"#;
    let clock = backstay_testkit::TestClock::at("2026-01-31T12:00:00Z");
    let ambient = backstay_testkit::controlled(&clock, 7);
    let application =
        backstay_testkit::TestApplication::open(vec![SourceFile::app("model/talks.graphql", model)], ambient);
    let (client, caller) = (application.client(), Arc::new(backstay_base::Caller::anonymous()));
    let json =
        |body: Option<&bytes::Bytes>| serde_json::from_slice::<serde_json::Value>(body.expect("a body")).expect("JSON");
    // The clock stands still, and moments increase.
    for number in 1..=3 {
        let created = client.written(&caller, client.create("Talk", "{}").expect("a body")).await.expect("a talk");
        let told = json(created.body.as_ref());
        let moment = format!("2026-01-31T12:00:00.{:06}Z", 2 * number - 2);
        for field in ["createdAt", "updatedAt", "at", "begun"] {
            assert_eq!(told[field], moment, "{field}");
        }
        assert_eq!((&told["age"], &told["idle"]), (&"PT0S".into(), &"PT0S".into()));
        let change = client.update("Talk", created.ids[0], r#"{"n":1,"stage":"DONE"}"#).expect("a body");
        let told = json(client.written(&caller, change).await.expect("a change").body.as_ref());
        let moment = format!("2026-01-31T12:00:00.{:06}Z", 2 * number - 1);
        for field in ["updatedAt", "changed", "done"] {
            assert_eq!(told[field], moment, "{field}");
        }
        assert_eq!((&told["age"], &told["idle"]), (&"PT0.000001S".into(), &"PT0S".into()));
    }
    // All requests of a transaction, reads included.
    let filter = "at != createdAt || createdAt > now || now - createdAt > duration('PT0.000006S')";
    let requests = vec![
        client.create("Talk", "{}").expect("a body"),
        client.create("Talk", r#"{"n":1}"#).expect("a body"),
        client.list("Talk", |words| words.filter = Some(filter.into())).expect("a list"),
    ];
    let answers = client.answer_all(&caller, requests, None).await.expect("answers");
    let bodies = answers.iter().flatten().map(|answer| json(answer.body()));
    let bodies: Vec<serde_json::Value> = bodies.collect();
    for (body, field) in [(0, "at"), (1, "createdAt"), (1, "at")] {
        assert_eq!(bodies[body][field], bodies[0]["createdAt"], "{field}");
    }
    assert_eq!(bodies[2]["items"], serde_json::json!([]));
    // An explanation is a run of its own.
    let explained =
        client.explain(&caller, client.create("Talk", "{}").expect("a body")).await.expect("an explanation");
    assert!(explained.allowed, "{explained:?}");
}
