//! Unions of types with records, and the fields that refer to a record of one of them.

use insta::assert_snapshot;

use crate::told;

#[test]
fn what_a_union_of_types_with_records_cannot_be() {
    let model = r#"
union Mixed = Page | Box
type Box @embedded { width: Int! }
type Page @allow(read: "true") { title: String! }
type Link @allow(read: "true") {
  mixed: Mixed
}
"#;
    assert_snapshot!(told(model.trim_start()));
}

#[test]
fn what_a_reference_cannot_be_marked_with() {
    let model = r#"
union Target = Page | Post
type Page @allow(read: "true") { title: String! toPage: Page }
type Post @allow(read: "true") { title: String! links: [Link!] @inverse(field: "to") link: Link @inverse(field: "to") }
type Link @allow(read: "true") @index(fields: ["to"]) @unique(fields: ["other.Page", "other.Post"]) {
  to: Target! @onDelete(do: SET_NULL) @default(from: "auth.id") @class(is: PERSONAL) @length(max: 3)
  other: Target @set(on: CREATE, to: "auth.id") @backfill(from: "this.to") @order(by: "title")
  otherPage: Page
  all: [Target!]
  back: Target @inverse(field: "x")
}
"#;
    assert_snapshot!(told(model.trim_start()));
}

#[test]
fn what_documents_and_records_cannot_refer_to() {
    let model = r#"
union Target = Page | Post
type Item @embedded { to: Target @onDelete(do: CASCADE) }
type Page @allow(read: "true") { items: [Item!] }
type Post @allow(read: "true") { title: String! }
type Settings @single @allow(read: "true") { place: Target! }
union Any = Settings | Page
type Note @allow(read: "true") { any: Any }
"#;
    assert_snapshot!(told(model.trim_start()));
}

#[test]
fn records_that_could_never_be_made() {
    let model = r#"
union One = Only
type Only @allow(read: "true") { one: One! }
union Two = First | Second
type First @allow(read: "true") { two: Two! }
type Second @allow(read: "true") { first: First! }
union Either = Comment | Post
type Post @allow(read: "true") { title: String! }
type Comment @allow(read: "true") { about: Either! }
"#;
    assert_snapshot!(told(model.trim_start()));
}

#[test]
fn a_list_without_inverse_that_looks_like_the_other_end_is_warned_of() {
    let model = r#"
union Target = Page | Post
type Page @allow(read: "true") { links: [Link!] }
type Post @allow(read: "true") { title: String! }
type Link @allow(read: "true") { to: Target }
"#;
    assert_snapshot!(told(model.trim_start()));
}
