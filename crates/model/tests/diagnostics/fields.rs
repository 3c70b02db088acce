//! Fields and their directives.

use insta::assert_snapshot;

use crate::told;

#[test]
fn standard_fields_of_other_types() {
    let model = r#"
type Post @allow(read: "true") {
  id: Int!
  createdAt: DateTime
  version: Int! @readonly
  a: Int
}
"#;
    assert_snapshot!(told(model.trim_start()), @r#"
refused
  × error: `id` has the type `ID!` in every record
   ╭─[model.graphql:2:3]
 1 │ type Post @allow(read: "true") {
 2 │   id: Int!
   ·   ─┬
   ·    ╰── declared as `Int!`
 3 │   createdAt: DateTime
   ╰────
  help: write `id: ID!`, or leave it out: every record has it
  × error: `createdAt` has the type `DateTime!` in every record
   ╭─[model.graphql:3:3]
 2 │   id: Int!
 3 │   createdAt: DateTime
   ·   ────┬────
   ·       ╰── declared as `DateTime`
 4 │   version: Int! @readonly
   ╰────
  help: write `createdAt: DateTime!`, or leave it out: every record has it
  × error: `version` takes no directives
   ╭─[model.graphql:4:17]
 3 │   createdAt: DateTime
 4 │   version: Int! @readonly
   ·                 ────┬────
   ·                     ╰── not here
 5 │   a: Int
   ╰────
  help: remove it; Backstay alone writes this field
"#);
}

#[test]
fn reserved_field_names() {
    let model = r#"
type Post @allow(read: "true") {
  filter: String
  q: String
  count: Int
  now: Int
  package: Int
  size: Int
  in: Int
}
"#;
    assert_snapshot!(told(model.trim_start()), @r#"
refused
  × error: `in` is a word of the rule language
   ╭─[model.graphql:8:3]
 7 │   size: Int
 8 │   in: Int
   ·   ─┬
   ·    ╰── reserved
 9 │ }
   ╰────
  help: a rule could not name the field; give it another name
"#);
}

#[test]
fn one_column_twice() {
    let model = r#"
type Post @allow(read: "true") {
  publishedAt: Int
  published_at: Int
  price: Money
  priceCurrency: String
  author: Post
  authorId: ID
}
"#;
    assert_snapshot!(told(model.trim_start()), @r#"
refused
  × error: two fields of Post map to the same column, `published_at`
   ╭─[model.graphql:2:3]
 1 │ type Post @allow(read: "true") {
 2 │   publishedAt: Int
   ·   ─────┬─────
   ·        ╰── this
 3 │   published_at: Int
   ·   ──────┬─────
   ·         ╰── and this
 4 │   price: Money
   ╰────
  help: give one of them another name
  × error: two fields of Post map to the same column, `price_currency`
   ╭─[model.graphql:4:3]
 3 │   published_at: Int
 4 │   price: Money
   ·   ──┬──
   ·     ╰── this
 5 │   priceCurrency: String
   ·   ──────┬──────
   ·         ╰── and this
 6 │   author: Post
   ╰────
  help: give one of them another name
  × error: two fields of Post map to the same column, `author_id`
   ╭─[model.graphql:6:3]
 5 │   priceCurrency: String
 6 │   author: Post
   ·   ───┬──
   ·      ╰── this
 7 │   authorId: ID
   ·   ────┬───
   ·       ╰── and this
 8 │ }
   ╰────
  help: give one of them another name
"#);
}

#[test]
fn lists() {
    let model = r#"
type Post @allow(read: "true") {
  a: [[Int!]!]
  b: [String]
  c: [JSON!]
  d: [Money!]
}
"#;
    assert_snapshot!(told(model.trim_start()), @r#"
refused
  × error: a list of lists is not supported
   ╭─[model.graphql:2:3]
 1 │ type Post @allow(read: "true") {
 2 │   a: [[Int!]!]
   ·   ┬
   ·   ╰── a list of lists
 3 │   b: [String]
   ╰────
  help: use a type of its own for the inner list, or a `JSON` field
  × error: elements of a list are never null
   ╭─[model.graphql:3:7]
 2 │   a: [[Int!]!]
 3 │   b: [String]
   ·       ───┬──
   ·          ╰── can be null
 4 │   c: [JSON!]
   ╰────
  help: write `[String!]`
  × error: a list of JSON is not supported
   ╭─[model.graphql:4:7]
 3 │   b: [String]
 4 │   c: [JSON!]
   ·       ──┬─
   ·         ╰── in a list
 5 │   d: [Money!]
   ╰────
  help: use a type of its own for the elements, or one `JSON` field that holds an array
  × error: a list of Money is not supported
   ╭─[model.graphql:5:7]
 4 │   c: [JSON!]
 5 │   d: [Money!]
   ·       ──┬──
   ·         ╰── in a list
 6 │ }
   ╰────
  help: use a type of its own for the elements, or one `JSON` field that holds an array
"#);
}

#[test]
#[expect(clippy::too_many_lines, reason = "one model and all that is told about it")]
fn directives_without_meaning() {
    let model = r#"
type Post @allow(read: "true") {
  a: Post @default(to: 1)
  b: [Post!] @set(on: CREATE, to: "auth.id")
  c: Int @onDelete(do: CASCADE)
  d: Int @inverse(field: "a")
  e: Int @precision(digits: 3, scale: 1)
  f: [Post!] @inverse(field: "a") @readonly
  g: Int @allow(delete: "true")
}
"#;
    assert_snapshot!(told(model.trim_start()), @r#"
refused
  × error: the default of `a` does not fit its type
   ╭─[model.graphql:2:24]
 1 │ type Post @allow(read: "true") {
 2 │   a: Post @default(to: 1)
   ·                        ┬
   ·                        ╰── does not fit
 3 │   b: [Post!] @set(on: CREATE, to: "auth.id")
   ╰────
  help: write an expression: `@default(from: "auth.id")`
  × error: `@set` has no meaning for this field
   ╭─[model.graphql:3:14]
 2 │   a: Post @default(to: 1)
 3 │   b: [Post!] @set(on: CREATE, to: "auth.id")
   ·              ───────────────┬───────────────
   ·                             ╰── not here
 4 │   c: Int @onDelete(do: CASCADE)
   ╰────
  help: it is for fields that are stored in the record itself
  × error: `@onDelete` has no meaning for this field
   ╭─[model.graphql:4:10]
 3 │   b: [Post!] @set(on: CREATE, to: "auth.id")
 4 │   c: Int @onDelete(do: CASCADE)
   ·          ───────────┬──────────
   ·                     ╰── not here
 5 │   d: Int @inverse(field: "a")
   ╰────
  help: it is for relations to one record
  × error: `@inverse` has no meaning for this field
   ╭─[model.graphql:5:10]
 4 │   c: Int @onDelete(do: CASCADE)
 5 │   d: Int @inverse(field: "a")
   ·          ──────────┬─────────
   ·                    ╰── not here
 6 │   e: Int @precision(digits: 3, scale: 1)
   ╰────
  help: it is for a field that lists or names records of another type
  × error: `@precision` has no meaning for this field
   ╭─[model.graphql:6:10]
 5 │   d: Int @inverse(field: "a")
 6 │   e: Int @precision(digits: 3, scale: 1)
   ·          ───────────────┬───────────────
   ·                         ╰── not here
 7 │   f: [Post!] @inverse(field: "a") @readonly
   ╰────
  help: it is for Decimal
  × error: `@readonly` has no meaning for this field
   ╭─[model.graphql:7:35]
 6 │   e: Int @precision(digits: 3, scale: 1)
 7 │   f: [Post!] @inverse(field: "a") @readonly
   ·                                   ────┬────
   ·                                       ╰── not here
 8 │   g: Int @allow(delete: "true")
   ╰────
  help: write it on the field at the other end
  × error: a field cannot be deleted
   ╭─[model.graphql:8:25]
 7 │   f: [Post!] @inverse(field: "a") @readonly
 8 │   g: Int @allow(delete: "true")
   ·                         ───┬──
   ·                            ╰── `delete:` on a field
 9 │ }
   ╰────
  help: a record is deleted as a whole: write `delete:` in the `@allow` of the type
"#);
}

#[test]
fn precision_out_of_range() {
    let model = r#"
type Post @allow(read: "true") {
  a: Decimal @precision(digits: 19, scale: 2)
  b: Decimal @precision(digits: 4, scale: 5)
}
"#;
    assert_snapshot!(told(model.trim_start()), @r#"
refused
  × error: a Decimal cannot have this precision
   ╭─[model.graphql:2:14]
 1 │ type Post @allow(read: "true") {
 2 │   a: Decimal @precision(digits: 19, scale: 2)
   ·              ────────────────┬───────────────
   ·                              ╰── out of range
 3 │   b: Decimal @precision(digits: 4, scale: 5)
   ╰────
  help: `digits` is 1 to 18 and counts all of them; `scale` is 0 to `digits`
  × error: a Decimal cannot have this precision
   ╭─[model.graphql:3:14]
 2 │   a: Decimal @precision(digits: 19, scale: 2)
 3 │   b: Decimal @precision(digits: 4, scale: 5)
   ·              ───────────────┬───────────────
   ·                             ╰── out of range
 4 │ }
   ╰────
  help: `digits` is 1 to 18 and counts all of them; `scale` is 0 to `digits`
"#);
}

#[test]
fn checks_without_words() {
    let model = r#"
type Post @allow(read: "true") {
  a: Int @check(rule: "", message: "x") @check(rule: "this.a > 0", message: " ")
}
"#;
    assert_snapshot!(told(model.trim_start()), @r#"
refused
  × error: the rule is empty
   ╭─[model.graphql:2:23]
 1 │ type Post @allow(read: "true") {
 2 │   a: Int @check(rule: "", message: "x") @check(rule: "this.a > 0", message: " ")
   ·                       ─┬
   ·                        ╰── nothing in it
 3 │ }
   ╰────
  help: write an expression such as "auth.id != null"; "true" allows everyone
  × error: the message of a check has 1 to 200 characters
   ╭─[model.graphql:2:77]
 1 │ type Post @allow(read: "true") {
 2 │   a: Int @check(rule: "", message: "x") @check(rule: "this.a > 0", message: " ")
   ·                                                                             ─┬─
   ·                                                                              ╰── not a message
 3 │ }
   ╰────
  help: say what is expected, such as "at most 80 characters"
"#);
}

#[test]
fn set_twice() {
    let model = r#"
type Post @allow(read: "true") {
  a: Int @set(on: WRITE, to: "1") @set(on: CREATE, to: "2")
}
"#;
    assert_snapshot!(told(model.trim_start()), @r#"
refused
  × error: `a` is set twice at the same moment
   ╭─[model.graphql:2:35]
 1 │ type Post @allow(read: "true") {
 2 │   a: Int @set(on: WRITE, to: "1") @set(on: CREATE, to: "2")
   ·                                   ────────────┬────────────
   ·                                               ╰── again here
 3 │ }
   ╰────
  help: keep one `@set`, or one for CREATE and one for UPDATE; of several for one moment, all but the last need
        `when:`
"#);
}

#[test]
fn required_and_read_only() {
    let model = r#"
type Post @allow(read: "true") {
  a: Int! @readonly
}
"#;
    assert_snapshot!(told(model.trim_start()), @r#"
refused
  × error: nobody can give `a` the value that it requires
   ╭─[model.graphql:2:3]
 1 │ type Post @allow(read: "true") {
 2 │   a: Int! @readonly
   ·   ┬
   ·   ╰── required and read-only
 3 │ }
   ╰────
  help: add `@default(to: …)`, `@default(from: …)` or `@set(on: CREATE, to: …)`, or remove the `!` or `@readonly`
"#);
}

#[test]
fn lengths() {
    let model = r#"
type Post @allow(read: "true") {
  a: String @length(min: 5, max: 3)
}
"#;
    assert_snapshot!(told(model.trim_start()), @r#"
refused
  × error: no value has at least 5 and at most 3 characters
   ╭─[model.graphql:2:13]
 1 │ type Post @allow(read: "true") {
 2 │   a: String @length(min: 5, max: 3)
   ·             ───────────┬───────────
   ·                        ╰── `min` is more than `max`
 3 │ }
   ╰────
  help: write `@length(min: 3, max: 5)`
"#);
    let check = |field: &str, message: &str, help: &str| {
        let told = told(&format!("type Post @allow(read: \"true\") {{ a: {field} }}"));
        let error = told.lines().find_map(|line| line.trim().strip_prefix("× error: "));
        let remedy = told.lines().find_map(|line| line.trim().strip_prefix("help: "));
        assert_eq!((error, remedy), (Some(message), Some(help)), "{field}");
    };
    let both = "write the least, the most or both, such as `@length(max: 200)`, or remove it";
    check("String @length", "`@length` limits nothing", both);
    check("String @length(max: 5) @length(max: 6)", "@length is written twice", "keep one of the two");
    let longer = "write `max: 10000` or less, or make it a `Text`";
    check("String @length(max: 10001)", "`String` holds at most 10000 characters", longer);
    check("Email @length(max: 300)", "`Email` holds at most 254 characters", "write `max: 254` or less");
    check("[Int!] @length(max: 1001)", "a list holds at most 1000 items", "write `max: 1000` or less");
    check("String @length(max: 0)", "`max` is at least 1", "write `max: 1` or more, or remove the field");
    let least = "write `min: 1` to refuse an empty value, or remove it";
    check("Text @length(min: -1)", "`min` is at least 0", least);
    let default = "the default of `a` does not fit its `@length`";
    check("String @length(max: 3) @default(to: \"long\")", default, "the value must have at most 3 characters");
    check("[String!] @default(to: []) @length(min: 1)", default, "the value must have at least 1 item");
    let of = "it is for `String`, `Text`, `Email`, `Url` and `Locale`, and for lists of scalars or enum values";
    for field in ["Int", "JSON", "Post", "[Post!]", "Phone"] {
        check(&format!("{field} @length(max: 3)"), "`@length` has no meaning for this field", of);
    }
}

#[test]
fn lengths_that_hold() {
    let model = r#"
enum Color { RED }
type Post @allow(read: "true") {
  a: String! @length(min: 1, max: 10000) @default(to: "é")
  b: Text @length(max: 8388608)
  c: Email @length(max: 100)
  d: Url @length(max: 2048)
  e: Locale @length(max: 5)
  f: [Color!]! @length(min: 1, max: 1) @default(to: [RED])
  g: [Decimal!] @length(max: 1000)
  h: String @length(min: 0)
}
"#;
    assert_snapshot!(told(model.trim_start()), @"loaded");
}
