//! What records in the trash mean to the deletion of those that they refer to: what `@onDelete` says, as of live ones.

use backstay_base::{Caller, RecordId};

use crate::support::Served;

const MODEL: &str = r#"
enum Role @roles { CLERK }
type User @open { name: String }
type Case @open @trash(keep: "10d") { name: String }
type Needed @allow(create: "true", read: "'CLERK' in auth.roles", delete: "'CLERK' in auth.roles") @trash(keep: "30d") {
  owner: User!
  case: Case @onDelete(do: RESTRICT)
}
type Loose @open @trash { owner: User  case: Case }
type Part @open @trash { owner: User @onDelete(do: CASCADE)  case: Case @onDelete(do: CASCADE) }
"#;

fn clerk() -> Caller {
    Caller::account(RecordId::from_bytes([1; 16]), ["CLERK"])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deletion_for_good_asks_records_in_the_trash() {
    for mut on in Served::both(MODEL) {
        let name = on.database;
        // 0 to 2 are users; 3 to 5 are what refers to them.
        on.ask_as(clerk());
        assert_eq!(on.create("User", "[{},{},{}]").await, "ok", "{name}");
        for (number, of) in ["Needed", "Loose", "Part"].into_iter().enumerate() {
            assert_eq!(on.create(of, &format!(r#"{{"owner":"%{number}"}}"#)).await, "ok", "{name}");
            assert_eq!(on.delete(of, number + 3).await, "ok", "{name}");
        }
        let seen = "still-referenced: Referenced { collection: \"Needed\", field: \"owner\", count: 1, more: false, in_trash: true }";
        assert_eq!(on.delete("User", 0).await, seen, "{name}");
        assert_eq!(on.together(vec![on.deleting("User", 1), on.deleting("User", 0)]).await, format!("Some(1) {seen}"));
        on.ask_as(Caller::anonymous());
        assert_eq!(on.delete("User", 0).await, "still-referenced: ReferencedUnseen", "{name}");
        // An optional reference becomes null, and what goes along is gone.
        assert_eq!(on.delete("User", 1).await, "ok", "{name}");
        assert_eq!(on.restore("Loose", 4).await, "ok", "{name}");
        assert_eq!(on.list("Loose", "owner", None).await, r#"[{"owner":null}]"#, "{name}");
        assert_eq!(on.delete("User", 2).await, "ok", "{name}");
        assert_eq!(on.restore("Part", 5).await, "not-found", "{name}");
        // It can come back until it is purged itself.
        on.ask_as(clerk());
        assert_eq!(on.restore("Needed", 3).await, "ok", "{name}");
        assert_eq!(on.delete("Needed", 3).await, "ok", "{name}");
        assert_eq!(on.purge("Needed", 3).await, "ok", "{name}");
        assert_eq!(on.delete("User", 0).await, "ok", "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_purge_asks_records_in_the_trash() {
    for mut on in Served::both(MODEL) {
        let name = on.database;
        on.ask_as(clerk());
        assert_eq!(on.create("Case", "{}").await, "ok", "{name}");
        assert_eq!(on.create("User", "{}").await, "ok", "{name}");
        assert_eq!(on.create("Needed", r#"{"owner":"%1","case":"%0"}"#).await, "ok", "{name}");
        assert_eq!(on.create("Part", r#"{"case":"%0"}"#).await, "ok", "{name}");
        let live = "still-referenced: Referenced { collection: \"Needed\", field: \"case\", count: 1, more: false, in_trash: false }";
        assert_eq!(on.delete("Case", 0).await, live, "{name}");
        assert_eq!(on.delete("Needed", 2).await, "ok", "{name}");
        // In the trash they may be both.
        assert_eq!(on.delete("Case", 0).await, "ok", "{name}");
        let trashed = live.replace("in_trash: false", "in_trash: true");
        assert_eq!(on.purge("Case", 0).await, trashed, "{name}");
        on.ask_as(Caller::anonymous());
        assert_eq!(on.purge("Case", 0).await, "still-referenced: ReferencedUnseen", "{name}");
        // What is kept for longer keeps what it needs.
        on.clock.advance("P11D");
        on.purge_expired().await;
        assert_eq!(on.restore("Case", 0).await, "ok", "{name}");
        assert_eq!(on.list("Part", "case{id}", None).await, r#"[{"case":{"id":"%0"}}]"#, "{name}");
        on.ask_as(clerk());
        assert_eq!(on.restore("Needed", 2).await, "ok", "{name}");
        assert_eq!(on.delete("Needed", 2).await, "ok", "{name}");
        assert_eq!(on.delete("Case", 0).await, "ok", "{name}");
        on.clock.advance("P31D");
        on.purge_expired().await;
        on.purge_expired().await;
        for (of, number) in [("Needed", 2), ("Case", 0), ("Part", 3)] {
            assert_eq!(on.restore(of, number).await, "not-found", "{name}: {of}");
        }
    }
}
