//! Interfaces, and types that implement them.

use insta::assert_snapshot;

use crate::told;

#[test]
fn what_is_wrong_in_an_interface_is_told_there() {
    let model = r#"
interface Named @allow(read: "true") @index(fields: ["nme"]) @path(is: "named") @single {
  name: String! @length(max: 10)
  rank: Int @default(to: "high")
}
interface Unused { a: Int }
type Post implements Named { name: String! @length(max: 20) other: Named }
type Note implements Named @allow(create: "true") { title: String }
"#;
    assert_snapshot!(told(model.trim_start()), @r#"
refused
  × error: `@path` can't be used on an interface
   ╭─[model.graphql:1:62]
 1 │ interface Named @allow(read: "true") @index(fields: ["nme"]) @path(is: "named") @single {
   ·                                                              ─────────┬────────
   ·                                                                       ╰── not here
 2 │   name: String! @length(max: 10)
   ╰────
  help: remove it; an interface has no records: query the types that implement it
  × error: `@single` can't be used on an interface
   ╭─[model.graphql:1:81]
 1 │ interface Named @allow(read: "true") @index(fields: ["nme"]) @path(is: "named") @single {
   ·                                                                                 ───┬───
   ·                                                                                    ╰── not here
 2 │   name: String! @length(max: 10)
   ╰────
  help: put it on the types that implement the interface, or remove `@single`
  × error: `@length` is written here and in the interface Named
   ╭─[model.graphql:2:17]
 1 │ interface Named @allow(read: "true") @index(fields: ["nme"]) @path(is: "named") @single {
 2 │   name: String! @length(max: 10)
   ·                 ────────┬───────
   ·                         ╰── in the interface
 3 │   rank: Int @default(to: "high")
   ╰────
   ╭─[model.graphql:6:44]
 5 │ interface Unused { a: Int }
 6 │ type Post implements Named { name: String! @length(max: 20) other: Named }
   ·                                            ────────┬───────
   ·                                                    ╰── again here
 7 │ type Note implements Named @allow(create: "true") { title: String }
   ╰────
  help: keep one of the two
"#);
}

#[test]
fn what_a_type_says_against_its_interface() {
    let model = r#"
interface Named @allow(read: "true") @index(fields: ["nme"]) {
  name: String! @length(max: 10)
  rank: Int @default(to: "high")
}
interface Unused { a: Int }
type Post implements Named { name: String! @length(max: 20) other: Named }
type Note implements Named @allow(create: "true") { title: String }
type Third implements Named { name: Int }
"#;
    assert_snapshot!(told(model.trim_start()), @r#"
refused
  × error: `@length` is written here and in the interface Named
   ╭─[model.graphql:2:17]
 1 │ interface Named @allow(read: "true") @index(fields: ["nme"]) {
 2 │   name: String! @length(max: 10)
   ·                 ────────┬───────
   ·                         ╰── in the interface
 3 │   rank: Int @default(to: "high")
   ╰────
   ╭─[model.graphql:6:44]
 5 │ interface Unused { a: Int }
 6 │ type Post implements Named { name: String! @length(max: 20) other: Named }
   ·                                            ────────┬───────
   ·                                                    ╰── again here
 7 │ type Note implements Named @allow(create: "true") { title: String }
   ╰────
  help: keep one of the two
  × error: `Third.name` is of type `Int`, but `Named.name` of the interface is `String!`
   ╭─[model.graphql:8:31]
 7 │ type Note implements Named @allow(create: "true") { title: String }
 8 │ type Third implements Named { name: Int }
   ·                               ────┬────
   ·                                   ╰── another type
   ╰────
  help: write `String!`, or leave the field out: the type gets it from the interface
"#);
}

#[test]
fn a_type_of_a_sound_interface() {
    let model = r#"
interface Named @allow(read: "true") @index(fields: ["nme"]) {
  name: String!
  rank: Int @default(to: "high")
}
interface Unused { a: Int }
type Post implements Named { other: Named }
type Note implements Named { title: String others: [Named!] }
"#;
    assert_snapshot!(told(model.trim_start()), @r#"
refused
  × error: Post has no field `nme`
   ╭─[model.graphql:1:54]
 1 │ interface Named @allow(read: "true") @index(fields: ["nme"]) {
   ·                                                      ──┬──
   ·                                                        ╰── not a field
 2 │   name: String!
   ╰────
  help: did you mean `name`?
  × error: Note has no field `nme`
   ╭─[model.graphql:1:54]
 1 │ interface Named @allow(read: "true") @index(fields: ["nme"]) {
   ·                                                      ──┬──
   ·                                                        ╰── not a field
 2 │   name: String!
   ╰────
  help: did you mean `name`?
  × error: the default of `rank` does not fit its type
   ╭─[model.graphql:3:26]
 2 │   name: String!
 3 │   rank: Int @default(to: "high")
   ·                          ───┬──
   ·                             ╰── does not fit
 4 │ }
   ╰────
  help: write a whole number, such as 42
  × error: Named is an interface and has no records
   ╭─[model.graphql:6:37]
 5 │ interface Unused { a: Int }
 6 │ type Post implements Named { other: Named }
   ·                                     ──┬──
   ·                                       ╰── not a type
 7 │ type Note implements Named { title: String others: [Named!] }
   ╰────
  help: name a type that implements it, or a union of such types: `union Target = A | B`
  × error: Named is an interface and has no records
   ╭─[model.graphql:7:53]
 6 │ type Post implements Named { other: Named }
 7 │ type Note implements Named { title: String others: [Named!] }
   ·                                                     ──┬──
   ·                                                       ╰── not a type
   ╰────
  help: name a type that implements it, or a union of such types: `union Target = A | B`
  ⚠ warning[unused-interface]: no type implements Unused
   ╭─[model.graphql:5:11]
 4 │ }
 5 │ interface Unused { a: Int }
   ·           ───┬──
   ·              ╰── implemented nowhere
 6 │ type Post implements Named { other: Named }
   ╰────
  help: write `type … implements Unused`, or remove the interface
        if it is meant: `# lint-ignore unused-interface (reason)` on the line above; see docs/lints.md#unused-
        interface
"#);
}
