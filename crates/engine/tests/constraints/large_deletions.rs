//! Deletions that are too much for one request say what goes with the record, as far as the caller sees it.

use backstay_base::{Caller, RecordId};

use crate::support::Served;

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
    let clerk = Caller::account(RecordId::from_bytes([1; 16]), ["CLERK"]);
    on.ask_as(clerk.clone());
    assert_eq!(on.create("Folder", "{}").await, "ok");
    for (of, body) in [
        ("Note", r#"[{"folder":"%0"},{"folder":"%0"}]"#),
        ("Secret", r#"{"folder":"%0"}"#),
        ("Part", r#"{"folder":"%0"}"#),
        ("Below", r#"[{"secret":"%3"},{"secret":"%3"},{"secret":"%3"}]"#),
    ] {
        assert_eq!(on.create(of, body).await, "ok", "{of}");
    }
    let part = on.id(4);
    let items = format!("[{}]", vec![format!(r#"{{"part":"{part}"}}"#); 1000].join(","));
    for _ in 0..10 {
        assert_eq!(on.done(on.creating("Item", &items)).await, "ok");
    }
    assert_eq!(on.create("Item", r#"{"part":"%4"}"#).await, "ok");
    let refused = "too-large: more than 10000 other records would be deleted or changed with the record: ";
    let all = "10001 Item, 3 Below, 1 Secret, 1 Part would be deleted, 2 Note changed";
    assert_eq!(on.delete("Folder", 0).await, format!("{refused}{all}"));
    // What goes because of a hidden record is not told either: it would tell of that.
    on.ask_as(Caller::anonymous());
    let seen = "10001 Item, 1 Part would be deleted, 2 Note changed";
    assert_eq!(on.delete("Folder", 0).await, format!("{refused}{seen}"));
}
