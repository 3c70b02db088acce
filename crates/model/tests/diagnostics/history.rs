//! `@history`.

use insta::assert_snapshot;

use crate::told;

#[test]
fn a_history_is_written_with_a_rule() {
    let model = r#"
type A @history @allow(read: "true") { a: Int }
type B @history(keep: "30d") @allow(read: "true") { a: Int }
type E @history(read: true, keep: 365) @allow(read: "true") { a: Int }
type F @history(read: "true") @history(read: "false") @allow(read: "true") { a: Int }
type G @history(read: "true", for: "30d") @allow(read: "true") { a: Int }
type H @history(allow: "true") @allow(read: "true") { a: Int }
type I @paperTrail @allow(read: "true") { a: Int @history(read: "true") }
"#;
    assert_snapshot!(told(model.trim_start()));
}

#[test]
fn rules_and_lengths_of_time_that_are_none() {
    let model = r#"
type C @history(read: "") @allow(read: "true") { a: Int }
type D @history(read: "true", keep: "a year") @allow(read: "true") { a: Int }
"#;
    assert_snapshot!(told(model.trim_start()));
}

#[test]
fn types_without_a_history() {
    let model = r#"
type A @allow(read: "true") { b: B }
type B @embedded @history(read: "true") { c: Int }
"#;
    assert_snapshot!(told(model.trim_start()));
    let model = r#"
type A @key(given: true) @history(read: "true") @allow(read: "true") { a: Int }
type B @key(type: UUID4) @history(read: "true") @allow(read: "true") { a: Int }
"#;
    assert_snapshot!(told(model.trim_start()));
    let model = r#"
type C @single @history(read: "true") @allow(read: "true") { a: Int }
type D @history(read: "true") @allow(read: "true") { a: Int }
type DHistory @allow(read: "true") { a: Int }
"#;
    assert_snapshot!(told(model.trim_start()));
}
