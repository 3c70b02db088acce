//! Texts that are not GraphQL.

use insta::assert_snapshot;

use crate::told;

#[test]
fn a_missing_brace() {
    let model = r#"
type Post @allow(read: "true") {
  title: String!
"#;
    assert_snapshot!(told(model.trim_start()), @r#"
refused
  × error: syntax error: expected `}`, got the end of the file
   ╭─[model.graphql:3:1]
 2 │   title: String!
   ╰────
  help: model files are GraphQL type definitions (SDL)
"#);
}

#[test]
fn an_unknown_character() {
    let model = r#"
type Post @allow(read: "true") {
  title: String! ?
}
"#;
    assert_snapshot!(told(model.trim_start()), @r#"
refused
  × error: syntax error: Unexpected character "?"
   ╭─[model.graphql:2:18]
 1 │ type Post @allow(read: "true") {
 2 │   title: String! ?
   ·                  ┬
   ·                  ╰── here
 3 │ }
   ╰────
  help: model files are GraphQL type definitions (SDL)
"#);
}
