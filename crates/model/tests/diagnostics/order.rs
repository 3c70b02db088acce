//! `@order`.

use insta::assert_snapshot;

use crate::told;

#[test]
fn lists_are_ordered_by_fields_of_what_they_list() {
    let model = r#"
type Post @allow(read: "true") {
  title: String! @order(by: "title")
  pinned: Boolean
  tags: [String!] @order(by: "title")
  cover: Comment @order(by: "number")
  a: [Comment!] @inverse(field: "a") @order(by: "nummer")
  b: [Comment!] @inverse(field: "b") @order(by: ["text", "post", "posts", "list", "secret", "address", "price"])
  c: [Comment!] @inverse(field: "c") @order(by: ["number", "-number"])
  d: [Comment!] @inverse(field: "d") @order(by: [])
  e: [Comment!] @inverse(field: "e") @order(by: ["number", "createdAt", "updatedAt", "version", "id"])
  f: [Comment!] @inverse(field: "f") @order(by: ["number desc", "number asc", "createdAt:desc", "-number,createdAt", "", "-"])
  g: [Comment!] @inverse(field: "g") @order(by: ["-address.city", "twice", "id"])
  own: [Comment!] @order(by: "pinned")
}
type Comment @allow(read: "true") {
  a: Post  b: Post  c: Post  d: Post  e: Post  f: Post  g: Post
  number: Int
  text: Text
  post: Post
  posts: [Post!]
  list: [Int!]
  secret: Int @class(is: SECRET)
  address: Address
  price: Money
  twice: Int @computed(is: "this.number * 2")
}
type Address @embedded { city: String }
"#;
    assert_snapshot!(told(model.trim_start()));
}

#[test]
fn it_is_written_once() {
    let model = r#"
type Post @allow(read: "true") @order(by: "title") {
  title: String!
  twice: [Post!] @order(by: "title") @order(by: "title")
  missing: [Post!] @order
  number: [Post!] @order(by: 1)
  field: [Post!] @order(field: "title")
  direction: [Post!] @order(by: "title", desc: true)
  other: [Post!] @orderBy(by: "title")
  added: [Post!] @order(as: ADDED)
  quoted: [Post!] @order(as: "SENT")
}
"#;
    assert_snapshot!(told(model.trim_start()));
}

#[test]
fn links_of_a_declared_relation_can_have_an_order() {
    let model = r#"
type Post @allow(read: "true") {
  tags: [Tag!] @order(as: SENT)
  both: [Tag!] @order(by: "name", as: SENT)
  none: [Tag!] @order
  nothing: [Tag!] @order(as: null)
  one: Tag @order(as: SENT)
  words: [String!] @order(as: SENT)
  comments: [Comment!] @inverse(field: "post") @order(as: SENT)
}
type Tag @allow(read: "true") {
  name: String!
  posts: [Post!] @inverse(field: "tags") @order(as: SENT)
}
type Comment @allow(read: "true") { post: Post }
"#;
    assert_snapshot!(told(model.trim_start()));
}
