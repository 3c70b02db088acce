//! Relations and their other ends.

use insta::assert_snapshot;

use crate::told;

#[test]
fn an_inverse_that_is_not_there() {
    let model = r#"
type Post @allow(read: "true") {
  author: User
}
type User @allow(read: "true") {
  posts: [Post!] @inverse(field: "autor")
}
"#;
    assert_snapshot!(told(model.trim_start()), @r#"
refused
  × error: Post has no field `autor`
   ╭─[model.graphql:5:34]
 4 │ type User @allow(read: "true") {
 5 │   posts: [Post!] @inverse(field: "autor")
   ·                                  ───┬───
   ·                                     ╰── not a field of it
 6 │ }
   ╰────
  help: did you mean `author`?
"#);
}

#[test]
fn an_inverse_of_another_type() {
    let model = r#"
type Post @allow(read: "true") {
  title: String
  author: User
}
type User @allow(read: "true") {
  posts: [Post!] @inverse(field: "title")
}
"#;
    assert_snapshot!(told(model.trim_start()), @r#"
refused
  × error: `Post.title` does not refer to User
   ╭─[model.graphql:6:34]
 5 │ type User @allow(read: "true") {
 6 │   posts: [Post!] @inverse(field: "title")
   ·                                  ───┬───
   ·                                     ╰── is of type `String`
 7 │ }
   ╰────
  help: name the field of Post that refers to User
"#);
}

#[test]
fn two_inverses_of_one_field() {
    let model = r#"
type Post @allow(read: "true") {
  author: User
}
type User @allow(read: "true") {
  posts: [Post!] @inverse(field: "author")
  articles: [Post!] @inverse(field: "author")
}
"#;
    assert_snapshot!(told(model.trim_start()), @r#"
refused
  × error: `Post.author` has two other ends
   ╭─[model.graphql:5:3]
 4 │ type User @allow(read: "true") {
 5 │   posts: [Post!] @inverse(field: "author")
   ·   ──┬──
   ·     ╰── claims to be the other end
 6 │   articles: [Post!] @inverse(field: "author")
   ·   ────┬───
   ·       ╰── also claims to be the other end
 7 │ }
   ╰────
  help: keep `@inverse` on one of the two
"#);
}

#[test]
fn inverses_of_each_other() {
    let model = r#"
type Post @allow(read: "true") {
  tags: [Tag!] @inverse(field: "posts")
}
type Tag @allow(read: "true") {
  posts: [Post!] @inverse(field: "tags")
}
"#;
    assert_snapshot!(told(model.trim_start()), @r#"
refused
  × error: both ends are marked `@inverse`
   ╭─[model.graphql:2:32]
 1 │ type Post @allow(read: "true") {
 2 │   tags: [Tag!] @inverse(field: "posts")
   ·                                ───┬───
   ·                                   ╰── of a field that has `@inverse` itself
 3 │ }
   ╰────
  help: remove `@inverse` on one of the two; that side then holds the relation
"#);
}

#[test]
fn an_inverse_of_itself() {
    let model = r#"
type User @allow(read: "true") {
  friends: [User!] @inverse(field: "friends")
}
"#;
    assert_snapshot!(told(model.trim_start()), @r#"
refused
  × error: a relation is not its own other end
   ╭─[model.graphql:2:3]
 1 │ type User @allow(read: "true") {
 2 │   friends: [User!] @inverse(field: "friends")
   ·   ───┬───
   ·      ╰── names itself
 3 │ }
   ╰────
  help: give the other end a name of its own, or remove `@inverse`
"#);
}

#[test]
fn null_in_a_required_relation() {
    let model = r#"
type Post @allow(read: "true") {
  author: User! @onDelete(do: SET_NULL)
}
type User @allow(read: "true") {
  a: Int
}
"#;
    assert_snapshot!(told(model.trim_start()), @r#"
refused
  × error: a required relation cannot become null
   ╭─[model.graphql:2:17]
 1 │ type Post @allow(read: "true") {
 2 │   author: User! @onDelete(do: SET_NULL)
   ·                 ───────────┬───────────
   ·                            ╰── on a required field
 3 │ }
   ╰────
  help: write `do: RESTRICT` or `do: CASCADE`, or remove the `!` of the field's type
"#);
}

#[test]
fn a_circle_of_requirements() {
    let model = r#"
type A @allow(read: "true") {
  b: B!
}
type B @allow(read: "true") {
  c: C!
}
type C @allow(read: "true") {
  a: A!
}
type D @allow(read: "true") {
  d: D!
}
"#;
    assert_snapshot!(told(model.trim_start()), @r#"
refused
  × error: A, B, C require each other, so none of them can ever be created
   ╭─[model.graphql:8:3]
 7 │ type C @allow(read: "true") {
 8 │   a: A!
   ·   ┬
   ·   ╰── required
 9 │ }
   ╰────
  help: remove the `!` of one relation in the circle
  × error: no D can ever be created, because each requires another D
    ╭─[model.graphql:11:3]
 10 │ type D @allow(read: "true") {
 11 │   d: D!
    ·   ┬
    ·   ╰── required
 12 │ }
    ╰────
  help: remove the `!` of one relation in the circle
"#);
}
