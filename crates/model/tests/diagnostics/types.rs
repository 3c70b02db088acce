//! Types, their tables and paths.

use insta::assert_snapshot;

use crate::told;

#[test]
fn one_path_twice() {
    let model = r#"
type Category @allow(read: "true") {
  a: Int
}
type Categorie @allow(read: "true") {
  a: Int
}
"#;
    assert_snapshot!(told(model.trim_start()), @r#"
refused
  × error: Category and Categorie have the same path, `/api/categories`
   ╭─[model.graphql:1:6]
 1 │ type Category @allow(read: "true") {
   ·      ────┬───
   ·          ╰── this
 2 │   a: Int
 3 │ }
 4 │ type Categorie @allow(read: "true") {
   ·      ────┬────
   ·          ╰── and this
 5 │   a: Int
   ╰────
  help: write `@path(is: "…")` on one of them
"#);
}

#[test]
fn one_table_twice() {
    let model = r#"
type BlogPost @allow(read: "true") {
  a: Int
}
type blog_post @allow(read: "true") @path(is: "others") {
  a: Int
}
"#;
    assert_snapshot!(told(model.trim_start()), @r#"
refused
  × error: two things would be called `blog_post` in the database
   ╭─[model.graphql:1:6]
 1 │ type BlogPost @allow(read: "true") {
   ·      ────┬───
   ·          ╰── this
 2 │   a: Int
 3 │ }
 4 │ type blog_post @allow(read: "true") @path(is: "others") {
   ·      ────┬────
   ·          ╰── and this
 5 │   a: Int
   ╰────
  help: give one of them another name
"#);
}

#[test]
fn reserved_type_names() {
    let model = r#"
type BackstayThing @allow(read: "true") {
  a: Int
}
type SqliteThing @allow(read: "true") {
  a: Int
}
type PgThing @allow(read: "true") {
  a: Int
}
"#;
    assert_snapshot!(told(model.trim_start()), @r#"
refused
  × error: names that begin with Backstay are for the system model
   ╭─[model.graphql:1:6]
 1 │ type BackstayThing @allow(read: "true") {
   ·      ──────┬──────
   ·            ╰── reserved
 2 │   a: Int
   ╰────
  help: give the type another name
  × error: the databases keep tables that begin with `sqlite_` for themselves
   ╭─[model.graphql:4:6]
 3 │ }
 4 │ type SqliteThing @allow(read: "true") {
   ·      ─────┬─────
   ·           ╰── its table is `sqlite_thing`
 5 │   a: Int
   ╰────
  help: give the type another name
  × error: the databases keep tables that begin with `pg_` for themselves
   ╭─[model.graphql:7:6]
 6 │ }
 7 │ type PgThing @allow(read: "true") {
   ·      ───┬───
   ·         ╰── its table is `pg_thing`
 8 │   a: Int
   ╰────
  help: give the type another name
"#);
}

#[test]
fn paths_that_are_none() {
    let model = r#"
type A @allow(read: "true") @path(is: "Posts/1") {
  a: Int
}
type B @allow(read: "true") @path(is: "backstay-b") {
  a: Int
}
"#;
    assert_snapshot!(told(model.trim_start()), @r#"
refused
  × error: `Posts/1` is not a path
   ╭─[model.graphql:1:39]
 1 │ type A @allow(read: "true") @path(is: "Posts/1") {
   ·                                       ────┬────
   ·                                           ╰── not a path
 2 │   a: Int
   ╰────
  help: a path has up to 48 lower-case letters, digits and hyphens, and starts with a letter
  × error: `backstay-b` cannot be the path of this type
   ╭─[model.graphql:4:39]
 3 │ }
 4 │ type B @allow(read: "true") @path(is: "backstay-b") {
   ·                                       ──────┬─────
   ·                                             ╰── reserved
 5 │   a: Int
   ╰────
  help: paths that begin with `backstay` are those of the system model
"#);
}

#[test]
fn only_standard_fields() {
    let model = r#"
type Post @allow(read: "true") {
  id: ID!
}
"#;
    assert_snapshot!(told(model.trim_start()), @r#"
refused
  × error: Post has no fields of its own
   ╭─[model.graphql:1:6]
 1 │ type Post @allow(read: "true") {
   ·      ──┬─
   ·        ╰── this type
 2 │   id: ID!
   ╰────
  help: give it a field such as `name: String!`, or remove it
"#);
}

#[test]
fn an_empty_allow() {
    let model = r"
type Post @allow {
  a: Int
}
";
    assert_snapshot!(told(model.trim_start()), @r#"
refused
  × error: `@allow` allows nothing
   ╭─[model.graphql:1:11]
 1 │ type Post @allow {
   ·           ───┬──
   ·              ╰── no rule in it
 2 │   a: Int
   ╰────
  help: say what is allowed to whom, such as `@allow(read: "true")`, or remove it
"#);
}

#[test]
fn an_empty_rule() {
    let model = r#"
type Post @allow(read: "") {
  a: Int
}
"#;
    assert_snapshot!(told(model.trim_start()), @r#"
refused
  × error: the rule is empty
   ╭─[model.graphql:1:24]
 1 │ type Post @allow(read: "") {
   ·                        ─┬
   ·                         ╰── nothing in it
 2 │   a: Int
   ╰────
  help: write an expression such as "auth.id != null"; "true" allows everyone
"#);
}

#[test]
fn a_long_name() {
    let model = r#"
type Post @allow(read: "true") {
  aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa: Int
  a__b: Int
  aBaBaBaBaBaBaBaBaBaBaBaBaBaBaBaBaBaBaBaB: Int
}
"#;
    assert_snapshot!(told(model.trim_start()), @r#"
refused
  × error: the name of this field is too long
   ╭─[model.graphql:2:3]
 1 │ type Post @allow(read: "true") {
 2 │   aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa: Int
   ·   ────────────────────────┬────────────────────────
   ·                           ╰── too long
 3 │   a__b: Int
   ╰────
  help: names have at most 48 characters, underscores between words included
  × error: `a__b` is not a name for this field
   ╭─[model.graphql:3:3]
 2 │   aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa: Int
 3 │   a__b: Int
   ·   ──┬─
   ·     ╰── underscores
 4 │   aBaBaBaBaBaBaBaBaBaBaBaBaBaBaBaBaBaBaBaB: Int
   ╰────
  help: use underscores between words only, one at a time
  × error: the name of this field is too long
   ╭─[model.graphql:4:3]
 3 │   a__b: Int
 4 │   aBaBaBaBaBaBaBaBaBaBaBaBaBaBaBaBaBaBaBaB: Int
   ·   ────────────────────┬───────────────────
   ·                       ╰── too long
 5 │ }
   ╰────
  help: names have at most 48 characters, underscores between words included
"#);
}

#[test]
fn what_a_check_cannot_guard() {
    let model = r#"
type Post @allow(read: "true") @trash
  @check(rule: "this.total > 0", message: "more", guards: ["total", "five", "trashedAt", "toal"]) {
  price: Int
  box: Box
  total: Int @computed(is: "this.price * this.box.count")
  five: Int @computed(is: "5")
}
type Box @embedded { count: Int weight: Int }
"#;
    assert_snapshot!(told(model.trim_start()), @r#"
refused
  × error: `total` of Post is computed, so no update changes it
   ╭─[model.graphql:2:60]
 1 │ type Post @allow(read: "true") @trash
 2 │   @check(rule: "this.total > 0", message: "more", guards: ["total", "five", "trashedAt", "toal"]) {
   ·                                                            ───┬───
   ·                                                               ╰── computed
 3 │   price: Int
   ╰────
  help: guard the fields that it is computed from: `price`, `box.count`
  × error: `five` of Post is computed, so no update changes it
   ╭─[model.graphql:2:69]
 1 │ type Post @allow(read: "true") @trash
 2 │   @check(rule: "this.total > 0", message: "more", guards: ["total", "five", "trashedAt", "toal"]) {
   ·                                                                     ───┬──
   ·                                                                        ╰── computed
 3 │   price: Int
   ╰────
  help: remove it from `guards`, or guard the fields that it is computed from
  × error: no update changes `trashedAt` of Post
   ╭─[model.graphql:2:77]
 1 │ type Post @allow(read: "true") @trash
 2 │   @check(rule: "this.total > 0", message: "more", guards: ["total", "five", "trashedAt", "toal"]) {
   ·                                                                             ─────┬─────
   ·                                                                                  ╰── never changes
 3 │   price: Int
   ╰────
  help: remove it from `guards`
  × error: Post has no field `toal`
   ╭─[model.graphql:2:90]
 1 │ type Post @allow(read: "true") @trash
 2 │   @check(rule: "this.total > 0", message: "more", guards: ["total", "five", "trashedAt", "toal"]) {
   ·                                                                                          ───┬──
   ·                                                                                             ╰── not a field
 3 │   price: Int
   ╰────
  help: available names: price, box, box.count, box.weight
"#);
}

#[test]
#[expect(clippy::too_many_lines, reason = "a snapshot of every mistake")]
fn what_a_check_guards() {
    let model = r#"
type Post @allow(read: "true")
  @check(rule: "this.a > 0", message: "more", guards: ["b", "id", "parts", "a", "a"])
  @check(rule: "this.a > 0", message: "", guards: []) {
  a: Int @check(rule: "this.a < 9", message: "less", guards: ["c"])
  parts: [Part!] @inverse(field: "post")
}
type Part @allow(read: "true") { post: Post }
"#;
    assert_snapshot!(told(model.trim_start()), @r#"
refused
  × error: Post has no field `b`
   ╭─[model.graphql:2:56]
 1 │ type Post @allow(read: "true")
 2 │   @check(rule: "this.a > 0", message: "more", guards: ["b", "id", "parts", "a", "a"])
   ·                                                        ─┬─
   ·                                                         ╰── not a field
 3 │   @check(rule: "this.a > 0", message: "", guards: []) {
   ╰────
  help: available names: a
  × error: no update changes `id` of Post
   ╭─[model.graphql:2:61]
 1 │ type Post @allow(read: "true")
 2 │   @check(rule: "this.a > 0", message: "more", guards: ["b", "id", "parts", "a", "a"])
   ·                                                             ──┬─
   ·                                                               ╰── never changes
 3 │   @check(rule: "this.a > 0", message: "", guards: []) {
   ╰────
  help: remove it from `guards`
  × error: no update changes `parts` of Post
   ╭─[model.graphql:2:67]
 1 │ type Post @allow(read: "true")
 2 │   @check(rule: "this.a > 0", message: "more", guards: ["b", "id", "parts", "a", "a"])
   ·                                                                   ───┬───
   ·                                                                      ╰── never changes
 3 │   @check(rule: "this.a > 0", message: "", guards: []) {
   ╰────
  help: remove it from `guards`
  × error: `guards` names `a` twice
   ╭─[model.graphql:2:81]
 1 │ type Post @allow(read: "true")
 2 │   @check(rule: "this.a > 0", message: "more", guards: ["b", "id", "parts", "a", "a"])
   ·                                                                                 ─┬─
   ·                                                                                  ╰── again here
 3 │   @check(rule: "this.a > 0", message: "", guards: []) {
   ╰────
  help: remove it
  × error: the message of a check has 1 to 200 characters
   ╭─[model.graphql:3:39]
 2 │   @check(rule: "this.a > 0", message: "more", guards: ["b", "id", "parts", "a", "a"])
 3 │   @check(rule: "this.a > 0", message: "", guards: []) {
   ·                                       ─┬
   ·                                        ╰── not a message
 4 │   a: Int @check(rule: "this.a < 9", message: "less", guards: ["c"])
   ╰────
  help: say what is expected, such as "at most 80 characters"
  × error: `guards` names no field, so the check would apply to no update
   ╭─[model.graphql:3:51]
 2 │   @check(rule: "this.a > 0", message: "more", guards: ["b", "id", "parts", "a", "a"])
 3 │   @check(rule: "this.a > 0", message: "", guards: []) {
   ·                                                   ─┬
   ·                                                    ╰── no field
 4 │   a: Int @check(rule: "this.a < 9", message: "less", guards: ["c"])
   ╰────
  help: name the fields whose change it may refuse, or remove `guards` to check every update
  × error: Post has no field `c`
   ╭─[model.graphql:4:63]
 3 │   @check(rule: "this.a > 0", message: "", guards: []) {
 4 │   a: Int @check(rule: "this.a < 9", message: "less", guards: ["c"])
   ·                                                               ─┬─
   ·                                                                ╰── not a field
 5 │   parts: [Part!] @inverse(field: "post")
   ╰────
  help: available names: a
"#);
}
