//! `@order(by:)` and `@order(as: SENT)`.

use backstay_base::Caller;

use crate::support::{Served, documented};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nested_lists_come_in_their_order() {
    for mut on in Served::both(documented("### The order of a list")) {
        let name = on.database;
        for tag in ["b", "c", "a"] {
            assert_eq!(on.create("Tag", &format!(r#"{{"name":"{tag}"}}"#)).await, "ok");
        }
        assert_eq!(on.create("Post", r#"{"title":"P","tags":["%0","%1","%2"]}"#).await, "ok");
        assert_eq!(on.create("Post", r#"{"title":"Q","tags":["%0"]}"#).await, "ok");
        for (text, rest) in [
            ("1", r#","writtenAt":"2026-01-03T00:00:00Z""#),
            ("2", ""),
            ("3", r#","writtenAt":"2026-01-01T00:00:00Z""#),
            ("4", r#","pinned":true,"writtenAt":"2026-01-04T00:00:00Z""#),
            ("5", ""),
        ] {
            assert_eq!(on.create("Comment", &format!(r#"{{"post":"%3","text":"{text}"{rest}}}"#)).await, "ok");
        }
        let check = async |select: &str, expected: &str| {
            assert_eq!(on.list("Post", select, Some("title == 'P'")).await, expected, "{name} {select}");
        };
        let texts = |order: [u8; 5]| {
            let texts: Vec<String> = order.iter().map(|text| format!(r#"{{"text":"{text}"}}"#)).collect();
            format!(r#"[{{"comments":[{}]}}]"#, texts.join(","))
        };
        check("comments{text}", &texts([4, 3, 1, 2, 5])).await;
        check("comments(sort:-writtenAt){text}", &texts([5, 2, 4, 1, 3])).await;
        check("comments(sort:id){text}", &texts([1, 2, 3, 4, 5])).await;
        // The first ones in its order; the record says that there are more.
        check("comments(limit:2){text}", r#"[{"$more":["comments"],"comments":[{"text":"4"},{"text":"3"}]}]"#).await;
        check("tags", r#"[{"tags":[{"id":"%2"},{"id":"%0"},{"id":"%1"}]}]"#).await;
        check("tags{name}", r#"[{"tags":[{"name":"a"},{"name":"b"},{"name":"c"}]}]"#).await;
        check(
            "tags(limit:2){posts{title}}",
            r#"[{"$more":["tags"],"tags":[{"posts":[{"title":"P"}]},{"posts":[{"title":"Q"},{"title":"P"}]}]}]"#,
        )
        .await;
    }
}

/// An order tells nothing of a field that the caller can't see.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fields_that_a_caller_cannot_see_order_nothing() {
    let model = r#"
extend schema @app(name: "Test")
enum Role @roles { EDITOR }
type List @open { items: [Item!] @inverse(field: "list") @order(by: ["-rank", "price", "double"]) }
type Item @open {
  list: List!
  name: String!
  rank: Int @allow(read: "'EDITOR' in auth.roles")
  price: Int @allow(read: "this.name != 'c'")
  double: Int @computed(is: "this.price * -1")
}"#;
    for mut on in Served::both(model) {
        on.ask_as(Caller::account(backstay_base::RecordId::from_bytes([1; 16]), ["EDITOR"]));
        assert_eq!(on.create("List", "{}").await, "ok");
        for (item, rank, price) in [("a", 1, 3), ("b", 2, 2), ("c", 3, 1), ("d", 4, 4)] {
            let body = format!(r#"{{"list":"%0","name":"{item}","rank":{rank},"price":{price}}}"#);
            assert_eq!(on.create("Item", &body).await, "ok");
        }
        let names = |names: [&str; 4]| {
            let names: Vec<String> = names.iter().map(|name| format!(r#"{{"name":"{name}"}}"#)).collect();
            format!(r#"[{{"items":[{}]}}]"#, names.join(","))
        };
        assert_eq!(on.list("List", "items{name}", None).await, names(["d", "c", "b", "a"]), "{}", on.database);
        on.ask_as(Caller::anonymous());
        assert_eq!(on.list("List", "items{name}", None).await, names(["b", "a", "d", "c"]), "{}", on.database);
    }
}

/// Links come as they were sent, however they changed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn links_keep_the_order_in_which_they_were_sent() {
    for mut on in Served::both(documented("### Links in an order")) {
        let name = on.database;
        for song in ["a", "b", "c", "d"] {
            assert_eq!(on.create("Song", &format!(r#"{{"title":"{song}"}}"#)).await, "ok");
        }
        assert_eq!(on.create("Playlist", r#"{"name":"P","songs":["%2","%0","%2","%1"]}"#).await, "ok");
        assert_eq!(on.create("Playlist", r#"{"name":"Q","songs":["%0"]}"#).await, "ok");
        let check = async |on: &Served, select: &str, expected: &[&str]| {
            let songs: Vec<String> = expected.iter().map(|song| format!(r#"{{"title":"{song}"}}"#)).collect();
            let expected = format!(r#"[{{"songs":[{}]}}]"#, songs.join(","));
            assert_eq!(on.list("Playlist", select, Some("name == 'P'")).await, expected, "{name} {select}");
        };
        check(&on, "songs{title}", &["c", "a", "b"]).await;
        check(&on, "songs(sort:title){title}", &["a", "b", "c"]).await;
        // Added, moved, removed, and added again.
        for (sent, expected) in [
            (r#"["%2","%0","%1","%3"]"#, &["c", "a", "b", "d"][..]),
            (r#"["%3","%2","%0","%1"]"#, &["d", "c", "a", "b"]),
            (r#"["%3","%0","%1"]"#, &["d", "a", "b"]),
            (r#"["%3","%2","%0","%1"]"#, &["d", "c", "a", "b"]),
            (r#"["%1","%2"]"#, &["b", "c"]),
            (r#"["%1","%2","%0"]"#, &["b", "c", "a"]),
        ] {
            assert_eq!(on.update("Playlist", 4, &format!(r#"{{"songs":{sent}}}"#)).await, "ok");
            check(&on, "songs{title}", expected).await;
        }
        // The order counts as a value: the same one changes nothing, another one does.
        let version = async |on: &Served| on.list("Playlist", "version", Some("name == 'P'")).await;
        let before = version(&on).await;
        assert_eq!(on.update("Playlist", 4, r#"{"songs":["%1","%2","%0"]}"#).await, "ok");
        assert_eq!(version(&on).await, before, "{name}");
        assert_eq!(on.update("Playlist", 4, r#"{"songs":["%2","%1","%0"]}"#).await, "ok");
        assert_ne!(version(&on).await, before, "{name}");
        check(&on, "songs{title}", &["c", "b", "a"]).await;
        // What the caller can't read keeps its place.
        assert_eq!(on.update("Song", 1, r#"{"hidden":true}"#).await, "ok");
        check(&on, "songs{title}", &["c", "a"]).await;
        assert_eq!(on.update("Playlist", 4, r#"{"songs":["%0","%3","%2"]}"#).await, "ok");
        check(&on, "songs{title}", &["a", "d", "c"]).await;
        on.ask_as(Caller::anonymous());
        let all = on.list("Playlist", "songs", Some("name == 'P' && songs.all(s, s.hidden == false)")).await;
        assert_eq!(all, r#"[{"songs":[{"id":"%0"},{"id":"%3"},{"id":"%2"}]}]"#, "{name}");
        // The other end has no order of its own.
        assert_eq!(on.delete("Song", 3).await, "ok");
        check(&on, "songs{title}", &["a", "c"]).await;
        let playlists = on.list("Song", "playlists{name}", Some("title == 'a'")).await;
        assert_eq!(playlists, r#"[{"playlists":[{"name":"P"},{"name":"Q"}]}]"#, "{name}");
    }
}

/// A link that nobody sees is where it was when it is seen again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unseen_links_keep_their_places() {
    let model = r#"
extend schema @app(name: "Test")
enum Role @roles { EDITOR }
type List @open { items: [Item!] @order(as: SENT) }
type Item @allow(read: "this.open || 'EDITOR' in auth.roles", create: "true", update: "true") { name: String! open: Boolean! }
"#;
    for mut on in Served::both(model) {
        let editor = || Caller::account(backstay_base::RecordId::from_bytes([1; 16]), ["EDITOR"]);
        on.ask_as(editor());
        for (item, open) in [("a", true), ("b", false), ("c", true), ("d", false), ("e", true)] {
            assert_eq!(on.create("Item", &format!(r#"{{"name":"{item}","open":{open}}}"#)).await, "ok");
        }
        assert_eq!(on.create("List", r#"{"items":["%0","%1","%2","%3"]}"#).await, "ok");
        for (sent, expected) in [
            (r#"["%2","%0"]"#, ["c", "b", "a", "d", ""]),
            (r#"["%2","%4","%0"]"#, ["c", "b", "e", "d", "a"]),
            (r#"["%0"]"#, ["a", "b", "d", "", ""]),
            (r#"["%2","%0"]"#, ["c", "b", "d", "a", ""]),
        ] {
            on.ask_as(Caller::anonymous());
            assert_eq!(on.update("List", 5, &format!(r#"{{"items":{sent}}}"#)).await, "ok");
            on.ask_as(editor());
            let items = expected.iter().filter(|item| !item.is_empty()).map(|item| format!(r#"{{"name":"{item}"}}"#));
            let expected = format!(r#"[{{"items":[{}]}}]"#, items.collect::<Vec<_>>().join(","));
            assert_eq!(on.list("List", "items{name}", None).await, expected, "{} {sent}", on.database);
        }
    }
}
