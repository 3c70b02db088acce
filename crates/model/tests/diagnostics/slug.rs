//! `@slug`.

use insta::assert_snapshot;

use crate::told;

#[test]
fn a_slug_is_a_string_made_from_a_text_of_the_same_type() {
    let model = r#"
type Post @allow(read: "true") {
  title: String!
  text: Text @slug(from: "title")
  number: Int @slug(from: "title")
  list: [String!] @slug(from: "title")
  other: Post @slug(from: "title")
  unknown: String @slug(from: "titel")
  itself: String @slug(from: "itself")
  ofNumber: String @slug(from: "number")
  ofComputed: String @slug(from: "computed")
  computed: String @computed(is: "this.title")
  slug: String @slug(from: "title")
  ofSlug: String @slug(from: "slug")
  both: String @slug(from: "title") @computed(is: "this.title")
  ofOther: String @slug(from: "other.title")
  city: Address
}
type Address @embedded { name: String, slug: String @slug(from: "name") }
"#;
    assert_snapshot!(told(model.trim_start()));
}

#[test]
fn it_is_written_once_with_a_field() {
    let model = r#"
type Post @allow(read: "true") @slug(from: "title") {
  title: String!
  twice: String @slug(from: "title") @slug(from: "title")
  missing: String @slug
  number: String @slug(from: 1)
  many: String @slug(from: ["title"])
  source: String @slug(source: "title")
  rails: String @sluggable
}
"#;
    assert_snapshot!(told(model.trim_start()));
}

#[test]
fn nothing_else_gives_the_value() {
    let model = r#"
type Post @allow(read: "true", create: "true") {
  title: String!
  secret: String @class(is: PERSONAL)
  a: String @slug(from: "title") @default(to: "x")
  b: String @slug(from: "title") @set(on: CREATE, to: "this.title")
  c: String @slug(from: "title") @length(min: 3, max: 10)
  d: String @slug(from: "secret")
  e: String @slug(from: "secret") @class(is: MEDICAL)
  f: String! @slug(from: "title") @readonly @immutable @length(min: 1, max: 16) @set(on: UPDATE, to: "this.title")
  g: String! @slug(from: "title") @set(on: CREATE, when: "this.title == 'x'", to: "this.title")
}
"#;
    assert_snapshot!(told(model.trim_start()));
}
