//! `@deprecated`.

use insta::assert_snapshot;

use crate::told;

#[test]
fn types_fields_and_values_are_deprecated() {
    let model = r#"
interface Named { name: String @deprecated(reason: "Use `title`.") }
type Post implements Named @allow(read: "true") @deprecated(reason: "Use Article.") {
  name: String
  state: State
  address: Address @deprecated(reason: "Use `place`.")
  count: Int @computed(is: "1") @deprecated
  others: [Post!] @deprecated
}
enum State { OLD @deprecated(reason: "Use NEW.") NEW }
type Address @embedded { city: String @deprecated }
"#;
    assert_snapshot!(told(model.trim_start()));
}

#[test]
fn a_deprecation_is_written_once_with_a_reason() {
    let model = r#"
type Post @allow(read: "true") {
  number: String @deprecated(reason: 1)
  twice: String @deprecated @deprecated
  because: String @deprecated(because: "x")
}
enum State @deprecated { OLD NEW }
type Address @embedded { city: String }
interface Named @deprecated { name: String }
union Block @deprecated = Address
"#;
    assert_snapshot!(told(model.trim_start()));
}

#[test]
fn what_is_deprecated_has_a_reason_and_is_part_of_the_api() {
    let model = r#"
type Post @allow(read: "true") @deprecated(reason: "") {
  id: ID! @deprecated
  empty: String @deprecated(reason: " ")
  address: Address
}
enum State { OLD @deprecated(reason: "") NEW }
type Address @embedded @deprecated { city: String @deprecated(reason: "") }
"#;
    assert_snapshot!(told(model.trim_start()));
}
