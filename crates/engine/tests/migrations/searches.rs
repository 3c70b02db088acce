//! `@search` comes, goes and follows what its fields are called.

use super::{Change, check};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_field_can_be_searched() {
    check(
        "a_field_can_be_searched",
        Change {
            old: "type Post @open { title: String! body: Text }",
            records: &[("Post", r#"{"title":"One","body":"Zürich"}"#)],
            new: "type Post @open { title: String! @search(weight: 3) body: Text @search }",
            then: &[("Post", "title")],
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_fields_of_a_search_are_renamed() {
    check(
        "the_fields_of_a_search_are_renamed",
        Change {
            old: "type A @open { x: String @search } type B @open { y: String @search }",
            records: &[("A", r#"{"x":"one"}"#), ("B", r#"{"y":"two"}"#)],
            new: r#"
type B @open @renamed(from: "A") { z: String @search(weight: 2) @renamed(from: "x") }
type A @open @renamed(from: "B") { y: String @search }"#,
            then: &[("A", "y"), ("B", "z")],
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_language_of_a_search_changes() {
    check(
        "the_language_of_a_search_changes",
        Change {
            old: "type A @open { x: String @search y: String @search } type B @open { z: String @search(language: \"de\") }",
            records: &[("A", r#"{"x":"running","y":"cities"}"#), ("B", r#"{"z":"Häuser"}"#)],
            new: "type A @open { x: String @search(language: \"en\") y: String @search } type B @open { z: String @search(language: \"de\", weight: 2) }",
            then: &[("A", "x,y"), ("B", "z")],
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_search_goes_or_looks_at_other_values() {
    check(
        "a_search_goes_or_looks_at_other_values",
        Change {
            old: "type A @open { x: String @search } type B @open { n: Int y: String @search } type C @open { z: String @search }",
            records: &[("A", r#"{"x":"one"}"#), ("B", r#"{"n":7}"#)],
            new: r#"type A @open { x: String } type B @open { n: String @search y: String! @search @default(to: "none") }"#,
            then: &[("A", "x"), ("B", "n,y")],
        },
    )
    .await;
}
