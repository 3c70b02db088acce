//! `@sequence` comes, goes and changes.

use crate::changed::Place;

use super::{Change, check};

const OLD: &str = "type Project @open { name: String! } type Ticket @open { project: Project title: String! }";
const TICKETS: &[(&str, &str)] = &[
    ("Project", r#"{"name":"A"}"#),
    ("Project", r#"{"name":"B"}"#),
    ("Ticket", r#"{"title":"a","project":"%0"}"#),
    ("Ticket", r#"{"title":"b","project":"%1"}"#),
    ("Ticket", r#"{"title":"c"}"#),
    ("Ticket", r#"{"title":"d","project":"%0"}"#),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stored_records_are_numbered() {
    check(
        "stored_records_are_numbered",
        Change {
            old: OLD,
            records: TICKETS,
            new: r#"
type Team @open @renamed(from: "Project") { name: String! number: Int! @sequence }
type Task @open @renamed(from: "Ticket") {
  team: Team @renamed(from: "project")
  title: String!
  number: Int @sequence(per: "team")
  code: String! @sequence(format: "T-{n:03}", gapless: true)
  late: Int @sequence(when: "this.title > 'b' && this.team.name != 'B'")
}"#,
            then: &[("Team", "name,number"), ("Task", "title,number,code,late")],
        },
    )
    .await;
}

/// Numbers that there are stay, and each series goes on after its highest.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_field_numbers_the_records_from_now_on() {
    check(
        "a_field_numbers_the_records_from_now_on",
        Change {
            old: "type A @open { kind: String! number: Int code: String }",
            records: &[
                ("A", r#"{"kind":"x"}"#),
                ("A", r#"{"kind":"x","number":7,"code":"X-12"}"#),
                ("A", r#"{"kind":"y","number":7,"code":"anything"}"#),
                ("A", r#"{"kind":"y","number":-1}"#),
                ("A", r#"{"kind":"y"}"#),
            ],
            new: r#"type A @open { kind: String! number: Int! @sequence(per: "kind") code: String @sequence(format: "X-{n}") }"#,
            then: &[("A", "kind,number,code")],
        },
    )
    .await;
}

/// Two records of one series may have the same number already.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_counts_by_less() {
    check(
        "it_counts_by_less",
        Change {
            old: r#"type A @open { kind: String! year: Int! number: Int! @sequence(per: ["kind", "year"]) }"#,
            records: &[
                ("A", r#"{"kind":"x","year":1}"#),
                ("A", r#"{"kind":"x","year":1}"#),
                ("A", r#"{"kind":"y","year":2}"#),
            ],
            new: r#"type A @open { kind: String! year: Int! number: Int! @sequence(per: "kind", gapless: true) }"#,
            then: &[("A", "kind,number")],
        },
    )
    .await;
}

/// What is there after a change, and the numbers of the records that are created next.
async fn continues(
    (old, records): (&str, &[(&str, &str)]),
    deleted: &[usize],
    new: &str,
    (next, expected): (&[&str], &str),
) {
    for mut place in Place::both() {
        place.apply(old, false).expect("a database");
        place.create(old, records).await;
        for number in deleted {
            place.delete(old, ("A", *number)).await;
        }
        place.applied(new);
        let next: Vec<(&str, &str)> = next.iter().map(|body| ("A", *body)).collect();
        place.create(new, &next).await;
        let page: serde_json::Value = serde_json::from_str(&place.records(new, ("A", "n")).await).expect("JSON");
        let numbers: Vec<String> =
            page["items"].as_array().expect("a page").iter().map(|of| of["n"].to_string()).collect();
        assert_eq!(numbers.join(" ").replace('"', ""), expected, "{}: {new}", place.name());
    }
}

/// A series goes on after the numbers that a migration gave, and never gives one again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_series_goes_on_after_the_numbers_that_a_migration_gave() {
    let due = ("A", r#"{"s":true}"#);
    let undue = ("A", "{}");
    for (options, expected) in
        [("", "1 2 3 4 5"), (", gapless: true", "1 2 3 4 5"), (r#", format: "X{n}""#, "X1 X2 X3 X4 X5")]
    {
        let scalar = if options.contains("format") { "String" } else { "Int" };
        let old = format!(r#"type A @open {{ s: Boolean n: {scalar} @sequence(when: "this.s"{options}) }}"#);
        let now = options.trim_start_matches(", ");
        let now = if now.is_empty() { String::new() } else { format!("({now})") };
        let new = format!("type A @open {{ s: Boolean n: {scalar}! @sequence{now} }}");
        continues((&old, &[due, undue, undue]), &[], &new, (&["{}", "{}"], expected)).await;
    }
    // Those of records that are gone, too.
    let old = r#"type A @open { s: Boolean n: Int @sequence(when: "this.s") }"#;
    let new = "type A @open { s: Boolean n: Int! @sequence }";
    continues((old, &[due, due, due, undue]), &[1, 2], new, (&["{}"], "1 4 5")).await;
    let per = |e: &str, n: &str| format!(r#"type A @open {{ e: String{e} n: Int{n} @sequence(per: "e") }}"#);
    let records = [("A", r#"{"e":"z"}"#), ("A", "{}"), ("A", r#"{"e":"y"}"#), ("A", "{}")];
    let (old, new) = (per("", ""), per("! @default(to: \"z\")", "!"));
    continues((&old, &records), &[], &new, (&["{}", r#"{"e":"y"}"#], "1 2 1 3 4 2")).await;
    // And where the values by which it counts are called otherwise.
    let old = r#"enum E { X Y } type A @open { e: E! n: Int! @sequence(per: "e") }"#;
    let new = r#"enum E { Z @renamed(from: "X") Y } type A @open { e: E! n: Int! @sequence(per: "e") }"#;
    let x = ("A", r#"{"e":"X"}"#);
    continues((old, &[x, x, x]), &[2], new, (&[r#"{"e":"Z"}"#, r#"{"e":"Y"}"#], "1 2 4 1")).await;
}

/// Everything that is made for stored records can come at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn numbers_and_slugs_come_together() {
    check(
        "numbers_and_slugs_come_together",
        Change {
            old: "type A @open { name: String! k: Int s: String } type B @open { name: String }",
            records: &[
                ("A", r#"{"name":"One"}"#),
                ("A", r#"{"name":"Two","k":7,"s":"x"}"#),
                ("B", r#"{"name":"Three"}"#),
            ],
            new: r#"
type A @open {
  name: String! number: Int! @sequence slug: String @slug(from: "name") k: Int @sequence(per: "name")
  s: String! @slug(from: "name")
}
type B @open { name: String slug: String! @slug(from: "name") number: Int @sequence(per: "slug") }"#,
            then: &[("A", "name,number,slug,k,s"), ("B", "name,slug,number")],
        },
    )
    .await;
}

/// No number is given twice, even if its record was deleted.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn numbers_of_records_go_on() {
    let old = r#"type Order @open @key(type: INT) { text: String lines: [Line!] @inverse(field: "order") } type Line @open { order: Order }"#;
    let new = r#"type Purchase @open @renamed(from: "Order") @key(type: INT) { text: String lines: [Line!] @inverse(field: "purchase") }
        type Line @open { purchase: Purchase @renamed(from: "order") }"#;
    for mut place in Place::both() {
        place.apply(old, false).expect("a database");
        place.create(old, &[("Order", "{}"), ("Order", "{}"), ("Order", "{}")]).await;
        place.delete(old, ("Order", 2)).await;
        place.applied(new);
        place.create(new, &[("Purchase", r#"{"text":"new"}"#)]).await;
        // That of the third one, which is gone, isn't among them.
        let ids = place.records(new, ("Purchase", "id")).await;
        assert_eq!(ids, r#"{"items":[{"id":%0},{"id":%1},{"id":%3}],"next":null}"#, "{}", place.name());
    }
}
