//! Requests that write the same records in different orders, at the same time: none waits for one that waits for it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use backstay_engine::{MatchingAct, Request};

use crate::support::{Sent, Served};

/// Orders of customers with lines, whose sums are kept, and products that are sold with them.
const SHOP: &str = r#"
type Customer @open { name: String  spent: Int @computed(is: "this.orders.sum(o, o.total)", stored: COMMIT) orders: [Order!] @inverse(field: "customer") }
type Order @open @check(rule: "this.lines.count(l, l.n < 0) == 0", message: "no returns", on: COMMIT) {
  note: String
  customer: Customer! @onDelete(do: CASCADE)
  total: Int @computed(is: "this.lines.sum(l, l.n)", stored: COMMIT)
  lines: [Line!] @inverse(field: "order")
}
type Line @open @unique(fields: ["order", "place"]) {
  order: Order! @onDelete(do: CASCADE)
  place: Int!
  n: Int! @default(to: 1)
}
type Shelf @open { items: [Item!] @inverse(field: "shelf") }
type Item @open { shelf: Shelf!  n: Int! @default(to: 0) }
type Product @open { code: String! @unique  stock: Int! @default(to: 0) }
"#;

/// A customer (0) with an order (1) of four lines (2 to 5), and four products (6 to 9).
async fn shop() -> Served {
    let mut on = Served::postgres(SHOP);
    assert_eq!(on.create("Customer", r#"{"name":"Ann"}"#).await, "ok");
    assert_eq!(on.create("Order", r#"{"customer":"%0"}"#).await, "ok");
    for place in 1..=4 {
        assert_eq!(on.create("Line", &format!(r#"{{"order":"%1","place":{place}}}"#)).await, "ok");
    }
    for code in ["a", "b", "c", "d"] {
        assert_eq!(on.create("Product", &format!(r#"{{"code":"{code}"}}"#)).await, "ok");
    }
    on
}

/// How often each round is sent.
const ROUNDS: usize = 15;

/// Sends the same requests at once, again and again: all are done, and no deadlock is noticed.
async fn check(on: &Served, requests: impl Fn() -> Vec<Sent>) {
    for _ in 0..ROUNDS {
        let requests = requests();
        let expected = BTreeMap::from([("ok".to_owned(), requests.len())]);
        assert_eq!(on.all_at_once(requests).await, expected);
    }
    assert_eq!(on.deadlocks(), 0);
    assert_eq!(on.differing_sums().await, Vec::<String>::new());
}

fn alone(requests: impl IntoIterator<Item = Request>) -> Vec<Sent> {
    requests.into_iter().map(Box::new).map(Sent::Alone).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn children_are_changed_in_opposite_orders() {
    let mut on = shop().await;
    assert_eq!(on.create("Shelf", r#"{"items":[{},{},{},{}]}"#).await, "ok");
    on.learn("Item").await;
    let change = |items: [usize; 4]| {
        let each = items.map(|item| format!(r#"{{"id":"%{item}","n":{{"$inc":1}}}}"#));
        on.updating("Shelf", 10, &format!(r#"{{"items":{{"$change":[{}]}}}}"#, each.join(",")))
    };
    let orders = [[11, 12, 13, 14], [14, 13, 12, 11], [12, 11, 14, 13], [13, 14, 11, 12]];
    check(&on, || alone(orders.map(change))).await;
    let items = on.list("Item", "n", Some("n == 60")).await;
    assert_eq!((items.matches("60").count(), ROUNDS), (4, 15), "{items}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_parent_its_children_and_what_is_above_them_are_changed_at_once() {
    let on = shop().await;
    let whole = r#"{"note":"w","lines":[{"place":4,"n":2},{"place":3,"n":2},{"place":2},{"place":1,"n":3}]}"#;
    check(&on, || {
        alone([
            on.updating("Order", 1, whole),
            on.updating("Line", 5, r#"{"n":{"$inc":1}}"#),
            on.updating("Line", 2, r#"{"n":{"$inc":1}}"#),
            on.updating(
                "Customer",
                0,
                r#"{"orders":{"$change":[{"id":"%1","lines":{"$change":[{"id":"%3","n":7}]}}]}}"#,
            ),
            on.updating("Order", 1, r#"{"note":"n"}"#),
            on.matching("Line", "n > 0", MatchingAct::Update(on.input("Line", r#"{"n":{"$inc":2}}"#))),
        ])
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn children_come_and_go_while_their_parent_is_written() {
    let mut on = shop().await;
    for round in 0..ROUNDS {
        // Each round has an order of its own: customer 0, the order and two lines.
        let first = 10 + round * 3;
        assert_eq!(on.create("Order", r#"{"customer":"%0"}"#).await, "ok");
        for place in [1, 2] {
            assert_eq!(on.create("Line", &format!(r#"{{"order":"%{first}","place":{place}}}"#)).await, "ok");
        }
        let sent = alone([
            on.updating("Order", first, r#"{"lines":[{"place":2,"n":5},{"place":3}]}"#),
            on.deleting("Line", first + 1),
            on.updating(
                "Order",
                first,
                &format!(r#"{{"lines":{{"$add":[{{"place":9}}],"$change":[{{"id":"%{}","n":4}}]}}}}"#, first + 2),
            ),
            on.deleting("Order", first),
            on.matching("Line", &format!("order == '%{first}'"), MatchingAct::Delete),
        ]);
        // What another one has deleted isn't there: nothing else is refused.
        let answers = on.all_at_once(sent).await;
        let is_expected = |answer: &String| {
            answer == "ok" || answer == "not-found" || answer.starts_with("invalid-values: /lines/$change/0/id")
        };
        assert!(answers.keys().all(is_expected), "{answers:?}");
    }
    assert_eq!(on.deadlocks(), 0);
    assert_eq!(on.differing_sums().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn arrays_are_created_or_changed_in_opposite_orders() {
    let on = shop().await;
    let upsert = |stock: usize, codes: [&str; 4]| {
        let each = codes.map(|code| format!(r#"{{"code":"{code}","stock":{stock}}}"#));
        on.upserting("Product", "code", &format!("[{}]", each.join(",")))
    };
    // The first round creates two of them.
    let arrays = [["a", "b", "x", "y"], ["y", "x", "b", "a"], ["x", "a", "y", "b"], ["b", "y", "a", "x"]];
    check(&on, || alone(arrays.into_iter().enumerate().map(|(stock, codes)| upsert(stock, codes)))).await;
    let made = on.list("Product", "code", Some("code > 'd'")).await;
    assert_eq!(made.matches("code").count(), 2, "{made}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_records_are_changed_by_filters_arrays_and_together() {
    let on = shop().await;
    let add = |number: usize| on.updating("Product", number, r#"{"stock":{"$inc":1}}"#);
    check(&on, || {
        let bulk =
            on.matching("Product", "code < 'e'", MatchingAct::Update(on.input("Product", r#"{"stock":{"$inc":1}}"#)));
        vec![
            Sent::Together([6, 7, 8, 9].map(add).into()),
            Sent::Together([9, 8, 7, 6].map(add).into()),
            Sent::Alone(bulk.into()),
            Sent::Alone(add(6).into()),
        ]
    })
    .await;
    let stock = on.list("Product", "stock", Some("code == 'a'")).await;
    assert_eq!(stock, format!(r#"[{{"stock":{}}}]"#, ROUNDS * 4));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ranges_of_several_series_are_written_in_opposite_orders() {
    let model = r#"type Booking @open @exclude(fields: ["room"], from: "start", to: "end") { room: String!  start: Int!  end: Int! }"#;
    let on = Served::postgres(model);
    let next = AtomicUsize::new(0);
    let book = |rooms: [&str; 4]| {
        let start = next.fetch_add(1, Ordering::Relaxed);
        rooms.map(|room| format!(r#"{{"room":"{room}","start":{start},"end":{}}}"#, start + 1))
    };
    check(&on, || {
        let array =
            |rooms: [&str; 4]| Sent::Alone(on.creating("Booking", &format!("[{}]", book(rooms).join(","))).into());
        let each = |rooms: [&str; 4]| Sent::Together(book(rooms).map(|body| on.creating("Booking", &body)).into());
        vec![
            array(["a", "b", "c", "d"]),
            array(["d", "c", "b", "a"]),
            each(["b", "a", "d", "c"]),
            each(["c", "d", "a", "b"]),
        ]
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_of_several_sums_are_made_in_opposite_orders() {
    let model = r#"
        type Shop @open { total: Int @computed(is: "this.sales.sum(s, s.n)", stored: COMMIT)  sales: [Sale!] @inverse(field: "shop") }
        type Sale @open { shop: Shop!  n: Int! @default(to: 1) }"#;
    let mut on = Served::postgres(model);
    for _ in 0..4 {
        assert_eq!(on.create("Shop", "{}").await, "ok");
    }
    check(&on, || {
        let sell = |shops: [usize; 4]| shops.map(|shop| format!(r#"{{"shop":"%{shop}"}}"#));
        let each = |shops: [usize; 4]| Sent::Together(sell(shops).map(|body| on.creating("Sale", &body)).into());
        let array =
            |shops: [usize; 4]| Sent::Alone(on.creating("Sale", &format!("[{}]", sell(shops).join(","))).into());
        vec![each([0, 1, 2, 3]), each([3, 2, 1, 0]), array([1, 0, 3, 2]), each([2, 3, 0, 1])]
    })
    .await;
}
