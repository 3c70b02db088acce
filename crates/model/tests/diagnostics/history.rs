//! `@history`.

use insta::assert_snapshot;

use crate::told;

#[test]
fn a_history_needs_a_rule_and_a_length_of_time() {
    let model = r#"
type A @history @allow(read: "true") { a: Int }
type B @history(keep: "30d") @allow(read: "true") { a: Int }
type C @history(read: "") @allow(read: "true") { a: Int }
type D @history(read: "true", keep: "a year") @allow(read: "true") { a: Int }
type E @history(read: true, keep: 365) @allow(read: "true") { a: Int }
type F @history(read: "true") @history(read: "false") @allow(read: "true") { a: Int }
type G @history(read: "true", for: "30d") @allow(read: "true") { a: Int }
type H @history(allow: "true") @allow(read: "true") { a: Int }
"#;
    assert_snapshot!(told(model.trim_start()), @"");
}

#[test]
fn a_history_in_the_wrong_place_or_in_other_words() {
    let model = r#"
type A @paperTrail @allow(read: "true") { a: Int @history(read: "true") b: B }
type B @embedded @history(read: "true") { c: Int }
type C @single @history(read: "true") @allow(read: "true") { a: Int }
type D @history(read: "true") @allow(read: "true") { a: Int }
type DHistory @allow(read: "true") { a: Int }
"#;
    assert_snapshot!(told(model.trim_start()), @"");
}
