//! `@slug(from:)`.

use crate::support::{Served, documented, refused};

/// The slug of the newest record.
async fn newest(on: &Served, of: &str) -> String {
    let slug = on.newest(of, "slug").await;
    slug.as_str().map_or_else(|| slug.to_string(), str::to_owned)
}

/// Creates a record with this body; its slug, or what was wrong.
async fn made(on: &mut Served, of: &str, body: &str) -> String {
    match on.create(of, body).await.as_str() {
        "ok" => newest(on, of).await,
        refusal => refusal.to_owned(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_taken_slug_gets_a_number() {
    for mut on in Served::both(documented("### Slugs")) {
        let name = on.database;
        for (body, expected) in [
            (r#"{"name":"Zoë's Blog"}"#, "zoes-blog"),
            (r#"{"name":"Zoës blog!"}"#, "zoes-blog-2"),
            (r#"{"name":"zoes blog 2"}"#, "zoes-blog-2-2"),
            (r#"{"name":"ZOES BLOG"}"#, "zoes-blog-3"),
            (r#"{"name":"Other","slug":"zoes-blog-5"}"#, "zoes-blog-5"),
            (r#"{"name":"zoes blog"}"#, "zoes-blog-4"),
            (r#"{"name":"zoes blog"}"#, "zoes-blog-6"),
            (r#"{"name":"Other","slug":"zoes-blog"}"#, "not-unique: Blog slug"),
            (r#"{"name":"Other","slug":null}"#, "invalid-values: /slug Required"),
        ] {
            assert_eq!(made(&mut on, "Blog", body).await, expected, "{name} {body}");
        }
        // The other fields of the index decide what is compared.
        let article = |blog: usize, title: &str| format!(r#"{{"blog":"%{blog}","title":"{title}"}}"#);
        for (body, expected) in [(article(0, "A B"), "a-b"), (article(1, "A B"), "a-b"), (article(0, "a b"), "a-b-2")] {
            assert_eq!(made(&mut on, "Article", &body).await, expected, "{name} {body}");
        }
        // It stays as it is when the title changes.
        assert_eq!(
            on.update("Article", 9, r#"{"title":"Another","slug":"a-b"}"#).await,
            "not-unique: Article blog, slug"
        );
        assert_eq!(on.update("Article", 9, r#"{"title":"Another"}"#).await, "ok");
        assert_eq!(newest(&on, "Article").await, "a-b-2");
        assert_eq!(on.update("Article", 9, r#"{"slug":"another"}"#).await, "ok");
        assert_eq!(newest(&on, "Article").await, "another");
        // Several in one request know of each other.
        let several = format!("[{},{},{}]", article(1, "A B"), article(1, "c"), article(1, "A B"));
        assert_eq!(on.create("Article", &several).await, "ok");
        let slugs = on.list("Article", "slug", Some("blog.slug == 'zoes-blog-2'")).await;
        assert_eq!(slugs, r#"[{"slug":"a-b"},{"slug":"a-b-2"},{"slug":"c"},{"slug":"a-b-3"}]"#, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_sent_is_a_slug() {
    let model = r#"type A @open { title: String! slug: String @slug(from: "title") }"#;
    for mut on in Served::both(model) {
        let range = |example: &str| {
            format!(
                "invalid-values: /slug Range(\"must be words of a-z and 0-9 with hyphens between, such as `{example}`\")"
            )
        };
        for (slug, meant) in
            [("Hello World", "hello-world"), ("a--b", "a-b"), ("", "my-first-post"), ("a_b", "a-b"), ("é", "e")]
        {
            let body = format!(r#"{{"title":"x","slug":"{slug}"}}"#);
            assert_eq!(made(&mut on, "A", &body).await, range(meant), "{} {slug}", on.database);
        }
        // Without an index, nothing is compared; and null is a value.
        for (body, expected) in [
            (r#"{"title":"X"}"#, "x"),
            (r#"{"title":"X"}"#, "x"),
            (r#"{"title":"X","slug":"y"}"#, "y"),
            (r#"{"title":"X","slug":null}"#, "null"),
        ] {
            assert_eq!(made(&mut on, "A", body).await, expected, "{} {body}", on.database);
        }
        assert_eq!(on.update("A", 0, r#"{"slug":"No"}"#).await, range("no"));
        assert_eq!(on.update("A", 0, r#"{"slug":null}"#).await, "ok");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn long_and_empty_titles() {
    let model = r#"type A @open { title: Text slug: String! @unique @readonly @slug(from: "title") @length(max: 20) }"#;
    for mut on in Served::both(model) {
        for (body, expected) in [
            (r#"{"title":"one two three four five"}"#, "one-two-three-four"),
            (r#"{"title":"one two three fourteen"}"#, "one-two-three"),
            (r#"{"title":"one two three four"}"#, "one-two-2"),
            (r#"{"title":"onetwothreefourfivesix"}"#, "onetwothreefourfives"),
            (r#"{"title":"onetwothreefourfivesix"}"#, "onetwothree-2"),
            (r#"{"title":"x","slug":"y"}"#, "invalid-values: /slug ReadOnly(\"this field is read-only\")"),
        ] {
            assert_eq!(made(&mut on, "A", body).await, expected, "{} {body}", on.database);
        }
        for body in [r#"{"title":"!?"}"#, "{}"] {
            let slug = made(&mut on, "A", body).await;
            assert!(slug.len() == 8 && slug.bytes().all(|byte| byte.is_ascii_hexdigit()), "{} {slug}", on.database);
            let id = on.newest("A", "id").await;
            assert!(id.as_str().is_some_and(|id| id.ends_with(&slug)), "{} {id}", on.database);
        }
    }
}

/// A number tells no more than a conflict: what the index doesn't compare doesn't count.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_records_that_are_compared_count() {
    let model = r#"
type A @open @trash @unique(fields: ["site", "slug"], where: "this.live") @unique(fields: ["slug", "code"], nulls: SAME) {
  title: String!
  slug: String! @slug(from: "title")
  site: Int
  live: Boolean! @default(to: true)
  code: Int
}"#;
    for mut on in Served::both(model) {
        let body = |rest: &str| format!(r#"{{"title":"x"{rest}}}"#);
        for (rest, expected) in [
            (r#","site":1,"live":false,"code":1"#, "x"),
            // A draft takes nothing from those that are live.
            (r#","site":1,"code":2"#, "x"),
            (r#","site":1,"code":3"#, "x-2"),
            // A null in it: no record is compared by the first index.
            (r#","code":4"#, "x"),
            (r#","code":4"#, "x-2"),
            // Null is a value of the second one.
            ("", "x"),
            ("", "x-2"),
            // Both indexes count.
            (r#","site":1,"code":4"#, "x-3"),
        ] {
            assert_eq!(made(&mut on, "A", &body(rest)).await, expected, "{} {rest}", on.database);
        }
        // What is in the trash has left its slug to others.
        assert_eq!(on.delete("A", 1).await, "ok");
        assert_eq!(made(&mut on, "A", &body(r#","site":1,"code":5"#)).await, "x", "{}", on.database);
    }
}

/// Those that are created at the same time end with different slugs.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn races_end_with_different_slugs() {
    let model = r#"type A @open { title: String! slug: String! @unique @slug(from: "title") n: Int @unique }"#;
    for mut on in Served::both(model) {
        let bodies: Vec<String> = (0..24).map(|_| r#"{"title":"Hello"}"#.to_owned()).collect();
        let answers = on.create_at_once("A", bodies).await;
        assert!(answers.iter().all(|answer| answer == "ok"), "{}: {answers:?}", on.database);
        let slugs: Vec<serde_json::Value> = serde_json::from_str(&on.list("A", "slug", None).await).expect("JSON");
        assert!(slugs.iter().any(|of| of["slug"] == "hello"), "{}: {slugs:?}", on.database);
        // A conflict in another field is one.
        let bodies: Vec<String> = (0..4).map(|_| r#"{"title":"Other","n":1}"#.to_owned()).collect();
        let mut answers = on.create_at_once("A", bodies).await;
        answers.sort_unstable();
        let refused = "not-unique: A n";
        assert_eq!(answers, [refused, refused, refused, "ok"], "{}", on.database);
        // One that is sent beside one that is made, too.
        let both = r#"[{"title":"Both"},{"title":"x","slug":"both"}]"#;
        assert_eq!(on.create("A", both).await, "not-unique: A slug (record 1)", "{}", on.database);
    }
}

/// However many have a slug, one range of the index is read, up to a limit.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn beyond_a_thousand_the_ending_is_random() {
    let model = r#"type A @open { title: String! slug: String! @unique @slug(from: "title") }"#;
    let mut on = Served::sqlite(model);
    let hello = r#"{"title":"Hello"}"#;
    for count in [500, 499] {
        assert_eq!(on.create("A", &format!("[{}]", vec![hello; count].join(","))).await, "ok");
    }
    assert_eq!(newest(&on, "A").await, "hello-999");
    assert_eq!(made(&mut on, "A", hello).await, "hello-1000");
    let slug = made(&mut on, "A", hello).await;
    let id = on.newest("A", "id").await;
    let ending = slug.strip_prefix("hello-").expect("an ending");
    assert!(ending.len() == 8 && id.as_str().is_some_and(|id| id.ends_with(ending)), "{slug} {id}");
}

#[test]
fn what_is_given_before_can_not_read_a_slug() {
    let check = |field: &str, message: &str| {
        let model = format!(
            r#"type A @open {{ title: String! slug: String! @slug(from: "title") other: String {field} flag: Boolean }}"#
        );
        let refused = refused(&model);
        assert!(refused.contains(message) && refused.is_empty() == message.is_empty(), "{field}: {refused}");
    };
    check(r#"@default(from: "this.slug")"#, "`other` gets its value before `slug` is made");
    check(r#"@set(on: CREATE, to: "this.slug")"#, "`other` gets its value before `slug` is made");
    check(r#"@set(on: WRITE, when: "this.slug == 'x'", to: "this.title")"#, "before `slug` is made");
    check(r#"@set(on: UPDATE, to: "this.slug")"#, "");
    check(r#"@computed(is: "this.slug")"#, "");
}
