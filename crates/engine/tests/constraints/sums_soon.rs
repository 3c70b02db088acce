//! `@computed(is:, stored: SOON)`.

use std::fmt::Write as _;

use crate::sums::fields;
use crate::support::{Served, refused};

const BLOG: &str = r#"
type Post @open @trash {
  title: String!
  views: Int @computed(is: "size(this.visits)", stored: SOON)
  seconds: Int @computed(is: "this.visits.sum(v, v.seconds)", stored: SOON)
  longest: Int @computed(is: "this.visits.max(v, v.seconds)", stored: SOON)
  exact: Int @computed(is: "size(this.visits)", stored: COMMIT)
  visits: [Visit!] @inverse(field: "post")
}
type Visit @open @trash {
  post: Post @onDelete(do: CASCADE)
  seconds: Int!
}"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sums_follow_after_the_commit() {
    for mut on in Served::both(BLOG) {
        let (name, sums) = (on.database, "views,seconds,longest,exact,version");
        assert_eq!(on.create("Post", r#"[{"title":"a"},{"title":"b"}]"#).await, "ok", "{name}");
        assert_eq!(fields(&on, "Post", sums).await, "0 0 null 0 1\n0 0 null 0 1\n", "{name}: new");
        assert_eq!(on.refresh_sums().await, 0, "{name}: nothing is queued");
        let two = r#"[{"post":"%0","seconds":3},{"post":"%0","seconds":4}]"#;
        assert_eq!(on.create("Visit", two).await, "ok", "{name}");
        assert_eq!(fields(&on, "Post", sums).await, "0 0 null 2 1\n0 0 null 0 1\n", "{name}: made");
        let queued = "Post.views 0 1, Post.seconds 0 1, Post.longest 0 1, Post.exact 0 0";
        assert_eq!(on.queued_sums().await, queued, "{name}");
        assert_eq!(on.refresh_sums().await, 1, "{name}");
        assert_eq!(fields(&on, "Post", sums).await, "2 7 4 2 1\n0 0 null 0 1\n", "{name}: refreshed");
        let none = "Post.views 0 0, Post.seconds 0 0, Post.longest 0 0, Post.exact 0 0";
        assert_eq!(on.queued_sums().await, none, "{name}");
        // Moved, changed, trashed and restored before the queue is looked at.
        assert_eq!(on.update("Visit", 2, r#"{"post":"%1"}"#).await, "ok", "{name}");
        assert_eq!(on.update("Visit", 3, r#"{"seconds":9}"#).await, "ok", "{name}");
        assert_eq!(on.delete("Visit", 3).await, "ok", "{name}");
        assert_eq!(on.restore("Visit", 3).await, "ok", "{name}");
        assert_eq!(on.refresh_sums().await, 1, "{name}");
        assert_eq!(fields(&on, "Post", sums).await, "1 9 9 1 1\n1 3 3 1 1\n", "{name}: all of it");
        assert_eq!(on.delete("Visit", 3).await, "ok", "{name}");
        assert_eq!(on.purge("Visit", 3).await, "ok", "{name}");
        assert_eq!(on.refresh_sums().await, 1, "{name}");
        assert_eq!(fields(&on, "Post", sums).await, "0 0 null 0 1\n1 3 3 1 1\n", "{name}: purged");
        assert_eq!(on.queued_sums().await, none, "{name}");
    }
}

/// The queue keeps keys of every form.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sums_of_records_with_other_keys_follow() {
    for (key, id) in [("INT, given: true", "7"), ("TEXT", r#""é-7""#)] {
        let model = format!(
            r#"
type Post @open @key(type: {key}) {{
  views: Int @computed(is: "size(this.visits)", stored: SOON)
  visits: [Visit!] @inverse(field: "post")
}}
type Visit @open {{ post: Post! }}"#
        );
        for mut on in Served::both(&model) {
            let name = on.database;
            assert_eq!(on.create("Post", &format!(r#"{{"id":{id}}}"#)).await, "ok", "{name}: {key}");
            assert_eq!(on.create("Visit", &format!(r#"{{"post":{id}}}"#)).await, "ok", "{name}: {key}");
            assert_eq!(on.refresh_sums().await, 1, "{name}: {key}");
            assert_eq!(fields(&on, "Post", "views").await, "1\n", "{name}: {key}");
        }
    }
}

/// What changes nothing in a sum queues nothing, and a record that goes takes its sums along.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_what_has_to_follow_is_queued() {
    for mut on in Served::both(BLOG) {
        let name = on.database;
        assert_eq!(on.create("Post", r#"{"title":"a"}"#).await, "ok", "{name}");
        assert_eq!(on.create("Visit", r#"[{"post":"%0","seconds":3},{"seconds":1}]"#).await, "ok", "{name}");
        assert_eq!(on.refresh_sums().await, 1, "{name}");
        assert_eq!(on.update("Post", 0, r#"{"title":"b"}"#).await, "ok", "{name}");
        assert_eq!(on.update("Visit", 2, r#"{"seconds":2}"#).await, "ok", "{name}");
        assert_eq!(on.refresh_sums().await, 0, "{name}: neither the record itself nor a member of none");
        assert_eq!(on.update("Visit", 1, r#"{"seconds":5}"#).await, "ok", "{name}");
        assert_eq!(on.delete("Post", 0).await, "ok", "{name}");
        assert_eq!(on.purge("Post", 0).await, "ok", "{name}");
        assert_eq!(on.refresh_sums().await, 1, "{name}: it is only removed from the queue");
        assert_eq!(on.refresh_sums().await, 0, "{name}");
    }
}

/// More records than a request may change at once, and than one commit refreshes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wide_change_is_refreshed_in_parts() {
    for mut on in Served::both(BLOG.replace(", stored: COMMIT", "").as_str()) {
        let name = on.database;
        for _ in 0..2 {
            let posts: Vec<String> = (0..510).map(|number| format!(r#"{{"title":"{number}"}}"#)).collect();
            assert_eq!(on.create("Post", &format!("[{}]", posts.join(","))).await, "ok", "{name}");
        }
        let visits = |from: usize, to: usize| {
            let visits = (from..to).map(|post| format!(r#"{{"post":"{}","seconds":1}}"#, on.id(post)));
            on.creating("Visit", &format!("[{}]", visits.collect::<Vec<_>>().join(",")))
        };
        let visits = vec![visits(0, 600), visits(600, 1020)];
        assert_eq!(on.together(visits).await, "ok", "{name}");
        assert_eq!(on.queued_sums().await, "Post.views 0 1020, Post.seconds 0 1020, Post.longest 0 1020", "{name}");
        assert_eq!(on.refresh_sums().await, 31, "{name}: 3 sums of 1,020 records, 100 in a commit");
        assert_eq!(on.queued_sums().await, "Post.views 0 0, Post.seconds 0 0, Post.longest 0 0", "{name}");
        assert!(fields(&on, "Post", "views,seconds,longest").await.starts_with("1 1 1\n1 1 1\n"), "{name}");
    }
}

/// What takes long is computed by reads, and little of it is computed for one commit: of eight sums over long texts, four
/// reach the bound.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sums_that_take_long_are_written_a_few_at_a_time() {
    let compared: Vec<String> = (0..10).map(|number| format!("lower(v.text) == 'y{number}'")).collect();
    let model = format!(
        r#"
type Page @open {{
  odd: Int @computed(is: "this.visits.count(v, !({}))", stored: SOON)
  visits: [Visit!] @inverse(field: "page")
}}
type Visit @open {{ page: Page!, text: Text! }}"#,
        compared.join(" || ")
    );
    let mut on = Served::sqlite(&model);
    let pages = ["{}"; 8].join(",");
    assert_eq!(on.create("Page", &format!("[{pages}]")).await, "ok");
    // Ten times 64 KiB, of which a byte is charged as 32, because the letters change: 1,280 thousand steps for each visit.
    let text = "Ä".repeat(32 * 1024);
    for page in 0..8 {
        let visit = format!(r#"{{"page":"%{page}","text":"{text}"}}"#);
        assert_eq!(on.create("Visit", &format!("[{visit},{visit}]")).await, "ok");
    }
    assert_eq!(on.refresh_sums().await, 2);
    assert_eq!(on.queued_sums().await, "Page.odd 0 0");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sums_of_sums_follow_one_after_the_other() {
    let model = r#"
type Site @open {
  views: Int @computed(is: "this.posts.sum(p, p.views)", stored: SOON)
  exact: Int @computed(is: "this.posts.sum(p, p.exact)", stored: SOON)
  posts: [Post!] @inverse(field: "site")
}
type Post @open {
  site: Site!
  views: Int @computed(is: "size(this.visits)", stored: SOON)
  exact: Int @computed(is: "size(this.visits)", stored: COMMIT)
  visits: [Visit!] @inverse(field: "post")
}
type Visit @open { post: Post! }"#;
    for mut on in Served::both(model) {
        let name = on.database;
        assert_eq!(on.create("Site", "{}").await, "ok", "{name}");
        assert_eq!(on.create("Post", r#"[{"site":"%0"},{"site":"%0"}]"#).await, "ok", "{name}");
        assert_eq!(on.refresh_sums().await, 1, "{name}");
        assert_eq!(on.create("Visit", r#"[{"post":"%1"},{"post":"%2"},{"post":"%2"}]"#).await, "ok", "{name}");
        assert_eq!(fields(&on, "Post", "views,exact").await, "0 1\n0 2\n", "{name}");
        assert_eq!(on.refresh_sums().await, 2, "{name}");
        assert_eq!(fields(&on, "Post", "views,exact").await, "1 1\n2 2\n", "{name}");
        assert_eq!(fields(&on, "Site", "views,exact").await, "3 3\n", "{name}");
        assert_eq!(on.differing_sums().await, Vec::<String>::new(), "{name}");
    }
}

/// Nobody is there to be refused.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sum_that_its_field_cannot_hold_is_unknown() {
    let model = r#"
type Account @open {
  total: Decimal @precision(digits: 5, scale: 2) @computed(is: "this.items.sum(i, i.n)", stored: SOON)
  items: [Item!] @inverse(field: "account")
}
type Item @open { account: Account!, n: Decimal! @precision(digits: 5, scale: 2) }"#;
    for mut on in Served::both(model) {
        let name = on.database;
        assert_eq!(on.create("Account", "{}").await, "ok", "{name}");
        let two = r#"[{"account":"%0","n":"999.99"},{"account":"%0","n":"0.01"}]"#;
        assert_eq!(on.create("Item", two).await, "ok", "{name}");
        assert_eq!(on.refresh_sums().await, 1, "{name}");
        assert_eq!(fields(&on, "Account", "total").await, "null\n", "{name}");
        assert_eq!(on.queued_sums().await, "Account.total 0 0", "{name}");
        assert_eq!(on.delete("Item", 2).await, "ok", "{name}");
        assert_eq!(on.refresh_sums().await, 1, "{name}");
        assert_eq!(fields(&on, "Account", "total").await, "\"999.99\"\n", "{name}");
    }
}

/// Whoever queues a sum and whoever refreshes it don't wait for each other, and no change is lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_change_is_lost_while_sums_are_refreshed() {
    for mut on in Served::both(BLOG) {
        let name = on.database;
        assert_eq!(on.create("Post", r#"{"title":"a"}"#).await, "ok", "{name}");
        for _ in 0..5 {
            let visits = (0..20).map(|_| r#"{"post":"%0","seconds":1}"#.to_owned());
            let visits = visits.map(|visit| visit.replace("%0", &on.id(0).to_string())).collect();
            let refreshing = on.refreshing();
            assert_eq!(on.create_at_once("Visit", visits).await, vec!["ok"; 20], "{name}");
            refreshing.await.expect("it doesn't panic");
        }
        on.refresh_sums().await;
        assert_eq!(fields(&on, "Post", "views,seconds,exact").await, "100 100 100\n", "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_queued_is_there_after_a_restart_and_another_model() {
    for mut on in Served::both(BLOG) {
        let name = on.database;
        assert_eq!(on.create("Post", r#"{"title":"a"}"#).await, "ok", "{name}");
        assert_eq!(on.create("Visit", r#"{"post":"%0","seconds":3}"#).await, "ok", "{name}");
        on.serve(BLOG);
        assert_eq!(fields(&on, "Post", "views,seconds,longest").await, "0 0 null\n", "{name}");
        // One is exact from now on, one is computed when it is read, one has another name.
        let next = BLOG
            .replace(r#"size(this.visits)", stored: SOON"#, r#"size(this.visits)", stored: COMMIT"#)
            .replace(
                r#"v.seconds)", stored: SOON)
  longest"#,
                r#"v.seconds)")
  most"#,
            )
            .replace("most: Int", "most: Int @renamed(from: \"longest\")");
        on.serve(&next);
        assert_eq!(fields(&on, "Post", "views,seconds,most,exact").await, "1 3 null 1\n", "{name}");
        assert_eq!(on.refresh_sums().await, 1, "{name}");
        assert_eq!(fields(&on, "Post", "views,seconds,most,exact").await, "1 3 3 1\n", "{name}");
        assert_eq!(on.refresh_sums().await, 0, "{name}: the others aren't in the queue any more");
    }
}

#[test]
fn nothing_that_decides_reads_a_sum_that_follows_later() {
    let model = |of_post: &str, sum: &str, of_visit: &str| {
        format!(
            r#"
type Site @open {{ all: Int @computed(is: "this.posts.sum(p, p.views)", stored: {sum}) posts: [Post!] @inverse(field: "site") }}
type Post {of_post} {{ site: Site, views: Int @computed(is: "size(this.visits)", stored: SOON) twice: Int @computed(is: "2 * this.views") visits: [Visit!] @inverse(field: "post") }}
type Visit {of_visit} {{ post: Post }}"#
        )
    };
    let mut all = String::new();
    for (of_post, sum, of_visit) in [
        (r#"@open @check(rule: "this.views < 10", message: "too many")"#, "SOON", "@open"),
        (r#"@open @check(rule: "this.twice < 10", message: "too many", on: COMMIT)"#, "SOON", "@open"),
        (r#"@allow(read: "this.views > 3")"#, "SOON", "@open"),
        ("@open", "SOON", r#"@allow(read: "true", create: "this.post.views < 3")"#),
        (r#"@open @unique(fields: ["site"], where: "this.views > 1")"#, "SOON", "@open"),
        ("@open", "COMMIT", "@open"),
    ] {
        writeln!(all, "{of_post} {sum} {of_visit}\n{}", refused(&model(of_post, sum, of_visit))).expect("written");
    }
    insta::assert_snapshot!(all);
    assert_eq!(refused(&model("@open", "SOON", "@open")), "");
}
