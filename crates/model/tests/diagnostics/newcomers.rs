//! Runs the tables of `newcomers.md`: what people write who know other systems, and what they are told.

use std::fmt::Write as _;
use std::{env, fs};

use backstay_model::{PlainDiagnostic, SourceFile, load};

const TABLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/diagnostics/newcomers.md");

/// The model around what a row writes.
const AROUND: &str = r#"extend schema @app(name: "Test")
enum Role @roles { ADMIN EDITOR }
enum State { DRAFT @initial @to(state: "PUBLISHED") PUBLISHED }
type User @identity @allow(read: "true") { email: Email! @unique, posts: [Post!] @inverse(field: "author") }
type Tag @allow(read: "true") { name: String }
"#;

/// A model in which this is written on this place.
fn model(place: &str, written: &str) -> String {
    let (ty, field, definition) = match place {
        "A field" => ("", written, ""),
        "A type" => (written, "", ""),
        "A definition" => ("", "", written),
        other => panic!("{other} is no place"),
    };
    let allow = if ty.contains("@allow") { "" } else { "@allow(read: \"true\") " };
    format!("{AROUND}type Post {allow}{ty} {{\n  author: User\n  title: String\n  {field}\n}}\n{definition}\n")
}

/// What is wrong, in the cells of a row.
fn row(model: &str, written: &str) -> String {
    let problems = match load(vec![SourceFile::app("model.graphql", model)]) {
        Ok(_) => Vec::new(),
        Err(diagnostics) => diagnostics.plain(),
    };
    let joined = |part: fn(&PlainDiagnostic) -> String| problems.iter().map(part).collect::<Vec<_>>().join("; ");
    let places: Vec<String> = problems.iter().map(|one| place(model, one)).collect();
    let cells = [
        format!("`{written}`"),
        places.join("; "),
        joined(|one| one.message.clone()),
        joined(|one| one.help.clone().unwrap_or_default()),
    ];
    let cells = cells.map(|cell| cell.replace('\n', "⏎").replace('|', r"\|"));
    format!("| {} |", cells.join(" | "))
}

/// The text that the diagnostic points at.
fn place(model: &str, one: &PlainDiagnostic) -> String {
    let (Some(start), Some(end)) = (one.start, one.end) else { return String::new() };
    let line = model.lines().nth(start.line as usize - 1).unwrap_or_default();
    let length = if start.line == end.line { (end.column - start.column) as usize } else { usize::MAX };
    line.chars().skip(start.column as usize - 1).take(length).collect()
}

/// `UPDATE_DIAGNOSTICS=1` writes the tables anew.
#[test]
fn every_table_holds() {
    let text = fs::read_to_string(TABLES).expect(TABLES);
    let (mut place, mut rows, mut found) = ("", 0, String::new());
    for line in text.lines() {
        if let Some(heading) = line.strip_prefix("## ") {
            place = heading;
        }
        let written = line.strip_prefix("| `").and_then(|rest| rest.split_once("` |")).map(|(written, _)| written);
        match written {
            Some(written) if !place.is_empty() => {
                let written = written.replace('⏎', "\n").replace(r"\|", "|");
                writeln!(found, "{}", row(&model(place, &written), &written)).expect("a string");
                rows += 1;
            }
            _ => writeln!(found, "{line}").expect("a string"),
        }
    }
    if env::var_os("UPDATE_DIAGNOSTICS").is_some() {
        fs::write(TABLES, &found).expect(TABLES);
    }
    let wrong: Vec<(&str, &str)> = text.lines().zip(found.lines()).filter(|(row, found)| row != found).collect();
    assert!(wrong.is_empty() || env::var_os("UPDATE_DIAGNOSTICS").is_some(), "{wrong:#?}");
    assert!(rows >= 100, "only {rows} rows");
}

/// Checks that a model has these mistakes, each in its line, and no others.
fn check_all(model: &str, expected: &[(u32, &str)]) {
    let diagnostics = load(vec![SourceFile::app("model.graphql", model)]).expect_err("mistakes").plain();
    let found: Vec<(u32, &str)> =
        diagnostics.iter().map(|one| (one.start.map_or(0, |at| at.line), one.message.as_str())).collect();
    assert_eq!(found, expected);
}

#[test]
fn ten_mistakes_in_names_and_types() {
    let model = r#"extend schema @app(name: "Test") @app(name: "Again")
enum State { DRAFT DONE DRAFT }
type User @allow(list: "true") {
  name: String
}
type Post @allow(read: true) @softDelete {
  title: Integer
  author: User @onDelete
  editor: User @onDelete(do: DELETE)
  slug: String @index
  title: String
  size: String @length(max: "80")
}
"#;
    let expected = [
        (1, "@app is written twice"),
        (2, "State has two values called `DRAFT`"),
        (3, "`@allow` takes no argument `list`"),
        (6, "expected a string, found a boolean"),
        (6, "there is no directive `@softDelete`"),
        (7, "there is no type `Integer`"),
        (8, "@onDelete needs `do`"),
        (9, "`@onDelete` has no option `DELETE`"),
        (10, "`@index` can't be used on a field"),
        (11, "Post has two fields called `title`"),
        (12, "expected a whole number, found a string"),
    ];
    check_all(model, &expected);
}

#[test]
fn ten_mistakes_in_types_and_fields() {
    let model = r#"extend schema @app(name: "Test") @rule(name: "now", is: "true")
enum State { DRAFT @to(state: "DONE") DONE @to(state: "GONE") }
type User @allow(read: "true", only: ["name"]) @path(is: "/api/users") {
  name: String @length(min: 5, max: 2)
}
type Post @allow(read: "") @index(fields: ["titel"]) @trash(keep: "30") {
  title: String @default(to: 5)
  tags: [User]
  author: User! @onDelete(do: SET_NULL)
  price: Decimal @precision(digits: 40)
  body: Text @unique
}
"#;
    let expected = [
        (1, "`now` is a word of the rule language"),
        (2, "no state of State is marked `@initial`"),
        (2, "State has no state `GONE`"),
        (3, "`only` restricts `update`, which is missing here"),
        (3, "`/api/users` is not a path"),
        (4, "no value has at least 5 and at most 2 characters"),
        (6, "the rule is empty"),
        (6, "Post has no field `titel`"),
        (6, "`30` is not a length of time"),
        (7, "the default of `title` does not fit its type"),
        (8, "elements of a list are never null"),
        (9, "a required relation cannot become null"),
        (10, "a Decimal cannot have this precision"),
        (11, "`@unique` has no meaning for this field"),
    ];
    check_all(model, &expected);
}
