//! `@computed(is:, stored: COMMIT)`.

use std::fmt::Write as _;

use crate::support::Served;

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
pub(crate) async fn fields(on: &Served, of: &str, names: &str) -> String {
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deletion_changes_the_sums_and_asks_the_checks_of_all_that_it_takes_along() {
    let model = r#"
type Order @open @trash { items: [Item!] @inverse(field: "order") }
type Part @open @check(rule: "size(this.items) <= 1", message: "used twice", on: COMMIT) {
  count: Int @computed(is: "size(this.items)", stored: COMMIT)
  items: [Item!] @inverse(field: "part")
}
type Item @open @trash { order: Order! @onDelete(do: CASCADE) part: Part! }"#;
    for mut on in Served::both(model) {
        let name = on.database;
        let used = |count: i64| Some(format!("count == {count}"));
        assert_eq!(on.create("Order", "{}").await, "ok", "{name}");
        for part in 0..2 {
            assert_eq!(on.create("Part", &format!("[{}]", vec!["{}"; 750].join(","))).await, "ok", "{name}");
            let first = if part == 0 { 1 } else { 1501 };
            let item = |at: usize| format!(r#"{{"order":"%0","part":"{}"}}"#, on.id(at));
            let items = format!("[{}]", (first..first + 750).map(item).collect::<Vec<_>>().join(","));
            assert_eq!(on.create("Item", &items).await, "ok", "{name}");
        }
        assert_eq!(on.delete("Order", 0).await, "ok", "{name}");
        assert_eq!(on.list("Part", "count", used(1).as_deref()).await, "[]", "{name}");
        assert_eq!(on.restore("Order", 0).await, "ok", "{name}");
        assert_eq!(on.list("Part", "count", used(0).as_deref()).await, "[]", "{name}");
        assert_eq!(on.differing_sums().await, Vec::<String>::new(), "{name}");
        assert_eq!(on.delete("Order", 0).await, "ok", "{name}");
        assert_eq!(on.purge("Order", 0).await, "ok", "{name}");
        assert_eq!(on.list("Part", "count", used(1).as_deref()).await, "[]", "{name}");
    }
}

/// What a deletion takes along has its own limit; what is asked for beside it keeps that of every request.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deletion_leaves_the_other_requests_their_limits() {
    let model = r#"
type Order @open { lines: [Line!] @inverse(field: "order") }
type Line @open { order: Order! @onDelete(do: CASCADE) part: Part! }
type Part @open {
  count: Int @computed(is: "size(this.lines)", stored: COMMIT)
  lines: [Line!] @inverse(field: "part")
}
type Group @open @check(rule: "size(this.items) <= 2", message: "too many", on: COMMIT) {
  items: [Item!] @inverse(field: "group")
}
type Item @open { group: Group! }"#;
    for mut on in Served::both(model) {
        let name = on.database;
        let empty = |count: usize| format!("[{}]", vec!["{}"; count].join(","));
        assert_eq!(on.create("Order", &empty(2)).await, "ok", "{name}");
        // Parts from 2, groups from 1004.
        for of in ["Part", "Group"] {
            assert_eq!(on.create(of, &empty(501)).await, "ok", "{name}");
            assert_eq!(on.create(of, &empty(501)).await, "ok", "{name}");
        }
        assert_eq!(
            on.create("Line", r#"[{"order":"%0","part":"%2"},{"order":"%1","part":"%3"}]"#).await,
            "ok",
            "{name}"
        );
        let of_each = |on: &Served, of: &str, owner: &str, (from, to): (usize, usize)| {
            let bodies = (from..to).map(|at| format!(r#"{{{owner}"{}"}}"#, on.id(at)));
            on.creating(of, &format!("[{}]", bodies.collect::<Vec<_>>().join(",")))
        };
        let order = format!(r#""order":"{}","part":"#, on.id(1));
        let lines = |from, to| of_each(&on, "Line", &order, (from, to));
        let items = |from, to| of_each(&on, "Item", r#""group":"#, (from, to));
        let requests = || vec![on.deleting("Order", 0), lines(2, 502), lines(502, 1003)];
        assert_eq!(on.together(requests()).await, "Some(2) too-large", "{name}: sums");
        let requests = || vec![on.deleting("Order", 0), items(1004, 1504), items(1504, 2005)];
        assert_eq!(on.together(requests()).await, "None too-large", "{name}: checks at commit");
        let requests = vec![on.deleting("Order", 0), lines(2, 502), lines(502, 1002), items(1004, 1504)];
        assert_eq!(on.together(requests).await, "ok", "{name}: as many as without the deletion");
        assert_eq!(on.differing_sums().await, Vec::<String>::new(), "{name}");
    }
}

/// A total that no number of its type holds is refused like one that has too many digits, and so is a total of totals.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_total_that_its_field_cannot_hold_is_refused() {
    let model = r#"
type Customer @open {
  total: Int @computed(is: "this.accounts.sum(a, a.total)", stored: COMMIT)
  accounts: [Account!] @inverse(field: "customer")
}
type Account @open {
  customer: Customer
  total: Int @computed(is: "this.items.sum(i, i.n)", stored: COMMIT)
  takes: Duration @computed(is: "this.items.sum(i, i.takes)", stored: COMMIT)
  paid: Decimal @precision(digits: 4, scale: 2) @computed(is: "this.items.sum(i, i.paid)", stored: COMMIT)
  items: [Item!] @inverse(field: "account")
}
type Item @open { account: Account!, n: Int, takes: Duration, paid: Decimal @precision(digits: 4, scale: 2) }"#;
    let too_large = |at: &str| {
        format!("invalid-values: {at} Range(\"this would make a stored sum larger than its field can hold\")")
    };
    let longest = format!(r#""{}""#, "PT9223372036854.775807S");
    for mut on in Served::both(model) {
        let name = on.database;
        assert_eq!(on.create("Customer", "{}").await, "ok", "{name}");
        assert_eq!(on.create("Account", r#"[{"customer":"%0"},{"customer":"%0"}]"#).await, "ok", "{name}");
        let most = format!(r#"{{"account":"%1","n":{},"paid":"99.99","takes":{longest}}}"#, i64::MAX);
        assert_eq!(on.create("Item", &most).await, "ok", "{name}");
        for more in [r#""n":1"#, r#""takes":"PT0.000001S""#, r#""paid":"0.01""#] {
            let item = format!(r#"{{"account":"%1",{more}}}"#);
            assert_eq!(on.create("Item", &item).await, too_large(""), "{name}: {more}");
        }
        assert_eq!(on.create("Item", r#"{"account":"%2","n":1}"#).await, too_large(""), "{name}: a total of totals");
        let two = r#"[{"account":"%2","n":-1},{"account":"%2","n":2}]"#;
        assert_eq!(on.create("Item", two).await, too_large("/1"), "{name}");
        assert_eq!(on.create("Item", r#"{"account":"%1","n":-1}"#).await, "ok", "{name}");
        assert_eq!(fields(&on, "Account", "total,paid").await, "9223372036854775806 \"99.99\"\n0 \"0.00\"\n", "{name}");
        assert_eq!(fields(&on, "Customer", "total").await, "9223372036854775806\n", "{name}");
        assert_eq!(on.differing_sums().await, Vec::<String>::new(), "{name}");
    }
}
