//! Indexes.

use insta::assert_snapshot;

use crate::told;

#[test]
fn indexes_over_what_is_not_there() {
    let model = r#"
type Post @allow(read: "true") @index(fields: ["stat", "title"]) {
  state: Int
  title: String!
}
"#;
    assert_snapshot!(told(model.trim_start()), @r#"
refused
  × error: Post has no field `stat`
   ╭─[model.graphql:1:48]
 1 │ type Post @allow(read: "true") @index(fields: ["stat", "title"]) {
   ·                                                ───┬──
   ·                                                   ╰── not a field
 2 │   state: Int
   ╰────
  help: did you mean `state`?
"#);
}

#[test]
fn indexes_over_what_cannot_be_indexed() {
    let model = r#"
type Post @allow(read: "true") @index(fields: ["body"]) @index(fields: ["id"]) @unique(fields: ["tags"]) {
  body: Text
  tags: [String!]
}
"#;
    assert_snapshot!(told(model.trim_start()), @r#"
refused
  × error: `body` cannot be in an index
   ╭─[model.graphql:1:48]
 1 │ type Post @allow(read: "true") @index(fields: ["body"]) @index(fields: ["id"]) @unique(fields: ["tags"]) {
   ·                                                ───┬──
   ·                                                   ╰── not in an index
 2 │   body: Text
   ╰────
  help: you can index enums, to-one relations, and scalars except Text, JSON, Money and Bytes
  × error: `id` has its index already
   ╭─[model.graphql:1:73]
 1 │ type Post @allow(read: "true") @index(fields: ["body"]) @index(fields: ["id"]) @unique(fields: ["tags"]) {
   ·                                                                         ──┬─
   ·                                                                           ╰── not needed
 2 │   body: Text
   ╰────
  help: remove it
  × error: `tags` cannot be in an index
   ╭─[model.graphql:1:97]
 1 │ type Post @allow(read: "true") @index(fields: ["body"]) @index(fields: ["id"]) @unique(fields: ["tags"]) {
   ·                                                                                                 ───┬──
   ·                                                                                                    ╰── not in an index
 2 │   body: Text
   ╰────
  help: you can index enums, to-one relations, and scalars except Text, JSON, Money and Bytes
"#);
}

#[test]
fn indexes_written_twice() {
    let model = r#"
type Post @allow(read: "true") @index(fields: ["a"]) @unique(fields: ["a"]) @index(fields: ["b", "b"]) {
  a: Int
  b: Int
}
"#;
    assert_snapshot!(told(model.trim_start()), @r#"
refused
  × error: an index over these fields in this order already exists
   ╭─[model.graphql:1:54]
 1 │ type Post @allow(read: "true") @index(fields: ["a"]) @unique(fields: ["a"]) @index(fields: ["b", "b"]) {
   ·                                                      ───────────┬──────────
   ·                                                                 ╰── again here
 2 │   a: Int
   ╰────
  help: remove one of the two
  × error: `b` is in the index twice
   ╭─[model.graphql:1:98]
 1 │ type Post @allow(read: "true") @index(fields: ["a"]) @unique(fields: ["a"]) @index(fields: ["b", "b"]) {
   ·                                                                                                  ─┬─
   ·                                                                                                   ╰── again here
 2 │   a: Int
   ╰────
  help: remove it
"#);
}

#[test]
fn unique_without_and_with_fields() {
    let model = r#"
type Post @allow(read: "true") @unique {
  a: Int @unique(fields: ["a"])
  m: Money @unique
}
"#;
    assert_snapshot!(told(model.trim_start()), @r#"
refused
  × error: `@unique` on a type needs `fields`
   ╭─[model.graphql:1:32]
 1 │ type Post @allow(read: "true") @unique {
   ·                                ───┬───
   ·                                   ╰── over which fields?
 2 │   a: Int @unique(fields: ["a"])
   ╰────
  help: write `@unique(fields: ["…", "…"])` on the type, or `@unique` on a field
  × error: `fields` is for `@unique` on a type
   ╭─[model.graphql:2:10]
 1 │ type Post @allow(read: "true") @unique {
 2 │   a: Int @unique(fields: ["a"])
   ·          ───────────┬──────────
   ·                     ╰── on a field
 3 │   m: Money @unique
   ╰────
  help: write `@unique` here, or `@unique(fields: […])` on the type
  × error: `@unique` has no meaning for this field
   ╭─[model.graphql:3:12]
 2 │   a: Int @unique(fields: ["a"])
 3 │   m: Money @unique
   ·            ───┬───
   ·               ╰── not here
 4 │ }
   ╰────
  help: it is for relations to one record, enums, and scalars other than `Text`, `JSON`, `Money` and `Bytes`
"#);
}

#[test]
fn an_index_over_nothing() {
    let model = r#"
type Post @allow(read: "true") @index(fields: []) {
  a: Int
}
"#;
    assert_snapshot!(told(model.trim_start()), @r#"
refused
  × error: an index is over 1 to 8 fields, not 0
   ╭─[model.graphql:1:47]
 1 │ type Post @allow(read: "true") @index(fields: []) {
   ·                                               ─┬
   ·                                                ╰── these fields
 2 │   a: Int
   ╰────
  help: name 1 to 8 fields
"#);
}

#[test]
fn arguments_that_an_index_cannot_have() {
    let model = r#"
type Post @allow(read: "true") @index(fields: ["state"], where: 7) @index(fields: ["state"], when: "true") {
  state: Int @unique(where: "true", where: "false")
  title: String! @unique(nulls: EQUAL)
}
"#;
    assert_snapshot!(told(model.trim_start()));
}

#[test]
fn indexes_with_conditions() {
    let model = r#"
type Post @allow(read: "true")
  @unique(fields: ["title"], where: "this.state == 1")
  @unique(fields: ["title"], where: " this.state == 1 ")
  @unique(fields: ["title"], nulls: SAME)
  @index(fields: ["state"], where: "") {
  state: Int @unique @unique
  title: String!
}
"#;
    assert_snapshot!(told(model.trim_start()));
}
