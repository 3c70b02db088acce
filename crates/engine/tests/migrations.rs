//! Models that change while there is data: what a plan says, the SQL that is run, and what is stored then.

#[path = "migrations/changed.rs"]
mod changed;

use std::fmt::Write as _;

use changed::{Place, told};

/// A change of a model, and what is looked at afterwards.
struct Change<'c> {
    old: &'c str,
    /// Type and body of each.
    records: &'c [(&'c str, &'c str)],
    new: &'c str,
    /// Types, and what is selected of them.
    then: &'c [(&'c str, &'c str)],
}

/// Applies a change on both databases. The snapshot says what was done and what came of it.
async fn check(name: &str, change: Change<'_>) {
    let mut text = format!("old: {}\nnew: {}\n", change.old, change.new);
    for mut place in Place::both() {
        place.apply(change.old, false).expect("a database");
        place.create(change.old, change.records).await;
        let steps = place.applied(change.new);
        _ = writeln!(text, "\n{}", place.name());
        for (step, words) in steps.iter().zip(told(&steps, &place)) {
            _ = writeln!(text, "  {words}");
            step.sql.iter().for_each(|sql| _ = writeln!(text, "    {sql}"));
        }
        for (of, select) in change.then {
            _ = writeln!(text, "  {of} {}", place.records(change.new, (of, select)).await);
        }
        assert_eq!(place.plan(change.new), [], "{}", place.name());
    }
    insta::assert_snapshot!(name, text);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_field_is_renamed() {
    check(
        "a_field_is_renamed",
        Change {
            old: r#"type Post @open @index(fields: ["name"]) { name: String! }"#,
            records: &[("Post", r#"{"name":"A"}"#), ("Post", r#"{"name":"B"}"#)],
            new: r#"type Post @open @index(fields: ["title"]) { title: String! @renamed(from: "name") }"#,
            then: &[("Post", "title")],
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_fields_change_names() {
    check(
        "two_fields_change_names",
        Change {
            old: "type P @open { a: Int! b: String! }",
            records: &[("P", r#"{"a":1,"b":"x"}"#)],
            new: r#"type P @open { b: Int! @renamed(from: "a") a: String! @renamed(from: "b") }"#,
            then: &[("P", "a,b")],
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_type_is_renamed() {
    check("a_type_is_renamed", Change {
        old: r#"type Post @open { title: String! author: User tags: [Tag!] } type User @open { name: String! @unique posts: [Post!] @inverse(field: "author") } type Tag @open { name: String! posts: [Post!] @inverse(field: "tags") }"#,
        records: &[("User", r#"{"name":"Ann"}"#), ("Tag", r#"{"name":"t"}"#), ("Post", r#"{"title":"A","author":"%0","tags":["%1"]}"#)],
        new: r#"type Article @open @renamed(from: "Post") { title: String! author: Person tags: [Label!] } type Person @open @renamed(from: "User") { name: String! @unique articles: [Article!] @inverse(field: "author") @renamed(from: "posts") } type Label @open @renamed(from: "Tag") { name: String! posts: [Article!] @inverse(field: "tags") }"#,
        then: &[("Article", "title,author{name},tags{name}"), ("Person", "name,articles{title}"), ("Label", "posts{title}")],
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn types_change_names() {
    check(
        "types_change_names",
        Change {
            old: "type A @open { x: Int b: B } type B @open { y: Int }",
            records: &[("B", r#"{"y":1}"#), ("A", r#"{"x":2,"b":"%0"}"#)],
            new: r#"type B @open @renamed(from: "A") { x: Int b: A } type A @open @renamed(from: "B") { y: Int }"#,
            then: &[("B", "x,b{y}"), ("A", "y")],
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn types_convert() {
    check("types_convert", Change {
        old: "type P @open { a: Int b: String c: Boolean! d: String e: [Int!] f: Decimal g: String! }",
        records: &[("P", r#"{"a":1,"b":"12.50","c":true,"d":"2026-01-31T12:00:00Z","e":[1,2],"f":"1.50","g":"RED"}"#), ("P", r#"{"c":false,"g":"GREEN"}"#)],
        new: "enum Color { RED GREEN } type P @open { a: String b: Decimal @precision(digits: 9, scale: 2) c: String! d: DateTime e: [String!] f: Decimal @precision(digits: 9, scale: 2) g: Color! }",
        then: &[("P", "a,b,c,d,e,f,g")],
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_becomes_several() {
    check("one_becomes_several", Change {
        old: "type P @open { author: U tag: String } type U @open { name: String! }",
        records: &[("U", r#"{"name":"Ann"}"#), ("P", r#"{"author":"%0","tag":"x"}"#), ("P", "{}")],
        new: r#"type P @open { authors: [U!] @renamed(from: "author") tags: [String!] @renamed(from: "tag") } type U @open { name: String! }"#,
        then: &[("P", "authors{name},tags")],
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_value_becomes_required() {
    check(
        "a_value_becomes_required",
        Change {
            old: "type P @open { a: Int b: String c: String }",
            records: &[("P", r#"{"a":1,"b":"x"}"#), ("P", r#"{"b":"y"}"#)],
            new: r#"type P @open { a: Int! @default(to: 7) b: String! c: String! @backfill(from: "this.b") }"#,
            then: &[("P", "a,b,c")],
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_field_is_backfilled() {
    check("a_new_field_is_backfilled", Change {
        old: "type P @open { a: Int! published: Boolean! author: U } type U @open { name: String! }",
        records: &[("U", r#"{"name":"Ann"}"#), ("P", r#"{"a":1,"published":true,"author":"%0"}"#), ("P", r#"{"a":2,"published":false}"#)],
        new: r#"enum S { DRAFT @initial @to(state: "OUT") OUT } type P @open { a: Int! b: Int! @backfill(from: "this.a + 1") s: S! @backfill(from: "this.published ? 'OUT' : 'DRAFT'") by: String @backfill(from: "this.author.name") author: U writer: U @backfill(from: "this.author") } type U @open { name: String! }"#,
        then: &[("P", "a,b,s,by,writer{name}")],
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_value_is_no_longer_required() {
    check(
        "a_value_is_no_longer_required",
        Change {
            old: "type P @open { a: Int! b: U! } type U @open { name: String! }",
            records: &[("U", r#"{"name":"Ann"}"#), ("P", r#"{"a":1,"b":"%0"}"#)],
            new: "type P @open { a: Int b: U } type U @open { name: String! }",
            then: &[("P", "a,b{name}")],
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fields_and_types_go() {
    check("fields_and_types_go", Change {
        old: "type P @open { a: Int b: String author: U tags: [U!] } type U @open { name: String! } type Z @open { x: Int }",
        records: &[("U", r#"{"name":"Ann"}"#), ("P", r#"{"a":1,"b":"x","author":"%0","tags":["%0"]}"#), ("Z", r#"{"x":1}"#), ("Z", r#"{"x":1}"#)],
        new: "type P @open { a: Int } type U @open { name: String! }",
        then: &[("P", "a"), ("U", "name")],
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn values_of_an_enum_are_renamed() {
    check("values_of_an_enum_are_renamed", Change {
        old: "enum C { RED GREEN BLUE } type P @open { c: C! l: [C!] o: Int }",
        records: &[("P", r#"{"c":"RED","l":["RED","BLUE"]}"#), ("P", r#"{"c":"GREEN"}"#), ("P", r#"{"c":"BLUE"}"#)],
        new: r#"enum Color @renamed(from: "C") { GREEN @renamed(from: "RED") RED @renamed(from: "GREEN") @renamed(from: "BLUE") } type P @open { c: Color! l: [Color!] o: Int }"#,
        then: &[("P", "c,l")],
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relation_turns() {
    check(
        "a_relation_turns",
        Change {
            old: r#"type P @open { n: Int tags: [T!] } type T @open { n: Int posts: [P!] @inverse(field: "tags") }"#,
            records: &[("T", r#"{"n":1}"#), ("T", r#"{"n":2}"#), ("P", r#"{"n":3,"tags":["%0","%1"]}"#)],
            new: r#"type P @open { n: Int tags: [T!] @inverse(field: "posts") } type T @open { n: Int posts: [P!] }"#,
            then: &[("P", "tags{n}"), ("T", "posts{n}")],
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relation_leads_elsewhere() {
    check(
        "a_relation_leads_elsewhere",
        Change {
            old: "type P @open { n: Int u: U } type U @open { n: Int } type V @open { n: Int }",
            records: &[("U", r#"{"n":1}"#), ("P", r#"{"n":3,"u":"%0"}"#)],
            new: "type P @open { n: Int u: V } type U @open { n: Int } type V @open { n: Int }",
            then: &[("P", "n,u{n}")],
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn new_types_refer_to_old_ones() {
    check("new_types_refer_to_old_ones", Change {
        old: "type P @open { n: Int }",
        records: &[("P", r#"{"n":3}"#)],
        new: r#"type P @open { n: Int qs: [Q!] @inverse(field: "p") r: R } type Q @open { p: P! ps: [P!] } type R @open { x: Money! @default(to: {amount: "1.00", currency: "EUR"}) }"#,
        then: &[("P", "n,qs,r")],
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn money_and_times() {
    check("money_and_times", Change {
        old: "type P @open { m: Money! d: Date t: Duration j: JSON e: Email }",
        records: &[("P", r#"{"m":{"amount":"1.50","currency":"EUR"},"d":"2026-01-31","t":"PT1H","j":{"a":[1]},"e":"A@B.example"}"#)],
        new: r#"type P @open { m: Money! n: Money! @backfill(from: "this.m") d: String t: String j: Text e: String k: Money @default(to: {amount: "2.00", currency: "EUR"}) }"#,
        then: &[("P", "m,n,d,t,j,e,k")],
    })
    .await;
}

/// What stands in the way of a change, with what is done about it.
async fn refused(old: &str, records: &[(&str, &str)], new: &str, expected: &[&str]) {
    for mut place in Place::both() {
        place.apply(old, false).expect("a database");
        place.create(old, records).await;
        let steps = place.plan(new);
        let told: Vec<String> =
            steps.iter().flat_map(|step| &step.findings).map(|of| place.shown(&of.to_string())).collect();
        assert_eq!(told, expected, "{}", place.name());
        let is_blocked = steps.iter().any(backstay_engine::Step::has_obstacle);
        assert_eq!(place.apply(new, true).is_err(), is_blocked, "{}", place.name());
        if is_blocked {
            assert_eq!(place.plan(old), [], "{}: nothing was changed", place.name());
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_stands_in_the_way_is_named() {
    let number = [("P", r#"{"a":1,"b":"x"}"#), ("P", r#"{"a":1}"#), ("P", r#"{"a":300,"b":"7"}"#)];
    let old = "type P @open { a: Int! b: String }";
    let give = "give the field a `@default(to: …)` or a `@backfill(from: …)`, or remove its `!`";
    refused(
        old,
        &number,
        "type P @open { a: Int! b: String! }",
        &[&format!("1 record would have no value in P.b: %1; {give}")],
    )
    .await;
    refused(
        old,
        &number,
        "type P @open { a: Int! b: String c: Int! }",
        &[&format!("3 records would have no value in P.c: %0, %1, %2; {give}")],
    )
    .await;
    refused(
        old,
        &number,
        "type P @open { a: Int! @unique b: String }",
        &["2 records of P have the same a as another: %0, %1; change or delete those records first"],
    )
    .await;
    refused(
        old,
        &number,
        "type P @open { a: Int! b: Int }",
        &["1 value of P.b, \"x\", can't be converted (expected a whole number, such as 42): %0; change those records \
         first, or give the field a `@backfill(from: …)`"],
    )
    .await;
    refused(
        old,
        &number,
        "type P @open { a: Int! b: String c: Int! @backfill(from: \"this.d\") }",
        &["the `@backfill` of P.c doesn't fit the stored model: P has no field `d` (`this` is a P of the old model); \
             name a field of this type, or one of `id`, `createdAt`, `updatedAt`, `version`"],
    )
    .await;
    let check = "type P @open { a: Int! @check(rule: \"this.a < 200\", message: \"small\") b: String @length(min: 2) }";
    refused(old, &number, check, &["1 record breaks it: %2", "2 records have a value that doesn't fit: %0, %2"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn values_of_an_enum_that_records_hold_stay() {
    let old = "enum C { A B } type P @open { c: C! l: [C!] }";
    let records = [("P", r#"{"c":"A"}"#), ("P", r#"{"c":"B","l":["A"]}"#)];
    refused(old, &records, "enum C { B } type P @open { c: C! l: [C!] }", &[
        "1 value of P.l, [\"A\"], can't be converted (expected one of B): %1; change those records first, or give the \
         field a `@backfill(from: …)`",
        "1 record has a removed value in P.c: %0; change those records first, or write `@renamed(from: \"A\")` on the \
         value that replaces it",
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_database_of_another_application_is_refused() {
    let new = "extend schema @app(name: \"Other\") type Q @open { a: Int }";
    refused("type P @open { a: Int }", &[("P", r#"{"a":1}"#)], new, &[
        "it belongs to \"Test\", with which \"Other\" has no type in common; choose another data directory (--data), or give the \
         model the types of the stored one",
    ])
    .await;
}
