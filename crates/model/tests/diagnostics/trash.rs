//! `@trash`.

use insta::assert_snapshot;

use crate::told;

#[test]
fn what_goes_with_a_record_needs_a_trash_too() {
    let model = r#"
type Post @trash(keep: "30d") @allow(read: "true") {
  title: String
}
type Comment @allow(read: "true") {
  post: Post! @onDelete(do: CASCADE)
}
type Note @allow(read: "true") {
  post: Post
}
"#;
    assert_snapshot!(told(model.trim_start()), @r#"
refused
  × error: Comment has no `@trash`, but goes with a Post, which has one
   ╭─[model.graphql:1:6]
 1 │ type Post @trash(keep: "30d") @allow(read: "true") {
   ·      ──┬─
   ·        ╰── its records are kept in the trash
 2 │   title: String
   ╰────
   ╭─[model.graphql:5:3]
 4 │ type Comment @allow(read: "true") {
 5 │   post: Post! @onDelete(do: CASCADE)
   ·   ──┬─
   ·     ╰── `@onDelete(do: CASCADE)`
 6 │ }
   ╰────
  help: write `@trash` on Comment too, so that a Post is restored with its records
"#);
}

#[test]
fn how_long_records_are_kept() {
    let model = r#"
type A @trash(keep: "a month") @allow(read: "true") { a: Int }
type B @trash(keep: "0d") @allow(read: "true") { a: Int }
type C @trash(keep: "P30D") @allow(read: "true") { a: Int }
type D @trash(keep: "99999999999999d") @allow(read: "true") { a: Int }
"#;
    assert_snapshot!(told(model.trim_start()), @r#"
refused
  × error: `a month` is not a length of time
   ╭─[model.graphql:1:21]
 1 │ type A @trash(keep: "a month") @allow(read: "true") { a: Int }
   ·                     ────┬────
   ·                         ╰── how long?
 2 │ type B @trash(keep: "0d") @allow(read: "true") { a: Int }
   ╰────
  help: write days, such as "30d", or hours and minutes, such as "12h" or "PT1H30M"; leave `keep` out to keep them
        until they are purged
  × error: `0d` is not a length of time
   ╭─[model.graphql:2:21]
 1 │ type A @trash(keep: "a month") @allow(read: "true") { a: Int }
 2 │ type B @trash(keep: "0d") @allow(read: "true") { a: Int }
   ·                     ──┬─
   ·                       ╰── how long?
 3 │ type C @trash(keep: "P30D") @allow(read: "true") { a: Int }
   ╰────
  help: write days, such as "30d", or hours and minutes, such as "12h" or "PT1H30M"; leave `keep` out to keep them
        until they are purged
  × error: `99999999999999d` is not a length of time
   ╭─[model.graphql:4:21]
 3 │ type C @trash(keep: "P30D") @allow(read: "true") { a: Int }
 4 │ type D @trash(keep: "99999999999999d") @allow(read: "true") { a: Int }
   ·                     ────────┬────────
   ·                             ╰── how long?
   ╰────
  help: write days, such as "30d", or hours and minutes, such as "12h" or "PT1H30M"; leave `keep` out to keep them
        until they are purged
"#);
}

#[test]
fn trash_in_the_wrong_place_or_in_other_words() {
    let model = r#"
type A @trash(keep: 30) @allow(read: "true") { a: Int }
type B @trash @trash(for: "30d") @allow(read: "true") { a: Int }
type C @softDelete @allow(read: "true") { a: Int @trash }
"#;
    assert_snapshot!(told(model.trim_start()), @r#"
refused
  × error: expected a length of time, found a number
   ╭─[model.graphql:1:21]
 1 │ type A @trash(keep: 30) @allow(read: "true") { a: Int }
   ·                     ─┬
   ·                      ╰── another kind of value
 2 │ type B @trash @trash(for: "30d") @allow(read: "true") { a: Int }
   ╰────
  help: write it with its unit, in quotes: `"30d"` for days
  × error: @trash is written twice
   ╭─[model.graphql:2:15]
 1 │ type A @trash(keep: 30) @allow(read: "true") { a: Int }
 2 │ type B @trash @trash(for: "30d") @allow(read: "true") { a: Int }
   ·               ─────────┬────────
   ·                        ╰── again here
 3 │ type C @softDelete @allow(read: "true") { a: Int @trash }
   ╰────
  help: keep one of the two
  × error: `@trash` takes no argument `for`
   ╭─[model.graphql:2:22]
 1 │ type A @trash(keep: 30) @allow(read: "true") { a: Int }
 2 │ type B @trash @trash(for: "30d") @allow(read: "true") { a: Int }
   ·                      ─────┬────
   ·                           ╰── not an argument of it
 3 │ type C @softDelete @allow(read: "true") { a: Int @trash }
   ╰────
  help: write `@trash(keep: "30d")`
  × error: there is no directive `@softDelete`
   ╭─[model.graphql:3:8]
 2 │ type B @trash @trash(for: "30d") @allow(read: "true") { a: Int }
 3 │ type C @softDelete @allow(read: "true") { a: Int @trash }
   ·        ─────┬─────
   ·             ╰── not known
   ╰────
  help: write `@trash(keep: "30d")` on the type
  × error: `@trash` can't be used on a field
   ╭─[model.graphql:3:50]
 2 │ type B @trash @trash(for: "30d") @allow(read: "true") { a: Int }
 3 │ type C @softDelete @allow(read: "true") { a: Int @trash }
   ·                                                  ───┬──
   ·                                                     ╰── not here
   ╰────
  help: put it on the type
"#);
}

#[test]
fn types_without_a_trash() {
    let model = r#"
type User @identity @trash @allow(read: "true") { email: Email! @unique }
type Settings @single @trash @allow(read: "true") { a: Int }
type Post @trash @allow(read: "true") {
  trashedAt: DateTime
}
"#;
    assert_snapshot!(told(model.trim_start()), @r#"
refused
  × error: User is marked `@identity` and `@trash`
   ╭─[model.graphql:1:6]
 1 │ type User @identity @trash @allow(read: "true") { email: Email! @unique }
   ·      ──┬─
   ·        ╰── accounts have no trash
 2 │ type Settings @single @trash @allow(read: "true") { a: Int }
   ╰────
  help: remove `@trash`; `backstay account disable` keeps an account from signing in
  × error: Settings is marked `@single` and `@trash`
   ╭─[model.graphql:2:6]
 1 │ type User @identity @trash @allow(read: "true") { email: Email! @unique }
 2 │ type Settings @single @trash @allow(read: "true") { a: Int }
   ·      ────┬───
   ·          ╰── its record is never deleted
 3 │ type Post @trash @allow(read: "true") {
   ╰────
  help: remove `@trash`
  × error: every record of a type with `@trash` already has `trashedAt`
   ╭─[model.graphql:4:3]
 3 │ type Post @trash @allow(read: "true") {
 4 │   trashedAt: DateTime
   ·   ────┬────
   ·       ╰── the same field again
 5 │ }
   ╰────
  help: leave this out; stored values stay
"#);
}

#[test]
fn rules_of_a_trash_need_one() {
    let model = r#"
type Post @allow(read: "true", restore: "true") @allow(purge: "false") {
  title: String @allow(restore: "true", purge: "true")
}
type Note @allow(delete: "true", restore: "true", purge: "false") @trash {
  title: String
}
"#;
    assert_snapshot!(told(model.trim_start()), @r#"
refused
  × error: nobody can restore a Post: it has no trash
   ╭─[model.graphql:1:41]
 1 │ type Post @allow(read: "true", restore: "true") @allow(purge: "false") {
   ·                                         ───┬──
   ·                                            ╰── `restore:` of a type without `@trash`
 2 │   title: String @allow(restore: "true", purge: "true")
   ╰────
  help: add `@trash` to the type, or remove `restore:`
  × error: nobody can purge a Post: it has no trash
   ╭─[model.graphql:1:63]
 1 │ type Post @allow(read: "true", restore: "true") @allow(purge: "false") {
   ·                                                               ───┬───
   ·                                                                  ╰── `purge:` of a type without `@trash`
 2 │   title: String @allow(restore: "true", purge: "true")
   ╰────
  help: add `@trash` to the type, or remove `purge:`
  × error: a field cannot be restored
   ╭─[model.graphql:2:33]
 1 │ type Post @allow(read: "true", restore: "true") @allow(purge: "false") {
 2 │   title: String @allow(restore: "true", purge: "true")
   ·                                 ───┬──
   ·                                    ╰── `restore:` on a field
 3 │ }
   ╰────
  help: a record is restored as a whole: write `restore:` in the `@allow` of the type
  × error: a field cannot be purged
   ╭─[model.graphql:2:48]
 1 │ type Post @allow(read: "true", restore: "true") @allow(purge: "false") {
 2 │   title: String @allow(restore: "true", purge: "true")
   ·                                                ───┬──
   ·                                                   ╰── `purge:` on a field
 3 │ }
   ╰────
  help: a record is purged as a whole: write `purge:` in the `@allow` of the type
"#);
}
