//! `@allow`: the clauses of a type, and the rules of a field.

use backstay_base::limits;
use insta::assert_snapshot;

use crate::told;

#[test]
fn what_restricts_an_update_stands_beside_it() {
    let model = r#"
type Post @allow(read: "true", only: ["title"]) @allow(read: "true", after: "new.title != this.title") {
  title: String @allow(after: "true")
}
"#;
    assert_snapshot!(told(model.trim_start()), @r#"
refused
  × error: `only` restricts `update`, which is missing here
   ╭─[model.graphql:1:38]
 1 │ type Post @allow(read: "true", only: ["title"]) @allow(read: "true", after: "new.title != this.title") {
   ·                                      ────┬────
   ·                                          ╰── nothing to restrict
 2 │   title: String @allow(after: "true")
   ╰────
  help: write `update:` beside it; each `@allow` has its own `only`
  × error: `after` restricts `update`, which is missing here
   ╭─[model.graphql:1:77]
 1 │ type Post @allow(read: "true", only: ["title"]) @allow(read: "true", after: "new.title != this.title") {
   ·                                                                             ────────────┬────────────
   ·                                                                                         ╰── nothing to restrict
 2 │   title: String @allow(after: "true")
   ╰────
  help: write `update:` beside it; each `@allow` has its own `after`
  × error: `after` restricts `update`, which is missing here
   ╭─[model.graphql:2:31]
 1 │ type Post @allow(read: "true", only: ["title"]) @allow(read: "true", after: "new.title != this.title") {
 2 │   title: String @allow(after: "true")
   ·                               ───┬──
   ·                                  ╰── nothing to restrict
 3 │ }
   ╰────
  help: write `update:` beside it; each `@allow` has its own `after`
"#);
}

#[test]
fn only_names_fields_that_clients_change() {
    let model = r#"
type Post @allow(update: "true", only: ["titel", "id", "slug", "words", "title", "title", "comments", "lines"]) {
  title: String
  slug: String @immutable
  words: Int @readonly
  comments: [Comment!] @inverse(field: "posts")
  lines: [Line!] @inverse(field: "post")
}
type Comment @allow(update: "true", only: "posts") {
  posts: [Post!]
}
type Line @allow(update: "true", only: "post") {
  post: Post
}
"#;
    assert_snapshot!(told(model.trim_start()), @r#"
refused
  × error: Post has no field `titel`
   ╭─[model.graphql:1:41]
 1 │ type Post @allow(update: "true", only: ["titel", "id", "slug", "words", "title", "title", "comments", "lines"]) {
   ·                                         ───┬───
   ·                                            ╰── not a field
 2 │   title: String
   ╰────
  help: did you mean `title`?
  × error: no client can change `id`: Backstay sets this field
   ╭─[model.graphql:1:50]
 1 │ type Post @allow(update: "true", only: ["titel", "id", "slug", "words", "title", "title", "comments", "lines"]) {
   ·                                                  ──┬─
   ·                                                    ╰── never changed by clients
 2 │   title: String
   ╰────
  help: remove it from `only`
  × error: no client can change `slug`: this field can't change after creation
   ╭─[model.graphql:1:56]
 1 │ type Post @allow(update: "true", only: ["titel", "id", "slug", "words", "title", "title", "comments", "lines"]) {
   ·                                                        ───┬──
   ·                                                           ╰── never changed by clients
 2 │   title: String
   ╰────
  help: remove it from `only`
  × error: no client can change `words`: this field is read-only
   ╭─[model.graphql:1:64]
 1 │ type Post @allow(update: "true", only: ["titel", "id", "slug", "words", "title", "title", "comments", "lines"]) {
   ·                                                                ───┬───
   ·                                                                   ╰── never changed by clients
 2 │   title: String
   ╰────
  help: remove it from `only`
  × error: `only` names `title` twice
   ╭─[model.graphql:1:82]
 1 │ type Post @allow(update: "true", only: ["titel", "id", "slug", "words", "title", "title", "comments", "lines"]) {
   ·                                                                                  ───┬───
   ·                                                                                     ╰── again here
 2 │   title: String
   ╰────
  help: remove it
  × error: no client can change `comments`: set this relation from the other side
   ╭─[model.graphql:1:91]
 1 │ type Post @allow(update: "true", only: ["titel", "id", "slug", "words", "title", "title", "comments", "lines"]) {
   ·                                                                                           ─────┬────
   ·                                                                                                ╰── never changed by clients
 2 │   title: String
   ╰────
  help: remove it from `only`
"#);
}

#[test]
fn only_names_at_least_one_field() {
    let model = r#"
type Post @allow(update: "true", only: []) {
  title: String
}
"#;
    assert_snapshot!(told(model.trim_start()), @r#"
refused
  × error: `only` names no field, so `update` would allow nothing
   ╭─[model.graphql:1:40]
 1 │ type Post @allow(update: "true", only: []) {
   ·                                        ─┬
   ·                                         ╰── no field
 2 │   title: String
   ╰────
  help: name the fields that may change, or remove `update` from this `@allow`
"#);
}

#[test]
fn a_key_names_records_by_all_of_its_fields() {
    let model = r#"
type Seat @allow(read: "true") @unique(fields: ["row", "number"]) {
  row: String
  number: Int @allow(refer: "true")
}
"#;
    assert_snapshot!(told(model.trim_start()), @r#"
refused
  × error: no Seat is named by `number`
   ╭─[model.graphql:3:29]
 2 │   row: String
 3 │   number: Int @allow(refer: "true")
   ·                             ───┬──
   ·                                ╰── `refer:` on a field
 4 │ }
   ╰────
  help: `row` and `number` name one together: write `refer:` on each of them
"#);
}

#[test]
fn what_is_for_types_alone() {
    let model = r#"
type Post @allow(read: "true") {
  title: String @allow(refer: "true")
  body: String @allow(update: "true", only: ["body"])
  slug: String @allow(read: "true") @allow(update: "true")
}
"#;
    assert_snapshot!(told(model.trim_start()), @r#"
refused
  × error: no Post is named by `title`
   ╭─[model.graphql:2:31]
 1 │ type Post @allow(read: "true") {
 2 │   title: String @allow(refer: "true")
   ·                               ───┬──
   ·                                  ╰── `refer:` on a field
 3 │   body: String @allow(update: "true", only: ["body"])
   ╰────
  help: write it on a field of a unique key, or in the `@allow` of the type, for links by id
  × error: `only` is for types
   ╭─[model.graphql:3:45]
 2 │   title: String @allow(refer: "true")
 3 │   body: String @allow(update: "true", only: ["body"])
   ·                                             ────┬───
   ·                                                 ╰── `only:` on a field
 4 │   slug: String @allow(read: "true") @allow(update: "true")
   ╰────
  help: remove it; the rules of a field are about this field alone
  × error: `@allow` is written twice
   ╭─[model.graphql:4:37]
 3 │   body: String @allow(update: "true", only: ["body"])
 4 │   slug: String @allow(read: "true") @allow(update: "true")
   ·                                     ───────────┬──────────
   ·                                                ╰── again here
 5 │ }
   ╰────
  help: keep one `@allow` on a field, because its rules only restrict; join two rules with `&&`
"#);
}

#[test]
fn arguments_of_other_types_and_given_twice() {
    let model = r#"
type Post @allow(update: true) @allow(update: "true", only: [1], after: ["x"]) @allow(refer: "true", refer: "true") @allow {
  title: String
}
"#;
    assert_snapshot!(told(model.trim_start()), @r#"
refused
  × error: expected a string, found a boolean
   ╭─[model.graphql:1:26]
 1 │ type Post @allow(update: true) @allow(update: "true", only: [1], after: ["x"]) @allow(refer: "true", refer: "true") @allow {
   ·                          ──┬─
   ·                            ╰── another kind of value
 2 │   title: String
   ╰────
  help: write it in quotes: `"true"`
  × error: expected a string, found an integer
   ╭─[model.graphql:1:62]
 1 │ type Post @allow(update: true) @allow(update: "true", only: [1], after: ["x"]) @allow(refer: "true", refer: "true") @allow {
   ·                                                              ┬
   ·                                                              ╰── another kind of value
 2 │   title: String
   ╰────
  help: write it in quotes: `"1"`
  × error: expected a string, found a list
   ╭─[model.graphql:1:73]
 1 │ type Post @allow(update: true) @allow(update: "true", only: [1], after: ["x"]) @allow(refer: "true", refer: "true") @allow {
   ·                                                                         ──┬──
   ·                                                                           ╰── another kind of value
 2 │   title: String
   ╰────
  help: write one string, such as `"a && b"`
  × error: `refer` is written twice
   ╭─[model.graphql:1:102]
 1 │ type Post @allow(update: true) @allow(update: "true", only: [1], after: ["x"]) @allow(refer: "true", refer: "true") @allow {
   ·                                                                                                      ──────┬──────
   ·                                                                                                            ╰── again here
 2 │   title: String
   ╰────
  help: keep one of the two; join two rules with `&&` or `||`
"#);
}

#[test]
fn too_many_clauses() {
    let clauses = |count: usize| vec!["@allow(read: \"true\")"; count].join(" ");
    let model = |count: usize| format!("type Post {} {{ title: String }}", clauses(count));
    assert_eq!(told(&model(limits::MODEL_CLAUSES)), "loaded\n");
    assert!(told(&model(limits::MODEL_CLAUSES + 1)).contains("Post has more than 20 clauses"));
}
