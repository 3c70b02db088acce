//! What loads and is doubtful.

use insta::assert_snapshot;

use crate::told;

#[test]
fn a_type_without_rules() {
    let model = r"
type Post {
  a: Int
}
";
    assert_snapshot!(told(model.trim_start()), @r#"
loaded
  ⚠ warning[no-allow]: Post refuses everyone
   ╭─[model.graphql:1:6]
 1 │ type Post {
   ·      ──┬─
   ·        ╰── no `@allow`
 2 │   a: Int
   ╰────
  help: write `@allow(read: …, create: …, update: …, delete: …)` on the type; what has no rule is refused
        if it is meant: `# lint-ignore no-allow (reason)` on the line above; see docs/lints.md#no-allow
"#);
}

#[test]
fn a_list_that_is_probably_an_inverse() {
    let model = r#"
type Post @allow(read: "true") {
  author: User
}
type User @allow(read: "true") {
  posts: [Post!]
}
"#;
    assert_snapshot!(told(model.trim_start()), @r#"
loaded
  ⚠ warning[missing-inverse]: `posts` is a relation of its own, apart from `Post.author`
   ╭─[model.graphql:5:3]
 4 │ type User @allow(read: "true") {
 5 │   posts: [Post!]
   ·   ──┬──
   ·     ╰── without `@inverse`
 6 │ }
   ╰────
  help: write `@inverse(field: "author")` if it is the other end of that one; else declare the other end there
        if it is meant: `# lint-ignore missing-inverse (reason)` on the line above; see docs/lints.md#missing-inverse
"#);
}

#[test]
fn two_lists_that_are_probably_one_relation() {
    let model = r#"
type Post @allow(read: "true") {
  tags: [Tag!]
}
type Tag @allow(read: "true") {
  posts: [Post!]
}
"#;
    assert_snapshot!(told(model.trim_start()), @r#"
loaded
  ⚠ warning[missing-inverse]: `posts` is a relation of its own, apart from `Post.tags`
   ╭─[model.graphql:5:3]
 4 │ type Tag @allow(read: "true") {
 5 │   posts: [Post!]
   ·   ──┬──
   ·     ╰── without `@inverse`
 6 │ }
   ╰────
  help: write `@inverse(field: "tags")` if it is the other end of that one; else declare the other end there
        if it is meant: `# lint-ignore missing-inverse (reason)` on the line above; see docs/lints.md#missing-inverse
"#);
}

#[test]
fn beside_errors_only_those_that_no_comment_ignores() {
    let model = r"
# lint-ignore no-allow (later)
type Post {
  a: Int @length(min: 1)
}
type Tag {
  a: Int # lint-ignore no-allow
}
";
    let told = told(model);
    assert!(told.contains("Tag refuses everyone") && !told.contains("Post refuses everyone"), "{told}");
    assert!(!told.contains("unused-ignore"), "{told}");
}

#[test]
fn a_key_that_is_no_relation() {
    let model = r#"
type Post @allow(read: "true") {
  personId: ID!
  postId: String
  externalId: ID
}
type Comment @allow(read: "true") {
  person_id: ID
}
type Person @allow(read: "true") {
  n: Int
}
"#;
    assert_snapshot!(told(model.trim_start()), @r#"
loaded
  ⚠ warning[key-without-relation]: `personId` is an `ID` that nothing checks, not a relation to Person
   ╭─[model.graphql:2:3]
 1 │ type Post @allow(read: "true") {
 2 │   personId: ID!
   ·   ────┬───
   ·       ╰── called as a key
 3 │   postId: String
   ╰────
  help: write `person: Person!`: the record must exist then, and clients can select its fields
        if it is meant: `# lint-ignore key-without-relation (reason)` on the line above;
        see docs/lints.md#key-without-relation
  ⚠ warning[key-without-relation]: `person_id` is an `ID` that nothing checks, not a relation to Person
   ╭─[model.graphql:7:3]
 6 │ type Comment @allow(read: "true") {
 7 │   person_id: ID
   ·   ────┬────
   ·       ╰── called as a key
 8 │ }
   ╰────
  help: write `person: Person`: the record must exist then, and clients can select its fields
        if it is meant: `# lint-ignore key-without-relation (reason)` on the line above;
        see docs/lints.md#key-without-relation
"#);
}
