//! `@computed(is:, stored: COMMIT)`.

use std::fmt::Write as _;

use backstay_testkit::reference::Random;
use futures_util::future::join_all;

use crate::support::{Served, refused};

const SHOP: &str = r#"
enum Hold { HELD RELEASED }
type Product @open @trash {
  name: String!
  reserved: Int @computed(is: "this.reservations.sum(r, r.state == 'HELD' ? r.quantity : 0)", stored: COMMIT)
  held: Int @computed(is: "this.reservations.count(r, r.state == 'HELD')", stored: COMMIT)
  all: Int @computed(is: "size(this.reservations)", stored: COMMIT)
  most: Int @computed(is: "this.reservations.max(r, r.quantity)", stored: COMMIT)
  wanted: Boolean @computed(is: "this.reservations.exists(r, r.quantity > 1)", stored: COMMIT)
  reservations: [Reservation!] @inverse(field: "product")
}
type Reservation @open @trash {
  product: Product @onDelete(do: CASCADE)
  quantity: Int!
  state: Hold! @default(to: HELD)
}"#;

/// The fields of all records of a type, a line each, in the order in which these were made.
async fn fields(on: &Served, of: &str, names: &str) -> String {
    let listed: serde_json::Value = serde_json::from_str(&on.list(of, names, None).await).expect("a list");
    let mut text = String::new();
    for record in listed.as_array().expect("a list") {
        let values: Vec<String> = names.split(',').map(|name| record[name].to_string()).collect();
        writeln!(text, "{}", values.join(" ")).expect("it is written");
    }
    text
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sums_follow_every_change_of_a_member() {
    for mut on in Served::both(SHOP) {
        let name = on.database;
        let sums = "reserved,held,all,most,wanted";
        assert_eq!(on.create("Product", r#"[{"name":"chair"},{"name":"table"}]"#).await, "ok", "{name}");
        assert_eq!(fields(&on, "Product", sums).await, "0 0 0 null false\n0 0 0 null false\n", "{name}: new");
        assert_eq!(on.create("Reservation", r#"{"product":"%0","quantity":3}"#).await, "ok", "{name}");
        assert_eq!(fields(&on, "Product", sums).await, "3 1 1 3 true\n0 0 0 null false\n", "{name}: made");
        assert_eq!(on.create("Reservation", r#"{"product":"%0","quantity":1}"#).await, "ok", "{name}");
        assert_eq!(on.update("Reservation", 2, r#"{"quantity":2}"#).await, "ok", "{name}");
        assert_eq!(fields(&on, "Product", sums).await, "3 2 2 2 true\n0 0 0 null false\n", "{name}: changed");
        assert_eq!(on.update("Reservation", 2, r#"{"state":"RELEASED"}"#).await, "ok", "{name}");
        assert_eq!(fields(&on, "Product", sums).await, "1 1 2 2 true\n0 0 0 null false\n", "{name}: released");
        let moved = r#"{"product":"%1","state":"HELD"}"#;
        assert_eq!(on.update("Reservation", 2, moved).await, "ok", "{name}");
        assert_eq!(fields(&on, "Product", sums).await, "1 1 1 1 false\n2 1 1 2 true\n", "{name}: moved");
        assert_eq!(on.update("Reservation", 2, r#"{"product":null}"#).await, "ok", "{name}");
        assert_eq!(fields(&on, "Product", sums).await, "1 1 1 1 false\n0 0 0 null false\n", "{name}: left");
        assert_eq!(on.delete("Reservation", 3).await, "ok", "{name}");
        assert_eq!(fields(&on, "Product", sums).await, "0 0 0 null false\n0 0 0 null false\n", "{name}: trashed");
        assert_eq!(on.restore("Reservation", 3).await, "ok", "{name}");
        assert_eq!(fields(&on, "Product", sums).await, "1 1 1 1 false\n0 0 0 null false\n", "{name}: restored");
        assert_eq!(on.delete("Reservation", 3).await, "ok", "{name}");
        assert_eq!(on.purge("Reservation", 3).await, "ok", "{name}");
        assert_eq!(fields(&on, "Product", sums).await, "0 0 0 null false\n0 0 0 null false\n", "{name}: purged");
        let many = r#"[{"product":"%0","quantity":1},{"product":"%1","quantity":2},{"product":"%0","quantity":3}]"#;
        assert_eq!(on.create("Reservation", many).await, "ok", "{name}");
        assert_eq!(fields(&on, "Product", sums).await, "4 2 2 3 true\n2 1 1 2 true\n", "{name}: an array");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sums_follow_where_members_go_and_come_with_their_record() {
    for mut on in Served::both(SHOP) {
        let (name, sums) = (on.database, "reserved,held,all,most,wanted");
        assert_eq!(on.create("Product", r#"{"name":"chair"}"#).await, "ok", "{name}");
        let two = r#"[{"product":"%0","quantity":1},{"product":"%0","quantity":2}]"#;
        assert_eq!(on.create("Reservation", two).await, "ok", "{name}");
        assert_eq!(on.delete("Product", 0).await, "ok", "{name}");
        assert_eq!(on.restore("Product", 0).await, "ok", "{name}");
        assert_eq!(fields(&on, "Product", sums).await, "3 2 2 2 true\n", "{name}");
        assert_eq!(on.delete("Product", 0).await, "ok", "{name}");
        assert_eq!(on.purge("Product", 0).await, "ok", "{name}");
        assert_eq!(fields(&on, "Product", sums).await, "", "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sums_of_sums_follow_too() {
    let model = r#"
type Customer @open {
  spent: Decimal @precision(digits: 18, scale: 2) @computed(is: "this.orders.sum(o, o.total)", stored: COMMIT)
  large: Int @computed(is: "this.orders.count(o, o.total >= 100.00)", stored: COMMIT)
  longest: Duration @computed(is: "this.orders.max(o, o.takes)", stored: COMMIT)
  orders: [Order!] @inverse(field: "customer")
}
type Order @open {
  customer: Customer! @onDelete(do: CASCADE)
  total: Decimal @precision(digits: 18, scale: 2) @computed(is: "this.lines.sum(l, l.price * l.quantity)", stored: COMMIT)
  takes: Duration @computed(is: "this.lines.sum(l, l.takes)", stored: COMMIT)
  lines: [Line!] @inverse(field: "order")
}
type Line @open {
  order: Order! @onDelete(do: CASCADE)
  price: Decimal @precision(digits: 12, scale: 2)
  quantity: Int!
  takes: Duration
}"#;
    for mut on in Served::both(model) {
        let name = on.database;
        let customer = "spent,large,longest";
        assert_eq!(on.create("Customer", "{}").await, "ok", "{name}");
        assert_eq!(on.create("Order", r#"[{"customer":"%0"},{"customer":"%0"}]"#).await, "ok", "{name}");
        let lines = r#"[{"order":"%1","price":"19.90","quantity":2,"takes":"PT1H"},
            {"order":"%1","price":"100.00","quantity":1}, {"order":"%2","price":"0.05","quantity":3,"takes":"PT5M"}]"#;
        assert_eq!(on.create("Line", lines).await, "ok", "{name}");
        let orders = "total,takes";
        assert_eq!(fields(&on, "Order", orders).await, "\"139.80\" \"PT1H\"\n\"0.15\" \"PT5M\"\n", "{name}");
        assert_eq!(fields(&on, "Customer", customer).await, "\"139.95\" 1 \"PT1H\"\n", "{name}");
        assert_eq!(on.update("Line", 4, r#"{"order":"%2"}"#).await, "ok", "{name}");
        assert_eq!(fields(&on, "Order", orders).await, "\"39.80\" \"PT1H\"\n\"100.15\" \"PT5M\"\n", "{name}");
        assert_eq!(fields(&on, "Customer", customer).await, "\"139.95\" 1 \"PT1H\"\n", "{name}");
        // A price that is missing makes the totals unknown, until it is there.
        assert_eq!(on.update("Line", 5, r#"{"price":null}"#).await, "ok", "{name}");
        assert_eq!(fields(&on, "Order", "total").await, "\"39.80\"\nnull\n", "{name}");
        assert_eq!(fields(&on, "Customer", "spent,large").await, "\"39.80\" 0\n", "{name}: it is left out");
        assert_eq!(on.update("Line", 4, r#"{"quantity":2}"#).await, "ok", "{name}");
        assert_eq!(on.update("Line", 5, r#"{"price":"1.00"}"#).await, "ok", "{name}");
        assert_eq!(fields(&on, "Order", "total").await, "\"39.80\"\n\"203.00\"\n", "{name}");
        assert_eq!(on.delete("Order", 2).await, "ok", "{name}");
        assert_eq!(fields(&on, "Customer", customer).await, "\"39.80\" 0 \"PT1H\"\n", "{name}");
        assert_eq!(on.delete("Customer", 0).await, "ok", "{name}");
    }
}

/// A store that may not promise more than it has.
const STOCK: &str = r#"
type Product @open
  @check(rule: "this.onHand - this.reserved >= this.floor", message: "not that many are left", guards: ["reserved"])
  @check(rule: "this.reserved <= 100", message: "nobody reserves so many") {
  onHand: Int!
  floor: Int! @default(to: 0)
  reserved: Int @computed(is: "this.reservations.sum(r, r.quantity)", stored: COMMIT)
  reservations: [Reservation!] @inverse(field: "product")
}
type Reservation @open {
  product: Product!
  quantity: Int
  buyer: Int
}"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_check_that_names_a_sum_is_asked_when_the_sum_changes() {
    for mut on in Served::both(STOCK) {
        let name = on.database;
        let refusal = |at: &str| format!("invalid-values: {at} Check {{ message: \"not that many are left\" }}");
        assert_eq!(on.create("Product", r#"[{"onHand":5},{"onHand":200}]"#).await, "ok", "{name}");
        assert_eq!(on.create("Reservation", r#"{"product":"%0","quantity":3}"#).await, "ok", "{name}");
        assert_eq!(on.create("Reservation", r#"{"product":"%0","quantity":3}"#).await, refusal(""), "{name}");
        assert_eq!(on.update("Reservation", 2, r#"{"quantity":6}"#).await, refusal(""), "{name}");
        let two = r#"[{"product":"%0","quantity":1},{"product":"%1","quantity":1},{"product":"%0","quantity":2}]"#;
        assert_eq!(on.create("Reservation", two).await, refusal("/2"), "{name}: the last one is too many");
        assert_eq!(fields(&on, "Product", "reserved").await, "3\n0\n", "{name}: nothing is half done");
        assert_eq!(fields(&on, "Reservation", "quantity").await, "3\n", "{name}: nothing is half done");

        // A count that finds less is recorded; what was promised can be taken back, and nothing more be promised.
        assert_eq!(on.update("Product", 0, r#"{"onHand":1}"#).await, "ok", "{name}");
        assert_eq!(on.create("Reservation", r#"{"product":"%0","quantity":1}"#).await, refusal(""), "{name}");
        assert_eq!(on.update("Reservation", 2, r#"{"quantity":2}"#).await, "ok", "{name}: nearer, not there");
        assert_eq!(on.update("Reservation", 2, r#"{"quantity":3}"#).await, refusal(""), "{name}: and not back");
        assert_eq!(on.delete("Reservation", 2).await, "ok", "{name}");
        assert_eq!(fields(&on, "Product", "reserved").await, "0\n0\n", "{name}");

        // Without `guards` it is asked of every change of what it names.
        let many = "invalid-values:  Check { message: \"nobody reserves so many\" }";
        assert_eq!(on.create("Reservation", r#"{"product":"%1","quantity":101}"#).await, many, "{name}");
        // A sum that nobody knows is not below anything.
        let large = format!(r#"{{"product":"%1","quantity":{}}}"#, i64::MAX);
        assert_eq!(on.create("Reservation", r#"{"product":"%1","quantity":2}"#).await, "ok", "{name}");
        assert_ne!(on.create("Reservation", &large).await, "ok", "{name}");
        assert_eq!(fields(&on, "Product", "reserved").await, "0\n2\n", "{name}");
    }
}

/// A total that is unknown is not below any limit, and stays so until it is known.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_total_passes_no_check() {
    let model = |check: &str| {
        format!(
            r#"
type Order @open {check} {{
  total: Int @computed(is: "this.lines.sum(l, l.price * l.quantity)", stored: COMMIT)
  lines: [Line!] @inverse(field: "order")
}}
type Line @open {{ order: Order!, price: Int, quantity: Int! }}"#
        )
    };
    for mut on in Served::both(&model("")) {
        let name = on.database;
        assert_eq!(on.create("Order", "{}").await, "ok", "{name}");
        assert_eq!(on.create("Line", r#"{"order":"%0","quantity":2}"#).await, "ok", "{name}");
        assert_eq!(fields(&on, "Order", "total").await, "null\n", "{name}");
        on.serve(&model(r#"@check(rule: "this.total <= 10", message: "too much")"#));
        let refusal = "invalid-values:  Check { message: \"too much\" }";
        assert_eq!(on.create("Line", r#"{"order":"%0","quantity":1,"price":1}"#).await, refusal, "{name}");
        assert_eq!(on.update("Line", 1, r#"{"price":6}"#).await, refusal, "{name}");
        assert_eq!(on.update("Line", 1, r#"{"price":5}"#).await, "ok", "{name}");
        assert_eq!(on.create("Line", r#"{"order":"%0","quantity":1}"#).await, refusal, "{name}");
        let product = format!(r#"{{"order":"%0","quantity":2,"price":{}}}"#, i64::MAX);
        assert_eq!(on.create("Line", &product).await, refusal, "{name}: the product doesn't fit");
        assert_eq!(fields(&on, "Order", "total").await, "10\n", "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_units_are_promised_twenty_times() {
    for mut on in Served::both(STOCK) {
        let name = on.database;
        assert_eq!(on.create("Product", r#"{"onHand":20}"#).await, "ok", "{name}");
        let body = |buyer: usize| format!(r#"{{"product":"%0","quantity":1,"buyer":{buyer}}}"#);
        let buyers = (0..60).map(|buyer| on.done(on.creating("Reservation", &body(buyer))));
        let answers = join_all(buyers).await;
        let promised = answers.iter().filter(|answer| *answer == "ok").count();
        let told = "invalid-values:  Check { message: \"not that many are left\" }";
        let turned_away = answers.iter().filter(|answer| *answer == told).count();
        assert_eq!((promised, turned_away), (20, 40), "{name}: {answers:?}");
        assert_eq!(fields(&on, "Product", "reserved").await, "20\n", "{name}");
    }
}

/// Every kind of sum, each beside what it is when it is computed.
const TWINS: &str = r#"
enum Mood { GOOD BAD }
type Top @open @trash {
  total: Int @computed(is: "this.groups.sum(g, g.total)", stored: COMMIT)
  total2: Int @computed(is: "this.groups.sum(g, g.total)", rights: MODEL)
  best: Int @computed(is: "this.groups.max(g, g.most)", stored: COMMIT)
  best2: Int @computed(is: "this.groups.max(g, g.most)", rights: MODEL)
  groups: [Group!] @inverse(field: "top")
}
type Group @open @trash {
  top: Top @onDelete(do: CASCADE)
  total: Int @computed(is: "this.items.sum(i, i.n)", stored: COMMIT)
  total2: Int @computed(is: "this.items.sum(i, i.n)", rights: MODEL)
  priced: Decimal @precision(digits: 15, scale: 3) @computed(is: "this.items.sum(i, i.mood == 'GOOD' ? i.price * i.n : 0.0)", stored: COMMIT)
  priced2: Decimal @precision(digits: 15, scale: 3) @computed(is: "this.items.sum(i, i.mood == 'GOOD' ? i.price * i.n : 0.0)", rights: MODEL)
  good: Int @computed(is: "this.items.count(i, i.mood == 'GOOD')", stored: COMMIT)
  good2: Int @computed(is: "this.items.count(i, i.mood == 'GOOD')", rights: MODEL)
  most: Int @computed(is: "this.items.max(i, i.n)", stored: COMMIT)
  most2: Int @computed(is: "this.items.max(i, i.n)", rights: MODEL)
  first: DateTime @computed(is: "this.items.min(i, i.createdAt)", stored: COMMIT)
  first2: DateTime @computed(is: "this.items.min(i, i.createdAt)", rights: MODEL)
  some: Boolean @computed(is: "this.items.exists(i, i.n > 5)", stored: COMMIT)
  some2: Boolean @computed(is: "this.items.exists(i, i.n > 5)", rights: MODEL)
  others: Int @computed(is: "size(this.away)", stored: COMMIT)
  others2: Int @computed(is: "size(this.away)", rights: MODEL)
  items: [Item!] @inverse(field: "group")
  away: [Item!] @inverse(field: "other")
}
type Item @open @trash {
  group: Group @onDelete(do: CASCADE)
  other: Group @onDelete(do: SET_NULL)
  n: Int
  price: Decimal @precision(digits: 8, scale: 3)
  mood: Mood
}"#;

/// The sums that aren't what they are when they are computed.
async fn differing(on: &Served) -> Vec<String> {
    let mut found = Vec::new();
    for (of, names) in [("Top", "total,best"), ("Group", "total,priced,good,most,first,some,others")] {
        let twins: Vec<String> = names.split(',').map(|name| format!("{name},{name}2")).collect();
        let listed = on.list(of, &twins.join(","), None).await;
        let listed: serde_json::Value = serde_json::from_str(&listed).unwrap_or_else(|_| panic!("{listed}"));
        for record in listed.as_array().expect("a list") {
            let differs = |name: &&str| record[*name] != record[format!("{name}2")];
            found.extend(names.split(',').filter(differs).map(|name| format!("{of}.{name}: {record}")));
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sums_are_what_they_are_when_they_are_computed() {
    for mut on in Served::both(TWINS) {
        let (name, mut random) = (on.database, Random::seeded(20));
        let mut kinds: Vec<&str> = Vec::new();
        for _ in 0..2 {
            assert_eq!(on.create("Top", "{}").await, "ok", "{name}");
            kinds.push("Top");
        }
        for step in 0..260 {
            let mut one = |of: &str| {
                let all: Vec<usize> = (0..kinds.len()).filter(|at| kinds[*at] == of).collect();
                if all.is_empty() || random.chance(10) {
                    "null".to_owned()
                } else {
                    format!("\"%{}\"", all[random.below(all.len())])
                }
            };
            let (top, group, other) = (one("Top"), one("Group"), one("Group"));
            let n = if random.chance(15) { "null".to_owned() } else { random.below(9).to_string() };
            let price = if random.chance(8) {
                "null".to_owned()
            } else {
                format!("\"{}.{:03}\"", random.below(50), random.below(1000))
            };
            let mood = ["null", "\"GOOD\"", "\"BAD\""][random.below(3)];
            let item = format!(r#"{{"group":{group},"other":{other},"n":{n},"price":{price},"mood":{mood}}}"#);
            let number = random.below(kinds.len());
            let (of, did) = match random.below(10) {
                0 => ("Group", on.create("Group", &format!(r#"{{"top":{top}}}"#)).await),
                1..=3 => ("Item", on.create("Item", &item).await),
                4 | 5 if kinds[number] == "Item" => ("", on.update("Item", number, &item).await),
                4..=6 if kinds[number] == "Group" => {
                    ("", on.update("Group", number, &format!(r#"{{"top":{top}}}"#)).await)
                }
                7 => ("", on.delete(kinds[number], number).await),
                8 => ("", on.restore(kinds[number], number).await),
                9 if random.chance(30) => ("", on.purge(kinds[number], number).await),
                _ => ("Item", on.create("Item", &item).await),
            };
            if !of.is_empty() && did == "ok" {
                kinds.push(of);
            }
            assert_eq!(kinds.len(), on.made(), "{name}: {did}");
            assert_eq!(differing(&on).await, Vec::<String>::new(), "{name}, step {step}: {of} {did}");
        }
    }
}

#[test]
fn what_is_no_stored_sum_is_refused() {
    let sum = |ty: &str, is: &str| {
        let model = format!(
            r#"
enum Mood {{ GOOD BAD }}
type Group @open {{
  rate: Int
  name: String
  area: Area
  x: {ty} @computed(is: "{is}", stored: COMMIT)
  count: Int @computed(is: "size(this.items)")
  items: [Item!] @inverse(field: "group")
  tags: [Tag!]
}}
type Area @open {{ groups: [Group!] @inverse(field: "area") }}
type Tag @open {{ name: String }}
type Item @open {{
  group: Group
  n: Int!
  f: Float
  d: Decimal @precision(digits: 8, scale: 3)
  m: Money
  mood: Mood
  double: Int @computed(is: "this.n * 2")
  secret: Int @class(is: SECRET)
  parts: [Part!] @inverse(field: "item")
}}
type Part @open {{ item: Item }}"#
        );
        let told = refused(&model);
        let line =
            |start: &str| told.lines().find(|line| line.trim_start().starts_with(start)).unwrap_or_default().trim();
        format!("{} / {}", line("× error:"), line("help:"))
    };
    let decimal = "Decimal @precision(digits: 9, scale: 2)";
    let cases = [
        ("Int", "size(this.items) + 1"),
        ("Int", "this.items.first(i, true).n"),
        ("Int", "this.rate"),
        ("Boolean", "this.items.all(i, i.n > 1)"),
        ("Int", "size(this.tags)"),
        ("Int", "size(this.area.groups)"),
        ("Int", "size(this.name)"),
        ("Int", "this.items.sum(i, i.n * this.rate)"),
        ("Int", "this.items.count(i, i.group.rate > 1)"),
        ("Int", "this.items.count(i, i.createdAt < now)"),
        ("Int", "this.items.count(i, auth.id != null)"),
        ("Int", "this.items.count(i, i.parts.exists(p, true))"),
        ("Int", "this.items.sum(i, i.double)"),
        ("Int", "this.items.sum(i, size(i.parts))"),
        ("Float", "this.items.sum(i, i.f)"),
        ("Money", "this.items.sum(i, i.m)"),
        ("Mood", "this.items.max(i, i.mood)"),
        (decimal, "this.items.sum(i, i.d)"),
        (decimal, "this.items.sum(i, i.d * i.d)"),
        (decimal, "this.items.sum(i, i.m.amount)"),
        ("Int", "this.items.sum(i, i.secret)"),
        ("String", "this.items.sum(i, i.n)"),
    ];
    let mut told = String::new();
    for (ty, is) in cases {
        writeln!(told, "{ty}: {is}\n  {}", sum(ty, is)).expect("it is written");
    }
    insta::assert_snapshot!(told);
    for (ty, is) in [
        (decimal, "this.items.sum(i, round(i.d, 2))"),
        (decimal, "this.items.sum(i, i.mood == 'GOOD' ? round(i.d / 3, 2) : 0.5)"),
        ("Decimal @precision(digits: 9, scale: 6)", "this.items.sum(i, i.d * i.d - i.d)"),
        ("Float", "this.items.max(i, i.f)"),
        ("DateTime", "this.items.min(i, i.createdAt)"),
    ] {
        assert_eq!(sum(ty, is), " / ", "{ty}: {is}");
    }
}

#[test]
fn sums_in_a_circle_and_unique_ones_are_refused() {
    insta::assert_snapshot!(refused(
        r#"
type A @open {
  b: B
  n: Int @computed(is: "this.bs.sum(b, b.n)", stored: COMMIT)
  bs: [B!] @inverse(field: "a")
}
type B @open {
  a: A
  n: Int @computed(is: "this.as.sum(a, a.n)", stored: COMMIT)
  as: [A!] @inverse(field: "b")
}"#
    ));
    insta::assert_snapshot!(refused(
        r#"
type Node @open @unique(fields: ["name"], where: "this.below > 0") {
  name: String
  above: Node
  nodes: [Node!] @inverse(field: "above")
  below: Int @computed(is: "size(this.nodes)", stored: COMMIT)
}"#
    ));
    insta::assert_snapshot!(refused(
        r#"
type Node @open {
  above: Node
  nodes: [Node!] @inverse(field: "above")
  below: Int @computed(is: "this.nodes.sum(n, n.below)", stored: COMMIT)
}"#
    ));
}

/// A record can be among those that count in its own sum.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_counts_in_its_own_sum() {
    let model = r#"
type Node @open @check(rule: "this.below <= 2", message: "full") {
  above: Node
  weight: Int! @default(to: 1)
  nodes: [Node!] @inverse(field: "above")
  below: Int @computed(is: "size(this.nodes)", stored: COMMIT)
  load: Int @computed(is: "this.nodes.sum(n, n.weight)", stored: COMMIT)
  deep: Int @computed(is: "this.nodes.sum(n, n.load)", stored: COMMIT)
}"#;
    for mut on in Served::both(model) {
        let name = on.database;
        assert_eq!(on.create("Node", r#"[{"weight":5},{"weight":7}]"#).await, "ok", "{name}");
        assert_eq!(on.update("Node", 0, r#"{"above":"%0"}"#).await, "ok", "{name}");
        assert_eq!(on.update("Node", 1, r#"{"above":"%0"}"#).await, "ok", "{name}");
        assert_eq!(fields(&on, "Node", "below,load,deep").await, "2 12 12\n0 0 0\n", "{name}");
        assert_eq!(on.update("Node", 0, r#"{"weight":6,"above":"%1"}"#).await, "ok", "{name}");
        assert_eq!(fields(&on, "Node", "below,load,deep").await, "1 7 6\n1 6 7\n", "{name}");
        let three = r#"[{"above":"%0"},{"above":"%0"}]"#;
        assert_eq!(on.create("Node", three).await, "invalid-values: /1 Check { message: \"full\" }", "{name}");
        assert_eq!(on.update("Node", 0, r#"{"above":null}"#).await, "ok", "{name}");
        assert_eq!(on.delete("Node", 0).await, "ok", "{name}: what refers to it is released");
        assert_eq!(fields(&on, "Node", "below,load,deep").await, "0 0 0\n", "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_request_changes_the_sums_of_so_many_records() {
    let model = r#"
type Group @open { count: Int @computed(is: "size(this.items)", stored: COMMIT) items: [Item!] @inverse(field: "group") }
type Part @open { count: Int @computed(is: "size(this.items)", stored: COMMIT) items: [Item!] @inverse(field: "part") }
type Item @open { group: Group! part: Part! }"#;
    for mut on in Served::both(model) {
        let name = on.database;
        let many = |one: &str, count: usize| format!("[{}]", vec![one; count].join(","));
        assert_eq!(on.create("Group", &many("{}", 501)).await, "ok", "{name}");
        assert_eq!(on.create("Part", &many("{}", 501)).await, "ok", "{name}");
        let items = |count: usize| -> String {
            let item = |at: usize| format!(r#"{{"group":"{}","part":"{}"}}"#, on.id(at), on.id(501 + at));
            format!("[{}]", (0..count).map(item).collect::<Vec<_>>().join(","))
        };
        let (most, more) = (items(500), items(501));
        assert_eq!(on.create("Item", &more).await, "too-large", "{name}");
        assert_eq!(on.create("Item", &most).await, "ok", "{name}");
        let filter = Some("count == 1");
        assert_eq!(on.list("Part", "count", filter).await.matches("count").count(), 20, "{name}: a page");
    }
}
