//! Names, words and places that the directives do not have.

use insta::assert_snapshot;

use crate::told;

#[test]
fn a_misspelt_type() {
    let model = r#"
type Post @allow(read: "true") {
  title: Strnig!
}
"#;
    assert_snapshot!(told(model.trim_start()), @r#"
refused
  × error: there is no type `Strnig`
   ╭─[model.graphql:2:10]
 1 │ type Post @allow(read: "true") {
 2 │   title: Strnig!
   ·          ───┬──
   ·             ╰── not known
 3 │ }
   ╰────
  help: did you mean `String`?
"#);
}

#[test]
fn a_misspelt_directive() {
    let model = r#"
type Post @allow(read: "true") {
  title: String! @uniqe
}
"#;
    assert_snapshot!(told(model.trim_start()), @r#"
refused
  × error: there is no directive `@uniqe`
   ╭─[model.graphql:2:18]
 1 │ type Post @allow(read: "true") {
 2 │   title: String! @uniqe
   ·                  ───┬──
   ·                     ╰── not known
 3 │ }
   ╰────
  help: did you mean `@unique`?
"#);
}

#[test]
fn a_misspelt_argument() {
    let model = r#"
type Post @allow(reed: "true") {
  title: String!
}
"#;
    assert_snapshot!(told(model.trim_start()), @r#"
refused
  × error: `@allow` takes no argument `reed`
   ╭─[model.graphql:1:18]
 1 │ type Post @allow(reed: "true") {
   ·                  ──────┬─────
   ·                        ╰── not an argument of it
 2 │   title: String!
   ╰────
  help: did you mean `read`?
"#);
}

#[test]
fn a_missing_argument() {
    let model = r#"
type Post @allow(read: "true") {
  title: String! @check(message: "no")
}
"#;
    assert_snapshot!(told(model.trim_start()), @r#"
refused
  × error: @check needs `rule`
   ╭─[model.graphql:2:18]
 1 │ type Post @allow(read: "true") {
 2 │   title: String! @check(message: "no")
   ·                  ──────────┬──────────
   ·                            ╰── it is missing here
 3 │ }
   ╰────
  help: write `@check(rule: "…", message: "…")`
"#);
}

#[test]
fn a_misspelt_word() {
    let model = r#"
type Post @allow(read: "true") {
  author: Post @onDelete(do: CASCAD)
  a: Int
}
"#;
    assert_snapshot!(told(model.trim_start()), @r#"
refused
  × error: `@onDelete` has no option `CASCAD`
   ╭─[model.graphql:2:30]
 1 │ type Post @allow(read: "true") {
 2 │   author: Post @onDelete(do: CASCAD)
   ·                              ───┬──
   ·                                 ╰── not an option
 3 │   a: Int
   ╰────
  help: did you mean `CASCADE`?
"#);
}

#[test]
fn a_directive_in_a_wrong_place() {
    let model = r#"
type Post @allow(read: "true") @readonly {
  title: String!
}
"#;
    assert_snapshot!(told(model.trim_start()), @r#"
refused
  × error: `@readonly` can't be used on a type
   ╭─[model.graphql:1:32]
 1 │ type Post @allow(read: "true") @readonly {
   ·                                ────┬────
   ·                                    ╰── not here
 2 │   title: String!
   ╰────
  help: put it on fields
"#);
}

#[test]
fn a_directive_written_twice() {
    let model = r#"
type Post @allow(read: "true") {
  title: String! @readonly @readonly @default(to: "x")
}
"#;
    assert_snapshot!(told(model.trim_start()), @r#"
refused
  × error: @readonly is written twice
   ╭─[model.graphql:2:28]
 1 │ type Post @allow(read: "true") {
 2 │   title: String! @readonly @readonly @default(to: "x")
   ·                            ────┬────
   ·                                ╰── again here
 3 │ }
   ╰────
  help: keep one of the two
"#);
}

#[test]
fn a_type_defined_twice() {
    let model = r#"
type Post @allow(read: "true") {
  title: String!
}
type Post @allow(read: "true") {
  a: Int
}
"#;
    assert_snapshot!(told(model.trim_start()), @r#"
refused
  × error: there are two types called `Post`
   ╭─[model.graphql:1:6]
 1 │ type Post @allow(read: "true") {
   ·      ──┬─
   ·        ╰── first here
 2 │   title: String!
 3 │ }
 4 │ type Post @allow(read: "true") {
   ·      ──┬─
   ·        ╰── again here
 5 │   a: Int
   ╰────
  help: remove one of the two, or give it another name
"#);
}

#[test]
fn a_type_called_like_a_scalar() {
    let model = r#"
type Date @allow(read: "true") {
  title: String!
}
"#;
    assert_snapshot!(told(model.trim_start()), @"loaded");
}

#[test]
fn a_field_declared_twice() {
    let model = r#"
type Post @allow(read: "true") {
  title: String!
  title: Text
}
"#;
    assert_snapshot!(told(model.trim_start()), @r#"
refused
  × error: Post has two fields called `title`
   ╭─[model.graphql:2:3]
 1 │ type Post @allow(read: "true") {
 2 │   title: String!
   ·   ──┬──
   ·     ╰── first here
 3 │   title: Text
   ·   ─────┬─────
   ·        ╰── again here
 4 │ }
   ╰────
  help: remove one of the two, or give it another name
"#);
}

#[test]
fn an_extension_of_nothing() {
    let model = r#"
type Post @allow(read: "true") {
  title: String!
}
extend type Pots {
  a: Int
}
"#;
    assert_snapshot!(told(model.trim_start()), @r#"
refused
  × error: there is no type `Pots` to extend
   ╭─[model.graphql:4:13]
 3 │ }
 4 │ extend type Pots {
   ·             ──┬─
   ·               ╰── not known
 5 │   a: Int
   ╰────
  help: did you mean `Post`?
"#);
}

#[test]
fn an_empty_type() {
    let model = r#"
type Post @allow(read: "true")
"#;
    assert_snapshot!(told(model.trim_start()), @r#"
refused
  × error: the type has no fields
   ╭─[model.graphql:1:1]
 1 │ type Post @allow(read: "true")
   · ───────────────┬──────────────
   ·                ╰── this type
   ╰────
  help: give it a field such as `name: String!`, or remove it
"#);
}

#[test]
fn several_errors_at_once() {
    let model = r#"
type Post @allow(read: "true") {
  title: Strnig!
  body: Test @inmutable
}
"#;
    assert_snapshot!(told(model.trim_start()), @r#"
refused
  × error: there is no type `Strnig`
   ╭─[model.graphql:2:10]
 1 │ type Post @allow(read: "true") {
 2 │   title: Strnig!
   ·          ───┬──
   ·             ╰── not known
 3 │   body: Test @inmutable
   ╰────
  help: did you mean `String`?
  × error: there is no type `Test`
   ╭─[model.graphql:3:9]
 2 │   title: Strnig!
 3 │   body: Test @inmutable
   ·         ──┬─
   ·           ╰── not known
 4 │ }
   ╰────
  help: did you mean `Text`?
  × error: there is no directive `@inmutable`
   ╭─[model.graphql:3:14]
 2 │   title: Strnig!
 3 │   body: Test @inmutable
   ·              ─────┬────
   ·                   ╰── not known
 4 │ }
   ╰────
  help: did you mean `@immutable`?
"#);
}

#[test]
fn a_wrong_kind_of_value() {
    let model = r#"
type Post @path(is: 3) @allow(read: "true") {
  title: String!
}
"#;
    assert_snapshot!(told(model.trim_start()), @r#"
refused
  × error: expected a string, found an integer
   ╭─[model.graphql:1:21]
 1 │ type Post @path(is: 3) @allow(read: "true") {
   ·                     ┬
   ·                     ╰── another kind of value
 2 │   title: String!
   ╰────
  help: write it in quotes: `"3"`
"#);
}

#[test]
fn an_executable_definition() {
    let model = r#"
type Post @allow(read: "true") {
  title: String!
}
query { _ }
"#;
    assert_snapshot!(told(model.trim_start()), @r#"
refused
  × error: a schema document must not contain an operation definition
   ╭─[model.graphql:4:1]
 3 │ }
 4 │ query { _ }
   · ─────┬─────
   ·      ╰── here
   ╰────
  help: remove it; a model has types, enums and `extend schema` alone
"#);
}
