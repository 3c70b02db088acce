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
