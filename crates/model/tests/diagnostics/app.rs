//! The application, its named rules, roles and accounts.

use insta::assert_snapshot;

use crate::told;

#[test]
fn two_rules_of_one_name() {
    let model = r#"
extend schema @rule(name: "a", is: "true") @rule(name: "a", is: "false")
"#;
    assert_snapshot!(told(model.trim_start()), @r#"
refused
  × error: the rule `a` is defined twice
   ╭─[model.graphql:1:15]
 1 │ extend schema @rule(name: "a", is: "true") @rule(name: "a", is: "false")
   ·               ──────────────┬───────────── ──────────────┬──────────────
   ·                             │                            ╰── again here
   ·                             ╰── first here
   ╰────
  help: remove one of the two, or give it another name
"#);
}

#[test]
fn rules_that_cannot_be_named() {
    let model = r#"
extend schema @rule(name: "now", is: "true") @rule(name: "a b", is: "true") @rule(name: "c", is: "  ")
"#;
    assert_snapshot!(told(model.trim_start()), @r#"
refused
  × error: `now` is a word of the rule language
   ╭─[model.graphql:1:27]
 1 │ extend schema @rule(name: "now", is: "true") @rule(name: "a b", is: "true") @rule(name: "c", is: "  ")
   ·                           ──┬──
   ·                             ╰── not a name
   ╰────
  help: give the rule another name
  × error: `a b` cannot name a rule
   ╭─[model.graphql:1:58]
 1 │ extend schema @rule(name: "now", is: "true") @rule(name: "a b", is: "true") @rule(name: "c", is: "  ")
   ·                                                          ──┬──
   ·                                                            ╰── not a name
   ╰────
  help: a name has up to 48 letters, digits and underscores, and starts with a letter
  × error: the rule is empty
   ╭─[model.graphql:1:98]
 1 │ extend schema @rule(name: "now", is: "true") @rule(name: "a b", is: "true") @rule(name: "c", is: "  ")
   ·                                                                                                  ──┬─
   ·                                                                                                    ╰── nothing in it
   ╰────
  help: write an expression such as "auth.id != null"; "true" allows everyone
"#);
}

#[test]
fn two_names() {
    let model = r#"
extend schema @app(name: "Again")
"#;
    assert_snapshot!(told(model.trim_start()), @r#"
refused
  × error: @app is written twice
   ╭─[model.graphql:1:15]
 1 │ extend schema @app(name: "Again")
   ·               ─────────┬─────────
   ·                        ╰── again here
   ╰────
  help: keep one of the two
"#);
}

#[test]
fn two_role_enums() {
    let model = r"
enum Role @roles { A }
enum Other @roles { B @initial }
";
    assert_snapshot!(told(model.trim_start()), @r#"
refused
  × error: two enums are marked `@roles`
   ╭─[model.graphql:1:6]
 1 │ enum Role @roles { A }
   ·      ──┬─
   ·        ╰── first here
 2 │ enum Other @roles { B @initial }
   ·      ──┬──
   ·        ╰── again here
   ╰────
  help: put all roles into one enum
  × error: roles have no states
   ╭─[model.graphql:2:6]
 1 │ enum Role @roles { A }
 2 │ enum Other @roles { B @initial }
   ·      ──┬──
   ·        ╰── marked `@roles`
   ╰────
  help: remove `@initial` and `@to`, or use another enum for the states
"#);
}

#[test]
fn two_identity_types() {
    let model = r#"
type User @identity @allow(read: "true") {
  email: Email! @unique
}
type Person @identity @allow(read: "true") {
  email: Email! @unique
}
"#;
    assert_snapshot!(told(model.trim_start()), @r#"
refused
  × error: two types are marked `@identity`
   ╭─[model.graphql:1:6]
 1 │ type User @identity @allow(read: "true") {
   ·      ──┬─
   ·        ╰── first here
 2 │   email: Email! @unique
 3 │ }
 4 │ type Person @identity @allow(read: "true") {
   ·      ───┬──
   ·         ╰── again here
 5 │   email: Email! @unique
   ╰────
  help: the people who sign in are records of one type; tell them apart by a field or by roles
"#);
}

#[test]
fn identity_without_email() {
    let model = r#"
type User @identity @allow(read: "true") {
  name: String!
}
"#;
    assert_snapshot!(told(model.trim_start()), @r#"
refused
  × error: User is marked `@identity` and has no `email: Email! @unique`
   ╭─[model.graphql:1:6]
 1 │ type User @identity @allow(read: "true") {
   ·      ──┬─
   ·        ╰── no field `email`
 2 │   name: String!
   ╰────
  help: write `email: Email! @unique`
"#);
}

#[test]
fn identity_with_an_email_that_is_not_unique() {
    let model = r#"
type User @identity @allow(read: "true") {
  email: Email!
}
"#;
    assert_snapshot!(told(model.trim_start()), @r#"
refused
  × error: User is marked `@identity` and has no `email: Email! @unique`
   ╭─[model.graphql:2:3]
 1 │ type User @identity @allow(read: "true") {
 2 │   email: Email!
   ·   ──┬──
   ·     ╰── not `Email! @unique`
 3 │ }
   ╰────
  help: write `email: Email! @unique`
"#);
}
