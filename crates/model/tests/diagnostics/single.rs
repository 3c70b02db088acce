//! Types with one record.

use insta::assert_snapshot;

use crate::told;

#[test]
fn nobody_creates_or_deletes_the_record() {
    let model = r#"
type Settings @single @allow(read: "true", create: "true", update: "true", delete: "true") {
  title: String
}
type Account @identity @single @allow(read: "true") {
  email: Email! @unique
}
"#;
    assert_snapshot!(told(model.trim_start()), @r#"
refused
  × error: nobody can create a Settings: it has exactly one record
   ╭─[model.graphql:1:52]
 1 │ type Settings @single @allow(read: "true", create: "true", update: "true", delete: "true") {
   ·                                                    ───┬──
   ·                                                       ╰── `create:` of a `@single` type
 2 │   title: String
   ╰────
  help: remove `create:`; `update:` says who may change the record
  × error: nobody can delete a Settings: it has exactly one record
   ╭─[model.graphql:1:84]
 1 │ type Settings @single @allow(read: "true", create: "true", update: "true", delete: "true") {
   ·                                                                                    ───┬──
   ·                                                                                       ╰── `delete:` of a `@single` type
 2 │   title: String
   ╰────
  help: remove `delete:`; `update:` says who may change the record
  × error: Account is marked `@identity` and `@single`
   ╭─[model.graphql:4:6]
 3 │ }
 4 │ type Account @identity @single @allow(read: "true") {
   ·      ───┬───
   ·         ╰── one account for everybody
 5 │   email: Email! @unique
   ╰────
  help: remove one of the two
"#);
}

#[test]
fn the_record_begins_with_defaults() {
    let model = r#"
enum State { DRAFT @initial @to(state: "DONE") DONE }
type Settings @single @allow(read: "true") {
  title: String!
  logo: Picture!
  theme: String! @default(to: "light")
  state: State!
  changedAt: DateTime! @set(on: WRITE, to: "now")
}
type Picture @allow(read: "true") {
  url: Url
}
"#;
    assert_snapshot!(told(model.trim_start()), @r#"
refused
  × error: `Settings.title` is required, but the record is created without a value for it
   ╭─[model.graphql:3:3]
 2 │ type Settings @single @allow(read: "true") {
 3 │   title: String!
   ·   ──┬──
   ·     ╰── required, and without a default
 4 │   logo: Picture!
   ╰────
  help: write `@default(to: …)`, or remove the `!`: Backstay creates the record from the defaults
  × error: `Settings.logo` is required, but the record is created without a value for it
   ╭─[model.graphql:4:3]
 3 │   title: String!
 4 │   logo: Picture!
   ·   ──┬─
   ·     ╰── required, and without a default
 5 │   theme: String! @default(to: "light")
   ╰────
  help: remove the `!`: Backstay creates the record before anybody can choose
"#);
}

#[test]
fn nothing_refers_to_the_record() {
    let model = r#"
type Settings @single @allow(read: "true") {
  title: String
}
type Picture @allow(read: "true") {
  settings: Settings
  all: [Settings!]
}
"#;
    assert_snapshot!(told(model.trim_start()), @r#"
refused
  × error: `Picture.settings` refers to Settings, which has one record
   ╭─[model.graphql:1:6]
 1 │ type Settings @single @allow(read: "true") {
   ·      ────┬───
   ·          ╰── `@single`
 2 │   title: String
   ╰────
   ╭─[model.graphql:5:3]
 4 │ type Picture @allow(read: "true") {
 5 │   settings: Settings
   ·   ────┬───
   ·       ╰── always the same record
 6 │   all: [Settings!]
   ╰────
  help: remove the field; clients read the record at `/api/settings`
  × error: `Picture.all` refers to Settings, which has one record
   ╭─[model.graphql:1:6]
 1 │ type Settings @single @allow(read: "true") {
   ·      ────┬───
   ·          ╰── `@single`
 2 │   title: String
   ╰────
   ╭─[model.graphql:6:3]
 5 │   settings: Settings
 6 │   all: [Settings!]
   ·   ─┬─
   ·    ╰── always the same record
 7 │ }
   ╰────
  help: remove the field; clients read the record at `/api/settings`
"#);
}

#[test]
fn single_in_the_wrong_place() {
    let model = r#"
type Settings @single @single @allow(read: "true") {
  title: String @single
}
type Other @single(of: "x") @allow(read: "true") { a: Int }
enum Mood @single { GOOD BAD }
"#;
    assert_snapshot!(told(model.trim_start()), @r#"
refused
  × error: @single is written twice
   ╭─[model.graphql:1:23]
 1 │ type Settings @single @single @allow(read: "true") {
   ·                       ───┬───
   ·                          ╰── again here
 2 │   title: String @single
   ╰────
  help: keep one of the two
  × error: `@single` can't be used on a field
   ╭─[model.graphql:2:17]
 1 │ type Settings @single @single @allow(read: "true") {
 2 │   title: String @single
   ·                 ───┬───
   ·                    ╰── not here
 3 │ }
   ╰────
  help: put it on the type
  × error: `@single` takes no argument `of`
   ╭─[model.graphql:4:20]
 3 │ }
 4 │ type Other @single(of: "x") @allow(read: "true") { a: Int }
   ·                    ───┬───
   ·                       ╰── not an argument of it
 5 │ enum Mood @single { GOOD BAD }
   ╰────
  help: write `@single` alone
  × error: `@single` can't be used on this
   ╭─[model.graphql:5:11]
 4 │ type Other @single(of: "x") @allow(read: "true") { a: Int }
 5 │ enum Mood @single { GOOD BAD }
   ·           ───┬───
   ·              ╰── not here
   ╰────
  help: put it on the type
"#);
}

#[test]
fn the_path_is_not_in_the_plural() {
    let model = r#"
type SiteSettings @single @allow(read: "true") { a: Int }
type SiteSetting @path(is: "site-settings") @allow(read: "true") { a: Int }
type Home @single @path(is: "start") @allow(read: "true") { a: Int }
"#;
    assert_snapshot!(told(model.trim_start()), @r#"
refused
  × error: SiteSettings and SiteSetting have the same path, `/api/site-settings`
   ╭─[model.graphql:1:6]
 1 │ type SiteSettings @single @allow(read: "true") { a: Int }
   ·      ──────┬─────
   ·            ╰── this
 2 │ type SiteSetting @path(is: "site-settings") @allow(read: "true") { a: Int }
   ·      ─────┬─────
   ·           ╰── and this
 3 │ type Home @single @path(is: "start") @allow(read: "true") { a: Int }
   ╰────
  help: write `@path(is: "…")` on one of them
"#);
}
