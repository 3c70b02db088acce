//! `@sequence`.

use std::collections::BTreeSet;

use backstay_base::Caller;

use crate::support::{Served, documented, refused};

/// Creates a record with this body; its number, or what was wrong.
async fn numbered(on: &mut Served, of: &str, body: &str) -> String {
    match on.create(of, body).await.as_str() {
        "ok" => on.newest(of, "number").await.to_string(),
        refusal => refusal.to_owned(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_series_counts_from_one() {
    for mut on in Served::both(documented("### Numbers in sequence")) {
        let name = on.database;
        for project in ["A", "B"] {
            assert_eq!(on.create("Project", &format!(r#"{{"name":"{project}"}}"#)).await, "ok");
        }
        let ticket = |project: usize| format!(r#"{{"project":"%{project}","title":"x"}}"#);
        for (project, expected) in [(0, "1"), (0, "2"), (1, "1"), (0, "3")] {
            assert_eq!(numbered(&mut on, "Ticket", &ticket(project)).await, expected, "{name}");
        }
        // Nobody sends it, and a record stays in its series.
        let read_only = r#"invalid-values: /number ReadOnly("Backstay numbers the records")"#;
        assert_eq!(on.create("Ticket", r#"{"project":"%0","title":"x","number":9}"#).await, read_only, "{name}");
        assert_eq!(on.update("Ticket", 2, r#"{"number":9}"#).await, read_only, "{name}");
        assert_eq!(on.update("Ticket", 2, r#"{"number":1,"title":"y"}"#).await, "ok", "{name}");
        let moved = r#"invalid-values: /project ReadOnly("the record has its number by this field")"#;
        assert_eq!(on.update("Ticket", 2, r#"{"project":"%1"}"#).await, moved, "{name}");
        // The number of a deleted record is not given again, but that of one that was refused is.
        assert_eq!(on.delete("Ticket", 5).await, "ok");
        assert_eq!(on.create("Ticket", r#"{"project":"%0","title":null}"#).await, "invalid-values: /title Required");
        assert_eq!(numbered(&mut on, "Ticket", &ticket(0)).await, "4", "{name}");
        // Several in one request.
        let several: Vec<String> = [0, 1, 0, 1, 1].map(ticket).into();
        assert_eq!(on.create("Ticket", &format!("[{}]", several.join(","))).await, "ok");
        let numbers = on.list("Ticket", "number", Some("project.name == 'B'")).await;
        assert_eq!(numbers, r#"[{"number":1},{"number":2},{"number":3},{"number":4}]"#, "{name}");
        // What was reserved for more records of the request than there were is not given later.
        let next = if name == "SQLite" { "7" } else { "8" };
        assert_eq!(numbered(&mut on, "Ticket", &ticket(0)).await, next, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_number_is_given_when_its_condition_is_true() {
    for mut on in Served::both(documented("### Numbers in sequence")) {
        let name = on.database;
        for _ in 0..3 {
            assert_eq!(numbered(&mut on, "Invoice", "{}").await, "null", "{name}");
        }
        for invoice in [1, 0] {
            assert_eq!(on.update("Invoice", invoice, r#"{"state":"ISSUED"}"#).await, "ok", "{name}");
        }
        on.clock.advance("8760h");
        assert_eq!(on.update("Invoice", 2, r#"{"state":"ISSUED"}"#).await, "ok", "{name}");
        assert_eq!(
            on.list("Invoice", "number", None).await,
            r#"[{"number":"INV-2026-00002"},{"number":"INV-2026-00001"},{"number":"INV-2027-00001"}]"#,
            "{name}"
        );
    }
}

/// The condition may ask for other records, and stays true or not: the number is given once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_number_is_given_once() {
    let model = r#"
type Shop @open { open: Boolean! }
type Order @open { shop: Shop! paid: Boolean! number: Int @sequence(when: "this.paid && this.shop.open") }"#;
    for mut on in Served::both(model) {
        let name = on.database;
        assert_eq!(on.create("Shop", r#"{"open":false}"#).await, "ok");
        assert_eq!(numbered(&mut on, "Order", r#"{"shop":"%0","paid":true}"#).await, "null", "{name}");
        assert_eq!(on.update("Shop", 0, r#"{"open":true}"#).await, "ok");
        assert_eq!(on.newest("Order", "number").await.to_string(), "null", "{name}");
        assert_eq!(numbered(&mut on, "Order", r#"{"shop":"%0","paid":true}"#).await, "1", "{name}");
        assert_eq!(on.update("Order", 2, r#"{"paid":false}"#).await, "ok");
        assert_eq!(on.update("Order", 2, r#"{"paid":true}"#).await, "ok");
        assert_eq!(on.newest("Order", "number").await.to_string(), "1", "{name}");
        assert_eq!(on.update("Order", 1, r#"{"paid":false}"#).await, "ok");
        assert_eq!(on.update("Order", 1, r#"{"paid":true}"#).await, "ok");
        assert_eq!(on.list("Order", "number", None).await, r#"[{"number":2},{"number":1}]"#, "{name}");
    }
}

/// A record is numbered as soon as it has what it is counted by.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_without_a_series_has_no_number() {
    let model = r#"
enum Kind { INVOICE CREDIT }
type Paper @open { kind: Kind year: Int number: String @sequence(per: ["kind", "year"], format: "{kind}/{year}/{n}") }"#;
    for mut on in Served::both(model) {
        let name = on.database;
        assert_eq!(numbered(&mut on, "Paper", r#"{"kind":"CREDIT"}"#).await, "null", "{name}");
        assert_eq!(
            numbered(&mut on, "Paper", r#"{"kind":"CREDIT","year":2026}"#).await,
            r#""CREDIT/2026/1""#,
            "{name}"
        );
        assert_eq!(on.update("Paper", 0, r#"{"year":2026}"#).await, "ok");
        assert_eq!(
            on.list("Paper", "number", None).await,
            r#"[{"number":"CREDIT/2026/2"},{"number":"CREDIT/2026/1"}]"#,
            "{name}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_number_that_is_longer_than_its_field_is_refused() {
    let model = r#"type Paper @open { kind: String number: String @sequence(per: "kind", format: "{kind}/{n}") }"#;
    for mut on in Served::both(model) {
        let name = on.database;
        let kind = |chars: usize| format!(r#"{{"kind":"{}"}}"#, "k".repeat(chars));
        assert_eq!(on.create("Paper", &kind(9_998)).await, "ok", "{name}");
        let refused = on.create("Paper", &kind(9_999)).await;
        assert_eq!(refused.split_once(' ').map(|(start, _)| start), Some("invalid-values:"), "{name}: {refused}");
        assert!(refused.starts_with("invalid-values: /number"), "{name}: {refused}");
    }
}

/// Records in the trash keep their numbers.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn numbers_outlast_the_trash() {
    for mut on in Served::both("type A @open @trash { text: String number: Int! @sequence(gapless: true) }") {
        let name = on.database;
        for expected in ["1", "2", "3"] {
            assert_eq!(numbered(&mut on, "A", "{}").await, expected, "{name}");
        }
        for record in [1, 2] {
            assert_eq!(on.delete("A", record).await, "ok");
        }
        assert_eq!(numbered(&mut on, "A", "{}").await, "4", "{name}");
        assert_eq!(on.restore("A", 1).await, "ok", "{name}");
        assert_eq!(on.purge("A", 2).await, "ok", "{name}");
        assert_eq!(numbered(&mut on, "A", "{}").await, "5", "{name}");
        let numbers = on.list("A", "number", None).await;
        assert_eq!(numbers, r#"[{"number":1},{"number":2},{"number":4},{"number":5}]"#, "{name}");
    }
}

/// Whoever writes at the same time gets numbers of their own; without gaps where the model says so.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_at_once() {
    let model = r"
type Strict @open { text: String code: Int @unique number: Int! @sequence(gapless: true) }
type Loose @open { text: String code: Int @unique number: Int! @sequence }";
    for mut on in Served::both(model) {
        let name = on.database;
        for of in ["Strict", "Loose"] {
            // Two of each three have a code that is taken by one of them.
            let bodies = (0..30).map(|at| format!(r#"{{"code":{}}}"#, at / 3)).collect();
            let answers = on.create_at_once(of, bodies).await;
            assert_eq!(answers.iter().filter(|answer| *answer == "ok").count(), 10, "{name} {answers:?}");
            let several = vec![r#"{"text":"x"}"#; 100].join(",");
            assert_eq!(on.create(of, &format!("[{several}]")).await, "ok", "{name}");
            let filter = if of == "Strict" { "number <= 110" } else { "number > 0" };
            let found = on.create_at_once(of, vec![r#"{"text":"y"}"#.to_owned(); 8]).await;
            assert!(found.iter().all(|answer| answer == "ok"), "{name} {found:?}");
            let listed = on.numbers(of, filter).await;
            let distinct: BTreeSet<i64> = listed.iter().copied().collect();
            assert_eq!(distinct.len(), listed.len(), "{name} {of}");
            if of == "Strict" {
                assert_eq!(distinct, (1..=110).collect(), "{name}");
            }
        }
    }
}

/// What a caller can't see of it, nothing else tells.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hidden_number() {
    let model = r#"
type Account @open @identity { email: Email! @unique }
type A @open {
  kind: String!
  paid: Boolean! @default(to: false)
  number: Int @sequence(per: "kind", when: "this.paid") @allow(read: "auth.id != null")
}"#;
    for mut on in Served::both(model) {
        let name = on.database;
        assert_eq!(on.create("Account", r#"{"email":"a@example.org"}"#).await, "ok");
        assert_eq!(on.create("A", r#"{"kind":"x"}"#).await, "ok");
        assert_eq!(on.create("A", r#"{"kind":"x","paid":true}"#).await, "ok");
        let moved = r#"invalid-values: /kind ReadOnly("the record has its number by this field")"#;
        for record in [1, 2] {
            assert_eq!(on.update("A", record, r#"{"kind":"y"}"#).await, moved, "{name}");
        }
        on.ask_as_account(0);
        assert_eq!(on.update("A", 1, r#"{"kind":"y"}"#).await, "ok", "{name}");
        assert_eq!(on.update("A", 2, r#"{"kind":"y"}"#).await, moved, "{name}");
        on.ask_as(Caller::anonymous());
        assert_eq!(
            on.list("A", "kind", Some("number == 1")).await,
            "malformed-request: filter FieldHidden { field: \"number\" }",
            "{name}"
        );
    }
}

#[test]
fn a_number_is_given_last() {
    let model = r#"
type A @open @check(rule: "this.number < 100", message: "full") {
  text: String @default(from: "this.code")
  other: Int @set(on: CREATE, to: "this.number")
  third: Int @check(rule: "this.third != this.number", message: "the same")
  number: Int @sequence(when: "this.number == null")
  code: String! @sequence(format: "A-{n}")
  late: Int @set(on: UPDATE, to: "this.number")
}"#;
    insta::assert_snapshot!(refused(model));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn series_go_on_in_a_changed_model() {
    let of = |fields: &str, kinds: &str| format!("enum Kind {{ {kinds} }} type A @open {{ kind: Kind {fields} }}");
    let plain = of("number: Int", "X Y");
    let all = of("number: Int @sequence", "X Y");
    let by_kind = of(r#"number: Int @sequence(per: "kind")"#, "X Y");
    let renamed = of(
        r#"count: Int @sequence(per: "sort", gapless: true) @renamed(from: "number")"#,
        r#"Z @renamed(from: "X") Y"#,
    );
    let renamed = renamed.replace("kind: Kind", r#"sort: Kind @renamed(from: "kind")"#);
    for mut on in Served::both(&plain) {
        let name = on.database;
        for body in [r#"{"kind":"X"}"#, r#"{"kind":"X","number":40}"#, r#"{"kind":"Y"}"#] {
            assert_eq!(on.create("A", body).await, "ok");
        }
        on.serve(&all);
        assert_eq!(numbered(&mut on, "A", r#"{"kind":"X"}"#).await, "43", "{name}");
        on.serve(&by_kind);
        for (kind, expected) in [("Y", "43"), ("X", "44"), ("X", "45")] {
            assert_eq!(numbered(&mut on, "A", &format!(r#"{{"kind":"{kind}"}}"#)).await, expected, "{name} {kind}");
        }
        // A series that is called otherwise goes on where it stood, also if its last record is gone.
        assert_eq!(on.delete("A", 6).await, "ok");
        on.serve(&renamed);
        assert_eq!(on.create("A", r#"{"sort":"Z"}"#).await, "ok");
        assert_eq!(on.newest("A", "count").await.to_string(), "46", "{name}");
        // Nothing numbers the records any more, and then again.
        on.serve(&of("count: Int", "Z Y").replace("kind", "sort"));
        assert_eq!(on.create("A", r#"{"sort":"Z","count":99}"#).await, "ok");
        on.serve(&of(r#"count: Int @sequence(per: "sort")"#, "Z Y").replace("kind", "sort"));
        assert_eq!(on.create("A", r#"{"sort":"Z"}"#).await, "ok");
        assert_eq!(on.newest("A", "count").await.to_string(), "100", "{name}");
    }
}
