//! What is not there yet is refused by name.

use insta::assert_snapshot;

use crate::told;

#[test]
fn directives() {
    let model = r#"
type Post @allow(read: "true") {
  b: String @localized
}
"#;
    assert_snapshot!(told(model.trim_start()), @r#"
refused
  × error: `@localized` is not supported yet
   ╭─[model.graphql:2:13]
 1 │ type Post @allow(read: "true") {
 2 │   b: String @localized
   ·             ─────┬────
   ·                  ╰── not supported yet
 3 │ }
   ╰────
  help: remove it
"#);
}

#[test]
fn scalars() {
    let model = r#"
type Post @allow(read: "true") {
  a: File
  c: Geo
  d: [Vector!]
}
"#;
    assert_snapshot!(told(model.trim_start()), @r#"
refused
  × error: the scalar `File` is not supported yet
   ╭─[model.graphql:2:6]
 1 │ type Post @allow(read: "true") {
 2 │   a: File
   ·      ──┬─
   ·        ╰── not supported yet
 3 │   c: Geo
   ╰────
  help: use `Url` for now
  × error: the scalar `Geo` is not supported yet
   ╭─[model.graphql:3:6]
 2 │   a: File
 3 │   c: Geo
   ·      ─┬─
   ·       ╰── not supported yet
 4 │   d: [Vector!]
   ╰────
  help: use two `Float` fields for now
  × error: the scalar `Vector` is not supported yet
   ╭─[model.graphql:4:7]
 3 │   c: Geo
 4 │   d: [Vector!]
   ·       ───┬──
   ·          ╰── not supported yet
 5 │ }
   ╰────
  help: use `[Float!]` for now
"#);
}

#[test]
fn definitions() {
    let model = r"
scalar Odd
type Subscription {
  a: Int
}
directive @mine on OBJECT
schema {
  query: Query
}
extend schema {
  mutation: Mutation
}
";
    assert_snapshot!(told(model.trim_start()), @r#"
refused
  × error: scalars of your own are not supported yet
   ╭─[model.graphql:1:1]
 1 │ scalar Odd
   · ─────┬────
   ·      ╰── this definition
 2 │ type Subscription {
   ╰────
  help: remove it; the scalars of Backstay are there already
  × error: `type Subscription` is not supported yet
   ╭─[model.graphql:2:1]
 1 │     scalar Odd
 2 │ ╭─▶ type Subscription {
 3 │ │     a: Int
 4 │ ├─▶ }
   · ╰──── this definition
 5 │     directive @mine on OBJECT
   ╰────
  help: remove it; clients ask for changes at `/api/…:changes`
  × error: directives of your own are not supported
   ╭─[model.graphql:5:1]
 4 │ }
 5 │ directive @mine on OBJECT
   · ────────────┬────────────
   ·             ╰── this definition
 6 │ schema {
   ╰────
  help: remove the definition
  × error: Backstay defines the schema's root
   ╭─[model.graphql:6:1]
 5 │     directive @mine on OBJECT
 6 │ ╭─▶ schema {
 7 │ │     query: Query
 8 │ ├─▶ }
   · ╰──── this definition
 9 │     extend schema {
   ╰────
  help: write `extend schema @app(name: …)`
  × error: `type Mutation` is not supported yet
    ╭─[model.graphql:10:3]
  9 │ extend schema {
 10 │   mutation: Mutation
    ·   ─────────┬────────
    ·            ╰── not supported yet
 11 │ }
    ╰────
  help: remove it
"#);
}

#[test]
fn arguments() {
    let model = r#"
type Post @allow(read: "true") {
  title(length: Int): String!
}
"#;
    assert_snapshot!(told(model.trim_start()), @r#"
refused
  × error: arguments of fields are not supported yet
   ╭─[model.graphql:2:9]
 1 │ type Post @allow(read: "true") {
 2 │   title(length: Int): String!
   ·         ─────┬─────
   ·              ╰── not supported yet
 3 │ }
   ╰────
  help: remove them
"#);
}
