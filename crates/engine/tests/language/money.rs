//! Amounts of money that the model gives fields, and that rules and checks compare.

use std::sync::Arc;

use backstay_base::Caller;

use crate::{App, told};

const LINES: &str = r#"
type Cart @open { lines: [Line!] @inverse(field: "cart")  limit: Money  left: Money @computed(is: "this.limit - this.lines.sum(l, l.price * l.quantity)") }
type Rate @open { factor: Decimal!  base: Money! }
type Line @allow(read: "this.price < money(1000, 'EUR')", create: "this.rate.base * 2 != this.rate.base", update: "true", delete: "true") {
  cart: Cart  rate: Rate!  quantity: Int! @default(to: 1)
  price: Money @default(from: "round(this.rate.base * this.rate.factor)")
  exact: Money @set(on: WRITE, when: "this.quantity == 7", to: "this.rate.base * this.rate.factor")
  share: Money @set(on: WRITE, to: "round(this.price / 3)")
  code: Currency @default(from: "this.price.currency")
}
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_model_computes_amounts() {
    for app in App::both(LINES) {
        let caller = Arc::new(Caller::anonymous());
        let rate = |factor: &str, amount: &str, currency: &str| {
            format!(r#"{{"factor":"{factor}","base":{{"amount":"{amount}","currency":"{currency}"}}}}"#)
        };
        let cart = app.made("Cart", r#"{"limit":{"amount":"100","currency":"EUR"}}"#).await;
        let euros = app.made("Rate", &rate("1.081", "12.50", "EUR")).await;
        let yen = app.made("Rate", &rate("1.5", "101", "JPY")).await;
        let line = async |body: String| {
            let id = app.create(&caller, "Line", &body).await.expect("a line");
            app.one(&Arc::new(Caller::system()), ("Line", id), "price,share,code").await
        };
        assert_eq!(
            line(format!(r#"{{"cart":"{cart}","rate":"{euros}","quantity":2}}"#)).await,
            r#"{"code":"EUR","price":{"amount":"13.51","currency":"EUR"},"share":{"amount":"4.50","currency":"EUR"}}"#,
        );
        let left = app.one(&caller, ("Cart", cart), "left").await;
        assert_eq!(left, r#"{"left":{"amount":"72.98","currency":"EUR"}}"#, "{}", app.database);
        assert_eq!(
            line(format!(r#"{{"cart":"{cart}","rate":"{yen}"}}"#)).await,
            r#"{"code":"JPY","price":{"amount":"152","currency":"JPY"},"share":{"amount":"51","currency":"JPY"}}"#,
        );
        // What the anonymous caller reads is one line in euros: the other one doesn't compare with euros.
        assert_eq!(app.list(&caller, "Line", "code").await, r#"[{"code":"EUR"}]"#, "{}", app.database);
        assert_eq!(app.one(&caller, ("Cart", cart), "left").await, left, "{}", app.database);
        let whole = app.one(&Arc::new(Caller::system()), ("Cart", cart), "left").await;
        assert_eq!(whole, r#"{"left":null}"#, "{}", app.database);
        let refused = app.create(&caller, "Line", &format!(r#"{{"rate":"{euros}","quantity":7}}"#)).await;
        let refused = told(refused);
        assert!(refused.starts_with("/exact "), "{} {refused}", app.database);
        let nothing = app.made("Rate", &rate("1", "0", "EUR")).await;
        let refused = app.create(&caller, "Line", &format!(r#"{{"rate":"{nothing}"}}"#)).await;
        assert_eq!(told(refused), "sign-in-required", "{}", app.database);
    }
}

const PRICES: &str = r#"
extend schema @rule(name: "priceOf(v: Variant, q: Int)", is: "v.prices.first(p, p.minQuantity <= q, [-p.list.rank, p.amount]).amount")
type List @open { rank: Int! }
type Variant @open { name: String!  prices: [Price!] @inverse(field: "variant")  single: Money @computed(is: "priceOf(this, 1)") }
type Price @open { variant: Variant!  list: List!  minQuantity: Int! @default(to: 1)  amount: Money! }
type Line @allow(read: "true", create: "priceOf(this.variant, this.quantity) != null") {
  variant: Variant!
  quantity: Int!
  price: Money @set(on: CREATE, to: "priceOf(this.variant, this.quantity)")
}
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_price_is_the_least_of_the_list_with_the_highest_rank() {
    for app in App::both(PRICES) {
        let caller = Arc::new(Caller::anonymous());
        let shop = app.made("List", r#"{"rank":1}"#).await;
        let sale = app.made("List", r#"{"rank":2}"#).await;
        let pen = app.made("Variant", r#"{"name":"pen"}"#).await;
        let ink = app.made("Variant", r#"{"name":"ink"}"#).await;
        let price = async |variant, list, least: u32, (amount, currency): (&str, &str)| {
            let money = format!(r#"{{"amount":"{amount}","currency":"{currency}"}}"#);
            let body = format!(r#"{{"variant":"{variant}","list":"{list}","minQuantity":{least},"amount":{money}}}"#);
            app.made("Price", &body).await
        };
        price(pen, shop, 1, ("1.00", "USD")).await;
        price(pen, shop, 1, ("9.00", "EUR")).await;
        price(pen, sale, 1, ("5.00", "EUR")).await;
        price(pen, sale, 10, ("4.00", "EUR")).await;
        price(ink, shop, 1, ("2.00", "USD")).await;
        price(ink, shop, 1, ("3.00", "EUR")).await;
        let sold = async |variant, quantity: u32| {
            app.create(&caller, "Line", &format!(r#"{{"variant":"{variant}","quantity":{quantity}}}"#)).await
        };
        for (quantity, amount) in [(1, "5.00"), (10, "4.00")] {
            let line = sold(pen, quantity).await.expect("a line");
            let expected = format!(r#"{{"price":{{"amount":"{amount}","currency":"EUR"}}}}"#);
            assert_eq!(app.one(&caller, ("Line", line), "price").await, expected, "{}", app.database);
        }
        // The prices of ink in the only list are in two currencies, of which neither is the lower one.
        assert_eq!(told(sold(ink, 1).await.map(|_| ())), "sign-in-required", "{}", app.database);
        let singles = app.list(&caller, "Variant", "name,single").await;
        let expected = r#"[{"name":"pen","single":{"amount":"5.00","currency":"EUR"}},{"name":"ink","single":null}]"#;
        assert_eq!(singles, expected, "{}", app.database);
    }
}
