//! Deletions that are too much for one commit: alone, they take several; with others, they say what goes with the record, as far as
//! the caller sees it.

use backstay_base::{Action, Caller, Error, RecordId};
use backstay_engine::{Counting, MatchingAct, Request};

use crate::support::{Sent, Served};

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
    let remedy = "; delete the record in a request of its own, which takes as many commits as it needs";
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

/// Shelves, each with the number of its books, which changes when books go.
const SHELVES: &str = r#"
    type Shelf @open {
      name: String
      books: [Book!] @inverse(field: "shelf")
      size: Int @computed(is: "this.books.count(b, true)", stored: COMMIT)
    }
    type Book @open { shelf: Shelf! @onDelete(do: CASCADE) }
"#;

/// Two shelves, 0 with 10,001 books and 1 with two.
async fn shelves(on: &mut Served) {
    for name in ["large", "small"] {
        assert_eq!(on.create("Shelf", &format!(r#"{{"name":"{name}"}}"#)).await, "ok");
    }
    create(on, "Book", r#"{"shelf":"%0"}"#, 10_001).await;
    create(on, "Book", r#"{"shelf":"%1"}"#, 2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn steps_delete_what_was_found_at_first_though_they_change_what_the_filter_and_the_order_ask() {
    let by_size = |on: &Served| on.matching("Shelf", "size > 5000", MatchingAct::Delete);
    let largest = |on: &Served| on.first_matching("Shelf", ("true", "-size"), 1, MatchingAct::Delete);
    let ways: [&dyn Fn(&Served) -> Request; 2] = [&by_size, &largest];
    for way in ways {
        for mut on in Served::both(SHELVES) {
            let database = on.database;
            shelves(&mut on).await;
            assert_eq!(on.done(way(&on)).await, "ok", "{database}");
            assert_eq!(on.list("Shelf", "name,size", None).await, r#"[{"name":"small","size":2}]"#, "{database}");
            assert_eq!(counts(&on, &["Book"]).await, [("Book".to_owned(), 2)], "{database}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dry_run_says_that_the_deletion_itself_can_be_done() {
    for mut on in Served::both(SHELVES) {
        let database = on.database;
        shelves(&mut on).await;
        let dry = Served::dry(on.matching("Shelf", "true", MatchingAct::Delete));
        let refused = "too-large: more than 10000 other records would be deleted or changed with the record: 10001 Book would be \
                       deleted; a dry run can't be split into several commits; without `dryRun`, the deletion is split";
        let answer = on.done(dry).await;
        // The latest shelf is deleted first.
        assert_eq!(answer.replace("10003 Book", "10001 Book"), refused, "{database}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_many_that_may_not_be_deleted_is_named_in_steps_too() {
    let model = r#"
        type Shelf @allow(read: "true", create: "true", delete: "this.locked == false") { name: String, locked: Boolean! @default(to: false) }
        type Book @open { shelf: Shelf! @onDelete(do: CASCADE) }
    "#;
    for mut on in Served::both(model) {
        let database = on.database;
        on.ask_as(clerk());
        assert_eq!(on.create("Shelf", r#"{"locked":true}"#).await, "ok");
        assert_eq!(on.create("Shelf", "{}").await, "ok");
        create(&mut on, "Book", r#"{"shelf":"%1"}"#, 10_001).await;
        let refusal = on.refusal(on.matching("Shelf", "true", MatchingAct::Delete)).await;
        let Some(Error::Forbidden { action: Action::Delete, what }) = refusal else {
            panic!("{database}: {refusal:?}")
        };
        assert_eq!(what, format!("Shelf {}", on.id(0)), "{database}");
        assert_eq!(counts(&on, &["Book"]).await, [("Book".to_owned(), 10_001)], "{database}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_that_cannot_go_yet_are_passed_until_those_that_keep_them_are_gone() {
    let model = r"
        type Post @open { title: String }
        type Comment @open { post: Post! @onDelete(do: CASCADE), repliesTo: Comment @onDelete(do: RESTRICT) }
    ";
    for mut on in Served::both(model) {
        let database = on.database;
        assert_eq!(on.create("Post", "{}").await, "ok");
        // The oldest 60 have replies, which are the latest; 60 others are a chain, in which each replies to the one before; and 60 reply
        // to later ones.
        for _ in 0..180 {
            assert_eq!(on.create("Comment", r#"{"post":"%0"}"#).await, "ok");
        }
        for comment in 61..120 {
            let reply = format!(r#"{{"repliesTo":"%{comment}"}}"#);
            assert_eq!(on.update("Comment", comment + 1, &reply).await, "ok");
        }
        create(&mut on, "Comment", r#"{"post":"%0"}"#, 10_001).await;
        for comment in 1..=60 {
            let reply = format!(r#"{{"post":"%0","repliesTo":"%{comment}"}}"#);
            assert_eq!(on.create("Comment", &reply).await, "ok");
        }
        for comment in 121..=180 {
            let reply = format!(r#"{{"repliesTo":"%{}"}}"#, comment + 60);
            assert_eq!(on.update("Comment", comment, &reply).await, "ok");
        }
        assert_eq!(delete(&on, "Post", 0).await, "ok", "{database}");
        let none = [("Post".to_owned(), 0), ("Comment".to_owned(), 0)];
        assert_eq!(counts(&on, &["Post", "Comment"]).await, none, "{database}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_moved_away_while_steps_are_taken_stays() {
    let model = r"
        type Post @open { title: String }
        type Comment @open { post: Post! @onDelete(do: CASCADE), about: Post @onDelete(do: SET_NULL), n: Int }
    ";
    let mut on = Served::postgres(model);
    assert_eq!(on.create("Post", "{}").await, "ok");
    assert_eq!(on.create("Post", "{}").await, "ok");
    create(&mut on, "Comment", r#"{"post":"%0"}"#, 10_001).await;
    for _ in 0..100 {
        assert_eq!(on.create("Comment", r#"{"post":"%0"}"#).await, "ok");
        assert_eq!(on.create("Comment", r#"{"post":"%1","about":"%0"}"#).await, "ok");
    }
    let mut sent: Vec<Sent> = vec![Sent::Alone(on.deleting("Post", 0).into())];
    for pair in 1..=100 {
        sent.push(Sent::Alone(on.updating("Comment", 2 * pair, r#"{"post":"%1"}"#).into()));
        sent.push(Sent::Alone(on.updating("Comment", 2 * pair + 1, r#"{"about":"%1"}"#).into()));
    }
    let answers = on.all_at_once(sent).await;
    assert!(answers.keys().all(|answer| ["ok", "not-found"].contains(&answer.as_str())), "{answers:?}");
    // What was gone before it could be moved wasn't found.
    let gone = answers.get("not-found").copied().unwrap_or_default() as u64;
    assert_eq!(counts(&on, &["Post", "Comment"]).await, [("Post".to_owned(), 1), ("Comment".to_owned(), 200 - gone)]);
    let about = on.page("Comment", |words| {
        (words.filter, words.count) = (Some("about != null".into()), Counting::Exact);
    });
    assert_eq!(about.await["count"]["value"], 100);
}
