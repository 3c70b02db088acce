//! `@key`.

use insta::assert_snapshot;

use crate::told;

#[test]
fn keys_that_are_understood() {
    let model = r#"
type A @key(given: true) @allow(read: "true") { a: Int }
type B @key(type: UUID4) @allow(read: "true") { a: Int }
type C @key(type: UUID7, given: false) @allow(read: "true") { a: Int }
type User @identity @key(type: UUID4) @allow(read: "true") { email: Email! @unique }
type Settings @single @key(type: UUID4) @allow(read: "true") { a: Int }
type D @key(type: INT) @history(read: "true") @allow(read: "true") { a: Int }
type E @key(type: INT, given: true) @allow(read: "true") { a: D }
type F @key(type: TEXT) @allow(read: "true") { a: E }
"#;
    assert_snapshot!(told(model.trim_start()), @"loaded");
}

#[test]
fn keys_that_say_nothing_or_something_else() {
    let model = r#"
type B @key(type: ULID) @allow(read: "true") { a: Int }
type C @key(type: "UUID4") @allow(read: "true") { a: Int }
type D @key(given: "yes") @allow(read: "true") { a: Int }
type E @key(type: UUID4) @key(given: true) @allow(read: "true") { a: Int }
type F @key(fields: ["a"]) @allow(read: "true") { a: Int }
"#;
    assert_snapshot!(told(model.trim_start()), @r#"
refused
  × error: `@key` has no option `ULID`
   ╭─[model.graphql:1:19]
 1 │ type B @key(type: ULID) @allow(read: "true") { a: Int }
   ·                   ──┬─
   ·                     ╰── not an option
 2 │ type C @key(type: "UUID4") @allow(read: "true") { a: Int }
   ╰────
  help: choose `UUID7`, `UUID4`, `INT` or `TEXT`
  × error: expected an unquoted name, found a string
   ╭─[model.graphql:2:19]
 1 │ type B @key(type: ULID) @allow(read: "true") { a: Int }
 2 │ type C @key(type: "UUID4") @allow(read: "true") { a: Int }
   ·                   ───┬───
   ·                      ╰── another kind of value
 3 │ type D @key(given: "yes") @allow(read: "true") { a: Int }
   ╰────
  help: write `UUID4` without quotes
  × error: expected true or false, found a string
   ╭─[model.graphql:3:20]
 2 │ type C @key(type: "UUID4") @allow(read: "true") { a: Int }
 3 │ type D @key(given: "yes") @allow(read: "true") { a: Int }
   ·                    ──┬──
   ·                      ╰── another kind of value
 4 │ type E @key(type: UUID4) @key(given: true) @allow(read: "true") { a: Int }
   ╰────
  help: write `true` or `false`
  × error: @key is written twice
   ╭─[model.graphql:4:26]
 3 │ type D @key(given: "yes") @allow(read: "true") { a: Int }
 4 │ type E @key(type: UUID4) @key(given: true) @allow(read: "true") { a: Int }
   ·                          ────────┬────────
   ·                                  ╰── again here
 5 │ type F @key(fields: ["a"]) @allow(read: "true") { a: Int }
   ╰────
  help: keep one of the two
  × error: `@key` takes no argument `fields`
   ╭─[model.graphql:5:13]
 4 │ type E @key(type: UUID4) @key(given: true) @allow(read: "true") { a: Int }
 5 │ type F @key(fields: ["a"]) @allow(read: "true") { a: Int }
   ·             ──────┬──────
   ·                   ╰── not an argument of it
   ╰────
  help: remove it; the key of a record is `id`. Write `@unique(fields: […])` for others
"#);
}

#[test]
fn keys_in_the_wrong_place() {
    let model = r#"
enum Thing @key(given: true) { A }
type A @allow(read: "true") { id: ID! @key(given: true), b: Int @uuid }
"#;
    assert_snapshot!(told(model.trim_start()), @r#"
refused
  × error: `@key` can't be used on this
   ╭─[model.graphql:1:12]
 1 │ enum Thing @key(given: true) { A }
   ·            ────────┬────────
   ·                    ╰── not here
 2 │ type A @allow(read: "true") { id: ID! @key(given: true), b: Int @uuid }
   ╰────
  help: put it on the type
  × error: `@key` can't be used on a field
   ╭─[model.graphql:2:39]
 1 │ enum Thing @key(given: true) { A }
 2 │ type A @allow(read: "true") { id: ID! @key(given: true), b: Int @uuid }
   ·                                       ────────┬────────
   ·                                               ╰── not here
   ╰────
  help: put it on the type
  × error: there is no directive `@uuid`
   ╭─[model.graphql:2:65]
 1 │ enum Thing @key(given: true) { A }
 2 │ type A @allow(read: "true") { id: ID! @key(given: true), b: Int @uuid }
   ·                                                                 ──┬──
   ·                                                                   ╰── not known
   ╰────
  help: remove it; every record has an `id`, and `@key` on the type says what it is and who makes it
"#);
}

#[test]
fn keys_of_types_without_records() {
    let model = r#"
type Settings @allow(read: "true") { a: Int, home: Address }
type Address @embedded @key(given: true) { city: String }
"#;
    assert_snapshot!(told(model.trim_start()), @r#"
refused
  × error: Address is embedded and has no records, which `@key` is about
   ╭─[model.graphql:2:24]
 1 │ type Settings @allow(read: "true") { a: Int, home: Address }
 2 │ type Address @embedded @key(given: true) { city: String }
   ·                        ────────┬────────
   ·                                ╰── not on an embedded type
   ╰────
  help: remove it; it is for types with records
"#);
}

#[test]
fn keys_that_a_type_cannot_have() {
    let model = r#"
type User @identity @key(given: true) @allow(read: "true") { email: Email! @unique }
type Settings @single @key(given: true) @allow(read: "true") { a: Int }
type Note @key @allow(read: "true") { a: Int }
"#;
    assert_snapshot!(told(model.trim_start()), @r#"
refused
  × error: clients can't give the ids of User, whose records are accounts
   ╭─[model.graphql:1:33]
 1 │ type User @identity @key(given: true) @allow(read: "true") { email: Email! @unique }
   ·                                 ──┬─
   ·                                   ╰── on the type marked `@identity`
 2 │ type Settings @single @key(given: true) @allow(read: "true") { a: Int }
   ╰────
  help: remove `given: true`; Backstay makes the ids of accounts, because rules compare `auth.id` with them
  × error: clients can't give the id of Settings, which has one record
   ╭─[model.graphql:2:35]
 1 │ type User @identity @key(given: true) @allow(read: "true") { email: Email! @unique }
 2 │ type Settings @single @key(given: true) @allow(read: "true") { a: Int }
   ·                                   ──┬─
   ·                                     ╰── on a type marked `@single`
 3 │ type Note @key @allow(read: "true") { a: Int }
   ╰────
  help: remove `given: true`; Backstay makes the record before a client can
  × error: `@key` needs an argument
   ╭─[model.graphql:3:11]
 2 │ type Settings @single @key(given: true) @allow(read: "true") { a: Int }
 3 │ type Note @key @allow(read: "true") { a: Int }
   ·           ──┬─
   ·             ╰── what of the ids?
   ╰────
  help: write `@key(given: true)` to let clients make the ids, `@key(type: UUID4)` for random ones, `@key(type: INT)`
        for numbers or `@key(type: TEXT)` for texts
"#);
}

#[test]
fn numbers_and_texts_where_an_id_must_be_a_uuid() {
    let model = r#"
type User @identity @key(type: INT) @allow(read: "true") { email: Email! @unique }
type Settings @single @key(type: TEXT) @allow(read: "true") { a: Int }
type Page @tree(parent: "up") @key(type: INT) @allow(read: "true") { up: Page }
type Note @key(type: TEXT, given: false) @allow(read: "true") { a: Int }
type Kept @key(type: TEXT) @history(read: "true") @allow(read: "true") { a: Int }
"#;
    assert_snapshot!(told(model.trim_start()), @r#"
refused
  × error: the ids of User can't be numbers
   ╭─[model.graphql:1:32]
 1 │ type User @identity @key(type: INT) @allow(read: "true") { email: Email! @unique }
   ·                                ─┬─
   ·                                 ╰── on a type marked `@identity`
 2 │ type Settings @single @key(type: TEXT) @allow(read: "true") { a: Int }
   ╰────
  help: write `UUID7` or `UUID4` for a type marked `@identity`, whose records are accounts: rules compare `auth.id`
        with their ids
  × error: the ids of Settings can't be texts
   ╭─[model.graphql:2:34]
 1 │ type User @identity @key(type: INT) @allow(read: "true") { email: Email! @unique }
 2 │ type Settings @single @key(type: TEXT) @allow(read: "true") { a: Int }
   ·                                  ──┬─
   ·                                    ╰── on a type marked `@single`
 3 │ type Page @tree(parent: "up") @key(type: INT) @allow(read: "true") { up: Page }
   ╰────
  help: write `UUID7` or `UUID4` for a type marked `@single`, which has one record, whose id follows from the type's
        name
  × error: the ids of Page can't be numbers
   ╭─[model.graphql:3:42]
 2 │ type Settings @single @key(type: TEXT) @allow(read: "true") { a: Int }
 3 │ type Page @tree(parent: "up") @key(type: INT) @allow(read: "true") { up: Page }
   ·                                          ─┬─
   ·                                           ╰── on a type marked `@tree`
 4 │ type Note @key(type: TEXT, given: false) @allow(read: "true") { a: Int }
   ╰────
  help: write `UUID7` or `UUID4` for a type marked `@tree`, whose paths are made of UUIDs
  × error: nothing can make the ids of Note: texts are always given
   ╭─[model.graphql:4:35]
 3 │ type Page @tree(parent: "up") @key(type: INT) @allow(read: "true") { up: Page }
 4 │ type Note @key(type: TEXT, given: false) @allow(read: "true") { a: Int }
   ·                                   ──┬──
   ·                                     ╰── not for texts
 5 │ type Kept @key(type: TEXT) @history(read: "true") @allow(read: "true") { a: Int }
   ╰────
  help: write `given: true`, or leave `given` out
  × error: Kept is marked `@key(type: TEXT)` and `@history`
   ╭─[model.graphql:5:6]
 4 │ type Note @key(type: TEXT, given: false) @allow(read: "true") { a: Int }
 5 │ type Kept @key(type: TEXT) @history(read: "true") @allow(read: "true") { a: Int }
   ·      ──┬─
   ·        ╰── whoever creates a record with the id of a deleted one could read what that one said
   ╰────
  help: write another type of key, or remove `@history`
"#);
}
