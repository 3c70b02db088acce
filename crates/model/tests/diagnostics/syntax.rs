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
  × error: the file ends before `}`
   ╭─[model.graphql:1:32]
 1 │ type Post @allow(read: "true") {
   ·                                ┬
   ·                                ╰── opened here
 2 │   title: String!
   ·                 ▲
   ·                 ╰── the file ends here
   ╰────
  help: write `}` where the bracket ends
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
  × error: unexpected `?`
   ╭─[model.graphql:2:18]
 1 │ type Post @allow(read: "true") {
 2 │   title: String! ?
   ·                  ┬
   ·                  ╰── here
 3 │ }
   ╰────
  help: remove it; a field can be null unless its type ends with `!`, such as `String!`
"#);
}
