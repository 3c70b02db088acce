//! Constraints that come, go and change.

use super::changed::Place;
use super::{Change, check};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_unique_field_becomes_unique_among_some_records() {
    check(
        "a_unique_field_becomes_unique_among_some_records",
        Change {
            old: r#"type P @open @index(fields: ["n"], where: "this.gone == null") { slug: String! @unique n: Int gone: DateTime }"#,
            records: &[("P", r#"{"slug":"a"}"#), ("P", r#"{"slug":"b","gone":"2026-01-31T12:00:00Z"}"#)],
            new: r#"type P @open @index(fields: ["n"]) { slug: String! @unique(where: "this.gone == null") n: Int @unique(nulls: SAME, where: "this.gone != null") gone: DateTime }"#,
            then: &[("P", "slug")],
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_field_of_a_condition_is_renamed() {
    check(
        "the_field_of_a_condition_is_renamed",
        Change {
            old: r#"type P @open { slug: String @unique(where: "this.gone == null", nulls: SAME) gone: DateTime }"#,
            records: &[("P", r#"{"slug":"a"}"#)],
            new: r#"type Page @open @renamed(from: "P") { name: String @renamed(from: "slug") @unique(where: "this.deletedAt == null", nulls: SAME) deletedAt: DateTime @renamed(from: "gone") }"#,
            then: &[("Page", "name")],
        },
    )
    .await;
}

/// The text of the condition is the same, and means other records.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_fields_of_a_condition_change_places() {
    check(
        "the_fields_of_a_condition_change_places",
        Change {
            old: r#"type P @open { slug: String @unique(where: "this.a == null") a: Int b: Int }"#,
            records: &[("P", r#"{"slug":"s","a":1}"#), ("P", r#"{"slug":"s","b":2}"#)],
            new: r#"type P @open { slug: String @unique(where: "this.a == null") a: Int @renamed(from: "b") b: Int @renamed(from: "a") }"#,
            then: &[("P", "slug,a,b")],
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_field_takes_the_name_in_a_condition() {
    check(
        "another_field_takes_the_name_in_a_condition",
        Change {
            old: r#"type P @open { slug: String @unique(where: "this.a == null") a: Int }"#,
            records: &[("P", r#"{"slug":"s","a":1}"#), ("P", r#"{"slug":"s"}"#)],
            new: r#"type P @open { slug: String @unique(where: "this.a == null") a: Int @default(to: 7) was: Int @renamed(from: "a") }"#,
            then: &[("P", "slug,a,was")],
        },
    )
    .await;
}

/// A table that is written anew gets its indexes again, and the second one of SQLite with them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn indexes_with_conditions_are_rebuilt() {
    check(
        "indexes_with_conditions_are_rebuilt",
        Change {
            old: r#"type P @open { slug: String @unique(where: "this.n > 1", nulls: SAME) code: Int @unique(nulls: SAME) n: Int }"#,
            records: &[("P", r#"{"slug":"a","code":1,"n":2}"#), ("P", r#"{"n":3}"#)],
            new: r#"type P @open { slug: String @unique(where: "this.n > 1", nulls: SAME) code: String @unique(nulls: SAME) n: Int }"#,
            then: &[("P", "slug,code")],
        },
    )
    .await;
}

/// Only records for which the condition is true can be in the way.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_that_share_a_value_are_counted_where_the_condition_holds() {
    let old = "type P @open { slug: String n: Int! }";
    let records = [
        ("P", r#"{"slug":"a","n":1}"#),
        ("P", r#"{"slug":"a","n":2}"#),
        ("P", r#"{"slug":"a","n":3}"#),
        ("P", r#"{"n":4}"#),
        ("P", r#"{"n":5}"#),
    ];
    for (unique, expected) in [
        (
            r#"@unique(where: "this.n >= 2")"#,
            "2 records of P with `this.n >= 2` have the same slug as another: %1, %2;",
        ),
        (r#"@unique(where: "this.n >= 3")"#, ""),
        (
            r#"@unique(where: "this.n >= 3", nulls: SAME)"#,
            "2 records of P with `this.n >= 3` have the same slug as another: %3, %4;",
        ),
    ] {
        for mut place in Place::both() {
            place.apply(old, false).expect("a database");
            place.create(old, &records).await;
            let steps = place.plan(&format!("type P @open {{ slug: String {unique} n: Int! }}"));
            let found: Vec<String> = steps.iter().flat_map(|step| &step.findings).map(ToString::to_string).collect();
            let found = place.shown(&found.join("; "));
            assert!(
                found.starts_with(expected) && found.is_empty() == expected.is_empty(),
                "{}: {found}",
                place.name()
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_of_one_becomes_one() {
    check(
        "a_list_of_one_becomes_one",
        Change {
            old: r#"type User @open { profiles: [Profile!] @inverse(field: "user") card: Card } type Profile @open { user: User } type Card @open { user: User @unique }"#,
            records: &[("User", "{}"), ("Profile", r#"{"user":"%0"}"#), ("Card", r#"{"user":"%0"}"#)],
            new: r#"type User @open { profile: Profile @inverse(field: "user") @renamed(from: "profiles") card: Card @inverse(field: "user") } type Profile @open { user: User @unique } type Card @open { user: User @unique }"#,
            then: &[("User", "profile{id},card{id}")],
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_other_end_of_a_unique_relation_goes() {
    check(
        "the_other_end_of_a_unique_relation_goes",
        Change {
            old: r#"type User @open { profile: Profile @inverse(field: "user") card: Card @inverse(field: "owner") } type Profile @open { user: User @unique } type Card @open { owner: User @unique }"#,
            records: &[("User", "{}"), ("Profile", r#"{"user":"%0"}"#), ("Card", r#"{"owner":"%0"}"#)],
            new: r#"type User @open { profiles: [Profile!] @inverse(field: "user") @renamed(from: "profile") } type Profile @open { user: User } type Card @open { holder: User @unique @renamed(from: "owner") }"#,
            then: &[("User", "profiles{id}"), ("Card", "holder")],
        },
    )
    .await;
}

/// What is stored doesn't depend on the order of a list, and a renamed field changes none.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_order_of_a_list_changes() {
    check(
        "the_order_of_a_list_changes",
        Change {
            old: r#"type L @open { a: [I!] @inverse(field: "a") @order(by: "n") b: [I!] @inverse(field: "b") @order(by: "n") c: [I!] @inverse(field: "c") d: [I!] @order(by: "-n") } type I @open { n: Int m: Int a: L b: L c: L }"#,
            records: &[("L", "{}"), ("I", r#"{"n":2,"m":1,"a":"%0","b":"%0","c":"%0"}"#), ("I", r#"{"n":1,"m":2,"a":"%0","b":"%0","c":"%0"}"#)],
            new: r#"type L @open { a: [J!] @inverse(field: "a") @order(by: "number") b: [J!] @inverse(field: "b") @order(by: "m") c: [J!] @inverse(field: "c") @order(by: "number") d: [J!] } type J @open @renamed(from: "I") { number: Int @renamed(from: "n") m: Int a: L b: L c: L }"#,
            then: &[("L", "a{number},b{number},c{number}")],
        },
    )
    .await;
}

/// What is stored doesn't depend on what clients should no longer use.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deprecations_come_and_go() {
    check(
        "deprecations_come_and_go",
        Change {
            old: r#"type P @open @deprecated(reason: "Use Q.") { a: String b: String @deprecated c: String @deprecated } enum S { A @deprecated B }"#,
            records: &[("P", r#"{"a":"x"}"#)],
            new: r#"type P @open { a: String @deprecated b: String c: String @deprecated(reason: "Use a.") } enum S { A B @deprecated }"#,
            then: &[("P", "a")],
        },
    )
    .await;
}

/// Links get an order, lose it, keep it under another name, and lose it with the end that had it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_order_of_links_comes_and_goes() {
    check(
        "the_order_of_links_comes_and_goes",
        Change {
            old: r#"type L @open { n: Int a: [I!] b: [I!] @order(as: SENT) c: [I!] @order(as: SENT) d: [I!] @order(as: SENT) f: I } type I @open { n: Int d: [L!] @inverse(field: "d") }"#,
            records: &[("I", r#"{"n":1}"#), ("I", r#"{"n":2}"#), ("L", r#"{"n":1,"a":["%1","%0"],"b":["%1","%0"],"c":["%1","%0"],"d":["%1","%0"],"f":"%1"}"#)],
            new: r#"type M @open @renamed(from: "L") { n: Int a: [J!] @order(as: SENT) b: [J!] c2: [J!] @order(as: SENT) @renamed(from: "c") d: [J!] @inverse(field: "d") e: [J!] @order(as: SENT) f: [J!] @order(as: SENT) } type J @open @renamed(from: "I") { n: Int d: [M!] @order(as: SENT) }"#,
            then: &[("M", "a{n},b{n},c2{n},d{n},e{n},f{n}"), ("J", "d{n}")],
        },
    )
    .await;
}

/// Records break a check that there was with values that a migration gives them: they are counted.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn new_values_break_a_check() {
    let check = |old: &'static str, records: &'static [(&str, &str)], new: &'static str, expected: &'static [&str]| async move {
        for mut place in Place::both() {
            place.apply(old, false).expect("a database");
            place.create(old, records).await;
            let steps = place.applied(new);
            let told = steps.iter().flat_map(|step| &step.findings).map(|of| place.shown(&of.to_string()));
            assert_eq!(told.collect::<Vec<_>>(), expected, "{}: {new}", place.name());
            assert_eq!(place.plan(new), [], "{}", place.name());
        }
    };
    check(
        r#"type P @open @check(rule: "this.a + this.b < 10", message: "too much") { a: Int! b: Int }"#,
        &[("P", r#"{"a":1}"#), ("P", r#"{"a":2,"b":3}"#)],
        r#"type P @open @check(rule: "this.a + this.b < 10", message: "too much") { a: Int! b: Int! @backfill(from: "100") }"#,
        &["1 record breaks the check \"too much\" of P then: %0"],
    )
    .await;
    check(
        r#"enum E { A B } type P @open { e: E @check(rule: "this.e != 'B' || this.a > 0", message: "no B") a: Int! }"#,
        &[("P", r#"{"e":"A","a":0}"#), ("P", r#"{"e":"B","a":1}"#)],
        r#"enum E { B @renamed(from: "A") } type P @open { e: E @check(rule: "this.e != 'B' || this.a > 0", message: "no B") a: Int! }"#,
        &["1 record breaks the check \"no B\" of P then: %0"],
    )
    .await;
    // By way of a computed field, and of sums that are computed anew.
    let counts = |term: &str, b: &str| {
        format!(
            r#"type B @open {{ p: P! n: Int! m: Int{b} }}
            type P @open @check(rule: "this.total < 10", message: "too much") {{
              bs: [B!] @inverse(field: "p") total: Int @computed(is: "this.bs.sum(b, {term})", stored: COMMIT)
            }}"#
        )
    };
    let records = [("P", "{}"), ("P", "{}"), ("B", r#"{"p":"%0","n":3,"m":30}"#), ("B", r#"{"p":"%1","n":4}"#)];
    for (old, new, broken) in
        [(counts("b.n", ""), counts("b.m", ""), "%0"), (counts("b.n + b.n", ""), counts("b.n * 3", ""), "%1")]
    {
        for mut place in Place::both() {
            place.apply(&old, false).expect("a database");
            place.create(&old, &records).await;
            let steps = place.applied(&new);
            let told: Vec<String> =
                steps.iter().flat_map(|step| &step.findings).map(|of| place.shown(&of.to_string())).collect();
            assert_eq!(
                told,
                [format!("1 record breaks the check \"too much\" of P then: {broken}")],
                "{}",
                place.name()
            );
        }
    }
    check(
        r#"type B @open { p: P! m: Int }
        type P @open @check(rule: "this.twice < 100", message: "too much") {
          bs: [B!] @inverse(field: "p") total: Int @computed(is: "this.bs.sum(b, b.m)", stored: COMMIT)
          twice: Int @computed(is: "this.total * 2")
        }"#,
        &[("P", "{}"), ("B", r#"{"p":"%0","m":3}"#), ("B", r#"{"p":"%0"}"#)],
        r#"type B @open { p: P! m: Int! @default(to: 60) }
        type P @open @check(rule: "this.twice < 100", message: "too much") {
          bs: [B!] @inverse(field: "p") total: Int @computed(is: "this.bs.sum(b, b.m)", stored: COMMIT)
          twice: Int @computed(is: "this.total * 2")
        }"#,
        &["1 record breaks the check \"too much\" of P then: %0"],
    )
    .await;
}

/// However an expression is spelled, and whatever what it names is called now, it is the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn expressions_are_spelled_in_another_way() {
    const OLD: &str = r#"
enum E { X Y }
type B @open @check(rule: "this.hours>0 && this.e!='X'", message: "m")
  @unique(fields: ["p"], where: "this.hours==1") @exclude(from: "hours", to: "end", where: "this.hours>7") {
  p: P! hours: Int! e: E end: Int
}
type P @open @check(rule: "this.bs.all(b,b.hours<100)", message: "n") {
  bs: [B!] @inverse(field: "p") total: Int @computed(is: "this.bs.sum(b,b.hours)", stored: COMMIT)
  twice: Int @computed(is: "this.total*2")
}"#;
    let records = [("P", "{}"), ("B", r#"{"p":"%0","hours":1,"e":"Y"}"#), ("B", r#"{"p":"%0","hours":8,"end":9}"#)];
    let spelled = OLD
        .replace("this.hours>0 && this.e!='X'", " (this.hours > 0) && this.e != 'X'")
        .replace("this.hours==1", "this.hours == 1 ")
        .replace("this.hours>7", "(this.hours > 7)")
        .replace("this.bs.all(b,b.hours<100)", "this.bs.all(one, one.hours < 100)")
        .replace("this.bs.sum(b,b.hours)", "this.bs.sum( x, x.hours )")
        .replace("this.total*2", "this.total * 2");
    let renamed = spelled
        .replace("hours", "time")
        .replace("time: Int!", "time: Int! @renamed(from: \"hours\")")
        .replace("total", "sum")
        .replace("sum: Int", "sum: Int @renamed(from: \"total\")")
        .replace("type B", "type C @renamed(from: \"B\")")
        .replace("[B!]", "[C!]");
    for mut place in Place::both() {
        let name = place.name();
        place.apply(OLD, false).expect("a database");
        place.create(OLD, &records).await;
        // The name of an index depends on the text of its condition.
        let steps = place.applied(&spelled);
        let words: Vec<&str> = steps.iter().map(|step| step.words.as_str()).collect();
        assert!(words.iter().all(|words| ["rename indexes", "rebuild the indexes of B"].contains(words)), "{words:?}");
        assert!(steps.iter().all(|step| step.automatic && step.api.is_none()), "{name}: {steps:?}");
        let steps = place.applied(&renamed);
        let words: Vec<&str> = steps.iter().map(|step| step.words.as_str()).collect();
        assert!(
            words
                .iter()
                .all(|words| ["is now", "rebuild the indexes of C", "moves from"].iter().any(|of| words.contains(of))),
            "{name}: {words:?}"
        );
        assert_eq!(place.plan(&renamed), [], "{name}");
        assert_eq!(place.differences(&renamed), "", "{name}");
        assert_eq!(
            place.records(&renamed, ("P", "sum,twice")).await,
            r#"{"items":[{"sum":9,"twice":18}],"next":null}"#,
            "{name}"
        );
        // The same text means something else where its names do.
        let swapped = renamed
            .replace("time: Int! @renamed(from: \"hours\")", "end: Int! @renamed(from: \"time\")")
            .replace(" end: Int\n", " time: Int @renamed(from: \"end\")\n")
            .replace("@exclude(from: \"time\", to: \"end\", where: \"(this.time > 7)\")", "");
        let steps = place.applied(&swapped);
        let told = |part: &str| steps.iter().any(|step| step.words.contains(part));
        assert!(told("sum sums something else") && told("new check"), "{name}: {steps:?}");
        assert_eq!(
            place.records(&swapped, ("P", "sum,twice")).await,
            r#"{"items":[{"sum":9,"twice":18}],"next":null}"#,
            "{name}"
        );
    }
}

/// Values of an enum that become one can't be told apart any more, wherever they are.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn merged_values_in_lists_and_documents() {
    let model = |values: &str| {
        format!(
            "enum E {{ {values} C }} enum F {{ X Z }} type D @embedded {{ e: E es: [E!] gs: [G!] }} type G @embedded {{ e: E }} \
             type P @open {{ es: [E!] ds: [D!] d: D f: F }}"
        )
    };
    for (record, count) in [
        (r#"{"es":["A","B"]}"#, 1),
        (r#"{"es":["C"]}"#, 0),
        (r#"{"ds":[{"e":"A"},{"e":"A"}]}"#, 1),
        (r#"{"ds":[{"es":["C","A"]}]}"#, 1),
        (r#"{"ds":[{"gs":[{"e":"A"}]}]}"#, 1),
        (r#"{"ds":[{"e":"C"}],"f":"X"}"#, 0),
        (r#"{"d":{"es":["A"]}}"#, 1),
        (r#"{"d":{"e":"A"},"es":["A"]}"#, 2),
    ] {
        for mut place in Place::both() {
            let (name, old, new) = (place.name(), model("A B"), model("B @renamed(from: \"A\")"));
            place.apply(&old, false).expect("a database");
            place.create(&old, &[("P", record)]).await;
            let steps = place.plan(&new);
            let merged = steps
                .iter()
                .find(|step| step.words.starts_with("E: "))
                .or(steps.iter().find(|step| step.words.contains("A becomes B")));
            let merged = merged.expect("values become others");
            assert_eq!((merged.records, merged.loses_data()), (Some(count), count > 0), "{name}: {record}: {steps:?}");
            assert_eq!(place.apply(&new, false).is_err(), count > 0, "{name}: {record}");
        }
    }
}

/// Advice about a field that isn't there yet.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_field_is_unique() {
    let old = "type P @open { n: Int! }";
    let records = [("P", r#"{"n":1}"#), ("P", r#"{"n":2}"#)];
    for (field, remedy) in [
        (
            r#"@default(to: "x")"#,
            "give code a `@backfill(from: …)` with another value for each of them, or leave its default out",
        ),
        (r#"@backfill(from: "'x'")"#, "make the `@backfill` of code give each of them another value"),
    ] {
        let new = format!("type P @open {{ n: Int! code: String! @unique {field} }}");
        let expected = format!("2 records of P have the same code as another: %0, %1; {remedy}");
        super::obstacles::refused(old, &records, &new, &[&expected]).await;
    }
}
