//! Limits of members in documents that hold values already: as of a column, what is too short or too long stays until it is
//! changed, and what is outside of a `@range` or doesn't match a `@pattern` stands in the way.

use std::sync::Arc;

use backstay_base::Caller;
use backstay_engine::{Error, Migration};
use backstay_testkit::TestClient;

use crate::changed::{Place, told};
use crate::obstacles::refused;

/// Pages with blocks in a list, in a union, in a value and within each other.
fn pages(quote: &str, picture: &str) -> String {
    format!(
        "type Quote @embedded {{ {quote} }} type Picture @embedded {{ {picture} of: [Quote!] }} union Block = Quote | Picture \
         type Page @open {{ title: String quotes: [Quote!] lead: Block blocks: [Block!] one: Quote }} \
         type Note @open {{ picture: [Picture!] }}"
    )
}

const QUOTE: &str = "text: String tags: [String!] stars: Int";
const PICTURE: &str = "name: String";

const RECORDS: [(&str, &str); 5] = [
    ("Page", r#"{"quotes":[{"text":"abc"},{"text":"abcd","tags":["x","y"]}],"one":{"text":"abc"}}"#),
    ("Page", r#"{"lead":{"__typename":"Quote","text":"abc"},"quotes":[{"text":"a"}]}"#),
    ("Page", r#"{"blocks":[{"__typename":"Picture","name":"p","of":[{"text":"abcd","stars":9},{"stars":8}]}]}"#),
    ("Page", "{}"),
    ("Note", r#"{"picture":[{"of":[{"text":"abc"}]}]}"#),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_whose_values_do_not_fit_are_counted() {
    let old = pages(QUOTE, PICTURE);
    let check = async |quote: &str, expected: &[&str]| refused(&old, &RECORDS, &pages(quote, PICTURE), expected).await;
    check(
        "text: String @length(max: 2) tags: [String!] stars: Int",
        &[
            "1 record has a value in Page.quotes that doesn't fit: %0",
            "1 record has a value in Page.lead that doesn't fit: %1",
            "1 record has a value in Page.blocks that doesn't fit: %2",
            "1 record has a value in Note.picture that doesn't fit: %4",
            "1 record has a value that doesn't fit: %0",
        ],
    )
    .await;
    check(
        "text: String tags: [String!] @length(min: 1, max: 1) stars: Int @range(max: 7)",
        &[
            "1 record has a value in Page.quotes that doesn't fit: %0",
            "1 value of Page.blocks, \"[{\"__typename\":\"Picture\",\"name\":\"p\",\"of\"…\", doesn't fit (at /0/of/0/stars: must \
             be at most 7): %2; change those records first",
        ],
    )
    .await;
    check(
        "text: String @pattern(is: \"a.*\") @length(max: 9) tags: [String!] @pattern(is: \"x\") stars: Int @range(min: 8)",
        &[
            "1 value of Page.quotes, \"[{\"text\":\"abc\",\"tags\":null,\"stars\":null}…\", doesn't fit (at /1/tags/1: must match \
             `x`): %0; change those records first",
        ],
    )
    .await;
}

/// More than are named.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_ten_records_are_named() {
    let old = "type D @embedded { a: String } type P @open { ds: [D!] }";
    let records = [("P", r#"{"ds":[{"a":"abc"},{"a":"abcd"}]}"#); 12];
    let named: Vec<String> = (0..10).map(|number| format!("%{number}")).collect();
    let expected = format!("12 records have a value in P.ds that doesn't fit: {}, and 2 more", named.join(", "));
    refused(old, &records, "type D @embedded { a: String @length(max: 2) } type P @open { ds: [D!] }", &[&expected])
        .await;
}

/// Neither the step itself nor anything later is in the way of values that are longer than allowed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn old_values_stay_whatever_comes_later() {
    let model =
        |d: &str, e: &str, p: &str| format!("enum C {{ {e} }} type D @embedded {{ {d} }} type P @open {{ {p} }}");
    let old = model("a: String c: C es: [C!]", "RED BLUE", "ds: [D!] n: Int");
    let steps = [
        model("a: String @length(max: 2) c: C es: [C!] @length(max: 1)", "RED BLUE", "ds: [D!] n: Int"),
        model("a: String @length(max: 2) c: C es: [C!] @length(max: 1) b: Int", "RED BLUE", "ds: [D!] n: Int"),
        model(
            "b: Int c: C es: [C!] @length(max: 1) z: String @length(max: 1) @renamed(from: \"a\")",
            "RED BLUE",
            "ds: [D!] n: Int",
        ),
        model("b: Int c: C es: [C!] @length(max: 1) z: Text @length(max: 1)", "RED BLUE", "ds: [D!] n: Int"),
        model(
            "b: Int c: C es: [C!] @length(max: 1) z: Text @length(max: 1)",
            "RED GREEN @renamed(from: \"BLUE\")",
            "ds: [D!] n: String",
        ),
        model(
            "b: Int c: C es: [C!] @length(max: 1) z: Text @length(max: 1)",
            "RED GREEN",
            "xs: [D!] @renamed(from: \"ds\") n: String m: Int @sequence",
        ),
    ];
    for mut place in Place::both() {
        let name = place.name();
        place.apply(&old, false).expect("a database");
        place.create(&old, &[("P", r#"{"ds":[{"a":"abc","c":"BLUE","es":["RED","BLUE"]}]}"#)]).await;
        for model in &steps {
            let planned = told(&place.plan(model), &place);
            assert!(place.apply(model, false).is_ok(), "{name}: {model}: {planned:?}");
            assert_eq!(place.plan(model), [], "{name}");
            assert_eq!(place.differences(model), "", "{name}");
        }
        let last = &steps[steps.len() - 1];
        assert_eq!(
            place.records(last, ("P", "xs")).await,
            r#"{"items":[{"xs":[{"b":null,"c":"GREEN","es":["RED","GREEN"],"z":"abc"}]}],"next":null}"#,
            "{name}"
        );
    }
}

/// Values that were not a text or a list before are checked when they become one; so is free JSON.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn converted_values_must_fit() {
    let remedy = "change those records first, or give the field a `@backfill(from: …)`";
    let old = "type D @embedded { n: Int s: String } type P @open { ds: [D!] j: JSON }";
    let records = [("P", r#"{"ds":[{"n":123,"s":"abc"}],"j":[{"n":1,"s":"abc"}]}"#)];
    let check = async |new: &str, expected: &[&str]| refused(old, &records, new, expected).await;
    let shown = r#""[{"n":123,"s":"abc"}]""#;
    check(
        "type D @embedded { n: String @length(max: 2) s: String } type P @open { ds: [D!] j: JSON }",
        &[&format!(
            "1 value of P.ds, {shown}, can't be converted (at /0/n: must have at most 2 characters): %0; {remedy}"
        )],
    )
    .await;
    check(
        "type D @embedded { n: Int s: [String!] @length(min: 2) } type P @open { ds: [D!] j: JSON }",
        &[&format!("1 value of P.ds, {shown}, can't be converted (at /0/s: must have at least 2 items): %0; {remedy}")],
    )
    .await;
    check(
        "type D @embedded { n: Int s: String @length(max: 2) } type P @open { ds: [D!] j: [D!] }",
        &[
            &format!(
                "1 value of P.j, \"[{{\"n\":1,\"s\":\"abc\"}}]\", can't be converted (at /0/s: must have at most 2 characters): \
                 %0; {remedy}"
            ),
            "1 record has a value in P.ds that doesn't fit: %0",
        ],
    )
    .await;
    check(
        "type D @embedded { n: Float @range(max: 100.0) s: String } type P @open { ds: [D!] j: JSON }",
        &[&format!("1 value of P.ds, {shown}, can't be converted (at /0/n: must be at most 100): %0; {remedy}")],
    )
    .await;
}

/// Nobody can change an old version, so that no limit is asked of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn old_versions_keep_what_does_not_fit() {
    let model = |d: &str| format!("type D @embedded {{ {d} }} type P @open @history(read: \"true\") {{ ds: [D!] }}");
    let old = model("n: Int s: String");
    for mut place in Place::both() {
        let name = place.name();
        place.apply(&old, false).expect("a database");
        place.create(&old, &[("P", r#"{"ds":[{"n":9,"s":"abc"}]}"#)]).await;
        place.update(&old, ("P", 0), r#"{"ds":[]}"#).await;
        for model in [
            model("n: Int @range(max: 8) s: String @length(max: 2)"),
            model("m: Int @range(max: 8) @renamed(from: \"n\") s: String @length(max: 2)"),
        ] {
            let steps = place.plan(&model);
            assert!(place.apply(&model, false).is_ok(), "{name}: nothing is lost: {steps:?}");
        }
        let last = model("m: Int @range(max: 8) s: String @length(max: 2)");
        let first = r#"create {"ds":{"new":[{"m":9,"s":"abc"}],"old":null}}"#;
        assert_eq!(place.history(&last, ("P", 0)).await.last().map(String::as_str), Some(first), "{name}");
    }
}

/// A value can be kept, also at another place, and one that is too long may become shorter; nothing else.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_value_can_be_kept_but_not_changed_to_another_that_does_not_fit() {
    let model = |d: &str| format!("type D @embedded {{ {d} }} type P @open {{ ds: [D!] n: Int }}");
    let (old, new) =
        (model("a: String t: [String!]"), model("a: String @length(min: 2, max: 3) t: [String!] @length(max: 1)"));
    let stored = r#"{"ds":[{"a":"abcde","t":["x","y"]},{"a":"a"},{"a":"ab"},{"a":"vwxyz"}]}"#;
    for mut place in Place::both() {
        let name = place.name();
        place.apply(&old, false).expect("a database");
        place.create(&old, &[("P", stored)]).await;
        place.applied(&new);
        let (engine, _) = place.open(&new, Migration::Refuse).expect("the same model");
        let client = TestClient::new(&engine);
        let caller = Arc::new(Caller::anonymous());
        let page = client.page(&caller, client.list("P", |_| ()).expect("a list")).await.expect("a page");
        let page: serde_json::Value = serde_json::from_slice(&page.body).expect("JSON");
        let id = page["items"][0]["id"].as_str().expect("an id").parse().expect("an id");
        let check = async |body: &str, expected: &str| {
            let change = client.update("P", id, body).expect("a body");
            let told = match client.written(&caller, change).await {
                Ok(_) => "ok".to_owned(),
                Err(Error::Invalid(of)) => {
                    of.iter().map(|of| format!("{} {}", of.at, of.kind)).collect::<Vec<_>>().join("; ")
                }
                Err(error) => error.to_string(),
            };
            assert_eq!(told, expected, "{name}: {body}");
        };
        let (short, long) = ("must have at least 2 characters", "must have at most 3 characters");
        check(stored, "ok").await;
        check(r#"{"n":1}"#, "ok").await;
        check(r#"{"n":2,"ds":[{"a":"abcde","t":["x","y"]},{"a":"a"},{"a":"abc"},{"a":"vwxyz"}]}"#, "ok").await;
        check(r#"{"ds":[{"a":"new"},{"a":"a"},{"a":"vwxyz","t":["x","y"]},{"a":"abcde"}]}"#, "ok").await;
        check(r#"{"ds":[{"a":"abcde"},{"a":"abcde"},{"a":"b"}]}"#, &format!("/ds/2/a {short}")).await;
        check(r#"{"ds":[{"a":"abcde"},{"a":"abcde"},{"a":"abcde"}]}"#, &format!("/ds/2/a {long}")).await;
        check(r#"{"ds":[{"a":"abcdef"},{"a":"a"},{"a":"a"}]}"#, &format!("/ds/0/a {long}; /ds/2/a {short}")).await;
        check(r#"{"ds":[{"t":["x","y","z"]}]}"#, "/ds/0/t must have at most 1 item").await;
        check(r#"{"ds":[{"t":["z","z"]},{"a":"abcd"},{"a":"vwxyz"},{"a":"a"}]}"#, "ok").await;
        check(r#"{"ds":[{"a":"abcd"},{"a":"vwxy"},{"a":"a"}]}"#, "ok").await;
        check(r#"{"ds":[{"a":"vwxyz"}]}"#, &format!("/ds/0/a {long}")).await;
        check(r#"{"ds":[{"a":"abc"}]}"#, "ok").await;
        check(r#"{"ds":[{"a":"abcd"}]}"#, &format!("/ds/0/a {long}")).await;
        drop(client);
        engine.close();
    }
}

/// Whoever doesn't see what is stored isn't told whether a value is there already.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_hidden_document_nothing_is_told() {
    let model = |length: &str| {
        format!(
            "type D @embedded {{ a: String {length} }} \
             type P @open {{ ds: [D!] @allow(read: \"auth.kind == 'SERVICE'\") }}"
        )
    };
    let (old, new) = (model(""), model("@length(max: 3)"));
    for mut place in Place::both() {
        let name = place.name();
        place.apply(&old, false).expect("a database");
        place.create(&old, &[("P", r#"{"ds":[{"a":"abcde"}]}"#)]).await;
        place.applied(&new);
        let (engine, _) = place.open(&new, Migration::Refuse).expect("the same model");
        let client = TestClient::new(&engine);
        let caller = Arc::new(Caller::anonymous());
        let page = client.page(&caller, client.list("P", |_| ()).expect("a list")).await.expect("a page");
        let page: serde_json::Value = serde_json::from_slice(&page.body).expect("JSON");
        let id = page["items"][0]["id"].as_str().expect("an id").parse().expect("an id");
        for text in ["abcde", "abcd", "vwxyz"] {
            let change = client.update("P", id, &format!(r#"{{"ds":[{{"a":"{text}"}}]}}"#)).expect("a body");
            let refused = client.written(&caller, change).await;
            assert!(matches!(&refused, Err(Error::Invalid(of)) if of.len() == 1), "{name}: {text}: {refused:?}");
        }
        drop(client);
        engine.close();
    }
}
