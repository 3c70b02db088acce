//! Amounts that share the currency of their record, or of one that it refers to.

use std::sync::Arc;

use backstay_base::Caller;
use backstay_rest::Raw;

use crate::{App, told, wrong};

const ORDERS: &str = r#"
type Order @open {
  currency: Currency! @immutable
  limit: Money @money(in: "currency")
  items: [Item!] @inverse(field: "order")
  total: Money @computed(is: "this.items.sum(i, i.price * i.quantity)")
  open: Money @computed(is: "this.limit - this.total")
}
type Rate @open { base: Money! }
type Item @open @index(fields: ["order", "price"]) {
  order: Order! @immutable
  quantity: Int! @default(to: 1)
  price: Money! @money(in: "order.currency") @range(min: 0) @check(rule: "this.price < money(1000, this.order.currency)", message: "cheap")
}
type Offer @open {
  rate: Rate
  currency: Currency! @default(from: "this.rate.base.currency")
  price: Money @money(in: "currency") @default(from: "round(this.rate.base * 1.081)")
  fee: Money @money(in: "currency") @default(to: 1)
  half: Money @computed(is: "round(this.price / 2)")
}
"#;

fn euros(amount: &str) -> String {
    format!(r#"{{"amount":"{amount}","currency":"EUR"}}"#)
}

async fn list(app: &App, of: &str, (filter, sort, select): (&str, &str, &str)) -> String {
    let request = app.client.list(of, |words| {
        words.filter = (!filter.is_empty()).then(|| filter.into());
        words.sort = (!sort.is_empty()).then(|| sort.into());
        words.select = Some(select.into());
    });
    let page = app.client.page(&Arc::new(Caller::anonymous()), request.expect("a list")).await.expect("a page");
    serde_json::from_slice::<serde_json::Value>(&page.body).expect("JSON")["items"].to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_amount_is_read_with_the_currency_of_its_record() {
    for app in App::both(ORDERS) {
        let caller = Arc::new(Caller::anonymous());
        let order = app.made("Order", &format!(r#"{{"currency":"EUR","limit":{}}}"#, euros("100"))).await;
        for price in [r#""12.50""#, "3", r#"{"amount":1.5,"currency":"eur"}"#] {
            app.made("Item", &format!(r#"{{"order":"{order}","price":{price},"quantity":2}}"#)).await;
        }
        assert_eq!(
            app.one(&caller, ("Order", order), "limit,total,open").await,
            r#"{"limit":{"amount":"100.00","currency":"EUR"},"open":{"amount":"66.00","currency":"EUR"},"total":{"amount":"34.00","currency":"EUR"}}"#,
            "{}",
            app.database
        );
        let check = async |filter: &str, sort: &str, expected: &[&str]| {
            let items: Vec<String> =
                expected.iter().map(|amount| format!(r#"{{"price":{}}}"#, euros(amount))).collect();
            let found = list(&app, "Item", (filter, sort, "price")).await;
            assert_eq!(found, format!("[{}]", items.join(",")), "{} {filter} {sort}", app.database);
        };
        check("", "price", &["1.50", "3.00", "12.50"]).await;
        check("", "-price", &["12.50", "3.00", "1.50"]).await;
        check("price > money(2, 'EUR')", "price", &["3.00", "12.50"]).await;
        check("price > money(2, 'USD')", "price", &[]).await;
        check("price.amount < 10 && price.currency == 'EUR'", "price", &["1.50", "3.00"]).await;
        check("price * 2 == money(6, order.currency)", "", &["3.00"]).await;
        check("price != null && order.limit > price", "price", &["1.50", "3.00", "12.50"]).await;
        check("order.items.exists(i, i.price < price)", "price", &["3.00", "12.50"]).await;
        assert_eq!(list(&app, "Order", ("total == money(34, 'EUR')", "", "currency")).await, r#"[{"currency":"EUR"}]"#);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_amount_in_another_currency_is_refused() {
    for app in App::both(ORDERS) {
        let caller = Arc::new(Caller::anonymous());
        let yen = app.made("Order", r#"{"currency":"JPY"}"#).await;
        let check = async |price: &str, expected: &str| {
            let told = told(app.create(&caller, "Item", &format!(r#"{{"order":"{yen}","price":{price}}}"#)).await);
            assert_eq!(told, expected, "{} {price}", app.database);
        };
        check("120", "ok").await;
        check(r#"{"amount":120,"currency":"JPY"}"#, "ok").await;
        let other = r#"/price Misused { problem: "the amount is in EUR, but `price` has JPY here", remedy: "send an amount in JPY" }"#;
        check(&euros("120"), other).await;
        check(r#""1.5""#, r#"/price Range("must have at most 0 digits after the point: its currency is JPY")"#).await;
        check("-1", r#"/price Range("must be at least 0")"#).await;
        check("1000", r#"/price Check { message: "cheap" }"#).await;
        check("null", "/price Required").await;
        let offer = app.made("Offer", r#"{"currency":"EUR","price":"2.50"}"#).await;
        let change = async |body: &str, expected: &str| {
            let told = told(app.update(&caller, ("Offer", offer), body).await);
            assert_eq!(told, expected, "{} {body}", app.database);
        };
        let both = "`price` is an amount in the currency that this would replace";
        let missing =
            format!(r#"/currency Misused {{ problem: "{both}", remedy: "send `price` in the new currency too" }}"#);
        change(r#"{"currency":"USD"}"#, &missing).await;
        let other = "the amount is in USD, but `price` has EUR here";
        let refused = format!(
            r#"/price Misused {{ problem: "{other}", remedy: "send an amount in EUR, or change `currency` too" }}"#
        );
        change(r#"{"price":{"amount":"2.50","currency":"USD"}}"#, &refused).await;
        change(r#"{"currency":"EUR","price":"2.50"}"#, "ok").await;
        let fee = missing.replace("price", "fee");
        change(r#"{"currency":"USD","price":"2.50"}"#, &fee).await;
        change(r#"{"currency":"USD","price":"2.50","fee":null}"#, "ok").await;
        change(r#"{"currency":"CHF","price":{"amount":"3","currency":"CHF"}}"#, "ok").await;
        assert_eq!(
            app.one(&caller, ("Offer", offer), "price,fee,half").await,
            r#"{"fee":null,"half":{"amount":"1.50","currency":"CHF"},"price":{"amount":"3.00","currency":"CHF"}}"#
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_model_gives_amounts_in_the_currency() {
    for app in App::both(ORDERS) {
        let caller = Arc::new(Caller::anonymous());
        let rate = app.made("Rate", &format!(r#"{{"base":{}}}"#, euros("12.50"))).await;
        let offer = app.create(&caller, "Offer", &format!(r#"{{"rate":"{rate}"}}"#)).await.expect("an offer");
        assert_eq!(
            app.one(&caller, ("Offer", offer), "price,fee,half").await,
            r#"{"fee":{"amount":"1.00","currency":"EUR"},"half":{"amount":"6.76","currency":"EUR"},"price":{"amount":"13.51","currency":"EUR"}}"#,
            "{}",
            app.database
        );
        let other = told(app.create(&caller, "Offer", &format!(r#"{{"rate":"{rate}","currency":"USD"}}"#)).await);
        assert_eq!(
            other,
            r#"/price Misused { problem: "the amount is in EUR, but `price` has USD here", remedy: "send an amount in USD, or change `currency` too" }"#,
            "{}",
            app.database
        );
    }
}

/// The amount is as visible as its currency: also to what finds, sorts and pages by it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_amount_whose_currency_is_hidden_is_hidden() {
    const MODEL: &str = r#"
type Order @allow(read: "this.shown") { shown: Boolean! currency: Currency! @immutable items: [Item!] @inverse(field: "order") }
type Item @open { order: Order! @immutable  n: Int price: Money! @money(in: "order.currency") twice: Money @computed(is: "this.price * 2") }
"#;
    for app in App::both(MODEL) {
        let mut hidden = String::new();
        for (n, (shown, amount)) in [("true", 3), ("false", 9), ("false", 2), ("false", 5)].into_iter().enumerate() {
            let order = app.made("Order", &format!(r#"{{"shown":{shown},"currency":"EUR"}}"#)).await;
            hidden = app.made("Item", &format!(r#"{{"n":{n},"order":"{order}","price":{amount}}}"#)).await.to_string();
        }
        let check = async |(filter, sort, select): (&str, &str, &str), expected: &str| {
            let found = list(&app, "Item", (filter, sort, select)).await;
            assert_eq!(found, expected, "{filter} {sort} {}", app.database);
        };
        let seen = format!(r#"[{{"price":{}}},{{}},{{}},{{}}]"#, euros("3.00"));
        check(("", "", "price"), &seen).await;
        check(("price.amount > 0", "", "n"), r#"[{"n":0}]"#).await;
        check(("price == null", "", "n"), r#"[{"n":1},{"n":2},{"n":3}]"#).await;
        check(("twice == null", "", "n"), r#"[{"n":1},{"n":2},{"n":3}]"#).await;
        // What is hidden is in the order of the ids, which is that in which they were made.
        check(("", "price", "n"), r#"[{"n":0},{"n":1},{"n":2},{"n":3}]"#).await;
        check(("", "-price", "n"), r#"[{"n":3},{"n":2},{"n":1},{"n":0}]"#).await;
        let equal = app.client.list("Item", |words| words.equals = vec![("price".to_owned(), Raw::Text("5".into()))]);
        let page = app.client.page(&Arc::new(Caller::anonymous()), equal.expect("a list")).await.expect("a page");
        assert!(page.body.starts_with(br#"{"items":[]"#), "{}", String::from_utf8_lossy(&page.body));
        let paged = app.client.list("Item", |words| {
            words.sort = Some("-price".into());
            words.limit = Some(1);
        });
        let page = app.client.page(&Arc::new(Caller::anonymous()), paged.expect("a list")).await.expect("a page");
        let body: serde_json::Value = serde_json::from_slice(&page.body).expect("JSON");
        let next = body["next"].as_str().expect("there are more");
        let next = base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, next).expect("base64");
        // What a cursor begins with says how the list is sorted.
        assert_eq!(String::from_utf8_lossy(&next[5..]), format!(r#"[null,"{hidden}"]"#));
    }
}

/// Whether an amount is the stored one isn't told to those who neither see nor may write it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hidden_amount_cannot_be_guessed_by_sending_it_back() {
    const MODEL: &str = r#"
type Order @allow(read: "this.shown") { shown: Boolean! currency: Currency! @immutable }
type Item @allow(read: "true", create: "true") @allow(update: "true", only: ["n"]) {
  order: Order! @immutable
  n: Int
  price: Money @money(in: "order.currency")
  fixed: Money @immutable @money(in: "order.currency")
}
"#;
    for app in App::both(MODEL) {
        for (shown, same) in [("true", "ok"), ("false", "/price FieldForbidden")] {
            let order = app.made("Order", &format!(r#"{{"shown":{shown},"currency":"EUR"}}"#)).await;
            let item = app.made("Item", &format!(r#"{{"order":"{order}","price":5,"fixed":6}}"#)).await;
            let anyone = Arc::new(Caller::anonymous());
            let check = async |body: &str, expected: &str| {
                let told = told(app.update(&anyone, ("Item", item), body).await);
                assert_eq!(told.split(" {").next(), Some(expected), "{body} {shown}");
            };
            let other = "/price FieldForbidden";
            let fixed = "/fixed ReadOnly(\"this field can't change after creation\")";
            check(r#"{"price":"5"}"#, same).await;
            check(r#"{"price":"4"}"#, other).await;
            check(r#"{"price":{"amount":"5","currency":"EUR"}}"#, same).await;
            check(
                r#"{"price":{"amount":"5","currency":"USD"}}"#,
                if shown == "true" { "/price Misused" } else { other },
            )
            .await;
            check(r#"{"fixed":"6"}"#, if shown == "true" { "ok" } else { fixed }).await;
            check(r#"{"fixed":"7"}"#, fixed).await;
        }
    }
}

#[test]
fn an_amount_shares_a_currency_that_it_always_has() {
    let check = |field: &str, expected: &str| {
        let model = format!(
            "enum S {{ A @initial @to(state: \"B\", set: {{field: \"next\", to: \"'JPY'\"}}) B }}\n\
             type O @open {{ s: S! set: Currency! @immutable @set(on: WRITE, to: \"'EUR'\") next: Currency! @immutable currency: Currency! moving: Currency! fixed: Currency! @immutable }}\n\
             type T @open {{ currency: Currency! maybe: Currency kept: Currency! @allow(read: \"auth.id != null\") o: O! @immutable open: O! maybeO: O list: [O!] name: String {field} }}"
        );
        let wrong = wrong(&model);
        let wrong: Vec<&str> = wrong.iter().filter_map(|wrong| wrong.split_once(' ')).map(|(_, rest)| rest).collect();
        assert_eq!(wrong.join("; "), expected, "{field}");
    };
    check("price: Money @money(in: \"currency\")", "");
    check("price: Money @money(in: \"o.fixed\")", "");
    check("price: Money @money(in: \"kept\") @allow(read: \"auth.id != null\")", "");
    check("price: Money @money(in: \"curency\")", "T has no field `curency` (did you mean `currency`?)");
    check("price: Money @money(in: \"name\")", "`T.name` isn't a `Currency` (name a field of the type `Currency!`)");
    check(
        "price: Money @money(in: \"maybe\")",
        "`T.maybe` can be missing, and an amount always has a currency (write `Currency!`)",
    );
    check(
        "price: Money @money(in: \"kept\")",
        "`T.kept` can be hidden from callers who read the amount (give both the same `read:`, or let everyone who reads the record read the currency)",
    );
    check(
        "price: Money @money(in: \"o.moving\")",
        "`O.moving` can change, which would change the amounts of other records (mark it `@immutable`, or give each record a `currency` of its own)",
    );
    check(
        "price: Money @money(in: \"open.fixed\")",
        "`T.open` can change, and the new record could have another currency (mark it `@immutable`, or give the record a `currency` of its own)",
    );
    check(
        "price: Money @money(in: \"maybeO.fixed\")",
        "`T.maybeO` can be missing, and an amount always has a currency (write `!` after its type)",
    );
    check(
        "price: Money @money(in: \"o.set\")",
        "`O.set` is changed by `@set`, which would change the currency of amounts (let `@set` be `on: CREATE`, or give the record of the amount a `currency` of its own)",
    );
    check(
        "price: Money @money(in: \"o.next\")",
        "`O.next` is set by a transition, which would change the currency of amounts (remove it from `set:`, or give the record of the amount a `currency` of its own)",
    );
    check(
        "price: Money @money(in: \"list.fixed\")",
        "`T.list` isn't a relation to one record (name a relation that this type declares, or a currency of its own)",
    );
    check(
        "price: Decimal @money(in: \"currency\")",
        "`@money` has no meaning for this field (it is for `Money`: write `Money @money(in: …)`)",
    );
    check(
        "price: Money @money(in: \"currency\") @precision(scale: 2)",
        "`@precision` has no meaning for this field (remove it: an amount has as many digits after the point as its currency)",
    );
    check(
        "price: Money @money(in: \"currency\") @backfill(from: \"money(1, 'EUR')\")",
        "`@backfill` gives amounts with currencies of their own (let it give a `Money` without `@money` first; with the next change of the model, add `@money`)",
    );
    check(
        "price: Money @money(in: \"currency\") @computed(is: \"money(1, 'EUR')\")",
        "a computed amount has the currency that it is computed in (remove `@money`)",
    );
    let embedded = "type E @embedded { currency: Currency! a: Money @money(in: \"currency\") } type T @open { e: E }";
    let expected = "2:49 a member of an embedded type can't share a currency (remove `@money`, so that the amount has a currency of its \
                    own, or move the field to the type with records)";
    assert_eq!(wrong(embedded), [expected]);
}

const SUMS: &str = r#"
type Order @open @check(rule: "this.total <= this.limit", message: "within the limit") @index(fields: ["total"]) {
  currency: Currency! @immutable
  limit: Money! @money(in: "currency")
  items: [Item!] @inverse(field: "order")
  total: Money @money(in: "currency") @computed(is: "this.items.sum(i, i.price * i.quantity)", stored: COMMIT)
  dearest: Money @money(in: "currency") @computed(is: "this.items.max(i, i.price)", stored: COMMIT)
  few: Money @money(in: "currency") @computed(is: "this.items.sum(i, i.quantity < 3 ? i.price : money(0, i.order.currency))", stored: COMMIT)
  number: Decimal @computed(is: "this.items.sum(i, i.price.amount)", stored: COMMIT)
}
type Item @open { order: Order! @immutable  quantity: Int! @default(to: 1)  price: Money! @money(in: "order.currency") }
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stored_sum_of_amounts_follows_its_members() {
    for app in App::both(SUMS) {
        let caller = Arc::new(Caller::anonymous());
        let order = app.made("Order", r#"{"currency":"EUR","limit":100}"#).await;
        let check = async |total: &str, dearest: &str, number: &str| {
            let expected = format!(r#"{{"dearest":{dearest},"number":"{number}","total":{}}}"#, euros(total));
            let found = app.one(&caller, ("Order", order), "total,dearest,number").await;
            assert_eq!(found, expected, "{}", app.database);
        };
        check("0.00", "null", "0.0000").await;
        let body =
            |price: &str, quantity: i64| format!(r#"{{"order":"{order}","price":"{price}","quantity":{quantity}}}"#);
        let pens = app.create(&caller, "Item", &body("12.50", 3)).await.expect("an item");
        let ink = app.create(&caller, "Item", &body("20.05", 1)).await.expect("an item");
        check("57.55", &euros("20.05"), "32.5500").await;
        let few = app.one(&caller, ("Order", order), "few").await;
        assert_eq!(few, format!(r#"{{"few":{}}}"#, euros("20.05")), "{}", app.database);
        let refused = told(app.create(&caller, "Item", &body("12.50", 4)).await);
        assert!(refused.contains("within the limit"), "{} {refused}", app.database);
        app.update(&caller, ("Item", pens), r#"{"quantity":1}"#).await.expect("fewer");
        check("32.55", &euros("20.05"), "32.5500").await;
        app.delete(&caller, ("Item", ink)).await.expect("it goes");
        check("12.50", &euros("12.50"), "12.5000").await;
        assert_eq!(
            list(&app, "Order", ("total == money(12.50, currency)", "total", "currency")).await,
            r#"[{"currency":"EUR"}]"#
        );
        assert_eq!(list(&app, "Order", ("total > money(1, 'USD')", "", "currency")).await, "[]");
    }
}

#[test]
fn a_stored_sum_is_of_amounts_in_its_own_currency() {
    let check = |total: &str, price: &str, expected: &str| {
        let model = format!(
            r#"type O @open {{ currency: Currency! @immutable items: [I!] @inverse(field: "o") total: {total} stored: COMMIT) }}
type I @open {{ o: O! @immutable currency: Currency! @immutable price: {price} }}"#
        );
        let wrong = wrong(&model);
        let wrong: Vec<&str> = wrong.iter().filter_map(|wrong| wrong.split_once(' ')).map(|(_, rest)| rest).collect();
        assert_eq!(wrong.join("; "), expected, "{total} {price}");
    };
    let sum = r#"Money @money(in: "currency") @computed(is: "this.items.sum(i, i.price)""#;
    check(sum, r#"Money @money(in: "o.currency")"#, "");
    let unstored = "or remove `stored:` to compute the value whenever it is read";
    let other = format!(
        "these amounts can be in another currency than the stored sum (give them the sum's currency, as with `@money(in: \"order.currency\")` if the sum has `@money(in: \"currency\")`, {unstored})"
    );
    check(sum, r#"Money @money(in: "currency")"#, &other);
    check(sum, "Money", &other);
    check(&sum.replace("i.price", "money(1, 'EUR')"), r#"Money @money(in: "o.currency")"#, &other);
    let shares = format!(
        "a stored sum of Money must share its currency with the amounts (write `@money(in: …)` on the field and on the amounts, or aggregate their `.amount`, {unstored})"
    );
    check(r#"Money @computed(is: "this.items.sum(i, i.price)""#, r#"Money @money(in: "o.currency")"#, &shares);
}
