//! `@computed`.

use insta::assert_snapshot;

use crate::told;

#[test]
fn what_is_said_of_stored_values_has_no_meaning_for_computed_ones() {
    let model = r#"
type Post @allow(read: "true") @index(fields: ["n"]) {
  n: Int! @computed(is: "1") @default(to: 1) @unique @set(on: CREATE, to: "2")
  items: [Post!] @computed(is: "this.items")
  tags: [String!] @computed(is: "this.tags")
  other: Post @computed(is: "this")
  empty: Int @computed(is: " ")
  written: Int @computed(is: "1") @allow(read: "true", create: "true")
}
"#;
    assert_snapshot!(told(model.trim_start()));
}

#[test]
fn it_is_written_once_with_an_expression() {
    let model = r#"
type Post @allow(read: "true") {
  wrong: Int @computed(is: "1", rights: ADMIN)
  twice: Int @computed(is: "1") @computed(is: "2")
  missing: Int @computed
  number: Int @computed(is: 1)
}
type Place @computed(is: "1") { name: String }
"#;
    assert_snapshot!(told(model.trim_start()));
}

#[test]
fn a_member_of_an_embedded_type_is_not_computed() {
    let model = r#"
type Post @allow(read: "true") { address: Address }
type Address @embedded { city: String, length: Int @computed(is: "size(this.city)") }
"#;
    assert_snapshot!(told(model.trim_start()));
}

#[test]
fn the_arguments_of_a_stored_sum_are_those_of_the_directive() {
    let model = r#"
type Post @allow(read: "true") @unique(fields: ["n", "size"]) {
  n: Int!
  comments: [Comment!] @inverse(field: "post")
  size: Int! @computed(is: "size(this.comments)", stored: COMMIT) @default(to: 0) @unique @backfill(from: "1")
  soon: Int @computed(is: "size(this.comments)", stored: SOON)
  never: Int @computed(is: "size(this.comments)", stored: NEVER)
  flag: Int @computed(is: "size(this.comments)", stored: true)
  mine: Int @computed(is: "size(this.comments)", stored: COMMIT, rights: CALLER)
  ours: Int @computed(is: "size(this.comments)", stored: COMMIT, rights: MODEL) @check(rule: "this.ours < 9", message: "too many")
  twice: Int @computed(is: "1", stored: COMMIT, stored: COMMIT)
  alone: Int @computed(stored: COMMIT)
  set: Int @computed(is: "1", stored: COMMIT) @set(on: WRITE, to: "2") @readonly @immutable
  list: [Int!] @computed(is: "this.list", stored: COMMIT)
  written: Int @computed(is: "size(this.comments)", stored: COMMIT) @allow(read: "true", update: "true")
}
type Comment @allow(read: "true") { post: Post! at: Place }
type Place @embedded { name: String, size: Int @computed(is: "size(this.name)", stored: COMMIT) }
"#;
    assert_snapshot!(told(model.trim_start()));
}

#[test]
fn what_is_wrong_with_a_stored_sum_is_said_of_each() {
    let model = r#"
type Post @allow(read: "true") @unique(fields: ["n", "size"]) {
  n: Int!
  comments: [Comment!] @inverse(field: "post")
  size: Int! @computed(is: "size(this.comments)", stored: COMMIT) @default(to: 0) @unique @backfill(from: "1")
  soon: Int @computed(is: "size(this.comments)", stored: SOON)
  mine: Int @computed(is: "size(this.comments)", stored: COMMIT, rights: CALLER)
  ours: Int @computed(is: "size(this.comments)", stored: COMMIT, rights: MODEL) @check(rule: "this.ours < 9", message: "too many")
  set: Int @computed(is: "1", stored: COMMIT) @set(on: WRITE, to: "2") @readonly @immutable
  list: [Int!] @computed(is: "this.list", stored: COMMIT)
  written: Int @computed(is: "size(this.comments)", stored: COMMIT) @allow(read: "true", update: "true")
}
type Comment @allow(read: "true") { post: Post! at: Place }
type Place @embedded { name: String, size: Int @computed(is: "size(this.name)", stored: COMMIT) }
"#;
    assert_snapshot!(told(model.trim_start()));
}
