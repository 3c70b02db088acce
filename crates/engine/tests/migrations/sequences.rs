//! `@sequence` comes, goes and changes.

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
