//! `@sequence`.

use insta::assert_snapshot;

use crate::told;

#[test]
fn it_is_for_numbers_and_texts_of_a_type() {
    let model = r#"
type Order @allow(read: "true") {
  place: Address
  a: Int @sequence
  b: String @sequence
  c: Int @sequence(format: "{n}")
  d: Float @sequence
  e: [Int!] @sequence
  f: Order @sequence
  h: Int @computed(is: "1") @sequence
}
type Address @embedded { street: String, number: Int @sequence }
"#;
    assert_snapshot!(told(model.trim_start()));
}

#[test]
fn what_it_counts_by() {
    let model = r#"
type Order @allow(read: "true") {
  shop: Order
  text: Text
  kind: String!
  secret: String @class(is: PERSONAL)
  length: Int @computed(is: "size(this.kind)")
  placed: DateTime
  a: Int @sequence(per: [])
  b: Int @sequence(per: "shopp")
  c: Int @sequence(per: "placed.year")
  d: Int @sequence(per: ["kind", "kind"])
  e: Int @sequence(per: "e")
  f: Int @sequence(per: "a")
  g: Int @sequence(per: "text")
  h: Int @sequence(per: "length")
  i: Int @sequence(per: "createdAt")
  j: Int @sequence(per: "secret")
  k: Int! @sequence(per: "shop")
  l: Int! @sequence(when: "this.kind == 'x'")
  m: Int! @sequence(per: "kind")
  n: Int @sequence(per: ["kind", "shop", "placed", "secret", "id"]) @class(is: PERSONAL)
}
"#;
    assert_snapshot!(told(model.trim_start()));
}

#[test]
fn how_a_text_is_made() {
    let model = r#"
type Order @allow(read: "true") {
  shop: Order
  year: Int!
  a: String @sequence(format: "A")
  b: String @sequence(format: "{n}{n}")
  c: String @sequence(format: "{n:5}")
  d: String @sequence(format: "{n:016}")
  e: String @sequence(format: "{year}-{n}")
  f: String @sequence(per: "shop", format: "{shop}-{n}")
  g: String @sequence(format: "{n")
  h: String @sequence(format: "n}-{n}")
  i: String @sequence(format: "{yeer}-{n}")
  j: String @sequence(per: ["shop", "year"], format: "INV {year}/{n:05}-A")
}
"#;
    assert_snapshot!(told(model.trim_start()));
}

#[test]
fn nothing_else_gives_the_value() {
    let model = r#"
type Order @allow(read: "true", create: "true") {
  name: String
  a: Int @sequence @default(to: 1)
  b: Int @sequence @readonly @immutable @unique
  c: String @sequence(format: "{n}") @slug(from: "name") @length(max: 5) @pattern(is: "x")
  d: Int @sequence @range(min: 1) @set(on: CREATE, to: "1") @check(rule: "true", message: "x")
  e: Int @sequence @allow(read: "true", update: "true")
}
"#;
    assert_snapshot!(told(model.trim_start()));
}

#[test]
fn it_is_written_once_with_our_words() {
    let model = r#"
type Order @allow(read: "true") @sequence {
  a: Int @sequence @sequence
  b: Int @autoIncrement
  c: Int @sequence(by: "name")
  d: Int @sequence(start: 1000)
  e: String @sequence(prefix: "A")
  f: Int @sequence(gapless: "yes")
}
"#;
    assert_snapshot!(told(model.trim_start()));
}
