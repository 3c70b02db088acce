//! `@exclude` comes, goes and changes.

use super::obstacles::refused;
use super::{Change, check};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_exclusion_comes_and_another_goes() {
    check(
        "an_exclusion_comes_and_another_goes",
        Change {
            old: r#"
type A @open @exclude(fields: "kind", from: "low", to: "high", where: "this.live") @exclude(from: "low", to: "last") {
  kind: String! low: Int! high: Int last: Int live: Boolean!
}"#,
            records: &[
                ("A", r#"{"kind":"x","low":1,"high":3,"last":3,"live":true}"#),
                ("A", r#"{"kind":"x","low":3,"last":9,"live":true}"#),
            ],
            new: r#"
type B @open @renamed(from: "A")
  @exclude(fields: "sort", from: "first", to: "high", where: "this.live")
  @exclude(fields: ["sort", "live"], from: "first", to: "high") {
  sort: String! @renamed(from: "kind") first: Int! @renamed(from: "low") high: Int last: Int live: Boolean!
}"#,
            then: &[("B", "sort,first,high")],
        },
    )
    .await;
}

/// Those that overlap an earlier one are counted and named, and those that end before they begin.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stored_ranges_overlap() {
    let old = "type A @open @trash { kind: String low: Int high: Int open: Boolean! }";
    let records = [
        ("A", r#"{"kind":"x","low":1,"high":10,"open":true}"#),
        ("A", r#"{"kind":"x","low":2,"high":3,"open":true}"#),
        ("A", r#"{"kind":"x","low":9,"high":11,"open":true}"#),
        ("A", r#"{"kind":"x","low":11,"open":true}"#),
        ("A", r#"{"kind":"x","low":20,"high":30,"open":true}"#),
        ("A", r#"{"kind":"x","low":20,"high":30,"open":false}"#),
        ("A", r#"{"kind":"y","low":2,"high":2,"open":true}"#),
        ("A", r#"{"low":1,"high":10,"open":true}"#),
        ("A", r#"{"low":1,"high":10,"open":true}"#),
    ];
    let remedy = "change or delete those records first";
    let backwards = format!("in 1 record of A, high isn't after low: %6; {remedy}");
    refused(
        old,
        &records,
        r#"type A @open @trash @exclude(fields: "kind", from: "low", to: "high", where: "this.open") { kind: String low: Int high: Int open: Boolean! }"#,
        &[&backwards, &format!("3 records of A overlap an earlier one with the same kind: %1, %2, %4; {remedy}")],
    )
    .await;
    refused(
        old,
        &records[..2],
        r#"type A @open @exclude(from: "low", to: "high") { kind: String low: Int high: Int open: Boolean! }"#,
        &[&format!("1 record of A overlaps an earlier one: %1; {remedy}")],
    )
    .await;
    // What a migration gives records can be the end of a range.
    refused(
        r#"type A @open @exclude(from: "low", to: "high") { low: Int! high: Int }"#,
        &[("A", r#"{"low":5}"#)],
        r#"type A @open @exclude(from: "low", to: "high") { low: Int! high: Int! @default(to: 0) }"#,
        &[&format!("in 1 record of A, high isn't after low: %0; {remedy}")],
    )
    .await;
}

/// A migration can bring stored ranges under the condition.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn values_that_only_the_condition_names() {
    let model = |kinds: &str, on: &str, condition: &str| {
        format!(
            "{kinds} type A @open @exclude(fields: \"r\", from: \"x\", to: \"y\", where: \"{condition}\") \
             {{ r: String x: Int y: Int on: {on} }}"
        )
    };
    let overlap = "1 record of A overlaps an earlier one with the same r: %1; change or delete those records first";
    let (one, other) = (("A", r#"{"r":"q","x":1,"y":5}"#), ("A", r#"{"r":"q","x":3,"y":7}"#));
    let old = model("", "Boolean", "this.on");
    for on in ["Boolean! @default(to: true)", "Boolean! @backfill(from: \"true\")"] {
        refused(&old, &[one, other], &model("", on, "this.on"), &[overlap]).await;
    }
    refused(&old, &[one, other], &model("", "Boolean! @default(to: false)", "this.on"), &[]).await;
    let (one, other) = (("A", r#"{"r":"q","x":1,"y":5,"on":"A"}"#), ("A", r#"{"r":"q","x":3,"y":7,"on":"B"}"#));
    let old = model("enum E { A B }", "E", "this.on == 'B'");
    refused(&old, &[one, other], &model("enum E { B @renamed(from: \"A\") }", "E", "this.on == 'B'"), &[overlap]).await;
}
