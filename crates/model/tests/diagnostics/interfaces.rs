//! Interfaces, and types that implement them.

use std::collections::BTreeSet;

use apollo_compiler::ast::DirectiveLocation;
use apollo_compiler::parser::Parser;
use backstay_model::{Collection, DIRECTIVES, KeyKind, Model, SourceFile, load};
use insta::assert_snapshot;

use crate::told;

/// What a directive of types means on an interface.
enum OnInterface {
    /// Each type has it; this looks whether one does.
    Shared(&'static str, fn(&Collection) -> bool),
    /// It is about the interface itself; this looks whether it has it.
    Own(&'static str, fn(&Model) -> bool),
    /// It is refused, with this remedy.
    Refused(&'static str, &'static str),
}

/// Every directive of types, on an interface that two types implement.
const ON_INTERFACES: [(&str, OnInterface); 18] = {
    use OnInterface::{Own, Refused, Shared};
    [
        ("allow", Shared(r#"@allow(update: "true")"#, |of| of.allow[0].clauses.len() == 2)),
        ("at", Shared(r#"@at(field: "day", do: DELETE)"#, |of| of.timers.len() == 1)),
        ("check", Shared(r#"@check(rule: "this.rank > 1", message: "low")"#, |of| of.checks.len() == 1)),
        (
            "deprecated",
            Refused("@deprecated", "put it on the types that clients should stop using, or on fields of the interface"),
        ),
        (
            "embedded",
            Refused(
                "@embedded",
                "put it on the types that implement the interface; an interface itself stores nothing",
            ),
        ),
        ("exclude", Shared(r#"@exclude(from: "rank", to: "until")"#, |of| of.exclusions.len() == 1)),
        ("history", Shared(r#"@history(read: "true", keep: "9d")"#, |of| of.history.is_some())),
        ("identity", Refused("@identity", "put it on the type whose records are accounts; there is one such type")),
        ("index", Shared(r#"@index(fields: ["rank"])"#, |of| of.indexes.iter().any(|index| index.fields.len() == 1))),
        ("key", Shared("@key(type: UUID4)", |of| of.key.kind == KeyKind::Uuid4)),
        (
            "notify",
            Refused(
                r#"@notify(on: CREATE, to: "owner", channel: MAIL, template: "made")"#,
                "put it on the types that implement the interface, or remove `@notify`",
            ),
        ),
        (
            "on",
            Refused(
                r#"@on(event: CREATE, run: "noted")"#,
                "put it on the types that implement the interface, or remove `@on`",
            ),
        ),
        (
            "path",
            Own(r#"@path(is: "all")"#, |model| model.interfaces[0].path == "all" && model.collections[0].path == "as"),
        ),
        (
            "renamed",
            Refused(
                r#"@renamed(from: "Old")"#,
                "remove it; nothing is stored under the name of an interface, so it can change at any time",
            ),
        ),
        ("single", Refused("@single", "put it on each type that has just one record")),
        ("trash", Shared(r#"@trash(keep: "30d")"#, |of| of.trash.is_some())),
        ("tree", Refused(r#"@tree(parent: "up")"#, "put it on a type: the records of a tree are all of one type")),
        ("unique", Shared(r#"@unique(fields: ["rank", "until"])"#, |of| of.indexes.iter().any(|index| index.unique))),
    ]
};

#[test]
fn each_directive_of_types_is_shared_or_refused() {
    let document = Parser::new().parse_ast(DIRECTIVES, "directives.graphql").expect("it is GraphQL");
    let declared = document.definitions.iter().filter_map(|definition| definition.as_directive_definition());
    let of_types = declared.filter(|directive| directive.locations.contains(&DirectiveLocation::Object));
    let of_types: BTreeSet<&str> = of_types.map(|directive| directive.name.as_str()).collect();
    assert_eq!(ON_INTERFACES.iter().map(|(name, _)| *name).collect::<BTreeSet<_>>(), of_types);
    for (name, on_interface) in ON_INTERFACES {
        let (OnInterface::Shared(written, _) | OnInterface::Own(written, _) | OnInterface::Refused(written, _)) =
            on_interface;
        let model = format!(
            "extend schema @app(name: \"Test\")\n\
             interface Ranked {written} {{ rank: Int! until: Int day: Date }}\n\
             type A implements Ranked @allow(read: \"true\") {{ name: String }}\n\
             type B implements Ranked @allow(read: \"true\") {{ title: String }}\n"
        );
        match (on_interface, load(vec![SourceFile::app("model.graphql", model)])) {
            (OnInterface::Shared(_, has), Ok(loaded)) => {
                assert!(loaded.model.collections[..2].iter().all(has), "{name}: each type has it");
            }
            (OnInterface::Refused(_, remedy), Err(diagnostics)) => {
                let plain = diagnostics.plain();
                let [one] = plain.as_slice() else { panic!("{name}: {diagnostics}") };
                assert_eq!(one.message, format!("`@{name}` can't be used on an interface"));
                assert_eq!(one.help.as_deref(), Some(remedy));
            }
            (OnInterface::Own(_, has), Ok(loaded)) => assert!(has(&loaded.model), "{name}"),
            (OnInterface::Shared(..) | OnInterface::Own(..), Err(diagnostics)) => {
                panic!("{name} is shared: {diagnostics}")
            }
            (OnInterface::Refused(..), Ok(_)) => panic!("{name} is refused"),
        }
    }
}

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
  × error: `@single` can't be used on an interface
   ╭─[model.graphql:1:81]
 1 │ interface Named @allow(read: "true") @index(fields: ["nme"]) @path(is: "named") @single {
   ·                                                                                 ───┬───
   ·                                                                                    ╰── not here
 2 │   name: String! @length(max: 10)
   ╰────
  help: put it on each type that has just one record
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

/// What is wrong with the path of an interface.
#[test]
fn paths_that_an_interface_cannot_have() {
    let check = |model: &str, message: &str, help: &str| {
        let model = format!("extend schema @app(name: \"Test\")\n{model}");
        let Err(diagnostics) = load(vec![SourceFile::app("model.graphql", model.clone())]) else { panic!("{model}") };
        let plain = diagnostics.plain();
        let found: Vec<(&str, Option<&str>)> =
            plain.iter().map(|one| (one.message.as_str(), one.help.as_deref())).collect();
        assert_eq!(found, [(message, Some(help))], "{model}");
    };
    let read = "@allow(read: \"true\")";
    let one = format!("type A implements I {read} {{ b: Int }}");
    let two = format!("{one} type B implements I {read} {{ c: Int }}");
    check(
        &format!("interface I @path(is: \"as\") {{ a: Int }} {one}"),
        "A and I have the same path, `/api/as`",
        "write `@path(is: \"…\")` with another path on one of them",
    );
    check(
        &format!(
            "interface I @path(is: \"x\") {{ a: Int }} interface J @path(is: \"x\") {{ d: Int }} type A implements I & J {read} {{ b: Int }}"
        ),
        "I and J have the same path, `/api/x`",
        "write `@path(is: \"…\")` with another path on one of them",
    );
    check(
        &format!("interface I @path(is: \"/x\") {{ a: Int }} {one}"),
        "`/x` is not a path",
        "write the part after `/api/` alone, such as \"blog-posts\"",
    );
    check(
        &format!("interface I @path(is: \"x\") {{ a: Int }} type E @embedded implements I {{ b: Int }} type A {read} {{ e: E }}")
            .replace("type E @embedded implements I", "type E implements I @embedded"),
        "no type with records implements I",
        "write `type … implements I` on a type with records, or remove `@path`",
    );
    check(
        &format!("interface I @path(is: \"x\") @key(given: true) {{ a: Int }} {one}"),
        "clients give the ids of A, so a record of another type of I could have the same one",
        "remove `given: true`, or the interface's `@path`",
    );
    check(
        &format!(
            "interface I @path(is: \"x\") {{ a: Decimal }} {}",
            two.replace("{ c: Int }", "{ a: Decimal @precision(digits: 9, scale: 2) c: Int }")
        ),
        "`a` of A and of B are not of the same form",
        "I has a path, at which its types are ordered and filtered together: declare the field alike in both",
    );
    check(
        &format!(
            "interface I @path(is: \"x\") {{ a: Int }} {}",
            two.replace("{ c: Int }", "{ a: Int @computed(is: \"1\") c: Int }")
        ),
        "`a` of A and of B are not of the same form",
        "I has a path, at which its types are ordered and filtered together: declare the field alike in both",
    );
}
