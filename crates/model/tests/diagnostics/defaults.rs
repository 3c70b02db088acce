//! Defaults that do not fit their fields.

use insta::assert_snapshot;

use crate::told;

#[test]
#[expect(clippy::too_many_lines, reason = "one model and all that is told about it")]
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
  help: write a text in double quotes
  × error: the default of `b` does not fit its type
   ╭─[model.graphql:4:23]
 3 │   a: String @default(to: 3)
 4 │   b: Int @default(to: 9223372036854775808)
   ·                       ─────────┬─────────
   ·                                ╰── does not fit
 5 │   c: Float @default(to: "x")
   ╰────
  help: the value must be a whole number from -9223372036854775808 to 9223372036854775807
  × error: the default of `c` does not fit its type
   ╭─[model.graphql:5:25]
 4 │   b: Int @default(to: 9223372036854775808)
 5 │   c: Float @default(to: "x")
   ·                         ─┬─
   ·                          ╰── does not fit
 6 │   d: Decimal @default(to: 1.23456)
   ╰────
  help: write a number, such as 1.5
  × error: the default of `d` does not fit its type
   ╭─[model.graphql:6:27]
 5 │   c: Float @default(to: "x")
 6 │   d: Decimal @default(to: 1.23456)
   ·                           ───┬───
   ·                              ╰── does not fit
 7 │   e: Boolean @default(to: 1)
   ╰────
  help: the value must have at most 14 digits before the point and 4 after it
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
  help: write a date and time with an offset, such as "2026-01-31T12:00:00Z" (RFC 3339); for the moment of the write
        use `@default(from: "now")`
  × error: the default of `g` does not fit its type
    ╭─[model.graphql:9:24]
  8 │   f: DateTime @default(to: "now")
  9 │   g: Date @default(to: "2026-02-30")
    ·                        ──────┬─────
    ·                              ╰── does not fit
 10 │   h: Email @default(to: "nobody")
    ╰────
  help: write a date, such as "2026-01-31"
  × error: the default of `h` does not fit its type
    ╭─[model.graphql:10:25]
  9 │   g: Date @default(to: "2026-02-30")
 10 │   h: Email @default(to: "nobody")
    ·                         ────┬───
    ·                             ╰── does not fit
 11 │   i: Url @default(to: "ftp://x")
    ╰────
  help: write an email address, such as "ada@example.org"
  × error: the default of `i` does not fit its type
    ╭─[model.graphql:11:23]
 10 │   h: Email @default(to: "nobody")
 11 │   i: Url @default(to: "ftp://x")
    ·                       ────┬────
    ·                           ╰── does not fit
 12 │   j: Money @default(to: {amount: "1.005", currency: "EUR"})
    ╰────
  help: write an absolute web address, such as "https://example.org/page"
  × error: the default of `j` does not fit its type
    ╭─[model.graphql:12:25]
 11 │   i: Url @default(to: "ftp://x")
 12 │   j: Money @default(to: {amount: "1.005", currency: "EUR"})
    ·                         ─────────────────┬────────────────
    ·                                          ╰── does not fit
 13 │   k: Color @default(to: GREN)
    ╰────
  help: the value must have at most 2 digits after the point: its currency is EUR
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
  help: write a whole number, such as 42
  × error: the default of `n` does not fit its type
    ╭─[model.graphql:16:22]
 15 │   m: [Int!] @default(to: [1, "2"])
 16 │   n: ID @default(to: "1")
    ·                      ─┬─
    ·                       ╰── does not fit
 17 │   p: JSON @default(to: {a: [RED]})
    ╰────
  help: write an id, such as "01890a5d-ac96-774b-bcce-b302099a8057"
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
  × error: the default of `o` does not fit its type
   ╭─[model.graphql:2:23]
 1 │ type Post @allow(read: "true") {
 2 │   o: Int @default(to: null)
   ·                       ──┬─
   ·                         ╰── does not fit
 3 │ }
   ╰────
  help: leave `@default` out: a field without a value is null anyway
"#);
}
