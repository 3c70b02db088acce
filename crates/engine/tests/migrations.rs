//! Models that change while there is data: what a plan says, the SQL that is run, and what is stored then.

#[path = "migrations/changed.rs"]
mod changed;
#[path = "migrations/constraints.rs"]
mod constraints;
#[path = "migrations/disturbed.rs"]
mod disturbed;
#[path = "migrations/random/mod.rs"]
mod random;

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
        assert_eq!(place.differences(change.new), "", "{}", place.name());
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
async fn an_exact_number_is_computed() {
    check("an_exact_number_is_computed", Change {
        old: "type P @open { price: Decimal! @precision(digits: 9, scale: 2) pieces: Int! }",
        records: &[("P", r#"{"price":"19.99","pieces":3}"#), ("P", r#"{"price":"0.01","pieces":0}"#)],
        new: r#"type P @open { price: Decimal! @precision(digits: 9, scale: 2) pieces: Int! net: Decimal! @precision(digits: 9, scale: 2) @backfill(from: "round(this.price * this.pieces * 0.95, 2)") each: Decimal @precision(digits: 9, scale: 4) @backfill(from: "round(this.price * 2 / this.pieces, 4)") half: Decimal @precision(digits: 9, scale: 2) @backfill(from: "this.price * 0.5") }"#,
        then: &[("P", "price,pieces,net,each,half")],
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

/// A change after which the database is what a new one is.
async fn arrives(old: &str, records: &[(&str, &str)], new: &str) {
    for mut place in Place::both() {
        place.apply(old, false).expect("a database");
        place.create(old, records).await;
        place.applied(new);
        assert_eq!(place.differences(new), "", "{}: {old} → {new}", place.name());
        assert_eq!(place.plan(new), [], "{}", place.name());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn links_go_with_their_type() {
    let old = "type P @open { n: Int qs: [Q!] } type Q @open { n: Int }";
    arrives(old, &[("Q", "{}"), ("P", r#"{"qs":["%0"]}"#)], "type Q @open { n: Int }").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relation_to_many_leads_elsewhere() {
    let old = "type P @open { n: Int qs: [Q!] } type Q @open { n: Int } type R @open { n: Int }";
    let records = [("Q", "{}"), ("P", r#"{"qs":["%0"]}"#)];
    arrives(old, &records, &old.replace("[Q!]", "[R!]")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_value_becomes_a_relation_to_many() {
    let old = "type P @open { n: Int l: Int m: Money } type Q @open { n: Int }";
    let new = "type P @open { n: Int l: [Q!] m: [Q!] } type Q @open { n: Int }";
    arrives(old, &[("P", r#"{"l":1}"#)], new).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relation_to_one_becomes_one_to_many_that_the_other_type_declares() {
    let old = r#"type P @open { n: Int qs: [Q!] @inverse(field: "p") } type Q @open { n: Int p: P }"#;
    let new = r#"type P @open { n: Int qs: [Q!] } type Q @open { n: Int p: [P!] @inverse(field: "qs") }"#;
    arrives(old, &[("P", "{}"), ("Q", r#"{"p":"%0"}"#)], new).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_of_indexes_are_free_in_time() {
    let old = "type A @open { n: Int c: B d: B } type B @open { n: Int c: A! }";
    let records = [("A", "{}"), ("B", r#"{"c":"%0"}"#)];
    let swapped =
        r#"type B @open @renamed(from: "A") { n: Int c: A d: B } type A @open @renamed(from: "B") { n: Int c: B! }"#;
    arrives(old, &records, swapped).await;
    let new = r#"type C @open @renamed(from: "A") { n: Int d: C } type B @open { n: Int c: C! } type A @open { n: Int c: B }"#;
    arrives(old, &records, new).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_references_change_names() {
    let old = "type P @open { a: P b: U us: [P!] } type U @open { n: Int }";
    let new = r#"type P @open { b: P @renamed(from: "a") a: U @renamed(from: "b") us: [P!] } type U @open { n: Int }"#;
    arrives(old, &[("P", "{}"), ("P", r#"{"a":"%0","us":["%0"]}"#)], new).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn new_references_to_a_table_that_is_written_anew_stay() {
    let old = "type P @open { n: Int } type Q @open { n: Int }";
    let new = "type P @open { n: String } type Q @open { n: Int p: P ps: [P!] } type R @open { p: P ps: [P!] }";
    arrives(old, &[("P", r#"{"n":1}"#)], new).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn long_names_stay_apart() {
    let (of, field) = ("ATypeWithALongNameOfSeveralWordsInIt", "aFieldWithALongNameOfSeveralWords");
    let old = format!("type {of} @open {{ {field}One: [P!] {field}Two: [P!] }} type P @open {{ n: Int }}");
    let new = format!(
        r#"type {of} @open {{ {field}Two: [P!] @renamed(from: "{field}One") {field}One: [P!] @renamed(from: "{field}Two") }} type P @open {{ n: Int }}"#
    );
    let link = format!(r#"{{"{field}One":["%0"]}}"#);
    arrives(&old, &[("P", "{}"), (of, &link)], &new).await;
    let other = old.replace("[P!]", &format!("[{of}!]"));
    arrives(&old, &[("P", "{}"), (of, &link)], &other).await;
}

const ADDRESS: &str = r#"{"name":"A","address":{"street":"Ring 1","city":"Bonn"}}"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_embedded_value_is_added() {
    check(
        "an_embedded_value_is_added",
        Change {
            old: "type P @open { name: String! city: String }",
            records: &[("P", r#"{"name":"A","city":"Bonn"}"#), ("P", r#"{"name":"B"}"#)],
            new: r#"type Address @embedded { city: String @backfill(from: "this.city") country: Country! @default(to: "DE") zip: String }
                type Part @embedded { zip: String! @default(to: "?") }
                type P @open @index(fields: ["address.city"]) { name: String! address: Address! other: Part }"#,
            then: &[("P", "name,address,other")],
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_of_an_embedded_value_change() {
    check(
        "members_of_an_embedded_value_change",
        Change {
            old: r#"type Address @embedded { street: String! city: String zip: Int }
                type P @open @index(fields: ["address.city"]) { name: String! address: Address }"#,
            records: &[("P", ADDRESS), ("P", r#"{"name":"B"}"#), ("P", r#"{"name":"C","address":{"street":"Q","zip":7}}"#)],
            new: r#"type Address @embedded { street: String! town: String! @renamed(from: "city") @default(to: "?") zip: String
                    country: Country! @default(to: "DE") }
                type P @open @index(fields: ["home.town"]) { name: String! home: Address @renamed(from: "address") }"#,
            then: &[("P", "name,home")],
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_embedded_value_goes() {
    check(
        "an_embedded_value_goes",
        Change {
            old: "type Address @embedded { street: String! city: String } type P @open { name: String! address: Address! }",
            records: &[("P", ADDRESS)],
            new: r#"type P @open { name: String! address: String @backfill(from: "this.address.street") city: String @renamed(from: "address.city") }"#,
            then: &[("P", "name,address,city")],
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_embedded_value_is_required_or_optional() {
    check(
        "an_embedded_value_is_required_or_optional",
        Change {
            old: "type A @embedded { street: String! city: String } type P @open { name: String! address: A home: A! }",
            records: &[("P", r#"{"name":"A","address":{"street":"Ring 1"},"home":{"street":"X"}}"#)],
            new: "type A @embedded { street: String! city: String } type P @open { name: String! address: A! home: A }",
            then: &[("P", "name,address,home")],
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_without_what_an_embedded_value_needs_are_named() {
    let give = "give the field a `@default(to: …)` or a `@backfill(from: …)`, or remove its `!`";
    let old = "type A @embedded { street: String city: String } type P @open { name: String! address: A }";
    let records = [("P", r#"{"name":"A"}"#), ("P", r#"{"name":"B","address":{"city":"Bonn"}}"#)];
    // Only where the value is there.
    let new = "type A @embedded { street: String! city: String } type P @open { name: String! address: A }";
    refused(old, &records, new, &[&format!("1 record would have no value in P.address.street: %1; {give}")]).await;
    let new = "type A @embedded { street: String city: String zip: Int! } type P @open { name: String! address: A }";
    refused(old, &records, new, &[&format!("1 record would have no value in P.address.zip: %1; {give}")]).await;
    // Where a `@backfill` makes it.
    let new = r#"type A @embedded { street: String city: String }
        type B @embedded { name: String @backfill(from: "this.name") zip: Int! @default(to: 1) }
        type P @open { name: String! address: A also: B }"#;
    refused(old, &records, new, &[&format!("2 records would have no value in P.also.zip: %0, %1; {give}")]).await;
    // The whole value.
    let new = "type A @embedded { street: String city: String } type P @open { name: String! address: A! }";
    refused(old, &records, new, &[&format!("1 record would have no value in P.address: %0; {give}")]).await;
    let new = "type A @embedded { street: String city: String! } type P @open { name: String! address: A! }";
    refused(
        old,
        &records,
        new,
        &[
            &format!("1 record would have no value in P.address: %0; {give}"),
            &format!("1 record would have no value in P.address.city: %0; {give}"),
        ],
    )
    .await;
}

const PAGE: &str = r#"{"blocks":[{"__typename":"Quote","text":"T","stars":3},{"__typename":"Picture","url":"http://a.b/","size":{"width":2}}]}"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn types_of_documents_change() {
    check(
        "types_of_documents_change",
        Change {
            old: r#"type Quote @embedded { text: Text! by: String stars: Int mood: Mood } enum Mood { GOOD BAD }
                type Picture @embedded { url: Url! size: Size } type Size @embedded { width: Int! }
                union Block = Quote | Picture
                type Page @open { title: String blocks: [Block!]! @default(to: []) lines: [Size!] }"#,
            records: &[
                ("Page", PAGE),
                ("Page", "{}"),
                ("Page", r#"{"blocks":[{"__typename":"Quote","text":"U","by":"V","mood":"BAD"}],"lines":[{"width":1},{"width":2}]}"#),
            ],
            new: r#"type Citation @embedded @renamed(from: "Quote") { body: Text! @renamed(from: "text") stars: String
                    language: Locale! @default(to: "de") mood: Mood } enum Mood { GOOD POOR @renamed(from: "BAD") }
                type Picture @embedded { url: Url! size: Size } type Size @embedded { width: Int! height: Int }
                type Rule @embedded { thick: Boolean }
                union Block = Rule | Citation | Picture
                type Page @open { title: String content: [Block!]! @renamed(from: "blocks") lines: [Size!] @length(max: 3) }"#,
            then: &[("Page", "content,lines")],
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_document_is_free_before_and_after() {
    check(
        "a_document_is_free_before_and_after",
        Change {
            old: "type Line @embedded { sku: String! count: Int! @default(to: 1) } type P @open { a: JSON b: [Line!] }",
            records: &[("P", r#"{"a":[{"sku":"x"},{"count":2,"sku":"y"}],"b":[{"sku":"z"}]}"#), ("P", "{}")],
            new: "type Line @embedded { sku: String! count: Int! @default(to: 1) } type P @open { a: [Line!] b: JSON c: [Line!]! @default(to: []) }",
            then: &[("P", "a,b,c")],
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn documents_that_a_new_type_refuses_are_named() {
    let old = "type A @embedded { n: Int t: String } type B @embedded { m: Int } union U = A | B type P @open { u: [U!] l: [A!] }";
    let records = [
        ("P", r#"{"u":[{"__typename":"A","n":1}],"l":[{"t":"seven"}]}"#),
        ("P", r#"{"u":[{"__typename":"B","m":1}],"l":[{"n":1,"t":"8"}]}"#),
    ];
    let remedy = "change those records first, or give the field a `@backfill(from: …)`";
    let new = "type A @embedded { n: Int t: String } type B @embedded { m: Int } union U = A type P @open { u: [U!] l: [A!] b: B }";
    let shown = "\"[{\"__typename\":\"B\",\"m\":1}]\"";
    refused(
        old,
        &records,
        new,
        &[&format!(
            "1 value of P.u, {shown}, can't be converted (there are no values of B in it any more): %1; {remedy}"
        )],
    )
    .await;
    let new = "type A @embedded { n: Int! t: Int } type B @embedded { m: Int } type P @open { l: [A!] }";
    let shown = "\"[{\"n\":null,\"t\":\"seven\"}]\"";
    refused(
        old,
        &records,
        new,
        &[&format!("1 value of P.l, {shown}, can't be converted (expected a whole number, such as 42): %0; {remedy}")],
    )
    .await;
    let new = "type A @embedded { n: Int! t: String } type P @open { l: [A!] }";
    refused(
        old,
        &records,
        new,
        &[&format!("1 value of P.l, {shown}, can't be converted (at /0/n: a value is required): %0; {remedy}")],
    )
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
        "1 record has a removed value in P.c: %0; change those records first, or write `@renamed(from: \"A\")` on the \
         value that replaces it",
        "1 value of P.l, [\"A\"], can't be converted (expected one of B): %1; change those records first, or give the \
         field a `@backfill(from: …)`",
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_database_of_another_application_is_refused() {
    let new = "extend schema @app(name: \"Other\") type Q @open { a: Int }";
    refused("type P @open { a: Int }", &[("P", r#"{"a":1}"#)], new, &[
        "it belongs to \"Test\", with which \"Other\" has no type in common; choose another data directory (--data), or give the \
         model the types of the stored one",
        "Q is new and has most of its fields; if you renamed `P` to `Q`, write `@renamed(from: \"P\")` on `Q`",
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn values_that_a_change_makes_equal_break_a_unique_index() {
    let shared = "2 records of P have the same a as another: %0, %1; change or delete those records first";
    let two = |one: &'static str, other: &'static str| [("P", one), ("P", other)];
    let new = "type P @open { a: Int! @unique @default(to: 7) b: Int }";
    refused("type P @open { a: Int @unique b: Int }", &two("{}", r#"{"a":7}"#), new, &[shared]).await;
    let records = two(r#"{"a":"1"}"#, r#"{"a":"1.0"}"#);
    refused("type P @open { a: String @unique }", &records, "type P @open { a: Int @unique }", &[shared]).await;
    let records = two(r#"{"a":"X"}"#, r#"{"a":"Y"}"#);
    let new = r#"enum E { X @renamed(from: "Y") } type P @open { a: E @unique }"#;
    refused("enum E { X Y } type P @open { a: E @unique }", &records, new, &[shared]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_never_called_so_is_named() {
    let old = "enum E { X } type P @open { n: Int e: E }";
    let new = r#"enum E { X Y @renamed(from: "Z") } type P @open { n: Int e: E title: String @renamed(from: "nme") }
        type Q @open @renamed(from: "R") { n: Int }"#;
    let remedy = "correct the name in its `@renamed`, or leave the directive out";
    refused(
        old,
        &[("P", r#"{"n":1}"#)],
        new,
        &[
            &format!("nothing in the stored model is called E.Z, so E.Y is new; {remedy}"),
            &format!("nothing in the stored model is called R, so Q is new; {remedy}"),
            &format!("nothing in the stored model is called P.nme, so P.title is new; {remedy}"),
        ],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_backfill_gives_must_fit() {
    let old = "type P @open { a: String! u: U } type U @open { n: Int }";
    let records = [("P", r#"{"a":"long"}"#)];
    let with = |field: &str| format!("type P @open {{ a: String! u: U {field} }} type U @open {{ n: Int }}");
    let check = async |field: &str, expected: &str| refused(old, &records, &with(field), &[expected]).await;
    check(
        "v: U @backfill(from: \"'01a21884-93f1-74d9-8e81-cce36fc39254'\")",
        "the `@backfill` of P.v gives 1 record the id of a record that doesn't exist: %0; make it give ids of stored \
         records only",
    )
    .await;
    check(
        "e: Email @backfill(from: \"this.a\")",
        "the `@backfill` of P.e doesn't fit the stored model: a text isn't always a value of Email; add the field without \
         `!`, and give it values through the API",
    )
    .await;
    check(
        "s: String @length(max: 3) @backfill(from: \"this.a\")",
        "the `@backfill` of P.s gives 1 record a value that is too short or too long: %0; make it give values that fit",
    )
    .await;
    check(
        "n: Int @check(rule: \"this.n > 9\", message: \"more\") @backfill(from: \"5\")",
        "the `@backfill` of P.n gives 1 record a value that breaks its check: %0; make it give values that pass",
    )
    .await;
    check(
        "b: Boolean @backfill(from: \"auth.id != null\")",
        "the `@backfill` of P.b doesn't fit the stored model: nobody is calling while a model is applied: there is no \
         `auth`; use the record's own fields, `now` and literals",
    )
    .await;
}

/// A plan is made with the moment at which it is made.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backfill_may_depend_on_the_moment() {
    let old = "type P @open { at: DateTime! }";
    let records = [("P", r#"{"at":"2020-01-01T00:00:00Z"}"#)];
    refused(
        old,
        &records,
        "type P @open { at: DateTime! seen: DateTime! @backfill(from: \"this.at < now ? now : null\") }",
        &[],
    )
    .await;
}

/// Values that change places in a unique field are all distinct before and after, and not in between.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unique_values_change_places() {
    check(
        "unique_values_change_places",
        Change {
            old: "enum E { X Y } type P @open { e: E! @unique }",
            records: &[("P", r#"{"e":"X"}"#), ("P", r#"{"e":"Y"}"#)],
            new: "enum E { X @renamed(from: \"Y\") Y @renamed(from: \"X\") } type P @open { e: E! @unique }",
            then: &[("P", "e")],
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_type_has_one_record_from_now_on() {
    check(
        "a_type_has_one_record_from_now_on",
        Change {
            old: "type Settings @open { title: String! @default(to: \"A\") }",
            records: &[("Settings", r#"{"title":"B"}"#)],
            new: r#"type Settings @single @allow(read: "true", update: "true") { title: String! @default(to: "A") n: Int! @default(to: 7) }"#,
            then: &[("Settings", "title,n,version")],
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_type_with_one_record_is_one_of_many() {
    check(
        "a_type_with_one_record_is_one_of_many",
        Change {
            old: r#"type Settings @single @allow(read: "true", update: "true") { title: String! @default(to: "A") }"#,
            records: &[],
            new: r#"type Setting @open @renamed(from: "Settings") { title: String! }"#,
            then: &[("Setting", "title,version")],
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_records_cannot_become_one() {
    let new = r#"type P @single @allow(read: "true") { a: Int }"#;
    let told = "P has 2 records, and may have one: %0, %1; delete all but one of them first, or leave out `@single`";
    refused("type P @open { a: Int }", &[("P", r#"{"a":1}"#), ("P", r#"{"a":2}"#)], new, &[told]).await;
    refused("type P @open { a: Int }", &[("P", r#"{"a":1}"#)], new, &[]).await;
    refused("type P @open { a: Int }", &[], new, &[]).await;
}

/// What is gone, and what is new and like it, may be the same thing under another name.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rename_that_is_not_declared_is_suggested() {
    let advice = |from: &str, to: &str| {
        format!("if you renamed `{from}` to `{to}`, write `@renamed(from: \"{from}\")` on `{to}`")
    };
    let same = |from: &str, to: &str| format!("P.{to} is new and has the same type; {}", advice(from, to));
    let record = [("P", r#"{"a":"x","n":1}"#)];
    let old = "type P @open { a: String n: Int }";
    refused(old, &record, "type P @open { b: String n: Int }", &[&same("a", "b")]).await;
    refused(old, &record, "type P @open { b: Int n: Int }", &[]).await;
    refused(old, &record, "type P @open { b: String c: String n: Int }", &[]).await;
    refused(old, &record, "type P @open { b: String @backfill(from: \"this.a\") n: Int }", &[]).await;
    refused(old, &[], "type P @open { b: String n: Int }", &[]).await;
    let similar = "type P @open { title: String heading: String n: Int }";
    refused(
        similar,
        &[("P", r#"{"title":"x","heading":"y"}"#)],
        "type P @open { titles: String headings: String n: Int }",
        &[&same("title", "titles"), &same("heading", "headings")],
    )
    .await;
    let give = "give the field a `@default(to: …)` or a `@backfill(from: …)`, or remove its `!`";
    refused(
        "type P @open { a: String! }",
        &[("P", r#"{"a":"x"}"#)],
        "type P @open { b: String! }",
        &[&format!("1 record would have no value in P.b: %0; {}; otherwise {give}", advice("a", "b")), &same("a", "b")],
    )
    .await;
    refused(
        "type P @open { qs: [Q!] } type Q @open { n: Int }",
        &[("Q", "{}"), ("P", r#"{"qs":["%0"]}"#)],
        "type P @open { rs: [Q!] } type Q @open { n: Int }",
        &[&same("qs", "rs")],
    )
    .await;
    refused(
        "type P @open { a: String n: Int } type Q @open { x: Int }",
        &record,
        "type R @open { a: String n: Int m: Int } type Q @open { x: Int }",
        &[&format!("R is new and has most of its fields; {}", advice("P", "R"))],
    )
    .await;
    refused(
        "enum C { RED GREEN } type P @open { c: C }",
        &[("P", r#"{"c":"RED"}"#)],
        "enum C { CRIMSON GREEN } type P @open { c: C }",
        &[&format!(
            "1 record has a removed value in P.c: %0; {}; otherwise change those records first, or write \
             `@renamed(from: \"RED\")` on the value that replaces it",
            advice("RED", "CRIMSON")
        )],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_required_relation_can_only_be_backfilled() {
    refused(
        "type P @open { n: Int } type U @open { n: Int }",
        &[("P", "{}")],
        "type P @open { n: Int u: U! } type U @open { n: Int }",
        &["1 record would have no value in P.u: %0; give the field a `@backfill(from: …)`, or remove its `!`"],
    )
    .await;
}
