//! `@search`.

use insta::assert_snapshot;

use crate::told;

#[test]
fn a_search_has_a_weight_and_a_language() {
    let model = r#"
type Post @allow(read: "true") {
  fine: String @search(weight: 3, language: "en")
  heavy: String @search(weight: 101)
  named: String @search(language: "English")
  region: Text @search(language: "de-CH")
  unknown: Text @search(language: "xx")
  empty: Text @search(language: "")
  number: Int @search(language: "en")
}
"#;
    assert_snapshot!(told(model.trim_start()));
}
