//! Models that change while there is data: what a plan says, the SQL that is run, and what is stored then.

#[path = "migrations/accounts.rs"]
mod accounts;
#[path = "migrations/changed.rs"]
mod changed;
#[path = "migrations/constraints.rs"]
mod constraints;
#[path = "migrations/disturbed.rs"]
mod disturbed;
#[path = "migrations/document_limits.rs"]
mod document_limits;
#[path = "migrations/document_relations.rs"]
mod document_relations;
#[path = "migrations/exclusions.rs"]
mod exclusions;
#[path = "migrations/history.rs"]
mod history;
#[path = "migrations/kept.rs"]
mod kept;
#[path = "migrations/money.rs"]
mod money;
#[path = "migrations/obstacles.rs"]
mod obstacles;
#[path = "migrations/random/mod.rs"]
mod random;
#[path = "migrations/references.rs"]
mod references;
#[path = "migrations/searches.rs"]
mod searches;
#[path = "migrations/sequences.rs"]
mod sequences;
#[path = "migrations/slugs.rs"]
mod slugs;
#[path = "migrations/sums.rs"]
mod sums;
#[path = "migrations/timers.rs"]
mod timers;
#[path = "migrations/trees.rs"]
mod trees;

use std::fmt::Write as _;

use changed::{Place, told};
use obstacles::refused;

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
        new: r#"type P @open { price: Decimal! @precision(digits: 9, scale: 2) pieces: Int! net: Decimal! @precision(digits: 9, scale: 2) @backfill(from: "round(this.price * this.pieces * 0.95, 2)") each: Decimal @precision(digits: 9, scale: 4) @backfill(from: "round(this.price * 2 / this.pieces, 4)") half: Decimal @precision(digits: 9, scale: 3) @backfill(from: "this.price * 0.5") }"#,
        then: &[("P", "price,pieces,net,each,half")],
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn numbers_become_amounts_of_money() {
    check("numbers_become_amounts_of_money", Change {
        old: "type P @open { price: Decimal! code: String country: Country rate: Money }",
        records: &[("P", r#"{"price":"19.99","country":"CH","rate":{"amount":"2.50","currency":"EUR"}}"#), ("P", r#"{"price":"0.0150","country":"DE"}"#)],
        new: r#"type P @open { price: Money! @backfill(from: "round(money(this.price, this.country == 'CH' ? 'CHF' : 'EUR'))") code: Currency country: Country! @default(to: "DE") rate: Money twice: Money @backfill(from: "this.rate * 2 + money(1, 'EUR')") }"#,
        then: &[("P", "price,code,country,rate,twice")],
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
async fn values_of_an_enum_are_moved() {
    check("values_of_an_enum_are_moved", Change {
        old: r#"enum C { LOW HIGH } type P @open { c: C @check(rule: "this.c <= 'HIGH'", message: "not above high") l: [C!] }"#,
        records: &[("P", r#"{"c":"LOW","l":["LOW","HIGH"]}"#), ("P", r#"{"c":"HIGH"}"#), ("P", r"{}")],
        new: r#"enum C { MEDIUM HIGH LOW } type P @open { c: C @check(rule: "this.c <= 'HIGH'", message: "not above high") l: [C!] }"#,
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

/// The members are new, and the value is nowhere there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_text_becomes_an_embedded_value() {
    check(
        "a_text_becomes_an_embedded_value",
        Change {
            old: "type P @open { name: String! a: String b: String }",
            records: &[("P", r#"{"name":"x","a":"v","b":"w"}"#), ("P", r#"{"name":"y"}"#)],
            new: r#"type A @embedded { street: String! city: String @default(to: "?") size: Int! @default(to: 1) }
                type P @open { name: String! a: A b: String }"#,
            then: &[("P", "name,a{street,city,size},b")],
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
            old: r"type Quote @embedded { text: Text! by: String stars: Int mood: Mood } enum Mood { GOOD BAD }
                type Picture @embedded { url: Url! size: Size } type Size @embedded { width: Int! }
                union Block = Quote | Picture
                type Page @open { title: String blocks: [Block!]! @default(to: []) lines: [Size!] }",
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

/// A `@backfill` looks into documents as they were, also of a type that changes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn values_are_taken_out_of_documents() {
    check(
        "values_are_taken_out_of_documents",
        Change {
            old: r"type Line @embedded { sku: String! quantity: Int! price: Decimal @precision(digits: 9, scale: 2) }
                type Gift @embedded { text: String for: Duration } type Note @embedded { text: String } union Extra = Gift | Note
                type O @open { lines: [Line!] extra: Extra }",
            records: &[
                ("O", r#"{"lines":[{"sku":"a","quantity":2,"price":"1.25"},{"sku":"b","quantity":3,"price":"0.50"}],"extra":{"__typename":"Gift","text":"x","for":"PT1H"}}"#),
                ("O", r#"{"extra":{"__typename":"Note","text":"y"}}"#),
            ],
            new: r#"type Line @embedded { sku: String! count: Int! @renamed(from: "quantity") }
                type Gift @embedded { text: String for: Duration } type Note @embedded { text: String } union Extra = Gift | Note
                type O @open {
                  lines: [Line!] extra: Extra
                  total: Decimal @precision(digits: 9, scale: 2) @backfill(from: "this.lines.sum(l, l.price * l.quantity)")
                  first: String @backfill(from: "this.lines.first(l, true, [-l.quantity]).sku")
                  gift: Boolean! @backfill(from: "this.extra.__typename == 'Gift'")
                  for: Duration @backfill(from: "this.extra.for")
                }"#,
            then: &[("O", "lines,extra,total,first,gift,for")],
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_of_documents_change_names_and_stay_null() {
    check(
        "members_of_documents_change_names_and_stay_null",
        Change {
            old: "type Line @embedded { a: String b: String count: Int @default(to: 1) } type P @open { l: [Line!] }",
            records: &[("P", r#"{"l":[{"a":"A","b":"B","count":null},{"a":"only"}]}"#)],
            new: r#"type Line @embedded { b: String @renamed(from: "a") a: String @renamed(from: "b") c: String @renamed(from: "b")
                count: Int @default(to: 1) more: Int @default(to: 2) } type P @open { l: [Line!] }"#,
            then: &[("P", "l")],
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_of_documents_are_lost_only_if_that_is_allowed() {
    let old = "type A @embedded { sku: String n: Int } type P @open { l: [A!] }";
    let new = "type A @embedded { code: String n: Int } type P @open { l: [A!] }";
    let records = [("P", r#"{"l":[{"sku":"x","n":1}]}"#)];
    let note = "A.code is new and has the same type; if you renamed `sku` to `code`, write `@renamed(from: \"sku\")` on \
                `code`";
    refused(old, &records, new, &[note]).await;
    for mut place in Place::both() {
        place.apply(old, false).expect("a database");
        place.create(old, &records).await;
        assert!(place.apply(new, false).is_err(), "{}", place.name());
        assert_eq!(place.plan(old), [], "{}: nothing was changed", place.name());
        place.apply(new, true).expect("it is allowed");
    }
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
async fn a_document_is_a_document_again_after_it_was_a_text() {
    let of = |kind: &str| format!("type P @open {{ d: {kind} }}");
    for mut place in Place::both() {
        place.apply(&of("JSON"), false).expect("a database");
        let records = [r#"{"d":{"a":[1,"x"]}}"#, r#"{"d":"x"}"#, r#"{"d":7}"#, "{}"].map(|body| ("P", body));
        place.create(&of("JSON"), &records).await;
        place.applied(&of("Text"));
        let texts = r#"{"items":[{"d":"{\"a\":[1,\"x\"]}"},{"d":"\"x\""},{"d":"7"},{"d":null}],"next":null}"#;
        assert_eq!(place.records(&of("Text"), ("P", "d")).await, texts, "{}", place.name());
        place.create(&of("Text"), &[("P", r#"{"d":"no document"}"#)]).await;
        place.applied(&of("JSON"));
        let documents =
            r#"{"items":[{"d":{"a":[1,"x"]}},{"d":"x"},{"d":7},{"d":null},{"d":"no document"}],"next":null}"#;
        assert_eq!(place.records(&of("JSON"), ("P", "d")).await, documents, "{}", place.name());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_type_gets_a_trash() {
    check(
        "a_type_gets_a_trash",
        Change {
            old: r#"type P @open { a: Int @unique qs: [Q!] @inverse(field: "p") } type Q @open { p: P! @onDelete(do: CASCADE) }"#,
            records: &[("P", r#"{"a":1}"#), ("Q", r#"{"p":"%0"}"#)],
            new: r#"type P @open @trash(keep: "30d") { a: Int @unique qs: [Q!] @inverse(field: "p") } type Q @open @trash { p: P! @onDelete(do: CASCADE) }"#,
            then: &[("P", "a,trashedAt,qs{version}"), ("Q", "p,trashedAt")],
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_may_give_ids() {
    check(
        "clients_may_give_ids",
        Change {
            old: "type P @open { a: Int } type Q @open @key(type: UUID4, given: true) { a: Int } type R @open { a: Int }",
            records: &[("P", r#"{"a":1}"#), ("Q", r#"{"a":2}"#)],
            new: "type P @open @key(given: true) { a: Int } type Q @open { a: Int } \
                  type R @open @key(type: UUID4) { a: Int }",
            then: &[("P", "id,a"), ("Q", "id,a")],
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trash_keeps_records_for_longer() {
    check(
        "a_trash_keeps_records_for_longer",
        Change {
            old: "type P @open @trash(keep: \"12h\") { a: Int @unique }",
            records: &[("P", r#"{"a":1}"#)],
            new: r#"type R @open @renamed(from: "P") @trash(keep: "60d") { b: Int @unique @renamed(from: "a") }"#,
            then: &[("R", "b,trashedAt")],
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_type_loses_its_trash() {
    check(
        "a_type_loses_its_trash",
        Change {
            old: "type P @open @trash { a: Int @unique }",
            records: &[("P", r#"{"a":1}"#)],
            new: "type P @open { a: Int @unique }",
            then: &[("P", "a")],
        },
    )
    .await;
}

/// What is in the trash is migrated like everything else, is not unique among live records, and keeps a type from losing
/// its trash.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_in_the_trash_are_migrated() {
    let old = "type P @open @trash { a: Int b: String n: Int }";
    for mut place in Place::both() {
        place.apply(old, false).expect("a database");
        place
            .create(old, &[("P", r#"{"a":1,"b":"1"}"#), ("P", r#"{"a":1,"b":"2"}"#), ("P", r#"{"b":"3","n":1}"#)])
            .await;
        place.delete(old, ("P", 0)).await;
        let told = |new: &str| -> Vec<String> {
            let steps = place.plan(new);
            steps.iter().flat_map(|step| &step.findings).map(|of| place.shown(&of.to_string())).collect()
        };
        let lost = "1 record is in the trash of P: %0; restore or purge those records first";
        assert_eq!(told("type P @open { a: Int b: String n: Int }"), [lost], "{}", place.name());
        let unique = "type P @open @trash { a: Int @unique b: String n: Int }";
        assert_eq!(told(unique), [] as [&str; 0], "{}", place.name());
        let required = "type P @open @trash { a: Int b: String n: Int! }";
        let lacking = "2 records would have no value in P.n: %0, %1; give the field a `@default(to: …)` or a \
                       `@backfill(from: …)`, or remove its `!`";
        assert_eq!(told(required), [lacking], "{}", place.name());
        let new = "type P @open @trash { a: Int @unique b: Int n: Int! @default(to: 7) }";
        place.applied(new);
        assert_eq!(
            place.records(new, ("P", "a,b,n")).await,
            r#"{"items":[{"a":1,"b":2,"n":7},{"a":null,"b":3,"n":1}],"next":null}"#,
            "{}",
            place.name()
        );
        assert_eq!(
            place.trash(new, ("P", "a,b,n")).await,
            r#"{"items":[{"a":1,"b":1,"n":7}],"next":null}"#,
            "{}",
            place.name()
        );
    }
}

/// A stored reference leads to its record even if that is in the trash; the members of a relation are the live ones.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_backfilled_from_relations_leaves_out_the_trash() {
    let others = r"
type Person @open @trash { name: String }
type Tag @open @trash { name: String }
type Note @open @trash { article: Article @onDelete(do: SET_NULL) n: Int }
type Cover @open @trash { article: Article @unique @onDelete(do: SET_NULL) title: String }";
    let relations = r#"author: Person @onDelete(do: SET_NULL) tags: [Tag!] notes: [Note!] @inverse(field: "article")
  cover: Cover @inverse(field: "article")"#;
    let old = format!("type Article @open @trash {{ {relations} }} {others}");
    let new = format!(
        r#"type Article @open @trash {{ {relations}
  noted: Int! @backfill(from: "size(this.notes)")
  total: Int! @backfill(from: "this.notes.sum(n, n.n)")
  doubted: Boolean @backfill(from: "this.notes.exists(n, n.n > 5)")
  tagged: Int! @backfill(from: "this.tags.count(t, t.name != null)")
  title: String @backfill(from: "this.cover.title")
  by: String @backfill(from: "this.author.name") }} {others}"#
    );
    for mut place in Place::both() {
        place.apply(&old, false).expect("a database");
        let records = [
            ("Person", r#"{"name":"Ann"}"#),
            ("Tag", r#"{"name":"a"}"#),
            ("Tag", r#"{"name":"b"}"#),
            ("Article", r#"{"author":"%0","tags":["%1","%2"]}"#),
            ("Note", r#"{"article":"%3","n":1}"#),
            ("Note", r#"{"article":"%3","n":9}"#),
            ("Cover", r#"{"article":"%3","title":"first"}"#),
        ];
        place.create(&old, &records).await;
        for (of, number) in [("Tag", 2), ("Note", 5), ("Cover", 6)] {
            place.delete(&old, (of, number)).await;
        }
        let more = [
            ("Cover", r#"{"article":"%3","title":"second"}"#),
            ("Person", r#"{"name":"Bob"}"#),
            ("Article", r#"{"author":"%8"}"#),
        ];
        place.create(&old, &more).await;
        for (of, number) in [("Article", 9), ("Person", 8)] {
            place.delete(&old, (of, number)).await;
        }
        place.applied(&new);
        assert_eq!(
            place.records(&new, ("Article", "noted,total,doubted,tagged,title,by")).await,
            r#"{"items":[{"noted":1,"total":1,"doubted":false,"tagged":1,"title":"second","by":"Ann"}],"next":null}"#,
            "{}",
            place.name()
        );
        assert_eq!(
            place.trash(&new, ("Article", "noted,total,doubted,tagged,title,by")).await,
            r#"{"items":[{"noted":0,"total":0,"doubted":false,"tagged":0,"title":null,"by":"Bob"}],"next":null}"#,
            "{}",
            place.name()
        );
    }
}

/// The whole life of records in the trash, on both databases.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_go_to_the_trash_and_come_back() {
    let model = r#"type P @open @trash(keep: "1h") { a: Int @unique qs: [Q!] @inverse(field: "p") } type Q @open @trash { p: P! @onDelete(do: CASCADE) }
        type R @open { p: P ps: [P!] }"#;
    for mut place in Place::both() {
        place.apply(model, false).expect("a database");
        place.create(model, &[("P", r#"{"a":1}"#), ("Q", r#"{"p":"%0"}"#), ("R", r#"{"p":"%0","ps":["%0"]}"#)]).await;
        let all = async |place: &Place| {
            let live =
                place.records(model, ("P", "a,qs{version}")).await + &place.records(model, ("R", "p{a},ps{a}")).await;
            live + &place.trash(model, ("P", "a,qs{version}")).await + &place.trash(model, ("Q", "p{a}")).await
        };
        let page = |items: &str| format!(r#"{{"items":[{items}],"next":null}}"#);
        let expected = |pages: [&str; 4]| pages.map(page).concat();
        place.delete(model, ("P", 0)).await;
        let gone = ["", r#"{"p":null,"ps":[]}"#, r#"{"a":1,"qs":[]}"#, r#"{"p":null}"#];
        assert_eq!(all(&place).await, expected(gone), "{}", place.name());
        place.restore(model, ("P", 0)).await;
        let back = [r#"{"a":1,"qs":[{"version":3}]}"#, r#"{"p":null,"ps":[{"a":1}]}"#, "", ""];
        assert_eq!(all(&place).await, expected(back), "{}", place.name());
        place.delete(model, ("P", 0)).await;
        place.purge_after(model, "PT2H").await;
        assert_eq!(all(&place).await, expected(["", r#"{"p":null,"ps":[]}"#, "", ""]), "{}", place.name());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn computed_fields_come_change_and_go() {
    let items = "type I @open { order: O! size: Int }";
    let order = |fields: &str| {
        format!(r#"type O @open {{ number: Int! items: [I!] @inverse(field: "order") {fields} }} {items}"#)
    };
    let (plain, counted) = (order(""), order(r#"n: Int @computed(is: "size(this.items)")"#));
    let records = [("O", r#"{"number":1}"#), ("I", r#"{"order":"%0","size":2}"#)];
    let change = |name: &'static str, old: String, new: String, then: &'static str| async move {
        check(name, Change { old: &old, records: &records, new: &new, then: &[("O", then)] }).await;
    };
    change("a_computed_field_is_added", plain.clone(), counted.clone(), "number,n").await;
    change("a_computed_field_is_removed", counted.clone(), plain, "number").await;
    let summed = order(r#"n: Int @computed(is: "this.items.sum(i, i.size)", rights: MODEL)"#);
    change("a_computed_field_changes", counted.clone(), summed, "number,n").await;
    let renamed = order(r#"m: Int @computed(is: "size(this.items)") @renamed(from: "n")"#);
    change("a_computed_field_is_renamed", counted.clone(), renamed, "number,m").await;
    let other = order(r#"n: String @computed(is: "'a'")"#);
    change("a_computed_field_is_of_another_type", counted.clone(), other, "number,n").await;
    let stored = order(r#"n: Int! @backfill(from: "this.n + 1")"#);
    change("a_computed_field_is_stored", counted.clone(), stored, "number,n").await;
    change("a_computed_field_is_stored_without_values", counted, order("n: Int"), "number,n").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stored_field_is_computed() {
    check(
        "a_stored_field_is_computed",
        Change {
            old: "type P @open { a: Int! b: Int }",
            records: &[("P", r#"{"a":1,"b":7}"#), ("P", r#"{"a":2}"#)],
            new: r#"type P @open { a: Int! b: Int @computed(is: "this.a + 1") }"#,
            then: &[("P", "a,b")],
        },
    )
    .await;
    let needed = "type P @open { a: Int! b: Int! }";
    let computed = r#"type P @open { a: Int! b: Int @computed(is: "this.a + 1") }"#;
    let missing = "1 record would have no value in P.b: %0; give the field a `@default(to: …)` or a `@backfill(from: …)`, \
                   or remove its `!`";
    refused(computed, &[("P", r#"{"a":1}"#)], needed, &[missing]).await;
}
