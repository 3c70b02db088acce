//! `@slug` comes, goes and changes.

use super::changed::Place;
use super::{Change, check};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stored_records_get_slugs() {
    check(
        "stored_records_get_slugs",
        Change {
            old: "type Blog @open { name: String! } type Post @open { title: String n: Int blog: Blog }",
            records: &[
                ("Blog", r#"{"name":"Zoë"}"#),
                ("Blog", r#"{"name":"zoe"}"#),
                ("Post", r#"{"title":"Hello","n":1,"blog":"%0"}"#),
                ("Post", r#"{"title":"Hello","n":2,"blog":"%1"}"#),
                ("Post", r#"{"title":"hello!","n":3,"blog":"%0"}"#),
                ("Post", r#"{"title":"Hello 2","n":4,"blog":"%0"}"#),
                ("Post", r#"{"title":"Hello","n":5}"#),
                ("Post", r#"{"title":"Hello","n":6}"#),
            ],
            new: r#"
type Blog @open { name: String! slug: String! @unique @slug(from: "name") }
type Article @open @renamed(from: "Post") @unique(fields: ["site", "slug"]) {
  heading: String @renamed(from: "title")
  n: Int
  site: Blog @renamed(from: "blog")
  slug: String! @slug(from: "heading")
  second: String @slug(from: "heading") @unique
}"#,
            then: &[("Blog", "slug"), ("Article", "n,slug,second,heading")],
        },
    )
    .await;
}

/// Those that there are stay, and are not made a second time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slug_becomes_required() {
    check(
        "a_slug_becomes_required",
        Change {
            old: "type Post @open { title: String! slug: String @unique }",
            records: &[
                ("Post", r#"{"title":"Hello"}"#),
                ("Post", r#"{"title":"x","slug":"hello"}"#),
                ("Post", r#"{"title":"Hello"}"#),
                ("Post", r#"{"title":"y","slug":"Not a slug"}"#),
            ],
            new: r#"type Post @open { title: String! slug: String! @unique @slug(from: "title") }"#,
            then: &[("Post", "title,slug")],
        },
    )
    .await;
}

/// What stored records hold doesn't depend on it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slug_is_made_from_another_field() {
    check(
        "a_slug_is_made_from_another_field",
        Change {
            old: r#"type Post @open { title: String! name: String slug: String! @slug(from: "title") other: String @slug(from: "title") third: String @slug(from: "title") fourth: String }"#,
            records: &[("Post", r#"{"title":"Hello","name":"Other"}"#)],
            new: r#"type Post @open { heading: String! @renamed(from: "title") name: String slug: String! @slug(from: "heading") other: String @slug(from: "name") third: String fourth: String @slug(from: "name") }"#,
            then: &[("Post", "slug,other,third,fourth")],
        },
    )
    .await;
}

/// A `@backfill` says something else; and a slug can be made from what it gives another field.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slugs_and_backfills() {
    check(
        "slugs_and_backfills",
        Change {
            old: "type Post @open { title: String! code: Int! }",
            records: &[("Post", r#"{"title":"Hello","code":7}"#), ("Post", r#"{"title":"!","code":8}"#)],
            new: r#"
type Post @open {
  title: String!
  slug: String! @slug(from: "title") @backfill(from: "this.title")
  code: String!
  ofCode: String! @slug(from: "code") @unique
  name: String! @backfill(from: "this.title")
  ofName: String @slug(from: "name") @length(max: 20)
  late: String
  ofLate: String @slug(from: "title") @backfill(from: "null")
}"#,
            then: &[("Post", "slug,ofCode,late,ofLate")],
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thousands_of_records_get_slugs() {
    let old = "type Post @open { title: String! }";
    let new = r#"type Post @open { title: String! slug: String! @unique @slug(from: "title") }"#;
    for mut place in Place::both() {
        place.apply(old, false).expect("a database");
        for _ in 0..5 {
            let body = format!("[{}]", vec![r#"{"title":"Hello"}"#; 500].join(","));
            place.create(old, &[("Post", &body)]).await;
        }
        let steps = place.apply(new, false).expect("nothing is in the way");
        assert!(steps.iter().any(|step| step.records == Some(2500)), "{}", place.name());
        place.create(new, &[("Post", r#"{"title":"Hello 2500!"}"#)]).await;
        let slugs = place.records(new, ("Post", "slug")).await;
        assert!(slugs.contains("hello-20"), "{}: {slugs}", place.name());
    }
}
