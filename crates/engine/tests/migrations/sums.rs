//! Stored sums that come, go and change.

use crate::changed::Place;

use super::{Change, check};

/// Two groups; the first has two items, of which one is in the trash.
const RECORDS: &[(&str, &str)] = &[
    ("Group", r#"{"name":"a"}"#),
    ("Group", r#"{"name":"b"}"#),
    ("Item", r#"{"group":"%0","n":2}"#),
    ("Item", r#"{"group":"%0","n":3}"#),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stored_sums_are_added() {
    check(
        "stored_sums_are_added",
        Change {
            old: "type Group @open { name: String! } type Item @open { group: Group n: Int! }",
            records: RECORDS,
            new: r#"
type Area @open { total: Int @computed(is: "this.groups.sum(g, g.total)", stored: COMMIT) groups: [Group!] @inverse(field: "area") }
type Group @open @index(fields: ["total"]) {
  name: String!
  area: Area
  total: Int @computed(is: "this.items.sum(i, i.n)", stored: COMMIT)
  large: Int @computed(is: "this.items.count(i, i.n > 2)", stored: COMMIT)
  most: Int @computed(is: "this.items.max(i, i.n)", stored: COMMIT)
  any: Boolean @computed(is: "this.items.exists(i, i.n > 2)", stored: COMMIT)
  items: [Item!] @inverse(field: "group")
}
type Item @open { group: Group n: Int! }"#,
            then: &[("Group", "name,total,large,most,any")],
        },
    )
    .await;
}

/// A sum of sums follows where the sum that it reads is computed anew.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stored_sum_sums_something_else() {
    let model = |is: &str| {
        format!(
            r#"type Top @open {{ name: String all: Int @computed(is: "this.groups.sum(g, g.total)", stored: COMMIT) groups: [Group!] @inverse(field: "top") }} type Group @open {{ name: String! top: Top total: Int @computed(is: "{is}", stored: COMMIT) items: [Item!] @inverse(field: "group") }} type Item @open {{ group: Group n: Int! }}"#
        )
    };
    check(
        "a_stored_sum_sums_something_else",
        Change {
            old: &model("this.items.sum(i, i.n)"),
            records: &[
                ("Top", "{}"),
                ("Group", r#"{"name":"a","top":"%0"}"#),
                ("Item", r#"{"group":"%1","n":2}"#),
                ("Item", r#"{"group":"%1","n":3}"#),
            ],
            new: &model("this.items.sum(i, i.n * 10)"),
            then: &[("Group", "name,total"), ("Top", "all")],
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fields_become_stored_sums_and_computed_again() {
    check(
        "fields_become_stored_sums_and_computed_again",
        Change {
            old: r#"type Group @open { name: String! plain: Int @default(to: 7) computed: Int @computed(is: "size(this.items)") stored: Int @computed(is: "size(this.items)", stored: COMMIT) kept: Int @computed(is: "size(this.items)", stored: COMMIT) gone: Int @computed(is: "size(this.items)", stored: COMMIT) items: [Item!] @inverse(field: "group") } type Item @open { group: Group n: Int! }"#,
            records: RECORDS,
            new: r#"type Group @open { name: String! plain: Int @computed(is: "size(this.items)", stored: COMMIT) computed: Int @computed(is: "size(this.items)", stored: COMMIT) stored: Int @computed(is: "size(this.items)") kept: Int items: [Item!] @inverse(field: "group") } type Item @open { group: Group n: Int! }"#,
            then: &[("Group", "name,plain,computed,stored,kept")],
        },
    )
    .await;
}

/// A sum that may not have followed yet is computed when it has to be exact, and only then.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stored_sums_are_kept_at_another_time() {
    check(
        "stored_sums_are_kept_at_another_time",
        Change {
            old: r#"type Group @open { name: String! later: Int @computed(is: "size(this.items)", stored: COMMIT) now: Int @computed(is: "size(this.items)", stored: SOON) read: Int @computed(is: "size(this.items)", stored: SOON) stored: Int @computed(is: "size(this.items)") other: Int @computed(is: "size(this.items)", stored: SOON) items: [Item!] @inverse(field: "group") } type Item @open { group: Group n: Int! }"#,
            records: RECORDS,
            new: r#"type Group @open { name: String! later: Int @computed(is: "size(this.items)", stored: SOON) now: Int @computed(is: "size(this.items)", stored: COMMIT) read: Int @computed(is: "size(this.items)") stored: Int @computed(is: "size(this.items)", stored: SOON) other: Int @computed(is: "this.items.sum(i, i.n)", stored: SOON) items: [Item!] @inverse(field: "group") } type Item @open { group: Group n: Int! }"#,
            then: &[("Group", "name,later,now,read,stored,other")],
        },
    )
    .await;
}

/// Nothing is computed again where only names change.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stored_sums_are_renamed() {
    check(
        "stored_sums_are_renamed",
        Change {
            old: r#"type Group @open { name: String! total: Int @computed(is: "this.items.sum(i, i.n)", stored: COMMIT) items: [Item!] @inverse(field: "group") } type Item @open { group: Group n: Int! }"#,
            records: RECORDS,
            new: r#"type Set @open @renamed(from: "Group") { name: String! sum: Int @renamed(from: "total") @computed(is: "this.items.sum(i, i.n)", stored: COMMIT) items: [Thing!] @inverse(field: "set") } type Thing @open @renamed(from: "Item") { set: Set @renamed(from: "group") n: Int! }"#,
            then: &[("Set", "name,sum")],
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_stored_sum_reads_changes() {
    check(
        "what_a_stored_sum_reads_changes",
        Change {
            old: r#"type Group @open { name: String! total: Int @computed(is: "this.items.sum(i, i.n)", stored: COMMIT) all: Int @computed(is: "size(this.items)", stored: COMMIT) items: [Item!] @inverse(field: "group") } type Item @open { group: Group n: Int m: String }"#,
            records: RECORDS,
            new: r#"type Group @open { name: String! total: Int @computed(is: "this.items.sum(i, i.n)", stored: COMMIT) all: Int @computed(is: "size(this.items)", stored: COMMIT) items: [Item!] @inverse(field: "group") } type Item @open { group: Group n: Int! @backfill(from: "5") @renamed(from: "none") m: String }"#,
            then: &[("Group", "name,total,all")],
        },
    )
    .await;
}

/// What is in the trash doesn't count, and a new trash can find records in it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_records_that_count_get_a_trash() {
    let model = |trash: &str, field: &str| {
        format!(
            r#"type Group @open {{ name: String! all: Int @computed(is: "size(this.items)", stored: COMMIT) items: [Item!] @inverse(field: "group") }} type Item @open {trash} {{ group: Group n: Int {field} }}"#
        )
    };
    let records = [
        ("Group", r#"{"name":"a"}"#),
        ("Item", r#"{"group":"%0"}"#),
        ("Item", r#"{"group":"%0","trashedAt":"2026-01-31T12:00:00Z"}"#),
    ];
    check(
        "the_records_that_count_get_a_trash",
        Change {
            old: &model("", "trashedAt: DateTime"),
            records: &records,
            new: &model("@trash", ""),
            then: &[("Group", "name,all")],
        },
    )
    .await;
}

/// The amounts come to share a currency in the same change, and a check is asked of the sum.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_check_reads_a_new_sum_of_amounts_that_share_a_currency() {
    let old = r#"type O @open { cur: Currency! @immutable items: [I!] @inverse(field: "o") } type I @open { o: O! @immutable cost: Money! }"#;
    let records = [
        ("O", r#"{"cur":"EUR"}"#),
        ("O", r#"{"cur":"JPY"}"#),
        ("I", r#"{"o":"%0","cost":{"amount":"8.50","currency":"EUR"}}"#),
        ("I", r#"{"o":"%0","cost":{"amount":"2","currency":"EUR"}}"#),
        ("I", r#"{"o":"%1","cost":{"amount":"7","currency":"JPY"}}"#),
    ];
    let new = |most: u32| {
        format!(
            r#"type O @open @check(rule: "this.sum.amount <= {most}", message: "too much") {{
                cur: Currency! @immutable items: [I!] @inverse(field: "o")
                sum: Money @money(in: "cur") @computed(is: "this.items.sum(i, i.cost)", stored: COMMIT) }}
            type I @open {{ o: O! @immutable cost: Money! @money(in: "o.cur") }}"#
        )
    };
    for mut place in Place::both() {
        place.apply(old, false).expect("a database");
        place.create(old, &records).await;
        let broken: usize = place.plan(&new(10)).iter().map(|step| step.findings.len()).sum();
        assert_eq!(broken, 1, "{}", place.name());
        place.applied(&new(11));
        let sums = place.records(&new(11), ("O", "sum")).await;
        let expected = r#"{"items":[{"sum":{"amount":"10.50","currency":"EUR"}},{"sum":{"amount":"7","currency":"JPY"}}],"next":null}"#;
        assert_eq!(sums, expected, "{}", place.name());
    }
}
