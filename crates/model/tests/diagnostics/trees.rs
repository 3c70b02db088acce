//! `@tree`.

use insta::assert_snapshot;

use crate::told;

#[test]
fn a_tree_names_the_relation_to_the_record_above() {
    let model = r#"
type B @tree(parent: "paernt") @allow(read: "true") { parent: B }
type C @tree(parent: "parent") @allow(read: "true") { name: String }
type D @tree(parent: "name") @allow(read: "true") { name: String parent: D }
type E @tree(parent: "parent") @allow(read: "true") { parent: B }
type F @tree(parent: "parents") @allow(read: "true") { parents: [F!] }
type G @tree(parent: "parent") @allow(read: "true") { parent: G! }
type H @tree(parent: "parent") @allow(read: "true") { parent: H @allow(read: "auth.id != null") }
type I @tree(parent: "children") @allow(read: "true") { parent: I children: [I!] @inverse(field: "parent") }
"#;
    assert_snapshot!(told(model.trim_start()));
}

#[test]
fn a_tree_is_written_once_and_with_its_relation() {
    let model = r#"
type A @tree @allow(read: "true") { parent: A }
type B @tree(by: "parent") @allow(read: "true") { parent: B }
type C @tree(parent: "parent") @tree(parent: "other") @allow(read: "true") { parent: C other: C }
type D @tree(parent: "parent", sort: "position") @allow(read: "true") { position: Int parent: D }
"#;
    assert_snapshot!(told(model.trim_start()));
}

#[test]
fn siblings_are_ordered_by_a_field() {
    let model = r#"
type A @tree(parent: "parent", order: "position") @allow(read: "true") { position: Int parent: A }
type B @tree(parent: "parent", order: "positon") @allow(read: "true") {
  position: Int parent: B children: [B!] @inverse(field: "parent")
}
type C @tree(parent: "parent", order: "parent") @allow(read: "true") {
  parent: C children: [C!] @inverse(field: "parent")
}
type D @tree(parent: "parent", order: "secret") @allow(read: "true") {
  secret: String @class(is: SECRET) parent: D children: [D!] @inverse(field: "parent")
}
"#;
    assert_snapshot!(told(model.trim_start()));
}

#[test]
fn types_that_are_no_trees() {
    let model = r#"
type A @single @tree(parent: "parent") @allow(read: "true") { parent: A }
type B @tree(parent: "parent") @allow(read: "true") { parent: B ancestors: Int descendants: [B!] @inverse(field: "parent") }
"#;
    assert_snapshot!(told(model.trim_start()));
    let model = r#"
type A @allow(read: "true") { b: B }
type B @embedded @tree(parent: "parent") { parent: A }
"#;
    assert_snapshot!(told(model.trim_start()));
    let model = r#"
interface I @tree(parent: "parent") { parent: A }
type A implements I @allow(read: "true") { parent: A }
"#;
    assert_snapshot!(told(model.trim_start()));
    assert_snapshot!(told("type A @nestedSet @allow(read: \"true\") { parent: A }\n"));
}
