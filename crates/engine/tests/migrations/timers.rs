//! `@at` comes and goes.

use super::{Change, check};

const STATES: &str = r#"enum State { HELD @initial @to(state: "FREE") FREE }"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_timer_comes_and_another_goes() {
    check(
        "a_timer_comes_and_another_goes",
        Change {
            old: &format!("{STATES} type A @open @at(field: \"until\", do: DELETE) {{ state: State! until: DateTime }}"),
            records: &[("A", r#"{"until":"2026-01-31T12:00:00Z"}"#)],
            new: &format!(
                r#"{STATES} type B @open @renamed(from: "A") {{ state: State! @at(field: "end", to: "FREE") end: DateTime @renamed(from: "until") }}"#
            ),
            then: &[("B", "state,end")],
        },
    )
    .await;
}

/// The index is the same whatever the field is called, and so is what happens.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_timer_follows_a_rename() {
    check(
        "a_timer_follows_a_rename",
        Change {
            old: &format!(r#"{STATES} type A @open {{ state: State! @at(field: "until", to: "FREE") until: DateTime }}"#),
            records: &[("A", r#"{"until":"2026-01-31T12:00:00Z"}"#)],
            new: &format!(
                r#"{STATES} type A @open {{ state: State! @at(field: "end", to: "FREE") end: DateTime @renamed(from: "until") }}"#
            ),
            then: &[("A", "state,end")],
        },
    )
    .await;
}
