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
}
"#;
    assert_snapshot!(told(model.trim_start()), @r#"
refused
  × error: `filter` is a parameter of every list
   ╭─[model.graphql:2:3]
 1 │ type Post @allow(read: "true") {
 2 │   filter: String
   ·   ───┬──
   ·      ╰── reserved
 3 │   q: String
   ╰────
  help: `?filter=…` could not mean the field; give it another name
  × error: `q` is a parameter of every list
   ╭─[model.graphql:3:3]
 2 │   filter: String
 3 │   q: String
   ·   ┬
   ·   ╰── reserved
 4 │   count: Int
   ╰────
  help: `?q=…` could not mean the field; give it another name
  × error: `count` is a parameter of every list
   ╭─[model.graphql:4:3]
 3 │   q: String
 4 │   count: Int
   ·   ──┬──
   ·     ╰── reserved
 5 │   now: Int
   ╰────
  help: `?count=…` could not mean the field; give it another name
  × error: `now` is a word of the rule language
   ╭─[model.graphql:5:3]
 4 │   count: Int
 5 │   now: Int
   ·   ─┬─
   ·    ╰── reserved
 6 │   package: Int
   ╰────
  help: a filter could not name the field; give it another name
  × error: `package` is a word of the rule language
   ╭─[model.graphql:6:3]
 5 │   now: Int
 6 │   package: Int
   ·   ───┬───
   ·      ╰── reserved
 7 │   size: Int
   ╰────
  help: a filter could not name the field; give it another name
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
  × error: two fields of Post have one column, `published_at`
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
  × error: two fields of Post have one column, `price_currency`
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
  × error: two fields of Post have one column, `author_id`
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
fn defaults_out_of_type() {
    let model = r#"
enum Color { RED GREEN }
type Post @allow(read: "true") {
  a: String @default(to: 3)
  b: Int @default(to: 9223372036854775808)
  c: Float @default(to: "x")
  d: Decimal @default(to: 1.23456)
  e: Boolean @default(to: 1)
  f: DateTime @default(to: "now")
  g: Date @default(to: "2026-02-30")
  h: Email @default(to: "nobody")
  i: Url @default(to: "ftp://x")
  j: Money @default(to: {amount: "1.005", currency: "EUR"})
  k: Color @default(to: GREN)
  l: Color @default(to: "RED")
  m: [Int!] @default(to: [1, "2"])
  n: ID @default(to: "1")
  p: JSON @default(to: {a: [RED]})
}
"#;
    assert_snapshot!(told(model.trim_start()), @r#"
refused
  × error: the default of `a` does not fit its type
   ╭─[model.graphql:3:26]
 2 │ type Post @allow(read: "true") {
 3 │   a: String @default(to: 3)
   ·                          ┬
   ·                          ╰── does not fit
 4 │   b: Int @default(to: 9223372036854775808)
   ╰────
  help: write a text in quotes
  × error: the default of `b` does not fit its type
   ╭─[model.graphql:4:23]
 3 │   a: String @default(to: 3)
 4 │   b: Int @default(to: 9223372036854775808)
   ·                       ─────────┬─────────
   ·                                ╰── does not fit
 5 │   c: Float @default(to: "x")
   ╰────
  help: write a whole number from -9223372036854775808 to 9223372036854775807
  × error: the default of `c` does not fit its type
   ╭─[model.graphql:5:25]
 4 │   b: Int @default(to: 9223372036854775808)
 5 │   c: Float @default(to: "x")
   ·                         ─┬─
   ·                          ╰── does not fit
 6 │   d: Decimal @default(to: 1.23456)
   ╰────
  help: write a number such as 0.5
  × error: the default of `d` does not fit its type
   ╭─[model.graphql:6:27]
 5 │   c: Float @default(to: "x")
 6 │   d: Decimal @default(to: 1.23456)
   ·                           ───┬───
   ·                              ╰── does not fit
 7 │   e: Boolean @default(to: 1)
   ╰────
  help: write a number of at most 18 digits, 4 of them after the point
  × error: the default of `e` does not fit its type
   ╭─[model.graphql:7:27]
 6 │   d: Decimal @default(to: 1.23456)
 7 │   e: Boolean @default(to: 1)
   ·                           ┬
   ·                           ╰── does not fit
 8 │   f: DateTime @default(to: "now")
   ╰────
  help: write true or false
  × error: the default of `f` does not fit its type
   ╭─[model.graphql:8:28]
 7 │   e: Boolean @default(to: 1)
 8 │   f: DateTime @default(to: "now")
   ·                            ──┬──
   ·                              ╰── does not fit
 9 │   g: Date @default(to: "2026-02-30")
   ╰────
  help: write a moment such as "2026-01-31T12:00:00Z"; for the present one use `@set`
  × error: the default of `g` does not fit its type
    ╭─[model.graphql:9:24]
  8 │   f: DateTime @default(to: "now")
  9 │   g: Date @default(to: "2026-02-30")
    ·                        ──────┬─────
    ·                              ╰── does not fit
 10 │   h: Email @default(to: "nobody")
    ╰────
  help: write a day such as "2026-01-31"
  × error: the default of `h` does not fit its type
    ╭─[model.graphql:10:25]
  9 │   g: Date @default(to: "2026-02-30")
 10 │   h: Email @default(to: "nobody")
    ·                         ────┬───
    ·                             ╰── does not fit
 11 │   i: Url @default(to: "ftp://x")
    ╰────
  help: write an e-mail address such as "someone@example.com"
  × error: the default of `i` does not fit its type
    ╭─[model.graphql:11:23]
 10 │   h: Email @default(to: "nobody")
 11 │   i: Url @default(to: "ftp://x")
    ·                       ────┬────
    ·                           ╰── does not fit
 12 │   j: Money @default(to: {amount: "1.005", currency: "EUR"})
    ╰────
  help: write an address such as "https://example.com/"
  × error: the default of `j` does not fit its type
    ╭─[model.graphql:12:25]
 11 │   i: Url @default(to: "ftp://x")
 12 │   j: Money @default(to: {amount: "1.005", currency: "EUR"})
    ·                         ─────────────────┬────────────────
    ·                                          ╰── does not fit
 13 │   k: Color @default(to: GREN)
    ╰────
  help: EUR has 2 digits after the point
  × error: the default of `k` does not fit its type
    ╭─[model.graphql:13:25]
 12 │   j: Money @default(to: {amount: "1.005", currency: "EUR"})
 13 │   k: Color @default(to: GREN)
    ·                         ──┬─
    ·                           ╰── does not fit
 14 │   l: Color @default(to: "RED")
    ╰────
  help: did you mean `GREEN`?
  × error: the default of `l` does not fit its type
    ╭─[model.graphql:14:25]
 13 │   k: Color @default(to: GREN)
 14 │   l: Color @default(to: "RED")
    ·                         ──┬──
    ·                           ╰── does not fit
 15 │   m: [Int!] @default(to: [1, "2"])
    ╰────
  help: write it without quotes; did you mean `RED`?
  × error: the default of `m` does not fit its type
    ╭─[model.graphql:15:26]
 14 │   l: Color @default(to: "RED")
 15 │   m: [Int!] @default(to: [1, "2"])
    ·                          ────┬───
    ·                              ╰── does not fit
 16 │   n: ID @default(to: "1")
    ╰────
  help: write a whole number from -9223372036854775808 to 9223372036854775807
  × error: the default of `n` does not fit its type
    ╭─[model.graphql:16:22]
 15 │   m: [Int!] @default(to: [1, "2"])
 16 │   n: ID @default(to: "1")
    ·                      ─┬─
    ·                       ╰── does not fit
 17 │   p: JSON @default(to: {a: [RED]})
    ╰────
  help: write a UUID in quotes
  × error: the default of `p` does not fit its type
    ╭─[model.graphql:17:24]
 16 │   n: ID @default(to: "1")
 17 │   p: JSON @default(to: {a: [RED]})
    ·                        ─────┬────
    ·                             ╰── does not fit
 18 │ }
    ╰────
  help: write "RED" in quotes
"#);
}

#[test]
fn a_default_of_null() {
    let model = r#"
type Post @allow(read: "true") {
  o: Int @default(to: null)
}
"#;
    assert_snapshot!(told(model.trim_start()), @r#"
refused
  × error: @default needs `to`
   ╭─[model.graphql:2:10]
 1 │ type Post @allow(read: "true") {
 2 │   o: Int @default(to: null)
   ·          ─────────┬────────
   ·                   ╰── it is missing here
 3 │ }
   ╰────
  help: write `@default(to: …)`
"#);
}

#[test]
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
  × error: `@default` has no meaning for this field
   ╭─[model.graphql:2:11]
 1 │ type Post @allow(read: "true") {
 2 │   a: Post @default(to: 1)
   ·           ───────┬───────
   ·                  ╰── not here
 3 │   b: [Post!] @set(on: CREATE, to: "auth.id")
   ╰────
  help: it is for scalars, enums and lists of them
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
  help: it is for the side of a relation that is a list
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
   ╭─[model.graphql:8:10]
 7 │   f: [Post!] @inverse(field: "a") @readonly
 8 │   g: Int @allow(delete: "true")
   ·          ───────────┬──────────
   ·                     ╰── `delete:` on a field
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
  × error: this is no message for a check
   ╭─[model.graphql:2:77]
 1 │ type Post @allow(read: "true") {
 2 │   a: Int @check(rule: "", message: "x") @check(rule: "this.a > 0", message: " ")
   ·                                                                             ─┬─
   ·                                                                              ╰── not a message
 3 │ }
   ╰────
  help: say in 1 to 200 characters what is expected, such as "at most 80 characters"
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
  help: keep one `@set`, or one for CREATE and one for UPDATE
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
  help: add `@default(to: …)` or `@set(on: CREATE, to: …)`, or remove the `!` or `@readonly`
"#);
}
