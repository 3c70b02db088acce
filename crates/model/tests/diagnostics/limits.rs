//! `@range` and `@pattern`.

use insta::assert_snapshot;

use crate::told;

fn check(field: &str, message: &str, help: &str) {
    let told = told(&format!("enum E {{ X }} type Post @allow(read: \"true\") {{ a: {field} }}"));
    let error = told.lines().find_map(|line| line.trim().strip_prefix("× error: "));
    let remedy = told.lines().find_map(|line| line.trim().strip_prefix("help: "));
    assert_eq!((error, remedy), (Some(message), Some(help)), "{field}");
}

#[test]
fn a_range_without_sense() {
    let model = r#"
type Post @allow(read: "true") {
  day: Date @range(min: "2026-13-01")
  stars: Int @range(min: 5, max: 1)
}
"#;
    assert_snapshot!(told(model.trim_start()), @r#"
refused
  × error: `min` is not a value of `Date`
   ╭─[model.graphql:2:25]
 1 │ type Post @allow(read: "true") {
 2 │   day: Date @range(min: "2026-13-01")
   ·                         ──────┬─────
   ·                               ╰── does not fit
 3 │   stars: Int @range(min: 5, max: 1)
   ╰────
  help: write a date, such as "2026-01-31"
  × error: no value is at least 5 and at most 1
   ╭─[model.graphql:3:14]
 2 │   day: Date @range(min: "2026-13-01")
 3 │   stars: Int @range(min: 5, max: 1)
   ·              ───────────┬──────────
   ·                         ╰── `min` is more than `max`
 4 │ }
   ╰────
  help: write `@range(min: 1, max: 5)`
"#);
    let both = "write the least value, the greatest or both, such as `@range(min: 1, max: 5)`, or remove it";
    check("Int @range", "`@range` limits nothing", both);
    check("Int @range(min: null)", "`@range` limits nothing", both);
    check("Int @range(max: 5) @range(max: 6)", "@range is written twice", "keep one of the two");
    check("Int @range(max: 5.5)", "`max` is not a value of `Int`", "write a whole number, such as 42");
    check("Int @range(max: \"5\")", "`max` is not a value of `Int`", "write a whole number, such as 42");
    let digits = "the value must have at most 6 digits before the point and 2 after it";
    check("Decimal @precision(digits: 8, scale: 2) @range(min: 0.001)", "`min` is not a value of `Decimal`", digits);
    check("Time @range(min: 9)", "`min` is not a value of `Time`", "write a time of day, such as \"09:30:00\"");
    let turned = "write `@range(min: \"PT1H\", max: \"2h\")`";
    check("Duration @range(min: \"2h\", max: \"PT1H\")", "no value is at least \"2h\" and at most \"PT1H\"", turned);
    let default = "the default of `a` does not fit its `@range`";
    check("Int @default(to: 6) @range(max: 5)", default, "the value must be at most 5");
    check("[Int!] @range(min: 1) @default(to: [1, 0])", default, "the value must be at least 1");
    let of = "it is for `Int`, `Float`, `Decimal`, `Date`, `DateTime`, `Time` and `Duration`, and for lists of these";
    for field in ["Boolean", "JSON", "Post", "[Post!]", "Money", "E", "ID"] {
        check(&format!("{field} @range(max: 3)"), "`@range` has no meaning for this field", of);
    }
    let texts = "`@length` says how long a text is, and `@pattern` what it looks like";
    check("[String!] @range(max: 3)", "`@range` has no meaning for this field", texts);
    let computed = "remove it: the value is computed whenever it is read, and never stored or written";
    check("Int @computed(is: \"1\") @range(max: 3)", "`@range` has no meaning for a computed field", computed);
}

#[test]
fn a_pattern_without_sense() {
    let model = r#"
type Post @allow(read: "true") {
  slug: String @pattern(is: "[a-z")
  code: String @pattern(is: "(?=.*[0-9]).{8,}", message: " ")
}
"#;
    assert_snapshot!(told(model.trim_start()), @r#"
refused
  × error: unclosed character class (character 1)
   ╭─[model.graphql:2:29]
 1 │ type Post @allow(read: "true") {
 2 │   slug: String @pattern(is: "[a-z")
   ·                             ───┬──
   ·                                ╰── not a pattern
 3 │   code: String @pattern(is: "(?=.*[0-9]).{8,}", message: " ")
   ╰────
  help: correct it; a backslash before a character stands for the character itself
  × error: a pattern can't look ahead or behind (character 1)
   ╭─[model.graphql:3:29]
 2 │   slug: String @pattern(is: "[a-z")
 3 │   code: String @pattern(is: "(?=.*[0-9]).{8,}", message: " ")
   ·                             ─────────┬────────
   ·                                      ╰── not a pattern
 4 │ }
   ╰────
  help: leave it out, and write that condition as a rule of its own
  × error: the message of a pattern has 1 to 200 characters
   ╭─[model.graphql:3:58]
 2 │   slug: String @pattern(is: "[a-z")
 3 │   code: String @pattern(is: "(?=.*[0-9]).{8,}", message: " ")
   ·                                                          ─┬─
   ·                                                           ╰── not a message
 4 │ }
   ╰────
  help: say what is expected, such as "at most 80 characters"
"#);
    let back = "leave it out, and write that condition as a rule of its own";
    check(r#"String @pattern(is: "(a)\\1")"#, "a pattern can't refer back to a group (character 4)", back);
    let less = "repeat less, such as `+` in place of `{1,500}`, and limit the text with `@length`";
    check(r#"String @pattern(is: "\\p{L}{1,500}")"#, "the pattern takes too much memory", less);
    check("String @pattern(is: \"a\") @pattern(is: \"b\")", "@pattern is written twice", "keep one of the two");
    let default = "the default of `a` does not fit its `@pattern`";
    check("String @pattern(is: \"[a-z]+\") @default(to: \"A\")", default, "the value must match `[a-z]+`");
    let small = "the value is refused: small letters only";
    check("String @pattern(is: \"[a-z]+\", message: \"small letters only\") @default(to: \"A\")", default, small);
    let of = "it is for `String`, `Text`, `Email`, `Url`, `Phone`, `Country`, `Currency`, `Locale` and lists of these";
    for field in ["Int", "JSON", "Post", "[Post!]", "Money", "E", "Time"] {
        check(&format!("{field} @pattern(is: \"a\")"), "`@pattern` has no meaning for this field", of);
    }
}

#[test]
fn limits_that_hold() {
    let model = r#"
type Size @embedded { width: Int! @range(min: 1) unit: String @pattern(is: "px|em") @default(to: "px") }
interface Rated { stars: Int @range(min: 1, max: 5) }
type Post implements Rated @allow(read: "true") {
  b: Float @range(min: -0.5, max: 1e3)
  c: Decimal @range(min: 0) @default(to: 0)
  d: DateTime @range(min: "2020-01-01T00:00:00Z")
  e: Date @range(max: "2030-12-31")
  f: Time @range(min: "09:00", max: "17:30:00")
  g: Duration @range(min: "15m", max: "PT8H")
  h: [Int!] @range(min: 1, max: 1)
  i: [Email!] @pattern(is: ".*@example\\.org")
  size: Size
  sizes: [Size!]
}
"#;
    assert_snapshot!(told(model.trim_start()), @r#"loaded"#);
}

#[test]
fn a_backslash_is_written_twice() {
    let told = told(r#"type Post @allow(read: "true") { a: String @pattern(is: "\d+") }"#);
    assert!(told.contains("help: in a string, write a backslash twice: `\\\\`"), "{told}");
}

#[test]
fn words_of_other_systems() {
    let check = |directive: &str, help: &str| {
        let told = told(&format!("type Post @allow(read: \"true\") {{ a: Int {directive} }}"));
        assert!(told.contains(help), "{directive}: {told}");
    };
    check("@min(value: 1)", "write `@range(min: …)`");
    check("@max(value: 1)", "write `@range(max: …)`");
    check("@regex(is: \"a\")", "write `@pattern(is: …)`");
    check("@validate(rule: \"a\")", "write `@check(rule: …, message: …)`");
    check("@range(from: 1)", "write `@range(min: …)`");
    check("@range(lte: 1)", "write `@range(max: …)`");
    check("@pattern(regex: \"a\")", "write `@pattern(is: …)`");
}
