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
