//! Computed fields, sent back as they were read.

use std::sync::Arc;

use backstay_base::Caller;

use crate::{App, told};

const ORDER: &str = r#"
enum Size { SMALL LARGE }
type Order @open {
  rate: Decimal @precision(digits: 10, scale: 4)  weight: Float  due: Date  lasts: Duration
  items: [Item!] @inverse(field: "order")
  count: Int @computed(is: "size(this.items)")
  total: Money @computed(is: "this.items.sum(i, i.price)")
  pieces: Int @computed(is: "this.items.sum(i, i.pieces)")
  share: Decimal @computed(is: "round(this.rate / 3, 5)") @precision(digits: 10, scale: 5)
  rough: Decimal @computed(is: "this.rate + this.rate") @precision(digits: 10, scale: 2)
  heavy: Float @computed(is: "this.weight / 3.0")
  last: DateTime @computed(is: "this.items.max(i, i.createdAt)")
  day: Date @computed(is: "this.due + duration(days: 2)")
  twice: Duration @computed(is: "this.lasts + this.lasts")
  name: String @computed(is: "this.items.first(i, true, [-i.pieces]).name")
  size: Size @computed(is: "size(this.items) > 1 ? 'LARGE' : 'SMALL'")
  open: Boolean @computed(is: "this.items.exists(i, i.pieces == null)")
}
type Item @open { order: Order!  name: String!  pieces: Int  price: Money }
"#;

const COMPUTED: [&str; 12] =
    ["count", "total", "pieces", "share", "rough", "heavy", "last", "day", "twice", "name", "size", "open"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_is_accepted_as_it_was_read_and_no_other_value() {
    for app in App::both(ORDER) {
        let caller = Arc::new(Caller::anonymous());
        let body = r#"{"rate":"-0.1250","weight":0.1,"due":"2026-02-27","lasts":"PT1H30M"}"#;
        let full = app.made("Order", body).await;
        let empty = app.made("Order", "{}").await;
        for (name, pieces) in [("A", "3"), ("B", "null"), ("C", "9000000000000000000")] {
            let price = r#"{"amount":"1.25","currency":"EUR"}"#;
            app.made("Item", &format!(r#"{{"order":"{full}","name":"{name}","pieces":{pieces},"price":{price}}}"#))
                .await;
        }
        let read = app.one(&caller, ("Order", full), &COMPUTED.join(",")).await;
        assert!(
            read.contains(r#""share":"-0.04167""#) && read.contains(r#""size":"LARGE""#),
            "{} {read}",
            app.database
        );
        for order in [full, empty] {
            let read = app.one(&caller, ("Order", order), "*").await;
            assert_eq!(told(app.update(&caller, ("Order", order), &read).await), "ok", "{} {read}", app.database);
            assert_eq!(app.one(&caller, ("Order", order), "*").await, read, "{}", app.database);
        }
        for (field, other) in [("count", "2"), ("heavy", "0.03"), ("total", "null"), ("size", r#""SMALL""#)] {
            let refused = format!(r#"/{field} ReadOnly("this field is computed")"#);
            let change = format!(r#"{{"{field}":{other}}}"#);
            assert_eq!(told(app.update(&caller, ("Order", full), &change).await), refused, "{}", app.database);
        }
    }
}
