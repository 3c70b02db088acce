//! Deletions that are too much for one commit: alone, they take several; with others, they say what goes with the record, as far as
//! the caller sees it.

use backstay_base::{Caller, RecordId};
use backstay_engine::{Counting, MatchingAct, Request};

use crate::support::Served;

fn clerk() -> Caller {
    Caller::account(RecordId::from_bytes([1; 16]), ["CLERK"])
}

/// Creates so many records of a type, all alike.
async fn create(on: &mut Served, of: &str, body: &str, records: usize) {
    for begin in (0..records).step_by(1000) {
        let many = vec![body; (records - begin).min(1000)].join(",");
        assert_eq!(on.done(on.creating(of, &format!("[{many}]"))).await, "ok", "{of}");
    }
}

const OUT_OF_TIME: &str = "timeout: deleting all that goes with the record takes longer than one request may; send the request \
                           again to go on";

/// Deletes, again and again if that takes longer than one request may; what was answered at last.
async fn done(on: &Served, request: impl Fn(&Served) -> Request) -> String {
    loop {
        let answer = on.done(request(on)).await;
        if answer != OUT_OF_TIME {
            return answer;
        }
    }
}

async fn delete(on: &Served, of: &str, number: usize) -> String {
    done(on, |on| on.deleting(of, number)).await
}

/// How many records there are of some types.
async fn counts(on: &Served, of: &[&str]) -> Vec<(String, u64)> {
    let mut counts = Vec::new();
    for name in of {
        let page = on.page(name, |words| (words.limit, words.count) = (Some(1), Counting::Exact)).await;
        counts.push(((*name).to_owned(), page["count"]["value"].as_u64().expect("a count")));
    }
    counts
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_learns_what_to_delete_first_but_nothing_that_is_hidden() {
    let model = r#"
        enum Role @roles { CLERK }
        type Folder @open { name: String }
        type Note @open { folder: Folder }
        type Secret @allow(create: "true", read: "'CLERK' in auth.roles") { folder: Folder! @onDelete(do: CASCADE) }
        type Part @open { folder: Folder! @onDelete(do: CASCADE) }
        type Below @open { secret: Secret! @onDelete(do: CASCADE) }
        type Item @open { part: Part! @onDelete(do: CASCADE) }
    "#;
    let mut on = Served::sqlite(model);
    on.ask_as(clerk());
    assert_eq!(on.create("Folder", "{}").await, "ok");
    for (of, body) in [
        ("Note", r#"[{"folder":"%0"},{"folder":"%0"}]"#),
        ("Secret", r#"{"folder":"%0"}"#),
        ("Part", r#"{"folder":"%0"}"#),
        ("Below", r#"[{"secret":"%3"},{"secret":"%3"},{"secret":"%3"}]"#),
    ] {
        assert_eq!(on.create(of, body).await, "ok", "{of}");
    }
    create(&mut on, "Item", r#"{"part":"%4"}"#, 10_001).await;
    let refused = "Some(0) too-large: more than 10000 other records would be deleted or changed with the record: ";
    let remedy = "; delete the record by a request of its own, which takes as many commits as it needs";
    let all = "10001 Item, 3 Below, 1 Secret, 1 Part would be deleted, 2 Note changed";
    assert_eq!(on.together(vec![on.deleting("Folder", 0)]).await, format!("{refused}{all}{remedy}"));
    // What goes because of a hidden record is not told either: it would tell of that.
    on.ask_as(Caller::anonymous());
    let seen = "10001 Item, 1 Part would be deleted, 2 Note changed";
    assert_eq!(on.together(vec![on.deleting("Folder", 0)]).await, format!("{refused}{seen}{remedy}"));
    assert_eq!(delete(&on, "Folder", 0).await, "ok");
    on.ask_as(clerk());
    let gone = ["Folder", "Secret", "Part", "Below", "Item"].map(|of| (of.to_owned(), 0));
    assert_eq!(counts(&on, &["Folder", "Secret", "Part", "Below", "Item"]).await, gone);
    assert_eq!(on.list("Note", "folder", None).await, r#"[{"folder":null},{"folder":null}]"#);
}

const BLOG: &str = r#"
    enum Role @roles { CLERK }
    type Author @open { name: String, comments: [Comment!] @inverse(field: "author"), written: Int @computed(is: "this.comments.count(c, true)", stored: COMMIT) }
    type Post @open { title: String, first: Comment @onDelete(do: CASCADE) }
    type Comment @history(read: "true")
      @allow(create: "true", update: "true", delete: "'CLERK' in auth.roles", read: "'CLERK' in auth.roles") {
      post: Post! @onDelete(do: CASCADE)
      author: Author @onDelete(do: SET_NULL)
      answers: Comment @onDelete(do: CASCADE)
    }
    type Like @open { comment: Comment! @onDelete(do: CASCADE) }
    type Bookmark @open { post: Post @onDelete(do: SET_NULL) }
    type Invoice @open { post: Post @onDelete(do: CASCADE) }
    type Payment @open { invoice: Invoice! @onDelete(do: RESTRICT), post: Post @onDelete(do: CASCADE) }
"#;

/// A post, 10,001 comments that only clerks see, of which one is much liked, one answers another, and the last is what the post begins with, and
/// as many bookmarks.
async fn blog(on: &mut Served) {
    on.ask_as(clerk());
    assert_eq!(on.create("Author", r#"{"name":"A"}"#).await, "ok");
    assert_eq!(on.create("Post", r#"{"title":"P"}"#).await, "ok");
    assert_eq!(on.create("Comment", r#"{"post":"%1","author":"%0"}"#).await, "ok");
    assert_eq!(on.create("Comment", r#"{"post":"%1","author":"%0","answers":"%2"}"#).await, "ok");
    create(on, "Comment", r#"{"post":"%1","author":"%0","answers":"%3"}"#, 9_999).await;
    create(on, "Like", r#"{"comment":"%3"}"#, 700).await;
    create(on, "Bookmark", r#"{"post":"%1"}"#, 700).await;
    create(on, "Invoice", r#"{"post":"%1"}"#, 1).await;
    assert_eq!(on.update("Post", 1, r#"{"first":"%3"}"#).await, "ok");
    on.ask_as(Caller::anonymous());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_goes_with_a_record_goes_in_steps_and_all_that_hangs_on_it_follows() {
    for mut on in Served::both(BLOG) {
        let database = on.database;
        blog(&mut on).await;
        assert_eq!(delete(&on, "Post", 1).await, "ok", "{database}");
        on.ask_as(clerk());
        let left = counts(&on, &["Post", "Comment", "Like", "Invoice", "Bookmark", "Author"]).await;
        let left: Vec<u64> = left.into_iter().map(|(_, count)| count).collect();
        assert_eq!(left, [0, 0, 0, 0, 700, 1], "{database}");
        let bound =
            on.page("Bookmark", |words| (words.filter, words.count) = (Some("post != null".into()), Counting::Exact));
        assert_eq!(bound.await["count"]["value"], 0, "{database}");
        assert_eq!(on.list("Author", "written", None).await, r#"[{"written":0}]"#, "{database}");
        assert!(on.differing_sums().await.is_empty(), "{database}");
        assert_eq!(on.delete("Post", 1).await, "not-found", "{database}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deletion_that_is_refused_takes_no_step() {
    for mut on in Served::both(BLOG) {
        let database = on.database;
        blog(&mut on).await;
        on.learn("Invoice").await;
        assert_eq!(on.create("Payment", r#"{"invoice":"%4"}"#).await, "ok");
        let answer = on.delete("Post", 1).await;
        let refused = r#"still-referenced: Referenced { collection: "Payment", field: "invoice", count: 1, "#;
        assert!(answer.starts_with(refused), "{database}: {answer}");
        on.ask_as(clerk());
        let kept = counts(&on, &["Post", "Comment", "Like", "Invoice", "Payment"]).await;
        let kept: Vec<u64> = kept.into_iter().map(|(_, count)| count).collect();
        assert_eq!(kept, [1, 10_001, 700, 1, 1], "{database}");
        // A payment that goes with the post refuses nothing.
        assert_eq!(on.update("Payment", 5, r#"{"post":"%1"}"#).await, "ok");
        on.ask_as(Caller::anonymous());
        assert_eq!(delete(&on, "Post", 1).await, "ok", "{database}");
        assert_eq!(counts(&on, &["Payment"]).await, [("Payment".to_owned(), 0)], "{database}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_ends_in_between_leaves_what_can_be_repeated() {
    for mut on in Served::both(BLOG) {
        let database = on.database;
        blog(&mut on).await;
        on.ask_as(clerk());
        let count = async |on: &Served| counts(on, &["Comment"]).await[0].1;
        {
            let deletion = on.done(on.deleting("Post", 1));
            let begun = async {
                while count(&on).await == 10_001 {
                    tokio::task::yield_now().await;
                }
            };
            tokio::select! {
                answer = deletion => assert!(["ok", OUT_OF_TIME].contains(&answer.as_str()), "{database}: {answer}"),
                () = begun => {}
            }
        }
        let left = counts(&on, &["Post"]).await[0].1;
        assert!(left == 1 || count(&on).await == 0, "{database}: the post goes last");
        assert!(on.differing_sums().await.is_empty(), "{database}");
        if left == 1 {
            assert_eq!(delete(&on, "Post", 1).await, "ok", "{database}");
        }
        assert_eq!(count(&on).await, 0, "{database}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn trees_and_filters_delete_in_steps_too() {
    let model = r"
        type Shelf @open { name: String }
        type Node @open { shelf: Shelf @onDelete(do: CASCADE), above: Node @onDelete(do: CASCADE) }
    ";
    for mut on in Served::both(model) {
        let database = on.database;
        for shelf in 0..2 {
            assert_eq!(on.create("Shelf", r#"{"name":"A"}"#).await, "ok");
            let first = format!(r#"{{"shelf":"%{}"}}"#, 4 * shelf);
            assert_eq!(on.create("Node", &first).await, "ok");
            for node in 1..3 {
                assert_eq!(on.create("Node", &format!(r#"{{"above":"%{}"}}"#, 4 * shelf + node)).await, "ok");
            }
            for node in 1..=3 {
                create(&mut on, "Node", &format!(r#"{{"above":"%{}"}}"#, 4 * shelf + node), 1_900).await;
            }
        }
        // The first is below the last: a circle.
        assert_eq!(on.update("Node", 1, r#"{"above":"%3"}"#).await, "ok");
        let delete = |on: &Served| on.matching("Shelf", "name == 'A'", MatchingAct::Delete);
        assert_eq!(done(&on, delete).await, "ok", "{database}");
        let none = [("Shelf".to_owned(), 0), ("Node".to_owned(), 0)];
        assert_eq!(counts(&on, &["Shelf", "Node"]).await, none, "{database}");
    }
}
