//! Imports of rows that the database refuses, on both databases.

use std::fs;

use backstay_testkit::Cluster;

use crate::support::App;

/// The database refuses them: values that another record of the file has, or one that was there, references, and what only a condition
/// tells. Each refusal counts once, and the numbers of a sequence have no gaps.
#[test]
fn rows_that_the_database_refuses_are_skipped_and_listed() {
    check(&App::empty());
    let app = App::empty();
    app.write("backstay.toml", &format!("[data]\nurl = \"{}\"\n", Cluster::shared().url()));
    check(&app);
}

fn check(app: &App) {
    app.write(
        "model/all.graphql",
        r#"
extend schema @app(name: "Parts")
type Kind { code: String! @unique }
type Part @unique(fields: ["room", "place"]) @unique(fields: ["label"], where: "this.labelled") {
  number: Int @sequence(gapless: true)
  code: String! @unique
  room: Int
  place: Int
  label: String
  labelled: Boolean! @default(to: false)
  kind: Kind
}"#,
    );
    app.write("there.csv", "code,room,place,label,labelled\nc0,0,0,L,true\n");
    assert_eq!(app.run(&["import", "Part", "there.csv"]).done(), "1 record created\n");
    let unknown = "019c01a2-6b1e-7c3f-8a55-2f1f0c6f9d11";
    let row = |number: usize| match number % 10 {
        // Taken by the row before it, and by the one that was there.
        1 => format!("c{},,,,,\n", number - 1),
        2 => format!("c{number},0,0,,,\n"),
        3 => format!("c{number},,,,,{unknown}\n"),
        _ => format!("c{number},{number},1,L,{},\n", number == 144),
    };
    let rows: String = (100..5100).map(row).collect();
    app.write("parts.csv", &format!("code,room,place,label,labelled,kind\n{rows}"));
    let ended = app.run(&["import", "Part", "parts.csv", "--on-error", "skip"]);
    assert_eq!(ended.out, "3499 records created, 1501 refused (parts.csv.errors.ndjson)\n", "{}", ended.err);
    let errors = fs::read_to_string(app.path().join("parts.csv.errors.ndjson")).expect("the errors");
    let expected = |line: usize| match (line - 2) % 10 {
        1 => Some("another Part has this code"),
        2 => Some("another Part has this room and place"),
        3 => Some("kind: there is no Kind with this id"),
        4 if line == 46 => Some("another Part has this label"),
        _ => None,
    };
    let told = |line| expected(line).map(|error| format!("{{\"error\":\"{error}\",\"line\":{line}}}"));
    assert_eq!(errors.lines().collect::<Vec<_>>(), (2..5002).filter_map(told).collect::<Vec<_>>());
    let numbers = app.run(&["export", "Part", "--select", "number", "--format", "csv"]).done();
    let counted: Vec<usize> = numbers.lines().skip(1).map(|number| number.parse().expect("a number")).collect();
    assert_eq!(counted, (1..=3500).collect::<Vec<_>>());
    // Nobody is there to be refused by them when they are imported again.
    let again = app.run(&["import", "Part", "parts.csv", "--on-error", "skip", "--dry-run"]);
    assert!(again.out.starts_with("0 records would be created, 5000 refused"), "{}", again.out);
}
