//! Records that get other values as they come back from the trash: what had their values meanwhile need not give way.

use backstay_base::{Caller, RecordId};

use crate::support::Served;

fn somebody<const N: usize>(roles: [&str; N]) -> Caller {
    Caller::account(RecordId::from_bytes([1; 16]), roles)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_value_that_another_record_has_is_replaced() {
    let model = r#"
        type Post @open @trash @history(read: "true") { slug: String! @unique note: String @length(max: 3) }
        type Booking @open @trash @exclude(fields: ["room"], from: "begins", to: "ends") {
          room: String! begins: Int! ends: Int!
        }
    "#;
    for mut on in Served::both(model) {
        let name = on.database;
        for (of, body) in [("Post", r#"{"slug":"a"}"#), ("Booking", r#"{"room":"r","begins":1,"ends":5}"#)] {
            assert_eq!(on.create(of, body).await, "ok", "{name}");
        }
        assert_eq!(on.delete("Post", 0).await, "ok", "{name}");
        assert_eq!(on.delete("Booking", 1).await, "ok", "{name}");
        for (of, body) in [("Post", r#"{"slug":"a"}"#), ("Booking", r#"{"room":"r","begins":2,"ends":4}"#)] {
            assert_eq!(on.create(of, body).await, "ok", "{name}");
        }
        let taken = "not-unique";
        for body in ["{}", r#"{"note":"x"}"#, r#"{"slug":"a"}"#] {
            let refused = on.restore_with("Post", 0, body).await;
            assert!(refused.starts_with(taken), "{name}: {body}: {refused}");
        }
        let long = on.restore_with("Post", 0, r#"{"slug":"b","note":"long"}"#).await;
        assert!(long.starts_with("invalid-values") && long.contains("note"), "{name}: {long}");
        assert_eq!(on.restore_with("Post", 0, r#"{"slug":null}"#).await, "invalid-values: /slug Required", "{name}");
        assert_eq!(on.restore_with("Post", 0, r#"{"slug":"b","note":"x"}"#).await, "ok", "{name}");
        assert_eq!(
            on.list("Post", "slug,note,version", None).await,
            r#"[{"note":"x","slug":"b","version":3},{"note":null,"slug":"a","version":1}]"#,
            "{name}"
        );
        assert_eq!(
            on.history("Post", 0).await,
            [
                r#"3 restore {"note":{"new":"x","old":null},"slug":{"new":"b","old":"a"}}"#,
                "2 delete {}",
                r#"1 create {"slug":{"new":"a","old":null}}"#
            ],
            "{name}"
        );
        let refused = on.restore_with("Booking", 1, r#"{"begins":3}"#).await;
        assert!(refused.starts_with("overlap"), "{name}: {refused}");
        assert_eq!(on.restore_with("Booking", 1, r#"{"begins":4}"#).await, "ok", "{name}");
    }
}

/// Whoever changes a record as it comes back must be allowed to restore it and to change it so.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_changes_what_comes_back_must_be_allowed_to() {
    let model = r#"
        enum Role @roles { CLERK }
        enum S { OPEN @initial @to(state: "DONE") DONE }
        type P
          @allow(read: "true", create: "true", delete: "true")
          @allow(update: "this.n < 10", only: ["n", "m"], after: "new.n < 20")
          @allow(update: "'CLERK' in auth.roles")
          @trash {
          n: Int! @check(rule: "this.n != 13", message: "not 13")
          m: Int @allow(update: "this.m == null")
          other: Int
          fixed: Int @immutable
          s: S!
        }
        type Sealed @allow(read: "true", create: "true", delete: "true") @trash { n: Int }
    "#;
    for mut on in Served::both(model) {
        let name = on.database;
        on.ask_as(somebody([]));
        assert_eq!(on.create("P", r#"[{"n":1,"m":1,"fixed":1},{"n":10}]"#).await, "ok", "{name}");
        assert_eq!(on.create("Sealed", r#"{"n":1}"#).await, "ok", "{name}");
        for (of, number) in [("P", 0), ("P", 1), ("Sealed", 2)] {
            assert_eq!(on.delete(of, number).await, "ok", "{name}");
        }
        for (of, number, body, expected) in [
            ("Sealed", 2, r#"{"n":2}"#, "forbidden"),
            ("P", 1, r#"{"n":2}"#, "forbidden"),
            ("P", 0, r#"{"n":20}"#, "forbidden"),
            ("P", 0, r#"{"n":13}"#, "invalid-values: n not 13"),
            ("P", 0, r#"{"m":2}"#, "invalid-values: m FieldForbidden"),
            ("P", 0, r#"{"other":2}"#, "invalid-values: other FieldForbidden"),
            ("P", 0, r#"{"fixed":2}"#, "invalid-values: fixed ReadOnly"),
            ("P", 0, r#"{"version":7}"#, "invalid-values: version ReadOnly"),
            ("P", 0, r#"{"s":"DONE"}"#, "invalid-values"),
        ] {
            let refused = on.restore_with(of, number, body).await;
            assert!(is_alike(&refused, expected), "{name}: {body}: {refused}");
        }
        on.ask_as(somebody(["CLERK"]));
        let state = on.restore_with("P", 0, r#"{"s":"DONE"}"#).await;
        assert!(state.contains("restore the record first"), "{name}: {state}");
        on.ask_as(somebody([]));
        // What is sent as it is changes nothing.
        assert_eq!(on.restore_with("P", 0, r#"{"n":2,"fixed":1,"s":"OPEN"}"#).await, "ok", "{name}");
        assert_eq!(on.restore_with("P", 1, "{}").await, "ok", "{name}");
        assert_eq!(on.restore_with("Sealed", 2, "{}").await, "ok", "{name}");
        assert_eq!(
            on.list("P", "n,m,fixed", None).await,
            r#"[{"fixed":1,"m":1,"n":2},{"fixed":null,"m":null,"n":10}]"#
        );
    }
}

/// Whether an error has the code, and names the place and the reason in their order.
fn is_alike(error: &str, expected: &str) -> bool {
    expected.split(' ').try_fold(error, |rest, word| rest.split_once(word).map(|(_, rest)| rest)).is_some()
}

/// Has the id of no record.
const NOBODY: &str = "01000000-0000-7000-8000-000000000000";

/// A refused change tells nothing of the references that the record already has, and names those that were sent.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_references_that_were_sent_are_looked_up() {
    let model = r#"
        type Team @open { name: String }
        type Place @open @trash { name: String }
        type Note @embedded { team: Team place: Place }
        type Doc @trash
          @allow(read: "true", create: "true", delete: "true")
          @allow(update: "true", only: ["n", "team", "notes"], after: "new.n != 13") {
          n: Int
          team: Team
          notes: [Note!]
          hidden: Place @allow(read: "false")
          inside: Note @allow(read: "false")
        }
    "#;
    for mut on in Served::both(model) {
        let name = on.database;
        on.ask_as(somebody([]));
        assert_eq!(on.create("Place", r#"[{"name":"a"},{"name":"b"}]"#).await, "ok", "{name}");
        let docs =
            r#"[{"n":1,"hidden":"%0"},{"n":2,"inside":{"place":"%0"}},{"n":3,"notes":[{"place":"%0"}]},{"n":4}]"#;
        assert_eq!(on.create("Doc", docs).await, "ok", "{name}");
        for number in 2..6 {
            assert_eq!(on.delete("Doc", number).await, "ok", "{name}");
        }
        assert_eq!(on.delete("Place", 0).await, "ok", "{name}");
        let refused = on.restore_with("Doc", 5, r#"{"n":13}"#).await;
        assert!(refused.starts_with("forbidden"), "{name}: {refused}");
        for number in 2..5 {
            assert_eq!(on.restore_with("Doc", number, r#"{"n":13}"#).await, refused, "{name}: {number}");
        }
        for (body, place) in [
            (format!(r#"{{"team":"{NOBODY}"}}"#), "invalid-values: team"),
            (format!(r#"{{"n":13,"team":"{NOBODY}"}}"#), "invalid-values: team"),
            (format!(r#"{{"notes":[{{"team":"{NOBODY}"}}]}}"#), "invalid-values: notes 0 team"),
        ] {
            let refused = on.restore_with("Doc", 5, &body).await;
            assert!(is_alike(&refused, place), "{name}: {body}: {refused}");
        }
        assert_eq!(on.restore_with("Doc", 5, r#"{"n":5}"#).await, "ok", "{name}");
    }
}

/// What went to the trash with a record counts when its change is judged.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rules_see_what_comes_back_as_well() {
    let model = r#"
        type P @trash @allow(read: "true", create: "true", delete: "true", update: "!this.lines.exists(l, l.closed)") {
          n: Int @unique
          lines: [L!] @inverse(field: "p")
        }
        type L @open @trash { p: P! @onDelete(do: CASCADE) closed: Boolean! }
    "#;
    for mut on in Served::both(model) {
        let name = on.database;
        on.ask_as(somebody([]));
        assert_eq!(on.create("P", r#"[{"n":1},{"n":2}]"#).await, "ok", "{name}");
        let lines = r#"[{"p":"%0","closed":true},{"p":"%1","closed":false}]"#;
        assert_eq!(on.create("L", lines).await, "ok", "{name}");
        assert_eq!(on.delete("P", 0).await, "ok", "{name}");
        assert_eq!(on.delete("P", 1).await, "ok", "{name}");
        let refused = on.restore_with("P", 0, r#"{"n":3}"#).await;
        assert!(refused.starts_with("forbidden"), "{name}: {refused}");
        assert_eq!(on.list("P", "n", None).await, "[]", "{name}");
        assert_eq!(on.restore_with("P", 0, "{}").await, "ok", "{name}");
        assert_eq!(on.list("P", "n,lines{closed}", None).await, r#"[{"lines":[{"closed":true}],"n":1}]"#, "{name}");
    }
}

/// Whatever hangs on a record follows the values with which it comes back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_depends_on_the_record_follows() {
    let model = r#"
        type Node @open @trash @tree(parent: "above") { name: String above: Node }
        type Tag @open @trash { name: String }
        type Box @open @trash {
          name: String
          total: Int @computed(is: "this.items.sum(i, i.n)", stored: COMMIT)
          items: [Item!] @inverse(field: "box")
        }
        type Item @open @trash { n: Int! box: Box! tags: [Tag!] notes: [Note!] }
        type Note @embedded { on: Tag! @onDelete(do: RESTRICT) }
    "#;
    for mut on in Served::both(model) {
        let name = on.database;
        assert_eq!(on.create("Node", r#"{"name":"0"}"#).await, "ok", "{name}");
        assert_eq!(on.create("Node", r#"{"name":"1","above":"%0"}"#).await, "ok", "{name}");
        assert_eq!(on.create("Node", r#"{"name":"2"}"#).await, "ok", "{name}");
        assert_eq!(on.delete("Node", 1).await, "ok", "{name}");
        assert_eq!(on.restore_with("Node", 1, r#"{"above":"%2"}"#).await, "ok", "{name}");
        let lines = r#"[{"descendants":[],"name":"0"},{"descendants":[],"name":"1"},{"descendants":[{"name":"1"}],"name":"2"}]"#;
        assert_eq!(on.list("Node", "name,descendants{name}", None).await, lines, "{name}");

        assert_eq!(on.create("Tag", r#"[{"name":"3"},{"name":"4"}]"#).await, "ok", "{name}");
        assert_eq!(on.create("Box", r#"[{"name":"5"},{"name":"6"}]"#).await, "ok", "{name}");
        let item = r#"{"n":1,"box":"%5","tags":["%3"],"notes":[{"on":"%3"}]}"#;
        assert_eq!(on.create("Item", item).await, "ok", "{name}");
        assert_eq!(on.delete("Item", 7).await, "ok", "{name}");
        assert_eq!(on.delete("Box", 5).await, "ok", "{name}");
        // Its box is in the trash; it can come back into another one.
        let stays = on.restore("Item", 7).await;
        assert!(stays.contains("InTrash"), "{name}: {stays}");
        let again = on.restore_with("Item", 7, r#"{"box":"%5","n":2}"#).await;
        assert!(again.contains("InTrash"), "{name}: {again}");
        let other = r#"{"box":"%6","n":2,"tags":["%4"],"notes":[{"on":"%4"}]}"#;
        assert_eq!(on.restore_with("Item", 7, other).await, "ok", "{name}");
        assert_eq!(on.list("Box", "name,total", None).await, r#"[{"name":"6","total":2}]"#, "{name}");
        assert_eq!(on.list("Item", "tags{name}", None).await, r#"[{"tags":[{"name":"4"}]}]"#, "{name}");
        assert_eq!(on.differing_sums().await, Vec::<String>::new(), "{name}");
        assert!(on.delete("Tag", 4).await.starts_with("still-referenced"), "{name}");
        assert_eq!(on.delete("Tag", 3).await, "ok", "{name}");
    }
}

/// A record that went with one of two comes back when both are there, whichever comes first, and with it what went with it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_that_needs_two_comes_back_with_the_second() {
    let model = r#"
        type Camera @open @trash { name: String }
        type Album @open @trash { name: String }
        type Photo @open @trash @history(read: "true") {
          camera: Camera! @onDelete(do: CASCADE)
          album: Album @onDelete(do: CASCADE)
        }
        type Note @open @trash { photo: Photo! @onDelete(do: CASCADE) }
    "#;
    for order in [[0, 1], [1, 0]] {
        for mut on in Served::both(model) {
            let name = on.database;
            let types = ["Camera", "Album"];
            for (of, body) in [("Camera", "{}"), ("Album", "{}"), ("Photo", r#"{"camera":"%0","album":"%1"}"#)] {
                assert_eq!(on.create(of, body).await, "ok", "{name}");
            }
            assert_eq!(on.create("Note", r#"{"photo":"%2"}"#).await, "ok", "{name}");
            for number in [1, 0] {
                on.clock.advance("PT1H");
                assert_eq!(on.delete(types[number], number).await, "ok", "{name}");
            }
            for (done, number) in order.into_iter().enumerate() {
                on.clock.advance("PT1H");
                assert_eq!(on.restore(types[number], number).await, "ok", "{name}");
                let live = if done == 1 { r#"[{"photo":{"id":"%2"}}]"# } else { "[]" };
                assert_eq!(on.list("Note", "photo{id}", None).await, live, "{name}: {order:?}");
            }
            // It was deleted by itself: no other record brings it back.
            assert_eq!(on.delete("Photo", 2).await, "ok", "{name}");
            on.clock.advance("PT1H");
            assert_eq!(on.delete("Camera", 0).await, "ok", "{name}");
            assert_eq!(on.restore("Camera", 0).await, "ok", "{name}");
            assert_eq!(on.list("Photo", "id", None).await, "[]", "{name}");
        }
    }
}

/// What is sent for a record that comes back counts towards the limits of a request, as in any other update.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_sent_counts_towards_the_limit_of_sums() {
    let model = r#"
        type Post @open { size: Int @computed(is: "this.visits.sum(v, v.n)", stored: COMMIT) visits: [Visit!] @inverse(field: "post") }
        type Visit @open @trash { post: Post n: Int! }
    "#;
    let mut on = Served::sqlite(model);
    for _ in 0..2 {
        assert_eq!(on.create("Post", &format!("[{}]", ["{}"; 501].join(","))).await, "ok");
    }
    assert_eq!(on.create("Visit", r#"{"post":"%1001","n":1}"#).await, "ok");
    assert_eq!(on.delete("Visit", 1002).await, "ok");
    // The sums of a thousand records are as many as a request may change.
    let visits = (0..1000).map(|post| format!(r#"{{"post":"{}","n":1}}"#, on.id(post)));
    let visits = format!("[{}]", visits.collect::<Vec<_>>().join(","));
    let both = |body: &str| vec![on.creating("Visit", &visits), on.restoring_with("Visit", 1002, body)];
    assert_eq!(on.together(both(r#"{"n":2}"#)).await, "Some(1) too-large");
    assert_eq!(on.together(both("{}")).await, "ok");
}
