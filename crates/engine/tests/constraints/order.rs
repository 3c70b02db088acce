//! `@order(by:)`.

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
