//! Amounts of money whose currency moves to a field of the record, or away from it.

use super::obstacles::refused;
use super::{Change, check};

const WHOLE: &str = r#"type O @open { currency: Currency! @immutable } type P @open @history(read: "true") { currency: Currency! price: Money }
type I @open { o: O! @immutable price: Money! }"#;
const SHARED: &str = r#"type O @open { currency: Currency! @immutable } type P @open @history(read: "true") { currency: Currency! price: Money @money(in: "currency") }
type I @open { o: O! @immutable price: Money! @money(in: "o.currency") }"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn amounts_share_the_currency_of_their_record() {
    check(
        "amounts_share_the_currency_of_their_record",
        Change {
            old: WHOLE,
            records: &[
                ("O", r#"{"currency":"EUR"}"#),
                ("P", r#"{"currency":"EUR","price":{"amount":"1.50","currency":"EUR"}}"#),
                ("P", r#"{"currency":"USD"}"#),
                ("I", r#"{"o":"%0","price":{"amount":"2","currency":"EUR"}}"#),
            ],
            new: SHARED,
            then: &[("P", "price"), ("I", "price")],
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn amounts_get_a_currency_of_their_own() {
    check(
        "amounts_get_a_currency_of_their_own",
        Change {
            old: SHARED,
            records: &[
                ("O", r#"{"currency":"EUR"}"#),
                ("P", r#"{"currency":"EUR","price":"1.50"}"#),
                ("P", r#"{"currency":"USD"}"#),
                ("I", r#"{"o":"%0","price":2}"#),
            ],
            new: WHOLE,
            then: &[("P", "price"), ("I", "price")],
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shared_currency_is_renamed() {
    check(
        "a_shared_currency_is_renamed",
        Change {
            old: r#"type P @open { currency: Currency! price: Money @money(in: "currency") }"#,
            records: &[("P", r#"{"currency":"EUR","price":"1.50"}"#)],
            new: r#"type P @open { unit: Currency! @renamed(from: "currency") cost: Money @renamed(from: "price") @money(in: "unit") }"#,
            then: &[("P", "unit,cost")],
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn amounts_in_another_currency_stand_in_the_way() {
    let records = [
        ("O", r#"{"currency":"USD"}"#),
        ("P", r#"{"currency":"EUR","price":{"amount":"1.50","currency":"USD"}}"#),
        ("P", r#"{"currency":"EUR"}"#),
        ("I", r#"{"o":"%0","price":{"amount":"2","currency":"EUR"}}"#),
    ];
    let change = "in another currency than the record's: %{}; change the currency or the amount of those records first";
    let found = |of: &str, id: &str| format!("1 record has {of} {}", change.replace("%{}", id));
    refused(WHOLE, &records, SHARED, &[
        &found("P.price", "%1"),
        &found("I.price", "%3"),
        "1 record has P history.price in another currency than the record's: 019c13ec-9e00-7004-9a21-1e6a663bd373; these amounts are deleted",
    ])
    .await;
    let other = |way: &str| {
        format!(r#"type P @open {{ currency: Currency! other: Currency! price: Money @money(in: "{way}") }}"#)
    };
    let records = [
        ("P", r#"{"currency":"EUR","other":"USD","price":"1.50"}"#),
        ("P", r#"{"currency":"EUR","other":"EUR","price":"1.50"}"#),
    ];
    refused(&other("currency"), &records, &other("other"), &[&found("P.price", "%0")]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stored_sum_of_amounts_is_added() {
    let model = |total: &str| {
        format!(
            r#"type O @open {{ currency: Currency! @immutable items: [I!] @inverse(field: "o") {total} }} type I @open {{ o: O! @immutable price: Money! @money(in: "o.currency") }}"#
        )
    };
    check(
        "a_stored_sum_of_amounts_is_added",
        Change {
            old: &model("name: String"),
            records: &[
                ("O", r#"{"currency":"EUR"}"#),
                ("O", r#"{"currency":"JPY"}"#),
                ("I", r#"{"o":"%0","price":"1.50"}"#),
                ("I", r#"{"o":"%0","price":2}"#),
            ],
            new: &model(
                r#"name: String total: Money @money(in: "currency") @computed(is: "this.items.sum(i, i.price * 2)", stored: COMMIT)"#,
            ),
            then: &[("O", "total")],
        },
    )
    .await;
}
