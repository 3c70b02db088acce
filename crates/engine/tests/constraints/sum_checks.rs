//! Checks that name stored sums.

use futures_util::future::join_all;

use crate::sums::fields;
use crate::support::Served;

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
